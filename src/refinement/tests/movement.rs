use nalgebra::Vector2;

use crate::refinement::movement::{FOLLOWS, Movement, Shift};

const COUNT: [usize; 2] = [40, 30];
/// Gradients along both sides.
const BOTH: [f32; 3] = [30.0, 5.0, 20.0];

fn bent([column, row]: [usize; 2]) -> Vector2<f32> {
    let (x, y) = (column as f32, row as f32);
    Vector2::new(4.0 - 0.3 * x + 0.002 * x * y, 0.1 * y + 0.004 * y * y)
}

fn places() -> impl Iterator<Item = [usize; 2]> {
    (0..COUNT[1]).flat_map(|row| (0..COUNT[0]).map(move |column| [column, row]))
}

#[test]
fn a_bent_movement_is_found_among_others() {
    // A fifth of the blocks lies on another surface.
    let is_other = |[column, _]: [usize; 2]| column < 8;
    let shifts: Vec<Shift> = places()
        .map(|place| {
            let shift = match is_other(place) {
                true => Vector2::new(-20.0, 9.0),
                false => bent(place),
            };
            Shift::new(place, COUNT, shift, BOTH)
        })
        .collect();
    let movement = Movement::fit(&shifts.iter().collect::<Vec<_>>());
    for (place, shift) in places().zip(&shifts) {
        let distance = shift.distance(&movement);
        assert_eq!(distance > FOLLOWS, is_other(place), "{place:?}: {distance}");
    }
    assert!((movement.at([30, 20], COUNT) - bent([30, 20])).norm() < 0.05);
}

#[test]
fn a_straight_edge_tells_nothing_of_movement_along_it() {
    let still = Movement::fit(&[]);
    let distance = |shift, gradients| Shift::new([3, 4], COUNT, shift, gradients).distance(&still);
    let along = Vector2::new(0.0, 5.0);
    assert_eq!(distance(along, [50.0, 0.0, 0.0]), 0.0);
    assert!((distance(along, [0.0, 0.0, 50.0]) - 5.0).abs() < 1e-5);
    // A bent edge tells a little: a tenth of the gradients, a tenth of the distance.
    assert!((distance(along, [50.0, 0.0, 5.0]) - 0.5).abs() < 1e-5);
    assert_eq!(distance(along, [0.0; 3]), 0.0);
}
