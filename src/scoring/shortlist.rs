//! Selection of the pairs of a folder that are compared by pixels.

/// Pairs of a photo that are compared beside those that always are.
const NUM_BEST: usize = 3;
/// Log-odds by features beyond which a pair is always compared.
const MIN_LIKELY: f64 = 1.0;
/// Upper limit of the log-odds of pairs off the list.
const MAX_OFF_LIST: f64 = -1.5;

/// Worth of the three best pairs of each photo, without those that are always compared; 12 bytes a photo.
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
    /// [`Judgement::worth`](super::Judgement::worth), and its log-odds by features. The order of pairs does not matter.
    ///
    /// # Panics
    /// When a photo is not below the number of photos.
    pub fn add(&mut self, photos: [usize; 2], worth: f32, log_odds: f64) {
        if is_always_compared(worth, log_odds) {
            return;
        }
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
    pub fn shortlist(&self) -> Shortlist {
        let least = self.best.iter().map(|best| best[NUM_BEST - 1]);
        Shortlist::new(least.collect())
    }
}

/// The pairs of a folder that are compared by pixels, of those that are worth it: likely pairs by features, pairs
/// with 50 inliers and more, and of the others the three of each photo that are worth most. 4 bytes a photo.
///
/// A large folder has many pairs that are worth comparing, and few of them show one thing. Pairs off the list are
/// scored by their features, and are less probable than not.
#[derive(Debug, Clone, PartialEq)]
pub struct Shortlist {
    /// Worth of each photo's third pair.
    least: Vec<f32>,
}

impl Shortlist {
    /// From the values of [`Shortlist::least`].
    pub fn new(least: Vec<f32>) -> Self {
        Self { least }
    }

    /// Worth of the third pair of each photo, of those that are not always compared; minus infinity where there are
    /// fewer.
    pub fn least(&self) -> &[f32] {
        &self.least
    }

    /// Whether a pair is compared, and its log-odds until then, by its log-odds by features and its worth; none is
    /// not worth comparing. All pairs are compared that are worth as much as a photo's third.
    ///
    /// # Panics
    /// When a photo is not below the number of photos.
    pub fn judge(&self, photos: [usize; 2], worth: Option<f32>, log_odds: f64) -> (bool, f64) {
        let Some(worth) = worth else {
            return (false, log_odds);
        };
        let is_best = |photo: usize| worth >= self.least[photo];
        match is_always_compared(worth, log_odds) || photos.into_iter().any(is_best) {
            true => (true, log_odds),
            false => (false, log_odds.min(MAX_OFF_LIST)),
        }
    }
}

fn is_always_compared(worth: f32, log_odds: f64) -> bool {
    log_odds > MIN_LIKELY || worth == f32::INFINITY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_of_either_photo_are_compared() {
        // Photo 0 with six others, and photo 6 with two.
        let pairs: [([usize; 2], f32, f64); 9] = [
            ([0, 1], 1.0, -2.0),
            ([0, 2], -1.0, -2.0),
            ([0, 3], 2.0, -2.0),
            ([0, 4], -1.0, 0.5),
            ([0, 5], -2.0, 0.0),
            ([0, 6], -2.0, -3.0),
            ([6, 7], -2.9, -3.0),
            // These take no photo's places.
            ([0, 7], 3.0, 1.1),
            ([0, 8], f32::INFINITY, -3.0),
        ];
        let mut best = BestPairs::new(9);
        for (photos, worth, log_odds) in pairs {
            best.add(photos, worth, log_odds);
        }
        assert_eq!(best.best[0], [2.0, 1.0, -1.0]);
        // Both of the photo's equal thirds, and whatever is among the other photo's three.
        let list = best.shortlist();
        for (photos, worth, log_odds) in pairs {
            assert_eq!(list.judge(photos, Some(worth), log_odds), (true, log_odds));
        }
        for other in 1..4 {
            best.add([6, other], 1.0, -2.0);
        }
        let list = best.shortlist();
        let judge = |worth, log_odds| list.judge([0, 6], Some(worth), log_odds);
        assert_eq!(judge(-2.0, -3.0), (false, -3.0));
        assert_eq!(judge(-2.0, 0.5), (false, -1.5));
        assert_eq!(judge(-2.0, 1.1), (true, 1.1), "likely by features");
        assert_eq!(judge(f32::INFINITY, -3.0), (true, -3.0), "many inliers");
        assert_eq!(list.judge([0, 6], None, -4.0), (false, -4.0));
        let mut reversed = BestPairs::new(9);
        let others = (1..4).map(|other| ([6, other], 1.0, -2.0));
        for (photos, worth, log_odds) in others.chain(pairs.into_iter().rev()) {
            reversed.add(photos, worth, log_odds);
        }
        assert_eq!(best, reversed);
    }
}
