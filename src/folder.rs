//! The photos of folders.

mod names;
mod organized;
mod passed_over;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};

pub use names::{name_below, path_below, path_from_text, path_text, printable, printable_json};
pub use passed_over::PassedOver;

use crate::error::{Error, Result};
use crate::files::{is_drawn, is_drawn_file};
use crate::image::kind::{HEAD_BYTES, is_decoded};

/// File name endings of the formats that are decoded.
const EXTENSIONS: [&str; 10] = [
    "bmp", "gif", "jpe", "jpeg", "jfif", "jpg", "png", "tif", "tiff", "webp",
];

/// Files that `delfin cluster` and `delfin why` write into one folder; `clusters.json` is one of them.
const OWN_FILES: [&str; 9] = [
    "clusters.csv",
    "clusters.json",
    "clusters.parquet",
    "edges.csv",
    "edges.parquet",
    "labels_pred.txt",
    "report.html",
    "tables.sha256",
    "why.png",
];

/// The folder beside them with the parts of a large report.
const PARTS_FOLDER: &str = "report_parts";

/// The folder below its destination where `delfin organize` keeps its journals.
pub(crate) const JOURNAL_FOLDER: &str = ".delfin";

/// A sub-folder or link that cannot be listed, or a path that may not be looked at.
#[derive(Debug)]
#[non_exhaustive]
pub struct ListingFailure {
    /// Its path.
    pub path: PathBuf,
    /// The reason.
    pub error: Error,
}

/// The photos of a folder, and its sub-folders that could not be listed.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Listing {
    /// Sorted, each path once.
    pub photos: Vec<PathBuf>,
    /// Sub-folders that cannot be listed and paths that may not be looked at, and why.
    pub failures: Vec<ListingFailure>,
    /// The files passed over.
    pub passed_over: PassedOver,
}

impl Listing {
    /// The listing, if nothing is missing in it.
    ///
    /// # Errors
    /// The first of its failures.
    pub fn complete(mut self) -> Result<Self> {
        match self.failures.is_empty() {
            true => Ok(self),
            false => Err(self.failures.swap_remove(0).error),
        }
    }
}

/// The photos in `folder` and below it: the files with a photo's ending, or whose first bytes are a photo's. Left
/// out are names that begin with a dot, files of `delfin cluster` and `delfin why`, pictures that delfin drew, and
/// files that `delfin organize` placed below `folder` while the original lies there too. A folder that links lead
/// back to is entered once.
///
/// # Errors
/// [`Error::Io`] when `folder` itself cannot be listed.
pub fn list_photos(folder: &Path) -> Result<Listing> {
    list_within(folder, folder)
}

/// As [`list_photos`], of `folder` as a part of `root`.
///
/// # Errors
/// As [`list_photos`].
pub fn list_within(root: &Path, folder: &Path) -> Result<Listing> {
    let mut walk = Walk {
        root,
        real_root: canonical(root)?,
        above: Vec::new(),
        listing: Listing::default(),
    };
    walk.enter(folder)?;
    walk.listing.photos.sort();
    Ok(walk.listing)
}

/// The photos at `paths`: a file is taken whatever its name, a folder gives the photos that
/// [`list_photos`] finds. Sorted, each path once.
///
/// # Errors
/// [`Error::Io`] for a path that is not there, or is a folder that cannot be listed itself.
pub fn find_photos(paths: &[PathBuf]) -> Result<Listing> {
    let mut photos = BTreeSet::new();
    let (mut failures, mut passed_over) = (Vec::new(), PassedOver::default());
    for path in paths {
        if metadata(path)?.is_dir() {
            let listing = list_photos(path)?;
            photos.extend(listing.photos);
            failures.extend(listing.failures);
            passed_over.merge(listing.passed_over);
        } else {
            photos.insert(path.clone());
        }
    }
    Ok(Listing {
        photos: photos.into_iter().collect(),
        failures,
        passed_over,
    })
}

/// A walk through a folder.
struct Walk<'a> {
    root: &'a Path,
    real_root: PathBuf,
    /// The folders that the walk is in, without links.
    above: Vec<PathBuf>,
    listing: Listing,
}

