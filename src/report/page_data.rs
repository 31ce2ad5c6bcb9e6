//! A folder report's values as the page reads them: columns of JSON, and blocks of base64.

use std::cmp::Ordering;
use std::fmt::Write;

use base64::prelude::{BASE64_STANDARD, Engine};
use nalgebra::Matrix3;
use serde_json::{Value, json};

use super::html::{FolderReport, ReportCut, ReportPair, ReportPhoto};
use crate::error::{Error, Result};

/// Most inliers of a pair that the page gets; more cannot be told apart in its picture.
const MAX_INLIERS: usize = 40;

/// Most places of a kind that the page gets of a pair.
const MAX_PLACES: usize = 1000;

/// Thumbnails in one block. The page shows those of a block as soon as it is read.
const PER_BLOCK: usize = 250;

/// What the page holds beside its markup, style and script.
pub(super) struct PageData {
    columns: Value,
    /// Script elements with the JPEGs one after another, each in base64 with its own padding.
    pub(super) thumbnails: String,
    /// The inliers of the pairs one after another, each pair in base64 with its own padding: four
    /// little-endian 16-bit numbers an inlier, shares of the photo's width or height in 65535ths.
    pub(super) inliers: String,
    /// The transforms and the compared places of the pairs one after another, each pair that has
    /// either in base64 with its own padding: nine little-endian 32-bit floats, where there is a
    /// transform, that map shares of photo 1's sides to shares of photo 2's; then two bytes a place,
    /// agreeing ones first, shares of photo 2's sides in 255ths.
    pub(super) overlays: String,
}

impl PageData {
    pub(super) fn new(report: &FolderReport) -> Result<Self> {
        check(report)?;
        let mut thumbnails = String::new();
        for (number, photos) in report.photos.chunks(PER_BLOCK).enumerate() {
            let _ = write!(
                thumbnails,
                r#"<script type="text/plain" id="thumbnails-{number}">"#
            );
            for photo in photos {
                BASE64_STANDARD.encode_string(&photo.thumbnail, &mut thumbnails);
            }
            thumbnails.push_str("</script>\n");
        }
        let mut pairs: Vec<&ReportPair> = report.pairs.iter().collect();
        pairs.sort_by(|a, b| by_strength(a, b));
        let mut inliers = String::new();
        let mut overlays = String::new();
        let mut drawn = Vec::with_capacity(pairs.len());
        for pair in &pairs {
            let taken = taken(&pair.inliers);
            drawn.push(taken.len());
            let photos = [pair.image1, pair.image2].map(|image| &report.photos[image as usize]);
            BASE64_STANDARD.encode_string(shares(&taken, photos), &mut inliers);
            BASE64_STANDARD.encode_string(overlay(pair, photos), &mut overlays);
        }
        Ok(Self {
            columns: columns(report, &pairs, &drawn),
            thumbnails,
            inliers,
            overlays,
        })
    }

    /// The columns as JSON that can stand in a script element.
    pub(super) fn json(&self) -> String {
        // Outside of strings JSON has no `<`; in them this is the same letter.
        self.columns.to_string().replace('<', "\\u003c")
    }
}

/// From the strongest pair to the weakest; the page relies on it.
fn by_strength(a: &ReportPair, b: &ReportPair) -> Ordering {
    let p = b.probability.total_cmp(&a.probability);
    p.then(b.num_inliers.cmp(&a.num_inliers))
        .then_with(|| (a.image1, a.image2).cmp(&(b.image1, b.image2)))
}

fn columns(report: &FolderReport, pairs: &[&ReportPair], drawn: &[usize]) -> Value {
    let photos = &report.photos;
    let cuts = column(&report.cuts, ReportCut::json);
    json!({
        "title": report.title,
        "run": report.live_run,
        "photos": {
            "path": column(photos, |photo| &photo.path),
            "href": column(photos, |photo| &photo.href),
            "width": column(photos, |photo| photo.width),
            "height": column(photos, |photo| photo.height),
            "bytes": column(photos, |photo| photo.thumbnail.len()),
        },
        "cuts": cuts,
        "default_cut": report.default_cut,
        "pairs": {
            "image1": column(pairs, |pair| pair.image1),
            "image2": column(pairs, |pair| pair.image2),
            "matches": column(pairs, |pair| pair.num_matches),
            "inliers": column(pairs, |pair| pair.num_inliers),
            "p": column(pairs, |pair| pair.probability),
            "relation": column(pairs, |pair| pair.relation),
            "agreement": column(pairs, |pair| pair.agreement.map(rounded)),
            "contradiction": column(pairs, |pair| pair.contradiction.map(rounded)),
            "drawn": drawn,
            "has_transform": column(pairs, |pair| pair.transform.is_some()),
            "agreeing": column(pairs, |pair| num_places(pair).map(|[agreeing, _]| agreeing)),
            "contradicting": column(pairs, |pair| num_places(pair).map(|[_, contradicting]| contradicting)),
        },
        "failures": column(&report.failures, |failure| [&failure.path, &failure.reason]),
    })
}

impl ReportCut {
    /// As the page reads it.
    pub fn json(&self) -> Value {
        json!({
            "p": self.min_probability,
            "clusters": self.cluster_of_photo,
            "scores": column(&self.score_of_photo, |score| rounded(*score)),
            "representatives": self.representative_of_cluster,
            "uncertain": self.uncertain_photos,
        })
    }
}

fn column<'a, T, V>(rows: &'a [T], value: impl Fn(&'a T) -> V) -> Vec<V> {
    rows.iter().map(value).collect()
}

