//! Log of the user's actions, with undo and redo.

use rusqlite::{Connection, params};

use super::{IMMEDIATE, Store};
use crate::error::Result;

impl Store {
    /// Every entry of the log, the earliest first, and whether it was undone. Entries that were undone come last.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) when the store cannot be read.
    pub(crate) fn log(&self) -> Result<Vec<(String, bool)>> {
        let connection = self.lock();
        let read = || -> rusqlite::Result<Vec<(String, bool)>> {
            connection
                .prepare_cached("SELECT text, is_undone FROM log ORDER BY id")?
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
