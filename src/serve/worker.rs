//! The worker of `delfin open`: owns the folder's session and its results, and carries out jobs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context, anyhow, bail};
use delfin::cluster::Cluster;
use delfin::folder::{list_photos, name_below, path_below};
use delfin::pipeline::{
    Action, ActionLog, ClusterOptions, Correction, FolderClusters, FolderPhoto, FolderSession,
};
use delfin::report::{FolderPage, FolderReport, Part};
use delfin::scoring::Relation;
use delfin::store::{ContentHash, Store};
use delfin::{Error, Model, hex};
use serde::Deserialize;
use serde_json::{Value, json};

use super::shared::{Phase, Shared};

/// Most corrections of one action.
const MAX_CORRECTIONS: usize = 200_000;
/// Longest name of a cluster in bytes; it may become a folder's.
const MAX_NAME_BYTES: usize = 200;
/// Questions that the page gets at a time; it leaves out those that were skipped.
const NUM_QUESTIONS: usize = 500;

/// An action of the page. Photos are named by their numbers.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Act {
    /// Photos go to the cluster of photo `to`, or each to a cluster of its own.
    Move {
        photos: Vec<usize>,
        to: Option<usize>,
    },
    /// Both photos show the same thing, or do not.
    Pair {
        photos: [usize; 2],
        is_same: bool,
    },
    /// The cluster of these photos is called so.
    Name {
        photos: Vec<usize>,
        name: String,
    },
    /// The photo is the best of its cluster.
    Best {
        photo: usize,
    },
    Undo,
    Redo,
}

/// Carries out the jobs of the page, one after another.
pub(crate) struct Worker<'a> {
    pub(super) model: &'a Model,
    pub(super) folder: &'a Path,
    pub(super) store: &'a Store,
    pub(super) options: ClusterOptions,
    pub(super) log: ActionLog,
    sorted: Option<Sorted>,
    pub(super) shared: Arc<Shared>,
    /// Whether there was a store that can be written when the folder was opened.
    had_store: bool,
    /// The page of labels, once a classifier was trained.
    pub(super) labels: Option<String>,
    /// Number of actions since the program began: a page with another number is out of date.
    num_acts: u64,
}

/// The length of a file in bytes, and when it was changed.
type FileState = (u64, SystemTime);

fn file_state(path: &Path) -> Option<FileState> {
    let metadata = path.metadata().ok()?;
    Some((metadata.len(), metadata.modified().ok()?))
}

/// Whether the file is another than it was; one that is gone is not, a link that leads nowhere now is.
fn is_changed(path: &Path, before: Option<FileState>) -> bool {
    match file_state(path) {
        Some(now) => before != Some(now),
        None => before.is_some() && path.symlink_metadata().is_ok(),
    }
}

/// Results of a run.
pub(super) struct Sorted {
    /// The number of the run: photo numbers are valid within one run.
    run: u64,
    pub(super) found: FolderClusters,
    report: FolderReport,
    /// Whether the report's clusters keep to all corrections that were made.
    is_current: bool,
    /// The photos that were listed, those that could not be read among them, with the length and date of each file.
    listed: BTreeMap<String, Option<FileState>>,
}

impl<'a> Worker<'a> {
    /// # Errors
    /// When the corrections in the store cannot be read, or an option is out of range.
    pub(crate) fn new(
        model: &'a Model,
        folder: &'a Path,
        store: &'a Store,
        options: ClusterOptions,
    ) -> anyhow::Result<Self> {
        options.validate()?;
        let mut worker = Self {
            model,
            folder,
            store,
            options,
            log: ActionLog::read(store)?,
            sorted: None,
            shared: Arc::new(Shared::new()),
            had_store: store.path().exists(),
            labels: None,
            num_acts: 0,
        };
        worker.options.corrections = worker.log.corrections();
        Ok(worker)
    }

