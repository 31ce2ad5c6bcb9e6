//! Votes of local descriptors.

use rayon::prelude::*;

use super::inverted_file::{Buffer, InvertedFile, InvertedFileWriter, Rows, starts};
use super::rounded::{ONE, rounded, squared_distances};
use super::similarity::parts;
use super::words::{NO_WORD, Words};
use super::{CandidateOptions, Proposals, Scratch, best, mixed_lengths};
use crate::error::{Error, Result};
use crate::features::FeatureSet;

/// Words that a voter is compared with; it is indexed by the nearest alone.
pub const NUM_WORDS: usize = 3;
/// The words of a voter, the nearest first.
type Nearest = [u32; NUM_WORDS];
/// The squared distance at which a vote counts nothing; 0 counts 1. Descriptors have unit length.
const MAX_SQUARED_DISTANCE: f32 = 0.81;
/// Photos whose voters are put in place at a time.
const CHUNK: usize = 1024;

/// The photos that most descriptors of each photo vote for, best first. A descriptor votes
/// once for each photo that has one like it, with less weight the more photos there are, and the
/// less alike they are.
pub(super) fn most_voted<F>(
    photos: &Proposals<'_, F>,
    scratch: Scratch<'_>,
    options: &CandidateOptions,
) -> Result<Vec<Vec<u32>>>
where
    F: Fn(usize) -> Result<FeatureSet> + Sync,
{
    let words = Words::new(photos, options.num_voters)?;
    if words.is_empty() || options.num_voted == 0 {
        return Ok(Vec::new());
    }
    let num_photos = photos.num_keypoints.len();
    let voters = Voters::new(photos, scratch, &words, options)?;
    let file = inverted_file(&voters, &words, scratch)?;
    let counted = (0..num_photos).into_par_iter().map_init(
        || {
            let buffers = (Buffer::default(), Buffer::default());
            (Count::new(num_photos), buffers, Vec::new())
        },
        |(count, (own, others_read), distances), photo| {
            (photos.check)()?;
            let (under, rows) = voters.of(photo, own)?;
            for (row, words) in rows.chunks(words.dim()).zip(under) {
                for &word in words.iter().take_while(|word| **word != NO_WORD) {
                    let (others, rows) = file.voters(word as usize, others_read)?;
                    squared_distances(row, rows, distances);
                    for (&other, distance) in others.iter().zip(&*distances) {
                        if let Some(weight) = weight(*distance) {
                            count.add(other, weight);
                        }
                    }
                }
                count.end_voter();
            }
            Ok(best(count.take(photo as u32), options.num_voted))
        },
    );
    counted.collect()
}

/// The voters of every photo, photo after photo.
struct Voters {
    dim: usize,
    /// Start of the voters of each photo, and the number of all.
    starts: Vec<usize>,
    /// The words of each voter.
    under: Vec<Nearest>,
    rows: Rows,
}

impl Voters {
    /// Loads the features of each photo once.
    fn new<F>(
        photos: &Proposals<'_, F>,
        scratch: Scratch<'_>,
        words: &Words,
        options: &CandidateOptions,
    ) -> Result<Self>
    where
        F: Fn(usize) -> Result<FeatureSet> + Sync,
    {
        let counts = photos.num_keypoints.iter();
        let counts: Vec<usize> = counts
            .map(|count| *count.min(&options.num_voters))
            .collect();
        let starts = starts(&counts);
        let total = starts[counts.len()];
        let Scratch {
            folder,
            max_voter_bytes,
            ..
        } = scratch;
        let mut voters = Self {
            dim: words.dim(),
            under: Vec::with_capacity(total),
            rows: Rows::new(total * words.dim(), max_voter_bytes, folder)?,
            starts,
        };
        for chunk in parts(0..counts.len(), CHUNK) {
            let read = chunk
                .clone()
                .into_par_iter()
                .map(|photo| match counts[photo] {
                    0 => Ok(PhotoVoters::none()),
                    _ => PhotoVoters::new(&(photos.features)(photo)?, words, options.num_voters),
                });
            for (photo, read) in chunk.zip(read.collect::<Result<Vec<_>>>()?) {
                if read.words.len() != counts[photo] {
                    return Err(Error::Features {
                        reason: format!(
                            "{} keypoints that vote where there were {}",
                            read.words.len(),
                            counts[photo]
                        ),
                    });
                }
                voters
                    .rows
                    .put(voters.starts[photo] * voters.dim, &read.rows)?;
                voters.under.extend(read.words);
            }
        }
        Ok(voters)
    }

