//! Learns a softmax layer from labelled global descriptors.
//!
//! Descriptors are centred and scaled to unit variance on average while the layer learns, so that one
//! regularisation and one learning rate serve every network; the returned layer reads
//! [`normalized`](super::normalized) descriptors as they are.

use nalgebra::{DMatrix, DVector};

use super::layer::{SoftmaxLayer, arg_max, softmax};
use super::options::TrainingOptions;
use crate::error::{Error, Result};
use crate::random::SplitMix64;

/// Normalised descriptors and their classes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Samples {
    /// One [`normalized`](super::normalized) descriptor a photo, all of one length.
    pub inputs: Vec<Vec<f32>>,
    /// The class of each, below the number of classes.
    pub classes: Vec<usize>,
}

impl Samples {
    /// The samples at these indices.
    ///
    /// # Panics
    /// When an index is not below the number of samples.
    #[must_use]
    pub fn select(&self, indices: &[usize]) -> Self {
        Self {
            inputs: indices.iter().map(|&i| self.inputs[i].clone()).collect(),
            classes: indices.iter().map(|&i| self.classes[i]).collect(),
        }
    }
}

/// Accuracy and cross entropy of a layer on some photos.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Evaluation {
    /// Share of the photos whose most probable class is right.
    pub accuracy: f64,
    /// Mean of -ln of the right class' probability.
    pub cross_entropy: f64,
    /// The photos evaluated.
    pub num_photos: usize,
}

/// One evaluation while training.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TrainingStep {
    /// The steps taken.
    pub step: usize,
    /// On the batch of this step.
    pub training: Evaluation,
    /// On photos of the validation split; none when it is empty.
    pub validation: Option<Evaluation>,
    /// The logits of this step's batch, class after class of each photo.
    pub pre_activations: Vec<f32>,
    /// The layer as it is.
    pub layer: SoftmaxLayer,
}

/// Trains a layer for `num_classes` classes. `on_step` is called at every evaluation. Deterministic: the same
/// samples, options and seed give the same bits.
///
/// # Errors
/// [`Error::InvalidOption`]; [`Error::Features`] when there is no sample, or descriptors differ in
/// length, or the weights stop being finite.
pub fn train_layer(
    training: &Samples,
    validation: &Samples,
    num_classes: usize,
    options: &TrainingOptions,
    on_step: &mut dyn FnMut(&TrainingStep),
) -> Result<SoftmaxLayer> {
    options.validate()?;
    let dim = check(training, validation, num_classes)?;
    let scaling = Scaling::of(training, dim);
    let scaled: Vec<Vec<f32>> = training.inputs.iter().map(|x| scaling.apply(x)).collect();
    let mut batches = Batches::new(training, num_classes, options);
    let mut rng = SplitMix64::new(options.seed ^ 0x7661_6c69);
    let mut weights = DMatrix::<f32>::zeros(num_classes, dim);
    let mut biases = DVector::<f32>::zeros(num_classes);
    let (mut weight_velocity, mut bias_velocity) = (weights.clone(), biases.clone());
    let l2 = options.l2.unwrap_or(0.0);
    for step in 0..options.num_steps {
        let batch = batches.next_batch();
        let columns = DMatrix::from_iterator(
            dim,
            batch.len(),
            batch.iter().flat_map(|&i| scaled[i].iter().copied()),
        );
        let mut logits = DMatrix::from_fn(num_classes, batch.len(), |class, _| biases[class]);
        logits.gemm(1.0, &weights, &columns, 1.0);
        let classes: Vec<usize> = batch.iter().map(|&i| training.classes[i]).collect();
        let is_evaluated =
            (step + 1) % options.eval_step_interval == 0 || step + 1 == options.num_steps;
        let training_now = is_evaluated.then(|| {
            (
                evaluate_logits(&logits, &classes),
                logits.as_slice().to_vec(),
            )
        });
        let errors = errors(logits, &classes, options.label_smoothing);
        let mut gradient = weights.clone() * l2;
        gradient.gemm(1.0, &errors, &columns.transpose(), 1.0);
        let bias_gradient = errors.column_sum();
        let progress = step as f32 / options.num_steps as f32;
        let rate = options.learning_rate * 0.5 * (1.0 + (std::f32::consts::PI * progress).cos());
        descend(
            &mut weights,
            &mut weight_velocity,
            &gradient,
            rate,
            options.momentum,
        );
        descend(
            &mut biases,
            &mut bias_velocity,
            &bias_gradient,
            rate,
            options.momentum,
        );
        if let Some((training_now, pre_activations)) = training_now {
            let layer = scaling.fold(&weights, &biases)?;
            let sample = match options.validation_batch_size {
                Some(size) if size < validation.classes.len() => {
                    let count = validation.classes.len();
                    let drawn: Vec<usize> = (0..size).map(|_| rng.below(count)).collect();
                    evaluate(&layer, &validation.select(&drawn))?
                }
                _ => evaluate(&layer, validation)?,
            };
            on_step(&TrainingStep {
                step: step + 1,
                training: training_now,
                pre_activations,
                validation: sample,
                layer,
            });
        }
    }
    scaling.fold(&weights, &biases)
}

