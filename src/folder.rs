//! The photos of folders.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// File name endings of the formats that are decoded.
const EXTENSIONS: [&str; 10] = [
    "bmp", "gif", "jpe", "jpeg", "jfif", "jpg", "png", "tif", "tiff", "webp",
];

/// The photos at `paths`: a file is taken whatever its name, a folder gives the files with a
/// photo's ending that are in it and below it. Names that begin with a dot are left out. Sorted, each
/// path once; a folder that links lead back to is entered once.
///
/// # Errors
/// [`Error::Io`] for a path that is not there or a folder that cannot be listed.
pub fn find_photos(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut photos = BTreeSet::new();
    for path in paths {
        if metadata(path)?.is_dir() {
            walk(path, &mut Vec::new(), &mut photos)?;
        } else {
            photos.insert(path.clone());
        }
    }
    Ok(photos.into_iter().collect())
}

fn walk(folder: &Path, above: &mut Vec<PathBuf>, photos: &mut BTreeSet<PathBuf>) -> Result<()> {
    let io = |source| Error::Io {
        path: folder.to_owned(),
        source,
    };
    let real = folder.canonicalize().map_err(io)?;
    if above.contains(&real) {
        return Ok(());
    }
    above.push(real);
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        // A link that leads nowhere is no photo.
        let Ok(metadata) = std::fs::metadata(&path) else {
            continue;
        };
        if metadata.is_dir() {
            walk(&path, above, photos)?;
        } else if metadata.is_file() && has_photo_extension(&path) {
            photos.insert(path);
        }
    }
    above.pop();
    Ok(())
}

fn metadata(path: &Path) -> Result<std::fs::Metadata> {
    std::fs::metadata(path).map_err(|source| Error::Io {
        path: path.to_owned(),
        source,
    })
}

pub(crate) fn has_photo_extension(path: &Path) -> bool {
    path.extension()
        .is_some_and(|e| EXTENSIONS.iter().any(|known| e.eq_ignore_ascii_case(known)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_give_their_photos_sorted() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("b/.hidden")).unwrap();
        for name in [
            "b/2.JPG",
            "b/1.png",
            "a.webp",
            "notes.txt",
            ".x.jpg",
            "b/.hidden/3.jpg",
        ] {
            std::fs::write(at(name), "x").unwrap();
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(folder.path(), at("b/loop")).unwrap();
        let found =
            find_photos(&[folder.path().to_owned(), at("notes.txt"), at("a.webp")]).unwrap();
        assert_eq!(found, ["a.webp", "b/1.png", "b/2.JPG", "notes.txt"].map(at));
        assert!(find_photos(&[at("missing")]).is_err());
    }
}
