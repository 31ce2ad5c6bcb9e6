//! The clusters of a folder -> the values of its report.

use std::collections::BTreeMap;
use std::path::Path;

use rayon::prelude::*;

use super::pixels::{groups, hold};
use super::places::{compared_places, least_certain};
use super::read::stored_features;
use super::verify::match_again;
use super::{ClusterOptions, FolderClusters, FolderPhoto, FolderSession, VerifiedPair};
use crate::cluster::Cluster;
use crate::error::Result;
use crate::features::FeatureSet;
use crate::image::Photo;
use crate::pipeline::features::positions;
use crate::pipeline::observer::{Counter, Stage};
use crate::report::{
    FolderReport, ReportCut, ReportFailure, ReportPair, ReportPhoto, THUMBNAIL_SIDE_PX, href,
    thumbnail,
};
use crate::scoring::{Relation, log_odds, probability};
use crate::store::SettingsId;

/// Cuts of the slider, in halves of log-odds.
const CUTS: std::ops::RangeInclusive<i32> = -6..=16;
/// Pairs less probable than this, and than the run's own cut, are not shown.
const MIN_SHOWN_PROBABILITY: f64 = 0.05;
/// Members with a lower score are marked as uncertain; a pair with just enough evidence scores 0.5.
const MIN_CERTAIN_SCORE: f64 = 0.5;

impl FolderSession<'_> {
    /// The values of the report of `found`, with links from a file in the folder `beside` to the photos.
    ///
    /// # Errors
    /// As [`FolderSession::cluster`].
    pub fn report(&self, found: &FolderClusters, beside: &Path) -> Result<FolderReport> {
        let min_shown = MIN_SHOWN_PROBABILITY.min(self.options.min_probability);
        let shown: Vec<&VerifiedPair> = found
            .pairs
            .iter()
            .filter(|pair| pair.probability() >= min_shown)
            .collect();
        let least_certain = least_certain(&shown);
        let total = found.photos.len() + shown.len() + least_certain.len();
        let counter = Counter::new(self.observer, Stage::Report, total);
        let settings = self.feature_settings();
        let link = |photo: &FolderPhoto| {
            let path = self.path_of(photo);
            let from = beside.canonicalize().ok()?;
            Some(href(&relative(&path.canonicalize().ok()?, &from)))
        };
        let photos = found
            .photos
            .par_iter()
            .map(|photo| {
                counter.check()?;
                let thumbnail = stored_thumbnail(self, photo);
                counter.count(false);
                Ok(ReportPhoto {
                    path: photo.path.clone(),
                    href: link(photo),
                    width: photo.width,
                    height: photo.height,
                    thumbnail: thumbnail.unwrap_or_default(),
                })
            })
            .collect::<Result<_>>()?;
        let mut features = BTreeMap::new();
        load_pairs(self, settings, found, &least_certain, &mut features)?;
        let mut places = compared_places(self, &features, found, least_certain, &counter)?;
        let mut pairs = Vec::with_capacity(shown.len());
        for range in groups(&shown, |pair| [pair.image1, pair.image2], self.max_loaded) {
            let group = &shown[range];
            load_pairs(self, settings, found, group, &mut features)?;
            let geometries: Vec<Geometry> = group
                .par_iter()
                .map(|pair| {
                    counter.check()?;
                    let geometry = geometry(self, &features, found, pair)?;
                    counter.count(false);
                    Ok(geometry)
                })
                .collect::<Result<_>>()?;
            for (pair, (transform, inliers)) in group.iter().zip(geometries) {
                pairs.push(ReportPair {
                    image1: pair.image1 as u32,
                    image2: pair.image2 as u32,
                    num_matches: pair.num_matches as u32,
                    num_inliers: pair.num_inliers as u32,
                    probability: pair.probability(),
                    relation: pair.relation.map(Relation::as_str),
                    agreement: pair.evidence.map(|evidence| evidence.agreement),
                    contradiction: pair.evidence.map(|evidence| evidence.contradiction),
                    inliers,
                    transform,
                    places: places.remove(&(pair.image1, pair.image2)),
                });
            }
        }
        let (cuts, default_cut) = found.report_cuts(self.options);
        let folder = &self.folder;
        let name = folder.canonicalize().unwrap_or_else(|_| folder.clone());
        Ok(FolderReport {
            title: name
                .file_name()
                .unwrap_or(name.as_os_str())
                .to_string_lossy()
                .into_owned(),
            photos,
            cuts,
            default_cut,
            pairs,
            failures: found
                .failures
                .iter()
                .map(|failure| ReportFailure {
                    path: failure.path.clone(),
                    reason: failure.reason.clone(),
                })
                .collect(),
            live_run: None,
        })
    }
}

impl FolderClusters {
    /// The clusters at every position of a report's slider, strictest first, and the index of the cut of
    /// `options`; from the same pairs and the other `options` of linking, corrections among them.
    pub fn report_cuts(&self, options: &ClusterOptions) -> (Vec<ReportCut>, usize) {
        let own = options.min_probability;
        let mut cuts: Vec<f64> = CUTS
            .map(|half| probability(f64::from(half) / 2.0))
            .collect();
        cuts.retain(|cut| (log_odds(*cut) - log_odds(own)).abs() > 0.1);
        cuts.push(own);
        cuts.sort_by(|a, b| b.total_cmp(a));
        let default_cut = cuts.iter().position(|cut| *cut == own).unwrap_or(0);
        let rungs = cuts
            .into_par_iter()
            .map(|cut| self.report_cut(cut, options));
        (rungs.collect(), default_cut)
    }

