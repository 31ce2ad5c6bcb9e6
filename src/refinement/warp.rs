//! Photo 2 drawn in the frame of photo 1.

use nalgebra::{Matrix3, Vector3};

use super::plane::Plane;

/// Draws `source` in a frame of `width` by `height` pixels: the value at x is the bilinear
/// interpolation at `source_from_frame` x. Up to `margin` pixels beyond the outermost pixel centres
/// it is the value at the border; farther outside it is not a number.
pub(super) fn warp(
    source: &Plane,
    source_from_frame: &Matrix3<f64>,
    width: usize,
    height: usize,
    margin: f32,
) -> Plane {
    let mut values = vec![f32::NAN; width * height];
    let step = source_from_frame.column(0);
    let (step_x, step_y, step_w) = (step[0] as f32, step[1] as f32, step[2] as f32);
    let (max_x, max_y) = ((source.width - 1) as f32, (source.height - 1) as f32);
    for (y, row) in values.chunks_exact_mut(width).enumerate() {
        let start = source_from_frame * Vector3::new(0.0, y as f64, 1.0);
        let (start_x, start_y, start_w) = (start[0] as f32, start[1] as f32, start[2] as f32);
        for (x, value) in row.iter_mut().enumerate() {
            let x = x as f32;
            let inverse = 1.0 / (start_w + x * step_w);
            let (u, v) = (
                (start_x + x * step_x) * inverse,
                (start_y + x * step_y) * inverse,
            );
            let is_inside =
                u >= -margin && v >= -margin && u < max_x + margin && v < max_y + margin;
            if inverse > 0.0 && is_inside {
                *value = interpolate(source, u.clamp(0.0, max_x), v.clamp(0.0, max_y));
            }
        }
    }
    Plane::new(width, height, values)
}

/// Bilinear interpolation at a position from 0 to the last column and row.
fn interpolate(plane: &Plane, x: f32, y: f32) -> f32 {
    let (left, top) = (
        (x as usize).min(plane.width - 2),
        (y as usize).min(plane.height - 2),
    );
    let (fx, fy) = (x - left as f32, y - top as f32);
    let at = top * plane.width + left;
    let above = &plane.values[at..at + 2];
    let below = &plane.values[at + plane.width..at + plane.width + 2];
    let upper = above[0] + fx * (above[1] - above[0]);
    let lower = below[0] + fx * (below[1] - below[0]);
    upper + fy * (lower - upper)
}

/// How many pixels of the target a pixel of the source covers at (x, y), as a length: the square
/// root of the Jacobian's determinant, whether mirrored or not; `None` where the model flattens the
/// image or sends the point to infinity.
pub(super) fn magnification(target_from_source: &Matrix3<f64>, x: f64, y: f64) -> Option<f64> {
    let w = (target_from_source * Vector3::new(x, y, 1.0))[2];
    let determinant = (target_from_source.determinant() / (w * w * w)).abs();
    (w > 0.0 && determinant > 0.0 && determinant.is_finite()).then(|| determinant.sqrt())
}
