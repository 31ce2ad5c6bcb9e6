//! Visual words: descriptors that index others.

use std::array::IntoIter;
use std::collections::BTreeMap;
use std::iter::Take;

use rayon::prelude::*;

use super::rounded::{add_squared_distances, rounded, squared_distances};
use super::{Proposals, mixed_lengths};
use crate::error::{Error, Result};
use crate::features::FeatureSet;

/// In place of a word where there is none.
pub const NO_WORD: u32 = u32::MAX;

/// Words taken from each chosen photo.
const WORDS_OF_A_PHOTO: usize = 8;
/// The fewest words of a folder, and the most.
const NUM_WORDS: std::ops::RangeInclusive<usize> = 1024..=1 << 20;
/// Voters indexed by a word on average.
const VOTERS_OF_A_WORD: usize = 64;
/// Groups whose words are compared with a descriptor.
const NUM_GROUPS: usize = 4;

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
    /// The values of each group's leading word, row after row, rounded.
    groups: Vec<i16>,
    /// The words of each group.
    members: Vec<Members>,
    len: usize,
}

/// The words of a group.
#[derive(Debug, Default, Clone)]
struct Members {
    numbers: Vec<usize>,
    /// Their values, row after row, rounded.
    rows: Vec<i16>,
}

impl Words {
    /// Takes them from the photos with the lowest ranks, for at most this many voters a photo.
    ///
    /// # Errors
    /// [`crate::Error::Features`] when descriptors differ in length; errors of loading features.
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
    ///
    /// # Panics
    /// When the last row is not whole.
    pub fn from_rows(dim: usize, values: &[f32]) -> Self {
        let rows = rounded(values);
        let mut words = Self::leaders(dim, &rows);
        let groups: Vec<Option<usize>> = rows
            .par_chunks(dim.max(1))
            .map_init(Vec::new, |distances, row| {
                words.nearest_groups::<1>(row, distances).next()
            })
            .collect();
        words.fill(&rows, groups.into_iter());
        words
    }

    /// The words of [`Self::from_rows`] from their values and the groups of [`Self::groups`], which are not
    /// searched again.
    ///
    /// # Errors
    /// [`Error::Features`] for groups that are not those of these values.
    pub fn from_groups(dim: usize, values: &[f32], groups: &[u32]) -> Result<Self> {
        let rows = rounded(values);
        let mut words = Self::leaders(dim, &rows);
        let num_groups = words.members.len();
        let is_group = |group: &u32| (*group as usize) < num_groups;
        if groups.len() != words.len || !groups.iter().all(is_group) {
            return Err(Error::Features {
                reason: format!("{} groups do not fit {} words", groups.len(), words.len),
            });
        }
        let groups = groups.iter().map(|group| Some(*group as usize));
        words.fill(&rows, groups);
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
    fn leaders(dim: usize, rows: &[i16]) -> Self {
        let len = rows.len() / dim.max(1);
        let num_groups = ((len as f64).sqrt() as usize).min(len);
        Self {
            dim,
            groups: rows[..num_groups * dim].to_vec(),
            members: vec![Members::default(); num_groups],
            len,
        }
    }

    /// Puts each word into its group.
    fn fill(&mut self, rows: &[i16], groups: impl Iterator<Item = Option<usize>>) {
        for (number, (row, group)) in rows.chunks(self.dim.max(1)).zip(groups).enumerate() {
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

    /// About the `N` nearest words of each of these rounded descriptors, row after row; the nearest first, and
    /// [`NO_WORD`] where there are fewer.
    pub(super) fn nearest<const N: usize>(&self, descriptors: &[i16]) -> Vec<[u32; N]> {
        let mut distances = Vec::new();
        let of_row = |row: &[i16]| {
            let groups = self.nearest_groups::<NUM_GROUPS>(row, &mut distances);
            let members = groups.map(|group| &self.members[group]);
            distances.clear();
            for members in members.clone() {
                add_squared_distances(row, &members.rows, &mut distances);
            }
            let numbers = members.flat_map(|members| members.numbers.iter().copied());
            let mut words = [NO_WORD; N];
            let nearest = lowest::<N>(distances.iter().copied().zip(numbers));
            for (place, word) in words.iter_mut().zip(nearest) {
                *place = word as u32;
            }
            words
        };
        descriptors.chunks(self.dim.max(1)).map(of_row).collect()
    }

    fn nearest_groups<const N: usize>(
        &self,
        row: &[i16],
        distances: &mut Vec<i32>,
    ) -> Take<IntoIter<usize, N>> {
        squared_distances(row, &self.groups, distances);
        lowest::<N>(distances.iter().copied().zip(0..))
    }
}

/// The numbers of the `N` lowest values, the lowest first and of equals the first; fewer where there are fewer.
fn lowest<const N: usize>(values: impl Iterator<Item = (i32, usize)>) -> Take<IntoIter<usize, N>> {
    const NONE: usize = usize::MAX;
    let mut lowest = [(i32::MAX, NONE); N];
    for (value, number) in values {
        let mut at = N;
        while at > 0 && value < lowest[at - 1].0 {
            at -= 1;
        }
        if at < N {
            lowest[at..].rotate_right(1);
            lowest[at] = (value, number);
        }
    }
    let count = lowest.iter().filter(|(_, number)| *number != NONE).count();
    lowest.map(|(_, number)| number).into_iter().take(count)
}

/// Number of words, in proportion to the voters, so that the number of voters of a word does not depend on the size
/// of the folder; a power of two, so that a growing folder seldom changes it.
fn num_words(num_voters: usize) -> usize {
    let least = num_voters / VOTERS_OF_A_WORD;
    least
        .next_power_of_two()
        .clamp(*NUM_WORDS.start(), *NUM_WORDS.end())
}
