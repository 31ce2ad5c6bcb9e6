use image::{Rgb, RgbImage};
use nalgebra::{Matrix3, Point2};

use super::{
    FEATURE_INPUTS, FeatureEvidence, GuidedMatches, KeypointTree, PIXEL_INPUTS, PixelEvidence,
    feature_inputs, pixel_inputs,
};
use crate::features::{Descriptors, FeatureSet, Keypoint};
use crate::geometry::{inverse, project};
use crate::refinement::planted::{hashed, moved, noise, texture, unwarped};
use crate::refinement::{RefinementImage, RefinementOptions, agreement_map};

mod differences;
mod fine;

const SIZE: [u32; 2] = [480, 360];
pub(super) const DIM: usize = 16;
/// Pixels between the keypoints of a scene.
const SPACING: i64 = 20;
/// Pixels from the edge of a photo to the first keypoint: the outermost cells of a map are not known.
const MARGIN: f64 = 20.0;

/// A photo with its features.
struct View {
    image: RefinementImage,
    features: FeatureSet,
    tree: KeypointTree,
    /// Row, column and seed of each keypoint.
    names: Vec<(i64, i64, u64)>,
}

/// A colour of a scene: a texture with colours that change slowly.
fn scene(seed: u64, place: Point2<f64>) -> [f64; 3] {
    let grey = texture(seed, place);
    let color = |i: u64| 30.0 * noise(1000 + seed * 4 + i, 120.0, place.x, place.y);
    [grey + color(0), grey, grey + color(1)]
}

/// A photo of this size of the scene of `color` and `seed_at`; `matrix` maps the scene to the photo. Keypoints
/// stand on a grid of the scene; descriptors depend on the place and the seed.
fn view(
    size: [u32; 2],
    matrix: &Matrix3<f64>,
    seed_at: impl Fn(Point2<f64>) -> u64,
    color: impl Fn([f64; 3], Point2<f64>) -> [f64; 3],
) -> View {
    let [width, height] = size;
    let back = unwarped(matrix);
    let photo = RgbImage::from_fn(width, height, |x, y| {
        let place = back(Point2::new(f64::from(x), f64::from(y)));
        let color = color(scene(seed_at(place), place), place);
        Rgb(color.map(|value| value.round().clamp(0.0, 255.0) as u8))
    });
    let mut keypoints = Vec::new();
    let mut values = Vec::new();
    let mut names = Vec::new();
    for row in -10..40 {
        for column in -10..40 {
            let place = Point2::new((column * SPACING) as f64, (row * SPACING) as f64);
            let there = project(matrix, place).unwrap();
            let [right, bottom] = [width, height].map(|side| f64::from(side) - MARGIN);
            let is_inside =
                there.x >= MARGIN && there.y >= MARGIN && there.x <= right && there.y <= bottom;
            if is_inside {
                keypoints.push(Keypoint {
                    x: there.x as f32,
                    y: there.y as f32,
                    scale: 1.0,
                    score: 2.0 + hashed(7, column, row) as f32,
                });
                names.push((row, column, seed_at(place)));
                let seed = seed_at(place) * 100;
                values.extend(unit(|i| hashed(seed + i as u64, column, row)));
            }
        }
    }
    let descriptors = Descriptors::new(DIM, values).unwrap();
    let features = FeatureSet::new(width, height, keypoints, descriptors, None).unwrap();
    View {
        image: RefinementImage::from_rgb(&photo, &RefinementOptions::default()).unwrap(),
        tree: KeypointTree::new(&features).unwrap(),
        features,
        names,
    }
}

/// A descriptor of length 1.
pub(super) fn unit(value: impl Fn(usize) -> f64) -> Vec<f32> {
    let values: Vec<f64> = (0..DIM).map(value).collect();
    let norm = values.iter().map(|value| value * value).sum::<f64>().sqrt();
    values.iter().map(|value| (value / norm) as f32).collect()
}

