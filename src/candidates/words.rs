//! Visual words: descriptors that others are sorted by.

use nalgebra::DMatrix;

use crate::error::{Error, Result};
use crate::features::FeatureSet;

/// Words of a photo that gives some.
const WORDS_OF_A_PHOTO: usize = 8;
/// The fewest words of a folder, and the most.
const NUM_WORDS: std::ops::RangeInclusive<usize> = 1024..=8192;
/// Descriptors compared with all words at a time.
const BLOCK: usize = 256;

/// The words of a folder: some of the best descriptors of some of its photos. A sample instead of
/// trained means: it costs nothing, and a photo more in the folder changes few words.
pub(super) struct Words {
    dim: usize,
    /// A row for each word.
    rows: DMatrix<f32>,
    half_norms: Vec<f32>,
}

impl Words {
    /// Takes them from the photos with the lowest `ranks`.
    ///
    /// # Errors
    /// [`Error::Features`] when descriptors differ in length.
    pub(super) fn new(features: &[&FeatureSet], ranks: &[[u8; 32]]) -> Result<Self> {
        let dim = features.first().map_or(1, |f| f.descriptors().dim());
        if let Some(other) = features.iter().find(|f| f.descriptors().dim() != dim) {
            return Err(Error::Features {
                reason: format!(
                    "descriptors of {} values beside descriptors of {dim}",
                    other.descriptors().dim()
                ),
            });
        }
        let mut sources: Vec<usize> = (0..features.len()).collect();
        sources.sort_by_key(|&photo| (ranks.get(photo), photo));
        sources.dedup_by_key(|photo| ranks.get(*photo));
        sources.truncate(num_words(features.len()) / WORDS_OF_A_PHOTO);
        let mut values = Vec::new();
        for descriptors in sources.iter().map(|&photo| features[photo].descriptors()) {
            let step = (descriptors.len() / WORDS_OF_A_PHOTO).max(1);
            let chosen = (0..descriptors.len()).step_by(step).take(WORDS_OF_A_PHOTO);
            chosen.for_each(|index| values.extend_from_slice(descriptors.row(index)));
        }
        let rows = DMatrix::from_row_slice(values.len() / dim, dim, &values);
        let half_norms = values
            .chunks(dim)
            .map(|word| 0.5 * word.iter().map(|v| v * v).sum::<f32>())
            .collect();
        Ok(Self {
            dim,
            rows,
            half_norms,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.half_norms.len()
    }

    /// The `count` nearest words of each of these descriptors, row after row; the nearest first.
    pub(super) fn nearest(&self, descriptors: &[f32], count: usize) -> Vec<Vec<usize>> {
        let blocks = descriptors.chunks(self.dim * BLOCK);
        blocks
            .flat_map(|block| self.nearest_of_block(block, count))
            .collect()
    }

    fn nearest_of_block(&self, block: &[f32], count: usize) -> Vec<Vec<usize>> {
        let columns = DMatrix::from_column_slice(self.dim, block.len() / self.dim, block);
        let products = &self.rows * columns;
        let nearest = |products: &[f32]| {
            let mut found: Vec<(f32, usize)> = Vec::with_capacity(count + 1);
            for (word, (product, half)) in products.iter().zip(&self.half_norms).enumerate() {
                let score = product - half;
                if found.len() == count && found.last().is_some_and(|worst| score <= worst.0) {
                    continue;
                }
                let at = found.partition_point(|better| better.0 >= score);
                found.insert(at, (score, word));
                found.truncate(count);
            }
            found.into_iter().map(|(_, word)| word).collect()
        };
        products
            .as_slice()
            .chunks(self.len().max(1))
            .map(nearest)
            .collect()
    }
}

/// Comparing a voter with w words and with the voters under three of them costs least where w is
/// near the root of three times the number of voters, a hundred a photo; a power of two, so that
/// a growing folder seldom changes it.
fn num_words(num_photos: usize) -> usize {
    let least = ((300 * num_photos) as f64).sqrt() as usize;
    least
        .next_power_of_two()
        .clamp(*NUM_WORDS.start(), *NUM_WORDS.end())
}
