//! Network outputs with checked shapes. Names tract, as its parent does.

use tract_onnx::prelude::TValue;

use crate::extract::manifest::OutputsManifest;

/// A value, or the fault in words.
type Checked<T> = Result<T, String>;

/// A tensor that a network gave.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Values {
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<f32>,
}

impl TryFrom<&TValue> for Values {
    type Error = ();

    fn try_from(tensor: &TValue) -> Result<Self, ()> {
        let plain = tensor.try_as_plain_ram();
        let values = plain.and_then(|plain| plain.as_slice::<f32>().map(<[f32]>::to_vec));
        Ok(Self {
            shape: tensor.shape().to_vec(),
            values: values.map_err(|_| ())?,
        })
    }
}

/// The output of a network for one input: grids of `height` x `width` cells, channel after channel.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::extract) struct Output {
    pub(in crate::extract) width: usize,
    pub(in crate::extract) height: usize,
    /// Numbers a descriptor.
    pub(in crate::extract) dim: usize,
    pub(in crate::extract) descriptors: Vec<f32>,
    pub(in crate::extract) attention: Vec<f32>,
    pub(in crate::extract) offsets: Option<Vec<f32>>,
    pub(in crate::extract) global: Option<Vec<f32>>,
}

impl Output {
    /// From the tensors that a network gave, by name.
    ///
    /// # Errors
    /// The fault, in words, where one is missing or has the wrong shape.
    pub(super) fn checked(outputs: &OutputsManifest, named: &[(&str, Values)]) -> Checked<Self> {
        let wrong = |name: &str, shape: &[usize], expected: &str| {
            format!("output `{name}` has shape {shape:?}, expected {expected}")
        };
        let (shape, descriptors) = read(named, &outputs.descriptors)?;
        let [1, dim, height, width] = shape[..] else {
            return Err(wrong(&outputs.descriptors, &shape, "[1, D, h, w]"));
        };
        if dim * height * width == 0 {
            return Err(wrong(&outputs.descriptors, &shape, "none of them 0"));
        }
        let grid = |name: &str, channels: usize| -> Checked<Vec<f32>> {
            let (shape, values) = read(named, name)?;
            if shape != [1, channels, height, width] {
                let expected = format!("[1, {channels}, {height}, {width}]");
                return Err(wrong(name, &shape, &expected));
            }
            Ok(values)
        };
        let attention = grid(&outputs.attention, 1)?;
        let offsets = outputs
            .offsets
            .as_ref()
            .map(|name| grid(name, 2))
            .transpose()?;
        Ok(Self {
            width,
            height,
            dim,
            descriptors,
            attention,
            offsets,
            global: checked_global(outputs, named)?,
        })
    }
}

/// The global output, if it was requested.
///
/// # Errors
/// As [`Output::checked`].
pub(super) fn checked_global(
    outputs: &OutputsManifest,
    named: &[(&str, Values)],
) -> Checked<Option<Vec<f32>>> {
    match &outputs.global {
        Some(name) if named.iter().any(|(n, _)| n == name) => {
            let (shape, values) = read(named, name)?;
            if shape.len() != 2 || shape[0] != 1 || shape[1] == 0 {
                return Err(format!(
                    "output `{name}` has shape {shape:?}, expected [1, G]"
                ));
            }
            Ok(Some(values))
        }
        _ => Ok(None),
    }
}

/// The shape and the values of an output.
fn read(named: &[(&str, Values)], name: &str) -> Checked<(Vec<usize>, Vec<f32>)> {
    let found = named.iter().find(|(n, _)| *n == name);
    let (_, found) = found.ok_or_else(|| format!("it gave no output `{name}`"))?;
    Ok((found.shape.clone(), found.values.clone()))
}
