//! The user's corrections as constraints, and the log of the user's actions.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::FolderClusters;
use crate::cluster::{Constraint, Constraints};
use crate::error::{Error, Result as DelfinResult};
use crate::hex::{hash, hex};
use crate::store::{ContentHash, Store};

/// A user's statement about two photos, which are named by the content of their files, so that it holds wherever
/// they lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "CorrectionRow", into = "CorrectionRow")]
pub struct Correction {
    /// The SHA-256 of a photo's file.
    pub photo1: ContentHash,
    /// That of another photo.
    pub photo2: ContentHash,
    /// Whether both show the same thing.
    pub is_same: bool,
}

/// The form in files.
#[derive(Serialize, Deserialize)]
struct CorrectionRow {
    photo1: String,
    photo2: String,
    is_same: bool,
}

impl From<Correction> for CorrectionRow {
    fn from(correction: Correction) -> Self {
        Self {
            photo1: hex(&correction.photo1),
            photo2: hex(&correction.photo2),
            is_same: correction.is_same,
        }
    }
}

impl TryFrom<CorrectionRow> for Correction {
    type Error = String;

    fn try_from(row: CorrectionRow) -> Result<Self, String> {
        let read = |digits: &str| hash(digits).ok_or(format!("{digits:?} is no SHA-256"));
        Ok(Self {
            photo1: read(&row.photo1)?,
            photo2: read(&row.photo2)?,
            is_same: row.is_same,
        })
    }
}

/// The corrections as constraints between photos with these hashes. One of a photo that is not among them
/// is passed over; one of a photo that is there several times holds for each.
pub(super) fn constraints(
    photos: impl Iterator<Item = ContentHash>,
    corrections: &[Correction],
) -> Constraints {
    if corrections.is_empty() {
        return Constraints::default();
    }
    let mut places: BTreeMap<ContentHash, Vec<usize>> = BTreeMap::new();
    let mut num_photos = 0;
    for (index, hash) in photos.enumerate() {
        places.entry(hash).or_default().push(index);
        num_photos = index + 1;
    }
    let of = |hash: &ContentHash| places.get(hash).map_or(&[][..], Vec::as_slice);
    let mut constraints = Vec::new();
    for correction in corrections.iter().filter(|c| c.photo1 != c.photo2) {
        for &image1 in of(&correction.photo1) {
            constraints.extend(of(&correction.photo2).iter().map(|&image2| Constraint {
                image1,
                image2,
                is_same: correction.is_same,
            }));
        }
    }
    Constraints::new(num_photos, &constraints)
}

impl FolderClusters {
    /// `corrections`, the earliest first, as constraints between the photos. Of two that contradict one
    /// another the later counts.
    pub(super) fn constraints(&self, corrections: &[Correction]) -> Constraints {
        constraints(self.photos.iter().map(|p| p.content_hash), corrections)
    }
}

/// A user's action on the clusters of a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// Corrections: which photos show the same thing, and which do not.
    Correct {
        /// All of it, which is undone together.
        corrections: Vec<Correction>,
    },
    /// A name for a cluster.
    Name {
        /// Its photos: the SHA-256 of each file, in hexadecimal.
        photos: Vec<String>,
        /// The name; empty for none.
        name: String,
    },
    /// A photo as the best of its cluster.
    Best {
        /// The SHA-256 of its file, in hexadecimal.
        photo: String,
    },
}

/// The user's actions on the clusters of a folder, kept in its store, with unlimited undo and redo, also in a later
/// run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActionLog {
    done: Vec<Action>,
    num_undone: usize,
}

impl ActionLog {
    /// Reads the log of a store.
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be read, or holds an action that this version does not support.
    pub fn read(store: &Store) -> DelfinResult<Self> {
        let mut log = Self::default();
        for (text, is_undone) in store.log()? {
            if is_undone {
                log.num_undone += 1;
                continue;
            }
            log.done
                .push(serde_json::from_str(&text).map_err(|error| Error::Store {
                    path: store.path().to_owned(),
                    reason: format!("a correction of another version of delfin: {error}"),
                    is_damaged: false,
                })?);
        }
        Ok(log)
    }

    /// Copies what can be read of the log of the damaged store at `damaged` to `store`, up to the first entry that is no
    /// action; returns the number of entries.
    ///
    /// # Errors
    /// [`Error::Store`] when `store` cannot be written.
    pub fn recover(store: &Store, damaged: &Path) -> DelfinResult<usize> {
        store.append_log_of(damaged, |text| serde_json::from_str::<Action>(text).is_ok())
    }

    /// Appends `action`. Undone actions can no longer be redone.
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be written.
    pub fn push(&mut self, store: &Store, action: Action) -> DelfinResult<()> {
        let text = serde_json::to_string(&action).map_err(|error| Error::Store {
            path: store.path().to_owned(),
            reason: error.to_string(),
            is_damaged: false,
        })?;
        store.append_to_log(&text)?;
        self.done.push(action);
        self.num_undone = 0;
        Ok(())
    }

