//! [`Bottleneck`] as an operation of the network, and the layouts around it. Names tract, as its
//! parent does.

use std::sync::Arc;

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::*;

use crate::extract::bottleneck::{self, Bottleneck, Shape};

/// Channels to blocks of channels: `[1, C, H, W]` to `[1, C / 16, H, W, 16]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ToBlocks {
    pub(super) channels: usize,
}

/// Blocks of channels to channels: `[1, C / 16, H, W, 16]` to `[1, C, H, W]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FromBlocks {
    pub(super) channels: usize,
}

/// A bottleneck, over blocks of channels but for an image.
#[derive(Debug, Clone)]
pub(super) struct BottleneckOp(pub(super) Arc<Bottleneck>);

impl PartialEq for BottleneckOp {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
impl Eq for BottleneckOp {}

/// Height and width of `[1, C, H, W]` or `[1, C / 16, H, W, 16]`.
fn size(tensor: &Tensor) -> (usize, usize) {
    (tensor.shape()[2], tensor.shape()[3])
}

fn blocked_shape(channels: usize, height: TDim, width: TDim) -> TVec<TDim> {
    let blocks = bottleneck::num_blocks(channels);
    tvec![
        1.to_dim(),
        blocks.to_dim(),
        height,
        width,
        bottleneck::LANES.to_dim()
    ]
}

/// An output of zeros, aligned for the processor's vectors.
fn zeros(shape: &[usize]) -> TractResult<Tensor> {
    Tensor::zero_aligned::<f32>(shape, 64)
}

impl Op for ToBlocks {
    fn name(&self) -> StaticName {
        "ToBlocks".into()
    }
    op_as_typed_op!();
}

impl EvalOp for ToBlocks {
    op_out_of_plan!();

    fn eval(&self, _: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let x = args_1!(inputs);
        let (height, width) = size(&x);
        let blocks = bottleneck::num_blocks(self.channels);
        let mut y = zeros(&[1, blocks, height, width, bottleneck::LANES])?;
        bottleneck::to_blocks(
            x.try_as_plain_ram()?.as_slice::<f32>()?,
            height * width,
            y.try_as_plain_ram_mut()?.as_slice_mut::<f32>()?,
        );
        Ok(tvec!(y.into_tvalue()))
    }
}

impl TypedOp for ToBlocks {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let [x] = inputs else {
            bail!("expected one input")
        };
        let shape = blocked_shape(self.channels, x.shape[2].clone(), x.shape[3].clone());
        Ok(tvec!(f32::fact(shape)))
    }

    /// Undoes a [`FromBlocks`] that comes right before.
    fn declutter(
        &self,
        model: &TypedModel,
        node: &TypedNode,
    ) -> TractResult<Option<TypedModelPatch>> {
        let before = model.node(node.inputs[0].node);
        if !before.op_is::<FromBlocks>() {
            return Ok(None);
        }
        let patch = TypedModelPatch::rewire(model, &before.inputs, &[node.id.into()], &|_, x| {
            Ok(x.into())
        })?;
        Ok(Some(patch))
    }
    as_op!();
}

impl Op for FromBlocks {
    fn name(&self) -> StaticName {
        "FromBlocks".into()
    }
    op_as_typed_op!();
}

impl EvalOp for FromBlocks {
    op_out_of_plan!();

    fn eval(&self, _: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let x = args_1!(inputs);
        let (height, width) = size(&x);
        let mut y = zeros(&[1, self.channels, height, width])?;
        bottleneck::from_blocks(
            x.try_as_plain_ram()?.as_slice::<f32>()?,
            height * width,
            y.try_as_plain_ram_mut()?.as_slice_mut::<f32>()?,
        );
        Ok(tvec!(y.into_tvalue()))
    }
}

impl TypedOp for FromBlocks {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let [x] = inputs else {
            bail!("expected one input")
        };
        let (height, width) = (x.shape[2].clone(), x.shape[3].clone());
        Ok(tvec!(f32::fact([
            1.to_dim(),
            self.channels.to_dim(),
            height,
            width
        ])))
    }
    as_op!();
}

impl Op for BottleneckOp {
    fn name(&self) -> StaticName {
        "Bottleneck".into()
    }
    fn validation(&self) -> Validation {
        Validation::Rounding
    }
    op_as_typed_op!();
}

impl EvalOp for BottleneckOp {
    op_out_of_plan!();

    fn eval(&self, _: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let x = args_1!(inputs);
        let (height, width) = size(&x);
        let (out_height, out_width) = self
            .0
            .output_size(height, width)
            .context("the input is smaller than the kernel")?;
        let blocks = bottleneck::num_blocks(self.0.outputs());
        let mut y = zeros(&[1, blocks, out_height, out_width, bottleneck::LANES])?;
        self.0
            .run(
                x.try_as_plain_ram()?.as_slice::<f32>()?,
                (height, width),
                y.try_as_plain_ram_mut()?.as_slice_mut::<f32>()?,
            )
            .context("the input's shape is wrong")?;
        Ok(tvec!(y.into_tvalue()))
    }
}

impl TypedOp for BottleneckOp {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let [x] = inputs else {
            bail!("expected one input")
        };
        let (mut height, mut width) = (x.shape[2].clone(), x.shape[3].clone());
        for Shape {
            kernel,
            stride,
            padding,
        } in self.0.shapes()
        {
            let [top, left, bottom, right] = padding;
            height = (height + top + bottom - kernel) / stride + 1;
            width = (width + left + right - kernel) / stride + 1;
        }
        Ok(tvec!(f32::fact(blocked_shape(
            self.0.outputs(),
            height,
            width
        ))))
    }
    as_op!();
}
