//! Times each search at the sizes of a photo's descriptors, building included.

#![expect(clippy::expect_used, reason = "the input is made here")]

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use delfin::features::Descriptors;
use delfin::matching::{MatchingOptions, SearchKind, match_descriptors};

/// Numbers of a descriptor, and how many descriptors each photo has: those of photos, and many short
/// ones, where the k-d tree overtakes the product.
const SIZES: [(usize, &[usize]); 4] = [
    (40, &[500, 1000, 4000]),
    (4, &[4000, 32_000]),
    (6, &[4000, 32_000]),
    (8, &[4000, 32_000]),
];

fn search(criterion: &mut Criterion) {
    for (name, mutual) in [("match one way", false), ("match mutually", true)] {
        let mut group = criterion.benchmark_group(name);
        group.sample_size(20);
        let sizes = SIZES
            .iter()
            .flat_map(|(dim, counts)| counts.iter().map(move |count| (*dim, *count)));
        for (dim, count) in sizes {
            let [descriptors1, descriptors2] = [1, 2].map(|seed| clustered(dim, count, seed));
            for search in [SearchKind::BruteForce, SearchKind::KdTree] {
                let options = MatchingOptions {
                    mutual,
                    search,
                    ..Default::default()
                };
                let id = BenchmarkId::new(format!("{search:?}"), format!("{count} x {dim}"));
                group.bench_function(id, |bencher| {
                    bencher.iter(|| match_descriptors(&descriptors1, &descriptors2, &options));
                });
            }
        }
    }
}

/// Unit vectors around 64 centres, which all seeds share.
fn clustered(dim: usize, count: usize, seed: u64) -> Descriptors {
    let centres = noise(64 * dim, 0);
    let offsets = noise(count * dim, seed);
    let mut values = Vec::with_capacity(count * dim);
    for (i, offset) in offsets.chunks_exact(dim).enumerate() {
        let centre = &centres[i * 7 % 64 * dim..][..dim];
        let row: Vec<f32> = centre
            .iter()
            .zip(offset)
            .map(|(c, o)| c + 0.5 * o)
            .collect();
        let norm = row.iter().map(|v| v * v).sum::<f32>().sqrt();
        values.extend(row.iter().map(|v| v / norm));
    }
    Descriptors::new(dim, values).expect("whole rows of finite values")
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
