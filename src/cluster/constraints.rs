//! Must-link and cannot-link constraints on pairs of photos, made consistent, and clusters that satisfy them.
//!
//! As Wagstaff and Cardie, *Clustering with Instance-level Constraints*, ICML 2000. Cannot-links hold while average
//! linkage merges clusters, so that the photos of a split cluster join the part with the strongest evidence.
//! Must-links then join the resulting clusters as wholes.

use std::collections::{BTreeMap, BTreeSet};

use super::components::Components;

/// A user's statement about two photos.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Constraint {
    /// A photo.
    pub(crate) image1: usize,
    /// Another photo.
    pub(crate) image2: usize,
    /// Whether both show the same thing.
    pub(crate) is_same: bool,
}

/// Consistent constraints, with their consequences: a photo that is the same as a second is apart from all that the
/// second is apart from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Constraints {
    /// The photos that constraints name, each with the least photo that is the same.
    group: BTreeMap<usize, usize>,
    /// The groups that each group is apart from.
    apart: BTreeMap<usize, BTreeSet<usize>>,
    /// Two photos that are the same, the latest first.
    same: Vec<[usize; 2]>,
}

impl Constraints {
    /// Takes `constraints`, the earliest first, as far as they agree: one that contradicts later ones, or their
    /// consequences, is dropped, as are constraints of a photo with itself and of photos from `num_photos` on.
    pub(crate) fn new(num_photos: usize, constraints: &[Constraint]) -> Self {
        let mut kept = Self::default();
        let mut groups = Components::new(num_photos as u32);
        for constraint in constraints.iter().rev() {
            let [a, b] = [constraint.image1, constraint.image2];
            if a == b || a.max(b) >= num_photos {
                continue;
            }
            kept.group.extend([(a, a), (b, b)]);
            let [first, second] = [a, b].map(|photo| groups.first(photo as u32) as usize);
            if constraint.is_same {
                if kept.is_apart(first, second) {
                    continue;
                }
                kept.same.push([a, b]);
                if groups.joins(first, second) {
                    kept.join(first.min(second), first.max(second));
                }
            } else if first != second {
                kept.apart.entry(first).or_default().insert(second);
                kept.apart.entry(second).or_default().insert(first);
            }
        }
        for (&photo, group) in &mut kept.group {
            *group = groups.first(photo as u32) as usize;
        }
        kept
    }

    /// Whether two photos are the same by the constraints.
    pub(crate) fn are_same(&self, photo: usize, other: usize) -> bool {
        let group = |photo| self.group.get(&photo).copied().unwrap_or(photo);
        group(photo) == group(other)
    }

    /// Whether a photo of one cluster is apart from one of another.
    pub(crate) fn are_apart(&self, members: &[usize], others: &[usize]) -> bool {
        self.side(members).is_apart(&self.side(others))
    }

    fn is_apart(&self, group: usize, other: usize) -> bool {
        let apart = self.apart.get(&group);
        apart.is_some_and(|groups| groups.contains(&other))
    }

    /// What `other` is apart from, `group` is apart from too.
    fn join(&mut self, group: usize, other: usize) {
        for far in self.apart.remove(&other).unwrap_or_default() {
            let of_far = self.apart.entry(far).or_default();
            of_far.remove(&other);
            of_far.insert(group);
            self.apart.entry(group).or_default().insert(far);
        }
    }

    /// The constraints that the photos of a cluster have.
    pub(crate) fn side(&self, members: &[usize]) -> Side {
        let mut side = Side::default();
        if self.apart.is_empty() {
            return side;
        }
        for photo in members {
            let Some(group) = self.group.get(photo) else {
                continue;
            };
            if let Some(apart) = self.apart.get(group) {
                side.groups.insert(*group);
                side.apart.extend(apart);
            }
        }
        side
    }

    /// Joins clusters whose photos are the same. Where that would join photos that are apart, only the photos that
    /// are the same are put together. Every photo stays in one cluster; the order of clusters and members is not
    /// kept.
    pub(super) fn join_clusters(&self, mut clusters: Vec<Vec<usize>>) -> Vec<Vec<usize>> {
        if self.same.is_empty() {
            return clusters;
        }
        let mut sides: Vec<Side> = clusters.iter().map(|c| self.side(c)).collect();
        let named = |photo: &usize| self.group.contains_key(photo);
        let mut cluster_of: BTreeMap<usize, usize> = BTreeMap::new();
        for (number, members) in clusters.iter().enumerate() {
            let named = members.iter().filter(|photo| named(photo));
            cluster_of.extend(named.map(|&photo| (photo, number)));
        }
        let mut unkept: BTreeSet<usize> = BTreeSet::new();
        let mut joined = Components::new(clusters.len() as u32);
        // Where the photos of clusters that were joined are, by the first of these.
        let mut places: Vec<usize> = (0..clusters.len()).collect();
        for [a, b] in &self.same {
            let roots = [a, b].map(|photo| joined.first(cluster_of[photo] as u32) as usize);
            let [first, second] = roots.map(|root| places[root]);
            if first == second {
                continue;
            }
            if sides[first].is_apart(&sides[second]) {
                unkept.insert(self.group[a]);
                continue;
            }
            joined.joins(roots[0], roots[1]);
            places[roots[0].min(roots[1])] = first;
            let mut moved = std::mem::take(&mut clusters[second]);
            if moved.len() > clusters[first].len() {
                std::mem::swap(&mut moved, &mut clusters[first]);
            }
            let side = std::mem::take(&mut sides[second]);
            clusters[first].extend(moved);
            sides[first].extend(side);
        }
        for group in unkept {
            self.put_together(group, &mut clusters);
        }
        clusters.retain(|members| !members.is_empty());
        clusters
    }

