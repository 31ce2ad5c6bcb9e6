//! Evidence as plain numbers, for the store.

use super::differences::DifferenceEvidence;
use super::evidence::{FeatureEvidence, PixelEvidence};
use super::fine::FineEvidence;
use super::transform::TransformEvidence;

/// A value or an array of values of four bytes each, little endian.
trait Value: Sized {
    fn put(&self, bytes: &mut Vec<u8>);
    fn take(bytes: &mut &[u8]) -> Option<Self>;
}

macro_rules! number {
    ($number:ty, $is_valid:expr) => {
        impl Value for $number {
            fn put(&self, bytes: &mut Vec<u8>) {
                bytes.extend(self.to_le_bytes());
            }

            fn take(bytes: &mut &[u8]) -> Option<Self> {
                let (first, rest) = bytes.split_first_chunk()?;
                *bytes = rest;
                Some(Self::from_le_bytes(*first)).filter($is_valid)
            }
        }
    };
}
number!(f32, |value| value.is_finite());
number!(u32, |_| true);

impl<V: Value + Copy + Default, const N: usize> Value for [V; N] {
    fn put(&self, bytes: &mut Vec<u8>) {
        self.iter().for_each(|value| value.put(bytes));
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        let mut values = [V::default(); N];
        for value in &mut values {
            *value = V::take(bytes)?;
        }
        Some(values)
    }
}

/// The fields of a struct, one after the other.
macro_rules! encoded {
    ($name:ident: $($field:ident),+) => {
        impl Value for $name {
            fn put(&self, bytes: &mut Vec<u8>) {
                $(self.$field.put(bytes);)+
            }

            fn take(bytes: &mut &[u8]) -> Option<Self> {
                Some(Self {
                    $($field: Value::take(bytes)?),+
                })
            }
        }

        impl $name {
            /// Its values as bytes.
            pub fn to_bytes(&self) -> Vec<u8> {
                let mut bytes = Vec::new();
                self.put(&mut bytes);
                bytes
            }

            /// Its values from the bytes of [`Self::to_bytes`]; none for another length or a value that is not finite.
            pub fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
                let own = Self::take(&mut bytes)?;
                bytes.is_empty().then_some(own)
            }
        }
    };
}

encoded!(FeatureEvidence: num_matches, num_inliers, global_similarity, coverage,
    descriptor_similarity, num_keypoints, num_guided, num_second_inliers, transform);
encoded!(TransformEvidence: scale_change, stretch, spread, similarity, best_similarity);
encoded!(PixelEvidence: overlap, agreement, attended_agreement, middle_agreement,
    subject_agreement, coarse_agreement, inlier_agreement, agreeing_share, contradicting_share,
    contradicted_attention, middle_contradiction, blocks, explained_attention, color_difference,
    middle_color_difference, relative_color_difference, local_color_difference, saturation, planar_share, shift, roughness, texture,
    texture_balance, middle_descriptor_similarity, inlier_cells, stretch, fine, differences);
encoded!(FineEvidence: num_windows, agreement, low, worst, contradicting, replaced, deep_replaced,
    inner_replaced, largest_contradiction, largest_replaced, strength, replaced_strength, tone);
encoded!(DifferenceEvidence: region, agreeing, contrast, error, high_error, high, highest, enclosed, weight,
    blocks, balance, correlation, groups, share, replaced, nearby, levels, rearranged, following, all_following, movement, high_movement, near_movement, near_error,
    wide_weight, wide_region, hull, hull_agreeing, hull_weight, hull_deep);

#[cfg(test)]
mod tests {
    use super::*;

    /// All different, so that a value in the wrong place shows.
    fn numbered(num_values: usize) -> Vec<u8> {
        let values = (0..num_values).map(|i| i as f32 + 0.5);
        values.flat_map(f32::to_le_bytes).collect()
    }

    /// Every shorter and some longer bytes.
    fn of_other_lengths(bytes: &[u8]) -> Vec<Vec<u8>> {
        let shorter = (0..bytes.len()).map(|length| bytes[..length].to_vec());
        let longer = [1, 4].map(|more| [bytes, &vec![0; more]].concat());
        shorter.chain(longer).collect()
    }

    #[test]
    fn feature_evidence_survives_its_bytes() {
        let evidence = FeatureEvidence {
            num_matches: 0x0102_0304,
            num_inliers: 7,
            global_similarity: -0.25,
            coverage: [0.5, 0.75],
            descriptor_similarity: [0.1, -0.2],
            num_keypoints: [900, 1000],
            num_guided: 80,
            num_second_inliers: 9,
            transform: TransformEvidence {
                scale_change: 1.5,
                stretch: 1.25,
                spread: [0.2, 0.3],
                similarity: 0.8,
                best_similarity: 0.9,
            },
        };
        let bytes = evidence.to_bytes();
        assert_eq!(bytes.len(), 17 * 4);
        assert_eq!(bytes[..8], [4, 3, 2, 1, 7, 0, 0, 0]);
        assert_eq!(bytes[12..16], 0.5f32.to_le_bytes());
        assert_eq!(FeatureEvidence::from_bytes(&bytes), Some(evidence));
        for other in of_other_lengths(&bytes) {
            assert_eq!(FeatureEvidence::from_bytes(&other), None);
        }
    }

    #[test]
    fn pixel_evidence_survives_its_bytes() {
        let bytes = numbered(30 + 13 + 30);
        let evidence = PixelEvidence::from_bytes(&bytes).unwrap();
        assert_eq!(evidence.to_bytes(), bytes);
        // The order that stores hold.
        assert_eq!(evidence.overlap, [0.5, 1.5]);
        assert_eq!(evidence.agreement, 2.5);
        assert_eq!(evidence.middle_contradiction, 11.5);
        assert_eq!(evidence.blocks, [12.5, 13.5, 14.5]);
        assert_eq!(evidence.explained_attention, [15.5, 16.5]);
        assert_eq!(evidence.inlier_cells, 28.5);
        assert_eq!(evidence.stretch, 29.5);
        assert_eq!(evidence.fine.agreement, 31.5);
        assert_eq!(evidence.fine.tone, 42.5);
        for other in of_other_lengths(&bytes) {
            assert_eq!(PixelEvidence::from_bytes(&other), None);
        }
        let mut damaged = bytes;
        damaged[8..12].copy_from_slice(&f32::NAN.to_le_bytes());
        assert_eq!(PixelEvidence::from_bytes(&damaged), None);
    }
}
