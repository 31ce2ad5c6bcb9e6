//! DELF's own feature extraction, for networks that were made with it (see [`DelfManifest`]; Noh et al. 2017 and
//! the code and graphs published with it).

use image::{ImageBuffer, Rgb, RgbImage};

use super::manifest::DelfManifest;
use super::model::{Model, Output};
use super::selection::unit_descriptor;
use super::{ExtractionOptions, ensure_memory, levels};
use crate::error::{Error, Result};
use crate::features::{Descriptors, FeatureSet, Keypoint};
use crate::image::{Photo, resize_rgb};

/// Rows of red, green and blue from 0 to 255, not rounded.
type FloatImage = ImageBuffer<Rgb<f32>, Vec<f32>>;

/// Pixels of a level, at most: with more, a network of DELF's size needs hundreds of gigabytes.
const MAX_LEVEL_PIXELS: u64 = 1 << 28;

/// DELF's resizing of a photo before extraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DelfPhotoSize {
    /// A photo with a longer side is reduced to this one, in pixels.
    pub max_side: Option<u32>,
    /// A photo whose longest side is shorter is enlarged to this one, in pixels.
    pub min_side: Option<u32>,
    /// Whether the shorter side is stretched to the longer one.
    pub square: bool,
}

impl DelfPhotoSize {
    /// The width and height that a photo of this width and height gets.
    pub fn of(&self, width: u32, height: u32) -> (u32, u32) {
        let longest = width.max(height);
        let target = match (self.max_side, self.min_side) {
            (Some(most), _) if longest > most => most,
            (_, Some(least)) if longest < least => least,
            _ if self.square => longest,
            _ => return (width, height),
        };
        if self.square {
            return (target, target);
        }
        let side = |side: u32| {
            let scaled = f64::from(side) * (f64::from(target) / f64::from(longest));
            (scaled.round_ties_even() as u32).max(1)
        };
        (side(width), side(height))
    }
}

/// The photo resized as DELF does, or as it is.
///
/// # Errors
/// None for a photo that has pixels.
pub fn delf_photo(photo: &Photo, size: &DelfPhotoSize) -> Result<Photo> {
    let (width, height) = size.of(photo.width(), photo.height());
    if (width, height) == (photo.width(), photo.height()) {
        return Ok(photo.clone());
    }
    let pixels = resize_rgb(photo.pixels(), width, height);
    Photo::from_pixels(pixels, photo.path())
}

/// A cell that may become a keypoint.
struct Cell {
    level: usize,
    index: usize,
    score: f32,
    /// Top, left, bottom, right, in pixels of the photo.
    corners: [f32; 4],
}

/// Extracts the features of `photo`; a photo with a side longer than `max_size` is reduced first.
pub(super) fn extract(
    model: &Model,
    delf: &DelfManifest,
    photo: &Photo,
    options: &ExtractionOptions,
) -> Result<FeatureSet> {
    let size = DelfPhotoSize {
        max_side: Some(options.max_size),
        ..DelfPhotoSize::default()
    };
    let seen = delf_photo(photo, &size)?;
    let pixels = seen.pixels();
    let level_size = |scale: f32| {
        let side = |side: u32| (side as f32 * scale).round_ties_even().max(1.0) as u32;
        (side(seen.width()), side(seen.height()))
    };
    ensure_memory(options, options.scales.iter().map(|s| level_size(*s)))?;
    let levels = levels(&options.scales, |_, scale| {
        let (width, height) = level_size(scale);
        if u64::from(width) * u64::from(height) > MAX_LEVEL_PIXELS {
            return Err(Error::option(
                "scales",
                format!("{scale} makes {width} x {height} pixels"),
            ));
        }
        model.run(&resize_bilinear(pixels, width, height), false)
    })?;

    let mut cells = cells(model, delf, &levels, options);
    // The order of the levels and cells decides between equal scores, as sorting keeps it.
    cells.sort_by(|a, b| b.score.total_cmp(&a.score));
    let dim = levels.first().map_or(1, |level| level.dim);
    let (mut kept, mut values) = (Vec::<Cell>::new(), Vec::new());
    for cell in cells {
        if kept.len() == options.max_features {
            break;
        }
        let overlaps = |other: &Cell| overlap(&other.corners, &cell.corners) > delf.max_overlap;
        // Latest first: boxes with like scores are near each other.
        if delf.max_overlap < 1.0 && kept.iter().rev().any(overlaps) {
            continue;
        }
        if let Some(unit) = unit_descriptor(&levels[cell.level], cell.index) {
            values.extend(unit);
            kept.push(cell);
        }
    }
    let back = [
        photo.width() as f32 / seen.width() as f32,
        photo.height() as f32 / seen.height() as f32,
    ];
    let keypoint = |cell: &Cell| {
        let [top, left, bottom, right] = cell.corners;
        Keypoint {
            x: (left + right) / 2.0 * back[0],
            y: (top + bottom) / 2.0 * back[1],
            scale: options.scales[cell.level],
            score: cell.score,
        }
    };
    FeatureSet::new(
        photo.width(),
        photo.height(),
        kept.iter().map(keypoint).collect(),
        Descriptors::new(dim, values)?,
        None,
    )
}

