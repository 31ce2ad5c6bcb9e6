//! Guided matching: for each keypoint of photo 1 the most similar keypoint of photo 2 near the place
//! where a transform puts it.
//!
//! A nearest neighbour among all descriptors of photo 2 can be lost to a repeated pattern or to the
//! next level of the pyramid. Near the predicted place only a few keypoints are left, which a
//! two-dimensional k-d tree finds.

use std::num::NonZero;

use kiddo::{ImmutableKdTree, SquaredEuclidean};
use nalgebra::{Matrix3, Point2};

use crate::error::{Error, Result};
use crate::features::FeatureSet;
use crate::geometry::project;

/// Keypoints of photo 2 that are compared with one of photo 1, at most, the nearest.
const MAX_NEAR: NonZero<usize> = NonZero::new(16).unwrap();

/// A keypoint of photo 1 that photo 2 should show.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Guided {
    /// The keypoint's index in photo 1.
    pub index1: usize,
    /// The index in photo 2 of the most similar keypoint near the predicted place; none where photo 2
    /// has no keypoint there.
    pub index2: Option<usize>,
    /// Cosine of both descriptors, -1 to 1; 0 without a keypoint.
    pub similarity: f32,
}

/// Keypoints of a photo by their place.
pub struct KeypointTree(Option<ImmutableKdTree<f64, 2>>);

impl KeypointTree {
    /// Builds the tree.
    ///
    /// # Errors
    /// [`Error::Features`] for more keypoints than a `u32` can number.
    pub fn new(features: &FeatureSet) -> Result<Self> {
        let points: Vec<[f64; 2]> = features
            .keypoints()
            .iter()
            .map(|k| [f64::from(k.x), f64::from(k.y)])
            .collect();
        if points.is_empty() {
            return Ok(Self(None));
        }
        let tree = ImmutableKdTree::new_from_slice(&points).map_err(|error| Error::Features {
            reason: format!("no k-d tree can be built: {error}"),
        })?;
        Ok(Self(Some(tree)))
    }
}

/// Every keypoint of photo 1 that `matrix`, which maps photo 1 to photo 2, puts inside photo 2, with
/// its best partner within `radius_px` pixels of photo 2. `tree2` holds the keypoints of photo 2.
pub fn guided_matches(
    features1: &FeatureSet,
    features2: &FeatureSet,
    tree2: &KeypointTree,
    matrix: &Matrix3<f64>,
    radius_px: f64,
) -> Vec<Guided> {
    let (width, height) = (f64::from(features2.width()), f64::from(features2.height()));
    let keypoints1 = features1.keypoints().iter().enumerate();
    keypoints1
        .filter_map(|(index1, keypoint)| {
            let place = Point2::new(f64::from(keypoint.x), f64::from(keypoint.y));
            let there = project(matrix, place)?;
            let is_inside =
                there.x > -0.5 && there.y > -0.5 && there.x < width - 0.5 && there.y < height - 0.5;
            if !is_inside {
                return None;
            }
            let own = features1.descriptors().row(index1);
            let near = tree2.0.as_ref().map_or_else(Vec::new, |tree| {
                tree.query(&[there.x, there.y])
                    .nearest_n::<SquaredEuclidean<f64>>(MAX_NEAR)
                    .execute()
                    .into_iter()
                    .collect()
            });
            let best = near
                .iter()
                .filter(|found| found.distance <= radius_px * radius_px)
                .map(|found| {
                    let index2 = found.item as usize;
                    let other = features2.descriptors().row(index2);
                    let cosine: f32 = own.iter().zip(other).map(|(a, b)| a * b).sum();
                    (cosine, index2)
                })
                .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
            Some(Guided {
                index1,
                index2: best.map(|(_, index2)| index2),
                similarity: best.map_or(0.0, |(cosine, _)| cosine),
            })
        })
        .collect()
}
