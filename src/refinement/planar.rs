//! One homography for the whole overlap.

use nalgebra::{Matrix3, Point2};

use super::fit::{Tolerance, fit};
use super::frame::{Frame, Search};
use super::image::RefinementImage;
use super::window::Tracker;
use super::{RefinedGeometry, RefinementOptions, Track};
use crate::error::Result;
use crate::geometry::{Correspondences, homography, normalized, project};

/// Radius of the search once a first round has been fitted, in pixels of the level.
const NEXT_RADIUS: i64 = 2;
/// The first tolerance of a later round, as a multiple of its last.
const START_FACTOR: f64 = 3.0;
/// The first round's model is affine above this multiple of its last tolerance.
const AFFINE_FACTOR: f64 = 1.5;
/// Least tolerance that tracking can keep, in pixels of the level.
const MIN_TOLERANCE_PX: f64 = 1.0;

/// Refines `coarse`, which maps photo 1 to photo 2, to a homography. `None` when too few windows of
/// photo 1 are found in photo 2 where one transform puts them.
///
/// # Errors
/// [`crate::error::Error::InvalidOption`] for options out of range.
pub fn refine(
    image1: &RefinementImage,
    image2: &RefinementImage,
    coarse: &Matrix3<f64>,
    options: &RefinementOptions,
) -> Result<Option<RefinedGeometry>> {
    options.validate()?;
    let tracker = Tracker::new();
    let mut refined: Option<RefinedGeometry> = None;
    for index in (0..image1.levels().len()).rev() {
        let matrix = refined.as_ref().map_or(coarse, |refined| &refined.matrix);
        let Some(frame) = Frame::new(image1, image2, matrix, index) else {
            break;
        };
        let is_first = refined.is_none();
        let Some(next) = round(&frame, &tracker, index, is_first, options) else {
            break;
        };
        refined = Some(next);
    }
    Ok(refined)
}

/// Tracks the corners of one level and fits a homography to the tracks.
fn round(
    frame: &Frame<'_>,
    tracker: &Tracker,
    index: usize,
    is_first: bool,
    options: &RefinementOptions,
) -> Option<RefinedGeometry> {
    let working_px = 0.5f64.powi(index as i32);
    let end_px = (options.max_error_px * working_px).max(MIN_TOLERANCE_PX);
    let (radius, tolerance) = if is_first {
        let start_px = options.max_coarse_error * frame.level.plane.long_side() as f64;
        let affine_px = AFFINE_FACTOR * end_px;
        (
            start_px.ceil() as i64,
            Tolerance {
                start_px,
                affine_px,
                end_px,
            },
        )
    } else {
        let start_px = START_FACTOR * end_px;
        (
            NEXT_RADIUS,
            Tolerance {
                start_px,
                affine_px: f64::INFINITY,
                end_px,
            },
        )
    };
    let mut points = Correspondences::default();
    let mut correlations = Vec::new();
    let mut tried = Vec::new();
    for corner in frame.level.corners() {
        let point = Point2::new(corner.x as f32, corner.y as f32);
        let search = frame.find(tracker, point, point, radius, options);
        if search == Search::Untried {
            continue;
        }
        tried.push(point);
        if let Search::Found(found) = search {
            points.push(point.cast(), found.point.cast());
            correlations.push(found.correlation);
        }
    }
    let update = fit(&points, tolerance)?;
    let matrix = normalized(&(frame.photo2_from_frame * update * frame.level.level_from_photo))?;
    let mut errors = vec![0.0; points.len()];
    homography::squared_errors(&update, &points, 0, &mut errors);
    let mut tracks = Vec::new();
    for (i, (&error, &correlation)) in errors.iter().zip(&correlations).enumerate() {
        if error > end_px * end_px {
            continue;
        }
        let point1 = project(&frame.level.photo_from_level, points.point1(i))?;
        let point2 = project(&frame.photo2_from_frame, points.point2(i))?;
        let error_px = (project(&matrix, point1)? - point2).norm();
        tracks.push(Track {
            point1,
            point2,
            error_px,
            correlation,
        });
    }
    if tracks.len() < options.min_tracks {
        return None;
    }
    let mut agreement: Vec<f32> = tried
        .iter()
        .filter_map(|&point| {
            let guess = project(&update, point.cast())?;
            frame.correlation(tracker, point, guess.cast())
        })
        .collect();
    agreement.sort_by(f32::total_cmp);
    Some(RefinedGeometry {
        matrix,
        num_tried: tried.len(),
        correlation: agreement.get(agreement.len() / 2).copied().unwrap_or(0.0),
        tracks,
    })
}
