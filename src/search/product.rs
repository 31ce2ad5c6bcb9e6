//! Scores of all pairs of two sets as one tiled matrix product.
//!
//! The score of a pair is minus half its squared distance, `a.b - |a|^2/2 - |b|^2/2`, in `f32`. It
//! is a quick estimate: [`max_error`] bounds how far it may lie from the truth, whatever the order
//! of summation and whether or not products and sums are fused. The instruction set is chosen at
//! run time; there is a tile for each width of vector.

use pulp::{Arch, Simd, WithSimd};

use crate::features::Descriptors;

/// Columns that lie side by side in memory and are multiplied together.
pub(super) const PANEL: usize = 48;

/// A set of descriptors laid out as columns of the product.
pub(super) struct Panels {
    dim: usize,
    /// Panel after panel; in a panel, dimension after dimension, `PANEL` values.
    values: Vec<f32>,
    /// Half the squared length of each column; infinite for those that fill the last panel up.
    half_norms: Vec<f32>,
    /// The largest squared length.
    max_norm: f64,
}

impl Panels {
    pub(super) fn new(descriptors: &Descriptors) -> Self {
        let (dim, len) = (descriptors.dim(), descriptors.len());
        let padded = len.next_multiple_of(PANEL);
        let mut values = vec![0.0; padded * dim];
        let mut half_norms = vec![f32::INFINITY; padded];
        let mut max_norm = 0.0f64;
        for (index, half_norm) in half_norms.iter_mut().enumerate().take(len) {
            let row = descriptors.row(index);
            let panel = &mut values[index / PANEL * PANEL * dim..];
            for (k, &value) in row.iter().enumerate() {
                panel[k * PANEL + index % PANEL] = value;
            }
            let norm = squared_norm(row);
            *half_norm = (0.5 * norm) as f32;
            max_norm = max_norm.max(norm);
        }
        Self {
            dim,
            values,
            half_norms,
            max_norm,
        }
    }

    /// The number of scores in a row: the columns, and those that fill the last panel up.
    pub(super) fn width(&self) -> usize {
        self.half_norms.len()
    }
}

fn squared_norm(row: &[f32]) -> f64 {
    row.iter().map(|&v| f64::from(v) * f64::from(v)).sum()
}

/// How far the score of any of `rows` with any of `columns` may lie from minus half their
/// [`squared_distance`](super::squared_distance), the rounding of one sum with the score included;
/// `None` if scores might overflow.
///
/// With `u` half the spacing of `f32` at 1, a sum of `n` rounded products, in any order, errs by at
/// most `n u / (1 - n u)` times the sum of their sizes (Higham, Accuracy and Stability of Numerical
/// Algorithms, section 3.1). Here that sum is at most `|a|^2 + |b|^2`, with `dim + 2` terms. The
/// surplus covers the rounding of the half norms, of `squared_distance` and of the caller's sum;
/// the last term covers products that vanish.
pub(super) fn max_error(rows: &Descriptors, columns: &Panels) -> Option<f32> {
    let largest = (0..rows.len())
        .map(|i| squared_norm(rows.row(i)))
        .fold(0.0, f64::max);
    let sum = largest + columns.max_norm;
    let terms = columns.dim as f64 + 12.0;
    let relative = terms * f64::from(f32::EPSILON) / 2.0;
    if sum > 1e37 || relative > 0.1 {
        return None;
    }
    Some((1.2 * relative * sum + terms * f64::from(f32::MIN_POSITIVE)) as f32)
}

/// Takes the rows of a product.
pub(super) trait RowSink {
    /// Takes the scores of row `index` with each column; those that fill the last panel up score
    /// minus infinity. To be marked `inline(always)`, so that it is compiled for the instruction
    /// set of the product.
    fn row(&mut self, index: usize, scores: &[f32]);
}

/// Computes the scores of all `rows` with all `columns`, whose dimensions must be equal, and hands
/// them to `sink` in the order of the rows, with the instructions of `arch`. [`max_error`] must not
/// be `None`.
pub(super) fn multiply(arch: Arch, rows: &Descriptors, columns: &Panels, sink: &mut impl RowSink) {
    arch.dispatch(Product {
        rows,
        columns,
        sink,
    });
}

struct Product<'a, R> {
    rows: &'a Descriptors,
    columns: &'a Panels,
    sink: &'a mut R,
}

impl<R: RowSink> WithSimd for Product<'_, R> {
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

impl<R: RowSink> Product<'_, R> {
    #[inline(always)]
    fn run<S: Simd, const ROWS: usize, const VECTORS: usize>(self, simd: S) {
        let Self {
            rows,
            columns,
            sink,
        } = self;
        let (dim, width) = (columns.dim, columns.width());
        let (half_norms, _) = S::as_simd_f32s(&columns.half_norms);
        let (half_norms, _) = half_norms.as_chunks::<VECTORS>();
        let (panels, _) = S::as_simd_f32s(&columns.values);
        let (panels, _) = panels.as_chunks::<VECTORS>();

        let mut strip = vec![[0.0f32; ROWS]; dim];
        let mut scores = vec![0.0f32; ROWS * width];
        for first in (0..rows.len()).step_by(ROWS) {
            let mut row_half_norms = [f32::INFINITY; ROWS];
            for (r, half_norm) in row_half_norms.iter_mut().enumerate() {
                if first + r < rows.len() {
                    let row = rows.row(first + r);
                    *half_norm = (0.5 * squared_norm(row)) as f32;
                    for (slot, &value) in strip.iter_mut().zip(row) {
                        slot[r] = value;
                    }
                }
            }
            for (p, (panel, half_norms)) in panels.chunks_exact(dim).zip(half_norms).enumerate() {
                let tile =
                    tile::<S, ROWS, VECTORS>(simd, &strip, &row_half_norms, panel, half_norms);
                for (r, tile) in tile.iter().enumerate() {
                    let start = r * width + p * PANEL;
                    let (out, _) = S::as_mut_simd_f32s(&mut scores[start..start + PANEL]);
                    out.copy_from_slice(tile);
                }
            }
            for (r, scores) in scores.chunks_exact(width).enumerate() {
                if first + r < rows.len() {
                    sink.row(first + r, scores);
                }
            }
        }
    }
}

/// The scores of `ROWS` rows, given dimension by dimension, with one panel.
#[inline(always)]
fn tile<S: Simd, const ROWS: usize, const VECTORS: usize>(
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
