//! Training a classifier from folders of photos, and labelling photos with it.

mod cache;
mod distortion;
mod judge;
mod options;
mod photos;
mod train;

pub use cache::{FeatureCache, FolderCache, NoCache};
pub use distortion::Distortions;
pub use judge::{Classification, Judge};
pub use options::{ClassifierOptions, TrainingFolders};
pub use photos::{PhotoFeatures, TrainingObserver, Watchless, read_photo};
pub use train::{LabelledResult, TrainedClassifier, train_classifier};
