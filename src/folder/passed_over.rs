//! Skipped files of a folder, counted by kind.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::counted::counted;
#[cfg(not(feature = "heic"))]
use crate::image::kind::HEIC_ADVICE;

/// Kinds that a line names; the others are counted together.
const MAX_KINDS: usize = 6;
/// The kind of files whose names have no ending.
const NO_ENDING: &str = "without an ending";
/// The kind of files with an ending that is no short word.
const ODD_ENDING: &str = "with another ending";
/// The kind of pictures that delfin drew, as those of matches.
const DRAWN: &str = "drawn by delfin";

/// The files of a folder that are passed over. Names that begin with a dot, and files of delfin, are not counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PassedOver {
    /// The number of files that are no photos which can be read, by ending: `.heic`; of pictures that delfin drew, as
    /// `drawn by delfin`.
    pub files: BTreeMap<String, usize>,
    /// The number of photos that `delfin organize` placed in a folder below, whose originals are among
    /// the photos, or moved there; by that folder's path, with `/` between names.
    pub organized: BTreeMap<String, usize>,
}

impl PassedOver {
    /// The number of files that are no photos.
    pub fn num_files(&self) -> usize {
        self.files.values().sum()
    }

    /// One line for the files, one where HEIC files among them could be read, and one for each
    /// organized folder; none when nothing is passed over.
    pub fn lines(&self) -> Vec<String> {
        let organized = self.organized.iter().map(|(folder, count)| {
            let photos = counted(*count, "photo");
            format!("{folder}: {photos} left out that `delfin organize` placed there")
        });
        let files = (!self.files.is_empty()).then(|| self.to_string());
        let heic = self.heic_advice();
        files.into_iter().chain(heic).chain(organized).collect()
    }

    /// Advice on reading HEIC files, where some are passed over.
    #[cfg(not(feature = "heic"))]
    fn heic_advice(&self) -> Option<String> {
        let is_heic = |ending: &String| [".heic", ".heif", ".hif"].contains(&ending.as_str());
        let advice = || format!("HEIC files are not read: {HEIC_ADVICE}");
        self.files.keys().any(is_heic).then(advice)
    }

    #[cfg(feature = "heic")]
    fn heic_advice(&self) -> Option<String> {
        None
    }

    /// Counts a file.
    pub(crate) fn add(&mut self, file: &Path) {
        let kind = match file.extension().map(|ending| ending.to_str()) {
            None => NO_ENDING.to_owned(),
            Some(Some(ending)) if is_word(ending) => format!(".{}", ending.to_lowercase()),
            Some(_) => ODD_ENDING.to_owned(),
        };
        *self.files.entry(kind).or_default() += 1;
    }

    /// Counts a picture that delfin drew.
    pub(crate) fn add_drawn(&mut self) {
        *self.files.entry(DRAWN.to_owned()).or_default() += 1;
    }

    /// Adds the files passed over in another folder.
    pub fn merge(&mut self, other: Self) {
        for (kind, count) in other.files {
            *self.files.entry(kind).or_default() += count;
        }
        for (folder, count) in other.organized {
            *self.organized.entry(folder).or_default() += count;
        }
    }
}

fn is_word(ending: &str) -> bool {
    ending.len() <= 12 && ending.chars().all(char::is_alphanumeric)
}

/// `12 files passed over: 9 .heic, 3 .mov`, the most frequent kinds first.
impl fmt::Display for PassedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut kinds: Vec<(&String, &usize)> = self.files.iter().collect();
        kinds.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        let (named, others) = kinds.split_at(kinds.len().min(MAX_KINDS));
        let mut parts: Vec<String> = named
            .iter()
            .map(|(kind, count)| format!("{count} {kind}"))
            .collect();
        if !others.is_empty() {
            let count: usize = others.iter().map(|(_, count)| *count).sum();
            parts.push(format!("{count} of {} other kinds", others.len()));
        }
        let total = self.num_files();
        let files = if total == 1 { "file" } else { "files" };
        write!(f, "{total} {files} passed over: {}", parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: &[&str]) -> PassedOver {
        let mut passed_over = PassedOver::default();
        files
            .iter()
            .for_each(|file| passed_over.add(Path::new(file)));
        passed_over
    }

    #[test]
    fn kinds_are_counted_the_most_frequent_first() {
        let text = of(&["a.mov", "b.HEIC", "c.heic", "README", "d.a b", "é.heic"]).to_string();
        assert_eq!(
            text,
            "6 files passed over: 3 .heic, 1 .mov, 1 with another ending, 1 without an ending"
        );
        assert_eq!(of(&["1.txt"]).to_string(), "1 file passed over: 1 .txt");
        let many = [
            "1.a", "2.b", "3.c", "4.d", "5.e", "6.f", "7.g", "8.g", "9.h",
        ];
        let text = of(&many).to_string();
        assert!(text.ends_with("1 .e, 2 of 2 other kinds"), "{text}");
        assert_eq!(of(&[]).lines(), [""; 0]);
        let lines = of(&["a.heic", "b.mov"]).lines();
        assert_eq!(lines.len(), if cfg!(feature = "heic") { 1 } else { 2 });
        assert_eq!(of(&["b.mov"]).lines().len(), 1);
    }
}
