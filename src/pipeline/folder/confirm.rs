//! Pixel evidence of pairs that are worth aligning by their features.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::pixels::{groups, prepare, sort_by_neighborhood};
use super::read::{Entry, load};
use super::verify::{Verified, compare_pair, hashes, judged_pair, names, pair_settings};
use super::{FolderSession, VerifiedPair};
use crate::error::Result;
use crate::pipeline::observer::{Counter, Stage};
use crate::scoring::Judgement;

/// Photos that are decoded at a time.
pub(super) const MAX_DECODED: usize = 256;

/// Compares the pixels of the pairs that are worth it and not in the store. A pair with an unreadable photo
/// stays as it is.
pub(super) fn compare_pixels(
    session: &FolderSession<'_>,
    entries: &[Entry],
    verified: Verified,
    judgement: &Judgement,
) -> Result<Vec<VerifiedPair>> {
    let Verified {
        mut pairs,
        mut to_compare,
    } = verified;
    let Some(refinement) = &session.options.matching.refinement else {
        return Ok(pairs);
    };
    let num_known = pairs.iter().filter(|pair| pair.evidence.is_some()).count();
    let total = num_known + to_compare.len();
    let counter = Counter::new(session.observer, Stage::Confirm, total);
    (0..num_known).for_each(|_| counter.count(true));
    let settings = pair_settings(session);
    let photos = |at: &u32| {
        let pair = &pairs[*at as usize];
        [pair.image1, pair.image2]
    };
    sort_by_neighborhood(&mut to_compare, photos);
    let ranges = groups(&to_compare, photos, MAX_DECODED);
    let (mut images, mut loaded) = (BTreeMap::new(), BTreeMap::new());
    for range in ranges {
        counter.check()?;
        let group: Vec<(u32, (u32, u32))> = to_compare[range]
            .iter()
            .map(|&at| {
                let pair = &pairs[at as usize];
                (at, (pair.image1 as u32, pair.image2 as u32))
            })
            .collect();
        let photos: BTreeSet<usize> = group
            .iter()
            .flat_map(|(_, (image1, image2))| [*image1 as usize, *image2 as usize])
            .collect();
        load(session, entries, &mut loaded, photos.clone())?;
        let source = |index: usize| (entries[index].path.clone(), entries[index].hash);
        prepare(session, &mut images, photos, source, refinement)?;
        let records: Vec<_> = group
            .par_iter()
            .map(|(_, pair)| {
                counter.check()?;
                let record = compare_pair(session, entries, &loaded, &images, *pair)?;
                counter.count(false);
                Ok(record.filter(|record| record.pixels.is_some()))
            })
            .collect::<Result<_>>()?;
        let mut new = Vec::new();
        for ((at, pair), record) in group.into_iter().zip(records) {
            if let Some(record) = record {
                let judged = judged_pair(names(entries, pair), &record, judgement);
                if judged.is_linked(session.options) {
                    session.observer.linked(judged.image1, judged.image2);
                }
                pairs[at as usize] = judged;
                new.push((hashes(entries, pair), record));
            }
        }
        if let Some(settings) = settings {
            session.using(|store| store.put_pairs(settings, &new));
        }
    }
    Ok(pairs)
}
