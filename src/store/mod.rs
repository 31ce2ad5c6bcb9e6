//! Cache of features, thumbnails, pairs and drawings in one SQLite file.
//!
//! A photo is named by the SHA-256 of its file, so that a moved or renamed photo keeps its entries. Every entry is
//! stored under the settings that it was computed with: the network and all options. With changed settings nothing
//! is found and nothing is lost.
//!
//! The file survives a program that is killed (write-ahead log), and two programs may use it at
//! once. It carries a version; one that a newer delfin made is refused and left as it is.

mod checked;
mod encoding;
mod log;
mod schema;
mod sealed;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use crate::error::{Error, Result};
use crate::features::FeatureSet;
use crate::files::folder_of;
use crate::scoring::{FeatureEvidence, PixelEvidence};
use checked::Checked;

pub(crate) use sealed::{Reader, seal, unseal};

/// A transaction that begins as a reader and then writes may be refused at once where another program
/// writes; one that begins as a writer waits its turn.
const IMMEDIATE: TransactionBehavior = TransactionBehavior::Immediate;

/// The SHA-256 of a photo's file.
pub type ContentHash = [u8; 32];

/// Features and verified pairs, kept on disk.
#[derive(Debug)]
pub struct Store {
    connection: Mutex<Connection>,
    path: PathBuf,
    /// Behind the connection, which is closed before it; none of a store in memory.
    checked: Option<Checked>,
}

/// The settings that entries were computed with, by their number in a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SettingsId(i64);

/// Result of a pair of photos.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct PairRecord {
    /// Pairs of similar descriptors.
    pub num_matches: u32,
    /// Matches that one transform explains.
    pub num_inliers: u32,
    /// Evidence from features; none without a transform.
    pub features: Option<FeatureEvidence>,
    /// Evidence from pixels; none where they were not compared.
    pub pixels: Option<PixelEvidence>,
}

/// Content of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreInfo {
    /// Photos with any entry.
    pub num_photos: u64,
    /// Sets of features.
    pub num_features: u64,
    /// Pairs of photos.
    pub num_pairs: u64,
    /// Different settings.
    pub num_settings: u64,
    /// The bytes of the features alone.
    pub feature_bytes: u64,
    /// The bytes of the whole file.
    pub file_bytes: u64,
}

