//! Every option changes something, and its range is kept.

use super::Location;
use super::planted::{estimator, planted};
use crate::geometry::TransformKind;
use crate::ransac::{RansacOptions, ransac};

#[test]
fn every_option_changes_something() {
    let (points, _) = planted(TransformKind::Affine, 150, 0.4, 4.0, 6);
    let estimator = estimator(TransformKind::Affine, &points);
    let run = |options: RansacOptions| ransac(&estimator, &options).unwrap().unwrap();
    let default = RansacOptions::default();
    let base = run(default);
    let tight = RansacOptions {
        max_error_px: 5.0,
        ..default
    };
    assert!(run(tight).inliers.len() < base.inliers.len());
    let sure = RansacOptions {
        confidence: 0.999_999,
        min_trials: 1,
        ..default
    };
    let unsure = RansacOptions {
        confidence: 0.5,
        min_trials: 1,
        ..default
    };
    assert!(run(unsure).num_trials < run(sure).num_trials);
    let exhaustive = RansacOptions {
        confidence: 1.0,
        ..default
    };
    assert_eq!(run(exhaustive).num_trials, default.max_trials);
    let short = RansacOptions {
        max_trials: 60,
        confidence: 1.0,
        ..default
    };
    assert_eq!(run(short).num_trials, 60);
    let long = RansacOptions {
        min_trials: 4000,
        ..default
    };
    assert_eq!(run(long).num_trials, 4000);
    assert!((1..9).any(|seed| run(RansacOptions { seed, ..default }) != base));
}

#[test]
fn options_outside_their_range_are_named() {
    let default = RansacOptions::default();
    for (options, name) in [
        (
            RansacOptions {
                max_error_px: 0.0,
                ..default
            },
            "max_error_px",
        ),
        (
            RansacOptions {
                max_error_px: f64::NAN,
                ..default
            },
            "max_error_px",
        ),
        (
            RansacOptions {
                confidence: 0.0,
                ..default
            },
            "confidence",
        ),
        (
            RansacOptions {
                confidence: 1.1,
                ..default
            },
            "confidence",
        ),
        (
            RansacOptions {
                max_trials: 0,
                min_trials: 0,
                ..default
            },
            "max_trials",
        ),
        (
            RansacOptions {
                min_trials: 9000,
                ..default
            },
            "min_trials",
        ),
    ] {
        let error = ransac(&Location(vec![1.0]), &options).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
}
