//! The last run taken back.

use std::path::Path;

use super::apply::move_photo;
use super::files::{is_placed, resolved};
use super::journal::{LastRun, read_last};
use super::plan::{LeftOut, Placement};
use crate::error::{Error, Result};
use crate::files::StoredPath;

/// What [`undo`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Undone {
    /// Links and copies that were removed, and photos that were moved back.
    pub num_removed: usize,
    /// Places that were kept, and why: what lies there is no longer what the run made, or the original
    /// is gone and this is all that is left of it. The path is below the destination.
    pub kept: Vec<LeftOut>,
}

/// Takes back the last run that organized photos into `destination`: removes the links and copies that
/// it made and moves photos back, then removes the folders that it made where they are empty, then its journal. May be interrupted and
/// called again. Called once more it takes back the run before. `None` when there is no run to take back.
///
/// # Errors
/// [`Error::Io`] when something cannot be removed, [`Error::Journal`] when the journal cannot be read;
/// the journal stays, so that the call can be repeated.
pub fn undo(destination: &Path) -> Result<Option<Undone>> {
    let io = |path: &Path| {
        let path = path.to_owned();
        |source| Error::Io { path, source }
    };
    let destination = resolved(destination).map_err(io(destination))?;
    let Some(LastRun {
        journal,
        intent,
        is_made,
    }) = read_last(&destination)?
    else {
        return Ok(None);
    };
    let mut undone = Undone::default();
    for (index, photo, below) in intent.places().rev() {
        let target = destination.join(below);
        if is_made.get(&index) == Some(&false) || target.symlink_metadata().is_err() {
            continue;
        }
        let original = intent.source.0.join(photo);
        if intent.placement == Placement::Move && original.symlink_metadata().is_err() {
            if let Some(folder) = original.parent() {
                std::fs::create_dir_all(folder).map_err(io(folder))?;
            }
            let partial = original.with_extension("delfin-partial");
            move_photo(&target, &original, &partial).map_err(io(&original))?;
            undone.num_removed += 1;
            continue;
        }
        if is_placed(&original, &target) {
            std::fs::remove_file(&target).map_err(io(&target))?;
            undone.num_removed += 1;
            continue;
        }
        let reason = if original.exists() {
            "it has changed since"
        } else {
            "its original is gone"
        };
        undone.kept.push(LeftOut {
            photo: below.to_owned(),
            reason: reason.to_owned(),
        });
    }
    remove_empty(&intent.folders);
    for left in [journal.with_extension("partial"), journal] {
        match std::fs::remove_file(&left) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(io(&left)(error));
            }
            _ => {}
        }
    }
    // Those that held the journal.
    remove_empty(&intent.folders);
    Ok(Some(undone))
}

/// A folder that holds anything is somebody's and stays.
fn remove_empty(folders: &[StoredPath]) {
    for folder in folders.iter().rev() {
        let _ = std::fs::remove_dir(&folder.0);
    }
}
