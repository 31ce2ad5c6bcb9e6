//! Options of the search.

use crate::error::{Error, Result};

/// Reward of an inlier when models are compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum InlierReward {
    /// The more, the smaller its error is; a largest error chosen too generously does little harm.
    #[default]
    Closeness,
    /// One, as in DELF's and scikit-image's search; closeness decides between equal numbers.
    Number,
}

/// Options of [`super::ransac`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RansacOptions {
    /// Largest error of an inlier, in the unit of the estimator's errors: pixels of photo 2 for the
    /// transforms. Above 0. 20 suits keypoints on a grid of 16 pixels and is DELF's value
    /// (`match_images.py`); 3 suits refined positions.
    pub max_error_px: f64,
    /// Reward of an inlier when models are compared.
    pub reward: InlierReward,
    /// The probability, above 0 and at most 1, with which a sample of inliers only has been drawn
    /// when the search stops early; 1 never stops early.
    pub confidence: f64,
    /// Fewest samples drawn.
    pub min_trials: usize,
    /// Most samples drawn, at least 1 and at least `min_trials`.
    pub max_trials: usize,
    /// Seed of the random samples.
    pub seed: u64,
}

impl Default for RansacOptions {
    fn default() -> Self {
        Self {
            max_error_px: 20.0,
            reward: InlierReward::Closeness,
            confidence: 0.999,
            min_trials: 50,
            max_trials: 5000,
            seed: 0,
        }
    }
}

impl RansacOptions {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] naming the field at fault.
    pub fn validate(&self) -> Result<()> {
        if !(self.max_error_px > 0.0 && self.max_error_px.is_finite()) {
            return Err(Error::option(
                "max_error_px",
                format!("{} is not a finite number above 0", self.max_error_px),
            ));
        }
        if !(self.confidence > 0.0 && self.confidence <= 1.0) {
            return Err(Error::option(
                "confidence",
                format!("{} is not above 0 and at most 1", self.confidence),
            ));
        }
        if self.max_trials == 0 {
            return Err(Error::option("max_trials", "0 is not 1 or more"));
        }
        if self.min_trials > self.max_trials {
            return Err(Error::option(
                "min_trials",
                format!(
                    "{} is more than max_trials, {}",
                    self.min_trials, self.max_trials
                ),
            ));
        }
        Ok(())
    }
}
