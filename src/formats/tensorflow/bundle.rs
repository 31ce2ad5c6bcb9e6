//! A tensor bundle: named arrays. The index gives the place of each in the data; the data files hold their values
//! one after the other.
//!
//! Source: TensorFlow's `tensor_bundle.proto`.

use std::collections::BTreeMap;

use prost::Message;

use super::{DT_FLOAT, ShapeProto, table};
use crate::formats::masked_crc::masked_crc32c;

#[derive(Clone, PartialEq, Message)]
struct HeaderProto {
    #[prost(int32, tag = "1")]
    num_shards: i32,
    #[prost(int32, tag = "2")]
    endianness: i32,
}

#[derive(Clone, PartialEq, Message)]
struct EntryProto {
    #[prost(int32, tag = "1")]
    dtype: i32,
    #[prost(message, optional, tag = "2")]
    shape: Option<ShapeProto>,
    #[prost(int32, tag = "3")]
    shard_id: i32,
    #[prost(int64, tag = "4")]
    offset: i64,
    #[prost(int64, tag = "5")]
    size: i64,
    #[prost(fixed32, tag = "6")]
    crc32c: u32,
    #[prost(bytes = "vec", repeated, tag = "7")]
    slices: Vec<Vec<u8>>,
}

/// Place of an array of 32-bit floats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleEntry {
    /// The length of each axis.
    pub shape: Vec<usize>,
    /// The first byte in the data.
    pub offset: usize,
    /// Masked CRC-32C of its bytes.
    pub checksum: u32,
}

/// The index of a tensor bundle with one data file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    entries: BTreeMap<String, Result<BundleEntry, String>>,
}

impl Bundle {
    /// Reads `variables.index`.
    ///
    /// # Errors
    /// The fault, in one line.
    pub fn decode(index: &[u8]) -> Result<Self, String> {
        let mut table = table::read(index)?;
        let header = table.remove(&b""[..]).ok_or("it has no header")?;
        let header = HeaderProto::decode(&header[..]).map_err(|e| format!("its header: {e}"))?;
        if header.num_shards != 1 || header.endianness != 0 {
            return Err(format!(
                "its data are in {} files, {}-endian; supported is one file, little-endian",
                header.num_shards,
                if header.endianness == 0 {
                    "little"
                } else {
                    "big"
                }
            ));
        }
        let mut entries = BTreeMap::new();
        for (key, value) in table {
            let name = String::from_utf8_lossy(&key).into_owned();
            entries.insert(name, read_entry(&value));
        }
        Ok(Self { entries })
    }

    /// The names of its arrays, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// Place of the array `name`.
    ///
    /// # Errors
    /// There is none of this name, or it is not of 32-bit floats.
    pub fn entry(&self, name: &str) -> Result<&BundleEntry, String> {
        match self.entries.get(name) {
            None => Err(format!("there is no variable `{name}`")),
            Some(Err(reason)) => Err(format!("variable `{name}`: {reason}")),
            Some(Ok(entry)) => Ok(entry),
        }
    }

    /// The values of the array `name` in `data`, the bytes of `variables.data-00000-of-00001`; its
    /// shape must be `shape`.
    ///
    /// # Errors
    /// As [`Self::entry`]; the shape is another one, the data end before it, or its checksum is
    /// wrong.
    pub fn values(&self, name: &str, shape: &[usize], data: &[u8]) -> Result<Vec<f32>, String> {
        let entry = self.entry(name)?;
        let fail = |reason: String| Err(format!("variable `{name}` {reason}"));
        if entry.shape != shape {
            return fail(format!(
                "has shape {:?}, but the graph says {shape:?}",
                entry.shape
            ));
        }
        let length = 4 * entry.shape.iter().product::<usize>();
        let end = entry.offset.checked_add(length);
        let Some(bytes) = end.and_then(|end| data.get(entry.offset..end)) else {
            return fail(format!(
                "lies at bytes {} to {}, but the data have {}",
                entry.offset,
                entry.offset.saturating_add(length),
                data.len()
            ));
        };
        if masked_crc32c(bytes) != entry.checksum {
            return fail("has a wrong checksum".into());
        }
        let numbers = bytes.as_chunks::<4>().0.iter();
        Ok(numbers.map(|b| f32::from_le_bytes(*b)).collect())
    }
}

