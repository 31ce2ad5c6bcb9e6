//! Windows of one plane searched for in another, by zero-mean normalised correlation.

use nalgebra::{Point2, Vector2};

use super::plane::Plane;

/// Side of the window that is compared, in pixels.
pub(super) const WINDOW: usize = 16;
const AREA: usize = WINDOW * WINDOW;
/// What a pixel of movement costs, in correlation; decides between equals.
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
        // Nothing to look for without texture.
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
        let mut best: Option<(f32, Window)> = None;
        for dy in -radius..=radius {
            for dx in -radius..=radius {
                let (there_x, there_y) = (base_x + dx, base_y + dy);
                if there_x < 0 || there_y < 0 || there_x > last_x || there_y > last_y {
                    continue;
                }
                let (mean_b, deviation_b) = moments_b.at(there_x, there_y);
                if deviation_b.is_nan() {
                    continue;
                }
                let correlation = if deviation_a.min(deviation_b) < MIN_DEVIATION {
                    0.0
                } else {
                    let at = there_y as usize * b.width + there_x as usize;
                    let product = product(&template, &b.values[at..], b.width);
                    product / (AREA as f32 * deviation_a * deviation_b)
                };
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

/// The sum of products of a window and the window of `values` that begins at its first value.
#[inline(never)]
fn product(template: &[f32; AREA], values: &[f32], stride: usize) -> f32 {
    let mut sums = [0.0f32; WINDOW];
    for (line, template) in template.chunks_exact(WINDOW).enumerate() {
        let row = &values[line * stride..][..WINDOW];
        for x in 0..WINDOW {
            sums[x] += template[x] * row[x];
        }
    }
    sums.iter().sum()
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
        let centred: Vec<f32> = plane.values.iter().map(|v| v - 128.0).collect();
        let squared = centred.iter().map(|v| v * v).collect();
        Self {
            width: plane.width,
            sums: window_sums(centred, plane.width, plane.height),
            squares: window_sums(squared, plane.width, plane.height),
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
fn window_sums(mut values: Vec<f32>, width: usize, height: usize) -> Vec<f32> {
    let mut reach = 1;
    while reach < WINDOW {
        for row in values.chunks_exact_mut(width) {
            for x in 0..width.saturating_sub(reach) {
                row[x] += row[x + reach];
            }
        }
        for y in 0..height.saturating_sub(reach) {
            let (above, below) = values.split_at_mut((y + reach) * width);
            let above = &mut above[y * width..(y + 1) * width];
            for (value, other) in above.iter_mut().zip(&below[..width]) {
                *value += other;
            }
        }
        reach *= 2;
    }
    values
}
