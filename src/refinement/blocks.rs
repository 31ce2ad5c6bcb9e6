//! Blocks of two pictures of one frame, and what is summed over them.

use nalgebra::Vector2;

use super::differences::DifferenceBlock;
use super::plane::Plane;
use super::warp::interpolate;

/// Pixels along each side of a block.
pub const BLOCK: usize = 4;
/// Blocks to either side that count for the correlation of a block, and for brightness and contrast.
const NEAR: usize = 2;
pub const AROUND: usize = 5;
/// Correlation from which a block agrees, and the least variance of grey levels of a textured one.
pub const AGREES: f32 = 0.8;
pub const MIN_TEXTURE: f32 = 16.0;
/// Variance of grey levels that counts as noise.
pub const NOISE: f32 = 2.0;
/// Limits of the ratio of both contrasts.
const CONTRASTS: [f32; 2] = [0.2, 5.0];
/// Weight of a block that disagrees, for brightness and contrast.
const DISAGREEING: f32 = 0.1;

/// The blocks of a frame.
pub struct Grid {
    pub columns: usize,
    pub rows: usize,
}

impl Grid {
    /// Column and row of a block.
    pub fn place(&self, at: usize) -> [usize; 2] {
        [at % self.columns, at / self.columns]
    }

    /// A value a block, row by row.
    #[inline(always)]
    pub fn map<T>(&self, mut value: impl FnMut(usize, usize) -> T) -> Vec<T> {
        let blocks = 0..self.columns * self.rows;
        blocks
            .map(|at| value(at % self.columns, at / self.columns))
            .collect()
    }

    /// The sum over the blocks up to `radius` away along each side: along the rows, then along the columns.
    #[inline(always)]
    pub fn around<const N: usize>(&self, values: &[[f32; N]], radius: usize) -> Vec<[f32; N]> {
        let (columns, rows) = (self.columns, self.rows);
        let mut along = vec![[0.0; N]; values.len()];
        for row in 0..rows {
            let line = &values[row * columns..(row + 1) * columns];
            for column in 0..columns {
                let near = &line[column.saturating_sub(radius)..(column + radius + 1).min(columns)];
                along[row * columns + column] = sum(near.iter());
            }
        }
        let mut sums = vec![[0.0; N]; values.len()];
        for row in 0..rows {
            let lines = row.saturating_sub(radius)..(row + radius + 1).min(rows);
            for column in 0..columns {
                let near = lines.clone().map(|line| &along[line * columns + column]);
                sums[row * columns + column] = sum(near);
            }
        }
        sums
    }

    /// The plane drawn with a shift from block to block, interpolated between their centres.
    #[inline(always)]
    pub fn drawn(&self, plane: &Plane, shifts: &[Vector2<f32>]) -> Plane {
        let (width, height) = (plane.width, plane.height);
        let (last_x, last_y) = ((width - 1) as f32, (height - 1) as f32);
        let place = |pixel: usize, count: usize| {
            let place = ((pixel as f32 + 0.5) / BLOCK as f32 - 0.5).clamp(0.0, (count - 1) as f32);
            let before = (place as usize).min(count - 2);
            (before, place - before as f32)
        };
        let across: Vec<(usize, f32)> = (0..width).map(|x| place(x, self.columns)).collect();
        let mut values = vec![f32::NAN; width * height];
        let mut line = vec![Vector2::zeros(); self.columns];
        for (y, out) in values.chunks_exact_mut(width).enumerate() {
            let (row, share) = place(y, self.rows);
            let [upper, lower] =
                [row, row + 1].map(|row| &shifts[row * self.columns..(row + 1) * self.columns]);
            for ((out, upper), lower) in line.iter_mut().zip(upper).zip(lower) {
                *out = upper.lerp(lower, share);
            }
            for ((x, out), &(column, share)) in out.iter_mut().enumerate().zip(&across) {
                let shift = line[column].lerp(&line[column + 1], share);
                let (u, v) = (x as f32 + shift.x, y as f32 + shift.y);
                if u >= 0.0 && v >= 0.0 && u <= last_x && v <= last_y {
                    let (left, top) = ((u as usize).min(width - 2), (v as usize).min(height - 2));
                    *out = interpolate(plane, top * width + left, u - left as f32, v - top as f32);
                }
            }
        }
        Plane::new(width, height, values)
    }

