//! Selection of candidate pairs, and their geometric verification.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::pixels::{groups, in_turn, sort_by_neighborhood};
use super::read::{Entry, Loaded, features_of, loaded};
use super::{ClusterOptions, EvidenceSummary, FolderClusters, FolderSession, VerifiedPair};
use crate::candidates::{Proposals, Scratch, Similarities, candidate_pairs};
use crate::error::Result;
use crate::features::FeatureSet;
use crate::matching::{MatchingOptions, SearchKind};
use crate::pipeline::evidence::{feature_evidence, pair_evidence};
use crate::pipeline::observer::{Counter, Stage};
use crate::pipeline::{FeatureMatch, MatchOptions, match_features, seed_from_content};
use crate::refinement::RefinementImage;
use crate::scoring::{Judgement, PairEvidence, PixelEvidence};
use crate::store::{ContentHash, PairRecord, SettingsId};

/// Changes when the same features and options give other pairs than before.
const VERIFICATION_VERSION: u32 = 9;
/// Batch size for reading and writing pairs in the store.
pub(super) const CHUNK: usize = 2048;

/// Pairs at least this probable by their features are reported as linked before pixels are compared; all of them
/// are compared.
const LINKED_BY_FEATURES: f64 = 0.74;

/// Pairs of photos by index, the lesser first.
pub(super) type Pairs = [(u32, u32)];

/// The verified pairs of a folder.
pub(super) struct Verified {
    pub pairs: Vec<VerifiedPair>,
    /// Those that are worth comparing by pixels.
    pub worthy: Vec<Worthy>,
}

/// A pair that is worth comparing by pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Worthy {
    /// Its place in [`Verified::pairs`].
    pub at: u32,
    /// By [`Judgement::worth`].
    pub worth: f32,
    /// Whether the store has its pixel evidence.
    pub has_pixels: bool,
}

/// The pairs to verify, sorted.
pub(super) fn pairs_to_verify(
    session: &FolderSession<'_>,
    entries: &[Entry],
    similarities: Similarities,
) -> Result<Vec<(u32, u32)>> {
    let count = entries.len();
    let options = session.options;
    if options.verifies_all(count) {
        let count = count as u32;
        let pairs = (0..count).flat_map(|i| (i + 1..count).map(move |j| (i, j)));
        return Ok(pairs.collect());
    }
    let counter = Counter::new(session.observer, Stage::Propose, 1);
    let num_keypoints: Vec<usize> = entries.iter().map(|e| e.num_keypoints).collect();
    let hashes: Vec<ContentHash> = entries.iter().map(|e| e.hash).collect();
    let settings = session.feature_settings();
    let features = |photo: usize| {
        counter.check()?;
        features_of(session, settings, &entries[photo])
    };
    let proposals = Proposals {
        num_keypoints: &num_keypoints,
        ranks: &hashes,
        features,
        scratch: Scratch::new(session.scratch()),
        warn: &|text| session.observer.warn(text),
        check: &|| counter.check(),
    };
    let pairs = candidate_pairs(&proposals, similarities, &options.candidates)?;
    counter.count(false);
    Ok(pairs)
}

/// The store's settings of this run's pairs.
pub(super) fn pair_settings(session: &FolderSession<'_>) -> Option<SettingsId> {
    session.using(|store| store.settings(&session.pair_settings_text()))
}

impl FolderSession<'_> {
    /// Everything that this run's pairs depend on.
    pub(super) fn pair_settings_text(&self) -> String {
        settings_text(&self.extraction_settings(), &self.options.matching)
    }
}

/// Everything that a pair's record depends on.
pub(super) fn settings_text(extraction_settings: &str, options: &MatchOptions) -> String {
    // Every search gives the same pairs.
    let matching = MatchingOptions {
        search: SearchKind::Auto,
        ..options.matching.clone()
    };
    format!(
        "pairs {VERIFICATION_VERSION}, {matching:?}, {:?}, {:?}, {extraction_settings}",
        options.verification, options.refinement
    )
}

