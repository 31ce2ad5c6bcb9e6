//! Puts photos into one folder per cluster, and undoes it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::bail;
use delfin::cluster::Cluster;
use delfin::counted;
use delfin::folder::{name_below, path_below, path_from_text};
use delfin::organize::{self, Placement, Plan};
use delfin::pipeline::BestBy;
use serde::Deserialize;
use serde_json::{Value, json};

use super::worker::{Worker, name_of};
use crate::cli::taken_back;

/// Selection of the photos.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Which {
    /// All of them.
    All,
    /// All but the best of each cluster.
    Others,
}

/// A request to put photos into one folder per cluster.
#[derive(Debug, Deserialize)]
pub(super) struct PutAway {
    /// The destination, absolute or below the folder of the photos.
    to: String,
    method: Placement,
    which: Which,
    /// The least probability of a link, as the page shows the clusters.
    min_probability: f64,
}

/// A plan, and the photos that stay where they are, each with the reason.
struct Planned {
    to: PathBuf,
    plan: Plan,
    kept: BTreeMap<String, &'static str>,
    /// The place of each photo in its cluster, the best first; empty where all are put away.
    ranks: BTreeMap<String, usize>,
}

impl Worker<'_> {
    fn plan(&self, put_away: &PutAway) -> anyhow::Result<Planned> {
        if put_away.to.trim().is_empty() {
            bail!("name a folder");
        }
        let to = self.folder.join(path_from_text(&put_away.to));
        if to.components().any(|part| part.as_os_str() == ".delfin") {
            bail!("{}: folders called .delfin are delfin's own", to.display());
        }
        let num_changed = self.num_changed()?;
        if num_changed > 0 {
            bail!(
                "{} changed since the folder was sorted: sort again first",
                counted(num_changed, "photo")
            );
        }
        let mut survey = organize::survey(self.folder, &to)?;
        let found = &self.sorted()?.found;
        let clusters = self.clusters(put_away.min_probability)?;
        let names = self.log.names();
        let names = clusters
            .iter()
            .map(|cluster| name_of(cluster, &found.photos, &names));
        let mut labels = BTreeMap::new();
        for (cluster, label) in clusters.iter().zip(folder_names(names.collect())?) {
            for &photo in &cluster.members {
                labels.insert(found.photos[photo].path.clone(), label.clone());
            }
        }
        let mut kept = BTreeMap::new();
        let mut ranks = BTreeMap::new();
        if put_away.which == Which::Others {
            // Of photos that are gone none is the best of those that are left.
            let clusters = self.clusters_there(&clusters)?;
            let session = self.session()?;
            for ranking in session.rank_photos(found, &clusters, &self.log.best_photos())? {
                let reason = match ranking.best_by {
                    _ if ranking.photos.len() == 1 => "the only one",
                    BestBy::Mark => "marked as the best",
                    BestBy::Size => "the largest",
                    BestBy::Sharpness => "the sharpest of the largest",
                };
                for (rank, &photo) in ranking.photos.iter().enumerate() {
                    let path = &found.photos[photo].path;
                    ranks.insert(path.clone(), rank);
                    if rank == 0 {
                        kept.insert(path.clone(), reason);
                    }
                }
            }
        }
        // A file that has several names here, by links to it or to its folder, stays under each.
        let real = |name: &str| path_below(self.folder, name).canonicalize().ok();
        let stays: BTreeSet<PathBuf> = kept.keys().filter_map(|name| real(name)).collect();
        let is_kept = |photo: &Path| {
            let name = name_below(Path::new(""), photo);
            kept.contains_key(&name) || real(&name).is_some_and(|path| stays.contains(&path))
        };
        survey.photos.retain(|photo| !is_kept(photo));
        let assigned = organize::by_labels(&survey.photos, &labels, "this page");
        let plan = organize::plan(&survey, &assigned.assignments);
        ensure_one_numbering(&plan)?;
        Ok(Planned {
            to,
            plan,
            kept,
            ranks,
        })
    }

    /// The clusters without photos that are no longer where they were; none is empty.
    fn clusters_there(&self, clusters: &[Cluster]) -> anyhow::Result<Vec<Cluster>> {
        let photos = &self.sorted()?.found.photos;
        let is_there = |photo: &usize| path_below(self.folder, &photos[*photo].path).is_file();
        let there = clusters.iter().map(|cluster| {
            let mut left = cluster.clone();
            left.members.retain(is_there);
            left
        });
        Ok(there
            .filter(|cluster| !cluster.members.is_empty())
            .collect())
    }

    /// The plan of [`Worker::put_away`]: one object as `delfin organize --plan` prints it, its places one folder
    /// after the other (where the best are kept, the better photo first; else by name), and the photos that are
    /// kept.
    pub(super) fn plan_away(&self, put_away: &PutAway) -> anyhow::Result<Value> {
        let Planned {
            mut plan,
            kept,
            ranks,
            ..
        } = self.plan(put_away)?;
        plan.places.sort_by_cached_key(|place| {
            let photo = name_below(Path::new(""), &place.photo);
            let folder = place.target.parent().map(Path::to_owned);
            (folder, ranks.get(&photo).copied(), photo)
        });
        let mut value: Value = serde_json::from_str(&plan.json(put_away.method))?;
        value["num_folders"] = plan.num_folders().into();
        let kept = kept.iter().filter(|(_, reason)| **reason != "the only one");
        let kept = kept.map(|(photo, reason)| json!({ "photo": photo, "reason": reason }));
        value["kept"] = kept.collect();
        Ok(value)
    }

    /// Makes links or copies of the photos, or moves them, one folder a cluster.
    pub(super) fn put_away(&self, put_away: &PutAway) -> anyhow::Result<Value> {
        let Planned { to, plan, .. } = self.plan(put_away)?;
        let or_copy = put_away.method == Placement::HardLink;
        let applied = organize::apply(&plan, put_away.method, or_copy)?;
        let failures: Vec<_> = applied.failures.iter().map(|f| &f.reason).collect();
        let told = format!(
            "{} {} in {} below {}",
            counted(applied.num_placed, "photo"),
            match put_away.method {
                Placement::Move => "moved",
                _ => "placed",
            },
            counted(plan.num_folders(), "folder"),
            to.display()
        );
        Ok(json!({
            "told": told,
            "num_copied_instead": applied.num_copied_instead,
            "failures": failures,
        }))
    }

    /// Takes the last run back that put photos there.
    pub(super) fn take_back(&self, to: &str) -> anyhow::Result<Value> {
        let to = self.folder.join(path_from_text(to));
        let Some(undone) = organize::undo(&to)? else {
            bail!("{}: no run to take back", to.display());
        };
        Ok(json!({ "told": taken_back(&undone, &to) }))
    }
}

