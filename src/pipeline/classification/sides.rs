//! What each photo of the folders is used for.

use std::path::Path;

use super::options::{ClassifierOptions, TrainingFolders};
use super::photos::TrainingObserver;
use super::train::Sample;
use crate::classify::{Dataset, LabelledPhoto, Split};
use crate::error::{Error, Result};

/// A photo and its side.
pub(super) type Sided = (LabelledPhoto, Split);

/// The labels, and every photo with its side.
pub(super) fn list(
    folders: &TrainingFolders,
    options: &ClassifierOptions,
    observer: &dyn TrainingObserver,
) -> Result<(Vec<String>, Vec<Sided>)> {
    let dataset = Dataset::open(&folders.training)?;
    dataset.notes.iter().for_each(|note| observer.note(note));
    let mut split = options.split;
    if folders.validation.is_some() {
        split.validation_percentage = 0.0;
    }
    if folders.testing.is_some() {
        split.testing_percentage = 0.0;
    }
    let mut photos: Vec<Sided> = dataset
        .photos
        .into_iter()
        .map(|photo| {
            let groups = options.groups.as_ref();
            let name = groups.map_or(photo.name.as_str(), |groups| groups.name_of(&photo.name));
            let side = split.split_of(name);
            (photo, side)
        })
        .collect();
    for (folder, side) in [
        (&folders.validation, Split::Validation),
        (&folders.testing, Split::Testing),
    ] {
        if let Some(folder) = folder {
            let more = Dataset::open_with_labels(folder, &dataset.labels)?;
            more.notes.iter().for_each(|note| observer.note(note));
            photos.extend(more.photos.into_iter().map(|photo| (photo, side)));
        }
    }
    Ok((dataset.labels, photos))
}

/// A class without a photo to learn from takes all of its photos for training; one without any photo
/// that could be read is an error.
pub(super) fn ensure_training(
    samples: &mut [Sample],
    labels: &[String],
    folder: &Path,
    observer: &dyn TrainingObserver,
) -> Result<()> {
    for (class, label) in labels.iter().enumerate() {
        let mut own = samples
            .iter_mut()
            .filter(|s| s.photo.class == class)
            .peekable();
        if own.peek().is_none() {
            return Err(Error::Dataset {
                path: folder.to_owned(),
                reason: format!("no photo of class `{label}` can be read"),
            });
        }
        let mut own: Vec<&mut Sample> = own.collect();
        if own.iter().all(|s| s.split != Split::Training) {
            observer.note(&format!(
                "class `{label}`: no photo was left for training, so its {} are all trained on",
                own.len()
            ));
            own.iter_mut().for_each(|s| s.split = Split::Training);
        }
    }
    Ok(())
}
