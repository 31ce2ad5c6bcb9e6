//! Agreeing and contradicting places of the least certain pairs.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::pixels::{groups, prepare, sort_by_neighborhood};
use super::verify::match_again;
use super::{FolderClusters, FolderSession, VerifiedPair};
use crate::error::Result;
use crate::features::FeatureSet;
use crate::pipeline::observer::Counter;
use crate::refinement::{AgreementMap, RefinementImage, agreement_map};
use crate::report::ReportPlaces;
use crate::scoring::{CellVerdict, verdicts};

/// Pairs whose compared places the report shows. Each costs two decoded photos, an alignment and about a
/// kilobyte of the page.
const MAX_PAIRS: usize = 300;
/// Photos that are decoded at a time.
const MAX_DECODED: usize = 64;

/// The [`MAX_PAIRS`] least certain of the pairs with pixel evidence.
pub(super) fn least_certain<'a>(pairs: &[&'a VerifiedPair]) -> Vec<&'a VerifiedPair> {
    let compared = pairs.iter().filter(|pair| pair.evidence.is_some());
    let mut compared: Vec<&VerifiedPair> = compared.copied().collect();
    compared.sort_by(|a, b| {
        let certainty = a.log_odds.abs().total_cmp(&b.log_odds.abs());
        certainty.then((a.image1, a.image2).cmp(&(b.image1, b.image2)))
    });
    compared.truncate(MAX_PAIRS);
    compared
}

/// The places of each pair, by its photos. A pair with a photo that can no longer be read, or without
/// an overlap, is left out.
pub(super) fn compared_places(
    session: &FolderSession<'_>,
    features: &BTreeMap<usize, FeatureSet>,
    found: &FolderClusters,
    mut pairs: Vec<&VerifiedPair>,
    counter: &Counter<'_>,
) -> Result<BTreeMap<(usize, usize), ReportPlaces>> {
    let mut all = BTreeMap::new();
    let Some(refinement) = &session.options.matching.refinement else {
        return Ok(all);
    };
    let both = |pair: &&VerifiedPair| [pair.image1, pair.image2];
    sort_by_neighborhood(&mut pairs, both);
    let mut images = BTreeMap::new();
    for range in groups(&pairs, both, MAX_DECODED) {
        let group = &pairs[range];
        let photos = group.iter().flat_map(both).collect();
        let source = |index: usize| {
            let photo = &found.photos[index];
            (session.path_of(photo), photo.content_hash)
        };
        prepare(session, &mut images, photos, source, refinement)?;
        let places = group.par_iter().map(|pair| {
            counter.check()?;
            let map = map(session, features, found, pair, &images)?;
            counter.count(false);
            Ok(map.map(|map| ((pair.image1, pair.image2), places(&map))))
        });
        let places: Vec<_> = places.collect::<Result<_>>()?;
        all.extend(places.into_iter().flatten());
    }
    Ok(all)
}

/// The agreement map of a pair, computed in the order of content as its evidence was.
fn map(
    session: &FolderSession<'_>,
    features: &BTreeMap<usize, FeatureSet>,
    found: &FolderClusters,
    pair: &VerifiedPair,
    images: &BTreeMap<usize, RefinementImage>,
) -> Result<Option<AgreementMap>> {
    let Some(([first, second], result)) = match_again(session, features, found, pair)? else {
        return Ok(None);
    };
    let both = images.get(&first).zip(images.get(&second));
    let map = result.geometry.zip(both);
    let map = map.and_then(|(geometry, (a, b))| agreement_map(a, b, &geometry.matrix));
    Ok(match first == pair.image1 {
        true => map,
        false => map.map(AgreementMap::swapped),
    })
}

fn places(map: &AgreementMap) -> ReportPlaces {
    let of = |wanted: CellVerdict| {
        let places = verdicts(map).filter(|(_, verdict)| *verdict == wanted);
        places
            .map(|(cell, _)| [cell.point2.x as f32, cell.point2.y as f32])
            .collect()
    };
    ReportPlaces {
        agreeing: of(CellVerdict::Agrees),
        contradicting: of(CellVerdict::Contradicts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::EvidenceSummary;

    #[test]
    fn the_least_certain_pairs_come_first() {
        let pair = |image2: usize, log_odds: f64, is_compared: bool| VerifiedPair {
            evidence: is_compared.then_some(EvidenceSummary {
                agreement: 0.5,
                contradiction: 0.5,
                explained: [0.5; 2],
                color_difference: 1.0,
                replaced: 0.0,
            }),
            ..VerifiedPair::of(0, image2, log_odds)
        };
        let pairs = [
            pair(1, 5.0, true),
            pair(2, -0.5, true),
            pair(3, 0.0, false),
            pair(4, 0.5, true),
        ];
        let chosen = least_certain(&pairs.iter().collect::<Vec<_>>());
        let chosen: Vec<usize> = chosen.iter().map(|pair| pair.image2).collect();
        assert_eq!(chosen, [2, 4, 1]);
        let many: Vec<VerifiedPair> = (1..500).map(|i| pair(i, 1.0, true)).collect();
        assert_eq!(
            least_certain(&many.iter().collect::<Vec<_>>()).len(),
            MAX_PAIRS
        );
    }
}
