//! Global descriptors side by side.

use nalgebra::DMatrix;
use rayon::prelude::*;

use super::{best, keep_best};
use crate::features::FeatureSet;

/// Photos compared with all others at a time, and how many of the others at a time.
const BLOCK: usize = 512;
const TILE: usize = 2048;
/// One in the numbers that are kept.
const ONE: f32 = 32767.0;

/// The global descriptor of a photo, to compare it with others: of unit length, by 2 bytes a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GlobalRow(Box<[i16]>);

impl GlobalRow {
    /// The square roots of the values, as [`FeatureSet::global_similarity`] has them; none without a global
    /// descriptor, or of zeros alone.
    pub(crate) fn new(features: &FeatureSet) -> Option<Self> {
        let global = features.global()?;
        let norm: f64 = global.iter().map(|v| f64::from(v.abs())).sum();
        let entry = |value: &f32| {
            let root = f64::from(value.signum()) * (f64::from(value.abs()) / norm).sqrt();
            (root as f32 * ONE).round() as i16
        };
        (norm > 0.0).then(|| Self(global.iter().map(entry).collect()))
    }
}

/// How alike photos are as wholes: the cosine of the square roots of their global descriptors, as
/// [`FeatureSet::global_similarity`], for many photos at once.
#[derive(Debug, Clone)]
pub(crate) struct Similarities {
    dim: usize,
    rows: Vec<Option<GlobalRow>>,
}

impl Similarities {
    /// One without a global descriptor, or of another length than the first's, is alike to none.
    pub(crate) fn new(mut rows: Vec<Option<GlobalRow>>) -> Self {
        let dim = rows.iter().flatten().next().map_or(0, |row| row.0.len());
        for row in &mut rows {
            row.take_if(|row| row.0.len() != dim);
        }
        Self { dim, rows }
    }

    /// From -1 to 1; 0 when one has no global descriptor.
    #[cfg(test)]
    pub(crate) fn between(&self, photo1: usize, photo2: usize) -> f64 {
        let matrix = |photo: usize| self.columns(photo..photo + 1);
        f64::from(matrix(photo1).dot(&matrix(photo2)))
    }

    /// Each photo's `count` others that are most like it, the most alike first.
    pub(crate) fn nearest(&self, count: usize) -> Vec<Vec<u32>> {
        let total = self.rows.len();
        let parts = |step: usize| {
            let starts = (0..total).step_by(step);
            starts.map(move |start| start..total.min(start + step))
        };
        let of_block = |block: std::ops::Range<usize>| {
            let columns = self.columns(block.clone());
            let mut found: Vec<Vec<(f32, u32)>> = vec![Vec::new(); block.len()];
            for tile in parts(TILE) {
                let products = self.columns(tile.clone()).transpose() * &columns;
                let of_photo = products.as_slice().chunks(tile.len());
                for ((photo, found), values) in block.clone().zip(&mut found).zip(of_photo) {
                    let others = values.iter().copied().zip(tile.start as u32..);
                    found.extend(others.filter(|(_, other)| *other as usize != photo));
                    keep_best(found, count);
                }
            }
            let found: Vec<Vec<u32>> = found.into_iter().map(|f| best(f, count)).collect();
            found
        };
        let blocks: Vec<_> = parts(BLOCK).collect();
        blocks.into_par_iter().flat_map_iter(of_block).collect()
    }

    /// A column for each of these photos; zeros where there is no descriptor.
    fn columns(&self, photos: std::ops::Range<usize>) -> DMatrix<f32> {
        let mut columns = DMatrix::zeros(self.dim, photos.len());
        for (mut column, row) in columns.column_iter_mut().zip(&self.rows[photos]) {
            for (entry, value) in column.iter_mut().zip(row.iter().flat_map(|row| &*row.0)) {
                *entry = f32::from(*value) / ONE;
            }
        }
        columns
    }
}
