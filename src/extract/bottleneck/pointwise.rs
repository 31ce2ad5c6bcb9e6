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

#[cfg(test)]
mod tests {
    use super::*;

    /// Every vector width and every number of pixels, from none in a tile to several.
    #[test]
    fn is_the_matrix_product() {
        let (inputs, outputs) = (19, 70);
        let weights: Vec<f32> = (0..inputs * outputs)
            .map(|i| (i % 13) as f32 - 6.0)
            .collect();
        let bias: Vec<f32> = (0..outputs).map(|i| i as f32 * 0.5).collect();
        let clip = Clip {
            min: -40.0,
            max: 50.0,
        };
        let layer = Pointwise::new(&weights, &bias, clip);
        for count in [1, 2, 3, 5, 7, 8, 9, 12, 13, 29] {
            let (from, to) = (
                Region {
                    start: 2,
                    plane: count + 3,
                },
                Region {
                    start: 1,
                    plane: count + 2,
                },
            );
            let value = |i: usize, p: usize| ((i * 5 + p * 3) % 11) as f32 - 5.0;
            let mut x = vec![[f32::NAN; LANES]; 2 * from.plane + 2];
            for (input, pixel) in (0..inputs).flat_map(|i| (0..count).map(move |p| (i, p))) {
                x[from.start + input / LANES * from.plane + pixel][input % LANES] =
                    value(input, pixel);
            }
            let residual = vec![[0.25; LANES]; 5 * to.plane + 1];
            let product = |y| Product {
                layer: &layer,
                count,
                x: &x,
                from,
                y,
                to,
                residual: Some(&residual),
            };
            let mut wide = residual.clone();
            product(&mut wide).run::<8, 4, 3, true>();
            let mut narrow = residual.clone();
            product(&mut narrow).run::<6, 2, 1, true>();
            let mut portable = residual.clone();
            product(&mut portable).run::<2, 1, 1, false>();
            let mut native = residual.clone();
            layer.run(count, (&x, from), (&mut native, to), Some(&residual));
            for (output, pixel) in (0..outputs).flat_map(|o| (0..count).map(move |p| (o, p))) {
                let sum: f32 = (0..inputs)
                    .map(|i| weights[output * inputs + i] * value(i, pixel))
                    .sum();
                let expected = (sum + bias[output] + 0.25).clamp(clip.min, clip.max);
                for y in [&wide, &narrow, &portable, &native] {
                    let found = y[to.start + output / LANES * to.plane + pixel][output % LANES];
                    assert_eq!(
                        found, expected,
                        "output {output} of pixel {pixel} of {count}"
                    );
                }
            }
        }
    }
}
