//! Bottlenecks against convolutions written out, in double precision.

use super::*;

/// Numbers between -1 and 1 that look random and are the same every time.
fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed;
    let next = |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..count).map(next).collect()
}

/// Planes `[channels][height][width]` with their size.
struct Planes {
    values: Vec<f64>,
    channels: usize,
    size: (usize, usize),
}

/// A convolution as its definition has it; `depthwise` gives every channel its own kernel.
fn convolve(x: &Planes, layer: &Layer<'_>, shape: Shape, depthwise: bool) -> Planes {
    let (height, width) = x.size;
    let size = shape.output_size(height, width).unwrap();
    let [top, left, _, _] = shape.padding;
    let inputs = if depthwise { 1 } else { x.channels };
    let mut values = Vec::new();
    for (output, bias) in layer.bias.iter().enumerate() {
        for (row, column) in (0..size.0).flat_map(|r| (0..size.1).map(move |c| (r, c))) {
            let mut sum = f64::from(*bias);
            for input in 0..inputs {
                for tap in 0..shape.kernel * shape.kernel {
                    let y = (row * shape.stride + tap / shape.kernel).wrapping_sub(top);
                    let x_ = (column * shape.stride + tap % shape.kernel).wrapping_sub(left);
                    if y < height && x_ < width {
                        let channel = if depthwise { output } else { input };
                        let weight = layer.weights
                            [(output * inputs + input) * shape.kernel * shape.kernel + tap];
                        sum += f64::from(weight) * x.values[(channel * height + y) * width + x_];
                    }
                }
            }
            values.push(sum.clamp(f64::from(layer.clip.min), f64::from(layer.clip.max)));
        }
    }
    Planes {
        values,
        channels: layer.bias.len(),
        size,
    }
}

/// Channels in and wide and out, kernel, stride, padding, shortcut, size.
struct Case {
    channels: [usize; 3],
    stem: Option<Shape>,
    shape: Shape,
    shortcut: bool,
    size: (usize, usize),
}

fn check(case: &Case) {
    let [inputs, wide, outputs] = case.channels;
    let (height, width) = case.size;
    let pixels = height * width;
    let taps = case.stem.map_or(1, |stem| stem.kernel * stem.kernel);
    let kernel = case.shape.kernel;
    let weights = [
        numbers(wide * inputs * taps, 1),
        numbers(wide * kernel * kernel, 2),
        numbers(outputs * wide, 3),
    ];
    let bias = [numbers(wide, 4), numbers(wide, 5), numbers(outputs, 6)];
    let layer = |i: usize, clip| Layer {
        weights: &weights[i],
        bias: &bias[i],
        clip,
    };
    let relu6 = Clip { min: 0.0, max: 6.0 };
    let (first, middle, last) = (layer(0, relu6), layer(1, relu6), layer(2, Clip::NONE));
    let bottleneck =
        Bottleneck::new(&first, case.stem, &middle, case.shape, &last, case.shortcut).unwrap();

    let x = numbers(inputs * pixels, 7);
    let planes = Planes {
        values: x.iter().map(|v| f64::from(*v)).collect(),
        channels: inputs,
        size: case.size,
    };
    let pointwise = Shape {
        kernel: 1,
        stride: 1,
        padding: [0; 4],
    };
    let wide_map = convolve(&planes, &first, case.stem.unwrap_or(pointwise), false);
    let filtered = convolve(&wide_map, &middle, case.shape, true);
    let mut expected = convolve(&filtered, &last, pointwise, false);
    if case.shortcut {
        expected
            .values
            .iter_mut()
            .zip(&planes.values)
            .for_each(|(y, x)| *y += x);
    }

    let size = bottleneck.output_size(height, width).unwrap();
    assert_eq!(size, expected.size);
    let mut input = x.clone();
    if !bottleneck.reads_planes() {
        input = vec![0.0; num_blocks(inputs) * LANES * pixels];
        to_blocks(&x, pixels, &mut input);
    }
    let mut output = vec![0.0; num_blocks(outputs) * LANES * size.0 * size.1];
    bottleneck.run(&input, case.size, &mut output).unwrap();
    let mut found = vec![0.0; outputs * size.0 * size.1];
    from_blocks(&output, size.0 * size.1, &mut found);
    let scale = expected
        .values
        .iter()
        .fold(1.0f64, |most, v| most.max(v.abs()));
    for (index, (found, expected)) in found.iter().zip(&expected.values).enumerate() {
        let error = (f64::from(*found) - expected).abs();
        assert!(
            error < 1e-5 * scale,
            "value {index} is {found}, not {expected}"
        );
    }
}

#[test]
fn equals_the_three_convolutions() {
    for size in [(1, 1), (2, 3), (5, 4), (9, 11), (13, 70), (40, 17)] {
        for (kernel, stride, padding) in [
            (3, 1, [1, 1, 1, 1]),
            (3, 2, [0, 0, 1, 1]),
            (5, 1, [2, 2, 2, 2]),
            (5, 2, [1, 1, 2, 2]),
            (5, 2, [2, 2, 2, 2]),
        ] {
            let shape = Shape {
                kernel,
                stride,
                padding,
            };
            if shape.output_size(size.0, size.1).is_some() {
                let channels = [18, 50, if stride == 1 { 18 } else { 33 }];
                check(&Case {
                    channels,
                    stem: None,
                    shape,
                    shortcut: stride == 1,
                    size,
                });
            }
        }
    }
}

#[test]
fn a_stem_reads_an_image() {
    let stem = Some(Shape {
        kernel: 3,
        stride: 2,
        padding: [0, 0, 1, 1],
    });
    let shape = Shape {
        kernel: 3,
        stride: 1,
        padding: [1; 4],
    };
    for size in [(2, 2), (6, 8), (33, 47)] {
        check(&Case {
            channels: [3, 40, 16],
            stem,
            shape,
            shortcut: false,
            size,
        });
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let shape = Shape {
        kernel: 3,
        stride: 1,
        padding: [1; 4],
    };
    let values = [0.5f32; 32 * 32 * 9];
    let layer = |weights: usize, bias: usize| Layer {
        weights: &values[..weights],
        bias: &values[..bias],
        clip: Clip::NONE,
    };
    let new = |shape, last: &Layer<'_>, shortcut| {
        Bottleneck::new(
            &layer(8 * 32, 32),
            None,
            &layer(32 * 9, 32),
            shape,
            last,
            shortcut,
        )
    };
    assert!(new(shape, &layer(32 * 8, 8), true).is_some());
    assert!(new(Shape { kernel: 7, ..shape }, &layer(32 * 8, 8), false).is_none());
    assert!(
        new(shape, &layer(32 * 8 + 1, 8), false).is_none(),
        "weights too many"
    );
    assert!(
        new(shape, &layer(32 * 9, 9), true).is_none(),
        "a shortcut to other channels"
    );
    let fits = new(shape, &layer(32 * 8, 8), true).unwrap();
    let (x, mut y) = (vec![0.0; 16 * 12], vec![0.0; 16 * 12]);
    assert!(fits.run(&x, (3, 4), &mut y).is_some());
    assert!(fits.run(&x, (3, 5), &mut y).is_none(), "a wrong size");
}
