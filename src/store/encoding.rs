//! Compact encoding of one photo's features.
//!
//! Positions are kept in 1/65535 of the photo's sides, scores in 1/65535 of the highest,
//! descriptors in 1/127 of the photo's largest value and the global descriptor in 1/32767 of its
//! own. Little endian, in this order: version, sides, number of keypoints and of a descriptor's
//! values, the scales that occur, the steps of scores, descriptors and global; then x, y, scale
//! number and score of all keypoints; the descriptors; the global descriptor; CRC-32C of all
//! before it.

use super::sealed::{seal, unseal};
use crate::error::{Error, Result};
use crate::features::{Descriptors, FeatureSet, Keypoint};

const VERSION: u8 = 1;
const MAX_U16: f32 = 65535.0;

/// Encodes `features`; [`decode`] gives them back, rounded.
///
/// # Errors
/// [`Error::Features`] for more than 65535 keypoints, values of a descriptor or of the global
/// descriptor, or more than 255 scales.
pub(super) fn encode(features: &FeatureSet) -> Result<Vec<u8>> {
    let keypoints = features.keypoints();
    let global = features.global().unwrap_or(&[]);
    let mut scales: Vec<f32> = keypoints.iter().map(|k| k.scale).collect();
    scales.sort_by(f32::total_cmp);
    scales.dedup();
    let too_many = |what: &str| Error::Features {
        reason: format!("too many {what} to store"),
    };
    let count = |value: usize, what| u16::try_from(value).map_err(|_| too_many(what));
    let num_scales = u8::try_from(scales.len()).map_err(|_| too_many("scales"))?;
    let score_step = largest(keypoints.iter().map(|k| k.score)) / MAX_U16;
    let value_step = largest(features.descriptors().as_slice().iter().copied()) / 127.0;
    let global_step = largest(global.iter().copied()) / 32767.0;

    let mut bytes = vec![VERSION];
    bytes.extend(features.width().to_le_bytes());
    bytes.extend(features.height().to_le_bytes());
    bytes.extend(count(keypoints.len(), "keypoints")?.to_le_bytes());
    bytes.extend(count(features.descriptors().dim(), "values")?.to_le_bytes());
    bytes.extend(count(global.len(), "global values")?.to_le_bytes());
    bytes.push(num_scales);
    for value in scales.iter().chain(&[score_step, value_step, global_step]) {
        bytes.extend(value.to_le_bytes());
    }
    for k in keypoints {
        let x = (k.x / features.width() as f32 * MAX_U16).round() as u16;
        let y = (k.y / features.height() as f32 * MAX_U16).round() as u16;
        let scale = scales.partition_point(|s| *s < k.scale) as u8;
        bytes.extend(x.to_le_bytes());
        bytes.extend(y.to_le_bytes());
        bytes.push(scale);
        bytes.extend((steps(k.score, score_step) as u16).to_le_bytes());
    }
    let values = features.descriptors().as_slice().iter();
    bytes.extend(values.flat_map(|v| (steps(*v, value_step) as i8).to_le_bytes()));
    bytes.extend(
        global
            .iter()
            .flat_map(|v| (steps(*v, global_step) as i16).to_le_bytes()),
    );
    seal(&mut bytes);
    Ok(bytes)
}

