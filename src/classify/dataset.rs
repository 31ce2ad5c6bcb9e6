//! A folder whose sub-folders are classes.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::counted::counted;
use crate::error::{Error, Result};
use crate::folder::{PassedOver, is_photo, list_within, name_below};

/// Classes with fewer photos than this are mentioned, as `retrain.py` does.
const FEW_PHOTOS: usize = 20;

/// A photo and its class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelledPhoto {
    /// The file.
    pub path: PathBuf,
    /// Its path below the data folder, with `/` between folders.
    pub name: String,
    /// Index of its class in [`Dataset::labels`].
    pub class: usize,
}

/// The photos of a folder by class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset {
    /// The names of the class folders that hold photos, sorted.
    pub labels: Vec<String>,
    /// The photos, sorted by path.
    pub photos: Vec<LabelledPhoto>,
    /// Remarks about the folder for the user, one line each.
    pub notes: Vec<String>,
}

impl Dataset {
    /// Lists `folder`: each sub-folder is a class, and photos below it, in folders of its own too,
    /// belong to it. Deterministic.
    ///
    /// # Errors
    /// [`Error::Io`] when `folder` itself cannot be listed; [`Error::Dataset`] when fewer than two
    /// classes hold photos, or the names of two differ only by case, space or punctuation.
    pub fn open(folder: &Path) -> Result<Self> {
        let fail = |reason: String| Error::Dataset {
            path: folder.to_owned(),
            reason,
        };
        let mut passed_over = PassedOver::default();
        let mut notes = Vec::new();
        let (class_folders, loose) = list(folder, &mut passed_over, &mut notes)?;
        if class_folders.is_empty() {
            return Err(fail(format!(
                "it has no sub-folders; each class needs one with its photos ({} in it)",
                counted(loose, "photo")
            )));
        }
        let mut dataset = Self {
            labels: Vec::new(),
            photos: Vec::new(),
            notes,
        };
        if loose > 0 {
            dataset.notes.push(format!(
                "{}: {} beside the class folders left out",
                folder.display(),
                counted(loose, "photo")
            ));
        }
        let mut plain_names: BTreeMap<String, String> = BTreeMap::new();
        let mut counts = Vec::new();
        for (label, path) in class_folders {
            let num_notes = dataset.notes.len();
            let photos = photos_within(folder, &path, &mut passed_over, &mut dataset.notes);
            if photos.is_empty() {
                let what = match dataset.notes.len() > num_notes {
                    true => "no photo of it can be seen",
                    false => "no photo in it",
                };
                let note = format!("{}: {what}, so no class", path.display());
                dataset.notes.push(note);
                continue;
            }
            if let Some(other) = plain_names.insert(plain(&label), label.clone()) {
                return Err(fail(format!(
                    "the class folders `{other}` and `{label}` have the same name but for case, space or punctuation; rename or merge them"
                )));
            }
            if photos.iter().any(|photo| photo.parent() != Some(&path)) {
                dataset.notes.push(format!(
                    "{}: photos in folders below it count as class `{label}`",
                    path.display()
                ));
            }
            let class = dataset.labels.len();
            counts.push(photos.len());
            dataset.photos.extend(photos.into_iter().map(|path| {
                let name = name_below(folder, &path);
                LabelledPhoto { path, name, class }
            }));
            dataset.labels.push(label);
        }
        dataset.notes.extend(passed_over.lines());
        if dataset.labels.len() < 2 {
            return Err(fail(format!(
                "{} of its sub-folders holds photos; a classifier needs two classes or more",
                match dataset.labels.first() {
                    Some(label) => format!("only `{label}`"),
                    None => "none".into(),
                }
            )));
        }
        dataset.notes.extend(few_photos(&dataset.labels, &counts));
        Ok(dataset)
    }

    /// Lists `folder` against known classes: photos of other classes are left out with a note.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Dataset`] when no class folder is one of `labels`.
    pub fn open_with_labels(folder: &Path, labels: &[String]) -> Result<Self> {
        let mut dataset = Self {
            labels: labels.to_vec(),
            photos: Vec::new(),
            notes: Vec::new(),
        };
        let mut passed_over = PassedOver::default();
        for (label, path) in list(folder, &mut passed_over, &mut dataset.notes)?.0 {
            let photos = photos_within(folder, &path, &mut passed_over, &mut dataset.notes);
            match labels.iter().position(|known| *known == label) {
                Some(class) => dataset.photos.extend(photos.into_iter().map(|path| {
                    let name = name_below(folder, &path);
                    LabelledPhoto { path, name, class }
                })),
                None if photos.is_empty() => {}
                None => dataset.notes.push(format!(
                    "{}: `{label}` is none of the classes trained on, {} left out",
                    path.display(),
                    counted(photos.len(), "photo")
                )),
            }
        }
        dataset.notes.extend(passed_over.lines());
        if dataset.photos.is_empty() {
            return Err(Error::Dataset {
                path: folder.to_owned(),
                reason: "no photo lies in a sub-folder named like a class".into(),
            });
        }
        Ok(dataset)
    }
}

/// The photos in and below a class folder of `root`; folders that cannot be listed are noted.
fn photos_within(
    root: &Path,
    folder: &Path,
    passed_over: &mut PassedOver,
    notes: &mut Vec<String>,
) -> Vec<PathBuf> {
    let mut note = |error: Error| notes.push(format!("{error}; photos in it are left out"));
    match list_within(root, folder) {
        Ok(listing) => {
            let errors = listing.failures.into_iter().map(|failure| failure.error);
            errors.for_each(note);
            passed_over.merge(listing.passed_over);
            listing.photos
        }
        Err(error) => {
            note(error);
            Vec::new()
        }
    }
}

