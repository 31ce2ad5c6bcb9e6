//! From the network's output grids to keypoints and descriptors.

use super::ExtractionOptions;
use super::manifest::GridManifest;
use super::model::Output;
use crate::error::Result;
use crate::features::{Descriptors, Keypoint};
use crate::image::Photo;

/// One level of the pyramid and its network output.
pub(super) struct Level {
    pub(super) scale: f32,
    /// Width of the input, in pixels.
    pub(super) width: u32,
    /// Height of the input, in pixels.
    pub(super) height: u32,
    pub(super) output: Output,
}

/// Ranks the cells of all levels together by attention and turns the best into keypoints in pixels
/// of the photo and descriptors of unit length. Equal attention is ordered by level, then by cell.
pub(super) fn select(
    levels: &[Level],
    photo: &Photo,
    grid: &GridManifest,
    options: &ExtractionOptions,
) -> Result<(Vec<Keypoint>, Descriptors)> {
    let mut cells: Vec<(usize, usize, f32)> = Vec::new();
    for (level_index, level) in levels.iter().enumerate() {
        let attention = level.output.attention.iter().enumerate();
        cells.extend(
            attention
                .filter(|(_, score)| score.is_finite() && **score >= options.min_attention)
                .map(|(cell, score)| (level_index, cell, *score)),
        );
    }
    cells.sort_unstable_by(|a, b| b.2.total_cmp(&a.2).then((a.0, a.1).cmp(&(b.0, b.1))));

    let dim = levels.first().map_or(1, |level| level.output.dim);
    let mut keypoints = Vec::new();
    let mut values = Vec::new();
    for (level_index, cell, score) in cells {
        if keypoints.len() == options.max_features {
            break;
        }
        let level = &levels[level_index];
        if let Some(unit) = unit_descriptor(&level.output, cell) {
            values.extend(unit);
            keypoints.push(keypoint(level, cell, score, photo, grid));
        }
    }
    Ok((keypoints, Descriptors::new(dim, values)?))
}

/// The cell's descriptor at unit length; none when it has no direction.
pub(super) fn unit_descriptor(output: &Output, cell: usize) -> Option<impl Iterator<Item = f32>> {
    let plane = output.width * output.height;
    let values = (0..output.dim).map(move |d| output.descriptors[d * plane + cell]);
    let norm = values
        .clone()
        .map(|v| f64::from(v) * f64::from(v))
        .sum::<f64>()
        .sqrt();
    (norm.is_finite() && norm > 1e-12).then(|| values.map(move |v| (f64::from(v) / norm) as f32))
}

fn keypoint(
    level: &Level,
    cell: usize,
    score: f32,
    photo: &Photo,
    grid: &GridManifest,
) -> Keypoint {
    let output = &level.output;
    let (row, column) = (cell / output.width, cell % output.width);
    let (dx, dy) = output.offsets.as_ref().map_or((0.0, 0.0), |offsets| {
        (offsets[cell], offsets[output.width * output.height + cell])
    });
    // Pixel centres are at whole numbers, so a side's resize scales around minus one half.
    let to_photo = |index: usize, moved: f32, input_side: u32, photo_side: u32| {
        let input =
            f64::from(grid.offset) + f64::from(grid.stride) * index as f64 + f64::from(moved);
        let position = (input + 0.5) * f64::from(photo_side) / f64::from(input_side) - 0.5;
        position.clamp(0.0, f64::from(photo_side - 1)) as f32
    };
    Keypoint {
        x: to_photo(column, dx, level.width, photo.width()),
        y: to_photo(row, dy, level.height, photo.height()),
        scale: level.scale,
        score,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(scale: f32, attention: [f32; 4], offsets: Option<Vec<f32>>) -> Level {
        Level {
            scale,
            width: 32,
            height: 32,
            output: Output {
                width: 2,
                height: 2,
                dim: 2,
                descriptors: vec![3.0, 0.0, 1.0, 1.0, 4.0, 0.0, 0.0, 0.0],
                attention: attention.to_vec(),
                offsets,
                global: None,
            },
        }
    }

    fn run(levels: &[Level], options: &ExtractionOptions) -> (Vec<Keypoint>, Descriptors) {
        let photo = Photo::from_pixels(image::RgbImage::new(64, 64), "test").unwrap();
        let grid = GridManifest {
            stride: 16.0,
            offset: 7.5,
        };
        select(levels, &photo, &grid, options).unwrap()
    }

    #[test]
    fn cells_of_all_levels_are_ranked_together() {
        let levels = [
            level(1.0, [0.1, 9.0, 0.3, 0.2], None),
            level(2.0, [0.25, 9.0, 0.3, 0.0], None),
        ];
        let (keypoints, descriptors) = run(&levels, &ExtractionOptions::default());
        // Cell 1 has no direction and is dropped; equal scores stand in the order of the levels.
        let order: Vec<(f32, f32)> = keypoints.iter().map(|k| (k.scale, k.score)).collect();
        assert_eq!(
            order,
            [
                (1.0, 0.3),
                (2.0, 0.3),
                (2.0, 0.25),
                (1.0, 0.2),
                (1.0, 0.1),
                (2.0, 0.0)
            ]
        );
        assert_eq!(descriptors.row(4), [0.6, 0.8]);
        let few = ExtractionOptions {
            max_features: 2,
            ..ExtractionOptions::default()
        };
        assert_eq!(run(&levels, &few).0, keypoints[..2]);
        let high = ExtractionOptions {
            min_attention: 0.25,
            ..ExtractionOptions::default()
        };
        assert_eq!(run(&levels, &high).0, keypoints[..3]);
    }

    #[test]
    fn positions_follow_grid_and_offsets() {
        let (keypoints, _) = run(
            &[level(1.0, [1.0, 0.5, 0.4, 0.3], None)],
            &ExtractionOptions::default(),
        );
        // The centre of a 16 pixel cell at half the photo's size: (7.5 + 0.5) * 2 - 0.5.
        assert_eq!((keypoints[0].x, keypoints[0].y), (15.5, 15.5));
        assert_eq!((keypoints[1].x, keypoints[1].y), (15.5, 47.5));
        let moved = Some(vec![1.0, 0.0, 0.0, 100.0, -1.0, 0.0, 0.0, 100.0]);
        let (keypoints, _) = run(
            &[level(1.0, [1.0, 0.5, 0.4, 0.3], moved)],
            &ExtractionOptions::default(),
        );
        assert_eq!((keypoints[0].x, keypoints[0].y), (17.5, 13.5));
        assert_eq!((keypoints[2].x, keypoints[2].y), (63.0, 63.0));
    }
}