/// Scores each pair by its features; matches and verifies those that are not in the store.
pub(super) fn verify_pairs(
    session: &FolderSession<'_>,
    entries: &[Entry],
    pairs: &Pairs,
    judgement: &Judgement,
) -> Result<Verified> {
    let settings = pair_settings(session);
    let counter = Counter::new(session.observer, Stage::Verify, pairs.len());
    let mut verified = Verified {
        pairs: Vec::with_capacity(pairs.len()),
        worthy: Vec::new(),
    };
    let mut unknown: Vec<u32> = Vec::new();
    for chunk in pairs.chunks(CHUNK) {
        counter.check()?;
        let known = known_pairs(session, entries, settings, chunk);
        let judged: Vec<(VerifiedPair, Option<f32>)> = chunk
            .par_iter()
            .zip(&known)
            .map(|(&pair, known)| {
                let record = known.unwrap_or_default();
                judged(session.options, names(entries, pair), record, judgement)
            })
            .collect();
        for ((pair, worth), known) in judged.into_iter().zip(known) {
            tell_likely_link(session, &pair);
            let at = verified.pairs.len() as u32;
            verified.pairs.push(pair);
            match known {
                None => unknown.push(at),
                Some(_) => counter.count(true),
            }
            let has_pixels = known.is_some_and(|record| record.pixels.is_some());
            verified.worthy.extend(worth.map(|worth| Worthy {
                at,
                worth,
                has_pixels,
            }));
        }
    }
    let photos = |at: &u32| {
        let (image1, image2) = pairs[*at as usize];
        [image1 as usize, image2 as usize]
    };
    if entries.len() > session.max_loaded {
        sort_by_neighborhood(&mut unknown, photos);
    }
    // Each is stored as a whole.
    let groups: Vec<&[u32]> = groups(&unknown, photos, session.max_loaded)
        .into_iter()
        .flat_map(|range| unknown[range].chunks(CHUNK))
        .collect();
    let feature_settings = session.feature_settings();
    let load = |photo: usize| loaded(session, feature_settings, &entries[photo]).map(Some);
    let verify = |group: &&[u32], loaded: &BTreeMap<usize, Loaded>| {
        let found = group.par_iter().map(|&at| {
            counter.check()?;
            let pair = pairs[at as usize];
            let record = verify_pair(session, entries, loaded, pair)?;
            let (judged, worth) = judged(session.options, names(entries, pair), record, judgement);
            counter.count(false);
            Ok((record, judged, worth))
        });
        found.collect::<Result<Vec<_>>>()
    };
    let finish = |group: &&[u32], found: Vec<(PairRecord, VerifiedPair, Option<f32>)>| {
        let mut new = Vec::with_capacity(found.len());
        for (&at, (record, judged, worth)) in group.iter().zip(found) {
            new.push((hashes(entries, pairs[at as usize]), record));
            tell_likely_link(session, &judged);
            verified.pairs[at as usize] = judged;
            verified.worthy.extend(worth.map(|worth| Worthy {
                at,
                worth,
                has_pixels: false,
            }));
        }
        if let Some(settings) = settings {
            session.using(|store| store.put_pairs(settings, &new));
        }
    };
    let photos = |group: &&[u32]| group.iter().flat_map(photos).collect();
    in_turn(&groups, photos, load, verify, finish)?;
    verified.worthy.sort_unstable_by_key(|pair| pair.at);
    Ok(verified)
}

/// Reports to the observer a pair that features alone link.
fn tell_likely_link(session: &FolderSession<'_>, pair: &VerifiedPair) {
    if pair.probability() >= LINKED_BY_FEATURES {
        tell_link(session, pair);
    }
}

/// Reports to the observer a pair that is linked.
pub(super) fn tell_link(session: &FolderSession<'_>, pair: &VerifiedPair) {
    if pair.is_linked(session.options) {
        session.observer.linked(pair.image1, pair.image2);
    }
}

/// Identity of a pair: the indices of its photos, the lesser first, and their content.
#[derive(Debug, Clone, Copy)]
pub(super) struct PairNames {
    pub images: [usize; 2],
    pub hashes: [ContentHash; 2],
}

impl PairNames {
    /// Whether the order of the photos' content is not that of their indices.
    pub(super) fn is_swapped(&self) -> bool {
        self.hashes[0] > self.hashes[1]
    }

    /// Whether both photos are one file, byte for byte.
    fn are_equal(&self) -> bool {
        self.hashes[0] == self.hashes[1]
    }

    /// The photos in the order of their content, which is the order they are matched in, so that names
    /// change nothing.
    pub(super) fn by_content(&self) -> [usize; 2] {
        let [image1, image2] = self.images;
        match self.is_swapped() {
            true => [image2, image1],
            false => [image1, image2],
        }
    }
}

