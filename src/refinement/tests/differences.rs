use image::GrayImage;
use nalgebra::{Point2, Vector2};

use super::{SIZE, coarse, homographies, picture};
use crate::refinement::align::Gradients;
use crate::refinement::blocks::{BLOCK, Grid};
use crate::refinement::plane::Plane;
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
    let moved = found(&|place| texture(seed, place + Vector2::new(6.0, 0.0)));
    let replaced = found(&|place| texture(seed + 500, place));
    assert!(moved > 0.8, "{moved}");
    assert!(replaced < 0.6, "{replaced}");
}

#[test]
fn other_shapes_of_the_same_ink_are_no_other_levels() {
    let seed = 103;
    let truth = homographies()[0];
    let ink = |along: f64| {
        if (along / 7.0).floor() % 2.0 == 0.0 {
            40.0
        } else {
            180.0
        }
    };
    let middle = Point2::new(0.5 * f64::from(SIZE[0]), 0.5 * f64::from(SIZE[1]));
    let first = prepared(&gray(SIZE, |place| match (place - middle).amax() < 14.0 {
        true => ink(place.x),
        false => texture(seed, place),
    }));
    let share = |other: &dyn Fn(Point2<f64>) -> f64| {
        let map = agreement_map(&first, &seen(seed, &truth, 14.0, other), &truth).unwrap();
        let map = map.differences.unwrap();
        let middle = [map.columns / 2, map.blocks.len() / map.columns / 2];
        let within = |radius: usize| {
            (0..map.blocks.len()).filter(move |at| {
                let place = [at % map.columns, at / map.columns];
                (0..2).all(|axis| place[axis].abs_diff(middle[axis]) <= radius)
            })
        };
        let group: Vec<usize> = within(2).collect();
        let agrees = |at: &usize| map.blocks[*at].is_some_and(|block| block.agrees());
        let about: Vec<usize> = within(9).filter(agrees).collect();
        assert_eq!(map.level_share(&group, &[]), 1.0);
        map.level_share(&group, &about)
    };
    let shapes = share(&|place| ink(place.y));
    let lighter = share(&|place| 70.0 + ink(place.x));
    let covered = share(&|_| 110.0);
    assert!(shapes < 0.4, "{shapes}");
    assert!(lighter > 0.9, "{lighter}");
    assert!(covered > 0.8, "{covered}");
}

#[test]
fn blocks_that_began_at_a_wrong_place_are_found_where_the_others_put_them() {
    let side = 256;
    let values = |dx: f64| {
        let place = |at: usize| Point2::new((at % side) as f64 + dx, (at / side) as f64);
        (0..side * side)
            .map(|at| texture(107, place(at)) as f32)
            .collect()
    };
    let [a, b] = [0.0, 1.5].map(|dx| Plane::new(side, side, values(dx)));
    let count = side / BLOCK;
    let grid = Grid {
        columns: count,
        rows: count,
    };
    // As if a cell had been found a line too low.
    let is_wrong =
        |column: usize, row: usize| (20..32).contains(&column) && (24..34).contains(&row);
    let mut shifts = grid.map(|column, row| {
        let y = if is_wrong(column, row) { 21.0 } else { 0.0 };
        Vector2::new(-1.0, y)
    });
    let there = Gradients::new(&a, &grid).align(&a, &b, &grid, &mut shifts);
    for (column, row) in (4..count - 4).flat_map(|x| (4..count - 4).map(move |y| (x, y))) {
        let off = (shifts[row * count + column] - Vector2::new(-1.5, 0.0)).amax();
        assert!(off < 0.5, "{column} {row}: {off}");
    }
    let near = grid.near(&a, &there);
    assert!(near.iter().filter(|moments| moments.agrees()).count() * 10 > near.len() * 9);
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
