//! A folder of photos -> verified pairs -> clusters.

mod confirm;
mod explain;
mod options;
mod pixels;
mod places;
mod read;
mod reconstruction;
mod report;
mod search;
mod tables;
mod verify;

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::cache::PhotoCache;
use super::observer::{Observer, Silent};
use crate::candidates::Similarities;
use crate::cluster::Cluster;
use crate::error::{Error, Result};
use crate::extract::Model;
use crate::features::FeatureSet;
use crate::files::write_file;
use crate::folder::{PassedOver, path_below, path_text};
use crate::report::folder_page;
use crate::scoring::{Judgement, PairEvidence, PixelEvidence, Relation, probability};
use crate::store::{ContentHash, PairRecord, Store};

pub use explain::{Explanation, cluster_pairs};
pub use options::ClusterOptions;
pub(in crate::pipeline) use read::extraction_settings;
pub use search::{SearchHit, SearchResult};
pub use tables::{ClusterFile, ClusterSource, PhotoRow, clusters_csv, edges_csv, labels_txt};
use verify::{Found, pairs_to_verify, verify_pairs};

/// A photo, or a folder of photos, that could not be used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Failure {
    /// Below the folder, with `/` between names.
    pub path: String,
    /// Why, on one line.
    pub reason: String,
}

/// A photo of a folder.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
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

/// The evidence of a pair that files and reports show.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EvidenceSummary {
    /// [`PixelEvidence::attended_agreement`](crate::scoring::PixelEvidence::attended_agreement).
    pub agreement: f32,
    /// [`PixelEvidence::contradicted_attention`](crate::scoring::PixelEvidence::contradicted_attention).
    pub contradiction: f32,
    /// Part of the attention of photo 1 and of photo 2 that agreeing places explain, 0 to 1.
    pub explained: [f32; 2],
    /// [`PixelEvidence::color_difference`](crate::scoring::PixelEvidence::color_difference).
    pub color_difference: f32,
    /// Share of small windows that show something else where most agree, 0 to 1
    /// ([`FineEvidence`](crate::scoring::FineEvidence)); 0 where they were not compared.
    #[serde(default)]
    pub replaced: f32,
}

impl From<&PixelEvidence> for EvidenceSummary {
    fn from(pixels: &PixelEvidence) -> Self {
        Self {
            agreement: pixels.attended_agreement,
            contradiction: pixels.contradicted_attention,
            explained: pixels.explained_attention,
            color_difference: pixels.color_difference,
            replaced: pixels.fine.replaced_inside(),
        }
    }
}

/// A verified pair of photos.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(from = "tables::PairRow", into = "tables::PairRow")]
#[non_exhaustive]
pub struct VerifiedPair {
    /// Index of photo 1, the lesser.
    pub image1: usize,
    /// Index of photo 2.
    pub image2: usize,
    /// Pairs of similar descriptors.
    pub num_matches: usize,
    /// Matches that one transform explains.
    pub num_inliers: usize,
    /// Log-odds that both photos show the same thing, including the folder's prior.
    pub log_odds: f64,
    /// Whether one is an edited copy of the other or another view, if they show the same thing; none
    /// where the pixels were not compared.
    pub relation: Option<Relation>,
    /// Evidence of the pixels; none where they were not compared.
    pub evidence: Option<EvidenceSummary>,
}

impl VerifiedPair {
    /// The probability that both photos show the same thing, 0 to 1.
    pub fn probability(&self) -> f64 {
        probability(self.log_odds)
    }

    /// Whether the pair links its photos by these options.
    fn is_linked(&self, options: &ClusterOptions) -> bool {
        self.num_inliers >= options.min_inliers.unwrap_or(1)
            && self.probability() >= options.min_probability
            && (!options.copies_only || self.relation == Some(Relation::Copy))
    }
}

