//! Files that appear whole or not at all.

use std::io::{BufWriter, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::error::{Error, Result};

/// Writes `bytes` to `path`, over an existing file. They are written beside `path` under another name, brought to
/// the disk and renamed, so that neither a full disk nor a power cut leaves half a file.
///
/// # Errors
/// [`Error::Io`] with `path`; nothing is left behind.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    write_file_with(path, |out| out.write_all(bytes))
}

/// As [`write_file`], but `write` streams the content, so that a large file need not be in memory.
///
/// # Errors
/// [`Error::Io`] with `path`; nothing is left behind.
pub(crate) fn write_file_with(
    path: &Path,
    write: impl FnOnce(&mut (dyn Write + Send)) -> std::io::Result<()>,
) -> Result<()> {
    let write = || -> std::io::Result<()> {
        let mut partial = partial_file(path)?;
        let mut buffered = BufWriter::new(&mut partial);
        write(&mut buffered)?;
        buffered.flush()?;
        drop(buffered);
        partial.as_file().sync_all()?;
        partial.persist(path)?;
        Ok(())
    };
    write().map_err(|source| Error::io(path, source))
}

/// Makes a new file at `path`: `make` fills a file beside it, which is brought to the disk and gets its
/// name when it is whole, unless another program has taken that meanwhile.
///
/// # Errors
/// [`Error::Format`] when something is at `path` already; [`Error::Io`], and those of `make`. Nothing is left
/// behind.
pub(crate) fn write_new_file(path: &Path, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let io = |source| Error::io(path, source);
    refuse_existing(path)?;
    let partial = partial_file(path).map_err(io)?;
    make(partial.path())?;
    partial.as_file().sync_all().map_err(io)?;
    match partial.persist_noclobber(path) {
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Err(there_already(path)),
        Err(error) if makes_no_link(&error.error) => {
            // This file system cannot refuse an existing name while it renames.
            refuse_existing(path)?;
            error.file.persist(path).map(drop).map_err(|e| io(e.error))
        }
        named => named.map(drop).map_err(|e| io(e.error)),
    }
}

/// Whether the file system refuses hard links of this file: another device, a file system without
/// them, or a file with as many as it can have.
pub(crate) fn makes_no_link(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::CrossesDevices
            | ErrorKind::Unsupported
            | ErrorKind::PermissionDenied
            | ErrorKind::TooManyLinks
    )
}

