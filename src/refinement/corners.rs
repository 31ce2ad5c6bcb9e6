//! Points whose surroundings can be found again: the corners of Shi and Tomasi (CVPR 1994, "Good
//! features to track"), spread evenly by keeping the best of each cell of a grid.

use super::RefinementOptions;
use super::plane::Plane;
use super::window::{MARGIN, SIDE};

/// Radius of the square over which gradients are gathered, in pixels.
const RADIUS: usize = 3;

/// A pixel worth tracking.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Corner {
    pub x: usize,
    pub y: usize,
    /// The smaller eigenvalue of the mean gradient product, in squared grey levels a pixel.
    pub score: f32,
}

/// The best pixel of each square of a grid, if it scores enough, the best first. Pixels too near the edge to hold a window are left out.
pub(super) fn detect(plane: &Plane, options: &RefinementOptions) -> Vec<Corner> {
    let cell = options.corner_spacing_px as usize;
    let (width, height) = (plane.width, plane.height);
    if width <= SIDE + 2 * MARGIN || height <= SIDE + 2 * MARGIN {
        return Vec::new();
    }
    let scores = scores(plane);
    let low = SIDE / 2 + MARGIN;
    let (high_x, high_y) = (width - low, height - low);
    let mut corners = Vec::new();
    for top in (low..high_y).step_by(cell) {
        for left in (low..high_x).step_by(cell) {
            let mut best = Corner {
                x: 0,
                y: 0,
                score: options.min_corner_score,
            };
            for y in top..(top + cell).min(high_y) {
                for x in left..(left + cell).min(high_x) {
                    let score = scores[y * width + x];
                    if score > best.score {
                        best = Corner { x, y, score };
                    }
                }
            }
            if best.x > 0 {
                corners.push(best);
            }
        }
    }
    corners.sort_by(|a, b| {
        b.score
            .total_cmp(&a.score)
            .then((a.y, a.x).cmp(&(b.y, b.x)))
    });
    corners.truncate(options.max_corners);
    corners
}

/// The smaller eigenvalue of the gradients' mean outer product around every pixel; 0 at the edge.
fn scores(plane: &Plane) -> Vec<f32> {
    let (width, height) = (plane.width, plane.height);
    let mut products = [
        vec![0.0f32; width * height],
        vec![0.0f32; width * height],
        vec![0.0f32; width * height],
    ];
    let [xx, xy, yy] = &mut products;
    for y in 1..height - 1 {
        let (above, row, below) = (plane.row(y - 1), plane.row(y), plane.row(y + 1));
        let at = y * width;
        for x in 1..width - 1 {
            let dx = 0.5 * (row[x + 1] - row[x - 1]);
            let dy = 0.5 * (below[x] - above[x]);
            xx[at + x] = dx * dx;
            xy[at + x] = dx * dy;
            yy[at + x] = dy * dy;
        }
    }
    for product in &mut products {
        box_mean(product, width, height);
    }
    let [xx, xy, yy] = &products;
    let mut scores = vec![0.0; width * height];
    for (i, score) in scores.iter_mut().enumerate() {
        let half_difference = 0.5 * (xx[i] - yy[i]);
        let root = half_difference
            .mul_add(half_difference, xy[i] * xy[i])
            .sqrt();
        *score = 0.5 * (xx[i] + yy[i]) - root;
    }
    scores
}

/// Replaces each value by the mean of the square of radius [`RADIUS`] around it; values nearer the
/// edge than that become 0.
fn box_mean(values: &mut [f32], width: usize, height: usize) {
    let side = 2 * RADIUS + 1;
    let mut rows = vec![0.0f32; values.len()];
    for (row, out) in values.chunks_exact(width).zip(rows.chunks_exact_mut(width)) {
        let out = &mut out[RADIUS..width - RADIUS];
        for shift in 0..side {
            for (out, value) in out.iter_mut().zip(&row[shift..]) {
                *out += value;
            }
        }
    }
    values.fill(0.0);
    let factor = 1.0 / (side * side) as f32;
    for y in RADIUS..height - RADIUS {
        let out = &mut values[y * width..(y + 1) * width];
        for row in rows[(y - RADIUS) * width..].chunks_exact(width).take(side) {
            for (out, value) in out.iter_mut().zip(row) {
                *out += factor * value;
            }
        }
    }
}
