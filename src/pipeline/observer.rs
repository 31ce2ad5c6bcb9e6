//! Progress and cancellation callbacks.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::{Error, Result};
use crate::store::ContentHash;

/// A part of a long run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Reading photos and extracting features that are not in the store.
    Extract,
    /// Proposing candidate pairs.
    Propose,
    /// Matching and verifying pairs that are not in the store.
    Verify,
    /// Comparing the pixels of promising pairs that are not in the store.
    Confirm,
    /// Collecting inliers and thumbnails for the report.
    Report,
    /// Aligning matches to the pixel for a reconstruction.
    Align,
}

/// Callbacks of a long run, called from any thread. They change no result.
pub trait Observer: Sync {
    /// `done` of `total` photos or pairs of a stage are done, `known` of them taken from the store.
    fn progress(&self, stage: Stage, done: usize, known: usize, total: usize);

    /// The photos of a folder that could be read, in their order: each one's path below the folder and content.
    fn photos(&self, photos: &mut dyn Iterator<Item = (&str, ContentHash)>) {
        let _ = photos;
    }

    /// Two of these photos, by their place in that order, are linked by the results so far, which may change.
    fn linked(&self, image1: usize, image2: usize) {
        let _ = (image1, image2);
    }

    /// A failure that does not end the run.
    fn warn(&self, message: &str);

    /// Polled between photos and between pairs; true ends the run with [`Error::Cancelled`].
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// Ignores every callback and never cancels.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Silent;

impl Observer for Silent {
    fn progress(&self, _: Stage, _: usize, _: usize, _: usize) {}
    fn warn(&self, _: &str) {}
}

/// Reports the progress of one stage.
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

    /// One more is done, computed or taken from the store.
    pub(super) fn count(&self, was_known: bool) {
        let known = self
            .known
            .fetch_add(usize::from(was_known), Ordering::Relaxed);
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        let known = known + usize::from(was_known);
        self.observer.progress(self.stage, done, known, self.total);
    }

    /// # Errors
    /// [`Error::Cancelled`] when the observer cancels.
    pub(super) fn check(&self) -> Result<()> {
        match self.observer.is_cancelled() {
            true => Err(Error::Cancelled),
            false => Ok(()),
        }
    }
}
