//! The photos of a training run.

use super::photos::PhotoFeatures;
use crate::classify::{LabelledPhoto, Split};

/// A photo and its split.
pub(super) type SplitPhoto = (LabelledPhoto, Split);

/// A photo that could be read.
pub(super) struct Sample {
    pub(super) photo: LabelledPhoto,
    pub(super) split: Split,
    pub(super) features: PhotoFeatures,
}
