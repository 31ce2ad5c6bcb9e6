//! Times each search at the sizes of a photo's descriptors, building included.

#![expect(clippy::expect_used, reason = "the input is made here")]

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use delfin::features::Descriptors;
use delfin::matching::{MatchingOptions, SearchKind, match_descriptors};

const DIM: usize = 40;

fn search(criterion: &mut Criterion) {
    for (name, mutual) in [("match one way", false), ("match mutually", true)] {
        let mut group = criterion.benchmark_group(name);
        group.sample_size(20);
        for count in [500, 1000, 4000] {
            let (descriptors1, descriptors2) = (clustered(count, 1), clustered(count, 2));
            for search in [SearchKind::BruteForce, SearchKind::KdTree] {
                let options = MatchingOptions {
                    mutual,
                    search,
                    ..Default::default()
                };
                let id = BenchmarkId::new(format!("{search:?}"), count);
                group.bench_function(id, |bencher| {
                    bencher.iter(|| match_descriptors(&descriptors1, &descriptors2, &options));
                });
            }
        }
    }
}

/// Unit vectors around 64 centres, which all seeds share.
fn clustered(count: usize, seed: u64) -> Descriptors {
    let centres = noise(64 * DIM, 0);
    let offsets = noise(count * DIM, seed);
    let mut values = Vec::with_capacity(count * DIM);
    for (i, offset) in offsets.chunks_exact(DIM).enumerate() {
        let centre = &centres[i * 7 % 64 * DIM..][..DIM];
        let row: Vec<f32> = centre
            .iter()
            .zip(offset)
            .map(|(c, o)| c + 0.5 * o)
            .collect();
        let norm = row.iter().map(|v| v * v).sum::<f32>().sqrt();
        values.extend(row.iter().map(|v| v / norm));
    }
    Descriptors::new(DIM, values).expect("whole rows of finite values")
}

/// Reproducible values in -1..1.
fn noise(count: usize, mut state: u64) -> Vec<f32> {
    let mut next = || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

criterion_group!(benches, search);
criterion_main!(benches);
