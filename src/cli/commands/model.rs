//! `delfin model`: networks in the program and in files.

use std::path::Path;

use anyhow::bail;
use delfin::extract::import::{ImportOptions, import_saved_model};
use delfin::extract::{Model, embedded_manifest};

use crate::cli::args::{ImportArgs, ModelArgs, ModelCommand};
use crate::cli::commands::delf::config;
use crate::cli::{Answer, output};

pub(crate) fn run(args: &ModelArgs) -> anyhow::Result<Answer> {
    match &args.command {
        ModelCommand::List => list()?,
        ModelCommand::Info { model } => info(model.as_deref())?,
        ModelCommand::Import(args) => import(args)?,
    }
    Ok(Answer::Yes)
}

fn import(args: &ImportArgs) -> anyhow::Result<()> {
    let mut options = match &args.config {
        Some(path) => {
            let config = config::open(path)?;
            config::import_options(&config, path)?
        }
        None => ImportOptions::default(),
    };
    options.name = match &args.name {
        Some(name) => name.clone(),
        None => name_of(&args.source)?,
    };
    let imported = import_saved_model(&args.source, &options)?;
    let path = imported.write(&args.output)?;
    // Checks the file as it was written.
    let shapes = Model::open(&path)?.output_shapes()?;
    output::line(format_args!(
        "{}: descriptors of {} numbers, stride {} px -> {}",
        args.source.display(),
        shapes.descriptor_dim,
        imported.manifest.grid.stride,
        path.display()
    ));
    Ok(())
}

/// The name of an archive or folder, without what follows the first `.tar` or `.tgz`.
fn name_of(source: &Path) -> anyhow::Result<String> {
    let source = std::path::absolute(source)?;
    let name = source.file_name().unwrap_or_default().to_string_lossy();
    let end = [".tar", ".tgz"].iter().find_map(|end| name.find(end));
    Ok(name[..end.unwrap_or(name.len())].to_owned())
}

fn list() -> anyhow::Result<()> {
    let manifest = embedded_manifest()?;
    for model in &manifest.models {
        let default = if model.name == manifest.default {
            " (default)"
        } else {
            ""
        };
        output::line(format_args!("{}{default}: {}", model.name, model.summary));
    }
    Ok(())
}

fn info(model: Option<&Path>) -> anyhow::Result<()> {
    let manifest = embedded_manifest()?;
    let model = match model {
        None => Model::embedded()?,
        Some(name) if name.to_str() == Some(&manifest.default) => Model::embedded()?,
        Some(path) if path.exists() => Model::open(path)?,
        Some(path) => bail!(
            "{}: neither a built-in network (`delfin model list`) nor a file",
            path.display()
        ),
    };
    let entry = model.manifest();
    let shapes = model.output_shapes()?;
    let defaults = &entry.defaults;
    let scales: Vec<String> = defaults.scales.iter().map(f32::to_string).collect();
    for (name, value) in [
        ("name", entry.name.clone()),
        ("summary", entry.summary.clone()),
        ("file", model.path().display().to_string()),
        ("sha256", entry.sha256.clone()),
        ("licence", entry.licence.clone()),
        ("provenance", entry.provenance.clone()),
        (
            "input",
            format!(
                "`{}` {:?} {:?}, (pixel - {:?}) / {:?}, sides in multiples of {}",
                entry.input.name,
                entry.input.layout,
                entry.input.channels,
                entry.input.mean,
                entry.input.std,
                entry.input.size_multiple
            ),
        ),
        (
            "grid",
            format!(
                "stride {} px, first cell at {} px",
                entry.grid.stride, entry.grid.offset
            ),
        ),
        ("descriptors", format!("{} numbers", shapes.descriptor_dim)),
        (
            "offsets",
            if entry.outputs.offsets.is_some() {
                "yes"
            } else {
                "no"
            }
            .into(),
        ),
        (
            "global",
            shapes
                .global_dim
                .map_or("no".into(), |dim| format!("{dim} numbers")),
        ),
        (
            "defaults",
            format!(
                "longest side {} px, scales {}, {} keypoints, distance {}, {} inliers",
                defaults.max_size,
                scales.join(","),
                defaults.max_features,
                defaults.max_distance,
                defaults.min_inliers
            ),
        ),
    ] {
        output::line(format_args!("{name:<12} {value}"));
    }
    Ok(())
}
