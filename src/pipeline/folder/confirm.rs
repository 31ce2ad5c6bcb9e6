//! Pixel evidence of pairs that are worth aligning by their features.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::FolderSession;
use super::pixels::{groups, prepare, sort_by_neighborhood};
use super::read::Entry;
use super::verify::{Found, hashes, match_entries, pair_settings};
use crate::error::Result;
use crate::pipeline::evidence::pair_evidence;
use crate::pipeline::observer::{Counter, Stage};
use crate::refinement::RefinementImage;
use crate::scoring::{Judgement, PixelEvidence};

/// Photos that are decoded at a time.
const MAX_DECODED: usize = 256;

/// Compares the pixels of pairs that are worth aligning by their features and not in the store; other
/// pairs lose their stored pixel evidence. A pair with an unreadable photo has none.
pub(super) fn compare_pixels(
    session: &FolderSession<'_>,
    entries: &[Entry],
    mut found: Vec<Found>,
    judgement: &Judgement,
) -> Result<Vec<Found>> {
    let Some(refinement) = &session.options.matching.refinement else {
        return Ok(found);
    };
    let mut wanted: Vec<&mut Found> = Vec::new();
    for pair in &mut found {
        let features = pair.record.features.as_ref();
        if features.is_some_and(|features| judgement.is_worth_aligning(features)) {
            wanted.push(pair);
        } else {
            pair.record.pixels = None;
        }
    }
    let counter = Counter::new(session.observer, Stage::Confirm, wanted.len());
    let (known, mut unknown): (Vec<_>, Vec<_>) = wanted
        .into_iter()
        .partition(|pair| pair.record.pixels.is_some());
    known.iter().for_each(|_| counter.count(true));
    let settings = pair_settings(session);
    sort_by_neighborhood(&mut unknown, |f| [f.image1, f.image2]);
    let mut images = BTreeMap::new();
    for range in groups(&unknown, |f| [f.image1, f.image2], MAX_DECODED) {
        counter.check()?;
        let group = &mut unknown[range];
        let photos = group.iter().flat_map(|f| [f.image1, f.image2]).collect();
        let source = |index: usize| (entries[index].path.clone(), entries[index].hash);
        prepare(session, &mut images, photos, source, refinement);
        group.par_iter_mut().try_for_each(|found| {
            counter.check()?;
            let pair = (found.image1, found.image2);
            found.record.pixels = compare(session, entries, pair, &images)?;
            counter.count(false);
            Ok(())
        })?;
        let new: Vec<_> = group
            .iter()
            .filter(|f| f.record.pixels.is_some())
            .map(|f| (hashes(entries, (f.image1, f.image2)), f.record))
            .collect();
        if let Some(settings) = settings {
            session.using(|store| store.put_pairs(settings, &new));
        }
    }
    Ok(found)
}

/// None when a photo can no longer be read, or without an overlap.
fn compare(
    session: &FolderSession<'_>,
    entries: &[Entry],
    pair: (usize, usize),
    images: &BTreeMap<usize, RefinementImage>,
) -> Result<Option<PixelEvidence>> {
    let (Some(_), Some(_)) = (images.get(&pair.0), images.get(&pair.1)) else {
        return Ok(None);
    };
    let ([first, second], found) = match_entries(session, entries, pair)?;
    let (a, b) = (&entries[first], &entries[second]);
    let evidence = pair_evidence(
        [&a.features, &b.features],
        [&a.tree, &b.tree],
        &found,
        Some([&images[&first], &images[&second]]),
    );
    Ok(evidence.and_then(|(evidence, _)| evidence.pixels))
}
