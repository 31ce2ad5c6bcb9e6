use image::GrayImage;
use nalgebra::Point2;

use super::{SIZE, coarse, homographies, picture};
use crate::refinement::planted::{gray, moved, prepared, texture, unwarped};
use crate::refinement::{DifferenceBlock, DifferenceMap, RefinementImage, agreement_map};

/// The picture of a seed drawn through `matrix`, paler and blurred; a square about the middle of picture 1 shows
/// `other`.
fn seen(
    seed: u64,
    matrix: &nalgebra::Matrix3<f64>,
    half_side: f64,
    other: impl Fn(Point2<f64>) -> f64,
) -> RefinementImage {
    let back = unwarped(matrix);
    let middle = Point2::new(0.5 * f64::from(SIZE[0]), 0.5 * f64::from(SIZE[1]));
    let level = |place: Point2<f64>| {
        let place = back(place);
        let is_other = (place - middle).amax() < half_side;
        let level = if is_other {
            other(place)
        } else {
            texture(seed, place)
        };
        40.0 + 0.7 * level
    };
    let photo: GrayImage = gray(SIZE, level);
    prepared(&imageproc::filter::gaussian_blur_f32(&photo, 0.8))
}

/// The share of the structure that is different, of the blocks within `limits` of the middle, in parts of the
/// map's smaller side.
fn shares(map: &DifferenceMap, limits: [f32; 2]) -> Vec<f32> {
    let rows = map.blocks.len() / map.columns;
    let side = map.columns.min(rows) as f32;
    let share = |(at, block): (usize, &Option<DifferenceBlock>)| {
        let [x, y] = [at % map.columns, at / map.columns].map(|place| place as f32 + 0.5);
        let distance = f32::max(
            (x - 0.5 * map.columns as f32).abs(),
            (y - 0.5 * rows as f32).abs(),
        );
        let block = block.as_ref()?;
        let structure = block.structure[0].max(block.structure[1]);
        let is_chosen = distance >= limits[0] * side && distance < limits[1] * side;
        is_chosen.then(|| block.difference / structure.max(1.0))
    };
    let mut shares: Vec<f32> = map.blocks.iter().enumerate().filter_map(share).collect();
    shares.sort_by(f32::total_cmp);
    shares
}

#[test]
fn light_and_blur_are_no_difference() {
    for (i, truth) in homographies().into_iter().enumerate() {
        let seed = 81 + i as u64;
        let other = seen(seed, &truth, 0.0, |_| 0.0);
        let map = agreement_map(&picture(seed), &other, &coarse(&truth)).unwrap();
        let map = map.differences.unwrap();
        let shares = shares(&map, [0.0, 0.4]);
        assert!(shares.len() > 500, "homography {i}");
        let high = shares[shares.len() * 99 / 100];
        assert!(high < 0.25, "homography {i}: {high}");
        let agreeing = map.blocks.iter().flatten().filter(|b| b.agrees()).count();
        let known = map.blocks.iter().flatten().count();
        assert!(agreeing * 10 > known * 9, "{agreeing} of {known}");
    }
}

#[test]
fn another_square_of_a_few_pixels_is_a_difference() {
    // About the middle, so that the overlap's middle is that of the square.
    let turns = [(1.0, 0.0), (0.8, 20.0), (1.25, -35.0)];
    for (i, (scale, degrees)) in turns.into_iter().enumerate() {
        let truth = moved(SIZE, scale, degrees, [0.0; 2]);
        let seed = 91 + i as u64;
        // Its negative: two other textures may be alike by chance over so few pixels.
        let other = seen(seed, &truth, 7.0, |place| 256.0 - texture(seed, place));
        let map = agreement_map(&picture(seed), &other, &truth).unwrap();
        let map = map.differences.unwrap();
        let inside = shares(&map, [0.0, 0.02]);
        let outside = shares(&map, [0.15, 0.4]);
        assert!(inside[inside.len() / 2] > 0.5, "turn {i}: {inside:?}");
        let high = outside[outside.len() * 99 / 100];
        assert!(high < 0.25, "turn {i}: {high}");
    }
}

#[test]
fn blocks_of_two_pictures_do_not_agree() {
    let map = agreement_map(&picture(7), &picture(8), &homographies()[0]).unwrap();
    let map = map.differences.unwrap();
    let agreeing = map.blocks.iter().flatten().filter(|b| b.agrees()).count();
    let known = map.blocks.iter().flatten().count();
    assert!(agreeing * 20 < known, "{agreeing} of {known}");
}

#[test]
fn what_has_moved_is_found_near_by() {
    let truth = homographies()[0];
    let seed = 97;
    let found = |other: &dyn Fn(Point2<f64>) -> f64| {
        let other = seen(seed, &truth, 14.0, other);
        let map = agreement_map(&picture(seed), &other, &coarse(&truth)).unwrap();
        let map = map.differences.unwrap();
        let middle = map.blocks.len() / map.columns / 2 * map.columns + map.columns / 2;
        map.nearby_correlations(&[middle])[0]
    };
    let moved = found(&|place| texture(seed, place + nalgebra::Vector2::new(6.0, 0.0)));
    let replaced = found(&|place| texture(seed + 500, place));
    assert!(moved > 0.8, "{moved}");
    assert!(replaced < 0.6, "{replaced}");
}

#[test]
fn swapping_the_photos_swaps_the_structure() {
    let truth = homographies()[1];
    let other = seen(71, &truth, 9.0, |place| texture(571, place));
    let map = agreement_map(&picture(71), &other, &truth).unwrap();
    let before = map.differences.clone().unwrap();
    let after = map.swapped().differences.unwrap();
    for (a, b) in before.blocks.iter().zip(&after.blocks) {
        let [a, b] = [a, b].map(|block| block.map(|block| block.structure));
        assert_eq!(a.map(|[first, second]| [second, first]), b);
    }
}
