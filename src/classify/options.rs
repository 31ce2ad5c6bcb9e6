//! Options of training a softmax layer.

use crate::error::{Error, Result};

/// Options of training a softmax layer: mini-batch stochastic gradient descent with Nesterov momentum on the cross
/// entropy; the learning rate falls to 0 along half a cosine.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingOptions {
    /// Steps, each on one batch; at least 1.
    pub num_steps: usize,
    /// Learning rate of the first step, above 0.
    pub learning_rate: f32,
    /// Momentum: part of the last step that is added again, from 0 to below 1.
    pub momentum: f32,
    /// Photos a step; at least 1.
    pub batch_size: usize,
    /// L2 regularisation: weight of half the squared length of the weights beside the mean cross entropy; none
    /// tries several and keeps the one with the lowest cross entropy on held-out photos.
    pub l2: Option<f32>,
    /// Label smoothing: share of the target that is spread over all classes, from 0 to below 1.
    pub label_smoothing: f32,
    /// Whether every class is drawn equally often; otherwise as often as it has photos.
    pub class_balanced: bool,
    /// Steps between two evaluations; at least 1.
    pub eval_step_interval: usize,
    /// Photos of the validation split that an evaluation reads, drawn at random; none reads all.
    pub validation_batch_size: Option<usize>,
    /// Seed of the batches.
    pub seed: u64,
}

impl Default for TrainingOptions {
    /// Settings chosen on the validation split of the clothing dataset; their accuracy on its test split is in
    /// benches/RESULTS.md.
    fn default() -> Self {
        Self {
            num_steps: 400,
            learning_rate: 0.03,
            momentum: 0.9,
            batch_size: 100,
            l2: Some(0.03),
            label_smoothing: 0.0,
            class_balanced: true,
            eval_step_interval: 20,
            validation_batch_size: None,
            seed: 0,
        }
    }
}

impl TrainingOptions {
    /// Checks every field.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] naming the field.
    pub fn validate(&self) -> Result<()> {
        for (name, count) in [
            ("num_steps", self.num_steps),
            ("batch_size", self.batch_size),
            ("eval_step_interval", self.eval_step_interval),
            (
                "validation_batch_size",
                self.validation_batch_size.unwrap_or(1),
            ),
        ] {
            if count == 0 {
                return Err(Error::option(name, "must be at least 1"));
            }
        }
        if self.batch_size > 100_000 {
            return Err(Error::option("batch_size", "must be at most 100000"));
        }
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            return Err(Error::option("learning_rate", "must be above 0"));
        }
        if self.l2.is_some_and(|l2| !(l2 >= 0.0 && l2.is_finite())) {
            return Err(Error::option("l2", "must be at least 0"));
        }
        for (name, share) in [
            ("momentum", self.momentum),
            ("label_smoothing", self.label_smoothing),
        ] {
            if !(0.0..1.0).contains(&share) {
                let reason = format!("{share} is not from 0 to below 1");
                return Err(Error::option(name, reason));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_out_of_range_are_named() {
        let default = TrainingOptions::default;
        assert!(default().validate().is_ok());
        for (name, options) in [
            (
                "num_steps",
                TrainingOptions {
                    num_steps: 0,
                    ..default()
                },
            ),
            (
                "learning_rate",
                TrainingOptions {
                    learning_rate: 0.0,
                    ..default()
                },
            ),
            (
                "momentum",
                TrainingOptions {
                    momentum: 1.0,
                    ..default()
                },
            ),
            (
                "l2",
                TrainingOptions {
                    l2: Some(-1.0),
                    ..default()
                },
            ),
            (
                "label_smoothing",
                TrainingOptions {
                    label_smoothing: f32::NAN,
                    ..default()
                },
            ),
        ] {
            let text = options.validate().unwrap_err().to_string();
            assert!(text.contains(name), "{text}");
        }
    }
}
