//! The photos of a folder and their features.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::pixels::hold;
use super::{Failure, FolderPhoto, FolderSession};
use crate::candidates::{GlobalRow, Similarities};
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

/// Photos that are read at a time.
const CHUNK: usize = 1024;

/// A photo that could be read. Its features are loaded when they are needed: see [`features_of`].
pub(super) struct Entry {
    /// Below the folder, with `/` between names.
    pub name: String,
    pub path: PathBuf,
    pub hash: ContentHash,
    pub width: u32,
    pub height: u32,
    /// Read by the proposal of pairs alone.
    pub num_keypoints: usize,
    /// Encoded features, where the store does not keep them.
    kept: Option<Box<[u8]>>,
}

/// The photos of a folder, sorted by name; failures, and the files passed over.
pub(super) struct Folder {
    pub entries: Vec<Entry>,
    /// Their global descriptors.
    pub similarities: Similarities,
    pub failures: Vec<Failure>,
    pub passed_over: PassedOver,
}

/// Reads every photo of the folder.
pub(super) fn read_folder(session: &FolderSession<'_>) -> Result<Folder> {
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
    let settings = session.feature_settings();
    let counter = Counter::new(session.observer, Stage::Extract, photos.len());
    let mut entries = Vec::with_capacity(photos.len());
    let mut similarities = Similarities::with_capacity(photos.len());
    for chunk in photos.chunks(CHUNK) {
        let read: Vec<std::result::Result<(Entry, Option<GlobalRow>), Failure>> = chunk
            .par_iter()
            .map(|(name, path)| {
                counter.check()?;
                let read = read_photo(session, settings, path);
                counter.count(read.as_ref().is_ok_and(|photo| photo.was_known));
                let entry = read.and_then(|photo| photo.entry(name.clone(), path));
                Ok(entry.map_err(|error| Failure::new(folder, path, &error)))
            })
            .collect::<Result<_>>()?;
        for read in read {
            match read {
                Ok((entry, global)) => {
                    entries.push(entry);
                    similarities.push(global.as_ref());
                }
                Err(failure) => failures.push(failure),
            }
        }
    }
    failures.sort();
    Ok(Folder {
        entries,
        similarities,
        failures,
        passed_over: listing.passed_over,
    })
}

/// A photo from anywhere; its name is its path.
pub(super) fn read_query(session: &FolderSession<'_>, path: &Path) -> Result<Entry> {
    let photo = read_photo(session, session.feature_settings(), path)?;
    Ok(photo.entry(path_text(path), path)?.0)
}

impl Entry {
    /// A photo that was read before.
    pub(super) fn known(session: &FolderSession<'_>, photo: &FolderPhoto) -> Self {
        Self {
            name: photo.path.clone(),
            path: session.path_of(photo),
            hash: photo.content_hash,
            width: photo.width,
            height: photo.height,
            num_keypoints: 0,
            kept: None,
        }
    }
}

/// Everything that features depend on.
pub(in crate::pipeline) fn extraction_settings(
    model: &Model,
    options: &ExtractionOptions,
) -> String {
    let network = model.identity();
    format!("features {EXTRACTION_VERSION}, {network}, {options:?}")
}

impl FolderSession<'_> {
    /// Everything that this run's features depend on.
    pub(super) fn extraction_settings(&self) -> String {
        extraction_settings(self.model, &self.options.matching.extraction)
    }

    /// The store's settings of this run's features.
    pub(super) fn feature_settings(&self) -> Option<SettingsId> {
        self.using(|store| store.settings(&self.extraction_settings()))
    }
}

/// A photo that was read.
struct ReadPhoto {
    hash: ContentHash,
    /// Rounded as the store keeps them.
    features: FeatureSet,
    /// Whether the store had them.
    was_known: bool,
    /// Whether the store has them now.
    is_stored: bool,
}

impl ReadPhoto {
    /// Its entry in memory.
    fn entry(self, name: String, path: &Path) -> Result<(Entry, Option<GlobalRow>)> {
        let kept = match self.is_stored {
            true => None,
            false => Some(store::encode_features(&self.features)?.into_boxed_slice()),
        };
        let entry = Entry {
            name,
            path: path.to_owned(),
            hash: self.hash,
            width: self.features.width(),
            height: self.features.height(),
            num_keypoints: self.features.keypoints().len(),
            kept,
        };
        Ok((entry, GlobalRow::new(&self.features)))
    }
}

