//! Decoding the photos of many pairs, one group of pairs at a time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;
use std::path::PathBuf;

use rayon::prelude::*;

use super::FolderSession;
use crate::image::Photo;
use crate::refinement::{RefinementImage, RefinementOptions};
use crate::store::ContentHash;

/// Sorts pairs so that those of the same photos are adjacent: by a breadth-first order of the photos that
/// starts at photos with few neighbours (Cuthill and McKee 1969).
pub(super) fn sort_by_neighborhood<T>(pairs: &mut [T], photos: impl Fn(&T) -> [usize; 2]) {
    let mut neighbors: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for [a, b] in pairs.iter().map(&photos) {
        neighbors.entry(a).or_default().insert(b);
        neighbors.entry(b).or_default().insert(a);
    }
    let by_degree = |photos: &mut Vec<usize>| {
        photos.sort_by_key(|photo| (neighbors[photo].len(), *photo));
    };
    let mut starts: Vec<usize> = neighbors.keys().copied().collect();
    by_degree(&mut starts);
    let mut places: BTreeMap<usize, usize> = BTreeMap::new();
    for start in starts {
        let mut walk = VecDeque::from([start]);
        while let Some(photo) = walk.pop_front() {
            if places.contains_key(&photo) {
                continue;
            }
            places.insert(photo, places.len());
            let near = neighbors[&photo].iter().copied();
            let mut met: Vec<usize> = near.filter(|n| !places.contains_key(n)).collect();
            by_degree(&mut met);
            walk.extend(met);
        }
    }
    pairs.sort_by_key(|pair| {
        let [a, b] = photos(pair).map(|photo| places[&photo]);
        (a.max(b), a.min(b))
    });
}

/// Runs of pairs with at most `max_photos` photos each.
pub(super) fn groups<T>(
    pairs: &[T],
    photos: impl Fn(&T) -> [usize; 2],
    max_photos: usize,
) -> Vec<Range<usize>> {
    let mut groups = Vec::new();
    let mut start = 0;
    while start < pairs.len() {
        let mut needed = BTreeSet::new();
        let fits = pairs[start..].iter().take_while(|pair| {
            needed.extend(photos(pair));
            needed.len() <= max_photos.max(2)
        });
        let end = start + fits.count();
        groups.push(start..end);
        start = end;
    }
    groups
}

/// Makes `images` hold exactly these photos, prepared for refinement; those present are kept. `source`
/// gives the path and content hash of a photo. A photo that is unreadable or has changed is left out.
pub(super) fn prepare(
    session: &FolderSession<'_>,
    images: &mut BTreeMap<usize, RefinementImage>,
    photos: BTreeSet<usize>,
    source: impl Fn(usize) -> (PathBuf, ContentHash) + Sync,
    refinement: &RefinementOptions,
) {
    images.retain(|index, _| photos.contains(index));
    let missing: Vec<usize> = photos
        .into_iter()
        .filter(|index| !images.contains_key(index))
        .collect();
    let prepare = |index: usize| {
        // The caller asks too, and ends the run.
        if session.observer.is_cancelled() {
            return None;
        }
        let (path, hash) = source(index);
        let photo = Photo::open(path, &session.options.matching.decode).ok()?;
        if *photo.content_hash() != hash {
            return None;
        }
        Some((
            index,
            RefinementImage::from_rgb(photo.pixels(), refinement).ok()?,
        ))
    };
    images.par_extend(missing.into_par_iter().filter_map(prepare));
}

#[cfg(test)]
mod tests {
    use super::{groups, sort_by_neighborhood};

    #[test]
    fn a_group_needs_few_photos_and_every_pair_is_in_one() {
        let pairs = [[0, 1], [0, 2], [1, 2], [3, 4], [3, 5], [0, 5]];
        assert_eq!(groups(&pairs, |p| *p, 3), [0..3, 3..5, 5..6]);
        assert_eq!(groups(&pairs, |p| *p, 6).len(), 1);
        assert_eq!(groups(&pairs, |p| *p, 0).len(), 6);
        assert!(groups(&pairs[..0], |p| *p, 3).is_empty());
    }

    #[test]
    fn neighbors_stand_together() {
        // Ten things with ten photos each, whose names alternate.
        let of_thing = |thing: usize| {
            let photos = (0..10).map(move |k| thing + 10 * k);
            photos
                .clone()
                .flat_map(move |a| photos.clone().filter(move |b| a < *b).map(move |b| [a, b]))
        };
        let mut pairs: Vec<[usize; 2]> = (0..10).flat_map(of_thing).collect();
        pairs.sort_unstable();
        let needed = |pairs: &[[usize; 2]]| groups(pairs, |p| *p, 20).len();
        let (before, mut sorted) = (needed(&pairs), pairs.clone());
        sort_by_neighborhood(&mut sorted, |p| *p);
        assert!(before >= 15 && needed(&sorted) == 5, "{before}");
        sorted.sort_unstable();
        assert_eq!(sorted, pairs);
    }
}
