use nalgebra::{Matrix3, Point2};

use super::{SIZE, coarse, drawn, homographies, picture, refined};
use crate::geometry::{inverse, project};
use crate::refinement::planted::{gray, moved, prepared, texture, unwarped};
use crate::refinement::{
    AgreementCell, AgreementMap, FineMap, MAP_SIDE, RefinementImage, agreement_map,
};

fn cells(map: &AgreementMap) -> impl Iterator<Item = (usize, &AgreementCell)> {
    let cells = map.cells.iter().enumerate();
    cells.filter_map(|(at, cell)| Some((at, cell.as_ref()?)))
}

/// The share of the cells that `choose` picks by column and row whose correlation `fits`.
fn share(
    map: &AgreementMap,
    choose: impl Fn(usize, usize) -> bool,
    fits: impl Fn(&AgreementCell) -> bool,
) -> f64 {
    let chosen: Vec<_> = cells(map)
        .filter(|(at, _)| choose(at % MAP_SIDE, at / MAP_SIDE))
        .collect();
    assert!(chosen.len() > 10, "{} cells", chosen.len());
    let fitting = chosen.iter().filter(|(_, cell)| fits(cell)).count();
    fitting as f64 / chosen.len() as f64
}

fn everywhere(_: usize, _: usize) -> bool {
    true
}

/// Without the two outermost rings, whose windows may hold repeated pixels of a photo's border.
fn inside(column: usize, row: usize) -> bool {
    let is_inside = |i: usize| (2..MAP_SIDE - 2).contains(&i);
    is_inside(column) && is_inside(row)
}

/// Away from the overlap's edges, where a window at half the resolution may leave a photo.
fn inner(column: usize, row: usize) -> bool {
    let is_inner = |i: usize| (4..MAP_SIDE - 4).contains(&i);
    is_inner(column) && is_inner(row)
}

/// The greatest distance, over nine tenths of the cells that lie [`inside`], of where cells were found
/// from the truth.
fn cell_error(map: &AgreementMap, truth: &Matrix3<f64>) -> f64 {
    let mut errors: Vec<f64> = cells(map)
        .filter(|(at, _)| inside(at % MAP_SIDE, at / MAP_SIDE))
        .map(|(_, cell)| (project(truth, cell.point1).unwrap() - cell.point2).norm())
        .collect();
    errors.sort_by(f64::total_cmp);
    errors[errors.len() * 9 / 10]
}

#[test]
fn a_picture_agrees_with_its_own_warp() {
    for (i, truth) in homographies().into_iter().enumerate() {
        let seed = 61 + i as u64;
        // The second time by a coarse transform wrong by 2 % of the side.
        for matrix in [truth, coarse(&truth)] {
            let map = agreement_map(&picture(seed), &drawn(seed, &truth), &matrix).unwrap();
            let high = share(&map, inside, |cell| cell.correlation > 0.8);
            let coarse_high = share(&map, inner, |cell| cell.coarse_correlation > 0.8);
            assert!(map.is_planar, "homography {i}");
            let known = cells(&map).count();
            assert!(known > 400, "homography {i}: {known} cells");
            assert!(high > 0.95, "homography {i}: {high}");
            assert!(coarse_high > 0.95, "homography {i}: {coarse_high}");
            let error = cell_error(&map, &truth);
            assert!(error < 1.5, "homography {i}: {error} pixels");
            // What the homography takes off is no movement.
            assert!(share(&map, inside, |cell| cell.shift < 1.6 / 256.0) > 0.95);
            assert!(share(&map, inside, |cell| cell.roughness < 1.6 / 256.0) > 0.95);
        }
    }
}

#[test]
fn the_overlap_is_the_part_that_both_photos_show() {
    let truth = moved(SIZE, 1.0, 0.0, [120.0, 0.0]);
    let map = agreement_map(&picture(71), &drawn(71, &truth), &truth).unwrap();
    for overlap in map.overlap {
        assert!((overlap - 0.75).abs() < 0.02, "{overlap}");
    }
    let half = moved(SIZE, 0.5, 0.0, [0.0, 0.0]);
    let map = agreement_map(&picture(71), &drawn(71, &half), &half).unwrap();
    assert!(map.overlap[0] > 0.99 && (map.overlap[1] - 0.25).abs() < 0.02);
}

#[test]
fn cells_stand_where_the_map_says() {
    let truth = homographies()[4];
    let (first, second) = (picture(72), drawn(72, &truth));
    let back = inverse(&truth).unwrap();
    for map in [
        agreement_map(&first, &second, &truth).unwrap(),
        agreement_map(&second, &first, &back).unwrap(),
    ] {
        let mut same = [0; 2];
        for (at, cell) in cells(&map) {
            same[0] += usize::from(map.cell_at(0, cell.point1) == Some(at));
            same[1] += usize::from(map.cell_at(1, cell.point2) == Some(at));
        }
        let all = cells(&map).count();
        assert!(
            same.iter().all(|same| *same as f64 > 0.95 * all as f64),
            "{same:?} of {all}"
        );
        assert_eq!(map.cell_at(0, Point2::new(-500.0, 50.0)), None);
        assert_eq!(map.cell_at(1, Point2::new(50.0, 5000.0)), None);
    }
}

