use nalgebra::Vector2;

use crate::refinement::{DifferenceBlock, DifferenceMap};
use crate::scoring::DifferenceEvidence;

const COLUMNS: usize = 60;
const ROWS: usize = 50;
const ALIKE: DifferenceBlock = DifferenceBlock {
    correlation: 0.97,
    texture: 400.0,
    difference: 8.0,
    structure: [400.0, 380.0],
    shift: Vector2::new(0.2, -0.4),
    gradients: [30.0, 0.0, 20.0],
};
const OTHER: DifferenceBlock = DifferenceBlock {
    correlation: 0.1,
    texture: 300.0,
    difference: 800.0,
    structure: [400.0, 200.0],
    shift: Vector2::new(0.9, 3.0),
    gradients: [30.0, 0.0, 20.0],
};

/// Blocks that agree, but for those of a rectangle (left, top, right, bottom).
fn map(rectangle: [usize; 4], other: Option<DifferenceBlock>) -> DifferenceMap {
    let [left, top, right, bottom] = rectangle;
    let block = |at: usize| {
        let (x, y) = (at % COLUMNS, at / COLUMNS);
        let is_inside = (left..right).contains(&x) && (top..bottom).contains(&y);
        if is_inside { other } else { Some(ALIKE) }
    };
    DifferenceMap::of(COLUMNS, (0..COLUMNS * ROWS).map(block).collect())
}

#[test]
fn what_agrees_encloses_nothing() {
    let seen = DifferenceEvidence::new(&map([0; 4], None));
    assert_eq!(
        (seen.region, seen.agreeing, seen.contrast),
        (1.0, 1.0, 20.0)
    );
    assert_eq!((seen.groups, seen.blocks, seen.enclosed), (0, 0, 0.0));
    assert_eq!((seen.weight, seen.wide_weight, seen.share), (0.0, 0.0, 0.0));
    // 8 of 400, 2 % of 400 and 4 for noise.
    assert!((seen.error - 8.0 / 412.0).abs() < 1e-6);
    assert!((seen.highest - 0.02).abs() < 1e-6);
}

#[test]
fn a_difference_inside_of_what_agrees_is_enclosed() {
    let seen = DifferenceEvidence::new(&map([20, 10, 24, 13], Some(OTHER)));
    assert_eq!((seen.groups, seen.blocks), (1, 12));
    assert_eq!(seen.enclosed, 2.0);
    assert!((seen.weight - 12.0 * 2f32.sqrt()).abs() < 1e-4);
    assert_eq!(
        (seen.weight, seen.weight),
        (seen.wide_weight, seen.replaced)
    );
    assert_eq!(seen.nearby, 0.0);
    assert!(seen.movement < 1e-4 && seen.high_movement < 1e-4);
    assert_eq!(seen.balance, 0.5);
    assert!((seen.correlation - 0.1).abs() < 1e-6);
    assert_eq!(seen.region, 1.0);
    assert!((seen.share - 12.0 / 3000.0).abs() < 1e-6);
    assert_eq!(seen.high, 0.02);
    assert_eq!(seen.highest, 2.0);
}

#[test]
fn a_difference_at_the_edge_is_not() {
    for rectangle in [
        [0, 10, 4, 13],
        [20, 0, 24, 4],
        [56, 10, 60, 13],
        [20, 47, 24, 50],
    ] {
        let seen = DifferenceEvidence::new(&map(rectangle, Some(OTHER)));
        assert_eq!((seen.groups, seen.weight), (0, 0.0), "{rectangle:?}");
    }
    // Nor one that touches what is not known.
    let mut map = map([20, 10, 24, 13], Some(OTHER));
    map.blocks[9 * COLUMNS + 20] = None;
    assert_eq!(DifferenceEvidence::new(&map).groups, 0);
}

#[test]
fn the_surroundings_of_a_page_are_outside() {
    // All but the middle differs, with one difference inside of it and one outside.
    let mut map = map([0, 0, COLUMNS, ROWS], Some(OTHER));
    for y in 10..40 {
        for x in 15..45 {
            map.blocks[y * COLUMNS + x] = Some(ALIKE);
        }
    }
    let outside = DifferenceEvidence::new(&map);
    assert_eq!((outside.groups, outside.region), (0, 900.0 / 3000.0));
    map.blocks[25 * COLUMNS + 30] = Some(OTHER);
    assert_eq!(DifferenceEvidence::new(&map).blocks, 1);
}

#[test]
fn a_difference_at_the_edge_is_in_the_hull_of_what_agrees() {
    // Below a notch in the middle of the upper edge two blocks wide legs remain.
    let seen = DifferenceEvidence::new(&map([20, 0, 40, 12], Some(OTHER)));
    assert_eq!((seen.groups, seen.hull), (0, 1.0));
    assert!((seen.hull_agreeing - (3000.0 - 240.0) / 3000.0).abs() < 1e-6);
    let weight = 240.0 * 2f32.sqrt();
    assert!((seen.hull_weight - weight).abs() < 1e-2, "{seen:?}");
    // But for two blocks along three sides.
    let deep = 16.0 * 10.0 * 2f32.sqrt();
    assert!((seen.hull_deep - deep).abs() < 1e-2, "{seen:?}");
    // Beside what agrees, and not between, nothing is in it.
    let seen = DifferenceEvidence::new(&map([0, 0, COLUMNS, 12], Some(OTHER)));
    assert_eq!((seen.hull_agreeing, seen.hull_weight), (1.0, 0.0));
    assert!((seen.hull - 38.0 / 50.0).abs() < 1e-6);
}

