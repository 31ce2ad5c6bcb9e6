//! Two photos -> matches, one verified transform and a verdict.

use std::path::Path;
use std::time::{Duration, Instant};

use super::MatchOptions;
use super::evidence::pair_evidence;
use super::features::{
    FeatureMatch, correspondences, match_by_content, positions, working_error_px,
};
use super::refined::{RefinedMatch, refine_pair};
use crate::error::Result;
use crate::extract::{Model, extract};
use crate::features::FeatureSet;
use crate::geometry::Transform;
use crate::image::{DecodeOptions, Photo};
use crate::refinement::{AgreementMap, RefinementImage};
use crate::scoring::{
    FeatureEvidence, Judgement, KeypointTree, PairEvidence, Relation, probability,
};
use crate::store::{ContentHash, rounded};

/// Result of matching two photos.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PairMatch {
    /// The features of photo 1.
    pub features1: FeatureSet,
    /// The features of photo 2.
    pub features2: FeatureSet,
    /// Matches and geometry.
    pub found: FeatureMatch,
    /// The refined match, if there is a geometry and refinement is among the options.
    pub refined: Option<RefinedMatch>,
    /// Evidence for and against; none without a transform.
    pub evidence: Option<PairEvidence>,
    /// Map of agreeing and contradicting pixels; none where they were not compared.
    pub agreement: Option<AgreementMap>,
    /// Log-odds that both photos show the same thing ([`Judgement::verdict`]).
    pub log_odds: f64,
    /// Whether one is an edited copy of the other or another view; none where the pixels were not
    /// compared.
    pub relation: Option<Relation>,
    /// Whether both photos show the same thing, by [`MatchOptions::min_probability`] or
    /// [`MatchOptions::min_inliers`].
    pub is_match: bool,
    /// Whether the files of both photos are equal, byte for byte, and not without texture; their probability is 1.
    pub is_same_file: bool,
    /// Time of each stage.
    pub times: StageTimes,
}

impl PairMatch {
    /// The number of verified inliers.
    pub fn num_inliers(&self) -> usize {
        self.found.num_inliers()
    }

    /// The probability that both photos show the same thing, 0 to 1.
    pub fn probability(&self) -> f64 {
        probability(self.log_odds)
    }

    /// Whether one transform is right to the pixel.
    pub fn is_confirmed(&self) -> bool {
        let refined = self.refined.as_ref();
        refined.is_some_and(|refined| refined.transform.is_some())
    }

    /// The transform from photo 1 to photo 2, in pixels of the original photos: the refined one where
    /// there is one.
    pub fn transform(&self) -> Option<Transform> {
        let refined = self.refined.as_ref().and_then(|refined| refined.transform);
        let coarse = || {
            let geometry = self.found.geometry.as_ref()?;
            Some(Transform {
                kind: geometry.kind,
                matrix: geometry.matrix,
            })
        };
        refined.or_else(coarse)
    }

    /// Position of each inlier: x and y in photo 1, x and y in photo 2; to the pixel where the photos' pixels agree
    /// ([`RefinedMatch::inliers`]), else at the keypoints.
    pub fn inlier_positions(&self) -> Vec<[f64; 4]> {
        let inliers = self.found.inliers();
        let tracks = self.refined.iter().flat_map(|refined| &refined.inliers);
        let tracks = tracks.copied().chain(std::iter::repeat(None));
        inliers
            .zip(tracks)
            .map(|(pair, track)| match track {
                Some(t) => [t.point1.x, t.point1.y, t.point2.x, t.point2.y],
                None => {
                    let (p1, p2) = positions(&self.features1, &self.features2, pair);
                    [p1.x, p1.y, p2.x, p2.y]
                }
            })
            .collect()
    }
}

/// Wall-clock time of each stage. Differs from run to run and is no part of the result.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[non_exhaustive]
pub struct StageTimes {
    /// Reading and decoding both photos.
    pub decode: Duration,
    /// Keypoints and descriptors of both photos.
    pub extract: Duration,
    /// Nearest neighbours and RANSAC.
    pub matching: Duration,
    /// Refinement to the pixel.
    pub refine: Duration,
}

/// Opens two photos at the same time and matches them.
///
/// # Errors
/// As [`Photo::open`] and [`match_photos`].
pub fn match_pair(
    model: &Model,
    path1: impl AsRef<Path>,
    path2: impl AsRef<Path>,
    options: &MatchOptions,
) -> Result<PairMatch> {
    let start = Instant::now();
    let [photo1, photo2] = open_pair(path1, path2, &options.decode)?;
    let decode = start.elapsed();
    let mut result = match_photos(model, &photo1, &photo2, options)?;
    result.times.decode = decode;
    Ok(result)
}

/// Opens two photos at the same time.
///
/// # Errors
/// As [`Photo::open`]; photo 1's error when both fail.
pub fn open_pair(
    path1: impl AsRef<Path>,
    path2: impl AsRef<Path>,
    options: &DecodeOptions,
) -> Result<[Photo; 2]> {
    let (path1, path2) = (path1.as_ref(), path2.as_ref());
    let (photo1, photo2) = rayon::join(
        || Photo::open(path1, options),
        || Photo::open(path2, options),
    );
    Ok([photo1?, photo2?])
}

