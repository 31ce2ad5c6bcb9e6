//! Exact nearest neighbours among descriptors, by Euclidean distance.
//!
//! Every implementation of [`NearestNeighbors`] gives the same answer to the bit: whatever finds
//! the candidates, [`squared_distance`] alone decides between them, in `f64` and in one fixed order
//! of summation, and of equally near descriptors the one with the lowest index is chosen. The
//! answer therefore depends neither on the implementation nor on the processor.

mod brute_force;
mod candidates;
mod kd_tree;
mod product;

#[cfg(test)]
mod tests;

pub use brute_force::BruteForce;
pub use kd_tree::KdTree;

use crate::error::{Error, Result};
use crate::features::Descriptors;

/// A descriptor of the searched set, as seen from a query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbor {
    /// Its index in the searched set.
    pub index: usize,
    /// The [`squared_distance`] to the query; never overflows, as it is wider than the values.
    pub squared_distance: f64,
}

impl Neighbor {
    /// The order of the search: nearer first, and the lower index first where that ties.
    fn precedes(&self, other: &Self) -> bool {
        self.squared_distance < other.squared_distance
            || (self.squared_distance == other.squared_distance && self.index < other.index)
    }
}

/// Finds, for each descriptor of one set, the nearest of another. Exact and deterministic.
pub trait NearestNeighbors {
    /// The set that is searched.
    fn descriptors(&self) -> &Descriptors;

    /// The nearest descriptor to each of `queries`, in their order; the lowest index where several
    /// are equally near. The result is empty when the searched set is.
    ///
    /// # Errors
    /// [`Error::Features`] when `queries` have another dimension than the searched set.
    fn nearest(&self, queries: &Descriptors) -> Result<Vec<Neighbor>>;

    /// The nearest and the second nearest descriptor to each of `queries`, in their order. The
    /// second is `None` when the searched set holds one descriptor; the result is empty when it
    /// holds none.
    ///
    /// # Errors
    /// [`Error::Features`] when `queries` have another dimension than the searched set.
    fn nearest2(&self, queries: &Descriptors) -> Result<Vec<(Neighbor, Option<Neighbor>)>>;
}

/// The square of the Euclidean distance of two descriptors of equal length, each difference, square
/// and sum rounded to `f64`. The order of summation is fixed, so the result has the same bits on
/// every processor, and swapping the arguments changes nothing.
///
/// Should the lengths differ, the longer one's surplus is ignored.
#[inline(always)]
pub fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    const LANES: usize = 8;
    let mut sums = [0.0f64; LANES];
    let (a_chunks, a_rest) = a.as_chunks::<LANES>();
    let (b_chunks, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for lane in 0..LANES {
            let difference = f64::from(a[lane]) - f64::from(b[lane]);
            sums[lane] += difference * difference;
        }
    }
    for ((sum, &a), &b) in sums.iter_mut().zip(a_rest).zip(b_rest) {
        let difference = f64::from(a) - f64::from(b);
        *sum += difference * difference;
    }
    let [s0, s1, s2, s3, s4, s5, s6, s7] = sums;
    ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7))
}

/// Refuses sets whose descriptors have different lengths.
pub(crate) fn check_dimensions(a: &Descriptors, b: &Descriptors) -> Result<()> {
    if a.dim() == b.dim() {
        return Ok(());
    }
    Err(Error::Features {
        reason: format!(
            "descriptors of {} and of {} dimensions cannot be compared",
            a.dim(),
            b.dim()
        ),
    })
}

/// The nearest `N` of the neighbours offered so far, nearest first.
#[derive(Clone, Copy)]
struct Nearest<const N: usize>([Option<Neighbor>; N]);

impl<const N: usize> Nearest<N> {
    #[inline(always)]
    fn new() -> Self {
        Self([None; N])
    }

    /// Measures descriptor `index` of `set` from `query` and keeps it if it is near enough.
    #[inline(always)]
    fn offer(&mut self, query: &[f32], set: &Descriptors, index: usize) {
        let mut candidate = Neighbor {
            index,
            squared_distance: squared_distance(query, set.row(index)),
        };
        for slot in &mut self.0 {
            match slot {
                Some(kept) if !candidate.precedes(kept) => {}
                Some(kept) => std::mem::swap(kept, &mut candidate),
                None => {
                    *slot = Some(candidate);
                    return;
                }
            }
        }
    }
}
