//! A folder of photos -> verified pairs -> clusters.

mod best;
pub mod blocks;
mod confirm;
mod corrections;
mod drawings;
mod explain;
mod linkage;
mod options;
mod output;
#[cfg(feature = "parquet")]
mod parquet_tables;
mod pixels;
mod places;
mod questions;
mod read;
mod reconstruction;
mod report;
mod search;
mod tables;
mod verify;

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::cache::PhotoCache;
use super::observer::{Observer, Silent};
use crate::cluster::Cluster;
use crate::error::Result;
use crate::extract::Model;
use crate::folder::{PassedOver, path_below, path_text};
use crate::scoring::{MAX_LOG_ODDS, PixelEvidence, Relation, probability};
use crate::store::{ContentHash, Store};

pub use best::{BestBy, Ranking};
pub use corrections::{Action, ActionLog, Correction};
pub use explain::{Explanation, PairsBetween, RivalPairs};
pub use linkage::cluster_pairs;
pub use options::ClusterOptions;
pub use output::edited_table;
#[cfg(feature = "parquet")]
pub use parquet_tables::{clusters_parquet, edges_parquet};
pub use questions::Question;
pub(in crate::pipeline) use read::extraction_settings;
pub use report::ReportPictures;
pub use search::{PhotoHit, SearchHit, SearchResult};
pub use tables::{
    ClusterFile, ClusterSource, PhotoRow, TableFormat, clusters_csv, clusters_json, edges_csv,
    labels_txt,
};
use verify::{pairs_to_verify, verify_pairs};

/// Photos of a group of pairs, whose features are in memory with those of the next group; about 150 KB each.
const MAX_LOADED: usize = 512;

/// A photo, or a folder of photos, that could not be used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Failure {
    /// Below the folder, with `/` between names.
    pub path: String,
    /// The reason, on one line.
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
            replaced: pixels
                .fine
                .replaced_inside()
                .max(pixels.differences.replaced_inside()),
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

    /// Whether the files of both photos are equal, byte for byte, and not without texture; evidence gives no such
    /// log-odds.
    pub fn is_same_file(&self) -> bool {
        self.log_odds > MAX_LOG_ODDS
    }

    /// The stronger first, and of equals that of the first photos.
    fn by_strength(&self, other: &Self) -> Ordering {
        let strength = other.log_odds.total_cmp(&self.log_odds);
        strength.then((self.image1, self.image2).cmp(&(other.image1, other.image2)))
    }

    /// Whether the pair links its photos by these options.
    fn is_linked(&self, options: &ClusterOptions) -> bool {
        self.num_inliers >= options.min_inliers.unwrap_or(1)
            && self.probability() >= options.min_probability
            && (!options.copies_only || self.relation == Some(Relation::Copy))
    }
}

#[cfg(test)]
impl VerifiedPair {
    /// A pair scored by its features alone.
    fn of(image1: usize, image2: usize, log_odds: f64) -> Self {
        Self {
            image1,
            image2,
            num_matches: 50,
            num_inliers: 20,
            log_odds,
            relation: None,
            evidence: None,
        }
    }
}

/// The clusters of a folder, with the photos and pairs that they were computed from.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FolderClusters {
    /// The photos that could be read, sorted by path.
    pub photos: Vec<FolderPhoto>,
    /// The photos and folders that could not be used, sorted by path.
    pub failures: Vec<Failure>,
    /// The files passed over.
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

