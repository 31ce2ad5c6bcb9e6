//! Draws samples from a pool that grows from the best data to all data.

use super::rng::SplitMix64;

/// Draws until the pool holds all data. Chum and Matas take 200 000, which trusts the order of the
/// data fully; this many lets a good order save most of the search and costs a useless order
/// little.
const GROWTH_DRAWS: f64 = 1000.0;

/// PROSAC's sampler. The pool of n data is drawn from as often as samples of these n data would
/// turn up among [`GROWTH_DRAWS`] samples of all data; each of these draws holds datum n - 1.
pub(super) struct ProsacSampler {
    num_points: usize,
    pool: usize,
    /// Draws due before the pool grows; fractional as in the paper.
    expected_draws: f64,
    draws_of_pool: usize,
    pool_draws: usize,
}

impl ProsacSampler {
    /// `num_points` must be at least `sample_size`.
    pub(super) fn new(num_points: usize, sample_size: usize) -> Self {
        let expected_draws = (0..sample_size)
            .map(|i| (sample_size - i) as f64 / (num_points - i) as f64)
            .product::<f64>()
            * GROWTH_DRAWS;
        Self {
            num_points,
            pool: sample_size,
            expected_draws,
            draws_of_pool: 1,
            pool_draws: 0,
        }
    }

    pub(super) fn draw(&mut self, rng: &mut SplitMix64, sample: &mut [usize]) {
        while self.pool < self.num_points && self.pool_draws >= self.draws_of_pool {
            self.grow(sample.len());
        }
        if self.pool < self.num_points {
            self.pool_draws += 1;
            let (last, others) = match sample.split_last_mut() {
                Some(parts) => parts,
                None => return,
            };
            *last = self.pool - 1;
            rng.distinct_below(self.pool - 1, others);
        } else {
            rng.distinct_below(self.num_points, sample);
        }
    }

    fn grow(&mut self, sample_size: usize) {
        let grown = (self.pool + 1) as f64;
        let next = self.expected_draws * grown / (grown - sample_size as f64);
        self.pool += 1;
        self.pool_draws = 0;
        self.draws_of_pool = (next.ceil() - self.expected_draws.ceil()) as usize;
        self.expected_draws = next;
    }
}
