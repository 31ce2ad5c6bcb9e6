//! One suite over every search: each must give what a plain loop gives, bit for bit.

use proptest::prelude::*;
use pulp::Arch;

use super::*;

fn descriptors(dim: usize, values: Vec<f32>) -> Descriptors {
    Descriptors::new(dim, values).unwrap()
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

/// All of `set`, nearest to `query` first.
fn ranked(query: &[f32], set: &Descriptors) -> Vec<(u64, usize)> {
    let mut all: Vec<(f64, usize)> = (0..set.len())
        .map(|index| (squared_distance(query, set.row(index)), index))
        .collect();
    all.sort_by(|a, b| a.partial_cmp(b).unwrap());
    all.into_iter()
        .map(|(d, index)| (d.to_bits(), index))
        .collect()
}

fn bits(neighbor: &Neighbor) -> (u64, usize) {
    (neighbor.squared_distance.to_bits(), neighbor.index)
}

/// Every instruction set that this processor has.
fn archs() -> Vec<Arch> {
    #[cfg(target_arch = "x86_64")]
    let older = pulp::x86::V3::try_new().map(Arch::V3);
    #[cfg(not(target_arch = "x86_64"))]
    let older = None;
    [Some(Arch::Scalar), older, Some(Arch::new())]
        .into_iter()
        .flatten()
        .collect()
}

/// Checks every search of `queries` in `set` against a plain loop.
fn check(set: &Descriptors, queries: &Descriptors) {
    let expected: Vec<Vec<(u64, usize)>> = (0..queries.len())
        .map(|i| ranked(queries.row(i), set))
        .collect();
    let brute_force = archs()
        .into_iter()
        .map(|arch| BruteForce::with_arch(set, arch));
    let mut searches: Vec<Box<dyn NearestNeighbors + '_>> =
        vec![Box::new(KdTree::new(set).unwrap())];
    searches.extend(brute_force.map(|search| Box::new(search) as _));
    for search in searches {
        let nearest = search.nearest(queries).unwrap();
        let nearest2 = search.nearest2(queries).unwrap();
        if set.is_empty() {
            assert!(nearest.is_empty() && nearest2.is_empty());
            continue;
        }
        let first: Vec<_> = nearest.iter().map(bits).collect();
        let first_two: Vec<_> = nearest2
            .iter()
            .map(|(first, second)| (bits(first), second.as_ref().map(bits)))
            .collect();
        assert_eq!(first, expected.iter().map(|e| e[0]).collect::<Vec<_>>());
        assert_eq!(
            first_two,
            expected
                .iter()
                .map(|e| (e[0], e.get(1).copied()))
                .collect::<Vec<_>>()
        );
    }
    let back: Vec<usize> = (0..set.len())
        .filter_map(|i| ranked(set.row(i), queries).first().map(|r| r.1))
        .collect();
    let mutual: Vec<_> = expected
        .iter()
        .enumerate()
        .filter_map(|(query, e)| e.first().map(|r| (query, *r)))
        .filter(|(query, (_, index))| back[*index] == *query)
        .collect();
    let distance =
        |(_, (squared, _)): &(usize, (u64, usize))| f64::from_bits(*squared).sqrt() as f32;
    let middle = mutual.get(mutual.len() / 2).map(distance);
    for arch in archs() {
        let search = BruteForce::with_arch(set, arch);
        for max in [None, middle, middle.map(|max| max / 2.0)] {
            let is_near = |(_, (squared, _)): &(usize, (u64, usize))| {
                max.is_none_or(|max| f64::from_bits(*squared) <= f64::from(max) * f64::from(max))
            };
            let found = search.mutual_nearest(queries, max).unwrap();
            let mut found: Vec<_> = found.iter().map(|(query, n)| (*query, bits(n))).collect();
            found.retain(is_near);
            let expected: Vec<_> = mutual.iter().copied().filter(is_near).collect();
            assert_eq!(found, expected);
        }
    }
}

/// Checks all searches between two sets, in both directions.
fn check_both(a: &Descriptors, b: &Descriptors) {
    check(a, b);
    check(b, a);
}

#[test]
fn dimensions_from_1_to_512_agree() {
    for dim in [1, 2, 3, 7, 8, 9, 16, 31, 40, 41, 64, 127, 128, 129, 512] {
        check_both(
            &descriptors(dim, noise(dim * 130, 1)),
            &descriptors(dim, noise(dim * 101, 2)),
        );
    }
}

#[test]
fn every_number_of_descriptors_around_a_tile_agrees() {
    for count in (0..=17).chain([47, 48, 49, 95, 96, 97]) {
        check_both(
            &descriptors(5, noise(count * 5, 3)),
            &descriptors(5, noise(20 * 5, 4)),
        );
    }
}

#[test]
fn equal_descriptors_give_the_lowest_index() {
    let row = noise(40, 5);
    check_both(
        &descriptors(40, row.repeat(150)),
        &descriptors(40, row.repeat(60)),
    );
    check_both(
        &descriptors(40, row.repeat(150)),
        &descriptors(40, noise(40 * 60, 6)),
    );
    check_both(
        &descriptors(40, vec![0.0; 40 * 90]),
        &descriptors(40, vec![0.0; 40 * 50]),
    );
}

#[test]
fn near_ties_that_f32_cannot_tell_apart_agree() {
    // Far from the origin the product's estimates all round to the same few values.
    let far = |seed| {
        noise(40 * 120, seed)
            .iter()
            .map(|v| 1000.0 + v * 0.01)
            .collect()
    };
    check_both(&descriptors(40, far(7)), &descriptors(40, far(8)));
}

#[test]
fn huge_and_tiny_values_agree() {
    for scale in [f32::MAX, 1e19, 1e15, 1e-15, 1e-25, 1e-38, 1e-43] {
        let scaled = |seed| {
            noise(8 * 70, seed)
                .iter()
                .map(|v| v * scale)
                .collect::<Vec<_>>()
        };
        let mixed = |seed| {
            let mut values = scaled(seed);
            values.extend(noise(8 * 20, seed));
            descriptors(8, values)
        };
        check_both(&descriptors(8, scaled(9)), &descriptors(8, scaled(10)));
        check_both(&mixed(11), &mixed(12));
    }
}

#[test]
fn distances_do_not_overflow_or_vanish() {
    let set = descriptors(1, vec![-f32::MAX, 1e-45]);
    let found = BruteForce::new(&set)
        .nearest(&descriptors(1, vec![f32::MAX, 0.0]))
        .unwrap();
    assert_eq!(found[0].index, 1);
    assert!(
        found
            .iter()
            .all(|n| n.squared_distance.is_finite() && n.squared_distance > 0.0)
    );
}

#[test]
fn a_squared_distance_is_the_sum_of_squared_differences() {
    for dim in 1..40 {
        let a: Vec<f32> = (0..dim).map(|k| k as f32).collect();
        let b: Vec<f32> = (0..dim).map(|k| 2.5 * k as f32 - 3.0).collect();
        // All terms are small multiples of a quarter, so every order of summation is exact.
        let expected: f64 = (0..dim).map(|k| (1.5 * k as f64 - 3.0).powi(2)).sum();
        assert_eq!(squared_distance(&a, &b), expected);
        assert_eq!(squared_distance(&b, &a), expected);
    }
}

#[test]
fn other_dimensions_are_refused() {
    let (set, queries) = (descriptors(3, noise(9, 13)), descriptors(2, noise(8, 14)));
    let (tree, brute) = (KdTree::new(&set).unwrap(), BruteForce::new(&set));
    let searches: [&dyn NearestNeighbors; 2] = [&tree, &brute];
    for search in searches {
        assert!(matches!(
            search.nearest(&queries),
            Err(Error::Features { .. })
        ));
        assert!(matches!(
            search.nearest2(&queries),
            Err(Error::Features { .. })
        ));
    }
    assert!(matches!(
        brute.mutual_nearest(&queries, None),
        Err(Error::Features { .. })
    ));
}

#[test]
fn the_estimate_stays_within_its_bound() {
    struct LargestError<'a> {
        rows: &'a Descriptors,
        columns: &'a Descriptors,
        error: f64,
    }
    impl product::TileSink for LargestError<'_> {
        #[inline(always)]
        fn tile<S: pulp::Simd, const ROWS: usize, const VECTORS: usize>(
            &mut self,
            _: S,
            first_row: usize,
            first_column: usize,
            scores: &[[S::f32s; VECTORS]; ROWS],
        ) {
            for (r, scores) in scores.iter().enumerate() {
                let scores: &[f32] = pulp::bytemuck::cast_slice(scores);
                for (c, &score) in scores.iter().enumerate() {
                    let (row, column) = (first_row + r, first_column + c);
                    if row < self.rows.len() && column < self.columns.len() {
                        let distance =
                            squared_distance(self.rows.row(row), self.columns.row(column));
                        self.error = self.error.max((f64::from(score) + 0.5 * distance).abs());
                    } else {
                        assert_eq!(score, f32::NEG_INFINITY);
                    }
                }
            }
        }
    }
    for (dim, scale) in [(1, 1.0), (40, 1.0), (40, 1e-20), (40, 1e17), (512, 30.0)] {
        let set = |seed| {
            let values = noise(dim * 100, seed).iter().map(|v| v * scale).collect();
            descriptors(dim, values)
        };
        let (rows, columns) = (set(15), set(16));
        let panels = product::Panels::new(&columns);
        let norms = product::Norms::new(&rows);
        let bound = f64::from(product::max_error(&norms, &panels).unwrap());
        for arch in archs() {
            let mut largest = LargestError {
                rows: &rows,
                columns: &columns,
                error: 0.0,
            };
            product::multiply(arch, &rows, &norms, &panels, &mut largest);
            assert!(largest.error > 0.0 || scale == 1e-20);
            assert!(largest.error <= bound, "{} above {bound}", largest.error);
        }
        // A bound far too wide would make everything a candidate.
        assert!(bound < 1e-3 * f64::from(scale).powi(2) * dim as f64 + 1e-30);
    }
}