/// A folder of photos, with the network, store and options of its calls. Results are deterministic: the same
/// photos, network and options give the same result, whatever the store holds, on any number of threads. Stored
/// results are not computed again; after the store's first failure, which is reported to the observer, a session
/// goes on without it.
///
/// Features are read from the store as they are needed. Memory holds, of each photo, its path and global
/// descriptor, and of each pair its score: about 4 KB a photo, and the features of several hundred photos while
/// they are compared; while pairs are proposed, up to 224 MB of the best descriptors, and more in temporary files.
/// Without a store that can be written, memory holds all features too, 30 KB a photo.
pub struct FolderSession<'a> {
    model: &'a Model,
    folder: PathBuf,
    options: &'a ClusterOptions,
    store: PhotoCache<'a, Store>,
    observer: &'a dyn Observer,
    /// Photos of a group of pairs.
    max_loaded: usize,
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
            max_loaded: MAX_LOADED,
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

    /// Sorts the photos into clusters. A photo that cannot be used is a [`Failure`], and the others are sorted.
    ///
    /// # Errors
    /// [`crate::Error::Io`] for a folder that cannot be listed, [`crate::Error::Cancelled`], and the
    /// errors of matching two photos.
    pub fn cluster(&self) -> Result<FolderClusters> {
        let folder = read::read_folder(self)?;
        let photos = folder.entries.iter();
        self.observer
            .photos(&mut photos.map(|photo| (photo.name.as_str(), photo.hash)));
        let pairs = pairs_to_verify(self, &folder.entries, folder.similarities)?;
        let (pairs, prior_log_odds) = judged_pairs(self, &folder.entries, pairs)?;
        let mut result = FolderClusters {
            photos: folder.entries.into_iter().map(photo).collect(),
            failures: folder.failures,
            passed_over: folder.passed_over,
            pairs,
            prior_log_odds,
            clusters: Vec::new(),
        };
        result.clusters = result.clusters_at(self.options.min_probability, self.options);
        Ok(result)
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
            corrections: options.corrections.clone(),
        }
    }

    /// Uses the store until its first failure.
    fn using<T>(&self, work: impl FnOnce(&Store) -> Result<T>) -> Option<T> {
        self.store.using(work)
    }

    /// Folder of temporary files: that of the store, which has room for it.
    fn scratch(&self) -> Option<&Path> {
        let folder = self.store.inner().folder()?;
        folder.is_dir().then_some(folder)
    }

    /// Path of the photo on the disk.
    fn path_of(&self, photo: &FolderPhoto) -> PathBuf {
        path_below(&self.folder, &photo.path)
    }
}

/// Scores each pair by its features, and those on the shortlist by their pixels too; then adds the prior of all
/// pairs of the folder.
fn judged_pairs(
    session: &FolderSession<'_>,
    entries: &[read::Entry],
    pairs: Vec<(u32, u32)>,
) -> Result<(Vec<VerifiedPair>, f64)> {
    let judgement = blocks::judgement_of(session.options)?;
    let verified = verify_pairs(session, entries, &pairs, judgement)?;
    drop(pairs);
    let mut pairs = confirm::compare_pixels(session, entries, verified, judgement)?;
    let least = blocks::least_counted(session.options)?;
    let counted = pairs
        .iter()
        .filter(|pair| pair.evidence.is_some() || pair.log_odds >= least);
    let log_odds: Vec<f64> = counted.map(|pair| pair.log_odds).collect();
    let prior = judgement.prior_log_odds(&log_odds);
    pairs.iter_mut().for_each(|pair| pair.log_odds += prior);
    Ok((pairs, prior))
}

