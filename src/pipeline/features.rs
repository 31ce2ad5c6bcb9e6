//! Two sets of features -> matches and one verified transform.

use nalgebra::{Matrix3, Point2};
use sha2::{Digest, Sha256};

use super::MatchOptions;
use crate::error::Result;
use crate::features::{FeatureSet, Keypoint};
use crate::geometry::{Correspondences, inverse, normalized, project};
use crate::matching::{Match, match_descriptors};
use crate::verification::{TwoViewGeometry, VerificationOptions, verify};

/// A second transform is searched for from this many inliers of the first.
const MIN_FIRST_INLIERS: usize = 6;

/// Matches and geometry of the features of two photos.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FeatureMatch {
    /// Pairs of similar descriptors.
    pub matches: Vec<Match>,
    /// The transform that most matches agree on, if there is one.
    pub geometry: Option<TwoViewGeometry>,
    /// Global similarity of the photos: [`FeatureSet::global_similarity`].
    pub global_similarity: Option<f64>,
    /// Matches that a second transform explains, of those that the first does not; many where a thing shows several
    /// sides.
    pub num_second_inliers: usize,
}

impl FeatureMatch {
    /// The number of verified inliers.
    pub fn num_inliers(&self) -> usize {
        self.geometry.as_ref().map_or(0, |g| g.inliers.len())
    }

    /// The matches that the transform explains.
    pub fn inliers(&self) -> impl ExactSizeIterator<Item = &Match> {
        let inliers: &[usize] = self.geometry.as_ref().map_or(&[], |g| &g.inliers);
        inliers.iter().map(|&index| &self.matches[index])
    }

    /// The same from photo 2 to photo 1, matches in the order of photo 1's keypoints; without a geometry
    /// where the transform has no inverse.
    #[must_use]
    pub(super) fn swapped(self) -> Self {
        let mut order: Vec<usize> = (0..self.matches.len()).collect();
        order.sort_by_key(|&at| (self.matches[at].index1, self.matches[at].index2));
        let swap = |&at: &usize| Match {
            index1: self.matches[at].index2,
            index2: self.matches[at].index1,
            distance: self.matches[at].distance,
        };
        let matches = order.iter().map(swap).collect();
        let geometry = self.geometry.and_then(|geometry| {
            let is_inlier = |at: &usize| geometry.inliers.binary_search(&order[*at]).is_ok();
            Some(TwoViewGeometry {
                matrix: normalized(&inverse(&geometry.matrix)?)?,
                inliers: (0..order.len()).filter(is_inlier).collect(),
                ..geometry
            })
        });
        Self {
            matches,
            geometry,
            ..self
        }
    }

    /// Ranking score of a pair, by the number of inliers and the global similarity: ln(1 + inliers) + 4 times the
    /// similarity.
    pub fn score(&self) -> f64 {
        (self.num_inliers() as f64).ln_1p() + 4.0 * self.global_similarity.unwrap_or(0.0)
    }
}

/// Matches and verifies the features of two photos; deterministic for a seed. `options.seed` is not
/// read: see [`seed_from_content`].
///
/// # Errors
/// [`crate::Error::InvalidOption`], or [`crate::Error::Features`] when the descriptors differ in length.
pub fn match_features(
    features1: &FeatureSet,
    features2: &FeatureSet,
    options: &MatchOptions,
    seed: u64,
) -> Result<FeatureMatch> {
    let matches = match_descriptors(
        features1.descriptors(),
        features2.descriptors(),
        &options.matching,
    )?;
    let mut verification = options.verification;
    verification.ransac.seed = seed;
    let [factor1, factor2] = [features1, features2].map(|f| working_factor(f, options));
    let keypoints1 = at_working_size(features1, factor1);
    let keypoints2 = at_working_size(features2, factor2);
    // At the working size, so that every limit means the same for photos of any size.
    let explained = |matches: &[Match]| verify(&keypoints1, &keypoints2, matches, &verification);
    let first = explained(&matches)?;
    let num_second_inliers = match &first {
        Some(first) if first.inliers.len() >= MIN_FIRST_INLIERS => {
            let rest = unexplained([&keypoints1, &keypoints2], &matches, first, &verification);
            explained(&rest)?.map_or(0, |second| second.inliers.len())
        }
        _ => 0,
    };
    let geometry = first.and_then(|geometry| {
        let photo2_from_working = inverse(&scaling(factor2))?;
        let matrix = normalized(&(photo2_from_working * geometry.matrix * scaling(factor1)))?;
        Some(TwoViewGeometry { matrix, ..geometry })
    });
    Ok(FeatureMatch {
        matches,
        geometry,
        global_similarity: features1.global_similarity(features2),
        num_second_inliers,
    })
}

