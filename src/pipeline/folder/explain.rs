//! Explains why two photos are, or are not, in one cluster.

use super::corrections::constraints;
use super::linkage::{Counts, FolderPairs, Linkage};
use super::{ClusterFile, VerifiedPair};
use crate::cluster::{Cluster, Components, LinkGain};
use crate::hex::hash;
use crate::scoring::{Rivals, probability};

/// Thresholds that are tried for another answer, in quarters of log-odds.
const TRIED_LOG_ODDS: std::ops::RangeInclusive<i32> = -64..=64;
/// Halvings of the step between the last threshold with the same answer and the first with the other.
const NUM_HALVINGS: usize = 12;

/// Why two photos are, or are not, in one cluster.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Explanation {
    /// The cluster of each.
    pub clusters: [usize; 2],
    /// The pair itself, from the first photo to the second; none when it was not verified.
    pub pair: Option<VerifiedPair>,
    /// Change by the links of both photos' first clusters; none where its pixels were not compared, and in files of
    /// older programs.
    pub gain: Option<LinkGain>,
    /// The rivals that lower the pair; none where there are none.
    pub rivals: Option<RivalPairs>,
    /// Adjusted probability of the pair, 0 to 1; none when it was not verified.
    pub counts_as: Option<f64>,
    /// The pairs between both clusters; none in one cluster.
    pub between: Option<PairsBetween>,
    /// Photos from the first to the second, each verified with the next, such that the weakest of
    /// these pairs is as strong as can be; empty when there is no such chain.
    pub chain: Vec<usize>,
    /// The pairs of neighbours in the chain, each from the first of the two.
    pub links: Vec<VerifiedPair>,
    /// Whether the two show the same thing, by corrections and their consequences.
    pub correction: Option<bool>,
    /// The minimum probability nearest to that of the clusters that gives the other answer, to a ten-thousandth of
    /// log-odds; none when none from log-odds -16 to 16 does.
    pub other_min_probability: Option<f64>,
}

/// Stronger pairs of both photos of a pair, which lower its log-odds.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RivalPairs {
    /// The strongest pair of each photo; where they are other views, the strongest that is no copy.
    pub pairs: [VerifiedPair; 2],
    /// Reduction of the pair, in log-odds.
    pub log_odds: f64,
}

/// The pairs of a photo of one cluster with a photo of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PairsBetween {
    /// Their number.
    pub pairs: usize,
    /// Links among them by adjusted probability.
    pub links: usize,
    /// Links among them by probability alone.
    pub links_by_probability: usize,
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
    /// Explains why these two photos are, or are not, in one cluster; none when one does not exist.
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
        let folder = FolderPairs::new(self.photos.len(), &self.pairs, &constraints);
        let counts = match (self.has_rivals, self.counts_links) {
            (true, true) => Counts::new(&folder, &linkage),
            (true, false) => Counts::with_rivals(&folder, &linkage),
            (false, _) => Counts::plain(self.photos.len()),
        };
        let gives_other = |cut: f64| {
            let clusters = folder.members(&linkage.at(cut), &counts);
            let has_both =
                |members: &Vec<usize>| members.contains(&photo1) && members.contains(&photo2);
            clusters.iter().any(has_both) != is_same
        };
        let ends = [(photo1, photo2), (photo2, photo1)];
        let mut pairs = self.pairs.iter();
        let pair = pairs.find(|pair| ends.contains(&(pair.image1, pair.image2)));
        Some(Explanation {
            clusters: own,
            gain: pair.and_then(|pair| counts.gain(pair)),
            rivals: pair.and_then(|pair| {
                let strongest = |photo| strongest_rival(&folder, &linkage, &counts, pair, photo);
                let taken = counts.with_links(pair) - counts.log_odds(pair);
                let pairs = [strongest(photo1)?, strongest(photo2)?];
                (taken > 0.0).then_some(RivalPairs {
                    pairs,
                    log_odds: taken,
                })
            }),
            counts_as: pair.map(|pair| probability(counts.log_odds(pair))),
            between: (!is_same).then(|| self.between(own, &linkage, &counts)),
            pair: pair.map(|pair| pair.seen_from(photo1)),
            chain,
            links,
            correction: if photo1 != photo2 && constraints.are_same(photo1, photo2) {
                Some(true)
            } else {
                let is_apart = constraints.are_apart(&[photo1], &[photo2]);
                is_apart.then_some(false)
            },
            other_min_probability: nearest_other(linkage.min_log_odds(), gives_other)
                .map(probability),
        })
    }

    fn between(&self, clusters: [usize; 2], linkage: &Linkage, counts: &Counts) -> PairsBetween {
        let [first, second] = clusters.map(|cluster| &self.clusters[cluster].members);
        let is_between = |pair: &&VerifiedPair| {
            let has = |members: &[usize], photo| members.contains(&photo);
            has(first, pair.image1) && has(second, pair.image2)
                || has(first, pair.image2) && has(second, pair.image1)
        };
        let plain = Counts::plain(self.photos.len());
        let links = |counts: &Counts| {
            let links = self.pairs.iter().filter(|pair| linkage.links(pair, counts));
            links.filter(is_between).count()
        };
        PairsBetween {
            pairs: first.len() * second.len(),
            links: links(counts),
            links_by_probability: links(&plain),
        }
    }
}

