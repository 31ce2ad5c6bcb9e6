//! Selection of candidate pairs, and their geometric verification.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::read::Entry;
use super::{FolderClusters, FolderSession, VerifiedPair};
use crate::candidates::{Similarities, candidate_pairs};
use crate::error::Result;
use crate::features::FeatureSet;
use crate::matching::{MatchingOptions, SearchKind};
use crate::pipeline::evidence::feature_evidence;
use crate::pipeline::observer::{Counter, Stage};
use crate::pipeline::{FeatureMatch, match_features, seed_from_content};
use crate::store::{ContentHash, PairRecord, SettingsId};

/// Changes when the same features and options give other pairs than before.
const VERIFICATION_VERSION: u32 = 4;
/// Batch size for reading and writing pairs in the store.
const CHUNK: usize = 2048;
/// Random pairs that estimate the folder's null distribution where not all pairs are verified.
const NUM_RANDOM: usize = 2000;

/// A verified pair of photos by index; image1 is before image2.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub image1: usize,
    pub image2: usize,
    pub record: PairRecord,
}

/// The pairs to verify, sorted.
pub(super) fn pairs_to_verify(
    session: &FolderSession<'_>,
    entries: &[Entry],
    similarities: &Similarities,
) -> Result<Vec<(usize, usize)>> {
    let count = entries.len();
    let options = session.options;
    if options.exhaustive || count <= options.max_exhaustive {
        let pairs = (0..count).flat_map(|i| (i + 1..count).map(move |j| (i, j)));
        return Ok(pairs.collect());
    }
    let counter = Counter::new(session.observer, Stage::Propose, 1);
    let features: Vec<&FeatureSet> = entries.iter().map(|e| &e.features).collect();
    let hashes: Vec<ContentHash> = entries.iter().map(|e| e.hash).collect();
    let mut pairs: BTreeSet<(usize, usize)> =
        candidate_pairs(&features, similarities, &hashes, &options.candidates)?
            .into_iter()
            .collect();
    pairs.extend(random_pairs(&hashes));
    counter.count(false);
    Ok(pairs.into_iter().collect())
}

/// About [`NUM_RANDOM`] pairs, chosen by the photos' content alone: neighbours in the order of their
/// hashes, so that a photo more in the folder changes few of them.
fn random_pairs(hashes: &[ContentHash]) -> Vec<(usize, usize)> {
    let count = hashes.len();
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|&photo| (hashes[photo], photo));
    let max_distance = NUM_RANDOM
        .div_ceil(count.max(1))
        .min(count.saturating_sub(1) / 2);
    let ring = (1..=max_distance)
        .flat_map(|distance| (0..count).map(move |at| (at, (at + distance) % count)));
    ring.map(|(a, b)| (order[a], order[b]))
        .map(|(i, j)| (i.min(j), i.max(j)))
        .collect()
}

/// Everything that a pair's record depends on.
pub(super) fn pair_settings(session: &FolderSession<'_>) -> Option<SettingsId> {
    let options = &session.options.matching;
    // Every search gives the same pairs.
    let matching = MatchingOptions {
        search: SearchKind::Auto,
        ..options.matching.clone()
    };
    let text = format!(
        "pairs {VERIFICATION_VERSION}, {:?}, {:?}, {:?}, {}",
        matching,
        options.verification,
        options.refinement,
        session.extraction_settings()
    );
    session.using(|store| store.settings(&text))
}

/// The photos of a pair in the order of their content, which is the order they are matched in, so
/// that names change nothing.
fn by_content(entries: &[Entry], (image1, image2): (usize, usize)) -> (usize, usize) {
    if entries[image1].hash <= entries[image2].hash {
        (image1, image2)
    } else {
        (image2, image1)
    }
}

