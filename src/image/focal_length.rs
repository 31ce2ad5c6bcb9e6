//! Orientation and focal length from a photo's EXIF block.
//!
//! Cameras describe their sensors in different ways, so only the 35 mm equivalent is read (tag 0xA405, EXIF 2.32):
//! the focal length which a frame of 36 x 24 mm needs for the same angle of view across its diagonal. It holds for
//! the photo at any size, as long as nothing was cut off.

use std::io::Cursor;
use std::path::Path;

use exif::{In, Reader, Tag};
use image::metadata::Orientation;
use image::{ImageDecoder, ImageReader};

use super::raw::Raw;
use super::{DecodeOptions, read_file};

/// The diagonal of a frame of 36 x 24 mm, in millimetres.
const DIAGONAL_MM: f64 = 43.266_615_305_567_87;

/// Orientation of the pixels of a photo file; upright where the file cannot be read or has no such entry.
pub fn orientation(path: impl AsRef<Path>, options: &DecodeOptions) -> Orientation {
    camera(path, options).0
}

/// The focal length of a photo file in pixels of the photo at its own size; none where the file cannot be read or
/// has no such entry.
pub fn focal_length_px(path: impl AsRef<Path>, options: &DecodeOptions) -> Option<f64> {
    camera(path, options).1
}

/// What [`orientation`] and [`focal_length_px`] give, read from the file once.
pub(crate) fn camera(
    path: impl AsRef<Path>,
    options: &DecodeOptions,
) -> (Orientation, Option<f64>) {
    let bytes = read_file(path.as_ref(), options).unwrap_or_default();
    let orientation = decoder(&bytes).and_then(|mut decoder| decoder.orientation().ok());
    (
        orientation.unwrap_or(Orientation::NoTransforms),
        focal_length_of(&bytes),
    )
}

fn focal_length_of(bytes: &[u8]) -> Option<f64> {
    let mut decoder = decoder(bytes)?;
    let block = decoder.exif_metadata().ok()??;
    let (width, height) = decoder.dimensions();
    let exif = Reader::new().read_raw(block).ok()?;
    let field = exif.get_field(Tag::FocalLengthIn35mmFilm, In::PRIMARY)?;
    let millimetres = f64::from(field.value.get_uint(0)?);
    // Zero stands for "unknown" there.
    let pixels = millimetres / DIAGONAL_MM * f64::from(width).hypot(f64::from(height));
    (pixels > 0.0).then_some(pixels)
}

/// Decoder of the metadata; none of a raw file, whose size is not that of its preview.
fn decoder(bytes: &[u8]) -> Option<impl ImageDecoder> {
    if Raw::read(bytes).is_some() {
        return None;
    }
    let reader = ImageReader::new(Cursor::new(bytes));
    reader.with_guessed_format().ok()?.into_decoder().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ImageEncoder, RgbImage, codecs::jpeg::JpegEncoder};

    /// An EXIF block whose sub-directory holds one number under `tag`.
    fn block(tag: u16, value: u16) -> Vec<u8> {
        let mut bytes = b"II*\0\x08\0\0\0".to_vec();
        for (tag, kind, value) in [(0x8769, 4u16, 26u32), (tag, 3, value.into())] {
            bytes.extend(1u16.to_le_bytes());
            bytes.extend(tag.to_le_bytes());
            bytes.extend(kind.to_le_bytes());
            bytes.extend(1u32.to_le_bytes());
            bytes.extend(value.to_le_bytes());
            bytes.extend(0u32.to_le_bytes());
        }
        bytes
    }

    fn told_by(exif: Option<Vec<u8>>) -> Option<f64> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("photo.jpg");
        let mut bytes = Vec::new();
        let mut encoder = JpegEncoder::new(&mut bytes);
        if let Some(exif) = exif {
            encoder.set_exif_metadata(exif).unwrap();
        }
        encoder.encode_image(&RgbImage::new(40, 30)).unwrap();
        std::fs::write(&path, bytes).unwrap();
        focal_length_px(&path, &DecodeOptions::default())
    }

    #[test]
    fn the_equivalent_is_by_the_diagonal() {
        let focal_length = told_by(Some(block(0xa405, 28))).unwrap();
        assert!((focal_length - 28.0 / DIAGONAL_MM * 50.0).abs() < 1e-9);
    }

    #[test]
    fn what_is_not_told_is_not_guessed() {
        assert_eq!(told_by(None), None);
        assert_eq!(told_by(Some(block(0xa405, 0))), None);
        assert_eq!(told_by(Some(block(0xa403, 1))), None);
        assert_eq!(told_by(Some(b"II*\0no directory".to_vec())), None);
        let missing = Path::new("missing.jpg");
        assert_eq!(focal_length_px(missing, &DecodeOptions::default()), None);
        let camera = camera(missing, &DecodeOptions::default());
        assert_eq!(camera, (Orientation::NoTransforms, None));
    }

    #[test]
    fn a_file_is_read_once_for_both() {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
        let options = DecodeOptions::default();
        for name in ["orientation_6.jpg", "orientation_6.webp", "grey8.jpg"] {
            let path = data.join(name);
            let both = (
                orientation(&path, &options),
                focal_length_px(&path, &options),
            );
            assert_eq!(camera(&path, &options), both);
            let is_turned = name.starts_with("orientation");
            assert_eq!(both.0 == Orientation::Rotate90, is_turned, "{name}");
        }
    }
}