impl Walk<'_> {
    fn enter(&mut self, folder: &Path) -> Result<()> {
        let real = canonical(folder)?;
        if self.above.contains(&real) {
            return Ok(());
        }
        // A folder that is listed itself gives all it holds.
        let placed = match real == self.real_root {
            true => BTreeSet::new(),
            false => organized::placed(folder, &self.real_root),
        };
        let num_photos = self.listing.photos.len();
        self.above.push(real);
        let met = self.meet_all(folder);
        self.above.pop();
        self.leave_out(folder, num_photos, &placed);
        met
    }

    fn meet_all(&mut self, folder: &Path) -> Result<()> {
        let io = |source| Error::io(folder, source);
        for entry in std::fs::read_dir(folder).map_err(io)? {
            self.meet(&entry.map_err(io)?.path());
        }
        Ok(())
    }

    /// Takes out of the photos behind the first `num_photos` those of `folder` that were `placed`.
    fn leave_out(&mut self, folder: &Path, num_photos: usize, placed: &BTreeSet<PathBuf>) {
        if placed.is_empty() {
            return;
        }
        let photos = self.listing.photos.split_off(num_photos);
        let (own, others): (Vec<_>, Vec<_>) =
            photos.into_iter().partition(|photo| placed.contains(photo));
        self.listing.photos.extend(others);
        if !own.is_empty() {
            let name = name_below(self.root, folder);
            self.listing.passed_over.organized.insert(name, own.len());
        }
    }

    fn meet(&mut self, path: &Path) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') {
            return;
        }
        let metadata = match std::fs::metadata(path) {
            Ok(metadata) => metadata,
            // Fails when it is read, which names it.
            Err(_) if has_photo_extension(path) => {
                self.listing.photos.push(path.to_owned());
                return;
            }
            // What may not be looked at may be a folder of photos; a link that leads nowhere is none.
            Err(error) => {
                if error.kind() == std::io::ErrorKind::PermissionDenied {
                    let (path, error) = (path.to_owned(), Error::io(path, error));
                    self.listing.failures.push(ListingFailure { path, error });
                }
                return;
            }
        };
        if metadata.is_dir() {
            if let Err(error) = self.enter(path) {
                let path = path.to_owned();
                self.listing.failures.push(ListingFailure { path, error });
            }
        } else if metadata.is_file() && !is_own_file(path) {
            match is_photo(path) {
                true if is_drawn_file(path) => self.listing.passed_over.add_drawn(),
                true => self.listing.photos.push(path.to_owned()),
                false => self.listing.passed_over.add(path),
            }
        }
    }
}

fn is_own_file(path: &Path) -> bool {
    let name = path.file_name().and_then(OsStr::to_str);
    let folder = path.parent().unwrap_or(Path::new(""));
    let is_part = folder.ends_with(PARTS_FOLDER) && has_ending(path, &["js"]);
    let beside = if is_part { folder } else { path };
    (is_part || name.is_some_and(|name| OWN_FILES.contains(&name)))
        && beside.with_file_name("clusters.json").is_file()
}

/// Whether a file is taken for a photo: by its name, or else by its first bytes.
pub fn is_photo(path: &Path) -> bool {
    if has_photo_extension(path) {
        return true;
    }
    let mut head = Vec::with_capacity(HEAD_BYTES);
    let file = std::fs::File::open(path);
    let read = file.and_then(|file| file.take(HEAD_BYTES as u64).read_to_end(&mut head));
    read.is_ok() && is_decoded(&head)
}

/// Whether a file of these bytes is taken for a photo of a folder: as [`is_photo`], and not drawn by delfin.
pub fn is_photo_with(path: &Path, bytes: &[u8]) -> bool {
    let is_photo = has_photo_extension(path) || is_decoded(&bytes[..bytes.len().min(HEAD_BYTES)]);
    is_photo && !is_drawn(bytes, bytes)
}

fn canonical(folder: &Path) -> Result<PathBuf> {
    folder
        .canonicalize()
        .map_err(|source| Error::io(folder, source))
}

fn metadata(path: &Path) -> Result<std::fs::Metadata> {
    std::fs::metadata(path).map_err(|source| Error::io(path, source))
}

/// Whether a file is named as a photo is, in whatever case.
pub fn has_photo_extension(path: &Path) -> bool {
    has_ending(path, &EXTENSIONS)
}

fn has_ending(path: &Path, endings: &[&str]) -> bool {
    path.extension()
        .is_some_and(|e| endings.iter().any(|known| e.eq_ignore_ascii_case(known)))
}

/// Makes a folder `name` in `folder` that no user can list: a link into folders whose whole path is longer than the
/// system takes. Their part of the path is short by links, one in each.
#[cfg(all(test, unix))]
pub(crate) fn make_unlistable(folder: &Path, deep: &Path, name: &str) -> std::io::Result<()> {
    let part = "d".repeat(250);
    std::fs::create_dir_all(deep)?;
    // Without links on the way there, of which the system follows some forty.
    let deep = &deep.canonicalize()?;
    let mut at = deep.clone();
    for number in 0..20 {
        std::fs::create_dir_all(at.join(&part))?;
        let link = deep.join(format!("{number}"));
        std::os::unix::fs::symlink(at.join(&part), &link)?;
        at = link;
    }
    std::os::unix::fs::symlink(&at, folder.join(name))
}