impl Store {
    /// Opens the store at `path`; makes it, and its folder, when it is not there.
    ///
    /// # Errors
    /// [`Error::Store`] when the file cannot be opened or made, is damaged, is no store, or was made
    /// by a newer version.
    pub fn open(path: &Path) -> Result<Self> {
        let at = |error| Error::store(path, error);
        if path.is_dir() {
            return Err(Error::Store {
                path: path.to_owned(),
                reason: "a folder; name a file".into(),
                is_damaged: false,
            });
        }
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|source| Error::io(folder, source))?;
        }
        let checked = Checked::new(path);
        let connection = Connection::open(path).map_err(at)?;
        schema::prepare(&connection, path)?;
        if !checked.is_known() {
            schema::check(&connection, path)?;
        }
        checked.set_whole(true);
        Ok(Self {
            connection: Mutex::new(connection),
            path: path.to_owned(),
            checked: Some(checked),
        })
    }

    /// A store in memory, which is gone with the program.
    ///
    /// # Errors
    /// [`Error::Store`] when SQLite has no memory.
    pub fn in_memory() -> Result<Self> {
        let path = Path::new("(store in memory)");
        let connection = Connection::open_in_memory().map_err(|e| Error::store(path, e))?;
        schema::prepare(&connection, path)?;
        Ok(Self {
            connection: Mutex::new(connection),
            path: path.to_owned(),
            checked: None,
        })
    }

    /// Where the store is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Leaves the file as if it were closed: it holds all that was written, and the next program need not read it for
    /// damage, even if this one is killed before it writes again.
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be read or written.
    pub fn settle(&self) -> Result<()> {
        let Some(checked) = &self.checked else {
            return Ok(());
        };
        // What another program reads now stays in the log until later.
        let settled = self
            .lock()
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
            .map_err(|e| self.error(e));
        checked.leave();
        settled
    }

    /// The folder that the store's file is in; none of a store in memory.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.checked.as_ref().map(|_| folder_of(&self.path))
    }

    /// The settings with this text, which must name everything that entries depend on.
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be read or written.
    pub(crate) fn settings(&self, text: &str) -> Result<SettingsId> {
        settings_id(&self.lock(), text)
            .map(SettingsId)
            .map_err(|e| self.error(e))
    }

    /// The features of a photo; none when they are not here, or not whole.
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be read.
    pub(crate) fn features(
        &self,
        settings: SettingsId,
        photo: &ContentHash,
    ) -> Result<Option<FeatureSet>> {
        let bytes: Option<Vec<u8>> = self
            .lock()
            .prepare_cached(
                "SELECT data FROM features JOIN photos ON photos.id = features.photo
                 WHERE settings = ?1 AND hash = ?2",
            )
            .and_then(|mut query| {
                query
                    .query_row(params![settings.0, photo], |row| row.get(0))
                    .optional()
            })
            .map_err(|e| self.error(e))?;
        Ok(bytes.and_then(|bytes| encoding::decode(&bytes)))
    }

    /// Keeps the features of a photo, over earlier ones; [`Self::features`] gives them back as [`rounded`] does.
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be written, [`Error::Features`] for more values than
    /// can be kept.
    pub(crate) fn put_features(
        &self,
        settings: SettingsId,
        photo: &ContentHash,
        features: &FeatureSet,
    ) -> Result<()> {
        let bytes = encoding::encode(features)?;
        let mut connection = self.lock();
        let write = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(IMMEDIATE)?;
            let photo = photo_id(&transaction, photo)?;
            transaction
                .prepare_cached("INSERT OR REPLACE INTO features VALUES (?1, ?2, ?3)")?
                .execute(params![settings.0, photo, bytes])?;
            transaction.commit()
        };
        write(&mut connection).map_err(|e| self.error(e))
    }

    /// The thumbnail of a photo, an encoded file; none when it is not here.
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be read.
    pub fn thumbnail(&self, photo: &ContentHash) -> Result<Option<Vec<u8>>> {
        self.lock()
            .prepare_cached(
                "SELECT data FROM thumbnails JOIN photos ON photos.id = thumbnails.photo
                 WHERE hash = ?1",
            )
            .and_then(|mut query| query.query_row([photo], |row| row.get(0)).optional())
            .map_err(|e| self.error(e))
    }

    /// Keeps the thumbnail of a photo, over an earlier one.
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be written.
    pub(crate) fn put_thumbnail(&self, photo: &ContentHash, data: &[u8]) -> Result<()> {
        let mut connection = self.lock();
        let write = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(IMMEDIATE)?;
            let photo = photo_id(&transaction, photo)?;
            transaction
                .prepare_cached("INSERT OR REPLACE INTO thumbnails VALUES (?1, ?2)")?
                .execute(params![photo, data])?;
            transaction.commit()
        };
        write(&mut connection).map_err(|e| self.error(e))
    }

    /// Results of these pairs, in their order.
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be read.
    pub(crate) fn pairs(
        &self,
        settings: SettingsId,
        pairs: &[(ContentHash, ContentHash)],
    ) -> Result<Vec<Option<PairRecord>>> {
        let columns = "matches, inliers, features, pixels FROM pairs";
        let found = self.of_pairs(columns, settings, pairs, record)?;
        Ok(found.into_iter().map(Option::flatten).collect())
    }

    /// `row` of each pair that a table holds under these settings, in the order of `pairs`.
    fn of_pairs<T>(
        &self,
        columns_and_table: &str,
        settings: SettingsId,
        pairs: &[(ContentHash, ContentHash)],
        row: fn(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<Option<T>>> {
        let connection = self.lock();
        let read = || -> rusqlite::Result<Vec<Option<T>>> {
            // One transaction: each takes and frees the file's locks.
            let transaction = connection.unchecked_transaction()?;
            let mut query = transaction.prepare_cached(&format!(
                "SELECT {columns_and_table}
                 WHERE settings = ?1 AND photo1 = (SELECT id FROM photos WHERE hash = ?2)
                 AND photo2 = (SELECT id FROM photos WHERE hash = ?3)"
            ))?;
            let one = |(photo1, photo2): &(ContentHash, ContentHash)| {
                query
                    .query_row(params![settings.0, photo1, photo2], row)
                    .optional()
            };
            pairs.iter().map(one).collect()
        };
        read().map_err(|e| self.error(e))
    }

    /// Keeps results of pairs of photos, over earlier ones; all of them or none.
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be written.
    pub(crate) fn put_pairs(
        &self,
        settings: SettingsId,
        pairs: &[((ContentHash, ContentHash), PairRecord)],
    ) -> Result<()> {
        self.put_of_pairs(pairs, |connection, [photo1, photo2], found| {
            connection
                .prepare_cached("INSERT OR REPLACE INTO pairs VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
                .execute(params![
                    settings.0,
                    photo1,
                    photo2,
                    found.num_matches,
                    found.num_inliers,
                    found.features.as_ref().map(FeatureEvidence::to_bytes),
                    found.pixels.as_ref().map(PixelEvidence::to_bytes),
                ])
        })
    }

    /// Puts a row for each pair, whose photos `insert` gets by number; all of them or none.
    fn put_of_pairs<T>(
        &self,
        rows: &[((ContentHash, ContentHash), T)],
        insert: impl Fn(&Connection, [i64; 2], &T) -> rusqlite::Result<usize>,
    ) -> Result<()> {
        let mut connection = self.lock();
        let write = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(IMMEDIATE)?;
            for ((photo1, photo2), row) in rows {
                let photos = [
                    photo_id(&transaction, photo1)?,
                    photo_id(&transaction, photo2)?,
                ];
                insert(&transaction, photos, row)?;
            }
            transaction.commit()
        };
        write(&mut connection).map_err(|e| self.error(e))
    }

    /// The kept drawing of each of these pairs, in their order. The order of a pair's photos counts.
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be read.
    pub(crate) fn drawings(
        &self,
        settings: SettingsId,
        pairs: &[(ContentHash, ContentHash)],
    ) -> Result<Vec<Option<Vec<u8>>>> {
        // A value of another type is a damaged one.
        let blob = |row: &rusqlite::Row<'_>| Ok(row.get_ref(0)?.as_blob().ok().map(<[u8]>::to_vec));
        let found = self.of_pairs("data FROM drawings", settings, pairs, blob)?;
        Ok(found.into_iter().map(Option::flatten).collect())
    }

    /// Keeps drawings of pairs of photos, over earlier ones; all of them or none.
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be written.
    pub(crate) fn put_drawings(
        &self,
        settings: SettingsId,
        drawings: &[((ContentHash, ContentHash), Vec<u8>)],
    ) -> Result<()> {
        self.put_of_pairs(drawings, |connection, [photo1, photo2], data| {
            connection
                .prepare_cached("INSERT OR REPLACE INTO drawings VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![settings.0, photo1, photo2, data])
        })
    }

    /// Content of the store.
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be read.
    pub fn info(&self) -> Result<StoreInfo> {
        let connection = self.lock();
        let number = |query: &str| -> Result<u64> {
            let value: i64 = connection
                .query_row(query, [], |row| row.get(0))
                .map_err(|e| self.error(e))?;
            Ok(value.unsigned_abs())
        };
        Ok(StoreInfo {
            num_photos: number("SELECT count(*) FROM photos")?,
            num_features: number("SELECT count(*) FROM features")?,
            num_pairs: number("SELECT count(*) FROM pairs")?,
            num_settings: number("SELECT count(*) FROM settings")?,
            feature_bytes: number("SELECT ifnull(sum(length(data)), 0) FROM features")?,
            file_bytes: number(
                "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
            )?,
        })
    }

    /// Forgets all photos but these, and settings under which nothing is left; gives the space back where it can.
    /// Returns the number of photos forgotten.
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be written.
    pub fn keep_only(&self, photos: &BTreeSet<ContentHash>) -> Result<usize> {
        let mut connection = self.lock();
        let write = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(IMMEDIATE)?;
            let known: Vec<(i64, ContentHash)> = transaction
                .prepare("SELECT id, hash FROM photos")?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<rusqlite::Result<_>>()?;
            transaction.execute_batch("CREATE TEMP TABLE kept (id INTEGER PRIMARY KEY)")?;
            for (id, _) in known.iter().filter(|(_, hash)| photos.contains(hash)) {
                transaction
                    .prepare_cached("INSERT INTO kept VALUES (?1)")?
                    .execute([id])?;
            }
            // Each table is gone through once: photos have no index there.
            transaction.execute_batch(
                "DELETE FROM features WHERE photo NOT IN kept;
                 DELETE FROM thumbnails WHERE photo NOT IN kept;
                 DELETE FROM pairs WHERE photo1 NOT IN kept OR photo2 NOT IN kept;
                 DELETE FROM drawings WHERE photo1 NOT IN kept OR photo2 NOT IN kept;
                 DELETE FROM settings WHERE id NOT IN (SELECT settings FROM features
                 UNION SELECT settings FROM pairs UNION SELECT settings FROM drawings);",
            )?;
            let forgotten = transaction.execute("DELETE FROM photos WHERE id NOT IN kept", [])?;
            transaction.execute_batch("DROP TABLE kept")?;
            transaction.commit()?;
            Ok(forgotten)
        };
        let forgotten = write(&mut connection).map_err(|e| self.error(e))?;
        // Without room for this on the disk no space is given back, and the photos are forgotten all the same.
        if let Err(error) = connection.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)") {
            // Marks the store to be checked at the next start.
            drop(self.error(error));
        }
        Ok(forgotten)
    }

    /// A panic elsewhere leaves no half-done work behind: transactions roll back by themselves.
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn error(&self, source: rusqlite::Error) -> Error {
        if let Some(checked) = &self.checked {
            checked.set_whole(false);
        }
        Error::store(&self.path, source)
    }
}

