//! TensorFlow's network, node by node, as ONNX: axes in the order channel, row, column; batch
//! normalisation folded into the convolution before it.

use std::collections::BTreeMap;

use super::weights::{Kernel, Weights};
use crate::formats::onnx::{Attribute, OnnxBuilder};
use crate::formats::tensorflow::{Graph, Node};

/// Operations in a row, at most.
const MAX_DEPTH: usize = 1000;

/// Writes the nodes from an input to the requested outputs.
pub(super) struct Translator<'a> {
    pub(super) graph: &'a Graph,
    pub(super) weights: &'a Weights<'a>,
    pub(super) onnx: OnnxBuilder,
    /// The ONNX name of each node's output; at first of the input alone.
    pub(super) done: BTreeMap<String, String>,
}

/// Rows and columns that a convolution or a pooling adds around its input.
enum Padding {
    /// Top, left, bottom, right.
    Fixed([i64; 4]),
    /// So that the output has one cell a stride, the surplus at the bottom and the right.
    SameUpper,
}

impl Translator<'_> {
    /// Translates the node behind `name` and all that it needs; returns its name in ONNX.
    ///
    /// # Errors
    /// The first operation that is not understood, or a variable that does not fit.
    pub(super) fn translate(&mut self, name: &str) -> Result<String, String> {
        self.at_depth(name, 0)
    }

    fn at_depth(&mut self, name: &str, depth: usize) -> Result<String, String> {
        let graph = self.graph;
        let node = graph.node(name)?;
        if let Some(done) = self.done.get(&node.name) {
            return Ok(done.clone());
        }
        let named = |e: String| format!("node `{}` ({}): {e}", node.name, node.op);
        if depth > MAX_DEPTH {
            return Err(named("too many operations lead to it".into()));
        }
        let result = match node.op.as_str() {
            "Identity" | "StopGradient" => return self.at_depth(node.input(0)?, depth + 1),
            "Conv2D" => self.convolution(node, node, None, depth)?,
            "FusedBatchNorm" | "FusedBatchNormV2" | "FusedBatchNormV3" => {
                let convolution = convolution_before(graph, node).map_err(named)?;
                let norm = self.weights.batch_norm(node).map_err(named)?;
                self.convolution(node, convolution, Some(norm), depth)?
            }
            "BiasAdd" => {
                let convolution = convolution_before(graph, node).map_err(named)?;
                let bias = self.weights.values(node.input(1)?).map_err(named)?;
                let scale = vec![1.0; bias.1.len()];
                self.convolution(node, convolution, Some((scale, bias.1)), depth)?
            }
            "Relu" => {
                let x = self.at_depth(node.input(0)?, depth + 1)?;
                self.onnx.node("Relu", &node.name, &[&x], &[])
            }
            "Softplus" => {
                let x = self.at_depth(node.input(0)?, depth + 1)?;
                self.softplus(&node.name, &x)
            }
            "Add" | "AddV2" => {
                let a = self.at_depth(node.input(0)?, depth + 1)?;
                let b = self.at_depth(node.input(1)?, depth + 1)?;
                self.onnx.node("Add", &node.name, &[&a, &b], &[])
            }
            "MaxPool" => self.max_pool(node, depth)?,
            "Pad" => {
                let [top, left, bottom, right] = self.weights.padding(node).map_err(named)?;
                let x = self.at_depth(node.input(0)?, depth + 1)?;
                let pads = [0, 0, top, left, 0, 0, bottom, right];
                let pads = self.onnx.integers(&format!("{}/pads", node.name), &pads);
                self.onnx.node("Pad", &node.name, &[&x, &pads], &[])
            }
            _ => return Err(named("the operation is not understood".into())),
        };
        self.done.insert(node.name.clone(), result.clone());
        Ok(result)
    }

    /// ln(1 + exp(x)) as max(x, 0) + ln(1 + exp(-|x|)): DELF's attention goes to hundreds, where exp(x)
    /// is no number any more.
    fn softplus(&mut self, name: &str, x: &str) -> String {
        let part = |part: &str| format!("{name}/{part}");
        let one = self.onnx.constant(&part("one"), &[1, 1, 1, 1], &[1.0]);
        let size = self.onnx.node("Abs", &part("abs"), &[x], &[]);
        let negative = self.onnx.node("Neg", &part("neg"), &[&size], &[]);
        let small = self.onnx.node("Exp", &part("exp"), &[&negative], &[]);
        let sum = self.onnx.node("Add", &part("sum"), &[&small, &one], &[]);
        let bend = self.onnx.node("Log", &part("log"), &[&sum], &[]);
        let above = self.onnx.node("Relu", &part("relu"), &[x], &[]);
        self.onnx.node("Add", name, &[&above, &bend], &[])
    }

    /// Writes `convolution` with a factor and a summand for each output channel, under the name of
    /// `node`.
    fn convolution(
        &mut self,
        node: &Node,
        convolution: &Node,
        norm: Option<(Vec<f64>, Vec<f64>)>,
        depth: usize,
    ) -> Result<String, String> {
        let named = |e: String| format!("node `{}` ({}): {e}", convolution.name, convolution.op);
        let Kernel { shape, mut values } =
            self.weights.kernel(convolution.input(1)?).map_err(named)?;
        let [outputs, _, height, width] = shape;
        let (scale, bias) = norm.unwrap_or_else(|| (vec![1.0; outputs], vec![0.0; outputs]));
        if scale.len() != outputs || bias.len() != outputs {
            let reason = format!("{outputs} channels, but {} factors", scale.len());
            return Err(named(reason));
        }
        let per_output = values.len() / outputs;
        for (weights, factor) in values.chunks_mut(per_output.max(1)).zip(&scale) {
            for weight in weights {
                *weight = (f64::from(*weight) * factor) as f32;
            }
        }
        if convolution.integers("dilations").iter().any(|d| *d != 1) {
            return Err(named("dilations are not supported".into()));
        }
        let (x, padding) = self.padded_input(convolution, [height, width], false, depth)?;
        let weights = format!("{}/weights", node.name);
        let weights = self.onnx.constant(&weights, &shape, &values);
        let bias: Vec<f32> = bias.iter().map(|b| *b as f32).collect();
        let bias = self
            .onnx
            .constant(&format!("{}/bias", node.name), &[outputs], &bias);
        self.window(
            "Conv",
            node,
            &[&x, &weights, &bias],
            convolution,
            [height, width],
            padding,
        )
    }

    fn max_pool(&mut self, node: &Node, depth: usize) -> Result<String, String> {
        let [1, height, width, 1] = node.integers("ksize")[..] else {
            return Err(format!(
                "node `{}` (MaxPool): ksize is not understood",
                node.name
            ));
        };
        let kernel = [height, width].map(|side| side.max(0) as usize);
        let (x, padding) = self.padded_input(node, kernel, true, depth)?;
        self.window("MaxPool", node, &[&x], node, kernel, padding)
    }

    /// Input of a convolution or pooling, and the padding around it: its own, or that of a Pad before it.
    fn padded_input(
        &mut self,
        node: &Node,
        kernel: [usize; 2],
        is_pooling: bool,
        depth: usize,
    ) -> Result<(String, Padding), String> {
        let graph = self.graph;
        let named = |e: String| format!("node `{}` ({}): {e}", node.name, node.op);
        let before = graph.node(node.input(0)?)?;
        let padding = match node.text("padding").as_str() {
            "VALID" if before.op == "Pad" => {
                let inner = graph.node(before.input(0)?)?;
                // A pooling pads with nothing, TensorFlow's Pad with zeros: the same where no value is
                // below zero.
                if !is_pooling || inner.op == "Relu" {
                    let pads = self.weights.padding(before).map_err(named)?;
                    let x = self.at_depth(&inner.name, depth + 1)?;
                    return Ok((x, Padding::Fixed(pads)));
                }
                Padding::Fixed([0; 4])
            }
            "VALID" => Padding::Fixed([0; 4]),
            "SAME" if kernel == [1, 1] => Padding::Fixed([0; 4]),
            "SAME" => Padding::SameUpper,
            other => return Err(named(format!("padding `{other}` is not supported"))),
        };
        Ok((self.at_depth(&before.name, depth + 1)?, padding))
    }

    fn window(
        &mut self,
        op: &str,
        node: &Node,
        inputs: &[&str],
        source: &Node,
        kernel: [usize; 2],
        padding: Padding,
    ) -> Result<String, String> {
        let named = |e: &str| format!("node `{}` ({}): {e}", source.name, source.op);
        if !["", "NHWC"].contains(&source.text("data_format").as_str()) {
            return Err(named("the axes are not in the order NHWC"));
        }
        let [1, down, right, 1] = source.integers("strides")[..] else {
            return Err(named("strides are not understood"));
        };
        let is_whole = |v: i64| (1..=64).contains(&v);
        if !is_whole(down) || !is_whole(right) || kernel.iter().any(|k| !is_whole(*k as i64)) {
            return Err(named("strides or kernel are not from 1 to 64"));
        }
        let kernel = kernel.map(|side| side as i64);
        let mut attributes = vec![
            ("kernel_shape", Attribute::Ints(&kernel)),
            ("strides", Attribute::Ints(&[0; 0])),
        ];
        let strides = [down, right];
        attributes[1].1 = Attribute::Ints(&strides);
        let pads;
        match padding {
            Padding::Fixed(fixed) => {
                pads = fixed;
                attributes.push(("pads", Attribute::Ints(&pads)));
            }
            Padding::SameUpper => attributes.push(("auto_pad", Attribute::Text("SAME_UPPER"))),
        }
        Ok(self.onnx.node(op, &node.name, inputs, &attributes))
    }
}

/// The convolution whose output `node` reads.
fn convolution_before<'a>(graph: &'a Graph, node: &Node) -> Result<&'a Node, String> {
    let before = graph.node(node.input(0)?)?;
    if before.op == "Conv2D" {
        return Ok(before);
    }
    Err(format!(
        "it follows `{}`, which is no convolution",
        before.name
    ))
}
