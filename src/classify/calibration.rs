//! Calibration of the softmax and geometry scores, on photos that the layer was not trained on.
//!
//! A conditional logit model (McFadden 1974) fuses the scores: the probability of a class is the
//! softmax of `layer` times its logit plus `geometry` times its geometric evidence. The probability
//! that a photo fits its class is the product of two factors: a logistic regression that was trained
//! against photos of the other classes, and the likeness of the photo to the mean of the class, which
//! rejects photos unlike anything the layer was trained on.

use nalgebra::{SMatrix, SVector};
use serde::{Deserialize, Serialize};

use super::layer::{arg_max, softmax};

/// Geometric evidence of a match with a class' photo: the log-odds that both photos show the same thing, and 0
/// below even odds, as a class has more things than the training photos show.
pub fn geometric_evidence(log_odds: f64) -> f64 {
    log_odds.max(0.0)
}

/// The scores of one photo, one value per class.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// The layer's logits.
    pub logits: Vec<f64>,
    /// [`geometric_evidence`] of the best training photo of the class; all 0 without geometry.
    pub geometry: Vec<f64>,
    /// Cosine of the photo's normalised global descriptor and the mean of the class', from -1 to 1.
    pub similarity: Vec<f64>,
}

/// The weights of the scores.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Multiplies the logits without geometry: one over the temperature; at least 0.001.
    pub layer_alone: f64,
    /// Multiplies the logits with geometry; at least 0.001.
    pub layer: f64,
    /// Multiplies the geometric evidence.
    pub geometry: f64,
    /// Constant, similarity, logarithm of the sum of the logits' powers, geometry: weights of the log
    /// odds that a photo fits its class; all 0 when there were no photos to learn them on.
    pub fit: [f64; 4],
    /// Mean and standard deviation of photos' similarity to their class.
    pub similarity: [f64; 2],
}

impl Default for Calibration {
    /// The values without photos to learn from.
    fn default() -> Self {
        Self {
            layer_alone: 1.0,
            layer: PRIOR[0],
            geometry: PRIOR[1],
            fit: [0.0; 4],
            similarity: [0.0, 1.0],
        }
    }
}

/// Weights of layer and geometry before any photo is seen, and one over the variance that they are
/// expected to have.
const PRIOR: [f64; 2] = [1.0, 1.0];
const PRIOR_PRECISION: f64 = 1.0;
/// The least weight of the layer. Photos that it labels wrongly pull its weight to 0 and below, where all classes
/// would be equally probable and the first of them the answer. With a thousandth of the prior weight the layer's
/// best class stays the answer, with a probability little above the others'.
const MIN_LAYER: f64 = 0.001;
/// The same for the weights of `fit`, around 0.
const FIT_PRECISION: f64 = 0.05;

/// Standard deviations below the mean similarity at which the likeness is one half; one photo in 160 of
/// a class lies below.
const MAX_DEVIATION: f64 = 2.5;
/// Photos of a class are taken to differ at least this much, in similarity.
const MIN_SPREAD: f64 = 0.01;
/// Turns the logistic function into the normal distribution's, to 0.01.
const LOGISTIC_FROM_NORMAL: f64 = 1.702;
/// Log-odds from which a match with a training photo is sure, however unlike the rest of the photo is: a
/// probability of .95.
pub const SURE_LOG_ODDS: f64 = 2.944;

/// Log-odds for each unit of the logarithm of the inliers.
const LOG_ODDS_PER_LN_INLIERS: f64 = 5.0;

/// Log-odds that two photos show the same thing where the number of inliers alone is known and
/// `min_inliers` make a yes: [`SURE_LOG_ODDS`] at that number.
pub fn log_odds_of_inliers(num_inliers: usize, min_inliers: usize) -> f64 {
    let ratio = num_inliers.max(1) as f64 / min_inliers.max(1) as f64;
    SURE_LOG_ODDS + LOG_ODDS_PER_LN_INLIERS * ratio.ln()
}

/// Steps of Newton's method; it ends much earlier.
const MAX_NEWTON_STEPS: usize = 50;

impl Calibration {
    /// Converts the calibration of a file of version 2, whose geometric evidence was the logarithm of the inliers
    /// over ten, to log-odds.
    pub(super) fn rescaled_from_inliers(mut self) -> Self {
        self.geometry /= LOG_ODDS_PER_LN_INLIERS;
        self.fit[3] /= LOG_ODDS_PER_LN_INLIERS;
        self
    }

