//! `delfin classify`.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};

use super::DescriptorSearchArgs;

#[derive(Debug, Args)]
pub(crate) struct ClassifyArgs {
    /// A photo, or photos and folders.
    #[arg(required_unless_present = "image", value_name = "PATHS", value_hint = ValueHint::AnyPath)]
    pub(crate) paths: Vec<PathBuf>,

    /// The file that `delfin train` wrote.
    #[arg(short, long, required_unless_present = "graph", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) classifier: Option<PathBuf>,

    /// Write one CSV row a photo into this file [default: printed, when it is not a single photo].
    #[arg(short, long, value_name = "FILE.csv", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,

    /// Write accuracy, confusion matrix and the wrongly labelled photos as one HTML file; the folder's
    /// sub-folders are the true classes.
    #[arg(long, value_name = "FILE.html", value_hint = ValueHint::FilePath)]
    pub(crate) report: Option<PathBuf>,

    /// Overwrite files that delfin did not make.
    #[arg(long)]
    pub(crate) force: bool,

    /// Print JSON instead: one object for a photo, a list of them otherwise.
    #[arg(long, conflicts_with = "output")]
    pub(crate) json: bool,

    /// Classes shown for a single photo, and in JSON, the most probable first.
    #[arg(long, value_name = "N", default_value = "5")]
    pub(crate) top: NonZeroUsize,

    /// Label a photo `(none)` if the probability that it fits its class is below P [P defaults to 0.5].
    #[arg(long, value_name = "P", num_args = 0..=1, require_equals = true)]
    pub(crate) reject: Option<Option<f64>>,

    /// Use this ONNX file, described by the manifest.toml beside it [default: the built-in network].
    #[arg(long, value_name = "FILE.onnx", value_hint = ValueHint::FilePath)]
    pub(crate) model: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) descriptors: DescriptorSearchArgs,

    /// Store the results computed from each photo in this folder, and reuse those that are there [default: .delfin
    /// in the folder of photos, as `delfin cluster` does].
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) cache_dir: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) former: LabelImageArgs,
}

/// Flags of label_image.py; each prints its replacement.
#[derive(Debug, Args)]
pub(crate) struct LabelImageArgs {
    #[arg(long, hide = true, conflicts_with = "classifier")]
    pub(crate) graph: Option<PathBuf>,
    #[arg(long, hide = true, conflicts_with = "paths")]
    pub(crate) image: Option<PathBuf>,
    #[arg(long, hide = true)]
    pub(crate) labels: Option<String>,
    #[arg(long = "input_layer", hide = true)]
    pub(crate) input_layer: Option<String>,
    #[arg(long = "output_layer", hide = true)]
    pub(crate) output_layer: Option<String>,
    #[arg(long = "input_height", hide = true)]
    pub(crate) input_height: Option<String>,
    #[arg(long = "input_width", hide = true)]
    pub(crate) input_width: Option<String>,
    #[arg(long = "input_mean", hide = true, allow_negative_numbers = true)]
    pub(crate) input_mean: Option<String>,
    #[arg(long = "input_std", hide = true, allow_negative_numbers = true)]
    pub(crate) input_std: Option<String>,
}

impl ClassifyArgs {
    /// The photos and folders.
    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        let image = self.former.image.iter();
        self.paths.iter().chain(image).cloned().collect()
    }

    /// The classifier's file; one of the two flags is required.
    pub(crate) fn classifier(&self) -> &Path {
        let file = self.classifier.as_ref().or(self.former.graph.as_ref());
        file.map_or(Path::new("classifier.delfin"), PathBuf::as_path)
    }
}
