//! Pairs -> links -> clusters.

use super::{ClusterOptions, ClusterSource, FolderClusters, VerifiedPair};
use crate::cluster::{
    Cluster, Constraints, CrossingLinks, Link, LinkBalance, LinkGain, Side, cluster_members,
    cluster_of_photos, clusters,
};
use crate::error::{Error, Result};
use crate::pipeline::options::ensure_min_probability;
use crate::scoring::{Relation, Rivals, log_odds};

/// Log-odds beyond the threshold that count as one link more.
const LOG_ODDS_A_LINK: f64 = 4.0;
/// Threshold of the first clusters, whatever the folder's own threshold.
pub(super) const FIRST_CUT: f64 = 0.4;

/// Conditions of a link.
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

    /// The same with another threshold.
    pub(super) fn at(self, min_log_odds: f64) -> Self {
        Self {
            min_log_odds,
            ..self
        }
    }

    pub(super) fn min_log_odds(&self) -> f64 {
        self.min_log_odds
    }

    /// Evidence of a pair by its adjusted log-odds: 1 and more for a link, 0 for a pair that may not link.
    pub(super) fn evidence(&self, log_odds: f64, num_inliers: usize, is_copy: bool) -> f64 {
        match self.may_link(num_inliers, is_copy) {
            true => evidence(log_odds, self.min_log_odds),
            false => 0.0,
        }
    }

    /// Whether a pair may link its photos if it is probable enough.
    pub(super) fn may_link(&self, num_inliers: usize, is_copy: bool) -> bool {
        self.min_inliers.is_none_or(|min| num_inliers >= min) && (!self.copies_only || is_copy)
    }

    /// Whether a pair links its photos.
    pub(super) fn links(&self, pair: &VerifiedPair, counts: &Counts) -> bool {
        self.of(pair, counts) >= 1.0
    }

    fn of(&self, pair: &VerifiedPair, counts: &Counts) -> f64 {
        self.evidence(counts.log_odds(pair), pair.num_inliers, is_copy(pair))
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
        self.clusters_by(options)(min_probability)
    }

    /// The clusters by minimum probability, as [`FolderClusters::clusters_at`]; the adjustments of pairs are
    /// computed once for all.
    pub(super) fn clusters_by<'a>(
        &'a self,
        options: &'a ClusterOptions,
    ) -> impl Fn(f64) -> Vec<Cluster> + 'a {
        let count = self.photos.len();
        let constraints = self.constraints(&options.corrections);
        let linkage = Linkage::new(options.min_probability, options);
        let counts = Counts::new(
            &FolderPairs::new(count, &self.pairs, &constraints),
            &linkage,
        );
        move |min_probability| {
            let folder = FolderPairs::new(count, &self.pairs, &constraints);
            folder.clusters(&linkage.at(log_odds(min_probability)), &counts)
        }
    }
}

/// The verified pairs of a folder, and the constraints of corrections.
#[derive(Clone, Copy)]
pub(super) struct FolderPairs<'a> {
    num_photos: usize,
    pairs: &'a [VerifiedPair],
    /// Whether a pair that is not among them counts as none.
    is_complete: bool,
    constraints: &'a Constraints,
}

impl<'a> FolderPairs<'a> {
    pub(super) fn new(
        num_photos: usize,
        pairs: &'a [VerifiedPair],
        constraints: &'a Constraints,
    ) -> Self {
        Self {
            num_photos,
            pairs,
            is_complete: pairs.len() == num_photos * num_photos.saturating_sub(1) / 2,
            constraints,
        }
    }

    pub(super) fn pairs(&self) -> &'a [VerifiedPair] {
        self.pairs
    }

    /// The clusters by these adjusted log-odds.
    pub(super) fn clusters(&self, linkage: &Linkage, counts: &Counts) -> Vec<Cluster> {
        let links = self.links(linkage, counts);
        clusters(self.num_photos, links, self.is_complete, self.constraints)
    }

    /// The members of the same clusters, without the work of their scores.
    pub(super) fn members(&self, linkage: &Linkage, counts: &Counts) -> Vec<Vec<usize>> {
        let links = self.links(linkage, counts);
        cluster_members(self.num_photos, links, self.is_complete, self.constraints)
    }

    fn links(&self, linkage: &Linkage, counts: &Counts) -> impl Iterator<Item = Link> + Clone {
        self.pairs.iter().map(move |pair| Link {
            image1: pair.image1,
            image2: pair.image2,
            evidence: linkage.of(pair, counts),
        })
    }

    /// Whether a pair may link its photos, and no correction separates them.
    fn allows(&self, pair: &VerifiedPair, linkage: &Linkage) -> bool {
        linkage.may_link(pair.num_inliers, is_copy(pair))
            && !self.constraints.are_apart(&[pair.image1], &[pair.image2])
    }
}

