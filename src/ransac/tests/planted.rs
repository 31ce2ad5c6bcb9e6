//! Correspondences that a known transform explains in part.

use crate::geometry::{Correspondences, TransformKind, TransformLimits, project};
use crate::random::SplitMix64;
use crate::ransac::TransformEstimator;
use nalgebra::{Matrix3, Point2, Vector2};

/// Numbers between -1 and 1.
pub(super) struct Noise(SplitMix64);

impl Noise {
    pub(super) fn new(seed: u64) -> Self {
        Self(SplitMix64::new(seed))
    }

    pub(super) fn next(&mut self) -> f64 {
        self.0.below(1 << 30) as f64 / f64::from(1 << 29) - 1.0
    }

    pub(super) fn point(&mut self, width: f64, height: f64) -> Point2<f64> {
        let (x, y) = (self.next(), self.next());
        Point2::new((x + 1.0) / 2.0 * width, (y + 1.0) / 2.0 * height)
    }

    /// About normal with this standard deviation.
    pub(super) fn normal(&mut self, deviation: f64) -> f64 {
        (0..12).map(|_| self.next() / 2.0).sum::<f64>() * deviation
    }

    pub(super) fn shuffle<T>(&mut self, values: &mut [T]) {
        for i in (1..values.len()).rev() {
            values.swap(i, self.0.below(i + 1));
        }
    }
}

pub(super) fn truth(kind: TransformKind) -> Matrix3<f64> {
    let similarity = Matrix3::new(0.9, -0.4, 150.0, 0.4, 0.9, -30.0, 0.0, 0.0, 1.0);
    let shear = Matrix3::new(1.0, 0.2, 0.0, -0.1, 0.8, 0.0, 0.0, 0.0, 1.0);
    let tilt = Matrix3::new(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 4e-4, -2e-4, 1.0);
    match kind {
        TransformKind::Similarity => similarity,
        TransformKind::Affine => similarity * shear,
        TransformKind::Homography => similarity * shear * tilt,
    }
}

/// Correspondences in random order, of which the share `inliers` follows the truth up to noise, and
/// which of them do.
pub(super) fn planted(
    kind: TransformKind,
    count: usize,
    inliers: f64,
    noise_px: f64,
    seed: u64,
) -> (Correspondences, Vec<usize>) {
    let mut noise = Noise::new(seed);
    let num_inliers = (count as f64 * inliers).round() as usize;
    let mut is_inlier: Vec<bool> = (0..count).map(|i| i < num_inliers).collect();
    noise.shuffle(&mut is_inlier);
    let points = is_inlier
        .iter()
        .map(|&follows| {
            let from = noise.point(640.0, 480.0);
            let to = if follows {
                let off = Vector2::new(noise.normal(noise_px), noise.normal(noise_px));
                project(&truth(kind), from).unwrap() + off
            } else {
                noise.point(640.0, 480.0)
            };
            (from, to)
        })
        .collect();
    (points, (0..count).filter(|&i| is_inlier[i]).collect())
}

pub(super) fn estimator(kind: TransformKind, points: &Correspondences) -> TransformEstimator<'_> {
    TransformEstimator {
        kind,
        points,
        limits: TransformLimits::default(),
        places: &[],
    }
}

pub(super) fn corner_error(found: &Matrix3<f64>, kind: TransformKind) -> f64 {
    [(0.0, 0.0), (640.0, 0.0), (640.0, 480.0), (0.0, 480.0)]
        .map(|(x, y)| Point2::new(x, y))
        .map(|p| (project(found, p).unwrap() - project(&truth(kind), p).unwrap()).norm())
        .iter()
        .sum::<f64>()
        / 4.0
}
