//! A square window of photo 1 found again in photo 2: exhaustive search and Lucas-Kanade.
//!
//! Windows are compared by their zero-mean normalised correlation, so a change of brightness or of
//! contrast between the photos changes nothing. The Lucas-Kanade steps are inverse compositional
//! (Baker and Matthews, IJCV 2004): gradients belong to the window of photo 1, have their mean and
//! their part along the window itself removed, and are computed once.

use nalgebra::{Point2, Vector2};

use super::plane::Plane;

/// Side of a window, in pixels; its point is pixel ([`SIDE`] / 2, [`SIDE`] / 2).
pub(super) const SIDE: usize = 16;
/// Pixels around the window that its gradients need.
pub(super) const MARGIN: usize = 1;
const AREA: usize = SIDE * SIDE;
/// Standard deviation below which a window holds no texture, in grey levels.
const MIN_DEVIATION: f32 = 1.0;
/// Product of the gradients' eigenvalues over their squared sum below which only one direction is
/// fixed.
const MIN_ROUNDNESS: f32 = 1e-3;
/// A step shorter than this ends the iteration, in pixels.
const MIN_STEP_PX: f32 = 0.01;

/// A window of photo 1, prepared for being found elsewhere; row after row.
pub(super) struct Template {
    /// Of weighted mean 0 and weighted length 1, times the weights.
    pattern: Vec<f32>,
    /// Change of the pattern a pixel to the right, times the weights.
    gradient_x: Vec<f32>,
    /// Change of the pattern a pixel down, times the weights.
    gradient_y: Vec<f32>,
    /// Inverse of the gradients' product: xx, xy, yy.
    inverse: [f32; 3],
}

/// Where a window was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Found {
    pub point: Point2<f32>,
    /// Zero-mean normalised correlation, -1 to 1.
    pub correlation: f32,
}

/// Weights of the pixels of a window: a Gaussian around the point, of sum 1. The first row and the
/// first column weigh nothing, so that the point is the centre.
fn weights() -> Vec<f32> {
    let scale = 0.5 / (0.28 * SIDE as f32).powi(2);
    let along = |i: usize| {
        let distance = i as f32 - (SIDE / 2) as f32;
        if i == 0 {
            0.0
        } else {
            (-scale * distance * distance).exp()
        }
    };
    let sum: f32 = (0..SIDE).map(along).sum();
    (0..AREA)
        .map(|i| along(i / SIDE) * along(i % SIDE) / (sum * sum))
        .collect()
}

/// Finds windows again. Holds the weights, which are the same for all windows.
pub(super) struct Tracker {
    weights: Vec<f32>,
}

impl Tracker {
    pub fn new() -> Self {
        Self { weights: weights() }
    }

    /// The window around `point` of `plane`, `None` when it leaves the plane, holds an unknown pixel
    /// or too little texture to fix a position.
    pub fn template(&self, plane: &Plane, point: Point2<f32>) -> Option<Template> {
        const WIDE: usize = SIDE + 2 * MARGIN;
        let mut values = [0.0; WIDE * WIDE];
        let first = point - Vector2::repeat(MARGIN as f32);
        sample(plane, first, WIDE, &mut values)?;
        let mut pattern = vec![0.0; AREA];
        let mut gradient_x = vec![0.0; AREA];
        let mut gradient_y = vec![0.0; AREA];
        for (y, rows) in values.windows(3 * WIDE).step_by(WIDE).enumerate() {
            let (above, rest) = rows.split_at(WIDE);
            let (row, below) = rest.split_at(WIDE);
            for x in 0..SIDE {
                pattern[y * SIDE + x] = row[x + 1];
                gradient_x[y * SIDE + x] = 0.5 * (row[x + 2] - row[x]);
                gradient_y[y * SIDE + x] = 0.5 * (below[x + 1] - above[x + 1]);
            }
        }
        let weights = &self.weights;
        subtract_mean(&mut pattern, weights);
        let deviation = product(&pattern, &pattern, weights).sqrt();
        if deviation.is_nan() || deviation < MIN_DEVIATION {
            return None;
        }
        for value in &mut pattern {
            *value /= deviation;
        }
        for gradient in [&mut gradient_x, &mut gradient_y] {
            subtract_mean(gradient, weights);
            let along = product(gradient, &pattern, weights);
            for (value, pattern) in gradient.iter_mut().zip(&pattern) {
                *value = (*value - along * pattern) / deviation;
            }
        }
        let xx = product(&gradient_x, &gradient_x, weights);
        let xy = product(&gradient_x, &gradient_y, weights);
        let yy = product(&gradient_y, &gradient_y, weights);
        let determinant = xx * yy - xy * xy;
        if determinant.is_nan() || determinant <= MIN_ROUNDNESS * (xx + yy) * (xx + yy) {
            return None;
        }
        for values in [&mut pattern, &mut gradient_x, &mut gradient_y] {
            for (value, weight) in values.iter_mut().zip(weights) {
                *value *= weight;
            }
        }
        Some(Template {
            pattern,
            gradient_x,
            gradient_y,
            inverse: [yy / determinant, -xy / determinant, xx / determinant],
        })
    }

    /// Correlation of the template with the window of `plane` around a whole pixel; `None` outside
    /// or over unknown pixels.
    fn correlation_at(&self, template: &Template, plane: &Plane, x: i64, y: i64) -> Option<f32> {
        let half = (SIDE / 2) as i64;
        let (left, top) = (
            usize::try_from(x - half).ok()?,
            usize::try_from(y - half).ok()?,
        );
        if left + SIDE > plane.width || top + SIDE > plane.height {
            return None;
        }
        let at = top * plane.width + left;
        let (deviation, [along]) = moments(
            &plane.values[at..],
            plane.width,
            &self.weights,
            [&template.pattern],
        )?;
        Some(along / deviation)
    }

