//! Input of a COLMAP reconstruction, from the pairs of a folder.
//!
//! Features of a coarse network are not exact to the pixel, so matches are aligned by the photos' pixels. Every
//! match of two linked photos, also one that their one transform does not explain (scenes have depth), is aligned
//! separately, from the corners of either photo, and kept where the pixels agree. Places within a pixel or so of
//! each other in a photo are one keypoint, so that the matches of a point in several pairs make one track. Measured
//! in benches/RESULTS.md.

use std::collections::{BTreeMap, BTreeSet};

use nalgebra::Matrix3;
use rayon::prelude::*;

use super::pixels::{groups, prepare};
use super::report::load_pairs;
use super::verify::match_again;
use super::{FolderClusters, FolderPhoto, FolderSession, VerifiedPair};
use crate::error::Result;
use crate::features::FeatureSet;
use crate::folder::path_from_text;
use crate::formats::colmap::{ColmapDatabase, ColmapImage, ColmapPair};
use crate::geometry::inverse;
use crate::image::{Orientation, camera};
use crate::pipeline::features::correspondences;
use crate::pipeline::observer::{Counter, Stage};
use crate::refinement::{RefinementImage, RefinementOptions, Track, refine_matches};

/// Photos are aligned at this long side, in pixels. At 480 a reconstruction is half as exact.
const LONG_SIDE: u32 = 1024;
/// Corners of a photo at that size; as many as the spacing gives.
const MAX_CORNERS: usize = 5000;
/// Places in a photo this near to each other are one keypoint; in pixels at that size.
const MERGE_RADIUS_PX: f64 = 1.5;
/// Photos that are decoded at a time, about 10 MB each.
const MAX_DECODED: usize = 64;

/// Places where a pair's pixels agree, both ways: `[x1, y1, x2, y2]`, each beginning at a corner of photo 1 or,
/// behind `num_from1`, of photo 2.
struct Aligned {
    places: Vec<[f64; 4]>,
    num_from1: usize,
    homography: Matrix3<f64>,
}

impl FolderSession<'_> {
    /// The input of a COLMAP reconstruction: every photo, and the pairs that
    /// [`ClusterOptions`](super::ClusterOptions) links. A photo that can no longer be read has no keypoints.
    ///
    /// # Errors
    /// As [`FolderSession::cluster`].
    pub fn colmap_database(&self, found: &FolderClusters) -> Result<ColmapDatabase> {
        let pairs = found.pairs.iter();
        let linked: Vec<&VerifiedPair> =
            pairs.filter(|pair| pair.is_linked(self.options)).collect();
        let counter = Counter::new(self.observer, Stage::Align, linked.len());
        let settings = self.feature_settings();
        let refinement = RefinementOptions {
            max_long_side: LONG_SIDE,
            max_corners: MAX_CORNERS,
            ..self.options.matching.refinement.unwrap_or_default()
        };
        let mut aligned = Vec::with_capacity(linked.len());
        let (mut images, mut features) = (BTreeMap::new(), BTreeMap::new());
        for range in groups(&linked, |p| [p.image1, p.image2], MAX_DECODED) {
            counter.check()?;
            let group = &linked[range];
            load_pairs(self, settings, found, group, &mut features)?;
            let photos = group.iter().flat_map(|p| [p.image1, p.image2]).collect();
            let source = |index: usize| {
                let photo: &FolderPhoto = &found.photos[index];
                (self.path_of(photo), photo.content_hash)
            };
            prepare(self, &mut images, photos, source, &refinement)?;
            let of_group: Vec<Option<Aligned>> = group
                .par_iter()
                .map(|pair| {
                    counter.check()?;
                    let aligned = align(self, &features, &images, found, pair, &refinement)?;
                    counter.count(false);
                    Ok(aligned)
                })
                .collect::<Result<_>>()?;
            aligned.extend(group.iter().copied().zip(of_group));
        }
        let decode = &self.options.matching.decode;
        let photos = found.photos.par_iter();
        let cameras: Vec<(Orientation, Option<f64>)> = photos
            .map(|photo| camera(self.path_of(photo), decode))
            .collect();
        Ok(database(found, &cameras, &aligned))
    }
}

/// None without a transform, or where a photo can no longer be read.
fn align(
    session: &FolderSession<'_>,
    features: &BTreeMap<usize, FeatureSet>,
    images: &BTreeMap<usize, RefinementImage>,
    found: &FolderClusters,
    pair: &VerifiedPair,
    refinement: &RefinementOptions,
) -> Result<Option<Aligned>> {
    let Some(([first, second], matched)) = match_again(session, features, found, pair)? else {
        return Ok(None);
    };
    let (a, b) = (&features[&first], &features[&second]);
    let image = |index: usize| images.get(&index);
    let (Some(image_a), Some(image_b)) = (image(first), image(second)) else {
        return Ok(None);
    };
    let Some(matrix) = matched.geometry.as_ref().map(|geometry| geometry.matrix) else {
        return Ok(None);
    };
    let Some(back) = inverse(&matrix) else {
        return Ok(None);
    };
    let points = correspondences(a, b, matched.matches.iter());
    let there = refine_matches(image_a, image_b, &matrix, &points, refinement)?;
    let back_again = refine_matches(image_b, image_a, &back, &points.swapped(), refinement)?;
    let is_swapped = first != pair.image1;
    let (from1, from2, homography) = match is_swapped {
        true => (back_again, there, back),
        false => (there, back_again, matrix),
    };
    let place = |track: &Track| {
        [
            track.point1.x,
            track.point1.y,
            track.point2.x,
            track.point2.y,
        ]
    };
    let mut places: Vec<[f64; 4]> = from1.iter().flatten().map(place).collect();
    let num_from1 = places.len();
    let turned = from2
        .iter()
        .flatten()
        .map(place)
        .map(|[x2, y2, x1, y1]| [x1, y1, x2, y2]);
    places.extend(turned);
    Ok(Some(Aligned {
        places,
        num_from1,
        homography,
    }))
}