    /// Undoes the last action; false when there is none.
    ///
    /// # Errors
    /// As [`ActionLog::read`], and when the store cannot be written.
    pub fn undo(&mut self, store: &Store) -> DelfinResult<bool> {
        let is_undone = store.undo_in_log()?;
        *self = Self::read(store)?;
        Ok(is_undone)
    }

    /// Redoes the action that was undone last; false when there is none.
    ///
    /// # Errors
    /// As [`ActionLog::read`], and when the store cannot be written.
    pub fn redo(&mut self, store: &Store) -> DelfinResult<bool> {
        let is_done = store.redo_in_log()?;
        *self = Self::read(store)?;
        Ok(is_done)
    }

    /// Numbers of actions that can be undone, and redone.
    pub fn counts(&self) -> (usize, usize) {
        (self.done.len(), self.num_undone)
    }

    /// All corrections, the earliest first, as [`ClusterOptions::corrections`](super::ClusterOptions) takes them.
    pub fn corrections(&self) -> Vec<Correction> {
        let of = |action: &Action| match action {
            Action::Correct { corrections } => corrections.clone(),
            Action::Name { .. } | Action::Best { .. } => Vec::new(),
        };
        self.done.iter().flat_map(of).collect()
    }

    /// The last name that a cluster with each photo was given; none where that name is empty.
    pub fn names(&self) -> BTreeMap<ContentHash, &str> {
        let mut names = BTreeMap::new();
        for action in &self.done {
            if let Action::Name { photos, name } = action {
                names.extend(
                    photos
                        .iter()
                        .filter_map(|p| hash(p))
                        .map(|p| (p, name.as_str())),
                );
            }
        }
        names.retain(|_, name| !name.is_empty());
        names
    }

    /// The photos that were marked as the best of their clusters, each with its place in the log: of several in
    /// one cluster the last counts.
    pub fn best_photos(&self) -> BTreeMap<ContentHash, usize> {
        let marked = self.done.iter().enumerate().filter_map(|(place, action)| {
            let Action::Best { photo } = action else {
                return None;
            };
            Some((hash(photo)?, place))
        });
        marked.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_outlive_a_run_and_are_undone_by_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.sqlite");
        let correction = |is_same| Correction {
            photo1: [1; 32],
            photo2: [2; 32],
            is_same,
        };
        let correct = |is_same| Action::Correct {
            corrections: vec![correction(is_same)],
        };
        {
            let store = Store::open(&path).unwrap();
            let mut log = ActionLog::read(&store).unwrap();
            log.push(&store, correct(true)).unwrap();
            let name = Action::Name {
                photos: vec![hex(&[1; 32]), hex(&[3; 32])],
                name: "<b>café".into(),
            };
            log.push(&store, name).unwrap();
            log.push(&store, correct(false)).unwrap();
            let best = |photo: [u8; 32]| Action::Best { photo: hex(&photo) };
            for photo in [[1; 32], [3; 32], [1; 32]] {
                log.push(&store, best(photo)).unwrap();
            }
        }
        let store = Store::open(&path).unwrap();
        let mut log = ActionLog::read(&store).unwrap();
        assert_eq!(log.corrections(), [correction(true), correction(false)]);
        let named = BTreeMap::from([([1; 32], "<b>café"), ([3; 32], "<b>café")]);
        assert_eq!(log.names(), named);
        let best = BTreeMap::from([([1; 32], 5), ([3; 32], 4)]);
        assert_eq!(log.best_photos(), best);
        for _ in 0..3 {
            assert!(log.undo(&store).unwrap());
        }
        assert!(log.best_photos().is_empty());
        assert!(log.undo(&store).unwrap() && log.undo(&store).unwrap());
        assert_eq!(log.counts(), (1, 5));
        assert!(log.redo(&store).unwrap());
        assert_eq!(log.counts(), (2, 4));
        log.push(&store, correct(true)).unwrap();
        assert!(!log.redo(&store).unwrap());
        store.append_to_log("{\"marry\":1}").unwrap();
        assert!(ActionLog::read(&store).is_err());
    }

    #[test]
    fn a_correction_is_written_in_hexadecimal() {
        let correction = Correction {
            photo1: [0xab; 32],
            photo2: [1; 32],
            is_same: true,
        };
        let text = serde_json::to_string(&correction).unwrap();
        assert!(text.contains("abababab"), "{text}");
        assert_eq!(
            serde_json::from_str::<Correction>(&text).unwrap(),
            correction
        );
        assert!(serde_json::from_str::<Correction>(&text.replace("ab", "xy")).is_err());
    }
}
