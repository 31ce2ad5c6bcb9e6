//! The graph around DELF's network: an image pyramid in a loop, the selection of features by attention, and their
//! boxes (Noh et al., ICCV 2017, arXiv:1612.06321).
//!
//! The graph is followed from its outputs to the network; the first node that differs from DELF's published export
//! is named. Its numbers are found by evaluating it (see [`super::delf_numbers`]).

use std::collections::BTreeMap;

use super::evaluate::Evaluator;
use super::same::same_computation;
use crate::formats::tensorflow::{Graph, Node, Tensor};

/// The parts of DELF's graph, and its numbers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct DelfGraph {
    /// The resized image, which the network reads.
    pub(super) input: String,
    /// The feature map.
    pub(super) features: String,
    /// The attention.
    pub(super) attention: String,
    /// Value = (pixel - mean) / std.
    pub(super) mean: f32,
    pub(super) std: f32,
    /// Input pixels between neighbouring cells.
    pub(super) stride: f32,
    /// Input pixel of the middle of the first cell's box.
    pub(super) offset: f32,
    /// Side of a box, in input pixels.
    pub(super) box_side: f32,
    /// Of boxes that overlap more (intersection over union), one is kept.
    pub(super) max_overlap: f32,
}

pub(super) type Found<T> = Result<T, String>;

const GATHER: &[&str] = &["Gather", "GatherV2"];

/// The values of one kind that the loop over the scales collects.
struct Collected<'a> {
    /// The value that a scale adds, in the first scale and in the loop.
    added: [&'a Node; 2],
    /// The cells of a scale that are taken; none for the scales themselves.
    chosen: Option<[&'a str; 2]>,
}

/// Reads the graph.
///
/// # Errors
/// The first node that is not understood.
pub(super) fn read(graph: &Graph) -> Found<DelfGraph> {
    let walk = Walk { graph };
    let output = |name: &str| -> Found<&Node> {
        let tensor = graph
            .signature
            .outputs
            .get(name)
            .map_or(name, String::as_str);
        walk.follow(tensor)
    };
    // From the outputs to the values that the loop collected, all chosen by the same suppression.
    let mut suppression: Option<&Node> = None;
    let mut collected = BTreeMap::new();
    for name in ["boxes", "features", "scales", "scores"] {
        let mut node = output(name)?;
        while ["ExpandDims", "Reshape", "Squeeze"].contains(&node.op.as_str()) {
            node = walk.follow_input(node, 0)?;
        }
        let gather = walk.expect(node, GATHER)?;
        let suppressed = walk.follow_input(gather, 1)?;
        if suppression.is_some_and(|first| first.name != suppressed.name) {
            return walk.fail(suppressed, "another choice than that of the boxes");
        }
        suppression = Some(suppressed);
        collected.insert(name, walk.follow_input(gather, 0)?);
    }
    let suppression = suppression.ok_or("there are no outputs")?;
    let max_overlap = walk.suppression(suppression, collected["boxes"], collected["scores"])?;
    let parts =
        ["boxes", "features", "scales", "scores"].map(|name| walk.collected(collected[name]));
    let [boxes, features, scales, scores] = parts;
    let (boxes, features, scales, scores) = (boxes?, features?, scales?, scores?);

    // One scale: the chosen cells and their values.
    let [scale, scale_in_loop] = [0, 1].map(|i| boxes.added[i].input(1));
    let (scale, scale_in_loop) = (walk.follow(scale?)?, walk.follow(scale_in_loop?)?);
    let [attention, features_map, unscaled] = {
        let attention = walk.flattened(scores.added[0])?;
        let map = walk.flattened(features.added[0])?;
        let division = walk.expect(boxes.added[0], &["RealDiv"])?;
        [attention, map, walk.follow_input(division, 0)?]
    };
    walk.inverse_scale(scales.added[0], scale)?;
    let [chosen, _] = scores
        .chosen
        .ok_or("all cells are taken, whatever their score")?;
    for part in [&boxes, &features] {
        if part.chosen.map(|[first, _]| first) != Some(chosen) {
            return walk.fail(part.added[0], "other cells are taken than of the scores");
        }
    }
    walk.threshold(chosen, attention)?;
    let resize = walk.resize(attention)?;
    walk.level_size(resize, scale)?;
    let (mean, std) = walk.normalisation(resize.input(0)?)?;
    let (stride, first, last) = walk.grid(unscaled, features_map)?;

    // The loop computes for the other scales the same as for the first.
    for part in [&boxes, &features, &scales, &scores] {
        let added = part.added.map(|node| node.name.as_str());
        for [first, body] in [Some(added), part.chosen].into_iter().flatten() {
            same_computation(graph, first, body, (&scale.name, &scale_in_loop.name))?;
        }
    }
    walk.scale_of_loop(scale, scale_in_loop)?;
    Ok(DelfGraph {
        input: resize.name.clone(),
        features: features_map.name.clone(),
        attention: attention.name.clone(),
        mean,
        std,
        stride,
        offset: (first + last) / 2.0,
        box_side: last - first,
        max_overlap,
    })
}

/// Steps through a graph.
pub(super) struct Walk<'a> {
    pub(super) graph: &'a Graph,
}