/// Every cell with enough attention, level after level, row after row.
fn cells(
    model: &Model,
    delf: &DelfManifest,
    levels: &[Output],
    options: &ExtractionOptions,
) -> Vec<Cell> {
    let grid = model.grid();
    let (first, last) = (
        grid.offset - delf.box_side / 2.0,
        grid.offset + delf.box_side / 2.0,
    );
    let mut cells = Vec::new();
    for (level, (output, scale)) in levels.iter().zip(&options.scales).enumerate() {
        for (index, &score) in output.attention.iter().enumerate() {
            if !(score.is_finite() && score >= options.min_attention) {
                continue;
            }
            let [y, x] =
                [index / output.width, index % output.width].map(|i| grid.stride * i as f32);
            let corners = [y + first, x + first, y + last, x + last].map(|corner| corner / scale);
            cells.push(Cell {
                level,
                index,
                score,
                corners,
            });
        }
    }
    cells
}

/// The intersection of two boxes over their union.
fn overlap(a: &[f32; 4], b: &[f32; 4]) -> f32 {
    let side = |axis: usize| (a[axis + 2].min(b[axis + 2]) - a[axis].max(b[axis])).max(0.0);
    let area = |corners: &[f32; 4]| (corners[2] - corners[0]) * (corners[3] - corners[1]);
    let shared = side(0) * side(1);
    shared / (area(a) + area(b) - shared)
}

/// Samples bilinearly: pixel i of the result lies at i * (side / result's side), without half
/// pixels and without smoothing, as TensorFlow's ResizeBilinear does in its first form.
fn resize_bilinear(pixels: &RgbImage, width: u32, height: u32) -> FloatImage {
    let taps = |side: u32, target: u32| -> Vec<(u32, u32, f32)> {
        let step = side as f32 / target as f32;
        let tap = |index: u32| {
            let at = index as f32 * step;
            let low = (at.floor() as u32).min(side - 1);
            (low, (low + 1).min(side - 1), at - at.floor())
        };
        (0..target).map(tap).collect()
    };
    let (columns, rows) = (taps(pixels.width(), width), taps(pixels.height(), height));
    let stride = pixels.width() as usize;
    let source = pixels.as_raw().as_chunks::<3>().0;
    let mut values = Vec::with_capacity(3 * columns.len() * rows.len());
    for &(top, bottom, down) in &rows {
        let [top, bottom] = [top, bottom].map(|row| &source[row as usize * stride..][..stride]);
        for &(left, right, across) in &columns {
            for channel in 0..3 {
                let at = |row: &[[u8; 3]]| {
                    let [left, right] = [left, right].map(|x| f32::from(row[x as usize][channel]));
                    left + (right - left) * across
                };
                let (above, below) = (at(top), at(bottom));
                values.push(above + (below - above) * down);
            }
        }
    }
    FloatImage::from_raw(width, height, values).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_follow_the_published_rules() {
        let size = |max_side, min_side, square| DelfPhotoSize {
            max_side,
            min_side,
            square,
        };
        assert_eq!(size(None, None, false).of(640, 480), (640, 480));
        assert_eq!(size(Some(320), None, false).of(640, 481), (320, 240));
        assert_eq!(size(Some(1000), Some(800), false).of(640, 480), (800, 600));
        assert_eq!(size(Some(1000), Some(100), false).of(640, 480), (640, 480));
        assert_eq!(size(None, None, true).of(640, 480), (640, 640));
        assert_eq!(size(Some(320), None, true).of(640, 480), (320, 320));
        assert_eq!(size(Some(10), None, false).of(1000, 1), (10, 1));
    }

    #[test]
    fn pixels_are_sampled_from_the_corner_without_smoothing() {
        let ramp = RgbImage::from_fn(8, 2, |x, y| Rgb([x as u8 * 10, y as u8 * 100, 7]));
        let half = resize_bilinear(&ramp, 4, 1);
        assert_eq!(half.get_pixel(3, 0).0, [60.0, 0.0, 7.0]);
        let twice = resize_bilinear(&ramp, 16, 4);
        assert_eq!(twice.get_pixel(3, 1).0, [15.0, 50.0, 7.0]);
        // Beyond the last pixel it is repeated.
        assert_eq!(twice.get_pixel(15, 3).0, [70.0, 100.0, 7.0]);
        assert_eq!(
            resize_bilinear(&ramp, 8, 2).get_pixel(5, 1).0,
            [50.0, 100.0, 7.0]
        );
    }

    #[test]
    fn overlap_is_intersection_over_union() {
        let square = [0.0, 0.0, 2.0, 2.0];
        assert_eq!(overlap(&square, &square), 1.0);
        assert_eq!(overlap(&square, &[0.0, 1.0, 2.0, 3.0]), 1.0 / 3.0);
        assert_eq!(overlap(&square, &[5.0, 0.0, 7.0, 2.0]), 0.0);
    }
}
