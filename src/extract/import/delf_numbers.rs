//! The numbers of DELF's graph, found by evaluating it (see [`super::evaluate`]): sizes of levels, normalisation of
//! pixels, the grid of boxes.

use std::collections::BTreeMap;

use super::delf_graph::{Found, Walk};
use super::evaluate::Evaluator;
use crate::formats::tensorflow::{Node, Tensor};

impl<'a> Walk<'a> {
    /// Checks that a level's sides are the photo's times the scale, rounded, halves to even.
    pub(super) fn level_size(&self, resize: &'a Node, scale: &'a Node) -> Found<()> {
        let image = self.fed("input_image")?;
        for (side, at_scale, expected) in [
            ([480.0, 640.0], 1.0, [480.0, 640.0]),
            ([480.0, 641.0], 0.25, [120.0, 160.0]),
            ([5.0, 7.0], 0.5, [2.0, 4.0]),
            ([3.0, 9.0], 1.375, [4.0, 12.0]),
        ] {
            let photo = Tensor {
                shape: vec![side[0] as usize, side[1] as usize, 3],
                values: vec![],
            };
            let given = [(image, photo), (scale.name.as_str(), number(at_scale))];
            let evaluator = Evaluator::new(self.graph, BTreeMap::from(given));
            let size = evaluator.value(resize.input(1)?)?;
            if size.values != expected {
                return self.fail(
                    resize,
                    "a level is not the photo's sides times the scale, rounded",
                );
            }
        }
        Ok(())
    }

    /// The mean and the divisor of the pixels, the same for each channel.
    pub(super) fn normalisation(&self, image: &str) -> Found<(f32, f32)> {
        let node = self.graph.node(image)?;
        let pixel = |value: f64| -> Found<f64> {
            let pixel = Tensor {
                shape: vec![1, 1, 3],
                values: vec![value; 3],
            };
            let given = BTreeMap::from([(self.fed("input_image")?, pixel)]);
            let found = Evaluator::new(self.graph, given).value(image)?;
            match found.values[..] {
                [a, b, c] if a == b && b == c => Ok(a),
                _ => self.fail(node, "channels are treated differently"),
            }
        };
        let (black, grey, white) = (pixel(0.0)?, pixel(64.0)?, pixel(128.0)?);
        let step = (white - black) / 128.0;
        if step.is_nan() || step <= 0.0 || (grey - black - 64.0 * step).abs() > 1e-6 {
            return self.fail(node, "pixels are not shifted and scaled");
        }
        Ok(((-black / step) as f32, (1.0 / step) as f32))
    }

    /// The stride of the grid, and where the first cell's box begins and ends.
    pub(super) fn grid(&self, boxes: &Node, features: &'a Node) -> Found<(f32, f32, f32)> {
        let (height, width) = (2, 3);
        let map = Tensor {
            shape: vec![1, height, width, 1],
            values: vec![],
        };
        let given = BTreeMap::from([(features.name.as_str(), map)]);
        let found = Evaluator::new(self.graph, given).value(&boxes.name)?;
        let (first, last, next) = match found.values[..] {
            [first, _, last, _, _, next, ..] if found.shape == [6, 4] => (first, last, next),
            _ => return self.fail(boxes, "one box a cell is expected here"),
        };
        let stride = next - first;
        let expected = (0..height * width).flat_map(|cell| {
            let [y, x] = [cell / width, cell % width].map(|index| stride * index as f64);
            [first + y, first + x, last + y, last + x]
        });
        if stride.is_nan()
            || stride <= 0.0
            || last < first
            || !expected.eq(found.values.iter().copied())
        {
            return self.fail(boxes, "boxes do not stand on a grid, row after row");
        }
        Ok((stride as f32, first as f32, last as f32))
    }
}

fn number(value: f64) -> Tensor {
    Tensor {
        shape: vec![],
        values: vec![value],
    }
}
