//! `delfin organize`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

#[derive(Debug, Args)]
pub(crate) struct OrganizeArgs {
    /// The folder of the photos; those in its sub-folders are taken too. They stay as they are.
    #[arg(value_name = "DIR", required_unless_present = "undo", value_hint = ValueHint::DirPath)]
    pub(crate) folder: Option<PathBuf>,

    /// Where a photo's class comes from: `prefix` takes what stands before the first _ of its name; a
    /// table of path and class (.csv, .tsv) is one that `delfin cluster` or its report wrote.
    #[arg(long, value_name = "prefix|FILE", required_unless_present = "undo",
        value_hint = ValueHint::FilePath)]
    pub(crate) by: Option<PathBuf>,

    /// The folder that gets one sub-folder a class; made when it is not there.
    #[arg(long, value_name = "DEST", value_hint = ValueHint::DirPath)]
    pub(crate) to: PathBuf,

    /// How photos are put there [default: hardlink, and copy where that cannot be].
    #[arg(long, value_enum, value_name = "HOW")]
    pub(crate) method: Option<Method>,

    /// Print what would be done as one JSON object, and change nothing.
    #[arg(long)]
    pub(crate) plan: bool,

    /// Take back what the last run put into DEST, and nothing else.
    #[arg(long, conflicts_with_all = ["folder", "by", "method", "plan"])]
    pub(crate) undo: bool,
}

/// How a photo is put into its class folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Method {
    /// A second name of the same file; takes no space.
    Hardlink,
    /// A link to the photo's path.
    Symlink,
    /// A file of its own.
    Copy,
}
