//! What is left of the difference of two photos after one is aligned with the other to a part of a pixel and the
//! light is taken off.
//!
//! Another number on an else equal label covers a few pixels. Windows that are large enough to be found again
//! still correlate there. So photo 2 is drawn with the shift that its surroundings have (Lucas and Kanade, IJCAI
//! 1981, with gradients of photo 1 alone as in Baker and Matthews, IJCV 56, 2004), the sharper photo is blurred until
//! both are as sharp, and in each small block the other's grey levels are foretold by brightness and contrast of the
//! surroundings that agree. What they miss is the difference.

use nalgebra::Vector2;
use pulp::{Arch, Simd, WithSimd};

use super::correlation::{Search, WINDOW};
use super::pictures::DrawnPair;
use super::plane::Plane;
use super::warp::interpolate;

/// Pixels along each side of a block.
const BLOCK: usize = 4;
/// Blocks to either side that count for the correlation of a block, for brightness and contrast, and for the
/// shift.
const NEAR: usize = 2;
const AROUND: usize = 5;
const MOVED: usize = 4;
/// Pixels of the blocks that count for the shift.
const MOVED_PIXELS: f32 = ((2 * MOVED + 1) * BLOCK).pow(2) as f32;
/// Rounds of Lucas and Kanade, and the pixels that a block moves at most, in a round and in all.
const ROUNDS: usize = 3;
const MAX_STEP: f32 = 1.0;
const MAX_MOVE: f32 = 3.0;
/// Passes of a binomial blur with the weights 1, 2, 1 that the sharper photo is given at most.
const MAX_PASSES: usize = 6;
/// Correlation from which a block agrees, and the least variance of grey levels of a textured one.
const AGREES: f32 = 0.8;
const MIN_TEXTURE: f32 = 16.0;
/// Variance of grey levels that counts as noise.
const NOISE: f32 = 2.0;
/// Radius in which something that differs may have moved, in pixels.
const NEARBY: i32 = 8;
/// Limits of the ratio of both contrasts.
const CONTRASTS: [f32; 2] = [0.2, 5.0];
/// Weight of a block that disagrees, for brightness and contrast.
const DISAGREEING: f32 = 0.1;

/// One block of the overlap.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DifferenceBlock {
    /// Zero-mean normalised correlation of the block and those around it, -1 to 1, with the variance of noise added
    /// to both photos'.
    pub correlation: f32,
    /// Variance of the grey levels there in the photo that has less.
    pub texture: f32,
    /// Mean squared difference of the grey levels after brightness and contrast, over the block and its neighbours, in
    /// squared grey levels of a contrast between both photos'.
    pub difference: f32,
    /// Variance of the grey levels of photo 1 and of photo 2 over the block and its neighbours, in the same unit.
    pub structure: [f32; 2],
    /// The block's shift from its place under the homography, in pixels of the frame.
    pub shift: Vector2<f32>,
    /// Mean squares of photo 1's gradients along x and y about the block and, in the middle, their mean product, in squared
    /// grey levels a pixel. Along a straight edge they tell nothing of the shift.
    pub gradients: [f32; 3],
}

impl DifferenceBlock {
    /// Whether both photos have texture there and show the same.
    pub fn agrees(&self) -> bool {
        self.correlation > AGREES && self.texture > MIN_TEXTURE
    }
}

/// Blocks of the overlap of two photos that one homography aligns.
#[derive(Debug, Clone, PartialEq)]
pub struct DifferenceMap {
    /// Blocks in a row.
    pub columns: usize,
    /// Row by row; none outside of the overlap.
    pub blocks: Vec<Option<DifferenceBlock>>,
    /// Both photos, aligned; none of a map that was not made of photos.
    planes: Option<[Plane; 2]>,
}

impl DifferenceMap {
    /// Compares a pair drawn into one frame; none where the frame holds a few blocks alone.
    pub(super) fn new(drawn: &DrawnPair) -> Option<Self> {
        Arch::new().dispatch(Compared(drawn))
    }

