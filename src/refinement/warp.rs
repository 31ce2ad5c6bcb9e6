//! Photo 2 drawn in the frame of photo 1.

use nalgebra::{Matrix3, Vector3};
use pulp::{Arch, Simd, WithSimd};

use super::plane::Plane;

/// Pixels whose positions are computed at a time.
const LANES: usize = 16;

/// Draws `source`, of two pixels and more a side, in a frame of `width` by `height` pixels: the value at x is the
/// bilinear interpolation at `source_from_frame` x. Up to `margin` pixels beyond the outermost pixel centres it is
/// the value at the border; farther outside it is not a number.
pub(super) fn warp(
    source: &Plane,
    source_from_frame: &Matrix3<f64>,
    width: usize,
    height: usize,
    margin: f32,
) -> Plane {
    if source.width < 2 || source.height < 2 {
        return Plane::new(width, height, vec![f32::NAN; width * height]);
    }
    warp_upright(source, source_from_frame, width, height, margin)
        .unwrap_or_else(|| warp_any(source, source_from_frame, width, height, margin))
}

/// [`warp`] by any transform.
fn warp_any(
    source: &Plane,
    source_from_frame: &Matrix3<f64>,
    width: usize,
    height: usize,
    margin: f32,
) -> Plane {
    let mut values = vec![f32::NAN; width * height];
    Arch::new().dispatch(Drawing {
        source,
        source_from_frame,
        margin,
        width,
        values: &mut values,
    });
    Plane::new(width, height, values)
}

struct Drawing<'a> {
    source: &'a Plane,
    source_from_frame: &'a Matrix3<f64>,
    margin: f32,
    width: usize,
    values: &'a mut [f32],
}

impl WithSimd for Drawing<'_> {
    type Output = ();

    /// With the processor's widest vectors; each value is computed alike on all.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self {
            source,
            source_from_frame,
            margin,
            ..
        } = self;
        let step = source_from_frame.column(0);
        let (step_x, step_y, step_w) = (step[0] as f32, step[1] as f32, step[2] as f32);
        let (max_x, max_y) = ((source.width - 1) as f32, (source.height - 1) as f32);
        let (last_left, last_top) = (max_x - 1.0, max_y - 1.0);
        let offsets: [f32; LANES] = std::array::from_fn(|lane| lane as f32);
        for (y, row) in self.values.chunks_exact_mut(self.width).enumerate() {
            let start = source_from_frame * Vector3::new(0.0, y as f64, 1.0);
            let (start_x, start_y, start_w) = (start[0] as f32, start[1] as f32, start[2] as f32);
            for (number, part) in row.chunks_mut(LANES).enumerate() {
                let first = (number * LANES) as f32;
                let mut is_inside = [false; LANES];
                let (mut left, mut top) = ([0u32; LANES], [0u32; LANES]);
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
                    let (u, v) = (u.max(0.0).min(max_x), v.max(0.0).min(max_y));
                    let (before_u, before_v) = (floor(u).min(last_left), floor(v).min(last_top));
                    left[lane] = to_whole(before_u);
                    top[lane] = to_whole(before_v);
                    right_share[lane] = u - before_u;
                    lower_share[lane] = v - before_v;
                }
                for (lane, value) in part.iter_mut().enumerate() {
                    if is_inside[lane] {
                        let at = top[lane] as usize * source.width + left[lane] as usize;
                        *value = interpolate(source, at, right_share[lane], lower_share[lane]);
                    }
                }
            }
        }
    }
}

/// 2^23: numbers from here to twice as much are the whole numbers.
const WHOLE: f32 = 8_388_608.0;

/// The whole number up to `value`, which is at least 0 and less than 2^22; without a conversion, which would not
/// compile to vectors.
#[inline(always)]
fn floor(value: f32) -> f32 {
    let nearest = (value + WHOLE) - WHOLE;
    let is_above = if nearest > value { 1.0 } else { 0.0 };
    nearest - is_above
}

/// A whole number that is at least 0 and less than 2^22.
#[inline(always)]
fn to_whole(value: f32) -> u32 {
    (value + WHOLE).to_bits() - WHOLE.to_bits()
}

