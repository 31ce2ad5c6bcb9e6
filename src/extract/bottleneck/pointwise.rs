//! A 1 x 1 convolution as a matrix product: weights stay packed, pixels are read in place.

use super::lanes::{
    Buffer, Clip, Cover, Kernel, LANES, Lanes, Tile, blocks, dispatch, multiply_add, unroll,
};

/// `y = clip(W x + bias)` at every pixel.
#[derive(Debug, Clone)]
pub(super) struct Pointwise {
    inputs: usize,
    outputs: usize,
    /// `[output blocks][inputs]`: one input's weights for 16 outputs.
    weights: Buffer,
    bias: Buffer,
    clip: Clip,
}

/// Where a map's pixels lie: block after block, `plane` pixels apart, the first at `start`.
#[derive(Clone, Copy)]
pub(super) struct Region {
    pub(super) start: usize,
    pub(super) plane: usize,
}

impl Pointwise {
    /// `weights` is `[outputs][inputs]`, `bias` is `[outputs]`.
    pub(super) fn new(weights: &[f32], bias: &[f32], clip: Clip) -> Self {
        let outputs = bias.len();
        let inputs = weights.len() / outputs.max(1);
        Self {
            inputs,
            outputs,
            weights: pack(weights, inputs, outputs),
            bias: pack(bias, 1, outputs),
            clip,
        }
    }

    pub(super) fn inputs(&self) -> usize {
        self.inputs
    }

    pub(super) fn outputs(&self) -> usize {
        self.outputs
    }

    /// Computes `count` pixels of `x` into `y`, adding `residual`, which lies as `y` does.
    pub(super) fn run(
        &self,
        count: usize,
        (x, from): (&[Lanes], Region),
        (y, to): (&mut [Lanes], Region),
        residual: Option<&[Lanes]>,
    ) {
        dispatch(Product {
            layer: self,
            count,
            x,
            from,
            y,
            to,
            residual,
        });
    }
}

/// `[outputs][inputs]` as `[output blocks][inputs]` of [`Lanes`], missing outputs zero.
pub(super) fn pack(weights: &[f32], inputs: usize, outputs: usize) -> Buffer {
    let mut packed = Buffer::zeros(blocks(outputs) * inputs);
    let lanes = packed.lanes_mut();
    for (output, row) in weights.chunks_exact(inputs.max(1)).enumerate() {
        for (input, weight) in row.iter().enumerate() {
            lanes[output / LANES * inputs + input][output % LANES] = *weight;
        }
    }
    packed
}

struct Product<'a> {
    layer: &'a Pointwise,
    count: usize,
    x: &'a [Lanes],
    from: Region,
    y: &'a mut [Lanes],
    to: Region,
    residual: Option<&'a [Lanes]>,
}

impl Kernel for Product<'_> {
    #[inline(always)]
    fn run<const TILE: usize, const PART: usize, const WIDE: usize, const FMA: bool>(mut self) {
        let blocks = blocks(self.layer.outputs);
        let mut block = 0;
        while block < blocks {
            // Groups as even as they can be: 7 blocks go as 3, 2, 2.
            let groups = (blocks - block).div_ceil(WIDE);
            let wide = (blocks - block).div_ceil(groups);
            match wide {
                3 => self.columns::<TILE, PART, 3, FMA>(block),
                2 => self.columns::<TILE, PART, 2, FMA>(block),
                _ => self.columns::<TILE, PART, 1, FMA>(block),
            }
            block += wide;
        }
    }
}

impl Product<'_> {
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
        let inputs = self.layer.inputs;
        let weights = &self.layer.weights.lanes()[block * inputs..][..WIDE * inputs];
        let bias = &self.layer.bias.lanes()[block..][..WIDE];
        let mut sums = [[[0.0; LANES]; WIDE]; TILE];
        unroll!(tile < TILE, 8 => {
            unroll!(wide < WIDE, 3 => {
                sums[tile][wide] = bias[wide];
            });
        });
        if let Some(residual) = self.residual {
            unroll!(wide < WIDE, 3 => {
                let at = self.to.start + (block + wide) * self.to.plane + pixel;
                let residual = &residual[at..][..TILE];
                unroll!(tile < TILE, 8 => {
                    for lane in 0..LANES {
                        sums[tile][wide][lane] += residual[tile][lane];
                    }
                });
            });
        }
        for input_block in 0..blocks(inputs) {
            let first = input_block * LANES;
            let lanes = LANES.min(inputs - first);
            let x = &self.x[self.from.start + input_block * self.from.plane + pixel..][..TILE];
            let mut columns: [&[Lanes]; WIDE] = [&[]; WIDE];
            unroll!(wide < WIDE, 3 => {
                columns[wide] = &weights[wide * inputs + first..][..lanes];
            });
            for lane in 0..lanes {
                unroll!(tile < TILE, 8 => {
                    let value = [x[tile][lane % LANES]; LANES];
                    unroll!(wide < WIDE, 3 => {
                        multiply_add::<FMA>(&mut sums[tile][wide], &value, &columns[wide][lane]);
                    });
                });
            }
        }
        unroll!(wide < WIDE, 3 => {
            let at = self.to.start + (block + wide) * self.to.plane + pixel;
            let y = &mut self.y[at..][..TILE];
            unroll!(tile < TILE, 8 => {
                y[tile] = self.layer.clip.apply(&sums[tile][wide]);
            });
        });
    }
}
