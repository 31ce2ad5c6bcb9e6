//! Visual words: descriptors that others are sorted by.

use std::collections::BTreeMap;

use nalgebra::DMatrix;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::{Proposals, mixed_lengths};
use crate::error::{Error, Result};
use crate::features::FeatureSet;

/// In place of a word where there is none.
pub const NO_WORD: u32 = u32::MAX;

/// Words of a photo that gives some.
const WORDS_OF_A_PHOTO: usize = 8;
/// The fewest words of a folder, and the most.
const NUM_WORDS: std::ops::RangeInclusive<usize> = 1024..=1 << 20;
/// Voters that stand under a word on average.
const VOTERS_OF_A_WORD: usize = 64;
/// Groups whose words are compared with a descriptor.
const NUM_GROUPS: usize = 4;
/// Descriptors compared with all groups at a time.
const BLOCK: usize = 256;

/// The photos that words come from: those with the lowest ranks, of equal ranks the first. Photos are added in
/// ascending order.
#[derive(Debug, Clone)]
pub struct WordPhotos {
    /// By rank, the photo and whether it has keypoints.
    lowest: BTreeMap<[u8; 32], (u32, bool)>,
    max_voters: usize,
    num_voters: usize,
}

impl WordPhotos {
    /// For at most this many voters a photo.
    pub fn new(max_voters: usize) -> Self {
        Self {
            lowest: BTreeMap::new(),
            max_voters,
            num_voters: 0,
        }
    }

    /// Adds a photo. `rank` is a number that does not depend on the other photos, as the hash of its content.
    pub fn add(&mut self, photo: u32, rank: &[u8; 32], num_keypoints: usize) {
        self.num_voters += num_keypoints.min(self.max_voters);
        let new = (photo, num_keypoints > 0);
        self.lowest.entry(*rank).or_insert(new);
        if self.lowest.len() > NUM_WORDS.end() / WORDS_OF_A_PHOTO {
            self.lowest.pop_last();
        }
    }

    /// The photos in the order of their words.
    pub fn finish(self) -> Vec<u32> {
        let count = num_words(self.num_voters) / WORDS_OF_A_PHOTO;
        let lowest = self.lowest.into_values().take(count);
        lowest
            .filter(|(_, has_keypoints)| *has_keypoints)
            .map(|(photo, _)| photo)
            .collect()
    }
}

/// The descriptors of a photo that become words, row after row.
pub fn word_rows(features: &FeatureSet) -> Vec<f32> {
    let descriptors = features.descriptors();
    let step = (descriptors.len() / WORDS_OF_A_PHOTO).max(1);
    let chosen = (0..descriptors.len()).step_by(step).take(WORDS_OF_A_PHOTO);
    chosen
        .flat_map(|index| descriptors.row(index).to_vec())
        .collect()
}

/// The words of a folder: some of the best descriptors of some of its photos. A sample instead of
/// trained means: it costs nothing, and a photo more in the folder changes few words.
///
/// Some of the words stand for groups, each word in the group of the one nearest to it, so that a
/// descriptor is compared with the groups and then with the words of the nearest of them.
#[derive(Debug, Clone)]
pub struct Words {
    dim: usize,
    /// A row for each group.
    groups: DMatrix<f32>,
    /// The words of each group.
    members: Vec<Members>,
    len: usize,
}

/// The words of a group.
#[derive(Debug, Default, Clone)]
struct Members {
    numbers: Vec<usize>,
    /// Their values, row after row.
    rows: Vec<f32>,
}

