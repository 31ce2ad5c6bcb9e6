//! Votes of local descriptors.

use rayon::prelude::*;

use super::inverted_file::{InvertedFile, InvertedFileWriter};
use super::words::{NO_WORD, Words};
use super::{CandidateOptions, Proposals, best, mixed_lengths};
use crate::error::Result;
use crate::features::FeatureSet;

/// Words that a voter looks under; it stands under the nearest alone.
const NUM_WORDS: usize = 3;
/// The words of a voter, the nearest first.
type Nearest = [u32; NUM_WORDS];
/// The squared distance at which a vote counts nothing; 0 counts 1. Descriptors have unit length.
const MAX_SQUARED_DISTANCE: f32 = 0.81;
/// Photos whose voters are put in place at a time.
const CHUNK: usize = 1024;

/// One in the rounded descriptors that votes are counted with.
const ONE: f32 = 8192.0;

/// The photos that most descriptors of each photo vote for, best first. A descriptor votes
/// once for each photo that has one like it, with less weight the more photos there are, and the
/// less alike they are.
pub(super) fn most_voted<F>(
    photos: &Proposals<'_, F>,
    options: &CandidateOptions,
) -> Result<Vec<Vec<u32>>>
where
    F: Fn(usize) -> Result<FeatureSet> + Sync,
{
    let words = Words::new(photos, options.num_voters)?;
    if words.len() == 0 || options.num_voted == 0 {
        return Ok(Vec::new());
    }
    let num_photos = photos.num_keypoints.len();
    let under: Vec<Vec<Nearest>> = (0..num_photos)
        .into_par_iter()
        .map(|photo| Ok(words.nearest(&voters(photos, photo, words.dim(), options)?)))
        .collect::<Result<_>>()?;
    let file = inverted_file(photos, &words, &under, options)?;
    let counted = under.par_iter().enumerate().map_init(
        || Count::new(num_photos),
        |count, (photo, under)| {
            let rows = rounded(&voters(photos, photo, words.dim(), options)?);
            for (row, words) in rows.chunks(words.dim()).zip(under) {
                count.vote(row, words, &file)?;
            }
            Ok(best(count.take(photo), options.num_voted))
        },
    );
    counted.collect()
}

/// Every voter under its nearest word, in the order of the photos.
fn inverted_file<F>(
    photos: &Proposals<'_, F>,
    words: &Words,
    under: &[Vec<Nearest>],
    options: &CandidateOptions,
) -> Result<InvertedFile>
where
    F: Fn(usize) -> Result<FeatureSet> + Sync,
{
    let mut counts = vec![0; words.len()];
    for words in under.iter().flatten() {
        if words[0] != NO_WORD {
            counts[words[0] as usize] += 1;
        }
    }
    let mut writer = InvertedFileWriter::new(words.dim(), &counts, photos.scratch)?;
    let indices: Vec<usize> = (0..under.len()).collect();
    for chunk in indices.chunks(CHUNK) {
        let rows: Vec<Vec<i16>> = chunk
            .par_iter()
            .map(|&photo| Ok(rounded(&voters(photos, photo, words.dim(), options)?)))
            .collect::<Result<_>>()?;
        for (&photo, rows) in chunk.iter().zip(rows) {
            for (row, words) in rows.chunks(words.dim()).zip(&under[photo]) {
                if words[0] != NO_WORD {
                    writer.put(words[0] as usize, photo as u32, row)?;
                }
            }
        }
    }
    Ok(writer.finish())
}

/// The descriptors of a photo that vote, row after row.
///
/// # Errors
/// [`crate::Error::Features`] when they are not of `dim` values.
fn voters<F>(
    photos: &Proposals<'_, F>,
    photo: usize,
    dim: usize,
    options: &CandidateOptions,
) -> Result<Vec<f32>>
where
    F: Fn(usize) -> Result<FeatureSet>,
{
    if photos.num_keypoints[photo] == 0 {
        return Ok(Vec::new());
    }
    let features = (photos.features)(photo)?;
    let descriptors = features.descriptors();
    if descriptors.dim() != dim {
        return Err(mixed_lengths(descriptors.dim(), dim));
    }
    let count = descriptors.len().min(options.num_voters);
    Ok(descriptors.as_slice()[..count * dim].to_vec())
}

fn rounded(values: &[f32]) -> Vec<i16> {
    let rounded = |value: &f32| (value * ONE).round() as i16;
    values.iter().map(rounded).collect()
}

/// The votes that one photo gives.
struct Count {
    /// For each photo the votes of all voters.
    votes: Vec<f32>,
    /// The photos that have some.
    photos: Vec<u32>,
    /// For each photo the vote of one voter.
    vote: Vec<f32>,
    /// The photos that this voter votes for.
    voted_for: Vec<u32>,
    /// Room to read voters into.
    buffer: Vec<u8>,
    values: Vec<i16>,
}

impl Count {
    fn new(num_photos: usize) -> Self {
        Self {
            votes: vec![0.0; num_photos],
            photos: Vec::new(),
            vote: vec![0.0; num_photos],
            voted_for: Vec::new(),
            buffer: Vec::new(),
            values: Vec::new(),
        }
    }

    /// One voter votes for the photos under these words.
    fn vote(&mut self, voter: &[i16], words: &Nearest, file: &InvertedFile) -> Result<()> {
        let (votes, voted_for) = (&mut self.vote, &mut self.voted_for);
        for &word in words.iter().take_while(|word| **word != NO_WORD) {
            let each = |photo: u32, row: &[i16]| {
                let squared_distance = squared_distance(voter, row) as f32 / (ONE * ONE);
                let weight = 1.0 - squared_distance / MAX_SQUARED_DISTANCE;
                if weight > 0.0 {
                    let vote = &mut votes[photo as usize];
                    if *vote == 0.0 {
                        voted_for.push(photo);
                    }
                    *vote = vote.max(weight);
                }
            };
            file.voters(word as usize, &mut self.buffer, &mut self.values, each)?;
        }
        let share = (self.voted_for.len() as f32).sqrt().recip();
        for photo in self.voted_for.drain(..) {
            let vote = std::mem::take(&mut self.vote[photo as usize]);
            let votes = &mut self.votes[photo as usize];
            if *votes == 0.0 {
                self.photos.push(photo);
            }
            *votes += vote * share;
        }
        Ok(())
    }

    /// The photos voted for and their votes, without `photo` itself; the count starts anew.
    fn take(&mut self, photo: usize) -> Vec<(f32, u32)> {
        let votes = &mut self.votes;
        self.photos
            .drain(..)
            .map(|other| (std::mem::take(&mut votes[other as usize]), other))
            .filter(|(_, other)| *other as usize != photo)
            .collect()
    }
}

/// In whole numbers, in a form that compiles to vectors. Of descriptors of unit length no sum is too
/// large.
fn squared_distance(a: &[i16], b: &[i16]) -> i32 {
    a.iter().zip(b).fold(0, |sum: i32, (a, b)| {
        let difference = i32::from(a.wrapping_sub(*b));
        sum.wrapping_add(difference * difference)
    })
}