/// As [`warp_any`], to the bit, by a transform that only scales and moves; `None` for another. The columns of all
/// rows are the same, and each row of the source is interpolated along itself once.
fn warp_upright(
    source: &Plane,
    source_from_frame: &Matrix3<f64>,
    width: usize,
    height: usize,
    margin: f32,
) -> Option<Plane> {
    let m = source_from_frame;
    let turns = [m[(0, 1)], m[(1, 0)], m[(2, 0)], m[(2, 1)]];
    if turns != [0.0; 4] || m[(2, 2)] != 1.0 {
        return None;
    }
    let (max_x, max_y) = ((source.width - 1) as f32, (source.height - 1) as f32);
    let (last_left, last_top) = (source.width - 2, source.height - 2);
    // The pixel before a place, and the share of the one behind it.
    let split = |place: f32, max: f32, last: usize| {
        let place = place.clamp(0.0, max);
        let before = (place as usize).min(last);
        (before, place - before as f32)
    };
    let is_inside = |place: f32, max: f32| place >= -margin && place < max + margin;
    let (start_x, step_x) = (m[(0, 2)] as f32, m[(0, 0)] as f32);
    let column = |x: usize| start_x + x as f32 * step_x;
    let inside: Vec<usize> = (0..width)
        .filter(|&x| is_inside(column(x), max_x))
        .collect();
    let mut values = vec![f32::NAN; width * height];
    // A transform that mirrors has them in one piece too.
    if let (Some(&first), Some(&last)) = (inside.first(), inside.last()) {
        let splits: Vec<(usize, f32)> = (first..=last)
            .map(|x| split(column(x), max_x, last_left))
            .collect();
        let along = |row: usize, out: &mut Vec<f32>| {
            let row = source.row(row);
            out.clear();
            out.extend(splits.iter().map(|&(left, share)| {
                let pixels = &row[left..left + 2];
                pixels[0] + share * (pixels[1] - pixels[0])
            }));
        };
        let (mut upper, mut lower) = (Vec::new(), Vec::new());
        let mut interpolated = None;
        for (y, row) in values.chunks_exact_mut(width).enumerate() {
            let place = (m * Vector3::new(0.0, y as f64, 1.0))[1] as f32;
            if !is_inside(place, max_y) {
                continue;
            }
            let (top, share) = split(place, max_y, last_top);
            if interpolated != Some(top) {
                if top > 0 && interpolated == Some(top - 1) {
                    std::mem::swap(&mut upper, &mut lower);
                } else {
                    along(top, &mut upper);
                }
                along(top + 1, &mut lower);
                interpolated = Some(top);
            }
            for ((value, upper), lower) in row[first..=last].iter_mut().zip(&upper).zip(&lower) {
                *value = upper + share * (lower - upper);
            }
        }
    }
    Some(Plane::new(width, height, values))
}

/// Bilinear interpolation between the four pixels of which that at `at` is the top-left one.
#[inline(always)]
pub(super) fn interpolate(plane: &Plane, at: usize, fx: f32, fy: f32) -> f32 {
    let pixels = &plane.values[at..][..plane.width + 2];
    let upper = pixels[0] + fx * (pixels[1] - pixels[0]);
    let (left, right) = (pixels[plane.width], pixels[plane.width + 1]);
    let lower = left + fx * (right - left);
    upper + fy * (lower - upper)
}

/// Magnification at (x, y): pixels of the target for a pixel of the source, as a length: the square root of the
/// Jacobian's determinant, whether mirrored or not; `None` where the model flattens the image or sends the point to
/// infinity.
pub(super) fn magnification(target_from_source: &Matrix3<f64>, x: f64, y: f64) -> Option<f64> {
    let w = (target_from_source * Vector3::new(x, y, 1.0))[2];
    let determinant = (target_from_source.determinant() / (w * w * w)).abs();
    (w > 0.0 && determinant > 0.0 && determinant.is_finite()).then(|| determinant.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scaling_and_moving_is_warped_as_anything_is() {
        let (width, height) = (37, 29);
        let value = |at: usize| (at as u32).wrapping_mul(2_654_435_761) as f32 / 1e7;
        let source = Plane::new(width, height, (0..width * height).map(value).collect());
        for [scale_x, scale_y, x, y] in [
            [1.0, 1.0, 0.0, 0.0],
            [0.31, 0.57, 3.3, -4.7],
            [1.9, 2.3, -20.0, 5.5],
            [-0.8, 0.7, 30.0, 2.0],
            [0.6, -0.6, -1.5, 27.0],
            [1.0, 1.0, 100.0, 0.0],
            [0.01, 0.01, 35.9, 27.9],
        ] {
            let matrix = Matrix3::new(scale_x, 0.0, x, 0.0, scale_y, y, 0.0, 0.0, 1.0);
            for margin in [0.0, 1.5] {
                let bits = |plane: &Plane| -> Vec<u32> {
                    plane.values.iter().map(|value| value.to_bits()).collect()
                };
                let upright = warp_upright(&source, &matrix, 50, 40, margin).unwrap();
                let any = warp_any(&source, &matrix, 50, 40, margin);
                assert_eq!(bits(&upright), bits(&any), "{matrix} {margin}");
            }
        }
        let turned = Matrix3::new(1.0, 0.1, 0.0, -0.1, 1.0, 0.0, 0.0, 0.0, 1.0);
        assert!(warp_upright(&source, &turned, 50, 40, 0.0).is_none());
    }
}
