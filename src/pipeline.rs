//! The whole job: from two photos to matches, one verified transform and a verdict.

use std::path::Path;
use std::time::{Duration, Instant};

use nalgebra::{Matrix3, Point2};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::extract::{ExtractionOptions, Model, ModelDefaults, extract};
use crate::features::FeatureSet;
use crate::geometry::{Correspondences, TransformKind, TransformLimits, normalized};
use crate::image::{DecodeOptions, Photo};
use crate::matching::{Match, MatchingOptions, match_descriptors};
use crate::refinement::{
    RefinedGeometry, RefinementImage, RefinementOptions, Track, refine, refine_matches,
};
use crate::verification::{TwoViewGeometry, VerificationOptions, verify};

/// How two photos are matched.
#[derive(Debug, Clone, PartialEq)]
pub struct MatchOptions {
    /// Limits on what is decoded.
    pub decode: DecodeOptions,
    /// How features are extracted.
    pub extraction: ExtractionOptions,
    /// Which descriptors are paired.
    pub matching: MatchingOptions,
    /// Which transform is looked for. Its `max_error_px` is in pixels of photo 2 at scale 1, where its
    /// longest side is `extraction.max_size`, so that it means the same for photos of any size.
    pub verification: VerificationOptions,
    /// How the transform and the inliers are made exact to the pixel; none leaves them as they are.
    pub refinement: Option<RefinementOptions>,
    /// The kind of the refined transform.
    pub refined_kind: TransformKind,
    /// Inliers from which two photos are said to show the same thing; at least 1.
    pub min_inliers: usize,
    /// Inliers that are enough when a refined transform is right to the pixel; at least 1. Of 3156
    /// pairs of different objects with 10 inliers and more, none had one (benches/RESULTS.md).
    pub min_confirmed_inliers: usize,
    /// Seed of the random samples; none makes it from the content of the two photos.
    pub seed: Option<u64>,
}

impl Default for MatchOptions {
    /// The settings that the default network was measured with.
    fn default() -> Self {
        Self {
            decode: DecodeOptions::default(),
            extraction: ExtractionOptions::default(),
            matching: MatchingOptions::default(),
            verification: VerificationOptions::default(),
            refinement: Some(RefinementOptions::default()),
            refined_kind: TransformKind::Homography,
            min_inliers: 18,
            min_confirmed_inliers: 8,
            seed: None,
        }
    }
}

impl From<&ModelDefaults> for MatchOptions {
    /// The settings that a network was measured with.
    fn from(defaults: &ModelDefaults) -> Self {
        Self {
            extraction: ExtractionOptions::from(defaults),
            matching: MatchingOptions {
                max_distance: Some(defaults.max_distance),
                ..MatchingOptions::default()
            },
            min_inliers: defaults.min_inliers,
            ..Self::default()
        }
    }
}

impl MatchOptions {
    /// DELF's own constants for matching and geometry, and no refinement; extraction as it was.
    #[must_use]
    pub fn with_delf_matching(self) -> Self {
        Self {
            matching: MatchingOptions::delf(),
            verification: VerificationOptions::delf(),
            refinement: None,
            ..self
        }
    }

    /// Checks every field.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] naming the field.
    pub fn validate(&self) -> Result<()> {
        self.decode.validate()?;
        self.extraction.validate()?;
        self.matching.validate()?;
        self.verification.validate()?;
        if let Some(refinement) = &self.refinement {
            refinement.validate()?;
        }
        for (name, value) in [
            ("min_inliers", self.min_inliers),
            ("min_confirmed_inliers", self.min_confirmed_inliers),
        ] {
            if value == 0 {
                return Err(Error::option(name, "must be at least 1"));
            }
        }
        Ok(())
    }
}

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

/// Weight of the similarity of the whole photos against the logarithm of the inliers. Any weight from
/// 2 to 10 ranks about as well (benches/RESULTS.md).
const GLOBAL_WEIGHT: f64 = 4.0;

impl FeatureMatch {
    /// The number of verified inliers.
    pub fn num_inliers(&self) -> usize {
        self.geometry.as_ref().map_or(0, |g| g.inliers.len())
    }

    /// Ranks pairs of photos by how likely they show the same thing: ln(1 + inliers) + 4 times the
    /// global similarity. The inliers are one judge, the photos as wholes another; together they
    /// rank better than either.
    pub fn score(&self) -> f64 {
        let inliers = (self.num_inliers() as f64).ln_1p();
        inliers + GLOBAL_WEIGHT * self.global_similarity.unwrap_or(0.0)
    }
}