fn read_photo(
    session: &FolderSession<'_>,
    settings: Option<SettingsId>,
    path: &Path,
) -> Result<ReadPhoto> {
    let decode = &session.options.matching.decode;
    let bytes = read_file(path, decode)?;
    let hash = content_hash(&bytes);
    let known = settings.and_then(|s| session.using(|store| store.features(s, &hash)));
    if let Some(features) = known.flatten() {
        return Ok(ReadPhoto {
            hash,
            features,
            was_known: true,
            is_stored: true,
        });
    }
    let photo = Photo::decode(&bytes, path, decode)?;
    let features = extract(session.model, &photo, &session.options.matching.extraction)?;
    let mut is_stored = false;
    if let Some(settings) = settings {
        let put = session.using(|store| store.put_features(settings, &hash, &features));
        is_stored = put.is_some();
        let small = thumbnail(photo.pixels(), THUMBNAIL_SIDE_PX)?;
        session.using(|store| store.put_thumbnail(&hash, &small));
    }
    Ok(ReadPhoto {
        hash,
        features: store::rounded(&features)?,
        was_known: false,
        is_stored,
    })
}

/// The features of a photo of the folder, as [`stored_features`] or as memory keeps them.
///
/// # Errors
/// As [`stored_features`].
pub(super) fn features_of(
    session: &FolderSession<'_>,
    settings: Option<SettingsId>,
    entry: &Entry,
) -> Result<FeatureSet> {
    match &entry.kept {
        Some(kept) => store::decode_features(kept),
        None => stored_features(session, settings, &entry.hash, &entry.path),
    }
}

/// The features of a photo that was read before: from the store, or from the photo when the store fails.
///
/// # Errors
/// [`Error::Features`] when the photo has changed meanwhile, and the errors of reading it.
pub(super) fn stored_features(
    session: &FolderSession<'_>,
    settings: Option<SettingsId>,
    hash: &ContentHash,
    path: &Path,
) -> Result<FeatureSet> {
    let known = settings.and_then(|s| session.using(|store| store.features(s, hash)));
    if let Some(features) = known.flatten() {
        return Ok(features);
    }
    let photo = read_photo(session, settings, path)?;
    if photo.hash == *hash {
        return Ok(photo.features);
    }
    Err(Error::Features {
        reason: format!("{} has changed while it was in use", path.display()),
    })
}

/// Features and the places of keypoints.
pub(super) struct Loaded {
    pub features: FeatureSet,
    pub tree: KeypointTree,
}

impl Loaded {
    pub(super) fn new(features: FeatureSet) -> Result<Self> {
        let tree = KeypointTree::new(&features)?;
        Ok(Self { features, tree })
    }
}

/// The features of a photo of the folder, and the places of its keypoints.
///
/// # Errors
/// As [`features_of`].
pub(super) fn loaded(
    session: &FolderSession<'_>,
    settings: Option<SettingsId>,
    entry: &Entry,
) -> Result<Loaded> {
    Loaded::new(features_of(session, settings, entry)?)
}

/// Makes `loaded` hold exactly the features of these photos; those present are kept.
pub(super) fn load(
    session: &FolderSession<'_>,
    entries: &[Entry],
    held: &mut BTreeMap<usize, Loaded>,
    photos: BTreeSet<usize>,
) -> Result<()> {
    let settings = session.feature_settings();
    hold(held, photos, |index| {
        loaded(session, settings, &entries[index]).map(Some)
    })
}

impl Failure {
    fn new(folder: &Path, path: &Path, error: &Error) -> Self {
        Self {
            path: name_below(folder, path),
            reason: reason(path, error),
        }
    }
}

/// An error without the path that it names.
pub(super) fn reason(path: &Path, error: &Error) -> String {
    let text = error.to_string();
    let prefix = format!("{}: ", path.display());
    text.strip_prefix(&prefix).unwrap_or(&text).to_owned()
}
