//! Questions to the user: the pairs whose answers are expected to change the clusters most.
//!
//! Active learning of pairwise constraints (Basu, Banerjee and Mooney, *Active Semi-Supervision for Pairwise
//! Constrained Clustering*, SDM 2004), by the expected change of the clusters: the probability of the answer that
//! joins two clusters, or splits one, times the number of pairs of photos between both parts.

use std::collections::{BTreeMap, BTreeSet};

use super::explain::strongest_first;
use super::{ClusterOptions, FolderClusters, VerifiedPair};
use crate::cluster::{Cluster, Components, Constraints, cluster_of_photos};
use crate::scoring::probability;

/// A question: do two photos show the same thing?
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Question {
    /// Index of photo 1.
    pub image1: usize,
    /// Index of photo 2.
    pub image2: usize,
    /// The probability that both show the same thing, 0 to 1.
    pub probability: f64,
    /// Whether both are in one cluster.
    pub is_one_cluster: bool,
    /// The expected number of pairs of photos that the answer moves into one cluster, or into two.
    pub expected_change: f64,
}

/// Log-odds of photos that were not compared; those of pairs are limited to this and its opposite.
const MIN_LOG_ODDS: f64 = -6.0;
/// Least probability of an answer that changes the clusters; with less there is no question.
const MIN_CHANCE: f64 = 0.02;

impl FolderClusters {
    /// At most `count` questions with the largest expected change of `clusters`, the largest first. Candidates are
    /// the most probable pair of each two clusters, and the pairs that hold a cluster together (its maximum
    /// spanning tree). The probability that two clusters, or the two parts of one, show the same thing is that of
    /// the mean log-odds of the photos of the smaller towards the most probable of the other. Left out are pairs
    /// that `options.corrections` settle, two clusters with a probability below 2 % and two parts of one with more
    /// than 98 %. Deterministic.
    pub fn questions(
        &self,
        clusters: &[Cluster],
        options: &ClusterOptions,
        count: usize,
    ) -> Vec<Question> {
        let constraints = self.constraints(&options.corrections);
        let cluster_of = cluster_of_photos(self.photos.len(), clusters);
        let (inside, outside): (Vec<&VerifiedPair>, Vec<&VerifiedPair>) =
            strongest_first(&self.pairs)
                .into_iter()
                .partition(|pair| cluster_of[pair.image1] == cluster_of[pair.image2]);
        let mut between: BTreeMap<(usize, usize), Vec<&VerifiedPair>> = BTreeMap::new();
        for pair in outside {
            let [a, b] = [pair.image1, pair.image2].map(|photo| cluster_of[photo] as usize);
            between.entry((a.min(b), a.max(b))).or_default().push(pair);
        }
        let mut questions = Vec::new();
        for ((a, b), pairs) in between {
            let [a, b] = [a, b].map(|number| &clusters[number].members[..]);
            let p = chance(a, b, &pairs);
            if p >= MIN_CHANCE && !constraints.are_apart(a, b) {
                questions.push(question(pairs[0], false, p * (a.len() * b.len()) as f64));
            }
        }
        let mut of_cluster: BTreeMap<usize, Vec<&VerifiedPair>> = BTreeMap::new();
        for pair in inside {
            of_cluster
                .entry(cluster_of[pair.image1] as usize)
                .or_default()
                .push(pair);
        }
        let mut components = Components::new(self.photos.len() as u32);
        for (number, pairs) in of_cluster {
            let members = &clusters[number].members;
            for (pair, part) in holding(members, &pairs, &constraints, &mut components) {
                let rest: Vec<usize> = members
                    .iter()
                    .copied()
                    .filter(|photo| !part.contains(photo))
                    .collect();
                let part: Vec<usize> = part.into_iter().collect();
                let other = 1.0 - chance(&part, &rest, &pairs);
                if other >= MIN_CHANCE {
                    let num_pairs = (part.len() * rest.len()) as f64;
                    questions.push(question(pair, true, other * num_pairs));
                }
            }
        }
        questions.sort_by(|a, b| {
            let change = b.expected_change.total_cmp(&a.expected_change);
            change.then((a.image1, a.image2).cmp(&(b.image1, b.image2)))
        });
        questions.truncate(count);
        questions
    }
}

fn question(pair: &VerifiedPair, is_one_cluster: bool, expected_change: f64) -> Question {
    Question {
        image1: pair.image1,
        image2: pair.image2,
        probability: pair.probability(),
        is_one_cluster,
        expected_change,
    }
}

/// The probability that both groups of photos show the same thing. `pairs` are among others those between them, the
/// strongest first.
fn chance(group1: &[usize], group2: &[usize], pairs: &[&VerifiedPair]) -> f64 {
    let [smaller, other] = match group1.len() <= group2.len() {
        true => [group1, group2],
        false => [group2, group1],
    };
    let [is_smaller, is_other] =
        [smaller, other].map(|g| g.iter().copied().collect::<BTreeSet<_>>());
    let mut best: BTreeMap<usize, f64> = BTreeMap::new();
    for pair in pairs {
        for (photo, towards) in [(pair.image1, pair.image2), (pair.image2, pair.image1)] {
            if is_smaller.contains(&photo) && is_other.contains(&towards) {
                best.entry(photo)
                    .or_insert(pair.log_odds.clamp(MIN_LOG_ODDS, -MIN_LOG_ODDS));
            }
        }
    }
    let num_others = (smaller.len() - best.len()) as f64;
    probability((best.values().sum::<f64>() + num_others * MIN_LOG_ODDS) / smaller.len() as f64)
}

/// Parent of a photo in the spanning tree: its place in the walk, and the pair of both, where it is not settled.
type Hold<'a> = (usize, Option<&'a VerifiedPair>);

