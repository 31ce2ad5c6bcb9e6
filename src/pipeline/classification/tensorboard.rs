//! A training run as TensorBoard shows it: curves, histograms, the graph, the confusion matrix,
//! wrongly labelled photos, and the descriptors in its projector.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use image::RgbImage;

use super::pages::MAX_CONFUSED_CLASSES;
use super::projector::write_projector;
use super::train::TrainedClassifier;
use crate::classify::{ConfusionMatrix, TrainingStep};
use crate::error::{Error, Result};
use crate::formats::event_file::EventFile;
use crate::image::{DecodeOptions, Photo, resize_rgb};
use crate::pipeline::cache::FeatureCache;
use crate::report::{confusion_figure, png};

/// Wrongly labelled photos that are shown.
const MAX_MISCLASSIFIED: usize = 24;
/// Longest side of a wrongly labelled photo's picture, in pixels.
const THUMBNAIL_PX: u32 = 240;
/// End of the event files' names; earlier files with it are replaced.
const SUFFIX: &str = ".delfin";

/// The event files of a run that goes on. Every evaluation is in the files as soon as it is made, so that
/// TensorBoard shows it at once, also of a run that is ended early.
#[derive(Debug)]
pub struct TrainingLog {
    folder: PathBuf,
    wall_time: f64,
    start: Instant,
    /// Of training and validation; none before the first evaluation.
    splits: Option<[SplitLog; 2]>,
    /// The first error.
    failure: Option<Error>,
}

/// An event file that grows.
#[derive(Debug)]
struct SplitLog {
    path: PathBuf,
    file: File,
    events: EventFile,
}

impl TrainingLog {
    /// A log below `folder`, where nothing is touched before the first evaluation. `wall_time`, in
    /// seconds since 1970, is now: the events' time is counted from it, and it is part of the files'
    /// names.
    pub fn new(folder: &Path, wall_time: f64) -> Self {
        Self {
            folder: folder.to_owned(),
            wall_time,
            start: Instant::now(),
            splits: None,
            failure: None,
        }
    }

    /// Writes an evaluation to the event files in `train/` and `validation/`. The first one replaces event files of
    /// an earlier run of this program there; nothing else is touched. Errors are reported by [`Self::finish`].
    pub fn step(&mut self, step: &TrainingStep) {
        if self.failure.is_none()
            && let Err(error) = self.write_step(step)
        {
            self.failure = Some(error);
        }
    }

    fn write_step(&mut self, step: &TrainingStep) -> Result<()> {
        let n = step.step;
        let [training, validation] = self.open()?;
        training
            .events
            .scalar(n, "accuracy_1", step.training.accuracy);
        training
            .events
            .scalar(n, "cross_entropy_1", step.training.cross_entropy);
        for (tag, values) in [
            ("layer/weights", step.layer.weights()),
            ("layer/biases", step.layer.biases()),
            ("layer/pre_activations", &step.pre_activations),
        ] {
            training.events.histogram(n, tag, values);
        }
        training.write()?;
        if let Some(found) = &step.validation {
            validation.events.scalar(n, "accuracy_1", found.accuracy);
            validation
                .events
                .scalar(n, "cross_entropy_1", found.cross_entropy);
        }
        validation.write()
    }

    /// Adds the confusion matrix, of up to 200 classes, and wrongly labelled photos of the test split, and the projector's
    /// files. Thumbnails come from the cache where it has them, and go there.
    ///
    /// # Errors
    /// [`Error::Io`], of this or an earlier step; [`Error::Encode`].
    pub fn finish(mut self, trained: &TrainedClassifier, cache: &dyn FeatureCache) -> Result<()> {
        if let Some(error) = self.failure.take() {
            return Err(error);
        }
        let [training, validation] = self.open()?;
        add_results(&mut validation.events, trained)?;
        training.write()?;
        validation.write()?;
        write_projector(&self.folder.join("train"), trained, cache)
    }

    /// The files, opened if they are not; their events from now on are of this moment.
    fn open(&mut self) -> Result<&mut [SplitLog; 2]> {
        let now = self.wall_time + self.start.elapsed().as_secs_f64();
        if self.splits.is_none() {
            let mut splits = [
                SplitLog::create(&self.folder.join("train"), self.wall_time)?,
                SplitLog::create(&self.folder.join("validation"), self.wall_time)?,
            ];
            add_graph(&mut splits[0].events);
            self.splits = Some(splits);
        }
        let mut splits = self.splits.as_mut();
        for split in splits.iter_mut().flat_map(|splits| splits.iter_mut()) {
            split.events.set_wall_time(now);
        }
        splits.ok_or_else(|| Error::Io {
            path: self.folder.clone(),
            source: std::io::Error::other("no event file is open"),
        })
    }
}

impl SplitLog {
    /// An event file in `folder`, in place of those of an earlier run.
    fn create(folder: &Path, wall_time: f64) -> Result<Self> {
        prepare(folder)?;
        let path = folder.join(format!("events.out.tfevents.{wall_time:.0}{SUFFIX}"));
        let opened = OpenOptions::new().create(true).append(true).open(&path);
        let file = opened.map_err(|source| Error::io(&path, source))?;
        Ok(Self {
            path,
            file,
            events: EventFile::new(wall_time),
        })
    }

    /// Appends the added events. Records are whole: a reader waits for the end of one that is not.
    fn write(&mut self) -> Result<()> {
        let bytes = self.events.take_bytes();
        self.file
            .write_all(&bytes)
            .map_err(|source| Error::io(&self.path, source))
    }
}

