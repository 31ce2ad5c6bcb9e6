//! The files of a sorted folder.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::tables::{TableFormat, clusters_csv, clusters_json, edges_csv, labels_txt};
use super::{FolderClusters, FolderSession};
#[cfg(feature = "parquet")]
use super::{clusters_parquet, edges_parquet};
use crate::error::{Error, Result};
use crate::files::{remove_own, write_file, write_file_with};
use crate::hex::hex;
use crate::report::FolderPage;

/// SHA-256 sums of the tables, as `sha256sum` writes them; written behind the tables.
const SUMS: &str = "tables.sha256";

impl FolderSession<'_> {
    /// As [`FolderSession::write_files_as`], tables as CSV.
    ///
    /// # Errors
    /// As [`FolderSession::write_files_as`].
    pub fn write_files(&self, found: &FolderClusters, output: &Path) -> Result<()> {
        self.write_files_as(found, output, &[TableFormat::Csv])
    }

    /// Writes clusters.json, labels_pred.txt, report.html, the tables of clusters and pairs in these formats, and
    /// checksums of the tables, into the folder `output`, which is made if missing, and of a large folder report_parts, as
    /// [`FolderPage::write`] does. Existing files are written over; tables that delfin wrote in another format are
    /// removed, so that no earlier result stays beside this one.
    ///
    /// # Errors
    /// As [`FolderSession::cluster`], and [`crate::Error::Io`] when a file cannot be written or removed.
    pub fn write_files_as(
        &self,
        found: &FolderClusters,
        output: &Path,
        formats: &[TableFormat],
    ) -> Result<()> {
        std::fs::create_dir_all(output).map_err(|source| Error::io(output, source))?;
        let report = self.report(found, output);
        let at = |name: &str| output.join(name);
        let source = self.source();
        // Written last. If this run is stopped before, none is left that belongs to other tables.
        remove_own(&at("report.html"))?;
        write_file_with(&at("clusters.json"), |out| {
            clusters_json(found, &source, out)
        })?;
        let earlier_sums = at(SUMS);
        if earlier_sums.exists() {
            std::fs::remove_file(&earlier_sums)
                .map_err(|source| Error::io(&earlier_sums, source))?;
        }
        let mut sums = Sums::default();
        sums.write(&at("labels_pred.txt"), |out| labels_txt(found, out))?;
        for &format in TableFormat::ALL {
            let [clusters, edges] = format.file_names().map(at);
            match format {
                _ if !formats.contains(&format) => {
                    [clusters, edges]
                        .iter()
                        .try_for_each(|path| remove_own(path))?;
                }
                TableFormat::Csv => {
                    sums.write(&clusters, |out| clusters_csv(found, out))?;
                    sums.write(&edges, |out| edges_csv(found, out))?;
                }
                #[cfg(feature = "parquet")]
                TableFormat::Parquet => {
                    sums.write(&clusters, |out| clusters_parquet(found, out))?;
                    sums.write(&edges, |out| edges_parquet(found, out))?;
                }
            }
        }
        write_file(&at(SUMS), sums.text.as_bytes())?;
        let mut pictures = self.report_pictures(found, &report);
        FolderPage::new(&report)?.write(&mut pictures, &at("report.html"))
    }
}

/// Sums of the tables written so far.
#[derive(Default)]
struct Sums {
    text: String,
}

impl Sums {
    /// As [`write_file_with`], and keeps the sum.
    fn write(
        &mut self,
        path: &Path,
        write: impl FnOnce(&mut (dyn Write + Send)) -> std::io::Result<()>,
    ) -> Result<()> {
        let mut sum = Sha256::new();
        write_file_with(path, |out| write(&mut Summed { out, sum: &mut sum }))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        self.text += &format!("{}  {name}\n", hex(&sum.finalize()));
        Ok(())
    }
}

/// A writer that sums what passes.
struct Summed<'a> {
    out: &'a mut (dyn Write + Send),
    sum: &'a mut Sha256,
}

impl Write for Summed<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.sum.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

/// A table in the folder `output` of [`FolderSession::write_files_as`] that was changed since it was written, or cannot be
/// read; none where no sums are there.
pub fn edited_table(output: &Path) -> Option<PathBuf> {
    let sums = std::fs::read_to_string(output.join(SUMS)).ok()?;
    sums.lines().find_map(|line| {
        let (sum, name) = line.split_once("  ")?;
        let path = output.join(name);
        let mut file = match std::fs::File::open(&path) {
            Ok(file) => file,
            // A table that is gone loses nothing.
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            Err(_) => return Some(path),
        };
        let mut now = Sha256::new();
        let mut summed = Summed {
            out: &mut std::io::sink(),
            sum: &mut now,
        };
        let read = std::io::copy(&mut file, &mut summed);
        (read.is_err() || hex(&now.finalize()) != sum).then_some(path)
    })
}
