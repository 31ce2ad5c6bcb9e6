//! The clusters of a folder as files.
//!
//! `clusters.csv` has a row a photo, sorted by path: path, cluster, score, representative. The score is the
//! mean weight of the photo's evidence towards the others of its cluster, 0 to 1. `edges.csv` has a row
//! for every pair verified: image1, image2, matches, inliers, probability that both show the same thing,
//! relation (copy, view; empty where pixels were not compared, but for equal files), agreement, contradiction and colour
//! difference ([`EvidenceSummary`]).
//! `labels_pred.txt` has the cluster of each photo, one a line, in the order of the sorted paths.
//! `clusters.json` is all of it; [`ClusterFile`] is its schema. The same rows as Parquet stand in `parquet_tables`.

use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Correction, EvidenceSummary, Failure, FolderClusters, FolderPhoto, VerifiedPair};
use crate::cluster::Cluster;
use crate::counted::counted;
use crate::error::{Error, Result};
use crate::extract::ExtractionOptions;
use crate::folder::PassedOver;
use crate::formats::labels::csv_field;
use crate::hex::hex;
use crate::scoring::Relation;

/// The version of `clusters.json` that is written.
const VERSION: u32 = 4;
/// The oldest version that is read. In version 3 `clusters` is called `classes`.
const OLDEST_VERSION: u32 = 3;

/// `clusters.json`, as [`clusters_json`] writes it. Photos are named by their place in `photos`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ClusterFile {
    /// 4.
    pub version: u32,
    /// Where the clusters came from; its fields stand beside the others.
    #[serde(flatten)]
    pub source: ClusterSource,
    /// The prior that the folder's own pairs add to the log-odds of each.
    pub prior_log_odds: f64,
    /// Whether pairs were lowered by [`Rivals`](crate::scoring::Rivals); absent in files of older programs.
    #[serde(default)]
    pub has_rivals: bool,
    /// Whether pairs were adjusted by links ([`LinkGain`](crate::cluster::LinkGain)); absent in files of older
    /// programs.
    #[serde(default)]
    pub counts_links: bool,
    /// Sorted by path.
    pub photos: Vec<PhotoRow>,
    /// The largest first.
    #[serde(alias = "classes")]
    pub clusters: Vec<Cluster>,
    /// Every pair verified, sorted; each an array in the file.
    pub pairs: Vec<VerifiedPair>,
    /// The photos and folders that could not be used.
    pub failures: Vec<Failure>,
    /// The files passed over; empty where a file has no such entry.
    #[serde(default)]
    pub passed_over: PassedOver,
}

/// A photo of `clusters.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PhotoRow {
    /// Below the folder, with `/` between names.
    pub path: String,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// In pixels, upright.
    pub width: u32,
    /// In pixels, upright.
    pub height: u32,
}

/// Where the clusters came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClusterSource {
    /// The folder of photos, as an absolute path.
    pub folder: String,
    /// The store's file; none when it was in memory.
    pub store: Option<String>,
    /// The network's ONNX file; none for the built-in one.
    pub model: Option<String>,
    /// SHA-256 of the network's file, in hexadecimal.
    pub model_sha256: String,
    /// Options of the feature extraction.
    pub extraction: ExtractionOptions,
    /// Whether mirror images were found too.
    pub mirrored: bool,
    /// The probability from which photos were linked.
    pub min_probability: f64,
    /// Whether copies of one picture alone were linked.
    pub copies_only: bool,
    /// Least number of inliers of a link, if there was one.
    pub min_inliers: Option<usize>,
    /// The user's corrections.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub corrections: Vec<Correction>,
}

