//! `delfin train`. The flags of TensorFlow Hub's `retrain.py` are aliases, so that its command lines run.

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint, value_parser};
use delfin::pipeline::ClassifierOptions;

use super::{DescriptorSearchArgs, defaults};

#[derive(Debug, Args)]
pub(crate) struct TrainArgs {
    /// Folder with one sub-folder of photos for each class.
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath, required_unless_present = "image_dir")]
    pub(crate) folder: Option<PathBuf>,

    /// The same as DIR, by retrain.py's name.
    #[arg(
        long = "image-dir",
        alias = "image_dir",
        hide = true,
        conflicts_with = "folder"
    )]
    pub(crate) image_dir: Option<PathBuf>,

    /// Write the classifier to this file [default: classifier.delfin].
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,

    // Output of retrain.py, and input of label_image.py's --graph.
    #[arg(long = "output_graph", hide = true)]
    pub(crate) output_graph: Option<PathBuf>,

    /// Overwrite files that delfin did not make.
    #[arg(long)]
    pub(crate) force: bool,

    /// Take the photos for validation from this folder instead of DIR.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) validation_dir: Option<PathBuf>,

    /// Take the photos for testing from this folder instead of DIR.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) test_dir: Option<PathBuf>,

    #[arg(long, alias = "testing_percentage", value_name = "P", help = defaults(
        "Percent of the photos kept for testing; a photo's split follows from its name",
        options().split.testing_percentage))]
    pub(crate) testing_percentage: Option<f64>,

    #[arg(long, alias = "validation_percentage", value_name = "P", help = defaults(
        "Percent of the photos kept for validation",
        options().split.validation_percentage))]
    pub(crate) validation_percentage: Option<f64>,

    /// Keep photos that match each other geometrically in one split, so that the test photos show things that are
    /// not in training; reports the accuracy of the split by name too. Takes the time of `delfin cluster`.
    #[arg(long, alias = "group_by_verified")]
    pub(crate) group_by_verified: bool,

    #[command(flatten)]
    pub(crate) descriptors: DescriptorSearchArgs,

    #[arg(id = "num_steps", long = "steps", alias = "how_many_training_steps", value_name = "N", help = defaults(
        "Training steps", options().layer.num_steps))]
    pub(crate) steps: Option<usize>,

    #[arg(long, alias = "learning_rate", value_name = "R", help = defaults(
        "Learning rate of the first step", options().layer.learning_rate))]
    pub(crate) learning_rate: Option<f32>,

    #[arg(long, value_name = "M", help = defaults(
        "Momentum, from 0 to below 1", options().layer.momentum))]
    pub(crate) momentum: Option<f32>,

    #[arg(long, alias = "train_batch_size", value_name = "N", help = defaults(
        "Photos per step", options().layer.batch_size))]
    pub(crate) batch_size: Option<usize>,

    #[arg(
        long,
        alias = "validation_batch_size",
        value_name = "N",
        allow_negative_numbers = true,
        value_parser = value_parser!(i64).range(-1..),
        help = "Photos of the validation split per evaluation [default: all; -1 means all]"
    )]
    pub(crate) validation_batch_size: Option<i64>,

    #[arg(long, alias = "eval_step_interval", value_name = "N", help = defaults(
        "Steps between two evaluations", options().layer.eval_step_interval))]
    pub(crate) eval_step_interval: Option<usize>,

    /// L2 regularisation: a number, or `auto` to choose it on the validation split [default: 0.03].
    #[arg(long, value_name = "W")]
    pub(crate) l2: Option<L2>,

    #[arg(long, value_name = "S", help = defaults(
        "Label smoothing, from 0 to below 1", options().layer.label_smoothing))]
    pub(crate) label_smoothing: Option<f32>,

    /// Sample photos uniformly instead of classes uniformly.
    #[arg(long)]
    pub(crate) unbalanced: bool,

    #[arg(long, value_name = "N", help = defaults("Seed of the batches", options().layer.seed))]
    pub(crate) seed: Option<u64>,

    /// Mirror some copies of the training photos.
    #[arg(long)]
    pub(crate) flip_left_right: bool,

    // Command lines in retrain.py's documentation have `--flip_left_right True`.
    #[arg(
        long = "flip_left_right",
        hide = true,
        num_args = 0..=1,
        default_missing_value = "true",
        ignore_case = true
    )]
    pub(crate) former_flip_left_right: Option<Truth>,

    /// Cut a random margin of up to this percent off copies of the training photos.
    #[arg(long, alias = "random_crop", value_name = "P")]
    pub(crate) random_crop: Option<f64>,

    /// Enlarge copies of the training photos by up to this percent.
    #[arg(long, alias = "random_scale", value_name = "P")]
    pub(crate) random_scale: Option<f64>,

    /// Change the brightness of copies of the training photos by up to this percent.
    #[arg(long, alias = "random_brightness", value_name = "P")]
    pub(crate) random_brightness: Option<f64>,

    #[arg(id = "num_copies", long = "distorted-copies", value_name = "N", help = defaults(
        "Distorted copies of each training photo", options().distortions.num_copies))]
    pub(crate) distorted_copies: Option<usize>,

    /// Use the softmax score alone, without geometry. Several times faster.
    #[arg(long)]
    pub(crate) no_geometry: bool,

    #[arg(long, value_name = "PX", help = defaults(
        "Longest side of a photo for its global descriptor", options().global_size))]
    pub(crate) global_size: Option<u32>,

    #[arg(id = "max_references_per_class", long = "max-references", value_name = "N", help = defaults(
        "Training photos of a class that the file keeps to match with",
        options().max_references_per_class))]
    pub(crate) max_references: Option<usize>,

    /// Use this ONNX file, described by the manifest.toml beside it [default: the built-in network].
    #[arg(long, value_name = "FILE.onnx", value_hint = ValueHint::FilePath)]
    pub(crate) model: Option<PathBuf>,

    /// Store the results computed from each photo in this folder, and reuse those that are there [default: .delfin
    /// in the folder of photos, as `delfin cluster` does].
    #[arg(long, alias = "bottleneck-dir", alias = "bottleneck_dir", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) cache_dir: Option<PathBuf>,

    /// Write logs for TensorBoard into this folder: `tensorboard --logdir DIR`.
    #[arg(long, alias = "summaries_dir", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) summaries_dir: Option<PathBuf>,

    /// Write the labels to this file, one a line.
    #[arg(long, alias = "output_labels", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output_labels: Option<PathBuf>,

    /// Print the photos of the test split that get a wrong label.
    #[arg(long, alias = "print_misclassified_test_images")]
    pub(crate) print_misclassified: bool,

    /// End with exit code 1 when the test accuracy is below this percentage.
    #[arg(long, value_name = "P")]
    pub(crate) assert_accuracy_at_least: Option<f64>,

    #[command(flatten)]
    pub(crate) former: FormerArgs,
}