    pub(super) fn shared(&self) -> Arc<Shared> {
        self.shared.clone()
    }

    /// The file of the store; none where it is in memory.
    pub(super) fn store_path(&self) -> Option<PathBuf> {
        self.is_kept().then(|| self.store.path().to_owned())
    }

    /// Session without progress callbacks.
    pub(super) fn session<'s>(&'s self) -> delfin::Result<FolderSession<'s>> {
        FolderSession::new(self.model, self.folder, self.store, &self.options)
    }

    /// Sorts the folder as it is now, as the job of this number.
    pub(super) fn sort(&mut self, job: usize) {
        self.shared.begin_job(job);
        // Requests of the run before are refused from here on.
        self.shared.begin();
        let phase = match self.find() {
            Ok(sorted) => {
                let photos = sorted.found.photos.iter();
                let paths = photos.map(|photo| path_below(self.folder, &photo.path));
                self.shared.set_photos(sorted.run, paths.collect());
                self.sorted = Some(sorted);
                Phase::Ready
            }
            Err(Error::Cancelled) if self.sorted.is_some() => Phase::Ready,
            Err(Error::Cancelled) => Phase::Stopped {
                reason: "Cancelled. What was computed is kept.".into(),
            },
            Err(error) => Phase::Stopped {
                reason: error.to_string(),
            },
        };
        self.shared.set(phase);
    }

    /// Leaves the store as if it were closed: between two jobs the program may be killed, as Ctrl-C does.
    pub(super) fn settle(&self) {
        // What cannot be settled is read again by the next program, whole.
        let _ = self.store.settle();
    }

    fn find(&self) -> delfin::Result<Sorted> {
        let session = self.session()?.with_observer(&*self.shared);
        // Before they are read: files that change meanwhile count as changed.
        let listed = list_photos(self.folder)?.photos.into_iter();
        let states: BTreeMap<String, Option<FileState>> = listed
            .map(|path| (name_below(self.folder, &path), file_state(&path)))
            .collect();
        let found = session.cluster()?;
        let mut report = session.report(&found, self.folder);
        let run = self.shared.run() + 1;
        for (number, photo) in report.photos.iter_mut().enumerate() {
            photo.href = Some(format!("{run}/photo/{number}"));
        }
        let read = found.photos.iter().map(|photo| &photo.path);
        let failed = found.failures.iter().map(|failure| &failure.path);
        let state = |name: &String| {
            let state = states.get(name).copied().flatten();
            (name.clone(), state)
        };
        Ok(Sorted {
            run,
            listed: read.chain(failed).map(state).collect(),
            found,
            report,
            is_current: true,
        })
    }

    pub(super) fn sorted(&self) -> anyhow::Result<&Sorted> {
        self.sorted.as_ref().context("nothing is sorted yet")
    }

    /// The page over the results, with the present corrections.
    pub(super) fn page(&mut self) -> anyhow::Result<String> {
        let Some(sorted) = &mut self.sorted else {
            bail!("nothing is sorted yet");
        };
        if !sorted.is_current {
            (sorted.report.cuts, sorted.report.default_cut) =
                sorted.found.report_cuts(&self.options);
            sorted.is_current = true;
        }
        Ok(FolderPage::live(&sorted.report, sorted.run)?.index())
    }

    /// A part of the page, as JSON; none if the page has no such part.
    pub(super) fn part(&self, part: Part) -> anyhow::Result<Option<String>> {
        let Sorted {
            run, found, report, ..
        } = self.sorted()?;
        let session = self.session()?;
        let mut pictures = session.pictures_of_pair(found, report);
        Ok(FolderPage::live(report, *run)?.part(part, &mut pictures)?)
    }

    /// Numbers of actions that can be undone and redone, the names of clusters, and warnings of the run.
    pub(super) fn state(&self) -> anyhow::Result<Value> {
        let sorted = self.sorted()?;
        let mut numbers = BTreeMap::new();
        for (number, photo) in sorted.found.photos.iter().enumerate().rev() {
            numbers.insert(photo.content_hash, number);
        }
        let names = self.log.names().into_iter();
        let names: Vec<(usize, &str)> = names
            .filter_map(|(hash, name)| Some((*numbers.get(&hash)?, name)))
            .collect();
        let best = self.log.best_photos();
        let best: Vec<usize> = best
            .keys()
            .filter_map(|hash| numbers.get(hash).copied())
            .collect();
        let (num_done, num_undone) = self.log.counts();
        let mut warnings = self.shared.warnings();
        if !self.is_kept() {
            warnings
                .push("Corrections are not kept: there is no store that can be written.".into());
        }
        Ok(json!({
            "num_done": num_done,
            "num_undone": num_undone,
            "num_acts": self.num_acts,
            "names": names,
            "best": best,
            "has_labels": self.labels.is_some(),
            "warnings": warnings,
        }))
    }

    /// The clusters at one minimum probability, and the state.
    pub(super) fn cut(&self, min_probability: f64) -> anyhow::Result<Value> {
        let cut = self
            .sorted()?
            .found
            .report_cut(probable(min_probability)?, &self.options);
        Ok(json!({ "cut": cut.json(), "state": self.state()? }))
    }

    pub(super) fn clusters(&self, min_probability: f64) -> anyhow::Result<Vec<Cluster>> {
        let found = &self.sorted()?.found;
        Ok(found.clusters_at(probable(min_probability)?, &self.options))
    }

    /// Carries out an action, logs it, and returns the clusters that follow.
    pub(super) fn act(&mut self, act: Act, min_probability: f64) -> anyhow::Result<Value> {
        probable(min_probability)?;
        if self.had_store && !self.is_kept() {
            bail!(
                "{} is gone: nothing can be kept; open the folder anew",
                self.store.path().display()
            );
        }
        let action = match act {
            Act::Undo => {
                self.log.undo(self.store)?;
                None
            }
            Act::Redo => {
                self.log.redo(self.store)?;
                None
            }
            Act::Name { photos, name } => Some(self.named(&photos, &name)?),
            Act::Best { photo } => {
                let photo = self.sorted()?.found.photos.get(photo);
                let hash = photo.context("no such photo")?.content_hash;
                Some(Action::Best { photo: hex(&hash) })
            }
            Act::Pair { photos, is_same } => {
                let mut corrections = Corrections::of(self.sorted()?);
                corrections.say(photos[0], photos[1], is_same)?;
                Some(corrections.action()?)
            }
            Act::Move { photos, to } => Some(self.moved(&photos, to, min_probability)?),
        };
        if let Some(action) = action {
            self.log.push(self.store, action)?;
        }
        self.num_acts += 1;
        self.options.corrections = self.log.corrections();
        if let Some(sorted) = &mut self.sorted {
            sorted.is_current = false;
        }
        self.cut(min_probability)
    }

    /// Whether the store is a file, which keeps actions.
    pub(crate) fn is_kept(&self) -> bool {
        self.store.path().exists()
    }

    fn named(&self, photos: &[usize], name: &str) -> anyhow::Result<Action> {
        let all = &self.sorted()?.found.photos;
        let hash = |photo: &usize| all.get(*photo).map(|photo| hex(&photo.content_hash));
        let hashes: Option<Vec<String>> = photos.iter().map(hash).collect();
        let name = name.trim();
        if name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
            bail!("a name has at most {MAX_NAME_BYTES} bytes and no control characters");
        }
        Ok(Action::Name {
            photos: hashes.context("no such photo")?,
            name: name.to_owned(),
        })
    }

    /// Corrections of a move. Photos moved to another cluster are the same as those there, and that cluster is
    /// apart from those they leave. Photos moved each to a cluster of its own are apart from all others of their
    /// clusters.
    fn moved(
        &self,
        photos: &[usize],
        to: Option<usize>,
        min_probability: f64,
    ) -> anyhow::Result<Action> {
        let sorted = self.sorted()?;
        let mut corrections = Corrections::of(sorted);
        let moved: BTreeSet<usize> = photos.iter().copied().filter(|p| Some(*p) != to).collect();
        let Some(to) = to else {
            let mut options = self.options.clone();
            loop {
                let before = corrections.said.len();
                for cluster in sorted.found.clusters_at(min_probability, &options) {
                    for &photo in cluster.members.iter().filter(|p| moved.contains(p)) {
                        for &other in cluster.members.iter().filter(|other| **other != photo) {
                            corrections.say(photo, other, false)?;
                        }
                    }
                }
                // Out of one cluster, a photo may fall into another.
                if corrections.said.len() == before {
                    return corrections.action();
                }
                options.corrections = self.log.corrections();
                options.corrections.extend(&corrections.said);
            }
        };
        let mut there = Vec::new();
        for cluster in self.clusters(min_probability)? {
            let (going, staying): (Vec<usize>, Vec<usize>) =
                cluster.members.iter().partition(|p| moved.contains(p));
            if cluster.members.contains(&to) {
                there = staying;
            } else if !going.is_empty() {
                for other in staying {
                    corrections.say(to, other, false)?;
                }
            }
        }
        // Not by one photo alone, so that the others stay together when that one leaves.
        let Some(&first) = moved.first() else {
            return corrections.action();
        };
        for &other in &there {
            corrections.say(first, other, true)?;
        }
        for (&photo, &next) in moved.iter().zip(moved.iter().skip(1)) {
            corrections.say(photo, next, true)?;
            corrections.say(next, to, true)?;
        }
        corrections.say(first, to, true)?;
        corrections.action()
    }

    /// Questions for the user, by [`FolderClusters::questions`].
    pub(super) fn questions(&self, min_probability: f64) -> anyhow::Result<Value> {
        let clusters = self.clusters(min_probability)?;
        let found = &self.sorted()?.found;
        let questions = found.questions(&clusters, &self.options, NUM_QUESTIONS);
        let questions = questions.iter().map(|question| {
            json!({
                "photos": [question.image1, question.image2],
                "expected_change": question.expected_change,
            })
        });
        Ok(json!(questions.collect::<Vec<_>>()))
    }

    /// The photos that show the same thing as a photo from elsewhere, `bytes` of a file called `name`.
    pub(super) fn search(&self, bytes: &[u8], name: &str) -> anyhow::Result<Value> {
        let folder = tempfile::tempdir()?;
        // Its ending may be needed to detect the format; the rest of the name is the sender's.
        let ending = Path::new(name).extension().and_then(|e| e.to_str());
        let ending = ending.filter(|ending| ending.chars().all(char::is_alphanumeric));
        let path = folder
            .path()
            .join("query")
            .with_extension(ending.unwrap_or_default());
        std::fs::write(&path, bytes)?;
        let hits = self.session()?.search_among(&path, &self.sorted()?.found);
        let hits = hits.map_err(|error| {
            let reason = error.to_string();
            anyhow!("{}", reason.replace(&*path.to_string_lossy(), name))
        })?;
        let hits = hits.iter().map(|hit| {
            json!({
                "photo": hit.photo,
                "p": hit.probability,
                "inliers": hit.num_inliers,
                "relation": hit.relation.map(Relation::as_str),
            })
        });
        Ok(json!(hits.collect::<Vec<_>>()))
    }

    /// Number of photos whose files have changed since they were sorted.
    pub(super) fn num_changed(&self) -> anyhow::Result<usize> {
        let listed = self.sorted()?.listed.iter();
        let changed =
            listed.filter(|(name, state)| is_changed(&path_below(self.folder, name), **state));
        Ok(changed.count())
    }

    /// Photos that were added to the folder since it was sorted, and photos that are gone.
    pub(super) fn changes(&self) -> anyhow::Result<Value> {
        let listed = &self.sorted()?.listed;
        let photos = list_photos(self.folder)?.photos;
        let now: BTreeSet<String> = photos.iter().map(|p| name_below(self.folder, p)).collect();
        Ok(json!({
            "num_added": now.iter().filter(|name| !listed.contains_key(*name)).count(),
            "num_gone": listed.keys().filter(|name| !now.contains(*name)).count(),
            "num_changed": self.num_changed()?,
            "num_acts": self.num_acts,
        }))
    }
}

