//! A training run as TensorBoard shows it: curves, histograms, the graph, the confusion matrix,
//! wrongly labelled photos, and the descriptors in its projector.

use std::fmt::Write;
use std::io::Cursor;
use std::path::Path;

use image::RgbImage;
use rayon::prelude::*;

use super::train::TrainedClassifier;
use crate::classify::{ConfusionMatrix, Split, TrainingStep, hash_percentage};
use crate::error::{Error, Result};
use crate::files::write_file;
use crate::formats::event_file::EventFile;
use crate::image::{DecodeOptions, Photo, resize_rgb};
use crate::report::confusion_figure;

/// Wrongly labelled photos that are shown.
const MAX_MISCLASSIFIED: usize = 24;
/// Photos that the projector shows.
const MAX_PROJECTED: usize = 1000;
/// Side of a projected photo's picture, in pixels.
const SPRITE_PX: u32 = 48;
/// Longest side of a wrongly labelled photo's picture, in pixels.
const THUMBNAIL_PX: u32 = 240;
/// End of the event files' names; earlier files with it are replaced.
const SUFFIX: &str = ".delfin";

/// The event files of a run that goes on.
#[derive(Debug, Clone)]
pub struct TrainingLog {
    wall_time: f64,
    training: EventFile,
    validation: EventFile,
}

