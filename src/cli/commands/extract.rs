//! `delfin extract`: the features of photos, one file each.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, bail};
use delfin::counted;
use delfin::features::FeatureSet;
use delfin::files::write_file;
use delfin::formats;
use delfin::image::{DecodeOptions, Photo};
use rayon::prelude::*;

use crate::cli::args::{ExtractArgs, FeatureFormat};
use crate::cli::commands::outputs::{ensure_replaceable, make_folder};
use crate::cli::commands::{Found, find};
use crate::cli::{Answer, output};

/// Outcome of a photo whose features are written to a file.
pub(super) enum Done {
    /// A `.delf` file, which has no place for a mark of delfin, is there already.
    Skipped,
    /// The number of keypoints.
    Written(usize),
}

pub(crate) fn run(args: &ExtractArgs) -> anyhow::Result<Answer> {
    let found = find(&args.paths, |_| None)?;
    let targets = targets(&found, &args.output, args.format)?;
    make_folder(&args.output)?;
    if args.format == FeatureFormat::Json {
        for target in targets.keys() {
            ensure_replaceable(target, args.force)?;
        }
    }
    let model = args.extraction.open_model()?;
    let options = args.extraction.options(&model);
    options.validate()?;
    let results: Vec<anyhow::Result<Done>> = targets
        .par_iter()
        .map(|(target, photo)| {
            if args.format == FeatureFormat::Delf && !args.force && target.exists() {
                return Ok(Done::Skipped);
            }
            let photo = Photo::open(photo, &DecodeOptions::default())?;
            let features = delfin::extract::extract(&model, &photo, &options)?;
            write(target, &features, args.format)?;
            Ok(Done::Written(features.keypoints().len()))
        })
        .collect();
    let (shut, errors): (Vec<_>, Vec<_>) = found.failures.into_iter().unzip();
    let failed = shut.iter().map(|path| [path, path]);
    let failed = failed.zip(errors.into_iter().map(Err));
    let photos = targets.iter().map(|(target, photo)| [photo, target]);
    let outcomes: Vec<_> = failed.chain(photos.zip(results)).collect();
    finish(outcomes.into_iter(), |count| counted(count, "keypoint"))
}

/// Prints the outcome of each photo, named with its file; an error if any failed.
pub(super) fn finish<'a>(
    photos: impl ExactSizeIterator<Item = ([&'a PathBuf; 2], anyhow::Result<Done>)>,
    written: impl Fn(usize) -> String,
) -> anyhow::Result<Answer> {
    let num_photos = photos.len();
    let mut failures = 0;
    for ([photo, target], result) in photos {
        match result {
            Ok(Done::Skipped) => output::line(format_args!(
                "{}: skipped, {} is there already",
                photo.display(),
                target.display()
            )),
            Ok(Done::Written(count)) => output::line(format_args!(
                "{}: {} -> {}",
                photo.display(),
                written(count),
                target.display()
            )),
            Err(error) => {
                failures += 1;
                output::error(&error);
            }
        }
    }
    if failures > 0 {
        bail!("{failures} of {} failed", counted(num_photos, "photo"));
    }
    Ok(Answer::Yes)
}

/// Output file of each photo: its path below the photos' common folder, so that photos of the same name in
/// different folders stay apart. Paths that fail count for that folder as photos do: once they are there, the
/// files of the others keep their names.
fn targets(
    found: &Found,
    folder: &Path,
    format: FeatureFormat,
) -> anyhow::Result<BTreeMap<PathBuf, PathBuf>> {
    let absolute: Vec<PathBuf> = found
        .photos
        .iter()
        .map(|photo| without_dots(photo).with_context(|| photo.display().to_string()))
        .collect::<anyhow::Result<_>>()?;
    let mut common = absolute[0].parent().unwrap_or(Path::new("")).to_owned();
    let failed = found.failures.iter();
    let failed: Vec<PathBuf> = failed
        .filter_map(|(path, _)| without_dots(path).ok())
        .collect();
    for path in absolute.iter().chain(&failed) {
        while !path.starts_with(&common) {
            common.pop();
        }
    }
    let extension = match format {
        FeatureFormat::Delf => ".delf",
        FeatureFormat::Json => ".json",
    };
    let mut targets = BTreeMap::new();
    for (photo, absolute) in found.photos.iter().zip(&absolute) {
        let below = absolute.strip_prefix(&common).unwrap_or(absolute);
        let mut target = folder.join(below).into_os_string();
        target.push(extension);
        targets.insert(PathBuf::from(target), photo.clone());
    }
    Ok(targets)
}

/// The absolute path with every `.` and `..` taken out, as it is written: links are not followed.
fn without_dots(path: &Path) -> std::io::Result<PathBuf> {
    let mut plain = PathBuf::new();
    for component in std::path::absolute(path)?.components() {
        match component {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    Ok(plain)
}

fn write(target: &Path, features: &FeatureSet, format: FeatureFormat) -> anyhow::Result<()> {
    let bytes = match format {
        FeatureFormat::Delf => formats::delf::encode(features),
        FeatureFormat::Json => formats::json::encode(features),
    };
    if let Some(folder) = target.parent() {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    Ok(write_file(target, &bytes)?)
}
