//! Undo of the last run.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::apply::move_photo;
use super::files::{at, is_placed, resolved};
use super::journal::{Intent, LastRun, has_journal, read_last};
use super::lock::Lock;
use super::plan::{LeftOut, Placement};
use crate::error::{Error, Result};
use crate::files::StoredPath;

/// Result of [`undo`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Undone {
    /// Links and copies that were removed, and photos that were moved back.
    pub num_removed: usize,
    /// Places that were kept, and why: the file there is no longer the one that the run made, the original is gone
    /// and this is its only copy, or a moved photo cannot go back. The path is below the destination.
    pub kept: Vec<LeftOut>,
    /// The journal, which stays while moved photos are not back, and where no original is found: the call may be
    /// repeated.
    pub journal: Option<PathBuf>,
}

/// Undoes the last run that organized photos into `destination`: removes the links and copies that it made and
/// moves photos back, then removes the folders that it made where they are empty, then its journal. The journal
/// stays if moved photos are there and not back, or none of them is found. May be interrupted and called again.
/// After a success, the next call undoes the run before. `None` when there is no run to undo.
///
/// # Errors
/// [`Error::Io`] when something cannot be removed or moved, or another run is at work in the destination;
/// [`Error::Journal`] when the journal cannot be read, or the folder that the photos came from is missing, except for
/// symbolic links. The journal stays, so that the call can be repeated.
pub fn undo(destination: &Path) -> Result<Option<Undone>> {
    let destination = resolved(destination).map_err(at(destination))?;
    if !has_journal(&destination)? {
        return Ok(None);
    }
    let lock = Lock::take(&destination)?;
    // The run before may have been undone meanwhile.
    let Some(LastRun {
        journal,
        intent,
        is_made,
    }) = read_last(&destination)?
    else {
        return Ok(None);
    };
    let is_move = intent.placement == Placement::Move;
    // A symbolic link is known by what it says.
    if intent.placement != Placement::Symlink && !intent.source.0.is_dir() {
        return Err(Error::Journal {
            path: journal,
            reason: format!(
                "the photos' folder {} is missing; put it back under that name, then undo",
                intent.source.0.display()
            ),
        });
    }
    if is_move {
        remove_partials(&intent);
    }
    let mut undone = Undone::default();
    let (mut num_missing, mut num_left) = (0, 0);
    for (index, photo, below) in intent.places().rev() {
        if is_made.get(&index) == Some(&false) {
            continue;
        }
        let target = destination.join(below);
        let original = intent.source.0.join(photo);
        let taken = match is_move {
            true => move_back(&original, &target, &intent.partial)
                .unwrap_or_else(|error| Taken::Kept(error.to_string())),
            false => remove(&original, &target).map_err(at(&target))?,
        };
        match taken {
            Taken::Back => undone.num_removed += 1,
            Taken::Already => {}
            Taken::Missing(reason) => {
                num_missing += 1;
                undone.kept.push(LeftOut {
                    photo: below.to_owned(),
                    reason: reason.into(),
                });
            }
            Taken::Kept(reason) => {
                num_left += 1;
                undone.kept.push(LeftOut {
                    photo: below.to_owned(),
                    reason,
                });
            }
        }
    }
    remove_empty(&intent.folders);
    // Some may have been deleted since. Where all are missing, another run may have moved them on, or their disk is
    // not there.
    let are_missing = num_missing > 0 && undone.num_removed == 0;
    if are_missing || is_move && num_left > 0 {
        undone.journal = Some(journal);
        return Ok(Some(undone));
    }
    for left in [journal.with_extension("partial"), journal] {
        match std::fs::remove_file(&left) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(at(&left)(error));
            }
            _ => {}
        }
    }
    drop(lock);
    // Those that held the journal and the lock.
    remove_empty(&intent.folders);
    Ok(Some(undone))
}

/// Outcome of undoing one place.
enum Taken {
    Back,
    /// There was nothing to do.
    Already,
    /// A moved photo, or the original of another, is gone; the reason.
    Missing(&'static str),
    Kept(String),
}

/// Removes the link or copy that a run made of a photo.
fn remove(original: &Path, target: &Path) -> std::io::Result<Taken> {
    if target.symlink_metadata().is_err() {
        return Ok(Taken::Already);
    }
    Ok(if leads_to(original, target) {
        Taken::Kept("its original is now a link that leads here".into())
    } else if is_placed(original, target) {
        std::fs::remove_file(target)?;
        Taken::Back
    } else if original.exists() {
        Taken::Kept("it has changed since".into())
    } else {
        Taken::Missing("its original is gone")
    })
}

/// Removes the copies that an undo which was killed left in the folders of the photos.
fn remove_partials(intent: &Intent) {
    let folders = intent.places().filter_map(|(_, photo, _)| photo.parent());
    for folder in folders.collect::<BTreeSet<_>>() {
        let partial = intent.source.0.join(folder).join(&intent.partial);
        let _ = std::fs::remove_file(partial);
    }
}

/// Moves a photo back to where it was; `partial` is the name of a copy beside it that is being written.
fn move_back(original: &Path, target: &Path, partial: &str) -> Result<Taken> {
    let is_there = |path: &Path| path.symlink_metadata().is_ok();
    match (is_there(original), is_there(target)) {
        (true, false) => Ok(Taken::Already),
        (false, false) => Ok(Taken::Missing("it is neither there nor where it was")),
        (true, true) if leads_to(original, target) => Ok(Taken::Kept(
            "a link that leads here has its old name".into(),
        )),
        // Killed between the two steps of a move.
        (true, true) if is_placed(original, target) => {
            std::fs::remove_file(target).map_err(at(target))?;
            Ok(Taken::Back)
        }
        (true, true) => Ok(Taken::Kept("another file has its old name".into())),
        (false, true) => {
            let folder = original.parent().unwrap_or(Path::new(""));
            std::fs::create_dir_all(folder).map_err(at(folder))?;
            move_photo(target, original, &folder.join(partial))?;
            Ok(Taken::Back)
        }
    }
}

/// Whether the original, or the folder it lies in, is by now a link to the target, which is then all there is.
fn leads_to(original: &Path, target: &Path) -> bool {
    let folder = target
        .parent()
        .and_then(|folder| folder.canonicalize().ok());
    let place = folder
        .zip(target.file_name())
        .map(|(folder, name)| folder.join(name));
    place.is_some() && original.canonicalize().ok() == place
}

/// Removes the empty ones of these folders.
fn remove_empty(folders: &[StoredPath]) {
    for folder in folders.iter().rev() {
        let _ = std::fs::remove_dir(&folder.0);
    }
}
