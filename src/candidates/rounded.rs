//! Descriptors in 16 bits, whose distances are sums of whole numbers: the same on every processor, in any order.

use pulp::{Arch, Simd, WithSimd};

/// One in rounded descriptors.
pub(super) const ONE: f32 = 8192.0;

pub(super) fn rounded(values: &[f32]) -> Vec<i16> {
    let rounded = |value: &f32| (value * ONE).round() as i16;
    values.iter().map(rounded).collect()
}

/// Squared distances from a row to each of others, row after row, with the processor's widest vectors; they replace
/// the content of `distances`. No sum overflows for descriptors of unit length.
pub(super) fn squared_distances(row: &[i16], others: &[i16], distances: &mut Vec<i32>) {
    distances.clear();
    add_squared_distances(row, others, distances);
}

/// As [`squared_distances`], appended to `distances`.
pub(super) fn add_squared_distances(row: &[i16], others: &[i16], distances: &mut Vec<i32>) {
    Arch::new().dispatch(Distances(row, others, distances));
}

struct Distances<'a>(&'a [i16], &'a [i16], &'a mut Vec<i32>);

impl WithSimd for Distances<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        // Of these lengths, the embedded network's and DELF's, the loops are unrolled.
        match self.0.len() {
            48 => self.of_length::<48>(),
            40 => self.of_length::<40>(),
            _ => {
                let Self(row, others, distances) = self;
                let others = others.chunks_exact(row.len().max(1));
                distances.extend(others.map(|other| squared_distance(row, other)));
            }
        }
    }
}

impl Distances<'_> {
    #[inline(always)]
    fn of_length<const LEN: usize>(self) {
        let Self(row, others, distances) = self;
        let (rows, _) = row.as_chunks::<LEN>();
        let (others, _) = others.as_chunks::<LEN>();
        for row in rows {
            distances.extend(others.iter().map(|other| squared_distance(row, other)));
        }
    }
}

#[inline(always)]
fn squared_distance(a: &[i16], b: &[i16]) -> i32 {
    let mut sum: i32 = 0;
    for (a, b) in a.iter().zip(b) {
        let difference = i32::from(a.wrapping_sub(*b));
        sum = sum.wrapping_add(difference * difference);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_whole_numbers() {
        for dim in [1, 3, 40, 47, 48, 64] {
            let value = |at: usize| ((at * 7919) % 2001) as i16 - 1000;
            let row: Vec<i16> = (0..dim).map(value).collect();
            let others: Vec<i16> = (0..5 * dim).map(|at| value(at + 31)).collect();
            let mut distances = vec![7];
            squared_distances(&row, &others, &mut distances);
            let expected: Vec<i32> = others
                .chunks(dim)
                .map(|other| {
                    let differences = row.iter().zip(other).map(|(a, b)| i32::from(a - b));
                    differences.map(|difference| difference.pow(2)).sum()
                })
                .collect();
            assert_eq!(distances, expected);
            add_squared_distances(&row, &row, &mut distances);
            assert_eq!(distances[5..], [0]);
        }
    }
}
