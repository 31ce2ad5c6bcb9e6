//! The clusters of a folder -> the values of its report.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

use rayon::prelude::*;

use super::drawings::{Subject, decode, encode};
use super::pixels::{groups, hold};
use super::places::{compared_places, least_certain};
use super::read::stored_features;
use super::verify::{match_again, pair_settings};
use super::{ClusterOptions, FolderClusters, FolderPhoto, FolderSession, VerifiedPair};
use crate::cluster::{Cluster, Components, MAX_GAINED};
use crate::error::{Error, Result};
use crate::features::FeatureSet;
use crate::image::Photo;
use crate::matching::Match;
use crate::pipeline::features::positions;
use crate::pipeline::observer::{Counter, Silent, Stage};
use crate::report::{
    FolderReport, PairDrawing, ReportCut, ReportFailure, ReportPair, ReportPhoto, ReportSource,
    THUMBNAIL_SIDE_PX, WeakestLink, href, shown_inliers, thumbnail,
};
use crate::scoring::{Relation, log_odds, probability};
use crate::store::{ContentHash, SettingsId};

/// Thresholds of the slider, in halves of log-odds.
const CUTS: std::ops::RangeInclusive<i32> = -6..=16;
/// Pairs less probable than this, and than the run's own threshold, are not shown.
const MIN_SHOWN_PROBABILITY: f64 = 0.05;
/// The same of pairs whose pixels were not compared: more than any off the shortlist has.
const MIN_SHOWN_BY_FEATURES: f64 = 0.2;
/// Members with a lower score are marked as uncertain; a pair with just enough evidence scores 0.5.
const MIN_CERTAIN_SCORE: f64 = 0.5;

impl FolderSession<'_> {
    /// The values of the report of `found`, with links from a file in the folder `beside` to the photos.
    pub fn report(&self, found: &FolderClusters, beside: &Path) -> FolderReport {
        let beside = beside.canonicalize().ok();
        let link = |photo: &FolderPhoto| {
            let path = self.path_of(photo).canonicalize().ok()?;
            Some(href(&relative(&path, beside.as_ref()?)))
        };
        let photos = found.photos.par_iter().map(|photo| ReportPhoto {
            path: photo.path.clone(),
            href: link(photo),
            width: photo.width,
            height: photo.height,
        });
        let (cuts, default_cut) = found.report_cuts(self.options);
        let order = cuts[default_cut].order();
        let mut slots = vec![0; order.len()];
        for (slot, photo) in order.iter().enumerate() {
            slots[*photo as usize] = slot;
        }
        let mut pairs: Vec<ReportPair> = found.shown_pairs(self.options).map(report_pair).collect();
        // Pairs of the same photos stand together, so that few features are loaded for the drawings of a part.
        pairs.sort_by_cached_key(|pair| {
            let [a, b] = [pair.image1, pair.image2].map(|photo| slots[photo as usize]);
            (a.min(b), a.max(b))
        });
        let folder = &self.folder;
        let name = folder.canonicalize().unwrap_or_else(|_| folder.clone());
        FolderReport {
            title: name
                .file_name()
                .unwrap_or(name.as_os_str())
                .to_string_lossy()
                .into_owned(),
            photos: photos.collect(),
            order,
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
        }
    }

    /// The pictures of `report`, which is the report of `found`. Compared places are those of the 300 least
    /// certain pairs, each of which costs two decoded photos and an alignment.
    pub fn report_pictures<'s>(
        &'s self,
        found: &'s FolderClusters,
        report: &'s FolderReport,
    ) -> ReportPictures<'s> {
        let shown: Vec<&VerifiedPair> = found.shown_pairs(self.options).collect();
        let least_certain = least_certain(&shown).into_iter();
        let with_places: BTreeSet<_> = least_certain.map(|p| (p.image1, p.image2)).collect();
        let total = report.photos.len() + report.pairs.len() + with_places.len();
        ReportPictures {
            with_places: Some(with_places),
            counter: Counter::new(self.observer, Stage::Report, total),
            ..self.pictures_of_pair(found, report)
        }
    }

    /// As [`FolderSession::report_pictures`], with the compared places of every pair: for drawings of few pairs.
    pub fn pictures_of_pair<'s>(
        &'s self,
        found: &'s FolderClusters,
        report: &'s FolderReport,
    ) -> ReportPictures<'s> {
        ReportPictures {
            session: self,
            found,
            report,
            with_places: None,
            settings_text: self.pair_settings_text(),
            settings: pair_settings(self),
            features: BTreeMap::new(),
            counter: Counter::new(&Silent, Stage::Report, 0),
        }
    }
}

/// The pictures of a folder's report, made on demand.
pub struct ReportPictures<'s> {
    session: &'s FolderSession<'s>,
    found: &'s FolderClusters,
    report: &'s FolderReport,
    /// The pairs whose places are compared; none for all that have pixel evidence.
    with_places: Option<BTreeSet<(usize, usize)>>,
    /// The store's settings of the drawings, as text and by number.
    settings_text: String,
    settings: Option<SettingsId>,
    /// The features that were needed last.
    features: BTreeMap<usize, FeatureSet>,
    counter: Counter<'s>,
}

