//! Nearest neighbours with a k-d tree (Bentley, CACM 18(9), 1975), kiddo's.
//!
//! The tree's dimension is a compile-time constant; descriptors are padded with zeros to the next one built, which
//! changes no distance. Its coordinates are `f64`, in which no distance of two descriptors overflows or vanishes.
//! It proposes candidates, all those whose distance is within its resolution of the nearest, and
//! [`squared_distance`](super::squared_distance) decides.
//!
//! A k-d tree divides space well in few dimensions. With descriptors of 40 numbers it visits most
//! leaves, and [`BruteForce`](super::BruteForce) is faster.

use std::num::NonZero;

use kiddo::{ImmutableKdTree, SquaredEuclidean};

use super::{Nearest, NearestNeighbors, Neighbor, check_dimensions};
use crate::error::{Error, Result};
use crate::features::Descriptors;

/// Least relative difference of two squared distances that the tree resolves. Its rounding errors and those of
/// `squared_distance` stay below 1e-12 in [`KdTree::MAX_DIM`] dimensions.
const RESOLUTION: f64 = 1e-9;

const MAX_DIM: usize = 512;

/// A k-d tree over a set of descriptors.
pub struct KdTree<'a> {
    descriptors: &'a Descriptors,
    tree: Box<dyn Tree>,
}

impl<'a> KdTree<'a> {
    /// The largest dimension of descriptors that a tree can hold.
    pub const MAX_DIM: usize = MAX_DIM;

    /// Builds the tree.
    ///
    /// # Errors
    /// [`Error::Features`] when the descriptors have more than [`Self::MAX_DIM`] dimensions, or are
    /// more than a `u32` can number.
    pub fn new(descriptors: &'a Descriptors) -> Result<Self> {
        let tree = match descriptors.dim() {
            1..=8 => build::<8>(descriptors)?,
            9..=40 => build::<40>(descriptors)?,
            41..=128 => build::<128>(descriptors)?,
            129..=MAX_DIM => build::<MAX_DIM>(descriptors)?,
            dim => {
                return Err(Error::Features {
                    reason: format!(
                        "a k-d tree takes at most {} dimensions, the descriptors have {dim}",
                        MAX_DIM
                    ),
                });
            }
        };
        Ok(Self { descriptors, tree })
    }

    /// The nearest `N`, at least the nearest, to each of `queries`.
    fn search<const N: usize>(&self, queries: &Descriptors) -> Result<Vec<Nearest<N>>> {
        check_dimensions(queries, self.descriptors)?;
        if self.descriptors.is_empty() {
            return Ok(Vec::new());
        }
        let mut candidates = Vec::new();
        let search_one = |query: &[f32]| {
            self.tree.candidates(query, N, &mut candidates);
            let mut nearest = Nearest::new();
            for &index in &candidates {
                nearest.offer(query, self.descriptors, index);
            }
            nearest
        };
        Ok((0..queries.len())
            .map(|i| queries.row(i))
            .map(search_one)
            .collect())
    }
}

impl NearestNeighbors for KdTree<'_> {
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

/// A tree of any dimension.
trait Tree: Send + Sync {
    /// Replaces `candidates` with a set that holds the `count` nearest points of a tree that is not
    /// empty, those included that may be equally near.
    fn candidates(&self, query: &[f32], count: usize, candidates: &mut Vec<usize>);
}

impl<const K: usize> Tree for ImmutableKdTree<f64, K> {
    fn candidates(&self, query: &[f32], count: usize, candidates: &mut Vec<usize>) {
        let point = pad::<K>(query);
        let one_more = NonZero::<usize>::MIN.saturating_add(count);
        let nearest = self
            .query(&point)
            .nearest_n::<SquaredEuclidean<f64>>(one_more)
            .execute();
        candidates.clear();
        candidates.extend(nearest.iter().map(|found| found.item as usize));
        if let [.., last, surplus] = nearest.as_slice()
            && nearest.len() > count
        {
            let radius = last.distance * (1.0 + RESOLUTION) + f64::MIN_POSITIVE;
            if surplus.distance <= radius {
                let within = self
                    .query(&point)
                    .within::<SquaredEuclidean<f64>>(radius)
                    .unsorted()
                    .execute();
                candidates.extend(within.iter().map(|found| found.item as usize));
                candidates.sort_unstable();
                candidates.dedup();
            }
        }
    }
}

fn build<const K: usize>(descriptors: &Descriptors) -> Result<Box<dyn Tree>> {
    let points: Vec<[f64; K]> = (0..descriptors.len())
        .map(|i| pad(descriptors.row(i)))
        .collect();
    let tree =
        ImmutableKdTree::<f64, K>::new_from_slice(&points).map_err(|error| Error::Features {
            reason: format!("no k-d tree can be built: {error}"),
        })?;
    Ok(Box::new(tree))
}

/// The values of `row`, then zeros.
fn pad<const K: usize>(row: &[f32]) -> [f64; K] {
    let mut point = [0.0; K];
    for (coordinate, &value) in point.iter_mut().zip(row) {
        *coordinate = f64::from(value);
    }
    point
}
