//! `delfin organize`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

#[derive(Debug, Args)]
pub(crate) struct OrganizeArgs {
    /// The folder of the photos; those in its sub-folders are taken too. They stay as they are, except with
    /// `--method move`.
    #[arg(value_name = "DIR", required_unless_present = "undo", value_hint = ValueHint::DirPath)]
    pub(crate) folder: Option<PathBuf>,

    /// Source of the labels: `prefix` is the part of a photo's name before the first _; FILE is a table of path and
    /// label (.csv, .tsv), as `delfin cluster`, its report and `delfin classify` write it.
    #[arg(long, value_name = "prefix|FILE", required_unless_present = "undo",
        value_hint = ValueHint::FilePath)]
    pub(crate) by: Option<PathBuf>,

    /// The folder that gets one sub-folder per label; made if missing.
    #[arg(id = "destination", long = "to", value_name = "DEST", value_hint = ValueHint::DirPath)]
    pub(crate) to: PathBuf,

    /// Method of placing photos [default: hardlink, or copy where no hard link is possible].
    #[arg(long, value_enum, value_name = "METHOD")]
    pub(crate) method: Option<Method>,

    /// Print the plan as one JSON object and change nothing.
    #[arg(long)]
    pub(crate) plan: bool,

    /// Undo the last run into DEST, and nothing else.
    #[arg(long, conflicts_with_all = ["folder", "by", "method", "plan"])]
    pub(crate) undo: bool,
}

/// Method of placing a photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Method {
    /// A second name of the same file; takes no space.
    Hardlink,
    /// A symbolic link to the photo's path.
    Symlink,
    /// A copy of the file.
    Copy,
    /// The photo itself, which leaves its folder.
    Move,
}