fn add_graph(events: &mut EventFile) {
    events.graph(&[
        ("photo", "Placeholder", &[]),
        ("network/trunk", "Conv2D", &["photo"]),
        ("network/global", "Mean", &["network/trunk"]),
        ("normalisation/root", "Sqrt", &["network/global"]),
        (
            "normalisation/unit_length",
            "L2Normalize",
            &["normalisation/root"],
        ),
        ("layer/weights", "VariableV2", &[]),
        ("layer/biases", "VariableV2", &[]),
        (
            "layer/product",
            "MatMul",
            &["normalisation/unit_length", "layer/weights"],
        ),
        (
            "layer/pre_activations",
            "BiasAdd",
            &["layer/product", "layer/biases"],
        ),
        ("probabilities", "Softmax", &["layer/pre_activations"]),
        ("truth", "Placeholder", &[]),
        (
            "cross_entropy_1",
            "SoftmaxCrossEntropyWithLogits",
            &["layer/pre_activations", "truth"],
        ),
    ]);
}

/// The confusion matrix and wrongly labelled photos of the test split.
fn add_results(events: &mut EventFile, trained: &TrainedClassifier) -> Result<()> {
    let labels = &trained.classifier.labels;
    if labels.len() <= MAX_CONFUSED_CLASSES {
        add_confusion(events, trained)?;
    }
    let wrong = trained
        .test_results
        .iter()
        .filter(|r| r.classification.class != r.photo.class);
    for result in wrong.take(MAX_MISCLASSIFIED) {
        // A file that was removed since has no picture.
        let Ok(photo) = Photo::open(&result.photo.path, &DecodeOptions::default()) else {
            continue;
        };
        let picture = reduced(&photo, THUMBNAIL_PX);
        let said = &labels[result.classification.class];
        let tag = format!("misclassified/{} is not {said}", result.photo.name);
        let size = [picture.width(), picture.height()];
        events.image(0, &tag, size, png(&picture)?);
    }
    Ok(())
}

fn add_confusion(events: &mut EventFile, trained: &TrainedClassifier) -> Result<()> {
    let labels = &trained.classifier.labels;
    let mut matrix = ConfusionMatrix::new(labels.len());
    for result in &trained.test_results {
        matrix.add(result.photo.class, Some(result.classification.class));
    }
    let picture = confusion_figure(&matrix.counts, labels);
    let size = [picture.width(), picture.height()];
    events.image(0, "confusion_matrix", size, png(&picture)?);
    Ok(())
}

fn prepare(folder: &Path) -> Result<()> {
    let io = |source| Error::io(folder, source);
    std::fs::create_dir_all(folder).map_err(io)?;
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("events.out.tfevents.") && name.ends_with(SUFFIX) {
            std::fs::remove_file(&path).map_err(io)?;
        }
    }
    Ok(())
}

fn reduced(photo: &Photo, longest_px: u32) -> RgbImage {
    let (width, height) = (photo.width(), photo.height());
    let factor = (f64::from(longest_px) / f64::from(width.max(height))).min(1.0);
    let side = |pixels: u32| ((f64::from(pixels) * factor).round() as u32).max(1);
    resize_rgb(photo.pixels(), side(width), side(height))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::{Evaluation, SoftmaxLayer};
    use crate::pipeline::classification::sample::tests::wrongly_labelled;

    fn step(step: usize) -> TrainingStep {
        let evaluation = Evaluation {
            accuracy: 0.5,
            cross_entropy: 1.0,
            num_photos: 2,
        };
        TrainingStep {
            step,
            training: evaluation,
            validation: Some(evaluation),
            pre_activations: vec![0.0, 1.0],
            layer: SoftmaxLayer::new(1, vec![1.0, 2.0], vec![0.0, 0.0]).unwrap(),
        }
    }

    #[test]
    fn the_picture_of_many_classes_is_left_out() {
        for (num_classes, has_picture) in [(200, true), (201, false)] {
            let (classifier, result) = wrongly_labelled(num_classes);
            let trained = TrainedClassifier {
                classifier,
                photos: Vec::new(),
                layer_test: None,
                test_results: vec![result],
                layer_time: std::time::Duration::ZERO,
            };
            let mut events = EventFile::new(0.0);
            add_results(&mut events, &trained).unwrap();
            let bytes = events.take_bytes();
            let tag = b"confusion_matrix";
            let is_there = bytes.windows(tag.len()).any(|window| window == tag);
            assert_eq!(is_there, has_picture);
        }
    }

    #[test]
    fn a_step_is_in_the_files_before_the_run_ends() {
        let folder = tempfile::tempdir().unwrap();
        let train = folder.path().join("train");
        std::fs::create_dir(&train).unwrap();
        std::fs::write(train.join("events.out.tfevents.7.delfin"), "earlier").unwrap();
        std::fs::write(train.join("events.out.tfevents.7.other"), "not ours").unwrap();
        let mut log = TrainingLog::new(folder.path(), 9.0);
        assert_eq!(std::fs::read_dir(&train).unwrap().count(), 2);
        let files = ["train", "validation"].map(|split| {
            folder
                .path()
                .join(split)
                .join("events.out.tfevents.9.delfin")
        });
        let mut sizes = [0, 0];
        for n in 1..4 {
            log.step(&step(n));
            let now = files.each_ref().map(|file| file.metadata().unwrap().len());
            assert!(now[0] > sizes[0] && now[1] > sizes[1], "{sizes:?} {now:?}");
            sizes = now;
        }
        let mut left: Vec<_> = std::fs::read_dir(&train)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(
            left,
            [
                "events.out.tfevents.7.other",
                "events.out.tfevents.9.delfin"
            ]
        );
    }
}
