//! Makes a coarse transform between two photos exact to the pixel.
//!
//! A coarse transform, wrong by some percent of the photo, is enough to draw photo 2 into the frame of photo 1.
//! There the same window is at nearly the same place in both, so corners of photo 1 are searched for in a small
//! neighbourhood and followed by Lucas-Kanade (Lucas and Kanade, IJCAI 1981; pyramidal, forward and backward), from
//! windows that cover much of the photo to windows that cover little; after each round the transform is estimated
//! again and photo 2 drawn anew.
//!
//! Windows are compared by zero-mean normalised correlation: brightness and contrast do not matter. The number of
//! windows found at their places under one transform is also evidence that the photos show the same thing: two
//! products of like shape agree in outline and not in detail.
//!
//! [`refine`] finds one homography for planes and distant scenes; [`refine_matches`] aligns each match separately,
//! for scenes with depth. Both map photo 1 to photo 2, in pixels of the original photos with the centre of the
//! top-left pixel at (0, 0), use no randomness and depend on no number of threads.

mod agreement;
mod align;
mod blocks;
mod chroma;
mod corners;
mod correlation;
mod differences;
mod fine;
mod fit;
mod frame;
mod image;
mod local;
mod movement;
mod options;
mod pictures;
mod planar;
mod plane;
#[cfg(test)]
pub(crate) mod planted;
#[cfg(test)]
mod tests;
mod warp;
mod window;

pub use self::image::RefinementImage;
pub(crate) use agreement::{AGREES, MIN_TEXTURE};
pub use agreement::{AgreementCell, AgreementMap, MAP_SIDE, agreement_map};
pub use differences::{DifferenceBlock, DifferenceMap};
pub use fine::{FineMap, FineWindow};
pub use local::refine_matches;
pub(crate) use movement::{FOLLOWS, Movement, Shift};
pub use options::RefinementOptions;
pub use pictures::{AlignedPictures, PICTURE_SIDE};
pub use planar::refine;

use nalgebra::{Matrix3, Point2};

/// A point found in both photos.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Track {
    /// A corner of photo 1, in pixels of the original photo.
    pub point1: Point2<f64>,
    /// The same point in photo 2, in pixels of the original photo.
    pub point2: Point2<f64>,
    /// Distance of `point2` from where the transform, or the match, put it; pixels of photo 2.
    pub error_px: f64,
    /// Zero-mean normalised correlation of the two windows, 0 to 1.
    pub correlation: f32,
}

/// A transform that many windows of photo 1 agree on.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RefinedGeometry {
    /// The homography x2 ~ H x1 in pixels of the original photos, h33 = 1.
    pub matrix: Matrix3<f64>,
    /// The windows found where the transform puts them, those with the strongest corners first.
    pub tracks: Vec<Track>,
    /// The number of corners of photo 1 that were searched for: those that fall inside photo 2.
    pub num_tried: usize,
    /// The median correlation, over the corners tried, of the windows that the transform pairs; -1
    /// to 1. Near 1 when the photos show the same thing, whatever part of it moved.
    pub correlation: f32,
}

impl RefinedGeometry {
    /// The share of the corners tried that were found where the transform puts them, 0 to 1.
    pub fn consistent_share(&self) -> f64 {
        self.tracks.len() as f64 / self.num_tried.max(1) as f64
    }
}
