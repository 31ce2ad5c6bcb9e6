//! Pixel evidence of the pairs that are on the shortlist by their features.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::pixels::{groups, prepare, sort_by_neighborhood};
use super::read::{Entry, load};
use super::verify::{
    CHUNK, Verified, Worthy, compare_pair, hashes, judged_pair, known_pairs, names, pair_settings,
    tell_link,
};
use super::{FolderSession, VerifiedPair};
use crate::error::Result;
use crate::pipeline::observer::{Counter, Stage};
use crate::scoring::{BestPairs, Judgement};

/// Photos that are decoded at a time.
pub(super) const MAX_DECODED: usize = 256;

/// Scores the pairs on the shortlist by their pixels too; compares those that are not in the store. A pair with an
/// unreadable photo stays as it is.
pub(super) fn compare_pixels(
    session: &FolderSession<'_>,
    entries: &[Entry],
    verified: Verified,
    judgement: &Judgement,
) -> Result<Vec<VerifiedPair>> {
    let Verified { mut pairs, worthy } = verified;
    let Some(refinement) = &session.options.matching.refinement else {
        return Ok(pairs);
    };
    let listed = shortlisted(entries.len(), &mut pairs, worthy);
    let counter = Counter::new(session.observer, Stage::Confirm, listed.len());
    let settings = pair_settings(session);
    let (known, unknown): (Vec<Worthy>, Vec<Worthy>) =
        listed.into_iter().partition(|pair| pair.has_pixels);
    let mut to_compare: Vec<u32> = unknown.iter().map(|pair| pair.at).collect();
    for chunk in known.chunks(CHUNK) {
        counter.check()?;
        let photos = chunk.iter().map(|pair| ends(&pairs[pair.at as usize]));
        let photos: Vec<(u32, u32)> = photos.collect();
        let records = known_pairs(session, entries, settings, &photos);
        for ((&Worthy { at, .. }, pair), record) in chunk.iter().zip(photos).zip(records) {
            match record.filter(|record| record.pixels.is_some()) {
                Some(record) => {
                    let judged = judged_pair(names(entries, pair), &record, judgement);
                    tell_link(session, &judged);
                    pairs[at as usize] = judged;
                    counter.count(true);
                }
                None => to_compare.push(at),
            }
        }
    }
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
            .map(|&at| (at, ends(&pairs[at as usize])))
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
                tell_link(session, &judged);
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

/// The pairs that are compared; the log-odds of the others are lowered.
fn shortlisted(
    num_photos: usize,
    pairs: &mut [VerifiedPair],
    mut worthy: Vec<Worthy>,
) -> Vec<Worthy> {
    let mut best = BestPairs::new(num_photos);
    for Worthy { at, worth, .. } in &worthy {
        let pair = &pairs[*at as usize];
        best.add([pair.image1, pair.image2], *worth, pair.log_odds);
    }
    let list = best.shortlist();
    worthy.retain(|Worthy { at, worth, .. }| {
        let pair = &mut pairs[*at as usize];
        let photos = [pair.image1, pair.image2];
        let (is_listed, log_odds) = list.judge(photos, Some(*worth), pair.log_odds);
        pair.log_odds = log_odds;
        is_listed
    });
    worthy
}

/// The photos of a pair.
fn ends(pair: &VerifiedPair) -> (u32, u32) {
    (pair.image1 as u32, pair.image2 as u32)
}
