//! Proposes candidate pairs of photos for verification.
//!
//! All pairs of a large folder are too many to verify. Two cheap scores propose partners for each
//! photo: its nearest neighbours by global descriptor, for photos that are alike as wholes, and
//! votes of local descriptors (an inverted file over visual words: Sivic and Zisserman, *Video
//! Google*, ICCV 2003), for a detail of one photo that fills another. Each photo gets a fixed number of
//! partners, so that the pairs to verify grow in proportion to the photos.
//!
//! Input: features, loaded on demand. Reads no photo files and no verified pairs. Voters of a large folder lie in a
//! temporary file. Deterministic on any number of threads.

mod inverted_file;
mod rounded;
mod similarity;
mod votes;
mod words;

use std::path::Path;

use crate::error::{Error, Result};
use crate::features::FeatureSet;

pub(crate) use similarity::{GlobalRow, Similarities};

/// The steps of a folder's candidates on blocks of photos, for processes that hold a block each. Together they
/// give the pairs that one process gives, to the bit.
///
/// Global neighbours: [`nearest_between`](blocks::nearest_between) any block and any tile, then [`best`] of each
/// photo's results. Votes: [`WordPhotos`](blocks::WordPhotos) chooses photos, whose
/// [`word_rows`](blocks::word_rows) make [`Words`](blocks::Words); [`PhotoVoters`](blocks::PhotoVoters) assigns
/// each photo's voters to words; [`votes_between`](blocks::votes_between) voters of the same words are sorted by
/// the voting photo, and [`count_votes`](blocks::count_votes) counts them.
pub mod blocks {
    pub use super::best;
    pub use super::similarity::{BLOCK, GlobalRow, GlobalRows, TILE, nearest_between};
    pub use super::votes::{
        NUM_WORDS, PhotoVote, PhotoVoters, WordVote, WordVoters, count_votes, votes_between,
    };
    pub use super::words::{NO_WORD, WordPhotos, Words, word_rows};
}

/// Numbers of partners proposed for each photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CandidateOptions {
    /// Nearest neighbours by global descriptor.
    pub num_similar: usize,
    /// Photos with the most votes of local descriptors.
    pub num_voted: usize,
    /// Keypoints of a photo that vote and are voted for, the best first.
    pub num_voters: usize,
}

impl Default for CandidateOptions {
    fn default() -> Self {
        Self {
            num_similar: 30,
            num_voted: 20,
            num_voters: 100,
        }
    }
}

impl CandidateOptions {
    /// Checks every field.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] when no photo would get a partner.
    pub fn validate(&self) -> Result<()> {
        if self.num_similar == 0 && (self.num_voted == 0 || self.num_voters == 0) {
            return Err(Error::option(
                "num_similar",
                "neither score proposes a partner",
            ));
        }
        Ok(())
    }
}

/// Input of the candidate proposal.
pub(crate) struct Proposals<'a, F> {
    /// The number of keypoints of each photo.
    pub num_keypoints: &'a [usize],
    /// For each photo a number independent of the other photos, such as its content hash. It selects the photos
    /// that the visual words come from, so that a folder that grows keeps most of its words.
    pub ranks: &'a [[u8; 32]],
    /// Loads the features of a photo; called up to twice a photo, and not kept.
    pub features: F,
    /// Storage of many voters.
    pub scratch: Scratch<'a>,
    /// Called when temporary files fail in that folder and are made elsewhere.
    pub warn: &'a (dyn Fn(&str) + Sync),
    /// Polled for cancellation.
    pub check: &'a (dyn Fn() -> Result<()> + Sync),
}

/// A folder for temporary files, and the memory limits beyond which it is used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scratch<'a> {
    /// None holds all in memory.
    pub folder: Option<&'a Path>,
    /// Bytes of voters by photo held in memory; beyond, they lie in a file, and those of a photo are read once.
    pub max_voter_bytes: u64,
    /// Bytes of voters by word held in memory; beyond, they lie in a file, and three lists are read for each voter.
    pub max_word_bytes: u64,
}

