use super::*;
use crate::geometry::{Correspondences, TransformKind, TransformLimits};
use nalgebra::{Point2, Vector2};
use planted::{Noise, corner_error, estimator, planted};

mod options;
mod planted;

/// A second estimator beside the transforms: the value that most numbers are near.
struct Location(Vec<f64>);

impl Estimator for Location {
    type Model = f64;

    fn sample_size(&self) -> usize {
        1
    }

    fn num_points(&self) -> usize {
        self.0.len()
    }

    fn fit_minimal(&self, sample: &[usize]) -> Option<f64> {
        Some(self.0[sample[0]])
    }

    fn fit_least_squares(&self, indices: &[usize], weights: &[f64]) -> Option<f64> {
        let total: f64 = weights.iter().sum();
        let sum: f64 = indices
            .iter()
            .zip(weights)
            .map(|(&i, w)| self.0[i] * w)
            .sum();
        (total > 0.0).then(|| sum / total)
    }

    fn squared_error(&self, model: &f64, index: usize) -> f64 {
        (self.0[index] - model).powi(2)
    }
}

/// Checks of every estimator, given data of which those in `good` follow one model.
fn conforms<E: Estimator>(estimator: &E, good: &[usize])
where
    E::Model: PartialEq + std::fmt::Debug,
{
    let size = estimator.sample_size();
    let weights = vec![1.0; good.len()];
    let exact = estimator.fit_minimal(&good[..size]).unwrap();
    for &i in &good[..size] {
        assert!(
            estimator.squared_error(&exact, i) < 1e-12,
            "a sample fits itself"
        );
    }
    let fitted = estimator.fit_least_squares(good, &weights).unwrap();
    for &i in good {
        assert!(estimator.squared_error(&exact, i) < 1e-9);
        assert!(estimator.squared_error(&fitted, i) < 1e-9);
    }
    let doubled = estimator
        .fit_least_squares(good, &vec![2.0; good.len()])
        .unwrap();
    let refined = estimator.refine(&fitted, good, &weights).unwrap();
    for &i in good {
        assert!(
            estimator.squared_error(&doubled, i) < 1e-9,
            "the unit of weights is free"
        );
        assert!(
            estimator.squared_error(&refined, i) < 1e-9,
            "the best cannot be refined"
        );
    }
    assert_eq!(estimator.fit_least_squares(&[], &[]), None);
    assert_eq!(
        estimator.fit_least_squares(good, &vec![0.0; good.len()]),
        None
    );
    for start in 0..estimator.num_points() {
        let mut block = vec![f64::NAN; estimator.num_points() - start];
        estimator.squared_errors(&exact, start, &mut block);
        for (error, i) in block.iter().zip(start..) {
            assert_eq!(
                *error,
                estimator.squared_error(&exact, i),
                "blocks equal single data"
            );
            assert!(*error >= 0.0);
        }
    }
    let options = RansacOptions {
        max_error_px: 1.0,
        ..RansacOptions::default()
    };
    let report = ransac(estimator, &options).unwrap().unwrap();
    assert!(good.iter().all(|i| report.inliers.contains(i)));
    assert_eq!(ransac(estimator, &options).unwrap().unwrap(), report);
}

#[test]
fn every_estimator_conforms() {
    for kind in TransformKind::ALL {
        let (points, good) = planted(kind, 60, 0.5, 0.0, 7);
        conforms(&estimator(kind, &points), &good);
    }
    let numbers = (0..60).map(|i| {
        if i % 2 == 0 {
            5.0
        } else {
            100.0 + f64::from(i * i)
        }
    });
    let even: Vec<usize> = (0..60).step_by(2).collect();
    conforms(&Location(numbers.collect()), &even);
}

#[test]
fn planted_models_are_found_under_noise_and_outliers() {
    for kind in TransformKind::ALL {
        for (share, noise_px, max_error_px, max_corner) in [
            (0.3, 5.0, 20.0, 8.0),
            (0.5, 0.3, 3.0, 0.5),
            (0.9, 7.0, 20.0, 8.0),
        ] {
            for seed in 0..10 {
                let (points, good) = planted(kind, 200, share, noise_px, seed);
                let options = RansacOptions {
                    max_error_px,
                    seed,
                    ..RansacOptions::default()
                };
                let report = ransac(&estimator(kind, &points), &options)
                    .unwrap()
                    .unwrap();
                let error = corner_error(&report.model, kind);
                assert!(error < max_corner, "{kind} {share} {seed}: {error} px");
                let found = good.iter().filter(|i| report.inliers.contains(i)).count();
                assert!(
                    found * 10 >= good.len() * 9,
                    "{kind} {share} {seed}: {found}"
                );
                assert!(report.inliers.len() <= good.len() + 20);
                assert!(report.score > 0.0 && report.score <= report.inliers.len() as f64);
            }
        }
    }
}

