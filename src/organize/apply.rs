//! A plan carried out: one link or copy after another, each written down.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::files::name_new;
use super::journal::{Intent, Journal, Record};
use super::plan::{LeftOut, Placement, Plan};
use crate::error::{Error, Result};
use crate::files::{folder_of, makes_no_link};
use crate::folder::JOURNAL_FOLDER;

/// Result of [`apply`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Applied {
    /// Photos that got their place.
    pub num_placed: usize,
    /// Of those, photos that were copied because the file system makes no hard link to them.
    pub num_copied_instead: usize,
    /// Photos whose place could not be made.
    pub failures: Vec<LeftOut>,
}

/// Carries out a plan. No existing file is written over, whatever happened since it was planned. With `or_copy`, a
/// photo that cannot be hard-linked, as across devices, is copied. The journal is on the disk before the first
/// place is made.
///
/// # Errors
/// [`Error::Io`] when the destination or the journal cannot be written. A failure at one place is an entry of
/// [`Applied::failures`], and the others go on.
pub fn apply(plan: &Plan, placement: Placement, or_copy: bool) -> Result<Applied> {
    let mut applied = Applied::default();
    if plan.places.is_empty() {
        return Ok(applied);
    }
    let intent = Intent::new(&plan.source, placement, missing_folders(plan), &plan.places);
    make_folder(&plan.destination.join(JOURNAL_FOLDER))?;
    let mut journal = Journal::begin(&plan.destination, &intent)?;
    // A name of this run alone, derived from the journal's, so that undo finds the remains of a run that was
    // killed.
    let partial = journal.path.with_extension("partial");
    for (index, place) in plan.places.iter().enumerate() {
        let original = plan.source.join(&place.photo);
        let target = plan.destination.join(&place.target);
        let made = make_parent(&target).and_then(|()| match placement {
            Placement::HardLink => match hard_link(&original, &target) {
                Err(error) if or_copy && makes_no_link(&error) => {
                    let copied = copy(&original, &target, &partial);
                    applied.num_copied_instead += usize::from(copied.is_ok());
                    copied
                }
                made => made,
            },
            Placement::Symlink => symlink(&original, &target),
            Placement::Copy => copy(&original, &target, &partial),
            Placement::Move => {
                ensure_own(&original).and_then(|()| move_photo(&original, &target, &partial))
            }
        });
        journal.record(&Record {
            index,
            is_made: made.is_ok(),
        })?;
        match made {
            Ok(()) => applied.num_placed += 1,
            Err(error) => applied.failures.push(LeftOut {
                photo: place.photo.clone(),
                reason: explained(&error, &target, placement),
            }),
        }
    }
    journal.end()?;
    Ok(applied)
}

/// The folders that are not there yet, outer before inner.
fn missing_folders(plan: &Plan) -> Vec<PathBuf> {
    let mut folders: BTreeSet<PathBuf> = BTreeSet::new();
    let parents = plan.places.iter().filter_map(|place| place.target.parent());
    folders.extend(parents.map(|parent| plan.destination.join(parent)));
    folders.insert(plan.destination.join(JOURNAL_FOLDER));
    folders.extend(plan.destination.ancestors().map(Path::to_owned));
    folders.retain(|folder| !folder.exists());
    folders.into_iter().collect()
}

fn make_folder(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|source| Error::Io {
        path: folder.to_owned(),
        source,
    })
}

fn make_parent(target: &Path) -> std::io::Result<()> {
    match target.parent() {
        Some(folder) => std::fs::create_dir_all(folder),
        None => Ok(()),
    }
}

/// A second name of the photo itself, also where the source names it by a link.
fn hard_link(original: &Path, target: &Path) -> std::io::Result<()> {
    std::fs::hard_link(original.canonicalize()?, target)
}

#[cfg(unix)]
fn symlink(original: &Path, target: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(original, target)
}

#[cfg(windows)]
fn symlink(original: &Path, target: &Path) -> std::io::Result<()> {
    std::os::windows::fs::symlink_file(original, target)
}

