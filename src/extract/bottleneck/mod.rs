//! The inverted bottleneck of mobile networks (Sandler et al., CVPR 2018, arXiv:1801.04381) as
//! one operation: a convolution that widens, a depthwise convolution, a 1 x 1 convolution that
//! narrows, and the shortcut around them.
//!
//! The wide map between them, six times the size of input and output, is never whole in memory: a few of its rows
//! at a time are made, filtered and used up while they are in the processor's cache. Every pixel is computed in the
//! same order whatever the size, so results depend on nothing but the input.

mod depthwise;
mod lanes;
mod pointwise;
mod stem;
#[cfg(test)]
mod tests;

use depthwise::Depthwise;
pub(super) use depthwise::Shape;
pub(super) use lanes::Clip;
pub(super) use lanes::LANES;
use lanes::{Buffer, Lanes, blocks};
use pointwise::{Pointwise, Region};
use stem::Stem;

/// Output pixels made at once, at least: enough that weights are read from memory seldom.
const MIN_PIXELS: usize = 64;

/// A convolution's numbers as a network file keeps them.
pub(super) struct Layer<'a> {
    /// `[outputs][inputs][kernel][kernel]`.
    pub(super) weights: &'a [f32],
    /// `[outputs]`.
    pub(super) bias: &'a [f32],
    pub(super) clip: Clip,
}

/// The layer that widens the input.
#[derive(Debug, Clone)]
enum First {
    /// A 3 x 3 convolution with stride 2 of an image: planes of `[channels][height][width]`.
    Stem(Stem),
    /// A 1 x 1 convolution of blocks.
    Pointwise(Pointwise),
}

/// See the module. Maps are `[channels / 16][height][width][16]`.
#[derive(Debug, Clone)]
pub(super) struct Bottleneck {
    first: First,
    depthwise: Depthwise,
    last: Pointwise,
    shortcut: bool,
}

impl Bottleneck {
    /// None when there is no kernel for these shapes. `stem` is the shape of the first layer where
    /// it reads an image; otherwise it is 1 x 1. `shortcut` adds the input to the output.
    pub(super) fn new(
        first: &Layer<'_>,
        stem: Option<Shape>,
        depthwise: &Layer<'_>,
        shape: Shape,
        last: &Layer<'_>,
        shortcut: bool,
    ) -> Option<Self> {
        let wide = first.bias.len();
        let narrow = last.bias.len();
        let fits = shape.is_supported()
            && stem.as_ref().is_none_or(Stem::supports)
            && wide > 0
            && narrow > 0
            && depthwise.bias.len() == wide
            && depthwise.weights.len() == wide * shape.kernel * shape.kernel
            && last.weights.len() == wide * narrow;
        if !fits {
            return None;
        }
        let first = match stem {
            Some(stem) => First::Stem(Stem::new(first.weights, first.bias, stem, first.clip)),
            None => First::Pointwise(Pointwise::new(first.weights, first.bias, first.clip)),
        };
        let bottleneck = Self {
            first,
            depthwise: Depthwise::new(depthwise.weights, depthwise.bias, shape, depthwise.clip),
            last: Pointwise::new(last.weights, last.bias, last.clip),
            shortcut,
        };
        let same = !bottleneck.reads_planes()
            && shape.stride == 1
            && bottleneck.inputs() == bottleneck.outputs();
        (same || !shortcut).then_some(bottleneck)
    }

    /// Whether the input is planes rather than blocks.
    pub(super) fn reads_planes(&self) -> bool {
        matches!(self.first, First::Stem(_))
    }

    pub(super) fn inputs(&self) -> usize {
        match &self.first {
            First::Stem(stem) => stem.inputs,
            First::Pointwise(layer) => layer.inputs(),
        }
    }

    pub(super) fn outputs(&self) -> usize {
        self.last.outputs()
    }

    /// The shapes of the convolutions that change the size, in order.
    pub(super) fn shapes(&self) -> impl Iterator<Item = Shape> {
        let stem = match &self.first {
            First::Stem(stem) => Some(stem.shape),
            First::Pointwise(_) => None,
        };
        stem.into_iter().chain([self.depthwise.shape])
    }

    /// Height and width of the output; none where a kernel does not fit.
    pub(super) fn output_size(&self, height: usize, width: usize) -> Option<(usize, usize)> {
        self.shapes()
            .try_fold((height, width), |(h, w), shape| shape.output_size(h, w))
    }

    /// Computes the whole output; none where `x` or `y` has another length than the sizes give.
    pub(super) fn run(
        &self,
        x: &[f32],
        (height, width): (usize, usize),
        y: &mut [f32],
    ) -> Option<()> {
        let (out_height, out_width) = self.output_size(height, width)?;
        let wide = match &self.first {
            First::Stem(stem) => stem.shape.output_size(height, width)?,
            First::Pointwise(_) => (height, width),
        };
        let inputs = if self.reads_planes() {
            self.inputs()
        } else {
            blocks(self.inputs()) * LANES
        };
        let outputs = blocks(self.outputs()) * LANES;
        if x.len() != inputs * height * width || y.len() != outputs * out_height * out_width {
            return None;
        }
        let y = y.as_chunks_mut().0;
        let mut window = Window::new(self, (height, width), wide, (out_height, out_width));
        for row in (0..out_height).step_by(window.step) {
            window.advance(x, row);
            window.project(x.as_chunks().0, row, y);
        }
        Some(())
    }
}