impl Words {
    /// Takes them from the photos with the lowest ranks, for at most this many voters a photo.
    ///
    /// # Errors
    /// [`crate::Error::Features`] when descriptors differ in length; what asking for features fails with.
    pub(super) fn new<F>(photos: &Proposals<'_, F>, num_voters: usize) -> Result<Self>
    where
        F: Fn(usize) -> Result<FeatureSet> + Sync,
    {
        let mut sources = WordPhotos::new(num_voters);
        for (photo, (&count, rank)) in (0..).zip(photos.num_keypoints.iter().zip(photos.ranks)) {
            sources.add(photo, rank, count);
        }
        let of_photo = |&photo: &u32| {
            let features = (photos.features)(photo as usize)?;
            Ok((features.descriptors().dim(), word_rows(&features)))
        };
        let found: Vec<(usize, Vec<f32>)> = sources
            .finish()
            .par_iter()
            .map(of_photo)
            .collect::<Result<_>>()?;
        let dim = found.first().map_or(1, |(dim, _)| *dim);
        if let Some((other, _)) = found.iter().find(|(other, _)| *other != dim) {
            return Err(mixed_lengths(*other, dim));
        }
        let values: Vec<f32> = found.into_iter().flat_map(|(_, rows)| rows).collect();
        Ok(Self::from_rows(dim, &values))
    }

    /// Words of `dim` values each, row after row.
    pub fn from_rows(dim: usize, values: &[f32]) -> Self {
        let mut words = Self::leaders(dim, values);
        let nearest = words.nearest_groups(values, 1);
        let groups = nearest.into_iter().map(|nearest| nearest.first().copied());
        words.fill(values, groups);
        words
    }

    /// The words of [`Self::from_rows`] from their values and what [`Self::groups`] gave, without the work of
    /// finding their groups.
    ///
    /// # Errors
    /// [`Error::Features`] for groups that are not those of these values.
    pub fn from_groups(dim: usize, values: &[f32], groups: &[u32]) -> Result<Self> {
        let mut words = Self::leaders(dim, values);
        let num_groups = words.members.len();
        let is_group = |group: &u32| (*group as usize) < num_groups;
        if groups.len() != words.len || !groups.iter().all(is_group) {
            return Err(Error::Features {
                reason: format!("{} groups do not fit {} words", groups.len(), words.len),
            });
        }
        let groups = groups.iter().map(|group| Some(*group as usize));
        words.fill(values, groups);
        Ok(words)
    }

    /// The group of each word.
    pub fn groups(&self) -> Vec<u32> {
        let mut groups = vec![0; self.len];
        for (group, members) in (0..).zip(&self.members) {
            for &word in &members.numbers {
                groups[word] = group;
            }
        }
        groups
    }

    /// Groups with these values and no words yet.
    fn leaders(dim: usize, values: &[f32]) -> Self {
        let len = values.len() / dim.max(1);
        let num_groups = ((len as f64).sqrt() as usize).min(len);
        let leaders = &values[..num_groups * dim];
        Self {
            dim,
            groups: DMatrix::from_row_slice(num_groups, dim, leaders),
            members: vec![Members::default(); num_groups],
            len,
        }
    }

    /// Puts each word into its group.
    fn fill(&mut self, values: &[f32], groups: impl Iterator<Item = Option<usize>>) {
        for (number, (row, group)) in values.chunks(self.dim.max(1)).zip(groups).enumerate() {
            if let Some(group) = group {
                self.members[group].numbers.push(number);
                self.members[group].rows.extend_from_slice(row);
            }
        }
    }

    /// Values of a word.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The number of words.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// About the `N` nearest words of each of these descriptors, row after row; the nearest first, and
    /// [`NO_WORD`] where there are fewer.
    pub(super) fn nearest<const N: usize>(&self, descriptors: &[f32]) -> Vec<[u32; N]> {
        let groups = self.nearest_groups(descriptors, NUM_GROUPS);
        let rows = descriptors.chunks(self.dim).zip(groups);
        let mut scores = Vec::new();
        rows.map(|(descriptor, groups)| {
            let members = || groups.iter().map(|&group| &self.members[group]);
            scores.clear();
            for members in members() {
                dots(descriptor, &members.rows, &mut scores);
            }
            let numbers = members().flat_map(|members| members.numbers.iter().copied());
            let mut words = [NO_WORD; N];
            let nearest = highest(scores.iter().copied().zip(numbers), N);
            for (place, word) in words.iter_mut().zip(nearest) {
                *place = word as u32;
            }
            words
        })
        .collect()
    }

    fn nearest_groups(&self, descriptors: &[f32], count: usize) -> Vec<Vec<usize>> {
        let blocks = descriptors.chunks(self.dim * BLOCK);
        let of_block = |block: &[f32]| -> Vec<Vec<usize>> {
            let columns = DMatrix::from_column_slice(self.dim, block.len() / self.dim, block);
            let products = &self.groups * columns;
            let scores = products.as_slice().chunks(self.groups.nrows().max(1));
            let nearest = |scores: &[f32]| highest(scores.iter().copied().zip(0..), count);
            scores.map(nearest).collect()
        };
        blocks.flat_map(of_block).collect()
    }
}

/// The numbers of the `count` highest scores, the highest first and of equals the first.
fn highest(scores: impl Iterator<Item = (f32, usize)>, count: usize) -> Vec<usize> {
    let mut found: Vec<(f32, usize)> = Vec::with_capacity(count + 1);
    for (score, number) in scores {
        if found.len() == count && found.last().is_some_and(|worst| score <= worst.0) {
            continue;
        }
        let at = found.partition_point(|better| better.0 >= score);
        found.insert(at, (score, number));
        found.truncate(count);
    }
    found.into_iter().map(|(_, number)| number).collect()
}

/// Adds the product of `row` with each of `others`, row after row. Sums of eight lanes are vectors on every processor,
/// of one order and nowhere fused, so that its widest vectors change nothing.
fn dots(row: &[f32], others: &[f32], products: &mut Vec<f32>) {
    struct Products<'a>(&'a [f32], &'a [f32], &'a mut Vec<f32>);

    impl WithSimd for Products<'_> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) {
            let Self(row, others, products) = self;
            for other in others.chunks_exact(row.len().max(1)) {
                products.push(dot(row, other));
            }
        }
    }

    Arch::new().dispatch(Products(row, others, products));
}

#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 8];
    let (a_chunks, a_rest) = a.as_chunks::<8>();
    let (b_chunks, b_rest) = b.as_chunks::<8>();
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let mut rest = 0.0;
    for (a, b) in a_rest.iter().zip(b_rest) {
        rest += a * b;
    }
    sums.iter().sum::<f32>() + rest
}

/// So many that the voters under a word are about as many however large the folder is; a power of
/// two, so that a growing folder seldom changes it.
fn num_words(num_voters: usize) -> usize {
    let least = num_voters / VOTERS_OF_A_WORD;
    least
        .next_power_of_two()
        .clamp(*NUM_WORDS.start(), *NUM_WORDS.end())
}