/// The matches that a transform puts farther off than its inliers.
fn unexplained(
    keypoints: [&[Keypoint]; 2],
    matches: &[Match],
    geometry: &TwoViewGeometry,
    options: &VerificationOptions,
) -> Vec<Match> {
    let place = |keypoint: &Keypoint| Point2::new(keypoint.x.into(), keypoint.y.into());
    let is_far = |pair: &&Match| {
        let there = project(&geometry.matrix, place(&keypoints[0][pair.index1]));
        let found = place(&keypoints[1][pair.index2]);
        there.is_none_or(|there| (there - found).norm() > options.ransac.max_error_px)
    };
    matches.iter().filter(is_far).copied().collect()
}

/// As [`match_features`], with the photos in the order of their content, so that swapping them only inverts the
/// result. Where matches are not mutual their direction counts, and the order stays. `options.seed`, if there is
/// one, replaces the seed by content.
///
/// # Errors
/// As [`match_features`].
pub(super) fn match_by_content(
    [features1, features2]: [&FeatureSet; 2],
    hashes: [&[u8; 32]; 2],
    options: &MatchOptions,
) -> Result<FeatureMatch> {
    let seed = |a, b| options.seed.unwrap_or_else(|| seed_from_content(a, b));
    let [hash1, hash2] = hashes;
    if hash1 <= hash2 || !options.matching.mutual {
        return match_features(features1, features2, options, seed(hash1, hash2));
    }
    let found = match_features(features2, features1, options, seed(hash2, hash1))?;
    Ok(found.swapped())
}

/// The keypoints in pixels of the photo scaled by `factor`.
fn at_working_size(features: &FeatureSet, factor: f64) -> Vec<Keypoint> {
    let scaled = |v: f32| ((f64::from(v) + 0.5) * factor - 0.5) as f32;
    let keypoints = features.keypoints().iter();
    keypoints
        .map(|keypoint| Keypoint {
            x: scaled(keypoint.x),
            y: scaled(keypoint.y),
            ..*keypoint
        })
        .collect()
}

/// Maps pixels of a photo to pixels of the photo scaled by `factor`; the centre of the top-left pixel is
/// at (0, 0) in both.
fn scaling(factor: f64) -> Matrix3<f64> {
    let shift = 0.5 * factor - 0.5;
    Matrix3::new(factor, 0.0, shift, 0.0, factor, shift, 0.0, 0.0, 1.0)
}

pub(super) fn positions(
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

/// Positions of the keypoints of these matches.
pub(super) fn correspondences<'a>(
    features1: &FeatureSet,
    features2: &FeatureSet,
    matches: impl Iterator<Item = &'a Match>,
) -> Correspondences {
    let mut points = Correspondences::with_capacity(matches.size_hint().0);
    for pair in matches {
        let (p1, p2) = positions(features1, features2, pair);
        points.push(p1, p2);
    }
    points
}

/// Pixels at the working size, where the longest side is `max_size`, a pixel of the photo.
fn working_factor(features: &FeatureSet, options: &MatchOptions) -> f64 {
    let longest = features.width().max(features.height()).max(1);
    f64::from(options.extraction.max_size) / f64::from(longest)
}

/// The largest error of an inlier in pixels of a photo; the option counts in pixels at scale 1.
pub(super) fn working_error_px(features: &FeatureSet, options: &MatchOptions) -> f64 {
    options.verification.ransac.max_error_px / working_factor(features, options)
}

