//! `delfin export-classifier`: a classifier as one ONNX file.

use std::path::PathBuf;

use delfin::classify::read_classifier;
use delfin::files::write_file;
use delfin::formats::classifier_onnx;
use delfin::pipeline::{PhotoClassifier, export_classifier};

use super::open_model;
use super::outputs::ensure_document;
use crate::cli::args::ExportClassifierArgs;
use crate::cli::{Answer, output};

pub(crate) fn run(args: &ExportClassifierArgs) -> anyhow::Result<Answer> {
    let inputs = [Some(&args.classifier), args.model.as_ref()];
    ensure_document(
        &args.output,
        args.force,
        inputs.into_iter().flatten().map(PathBuf::as_path),
    )?;
    let classifier = read_classifier(&args.classifier)?;
    let model = open_model(args.model.as_deref())?;
    PhotoClassifier::new(&classifier, &model)?;
    let bytes = export_classifier(&classifier, &model)?;
    write_file(&args.output, &bytes)?;
    output::line(format_args!(
        "{}: input `{}`, values from 0 to 255, longest side {} px, sides in multiples of {}; output `{}`, {} classes",
        args.output.display(),
        classifier_onnx::INPUT,
        classifier.settings.global_size,
        model.manifest().input.size_multiple,
        classifier_onnx::OUTPUT,
        classifier.labels.len()
    ));
    Ok(Answer::Yes)
}
