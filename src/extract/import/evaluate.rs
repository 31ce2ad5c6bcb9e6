//! Evaluates parts of a TensorFlow graph on small inputs: sizes and single pixels. Numbers of a graph are read in
//! this way, so they do not depend on how it is written.

use std::cell::Cell;
use std::collections::BTreeMap;

use crate::formats::tensorflow::{Graph, Node, Tensor};

/// Numbers in one array, at most.
const MAX_LENGTH: usize = 1 << 16;
/// Operations in a row, at most.
const MAX_DEPTH: usize = 200;
/// Operations in all, at most.
const MAX_OPERATIONS: usize = 10_000;

/// The values of nodes, some of which are given.
pub(super) struct Evaluator<'a> {
    graph: &'a Graph,
    /// By the node's name. A feature map may have a shape alone, without values.
    given: BTreeMap<&'a str, Tensor>,
    operations: Cell<usize>,
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(graph: &'a Graph, given: BTreeMap<&'a str, Tensor>) -> Self {
        let operations = Cell::new(0);
        Self {
            graph,
            given,
            operations,
        }
    }

    /// The value of the tensor `name`.
    pub(super) fn value(&self, name: &str) -> Result<Tensor, String> {
        self.at_depth(name, 0)
    }

    fn at_depth(&self, name: &str, depth: usize) -> Result<Tensor, String> {
        let node = self.graph.node(name)?;
        if let Some(given) = self.given.get(node.name.as_str()) {
            return Ok(given.clone());
        }
        let fail = |reason: &str| Err(format!("node `{}` ({}): {reason}", node.name, node.op));
        self.operations.set(self.operations.get() + 1);
        if depth > MAX_DEPTH || self.operations.get() > MAX_OPERATIONS {
            return fail("too many operations lead to it");
        }
        if node.op == "Const" {
            return node.constant();
        }
        // The shape of a value may be known where the value is not.
        let inputs = node
            .inputs
            .iter()
            .map(|input| self.at_depth(input, depth + 1))
            .collect::<Result<Vec<Tensor>, String>>()?;
        match apply(node, &inputs) {
            Some(value) if value.values.len() <= MAX_LENGTH => Ok(value),
            Some(_) => fail("its value is too large"),
            None => fail("the operation is not understood, or not with these inputs"),
        }
    }
}

fn apply(node: &Node, inputs: &[Tensor]) -> Option<Tensor> {
    let elementwise = |f: fn(f64, f64) -> f64| match inputs {
        [a, b] => broadcast(a, b, f),
        _ => None,
    };
    let first = inputs.first();
    match node.op.as_str() {
        "Identity" | "StopGradient" | "Cast" | "Enter" => first.cloned(),
        "Shape" => first.map(|x| list(x.shape.iter().map(|&d| d as f64).collect())),
        "Size" => first.map(|x| scalar(x.values.len() as f64)),
        "Add" | "AddV2" => elementwise(|a, b| a + b),
        "Sub" => elementwise(|a, b| a - b),
        "Mul" => elementwise(|a, b| a * b),
        "RealDiv" => elementwise(|a, b| a / b),
        "Minimum" => elementwise(f64::min),
        "Maximum" => elementwise(f64::max),
        "Round" => first.map(|x| Tensor {
            shape: x.shape.clone(),
            values: x.values.iter().map(|v| v.round_ties_even()).collect(),
        }),
        "Range" => match inputs {
            [start, limit, delta] => range(one(start)?, one(limit)?, one(delta)?),
            _ => None,
        },
        "Fill" => match inputs {
            [shape, value] => {
                let shape = lengths(shape)?;
                let count = count(&shape)?;
                let values = vec![one(value)?; count];
                Some(Tensor { shape, values })
            }
            _ => None,
        },
        "Reshape" => match inputs {
            [x, shape] => reshape(x, shape),
            _ => None,
        },
        "ExpandDims" => match inputs {
            [x, axis] => expand(x, one(axis)?),
            _ => None,
        },
        "Gather" | "GatherV2" => match inputs {
            [x, indices] => gather(x, indices),
            [x, indices, axis] if one(axis)? == 0.0 => gather(x, indices),
            _ => None,
        },
        "StridedSlice" => strided_slice(node, inputs),
        "Pack" => pack(inputs, node.integer("axis").unwrap_or(0) as f64),
        "ConcatV2" => {
            let (axis, parts) = inputs.split_last()?;
            concatenate(parts, from_end(one(axis)?, parts.first()?.shape.len())?)
        }
        _ => None,
    }
}

fn scalar(value: f64) -> Tensor {
    Tensor {
        shape: vec![],
        values: vec![value],
    }
}

fn list(values: Vec<f64>) -> Tensor {
    Tensor {
        shape: vec![values.len()],
        values,
    }
}

fn one(tensor: &Tensor) -> Option<f64> {
    match tensor.values[..] {
        [value] => Some(value),
        _ => None,
    }
}

