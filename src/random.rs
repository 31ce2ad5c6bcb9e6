//! A small random generator whose sequence for a seed never changes.

/// SplitMix64 (Steele, Lea and Flood, *Fast Splittable Pseudorandom Number Generators*, 2014).
pub(crate) struct SplitMix64(u64);

impl SplitMix64 {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which must be at least 1. Uneven by less than bound / 2^64.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }

    /// Fills `sample` with different numbers below `bound`, in the order drawn. `bound` must be at
    /// least the sample's length, and should be well above it for long samples.
    pub(crate) fn distinct_below(&mut self, bound: usize, sample: &mut [usize]) {
        for filled in 0..sample.len() {
            sample[filled] = loop {
                let candidate = self.below(bound);
                if !sample[..filled].contains(&candidate) {
                    break candidate;
                }
            };
        }
    }
}
