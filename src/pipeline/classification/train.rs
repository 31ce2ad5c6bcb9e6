//! Folders of photos -> a classifier.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use rayon::prelude::*;

use super::held_out::{Scored, cross_validate, score};
use super::options::{ClassifierOptions, TrainingFolders};
use super::photo_classifier::{Classification, conclude};
use super::photos::{TrainingObserver, global_of, read_photos};
use super::sample::{Sample, SplitPhoto, with_copies};
use super::splits::{ensure_training, list, split};
use crate::classify::{
    Calibration, Classifier, Dataset, Evaluation, Evidence, FeatureSettings, LabelledPhoto,
    NetworkId, Reference, Samples, SoftmaxLayer, Split, TrainingOptions, arg_max, evaluate,
    hash_percentage, train_layer,
};
use crate::counted::counted;
use crate::error::{Error, Result};
use crate::extract::{ExtractionOptions, Model};
use crate::image::Photo;
use crate::pipeline::cache::{FeatureCache, PhotoCache};
use crate::store::ContentHash;

/// Regularisations that are tried when none is named.
const L2_TRIED: [f32; 5] = [0.003, 0.01, 0.03, 0.1, 0.3];

/// A photo, its true class and its classification.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelledResult {
    /// The photo.
    pub photo: LabelledPhoto,
    /// The classification.
    pub classification: Classification,
}

/// A photo that was used for a classifier.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TrainedPhoto {
    /// The photo.
    pub photo: LabelledPhoto,
    /// Its split.
    pub split: Split,
    /// SHA-256 of its file.
    pub content_hash: ContentHash,
    /// Its normalised global descriptor.
    pub global: Vec<f32>,
}

/// A classifier with the results of its training.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TrainedClassifier {
    /// The classifier.
    pub classifier: Classifier,
    /// Every photo that could be read.
    pub photos: Vec<TrainedPhoto>,
    /// The layer alone on the photos for testing.
    pub layer_test: Option<Evaluation>,
    /// The photos for testing.
    pub test_results: Vec<LabelledResult>,
    /// Training time of the layer.
    pub layer_time: Duration,
}

/// Trains a classifier on folders. Deterministic: the same photos, options and network give the same classifier on
/// any number of threads, with any content of the cache, also when it fails. Unreadable photos, and classes without
/// a readable one, are reported to the observer and left out.
///
/// # Errors
/// [`Error::InvalidOption`]; [`Error::Dataset`] when the folders do not make two classes, before any photo is computed;
/// [`Error::Model`] when the network has no global descriptor.
pub fn train_classifier(
    model: &Model,
    folders: &TrainingFolders,
    options: &ClassifierOptions,
    cache: &dyn FeatureCache,
    observer: &dyn TrainingObserver,
) -> Result<TrainedClassifier> {
    options.validate()?;
    let (labels, photos) = list(folders, options, observer)?;
    train(
        model,
        labels,
        photos,
        &folders.training,
        options,
        cache,
        observer,
    )
}

/// As [`train_classifier`], from photos with known classes, wherever they lie; `folder` is named in errors.
///
/// # Errors
/// As [`train_classifier`]; also [`Error::Dataset`] for a class without a photo that can be read, and for fewer than
/// two classes.
pub fn train_on(
    model: &Model,
    dataset: Dataset,
    folder: &Path,
    options: &ClassifierOptions,
    cache: &dyn FeatureCache,
    observer: &dyn TrainingObserver,
) -> Result<TrainedClassifier> {
    options.validate()?;
    if dataset.labels.len() < 2 {
        return Err(Error::Dataset {
            path: folder.to_owned(),
            reason: "a classifier needs two classes or more".into(),
        });
    }
    let labels = dataset.labels.clone();
    let photos = split(dataset, &options.split, options);
    train(model, labels, photos, folder, options, cache, observer)
}

