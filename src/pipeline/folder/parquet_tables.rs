//! The tables of a folder as Parquet: the rows of the CSV files with all their digits, and the photos' features.

use std::io::{Result, Write};
use std::path::Path;

use rayon::prelude::*;

use super::read::stored_features;
use super::tables::{ClusterRow, EdgeRow, cluster_rows, edge_rows};
use super::{FolderClusters, FolderPhoto, FolderSession};
use crate::error::Error;
use crate::features::{FeatureSet, Keypoint};
use crate::files::write_file_with;
use crate::formats::parquet::{Column, TableWriter};
use crate::hex::hex;

/// Rows of a row group of `clusters.parquet` and `edges.parquet`.
const GROUP_ROWS: usize = 1 << 16;
/// Photos of a row group of features, about 100 KB each in memory. Values of one photo are few different numbers,
/// so that a small group takes fewer bytes.
const GROUP_PHOTOS: usize = 128;

const CLUSTERS: &str = "message clusters {
    required binary path (STRING);
    required int32 cluster (INTEGER(32, false));
    required double score;
    required boolean representative;
}";

const EDGES: &str = "message edges {
    required binary image1 (STRING);
    required binary image2 (STRING);
    required int32 matches (INTEGER(32, false));
    required int32 inliers (INTEGER(32, false));
    required double probability;
    optional binary relation (STRING);
    optional float agreement;
    optional float contradiction;
    optional float color_difference;
}";

const FEATURES: &str = "message features {
    required binary path (STRING);
    required binary sha256 (STRING);
    required int32 width (INTEGER(32, false));
    required int32 height (INTEGER(32, false));
    required group x (LIST) { repeated group list { required float element; } }
    required group y (LIST) { repeated group list { required float element; } }
    required group scale (LIST) { repeated group list { required float element; } }
    required group score (LIST) { repeated group list { required float element; } }
    required group descriptors (LIST) { repeated group list { required float element; } }
    optional group global (LIST) { repeated group list { required float element; } }
}";

/// Writes `clusters.parquet`.
///
/// # Errors
/// Those of `out`.
pub fn clusters_parquet(found: &FolderClusters, out: impl Write + Send) -> Result<()> {
    table(
        out,
        CLUSTERS,
        cluster_rows(found),
        |rows: &[ClusterRow<'_>]| {
            vec![
                Column::Text(rows.iter().map(|row| Some(row.path.into())).collect()),
                Column::Integer(rows.iter().map(|row| row.cluster as u32).collect()),
                Column::Double(rows.iter().map(|row| row.score).collect()),
                Column::Boolean(rows.iter().map(|row| row.is_representative).collect()),
            ]
        },
    )
}

/// Writes `edges.parquet`.
///
/// # Errors
/// Those of `out`.
pub fn edges_parquet(found: &FolderClusters, out: impl Write + Send) -> Result<()> {
    table(out, EDGES, edge_rows(found), |rows: &[EdgeRow<'_>]| {
        let integer = |value: fn(&EdgeRow<'_>) -> usize| {
            Column::Integer(rows.iter().map(|row| value(row) as u32).collect())
        };
        let evidence = |value: fn(&super::EvidenceSummary) -> f32| {
            let values = rows.iter().map(|row| row.evidence.as_ref().map(value));
            Column::Float(values.collect())
        };
        vec![
            Column::Text(rows.iter().map(|row| Some(row.image1.into())).collect()),
            Column::Text(rows.iter().map(|row| Some(row.image2.into())).collect()),
            integer(|row| row.num_matches),
            integer(|row| row.num_inliers),
            Column::Double(rows.iter().map(|row| row.probability).collect()),
            Column::Text(
                rows.iter()
                    .map(|row| row.relation.map(Into::into))
                    .collect(),
            ),
            evidence(|evidence| evidence.agreement),
            evidence(|evidence| evidence.contradiction),
            evidence(|evidence| evidence.color_difference),
        ]
    })
}

/// Writes rows, [`GROUP_ROWS`] at a time. A table without rows has a schema alone.
fn table<R>(
    out: impl Write + Send,
    schema: &str,
    rows: impl Iterator<Item = R>,
    columns: impl for<'a> Fn(&'a [R]) -> Vec<Column<'a>>,
) -> Result<()> {
    let mut table = TableWriter::new(out, schema, &[])?;
    let mut rows = rows.peekable();
    while rows.peek().is_some() {
        let group: Vec<R> = rows.by_ref().take(GROUP_ROWS).collect();
        table.write(columns(&group))?;
    }
    table.finish()
}

impl FolderSession<'_> {
    /// Writes the features of the photos as Parquet, over an existing file at `path`: a row a photo, sorted by
    /// path. They are read from the store as they are written, or extracted again where it has none.
    ///
    /// # Errors
    /// [`Error::Features`] when a photo has changed since, the errors of reading it,
    /// [`Error::Io`] when the file cannot be written, and [`Error::Cancelled`].
    pub fn write_features(&self, found: &FolderClusters, path: &Path) -> crate::Result<()> {
        // The error that ended the file, where it is not the file's own.
        let mut failed = None;
        let written = write_file_with(path, |out| {
            let model = self.model.manifest().sha256.as_str();
            let mut table = TableWriter::new(out, FEATURES, &[("model_sha256", model)])?;
            for photos in found.photos.chunks(GROUP_PHOTOS) {
                let features = self.features_of_photos(photos).map_err(|error| {
                    let text = error.to_string();
                    failed = Some(error);
                    std::io::Error::other(text)
                })?;
                table.write(feature_columns(photos, &features))?;
            }
            table.finish()
        });
        failed.map_or(written, Err)
    }

    fn features_of_photos(&self, photos: &[FolderPhoto]) -> crate::Result<Vec<FeatureSet>> {
        if self.observer.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let settings = self.feature_settings();
        let features = |photo: &FolderPhoto| {
            stored_features(self, settings, &photo.content_hash, &self.path_of(photo))
        };
        photos.par_iter().map(features).collect()
    }
}

fn feature_columns<'a>(photos: &'a [FolderPhoto], features: &[FeatureSet]) -> Vec<Column<'a>> {
    let hashes = photos
        .iter()
        .map(|photo| Some(hex(&photo.content_hash).into()));
    let of_keypoints = |value: fn(&Keypoint) -> f32| {
        let values = |features: &FeatureSet| features.keypoints().iter().map(value).collect();
        Column::Floats(features.iter().map(|f| Some(values(f))).collect())
    };
    let descriptors = features.iter().map(|f| f.descriptors().as_slice().to_vec());
    let global = features.iter().map(|f| f.global().map(<[f32]>::to_vec));
    vec![
        Column::Text(
            photos
                .iter()
                .map(|photo| Some(photo.path.as_str().into()))
                .collect(),
        ),
        Column::Text(hashes.collect()),
        Column::Integer(photos.iter().map(|photo| photo.width).collect()),
        Column::Integer(photos.iter().map(|photo| photo.height).collect()),
        of_keypoints(|keypoint| keypoint.x),
        of_keypoints(|keypoint| keypoint.y),
        of_keypoints(|keypoint| keypoint.scale),
        of_keypoints(|keypoint| keypoint.score),
        Column::Floats(descriptors.map(Some).collect()),
        Column::Floats(global.collect()),
    ]
}