#[test]
fn five_percent_inliers_are_enough_when_matches_are_ordered() {
    for kind in TransformKind::ALL {
        // 20 good ones among the first 40 of 400.
        let (first, good) = planted(kind, 40, 0.5, 0.3, 1);
        let (rest, _) = planted(kind, 360, 0.0, 0.0, 2);
        let all = [&first, &rest]
            .iter()
            .flat_map(|part| (0..part.len()).map(|i| (part.point1(i), part.point2(i))))
            .collect();
        let options = RansacOptions {
            max_error_px: 3.0,
            ..RansacOptions::default()
        };
        let report = ransac(&estimator(kind, &all), &options).unwrap().unwrap();
        assert!(good.iter().all(|i| report.inliers.contains(i)), "{kind}");
    }
}

#[test]
fn same_seed_same_bits_and_another_seed_another_search() {
    let (points, _) = planted(TransformKind::Affine, 150, 0.3, 5.0, 3);
    let estimator = estimator(TransformKind::Affine, &points);
    let run = |seed| {
        let options = RansacOptions {
            seed,
            max_trials: 50,
            ..RansacOptions::default()
        };
        ransac(&estimator, &options).unwrap().unwrap()
    };
    let first = run(1);
    assert_eq!(run(1), first);
    assert!((2..8).any(|seed| run(seed).model != first.model));
}

#[test]
fn rivals_count_once() {
    // A pile: 30 points of photo 1 on one point of photo 2, beside 12 that follow a shift.
    let mut noise = Noise::new(4);
    let mut points = Correspondences::default();
    for _ in 0..30 {
        points.push(noise.point(640.0, 480.0), Point2::new(320.0, 240.0));
    }
    for _ in 0..12 {
        let from = noise.point(640.0, 480.0);
        points.push(from, from + Vector2::new(30.0, 10.0));
    }
    let places: Vec<[u32; 2]> = (0..42).map(|i| [i, if i < 30 { 0 } else { i }]).collect();
    for kind in TransformKind::ALL {
        // Without limits the pile is what a transform that shrinks everything explains.
        let limits = TransformLimits {
            max_scale: f64::INFINITY,
            max_stretch: f64::INFINITY,
            min_extent_px: 0.0,
            allow_mirrored: false,
        };
        let mut estimator = estimator(kind, &points);
        estimator.limits = limits;
        estimator.places = &places;
        let report = ransac(&estimator, &RansacOptions::default())
            .unwrap()
            .unwrap();
        let in_pile = report.inliers.iter().filter(|&&i| i < 30).count();
        assert!(in_pile <= 1, "{kind}: {in_pile}");
        assert!((30..42).all(|i| report.inliers.contains(&i)), "{kind}");
    }
}

#[test]
fn of_rivals_the_nearest_is_the_inlier() {
    let values = Location(vec![0.9, 0.0, 0.0, 0.0, 0.4]);
    struct Rivals(Location, Vec<[u32; 2]>);
    impl Estimator for Rivals {
        type Model = f64;
        fn sample_size(&self) -> usize {
            self.0.sample_size()
        }
        fn num_points(&self) -> usize {
            self.0.num_points()
        }
        fn fit_minimal(&self, sample: &[usize]) -> Option<f64> {
            self.0.fit_minimal(sample)
        }
        fn fit_least_squares(&self, indices: &[usize], weights: &[f64]) -> Option<f64> {
            self.0.fit_least_squares(indices, weights)
        }
        fn squared_error(&self, model: &f64, index: usize) -> f64 {
            self.0.squared_error(model, index)
        }
        fn rivals(&self) -> &[[u32; 2]] {
            &self.1
        }
    }
    let labels = vec![[0, 0], [1, 1], [2, 2], [3, 3], [0, 4]];
    let options = RansacOptions {
        max_error_px: 2.0,
        ..RansacOptions::default()
    };
    let report = ransac(&Rivals(values, labels), &options).unwrap().unwrap();
    assert_eq!(report.inliers, [1, 2, 3, 4]);
}

