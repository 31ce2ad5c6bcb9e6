//! Why two photos are, or are not, in one cluster.

use super::corrections::constraints;
use super::{ClusterFile, ClusterOptions, ClusterSource, FolderClusters, VerifiedPair};
use crate::cluster::{Cluster, Components, Constraints, Link, clusters};
use crate::error::{Error, Result};
use crate::hex::hash;
use crate::scoring::{Relation, Rivals, log_odds, probability};

/// Cuts that are tried for another answer, in tenths of log-odds.
const TRIED_LOG_ODDS: std::ops::RangeInclusive<i32> = -60..=120;
/// Log-odds beyond the cut that count as one link more.
const LOG_ODDS_A_LINK: f64 = 4.0;

/// Why two photos are, or are not, in one cluster.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Explanation {
    /// The cluster of each.
    pub clusters: [usize; 2],
    /// The pair itself; none when it was not verified.
    pub pair: Option<VerifiedPair>,
    /// What lowers the pair; none where nothing does.
    pub rivals: Option<RivalPairs>,
    /// Pairs of a photo of each cluster, and how many of them are links; none in one cluster.
    pub between: Option<[usize; 2]>,
    /// Photos from the first to the second, each verified with the next, such that the weakest of
    /// these pairs is as strong as can be; empty when there is no such chain.
    pub chain: Vec<usize>,
    /// The pairs of neighbours in the chain.
    pub links: Vec<VerifiedPair>,
    /// What corrections, or what follows from them, say of the two: whether they show the same thing.
    pub correction: Option<bool>,
    /// The smallest change of the minimum probability that gives the other answer; none when none
    /// from log-odds -6 to 12 does.
    pub other_min_probability: Option<f64>,
}

/// Pairs that lower the log-odds of another, by tying both its photos more strongly.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RivalPairs {
    /// The strongest pair of each photo.
    pub pairs: [VerifiedPair; 2],
    /// The probability that the two photos show the same thing, without these.
    pub probability_without: f64,
}

impl Explanation {
    /// Whether both are in one cluster.
    pub fn is_same_cluster(&self) -> bool {
        self.clusters[0] == self.clusters[1]
    }

    /// The least probable pair of the chain.
    pub fn weakest(&self) -> Option<&VerifiedPair> {
        let links = self.links.iter();
        links.min_by(|a, b| a.log_odds.total_cmp(&b.log_odds))
    }
}

impl ClusterFile {
    /// Why these two photos are, or are not, in one cluster; none when one does not exist.
    pub fn explain(&self, photo1: usize, photo2: usize) -> Option<Explanation> {
        let cluster_of = |clusters: &[Cluster], photo: usize| {
            clusters
                .iter()
                .position(|cluster| cluster.members.contains(&photo))
        };
        let own = [
            cluster_of(&self.clusters, photo1)?,
            cluster_of(&self.clusters, photo2)?,
        ];
        let (chain, links) = strongest_chain(self.photos.len(), &self.pairs, photo1, photo2);
        let is_same = own[0] == own[1];
        let linkage = Linkage::from(&self.source);
        let hashes = self.photos.iter().map(|photo| hash(&photo.sha256));
        let hashes = hashes.map(Option::unwrap_or_default);
        let constraints = constraints(hashes, &self.source.corrections);
        let gives_other = |cut: &f64| {
            let other = Linkage {
                min_log_odds: *cut,
                ..linkage
            };
            let clusters = clusters_at(self.photos.len(), &self.pairs, &other, &constraints);
            (cluster_of(&clusters, photo1) == cluster_of(&clusters, photo2)) != is_same
        };
        let mut cuts: Vec<f64> = TRIED_LOG_ODDS
            .map(|tenths| f64::from(tenths) / 10.0)
            .collect();
        let distance = |cut: &f64| (cut - linkage.min_log_odds).abs();
        cuts.sort_by(|a, b| distance(a).total_cmp(&distance(b)));
        let ends = [(photo1, photo2), (photo2, photo1)];
        let pair = self.pairs.iter();
        let pair = pair
            .copied()
            .find(|pair| ends.contains(&(pair.image1, pair.image2)));
        Some(Explanation {
            clusters: own,
            rivals: pair.and_then(|pair| self.rivals(&pair, [photo1, photo2])),
            between: (!is_same).then(|| self.between(own, &linkage)),
            pair,
            chain,
            links,
            correction: if photo1 != photo2 && constraints.are_same(photo1, photo2) {
                Some(true)
            } else {
                let is_apart = constraints.are_apart(&[photo1], &[photo2]);
                is_apart.then_some(false)
            },
            other_min_probability: cuts.into_iter().find(gives_other).map(probability),
        })
    }
}

