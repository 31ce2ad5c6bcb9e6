use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::classify::{SplitOptions, TrainingStep};
use crate::pipeline::{MatchOptions, NoCache, PhotoClassifier, Watchless};

/// Two classes, crops of a wall and of a box, `count` photos each.
fn photos(root: &Path, count: u32) -> TrainingFolders {
    for (class, example) in [("walls", "graffiti_1"), ("boxes", "box")] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/images");
        let photo = image::open(path.join(format!("{example}.jpg"))).unwrap();
        let photo = photo.thumbnail(300, 300);
        std::fs::create_dir(root.join(class)).unwrap();
        for number in 0..count {
            let (width, height) = (photo.width() * 4 / 5, photo.height() * 4 / 5);
            let crop = photo.crop_imm(4 * number, 3 * number, width, height);
            crop.save(root.join(class).join(format!("{number}.png")))
                .unwrap();
        }
    }
    TrainingFolders {
        training: root.to_owned(),
        validation: None,
        testing: None,
    }
}

fn layer_alone(model: &Model) -> ClassifierOptions {
    let mut options = model.classifier_options();
    options.geometry = None;
    options.layer.num_steps = 10;
    options.split = SplitOptions {
        testing_percentage: 0.0,
        validation_percentage: 0.0,
    };
    options
}

/// Does something once all photos are read.
struct AfterReading<'a> {
    then: &'a (dyn Fn() + Sync),
    cancels: bool,
    is_read: AtomicBool,
    notes: Mutex<Vec<String>>,
}

impl<'a> AfterReading<'a> {
    fn new(cancels: bool, then: &'a (dyn Fn() + Sync)) -> Self {
        Self {
            then,
            cancels,
            is_read: AtomicBool::new(false),
            notes: Mutex::default(),
        }
    }
}

impl TrainingObserver for AfterReading<'_> {
    fn photos(&self, done: usize, total: usize) {
        if done == total {
            (self.then)();
            self.is_read.store(true, Ordering::Relaxed);
        }
    }

    fn step(&self, _: &TrainingStep) {}

    fn note(&self, text: &str) {
        self.notes.lock().unwrap().push(text.to_owned());
    }

    fn is_cancelled(&self) -> bool {
        self.cancels && self.is_read.load(Ordering::Relaxed)
    }
}

#[test]
fn layers_learn_from_distorted_copies_and_all_else_is_of_the_photos() {
    let folder = tempfile::tempdir().unwrap();
    let folders = photos(folder.path(), 4);
    let model = Model::embedded().unwrap();
    let mut options = layer_alone(&model);
    let train = |options: &ClassifierOptions| {
        let trained = train_classifier(&model, &folders, options, &NoCache, &Watchless);
        trained.unwrap().classifier
    };
    let plain = train(&options);
    options.distortions.random_brightness = 40.0;
    options.distortions.num_copies = 2;
    let distorted = train(&options);
    assert_ne!(distorted.layer, plain.layer);
    // Which is learned from what the layers of the folds say.
    assert_ne!(distorted.calibration.fit, plain.calibration.fit);
    assert_eq!(distorted.class_means, plain.class_means);
    assert_eq!(
        distorted.calibration.similarity,
        plain.calibration.similarity
    );
}

#[test]
fn copies_are_learned_from_with_their_photo_alone() {
    let sample = |class: usize| Sample {
        photo: LabelledPhoto {
            path: PathBuf::new(),
            name: String::new(),
            class,
        },
        split: Split::Training,
        features: crate::pipeline::PhotoFeatures {
            content_hash: [0; 32],
            global: vec![class as f32],
            local: None,
        },
        copies: vec![vec![class as f32 + 0.1], vec![class as f32 + 0.2]],
    };
    let samples = [sample(0), sample(1), sample(2)];
    let learned = with_copies(&samples, &[2, 0]);
    assert_eq!(learned.classes, [2, 0, 2, 2, 0, 0]);
    assert_eq!(learned.inputs.concat(), [2.0, 0.0, 2.1, 2.2, 0.1, 0.2]);
}

#[test]
fn distorting_is_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let folders = photos(folder.path(), 2);
    let model = Model::embedded().unwrap();
    let mut options = layer_alone(&model);
    options.distortions.flip_left_right = true;
    let observer = AfterReading::new(true, &|| ());
    let trained = train_classifier(&model, &folders, &options, &NoCache, &observer);
    assert!(matches!(trained, Err(Error::Cancelled)));
}

#[test]
fn a_photo_that_is_gone_before_it_is_distorted_is_left_out_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let folders = photos(folder.path(), 3);
    let model = Model::embedded().unwrap();
    let mut options = layer_alone(&model);
    options.distortions.flip_left_right = true;
    options.distortions.num_copies = 1;
    let gone = folder.path().join("boxes/1.png");
    let remove = || std::fs::remove_file(&gone).unwrap();
    let observer = AfterReading::new(false, &remove);
    let trained = train_classifier(&model, &folders, &options, &NoCache, &observer).unwrap();
    assert_eq!(trained.photos.len(), 5);
    let notes = observer.notes.into_inner().unwrap();
    let named = notes.iter().find(|note| note.ends_with("; left out"));
    assert!(
        named.is_some_and(|note| note.contains("1.png")),
        "{notes:?}"
    );
}

#[test]
fn photos_are_classified_as_they_were_tested() {
    let folder = tempfile::tempdir().unwrap();
    let folders = photos(folder.path(), 6);
    let model = Model::embedded().unwrap();
    let mut options = layer_alone(&model);
    options.split.testing_percentage = 40.0;
    let mut matching = MatchOptions::from(model.defaults());
    matching.extraction.max_size = 240;
    // The file holds how features are extracted, and not what decides with them.
    for (min_probability, is_in_file) in [(matching.min_probability, true), (None, false)] {
        options.geometry = Some(MatchOptions {
            min_probability,
            ..matching.clone()
        });
        let trained = train_classifier(&model, &folders, &options, &NoCache, &Watchless).unwrap();
        let tested = trained.test_results.iter();
        assert!(
            tested
                .clone()
                .any(|r| r.classification.best_match.is_some())
        );
        let labeller = || PhotoClassifier::new(&trained.classifier, &model).unwrap();
        let with_options = labeller().with_options(&options).unwrap();
        let agrees = |labeller: &PhotoClassifier<'_>| {
            tested.clone().all(|result| {
                let found = labeller.classify_path(&result.photo.path, &NoCache);
                found.unwrap() == result.classification
            })
        };
        assert!(agrees(&with_options));
        assert_eq!(agrees(&labeller()), is_in_file);
    }
}
