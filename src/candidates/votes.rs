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

/// The voters that stand under each word.
struct InvertedFile<'a> {
    features: &'a [&'a FeatureSet],
    /// Photo and index of its descriptor.
    lists: Vec<Vec<(u32, u32)>>,
}

/// Each photo and the photos that most of its descriptors vote for, best first. A descriptor votes
/// once for each photo that has one like it, with less weight the more photos there are, and the
/// less alike they are.
pub(super) fn most_voted(
    features: &[&FeatureSet],
    ranks: &[[u8; 32]],
    options: &CandidateOptions,
) -> Result<Vec<(usize, Vec<usize>)>> {
    let words = Words::new(features, ranks)?;
    if words.len() == 0 || options.num_voted == 0 {
        return Ok(Vec::new());
    }
    let under: Vec<Vec<Vec<usize>>> = features
        .par_iter()
        .map(|f| words.nearest(voters(f, options), NUM_WORDS))
        .collect();
    let mut lists = vec![Vec::new(); words.len()];
    for (photo, voters) in under.iter().enumerate() {
        for (voter, words) in voters.iter().enumerate() {
            if let Some(&word) = words.first() {
                lists[word].push((photo as u32, voter as u32));
            }
        }
    }
    let file = InvertedFile { features, lists };
    let voted = under.par_iter().enumerate().map(|(photo, voters)| {
        let votes = file.votes(photo, voters).into_iter().zip(0..);
        let voted_for = votes.filter(|(votes, other)| *votes > 0.0 && *other != photo);
        (photo, best(voted_for.collect(), options.num_voted))
    });
    Ok(voted.collect())
}

/// The descriptors that vote, row after row.
fn voters<'a>(features: &'a FeatureSet, options: &CandidateOptions) -> &'a [f32] {
    let descriptors = features.descriptors();
    let count = descriptors.len().min(options.num_voters);
    &descriptors.as_slice()[..count * descriptors.dim()]
}

impl InvertedFile<'_> {
    /// The votes of one photo's descriptors for every photo.
    fn votes(&self, photo: usize, voters: &[Vec<usize>]) -> Vec<f32> {
        let mut votes = vec![0.0; self.features.len()];
        for (voter, words) in voters.iter().enumerate() {
            let own = self.features[photo].descriptors().row(voter);
            let mut alike: Vec<(u32, f32)> = words
                .iter()
                .flat_map(|&word| &self.lists[word])
                .filter_map(|&(other, index)| {
                    let row = self.features[other as usize]
                        .descriptors()
                        .row(index as usize);
                    let weight = 1.0 - squared_distance(own, row) / MAX_SQUARED_DISTANCE;
                    (weight > 0.0).then_some((other, weight))
                })
                .collect();
            alike.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
            alike.dedup_by_key(|(other, _)| *other);
            let share = (alike.len() as f32).sqrt().recip();
            for (other, weight) in alike {
                votes[other as usize] += weight * share;
            }
        }
        votes
    }
}

/// In sums of eight lanes, which compile to vectors.
fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 8];
    let (a_chunks, a_rest) = a.as_chunks::<8>();
    let (b_chunks, b_rest) = b.as_chunks::<8>();
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for lane in 0..8 {
            sums[lane] += (a[lane] - b[lane]).powi(2);
        }
    }
    let rest = a_rest.iter().zip(b_rest).map(|(a, b)| (a - b).powi(2));
    sums.iter().sum::<f32>() + rest.sum::<f32>()
}
