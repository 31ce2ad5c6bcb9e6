//! Files of other programs. Conventions that differ from ours are converted here and nowhere else.

pub mod classifier_onnx;
pub mod colmap;
pub mod datum;
pub mod delf;
pub mod delf_config;
pub mod event_file;
pub mod json;
pub mod labels;
mod masked_crc;
pub mod onnx;
#[cfg(feature = "parquet")]
pub(crate) mod parquet;
pub mod tensorflow;
mod text_proto;
mod wire;

/// A value read from a file, and the names of content that was left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded<T> {
    /// The value.
    pub value: T,
    /// Content that was left out, each named once, in the order of the names.
    pub unsupported: Vec<String>,
}
