//! `delfin match`: whether two photos show the same thing, and where.

use std::path::Path;
use std::time::{Duration, Instant};

use delfin::extract::Model;
use delfin::matching::SearchKind;
use delfin::pipeline::{MatchOptions, PairReport, match_photos, open_pair};
use delfin::report::{FigureOptions, write_picture};

use crate::cli::args::{MatchArgs, Preset};
use crate::cli::commands::match_report::Report;
use crate::cli::commands::outputs::ensure_output;
use crate::cli::{Answer, output};

pub(crate) fn run(args: &MatchArgs) -> anyhow::Result<Answer> {
    let start = Instant::now();
    if let Some(path) = &args.output {
        ensure_output(path, args.force, [args.image1.as_path(), &args.image2])?;
    }
    // The network is made ready while the photos are decoded.
    let (model, photos) = rayon::join(
        || timed(|| args.extraction.open_model()),
        || timed(|| open_pair(&args.image1, &args.image2, &MatchOptions::default().decode)),
    );
    let (load_model, decode) = (model.1, photos.1);
    let [photo1, photo2] = photos.0?;
    let model = model.0?;
    let options = options(args, &model);
    let mut result = match_photos(&model, &photo1, &photo2, &options)?;
    result.times.decode = decode;
    let report = Report {
        pair: PairReport {
            photos: [&photo1, &photo2],
            result: &result,
            options: &options,
        },
        load_model,
        total: start.elapsed(),
    };
    if let Some(path) = &args.output {
        draw(&report.pair, path)?;
    }
    if args.json {
        output::json(report.json());
    } else {
        report.lines().iter().for_each(output::line);
        if let Some(path) = &args.output {
            output::line(format_args!("picture   {}", path.display()));
        }
    }
    Ok(if result.is_match {
        Answer::Yes
    } else {
        Answer::No
    })
}

/// The settings of the network or the preset, overridden by flags.
fn options(args: &MatchArgs, model: &Model) -> MatchOptions {
    let mut options = model.match_options();
    if args.preset == Some(Preset::Delf) {
        options = options.with_delf_matching();
    }
    options.extraction = args.extraction.options(model);
    options.matching.search = SearchKind::from(&args.descriptors);
    if args.max_distance.is_some() {
        options.matching.max_distance = args.max_distance;
    }
    if args.ratio.is_some() {
        options.matching.max_ratio = args.ratio;
    }
    if let Some(kind) = args.model_kind {
        options.verification.kind = kind;
        options.refined_kind = kind;
    }
    if let Some(max_error_px) = args.max_error_px {
        options.verification.ransac.max_error_px = max_error_px;
    }
    if let Some(min_inliers) = args.min_inliers {
        options.min_inliers = min_inliers;
        options.min_probability = None;
    }
    if args.min_probability.is_some() {
        options.min_probability = args.min_probability;
    }
    options.verification.limits.allow_mirrored = args.mirrored;
    if args.no_refine {
        options.refinement = None;
    }
    options.seed = args.seed;
    options
}

/// Draws the match into a file.
pub(super) fn draw(report: &PairReport, path: &Path) -> anyhow::Result<()> {
    Ok(write_picture(
        &report.figure(&FigureOptions::default())?,
        path,
    )?)
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::args::{Cli, Command};

    #[test]
    fn the_search_asked_for_reaches_the_matching() {
        for (flags, expected) in [
            (&[][..], SearchKind::Auto),
            (&["--search", "auto"], SearchKind::Auto),
            (&["--search", "kd-tree"], SearchKind::KdTree),
            (&["--search", "product"], SearchKind::BruteForce),
        ] {
            let line = ["delfin", "match", "a.jpg", "b.jpg"];
            let cli = Cli::parse_from(line.iter().chain(flags));
            let Command::Match(args) = cli.command else {
                panic!("not match");
            };
            let model = args.extraction.open_model().unwrap();
            assert_eq!(options(&args, &model).matching.search, expected);
        }
    }
}
