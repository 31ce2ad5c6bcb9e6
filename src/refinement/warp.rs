//! Photo 2 drawn in the frame of photo 1.

use nalgebra::{Matrix3, Vector3};

use super::plane::Plane;

/// Pixels whose positions are computed at a time.
const LANES: usize = 16;

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
    let (last_left, last_top) = (source.width as i32 - 2, source.height as i32 - 2);
    let offsets: [f32; LANES] = std::array::from_fn(|lane| lane as f32);
    for (y, row) in values.chunks_exact_mut(width).enumerate() {
        let start = source_from_frame * Vector3::new(0.0, y as f64, 1.0);
        let (start_x, start_y, start_w) = (start[0] as f32, start[1] as f32, start[2] as f32);
        for (number, part) in row.chunks_mut(LANES).enumerate() {
            let first = (number * LANES) as f32;
            let mut is_inside = [false; LANES];
            let (mut left, mut top) = ([0i32; LANES], [0i32; LANES]);
            let (mut right_share, mut lower_share) = ([0.0f32; LANES], [0.0f32; LANES]);
            // Without branches, so that it compiles to vectors.
            for lane in 0..LANES {
                let x = first + offsets[lane];
                let inverse = 1.0 / (start_w + x * step_w);
                let (u, v) = (
                    (start_x + x * step_x) * inverse,
                    (start_y + x * step_y) * inverse,
                );
                is_inside[lane] = (inverse > 0.0)
                    & (u >= -margin)
                    & (v >= -margin)
                    & (u < max_x + margin)
                    & (v < max_y + margin);
                let (u, v) = (u.clamp(0.0, max_x), v.clamp(0.0, max_y));
                left[lane] = (u as i32).min(last_left);
                top[lane] = (v as i32).min(last_top);
                right_share[lane] = u - left[lane] as f32;
                lower_share[lane] = v - top[lane] as f32;
            }
            for (lane, value) in part.iter_mut().enumerate() {
                if is_inside[lane] {
                    let at = top[lane] as usize * source.width + left[lane] as usize;
                    *value = interpolate(source, at, right_share[lane], lower_share[lane]);
                }
            }
        }
    }
    Plane::new(width, height, values)
}

/// Bilinear interpolation between the four pixels of which that at `at` is the top-left one.
fn interpolate(plane: &Plane, at: usize, fx: f32, fy: f32) -> f32 {
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