impl TrainArgs {
    /// Path of the classifier.
    pub(crate) fn output(&self) -> &Path {
        let given = self.output.as_deref().or(self.output_graph.as_deref());
        given.unwrap_or(Path::new("classifier.delfin"))
    }
}

/// Flags of retrain.py without effect here; each prints a note.
#[derive(Debug, Args)]
pub(crate) struct FormerArgs {
    #[arg(long = "intermediate_output_graphs_dir", hide = true)]
    pub(crate) intermediate_output_graphs_dir: Option<String>,
    #[arg(long = "intermediate_store_frequency", hide = true)]
    pub(crate) intermediate_store_frequency: Option<String>,
    #[arg(long = "final_tensor_name", hide = true)]
    pub(crate) final_tensor_name: Option<String>,
    #[arg(long = "tfhub_module", hide = true)]
    pub(crate) tfhub_module: Option<String>,
    #[arg(long = "saved_model_dir", hide = true)]
    pub(crate) saved_model_dir: Option<String>,
    #[arg(long = "checkpoint_path", hide = true)]
    pub(crate) checkpoint_path: Option<String>,
    #[arg(long = "logging_verbosity", hide = true)]
    pub(crate) logging_verbosity: Option<String>,
    #[arg(long = "model_dir", hide = true)]
    pub(crate) model_dir: Option<String>,
    #[arg(long = "architecture", hide = true)]
    pub(crate) architecture: Option<String>,
    #[arg(long = "test_batch_size", hide = true, allow_negative_numbers = true)]
    pub(crate) test_batch_size: Option<String>,
}

/// A truth value as Python writes it.
#[derive(Debug, Clone, Copy, PartialEq, clap::ValueEnum)]
pub(crate) enum Truth {
    True,
    False,
}

/// An L2 regularisation, or `auto`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum L2 {
    /// The best of several.
    Auto,
    /// This one.
    Weight(f32),
}

impl std::str::FromStr for L2 {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        let weight = text.parse().map(Self::Weight);
        weight.map_err(|_| "neither a number nor `auto`".to_owned())
    }
}

fn options() -> ClassifierOptions {
    ClassifierOptions::default()
}
