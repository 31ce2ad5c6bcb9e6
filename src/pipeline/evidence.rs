//! Builds evidence from a match.

use super::features::{FeatureMatch, positions};
use crate::features::FeatureSet;
use crate::refinement::{AgreementMap, RefinementImage, agreement_map};
use crate::scoring::{FeatureEvidence, GuidedMatches, KeypointTree, PairEvidence, PixelEvidence};

/// Fewest inliers that give evidence; fewer occur by chance.
const MIN_INLIERS: usize = 6;

/// Feature evidence of two photos, and their guided matches; none without a transform.
pub(super) fn feature_evidence(
    features: [&FeatureSet; 2],
    trees: [&KeypointTree; 2],
    found: &FeatureMatch,
) -> Option<(FeatureEvidence, GuidedMatches)> {
    let enough = found.num_inliers() >= MIN_INLIERS;
    let geometry = found.geometry.as_ref().filter(|_| enough)?;
    let guided = GuidedMatches::new(features, trees, &geometry.matrix)?;
    let inliers: Vec<[usize; 2]> = found.inliers().map(|m| [m.index1, m.index2]).collect();
    let evidence = FeatureEvidence::new(
        features,
        found.matches.len(),
        &geometry.matrix,
        &inliers,
        found.global_similarity.unwrap_or(0.0),
        found.num_second_inliers,
        &guided,
    );
    Some((evidence, guided))
}

/// Evidence of two photos, and their agreement map; none without a transform. Without images, features alone.
pub(super) fn pair_evidence(
    features: [&FeatureSet; 2],
    trees: [&KeypointTree; 2],
    found: &FeatureMatch,
    images: Option<[&RefinementImage; 2]>,
) -> Option<(PairEvidence, Option<AgreementMap>)> {
    let (by_features, guided) = feature_evidence(features, trees, found)?;
    let geometry = found.geometry.as_ref()?;
    let map = images.and_then(|[a, b]| agreement_map(a, b, &geometry.matrix));
    let pixels = map.as_ref().map(|map| {
        let inliers = found.inliers();
        let places = inliers.map(|pair| positions(features[0], features[1], pair));
        PixelEvidence::new(features, &guided, places, map)
    });
    let evidence = PairEvidence {
        features: by_features,
        pixels,
    };
    Some((evidence, map))
}
