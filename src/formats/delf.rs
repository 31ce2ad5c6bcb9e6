//! DELF's feature files (`.delf`): the protocol buffer message `DelfFeatures` (proto2) of the
//! published `feature.proto` and `datum.proto`.
//!
//! A file holds positions, scales, scores and descriptors; it has no place for the photo's size or a global
//! descriptor. Its `scale` is one over the scale of the image pyramid: the size of a feature, in photo pixels.

use std::path::Path;

use prost::Message;

use super::Decoded;
use super::datum::{DATUM, Datum, DatumProto};
use super::wire::{MessageType, unknown_fields};
use crate::error::{Error, Result};
use crate::features::{Descriptors, FeatureSet, Keypoint};

#[derive(Clone, PartialEq, Message)]
struct DelfFeaturesProto {
    #[prost(message, repeated, tag = "1")]
    feature: Vec<DelfFeatureProto>,
}

#[derive(Clone, PartialEq, Message)]
struct DelfFeatureProto {
    #[prost(message, optional, tag = "1")]
    descriptor: Option<DatumProto>,
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

const DELF_FEATURES: MessageType = MessageType {
    name: "DelfFeatures",
    fields: &[(
        1,
        Some(&MessageType {
            name: "DelfFeature",
            fields: &[
                (1, Some(&DATUM)),
                (2, None),
                (3, None),
                (4, None),
                (5, None),
                (6, None),
            ],
        }),
    )],
};

/// One feature as the file has it.
#[derive(Debug, Clone, PartialEq)]
pub struct DelfFeature {
    /// The descriptor.
    pub descriptor: Vec<f32>,
    /// Photo pixels to the right.
    pub x: f32,
    /// Photo pixels downwards.
    pub y: f32,
    /// One over the scale of the image pyramid; 1 in a file without it.
    pub scale: f32,
    /// An angle; DELF writes 0.
    pub orientation: f32,
    /// The attention.
    pub strength: f32,
}

/// A `.delf` file; decoding and encoding it gives the same bytes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DelfFile {
    /// The features, in the file's order.
    pub features: Vec<DelfFeature>,
}

impl DelfFile {
    /// Decodes a `.delf` file; `path` only names it in errors.
    ///
    /// # Errors
    /// [`Error::Format`] when the bytes are no such message, a descriptor is missing or has a shape
    /// that does not fit its values.
    pub fn decode(bytes: &[u8], path: &Path) -> Result<Decoded<Self>> {
        read(bytes).map_err(|reason| Error::format(path, reason))
    }

    /// Encodes it.
    pub fn encode(&self) -> Vec<u8> {
        let feature = self
            .features
            .iter()
            .map(|feature| DelfFeatureProto {
                descriptor: Some(DatumProto::new(
                    &[feature.descriptor.len()],
                    feature.descriptor.clone(),
                )),
                x: Some(feature.x),
                y: Some(feature.y),
                scale: Some(feature.scale),
                orientation: Some(feature.orientation),
                strength: Some(feature.strength),
            })
            .collect();
        DelfFeaturesProto { feature }.encode_to_vec()
    }

    /// The keypoints and descriptors; orientations have no place there.
    ///
    /// # Errors
    /// [`Error::Features`] when descriptors differ in length, a number is not finite or a scale is
    /// not above 0.
    pub fn keypoints(&self) -> Result<(Vec<Keypoint>, Descriptors)> {
        let fail = |reason: String| Err(Error::Features { reason });
        let dim = self.features.first().map_or(1, |f| f.descriptor.len());
        let mut keypoints = Vec::with_capacity(self.features.len());
        let mut values = Vec::with_capacity(self.features.len() * dim);
        for (index, feature) in self.features.iter().enumerate() {
            if feature.descriptor.len() != dim {
                return fail(format!(
                    "feature {index}: its descriptor has {} values, the first has {dim}",
                    feature.descriptor.len()
                ));
            }
            if !(feature.scale > 0.0 && (1.0 / feature.scale).is_finite()) {
                return fail(format!("feature {index}: its scale is {}", feature.scale));
            }
            values.extend_from_slice(&feature.descriptor);
            keypoints.push(Keypoint {
                x: feature.x,
                y: feature.y,
                scale: 1.0 / feature.scale,
                score: feature.strength,
            });
        }
        Ok((keypoints, Descriptors::new(dim, values)?))
    }

    /// Whether a feature has an orientation, which [`Self::keypoints`] leaves out.
    pub fn has_orientations(&self) -> bool {
        self.features.iter().any(|f| f.orientation != 0.0)
    }
}