/// The folder of a file; the current one of a name alone.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// A new file beside `path`, under a name of its own until it is whole; it goes when it is dropped.
fn partial_file(path: &Path) -> std::io::Result<NamedTempFile> {
    let folder = folder_of(path);
    // A missing folder gives the system's error.
    std::fs::metadata(folder)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    let mut builder = tempfile::Builder::new();
    builder.prefix(&name).suffix(".partial");
    // As for any new file: everyone may read it, less the user's mask.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

/// Mark of the files that delfin makes, where their format has room for it.
pub(crate) const MARK: &str = "made by delfin";

/// Bytes at either end of a file that are searched for delfin's mark.
const MARKED_BYTES: u64 = 1 << 16;

/// Bytes at either end of a picture that have delfin's mark.
const MARKED_PICTURE_BYTES: usize = 80;

/// Where pictures have the mark, whole: as a PNG's text, a JPEG's comment, and a chunk at a WebP's end.
const PNG_MARK: &[u8] = b"\0\0\0\x17tEXtSoftware\0made by delfin";
const JPEG_MARK: &[u8] = b"\xff\xd8\xff\xfe\0\x10made by delfin";
const WEBP_MARK: &[u8] = b"MADE\x0e\0\0\0made by delfin";

/// How pictures begin that have the mark behind them: GIF, BMP, TIFF.
const MARKED_BEHIND: [&[u8]; 4] = [b"GIF8", b"BM", b"II*\0", b"MM\0*"];

/// First bytes of the tables that delfin writes, which have no other mark.
const TABLE_HEADERS: [&str; 5] = [
    "path,cluster,score,representative\n",
    "path,class,score,representative\n",
    "image1,image2,matches,inliers,score,false_match_probability\n",
    "image1,image2,matches,inliers,probability,relation,",
    "path,label,probability,softmax_label,softmax_probability,",
];

/// Start and mark of other text files: a page, a part of it, `clusters.json`, features.
const TEXT_MARKS: [(&str, &str); 4] = [
    ("<", "<meta name=\"generator\" content=\"delfin\">"),
    ("// made by delfin\n", MARK),
    ("{\"version\":", "\"model_sha256\":\""),
    ("{", "\"origin\":\"made by delfin\""),
];

/// How a classifier begins, behind the length of its header.
pub(crate) const CLASSIFIER_START: &[u8] = br#"{"__metadata__":{"delfin-classifier":"#;

/// Marks of a network's and of a table's metadata, with the lengths of both texts.
const ONNX_MARK: &[u8] = b"\x06origin\x12\x0emade by delfin";
const PARQUET_MARK: &[u8] = b"\x06delfin\x18\x0emade by delfin";

/// Whether writing over the file at `path` loses nothing that delfin cannot make again: nothing is there,
/// or an empty file, or one that delfin made.
pub fn is_replaceable(path: &Path) -> bool {
    let Ok(metadata) = path.symlink_metadata() else {
        return true;
    };
    if metadata.is_file() && metadata.len() == 0 {
        return true;
    }
    // Anything but a file, such as a pipe, may never end.
    if !path.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return false;
    }
    ends_of(path, MARKED_BYTES).is_ok_and(|[head, tail]| {
        let begins = |header: &str| head.starts_with(header.as_bytes());
        let is_in = |mark: &[u8]| holds(&head, mark) || holds(&tail, mark);
        let is_marked = |(start, mark): (&str, &str)| begins(start) && is_in(mark.as_bytes());
        // A text that mentions delfin may be the user's.
        let is_text = !head.contains(&0) && !tail.contains(&0);
        TABLE_HEADERS.into_iter().any(begins)
            || TEXT_MARKS.into_iter().any(is_marked)
            || is_drawn(&head, &tail)
            || head
                .get(8..)
                .is_some_and(|h| h.starts_with(CLASSIFIER_START))
            || begins("PAR1") && holds(&tail, PARQUET_MARK)
            || !is_text && is_in(ONNX_MARK)
    })
}

/// Whether the file at `path` is a picture that delfin drew; no if it cannot be read.
pub(crate) fn is_drawn_file(path: &Path) -> bool {
    let ends = ends_of(path, MARKED_PICTURE_BYTES as u64);
    ends.is_ok_and(|[head, tail]| is_drawn(&head, &tail))
}

/// Whether a picture that begins and ends so was drawn by delfin.
pub(crate) fn is_drawn(head: &[u8], tail: &[u8]) -> bool {
    let head = &head[..head.len().min(MARKED_PICTURE_BYTES)];
    head.starts_with(JPEG_MARK)
        || holds(head, PNG_MARK)
        || head.starts_with(b"RIFF") && tail.ends_with(WEBP_MARK)
        || MARKED_BEHIND.iter().any(|start| head.starts_with(start))
            && tail.ends_with(MARK.as_bytes())
}

fn holds(bytes: &[u8], mark: &[u8]) -> bool {
    bytes.windows(mark.len()).any(|window| window == mark)
}

/// Removes the file at `path` if delfin made it.
///
/// # Errors
/// [`Error::Io`] when it cannot be removed.
pub(crate) fn remove_own(path: &Path) -> Result<()> {
    if path.symlink_metadata().is_err() || !is_replaceable(path) {
        return Ok(());
    }
    std::fs::remove_file(path).map_err(|source| Error::io(path, source))
}

