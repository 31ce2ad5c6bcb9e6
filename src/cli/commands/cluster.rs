//! `delfin cluster`: a folder of photos into clusters.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use delfin::files::refuse_existing;
use delfin::folder::list_photos;
use delfin::matching::SearchKind;
use delfin::pipeline::{ActionLog, ClusterOptions, FolderSession, TableFormat, edited_table};
use delfin::report::FolderPage;
use delfin::{Model, counted};

use crate::cli::args::ClusterArgs;
#[cfg(feature = "parquet")]
use crate::cli::commands::outputs::ensure_document;
use crate::cli::commands::outputs::{
    ensure_distinct, ensure_folder, ensure_replaceable, make_folder,
};
use crate::cli::commands::{folder_options, no_photos, tell_failures, tell_passed_over};
use crate::cli::progress::Progress;
use crate::cli::{Answer, output};

pub(crate) fn run(args: &ClusterArgs) -> anyhow::Result<Answer> {
    if !args.folder.is_dir() {
        bail!("{}: not a folder", args.folder.display());
    }
    // Nothing is made in an empty folder, or beside it.
    let listing = list_photos(&args.folder)?;
    if listing.photos.is_empty() && listing.failures.is_empty() {
        bail!(no_photos(&args.folder, &listing.passed_over));
    }
    let model = args.extraction.open_model()?;
    let mut options = args.options(&model)?;
    options.validate()?;
    // Checked before the work.
    args.export_colmap
        .as_deref()
        .map_or(Ok(()), refuse_existing)?;
    ensure_own(args)?;
    make_folder(&args.output)?;
    // Behind the output's own, which it may be in.
    if let Some(path) = &args.export_colmap {
        ensure_folder(path).with_context(|| path.display().to_string())?;
    }
    #[cfg(feature = "parquet")]
    if let Some(path) = &args.export_features {
        ensure_document(path, args.force, [])?;
    }
    let store = args.store.open(&args.folder)?;
    if args.corrected {
        options.corrections = ActionLog::read(&store)?.corrections();
        let told = match options.corrections.len() {
            0 => format!("no corrections in {}", store.path().display()),
            count => format!("applies {}", counted(count, "correction")),
        };
        output::note(format_args!("delfin: {told}"));
    }
    let progress = Progress::new(args.quiet);
    let session = FolderSession::new(&model, &args.folder, &store, &options)?;
    let session = session.with_observer(&progress);
    let found = session.cluster()?;
    let file = args.output.join("clusters.json");
    let all = format!("{} lists all", file.display());
    tell_failures(&found.failures, &all);
    tell_passed_over(&found.passed_over);
    if found.photos.is_empty() {
        bail!("{}: no photos that can be read", args.folder.display());
    }
    session.write_files_as(&found, &args.output, &args.formats())?;
    #[cfg(feature = "parquet")]
    if let Some(path) = &args.export_features {
        session.write_features(&found, path)?;
    }
    if let Some(path) = &args.export_colmap {
        session.colmap_database(&found)?.write(path)?;
    }
    let singles = found.clusters.iter().filter(|c| c.members.len() == 1);
    output::line(format_args!(
        "{}, {} ({}), {} -> {}",
        counted(found.photos.len(), "photo"),
        counted(found.clusters.len(), "cluster"),
        counted(singles.count(), "single photo"),
        counted(found.failures.len(), "failure"),
        args.output.display()
    ));
    Ok(Answer::Yes)
}

impl ClusterArgs {
    fn options(&self, model: &Model) -> anyhow::Result<ClusterOptions> {
        let mut options = folder_options(model, &self.extraction, &self.judgement, self.mirrored)?;
        options.matching.matching.search = SearchKind::from(&self.descriptors);
        options.exhaustive = self.exhaustive;
        options.min_inliers = self.min_inliers;
        options.copies_only = self.copies_only;
        Ok(options)
    }

    fn formats(&self) -> Vec<TableFormat> {
        self.format.iter().copied().map(TableFormat::from).collect()
    }
}

/// Checks that no file would be overwritten that delfin did not make, and none twice. The labels have no room for a
/// mark, nor have the sums of the tables; `clusters.json` beside them, which is written first, is theirs.
fn ensure_own(args: &ClusterArgs) -> anyhow::Result<()> {
    let at = |name: &str| args.output.join(name);
    let tables = args.formats();
    let tables = tables.iter().flat_map(|format| format.file_names());
    let names = ["clusters.json", "report.html"].into_iter().chain(tables);
    let paths: Vec<(&str, PathBuf)> = names.map(|name| (name, at(name))).collect();
    for (_, path) in &paths {
        ensure_replaceable(path, args.force)?;
    }
    let labels = at("labels_pred.txt");
    let mut outputs: Vec<(&str, Option<&Path>)> = paths
        .iter()
        .map(|(name, path)| (*name, Some(path.as_path())))
        .collect();
    let sums = at("tables.sha256");
    outputs.push(("labels_pred.txt", Some(&labels)));
    outputs.push(("tables.sha256", Some(&sums)));
    outputs.push(("--export-colmap", args.export_colmap.as_deref()));
    #[cfg(feature = "parquet")]
    outputs.push(("--export-features", args.export_features.as_deref()));
    ensure_distinct(&outputs)?;
    let parts = at("report_parts");
    if parts.exists() && !parts.is_dir() {
        bail!(
            "{}: not a folder, where large reports keep their pictures",
            parts.display()
        );
    }
    if !args.force
        && let Some(part) = FolderPage::foreign_part(&at("report.html"))
    {
        bail!(
            "{}: a part of a report by its name, and not made by delfin: remove it",
            part.display()
        );
    }
    let is_own = at("clusters.json").exists();
    for path in [&labels, &sums] {
        ensure_replaceable(path, args.force || is_own)?;
    }
    match edited_table(&args.output) {
        Some(table) if !args.force => bail!(
            "{}: changed since delfin wrote it; name another folder, or write over it with --force",
            table.display()
        ),
        _ => Ok(()),
    }
}