fn count(shape: &[usize]) -> Option<usize> {
    let product = |count: usize, &length: &usize| count.checked_mul(length);
    let count = shape.iter().try_fold(1, product);
    count.filter(|count| *count <= MAX_LENGTH)
}

fn lengths(shape: &Tensor) -> Option<Vec<usize>> {
    let is_length = |v: &f64| *v >= 0.0 && *v <= MAX_LENGTH as f64;
    let values = shape.values.iter();
    values
        .map(|v| is_length(v).then_some(*v as usize))
        .collect()
}

/// An axis below `rank`; it may be counted from the end, as -1.
fn from_end(axis: f64, rank: usize) -> Option<usize> {
    let axis = if axis < 0.0 { axis + rank as f64 } else { axis };
    (axis >= 0.0 && axis < rank as f64).then_some(axis as usize)
}

fn range(start: f64, limit: f64, delta: f64) -> Option<Tensor> {
    let steps = ((limit - start) / delta).ceil();
    let steps = (steps >= 0.0 && steps <= MAX_LENGTH as f64).then_some(steps as usize)?;
    Some(list((0..steps).map(|i| start + delta * i as f64).collect()))
}

/// Repeats axes of length 1, from the last axis on.
fn broadcast(a: &Tensor, b: &Tensor, f: fn(f64, f64) -> f64) -> Option<Tensor> {
    let rank = a.shape.len().max(b.shape.len());
    let padded = |t: &Tensor| [vec![1; rank - t.shape.len()], t.shape.clone()].concat();
    let (a_shape, b_shape) = (padded(a), padded(b));
    let both = a_shape.iter().zip(&b_shape);
    let shape: Option<Vec<usize>> = both
        .map(|(&a, &b)| (a == b || a == 1 || b == 1).then_some(if a == 1 { b } else { a }))
        .collect();
    let shape = shape?;
    let at = |of: &[usize], mut flat: usize| {
        let (mut index, mut step) = (0, 1);
        for (axis, &length) in of.iter().enumerate().rev() {
            let position = flat % shape[axis];
            flat /= shape[axis];
            index += if length == 1 { 0 } else { position * step };
            step *= length;
        }
        index
    };
    let value = |flat| {
        let (a, b) = (
            a.values.get(at(&a_shape, flat))?,
            b.values.get(at(&b_shape, flat))?,
        );
        Some(f(*a, *b))
    };
    let values = (0..count(&shape)?).map(value).collect::<Option<_>>()?;
    Some(Tensor { shape, values })
}

fn reshape(x: &Tensor, shape: &Tensor) -> Option<Tensor> {
    let wanted = &shape.values;
    let mut known = wanted.iter().filter(|v| **v >= 0.0);
    let known = known.try_fold(1usize, |known, v| known.checked_mul(*v as usize))?;
    let free = wanted.iter().filter(|v| **v < 0.0).count();
    let rest = match free {
        0 => 1,
        1 => x.values.len().checked_div(known)?,
        _ => return None,
    };
    let length = |v: &f64| if *v < 0.0 { rest } else { *v as usize };
    let shape: Vec<usize> = wanted.iter().map(length).collect();
    (count(&shape)? == x.values.len()).then(|| Tensor {
        shape,
        values: x.values.clone(),
    })
}

/// `x` with one more axis, of length 1.
fn expand(x: &Tensor, axis: f64) -> Option<Tensor> {
    let axis = from_end(axis, x.shape.len() + 1)?;
    let mut value = x.clone();
    value.shape.insert(axis, 1);
    Some(value)
}

/// Arrays of one shape along a new axis.
fn pack(parts: &[Tensor], axis: f64) -> Option<Tensor> {
    let shape = &parts.first()?.shape;
    if parts.iter().any(|part| part.shape != *shape) {
        return None;
    }
    let parts: Option<Vec<Tensor>> = parts.iter().map(|part| expand(part, axis)).collect();
    concatenate(&parts?, from_end(axis, shape.len() + 1)?)
}

/// Rows of `x`.
fn gather(x: &Tensor, indices: &Tensor) -> Option<Tensor> {
    let (_, row_shape) = x.shape.split_first()?;
    let row = count(row_shape)?;
    let shape = [&indices.shape[..], row_shape].concat();
    let mut values = Vec::with_capacity(count(&shape)?);
    for &index in &indices.values {
        let start = (index >= 0.0).then_some(index as usize)?.checked_mul(row)?;
        values.extend_from_slice(x.values.get(start..start.checked_add(row)?)?);
    }
    Some(Tensor { shape, values })
}

/// A part of a list, or one number of it.
fn strided_slice(node: &Node, inputs: &[Tensor]) -> Option<Tensor> {
    let [x, begin, end, stride] = inputs else {
        return None;
    };
    let mask = |name| node.integer(name).unwrap_or(0);
    let others = ["end_mask", "begin_mask", "ellipsis_mask", "new_axis_mask"];
    if x.shape.len() != 1 || one(stride)? != 1.0 || others.iter().any(|name| mask(name) != 0) {
        return None;
    }
    let part = x.values.get(one(begin)? as usize..one(end)? as usize)?;
    match (mask("shrink_axis_mask"), part) {
        (0, part) => Some(list(part.to_vec())),
        (1, [value, ..]) => Some(scalar(*value)),
        _ => None,
    }
}

