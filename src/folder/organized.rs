//! Files of a folder that `delfin organize` placed there, by its journals.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::JOURNAL_FOLDER;
use crate::files::StoredPath;

/// The part of a journal's first line that is read.
#[derive(Deserialize)]
struct Intent {
    source: StoredPath,
    /// Method of placing: "move" leaves no original.
    #[serde(default)]
    placement: String,
    /// Photo below the source and target below the destination.
    places: Vec<(StoredPath, StoredPath)>,
}

/// A later line: the outcome of one place.
#[derive(Deserialize)]
struct Record {
    index: usize,
    is_made: bool,
}

/// The files below `destination` that were placed there for originals below `root`, an absolute path without links,
/// that are still there, or were moved there. A journal that cannot be read is ignored.
pub(super) fn placed(destination: &Path, root: &Path) -> BTreeSet<PathBuf> {
    let Ok(entries) = std::fs::read_dir(destination.join(JOURNAL_FOLDER)) else {
        return BTreeSet::new();
    };
    let journals = entries.filter_map(|entry| {
        let entry = entry.ok()?;
        let name = entry.file_name().into_string().ok()?;
        (name.starts_with("organize-") && name.ends_with(".jsonl")).then(|| entry.path())
    });
    let mut placed = BTreeSet::new();
    for journal in journals {
        placed.extend(of_journal(&journal, destination, root).unwrap_or_default());
    }
    placed
}

fn of_journal(journal: &Path, destination: &Path, root: &Path) -> Option<BTreeSet<PathBuf>> {
    let mut lines = BufReader::new(std::fs::File::open(journal).ok()?).lines();
    let intent: Intent = serde_json::from_str(&lines.next()?.ok()?).ok()?;
    let records = lines.filter_map(|line| serde_json::from_str::<Record>(&line.ok()?).ok());
    let not_made: BTreeSet<usize> = records
        .filter(|record| !record.is_made)
        .map(|record| record.index)
        .collect();
    let places = intent.places.iter().enumerate();
    let own = places.filter(|(index, (photo, _))| {
        let original = intent.source.0.join(&photo.0);
        !not_made.contains(index)
            && original.starts_with(root)
            && (intent.placement == "move" || original.symlink_metadata().is_ok())
    });
    Some(
        own.map(|(_, (_, target))| destination.join(&target.0))
            .collect(),
    )
}
