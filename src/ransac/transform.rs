//! The transforms of [`crate::geometry`] as an estimator.

use super::Estimator;
use crate::geometry::{Correspondences, TransformKind, TransformLimits, homography};
use nalgebra::Matrix3;

/// Fits a plane transform to correspondences, the best of which come first. Errors are transfer
/// errors in pixels of photo 2.
#[derive(Debug, Clone)]
pub struct TransformEstimator<'a> {
    /// The transform fitted.
    pub kind: TransformKind,
    /// The data.
    pub points: &'a Correspondences,
    /// The transforms refused.
    pub limits: TransformLimits,
    /// Empty, or for every correspondence the place it has in photo 1 and the place it has in photo
    /// 2, as numbers below the number of correspondences. Of correspondences that share a place
    /// only one counts.
    pub places: &'a [[u32; 2]],
}

impl Estimator for TransformEstimator<'_> {
    type Model = Matrix3<f64>;

    fn sample_size(&self) -> usize {
        self.kind.sample_size()
    }

    fn num_points(&self) -> usize {
        self.points.len()
    }

    fn fit_minimal(&self, sample: &[usize]) -> Option<Matrix3<f64>> {
        self.kind.fit_minimal(self.points, sample, &self.limits)
    }

    fn fit_least_squares(&self, indices: &[usize], weights: &[f64]) -> Option<Matrix3<f64>> {
        self.kind
            .fit_least_squares(self.points, indices, weights, &self.limits)
    }

    fn squared_error(&self, model: &Matrix3<f64>, index: usize) -> f64 {
        let mut error = [0.0];
        self.squared_errors(model, index, &mut error);
        error[0]
    }

    fn squared_errors(&self, model: &Matrix3<f64>, start: usize, errors: &mut [f64]) {
        self.kind.squared_errors(model, self.points, start, errors);
    }

    fn refine(
        &self,
        model: &Matrix3<f64>,
        indices: &[usize],
        weights: &[f64],
    ) -> Option<Matrix3<f64>> {
        match self.kind {
            TransformKind::Homography => {
                homography::refine(model, self.points, indices, weights, &self.limits)
            }
            kind => kind.fit_least_squares(self.points, indices, weights, &self.limits),
        }
    }

    fn rivals(&self) -> &[[u32; 2]] {
        self.places
    }
}