impl<'a> Scratch<'a> {
    pub(crate) fn new(folder: Option<&'a Path>) -> Self {
        Self {
            folder,
            max_voter_bytes: 64 << 20,
            max_word_bytes: 160 << 20,
        }
    }
}

/// The pairs (i, j), i < j, that one of the scores proposes for i or for j, sorted.
///
/// # Errors
/// [`Error::InvalidOption`]; [`Error::Features`] when descriptors differ in length; those of `features` and
/// `check`. Temporary files that cannot be written are made in the system's temporary folder, and failing that the voters are
/// held in memory.
pub(crate) fn candidate_pairs<F>(
    photos: &Proposals<'_, F>,
    similarities: Similarities,
    options: &CandidateOptions,
) -> Result<Vec<(u32, u32)>>
where
    F: Fn(usize) -> Result<FeatureSet> + Sync,
{
    options.validate()?;
    let mut pairs = ordered(similarities.nearest(options.num_similar, photos.check)?);
    drop(similarities);
    pairs.extend(ordered(voted(photos, options, &std::env::temp_dir())?));
    pairs.sort_unstable();
    pairs.dedup();
    Ok(pairs)
}

/// The photos that most descriptors of each photo vote for, with temporary files in `spare` where those in the scratch
/// folder fail, and without any where these do.
fn voted<F>(
    photos: &Proposals<'_, F>,
    options: &CandidateOptions,
    spare: &Path,
) -> Result<Vec<Vec<u32>>>
where
    F: Fn(usize) -> Result<FeatureSet> + Sync,
{
    let mut scratch = photos.scratch;
    loop {
        match (votes::most_voted(photos, scratch, options), scratch.folder) {
            (Err(error @ Error::Io { .. }), Some(folder)) if is_of(&error, folder) => {
                scratch.folder = (folder != spare).then_some(spare);
                let place = match scratch.folder {
                    Some(spare) => format!("with temporary files in {}", spare.display()),
                    None => "in memory".into(),
                };
                (photos.warn)(&format!("{error}; going on {place}"));
            }
            (voted, _) => return voted,
        }
    }
}

/// Whether the error names this path.
fn is_of(error: &Error, folder: &Path) -> bool {
    matches!(error, Error::Io { path, .. } if path == folder)
}

/// Descriptors of one length beside those of another.
fn mixed_lengths(other: usize, first: usize) -> Error {
    Error::Features {
        reason: format!("descriptors of {other} values beside descriptors of {first}"),
    }
}

/// Each photo with each of its partners, the lesser first.
fn ordered(partners: Vec<Vec<u32>>) -> Vec<(u32, u32)> {
    let of_photo = |(photo, partners): (u32, Vec<u32>)| {
        let pair = move |partner: u32| (photo.min(partner), photo.max(partner));
        partners.into_iter().map(pair)
    };
    (0..).zip(partners).flat_map(of_photo).collect()
}

/// The `count` best of `(value, index)`, the largest value first and of equals the lowest index.
pub fn best(mut values: Vec<(f32, u32)>, count: usize) -> Vec<u32> {
    keep_best(&mut values, count);
    values.sort_by(best_first);
    indices(values)
}

/// The indices, in a new allocation: one is held for every photo, and collecting from a vector by value, or
/// shrinking it, keeps or fragments the allocation of all the values that they were chosen from.
fn indices(values: Vec<(f32, u32)>) -> Vec<u32> {
    values.iter().map(|(_, index)| *index).collect()
}

/// Removes all but the `count` best, in any order.
fn keep_best(values: &mut Vec<(f32, u32)>, count: usize) {
    if values.len() > count {
        if count > 0 {
            values.select_nth_unstable_by(count - 1, best_first);
        }
        values.truncate(count);
    }
}

fn best_first(a: &(f32, u32), b: &(f32, u32)) -> std::cmp::Ordering {
    b.0.total_cmp(&a.0).then(a.1.cmp(&b.1))
}

#[cfg(test)]
mod tests;
