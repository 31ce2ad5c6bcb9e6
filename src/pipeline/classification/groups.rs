//! Groups of geometrically matching photos, each group in one split.
//!
//! Photos of one thing in two splits raise the accuracy above that on unseen things. Two photos are tied if the
//! probability that they show the same thing is at least the clustering's threshold. Groups are the connected
//! components of these ties, so that no tie crosses splits.

use std::collections::BTreeMap;

use crate::cluster::Components;
use crate::pipeline::{ClusterOptions, FolderClusters};

/// Groups of photos of a folder that are tied together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PhotoGroups {
    /// For each photo that is tied to another, the first name of its group. Names are paths below the
    /// folder.
    first_names: BTreeMap<String, String>,
}

impl PhotoGroups {
    /// The groups of a folder that was sorted with `options`. Deterministic.
    pub fn new(found: &FolderClusters, options: &ClusterOptions) -> Self {
        let cut = options.min_probability;
        let ties = found.pairs.iter().filter(|pair| {
            pair.probability() >= cut
                && options
                    .min_inliers
                    .is_none_or(|min| pair.num_inliers >= min)
        });
        let names: Vec<&str> = found.photos.iter().map(|p| p.path.as_str()).collect();
        Self::of_ties(&names, ties.map(|pair| [pair.image1, pair.image2]))
    }

    /// The groups that `ties`, indices of `names`, make of photos with these names.
    fn of_ties(names: &[&str], ties: impl Iterator<Item = [usize; 2]>) -> Self {
        let mut groups = Components::new(names.len() as u32);
        for [one, other] in ties {
            groups.joins(one, other);
        }
        let roots = groups.into_first_photos();
        // Photos are sorted by folder and name, which is not the order of their paths as text.
        let mut first_names = names.to_vec();
        let mut sizes = vec![0usize; names.len()];
        for (&root, &name) in roots.iter().zip(names) {
            let first = &mut first_names[root as usize];
            *first = name.min(*first);
            sizes[root as usize] += 1;
        }
        let tied = roots.iter().zip(names);
        let tied = tied.filter(|(root, _)| sizes[**root as usize] > 1);
        Self {
            first_names: tied
                .map(|(&root, name)| {
                    let first = first_names[root as usize];
                    ((*name).to_owned(), first.to_owned())
                })
                .collect(),
        }
    }

    /// The name that determines the split of the photo `name`: the first of its group.
    pub fn name_of<'a>(&'a self, name: &'a str) -> &'a str {
        self.first_names.get(name).map_or(name, String::as_str)
    }

    /// Photos that are tied to another.
    pub fn num_photos(&self) -> usize {
        self.first_names.len()
    }

    /// The number of photos of each group, the largest first.
    pub fn sizes(&self) -> Vec<usize> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for first in self.first_names.values() {
            *counts.entry(first).or_default() += 1;
        }
        let mut sizes: Vec<usize> = counts.into_values().collect();
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        sizes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_join_photos_directly_and_through_others() {
        let names = ["b/1", "a/2", "c/3", "d/4", "e/5", "f/6"];
        for ties in [
            [[0, 2], [2, 3], [1, 3], [4, 5]],
            [[4, 5], [1, 3], [3, 2], [0, 3]],
        ] {
            let groups = PhotoGroups::of_ties(&names, ties.into_iter());
            let firsts = names.map(|name| groups.name_of(name));
            assert_eq!(firsts, ["a/2", "a/2", "a/2", "a/2", "e/5", "e/5"]);
            assert_eq!(groups.sizes(), [4, 2]);
            assert_eq!(groups.num_photos(), 6);
        }
        let one = PhotoGroups::of_ties(&names, std::iter::once([3, 0]));
        assert_eq!(one.name_of("d/4"), "b/1");
        assert_eq!((one.name_of("a/2"), one.name_of("new")), ("a/2", "new"));
        assert_eq!(one.sizes(), [2]);
    }
}
