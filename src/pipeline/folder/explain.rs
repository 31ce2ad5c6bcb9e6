//! Why two photos are, or are not, in one class.

use super::{ClusterFile, FolderClusters, VerifiedPair};
use crate::cluster::{Class, Link, classes};

/// Cuts that are tried for another answer: from 1e-1 to 1e-30, two to a decade.
const TRIED_CUTS: std::ops::RangeInclusive<i32> = 2..=60;

/// Why two photos are, or are not, in one class.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The class of each.
    pub classes: [usize; 2],
    /// What was found between the two themselves; none when the pair was not verified.
    pub pair: Option<VerifiedPair>,
    /// Photos from the first to the second, each verified with the next, such that the weakest of
    /// these pairs is as strong as can be; empty when there is no such chain.
    pub chain: Vec<usize>,
    /// What was found between neighbours of the chain.
    pub links: Vec<VerifiedPair>,
    /// The cut nearest to the one used, as a factor, that gives the other answer; none when no cut
    /// from 1e-1 to 1e-30 does.
    pub other_cut: Option<f64>,
}

impl Explanation {
    /// Whether both are in one class.
    pub fn is_same_class(&self) -> bool {
        self.classes[0] == self.classes[1]
    }

    /// The pair of the chain that photos of different things equal most often.
    pub fn weakest(&self) -> Option<&VerifiedPair> {
        let probability = |pair: &&VerifiedPair| pair.false_match_probability;
        self.links
            .iter()
            .max_by(|a, b| probability(a).total_cmp(&probability(b)))
    }
}

impl ClusterFile {
    /// Why these two photos are, or are not, in one class; none when one does not exist.
    pub fn explain(&self, photo1: usize, photo2: usize) -> Option<Explanation> {
        let class_of = |classes: &[Class], photo: usize| {
            classes
                .iter()
                .position(|class| class.members.contains(&photo))
        };
        let own = [
            class_of(&self.classes, photo1)?,
            class_of(&self.classes, photo2)?,
        ];
        let pairs: Vec<VerifiedPair> = self.pairs.iter().map(VerifiedPair::from).collect();
        let (chain, links) = strongest_chain(self.photos.len(), &pairs, photo1, photo2);
        let is_same = own[0] == own[1];
        let gives_other = |cut: &f64| {
            let classes = classes_at(self.photos.len(), &pairs, *cut, self.source.min_inliers);
            (class_of(&classes, photo1) == class_of(&classes, photo2)) != is_same
        };
        let mut cuts: Vec<f64> = TRIED_CUTS
            .map(|half| 10f64.powf(-f64::from(half) / 2.0))
            .collect();
        let distance = |cut: &f64| (cut / self.source.max_false_match_probability).ln().abs();
        cuts.sort_by(|a, b| distance(a).total_cmp(&distance(b)));
        let ends = [(photo1, photo2), (photo2, photo1)];
        Some(Explanation {
            classes: own,
            pair: pairs
                .iter()
                .find(|pair| ends.contains(&(pair.image1, pair.image2)))
                .copied(),
            chain,
            links,
            other_cut: cuts.into_iter().find(gives_other),
        })
    }
}

impl FolderClusters {
    /// The classes that another cut gives, from the same pairs.
    pub fn classes_at(
        &self,
        max_false_match_probability: f64,
        min_inliers: Option<usize>,
    ) -> Vec<Class> {
        let count = self.photos.len();
        classes_at(count, &self.pairs, max_false_match_probability, min_inliers)
    }
}

fn classes_at(
    num_photos: usize,
    pairs: &[VerifiedPair],
    max_false_match_probability: f64,
    min_inliers: Option<usize>,
) -> Vec<Class> {
    let cut = max_false_match_probability.ln();
    let enough = |pair: &&VerifiedPair| min_inliers.is_none_or(|min| pair.num_inliers >= min);
    let link = |pair: &VerifiedPair| Link {
        image1: pair.image1,
        image2: pair.image2,
        evidence: pair.false_match_probability.ln() / cut,
    };
    let links: Vec<Link> = pairs.iter().filter(enough).map(link).collect();
    classes(num_photos, &links)
}