#[test]
fn other_content_does_not_agree() {
    for seed in 0..5 {
        let (first, second) = (picture(81 + seed), picture(91 + seed));
        let map = agreement_map(&first, &second, &Matrix3::identity()).unwrap();
        let high = share(&map, everywhere, |cell| cell.correlation > 0.7);
        let low = share(&map, everywhere, |cell| cell.correlation < 0.5);
        assert!(high < 0.08, "{high}");
        assert!(low > 0.6, "{low}");
        assert!(!map.is_planar);
    }
}

#[test]
fn only_what_was_replaced_contradicts() {
    let truth = moved(SIZE, 0.95, 6.0, [4.0, 3.0]);
    let back = unwarped(&truth);
    let second = gray(SIZE, |place| {
        let own = back(place);
        let is_middle = (own.x - 240.0).abs() < 90.0 && (own.y - 180.0).abs() < 70.0;
        texture(if is_middle { 102 } else { 101 }, own)
    });
    let map = agreement_map(&picture(101), &prepared(&second), &coarse(&truth)).unwrap();
    let part = |wanted: bool| {
        let chosen: Vec<f32> = cells(&map)
            .filter(|(_, cell)| {
                let (x, y) = ((cell.point1.x - 240.0).abs(), (cell.point1.y - 180.0).abs());
                match wanted {
                    true => x < 75.0 && y < 55.0,
                    false => x > 105.0 || y > 85.0,
                }
            })
            .map(|(_, cell)| cell.correlation)
            .collect();
        assert!(chosen.len() > 30);
        let share = |fits: &dyn Fn(f32) -> bool| {
            chosen.iter().filter(|c| fits(**c)).count() as f64 / chosen.len() as f64
        };
        (share(&|c| c < 0.5), share(&|c| c > 0.8))
    };
    let (inside, around) = (part(true), part(false));
    assert!(inside.0 > 0.8 && inside.1 < 0.05, "{inside:?}");
    assert!(around.0 < 0.02 && around.1 > 0.95, "{around:?}");
    assert!(map.is_planar);
}

#[test]
fn swapping_the_photos_mirrors_the_map() {
    for (i, truth) in homographies().into_iter().enumerate().skip(1) {
        let seed = 111 + i as u64;
        let (first, second) = (picture(seed), drawn(seed, &truth));
        let matrix = coarse(&truth);
        let map = agreement_map(&first, &second, &matrix).unwrap();
        let mirrored = agreement_map(&second, &first, &inverse(&matrix).unwrap()).unwrap();
        let [overlap1, overlap2] = map.overlap;
        assert_eq!(mirrored.overlap, [overlap2, overlap1]);
        assert_eq!(mirrored.is_planar, map.is_planar);
        for (cell, other) in map.cells.iter().zip(&mirrored.cells) {
            assert_eq!(cell.is_some(), other.is_some());
            let (Some(cell), Some(other)) = (cell, other) else {
                continue;
            };
            assert!(
                (cell.point1 - other.point2).norm() < 1e-3,
                "{cell:?} {other:?}"
            );
            assert!(
                (cell.point2 - other.point1).norm() < 1e-3,
                "{cell:?} {other:?}"
            );
            assert!((cell.correlation - other.correlation).abs() < 1e-3);
            assert!((cell.coarse_correlation - other.coarse_correlation).abs() < 1e-3);
            assert!((cell.shift - other.shift).abs() < 1e-4);
            assert!((cell.roughness - other.roughness).abs() < 1e-4);
            for i in 0..2 {
                assert!((cell.deviation[i] - other.deviation[1 - i]).abs() < 1e-2);
                assert!((cell.mean[i] - other.mean[1 - i]).abs() < 1e-2);
            }
        }
        for place in [Point2::new(200.0, 150.0), Point2::new(300.0, 220.0)] {
            let at = map.cell_at(0, place);
            assert!(at.is_some());
            assert_eq!(mirrored.cell_at(1, place), at);
        }
    }
}

#[test]
fn a_patch_with_parallax_still_agrees() {
    // A foreground before a background; only the background is where the transform puts it.
    let is_patch =
        |place: Point2<f64>| (place.x - 240.0).abs() < 80.0 && (place.y - 180.0).abs() < 80.0;
    let scene = |shift: f64| {
        prepared(&gray(SIZE, |place| {
            let own = Point2::new(place.x - shift, place.y);
            match is_patch(own) {
                true => texture(122, own),
                false => texture(121, place),
            }
        }))
    };
    for shift in [9.0, 20.0] {
        let map = agreement_map(&scene(0.0), &scene(shift), &Matrix3::identity()).unwrap();
        let patch: Vec<_> = cells(&map)
            .filter(|(_, cell)| {
                (cell.point1.x - 240.0).abs() < 60.0 && (cell.point1.y - 180.0).abs() < 60.0
            })
            .collect();
        assert!(patch.len() > 20);
        let num_cells = patch.len();
        let agreeing: Vec<_> = patch
            .into_iter()
            .filter(|(_, cell)| {
                let moved = cell.point2 - cell.point1;
                cell.correlation > 0.8 && (moved.x - shift).abs() < 2.0 && moved.y.abs() < 2.0
            })
            .collect();
        let count = agreeing.len();
        assert!(
            count as f64 > 0.9 * num_cells as f64,
            "{count} of {num_cells}"
        );
        // It moved against the homography of the background.
        let side = (480.0f32 * 360.0).sqrt();
        for (_, cell) in agreeing {
            assert!((cell.shift * side - shift as f32).abs() < 3.0, "{cell:?}");
        }
    }
}

