//! Antialiased strokes and dots on an RGB picture, drawn by imageproc.
//!
//! A stroke is the set of points within a radius of a line segment, so it has round ends, and a dot is
//! a stroke of length zero. imageproc fills polygons and circles between whole pixels and without
//! antialiasing; so shapes are drawn on a copy of the picture that has [`FINE`] pixels along each side
//! of a pixel, and the copy is averaged down again, a band of rows at a time.
//!
//! Coordinates are pixels of the picture, (0, 0) is the centre of the top-left one. Only additions,
//! products, quotients and square roots come before the rounding to whole fine pixels, so the same
//! shapes give the same bytes on every machine and on any number of threads.

use image::imageops::thumbnail;
use image::{Rgb, RgbImage};
use imageproc::drawing::{draw_filled_circle_mut, draw_polygon_mut};
use imageproc::point::Point;
use rayon::prelude::*;

/// Colour of a pixel, red, green, blue.
pub(super) type Color = [u8; 3];

/// Fine pixels along each side of a pixel; odd, so that one lies in its centre.
const FINE: u32 = 5;
/// Rows of the picture that are drawn at a time: about 10 megabytes of fine pixels in a picture of
/// 1500 columns.
const BAND: u32 = 64;

const HALO: Color = [8, 10, 14];

/// Style of a stroke: a bright core over a dark halo that keeps it legible on a bright photo.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pen {
    /// Colour of the core.
    pub(super) color: Color,
    /// Half of the width of the core, in pixels.
    pub(super) radius: f64,
    /// Width of the halo beyond the core, in pixels.
    pub(super) halo: f64,
}

/// Strokes that are painted together, later ones over earlier ones.
#[derive(Debug, Default)]
pub(super) struct Strokes(Vec<Stroke>);

#[derive(Debug)]
struct Stroke {
    ends: [[f64; 2]; 2],
    radius: f64,
    color: Color,
}

impl Strokes {
    /// Adds the halos of all segments, then their cores, so that joints stay clean. Segments that are
    /// not finite are left out.
    pub(super) fn lines(&mut self, pen: &Pen, segments: &[[[f64; 2]; 2]]) {
        let halo = (pen.halo > 0.0).then_some((pen.radius + pen.halo, HALO));
        for (radius, color) in halo.into_iter().chain([(pen.radius, pen.color)]) {
            let is_finite =
                |ends: &&[[f64; 2]; 2]| ends.as_flattened().iter().all(|v| v.is_finite());
            let strokes = segments.iter().filter(is_finite).map(|&[a, b]| Stroke {
                // One order, so that either direction rounds the same.
                ends: if b < a { [b, a] } else { [a, b] },
                radius,
                color,
            });
            self.0.extend(strokes);
        }
    }

    /// Adds a dot.
    pub(super) fn dot(&mut self, pen: &Pen, centre: [f64; 2]) {
        self.lines(pen, &[[centre, centre]]);
    }

    /// Paints all strokes. Only the pixels that they touch change.
    pub(super) fn paint(&self, picture: &mut RgbImage) {
        let width = picture.width();
        let row = 3 * width as usize;
        if row == 0 {
            return;
        }
        let bands = picture.par_chunks_mut(BAND as usize * row).enumerate();
        bands.for_each(|(band, rows)| {
            let top = band as u32 * BAND;
            let height = (rows.len() / row) as u32;
            let touching = |stroke: &&Stroke| stroke.touches(top, top + height);
            let mut strokes = self.0.iter().filter(touching).peekable();
            if strokes.peek().is_none() {
                return;
            }
            let mut fine = RgbImage::from_fn(width * FINE, height * FINE, |x, y| {
                let at = (y / FINE) as usize * row + (x / FINE) as usize * 3;
                Rgb([rows[at], rows[at + 1], rows[at + 2]])
            });
            strokes.for_each(|stroke| stroke.draw(&mut fine, top));
            rows.copy_from_slice(&thumbnail(&fine, width, height));
        });
    }
}

impl Stroke {
    /// Whether it touches the rows from `top` to before `bottom`.
    fn touches(&self, top: u32, bottom: u32) -> bool {
        let [[_, a], [_, b]] = self.ends;
        let reach = self.radius + 1.0;
        a.max(b) + reach >= f64::from(top) && a.min(b) - reach <= f64::from(bottom)
    }