impl<'a> Walk<'a> {
    pub(super) fn fail<T>(&self, node: &Node, reason: &str) -> Found<T> {
        Err(format!("node `{}` ({}): {reason}", node.name, node.op))
    }

    /// The node behind `name`, past those that change nothing.
    pub(super) fn follow(&self, name: &str) -> Found<&'a Node> {
        let mut node = self.graph.node(name)?;
        for _ in 0..100 {
            match node.op.as_str() {
                "Identity" | "StopGradient" | "Enter" => node = self.graph.node(node.input(0)?)?,
                _ => return Ok(node),
            }
        }
        self.fail(node, "it leads nowhere")
    }

    pub(super) fn follow_input(&self, node: &'a Node, index: usize) -> Found<&'a Node> {
        self.follow(node.input(index)?)
    }

    pub(super) fn expect(&self, node: &'a Node, operations: &[&str]) -> Found<&'a Node> {
        if operations.contains(&node.op.as_str()) {
            return Ok(node);
        }
        self.fail(
            node,
            &format!("{} is expected here", operations.join(" or ")),
        )
    }

    /// The placeholder that the signature calls `name`.
    fn is_fed(&self, node: &Node, name: &str) -> bool {
        let fed = self
            .graph
            .signature
            .inputs
            .get(name)
            .map_or(name, String::as_str);
        self.graph.node(fed).is_ok_and(|fed| fed.name == node.name)
    }

    fn number(&self, name: &str) -> Found<f64> {
        match Evaluator::new(self.graph, BTreeMap::new())
            .value(name)?
            .values[..]
        {
            [number] => Ok(number),
            _ => self.fail(self.graph.node(name)?, "one number is expected here"),
        }
    }

    /// Reads the suppression of overlapping boxes: the largest overlap.
    fn suppression(&self, node: &'a Node, boxes: &Node, scores: &Node) -> Found<f32> {
        let node = self.expect(node, &["NonMaxSuppressionV2", "NonMaxSuppressionV3"])?;
        for (index, read) in [boxes, scores].into_iter().enumerate() {
            if self.follow_input(node, index)?.name != read.name {
                return self.fail(
                    node,
                    "it reads other boxes or scores than those that come out",
                );
            }
        }
        let count = self.expect(self.follow_input(node, 2)?, &["Minimum"])?;
        let is_asked_for = |index| {
            let input = self.follow_input(count, index);
            input.is_ok_and(|input| self.is_fed(input, "input_max_feature_num"))
        };
        if !is_asked_for(0) && !is_asked_for(1) {
            return self.fail(
                count,
                "the number of features does not come from input_max_feature_num",
            );
        }
        if node.inputs.len() > 4 && self.number(&node.inputs[4])? != f64::NEG_INFINITY {
            return self.fail(node, "it has a threshold of its own");
        }
        Ok(self.number(node.input(3)?)? as f32)
    }

    /// Follows a value that left the loop to the values that every scale adds to it.
    fn collected(&self, node: &'a Node) -> Found<Collected<'a>> {
        let exit = self.expect(node, &["Exit"])?;
        let switch = self.expect(self.follow_input(exit, 0)?, &["Switch"])?;
        let merge = self.expect(self.follow_input(switch, 0)?, &["Merge"])?;
        let next = self.expect(self.follow_input(merge, 1)?, &["NextIteration"])?;
        let parts = [self.follow_input(merge, 0)?, self.follow_input(next, 0)?];
        let mut added = Vec::new();
        for part in parts {
            let concat = self.expect(part, &["ConcatV2"])?;
            if concat.inputs.len() != 3 || self.number(&concat.inputs[2])? != 0.0 {
                return self.fail(concat, "rows of two parts are expected here");
            }
            let before = self.follow_input(concat, 0)?;
            let is_collected = before.name == switch.name
                || (before.op == "Const" && before.constant()?.values.is_empty());
            if !is_collected {
                return self.fail(before, "nothing, or what was collected, is expected here");
            }
            added.push(self.follow_input(concat, 1)?);
        }
        let added = [added[0], added[1]];
        // The scales are one over the scale for each cell, the others are rows of all cells.
        if added.iter().any(|node| !GATHER.contains(&node.op.as_str())) {
            return Ok(Collected {
                added,
                chosen: None,
            });
        }
        Ok(Collected {
            added: [
                self.follow_input(added[0], 0)?,
                self.follow_input(added[1], 0)?,
            ],
            chosen: Some([added[0].input(1)?, added[1].input(1)?]),
        })
    }

    /// The input of a Reshape to rows of cells.
    fn flattened(&self, node: &'a Node) -> Found<&'a Node> {
        let reshape = self.expect(node, &["Reshape"])?;
        let map = self.follow_input(reshape, 0)?;
        let shape = Evaluator::new(self.graph, BTreeMap::new()).value(reshape.input(1)?)?;
        match shape.values[..] {
            [-1.0] | [-1.0, _] => Ok(map),
            _ => self.fail(reshape, "rows of cells are expected here"),
        }
    }

    /// Checks that `node` is 1 / `scale`.
    fn inverse_scale(&self, node: &'a Node, scale: &Node) -> Found<()> {
        let division = self.expect(node, &["RealDiv"])?;
        let ones = self.expect(self.follow_input(division, 0)?, &["Fill", "OnesLike"])?;
        let is_one = ones.op == "OnesLike" || self.number(ones.input(1)?)? == 1.0;
        if !is_one || self.follow_input(division, 1)?.name != scale.name {
            return self.fail(division, "one over the scale is expected here");
        }
        Ok(())
    }

    /// Checks that `chosen` are the cells whose attention is not below input_abs_thres.
    fn threshold(&self, chosen: &str, attention: &Node) -> Found<()> {
        let mut node = self.follow(chosen)?;
        while ["Reshape", "Squeeze", "Cast", "Where"].contains(&node.op.as_str()) {
            node = self.follow_input(node, 0)?;
        }
        let compare = self.expect(node, &["GreaterEqual"])?;
        if self.flattened(self.follow_input(compare, 0)?)?.name != attention.name {
            return self.fail(compare, "it does not compare the attention");
        }
        let threshold = self.follow_input(compare, 1)?;
        if !self.is_fed(threshold, "input_abs_thres") {
            return self.fail(threshold, "input_abs_thres is expected here");
        }
        Ok(())
    }

    /// The resize that the network begins with, along the first inputs from its end.
    fn resize(&self, end: &'a Node) -> Found<&'a Node> {
        let mut node = end;
        for _ in 0..1000 {
            if node.op == "ResizeBilinear" {
                for flag in ["align_corners", "half_pixel_centers"] {
                    if node.boolean(flag) == Some(true) {
                        return self.fail(node, &format!("{flag} is not supported"));
                    }
                }
                return Ok(node);
            }
            match node.inputs.first() {
                Some(input) => node = self.follow(input)?,
                None => break,
            }
        }
        self.fail(node, "the network is expected to begin with ResizeBilinear")
    }

    /// The name of the placeholder that the signature calls `name`.
    pub(super) fn fed(&self, name: &str) -> Found<&'a str> {
        let fed = self
            .graph
            .signature
            .inputs
            .get(name)
            .map_or(name, String::as_str);
        let node = self.graph.node(fed)?;
        self.expect(node, &["Placeholder"])?;
        Ok(&node.name)
    }

    /// Checks that the first scale is the first of input_scales, and that the loop takes the others
    /// one after the other.
    fn scale_of_loop(&self, first: &'a Node, body: &'a Node) -> Found<()> {
        for scale in [first, body] {
            let gather = self.expect(scale, GATHER)?;
            let scales = self.follow_input(gather, 0)?;
            if !self.is_fed(scales, "input_scales") {
                return self.fail(scales, "input_scales is expected here");
            }
        }
        if self.number(first.input(1)?)? != 0.0 {
            return self.fail(first, "the first scale is expected here");
        }
        let switch = self.expect(self.follow_input(body, 1)?, &["Switch"])?;
        let merge = self.expect(self.follow_input(switch, 0)?, &["Merge"])?;
        if self.number(&self.follow_input(merge, 0)?.name)? != 1.0 {
            return self.fail(merge, "the loop does not begin with the second scale");
        }
        let next = self.expect(self.follow_input(merge, 1)?, &["NextIteration"])?;
        let add = self.expect(self.follow_input(next, 0)?, &["Add", "AddV2"])?;
        if self.follow_input(add, 0)?.name != switch.name || self.number(add.input(1)?)? != 1.0 {
            return self.fail(add, "the loop does not take one scale after the other");
        }
        let condition = self.expect(self.follow_input(switch, 1)?, &["LoopCond"])?;
        let less = self.expect(self.follow_input(condition, 0)?, &["Less"])?;
        let scales = Tensor {
            shape: vec![7],
            values: vec![],
        };
        let given = BTreeMap::from([(self.fed("input_scales")?, scales)]);
        let end = Evaluator::new(self.graph, given).value(less.input(1)?)?;
        if self.follow_input(less, 0)?.name != merge.name || end.values != [7.0] {
            return self.fail(less, "the loop does not end with the last scale");
        }
        Ok(())
    }
}