    /// The words of the voters of a photo, and their rounded descriptors, row after row.
    fn of<'a>(
        &'a self,
        photo: usize,
        buffer: &'a mut Buffer,
    ) -> Result<(&'a [Nearest], &'a [i16])> {
        let range = self.starts[photo]..self.starts[photo + 1];
        let places = range.start * self.dim..range.end * self.dim;
        Ok((&self.under[range], self.rows.get(places, buffer)?))
    }
}

/// Indexes every voter by its nearest word, in the order of the photos.
fn inverted_file(voters: &Voters, words: &Words, scratch: Scratch<'_>) -> Result<InvertedFile> {
    let mut counts = vec![0; words.len()];
    for words in &voters.under {
        if words[0] != NO_WORD {
            counts[words[0] as usize] += 1;
        }
    }
    let mut writer =
        InvertedFileWriter::new(words.dim(), &counts, scratch.max_word_bytes, scratch.folder)?;
    let mut buffer = Buffer::default();
    for photo in 0..voters.starts.len() - 1 {
        let (under, rows) = voters.of(photo, &mut buffer)?;
        for (row, words) in rows.chunks(words.dim()).zip(under) {
            if words[0] != NO_WORD {
                writer.put(words[0] as usize, photo as u32, row)?;
            }
        }
    }
    Ok(writer.finish())
}

/// The descriptors of a photo that vote, at most `num_voters`, row after row.
///
/// # Errors
/// [`Error::Features`] when they are not of `dim` values.
fn voters_of(features: &FeatureSet, dim: usize, num_voters: usize) -> Result<&[f32]> {
    let descriptors = features.descriptors();
    if descriptors.dim() != dim {
        return Err(mixed_lengths(descriptors.dim(), dim));
    }
    let count = descriptors.len().min(num_voters);
    Ok(&descriptors.as_slice()[..count * dim])
}

/// The voters of one photo, at most `num_voters`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhotoVoters {
    /// The words of each, the nearest first; [`NO_WORD`] where there are fewer. A voter is compared with the voters
    /// of all of them, and is indexed by the first alone.
    pub words: Vec<[u32; NUM_WORDS]>,
    /// Their rounded descriptors, row after row.
    pub rows: Vec<i16>,
}

impl PhotoVoters {
    /// The best descriptors of a photo and their words.
    ///
    /// # Errors
    /// [`Error::Features`] when they are not of the words' length.
    pub fn new(features: &FeatureSet, words: &Words, num_voters: usize) -> Result<Self> {
        if features.keypoints().is_empty() {
            return Ok(Self::none());
        }
        let rows = rounded(voters_of(features, words.dim(), num_voters)?);
        Ok(Self {
            words: words.nearest(&rows),
            rows,
        })
    }

    fn none() -> Self {
        Self {
            words: Vec::new(),
            rows: Vec::new(),
        }
    }
}

/// Voters, each with one word.
#[derive(Debug, Clone, Copy)]
pub struct WordVoters<'a> {
    /// Values of a row.
    pub dim: usize,
    /// The word of each.
    pub words: &'a [u32],
    /// Their rounded descriptors, row after row.
    pub rows: &'a [i16],
}

/// A voter's vote for another voter of one of its words: the index of each in its list, and the vote's weight,
/// above 0 up to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WordVote {
    /// Index of the voter among those that vote.
    pub voter: u32,
    /// Index of the other among those that are voted for.
    pub other: u32,
    /// Larger for more similar descriptors.
    pub weight: f32,
}

