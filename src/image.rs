//! Photos: decoding within limits, orientation, colour profiles, and resizing.
//!
//! A [`Photo`] is upright 8-bit sRGB. Sixteen-bit samples are scaled, grey is repeated, transparent
//! pixels are laid over white, of an animation the first frame is taken, of a camera's raw file the
//! preview. Its content hash, the SHA-256 of the file's bytes, names it whatever its path.

use std::path::{Path, PathBuf};

use fast_image_resize as fir;
use fir::images::{TypedImage, TypedImageRef};
use fir::pixels::U8x3;
use image::RgbImage;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use decode::Source;

mod avif;
mod decode;
mod focal_length;
#[cfg(feature = "heic")]
mod heic;
pub(crate) mod kind;
mod profile;
mod raw;
mod sharpness;

pub use ::image::metadata::Orientation;
pub(crate) use focal_length::camera;
pub use focal_length::{focal_length_px, orientation};
pub use sharpness::sharpness;

/// Limits of decoding.
#[derive(Debug, Clone, PartialEq)]
pub struct DecodeOptions {
    /// Photos that declare more pixels than this (width times height) are refused before a pixel is
    /// decoded.
    pub max_pixels: u64,
    /// Files longer than this, in bytes, are refused before they are read.
    pub max_file_bytes: u64,
}

impl Default for DecodeOptions {
    fn default() -> Self {
        Self {
            max_pixels: 250_000_000,
            max_file_bytes: 1 << 30,
        }
    }
}

impl DecodeOptions {
    /// Checks every field.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for a limit of 0.
    pub fn validate(&self) -> Result<()> {
        if self.max_pixels == 0 {
            return Err(Error::option("max_pixels", "must be at least 1"));
        }
        if self.max_file_bytes == 0 {
            return Err(Error::option("max_file_bytes", "must be at least 1"));
        }
        Ok(())
    }
}

/// The bytes of a photo file.
///
/// # Errors
/// [`Error::Io`] when it cannot be read, [`Error::Decode`] when it is longer than the limit,
/// [`Error::InvalidOption`].
pub fn read_file(path: &Path, options: &DecodeOptions) -> Result<Vec<u8>> {
    options.validate()?;
    let io = |source| Error::io(path, source);
    let metadata = std::fs::metadata(path).map_err(io)?;
    if metadata.is_dir() {
        return Err(io(std::io::ErrorKind::IsADirectory.into()));
    }
    let refuse_length = || Error::Decode {
        path: path.to_owned(),
        reason: format!("the file is longer than {} bytes", options.max_file_bytes),
    };
    if metadata.len() > options.max_file_bytes {
        return Err(refuse_length());
    }
    // The metadata of a pipe or a growing file give no valid length, so the read is bounded too.
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(io)?;
    std::io::Read::read_to_end(
        &mut std::io::Read::take(file, options.max_file_bytes.saturating_add(1)),
        &mut bytes,
    )
    .map_err(io)?;
    if bytes.len() as u64 > options.max_file_bytes {
        return Err(refuse_length());
    }
    Ok(bytes)
}