/// Two sets of one dimension: any values, or values on a coarse grid, with rows repeated.
fn two_sets() -> impl Strategy<Value = (Descriptors, Descriptors)> {
    let value = prop_oneof![
        3 => (-2i8..=2).prop_map(f32::from),
        2 => -1.0f32..1.0,
        1 => prop::num::f32::NORMAL | prop::num::f32::SUBNORMAL | prop::num::f32::ZERO,
    ];
    let value = prop_oneof![
        value.boxed(),
        (-1i8..=1).prop_map(f32::from).boxed(),
        (-1.0f32..1.0).boxed(),
    ];
    let rows =
        move |dim, max| prop::collection::vec(prop::collection::vec(value.clone(), dim), 0..max);
    (1usize..50)
        .prop_flat_map(move |dim| (Just(dim), rows(dim, 70), rows(dim, 20), rows(dim, 6)))
        .prop_map(|(dim, a, b, shared)| {
            let join = |own: Vec<Vec<f32>>| {
                let rows = [own, shared.clone(), shared.clone()].concat();
                descriptors(dim, rows.concat())
            };
            (join(a), join(b))
        })
}

proptest! {
    #[test]
    fn every_search_equals_a_plain_loop((a, b) in two_sets()) {
        check_both(&a, &b);
    }
}
