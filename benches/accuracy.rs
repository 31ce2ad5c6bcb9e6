//! How well the default settings recognise and locate, on folders laid out as `eval/` is:
//! `cargo bench --bench accuracy -- --data EVAL_DIR [--model FILE.onnx] [--pairs FILE.csv]
//! [--max-photos N] [--pixels] [SET ..]`, by default ukbench, oxford_affine and scenes. `--pairs`
//! writes what was found for every pair of ukbench; `--max-photos` takes the first photos only;
//! `--pixels` ranks by the log-odds of `match`, which align every pair with 8 inliers and more.
//!
//! ukbench (photos in order, four of each object), scenes and any other folder with `images/` and
//! `labels.tsv` (file, place): every pair of photos, ranked by score. N-S is the mean number of a
//! photo's own four among its top four, itself included; recall is that of pairs of one object
//! where one pair of different objects in a thousand passes. oxford_affine: mean error of photo 1's
//! corners under the transform that `match` finds, in pixels of the second photo.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use delfin::extract::extract;
use delfin::folder::find_photos;
use delfin::geometry::project;
use delfin::image::DecodeOptions;
use delfin::pipeline::{
    MatchOptions, match_extracted, match_features, match_photos, seed_from_content,
};
use delfin::{Model, Photo};
use nalgebra::{Matrix3, Point2};
use rayon::prelude::*;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// With `--pixels`, pairs with fewer inliers rank behind all others.
const MIN_PIXEL_INLIERS: usize = 8;
const NO_EVIDENCE: f64 = -100.0;

fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    let mut sets = Vec::new();
    let (mut data, mut model_file, mut pairs) = (None, None, None);
    let (mut max_photos, mut pixels) = (usize::MAX, false);
    let mut rest = args.into_iter();
    while let Some(arg) = rest.next() {
        let mut value = || rest.next().ok_or(format!("{arg} takes a value"));
        match arg.as_str() {
            "--data" => data = Some(PathBuf::from(value()?)),
            "--model" => model_file = Some(value()?),
            "--pairs" => pairs = Some(value()?),
            "--max-photos" => max_photos = value()?.parse()?,
            "--pixels" => pixels = true,
            _ => sets.push(arg),
        }
    }
    let Some(data) = data else {
        eprintln!("skipped: give the evaluation photos as `-- --data EVAL_DIR`");
        return Ok(());
    };
    if sets.is_empty() {
        sets = ["ukbench", "oxford_affine", "scenes"]
            .map(String::from)
            .into();
    }
    let model = match model_file {
        Some(file) => Model::open(file)?,
        None => Model::embedded()?,
    };
    let options = model.match_options();
    let recognition = |set: &str, paths: &[PathBuf], labels: &[String], pairs: Option<&str>| {
        recognition(&model, &options, pixels, set, paths, labels, pairs)
    };
    for set in &sets {
        let folder = data.join(set);
        match set.as_str() {
            "oxford_affine" => oxford(&model, &options, &folder)?,
            "ukbench" => {
                let mut paths = find_photos(&[folder])?.complete()?.photos;
                paths.truncate(max_photos);
                let labels: Vec<String> = (0..paths.len()).map(|i| (i / 4).to_string()).collect();
                recognition(set, &paths, &labels, pairs.as_deref())?;
            }
            _ => {
                let (mut paths, mut labels) = read_labels(&folder)?;
                paths.truncate(max_photos);
                labels.truncate(max_photos);
                recognition(set, &paths, &labels, None)?;
            }
        }
    }
    Ok(())
}

/// The photos that `labels.tsv` names, sorted, each once, and their labels.
fn read_labels(folder: &Path) -> Outcome<(Vec<PathBuf>, Vec<String>)> {
    let text = std::fs::read_to_string(folder.join("labels.tsv"))?;
    let rows: BTreeSet<(&str, &str)> = text.lines().filter_map(|l| l.split_once('\t')).collect();
    let images = folder.join("images");
    Ok(rows
        .into_iter()
        .map(|(file, label)| (images.join(file), label.to_owned()))
        .unzip())
}

