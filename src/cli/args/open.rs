//! `delfin open`.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use delfin::pipeline::ClusterOptions;

use super::cluster::{JudgementArgs, StoreArgs};
use super::{ExtractionArgs, defaults};

#[derive(Debug, Args)]
#[command(mut_arg("min_probability", |arg| arg.help(defaults(
    "Threshold that the page starts with: minimum probability of a link, above 0 and below 1",
    ClusterOptions::default().min_probability))))]
pub(crate) struct OpenArgs {
    /// Folder of photos, with its sub-folders.
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) folder: PathBuf,

    /// Port of 127.0.0.1 to listen on [default: a free one].
    #[arg(
        long,
        value_name = "PORT",
        default_value_t = 0,
        hide_default_value = true
    )]
    pub(crate) port: u16,

    /// Print the address and open no browser.
    #[arg(long)]
    pub(crate) no_browser: bool,

    /// Also find things that are mirrored, as in a flipped photo.
    #[arg(long)]
    pub(crate) mirrored: bool,

    #[command(flatten)]
    pub(crate) judgement: JudgementArgs,

    #[command(flatten)]
    pub(crate) store: StoreArgs,

    #[command(flatten)]
    pub(crate) extraction: ExtractionArgs,
}