/// Adjusted log-odds of pairs.
#[derive(Debug, Clone)]
pub(super) struct Counts {
    /// None where links add nothing.
    balance: Option<LinkBalance>,
    rivals: Rivals,
}

impl Counts {
    /// No adjustment.
    pub(super) fn plain(num_photos: usize) -> Self {
        Self {
            balance: None,
            rivals: Rivals::new(num_photos),
        }
    }

    /// With rivals, and with the links of the clusters at [`FIRST_CUT`], whatever the threshold of `linkage`.
    pub(super) fn new(folder: &FolderPairs<'_>, linkage: &Linkage) -> Self {
        let first = Self::with_rivals(folder, linkage);
        if folder.pairs.iter().all(|pair| pair.relation.is_none()) {
            return first;
        }
        let found = folder.members(&linkage.at(log_odds(FIRST_CUT)), &first);
        let clusters = cluster_of_photos(folder.num_photos, found.iter());
        let sides = found.iter().map(|members| folder.constraints.side(members));
        let sides: Vec<Side> = sides.collect();
        // Corrections explain a link between clusters that they separate.
        let is_explained = |pair: &VerifiedPair| {
            let [a, b] = [pair.image1, pair.image2].map(|photo| clusters[photo] as usize);
            a != b && sides[a].is_apart(&sides[b])
        };
        let mut crossing = CrossingLinks::new(clusters.clone());
        for pair in folder.pairs {
            if pair.log_odds > 0.0 && folder.allows(pair, linkage) && !is_explained(pair) {
                crossing.add([pair.image1, pair.image2]);
            }
        }
        let with_links = Self {
            balance: Some(crossing.balance()),
            ..Self::plain(folder.num_photos)
        };
        with_links.and_rivals(folder, linkage)
    }

    /// With rivals alone.
    pub(super) fn with_rivals(folder: &FolderPairs<'_>, linkage: &Linkage) -> Self {
        Self::plain(folder.num_photos).and_rivals(folder, linkage)
    }

    fn and_rivals(mut self, folder: &FolderPairs<'_>, linkage: &Linkage) -> Self {
        for pair in folder.pairs {
            if self.may_be_rival(pair, folder, linkage) {
                let log_odds = self.with_links(pair);
                self.rivals
                    .add([pair.image1, pair.image2], log_odds, pair.relation);
            }
        }
        self
    }

    /// Whether a pair may be a rival: it is more probable than not, may link its photos, and no correction
    /// separates them.
    pub(super) fn may_be_rival(
        &self,
        pair: &VerifiedPair,
        folder: &FolderPairs<'_>,
        linkage: &Linkage,
    ) -> bool {
        self.with_links(pair) > 0.0 && folder.allows(pair, linkage)
    }

    /// Change of a pair by the links of both clusters; none where pixels were not compared.
    pub(super) fn gain(&self, pair: &VerifiedPair) -> Option<LinkGain> {
        let balance = self.balance.as_ref().filter(|_| pair.relation.is_some())?;
        Some(balance.gain([pair.image1, pair.image2]))
    }

    /// The log-odds of a pair with the change by links, without rivals.
    pub(super) fn with_links(&self, pair: &VerifiedPair) -> f64 {
        pair.log_odds + self.gain(pair).map_or(0.0, |gain| gain.log_odds)
    }

    /// Adjusted log-odds of a pair.
    pub(super) fn log_odds(&self, pair: &VerifiedPair) -> f64 {
        let photos = [pair.image1, pair.image2];
        self.rivals
            .lowered(photos, self.with_links(pair), pair.relation)
    }
}

/// Sorts `num_photos` photos into clusters by the log-odds of pairs, as a folder is sorted: every photo is in one
/// cluster, the largest first. A pair is two photos, the log-odds that they show the same thing, and whether they
/// are copies or views if they do; without a relation its log-odds are not adjusted, and it is no rival of others.
/// Each pair is given once; one that is not given counts as a pair without evidence. Deterministic, and independent
/// of the order of `pairs`.
///
/// # Errors
/// [`Error::InvalidOption`] when `min_probability` is not above 0 and below 1, or a pair names a photo that
/// does not exist, or has log-odds that are not a number.
pub fn cluster_pairs(
    num_photos: usize,
    pairs: &[(usize, usize, f64, Option<Relation>)],
    min_probability: f64,
) -> Result<Vec<Cluster>> {
    ensure_min_probability(min_probability)?;
    let mut given = Vec::with_capacity(pairs.len());
    for (at, &(image1, image2, log_odds, relation)) in pairs.iter().enumerate() {
        let refuse = |reason: String| Err(Error::option("pairs", format!("pair {at}: {reason}")));
        if image1.max(image2) >= num_photos {
            let photo = image1.max(image2);
            return refuse(format!("photo {photo} of {num_photos} does not exist"));
        }
        if log_odds.is_nan() {
            return refuse("its log-odds are not a number".into());
        }
        if image1 != image2 {
            given.push(VerifiedPair {
                image1: image1.min(image2),
                image2: image1.max(image2),
                num_matches: 0,
                num_inliers: 0,
                log_odds,
                relation,
                evidence: None,
            });
        }
    }
    let linkage = Linkage {
        min_log_odds: log_odds(min_probability),
        min_inliers: None,
        copies_only: false,
    };
    let none = Constraints::default();
    let folder = FolderPairs {
        is_complete: true,
        ..FolderPairs::new(num_photos, &given, &none)
    };
    Ok(folder.clusters(&linkage, &Counts::new(&folder, &linkage)))
}

