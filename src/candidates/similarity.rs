//! Global descriptors side by side.

use std::ops::Range;

use nalgebra::DMatrix;
use rayon::prelude::*;

use super::{best_first, indices, keep_best, mixed_lengths};
use crate::error::{Error, Result};
use crate::features::FeatureSet;

/// Photos compared with all others at a time. Where many processes compare, each begins at a multiple of it: a
/// product of matrices of other shapes may have other last bits.
pub const BLOCK: usize = 512;
/// How many of the others they are compared with at a time; each process begins at a multiple of it.
pub const TILE: usize = 2048;
/// One in the numbers that are kept.
const ONE: f32 = 32767.0;

/// The global descriptor of a photo, to compare it with others: of unit length, by 2 bytes a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlobalRow(Box<[i16]>);

impl GlobalRow {
    /// The square roots of the values, as [`FeatureSet::global_similarity`] has them; none without a global
    /// descriptor, or of zeros alone.
    pub fn new(features: &FeatureSet) -> Option<Self> {
        let global = features.global()?;
        let norm: f64 = global.iter().map(|v| f64::from(v.abs())).sum();
        let entry = |value: &f32| {
            let root = f64::from(value.signum()) * (f64::from(value.abs()) / norm).sqrt();
            (root as f32 * ONE).round() as i16
        };
        (norm > 0.0).then(|| Self(global.iter().map(entry).collect()))
    }

    /// In 1/32767.
    pub fn values(&self) -> &[i16] {
        &self.0
    }
}

/// Global descriptors of consecutive photos.
#[derive(Debug, Clone, Copy)]
pub struct GlobalRows<'a> {
    /// The number of the first photo among all photos.
    pub first: usize,
    /// Values of a photo.
    pub dim: usize,
    /// The values of [`GlobalRow`], photo after photo; zeros for a photo without a global descriptor.
    pub values: &'a [i16],
}

impl GlobalRows<'_> {
    fn photos(&self) -> Range<usize> {
        self.first..self.first + self.values.len() / self.dim.max(1)
    }

    fn columns(&self, photos: Range<usize>) -> DMatrix<f32> {
        let at = |photo: usize| (photo - self.first) * self.dim;
        let values = &self.values[at(photos.start)..at(photos.end)];
        let rows = values.chunks(self.dim.max(1)).map(Some);
        columns(self.dim, photos.len(), rows)
    }
}

/// For each photo of `photos` the `count` others that are most like it among `others`, with their similarity,
/// the most alike first and of equals the first. The best of several such lists are the `count` nearest of all
/// photos, to the bit as [`FolderSession`](crate::pipeline::FolderSession) finds them in one process.
///
/// # Errors
/// [`Error::InvalidOption`] when `photos` do not begin at a multiple of [`BLOCK`], or `others` at one of [`TILE`];
/// [`Error::Features`] when they differ in length.
pub fn nearest_between(
    photos: &GlobalRows<'_>,
    others: &GlobalRows<'_>,
    count: usize,
) -> Result<Vec<Vec<(f32, u32)>>> {
    if !photos.first.is_multiple_of(BLOCK) || !others.first.is_multiple_of(TILE) {
        let reason = format!("photos from {} and {}", photos.first, others.first);
        return Err(Error::option("first", reason));
    }
    if photos.dim != others.dim {
        return Err(mixed_lengths(others.dim, photos.dim));
    }
    let of_block = |block: Range<usize>| {
        let columns = photos.columns(block.clone());
        nearest_of_block(block, &columns, others.photos(), count, |tile| {
            others.columns(tile)
        })
    };
    let blocks: Vec<_> = parts(photos.photos(), BLOCK).collect();
    Ok(blocks.into_par_iter().flat_map_iter(of_block).collect())
}

/// The `count` most alike of `others` for each photo of a block, which has these columns; `tile` gives those of a
/// part of the others.
fn nearest_of_block(
    block: Range<usize>,
    block_columns: &DMatrix<f32>,
    others: Range<usize>,
    count: usize,
    tile_columns: impl Fn(Range<usize>) -> DMatrix<f32>,
) -> Vec<Vec<(f32, u32)>> {
    let mut found: Vec<Vec<(f32, u32)>> = vec![Vec::new(); block.len()];
    for tile in parts(others, TILE) {
        let products = tile_columns(tile.clone()).transpose() * block_columns;
        let of_photo = products.as_slice().chunks(tile.len());
        for ((photo, found), values) in block.clone().zip(&mut found).zip(of_photo) {
            let others = values.iter().copied().zip(tile.start as u32..);
            found.extend(others.filter(|(_, other)| *other as usize != photo));
            keep_best(found, count);
        }
    }
    for found in &mut found {
        found.sort_by(best_first);
    }
    found
}

/// Runs of at most `step` photos.
pub(super) fn parts(photos: Range<usize>, step: usize) -> impl Iterator<Item = Range<usize>> {
    let end = photos.end;
    photos
        .step_by(step)
        .map(move |start| start..end.min(start + step))
}

/// A column for each of `count` photos; zeros where there is no descriptor.
fn columns<'a>(
    dim: usize,
    count: usize,
    rows: impl Iterator<Item = Option<&'a [i16]>>,
) -> DMatrix<f32> {
    let mut columns = DMatrix::zeros(dim, count);
    for (mut column, row) in columns.column_iter_mut().zip(rows) {
        for (entry, value) in column.iter_mut().zip(row.into_iter().flatten()) {
            *entry = f32::from(*value) / ONE;
        }
    }
    columns
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
        let all = 0..self.rows.len();
        let of_block = |block: Range<usize>| {
            let columns = self.columns(block.clone());
            let found = nearest_of_block(block, &columns, all.clone(), count, |tile| {
                self.columns(tile)
            });
            found.into_iter().map(indices).collect::<Vec<_>>()
        };
        let blocks: Vec<_> = parts(all.clone(), BLOCK).collect();
        blocks.into_par_iter().flat_map_iter(of_block).collect()
    }

    /// A column for each of these photos; zeros where there is no descriptor.
    fn columns(&self, photos: Range<usize>) -> DMatrix<f32> {
        let rows = self.rows[photos.clone()].iter();
        let rows = rows.map(|row| row.as_ref().map(GlobalRow::values));
        columns(self.dim, photos.len(), rows)
    }
}
