//! Scores of all pairs of two sets as one tiled matrix product.
//!
//! The score of a pair is minus half its squared distance, `a.b - |a|^2/2 - |b|^2/2`, in `f32`. It is a quick
//! estimate: [`max_error`] bounds its error, whatever the order of summation and whether or not products and sums
//! are fused. The instruction set is chosen at run time; there is a tile for each width of vector.

use pulp::{Arch, Simd, WithSimd};

use super::squared_distance;
use crate::features::Descriptors;

/// Columns that lie side by side in memory and are multiplied together.
pub(super) const PANEL: usize = 48;

/// A set of descriptors laid out as columns of the product.
pub(super) struct Panels {
    dim: usize,
    /// Panel after panel; in a panel, dimension after dimension, `PANEL` values.
    values: Vec<f32>,
    norms: Norms,
}

impl Panels {
    pub(super) fn new(descriptors: &Descriptors) -> Self {
        Self {
            dim: descriptors.dim(),
            values: interleave::<PANEL>(descriptors).into_flattened(),
            norms: Norms::new(descriptors),
        }
    }
}

/// The lengths of a set's descriptors.
pub(super) struct Norms {
    /// Half the squared length of each; infinite for those that fill a panel up.
    half: Vec<f32>,
    /// The largest squared length.
    max: f64,
}

impl Norms {
    pub(super) fn new(descriptors: &Descriptors) -> Self {
        let origin = vec![0.0; descriptors.dim()];
        let mut half = vec![f32::INFINITY; padded(descriptors.len())];
        let mut max = 0.0f64;
        for (index, half) in half.iter_mut().enumerate().take(descriptors.len()) {
            let norm = squared_distance(descriptors.row(index), &origin);
            *half = (0.5 * norm) as f32;
            max = max.max(norm);
        }
        Self { half, max }
    }
}

/// `len` and those that fill the last panel up.
pub(super) fn padded(len: usize) -> usize {
    len.next_multiple_of(PANEL)
}

/// Groups of `N` descriptors; in a group, dimension after dimension, the value of each. Zeros fill
/// the last group up.
fn interleave<const N: usize>(descriptors: &Descriptors) -> Vec<[f32; N]> {
    let dim = descriptors.dim();
    let mut groups = vec![[0.0; N]; descriptors.len().div_ceil(N) * dim];
    for (g, group) in groups.chunks_exact_mut(dim).enumerate() {
        for slot in 0..N.min(descriptors.len() - g * N) {
            for (values, &value) in group.iter_mut().zip(descriptors.row(g * N + slot)) {
                values[slot] = value;
            }
        }
    }
    groups
}

/// Largest error of the score of any row with any column, against minus half their [`squared_distance`], the
/// rounding of one sum with the score included; `None` if scores might overflow.
///
/// With `u` half the spacing of `f32` at 1, a sum of `n` rounded products, in any order, errs by at
/// most `n u / (1 - n u)` times the sum of their sizes (Higham, Accuracy and Stability of Numerical
/// Algorithms, section 3.1). Here that sum is at most `|a|^2 + |b|^2`, with `dim + 2` terms. The
/// surplus covers the rounding of the half norms, of `squared_distance` and of the caller's sum;
/// the last term covers products that vanish.
pub(super) fn max_error(rows: &Norms, columns: &Panels) -> Option<f32> {
    let sum = rows.max + columns.norms.max;
    let terms = columns.dim as f64 + 12.0;
    let relative = terms * f64::from(f32::EPSILON) / 2.0;
    if sum > 1e37 || relative > 0.1 {
        return None;
    }
    Some((1.2 * relative * sum + terms * f64::from(f32::MIN_POSITIVE)) as f32)
}

/// Takes a product tile by tile.
pub(super) trait TileSink {
    /// Takes the scores of the rows from `first_row` on with the columns of one panel, from
    /// `first_column` on. Rows and columns that fill the last tile up score minus infinity.
    ///
    /// To be marked `inline(always)`, so that it is compiled for the instructions of `simd`.
    fn tile<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &mut self,
        simd: S,
        first_row: usize,
        first_column: usize,
        scores: &[[S::f32s; VECTORS]; ROWS],
    );
}

/// Computes the scores of all `rows`, whose lengths are `norms`, with all `columns` and hands them
/// to `sink`, with the instructions of `arch`. Every row meets the columns in ascending order, and
/// every column the rows. The dimensions must be equal and [`max_error`] not `None`.
pub(super) fn multiply(
    arch: Arch,
    rows: &Descriptors,
    norms: &Norms,
    columns: &Panels,
    sink: &mut impl TileSink,
) {
    arch.dispatch(Product {
        rows,
        norms,
        columns,
        sink,
    });
}

struct Product<'a, T> {
    rows: &'a Descriptors,
    norms: &'a Norms,
    columns: &'a Panels,
    sink: &'a mut T,
}

impl<T: TileSink> WithSimd for Product<'_, T> {
    type Output = ();

    // A tile keeps its scores in registers: of 32 with 16 or 4 lanes, of 16 with 8.
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match S::F32_LANES {
            16 => self.run::<S, 8, { PANEL / 16 }>(simd),
            8 => self.run::<S, 2, { PANEL / 8 }>(simd),
            4 => self.run::<S, 2, { PANEL / 4 }>(simd),
            _ => self.run::<S, 1, PANEL>(simd),
        }
    }
}

impl<T: TileSink> Product<'_, T> {
    #[inline(always)]
    fn run<S: Simd, const ROWS: usize, const VECTORS: usize>(self, simd: S) {
        let dim = self.columns.dim;
        let strips = interleave::<ROWS>(self.rows);
        let (row_half_norms, _) = self.norms.half.as_chunks::<ROWS>();
        let (half_norms, _) = S::as_simd_f32s(&self.columns.norms.half);
        let (half_norms, _) = half_norms.as_chunks::<VECTORS>();
        let (panels, _) = S::as_simd_f32s(&self.columns.values);
        let (panels, _) = panels.as_chunks::<VECTORS>();
        // A panel stays in the innermost cache while the strips pass.
        for (p, (panel, half_norms)) in panels.chunks_exact(dim).zip(half_norms).enumerate() {
            let row_half_norms = row_half_norms.iter();
            for (s, (strip, own)) in strips.chunks_exact(dim).zip(row_half_norms).enumerate() {
                let scores = score_tile(simd, strip, own, panel, half_norms);
                self.sink.tile(simd, s * ROWS, p * PANEL, &scores);
            }
        }
    }
}

/// The scores of `ROWS` rows, given dimension by dimension, with one panel.
#[inline(always)]
fn score_tile<S: Simd, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    strip: &[[f32; ROWS]],
    row_half_norms: &[f32; ROWS],
    panel: &[[S::f32s; VECTORS]],
    half_norms: &[S::f32s; VECTORS],
) -> [[S::f32s; VECTORS]; ROWS] {
    let mut scores = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
    for r in 0..ROWS {
        let own = simd.splat_f32s(-row_half_norms[r]);
        for v in 0..VECTORS {
            scores[r][v] = simd.sub_f32s(own, half_norms[v]);
        }
    }
    for (values, columns) in strip.iter().zip(panel) {
        for r in 0..ROWS {
            let value = simd.splat_f32s(values[r]);
            for v in 0..VECTORS {
                scores[r][v] = simd.mul_add_e_f32s(value, columns[v], scores[r][v]);
            }
        }
    }
    scores
}