/// A folder of `1.jpg` and of a folder `shut` that no user can list, and what holds it.
#[cfg(all(test, unix))]
pub(crate) fn photo_beside_unlistable() -> std::io::Result<(tempfile::TempDir, PathBuf)> {
    let holder = tempfile::tempdir()?;
    let folder = holder.path().join("photos");
    std::fs::create_dir(&folder)?;
    std::fs::write(folder.join("1.jpg"), "x")?;
    make_unlistable(&folder, &holder.path().join("deep"), "shut")?;
    Ok((holder, folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_folder_that_cannot_be_listed_is_told_beside_the_photos() {
        let (_holder, root) = photo_beside_unlistable().unwrap();
        let listing = find_photos(std::slice::from_ref(&root)).unwrap();
        assert_eq!(listing.photos, [root.join("1.jpg")]);
        let failed: Vec<_> = listing.failures.into_iter().map(|f| f.path).collect();
        assert_eq!(failed, [root.join("shut")]);
        assert!(find_photos(&[root.join("shut")]).is_err());
    }

    #[test]
    fn photos_are_told_by_content_and_what_is_passed_over_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let jpeg = b"\xff\xd8\xff\xe0 and so on";
        for name in ["IMG_1", "b.heic", "c.mpo"] {
            std::fs::write(at(name), jpeg).unwrap();
        }
        let cr3 = b"\0\0\0\x18ftypcrx \0\0\0\x01";
        for name in ["1.cr3", "2.CR3"] {
            std::fs::write(at(name), cr3).unwrap();
        }
        std::fs::write(at("3.mov"), b"\0\0\0\x14ftypqt  ").unwrap();
        std::fs::write(at("4.nef"), b"MM\0*\0\0\0\x08").unwrap();
        std::fs::write(at("5.jpg"), "no photo, and said so when it is read").unwrap();
        std::fs::write(at(".6.cr3"), cr3).unwrap();
        let listing = list_photos(folder.path()).unwrap();
        let expected = ["4.nef", "5.jpg", "IMG_1", "b.heic", "c.mpo"];
        assert_eq!(listing.photos, expected.map(at));
        assert_eq!(
            listing.passed_over.lines(),
            ["3 files passed over: 2 .cr3, 1 .mov"]
        );
    }

    #[test]
    fn what_delfin_wrote_is_not_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["out/report_parts", "mine/report_parts"] {
            std::fs::create_dir_all(at(name)).unwrap();
        }
        for name in [
            "1.jpg",
            "out/clusters.json",
            "out/clusters.parquet",
            "out/edges.parquet",
            "out/labels_pred.txt",
            "out/report.html",
            "out/tables.sha256",
            "out/report_parts/pairs-0.js",
            "mine/report_parts/1.js",
            "mine/clusters.parquet",
        ] {
            std::fs::write(at(name), "x").unwrap();
        }
        let listing = list_photos(folder.path()).unwrap();
        assert_eq!(listing.photos, [at("1.jpg")]);
        assert_eq!(
            listing.passed_over.lines(),
            ["2 files passed over: 1 .js, 1 .parquet"]
        );
    }

    #[test]
    fn what_organize_placed_is_left_out_while_the_original_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let at = |name: &str| root.join(name);
        for name in ["sorted/.delfin", "sorted/x", "sorted/y"] {
            std::fs::create_dir_all(at(name)).unwrap();
        }
        for name in [
            "1.jpg",
            "2.jpg",
            "sorted/x/1.jpg",
            "sorted/x/3.jpg",
            "sorted/y/2.jpg",
        ] {
            std::fs::write(at(name), "x").unwrap();
        }
        let source = root.to_str().unwrap();
        let journal = format!(
            "{{\"source\":{source:?},\"places\":[[\"1.jpg\",\"x/1.jpg\"],[\"2.jpg\",\"y/2.jpg\"],[\"gone.jpg\",\"x/3.jpg\"]]}}\n{{\"index\":1,\"is_made\":false}}\n{{\"ind"
        );
        std::fs::write(at("sorted/.delfin/organize-0001.jsonl"), &journal).unwrap();
        let listing = list_photos(&root).unwrap();
        let expected = ["1.jpg", "2.jpg", "sorted/x/3.jpg", "sorted/y/2.jpg"];
        assert_eq!(listing.photos, expected.map(at));
        assert_eq!(
            listing.passed_over.lines(),
            ["sorted: 1 photo left out that `delfin organize` placed there"]
        );
        // Named itself, the folder gives all of its photos.
        assert_eq!(list_photos(&at("sorted")).unwrap().photos.len(), 3);
        let within = list_within(&root, &at("sorted")).unwrap();
        assert_eq!(
            within.photos,
            expected[2..]
                .iter()
                .map(|name| at(name))
                .collect::<Vec<_>>()
        );
        // What was moved has no original, and is there alone.
        let moved = journal.replacen('{', "{\"placement\":\"move\",", 1);
        std::fs::write(at("sorted/.delfin/organize-0001.jsonl"), moved).unwrap();
        let listing = list_photos(&root).unwrap();
        assert_eq!(listing.photos, ["1.jpg", "2.jpg", "sorted/y/2.jpg"].map(at));
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
        let found = find_photos(&[folder.path().to_owned(), at("notes.txt"), at("a.webp")])
            .unwrap()
            .photos;
        let mut expected = vec!["a.webp", "b/1.png", "b/2.JPG", "notes.txt"];
        if cfg!(unix) {
            expected.insert(3, "b/3.jpg");
        }
        assert_eq!(found, expected.into_iter().map(at).collect::<Vec<_>>());
        assert!(find_photos(&[at("missing")]).is_err());
    }
}
