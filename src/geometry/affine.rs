//! Affine transforms: any linear map and translation.
//!
//! Both fits work relative to the centroids. The least-squares problem is then a 2x2 system whose
//! condition does not depend on the unit, so Hartley's scaling has nothing to add.

use super::{Correspondences, TransformLimits};
use nalgebra::{Matrix2, Matrix3, Point2};

/// The affine transform through three correspondences; `None` when the points of either photo lie
/// near a line or the transform is beyond the limits.
///
/// # Panics
/// When an index is not below `points.len()`.
pub fn fit_minimal(
    points: &Correspondences,
    sample: [usize; 3],
    limits: &TransformLimits,
) -> Option<Matrix3<f64>> {
    let [a, b, c] = sample;
    let from = points.point1(a);
    let to = points.point2(a);
    let edges1 = [points.point1(b) - from, points.point1(c) - from];
    let edges2 = [points.point2(b) - to, points.point2(c) - to];
    let area1 = edges1[0].perp(&edges1[1]);
    let area2 = edges2[0].perp(&edges2[1]);
    if (area1 * area2 < 0.0 && !limits.allow_mirrored)
        || !limits.accepts_triangle(edges1, area1)
        || !limits.accepts_triangle(edges2, area2)
    {
        return None;
    }
    let adjugate = Matrix2::new(edges1[1].y, -edges1[1].x, -edges1[0].y, edges1[0].x);
    let linear = Matrix2::from_columns(&edges2) * (adjugate / area1);
    checked(linear, from, to, limits)
}

/// The affine transform with the smallest weighted sum of squared transfer errors; `None` when the
/// points lie on a line or the transform is beyond the limits.
///
/// # Panics
/// When an index is not below `points.len()`.
pub fn fit_least_squares(
    points: &Correspondences,
    indices: &[usize],
    weights: &[f64],
    limits: &TransformLimits,
) -> Option<Matrix3<f64>> {
    let (center1, center2, _) = points.centroids(indices, weights)?;
    let (mut moments, mut cross) = (Matrix2::zeros(), Matrix2::zeros());
    for (&i, &weight) in indices.iter().zip(weights) {
        let from = points.point1(i) - center1;
        let to = points.point2(i) - center2;
        let row = from.transpose() * weight;
        moments += from * row;
        cross += to * row;
    }
    // The two eigenvalues are the squared extents of the point cloud.
    if moments.determinant() <= 1e-12 * moments.trace().powi(2) {
        return None;
    }
    checked(cross * moments.try_inverse()?, center1, center2, limits)
}

/// Writes the squared transfer errors of the correspondences `start..start + errors.len()`, in
/// square pixels of photo 2. The last row of `matrix` is taken to be (0, 0, 1).
///
/// # Panics
/// When `start + errors.len()` exceeds `points.len()`.
pub fn squared_errors(
    matrix: &Matrix3<f64>,
    points: &Correspondences,
    start: usize,
    errors: &mut [f64],
) {
    let range = start..start + errors.len();
    let (x1, y1) = (&points.x1[range.clone()], &points.y1[range.clone()]);
    let (x2, y2) = (&points.x2[range.clone()], &points.y2[range]);
    for ((((error, x1), y1), x2), y2) in errors.iter_mut().zip(x1).zip(y1).zip(x2).zip(y2) {
        let dx = matrix.m11 * x1 + matrix.m12 * y1 + (matrix.m13 - x2);
        let dy = matrix.m21 * x1 + matrix.m22 * y1 + (matrix.m23 - y2);
        *error = dx * dx + dy * dy;
    }
}

/// The affine transform with this linear part that sends `from` to `to`, if the limits allow it.
fn checked(
    linear: Matrix2<f64>,
    from: Point2<f64>,
    to: Point2<f64>,
    limits: &TransformLimits,
) -> Option<Matrix3<f64>> {
    let shift = to.coords - linear * from.coords;
    #[rustfmt::skip]
    let matrix = Matrix3::new(
        linear.m11, linear.m12, shift.x,
        linear.m21, linear.m22, shift.y,
        0.0,        0.0,        1.0,
    );
    limits.accepts(&matrix, from).then_some(matrix)
}
