//! How a folder is sorted into classes.

use crate::candidates::CandidateOptions;
use crate::error::{Error, Result};
use crate::extract::ModelDefaults;
use crate::pipeline::MatchOptions;

/// How a folder is sorted into classes.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterOptions {
    /// How two photos are matched. Of these, `refined_kind` and `seed` are not read; `min_inliers` says
    /// which pairs have their pixels asked whatever their score.
    pub matching: MatchOptions,
    /// Which pairs are verified.
    pub candidates: CandidateOptions,
    /// Verify every pair however many photos there are.
    pub exhaustive: bool,
    /// Every pair is verified up to this many photos.
    pub max_exhaustive: usize,
    /// Two photos are linked when photos of different things look as alike with at most this
    /// probability; above 0, less than 1. One value for every folder.
    pub max_false_match_probability: f64,
    /// Inliers that a linked pair needs besides; none asks for no number.
    pub min_inliers: Option<usize>,
}

impl Default for ClusterOptions {
    fn default() -> Self {
        Self {
            matching: MatchOptions::default(),
            candidates: CandidateOptions::default(),
            exhaustive: false,
            max_exhaustive: 250,
            max_false_match_probability: 3e-4,
            min_inliers: None,
        }
    }
}

impl From<&ModelDefaults> for ClusterOptions {
    /// The settings that a network was measured with.
    fn from(defaults: &ModelDefaults) -> Self {
        Self {
            matching: MatchOptions::from(defaults),
            ..Self::default()
        }
    }
}

impl ClusterOptions {
    /// Checks every field.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] naming the field.
    pub fn validate(&self) -> Result<()> {
        self.matching.validate()?;
        self.candidates.validate()?;
        let cut = self.max_false_match_probability;
        if !(cut > 0.0 && cut < 1.0) {
            let reason = format!("{cut} is not between 0 and 1");
            return Err(Error::option("max_false_match_probability", reason));
        }
        Ok(())
    }
}