    #[inline(always)]
    fn compare(drawn: &DrawnPair) -> Option<Self> {
        let (columns, rows) = (drawn.upright.width / BLOCK, drawn.upright.height / BLOCK);
        if columns.min(rows) < 2 * AROUND {
            return None;
        }
        let grid = Grid { columns, rows };
        let (a, b) = (blurred(&drawn.upright), blurred(&drawn.moved));
        let mut shifts = grid.map(|column, row| {
            let cell = |index: usize, count: usize| (index as f32 + 0.5) / count as f32;
            drawn.shift_at([cell(column, columns), cell(row, rows)])
        });
        let first = shifts.clone();
        let gradients = Gradients::new(&a, &grid);
        let mut there = grid.drawn(&b, &shifts);
        for _ in 0..ROUNDS {
            gradients.follow(&a, &there, &grid, &first, &mut shifts);
            there = grid.drawn(&b, &shifts);
        }
        let (a, there) = as_sharp(a, there);
        let sums: Vec<Sums> = grid.map(|column, row| Sums::new(&a, &there, column, row));
        let mut blocks = grid.compare(&sums);
        let moved = shifts.iter().zip(&gradients.hessians);
        for (block, (shift, sums)) in blocks.iter_mut().zip(moved) {
            if let Some(block) = block {
                block.shift = *shift;
                block.gradients = sums.map(|sum| sum / MOVED_PIXELS);
            }
        }
        Some(Self {
            columns,
            blocks,
            planes: Some([a, there]),
        })
    }

    /// A map of these blocks, without photos.
    #[cfg(test)]
    pub(crate) fn of(columns: usize, blocks: Vec<Option<DifferenceBlock>>) -> Self {
        Self {
            columns,
            blocks,
            planes: None,
        }
    }

    /// For each of these blocks the best correlation of what is about it with a place of the other photo within eight
    /// pixels, the lesser of both photos'; -1 to 1, and 0 for a map without photos. Parallax moves a thing
    /// away from where its surroundings are, and there it is found.
    pub fn nearby_correlations(&self, blocks: &[usize]) -> Vec<f32> {
        let Some([a, b]) = self.planes.as_ref().filter(|_| !blocks.is_empty()) else {
            return vec![0.0; blocks.len()];
        };
        let corner = |block: usize, side: usize| {
            let first = (block * BLOCK + BLOCK / 2).saturating_sub(WINDOW / 2);
            first.min(side - WINDOW) as i32
        };
        let correlation = |search: &Search, at: usize| {
            let place = [
                corner(at % self.columns, a.width),
                corner(at / self.columns, a.height),
            ];
            let window = search.find(place, Vector2::zeros(), NEARBY);
            window.map_or(0.0, |window| window.correlation)
        };
        let search = Search::new(a, b);
        let there: Vec<f32> = blocks.iter().map(|&at| correlation(&search, at)).collect();
        let search = search.back();
        let back = blocks.iter().map(|&at| correlation(&search, at));
        there
            .iter()
            .zip(back)
            .map(|(there, back)| there.min(back))
            .collect()
    }

    /// Puts the photos in the other order.
    pub(super) fn swap(&mut self) {
        let blocks = self.blocks.iter_mut().flatten();
        blocks.for_each(|block| block.structure.swap(0, 1));
    }
}

/// A pair to be compared with the processor's widest vectors; each value is computed alike on all.
struct Compared<'a>(&'a DrawnPair);

impl WithSimd for Compared<'_> {
    type Output = Option<DifferenceMap>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Self::Output {
        DifferenceMap::compare(self.0)
    }
}

/// The blocks of a frame.
struct Grid {
    columns: usize,
    rows: usize,
}

impl Grid {
    /// A value a block, row by row.
    #[inline(always)]
    fn map<T>(&self, mut value: impl FnMut(usize, usize) -> T) -> Vec<T> {
        let blocks = 0..self.columns * self.rows;
        blocks
            .map(|at| value(at % self.columns, at / self.columns))
            .collect()
    }

