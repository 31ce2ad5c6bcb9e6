//! A depthwise convolution, one row of one block of channels at a time.

use super::lanes::{Buffer, Clip, Cover, Kernel, Lanes, Tile, dispatch, multiply_add, unroll};
use super::pointwise::pack;

/// Every channel filtered by a kernel of its own; stride and padding in pixels.
#[derive(Debug, Clone)]
pub(super) struct Depthwise {
    pub(super) channels: usize,
    pub(super) shape: Shape,
    /// `[blocks][kernel rows][kernel columns]`.
    weights: Buffer,
    bias: Buffer,
    clip: Clip,
}

/// Kernel size, stride and padding of a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::extract) struct Shape {
    /// Rows and columns of the square kernel.
    pub(in crate::extract) kernel: usize,
    /// Pixels from one window to the next.
    pub(in crate::extract) stride: usize,
    /// Zeros above, left, below, right.
    pub(in crate::extract) padding: [usize; 4],
}

impl Shape {
    /// The shapes there are kernels for.
    pub(in crate::extract) fn is_supported(&self) -> bool {
        matches!((self.kernel, self.stride), (3 | 5, 1 | 2))
            && self.padding.iter().all(|p| *p < self.kernel)
    }

    /// Height and width after the convolution; none where the kernel does not fit.
    pub(in crate::extract) fn output_size(
        &self,
        height: usize,
        width: usize,
    ) -> Option<(usize, usize)> {
        let [top, left, bottom, right] = self.padding;
        let side = |size: usize| Some(size.checked_sub(self.kernel)? / self.stride + 1);
        Some((side(height + top + bottom)?, side(width + left + right)?))
    }
}

impl Depthwise {
    /// `weights` is `[channels][kernel][kernel]`, `bias` is `[channels]`.
    pub(super) fn new(weights: &[f32], bias: &[f32], shape: Shape, clip: Clip) -> Self {
        let channels = bias.len();
        Self {
            channels,
            shape,
            weights: pack(weights, shape.kernel * shape.kernel, channels),
            bias: pack(bias, 1, channels),
            clip,
        }
    }

    /// One row of outputs of one block. `rows` are the input rows under the kernel from its row
    /// `first` on, each with its zeros left and right; rows above and below the map are left out.
    pub(super) fn run(&self, block: usize, first: usize, rows: &[&[Lanes]], y: &mut [Lanes]) {
        let kernel = self.shape.kernel;
        let weights = &self.weights.lanes()[(block * kernel + first) * kernel..];
        dispatch(Row {
            rows,
            weights: &weights[..rows.len() * kernel],
            bias: &self.bias.lanes()[block],
            shape: self.shape,
            clip: self.clip,
            y,
        });
    }
}

struct Row<'a> {
    rows: &'a [&'a [Lanes]],
    weights: &'a [Lanes],
    bias: &'a Lanes,
    shape: Shape,
    clip: Clip,
    y: &'a mut [Lanes],
}

impl Kernel for Row<'_> {
    #[inline(always)]
    fn run<const TILE: usize, const PART: usize, const WIDE: usize, const FMA: bool>(self) {
        match (self.shape.kernel, self.shape.stride) {
            (3, 1) => self.sized::<TILE, PART, 3, 1, FMA>(),
            (3, _) => self.sized::<TILE, PART, 3, 2, FMA>(),
            (_, 1) => self.sized::<TILE, PART, 5, 1, FMA>(),
            (_, _) => self.sized::<TILE, PART, 5, 2, FMA>(),
        }
    }
}

impl Row<'_> {
    #[inline(always)]
    fn sized<
        const TILE: usize,
        const PART: usize,
        const KERNEL: usize,
        const STRIDE: usize,
        const FMA: bool,
    >(
        mut self,
    ) {
        let mut cover = Cover::<TILE, PART>::new(self.y.len());
        while let Some((tile, x)) = cover.next() {
            match tile {
                Tile::Whole => self.tile::<TILE, KERNEL, STRIDE, FMA>(x),
                Tile::Part => self.tile::<PART, KERNEL, STRIDE, FMA>(x),
                Tile::Single => self.tile::<1, KERNEL, STRIDE, FMA>(x),
            }
        }
    }

    #[inline(always)]
    fn tile<const TILE: usize, const KERNEL: usize, const STRIDE: usize, const FMA: bool>(
        &mut self,
        pixel: usize,
    ) {
        let mut sums = [*self.bias; TILE];
        for (row, weights) in self.rows.iter().zip(self.weights.as_chunks::<KERNEL>().0) {
            let x = &row[pixel * STRIDE..][..(TILE - 1) * STRIDE + KERNEL];
            unroll!(column < KERNEL, 5 => {
                unroll!(tile < TILE, 8 => {
                    multiply_add::<FMA>(
                        &mut sums[tile],
                        &x[tile * STRIDE + column],
                        &weights[column],
                    );
                });
            });
        }
        let y = &mut self.y[pixel..][..TILE];
        unroll!(tile < TILE, 8 => {
            y[tile] = self.clip.apply(&sums[tile]);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::bottleneck::lanes::LANES;

    #[test]
    fn every_vector_width_filters_alike() {
        for (kernel, stride) in [(3, 1), (3, 2), (5, 1), (5, 2)] {
            let weights: Vec<f32> = (0..LANES * kernel * kernel)
                .map(|i| (i % 7) as f32 - 3.0)
                .collect();
            let shape = Shape {
                kernel,
                stride,
                padding: [0; 4],
            };
            let clip = Clip {
                min: -90.0,
                max: 90.0,
            };
            let layer = Depthwise::new(&weights, &[0.5; LANES], shape, clip);
            for count in [1, 2, 3, 5, 6, 8, 11, 20] {
                let width = (count - 1) * stride + kernel;
                let value =
                    |row: usize, x: usize, lane: usize| ((row * 7 + x * 3 + lane) % 9) as f32 - 4.0;
                let rows: Vec<Vec<Lanes>> = (0..kernel)
                    .map(|row| {
                        (0..width)
                            .map(|x| std::array::from_fn(|lane| value(row, x, lane)))
                            .collect()
                    })
                    .collect();
                // The first kernel row is above the map.
                let rows: Vec<&[Lanes]> = rows[1..].iter().map(Vec::as_slice).collect();
                let row = |y| Row {
                    rows: &rows,
                    weights: &layer.weights.lanes()[kernel..],
                    bias: &layer.bias.lanes()[0],
                    shape,
                    clip,
                    y,
                };
                let mut outputs: [_; 4] = std::array::from_fn(|_| vec![[f32::NAN; LANES]; count]);
                let [wide, narrow, portable, native] = &mut outputs;
                row(wide).run::<8, 4, 3, true>();
                row(narrow).run::<6, 2, 1, true>();
                row(portable).run::<2, 1, 1, false>();
                layer.run(0, 1, &rows, native);
                for (x, lane) in (0..count).flat_map(|x| (0..LANES).map(move |lane| (x, lane))) {
                    let mut sum = 0.5;
                    for (row, column) in (1..kernel).flat_map(|r| (0..kernel).map(move |c| (r, c)))
                    {
                        sum += weights[(lane * kernel + row) * kernel + column]
                            * value(row, x * stride + column, lane);
                    }
                    for y in &outputs {
                        assert_eq!(
                            y[x][lane],
                            sum.clamp(-90.0, 90.0),
                            "{shape:?} {count} pixels"
                        );
                    }
                }
            }
        }
    }
}
