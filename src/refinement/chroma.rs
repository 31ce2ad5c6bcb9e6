//! The colours of a photo without lightness: a* and b* of CIELAB (ISO/CIE 11664-4) under D65, on a
//! thumbnail.

use image::RgbImage;

use crate::image::resize_rgb;

/// The longer side of the thumbnail that colours are read from, in pixels.
const LONG_SIDE: u32 = 64;

/// The colours of a photo, without lightness.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ChromaMap {
    width: usize,
    height: usize,
    /// Pixels of the map to one of the photo.
    scale: [f64; 2],
    values: Vec<[f32; 2]>,
}

impl ChromaMap {
    pub fn new(photo: &RgbImage) -> Self {
        let (width, height) = photo.dimensions();
        let factor = f64::from(LONG_SIDE) / f64::from(width.max(height).max(1));
        let side = |side: u32| (f64::from(side) * factor).round().max(1.0);
        let (small_width, small_height) = (side(width), side(height));
        let small = resize_rgb(photo, small_width as u32, small_height as u32);
        Self {
            width: small_width as usize,
            height: small_height as usize,
            scale: [
                small_width / f64::from(width.max(1)),
                small_height / f64::from(height.max(1)),
            ],
            values: small.pixels().map(|pixel| chroma(pixel.0)).collect(),
        }
    }

    /// The colour at a place in pixels of the photo, interpolated between the four nearest pixels.
    pub fn at(&self, x: f64, y: f64) -> [f32; 2] {
        let along = |value: f64, scale: f64, size: usize| {
            let value = ((value + 0.5) * scale - 0.5).clamp(0.0, size as f64 - 1.0);
            let low = value.floor() as usize;
            (low, (low + 1).min(size - 1), (value - value.floor()) as f32)
        };
        let (left, right, right_part) = along(x, self.scale[0], self.width);
        let (top, bottom, bottom_part) = along(y, self.scale[1], self.height);
        let mix = |a: f32, b: f32, part: f32| a + (b - a) * part;
        [0, 1].map(|i| {
            let value = |x: usize, y: usize| self.values[y * self.width + x][i];
            mix(
                mix(value(left, top), value(right, top), right_part),
                mix(value(left, bottom), value(right, bottom), right_part),
                bottom_part,
            )
        })
    }
}

/// a* and b* of an sRGB colour (IEC 61966-2-1) under D65.
fn chroma(rgb: [u8; 3]) -> [f32; 2] {
    let [r, g, b] = rgb.map(|value| {
        let value = f64::from(value) / 255.0;
        match value <= 0.04045 {
            true => value / 12.92,
            false => ((value + 0.055) / 1.055).powf(2.4),
        }
    });
    let root = |t: f64| match t > 0.008_856 {
        true => t.cbrt(),
        false => 7.787 * t + 16.0 / 116.0,
    };
    let x = root((0.412_453 * r + 0.357_580 * g + 0.180_423 * b) / 0.950_456);
    let y = root(0.212_671 * r + 0.715_160 * g + 0.072_169 * b);
    let z = root((0.019_334 * r + 0.119_193 * g + 0.950_227 * b) / 1.088_754);
    [(500.0 * (x - y)) as f32, (200.0 * (y - z)) as f32]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chroma_is_that_of_cielab() {
        for (rgb, [a, b]) in [
            ([255, 0, 0], [80.1, 67.2]),
            ([0, 0, 255], [79.2, -107.9]),
            ([90, 90, 90], [0.0, 0.0]),
        ] {
            let found = chroma(rgb);
            assert!(
                (found[0] - a).abs() < 0.2 && (found[1] - b).abs() < 0.2,
                "{found:?}"
            );
        }
    }
}
