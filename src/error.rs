//! Error types. Each carries the path or the option at fault.

use std::path::{Path, PathBuf};

/// The result of everything in delfin that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// An error of the library. Each message is one line and names the file or the option at fault.
///
/// "The two photos do not match" is an answer, not an error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be opened, read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// A file is not a photo that can be decoded.
    #[error("{}: not a readable photo: {reason}", path.display())]
    Decode {
        /// The file.
        path: PathBuf,
        /// The decoder's message.
        reason: String,
    },
    /// A photo holds more pixels than the limit allows.
    #[error("{}: {width} x {height} pixels are more than the limit of {max_pixels} pixels", path.display())]
    TooManyPixels {
        /// The file.
        path: PathBuf,
        /// Width that the file declares, in pixels.
        width: u32,
        /// Height that the file declares, in pixels.
        height: u32,
        /// The limit.
        max_pixels: u64,
    },
    /// A manifest does not describe a model that can be run.
    #[error("{}: {reason}", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// The entry at fault and why.
        reason: String,
    },
    /// A model file does not fit its manifest.
    #[error("{}: {reason}", path.display())]
    Model {
        /// The model file.
        path: PathBuf,
        /// The input, output or node at fault and why.
        reason: String,
    },
    /// Two feature sets cannot be compared, or values break an invariant.
    #[error("features: {reason}")]
    Features {
        /// The part that does not fit.
        reason: String,
    },
    /// An option has a value outside its range.
    #[error("option {name}: {reason}")]
    InvalidOption {
        /// The option's field name.
        name: &'static str,
        /// The value and the range.
        reason: String,
    },
    /// A file of another program's format cannot be read.
    #[error("{}: {reason}", path.display())]
    Format {
        /// The file, or the folder or archive that it is in.
        path: PathBuf,
        /// The part at fault and why.
        reason: String,
    },
    /// A folder of labelled photos cannot be trained on or tested with.
    #[error("{}: {reason}", path.display())]
    Dataset {
        /// The folder.
        path: PathBuf,
        /// The fault.
        reason: String,
    },
    /// A classifier file cannot be used.
    #[error("{}: {reason}", path.display())]
    Classifier {
        /// The file.
        path: PathBuf,
        /// The part that does not fit.
        reason: String,
    },
    /// A picture could not be encoded.
    #[error("{}: the picture cannot be written: {reason}", path.display())]
    Encode {
        /// The file.
        path: PathBuf,
        /// The encoder's message.
        reason: String,
    },
    /// The observer cancelled the run.
    #[error("cancelled")]
    Cancelled,
    /// A file of labels or clusters cannot be used.
    #[error("{}: {reason}", path.display())]
    Labels {
        /// The file.
        path: PathBuf,
        /// The line at fault and why.
        reason: String,
    },
    /// The journal of a run that organized photos cannot be used.
    #[error("{}: {reason}", path.display())]
    Journal {
        /// The journal.
        path: PathBuf,
        /// The part at fault and why.
        reason: String,
    },
    /// A store cannot be opened, read or written.
    #[error("{}: {reason}", path.display())]
    Store {
        /// The store's file.
        path: PathBuf,
        /// SQLite's message, or the part that does not fit.
        reason: String,
        /// Whether the file's content is at fault.
        is_damaged: bool,
    },
}

impl Error {
    /// An [`Error::InvalidOption`] for the named option.
    pub(crate) fn option(name: &'static str, reason: impl Into<String>) -> Self {
        Self::InvalidOption {
            name,
            reason: reason.into(),
        }
    }

    /// An [`Error::Io`] of the file at `path`.
    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            source,
        }
    }

    /// An [`Error::Store`] for an error of SQLite.
    pub(crate) fn store(path: &Path, source: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        let code = source.sqlite_error_code();
        let text = source.to_string();
        Self::Store {
            path: path.to_owned(),
            reason: text.lines().next().unwrap_or_default().to_owned(),
            is_damaged: matches!(code, Some(DatabaseCorrupt | NotADatabase)),
        }
    }

    /// An [`Error::Format`] of the file at `path`.
    pub(crate) fn format(path: &Path, reason: impl Into<String>) -> Self {
        Self::Format {
            path: path.to_owned(),
            reason: reason.into(),
        }
    }
}
