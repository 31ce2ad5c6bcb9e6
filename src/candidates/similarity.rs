//! Nearest neighbours by global descriptor.
//!
//! Their products are sums of whole numbers, so that neither the processor nor the order of photos changes a bit.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::{best_first, indices, keep_best, mixed_lengths};
use crate::error::Result;
use crate::features::FeatureSet;

/// Photos compared with others at a time, in one process or several.
pub const BLOCK: usize = 512;
/// Number of the others that they are compared with at a time where each process holds a part of all.
pub const TILE: usize = 2048;
/// One in the numbers that are kept.
const ONE: f32 = 32767.0;
/// The similarity of two photos is the product of their rows times this.
const UNIT: f32 = 1.0 / (ONE * ONE);

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

impl<'a> GlobalRows<'a> {
    fn rows(&self) -> Vec<&'a [i16]> {
        self.values.chunks_exact(self.dim.max(1)).collect()
    }
}

/// For each photo of `photos` the `count` others among `others` with the largest similarity, and this similarity,
/// the largest first and of equals the first. The best of several such lists are the `count` nearest of all photos,
/// to the bit as [`FolderSession`](crate::pipeline::FolderSession) finds them in one process.
///
/// # Errors
/// [`crate::Error::Features`] when they differ in length.
pub fn nearest_between(
    photos: &GlobalRows<'_>,
    others: &GlobalRows<'_>,
    count: usize,
) -> Result<Vec<Vec<(f32, u32)>>> {
    if photos.dim != others.dim {
        return Err(mixed_lengths(others.dim, photos.dim));
    }
    let (rows, other_rows) = (photos.rows(), others.rows());
    let of_block = |block: Range<usize>| {
        let mut found = NearestOf::of_block(block.len());
        let first = photos.first + block.start;
        for tile in parts(0..other_rows.len(), BLOCK) {
            let products = products(&rows[block.clone()], &other_rows[tile.clone()]);
            let other_first = others.first + tile.start;
            offer_rows(&mut found, first, other_first, &products, count);
        }
        found.into_iter().map(move |found| found.sorted(count))
    };
    let blocks: Vec<_> = parts(0..rows.len(), BLOCK).collect();
    Ok(blocks.into_par_iter().flat_map_iter(of_block).collect())
}

/// The photos most similar to one photo, of those seen so far.
struct NearestOf {
    found: Vec<(f32, u32)>,
    /// Lower bound: as many photos reach this similarity as are kept.
    least: f32,
}

impl NearestOf {
    fn of_block(len: usize) -> Vec<Self> {
        let none = || Self {
            found: Vec::new(),
            least: f32::NEG_INFINITY,
        };
        std::iter::repeat_with(none).take(len).collect()
    }

    fn offer(&mut self, similarity: f32, photo: usize, count: usize) {
        self.found.push((similarity, photo as u32));
        if self.found.len() >= 2 * count.max(16) {
            keep_best(&mut self.found, count);
            let last = self.found.last();
            self.least = last.map_or(f32::INFINITY, |(similarity, _)| *similarity);
        }
    }

    fn sorted(mut self, count: usize) -> Vec<(f32, u32)> {
        keep_best(&mut self.found, count);
        self.found.sort_by(best_first);
        self.found
    }
}

/// Values that are compared with their limits at a time.
const LANES: usize = 16;

/// Offers to each photo of a block, from number `first` on, those from number `other_first` on; `products` has a row
/// for each photo of the block.
fn offer_rows(
    found: &mut [NearestOf],
    first: usize,
    other_first: usize,
    products: &[f32],
    count: usize,
) {
    let num_others = products.len() / found.len().max(1);
    for (row, (photo, found)) in products.chunks(num_others.max(1)).zip((first..).zip(found)) {
        for (chunk, others) in row.chunks(LANES).zip((other_first..).step_by(LANES)) {
            let most = chunk.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            if most < found.least {
                continue;
            }
            for (&similarity, other) in chunk.iter().zip(others..) {
                if similarity >= found.least && other != photo {
                    found.offer(similarity, other, count);
                }
            }
        }
    }
}

/// The rows of `products` as columns, of which there are `num_columns`.
fn transposed(products: &[f32], num_columns: usize) -> Vec<f32> {
    let column = |at: usize| products.iter().skip(at).step_by(num_columns).copied();
    (0..num_columns).flat_map(column).collect()
}

/// Photos whose values stay in the innermost cache while others pass: of 1,280 each, 30 KB.
const NEAR: usize = 12;