/// A view without a change of colour.
fn plain(matrix: &Matrix3<f64>, seed_at: impl Fn(Point2<f64>) -> u64) -> View {
    view(SIZE, matrix, seed_at, |color, _| color)
}

/// All evidence of two views under `matrix`, with the keypoints that both show as inliers.
fn evidence(a: &View, b: &View, matrix: &Matrix3<f64>) -> (FeatureEvidence, PixelEvidence) {
    let features = [&a.features, &b.features];
    let guided = GuidedMatches::new(features, [&a.tree, &b.tree], matrix).unwrap();
    let place = |view: &View, index: usize| {
        let keypoint = &view.features.keypoints()[index];
        Point2::new(f64::from(keypoint.x), f64::from(keypoint.y))
    };
    let inliers: Vec<[usize; 2]> = (0..a.names.len())
        .filter_map(|index| {
            let same = b.names.iter().position(|name| *name == a.names[index])?;
            Some([index, same])
        })
        .collect();
    let by_features = FeatureEvidence::new(features, 300, matrix, &inliers, 0.8, 0, &guided);
    let map = agreement_map(&a.image, &b.image, matrix).unwrap();
    let places = inliers
        .iter()
        .map(|&[first, second]| (place(a, first), place(b, second)));
    let pixels = PixelEvidence::new(features, &guided, places, &map);
    (by_features, pixels)
}

fn is_middle(place: Point2<f64>) -> bool {
    (place.x - 240.0).abs() < 120.0 && (place.y - 180.0).abs() < 90.0
}

#[test]
fn a_copy_is_explained() {
    let identity = Matrix3::identity();
    let first = plain(&identity, |_| 1);
    let copy = view(
        SIZE,
        &identity,
        |_| 1,
        |color, _| color.map(|v| 0.9 * v + 4.0),
    );
    let (features, pixels) = evidence(&first, &copy, &identity);
    assert_eq!(features.coverage, [1.0; 2]);
    let num_keypoints = first.features.keypoints().len() as u32;
    assert_eq!(features.num_keypoints, [num_keypoints; 2]);
    assert_eq!(features.num_inliers, num_keypoints);
    assert_eq!(features.num_guided, num_keypoints);
    assert!(features.descriptor_similarity.iter().all(|s| *s > 0.999));
    assert_eq!(pixels.overlap, [1.0; 2]);
    for agreement in [
        pixels.agreement,
        pixels.attended_agreement,
        pixels.middle_agreement,
        pixels.subject_agreement,
        pixels.inlier_agreement,
        pixels.agreeing_share,
        pixels.planar_share,
        pixels.middle_descriptor_similarity,
        pixels.blocks[0],
    ] {
        assert!(agreement > 0.97 && agreement < 1.001, "{pixels:?}");
    }
    // At the overlap's edges a window may leave a photo, at half the resolution more so.
    assert!(pixels.explained_attention.iter().all(|part| *part > 0.93));
    assert!(pixels.coarse_agreement > 0.85, "{pixels:?}");
    for contradiction in [
        pixels.contradicting_share,
        pixels.contradicted_attention,
        pixels.middle_contradiction,
        pixels.shift,
        pixels.roughness,
    ] {
        assert!(contradiction < 0.003, "{pixels:?}");
    }
    assert!(pixels.texture_balance > 0.85, "{pixels:?}");
    assert!(pixels.texture > 10.0, "{pixels:?}");
    assert!(pixels.saturation > 3.0, "{pixels:?}");
}

