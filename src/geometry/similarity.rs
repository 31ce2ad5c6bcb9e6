//! Similarities: rotation, one scale and translation.
//!
//! With points as complex numbers a similarity is z2 = a z1 + b. Two points give it exactly, and
//! the least-squares fit has a closed form in coordinates relative to the centroids (Umeyama,
//! *Least-Squares Estimation of Transformation Parameters Between Two Point Patterns*, 1991).

use super::{Correspondences, TransformLimits};
use nalgebra::{Complex, Matrix3, Point2};

/// The similarity through two correspondences; `None` when the points of either photo are closer than the limits
/// allow or the scale is beyond them.
///
/// # Panics
/// When an index is not below `points.len()`.
pub fn fit_minimal(
    points: &Correspondences,
    sample: [usize; 2],
    limits: &TransformLimits,
) -> Option<Matrix3<f64>> {
    let [first, second] = sample;
    let edge1 = points.point1(second) - points.point1(first);
    let edge2 = points.point2(second) - points.point2(first);
    if !limits.accepts_edge(edge1) || !limits.accepts_edge(edge2) {
        return None;
    }
    let turn = Complex::new(edge2.x, edge2.y) / Complex::new(edge1.x, edge1.y);
    checked(turn, points.point1(first), points.point2(first), limits)
}

/// The similarity with the smallest weighted sum of squared transfer errors; `None` when the points
/// coincide or the scale is beyond the limits.
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
    let (mut turn, mut spread) = (Complex::new(0.0, 0.0), 0.0);
    for (&i, &weight) in indices.iter().zip(weights) {
        let from = points.point1(i) - center1;
        let to = points.point2(i) - center2;
        turn += Complex::new(to.x, to.y) * Complex::new(from.x, from.y).conj() * weight;
        spread += from.norm_squared() * weight;
    }
    if spread <= 0.0 {
        return None;
    }
    checked(turn / spread, center1, center2, limits)
}

/// The similarity that multiplies by `turn` and sends `from` to `to`, if the limits allow it.
fn checked(
    turn: Complex<f64>,
    from: Point2<f64>,
    to: Point2<f64>,
    limits: &TransformLimits,
) -> Option<Matrix3<f64>> {
    let shift = Complex::new(to.x, to.y) - turn * Complex::new(from.x, from.y);
    #[rustfmt::skip]
    let matrix = Matrix3::new(
        turn.re, -turn.im, shift.re,
        turn.im,  turn.re, shift.im,
        0.0,      0.0,     1.0,
    );
    limits.accepts(&matrix, from).then_some(matrix)
}