/// What was found in two photos.
#[derive(Debug, Clone)]
pub struct PairMatch {
    /// The features of photo 1.
    pub features1: FeatureSet,
    /// The features of photo 2.
    pub features2: FeatureSet,
    /// Matches and geometry.
    pub found: FeatureMatch,
    /// What the pixels say, when there is a geometry and refinement was asked for.
    pub refined: Option<RefinedMatch>,
    /// Whether both photos show the same thing: there are inliers enough, or fewer that the pixels
    /// confirm.
    pub is_match: bool,
    /// How long each stage took.
    pub times: StageTimes,
}

impl PairMatch {
    /// The number of verified inliers.
    pub fn num_inliers(&self) -> usize {
        self.found.num_inliers()
    }

    /// As [`FeatureMatch::score`].
    pub fn score(&self) -> f64 {
        self.found.score()
    }

    /// The transform from photo 1 to photo 2 and its kind, in pixels of the original photos: the
    /// refined one where there is one.
    pub fn transform(&self) -> Option<(TransformKind, Matrix3<f64>)> {
        let refined = self.refined.as_ref().and_then(|refined| refined.transform);
        let coarse = || self.found.geometry.as_ref().map(|g| (g.kind, g.matrix));
        refined.or_else(coarse)
    }

    /// Where each inlier lies: x and y in photo 1, x and y in photo 2; to the pixel where the photos'
    /// pixels agree ([`RefinedMatch::inliers`]), else at the keypoints.
    pub fn inlier_positions(&self) -> Vec<[f64; 4]> {
        let inliers = self.found.geometry.iter().flat_map(|g| &g.inliers);
        let tracks = self.refined.iter().flat_map(|refined| &refined.inliers);
        let tracks = tracks.copied().chain(std::iter::repeat(None));
        inliers
            .zip(tracks)
            .map(|(&index, track)| match track {
                Some(t) => [t.point1.x, t.point1.y, t.point2.x, t.point2.y],
                None => {
                    let (p1, p2) = self.keypoint_positions(index);
                    [p1.x, p1.y, p2.x, p2.y]
                }
            })
            .collect()
    }

    fn keypoint_positions(&self, index: usize) -> (Point2<f64>, Point2<f64>) {
        positions(&self.features1, &self.features2, &self.found.matches[index])
    }
}

/// What the pixels of two photos say about the transform between them.
#[derive(Debug, Clone, PartialEq)]
pub struct RefinedMatch {
    /// The refined transform, in pixels of the original photos; none when no single transform is
    /// right to the pixel, as in scenes with depth.
    pub transform: Option<(TransformKind, Matrix3<f64>)>,
    /// The corners of photo 1 that were found where the transform puts them.
    pub geometry: Option<RefinedGeometry>,
    /// For each inlier the corner beside its keypoint and where it was found in photo 2; none where
    /// the photos' pixels do not agree.
    pub inliers: Vec<Option<Track>>,
}

/// Wall-clock time of each stage. Says nothing about the result; differs from run to run.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct StageTimes {
    /// Reading and decoding both photos.
    pub decode: Duration,
    /// Keypoints and descriptors of both photos.
    pub extract: Duration,
    /// Nearest neighbours.
    pub matching: Duration,
    /// RANSAC.
    pub verify: Duration,
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
    let (photo1, photo2) = open_pair(path1, path2, &options.decode)?;
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
) -> Result<(Photo, Photo)> {
    let (path1, path2) = (path1.as_ref(), path2.as_ref());
    let (photo1, photo2) = rayon::join(
        || Photo::open(path1, options),
        || Photo::open(path2, options),
    );
    Ok((photo1?, photo2?))
}