#[test]
fn contradiction_in_the_middle_is_seen() {
    let identity = Matrix3::identity();
    let truth = moved(SIZE, 0.95, 5.0, [3.0, -4.0]);
    let first = plain(&identity, |_| 2);
    let (all, same) = evidence(&first, &plain(&truth, |_| 2), &truth);
    let other = plain(&truth, |place| if is_middle(place) { 3 } else { 2 });
    let (fewer, middle) = evidence(&first, &other, &truth);
    // An area of the same size at the left border.
    let other = plain(&truth, |place| if place.x < 120.0 { 3 } else { 2 });
    let (_, border) = evidence(&first, &other, &truth);
    assert!(same.middle_contradiction < 0.01 && same.contradicted_attention < 0.01);
    assert!(same.middle_agreement > 0.95 && same.subject_agreement > 0.95);
    assert!(middle.middle_contradiction > 0.25);
    assert!(middle.contradicted_attention > 0.12);
    assert!(middle.middle_agreement < same.middle_agreement - 0.3);
    assert!(middle.subject_agreement < same.subject_agreement - 0.3);
    assert!(middle.blocks[0] < 0.6 && middle.blocks[2] > 0.9);
    assert!(middle.middle_descriptor_similarity < same.middle_descriptor_similarity - 0.3);
    assert!(border.middle_contradiction < 0.6 * middle.middle_contradiction);
    assert!(border.middle_agreement > middle.middle_agreement + 0.15);
    // Four fifths of the overlap agree, and the rest is one group.
    assert!(
        same.fine.num_windows > 1500 && same.fine.largest_replaced < 5,
        "{:?}",
        same.fine
    );
    assert!(middle.fine.largest_replaced > 300, "{:?}", middle.fine);
    assert!(middle.fine.inner_replaced > 0.1 && middle.fine.agreement > 0.9);
    // Keypoints of what was replaced have no partner.
    assert!(fewer.num_guided < all.num_guided && fewer.num_guided >= fewer.num_inliers);
    // What the inliers hold still agrees.
    assert!(middle.inlier_agreement > 0.85);
}

#[test]
fn a_border_that_agrees_explains_little() {
    let identity = Matrix3::identity();
    let inner =
        |place: Point2<f64>| place.x > 50.0 && place.x < 430.0 && place.y > 40.0 && place.y < 320.0;
    let first = plain(&identity, |_| 4);
    let second = plain(&identity, |place| if inner(place) { 5 } else { 4 });
    let (_, pixels) = evidence(&first, &second, &identity);
    for explained in pixels.explained_attention {
        assert!(explained > 0.1 && explained < 0.5, "{explained}");
    }
    assert!(pixels.agreement < 0.6);
    assert!(pixels.inlier_cells > 0.0 && pixels.inlier_cells < 0.5);
}

#[test]
fn another_color_is_seen_and_another_light_is_taken_off() {
    let identity = Matrix3::identity();
    let first = plain(&identity, |_| 6);
    let seen = |color: fn([f64; 3], Point2<f64>) -> [f64; 3]| {
        evidence(&first, &view(SIZE, &identity, |_| 6, color), &identity).1
    };
    let same = seen(|color, _| color);
    let painted = seen(|[r, g, b], place| match is_middle(place) {
        true => [r + 40.0, g - 20.0, b - 40.0],
        false => [r, g, b],
    });
    let dim = seen(|color, _| color.map(|value| 0.7 * value));
    let warm = seen(|[r, g, b], _| [1.1 * r, g, 0.75 * b]);
    assert!(same.color_difference < 0.01 && same.relative_color_difference < 0.01);
    assert!(painted.color_difference > 5.0);
    assert!(painted.middle_color_difference > 1.5 * painted.color_difference);
    assert!(painted.relative_color_difference > 5.0);
    // Less light changes all colours alike and a little; a warm light changes them much, and alike.
    assert!(dim.relative_color_difference < 0.3 * painted.relative_color_difference);
    assert!(warm.color_difference > 8.0);
    assert!(warm.relative_color_difference < 0.25 * warm.color_difference);
    assert!(warm.relative_color_difference < 0.4 * painted.relative_color_difference);
    // A small patch hardly moves the means.
    let patch = seen(
        |[r, g, b], place| match place.x < 120.0 && place.y < 120.0 {
            true => [r + 40.0, g - 20.0, b - 40.0],
            false => [r, g, b],
        },
    );
    assert!(patch.local_color_difference > 10.0 && same.local_color_difference < 0.01);
    assert!(warm.local_color_difference < 0.4 * patch.local_color_difference);
    // Colour is not what correlates.
    for other in [&painted, &dim, &warm] {
        assert!((other.agreement - same.agreement).abs() < 0.1);
    }
}

