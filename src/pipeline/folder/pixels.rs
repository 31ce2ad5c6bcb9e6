//! The pixels of many pairs of photos, a group of pairs at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::PathBuf;

use rayon::prelude::*;

use super::Session;
use super::color::ColorMap;
use crate::image::Photo;
use crate::refinement::{RefinementImage, RefinementOptions};
use crate::store::ContentHash;

/// What is read of a photo's pixels.
pub(super) struct Pixels {
    pub(super) refinement: RefinementImage,
    pub(super) colors: ColorMap,
}

/// Runs of pairs that need at most `max_photos` photos each.
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

/// These photos, ready for refinement; `source` says where a photo lies and what its file holds. One that
/// can no longer be read, or is another file now, is left out.
pub(super) fn prepare(
    session: &Session<'_>,
    photos: BTreeSet<usize>,
    source: impl Fn(usize) -> (PathBuf, ContentHash) + Sync,
    refinement: &RefinementOptions,
) -> BTreeMap<usize, Pixels> {
    let prepare = |index: usize| {
        let (path, hash) = source(index);
        let photo = Photo::open(path, &session.options.matching.decode).ok()?;
        if *photo.content_hash() != hash {
            return None;
        }
        let pixels = Pixels {
            refinement: RefinementImage::from_rgb(photo.pixels(), refinement).ok()?,
            colors: ColorMap::new(photo.pixels()),
        };
        Some((index, pixels))
    };
    photos.into_par_iter().filter_map(prepare).collect()
}

#[cfg(test)]
mod tests {
    use super::groups;

    #[test]
    fn a_group_needs_few_photos_and_every_pair_is_in_one() {
        let pairs = [[0, 1], [0, 2], [1, 2], [3, 4], [3, 5], [0, 5]];
        assert_eq!(groups(&pairs, |p| *p, 3), [0..3, 3..5, 5..6]);
        assert_eq!(groups(&pairs, |p| *p, 6).len(), 1);
        assert_eq!(groups(&pairs, |p| *p, 0).len(), 6);
        assert!(groups(&pairs[..0], |p| *p, 3).is_empty());
    }
}