/// Evidence from log-odds: 1 at the least of a link.
fn evidence(log_odds: f64, min_log_odds: f64) -> f64 {
    1.0 + (log_odds - min_log_odds) / LOG_ODDS_A_LINK
}

fn is_copy(pair: &VerifiedPair) -> bool {
    pair.relation == Some(Relation::Copy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(image1: usize, image2: usize, log_odds: f64) -> VerifiedPair {
        VerifiedPair {
            relation: Some(Relation::View),
            ..VerifiedPair::of(image1, image2, log_odds)
        }
    }

    fn clusters_of(pairs: &[VerifiedPair], constraints: &Constraints) -> Vec<Cluster> {
        let linkage = Linkage {
            min_log_odds: log_odds(0.45),
            min_inliers: None,
            copies_only: false,
        };
        clusters_with(&linkage, pairs, constraints)
    }

    /// With rivals alone.
    fn clusters_with(
        linkage: &Linkage,
        pairs: &[VerifiedPair],
        constraints: &Constraints,
    ) -> Vec<Cluster> {
        let folder = FolderPairs::new(4, pairs, constraints);
        folder.clusters(linkage, &Counts::with_rivals(&folder, linkage))
    }

    fn members(pairs: &[VerifiedPair], constraints: &Constraints) -> Vec<Vec<usize>> {
        let found = clusters_of(pairs, constraints).into_iter();
        found.map(|cluster| cluster.members).collect()
    }

    #[test]
    fn log_odds_alone_make_the_clusters_of_a_folder() {
        let pairs = [
            pair(0, 1, 5.0),
            pair(2, 3, 6.0),
            pair(0, 2, 1.0),
            pair(1, 3, 0.5),
            VerifiedPair::of(0, 3, -4.0),
            pair(1, 2, -1.0),
        ];
        let given = pairs.map(|p| (p.image1, p.image2, p.log_odds, p.relation));
        let found = cluster_pairs(4, &given, 0.45).unwrap();
        let linkage = Linkage {
            min_log_odds: log_odds(0.45),
            min_inliers: None,
            copies_only: false,
        };
        let none = Constraints::default();
        let folder = FolderPairs::new(4, &pairs, &none);
        let counts = Counts::new(&folder, &linkage);
        assert_eq!(found, folder.clusters(&linkage, &counts));
        assert_eq!(found[0].members, [0, 1]);
        assert_eq!(found[1].members, [2, 3]);
        let view = Some(Relation::View);
        assert!(cluster_pairs(4, &[(0, 4, 1.0, view)], 0.45).is_err());
        assert!(cluster_pairs(4, &[(0, 1, f64::NAN, None)], 0.45).is_err());
        assert!(cluster_pairs(4, &given, 1.0).is_err());
    }

    #[test]
    fn look_alikes_stay_apart_where_each_has_its_own() {
        let own = [pair(0, 1, 5.0), pair(2, 3, 5.0)];
        let others = [[0, 2], [0, 3], [1, 2], [1, 3]];
        let weak = others.map(|[image1, image2]| pair(image1, image2, 1.0));
        let all: Vec<VerifiedPair> = own.into_iter().chain(weak).collect();
        let none = Constraints::default();
        assert_eq!(members(&all, &none), [[0, 1], [2, 3]]);
        assert_eq!(members(&weak, &none), [[0, 1, 2, 3]], "no rivals");
        // Copies are no rivals of views, and pairs without pixels have none.
        let copies = own.map(|pair| VerifiedPair {
            relation: Some(Relation::Copy),
            ..pair
        });
        let all: Vec<VerifiedPair> = copies.into_iter().chain(weak).collect();
        assert_eq!(members(&all, &none), [[0, 1, 2, 3]]);
        let plain = own.map(|pair| VerifiedPair {
            relation: None,
            ..pair
        });
        let all: Vec<VerifiedPair> = plain.into_iter().chain(weak).collect();
        assert_eq!(members(&all, &none), [[0, 1, 2, 3]]);
    }

    #[test]
    fn a_pair_that_may_not_link_is_no_rival() {
        let copy = |image1, image2, log_odds| VerifiedPair {
            relation: Some(Relation::Copy),
            ..VerifiedPair::of(image1, image2, log_odds)
        };
        let pairs = [copy(0, 1, 1.0), pair(0, 2, 5.0), pair(1, 3, 5.0)];
        let linkage = |copies_only| Linkage {
            min_log_odds: log_odds(0.45),
            min_inliers: None,
            copies_only,
        };
        let none = Constraints::default();
        let lowered_by = |linkage: &Linkage| {
            let folder = FolderPairs::new(4, &pairs, &none);
            Counts::with_rivals(&folder, linkage).log_odds(&pairs[0])
        };
        assert_eq!(lowered_by(&linkage(false)), -1.0);
        assert_eq!(lowered_by(&linkage(true)), 1.0);
        let found = clusters_with(&linkage(true), &pairs, &none);
        assert_eq!(found[0].members, [0, 1]);
    }

    /// Things of four photos, each tied to the next, and these pairs besides.
    fn things(count: usize, besides: &[VerifiedPair]) -> Vec<VerifiedPair> {
        let tied = (0..4 * count).filter(|photo| photo % 4 < 3);
        let mut pairs: Vec<_> = tied.map(|p| pair(p, p + 1, 4.0)).collect();
        pairs.extend(besides);
        pairs
    }

    #[test]
    fn links_that_cross_take_from_pairs_and_links_that_agree_give() {
        let none = Constraints::default();
        let linkage = Linkage {
            min_log_odds: log_odds(0.4),
            min_inliers: None,
            copies_only: false,
        };
        let weak = pair(0, 4, -1.0);
        let gain = |besides: &[VerifiedPair], linkage: &Linkage| {
            let pairs = things(10, besides);
            let folder = FolderPairs::new(40, &pairs, &none);
            Counts::new(&folder, linkage).gain(&weak).unwrap()
        };
        let agree = gain(&[weak], &linkage);
        assert_eq!((agree.crossing, agree.linked), (0, 8));
        assert!(agree.log_odds > 1.0);
        // Each of two photos links every other thing: weaker than what ties the thing.
        let cross: Vec<_> = (1..9)
            .flat_map(|thing| [pair(1, 4 * thing, 0.5), pair(2, 4 * thing + 3, 0.5)])
            .collect();
        let crossed = gain(&cross, &linkage);
        assert!(crossed.crossing >= 4 && crossed.log_odds < agree.log_odds - 1.0);
        // The same at every threshold: links are of the first clusters.
        let other = linkage.at(log_odds(0.9));
        assert_eq!(gain(&cross, &other), crossed);
        // Pairs that may not link are no links.
        let copies = Linkage {
            copies_only: true,
            ..linkage
        };
        let without = gain(&cross, &copies);
        assert_eq!((without.crossing, without.linked), (0, 0));
    }

    #[test]
    fn a_weaker_pair_joins_where_links_agree_with_clusters() {
        let together = |besides: &[(usize, usize)]| {
            // Each side of the last two things ties the other weakly.
            let ends = (32..36).flat_map(|a| (36..40).map(move |b| (a, b)));
            let weak = ends.map(|(a, b)| (a, b, -0.6, Some(Relation::View)));
            let clique = (0..40).flat_map(|a| (a + 1..40).map(move |b| (a, b)));
            let tied = clique.filter(|(a, b)| a / 4 == b / 4);
            let tied = tied.map(|(a, b)| (a, b, 1.5, Some(Relation::View)));
            let crossing = besides.iter();
            let crossing = crossing.map(|&(a, b)| (a, b, 0.1, Some(Relation::View)));
            let pairs: Vec<_> = tied.chain(weak).chain(crossing).collect();
            let found = cluster_pairs(40, &pairs, 0.4).unwrap();
            found.iter().any(|cluster| cluster.members.len() == 8)
        };
        assert!(together(&[]));
        let crossing: Vec<_> = (0..32).map(|p| (p, (p + 13) % 32)).collect();
        assert!(!together(&crossing));
    }

    #[test]
    fn corrections_explain_links_between_clusters_that_they_part() {
        let linkage = Linkage {
            min_log_odds: log_odds(0.4),
            min_inliers: None,
            copies_only: false,
        };
        let pairs = things(10, &[pair(1, 4, 0.5), pair(2, 7, 0.5)]);
        let crossing = |constraints: &Constraints| {
            let folder = FolderPairs::new(40, &pairs, constraints);
            let counts = Counts::new(&folder, &linkage);
            counts.gain(&pair(0, 4, 1.0)).unwrap().crossing
        };
        assert_eq!(crossing(&Constraints::default()), 4);
        let apart = crate::cluster::Constraint {
            image1: 0,
            image2: 5,
            is_same: false,
        };
        assert_eq!(crossing(&Constraints::new(40, &[apart])), 0);
    }
}
