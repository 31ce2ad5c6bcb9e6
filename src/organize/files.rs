//! State of the disk: the photos at the source, and the files at targets.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::files::makes_no_link;
use crate::folder::{PassedOver, list_photos, name_below};

/// The source's photos and the two folders, at the time of the survey.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Survey {
    /// The folder of the photos, absolute, links resolved.
    pub source: PathBuf,
    /// The same folder, absolute, by the name that it was given.
    pub named: PathBuf,
    /// The destination, absolute, links resolved as far as it is there.
    pub destination: PathBuf,
    /// The photos' paths below the source, sorted. Those inside the destination are not among them.
    pub photos: Vec<PathBuf>,
    /// The files passed over, without those of the destination.
    pub passed_over: PassedOver,
}

/// State of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TargetState {
    /// Nothing.
    Free,
    /// The photo: a link to it or a file with the same content.
    AlreadyThere,
    /// Something else, in words.
    Taken(String),
}

/// Finds the photos below `source`, with those of sub-folders but without those inside `destination`.
///
/// # Errors
/// [`Error::Io`] for a folder that is not there or cannot be listed; [`Error::InvalidOption`] when the destination
/// is the source or holds it, since organized photos could not be distinguished from others.
pub fn survey(source: &Path, destination: &Path) -> Result<Survey> {
    let root = source.canonicalize().map_err(at(source))?;
    if !root.is_dir() {
        return Err(at(source)(ErrorKind::NotADirectory.into()));
    }
    let resolved = resolved(destination).map_err(at(destination))?;
    if resolved.exists() && !resolved.is_dir() {
        return Err(at(destination)(ErrorKind::NotADirectory.into()));
    }
    if root.starts_with(&resolved) {
        let reason = format!(
            "{} holds the photos' folder; name another folder, or one inside it",
            destination.display()
        );
        return Err(Error::option("destination", reason));
    }
    let mut photos = Vec::new();
    let listing = list_photos(&root)?.complete().map_err(unlisted)?;
    let mut passed_over = listing.passed_over;
    passed_over.organized.remove(&name_below(&root, &resolved));
    for photo in listing.photos {
        let folder = photo.parent().map(Path::canonicalize);
        let is_organized = matches!(folder, Some(Ok(folder)) if folder.starts_with(&resolved));
        if let (false, Ok(below)) = (is_organized, photo.strip_prefix(&root)) {
            photos.push(below.to_owned());
        }
    }
    Ok(Survey {
        source: root,
        named: std::path::absolute(source).map_err(at(source))?,
        destination: resolved,
        photos,
        passed_over,
    })
}

/// The error of a folder that cannot be listed, with what to do. Some of its photos may be those that names and
/// labels mean, so that none is placed without them.
fn unlisted(error: Error) -> Error {
    let Error::Io { path, source } = error else {
        return error;
    };
    let advice = format!(
        "{source}; nothing is organized while photos may be hidden: make it readable, or move it out of the folder of photos"
    );
    Error::io(&path, std::io::Error::new(source.kind(), advice))
}

impl Survey {
    /// The folders at the destination whose names are text.
    pub(super) fn existing_folders(&self) -> BTreeSet<String> {
        let entries = std::fs::read_dir(&self.destination);
        let folders = entries.into_iter().flatten().flatten();
        folders
            .filter(|entry| entry.path().is_dir())
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect()
    }

    /// State of the target of a photo.
    pub(super) fn state(&self, photo: &Path, target: &Path) -> TargetState {
        let path = self.destination.join(target);
        let folder = path.parent().unwrap_or(&self.destination);
        match folder.symlink_metadata() {
            Ok(found) if !found.is_dir() => {
                let reason = format!("{} is there and is no folder", folder.display());
                return TargetState::Taken(reason);
            }
            _ => {}
        }
        match path.symlink_metadata() {
            Err(error) if error.kind() == ErrorKind::NotFound => TargetState::Free,
            Err(error) => TargetState::Taken(format!("{}: {error}", path.display())),
            Ok(_) if is_placed(&self.source.join(photo), &path) => TargetState::AlreadyThere,
            Ok(_) => TargetState::Taken(format!("{} is there already", path.display())),
        }
    }

    #[cfg(test)]
    pub(super) fn of_nothing(folder: &Path) -> Self {
        Self {
            source: folder.join("source"),
            named: folder.join("source"),
            destination: folder.join("destination"),
            photos: Vec::new(),
            passed_over: PassedOver::default(),
        }
    }
}

/// Whether `target` is `original` by a link, a second name or the same content.
pub(super) fn is_placed(original: &Path, target: &Path) -> bool {
    if let Ok(link) = std::fs::read_link(target) {
        return link == original;
    }
    let is_file = target.symlink_metadata().is_ok_and(|found| found.is_file());
    is_file
        && (same_file::is_same_file(original, target).unwrap_or(false)
            || has_same_content(original, target).unwrap_or(false))
}

fn has_same_content(path1: &Path, path2: &Path) -> std::io::Result<bool> {
    let (mut file1, mut file2) = (std::fs::File::open(path1)?, std::fs::File::open(path2)?);
    if file1.metadata()?.len() != file2.metadata()?.len() {
        return Ok(false);
    }
    let (mut block1, mut block2) = (Vec::new(), Vec::new());
    loop {
        block1.clear();
        block2.clear();
        file1.by_ref().take(1 << 20).read_to_end(&mut block1)?;
        file2.by_ref().take(1 << 20).read_to_end(&mut block2)?;
        if block1 != block2 {
            return Ok(false);
        }
        if block1.is_empty() {
            return Ok(true);
        }
    }
}

/// The path with the links of its part that is there resolved; the rest may not go up.
pub(super) fn resolved(path: &Path) -> std::io::Result<PathBuf> {
    let absolute = std::path::absolute(path)?;
    let mut there = absolute.as_path();
    loop {
        match there.canonicalize() {
            Ok(found) => {
                let rest = absolute.strip_prefix(there).unwrap_or(Path::new(""));
                let goes_up = rest.components().any(|part| part.as_os_str() == "..");
                return if goes_up {
                    Err(ErrorKind::NotFound.into())
                } else if rest.as_os_str().is_empty() {
                    Ok(found)
                } else {
                    Ok(found.join(rest))
                };
            }
            Err(error) => match (error.kind(), there.parent()) {
                (ErrorKind::NotFound, Some(parent)) => there = parent,
                _ => return Err(error),
            },
        }
    }
}

/// Makes an error the [`Error::Io`] of the file at `path`.
pub(super) fn at(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    move |source| Error::io(path, source)
}

/// Gives a file the name `target`; unlike a rename, never one that is in use. `partial` may be left.
pub(super) fn name_new(partial: &Path, target: &Path) -> std::io::Result<()> {
    match std::fs::hard_link(partial, target) {
        Err(error) if makes_no_link(&error) => {
            if target.symlink_metadata().is_ok() {
                return Err(ErrorKind::AlreadyExists.into());
            }
            std::fs::rename(partial, target)
        }
        named => named,
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_cannot_be_listed_stops_the_survey_with_advice() {
        let (holder, root) = crate::folder::photo_beside_unlistable().unwrap();
        let error = survey(&root, &holder.path().join("out")).unwrap_err();
        let message = error.to_string();
        assert!(message.contains("shut: "), "{message}");
        assert!(message.contains("make it readable"), "{message}");
    }
}