/// The votes of `voters` for the voters in `standing` with the same word; `standing` is sorted by word.
///
/// # Errors
/// [`Error::Features`] when rows do not fit the words, or differ in length.
///
/// # Panics
/// When there are words and rows have no values.
pub fn votes_between(voters: &WordVoters<'_>, standing: &WordVoters<'_>) -> Result<Vec<WordVote>> {
    if voters.dim != standing.dim {
        return Err(mixed_lengths(standing.dim, voters.dim));
    }
    for voters in [voters, standing] {
        if voters.words.len() * voters.dim != voters.rows.len() {
            return Err(Error::Features {
                reason: "voters and their words are not of one number".into(),
            });
        }
    }
    let dim = voters.dim.max(1);
    let of_voter = |voter: usize| {
        let word = voters.words[voter];
        let row = &voters.rows[voter * dim..(voter + 1) * dim];
        let start = standing.words.partition_point(|other| *other < word);
        let end = standing.words.partition_point(|other| *other <= word);
        let mut distances = Vec::new();
        squared_distances(row, &standing.rows[start * dim..end * dim], &mut distances);
        let votes = (start..end).zip(distances);
        votes.filter_map(move |(other, distance)| {
            Some(WordVote {
                voter: voter as u32,
                other: other as u32,
                weight: weight(distance)?,
            })
        })
    };
    let voters = (0..voters.words.len()).into_par_iter();
    Ok(voters.flat_map_iter(of_voter).collect())
}

/// A vote of a photo's voter for another photo.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PhotoVote {
    /// The photo that votes.
    pub photo: u32,
    /// The number of the voter among those of the photo.
    pub voter: u32,
    /// The photo that is voted for.
    pub other: u32,
    /// As [`WordVote::weight`].
    pub weight: f32,
}

/// Each photo that votes with the `count` photos that most of its voters vote for, photos ascending and the most
/// voted first. `votes` are all votes of these photos, in any order, and are sorted.
pub fn count_votes(votes: &mut [PhotoVote], count: usize) -> Vec<(u32, Vec<u32>)> {
    votes.par_sort_unstable_by_key(|vote| (vote.photo, vote.voter, vote.other));
    let photos: Vec<&[PhotoVote]> = votes.chunk_by(|a, b| a.photo == b.photo).collect();
    let of_photo = |votes: &[PhotoVote]| {
        // Numbers of the photos voted for, in their order, so that a count takes room for these alone.
        let mut others: Vec<u32> = votes.iter().map(|vote| vote.other).collect();
        others.sort_unstable();
        others.dedup();
        let number = |photo: &u32| others.binary_search(photo).unwrap_or(others.len()) as u32;
        let mut counted = Count::new(others.len());
        for voter in votes.chunk_by(|a, b| a.voter == b.voter) {
            for vote in voter {
                counted.add(number(&vote.other), vote.weight);
            }
            counted.end_voter();
        }
        let photo = votes[0].photo;
        let most = best(counted.take(number(&photo)), count);
        let most = most.into_iter().map(|number| others[number as usize]);
        (photo, most.collect())
    };
    photos.into_par_iter().map(of_photo).collect()
}

/// The weight of a vote for a voter at this squared distance; none at [`MAX_SQUARED_DISTANCE`] and beyond.
fn weight(squared_distance: i32) -> Option<f32> {
    let weight = 1.0 - squared_distance as f32 / (ONE * ONE) / MAX_SQUARED_DISTANCE;
    (weight > 0.0).then_some(weight)
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
}

impl Count {
    fn new(num_photos: usize) -> Self {
        Self {
            votes: vec![0.0; num_photos],
            photos: Vec::new(),
            vote: vec![0.0; num_photos],
            voted_for: Vec::new(),
        }
    }

    /// One voter votes for a photo; of several votes for one photo the largest counts.
    fn add(&mut self, photo: u32, weight: f32) {
        let vote = &mut self.vote[photo as usize];
        if *vote == 0.0 {
            self.voted_for.push(photo);
        }
        *vote = vote.max(weight);
    }

    /// Ends the voter: the more photos its votes are for, the less each counts.
    fn end_voter(&mut self) {
        let share = (self.voted_for.len() as f32).sqrt().recip();
        for photo in self.voted_for.drain(..) {
            let vote = std::mem::take(&mut self.vote[photo as usize]);
            let votes = &mut self.votes[photo as usize];
            if *votes == 0.0 {
                self.photos.push(photo);
            }
            *votes += vote * share;
        }
    }

    /// The photos voted for and their votes, without `photo` itself; the count starts anew.
    fn take(&mut self, photo: u32) -> Vec<(f32, u32)> {
        let votes = &mut self.votes;
        self.photos
            .drain(..)
            .map(|other| (std::mem::take(&mut votes[other as usize]), other))
            .filter(|(_, other)| *other != photo)
            .collect()
    }
}