/// The folder of each cluster, its name or else its number.
fn folder_names(names: Vec<Option<String>>) -> anyhow::Result<Vec<String>> {
    let mut taken = BTreeSet::new();
    for name in names.iter().flatten() {
        if !taken.insert(name.to_lowercase()) {
            bail!("two clusters are called {name:?}: give one another name");
        }
    }
    let folders = names.into_iter().enumerate().map(|(number, name)| match name {
        Some(name) => Ok(name),
        None if taken.contains(&number.to_string()) => bail!(
            "a cluster is called \"{number}\", which is the number of another without a name: name that one, or \
             give the first another name"
        ),
        None => Ok(number.to_string()),
    });
    folders.collect()
}

/// Refuses a plan that puts photos into a folder with a number in which other photos lie: those of a cluster that had
/// that number before.
fn ensure_one_numbering(plan: &Plan) -> anyhow::Result<()> {
    let there: BTreeSet<&Path> = plan
        .already_there
        .iter()
        .map(|p| p.target.as_path())
        .collect();
    let folders = plan.places.iter().filter_map(|place| place.target.parent());
    let is_number = |folder: &Path| folder.to_string_lossy().parse::<u32>().is_ok();
    for folder in folders
        .filter(|folder| is_number(folder))
        .collect::<BTreeSet<_>>()
    {
        let Ok(entries) = std::fs::read_dir(plan.destination.join(folder)) else {
            continue;
        };
        let names = entries.flatten().map(|entry| entry.file_name());
        // Hidden files are the system's.
        let names = names.filter(|name| name.as_encoded_bytes().first() != Some(&b'.'));
        let mut names = names.map(|name| folder.join(name));
        if names.any(|name| !there.contains(name.as_path())) {
            bail!(
                "folder {} holds other photos, of a cluster that had this number before: take the last back first, or choose another folder",
                folder.display()
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_clusters_have_two_folders() {
        let of = |names: &[&str]| {
            let names = names.iter().map(|name| match *name {
                "" => None,
                name => Some(name.to_owned()),
            });
            folder_names(names.collect()).map_err(|error| error.to_string())
        };
        assert_eq!(of(&["", "castle", ""]).unwrap(), ["0", "castle", "2"]);
        assert_eq!(of(&["7", "1", ""]).unwrap(), ["7", "1", "2"]);
        let said = of(&["Castle", "castle"]).unwrap_err();
        assert!(
            said.contains("two clusters are called \"castle\""),
            "{said}"
        );
        let said = of(&["1", ""]).unwrap_err();
        assert!(
            said.contains("the number of another without a name"),
            "{said}"
        );
    }
}
