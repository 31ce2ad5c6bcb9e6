//! The graph of a SavedModel: nodes by name, and which of their outputs are the model's.

use std::collections::BTreeMap;

use prost::Message;

use super::messages::{AttrValue, MetaGraphProto, SavedModelProto, TensorInfoProto};

/// Numbers in a constant of the graph, at most; weights are variables.
const MAX_CONSTANT_LENGTH: usize = 1 << 20;

/// A constant of the graph, the last axis running fastest.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tensor {
    /// The length of each axis.
    pub(crate) shape: Vec<usize>,
    /// Every one exact: 32-bit floats and integers fit.
    pub(crate) values: Vec<f64>,
}

/// One operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Its name, unique in the graph.
    pub name: String,
    /// The operation.
    pub op: String,
    /// Its inputs: `node`, or `node:1` for another output than the first.
    pub inputs: Vec<String>,
    attributes: BTreeMap<String, AttrValue>,
}

/// Inputs and outputs of the model: the tensor, `node:0`, of each name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Signature {
    /// The inputs.
    pub inputs: BTreeMap<String, String>,
    /// The outputs.
    pub outputs: BTreeMap<String, String>,
}

/// A graph.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    nodes: BTreeMap<String, Node>,
    /// The signature `serving_default`, or the only one.
    pub signature: Signature,
}

impl Graph {
    /// Reads `saved_model.pb`: the graph with the tag `serve`, or the only one.
    ///
    /// # Errors
    /// The fault, in one line.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        let model = SavedModelProto::decode(bytes).map_err(|e| format!("not a SavedModel: {e}"))?;
        let is_serving = |graph: &&MetaGraphProto| {
            let tags = graph.info.as_ref().map_or(&[][..], |info| &info.tags);
            tags.iter().any(|tag| tag == "serve")
        };
        let chosen = match &model.meta_graphs[..] {
            [only] => Some(only),
            several => several.iter().find(is_serving),
        };
        let chosen = chosen.ok_or("not a SavedModel: it has no graph for serving")?;
        let names = |infos: &BTreeMap<String, TensorInfoProto>| {
            let pairs = infos.iter();
            pairs.map(|(k, v)| (k.clone(), v.name.clone())).collect()
        };
        let signatures = &chosen.signatures;
        let signature = match signatures.get("serving_default") {
            None if signatures.len() == 1 => signatures.values().next(),
            found => found,
        };
        let signature = signature.map_or(Signature::default(), |signature| Signature {
            inputs: names(&signature.inputs),
            outputs: names(&signature.outputs),
        });
        let mut nodes = BTreeMap::new();
        for node in chosen.graph.iter().flat_map(|graph| &graph.node) {
            // `^node` is a control dependency: the node runs before.
            let inputs = node.input.iter().filter(|input| !input.starts_with('^'));
            let node = Node {
                name: node.name.clone(),
                op: node.op.clone(),
                inputs: inputs.cloned().collect(),
                attributes: node.attr.clone(),
            };
            if let Some(twice) = nodes.insert(node.name.clone(), node) {
                return Err(format!("node `{}` stands twice", twice.name));
            }
        }
        Ok(Self { nodes, signature })
    }

    /// The node that makes the tensor `name`, which may be `node` or `node:0`.
    ///
    /// # Errors
    /// There is no such node.
    pub fn node(&self, name: &str) -> Result<&Node, String> {
        let node = name.split_once(':').map_or(name, |(node, _)| node);
        self.nodes
            .get(node)
            .ok_or_else(|| format!("there is no node `{node}`"))
    }

    /// Its nodes, in the order of their names.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values()
    }
}

impl Node {
    /// The tensor that is its input `index`.
    ///
    /// # Errors
    /// It has fewer inputs.
    pub fn input(&self, index: usize) -> Result<&str, String> {
        let missing = || {
            format!(
                "node `{}` ({}): it has no input {index}",
                self.name, self.op
            )
        };
        let input = self.inputs.get(index).map(String::as_str);
        input.ok_or_else(missing)
    }

    fn attribute(&self, name: &str) -> Option<&AttrValue> {
        self.attributes.get(name)
    }

    /// The text of the attribute `name`; empty when there is none.
    pub(crate) fn text(&self, name: &str) -> String {
        let value = self.attribute(name).and_then(|a| a.text.as_deref());
        String::from_utf8_lossy(value.unwrap_or_default()).into_owned()
    }

    /// The number of the attribute `name`.
    pub(crate) fn float(&self, name: &str) -> Option<f32> {
        self.attribute(name)?.float
    }

    /// The truth value of the attribute `name`.
    pub(crate) fn boolean(&self, name: &str) -> Option<bool> {
        self.attribute(name)?.boolean
    }

