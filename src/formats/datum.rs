//! DELF's arrays of numbers (`.datum`): the protocol buffer message `DatumProto` (proto2) of the
//! published `datum.proto`; the means, matrices and variances of a PCA are kept in it.

use std::path::Path;

use prost::Message;

use super::Decoded;
use super::wire::{MessageType, unknown_fields};
use crate::error::{Error, Result};

/// The message on the wire.
#[derive(Clone, PartialEq, Message)]
pub(super) struct DatumProto {
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

pub(super) const DATUM: MessageType = MessageType {
    name: "DatumProto",
    fields: &[
        (
            1,
            Some(&MessageType {
                name: "DatumShape",
                fields: &[(1, None)],
            }),
        ),
        (
            2,
            Some(&MessageType {
                name: "FloatList",
                fields: &[(1, None)],
            }),
        ),
    ],
};

/// An array of numbers, the last axis running fastest.
#[derive(Debug, Clone, PartialEq)]
pub struct Datum {
    /// The length of each axis.
    pub shape: Vec<usize>,
    /// The numbers, as many as the lengths multiplied.
    pub values: Vec<f32>,
}

impl Datum {
    /// Decodes a `.datum` file; `path` only names it in errors.
    ///
    /// # Errors
    /// [`Error::Format`] when the bytes are no such message, or the shape does not fit the values.
    pub fn decode(bytes: &[u8], path: &Path) -> Result<Decoded<Self>> {
        let fail = |reason: String| Error::format(path, format!("not a .datum file: {reason}"));
        let unsupported = unknown_fields(bytes, &DATUM).map_err(fail)?;
        let message = DatumProto::decode(bytes).map_err(|e| fail(e.to_string()))?;
        Ok(Decoded {
            value: Self::try_from(message).map_err(fail)?,
            unsupported,
        })
    }

    /// Encodes it as a `.datum` file.
    pub fn encode(&self) -> Vec<u8> {
        DatumProto::new(&self.shape, self.values.clone()).encode_to_vec()
    }
}

impl DatumProto {
    pub(super) fn new(shape: &[usize], values: Vec<f32>) -> Self {
        Self {
            shape: Some(DatumShape {
                dim: shape.iter().map(|&dim| dim as i64).collect(),
            }),
            float_list: Some(FloatList { value: values }),
        }
    }
}

impl TryFrom<DatumProto> for Datum {
    type Error = String;

    fn try_from(message: DatumProto) -> std::result::Result<Self, String> {
        let dims = message.shape.map_or(Vec::new(), |shape| shape.dim);
        let values = message.float_list.map_or(Vec::new(), |list| list.value);
        let shape: Option<Vec<usize>> = dims.iter().map(|&d| usize::try_from(d).ok()).collect();
        let count = shape.as_ref().and_then(|shape| {
            let product = |count: usize, &dim: &usize| count.checked_mul(dim);
            shape.iter().try_fold(1, product)
        });
        match shape {
            Some(shape) if count == Some(values.len()) => Ok(Self { shape, values }),
            _ => Err(format!("shape {dims:?} and {} values", values.len())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(bytes: &[u8]) -> Result<Decoded<Datum>> {
        Datum::decode(bytes, Path::new("a.datum"))
    }

    #[test]
    fn what_is_written_is_read() {
        let datum = Datum {
            shape: vec![2, 3],
            values: vec![1.0, 2.0, 3.0, -4.0, 0.5, 0.0],
        };
        let bytes = datum.encode();
        assert_eq!(&bytes[..6], [0x0a, 4, 0x0a, 2, 2, 3]);
        assert_eq!(decode(&bytes).unwrap().value, datum);
    }

    #[test]
    fn shape_and_values_must_agree() {
        for shape in [&[2][..], &[], &[1, 2, 3]] {
            let bytes = DatumProto::new(shape, vec![1.0; 5]).encode_to_vec();
            let message = decode(&bytes).unwrap_err().to_string();
            assert!(
                message.contains("a.datum") && message.contains("5 values"),
                "{message}"
            );
        }
        let negative = DatumProto {
            shape: Some(DatumShape { dim: vec![-1, -5] }),
            float_list: Some(FloatList {
                value: vec![1.0; 5],
            }),
        };
        assert!(decode(&negative.encode_to_vec()).is_err());
        let huge = DatumProto::new(&[usize::MAX / 2, 3], vec![]).encode_to_vec();
        assert!(decode(&huge).is_err());
    }

    #[test]
    fn cut_off_files_are_refused_and_unknown_fields_are_named() {
        let whole = DatumProto::new(&[3], vec![1.0; 3]).encode_to_vec();
        for end in 1..whole.len() {
            assert!(decode(&whole[..end]).is_err(), "{end}");
        }
        // Field 3, the list of integers, empty.
        let more = [&whole[..], &[0x1a, 0]].concat();
        assert_eq!(decode(&more).unwrap().unsupported, ["DatumProto field 3"]);
        assert!(decode(&whole).unwrap().unsupported.is_empty());
    }
}
