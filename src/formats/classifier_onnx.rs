//! A network and a softmax layer as one ONNX file, from pixels to probabilities.
//!
//! The network's graph is kept byte for byte; the nodes that bring pixels to its input are put before
//! it, those of the layer after it. Protocol buffers allow that without reading the network: fields of
//! a message may stand in any order, and repeated ones add up. Field numbers are those of `onnx.proto`.

use prost::Message;
use prost::encoding::{WireType, decode_key, decode_varint, encode_key, encode_varint};

use super::onnx::{ATTRIBUTE_INT, AttributeProto, FLOAT, NodeProto, TensorProto};
use crate::classify::SoftmaxLayer;

/// The file's input: values from 0 to 255 in the network's own layout and channel order; sides are
/// multiples of the manifest's.
pub const INPUT: &str = "pixels";
/// The file's output, [1, C].
pub const OUTPUT: &str = "probabilities";

const MODEL_GRAPH: u32 = 7;
const GRAPH_NODE: u32 = 1;
const GRAPH_INITIALIZER: u32 = 5;
const GRAPH_INPUT: u32 = 11;
const GRAPH_OUTPUT: u32 = 12;

/// Its type is kept as it is encoded.
#[derive(Clone, PartialEq, Message)]
struct ValueInfo {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(bytes = "vec", tag = "2")]
    kind: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct TypeProto {
    #[prost(message, optional, tag = "1")]
    tensor_type: Option<TensorType>,
}

#[derive(Clone, PartialEq, Message)]
struct TensorType {
    #[prost(int32, tag = "1")]
    elem_type: i32,
    #[prost(message, optional, tag = "2")]
    shape: Option<Shape>,
}

#[derive(Clone, PartialEq, Message)]
struct Shape {
    #[prost(message, repeated, tag = "1")]
    dim: Vec<Dimension>,
}

#[derive(Clone, PartialEq, Message)]
struct Dimension {
    #[prost(int64, optional, tag = "1")]
    dim_value: Option<i64>,
}

/// The nodes around a network.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// The name of the network's input.
    pub input: &'a str,
    /// Whether the input's axes are row, column, channel; otherwise channel, row, column.
    pub channels_last: bool,
    /// Subtracted from each channel.
    pub mean: [f32; 3],
    /// Divides each channel.
    pub std: [f32; 3],
    /// The name of the network's global descriptor.
    pub global: &'a str,
    /// Reads normalised global descriptors.
    pub layer: &'a SoftmaxLayer,
    /// Multiplies the logits: one over the temperature.
    pub factor: f64,
    /// Keys and values of the file's metadata.
    pub metadata: &'a [(&'a str, String)],
}

/// The ONNX file that gives [`OUTPUT`] for [`INPUT`], made of the bytes of a network's.
///
/// # Errors
/// In words, when the network's bytes are not those of an ONNX file.
pub fn encode(network: &[u8], head: &Head) -> Result<Vec<u8>, String> {
    let mut file = Vec::with_capacity(network.len() + 4 * head.layer.weights().len() + 10_000);
    let mut has_graph = false;
    for field in fields(network)? {
        match field.payload {
            Some(graph) if field.tag == MODEL_GRAPH => {
                has_graph = true;
                put(&mut file, MODEL_GRAPH, &with_head(graph, head)?);
            }
            _ => file.extend(field.bytes),
        }
    }
    if !has_graph {
        return Err("it holds no graph".into());
    }
    for (key, value) in head.metadata {
        let mut entry = Vec::new();
        put(&mut entry, 1, key.as_bytes());
        put(&mut entry, 2, value.as_bytes());
        put(&mut file, 14, &entry);
    }
    Ok(file)
}

fn with_head(graph: &[u8], head: &Head) -> Result<Vec<u8>, String> {
    let mut made = Vec::with_capacity(graph.len());
    for node in [
        node("Sub", &[INPUT, "pixels/mean"], "pixels/centred"),
        node("Div", &["pixels/centred", "pixels/std"], head.input),
    ] {
        put(&mut made, GRAPH_NODE, &node.encode_to_vec());
    }
    for field in fields(graph)? {
        match field.payload {
            Some(payload) if field.tag == GRAPH_INPUT => {
                let mut info = ValueInfo::decode(payload).map_err(|e| e.to_string())?;
                if info.name == head.input {
                    info.name = INPUT.into();
                }
                put(&mut made, GRAPH_INPUT, &info.encode_to_vec());
            }
            _ if field.tag == GRAPH_OUTPUT => {}
            _ => made.extend(field.bytes),
        }
    }
    let softmax_axis = AttributeProto {
        name: "axis".into(),
        i: Some(1),
        kind: ATTRIBUTE_INT,
        ..AttributeProto::default()
    };
    let transposed = AttributeProto {
        name: "transB".into(),
        i: Some(1),
        kind: ATTRIBUTE_INT,
        ..AttributeProto::default()
    };
    let layer = ["layer/input", "layer/weights", "layer/biases"];
    for node in [
        node("Abs", &[head.global], "layer/abs"),
        node("Sqrt", &["layer/abs"], "layer/root"),
        node("Sign", &[head.global], "layer/sign"),
        node("Mul", &["layer/root", "layer/sign"], "layer/signed_root"),
        node("LpNormalization", &["layer/signed_root"], "layer/input").with(softmax_axis.clone()),
        node("Gemm", &layer, "logits").with(transposed),
        node("Mul", &["logits", "layer/factor"], "layer/tempered"),
        node("Softmax", &["layer/tempered"], OUTPUT).with(softmax_axis),
    ] {
        put(&mut made, GRAPH_NODE, &node.encode_to_vec());
    }
    let channels = match head.channels_last {
        false => vec![1, 3, 1, 1],
        true => vec![1, 1, 1, 3],
    };
    let (classes, dim) = (
        head.layer.num_classes() as i64,
        head.layer.num_inputs() as i64,
    );
    for tensor in [
        tensor("pixels/mean", channels.clone(), &head.mean),
        tensor("pixels/std", channels, &head.std),
        tensor("layer/weights", vec![classes, dim], head.layer.weights()),
        tensor("layer/biases", vec![classes], head.layer.biases()),
        tensor("layer/factor", vec![1], &[head.factor as f32]),
    ] {
        put(&mut made, GRAPH_INITIALIZER, &tensor.encode_to_vec());
    }
    let dim = [1, classes].map(|value| Dimension {
        dim_value: Some(value),
    });
    let kind = TypeProto {
        tensor_type: Some(TensorType {
            elem_type: FLOAT,
            shape: Some(Shape { dim: dim.to_vec() }),
        }),
    };
    let output = ValueInfo {
        name: OUTPUT.into(),
        kind: kind.encode_to_vec(),
    };
    put(&mut made, GRAPH_OUTPUT, &output.encode_to_vec());
    Ok(made)
}

