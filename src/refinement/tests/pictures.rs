use nalgebra::{Matrix3, Vector2};

use super::{SIZE, coarse, drawn, homographies, picture};
use crate::geometry::inverse;
use crate::refinement::planted::{gray, moved, prepared, texture};
use crate::refinement::{AlignedPictures, PICTURE_SIDE, agreement_map};

/// Correlation of the levels of both pictures where they are known and `is_in` holds of column and row.
fn correlation(pictures: &AlignedPictures, is_in: impl Fn(usize, usize) -> bool) -> f32 {
    let places = (0..PICTURE_SIDE * PICTURE_SIDE)
        .filter(|&at| pictures.is_known[at] && is_in(at % PICTURE_SIDE, at / PICTURE_SIDE));
    let pairs: Vec<[f32; 2]> = places
        .map(|at| [0, 1].map(|photo| pictures.levels[photo][at]))
        .collect();
    assert!(pairs.len() > 1000);
    let count = pairs.len() as f32;
    let mean = [0, 1].map(|i| pairs.iter().map(|pair| pair[i]).sum::<f32>() / count);
    let product = |i: usize, j: usize| -> f32 {
        let of = |pair: &[f32; 2]| (pair[i] - mean[i]) * (pair[j] - mean[j]);
        pairs.iter().map(of).sum()
    };
    product(0, 1) / (product(0, 0) * product(1, 1)).sqrt()
}

#[test]
fn one_thing_lies_at_one_place_of_both_pictures_and_another_does_not() {
    for (i, truth) in homographies().into_iter().enumerate() {
        let seed = 1 + i as u64;
        let pictures = |other: u64| {
            let second = drawn(other, &truth);
            let map = agreement_map(&picture(seed), &second, &coarse(&truth)).unwrap();
            map.pictures()
        };
        let same = correlation(&pictures(seed), |_, _| true);
        let other = correlation(&pictures(seed + 50), |_, _| true);
        assert!(same > 0.9, "homography {i}: {same}");
        assert!(other < 0.4, "homography {i}: {other}");
    }
}

#[test]
fn parallax_is_taken_off() {
    // The right half stands nearer: it moves by 8 pixels.
    let first = gray(SIZE, |place| texture(7, place));
    let second = gray(SIZE, |place| match place.x < 240.0 {
        true => texture(7, place),
        false => texture(7, place - Vector2::new(0.0, 8.0)),
    });
    let map = agreement_map(&prepared(&first), &prepared(&second), &Matrix3::identity());
    let pictures = map.unwrap().pictures();
    let seam = PICTURE_SIDE / 2;
    let left = correlation(&pictures, |column, _| column + 16 < seam);
    let right = correlation(&pictures, |column, _| column > seam + 16);
    assert!(left > 0.9 && right > 0.9, "{left}, {right}");
}

#[test]
fn pictures_of_the_photos_in_the_other_order_are_the_same_ones() {
    let truth = homographies()[2];
    let (a, b) = (picture(3), drawn(3, &truth));
    let there = agreement_map(&a, &b, &truth).unwrap();
    let back = agreement_map(&b, &a, &inverse(&truth).unwrap()).unwrap();
    let (there, back) = (there.swapped().pictures(), back.pictures());
    let known =
        (0..PICTURE_SIDE * PICTURE_SIDE).filter(|&at| there.is_known[at] && back.is_known[at]);
    let known: Vec<usize> = known.collect();
    assert!(known.len() > PICTURE_SIDE * PICTURE_SIDE / 3);
    for photo in [0, 1] {
        let differences = known
            .iter()
            .map(|&at| (there.levels[photo][at] - back.levels[photo][at]).abs());
        let mean = differences.sum::<f32>() / known.len() as f32;
        assert!(mean < 1.0, "photo {photo}: {mean} grey levels");
    }
}

#[test]
fn nothing_is_known_outside_of_the_overlap() {
    // Photo 2 shows photo 1 turned by 30 degrees: corners of the overlap's bounds lie outside of one of them.
    let truth = moved(SIZE, 1.0, 30.0, [0.0, 0.0]);
    let map = agreement_map(&picture(5), &drawn(5, &truth), &truth).unwrap();
    let pictures = map.pictures();
    let corner = 0;
    let middle = (PICTURE_SIDE / 2) * (PICTURE_SIDE + 1);
    assert!(!pictures.is_known[corner] && pictures.is_known[middle]);
    assert_eq!([0, 1].map(|photo| pictures.levels[photo][corner]), [0.0; 2]);
    let share = pictures.is_known.iter().filter(|&&known| known).count() as f64
        / pictures.is_known.len() as f64;
    // The overlap of a rectangle of 4:3 with itself turned by 30 degrees, in its bounds.
    assert!((0.6..0.95).contains(&share), "{share}");
}