/// The sub-folders by name, and the number of photos beside them. Names that begin with a dot are
/// left out, and so, noted, is what may not be looked at.
fn list(
    folder: &Path,
    passed_over: &mut PassedOver,
    notes: &mut Vec<String>,
) -> Result<(BTreeMap<String, PathBuf>, usize)> {
    let io = |source| Error::io(folder, source);
    let mut folders: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut loose = 0;
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') {
            continue;
        }
        let metadata = match path.metadata() {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                notes.push(format!("{}; left out", Error::io(&path, error)));
                continue;
            }
            metadata => metadata.ok(),
        };
        if metadata.as_ref().is_some_and(Metadata::is_file) && is_photo(&path) {
            loose += 1;
        } else if !metadata.as_ref().is_some_and(Metadata::is_dir) {
            passed_over.add(&path);
        } else if let Some(other) = folders.insert(name.into_owned(), path.clone()) {
            return Err(Error::Dataset {
                path: folder.to_owned(),
                reason: format!(
                    "the class folders {other:?} and {path:?} have the same name when written as text; rename one"
                ),
            });
        }
    }
    Ok((folders, loose))
}

/// A label without the characters that `retrain.py` dropped: case and everything but letters and digits.
fn plain(label: &str) -> String {
    let words: Vec<&str> = label
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    if words.is_empty() {
        return label.to_owned();
    }
    words.join(" ").to_lowercase()
}

fn few_photos(labels: &[String], counts: &[usize]) -> Option<String> {
    let few: Vec<String> = labels
        .iter()
        .zip(counts)
        .filter(|(_, count)| **count < FEW_PHOTOS)
        .map(|(label, count)| format!("`{label}` ({count})"))
        .collect();
    let (shown, rest) = few.split_at(few.len().min(3));
    let more = match rest.len() {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    (!few.is_empty()).then(|| {
        format!(
            "{} of {} with fewer than {FEW_PHOTOS} photos, accuracy may suffer: {}{more}",
            few.len(),
            counted(labels.len(), "class"),
            shown.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            if file.ends_with('/') {
                std::fs::create_dir_all(path).unwrap();
            } else {
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, "x").unwrap();
            }
        }
        folder
    }

    fn error(files: &[&str]) -> String {
        Dataset::open(folder(files).path()).unwrap_err().to_string()
    }

    #[test]
    fn sub_folders_are_classes_and_oddities_are_told() {
        let folder = folder(&[
            "b/2.jpg",
            "b/deep/1.jpg",
            "a/1.png",
            "a/notes.txt",
            "empty/",
            "loose.jpg",
            ".git/x.jpg",
        ]);
        let dataset = Dataset::open(folder.path()).unwrap();
        assert_eq!(dataset.labels, ["a", "b"]);
        let names: Vec<_> = dataset
            .photos
            .iter()
            .map(|p| (p.name.as_str(), p.class))
            .collect();
        assert_eq!(names, [("a/1.png", 0), ("b/2.jpg", 1), ("b/deep/1.jpg", 1)]);
        let notes = dataset.notes.join("\n");
        for words in [
            "1 photo beside the class folders left out",
            "empty: no photo",
            "below it count as class `b`",
            "2 of 2 classes with fewer than 20 photos",
        ] {
            assert!(notes.contains(words), "no {words:?} in {notes}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_cannot_be_listed_is_told_and_the_others_are_classes() {
        let folder = folder(&["photos/a/1.jpg", "photos/b/1.jpg"]);
        let root = folder.path().join("photos");
        for (within, name) in [("a", "shut"), ("", "c")] {
            let deep = folder.path().join(format!("deep {name}"));
            crate::folder::make_unlistable(&root.join(within), &deep, name).unwrap();
        }
        let dataset = Dataset::open(&root).unwrap();
        let known = Dataset::open_with_labels(&root, &dataset.labels).unwrap();
        assert_eq!(dataset.labels, ["a", "b"]);
        for dataset in [dataset, known] {
            assert_eq!(dataset.photos.len(), 2);
            for shut in ["a/shut", "c"] {
                let path = root.join(shut).display().to_string();
                let is_told = |note: &String| note.starts_with(&path) && note.contains("left out");
                assert!(dataset.notes.iter().any(is_told), "{:?}", dataset.notes);
            }
        }
    }

    #[test]
    fn folders_without_two_classes_are_refused() {
        assert!(error(&["1.jpg"]).contains("no sub-folders"));
        assert!(error(&["a/1.jpg", "b/"]).contains("only `a`"));
        assert!(error(&["a/", "b/"]).contains("none of its"));
        assert!(Dataset::open(Path::new("nowhere")).is_err());
    }

    #[test]
    fn names_that_collide_are_refused() {
        let text = error(&["T-shirt/1.jpg", "t shirt/1.jpg"]);
        assert!(text.contains("`T-shirt` and `t shirt`"), "{text}");
        let apart = folder(&["日本/1.jpg", "中国/1.jpg", "!/1.jpg", "?/1.jpg"]);
        assert_eq!(Dataset::open(apart.path()).unwrap().labels.len(), 4);
    }

    #[test]
    fn known_classes_keep_their_places() {
        let folder = folder(&["b/1.jpg", "c/1.jpg"]);
        let labels = ["a", "b"].map(str::to_owned);
        let dataset = Dataset::open_with_labels(folder.path(), &labels).unwrap();
        assert_eq!((dataset.photos.len(), dataset.photos[0].class), (1, 1));
        assert!(dataset.notes[0].contains("`c` is none"));
        assert!(Dataset::open_with_labels(folder.path(), &labels[..1]).is_err());
    }
}