fn concatenate(parts: &[Tensor], axis: usize) -> Option<Tensor> {
    let first = parts.first()?;
    let mut shape = first.shape.clone();
    *shape.get_mut(axis)? = 0;
    for part in parts {
        let same = |i: usize| i == axis || part.shape.get(i) == Some(&first.shape[i]);
        if part.shape.len() != first.shape.len() || !(0..shape.len()).all(same) {
            return None;
        }
        shape[axis] = shape[axis].checked_add(part.shape[axis])?;
    }
    let mut values = Vec::with_capacity(count(&shape)?);
    // Without values there may be any number of rows.
    if shape.contains(&0) {
        return Some(Tensor { shape, values });
    }
    let outer: usize = shape[..axis].iter().product();
    let inner: usize = shape[axis + 1..].iter().product();
    for row in 0..outer {
        for part in parts {
            let length = part.shape[axis] * inner;
            values.extend_from_slice(part.values.get(row * length..(row + 1) * length)?);
        }
    }
    Some(Tensor { shape, values })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(shape: &[usize], values: &[f64]) -> Tensor {
        Tensor {
            shape: shape.to_vec(),
            values: values.to_vec(),
        }
    }

    #[test]
    fn short_axes_are_repeated() {
        let column = tensor(&[2, 1], &[1.0, 2.0]);
        let row = tensor(&[3], &[10.0, 20.0, 30.0]);
        let sum = broadcast(&column, &row, |a, b| a + b).unwrap();
        assert_eq!(sum, tensor(&[2, 3], &[11.0, 21.0, 31.0, 12.0, 22.0, 32.0]));
        assert!(broadcast(&row, &list(vec![1.0; 2]), |a, _| a).is_none());
    }

    #[test]
    fn arrays_are_cut_and_put_together() {
        let x = tensor(&[2, 2], &[1.0, 2.0, 3.0, 4.0]);
        let wide = concatenate(&[x.clone(), x.clone()], 1).unwrap();
        assert_eq!(
            wide,
            tensor(&[2, 4], &[1.0, 2.0, 1.0, 2.0, 3.0, 4.0, 3.0, 4.0])
        );
        assert_eq!(gather(&x, &scalar(1.0)).unwrap(), list(vec![3.0, 4.0]));
        assert!(gather(&x, &scalar(2.0)).is_none());
        assert!(gather(&x, &scalar(-1.0)).is_none());
        let flat = reshape(&x, &list(vec![-1.0])).unwrap();
        assert_eq!(flat.shape, [4]);
        for impossible in [&[-1.0, -1.0][..], &[3.0], &[-1.0, 0.0], &[1e9, 1e9]] {
            assert!(reshape(&x, &list(impossible.to_vec())).is_none());
        }
        assert!(concatenate(&[x, flat], 0).is_none());
        assert!(concatenate(&[], 0).is_none());
        assert_eq!(range(0.0, 3.0, 1.0).unwrap().values, [0.0, 1.0, 2.0]);
        assert!(range(0.0, 1e9, 1.0).is_none());
        assert!(range(0.0, 1.0, 0.0).is_none());
    }

    #[test]
    fn axes_and_shapes_that_do_not_fit_are_refused() {
        for axis in [0.0, -1.0] {
            assert_eq!(expand(&scalar(3.0), axis).unwrap(), list(vec![3.0]));
        }
        for axis in [1.0, -2.0, f64::NAN, 1e300] {
            assert!(expand(&scalar(3.0), axis).is_none(), "{axis}");
        }
        let two = list(vec![1.0, 2.0]);
        let both = pack(&[two.clone(), two.clone()], 1.0).unwrap();
        assert_eq!(both, tensor(&[2, 2], &[1.0, 1.0, 2.0, 2.0]));
        assert!(pack(&[two.clone(), scalar(1.0)], 1.0).is_none());
        assert!(pack(&[two.clone(), two], 2.0).is_none());
        assert!(pack(&[], 0.0).is_none());
    }

    #[test]
    fn shapes_without_values_and_shapes_beyond_all_bounds_end_at_once() {
        let empty = tensor(&[1 << 16, 1 << 16, 1 << 16, 0], &[]);
        let both = concatenate(&[empty.clone(), empty.clone()], 3).unwrap();
        assert_eq!(both, empty);
        let long = list(vec![0.0; 1 << 16]);
        assert!(gather(&tensor(&[1, 1 << 16], &long.values), &long).is_none());
        assert!(gather(&tensor(&[0, 1 << 40, 1 << 40], &[]), &list(vec![])).is_none());
        assert!(reshape(&long, &list(vec![1e18, 1e18, -1.0])).is_none());
    }
}