/// The features of these bytes, rounded. `None` for bytes that [`encode`] did not make, or that were changed.
pub(super) fn decode(bytes: &[u8]) -> Option<FeatureSet> {
    let mut reader = unseal(bytes)?;
    if reader.take::<1>()? != [VERSION] {
        return None;
    }
    let width = u32::from_le_bytes(reader.take()?);
    let height = u32::from_le_bytes(reader.take()?);
    let num_keypoints = usize::from(reader.u16()?);
    let dim = usize::from(reader.u16()?);
    let num_global = usize::from(reader.u16()?);
    let [num_scales] = reader.take()?;
    let scales: Vec<f32> = (0..num_scales)
        .map(|_| reader.f32())
        .collect::<Option<_>>()?;
    let [score_step, value_step, global_step] = [reader.f32()?, reader.f32()?, reader.f32()?];
    let keypoints: Vec<Keypoint> = (0..num_keypoints)
        .map(|_| {
            let (x, y) = (f32::from(reader.u16()?), f32::from(reader.u16()?));
            let [scale] = reader.take()?;
            Some(Keypoint {
                x: x / MAX_U16 * width as f32,
                y: y / MAX_U16 * height as f32,
                scale: *scales.get(usize::from(scale))?,
                score: f32::from(reader.u16()?) * score_step,
            })
        })
        .collect::<Option<_>>()?;
    let values: Vec<f32> = (0..num_keypoints * dim)
        .map(|_| Some(f32::from(i8::from_le_bytes(reader.take()?)) * value_step))
        .collect::<Option<_>>()?;
    let global: Vec<f32> = (0..num_global)
        .map(|_| Some(f32::from(i16::from_le_bytes(reader.take()?)) * global_step))
        .collect::<Option<_>>()?;
    if !reader.is_at_end() {
        return None;
    }
    let descriptors = Descriptors::new(dim, values).ok()?;
    let global = (num_global > 0).then_some(global);
    FeatureSet::new(width, height, keypoints, descriptors, global).ok()
}

fn largest(values: impl Iterator<Item = f32>) -> f32 {
    values.fold(0.0, |largest, v| largest.max(v.abs()))
}

fn steps(value: f32, step: f32) -> f32 {
    if step > 0.0 {
        (value / step).round()
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn features() -> impl Strategy<Value = FeatureSet> {
        let keypoint = (0.0..639.0f32, 0.0..479.0f32, 0..4usize, 0.0..9.0f32);
        let rows =
            proptest::collection::vec((keypoint, [-1.0..1.0f32, -1.0..1.0, -1.0..1.0]), 0..9);
        let global = proptest::option::of(proptest::collection::vec(-5.0..5.0f32, 1..7));
        (rows, global).prop_map(|(rows, global)| {
            let keypoints = rows.iter().map(|((x, y, scale, score), _)| Keypoint {
                x: *x,
                y: *y,
                scale: [0.5, 0.7, 1.0, 1.4][*scale],
                score: *score,
            });
            let values = rows.iter().flat_map(|(_, values)| *values).collect();
            let descriptors = Descriptors::new(3, values).unwrap();
            FeatureSet::new(640, 480, keypoints.collect(), descriptors, global).unwrap()
        })
    }

    proptest! {
        #[test]
        fn what_comes_back_differs_by_half_a_step_at_most(before in features()) {
            let after = decode(&encode(&before).unwrap()).unwrap();
            prop_assert_eq!((after.width(), after.height()), (640, 480));
            prop_assert_eq!(after.keypoints().len(), before.keypoints().len());
            for (a, b) in after.keypoints().iter().zip(before.keypoints()) {
                prop_assert!((a.x - b.x).abs() < 0.006 && (a.y - b.y).abs() < 0.006);
                prop_assert_eq!(a.scale, b.scale);
                prop_assert!((a.score - b.score).abs() < 9.0 / 65535.0);
            }
            let values = |set: &FeatureSet| set.descriptors().as_slice().to_vec();
            for (a, b) in values(&after).iter().zip(values(&before)) {
                prop_assert!((a - b).abs() < 0.51 / 127.0);
            }
            let (a, b) = (after.global().unwrap_or(&[]), before.global().unwrap_or(&[]));
            prop_assert_eq!(a.len(), b.len());
            prop_assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 5.0 / 32767.0));
        }

        #[test]
        fn changed_bytes_are_refused(before in features(), at in 0..1000usize, bit in 0..8) {
            let mut bytes = encode(&before).unwrap();
            let at = at % bytes.len();
            bytes[at] ^= 1u8 << bit;
            prop_assert!(decode(&bytes).is_none());
            bytes.truncate(at);
            prop_assert!(decode(&bytes).is_none());
        }
    }
}
