//! A softmax layer: one weight a class and input, one bias a class.

use crate::error::{Error, Result};

/// Normalises a global descriptor for the layer: the signed square root of every number, then unit length (the
/// Hellinger kernel's features). A zero descriptor stays zero.
pub fn normalized(global: &[f32]) -> Vec<f32> {
    let norm = global
        .iter()
        .map(|v| f64::from(v.abs()))
        .sum::<f64>()
        .sqrt();
    let factor = if norm > 0.0 { (1.0 / norm) as f32 } else { 0.0 };
    let root = |v: &f32| v.signum() * v.abs().sqrt() * factor;
    global.iter().map(root).collect()
}

/// The cosine of two vectors; 0 when one is zero.
pub(crate) fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let (mut product, mut square1, mut square2) = (0.0f64, 0.0f64, 0.0f64);
    for (a, b) in a.iter().zip(b) {
        let (a, b) = (f64::from(*a), f64::from(*b));
        product += a * b;
        square1 += a * a;
        square2 += b * b;
    }
    let norm = (square1 * square2).sqrt();
    if norm > 0.0 { product / norm } else { 0.0 }
}

/// A softmax layer on normalised global descriptors.
#[derive(Debug, Clone, PartialEq)]
pub struct SoftmaxLayer {
    num_inputs: usize,
    weights: Vec<f32>,
    biases: Vec<f32>,
}

impl SoftmaxLayer {
    /// Takes `weights`, one row of `num_inputs` numbers a class, and one bias a class.
    ///
    /// # Errors
    /// [`Error::Features`] when the counts do not fit or a value is not finite.
    pub fn new(num_inputs: usize, weights: Vec<f32>, biases: Vec<f32>) -> Result<Self> {
        let fail = |reason: String| Err(Error::Features { reason });
        if num_inputs == 0 || biases.is_empty() || weights.len() != num_inputs * biases.len() {
            return fail(format!(
                "{} weights do not fit {num_inputs} inputs and {} classes",
                weights.len(),
                biases.len()
            ));
        }
        if weights.iter().chain(&biases).any(|v| !v.is_finite()) {
            return fail(
                "the layer holds a value that is not finite; a smaller learning rate helps".into(),
            );
        }
        Ok(Self {
            num_inputs,
            weights,
            biases,
        })
    }

    /// Length of its input.
    pub fn num_inputs(&self) -> usize {
        self.num_inputs
    }

    /// Number of classes.
    pub fn num_classes(&self) -> usize {
        self.biases.len()
    }

    /// One row of [`Self::num_inputs`] weights a class.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// One bias a class.
    pub fn biases(&self) -> &[f32] {
        &self.biases
    }

    /// One number a class, before the softmax, for an input from [`normalized`].
    ///
    /// # Errors
    /// [`Error::Features`] when `input` has another length than [`Self::num_inputs`].
    pub fn logits(&self, input: &[f32]) -> Result<Vec<f64>> {
        if input.len() != self.num_inputs {
            return Err(Error::Features {
                reason: format!(
                    "the layer reads {} numbers, the global descriptor has {}",
                    self.num_inputs,
                    input.len()
                ),
            });
        }
        let rows = self.weights.chunks_exact(self.num_inputs);
        Ok(rows
            .zip(&self.biases)
            .map(|(row, bias)| {
                let product: f64 = row.iter().zip(input).map(|(w, v)| f64::from(w * v)).sum();
                product + f64::from(*bias)
            })
            .collect())
    }
}

/// Probabilities that sum to 1; a higher temperature makes them more even.
pub fn softmax(logits: &[f64], temperature: f64) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = logits
        .iter()
        .map(|logit| ((logit - largest) / temperature).exp())
        .collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|power| power / sum).collect()
}

/// The index of the largest value, the first of equals; 0 of none.
pub fn arg_max(values: &[f64]) -> usize {
    (1..values.len()).fold(0, |best, i| if values[i] > values[best] { i } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_become_roots_of_unit_length() {
        assert_eq!(normalized(&[9.0, 0.0, -16.0]), [0.6, 0.0, -0.8]);
        assert_eq!(normalized(&[0.0, 0.0]), [0.0, 0.0]);
    }

    #[test]
    fn logits_are_products_and_biases() {
        let layer = SoftmaxLayer::new(2, vec![1.0, 2.0, 0.0, -1.0], vec![0.5, 1.0]).unwrap();
        assert_eq!(layer.logits(&[3.0, 1.0]).unwrap(), [5.5, 0.0]);
        assert!(layer.logits(&[1.0]).is_err());
        assert!(SoftmaxLayer::new(2, vec![1.0; 3], vec![0.0; 2]).is_err());
        assert!(SoftmaxLayer::new(1, vec![f32::NAN], vec![0.0]).is_err());
    }

    #[test]
    fn softmax_sums_to_1_whatever_the_logits() {
        let p = softmax(&[1000.0, 1000.0 + 3f64.ln()], 1.0);
        assert!((p[0] - 0.25).abs() < 1e-12 && (p[1] - 0.75).abs() < 1e-12);
        assert!((softmax(&[0.0, 4.0], 1e9)[0] - 0.5).abs() < 1e-6);
        assert_eq!(arg_max(&[1.0, 3.0, 3.0]), 1);
    }
}
