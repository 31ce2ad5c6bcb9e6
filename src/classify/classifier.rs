//! The parts of a classifier.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::calibration::{Calibration, Evidence, geometric_evidence};
use super::layer::{SoftmaxLayer, cosine};
use super::references::Reference;
use crate::error::{Error, Result};

/// The network whose features a classifier reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkId {
    /// Its name in its manifest.
    pub name: String,
    /// SHA-256 of its ONNX file, 64 hexadecimal digits.
    pub sha256: String,
}

/// Settings of feature extraction, for training and for use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureSettings {
    /// The longest side of a photo for its global descriptor, in pixels.
    pub global_size: u32,
    /// The longest side of a photo at scale 1 for its local features, in pixels.
    pub max_size: u32,
    /// Pyramid scales of the local features.
    pub scales: Vec<f32>,
    /// Local features kept of one photo.
    pub max_features: usize,
}

/// A trained classifier.
#[derive(Debug, Clone, PartialEq)]
pub struct Classifier {
    /// The network that it belongs to.
    pub network: NetworkId,
    /// Settings of feature extraction.
    pub settings: FeatureSettings,
    /// The classes' names, all different.
    pub labels: Vec<String>,
    /// Reads [`normalized`](super::normalized) global descriptors; one row of weights a label.
    pub layer: SoftmaxLayer,
    /// The mean normalised global descriptor of each class' training photos.
    pub class_means: Vec<Vec<f32>>,
    /// The weights of the scores.
    pub calibration: Calibration,
    /// The training photos that new photos are matched with; empty without geometry.
    pub references: Vec<Reference>,
    /// The accuracy on the photos held out for testing, from 0 to 1, where there were any.
    pub test_accuracy: Option<f64>,
}

/// One match of a photo with a training photo.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct ReferenceMatch {
    /// Index of the training photo in [`Classifier::references`].
    pub reference: usize,
    /// Verified inliers.
    pub num_inliers: usize,
    /// Log-odds that both photos show the same thing, by their features.
    pub log_odds: f64,
}

impl Classifier {
    /// Whether photos are matched with training photos too.
    pub fn has_geometry(&self) -> bool {
        !self.references.is_empty()
    }

    /// Evidence of a photo with this normalised global descriptor and these matches with training photos.
    ///
    /// # Errors
    /// [`Error::Features`] when the descriptor has another length than the layer reads.
    pub fn evidence(&self, global: &[f32], matches: &[ReferenceMatch]) -> Result<Evidence> {
        let logits = self.layer.logits(global)?;
        let mut geometry = vec![0.0f64; self.labels.len()];
        for found in matches {
            let class = self.references[found.reference].class;
            geometry[class] = geometry[class].max(geometric_evidence(found.log_odds));
        }
        Ok(Evidence {
            logits,
            geometry,
            similarity: self.class_means.iter().map(|m| cosine(m, global)).collect(),
        })
    }

    /// Checks that the parts fit one another.
    ///
    /// # Errors
    /// [`Error::Features`] naming the part that does not.
    pub fn validate(&self) -> Result<()> {
        let (classes, dim) = (self.layer.num_classes(), self.layer.num_inputs());
        let in_range = |r: &Reference| {
            r.class < classes
                && r.global.len() == dim
                && r.descriptors.len() == r.keypoints.len() * r.descriptor_dim
        };
        let rules = [
            (
                self.labels.len() == classes,
                "as many labels as the layer has classes",
            ),
            (self.class_means.len() == classes, "one mean a class"),
            (
                self.class_means.iter().all(|mean| mean.len() == dim),
                "means as long as the layer's inputs",
            ),
            (
                self.references.iter().all(in_range),
                "training photos that fit the layer",
            ),
            (
                (16..=8192).contains(&self.settings.global_size),
                "a global_size from 16 to 8192",
            ),
        ];
        if let Some((_, rule)) = rules.iter().find(|(holds, _)| !holds) {
            let reason = format!("a classifier needs {rule}");
            return Err(Error::Features { reason });
        }
        let mut known = BTreeSet::new();
        if let Some(label) = self.labels.iter().find(|label| !known.insert(*label)) {
            let reason = format!("two classes have the label `{label}`");
            return Err(Error::Features { reason });
        }
        Ok(())
    }
}
