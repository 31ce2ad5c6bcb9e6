//! `delfin store`, and opening the store of other commands.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use delfin::image::{DecodeOptions, content_hash, read_file};
use delfin::pipeline::ActionLog;
use delfin::store::{Store, default_path};
use delfin::{Error, counted};

use crate::cli::args::{StoreArgs, StoreCommand, StoreCommandArgs};
use crate::cli::{Answer, output};

pub(crate) fn run(args: &StoreCommandArgs) -> anyhow::Result<Answer> {
    match &args.command {
        StoreCommand::Info { path } => info(path),
        StoreCommand::Gc { folder, store } => gc(folder, store),
    }
}

impl StoreArgs {
    /// Path of the store of a folder of photos.
    fn path(&self, folder: &Path) -> PathBuf {
        match &self.file {
            Some(file) => file.clone(),
            None => default_path(folder),
        }
    }

    /// Opens the store of a folder of photos by [`open_or_begin`]; a file named by the user is never set aside.
    pub(super) fn open(&self, folder: &Path) -> anyhow::Result<Store> {
        open_or_begin(&self.path(folder), self.file.is_none())
    }
}

/// Opens the store at `path`. A damaged one is set aside and begun anew if its path is delfin's own choice; where
/// the store cannot be used, one in memory serves.
fn open_or_begin(path: &Path, is_own: bool) -> anyhow::Result<Store> {
    let error = match Store::open(path) {
        Ok(store) => return Ok(store),
        Err(error) => error,
    };
    let is_damaged = is_damaged(&error);
    if is_damaged
        && is_own
        && let Ok(aside) = set_aside(path)
    {
        let opened = Store::open(path);
        let recovered = opened
            .as_ref()
            .map_or(Ok(0), |store| ActionLog::recover(store, &aside));
        let corrections = match recovered {
            Ok(0) => "if corrections were made in `delfin open`, they are in that file".to_owned(),
            Ok(count) => format!("{count} corrections of `delfin open` were taken over from it"),
            Err(error) => format!("corrections of `delfin open` were not taken over: {error}"),
        };
        warn(&format!(
            "{error}; set aside as {}, beginning anew; {corrections}",
            aside.display()
        ));
        if let Ok(store) = opened {
            return Ok(store);
        }
    }
    let remove = match is_damaged {
        true => {
            "; remove that file, or name another, to begin anew; corrections made in `delfin open` are in the damaged one"
        }
        false => "",
    };
    warn(&format!(
        "{error}{remove}; what is computed now will not be kept"
    ));
    Ok(Store::in_memory()?)
}

fn is_damaged(error: &Error) -> bool {
    matches!(error, Error::Store { is_damaged, .. } if *is_damaged)
}

/// Opens an existing store for inspection or cleaning.
fn open_existing(path: &Path) -> anyhow::Result<Store> {
    if !path.exists() {
        bail!("{}: there is no store", path.display());
    }
    match Store::open(path) {
        Err(error) if is_damaged(&error) => {
            bail!(
                "{error}; remove that file, and what it kept is computed again, but for corrections made in \
                 `delfin open`, which are in it"
            )
        }
        opened => Ok(opened?),
    }
}

/// The store in `kept`, or by default that of the photos at `photos`; of one photo nothing is kept.
pub(super) fn open_in(kept: Option<&Path>, photos: &Path) -> anyhow::Result<Store> {
    if kept.is_none() && !photos.is_dir() {
        return Ok(Store::in_memory()?);
    }
    match kept {
        Some(folder) => open_or_begin(&folder.join("store.sqlite"), true),
        None => open_or_begin(&default_path(photos), true),
    }
}

pub(super) fn warn(message: &str) {
    output::note(format_args!("delfin: warning: {message}"));
}

/// Renames a damaged store, and the log beside it, to the first name that is free.
fn set_aside(path: &Path) -> std::io::Result<PathBuf> {
    let with = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let aside = (1..)
        .map(|number| with(&format!(".damaged-{number}")))
        .find(|name| !name.exists())
        .unwrap_or_else(|| with(".damaged"));
    std::fs::rename(path, &aside)?;
    for suffix in ["-wal", "-shm"] {
        if with(suffix).exists() {
            let mut name = aside.as_os_str().to_owned();
            name.push(suffix);
            std::fs::rename(with(suffix), PathBuf::from(name))?;
        }
    }
    Ok(aside)
}

fn info(path: &Path) -> anyhow::Result<Answer> {
    let path = if path.is_dir() {
        default_path(path)
    } else {
        path.to_owned()
    };
    let info = open_existing(&path)?.info()?;
    output::line(format_args!("store     {}", path.display()));
    output::line(format_args!("photos    {}", info.num_photos));
    output::line(format_args!(
        "features  {}, {} bytes each",
        info.num_features,
        info.feature_bytes / info.num_features.max(1)
    ));
    output::line(format_args!("pairs     {}", info.num_pairs));
    output::line(format_args!("settings  {}", info.num_settings));
    output::line(format_args!("file      {} bytes", info.file_bytes));
    Ok(Answer::Yes)
}

fn gc(folder: &Path, args: &StoreArgs) -> anyhow::Result<Answer> {
    let path = args.path(folder);
    let store = open_existing(&path)?;
    let listing = delfin::folder::list_photos(folder)?;
    if let Some(failure) = listing.failures.into_iter().next() {
        return Err(failure.error).context("nothing was forgotten, as not all photos can be seen");
    }
    let decode = DecodeOptions::default();
    let mut photos = BTreeSet::new();
    for path in &listing.photos {
        let bytes = read_file(path, &decode)
            .context("nothing was forgotten, as not all photos can be read")?;
        photos.insert(content_hash(&bytes));
    }
    let before = store.info()?.file_bytes;
    let forgotten = store.keep_only(&photos)?;
    output::line(format_args!(
        "{} forgotten, {} bytes given back",
        counted(forgotten, "photo"),
        before.saturating_sub(store.info()?.file_bytes)
    ));
    Ok(Answer::Yes)
}

#[cfg(test)]
mod tests {
    use delfin::pipeline::Action;

    use super::*;

    #[test]
    fn corrections_outlive_a_store_that_is_set_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.sqlite");
        let name = Action::Name {
            photos: vec!["ab".repeat(32)],
            name: "castle".into(),
        };
        {
            let store = Store::open(&path).unwrap();
            let mut log = ActionLog::read(&store).unwrap();
            log.push(&store, name).unwrap();
        }
        let log = ActionLog::read(&Store::open(&path).unwrap()).unwrap();
        assert_eq!(log.counts(), (1, 0));
        // The page that photos begin on.
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[3 * 4096..4 * 4096].fill(7);
        std::fs::write(&path, bytes).unwrap();
        let told = open_existing(&path).err().map(|error| error.to_string());
        assert!(told.unwrap().contains("but for corrections made"));
        let store = open_or_begin(&path, true).unwrap();
        assert_eq!(store.path(), path);
        assert!(folder.path().join("store.sqlite.damaged-1").exists());
        assert_eq!(ActionLog::read(&store).unwrap(), log);
    }
}
