//! Alignment of two pictures of one frame, block by block.

use nalgebra::Vector2;

use super::blocks::{BLOCK, Grid, Moments, NOISE, Sums};
use super::movement::{Movement, Shift};
use super::plane::Plane;

/// Blocks to either side that count for the shift of a block.
const ALIGNED: usize = 4;
/// Pixels of those blocks.
pub const ALIGNED_PIXELS: f32 = ((2 * ALIGNED + 1) * BLOCK).pow(2) as f32;
/// Blocks to either side by whose shift a block that disagrees is looked for.
const SURROUNDINGS: usize = 16;
/// Part of the agreeing blocks that follow one movement, from which all are of one surface.
const ONE_SURFACE: f32 = 0.9;
/// Rounds of Lucas and Kanade, and the pixels that a block moves at most, in a round and in all.
const ROUNDS: usize = 3;
const MAX_STEP: f32 = 1.0;
const MAX_MOVE: f32 = 3.0;

/// Gradients of photo 1 in each block.
pub struct Gradients {
    x: Vec<f32>,
    y: Vec<f32>,
    /// Of the blocks around: sums of squares and of products.
    pub hessians: Vec<[f32; 3]>,
}

impl Gradients {
    #[inline(always)]
    pub fn new(plane: &Plane, grid: &Grid) -> Self {
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
        let hessians = grid.around(&products, ALIGNED);
        Self { x, y, hessians }
    }

    /// Moves the blocks to where photo 2, drawn with their shifts, is most like photo 1, and gives it so drawn.
    #[inline(always)]
    pub fn align(&self, a: &Plane, b: &Plane, grid: &Grid, shifts: &mut [Vector2<f32>]) -> Plane {
        let there = self.follow_all(a, b, grid, shifts, ROUNDS);
        // Lines of text are alike, and a cell may have been found a line too high. Blocks are looked for again where most of
        // what agrees would put them, and, if there are several surfaces, where their surroundings would.
        let found = grid.near(a, &there);
        if !mostly_agrees(&found) {
            return there;
        }
        let (others, following) = self.common_movement(grid, &found, shifts);
        let there = self.improve(a, b, grid, &found, shifts, others);
        if following > ONE_SURFACE {
            return there;
        }
        let found = grid.near(a, &there);
        if !mostly_agrees(&found) {
            return there;
        }
        let others = self.shifts_around(grid, &found, shifts);
        self.improve(a, b, grid, &found, shifts, others)
    }

    /// Takes for each block the other shift, once followed, if it correlates better there than it was found to, and gives
    /// photo 2 so drawn.
    #[inline(always)]
    fn improve(
        &self,
        a: &Plane,
        b: &Plane,
        grid: &Grid,
        found: &[Moments],
        shifts: &mut [Vector2<f32>],
        mut others: Vec<Vector2<f32>>,
    ) -> Plane {
        let elsewhere = self.follow_all(a, b, grid, &mut others, 1);
        let moments = grid.near(a, &elsewhere);
        let both = found.iter().zip(&moments);
        for ((shift, other), (found, moments)) in shifts.iter_mut().zip(others).zip(both) {
            if moments.correlation() > found.correlation() {
                *shift = other;
            }
        }
        grid.drawn(b, shifts)
    }

    /// The shift of each block by the movement that most of those which agree follow, and the part of them that do.
    #[inline(always)]
    fn common_movement(
        &self,
        grid: &Grid,
        found: &[Moments],
        shifts: &[Vector2<f32>],
    ) -> (Vec<Vector2<f32>>, f32) {
        let count = [grid.columns, grid.rows];
        let agreeing = (0..found.len()).filter(|&at| found[at].agrees());
        let agreeing: Vec<Shift> = agreeing
            .map(|at| Shift::new(grid.place(at), count, shifts[at], self.hessians[at]))
            .collect();
        let agreeing: Vec<&Shift> = agreeing.iter().collect();
        let movement = Movement::fit(&agreeing);
        let following = movement.following(&agreeing);
        let shifts = grid.map(|column, row| movement.at([column, row], count));
        (shifts, following)
    }

    /// The shift of each block that agrees, and for the others the shift of those about them which do, as far as their
    /// gradients tell, or their own.
    #[inline(always)]
    fn shifts_around(
        &self,
        grid: &Grid,
        found: &[Moments],
        shifts: &[Vector2<f32>],
    ) -> Vec<Vector2<f32>> {
        // The normal equations of the shift that these blocks have in common.
        let places = found.iter().zip(shifts).zip(&self.hessians);
        let agreeing: Vec<[f32; 5]> = places
            .map(|((moments, shift), &[xx, xy, yy])| match moments.agrees() {
                true => {
                    let (x, y) = (xx * shift.x + xy * shift.y, xy * shift.x + yy * shift.y);
                    [xx, xy, yy, x, y]
                }
                false => [0.0; 5],
            })
            .collect();
        let sums = grid.around(&agreeing, SURROUNDINGS);
        let values = found.iter().zip(shifts).zip(sums);
        let shifts = values.map(|((moments, shift), [xx, xy, yy, x, y])| {
            match moments.agrees() || x == 0.0 && y == 0.0 {
                true => *shift,
                false => solved([xx, xy, yy], [x, y]),
            }
        });
        shifts.collect()
    }

    /// Moves the blocks until photo 2, drawn with their shifts, is close to photo 1, and gives it so drawn.
    #[inline(always)]
    fn follow_all(
        &self,
        a: &Plane,
        b: &Plane,
        grid: &Grid,
        shifts: &mut [Vector2<f32>],
        rounds: usize,
    ) -> Plane {
        let first = shifts.to_vec();
        let mut there = grid.drawn(b, shifts);
        for _ in 0..rounds {
            self.follow(a, &there, grid, &first, shifts);
            there = grid.drawn(b, shifts);
        }
        there
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
        let moments = grid.moments(&sums, ALIGNED, |_| 1.0);
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
        let errors = grid.around(&errors, ALIGNED);
        for (at, shift) in shifts.iter_mut().enumerate() {
            let step = solved(self.hessians[at], errors[at]);
            let moved = *shift + step.map(|part| part.clamp(-MAX_STEP, MAX_STEP)) - first[at];
            *shift = first[at] + moved.map(|part| part.clamp(-MAX_MOVE, MAX_MOVE));
        }
    }
}

/// Whether some textured blocks differ, but no more than agree: of two photos that hardly agree nothing is looked for again.
#[inline(always)]
fn mostly_agrees(found: &[Moments]) -> bool {
    let differing = found.iter().filter(|moments| moments.differs()).count();
    let agreeing = found.iter().filter(|moments| moments.agrees()).count();
    differing > 0 && agreeing >= differing
}

/// The shift of normal equations: sums of squares and of products of the gradients, and of the gradients and errors. A
/// gradient of a grey level counts as none.
#[inline(always)]
fn solved([xx, xy, yy]: [f32; 3], [x, y]: [f32; 2]) -> Vector2<f32> {
    let (xx, yy) = (xx + ALIGNED_PIXELS, yy + ALIGNED_PIXELS);
    Vector2::new(yy * x - xy * y, xx * y - xy * x) / (xx * yy - xy * xy)
}
