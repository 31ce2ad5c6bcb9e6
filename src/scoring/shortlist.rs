//! Which pairs of a folder are compared by pixels.

/// Pairs of a photo that are compared whatever features say.
const NUM_BEST: usize = 8;
/// Log-odds by features beyond which a pair is compared, however many are better.
const MIN_LIKELY: f64 = 1.0;
/// Log-odds that a pair off the list has at most.
const MAX_OFF_LIST: f64 = -1.0;

/// What the eight best pairs of each photo are worth; 32 bytes a photo.
#[derive(Debug, Clone, PartialEq)]
pub struct BestPairs {
    /// Descending.
    best: Vec<[f32; NUM_BEST]>,
}

impl BestPairs {
    /// No pairs yet.
    pub fn new(num_photos: usize) -> Self {
        Self {
            best: vec![[f32::NEG_INFINITY; NUM_BEST]; num_photos],
        }
    }

    /// Adds a pair of photos of the folder that is worth comparing, by
    /// [`Judgement::worth`](super::Judgement::worth). The order of pairs does not matter.
    pub fn add(&mut self, photos: [usize; 2], worth: f32) {
        for photo in photos {
            let best = &mut self.best[photo];
            let place = best.partition_point(|other| *other >= worth);
            if place < NUM_BEST {
                best[place..].rotate_right(1);
                best[place] = worth;
            }
        }
    }

    /// The pairs to compare, of all that were added.
    pub fn into_shortlist(self) -> Shortlist {
        let least = self.best.into_iter().map(|best| best[NUM_BEST - 1]);
        Shortlist::new(least.collect())
    }
}

/// The pairs of a folder that are compared by pixels, of those that are worth it: what features make likely, and of
/// each photo the eight that are worth most. 4 bytes a photo.
///
/// A folder of photos that look alike has many pairs that are worth comparing, and few of them show one thing. Pairs off
/// the list are judged by their features, and are less probable than not.
#[derive(Debug, Clone, PartialEq)]
pub struct Shortlist {
    /// What each photo's eighth pair is worth.
    least: Vec<f32>,
}

impl Shortlist {
    /// Of what [`Shortlist::least`] gave.
    pub fn new(least: Vec<f32>) -> Self {
        Self { least }
    }

    /// What the eighth pair of each photo is worth; minus infinity where there are fewer.
    pub fn least(&self) -> &[f32] {
        &self.least
    }

    /// Whether a pair is compared. All are that are worth as much as a photo's eighth.
    pub fn has(&self, photos: [usize; 2], worth: f32, log_odds: f64) -> bool {
        log_odds > MIN_LIKELY || photos.into_iter().any(|photo| worth >= self.least[photo])
    }

    /// The log-odds of a pair that is not compared.
    pub fn off_list(log_odds: f64) -> f64 {
        log_odds.min(MAX_OFF_LIST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_of_either_photo_are_compared() {
        // Photo 0 with ten others, and photo 11 with photo 10 alone.
        let worth = [3.0, 1.0, -1.0, 2.0, 0.5, -1.0, 0.0, 0.2, 0.3, -2.0];
        let with0 = (1..11).zip(worth).map(|(other, worth)| ([0, other], worth));
        let pairs: Vec<([usize; 2], f32)> = with0.chain([([10, 11], -2.9)]).collect();
        let mut best = BestPairs::new(12);
        for &(photos, worth) in &pairs {
            best.add(photos, worth);
        }
        assert_eq!(best.best[0], [3.0, 2.0, 1.0, 0.5, 0.3, 0.2, 0.0, -1.0]);
        // Both of the photo's equal eighths, and whatever is the other photo's only pair.
        let list = best.clone().into_shortlist();
        for &(photos, worth) in &pairs {
            assert!(list.has(photos, worth, -3.0));
        }
        let others = (1..9).map(|other| ([10, other], 1.0));
        for (photos, worth) in others.clone() {
            best.add(photos, worth);
        }
        let list = best.into_shortlist();
        assert!(!list.has([0, 10], -2.0, -3.0));
        assert!(list.has([0, 10], -2.0, 1.1), "likely by features");
        assert_eq!([-3.0, -0.5].map(Shortlist::off_list), [-3.0, -1.0]);
        let mut reversed = BestPairs::new(12);
        for (photos, worth) in others.chain(pairs.into_iter().rev()) {
            reversed.add(photos, worth);
        }
        assert_eq!(list, reversed.into_shortlist());
    }
}