/// The clusters of a folder, with the photos and pairs that they were computed from.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FolderClusters {
    /// The photos that could be read, sorted by path.
    pub photos: Vec<FolderPhoto>,
    /// What could not be used, sorted by path.
    pub failures: Vec<Failure>,
    /// What is not among the photos.
    pub passed_over: PassedOver,
    /// Every pair verified, sorted.
    pub pairs: Vec<VerifiedPair>,
    /// The prior that the folder's own pairs add to the log-odds of each: below 0 where few of them show the
    /// same thing.
    pub prior_log_odds: f64,
    /// The clusters over indices of `photos`, the largest first.
    pub clusters: Vec<Cluster>,
}

impl FolderClusters {
    /// For each photo the number of its cluster and its place among the members.
    fn places(&self) -> Vec<(usize, usize)> {
        let mut places = vec![(0, 0); self.photos.len()];
        for (number, cluster) in self.clusters.iter().enumerate() {
            for (place, &photo) in cluster.members.iter().enumerate() {
                places[photo] = (number, place);
            }
        }
        places
    }
}

/// A folder of photos, with the network, store and options that its calls work with. Results are
/// deterministic: the same photos, network and options give the same result, whatever the store holds, on
/// any number of threads. What the store holds is not computed again; after its first failure, which the
/// observer is warned of, a session goes on without it.
pub struct FolderSession<'a> {
    model: &'a Model,
    folder: PathBuf,
    options: &'a ClusterOptions,
    store: PhotoCache<'a, Store>,
    observer: &'a dyn Observer,
}

impl<'a> FolderSession<'a> {
    /// A session of the photos of `folder` and its sub-folders. Reads nothing yet.
    ///
    /// # Errors
    /// [`crate::Error::InvalidOption`].
    pub fn new(
        model: &'a Model,
        folder: impl Into<PathBuf>,
        store: &'a Store,
        options: &'a ClusterOptions,
    ) -> Result<Self> {
        options.validate()?;
        Ok(Self {
            model,
            folder: folder.into(),
            options,
            store: PhotoCache::new(store, |_| ()),
            observer: &Silent,
        })
    }

    /// The same session with callbacks for progress, warnings and cancellation.
    #[must_use]
    pub fn with_observer(self, observer: &'a dyn Observer) -> Self {
        Self {
            store: self.store.with_warn(|text| observer.warn(text)),
            observer,
            ..self
        }
    }

    /// Sorts the photos into clusters. What cannot be used is a [`Failure`], and the rest is sorted.
    ///
    /// # Errors
    /// [`crate::Error::Io`] for a folder that cannot be listed, [`crate::Error::Cancelled`], and the
    /// errors of matching two photos.
    pub fn cluster(&self) -> Result<FolderClusters> {
        let (entries, failures, passed_over) = read::read_folder(self)?;
        let features: Vec<&FeatureSet> = entries.iter().map(|entry| &entry.features).collect();
        let similarities = Similarities::new(&features);
        let pairs = pairs_to_verify(self, &entries, &similarities)?;
        let found = verify_pairs(self, &entries, &pairs)?;
        let (pairs, prior_log_odds) = score_pairs(self, &entries, found)?;
        let mut result = FolderClusters {
            photos: entries.into_iter().map(photo).collect(),
            failures,
            passed_over,
            pairs,
            prior_log_odds,
            clusters: Vec::new(),
        };
        result.clusters = result.clusters_at(self.options.min_probability, self.options);
        Ok(result)
    }

