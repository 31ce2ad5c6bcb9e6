//! The plan: a pure function of the photos, their labels and the files at the destination.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::assignment::Assignment;
use super::files::{Survey, TargetState};
use crate::folder::path_text;

/// Method of putting a photo into the folder of its label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Placement {
    /// A second name of the same file: takes no space, and a change through one name is a change of
    /// both. Not across devices.
    HardLink,
    /// A link to the original's absolute path.
    Symlink,
    /// A file of its own, with the original's modification time.
    Copy,
    /// The photo itself, which is no longer where it was.
    Move,
}

/// One photo and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place {
    /// The photo's path below the source.
    pub photo: PathBuf,
    /// The new path below the destination: label, then name.
    pub target: PathBuf,
}

/// A photo that gets no place.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeftOut {
    /// The photo's path below the source.
    pub photo: PathBuf,
    /// The reason, on one line.
    pub reason: String,
}

/// The actions of [`apply`](super::apply).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan {
    /// The folder of the photos, absolute.
    pub source: PathBuf,
    /// The folder that gets one folder a label, absolute; it need not be there yet.
    pub destination: PathBuf,
    /// The places that are free, sorted by photo.
    pub places: Vec<Place>,
    /// Photos that are in their place already.
    pub already_there: Vec<Place>,
    /// Photos that get no place.
    pub left_out: Vec<LeftOut>,
}

impl Plan {
    /// The number of folders that get photos.
    pub fn num_folders(&self) -> usize {
        let folders = self.places.iter().map(|place| place.target.parent());
        folders.collect::<BTreeSet<_>>().len()
    }

    /// One JSON object: `version` (1), `source`, `destination`, `placement` and the lists `places`, `already_there`
    /// (each `photo`, `target`) and `left_out` (each `photo`, `reason`). Bytes of paths that are not UTF-8 are
    /// written as by [`path_text`].
    pub fn json(&self, placement: Placement) -> String {
        let places = |places: &[Place]| -> Vec<serde_json::Value> {
            let shown = |place: &Place| {
                serde_json::json!({
                    "photo": path_text(&place.photo),
                    "target": path_text(&place.target),
                })
            };
            places.iter().map(shown).collect()
        };
        let left_out: Vec<_> = self
            .left_out
            .iter()
            .map(|left| {
                serde_json::json!({
                    "photo": path_text(&left.photo),
                    "reason": left.reason,
                })
            })
            .collect();
        let object = serde_json::json!({
            "version": 1,
            "source": path_text(&self.source),
            "destination": path_text(&self.destination),
            "placement": placement,
            "places": places(&self.places),
            "already_there": places(&self.already_there),
            "left_out": left_out,
        });
        format!("{object:#}")
    }
}

/// Gives each photo the place `LABEL/NAME`. Photos of one label whose names are equal but for case get
/// the names of the folders they lie in as a prefix (`FOLDER_NAME`). Left out are photos that still share
/// a place, photos whose place is taken by another file, and photos of a label that differs from
/// another, or from a folder at the destination, by case alone. Changes nothing; the same assignments and
/// the same destination give the same plan.
pub fn plan(survey: &Survey, assignments: &[Assignment]) -> Plan {
    let mut plan = Plan {
        source: survey.source.clone(),
        destination: survey.destination.clone(),
        places: Vec::new(),
        already_there: Vec::new(),
        left_out: Vec::new(),
    };
    let mut wanted = Vec::new();
    let spellings = spellings(survey, assignments);
    for Assignment { photo, label } in assignments {
        match label {
            Ok(label) => match spellings.get(&label.to_lowercase()) {
                Some(other) if other != label => {
                    let reason = format!(
                        "label {label:?} and {other:?} are one folder on systems that do not tell letters by case; give them one name"
                    );
                    plan.left_out.push(left_out(photo, reason));
                }
                _ => wanted.push((photo, Path::new(label))),
            },
            Err(reason) => plan.left_out.push(left_out(photo, reason.clone())),
        }
    }
    let mut targets: Vec<PathBuf> = wanted
        .iter()
        .map(|(photo, label)| label.join(photo.file_name().unwrap_or_default()))
        .collect();
    let shared = shared(&targets);
    for (target, (photo, label)) in targets.iter_mut().zip(&wanted) {
        if shared.contains(&folded(target)) {
            *target = label.join(name_with_folders(photo));
        }
    }
    let shared = self::shared(&targets);
    for (target, (photo, _)) in targets.into_iter().zip(wanted) {
        let place = || Place {
            photo: photo.clone(),
            target: target.clone(),
        };
        if shared.contains(&folded(&target)) {
            let reason = format!("another photo has the place {} too", target.display());
            plan.left_out.push(left_out(photo, reason));
            continue;
        }
        match survey.state(photo, &target) {
            TargetState::Free => plan.places.push(place()),
            TargetState::AlreadyThere => plan.already_there.push(place()),
            TargetState::Taken(reason) => plan.left_out.push(left_out(photo, reason)),
        }
    }
    plan
}

