//! Log of the user's actions, with undo and redo.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, params};

use super::{IMMEDIATE, Store};
use crate::error::Result;

const ENTRIES: &str = "SELECT text, is_undone FROM log ORDER BY id";

impl Store {
    /// Every entry of the log, the earliest first, and whether it was undone. Entries that were undone come last.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) when the store cannot be read.
    pub(crate) fn log(&self) -> Result<Vec<(String, bool)>> {
        let connection = self.lock();
        let read = || -> rusqlite::Result<Vec<(String, bool)>> {
            connection
                .prepare_cached(ENTRIES)?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        };
        read().map_err(|e| self.error(e))
    }

    /// Adds an entry to the log; undone entries can no longer be redone.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) when the store cannot be written.
    pub(crate) fn append_to_log(&self, text: &str) -> Result<()> {
        let mut connection = self.lock();
        let write = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(IMMEDIATE)?;
            transaction.execute("DELETE FROM log WHERE is_undone", [])?;
            transaction.execute(
                "INSERT INTO log (text, is_undone) VALUES (?1, 0)",
                params![text],
            )?;
            transaction.commit()
        };
        write(&mut connection).map_err(|e| self.error(e))
    }

    /// Adds what can be read of the log of a damaged store to the log of this one: all up to the first entry that cannot
    /// be read. Returns the number of entries.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) when this store cannot be written.
    pub(crate) fn append_log_of(
        &self,
        damaged: &Path,
        is_entry: impl Fn(&str) -> bool,
    ) -> Result<usize> {
        let entries = readable(damaged, is_entry);
        let mut connection = self.lock();
        let write = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(IMMEDIATE)?;
            for (text, is_undone) in &entries {
                let insert = "INSERT INTO log (text, is_undone) VALUES (?1, ?2)";
                transaction.execute(insert, params![text, is_undone])?;
            }
            transaction.commit()
        };
        write(&mut connection).map_err(|e| self.error(e))?;
        Ok(entries.len())
    }

    /// Undoes the last entry that is not undone; false when there is none.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) when the store cannot be written.
    pub(crate) fn undo_in_log(&self) -> Result<bool> {
        self.mark_in_log(
            "UPDATE log SET is_undone = 1 WHERE id = (SELECT max(id) FROM log WHERE NOT is_undone)",
        )
    }

    /// Redoes the first entry that was undone; false when there is none.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) when the store cannot be written.
    pub(crate) fn redo_in_log(&self) -> Result<bool> {
        self.mark_in_log(
            "UPDATE log SET is_undone = 0 WHERE id = (SELECT min(id) FROM log WHERE is_undone)",
        )
    }

    fn mark_in_log(&self, update: &str) -> Result<bool> {
        let changed = self.lock().execute(update, []);
        Ok(changed.map_err(|e| self.error(e))? > 0)
    }
}

/// The entries of the log of a damaged store, up to the first that cannot be read or is none.
fn readable(damaged: &Path, is_entry: impl Fn(&str) -> bool) -> Vec<(String, bool)> {
    let mut entries = Vec::new();
    let mut read = || -> rusqlite::Result<()> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(damaged, flags)?;
        let mut query = connection.prepare(ENTRIES)?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let text: String = row.get(0)?;
            if !is_entry(&text) {
                break;
            }
            entries.push((text, row.get(1)?));
        }
        Ok(())
    };
    // What is read before an error counts.
    let _ = read();
    entries
}
