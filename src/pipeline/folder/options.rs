//! How a folder is sorted into classes.

use crate::candidates::CandidateOptions;
use crate::error::{Error, Result};
use crate::extract::ModelDefaults;
use crate::pipeline::MatchOptions;
use crate::scoring::Judgement;

/// Probability from which two photos are linked.
const MIN_PROBABILITY: f64 = 0.4;

/// How a folder is sorted into classes.
#[derive(Debug, Clone)]
pub struct ClusterOptions {
    /// How two photos are matched. Of these, `refined_kind`, `seed`, `min_probability` and
    /// `min_inliers` are not read.
    pub matching: MatchOptions,
    /// Which pairs are verified.
    pub candidates: CandidateOptions,
    /// Verify every pair however many photos there are.
    pub exhaustive: bool,
    /// Every pair is verified up to this many photos.
    pub max_exhaustive: usize,
    /// Two photos are linked when it is at least this probable that they show the same thing; above
    /// 0, less than 1. One value for every folder.
    pub min_probability: f64,
    /// Link copies of one picture alone, and no other views of its thing.
    pub copies_only: bool,
    /// Another judgement than the one that ships.
    pub judgement: Option<Judgement>,
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
            min_probability: MIN_PROBABILITY,
            copies_only: false,
            judgement: None,
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
        let cut = self.min_probability;
        if !(cut > 0.0 && cut < 1.0) {
            let reason = format!("{cut} is not between 0 and 1");
            return Err(Error::option("min_probability", reason));
        }
        Ok(())
    }
}
