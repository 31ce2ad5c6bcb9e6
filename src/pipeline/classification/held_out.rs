//! Softmax and geometry scores of held-out photos.

use rayon::prelude::*;

use super::options::ClassifierOptions;
use super::photo_classifier::match_references;
use super::sample::{Sample, with_copies};
use crate::classify::{
    Classifier, Evidence, ReferenceMatch, Samples, SoftmaxLayer, TrainingOptions, cosine,
    train_layer,
};
use crate::error::Result;
use crate::pipeline::MatchOptions;

/// Folds of the cross-validation that replaces a missing validation split.
const NUM_FOLDS: usize = 3;

/// A held-out sample and its scores.
pub(super) struct Scored {
    /// Index of the sample.
    pub(super) sample: usize,
    pub(super) evidence: Evidence,
    pub(super) matches: Vec<ReferenceMatch>,
}

/// Scores each sample with the layer given for it.
pub(super) fn score(
    classifier: &Classifier,
    samples: &[Sample],
    held_out: Vec<(usize, &SoftmaxLayer)>,
    matching: &MatchOptions,
) -> Result<Vec<Scored>> {
    held_out
        .into_par_iter()
        .map(|(index, layer)| {
            let features = &samples[index].features;
            let logits = layer.logits(&features.global)?;
            let matches = match classifier.has_geometry() {
                true => match_references(classifier, features, &logits, matching)?,
                false => Vec::new(),
            };
            let mut evidence = classifier.evidence(&features.global, &matches)?;
            evidence.logits = logits;
            Ok(Scored {
                sample: index,
                evidence,
                matches,
            })
        })
        .collect()
}

/// Scores training photos by cross-validation. A photo's distorted copies are held out with it. Classes of a single
/// photo are left out.
pub(super) fn cross_validate(
    classifier: &Classifier,
    samples: &[Sample],
    training: &[usize],
    options: &ClassifierOptions,
    matching: &MatchOptions,
) -> Result<Vec<Scored>> {
    let num_classes = classifier.labels.len();
    let class_of = |index: usize| samples[index].photo.class;
    let mut seen = vec![0usize; num_classes];
    let folds: Vec<usize> = training
        .iter()
        .map(|&i| {
            seen[class_of(i)] += 1;
            (seen[class_of(i)] - 1) % NUM_FOLDS
        })
        .collect();
    let in_fold = |fold: usize, inside: bool| -> Vec<usize> {
        let pairs = training.iter().zip(&folds);
        pairs
            .filter(|(_, f)| (**f == fold) == inside)
            .map(|(i, _)| *i)
            .collect()
    };
    let mut layer_options = options.layer.clone();
    layer_options.l2 = layer_options.l2.or(TrainingOptions::default().l2);
    let layers = (0..NUM_FOLDS)
        .into_par_iter()
        .map(|fold| match [in_fold(fold, true), in_fold(fold, false)] {
            // With one photo a class, all are in one fold and none is left to learn from.
            [held_out, rest] if held_out.is_empty() || rest.is_empty() => Ok(None),
            [_, rest] => train_layer(
                &with_copies(samples, &rest),
                &Samples::default(),
                num_classes,
                &layer_options,
                &mut |_| (),
            )
            .map(Some),
        })
        .collect::<Result<Vec<Option<SoftmaxLayer>>>>()?;
    let held_out = training.iter().zip(&folds).filter_map(|(&i, &fold)| {
        let layer = layers[fold].as_ref()?;
        (seen[class_of(i)] > 1).then_some((i, layer))
    });
    let mut scored = score(classifier, samples, held_out.collect(), matching)?;
    // The means of the classes hold these photos too, which would make them look more alike than others.
    for Scored {
        sample, evidence, ..
    } in &mut scored
    {
        let class = class_of(*sample);
        let global = &samples[*sample].features.global;
        let mean = &classifier.class_means[class];
        let others: Vec<f32> = mean
            .iter()
            .zip(global)
            .map(|(mean, own)| mean * seen[class] as f32 - own)
            .collect();
        evidence.similarity[class] = cosine(&others, global);
    }
    Ok(scored)
}
