//! Per-photo inputs of the softmax and geometry scores.

use std::path::Path;

use rayon::prelude::*;

use crate::classify::{FeatureSettings, TrainingStep, normalized};
use crate::error::{Error, Result};
use crate::extract::{ExtractionOptions, Model, extract, extract_global};
use crate::features::{Descriptors, FeatureSet};
use crate::image::{DecodeOptions, Photo, content_hash, read_file};
use crate::pipeline::cache::FeatureCache;
use crate::pipeline::folder::extraction_settings;
use crate::store::rounded;

/// Progress callbacks of a training run, called from any thread. They change no result.
pub trait TrainingObserver: Sync {
    /// `done` of `total` photos are read.
    fn photos(&self, done: usize, total: usize);
    /// The layer was evaluated.
    fn step(&self, step: &TrainingStep);
    /// A remark for the user.
    fn note(&self, text: &str);
    /// Polled between photos; true ends the run with [`Error::Cancelled`].
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// Ignores every callback.
#[derive(Debug, Clone, Copy, Default)]
pub struct Watchless;

impl TrainingObserver for Watchless {
    fn photos(&self, _: usize, _: usize) {}
    fn step(&self, _: &TrainingStep) {}
    fn note(&self, _: &str) {}
}

/// The inputs of one photo's scores.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PhotoFeatures {
    /// SHA-256 of its file.
    pub content_hash: [u8; 32],
    /// Its [`normalized`] global descriptor.
    pub global: Vec<f32>,
    /// Its local features; none without geometry.
    pub local: Option<FeatureSet>,
}

/// Reads the photo at `path`: its global descriptor, and its local features when `with_local`. Cached values are
/// not computed again. A failing cache is ignored; [`PhotoCache`] reports it.
///
/// [`PhotoCache`]: crate::pipeline::PhotoCache
///
/// # Errors
/// As [`Photo::open`] and [`extract`]; [`Error::Model`] when the network has no global descriptor.
pub fn read_photo(
    model: &Model,
    path: &Path,
    settings: &FeatureSettings,
    with_local: bool,
    decode: &DecodeOptions,
    cache: &dyn FeatureCache,
) -> Result<PhotoFeatures> {
    let bytes = read_file(path, decode)?;
    let content_hash = content_hash(&bytes);
    let mut photo = None;
    let mut kept = |key: String, make: &dyn Fn(&Photo) -> Result<FeatureSet>| {
        if let Ok(Some(features)) = cache.features(&key, &content_hash) {
            return Ok(features);
        }
        let photo = match &mut photo {
            Some(photo) => photo,
            none => none.insert(Photo::decode(&bytes, path, decode)?),
        };
        let features = make(photo)?;
        let _ = cache.put_features(&key, &content_hash, &features);
        rounded(&features)
    };
    let global = kept(global_settings(model, settings), &|photo| {
        global_features(model, photo, settings)
    })?;
    let local = match with_local {
        true => {
            let options = local_options(settings);
            let key = extraction_settings(model, &options);
            Some(kept(key, &|photo| extract(model, photo, &options))?)
        }
        false => None,
    };
    Ok(PhotoFeatures {
        content_hash,
        global: normalized(global.global().unwrap_or_default()),
        local,
    })
}

/// As [`read_photo`], of a photo in memory; nothing is cached.
///
/// # Errors
/// As [`read_photo`], but for the file.
pub(super) fn features_of(
    model: &Model,
    photo: &Photo,
    settings: &FeatureSettings,
    with_local: bool,
) -> Result<PhotoFeatures> {
    let local = match with_local {
        true => Some(rounded(&extract(model, photo, &local_options(settings))?)?),
        false => None,
    };
    Ok(PhotoFeatures {
        content_hash: *photo.content_hash(),
        global: global_of(model, photo, settings)?,
        local,
    })
}

/// The [`normalized`] global descriptor of a photo in memory; nothing is cached.
///
/// # Errors
/// As [`read_photo`].
pub(super) fn global_of(
    model: &Model,
    photo: &Photo,
    settings: &FeatureSettings,
) -> Result<Vec<f32>> {
    let features = rounded(&global_features(model, photo, settings)?)?;
    Ok(normalized(features.global().unwrap_or_default()))
}

/// Reads many photos at once, in their order.
pub(super) fn read_photos(
    model: &Model,
    paths: &[&Path],
    settings: &FeatureSettings,
    with_local: bool,
    decode: &DecodeOptions,
    cache: &dyn FeatureCache,
    observer: &dyn TrainingObserver,
) -> Vec<Result<PhotoFeatures>> {
    let done = std::sync::atomic::AtomicUsize::new(0);
    paths
        .par_iter()
        .map(|path| {
            if observer.is_cancelled() {
                return Err(Error::Cancelled);
            }
            let features = read_photo(model, path, settings, with_local, decode, cache);
            let done = 1 + done.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            observer.photos(done, paths.len());
            features
        })
        .collect()
}

/// The global descriptor alone, in the form that a store keeps.
fn global_features(model: &Model, photo: &Photo, settings: &FeatureSettings) -> Result<FeatureSet> {
    let global =
        extract_global(model, photo, settings.global_size)?.ok_or_else(|| Error::Model {
            path: model.path().to_owned(),
            reason: "it gives no global descriptor, which a classifier reads".into(),
        })?;
    let no_descriptors = Descriptors::new(1, Vec::new())?;
    FeatureSet::new(
        photo.width(),
        photo.height(),
        Vec::new(),
        no_descriptors,
        Some(global),
    )
}

/// Everything that a global descriptor depends on.
fn global_settings(model: &Model, settings: &FeatureSettings) -> String {
    format!("global 1, {}, {}", model.identity(), settings.global_size)
}

/// How local features are extracted.
pub(super) fn local_options(settings: &FeatureSettings) -> ExtractionOptions {
    ExtractionOptions {
        max_size: settings.max_size,
        scales: settings.scales.clone(),
        max_features: settings.max_features,
        min_attention: 0.0,
    }
}