/// The rows of the wide map under the depthwise kernel, and its output.
struct Window<'a> {
    layers: &'a Bottleneck,
    input: (usize, usize),
    wide: (usize, usize),
    output: (usize, usize),
    /// Output rows made at once.
    step: usize,
    /// `[slots][blocks][left + width + right]`: row `r` is in slot `r % slots`.
    rows: Buffer,
    slots: usize,
    /// Rows of the wide map made so far.
    made: usize,
    /// `[blocks][step * output width]`.
    filtered: Buffer,
    /// Input of the stem.
    gathered: Vec<f32>,
}

impl<'a> Window<'a> {
    fn new(
        layers: &'a Bottleneck,
        input: (usize, usize),
        wide: (usize, usize),
        output: (usize, usize),
    ) -> Self {
        let Shape {
            kernel,
            stride,
            padding,
        } = layers.depthwise.shape;
        let step = MIN_PIXELS.div_ceil(output.1).min(output.0);
        let slots = (step - 1) * stride + kernel;
        let blocks = blocks(layers.depthwise.channels);
        Self {
            layers,
            input,
            wide,
            output,
            step,
            rows: Buffer::zeros(slots * blocks * (padding[1] + wide.1 + padding[3])),
            slots,
            made: 0,
            filtered: Buffer::zeros(blocks * step * output.1),
            gathered: Vec::new(),
        }
    }

    fn blocks(&self) -> usize {
        blocks(self.layers.depthwise.channels)
    }

    /// Columns of a row of the wide map with its zeros.
    fn padded(&self) -> usize {
        let [_, left, _, right] = self.layers.depthwise.shape.padding;
        left + self.wide.1 + right
    }

    /// Makes the rows of the wide map that output rows from `row` on need, and filters them.
    fn advance(&mut self, x: &[f32], row: usize) {
        let Shape {
            kernel,
            stride,
            padding,
        } = self.layers.depthwise.shape;
        let end = (row + self.step).min(self.output.0);
        let needed = ((end - 1) * stride + kernel).saturating_sub(padding[0]);
        while self.made < needed.min(self.wide.0) {
            self.widen(x, self.made);
            self.made += 1;
        }
        for output_row in row..end {
            // Rows above the map are left out, and so are those below it.
            let top = output_row * stride;
            let first = padding[0].saturating_sub(top);
            let last = kernel.min(padding[0] + self.wide.0 - top);
            for block in 0..self.blocks() {
                let padded = self.padded();
                let wide_rows = self.rows.lanes();
                let mut under: [&[Lanes]; 5] = [&[]; 5];
                for (tap, under) in (first..last).zip(&mut under) {
                    let slot = (top + tap - padding[0]) % self.slots;
                    *under = &wide_rows[(slot * self.blocks() + block) * padded..][..padded];
                }
                let at = block * self.step * self.output.1 + (output_row - row) * self.output.1;
                self.layers.depthwise.run(
                    block,
                    first,
                    &under[..last - first],
                    &mut self.filtered.lanes_mut()[at..][..self.output.1],
                );
            }
        }
    }

    fn widen(&mut self, x: &[f32], row: usize) {
        let padded = self.padded();
        let slot = row % self.slots * self.blocks() * padded;
        let to = Region {
            start: slot + self.layers.depthwise.shape.padding[1],
            plane: padded,
        };
        match &self.layers.first {
            First::Stem(stem) => {
                stem.gather(x, self.input, row, &mut self.gathered);
                stem.run(self.wide.1, &self.gathered, self.rows.lanes_mut(), to);
            }
            First::Pointwise(layer) => {
                let from = Region {
                    start: row * self.wide.1,
                    plane: self.wide.0 * self.wide.1,
                };
                let x = (x.as_chunks().0, from);
                layer.run(self.wide.1, x, (self.rows.lanes_mut(), to), None);
            }
        }
    }

    fn project(&self, x: &[Lanes], row: usize, y: &mut [Lanes]) {
        let rows = self.step.min(self.output.0 - row);
        let from = Region {
            start: 0,
            plane: self.step * self.output.1,
        };
        let to = Region {
            start: row * self.output.1,
            plane: self.output.0 * self.output.1,
        };
        let filtered = (self.filtered.lanes(), from);
        let shortcut = self.layers.shortcut.then_some(x);
        let last = &self.layers.last;
        last.run(rows * self.output.1, filtered, (y, to), shortcut);
    }
}

/// Channels `[channels][pixels]` into blocks `[channels / 16][pixels][16]`.
pub(super) fn to_blocks(planes: &[f32], pixels: usize, y: &mut [f32]) {
    for (channel, plane) in planes.chunks_exact(pixels.max(1)).enumerate() {
        let block = &mut y[channel / LANES * pixels * LANES..][..pixels * LANES];
        for (lanes, value) in block.chunks_exact_mut(LANES).zip(plane) {
            lanes[channel % LANES] = *value;
        }
    }
}

/// Blocks `[channels / 16][pixels][16]` into channels `[channels][pixels]`.
pub(super) fn from_blocks(x: &[f32], pixels: usize, planes: &mut [f32]) {
    for (channel, plane) in planes.chunks_exact_mut(pixels.max(1)).enumerate() {
        let block = &x[channel / LANES * pixels * LANES..][..pixels * LANES];
        for (lanes, value) in block.chunks_exact(LANES).zip(plane) {
            *value = lanes[channel % LANES];
        }
    }
}

/// Blocks that hold `channels`, of [`LANES`] each.
pub(super) fn num_blocks(channels: usize) -> usize {
    blocks(channels)
}
