//! Windows of one plane searched for in another, by zero-mean normalised correlation.

use nalgebra::{Point2, Vector2};
use pulp::{Arch, Simd, WithSimd};

use super::plane::Plane;

/// Side of the window that is compared, in pixels.
pub(super) const WINDOW: usize = 16;
const AREA: usize = WINDOW * WINDOW;
/// Cost of a pixel of movement, in correlation; decides between equals.
const SHIFT_COST: f32 = 0.004;
/// Standard deviation below which a window has no texture to correlate, in grey levels.
const MIN_DEVIATION: f32 = 1.5;

/// A window of one plane and where it was found in the other.
pub(super) struct Window {
    pub centre: Point2<f32>,
    pub shift: Vector2<f32>,
    /// -1 to 1; 0 where one has no texture.
    pub correlation: f32,
    /// Standard deviation of the grey levels in both planes.
    pub deviation: [f32; 2],
    /// Mean grey level in both planes.
    pub mean: [f32; 2],
}

/// Two planes of one frame; values that are not known are NaN.
pub(super) struct Search<'a> {
    planes: [&'a Plane; 2],
    moments: [Moments; 2],
}

impl<'a> Search<'a> {
    pub fn new(a: &'a Plane, b: &'a Plane) -> Self {
        Self {
            planes: [a, b],
            moments: [Moments::new(a), Moments::new(b)],
        }
    }

    /// The same from the second plane to the first.
    pub fn back(self) -> Self {
        let ([a, b], [moments_a, moments_b]) = (self.planes, self.moments);
        Self {
            planes: [b, a],
            moments: [moments_b, moments_a],
        }
    }

    /// Finds the window of the first plane with its top-left pixel at (x, y) in the second, within
    /// `radius` pixels of `shift`; none where a plane is not known.
    pub fn find(&self, [x, y]: [i32; 2], shift: Vector2<f32>, radius: i32) -> Option<Window> {
        let [a, b] = self.planes;
        let [moments_a, moments_b] = &self.moments;
        let (last_x, last_y) = (
            a.width as i32 - WINDOW as i32,
            a.height as i32 - WINDOW as i32,
        );
        let (mean_a, deviation_a) = moments_a.at(x, y);
        if deviation_a.is_nan() {
            return None;
        }
        let base = shift.map(f32::round);
        let (base_x, base_y) = (x + base.x as i32, y + base.y as i32);
        // Nothing can be found without texture.
        let radius = if deviation_a < MIN_DEVIATION {
            0
        } else {
            radius
        };
        let mut template = [0.0f32; AREA];
        for (line, out) in template.chunks_exact_mut(WINDOW).enumerate() {
            let from = (y as usize + line) * a.width + x as usize;
            for (out, value) in out.iter_mut().zip(&a.values[from..from + WINDOW]) {
                *out = value - mean_a;
            }
        }
        let lines = (base_y - radius).max(0)..=(base_y + radius).min(last_y);
        let columns = (base_x - radius).max(0)..=(base_x + radius).min(last_x);
        if lines.is_empty() || columns.is_empty() {
            return None;
        }
        let mut products = Vec::with_capacity(((2 * radius + 1) * (2 * radius + 1)) as usize);
        Arch::new().dispatch(Products {
            template: &template,
            values: &b.values[*lines.start() as usize * b.width + *columns.start() as usize..],
            stride: b.width,
            size: [columns.clone().count(), lines.clone().count()],
            products: &mut products,
        });
        let mut products = products.into_iter();
        let mut best: Option<(f32, Window)> = None;
        for there_y in lines {
            for (there_x, product) in columns.clone().zip(&mut products) {
                let (mean_b, deviation_b) = moments_b.at(there_x, there_y);
                if deviation_b.is_nan() {
                    continue;
                }
                let correlation = if deviation_a.min(deviation_b) < MIN_DEVIATION {
                    0.0
                } else {
                    product / (AREA as f32 * deviation_a * deviation_b)
                };
                let (dx, dy) = (there_x - base_x, there_y - base_y);
                let distance = ((dx * dx + dy * dy) as f32).sqrt();
                let value = correlation - SHIFT_COST * distance;
                if best.as_ref().is_none_or(|(most, _)| value > *most) {
                    let half = 0.5 * (WINDOW as f32 - 1.0);
                    let shift = Vector2::new((there_x - x) as f32, (there_y - y) as f32);
                    let window = Window {
                        centre: Point2::new(x as f32 + half, y as f32 + half),
                        shift,
                        correlation,
                        deviation: [deviation_a, deviation_b],
                        mean: [mean_a, mean_b],
                    };
                    best = Some((value, window));
                }
            }
        }
        best.map(|(_, window)| window)
    }
}

/// The sums of products of a window and windows of a plane.
struct Products<'a> {
    template: &'a [f32; AREA],
    /// From the first value of the first window on.
    values: &'a [f32],
    stride: usize,
    /// Columns and lines of windows, each a pixel from the next.
    size: [usize; 2],
    /// Line after line.
    products: &'a mut Vec<f32>,
}

