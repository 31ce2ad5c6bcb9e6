//! Options of matching two photos.

use crate::error::{Error, Result};
use crate::extract::{ExtractionOptions, Model, ModelDefaults};
use crate::geometry::TransformKind;
use crate::image::DecodeOptions;
use crate::matching::MatchingOptions;
use crate::refinement::RefinementOptions;
use crate::verification::VerificationOptions;

/// Probability from which the answer is yes.
const MIN_PROBABILITY: f64 = 0.5;

/// Options of matching two photos.
#[derive(Debug, Clone, PartialEq)]
pub struct MatchOptions {
    /// Limits of decoding.
    pub decode: DecodeOptions,
    /// Options of feature extraction.
    pub extraction: ExtractionOptions,
    /// Options of descriptor matching.
    pub matching: MatchingOptions,
    /// Options of geometric verification. Its pixels, and the scale that it limits, are those of both photos at the
    /// working size, where the longest side is `extraction.max_size`, so that they mean the same for photos of any
    /// size.
    pub verification: VerificationOptions,
    /// Options of the refinement to the pixel; none skips it, and with it the comparison of pixels.
    pub refinement: Option<RefinementOptions>,
    /// The kind of the refined transform.
    pub refined_kind: TransformKind,
    /// Least probability of a yes; above 0, below 1. None where the number of inliers decides: for a network that
    /// the judgement was not learned with, or by choice.
    pub min_probability: Option<f64>,
    /// Inliers that decide without `min_probability`; also those from which geometry counts as sure
    /// beside a classifier. At least 1.
    pub min_inliers: usize,
    /// Seed of the random samples; none makes it from the content of the two photos.
    pub seed: Option<u64>,
}

impl Default for MatchOptions {
    /// The settings that the default network was measured with.
    fn default() -> Self {
        Self {
            decode: DecodeOptions::default(),
            extraction: ExtractionOptions::default(),
            matching: MatchingOptions::default(),
            verification: VerificationOptions::default(),
            refinement: Some(RefinementOptions::default()),
            refined_kind: TransformKind::Homography,
            min_probability: Some(MIN_PROBABILITY),
            min_inliers: 18,
            seed: None,
        }
    }
}

impl Model {
    /// The options of matching that this network was measured with.
    pub fn match_options(&self) -> MatchOptions {
        MatchOptions::from(self.defaults())
    }
}

impl From<&ModelDefaults> for MatchOptions {
    /// The settings that a network was measured with.
    fn from(defaults: &ModelDefaults) -> Self {
        Self {
            extraction: ExtractionOptions::from(defaults),
            matching: MatchingOptions {
                max_distance: Some(defaults.max_distance),
                ..MatchingOptions::default()
            },
            min_probability: defaults.judgement.then_some(MIN_PROBABILITY),
            min_inliers: defaults.min_inliers,
            ..Self::default()
        }
    }
}

impl MatchOptions {
    /// DELF's options for matching and geometry, and no refinement; extraction as it was.
    #[must_use]
    pub fn with_delf_matching(self) -> Self {
        Self {
            matching: MatchingOptions::delf(),
            verification: VerificationOptions::delf(),
            refinement: None,
            ..self
        }
    }

    /// Checks every field.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] naming the field.
    pub fn validate(&self) -> Result<()> {
        self.decode.validate()?;
        self.extraction.validate()?;
        self.matching.validate()?;
        self.verification.validate()?;
        if let Some(refinement) = &self.refinement {
            refinement.validate()?;
        }
        if self.min_inliers == 0 {
            return Err(Error::option("min_inliers", "must be at least 1"));
        }
        self.min_probability.map_or(Ok(()), ensure_min_probability)
    }
}

/// Checks the least probability of a pair.
pub(super) fn ensure_min_probability(probability: f64) -> Result<()> {
    if probability > 0.0 && probability < 1.0 {
        return Ok(());
    }
    let reason = format!("{probability} is not above 0 and below 1");
    Err(Error::option("min_probability", reason))
}
