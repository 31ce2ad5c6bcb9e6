//! Evidence of every pair of a labelled folder, for learning and measuring the judgement of a pair:
//! `cargo bench --bench evidence -- --photos DIR --labels LABELS --output FILE.csv`; with `--model FILE` by another
//! network than the embedded one.
//!
//! LABELS: `folders` (the sub-folder is the thing), `tsv` (DIR/labels.tsv and DIR/images), `fours`
//! (four photos in a row show one thing, as in UKBench) or `none` (every photo another thing). The
//! table has a row a pair with the names and values of `delfin::scoring`; pairs with fewer than
//! [`MIN_INLIERS`] inliers have no values. Pixels are compared for pairs of one thing and for those of
//! two things that features give log-odds of [`MIN_LOG_ODDS`] and more; else they have no values.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use delfin::extract::extract;
use delfin::features::FeatureSet;
use delfin::folder::find_photos;
use delfin::image::DecodeOptions;
use delfin::pipeline::{MatchOptions, match_features, seed_from_content};
use delfin::refinement::{AgreementMap, RefinementImage, RefinementOptions, agreement_map};
use delfin::scoring::{
    FEATURE_INPUTS, FeatureEvidence, GuidedMatches, Judgement, KeypointTree, PIXEL_INPUTS,
    PairEvidence, PixelEvidence, feature_inputs, pixel_inputs,
};
use delfin::{Model, Photo};
use nalgebra::Point2;
use rayon::prelude::*;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Pairs with fewer have no values.
const MIN_INLIERS: usize = 6;
/// Log-odds by features, with the judgement that ships, from which pixels are compared.
const MIN_LOG_ODDS: f64 = -5.0;

struct Entry {
    name: String,
    label: String,
    hash: [u8; 32],
    features: FeatureSet,
    tree: KeypointTree,
    image: RefinementImage,
}

fn main() -> Outcome<()> {
    let args = std::env::args().skip(1).filter(|a| a != "--bench");
    let (mut photos, mut labels, mut output, mut network) = (None, None, None, None);
    let mut pictures = None;
    let mut rest = args.into_iter();
    while let Some(arg) = rest.next() {
        let value = rest.next().ok_or(format!("{arg} takes a value"))?;
        match arg.as_str() {
            "--photos" => photos = Some(PathBuf::from(value)),
            "--labels" => labels = Some(value),
            "--output" => output = Some(PathBuf::from(value)),
            "--pictures" => pictures = Some(PathBuf::from(value)),
            "--model" => network = Some(PathBuf::from(value)),
            _ => return Err(format!("{arg} is not known").into()),
        }
    }
    let (Some(photos), Some(output)) = (photos, output) else {
        eprintln!("skipped: give `-- --photos DIR --labels LABELS --output FILE.csv`");
        return Ok(());
    };
    let labelled = list(&photos, labels.as_deref().unwrap_or("folders"))?;
    let model = match network {
        Some(path) => Model::open(path)?,
        None => Model::embedded()?,
    };
    let options = MatchOptions::from(model.defaults());
    let start = Instant::now();
    let read = |(path, label): (PathBuf, String)| {
        let photo = Photo::open(&path, &DecodeOptions::default())?;
        let features = delfin::store::rounded(&extract(&model, &photo, &options.extraction)?)?;
        let below = path.strip_prefix(&photos).unwrap_or(&path);
        Ok(Entry {
            name: below.to_string_lossy().into_owned(),
            label,
            hash: *photo.content_hash(),
            tree: KeypointTree::new(&features)?,
            image: RefinementImage::from_rgb(photo.pixels(), &RefinementOptions::default())?,
            features,
        })
    };
    let entries: Vec<Entry> = labelled
        .into_par_iter()
        .map(read)
        .collect::<delfin::Result<_>>()?;
    let extracted = start.elapsed();
    let names: Vec<&str> = FEATURE_INPUTS
        .iter()
        .chain(&PIXEL_INPUTS)
        .copied()
        .collect();
    let header = format!("image1,image2,same,inliers,{}\n", names.join(","));
    let rows: Vec<(String, Vec<u8>)> = (0..entries.len())
        .into_par_iter()
        .map(|i| {
            let (mut rows, mut records) = (String::new(), Vec::new());
            for j in i + 1..entries.len() {
                let (a, b) = (&entries[i], &entries[j]);
                let pair = if a.hash <= b.hash { [a, b] } else { [b, a] };
                let wanted = pictures.is_some().then_some(&mut records);
                rows += &row(pair, &options, names.len(), wanted)?;
            }
            Ok((rows, records))
        })
        .collect::<delfin::Result<_>>()?;
    let (texts, records): (Vec<String>, Vec<Vec<u8>>) = rows.into_iter().unzip();
    std::fs::write(&output, header + &texts.concat())?;
    if let Some(path) = pictures {
        let mut file = File::create(path)?;
        // One after the other: together they take gigabytes.
        records.iter().try_for_each(|part| file.write_all(part))?;
    }
    println!(
        "{}: {} photos in {:.1} s, pairs in {:.1} s",
        photos.display(),
        entries.len(),
        extracted.as_secs_f64(),
        (start.elapsed() - extracted).as_secs_f64()
    );
    Ok(())
}