/// With the processor's widest vectors, in the same order of sums for any.
impl WithSimd for Products<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let [columns, lines] = self.size;
        for line in 0..lines {
            let mut column = 0;
            // As many together as have their sums in registers; a radius of 4 gives 9, one of 2 gives 5.
            while column < columns {
                let values = &self.values[line * self.stride + column..];
                let (template, stride) = (self.template, self.stride);
                let left = columns - column;
                if left >= 5 {
                    self.products
                        .extend(products::<5>(template, values, stride));
                    column += 5;
                } else if left == 4 {
                    self.products
                        .extend(products::<4>(template, values, stride));
                    column += 4;
                } else {
                    self.products
                        .extend(products::<1>(template, values, stride));
                    column += 1;
                }
            }
        }
    }
}

/// Those of `N` windows side by side.
#[inline(always)]
fn products<const N: usize>(template: &[f32; AREA], values: &[f32], stride: usize) -> [f32; N] {
    let mut sums = [[0.0f32; WINDOW]; N];
    let (lines, _) = template.as_chunks::<WINDOW>();
    for (line, template) in lines.iter().enumerate() {
        let row = &values[line * stride..][..WINDOW + N - 1];
        for n in 0..N {
            let row = &row[n..n + WINDOW];
            for x in 0..WINDOW {
                sums[n][x] += template[x] * row[x];
            }
        }
    }
    let mut products = [0.0; N];
    for n in 0..N {
        let mut half = WINDOW / 2;
        while half > 0 {
            for x in 0..half {
                sums[n][x] += sums[n][x + half];
            }
            half /= 2;
        }
        products[n] = sums[n][0];
    }
    products
}

/// Mean and standard deviation of every window of a plane, by its top-left pixel.
struct Moments {
    width: usize,
    sums: Vec<f32>,
    squares: Vec<f32>,
}

impl Moments {
    fn new(plane: &Plane) -> Self {
        // Grey levels about zero keep the sums of squares exact enough.
        let mut sums: Vec<f32> = plane.values.iter().map(|v| v - 128.0).collect();
        let mut squares: Vec<f32> = sums.iter().map(|v| v * v).collect();
        window_sums(&mut sums, plane.width);
        window_sums(&mut squares, plane.width);
        Self {
            width: plane.width,
            sums,
            squares,
        }
    }

    fn at(&self, x: i32, y: i32) -> (f32, f32) {
        let at = y as usize * self.width + x as usize;
        let mean = self.sums[at] / AREA as f32;
        let variance = self.squares[at] / AREA as f32 - mean * mean;
        // NaN stays NaN.
        let deviation = if variance < 0.0 { 0.0 } else { variance.sqrt() };
        (mean + 128.0, deviation)
    }
}

/// For each pixel the sum over the window whose top-left pixel it is; pixels too near the right and
/// the lower edge hold sums of fewer pixels. By doubling: windows of 2, 4, 8, 16 pixels.
fn window_sums(values: &mut [f32], width: usize) {
    Arch::new().dispatch(Doubling { values, width });
}

struct Doubling<'a> {
    values: &'a mut [f32],
    width: usize,
}

/// Pixels that a sum doubles by, in their order.
const REACHES: [usize; 4] = [1, 2, 4, 8];

impl WithSimd for Doubling<'_> {
    type Output = ();

    /// From the lowest row up: rows below hold what the next doubling needs, the last few of each.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { values, width } = self;
        let mut below: [Vec<f32>; 4] = REACHES.map(|reach| vec![0.0; reach * width]);
        let mut wide = vec![0.0f32; width];
        for (number, row) in values.chunks_exact_mut(width.max(1)).rev().enumerate() {
            for (&reach, below) in REACHES.iter().zip(&mut below) {
                let inner = width.saturating_sub(reach);
                for ((wide, a), b) in wide
                    .iter_mut()
                    .zip(&row[..inner])
                    .zip(&row[width - inner..])
                {
                    *wide = a + b;
                }
                wide[inner..].copy_from_slice(&row[inner..]);
                // The row that lies `reach` below, which this one takes the place of.
                let place = number % reach * width;
                let kept = &mut below[place..place + width];
                if number >= reach {
                    for ((value, kept), wide) in row.iter_mut().zip(&*kept).zip(&wide) {
                        *value = wide + kept;
                    }
                } else {
                    row.copy_from_slice(&wide);
                }
                kept.copy_from_slice(&wide);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_windows() {
        for (width, height) in [(40, 33), (16, 16), (17, 50), (9, 30), (30, 9), (1, 1)] {
            let value = |at: usize| ((at * 7919) % 256) as f32;
            let values: Vec<f32> = (0..width * height).map(value).collect();
            let mut sums = values.clone();
            window_sums(&mut sums, width);
            for y in 0..height {
                for x in 0..width {
                    let lines = y..(y + WINDOW).min(height);
                    let pixels =
                        lines.flat_map(|y| &values[y * width..][x..(x + WINDOW).min(width)]);
                    // Whole numbers, so that no sum is rounded.
                    assert_eq!(
                        sums[y * width + x],
                        pixels.sum::<f32>(),
                        "{width} {height} {x} {y}"
                    );
                }
            }
        }
    }
}
