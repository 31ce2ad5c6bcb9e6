//! Evidence as plain numbers, for the store.

use super::evidence::{FeatureEvidence, PixelEvidence};

/// A value or an array of values of four bytes each, little endian.
trait Value: Sized {
    fn put(&self, bytes: &mut Vec<u8>);
    fn take(bytes: &mut &[u8]) -> Option<Self>;
}

macro_rules! number {
    ($number:ty) => {
        impl Value for $number {
            fn put(&self, bytes: &mut Vec<u8>) {
                bytes.extend(self.to_le_bytes());
            }

            fn take(bytes: &mut &[u8]) -> Option<Self> {
                let (first, rest) = bytes.split_first_chunk()?;
                *bytes = rest;
                Some(Self::from_le_bytes(*first))
            }
        }
    };
}
number!(f32);
number!(u32);

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
        impl $name {
            /// Its values in few bytes.
            pub fn to_bytes(&self) -> Vec<u8> {
                let mut bytes = Vec::new();
                $(self.$field.put(&mut bytes);)+
                bytes
            }

            /// What [`Self::to_bytes`] was given; none for bytes of another length.
            pub fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
                let own = Self {
                    $($field: Value::take(&mut bytes)?),+
                };
                bytes.is_empty().then_some(own)
            }
        }
    };
}

encoded!(FeatureEvidence: num_matches, num_inliers, global_similarity, coverage,
    descriptor_similarity, num_keypoints);
encoded!(PixelEvidence: overlap, agreement, attended_agreement, middle_agreement,
    subject_agreement, coarse_agreement, inlier_agreement, agreeing_share, contradicting_share,
    contradicted_attention, middle_contradiction, blocks, explained_attention, color_difference,
    middle_color_difference, relative_color_difference, saturation, planar_share, shift, roughness, texture,
    texture_balance, middle_descriptor_similarity, inlier_cells, stretch);