impl ReportSource for ReportPictures<'_> {
    fn thumbnails(&mut self, photos: &[u32]) -> Result<Vec<Vec<u8>>> {
        let thumbnails = photos.par_iter().map(|photo| {
            self.counter.check()?;
            let thumbnail = stored_thumbnail(self.session, &self.found.photos[*photo as usize]);
            self.counter.count(false);
            Ok(thumbnail.unwrap_or_default())
        });
        thumbnails.collect()
    }

    fn drawings(&mut self, pairs: Range<usize>) -> Result<Vec<PairDrawing>> {
        self.counter.check()?;
        let verified: Vec<&VerifiedPair> = self.report.pairs[pairs]
            .iter()
            .map(|pair| self.found.pair(pair.image1 as usize, pair.image2 as usize))
            .collect::<Option<_>>()
            .ok_or_else(|| Error::option("report", "of other clusters"))?;
        let mut drawings = self.known_drawings(&verified);
        let unknown: Vec<usize> = (0..drawings.len())
            .filter(|&at| drawings[at].is_none())
            .collect();
        let of_unknown = |at: &usize| [verified[*at].image1, verified[*at].image2];
        for range in groups(&unknown, of_unknown, self.session.max_loaded) {
            let group: Vec<&VerifiedPair> = unknown[range.clone()]
                .iter()
                .map(|&at| verified[at])
                .collect();
            let drawn = self.draw(&group)?;
            self.keep_drawings(&group, &drawn);
            for (&at, drawing) in unknown[range].iter().zip(drawn) {
                drawings[at] = Some(drawing);
            }
        }
        Ok(drawings.into_iter().flatten().collect())
    }
}

impl ReportPictures<'_> {
    /// Whether the places of a pair are drawn.
    fn has_places(&self, pair: &VerifiedPair) -> bool {
        match &self.with_places {
            Some(chosen) => chosen.contains(&(pair.image1, pair.image2)),
            None => pair.evidence.is_some(),
        }
    }

    /// Key of a pair's drawing in the store: its photos in this order.
    fn key(&self, pair: &VerifiedPair) -> (ContentHash, ContentHash) {
        let hash = |index: usize| self.found.photos[index].content_hash;
        (hash(pair.image1), hash(pair.image2))
    }

    fn subject(&self, pair: &VerifiedPair) -> Subject {
        let (photo1, photo2) = self.key(pair);
        Subject::new(&self.settings_text, &photo1, &photo2)
    }

    /// The drawings that the store has, as they were drawn from the photos that were sorted.
    fn known_drawings(&self, pairs: &[&VerifiedPair]) -> Vec<Option<PairDrawing>> {
        let keys: Vec<_> = pairs.iter().map(|pair| self.key(pair)).collect();
        let known = self
            .settings
            .and_then(|settings| self.session.using(|store| store.drawings(settings, &keys)))
            .unwrap_or_else(|| vec![None; pairs.len()]);
        let usable = |(pair, known): (&&VerifiedPair, Option<Vec<u8>>)| {
            let mut drawing = decode(&known?, self.subject(pair))?;
            match self.has_places(pair) {
                false => drawing.places = None,
                true if drawing.places.is_none() => return None,
                true => self.counter.count(true),
            }
            self.counter.count(true);
            Some(drawing)
        };
        pairs.iter().zip(known).map(usable).collect()
    }

    /// Keeps drawings in the store, but for those of photos that cannot be read now.
    fn keep_drawings(&self, pairs: &[&VerifiedPair], drawings: &[PairDrawing]) {
        let is_whole = |(pair, drawing): &(&&VerifiedPair, &PairDrawing)| {
            drawing.transform.is_some() && self.has_places(pair) == drawing.places.is_some()
        };
        let whole = pairs.iter().zip(drawings).filter(is_whole);
        let new: Vec<_> = whole
            .map(|(pair, drawing)| (self.key(pair), encode(drawing, self.subject(pair))))
            .collect();
        if let Some(settings) = self.settings.filter(|_| !new.is_empty()) {
            self.session
                .using(|store| store.put_drawings(settings, &new));
        }
    }

    /// Draws pairs of few photos.
    fn draw(&mut self, pairs: &[&VerifiedPair]) -> Result<Vec<PairDrawing>> {
        let (session, found) = (self.session, self.found);
        let settings = session.feature_settings();
        load_pairs(session, settings, found, pairs, &mut self.features)?;
        let compared = pairs.iter().filter(|pair| self.has_places(pair));
        let compared = compared.copied().collect();
        let mut places = compared_places(session, &self.features, found, compared, &self.counter)?;
        let geometries: Vec<Geometry> = pairs
            .par_iter()
            .map(|pair| {
                self.counter.check()?;
                let geometry = geometry(session, &self.features, found, pair)?;
                self.counter.count(false);
                Ok(geometry)
            })
            .collect::<Result<_>>()?;
        let rows = pairs.iter().zip(geometries);
        let drawings = rows.map(|(pair, (transform, inliers))| PairDrawing {
            // As the store gives them back.
            inliers: shown_inliers(&inliers),
            transform,
            places: places.remove(&(pair.image1, pair.image2)),
        });
        Ok(drawings.collect())
    }
}

