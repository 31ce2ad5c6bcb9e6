//! HEIC: still pictures of HEVC in the HEIF container, by the system's libheif and its HEVC decoder.

use std::sync::LazyLock;

use image::{DynamicImage, RgbImage, RgbaImage};
use libheif_rs::{ColorSpace, HeifContext, LibHeif, RgbChroma};

use super::Orientation;
use super::decode::{Decoded, Source};
use super::profile::Conversion;
use crate::error::Result;

/// Kept for the life of the process: the last one to go unloads the decoders.
static LIBHEIF: LazyLock<LibHeif> = LazyLock::new(LibHeif::new);

/// The upright pixels of a HEIC file; libheif cuts and turns them.
///
/// # Errors
/// [`crate::Error::Decode`] for a file that is damaged or of a kind that libheif has no decoder for,
/// [`crate::Error::TooManyPixels`].
pub(super) fn decode(bytes: &[u8], source: &Source<'_>) -> Result<Decoded> {
    let fail = |error: libheif_rs::HeifError| source.fail(format!("libheif: {error}"));
    let mut context = HeifContext::read_from_bytes(bytes).map_err(fail)?;
    // Photos are read beside each other.
    context.set_max_decoding_threads(0);
    let handle = context.primary_image_handle().map_err(fail)?;
    source.check_size(handle.width(), handle.height())?;
    let (chroma, channels) = match handle.has_alpha_channel() {
        true => (RgbChroma::Rgba, 4),
        false => (RgbChroma::Rgb, 3),
    };
    let image = LIBHEIF
        .decode(&handle, ColorSpace::Rgb(chroma), None)
        .map_err(fail)?;
    let pixels = image.planes().interleaved.and_then(|plane| {
        let row_bytes = plane.width as usize * channels;
        let rows = plane.data.chunks(plane.stride).take(plane.height as usize);
        let samples: Option<Vec<&[u8]>> = rows.map(|row| row.get(..row_bytes)).collect();
        let samples = samples?.concat();
        let (width, height) = (plane.width, plane.height);
        Some(match channels {
            4 => DynamicImage::ImageRgba8(RgbaImage::from_raw(width, height, samples)?),
            _ => DynamicImage::ImageRgb8(RgbImage::from_raw(width, height, samples)?),
        })
    });
    let pixels = pixels.ok_or_else(|| source.fail("libheif gives no pixels"))?;
    source.check_size(pixels.width(), pixels.height())?;
    let conversion = match (handle.color_profile_raw(), handle.color_profile_nclx()) {
        (Some(profile), _) => Conversion::from_icc(&profile.data, true),
        (None, Some(colours)) => Conversion::from_code_points(
            colours.color_primaries() as u8,
            colours.transfer_characteristics() as u8,
        ),
        (None, None) => None,
    };
    Ok(Decoded {
        pixels,
        orientation: Orientation::NoTransforms,
        conversion,
    })
}
