//! Bytes of a photo file -> upright sRGB pixels.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};
use jxl_oxide::JxlImage;
use jxl_oxide::integration::JxlDecoder;

use super::profile::Conversion;
use super::raw::Raw;
use super::{DecodeOptions, avif, kind};
use crate::error::{Error, Result};

/// Limits of decoding, and the path that errors name.
pub(super) struct Source<'a> {
    pub path: &'a Path,
    pub options: &'a DecodeOptions,
}

impl Source<'_> {
    /// The error for a file that cannot be decoded; its reason on one line.
    pub fn fail(&self, reason: impl std::fmt::Display) -> Error {
        let reason = reason.to_string();
        Error::Decode {
            path: self.path.to_owned(),
            reason: reason.split_whitespace().collect::<Vec<_>>().join(" "),
        }
    }

    /// Refuses a size without pixels or beyond the limit.
    pub fn check_size(&self, width: u32, height: u32) -> Result<()> {
        if width == 0 || height == 0 {
            return Err(self.fail("it has no pixels"));
        }
        if u64::from(width) * u64::from(height) > self.options.max_pixels {
            return Err(Error::TooManyPixels {
                path: self.path.to_owned(),
                width,
                height,
                max_pixels: self.options.max_pixels,
            });
        }
        Ok(())
    }

    /// Room for four channels of 16 bits and for a decoder's own copy.
    fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        limits.max_alloc = Some(self.options.max_pixels.saturating_mul(16));
        limits
    }
}

/// Output of a decoder.
pub(super) struct Decoded {
    pub pixels: DynamicImage,
    /// Orientation of the pixels.
    pub orientation: Orientation,
    /// Conversion of the pixels to sRGB, where they are not.
    pub conversion: Option<Conversion>,
}

/// The upright sRGB pixels of a photo file; transparent ones are laid over white.
pub(super) fn decode(bytes: &[u8], source: &Source<'_>) -> Result<RgbImage> {
    caught(source, || upright(bytes, source))
}

/// The result of `decode`. A panic inside a decoder, on a damaged file, becomes the error of this photo, so that a run
/// over a folder goes on.
fn caught<T>(source: &Source<'_>, decode: impl FnOnce() -> Result<T>) -> Result<T> {
    // Unwind-safe: the state of the closure is dropped.
    let decoded = catch_unwind(AssertUnwindSafe(decode));
    decoded.unwrap_or_else(|_| Err(source.fail("its decoder failed")))
}

fn upright(bytes: &[u8], source: &Source<'_>) -> Result<RgbImage> {
    let mut decoded = decode_as_stored(bytes, source)?;
    decoded.pixels.apply_orientation(decoded.orientation);
    let mut pixels = opaque_rgb8(decoded.pixels);
    if let Some(conversion) = decoded.conversion {
        conversion.apply(&mut pixels);
    }
    Ok(pixels)
}

fn decode_as_stored(bytes: &[u8], source: &Source<'_>) -> Result<Decoded> {
    if bytes.is_empty() {
        return Err(source.fail("the file is empty"));
    }
    let head = &bytes[..bytes.len().min(kind::HEAD_BYTES)];
    if kind::is_avif(head) {
        return avif::decode(bytes, source);
    }
    if kind::is_heic(head) {
        #[cfg(feature = "heic")]
        return super::heic::decode(bytes, source);
        #[cfg(not(feature = "heic"))]
        return Err(source.fail(format!("a HEIC file; {}", kind::HEIC_ADVICE)));
    }
    if kind::is_cr3(head) {
        return Err(source
            .fail("a camera raw file (CR3), which delfin does not read; save it as JPEG or PNG"));
    }
    if kind::is_jpeg_xl(head) {
        return decode_jpeg_xl(bytes, source);
    }
    if let Some(raw) = Raw::read(bytes) {
        return raw.decode(source);
    }
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|e| source.fail(e))?;
    // The `image` crate reads this format but does not detect it.
    if kind::is_big_tiff(bytes) {
        reader.set_format(ImageFormat::Tiff);
    }
    if reader.format().is_none() {
        return Err(
            source.fail("not a JPEG, PNG, WebP, TIFF, BMP, GIF, JPEG XL, AVIF or camera raw file")
        );
    }
    if reader.format() == Some(ImageFormat::Jpeg) && !jpeg_has_end(bytes) {
        return Err(source.fail("the file is cut off: it has no end of image"));
    }
    // The decoder refuses a row beyond the limit of memory before it tells the size.
    if reader.format() == Some(ImageFormat::Png)
        && let Some((width, height)) = png_size(bytes)
    {
        source.check_size(width, height)?;
    }
    reader.limits(source.limits());
    let decoder = reader.into_decoder().map_err(|e| source.fail(e))?;
    decoded(decoder, source)
}

/// The size that a PNG's first chunk declares.
fn png_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let (width, rest) = bytes
        .strip_prefix(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")?
        .split_first_chunk()?;
    let height = rest.first_chunk()?;
    Some((u32::from_be_bytes(*width), u32::from_be_bytes(*height)))
}

fn decode_jpeg_xl(bytes: &[u8], source: &Source<'_>) -> Result<Decoded> {
    let image = JxlImage::builder().read(Cursor::new(bytes));
    if !image.map_err(|e| source.fail(e))?.is_loading_done() {
        return Err(source.fail("the file is cut off"));
    }
    let decoder = JxlDecoder::new(Cursor::new(bytes)).map_err(|e| source.fail(e))?;
    Ok(Decoded {
        // The decoder turns by the codestream's orientation; EXIF only repeats it.
        orientation: Orientation::NoTransforms,
        ..decoded(decoder, source)?
    })
}

