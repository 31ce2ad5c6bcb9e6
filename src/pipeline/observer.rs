//! Who watches a long run.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::{Error, Result};

/// A part of a long run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Photos are read, and their features extracted where they are not in the store.
    Extract,
    /// Partners are proposed for each photo.
    Propose,
    /// Pairs are matched and verified by geometry where they are not in the store.
    Verify,
    /// The pixels of the pairs worth asking are compared where they are not in the store.
    Confirm,
    /// Inliers and small pictures are gathered for the report.
    Report,
    /// Matches are aligned to the pixel for a reconstruction.
    Align,
}

/// Is told how a run goes, from any thread, and can end it. It changes no result.
pub trait Observer: Sync {
    /// So many photos or pairs of a stage are done; of `total`, `known` were in the store.
    fn progress(&self, stage: Stage, done: usize, known: usize, total: usize);

    /// Something went wrong that the run goes on without.
    fn warn(&self, message: &str);

    /// Asked between photos and between pairs.
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn progress(&self, _: Stage, _: usize, _: usize, _: usize) {}
    fn warn(&self, _: &str) {}
}

/// Counts what is done of one stage.
pub(super) struct Counter<'a> {
    observer: &'a dyn Observer,
    stage: Stage,
    total: usize,
    done: AtomicUsize,
    known: AtomicUsize,
}

impl<'a> Counter<'a> {
    pub(super) fn new(observer: &'a dyn Observer, stage: Stage, total: usize) -> Self {
        observer.progress(stage, 0, 0, total);
        Self {
            observer,
            stage,
            total,
            done: AtomicUsize::new(0),
            known: AtomicUsize::new(0),
        }
    }

    /// One more is done, by computing or by the store.
    pub(super) fn count(&self, was_known: bool) {
        let known = self
            .known
            .fetch_add(usize::from(was_known), Ordering::Relaxed);
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        let known = known + usize::from(was_known);
        self.observer.progress(self.stage, done, known, self.total);
    }

    /// # Errors
    /// [`Error::Cancelled`] when the observer wants an end.
    pub(super) fn check(&self) -> Result<()> {
        match self.observer.is_cancelled() {
            true => Err(Error::Cancelled),
            false => Ok(()),
        }
    }
}