    /// The clusters at one minimum probability, as [`FolderClusters::report_cuts`].
    pub fn report_cut(&self, min_probability: f64, options: &ClusterOptions) -> ReportCut {
        let clusters = self.clusters_at(min_probability, options);
        rung(min_probability, self.photos.len(), &clusters)
    }
}

fn rung(cut: f64, num_photos: usize, clusters: &[Cluster]) -> ReportCut {
    let mut rung = ReportCut {
        min_probability: cut,
        cluster_of_photo: vec![0; num_photos],
        score_of_photo: vec![0.0; num_photos],
        representative_of_cluster: Vec::with_capacity(clusters.len()),
        uncertain_photos: Vec::new(),
    };
    for (number, cluster) in clusters.iter().enumerate() {
        rung.representative_of_cluster
            .push(cluster.representative as u32);
        for (&photo, &score) in cluster.members.iter().zip(&cluster.scores) {
            rung.cluster_of_photo[photo] = number as u32;
            rung.score_of_photo[photo] = score as f32;
            if score < MIN_CERTAIN_SCORE {
                rung.uncertain_photos.push(photo as u32);
            }
        }
    }
    rung.uncertain_photos.sort_unstable();
    rung
}

/// The stored thumbnail, or a new one; none if the photo can no longer be read.
fn stored_thumbnail(session: &FolderSession<'_>, photo: &FolderPhoto) -> Option<Vec<u8>> {
    let known = session
        .using(|store| store.thumbnail(&photo.content_hash))
        .flatten();
    known.or_else(|| {
        let decoded = Photo::open(session.path_of(photo), &session.options.matching.decode).ok()?;
        thumbnail(decoded.pixels(), THUMBNAIL_SIDE_PX).ok()
    })
}

/// Makes `features` hold exactly those of the photos of these pairs, by photo; none of one that can no longer
/// be read.
pub(super) fn load_pairs(
    session: &FolderSession<'_>,
    settings: Option<SettingsId>,
    found: &FolderClusters,
    pairs: &[&VerifiedPair],
    features: &mut BTreeMap<usize, FeatureSet>,
) -> Result<()> {
    let photos = pairs.iter().flat_map(|p| [p.image1, p.image2]).collect();
    hold(features, photos, |index| {
        let photo = &found.photos[index];
        let path = session.path_of(photo);
        Ok(stored_features(session, settings, &photo.content_hash, &path).ok())
    })
}

/// The transform from image1 to image2, row after row, and the places of the inliers: x and y in image1,
/// x and y in image2, in pixels.
type Geometry = (Option<[f64; 9]>, Vec<[f32; 4]>);

/// The geometry of a pair; empty if a photo can no longer be read.
fn geometry(
    session: &FolderSession<'_>,
    features: &BTreeMap<usize, FeatureSet>,
    found: &FolderClusters,
    pair: &VerifiedPair,
) -> Result<Geometry> {
    let Some(([first, second], result)) = match_again(session, features, found, pair)? else {
        return Ok((None, Vec::new()));
    };
    let (result, [first, second]) = match first == pair.image1 {
        true => (result, [first, second]),
        false => (result.swapped(), [second, first]),
    };
    let (a, b) = (&features[&first], &features[&second]);
    let Some(geometry) = &result.geometry else {
        return Ok((None, Vec::new()));
    };
    let place = |&index: &usize| {
        let (p1, p2) = positions(a, b, &result.matches[index]);
        [p1.x as f32, p1.y as f32, p2.x as f32, p2.y as f32]
    };
    let transform = std::array::from_fn(|i| geometry.matrix[(i / 3, i % 3)]);
    Ok((
        Some(transform),
        geometry.inliers.iter().map(place).collect(),
    ))
}

/// `path` as seen from `folder`, both absolute.
fn relative(path: &Path, folder: &Path) -> std::path::PathBuf {
    let common = path
        .components()
        .zip(folder.components())
        .take_while(|(a, b)| a == b)
        .count();
    let up = folder
        .components()
        .skip(common)
        .map(|_| std::path::Component::ParentDir);
    up.chain(path.components().skip(common)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_seen_from_the_report() {
        let see = |path: &str, folder: &str| relative(Path::new(path), Path::new(folder));
        assert_eq!(see("/a/b/c.jpg", "/a/out"), Path::new("../b/c.jpg"));
        assert_eq!(see("/a/b/c.jpg", "/a/b"), Path::new("c.jpg"));
        assert_eq!(see("/a/c.jpg", "/x/y"), Path::new("../../a/c.jpg"));
    }

    #[test]
    fn weakly_tied_members_are_uncertain() {
        let cluster = Cluster {
            members: vec![1, 4],
            scores: vec![0.9, 0.3],
            representative: 1,
        };
        let single = Cluster {
            members: vec![0],
            scores: vec![1.0],
            representative: 0,
        };
        let rung = rung(0.9, 5, &[cluster, single]);
        assert_eq!(rung.uncertain_photos, [4]);
        assert_eq!(rung.cluster_of_photo[0], 1);
        assert_eq!(rung.representative_of_cluster, [1, 0]);
    }
}
