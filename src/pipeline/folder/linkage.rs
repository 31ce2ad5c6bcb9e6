//! Pairs -> links -> clusters.

use super::{ClusterOptions, ClusterSource, FolderClusters, VerifiedPair};
use crate::cluster::{Cluster, Constraints, Link, clusters};
use crate::error::{Error, Result};
use crate::scoring::{Relation, Rivals, log_odds};

/// Log-odds beyond the cut that count as one link more.
const LOG_ODDS_A_LINK: f64 = 4.0;

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

    /// The same with another cut.
    pub(super) fn at(self, min_log_odds: f64) -> Self {
        Self {
            min_log_odds,
            ..self
        }
    }

    pub(super) fn min_log_odds(&self) -> f64 {
        self.min_log_odds
    }

    /// The evidence of a pair by its log-odds as lowered by rivals; none below what links need, and 1 and more links.
    pub(super) fn evidence(&self, lowered: f64, num_inliers: usize, is_copy: bool) -> f64 {
        match self.may_link(num_inliers, is_copy) {
            true => evidence(lowered, self.min_log_odds),
            false => 0.0,
        }
    }

    /// Whether a pair may link its photos, were it only probable enough.
    pub(super) fn may_link(&self, num_inliers: usize, is_copy: bool) -> bool {
        self.min_inliers.is_none_or(|min| num_inliers >= min) && (!self.copies_only || is_copy)
    }

    /// Whether a pair may be a rival: more probable than not, it may link its photos, and no correction parts them.
    pub(super) fn may_be_rival(&self, pair: &VerifiedPair, constraints: &Constraints) -> bool {
        pair.log_odds > 0.0
            && self.may_link(pair.num_inliers, is_copy(pair))
            && !constraints.are_apart(&[pair.image1], &[pair.image2])
    }

    /// Whether a pair links its photos.
    pub(super) fn links(&self, pair: &VerifiedPair, rivals: &Rivals) -> bool {
        self.of(pair, rivals) >= 1.0
    }

    fn of(&self, pair: &VerifiedPair, rivals: &Rivals) -> f64 {
        self.evidence(lowered(pair, rivals), pair.num_inliers, is_copy(pair))
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

    /// The clusters by minimum probability, as [`FolderClusters::clusters_at`]; what all cuts share is found once.
    pub(super) fn clusters_by<'a>(
        &'a self,
        options: &'a ClusterOptions,
    ) -> impl Fn(f64) -> Vec<Cluster> + Sync + 'a {
        let count = self.photos.len();
        let constraints = self.constraints(&options.corrections);
        let linkage = Linkage::new(options.min_probability, options);
        let rivals = rivals_of(count, &self.pairs, &linkage, &constraints);
        move |min_probability| {
            let linkage = linkage.at(log_odds(min_probability));
            clusters_at(count, &self.pairs, &linkage, &rivals, &constraints)
        }
    }
}

/// Sorts `num_photos` photos into clusters by the log-odds of pairs, as a folder is sorted: every photo is in
/// one cluster, the largest first. A pair is two photos, the log-odds that they show the same thing, and whether they
/// are copies or views if they do; without that it has no [`Rivals`] and is none. Each pair is given once; one that is
/// not given counts as none. Deterministic, and independent of the order of `pairs`.
///
/// # Errors
/// [`Error::InvalidOption`] when `min_probability` is not above 0 and below 1, or a pair names a photo that
/// does not exist, or has log-odds that are not a number.
pub fn cluster_pairs(
    num_photos: usize,
    pairs: &[(usize, usize, f64, Option<Relation>)],
    min_probability: f64,
) -> Result<Vec<Cluster>> {
    if !(min_probability > 0.0 && min_probability < 1.0) {
        let reason = format!("{min_probability} is not between 0 and 1");
        return Err(Error::option("min_probability", reason));
    }
    let mut rivals = Rivals::new(num_photos);
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
            rivals.add([image1, image2], log_odds, relation);
        }
    }
    let min_log_odds = log_odds(min_probability);
    let link = |&(image1, image2, log_odds, relation): &(usize, usize, f64, Option<Relation>)| {
        let lowered = rivals.lowered([image1, image2], log_odds, relation);
        Link {
            image1,
            image2,
            evidence: evidence(lowered, min_log_odds),
        }
    };
    let links: Vec<Link> = pairs.iter().map(link).collect();
    Ok(clusters(num_photos, &links, true, &Constraints::default()))
}

/// Evidence from log-odds: 1 at the least of a link.
fn evidence(log_odds: f64, min_log_odds: f64) -> f64 {
    1.0 + (log_odds - min_log_odds) / LOG_ODDS_A_LINK
}

pub(super) fn clusters_at(
    num_photos: usize,
    pairs: &[VerifiedPair],
    linkage: &Linkage,
    rivals: &Rivals,
    constraints: &Constraints,
) -> Vec<Cluster> {
    let link = |pair: &VerifiedPair| Link {
        image1: pair.image1,
        image2: pair.image2,
        evidence: linkage.of(pair, rivals),
    };
    let links: Vec<Link> = pairs.iter().map(link).collect();
    let is_complete = pairs.len() == num_photos * num_photos.saturating_sub(1) / 2;
    clusters(num_photos, &links, is_complete, constraints)
}

/// The strongest pairs of each photo, whatever the cut of `linkage`.
pub(super) fn rivals_of(
    num_photos: usize,
    pairs: &[VerifiedPair],
    linkage: &Linkage,
    constraints: &Constraints,
) -> Rivals {
    let mut rivals = Rivals::new(num_photos);
    let able = pairs
        .iter()
        .filter(|pair| linkage.may_be_rival(pair, constraints));
    for pair in able {
        rivals.add([pair.image1, pair.image2], pair.log_odds, pair.relation);
    }
    rivals
}

fn is_copy(pair: &VerifiedPair) -> bool {
    pair.relation == Some(Relation::Copy)
}

/// The log-odds of a pair as lowered by its rivals.
pub(super) fn lowered(pair: &VerifiedPair, rivals: &Rivals) -> f64 {
    rivals.lowered([pair.image1, pair.image2], pair.log_odds, pair.relation)
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

    fn clusters_with(
        linkage: &Linkage,
        pairs: &[VerifiedPair],
        constraints: &Constraints,
    ) -> Vec<Cluster> {
        let rivals = rivals_of(4, pairs, linkage, constraints);
        clusters_at(4, pairs, linkage, &rivals, constraints)
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
        assert_eq!(found, clusters_of(&pairs, &Constraints::default()));
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
            let rivals = rivals_of(4, &pairs, linkage, &none);
            lowered(&pairs[0], &rivals)
        };
        assert_eq!(lowered_by(&linkage(false)), -1.0);
        assert_eq!(lowered_by(&linkage(true)), 1.0);
        let found = clusters_with(&linkage(true), &pairs, &none);
        assert_eq!(found[0].members, [0, 1]);
    }
}
