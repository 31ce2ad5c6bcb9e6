//! One run at a time in a destination.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use same_file::Handle;

use super::files::at;
use crate::error::Result;
use crate::folder::JOURNAL_FOLDER;

/// Name of the lock's file, beside the journals.
const NAME: &str = "organize.lock";

/// The lock of a destination. It is released when it is dropped, and when the process ends in any way.
pub(super) struct Lock {
    path: PathBuf,
    _file: Handle,
}

impl Lock {
    /// Takes the lock; the folder of the journals has to be there. A file system without locks refuses no run.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) when another run holds it, or its file cannot be made.
    pub(super) fn take(destination: &Path) -> Result<Self> {
        let path = destination.join(JOURNAL_FOLDER).join(NAME);
        loop {
            let mut options = File::options();
            let options = options.write(true).create(true).truncate(false);
            let file = options.open(&path).map_err(at(&path))?;
            let has_locks = match file.try_lock() {
                Ok(()) => true,
                Err(TryLockError::Error(_)) => false,
                Err(TryLockError::WouldBlock) => {
                    let reason = "another run of `delfin organize` is at work in it; try again when that has ended";
                    let busy = std::io::Error::new(ErrorKind::ResourceBusy, reason);
                    return Err(at(destination)(busy));
                }
            };
            let file = Handle::from_file(file).map_err(at(&path))?;
            // A run that has just ended may have removed the file after it was opened here.
            let is_there = Handle::from_path(&path).is_ok_and(|there| there == file);
            if is_there || !has_locks {
                return Ok(Self { path, _file: file });
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The file is still locked, so that no other run can hold it.
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_held_once_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let journals = folder.path().join(JOURNAL_FOLDER);
        assert!(Lock::take(folder.path()).is_err());
        std::fs::create_dir(&journals).unwrap();
        let held = Lock::take(folder.path()).unwrap();
        let error = Lock::take(folder.path()).err().unwrap().to_string();
        assert!(error.contains("another run"), "{error}");
        drop(held);
        assert_eq!(std::fs::read_dir(&journals).unwrap().count(), 0);
        // A file that a killed run left holds nothing up.
        std::fs::write(journals.join(NAME), "").unwrap();
        drop(Lock::take(folder.path()).unwrap());
        assert_eq!(std::fs::read_dir(&journals).unwrap().count(), 0);
    }
}