    /// Learns the weights from photos that the layer was not trained on, and their classes; each class
    /// is below the length of its evidence. Deterministic.
    pub fn fit(photos: &[(Evidence, usize)]) -> Self {
        if photos.is_empty() {
            return Self::default();
        }
        let [layer_alone] =
            conditional_logit(photos, [PRIOR[0]], [MIN_LAYER], |e, c| [e.logits[c]]);
        let [layer, geometry] = conditional_logit(photos, PRIOR, [MIN_LAYER, 0.0], |e, c| {
            [e.logits[c], e.geometry[c]]
        });
        let mut calibration = Self {
            layer_alone,
            layer,
            geometry,
            fit: [0.0; 4],
            similarity: spread(photos),
        };
        calibration.fit = calibration.fit_of_classes(photos);
        calibration
    }

    /// Raises the layer's weights of an older file, which may be 0, to the least that [`Self::fit`] gives.
    pub(super) fn with_least_layer(mut self) -> Self {
        self.layer_alone = self.layer_alone.max(MIN_LAYER);
        self.layer = self.layer.max(MIN_LAYER);
        self
    }

    /// Whether the photos that it was learned from support the layer's probabilities; else these are nearly equal.
    pub fn supports_layer(&self) -> bool {
        self.layer_alone > MIN_LAYER
    }

    /// The classes' probabilities by the layer alone.
    pub fn layer_probabilities(&self, evidence: &Evidence) -> Vec<f64> {
        softmax(&evidence.logits, 1.0 / self.layer_alone)
    }

    /// The classes' probabilities by both scores; by the softmax score alone without geometric evidence.
    pub fn probabilities(&self, evidence: &Evidence) -> Vec<f64> {
        if evidence.geometry.iter().all(|g| *g == 0.0) {
            return self.layer_probabilities(evidence);
        }
        let both = evidence.logits.iter().zip(&evidence.geometry);
        let joined: Vec<f64> = both
            .map(|(logit, geometry)| self.layer * logit + self.geometry * geometry)
            .collect();
        softmax(&joined, 1.0)
    }

    /// Whether [`Self::fit_probability`] was learned from photos; else it is always a half.
    pub fn can_reject(&self) -> bool {
        self.fit != Self::default().fit
    }

    /// The probability, from 0 to 1, that the photo belongs to `class` and not to none.
    pub fn fit_probability(&self, evidence: &Evidence, class: usize) -> f64 {
        let odds: f64 = fit_features(evidence, class)
            .iter()
            .zip(&self.fit)
            .map(|(v, w)| v * w)
            .sum();
        sigmoid(odds) * self.likeness(evidence, class)
    }

    /// Likeness of the photo's similarity to `class` to that of the class' photos, from 0 to 1.
    fn likeness(&self, evidence: &Evidence, class: usize) -> f64 {
        if !self.can_reject() || evidence.geometry[class] >= SURE_LOG_ODDS {
            return 1.0;
        }
        let [mean, deviation] = self.similarity;
        let z = (evidence.similarity[class] - mean) / deviation;
        sigmoid(LOGISTIC_FROM_NORMAL * (z + MAX_DEVIATION))
    }

    /// The samples of no class are photos whose own class is removed: each photo is used twice, as it is and
    /// without its class.
    fn fit_of_classes(&self, photos: &[(Evidence, usize)]) -> [f64; 4] {
        let mut samples = Vec::new();
        for (evidence, class) in photos {
            samples.push((fit_features(evidence, *class), 1.0));
            if evidence.logits.len() > 1 {
                let without = without_class(evidence, *class);
                let nearest = arg_max(&self.probabilities(&without));
                samples.push((fit_features(&without, nearest), 0.0));
            }
        }
        logistic(&samples)
    }
}

fn sigmoid(odds: f64) -> f64 {
    1.0 / (1.0 + (-odds).exp())
}

/// Mean and standard deviation of the photos' similarity to their classes.
fn spread(photos: &[(Evidence, usize)]) -> [f64; 2] {
    let count = photos.len() as f64;
    let values = || photos.iter().map(|(e, class)| e.similarity[*class]);
    let mean = values().sum::<f64>() / count;
    let variance = values().map(|v| (v - mean).powi(2)).sum::<f64>() / count;
    [mean, variance.sqrt().max(MIN_SPREAD)]
}