impl ClusterFile {
    /// Reads `clusters.json`, of version 3 or 4; `path` only names it in errors.
    ///
    /// # Errors
    /// [`Error::Labels`] when it is not such a file, of another version, or names photos that it does not have; with
    /// the first fault.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        let fail = |reason: String| Error::Labels {
            path: path.to_owned(),
            reason,
        };
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let Version { version } = serde_json::from_str(text)
            .map_err(|e| fail(format!("not a clusters.json of delfin: {e}")))?;
        if !(OLDEST_VERSION..=VERSION).contains(&version) {
            let reason = format!(
                "version {version}; this delfin reads versions {OLDEST_VERSION} to {VERSION}"
            );
            return Err(fail(reason));
        }
        let damaged = |fault: String| fail(format!("damaged: {fault}"));
        let file: Self = serde_json::from_str(text).map_err(|e| damaged(e.to_string()))?;
        file.check().map_err(damaged)?;
        Ok(Self {
            version: VERSION,
            ..file
        })
    }

    /// The first fault of what later steps rely on: numbers of photos, and each photo in one cluster.
    fn check(&self) -> std::result::Result<(), String> {
        let cut = self.source.min_probability;
        if !(cut > 0.0 && cut < 1.0) {
            return Err(format!("min_probability {cut} is not between 0 and 1"));
        }
        if !self.photos.is_sorted_by(|a, b| a.path < b.path) {
            return Err("photos are not sorted by path".into());
        }
        let num_photos = self.photos.len();
        let mut is_placed = vec![false; num_photos];
        for (number, cluster) in self.clusters.iter().enumerate() {
            place(cluster, &mut is_placed).map_err(|fault| format!("cluster {number}: {fault}"))?;
        }
        if let Some(photo) = is_placed.iter().position(|is_placed| !is_placed) {
            return Err(format!("photo {photo} is in no cluster"));
        }
        for (row, pair) in self.pairs.iter().enumerate() {
            let (image1, image2) = (pair.image1, pair.image2);
            if image1 >= image2 || image2 >= num_photos {
                let photos = counted(num_photos, "photo");
                return Err(format!(
                    "pair {row}: {image1} and {image2} are not two of {photos}, the lesser first"
                ));
            }
        }
        Ok(())
    }

    /// The photo with this path.
    pub fn photo(&self, path: &str) -> Option<usize> {
        self.photos
            .binary_search_by(|row| row.path.as_str().cmp(path))
            .ok()
    }
}

/// Marks the members of a cluster as placed; or its first fault.
fn place(cluster: &Cluster, is_placed: &mut [bool]) -> std::result::Result<(), String> {
    for &photo in &cluster.members {
        match is_placed.get_mut(photo) {
            None => return Err(format!("there is no photo {photo}")),
            Some(true) => return Err(format!("photo {photo} is in a cluster already")),
            Some(is_placed) => *is_placed = true,
        }
    }
    if !cluster.members.contains(&cluster.representative) {
        let photo = cluster.representative;
        return Err(format!("its representative {photo} is no member"));
    }
    if cluster.scores.len() != cluster.members.len() {
        let members = counted(cluster.members.len(), "member");
        let scores = counted(cluster.scores.len(), "score");
        return Err(format!("{members} and {scores}"));
    }
    Ok(())
}

/// A pair as `clusters.json` holds it, an array: image1, image2, matches, inliers, log-odds that both show
/// the same thing, and where the pixels were compared the relation and the evidence, else null.
#[derive(Serialize, Deserialize)]
pub(super) struct PairRow(
    usize,
    usize,
    usize,
    usize,
    f64,
    Option<Relation>,
    Option<EvidenceSummary>,
);

impl From<VerifiedPair> for PairRow {
    fn from(pair: VerifiedPair) -> Self {
        Self(
            pair.image1,
            pair.image2,
            pair.num_matches,
            pair.num_inliers,
            pair.log_odds,
            pair.relation,
            pair.evidence,
        )
    }
}

impl From<PairRow> for VerifiedPair {
    fn from(row: PairRow) -> Self {
        Self {
            image1: row.0,
            image2: row.1,
            num_matches: row.2,
            num_inliers: row.3,
            log_odds: row.4,
            relation: row.5,
            evidence: row.6,
        }
    }
}

/// Writes `clusters.json`, of which [`ClusterFile`] is the schema.
///
/// # Errors
/// Those of `out`.
pub fn clusters_json(
    found: &FolderClusters,
    source: &ClusterSource,
    mut out: impl Write,
) -> std::io::Result<()> {
    #[derive(Serialize)]
    struct File<'a> {
        version: u32,
        #[serde(flatten)]
        source: &'a ClusterSource,
        prior_log_odds: f64,
        has_rivals: bool,
        counts_links: bool,
        photos: Vec<PhotoRow>,
        clusters: &'a [Cluster],
        pairs: &'a [VerifiedPair],
        failures: &'a [Failure],
        passed_over: &'a PassedOver,
    }
    let photo = |photo: &FolderPhoto| PhotoRow {
        path: photo.path.clone(),
        sha256: hex(&photo.content_hash),
        width: photo.width,
        height: photo.height,
    };
    let file = File {
        version: VERSION,
        source,
        prior_log_odds: found.prior_log_odds,
        has_rivals: true,
        counts_links: true,
        photos: found.photos.iter().map(photo).collect(),
        clusters: &found.clusters,
        pairs: &found.pairs,
        failures: &found.failures,
        passed_over: &found.passed_over,
    };
    serde_json::to_writer(&mut out, &file)?;
    out.write_all(b"\n")
}

