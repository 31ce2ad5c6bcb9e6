//! `delfin train`: a classifier from folders of photos.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use anyhow::{Context, bail};
use delfin::classify::{Split, TrainingStep, write_classifier};
use delfin::files::{is_replaceable, write_file};
use delfin::folder::printable;
use delfin::matching::SearchKind;
use delfin::pipeline::{
    ClassifierOptions, ClusterOptions, FolderSession, PhotoGroups, TrainedClassifier,
    TrainingFolders, TrainingLog, TrainingObserver, Watchless, open_dataset, train_classifier,
};
use delfin::store::Store;
use delfin::{Model, counted};
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::args::{FormerArgs, L2, TrainArgs, Truth};
use crate::cli::commands::open_model;
use crate::cli::commands::outputs::{
    ensure_distinct, ensure_document, ensure_replaceable, make_folder,
};
use crate::cli::commands::store::open_in;
use crate::cli::progress::Progress;
use crate::cli::{Answer, output};

pub(crate) fn run(args: &TrainArgs) -> anyhow::Result<Answer> {
    let folder = args.folder.as_ref().or(args.image_dir.as_ref());
    let folders = TrainingFolders {
        training: folder.context("name the folder of photos")?.clone(),
        validation: args.validation_dir.clone(),
        testing: args.test_dir.clone(),
    };
    tell_output_graph(args);
    tell_former(&args.former);
    let model = open_model(args.model.as_deref())?;
    let mut options = options(args, &model);
    options.validate()?;
    if let Some(percent) = args.assert_accuracy_at_least
        && !(0.0..=100.0).contains(&percent)
    {
        bail!("--assert-accuracy-at-least: {percent} is not from 0 to 100");
    }
    ensure_document(args.output(), args.force, [])?;
    let output_flag = match (&args.output, &args.output_graph) {
        (None, Some(_)) => "--output_graph",
        _ => "-o",
    };
    ensure_distinct(&[
        (output_flag, Some(args.output())),
        ("--output-labels", args.output_labels.as_deref()),
        ("--summaries-dir", args.summaries_dir.as_deref()),
    ])?;
    if let Some(path) = &args.output_labels {
        ensure_document(path, true, [])?;
        ensure_labels(path, args.force, &folders, &options)?;
    }
    if args.group_by_verified && folders.validation.is_some() && folders.testing.is_some() {
        bail!(
            "--group-by-verified: with --validation-dir and --test-dir no photo is left to split"
        );
    }
    if let Some(folder) = &args.summaries_dir {
        make_folder(folder)?;
    }
    let store = open_in(args.cache_dir.as_deref(), &folders.training)?;
    if args.group_by_verified {
        open_dataset(&folders.training, &options.decode)?;
        options.groups = Some(groups(&model, &folders, &options, &store)?);
    }
    let watch = Watch::new(args.summaries_dir.as_deref());
    let trained = train_classifier(&model, &folders, &options, &store, &watch)?;
    watch.bar.finish_and_clear();
    let by_name = match options.groups.take() {
        Some(_) => Some(train_classifier(
            &model, &folders, &options, &store, &Watchless,
        )?),
        None => None,
    };
    if args.assert_accuracy_at_least.is_some() && trained.classifier.test_accuracy.is_none() {
        bail!("--assert-accuracy-at-least: no photo is left for testing");
    }
    if let Some(path) = &args.output_labels {
        write_file(path, label_lines(&trained.classifier.labels).as_bytes())?;
    }
    write_classifier(&trained.classifier, args.output())?;
    if let Some(log) = watch.into_log() {
        log.finish(&trained, &store)?;
    }
    if args.print_misclassified {
        tell_misclassified(&trained);
    }
    tell(&trained);
    if let Some(by_name) = &by_name
        && let Some(accuracy) = by_name.classifier.test_accuracy
    {
        output::line(format_args!(
            "Split by name alone, photos of one thing in both splits: test accuracy = {:.1}% (N={})",
            accuracy * 100.0,
            by_name.test_results.len()
        ));
    }
    output::line(format_args!("classifier {}", args.output().display()));
    let Some(percent) = args.assert_accuracy_at_least else {
        return Ok(Answer::Yes);
    };
    let accuracy = trained.classifier.test_accuracy.unwrap_or_default();
    if accuracy * 100.0 < percent {
        output::note(format_args!(
            "test accuracy {:.1}% is below {percent}%",
            accuracy * 100.0
        ));
        return Ok(Answer::No);
    }
    Ok(Answer::Yes)
}