/// The name that most photos of a cluster have; of equally many the first in the alphabet.
pub(super) fn name_of(
    cluster: &Cluster,
    photos: &[FolderPhoto],
    names: &BTreeMap<ContentHash, &str>,
) -> Option<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for &photo in &cluster.members {
        if let Some(name) = names.get(&photos[photo].content_hash) {
            *counts.entry(name).or_default() += 1;
        }
    }
    // Of equal counts the last counts.
    let most = counts.into_iter().rev().max_by_key(|(_, count)| *count);
    most.map(|(name, _)| name.to_owned())
}

/// # Errors
/// For a number that is not between 0 and 1.
fn probable(min_probability: f64) -> anyhow::Result<f64> {
    match min_probability > 0.0 && min_probability < 1.0 {
        true => Ok(min_probability),
        false => bail!("{min_probability} is not between 0 and 1"),
    }
}

/// Corrections of one action.
struct Corrections<'a> {
    found: &'a FolderClusters,
    said: Vec<Correction>,
    /// Two photos with one content, which cannot be corrected.
    identical: Option<[usize; 2]>,
}

impl<'a> Corrections<'a> {
    fn of(sorted: &'a Sorted) -> Self {
        Self {
            found: &sorted.found,
            said: Vec::new(),
            identical: None,
        }
    }

