//! Nearest neighbours by comparing every pair, as one matrix product.
//!
//! The product estimates all distances in `f32`. What its error bound cannot rule out is a
//! candidate, mostly a single one, and [`squared_distance`](super::squared_distance) decides.

use pulp::Arch;

use super::product::{PANEL, Panels, RowSink, max_error, multiply};
use super::{Nearest, NearestNeighbors, Neighbor, check_dimensions, squared_distance};
use crate::error::Result;
use crate::features::Descriptors;

/// Compares every query with every descriptor.
pub struct BruteForce<'a> {
    descriptors: &'a Descriptors,
    panels: Panels,
    arch: Arch,
}

impl<'a> BruteForce<'a> {
    /// Lays `descriptors` out for the product.
    pub fn new(descriptors: &'a Descriptors) -> Self {
        Self::with_arch(descriptors, Arch::new())
    }

    /// A search with the instructions of `arch`, which change its speed and not its answer.
    pub(super) fn with_arch(descriptors: &'a Descriptors, arch: Arch) -> Self {
        Self {
            descriptors,
            panels: Panels::new(descriptors),
            arch,
        }
    }

    /// The nearest `N`, at least the nearest, to each of `queries`.
    fn search<const N: usize>(&self, queries: &Descriptors) -> Result<Vec<Nearest<N>>> {
        check_dimensions(queries, self.descriptors)?;
        if self.descriptors.is_empty() {
            return Ok(Vec::new());
        }
        let Some(error) = max_error(queries, &self.panels) else {
            return Ok(search_exhaustively(queries, self.descriptors));
        };
        let mut sink = NearestOfRows {
            queries,
            descriptors: self.descriptors,
            error,
            found: Vec::with_capacity(queries.len()),
        };
        multiply(self.arch, queries, &self.panels, &mut sink);
        Ok(sink.found)
    }

    /// The pairs of a query and a descriptor that are each other's nearest, as [`Self::nearest`]
    /// in both directions tells, from a single product. In the order of the queries.
    ///
    /// # Errors
    /// [`crate::error::Error::Features`] when `queries` have another dimension than the searched
    /// set.
    pub fn mutual_nearest(&self, queries: &Descriptors) -> Result<Vec<(usize, Neighbor)>> {
        check_dimensions(queries, self.descriptors)?;
        if self.descriptors.is_empty() {
            return Ok(Vec::new());
        }
        let (rows, columns) = match max_error(queries, &self.panels) {
            Some(error) => {
                let width = self.panels.width();
                let mut sink = NearestOfBoth {
                    rows: NearestOfRows {
                        queries,
                        descriptors: self.descriptors,
                        error,
                        found: Vec::with_capacity(queries.len()),
                    },
                    columns: vec![Column::default(); self.descriptors.len()],
                    thresholds: vec![f32::MIN; width],
                };
                multiply(self.arch, queries, &self.panels, &mut sink);
                let columns = sink.columns.iter().map(|column| column.row).collect();
                (sink.rows.found, columns)
            }
            None => {
                let rows: Vec<Nearest<1>> = search_exhaustively(queries, self.descriptors);
                let columns: Vec<Nearest<1>> = search_exhaustively(self.descriptors, queries);
                let columns = columns
                    .iter()
                    .filter_map(|Nearest([first])| first.map(|n| n.index));
                (rows, columns.collect::<Vec<usize>>())
            }
        };
        let pairs = rows.into_iter().map(|Nearest([first])| first).enumerate();
        let mutual = |(row, nearest): (usize, Option<Neighbor>)| {
            nearest
                .filter(|n| columns.get(n.index) == Some(&row))
                .map(|n| (row, n))
        };
        Ok(pairs.filter_map(mutual).collect())
    }
}

impl NearestNeighbors for BruteForce<'_> {
    fn descriptors(&self) -> &Descriptors {
        self.descriptors
    }

    fn nearest(&self, queries: &Descriptors) -> Result<Vec<Neighbor>> {
        let found = self.search::<1>(queries)?;
        Ok(found
            .into_iter()
            .filter_map(|Nearest([first])| first)
            .collect())
    }

    fn nearest2(&self, queries: &Descriptors) -> Result<Vec<(Neighbor, Option<Neighbor>)>> {
        let found = self.search::<2>(queries)?;
        Ok(found
            .into_iter()
            .filter_map(|Nearest([first, second])| Some((first?, second)))
            .collect())
    }
}