/// Evaluates a layer; none without samples.
///
/// # Errors
/// [`Error::Features`] when a descriptor has another length than the layer reads.
pub fn evaluate(layer: &SoftmaxLayer, samples: &Samples) -> Result<Option<Evaluation>> {
    let (mut right, mut entropy) = (0usize, 0.0);
    for (input, &class) in samples.inputs.iter().zip(&samples.classes) {
        let logits = layer.logits(input)?;
        right += usize::from(arg_max(&logits) == class);
        entropy -= softmax(&logits, 1.0)[class].max(f64::MIN_POSITIVE).ln();
    }
    let count = samples.classes.len();
    Ok((count > 0).then(|| Evaluation {
        accuracy: right as f64 / count as f64,
        cross_entropy: entropy / count as f64,
        num_photos: count,
    }))
}

fn check(training: &Samples, validation: &Samples, num_classes: usize) -> Result<usize> {
    let fail = |reason: &str| {
        Err(Error::Features {
            reason: reason.into(),
        })
    };
    let dim = match training.inputs.first() {
        Some(input) if !input.is_empty() => input.len(),
        _ => return fail("there is nothing to train on"),
    };
    for samples in [training, validation] {
        if samples.inputs.len() != samples.classes.len() {
            return fail("samples and classes differ in number");
        }
        if samples.inputs.iter().any(|input| input.len() != dim) {
            return fail("global descriptors differ in length");
        }
        if samples.classes.iter().any(|class| *class >= num_classes) {
            return fail("a sample's class is outside the classes");
        }
    }
    Ok(dim)
}

/// The centre of the descriptors, and one factor that gives their numbers unit variance on average.
struct Scaling {
    mean: Vec<f32>,
    factor: f32,
}

impl Scaling {
    fn of(samples: &Samples, dim: usize) -> Self {
        let count = samples.inputs.len() as f64;
        let mut mean = vec![0.0f64; dim];
        for input in &samples.inputs {
            for (mean, v) in mean.iter_mut().zip(input) {
                *mean += f64::from(*v) / count;
            }
        }
        let mut squares = vec![0.0f64; dim];
        for input in &samples.inputs {
            for (i, v) in input.iter().enumerate() {
                squares[i] += (f64::from(*v) - mean[i]).powi(2) / count;
            }
        }
        let deviation = squares.iter().map(|s| s.sqrt()).sum::<f64>() / dim as f64;
        Self {
            mean: mean.iter().map(|m| *m as f32).collect(),
            factor: if deviation > 0.0 {
                (1.0 / deviation) as f32
            } else {
                0.0
            },
        }
    }

    fn apply(&self, input: &[f32]) -> Vec<f32> {
        let centred = input.iter().zip(&self.mean).map(|(v, mean)| v - mean);
        centred.map(|v| v * self.factor).collect()
    }

