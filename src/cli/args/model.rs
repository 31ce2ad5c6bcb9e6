//! `delfin model`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

#[derive(Debug, Args)]
pub(crate) struct ModelArgs {
    #[command(subcommand)]
    pub(crate) command: ModelCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelCommand {
    /// List the built-in networks.
    List,
    /// Describe a network: its origin, licence, inputs and outputs.
    Info {
        /// Name of a built-in network, or an ONNX file beside its manifest.toml [default: the default network].
        #[arg(value_name = "NAME|FILE", value_hint = ValueHint::FilePath)]
        model: Option<PathBuf>,
    },
    /// Turn one of DELF's TensorFlow networks into an ONNX file and its manifest entry.
    Import(ImportArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The archive as published (delf_gld_20190411.tar.gz), or its unpacked folder, with the PCA in
    /// `pca` beside the network.
    #[arg(value_name = "ARCHIVE|DIR", value_hint = ValueHint::AnyPath)]
    pub(crate) source: PathBuf,

    /// Output folder; made if missing.
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath, default_value = ".")]
    pub(crate) output: PathBuf,

    /// Take PCA, scales, number of features and threshold from this DELF configuration [default:
    /// those of DELF's example: the first 40 components, no whitening].
    #[arg(long, value_name = "FILE.pbtxt", value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,

    /// The network's name [default: the archive's or folder's].
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
}
