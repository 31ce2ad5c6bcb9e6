//! A folder of photos -> verified pairs -> classes.

mod color;
mod confirm;
mod explain;
mod options;
mod pixels;
mod read;
mod reconstruction;
mod report;
mod search;
mod tables;
mod verify;

use std::path::Path;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::cache::PhotoCache;
use super::observer::Observer;
use crate::candidates::Similarities;
use crate::cluster::{Background, Class, match_score};
use crate::error::Result;
use crate::extract::Model;
use crate::features::FeatureSet;
use crate::folder::PassedOver;
use crate::store::{ContentHash, Store};

pub use explain::Explanation;
pub use options::ClusterOptions;
pub(in crate::pipeline) use read::extraction_settings;
pub use reconstruction::colmap_database;
pub use report::folder_report;
pub use search::{SearchHit, SearchResult, search_folder};
pub use tables::{
    ClusterFile, ClusterSource, PairRow, PhotoRow, clusters_csv, edges_csv, labels_txt,
};
use verify::{Found, pairs_to_verify, verify_pairs};

/// A photo, or a folder of photos, that could not be used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Failure {
    /// Below the folder, with `/` between names.
    pub path: String,
    /// Why, on one line.
    pub reason: String,
}

/// A photo of a folder.
#[derive(Debug, Clone, PartialEq)]
pub struct FolderPhoto {
    /// Its path below the folder, with `/` between names.
    pub path: String,
    /// The SHA-256 of its file.
    pub content_hash: ContentHash,
    /// Its width in pixels, upright.
    pub width: u32,
    /// Its height in pixels, upright.
    pub height: u32,
}

/// Two photos and what was found between them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VerifiedPair {
    /// Index of photo 1, the lesser.
    pub image1: usize,
    /// Index of photo 2.
    pub image2: usize,
    /// Pairs of similar descriptors.
    pub num_matches: usize,
    /// Matches that one transform explains.
    pub num_inliers: usize,
    /// As [`super::FeatureMatch::score`].
    pub score: f64,
    /// Corners of one photo that were found where one transform, right to the pixel, puts them in the
    /// other: 0 when there is no such transform, none where the pixels were not asked.
    pub num_tracks: Option<u32>,
    /// How far the colours of the photos differ where their features match, over how far they differ
    /// within a photo; none where the pixels were not asked.
    pub color_difference: Option<f32>,
    /// The probability that photos of different things look as alike.
    pub false_match_probability: f64,
}

impl VerifiedPair {
    /// Whether geometry found something in both photos, and that is no chance by these options.
    fn is_linked(&self, options: &ClusterOptions) -> bool {
        self.num_inliers >= options.min_inliers.unwrap_or(1)
            && self.false_match_probability <= options.max_false_match_probability
    }
}

/// The classes of a folder and all that they rest on.
#[derive(Debug, Clone, PartialEq)]
pub struct FolderClusters {
    /// The photos that could be read, sorted by path.
    pub photos: Vec<FolderPhoto>,
    /// What could not be used, sorted by path.
    pub failures: Vec<Failure>,
    /// What is not among the photos.
    pub passed_over: PassedOver,
    /// Every pair verified, sorted.
    pub pairs: Vec<VerifiedPair>,
    /// How pairs of this folder look that do not match.
    pub background: Background,
    /// The classes over indices of `photos`, the largest first.
    pub classes: Vec<Class>,
}

impl FolderClusters {
    /// For each photo the number of its class and its place among the members.
    pub fn places(&self) -> Vec<(usize, usize)> {
        let mut places = vec![(0, 0); self.photos.len()];
        for (number, class) in self.classes.iter().enumerate() {
            for (place, &photo) in class.members.iter().enumerate() {
                places[photo] = (number, place);
            }
        }
        places
    }
}

/// Pixels are asked about pairs that photos of different things equal with at most this probability, and
/// about those whose inliers are enough for two photos by themselves.
const MAX_ASKED: f64 = 1e-2;

/// Pairs that features alone make this improbable tell how often pixels confirm what is strong; the usual
/// share was measured at this value.
const MAX_STRONG: f64 = 1e-4;

/// What one run works with.
struct Session<'a> {
    model: &'a Model,
    options: &'a ClusterOptions,
    store: PhotoCache<'a, Store>,
    observer: &'a dyn Observer,
}

