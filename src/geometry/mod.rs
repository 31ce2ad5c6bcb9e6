//! Plane transforms between two photos: similarity, affine, homography.
//!
//! Points are in pixels, x to the right and y down. A transform is a 3x3 matrix `H` that maps
//! photo 1 to photo 2, x2 ~ H x1. For similarity and affine the last row is (0, 0, 1). The fits of
//! this module scale a homography so that the third coordinate of H x1 is positive at the points it
//! was fitted to; [`normalized`] gives the usual form with h33 = 1.
//!
//! For every kind there is a minimal solver, a weighted least-squares fit and the squared transfer
//! error |x2 - H x1|^2 in square pixels of photo 2. A fit that is not determined by its points, or
//! that no camera would make, is refused with `None`; [`TransformLimits`] draws the line.
//!
//! Hartley and Zisserman, *Multiple View Geometry in Computer Vision*, chapters 2 and 4. All
//! functions are deterministic.

pub mod affine;
mod correspondences;
pub mod homography;
mod limits;
pub mod similarity;
mod transform;

pub use correspondences::Correspondences;
pub use limits::TransformLimits;
pub use transform::{LocalMotion, inverse, local_motion, normalized, outline, project};

use crate::error::{Error, Result};
use nalgebra::Matrix3;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A plane transform from photo 1 to photo 2.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Transform {
    /// Its family.
    pub kind: TransformKind,
    /// The 3x3 matrix H, x2 ~ H x1.
    pub matrix: Matrix3<f64>,
}

/// A family of plane transforms.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum TransformKind {
    /// Rotation, one scale and translation: 4 parameters, 2 points.
    Similarity,
    /// Any linear map and translation: 6 parameters, 3 points. DELF's choice.
    #[default]
    Affine,
    /// A plane seen by two cameras: 8 parameters, 4 points.
    Homography,
}

impl TransformKind {
    /// Every kind, from the fewest parameters to the most.
    pub const ALL: [Self; 3] = [Self::Similarity, Self::Affine, Self::Homography];

    /// The number of correspondences that determine a transform.
    pub const fn sample_size(self) -> usize {
        match self {
            Self::Similarity => 2,
            Self::Affine => 3,
            Self::Homography => 4,
        }
    }

    /// The name that [`FromStr`] reads and serde writes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Similarity => "similarity",
            Self::Affine => "affine",
            Self::Homography => "homography",
        }
    }

    /// The transform through the correspondences `sample`, of which there must be
    /// [`Self::sample_size`]; `None` for another number and for a sample that `limits` refuses.
    ///
    /// # Panics
    /// When an index is not below `points.len()`.
    pub fn fit_minimal(
        self,
        points: &Correspondences,
        sample: &[usize],
        limits: &TransformLimits,
    ) -> Option<Matrix3<f64>> {
        match self {
            Self::Similarity => similarity::fit_minimal(points, sample.try_into().ok()?, limits),
            Self::Affine => affine::fit_minimal(points, sample.try_into().ok()?, limits),
            Self::Homography => homography::fit_minimal(points, sample.try_into().ok()?, limits),
        }
    }

    /// The transform with the smallest weighted sum of squared errors over the correspondences
    /// `indices`; `weights` are at least 0, one an index. Similarity and affine minimise the
    /// transfer error itself, a homography the algebraic error in Hartley's normalised coordinates
    /// (see [`homography::refine`] for the transfer error). `None` when the points do not
    /// determine it or `limits` refuses it.
    ///
    /// # Panics
    /// When an index is not below `points.len()`.
    pub fn fit_least_squares(
        self,
        points: &Correspondences,
        indices: &[usize],
        weights: &[f64],
        limits: &TransformLimits,
    ) -> Option<Matrix3<f64>> {
        match self {
            Self::Similarity => similarity::fit_least_squares(points, indices, weights, limits),
            Self::Affine => affine::fit_least_squares(points, indices, weights, limits),
            Self::Homography => homography::fit_least_squares(points, indices, weights, limits),
        }
    }

    /// Writes the squared transfer errors, in square pixels of photo 2, of the correspondences
    /// `start..start + errors.len()` under `matrix`. A point that `matrix` does not send to the
    /// front of photo 2's plane has an infinite error.
    ///
    /// # Panics
    /// When `start + errors.len()` exceeds `points.len()`.
    pub fn squared_errors(
        self,
        matrix: &Matrix3<f64>,
        points: &Correspondences,
        start: usize,
        errors: &mut [f64],
    ) {
        match self {
            Self::Similarity | Self::Affine => {
                affine::squared_errors(matrix, points, start, errors);
            }
            Self::Homography => homography::squared_errors(matrix, points, start, errors),
        }
    }
}

impl fmt::Display for TransformKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for TransformKind {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == name)
            .ok_or_else(|| {
                Error::option(
                    "kind",
                    format!("{name:?} is not one of similarity, affine, homography"),
                )
            })
    }
}

#[cfg(test)]
mod tests;
