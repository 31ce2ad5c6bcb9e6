use super::*;
use crate::features::{Descriptors, Keypoint};

/// A photo with these descriptors of two values and this global descriptor.
fn photo(descriptors: &[[f32; 2]], global: Option<[f32; 2]>) -> FeatureSet {
    let keypoint = Keypoint {
        x: 0.0,
        y: 0.0,
        scale: 1.0,
        score: 1.0,
    };
    FeatureSet::new(
        8,
        8,
        vec![keypoint; descriptors.len()],
        Descriptors::new(2, descriptors.concat()).unwrap(),
        global.map(Vec::from),
    )
    .unwrap()
}

fn pairs(photos: &[FeatureSet], options: &CandidateOptions) -> Vec<(usize, usize)> {
    let features: Vec<&FeatureSet> = photos.iter().collect();
    let ranks: Vec<[u8; 32]> = (0..photos.len()).map(|i| [i as u8; 32]).collect();
    candidate_pairs(&features, &Similarities::new(&features), &ranks, options).unwrap()
}

fn on_circle(angle: f32) -> [f32; 2] {
    [angle.cos(), angle.sin()]
}

#[test]
fn photos_alike_as_wholes_are_partners() {
    let photos = [[4.0, 0.0], [0.0, 4.0], [3.9, 0.1], [0.1, 4.0]].map(|g| photo(&[], Some(g)));
    let options = CandidateOptions {
        num_similar: 1,
        ..CandidateOptions::default()
    };
    assert_eq!(pairs(&photos, &options), [(0, 2), (1, 3)]);
}

#[test]
fn a_detail_votes_for_the_photo_that_holds_it() {
    // Photo 0 is all of one part of photo 3, and as a whole more like 1.
    let photos = [
        photo(&[on_circle(0.1), on_circle(0.2)], Some([1.0, 0.0])),
        photo(&[on_circle(2.0), on_circle(2.1)], Some([1.0, 0.0])),
        photo(&[on_circle(3.0), on_circle(2.9)], Some([1.0, 0.1])),
        photo(
            &[
                on_circle(4.0),
                on_circle(5.0),
                on_circle(0.1),
                on_circle(0.2),
            ],
            Some([0.0, 1.0]),
        ),
    ];
    let options = CandidateOptions {
        num_similar: 0,
        num_voted: 1,
        ..CandidateOptions::default()
    };
    assert!(pairs(&photos, &options).contains(&(0, 3)));
    // The best keypoints alone vote: with two voters photo 3 does not show its detail.
    let few = CandidateOptions {
        num_voters: 2,
        ..options
    };
    assert!(!pairs(&photos, &few).contains(&(0, 3)));
}

#[test]
fn similarity_is_that_of_two_photos() {
    let photos = [[4.0, 1.0], [-2.0, 7.0], [0.0, 0.0]].map(|g| photo(&[], Some(g)));
    let features: Vec<&FeatureSet> = photos.iter().collect();
    let all = Similarities::new(&features);
    let expected = photos[0].global_similarity(&photos[1]).unwrap();
    assert!((all.between(0, 1) - expected).abs() < 1e-6);
    assert_eq!(all.between(0, 2), 0.0);
}

#[test]
fn photos_without_features_have_partners_too_or_none() {
    let without = || photo(&[], None);
    assert_eq!(pairs(&[], &CandidateOptions::default()), []);
    assert_eq!(pairs(&[without()], &CandidateOptions::default()), []);
    assert_eq!(
        pairs(&[without(), without()], &CandidateOptions::default()),
        [(0, 1)]
    );
}

#[test]
fn more_photos_than_a_block_are_all_seen() {
    let photos: Vec<FeatureSet> = (0..150)
        .map(|i| photo(&[], Some(on_circle(i as f32 * 0.01))))
        .collect();
    let options = CandidateOptions {
        num_similar: 2,
        ..CandidateOptions::default()
    };
    let found = pairs(&photos, &options);
    assert!((0..149).all(|i| found.contains(&(i, i + 1))));
}

#[test]
fn options_without_a_score_are_refused() {
    let none = CandidateOptions {
        num_similar: 0,
        num_voted: 0,
        num_voters: 200,
    };
    assert!(none.validate().is_err());
}
