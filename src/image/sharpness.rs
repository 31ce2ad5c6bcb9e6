//! Sharpness of a photo.

use image::RgbImage;
use imageproc::filter::laplacian_filter;

use super::resize_rgb;

/// Longest side at which sharpness is measured, in pixels.
const MAX_SIDE: u32 = 1024;

/// Variance of the Laplacian of the photo's brightness, with its longest side reduced to 1024 pixels; at least 0,
/// larger where edges are sharper (Pech-Pacheco et al., ICPR 2000). It compares photos of the same thing.
pub fn sharpness(pixels: &RgbImage) -> f64 {
    let (width, height) = pixels.dimensions();
    let factor = (f64::from(MAX_SIDE) / f64::from(width.max(height).max(1))).min(1.0);
    let [width, height] = [width, height].map(|side| (f64::from(side) * factor).round() as u32);
    let small = resize_rgb(pixels, width, height);
    let response = laplacian_filter(&image::imageops::grayscale(&small));
    let values = || response.iter().map(|value| f64::from(*value));
    let count = values().count().max(1) as f64;
    let mean = values().sum::<f64>() / count;
    values().map(|value| (value - mean).powi(2)).sum::<f64>() / count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blurred_photo_is_less_sharp() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/examples/images/graffiti_1.jpg"
        );
        let photo = image::open(path).unwrap();
        let sharp = sharpness(&photo.to_rgb8());
        let mut before = sharp;
        for radius in [1.0, 2.0, 4.0] {
            let blurred = sharpness(&photo.blur(radius).to_rgb8());
            assert!(blurred < before, "{radius}: {blurred}, {before}");
            before = blurred;
        }
        assert_eq!(sharpness(&RgbImage::new(40, 30)), 0.0);
    }
}
