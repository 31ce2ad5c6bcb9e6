//! Decoding the photos of many pairs, one group of pairs at a time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;
use std::path::PathBuf;

use rayon::prelude::*;

use super::FolderSession;
use crate::error::{Error, Result};
use crate::image::Photo;
use crate::refinement::{RefinementImage, RefinementOptions};
use crate::store::ContentHash;

/// Last photos of the order whose neighbours come next; about the number of photos held at a time.
const WINDOW: usize = 256;

/// Sorts distinct pairs so that those of the same photos are adjacent: by an order of the photos in which the next is
/// the one with the most neighbours among the last [`WINDOW`] photos (Wei, Yu, Lu and Lin, SIGMOD 2016). Where none has any, a
/// photo with few neighbours begins anew.
pub(super) fn sort_by_neighborhood<T>(pairs: &mut [T], photos: impl Fn(&T) -> [usize; 2]) {
    let neighbors = Neighbors::new(pairs.iter().map(&photos));
    let num_photos = neighbors.starts.len() - 1;
    let mut starts: Vec<u32> = (0..num_photos as u32).collect();
    starts.sort_unstable_by_key(|&photo| (neighbors.of(photo).len(), photo));
    let mut starts = starts.into_iter();
    let mut near = ByCount::new(num_photos);
    let mut places = vec![u32::MAX; num_photos];
    let mut window = VecDeque::with_capacity(WINDOW + 1);
    for place in 0..num_photos as u32 {
        let mut unplaced = || starts.find(|&photo| places[photo as usize] == u32::MAX);
        let Some(next) = near.pop_most().or_else(&mut unplaced) else {
            break;
        };
        places[next as usize] = place;
        let is_unplaced = |photo: &&u32| places[**photo as usize] == u32::MAX;
        for &photo in neighbors.of(next).iter().filter(is_unplaced) {
            near.raise(photo);
        }
        window.push_back(next);
        if window.len() > WINDOW
            && let Some(last) = window.pop_front()
        {
            for &photo in neighbors.of(last).iter().filter(is_unplaced) {
                near.lower(photo);
            }
        }
    }
    pairs.sort_by_key(|pair| {
        let [a, b] = photos(pair).map(|photo| places[photo]);
        (a.max(b), a.min(b))
    });
}

/// Photos by a count above 0, in a list for each count; 12 bytes a photo.
struct ByCount {
    counts: Vec<u32>,
    /// The photos before and after each in its list.
    links: Vec<[u32; 2]>,
    /// The first photo of each count's list.
    first: Vec<u32>,
    /// No list of a higher count has photos.
    most: usize,
}

/// No photo.
const NONE: u32 = u32::MAX;

impl ByCount {
    fn new(num_photos: usize) -> Self {
        Self {
            counts: vec![0; num_photos],
            links: vec![[NONE; 2]; num_photos],
            first: vec![NONE],
            most: 0,
        }
    }

    /// Removes and returns a photo of the highest count, the one that got it last.
    fn pop_most(&mut self) -> Option<u32> {
        while self.most > 0 && self.first[self.most] == NONE {
            self.most -= 1;
        }
        let photo = Some(self.first[self.most]).filter(|&photo| photo != NONE)?;
        self.set(photo, 0);
        Some(photo)
    }

    fn raise(&mut self, photo: u32) {
        self.set(photo, self.counts[photo as usize] + 1);
    }

    fn lower(&mut self, photo: u32) {
        self.set(photo, self.counts[photo as usize] - 1);
    }

    fn set(&mut self, photo: u32, after: u32) {
        let (at, before) = (photo as usize, self.counts[photo as usize]);
        if before > 0 {
            let [previous, next] = self.links[at];
            match previous {
                NONE => self.first[before as usize] = next,
                previous => self.links[previous as usize][1] = next,
            }
            if next != NONE {
                self.links[next as usize][0] = previous;
            }
        }
        if after > 0 {
            if self.first.len() <= after as usize {
                self.first.resize(after as usize + 1, NONE);
            }
            let next = self.first[after as usize];
            if next != NONE {
                self.links[next as usize][0] = photo;
            }
            self.links[at] = [NONE, next];
            self.first[after as usize] = photo;
            self.most = self.most.max(after as usize);
        }
        self.counts[at] = after;
    }
}