/// A format of the tables of clusters and pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableFormat {
    /// `clusters.csv` and `edges.csv`.
    Csv,
    /// `clusters.parquet` and `edges.parquet`.
    #[cfg(feature = "parquet")]
    Parquet,
}

impl TableFormat {
    /// Every format.
    pub const ALL: &[Self] = &[
        Self::Csv,
        #[cfg(feature = "parquet")]
        Self::Parquet,
    ];

    /// The names of the files: clusters, pairs.
    pub fn file_names(self) -> [&'static str; 2] {
        match self {
            Self::Csv => ["clusters.csv", "edges.csv"],
            #[cfg(feature = "parquet")]
            Self::Parquet => ["clusters.parquet", "edges.parquet"],
        }
    }
}

/// A photo in the table of clusters.
pub(super) struct ClusterRow<'a> {
    pub path: &'a str,
    pub cluster: usize,
    pub score: f64,
    pub is_representative: bool,
}

/// The columns of the table of clusters.
const CLUSTER_COLUMNS: [&str; 4] = ["path", "cluster", "score", "representative"];

/// The photos, sorted by path.
pub(super) fn cluster_rows(found: &FolderClusters) -> impl Iterator<Item = ClusterRow<'_>> {
    let row = |(photo, (number, place)): (usize, (usize, usize))| {
        let cluster = &found.clusters[number];
        ClusterRow {
            path: &found.photos[photo].path,
            cluster: number,
            score: cluster.scores[place],
            is_representative: cluster.representative == photo,
        }
    };
    found.places().into_iter().enumerate().map(row)
}

/// A pair in the table of pairs.
pub(super) struct EdgeRow<'a> {
    pub image1: &'a str,
    pub image2: &'a str,
    pub num_matches: usize,
    pub num_inliers: usize,
    pub probability: f64,
    pub relation: Option<&'static str>,
    pub evidence: Option<EvidenceSummary>,
}

/// The columns of the table of pairs.
const EDGE_COLUMNS: [&str; 9] = [
    "image1",
    "image2",
    "matches",
    "inliers",
    "probability",
    "relation",
    "agreement",
    "contradiction",
    "color_difference",
];

/// Every pair verified, sorted.
pub(super) fn edge_rows(found: &FolderClusters) -> impl Iterator<Item = EdgeRow<'_>> {
    found.pairs.iter().map(|pair| EdgeRow {
        image1: &found.photos[pair.image1].path,
        image2: &found.photos[pair.image2].path,
        num_matches: pair.num_matches,
        num_inliers: pair.num_inliers,
        probability: pair.probability(),
        relation: pair.relation.map(Relation::as_str),
        evidence: pair.evidence,
    })
}

/// Writes `clusters.csv`.
///
/// # Errors
/// Those of `out`.
pub fn clusters_csv(found: &FolderClusters, out: impl Write) -> std::io::Result<()> {
    let row = |row: ClusterRow<'_>| {
        [
            row.path.to_owned(),
            row.cluster.to_string(),
            format!("{:.4}", row.score),
            row.is_representative.to_string(),
        ]
    };
    table(out, CLUSTER_COLUMNS, cluster_rows(found).map(row))
}

/// Writes `labels_pred.txt`.
///
/// # Errors
/// Those of `out`.
pub fn labels_txt(found: &FolderClusters, mut out: impl Write) -> std::io::Result<()> {
    for (cluster, _) in found.places() {
        writeln!(out, "{cluster}")?;
    }
    Ok(())
}

/// Writes `edges.csv`.
///
/// # Errors
/// Those of `out`.
pub fn edges_csv(found: &FolderClusters, out: impl Write) -> std::io::Result<()> {
    let number = |value: Option<f32>| value.map_or(String::new(), |value| format!("{value:.3}"));
    let row = |row: EdgeRow<'_>| {
        [
            row.image1.to_owned(),
            row.image2.to_owned(),
            row.num_matches.to_string(),
            row.num_inliers.to_string(),
            probability_text(row.probability),
            row.relation.unwrap_or_default().to_owned(),
            number(row.evidence.map(|e| e.agreement)),
            number(row.evidence.map(|e| e.contradiction)),
            number(row.evidence.map(|e| e.color_difference)),
        ]
    };
    table(out, EDGE_COLUMNS, edge_rows(found).map(row))
}

