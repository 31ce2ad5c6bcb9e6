//! Draws samples from a pool that grows from the best data to all data.

use crate::random::SplitMix64;

/// Pool draws until the pool holds all data, as Chum and Matas have it.
const GROWTH_DRAWS: f64 = 200_000.0;

/// PROSAC's sampler, taking turns with uniform samples of all data: a good order saves most of the
/// search, and a misleading one at most doubles it.
///
/// The pool of the n best data is drawn from as often as samples of these n data would turn up among
/// [`GROWTH_DRAWS`] samples of all data; each of these draws holds datum n - 1.
pub(super) struct ProsacSampler {
    num_points: usize,
    pool: usize,
    /// Draws due before the pool grows; fractional as in the paper.
    expected_draws: f64,
    draws_of_pool: usize,
    pool_draws: usize,
    is_pool_turn: bool,
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
            is_pool_turn: false,
        }
    }

    pub(super) fn draw(&mut self, rng: &mut SplitMix64, sample: &mut [usize]) {
        self.is_pool_turn = !self.is_pool_turn && self.pool < self.num_points;
        if self.is_pool_turn
            && let Some((last, others)) = sample.split_last_mut()
        {
            while self.pool < self.num_points && self.pool_draws >= self.draws_of_pool {
                self.grow(others.len() + 1);
            }
            self.pool_draws += 1;
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
