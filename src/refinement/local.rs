//! Refinement of single matches, for scenes with depth.

use nalgebra::{Matrix3, Point2};

use super::corners::Corner;
use super::frame::{Frame, Search};
use super::image::RefinementImage;
use super::window::Tracker;
use super::{RefinementOptions, Track};
use crate::error::Result;
use crate::geometry::{Correspondences, inverse, project};

/// Levels searched, the working size being level 0.
const START_LEVEL: usize = 1;
/// Radius of the search below the first level, in pixels of the level.
const NEXT_RADIUS: i64 = 2;
/// Largest distance of a keypoint from the corner that stands for it, in squares of the corners' grid.
const MAX_CORNER_DISTANCE: f32 = 1.0;

/// Aligns the surroundings of every match. `matrix` maps photo 1 to photo 2 and gives the shape of the
/// surroundings; `matches` give the starting places. A keypoint of a coarse network is not exact to the pixel, so
/// the nearest corner of photo 1 stands for it. The result has an entry for each match, `None` where the photos do
/// not agree.
///
/// # Errors
/// [`crate::error::Error::InvalidOption`] for options out of range.
pub fn refine_matches(
    image1: &RefinementImage,
    image2: &RefinementImage,
    matrix: &Matrix3<f64>,
    matches: &Correspondences,
    options: &RefinementOptions,
) -> Result<Vec<Option<Track>>> {
    options.validate()?;
    let tracker = Tracker::new();
    let start = START_LEVEL.min(image1.levels().len() - 1);
    let frames: Option<Vec<Frame<'_>>> = (0..=start)
        .rev()
        .map(|index| Frame::new(image1, image2, matrix, index))
        .collect();
    let (Some(frames), Some(photo1_from_photo2)) = (frames, inverse(matrix)) else {
        return Ok(vec![None; matches.len()]);
    };
    let align = |i: usize| {
        let point = matches.point1(i);
        let shift = project(&photo1_from_photo2, matches.point2(i))? - point;
        let finest = frames.last()?.level;
        let keypoint = project(&finest.level_from_photo, point)?.cast();
        let max_distance = MAX_CORNER_DISTANCE * options.corner_spacing_px as f32;
        let corner = nearest(finest.corners(), keypoint, max_distance)?;
        let point1 = project(&finest.photo_from_level, corner.cast())?;
        let mut guess1 = point1 + shift;
        let mut radius = options.max_match_error * frames[0].level.plane.long_side() as f64;
        let mut result = None;
        for frame in &frames {
            let from = project(&frame.level.level_from_photo, point1)?.cast();
            let guess = project(&frame.level.level_from_photo, guess1)?.cast();
            let Search::Found(found) =
                frame.find(&tracker, from, guess, radius.ceil() as i64, options)
            else {
                return None;
            };
            guess1 = project(&frame.level.photo_from_level, found.point.cast())?;
            radius = NEXT_RADIUS as f64;
            let point2 = project(matrix, guess1)?;
            let error_px = (point2 - matches.point2(i)).norm();
            result = Some(Track {
                point1,
                point2,
                error_px,
                correlation: found.correlation,
            });
        }
        result
    };
    Ok((0..matches.len()).map(align).collect())
}

/// The corner nearest to `point`, if there is one within `max_distance`.
fn nearest(corners: &[Corner], point: Point2<f32>, max_distance: f32) -> Option<Point2<f32>> {
    corners
        .iter()
        .map(|corner| Point2::new(corner.x as f32, corner.y as f32))
        .map(|corner| ((corner - point).norm(), corner))
        .filter(|(distance, _)| *distance <= max_distance)
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, corner)| corner)
}
