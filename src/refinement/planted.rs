//! Planted pictures for tests: textures without an edge, drawn through known transforms.

use image::{GrayImage, Luma};
use nalgebra::{Matrix3, Point2};

use super::{RefinementImage, RefinementOptions};
use crate::geometry::{inverse, project};

/// Cell in pixels and amplitude in grey levels of every scale of a texture.
const SCALES: [[f64; 2]; 5] = [
    [5.0, 24.0],
    [9.0, 26.0],
    [19.0, 22.0],
    [41.0, 16.0],
    [97.0, 14.0],
];

/// A number from -1 to 1 that depends on the seed and the place alone.
pub(crate) fn hashed(seed: u64, x: i64, y: i64) -> f64 {
    let mut h = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for part in [x as u64, y as u64] {
        h = (h ^ part).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        h = (h ^ (h >> 29)).wrapping_mul(0x94d0_49bb_1331_11eb);
        h ^= h >> 32;
    }
    (h >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}

/// Noise of mean 0 from -1 to 1, smooth between random values `cell` pixels apart.
pub(crate) fn noise(seed: u64, cell: f64, x: f64, y: f64) -> f64 {
    let (x, y) = (x / cell, y / cell);
    let (left, top) = (x.floor(), y.floor());
    let smooth = |part: f64| part * part * (3.0 - 2.0 * part);
    let (right_part, bottom_part) = (smooth(x - left), smooth(y - top));
    let value = |dx: i64, dy: i64| hashed(seed, left as i64 + dx, top as i64 + dy);
    let mix = |a: f64, b: f64, part: f64| a + (b - a) * part;
    let above = mix(value(0, 0), value(1, 0), right_part);
    let below = mix(value(0, 1), value(1, 1), right_part);
    mix(above, below, bottom_part)
}

/// The grey level at a place of the texture of this seed, about 128: noise of several scales.
pub(crate) fn texture(seed: u64, place: Point2<f64>) -> f64 {
    let level = |(i, [cell, amplitude]): (usize, [f64; 2])| {
        amplitude * noise(seed * 16 + i as u64, cell, place.x, place.y)
    };
    128.0 + SCALES.into_iter().enumerate().map(level).sum::<f64>()
}

/// A grey picture of this width and height.
pub(crate) fn gray([width, height]: [u32; 2], level: impl Fn(Point2<f64>) -> f64) -> GrayImage {
    GrayImage::from_fn(width, height, |x, y| {
        let level = level(Point2::new(f64::from(x), f64::from(y)));
        Luma([level.round().clamp(0.0, 255.0) as u8])
    })
}

/// The place of photo 1 that photo 2 shows at `place`, by `matrix`, which maps photo 1 to photo 2.
pub(crate) fn unwarped(matrix: &Matrix3<f64>) -> impl Fn(Point2<f64>) -> Point2<f64> {
    let back = inverse(matrix).unwrap();
    move |place| project(&back, place).unwrap()
}

/// A grey photo prepared with the default options.
pub(crate) fn prepared(photo: &GrayImage) -> RefinementImage {
    RefinementImage::from_gray(photo, &RefinementOptions::default()).unwrap()
}

/// A similarity about the middle of a photo: scale, angle in degrees, shift in pixels.
pub(crate) fn moved(
    [width, height]: [u32; 2],
    scale: f64,
    degrees: f64,
    [x, y]: [f64; 2],
) -> Matrix3<f64> {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (middle_x, middle_y) = (0.5 * f64::from(width) - 0.5, 0.5 * f64::from(height) - 0.5);
    let to = |x: f64, y: f64| Matrix3::new(1.0, 0.0, x, 0.0, 1.0, y, 0.0, 0.0, 1.0);
    let (sin, cos) = (scale * sin, scale * cos);
    let turn = Matrix3::new(cos, -sin, 0.0, sin, cos, 0.0, 0.0, 0.0, 1.0);
    to(middle_x + x, middle_y + y) * turn * to(-middle_x, -middle_y)
}