fn recognition(
    model: &Model,
    options: &MatchOptions,
    pixels: bool,
    name: &str,
    paths: &[PathBuf],
    labels: &[String],
    pairs: Option<&str>,
) -> Outcome<()> {
    let start = Instant::now();
    let photos = paths
        .par_iter()
        .map(|path| {
            let photo = Photo::open(path, &DecodeOptions::default())?;
            Ok((extract(model, &photo, &options.extraction)?, photo))
        })
        .collect::<delfin::Result<Vec<_>>>()?;
    let extracted = start.elapsed();
    let count = photos.len();
    let found = (0..count)
        .into_par_iter()
        .map(|i| {
            (i + 1..count)
                .map(|j| {
                    let ((a, photo1), (b, photo2)) = (&photos[i], &photos[j]);
                    let seed = seed_from_content(photo1.content_hash(), photo2.content_hash());
                    let found = match_features(a, b, options, seed)?;
                    let (inliers, matches) = (found.num_inliers(), found.matches.len());
                    if !pixels {
                        return Ok((found.score(), inliers, matches));
                    }
                    if inliers < MIN_PIXEL_INLIERS {
                        return Ok((NO_EVIDENCE + inliers as f64, inliers, matches));
                    }
                    let pair = [a.clone(), b.clone()];
                    let judged = match_extracted([photo1, photo2], pair, options)?;
                    Ok((judged.log_odds, inliers, matches))
                })
                .collect::<delfin::Result<Vec<_>>>()
        })
        .collect::<delfin::Result<Vec<_>>>()?;
    let score = |i: usize, j: usize| found[i.min(j)][i.max(j) - i.min(j) - 1].0;
    if let Some(file) = pairs {
        let mut csv = String::from("image1,image2,matches,inliers,score\n");
        for (i, row) in found.iter().enumerate() {
            for (j, (score, inliers, matches)) in (i + 1..).zip(row) {
                csv += &format!("{i},{j},{matches},{inliers},{score}\n");
            }
        }
        std::fs::write(file, csv)?;
    }
    let mut own_in_top = 0;
    for i in 0..count {
        let mut others: Vec<usize> = (0..count).filter(|j| *j != i).collect();
        others.sort_by(|a, b| score(i, *b).total_cmp(&score(i, *a)).then(a.cmp(b)));
        own_in_top += 1 + others
            .iter()
            .take(3)
            .filter(|j| labels[**j] == labels[i])
            .count();
    }
    let mut same = Vec::new();
    let mut different = Vec::new();
    for i in 0..count {
        for j in i + 1..count {
            if labels[i] == labels[j] {
                &mut same
            } else {
                &mut different
            }
            .push(score(i, j));
        }
    }
    different.sort_by(|a, b| b.total_cmp(a));
    println!(
        "{name}: {count} photos, {} pairs",
        same.len() + different.len()
    );
    if name == "ukbench" {
        let score = own_in_top as f64 / count as f64;
        println!("  N-S of 4                 {score:.3}");
    }
    for rate in [1e-3, 1e-4] {
        let cut = different[(different.len() as f64 * rate) as usize];
        let recall = same.iter().filter(|s| **s > cut).count() as f64 / same.len() as f64;
        println!("  recall at FPR {rate:.0e}       {recall:.3} (score above {cut:.2})");
    }
    println!(
        "  extraction {:.1} ms a photo, pairs {:.3} ms each (wall clock, all cores)",
        extracted.as_secs_f64() * 1e3 / count as f64,
        (start.elapsed() - extracted).as_secs_f64() * 1e3 / (same.len() + different.len()) as f64
    );
    Ok(())
}

fn oxford(model: &Model, options: &MatchOptions, folder: &Path) -> Outcome<()> {
    println!("oxford_affine: mean corner error in px (inliers) of photos 2 to 6 against photo 1");
    for sequence in ["graf", "boat", "bikes", "leuven"] {
        let at = |name: String| folder.join(sequence).join(name);
        let photo1 = Photo::open(at("img1.png".into()), &DecodeOptions::default())?;
        let mut errors = Vec::new();
        let mut cells = Vec::new();
        for second in 2..=6 {
            let photo2 = Photo::open(at(format!("img{second}.png")), &DecodeOptions::default())?;
            let truth = read_homography(&at(format!("H1to{second}p.xml")))?;
            let result = match_photos(model, &photo1, &photo2, options)?;
            let error = result.transform().map_or(f64::INFINITY, |transform| {
                corner_error(&truth, &transform.matrix, &photo1)
            });
            cells.push(format!("{error:.1} ({})", result.num_inliers()));
            errors.push(error);
        }
        let within =
            |px: f64| errors.iter().filter(|e| **e <= px).count() as f64 / errors.len() as f64;
        println!(
            "  {sequence:<7} within 3 px {:.2}, 5 px {:.2}, 20 px {:.2}: {}",
            within(3.0),
            within(5.0),
            within(20.0),
            cells.join(", ")
        );
    }
    Ok(())
}

fn corner_error(truth: &Matrix3<f64>, found: &Matrix3<f64>, photo: &Photo) -> f64 {
    let (right, bottom) = (f64::from(photo.width() - 1), f64::from(photo.height() - 1));
    let corners = [(0.0, 0.0), (right, 0.0), (right, bottom), (0.0, bottom)];
    let errors = corners.map(|(x, y)| {
        let corner = Point2::new(x, y);
        match (project(truth, corner), project(found, corner)) {
            (Some(a), Some(b)) => (a - b).norm(),
            _ => f64::INFINITY,
        }
    });
    errors.iter().sum::<f64>() / 4.0
}

/// The nine numbers between `<data>` and `</data>`.
fn read_homography(path: &Path) -> Outcome<Matrix3<f64>> {
    let text = std::fs::read_to_string(path)?;
    let numbers = text
        .split_once("<data>")
        .and_then(|(_, rest)| rest.split_once("</data>"))
        .ok_or("no <data>")?
        .0;
    let values: Vec<f64> = numbers
        .split_whitespace()
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    if values.len() != 9 {
        return Err("not nine numbers".into());
    }
    Ok(Matrix3::from_row_slice(&values))
}
