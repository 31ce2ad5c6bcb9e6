//! Options of clustering a folder.

use crate::candidates::CandidateOptions;
use crate::error::{Error, Result};
use crate::extract::Model;
use crate::pipeline::options::ensure_min_probability;
use crate::pipeline::{Correction, MatchOptions};
use crate::scoring::Judgement;

/// Least probability of a linked pair.
const MIN_PROBABILITY: f64 = 0.4;

/// Options of clustering a folder.
#[derive(Debug, Clone)]
pub struct ClusterOptions {
    /// Options of matching two photos. Of these, `refined_kind`, `seed`, `min_probability` and `min_inliers` are
    /// not read.
    pub matching: MatchOptions,
    /// Options of proposing pairs.
    pub candidates: CandidateOptions,
    /// Verify every pair, whatever the number of photos.
    pub exhaustive: bool,
    /// Largest number of photos of which every pair is verified.
    pub max_exhaustive: usize,
    /// Least adjusted probability of a linked pair; above 0, below 1.
    pub min_probability: f64,
    /// Link only edited copies of the same picture, not different photos of the same thing.
    pub copies_only: bool,
    /// Another judgement than the embedded one.
    pub judgement: Option<Judgement>,
    /// Least number of inliers of a linked pair; none for no such condition.
    pub min_inliers: Option<usize>,
    /// The user's corrections, the earliest first; of two that contradict one another the later counts.
    pub corrections: Vec<Correction>,
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
            corrections: Vec::new(),
        }
    }
}

impl Model {
    /// The options of clustering and search that this network was measured with.
    pub fn cluster_options(&self) -> ClusterOptions {
        ClusterOptions {
            matching: self.match_options(),
            ..ClusterOptions::default()
        }
    }
}

impl ClusterOptions {
    /// Whether every pair of so many photos is verified.
    pub fn verifies_all(&self, num_photos: usize) -> bool {
        self.exhaustive || num_photos <= self.max_exhaustive
    }

    /// Checks every field.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] naming the field.
    pub fn validate(&self) -> Result<()> {
        self.matching.validate()?;
        self.candidates.validate()?;
        ensure_min_probability(self.min_probability)?;
        if self.min_inliers == Some(0) {
            return Err(Error::option("min_inliers", "must be at least 1"));
        }
        Ok(())
    }
}