/// Extracts, matches and verifies two photos. The same photos, model and options give the same
/// result on any number of threads.
///
/// # Errors
/// [`Error::InvalidOption`], or [`Error::Model`] when the network does not run.
pub fn match_photos(
    model: &Model,
    photo1: &Photo,
    photo2: &Photo,
    options: &MatchOptions,
) -> Result<PairMatch> {
    options.validate()?;
    let start = Instant::now();
    let (features1, features2) = rayon::join(
        || extract(model, photo1, &options.extraction),
        || extract(model, photo2, &options.extraction),
    );
    let (features1, features2) = (features1?, features2?);
    let extracted = Instant::now();
    let seed = options
        .seed
        .unwrap_or_else(|| seed_from_content(photo1.content_hash(), photo2.content_hash()));
    let matches = find_matches(&features1, &features2, options)?;
    let matched = Instant::now();
    let geometry = find_geometry(&features1, &features2, &matches, options, seed)?;
    let verified = Instant::now();
    let refined = match (&geometry, &options.refinement) {
        (Some(geometry), Some(refinement)) => {
            let inliers = geometry.inliers.iter().map(|&index| &matches[index]);
            let mut points = Correspondences::with_capacity(geometry.inliers.len());
            inliers
                .map(|pair| positions(&features1, &features2, pair))
                .for_each(|(p1, p2)| points.push(p1, p2));
            Some(refine_pair(
                [photo1, photo2],
                &geometry.matrix,
                &points,
                refinement,
                options.refined_kind,
                working_error_px(&features2, options),
            )?)
        }
        _ => None,
    };
    let done = Instant::now();
    let found = FeatureMatch {
        matches,
        geometry,
        global_similarity: features1.global_similarity(&features2),
    };
    let is_confirmed = refined.as_ref().is_some_and(|r| r.transform.is_some());
    let enough = if is_confirmed {
        options.min_inliers.min(options.min_confirmed_inliers)
    } else {
        options.min_inliers
    };
    Ok(PairMatch {
        is_match: found.num_inliers() >= enough,
        features1,
        features2,
        found,
        refined,
        times: StageTimes {
            decode: Duration::ZERO,
            extract: extracted - start,
            matching: matched - extracted,
            verify: verified - matched,
            refine: done - verified,
        },
    })
}

/// Matches and verifies the features of two photos; deterministic for a seed. `options.seed` is not
/// read: see [`seed_from_content`].
///
/// # Errors
/// [`Error::InvalidOption`], or [`Error::Features`] when the descriptors differ in length.
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

fn find_matches(
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

fn find_geometry(
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

/// A refined transform has to keep this share of the inliers. One that follows a single plane of a
/// scene with depth loses the others.
const MIN_KEPT_INLIERS: f64 = 0.8;

/// Asks the pixels of two photos about the transform `matrix` and its inliers `points`, which may
/// be wrong by `max_error_px`.
fn refine_pair(
    photos: [&Photo; 2],
    matrix: &Matrix3<f64>,
    points: &Correspondences,
    options: &RefinementOptions,
    kind: TransformKind,
    max_error_px: f64,
) -> Result<RefinedMatch> {
    let (image1, image2) = rayon::join(
        || RefinementImage::from_rgb(photos[0].pixels(), options),
        || RefinementImage::from_rgb(photos[1].pixels(), options),
    );
    let (image1, image2) = (image1?, image2?);
    let keeps_inliers = |(kind, matrix): &(TransformKind, Matrix3<f64>)| {
        let mut errors = vec![0.0; points.len()];
        kind.squared_errors(matrix, points, 0, &mut errors);
        let kept = errors.iter().filter(|e| **e <= max_error_px.powi(2));
        kept.count() as f64 >= MIN_KEPT_INLIERS * points.len() as f64
    };
    let refined = refine(&image1, &image2, matrix, options)?
        .and_then(|g| Some((of_kind(kind, &g)?, g)))
        .filter(|(transform, _)| keeps_inliers(transform));
    let (transform, geometry) = refined.unzip();
    let best = transform.map_or(*matrix, |(_, matrix)| matrix);
    Ok(RefinedMatch {
        inliers: refine_matches(&image1, &image2, &best, points, options)?,
        transform,
        geometry,
    })
}

/// The transform of `kind` that fits the tracks best.
fn of_kind(
    kind: TransformKind,
    geometry: &RefinedGeometry,
) -> Option<(TransformKind, Matrix3<f64>)> {
    if kind == TransformKind::Homography {
        return Some((kind, geometry.matrix));
    }
    let mut points = Correspondences::with_capacity(geometry.tracks.len());
    for track in &geometry.tracks {
        points.push(track.point1, track.point2);
    }
    let all: Vec<usize> = (0..points.len()).collect();
    let weights = vec![1.0; points.len()];
    let matrix = kind.fit_least_squares(&points, &all, &weights, &TransformLimits::default())?;
    Some((kind, normalized(&matrix)?))
}

fn positions(
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

/// The largest error of an inlier in pixels of photo 2; the option counts in pixels at scale 1.
fn working_error_px(features2: &FeatureSet, options: &MatchOptions) -> f64 {
    let longest = f64::from(features2.width().max(features2.height()));
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