/// Features in few bytes, as a store keeps them: positions, scores, descriptors and the global descriptor
/// rounded, with a checksum. The layout stands in `src/store/encoding.rs`.
///
/// # Errors
/// [`Error::Features`] for more values than can be kept.
pub fn encode_features(features: &FeatureSet) -> Result<Vec<u8>> {
    encoding::encode(features)
}

/// The features of these bytes, as [`rounded`] gives them.
///
/// # Errors
/// [`Error::Features`] for bytes that [`encode_features`] did not make, or that were changed.
pub fn decode_features(bytes: &[u8]) -> Result<FeatureSet> {
    encoding::decode(bytes).ok_or_else(|| Error::Features {
        reason: format!(
            "{} bytes are no encoded features, or were changed",
            bytes.len()
        ),
    })
}

/// Default path of the store of a folder of photos.
pub fn default_path(folder: &Path) -> PathBuf {
    folder.join(".delfin").join("store.sqlite")
}

/// Features as a store gives them back. Fresh features are rounded before they are compared with stored ones, so
/// that the result does not depend on the content of the store.
///
/// # Errors
/// [`Error::Features`] for more values than can be kept, or values that are too large.
pub fn rounded(features: &FeatureSet) -> Result<FeatureSet> {
    encoding::decode(&encoding::encode(features)?).ok_or_else(|| Error::Features {
        reason: "values too large or too small to store".into(),
    })
}

