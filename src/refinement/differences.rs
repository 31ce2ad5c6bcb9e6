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

use super::align::{ALIGNED_PIXELS, Gradients};
use super::blocks::{AGREES, AROUND, BLOCK, Grid, MIN_TEXTURE, NOISE, Sums};
use super::correlation::{Search, WINDOW};
use super::movement::Shift;
use super::pictures::DrawnPair;
use super::plane::Plane;

/// Passes of a binomial blur with the weights 1, 2, 1 that the sharper photo is given at most.
const MAX_PASSES: usize = 6;
/// Radius in which something that differs may have moved, in pixels.
const NEARBY: i32 = 8;

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
        let gradients = Gradients::new(&a, &grid);
        let there = gradients.align(&a, &b, &grid, &mut shifts);
        let (a, there) = as_sharp(a, there);
        let sums: Vec<Sums> = grid.map(|column, row| Sums::new(&a, &there, column, row));
        let mut blocks = grid.compare(&sums);
        let moved = shifts.iter().zip(&gradients.hessians);
        for (block, (shift, sums)) in blocks.iter_mut().zip(moved) {
            if let Some(block) = block {
                block.shift = *shift;
                block.gradients = sums.map(|sum| sum / ALIGNED_PIXELS);
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

    /// The shifts of the blocks that agree, with their indices.
    pub(crate) fn shifts(&self) -> Vec<(usize, Shift)> {
        let count = [self.columns, self.blocks.len() / self.columns];
        let blocks = self.blocks.iter().enumerate();
        let agreeing = blocks.filter_map(|(at, block)| {
            let block = block.as_ref().filter(|block| block.agrees())?;
            let place = [at % self.columns, at / self.columns];
            Some((at, Shift::new(place, count, block.shift, block.gradients)))
        });
        agreeing.collect()
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

    /// Root mean square of the differences of the sorted grey levels of both photos over the blocks of a group, as a part of
    /// that of the differences at each place: 0 where the same levels stand at other places, 1 where one photo is lighter
    /// throughout. Brightness and contrast are those of `about`, blocks that agree; 1 without such blocks, for no group
    /// and for a map without photos.
    pub fn level_share(&self, group: &[usize], about: &[usize]) -> f32 {
        let Some([a, b]) = self.planes.as_ref().filter(|_| !about.is_empty()) else {
            return 1.0;
        };
        let pixels = |blocks: &[usize]| -> [Vec<f32>; 2] {
            [a, b].map(|plane| {
                let rows = blocks.iter().flat_map(|at| {
                    let (column, row) = (at % self.columns, at / self.columns);
                    (row * BLOCK..(row + 1) * BLOCK).map(move |y| (y, column * BLOCK))
                });
                rows.flat_map(|(y, x)| plane.row(y)[x..x + BLOCK].iter().copied())
                    .collect()
            })
        };
        let surroundings = pixels(about);
        let mean = |levels: &[f32]| levels.iter().sum::<f32>() / levels.len() as f32;
        let means = [0, 1].map(|photo| mean(&surroundings[photo]));
        let [deviation1, deviation2] = [0, 1].map(|photo| {
            let squares = surroundings[photo]
                .iter()
                .map(|level| (level - means[photo]).powi(2));
            (squares.sum::<f32>() / surroundings[photo].len() as f32 + NOISE).sqrt()
        });
        let contrast = deviation2 / deviation1;
        let [mut first, mut second] = pixels(group);
        for level in &mut first {
            *level = means[1] + contrast * (*level - means[0]);
        }
        let difference = |first: &[f32], second: &[f32]| {
            let squares = first.iter().zip(second).map(|(a, b)| (a - b).powi(2));
            squares.sum::<f32>()
        };
        let placed = difference(&first, &second);
        first.sort_by(f32::total_cmp);
        second.sort_by(f32::total_cmp);
        (difference(&first, &second) / placed.max(f32::MIN_POSITIVE))
            .sqrt()
            .min(1.0)
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
