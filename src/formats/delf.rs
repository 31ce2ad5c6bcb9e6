//! DELF's feature files (`.delf`): the protocol buffer message `DelfFeatures` (proto2) of the
//! published `feature.proto` and `datum.proto`.
//!
//! A file holds positions, scales, scores and descriptors; it has no place for the photo's size
//! or a global descriptor.

use prost::Message;

use crate::error::{Error, Result};
use crate::features::{Descriptors, FeatureSet, Keypoint};

#[derive(Clone, PartialEq, Message)]
struct DelfFeatures {
    #[prost(message, repeated, tag = "1")]
    feature: Vec<DelfFeature>,
}

#[derive(Clone, PartialEq, Message)]
struct DelfFeature {
    #[prost(message, optional, tag = "1")]
    descriptor: Option<Datum>,
    #[prost(float, optional, tag = "2")]
    x: Option<f32>,
    #[prost(float, optional, tag = "3")]
    y: Option<f32>,
    #[prost(float, optional, tag = "4")]
    scale: Option<f32>,
    #[prost(float, optional, tag = "5")]
    orientation: Option<f32>,
    #[prost(float, optional, tag = "6")]
    strength: Option<f32>,
}

#[derive(Clone, PartialEq, Message)]
struct Datum {
    #[prost(message, optional, tag = "1")]
    shape: Option<DatumShape>,
    #[prost(message, optional, tag = "2")]
    float_list: Option<FloatList>,
}

#[derive(Clone, PartialEq, Message)]
struct DatumShape {
    #[prost(int64, repeated, tag = "1")]
    dim: Vec<i64>,
}

#[derive(Clone, PartialEq, Message)]
struct FloatList {
    #[prost(float, repeated, tag = "1")]
    value: Vec<f32>,
}

/// Encodes keypoints and descriptors as a `.delf` file; orientation is 0.
pub fn encode(features: &FeatureSet) -> Vec<u8> {
    let descriptors = features.descriptors();
    let feature = features
        .keypoints()
        .iter()
        .enumerate()
        .map(|(index, keypoint)| DelfFeature {
            descriptor: Some(Datum {
                shape: Some(DatumShape {
                    dim: vec![descriptors.dim() as i64],
                }),
                float_list: Some(FloatList {
                    value: descriptors.row(index).to_vec(),
                }),
            }),
            x: Some(keypoint.x),
            y: Some(keypoint.y),
            scale: Some(keypoint.scale),
            orientation: Some(0.0),
            strength: Some(keypoint.score),
        })
        .collect();
    DelfFeatures { feature }.encode_to_vec()
}

/// Decodes a `.delf` file: its keypoints, its descriptors.
///
/// # Errors
/// [`Error::Features`] when the bytes are no such message, a descriptor is missing or has a shape
/// that does not fit its values, or descriptors differ in length.
pub fn decode(bytes: &[u8]) -> Result<(Vec<Keypoint>, Descriptors)> {
    let fail = |reason: String| Error::Features { reason };
    let message =
        DelfFeatures::decode(bytes).map_err(|e| fail(format!("not a .delf file: {e}")))?;
    let mut keypoints = Vec::with_capacity(message.feature.len());
    let mut values = Vec::new();
    let mut dim = None;
    for (index, feature) in message.feature.iter().enumerate() {
        let datum = feature
            .descriptor
            .as_ref()
            .ok_or_else(|| fail(format!("feature {index} has no descriptor")))?;
        let row = datum
            .float_list
            .as_ref()
            .map_or(&[][..], |list| &list.value);
        let shape = datum.shape.as_ref().map_or(&[][..], |shape| &shape.dim);
        if shape != [row.len() as i64] {
            return Err(fail(format!(
                "feature {index}: its descriptor has shape {shape:?} and {} values",
                row.len()
            )));
        }
        if *dim.get_or_insert(row.len()) != row.len() {
            return Err(fail(format!(
                "feature {index}: its descriptor has {} values, the first has {}",
                row.len(),
                dim.unwrap_or(0)
            )));
        }
        values.extend_from_slice(row);
        keypoints.push(Keypoint {
            x: feature.x.unwrap_or(0.0),
            y: feature.y.unwrap_or(0.0),
            scale: feature.scale.unwrap_or(1.0),
            score: feature.strength.unwrap_or(0.0),
        });
    }
    let descriptors = Descriptors::new(dim.unwrap_or(1), values)?;
    Ok((keypoints, descriptors))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features() -> FeatureSet {
        let keypoint = |x| Keypoint {
            x,
            y: 2.0,
            scale: 0.5,
            score: 3.0,
        };
        let descriptors = Descriptors::new(2, vec![0.6, 0.8, -1.0, 0.0]).unwrap();
        FeatureSet::new(9, 9, vec![keypoint(1.0), keypoint(4.0)], descriptors, None).unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let (keypoints, descriptors) = decode(&encode(&features())).unwrap();
        assert_eq!(keypoints, features().keypoints());
        assert_eq!(&descriptors, features().descriptors());
    }

    #[test]
    fn one_feature_has_the_published_wire_form() {
        let descriptors = Descriptors::new(1, vec![1.0]).unwrap();
        let keypoint = Keypoint {
            x: 1.0,
            y: 2.0,
            scale: 1.0,
            score: 1.0,
        };
        let one = FeatureSet::new(9, 9, vec![keypoint], descriptors, None).unwrap();
        let float = |tag: u8, value: f32| [&[tag << 3 | 5][..], &value.to_le_bytes()].concat();
        let datum = [
            &[0x0a, 3, 0x0a, 1, 1, 0x12, 6, 0x0a, 4][..],
            &1.0f32.to_le_bytes(),
        ]
        .concat();
        let fields = [(2, 1.0), (3, 2.0), (4, 1.0), (5, 0.0), (6, 1.0)]
            .map(|(t, v)| float(t, v))
            .concat();
        let feature = [&[0x0a, datum.len() as u8][..], &datum, &fields].concat();
        assert_eq!(
            encode(&one),
            [&[0x0a, feature.len() as u8][..], &feature].concat()
        );
    }

    #[test]
    fn broken_files_are_refused() {
        let whole = encode(&features());
        assert!(decode(&whole[..whole.len() - 1]).is_err());
        let first = whole.len() / 2;
        let mut wrong_shape = whole[..first].to_vec();
        // The one dimension of the first descriptor's shape.
        wrong_shape[8] = 3;
        assert_eq!(decode(&whole[..first]).unwrap().0.len(), 1);
        assert!(decode(&wrong_shape).is_err());
        assert!(decode(&[]).unwrap().0.is_empty());
    }
}