/// The search for values so large that the product would overflow.
fn search_exhaustively<const N: usize>(
    queries: &Descriptors,
    set: &Descriptors,
) -> Vec<Nearest<N>> {
    let search_one = |i| {
        let mut nearest = Nearest::new();
        for index in 0..set.len() {
            nearest.offer(queries.row(i), set, index);
        }
        nearest
    };
    (0..queries.len()).map(search_one).collect()
}

/// Finds the nearest `N` columns of each row.
struct NearestOfRows<'a, const N: usize> {
    queries: &'a Descriptors,
    descriptors: &'a Descriptors,
    error: f32,
    found: Vec<Nearest<N>>,
}

impl<const N: usize> NearestOfRows<'_, N> {
    /// Finds the nearest of row `index`, given for each of `PANEL` interleaved parts of the columns
    /// the best score. The `N`th best of those is no better than the `N`th best of all.
    #[inline(always)]
    fn choose(&mut self, index: usize, scores: &[f32], mut best: [f32; PANEL]) {
        let mut nth_best = f32::INFINITY;
        for _ in 0..N {
            nth_best = best.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            if let Some(slot) = best.iter_mut().find(|score| **score == nth_best) {
                *slot = f32::NEG_INFINITY;
            }
        }
        let threshold = (nth_best - 2.0 * self.error).max(f32::MIN);
        let query = self.queries.row(index);
        let mut nearest = Nearest::new();
        for (p, scores) in scores.as_chunks::<PANEL>().0.iter().enumerate() {
            if any_reaches(scores, &[threshold; PANEL]) {
                for (c, &score) in scores.iter().enumerate() {
                    if score >= threshold {
                        nearest.offer(query, self.descriptors, p * PANEL + c);
                    }
                }
            }
        }
        self.found.push(nearest);
    }
}

impl<const N: usize> RowSink for NearestOfRows<'_, N> {
    #[inline(always)]
    fn row(&mut self, index: usize, scores: &[f32]) {
        let mut best = [f32::NEG_INFINITY; PANEL];
        for scores in scores.as_chunks::<PANEL>().0 {
            raise(&mut best, scores);
        }
        self.choose(index, scores, best);
    }
}

/// Finds the nearest column of each row and the nearest row of each column.
struct NearestOfBoth<'a> {
    rows: NearestOfRows<'a, 1>,
    columns: Vec<Column>,
    /// For each column the score from which on a row may be nearer than those so far.
    thresholds: Vec<f32>,
}

/// What is known of a column after some rows.
#[derive(Clone, Copy)]
struct Column {
    /// The nearest row.
    row: usize,
    /// The best score of any row so far.
    best: f32,
}

impl Default for Column {
    fn default() -> Self {
        Self {
            row: usize::MAX,
            best: f32::NEG_INFINITY,
        }
    }
}

impl RowSink for NearestOfBoth<'_> {
    #[inline(always)]
    fn row(&mut self, index: usize, scores: &[f32]) {
        let mut best = [f32::NEG_INFINITY; PANEL];
        let thresholds = self.thresholds.as_chunks_mut::<PANEL>().0;
        for (p, (scores, thresholds)) in scores
            .as_chunks::<PANEL>()
            .0
            .iter()
            .zip(thresholds)
            .enumerate()
        {
            raise(&mut best, scores);
            if any_reaches(scores, thresholds) {
                for (c, &score) in scores.iter().enumerate() {
                    if score >= thresholds[c] {
                        let column = &mut self.columns[p * PANEL + c];
                        // Only a score within the error of the best leaves the choice open.
                        let wins = score - 2.0 * self.rows.error > column.best || {
                            let own = self.rows.descriptors.row(p * PANEL + c);
                            squared_distance(self.rows.queries.row(index), own)
                                < squared_distance(self.rows.queries.row(column.row), own)
                        };
                        if wins {
                            column.row = index;
                        }
                        column.best = column.best.max(score);
                        thresholds[c] = column.best - 2.0 * self.rows.error;
                    }
                }
            }
        }
        self.rows.choose(index, scores, best);
    }
}

/// Raises each of `best` to the score beside it.
#[inline(always)]
fn raise(best: &mut [f32; PANEL], scores: &[f32; PANEL]) {
    for (best, &score) in best.iter_mut().zip(scores) {
        *best = if score > *best { score } else { *best };
    }
}

/// Whether any of `scores` is at least the threshold beside it.
#[inline(always)]
fn any_reaches(scores: &[f32; PANEL], thresholds: &[f32; PANEL]) -> bool {
    let pairs = scores.iter().zip(thresholds);
    pairs.fold(false, |any, (score, threshold)| any | (score >= threshold))
}
