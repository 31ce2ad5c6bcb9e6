//! The homography near the identity that moves tracked points.
//!
//! Windows are tracked in the frame of photo 1, so the motion left is small and few tracks are wrong by chance
//! alike. Reweighted least squares from the identity, its tolerance narrowing from wide to its end (graduated
//! non-convexity; Blake and Zisserman, *Visual Reconstruction*, 1987, with the weights of Geman and McClure), needs
//! no sampling. The wide steps fit an affine transform, the narrow ones a homography.

use nalgebra::Matrix3;

use crate::geometry::{Correspondences, TransformLimits, affine, homography};

/// Ratio of each tolerance to the one before.
const NARROWING: f64 = 0.7;
/// Reweighted steps at each tolerance, and at the last one.
const NUM_STEPS: [usize; 2] = [2, 4];

/// The tolerances of a fit, in pixels of the frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tolerance {
    /// The first.
    pub start_px: f64,
    /// Above this one the model is affine.
    pub affine_px: f64,
    /// The last.
    pub end_px: f64,
}

/// Fits `points`, from the identity; `None` when they do not determine a model.
pub(super) fn fit(points: &Correspondences, tolerance: Tolerance) -> Option<Matrix3<f64>> {
    let indices: Vec<usize> = (0..points.len()).collect();
    let mut weights = vec![0.0; points.len()];
    let limits = TransformLimits::default();
    let mut model = Matrix3::identity();
    let mut width = tolerance.start_px.max(tolerance.end_px);
    loop {
        let last = width <= tolerance.end_px;
        for _ in 0..NUM_STEPS[usize::from(last)] {
            homography::squared_errors(&model, points, 0, &mut weights);
            for weight in &mut weights {
                let ratio = 1.0 / (1.0 + *weight / (width * width));
                *weight = ratio * ratio;
            }
            model = if width > tolerance.affine_px {
                affine::fit_least_squares(points, &indices, &weights, &limits)?
            } else {
                homography::refine(&model, points, &indices, &weights, &limits)?
            };
        }
        if last {
            return Some(model);
        }
        width = (NARROWING * width).max(tolerance.end_px);
    }
}