/// The chain whose weakest pair is strongest, and its pairs: pairs join groups of photos, the
/// strongest pair first, until both photos are in one; the pairs that joined make a tree.
fn strongest_chain(
    num_photos: usize,
    pairs: &[VerifiedPair],
    from: usize,
    to: usize,
) -> (Vec<usize>, Vec<VerifiedPair>) {
    let mut order: Vec<&VerifiedPair> = pairs.iter().filter(|p| p.num_inliers > 0).collect();
    order.sort_by(|a, b| {
        let strength = a
            .false_match_probability
            .total_cmp(&b.false_match_probability);
        strength.then((a.image1, a.image2).cmp(&(b.image1, b.image2)))
    });
    let mut group: Vec<usize> = (0..num_photos).collect();
    let mut tree: Vec<Vec<&VerifiedPair>> = vec![Vec::new(); num_photos];
    for pair in order {
        if group[from] == group[to] {
            break;
        }
        let (a, b) = (group[pair.image1], group[pair.image2]);
        if a != b {
            group.iter_mut().filter(|g| **g == b).for_each(|g| *g = a);
            tree[pair.image1].push(pair);
            tree[pair.image2].push(pair);
        }
    }
    if group[from] != group[to] || from == to {
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

    fn pair(image1: usize, image2: usize, exponent: i32) -> VerifiedPair {
        VerifiedPair {
            image1,
            image2,
            num_matches: 50,
            num_inliers: 20,
            score: 0.0,
            num_tracks: None,
            color_difference: None,
            false_match_probability: 10f64.powi(exponent),
        }
    }

    #[test]
    fn the_chain_goes_by_the_strongest_pairs() {
        let pairs = [
            pair(0, 3, -3),
            pair(0, 1, -9),
            pair(1, 2, -7),
            pair(2, 3, -8),
            pair(3, 4, -2),
        ];
        let (chain, links) = strongest_chain(6, &pairs, 0, 3);
        assert_eq!(chain, [0, 1, 2, 3]);
        assert_eq!(links, [pairs[1], pairs[2], pairs[3]]);
        assert_eq!(strongest_chain(6, &pairs, 4, 0).0, [4, 3, 2, 1, 0]);
        assert_eq!(strongest_chain(6, &pairs, 0, 5), (vec![], vec![]));
        assert_eq!(strongest_chain(6, &pairs, 2, 2), (vec![], vec![]));
    }

    #[test]
    fn a_looser_cut_joins_and_a_stricter_one_parts() {
        let photos = |n| (0..n).map(|i| format!("{i}.jpg"));
        let file = |cut: f64| {
            let pairs = [pair(0, 1, -6), pair(2, 3, -2)];
            ClusterFile {
                version: 1,
                source: super::super::ClusterSource {
                    folder: String::new(),
                    store: None,
                    model: None,
                    model_sha256: String::new(),
                    extraction: crate::extract::ExtractionOptions::default(),
                    mirrored: false,
                    max_false_match_probability: cut,
                    min_inliers: None,
                },
                background: crate::cluster::Background::default(),
                photos: photos(4)
                    .map(|path| super::super::PhotoRow {
                        path,
                        sha256: String::new(),
                        width: 1,
                        height: 1,
                    })
                    .collect(),
                classes: classes_at(4, &pairs, cut, None),
                pairs: pairs.iter().map(super::super::PairRow::from).collect(),
                failures: Vec::new(),
                passed_over: crate::folder::PassedOver::default(),
            }
        };
        let file = file(1e-4);
        let together = file.explain(0, 1).unwrap();
        assert!(together.is_same_class());
        assert_eq!(together.weakest().unwrap().image2, 1);
        let cut = together.other_cut.unwrap();
        assert!(cut < 1e-6 && cut > 1e-7, "{cut}");
        let apart = file.explain(3, 2).unwrap();
        assert!(!apart.is_same_class());
        assert_eq!(apart.pair.unwrap().num_inliers, 20);
        let cut = apart.other_cut.unwrap();
        assert!(cut > 0.009 && cut < 0.1, "{cut}");
        let never = file.explain(0, 2).unwrap();
        assert!(!never.is_same_class() && never.pair.is_none() && never.chain.is_empty());
        assert_eq!(never.other_cut, None);
        assert_eq!(file.explain(0, 9), None);
    }
}