    /// Compares both photos block by block.
    #[inline(always)]
    pub fn compare(&self, sums: &[Sums]) -> Vec<Option<DifferenceBlock>> {
        let near: Vec<Moments> = self.moments(sums, NEAR, |_| 1.0);
        // Brightness and contrast of what agrees.
        let around = self.moments(sums, AROUND, |at| {
            if near[at].agrees() { 1.0 } else { DISAGREEING }
        });
        let all = self.moments(sums, 1, |_| 1.0);
        let values = near.iter().zip(&around).zip(&all).zip(sums);
        values
            .map(|(((near, around), own), sums)| {
                (sums.count > 0.0).then(|| {
                    let [low, high] = CONTRASTS;
                    let ratio =
                        (around.variance[1] + 4.0 * NOISE) / (around.variance[0] + 4.0 * NOISE);
                    let contrast = ratio.sqrt().clamp(low, high);
                    let offset = around.mean[1] - contrast * around.mean[0];
                    // Mean of (b - contrast a - offset)^2.
                    let mean = own.mean[1] - contrast * own.mean[0] - offset;
                    let spread = own.variance[1] + contrast * contrast * own.variance[0]
                        - 2.0 * contrast * own.covariance;
                    DifferenceBlock {
                        correlation: near.correlation(),
                        texture: near.variance[0].min(near.variance[1]),
                        difference: (spread + mean * mean).max(0.0) / contrast,
                        structure: [own.variance[0] * contrast, own.variance[1] / contrast],
                        shift: Vector2::zeros(),
                        gradients: [0.0; 3],
                    }
                })
            })
            .collect()
    }

    /// Moments of each block with those near it.
    #[inline(always)]
    pub fn near(&self, a: &Plane, b: &Plane) -> Vec<Moments> {
        let sums: Vec<Sums> = self.map(|column, row| Sums::new(a, b, column, row));
        self.moments(&sums, NEAR, |_| 1.0)
    }

    #[inline(always)]
    pub fn moments(
        &self,
        sums: &[Sums],
        radius: usize,
        weight: impl Fn(usize) -> f32,
    ) -> Vec<Moments> {
        let weighted: Vec<[f32; 6]> = sums
            .iter()
            .enumerate()
            .map(|(at, sums)| sums.weighted(weight(at)))
            .collect();
        let sums = self.around(&weighted, radius);
        sums.iter().map(Moments::new).collect()
    }
}

#[inline(always)]
fn sum<'a, const N: usize>(values: impl Iterator<Item = &'a [f32; N]>) -> [f32; N] {
    let mut sum = [0.0; N];
    for value in values {
        for (sum, value) in sum.iter_mut().zip(value) {
            *sum += value;
        }
    }
    sum
}

/// Sums over the pixels of a block; of none where a pixel is unknown.
#[derive(Clone, Copy, Default)]
pub struct Sums {
    pub count: f32,
    first: [f32; 2],
    squares: [f32; 2],
    product: f32,
}

impl Sums {
    #[inline(always)]
    pub fn new(a: &Plane, b: &Plane, column: usize, row: usize) -> Self {
        let mut sums = Self {
            count: (BLOCK * BLOCK) as f32,
            ..Self::default()
        };
        for y in row * BLOCK..(row + 1) * BLOCK {
            let part = column * BLOCK..(column + 1) * BLOCK;
            for (a, b) in a.row(y)[part.clone()].iter().zip(&b.row(y)[part]) {
                // About the middle, where sums of squares lose least.
                let (a, b) = (a - 128.0, b - 128.0);
                sums.first[0] += a;
                sums.first[1] += b;
                sums.squares[0] += a * a;
                sums.squares[1] += b * b;
                sums.product += a * b;
            }
        }
        match sums.product.is_nan() {
            true => Self::default(),
            false => sums,
        }
    }

    #[inline(always)]
    fn weighted(&self, weight: f32) -> [f32; 6] {
        let [a, b] = self.first;
        let [aa, bb] = self.squares;
        [self.count, a, b, aa, bb, self.product].map(|value| value * weight)
    }
}

/// Means, variances and covariance of the grey levels of both photos.
pub struct Moments {
    pub mean: [f32; 2],
    pub variance: [f32; 2],
    covariance: f32,
}

impl Moments {
    #[inline(always)]
    pub fn new(&[count, a, b, aa, bb, ab]: &[f32; 6]) -> Self {
        let count = count.max(f32::MIN_POSITIVE);
        let mean = [a / count, b / count];
        Self {
            mean,
            variance: [
                (aa / count - mean[0] * mean[0]).max(0.0),
                (bb / count - mean[1] * mean[1]).max(0.0),
            ],
            covariance: ab / count - mean[0] * mean[1],
        }
    }

    #[inline(always)]
    pub fn correlation(&self) -> f32 {
        let [a, b] = self.variance.map(|variance| variance + NOISE);
        self.covariance / (a * b).sqrt()
    }

    #[inline(always)]
    pub fn agrees(&self) -> bool {
        self.correlation() > AGREES && self.has_texture()
    }

    #[inline(always)]
    pub fn differs(&self) -> bool {
        self.correlation() <= AGREES && self.has_texture()
    }

    #[inline(always)]
    fn has_texture(&self) -> bool {
        self.variance[0].min(self.variance[1]) > MIN_TEXTURE
    }
}
