//! State that the worker and the server share.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use delfin::cluster::Components;
use delfin::pipeline::{Observer, Stage};
use delfin::store::ContentHash;
use serde::Serialize;
use tokio::sync::watch;

use crate::cli::stage_title;

/// Clusters, and photos of each, that are shown while a run goes on.
const MAX_GROWING: usize = 24;
const MAX_GROWING_PHOTOS: usize = 6;

/// Phase of a run, as the page gets it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub(super) enum Phase {
    /// Sorting: `done` of `total` of a stage, and the seconds that it will still take.
    Working {
        stage: &'static str,
        done: usize,
        total: usize,
        seconds_left: Option<u64>,
    },
    /// The clusters can be shown.
    Ready,
    /// They can be shown, but a classifier is learned first: `done` of `total` photos are read.
    Learning { done: usize, total: usize },
    /// It ended without clusters; `reason` is for the reader.
    Stopped { reason: String },
}

/// The state of the run, and the photos that may be sent.
pub(super) struct Shared {
    phase: watch::Sender<Phase>,
    /// Number of cancellable jobs requested: the number of the next one.
    num_asked: AtomicUsize,
    /// Number of the job begun last.
    current: AtomicUsize,
    /// Jobs with a lower number are cancelled.
    num_cancelled: AtomicUsize,
    started: Mutex<Option<(Stage, Instant)>>,
    /// The number of the run, from 1, and its photos.
    photos: Mutex<(u64, Arc<Vec<PathBuf>>)>,
    warnings: Mutex<Vec<String>>,
    growing: Mutex<Growing>,
}

/// The clusters so far, while a run goes on.
#[derive(Default)]
struct Growing {
    hashes: Vec<ContentHash>,
    joined: Option<Components>,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self {
            phase: watch::Sender::new(Phase::Working {
                stage: stage_title(Stage::Extract),
                done: 0,
                total: 0,
                seconds_left: None,
            }),
            num_asked: AtomicUsize::new(0),
            current: AtomicUsize::new(0),
            num_cancelled: AtomicUsize::new(0),
            started: Mutex::default(),
            photos: Mutex::default(),
            warnings: Mutex::default(),
            growing: Mutex::default(),
        }
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase.borrow().clone()
    }

    pub(super) fn watch(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    pub(super) fn set(&self, phase: Phase) {
        self.phase.send_replace(phase);
    }

    /// The number of a job that is asked for and can be cancelled from now on.
    pub(super) fn next_job(&self) -> usize {
        self.num_asked.fetch_add(1, Ordering::SeqCst)
    }

    /// The worker begins this job.
    pub(super) fn begin_job(&self, number: usize) {
        self.current.store(number, Ordering::SeqCst);
    }

    /// Cancels all that was asked for, begun or not.
    pub(super) fn cancel(&self) {
        let asked = self.num_asked.load(Ordering::SeqCst);
        self.num_cancelled.fetch_max(asked, Ordering::SeqCst);
    }

    /// Resets the progress and shows the page that a run begins.
    pub(super) fn begin(&self) {
        *locked(&self.started) = None;
        locked(&self.warnings).clear();
        *locked(&self.growing) = Growing::default();
        self.progress(Stage::Extract, 0, 0, 0);
    }

    /// The files of the photos that the page shows, by number.
    pub(super) fn photo(&self, number: usize) -> Option<PathBuf> {
        let photos = locked(&self.photos).1.clone();
        photos.get(number).cloned()
    }

    /// The number of the last run that found clusters; 0 before the first.
    pub(super) fn run(&self) -> u64 {
        locked(&self.photos).0
    }

    pub(super) fn set_photos(&self, run: u64, photos: Vec<PathBuf>) {
        *locked(&self.photos) = (run, Arc::new(photos));
    }

    pub(super) fn labelled(&self, done: usize, total: usize) {
        self.set(Phase::Learning { done, total });
    }

    /// The content of a photo of the run that goes on, by its place in the folder.
    pub(super) fn growing_photo(&self, number: usize) -> Option<ContentHash> {
        locked(&self.growing).hashes.get(number).copied()
    }

    /// The largest clusters so far: of each the number of its photos and the first of them.
    pub(super) fn growing(&self) -> Vec<(usize, Vec<usize>)> {
        let Some(joined) = locked(&self.growing).joined.clone() else {
            return Vec::new();
        };
        let first = joined.into_first_photos();
        let mut counts = vec![0_usize; first.len()];
        first.iter().for_each(|photo| counts[*photo as usize] += 1);
        let mut largest: Vec<u32> = (0..first.len() as u32)
            .filter(|p| counts[*p as usize] > 1)
            .collect();
        largest.sort_by_key(|photo| (std::cmp::Reverse(counts[*photo as usize]), *photo));
        largest.truncate(MAX_GROWING);
        let mut members: BTreeMap<u32, Vec<usize>> =
            largest.iter().map(|p| (*p, Vec::new())).collect();
        for (photo, first) in first.iter().enumerate() {
            if let Some(members) = members.get_mut(first)
                && members.len() < MAX_GROWING_PHOTOS
            {
                members.push(photo);
            }
        }
        let row = |photo: &u32| Some((counts[*photo as usize], members.remove(photo)?));
        largest.iter().filter_map(row).collect()
    }

    pub(super) fn warnings(&self) -> Vec<String> {
        locked(&self.warnings).clone()
    }
}

