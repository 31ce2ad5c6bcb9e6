//! Guided matching: for each keypoint of photo 1 the most similar keypoint of photo 2 near its place under a
//! transform.
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
                    .within(radius_px * radius_px)
                    .unsorted()
                    .without_distances()
                    .execute()
            });
            let best = near
                .iter()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::{Descriptors, Keypoint};
    use crate::refinement::planted::{hashed, moved};
    use crate::scoring::tests::{DIM, unit};

    /// Features at these places with these descriptors in a photo of 200 x 100 pixels.
    fn features(keypoints: &[(f32, f32, Vec<f32>)]) -> FeatureSet {
        let values = keypoints.iter().flat_map(|(_, _, d)| d.clone()).collect();
        let places = keypoints.iter().map(|(x, y, _)| Keypoint {
            x: *x,
            y: *y,
            scale: 1.0,
            score: 1.0,
        });
        let descriptors = Descriptors::new(DIM, values).unwrap();
        FeatureSet::new(200, 100, places.collect(), descriptors, None).unwrap()
    }

    #[test]
    fn a_partner_is_looked_for_near_the_predicted_place() {
        let descriptor = |seed: u64| unit(|i| hashed(seed, i as i64, 0));
        // A little like its kind, less so the greater the part.
        let like = |seed: u64, part: f64| {
            unit(|i| hashed(seed, i as i64, 0) + part * hashed(seed + 50, i as i64, 0))
        };
        let matrix = moved([200, 100], 1.0, 0.0, [20.0, 0.0]);
        let first = features(&[
            (30.0, 50.0, descriptor(1)),
            (100.0, 50.0, descriptor(2)),
            (150.0, 20.0, descriptor(3)),
            (190.0, 50.0, descriptor(4)),
            (60.0, 80.0, descriptor(5)),
        ]);
        let second = features(&[
            // Of the first: the same outside the radius, a like one inside, a nearer one unlike it.
            (50.0, 61.0, descriptor(1)),
            (57.0, 50.0, like(1, 0.3)),
            (51.0, 50.0, descriptor(9)),
            // Of the second: the nearer is less like.
            (122.0, 50.0, like(2, 0.6)),
            (112.0, 50.0, like(2, 0.2)),
            // Of the third: none within the radius.
            (170.0, 40.0, descriptor(3)),
            // Where photo 1 stood, without the transform.
            (190.0, 50.0, descriptor(4)),
            // Of the fifth: twice the same; the first counts.
            (83.0, 80.0, descriptor(5)),
            (79.0, 80.0, descriptor(5)),
        ]);
        let tree = KeypointTree::new(&second).unwrap();
        let found = guided_matches(&first, &second, &tree, &matrix, 10.0);
        let pairs: Vec<_> = found.iter().map(|g| (g.index1, g.index2)).collect();
        // The fourth falls out of photo 2.
        assert_eq!(pairs, [(0, Some(1)), (1, Some(4)), (2, None), (4, Some(7))]);
        let cosine = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let expected = cosine(&descriptor(1), &like(1, 0.3));
        assert!((found[0].similarity - expected).abs() < 1e-6 && expected > 0.8);
        assert_eq!(found[2].similarity, 0.0);
        assert!((found[3].similarity - 1.0).abs() < 1e-5);
        // A wider radius finds the same descriptor.
        let found = guided_matches(&first, &second, &tree, &matrix, 12.0);
        assert_eq!(found[0].index2, Some(0));
        // No keypoints, no partners.
        let none = features(&[]);
        let tree = KeypointTree::new(&none).unwrap();
        let found = guided_matches(&first, &none, &tree, &matrix, 10.0);
        assert_eq!(found.len(), 4);
        assert!(
            found
                .iter()
                .all(|g| g.index2.is_none() && g.similarity == 0.0)
        );
        assert!(
            guided_matches(
                &none,
                &first,
                &KeypointTree::new(&first).unwrap(),
                &matrix,
                10.0
            )
            .is_empty()
        );
    }

    #[test]
    fn the_photo_ends_at_the_edges_of_its_pixels() {
        let descriptor = unit(|i| hashed(1, i as i64, 0));
        let one = features(&[(0.0, 0.0, descriptor)]);
        let tree = KeypointTree::new(&one).unwrap();
        for (x, y, is_inside) in [
            (-0.4, -0.4, true),
            (-0.6, 10.0, false),
            (10.0, -0.6, false),
            (199.4, 99.4, true),
            (199.6, 50.0, false),
            (50.0, 99.6, false),
        ] {
            let shift = moved([200, 100], 1.0, 0.0, [x, y]);
            let found = guided_matches(&one, &one, &tree, &shift, 1.0);
            assert_eq!(found.len(), usize::from(is_inside), "{x}, {y}");
        }
    }
}
