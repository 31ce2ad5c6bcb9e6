//! Clusters on the graph of verified pairs.
//!
//! Components of the graph alone would chain unrelated photos through one bad pair or one photo that shows
//! two things. So within a component clusters are merged from single photos upwards, by average
//! linkage (Sokal and Michener 1958; Müllner, arXiv:1109.2378): two groups become one while the mean
//! similarity between their photos is enough. The similarity of two photos is the weight of their own
//! evidence, e / (1 + e), times the share of the evidence of one towards other photos that the other
//! has too (the overlap coefficient of both neighbourhoods). A bad pair joins photos that have no
//! neighbours in common; look-alikes have weak evidence towards the neighbours that each has
//! strong evidence towards.
//!
//! Of a large folder few pairs are verified. An unverified pair counts as a pair without evidence. This is weakened
//! by the share of links among the verified pairs of both photos, because of hundreds of copies of one photo each
//! is compared with only a few.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BinaryHeap};
use std::mem::take;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::constraints::{Constraints, Side};
use super::graph::{ENOUGH, Graph, Link};

/// The similarity that all pairs between two groups must have on average; a pair with just enough evidence, and all
/// neighbours in common, has 0.5. A higher value separates look-alikes better and splits large clusters whose
/// photos are linked by few pairs (benches/RESULTS.md).
const MIN_MEAN_SIMILARITY: f64 = 0.18;

/// One cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Cluster {
    /// Its photos, ascending.
    pub members: Vec<usize>,
    /// For each member, in the same order, the mean weight of its evidence towards the others, from 0 to 1:
    /// evidence e weighs e / (1 + e). Pairs that were not verified count little between photos that most others are
    /// linked to. A single photo has 1.
    pub scores: Vec<f64>,
    /// The member with the most evidence towards the others; of equals the first.
    pub representative: usize,
}

/// Sorts `num_photos` photos into clusters, the largest first and of equals that with the first photo; every photo
/// is in one cluster. `links` are all pairs that were verified, also those without evidence; where `is_complete`, a
/// pair that is not among them counts as one without. Of two links between the same photos the stronger counts.
/// Links to photos that do not exist, and evidence that is not a number, count as none. `constraints` are kept.
/// Deterministic, and independent of the order of `links`, which are gone through twice.
pub(crate) fn clusters(
    num_photos: usize,
    links: impl Iterator<Item = Link> + Clone,
    is_complete: bool,
    constraints: &Constraints,
) -> Vec<Cluster> {
    let graph = Graph::new(num_photos, links, is_complete);
    members(&graph, constraints)
        .into_par_iter()
        .map(|members| cluster(members, &graph))
        .collect()
}

/// The members of the same clusters, in their order: without the scores, whose work grows with the square of a
/// cluster.
pub(crate) fn cluster_members(
    num_photos: usize,
    links: impl Iterator<Item = Link> + Clone,
    is_complete: bool,
    constraints: &Constraints,
) -> Vec<Vec<usize>> {
    members(&Graph::new(num_photos, links, is_complete), constraints)
}

fn members(graph: &Graph, constraints: &Constraints) -> Vec<Vec<usize>> {
    let parts = components(graph)
        .into_par_iter()
        .flat_map_iter(|component| split(&component, graph, constraints));
    let mut groups = constraints.join_clusters(parts.collect());
    groups
        .iter_mut()
        .for_each(|members| members.sort_unstable());
    groups.sort_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
    groups
}

/// The number of the cluster of each of `num_photos` photos, by the members of the clusters; every photo is in one.
pub(crate) fn cluster_of_photos<'a>(
    num_photos: usize,
    clusters: impl Iterator<Item = &'a Vec<usize>>,
) -> Vec<u32> {
    let mut found = vec![0; num_photos];
    for (number, members) in clusters.enumerate() {
        for &photo in members {
            found[photo] = number as u32;
        }
    }
    found
}

/// The photos that pairs with enough evidence join, directly or through others.
fn components(graph: &Graph) -> Vec<Vec<usize>> {
    let mut seen = vec![false; graph.saturation.len()];
    let mut components = Vec::new();
    for start in 0..seen.len() {
        if seen[start] {
            continue;
        }
        seen[start] = true;
        let mut component = vec![start];
        let mut next = 0;
        while next < component.len() {
            for (other, evidence) in graph.near(component[next]) {
                if evidence >= ENOUGH && !seen[other] {
                    seen[other] = true;
                    component.push(other);
                }
            }
            next += 1;
        }
        component.sort_unstable();
        components.push(component);
    }
    components
}

