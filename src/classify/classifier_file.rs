//! The classifier file: safetensors, which is a JSON header and plain arrays.
//!
//! The header's metadata has one entry, `delfin-classifier`: a JSON object with `version` (3), the
//! network's name and SHA-256, the feature settings, the labels, the normalisation in words, the
//! calibration, the names of the training photos, the SHA-256 of the arrays, one after the other in
//! the order given here, and as the last field `header_sha256`, that of the object's text without this field;
//! files of older programs lack it. The arrays are `layer.weights` [C, D],
//! `layer.biases` [C], `class.means` [C, D] and, for P training photos with T keypoints together,
//! `reference.classes` [P], `.num_keypoints` [P], `.sizes` [P, 2], `.hashes` [P, 32], `.globals`
//! [P, D], `.keypoints` [T, 3] and `.descriptors` [T, d]. The same classifier gives the same bytes.

use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::calibration::Calibration;
use super::classifier::{Classifier, FeatureSettings, NetworkId};
use super::layer::SoftmaxLayer;
use super::references::Reference;
use crate::error::{Error, Result};
use crate::files::{CLASSIFIER_START, write_file};
use crate::hex::hex;

const METADATA_KEY: &str = "delfin-classifier";
const VERSION: u32 = 3;
/// An older version that is read too: its geometric evidence counts inliers.
const VERSION_OF_INLIERS: u32 = 2;
/// In the order that they are hashed in.
const ARRAYS: [&str; 10] = [
    "layer.weights",
    "layer.biases",
    "class.means",
    "reference.classes",
    "reference.num_keypoints",
    "reference.sizes",
    "reference.hashes",
    "reference.globals",
    "reference.keypoints",
    "reference.descriptors",
];
const NORMALISATION: &str = "signed square root of every number, then unit length";

#[derive(Serialize, Deserialize)]
struct Header {
    version: u32,
    network: NetworkId,
    settings: FeatureSettings,
    normalisation: String,
    labels: Vec<String>,
    calibration: Calibration,
    test_accuracy: Option<f64>,
    references: Vec<String>,
    arrays_sha256: String,
    /// The last field, so that it can be cut off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    header_sha256: Option<String>,
}

/// The version alone, to distinguish a newer file from a broken one.
#[derive(Deserialize)]
struct VersionOnly {
    version: u32,
}

/// Writes a classifier; the file appears whole or not at all.
///
/// # Errors
/// [`Error::Io`]; [`Error::Features`] when its parts do not fit one another.
pub fn write_classifier(classifier: &Classifier, path: &Path) -> Result<()> {
    write_file(path, &encode(classifier)?)
}

/// Reads a classifier and checks it.
///
/// # Errors
/// [`Error::Io`]; [`Error::Classifier`] when the file is another, newer or broken.
pub fn read_classifier(path: &Path) -> Result<Classifier> {
    let bytes = std::fs::read(path).map_err(|source| Error::io(path, source))?;
    decode(&bytes).map_err(|reason| Error::Classifier {
        path: path.to_owned(),
        reason,
    })
}

/// The bytes of a classifier file.
///
/// # Errors
/// [`Error::Features`] when the classifier's parts do not fit one another.
pub fn encode(classifier: &Classifier) -> Result<Vec<u8>> {
    classifier.validate()?;
    let fail = |e: &dyn std::fmt::Display| Error::Features {
        reason: format!("the classifier cannot be written: {e}"),
    };
    let arrays = arrays(classifier);
    let mut header = Header {
        version: VERSION,
        network: classifier.network.clone(),
        settings: classifier.settings.clone(),
        normalisation: NORMALISATION.into(),
        labels: classifier.labels.clone(),
        calibration: classifier.calibration,
        test_accuracy: classifier.test_accuracy,
        references: classifier
            .references
            .iter()
            .map(|r| r.name.clone())
            .collect(),
        arrays_sha256: sha256(arrays.iter().map(|(_, _, _, bytes)| bytes.as_slice())),
        header_sha256: None,
    };
    let text = serde_json::to_string(&header).map_err(|e| fail(&e))?;
    header.header_sha256 = Some(sha256([text.as_bytes()].into_iter()));
    let header = serde_json::to_string(&header).map_err(|e| fail(&e))?;
    let views: Vec<(&str, TensorView)> = arrays
        .iter()
        .map(|(name, dtype, shape, bytes)| {
            TensorView::new(*dtype, shape.clone(), bytes).map(|view| (*name, view))
        })
        .collect::<std::result::Result<_, _>>()
        .map_err(|e| fail(&e))?;
    // One entry: the order of several would differ from run to run.
    let metadata = [(METADATA_KEY.to_owned(), header)].into_iter().collect();
    safetensors::serialize(views, Some(metadata)).map_err(|e| fail(&e))
}

