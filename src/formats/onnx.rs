//! Networks as ONNX files: as much of the format as a convolutional network needs, written and
//! not read.
//!
//! Source: `onnx.proto` of the ONNX specification, IR version 7, operator set 13.

use prost::Message;

const IR_VERSION: i64 = 7;
const OPSET_VERSION: i64 = 13;
/// Element type of 32-bit floats.
pub(super) const FLOAT: i32 = 1;
/// Element type of 64-bit integers.
const INT64: i32 = 7;
/// Kinds of attributes.
pub(super) const ATTRIBUTE_INT: i32 = 2;
const ATTRIBUTE_STRING: i32 = 3;
const ATTRIBUTE_INTS: i32 = 7;

#[derive(Clone, PartialEq, Message)]
struct ModelProto {
    #[prost(int64, tag = "1")]
    ir_version: i64,
    #[prost(string, tag = "2")]
    producer_name: String,
    #[prost(message, optional, tag = "7")]
    graph: Option<GraphProto>,
    #[prost(message, repeated, tag = "8")]
    opset_import: Vec<OperatorSetProto>,
}

#[derive(Clone, PartialEq, Message)]
struct OperatorSetProto {
    #[prost(string, tag = "1")]
    domain: String,
    #[prost(int64, tag = "2")]
    version: i64,
}

#[derive(Clone, PartialEq, Message)]
struct GraphProto {
    #[prost(message, repeated, tag = "1")]
    node: Vec<NodeProto>,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(message, repeated, tag = "5")]
    initializer: Vec<TensorProto>,
    #[prost(message, repeated, tag = "11")]
    input: Vec<ValueInfoProto>,
    #[prost(message, repeated, tag = "12")]
    output: Vec<ValueInfoProto>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct NodeProto {
    #[prost(string, repeated, tag = "1")]
    pub(super) input: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    pub(super) output: Vec<String>,
    #[prost(string, tag = "3")]
    pub(super) name: String,
    #[prost(string, tag = "4")]
    pub(super) op_type: String,
    #[prost(message, repeated, tag = "5")]
    pub(super) attribute: Vec<AttributeProto>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct AttributeProto {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(int64, optional, tag = "3")]
    pub(super) i: Option<i64>,
    #[prost(bytes = "vec", optional, tag = "4")]
    pub(super) s: Option<Vec<u8>>,
    #[prost(int64, repeated, packed = "false", tag = "8")]
    pub(super) ints: Vec<i64>,
    #[prost(int32, tag = "20")]
    pub(super) kind: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TensorProto {
    #[prost(int64, repeated, packed = "false", tag = "1")]
    pub(super) dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    pub(super) data_type: i32,
    #[prost(string, tag = "8")]
    pub(super) name: String,
    #[prost(bytes = "vec", tag = "9")]
    pub(super) raw_data: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct ValueInfoProto {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "2")]
    kind: Option<TypeProto>,
}

#[derive(Clone, PartialEq, Message)]
struct TypeProto {
    #[prost(message, optional, tag = "1")]
    tensor: Option<TensorTypeProto>,
}

#[derive(Clone, PartialEq, Message)]
struct TensorTypeProto {
    #[prost(int32, tag = "1")]
    element: i32,
    #[prost(message, optional, tag = "2")]
    shape: Option<ShapeProto>,
}

#[derive(Clone, PartialEq, Message)]
struct ShapeProto {
    #[prost(message, repeated, tag = "1")]
    dim: Vec<DimProto>,
}

#[derive(Clone, PartialEq, Message)]
struct DimProto {
    #[prost(int64, optional, tag = "1")]
    length: Option<i64>,
    #[prost(string, optional, tag = "2")]
    name: Option<String>,
}

/// An axis of an input or output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis<'a> {
    /// Of this length.
    Fixed(usize),
    /// Of any length; axes of one name have the same length.
    Free(&'a str),
}