/// Average linkage within a component, on its verified pairs alone: memory grows with these, not with all
/// pairs.
fn split(component: &[usize], graph: &Graph, constraints: &Constraints) -> Vec<Vec<usize>> {
    let whole = constraints.side(component);
    if component.len() < 3 && !whole.is_apart(&whole) {
        return vec![component.to_vec()];
    }
    let mut groups = Groups::new(component, graph);
    let side = |photo: &usize| constraints.side(std::slice::from_ref(photo));
    let mut sides: Vec<Side> = component.iter().map(side).collect();
    while let Some(next) = groups.waiting.pop() {
        let [a, b] = next.groups;
        let is_current = groups.sizes[a] == next.sizes[0] && groups.sizes[b] == next.sizes[1];
        if is_current && !sides[a].is_apart(&sides[b]) {
            let side = take(&mut sides[b]);
            sides[a].extend(side);
            groups.merge(a, b);
        }
    }
    groups.into_members(component)
}

/// Groups of the photos of a component; each has the number of its first photo there.
struct Groups {
    /// The group of each photo.
    group: Vec<usize>,
    /// The photos of each group; 0 for one that is part of another.
    sizes: Vec<usize>,
    /// The sum of the saturation of each group's photos.
    saturation: Vec<f64>,
    /// For each group those that pairs were verified with.
    ties: Vec<BTreeMap<usize, Tie>>,
    /// Groups that may become one, the most similar first.
    waiting: BinaryHeap<Merge>,
}

/// The verified pairs between two groups.
#[derive(Clone, Copy, Default)]
struct Tie {
    /// The sum of the similarities of their photos.
    similarity: f64,
    /// The sum of the products of their photos' saturation.
    saturation: f64,
}

/// Two groups that are similar enough to become one, while they have these sizes.
struct Merge {
    similarity: f64,
    groups: [usize; 2],
    sizes: [usize; 2],
}

impl Groups {
    fn new(component: &[usize], graph: &Graph) -> Self {
        let mut ties = vec![BTreeMap::new(); component.len()];
        for (number, &photo) in component.iter().enumerate() {
            // Each pair once; a component is sorted.
            for (other, _) in graph.near(photo).filter(|near| near.0 > photo) {
                let Ok(other_number) = component.binary_search(&other) else {
                    continue;
                };
                let tie = Tie {
                    similarity: similarity(graph, photo, other),
                    saturation: graph.saturation[photo] * graph.saturation[other],
                };
                if tie.similarity > 0.0 || tie.saturation > 0.0 {
                    ties[number].insert(other_number, tie);
                    ties[other_number].insert(number, tie);
                }
            }
        }
        let mut groups = Self {
            group: (0..component.len()).collect(),
            sizes: vec![1; component.len()],
            saturation: component.iter().map(|&p| graph.saturation[p]).collect(),
            ties,
            waiting: BinaryHeap::new(),
        };
        (0..component.len()).for_each(|group| groups.wait(group, group + 1));
        groups
    }

    /// Queues `group` for merging with those from `first` on that it is similar enough to.
    fn wait(&mut self, group: usize, first: usize) {
        for (&other, tie) in self.ties[group].range(first..) {
            let groups = [group.min(other), group.max(other)];
            let sizes = groups.map(|group| self.sizes[group]);
            let [a, b] = groups.map(|group| self.saturation[group]);
            // A verified pair counts 1, another 1 less the product of its photos' saturation.
            let count = (sizes[0] * sizes[1]) as f64 - (a * b - tie.saturation);
            let similarity = tie.similarity / count;
            if similarity >= MIN_MEAN_SIMILARITY {
                self.waiting.push(Merge {
                    similarity,
                    groups,
                    sizes,
                });
            }
        }
    }

    /// Makes `other` part of `group`.
    fn merge(&mut self, group: usize, other: usize) {
        let (mut ties, mut fewer) = (take(&mut self.ties[group]), take(&mut self.ties[other]));
        ties.remove(&other);
        fewer.remove(&group);
        if ties.len() < fewer.len() {
            std::mem::swap(&mut ties, &mut fewer);
        }
        for (near, tie) in fewer {
            let both = ties.entry(near).or_default();
            both.similarity += tie.similarity;
            both.saturation += tie.saturation;
        }
        for (&near, &tie) in &ties {
            self.ties[near].remove(&other);
            self.ties[near].insert(group, tie);
        }
        self.ties[group] = ties;
        self.saturation[group] += self.saturation[other];
        self.sizes[group] += take(&mut self.sizes[other]);
        self.group[other] = group;
        self.wait(group, 0);
    }

