//! Small copies of photos, for pages that show many.

use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;

use crate::error::{Error, Result};
use crate::image::resize_rgb;

/// Longest side of a thumbnail in a folder report, in pixels. At this size 5,000 photos make a page of
/// about 30 megabytes.
pub const THUMBNAIL_SIDE_PX: u32 = 160;

/// JPEG quality, 1 to 100: at 72 faults of a thumbnail are hard to see.
const QUALITY: u8 = 72;

/// A JPEG of `pixels` whose longest side is at most `max_side` pixels; nothing is enlarged. The same
/// pixels give the same bytes.
///
/// # Errors
/// [`Error::InvalidOption`] when `max_side` is not in 16 to 2048 or the picture is empty.
pub fn thumbnail(pixels: &RgbImage, max_side: u32) -> Result<Vec<u8>> {
    if !(16..=2048).contains(&max_side) {
        let reason = format!("{max_side} is not in 16 to 2048 pixels");
        return Err(Error::option("max_side", reason));
    }
    if pixels.is_empty() {
        return Err(Error::option("pixels", "the picture is empty"));
    }
    let (width, height) = pixels.dimensions();
    let longest = width.max(height);
    let scaled = |side: u32| {
        let side = u64::from(side) * u64::from(max_side.min(longest)) / u64::from(longest);
        u32::try_from(side).unwrap_or(max_side).max(1)
    };
    let small = resize_rgb(pixels, scaled(width), scaled(height));
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, QUALITY)
        .encode_image(&small)
        .map_err(|error| Error::option("pixels", error.to_string()))?;
    Ok(jpeg)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_side_is_bounded_and_nothing_is_enlarged() {
        for (size, expected) in [
            ((400, 300), (160, 120)),
            ((30, 400), (12, 160)),
            ((9000, 2), (160, 1)),
            ((20, 10), (20, 10)),
        ] {
            let photo = RgbImage::from_pixel(size.0, size.1, [200, 30, 60].into());
            let jpeg = thumbnail(&photo, 160).unwrap();
            let read = image::load_from_memory(&jpeg).unwrap().to_rgb8();
            assert_eq!(read.dimensions(), expected);
            assert!(read.get_pixel(0, 0)[0].abs_diff(200) < 4);
        }
    }

    #[test]
    fn what_makes_no_picture_is_refused() {
        let photo = RgbImage::new(4, 4);
        assert!(thumbnail(&photo, 15).is_err());
        assert!(thumbnail(&photo, 4000).is_err());
        assert!(thumbnail(&RgbImage::new(0, 4), 160).is_err());
    }
}