fn report_pair(pair: &VerifiedPair) -> ReportPair {
    ReportPair {
        image1: pair.image1 as u32,
        image2: pair.image2 as u32,
        num_matches: pair.num_matches as u32,
        num_inliers: pair.num_inliers as u32,
        probability: pair.probability(),
        relation: pair.relation.map(Relation::as_str),
        agreement: pair.evidence.map(|evidence| evidence.agreement),
        contradiction: pair.evidence.map(|evidence| evidence.contradiction),
    }
}

impl FolderClusters {
    /// The pairs that a report shows.
    fn shown_pairs(&self, options: &ClusterOptions) -> impl Iterator<Item = &VerifiedPair> {
        // Links may raise the log-odds of a pair.
        let least_linked = probability(log_odds(options.min_probability) - MAX_GAINED);
        let min_compared = MIN_SHOWN_PROBABILITY.min(least_linked);
        let min_left_out = match options.matching.refinement {
            Some(_) => MIN_SHOWN_BY_FEATURES.min(options.min_probability),
            None => min_compared,
        };
        let pairs = self.pairs.iter();
        pairs.filter(move |pair| {
            let min_shown = match pair.evidence {
                Some(_) => min_compared,
                None => min_left_out,
            };
            pair.probability() >= min_shown
        })
    }

    /// The verified pair of two photos, the lesser first.
    fn pair(&self, image1: usize, image2: usize) -> Option<&VerifiedPair> {
        let by_photos = |pair: &VerifiedPair| (pair.image1, pair.image2).cmp(&(image1, image2));
        let index = self.pairs.binary_search_by(by_photos).ok()?;
        self.pairs.get(index)
    }

    /// The shown pairs from the most probable to the least.
    fn strongest_pairs(&self, options: &ClusterOptions) -> Vec<&VerifiedPair> {
        let mut pairs: Vec<&VerifiedPair> = self.shown_pairs(options).collect();
        pairs.sort_by(|a, b| a.by_strength(b));
        pairs
    }

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
        let pairs = self.strongest_pairs(options);
        let clusters = self.clusters_by(options);
        // One after the other: each takes memory by the pair.
        let rungs = cuts
            .into_iter()
            .map(|cut| rung(cut, self.photos.len(), &clusters(cut), &pairs));
        (rungs.collect(), default_cut)
    }

    /// The clusters at one minimum probability, as [`FolderClusters::report_cuts`].
    pub fn report_cut(&self, min_probability: f64, options: &ClusterOptions) -> ReportCut {
        let clusters = self.clusters_at(min_probability, options);
        let pairs = self.strongest_pairs(options);
        rung(min_probability, self.photos.len(), &clusters, &pairs)
    }
}

/// The clusters at a cut; `pairs` from the most probable to the least.
fn rung(cut: f64, num_photos: usize, clusters: &[Cluster], pairs: &[&VerifiedPair]) -> ReportCut {
    let mut rung = ReportCut {
        min_probability: cut,
        cluster_of_photo: vec![0; num_photos],
        score_of_photo: vec![0.0; num_photos],
        representative_of_cluster: Vec::with_capacity(clusters.len()),
        weakest_of_cluster: vec![None; clusters.len()],
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
    let mut joined = Components::new(num_photos as u32);
    for pair in pairs {
        let [cluster1, cluster2] =
            [pair.image1, pair.image2].map(|photo| rung.cluster_of_photo[photo]);
        if cluster1 == cluster2 && joined.joins(pair.image1, pair.image2) {
            rung.weakest_of_cluster[cluster1 as usize] = Some(WeakestLink {
                image1: pair.image1 as u32,
                image2: pair.image2 as u32,
                probability: pair.probability(),
            });
        }
    }
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
    let place = |pair: &Match| {
        let (p1, p2) = positions(a, b, pair);
        [p1.x as f32, p1.y as f32, p2.x as f32, p2.y as f32]
    };
    let transform = std::array::from_fn(|i| geometry.matrix[(i / 3, i % 3)]);
    Ok((Some(transform), result.inliers().map(place).collect()))
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
        let pairs = [(1, 4, 4.0), (0, 4, 3.0), (1, 4, 2.0)];
        let pairs =
            pairs.map(|(image1, image2, log_odds)| VerifiedPair::of(image1, image2, log_odds));
        let rung = rung(0.9, 5, &[cluster, single], &pairs.each_ref());
        let weakest = rung.weakest_of_cluster[0].map(|link| (link.image1, link.image2));
        assert_eq!((weakest, rung.weakest_of_cluster[1]), (Some((1, 4)), None));
        let weakest = rung.weakest_of_cluster[0].map(|link| link.probability);
        assert_eq!(weakest, Some(probability(4.0)));
        assert_eq!(rung.uncertain_photos, [4]);
        assert_eq!(rung.cluster_of_photo[0], 1);
        assert_eq!(rung.representative_of_cluster, [1, 0]);
    }
}