    /// Writes clusters.json, clusters.csv, labels_pred.txt, edges.csv and report.html into the folder
    /// `output`, which is made if missing. Each is written over what is there.
    ///
    /// # Errors
    /// As [`FolderSession::cluster`], and [`crate::Error::Io`] when a file cannot be written.
    pub fn write_files(&self, found: &FolderClusters, output: &Path) -> Result<()> {
        std::fs::create_dir_all(output).map_err(|source| Error::Io {
            path: output.to_owned(),
            source,
        })?;
        let report = self.report(found, output)?;
        for (name, bytes) in [
            (
                "clusters.json",
                ClusterFile::new(found, self.source()).to_json()?,
            ),
            ("clusters.csv", clusters_csv(found)),
            ("labels_pred.txt", labels_txt(found)),
            ("edges.csv", edges_csv(found)),
            ("report.html", folder_page(&report)?.into_bytes()),
        ] {
            write_file(&output.join(name), &bytes)?;
        }
        Ok(())
    }

    /// Where the clusters of this session come from.
    pub fn source(&self) -> ClusterSource {
        let absolute = |path: &Path| {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            path_text(&path)
        };
        let options = self.options;
        let store = self.store.inner().path();
        ClusterSource {
            folder: absolute(&self.folder),
            store: store.exists().then(|| absolute(store)),
            model: (!self.model.is_embedded()).then(|| absolute(self.model.path())),
            model_sha256: self.model.manifest().sha256.clone(),
            extraction: options.matching.extraction.clone(),
            mirrored: options.matching.verification.limits.allow_mirrored,
            min_probability: options.min_probability,
            copies_only: options.copies_only,
            min_inliers: options.min_inliers,
        }
    }

    /// Uses the store until its first failure.
    fn using<T>(&self, work: impl FnOnce(&Store) -> Result<T>) -> Option<T> {
        self.store.using(work)
    }

    /// Where the photo lies on the disk.
    fn path_of(&self, photo: &FolderPhoto) -> PathBuf {
        path_below(&self.folder, &photo.path)
    }
}

/// Scores each pair from its features, and from its pixels where features make that worthwhile; then adds
/// the prior that all pairs of the folder give.
fn score_pairs(
    session: &FolderSession<'_>,
    entries: &[read::Entry],
    found: Vec<Found>,
) -> Result<(Vec<VerifiedPair>, f64)> {
    let judgement = match &session.options.judgement {
        Some(judgement) => judgement,
        None => Judgement::embedded()?,
    };
    let found = confirm::compare_pixels(session, entries, found, judgement)?;
    let scored: Vec<VerifiedPair> = found
        .par_iter()
        .map(|found| {
            let is_swapped = entries[found.image1].hash > entries[found.image2].hash;
            verified_pair(found, judgement, is_swapped)
        })
        .collect();
    let aligned = scored.iter().filter(|pair| pair.evidence.is_some());
    let log_odds: Vec<f64> = aligned.map(|pair| pair.log_odds).collect();
    let prior = judgement.prior_log_odds(&log_odds);
    let shifted = |pair: VerifiedPair| VerifiedPair {
        log_odds: pair.log_odds + prior,
        ..pair
    };
    Ok((scored.into_iter().map(shifted).collect(), prior))
}

/// `is_swapped` where the evidence has the photos in the other order.
fn verified_pair(found: &Found, judgement: &Judgement, is_swapped: bool) -> VerifiedPair {
    let PairRecord {
        features, pixels, ..
    } = found.record;
    let evidence = features.map(|features| PairEvidence { features, pixels });
    let summary = |pixels: PixelEvidence| {
        let mut summary = EvidenceSummary::from(&pixels);
        if is_swapped {
            summary.explained.swap(0, 1);
        }
        summary
    };
    VerifiedPair {
        image1: found.image1,
        image2: found.image2,
        num_matches: found.record.num_matches as usize,
        num_inliers: found.record.num_inliers as usize,
        log_odds: judgement.log_odds(evidence.as_ref()),
        relation: evidence.and_then(|evidence| judgement.relation(&evidence)),
        evidence: pixels.map(summary),
    }
}

fn photo(entry: read::Entry) -> FolderPhoto {
    FolderPhoto {
        path: entry.name,
        content_hash: entry.hash,
        width: entry.features.width(),
        height: entry.features.height(),
    }
}