/// Spelling of each label, by its name without the case of its letters: as the folder that is at the destination,
/// else as most photos have it, else as the first photo has it.
fn spellings(survey: &Survey, assignments: &[Assignment]) -> BTreeMap<String, String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for label in assignments.iter().filter_map(|a| a.label.as_deref().ok()) {
        *counts.entry(label).or_default() += 1;
    }
    let folders = survey.existing_folders();
    // A folder that is there wins over any number of photos; the first of equals stays.
    let rank = |label: &str| (folders.contains(label), counts.get(label).copied());
    let labels = assignments.iter().filter_map(|a| a.label.as_deref().ok());
    let mut spellings: BTreeMap<String, String> = BTreeMap::new();
    for label in labels.chain(folders.iter().map(String::as_str)) {
        let known = spellings
            .entry(label.to_lowercase())
            .or_insert_with(|| label.to_owned());
        if rank(label) > rank(known) {
            label.clone_into(known);
        }
    }
    spellings
}

fn left_out(photo: &Path, reason: String) -> LeftOut {
    LeftOut {
        photo: photo.to_owned(),
        reason,
    }
}

/// The targets that more than one photo has.
fn shared(targets: &[PathBuf]) -> BTreeSet<OsString> {
    let mut counts: BTreeMap<OsString, usize> = BTreeMap::new();
    for target in targets {
        *counts.entry(folded(target)).or_default() += 1;
    }
    let several = counts.into_iter().filter(|(_, count)| *count > 1);
    several.map(|(target, _)| target).collect()
}

/// The path without the case of its letters, which many file systems ignore.
fn folded(path: &Path) -> OsString {
    match path.to_str() {
        Some(text) => text.to_lowercase().into(),
        None => path.into(),
    }
}

/// `a/b/1.jpg` as `a_b_1.jpg`.
fn name_with_folders(photo: &Path) -> OsString {
    let parts: Vec<&OsStr> = photo.iter().collect();
    parts.join(OsStr::new("_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assigned(rows: &[(&str, &str)]) -> Vec<Assignment> {
        let row = |(photo, label): &(&str, &str)| Assignment {
            photo: photo.into(),
            label: Ok((*label).to_owned()),
        };
        rows.iter().map(row).collect()
    }

    #[test]
    fn classes_that_differ_by_case_are_one_folder_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let survey = Survey::of_nothing(folder.path());
        let rows = [
            ("1.jpg", "CLS"),
            ("2.jpg", "cls"),
            ("3.jpg", "cls"),
            ("4.jpg", "Ö"),
            ("5.jpg", "ö"),
            ("6.jpg", "other"),
        ];
        let names = |plan: &Plan| -> Vec<String> {
            let places = plan.places.iter();
            places
                .map(|p| p.target.to_string_lossy().into_owned())
                .collect()
        };
        let plan1 = plan(&survey, &assigned(&rows));
        assert_eq!(
            names(&plan1),
            ["cls/2.jpg", "cls/3.jpg", "Ö/4.jpg", "other/6.jpg"]
        );
        let reason = &plan1.left_out[0].reason;
        assert!(reason.contains("\"CLS\" and \"cls\""), "{reason}");
        std::fs::create_dir_all(survey.destination.join("CLS")).unwrap();
        let plan2 = plan(&survey, &assigned(&rows));
        assert_eq!(names(&plan2), ["CLS/1.jpg", "Ö/4.jpg", "other/6.jpg"]);
    }

    #[test]
    fn names_that_collide_are_told_apart_by_their_folders() {
        let folder = tempfile::tempdir().unwrap();
        let survey = Survey::of_nothing(folder.path());
        let rows = [
            ("1.jpg", "x"),
            ("a/1.JPG", "x"),
            ("a/2.jpg", "x"),
            ("a/b/1.jpg", "y"),
            ("a_b/1.jpg", "y"),
            ("c_1.jpg", "z"),
            ("c/1.jpg", "z"),
        ];
        let plan = plan(&survey, &assigned(&rows));
        let targets: Vec<_> = plan
            .places
            .iter()
            .map(|p| p.target.to_str().unwrap())
            .collect();
        assert_eq!(
            targets,
            ["x/1.jpg", "x/a_1.JPG", "x/2.jpg", "z/c_1.jpg", "z/1.jpg"]
        );
        let left: Vec<_> = plan
            .left_out
            .iter()
            .map(|l| l.photo.to_str().unwrap())
            .collect();
        assert_eq!(left, ["a/b/1.jpg", "a_b/1.jpg"]);
        assert_eq!(plan.num_folders(), 2);
    }
}