impl TrainingLog {
    /// An empty log. `wall_time`, in seconds since 1970, is the events' time and part of the files' names.
    pub fn new(wall_time: f64) -> Self {
        let mut training = EventFile::new(wall_time);
        training.graph(&[
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
        Self {
            wall_time,
            training,
            validation: EventFile::new(wall_time),
        }
    }

    /// Adds an evaluation.
    pub fn step(&mut self, step: &TrainingStep) {
        let n = step.step;
        self.training
            .scalar(n, "accuracy_1", step.training.accuracy);
        self.training
            .scalar(n, "cross_entropy_1", step.training.cross_entropy);
        if let Some(validation) = &step.validation {
            self.validation.scalar(n, "accuracy_1", validation.accuracy);
            self.validation
                .scalar(n, "cross_entropy_1", validation.cross_entropy);
        }
        self.training
            .histogram(n, "layer/weights", step.layer.weights());
        self.training
            .histogram(n, "layer/biases", step.layer.biases());
        self.training
            .histogram(n, "layer/pre_activations", &step.pre_activations);
    }

    /// Writes `train/` and `validation/` below `folder`, the first with the projector's files. Event
    /// files of an earlier run of this program there are replaced; nothing else is touched.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Encode`].
    pub fn write(mut self, folder: &Path, trained: &TrainedClassifier) -> Result<()> {
        self.results(trained)?;
        let Self {
            wall_time,
            training,
            validation,
        } = self;
        for (name, file) in [("train", training), ("validation", validation)] {
            let folder = folder.join(name);
            prepare(&folder)?;
            let name = format!("events.out.tfevents.{wall_time:.0}{SUFFIX}");
            write_file(&folder.join(name), &file.into_bytes())?;
        }
        write_projector(&folder.join("train"), trained)
    }

    /// The confusion matrix and wrongly labelled photos of the test split.
    fn results(&mut self, trained: &TrainedClassifier) -> Result<()> {
        let labels = &trained.classifier.labels;
        let mut matrix = ConfusionMatrix::new(labels.len());
        for result in &trained.test_results {
            matrix.add(result.photo.class, Some(result.classification.class));
        }
        let picture = confusion_figure(&matrix.counts, labels);
        let size = [picture.width(), picture.height()];
        self.validation
            .image(0, "confusion_matrix", size, png(&picture)?);
        let wrong = trained
            .test_results
            .iter()
            .filter(|r| r.classification.class != r.photo.class);
        for result in wrong.take(MAX_MISCLASSIFIED) {
            // A file that was removed since has no picture.
            let Ok(photo) = Photo::open(&result.photo.path, &DecodeOptions::default()) else {
                continue;
            };
            let picture = thumbnail(&photo, THUMBNAIL_PX);
            let said = &labels[result.classification.class];
            let tag = format!("misclassified/{} is not {said}", result.photo.name);
            let size = [picture.width(), picture.height()];
            self.validation.image(0, &tag, size, png(&picture)?);
        }
        Ok(())
    }
}

fn prepare(folder: &Path) -> Result<()> {
    let io = |source| Error::Io {
        path: folder.to_owned(),
        source,
    };
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

/// The descriptors, their labels and pictures, as the projector reads them.
fn write_projector(folder: &Path, trained: &TrainedClassifier) -> Result<()> {
    let mut shown: Vec<_> = trained.photos.iter().collect();
    shown.sort_by(|a, b| hash_percentage(&a.0.name).total_cmp(&hash_percentage(&b.0.name)));
    shown.truncate(MAX_PROJECTED);
    let mut descriptors = String::new();
    let mut metadata = String::from("label\tphoto\tsplit\n");
    for (photo, split, global) in &shown {
        for (index, value) in global.iter().enumerate() {
            let tab = if index > 0 { "\t" } else { "" };
            let _ = write!(descriptors, "{tab}{value:.5}");
        }
        descriptors.push('\n');
        let label = plain(&trained.classifier.labels[photo.class]);
        let split = match split {
            Split::Training => "training",
            Split::Validation => "validation",
            Split::Testing => "testing",
        };
        let _ = writeln!(metadata, "{label}\t{}\t{split}", plain(&photo.name));
    }
    let pictures: Vec<Option<RgbImage>> = shown
        .par_iter()
        .map(|(photo, _, _)| {
            let photo = Photo::open(&photo.path, &DecodeOptions::default()).ok()?;
            Some(resize_rgb(photo.pixels(), SPRITE_PX, SPRITE_PX))
        })
        .collect();
    let columns = (shown.len() as f64).sqrt().ceil().max(1.0) as u32;
    let mut sprite = RgbImage::new(columns * SPRITE_PX, columns * SPRITE_PX);
    for (index, picture) in pictures.iter().enumerate() {
        if let Some(picture) = picture {
            let (row, column) = (index as u32 / columns, index as u32 % columns);
            let (x, y) = (i64::from(column * SPRITE_PX), i64::from(row * SPRITE_PX));
            image::imageops::replace(&mut sprite, picture, x, y);
        }
    }
    let config = format!(
        "embeddings {{\n  tensor_name: \"descriptors\"\n  tensor_path: \"descriptors.tsv\"\n  metadata_path: \"metadata.tsv\"\n  sprite {{\n    image_path: \"sprite.png\"\n    single_image_dim: {SPRITE_PX}\n    single_image_dim: {SPRITE_PX}\n  }}\n}}\n"
    );
    write_file(&folder.join("descriptors.tsv"), descriptors.as_bytes())?;
    write_file(&folder.join("metadata.tsv"), metadata.as_bytes())?;
    write_file(&folder.join("sprite.png"), &png(&sprite)?)?;
    write_file(&folder.join("projector_config.pbtxt"), config.as_bytes())
}

/// Without what ends a field or a line of a table.
fn plain(text: &str) -> String {
    text.replace(['\t', '\n', '\r'], " ")
}

fn thumbnail(photo: &Photo, longest_px: u32) -> RgbImage {
    let (width, height) = (photo.width(), photo.height());
    let factor = (f64::from(longest_px) / f64::from(width.max(height))).min(1.0);
    let side = |pixels: u32| ((f64::from(pixels) * factor).round() as u32).max(1);
    resize_rgb(photo.pixels(), side(width), side(height))
}

fn png(picture: &RgbImage) -> Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, image::ImageFormat::Png)
        .map_err(|e| Error::Encode {
            path: "(a picture for TensorBoard)".into(),
            reason: e.to_string(),
        })?;
    Ok(bytes.into_inner())
}
