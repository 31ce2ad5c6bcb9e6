//! From the graph that was read to one with types and shapes, and with its constants worked out.

use std::sync::Arc;

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::translator::Translate;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::binary::TypedBinOp;
use tract_onnx::tract_hir::infer::{InferenceFact, InferenceNode, InferenceOp};

/// The graph with types and shapes, found from the input forwards.
///
/// tract's own analysis goes back and forth through the graph until nothing changes, which took
/// longer than all else about a network together. One pass in the order of evaluation is
/// enough for most; it serves the rest.
pub(super) fn typed(network: InferenceModel) -> TractResult<TypedModel> {
    match Forward.translate_model(&network) {
        Ok(model) => Ok(model),
        Err(_) => network.into_typed(),
    }
}

#[derive(Debug)]
struct Forward;

impl Translate<InferenceFact, Box<dyn InferenceOp>, TypedFact, Box<dyn TypedOp>> for Forward {
    fn translate_node(
        &self,
        source: &InferenceModel,
        node: &InferenceNode,
        target: &mut TypedModel,
        mapping: &HashMap<OutletId, OutletId>,
    ) -> TractResult<TVec<OutletId>> {
        let mut outlets = node.op.to_typed(source, node, target, mapping)?;
        for outlet in &mut outlets {
            let is_constant = target.outlet_fact(*outlet)?.konst.is_some();
            if let (false, Some(value)) = (is_constant, constant(target, *outlet)?) {
                *outlet = target.add_const(format!("{}.value", node.name), value)?;
            }
        }
        Ok(outlets)
    }
}

/// The value of `outlet` if it depends on no input.
pub(super) fn constant(model: &TypedModel, outlet: OutletId) -> TractResult<Option<Arc<Tensor>>> {
    if let Some(value) = &model.outlet_fact(outlet)?.konst {
        return Ok(Some(value.clone()));
    }
    let node = model.node(outlet.node);
    let mut inputs = tvec!();
    for input in &node.inputs {
        match constant(model, *input)? {
            Some(value) => inputs.push(value.into_tvalue()),
            None => return Ok(None),
        }
    }
    if inputs.is_empty() {
        return Ok(None);
    }
    let trimmed = if node.op_is::<TypedBinOp>() {
        trim(&mut inputs)?
    } else {
        0
    };
    let Some(mut outputs) = node.op.eval_out_of_plan(inputs)? else {
        return Ok(None);
    };
    let mut value = outputs.swap_remove(outlet.slot).into_tensor();
    for _ in 0..trimmed {
        value.insert_axis(value.rank())?;
    }
    Ok(Some(value.into_arc_tensor()))
}

/// Removes the last axes while they are of length 1 in all of `values`; returns their number.
///
/// The scale of an 8-bit weight has shape `[O, 1, 1, 1]`; tract multiplies along the last axis,
/// so that the rows of a 1 x 1 convolution took forty times longer than without the two axes.
fn trim(values: &mut TVec<TValue>) -> TractResult<usize> {
    let mut trimmed = 0;
    while values
        .iter()
        .all(|v| v.rank() > 1 && v.shape().last() == Some(&1))
        && values.iter().all(|v| v.rank() == values[0].rank())
    {
        for value in values.iter_mut() {
            let mut tensor = value.clone().into_tensor();
            tensor.remove_axis(tensor.rank() - 1)?;
            *value = tensor.into_tvalue();
        }
        trimmed += 1;
    }
    Ok(trimmed)
}
