//! The frame in which windows are compared: a pyramid level of photo 1, with photo 2 drawn into it.
//!
//! Drawing takes rotation, scale and most of the perspective out of photo 2, so that a small shift is left to find.
//! Where photo 2 is the larger, the level of its pyramid is taken that has about the frame's resolution.

use nalgebra::{Matrix3, Point2};

use super::RefinementOptions;
use super::image::{Level, RefinementImage};
use super::plane::Plane;
use super::warp::{magnification, warp};
use super::window::{Found, Tracker};

/// Steps of Lucas-Kanade at most.
const MAX_STEPS: usize = 10;
/// Largest distance of Lucas-Kanade from the end of the search, in pixels.
const MAX_STRAY_PX: f32 = 2.0;

/// A level of photo 1 and photo 2 drawn into it.
pub(super) struct Frame<'a> {
    pub level: &'a Level,
    warped: Plane,
    /// Maps pixels of the frame to pixels of the original photo 2.
    pub photo2_from_frame: Matrix3<f64>,
}

impl<'a> Frame<'a> {
    /// Draws `image2` by `matrix`, which maps photo 1 to photo 2, into level `index` of `image1`;
    /// `None` when the middle of the frame has no image in photo 2's plane.
    pub fn new(
        image1: &'a RefinementImage,
        image2: &RefinementImage,
        matrix: &Matrix3<f64>,
        index: usize,
    ) -> Option<Self> {
        let level = &image1.levels()[index];
        let (width, height) = (level.plane.width, level.plane.height);
        let photo2_from_frame = matrix * level.photo_from_level;
        let levels2 = image2.levels();
        let (x, y) = (0.5 * width as f64, 0.5 * height as f64);
        let finest = levels2[0].level_from_photo * photo2_from_frame;
        let octaves = magnification(&finest, x, y)?.log2().round().max(0.0);
        let level2 = &levels2[(octaves as usize).min(levels2.len() - 1)];
        let level2_from_frame = level2.level_from_photo * photo2_from_frame;
        Some(Self {
            level,
            warped: warp(&level2.plane, &level2_from_frame, width, height, 0.0),
            photo2_from_frame,
        })
    }

    /// Finds the window around `point` of photo 1 in photo 2, within `radius` of `guess`, and back
    /// again. All in pixels of the frame.
    pub fn find(
        &self,
        tracker: &Tracker,
        point: Point2<f32>,
        guess: Point2<f32>,
        radius: i64,
        options: &RefinementOptions,
    ) -> Search {
        let Some(there) = tracker.template(&self.level.plane, point) else {
            return Search::Untried;
        };
        let Some(near) = tracker.search(&there, &self.warped, guess, radius) else {
            return Search::Untried;
        };
        let found = tracker.track(&there, &self.warped, near.point, MAX_STEPS, MAX_STRAY_PX);
        let Some(found) = found.filter(|found| found.correlation >= options.min_correlation) else {
            return Search::Lost;
        };
        let returned = tracker
            .template(&self.warped, found.point)
            .and_then(|back| {
                tracker.track(&back, &self.level.plane, point, MAX_STEPS, MAX_STRAY_PX)
            })
            .is_some_and(|back| (back.point - point).norm() <= options.max_return_px);
        if returned {
            Search::Found(found)
        } else {
            Search::Lost
        }
    }

    /// Correlation of the windows around `point` of photo 1 and around `guess` of photo 2.
    pub fn correlation(
        &self,
        tracker: &Tracker,
        point: Point2<f32>,
        guess: Point2<f32>,
    ) -> Option<f32> {
        let template = tracker.template(&self.level.plane, point)?;
        let found = tracker.search(&template, &self.warped, guess, 0)?;
        Some(found.correlation)
    }
}

/// Outcome of the search for a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Search {
    /// It holds too little texture or lies outside of the overlap.
    Untried,
    /// Nothing like it is there.
    Lost,
    /// It is there, and the search back ends at its start.
    Found(Found),
}
