//! Antialiased strokes and dots on an RGB picture.
//!
//! A stroke is the set of points within a radius of a line segment, so it has round ends, and a
//! dot is a stroke of length zero. The share of a pixel that a stroke covers is taken from the
//! distance between the pixel's centre and the segment: 1 inside, 0 outside, a ramp one pixel wide
//! across the edge. Only additions, products, quotients and square roots are used, which IEEE 754
//! rounds the same everywhere, so the same call gives the same bytes on every machine.
//!
//! Coordinates are pixels of the picture, (0, 0) is the centre of the top-left one.

use image::RgbImage;

/// Colour of a pixel, red, green, blue.
pub(super) type Colour = [u8; 3];

/// A rectangle of pixels: `left <= x < right` and `top <= y < bottom`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) left: u32,
    pub(super) top: u32,
    pub(super) right: u32,
    pub(super) bottom: u32,
}

impl Frame {
    /// All pixels of a picture.
    pub(super) fn of(picture: &RgbImage) -> Self {
        Self {
            left: 0,
            top: 0,
            right: picture.width(),
            bottom: picture.height(),
        }
    }

    /// The rectangle with a border of `border` pixels around it, within the picture.
    pub(super) fn grown(self, border: u32, picture: &RgbImage) -> Self {
        Self {
            left: self.left.saturating_sub(border),
            top: self.top.saturating_sub(border),
            right: (self.right + border).min(picture.width()),
            bottom: (self.bottom + border).min(picture.height()),
        }
    }
}

/// How a stroke looks: a bright core over a dark halo that keeps it legible on a bright photo.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pen {
    /// Colour of the core.
    pub(super) colour: Colour,
    /// Half of the width of the core, in pixels.
    pub(super) radius: f64,
    /// Opacity of the core, 0 to 1.
    pub(super) opacity: f64,
    /// How far the halo reaches beyond the core, in pixels.
    pub(super) halo: f64,
    /// Opacity of the halo, 0 to 1.
    pub(super) halo_opacity: f64,
}

const HALO: Colour = [8, 10, 14];

impl Pen {
    /// Draws the halos of all segments, then their cores, so that joints stay clean.
    pub(super) fn draw(&self, picture: &mut RgbImage, frame: Frame, segments: &[[[f64; 2]; 2]]) {
        for segment in segments {
            let radius = self.radius + self.halo;
            stroke(picture, frame, *segment, radius, HALO, self.halo_opacity);
        }
        for segment in segments {
            let Self { colour, radius, .. } = *self;
            stroke(picture, frame, *segment, radius, colour, self.opacity);
        }
    }

    /// Draws a dot with this pen.
    pub(super) fn dot(&self, picture: &mut RgbImage, frame: Frame, centre: [f64; 2]) {
        self.draw(picture, frame, &[[centre, centre]]);
    }
}

/// Draws the points within `radius` of a segment, inside `frame`. Coordinates that are not finite
/// draw nothing.
pub(super) fn stroke(
    picture: &mut RgbImage,
    frame: Frame,
    [a, b]: [[f64; 2]; 2],
    radius: f64,
    colour: Colour,
    opacity: f64,
) {
    if ![a, b].iter().flatten().all(|value| value.is_finite()) {
        return;
    }
    let reach = radius + 0.5;
    let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
    let length_squared = dx * dx + dy * dy;
    let rows = pixels(
        a[1].min(b[1]) - reach,
        a[1].max(b[1]) + reach,
        frame.top,
        frame.bottom,
    );
    let (mut left, mut right) = (a[0].min(b[0]) - reach, a[0].max(b[0]) + reach);
    for y in rows {
        let row = f64::from(y) - a[1];
        if dy.abs() > 1e-9 {
            // Where the band around the endless line crosses this row.
            let middle = a[0] + row * dx / dy;
            let half = reach * length_squared.sqrt() / dy.abs();
            left = (a[0].min(b[0]) - reach).max(middle - half);
            right = (a[0].max(b[0]) + reach).min(middle + half);
        }
        for x in pixels(left, right, frame.left, frame.right) {
            let column = f64::from(x) - a[0];
            let along = if length_squared > 0.0 {
                ((column * dx + row * dy) / length_squared).clamp(0.0, 1.0)
            } else {
                0.0
            };
            let (across, down) = (column - along * dx, row - along * dy);
            let distance = (across * across + down * down).sqrt();
            blend(
                picture,
                x,
                y,
                colour,
                opacity * (reach - distance).clamp(0.0, 1.0),
            );
        }
    }
}