/// The first and the last `count` bytes of a file.
fn ends_of(path: &Path, count: u64) -> std::io::Result<[Vec<u8>; 2]> {
    let mut file = std::fs::File::open(path)?;
    let length = file.metadata()?.len();
    let mut ends = [Vec::new(), Vec::new()];
    let starts = [0, length.saturating_sub(count)];
    for (end, start) in ends.iter_mut().zip(starts) {
        file.seek(SeekFrom::Start(start))?;
        (&mut file).take(count).read_to_end(end)?;
    }
    Ok(ends)
}

/// # Errors
/// [`Error::Format`] when something is at `path`.
pub fn refuse_existing(path: &Path) -> Result<()> {
    match path.symlink_metadata() {
        Ok(_) => Err(there_already(path)),
        Err(_) => Ok(()),
    }
}

fn there_already(path: &Path) -> Error {
    Error::format(
        path,
        "there already; it is not written over: remove it or give another name",
    )
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
    fn a_name_alone_is_of_the_current_folder() {
        for (path, folder) in [("a.txt", "."), ("b/a.txt", "b"), ("/a.txt", "/")] {
            assert_eq!(folder_of(Path::new(path)), Path::new(folder));
        }
    }

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
    fn a_new_file_takes_no_name_that_is_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let fill = |bytes: &'static [u8]| {
            move |partial: &Path| {
                std::fs::write(partial, bytes).unwrap();
                Ok(())
            }
        };
        write_new_file(&path, fill(b"one")).unwrap();
        assert!(write_new_file(&path, fill(b"two")).is_err());
        // Taken while the file is filled.
        let other = folder.path().join("b.db");
        let error = write_new_file(&other, |partial| {
            std::fs::write(partial, b"mine").unwrap();
            std::fs::write(&other, b"theirs").unwrap();
            Ok(())
        });
        let message = error.unwrap_err().to_string();
        assert!(message.contains("there already"), "{message}");
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        assert_eq!(std::fs::read(&other).unwrap(), b"theirs");
        let failed = write_new_file(&folder.path().join("c.db"), |_| {
            Err(Error::option("x", "none"))
        });
        assert!(failed.is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[cfg(unix)]
    #[test]
    fn files_have_the_permissions_of_any_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (path, plain) = (folder.path().join("a"), folder.path().join("b"));
        write_file(&path, b"x").unwrap();
        std::fs::write(&plain, b"x").unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode();
        assert_eq!(mode(&path), mode(&plain));
    }

    #[test]
    fn only_what_delfin_made_is_replaceable() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        assert!(is_replaceable(&path));
        let long = "x".repeat(200_000);
        for (content, expected) in [
            ("", true),
            ("path,cluster\n1.jpg,0\n", false),
            ("path,cluster,score,representative\n", true),
            ("path,class,score,representative\n", true),
            ("a line, then\npath,class,score,representative\n", false),
            ("<html><meta name=\"generator\" content=\"delfin\">", true),
            ("<html><meta name=\"generator\" content=\"other\">", false),
            (
                "notes on <meta name=\"generator\" content=\"delfin\">",
                false,
            ),
            ("{\"version\":4,\"model_sha256\":\"0\"}", true),
            ("[{\"version\":4,\"model_sha256\":\"0\"}]", false),
            ("{\"keypoints\":[],\"origin\":\"made by delfin\"}", true),
            ("{\"mine\":\"made by delfin\"}", false),
            ("// made by delfin\ndelfinPart()", true),
            ("a list of pictures made by delfin\n", false),
            ("\0\0made by delfin\0", false),
            ("12345678{\"__metadata__\":{\"delfin-classifier\":\"", true),
            ("\0\x06origin\x12\x0emade by delfin\x32", true),
            ("PAR1\0 \x06delfin\x18\x0emade by delfin\0PAR1", true),
            (&format!("BM{long}{MARK}"), true),
            (&format!("{long}{MARK}"), false),
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