/// Identity of a photo, independent of its path: the SHA-256 of its file's bytes.
pub fn content_hash(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// A decoded photo, upright.
#[derive(Debug, Clone)]
pub struct Photo {
    path: PathBuf,
    pixels: RgbImage,
    content_hash: [u8; 32],
}

impl Photo {
    /// Reads and decodes the file at `path`; the format is detected from its bytes, not its name.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read, [`Error::Decode`] when it is no photo,
    /// [`Error::TooManyPixels`] when it is over the limit.
    pub fn open(path: impl AsRef<Path>, options: &DecodeOptions) -> Result<Self> {
        let path = path.as_ref();
        Self::decode(&read_file(path, options)?, path, options)
    }

    /// Decodes the bytes of a photo file; `path` only names it in errors and results.
    ///
    /// # Errors
    /// [`Error::Decode`] when the bytes are no photo, [`Error::TooManyPixels`] when it is over the
    /// limit.
    pub fn decode(bytes: &[u8], path: impl AsRef<Path>, options: &DecodeOptions) -> Result<Self> {
        options.validate()?;
        let path = path.as_ref();
        Ok(Self {
            path: path.to_owned(),
            pixels: decode::decode(bytes, &Source { path, options })?,
            content_hash: content_hash(bytes),
        })
    }

    /// A photo from pixels in memory; its content hash is taken over its size and pixels.
    ///
    /// # Errors
    /// [`Error::Decode`] when it has no pixels.
    pub fn from_pixels(pixels: RgbImage, path: impl AsRef<Path>) -> Result<Self> {
        if pixels.is_empty() {
            return Err(Error::Decode {
                path: path.as_ref().to_owned(),
                reason: "it has no pixels".into(),
            });
        }
        let content_hash = Sha256::new()
            .chain_update(pixels.width().to_le_bytes())
            .chain_update(pixels.height().to_le_bytes())
            .chain_update(pixels.as_raw())
            .finalize()
            .into();
        Ok(Self {
            path: path.as_ref().to_owned(),
            pixels,
            content_hash,
        })
    }

    /// Where it was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The upright pixels.
    pub fn pixels(&self) -> &RgbImage {
        &self.pixels
    }

    /// Width in pixels, upright; at least 1.
    pub fn width(&self) -> u32 {
        self.pixels.width()
    }

    /// Height in pixels, upright; at least 1.
    pub fn height(&self) -> u32 {
        self.pixels.height()
    }

    /// SHA-256 of the file's bytes.
    pub fn content_hash(&self) -> &[u8; 32] {
        &self.content_hash
    }
}

/// Resizes with an antialiasing triangle filter; a size of 0 is taken as 1. The result does not
/// depend on the processor.
pub(crate) fn resize_rgb(pixels: &RgbImage, width: u32, height: u32) -> RgbImage {
    let (width, height) = (width.max(1), height.max(1));
    if (width, height) == pixels.dimensions() {
        return pixels.clone();
    }
    let mut resized = vec![0; width as usize * height as usize * 3];
    let options = fir::ResizeOptions::new()
        .resize_alg(fir::ResizeAlg::Convolution(fir::FilterType::Bilinear));
    // Typed views: only the code for this pixel format is compiled.
    let source =
        TypedImageRef::<U8x3>::from_buffer(pixels.width(), pixels.height(), pixels.as_raw());
    let target = TypedImage::<U8x3>::from_buffer(width, height, &mut resized);
    let done = source
        .ok()
        .zip(target.ok())
        .is_some_and(|(source, mut target)| {
            fir::Resizer::new()
                .resize_typed(&source, &mut target, &options)
                .is_ok()
        });
    debug_assert!(done, "the buffers have the sizes that they are given with");
    RgbImage::from_raw(width, height, resized).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    /// A grey photo of 2 x 1 pixels as a TIFF file with offsets of 64 bits.
    fn big_tiff() -> Vec<u8> {
        let mut bytes = b"II+\0\x08\0\0\0".to_vec();
        bytes.extend(16u64.to_le_bytes());
        // Width, height, bits, compression, photometric, strip offset, rows a strip, strip bytes.
        let entries = [
            (256u16, 2u64),
            (257, 1),
            (258, 8),
            (259, 1),
            (262, 1),
            (273, 192),
            (278, 1),
            (279, 2),
        ];
        bytes.extend((entries.len() as u64).to_le_bytes());
        for (tag, value) in entries {
            bytes.extend(tag.to_le_bytes());
            bytes.extend(4u16.to_le_bytes());
            bytes.extend(1u64.to_le_bytes());
            bytes.extend(value.to_le_bytes());
        }
        bytes.extend(0u64.to_le_bytes());
        assert_eq!(bytes.len(), 192);
        bytes.extend([10, 200]);
        bytes
    }

    #[test]
    fn a_tiff_file_of_64_bits_is_read_and_foreign_formats_are_named() {
        let open = |bytes: &[u8]| Photo::decode(bytes, "a", &DecodeOptions::default());
        let photo = open(&big_tiff()).unwrap();
        assert_eq!(photo.pixels().as_raw(), &[10, 10, 10, 200, 200, 200]);
        let cut = &big_tiff()[..100];
        let error = open(cut).unwrap_err().to_string();
        assert_eq!(error.lines().count(), 1, "{error}");
        let error = open(b"\0\0\0\x18ftypcrx \0\0\0\x01").unwrap_err();
        assert!(error.to_string().contains("CR3"), "{error}");
    }

    use super::*;

    #[test]
    fn a_resized_ramp_keeps_its_centre() {
        let ramp = RgbImage::from_fn(64, 4, |x, _| image::Rgb([x as u8 * 4; 3]));
        let half = resize_rgb(&ramp, 32, 2);
        assert_eq!(half.dimensions(), (32, 2));
        // Pixel 10 covers pixels 20 and 21, whose mean is 82.
        assert_eq!(half.get_pixel(10, 0)[0], 82);
    }

    #[test]
    fn a_limit_of_zero_is_refused() {
        let options = DecodeOptions {
            max_pixels: 0,
            ..DecodeOptions::default()
        };
        assert!(Photo::decode(b"x", "x", &options).is_err());
    }

    #[test]
    fn the_content_hash_tells_sizes_apart() {
        let hash = |w, h| {
            *Photo::from_pixels(RgbImage::new(w, h), "x")
                .unwrap()
                .content_hash()
        };
        assert_ne!(hash(2, 3), hash(3, 2));
    }
}