pub(super) fn names(entries: &[Entry], (image1, image2): (u32, u32)) -> PairNames {
    let images = [image1 as usize, image2 as usize];
    PairNames {
        images,
        hashes: images.map(|image| entries[image].hash),
    }
}

/// The score of a pair by its features, and [`Judgement::worth`] of its pixels; none where they are not compared.
pub(super) fn judged(
    options: &ClusterOptions,
    names: PairNames,
    record: PairRecord,
    judgement: &Judgement,
) -> (VerifiedPair, Option<f32>) {
    let record = PairRecord {
        pixels: None,
        ..record
    };
    let mut pair = judged_pair(names, &record, judgement);
    if options.matching.refinement.is_none() {
        return (pair, None);
    }
    let worth = record.features.and_then(|found| judgement.worth(&found));
    if worth.is_none() && !pair.is_same_file() {
        pair.log_odds = pair.log_odds.min(judgement.max_not_compared());
    }
    (pair, worth)
}

/// The score of a pair by its record.
pub(super) fn judged_pair(
    names: PairNames,
    record: &PairRecord,
    judgement: &Judgement,
) -> VerifiedPair {
    let [image1, image2] = names.images;
    let PairRecord {
        features, pixels, ..
    } = *record;
    let evidence = features.map(|features| PairEvidence { features, pixels });
    // The evidence has the photos in the order of their content.
    let summary = |pixels: PixelEvidence| {
        let mut summary = EvidenceSummary::from(&pixels);
        if names.is_swapped() {
            summary.explained.swap(0, 1);
        }
        summary
    };
    let (log_odds, relation) = judgement.verdict(evidence.as_ref(), names.are_equal());
    VerifiedPair {
        image1,
        image2,
        num_matches: record.num_matches as usize,
        num_inliers: record.num_inliers as usize,
        log_odds,
        relation,
        evidence: pixels.map(summary),
    }
}

pub(super) fn known_pairs(
    session: &FolderSession<'_>,
    entries: &[Entry],
    settings: Option<SettingsId>,
    pairs: &Pairs,
) -> Vec<Option<PairRecord>> {
    let keys: Vec<_> = pairs.iter().map(|&pair| hashes(entries, pair)).collect();
    settings
        .and_then(|settings| session.using(|store| store.pairs(settings, &keys)))
        .unwrap_or_else(|| vec![None; pairs.len()])
}

/// The photos of a pair in the order of their content.
fn by_content(entries: &[Entry], pair: (u32, u32)) -> [usize; 2] {
    names(entries, pair).by_content()
}

/// The key of a pair in the store.
pub(super) fn hashes(entries: &[Entry], pair: (u32, u32)) -> (ContentHash, ContentHash) {
    let [first, second] = by_content(entries, pair);
    (entries[first].hash, entries[second].hash)
}

fn verify_pair(
    session: &FolderSession<'_>,
    entries: &[Entry],
    loaded: &BTreeMap<usize, Loaded>,
    pair: (u32, u32),
) -> Result<PairRecord> {
    let both = by_content(entries, pair);
    let hashes = both.map(|photo| &entries[photo].hash);
    let photos = both.map(|photo| &loaded[&photo]);
    verify_loaded(hashes, photos, &session.options.matching)
}

/// The record of two photos by features; the photos are in the order of their content.
pub(super) fn verify_loaded(
    hashes: [&ContentHash; 2],
    [a, b]: [&Loaded; 2],
    options: &MatchOptions,
) -> Result<PairRecord> {
    let features = [&a.features, &b.features];
    let found = match_loaded(hashes, features, options)?;
    let evidence = feature_evidence(features, [&a.tree, &b.tree], &found);
    Ok(PairRecord {
        num_matches: found.matches.len() as u32,
        num_inliers: found.num_inliers() as u32,
        features: evidence.map(|(evidence, _)| evidence),
        pixels: None,
    })
}