#[test]
fn where_nothing_agrees_there_is_no_evidence() {
    let nothing = map([0, 0, COLUMNS, ROWS], Some(OTHER));
    assert_eq!(DifferenceEvidence::new(&nothing), DifferenceEvidence::NONE);
    let unknown = map([0, 0, COLUMNS, ROWS], None);
    assert_eq!(DifferenceEvidence::new(&unknown), DifferenceEvidence::NONE);
}

#[test]
fn smooth_movement_is_no_parallax() {
    let moved = |shift: &dyn Fn(f32, f32) -> Vector2<f32>| {
        let mut map = map([0; 4], None);
        for (at, block) in map.blocks.iter_mut().enumerate() {
            let (x, y) = ((at % COLUMNS) as f32, (at / COLUMNS) as f32);
            block.as_mut().unwrap().shift = shift(x, y);
        }
        DifferenceEvidence::new(&map)
    };
    let bent = moved(&|x, y| Vector2::new(0.1 * x - 0.002 * x * y, 3.0 + 0.001 * y * y));
    assert!(bent.high_movement < 0.01, "{}", bent.high_movement);
    assert_eq!((bent.following, bent.all_following), (1.0, 1.0));
    // Blocks here and there are nearer, by as many distances.
    let near = moved(&|x, y| Vector2::new(1.5 * ((7.0 * x + 11.0 * y) % 9.0), 0.0));
    assert!(near.high_movement > 1.0, "{}", near.high_movement);
    assert!(
        near.following < 0.7 && !near.is_flat(),
        "{}",
        near.following
    );
}

/// Blocks that agree; those left of column 20 lie on another surface than the rest, and the same as `map` differs.
fn two_surfaces(rectangle: [usize; 4]) -> DifferenceMap {
    let mut map = map(rectangle, Some(OTHER));
    for (at, block) in map.blocks.iter_mut().enumerate() {
        let block = block.as_mut().unwrap();
        if at % COLUMNS < 20 && block.agrees() {
            block.shift += Vector2::new(16.0, 0.3 * (at / COLUMNS) as f32);
        }
    }
    map
}

#[test]
fn each_surface_encloses_its_own_differences() {
    let seen = DifferenceEvidence::new(&two_surfaces([0; 4]));
    assert_eq!((seen.groups, seen.following), (0, 1.0));
    assert!(
        (seen.all_following - 2.0 / 3.0).abs() < 0.02,
        "{}",
        seen.all_following
    );
    assert!((seen.region - 2.0 / 3.0).abs() < 0.02, "{}", seen.region);
    // On the larger surface, and on the smaller one.
    for rectangle in [[40, 10, 44, 13], [8, 10, 12, 13]] {
        let seen = DifferenceEvidence::new(&two_surfaces(rectangle));
        assert_eq!((seen.groups, seen.blocks), (1, 12), "{rectangle:?}");
        assert!(seen.is_flat() && seen.weight > 10.0);
        let is_left = rectangle[0] < 20;
        assert_eq!(seen.region < 0.5, is_left, "{}", seen.region);
    }
    // Where one ends and the other begins, one may hide the other.
    let seen = DifferenceEvidence::new(&two_surfaces([18, 10, 22, 13]));
    assert_eq!((seen.groups, seen.weight), (0, 0.0));
}

#[test]
fn straight_edges_tell_nothing_of_movement_along_them() {
    let mut map = map([0; 4], None);
    for (at, block) in map.blocks.iter_mut().enumerate() {
        let block = block.as_mut().unwrap();
        // Vertical edges, whose blocks slide up and down.
        block.gradients = [50.0, 0.0, 0.0];
        block.shift = Vector2::new(0.3, if at % 2 == 0 { 3.0 } else { -3.0 });
    }
    let seen = DifferenceEvidence::new(&map);
    assert!(seen.high_movement < 0.01, "{}", seen.high_movement);
    assert_eq!(seen.following, 1.0);
}

#[test]
fn movement_about_a_difference_is_its_own() {
    let mut map = map([20, 10, 24, 13], Some(OTHER));
    for (at, block) in map.blocks.iter_mut().enumerate() {
        let (x, y) = (at % COLUMNS, at / COLUMNS);
        // What stands about the difference moves, a little to either side.
        let is_about = (16..28).contains(&x) && (6..17).contains(&y);
        if is_about && block.is_some_and(|block| block.agrees()) {
            let side = if x % 2 == 0 { 0.6 } else { -0.6 };
            block.as_mut().unwrap().shift += Vector2::new(side, 0.0);
        }
    }
    let seen = DifferenceEvidence::new(&map);
    assert!(seen.movement < 0.05, "{}", seen.movement);
    assert!(seen.near_movement > 0.4, "{}", seen.near_movement);
}