#[test]
fn too_few_and_degenerate_data_give_none() {
    for kind in TransformKind::ALL {
        for count in 0..kind.sample_size() {
            let (points, _) = planted(kind, count, 1.0, 0.0, 5);
            let report = ransac(&estimator(kind, &points), &RansacOptions::default()).unwrap();
            assert!(report.is_none());
        }
        let piled = std::iter::repeat_n((Point2::new(3.0, 4.0), Point2::new(5.0, 6.0)), 50);
        let report = ransac(
            &estimator(kind, &piled.collect()),
            &RansacOptions::default(),
        );
        assert!(report.unwrap().is_none());
    }
    for kind in [TransformKind::Affine, TransformKind::Homography] {
        let line = (0..50).map(|i| Point2::new(f64::from(i) * 9.0, f64::from(i) * 5.0));
        let points = line.clone().zip(line).collect();
        let report = ransac(&estimator(kind, &points), &RansacOptions::default()).unwrap();
        assert!(report.is_none());
    }
}

#[test]
fn a_minimal_sample_alone_is_found() {
    for kind in TransformKind::ALL {
        let (points, good) = planted(kind, kind.sample_size(), 1.0, 0.0, 11);
        let report = ransac(&estimator(kind, &points), &RansacOptions::default());
        assert_eq!(report.unwrap().unwrap().inliers, good);
    }
}

#[test]
fn samples_are_distinct_and_the_pool_grows_to_all_data() {
    for (num_points, size) in [(1, 1), (2, 2), (4, 4), (5, 4), (30, 3), (300, 4)] {
        let mut rng = SplitMix64::new(9);
        let mut sampler = ProsacSampler::new(num_points, size);
        let mut seen = vec![false; num_points];
        let mut sample = vec![0; size];
        let mut largest: Vec<usize> = Vec::new();
        for _ in 0..3000 {
            sampler.draw(&mut rng, &mut sample);
            let mut sorted = sample.clone();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(sorted.len(), size);
            sorted.iter().for_each(|&i| seen[i] = true);
            largest.extend(sorted.last());
        }
        assert!(seen.iter().all(|&s| s), "{num_points} {size}");
        assert_eq!(largest[0], size - 1, "the best come first");
        let mean = |part: &[usize]| part.iter().sum::<usize>() / part.len();
        assert!(mean(&largest[..30]) <= mean(&largest));
    }
}

#[test]
fn trials_follow_the_formula() {
    // 3 of 3 good: any sample will do. Half of many: 1 - (1 - 1/8)^t.
    assert_eq!(trials_for(0.99, 3, 3, 3), 0);
    let half = trials_for(0.99, 500_000, 1_000_000, 3);
    assert_eq!(half, (0.01f64.ln() / 0.875f64.ln()).ceil() as usize);
    assert_eq!(trials_for(0.99, 2, 100, 3), usize::MAX);
    assert_eq!(trials_for(1.0, 3, 3, 3), usize::MAX);
}

#[test]
fn where_inliers_are_counted_no_sample_near_the_best_has_more() {
    let kind = TransformKind::Affine;
    let options = RansacOptions {
        max_error_px: 10.0,
        reward: InlierReward::Number,
        confidence: 1.0,
        min_trials: 300,
        max_trials: 300,
        seed: 1,
    };
    for seed in 0..10 {
        // Noise as large as the error allowed, so that models compete for each datum.
        let (points, _) = planted(kind, 36, 0.7, 8.0, seed);
        let estimator = estimator(kind, &points);
        let found = ransac(&estimator, &options).unwrap().unwrap();
        let mut most = 0;
        for a in 0..36 {
            for b in 0..a {
                for c in 0..b {
                    let Some(model) = estimator.fit_minimal(&[a, b, c]) else {
                        continue;
                    };
                    let is_inlier = |&i: &usize| estimator.squared_error(&model, i) < 100.0;
                    most = most.max((0..36).filter(is_inlier).count());
                }
            }
        }
        assert!(found.inliers.len() >= most, "{seed}: {most}");
    }
}
