//! Refinement of a coarse transform by the photos' pixels.

use nalgebra::Matrix3;

use crate::error::Result;
use crate::geometry::{
    Correspondences, Transform, TransformKind, TransformLimits, inverse, normalized, project,
};
use crate::refinement::{
    RefinedGeometry, RefinementImage, RefinementOptions, Track, refine, refine_matches,
};

/// A transform and inliers refined by the pixels of both photos.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RefinedMatch {
    /// The refined transform, in pixels of the original photos; none when no single transform is
    /// right to the pixel, as in scenes with depth.
    pub transform: Option<Transform>,
    /// Support of the refined transform: corners of photo 1 found in photo 2 or, where these give none, the other
    /// way round.
    pub geometry: Option<RefinedGeometry>,
    /// For each inlier the corner beside its keypoint and where it was found in photo 2; none where
    /// the photos' pixels do not agree.
    pub inliers: Vec<Option<Track>>,
}

/// A refined transform has to keep this share of the inliers. One that follows a single plane of a
/// scene with depth loses the others.
const MIN_KEPT_INLIERS: f64 = 0.8;

/// Refines the transform `matrix` and its inliers `points`, which may be wrong by `max_errors_px` in
/// photo 1 and in photo 2.
pub(super) fn refine_pair(
    images: [&RefinementImage; 2],
    matrix: &Matrix3<f64>,
    points: &Correspondences,
    options: &RefinementOptions,
    kind: TransformKind,
    max_errors_px: [f64; 2],
) -> Result<RefinedMatch> {
    let refined = refined_geometry(images, matrix, points, options, kind, max_errors_px)?;
    let (transform, geometry) = refined.unzip();
    let best = transform.map_or(*matrix, |transform| transform.matrix);
    Ok(RefinedMatch {
        inliers: refine_matches(images[0], images[1], &best, points, options)?,
        transform,
        geometry,
    })
}

/// The transform of `kind` that is right to the pixel and keeps the inliers, and its support. Corners of photo 1
/// are searched for in photo 2. If that finds nothing, as where photo 2 is a part of photo 1, corners of photo 2
/// are searched for in photo 1.
pub(super) fn refined_geometry(
    images: [&RefinementImage; 2],
    matrix: &Matrix3<f64>,
    points: &Correspondences,
    options: &RefinementOptions,
    kind: TransformKind,
    max_errors_px: [f64; 2],
) -> Result<Option<(Transform, RefinedGeometry)>> {
    let [max_error1_px, max_error2_px] = max_errors_px;
    let forward = refined_one_way(images, matrix, points, options, kind, max_error2_px)?;
    if forward.is_some() {
        return Ok(forward);
    }
    let Some(back) = inverse(matrix) else {
        return Ok(None);
    };
    let images = [images[1], images[0]];
    let swapped = points.swapped();
    let found = refined_one_way(images, &back, &swapped, options, kind, max_error1_px)?;
    Ok(found.and_then(turned_round))
}

fn refined_one_way(
    images: [&RefinementImage; 2],
    matrix: &Matrix3<f64>,
    points: &Correspondences,
    options: &RefinementOptions,
    kind: TransformKind,
    max_error_px: f64,
) -> Result<Option<(Transform, RefinedGeometry)>> {
    let keeps_inliers = |transform: &Transform| {
        let mut errors = vec![0.0; points.len()];
        let Transform { kind, matrix } = transform;
        kind.squared_errors(matrix, points, 0, &mut errors);
        let kept = errors.iter().filter(|e| **e <= max_error_px.powi(2));
        kept.count() as f64 >= MIN_KEPT_INLIERS * points.len() as f64
    };
    Ok(refine(images[0], images[1], matrix, options)?
        .and_then(|g| Some((of_kind(kind, &g)?, g)))
        .filter(|(transform, _)| keeps_inliers(transform)))
}

/// A result from photo 2 to photo 1, turned to photo 1 to photo 2.
fn turned_round(
    (transform, geometry): (Transform, RefinedGeometry),
) -> Option<(Transform, RefinedGeometry)> {
    let turned = |matrix: &Matrix3<f64>| normalized(&inverse(matrix)?);
    let homography = turned(&geometry.matrix)?;
    let track = |track: &Track| Track {
        point1: track.point2,
        point2: track.point1,
        error_px: project(&homography, track.point2)
            .map_or(f64::INFINITY, |there| (there - track.point1).norm()),
        correlation: track.correlation,
    };
    Some((
        Transform {
            matrix: turned(&transform.matrix)?,
            ..transform
        },
        RefinedGeometry {
            matrix: homography,
            tracks: geometry.tracks.iter().map(track).collect(),
            ..geometry
        },
    ))
}

/// The transform of `kind` that fits the tracks best.
fn of_kind(kind: TransformKind, geometry: &RefinedGeometry) -> Option<Transform> {
    if kind == TransformKind::Homography {
        return Some(Transform {
            kind,
            matrix: geometry.matrix,
        });
    }
    let mut points = Correspondences::with_capacity(geometry.tracks.len());
    for track in &geometry.tracks {
        points.push(track.point1, track.point2);
    }
    let all: Vec<usize> = (0..points.len()).collect();
    let weights = vec![1.0; points.len()];
    // The coarse transform passed the limits at the working size; the original photos may differ in size by any
    // factor, and a mirror image is no fault here.
    let limits = TransformLimits {
        max_scale: f64::INFINITY,
        allow_mirrored: true,
        ..TransformLimits::default()
    };
    let matrix = kind.fit_least_squares(&points, &all, &weights, &limits)?;
    Some(Transform {
        kind,
        matrix: normalized(&matrix)?,
    })
}
