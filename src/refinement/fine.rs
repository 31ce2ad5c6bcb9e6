//! The overlap of two photos that agree almost everywhere, compared at their working size.
//!
//! Where one homography aligns most of two photos, small windows are compared: another word, number
//! or face in an else equal picture is a compact group of windows that do not correlate.

use nalgebra::Vector2;

use super::correlation::{Search, WINDOW};
use super::plane::Plane;

/// Pixels between neighbouring windows.
const STEP: usize = 8;
/// Radius of the search, in pixels.
const RADIUS: i32 = 2;

/// One window of 16 x 16 pixels of the frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FineWindow {
    /// Standard deviation of the grey levels in photo 1 and in photo 2.
    pub deviation: [f32; 2],
    /// Mean grey level in photo 1 and in photo 2.
    pub mean: [f32; 2],
    /// Zero-mean normalised correlation, -1 to 1; 0 where one photo has no texture.
    pub correlation: f32,
}

/// Windows over the overlap, each 8 pixels from the next.
#[derive(Debug, Clone, PartialEq)]
pub struct FineMap {
    /// Windows in a row.
    pub columns: usize,
    /// Row by row; none outside of the overlap.
    pub windows: Vec<Option<FineWindow>>,
}

impl FineMap {
    /// Compares two planes of one frame; `shift` gives the start of the search for a window, by the part of the
    /// frame at its centre (0 to 1).
    pub(super) fn new(a: &Plane, b: &Plane, shift: impl Fn([f32; 2]) -> Vector2<f32>) -> Self {
        let search = Search::new(a, b);
        let count = |side: usize| (side - WINDOW) / STEP + 1;
        let (columns, rows) = (count(a.width), count(a.height));
        let find = |at: usize| {
            let corner = [at % columns, at / columns].map(|place| place * STEP);
            let part =
                |place: usize, side: usize| (place as f32 + 0.5 * WINDOW as f32) / side as f32;
            let centre = [part(corner[0], a.width), part(corner[1], a.height)];
            let window = search.find(corner.map(|c| c as i32), shift(centre), RADIUS)?;
            Some(FineWindow {
                deviation: window.deviation,
                mean: window.mean,
                correlation: window.correlation,
            })
        };
        Self {
            columns,
            windows: (0..columns * rows).map(find).collect(),
        }
    }

    /// Puts the photos in the other order.
    pub(super) fn swap(&mut self) {
        for window in self.windows.iter_mut().flatten() {
            window.deviation.swap(0, 1);
            window.mean.swap(0, 1);
        }
    }
}