/// A score to four decimals, which is what a person can use.
fn rounded(score: f32) -> f64 {
    (f64::from(score) * 1e4).round() / 1e4
}

/// At most [`MAX_INLIERS`] inliers, evenly taken.
fn taken(inliers: &[[f32; 4]]) -> Vec<[f32; 4]> {
    let count = inliers.len().min(MAX_INLIERS);
    (0..count)
        .map(|index| inliers[index * inliers.len() / count])
        .collect()
}

/// The inliers as shares of their photos' sides; the centre of pixel 0 is half a pixel from the edge.
fn shares(inliers: &[[f32; 4]], photos: [&ReportPhoto; 2]) -> Vec<u8> {
    let [photo1, photo2] = photos;
    let sides = [photo1.width, photo1.height, photo2.width, photo2.height];
    inliers
        .iter()
        .flat_map(|inlier| {
            let numbers = inlier.iter().zip(sides);
            numbers.map(|(position, side)| {
                let share = (f64::from(*position) + 0.5) / f64::from(side);
                // The cast takes what is outside to the nearest edge and NaN to 0.
                (share * 65535.0).round() as u16
            })
        })
        .flat_map(u16::to_le_bytes)
        .collect()
}

/// How many places of a pair the page gets: agreeing and contradicting.
fn num_places(pair: &ReportPair) -> Option<[usize; 2]> {
    let places = pair.places.as_ref()?;
    let both = [&places.agreeing, &places.contradicting];
    Some(both.map(|places| places.len().min(MAX_PLACES)))
}

/// Transform and places of a pair as the page reads them.
fn overlay(pair: &ReportPair, [photo1, photo2]: [&ReportPhoto; 2]) -> Vec<u8> {
    // Maps pixels to shares; the centre of pixel 0 is half a pixel from the edge.
    let to_shares = |photo: &ReportPhoto| {
        let [x, y] = [photo.width, photo.height].map(|side| 1.0 / f64::from(side));
        Matrix3::new(x, 0.0, 0.5 * x, 0.0, y, 0.5 * y, 0.0, 0.0, 1.0)
    };
    let from_shares = |photo: &ReportPhoto| {
        let [x, y] = [photo.width, photo.height].map(f64::from);
        Matrix3::new(x, 0.0, -0.5, 0.0, y, -0.5, 0.0, 0.0, 1.0)
    };
    let mut bytes = Vec::new();
    if let Some(transform) = pair.transform {
        let matrix = Matrix3::from_row_slice(&transform);
        let shares = to_shares(photo2) * matrix * from_shares(photo1);
        let rows = shares.transpose();
        bytes.extend(rows.iter().flat_map(|value| (*value as f32).to_le_bytes()));
    }
    if let Some(places) = &pair.places {
        let both = [&places.agreeing, &places.contradicting];
        let taken = both
            .into_iter()
            .flat_map(|places| places.iter().take(MAX_PLACES));
        bytes.extend(taken.flat_map(|[x, y]| {
            [(x, photo2.width), (y, photo2.height)].map(|(position, side)| {
                let share = (f64::from(*position) + 0.5) / f64::from(side);
                // The cast takes what is outside to the nearest edge and NaN to 0.
                (share * 255.0).round() as u8
            })
        }));
    }
    bytes
}

fn check(report: &FolderReport) -> Result<()> {
    let num_photos = report.photos.len();
    if let Some(photo) = report.photos.iter().find(|p| p.width == 0 || p.height == 0) {
        return Err(Error::option(
            "photos",
            format!("{} has no size", photo.path),
        ));
    }
    if report.cuts.is_empty() {
        return Err(Error::option("cuts", "there is none"));
    }
    if report.default_cut >= report.cuts.len() {
        let reason = format!("{} of {} cuts", report.default_cut, report.cuts.len());
        return Err(Error::option("default_cut", reason));
    }
    for cut in &report.cuts {
        check_cut(cut, num_photos)?;
    }
    let is_photo = |index: u32| (index as usize) < num_photos;
    let is_pair = |pair: &ReportPair| {
        is_photo(pair.image1) && is_photo(pair.image2) && pair.image1 != pair.image2
    };
    match report.pairs.iter().position(|pair| !is_pair(pair)) {
        Some(index) => Err(Error::option(
            "pairs",
            format!("pair {index} does not join two of {num_photos} photos"),
        )),
        None => Ok(()),
    }
}

fn check_cut(cut: &ReportCut, num_photos: usize) -> Result<()> {
    let num_clusters = cut.representative_of_cluster.len();
    for (name, length) in [
        ("cluster_of_photo", cut.cluster_of_photo.len()),
        ("score_of_photo", cut.score_of_photo.len()),
    ] {
        if length != num_photos {
            let reason = format!("{length} values for {num_photos} photos");
            return Err(Error::option(name, reason));
        }
    }
    let clusters = &cut.cluster_of_photo;
    if let Some(cluster) = clusters.iter().find(|c| **c as usize >= num_clusters) {
        let reason = format!("cluster {cluster} of {num_clusters} with a representative");
        return Err(Error::option("cluster_of_photo", reason));
    }
    for (cluster, photo) in cut.representative_of_cluster.iter().enumerate() {
        if clusters.get(*photo as usize).copied() != u32::try_from(cluster).ok() {
            let reason = format!("photo {photo} is not in cluster {cluster}");
            return Err(Error::option("representative_of_cluster", reason));
        }
    }
    match cut
        .uncertain_photos
        .iter()
        .find(|p| **p as usize >= num_photos)
    {
        Some(photo) => Err(Error::option(
            "uncertain_photos",
            format!("{photo} of {num_photos} photos"),
        )),
        None => Ok(()),
    }
}
