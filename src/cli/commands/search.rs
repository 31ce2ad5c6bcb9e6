//! `delfin search`: the photos of a folder that show the same thing as a query photo.

use anyhow::bail;
use delfin::counted;
use delfin::matching::SearchKind;
use delfin::pipeline::{FolderSession, SearchHit, percent, point_text, relation_text};
use serde_json::{Value, json};

use crate::cli::args::SearchArgs;
use crate::cli::commands::{folder_options, no_photos, tell_failures, tell_passed_over};
use crate::cli::progress::Progress;
use crate::cli::{Answer, output};

pub(crate) fn run(args: &SearchArgs) -> anyhow::Result<Answer> {
    if !args.folder.is_dir() {
        bail!("{}: not a folder", args.folder.display());
    }
    let model = args.extraction.open_model()?;
    let mut options = folder_options(&model, &args.extraction, &args.judgement, args.mirrored)?;
    options.matching.matching.search = SearchKind::from(&args.descriptors);
    options.validate()?;
    let store = args.store.open(&args.folder)?;
    let progress = Progress::new(args.quiet);
    let session = FolderSession::new(&model, &args.folder, &store, &options)?;
    let found = session.with_observer(&progress).search(&args.query)?;
    tell_failures(
        &found.failures,
        "`delfin cluster` writes all into its clusters.json",
    );
    if found.num_photos == 0 && found.failures.is_empty() {
        bail!(no_photos(&args.folder, &found.passed_over));
    }
    tell_passed_over(&found.passed_over);
    if found.num_photos == 0 {
        bail!("{}: no photos that can be read", args.folder.display());
    }
    for hit in &found.hits {
        match args.json {
            true => output::json(as_json(hit)),
            false => output::line(as_text(hit)),
        }
    }
    if !args.json {
        output::line(format_args!(
            "found in {} of {}",
            found.hits.len(),
            counted(found.num_photos, "photo")
        ));
    }
    Ok(if found.hits.is_empty() {
        Answer::No
    } else {
        Answer::Yes
    })
}

fn as_json(hit: &SearchHit) -> Value {
    json!({
        "path": hit.path,
        "matches": hit.num_matches,
        "inliers": hit.num_inliers,
        "probability": hit.probability,
        "relation": hit.relation,
        "region": hit.region,
    })
}

fn as_text(hit: &SearchHit) -> String {
    let region = match hit.region {
        Some(corners) => corners.map(|[x, y]| point_text(x, y)).join(" "),
        None => "unknown".into(),
    };
    format!(
        "{}: {}{}, {}, region {region}",
        hit.path,
        percent(hit.probability),
        relation_text(hit.relation),
        counted(hit.num_inliers, "inlier")
    )
}