impl Observer for Shared {
    fn progress(&self, stage: Stage, done: usize, _: usize, total: usize) {
        let elapsed = {
            let mut started = locked(&self.started);
            // Threads report out of order: the last of a stage may come after the next has begun.
            match *started {
                Some((last, _)) if stage < last => return,
                Some((last, start)) if stage == last => start.elapsed().as_secs_f64(),
                _ => {
                    *started = Some((stage, Instant::now()));
                    0.0
                }
            }
        };
        let left = elapsed * total.saturating_sub(done) as f64 / done.max(1) as f64;
        self.set(Phase::Working {
            stage: stage_title(stage),
            done,
            total,
            seconds_left: (elapsed > 1.0 && done > 0).then_some(left.round() as u64),
        });
    }

    fn photos(&self, photos: &mut dyn Iterator<Item = (&str, ContentHash)>) {
        let hashes: Vec<ContentHash> = photos.map(|(_, hash)| hash).collect();
        let joined = u32::try_from(hashes.len()).ok().map(Components::new);
        *locked(&self.growing) = Growing { hashes, joined };
    }

    fn linked(&self, image1: usize, image2: usize) {
        if let Some(joined) = &mut locked(&self.growing).joined {
            // Both are photos of the run.
            let _ = joined.join(image1 as u32, image2 as u32);
        }
    }

    fn warn(&self, message: &str) {
        locked(&self.warnings).push(message.to_owned());
    }

    fn is_cancelled(&self) -> bool {
        self.current.load(Ordering::SeqCst) < self.num_cancelled.load(Ordering::SeqCst)
    }
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_grow_link_by_link_and_begin_anew_with_a_run() {
        let shared = Shared::new();
        assert!(shared.growing().is_empty());
        let hashes: Vec<ContentHash> = (0..60).map(|number| [number; 32]).collect();
        shared.photos(&mut hashes.iter().map(|hash| ("name", *hash)));
        assert!(shared.growing().is_empty());
        for (photo1, photo2) in [(3, 4), (10, 11), (11, 12), (4, 3), (59, 3)] {
            shared.linked(photo1, photo2);
        }
        let expected = [(3, vec![3, 4, 59]), (3, vec![10, 11, 12])];
        assert_eq!(shared.growing(), expected);
        assert_eq!(shared.growing_photo(59), Some([59; 32]));
        assert_eq!(shared.growing_photo(60), None);
        shared.linked(0, 60);
        // More than fit on the page.
        (13..59).for_each(|photo| shared.linked(photo, photo - 1));
        let (count, shown) = &shared.growing()[0];
        assert_eq!((*count, shown.len()), (49, MAX_GROWING_PHOTOS));
        shared.begin();
        assert!(shared.growing().is_empty() && shared.growing_photo(0).is_none());
    }
}
