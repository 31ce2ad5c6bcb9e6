//! How often wrong matches would agree as well by chance.
//!
//! The a-contrario measure of Moisan and Stival (*A Probabilistic Criterion to Detect Rigid Point
//! Matches Between Two Images*, 2004), for point-to-point transforms as in Moisan, Moulon and Monasse
//! (*Automatic Homographic Registration of a Pair of Images, with A Contrario Elimination of
//! Outliers*, 2012). Let n matches be wrong: each point of photo 2 lands anywhere in an area A. A
//! transform through a sample of m of them meets k - m given others within a radius r with
//! probability (pi r^2 / A)^(k - m). There are C(n, k) sets of k matches, C(k, m) samples in each and
//! n - m values of k, so the expected number of such coincidences is at most
//!
//! NFA(k, r) = (n - m) C(n, k) C(k, m) (pi r^2 / A)^(k - m).
//!
//! The k-th smallest error of the inliers is the radius r of k; the k with the smallest NFA counts.

use crate::features::Keypoint;
use std::f64::consts::PI;

/// Errors are taken to be at least this, in pixels: keypoints are not known better.
const MIN_RADIUS_PX: f64 = 0.5;

/// The area of the box around `keypoints` in square pixels, at least twice `max_error_px` wide and
/// high. Keypoints that are not finite are passed over.
pub(super) fn area(keypoints: &[Keypoint], max_error_px: f64) -> f64 {
    let extent = |coordinate: fn(&Keypoint) -> f32| {
        let (low, high) = keypoints
            .iter()
            .map(|k| f64::from(coordinate(k)))
            .filter(|v| v.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
                (low.min(v), high.max(v))
            });
        (high - low).max(2.0 * max_error_px)
    };
    extent(|k| k.x) * extent(|k| k.y)
}

/// The smallest log10 NFA over subsets of the inliers with these squared errors, out of
/// `num_matches` matches. At most log10 of the number of subsets tried; infinity when the inliers are
/// no more than a sample.
pub(super) fn log10_nfa(
    mut squared_errors: Vec<f64>,
    num_matches: usize,
    sample_size: usize,
    area: f64,
) -> f64 {
    squared_errors.sort_by(f64::total_cmp);
    let num_matches = num_matches.max(squared_errors.len());
    let factorials = log10_factorials(num_matches);
    let choose = |n: usize, k: usize| factorials[n] - factorials[k] - factorials[n - k];
    (sample_size + 1..=squared_errors.len())
        .map(|k| {
            let squared_radius = squared_errors[k - 1].max(MIN_RADIUS_PX * MIN_RADIUS_PX);
            let chance = (PI * squared_radius / area).min(1.0);
            ((num_matches - sample_size) as f64).log10()
                + choose(num_matches, k)
                + choose(k, sample_size)
                + (k - sample_size) as f64 * chance.log10()
        })
        .fold(f64::INFINITY, f64::min)
}

/// log10 of 0!, 1!, ... n!.
fn log10_factorials(n: usize) -> Vec<f64> {
    let mut sum = 0.0;
    (0..=n)
        .map(|i| {
            sum += (i.max(1) as f64).log10();
            sum
        })
        .collect()
}
