//! `delfin extract`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use super::ExtractionArgs;

#[derive(Debug, Args)]
pub(crate) struct ExtractArgs {
    /// Photos, or folders whose photos are taken with those of their sub-folders.
    #[arg(required = true, value_name = "PATHS", value_hint = ValueHint::AnyPath)]
    pub(crate) paths: Vec<PathBuf>,

    /// Output folder; made if missing.
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) output: PathBuf,

    /// The files' format.
    #[arg(long, value_enum, default_value_t = FeatureFormat::Delf)]
    pub(crate) format: FeatureFormat,

    /// Overwrite existing .delf files, and JSON files that delfin did not make.
    #[arg(long)]
    pub(crate) force: bool,

    #[command(flatten)]
    pub(crate) extraction: ExtractionArgs,
}

/// File format of features.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FeatureFormat {
    /// DELF's protocol buffer, without the global descriptor.
    Delf,
    /// One JSON object, with the global descriptor.
    Json,
}
