//! The photos of a training run.

use super::photos::PhotoFeatures;
use crate::classify::{LabelledPhoto, Samples, Split};

/// A photo and its split.
pub(super) type SplitPhoto = (LabelledPhoto, Split);

/// A photo that could be read.
pub(super) struct Sample {
    pub(super) photo: LabelledPhoto,
    pub(super) split: Split,
    pub(super) features: PhotoFeatures,
    /// Normalised global descriptors of its distorted copies.
    pub(super) copies: Vec<Vec<f32>>,
}

/// What a layer learns from the photos at these indices: themselves, then their distorted copies.
pub(super) fn with_copies(samples: &[Sample], indices: &[usize]) -> Samples {
    let photos = || indices.iter().map(|&index| &samples[index]);
    let classes_of_copies = photos().flat_map(|s| s.copies.iter().map(|_| s.photo.class));
    let originals = photos().map(|s| &s.features.global);
    Samples {
        inputs: originals
            .chain(photos().flat_map(|s| &s.copies))
            .cloned()
            .collect(),
        classes: photos()
            .map(|s| s.photo.class)
            .chain(classes_of_copies)
            .collect(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::classify::{
        Calibration, Classifier, FeatureSettings, NetworkId, SoftmaxLayer, arg_max,
    };
    use crate::pipeline::{Classification, LabelledResult};

    /// A classifier of this many classes, and a photo of the first that it takes for the second.
    pub(in super::super) fn wrongly_labelled(num_classes: usize) -> (Classifier, LabelledResult) {
        let classifier = Classifier {
            network: NetworkId {
                name: "net".into(),
                sha256: String::new(),
            },
            settings: FeatureSettings {
                global_size: 320,
                max_size: 480,
                scales: vec![1.0],
                max_features: 500,
            },
            labels: (0..num_classes).map(|class| format!("c{class}")).collect(),
            layer: SoftmaxLayer::new(1, vec![0.0; num_classes], vec![0.0; num_classes]).unwrap(),
            class_means: vec![vec![0.0]; num_classes],
            calibration: Calibration::default(),
            references: Vec::new(),
            test_accuracy: None,
        };
        let mut probabilities = vec![0.0; num_classes];
        probabilities[1] = 1.0;
        let class = arg_max(&probabilities);
        let photo = LabelledPhoto {
            path: "missing.jpg".into(),
            name: "missing.jpg".into(),
            class: 0,
        };
        let classification = Classification {
            layer_probabilities: probabilities.clone(),
            probabilities,
            class,
            layer_class: class,
            best_match: None,
            geometry_class: None,
            fit_probability: 1.0,
            scores_disagree: false,
        };
        let result = LabelledResult {
            photo,
            classification,
        };
        (classifier, result)
    }
}