/// Extracts, matches and verifies two photos. The same photos, model and options give the same
/// result on any number of threads.
///
/// # Errors
/// [`crate::Error::InvalidOption`], or [`crate::Error::Model`] when the network does not run.
pub fn match_photos(
    model: &Model,
    photo1: &Photo,
    photo2: &Photo,
    options: &MatchOptions,
) -> Result<PairMatch> {
    options.validate()?;
    let start = Instant::now();
    // Rounded as folders keep them, so that both give the same answer.
    let read = |photo| rounded(&extract(model, photo, &options.extraction)?);
    let (features1, features2) = rayon::join(|| read(photo1), || read(photo2));
    let extract = start.elapsed();
    let mut result = match_extracted([photo1, photo2], [features1?, features2?], options)?;
    result.times.extract = extract;
    Ok(result)
}

/// As [`match_photos`], with features that were extracted before.
///
/// # Errors
/// [`crate::Error::InvalidOption`], or [`crate::Error::Features`] when the descriptors differ in length.
pub fn match_extracted(
    photos: [&Photo; 2],
    features: [FeatureSet; 2],
    options: &MatchOptions,
) -> Result<PairMatch> {
    options.validate()?;
    let [photo1, photo2] = photos;
    let [features1, features2] = features;
    let start = Instant::now();
    let hashes = [photo1, photo2].map(Photo::content_hash);
    let found = match_by_content([&features1, &features2], hashes, options)?;
    let verified = Instant::now();
    let images = match (&found.geometry, &options.refinement) {
        (Some(_), Some(refinement)) => {
            let prepare = |photo: &Photo| RefinementImage::from_rgb(photo.pixels(), refinement);
            let (image1, image2) = rayon::join(|| prepare(photo1), || prepare(photo2));
            Some([image1?, image2?])
        }
        _ => None,
    };
    let images = images.as_ref().map(|[image1, image2]| [image1, image2]);
    let refined = match (&found.geometry, &options.refinement, images) {
        (Some(geometry), Some(refinement), Some(images)) => {
            let points = correspondences(&features1, &features2, found.inliers());
            Some(refine_pair(
                images,
                &geometry.matrix,
                &points,
                refinement,
                options.refined_kind,
                [&features1, &features2].map(|f| working_error_px(f, options)),
            )?)
        }
        _ => None,
    };
    let judgement = Judgement::embedded()?;
    let evidence = evidence_by_content([&features1, &features2], hashes, &found, images)?;
    let (evidence, agreement) = evidence.unzip();
    let is_same_file = hashes[0] == hashes[1] && evidence.is_some();
    let (log_odds, relation) = judgement.verdict(evidence.as_ref(), is_same_file);
    let is_match = is_match(&found, log_odds, options);
    let done = Instant::now();
    Ok(PairMatch {
        is_match,
        is_same_file,
        relation,
        evidence,
        agreement: agreement.flatten(),
        log_odds,
        features1,
        features2,
        found,
        refined,
        times: StageTimes {
            decode: Duration::ZERO,
            extract: Duration::ZERO,
            matching: verified - start,
            refine: done - verified,
        },
    })
}

/// Result of verifying two sets of features without their photos.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct VerifiedFeatures {
    /// Matches and geometry.
    pub found: FeatureMatch,
    /// Evidence for and against; none without a transform.
    pub evidence: Option<FeatureEvidence>,
    /// Log-odds that both photos show the same thing, by features alone.
    pub log_odds: f64,
    /// Whether both photos show the same thing, by the rule of [`PairMatch::is_match`].
    pub is_match: bool,
}

/// Matches, verifies and scores the features of two photos without their pixels. `content_hashes` set the
/// order of matching and the seed: with those of the photos, and features as
/// [`rounded`](crate::store::rounded) gives them, matches and geometry are those of [`match_photos`] before refinement.
/// Deterministic.
///
/// # Errors
/// As [`match_extracted`].
pub fn verify_features(
    features: [&FeatureSet; 2],
    content_hashes: [&ContentHash; 2],
    options: &MatchOptions,
) -> Result<VerifiedFeatures> {
    options.validate()?;
    let found = match_by_content(features, content_hashes, options)?;
    let evidence = evidence_by_content(features, content_hashes, &found, None)?;
    let evidence = evidence.map(|(evidence, _)| evidence);
    let log_odds = Judgement::embedded()?.log_odds(evidence.as_ref());
    Ok(VerifiedFeatures {
        is_match: is_match(&found, log_odds, options),
        evidence: evidence.map(|evidence| evidence.features),
        log_odds,
        found,
    })
}

/// The evidence of two photos, measured in the order of their content, as in folders.
fn evidence_by_content(
    features: [&FeatureSet; 2],
    hashes: [&ContentHash; 2],
    found: &FeatureMatch,
    images: Option<[&RefinementImage; 2]>,
) -> Result<Option<(PairEvidence, Option<AgreementMap>)>> {
    let trees = [
        KeypointTree::new(features[0])?,
        KeypointTree::new(features[1])?,
    ];
    if hashes[0] <= hashes[1] {
        return Ok(pair_evidence(
            features,
            [&trees[0], &trees[1]],
            found,
            images,
        ));
    }
    let evidence = pair_evidence(
        [features[1], features[0]],
        [&trees[1], &trees[0]],
        &found.clone().swapped(),
        images.map(|[image1, image2]| [image2, image1]),
    );
    Ok(evidence.map(|(evidence, map)| (evidence.swapped(), map.map(AgreementMap::swapped))))
}

fn is_match(found: &FeatureMatch, log_odds: f64, options: &MatchOptions) -> bool {
    match options.min_probability {
        Some(min_probability) => probability(log_odds) >= min_probability,
        None => found.num_inliers() >= options.min_inliers,
    }
}
