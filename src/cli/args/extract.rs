//! `delfin extract`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use super::ExtractionArgs;

#[derive(Debug, Args)]
pub(crate) struct ExtractArgs {
    /// Photos, or folders whose photos are taken with those of their sub-folders.
    #[arg(required = true, value_name = "PATHS", value_hint = ValueHint::AnyPath)]
    pub(crate) paths: Vec<PathBuf>,

    /// Folder to write to; made when it is not there.
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) output: PathBuf,

    /// The files' format.
    #[arg(long, value_enum, default_value_t = FeatureFormat::Delf)]
    pub(crate) format: FeatureFormat,

    /// Write over JSON files that are there and that delfin did not make, and over .delf files, which stay otherwise.
    #[arg(long)]
    pub(crate) force: bool,

    #[command(flatten)]
    pub(crate) extraction: ExtractionArgs,
}

/// How features are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FeatureFormat {
    /// DELF's protocol buffer; it has no place for the global descriptor.
    Delf,
    /// One JSON object, with the global descriptor.
    Json,
}
