//! The overlap of two photos as two small pictures in which the same point has the same place.
//!
//! Drawn from the frame of the agreement map. The shifts of its cells are interpolated from pixel to pixel, which takes
//! off the parallax of solid things as far as cells follow it.

use nalgebra::{Point2, Vector2};

use super::MAP_SIDE;
use super::plane::Plane;
use super::warp::interpolate;

/// Pixels along each side of a picture.
pub const PICTURE_SIDE: usize = 192;

/// Grey pictures of the overlap, [`PICTURE_SIDE`] rows of as many pixels; the overlap's bounds fill them, whatever its
/// proportions.
#[derive(Debug, Clone, PartialEq)]
pub struct AlignedPictures {
    /// Grey levels, 0 to 255, of photo 1 and of photo 2; 0 where one of the photos has none.
    pub levels: [Vec<f32>; 2],
    /// Where both photos have levels.
    pub is_known: Vec<bool>,
}

/// Two photos drawn into the frame of a map.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct DrawnPair {
    /// The photo whose cells the map has.
    pub upright: Plane,
    /// The other one.
    pub moved: Plane,
    /// Shift of each cell of `upright` in `moved`, in pixels of the frame; [`MAP_SIDE`] rows of as many.
    pub shifts: Vec<Vector2<f32>>,
}

impl DrawnPair {
    /// Pictures of both, `upright` first.
    pub fn pictures(&self) -> AlignedPictures {
        let Self { upright, moved, .. } = self;
        let count = PICTURE_SIDE * PICTURE_SIDE;
        let mut levels = [vec![0.0; count], vec![0.0; count]];
        let mut is_known = vec![false; count];
        let [step_x, step_y] =
            [upright.width, upright.height].map(|side| side as f32 / PICTURE_SIDE as f32);
        for at in 0..count {
            let (column, row) = (at % PICTURE_SIDE, at / PICTURE_SIDE);
            let place = Point2::new(
                (column as f32 + 0.5) * step_x - 0.5,
                (row as f32 + 0.5) * step_y - 0.5,
            );
            let part = |index: usize| (index as f32 + 0.5) / PICTURE_SIDE as f32;
            let shift = self.shift_at([part(column), part(row)]);
            let pair = [level(upright, place), level(moved, place + shift)];
            if let [Some(first), Some(second)] = pair {
                levels[0][at] = first;
                levels[1][at] = second;
                is_known[at] = true;
            }
        }
        AlignedPictures { levels, is_known }
    }

    /// The shift at a part of the frame, 0 to 1 along each side.
    pub fn shift_at(&self, [x, y]: [f32; 2]) -> Vector2<f32> {
        let place = |part: f32| part * MAP_SIDE as f32 - 0.5;
        self.shift(place(x), place(y))
    }

    /// The shift between the centres of cells, (0, 0) being the first.
    fn shift(&self, x: f32, y: f32) -> Vector2<f32> {
        let last = (MAP_SIDE - 1) as f32;
        let (x, y) = (x.clamp(0.0, last), y.clamp(0.0, last));
        let (left, top) = (
            (x as usize).min(MAP_SIDE - 2),
            (y as usize).min(MAP_SIDE - 2),
        );
        let at = top * MAP_SIDE + left;
        let along = |at: usize| self.shifts[at].lerp(&self.shifts[at + 1], x - left as f32);
        along(at).lerp(&along(at + MAP_SIDE), y - top as f32)
    }
}

/// Bilinear interpolation; none outside of the plane's pixel centres and beside an unknown pixel.
fn level(plane: &Plane, place: Point2<f32>) -> Option<f32> {
    let (last_x, last_y) = ((plane.width - 1) as f32, (plane.height - 1) as f32);
    // The outermost pixels of a picture may lie up to half a pixel beyond the plane's.
    let is_inside = |place: f32, last: f32| place >= -0.5 && place <= last + 0.5;
    if !is_inside(place.x, last_x) || !is_inside(place.y, last_y) {
        return None;
    }
    let (x, y) = (place.x.clamp(0.0, last_x), place.y.clamp(0.0, last_y));
    let (left, top) = (
        (x as usize).min(plane.width - 2),
        (y as usize).min(plane.height - 2),
    );
    let at = top * plane.width + left;
    let level = interpolate(plane, at, x - left as f32, y - top as f32);
    (!level.is_nan()).then_some(level)
}
