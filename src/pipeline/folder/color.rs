//! Whether two photos have the same colours where their features match.
//!
//! Shapes and surroundings make features match; two garments of one cut on one bed differ in their
//! colours. Compared are means over about a fiftieth of the photo, as two numbers that leave lightness
//! out: a* and b* of CIELAB (ISO/CIE 11664-4) under daylight. The light of a photo shifts all its colours,
//! so the middle difference is taken off; and where both photos are of one colour, or of none,
//! nothing can be told.

use image::RgbImage;

use crate::geometry::Correspondences;
use crate::image::resize_rgb;

/// The longer side of the small picture that colours are read from, in pixels.
const LONG_SIDE: u32 = 48;
/// Spreads of colours below this are noise, in units of a* and b*.
const NOISE: f64 = 1.0;

/// The colours of a photo, without lightness.
#[derive(Debug, Clone)]
pub(super) struct ColorMap {
    width: usize,
    height: usize,
    /// Pixels of the map to one of the photo.
    scale: [f64; 2],
    chroma: Vec<[f64; 2]>,
}

impl ColorMap {
    pub(super) fn new(photo: &RgbImage) -> Self {
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
            chroma: small.pixels().map(|pixel| chroma(pixel.0)).collect(),
        }
    }

    /// The colour at a place in pixels of the photo, between those of the four nearest pixels.
    fn at(&self, x: f64, y: f64) -> [f64; 2] {
        let along = |value: f64, scale: f64, size: usize| {
            let value = ((value + 0.5) * scale - 0.5).clamp(0.0, size as f64 - 1.0);
            let low = value.floor() as usize;
            (low, (low + 1).min(size - 1), value - value.floor())
        };
        let (left, right, right_part) = along(x, self.scale[0], self.width);
        let (top, bottom, bottom_part) = along(y, self.scale[1], self.height);
        let mix = |a: f64, b: f64, part: f64| a + (b - a) * part;
        [0, 1].map(|i| {
            let value = |x: usize, y: usize| self.chroma[y * self.width + x][i];
            mix(
                mix(value(left, top), value(right, top), right_part),
                mix(value(left, bottom), value(right, bottom), right_part),
                bottom_part,
            )
        })
    }
}

/// How far the colours of two photos differ at `points`, over how far they differ within a photo: about 0.4
/// for photos of one thing, 1 and more where colours say nothing good. 0 without points.
pub(super) fn color_difference(
    first: &ColorMap,
    second: &ColorMap,
    points: &Correspondences,
) -> f64 {
    if points.is_empty() {
        return 0.0;
    }
    let places = 0..points.len();
    let colors: Vec<[[f64; 2]; 2]> = places
        .map(|i| {
            let (p1, p2) = (points.point1(i), points.point2(i));
            [first.at(p1.x, p1.y), second.at(p2.x, p2.y)]
        })
        .collect();
    let (mut apart, mut within) = (0.0, 0.0);
    for channel in 0..2 {
        let of = |photo: usize| colors.iter().map(move |pair| pair[photo][channel]);
        let differences: Vec<f64> = of(0).zip(of(1)).map(|(a, b)| a - b).collect();
        let middle = median(&differences);
        apart += mean(differences.iter().map(|d| (d - middle).powi(2)));
        within += variance(of(0)).min(variance(of(1)));
    }
    apart.sqrt() / (NOISE + within.sqrt())
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}

fn variance(values: impl ExactSizeIterator<Item = f64> + Clone) -> f64 {
    let middle = mean(values.clone());
    mean(values.map(|v| (v - middle).powi(2)))
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// a* and b* of an sRGB colour (IEC 61966-2-1) under D65.
fn chroma(rgb: [u8; 3]) -> [f64; 2] {
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
    [500.0 * (x - y), 200.0 * (y - z)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;
    use nalgebra::Point2;

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

    /// A square of one colour on a background, and points on a grid that stay where they are.
    fn picture(size: u32, square: [u8; 3], gain: f64) -> ColorMap {
        let inside = |v: u32| (size / 4..size * 3 / 4).contains(&v);
        let image = RgbImage::from_fn(size, size, |x, y| {
            let color = match inside(x) && inside(y) {
                true => square,
                false => [150, 120, 90],
            };
            Rgb(color.map(|v| (f64::from(v) * gain) as u8))
        });
        ColorMap::new(&image)
    }

    fn points(scale: f64) -> Correspondences {
        let place = |i: u32| {
            (
                f64::from(i % 10) * 40.0 + 20.0,
                f64::from(i / 10) * 40.0 + 20.0,
            )
        };
        (0..100)
            .map(place)
            .map(|(x, y)| (Point2::new(x, y), Point2::new(x * scale, y * scale)))
            .collect()
    }

    #[test]
    fn another_colour_is_told_from_another_light_and_size() {
        let red = picture(400, [200, 30, 40], 1.0);
        let darker = picture(200, [200, 30, 40], 0.8);
        let blue = picture(200, [40, 60, 180], 1.0);
        let same = color_difference(&red, &darker, &points(0.5));
        let other = color_difference(&red, &blue, &points(0.5));
        assert!(same < 0.4, "{same}");
        assert!(other > 1.2, "{other}");
        let none = Correspondences::with_capacity(0);
        assert_eq!(color_difference(&red, &blue, &none), 0.0);
    }

    #[test]
    fn without_colours_nothing_is_told() {
        let grey = |square: u8| {
            let image =
                RgbImage::from_fn(90, 60, |x, _| Rgb([if x < 45 { square } else { 70 }; 3]));
            ColorMap::new(&image)
        };
        let difference = color_difference(&grey(10), &grey(250), &points(0.2));
        assert!(difference < 0.01, "{difference}");
    }
}
