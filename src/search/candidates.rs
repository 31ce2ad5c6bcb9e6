//! Which pairs the estimated scores leave as possible nearest neighbours.
//!
//! A pair is a candidate while its score is within twice the error of the best seen for the query.
//! Most of those seen early fall out as the best rises, so they are noted, and measured only in the
//! end.

use pulp::Simd;

use super::Nearest;
use super::product::{PANEL, TileSink, padded};
use crate::features::Descriptors;

/// Candidates noted before they are measured, a query.
const MAX_OPEN: usize = 16;

/// Scores that are looked through at once.
const CHUNK: usize = 16;

/// The candidates for the nearest `N` of each of some queries.
pub(super) struct Candidates<'a, const N: usize> {
    queries: &'a Descriptors,
    set: &'a Descriptors,
    /// Twice the largest error of a score.
    margin: f32,
    /// The best `N` scores of each query so far.
    best: Vec<[f32; N]>,
    /// The score from which on a pair is a candidate, by query, and those that fill a panel up.
    thresholds: Vec<f32>,
    open: Vec<Candidate>,
    nearest: Vec<Nearest<N>>,
}

struct Candidate {
    query: usize,
    index: usize,
    score: f32,
}

impl<'a, const N: usize> Candidates<'a, N> {
    pub(super) fn new(queries: &'a Descriptors, set: &'a Descriptors, max_error: f32) -> Self {
        Self {
            queries,
            set,
            margin: 2.0 * max_error,
            best: vec![[f32::NEG_INFINITY; N]; queries.len()],
            thresholds: vec![f32::MIN; padded(queries.len())],
            open: Vec::new(),
            nearest: (0..queries.len()).map(|_| Nearest::new()).collect(),
        }
    }

    /// Takes no candidate.
    pub(super) fn closed(queries: &'a Descriptors, set: &'a Descriptors) -> Self {
        Self {
            queries,
            set,
            margin: 0.0,
            best: Vec::new(),
            thresholds: vec![f32::INFINITY; padded(queries.len())],
            open: Vec::new(),
            nearest: Vec::new(),
        }
    }

    /// Notes a pair whose score reaches the query's threshold.
    #[inline(always)]
    fn note(&mut self, query: usize, index: usize, score: f32) {
        if self.open.len() >= MAX_OPEN * self.queries.len() {
            self.measure();
        }
        self.open.push(Candidate {
            query,
            index,
            score,
        });
        let mut lower = score;
        for best in &mut self.best[query] {
            if lower > *best {
                std::mem::swap(best, &mut lower);
            }
        }
        let nth_best = self.best[query][N - 1];
        self.thresholds[query] = (nth_best - self.margin).max(f32::MIN);
    }

    /// Measures the candidates noted that still are.
    #[inline(never)]
    fn measure(&mut self) {
        for Candidate {
            query,
            index,
            score,
        } in self.open.drain(..)
        {
            if score >= self.thresholds[query] {
                self.nearest[query].offer(self.queries.row(query), self.set, index);
            }
        }
    }

    /// The nearest `N` of each query.
    pub(super) fn finish(mut self) -> Vec<Nearest<N>> {
        self.measure();
        self.nearest
    }
}

/// Candidates of both sides of a product: for each row among the columns, and the reverse.
pub(super) struct Sides<'a, const N: usize> {
    pub(super) rows: Candidates<'a, N>,
    pub(super) columns: Candidates<'a, 1>,
}

impl<const N: usize> TileSink for Sides<'_, N> {
    #[inline(always)]
    fn tile<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &mut self,
        simd: S,
        first_row: usize,
        first_column: usize,
        scores: &[[S::f32s; VECTORS]; ROWS],
    ) {
        let column_thresholds = &self.columns.thresholds[first_column..first_column + PANEL];
        let (column_thresholds, _) = S::as_simd_f32s(column_thresholds);
        let row_thresholds = &self.rows.thresholds[first_row..first_row + ROWS];
        let zero = simd.splat_f32s(0.0);
        let mut reached = simd.less_than_f32s(zero, zero);
        for v in 0..VECTORS {
            let best = (1..ROWS).fold(scores[0][v], |best, r| simd.max_f32s(best, scores[r][v]));
            let own = simd.greater_than_or_equal_f32s(best, column_thresholds[v]);
            reached = simd.or_m32s(reached, own);
        }
        for r in 0..ROWS {
            let best = (1..VECTORS).fold(scores[r][0], |best, v| simd.max_f32s(best, scores[r][v]));
            let threshold = simd.splat_f32s(row_thresholds[r]);
            let own = simd.greater_than_or_equal_f32s(best, threshold);
            reached = simd.or_m32s(reached, own);
        }
        if simd.first_true_m32s(reached) < S::F32_LANES {
            let mut plain = [[0.0f32; PANEL]; ROWS];
            for r in 0..ROWS {
                let (out, _) = S::as_mut_simd_f32s(&mut plain[r]);
                for v in 0..VECTORS {
                    out[v] = scores[r][v];
                }
            }
            self.look_through(first_row, first_column, &plain);
        }
    }
}

impl<const N: usize> Sides<'_, N> {
    /// Notes the candidates of a tile.
    #[inline(always)]
    fn look_through(&mut self, first_row: usize, first_column: usize, scores: &[[f32; PANEL]]) {
        for (r, scores) in scores.iter().enumerate() {
            let row = first_row + r;
            for (chunk, scores) in scores.as_chunks::<CHUNK>().0.iter().enumerate() {
                let first_column = first_column + chunk * CHUNK;
                let thresholds = &self.columns.thresholds[first_column..first_column + CHUNK];
                let threshold = self.rows.thresholds[row];
                let any = scores
                    .iter()
                    .zip(thresholds)
                    .fold(false, |any, (&s, &own)| any | (s >= own) | (s >= threshold));
                if any {
                    for (c, &score) in scores.iter().enumerate() {
                        let column = first_column + c;
                        if score >= self.rows.thresholds[row] {
                            self.rows.note(row, column, score);
                        }
                        if score >= self.columns.thresholds[column] {
                            self.columns.note(column, row, score);
                        }
                    }
                }
            }
        }
    }
}
