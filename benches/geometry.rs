//! Times of the robust search at the sizes it is used at.
#![allow(clippy::unwrap_used, missing_docs)]

use criterion::{Criterion, criterion_group, criterion_main};
use delfin::features::Keypoint;
use delfin::geometry::TransformKind;
use delfin::matching::Match;
use delfin::verification::{VerificationOptions, verify};

/// Numbers from 0 to 1, the same every time.
fn uniform(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

/// Photos of 640 x 480 pixels, `count` matches, of which `inliers` follow a turn and a shift up to
/// `noise` pixels, in random order.
fn photos(count: usize, inliers: f64, noise: f64) -> (Vec<Keypoint>, Vec<Keypoint>, Vec<Match>) {
    let mut state = 1;
    let keypoint = |x: f64, y: f64| Keypoint {
        x: x as f32,
        y: y as f32,
        scale: 1.0,
        score: 1.0,
    };
    let (mut first, mut second, mut matches) = (Vec::new(), Vec::new(), Vec::new());
    for index in 0..count {
        let mut next = |scale: f64| uniform(&mut state) * scale;
        let (x, y) = (next(640.0), next(480.0));
        first.push(keypoint(x, y));
        second.push(if next(1.0) < inliers {
            let (dx, dy) = (next(2.0 * noise) - noise, next(2.0 * noise) - noise);
            keypoint(0.9 * x - 0.3 * y + 80.0 + dx, 0.3 * x + 0.9 * y - 60.0 + dy)
        } else {
            keypoint(next(640.0), next(480.0))
        });
        matches.push(Match {
            index1: index,
            index2: index,
            distance: next(1.0) as f32,
        });
    }
    (first, second, matches)
}

fn coarse_and_refined(criterion: &mut Criterion) {
    for (name, count, noise, max_error_px) in
        [("coarse", 150, 10.0, 20.0), ("refined", 500, 0.5, 3.0)]
    {
        for inliers in [0.0, 0.1, 0.5] {
            let (keypoints1, keypoints2, matches) = photos(count, inliers, noise);
            for kind in TransformKind::ALL {
                let mut options = VerificationOptions {
                    kind,
                    ..VerificationOptions::default()
                };
                options.ransac.max_error_px = max_error_px;
                let id = format!("verify/{name}/{kind}/{:.0}%", inliers * 100.0);
                criterion.bench_function(&id, |bencher| {
                    bencher.iter(|| verify(&keypoints1, &keypoints2, &matches, &options).unwrap());
                });
            }
        }
    }
}

criterion_group!(benches, coarse_and_refined);
criterion_main!(benches);
