//! A folder report's values as the page reads them: an index, and parts that it loads on demand. All of it is JSON;
//! pictures in it are base64.

use std::fmt;
use std::str::FromStr;

use base64::prelude::{BASE64_STANDARD, Engine};
use nalgebra::Matrix3;
use serde_json::{Value, json};

use super::folder_report::{
    FolderReport, PairDrawing, ReportCut, ReportPair, ReportPhoto, ReportSource,
};
use crate::error::Result;

/// Most inliers of a pair that the page gets; more overlap in its picture.
const MAX_INLIERS: usize = 40;

/// Most places of a kind that the page gets of a pair.
const MAX_PLACES: usize = 1000;

/// Photos of one part: a few hundred kilobytes.
const PHOTOS_PER_PART: usize = 100;

/// Drawings of one part of a page that is written.
pub(super) const DRAWINGS_PER_PART: usize = 250;

/// A part that the page loads later. The number counts the parts of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Thumbnails and links of photos that stand together in [`FolderReport::order`].
    Photos(usize),
    /// The verified pairs of these photos.
    Pairs(usize),
    /// Content of the pictures of pairs.
    Drawings(usize),
    /// The clusters of a position of the slider.
    Cut(usize),
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Photos(number) => write!(f, "photos-{number}"),
            Self::Pairs(number) => write!(f, "pairs-{number}"),
            Self::Drawings(number) => write!(f, "drawings-{number}"),
            Self::Cut(number) => write!(f, "cut-{number}"),
        }
    }
}

impl FromStr for Part {
    type Err = ();

    fn from_str(text: &str) -> std::result::Result<Self, ()> {
        let (kind, number) = text.split_once('-').ok_or(())?;
        let number = number.parse().map_err(|_| ())?;
        match kind {
            "photos" => Ok(Self::Photos(number)),
            "pairs" => Ok(Self::Pairs(number)),
            "drawings" => Ok(Self::Drawings(number)),
            "cut" => Ok(Self::Cut(number)),
            _ => Err(()),
        }
    }
}

/// Data of the page beside its markup, style and script.
pub(super) struct PageData<'a> {
    report: &'a FolderReport,
    drawings_per_part: usize,
    /// The pairs of the photos of each part, in their order.
    pairs_of_part: Vec<Vec<u32>>,
}

impl<'a> PageData<'a> {
    pub(super) fn new(report: &'a FolderReport, drawings_per_part: usize) -> Result<Self> {
        report.validate()?;
        let mut part_of_photo = vec![0; report.photos.len()];
        for (slot, photo) in report.order.iter().enumerate() {
            part_of_photo[*photo as usize] = slot / PHOTOS_PER_PART;
        }
        let mut pairs_of_part = vec![Vec::new(); report.photos.len().div_ceil(PHOTOS_PER_PART)];
        for (number, pair) in report.pairs.iter().enumerate() {
            let [first, second] = [pair.image1, pair.image2].map(|p| part_of_photo[p as usize]);
            pairs_of_part[first].push(number as u32);
            if second != first {
                pairs_of_part[second].push(number as u32);
            }
        }
        Ok(Self {
            report,
            drawings_per_part,
            pairs_of_part,
        })
    }

