//! Rewards a model for the data it explains.

use super::{Estimator, InlierReward};

/// Data whose errors are computed together.
const BLOCK: usize = 64;
/// A model through a sample is given up when none of the first so many data, beside its sample,
/// agrees with it. Applies to twice as many data and more. One worth finding rarely fails, the more
/// so as the best data come first.
const PRETEST: usize = 2 * BLOCK;

/// Scores models of one estimator. The reward of a datum with squared error e^2 is
/// (1 - e^2 / max_error^2)^2, or 0 beyond the largest error: the weight that an error deserves falls
/// smoothly to 0, as in Tukey's biweight, so that a largest error chosen too generously does little
/// harm. Of rivals, the first that is an inlier counts and the others are passed over.
pub(super) struct Scorer<'a, E: Estimator> {
    pub(super) estimator: &'a E,
    max_squared: f64,
    /// Reward of an inlier whatever its error, and the part that its closeness adds; together 1.
    rewards: (f64, f64),
    /// For each of the two labels: the number of the last scoring in which it was taken.
    taken: Vec<[u32; 2]>,
    scoring: u32,
}

impl<'a, E: Estimator> Scorer<'a, E> {
    pub(super) fn new(estimator: &'a E, max_error: f64, reward: InlierReward) -> Self {
        Self {
            estimator,
            max_squared: max_error * max_error,
            // Closeness decides between equal numbers of up to a million.
            rewards: match reward {
                InlierReward::Closeness => (0.0, 1.0),
                InlierReward::Number => (1.0 - 1e-6, 1e-6),
            },
            taken: vec![[0; 2]; estimator.rivals().len()],
            scoring: 0,
        }
    }

    /// Whether the number of inliers decides, and not their closeness.
    pub(super) fn counts(&self) -> bool {
        self.rewards.0 > 0.0
    }

    /// The score of the model through `sample` if it is above `floor` and passes the
    /// [pretest](PRETEST).
    pub(super) fn score_sample(
        &mut self,
        model: &E::Model,
        sample: &[usize],
        floor: f64,
    ) -> Option<f64> {
        let own = sample.iter().filter(|&&i| i < PRETEST).count();
        let has_pretest = self.estimator.num_points() >= 2 * PRETEST;
        self.score(model, floor, if has_pretest { own + 1 } else { 0 })
    }

    /// The model's score if it is above `floor`.
    pub(super) fn score_above(&mut self, model: &E::Model, floor: f64) -> Option<f64> {
        self.score(model, floor, 0)
    }

    /// The score, unless it is not above `floor` or fewer than `wanted` of the first [`PRETEST`]
    /// data are inliers.
    fn score(&mut self, model: &E::Model, floor: f64, wanted: usize) -> Option<f64> {
        let num_points = self.estimator.num_points();
        self.begin();
        let mut errors = [0.0; BLOCK];
        let (mut score, mut num_inliers) = (0.0, 0);
        for start in (0..num_points).step_by(BLOCK) {
            let is_hopeless = score + (num_points - start) as f64 <= floor;
            if is_hopeless || (start >= PRETEST && num_inliers < wanted) {
                return None;
            }
            let errors = &mut errors[..BLOCK.min(num_points - start)];
            self.estimator.squared_errors(model, start, errors);
            for (index, &error) in (start..).zip(errors.iter()) {
                if error < self.max_squared && self.take(index) {
                    let closeness = 1.0 - error / self.max_squared;
                    score += self.rewards.0 + self.rewards.1 * closeness * closeness;
                    num_inliers += 1;
                }
            }
        }
        (score > floor).then_some(score)
    }

    /// Replaces `indices` by the inliers at `widening` times the largest squared error, ascending,
    /// rivals passed over, and `weights` by the weights of their errors.
    pub(super) fn weigh_inliers(
        &mut self,
        model: &E::Model,
        widening: f64,
        indices: &mut Vec<usize>,
        weights: &mut Vec<f64>,
    ) {
        indices.clear();
        weights.clear();
        self.begin();
        let max_squared = self.max_squared * widening;
        let num_points = self.estimator.num_points();
        let mut errors = [0.0; BLOCK];
        for start in (0..num_points).step_by(BLOCK) {
            let errors = &mut errors[..BLOCK.min(num_points - start)];
            self.estimator.squared_errors(model, start, errors);
            for (index, &error) in (start..).zip(errors.iter()) {
                if error < max_squared && self.take(index) {
                    indices.push(index);
                    weights.push(1.0 - error / max_squared);
                }
            }
        }
    }

    /// The number of inliers, rivals counted once.
    pub(super) fn count_inliers(&mut self, model: &E::Model) -> usize {
        self.begin();
        (0..self.estimator.num_points())
            .filter(|&i| self.estimator.squared_error(model, i) < self.max_squared && self.take(i))
            .count()
    }

    /// The inliers, ascending; of rivals the one with the smallest error.
    pub(super) fn exclusive_inliers(&mut self, model: &E::Model) -> Vec<usize> {
        let mut by_error: Vec<(f64, usize)> = (0..self.estimator.num_points())
            .map(|i| (self.estimator.squared_error(model, i), i))
            .filter(|(error, _)| *error < self.max_squared)
            .collect();
        by_error.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        self.begin();
        let mut inliers: Vec<usize> = by_error
            .into_iter()
            .map(|(_, i)| i)
            .filter(|&i| self.take(i))
            .collect();
        inliers.sort_unstable();
        inliers
    }

    fn begin(&mut self) {
        self.scoring = self.scoring.wrapping_add(1);
        if self.scoring == 0 {
            self.taken.fill([0; 2]);
            self.scoring = 1;
        }
    }

    /// Whether no rival of this datum was taken since the last [`Self::begin`]; takes it then.
    fn take(&mut self, index: usize) -> bool {
        let Some(&[first, second]) = self.estimator.rivals().get(index) else {
            return true;
        };
        let (first, second) = (first as usize, second as usize);
        if self.taken[first][0] == self.scoring || self.taken[second][1] == self.scoring {
            return false;
        }
        self.taken[first][0] = self.scoring;
        self.taken[second][1] = self.scoring;
        true
    }
}
