//! The files of a SavedModel and its PCA, from a folder or a `.tar.gz` archive. Nothing is unpacked:
//! an archive is read into memory, and only the files that are needed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use crate::error::{Error, Result};

/// Bytes read of one archive, at most.
const MAX_BYTES: u64 = 1 << 30;
/// Folders in each other, at most.
const MAX_DEPTH: usize = 6;

const GRAPH: &str = "saved_model.pb";
const INDEX: &str = "variables.index";
const DATA: &str = "variables.data-00000-of-00001";

/// Files by their path below the folder or in the archive.
pub(super) struct SourceFiles {
    source: PathBuf,
    files: BTreeMap<PathBuf, Vec<u8>>,
    /// The folder that holds `saved_model.pb`.
    model: PathBuf,
}

impl SourceFiles {
    /// Reads the needed files of `source`.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Format`]: it cannot be read, is cut off, has a path that leads
    /// outside, or no SavedModel in it, or several.
    pub(super) fn open(source: &Path) -> Result<Self> {
        let io = |error| Error::io(source, error);
        let mut files = BTreeMap::new();
        let metadata = std::fs::metadata(source).map_err(io)?;
        if metadata.is_dir() {
            // A SavedModel's own folder has its PCA beside it.
            let parent = source
                .parent()
                .filter(|parent| !parent.as_os_str().is_empty());
            let is_model = source.join(GRAPH).is_file();
            read_folder(source, Path::new("model"), 0, &mut files)?;
            if is_model {
                let pca = parent.map_or(PathBuf::from("../pca"), |parent| parent.join("pca"));
                if pca.is_dir() {
                    read_folder(&pca, Path::new("pca"), 0, &mut files)?;
                }
            }
        } else {
            files = read_archive(source)?;
        }
        let mut models = files.keys().filter(|path| path.ends_with(GRAPH));
        let model = match (models.next(), models.next()) {
            (Some(only), None) => only.parent().unwrap_or(Path::new("")).to_owned(),
            (None, _) => return Err(Error::format(source, format!("it holds no {GRAPH}"))),
            (Some(one), Some(two)) => {
                let reason = format!(
                    "it holds several networks: {} and {}",
                    one.display(),
                    two.display()
                );
                return Err(Error::format(source, reason));
            }
        };
        Ok(Self {
            source: source.to_owned(),
            files,
            model,
        })
    }

    pub(super) fn graph(&self) -> Result<&[u8]> {
        self.file(&self.model.join(GRAPH))
    }

    pub(super) fn index(&self) -> Result<&[u8]> {
        self.file(&self.model.join("variables").join(INDEX))
    }

    pub(super) fn data(&self) -> Result<&[u8]> {
        self.file(&self.model.join("variables").join(DATA))
    }

    /// The first of the files `names` that stands in the folder `pca` beside the model.
    pub(super) fn pca(&self, names: &[&str]) -> Result<(PathBuf, &[u8])> {
        let folder = self.model.parent().unwrap_or(Path::new("")).join("pca");
        let mut paths = names.iter().map(|name| folder.join(name));
        let path = paths.find(|path| self.files.contains_key(path));
        let path = path.unwrap_or_else(|| folder.join(names.first().unwrap_or(&"")));
        let bytes = self.file(&path)?;
        Ok((path, bytes))
    }

    fn file(&self, path: &Path) -> Result<&[u8]> {
        let missing = || Error::format(&self.source, format!("{} is missing", path.display()));
        self.files.get(path).map(Vec::as_slice).ok_or_else(missing)
    }
}

/// Whether a file of this name is read.
fn is_needed(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    [GRAPH, INDEX, DATA].contains(&name.as_ref()) || name.ends_with(".datum")
}

fn read_folder(
    folder: &Path,
    below: &Path,
    depth: usize,
    files: &mut BTreeMap<PathBuf, Vec<u8>>,
) -> Result<()> {
    let entries = std::fs::read_dir(folder).map_err(|e| Error::io(folder, e))?;
    for entry in entries {
        let entry = entry.map_err(|e| Error::io(folder, e))?;
        let (path, below) = (entry.path(), below.join(entry.file_name()));
        if path.is_dir() && depth < MAX_DEPTH {
            read_folder(&path, &below, depth + 1, files)?;
        } else if path.is_file() && is_needed(&path) {
            let bytes = std::fs::read(&path).map_err(|e| Error::io(&path, e))?;
            files.insert(below, bytes);
        }
    }
    Ok(())
}

fn read_archive(source: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let broken =
        |e: std::io::Error| Error::format(source, format!("not a whole .tar.gz archive: {e}"));
    let file = File::open(source).map_err(|e| Error::io(source, e))?;
    let mut archive = tar::Archive::new(flate2::read::MultiGzDecoder::new(file));
    let mut files = BTreeMap::new();
    let mut total = 0u64;
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let path = entry.path().map_err(broken)?.into_owned();
        let inside = |c: Component| matches!(c, Component::Normal(_) | Component::CurDir);
        if !path.components().all(inside) {
            let reason = format!("it holds the path {}, which leads outside", path.display());
            return Err(Error::format(source, reason.escape_debug().to_string()));
        }
        if !entry.header().entry_type().is_file() || !is_needed(&path) {
            continue;
        }
        // An archive may declare any size.
        total = total.saturating_add(entry.size());
        if total > MAX_BYTES {
            let reason = format!("the network is longer than {MAX_BYTES} bytes");
            return Err(Error::format(source, reason));
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(broken)?;
        if bytes.len() as u64 != entry.size() {
            let reason = format!("it ends within {}", path.display());
            return Err(Error::format(source, reason));
        }
        let plain = path
            .components()
            .filter(|c| matches!(c, Component::Normal(_)));
        files.insert(plain.collect(), bytes);
    }
    // The bytes after the last entry show whether the archive is whole.
    let mut rest = archive.into_inner();
    std::io::copy(&mut rest, &mut std::io::sink()).map_err(broken)?;
    Ok(files)
}