    /// Draws it on fine pixels that begin with row `top` of the picture.
    fn draw(&self, fine: &mut RgbImage, top: u32) {
        let scale = f64::from(FINE);
        let place = |[x, y]: [f64; 2]| {
            let fine = |value: f64| (value + 0.5) * scale - 0.5;
            [fine(x), fine(y - f64::from(top))]
        };
        let [a, b] = self.ends.map(place);
        // A filled shape reaches half a fine pixel beyond its border.
        let radius = (self.radius * scale - 0.5).max(0.0);
        let whole = |[x, y]: [f64; 2]| Point::new(x.round() as i32, y.round() as i32);
        let color = Rgb(self.color);
        for end in [a, b] {
            let Point { x, y } = whole(end);
            draw_filled_circle_mut(fine, (x, y), radius.round() as i32, color);
        }
        let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
        let length = (dx * dx + dy * dy).sqrt();
        if length > 0.0 {
            let (across, down) = (-dy / length * radius, dx / length * radius);
            let corners = [(a, 1.0), (b, 1.0), (b, -1.0), (a, -1.0)];
            let corners = corners.map(|([x, y], side)| whole([x + side * across, y + side * down]));
            draw_polygon_mut(fine, &corners, color);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coverage(ends: [[f64; 2]; 2], radius: f64) -> (RgbImage, f64) {
        let mut picture = RgbImage::new(40, 150);
        let pen = Pen {
            color: [255; 3],
            radius,
            halo: 0.0,
        };
        let mut strokes = Strokes::default();
        strokes.lines(&pen, &[ends]);
        strokes.paint(&mut picture);
        let sum = picture.pixels().map(|pixel| f64::from(pixel.0[0])).sum();
        (picture, sum)
    }

    #[test]
    fn covered_area_is_that_of_the_shape() {
        let (_, dot) = coverage([[20.3, 15.1]; 2], 6.0);
        assert!((dot / 255.0 / (std::f64::consts::PI * 36.0) - 1.0).abs() < 0.03);
        for end in [[30.0, 10.0], [10.5, 25.0], [10.0, 20.2], [32.7, 121.0]] {
            let start = [10.0, 10.0];
            let length = f64::hypot(end[0] - start[0], end[1] - start[1]);
            let expected = std::f64::consts::PI * 4.0 + 4.0 * length;
            let (_, area) = coverage([start, end], 2.0);
            assert!((area / 255.0 / expected - 1.0).abs() < 0.05, "{end:?}");
        }
    }

    #[test]
    fn a_stroke_across_bands_has_no_seam() {
        let (picture, _) = coverage([[20.0, 10.0], [20.0, 140.0]], 2.0);
        for y in 12..138 {
            assert_eq!(picture.get_pixel(20, y), picture.get_pixel(20, 12), "{y}");
            assert_eq!(picture.get_pixel(18, y), picture.get_pixel(18, 12), "{y}");
        }
    }

    #[test]
    fn either_direction_gives_the_same_picture() {
        let (forth, _) = coverage([[3.2, 4.0], [33.0, 25.5]], 1.3);
        let (back, _) = coverage([[33.0, 25.5], [3.2, 4.0]], 1.3);
        assert_eq!(forth, back);
    }

    #[test]
    fn what_no_stroke_touches_stays_and_values_that_are_not_finite_draw_nothing() {
        let photo = RgbImage::from_fn(40, 150, |x, y| Rgb([x as u8, y as u8, (x * y) as u8]));
        let pen = Pen {
            color: [255; 3],
            radius: 3.0,
            halo: 1.0,
        };
        let mut strokes = Strokes::default();
        strokes.dot(&pen, [20.0, 63.0]);
        let mut picture = photo.clone();
        strokes.paint(&mut picture);
        for (x, y, pixel) in picture.enumerate_pixels() {
            let distance = f64::hypot(f64::from(x) - 20.0, f64::from(y) - 63.0);
            assert!(
                distance < 5.0 || pixel == photo.get_pixel(x, y),
                "({x}, {y})"
            );
        }
        assert_ne!(picture, photo);
        let mut strokes = Strokes::default();
        for value in [f64::NAN, f64::INFINITY] {
            strokes.lines(&pen, &[[[0.0, 0.0], [value, 1.0]]]);
        }
        let mut picture = photo.clone();
        strokes.paint(&mut picture);
        assert_eq!(picture, photo);
        strokes.paint(&mut RgbImage::new(0, 5));
    }
}
