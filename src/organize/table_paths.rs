//! The photos that the paths of a table lead to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use super::files::Survey;
use crate::error::{Error, Result};
use crate::folder::{name_below, path_from_text};

/// Finds the photos of a survey by the paths of a table. A path is one below the surveyed folder, as
/// [`name_below`] gives it; else one that leads into that folder from the current one, or from the root.
#[derive(Debug)]
pub struct TablePaths<'a> {
    survey: &'a Survey,
    names: BTreeSet<String>,
}

impl<'a> TablePaths<'a> {
    /// Paths to the photos of `survey`.
    pub fn new(survey: &'a Survey) -> Self {
        let names = survey.photos.iter().map(|photo| name(photo)).collect();
        Self { survey, names }
    }

    /// The path below the surveyed folder of the photo that a path of the table leads to.
    pub fn photo(&self, path: &str) -> Option<String> {
        if self.names.contains(path) {
            return Some(path.to_owned());
        }
        let known = |below: &Path| Some(name(below)).filter(|name| self.names.contains(name));
        let typed = path_from_text(path);
        let is_name = |part: &Component| *part != Component::CurDir;
        let plain: PathBuf = typed.components().filter(is_name).collect();
        if let Some(found) = known(&plain) {
            return Some(found);
        }
        let absolute = std::path::absolute(&typed).ok()?;
        let inside = |path: &Path| {
            let mut folders = [&self.survey.named, &self.survey.source].into_iter();
            folders.find_map(|folder| known(path.strip_prefix(folder).ok()?))
        };
        inside(&absolute).or_else(|| {
            let folder = absolute.parent()?.canonicalize().ok()?;
            inside(&folder.join(absolute.file_name()?))
        })
    }

    /// The labels of a table with the path below the surveyed folder of each photo; other paths stay as they are.
    /// Where two paths lead to one photo, the one below the folder counts.
    ///
    /// # Errors
    /// [`Error::Labels`] of the file `table` when two other paths give one photo two labels.
    pub fn labels(
        &self,
        labels: &BTreeMap<String, String>,
        table: &Path,
    ) -> Result<BTreeMap<String, String>> {
        let mut renamed = BTreeMap::new();
        let mut typed: BTreeMap<String, (&String, &String)> = BTreeMap::new();
        for (path, label) in labels {
            match self.photo(path) {
                Some(photo) if photo != *path && !labels.contains_key(&photo) => {
                    match typed.insert(photo, (path, label)) {
                        Some((other, before)) if before != label => {
                            return Err(Error::Labels {
                                path: table.to_owned(),
                                reason: format!("{other} and {path} are one photo with two labels"),
                            });
                        }
                        _ => {}
                    }
                }
                _ => {
                    renamed.insert(path.clone(), label.clone());
                }
            }
        }
        let typed = typed.into_iter();
        renamed.extend(typed.map(|(photo, (_, label))| (photo, label.clone())));
        Ok(renamed)
    }
}

fn name(below: &Path) -> String {
    name_below(Path::new(""), below)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(rows: &[(&str, &str)]) -> BTreeMap<String, String> {
        let row = |(path, label): &(&str, &str)| ((*path).to_owned(), (*label).to_owned());
        rows.iter().map(row).collect()
    }

    #[test]
    fn paths_below_the_folder_win_over_paths_that_lead_there() {
        let folder = tempfile::tempdir().unwrap();
        let mut survey = Survey::of_nothing(folder.path());
        survey.photos = ["a.jpg", "b.jpg", "in/a.jpg"].map(PathBuf::from).to_vec();
        survey.named = std::path::absolute("in").unwrap();
        let source = survey.source.clone();
        let paths = TablePaths::new(&survey);
        for (path, expected) in [
            ("a.jpg", Some("a.jpg")),
            ("./a.jpg", Some("a.jpg")),
            ("in/./a.jpg", Some("in/a.jpg")),
            ("in/b.jpg", Some("b.jpg")),
            ("./in/b.jpg", Some("b.jpg")),
            (source.join("b.jpg").to_str().unwrap(), Some("b.jpg")),
            ("out/b.jpg", None),
            ("in", None),
            ("..", None),
            ("", None),
        ] {
            assert_eq!(paths.photo(path).as_deref(), expected, "{path}");
        }
        let table = Path::new("t.csv");
        let found = paths.labels(&labels(&[("a.jpg", "1"), ("in/b.jpg", "2")]), table);
        assert_eq!(found.unwrap(), labels(&[("a.jpg", "1"), ("b.jpg", "2")]));
        let rows = labels(&[("b.jpg", "1"), ("in/b.jpg", "2")]);
        assert_eq!(paths.labels(&rows, table).unwrap(), rows);
        let rows = labels(&[("./b.jpg", "1"), ("in/b.jpg", "2")]);
        let error = paths.labels(&rows, table).unwrap_err().to_string();
        assert!(
            error.contains("t.csv") && error.contains("two labels"),
            "{error}"
        );
    }
}