/// Checks the file of labels, which has no room for a mark: an existing one is overwritten if it is the same.
fn ensure_labels(
    path: &Path,
    force: bool,
    folders: &TrainingFolders,
    options: &ClassifierOptions,
) -> anyhow::Result<()> {
    if force || is_replaceable(path) {
        return Ok(());
    }
    let labels = open_dataset(&folders.training, &options.decode)?.labels;
    if std::fs::read(path).is_ok_and(|bytes| bytes == label_lines(&labels).as_bytes()) {
        return Ok(());
    }
    ensure_replaceable(path, false)
}

/// A label a line.
fn label_lines(labels: &[String]) -> String {
    let lines = labels.iter().map(|label| format!("{}\n", printable(label)));
    lines.collect()
}

/// Groups of geometrically matching photos.
fn groups(
    model: &Model,
    folders: &TrainingFolders,
    options: &ClassifierOptions,
    store: &Store,
) -> anyhow::Result<PhotoGroups> {
    let clustering = model.cluster_options();
    let clustering = ClusterOptions {
        matching: options.geometry.clone().unwrap_or(clustering.matching),
        ..clustering
    };
    let progress = Progress::new(false);
    let session = FolderSession::new(model, &folders.training, store, &clustering)?;
    let found = session.with_observer(&progress).cluster()?;
    let groups = PhotoGroups::new(&found, &clustering);
    let sizes = groups.sizes();
    output::line(format_args!(
        "groups    {} of {} tied to others, in {}, {} in the largest",
        groups.num_photos(),
        counted(found.photos.len(), "photo"),
        counted(sizes.len(), "group"),
        counted(sizes.first().copied().unwrap_or(0), "photo")
    ));
    Ok(groups)
}

/// The defaults, overridden by flags.
fn options(args: &TrainArgs, model: &Model) -> ClassifierOptions {
    let mut options = model.classifier_options();
    fn set<T: Clone>(target: &mut T, value: &Option<T>) {
        if let Some(value) = value {
            *target = value.clone();
        }
    }
    set(
        &mut options.split.testing_percentage,
        &args.testing_percentage,
    );
    set(
        &mut options.split.validation_percentage,
        &args.validation_percentage,
    );
    let layer = &mut options.layer;
    set(&mut layer.num_steps, &args.steps);
    set(&mut layer.learning_rate, &args.learning_rate);
    set(&mut layer.momentum, &args.momentum);
    set(&mut layer.batch_size, &args.batch_size);
    set(&mut layer.eval_step_interval, &args.eval_step_interval);
    set(&mut layer.label_smoothing, &args.label_smoothing);
    set(&mut layer.seed, &args.seed);
    match args.l2 {
        Some(L2::Auto) => layer.l2 = None,
        Some(L2::Weight(weight)) => layer.l2 = Some(weight),
        None => {}
    }
    // As in retrain.py, -1 stands for all.
    layer.validation_batch_size = args
        .validation_batch_size
        .filter(|size| *size >= 0)
        .map(|size| usize::try_from(size).unwrap_or(usize::MAX));
    layer.class_balanced = !args.unbalanced;
    let distortions = &mut options.distortions;
    distortions.flip_left_right =
        args.flip_left_right || args.former_flip_left_right == Some(Truth::True);
    set(&mut distortions.random_crop, &args.random_crop);
    set(&mut distortions.random_scale, &args.random_scale);
    set(&mut distortions.random_brightness, &args.random_brightness);
    set(&mut distortions.num_copies, &args.distorted_copies);
    set(&mut options.global_size, &args.global_size);
    set(&mut options.max_references_per_class, &args.max_references);
    if let Some(geometry) = &mut options.geometry {
        geometry.matching.search = SearchKind::from(&args.descriptors);
    }
    if args.no_geometry {
        options.geometry = None;
    }
    options
}

fn tell_output_graph(args: &TrainArgs) {
    match (&args.output_graph, &args.output) {
        (None, _) => {}
        (Some(graph), None) => output::note(format_args!(
            "--output_graph stands for -o here: {} is delfin's classifier, no TensorFlow graph; `delfin classify --graph {}` finds it",
            graph.display(),
            graph.display()
        )),
        (Some(_), Some(_)) => {
            output::note("--output_graph has no meaning beside -o, which is the same")
        }
    }
}

