//! Sixteen channels at a time, and the choice of the processor's vector instructions.
//!
//! Maps are kept in blocks of 16 channels: `[channels / 16][rows][columns][16]`, channels padded
//! with zeros. One pixel of one block is a [`Lanes`]; the compiler turns arithmetic on it into
//! one AVX-512 instruction, two AVX, or four of 128 bits.

use pulp::{Arch, Simd, WithSimd};

/// Channels a block.
pub(in crate::extract) const LANES: usize = 16;

/// One pixel of one block of channels.
pub(super) type Lanes = [f32; LANES];

/// Work that is compiled once for each set of vector instructions.
///
/// `TILE` pixels by up to `WIDE` blocks of outputs fit into the vector registers; `PART` is the tile for the
/// remainder. With `FMA` multiplication and addition are one instruction. Implementations and all functions that
/// they call must be `#[inline(always)]`.
pub(super) trait Kernel {
    fn run<const TILE: usize, const PART: usize, const WIDE: usize, const FMA: bool>(self);
}

/// `$body` for `$index` from 0 to below `$count`, a constant of at most `$most`, written out.
///
/// Sums that are indexed in a loop stay in memory; with constant indices they are registers.
macro_rules! unroll {
    ($index:ident < $count:expr, 3 => $body:block) => {
        unroll!($index < $count; 0 1 2 => $body)
    };
    ($index:ident < $count:expr, 5 => $body:block) => {
        unroll!($index < $count; 0 1 2 3 4 => $body)
    };
    ($index:ident < $count:expr, 8 => $body:block) => {
        unroll!($index < $count; 0 1 2 3 4 5 6 7 => $body)
    };
    ($index:ident < $count:expr; $($value:literal)* => $body:block) => {
        unroll!(@ $index $count, $body; $($value)*)
    };
    (@ $index:ident $count:expr, $body:block;) => {};
    (@ $index:ident $count:expr, $body:block; $value:literal $($rest:literal)*) => {
        if $value < $count {
            let $index: usize = $value;
            $body
        }
        unroll!(@ $index $count, $body; $($rest)*)
    };
}
pub(super) use unroll;

/// Runs `kernel` with the widest vector instructions that this processor has.
pub(super) fn dispatch<K: Kernel>(kernel: K) {
    Arch::new().dispatch(Dispatch(kernel));
}

struct Dispatch<K>(K);

impl<K: Kernel> WithSimd for Dispatch<K> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        match S::F32_LANES {
            16 => self.0.run::<8, 4, 3, true>(),
            8 => self.0.run::<6, 2, 1, true>(),
            _ if cfg!(target_arch = "aarch64") => self.0.run::<6, 2, 1, true>(),
            _ => self.0.run::<2, 1, 1, false>(),
        }
    }
}

/// `sum + a * b` in every lane.
#[inline(always)]
pub(super) fn multiply_add<const FMA: bool>(sum: &mut Lanes, a: &Lanes, b: &Lanes) {
    for lane in 0..LANES {
        sum[lane] = if FMA {
            a[lane].mul_add(b[lane], sum[lane])
        } else {
            sum[lane] + a[lane] * b[lane]
        };
    }
}

/// The range that values are clipped to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::extract) struct Clip {
    pub(in crate::extract) min: f32,
    pub(in crate::extract) max: f32,
}

impl Clip {
    /// Leaves every value as it is.
    pub(in crate::extract) const NONE: Self = Self {
        min: f32::NEG_INFINITY,
        max: f32::INFINITY,
    };

    #[inline(always)]
    pub(super) fn apply(self, values: &Lanes) -> Lanes {
        let mut clipped = *values;
        for value in &mut clipped {
            *value = value.max(self.min).min(self.max);
        }
        clipped
    }
}

/// Blocks that hold `channels`.
pub(super) fn blocks(channels: usize) -> usize {
    channels.div_ceil(LANES)
}

/// Zeros on a cache line's boundary: a [`Lanes`] that straddles two lines loads at half speed.
#[derive(Debug, Clone)]
pub(super) struct Buffer {
    values: Vec<f32>,
    start: usize,
    len: usize,
}

impl Buffer {
    pub(super) fn zeros(len: usize) -> Self {
        let values = vec![0.0f32; (len + 1) * LANES];
        let past_line = values.as_ptr().addr() / size_of::<f32>() % LANES;
        Self {
            values,
            start: (LANES - past_line) % LANES,
            len,
        }
    }

    pub(super) fn lanes(&self) -> &[Lanes] {
        let end = self.start + self.len * LANES;
        self.values[self.start..end].as_chunks().0
    }

    pub(super) fn lanes_mut(&mut self) -> &mut [Lanes] {
        let end = self.start + self.len * LANES;
        self.values[self.start..end].as_chunks_mut().0
    }
}

/// Number of pixels computed at once.
#[derive(Clone, Copy)]
pub(super) enum Tile {
    Whole,
    Part,
    Single,
}

/// Covers a row of pixels with tiles.
///
/// The remainder takes one more tile, which overlaps the one before it; pixels are computed alone only where there
/// are fewer than a part of a tile.
pub(super) struct Cover<const TILE: usize, const PART: usize> {
    count: usize,
    pixel: usize,
}

impl<const TILE: usize, const PART: usize> Cover<TILE, PART> {
    #[inline(always)]
    pub(super) fn new(count: usize) -> Self {
        Self { count, pixel: 0 }
    }

    /// The next tile and its first pixel. Not an iterator: a function called by a closure or an adaptor may not be
    /// compiled for the vector instructions of the function around it.
    #[inline(always)]
    pub(super) fn next(&mut self) -> Option<(Tile, usize)> {
        let (pixel, left) = (self.pixel, self.count - self.pixel.min(self.count));
        if left == 0 {
            return None;
        }
        let (tile, size) = if self.count >= TILE && left > PART {
            (Tile::Whole, TILE)
        } else if self.count >= PART {
            (Tile::Part, PART)
        } else {
            (Tile::Single, 1)
        };
        self.pixel += size;
        Some((tile, pixel.min(self.count - size)))
    }
}
