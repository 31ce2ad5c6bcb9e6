//! The tables of a store and their version.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use crate::error::{Error, Result};

/// "delf" in ASCII: marks a store among SQLite files.
const APPLICATION_ID: i32 = 0x6465_6c66;
const VERSION: i32 = 3;
/// Time that one program waits for another that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(60);

const TABLES: &str = "
CREATE TABLE settings (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE photos (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE);
CREATE TABLE features (
    settings INTEGER NOT NULL, photo INTEGER NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (settings, photo));
CREATE TABLE thumbnails (photo INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE pairs (
    settings INTEGER NOT NULL, photo1 INTEGER NOT NULL, photo2 INTEGER NOT NULL,
    matches INTEGER NOT NULL, inliers INTEGER NOT NULL,
    features BLOB, pixels BLOB,
    PRIMARY KEY (settings, photo1, photo2)) WITHOUT ROWID;
";

/// Tables that stores of this version first came without.
const LATER_TABLES: &str = "
CREATE TABLE IF NOT EXISTS drawings (
    settings INTEGER NOT NULL, photo1 INTEGER NOT NULL, photo2 INTEGER NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (settings, photo1, photo2)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS log (id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL, is_undone INTEGER NOT NULL);
";

/// Makes the tables of a new store, or those that an old one came without. A file that is something else is
/// not written to.
pub(super) fn prepare(connection: &Connection, path: &Path) -> Result<()> {
    let at = |error| Error::store(path, error);
    connection.busy_timeout(BUSY_TIMEOUT).map_err(at)?;
    is_new(connection, path)?;
    // A file system without shared memory keeps the rollback journal, which is as safe.
    connection
        .pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))
        .and_then(|()| connection.pragma_update(None, "synchronous", "normal"))
        .and_then(|()| connection.execute_batch("BEGIN IMMEDIATE"))
        .map_err(at)?;
    // Another program may have made the tables meanwhile, so this is checked again.
    let made = is_new(connection, path).and_then(|is_new| match is_new {
        true => make(connection).map_err(at),
        false => Ok(()),
    });
    let made = made.and_then(|()| connection.execute_batch(LATER_TABLES).map_err(at));
    let end = if made.is_ok() { "COMMIT" } else { "ROLLBACK" };
    connection.execute_batch(end).map_err(at)?;
    made
}

/// Reads the whole store for damage.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<()> {
    let at = |error| Error::store(path, error);
    let answer: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(at)?;
    if answer == "ok" {
        return Ok(());
    }
    Err(Error::Store {
        path: path.to_owned(),
        reason: format!("damaged: {}", answer.lines().next().unwrap_or_default()),
        is_damaged: true,
    })
}

/// Whether the file has no tables yet, as of one moment: another program may be making them.
fn is_new(connection: &Connection, path: &Path) -> Result<bool> {
    let at = |error| Error::store(path, error);
    let is_own = connection.is_autocommit();
    if is_own {
        connection.execute_batch("BEGIN").map_err(at)?;
    }
    let found = marks(connection);
    if is_own {
        connection.execute_batch("COMMIT").map_err(at)?;
    }
    let refuse = |reason| {
        Err(Error::Store {
            path: path.to_owned(),
            reason,
            is_damaged: false,
        })
    };
    match found.map_err(at)? {
        (0, 0, 0) => Ok(true),
        (APPLICATION_ID, VERSION, _) => Ok(false),
        (APPLICATION_ID, version, _) => refuse(format!(
            "made by another version of delfin (format {version}, this one reads {VERSION})"
        )),
        _ => refuse("not a store of delfin".into()),
    }
}

/// The marks of the program and of its version, and the number of tables.
fn marks(connection: &Connection) -> rusqlite::Result<(i32, i32, i32)> {
    let number = |query: &str| connection.query_row(query, [], |row| row.get(0));
    Ok((
        number("PRAGMA application_id")?,
        number("PRAGMA user_version")?,
        number("SELECT count(*) FROM sqlite_schema")?,
    ))
}

fn make(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(TABLES)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update(None, "user_version", VERSION)
}
