//! `delfin model`: what is inside the program, or in a file.

use std::path::Path;

use anyhow::bail;
use delfin::extract::{Model, embedded_manifest};

use crate::cli::args::{ModelArgs, ModelCommand};
use crate::cli::{Answer, output};

pub(crate) fn run(args: &ModelArgs) -> anyhow::Result<Answer> {
    match &args.command {
        ModelCommand::List => list()?,
        ModelCommand::Info { model } => info(model.as_deref())?,
    }
    Ok(Answer::Yes)
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
