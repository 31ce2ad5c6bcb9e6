//! Progress of a long run: a bar on a terminal, plain lines elsewhere, nothing with `--quiet`.

use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use delfin::pipeline::{Observer, Stage};
use indicatif::{ProgressBar, ProgressStyle};

use super::output;

/// Shows the progress of a run on standard error.
pub(crate) struct Progress {
    is_quiet: bool,
    is_terminal: bool,
    shown: Mutex<Shown>,
}

/// The state shown last.
#[derive(Default)]
struct Shown {
    stage: Option<Stage>,
    /// Time of the stage's first report.
    start: Option<Instant>,
    bar: Option<ProgressBar>,
    tenths: usize,
}

impl Progress {
    pub(crate) fn new(is_quiet: bool) -> Self {
        Self {
            is_quiet,
            is_terminal: std::io::stderr().is_terminal(),
            shown: Mutex::default(),
        }
    }

    fn show_bar(&self, shown: &mut Shown, stage: Stage, done: usize, known: usize, total: usize) {
        if shown.stage != Some(stage) {
            if let Some(bar) = shown.bar.take() {
                bar.finish();
            }
            let style = ProgressStyle::with_template(
                "{prefix:>22} {wide_bar} {human_pos}/{human_len} {msg} {eta} left",
            );
            let bar = ProgressBar::new(total as u64).with_prefix(title(stage));
            shown.bar = Some(match style {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            });
            shown.stage = Some(stage);
        }
        if let Some(bar) = &shown.bar {
            if known > 0 && done.is_multiple_of(64) {
                bar.set_message(format!("({known} known)"));
            }
            bar.set_position(done as u64);
            if done >= total {
                bar.finish();
            }
        }
    }

    fn show_line(&self, shown: &mut Shown, stage: Stage, done: usize, known: usize, total: usize) {
        let tenths = done * 10 / total.max(1);
        if shown.stage != Some(stage) {
            (shown.stage, shown.tenths) = (Some(stage), 0);
            shown.start = Some(Instant::now());
        }
        if tenths > shown.tenths {
            shown.tenths = tenths;
            let mut line = format!("{}: {done} of {total}", title(stage));
            if matches!(stage, Stage::Extract | Stage::Verify | Stage::Confirm) {
                line += &format!(", {known} of them known");
            }
            let elapsed = shown
                .start
                .map_or(0.0, |start| start.elapsed().as_secs_f64());
            let left = elapsed * (total - done.min(total)) as f64 / done as f64;
            if left >= 1.0 {
                line += &format!(", about {left:.0} s left");
            }
            output::note(line);
        }
    }
}

impl Observer for Progress {
    fn progress(&self, stage: Stage, done: usize, known: usize, total: usize) {
        if self.is_quiet {
            return;
        }
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        // Threads report out of order: the last of a stage may come after the next has begun.
        if shown.stage.is_some_and(|last| stage < last) {
            return;
        }
        if self.is_terminal {
            self.show_bar(&mut shown, stage, done, known, total);
        } else {
            self.show_line(&mut shown, stage, done, known, total);
        }
    }

    fn warn(&self, message: &str) {
        output::note(format_args!("delfin: warning: {message}"));
    }
}

/// The things counted in a stage.
pub(crate) fn title(stage: Stage) -> &'static str {
    match stage {
        Stage::Extract => "photos read",
        Stage::Propose => "partners proposed",
        Stage::Verify => "pairs verified",
        Stage::Confirm => "pairs compared by pixels",
        Stage::Report => "photos and pairs drawn",
        Stage::Align => "pairs aligned for COLMAP",
    }
}
