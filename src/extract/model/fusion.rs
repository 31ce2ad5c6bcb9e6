//! Puts [`Bottleneck`] in place of the layers that it stands for. Names tract, as its parent does.

use std::sync::Arc;

use tract_onnx::prelude::*;
use tract_onnx::tract_core::ops::binary::TypedBinOp;
use tract_onnx::tract_core::ops::cnn::{Conv, KernelFormat, PaddingSpec};
use tract_onnx::tract_core::ops::math::{Add, Max, Min};
use tract_onnx::tract_core::ops::nn::DataFormat;

use super::operations::{BottleneckOp, FromBlocks, ToBlocks};
use super::translation::constant;
use crate::extract::bottleneck::{Bottleneck, Clip, Layer, Shape};

/// Replaces every chain of layers that is a [`Bottleneck`]; leaves all others as they are.
pub(super) fn fuse_bottlenecks(model: &mut TypedModel) -> TractResult<()> {
    for node in model.eval_order()? {
        let Some(chain) = find_chain(model, node)? else {
            continue;
        };
        let mut patch = TypedModelPatch::default();
        let name = model.node(chain.end.node).name.clone();
        let mut x = patch.tap_model(model, chain.input)?;
        if !chain.op.reads_planes() {
            let op = ToBlocks {
                channels: chain.op.inputs(),
            };
            x = patch.wire_node(format!("{name}.to_blocks"), op, &[x])?[0];
        }
        let channels = chain.op.outputs();
        let op = BottleneckOp(Arc::new(chain.op));
        x = patch.wire_node(format!("{name}.bottleneck"), op, &[x])?[0];
        x = patch.wire_node(format!("{name}.from_blocks"), FromBlocks { channels }, &[x])?[0];
        patch.shunt_outside(model, chain.end, x)?;
        patch.apply(model)?;
    }
    Ok(())
}

/// The layers of a bottleneck, from its input to its output.
struct Chain {
    op: Bottleneck,
    input: OutletId,
    end: OutletId,
}

/// A convolution and the clipping after it.
struct Convolution<'a> {
    op: &'a Conv,
    shape: Shape,
    weights: OutletId,
    bias: OutletId,
    clip: Clip,
    input: OutletId,
    output: OutletId,
}

impl Convolution<'_> {
    fn is_pointwise(&self) -> bool {
        let shape = Shape {
            kernel: 1,
            stride: 1,
            padding: [0; 4],
        };
        self.op.group == 1 && self.shape == shape
    }

    fn is_depthwise(&self) -> bool {
        self.op.group == self.op.input_channels() && self.op.group == self.op.output_channels()
    }
}

fn find_chain(model: &TypedModel, node: usize) -> TractResult<Option<Chain>> {
    let Some(first) = convolution(model, Some(node))?.filter(|c| c.op.group == 1) else {
        return Ok(None);
    };
    let depthwise = convolution(model, next(model, first.output))?;
    let Some(depthwise) = depthwise.filter(Convolution::is_depthwise) else {
        return Ok(None);
    };
    let last = convolution(model, next(model, depthwise.output))?;
    let Some(last) = last.filter(Convolution::is_pointwise) else {
        return Ok(None);
    };
    let shortcut = next(model, last.output)
        .filter(|_| last.clip == Clip::NONE)
        .map(|node| model.node(node))
        .filter(|node| binary::<Add>(node) && node.inputs.contains(&first.input));
    let mut values = Vec::new();
    for layer in [&first, &depthwise, &last] {
        match (
            constant(model, layer.weights)?,
            constant(model, layer.bias)?,
        ) {
            (Some(weights), Some(bias)) => values.push((weights, bias, layer.clip)),
            _ => return Ok(None),
        }
    }
    let mut layers = Vec::new();
    for (weights, bias, clip) in &values {
        layers.push(Layer {
            weights: weights.try_as_plain_ram()?.as_slice::<f32>()?,
            bias: bias.try_as_plain_ram()?.as_slice::<f32>()?,
            clip: *clip,
        });
    }
    let stem = (!first.is_pointwise()).then_some(first.shape);
    let op = match &layers[..] {
        [one, two, three] => {
            Bottleneck::new(one, stem, two, depthwise.shape, three, shortcut.is_some())
        }
        _ => None,
    };
    Ok(op.map(|op| Chain {
        op,
        input: first.input,
        end: shortcut.map_or(last.output, |node| node.id.into()),
    }))
}

