//! The messages of a SavedModel, as much of them as is read.
//!
//! Source: TensorFlow's `saved_model.proto`, `meta_graph.proto`, `graph.proto`, `node_def.proto`,
//! `attr_value.proto` and `tensor.proto`.

use std::collections::BTreeMap;

use prost::Message;

use super::{DT_FLOAT, ShapeProto};

#[derive(Clone, PartialEq, Message)]
pub(super) struct SavedModelProto {
    #[prost(message, repeated, tag = "2")]
    pub(super) meta_graphs: Vec<MetaGraphProto>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct MetaGraphProto {
    #[prost(message, optional, tag = "1")]
    pub(super) info: Option<MetaInfoProto>,
    #[prost(message, optional, tag = "2")]
    pub(super) graph: Option<GraphProto>,
    #[prost(btree_map = "string, message", tag = "5")]
    pub(super) signatures: BTreeMap<String, SignatureProto>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct MetaInfoProto {
    #[prost(string, repeated, tag = "4")]
    pub(super) tags: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SignatureProto {
    #[prost(btree_map = "string, message", tag = "1")]
    pub(super) inputs: BTreeMap<String, TensorInfoProto>,
    #[prost(btree_map = "string, message", tag = "2")]
    pub(super) outputs: BTreeMap<String, TensorInfoProto>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TensorInfoProto {
    #[prost(string, tag = "1")]
    pub(super) name: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct GraphProto {
    #[prost(message, repeated, tag = "1")]
    pub(super) node: Vec<NodeProto>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct NodeProto {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) op: String,
    #[prost(string, repeated, tag = "3")]
    pub(super) input: Vec<String>,
    #[prost(btree_map = "string, message", tag = "5")]
    pub(super) attr: BTreeMap<String, AttrValue>,
}

/// An attribute of a node; one of its fields is set.
#[derive(Clone, PartialEq, Message)]
pub(super) struct AttrValue {
    #[prost(message, optional, tag = "1")]
    pub(super) list: Option<ListProto>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub(super) text: Option<Vec<u8>>,
    #[prost(int64, optional, tag = "3")]
    pub(super) integer: Option<i64>,
    #[prost(float, optional, tag = "4")]
    pub(super) float: Option<f32>,
    #[prost(bool, optional, tag = "5")]
    pub(super) boolean: Option<bool>,
    #[prost(message, optional, tag = "7")]
    pub(super) shape: Option<ShapeProto>,
    #[prost(message, optional, tag = "8")]
    pub(super) tensor: Option<TensorProto>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ListProto {
    #[prost(int64, repeated, tag = "3")]
    pub(super) integers: Vec<i64>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TensorProto {
    #[prost(int32, tag = "1")]
    pub(super) dtype: i32,
    #[prost(message, optional, tag = "2")]
    pub(super) shape: Option<ShapeProto>,
    #[prost(bytes = "vec", tag = "4")]
    pub(super) content: Vec<u8>,
    #[prost(float, repeated, tag = "5")]
    pub(super) floats: Vec<f32>,
    #[prost(int32, repeated, tag = "7")]
    pub(super) integers: Vec<i32>,
    #[prost(int64, repeated, tag = "10")]
    pub(super) long_integers: Vec<i64>,
}

impl TensorProto {
    pub(super) fn values(&self) -> Option<Vec<f64>> {
        let four = || self.content.as_chunks::<4>().0.iter().copied();
        let eight = || self.content.as_chunks::<8>().0.iter().copied();
        let is_listed = self.content.is_empty();
        Some(match self.dtype {
            DT_FLOAT if is_listed => self.floats.iter().copied().map(f64::from).collect(),
            DT_FLOAT => four().map(|b| f32::from_le_bytes(b).into()).collect(),
            // Integers of 32 bits and of 64.
            3 if is_listed => self.integers.iter().copied().map(f64::from).collect(),
            3 => four().map(|b| i32::from_le_bytes(b).into()).collect(),
            9 if is_listed => self.long_integers.iter().map(|&i| i as f64).collect(),
            9 => eight().map(|b| i64::from_le_bytes(b) as f64).collect(),
            _ => return None,
        })
    }
}
