//! Two sets of features -> matches and one verified transform.

use nalgebra::Point2;
use sha2::{Digest, Sha256};

use super::MatchOptions;
use crate::error::Result;
use crate::features::FeatureSet;
use crate::geometry::{Correspondences, inverse, normalized};
use crate::matching::{Match, match_descriptors};
use crate::verification::{TwoViewGeometry, verify};

/// What was found in the features of two photos.
#[derive(Debug, Clone)]
pub struct FeatureMatch {
    /// Pairs of similar descriptors.
    pub matches: Vec<Match>,
    /// The transform that most matches agree on, if there is one.
    pub geometry: Option<TwoViewGeometry>,
    /// How alike the photos are as wholes: [`FeatureSet::global_similarity`].
    pub global_similarity: Option<f64>,
}

impl FeatureMatch {
    /// The number of verified inliers.
    pub fn num_inliers(&self) -> usize {
        self.geometry.as_ref().map_or(0, |g| g.inliers.len())
    }

    /// Ranks pairs of photos by how likely they show the same thing, as far as the number of inliers
    /// and the photos as wholes tell: ln(1 + inliers) + 4 times the similarity.
    pub fn score(&self) -> f64 {
        (self.num_inliers() as f64).ln_1p() + 4.0 * self.global_similarity.unwrap_or(0.0)
    }
}

/// Matches and verifies the features of two photos; deterministic for a seed. `options.seed` is not
/// read: see [`seed_from_content`].
///
/// # Errors
/// [`crate::Error::InvalidOption`], or [`crate::Error::Features`] when the descriptors differ in length.
pub fn match_features(
    features1: &FeatureSet,
    features2: &FeatureSet,
    options: &MatchOptions,
    seed: u64,
) -> Result<FeatureMatch> {
    let matches = find_matches(features1, features2, options)?;
    let geometry = find_geometry(features1, features2, &matches, options, seed)?;
    Ok(FeatureMatch {
        matches,
        geometry,
        global_similarity: features1.global_similarity(features2),
    })
}

pub(super) fn find_matches(
    features1: &FeatureSet,
    features2: &FeatureSet,
    options: &MatchOptions,
) -> Result<Vec<Match>> {
    match_descriptors(
        features1.descriptors(),
        features2.descriptors(),
        &options.matching,
    )
}

pub(super) fn find_geometry(
    features1: &FeatureSet,
    features2: &FeatureSet,
    matches: &[Match],
    options: &MatchOptions,
    seed: u64,
) -> Result<Option<TwoViewGeometry>> {
    let mut verification = options.verification;
    verification.ransac.seed = seed;
    verification.ransac.max_error_px = working_error_px(features2, options);
    verify(
        features1.keypoints(),
        features2.keypoints(),
        matches,
        &verification,
    )
}

/// As [`find_geometry`], the photos in the order of their content, so that the photos' order changes
/// nothing of what is found but its direction.
pub(super) fn find_geometry_by_content(
    features: [&FeatureSet; 2],
    hashes: [&[u8; 32]; 2],
    matches: &[Match],
    options: &MatchOptions,
) -> Result<Option<TwoViewGeometry>> {
    let seed = |a, b| options.seed.unwrap_or_else(|| seed_from_content(a, b));
    let [features1, features2] = features;
    let [hash1, hash2] = hashes;
    if hash1 <= hash2 || !options.matching.mutual {
        let seed = seed(hash1, hash2);
        return find_geometry(features1, features2, matches, options, seed);
    }
    let mut order: Vec<usize> = (0..matches.len()).collect();
    order.sort_by_key(|&at| (matches[at].index2, matches[at].index1));
    let swapped: Vec<Match> = order
        .iter()
        .map(|&at| Match {
            index1: matches[at].index2,
            index2: matches[at].index1,
            distance: matches[at].distance,
        })
        .collect();
    let seed = seed(hash2, hash1);
    let found = find_geometry(features2, features1, &swapped, options, seed)?;
    Ok(found.and_then(|geometry| {
        let mut inliers: Vec<usize> = geometry.inliers.iter().map(|&at| order[at]).collect();
        inliers.sort_unstable();
        Some(TwoViewGeometry {
            matrix: normalized(&inverse(&geometry.matrix)?)?,
            inliers,
            ..geometry
        })
    }))
}

pub(super) fn positions(
    features1: &FeatureSet,
    features2: &FeatureSet,
    pair: &Match,
) -> (Point2<f64>, Point2<f64>) {
    let k1 = &features1.keypoints()[pair.index1];
    let k2 = &features2.keypoints()[pair.index2];
    (
        Point2::new(k1.x.into(), k1.y.into()),
        Point2::new(k2.x.into(), k2.y.into()),
    )
}

/// Where the keypoints of these matches lie.
pub(super) fn correspondences<'a>(
    features1: &FeatureSet,
    features2: &FeatureSet,
    matches: impl Iterator<Item = &'a Match>,
) -> Correspondences {
    let mut points = Correspondences::with_capacity(matches.size_hint().0);
    for pair in matches {
        let (p1, p2) = positions(features1, features2, pair);
        points.push(p1, p2);
    }
    points
}

/// The largest error of an inlier in pixels of a photo; the option counts in pixels at scale 1.
pub(super) fn working_error_px(features: &FeatureSet, options: &MatchOptions) -> f64 {
    let longest = f64::from(features.width().max(features.height()));
    options.verification.ransac.max_error_px * longest / f64::from(options.extraction.max_size)
}

/// The seed that a pair of photos has by its content.
pub fn seed_from_content(content_hash1: &[u8; 32], content_hash2: &[u8; 32]) -> u64 {
    let digest = Sha256::new()
        .chain_update(content_hash1)
        .chain_update(content_hash2)
        .finalize();
    digest
        .iter()
        .take(8)
        .fold(0, |seed, byte| seed << 8 | u64::from(*byte))
}
