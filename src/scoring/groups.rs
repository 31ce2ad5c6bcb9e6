//! Connected groups of places on a grid.

use image::{GrayImage, Luma};
use imageproc::region_labelling::{Connectivity, connected_components};

/// A picture of `count` places in rows of `columns`: 255 where `is` holds.
pub(super) fn drawn(columns: usize, count: usize, is: impl Fn(usize) -> bool) -> GrayImage {
    GrayImage::from_fn(columns as u32, (count / columns) as u32, |x, y| {
        let at = y as usize * columns + x as usize;
        Luma([if is(at) { 255 } else { 0 }])
    })
}

/// The places of each connected group of a picture, of those groups in which `keeps` holds for all.
pub(super) fn groups(
    picture: &GrayImage,
    connectivity: Connectivity,
    keeps: impl Fn(usize) -> bool,
) -> Vec<Vec<usize>> {
    let labels = connected_components(picture, connectivity, Luma([0]));
    let count = labels.iter().max().copied().unwrap_or(0) as usize;
    let mut groups = vec![Vec::new(); count + 1];
    let mut is_kept = vec![true; count + 1];
    is_kept[0] = false;
    for (at, label) in labels.iter().enumerate() {
        let label = *label as usize;
        if is_kept[label] {
            groups[label].push(at);
            is_kept[label] = keeps(at);
        }
    }
    let groups = groups.into_iter().zip(is_kept);
    groups
        .filter_map(|(group, is_kept)| is_kept.then_some(group))
        .collect()
}