    /// Data that the page needs at once; `more` are fields of its own kind.
    pub(super) fn index(&self, more: &Value) -> Value {
        let report = self.report;
        let photos = &report.photos;
        let cut = |(index, cut): (usize, &ReportCut)| match index == report.default_cut {
            true => cut.json(),
            false => json!({ "p": cut.min_probability }),
        };
        let mut index = json!({
            "title": report.title,
            "photos": {
                "path": column(photos, |photo| &photo.path),
                "width": column(photos, |photo| photo.width),
                "height": column(photos, |photo| photo.height),
            },
            "order": report.order,
            "photos_per_part": PHOTOS_PER_PART,
            "drawings_per_part": self.drawings_per_part,
            "cuts": report.cuts.iter().enumerate().map(cut).collect::<Vec<_>>(),
            "default_cut": report.default_cut,
            "failures": column(&report.failures, |failure| [&failure.path, &failure.reason]),
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            index[name] = value.clone();
        }
        index
    }

    pub(super) fn parts(&self) -> impl Iterator<Item = Part> {
        let num_photo_parts = self.pairs_of_part.len();
        let num_drawing_parts = self.report.pairs.len().div_ceil(self.drawings_per_part);
        let default_cut = self.report.default_cut;
        let cuts = (0..self.report.cuts.len()).filter(move |cut| *cut != default_cut);
        let photos = (0..num_photo_parts).map(Part::Photos);
        photos
            .chain((0..num_photo_parts).map(Part::Pairs))
            .chain((0..num_drawing_parts).map(Part::Drawings))
            .chain(cuts.map(Part::Cut))
    }

    /// A part, if there is one of that name.
    pub(super) fn part(&self, part: Part, source: &mut dyn ReportSource) -> Result<Option<Value>> {
        let report = self.report;
        Ok(match part {
            Part::Photos(number) => match report.order.chunks(PHOTOS_PER_PART).nth(number) {
                Some(photos) => Some(photos_part(report, photos, source)?),
                None => None,
            },
            Part::Pairs(number) => self.pairs_of_part.get(number).map(|pairs| {
                let rows: Vec<_> = pairs
                    .iter()
                    .map(|&p| (p, &report.pairs[p as usize]))
                    .collect();
                pairs_part(&rows)
            }),
            Part::Drawings(number) => {
                let start = number.saturating_mul(self.drawings_per_part);
                let end = start
                    .saturating_add(self.drawings_per_part)
                    .min(report.pairs.len());
                match start < end {
                    true => Some(drawings_part(report, start..end, source)?),
                    false => None,
                }
            }
            Part::Cut(number) => report.cuts.get(number).map(ReportCut::json),
        })
    }
}

/// JSON that can stand in a script element.
pub(super) fn escaped_json(value: &Value) -> String {
    // Outside of strings JSON has no `<`; in them this is the same letter.
    value.to_string().replace('<', "\\u003c")
}

fn photos_part(
    report: &FolderReport,
    photos: &[u32],
    source: &mut dyn ReportSource,
) -> Result<Value> {
    let thumbnails = source.thumbnails(photos)?;
    Ok(json!({
        "thumbnails": column(&thumbnails, |jpeg| BASE64_STANDARD.encode(jpeg)),
        "href": column(photos, |photo| &report.photos[*photo as usize].href),
    }))
}

fn pairs_part(pairs: &[(u32, &ReportPair)]) -> Value {
    json!({
        "number": column(pairs, |(number, _)| *number),
        "image1": column(pairs, |(_, pair)| pair.image1),
        "image2": column(pairs, |(_, pair)| pair.image2),
        "matches": column(pairs, |(_, pair)| pair.num_matches),
        "inliers": column(pairs, |(_, pair)| pair.num_inliers),
        "p": column(pairs, |(_, pair)| pair.probability),
        "relation": column(pairs, |(_, pair)| pair.relation),
        "agreement": column(pairs, |(_, pair)| pair.agreement.map(rounded)),
        "contradiction": column(pairs, |(_, pair)| pair.contradiction.map(rounded)),
    })
}

/// A row a pair. `inliers`: four little-endian 16-bit numbers an inlier, shares of the photo's width or height
/// in 65535ths. `transform`: nine little-endian 32-bit floats that map shares of photo 1's sides to shares of
/// photo 2's. `agreeing` and `contradicting`: two bytes a place, shares of photo 2's sides in 255ths.
fn drawings_part(
    report: &FolderReport,
    pairs: std::ops::Range<usize>,
    source: &mut dyn ReportSource,
) -> Result<Value> {
    let drawings = source.drawings(pairs.clone())?;
    let rows = report.pairs[pairs].iter().zip(&drawings);
    let rows = rows.map(|(pair, drawing)| {
        let photos = [pair.image1, pair.image2].map(|image| &report.photos[image as usize]);
        let places = drawing.places.as_ref();
        let base64 = |bytes: Vec<u8>| BASE64_STANDARD.encode(bytes);
        let encoded = |places: &[[f32; 2]]| base64(place_bytes(places, photos[1]));
        json!({
            "inliers": base64(inlier_bytes(&shown_inliers(&drawing.inliers), photos)),
            "transform": transform_bytes(drawing, photos).map(base64),
            "agreeing": places.map(|places| encoded(&places.agreeing)),
            "contradicting": places.map(|places| encoded(&places.contradicting)),
        })
    });
    Ok(rows.collect())
}

impl ReportCut {
    /// As the page reads it.
    pub fn json(&self) -> Value {
        let weakest = |link: &Option<super::WeakestLink>| {
            link.map(|link| json!([link.image1, link.image2, link.probability]))
        };
        json!({
            "p": self.min_probability,
            "clusters": self.cluster_of_photo,
            "scores": column(&self.score_of_photo, |score| rounded(*score)),
            "representatives": self.representative_of_cluster,
            "weakest": column(&self.weakest_of_cluster, weakest),
            "uncertain": self.uncertain_photos,
        })
    }
}

fn column<'a, T, V>(rows: &'a [T], value: impl Fn(&'a T) -> V) -> Vec<V> {
    rows.iter().map(value).collect()
}

/// A score to four decimals.
fn rounded(score: f32) -> f64 {
    (f64::from(score) * 1e4).round() / 1e4
}

/// At most [`MAX_INLIERS`] inliers, evenly taken.
pub(crate) fn shown_inliers(inliers: &[[f32; 4]]) -> Vec<[f32; 4]> {
    let count = inliers.len().min(MAX_INLIERS);
    (0..count)
        .map(|index| inliers[index * inliers.len() / count])
        .collect()
}

/// The share of a side at which a position lies; the centre of pixel 0 is half a pixel from the edge.
fn share(position: f32, side: u32) -> f64 {
    (f64::from(position) + 0.5) / f64::from(side)
}

fn inlier_bytes(inliers: &[[f32; 4]], [photo1, photo2]: [&ReportPhoto; 2]) -> Vec<u8> {
    let sides = [photo1.width, photo1.height, photo2.width, photo2.height];
    let numbers = inliers.iter().flat_map(|inlier| {
        let numbers = inlier.iter().zip(sides);
        // The cast takes what is outside to the nearest edge and NaN to 0.
        numbers.map(|(position, side)| (share(*position, side) * 65535.0).round() as u16)
    });
    numbers.flat_map(u16::to_le_bytes).collect()
}

fn place_bytes(places: &[[f32; 2]], photo2: &ReportPhoto) -> Vec<u8> {
    let taken = places.iter().take(MAX_PLACES);
    let bytes = taken.flat_map(|[x, y]| {
        [(x, photo2.width), (y, photo2.height)]
            // The cast takes what is outside to the nearest edge and NaN to 0.
            .map(|(position, side)| (share(*position, side) * 255.0).round() as u8)
    });
    bytes.collect()
}

fn transform_bytes(drawing: &PairDrawing, [photo1, photo2]: [&ReportPhoto; 2]) -> Option<Vec<u8>> {
    // Maps pixels to shares; the centre of pixel 0 is half a pixel from the edge.
    let to_shares = |photo: &ReportPhoto| {
        let [x, y] = [photo.width, photo.height].map(|side| 1.0 / f64::from(side));
        Matrix3::new(x, 0.0, 0.5 * x, 0.0, y, 0.5 * y, 0.0, 0.0, 1.0)
    };
    let from_shares = |photo: &ReportPhoto| {
        let [x, y] = [photo.width, photo.height].map(f64::from);
        Matrix3::new(x, 0.0, -0.5, 0.0, y, -0.5, 0.0, 0.0, 1.0)
    };
    let matrix = Matrix3::from_row_slice(&drawing.transform?);
    let rows = (to_shares(photo2) * matrix * from_shares(photo1)).transpose();
    let bytes = rows.iter().flat_map(|value| (*value as f32).to_le_bytes());
    Some(bytes.collect())
}