    /// Adds a correction. It holds for the content of the photos, so two photos with one content cannot be
    /// corrected.
    ///
    /// # Errors
    /// For photos that do not exist, and for too many at a time.
    fn say(&mut self, photo1: usize, photo2: usize, is_same: bool) -> anyhow::Result<()> {
        let photos = &self.found.photos;
        let [first, second] = [photo1, photo2].map(|photo| photos.get(photo));
        let (Some(first), Some(second)) = (first, second) else {
            bail!("no such photo");
        };
        if first.content_hash == second.content_hash {
            if photo1 != photo2 {
                self.identical = Some([photo1, photo2]);
            }
            return Ok(());
        }
        if self.said.len() == MAX_CORRECTIONS {
            bail!("too many photos at a time");
        }
        self.said.push(Correction {
            photo1: first.content_hash,
            photo2: second.content_hash,
            is_same,
        });
        Ok(())
    }

    fn action(self) -> anyhow::Result<Action> {
        if let (true, Some(same)) = (self.said.is_empty(), self.identical) {
            let [first, second] = same.map(|photo| &self.found.photos[photo].path);
            bail!(
                "{first} and {second} are the same file twice, byte for byte: nothing can be said of them"
            );
        }
        if self.said.is_empty() {
            bail!("nothing to do");
        }
        Ok(Action::Correct {
            corrections: self.said,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_another_has_changed_and_one_that_is_gone_has_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("photo.jpg");
        assert!(!is_changed(&path, None));
        std::fs::write(&path, "one").unwrap();
        let before = file_state(&path);
        assert!(before.is_some() && !is_changed(&path, before));
        assert!(is_changed(&path, None));
        std::fs::write(&path, "another").unwrap();
        assert!(is_changed(&path, before));
        std::fs::remove_file(&path).unwrap();
        assert!(!is_changed(&path, before));
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("nowhere", &path).unwrap();
            assert!(is_changed(&path, before));
        }
    }
}