    /// The layer that gives the same logits on inputs that are not scaled.
    fn fold(&self, weights: &DMatrix<f32>, biases: &DVector<f32>) -> Result<SoftmaxLayer> {
        let dim = self.mean.len();
        let mut folded = Vec::with_capacity(weights.len());
        let mut shifted = Vec::with_capacity(biases.len());
        for class in 0..biases.len() {
            let row = (0..dim).map(|i| weights[(class, i)] * self.factor);
            let shift: f64 = row
                .clone()
                .zip(&self.mean)
                .map(|(w, m)| f64::from(w) * f64::from(*m))
                .sum();
            folded.extend(row);
            shifted.push((f64::from(biases[class]) - shift) as f32);
        }
        SoftmaxLayer::new(dim, folded, shifted)
    }
}

/// Draws batches with no end: every photo once in an order of its own, then again; of classes in
/// turn when they are balanced.
struct Batches {
    queues: Vec<Vec<usize>>,
    heads: Vec<usize>,
    turn: usize,
    size: usize,
    rng: SplitMix64,
}

impl Batches {
    fn new(samples: &Samples, num_classes: usize, options: &TrainingOptions) -> Self {
        let mut queues = vec![
            Vec::new();
            if options.class_balanced {
                num_classes
            } else {
                1
            }
        ];
        for (index, class) in samples.classes.iter().enumerate() {
            queues[if options.class_balanced { *class } else { 0 }].push(index);
        }
        queues.retain(|queue| !queue.is_empty());
        Self {
            heads: queues.iter().map(Vec::len).collect(),
            queues,
            turn: 0,
            size: options.batch_size,
            rng: SplitMix64::new(options.seed),
        }
    }

    fn next_batch(&mut self) -> Vec<usize> {
        (0..self.size).map(|_| self.next_sample()).collect()
    }

    fn next_sample(&mut self) -> usize {
        let at = self.turn;
        self.turn = (self.turn + 1) % self.queues.len();
        let queue = &mut self.queues[at];
        if self.heads[at] == queue.len() {
            self.heads[at] = 0;
            for last in (1..queue.len()).rev() {
                queue.swap(last, self.rng.below(last + 1));
            }
        }
        self.heads[at] += 1;
        queue[self.heads[at] - 1]
    }
}

/// Probability less target over the number of photos: the gradient of the mean cross entropy.
fn errors(mut logits: DMatrix<f32>, classes: &[usize], label_smoothing: f32) -> DMatrix<f32> {
    let (num_classes, count) = (logits.nrows() as f32, classes.len() as f32);
    for (mut column, class) in logits.column_iter_mut().zip(classes) {
        let largest = column.max();
        column.apply(|v| *v = (*v - largest).exp());
        let sum = column.sum();
        column.apply(|v| *v = (*v / sum - label_smoothing / num_classes) / count);
        column[*class] -= (1.0 - label_smoothing) / count;
    }
    logits
}

fn evaluate_logits(logits: &DMatrix<f32>, classes: &[usize]) -> Evaluation {
    let (mut right, mut entropy) = (0usize, 0.0);
    for (column, &class) in logits.column_iter().zip(classes) {
        let column: Vec<f64> = column.iter().map(|v| f64::from(*v)).collect();
        right += usize::from(arg_max(&column) == class);
        entropy -= softmax(&column, 1.0)[class].max(f64::MIN_POSITIVE).ln();
    }
    Evaluation {
        accuracy: right as f64 / classes.len() as f64,
        cross_entropy: entropy / classes.len() as f64,
        num_photos: classes.len(),
    }
}

/// One step of Nesterov's momentum.
fn descend<C: nalgebra::Dim, S>(
    values: &mut nalgebra::Matrix<f32, nalgebra::Dyn, C, S>,
    velocity: &mut nalgebra::Matrix<f32, nalgebra::Dyn, C, S>,
    gradient: &nalgebra::Matrix<f32, nalgebra::Dyn, C, S>,
    rate: f32,
    momentum: f32,
) where
    S: nalgebra::StorageMut<f32, nalgebra::Dyn, C>,
{
    for ((value, velocity), gradient) in values.iter_mut().zip(velocity.iter_mut()).zip(gradient) {
        *velocity = momentum * *velocity - rate * gradient;
        *value += momentum * *velocity - rate * gradient;
    }
}

#[cfg(test)]
mod tests;
