//! What the judges say about photos that a layer did not learn from.

use rayon::prelude::*;

use super::judge::match_references;
use super::options::ClassifierOptions;
use super::sample::Sample;
use crate::classify::{
    Classifier, Evidence, ReferenceMatch, Samples, SoftmaxLayer, TrainingOptions, cosine,
    train_layer,
};
use crate::error::Result;
use crate::pipeline::MatchOptions;

/// Parts that training photos are cut into where no photo is left for validation: each part is judged
/// by a layer that learned from the others.
const NUM_FOLDS: usize = 3;

/// Index of a sample, what both judges say about it, and its matches.
pub(super) type Judged = (usize, Evidence, Vec<ReferenceMatch>);

/// What both judges say about samples, each with the layer that is to judge it.
pub(super) fn judge(
    classifier: &Classifier,
    samples: &[Sample],
    held_out: Vec<(usize, &SoftmaxLayer)>,
    matching: &MatchOptions,
) -> Result<Vec<Judged>> {
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
            Ok((index, evidence, matches))
        })
        .collect()
}

/// What both judges say about training photos, each by a layer that did not learn from it. Classes of a
/// single photo are left out.
pub(super) fn cross_validate(
    classifier: &Classifier,
    samples: &[Sample],
    training: &[usize],
    all: &Samples,
    options: &ClassifierOptions,
    matching: &MatchOptions,
) -> Result<Vec<Judged>> {
    let num_classes = classifier.labels.len();
    let mut seen = vec![0usize; num_classes];
    let folds: Vec<usize> = training
        .iter()
        .map(|&i| {
            seen[all.classes[i]] += 1;
            (seen[all.classes[i]] - 1) % NUM_FOLDS
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
                &all.select(&rest),
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
        (seen[all.classes[i]] > 1).then_some((i, layer))
    });
    let mut judged = judge(classifier, samples, held_out.collect(), matching)?;
    // The means of the classes hold these photos too, which would make them look more alike than others.
    for (index, evidence, _) in &mut judged {
        let class = all.classes[*index];
        let (global, mean) = (&all.inputs[*index], &classifier.class_means[class]);
        let others: Vec<f32> = mean
            .iter()
            .zip(global)
            .map(|(mean, own)| mean * seen[class] as f32 - own)
            .collect();
        evidence.similarity[class] = cosine(&others, global);
    }
    Ok(judged)
}
