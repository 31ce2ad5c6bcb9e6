//! The first convolution: few input channels, which lie plane after plane.

use super::depthwise::Shape;
use super::lanes::{
    Buffer, Clip, Cover, Kernel, LANES, Lanes, Tile, blocks, dispatch, multiply_add, unroll,
};
use super::pointwise::{Region, pack};

/// A 3 x 3 convolution with stride 2 of an image of planes.
#[derive(Debug, Clone)]
pub(super) struct Stem {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) shape: Shape,
    /// `[output blocks][inputs][3][3]`.
    weights: Buffer,
    bias: Buffer,
    clip: Clip,
}

const KERNEL: usize = 3;
const STRIDE: usize = 2;

impl Stem {
    /// Whether there is a kernel for `shape`.
    pub(super) fn supports(shape: &Shape) -> bool {
        shape.kernel == KERNEL && shape.stride == STRIDE && shape.is_supported()
    }

    /// `weights` is `[outputs][inputs][3][3]`, `bias` is `[outputs]`.
    pub(super) fn new(weights: &[f32], bias: &[f32], shape: Shape, clip: Clip) -> Self {
        let outputs = bias.len();
        let taps = weights.len() / outputs.max(1);
        Self {
            inputs: taps / (KERNEL * KERNEL),
            outputs,
            shape,
            weights: pack(weights, taps, outputs),
            bias: pack(bias, 1, outputs),
            clip,
        }
    }

    /// The input rows of one output row, with their zeros: `[inputs][3][width + padding]`.
    pub(super) fn gather(
        &self,
        image: &[f32],
        (height, width): (usize, usize),
        output_row: usize,
        rows: &mut Vec<f32>,
    ) {
        let [top, left, _, right] = self.shape.padding;
        let padded = left + width + right;
        rows.clear();
        rows.resize(self.inputs * KERNEL * padded, 0.0);
        for (index, row) in rows.chunks_exact_mut(padded).enumerate() {
            let (input, tap) = (index / KERNEL, index % KERNEL);
            let below_top = output_row * STRIDE + tap;
            if (top..top + height).contains(&below_top) {
                let source = (input * height + below_top - top) * width;
                row[left..left + width].copy_from_slice(&image[source..][..width]);
            }
        }
    }

    /// One row of `count` outputs from the rows that [`Self::gather`] gave.
    pub(super) fn run(&self, count: usize, rows: &[f32], y: &mut [Lanes], to: Region) {
        dispatch(Row {
            stem: self,
            count,
            rows,
            y,
            to,
        });
    }
}

struct Row<'a> {
    stem: &'a Stem,
    count: usize,
    rows: &'a [f32],
    y: &'a mut [Lanes],
    to: Region,
}

impl Kernel for Row<'_> {
    #[inline(always)]
    fn run<const TILE: usize, const PART: usize, const WIDE: usize, const FMA: bool>(mut self) {
        let blocks = blocks(self.stem.outputs);
        let mut block = 0;
        while block < blocks {
            let wide = if WIDE >= 2 && blocks - block >= 2 {
                2
            } else {
                1
            };
            if wide == 2 {
                self.columns::<TILE, PART, 2, FMA>(block);
            } else {
                self.columns::<TILE, PART, 1, FMA>(block);
            }
            block += wide;
        }
    }
}

impl Row<'_> {
    #[inline(always)]
    fn columns<const TILE: usize, const PART: usize, const WIDE: usize, const FMA: bool>(
        &mut self,
        block: usize,
    ) {
        let mut cover = Cover::<TILE, PART>::new(self.count);
        while let Some((tile, pixel)) = cover.next() {
            match tile {
                Tile::Whole => self.tile::<TILE, WIDE, FMA>(block, pixel),
                Tile::Part => self.tile::<PART, WIDE, FMA>(block, pixel),
                Tile::Single => self.tile::<1, WIDE, FMA>(block, pixel),
            }
        }
    }

    #[inline(always)]
    fn tile<const TILE: usize, const WIDE: usize, const FMA: bool>(
        &mut self,
        block: usize,
        pixel: usize,
    ) {
        let lines = self.stem.inputs * KERNEL;
        let width = self.rows.len() / lines;
        let weights = self.stem.weights.lanes();
        let bias = &self.stem.bias.lanes()[block..][..WIDE];
        let mut sums = [[[0.0; LANES]; WIDE]; TILE];
        unroll!(tile < TILE, 8 => {
            unroll!(wide < WIDE, 3 => {
                sums[tile][wide] = bias[wide];
            });
        });
        for (line, row) in self.rows.chunks_exact(width).enumerate() {
            let x = &row[pixel * STRIDE..][..(TILE - 1) * STRIDE + KERNEL];
            let mut columns: [&[Lanes]; WIDE] = [&[]; WIDE];
            unroll!(wide < WIDE, 3 => {
                columns[wide] = &weights[((block + wide) * lines + line) * KERNEL..][..KERNEL];
            });
            unroll!(column < KERNEL, 5 => {
                unroll!(tile < TILE, 8 => {
                    let value = [x[tile * STRIDE + column]; LANES];
                    unroll!(wide < WIDE, 3 => {
                        multiply_add::<FMA>(&mut sums[tile][wide], &value, &columns[wide][column]);
                    });
                });
            });
        }
        unroll!(wide < WIDE, 3 => {
            let at = self.to.start + (block + wide) * self.to.plane + pixel;
            let y = &mut self.y[at..][..TILE];
            unroll!(tile < TILE, 8 => {
                y[tile] = self.stem.clip.apply(&sums[tile][wide]);
            });
        });
    }
}
