//! The robust loop: fits a model to data of which a part, often most, is wrong.
//!
//! Three parts. The **sampler** draws minimal samples, the best data first (PROSAC; Chum and Matas, *Matching with
//! PROSAC*, 2005). The **scorer** rewards every datum by how near the model it lies (the family of MSAC; Torr and
//! Zisserman, *MLESAC*, 2000), rivals counting once. The **local optimisation** polishes each new best model by
//! reweighted least squares on its inliers (Lebeda, Matas and Chum, *Fixing the Locally Optimized RANSAC*, 2012).
//! The loop stops when a better model would have been drawn by now with the given confidence.
//!
//! The loop refers to data by number; an [`Estimator`] holds them. Everything is deterministic: the same estimator,
//! options and seed give the same bits.

mod local_optimization;
mod options;
mod sampler;
mod scorer;
mod transform;

pub use options::{InlierReward, RansacOptions};
pub use transform::TransformEstimator;

use crate::error::Result;
use crate::random::SplitMix64;
use local_optimization::LocalOptimizer;
use sampler::ProsacSampler;
use scorer::Scorer;

/// A model that can be fitted to numbered data. Data with a low number are tried first.
pub trait Estimator {
    /// The type of the model.
    type Model: Clone;

    /// The number of data that determine a model, at least 1.
    fn sample_size(&self) -> usize;

    /// The number of data.
    fn num_points(&self) -> usize;

    /// The model through `sample`, which holds [`Self::sample_size`] different data; `None` when
    /// they do not determine one.
    fn fit_minimal(&self, sample: &[usize]) -> Option<Self::Model>;

    /// The model with the smallest weighted sum of squared errors over the data `indices`, with
    /// one weight of at least 0 an index; `None` when they do not determine one.
    fn fit_least_squares(&self, indices: &[usize], weights: &[f64]) -> Option<Self::Model>;

    /// The squared error of one datum: never NaN, infinite for one that the model cannot explain.
    fn squared_error(&self, model: &Self::Model, index: usize) -> f64;

    /// The squared errors of the data `start..start + errors.len()`. Implement it where a block can
    /// be computed faster than its data one at a time.
    fn squared_errors(&self, model: &Self::Model, start: usize, errors: &mut [f64]) {
        for (index, error) in (start..).zip(errors) {
            *error = self.squared_error(model, index);
        }
    }

    /// A step from `model` towards the model with the smallest weighted sum of squared errors. The
    /// least-squares fit itself where that needs no start.
    fn refine(
        &self,
        model: &Self::Model,
        indices: &[usize],
        weights: &[f64],
    ) -> Option<Self::Model> {
        let _ = model;
        self.fit_least_squares(indices, weights)
    }

    /// Two labels a datum, or nothing. Data that share a first label or share a second label are
    /// rivals: at most one of them is right, so at most one of them counts. Labels are below
    /// [`Self::num_points`].
    fn rivals(&self) -> &[[u32; 2]] {
        &[]
    }
}

/// Result of [`ransac`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RansacReport<M> {
    /// The best model, refined on its inliers.
    pub model: M,
    /// The data within the error, ascending; of rivals the one with the smallest error.
    pub inliers: Vec<usize>,
    /// The number of samples drawn.
    pub num_trials: usize,
    /// The sum of the inliers' rewards, each between 0 (at the largest error) and 1 (no error).
    pub score: f64,
}

/// Fits a model to the data that agree with each other best; `None` when no sample gives a model
/// with at least [`Estimator::sample_size`] inliers.
///
/// # Errors
/// [`crate::error::Error::InvalidOption`] for an option outside its range.
pub fn ransac<E: Estimator>(
    estimator: &E,
    options: &RansacOptions,
) -> Result<Option<RansacReport<E::Model>>> {
    options.validate()?;
    let (num_points, sample_size) = (estimator.num_points(), estimator.sample_size());
    if num_points < sample_size {
        return Ok(None);
    }
    let mut rng = SplitMix64::new(options.seed);
    let mut sampler = ProsacSampler::new(num_points, sample_size);
    let mut scorer = Scorer::new(estimator, options.max_error_px, options.reward);
    let mut optimizer = LocalOptimizer::default();
    let mut sample = vec![0; sample_size];
    let mut best: Option<Scored<E::Model>> = None;
    // The best model through a sample waits for its local optimisation until the fewest trials are
    // done: before, better ones come fast.
    let mut waiting: Option<Scored<E::Model>> = None;
    let mut best_minimal = 0.0;
    let mut wanted_trials = options.max_trials;
    let mut num_trials = 0;
    while num_trials < wanted_trials {
        num_trials += 1;
        sampler.draw(&mut rng, &mut sample);
        if let Some(model) = estimator.fit_minimal(&sample)
            && let Some(score) = scorer.score_sample(&model, &sample, best_minimal)
        {
            best_minimal = score;
            waiting = Some(Scored { model, score });
        }
        if num_trials < options.min_trials {
            continue;
        }
        let Some(minimal) = waiting.take() else {
            continue;
        };
        let optimized = optimizer.run(&mut scorer, &mut rng, minimal);
        if best.as_ref().is_none_or(|b| optimized.score > b.score) {
            let num_inliers = scorer.count_inliers(&optimized.model);
            best = Some(optimized);
            wanted_trials = trials_for(options.confidence, num_inliers, num_points, sample_size)
                .clamp(options.min_trials, options.max_trials);
        }
    }
    Ok(best.and_then(|best| {
        let best = optimizer.polish(&mut scorer, best);
        let best = optimizer.search_nearby(&mut scorer, &mut rng, best);
        let inliers = scorer.exclusive_inliers(&best.model);
        (inliers.len() >= sample_size).then_some(RansacReport {
            model: best.model,
            inliers,
            num_trials,
            score: best.score,
        })
    }))
}

/// A model and the sum of its rewards.
#[derive(Clone)]
struct Scored<M> {
    model: M,
    score: f64,
}

/// The number of samples after which one of inliers only has been drawn with this confidence.
fn trials_for(confidence: f64, num_inliers: usize, num_points: usize, sample_size: usize) -> usize {
    let all_inliers: f64 = (0..sample_size)
        .map(|drawn| num_inliers.saturating_sub(drawn) as f64 / (num_points - drawn) as f64)
        .product();
    let trials = (1.0 - confidence).ln() / (-all_inliers).ln_1p();
    // Not a number when both are 0 or infinite: a confidence of 1 needs every trial.
    if confidence >= 1.0 || trials.is_nan() {
        usize::MAX
    } else {
        trials.ceil() as usize
    }
}

#[cfg(test)]
mod tests;