#[test]
fn a_grey_photo_has_no_saturation() {
    let identity = Matrix3::identity();
    let first = plain(&identity, |_| 6);
    let grey = view(SIZE, &identity, |_| 6, |[_, g, _], _| [g; 3]);
    let (_, pixels) = evidence(&first, &grey, &identity);
    assert!(pixels.saturation < 0.1, "{pixels:?}");
    let (_, pixels) = evidence(&first, &first, &identity);
    assert!(pixels.saturation > 3.0, "{pixels:?}");
}

/// Where [`values`] has the relative colour difference.
const RELATIVE_COLOR: usize = 19;

/// Values that must stay and pairs that must be exchanged when the photos are swapped.
fn values(features: &FeatureEvidence, pixels: &PixelEvidence) -> (Vec<f32>, Vec<[f32; 2]>) {
    let p = pixels;
    let mut single = vec![
        features.num_matches as f32,
        features.num_inliers as f32,
        features.global_similarity,
        features.transform.scale_change,
        features.transform.stretch,
        features.transform.similarity,
        features.transform.best_similarity,
        p.agreement,
        p.attended_agreement,
        p.middle_agreement,
        p.subject_agreement,
        p.coarse_agreement,
        p.inlier_agreement,
        p.agreeing_share,
        p.contradicting_share,
        p.contradicted_attention,
        p.middle_contradiction,
        p.color_difference,
        p.middle_color_difference,
        p.relative_color_difference,
        p.saturation,
        p.planar_share,
        p.shift,
        p.roughness,
        p.texture,
        p.texture_balance,
        p.middle_descriptor_similarity,
        p.inlier_cells,
        p.stretch,
        p.local_color_difference,
        p.fine.num_windows as f32,
        p.fine.agreement,
        p.fine.worst,
        p.fine.replaced,
        p.fine.largest_contradiction as f32,
        p.fine.replaced_strength,
        p.fine.tone,
    ];
    single.extend(p.blocks);
    let pairs = vec![
        features.coverage,
        features.descriptor_similarity,
        features.num_keypoints.map(|n| n as f32),
        features.transform.spread,
        p.overlap,
        p.explained_attention,
    ];
    (single, pairs)
}