fn without_class(evidence: &Evidence, class: usize) -> Evidence {
    let drop = |values: &[f64]| -> Vec<f64> {
        let kept = values.iter().enumerate().filter(|(c, _)| *c != class);
        kept.map(|(_, v)| *v).collect()
    };
    Evidence {
        logits: drop(&evidence.logits),
        geometry: drop(&evidence.geometry),
        similarity: drop(&evidence.similarity),
    }
}

fn fit_features(evidence: &Evidence, class: usize) -> [f64; 4] {
    let largest = evidence.logits.iter().copied().fold(f64::MIN, f64::max);
    let powers = evidence.logits.iter().map(|l| (l - largest).exp());
    let energy = largest + powers.sum::<f64>().ln();
    [
        1.0,
        evidence.similarity[class] * 10.0,
        energy,
        evidence.geometry[class],
    ]
}

/// The weights of `N` values a class under which the right classes are most probable; none below its `least`.
fn conditional_logit<const N: usize>(
    photos: &[(Evidence, usize)],
    prior: [f64; N],
    least: [f64; N],
    values: impl Fn(&Evidence, usize) -> [f64; N],
) -> [f64; N] {
    let (prior, least) = (SVector::from(prior), SVector::from(least));
    let mut weights = prior;
    for _ in 0..MAX_NEWTON_STEPS {
        let mut gradient = (prior - weights) * PRIOR_PRECISION;
        let mut hessian = SMatrix::<f64, N, N>::identity() * PRIOR_PRECISION;
        for (evidence, class) in photos {
            let rows: Vec<SVector<f64, N>> = (0..evidence.logits.len())
                .map(|c| SVector::from(values(evidence, c)))
                .collect();
            let logits: Vec<f64> = rows.iter().map(|row| row.dot(&weights)).collect();
            let probabilities = softmax(&logits, 1.0);
            let mut mean = SVector::<f64, N>::zeros();
            for (row, p) in rows.iter().zip(&probabilities) {
                mean += row * *p;
            }
            gradient += rows[*class] - mean;
            for (row, p) in rows.iter().zip(&probabilities) {
                hessian += (row - mean) * (row - mean).transpose() * *p;
            }
        }
        let has_moved = newton_step(&mut weights, &hessian, &gradient);
        weights = weights.zip_map(&least, f64::max);
        if !has_moved {
            break;
        }
    }
    weights.into()
}

/// Logistic regression with a weak pull to 0.
fn logistic<const N: usize>(samples: &[([f64; N], f64)]) -> [f64; N] {
    let mut weights = SVector::<f64, N>::zeros();
    for _ in 0..MAX_NEWTON_STEPS {
        let mut gradient = weights * -FIT_PRECISION;
        let mut hessian = SMatrix::<f64, N, N>::identity() * FIT_PRECISION;
        for (values, target) in samples {
            let row = SVector::from(*values);
            let p = sigmoid(row.dot(&weights));
            gradient += row * (target - p);
            hessian += row * row.transpose() * (p * (1.0 - p));
        }
        if !newton_step(&mut weights, &hessian, &gradient) {
            break;
        }
    }
    weights.into()
}