    /// The photos of each group.
    fn into_members(self, component: &[usize]) -> Vec<Vec<usize>> {
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); component.len()];
        for (number, &photo) in component.iter().enumerate() {
            // A group is part of one with a lower number.
            let mut group = number;
            while self.group[group] != group {
                group = self.group[group];
            }
            members[group].push(photo);
        }
        members.retain(|group| !group.is_empty());
        members
    }
}

impl Ord for Merge {
    /// The more similar is greater, of equals that of the first photos.
    fn cmp(&self, other: &Self) -> Ordering {
        let by_similarity = self.similarity.total_cmp(&other.similarity);
        by_similarity.then_with(|| other.groups.cmp(&self.groups))
    }
}

impl PartialOrd for Merge {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Merge {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Merge {}

/// The weight of a pair times the share of their neighbours that the two photos have in common.
fn similarity(graph: &Graph, photo: usize, other: usize) -> f64 {
    let own = graph.evidence(photo, other).unwrap_or(0.0);
    if own == 0.0 {
        return 0.0;
    }
    let strong = |at: usize| {
        let near = graph.near(at);
        near.filter(move |&(n, e)| e >= ENOUGH && n != photo && n != other)
    };
    // Each photo is a neighbour of the other, as far as their own pair goes.
    let both = 2.0 * own;
    let shared: f64 = strong(photo)
        .filter_map(|(near, e)| Some((e, graph.evidence(other, near)?)))
        .filter(|(_, e)| *e >= ENOUGH)
        .map(|(e1, e2)| e1.min(e2))
        .sum();
    let total = |at: usize, towards: usize| {
        let weighted = strong(at).map(|(near, e)| e * graph.weighted(towards, near).1);
        weighted.sum::<f64>()
    };
    let fewer = total(photo, other).min(total(other, photo));
    weight(own) * ((both + shared) / (both + fewer)).min(1.0)
}

/// Weight of evidence, from 0 to 1; one half for just enough.
fn weight(evidence: f64) -> f64 {
    evidence / (1.0 + evidence)
}

fn cluster(members: Vec<usize>, graph: &Graph) -> Cluster {
    let scores: Vec<f64> = members
        .iter()
        .map(|&photo| {
            let others = members.iter().filter(|&&other| other != photo);
            let (sum, count) = others.fold((0.0, 0.0), |(sum, count), &other| {
                let (evidence, pair) = graph.weighted(photo, other);
                (sum + weight(evidence), count + pair)
            });
            match members.len() {
                1 => 1.0,
                _ => sum / count,
            }
        })
        .collect();
    let best = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let at = scores.iter().position(|score| *score == best).unwrap_or(0);
    Cluster {
        representative: members[at],
        members,
        scores,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn link((image1, image2, evidence): (usize, usize, f64)) -> Link {
        Link {
            image1,
            image2,
            evidence,
        }
    }

    /// Both with and without scores.
    fn groups(num_photos: usize, links: &[(usize, usize, f64)]) -> Vec<Vec<usize>> {
        let (links, none) = (links.iter().copied().map(link), Constraints::default());
        let clusters = clusters(num_photos, links.clone(), true, &none);
        let members: Vec<_> = clusters
            .into_iter()
            .map(|cluster| cluster.members)
            .collect();
        assert_eq!(cluster_members(num_photos, links, true, &none), members);
        members
    }

    /// All pairs within `members`.
    fn clique(members: std::ops::Range<usize>) -> Vec<(usize, usize, f64)> {
        let pairs = members
            .clone()
            .flat_map(|i| (i + 1..members.end).map(move |j| (i, j, 2.0)));
        pairs.collect()
    }

    #[test]
    fn one_bad_pair_chains_no_unrelated_photos() {
        let mut links = clique(0..4);
        links.extend(clique(4..9));
        links.push((3, 4, 9.0));
        assert_eq!(
            groups(10, &links),
            [vec![4, 5, 6, 7, 8], vec![0, 1, 2, 3], vec![9]]
        );
        // The same pair is enough without other evidence.
        assert_eq!(groups(3, &[(1, 2, 1.0)]), [vec![1, 2], vec![0]]);
    }

    #[test]
    fn a_photo_of_two_things_joins_neither_to_the_other() {
        let mut links = clique(0..4);
        links.extend(clique(4..8));
        links.extend((0..8).map(|photo| (photo, 8, 2.0)));
        let found = groups(9, &links);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found.iter().all(|g| !(g.contains(&0) && g.contains(&4))));
    }

    #[test]
    fn weak_evidence_begins_no_cluster() {
        assert_eq!(
            groups(3, &[(0, 1, 0.99), (1, 2, f64::NAN), (0, 7, 5.0)]).len(),
            3
        );
        assert!(groups(0, &[]).is_empty());
    }

    #[test]
    fn the_best_connected_represents() {
        let links = [(0, 1, 3.0), (1, 2, 3.0), (0, 2, 1.0)].map(link);
        let found = clusters(3, links.into_iter(), true, &Constraints::default());
        assert_eq!(found[0].representative, 1);
        assert_eq!(found[0].scores, [0.625, 0.75, 0.625]);
    }

    /// Copies of which each is compared with about forty others, and with a photo of something else.
    fn copies(range: std::ops::Range<usize>, strangers: std::ops::Range<usize>) -> Vec<Link> {
        let mut state = range.start as u64 + 1;
        let mut below = move |bound: usize| {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (state >> 33) as usize % bound
        };
        let mut links = Vec::new();
        for photo in range.clone() {
            for _ in 0..20 {
                let other = range.start + below(range.len());
                links.push(link((photo, other, 2.0)));
            }
            let stranger = strangers.start + below(strangers.len());
            links.push(link((photo, stranger, 0.0)));
        }
        links
    }

    #[test]
    fn hundreds_of_copies_are_one_cluster_and_a_bad_pair_joins_no_two() {
        // Two photos of 300 copies each, and a hundred of something else.
        let mut links = copies(0..300, 600..700);
        links.extend(copies(300..600, 600..700));
        let sizes = |links: &[Link]| -> Vec<usize> {
            let found = clusters(700, links.iter().copied(), false, &Constraints::default());
            found.iter().map(|c| c.members.len()).take(3).collect()
        };
        assert_eq!(sizes(&links), [300, 300, 1]);
        // Evidence three times as strong may take a photo of a bad pair with it, and no other.
        links.extend([(10, 310), (50, 350), (90, 500)].map(|(i, j)| link((i, j, 6.0))));
        let sizes = sizes(&links);
        assert_eq!(sizes[0] + sizes[1], 600, "{sizes:?}");
        assert!(sizes[1] >= 297, "{sizes:?}");
    }

    #[test]
    fn a_component_of_fifty_thousand_takes_memory_of_its_links() {
        let links: Vec<Link> = (0..50_000)
            .flat_map(|i| (i + 1..i + 21).map(move |j| link((i, j, 2.0))))
            .collect();
        for is_complete in [true, false] {
            let found = clusters(
                50_020,
                links.iter().copied(),
                is_complete,
                &Constraints::default(),
            );
            assert_eq!(found.iter().map(|c| c.members.len()).sum::<usize>(), 50_020);
            assert!(found[0].members.len() > 10);
        }
    }

    fn graph() -> impl Strategy<Value = (Vec<(usize, usize, f64)>, Vec<usize>)> {
        let pair = (0..12usize, 0..12usize, 0.0..3.0f64);
        let order = Just((0..12).collect::<Vec<usize>>()).prop_shuffle();
        (proptest::collection::vec(pair, 0..40), order)
    }

    proptest! {
        #[test]
        fn every_photo_is_in_one_cluster_and_other_numbers_change_nothing((links, order) in graph()) {
            let first = groups(12, &links);
            let mut all: Vec<usize> = first.iter().flatten().copied().collect();
            all.sort_unstable();
            prop_assert_eq!(all, (0..12).collect::<Vec<_>>());
            let renamed: Vec<_> =
                links.iter().rev().map(|&(i, j, e)| (order[j], order[i], e)).collect();
            let mut second = groups(12, &renamed);
            let mut expected: Vec<Vec<usize>> = first
                .iter()
                .map(|group| {
                    let mut group: Vec<_> = group.iter().map(|&photo| order[photo]).collect();
                    group.sort_unstable();
                    group
                })
                .collect();
            expected.sort();
            second.sort();
            prop_assert_eq!(second, expected);
        }
    }
}
