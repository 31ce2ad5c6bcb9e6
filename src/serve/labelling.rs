//! Trains a classifier on named clusters or sub-folders, and labels all photos by it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, bail};
use delfin::classify::{Dataset, LabelledPhoto, TrainingStep, write_classifier};
use delfin::files::is_replaceable;
use delfin::folder::path_below;
use delfin::pipeline::{
    Classification, Observer, PhotoClassifier, TrainingObserver, open_dataset, results_page,
    review_page, review_photos, suggestions, train_on,
};
use delfin::report::label_page;
use delfin::{Error, counted};
use rayon::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use super::shared::{Phase, Shared};
use super::worker::{Worker, name_of};

/// Source of the classes.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Classes {
    /// The clusters with a name.
    Names,
    /// The sub-folders.
    Folders,
}

/// A request to train.
#[derive(Debug, Deserialize)]
pub(super) struct Train {
    classes: Classes,
    /// The least probability of a link, as the page shows the clusters.
    min_probability: f64,
}

impl Worker<'_> {
    /// Trains a classifier and makes the page of labels: test photos that get a wrong label, labels to check, and
    /// suggested labels of photos without one. `job` is its number.
    pub(super) fn train(&mut self, asked: &Train, job: usize) -> anyhow::Result<Value> {
        self.shared.begin_job(job);
        self.shared.labelled(0, 0);
        let made = self.labels_page(asked);
        self.shared.set(Phase::Ready);
        let (page, told) = made?;
        self.labels = Some(page);
        Ok(json!({ "told": told }))
    }

    fn labels_page(&self, asked: &Train) -> anyhow::Result<(String, String)> {
        let observer = Watch(&self.shared);
        // Beside the store, under its name.
        let kept_at = self
            .store_path()
            .map(|store| store.with_extension("classifier"));
        if let Some(path) = kept_at.as_ref().filter(|path| !is_replaceable(path)) {
            bail!(
                "{}: there already, and no classifier: move it away",
                path.display()
            );
        }
        let options = self.model.classifier_options();
        let dataset = match asked.classes {
            Classes::Names => self.named_photos(asked.min_probability)?,
            Classes::Folders => open_dataset(self.folder, &options.decode)?,
        };
        let labelled = dataset.photos.clone();
        let trained = train_on(
            self.model,
            dataset,
            self.folder,
            &options,
            self.store,
            &observer,
        )?;
        let classifier = &trained.classifier;
        let mut lines = vec![format!(
            "{} of {} learned from {}.",
            counted(classifier.labels.len(), "class"),
            self.folder.display(),
            counted(trained.photos.len(), "photo")
        )];
        if let Some(path) = kept_at {
            write_classifier(classifier, &path)?;
            let kept = format!(
                "The classifier is kept: delfin classify PHOTOS --classifier {}",
                path.display()
            );
            lines.push(kept);
        }
        let judge = PhotoClassifier::new(classifier, self.model)?;
        let findings = review_photos(&judge, labelled.clone(), self.store, &observer)?;
        let without = self.without_label(&labelled);
        let told: Vec<Option<(usize, Classification)>> = without
            .par_iter()
            .map(|&photo| {
                if self.shared.is_cancelled() {
                    return Err(Error::Cancelled);
                }
                let path = path_below(self.folder, &self.photo_name(photo));
                // Photos that can no longer be read have no label.
                Ok(Some(photo).zip(judge.classify_path(&path, self.store).ok()))
            })
            .collect::<delfin::Result<_>>()?;
        let results = &trained.test_results;
        let mut page = results_page(classifier, results, &|result| {
            Some(result.classification.class)
        });
        if results.is_empty() {
            page.title = "Labels".into();
            lines.push("Too few photos to keep some for testing: there is no accuracy.".into());
        }
        let review = review_page(classifier, &findings, self.folder);
        lines.extend(review.lines);
        page.lines.splice(0..0, lines);
        page.sections.extend(review.sections);
        if !without.is_empty() {
            let named = told.into_iter().flatten().map(|(photo, found)| {
                let name = self.photo_name(photo);
                let path = path_below(self.folder, &name);
                (name, path, found)
            });
            page.sections
                .push(suggestions(classifier, named.collect(), self.folder));
        }
        let told = format!(
            "{}; {} to check",
            page.title,
            counted(findings.len(), "label")
        );
        Ok((label_page(&page), told))
    }

    fn photo_name(&self, photo: usize) -> String {
        let sorted = self.sorted().ok();
        let photo = sorted.and_then(|sorted| sorted.found.photos.get(photo));
        photo.map_or_else(String::new, |photo| photo.path.clone())
    }

    /// The photos of the clusters that have a name, which is their class.
    fn named_photos(&self, min_probability: f64) -> anyhow::Result<Dataset> {
        let found = &self.sorted()?.found;
        let names = self.log.names();
        let clusters = self.clusters(min_probability)?;
        let named = clusters
            .iter()
            .filter_map(|cluster| Some((name_of(cluster, &found.photos, &names)?, cluster)));
        let mut members: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (name, cluster) in named {
            members.entry(name).or_default().extend(&cluster.members);
        }
        if members.len() < 2 {
            bail!(
                "a classifier needs two classes or more: give names to clusters first ({} now)",
                counted(members.len(), "name")
            );
        }
        let photos = members.values().enumerate().flat_map(|(class, members)| {
            members.iter().map(move |&photo| {
                let name = found.photos[photo].path.clone();
                let path = path_below(self.folder, &name);
                LabelledPhoto { path, name, class }
            })
        });
        let mut photos: Vec<LabelledPhoto> = photos.collect();
        photos.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Dataset {
            labels: members.into_keys().collect(),
            photos,
            notes: Vec::new(),
        })
    }

    /// The photos of the folder that are not among `labelled`.
    fn without_label(&self, labelled: &[LabelledPhoto]) -> Vec<usize> {
        let labelled: BTreeSet<&str> = labelled.iter().map(|photo| photo.name.as_str()).collect();
        let photos = self.sorted().map(|sorted| sorted.found.photos.as_slice());
        let photos = photos.unwrap_or_default().iter().enumerate();
        let without = photos.filter(|(_, photo)| !labelled.contains(photo.path.as_str()));
        without.map(|(index, _)| index).collect()
    }

    /// The page of labels.
    pub(super) fn labels(&self) -> anyhow::Result<String> {
        self.labels.clone().context("no classifier was trained yet")
    }
}

/// Reports a training as progress of the page.
struct Watch<'a>(&'a Shared);

impl TrainingObserver for Watch<'_> {
    fn photos(&self, done: usize, total: usize) {
        self.0.labelled(done, total);
    }

    fn step(&self, _: &TrainingStep) {}

    fn note(&self, text: &str) {
        self.0.warn(text);
    }

    fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }
}
