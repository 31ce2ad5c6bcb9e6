//! `delfin export-classifier`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

#[derive(Debug, Args)]
pub(crate) struct ExportClassifierArgs {
    /// The file that `delfin train` wrote.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) classifier: PathBuf,

    /// The ONNX file to write. Its input `pixels` takes values from 0 to 255, its output `probabilities`
    /// is what the softmax layer says; geometry has no place in it.
    #[arg(short, long, value_name = "FILE.onnx", value_hint = ValueHint::FilePath)]
    pub(crate) output: PathBuf,

    /// Write over files that are there and that delfin did not make.
    #[arg(long)]
    pub(crate) force: bool,

    /// Use this ONNX file, described by the manifest.toml beside it [default: the built-in network].
    #[arg(long, value_name = "FILE.onnx", value_hint = ValueHint::FilePath)]
    pub(crate) model: Option<PathBuf>,
}
