//! Options of training a classifier.

use std::path::PathBuf;

use super::distortion::Distortions;
use super::groups::PhotoGroups;
use crate::classify::{SplitOptions, TrainingOptions};
use crate::error::{Error, Result};
use crate::extract::Model;
use crate::image::DecodeOptions;
use crate::pipeline::MatchOptions;

/// Folders of labelled photos: in each, a sub-folder is a class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrainingFolders {
    /// Photos to learn from; those that a split keeps back come from here too.
    pub training: PathBuf,
    /// Photos for validation in a folder of their own; none takes a part of `training`.
    pub validation: Option<PathBuf>,
    /// Photos for testing in a folder of their own; none takes a part of `training`.
    pub testing: Option<PathBuf>,
}

/// Options of training a classifier.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassifierOptions {
    /// Shares of the photos kept from training.
    pub split: SplitOptions,
    /// Photos that go to the same split; none splits each by its own name.
    pub groups: Option<PhotoGroups>,
    /// Options of training the layer.
    pub layer: TrainingOptions,
    /// Random distortions of the training photos; distorted photos are not cached.
    pub distortions: Distortions,
    /// Limits of decoding.
    pub decode: DecodeOptions,
    /// Longest side of a photo for its global descriptor, in pixels; 16 to 8192. The default did best
    /// on the validation split of the clothing dataset (benches/RESULTS.md).
    pub global_size: u32,
    /// Options of matching photos with training photos; none leaves the softmax score alone.
    pub geometry: Option<MatchOptions>,
    /// Training photos of a class that the classifier keeps to match with; at least 1.
    pub max_references_per_class: usize,
}

impl Default for ClassifierOptions {
    fn default() -> Self {
        Self {
            split: SplitOptions::default(),
            groups: None,
            layer: TrainingOptions::default(),
            distortions: Distortions::default(),
            decode: DecodeOptions::default(),
            global_size: 320,
            geometry: Some(MatchOptions::default()),
            max_references_per_class: 50,
        }
    }
}

impl Model {
    /// The options of training with the matching that this network was measured with.
    pub fn classifier_options(&self) -> ClassifierOptions {
        ClassifierOptions {
            geometry: Some(self.match_options()),
            ..ClassifierOptions::default()
        }
    }
}

impl ClassifierOptions {
    /// Checks every field.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] naming the field.
    pub fn validate(&self) -> Result<()> {
        self.split.validate()?;
        self.layer.validate()?;
        self.distortions.validate()?;
        self.decode.validate()?;
        if let Some(geometry) = &self.geometry {
            geometry.validate()?;
        }
        if !(16..=8192).contains(&self.global_size) {
            let reason = format!("{} is not between 16 and 8192 pixels", self.global_size);
            return Err(Error::option("global_size", reason));
        }
        if self.max_references_per_class == 0 {
            return Err(Error::option(
                "max_references_per_class",
                "must be at least 1",
            ));
        }
        Ok(())
    }
}
