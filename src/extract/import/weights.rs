//! The values of a network: variables of the tensor bundle, or constants of the graph.

use crate::formats::tensorflow::{Bundle, Graph, Node};

/// A kernel in ONNX's order.
pub(super) struct Kernel {
    /// Output channels, input channels, height, width.
    pub(super) shape: [usize; 4],
    pub(super) values: Vec<f32>,
}

/// Source of values.
pub(super) struct Weights<'a> {
    pub(super) graph: &'a Graph,
    pub(super) bundle: &'a Bundle,
    /// The bytes of the bundle's data file.
    pub(super) data: &'a [u8],
}

impl Weights<'_> {
    /// The shape and the values of the variable or constant behind `name`.
    pub(super) fn values(&self, name: &str) -> Result<(Vec<usize>, Vec<f64>), String> {
        let (shape, values) = self.array(name)?;
        Ok((shape, values.into_iter().map(f64::from).collect()))
    }

    fn array(&self, name: &str) -> Result<(Vec<usize>, Vec<f32>), String> {
        let mut node = self.graph.node(name)?;
        for _ in 0..100 {
            match node.op.as_str() {
                "Identity" | "ReadVariableOp" | "Enter" => {
                    node = self.graph.node(node.input(0)?)?
                }
                _ => break,
            }
        }
        match node.op.as_str() {
            "VariableV2" | "Variable" | "VarHandleOp" => {
                let shape = node.shape("shape");
                let shape =
                    shape.ok_or_else(|| format!("variable `{}` has no shape", node.name))?;
                let values = self.bundle.values(&node.name, &shape, self.data)?;
                if values.iter().any(|v| !v.is_finite()) {
                    return Err(format!(
                        "variable `{}` holds a value that is not finite",
                        node.name
                    ));
                }
                Ok((shape, values))
            }
            "Const" => {
                let value = node.constant()?;
                Ok((
                    value.shape,
                    value.values.iter().map(|v| *v as f32).collect(),
                ))
            }
            other => Err(format!(
                "`{}` ({other}) is neither a variable nor a constant",
                node.name
            )),
        }
    }

    /// A kernel, from TensorFlow's order of height, width, input channels, output channels.
    pub(super) fn kernel(&self, name: &str) -> Result<Kernel, String> {
        let (shape, source) = self.array(name)?;
        let [height, width, inputs, outputs] = shape[..] else {
            return Err(format!("a kernel of shape {shape:?} has not four axes"));
        };
        if source.is_empty() {
            return Err(format!("a kernel of shape {shape:?} is empty"));
        }
        let mut values = Vec::with_capacity(source.len());
        for output in 0..outputs {
            for input in 0..inputs {
                for cell in 0..height * width {
                    values.push(source[(cell * inputs + input) * outputs + output]);
                }
            }
        }
        Ok(Kernel {
            shape: [outputs, inputs, height, width],
            values,
        })
    }

    /// The factor and the summand of each channel that a batch normalisation is in use.
    pub(super) fn batch_norm(&self, node: &Node) -> Result<(Vec<f64>, Vec<f64>), String> {
        if node.boolean("is_training") != Some(false) {
            return Err("it is made for training".into());
        }
        let epsilon = f64::from(node.float("epsilon").unwrap_or(1e-4));
        let parts = [1, 2, 3, 4].map(|index| self.values(node.input(index)?));
        let [gamma, beta, mean, variance] = parts;
        let (gamma, beta, mean, variance) = (gamma?.1, beta?.1, mean?.1, variance?.1);
        let length = gamma.len();
        if [&beta, &mean, &variance]
            .iter()
            .any(|part| part.len() != length)
        {
            return Err("its four parts differ in length".into());
        }
        if variance.iter().any(|v| v.is_nan() || *v + epsilon <= 0.0) {
            return Err("a variance is not above 0".into());
        }
        let spread = variance.iter().map(|v| (v + epsilon).sqrt());
        let scale: Vec<f64> = gamma.iter().zip(spread).map(|(g, s)| g / s).collect();
        let moved = mean.iter().zip(&scale).map(|(mean, scale)| mean * scale);
        let bias = beta.iter().zip(moved).map(|(beta, moved)| beta - moved);
        let bias = bias.collect();
        Ok((scale, bias))
    }

    /// Padding of a Pad: top, left, bottom, right.
    pub(super) fn padding(&self, node: &Node) -> Result<[i64; 4], String> {
        let (shape, values) = self.values(node.input(1)?)?;
        let is_length = |v: &f64| (0.0..=64.0).contains(v);
        match values[..] {
            [0.0, 0.0, top, bottom, left, right, 0.0, 0.0]
                if shape == [4, 2] && values.iter().all(is_length) =>
            {
                Ok([top, left, bottom, right].map(|v| v as i64))
            }
            _ => Err(format!("the paddings {values:?} are not understood")),
        }
    }
}
