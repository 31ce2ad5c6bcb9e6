//! Files that appear whole or not at all.

use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Writes `bytes` to `path`, over what is there. It is written beside `path` under another name,
/// brought to the disk and renamed, so that neither a full disk nor a power cut leaves half a file.
///
/// # Errors
/// [`Error::Io`] with `path`; nothing is left behind.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let partial = partial_name(path);
    let written = std::fs::File::create(&partial)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&partial, path));
    written.map_err(|source| {
        let _ = std::fs::remove_file(&partial);
        Error::Io {
            path: path.to_owned(),
            source,
        }
    })
}

/// Makes a new file at `path`: `make` fills a file beside it, which is brought to the disk and gets its
/// name when it is whole.
///
/// # Errors
/// [`Error::Format`] when something is at `path` already; [`Error::Io`], and what `make` fails with.
/// Nothing is left behind.
pub(crate) fn write_new_file(path: &Path, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let io = |source| Error::Io {
        path: path.to_owned(),
        source,
    };
    refuse_existing(path)?;
    let partial = partial_name(path);
    // What a killed program of the same number left.
    let _ = std::fs::remove_file(&partial);
    // Opened first, so that a folder that is not there is told in the system's words.
    let made = std::fs::File::create(&partial)
        .map_err(io)
        .and_then(|_| make(&partial))
        .and_then(|()| {
            let file = std::fs::File::options().write(true).open(&partial);
            file.and_then(|file| file.sync_all()).map_err(io)
        })
        .and_then(|()| refuse_existing(path))
        .and_then(|()| std::fs::rename(&partial, path).map_err(io));
    if made.is_err() {
        let _ = std::fs::remove_file(&partial);
    }
    made
}

/// What files that delfin makes carry where their format has room for it.
pub(crate) const MARK: &str = "made by delfin";

/// Bytes at either end of a file that are searched for delfin's mark.
const MARKED_BYTES: u64 = 1 << 16;

/// What begins the tables that delfin writes, which have no other mark.
const TABLE_HEADERS: [&str; 4] = [
    "path,class,score,representative\n",
    "image1,image2,matches,inliers,score,false_match_probability\n",
    "image1,image2,matches,inliers,probability,relation,",
    "path,label,probability,softmax_label,softmax_probability,",
];

/// What the other files hold: a page, `clusters.json`, a classifier, a picture or network.
const MARKS: [&str; 4] = [
    "<meta name=\"generator\" content=\"delfin\">",
    "\"model_sha256\":\"",
    "\"delfin-classifier\":",
    MARK,
];

/// Whether writing over the file at `path` loses nothing that delfin cannot make again: nothing is there,
/// or an empty file, or one that delfin made.
pub fn is_replaceable(path: &Path) -> bool {
    let Ok(metadata) = path.symlink_metadata() else {
        return true;
    };
    if metadata.is_file() && metadata.len() == 0 {
        return true;
    }
    ends_of(path).is_ok_and(|[head, tail]| {
        let begins = |header: &&str| head.starts_with(header.as_bytes());
        let holds = |mark: &&str| {
            let holds = |bytes: &[u8]| bytes.windows(mark.len()).any(|w| w == mark.as_bytes());
            holds(&head) || holds(&tail)
        };
        TABLE_HEADERS.iter().any(begins) || MARKS.iter().any(holds)
    })
}

/// The first and the last bytes of a file.
fn ends_of(path: &Path) -> std::io::Result<[Vec<u8>; 2]> {
    let mut file = std::fs::File::open(path)?;
    let length = file.metadata()?.len();
    let mut ends = [Vec::new(), Vec::new()];
    let starts = [0, length.saturating_sub(MARKED_BYTES)];
    for (end, start) in ends.iter_mut().zip(starts) {
        file.seek(SeekFrom::Start(start))?;
        (&mut file).take(MARKED_BYTES).read_to_end(end)?;
    }
    Ok(ends)
}

/// # Errors
/// [`Error::Format`] when something is at `path`.
pub fn refuse_existing(path: &Path) -> Result<()> {
    match path.symlink_metadata() {
        Ok(_) => Err(Error::format(
            path,
            "there already; it is not written over: remove it or give another name",
        )),
        Err(_) => Ok(()),
    }
}

/// A name for one process alone, so that two programs that write the same file do not mix.
fn partial_name(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.partial", std::process::id()));
    PathBuf::from(name)
}

/// A path as JSON holds it: text, or its bytes where it is not UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub(crate) struct StoredPath(pub(crate) PathBuf);

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Stored {
    Text(String),
    Bytes(Vec<u8>),
}

impl From<StoredPath> for Stored {
    fn from(StoredPath(path): StoredPath) -> Self {
        match path.into_os_string().into_string() {
            Ok(text) => Self::Text(text),
            Err(other) => Self::Bytes(other.into_encoded_bytes()),
        }
    }
}

impl From<Stored> for StoredPath {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Text(text) => Self(text.into()),
            #[cfg(unix)]
            Stored::Bytes(bytes) => {
                let name: std::ffi::OsString = std::os::unix::ffi::OsStringExt::from_vec(bytes);
                Self(name.into())
            }
            #[cfg(not(unix))]
            Stored::Bytes(bytes) => Self(String::from_utf8_lossy(&bytes).into_owned().into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write_file(&path, b"one").unwrap();
        write_file(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn only_what_delfin_made_is_replaceable() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        assert!(is_replaceable(&path));
        let long = "x".repeat(200_000);
        for (content, expected) in [
            ("", true),
            ("path,class\n1.jpg,0\n", false),
            ("path,class,score,representative\n", true),
            ("a line, then\npath,class,score,representative\n", false),
            ("<html><meta name=\"generator\" content=\"delfin\">", true),
            ("<html><meta name=\"generator\" content=\"other\">", false),
            (&format!("{long}{MARK}"), true),
            (&format!("{long}{MARK}{long}"), false),
        ] {
            std::fs::write(&path, content).unwrap();
            assert_eq!(is_replaceable(&path), expected, "{}", content.len());
        }
        assert!(!is_replaceable(folder.path()));
    }

    #[test]
    fn a_failure_names_the_file_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let taken = folder.path().join("folder");
        std::fs::create_dir(&taken).unwrap();
        let error = write_file(&taken, b"x").unwrap_err().to_string();
        assert!(error.contains("folder"), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(write_file(&folder.path().join("none/a"), b"x").is_err());
    }
}
