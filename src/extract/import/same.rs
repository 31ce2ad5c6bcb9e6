//! Whether two parts of a graph compute the same: DELF's graph holds its network twice, once for the
//! first scale and once in a loop for the others.

use std::collections::BTreeSet;

use crate::formats::tensorflow::{Graph, Node};

/// Operations in a row, at most.
const MAX_DEPTH: usize = 1000;

/// Checks that `body` does what `first` does, with one scale in the place of the other.
///
/// # Errors
/// The first node of `body` that differs.
pub(super) fn same_computation(
    graph: &Graph,
    first: &str,
    body: &str,
    scales: (&str, &str),
) -> Result<(), String> {
    let comparison = Comparison { graph, scales };
    comparison.compare(first, body, 0, &mut BTreeSet::new())
}

struct Comparison<'a> {
    graph: &'a Graph,
    scales: (&'a str, &'a str),
}

impl<'a> Comparison<'a> {
    fn compare(
        &self,
        first: &str,
        body: &str,
        depth: usize,
        done: &mut BTreeSet<(&'a str, &'a str)>,
    ) -> Result<(), String> {
        let (a, b) = (self.past_enter(first)?, self.past_enter(body)?);
        let is_scale = (a.name.as_str(), b.name.as_str()) == self.scales;
        if a.name == b.name || is_scale || !done.insert((&a.name, &b.name)) {
            return Ok(());
        }
        let is_same = a.op == b.op && a.inputs.len() == b.inputs.len() && a.has_attributes_of(b);
        if !is_same || depth > MAX_DEPTH {
            return Err(format!(
                "node `{}` ({}): the loop over the scales does something else than `{}`",
                b.name, b.op, a.name
            ));
        }
        for (first, body) in a.inputs.iter().zip(&b.inputs) {
            self.compare(first, body, depth + 1, done)?;
        }
        Ok(())
    }

    /// The node behind `name`, outside the loop if it stands there.
    fn past_enter(&self, name: &str) -> Result<&'a Node, String> {
        let mut node = self.graph.node(name)?;
        for _ in 0..100 {
            match (node.op.as_str(), node.inputs.first()) {
                ("Enter" | "Identity", Some(input)) => node = self.graph.node(input)?,
                _ => break,
            }
        }
        Ok(node)
    }
}
