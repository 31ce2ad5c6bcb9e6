//! Votes of local descriptors.

use rayon::prelude::*;

use super::words::Words;
use super::{CandidateOptions, best};
use crate::error::Result;
use crate::features::FeatureSet;

/// Words that a voter looks under; it stands under the nearest alone.
const NUM_WORDS: usize = 3;
/// The squared distance at which a vote counts nothing; 0 counts 1. Descriptors have unit length.
const MAX_SQUARED_DISTANCE: f32 = 0.81;

/// One in the rounded descriptors that votes are counted with.
const ONE: f32 = 8192.0;

/// The voters that stand under one word.
#[derive(Default)]
struct Voters {
    photos: Vec<u32>,
    /// Their rounded descriptors, row after row.
    rows: Vec<i16>,
}

/// Each photo and the photos that most of its descriptors vote for, best first. A descriptor votes
/// once for each photo that has one like it, with less weight the more photos there are, and the
/// less alike they are.
pub(super) fn most_voted(
    features: &[&FeatureSet],
    ranks: &[[u8; 32]],
    options: &CandidateOptions,
) -> Result<Vec<(usize, Vec<usize>)>> {
    let words = Words::new(features, ranks, options.num_voters)?;
    if words.len() == 0 || options.num_voted == 0 {
        return Ok(Vec::new());
    }
    let dim = words.dim();
    let under: Vec<Vec<Vec<usize>>> = features
        .par_iter()
        .map(|f| words.nearest(voters(f, options), NUM_WORDS))
        .collect();
    let mut lists: Vec<Voters> = Vec::new();
    lists.resize_with(words.len(), Voters::default);
    for (photo, words) in under.iter().enumerate() {
        let rows = voters(features[photo], options).chunks(dim);
        for (row, words) in rows.zip(words) {
            if let Some(&word) = words.first() {
                lists[word].photos.push(photo as u32);
                lists[word].rows.extend(row.iter().map(rounded));
            }
        }
    }
    let voted = under.par_iter().enumerate().map_init(
        || Count::new(features.len()),
        |count, (photo, words)| {
            let rows = voters(features[photo], options).chunks(dim);
            for (row, words) in rows.zip(words) {
                let row: Vec<i16> = row.iter().map(rounded).collect();
                count.vote(&row, words.iter().map(|&word| &lists[word]));
            }
            (photo, best(count.take(photo), options.num_voted))
        },
    );
    Ok(voted.collect())
}

/// The descriptors that vote, row after row.
fn voters<'a>(features: &'a FeatureSet, options: &CandidateOptions) -> &'a [f32] {
    let descriptors = features.descriptors();
    let count = descriptors.len().min(options.num_voters);
    &descriptors.as_slice()[..count * descriptors.dim()]
}

fn rounded(value: &f32) -> i16 {
    (value * ONE).round() as i16
}

/// The votes that one photo gives.
struct Count {
    /// For each photo the votes of all voters.
    votes: Vec<f32>,
    /// For each photo the vote of one voter.
    vote: Vec<f32>,
    /// The photos that this voter votes for.
    voted_for: Vec<u32>,
}

impl Count {
    fn new(num_photos: usize) -> Self {
        Self {
            votes: vec![0.0; num_photos],
            vote: vec![0.0; num_photos],
            voted_for: Vec::new(),
        }
    }

    /// One voter votes for the photos under these words.
    fn vote<'a>(&mut self, voter: &[i16], words: impl Iterator<Item = &'a Voters>) {
        for word in words {
            let rows = word.rows.chunks_exact(voter.len());
            for (row, &photo) in rows.zip(&word.photos) {
                let squared_distance = squared_distance(voter, row) as f32 / (ONE * ONE);
                let weight = 1.0 - squared_distance / MAX_SQUARED_DISTANCE;
                if weight > 0.0 {
                    let vote = &mut self.vote[photo as usize];
                    if *vote == 0.0 {
                        self.voted_for.push(photo);
                    }
                    *vote = vote.max(weight);
                }
            }
        }
        let share = (self.voted_for.len() as f32).sqrt().recip();
        for photo in self.voted_for.drain(..) {
            let vote = std::mem::take(&mut self.vote[photo as usize]);
            self.votes[photo as usize] += vote * share;
        }
    }

    /// The photos voted for and their votes, without `photo` itself; the count starts anew.
    fn take(&mut self, photo: usize) -> Vec<(f32, usize)> {
        let votes = self.votes.iter_mut().map(std::mem::take).zip(0..);
        votes
            .filter(|(votes, other)| *votes > 0.0 && *other != photo)
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