/// Matches and verifies each pair that is not in the store.
pub(super) fn verify_pairs(
    session: &FolderSession<'_>,
    entries: &[Entry],
    pairs: &[(usize, usize)],
) -> Result<Vec<Found>> {
    let settings = pair_settings(session);
    let counter = Counter::new(session.observer, Stage::Verify, pairs.len());
    let mut found = Vec::with_capacity(pairs.len());
    for chunk in pairs.chunks(CHUNK) {
        let known = known_pairs(session, entries, settings, chunk);
        let records: Vec<PairRecord> = chunk
            .par_iter()
            .zip(&known)
            .map(|(&pair, known)| {
                counter.check()?;
                let record = match known {
                    Some(record) => *record,
                    None => verify_pair(session, entries, pair)?,
                };
                counter.count(known.is_some());
                Ok(record)
            })
            .collect::<Result<_>>()?;
        let new: Vec<_> = chunk
            .iter()
            .zip(&records)
            .zip(&known)
            .filter(|(_, known)| known.is_none())
            .map(|((&pair, &record), _)| (hashes(entries, pair), record))
            .collect();
        if let (Some(settings), false) = (settings, new.is_empty()) {
            session.using(|store| store.put_pairs(settings, &new));
        }
        let both = chunk.iter().zip(records);
        found.extend(both.map(|(&(image1, image2), record)| Found {
            image1,
            image2,
            record,
        }));
    }
    Ok(found)
}

fn known_pairs(
    session: &FolderSession<'_>,
    entries: &[Entry],
    settings: Option<SettingsId>,
    pairs: &[(usize, usize)],
) -> Vec<Option<PairRecord>> {
    let keys: Vec<_> = pairs.iter().map(|&pair| hashes(entries, pair)).collect();
    settings
        .and_then(|settings| session.using(|store| store.pairs(settings, &keys)))
        .unwrap_or_else(|| vec![None; pairs.len()])
}

/// The key of a pair in the store.
pub(super) fn hashes(entries: &[Entry], pair: (usize, usize)) -> (ContentHash, ContentHash) {
    let (first, second) = by_content(entries, pair);
    (entries[first].hash, entries[second].hash)
}

fn verify_pair(
    session: &FolderSession<'_>,
    entries: &[Entry],
    pair: (usize, usize),
) -> Result<PairRecord> {
    let ([first, second], found) = match_entries(session, entries, pair)?;
    let (a, b) = (&entries[first], &entries[second]);
    let evidence = feature_evidence([&a.features, &b.features], [&a.tree, &b.tree], &found);
    Ok(PairRecord {
        num_matches: found.matches.len() as u32,
        num_inliers: found.num_inliers() as u32,
        features: evidence.map(|(evidence, _)| evidence),
        pixels: None,
    })
}

/// Matches a pair by its features; also returns its photos in the order of the match, by content.
pub(super) fn match_entries(
    session: &FolderSession<'_>,
    entries: &[Entry],
    pair: (usize, usize),
) -> Result<([usize; 2], FeatureMatch)> {
    let (first, second) = by_content(entries, pair);
    let (a, b) = (&entries[first], &entries[second]);
    let seed = seed_from_content(&a.hash, &b.hash);
    let found = match_features(&a.features, &b.features, &session.options.matching, seed)?;
    Ok(([first, second], found))
}

/// As [`match_entries`], of a pair that was verified in `found`; none where a photo's features are not
/// among `features`.
pub(super) fn match_again(
    session: &FolderSession<'_>,
    features: &BTreeMap<usize, FeatureSet>,
    found: &FolderClusters,
    pair: &VerifiedPair,
) -> Result<Option<([usize; 2], FeatureMatch)>> {
    let hash = |index: usize| &found.photos[index].content_hash;
    let (first, second) = match hash(pair.image1) > hash(pair.image2) {
        true => (pair.image2, pair.image1),
        false => (pair.image1, pair.image2),
    };
    let (Some(a), Some(b)) = (features.get(&first), features.get(&second)) else {
        return Ok(None);
    };
    let seed = seed_from_content(hash(first), hash(second));
    let again = match_features(a, b, &session.options.matching, seed)?;
    Ok(Some(([first, second], again)))
}