/// The photos and what each shows.
fn list(photos: &Path, labels: &str) -> Outcome<Vec<(PathBuf, String)>> {
    if labels == "tsv" {
        let text = std::fs::read_to_string(photos.join("labels.tsv"))?;
        let rows: BTreeSet<(&str, &str)> =
            text.lines().filter_map(|l| l.split_once('\t')).collect();
        let images = photos.join("images");
        let rows = rows.into_iter();
        return Ok(rows
            .map(|(file, label)| (images.join(file), label.to_owned()))
            .filter(|(path, _)| path.exists())
            .collect());
    }
    let listing = find_photos(&[photos.to_owned()])?.complete()?;
    let paths = listing.photos.into_iter().enumerate();
    let label = |index: usize, path: &Path| match labels {
        "folders" => Ok(path.parent().unwrap_or(path).to_string_lossy().into_owned()),
        "fours" => Ok((index / 4).to_string()),
        "none" => Ok(index.to_string()),
        _ => Err(format!("{labels} is not folders, tsv, fours or none")),
    };
    Ok(paths
        .map(|(index, path)| label(index, &path).map(|label| (path, label)))
        .collect::<Result<_, _>>()?)
}

/// One row of the table.
fn row(
    [a, b]: [&Entry; 2],
    options: &MatchOptions,
    num_values: usize,
    records: Option<&mut Vec<u8>>,
) -> delfin::Result<String> {
    let seed = seed_from_content(&a.hash, &b.hash);
    let found = match_features(&a.features, &b.features, options, seed)?;
    let num_inliers = found.num_inliers();
    let judgement = Judgement::embedded()?;
    let same = u8::from(a.label == b.label);
    let mut text = format!("{},{},{same},{num_inliers}", a.name, b.name);
    let has_enough = num_inliers >= MIN_INLIERS;
    let values = found
        .geometry
        .as_ref()
        .filter(|_| has_enough)
        .and_then(|geometry| {
            let features = [&a.features, &b.features];
            let guided = GuidedMatches::new(features, [&a.tree, &b.tree], &geometry.matrix)?;
            let similarity = found.global_similarity.unwrap_or(0.0);
            let inliers: Vec<[usize; 2]> = found.inliers().map(|m| [m.index1, m.index2]).collect();
            let num_matches = found.matches.len();
            let by_features = FeatureEvidence::new(
                features,
                num_matches,
                &geometry.matrix,
                &inliers,
                similarity,
                found.num_second_inliers,
                &guided,
            );
            let mut values = feature_inputs(&by_features).to_vec();
            let seen = PairEvidence {
                features: by_features,
                pixels: None,
            };
            if same == 1 || judgement.log_odds(Some(&seen)) >= MIN_LOG_ODDS {
                let map = agreement_map(&a.image, &b.image, &geometry.matrix)?;
                if let Some(records) = records {
                    append_pictures(records, &map);
                }
                let inliers = found.inliers().map(|pair| {
                    let (k1, k2) = (
                        &a.features.keypoints()[pair.index1],
                        &b.features.keypoints()[pair.index2],
                    );
                    let place = |x: f32, y: f32| Point2::new(f64::from(x), f64::from(y));
                    (place(k1.x, k1.y), place(k2.x, k2.y))
                });
                let by_pixels = PixelEvidence::new(features, &guided, inliers, &map);
                values = pixel_inputs(&by_features, &by_pixels);
            }
            Some(values)
        });
    match values {
        Some(values) => {
            values.iter().for_each(|value| {
                let _ = write!(text, ",{value:.5}");
            });
            text.extend(std::iter::repeat_n(',', num_values - values.len()));
        }
        None => text.extend(std::iter::repeat_n(',', num_values)),
    }
    text.push('\n');
    Ok(text)
}

/// Appends the aligned pictures and the cells of a map, a byte a value: 192 rows of 192 grey levels of both photos and of
/// whether they are known; then by cell whether it is known, its correlation, that at half the resolution, its
/// roughness and a* and b* of both photos.
fn append_pictures(records: &mut Vec<u8>, map: &AgreementMap) {
    let pictures = map.pictures();
    for levels in &pictures.levels {
        records.extend(levels.iter().map(|level| level.round() as u8));
    }
    records.extend(pictures.is_known.iter().map(|&known| u8::from(known)));
    for cell in &map.cells {
        let Some(cell) = cell else {
            records.extend([0; 8]);
            continue;
        };
        let part = |value: f32| (value.clamp(-1.0, 1.0) * 127.0 + 128.0).round() as u8;
        let values = [
            cell.correlation,
            cell.coarse_correlation,
            cell.roughness * 32.0,
        ];
        records.push(1);
        records.extend(values.map(part));
        records.extend(cell.chroma.as_flattened().iter().map(|c| part(c / 100.0)));
    }
}
