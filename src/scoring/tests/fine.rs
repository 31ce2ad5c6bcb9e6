use crate::refinement::{FineMap, FineWindow};
use crate::scoring::FineEvidence;

const COLUMNS: usize = 40;
const ROWS: usize = 30;
const ALIKE: FineWindow = FineWindow {
    deviation: [20.0, 18.0],
    mean: [100.0, 110.0],
    correlation: 0.95,
};

/// A map of windows that agree, but for those of a rectangle (left, top, right, bottom).
fn map(rectangle: [usize; 4], other: Option<FineWindow>) -> FineMap {
    let [left, top, right, bottom] = rectangle;
    let window = |at: usize| {
        let (x, y) = (at % COLUMNS, at / COLUMNS);
        let is_inside = (left..right).contains(&x) && (top..bottom).contains(&y);
        if is_inside { other } else { Some(ALIKE) }
    };
    FineMap {
        columns: COLUMNS,
        windows: (0..COLUMNS * ROWS).map(window).collect(),
    }
}

fn evidence(rectangle: [usize; 4], other: FineWindow) -> FineEvidence {
    FineEvidence::new(&map(rectangle, Some(other)))
}

#[test]
fn what_agrees_says_nothing_against() {
    let seen = evidence([0; 4], ALIKE);
    assert_eq!(seen.num_windows, 1200);
    assert_eq!((seen.agreement, seen.low, seen.worst), (0.95, 0.95, 0.95));
    assert_eq!((seen.contradicting, seen.replaced), (0.0, 0.0));
    assert_eq!((seen.largest_contradiction, seen.largest_replaced), (0, 0));
    assert_eq!((seen.strength, seen.replaced_strength), (0.0, 0.0));
    assert!(seen.tone < 1e-6);
}

#[test]
fn something_else_in_a_compact_place_is_a_group() {
    let other = FineWindow {
        correlation: 0.2,
        ..ALIKE
    };
    let seen = evidence([20, 10, 24, 13], other);
    assert_eq!(
        (seen.largest_contradiction, seen.largest_replaced),
        (12, 12)
    );
    let share = 12.0 / 1200.0;
    assert_eq!((seen.contradicting, seen.replaced), (share, share));
    assert_eq!((seen.deep_replaced, seen.inner_replaced), (share, share));
    assert_eq!((seen.agreement, seen.low), (0.95, 0.95));
    // Twelve times a loss of 0.8 at 20 grey levels, where the median is 18.
    assert!((seen.strength - 12.0 * 0.8 * 20.0 / 18.0).abs() < 1e-3);
    assert_eq!(seen.strength, seen.replaced_strength);
    // A fiftieth of the middle's windows is 13 and more.
    assert_eq!(seen.worst, 0.95);
    assert_eq!(evidence([20, 10, 25, 14], other).worst, 0.2);
}

#[test]
fn something_in_one_photo_alone_contradicts_and_is_not_replaced() {
    let other = FineWindow {
        deviation: [30.0, 2.0],
        correlation: 0.0,
        ..ALIKE
    };
    let seen = evidence([20, 10, 24, 13], other);
    assert_eq!((seen.largest_contradiction, seen.largest_replaced), (12, 0));
    assert!(seen.strength > 15.0);
    assert_eq!((seen.replaced, seen.replaced_strength), (0.0, 0.0));
    // Plain in both photos: nothing to tell.
    let plain = FineWindow {
        deviation: [5.0, 2.0],
        ..other
    };
    let seen = evidence([20, 10, 24, 13], plain);
    assert_eq!((seen.contradicting, seen.num_windows), (0.0, 1188));
}

#[test]
fn a_background_round_the_overlap_is_no_inner_group() {
    let other = FineWindow {
        correlation: 0.1,
        ..ALIKE
    };
    // A band along the left side, then along the edge of what is known.
    let band = evidence([0, 0, 3, ROWS], other);
    assert_eq!((band.largest_replaced, band.inner_replaced), (0, 0.0));
    assert_eq!((band.replaced, band.deep_replaced), (90.0 / 1200.0, 0.0));
    let mut cut = map([0, 0, 5, ROWS], None);
    for row in 0..ROWS {
        cut.windows[row * COLUMNS + 5] = Some(other);
    }
    let seen = FineEvidence::new(&cut);
    assert_eq!((seen.largest_replaced, seen.inner_replaced), (0, 0.0));
    assert_eq!((seen.replaced, seen.num_windows), (30.0 / 1050.0, 1050));
    // One that reaches far inside is seen all the same.
    let deep = evidence([0, 10, 10, 14], other);
    assert_eq!(deep.largest_replaced, 0);
    assert_eq!(deep.deep_replaced, 24.0 / 1200.0);
}

#[test]
fn brightness_and_contrast_of_the_whole_are_taken_off() {
    let graded = |gain: f32, patch: f32| {
        let mut map = map([0; 4], None);
        for (at, window) in map.windows.iter_mut().enumerate() {
            let level = 60.0 + (at % COLUMNS) as f32;
            let is_patch = at % COLUMNS < 8 && at / COLUMNS < 10;
            let other = gain * level + 20.0 + if is_patch { patch } else { 0.0 };
            *window = Some(FineWindow {
                mean: [level, other],
                ..ALIKE
            });
        }
        FineEvidence::new(&map).tone
    };
    assert!(graded(0.7, 0.0) < 1e-3);
    assert!(graded(1.3, 40.0) > 1.0);
}

#[test]
fn a_map_without_texture_says_nothing() {
    let plain = FineWindow {
        deviation: [3.0, 3.0],
        ..ALIKE
    };
    let seen = evidence([0, 0, COLUMNS, ROWS], plain);
    assert_eq!(seen, FineEvidence::NONE);
}