    /// Puts the photos of a group into the cluster that most of them are in and that holds nothing they are
    /// apart from, or else into one of their own.
    fn put_together(&self, group: usize, clusters: &mut Vec<Vec<usize>>) {
        let is_of_group = |photo: &usize| self.group.get(photo) == Some(&group);
        let mut found = Vec::new();
        let mut photos = Vec::new();
        for (number, members) in clusters.iter_mut().enumerate() {
            let before = photos.len();
            photos.extend(members.extract_if(.., |photo| is_of_group(photo)));
            if photos.len() > before {
                found.push((photos.len() - before, number));
            }
        }
        let own = self.side(&photos);
        found.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        let fits = |number: &usize| !self.side(&clusters[*number]).is_apart(&own);
        let target = found.into_iter().map(|(_, number)| number).find(fits);
        match target {
            Some(number) => clusters[number].extend(photos),
            None => clusters.push(photos),
        }
    }
}

/// The groups of a cluster that are apart from others, and those others.
#[derive(Debug, Clone, Default)]
pub(crate) struct Side {
    groups: BTreeSet<usize>,
    apart: BTreeSet<usize>,
}

impl Side {
    pub(crate) fn is_apart(&self, other: &Self) -> bool {
        self.apart.iter().any(|group| other.groups.contains(group))
    }

    pub(super) fn extend(&mut self, other: Self) {
        self.groups.extend(other.groups);
        self.apart.extend(other.apart);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn constraint(image1: usize, image2: usize, is_same: bool) -> Constraint {
        Constraint {
            image1,
            image2,
            is_same,
        }
    }

    fn joined(constraints: &[Constraint], clusters: &[&[usize]]) -> Vec<Vec<usize>> {
        let clusters: Vec<Vec<usize>> = clusters.iter().map(|c| c.to_vec()).collect();
        let mut found = Constraints::new(100, constraints).join_clusters(clusters);
        found.iter_mut().for_each(|members| members.sort_unstable());
        found.sort();
        found
    }

    #[test]
    fn a_later_constraint_counts_where_two_contradict() {
        let same = constraint(0, 1, true);
        let apart = constraint(0, 1, false);
        assert_eq!(joined(&[apart, same], &[&[0], &[1]]), [vec![0, 1]]);
        assert_eq!(joined(&[same, apart], &[&[0], &[1]]), [vec![0], vec![1]]);
        // A consequence of two contradicts too.
        let chain = [
            constraint(0, 2, false),
            constraint(0, 1, true),
            constraint(1, 2, true),
        ];
        assert_eq!(joined(&chain, &[&[0], &[1], &[2]]), [vec![0, 1, 2]]);
    }

    #[test]
    fn two_photos_join_all_that_hangs_on_them() {
        let same = [constraint(0, 5, true)];
        let clusters: [&[usize]; 3] = [&[0, 1, 2], &[4, 5], &[7]];
        assert_eq!(joined(&same, &clusters), [vec![0, 1, 2, 4, 5], vec![7]]);
        // But not photos that are apart.
        let both = [constraint(1, 4, false), constraint(0, 5, true)];
        assert_eq!(
            joined(&both, &clusters),
            [vec![0, 1, 2, 5], vec![4], vec![7]]
        );
        assert_eq!(joined(&[], &clusters).len(), 3);
    }

    #[test]
    fn a_hundred_thousand_answers_join_their_photos_at_once() {
        let count = 100_000;
        for is_turned in [false, true] {
            let said = (1..count).map(|photo| match is_turned {
                false => constraint(photo - 1, photo, true),
                true => constraint(photo, photo - 1, true),
            });
            let kept = Constraints::new(count, &said.collect::<Vec<_>>());
            assert!(kept.are_same(0, count - 1));
            let found = kept.join_clusters((0..count).map(|photo| vec![photo]).collect());
            assert_eq!((found.len(), found[0].len()), (1, count));
        }
    }

    proptest! {
        #[test]
        fn what_is_kept_is_kept(
            given in proptest::collection::vec((0usize..8, 0usize..8, any::<bool>()), 0..20),
            labels in proptest::collection::vec(0usize..4, 8),
        ) {
            let given: Vec<Constraint> = given.into_iter().map(|(a, b, s)| constraint(a, b, s)).collect();
            let kept = Constraints::new(8, &given);
            // Linkage keeps to cannot-links: parts clusters that do not.
            let mut clusters: Vec<Vec<usize>> = Vec::new();
            for label in 0..4 {
                let members = (0..8).filter(|photo| labels[*photo] == label);
                for photo in members {
                    let side = kept.side(&[photo]);
                    let fits = |c: &&mut Vec<usize>| {
                        labels[c[0]] == label && !kept.side(c).is_apart(&side)
                    };
                    match clusters.iter_mut().find(fits) {
                        Some(cluster) => cluster.push(photo),
                        None => clusters.push(vec![photo]),
                    }
                }
            }
            let found = kept.join_clusters(clusters);
            let mut all: Vec<usize> = found.concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..8).collect::<Vec<_>>());
            let cluster_of = |photo: usize| found.iter().position(|c| c.contains(&photo));
            for [a, b] in &kept.same {
                prop_assert_eq!(cluster_of(*a), cluster_of(*b));
            }
            for members in &found {
                prop_assert!(!kept.side(members).is_apart(&kept.side(members)));
            }
            // The latest of all is kept.
            if let Some(last) = given.last().filter(|last| last.image1 != last.image2) {
                let is_one = cluster_of(last.image1) == cluster_of(last.image2);
                prop_assert_eq!(is_one, last.is_same);
            }
        }
    }
}
