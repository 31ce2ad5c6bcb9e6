//! The photos of folders.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// File name endings of the formats that are decoded.
const EXTENSIONS: [&str; 10] = [
    "bmp", "gif", "jpe", "jpeg", "jfif", "jpg", "png", "tif", "tiff", "webp",
];

/// The photos of a folder, and what of it could not be listed.
#[derive(Debug, Default)]
pub struct Listing {
    /// Sorted, each path once.
    pub photos: Vec<PathBuf>,
    /// Sub-folders that cannot be listed, and why.
    pub failures: Vec<(PathBuf, Error)>,
}

/// The photos in `folder` and below it: the files with a photo's ending. Names that begin with a
/// dot are left out; a folder that links lead back to is entered once.
///
/// # Errors
/// [`Error::Io`] when `folder` itself cannot be listed.
pub fn list_photos(folder: &Path) -> Result<Listing> {
    let mut listing = Listing::default();
    walk(folder, &mut Vec::new(), &mut listing)?;
    listing.photos.sort();
    Ok(listing)
}

/// The path of `photo` below `folder`, with `/` between names; letters that are not UTF-8 are replaced.
pub fn name_below(folder: &Path, photo: &Path) -> String {
    let below = photo.strip_prefix(folder).unwrap_or(photo);
    let names: Vec<_> = below.iter().map(|name| name.to_string_lossy()).collect();
    names.join("/")
}

/// The photos at `paths`: a file is taken whatever its name, a folder gives the photos that
/// [`list_photos`] finds. Sorted, each path once.
///
/// # Errors
/// [`Error::Io`] for a path that is not there or a folder that cannot be listed.
pub fn find_photos(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut photos = BTreeSet::new();
    for path in paths {
        if metadata(path)?.is_dir() {
            let listing = list_photos(path)?;
            if let Some((_, error)) = listing.failures.into_iter().next() {
                return Err(error);
            }
            photos.extend(listing.photos);
        } else {
            photos.insert(path.clone());
        }
    }
    Ok(photos.into_iter().collect())
}

fn walk(folder: &Path, above: &mut Vec<PathBuf>, listing: &mut Listing) -> Result<()> {
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
            let depth = above.len();
            if let Err(error) = walk(&path, above, listing) {
                above.truncate(depth);
                listing.failures.push((path, error));
            }
        } else if metadata.is_file() && has_photo_extension(&path) {
            listing.photos.push(path);
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
