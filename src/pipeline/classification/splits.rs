//! The split of each photo: training, validation or testing.

use std::path::Path;

use rayon::prelude::*;

use super::options::{ClassifierOptions, TrainingFolders};
use super::photos::TrainingObserver;
use super::sample::{Sample, SplitPhoto};
use crate::classify::{Dataset, LabelledPhoto, Split, SplitOptions};
use crate::error::{Error, Result};
use crate::image::{DecodeOptions, Photo};

/// Lists `folder` as [`Dataset::open`] does, and leaves out, with a note, each class without a photo that
/// can be read. Decodes one photo of each class, where that succeeds. Deterministic.
///
/// # Errors
/// As [`Dataset::open`], also when fewer than two classes are left.
pub fn open_dataset(folder: &Path, decode: &DecodeOptions) -> Result<Dataset> {
    let mut dataset = Dataset::open(folder)?;
    let fault = |class: usize| -> Option<Error> {
        let own = dataset.photos.iter().filter(|photo| photo.class == class);
        let mut first = None;
        for photo in own {
            match Photo::open(&photo.path, decode) {
                Ok(_) => return None,
                Err(error) => first = first.or(Some(error)),
            }
        }
        first
    };
    let classes: Vec<usize> = (0..dataset.labels.len()).collect();
    let faults: Vec<Option<Error>> = classes.into_par_iter().map(fault).collect();
    // The new number of each class that stays.
    let mut numbers = Vec::with_capacity(faults.len());
    let mut labels = Vec::new();
    let mut unread = Vec::new();
    for (label, fault) in dataset.labels.into_iter().zip(faults) {
        match fault {
            None => {
                numbers.push(Some(labels.len()));
                labels.push(label);
            }
            Some(error) => {
                numbers.push(None);
                unread.push(format!("no photo of class `{label}` can be read"));
                dataset.notes.push(format!(
                    "{}: no photo in it can be read, so no class: {error}",
                    folder.join(&label).display()
                ));
            }
        }
    }
    if labels.len() < 2 {
        let of = match labels.first() {
            Some(label) => format!("only `{label}`"),
            None => "none".into(),
        };
        return Err(Error::Dataset {
            path: folder.to_owned(),
            reason: format!(
                "{of} of its sub-folders holds photos that can be read; a classifier needs two classes or more; {}",
                unread.join("; ")
            ),
        });
    }
    let renumbered = |photo: LabelledPhoto| {
        let class = numbers[photo.class]?;
        Some(LabelledPhoto { class, ..photo })
    };
    Ok(Dataset {
        labels,
        photos: dataset.photos.into_iter().filter_map(renumbered).collect(),
        notes: dataset.notes,
    })
}

/// The labels, and every photo with its split.
pub(super) fn list(
    folders: &TrainingFolders,
    options: &ClassifierOptions,
    observer: &dyn TrainingObserver,
) -> Result<(Vec<String>, Vec<SplitPhoto>)> {
    let dataset = open_dataset(&folders.training, &options.decode)?;
    dataset.notes.iter().for_each(|note| observer.note(note));
    let labels = dataset.labels.clone();
    let mut percentages = options.split;
    if folders.validation.is_some() {
        percentages.validation_percentage = 0.0;
    }
    if folders.testing.is_some() {
        percentages.testing_percentage = 0.0;
    }
    let mut photos = split(dataset, &percentages, options);
    for (folder, split) in [
        (&folders.validation, Split::Validation),
        (&folders.testing, Split::Testing),
    ] {
        if let Some(folder) = folder {
            let more = Dataset::open_with_labels(folder, &labels)?;
            more.notes.iter().for_each(|note| observer.note(note));
            photos.extend(more.photos.into_iter().map(|photo| (photo, split)));
        }
    }
    Ok((labels, photos))
}

/// Every photo with its split.
pub(super) fn split(
    dataset: Dataset,
    percentages: &SplitOptions,
    options: &ClassifierOptions,
) -> Vec<SplitPhoto> {
    let groups = options.groups.as_ref();
    let split = |photo: LabelledPhoto| {
        let name = groups.map_or(photo.name.as_str(), |groups| groups.name_of(&photo.name));
        let split = percentages.split_of(name);
        (photo, split)
    };
    dataset.photos.into_iter().map(split).collect()
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
