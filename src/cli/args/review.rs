//! `delfin review`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::DescriptorSearchArgs;

#[derive(Debug, Args)]
pub(crate) struct ReviewArgs {
    /// Folder with one sub-folder of photos for each class, as it was trained on.
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) folder: PathBuf,

    /// The file that `delfin train` wrote.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) classifier: PathBuf,

    /// Write the page to this file.
    #[arg(short, long, value_name = "FILE.html", default_value = "review.html", value_hint = ValueHint::FilePath)]
    pub(crate) output: PathBuf,

    /// Overwrite files that delfin did not make.
    #[arg(long)]
    pub(crate) force: bool,

    /// Use this ONNX file, described by the manifest.toml beside it [default: the built-in network].
    #[arg(long, value_name = "FILE.onnx", value_hint = ValueHint::FilePath)]
    pub(crate) model: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) descriptors: DescriptorSearchArgs,

    /// Store the results computed from each photo in this folder, and reuse those that are there [default: .delfin
    /// in the folder of photos, as `delfin cluster` does].
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) cache_dir: Option<PathBuf>,
}