fn database(
    found: &FolderClusters,
    cameras: &[(Orientation, Option<f64>)],
    aligned: &[(&VerifiedPair, Option<Aligned>)],
) -> ColmapDatabase {
    let merger = |photo: &FolderPhoto| {
        let longest = f64::from(photo.width.max(photo.height));
        Merger::new(MERGE_RADIUS_PX * (longest / f64::from(LONG_SIDE)).max(1.0))
    };
    let mut mergers: Vec<Merger> = found.photos.iter().map(merger).collect();
    // Corners first: their places are the same in every pair.
    for (pair, aligned) in aligned {
        for (index, [x1, y1, x2, y2]) in aligned.iter().flat_map(|a| a.places.iter().enumerate()) {
            match aligned.as_ref().is_some_and(|a| index < a.num_from1) {
                true => mergers[pair.image1].place([*x1, *y1]),
                false => mergers[pair.image2].place([*x2, *y2]),
            };
        }
    }
    let mut pairs = Vec::new();
    for (pair, aligned) in aligned {
        let Some(aligned) = aligned else { continue };
        let matches: BTreeSet<[u32; 2]> = aligned
            .places
            .iter()
            .map(|&[x1, y1, x2, y2]| {
                let first = mergers[pair.image1].place([x1, y1]);
                [first, mergers[pair.image2].place([x2, y2])]
            })
            .collect();
        let matches = one_to_one(matches);
        if !matches.is_empty() {
            pairs.push(ColmapPair {
                image1: pair.image1,
                image2: pair.image2,
                matches,
                homography: aligned.homography,
            });
        }
    }
    let images = found.photos.iter().zip(cameras).zip(mergers);
    ColmapDatabase {
        images: images
            .map(
                |((photo, (orientation, focal_length_px)), merger)| ColmapImage {
                    name: path_from_text(&photo.path)
                        .into_os_string()
                        .into_encoded_bytes(),
                    width: photo.width,
                    height: photo.height,
                    orientation: *orientation,
                    focal_length_px: *focal_length_px,
                    keypoints: merger.keypoints(),
                },
            )
            .collect(),
        pairs,
    }
}

/// Each keypoint with one partner, the first.
fn one_to_one(matches: BTreeSet<[u32; 2]>) -> Vec<[u32; 2]> {
    let (mut used1, mut used2) = (BTreeSet::new(), BTreeSet::new());
    let is_free = |[first, second]: &[u32; 2]| {
        let is_free = !used1.contains(first) && !used2.contains(second);
        if is_free {
            used1.insert(*first);
            used2.insert(*second);
        }
        is_free
    };
    matches.into_iter().filter(is_free).collect()
}

/// The keypoints of one photo: a place within a radius of one is that one.
struct Merger {
    radius: f64,
    places: Vec<[f64; 2]>,
    /// Numbers of places by square, whose side is the radius.
    squares: BTreeMap<(i64, i64), Vec<u32>>,
}

impl Merger {
    fn new(radius: f64) -> Self {
        Self {
            radius,
            places: Vec::new(),
            squares: BTreeMap::new(),
        }
    }

    /// The number of the nearest keypoint within the radius; of a new one where there is none.
    fn place(&mut self, [x, y]: [f64; 2]) -> u32 {
        let square = |value: f64| (value / self.radius).floor() as i64;
        let (column, row) = (square(x), square(y));
        let around =
            (row - 1..=row + 1).flat_map(|r| (column - 1..=column + 1).map(move |c| (r, c)));
        let near = around
            .filter_map(|square| self.squares.get(&square))
            .flatten();
        let distance = |number: u32| {
            let [other_x, other_y] = self.places[number as usize];
            (x - other_x).hypot(y - other_y)
        };
        let nearest = near
            .map(|&number| (distance(number), number))
            .filter(|(distance, _)| *distance <= self.radius)
            .min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        if let Some((_, number)) = nearest {
            return number;
        }
        let number = self.places.len() as u32;
        self.places.push([x, y]);
        self.squares.entry((row, column)).or_default().push(number);
        number
    }

    fn keypoints(&self) -> Vec<[f32; 2]> {
        let single = |place: &[f64; 2]| place.map(|value| value as f32);
        self.places.iter().map(single).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_near_each_other_are_one_keypoint() {
        let mut merger = Merger::new(1.5);
        assert_eq!(merger.place([10.0, 10.0]), 0);
        assert_eq!(merger.place([11.6, 10.0]), 1);
        // Nearer to the second, which lies in another square.
        assert_eq!(merger.place([11.0, 10.0]), 1);
        assert_eq!(merger.place([9.0, 9.0]), 0);
        assert_eq!(merger.place([-0.2, -0.2]), 2);
        assert_eq!(merger.keypoints().len(), 3);
    }

    #[test]
    fn a_keypoint_has_one_partner() {
        let matches = BTreeSet::from([[0, 3], [0, 4], [1, 3], [2, 4]]);
        assert_eq!(one_to_one(matches), [[0, 3], [2, 4]]);
    }
}
