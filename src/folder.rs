//! The photos of folders.

use std::collections::BTreeSet;
use std::ffi::OsStr;
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
/// dot are left out, and so is `why.png` beside a `clusters.json`, which `delfin why` drew; a folder that
/// links lead back to is entered once.
///
/// # Errors
/// [`Error::Io`] when `folder` itself cannot be listed.
pub fn list_photos(folder: &Path) -> Result<Listing> {
    let mut listing = Listing::default();
    walk(folder, &mut Vec::new(), &mut listing)?;
    listing.photos.sort();
    Ok(listing)
}

/// The path of `photo` below `folder`, with `/` between names; a byte that is not of UTF-8 text is
/// written as `\xff`, so that two names stay two.
pub fn name_below(folder: &Path, photo: &Path) -> String {
    let below = photo.strip_prefix(folder).unwrap_or(photo);
    let names: Vec<_> = below.iter().map(text).collect();
    names.join("/")
}

fn text(name: &OsStr) -> String {
    let mut text = String::new();
    for chunk in name.as_encoded_bytes().utf8_chunks() {
        text += chunk.valid();
        for byte in chunk.invalid() {
            text += &format!("\\x{byte:02x}");
        }
    }
    text
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
        // A link that leads nowhere fails when it is read, which names it.
        let Ok(metadata) = std::fs::metadata(&path) else {
            if has_photo_extension(&path) {
                listing.photos.push(path);
            }
            continue;
        };
        if metadata.is_dir() {
            let depth = above.len();
            if let Err(error) = walk(&path, above, listing) {
                above.truncate(depth);
                listing.failures.push((path, error));
            }
        } else if metadata.is_file() && has_photo_extension(&path) && !is_own_picture(&path) {
            listing.photos.push(path);
        }
    }
    above.pop();
    Ok(())
}

fn is_own_picture(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "why.png")
        && path.with_file_name("clusters.json").is_file()
}

fn metadata(path: &Path) -> Result<std::fs::Metadata> {
    std::fs::metadata(path).map_err(|source| Error::Io {
        path: path.to_owned(),
        source,
    })
}

/// Whether a file is named as a photo is, in whatever case.
pub fn has_photo_extension(path: &Path) -> bool {
    path.extension()
        .is_some_and(|e| EXTENSIONS.iter().any(|known| e.eq_ignore_ascii_case(known)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn names_that_are_no_text_stay_apart() {
        use std::os::unix::ffi::OsStrExt;
        let name = |bytes: &[u8]| {
            name_below(
                Path::new("a"),
                &Path::new("a/b").join(OsStr::from_bytes(bytes)),
            )
        };
        assert_eq!(name("ö.jpg".as_bytes()), "b/ö.jpg");
        assert_eq!(name(b"\xff\xfe1.jpg"), "b/\\xff\\xfe1.jpg");
    }

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
            "b/why.png",
            "b/clusters.json",
        ] {
            std::fs::write(at(name), "x").unwrap();
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(folder.path(), at("b/loop")).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink("nowhere", at("b/3.jpg")).unwrap();
        let found =
            find_photos(&[folder.path().to_owned(), at("notes.txt"), at("a.webp")]).unwrap();
        let mut expected = vec!["a.webp", "b/1.png", "b/2.JPG", "notes.txt"];
        if cfg!(unix) {
            expected.insert(3, "b/3.jpg");
        }
        assert_eq!(found, expected.into_iter().map(at).collect::<Vec<_>>());
        assert!(find_photos(&[at("missing")]).is_err());
    }
}
