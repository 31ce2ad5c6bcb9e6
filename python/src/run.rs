//! Work without the interpreter's lock: progress, warnings, and an end by Ctrl-C.
//!
//! The calling thread waits while a pool works. It looks for signals and reports progress every [`POLL`], so that
//! callbacks and KeyboardInterrupt happen in the thread that Python expects them in.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use delfin::classify::TrainingStep;
use delfin::pipeline::{Observer, Stage, TrainingObserver};
use pyo3::exceptions::PyRuntimeWarning;
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::{Class, error, option_error, raised};

/// Time between two looks for signals.
const POLL: Duration = Duration::from_millis(50);
/// Time that cancelled work has to end. Beyond, the call returns and the work ends by itself: one photo
/// may take seconds to decode.
const GRACE: Duration = Duration::from_millis(300);

/// What work reports, and whether it shall end.
#[derive(Default)]
pub(crate) struct Watch {
    is_cancelled: AtomicBool,
    /// The newest count of each stage that was not reported yet, in the order of stages.
    progress: Mutex<BTreeMap<u8, (&'static str, usize, usize)>>,
    warnings: Mutex<Vec<String>>,
}

impl Watch {
    /// # Errors
    /// [`delfin::Error::Cancelled`].
    pub(crate) fn check(&self) -> delfin::Result<()> {
        match self.is_cancelled.load(Ordering::Relaxed) {
            true => Err(delfin::Error::Cancelled),
            false => Ok(()),
        }
    }

    /// `done` of `total` of a stage; threads may report out of order.
    pub(crate) fn count(&self, order: u8, stage: &'static str, done: usize, total: usize) {
        let mut progress = locked(&self.progress);
        let entry = progress.entry(order).or_insert((stage, 0, total));
        *entry = (stage, entry.1.max(done), total);
    }

    /// A warning, which Python's `warnings` shows when the work is done.
    pub(crate) fn warning(&self, text: impl Into<String>) {
        locked(&self.warnings).push(text.into());
    }
}

impl Observer for Watch {
    fn progress(&self, stage: Stage, done: usize, _: usize, total: usize) {
        let (order, name) = match stage {
            Stage::Extract => (0, "extract"),
            Stage::Propose => (1, "propose"),
            Stage::Verify => (2, "verify"),
            Stage::Confirm => (3, "confirm"),
            Stage::Report => (4, "report"),
            Stage::Align => (5, "align"),
        };
        self.count(order, name, done, total);
    }

    fn warn(&self, message: &str) {
        self.warning(message);
    }

    fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Relaxed)
    }
}

impl TrainingObserver for Watch {
    fn photos(&self, done: usize, total: usize) {
        self.count(0, "extract", done, total);
    }

    fn step(&self, _: &TrainingStep) {}

    fn note(&self, text: &str) {
        self.warning(text);
    }

    fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Relaxed)
    }
}

/// Runs `work` in the pool. `progress` is None, a bool or a callable as the stubs describe it.
///
/// # Errors
/// The library's error, KeyboardInterrupt, or what the callback raised.
pub(crate) fn run<T: Send + 'static>(
    py: Python<'_>,
    progress: Option<&Bound<'_, PyAny>>,
    work: impl FnOnce(&Watch) -> delfin::Result<T> + Send + 'static,
) -> PyResult<T> {
    let callback = match progress {
        Some(progress) => {
            let callback = py.import("delfin._progress")?.getattr("callback")?;
            Some(callback.call1((progress,))?).filter(|callback| !callback.is_none())
        }
        None => None,
    };
    let watch = Arc::new(Watch::default());
    let (sender, mut receiver) = channel();
    let watched = watch.clone();
    pool(py)?.spawn(move || {
        // A panic is a fault of delfin. It must not end the process, as it would in the pool.
        let result = catch_unwind(AssertUnwindSafe(|| work(&watched)));
        let _ = sender.send(result);
    });
    loop {
        let waited;
        (receiver, waited) = wait(py, receiver, POLL);
        let reported = report(&watch, callback.as_ref()).and_then(|()| py.check_signals());
        match (waited, reported) {
            (Err(RecvTimeoutError::Timeout), Ok(())) => {}
            (Err(RecvTimeoutError::Timeout), Err(error)) => {
                watch.is_cancelled.store(true, Ordering::Relaxed);
                let _ended_or_left = wait(py, receiver, GRACE);
                return Err(error);
            }
            (_, Err(error)) => return Err(error),
            (Ok(Ok(result)), Ok(())) => {
                let result = result.map_err(|cause| raised(py, &cause))?;
                warn(py, &watch)?;
                return Ok(result);
            }
            (Ok(Err(_)) | Err(RecvTimeoutError::Disconnected), Ok(())) => {
                let message = "internal error: delfin panicked; please report it with the input";
                return Err(error(py, Class::Base, message, None));
            }
        }
    }
}