fn read_entry(bytes: &[u8]) -> Result<BundleEntry, String> {
    let entry = EntryProto::decode(bytes).map_err(|e| format!("its entry is broken: {e}"))?;
    if entry.dtype != DT_FLOAT {
        return Err(format!("its type is {}, not 32-bit floats", entry.dtype));
    }
    if !entry.slices.is_empty() {
        return Err("it is cut into slices".into());
    }
    let shape = entry.shape.unwrap_or_default().lengths();
    let (shape, count) = shape.ok_or("its shape is broken")?;
    let length = count.checked_mul(4).and_then(|l| i64::try_from(l).ok());
    match usize::try_from(entry.offset) {
        Ok(offset) if length == Some(entry.size) && entry.shard_id == 0 => Ok(BundleEntry {
            shape,
            offset,
            checksum: entry.crc32c,
        }),
        _ => Err(format!(
            "its shape {shape:?} does not fit {} bytes at {} of file {}",
            entry.size, entry.offset, entry.shard_id
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::tests::table;
    use super::*;

    fn index(header: &HeaderProto, entry: &EntryProto) -> Vec<u8> {
        table(
            &[("", header.encode_to_vec()), ("a", entry.encode_to_vec())],
            true,
        )
    }

    fn entry(data: &[u8]) -> EntryProto {
        let dim = vec![super::super::DimProto { size: 2 }];
        EntryProto {
            dtype: DT_FLOAT,
            shape: Some(ShapeProto {
                dim,
                unknown_rank: false,
            }),
            size: 8,
            crc32c: masked_crc32c(data),
            ..EntryProto::default()
        }
    }

    const HEADER: HeaderProto = HeaderProto {
        num_shards: 1,
        endianness: 0,
    };

    #[test]
    fn values_are_found_by_name() {
        let data = [1.5f32.to_le_bytes(), (-2.0f32).to_le_bytes()].concat();
        let bundle = Bundle::decode(&index(&HEADER, &entry(&data))).unwrap();
        assert_eq!(bundle.names().collect::<Vec<_>>(), ["a"]);
        assert_eq!(bundle.values("a", &[2], &data).unwrap(), [1.5, -2.0]);
        for (name, shape, data, reason) in [
            ("b", &[2][..], &data[..], "no variable `b`"),
            ("a", &[3], &data, "has shape [2], but the graph says [3]"),
            (
                "a",
                &[2],
                &data[..7],
                "lies at bytes 0 to 8, but the data have 7",
            ),
            ("a", &[2], &[0; 8], "checksum"),
        ] {
            let message = bundle.values(name, shape, data).unwrap_err();
            assert!(message.contains(reason), "{message}");
        }
    }

    #[test]
    fn what_is_not_understood_is_said() {
        let data = [0; 8];
        let good = entry(&data);
        let said = |header: &HeaderProto, entry: &EntryProto| {
            let read = Bundle::decode(&index(header, entry));
            read.and_then(|b| b.values("a", &[2], &data)).unwrap_err()
        };
        let two = HeaderProto {
            num_shards: 2,
            ..HEADER
        };
        assert!(said(&two, &good).contains("2 files"));
        let big = HeaderProto {
            endianness: 1,
            ..HEADER
        };
        assert!(said(&big, &good).contains("big-endian"));
        let with = |change: fn(&mut EntryProto)| {
            let mut entry = good.clone();
            change(&mut entry);
            said(&HEADER, &entry)
        };
        assert!(with(|e| e.dtype = 3).contains("not 32-bit floats"));
        assert!(with(|e| e.size = 4).contains("does not fit 4 bytes"));
        assert!(with(|e| e.offset = -1).contains("does not fit"));
        assert!(with(|e| e.slices = vec![vec![]]).contains("slices"));
        assert!(with(|e| e.offset = i64::MAX).contains("but the data have 8"));
        let empty = table(&[("a", vec![])], false);
        assert!(Bundle::decode(&empty).unwrap_err().contains("no header"));
        assert!(Bundle::decode(b"").is_err());
    }
}