/// None where evidence is there and not whole.
fn record(row: &rusqlite::Row<'_>) -> rusqlite::Result<Option<PairRecord>> {
    let (features, pixels) = (row.get_ref(2)?, row.get_ref(3)?);
    let record = PairRecord {
        num_matches: row.get(0)?,
        num_inliers: row.get(1)?,
        features: features
            .as_blob()
            .ok()
            .and_then(FeatureEvidence::from_bytes),
        pixels: pixels.as_blob().ok().and_then(PixelEvidence::from_bytes),
    };
    let is_whole = (record.features.is_some() || features == ValueRef::Null)
        && (record.pixels.is_some() || pixels == ValueRef::Null);
    Ok(is_whole.then_some(record))
}

/// Known settings are found without the lock of a writer.
fn settings_id(connection: &Connection, text: &str) -> rusqlite::Result<i64> {
    let mut find = connection.prepare_cached("SELECT id FROM settings WHERE text = ?1")?;
    let known = find.query_row([text], |row| row.get(0)).optional()?;
    if let Some(id) = known {
        return Ok(id);
    }
    connection
        .prepare_cached("INSERT INTO settings (text) VALUES (?1) ON CONFLICT DO NOTHING")?
        .execute([text])?;
    find.query_row([text], |row| row.get(0))
}

fn photo_id(connection: &Connection, photo: &ContentHash) -> rusqlite::Result<i64> {
    let find = "SELECT id FROM photos WHERE hash = ?1";
    let known = connection
        .prepare_cached(find)?
        .query_row([photo], |row| row.get(0))
        .optional()?;
    if let Some(id) = known {
        return Ok(id);
    }
    connection
        .prepare_cached("INSERT INTO photos (hash) VALUES (?1)")?
        .execute([photo])?;
    Ok(connection.last_insert_rowid())
}

#[cfg(test)]
mod tests;