impl VerifiedPair {
    /// The pair with `photo`, one of its two, as photo 1.
    fn seen_from(mut self, photo: usize) -> Self {
        if self.image1 != photo {
            std::mem::swap(&mut self.image1, &mut self.image2);
            if let Some(evidence) = &mut self.evidence {
                evidence.explained.swap(0, 1);
            }
        }
        self
    }
}

/// The threshold nearest to `own` that gives the other answer, if one does.
fn nearest_other(own: f64, gives_other: impl Fn(f64) -> bool) -> Option<f64> {
    let mut cuts: Vec<f64> = TRIED_LOG_ODDS
        .map(|quarters| f64::from(quarters) / 4.0)
        .collect();
    cuts.sort_by(|a, b| (a - own).abs().total_cmp(&(b - own).abs()));
    let found = cuts.into_iter().find(|cut| gives_other(*cut))?;
    // Nearer to its own the answer is the same, but for less than a step.
    let (mut same, mut other) = (found - (found - own).clamp(-0.25, 0.25), found);
    for _ in 0..NUM_HALVINGS {
        let middle = 0.5 * (same + other);
        match gives_other(middle) {
            true => other = middle,
            false => same = middle,
        }
    }
    Some(other)
}

/// The strongest pair of `photo`, with the change by links, that may be a rival of `pair`.
fn strongest_rival(
    folder: &FolderPairs<'_>,
    linkage: &Linkage,
    counts: &Counts,
    pair: &VerifiedPair,
    photo: usize,
) -> Option<VerifiedPair> {
    let relation = pair.relation?;
    let own = folder.pairs().iter().filter(|other| {
        [other.image1, other.image2].contains(&photo)
            && Rivals::is_rival(other.relation, relation)
            && counts.may_be_rival(other, folder, linkage)
    });
    own.min_by(|a, b| {
        let strength = counts.with_links(b).total_cmp(&counts.with_links(a));
        strength.then((a.image1, a.image2).cmp(&(b.image1, b.image2)))
    })
    .copied()
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
        links.push(pair.seen_from(at));
    }
    chain.reverse();
    links.reverse();
    (chain, links)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::EvidenceSummary;
    use crate::scoring::{Relation, log_odds};

    fn pair(image1: usize, image2: usize, log_odds: i32) -> VerifiedPair {
        VerifiedPair::of(image1, image2, f64::from(log_odds))
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

    #[test]
    fn pairs_are_told_in_the_order_of_the_question() {
        let evidence = EvidenceSummary {
            agreement: 0.9,
            contradiction: 0.0,
            explained: [0.9, 0.65],
            color_difference: 0.0,
            replaced: 0.0,
        };
        let seen = |image1, image2| VerifiedPair {
            evidence: Some(evidence),
            ..pair(image1, image2, 5)
        };
        let file = four_photos(0.5, vec![seen(0, 1), seen(1, 2)]);
        let told = |pair: VerifiedPair| (pair.image1, pair.evidence.unwrap().explained);
        let (as_is, turned) = ([0.9, 0.65], [0.65, 0.9]);
        assert_eq!(told(file.explain(0, 1).unwrap().pair.unwrap()), (0, as_is));
        assert_eq!(told(file.explain(1, 0).unwrap().pair.unwrap()), (1, turned));
        let links = file.explain(2, 0).unwrap().links;
        assert_eq!(
            links.into_iter().map(told).collect::<Vec<_>>(),
            [(2, turned), (1, turned)]
        );
    }

    /// Four photos, sorted by these pairs.
    fn four_photos(cut: f64, pairs: Vec<VerifiedPair>) -> ClusterFile {
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
            has_rivals: true,
            counts_links: true,
            photos: (0..4).map(photo).collect(),
            clusters: Vec::new(),
            pairs,
            failures: Vec::new(),
            passed_over: crate::folder::PassedOver::default(),
        };
        let linkage = Linkage::from(&file.source);
        let constraints = crate::cluster::Constraints::default();
        let folder = FolderPairs::new(4, &file.pairs, &constraints);
        file.clusters = folder.clusters(&linkage, &Counts::new(&folder, &linkage));
        file
    }

    #[test]
    fn rivals_and_what_is_between_the_clusters_are_told() {
        let view = |image1, image2, log_odds| VerifiedPair {
            relation: Some(Relation::View),
            ..pair(image1, image2, log_odds)
        };
        let copy = VerifiedPair {
            relation: Some(Relation::Copy),
            ..pair(0, 3, 7)
        };
        let weak = VerifiedPair {
            log_odds: 1.5,
            ..view(0, 2, 0)
        };
        let pairs = vec![view(0, 1, 6), weak, view(1, 3, -5), view(2, 3, 4)];
        let why = four_photos(0.5, pairs.clone()).explain(2, 0).unwrap();
        assert!(!why.is_same_cluster());
        let between = why.between.unwrap();
        assert_eq!((between.pairs, between.links), (4, 1));
        assert_eq!(between.links_by_probability, 1);
        let rivals = why.rivals.unwrap();
        assert_eq!(rivals.pairs, [pairs[3], pairs[0]]);
        let gain = why.gain.unwrap();
        assert_eq!((gain.crossing, gain.linked), (2, 4));
        let strongest = four_photos(0.5, pairs.clone()).explain(2, 3).unwrap();
        let of_rival = strongest.gain.unwrap();
        assert_eq!((of_rival.crossing, of_rival.linked), (1, 2));
        let ahead = 4.0 + of_rival.log_odds - (1.5 + gain.log_odds);
        assert!((rivals.log_odds - (ahead - 2.0)).abs() < 1e-9);
        let counts_as = log_odds(why.counts_as.unwrap());
        assert!((counts_as - (1.5 + gain.log_odds - rivals.log_odds)).abs() < 1e-9);
        let why = four_photos(0.5, pairs.clone()).explain(0, 1).unwrap();
        assert_eq!((why.rivals, why.between), (None, None));
        // Files of older programs were sorted without rivals.
        let older = ClusterFile {
            has_rivals: false,
            ..four_photos(0.5, pairs.clone())
        };
        let why = older.explain(2, 0).unwrap();
        assert_eq!((why.rivals, why.gain), (None, None));
        let older = ClusterFile {
            counts_links: false,
            ..four_photos(0.5, pairs.clone())
        };
        let why = older.explain(2, 0).unwrap();
        assert_eq!((why.rivals.is_some(), why.gain), (true, None));
        // A copy is no rival of a view.
        let pairs = vec![copy, pairs[1], pairs[3]];
        let why = four_photos(0.5, pairs).explain(0, 2).unwrap();
        assert_eq!(why.rivals, None);
    }

    #[test]
    fn a_looser_cut_joins_and_a_stricter_one_parts() {
        let file = four_photos(0.5, vec![pair(0, 1, 4), pair(2, 3, -3)]);
        let together = file.explain(0, 1).unwrap();
        assert!(together.is_same_cluster());
        assert_eq!(together.weakest().unwrap().image2, 1);
        let cut = log_odds(together.other_min_probability.unwrap());
        assert!(cut > 4.0 && cut < 4.001, "{cut}");
        let apart = file.explain(3, 2).unwrap();
        assert!(!apart.is_same_cluster());
        assert_eq!(apart.pair.unwrap().num_inliers, 20);
        let cut = log_odds(apart.other_min_probability.unwrap());
        assert!(cut <= -3.0 && cut > -3.001, "{cut}");
        let never = file.explain(0, 2).unwrap();
        assert!(!never.is_same_cluster() && never.pair.is_none() && never.chain.is_empty());
        assert_eq!(never.other_min_probability, None);
        assert_eq!(file.explain(0, 9), None);
        // Far from every other threshold.
        let far = four_photos(0.999, vec![pair(0, 1, -9)]);
        let cut = log_odds(far.explain(0, 1).unwrap().other_min_probability.unwrap());
        assert!(cut <= -9.0 && cut > -9.001, "{cut}");
    }
}