impl ClusterFile {
    /// Pairs of a photo of each of two clusters, and how many of them are links.
    fn between(&self, clusters: [usize; 2], linkage: &Linkage) -> [usize; 2] {
        let [first, second] = clusters.map(|cluster| &self.clusters[cluster].members);
        let is_between = |pair: &&VerifiedPair| {
            let has = |members: &[usize], photo| members.binary_search(&photo).is_ok();
            has(first, pair.image1) && has(second, pair.image2)
                || has(first, pair.image2) && has(second, pair.image1)
        };
        let links = self.pairs.iter().filter(is_between);
        let links = links.filter(|pair| linkage.links(pair)).count();
        [first.len() * second.len(), links]
    }

    /// What lowers a pair, by the strongest pair of each of its `photos`.
    fn rivals(&self, pair: &VerifiedPair, photos: [usize; 2]) -> Option<RivalPairs> {
        let mut rivals = Rivals::new(self.photos.len());
        for pair in &self.pairs {
            rivals.add([pair.image1, pair.image2], pair.log_odds, pair.relation);
        }
        let before = rivals.before(photos, pair.log_odds, pair.relation)?;
        let is_rival = |other: &&VerifiedPair| {
            pair.relation == Some(Relation::Copy) || other.relation != Some(Relation::Copy)
        };
        let strongest = |photo: usize| {
            let own = self.pairs.iter().filter(is_rival);
            let own = own.filter(|pair| [pair.image1, pair.image2].contains(&photo));
            own.min_by(|a, b| a.by_strength(b)).copied()
        };
        Some(RivalPairs {
            pairs: [strongest(photos[0])?, strongest(photos[1])?],
            probability_without: probability(before),
        })
    }
}

/// Which pairs are links.
#[derive(Debug, Clone, Copy)]
pub(super) struct Linkage {
    min_log_odds: f64,
    min_inliers: Option<usize>,
    copies_only: bool,
}

impl Linkage {
    /// By this minimum probability, and the other `options` of linking.
    pub(super) fn new(min_probability: f64, options: &ClusterOptions) -> Self {
        Self {
            min_log_odds: log_odds(min_probability),
            min_inliers: options.min_inliers,
            copies_only: options.copies_only,
        }
    }

    /// Whether a pair links its photos.
    fn links(&self, pair: &VerifiedPair) -> bool {
        let is_copy = pair.relation == Some(Relation::Copy);
        self.evidence(pair.log_odds, pair.num_inliers, is_copy) >= 1.0
    }

    /// The evidence of a pair; none below what links need.
    pub(super) fn evidence(&self, log_odds: f64, num_inliers: usize, is_copy: bool) -> f64 {
        let may_link =
            self.min_inliers.is_none_or(|min| num_inliers >= min) && (!self.copies_only || is_copy);
        match may_link {
            true => evidence(log_odds, self.min_log_odds),
            false => 0.0,
        }
    }
}

impl From<&ClusterSource> for Linkage {
    fn from(source: &ClusterSource) -> Self {
        Self {
            min_log_odds: log_odds(source.min_probability),
            min_inliers: source.min_inliers,
            copies_only: source.copies_only,
        }
    }
}

impl FolderClusters {
    /// The clusters that another minimum probability gives, from the same pairs and the other
    /// `options` of linking, corrections among them.
    pub fn clusters_at(&self, min_probability: f64, options: &ClusterOptions) -> Vec<Cluster> {
        let linkage = Linkage::new(min_probability, options);
        let constraints = self.constraints(&options.corrections);
        clusters_at(self.photos.len(), &self.pairs, &linkage, &constraints)
    }
}