/// The pixels whose centres lie in [from, to], within [start, end).
fn pixels(from: f64, to: f64, start: u32, end: u32) -> std::ops::Range<u32> {
    let first = from.ceil().clamp(f64::from(start), f64::from(end)) as u32;
    let last = (to.floor() + 1.0).clamp(f64::from(start), f64::from(end)) as u32;
    first..last
}

/// Moves a pixel towards a colour; opacity 1 replaces it.
pub(super) fn blend(picture: &mut RgbImage, x: u32, y: u32, colour: Colour, opacity: f64) {
    let pixel = picture.get_pixel_mut(x, y);
    for (old, new) in pixel.0.iter_mut().zip(colour) {
        let mixed = f64::from(*old) + (f64::from(new) - f64::from(*old)) * opacity;
        *old = mixed.round() as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coverage(segment: [[f64; 2]; 2], radius: f64) -> (RgbImage, f64) {
        let mut picture = RgbImage::new(40, 30);
        let frame = Frame::of(&picture);
        stroke(&mut picture, frame, segment, radius, [255; 3], 1.0);
        let sum = picture.pixels().map(|pixel| f64::from(pixel.0[0])).sum();
        (picture, sum)
    }

    #[test]
    fn covered_area_is_that_of_the_shape() {
        let (_, dot) = coverage([[20.3, 15.1]; 2], 6.0);
        assert!((dot / 255.0 / (std::f64::consts::PI * 36.0) - 1.0).abs() < 0.01);
        for end in [[30.0, 10.0], [10.5, 25.0], [10.0, 20.2], [32.7, 21.0]] {
            let start = [10.0, 10.0];
            let length = f64::hypot(end[0] - start[0], end[1] - start[1]);
            let expected = std::f64::consts::PI * 4.0 + 4.0 * length;
            let (_, area) = coverage([start, end], 2.0);
            assert!((area / 255.0 / expected - 1.0).abs() < 0.02, "{end:?}");
        }
    }

    #[test]
    fn either_direction_gives_the_same_picture() {
        let (forth, _) = coverage([[3.2, 4.0], [33.0, 25.5]], 1.3);
        let (back, _) = coverage([[33.0, 25.5], [3.2, 4.0]], 1.3);
        let difference = |(a, b): (&u8, &u8)| a.abs_diff(*b);
        assert!(forth.iter().zip(back.iter()).map(difference).max() <= Some(1));
    }

    #[test]
    fn nothing_outside_the_frame_and_nothing_for_values_that_are_not_finite() {
        let frame = Frame {
            left: 10,
            top: 10,
            right: 20,
            bottom: 20,
        };
        let mut picture = RgbImage::new(40, 30);
        let far = [[-1e12, -1e12], [1e12, 1e12]];
        stroke(&mut picture, frame, far, 3.0, [255; 3], 1.0);
        assert!(picture.get_pixel(15, 15).0[0] > 0);
        for (x, y, pixel) in picture.enumerate_pixels() {
            let inside = (10..20).contains(&x) && (10..20).contains(&y);
            assert!(inside || pixel.0 == [0; 3], "({x}, {y})");
        }
        let mut picture = RgbImage::new(4, 4);
        let frame = Frame::of(&picture);
        for value in [f64::NAN, f64::INFINITY] {
            let segment = [[0.0, 0.0], [value, 1.0]];
            stroke(&mut picture, frame, segment, 3.0, [255; 3], 1.0);
        }
        assert!(picture.iter().all(|value| *value == 0));
    }
}