fn tell_former(former: &FormerArgs) {
    for (flag, value, instead) in [
        (
            "intermediate_output_graphs_dir",
            &former.intermediate_output_graphs_dir,
            "training takes about a second, no graph is written in between",
        ),
        (
            "intermediate_store_frequency",
            &former.intermediate_store_frequency,
            "training takes about a second, no graph is written in between",
        ),
        (
            "final_tensor_name",
            &former.final_tensor_name,
            "the output has no name to choose",
        ),
        (
            "tfhub_module",
            &former.tfhub_module,
            "the network is built in; another one is named by --model FILE.onnx",
        ),
        (
            "architecture",
            &former.architecture,
            "the network is built in; another one is named by --model FILE.onnx",
        ),
        (
            "model_dir",
            &former.model_dir,
            "the network is built in, nothing is downloaded",
        ),
        (
            "saved_model_dir",
            &former.saved_model_dir,
            "the classifier goes to -o FILE",
        ),
        (
            "checkpoint_path",
            &former.checkpoint_path,
            "the classifier goes to -o FILE",
        ),
        (
            "logging_verbosity",
            &former.logging_verbosity,
            "there is one verbosity",
        ),
        (
            "test_batch_size",
            &former.test_batch_size,
            "every photo of the test split is tested",
        ),
    ] {
        if value.is_some() {
            output::note(format_args!("--{flag} has no meaning here: {instead}"));
        }
    }
}

fn tell_misclassified(trained: &TrainedClassifier) {
    output::line("=== MISCLASSIFIED TEST IMAGES ===");
    let labels = &trained.classifier.labels;
    for result in &trained.test_results {
        let said = result.classification.class;
        if said != result.photo.class {
            output::line(format_args!(
                "{}  {}",
                result.photo.path.display(),
                labels[said]
            ));
        }
    }
}

fn tell(trained: &TrainedClassifier) {
    let count = |split| trained.photos.iter().filter(|p| p.split == split).count();
    output::line(format_args!(
        "photos    {} for training, {} for validation, {} for testing, {} classes; the layer learned in {:.0} ms",
        count(Split::Training),
        count(Split::Validation),
        count(Split::Testing),
        trained.classifier.labels.len(),
        trained.layer_time.as_secs_f64() * 1e3
    ));
    let results = &trained.test_results;
    let (Some(accuracy), Some(layer)) = (trained.classifier.test_accuracy, trained.layer_test)
    else {
        return;
    };
    if trained.classifier.has_geometry() {
        let by_geometry = results
            .iter()
            .filter(|r| r.classification.geometry_class == Some(r.photo.class))
            .count();
        output::line(format_args!(
            "scores    softmax alone {:.1}%, geometry alone {:.1}%, both {:.1}%",
            layer.accuracy * 100.0,
            by_geometry as f64 / results.len() as f64 * 100.0,
            accuracy * 100.0
        ));
    }
    output::line(format_args!(
        "Final test accuracy = {:.1}% (N={})",
        accuracy * 100.0,
        results.len()
    ));
}

/// Prints as retrain.py did, with a bar while photos are read.
pub(super) struct Watch {
    bar: ProgressBar,
    log: Option<Mutex<TrainingLog>>,
}

impl Watch {
    /// Keeps a log for TensorBoard in `summaries`.
    pub(super) fn new(summaries: Option<&Path>) -> Self {
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{pos} of {len} photos {wide_bar} {eta}") {
            bar.set_style(style);
        }
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = now.unwrap_or_default().as_secs_f64();
        Self {
            bar,
            log: summaries.map(|folder| Mutex::new(TrainingLog::new(folder, now))),
        }
    }

    fn into_log(self) -> Option<TrainingLog> {
        Some(
            self.log?
                .into_inner()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }
}

impl TrainingObserver for Watch {
    fn photos(&self, done: usize, total: usize) {
        self.bar.set_length(total as u64);
        self.bar.set_position(done as u64);
        if done == total {
            self.bar.finish_and_clear();
        }
    }

    fn step(&self, step: &TrainingStep) {
        if let Some(log) = &self.log {
            log.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .step(step);
        }
        let n = step.step;
        let training = &step.training;
        output::line(format_args!(
            "Step {n}: Train accuracy = {:.1}%",
            training.accuracy * 100.0
        ));
        output::line(format_args!(
            "Step {n}: Cross entropy = {:.6}",
            training.cross_entropy
        ));
        if let Some(validation) = &step.validation {
            output::line(format_args!(
                "Step {n}: Validation accuracy = {:.1}% (N={})",
                validation.accuracy * 100.0,
                validation.num_photos
            ));
        }
    }

    fn note(&self, text: &str) {
        self.bar
            .suspend(|| output::note(format_args!("note: {text}")));
    }
}