/// An attribute of an operation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Attribute<'a> {
    /// A whole number.
    Int(i64),
    /// Several.
    Ints(&'a [i64]),
    /// A text.
    Text(&'a str),
}

/// A network that grows node by node.
#[derive(Debug, Clone, Default)]
pub struct OnnxBuilder {
    graph: GraphProto,
}

impl OnnxBuilder {
    /// A network without a node.
    pub fn new(name: &str) -> Self {
        let name = name.to_owned();
        let graph = GraphProto {
            name,
            ..GraphProto::default()
        };
        Self { graph }
    }

    /// Adds an input of 32-bit floats.
    pub fn input(&mut self, name: &str, axes: &[Axis]) {
        self.graph.input.push(value_info(name, axes));
    }

    /// Adds an output of 32-bit floats.
    pub fn output(&mut self, name: &str, axes: &[Axis]) {
        self.graph.output.push(value_info(name, axes));
    }

    /// Adds a constant; returns its name.
    pub fn constant(&mut self, name: &str, shape: &[usize], values: &[f32]) -> String {
        let raw_data = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.tensor(name, shape, FLOAT, raw_data)
    }

    /// Adds a constant list of whole numbers; returns its name.
    pub fn integers(&mut self, name: &str, values: &[i64]) -> String {
        let raw_data = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.tensor(name, &[values.len()], INT64, raw_data)
    }

    fn tensor(&mut self, name: &str, shape: &[usize], kind: i32, raw_data: Vec<u8>) -> String {
        self.graph.initializer.push(TensorProto {
            dims: shape.iter().map(|&dim| dim as i64).collect(),
            data_type: kind,
            name: name.to_owned(),
            raw_data,
        });
        name.to_owned()
    }

    /// Adds an operation whose output has its name; returns that name.
    pub fn node(
        &mut self,
        op: &str,
        name: &str,
        inputs: &[&str],
        attributes: &[(&str, Attribute)],
    ) -> String {
        let attribute = attributes.iter().map(|(name, value)| {
            let mut attribute = AttributeProto {
                name: (*name).to_owned(),
                ..AttributeProto::default()
            };
            match value {
                Attribute::Int(value) => {
                    attribute.i = Some(*value);
                    attribute.kind = ATTRIBUTE_INT;
                }
                Attribute::Ints(values) => {
                    attribute.ints = values.to_vec();
                    attribute.kind = ATTRIBUTE_INTS;
                }
                Attribute::Text(text) => {
                    attribute.s = Some(text.as_bytes().to_vec());
                    attribute.kind = ATTRIBUTE_STRING;
                }
            }
            attribute
        });
        self.graph.node.push(NodeProto {
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![name.to_owned()],
            name: name.to_owned(),
            op_type: op.to_owned(),
            attribute: attribute.collect(),
        });
        name.to_owned()
    }

    /// The file.
    pub fn encode(self) -> Vec<u8> {
        let operators = OperatorSetProto {
            domain: String::new(),
            version: OPSET_VERSION,
        };
        let model = ModelProto {
            ir_version: IR_VERSION,
            producer_name: "delfin".into(),
            graph: Some(self.graph),
            opset_import: vec![operators],
        };
        model.encode_to_vec()
    }
}

fn value_info(name: &str, axes: &[Axis]) -> ValueInfoProto {
    let dim = axes.iter().map(|axis| match axis {
        Axis::Fixed(length) => DimProto {
            length: Some(*length as i64),
            name: None,
        },
        Axis::Free(name) => DimProto {
            length: None,
            name: Some((*name).to_owned()),
        },
    });
    let shape = ShapeProto { dim: dim.collect() };
    let tensor = TensorTypeProto {
        element: FLOAT,
        shape: Some(shape),
    };
    ValueInfoProto {
        name: name.to_owned(),
        kind: Some(TypeProto {
            tensor: Some(tensor),
        }),
    }
}