fn train(
    model: &Model,
    labels: Vec<String>,
    photos: Vec<SplitPhoto>,
    folder: &Path,
    options: &ClassifierOptions,
    cache: &dyn FeatureCache,
    observer: &dyn TrainingObserver,
) -> Result<TrainedClassifier> {
    let cache = &PhotoCache::new(cache, |text| observer.note(text));
    let settings = settings(options, model);
    let mut samples = read(model, photos, &settings, options, cache, observer)?;
    ensure_training(&mut samples, &labels, folder, observer)?;
    if options.distortions.is_any() {
        samples = distort(model, samples, &settings, options, observer)?;
        // A class may have lost all that it was to learn from.
        ensure_training(&mut samples, &labels, folder, observer)?;
    }
    if let Some(note) = trained_and_tested(&samples) {
        observer.note(&note);
    }
    let of = |split: Split| -> Vec<usize> {
        let indices = samples.iter().enumerate();
        indices
            .filter(|(_, s)| s.split == split)
            .map(|(i, _)| i)
            .collect()
    };
    let (training, validation, testing) = (
        of(Split::Training),
        of(Split::Validation),
        of(Split::Testing),
    );
    let all = Samples {
        inputs: samples.iter().map(|s| s.features.global.clone()).collect(),
        classes: samples.iter().map(|s| s.photo.class).collect(),
    };
    let train_set = with_copies(&samples, &training);
    let validation_set = all.select(&validation);
    let start = Instant::now();
    let layer = learn(&train_set, &validation_set, labels.len(), options, observer)?;
    let layer_time = start.elapsed();
    let mut classifier = Classifier {
        network: NetworkId {
            name: model.manifest().name.clone(),
            sha256: model.manifest().sha256.clone(),
        },
        settings,
        class_means: means(&all.select(&training), labels.len()),
        labels,
        layer,
        calibration: Calibration::default(),
        references: references(&samples, &training, options),
        test_accuracy: None,
    };
    let matching = options.geometry.clone().unwrap_or_default();
    let scored = if validation.is_empty() {
        observer.note("no photo is left for validation: the scores are calibrated by cross-validation on the training photos");
        cross_validate(&classifier, &samples, &training, options, &matching)?
    } else {
        let held_out = validation.iter().map(|&i| (i, &classifier.layer)).collect();
        score(&classifier, &samples, held_out, &matching)?
    };
    let evidence: Vec<(Evidence, usize)> = scored
        .into_iter()
        .map(|scored| (scored.evidence, samples[scored.sample].photo.class))
        .collect();
    classifier.calibration = Calibration::fit(&evidence);
    if !classifier.calibration.supports_layer() {
        let held_out = match validation.is_empty() {
            true => "held-out training photo",
            false => "validation photo",
        };
        observer.note(&unsupported(&evidence, held_out));
    }
    if testing.is_empty() {
        observer.note("no photo is left for testing: there is no test accuracy");
    }
    let held_out = testing.iter().map(|&i| (i, &classifier.layer)).collect();
    let test_results: Vec<LabelledResult> = score(&classifier, &samples, held_out, &matching)?
        .into_iter()
        .map(
            |Scored {
                 sample,
                 evidence,
                 matches,
             }| LabelledResult {
                photo: samples[sample].photo.clone(),
                classification: conclude(&classifier, &evidence, &matches),
            },
        )
        .collect();
    let right = test_results
        .iter()
        .filter(|r| r.classification.class == r.photo.class)
        .count();
    classifier.test_accuracy =
        (!test_results.is_empty()).then(|| right as f64 / test_results.len() as f64);
    Ok(TrainedClassifier {
        layer_test: evaluate(&classifier.layer, &all.select(&testing))?,
        classifier,
        photos: samples
            .into_iter()
            .map(|s| TrainedPhoto {
                photo: s.photo,
                split: s.split,
                content_hash: s.features.content_hash,
                global: s.features.global,
            })
            .collect(),
        test_results,
        layer_time,
    })
}