/// Sorts `num_photos` photos into clusters by the log-odds of pairs, as a folder is sorted: every photo is in
/// one cluster, the largest first. A pair is two photos and the log-odds that they show the same thing; a
/// pair that is not given counts as none. Deterministic, and independent of the order of `pairs`.
///
/// # Errors
/// [`Error::InvalidOption`] when `min_probability` is not above 0 and below 1, or a pair names a photo that
/// does not exist, or has log-odds that are not a number.
pub fn cluster_pairs(
    num_photos: usize,
    pairs: &[(usize, usize, f64)],
    min_probability: f64,
) -> Result<Vec<Cluster>> {
    if !(min_probability > 0.0 && min_probability < 1.0) {
        let reason = format!("{min_probability} is not between 0 and 1");
        return Err(Error::option("min_probability", reason));
    }
    let min_log_odds = log_odds(min_probability);
    let link = |(at, &(image1, image2, log_odds)): (usize, &(usize, usize, f64))| {
        let refuse = |reason: String| Err(Error::option("pairs", format!("pair {at}: {reason}")));
        if image1.max(image2) >= num_photos {
            let photo = image1.max(image2);
            return refuse(format!("photo {photo} of {num_photos} does not exist"));
        }
        if log_odds.is_nan() {
            return refuse("its log-odds are not a number".into());
        }
        Ok(Link {
            image1,
            image2,
            evidence: evidence(log_odds, min_log_odds),
        })
    };
    let links: Vec<Link> = pairs.iter().enumerate().map(link).collect::<Result<_>>()?;
    Ok(clusters(num_photos, &links, true, &Constraints::default()))
}

/// Evidence from log-odds: 1 at the least of a link.
fn evidence(log_odds: f64, min_log_odds: f64) -> f64 {
    1.0 + (log_odds - min_log_odds) / LOG_ODDS_A_LINK
}

fn clusters_at(
    num_photos: usize,
    pairs: &[VerifiedPair],
    linkage: &Linkage,
    constraints: &Constraints,
) -> Vec<Cluster> {
    let link = |pair: &VerifiedPair| {
        let is_copy = pair.relation == Some(Relation::Copy);
        Link {
            image1: pair.image1,
            image2: pair.image2,
            evidence: linkage.evidence(pair.log_odds, pair.num_inliers, is_copy),
        }
    };
    let links: Vec<Link> = pairs.iter().map(link).collect();
    let is_complete = pairs.len() == num_photos * num_photos.saturating_sub(1) / 2;
    clusters(num_photos, &links, is_complete, constraints)
}

/// The pairs with inliers, the strongest first and of equals that of the first photos.
pub(super) fn strongest_first(pairs: &[VerifiedPair]) -> Vec<&VerifiedPair> {
    let mut order: Vec<&VerifiedPair> = pairs.iter().filter(|p| p.num_inliers > 0).collect();
    order.sort_by(|a, b| a.by_strength(b));
    order
}