fn sha256<'a>(parts: impl Iterator<Item = &'a [u8]>) -> String {
    let mut hash = Sha256::new();
    parts.for_each(|bytes| hash.update(bytes));
    hex(&hash.finalize())
}

/// The SHA-256 of a header's text without the field that holds it, `digits`. The text itself is hashed, as numbers
/// that are read and written again may change in their last digit.
fn sha256_of_header(text: &str, digits: &str) -> String {
    let field = format!(",\"header_sha256\":\"{digits}\"");
    sha256([text.replacen(&field, "", 1).as_bytes()].into_iter())
}

type Array = (&'static str, Dtype, Vec<usize>, Vec<u8>);

fn arrays(classifier: &Classifier) -> Vec<Array> {
    let layer = &classifier.layer;
    let (classes, dim) = (layer.num_classes(), layer.num_inputs());
    let means: Vec<f32> = classifier.class_means.concat();
    let mut arrays = vec![
        (
            "layer.weights",
            Dtype::F32,
            vec![classes, dim],
            floats(layer.weights()),
        ),
        (
            "layer.biases",
            Dtype::F32,
            vec![classes],
            floats(layer.biases()),
        ),
        (
            "class.means",
            Dtype::F32,
            vec![classes, dim],
            floats(&means),
        ),
    ];
    let references = &classifier.references;
    let Some(first) = references.first() else {
        return arrays;
    };
    let count = references.len();
    let total: usize = references.iter().map(|r| r.keypoints.len()).sum();
    let each_u32 = |of: &dyn Fn(&Reference) -> Vec<u32>| -> Vec<u8> {
        let values = references.iter().flat_map(of);
        values.flat_map(u32::to_le_bytes).collect()
    };
    let bytes_of = |of: &dyn Fn(&Reference) -> &[i8]| -> Vec<u8> {
        references
            .iter()
            .flat_map(|r| of(r).iter().map(|v| v.cast_unsigned()))
            .collect()
    };
    let keypoints: Vec<f32> = references
        .iter()
        .flat_map(|r| r.keypoints.iter().flatten().copied())
        .collect();
    arrays.extend([
        (
            "reference.classes",
            Dtype::U32,
            vec![count],
            each_u32(&|r| vec![r.class as u32]),
        ),
        (
            "reference.num_keypoints",
            Dtype::U32,
            vec![count],
            each_u32(&|r| vec![r.keypoints.len() as u32]),
        ),
        (
            "reference.sizes",
            Dtype::U32,
            vec![count, 2],
            each_u32(&|r| r.size.to_vec()),
        ),
        (
            "reference.hashes",
            Dtype::U8,
            vec![count, 32],
            references.iter().flat_map(|r| r.content_hash).collect(),
        ),
        (
            "reference.globals",
            Dtype::I8,
            vec![count, dim],
            bytes_of(&|r| &r.global),
        ),
        (
            "reference.keypoints",
            Dtype::F32,
            vec![total, 3],
            floats(&keypoints),
        ),
        (
            "reference.descriptors",
            Dtype::I8,
            vec![total, first.descriptor_dim],
            bytes_of(&|r| &r.descriptors),
        ),
    ]);
    arrays
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// Reads the bytes of a classifier file.
///
/// # Errors
/// The fault, in words.
pub fn decode(bytes: &[u8]) -> std::result::Result<Classifier, String> {
    let not_ours = "not a classifier file of delfin";
    let is_ours = bytes
        .get(8..)
        .is_some_and(|rest| rest.starts_with(CLASSIFIER_START));
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|e| match is_ours {
        true => format!("it is broken: {e}"),
        false => not_ours.to_owned(),
    })?;
    let text = metadata
        .metadata()
        .as_ref()
        .and_then(|entries| entries.get(METADATA_KEY))
        .ok_or(not_ours)?;
    let version: VersionOnly =
        serde_json::from_str(text).map_err(|e| format!("its header is broken: {e}"))?;
    if ![VERSION, VERSION_OF_INLIERS].contains(&version.version) {
        return Err(format!(
            "version {} is not supported; this program reads version {VERSION}",
            version.version
        ));
    }
    let header: Header =
        serde_json::from_str(text).map_err(|e| format!("its header is broken: {e}"))?;
    if let Some(digits) = &header.header_sha256
        && sha256_of_header(text, digits) != *digits
    {
        return Err("it is broken: its labels and settings are not those that were written".into());
    }
    let tensors = SafeTensors::deserialize(bytes).map_err(|e| format!("it is broken: {e}"))?;
    let in_order = ARRAYS.iter().filter_map(|name| tensors.tensor(name).ok());
    if sha256(in_order.map(|view| view.data())) != header.arrays_sha256 {
        return Err("it is broken: its numbers are not those that were written".into());
    }
    let broken = |e: Error| format!("it is broken: {e}");
    let [classes, dim] = shape(&tensors, "layer.weights")?;
    let layer = SoftmaxLayer::new(
        dim,
        read_floats(&tensors, "layer.weights", &[classes, dim])?,
        read_floats(&tensors, "layer.biases", &[classes])?,
    )
    .map_err(broken)?;
    let means = read_floats(&tensors, "class.means", &[classes, dim])?;
    let calibration = match version.version {
        VERSION => header.calibration,
        _ => header.calibration.rescaled_from_inliers(),
    };
    let classifier = Classifier {
        network: header.network,
        settings: header.settings,
        labels: header.labels,
        class_means: means
            .chunks_exact(dim.max(1))
            .map(<[f32]>::to_vec)
            .collect(),
        layer,
        calibration: calibration.with_least_layer(),
        references: references(&tensors, header.references, dim)?,
        test_accuracy: header.test_accuracy,
    };
    classifier.validate().map_err(broken)?;
    Ok(classifier)
}

fn references(
    tensors: &SafeTensors,
    names: Vec<String>,
    dim: usize,
) -> std::result::Result<Vec<Reference>, String> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let count = names.len();
    let [total, descriptor_dim] = shape(tensors, "reference.descriptors")?;
    let classes = read_u32(tensors, "reference.classes", &[count])?;
    let lengths = read_u32(tensors, "reference.num_keypoints", &[count])?;
    let sizes = read_u32(tensors, "reference.sizes", &[count, 2])?;
    let hashes = read(tensors, "reference.hashes", Dtype::U8, &[count, 32])?;
    let globals = read(tensors, "reference.globals", Dtype::I8, &[count, dim])?;
    let keypoints = read_floats(tensors, "reference.keypoints", &[total, 3])?;
    let shape = [total, descriptor_dim];
    let descriptors = read(tensors, "reference.descriptors", Dtype::I8, &shape)?;
    if lengths.iter().map(|n| *n as usize).sum::<usize>() != total {
        return Err("it is broken: the training photos' keypoints do not add up".into());
    }
    let signed = |bytes: &[u8]| bytes.iter().map(|b| b.cast_signed()).collect();
    let mut start = 0;
    let references = names.into_iter().enumerate().map(|(i, name)| {
        let end = start + lengths[i] as usize;
        let keypoints = keypoints[3 * start..3 * end].as_chunks::<3>().0.to_vec();
        let rows = &descriptors[descriptor_dim * start..descriptor_dim * end];
        let mut content_hash = [0; 32];
        content_hash.copy_from_slice(&hashes[32 * i..32 * (i + 1)]);
        start = end;
        Reference {
            name,
            class: classes[i] as usize,
            content_hash,
            size: [sizes[2 * i], sizes[2 * i + 1]],
            keypoints,
            descriptor_dim,
            descriptors: signed(rows),
            global: signed(&globals[dim * i..dim * (i + 1)]),
        }
    });
    Ok(references.collect())
}

