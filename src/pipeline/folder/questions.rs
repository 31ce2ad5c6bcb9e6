//! Questions to the user: the pairs whose answers are expected to change the clusters most.
//!
//! Active learning of pairwise constraints (Basu, Banerjee and Mooney, *Active Semi-Supervision for Pairwise
//! Constrained Clustering*, SDM 2004), by the expected change of the clusters: the probability of the answer that
//! joins two clusters, or splits one, times the number of pairs of photos between both parts.

use std::collections::BTreeMap;
use std::ops::Range;

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
        let cluster_of = cluster_of_photos(self.photos.len(), clusters.iter().map(|c| &c.members));
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
            let [first, second] = [a, b].map(|number| &clusters[number].members[..]);
            let (smaller, len) = match first.len() <= second.len() {
                true => (a, first.len()),
                false => (b, second.len()),
            };
            let mut best: BTreeMap<usize, f64> = BTreeMap::new();
            for pair in &pairs {
                let is_first = cluster_of[pair.image1] as usize == smaller;
                let photo = if is_first { pair.image1 } else { pair.image2 };
                best.entry(photo).or_insert(pair.log_odds);
            }
            let p = chance(best.into_values(), len);
            if p >= MIN_CHANCE && !constraints.are_apart(first, second) {
                let num_pairs = (first.len() * second.len()) as f64;
                questions.push(question(pairs[0], false, p * num_pairs));
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
            let tree = Tree::new(members, &pairs, &constraints, &mut components);
            for (pair, part) in tree.parts() {
                let other = 1.0 - tree.chance(&part);
                if other >= MIN_CHANCE {
                    let num_pairs = (part.len() * (tree.photos.len() - part.len())) as f64;
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

/// Probability that two groups of photos show the same thing: `best` has, for each compared photo of the smaller group of
/// `num_photos`, its largest log-odds to the other group.
fn chance(best: impl Iterator<Item = f64>, num_photos: usize) -> f64 {
    let best: Vec<f64> = best
        .map(|log_odds| log_odds.clamp(MIN_LOG_ODDS, -MIN_LOG_ODDS))
        .collect();
    let num_others = (num_photos - best.len()) as f64;
    probability((best.iter().sum::<f64>() + num_others * MIN_LOG_ODDS) / num_photos as f64)
}

/// The maximum spanning tree of a cluster, or a tree for each part of it that was never compared with the others.
/// Photos are named by their places in it.
struct Tree<'a> {
    /// In depth-first order: each photo is followed by its subtree.
    photos: Vec<usize>,
    /// Size of each photo's subtree.
    sizes: Vec<usize>,
    /// Pair of each photo and its parent; none if settled.
    holds: Vec<Option<&'a VerifiedPair>>,
    /// The photos that each was compared with, and the log-odds, the strongest first.
    near: Vec<Vec<(usize, f64)>>,
}

/// Parent of a photo, and the pair of both where it is not settled.
type Hold<'a> = (usize, Option<&'a VerifiedPair>);

impl<'a> Tree<'a> {
    /// `pairs` are those within the cluster, the strongest first; `components` has its photos one by one.
    fn new(
        members: &[usize],
        pairs: &[&'a VerifiedPair],
        constraints: &Constraints,
        components: &mut Components,
    ) -> Self {
        let links = links(pairs, constraints, components);
        let mut photos = Vec::with_capacity(members.len());
        let mut above: Vec<Option<Hold<'a>>> = Vec::with_capacity(members.len());
        let mut places: BTreeMap<usize, usize> = BTreeMap::new();
        for &root in members {
            if places.contains_key(&root) {
                continue;
            }
            let mut waiting = vec![(root, None)];
            while let Some((photo, hold)) = waiting.pop() {
                let place = photos.len();
                places.insert(photo, place);
                photos.push(photo);
                above.push(hold);
                let others = links.get(&photo).into_iter().flatten();
                let below = others.filter(|(other, _)| !places.contains_key(other));
                waiting.extend(below.map(|&(other, pair)| (other, Some((place, pair)))));
            }
        }
        let mut sizes = vec![1; photos.len()];
        for place in (0..photos.len()).rev() {
            if let Some((on, _)) = above[place] {
                sizes[on] += sizes[place];
            }
        }
        let mut near = vec![Vec::new(); photos.len()];
        for pair in pairs {
            // Both are members, unless clusters of another folder were given.
            if let [Some(&first), Some(&second)] =
                [pair.image1, pair.image2].map(|photo| places.get(&photo))
            {
                near[first].push((second, pair.log_odds));
                near[second].push((first, pair.log_odds));
            }
        }
        let holds = above
            .into_iter()
            .map(|hold| hold.and_then(|(_, pair)| pair));
        Self {
            holds: holds.collect(),
            photos,
            sizes,
            near,
        }
    }

    /// The pairs that hold the cluster together and are not settled, each with the places of the photos that hang
    /// on it.
    fn parts(&self) -> impl Iterator<Item = (&'a VerifiedPair, Range<usize>)> {
        let holds = self.holds.iter().enumerate();
        holds.filter_map(|(place, pair)| Some(((*pair)?, place..place + self.sizes[place])))
    }

    /// The chance that these photos and the others show the same thing.
    fn chance(&self, part: &Range<usize>) -> f64 {
        let num_photos = self.photos.len();
        let is_smaller = part.len() <= num_photos - part.len();
        let mut smaller: Vec<usize> = match is_smaller {
            true => part.clone().collect(),
            false => (0..part.start).chain(part.end..num_photos).collect(),
        };
        smaller.sort_unstable_by_key(|place| self.photos[*place]);
        let best = smaller.iter().filter_map(|&place| {
            let mut near = self.near[place].iter();
            let across = near.find(|(other, _)| part.contains(other) != is_smaller);
            across.map(|(_, log_odds)| *log_odds)
        });
        chance(best, smaller.len())
    }
}

/// The pairs of a maximum spanning tree, by both of their photos: the other photo, and the pair where it is not
/// settled.
fn links<'a>(
    pairs: &[&'a VerifiedPair],
    constraints: &Constraints,
    components: &mut Components,
) -> BTreeMap<usize, Vec<Hold<'a>>> {
    let mut links: BTreeMap<usize, Vec<Hold<'a>>> = BTreeMap::new();
    // Settled pairs come first.
    let (settled, open): (Vec<&VerifiedPair>, Vec<&VerifiedPair>) = pairs
        .iter()
        .partition(|pair| constraints.are_same(pair.image1, pair.image2));
    let settled = settled.into_iter().map(|pair| (pair, None));
    let open = open.into_iter().map(|pair| (pair, Some(pair)));
    for (pair, asked) in settled.chain(open) {
        if components.joins(pair.image1, pair.image2) {
            for (photo, other) in [(pair.image1, pair.image2), (pair.image2, pair.image1)] {
                links.entry(photo).or_default().push((other, asked));
            }
        }
    }
    links
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::PassedOver;
    use crate::pipeline::{Correction, FolderPhoto};
    use proptest::prelude::*;
    use std::collections::BTreeSet;

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

    /// [`chance`] by its definition.
    fn chance_by_sets(
        part: &BTreeSet<usize>,
        rest: &BTreeSet<usize>,
        pairs: &[&VerifiedPair],
    ) -> f64 {
        let [smaller, other] = match part.len() <= rest.len() {
            true => [part, rest],
            false => [rest, part],
        };
        let towards = |photo: &usize| {
            let is_one = |pair: &&&VerifiedPair| {
                let [a, b] = [pair.image1, pair.image2];
                a == *photo && other.contains(&b) || b == *photo && other.contains(&a)
            };
            let pair = pairs.iter().find(is_one)?;
            Some(pair.log_odds.clamp(MIN_LOG_ODDS, -MIN_LOG_ODDS))
        };
        let best: Vec<f64> = smaller.iter().filter_map(towards).collect();
        let num_others = (smaller.len() - best.len()) as f64;
        probability((best.iter().sum::<f64>() + num_others * MIN_LOG_ODDS) / smaller.len() as f64)
    }

    /// The pairs of the maximum spanning tree of a cluster, each with the photos that hang on it.
    fn hanging<'a>(
        members: &[usize],
        pairs: &[&'a VerifiedPair],
    ) -> Vec<(&'a VerifiedPair, BTreeSet<usize>)> {
        let num_photos = 1 + *members.iter().max().unwrap() as u32;
        let mut joined = Components::new(num_photos);
        let mut tree = pairs.to_vec();
        tree.retain(|pair| joined.joins(pair.image1, pair.image2));
        let whole = joined.into_first_photos();
        let without = |cut: &&'a VerifiedPair| {
            let mut joined = Components::new(num_photos);
            for pair in tree.iter().filter(|pair| *pair != cut) {
                joined.joins(pair.image1, pair.image2);
            }
            let parts = joined.into_first_photos();
            // The first of those that were ever compared with one another.
            let mut tied = members.iter().filter(|p| whole[**p] == whole[cut.image1]);
            let root = parts[*tied.next().unwrap()];
            let [first, second] = [cut.image1, cut.image2].map(|photo| parts[photo]);
            let below = if first == root { second } else { first };
            let hangs = members.iter().filter(|photo| parts[**photo] == below);
            (*cut, hangs.copied().collect())
        };
        tree.iter().map(without).collect()
    }

    proptest! {
        #[test]
        fn questions_are_those_of_the_definition(
            pairs in proptest::collection::btree_map((0..14_usize, 0..14_usize), -8..9_i32, 0..60),
            cut in -3..3_i32,
        ) {
            let pairs = pairs.into_iter().filter(|((a, b), _)| a < b);
            let pairs: Vec<_> = pairs.map(|((a, b), p)| (a, b, f64::from(p) * 0.9)).collect();
            let found = folder(14, &pairs);
            let options = ClusterOptions::default();
            let clusters = found.clusters_at(probability(f64::from(cut)), &options);
            let members = clusters.iter().map(|cluster| cluster.members.iter().copied().collect());
            let members: Vec<BTreeSet<usize>> = members.collect();
            let sorted = strongest_first(&found.pairs);
            let mut expected = Vec::new();
            let mut expect = |pair: &VerifiedPair, is_one_cluster, p: f64, sizes: [usize; 2]| {
                if p >= MIN_CHANCE {
                    let change = p * (sizes[0] * sizes[1]) as f64;
                    expected.push(question(pair, is_one_cluster, change));
                }
            };
            for (number, one) in members.iter().enumerate() {
                for other in &members[number + 1..] {
                    let is_between = |pair: &&&VerifiedPair| {
                        let [a, b] = [pair.image1, pair.image2];
                        one.contains(&a) && other.contains(&b) || one.contains(&b) && other.contains(&a)
                    };
                    if let Some(pair) = sorted.iter().find(is_between) {
                        let p = chance_by_sets(one, other, &sorted);
                        expect(pair, false, p, [one.len(), other.len()]);
                    }
                }
                let inside = |pair: &&VerifiedPair| one.contains(&pair.image1) && one.contains(&pair.image2);
                let inside: Vec<&VerifiedPair> = sorted.iter().copied().filter(inside).collect();
                for (pair, part) in hanging(&clusters[number].members, &inside) {
                    let rest: BTreeSet<usize> = one.difference(&part).copied().collect();
                    let p = 1.0 - chance_by_sets(&part, &rest, &inside);
                    expect(pair, true, p, [part.len(), rest.len()]);
                }
            }
            expected.sort_by(|a, b| {
                let change = b.expected_change.total_cmp(&a.expected_change);
                change.then((a.image1, a.image2).cmp(&(b.image1, b.image2)))
            });
            prop_assert_eq!(found.questions(&clusters, &options, usize::MAX), expected);
        }
    }
}
