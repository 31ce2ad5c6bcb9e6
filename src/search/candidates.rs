//! Possible nearest neighbours by estimated scores.
//!
//! A pair is a candidate while its score is within twice the error of the best seen for the query.
//! Most of those seen early fall out as the best rises, so they are noted, and measured only in the
//! end.

use pulp::Simd;
use pulp::bytemuck::{cast, cast_slice};

use super::Nearest;
use super::product::{PANEL, TileSink, padded};
use crate::features::Descriptors;

/// Candidates noted before they are measured, a query.
const MAX_OPEN: usize = 16;

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
    /// The least threshold.
    min_score: f32,
    open: Vec<Candidate>,
    nearest: Vec<Nearest<N>>,
}

struct Candidate {
    query: usize,
    index: usize,
    score: f32,
}

impl<'a, const N: usize> Candidates<'a, N> {
    /// Of neighbors farther than `max_distance` none need be found. `max_error` is that of a score.
    pub(super) fn new(
        queries: &'a Descriptors,
        set: &'a Descriptors,
        max_error: f32,
        max_distance: Option<f32>,
    ) -> Self {
        let margin = 2.0 * max_error;
        let min_score = max_distance.map_or(f32::MIN, |max| {
            let score = -0.5 * f64::from(max) * f64::from(max) - f64::from(margin);
            (score as f32).next_down().max(f32::MIN)
        });
        Self {
            queries,
            set,
            margin,
            best: vec![[f32::NEG_INFINITY; N]; queries.len()],
            thresholds: vec![min_score; padded(queries.len())],
            min_score,
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
            min_score: f32::INFINITY,
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
        self.thresholds[query] = (nth_best - self.margin).max(self.min_score);
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
        let mut best_of_columns = scores[0];
        let mut best_of_rows = [scores[0][0]; ROWS];
        for r in 0..ROWS {
            best_of_rows[r] = scores[r][0];
            for v in 0..VECTORS {
                best_of_columns[v] = simd.max_f32s(best_of_columns[v], scores[r][v]);
                best_of_rows[r] = simd.max_f32s(best_of_rows[r], scores[r][v]);
            }
        }
        let reaches = |best, threshold| simd.greater_than_or_equal_f32s(best, threshold);
        let is_any = |mask| simd.first_true_m32s(mask) < S::F32_LANES;

        let thresholds = &mut self.columns.thresholds[first_column..first_column + PANEL];
        let (thresholds, _) = S::as_mut_simd_f32s(thresholds);
        let mut any = reaches(best_of_columns[0], thresholds[0]);
        for v in 1..VECTORS {
            any = simd.or_m32s(any, reaches(best_of_columns[v], thresholds[v]));
        }
        let row_thresholds = &mut self.rows.thresholds[first_row..first_row + ROWS];
        for r in 0..ROWS {
            let threshold = simd.splat_f32s(row_thresholds[r]);
            any = simd.or_m32s(any, reaches(best_of_rows[r], threshold));
        }
        if !is_any(any) {
            return;
        }

        // The best of a tile rules out most of the others that reach the threshold so far.
        let margin = simd.splat_f32s(self.columns.margin);
        for v in 0..VECTORS {
            let raised = simd.sub_f32s(best_of_columns[v], margin);
            thresholds[v] = simd.max_f32s(thresholds[v], raised);
        }
        if N == 1 {
            for r in 0..ROWS {
                if is_any(reaches(best_of_rows[r], simd.splat_f32s(row_thresholds[r]))) {
                    let raised = simd.reduce_max_f32s(best_of_rows[r]) - self.rows.margin;
                    row_thresholds[r] = raised.max(row_thresholds[r]);
                }
            }
        }
        let mut plain = [[0.0f32; PANEL]; ROWS];
        for r in 0..ROWS {
            let (out, _) = S::as_mut_simd_f32s(&mut plain[r]);
            out.copy_from_slice(&scores[r]);
        }
        self.look_through(simd, first_row, first_column, &plain);
    }
}

impl<const N: usize> Sides<'_, N> {
    /// Notes the candidates of a tile.
    #[inline(always)]
    fn look_through<S: Simd>(
        &mut self,
        simd: S,
        first_row: usize,
        first_column: usize,
        scores: &[[f32; PANEL]],
    ) {
        for (r, scores) in scores.iter().enumerate() {
            let row = first_row + r;
            let (vectors, _) = S::as_simd_f32s(scores);
            for (v, &vector) in vectors.iter().enumerate() {
                let first = v * S::F32_LANES;
                let thresholds = &self.columns.thresholds[first_column + first..][..S::F32_LANES];
                let (of_columns, _) = S::as_simd_f32s(thresholds);
                let of_row = simd.splat_f32s(self.rows.thresholds[row]);
                let for_columns = simd.greater_than_or_equal_f32s(vector, of_columns[0]);
                let for_row = simd.greater_than_or_equal_f32s(vector, of_row);
                for lane in lanes::<S>(for_row) {
                    let c = first + lane;
                    self.rows.note(row, first_column + c, scores[c]);
                }
                for lane in lanes::<S>(for_columns) {
                    let c = first + lane;
                    self.columns.note(first_column + c, row, scores[c]);
                }
            }
        }
    }
}

/// The lanes that are true, in ascending order.
#[inline(always)]
fn lanes<S: Simd>(mask: S::m32s) -> impl Iterator<Item = usize> {
    // A mask holds a bit for each lane or, as wide as a number, all its bits.
    let mut bits = match size_of::<S::m32s>() {
        1 => u32::from(cast::<S::m32s, u8>(mask)),
        2 => u32::from(cast::<S::m32s, u16>(mask)),
        _ => {
            let whole: &[u32] = cast_slice(std::slice::from_ref(&mask));
            let pairs = whole.iter().enumerate();
            pairs.fold(0, |bits, (lane, &all)| bits | (all & 1) << lane)
        }
    };
    std::iter::from_fn(move || {
        let lane = bits.trailing_zeros();
        bits &= bits.wrapping_sub(1);
        (lane < u32::BITS).then_some(lane as usize)
    })
}