    /// The whole pixel within `radius` of `point` where the template correlates best.
    pub fn search(
        &self,
        template: &Template,
        plane: &Plane,
        point: Point2<f32>,
        radius: i64,
    ) -> Option<Found> {
        let (x, y) = (point.x.round() as i64, point.y.round() as i64);
        let mut best: Option<Found> = None;
        for y in y.saturating_sub(radius)..=y.saturating_add(radius) {
            for x in x.saturating_sub(radius)..=x.saturating_add(radius) {
                if let Some(correlation) = self.correlation_at(template, plane, x, y)
                    && best.is_none_or(|best| correlation > best.correlation)
                {
                    let point = Point2::new(x as f32, y as f32);
                    best = Some(Found { point, correlation });
                }
            }
        }
        best
    }

    /// Lucas-Kanade from `start`: at most `max_steps`; `None` when the window leaves the plane or
    /// strays further than `max_stray_px`.
    pub fn track(
        &self,
        template: &Template,
        plane: &Plane,
        start: Point2<f32>,
        max_steps: usize,
        max_stray_px: f32,
    ) -> Option<Found> {
        let mut values = [0.0; AREA];
        let patterns = [
            &*template.pattern,
            &template.gradient_x,
            &template.gradient_y,
        ];
        let [xx, xy, yy] = template.inverse;
        let mut found = Found {
            point: start,
            correlation: -1.0,
        };
        for _ in 0..max_steps {
            sample(plane, found.point, SIDE, &mut values)?;
            let (deviation, [along, x, y]) = moments(&values, SIDE, &self.weights, patterns)?;
            found.correlation = along / deviation;
            let step = Vector2::new(xx * x + xy * y, xy * x + yy * y) / deviation;
            found.point -= step.cap_magnitude(max_stray_px);
            if (found.point - start).norm() > max_stray_px {
                return None;
            }
            if step.norm() < MIN_STEP_PX {
                break;
            }
        }
        Some(found)
    }
}

/// The weighted standard deviation of a window of [`SIDE`] rows, which begin `stride` values apart,
/// and its products with `patterns`; `None` without texture or over unknown pixels.
#[inline(never)]
fn moments<const N: usize>(
    values: &[f32],
    stride: usize,
    weights: &[f32],
    patterns: [&[f32]; N],
) -> Option<(f32, [f32; N])> {
    let mut mean = [0.0; SIDE];
    let mut square = [0.0; SIDE];
    let mut along = [[0.0; SIDE]; N];
    for (i, weights) in weights.chunks_exact(SIDE).enumerate() {
        let row = &values[i * stride..][..SIDE];
        for x in 0..SIDE {
            let weighted = weights[x] * row[x];
            mean[x] += weighted;
            square[x] += weighted * row[x];
        }
        for (along, pattern) in along.iter_mut().zip(patterns) {
            let pattern = &pattern[i * SIDE..][..SIDE];
            for x in 0..SIDE {
                along[x] += pattern[x] * row[x];
            }
        }
    }
    let sum = |values: [f32; SIDE]| values.iter().sum::<f32>();
    let mean = sum(mean);
    let variance = sum(square) - mean * mean;
    (variance >= MIN_DEVIATION * MIN_DEVIATION).then(|| (variance.sqrt(), along.map(sum)))
}

/// Bilinear samples on a grid of `side` by `side` whole steps; sample ([`SIDE`] / 2, [`SIDE`] / 2)
/// lies at `point`. `None` when one falls outside the plane.
#[inline(never)]
fn sample(plane: &Plane, point: Point2<f32>, side: usize, values: &mut [f32]) -> Option<()> {
    let half = (SIDE / 2) as f32;
    let (left, top) = (point.x - half, point.y - half);
    if !(left >= 0.0 && top >= 0.0) {
        return None;
    }
    let (column, row) = (left as usize, top as usize);
    if column + side >= plane.width || row + side >= plane.height {
        return None;
    }
    let (fx, fy) = (left - column as f32, top - row as f32);
    let factors = [
        (1.0 - fx) * (1.0 - fy),
        fx * (1.0 - fy),
        (1.0 - fx) * fy,
        fx * fy,
    ];
    for (i, out) in values.chunks_exact_mut(side).enumerate() {
        let at = (row + i) * plane.width + column;
        let above = &plane.values[at..][..side + 1];
        let below = &plane.values[at + plane.width..][..side + 1];
        for (x, value) in out.iter_mut().enumerate() {
            *value = factors[0] * above[x]
                + factors[1] * above[x + 1]
                + factors[2] * below[x]
                + factors[3] * below[x + 1];
        }
    }
    Some(())
}

/// Removes the weighted mean.
fn subtract_mean(values: &mut [f32], weights: &[f32]) {
    let mean: f32 = values
        .iter()
        .zip(weights)
        .map(|(value, weight)| value * weight)
        .sum();
    for value in values {
        *value -= mean;
    }
}

/// Weighted scalar product.
#[inline(never)]
fn product(a: &[f32], b: &[f32], weights: &[f32]) -> f32 {
    let mut sums = [0.0; SIDE];
    for ((a, b), weights) in a
        .chunks_exact(SIDE)
        .zip(b.chunks_exact(SIDE))
        .zip(weights.chunks_exact(SIDE))
    {
        for x in 0..SIDE {
            sums[x] += a[x] * b[x] * weights[x];
        }
    }
    sums.iter().sum()
}