impl<'a> Session<'a> {
    fn new(
        model: &'a Model,
        options: &'a ClusterOptions,
        store: &'a Store,
        observer: &'a dyn Observer,
    ) -> Self {
        Self {
            model,
            options,
            store: PhotoCache::new(store, |text| observer.warn(text)),
            observer,
        }
    }

    /// Uses the store. The first failure is told to the observer, and the run goes on without the
    /// store: nothing that was computed is lost for a full disk.
    fn using<T>(&self, work: impl FnOnce(&Store) -> Result<T>) -> Option<T> {
        self.store.using(work)
    }
}

/// Sorts the photos of `folder` and its sub-folders into classes. What cannot be used is a
/// [`Failure`], and the rest is sorted. What `store` knows is not computed again. The same photos,
/// model and options give the same result, whatever the store knew, on any number of threads.
///
/// # Errors
/// [`crate::Error::InvalidOption`], [`crate::Error::Io`] for a folder that cannot be listed,
/// [`crate::Error::Cancelled`], and what matching two photos may fail with.
pub fn cluster_folder(
    model: &Model,
    folder: impl AsRef<Path>,
    store: &Store,
    options: &ClusterOptions,
    observer: &dyn Observer,
) -> Result<FolderClusters> {
    options.validate()?;
    let session = Session::new(model, options, store, observer);
    let (entries, failures, passed_over) = read::read_folder(&session, folder.as_ref())?;
    let features: Vec<&FeatureSet> = entries.iter().map(|entry| &entry.features).collect();
    let similarities = Similarities::new(&features);
    let pairs = pairs_to_verify(&session, &entries, &similarities)?;
    let found = verify_pairs(&session, &entries, &pairs)?;
    let (pairs, background) = judge(&session, &entries, found, &similarities)?;
    let mut result = FolderClusters {
        photos: entries.into_iter().map(photo).collect(),
        failures,
        passed_over,
        pairs,
        background,
        classes: Vec::new(),
    };
    result.classes = result.classes_at(options.max_false_match_probability, options.min_inliers);
    Ok(result)
}

/// Says of each pair how probable it is between photos of different things, by all pairs' scores and,
/// where these are high enough, by pixels.
fn judge(
    session: &Session<'_>,
    entries: &[read::Entry],
    found: Vec<Found>,
    similarities: &Similarities,
) -> Result<(Vec<VerifiedPair>, Background)> {
    let score = |found: &Found| {
        let num_inliers = found.record.num_inliers as usize;
        let similarity = similarities.between(found.image1, found.image2);
        (num_inliers, match_score(num_inliers, similarity))
    };
    let scores: Vec<(usize, f64)> = found.par_iter().map(score).collect();
    let background = Background::fit(&scores);
    let matching = &session.options.matching;
    let is_asked = |&(num_inliers, score): &(usize, f64)| {
        let is_alike = || background.false_match_probability(score, false, None) <= MAX_ASKED;
        num_inliers >= matching.min_inliers
            || (num_inliers >= matching.min_confirmed_inliers && is_alike())
    };
    let asked: Vec<bool> = scores.iter().map(is_asked).collect();
    let found = confirm::confirm_pairs(session, entries, found, &asked)?;
    let is_confirmed = |found: &Found| found.record.num_tracks.is_some_and(|tracks| tracks > 0);
    let strong = found.iter().zip(&scores).filter(|(found, (_, score))| {
        let probability = background.false_match_probability(*score, false, None);
        found.record.num_tracks.is_some() && probability <= MAX_STRONG
    });
    let confirmed: Vec<bool> = strong.map(|(found, _)| is_confirmed(found)).collect();
    let num_confirmed = confirmed.iter().filter(|c| **c).count();
    let background = background.with_confirmations(confirmed.len(), num_confirmed);
    let pair = |(found, (num_inliers, score)): (Found, (usize, f64))| VerifiedPair {
        image1: found.image1,
        image2: found.image2,
        num_matches: found.record.num_matches as usize,
        num_inliers,
        score,
        num_tracks: found.record.num_tracks,
        color_difference: found.record.color_difference,
        false_match_probability: background.false_match_probability(
            score,
            is_confirmed(&found),
            found.record.color_difference,
        ),
    };
    let pairs = found.into_iter().zip(scores).map(pair).collect();
    Ok((pairs, background))
}

fn photo(entry: read::Entry) -> FolderPhoto {
    FolderPhoto {
        path: entry.name,
        content_hash: entry.hash,
        width: entry.features.width(),
        height: entry.features.height(),
    }
}
