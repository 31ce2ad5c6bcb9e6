//! `delfin export-classifier`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

#[derive(Debug, Args)]
pub(crate) struct ExportClassifierArgs {
    /// The file that `delfin train` wrote.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) classifier: PathBuf,

    /// The ONNX file to write. Its input `pixels` takes values from 0 to 255; its output `probabilities` is the
    /// softmax score. The geometry score is not exported.
    #[arg(short, long, value_name = "FILE.onnx", value_hint = ValueHint::FilePath)]
    pub(crate) output: PathBuf,

    /// Overwrite files that delfin did not make.
    #[arg(long)]
    pub(crate) force: bool,

    /// Use this ONNX file, described by the manifest.toml beside it [default: the built-in network].
    #[arg(long, value_name = "FILE.onnx", value_hint = ValueHint::FilePath)]
    pub(crate) model: Option<PathBuf>,
}
