//! Which pairs of many photos are worth a closer look.
//!
//! All pairs of a large folder are too many to verify. Two cheap scores propose partners for each
//! photo: its nearest neighbours by global descriptor, for photos that are alike as wholes, and
//! votes of local descriptors (an inverted file over visual words: Sivic and Zisserman, *Video
//! Google*, ICCV 2003), for a detail of one photo that fills another. Each photo gets a fixed number of
//! partners, so that the pairs to verify grow in proportion to the photos.
//!
//! Knows features alone: no file, no verified pair. Deterministic on any number of threads.

mod similarity;
mod votes;
mod words;

use std::collections::BTreeSet;

use crate::error::{Error, Result};
use crate::features::FeatureSet;

pub(crate) use similarity::Similarities;

/// How many partners are proposed for each photo.
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

/// The pairs (i, j), i < j, that one of the scores proposes for i or for j, sorted. `ranks` gives each
/// photo a number that does not depend on the other photos, as a hash of its content: it chooses the
/// photos that the visual words come from, so that a folder that grows keeps most of its words.
///
/// # Errors
/// [`Error::InvalidOption`]; [`Error::Features`] when descriptors differ in length.
pub(crate) fn candidate_pairs(
    features: &[&FeatureSet],
    similarities: &Similarities,
    ranks: &[[u8; 32]],
    options: &CandidateOptions,
) -> Result<Vec<(usize, usize)>> {
    options.validate()?;
    let similar = similarities.nearest(options.num_similar);
    let voted = votes::most_voted(features, ranks, options)?;
    let pairs: BTreeSet<(usize, usize)> = similar
        .iter()
        .chain(&voted)
        .flat_map(|(photo, partners)| partners.iter().map(|p| (*photo.min(p), *photo.max(p))))
        .collect();
    Ok(pairs.into_iter().collect())
}

/// The `count` best of `(value, index)`, the largest value first and of equals the lowest index.
fn best(mut values: Vec<(f32, usize)>, count: usize) -> Vec<usize> {
    let order = |a: &(f32, usize), b: &(f32, usize)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
    if count == 0 {
        return Vec::new();
    }
    if values.len() > count {
        values.select_nth_unstable_by(count - 1, order);
        values.truncate(count);
    }
    values.sort_by(order);
    values.into_iter().map(|(_, index)| index).collect()
}

#[cfg(test)]
mod tests;
