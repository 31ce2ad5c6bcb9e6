//! The photos of a folder and their features.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::{Failure, FolderSession};
use crate::error::{Error, Result};
use crate::extract::{ExtractionOptions, Model, extract};
use crate::features::FeatureSet;
use crate::folder::{PassedOver, list_photos, name_below, path_text};
use crate::image::{Photo, content_hash, read_file};
use crate::pipeline::observer::{Counter, Stage};
use crate::report::{THUMBNAIL_SIDE_PX, thumbnail};
use crate::scoring::KeypointTree;
use crate::store::{self, ContentHash, SettingsId};

/// Changes when the same photo and options give other features than before.
const EXTRACTION_VERSION: u32 = 4;

/// A photo that could be read.
pub(super) struct Entry {
    /// Below the folder, with `/` between names.
    pub name: String,
    pub path: PathBuf,
    pub hash: ContentHash,
    pub features: FeatureSet,
    /// The keypoints by their place.
    pub tree: KeypointTree,
}

/// Reads every photo of the folder, sorted by name; and what could not be read, and what is passed over.
pub(super) fn read_folder(
    session: &FolderSession<'_>,
) -> Result<(Vec<Entry>, Vec<Failure>, PassedOver)> {
    let folder = &session.folder;
    let listing = list_photos(folder)?;
    let mut failures: Vec<Failure> = listing
        .failures
        .iter()
        .map(|failure| Failure::new(folder, &failure.path, &failure.error))
        .collect();
    let mut photos: Vec<(String, PathBuf)> = listing
        .photos
        .into_iter()
        .map(|path| (name_below(folder, &path), path))
        .collect();
    photos.sort();
    let settings = session.using(|store| store.settings(&session.extraction_settings()));
    let counter = Counter::new(session.observer, Stage::Extract, photos.len());
    let read: Vec<Result<(ContentHash, FeatureSet)>> = photos
        .par_iter()
        .map(|(_, path)| {
            counter.check()?;
            let read = read_photo(session, settings, path);
            counter.count(read.as_ref().is_ok_and(|(.., was_known)| *was_known));
            read.map(|(hash, features, _)| (hash, features))
        })
        .collect();
    counter.check()?;
    let mut entries = Vec::new();
    for ((name, path), read) in photos.into_iter().zip(read) {
        match read {
            Ok((hash, features)) => entries.push(Entry {
                tree: KeypointTree::new(&features)?,
                name,
                path,
                hash,
                features,
            }),
            Err(error) => failures.push(Failure::new(folder, &path, &error)),
        }
    }
    failures.sort();
    Ok((entries, failures, listing.passed_over))
}

/// A photo from anywhere; its name is its path.
pub(super) fn read_query(session: &FolderSession<'_>, path: &Path) -> Result<Entry> {
    let settings = session.using(|store| store.settings(&session.extraction_settings()));
    let (hash, features, _) = read_photo(session, settings, path)?;
    Ok(Entry {
        name: path_text(path),
        path: path.to_owned(),
        hash,
        tree: KeypointTree::new(&features)?,
        features,
    })
}

/// Everything that features depend on.
pub(in crate::pipeline) fn extraction_settings(
    model: &Model,
    options: &ExtractionOptions,
) -> String {
    format!(
        "features {EXTRACTION_VERSION}, {:?}, {options:?}",
        model.manifest()
    )
}

impl FolderSession<'_> {
    /// Everything that this run's features depend on.
    pub(super) fn extraction_settings(&self) -> String {
        extraction_settings(self.model, &self.options.matching.extraction)
    }
}

/// The features of a photo, rounded as the store keeps them, and whether it had them.
pub(super) fn read_photo(
    session: &FolderSession<'_>,
    settings: Option<SettingsId>,
    path: &Path,
) -> Result<(ContentHash, FeatureSet, bool)> {
    let decode = &session.options.matching.decode;
    let bytes = read_file(path, decode)?;
    let hash = content_hash(&bytes);
    let known = settings.and_then(|s| session.using(|store| store.features(s, &hash)));
    if let Some(features) = known.flatten() {
        return Ok((hash, features, true));
    }
    let photo = Photo::decode(&bytes, path, decode)?;
    let features = extract(session.model, &photo, &session.options.matching.extraction)?;
    if let Some(settings) = settings {
        session.using(|store| store.put_features(settings, &hash, &features));
        let small = thumbnail(photo.pixels(), THUMBNAIL_SIDE_PX)?;
        session.using(|store| store.put_thumbnail(&hash, &small));
    }
    Ok((hash, store::rounded(&features)?, false))
}

impl Failure {
    fn new(folder: &Path, path: &Path, error: &Error) -> Self {
        let text = error.to_string();
        let prefix = format!("{}: ", path.display());
        Self {
            path: name_below(folder, path),
            reason: text.strip_prefix(&prefix).unwrap_or(&text).to_owned(),
        }
    }
}
