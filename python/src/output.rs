//! What a call may write: refused before its work, not after.

use std::path::Path;

use delfin::files::is_replaceable;
use pyo3::prelude::*;

use crate::error::{Class, error};

/// Whether writing to `path` loses nothing that delfin did not make; with `overwrite` it may be any file.
///
/// # Errors
/// A `FileError` that names it.
pub(crate) fn ensure_replaceable(py: Python<'_>, path: &Path, overwrite: bool) -> PyResult<()> {
    let refuse = |reason: &str| {
        let message = format!("{}: {reason}", path.display());
        Err(error(py, Class::File, message, Some(path)))
    };
    if path.is_dir() {
        return refuse("a folder; name a file to write");
    }
    let folder = path.parent();
    if folder.is_some_and(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
        return refuse("there is no such folder to write into");
    }
    if !overwrite && !is_replaceable(path) {
        return refuse(
            "there already, and not made by delfin; name another, or write over it with overwrite=True",
        );
    }
    Ok(())
}
