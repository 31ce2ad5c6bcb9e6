//! Polishes a model on its inliers.

use super::scorer::Scorer;
use super::{Estimator, Scored};
use crate::random::SplitMix64;

/// Squared-error limits of the reweighted least-squares steps, as multiples of the inlier limit:
/// wide at first, because a model through a minimal sample of noisy data is off by more than the
/// noise.
const WIDENINGS: [f64; 4] = [9.0, 4.0, 1.0, 1.0];
/// Samples of inliers tried for each new best model.
const INNER_SAMPLES: usize = 8;
/// Largest size of such a sample in minimal samples; at most half of the inliers are drawn.
const INNER_SIZE: usize = 4;
/// Most steps of the final refinement; it stops when the score no longer grows.
const MAX_POLISH_STEPS: usize = 10;
/// Minimal samples tried around the best model where the number of inliers decides; all of them
/// where there are no more.
const NEARBY_SAMPLES: usize = 10_000;
/// Samples are of the data within this multiple of the largest squared error.
const NEARBY: f64 = 2.25;
/// Most searches around the best model; the last is the first that finds no better one.
const MAX_SEARCHES: usize = 10;

/// Local optimisation with its buffers.
#[derive(Default)]
pub(super) struct LocalOptimizer {
    indices: Vec<usize>,
    weights: Vec<f64>,
    pool: Vec<usize>,
    subset: Vec<usize>,
}

impl LocalOptimizer {
    /// The best model reached from `start`: by reweighted least squares on all inliers, and by the
    /// same after fits to random subsets of them.
    pub(super) fn run<E: Estimator>(
        &mut self,
        scorer: &mut Scorer<'_, E>,
        rng: &mut SplitMix64,
        start: Scored<E::Model>,
    ) -> Scored<E::Model> {
        let model = start.model.clone();
        let mut best = self.descend(scorer, &model, start, &WIDENINGS);
        scorer.weigh_inliers(&best.model, 1.0, &mut self.indices, &mut self.weights);
        let sample_size = scorer.estimator.sample_size();
        let size = (self.indices.len() / 2).clamp(sample_size, INNER_SIZE * sample_size);
        if self.indices.len() <= size || self.indices.len() > 16 * sample_size {
            return best;
        }
        std::mem::swap(&mut self.pool, &mut self.indices);
        self.subset.resize(size, 0);
        for _ in 0..INNER_SAMPLES {
            rng.distinct_below(self.pool.len(), &mut self.subset);
            for drawn in &mut self.subset {
                *drawn = self.pool[*drawn];
            }
            self.weights.clear();
            self.weights.resize(size, 1.0);
            if let Some(model) = scorer
                .estimator
                .fit_least_squares(&self.subset, &self.weights)
            {
                best = self.descend(scorer, &model, best, &WIDENINGS[1..]);
            }
        }
        best
    }

    /// The better of `best` and the models on the way down from `model`.
    fn descend<E: Estimator>(
        &mut self,
        scorer: &mut Scorer<'_, E>,
        model: &E::Model,
        mut best: Scored<E::Model>,
        widenings: &[f64],
    ) -> Scored<E::Model> {
        let mut model = model.clone();
        for &widening in widenings {
            let Some(next) = self.step(scorer, &model, widening) else {
                break;
            };
            model = next;
            if let Some(score) = scorer.score_above(&model, best.score) {
                best = Scored {
                    model: model.clone(),
                    score,
                };
            }
        }
        best
    }

    /// Reweighted least squares at the inlier limit until the score no longer grows.
    pub(super) fn polish<E: Estimator>(
        &mut self,
        scorer: &mut Scorer<'_, E>,
        mut best: Scored<E::Model>,
    ) -> Scored<E::Model> {
        for _ in 0..MAX_POLISH_STEPS {
            let Some(model) = self.step(scorer, &best.model, 1.0) else {
                break;
            };
            let Some(score) = scorer.score_above(&model, best.score) else {
                break;
            };
            best = Scored { model, score };
        }
        best
    }

    /// The model through a minimal sample near `best` that has the most inliers, from there again, until
    /// no better one is found. Least squares goes where errors are small; a model that many data just
    /// fit lies elsewhere. Does nothing where closeness decides.
    pub(super) fn search_nearby<E: Estimator>(
        &mut self,
        scorer: &mut Scorer<'_, E>,
        rng: &mut SplitMix64,
        mut best: Scored<E::Model>,
    ) -> Scored<E::Model> {
        if !scorer.counts() {
            return best;
        }
        let size = scorer.estimator.sample_size();
        for _ in 0..MAX_SEARCHES {
            scorer.weigh_inliers(&best.model, NEARBY, &mut self.pool, &mut self.weights);
            if self.pool.len() < size {
                break;
            }
            let start = best.score;
            let count = self.pool.len();
            let takes_all = num_samples(count, size) <= NEARBY_SAMPLES as f64;
            let mut places: Vec<usize> = (0..size).collect();
            for _ in 0..NEARBY_SAMPLES {
                if !takes_all {
                    rng.distinct_below(count, &mut places);
                }
                self.subset.clear();
                self.subset
                    .extend(places.iter().map(|&place| self.pool[place]));
                if let Some(model) = scorer.estimator.fit_minimal(&self.subset)
                    && let Some(score) = scorer.score_above(&model, best.score)
                {
                    best = Scored { model, score };
                }
                if takes_all && !next_sample(&mut places, count) {
                    break;
                }
            }
            if best.score <= start {
                break;
            }
        }
        best
    }

    fn step<E: Estimator>(
        &mut self,
        scorer: &mut Scorer<'_, E>,
        model: &E::Model,
        widening: f64,
    ) -> Option<E::Model> {
        scorer.weigh_inliers(model, widening, &mut self.indices, &mut self.weights);
        if self.indices.len() < scorer.estimator.sample_size() {
            return None;
        }
        scorer.estimator.refine(model, &self.indices, &self.weights)
    }
}

/// The number of ways to choose `size` of `count`.
fn num_samples(count: usize, size: usize) -> f64 {
    (0..size)
        .map(|i| (count - i) as f64 / (i + 1) as f64)
        .product()
}

/// The next ascending choice of numbers below `count`, in lexical order; whether there is one.
fn next_sample(places: &mut [usize], count: usize) -> bool {
    let size = places.len();
    let Some(grows) = (0..size).rev().find(|&i| places[i] + size - i < count) else {
        return false;
    };
    places[grows] += 1;
    for i in grows + 1..size {
        places[i] = places[i - 1] + 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_comes_once() {
        let mut places = vec![0, 1, 2];
        let mut seen = vec![places.clone()];
        while next_sample(&mut places, 6) {
            assert!(places.is_sorted() && places[2] < 6);
            seen.push(places.clone());
        }
        assert_eq!(seen.len() as f64, num_samples(6, 3));
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 20);
    }
}
