//! Nearest neighbours by comparing every pair, as one matrix product.
//!
//! The product estimates all distances in `f32`. A pair that its error bound cannot rule out is a candidate, mostly
//! a single one, and [`squared_distance`](super::squared_distance) decides.

use pulp::Arch;

use super::candidates::{Candidates, Sides};
use super::product::{Norms, Panels, max_error, multiply};
use super::{Nearest, NearestNeighbors, Neighbor, check_dimensions};
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
        let norms = Norms::new(queries);
        let Some(max_error) = max_error(&norms, &self.panels) else {
            return Ok(search_exhaustively(queries, self.descriptors));
        };
        let mut sides = Sides {
            rows: Candidates::new(queries, self.descriptors, max_error, None),
            columns: Candidates::closed(self.descriptors, queries),
        };
        multiply(self.arch, queries, &norms, &self.panels, &mut sides);
        Ok(sides.rows.finish())
    }

    /// The pairs of a query and a descriptor that are each other's nearest, as by [`Self::nearest`] in both
    /// directions, from a single product. In the order of the queries. Pairs farther apart than `max_distance` may be
    /// missing.
    ///
    /// # Errors
    /// [`crate::error::Error::Features`] when `queries` have another dimension than the searched
    /// set.
    pub(crate) fn mutual_nearest(
        &self,
        queries: &Descriptors,
        max_distance: Option<f32>,
    ) -> Result<Vec<(usize, Neighbor)>> {
        check_dimensions(queries, self.descriptors)?;
        let norms = Norms::new(queries);
        let (rows, columns) = match max_error(&norms, &self.panels) {
            Some(max_error) => {
                let mut sides = Sides {
                    rows: Candidates::new(queries, self.descriptors, max_error, max_distance),
                    columns: Candidates::new(self.descriptors, queries, max_error, max_distance),
                };
                multiply(self.arch, queries, &norms, &self.panels, &mut sides);
                (sides.rows.finish(), sides.columns.finish())
            }
            None => (
                search_exhaustively(queries, self.descriptors),
                search_exhaustively(self.descriptors, queries),
            ),
        };
        let mutual = |(query, Nearest([nearest]))| {
            let nearest: Neighbor = nearest?;
            let Nearest([back]) = columns[nearest.index];
            (back?.index == query).then_some((query, nearest))
        };
        Ok(rows.into_iter().enumerate().filter_map(mutual).collect())
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

/// The search among values so large that the product might overflow.
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