    /// The whole number of the attribute `name`.
    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        self.attribute(name)?.integer
    }

    /// Whether every attribute is the same, but for notes that TensorFlow keeps for itself.
    pub(crate) fn has_attributes_of(&self, other: &Self) -> bool {
        let own = |node: &'_ Self| -> Vec<(String, AttrValue)> {
            let attributes = node.attributes.iter();
            let kept = attributes.filter(|(name, _)| !name.starts_with('_'));
            kept.map(|(n, v)| (n.clone(), v.clone())).collect()
        };
        own(self) == own(other)
    }

    /// The whole numbers of the attribute `name`; empty when there is none.
    pub(crate) fn integers(&self, name: &str) -> &[i64] {
        let list = self.attribute(name).and_then(|a| a.list.as_ref());
        list.map_or(&[], |list| &list.integers)
    }

    /// The shape in the attribute `name`, if every length is known.
    pub(crate) fn shape(&self, name: &str) -> Option<Vec<usize>> {
        let shape = self.attribute(name)?.shape.as_ref()?;
        shape.lengths().map(|(lengths, _)| lengths)
    }

    /// The value of a constant.
    pub(crate) fn constant(&self) -> Result<Tensor, String> {
        let fail = |reason: &str| format!("constant `{}` {reason}", self.name);
        let tensor = self.attribute("value").and_then(|a| a.tensor.as_ref());
        let tensor = tensor.ok_or_else(|| fail("has no value"))?;
        let (shape, count) = tensor
            .shape
            .clone()
            .unwrap_or_default()
            .lengths()
            .filter(|(_, count)| *count <= MAX_CONSTANT_LENGTH)
            .ok_or_else(|| fail("has a broken shape"))?;
        let mut values = tensor
            .values()
            .ok_or_else(|| fail("is of a type that is not read"))?;
        // Values may be left out at the end when they are all the same.
        match values.last().copied() {
            Some(last) if values.len() < count => values.resize(count, last),
            _ => {}
        }
        if values.len() != count {
            return Err(fail("has a shape that does not fit its values"));
        }
        Ok(Tensor { shape, values })
    }
}

#[cfg(test)]
mod tests {
    use super::super::messages::{GraphProto, NodeProto, SignatureProto, TensorProto};
    use super::super::{DimProto, ShapeProto};
    use super::*;

    fn shape(lengths: &[i64]) -> Option<ShapeProto> {
        Some(ShapeProto {
            dim: lengths.iter().map(|&size| DimProto { size }).collect(),
            unknown_rank: false,
        })
    }

    fn constant(tensor: TensorProto) -> NodeProto {
        let value = AttrValue {
            tensor: Some(tensor),
            ..AttrValue::default()
        };
        NodeProto {
            name: "c".into(),
            op: "Const".into(),
            input: vec!["a:1".into(), "^b".into()],
            attr: [("value".into(), value)].into(),
        }
    }

    fn graph(nodes: Vec<NodeProto>) -> Result<Graph, String> {
        let output = TensorInfoProto { name: "c:0".into() };
        let signature = SignatureProto {
            inputs: BTreeMap::new(),
            outputs: [("scores".into(), output)].into(),
        };
        let meta = MetaGraphProto {
            info: None,
            graph: Some(GraphProto { node: nodes }),
            signatures: [("s".into(), signature)].into(),
        };
        let model = SavedModelProto {
            meta_graphs: vec![meta],
        };
        Graph::decode(&model.encode_to_vec())
    }

    #[test]
    fn constants_of_every_form_are_read() {
        let of = |dtype, content: &[u8]| TensorProto {
            dtype,
            shape: shape(&[2]),
            content: content.to_vec(),
            ..TensorProto::default()
        };
        let float = |v: f32| v.to_le_bytes();
        for tensor in [
            of(1, &[float(3.0), float(3.0)].concat()),
            of(3, &[3, 0, 0, 0, 3, 0, 0, 0]),
            of(9, &[3, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0]),
            TensorProto {
                floats: vec![3.0],
                ..of(1, &[])
            },
            TensorProto {
                integers: vec![3, 3],
                ..of(3, &[])
            },
            TensorProto {
                long_integers: vec![3],
                ..of(9, &[])
            },
        ] {
            let graph = graph(vec![constant(tensor)]).unwrap();
            let value = graph.node("c:0").unwrap().constant().unwrap();
            assert_eq!((value.shape, value.values), (vec![2], vec![3.0, 3.0]));
        }
        for (tensor, reason) in [
            (of(1, &[0; 12]), "does not fit"),
            (of(1, &[]), "does not fit"),
            (of(7, &[0; 8]), "type"),
            (
                TensorProto {
                    shape: shape(&[-1]),
                    ..of(1, &[])
                },
                "broken shape",
            ),
            (
                TensorProto {
                    shape: shape(&[i64::MAX, 9]),
                    ..of(1, &[])
                },
                "broken shape",
            ),
        ] {
            let graph = graph(vec![constant(tensor)]).unwrap();
            let message = graph.node("c").unwrap().constant().unwrap_err();
            assert!(
                message.contains("`c`") && message.contains(reason),
                "{message}"
            );
        }
    }

    #[test]
    fn nodes_and_the_only_signature_are_found() {
        let found = graph(vec![constant(TensorProto::default())]).unwrap();
        assert_eq!(found.node("c").unwrap().inputs, ["a:1"]);
        assert_eq!(found.signature.outputs["scores"], "c:0");
        assert!(found.node("d:0").unwrap_err().contains("`d`"));
        let twice = constant(TensorProto::default());
        assert!(
            graph(vec![twice.clone(), twice])
                .unwrap_err()
                .contains("twice")
        );
        assert!(Graph::decode(&[]).unwrap_err().contains("no graph"));
        assert!(
            Graph::decode(b"text")
                .unwrap_err()
                .contains("not a SavedModel")
        );
    }
}