/// A whole copy or none: written under the name `partial` of the same file system, then named.
fn copy(original: &Path, target: &Path, partial: &Path) -> std::io::Result<()> {
    let copied = write_copy(original, partial).and_then(|()| name_new(partial, target));
    let _ = std::fs::remove_file(partial);
    copied
}

/// Checks that a photo is a file of the folder itself: one reached by a link, of its own or of a folder, may lie
/// elsewhere or be another photo.
fn ensure_own(photo: &Path) -> std::io::Result<()> {
    match photo.canonicalize()? == photo {
        true => Ok(()),
        false => Err(std::io::Error::other(
            "it is reached by a link, and only files are moved",
        )),
    }
}

/// Moves a file to a name that is not in use: it has both names until the old one is removed, so that a kill
/// loses nothing. To another device it is copied first.
pub(super) fn move_photo(from: &Path, to: &Path, partial: &Path) -> std::io::Result<()> {
    match std::fs::hard_link(from, to) {
        Err(error) if makes_no_link(&error) => {
            copy(from, to, partial)?;
            // The new name is on its disk before the old one goes, where folders can be synced: the file is.
            #[cfg(unix)]
            let _ = File::open(folder_of(to)).and_then(|folder| folder.sync_all());
        }
        named => named?,
    }
    match std::fs::remove_file(from) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            // It stays where it was, alone.
            let _ = std::fs::remove_file(to);
            Err(error)
        }
        // Another program has removed it: this is all that is left.
        _ => Ok(()),
    }
}

/// Writes a new file `partial`. One that was left there may be a second name of the copy before, and is removed, not
/// written through.
fn write_copy(original: &Path, partial: &Path) -> std::io::Result<()> {
    let mut from = File::open(original)?;
    match std::fs::remove_file(partial) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut to = File::create_new(partial)?;
    std::io::copy(&mut from, &mut to)?;
    // Some file systems hold neither.
    let metadata = from.metadata()?;
    if let Ok(modified) = metadata.modified() {
        let _ = to.set_modified(modified);
    }
    let _ = to.set_permissions(metadata.permissions());
    to.sync_all()
}

fn explained(error: &std::io::Error, target: &Path, placement: Placement) -> String {
    let reason = match (error.kind(), placement) {
        (ErrorKind::CrossesDevices, Placement::HardLink) => {
            "the photo is on another device, where a hard link cannot reach: copy or symlink".into()
        }
        (ErrorKind::AlreadyExists, _) => "it is there already".into(),
        _ => error.to_string(),
    };
    format!("{}: {reason}", target.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_not_written_through_a_name_that_was_left() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["1.jpg", "2.jpg"] {
            std::fs::write(at(name), name).unwrap();
        }
        copy(&at("1.jpg"), &at("placed"), &at("partial")).unwrap();
        std::fs::hard_link(at("placed"), at("partial")).unwrap();
        copy(&at("2.jpg"), &at("next"), &at("partial")).unwrap();
        let read = |name: &str| std::fs::read_to_string(at(name)).unwrap();
        assert_eq!([read("placed"), read("next")], ["1.jpg", "2.jpg"]);
        assert!(!at("partial").exists());
        // What cannot be removed is not written to.
        std::fs::create_dir(at("partial")).unwrap();
        assert!(copy(&at("2.jpg"), &at("last"), &at("partial")).is_err());
        assert!(at("partial").is_dir() && !at("last").exists());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_move_to_a_folder_that_cannot_be_synced_is_whole() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        // Another device, where there is one.
        let Ok(other) = tempfile::tempdir_in("/dev/shm") else {
            return;
        };
        let (from, to) = (folder.path().join("1.jpg"), other.path().join("out/1.jpg"));
        std::fs::write(&from, "1").unwrap();
        let out = other.path().join("out");
        std::fs::create_dir(&out).unwrap();
        // Files are made there, and it cannot be opened but by the superuser.
        let set = |mode| std::fs::set_permissions(&out, PermissionsExt::from_mode(mode));
        set(0o300).unwrap();
        let moved = move_photo(&from, &to, &other.path().join("partial"));
        set(0o700).unwrap();
        moved.unwrap();
        assert!(to.exists() && !from.exists());
    }
}