/// The pixels of a decoder, within the limits, with orientation and colour conversion by its metadata.
pub(super) fn decoded(mut decoder: impl ImageDecoder, source: &Source<'_>) -> Result<Decoded> {
    let (width, height) = decoder.dimensions();
    source.check_size(width, height)?;
    decoder
        .set_limits(source.limits())
        .map_err(|e| source.fail(e))?;
    // Metadata that cannot be read is no reason to refuse the pixels.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let profile = decoder.icc_profile().ok().flatten();
    let pixels = DynamicImage::from_decoder(decoder).map_err(|e| source.fail(e))?;
    let conversion =
        profile.and_then(|profile| Conversion::from_icc(&profile, pixels.color().has_color()));
    Ok(Decoded {
        pixels,
        orientation,
        conversion,
    })
}

/// The marker that these bytes of a JPEG begin with, fill bytes skipped, and the bytes after it.
pub(super) fn jpeg_marker(mut rest: &[u8]) -> Option<(u8, &[u8])> {
    while let [0xff, 0xff, ..] = rest {
        rest = &rest[1..];
    }
    match rest {
        [0xff, marker, more @ ..] => Some((*marker, more)),
        _ => None,
    }
}

/// The bytes after a segment of a JPEG, given from its length on; none where the file ends before.
pub(super) fn after_jpeg_segment(segment: &[u8]) -> Option<&[u8]> {
    let [high, low, ..] = *segment else {
        return None;
    };
    segment.get(usize::from(u16::from_be_bytes([high, low])).max(2)..)
}

/// Whether the end of image follows a JPEG's compressed pixels. Its decoder fills the missing part of a file that
/// was cut off with grey, and grey is alike in any two photos.
pub(super) fn jpeg_has_end(bytes: &[u8]) -> bool {
    let mut rest = bytes.get(2..).unwrap_or_default();
    // Segments up to the start of scan; a thumbnail's own end lies within one.
    while let Some((marker, segment)) = jpeg_marker(rest)
        && marker != 0xda
    {
        rest = after_jpeg_segment(segment).unwrap_or_default();
    }
    rest.windows(2).any(|pair| pair == [0xff, 0xd9])
}

/// Eight-bit RGB, transparent pixels laid over white.
fn opaque_rgb8(decoded: DynamicImage) -> RgbImage {
    if !decoded.color().has_alpha() {
        return decoded.into_rgb8();
    }
    let rgba = decoded.into_rgba8();
    let mut rgb = RgbImage::new(rgba.width(), rgba.height());
    for (target, source) in rgb.pixels_mut().zip(rgba.pixels()) {
        let alpha = u32::from(source[3]);
        for channel in 0..3 {
            let over_white = u32::from(source[channel]) * alpha + 255 * (255 - alpha);
            target[channel] = ((over_white + 127) / 255) as u8;
        }
    }
    rgb
}

#[cfg(test)]
mod tests {
    use super::super::Photo;
    use super::*;

    #[test]
    fn transparent_pixels_are_white() {
        let rgba = image::RgbaImage::from_raw(2, 1, vec![9, 9, 9, 0, 10, 20, 30, 255]).unwrap();
        let rgb = opaque_rgb8(DynamicImage::ImageRgba8(rgba));
        assert_eq!(rgb.into_raw(), vec![255, 255, 255, 10, 20, 30]);
    }

    #[test]
    fn a_decoder_that_panics_is_an_error_of_the_photo() {
        let (path, options) = (Path::new("x.jpg"), &DecodeOptions::default());
        let source = Source { path, options };
        assert_eq!(caught(&source, || Ok(3)).unwrap(), 3);
        let failed = caught(&source, || -> Result<()> { panic!("index out of bounds") });
        let message = failed.unwrap_err().to_string();
        assert_eq!(message, "x.jpg: not a readable photo: its decoder failed");
    }

    #[test]
    fn a_png_of_any_size_beyond_the_limit_is_told_with_the_limit() {
        let mut png = Vec::new();
        RgbImage::new(1, 1)
            .write_to(&mut Cursor::new(&mut png), ImageFormat::Png)
            .unwrap();
        assert_eq!(png_size(&png), Some((1, 1)));
        assert_eq!(png_size(&png[..20]), None);
        for side in [100_000_u32, i32::MAX as u32] {
            png[16..20].copy_from_slice(&side.to_be_bytes());
            png[20..24].copy_from_slice(&side.to_be_bytes());
            let error = Photo::decode(&png, "x.png", &DecodeOptions::default()).unwrap_err();
            let message = error.to_string();
            assert!(
                message.starts_with(&format!(
                    "x.png: {side} x {side} pixels are more than the limit"
                )),
                "{message}"
            );
        }
    }

    #[test]
    fn a_jpeg_that_is_cut_off_is_told_from_a_whole_one() {
        let mut bytes = Vec::new();
        image::codecs::jpeg::JpegEncoder::new(&mut bytes)
            .encode_image(&RgbImage::new(64, 64))
            .unwrap();
        let decode = |bytes: &[u8]| Photo::decode(bytes, "x.jpg", &DecodeOptions::default());
        assert!(decode(&bytes).is_ok());
        for length in 0..bytes.len() {
            assert!(!jpeg_has_end(&bytes[..length]) && decode(&bytes[..length]).is_err());
        }
        // What stands behind the end, and the end of a thumbnail in a segment, do not count.
        let followed = [bytes.as_slice(), b"more"].concat();
        assert!(decode(&followed).is_ok());
        let thumbnail = b"\xff\xd8\xff\xe1\x00\x06\xff\xd8\xff\xd9\xff\xda\x00\x02";
        assert!(!jpeg_has_end(thumbnail));
    }
}