/// A probability with enough digits to differ from 0 and 1, at most eight.
fn probability_text(probability: f64) -> String {
    let distance = probability.min(1.0 - probability).max(1e-8);
    let digits = (2.0 - distance.log10()).floor().clamp(3.0, 8.0) as usize;
    format!("{probability:.digits$}")
}

/// CSV as [`csv_field`] gives it, lines ending in a line feed.
fn table<const N: usize>(
    mut out: impl Write,
    header: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> std::io::Result<()> {
    writeln!(out, "{}", header.join(","))?;
    for row in rows {
        let fields: Vec<String> = row.iter().map(|field| csv_field(field)).collect();
        writeln!(out, "{}", fields.join(","))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of two photos in one cluster, and its file.
    fn written() -> (FolderClusters, ClusterSource, String) {
        let photo = |path: &str| FolderPhoto {
            path: path.into(),
            content_hash: [0; 32],
            width: 1,
            height: 1,
        };
        let found = FolderClusters {
            photos: ["a.jpg", "b.jpg"].map(photo).into(),
            failures: Vec::new(),
            passed_over: PassedOver::default(),
            pairs: vec![VerifiedPair {
                image1: 0,
                image2: 1,
                num_matches: 9,
                num_inliers: 8,
                log_odds: 0.5,
                relation: None,
                evidence: None,
            }],
            prior_log_odds: 0.0,
            clusters: vec![Cluster {
                members: vec![0, 1],
                scores: vec![0.5, 0.5],
                representative: 0,
            }],
        };
        let source = ClusterSource {
            folder: "photos".into(),
            store: None,
            model: None,
            model_sha256: String::new(),
            extraction: ExtractionOptions::default(),
            mirrored: false,
            min_probability: 0.4,
            copies_only: false,
            min_inliers: None,
            corrections: Vec::new(),
        };
        let mut bytes = Vec::new();
        clusters_json(&found, &source, &mut bytes).unwrap();
        (found, source, String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn version_3_calls_the_clusters_classes() {
        let (found, source, text) = written();
        assert!(
            text.contains("\"pairs\":[[0,1,9,8,0.5,null,null]]"),
            "{text}"
        );
        let older = text
            .replace("\"version\":4,", "\"version\":3,")
            .replace("\"clusters\":", "\"classes\":");
        assert_ne!(older, text);
        for text in [&text, &older] {
            let read = ClusterFile::parse(text, Path::new("clusters.json")).unwrap();
            assert_eq!(read.pairs, found.pairs);
            assert_eq!(read.clusters, found.clusters);
            assert_eq!((read.version, &read.source), (4, &source));
        }
        for version in [2, 5] {
            let text = text.replace("\"version\":4,", &format!("\"version\":{version},"));
            assert!(ClusterFile::parse(&text, Path::new("clusters.json")).is_err());
        }
    }

    #[test]
    fn a_file_whose_numbers_name_no_photo_is_refused() {
        let (_, _, text) = written();
        for (part, other, fault) in [
            (
                "[[0,1,",
                "[[0,2,",
                "pair 0: 0 and 2 are not two of 2 photos",
            ),
            ("[[0,1,", "[[1,0,", "pair 0: 1 and 0"),
            ("[[0,1,", "[[1,1,", "pair 0: 1 and 1"),
            (
                "\"members\":[0,1]",
                "\"members\":[0,2]",
                "cluster 0: there is no photo 2",
            ),
            (
                "\"members\":[0,1]",
                "\"members\":[1,1]",
                "photo 1 is in a cluster already",
            ),
            (
                "\"members\":[0,1]",
                "\"members\":[0]",
                "cluster 0: 1 member and 2 scores",
            ),
            (
                "\"scores\":[0.5,0.5]",
                "\"scores\":[0.5]",
                "2 members and 1 score",
            ),
            (
                "\"representative\":0",
                "\"representative\":7",
                "representative 7 is no member",
            ),
            (
                "\"clusters\":[",
                "\"clusters\":[],\"former\":[",
                "photo 0 is in no cluster",
            ),
            (
                "\"min_probability\":0.4",
                "\"min_probability\":1.0",
                "min_probability 1 is not",
            ),
        ] {
            let changed = text.replace(part, other);
            assert_ne!(changed, text, "{part}");
            let error = ClusterFile::parse(&changed, Path::new("out/clusters.json")).unwrap_err();
            let said = error.to_string();
            assert!(
                said.starts_with("out/clusters.json: ") && said.contains(fault),
                "{said}"
            );
        }
    }
}
