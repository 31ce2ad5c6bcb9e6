//! TensorFlow's SavedModel: a graph (`saved_model.pb`) and the values of its variables (the tensor
//! bundle `variables/variables.index` and `variables/variables.data-..`).

mod bundle;
mod graph;
mod messages;
mod table;

pub use bundle::{Bundle, BundleEntry};
pub(crate) use graph::Tensor;
pub use graph::{Graph, Node, Signature};

use prost::Message;

/// TensorFlow's `DataType` of 32-bit floats.
const DT_FLOAT: i32 = 1;

/// The message `TensorShapeProto`.
#[derive(Clone, PartialEq, Message)]
struct ShapeProto {
    #[prost(message, repeated, tag = "2")]
    dim: Vec<DimProto>,
    #[prost(bool, tag = "3")]
    unknown_rank: bool,
}

#[derive(Clone, PartialEq, Message)]
struct DimProto {
    #[prost(int64, tag = "1")]
    size: i64,
}

impl ShapeProto {
    /// The lengths and their product; none when a length is unknown or the product too large.
    fn lengths(&self) -> Option<(Vec<usize>, usize)> {
        let lengths = self.dim.iter().map(|dim| usize::try_from(dim.size).ok());
        let lengths: Vec<usize> = lengths
            .collect::<Option<_>>()
            .filter(|_| !self.unknown_rank)?;
        let product = |count: usize, &length: &usize| count.checked_mul(length);
        let count = lengths.iter().try_fold(1, product)?;
        Some((lengths, count))
    }
}
