//! Plausibility of a transform: scale, stretch, spread of the inliers, similarity of descriptors. Chance matches
//! agree on a transform that squeezes, in a small region, and their descriptors are less alike than those of one
//! thing.

use nalgebra::{Matrix2, Matrix3, Point2, Vector2};
use serde::{Deserialize, Serialize};

use crate::features::FeatureSet;
use crate::geometry::local_motion;

/// Inliers whose descriptors are the most alike and have a mean of their own.
const NUM_BEST: usize = 6;

/// Evidence from the transform of two photos and its inliers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TransformEvidence {
    /// The greater over the lesser size at which both photos show the same, as parts of their diagonals, in the
    /// middle of the inliers; from 1 up.
    pub scale_change: f32,
    /// The greater over the lesser scale of the transform there, from 1 up; 1 for a similarity.
    pub stretch: f32,
    /// Spread of the inliers in each photo, as a part of its diagonal: the fourth root of the determinant of the
    /// covariance of their places; 0 where they lie on a line.
    pub spread: [f32; 2],
    /// Mean similarity of the inliers' descriptors, -1 to 1.
    pub similarity: f32,
    /// The same of the six that are the most alike.
    pub best_similarity: f32,
}

impl TransformEvidence {
    /// Of `matrix`, which maps photo 1 to photo 2, and the matches that it explains, each a keypoint of photo 1 and
    /// one of photo 2; zeros and ones without any.
    pub(super) fn new(
        features: [&FeatureSet; 2],
        matrix: &Matrix3<f64>,
        inliers: &[[usize; 2]],
    ) -> Self {
        let diagonals = features.map(|f| f64::from(f.width()).hypot(f64::from(f.height())));
        let places = |photo: usize| -> Vec<Point2<f64>> {
            let keypoints = features[photo].keypoints();
            let place = |index: usize| Point2::new(keypoints[index].x, keypoints[index].y).cast();
            inliers.iter().map(|pair| place(pair[photo])).collect()
        };
        let [first, second] = [0, 1].map(|photo| Spread::of(&places(photo)));
        let motion = local_motion(matrix, first.middle);
        let scale = motion.map_or(1.0, |motion| motion.scale * diagonals[0] / diagonals[1]);
        let mut similarities: Vec<f32> = inliers
            .iter()
            .map(|&[index1, index2]| {
                let row1 = features[0].descriptors().row(index1);
                let row2 = features[1].descriptors().row(index2);
                row1.iter().zip(row2).map(|(a, b)| a * b).sum()
            })
            .collect();
        similarities.sort_by(|a, b| b.total_cmp(a));
        Self {
            scale_change: scale.max(scale.recip()) as f32,
            stretch: motion.map_or(1.0, |motion| motion.stretch) as f32,
            spread: [
                (first.length / diagonals[0]) as f32,
                (second.length / diagonals[1]) as f32,
            ],
            similarity: mean(&similarities),
            best_similarity: mean(&similarities[..similarities.len().min(NUM_BEST)]),
        }
    }
}

/// Middle and spread of places.
struct Spread {
    middle: Point2<f64>,
    /// The fourth root of the determinant of their covariance.
    length: f64,
}

impl Spread {
    fn of(places: &[Point2<f64>]) -> Self {
        let count = places.len().max(1) as f64;
        let sum: Vector2<f64> = places.iter().map(|place| place.coords).sum();
        let middle = Point2::from(sum / count);
        let outer = |offset: Vector2<f64>| offset * offset.transpose();
        let sum: Matrix2<f64> = places.iter().map(|place| outer(place - middle)).sum();
        let determinant = (sum / count).determinant().max(0.0);
        Self {
            middle,
            length: determinant.sqrt().sqrt(),
        }
    }
}

fn mean(values: &[f32]) -> f32 {
    values.iter().sum::<f32>() / values.len().max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::{Descriptors, Keypoint};

    /// Keypoints at these places of a photo of 300 x 400 pixels, with these descriptors.
    fn features(places: &[[f32; 2]], rows: &[[f32; 2]]) -> FeatureSet {
        let keypoint = |&[x, y]: &[f32; 2]| Keypoint {
            x,
            y,
            scale: 1.0,
            score: 1.0,
        };
        let keypoints = places.iter().map(keypoint).collect();
        FeatureSet::new(
            300,
            400,
            keypoints,
            Descriptors::new(2, rows.concat()).unwrap(),
            None,
        )
        .unwrap()
    }

    #[test]
    fn a_square_seen_half_as_high_is_known_by_its_numbers() {
        let square = [
            [100.0, 100.0],
            [200.0, 100.0],
            [100.0, 200.0],
            [200.0, 200.0],
        ];
        let first = features(&square, &[[1.0, 0.0]; 4]);
        let low = square.map(|[x, y]| [x, 0.5 * y]);
        let second = features(&low, &[[1.0, 0.0], [0.6, 0.8], [0.6, 0.8], [0.0, 1.0]]);
        let matrix = Matrix3::new(1.0, 0.0, 0.0, 0.0, 0.5, 0.0, 0.0, 0.0, 1.0);
        let inliers = [0, 1, 2, 3].map(|index| [index; 2]);
        let found = TransformEvidence::new([&first, &second], &matrix, &inliers);
        let near = |value: f32, expected: f32| (value - expected).abs() < 1e-5;
        assert!(near(found.scale_change, 2.0f32.sqrt()), "{found:?}");
        assert!(near(found.stretch, 2.0), "{found:?}");
        // Standard deviations of 50 and 50, and of 50 and 25 pixels; the diagonal has 500.
        assert!(near(found.spread[0], 0.1), "{found:?}");
        assert!(near(found.spread[1], 0.1 / 2.0f32.sqrt()), "{found:?}");
        assert!(near(found.similarity, 0.55) && near(found.best_similarity, 0.55));
    }

    #[test]
    fn inliers_on_a_line_have_no_spread_and_none_have_no_evidence() {
        let line = [[10.0, 10.0], [20.0, 20.0], [40.0, 40.0]];
        let photo = features(&line, &[[1.0, 0.0]; 3]);
        let inliers = [0, 1, 2].map(|index| [index; 2]);
        let identity = Matrix3::identity();
        let on_line = TransformEvidence::new([&photo, &photo], &identity, &inliers);
        assert_eq!(on_line.spread, [0.0; 2]);
        let none = TransformEvidence::new([&photo, &photo], &identity, &[]);
        assert_eq!((none.scale_change, none.stretch), (1.0, 1.0));
        assert_eq!(
            (none.spread, none.similarity, none.best_similarity),
            ([0.0; 2], 0.0, 0.0)
        );
    }
}
