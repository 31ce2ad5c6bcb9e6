//! The journal of a run: its intent, written before anything is done, then a line for each place.
//!
//! `DESTINATION/.delfin/organize-NNNN.jsonl`. The first line holds the intent of the run; each later line the
//! outcome of place `index`. Where a kill cut a line short or prevented it, the outcome is found from the files at
//! the place.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::files::{at, name_new};
use super::plan::{Place, Placement};
use crate::error::{Error, Result};
use crate::files::{StoredPath, write_file};
use crate::folder::JOURNAL_FOLDER;

const VERSION: u32 = 1;

/// The intent of a run.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Intent {
    version: u32,
    pub(super) source: StoredPath,
    pub(super) placement: Placement,
    /// Folders that the run makes, outer before inner: absolute, or below the destination.
    pub(super) folders: Vec<StoredPath>,
    /// Name of a copy that an undo is writing, in the folder of the photo: one that no other file has. Older journals
    /// hold none.
    #[serde(default = "partial_name")]
    pub(super) partial: String,
    /// Photo below the source and target below the destination.
    places: Vec<(StoredPath, StoredPath)>,
}

impl Intent {
    pub(super) fn new(
        source: &Path,
        placement: Placement,
        folders: Vec<PathBuf>,
        places: &[Place],
    ) -> Self {
        let stored = |path: &PathBuf| StoredPath(path.clone());
        Self {
            version: VERSION,
            source: StoredPath(source.to_owned()),
            placement,
            folders: folders.into_iter().map(StoredPath).collect(),
            partial: partial_name(),
            places: places
                .iter()
                .map(|place| (stored(&place.photo), stored(&place.target)))
                .collect(),
        }
    }

    pub(super) fn places(&self) -> impl DoubleEndedIterator<Item = (usize, &Path, &Path)> {
        let places = self.places.iter().enumerate();
        places.map(|(index, (photo, target))| (index, photo.0.as_path(), target.0.as_path()))
    }
}

/// A hidden name, so that the file is taken for no photo, with the process and the time in it.
fn partial_name() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let time = since.unwrap_or_default().as_nanos();
    format!(".delfin-{}-{time}.partial", std::process::id())
}

/// Whether a name has the form of [`partial_name`].
fn is_partial(name: &str) -> bool {
    Path::new(name).file_name() == Some(OsStr::new(name))
        && name.starts_with(".delfin-")
        && name.ends_with(".partial")
}

/// The part of the first line that every version has.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

/// The outcome of one place.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) index: usize,
    /// False when nothing was made there.
    pub(super) is_made: bool,
}

/// A journal that is being written.
pub(super) struct Journal {
    pub(super) path: PathBuf,
    file: std::fs::File,
}

impl Journal {
    /// Writes the intent to the disk under the next free number.
    pub(super) fn begin(destination: &Path, intent: &Intent) -> Result<Self> {
        let folder = destination.join(JOURNAL_FOLDER);
        let last = numbers(&folder)?.pop().unwrap_or(0);
        let mut number = last.checked_add(1).ok_or_else(|| Error::Journal {
            path: path_of(&folder, last),
            reason: "it has the highest number that a journal can have".into(),
        })?;
        let mut path = path_of(&folder, number);
        let mut line = serde_json::to_vec(intent).map_err(|e| Error::io(&path, e.into()))?;
        line.push(b'\n');
        let unnamed = folder.join(format!("organize-{}.partial", std::process::id()));
        write_file(&unnamed, &line)?;
        // Another run may take the number meanwhile.
        let named = loop {
            match name_new(&unnamed, &path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists && number < u32::MAX => {
                    number += 1;
                    path = path_of(&folder, number);
                }
                named => break named,
            }
        };
        let _ = std::fs::remove_file(&unnamed);
        named.map_err(at(&path))?;
        let file = std::fs::OpenOptions::new().append(true).open(&path);
        Ok(Self {
            file: file.map_err(at(&path))?,
            path,
        })
    }

    pub(super) fn record(&mut self, record: &Record) -> Result<()> {
        let io = |source| Error::io(&self.path, source);
        let mut line = serde_json::to_vec(record).map_err(|e| io(e.into()))?;
        line.push(b'\n');
        self.file.write_all(&line).map_err(io)
    }

    pub(super) fn end(&self) -> Result<()> {
        self.file.sync_all().map_err(at(&self.path))
    }
}

/// The last run, by its journal.
pub(super) struct LastRun {
    pub(super) journal: PathBuf,
    pub(super) intent: Intent,
    /// Whether something was made there, for the places with a known outcome.
    pub(super) is_made: BTreeMap<usize, bool>,
}

/// Whether a run into `destination` can be undone.
pub(super) fn has_journal(destination: &Path) -> Result<bool> {
    Ok(!numbers(&destination.join(JOURNAL_FOLDER))?.is_empty())
}

pub(super) fn read_last(destination: &Path) -> Result<Option<LastRun>> {
    let folder = destination.join(JOURNAL_FOLDER);
    let Some(number) = numbers(&folder)?.pop() else {
        return Ok(None);
    };
    let path = path_of(&folder, number);
    let fail = |reason: String| Error::Journal {
        path: path.clone(),
        reason,
    };
    let no_journal = |reason: String| fail(format!("not a journal of delfin organize: {reason}"));
    let text = std::fs::read_to_string(&path).map_err(at(&path))?;
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let Version { version } =
        serde_json::from_str(first).map_err(|error| no_journal(format!("line 1: {error}")))?;
    if version != VERSION {
        return Err(fail(format!(
            "version {version} is not known; undo it with the delfin that wrote it"
        )));
    }
    let intent: Intent =
        serde_json::from_str(first).map_err(|error| no_journal(format!("line 1: {error}")))?;
    let inside = |path: &Path| {
        let mut parts = path.components();
        parts.all(|part| matches!(part, std::path::Component::Normal(_)))
    };
    if let Some((_, _, target)) = intent.places().find(|(_, _, target)| !inside(target)) {
        let target = target.display();
        return Err(no_journal(format!("{target} is not below it")));
    }
    // Names that begin with a dot are no photos.
    let is_hidden = |part: &OsStr| part.as_encoded_bytes().first() == Some(&b'.');
    let is_photo = |photo: &Path| inside(photo) && !photo.iter().any(is_hidden);
    if let Some((_, photo, _)) = intent.places().find(|(_, photo, _)| !is_photo(photo)) {
        let photo = photo.display();
        return Err(no_journal(format!("{photo} is no photo below its folder")));
    }
    if !is_partial(&intent.partial) {
        let name = intent.partial;
        return Err(no_journal(format!("{name:?} names no partial copy")));
    }
    // A line that was cut short is ignored.
    let records = lines.filter_map(|line| serde_json::from_str::<Record>(line).ok());
    let is_made = records
        .map(|record| (record.index, record.is_made))
        .collect();
    Ok(Some(LastRun {
        journal: path,
        intent,
        is_made,
    }))
}

fn path_of(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("organize-{number:04}.jsonl"))
}

/// The numbers of the journals in a folder, sorted.
fn numbers(folder: &Path) -> Result<Vec<u32>> {
    let io = |source| Error::io(folder, source);
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io(error)),
    };
    let mut numbers = Vec::new();
    for entry in entries {
        let name = entry.map_err(io)?.file_name();
        let number = name
            .to_str()
            .and_then(|name| name.strip_prefix("organize-")?.strip_suffix(".jsonl"))
            .and_then(|number| number.parse::<u32>().ok());
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}