fn shape(tensors: &SafeTensors, name: &str) -> std::result::Result<[usize; 2], String> {
    let view = tensors
        .tensor(name)
        .map_err(|e| format!("it is broken: {e}"))?;
    let shape: [usize; 2] = view
        .shape()
        .try_into()
        .map_err(|_| format!("it is broken: {name} is no table"))?;
    Ok(shape)
}

fn read<'a>(
    tensors: &SafeTensors<'a>,
    name: &str,
    dtype: Dtype,
    shape: &[usize],
) -> std::result::Result<&'a [u8], String> {
    let view = tensors
        .tensor(name)
        .map_err(|e| format!("it is broken: {e}"))?;
    if view.dtype() != dtype || view.shape() != shape {
        return Err(format!(
            "it is broken: {name} is {:?} {:?}, not {dtype:?} {shape:?}",
            view.dtype(),
            view.shape()
        ));
    }
    Ok(view.data())
}

fn read_floats(
    tensors: &SafeTensors,
    name: &str,
    shape: &[usize],
) -> std::result::Result<Vec<f32>, String> {
    let bytes = read(tensors, name, Dtype::F32, shape)?;
    Ok(bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|b| f32::from_le_bytes(*b))
        .collect())
}

fn read_u32(
    tensors: &SafeTensors,
    name: &str,
    shape: &[usize],
) -> std::result::Result<Vec<u32>, String> {
    let bytes = read(tensors, name, Dtype::U32, shape)?;
    Ok(bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|b| u32::from_le_bytes(*b))
        .collect())
}

#[cfg(test)]
mod tests;
