//! Visual words: descriptors that others are sorted by.

use nalgebra::DMatrix;
use rayon::prelude::*;

use super::{Proposals, mixed_lengths};
use crate::error::Result;
use crate::features::FeatureSet;

/// In place of a word where there is none.
pub(super) const NO_WORD: u32 = u32::MAX;

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

/// The words of a folder: some of the best descriptors of some of its photos. A sample instead of
/// trained means: it costs nothing, and a photo more in the folder changes few words.
///
/// Some of the words stand for groups, each word in the group of the one nearest to it, so that a
/// descriptor is compared with the groups and then with the words of the nearest of them.
pub(super) struct Words {
    dim: usize,
    /// A row for each group.
    groups: DMatrix<f32>,
    /// The words of each group.
    members: Vec<Members>,
    len: usize,
}

/// The words of a group.
#[derive(Default, Clone)]
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
        let mut sources: Vec<usize> = (0..photos.num_keypoints.len()).collect();
        sources.sort_by_key(|&photo| (photos.ranks.get(photo), photo));
        sources.dedup_by_key(|photo| photos.ranks.get(*photo));
        let voters = photos
            .num_keypoints
            .iter()
            .map(|count| count.min(&num_voters));
        sources.truncate(num_words(voters.sum()) / WORDS_OF_A_PHOTO);
        sources.retain(|&photo| photos.num_keypoints[photo] > 0);
        let of_photo = |&photo: &usize| {
            let features = (photos.features)(photo)?;
            let descriptors = features.descriptors();
            let step = (descriptors.len() / WORDS_OF_A_PHOTO).max(1);
            let chosen = (0..descriptors.len()).step_by(step).take(WORDS_OF_A_PHOTO);
            let rows = chosen.flat_map(|index| descriptors.row(index).to_vec());
            Ok((descriptors.dim(), rows.collect()))
        };
        let found: Vec<(usize, Vec<f32>)> =
            sources.par_iter().map(of_photo).collect::<Result<_>>()?;
        let dim = found.first().map_or(1, |(dim, _)| *dim);
        if let Some((other, _)) = found.iter().find(|(other, _)| *other != dim) {
            return Err(mixed_lengths(*other, dim));
        }
        let values: Vec<f32> = found.into_iter().flat_map(|(_, rows)| rows).collect();
        Ok(Self::grouped(dim, &values))
    }

    /// Words with these values, row after row.
    fn grouped(dim: usize, values: &[f32]) -> Self {
        let len = values.len() / dim;
        let num_groups = ((len as f64).sqrt() as usize).min(len);
        let leaders = &values[..num_groups * dim];
        let mut words = Self {
            dim,
            groups: DMatrix::from_row_slice(num_groups, dim, leaders),
            members: vec![Members::default(); num_groups],
            len,
        };
        let nearest: Vec<Vec<usize>> = words.nearest_groups(values, 1);
        for (number, (row, group)) in values.chunks(dim).zip(nearest).enumerate() {
            for group in group {
                words.members[group].numbers.push(number);
                words.members[group].rows.extend_from_slice(row);
            }
        }
        words
    }

    pub(super) fn dim(&self) -> usize {
        self.dim
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// About the `N` nearest words of each of these descriptors, row after row; the nearest first, and
    /// [`NO_WORD`] where there are fewer.
    pub(super) fn nearest<const N: usize>(&self, descriptors: &[f32]) -> Vec<[u32; N]> {
        let groups = self.nearest_groups(descriptors, NUM_GROUPS);
        let rows = descriptors.chunks(self.dim).zip(groups);
        rows.map(|(descriptor, groups)| {
            let members = groups.iter().map(|&group| &self.members[group]);
            let words = members.flat_map(|m| m.numbers.iter().zip(m.rows.chunks(self.dim)));
            let scores = words.map(|(word, row)| (dot(descriptor, row), *word));
            let mut words = [NO_WORD; N];
            for (place, word) in words.iter_mut().zip(highest(scores, N)) {
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

/// In sums of eight lanes, which compile to vectors.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 8];
    let (a_chunks, a_rest) = a.as_chunks::<8>();
    let (b_chunks, b_rest) = b.as_chunks::<8>();
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest = a_rest.iter().zip(b_rest).map(|(a, b)| a * b);
    sums.iter().sum::<f32>() + rest.sum::<f32>()
}

/// So many that the voters under a word are about as many however large the folder is; a power of
/// two, so that a growing folder seldom changes it.
fn num_words(num_voters: usize) -> usize {
    let least = num_voters / VOTERS_OF_A_WORD;
    least
        .next_power_of_two()
        .clamp(*NUM_WORDS.start(), *NUM_WORDS.end())
}
