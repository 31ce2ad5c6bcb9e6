//! `delfin evaluate`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

#[derive(Debug, Args)]
pub(crate) struct EvaluateArgs {
    /// The true labels: one a line (.txt), or a table of path and label (.csv, .tsv).
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) truth: PathBuf,

    /// The clusters, as `delfin cluster` writes them: labels_pred.txt or clusters.csv.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) pred: PathBuf,

    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}
