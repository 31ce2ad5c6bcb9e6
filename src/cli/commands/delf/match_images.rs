//! `delfin delf match_images`: two .delf files matched, and the match drawn.
//!
//! DELF's own constants, and as there every match counts: each feature of photo 2 with its nearest
//! of photo 1 within 0.8, and the affine transform from 3 samples that the most agree with within 20
//! pixels; in 20,000 trials where DELF makes 1000.

use std::path::{Path, PathBuf};
use std::time::Instant;

use delfin::features::FeatureSet;
use delfin::formats::delf::DelfFile;
use delfin::image::{DecodeOptions, Photo};
use delfin::matching::{Match, MatchingOptions, match_descriptors};
use delfin::pipeline::open_pair;
use delfin::ransac::InlierReward;
use delfin::report::{FigureContent, FigureOptions, FigurePhoto, match_figure, write_picture};
use delfin::verification::{TwoViewGeometry, VerificationOptions, verify};
use serde_json::json;

use crate::cli::args::MatchImagesArgs;
use crate::cli::commands::outputs::ensure_output;
use crate::cli::{Answer, output};

pub(crate) fn run(args: &MatchImagesArgs) -> anyhow::Result<Answer> {
    let photos = [&args.image_1_path, &args.image_2_path];
    let inputs = photos
        .into_iter()
        .chain([&args.features_1_path, &args.features_2_path]);
    ensure_output(&args.output_image, args.force, inputs.map(PathBuf::as_path))?;
    let [photo1, photo2] = open_pair(
        &args.image_1_path,
        &args.image_2_path,
        &DecodeOptions::default(),
    )?;
    let features1 = read_features(&args.features_1_path, &photo1)?;
    let features2 = read_features(&args.features_2_path, &photo2)?;
    let start = Instant::now();
    // A file without features has no length of descriptors.
    let (descriptors1, descriptors2) = (features1.descriptors(), features2.descriptors());
    let matches = if descriptors1.is_empty() || descriptors2.is_empty() {
        Vec::new()
    } else {
        match_descriptors(descriptors1, descriptors2, &MatchingOptions::delf())?
    };
    let matched = Instant::now();
    let mut options = VerificationOptions {
        one_to_one: false,
        min_extra_inliers: 0,
        ..VerificationOptions::delf()
    };
    // As in DELF's search, inliers are counted; more trials than its 1000 leave less to chance.
    options.ransac.reward = InlierReward::Number;
    options.ransac.min_trials = 20_000;
    options.ransac.max_trials = 20_000;
    let (keypoints1, keypoints2) = (features1.keypoints(), features2.keypoints());
    let geometry = verify(keypoints1, keypoints2, &matches, &options)?;
    let verified = Instant::now();
    let num_inliers = geometry.as_ref().map_or(0, |g| g.inliers.len());
    draw(
        args,
        [&photo1, &photo2],
        [&features1, &features2],
        &matches,
        geometry.as_ref(),
    )?;
    if args.json {
        let pairs = |indices: &mut dyn Iterator<Item = usize>| -> Vec<[usize; 2]> {
            indices
                .map(|i| [matches[i].index1, matches[i].index2])
                .collect()
        };
        let inliers = geometry.iter().flat_map(|g| g.inliers.iter().copied());
        let milliseconds = |from: Instant, to: Instant| (to - from).as_secs_f64() * 1e3;
        output::json(json!({
            "version": 1,
            "num_features": [keypoints1.len(), keypoints2.len()],
            "matches": pairs(&mut (0..matches.len())),
            "inliers": pairs(&mut { inliers }),
            "times_ms": {
                "matching": milliseconds(start, matched),
                "verify": milliseconds(matched, verified),
            },
        }));
    } else {
        output::line(format_args!(
            "Loaded image 1's {} features",
            keypoints1.len()
        ));
        output::line(format_args!(
            "Loaded image 2's {} features",
            keypoints2.len()
        ));
        output::line(format_args!("Found {num_inliers} inliers"));
    }
    Ok(match geometry {
        Some(_) => Answer::Yes,
        None => Answer::No,
    })
}

fn read_features(path: &Path, photo: &Photo) -> anyhow::Result<FeatureSet> {
    let bytes = std::fs::read(path).map_err(|source| delfin::Error::Io {
        path: path.to_owned(),
        source,
    })?;
    let decoded = DelfFile::decode(&bytes, path)?;
    for field in &decoded.unsupported {
        output::note(format_args!(
            "delfin: {}: {field} is not supported",
            path.display()
        ));
    }
    if decoded.value.has_orientations() {
        output::note(format_args!(
            "delfin: {}: orientations are not used",
            path.display()
        ));
    }
    let set = decoded
        .value
        .keypoints()
        .and_then(|(keypoints, descriptors)| {
            FeatureSet::new(photo.width(), photo.height(), keypoints, descriptors, None)
        });
    set.map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))
}

fn draw(
    args: &MatchImagesArgs,
    photos: [&Photo; 2],
    sets: [&FeatureSet; 2],
    matches: &[Match],
    geometry: Option<&TwoViewGeometry>,
) -> anyhow::Result<()> {
    let keypoints =
        sets.map(|set| -> Vec<[f32; 2]> { set.keypoints().iter().map(|k| [k.x, k.y]).collect() });
    let names = photos.map(|photo| {
        let name = photo.path().file_name().unwrap_or(photo.path().as_os_str());
        name.to_string_lossy().into_owned()
    });
    let side = |index: usize| FigurePhoto {
        pixels: photos[index].pixels(),
        size: photos[index].pixels().dimensions().into(),
        keypoints: &keypoints[index],
        name: &names[index],
    };
    let inliers: Vec<[f64; 4]> = geometry
        .iter()
        .flat_map(|g| &g.inliers)
        .map(|&index| {
            let pair = &matches[index];
            let ([x1, y1], [x2, y2]) = (keypoints[0][pair.index1], keypoints[1][pair.index2]);
            [x1, y1, x2, y2].map(f64::from)
        })
        .collect();
    let counts = format!(
        "{} and {} features, {} matches",
        keypoints[0].len(),
        keypoints[1].len(),
        matches.len()
    );
    let figure = match_figure(
        [&side(0), &side(1)],
        &FigureContent {
            inliers: &inliers,
            transform: None,
            places: None,
            is_match: geometry.is_some(),
            title: &format!("{} inliers", inliers.len()),
            lines: &[counts],
        },
        &FigureOptions::default(),
    )?;
    Ok(write_picture(&figure, &args.output_image)?)
}
