//! Training a classifier from folders of photos, and labelling photos with it.

mod distortion;
mod export;
mod groups;
mod held_out;
mod options;
mod pages;
mod photo_classifier;
mod photos;
mod projector;
mod review;
mod sample;
mod splits;
mod tensorboard;
mod train;

pub use distortion::Distortions;
pub use export::export_classifier;
pub use groups::PhotoGroups;
pub use options::{ClassifierOptions, TrainingFolders};
pub use pages::{results_page, review_page, suggestions};
pub use photo_classifier::{Classification, PhotoClassifier};
pub use photos::{PhotoFeatures, TrainingObserver, Watchless, read_photo};
pub use review::{Doubt, Finding, review_labels, review_photos};
pub use splits::open_dataset;
pub use tensorboard::TrainingLog;
pub use train::{LabelledResult, TrainedClassifier, TrainedPhoto, train_classifier, train_on};
