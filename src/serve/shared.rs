//! What the worker tells the server while it works.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use delfin::pipeline::{Observer, Stage};
use serde::Serialize;
use tokio::sync::watch;

use crate::cli::stage_title;

/// How far a run is, as the page is told.
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
    /// It ended without clusters; `reason` is for the reader.
    Stopped { reason: String },
}

/// The state of the run, and the photos that may be sent.
pub(super) struct Shared {
    phase: watch::Sender<Phase>,
    is_cancelled: AtomicBool,
    started: Mutex<Option<(Stage, Instant)>>,
    /// The number of the run, from 1, and its photos.
    photos: Mutex<(u64, Arc<Vec<PathBuf>>)>,
    warnings: Mutex<Vec<String>>,
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
            is_cancelled: AtomicBool::new(false),
            started: Mutex::default(),
            photos: Mutex::default(),
            warnings: Mutex::default(),
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

    pub(super) fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
    }

    /// Begins a run.
    pub(super) fn begin(&self) {
        self.is_cancelled.store(false, Ordering::Relaxed);
        *locked(&self.started) = None;
        locked(&self.warnings).clear();
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

    fn warn(&self, message: &str) {
        locked(&self.warnings).push(message.to_owned());
    }

    fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Relaxed)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
