//! One file a command.

pub(crate) mod classify;
pub(crate) mod cluster;
pub(crate) mod delf;
pub(crate) mod evaluate;
pub(crate) mod export_classifier;
pub(crate) mod extract;
pub(crate) mod generate;
pub(crate) mod match_photos;
mod match_report;
pub(crate) mod model;
#[cfg(feature = "serve")]
pub(crate) mod open;
pub(crate) mod organize;
mod outputs;
pub(crate) mod review;
pub(crate) mod search;
pub(crate) mod store;
pub(crate) mod train;
pub(crate) mod why;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{anyhow, bail};
use delfin::counted;
use delfin::extract::{ExtractionOptions, Model};
use delfin::folder::{PassedOver, find_photos};
use delfin::pipeline::{ClusterOptions, Failure};

use super::args::{ExtractionArgs, JudgementArgs};
use super::output;

/// Failures that are listed one by one.
const MAX_FAILURES: usize = 10;

/// Reports the files of a folder that are not among its photos.
fn tell_passed_over(passed_over: &PassedOver) {
    for line in passed_over.lines() {
        output::note(format_args!("delfin: {line}"));
    }
}

/// The message for a folder without photos.
fn no_photos(folder: &Path, passed_over: &PassedOver) -> String {
    let mut parts = vec![format!("{}: no photos", folder.display())];
    parts.extend(passed_over.lines());
    parts.join("; ")
}

/// The photos at the paths of a command line.
struct Found {
    /// At least one; sorted, each once.
    photos: Vec<PathBuf>,
    /// The paths that are not there, and the folders that cannot be listed, and why.
    failures: Vec<(PathBuf, anyhow::Error)>,
}

/// Finds the photos, and tells the files passed over. `advice` may add to the message of a path that fails.
///
/// # Errors
/// When there is no photo; all failures but the last are printed, and the last is returned.
fn find(paths: &[PathBuf], advice: impl Fn(&Path) -> Option<String>) -> anyhow::Result<Found> {
    let mut photos = BTreeSet::new();
    let mut passed_over = PassedOver::default();
    let mut failures = Vec::new();
    for path in paths {
        match find_photos(std::slice::from_ref(path)) {
            Ok(listing) => {
                photos.extend(listing.photos);
                passed_over.merge(listing.passed_over);
                for shut in listing.failures {
                    if failures.iter().all(|(path, _)| *path != shut.path) {
                        failures.push((shut.path, shut.error.into()));
                    }
                }
            }
            Err(error) => {
                let error = failure(path, error);
                let error = match advice(path) {
                    Some(advice) => anyhow!("{}; {advice}", output::one_line(&error)),
                    None => error,
                };
                failures.push((path.clone(), error));
            }
        }
    }
    if photos.is_empty() {
        let Some((_, last)) = failures.pop() else {
            bail!(no_photos(&paths[0], &passed_over));
        };
        for (_, error) in &failures {
            output::error(error);
        }
        return Err(last);
    }
    tell_passed_over(&passed_over);
    Ok(Found {
        photos: photos.into_iter().collect(),
        failures,
    })
}

/// The error of a path, in other words where the path is a link whose target is not there.
fn failure(path: &Path, error: delfin::Error) -> anyhow::Error {
    match path.is_symlink() && matches!(path.try_exists(), Ok(false)) {
        true => anyhow!("{}: a link that leads nowhere", path.display()),
        false => error.into(),
    }
}

/// Lists the first failures, the number of the others, and where to find all.
fn tell_failures(failures: &[Failure], all: &str) {
    for failure in failures.iter().take(MAX_FAILURES) {
        output::note(format_args!("delfin: {}: {}", failure.path, failure.reason));
    }
    if failures.len() > MAX_FAILURES {
        output::note(format_args!(
            "delfin: {} more of {}; {all}",
            failures.len() - MAX_FAILURES,
            counted(failures.len(), "failure")
        ));
    }
}

/// The network in this file, or the built-in one.
fn open_model(path: Option<&Path>) -> delfin::Result<Model> {
    let model = match path {
        Some(path) => Model::open(path)?,
        None => Model::embedded()?,
    };
    by_chosen_engine(model)
}

/// The library of ONNX Runtime that runs networks, if one was chosen.
static ONNX_RUNTIME: OnceLock<PathBuf> = OnceLock::new();

/// Chooses the library of the flag, or else of the variable.
pub(crate) fn choose_engine(library: Option<PathBuf>) -> anyhow::Result<()> {
    let variable = || std::env::var_os("DELFIN_ONNXRUNTIME").filter(|path| !path.is_empty());
    let Some(library) = library.or_else(|| variable().map(PathBuf::from)) else {
        return Ok(());
    };
    if cfg!(not(feature = "onnxruntime")) {
        bail!("this delfin cannot use ONNX Runtime: build it with --features onnxruntime");
    }
    // Called once.
    let _ = ONNX_RUNTIME.set(library);
    Ok(())
}

/// The network, run by the chosen engine.
fn by_chosen_engine(model: Model) -> delfin::Result<Model> {
    #[cfg(feature = "onnxruntime")]
    if let Some(library) = ONNX_RUNTIME.get() {
        return model.with_onnx_runtime(library);
    }
    Ok(model)
}

/// Options of sorting or searching a folder: the network's own, overridden by flags.
fn folder_options(
    model: &Model,
    extraction: &ExtractionArgs,
    judgement: &JudgementArgs,
    is_mirrored: bool,
) -> anyhow::Result<ClusterOptions> {
    let mut options = model.cluster_options();
    options.matching.extraction = extraction.options(model);
    options.matching.verification.limits.allow_mirrored = is_mirrored;
    judgement.apply(&mut options)?;
    Ok(options)
}

impl ExtractionArgs {
    /// The network of `--model`, or the built-in one.
    fn open_model(&self) -> delfin::Result<Model> {
        open_model(self.model.as_deref())
    }

    /// The network's own settings, overridden by flags.
    fn options(&self, model: &Model) -> ExtractionOptions {
        let defaults = ExtractionOptions::from(model.defaults());
        ExtractionOptions {
            max_size: self.max_size.unwrap_or(defaults.max_size),
            scales: self.scales.clone().unwrap_or(defaults.scales),
            max_features: self.max_features.unwrap_or(defaults.max_features),
            min_attention: defaults.min_attention,
        }
    }
}