/// A remark on test photos whose content was trained on too.
fn trained_and_tested(samples: &[Sample]) -> Option<String> {
    let hashes = |is_tested: bool| {
        let own = samples.iter();
        let own = own.filter(move |sample| (sample.split == Split::Testing) == is_tested);
        own.map(|sample| sample.features.content_hash)
    };
    let known: BTreeSet<ContentHash> = hashes(false).collect();
    let num_known = hashes(true).filter(|hash| known.contains(hash)).count();
    let num_tested = hashes(true).count();
    let are = if num_tested == 1 { "is" } else { "are" };
    (num_known > 0).then(|| {
        format!(
            "{num_known} of {} {are} among those trained on, by their content: the test accuracy tells little about other photos",
            counted(num_tested, "test photo")
        )
    })
}

/// The remark on held-out photos that do not support the layer's probabilities.
fn unsupported(evidence: &[(Evidence, usize)], held_out: &str) -> String {
    let wrong = evidence
        .iter()
        .filter(|(evidence, class)| arg_max(&evidence.logits) != *class)
        .count();
    format!(
        "the softmax score labels {wrong} of {} wrongly, which tells nothing about how far it can be trusted: its best class is taken, with a probability little above the others'",
        counted(evidence.len(), held_out)
    )
}

fn settings(options: &ClassifierOptions, model: &Model) -> FeatureSettings {
    let local = match &options.geometry {
        Some(matching) => matching.extraction.clone(),
        None => ExtractionOptions::from(model.defaults()),
    };
    FeatureSettings {
        global_size: options.global_size,
        max_size: local.max_size,
        scales: local.scales,
        max_features: local.max_features,
    }
}

fn read(
    model: &Model,
    photos: Vec<SplitPhoto>,
    settings: &FeatureSettings,
    options: &ClassifierOptions,
    cache: &dyn FeatureCache,
    observer: &dyn TrainingObserver,
) -> Result<Vec<Sample>> {
    let paths: Vec<&Path> = photos
        .iter()
        .map(|(photo, _)| photo.path.as_path())
        .collect();
    let with_local = options.geometry.is_some();
    let features = read_photos(
        model,
        &paths,
        settings,
        with_local,
        &options.decode,
        cache,
        observer,
    );
    let mut samples = Vec::with_capacity(photos.len());
    for ((photo, split), features) in photos.into_iter().zip(features) {
        if let Some(features) = unless_unreadable(features, observer)? {
            samples.push(Sample {
                photo,
                split,
                features,
                copies: Vec::new(),
            });
        }
    }
    Ok(samples)
}

/// The result; none for an unreadable photo, which is noted.
fn unless_unreadable<T>(read: Result<T>, observer: &dyn TrainingObserver) -> Result<Option<T>> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error @ (Error::Model { .. } | Error::InvalidOption { .. } | Error::Cancelled)) => {
            Err(error)
        }
        Err(error) => {
            observer.note(&format!("{error}; left out"));
            Ok(None)
        }
    }
}

/// Adds the distorted copies of the training photos; a photo that can no longer be read is left out.
fn distort(
    model: &Model,
    samples: Vec<Sample>,
    settings: &FeatureSettings,
    options: &ClassifierOptions,
    observer: &dyn TrainingObserver,
) -> Result<Vec<Sample>> {
    let copies: Vec<Result<Vec<Vec<f32>>>> = samples
        .par_iter()
        .map(|sample| match sample.split {
            Split::Training => copies(model, &sample.photo.path, settings, options, observer),
            _ => Ok(Vec::new()),
        })
        .collect();
    let mut distorted = Vec::with_capacity(samples.len());
    for (mut sample, copies) in samples.into_iter().zip(copies) {
        if let Some(copies) = unless_unreadable(copies, observer)? {
            sample.copies = copies;
            distorted.push(sample);
        }
    }
    Ok(distorted)
}