/// The chain whose weakest pair is strongest, and its pairs: pairs join groups of photos, the
/// strongest pair first, until both photos are in one; the pairs that joined make a tree.
fn strongest_chain(
    num_photos: usize,
    pairs: &[VerifiedPair],
    from: usize,
    to: usize,
) -> (Vec<usize>, Vec<VerifiedPair>) {
    let mut components = Components::new(num_photos as u32);
    let mut tree: Vec<Vec<&VerifiedPair>> = vec![Vec::new(); num_photos];
    let mut are_joined = from == to;
    for pair in strongest_first(pairs) {
        if are_joined {
            break;
        }
        if components.joins(pair.image1, pair.image2) {
            tree[pair.image1].push(pair);
            tree[pair.image2].push(pair);
            are_joined = components.first(from as u32) == components.first(to as u32);
        }
    }
    if !are_joined || from == to {
        return (Vec::new(), Vec::new());
    }
    // The only way through the tree.
    let mut came_by: Vec<Option<&VerifiedPair>> = vec![None; num_photos];
    let mut waiting = vec![from];
    while let Some(photo) = waiting.pop() {
        for &pair in &tree[photo] {
            let other = pair.image1 + pair.image2 - photo;
            if other != from && came_by[other].is_none() {
                came_by[other] = Some(pair);
                waiting.push(other);
            }
        }
    }
    let (mut chain, mut links) = (vec![to], Vec::new());
    let mut at = to;
    while let Some(pair) = came_by[at] {
        at = pair.image1 + pair.image2 - at;
        chain.push(at);
        links.push(*pair);
    }
    chain.reverse();
    links.reverse();
    (chain, links)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(image1: usize, image2: usize, log_odds: i32) -> VerifiedPair {
        VerifiedPair::of(image1, image2, f64::from(log_odds))
    }

    #[test]
    fn log_odds_alone_make_the_clusters_of_a_folder() {
        let pairs = [pair(0, 2, 3), pair(1, 3, -3), pair(2, 4, 2), pair(0, 4, 4)];
        let linkage = Linkage {
            min_log_odds: log_odds(0.45),
            min_inliers: None,
            copies_only: false,
        };
        let given = pairs.map(|pair| (pair.image1, pair.image2, pair.log_odds));
        let found = cluster_pairs(5, &given, 0.45).unwrap();
        assert_eq!(
            found,
            clusters_at(5, &pairs, &linkage, &Constraints::default())
        );
        assert_eq!(found[0].members, [0, 2, 4]);
        assert!(cluster_pairs(5, &[(0, 5, 1.0)], 0.45).is_err());
        assert!(cluster_pairs(5, &[(0, 1, f64::NAN)], 0.45).is_err());
        assert!(cluster_pairs(5, &given, 1.0).is_err());
    }

    #[test]
    fn the_chain_goes_by_the_strongest_pairs() {
        let pairs = [
            pair(0, 3, 3),
            pair(0, 1, 9),
            pair(1, 2, 7),
            pair(2, 3, 8),
            pair(3, 4, 2),
        ];
        let (chain, links) = strongest_chain(6, &pairs, 0, 3);
        assert_eq!(chain, [0, 1, 2, 3]);
        assert_eq!(links, [pairs[1], pairs[2], pairs[3]]);
        assert_eq!(strongest_chain(6, &pairs, 4, 0).0, [4, 3, 2, 1, 0]);
        assert_eq!(strongest_chain(6, &pairs, 0, 5), (vec![], vec![]));
        assert_eq!(strongest_chain(6, &pairs, 2, 2), (vec![], vec![]));
    }

    /// Four photos, sorted by these pairs.
    fn file(cut: f64, pairs: Vec<VerifiedPair>) -> ClusterFile {
        let photo = |number| super::super::PhotoRow {
            path: format!("{number}.jpg"),
            sha256: String::new(),
            width: 1,
            height: 1,
        };
        let mut file = ClusterFile {
            version: 4,
            source: super::super::ClusterSource {
                folder: String::new(),
                store: None,
                model: None,
                model_sha256: String::new(),
                extraction: crate::extract::ExtractionOptions::default(),
                mirrored: false,
                min_probability: cut,
                copies_only: false,
                min_inliers: None,
                corrections: Vec::new(),
            },
            prior_log_odds: 0.0,
            photos: (0..4).map(photo).collect(),
            clusters: Vec::new(),
            pairs,
            failures: Vec::new(),
            passed_over: crate::folder::PassedOver::default(),
        };
        let linkage = Linkage::from(&file.source);
        file.clusters = clusters_at(4, &file.pairs, &linkage, &Constraints::default());
        file
    }

    #[test]
    fn rivals_and_what_is_between_the_clusters_are_told() {
        // The pair of 0 and 2 was 1.25 before a rival of 4 lowered it.
        let lowered = VerifiedPair {
            log_odds: 0.5,
            ..pair(0, 2, 0)
        };
        let pairs = vec![pair(0, 1, 6), lowered, pair(1, 3, -5), pair(2, 3, 4)];
        let why = file(0.5, pairs.clone()).explain(2, 0).unwrap();
        assert!(!why.is_same_cluster());
        assert_eq!(why.between, Some([4, 1]));
        let rivals = why.rivals.unwrap();
        assert_eq!(rivals.pairs, [pairs[3], pairs[0]]);
        assert!((rivals.probability_without - probability(1.25)).abs() < 1e-12);
        let why = file(0.5, pairs).explain(0, 1).unwrap();
        assert_eq!((why.rivals, why.between), (None, None));
    }

    #[test]
    fn a_looser_cut_joins_and_a_stricter_one_parts() {
        let file = file(0.5, vec![pair(0, 1, 4), pair(2, 3, -3)]);
        let together = file.explain(0, 1).unwrap();
        assert!(together.is_same_cluster());
        assert_eq!(together.weakest().unwrap().image2, 1);
        let cut = log_odds(together.other_min_probability.unwrap());
        assert!(cut > 4.0 && cut < 4.2, "{cut}");
        let apart = file.explain(3, 2).unwrap();
        assert!(!apart.is_same_cluster());
        assert_eq!(apart.pair.unwrap().num_inliers, 20);
        let cut = log_odds(apart.other_min_probability.unwrap());
        assert!(cut <= -3.0 && cut > -3.2, "{cut}");
        let never = file.explain(0, 2).unwrap();
        assert!(!never.is_same_cluster() && never.pair.is_none() && never.chain.is_empty());
        assert_eq!(never.other_min_probability, None);
        assert_eq!(file.explain(0, 9), None);
    }
}