type Waited<T> = (Receiver<T>, Result<T, RecvTimeoutError>);

fn wait<T: Send>(py: Python<'_>, receiver: Receiver<T>, timeout: Duration) -> Waited<T> {
    py.detach(move || {
        let waited = receiver.recv_timeout(timeout);
        (receiver, waited)
    })
}

fn report(watch: &Watch, callback: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
    let Some(callback) = callback else {
        return Ok(());
    };
    let progress = std::mem::take(&mut *locked(&watch.progress));
    for count in progress.into_values() {
        callback.call1(count)?;
    }
    Ok(())
}

fn warn(py: Python<'_>, watch: &Watch) -> PyResult<()> {
    for text in std::mem::take(&mut *locked(&watch.warnings)) {
        let text = std::ffi::CString::new(text.replace('\0', ""))?;
        PyErr::warn(py, &py.get_type::<PyRuntimeWarning>(), &text, 1)?;
    }
    Ok(())
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Threads, and the process that made them.
struct Pool {
    process: u32,
    threads: Arc<ThreadPool>,
}

static POOL: Mutex<Option<Pool>> = Mutex::new(None);

/// The threads that work. A process forked from this one has none of them, so that it makes its own.
fn pool(py: Python<'_>) -> PyResult<Arc<ThreadPool>> {
    let process = std::process::id();
    let mut pool = locked(&POOL);
    if let Some(pool) = pool.as_ref().filter(|pool| pool.process == process) {
        return Ok(pool.threads.clone());
    }
    let threads = new_pool(py, 0)?;
    // Not dropped: its threads are in another process.
    std::mem::forget(pool.replace(Pool {
        process,
        threads: threads.clone(),
    }));
    Ok(threads)
}

fn new_pool(py: Python<'_>, count: usize) -> PyResult<Arc<ThreadPool>> {
    let built = ThreadPoolBuilder::new()
        .num_threads(count)
        .thread_name(|number| format!("delfin-{number}"))
        .build();
    let fail = |cause: rayon::ThreadPoolBuildError| {
        let message = format!("threads cannot be started: {cause}");
        error(py, Class::Base, message, None)
    };
    Ok(Arc::new(built.map_err(fail)?))
}

/// Sets the number of threads of this process that delfin computes on.
///
/// Results do not depend on it. The default is one for each core, or the environment's RAYON_NUM_THREADS.
///
/// Parameters
/// ----------
/// count : int
///     From 1 to 1024.
#[pyfunction]
#[pyo3(signature = (count, /))]
pub(crate) fn set_num_threads(py: Python<'_>, count: i64) -> PyResult<()> {
    let range = 1..=1024;
    let count = usize::try_from(count)
        .ok()
        .filter(|count| range.contains(count))
        .ok_or_else(|| option_error(py, "count", &format!("{count} is not from 1 to 1024")))?;
    let threads = new_pool(py, count)?;
    *locked(&POOL) = Some(Pool {
        process: std::process::id(),
        threads,
    });
    Ok(())
}
