use super::*;
use crate::geometry::{inverse, project};
use proptest::prelude::*;

fn keypoint(p: Point2<f64>) -> Keypoint {
    Keypoint {
        x: p.x as f32,
        y: p.y as f32,
        scale: 1.0,
        score: 1.0,
    }
}

fn paired(index: usize, distance: f32) -> Match {
    Match {
        index1: index,
        index2: index,
        distance,
    }
}

/// A point of a photo of 640 x 480 pixels, anywhere, the same for the same index.
fn spread(index: usize) -> Point2<f64> {
    let hashed = |salt: u64| {
        let mut h = (index as u64 * 2 + salt + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        h = (h ^ (h >> 31)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        ((h ^ (h >> 32)) >> 11) as f64 / (1u64 << 53) as f64
    };
    Point2::new(hashed(0) * 640.0, hashed(1) * 480.0)
}

fn turned() -> Matrix3<f64> {
    Matrix3::new(0.8, -0.3, 120.0, 0.3, 0.8, 20.0, 0.0, 0.0, 1.0)
}

/// `good` matches under [`turned`] and `bad` ones that go anywhere; good ones first.
fn photos(good: usize, bad: usize) -> (Vec<Keypoint>, Vec<Keypoint>, Vec<Match>) {
    let from: Vec<_> = (0..good + bad).map(spread).collect();
    let to: Vec<_> = (0..good + bad)
        .map(|i| {
            if i < good {
                project(&turned(), from[i]).unwrap()
            } else {
                spread(i + 1000)
            }
        })
        .collect();
    let matches = (0..good + bad)
        .map(|i| paired(i, (i % 7) as f32 / 10.0))
        .collect();
    let keypoints = |points: Vec<Point2<f64>>| points.into_iter().map(keypoint).collect();
    (keypoints(from), keypoints(to), matches)
}

fn exact(kind: TransformKind) -> VerificationOptions {
    VerificationOptions {
        kind,
        ransac: RansacOptions {
            max_error_px: 3.0,
            ..RansacOptions::default()
        },
        ..VerificationOptions::default()
    }
}

#[test]
fn true_matches_are_the_inliers() {
    let (k1, k2, matches) = photos(40, 80);
    for kind in TransformKind::ALL {
        let found = verify(&k1, &k2, &matches, &exact(kind)).unwrap().unwrap();
        assert_eq!(found.kind, kind);
        assert!((0..40).all(|i| found.inliers.contains(&i)), "{kind}");
        assert!(found.inliers.len() <= 43, "{kind}");
        assert!(found.inliers.is_sorted());
        assert!((found.matrix - turned()).abs().max() < 1.0, "{kind}");
        assert_eq!(found.matrix.m33, 1.0);
    }
}

#[test]
fn few_wrong_matches_agree() {
    let (k1, k2, matches) = photos(0, 120);
    for kind in TransformKind::ALL {
        let coarse = VerificationOptions {
            kind,
            ..VerificationOptions::default()
        };
        for (options, most) in [(exact(kind), 6), (coarse, 12)] {
            if let Some(found) = verify(&k1, &k2, &matches, &options).unwrap() {
                assert!(
                    found.inliers.len() <= most,
                    "{kind} {}",
                    found.inliers.len()
                );
            }
        }
    }
}

#[test]
fn few_and_degenerate_matches_give_none() {
    let (k1, k2, matches) = photos(40, 0);
    for kind in TransformKind::ALL {
        for few in 0..kind.sample_size() + 2 {
            let found = verify(&k1, &k2, &matches[..few], &exact(kind)).unwrap();
            assert_eq!(found, None, "{kind} {few}");
        }
        let repeated = vec![matches[3]; 100];
        assert_eq!(verify(&k1, &k2, &repeated, &exact(kind)).unwrap(), None);
        assert_eq!(verify(&[], &[], &[], &exact(kind)).unwrap(), None);
    }
    let line: Vec<Keypoint> = (0..50)
        .map(|i| keypoint(Point2::new(f64::from(i) * 9.0, f64::from(i) * 5.0)))
        .collect();
    let matches: Vec<Match> = (0..50).map(|i| paired(i, 0.5)).collect();
    for kind in [TransformKind::Affine, TransformKind::Homography] {
        assert_eq!(verify(&line, &line, &matches, &exact(kind)).unwrap(), None);
    }
}

#[test]
fn piles_count_once() {
    // Every match ends within half a pixel of one place.
    let (k1, k2, matches) = photos(60, 0);
    let pile: Vec<Keypoint> = k2
        .iter()
        .map(|k| {
            keypoint(Point2::new(
                300.0 + f64::from(k.x) / 2e3,
                200.0 + f64::from(k.y) / 2e3,
            ))
        })
        .collect();
    for options in [VerificationOptions::default(), VerificationOptions::delf()] {
        assert_eq!(verify(&k1, &pile, &matches, &options).unwrap(), None);
    }
    let many = VerificationOptions {
        one_to_one: false,
        ..VerificationOptions::delf()
    };
    assert!(verify(&k1, &pile, &matches, &many).unwrap().is_some());
}

#[test]
fn keypoints_of_several_scales_at_one_place_count_once() {
    let (mut k1, mut k2, mut matches) = photos(20, 30);
    let count = k1.len();
    for i in 0..count {
        for step in [0.3, 0.6] {
            k1.push(Keypoint {
                x: k1[i].x + step,
                scale: 0.5,
                ..k1[i]
            });
            k2.push(Keypoint {
                y: k2[i].y + step,
                scale: 0.5,
                ..k2[i]
            });
            matches.push(paired(k1.len() - 1, 0.2));
        }
    }
    let options = exact(TransformKind::Affine);
    let found = verify(&k1, &k2, &matches, &options).unwrap().unwrap();
    let mut places: Vec<usize> = found
        .inliers
        .iter()
        .map(|&i| if i < count { i } else { (i - count) / 2 })
        .collect();
    places.sort_unstable();
    assert!(places.windows(2).all(|pair| pair[0] < pair[1]));
    assert!((0..20).all(|i| places.contains(&i)));

    let apart = VerificationOptions {
        place_radius_px: 0.0,
        ..options
    };
    let found = verify(&k1, &k2, &matches, &apart).unwrap().unwrap();
    assert!(found.inliers.len() >= 60);
}

#[test]
fn the_order_of_matches_is_that_of_distance() {
    let (k1, k2, matches) = photos(40, 80);
    let options = exact(TransformKind::Homography);
    let distinct: Vec<Match> = matches
        .iter()
        .enumerate()
        .map(|(i, m)| Match {
            distance: i as f32,
            ..*m
        })
        .collect();
    let found = verify(&k1, &k2, &distinct, &options).unwrap().unwrap();
    let reversed: Vec<Match> = distinct.iter().rev().copied().collect();
    let mut other = verify(&k1, &k2, &reversed, &options).unwrap().unwrap();
    for i in &mut other.inliers {
        *i = distinct.len() - 1 - *i;
    }
    other.inliers.sort_unstable();
    assert_eq!(other, found);
}

#[test]
fn bad_input_is_an_error_that_names_it() {
    let (k1, mut k2, matches) = photos(10, 0);
    let options = VerificationOptions::default();
    let outside = [paired(10, 0.0)];
    let error = verify(&k1, &k2, &outside, &options).unwrap_err();
    assert!(
        error.to_string().contains("keypoint 10 of photo 1"),
        "{error}"
    );
    k2[4].y = f32::NAN;
    let error = verify(&k1, &k2, &matches, &options).unwrap_err();
    assert!(
        error.to_string().contains("keypoint 4 of photo 2"),
        "{error}"
    );

    let wrong = VerificationOptions {
        place_radius_px: -1.0,
        ..options
    };
    let error = verify(&k1, &k1, &matches, &wrong).unwrap_err();
    assert!(error.to_string().contains("place_radius_px"), "{error}");
}

#[test]
fn extra_inliers_asked_for_are_needed() {
    let (k1, k2, matches) = photos(12, 0);
    let asking = |min_extra_inliers| VerificationOptions {
        min_extra_inliers,
        ..exact(TransformKind::Affine)
    };
    assert!(verify(&k1, &k2, &matches, &asking(9)).unwrap().is_some());
    assert!(verify(&k1, &k2, &matches, &asking(10)).unwrap().is_none());
}

#[test]
fn delf_draws_its_thousand_samples() {
    let (k1, k2, matches) = photos(40, 10);
    let options = VerificationOptions::delf();
    let found = verify(&k1, &k2, &matches, &options).unwrap().unwrap();
    assert_eq!(
        (found.kind, found.num_trials),
        (TransformKind::Affine, 1000)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn exchanged_photos_invert_the_transform(seed in any::<u64>(), good in 30usize..60) {
        let (k1, k2, matches) = photos(good, 20);
        for kind in TransformKind::ALL {
            let mut options = exact(kind);
            options.ransac.seed = seed;
            let there = verify(&k1, &k2, &matches, &options).unwrap().unwrap();
            let back = verify(&k2, &k1, &matches, &options).unwrap().unwrap();
            let back = inverse(&back.matrix).unwrap();
            for i in 0..4 {
                let corner = Point2::new(f64::from(i % 2) * 640.0, f64::from(i / 2) * 480.0);
                let gap = project(&there.matrix, corner).unwrap() - project(&back, corner).unwrap();
                prop_assert!(gap.norm() < 2.0, "{} {}", kind, gap.norm());
            }
        }
    }

    #[test]
    fn any_input_gives_an_answer_without_nan(
        points in prop::collection::vec((-1e6f32..1e6, -1e6f32..1e6), 1..20),
        pairs in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<f32>()), 0..60),
        seed in any::<u64>(),
    ) {
        let keypoints: Vec<Keypoint> = points
            .iter()
            .map(|&(x, y)| Keypoint { x, y, scale: 1.0, score: 1.0 })
            .collect();
        let matches: Vec<Match> = pairs
            .iter()
            .map(|(a, b, distance)| Match {
                index1: a.index(points.len()),
                index2: b.index(points.len()),
                distance: *distance,
            })
            .collect();
        for kind in TransformKind::ALL {
            for base in [VerificationOptions::default(), VerificationOptions::delf()] {
                let mut options = VerificationOptions { kind, ..base };
                options.ransac.seed = seed;
                options.ransac.max_trials = 1000;
                let found = verify(&keypoints, &keypoints, &matches, &options).unwrap();
                prop_assert_eq!(&verify(&keypoints, &keypoints, &matches, &options).unwrap(), &found);
                if let Some(found) = found {
                    prop_assert!(found.matrix.iter().all(|v| v.is_finite()));
                    prop_assert!(found.score.is_finite());
                    prop_assert!(found.inliers.is_sorted());
                    let unique = |index: fn(&Match) -> usize| {
                        let mut all: Vec<_> = found.inliers.iter().map(|&i| index(&matches[i])).collect();
                        all.sort_unstable();
                        all.windows(2).all(|pair| pair[0] < pair[1])
                    };
                    prop_assert!(unique(|m| m.index1) && unique(|m| m.index2));
                }
            }
        }
    }
}