#[test]
fn swapping_the_photos_exchanges_pairs_of_values_only() {
    let size = [400, 330];
    for (i, truth) in [
        moved(SIZE, 0.8, 10.0, [-30.0, 10.0]),
        moved(SIZE, 1.3, -25.0, [5.0, 8.0]),
        moved(SIZE, 1.0, 3.0, [-60.0, 20.0]),
    ]
    .into_iter()
    .enumerate()
    {
        let seed = 10 + 2 * i as u64;
        let first = plain(&Matrix3::identity(), |_| seed);
        let seed_at = |place| if is_middle(place) { seed + 1 } else { seed };
        let second = view(size, &truth, seed_at, |[r, g, b], place| {
            match place.y < 200.0 {
                true => [r + 20.0, 0.9 * g, b - 10.0],
                false => [0.9 * r, 0.95 * g, b],
            }
        });
        let coarse = moved(size, 1.01, 0.4, [4.0, -3.0]) * truth;
        let (features, pixels) = evidence(&first, &second, &coarse);
        let back = inverse(&coarse).unwrap();
        let (features_back, pixels_back) = evidence(&second, &first, &back);
        let (single, pairs) = values(&features, &pixels);
        let (single_back, pairs_back) = values(&features_back, &pixels_back);
        for (at, (a, b)) in single.iter().zip(&single_back).enumerate() {
            // The median difference of an even number of cells is the upper of two values, which
            // swapping makes the lower.
            let limit = if at == RELATIVE_COLOR { 0.03 } else { 1e-3 };
            assert!((a - b).abs() < limit, "value {at}: {a} and {b}");
        }
        for (at, ([a1, a2], [b1, b2])) in pairs.iter().zip(&pairs_back).enumerate() {
            assert!(
                (a1 - b2).abs() < 1e-3 && (a2 - b1).abs() < 1e-3,
                "pair {at}"
            );
        }
        // The inputs of the judgement do not depend on the order at all.
        let inputs = pixel_inputs(&features, &pixels);
        assert_eq!(inputs.len(), FEATURE_INPUTS.len() + PIXEL_INPUTS.len());
        for (at, (a, b)) in inputs
            .iter()
            .zip(pixel_inputs(&features_back, &pixels_back))
            .enumerate()
        {
            assert!((a - b).abs() < 3e-3, "input {at}: {a} and {b}");
        }
        assert_eq!(inputs[..FEATURE_INPUTS.len()], feature_inputs(&features));
    }
}

#[test]
fn coverage_is_the_share_of_attention_that_the_other_photo_shows() {
    let identity = Matrix3::identity();
    let first = plain(&identity, |_| 20);
    for part in [0.3, 0.6] {
        let crop = view(
            [(480.0 * part) as u32, 360],
            &identity,
            |_| 20,
            |color, _| color,
        );
        let (features, pixels) = evidence(&first, &crop, &identity);
        let keypoints = first.features.keypoints();
        let attention = |keep: &dyn Fn(&Keypoint) -> bool| -> f32 {
            keypoints.iter().filter(|k| keep(k)).map(|k| k.score).sum()
        };
        let expected = attention(&|k| f64::from(k.x) < 480.0 * part - 0.5) / attention(&|_| true);
        assert!(
            (features.coverage[0] - expected).abs() < 1e-4,
            "{features:?}"
        );
        assert!(
            (features.coverage[0] - part as f32).abs() < 0.06,
            "{features:?}"
        );
        assert_eq!(features.coverage[1], 1.0);
        assert!((pixels.overlap[0] - part as f32).abs() < 0.02 && pixels.overlap[1] == 1.0);
        // What the crop does not show is attention that nothing explains.
        let [whole, cropped] = pixels.explained_attention;
        assert!(
            (whole - expected).abs() < 0.06 && cropped > 0.97,
            "{pixels:?}"
        );
    }
}

#[test]
fn photos_without_keypoints_have_evidence_of_zero() {
    let identity = Matrix3::identity();
    let mut empty = plain(&identity, |_| 21);
    let none = Descriptors::new(DIM, Vec::new()).unwrap();
    empty.features = FeatureSet::new(480, 360, Vec::new(), none, None).unwrap();
    empty.names = Vec::new();
    empty.tree = KeypointTree::new(&empty.features).unwrap();
    let first = plain(&identity, |_| 21);
    let (features, pixels) = evidence(&first, &empty, &identity);
    assert_eq!((features.coverage, features.num_inliers), ([1.0, 0.0], 0));
    assert_eq!(features.descriptor_similarity, [0.0; 2]);
    assert_eq!(
        (pixels.explained_attention, pixels.inlier_cells),
        ([0.0; 2], 0.0)
    );
    assert_eq!(pixels.inlier_agreement, 0.0);
    assert!(pixels.agreement > 0.97 && pixels.attended_agreement > 0.97);
    let (single, pairs) = values(&features, &pixels);
    assert!(
        single
            .iter()
            .chain(pairs.iter().flatten())
            .all(|value| value.is_finite())
    );
}
