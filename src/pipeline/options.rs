//! How two photos are matched.

use crate::error::{Error, Result};
use crate::extract::{ExtractionOptions, ModelDefaults};
use crate::geometry::TransformKind;
use crate::image::DecodeOptions;
use crate::matching::MatchingOptions;
use crate::refinement::RefinementOptions;
use crate::verification::VerificationOptions;

/// How two photos are matched.
#[derive(Debug, Clone, PartialEq)]
pub struct MatchOptions {
    /// Limits on what is decoded.
    pub decode: DecodeOptions,
    /// How features are extracted.
    pub extraction: ExtractionOptions,
    /// Which descriptors are paired.
    pub matching: MatchingOptions,
    /// Which transform is looked for. Its pixels, and the scale that it limits, are those of both photos
    /// at the working size, where the longest side is `extraction.max_size`, so that they mean the
    /// same for photos of any size.
    pub verification: VerificationOptions,
    /// How the transform and the inliers are made exact to the pixel; none leaves them as they are.
    pub refinement: Option<RefinementOptions>,
    /// The kind of the refined transform.
    pub refined_kind: TransformKind,
    /// Inliers from which two photos are said to show the same thing; at least 1.
    pub min_inliers: usize,
    /// Inliers that are enough when a refined transform is right to the pixel; at least 1. Of 17,092
    /// pairs of different objects with 8 inliers and more none had one (benches/RESULTS.md).
    pub min_confirmed_inliers: usize,
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
            min_inliers: 18,
            min_confirmed_inliers: 8,
            seed: None,
        }
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
            min_inliers: defaults.min_inliers,
            ..Self::default()
        }
    }
}

impl MatchOptions {
    /// DELF's own constants for matching and geometry, and no refinement; extraction as it was.
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
        for (name, value) in [
            ("min_inliers", self.min_inliers),
            ("min_confirmed_inliers", self.min_confirmed_inliers),
        ] {
            if value == 0 {
                return Err(Error::option(name, "must be at least 1"));
            }
        }
        Ok(())
    }
}