    /// The sum over the blocks up to `radius` away along each side, by running sums.
    #[inline(always)]
    fn around<const N: usize>(&self, values: &[[f32; N]], radius: usize) -> Vec<[f32; N]> {
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
    fn drawn(&self, plane: &Plane, shifts: &[Vector2<f32>]) -> Plane {
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
    fn compare(&self, sums: &[Sums]) -> Vec<Option<DifferenceBlock>> {
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

    #[inline(always)]
    fn moments(&self, sums: &[Sums], radius: usize, weight: impl Fn(usize) -> f32) -> Vec<Moments> {
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
struct Sums {
    count: f32,
    first: [f32; 2],
    squares: [f32; 2],
    product: f32,
}

impl Sums {
    #[inline(always)]
    fn new(a: &Plane, b: &Plane, column: usize, row: usize) -> Self {
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
struct Moments {
    mean: [f32; 2],
    variance: [f32; 2],
    covariance: f32,
}

impl Moments {
    #[inline(always)]
    fn new(&[count, a, b, aa, bb, ab]: &[f32; 6]) -> Self {
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
    fn correlation(&self) -> f32 {
        let [a, b] = self.variance.map(|variance| variance + NOISE);
        self.covariance / (a * b).sqrt()
    }

    #[inline(always)]
    fn agrees(&self) -> bool {
        self.correlation() > AGREES && self.variance[0].min(self.variance[1]) > MIN_TEXTURE
    }
}

/// Gradients of photo 1 in each block.
struct Gradients {
    x: Vec<f32>,
    y: Vec<f32>,
    /// Of the blocks around: sums of squares and of products.
    hessians: Vec<[f32; 3]>,
}

impl Gradients {
    #[inline(always)]
    fn new(plane: &Plane, grid: &Grid) -> Self {
        let (width, height) = (plane.width, plane.height);
        let (mut x, mut y) = (vec![0.0; width * height], vec![0.0; width * height]);
        for row in 1..height - 1 {
            let at = row * width;
            let [above, own, below] = [row - 1, row, row + 1].map(|row| plane.row(row));
            for column in 1..width - 1 {
                let dx = 0.5 * (own[column + 1] - own[column - 1]);
                let dy = 0.5 * (below[column] - above[column]);
                if !(dx + dy).is_nan() {
                    x[at + column] = dx;
                    y[at + column] = dy;
                }
            }
        }
        let products = grid.map(|column, row| {
            let mut sums = [0.0; 3];
            for line in row * BLOCK..(row + 1) * BLOCK {
                let part = line * width + column * BLOCK..line * width + (column + 1) * BLOCK;
                for (dx, dy) in x[part.clone()].iter().zip(&y[part]) {
                    sums[0] += dx * dx;
                    sums[1] += dx * dy;
                    sums[2] += dy * dy;
                }
            }
            sums
        });
        let hessians = grid.around(&products, MOVED);
        Self { x, y, hessians }
    }

    /// Moves each block by what brings photo 2, as drawn, closer to photo 1.
    #[inline(always)]
    fn follow(
        &self,
        a: &Plane,
        b: &Plane,
        grid: &Grid,
        first: &[Vector2<f32>],
        shifts: &mut [Vector2<f32>],
    ) {
        let sums: Vec<Sums> = grid.map(|column, row| Sums::new(a, b, column, row));
        let moments = grid.moments(&sums, MOVED, |_| 1.0);
        let errors = grid.map(|column, row| {
            let at = row * grid.columns + column;
            let mut products = [0.0; 2];
            if sums[at].count == 0.0 {
                return products;
            }
            let Moments { mean, variance, .. } = &moments[at];
            let contrast = ((variance[0] + NOISE) / (variance[1] + NOISE)).sqrt();
            let base = mean[0] + 128.0 - contrast * (mean[1] + 128.0);
            for line in row * BLOCK..(row + 1) * BLOCK {
                let start = line * a.width + column * BLOCK;
                for at in start..start + BLOCK {
                    let error = a.values[at] - (contrast * b.values[at] + base);
                    products[0] += self.x[at] * error;
                    products[1] += self.y[at] * error;
                }
            }
            products
        });
        let errors = grid.around(&errors, MOVED);
        for (at, shift) in shifts.iter_mut().enumerate() {
            // A gradient of a grey level counts as none.
            let [xx, xy, yy] = self.hessians[at];
            let (xx, yy) = (xx + MOVED_PIXELS, yy + MOVED_PIXELS);
            let determinant = xx * yy - xy * xy;
            let [x, y] = errors[at];
            let step = Vector2::new(yy * x - xy * y, xx * y - xy * x) / determinant;
            let moved = *shift + step.map(|part| part.clamp(-MAX_STEP, MAX_STEP)) - first[at];
            *shift = first[at] + moved.map(|part| part.clamp(-MAX_MOVE, MAX_MOVE));
        }
    }
}

/// The plane with the weights 1, 2, 1 along both sides; unknown beside an unknown pixel.
#[inline(always)]
fn blurred(plane: &Plane) -> Plane {
    let (width, height) = (plane.width, plane.height);
    let mut along = vec![0.0; width * height];
    for (y, out) in along.chunks_exact_mut(width).enumerate() {
        let row = plane.row(y);
        for (x, out) in out.iter_mut().enumerate() {
            let (left, right) = (row[x.saturating_sub(1)], row[(x + 1).min(width - 1)]);
            *out = 0.25 * (left + right) + 0.5 * row[x];
        }
    }
    let mut values = vec![0.0; width * height];
    for (y, out) in values.chunks_exact_mut(width).enumerate() {
        let row = |y: usize| &along[y * width..(y + 1) * width];
        let rows = row(y.saturating_sub(1))
            .iter()
            .zip(row(y))
            .zip(row((y + 1).min(height - 1)));
        for (out, ((above, own), below)) in out.iter_mut().zip(rows) {
            *out = 0.25 * (above + below) + 0.5 * own;
        }
    }
    Plane::new(width, height, values)
}

/// Blurs the sharper of two planes until both are about as sharp: until a blur takes the same share of their
/// variance.
#[inline(always)]
fn as_sharp(a: Plane, b: Plane) -> (Plane, Plane) {
    let known: Vec<bool> = a
        .values
        .iter()
        .zip(&b.values)
        .map(|(a, b)| !(a + b).is_nan())
        .collect();
    // Logarithm of the share that a blur takes.
    let sharpness = |plane: &Plane, blurred: &Plane| {
        let (mut lost, mut sums, mut squares, mut count) = (0.0f64, 0.0f64, 0.0f64, 0.0f64);
        for ((value, blurred), is_known) in plane.values.iter().zip(&blurred.values).zip(&known) {
            if *is_known && !blurred.is_nan() {
                lost += f64::from((value - blurred).powi(2));
                sums += f64::from(*value);
                squares += f64::from(value * value);
                count += 1.0;
            }
        }
        let variance = squares / f64::max(count, 1.0) - (sums / f64::max(count, 1.0)).powi(2);
        (lost / f64::max(count, 1.0) / variance.max(1.0))
            .max(1e-9)
            .ln()
    };
    let blurs = [blurred(&a), blurred(&b)];
    let mut sharp = [sharpness(&a, &blurs[0]), sharpness(&b, &blurs[1])];
    let mut planes = [a, b];
    let sharper = usize::from(sharp[1] > sharp[0]);
    let mut next = blurs.into_iter().nth(sharper);
    for _ in 0..MAX_PASSES {
        let Some(blurrer) = next.take() else { break };
        let after = blurred(&blurrer);
        let then = sharpness(&blurrer, &after);
        let other = sharp[1 - sharper];
        if (then - other).abs() >= (sharp[sharper] - other).abs() {
            break;
        }
        planes[sharper] = blurrer;
        sharp[sharper] = then;
        next = Some(after);
    }
    let [a, b] = planes;
    (a, b)
}