/// The unsettled pairs of a cluster's maximum spanning tree, each with the photos of the subtree below it. `pairs`
/// are those within the cluster, the strongest first; `components` has its photos one by one.
fn holding<'a>(
    members: &[usize],
    pairs: &[&'a VerifiedPair],
    constraints: &Constraints,
    components: &mut Components,
) -> Vec<(&'a VerifiedPair, BTreeSet<usize>)> {
    let mut tree: BTreeMap<usize, Vec<(usize, Option<&VerifiedPair>)>> = BTreeMap::new();
    // Settled pairs come first.
    let (settled, open): (Vec<&VerifiedPair>, Vec<&VerifiedPair>) = pairs
        .iter()
        .partition(|pair| constraints.are_same(pair.image1, pair.image2));
    let settled = settled.into_iter().map(|pair| (pair, None));
    let open = open.into_iter().map(|pair| (pair, Some(pair)));
    for (pair, asked) in settled.chain(open) {
        if components.joins(pair.image1, pair.image2) {
            tree.entry(pair.image1)
                .or_default()
                .push((pair.image2, asked));
            tree.entry(pair.image2)
                .or_default()
                .push((pair.image1, asked));
        }
    }
    // Each photo after its parent, with the parent's place.
    let mut walk: Vec<(usize, Option<Hold<'_>>)> = Vec::new();
    let mut seen = BTreeSet::new();
    for &start in members {
        if !seen.insert(start) {
            continue;
        }
        let mut next = walk.len();
        walk.push((start, None));
        while next < walk.len() {
            for &(other, pair) in tree.get(&walk[next].0).into_iter().flatten() {
                if seen.insert(other) {
                    walk.push((other, Some((next, pair))));
                }
            }
            next += 1;
        }
    }
    let mut hanging: Vec<BTreeSet<usize>> = walk
        .iter()
        .map(|(photo, _)| BTreeSet::from([*photo]))
        .collect();
    let mut found = Vec::new();
    for number in (0..walk.len()).rev() {
        if let Some((above, pair)) = walk[number].1 {
            let part = std::mem::take(&mut hanging[number]);
            hanging[above].extend(&part);
            found.extend(pair.map(|pair| (pair, part)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::PassedOver;
    use crate::pipeline::{Correction, FolderPhoto};

    fn folder(num_photos: u8, pairs: &[(usize, usize, f64)]) -> FolderClusters {
        FolderClusters {
            photos: (0..num_photos)
                .map(|number| FolderPhoto {
                    path: format!("{number}.jpg"),
                    content_hash: [number; 32],
                    width: 1,
                    height: 1,
                })
                .collect(),
            failures: Vec::new(),
            passed_over: PassedOver::default(),
            pairs: pairs
                .iter()
                .map(|&(image1, image2, log_odds)| VerifiedPair::of(image1, image2, log_odds))
                .collect(),
            prior_log_odds: 0.0,
            clusters: Vec::new(),
        }
    }

    fn asked(found: &FolderClusters, options: &ClusterOptions) -> Vec<(usize, usize, bool)> {
        let clusters = found.clusters_at(options.min_probability, options);
        let questions = found.questions(&clusters, options, 10);
        let asked = questions.iter();
        asked
            .map(|q| (q.image1, q.image2, q.is_one_cluster))
            .collect()
    }

    fn said(photo1: u8, photo2: u8, is_same: bool) -> Correction {
        Correction {
            photo1: [photo1; 32],
            photo2: [photo2; 32],
            is_same,
        }
    }

    #[test]
    fn what_would_change_most_is_asked_first() {
        // Two sure groups of three that may be one, a doubtful pair by itself, and a pair of the groups that
        // stands alone against the others.
        let sure = [
            (0, 1, 6.0),
            (0, 2, 6.0),
            (1, 2, 6.0),
            (3, 4, 6.0),
            (3, 5, 6.0),
            (4, 5, 6.0),
        ];
        let doubtful = [
            (0, 3, -1.5),
            (1, 4, -1.5),
            (2, 3, -1.0),
            (6, 7, 0.2),
            (5, 6, -1.0),
        ];
        let pairs: Vec<_> = sure.into_iter().chain(doubtful).collect();
        let found = folder(8, &pairs);
        let mut options = ClusterOptions::default();
        let first = asked(&found, &options);
        assert_eq!(first[..2], [(2, 3, false), (6, 7, true)]);
        assert_eq!(first.len(), 3, "and the doubtful pair between groups");
        options.corrections = vec![said(2, 3, false), said(7, 6, true)];
        assert!(asked(&found, &options).iter().all(|q| q.0 != 2 && q.0 != 6));
    }

    #[test]
    fn answers_move_what_hangs_on_them() {
        let sure = [(0, 1, 6.0), (2, 3, 6.0), (1, 2, -1.0)];
        let found = folder(4, &sure);
        let clusters = |corrections: &[Correction]| -> Vec<Vec<usize>> {
            let options = ClusterOptions {
                corrections: corrections.to_vec(),
                ..ClusterOptions::default()
            };
            let clusters = found.clusters_at(options.min_probability, &options);
            clusters
                .into_iter()
                .map(|cluster| cluster.members)
                .collect()
        };
        assert_eq!(clusters(&[]), [vec![0, 1], vec![2, 3]]);
        assert_eq!(clusters(&[said(1, 2, true)]), [vec![0, 1, 2, 3]]);
        let both = [said(1, 2, true), said(0, 1, false)];
        assert_eq!(clusters(&both), [vec![1, 2, 3], vec![0]]);
        // A file that is no longer there.
        assert_eq!(clusters(&[said(1, 9, true)]), [vec![0, 1], vec![2, 3]]);
    }
}
