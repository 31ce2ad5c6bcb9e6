//! Options of refinement.

use crate::error::{Error, Result};

/// Options of preparing photos for refinement and of accepting tracks. The values were chosen on the Oxford affine
/// sequences and on photos of objects.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RefinementOptions {
    /// Photos are scaled down to this long side first, in pixels; at least 64. Smaller photos stay
    /// as they are. Accuracy grows with it about in proportion, as does the time.
    pub max_long_side: u32,
    /// The long side of the smallest pyramid level is at least this, in pixels; at least 40. Small
    /// levels bridge large errors of the coarse transform.
    pub min_long_side: u32,
    /// Corners are at most one to a square of this side, in pixels of each level; at least 4.
    pub corner_spacing_px: u32,
    /// Corners to a level, the best first; at least 8.
    pub max_corners: usize,
    /// Least score of a corner: the smaller eigenvalue of the mean outer product of its gradient, in squared grey
    /// levels (0 to 255) a pixel; more than 0.
    pub min_corner_score: f32,
    /// Largest error of the coarse transform anywhere, as a part of photo 1's long side; more than 0, at most 0.25.
    /// The DELF protocol's RANSAC allows 20 of 480 pixels, 0.04.
    pub max_coarse_error: f64,
    /// Largest error of the positions of a match, as a part of photo 1's long side; more than 0, at most 0.25. A
    /// cell of stride 16 at half of 480 pixels spans 0.067.
    pub max_match_error: f64,
    /// A window is found where its zero-mean normalised correlation is at least this; between 0
    /// and 1.
    pub min_correlation: f32,
    /// Largest distance of a point from its start when it is tracked to photo 2 and back, in pixels of each level;
    /// more than 0.
    pub max_return_px: f32,
    /// Largest error of a track under the transform, in pixels of photo 1's working size; more than 0.
    pub max_error_px: f64,
    /// A transform needs this many consistent tracks; at least 5, one more than determine it.
    pub min_tracks: usize,
}

impl Default for RefinementOptions {
    fn default() -> Self {
        Self {
            max_long_side: 480,
            min_long_side: 80,
            corner_spacing_px: 12,
            max_corners: 300,
            min_corner_score: 2.0,
            max_coarse_error: 0.06,
            max_match_error: 0.025,
            min_correlation: 0.7,
            max_return_px: 0.5,
            max_error_px: 3.0,
            min_tracks: 8,
        }
    }
}

impl RefinementOptions {
    /// Checks every field against the range it documents.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] naming the first field out of range.
    pub fn validate(&self) -> Result<()> {
        let at_least = |name, value: usize, min: usize| {
            let fits = value >= min;
            fits.then_some(())
                .ok_or_else(|| Error::option(name, format!("{value} is less than {min}")))
        };
        let within = |name, value: f64, max: f64| {
            let fits = value > 0.0 && value <= max;
            fits.then_some(())
                .ok_or_else(|| Error::option(name, format!("{value} is not in (0, {max}]")))
        };
        at_least("max_long_side", self.max_long_side as usize, 64)?;
        at_least("min_long_side", self.min_long_side as usize, 40)?;
        at_least("corner_spacing_px", self.corner_spacing_px as usize, 4)?;
        at_least("max_corners", self.max_corners, 8)?;
        within("min_corner_score", self.min_corner_score.into(), 65_025.0)?;
        within("max_coarse_error", self.max_coarse_error, 0.25)?;
        within("max_match_error", self.max_match_error, 0.25)?;
        within("min_correlation", self.min_correlation.into(), 1.0)?;
        within("max_return_px", self.max_return_px.into(), 100.0)?;
        within("max_error_px", self.max_error_px, 100.0)?;
        at_least("min_tracks", self.min_tracks, 5)
    }
}
