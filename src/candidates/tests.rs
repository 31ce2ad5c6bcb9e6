use super::*;
use crate::features::{Descriptors, Keypoint};

/// A photo with these descriptors of two values and this global descriptor.
fn photo<const N: usize>(descriptors: &[[f32; 2]], global: Option<[f32; N]>) -> FeatureSet {
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

fn similarities(photos: &[FeatureSet]) -> Similarities {
    let mut similarities = Similarities::with_capacity(photos.len());
    for photo in photos {
        similarities.push(GlobalRow::new(photo).as_ref());
    }
    similarities
}

fn pairs(photos: &[FeatureSet], options: &CandidateOptions) -> Vec<(u32, u32)> {
    pairs_with(photos, options, Scratch::new(None))
}

fn pairs_with(
    photos: &[FeatureSet],
    options: &CandidateOptions,
    scratch: Scratch<'_>,
) -> Vec<(u32, u32)> {
    let num_keypoints: Vec<usize> = photos.iter().map(|photo| photo.keypoints().len()).collect();
    let ranks: Vec<[u8; 32]> = (0..photos.len()).map(|i| [i as u8; 32]).collect();
    let proposals = Proposals {
        num_keypoints: &num_keypoints,
        ranks: &ranks,
        features: |photo: usize| Ok(photos[photo].clone()),
        scratch,
        warn: &|text| panic!("{text}"),
        check: &|| Ok(()),
    };
    candidate_pairs(&proposals, similarities(photos), options).unwrap()
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
fn voters_in_files_propose_what_voters_in_memory_do() {
    // 60 photos of ten descriptors each, two and two with one in common.
    let angle = |photo: usize, i: usize| match i {
        0 => (photo / 2) as f32 * 0.1,
        _ => ((photo * 7919 + i * 104_729) % 6283) as f32 / 1000.0,
    };
    let photos: Vec<FeatureSet> = (0..60)
        .map(|photo| {
            let descriptors: Vec<[f32; 2]> = (0..10).map(|i| on_circle(angle(photo, i))).collect();
            self::photo::<2>(&descriptors, None)
        })
        .collect();
    let options = CandidateOptions {
        num_similar: 0,
        num_voted: 3,
        num_voters: 8,
    };
    let in_memory = pairs(&photos, &options);
    assert!(in_memory.len() > 60, "{}", in_memory.len());
    let folder = tempfile::tempdir().unwrap();
    for [max_voter_bytes, max_word_bytes] in [[0, 0], [0, u64::MAX], [u64::MAX, 0]] {
        let scratch = Scratch {
            folder: Some(folder.path()),
            max_voter_bytes,
            max_word_bytes,
        };
        assert_eq!(pairs_with(&photos, &options, scratch), in_memory);
    }
    // The files have no names that would stay behind.
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let missing = folder.path().join("missing");
    let told = std::sync::Mutex::new(Vec::new());
    let num_keypoints = vec![10; photos.len()];
    let ranks: Vec<[u8; 32]> = (0..photos.len()).map(|i| [i as u8; 32]).collect();
    let proposals = Proposals {
        num_keypoints: &num_keypoints,
        ranks: &ranks,
        features: |photo: usize| Ok(photos[photo].clone()),
        scratch: Scratch {
            folder: Some(&missing),
            max_voter_bytes: 0,
            max_word_bytes: 0,
        },
        warn: &|text| told.lock().unwrap().push(text.to_owned()),
        check: &|| Ok(()),
    };
    // Where files cannot be made they are made elsewhere, and then in memory.
    let elsewhere = candidate_pairs(&proposals, similarities(&photos), &options).unwrap();
    assert_eq!(elsewhere, in_memory);
    let spare = folder.path().join("spare");
    let nowhere = voted(&proposals, &options, &spare).unwrap();
    assert_eq!(nowhere, voted(&proposals, &options, folder.path()).unwrap());
    let told: Vec<String> = told.into_inner().unwrap();
    assert_eq!(told.len(), 4, "{told:?}");
    for (told, [failed, next]) in told.iter().zip([
        ["missing", "temporary files in "],
        ["missing", "spare"],
        ["spare", "in memory"],
        ["missing", "temporary files in "],
    ]) {
        assert!(told.contains(failed) && told.contains(next), "{told}");
    }
}

#[test]
fn similarity_is_that_of_two_photos() {
    let photos = [[4.0, 1.0], [-2.0, 7.0], [0.0, 0.0]].map(|g| photo(&[], Some(g)));
    let all = similarities(&photos);
    let expected = photos[0].global_similarity(&photos[1]).unwrap();
    assert!((all.between(0, 1) - expected).abs() < 1e-4);
    assert_eq!(all.between(0, 2), 0.0);
}

#[test]
fn photos_without_features_have_partners_too_or_none() {
    let without = || photo::<2>(&[], None);
    assert_eq!(pairs(&[], &CandidateOptions::default()), []);
    assert_eq!(pairs(&[without()], &CandidateOptions::default()), []);
    assert_eq!(
        pairs(&[without(), without()], &CandidateOptions::default()),
        [(0, 1)]
    );
}

#[test]
fn more_photos_than_a_block_and_a_tile_are_all_seen() {
    // Two photos of each code: its bits, and what is not in it.
    const CODES: u32 = 1250;
    let code = |i: u32| std::array::from_fn(|bit| ((i >> (bit / 2)) as usize + bit) as f32 % 2.0);
    let photos: Vec<FeatureSet> = (0..2 * CODES)
        .map(|i| photo(&[], Some::<[f32; 22]>(code(i % CODES))))
        .collect();
    let options = CandidateOptions {
        num_similar: 1,
        ..CandidateOptions::default()
    };
    let twins: Vec<(u32, u32)> = (0..CODES).map(|i| (i, i + CODES)).collect();
    assert_eq!(pairs(&photos, &options), twins);
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

#[test]
fn partners_take_no_more_room_than_they_are() {
    let values: Vec<(f32, u32)> = (0..5000).map(|i| (i as f32, i)).collect();
    let chosen = best(values, 3);
    assert_eq!(chosen, [4999, 4998, 4997]);
    assert!(chosen.capacity() < 100, "{}", chosen.capacity());
}
