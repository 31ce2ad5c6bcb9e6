//! Doubtful labels of a folder.

use std::path::Path;

use rayon::prelude::*;

use super::photo_classifier::{Classification, PhotoClassifier};
use super::photos::TrainingObserver;
use crate::classify::{Dataset, LabelledPhoto};
use crate::error::{Error, Result};
use crate::pipeline::cache::{FeatureCache, PhotoCache};

/// Reasons to doubt a label, the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doubt {
    /// A sure geometric match with a training photo of another class.
    GeometryContradicts,
    /// Both scores together give another class.
    LabelContradicted,
    /// The softmax and geometry scores give different classes.
    ScoresDisagree,
}

/// A photo with a doubtful label.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Finding {
    /// The photo and its label.
    pub photo: LabelledPhoto,
    /// The reason.
    pub doubt: Doubt,
    /// The result; a training photo is not matched with itself.
    pub classification: Classification,
}

/// Classifies every photo of `folder`, whose sub-folders are named like the classifier's classes, and
/// returns those whose label is in doubt, the most doubtful first. Unreadable photos are reported to the
/// observer.
/// Deterministic.
///
/// # Errors
/// [`Error::Io`], [`Error::Dataset`], [`Error::Model`].
pub fn review_labels(
    classifier: &PhotoClassifier,
    folder: &Path,
    cache: &dyn FeatureCache,
    observer: &dyn TrainingObserver,
) -> Result<Vec<Finding>> {
    let dataset = Dataset::open_with_labels(folder, &classifier.classifier().labels)?;
    dataset.notes.iter().for_each(|note| observer.note(note));
    review_photos(classifier, dataset.photos, cache, observer)
}

/// As [`review_labels`], of photos whose classes are those of the classifier, wherever they lie.
///
/// # Errors
/// [`Error::Model`], [`Error::Cancelled`].
pub fn review_photos(
    classifier: &PhotoClassifier,
    photos: Vec<LabelledPhoto>,
    cache: &dyn FeatureCache,
    observer: &dyn TrainingObserver,
) -> Result<Vec<Finding>> {
    let cache = &PhotoCache::new(cache, |text| observer.note(text));
    let done = std::sync::atomic::AtomicUsize::new(0);
    let results: Vec<Result<Classification>> = photos
        .par_iter()
        .map(|photo| {
            if observer.is_cancelled() {
                return Err(Error::Cancelled);
            }
            let result = classifier.classify_path(&photo.path, cache);
            let done = 1 + done.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            observer.photos(done, photos.len());
            result
        })
        .collect();
    let mut findings = Vec::new();
    for (photo, result) in photos.into_iter().zip(results) {
        match result {
            Ok(classification) => {
                if let Some(doubt) = doubt(photo.class, &classification) {
                    findings.push(Finding {
                        photo,
                        doubt,
                        classification,
                    });
                }
            }
            Err(error @ (Error::Model { .. } | Error::Cancelled)) => return Err(error),
            Err(error) => observer.note(&format!("{error}; left out")),
        }
    }
    // A stable sort: photos in equal doubt stay in the order of their paths.
    findings.sort_by(|a, b| {
        a.doubt
            .cmp(&b.doubt)
            .then(strength(b).total_cmp(&strength(a)))
    });
    Ok(findings)
}

fn doubt(label: usize, found: &Classification) -> Option<Doubt> {
    if found.geometry_class != Some(label) && found.is_geometry_sure() {
        Some(Doubt::GeometryContradicts)
    } else if found.class != label {
        Some(Doubt::LabelContradicted)
    } else if found.scores_disagree {
        Some(Doubt::ScoresDisagree)
    } else {
        None
    }
}

/// Log-odds of the match where geometry contradicts, else how much more probable the other class is.
fn strength(finding: &Finding) -> f64 {
    let found = &finding.classification;
    match finding.doubt {
        Doubt::GeometryContradicts => found.best_match.map_or(0.0, |best| best.log_odds),
        _ => found.probabilities[found.class] - found.probabilities[finding.photo.class],
    }
}
