//! What was found between two photos -> evidence.

use super::features::{FeatureMatch, positions};
use crate::features::FeatureSet;
use crate::refinement::{RefinementImage, agreement_map};
use crate::scoring::{FeatureEvidence, GuidedMatches, KeypointTree, PairEvidence, PixelEvidence};

/// Photos that fewer inliers tie together have no evidence: chance gives as many.
const MIN_INLIERS: usize = 6;

/// What features say of two photos, and where each expects the other's keypoints; none without a
/// transform.
pub(super) fn feature_evidence(
    features: [&FeatureSet; 2],
    trees: [&KeypointTree; 2],
    found: &FeatureMatch,
) -> Option<(FeatureEvidence, GuidedMatches)> {
    let enough = found.num_inliers() >= MIN_INLIERS;
    let geometry = found.geometry.as_ref().filter(|_| enough)?;
    let guided = GuidedMatches::new(features, trees, &geometry.matrix)?;
    let evidence = FeatureEvidence::new(
        features,
        found.matches.len(),
        geometry.inliers.len(),
        found.global_similarity.unwrap_or(0.0),
        found.num_second_inliers,
        &guided,
    );
    Some((evidence, guided))
}

/// What the pixels of two photos say; none without a transform or an overlap to compare.
pub(super) fn pixel_evidence(
    features: [&FeatureSet; 2],
    found: &FeatureMatch,
    guided: &GuidedMatches,
    images: [&RefinementImage; 2],
) -> Option<PixelEvidence> {
    let geometry = found.geometry.as_ref()?;
    let map = agreement_map(images[0], images[1], &geometry.matrix)?;
    let inliers = geometry.inliers.iter();
    let places = inliers.map(|&index| positions(features[0], features[1], &found.matches[index]));
    Some(PixelEvidence::new(features, guided, places, &map))
}

/// All that was seen of two photos; none without a transform. Without images, features alone.
pub(super) fn pair_evidence(
    features: [&FeatureSet; 2],
    trees: [&KeypointTree; 2],
    found: &FeatureMatch,
    images: Option<[&RefinementImage; 2]>,
) -> Option<PairEvidence> {
    let (by_features, guided) = feature_evidence(features, trees, found)?;
    let pixels = images.and_then(|images| pixel_evidence(features, found, &guided, images));
    Some(PairEvidence {
        features: by_features,
        pixels,
    })
}
