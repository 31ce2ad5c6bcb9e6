//! What the pixels say of pairs that features make worth asking.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::Session;
use super::color::color_difference;
use super::pixels::{Pixels, groups, prepare, sort_by_neighbourhood};
use super::read::Entry;
use super::verify::{Found, hashes, match_entries, pair_settings};
use crate::error::Result;
use crate::geometry::TransformKind;
use crate::pipeline::features::{correspondences, working_error_px};
use crate::pipeline::observer::{Counter, Stage};
use crate::pipeline::refined::refined_geometry;
use crate::refinement::RefinementOptions;

/// Photos that are decoded at a time.
const MAX_DECODED: usize = 256;

/// Looks at the pixels of the pairs that are `asked`, where the store does not know them; the
/// other pairs lose what was known. A photo that can no longer be read says nothing.
pub(super) fn confirm_pairs(
    session: &Session<'_>,
    entries: &[Entry],
    mut found: Vec<Found>,
    asked: &[bool],
) -> Result<Vec<Found>> {
    let Some(refinement) = &session.options.matching.refinement else {
        return Ok(found);
    };
    let mut wanted: Vec<&mut Found> = Vec::new();
    for (pair, is_asked) in found.iter_mut().zip(asked) {
        if *is_asked {
            wanted.push(pair);
        } else {
            pair.record.num_tracks = None;
            pair.record.color_difference = None;
        }
    }
    let counter = Counter::new(session.observer, Stage::Confirm, wanted.len());
    let (known, mut unknown): (Vec<_>, Vec<_>) = wanted
        .into_iter()
        .partition(|f| f.record.num_tracks.is_some());
    known.iter().for_each(|_| counter.count(true));
    let settings = pair_settings(session);
    sort_by_neighbourhood(&mut unknown, |f| [f.image1, f.image2]);
    let mut images = BTreeMap::new();
    for range in groups(&unknown, |f| [f.image1, f.image2], MAX_DECODED) {
        counter.check()?;
        let group = &mut unknown[range];
        let photos = group.iter().flat_map(|f| [f.image1, f.image2]).collect();
        let source = |index: usize| (entries[index].path.clone(), entries[index].hash);
        prepare(session, &mut images, photos, source, refinement);
        let looked: Vec<bool> = group
            .par_iter_mut()
            .map(|found| {
                counter.check()?;
                let pair = (found.image1, found.image2);
                let answer = compare(session, entries, pair, &images, refinement)?;
                (found.record.num_tracks, found.record.color_difference) = answer.unzip();
                counter.count(false);
                Ok(answer.is_some())
            })
            .collect::<Result<_>>()?;
        let new: Vec<_> = group
            .iter()
            .zip(looked)
            .filter(|(_, looked)| *looked)
            .map(|(f, _)| (hashes(entries, (f.image1, f.image2)), f.record))
            .collect();
        if let Some(settings) = settings {
            session.using(|store| store.put_pairs(settings, &new));
        }
    }
    Ok(found)
}

/// The corners found where one transform puts them, 0 without such a transform, and how far colours
/// differ; `None` when a photo can no longer be read.
fn compare(
    session: &Session<'_>,
    entries: &[Entry],
    pair: (usize, usize),
    images: &BTreeMap<usize, Pixels>,
    refinement: &RefinementOptions,
) -> Result<Option<(u32, f32)>> {
    if !(images.contains_key(&pair.0) && images.contains_key(&pair.1)) {
        return Ok(None);
    }
    let (matched, found) = match_entries(session, entries, pair)?;
    let [a, b] = matched.map(|index| &entries[index]);
    let [image1, image2] = matched.map(|index| &images[&index]);
    let Some(geometry) = &found.geometry else {
        return Ok(Some((0, 0.0)));
    };
    let inliers = geometry.inliers.iter().map(|&index| &found.matches[index]);
    let points = correspondences(&a.features, &b.features, inliers);
    let refined = refined_geometry(
        [&image1.refinement, &image2.refinement],
        &geometry.matrix,
        &points,
        refinement,
        TransformKind::Homography,
        [a, b].map(|entry| working_error_px(&entry.features, &session.options.matching)),
    )?;
    let num_tracks = refined.map_or(0, |(_, geometry)| geometry.tracks.len() as u32);
    let difference = color_difference(&image1.colors, &image2.colors, &points) as f32;
    Ok(Some((num_tracks, difference)))
}
