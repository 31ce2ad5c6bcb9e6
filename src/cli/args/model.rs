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
        /// A built-in network's name, or an ONNX file beside its manifest.toml [default: the
        /// network that is used when none is named].
        #[arg(value_name = "NAME|FILE", value_hint = ValueHint::FilePath)]
        model: Option<PathBuf>,
    },
}