/// One step, shortened where it is very long; whether it moved.
fn newton_step<const N: usize>(
    weights: &mut SVector<f64, N>,
    hessian: &SMatrix<f64, N, N>,
    gradient: &SVector<f64, N>,
) -> bool {
    let Some(inverse) = hessian.try_inverse() else {
        return false;
    };
    let step = inverse * gradient;
    if !step.iter().all(|v| v.is_finite()) {
        return false;
    }
    *weights += step * (2.0 / step.norm()).min(1.0);
    step.norm() > 1e-9
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(logits: &[f64], log_odds: &[i32], similarity: &[f64]) -> Evidence {
        Evidence {
            logits: logits.to_vec(),
            geometry: log_odds
                .iter()
                .map(|v| geometric_evidence(f64::from(*v)))
                .collect(),
            similarity: similarity.to_vec(),
        }
    }

    #[test]
    fn what_is_improbable_is_no_evidence() {
        assert_eq!(geometric_evidence(-3.0), 0.0);
        assert_eq!(geometric_evidence(2.5), 2.5);
    }

    #[test]
    fn a_layer_that_is_too_sure_is_tempered() {
        // Logits 4 apart give 0.98, but a quarter are wrong.
        let photos: Vec<_> = (0..40)
            .map(|i| {
                (
                    evidence(&[4.0, 0.0], &[0, 0], &[0.9, 0.5]),
                    usize::from(i % 4 == 0),
                )
            })
            .collect();
        let calibration = Calibration::fit(&photos);
        let p = calibration.layer_probabilities(&photos[0].0)[0];
        assert!((p - 0.75).abs() < 0.01, "{p}");
        assert_eq!(calibration.probabilities(&photos[0].0)[0], p);
    }

    #[test]
    fn a_layer_that_is_always_wrong_still_orders_the_classes() {
        let wrong = |class: usize| {
            let mut e = evidence(&[0.0; 3], &[0; 3], &[0.5; 3]);
            e.logits[(class + 1) % 3] = 8.0;
            (e, class)
        };
        let calibration = Calibration::fit(&[wrong(0), wrong(1), wrong(2)]);
        assert!(!calibration.supports_layer());
        assert!(Calibration::default().supports_layer());
        let unsure = evidence(&[1.0, 2.0, 5.0], &[0; 3], &[0.5; 3]);
        let p = calibration.layer_probabilities(&unsure);
        assert!(p[2] > p[1] && p[1] > p[0] && p[2] < 0.4, "{p:?}");
        // So it does where geometry finds as much for two classes.
        let tied = evidence(&[1.0, 5.0, 2.0], &[0, 4, 4], &[0.5; 3]);
        assert_eq!(arg_max(&calibration.probabilities(&tied)), 1);
        let of_old_file = Calibration {
            layer_alone: 0.0,
            layer: 0.0,
            ..Calibration::default()
        };
        let p = of_old_file.with_least_layer().layer_probabilities(&unsure);
        assert_eq!(arg_max(&p), 2);
    }

    #[test]
    fn the_score_that_is_right_gets_the_weight() {
        // Geometric evidence is always right, the layer half of the time.
        let photos: Vec<_> = (0..40)
            .map(|i| {
                let (class, said) = (i % 2, (i / 2) % 2);
                let mut logits = [0.0, 0.0];
                logits[said] = 2.0;
                let mut log_odds = [0, 0];
                log_odds[class] = 6;
                (evidence(&logits, &log_odds, &[0.5, 0.5]), class)
            })
            .collect();
        let calibration = Calibration::fit(&photos);
        for (evidence, class) in &photos {
            assert_eq!(arg_max(&calibration.probabilities(evidence)), *class);
        }
        // And the other way about.
        let wrong: Vec<_> = photos
            .iter()
            .map(|(e, _)| (e.clone(), arg_max(&e.logits)))
            .collect();
        let calibration = Calibration::fit(&wrong);
        assert!(calibration.layer > calibration.geometry);
    }

    #[test]
    fn a_photo_that_fits_no_class_is_told_from_one_that_does() {
        let photos: Vec<_> = (0..40)
            .map(|i| {
                let noise = f64::from(i) / 400.0;
                let mut e = evidence(&[0.0; 2], &[0, 0], &[0.5 + noise, 0.5 + noise]);
                let class = usize::from(i % 2 == 0);
                e.logits[class] = 3.0 + noise;
                e.similarity[class] = 0.9 - noise;
                (e, class)
            })
            .collect();
        let calibration = Calibration::fit(&photos);
        let fits = evidence(&[3.0, 0.0], &[0, 0], &[0.88, 0.5]);
        let unknown = evidence(&[0.2, 0.0], &[0, 0], &[0.5, 0.5]);
        assert!(calibration.fit_probability(&fits, 0) > 0.7);
        assert!(calibration.fit_probability(&unknown, 0) < 0.3);
        // As sure as the layer may be, it is not like the photos of any class; inliers are another matter.
        let far = evidence(&[9.0, 0.0], &[0, 0], &[0.1, 0.1]);
        assert!(calibration.fit_probability(&far, 0) < 0.1);
        let part = evidence(&[9.0, 0.0], &[5, 0], &[0.1, 0.1]);
        assert!(calibration.fit_probability(&part, 0) > calibration.fit_probability(&far, 0));
        assert_eq!(Calibration::fit(&[]), Calibration::default());
        assert!(calibration.can_reject() && !Calibration::default().can_reject());
    }
}
