//! Remembers that a large store was whole, so that it is not read from end to end whenever it is opened.
//!
//! A file beside the store holds its size and time of change as of the last program that closed or settled it without
//! an error. A store that was written to since, by anything else or by a program that was killed, is checked again.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::UNIX_EPOCH;

/// Smaller stores are checked whenever they are opened: that takes no time, and times of change are no finer than some
/// milliseconds.
const MIN_BYTES: u64 = 64 << 20;

/// Recorded state of a store's file. [`Self::leave`], or dropping it after the store's connection, writes the state for
/// the next program.
#[derive(Debug)]
pub(super) struct Checked {
    store: PathBuf,
    is_whole: AtomicBool,
}

impl Checked {
    pub(super) fn new(store: &Path) -> Self {
        Self {
            store: store.to_owned(),
            is_whole: AtomicBool::new(false),
        }
    }

    /// Whether the store is as a program left it that found it whole.
    pub(super) fn is_known(&self) -> bool {
        let state = self.state();
        state.is_some() && std::fs::read_to_string(self.mark()).ok() == state
    }

    /// Records whether the store is whole, or could not be read or written. In the latter case, or without a
    /// record, the next program checks it.
    pub(super) fn set_whole(&self, is_whole: bool) {
        self.is_whole.store(is_whole, Ordering::Relaxed);
    }

    /// Writes the state for the next program, or removes it if the store is not known to be whole.
    pub(super) fn leave(&self) {
        let state = self
            .state()
            .filter(|_| self.is_whole.load(Ordering::Relaxed));
        // Without the file the store is only checked once more.
        let _ = match state {
            Some(state) => std::fs::write(self.mark(), state),
            None => std::fs::remove_file(self.mark()),
        };
    }

    /// Size and time of change; none of a small store, or where they cannot be had.
    fn state(&self) -> Option<String> {
        let metadata = std::fs::metadata(&self.store).ok()?;
        let changed = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        let len = metadata.len();
        (len >= MIN_BYTES).then(|| format!("{len} {}\n", changed.as_nanos()))
    }

    fn mark(&self) -> PathBuf {
        let mut name = OsString::from(&self.store);
        name.push("-checked");
        name.into()
    }
}

impl Drop for Checked {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn a_large_store_is_known_until_something_else_changes_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.sqlite");
        let file = File::create(&path).unwrap();
        file.set_len(MIN_BYTES).unwrap();
        // Opened and found whole.
        let is_known = || {
            let checked = Checked::new(&path);
            checked.set_whole(true);
            checked.is_known()
        };
        assert!(!is_known());
        assert!(is_known() && is_known());
        file.set_len(MIN_BYTES + 1).unwrap();
        assert!(!is_known(), "another size");
        assert!(is_known());
        let past = SystemTime::now() - Duration::from_secs(60);
        file.set_modified(past).unwrap();
        assert!(!is_known(), "another time of change");
        assert!(is_known());
        let checked = Checked::new(&path);
        checked.set_whole(true);
        checked.set_whole(false);
        drop(checked);
        assert!(!is_known(), "one that could not be read");
        drop(Checked::new(&path));
        assert!(!is_known(), "one that could not be opened");
    }

    #[test]
    fn what_was_left_is_known_though_the_program_is_killed_then() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.sqlite");
        let file = File::create(&path).unwrap();
        file.set_len(MIN_BYTES).unwrap();
        let checked = Checked::new(&path);
        checked.set_whole(true);
        checked.leave();
        // As in a program that is killed.
        std::mem::forget(checked);
        assert!(Checked::new(&path).is_known());
    }

    #[test]
    fn a_small_store_is_never_known() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.sqlite");
        std::fs::write(&path, "small").unwrap();
        let checked = Checked::new(&path);
        checked.set_whole(true);
        drop(checked);
        assert!(!Checked::new(&path).is_known());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
