//! A plan carried out: one link or copy after another, each written down.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::files::{at, name_new};
use super::journal::{Intent, Journal, Record};
use super::lock::Lock;
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
/// [`Error::Io`] when the destination or the journal cannot be written, or another run is at work there. A failure
/// at one place is an entry of [`Applied::failures`], and the others go on.
pub fn apply(plan: &Plan, placement: Placement, or_copy: bool) -> Result<Applied> {
    let mut applied = Applied::default();
    if plan.places.is_empty() {
        return Ok(applied);
    }
    let intent = Intent::new(&plan.source, placement, missing_folders(plan), &plan.places);
    make_folder(&plan.destination.join(JOURNAL_FOLDER))?;
    let _lock = Lock::take(&plan.destination)?;
    let mut journal = Journal::begin(&plan.destination, &intent)?;
    // A name of this run alone, derived from the journal's, so that undo finds the remains of a run that was
    // killed.
    let partial = journal.path.with_extension("partial");
    for (index, place) in plan.places.iter().enumerate() {
        let original = plan.source.join(&place.photo);
        let target = plan.destination.join(&place.target);
        let made = make_parent(&target).and_then(|()| match placement {
            Placement::HardLink => match hard_link(&original, &target) {
                Err(Error::Io { source, .. }) if or_copy && makes_no_link(&source) => {
                    let copied = copy(&original, &target, &partial);
                    applied.num_copied_instead += usize::from(copied.is_ok());
                    copied
                }
                made => made,
            },
            Placement::Symlink => symlink(&original, &target).map_err(at(&target)),
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
                reason: explained(&error, placement),
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
    std::fs::create_dir_all(folder).map_err(at(folder))
}

fn make_parent(target: &Path) -> Result<()> {
    match target.parent() {
        Some(folder) => make_folder(folder),
        None => Ok(()),
    }
}

/// A second name of the photo itself, also where the source names it by a link.
fn hard_link(original: &Path, target: &Path) -> Result<()> {
    let file = original.canonicalize().map_err(at(original))?;
    std::fs::hard_link(file, target).map_err(|error| not_linked(error, original, target))
}

/// The error of a hard link, with the file at fault: the original where it cannot be read.
fn not_linked(error: std::io::Error, original: &Path, target: &Path) -> Error {
    let is_taken = error.kind() == ErrorKind::AlreadyExists;
    match is_taken || File::open(original).is_ok() {
        true => at(target)(error),
        false => at(original)(error),
    }
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
fn copy(original: &Path, target: &Path, partial: &Path) -> Result<()> {
    let copied = write_copy(original, target, partial)
        .and_then(|()| name_new(partial, target).map_err(at(target)));
    let _ = std::fs::remove_file(partial);
    copied
}

/// Checks that a photo is a file of the folder itself: one reached by a link, of its own or of a folder, may lie
/// elsewhere or be another photo.
fn ensure_own(photo: &Path) -> Result<()> {
    // A link may lead to a photo that has been moved before it.
    match !photo.is_symlink() && photo.canonicalize().map_err(at(photo))? == photo {
        true => Ok(()),
        false => Err(at(photo)(std::io::Error::other(
            "it is reached by a link, and only files are moved",
        ))),
    }
}

/// Moves a file to a name that is not in use: it has both names until the old one is removed, so that a kill
/// loses nothing. To another device it is copied first.
pub(super) fn move_photo(from: &Path, to: &Path, partial: &Path) -> Result<()> {
    match std::fs::hard_link(from, to) {
        Err(error) if makes_no_link(&error) => {
            copy(from, to, partial)?;
            // The new name is on its disk before the old one goes, where folders can be synced: the file is.
            #[cfg(unix)]
            let _ = File::open(folder_of(to)).and_then(|folder| folder.sync_all());
        }
        named => named.map_err(|error| not_linked(error, from, to))?,
    }
    match std::fs::remove_file(from) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            // It stays where it was, alone.
            let _ = std::fs::remove_file(to);
            Err(at(from)(error))
        }
        // Another program has removed it: this is all that is left.
        _ => Ok(()),
    }
}

/// Writes a new file `partial`, which is to become `target`. One that was left there may be a second name of the copy
/// before, and is removed, not written through.
fn write_copy(original: &Path, target: &Path, partial: &Path) -> Result<()> {
    let mut from = File::open(original).map_err(at(original))?;
    let metadata = from.metadata().map_err(at(original))?;
    match std::fs::remove_file(partial) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(at(partial)(error)),
        _ => {}
    }
    let mut to = File::create_new(partial).map_err(at(partial))?;
    std::io::copy(&mut from, &mut to).map_err(|error| match is_readable(original) {
        true => at(target)(error),
        false => at(original)(error),
    })?;
    // Some file systems hold neither.
    if let Ok(modified) = metadata.modified() {
        let _ = to.set_modified(modified);
    }
    let _ = to.set_permissions(metadata.permissions());
    to.sync_all().map_err(at(target))
}

/// Whether the whole of a file can be read.
fn is_readable(path: &Path) -> bool {
    let read = File::open(path).and_then(|mut file| std::io::copy(&mut file, &mut std::io::sink()));
    read.is_ok()
}

fn explained(error: &Error, placement: Placement) -> String {
    let Error::Io { path, source } = error else {
        return error.to_string();
    };
    let reason = match (source.kind(), placement) {
        (ErrorKind::CrossesDevices, Placement::HardLink) => {
            "the photo is on another device, where a hard link cannot reach: copy or symlink".into()
        }
        (ErrorKind::AlreadyExists, _) => "it is there already".into(),
        _ => source.to_string(),
    };
    format!("{}: {reason}", path.display())
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

    #[test]
    fn an_error_names_the_file_at_fault() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("1.jpg"), "1").unwrap();
        std::fs::write(at("there"), "2").unwrap();
        let (photo, there, partial) = (at("1.jpg"), at("there"), at("partial"));
        for (made, fault) in [
            (move_photo(&at("none"), &at("new"), &partial), at("none")),
            (copy(&at("none"), &at("new"), &partial), at("none")),
            (hard_link(&at("none"), &at("new")), at("none")),
            (ensure_own(&at("none")), at("none")),
            (move_photo(&photo, &there, &partial), there.clone()),
            (copy(&photo, &there, &partial), there.clone()),
            (hard_link(&photo, &there), there.clone()),
            (
                copy(&photo, &at("new"), &at("none/partial")),
                at("none/partial"),
            ),
        ] {
            let reason = explained(&made.unwrap_err(), Placement::Move);
            assert!(
                reason.starts_with(&format!("{}: ", fault.display())),
                "{reason}"
            );
        }
        // A file that nobody can remove.
        #[cfg(target_os = "linux")]
        {
            let fixed = Path::new("/proc/version");
            let error = move_photo(fixed, &at("new"), &partial).unwrap_err();
            assert!(error.to_string().starts_with("/proc/version: "), "{error}");
            assert!(!at("new").exists());
        }
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
