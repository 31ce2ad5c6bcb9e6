//! Geometric verification: the matches of two photos that one transform explains.
//!
//! Matches are tried in the order of their descriptor distance. A place in a photo supports the
//! transform once: of matches that share a keypoint, or whose keypoints stand at the same place at
//! several scales, only the nearest to the transform is an inlier.
//!
//! The transform maps photo 1 to photo 2, x2 ~ H x1, in pixels of the original photos.

mod places;

use crate::error::{Error, Result};
use crate::features::Keypoint;
use crate::geometry::{Correspondences, TransformKind, TransformLimits, normalized};
use crate::matching::Match;
use crate::ransac::{InlierReward, RansacOptions, TransformEstimator, ransac};
use nalgebra::{Matrix3, Point2};

/// Options of [`verify`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VerificationOptions {
    /// The transform between the photos.
    pub kind: TransformKind,
    /// The robust search; its `max_error_px` is in pixels of photo 2.
    pub ransac: RansacOptions,
    /// The transforms refused.
    pub limits: TransformLimits,
    /// Whether a place in a photo counts once. Without it every match counts.
    pub one_to_one: bool,
    /// Keypoints of one photo within this distance are one place, in pixels; at least 0. Reads only
    /// with `one_to_one`.
    pub place_radius_px: f64,
    /// Inliers needed beyond those of a minimal sample, which always agree.
    pub min_extra_inliers: usize,
}

impl Default for VerificationOptions {
    fn default() -> Self {
        Self {
            kind: TransformKind::Affine,
            ransac: RansacOptions::default(),
            limits: TransformLimits::default(),
            one_to_one: true,
            place_radius_px: 1.0,
            min_extra_inliers: 2,
        }
    }
}

impl VerificationOptions {
    /// DELF's constants (Noh et al. 2017 and the `match_images.py` published with it): an affine
    /// transform, 3 samples, 20 pixels, 1000 trials without an early stop, and no limit on the
    /// transform. A place still counts once.
    pub fn delf() -> Self {
        Self {
            kind: TransformKind::Affine,
            ransac: RansacOptions {
                max_error_px: 20.0,
                reward: InlierReward::Closeness,
                confidence: 1.0,
                min_trials: 1000,
                max_trials: 1000,
                seed: 0,
            },
            limits: TransformLimits {
                max_scale: f64::INFINITY,
                max_stretch: f64::INFINITY,
                allow_mirrored: true,
                min_extent_px: 0.0,
            },
            ..Self::default()
        }
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] naming the field at fault.
    pub fn validate(&self) -> Result<()> {
        self.ransac.validate()?;
        self.limits.validate()?;
        if !(self.place_radius_px >= 0.0 && self.place_radius_px.is_finite()) {
            return Err(Error::option(
                "place_radius_px",
                format!(
                    "{} is not a finite number of 0 or more",
                    self.place_radius_px
                ),
            ));
        }
        Ok(())
    }
}

/// The transform that explains a part of the matches of two photos.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TwoViewGeometry {
    /// The kind of `matrix`.
    pub kind: TransformKind,
    /// Maps photo 1 to photo 2 in pixels, with h33 = 1.
    pub matrix: Matrix3<f64>,
    /// The matches explained, as indices into the matches given, ascending.
    pub inliers: Vec<usize>,
    /// The number of samples drawn.
    pub num_trials: usize,
    /// The sum of the inliers' rewards: each is 1 without error and 0 at the largest error.
    pub score: f64,
}

/// Finds the transform that explains the most matches; `None` when fewer than a minimal sample and
/// [`VerificationOptions::min_extra_inliers`] agree, which any number of matches, none included,
/// may do. Deterministic: the same arguments give the same bits.
///
/// # Errors
/// [`Error::InvalidOption`] for an option outside its range; [`Error::Features`] for a match with
/// an index outside the keypoints, or a keypoint of a match that is not finite.
pub fn verify(
    keypoints1: &[Keypoint],
    keypoints2: &[Keypoint],
    matches: &[Match],
    options: &VerificationOptions,
) -> Result<Option<TwoViewGeometry>> {
    options.validate()?;
    let mut order: Vec<usize> = (0..matches.len()).collect();
    order.sort_by(|&a, &b| matches[a].distance.total_cmp(&matches[b].distance));
    let mut points = Correspondences::with_capacity(matches.len());
    for &i in &order {
        points.push(
            position(keypoints1, matches[i].index1, 1)?,
            position(keypoints2, matches[i].index2, 2)?,
        );
    }
    let places = if options.one_to_one {
        places::places(&points, options.place_radius_px)
    } else {
        Vec::new()
    };
    let estimator = TransformEstimator {
        kind: options.kind,
        points: &points,
        limits: options.limits,
        places: &places,
    };
    let Some(report) = ransac(&estimator, &options.ransac)? else {
        return Ok(None);
    };
    let sample_size = options.kind.sample_size();
    let Some(matrix) = normalized(&report.model) else {
        return Ok(None);
    };
    if report.inliers.len() < sample_size + options.min_extra_inliers {
        return Ok(None);
    }
    let mut inliers: Vec<usize> = report.inliers.iter().map(|&i| order[i]).collect();
    inliers.sort_unstable();
    Ok(Some(TwoViewGeometry {
        kind: options.kind,
        matrix,
        inliers,
        num_trials: report.num_trials,
        score: report.score,
    }))
}

fn position(keypoints: &[Keypoint], index: usize, photo: u8) -> Result<Point2<f64>> {
    let fail = |what: &str| {
        let reason = format!("a match names keypoint {index} of photo {photo}, which {what}");
        Err(Error::Features { reason })
    };
    match keypoints.get(index) {
        None => fail("does not exist"),
        Some(k) if !(k.x.is_finite() && k.y.is_finite()) => fail("has no finite position"),
        Some(k) => Ok(Point2::new(f64::from(k.x), f64::from(k.y))),
    }
}

#[cfg(test)]
mod tests;
