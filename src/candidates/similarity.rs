//! Global descriptors side by side.

use nalgebra::DMatrix;
use rayon::prelude::*;

use super::best;
use crate::features::FeatureSet;

/// Photos compared with all others at a time.
const BLOCK: usize = 256;

/// How alike photos are as wholes: the cosine of the square roots of their global descriptors, as
/// [`FeatureSet::global_similarity`], for many photos at once.
#[derive(Debug, Clone)]
pub(crate) struct Similarities {
    /// A row of unit length for each photo; zeros where there is no descriptor.
    rows: DMatrix<f32>,
}

impl Similarities {
    /// Prepares the photos. One without a global descriptor, or of another length than the first's,
    /// is alike to none.
    pub(crate) fn new(features: &[&FeatureSet]) -> Self {
        let dim = features
            .iter()
            .find_map(|f| f.global())
            .map_or(0, <[f32]>::len);
        let mut rows = DMatrix::zeros(features.len(), dim);
        for (mut row, features) in rows.row_iter_mut().zip(features) {
            let Some(global) = features.global().filter(|g| g.len() == dim) else {
                continue;
            };
            let norm: f64 = global.iter().map(|v| f64::from(v.abs())).sum();
            if norm > 0.0 {
                for (entry, value) in row.iter_mut().zip(global) {
                    let root = (f64::from(value.abs()) / norm).sqrt();
                    *entry = (f64::from(value.signum()) * root) as f32;
                }
            }
        }
        Self { rows }
    }

    /// From -1 to 1; 0 when one has no global descriptor.
    #[cfg(test)]
    pub(crate) fn between(&self, photo1: usize, photo2: usize) -> f64 {
        let (a, b) = (self.rows.row(photo1), self.rows.row(photo2));
        let products = a.iter().zip(b.iter());
        products.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    }

    /// Each photo and the `count` others that are most like it, the most alike first.
    pub(crate) fn nearest(&self, count: usize) -> Vec<(usize, Vec<usize>)> {
        let total = self.rows.nrows();
        let blocks: Vec<usize> = (0..total).step_by(BLOCK).collect();
        blocks
            .into_par_iter()
            .flat_map_iter(|start| {
                let block = self.rows.rows(start, BLOCK.min(total - start)).transpose();
                let products = &self.rows * block;
                let row = |(offset, values): (usize, &[f32])| {
                    let photo = start + offset;
                    let others = values.iter().copied().zip(0..).filter(|(_, j)| *j != photo);
                    (photo, best(others.collect(), count))
                };
                let rows: Vec<_> = products
                    .as_slice()
                    .chunks(total)
                    .enumerate()
                    .map(row)
                    .collect();
                rows
            })
            .collect()
    }
}