/// The normalised global descriptors of the distorted copies of the photo at `path`.
fn copies(
    model: &Model,
    path: &Path,
    settings: &FeatureSettings,
    options: &ClassifierOptions,
    observer: &dyn TrainingObserver,
) -> Result<Vec<Vec<f32>>> {
    let check = || match observer.is_cancelled() {
        true => Err(Error::Cancelled),
        false => Ok(()),
    };
    check()?;
    let photo = Photo::open(path, &options.decode)?;
    (0..options.distortions.num_copies)
        .map(|copy| {
            check()?;
            let distorted = options.distortions.apply(&photo, copy)?;
            global_of(model, &distorted, settings)
        })
        .collect()
}

/// Trains with the regularisation of the options, or the best of several.
fn learn(
    training: &Samples,
    validation: &Samples,
    num_classes: usize,
    options: &ClassifierOptions,
    observer: &dyn TrainingObserver,
) -> Result<SoftmaxLayer> {
    let mut chosen = options.layer.clone();
    if chosen.l2.is_none() && !validation.inputs.is_empty() {
        let mut tried = L2_TRIED
            .par_iter()
            .map(|&l2| {
                let with = TrainingOptions {
                    l2: Some(l2),
                    ..options.layer.clone()
                };
                let layer = train_layer(training, validation, num_classes, &with, &mut |_| ())?;
                let evaluation = evaluate(&layer, validation)?;
                Ok((evaluation.map_or(f64::INFINITY, |e| e.cross_entropy), l2))
            })
            .collect::<Result<Vec<(f64, f32)>>>()?;
        tried.sort_by(|a, b| a.0.total_cmp(&b.0));
        chosen.l2 = tried.first().map(|(_, l2)| *l2);
        observer.note(&format!("l2 = {} does best on validation", tried[0].1));
    }
    if chosen.l2.is_none() {
        chosen.l2 = TrainingOptions::default().l2;
    }
    train_layer(training, validation, num_classes, &chosen, &mut |step| {
        observer.step(step);
    })
}

fn means(samples: &Samples, num_classes: usize) -> Vec<Vec<f32>> {
    let dim = samples.inputs.first().map_or(0, Vec::len);
    let mut means = vec![vec![0.0f32; dim]; num_classes];
    let mut counts = vec![0usize; num_classes];
    for class in &samples.classes {
        counts[*class] += 1;
    }
    for (input, &class) in samples.inputs.iter().zip(&samples.classes) {
        for (mean, v) in means[class].iter_mut().zip(input) {
            *mean += v / counts[class] as f32;
        }
    }
    means
}

/// The training photos that are kept: of each class those with the smallest hash, which is a choice
/// by chance that stays when photos are added.
fn references(
    samples: &[Sample],
    training: &[usize],
    options: &ClassifierOptions,
) -> Vec<Reference> {
    let Some(matching) = &options.geometry else {
        return Vec::new();
    };
    let mut order = training.to_vec();
    order.sort_by(|&a, &b| {
        let hash = |i: usize| hash_percentage(&samples[i].photo.name);
        let class = |i: usize| samples[i].photo.class;
        class(a)
            .cmp(&class(b))
            .then(hash(a).total_cmp(&hash(b)))
            .then(a.cmp(&b))
    });
    let mut kept: Vec<Reference> = Vec::new();
    let (mut class, mut count) = (usize::MAX, 0);
    for index in order {
        let sample = &samples[index];
        if sample.photo.class != class {
            (class, count) = (sample.photo.class, 0);
        }
        count += 1;
        if count > options.max_references_per_class {
            continue;
        }
        if let Some(local) = &sample.features.local {
            kept.push(Reference::new(
                &sample.photo.name,
                class,
                sample.features.content_hash,
                local,
                &sample.features.global,
                matching.extraction.max_features,
            ));
        }
    }
    kept
}

#[cfg(test)]
mod tests;