/// The only reader of `outlet`, where it has one and is no output of the model.
fn next(model: &TypedModel, outlet: OutletId) -> Option<usize> {
    match model.outlet_successors(outlet) {
        [reader] if !model.outputs.contains(&outlet) => Some(reader.node),
        _ => None,
    }
}

fn binary<O: tract_onnx::tract_core::ops::binary::BinMiniOp>(node: &TypedNode) -> bool {
    node.op_as::<TypedBinOp>().is_some_and(|op| op.0.is::<O>())
}

/// The convolution at `node`, if it is one of 32-bit floats over planes.
fn convolution(model: &TypedModel, node: Option<usize>) -> TractResult<Option<Convolution<'_>>> {
    let Some(node) = node.map(|node| model.node(node)) else {
        return Ok(None);
    };
    let (Some(op), [input, weights, bias]) = (node.op_as::<Conv>(), &node.inputs[..]) else {
        return Ok(None);
    };
    let of_floats = [input, weights, bias].into_iter().all(|i| {
        model
            .outlet_fact(*i)
            .is_ok_and(|fact| fact.datum_type == f32::datum_type())
    });
    let fact = model.outlet_fact(*input)?;
    let pool = &op.pool_spec;
    let plain = of_floats
        && op.q_params.is_none()
        && op.kernel_fmt == KernelFormat::OIHW
        && pool.data_format == DataFormat::NCHW
        && fact.rank() == 4
        && fact.shape[0] == 1.to_dim()
        && pool.dilations.iter().flatten().all(|d| *d == 1)
        && model.outlet_fact(*bias)?.shape.volume() == op.output_channels().to_dim();
    let (Some(shape), true) = (shape(pool), plain) else {
        return Ok(None);
    };
    let (clip, output) = clip(model, node.id.into())?;
    Ok(Some(Convolution {
        op,
        shape,
        weights: *weights,
        bias: *bias,
        clip,
        input: *input,
        output,
    }))
}

fn shape(pool: &tract_onnx::tract_core::ops::cnn::PoolSpec) -> Option<Shape> {
    let square = |sides: &[usize]| match *sides {
        [rows, columns] if rows == columns => Some(rows),
        _ => None,
    };
    let padding = match &pool.padding {
        PaddingSpec::Valid => [0; 4],
        PaddingSpec::Explicit(before, after) => match (&before[..], &after[..]) {
            ([top, left], [bottom, right]) => [*top, *left, *bottom, *right],
            _ => return None,
        },
        _ => return None,
    };
    Some(Shape {
        kernel: square(&pool.kernel_shape)?,
        stride: pool.strides.as_ref().map_or(Some(1), |s| square(s))?,
        padding,
    })
}

/// The limits that `outlet` is clipped to next, and the outlet after that.
fn clip(model: &TypedModel, mut outlet: OutletId) -> TractResult<(Clip, OutletId)> {
    let mut clip = Clip::NONE;
    while let Some(reader) = next(model, outlet) {
        let node = model.node(reader);
        let limit = node.inputs.iter().find(|input| **input != outlet);
        let limit = limit.map(|input| constant(model, *input)).transpose()?;
        let Some(limit) = limit.flatten().filter(|limit| limit.len() == 1) else {
            break;
        };
        if binary::<Max>(node) {
            clip.min = clip.min.max(limit.cast_to_scalar::<f32>()?);
        } else if binary::<Min>(node) {
            clip.max = clip.max.min(limit.cast_to_scalar::<f32>()?);
        } else {
            break;
        }
        outlet = reader.into();
    }
    Ok((clip, outlet))
}
