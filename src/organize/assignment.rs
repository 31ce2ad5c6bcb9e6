//! Labels of photos, and whether they can name folders.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::folder::name_below;

/// Names that Windows keeps for devices, whatever their ending.
const RESERVED: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8",
    "com9", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// Longest label in bytes; file systems take 255.
const MAX_BYTES: usize = 200;

/// A photo and its label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The photo's path below the surveyed folder.
    pub photo: PathBuf,
    /// The label, which can name a folder; or the reason why there is none.
    pub label: Result<String, String>,
}

/// The assignments of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LabelAssignments {
    /// One for each photo.
    pub assignments: Vec<Assignment>,
    /// The paths of the table that no photo has.
    pub unknown_paths: Vec<String>,
}

/// Labels from names of the form LABEL_rest.jpg: the part before the first `_`.
pub fn by_prefix(photos: &[PathBuf]) -> Vec<Assignment> {
    assign(photos, |photo| {
        let name = photo.file_name().unwrap_or_default();
        let bytes = name.as_encoded_bytes();
        let Some(end) = bytes.iter().position(|byte| *byte == b'_') else {
            return Err("its name has no prefix that ends in _".to_owned());
        };
        match std::str::from_utf8(&bytes[..end]) {
            Ok(prefix) => Ok(prefix.to_owned()),
            Err(_) => Err("its prefix is not UTF-8".to_owned()),
        }
    })
}

/// Labels from a table of paths and labels; `name` names the table in reasons. Paths are those below the surveyed
/// folder, as [`name_below`] gives them; [`TablePaths`](super::TablePaths) leads others to these.
pub fn by_labels(
    photos: &[PathBuf],
    labels: &BTreeMap<String, String>,
    name: &str,
) -> LabelAssignments {
    let printed = |photo: &Path| name_below(Path::new(""), photo);
    let names: BTreeSet<String> = photos.iter().map(|photo| printed(photo)).collect();
    let unknown = labels.keys().filter(|path| !names.contains(*path));
    let assignments = assign(photos, |photo| match labels.get(&printed(photo)) {
        Some(label) => Ok(label.clone()),
        None => Err(format!("{name} has no row for it")),
    });
    LabelAssignments {
        assignments,
        unknown_paths: unknown.cloned().collect(),
    }
}

fn assign(photos: &[PathBuf], label: impl Fn(&Path) -> Result<String, String>) -> Vec<Assignment> {
    photos
        .iter()
        .map(|photo| Assignment {
            photo: photo.clone(),
            label: label(photo).and_then(|name| match fault(&name) {
                Some(fault) => Err(format!("label {name:?} cannot name a folder: {fault}")),
                None => Ok(name),
            }),
        })
        .collect()
}

/// The reason why a label cannot name a folder on every system; the rules, and so the plans, are the same on each.
fn fault(name: &str) -> Option<&'static str> {
    let is_special = |letter: char| letter.is_control() || "<>:\"/\\|?*".contains(letter);
    let device = name.split('.').next().unwrap_or_default().trim_end();
    if name.is_empty() {
        Some("it is empty")
    } else if name.starts_with('.') {
        Some("it begins with a dot")
    } else if name.ends_with(['.', ' ']) || name.starts_with(' ') {
        Some("it begins or ends with a space, or ends with a dot")
    } else if name.contains(is_special) {
        Some("it holds a control character or one of < > : \" / \\ | ? *")
    } else if RESERVED
        .iter()
        .any(|word| word.eq_ignore_ascii_case(device))
    {
        Some("the name is reserved on Windows")
    } else if name.len() > MAX_BYTES {
        Some("it is longer than 200 bytes")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label_of(name: &str) -> Result<String, String> {
        by_prefix(&[PathBuf::from(name)]).remove(0).label
    }

    #[test]
    fn the_prefix_ends_at_the_first_underscore() {
        assert_eq!(label_of("sub_dir/shoe_black_1.jpg"), Ok("shoe".into()));
        assert_eq!(label_of("Größe 4_1.jpg"), Ok("Größe 4".into()));
        assert!(label_of("sub_dir/shoe.jpg").unwrap_err().contains("prefix"));
    }

    #[test]
    fn what_cannot_name_a_folder_is_refused() {
        for name in [
            "_a.jpg",
            ".._a.jpg",
            "._a",
            ".git_a",
            "CON_a.jpg",
            "nul.txt_a",
            "a:b_a",
            "a\\b_a",
            "a _a",
            "a._a",
            " a_b",
            "a\nb_c",
            "a\u{7f}_b",
        ] {
            let reason = label_of(name).unwrap_err();
            assert!(reason.contains("cannot name a folder"), "{name}: {reason}");
        }
        assert!(label_of(&format!("{}_a", "x".repeat(201))).is_err());
        assert!(label_of("console_a.jpg").is_ok());
        let labels = BTreeMap::from([("a".into(), "../up".into())]);
        let found = by_labels(&["a".into()], &labels, "t.csv");
        assert!(found.assignments[0].label.is_err());
    }

    #[test]
    fn photos_without_a_row_and_rows_without_a_photo_are_named() {
        let labels = BTreeMap::from([("a".into(), "0".into()), ("c".into(), "1".into())]);
        let found = by_labels(&["a".into(), "b".into()], &labels, "t.csv");
        assert_eq!(found.assignments[0].label, Ok("0".into()));
        assert_eq!(
            found.assignments[1].label,
            Err("t.csv has no row for it".into())
        );
        assert_eq!(found.unknown_paths, ["c"]);
    }
}