fn node(op_type: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        input: inputs.iter().map(|input| (*input).to_owned()).collect(),
        output: vec![output.to_owned()],
        name: format!("delfin/{output}"),
        op_type: op_type.to_owned(),
        attribute: Vec::new(),
    }
}

impl NodeProto {
    fn with(mut self, attribute: AttributeProto) -> Self {
        self.attribute.push(attribute);
        self
    }
}

fn tensor(name: &str, dims: Vec<i64>, values: &[f32]) -> TensorProto {
    TensorProto {
        dims,
        data_type: FLOAT,
        name: name.to_owned(),
        raw_data: values.iter().flat_map(|v| v.to_le_bytes()).collect(),
    }
}

/// One field of an encoded message.
struct Field<'a> {
    tag: u32,
    /// The whole field.
    bytes: &'a [u8],
    /// Its content, where it has a length.
    payload: Option<&'a [u8]>,
}

fn fields(message: &[u8]) -> Result<Vec<Field<'_>>, String> {
    let broken = |_| "not an ONNX file".to_owned();
    let mut rest = message;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let start = rest;
        let (tag, kind) = decode_key(&mut rest).map_err(|_| broken(()))?;
        let length = match kind {
            WireType::Varint => {
                decode_varint(&mut rest).map_err(|_| broken(()))?;
                0
            }
            WireType::ThirtyTwoBit => 4,
            WireType::SixtyFourBit => 8,
            WireType::LengthDelimited => decode_varint(&mut rest).map_err(|_| broken(()))?,
            WireType::StartGroup | WireType::EndGroup => return Err(broken(())),
        };
        let length = usize::try_from(length).map_err(|_| broken(()))?;
        let (held, after) = rest.split_at_checked(length).ok_or_else(|| broken(()))?;
        rest = after;
        found.push(Field {
            tag,
            bytes: &start[..start.len() - rest.len()],
            payload: (kind == WireType::LengthDelimited).then_some(held),
        });
    }
    Ok(found)
}

fn put(message: &mut Vec<u8>, tag: u32, payload: &[u8]) {
    encode_key(tag, WireType::LengthDelimited, message);
    encode_varint(payload.len() as u64, message);
    message.extend(payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_graph_gets_a_new_input_a_new_output_and_keeps_the_rest() {
        let mut graph = Vec::new();
        put(
            &mut graph,
            GRAPH_NODE,
            &node("Relu", &["image"], "global").encode_to_vec(),
        );
        for (tag, name) in [(GRAPH_INPUT, "image"), (GRAPH_OUTPUT, "global")] {
            let info = ValueInfo {
                name: name.into(),
                kind: vec![9, 9],
            };
            put(&mut graph, tag, &info.encode_to_vec());
        }
        let mut network = vec![8, 7];
        put(&mut network, MODEL_GRAPH, &graph);
        let layer = SoftmaxLayer::new(2, vec![1.0; 4], vec![0.5; 2]).unwrap();
        let head = Head {
            input: "image",
            channels_last: false,
            mean: [127.0; 3],
            std: [128.0; 3],
            global: "global",
            layer: &layer,
            factor: 2.0,
            metadata: &[("labels", "[]".into())],
        };
        let file = encode(&network, &head).unwrap();
        let model = fields(&file).unwrap();
        assert_eq!(model[0].bytes, [8, 7]);
        let graph = fields(model[1].payload.unwrap()).unwrap();
        let of = |tag: u32| {
            graph
                .iter()
                .filter(move |f| f.tag == tag)
                .map(|f| f.payload.unwrap())
        };
        let ops: Vec<String> = of(GRAPH_NODE)
            .map(|n| NodeProto::decode(n).unwrap().op_type)
            .collect();
        assert_eq!(
            ops,
            [
                "Sub",
                "Div",
                "Relu",
                "Abs",
                "Sqrt",
                "Sign",
                "Mul",
                "LpNormalization",
                "Gemm",
                "Mul",
                "Softmax"
            ]
        );
        let names = |tag| -> Vec<String> {
            of(tag)
                .map(|i| ValueInfo::decode(i).unwrap().name)
                .collect()
        };
        assert_eq!(
            (names(GRAPH_INPUT), names(GRAPH_OUTPUT)),
            (vec![INPUT.into()], vec![OUTPUT.into()])
        );
        assert_eq!(of(GRAPH_INITIALIZER).count(), 5);
        assert_eq!(model[2].tag, 14);
        assert!(encode(b"\x3a\xff", &head).is_err());
        assert!(encode(&[], &head).is_err());
    }
}
