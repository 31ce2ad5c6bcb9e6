//! Labels photos by two scores: a softmax layer on the global descriptor, trained on photos in one
//! folder per class as TensorFlow Hub's `retrain.py` does, and geometric matches with single training
//! photos.
//!
//! This module needs no network and no pixels: it holds classes, splits, the layer, its training, the calibration
//! of the scores and the classifier file. [`crate::pipeline`] does the whole job.

mod calibration;
mod classifier;
mod classifier_file;
mod dataset;
mod evaluation;
mod layer;
mod options;
mod references;
mod split;
mod training;

pub use calibration::{
    Calibration, Evidence, SURE_LOG_ODDS, geometric_evidence, log_odds_of_inliers,
};
pub use classifier::{Classifier, FeatureSettings, NetworkId, ReferenceMatch};
pub use classifier_file::{decode, encode, read_classifier, write_classifier};
pub use dataset::{Dataset, LabelledPhoto};
pub use evaluation::ConfusionMatrix;
pub use layer::{SoftmaxLayer, arg_max, normalized, softmax};
pub use options::TrainingOptions;
pub use references::Reference;
pub use split::{Split, SplitOptions};
pub use training::{Evaluation, Samples, TrainingStep, evaluate, train_layer};

pub(crate) use layer::cosine;
pub(crate) use split::hash_percentage;