/// Evidence of a pair, with its pixels; none without an overlap.
pub(super) fn compare_pair(
    session: &FolderSession<'_>,
    entries: &[Entry],
    loaded: &BTreeMap<usize, Loaded>,
    images: &BTreeMap<usize, RefinementImage>,
    pair: (u32, u32),
) -> Result<Option<PairRecord>> {
    let [first, second] = by_content(entries, pair);
    let (Some(image_a), Some(image_b)) = (images.get(&first), images.get(&second)) else {
        return Ok(None);
    };
    let hashes = [first, second].map(|photo| &entries[photo].hash);
    let photos = [first, second].map(|photo| &loaded[&photo]);
    compare_loaded(
        hashes,
        photos,
        [image_a, image_b],
        &session.options.matching,
    )
}

/// As [`compare_pair`], of two photos in the order of their content.
pub(super) fn compare_loaded(
    hashes: [&ContentHash; 2],
    [a, b]: [&Loaded; 2],
    images: [&RefinementImage; 2],
    options: &MatchOptions,
) -> Result<Option<PairRecord>> {
    let features = [&a.features, &b.features];
    let found = match_loaded(hashes, features, options)?;
    let evidence = pair_evidence(features, [&a.tree, &b.tree], &found, Some(images));
    Ok(evidence.map(|(evidence, _)| PairRecord {
        num_matches: found.matches.len() as u32,
        num_inliers: found.num_inliers() as u32,
        features: Some(evidence.features),
        pixels: evidence.pixels,
    }))
}

/// Matches two photos in the order of their content.
fn match_loaded(
    [first, second]: [&ContentHash; 2],
    [a, b]: [&FeatureSet; 2],
    options: &MatchOptions,
) -> Result<FeatureMatch> {
    match_features(a, b, options, seed_from_content(first, second))
}

/// Matches a pair by its features; also returns its photos in the order of the match, by content.
pub(super) fn match_entries(
    session: &FolderSession<'_>,
    entries: &[Entry],
    pair: (u32, u32),
) -> Result<([usize; 2], FeatureMatch)> {
    let both = by_content(entries, pair);
    let settings = session.feature_settings();
    let features = |photo: usize| features_of(session, settings, &entries[photo]);
    let (a, b) = (features(both[0])?, features(both[1])?);
    let hashes = both.map(|photo| &entries[photo].hash);
    let found = match_loaded(hashes, [&a, &b], &session.options.matching)?;
    Ok((both, found))
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
    let images = [pair.image1, pair.image2];
    let names = PairNames {
        images,
        hashes: images.map(|image| *hash(image)),
    };
    let both = names.by_content();
    let (Some(a), Some(b)) = (features.get(&both[0]), features.get(&both[1])) else {
        return Ok(None);
    };
    let again = match_loaded(both.map(hash), [a, b], &session.options.matching)?;
    Ok(Some((both, again)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scoring::FeatureEvidence;

    fn record(num_inliers: u32) -> PairRecord {
        PairRecord {
            num_matches: 50,
            num_inliers,
            features: Some(FeatureEvidence::of(num_inliers)),
            pixels: None,
        }
    }

    #[test]
    fn a_pair_that_pixels_cannot_leave_open_is_a_no() {
        // By features every pair is a yes; from 20 inliers on its pixels are worth comparing.
        let constant = r#"{"inputs": [], "base": 1.0, "trees": []}"#;
        let none = r#"{"inputs": [], "base": 0.0, "trees": []}"#;
        let worth = r#"{"inputs": ["ln_inliers"], "base": 0.0, "trees": [[[0, 3.0, 1, 2], [-5.0], [0.0]]]}"#;
        let text = format!(
            r#"{{"version": 4, "no_transform": -6.0, "max_not_compared": -4.0, "min_worth": -3.0, "share": 0.4,
                "features": {constant}, "worth": {worth}, "pixels": {constant}, "differences": {none},
                    "copies": {constant}}}"#
        );
        let judgement = Judgement::parse(&text).unwrap();
        let names = PairNames {
            images: [0, 1],
            hashes: [[0; 32], [1; 32]],
        };
        let mut options = ClusterOptions::default();
        let judge = |options: &ClusterOptions, num_inliers| {
            let (pair, worth) = judged(options, names, record(num_inliers), &judgement);
            (pair.log_odds, worth)
        };
        assert_eq!(judge(&options, 10), (-4.0, None));
        assert_eq!(judge(&options, 30), (1.0, Some(0.0)));
        // Without pixels, features decide.
        options.matching.refinement = None;
        assert_eq!(judge(&options, 10), (1.0, None));
    }
}