#[test]
fn without_an_overlap_there_is_no_map() {
    let (first, second) = (picture(131), picture(131));
    let far = moved(SIZE, 1.0, 0.0, [500.0, 0.0]);
    assert_eq!(agreement_map(&first, &second, &far), None);
    assert_eq!(agreement_map(&first, &second, &Matrix3::zeros()), None);
    let mut flattens = Matrix3::identity();
    flattens[(0, 0)] = 0.0;
    assert_eq!(agreement_map(&first, &second, &flattens), None);
    let mut unknown = Matrix3::identity();
    unknown[(0, 0)] = f64::NAN;
    assert_eq!(agreement_map(&first, &second, &unknown), None);
}

#[test]
fn large_and_small_photos_are_compared() {
    // One picture at 5000 and at 200 pixels.
    let large = image::imageops::resize(
        &gray([625, 500], |place| texture(141, place)),
        5000,
        4000,
        image::imageops::FilterType::Triangle,
    );
    let small = image::imageops::resize(&large, 200, 160, image::imageops::FilterType::Triangle);
    let photos = [(5000.0, prepared(&large)), (200.0, prepared(&small))];
    for (side1, first) in &photos {
        for (side2, second) in &photos {
            let scale: f64 = side2 / side1;
            let shift = 0.5 * scale - 0.5;
            let matrix = Matrix3::new(scale, 0.0, shift, 0.0, scale, shift, 0.0, 0.0, 1.0);
            let map = agreement_map(first, second, &matrix).unwrap();
            let high = share(&map, inside, |cell| cell.correlation > 0.8);
            assert!(high > 0.97, "{side1} and {side2}: {high}");
            assert!(map.is_planar, "{side1} and {side2}");
            let error = cell_error(&map, &matrix) / side2;
            assert!(error < 0.003, "{side1} and {side2}: {error}");
            let found = refined(first, second, &matrix).unwrap().matrix;
            let place = Point2::new(0.3 * side1, 0.6 * side1);
            let there = project(&found, place).unwrap();
            let error = (there - project(&matrix, place).unwrap()).norm();
            assert!(error < 1e-3 * side2, "{side1} and {side2}: {error}");
        }
    }
}

/// A picture with a square of another texture at a place, as photo 2 under `truth`.
fn replaced(truth: &Matrix3<f64>, middle: [f64; 2], half: f64) -> RefinementImage {
    let back = unwarped(truth);
    prepared(&gray(SIZE, |place| {
        let own = back(place);
        let is_other = (own.x - middle[0]).abs() < half && (own.y - middle[1]).abs() < half;
        texture(if is_other { 112 } else { 111 }, own)
    }))
}

#[test]
fn a_fine_map_finds_a_small_difference() {
    let truth = moved(SIZE, 0.95, 3.0, [4.0, 3.0]);
    let map = |second: &RefinementImage| {
        let map = agreement_map(&picture(111), second, &truth).unwrap();
        map.fine.unwrap()
    };
    let contradicting = |map: &FineMap| {
        let contradicts = |at: &usize| {
            let window = map.windows[*at].as_ref();
            window.is_some_and(|window| window.correlation < 0.4)
        };
        (0..map.windows.len())
            .filter(contradicts)
            .collect::<Vec<_>>()
    };
    let same = map(&replaced(&truth, [0.0; 2], 0.0));
    assert!(same.windows.iter().flatten().count() > 2000);
    assert!(contradicting(&same).len() < 5, "{:?}", contradicting(&same));
    // A square of a hundred-and-seventieth of the photo.
    let other = map(&replaced(&truth, [300.0, 120.0], 16.0));
    let found = contradicting(&other);
    assert!((4..40).contains(&found.len()), "{found:?}");
    let columns: Vec<usize> = found.iter().map(|at| at % other.columns).collect();
    let rows: Vec<usize> = found.iter().map(|at| at / other.columns).collect();
    for places in [columns, rows] {
        assert!(places.iter().max().unwrap() - places.iter().min().unwrap() < 8);
    }
}

#[test]
fn photos_that_agree_little_have_no_fine_map() {
    let map = agreement_map(&picture(81), &picture(91), &Matrix3::identity()).unwrap();
    assert_eq!(map.fine, None);
}