/// The neighbours of each photo, one list after the other.
struct Neighbors {
    /// Start of each photo's list, and the length of all.
    starts: Vec<usize>,
    photos: Vec<u32>,
}

impl Neighbors {
    fn new(pairs: impl Iterator<Item = [usize; 2]> + Clone) -> Self {
        let num_photos = pairs.clone().flatten().max().map_or(0, |last| last + 1);
        let mut starts = vec![0; num_photos + 1];
        for photo in pairs.clone().flatten() {
            starts[photo + 1] += 1;
        }
        for photo in 0..num_photos {
            starts[photo + 1] += starts[photo];
        }
        let mut next = starts.clone();
        let mut photos = vec![0; starts[num_photos]];
        for [a, b] in pairs.flat_map(|[a, b]| [[a, b], [b, a]]) {
            photos[next[a]] = b as u32;
            next[a] += 1;
        }
        Self { starts, photos }
    }

    fn of(&self, photo: u32) -> &[u32] {
        &self.photos[self.starts[photo as usize]..self.starts[photo as usize + 1]]
    }
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

/// Drops all but these photos; returns those that are missing.
pub(super) fn keep<T>(held: &mut BTreeMap<usize, T>, wanted: &BTreeSet<usize>) -> Vec<usize> {
    held.retain(|photo, _| wanted.contains(photo));
    missing(held, wanted)
}

/// Those of these photos that are not held.
fn missing<T>(held: &BTreeMap<usize, T>, wanted: &BTreeSet<usize>) -> Vec<usize> {
    let missing = wanted.iter().filter(|photo| !held.contains_key(photo));
    missing.copied().collect()
}

/// Makes `held` hold exactly the results of `make` for these photos, if any; those present are kept.
///
/// # Errors
/// Those of `make`.
pub(super) fn hold<T: Send>(
    held: &mut BTreeMap<usize, T>,
    photos: BTreeSet<usize>,
    make: impl Fn(usize) -> Result<Option<T>> + Sync,
) -> Result<()> {
    let missing = keep(held, &photos);
    held.extend(made(missing, make)?);
    Ok(())
}

/// The results of `make` for these photos, if any.
fn made<T: Send>(
    photos: Vec<usize>,
    make: impl Fn(usize) -> Result<Option<T>> + Sync,
) -> Result<Vec<(usize, T)>> {
    let made: Vec<(usize, Option<T>)> = photos
        .into_par_iter()
        .map(|index| Ok((index, make(index)?)))
        .collect::<Result<_>>()?;
    let some = made
        .into_iter()
        .filter_map(|(index, value)| Some((index, value?)));
    Ok(some.collect())
}

/// Calls `work` with each group of pairs and the results of `make` for its photos, and `finish` with what it returns,
/// one group after the other. While `work` runs, the group before is finished and the photos of the next are made.
///
/// # Errors
/// Those of `make` and `work`; what `work` has returned is finished nonetheless.
pub(super) fn in_turn<G: Sync, T: Send + Sync, R: Send>(
    groups: &[G],
    photos: impl Fn(&G) -> BTreeSet<usize>,
    make: impl Fn(usize) -> Result<Option<T>> + Sync,
    work: impl Fn(&G, &BTreeMap<usize, T>) -> Result<R> + Sync,
    mut finish: impl FnMut(&G, R) + Send,
) -> Result<()> {
    let wanted = |at: usize| groups.get(at).map(&photos).unwrap_or_default();
    let mut held = BTreeMap::new();
    hold(&mut held, wanted(0), &make)?;
    let mut unfinished = None;
    for (at, group) in groups.iter().enumerate() {
        let next = wanted(at + 1);
        let to_make = missing(&held, &next);
        let (result, made) = rayon::join(
            || work(group, &held),
            || {
                if let Some((group, result)) = unfinished.take() {
                    finish(group, result);
                }
                made(to_make, &make)
            },
        );
        match (result?, made) {
            (result, Ok(made)) => {
                unfinished = Some((group, result));
                held.retain(|photo, _| next.contains(photo));
                held.extend(made);
            }
            (result, Err(error)) => {
                finish(group, result);
                return Err(error);
            }
        }
    }
    if let Some((group, result)) = unfinished {
        finish(group, result);
    }
    Ok(())
}

/// Makes `images` hold exactly these photos, prepared for refinement; those present are kept. `source`
/// gives the path and content hash of a photo. A photo that is unreadable or has changed is left out.
///
/// # Errors
/// [`Error::Cancelled`].
pub(super) fn prepare(
    session: &FolderSession<'_>,
    images: &mut BTreeMap<usize, RefinementImage>,
    photos: BTreeSet<usize>,
    source: impl Fn(usize) -> (PathBuf, ContentHash) + Sync,
    refinement: &RefinementOptions,
) -> Result<()> {
    let open = |index: usize| {
        let (path, hash) = source(index);
        let photo = Photo::open(path, &session.options.matching.decode).ok()?;
        prepared(&photo, &hash, refinement)
    };
    hold(images, photos, |index| {
        match session.observer.is_cancelled() {
            true => Err(Error::Cancelled),
            false => Ok(open(index)),
        }
    })
}

/// A photo prepared for refinement; none where its content has another hash.
pub(super) fn prepared(
    photo: &Photo,
    hash: &ContentHash,
    refinement: &RefinementOptions,
) -> Option<RefinementImage> {
    let is_same = photo.content_hash() == hash;
    let image = is_same.then(|| RefinementImage::from_rgb(photo.pixels(), refinement));
    image?.ok()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::sync::Mutex;

    use super::{groups, in_turn, sort_by_neighborhood};
    use crate::error::{Error, Result};

    /// The photos made, the groups finished, and whether all went well; `is_bad` photos cannot be made, and work on
    /// `bad` groups fails.
    fn worked_on(
        groups: &[[usize; 2]],
        is_bad: impl Fn(usize) -> bool + Sync,
        bad: Option<[usize; 2]>,
    ) -> (Vec<usize>, Vec<[usize; 2]>, bool) {
        let (made, mut finished) = (Mutex::new(Vec::new()), Vec::new());
        let make = |photo: usize| {
            if is_bad(photo) {
                return Err(Error::Cancelled);
            }
            made.lock().unwrap().push(photo);
            Ok((photo != 5).then_some(photo * 10))
        };
        let work = |group: &[usize; 2], held: &BTreeMap<usize, usize>| -> Result<[usize; 2]> {
            let expected: BTreeMap<usize, usize> = group
                .iter()
                .filter(|photo| **photo != 5)
                .map(|photo| (*photo, photo * 10))
                .collect();
            assert_eq!(*held, expected);
            if bad == Some(*group) {
                return Err(Error::Cancelled);
            }
            Ok(*group)
        };
        let finish = |group: &[usize; 2], result: [usize; 2]| {
            assert_eq!(*group, result);
            finished.push(result);
        };
        let photos = |group: &[usize; 2]| BTreeSet::from(*group);
        let is_done = in_turn(groups, photos, make, work, finish).is_ok();
        let mut made = made.into_inner().unwrap();
        made.sort_unstable();
        (made, finished, is_done)
    }

    #[test]
    fn groups_are_worked_on_in_turn_with_their_photos() {
        let groups = [[1, 2], [2, 3], [3, 2], [5, 6], [1, 6]];
        let (made, finished, is_done) = worked_on(&groups, |_| false, None);
        assert!(is_done);
        assert_eq!(finished, groups);
        // Photo 1 is needed again after it was dropped; nothing comes of photo 5.
        assert_eq!(made, [1, 1, 2, 3, 5, 6]);
        assert_eq!(worked_on(&[], |_| false, None), (vec![], vec![], true));
    }

    #[test]
    fn what_was_worked_on_before_an_error_is_finished() {
        let groups = [[1, 2], [2, 3], [4, 6], [5, 6]];
        let (_, finished, is_done) = worked_on(&groups, |photo| photo == 4, None);
        assert_eq!((finished.as_slice(), is_done), (&groups[..2], false));
        let (_, finished, is_done) = worked_on(&groups, |_| false, Some([4, 6]));
        assert_eq!((finished.as_slice(), is_done), (&groups[..2], false));
        assert_eq!(worked_on(&groups, |_| true, None).1.len(), 0);
    }

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