impl From<&FeatureSet> for DelfFile {
    fn from(set: &FeatureSet) -> Self {
        let features = set.keypoints().iter().enumerate();
        let features = features.map(|(index, keypoint)| DelfFeature {
            descriptor: set.descriptors().row(index).to_vec(),
            x: keypoint.x,
            y: keypoint.y,
            scale: 1.0 / keypoint.scale,
            orientation: 0.0,
            strength: keypoint.score,
        });
        Self {
            features: features.collect(),
        }
    }
}

fn read(bytes: &[u8]) -> std::result::Result<Decoded<DelfFile>, String> {
    let no_delf = |e: String| format!("not a .delf file: {e}");
    let unsupported = unknown_fields(bytes, &DELF_FEATURES).map_err(no_delf)?;
    let message = DelfFeaturesProto::decode(bytes).map_err(|e| no_delf(e.to_string()))?;
    let mut features = Vec::with_capacity(message.feature.len());
    for (index, feature) in message.feature.into_iter().enumerate() {
        let datum = feature
            .descriptor
            .ok_or_else(|| format!("feature {index} has no descriptor"))?;
        let datum = Datum::try_from(datum)
            .map_err(|reason| format!("feature {index}: its descriptor has {reason}"))?;
        if datum.shape.len() != 1 {
            return Err(format!(
                "feature {index}: its descriptor has shape {:?}, which is not one axis",
                datum.shape
            ));
        }
        features.push(DelfFeature {
            descriptor: datum.values,
            x: feature.x.unwrap_or(0.0),
            y: feature.y.unwrap_or(0.0),
            scale: feature.scale.unwrap_or(1.0),
            orientation: feature.orientation.unwrap_or(0.0),
            strength: feature.strength.unwrap_or(0.0),
        });
    }
    Ok(Decoded {
        value: DelfFile { features },
        unsupported,
    })
}

/// Encodes keypoints and descriptors as a `.delf` file; orientation is 0.
pub fn encode(features: &FeatureSet) -> Vec<u8> {
    DelfFile::from(features).encode()
}

/// Decodes a `.delf` file: its keypoints, its descriptors. [`DelfFile::decode`] also gives the file's other fields.
///
/// # Errors
/// [`Error::Features`] when the bytes are no such message, a descriptor is missing or has a shape
/// that does not fit its values, or descriptors differ in length.
pub fn decode(bytes: &[u8]) -> Result<(Vec<Keypoint>, Descriptors)> {
    let file = read(bytes).map_err(|reason| Error::Features { reason })?;
    file.value.keypoints()
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
            scale: 0.25,
            score: 1.0,
        };
        let one = FeatureSet::new(9, 9, vec![keypoint], descriptors, None).unwrap();
        let float = |tag: u8, value: f32| [&[tag << 3 | 5][..], &value.to_le_bytes()].concat();
        let datum = [
            &[0x0a, 3, 0x0a, 1, 1, 0x12, 6, 0x0a, 4][..],
            &1.0f32.to_le_bytes(),
        ]
        .concat();
        let fields = [(2, 1.0), (3, 2.0), (4, 4.0), (5, 0.0), (6, 1.0)]
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

    #[test]
    fn numbers_that_make_no_keypoint_are_refused() {
        let with = |change: fn(&mut DelfFeature)| {
            let mut file = DelfFile::from(&features());
            change(&mut file.features[1]);
            decode(&file.encode()).unwrap_err().to_string()
        };
        assert!(with(|f| f.scale = 0.0).contains("feature 1: its scale is 0"));
        assert!(with(|f| f.scale = f32::NAN).contains("scale"));
        assert!(with(|f| f.descriptor.push(1.0)).contains("3 values"));
        assert!(with(|f| f.descriptor[0] = f32::NAN).contains("finite"));
        assert!(decode(&DelfFile::from(&features()).encode()).is_ok());
    }

    #[test]
    fn what_has_no_place_is_named() {
        let mut file = DelfFile::from(&features());
        assert!(!file.has_orientations());
        file.features[0].orientation = 0.5;
        assert!(file.has_orientations());
        let path = Path::new("a.delf");
        assert_eq!(DelfFile::decode(&file.encode(), path).unwrap().value, file);
        // A second field of the file, and a seventh of its first feature.
        let mut bytes = file.encode();
        bytes.extend([0x12, 0]);
        let length = bytes[1];
        bytes.splice(2 + usize::from(length)..2 + usize::from(length), [0x38, 1]);
        bytes[1] += 2;
        let decoded = DelfFile::decode(&bytes, path).unwrap();
        assert_eq!(
            decoded.unsupported,
            ["DelfFeature field 7", "DelfFeatures field 2"]
        );
        assert_eq!(decoded.value, file);
    }
}