fn photo(entry: read::Entry) -> FolderPhoto {
    FolderPhoto {
        path: entry.name,
        content_hash: entry.hash,
        width: entry.width,
        height: entry.height,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::error::Error;
    use crate::pipeline::observer::Stage;
    use crate::scoring::Judgement;

    /// Four overlapping crops of each of two photos.
    fn crops(folder: &Path) {
        crops_of("graffiti_1", 4, folder);
        crops_of("coffee", 4, folder);
    }

    /// Overlapping crops of an example.
    fn crops_of(name: &str, count: u32, folder: &Path) {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/images");
        let photo = image::open(examples.join(format!("{name}.jpg"))).unwrap();
        for number in 0..count {
            let (width, height) = (photo.width() * 3 / 5, photo.height() * 3 / 5);
            let left = photo.width() / (3 * count) * number;
            let crop = photo.crop_imm(left, 10 * number, width, height);
            crop.save(folder.join(format!("{name}_{number}.png")))
                .unwrap();
        }
    }

    fn options() -> ClusterOptions {
        let mut options = ClusterOptions::default();
        options.matching.extraction.max_size = 160;
        options
    }

    #[test]
    fn features_of_few_photos_in_memory_give_what_those_of_all_do() {
        let folder = tempfile::tempdir().unwrap();
        crops(folder.path());
        let (model, options) = (Model::embedded().unwrap(), options());
        let cluster = |max_loaded: usize| {
            let store = Store::in_memory().unwrap();
            let session = FolderSession::new(&model, folder.path(), &store, &options).unwrap();
            let session = FolderSession {
                max_loaded,
                ..session
            };
            session.cluster().unwrap()
        };
        let all = cluster(MAX_LOADED);
        assert_eq!(all.clusters.len(), 2);
        assert_eq!(all, cluster(3));
    }

    #[test]
    fn pixels_off_the_shortlist_do_not_count_though_the_store_has_them() {
        let folder = tempfile::tempdir().unwrap();
        crops_of("graffiti_1", 12, folder.path());
        let model = Model::embedded().unwrap();
        // By features every pair is as likely; more inliers are worth more.
        let cluster = |store: &Store, by_features: f64| {
            let constant = |base: f64| format!(r#"{{"inputs": [], "base": {base}, "trees": []}}"#);
            let step = |k: u32| format!("[[0, {}, 1, 2], [0.0], [0.1]]", f64::from(k) / 10.0);
            let steps = (20..70).map(step).collect::<Vec<_>>().join(", ");
            let worth = format!(r#"{{"inputs": ["ln_inliers"], "base": 0.0, "trees": [{steps}]}}"#);
            let (features, rest, none) = (constant(by_features), constant(2.0), constant(0.0));
            let text = format!(
                r#"{{"version": 4, "no_transform": -6.0, "max_not_compared": -4.0, "min_worth": -3.0, "share": 0.4,
                    "features": {features}, "worth": {worth}, "pixels": {rest}, "differences": {none},
                    "copies": {rest}}}"#
            );
            let judgement = Some(Judgement::parse(&text).unwrap());
            let mut options = ClusterOptions {
                judgement,
                ..options()
            };
            // So that no pair has as many inliers as are always compared.
            options.matching.extraction.max_features = 48;
            let session = FolderSession::new(&model, folder.path(), store, &options).unwrap();
            session.cluster().unwrap()
        };
        let is_compared = |pair: &&VerifiedPair| pair.evidence.is_some();
        let store = Store::in_memory().unwrap();
        let all = cluster(&store, 1.5);
        let some = cluster(&store, -0.5);
        let count = |found: &FolderClusters| found.pairs.iter().filter(is_compared).count();
        assert!(count(&some) < count(&all) && count(&some) >= 3 * 12 / 2);
        assert_eq!(some, cluster(&Store::in_memory().unwrap(), -0.5));
        let mut off = some.pairs.iter().filter(|pair| !is_compared(pair));
        assert!(off.all(|pair| pair.log_odds <= -1.5 && pair.relation.is_none()));
    }

    /// Cancels a run when the report is drawn.
    #[derive(Default)]
    struct Stops(AtomicBool);

    impl Observer for Stops {
        fn progress(&self, stage: Stage, _: usize, _: usize, _: usize) {
            self.0.fetch_or(stage == Stage::Report, Ordering::Relaxed);
        }

        fn warn(&self, _: &str) {}

        fn is_cancelled(&self) -> bool {
            self.0.load(Ordering::Relaxed)
        }
    }

    #[test]
    fn a_run_that_is_stopped_leaves_no_report_of_other_tables() {
        let (folder, output) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        crops(folder.path());
        let (model, options) = (Model::embedded().unwrap(), options());
        let store = Store::in_memory().unwrap();
        let session = FolderSession::new(&model, folder.path(), &store, &options).unwrap();
        let found = session.cluster().unwrap();
        session.write_files(&found, output.path()).unwrap();
        let report = output.path().join("report.html");
        assert!(report.exists());
        let stops = Stops::default();
        let session = session.with_observer(&stops);
        let stopped = session.write_files(&found, output.path());
        assert!(matches!(stopped, Err(Error::Cancelled)) && !report.exists());
    }

    /// Breaks the store before pairs are verified.
    struct Breaks<'a> {
        path: &'a Path,
        sql: &'a str,
        at: Stage,
        is_done: AtomicBool,
    }

    impl Observer for Breaks<'_> {
        fn progress(&self, stage: Stage, _: usize, _: usize, _: usize) {
            if stage == self.at && !self.is_done.swap(true, Ordering::Relaxed) {
                let other = rusqlite::Connection::open(self.path).unwrap();
                other.execute_batch(self.sql).unwrap();
            }
        }

        fn warn(&self, _: &str) {}
    }

    #[test]
    fn a_store_that_loses_features_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        crops(folder.path());
        let (model, options) = (Model::embedded().unwrap(), options());
        let whole = {
            let store = Store::in_memory().unwrap();
            let session = FolderSession::new(&model, folder.path(), &store, &options).unwrap();
            session.cluster().unwrap()
        };
        for (at, sql) in [
            (Stage::Extract, "DROP TABLE features"),
            (Stage::Verify, "DELETE FROM features"),
            (Stage::Verify, "DROP TABLE features"),
            (Stage::Confirm, "DROP TABLE pairs; DELETE FROM features"),
        ] {
            let beside = tempfile::tempdir().unwrap();
            let path = beside.path().join("store.sqlite");
            let store = Store::open(&path).unwrap();
            let breaks = Breaks {
                path: &path,
                sql,
                at,
                is_done: AtomicBool::new(false),
            };
            let session = FolderSession::new(&model, folder.path(), &store, &options).unwrap();
            let session = session.with_observer(&breaks);
            assert_eq!(session.cluster().unwrap(), whole, "{sql}");
            assert!(breaks.is_done.load(Ordering::Relaxed));
        }
    }
}