/// The similarity of each of `rows` with each of `others`, which are of one length.
fn products(rows: &[&[i16]], others: &[&[i16]]) -> Vec<f32> {
    struct Products<'a>(&'a [&'a [i16]], &'a [&'a [i16]], &'a mut [f32]);

    impl WithSimd for Products<'_> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) {
            let Self(rows, others, products) = self;
            for (near, first) in others.chunks(NEAR).zip((0..).step_by(NEAR)) {
                for (row, products) in rows.iter().zip(products.chunks_mut(others.len())) {
                    for (other, product) in near.iter().zip(&mut products[first..]) {
                        *product = dot(row, other) as f32 * UNIT;
                    }
                }
            }
        }
    }

    let mut products = vec![0.0; rows.len() * others.len()];
    Arch::new().dispatch(Products(rows, others, &mut products));
    products
}

/// Of rows of unit length no sum is too large.
#[inline(always)]
fn dot(row: &[i16], other: &[i16]) -> i32 {
    let mut sum: i32 = 0;
    for (a, b) in row.iter().zip(other) {
        sum = sum.wrapping_add(i32::from(*a) * i32::from(*b));
    }
    sum
}

/// Runs of at most `step` photos.
pub(super) fn parts(photos: Range<usize>, step: usize) -> impl Iterator<Item = Range<usize>> {
    let end = photos.end;
    photos
        .step_by(step)
        .map(move |start| start..end.min(start + step))
}

/// Global similarity of photos: the cosine of the square roots of their global descriptors, as
/// [`FeatureSet::global_similarity`], for many photos at once. The rows are one allocation, which goes back to the
/// system as a whole; one for each of many photos would not.
#[derive(Debug, Clone)]
pub(crate) struct Similarities {
    /// Photos that room is made for.
    capacity: usize,
    num_photos: usize,
    /// Values of a photo; 0 until one has a global descriptor.
    dim: usize,
    /// Photo after photo; zeros for one without.
    values: Vec<i16>,
}

impl Similarities {
    /// No photos, and room for this many.
    pub(crate) fn with_capacity(num_photos: usize) -> Self {
        Self {
            capacity: num_photos,
            num_photos: 0,
            dim: 0,
            values: Vec::new(),
        }
    }

    /// Adds the next photo. One without a global descriptor, or of another length than the first's, has similarity
    /// 0 to all.
    pub(crate) fn push(&mut self, row: Option<&GlobalRow>) {
        if let Some(row) = row.filter(|_| self.dim == 0) {
            self.dim = row.0.len();
            self.values.reserve_exact(self.capacity * self.dim);
            self.values.resize(self.num_photos * self.dim, 0);
        }
        self.num_photos += 1;
        match row.filter(|row| row.0.len() == self.dim) {
            Some(row) => self.values.extend_from_slice(&row.0),
            None => self.values.resize(self.num_photos * self.dim, 0),
        }
    }

    /// From -1 to 1; 0 when one has no global descriptor.
    #[cfg(test)]
    pub(crate) fn between(&self, photo1: usize, photo2: usize) -> f64 {
        let rows = self.rows();
        f64::from(products(&[rows[photo1]], &[rows[photo2]])[0])
    }

    /// Each photo's `count` most similar others, the most similar first. Each pair of photos is multiplied once.
    ///
    /// # Errors
    /// Those of `check`, which is polled between blocks.
    pub(crate) fn nearest(
        &self,
        count: usize,
        check: &(dyn Fn() -> Result<()> + Sync),
    ) -> Result<Vec<Vec<u32>>> {
        let rows = self.rows();
        let blocks: Vec<Range<usize>> = parts(0..rows.len(), BLOCK).collect();
        let found: Vec<Mutex<Vec<NearestOf>>> = blocks
            .iter()
            .map(|block| Mutex::new(NearestOf::of_block(block.len())))
            .collect();
        let lock = |block: usize| found[block].lock().unwrap_or_else(PoisonError::into_inner);
        let pairs = (0..blocks.len()).flat_map(|a| (a..blocks.len()).map(move |b| (a, b)));
        let pairs: Vec<(usize, usize)> = pairs.collect();
        // Whatever the order in which they come, the best of a photo are the same.
        pairs.into_par_iter().try_for_each(|(a, b)| {
            check()?;
            let [block, others] = [a, b].map(|block| blocks[block].clone());
            let products = products(&rows[block.clone()], &rows[others.clone()]);
            offer_rows(&mut lock(a), block.start, others.start, &products, count);
            if a != b {
                let products = transposed(&products, others.len());
                offer_rows(&mut lock(b), others.start, block.start, &products, count);
            }
            Ok(())
        })?;
        let found = found.into_iter().flat_map(|block| {
            let block = block.into_inner();
            block.unwrap_or_else(PoisonError::into_inner)
        });
        Ok(found.map(|found| indices(found.sorted(count))).collect())
    }

    /// The values of each photo; zeros where there is no descriptor.
    fn rows(&self) -> Vec<&[i16]> {
        let row = |photo: usize| &self.values[photo * self.dim..(photo + 1) * self.dim];
        (0..self.num_photos).map(row).collect()
    }
}