/// The seed of a pair of photos by its content.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::Descriptors;

    const NUM_POINTS: usize = 36;

    /// Keypoints at fixed parts of a photo, each with a descriptor of its own.
    fn features(width: u32, height: u32) -> FeatureSet {
        let part = |i: usize, step: usize| ((i * step) % 101) as f32 / 101.0;
        let keypoints = (0..NUM_POINTS).map(|i| Keypoint {
            x: part(i, 37) * width as f32,
            y: part(i, 23) * height as f32,
            scale: 1.0,
            score: 1.0,
        });
        let values = (0..NUM_POINTS * NUM_POINTS)
            .map(|at| f32::from(u8::from(at / NUM_POINTS == at % NUM_POINTS)));
        let descriptors = Descriptors::new(NUM_POINTS, values.collect()).unwrap();
        FeatureSet::new(width, height, keypoints.collect(), descriptors, None).unwrap()
    }

    #[test]
    fn sizes_of_the_photos_change_neither_the_answer_nor_where_it_lies() {
        for sizes in [
            [(4032, 3024), (150, 112)],
            [(12_000, 9000), (320, 240)],
            [(480, 360), (480, 360)],
        ] {
            for [(width1, height1), (width2, height2)] in [sizes, [sizes[1], sizes[0]]] {
                let (photo1, photo2) = (features(width1, height1), features(width2, height2));
                let options = MatchOptions::default();
                let found = match_features(&photo1, &photo2, &options, 1).unwrap();
                assert_eq!(found.num_inliers(), NUM_POINTS, "{width1} {width2}");
                let matrix = found.geometry.unwrap().matrix;
                let there = project(&matrix, Point2::new(0.25 * f64::from(width1), 0.0)).unwrap();
                let off = (there.x - 0.25 * f64::from(width2)).hypot(there.y);
                assert!(off < 0.01 * f64::from(width2), "{width1} {width2}: {there}");
            }
        }
    }

    #[test]
    fn limits_are_those_of_the_working_size() {
        let small = features(100, 75);
        // The thing is a twentieth of photo 2, whatever the photo's size is.
        let part_of = |width: u32, part: f32| {
            let whole = features(width, width * 3 / 4);
            let keypoints = whole.keypoints().iter().map(|keypoint| Keypoint {
                x: keypoint.x * part,
                y: keypoint.y * part,
                ..*keypoint
            });
            let descriptors = whole.descriptors().clone();
            FeatureSet::new(width, width * 3 / 4, keypoints.collect(), descriptors, None).unwrap()
        };
        let inliers = |width: u32, part: f32| {
            let photo2 = part_of(width, part);
            let mut options = MatchOptions::default();
            options.verification.ransac.max_error_px = 1.0;
            options.verification.place_radius_px = 0.0;
            let found = match_features(&small, &photo2, &options, 1).unwrap();
            found.num_inliers()
        };
        for width in [100, 1000, 10_000] {
            assert_eq!(inliers(width, 1.0 / 19.0), NUM_POINTS, "{width}");
            assert!(inliers(width, 1.0 / 40.0) < NUM_POINTS, "{width}");
        }
    }

    /// The photo with the keypoints right of its middle moved by this much of its width.
    fn with_second_side(photo: &FeatureSet, moved: f32) -> FeatureSet {
        let width = photo.width() as f32;
        let keypoints = photo.keypoints().iter().map(|keypoint| Keypoint {
            x: keypoint.x * 0.5
                + if keypoint.x > 0.5 * width {
                    moved * width
                } else {
                    0.0
                },
            y: keypoint.y * 0.5,
            ..*keypoint
        });
        let descriptors = photo.descriptors().clone();
        FeatureSet::new(
            photo.width(),
            photo.height(),
            keypoints.collect(),
            descriptors,
            None,
        )
        .unwrap()
    }

    #[test]
    fn a_second_side_is_counted() {
        let photo = features(480, 360);
        let options = MatchOptions::default();
        let right = photo.keypoints().iter().filter(|k| k.x > 240.0).count();
        let found = match_features(&photo, &with_second_side(&photo, 0.3), &options, 1).unwrap();
        let both = found.num_inliers() + found.num_second_inliers;
        assert!(
            found.num_inliers() >= right.min(NUM_POINTS - right),
            "{both}"
        );
        assert!(both >= NUM_POINTS - 2, "{both}");
        let one = match_features(&photo, &photo, &options, 1).unwrap();
        assert_eq!((one.num_inliers(), one.num_second_inliers), (NUM_POINTS, 0));
    }

    #[test]
    fn the_order_of_the_photos_changes_the_direction_alone() {
        let photo = features(480, 360);
        let other = with_second_side(&photo, 0.3);
        let options = MatchOptions::default();
        let hashes = [[1; 32], [2; 32]];
        let forth = match_by_content([&photo, &other], [&hashes[0], &hashes[1]], &options).unwrap();
        let back = match_by_content([&other, &photo], [&hashes[1], &hashes[0]], &options).unwrap();
        assert_eq!(forth.num_second_inliers, back.num_second_inliers);
        let pairs = |found: &FeatureMatch, turned: bool| {
            assert!(found.geometry.is_some());
            let mut pairs: Vec<_> = found
                .inliers()
                .map(|pair| (pair.index1, pair.index2))
                .map(|(a, b)| if turned { (b, a) } else { (a, b) })
                .collect();
            pairs.sort_unstable();
            pairs
        };
        assert_eq!(pairs(&forth, false), pairs(&back, true));
        let turned = forth.clone().swapped();
        assert_eq!(turned.matches, back.matches);
        assert_eq!(
            turned.geometry.unwrap().matrix,
            back.geometry.unwrap().matrix
        );
    }
}
