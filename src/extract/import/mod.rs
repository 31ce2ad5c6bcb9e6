//! Official DELF networks: from TensorFlow's SavedModel and the `.datum` files of its PCA to an ONNX
//! file and its manifest entry, without TensorFlow.
//!
//! Everything is read from the graph: the operations of the network, the normalisation and resizing of pixels, the
//! stride of the grid, the boxes. A difference from DELF's published export is an error that names the node.

mod delf_graph;
mod delf_numbers;
mod evaluate;
mod files;
mod network;
mod pca;
mod same;
mod weights;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

pub use pca::PcaSource;

use super::manifest::{
    ChannelOrder, DelfManifest, GridManifest, InputManifest, Layout, Manifest, ModelDefaults,
    ModelManifest, OutputsManifest, manifest_beside,
};
use super::model::Model;
use crate::error::{Error, Result};
use crate::files::{refuse_existing, write_file};
use crate::formats::onnx::{Attribute, Axis, OnnxBuilder};
use crate::formats::tensorflow::{Bundle, Graph};
use crate::hex::hex;
use delf_graph::DelfGraph;
use files::SourceFiles;
use network::Translator;
use pca::Pca;
use weights::Weights;

/// Options of an import.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportOptions {
    /// The network's name, of letters, digits, `.`, `-` and `_`; the ONNX file's too.
    pub name: String,
    /// Principal component analysis of the descriptors. By default the first 40 components of the one beside the
    /// model, as in DELF's published configuration.
    pub pca: PcaSource,
    /// The settings that the manifest gives the network.
    pub defaults: ModelDefaults,
}

// The published scales have four digits.
#[allow(clippy::approx_constant)]
impl Default for ImportOptions {
    /// DELF's published configuration, `delf_config_example.pbtxt`.
    fn default() -> Self {
        Self {
            name: "delf".into(),
            pca: PcaSource::Beside {
                dim: 40,
                whiten: false,
            },
            defaults: ModelDefaults {
                max_size: 1024,
                scales: vec![0.25, 0.3536, 0.5, 0.7071, 1.0, 1.4142, 2.0],
                max_features: 1000,
                min_attention: 100.0,
                max_distance: 0.8,
                // DELF names no such number. By the rules of `match` the official features of 12 of 33 pairs
                // of one place reach it, and of none of 138 others (benches/RESULTS.md).
                min_inliers: 7,
                judgement: false,
            },
        }
    }
}

impl ImportOptions {
    /// Checks the name and the settings.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] naming the field.
    pub fn validate(&self) -> Result<()> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if self.name.is_empty() || self.name.starts_with('.') || !self.name.chars().all(is_plain) {
            let reason = "takes letters, digits, `.`, `-` and `_`, and does not begin with `.`";
            return Err(Error::option("name", reason));
        }
        super::ExtractionOptions::from(&self.defaults).validate()
    }
}

/// An imported network.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ImportedModel {
    /// The ONNX file.
    pub onnx: Vec<u8>,
    /// Its manifest entry.
    pub manifest: ModelManifest,
}

/// Imports a SavedModel from its folder, the folder above it, or a `.tar.gz` archive of that.
/// The same files and options give the same bytes.
///
/// # Errors
/// [`Error::InvalidOption`]; [`Error::Io`] or [`Error::Format`] naming what is missing, broken or
/// not understood.
pub fn import_saved_model(source: &Path, options: &ImportOptions) -> Result<ImportedModel> {
    options.validate()?;
    let files = SourceFiles::open(source)?;
    let fail = |reason: String| Error::format(source, reason);
    let graph = Graph::decode(files.graph()?).map_err(fail)?;
    let delf = delf_graph::read(&graph).map_err(fail)?;
    let bundle = Bundle::decode(files.index()?)
        .map_err(|reason| fail(format!("variables.index: {reason}")))?;
    let weights = Weights {
        graph: &graph,
        bundle: &bundle,
        data: files.data()?,
    };
    let mut translator = Translator {
        graph: &graph,
        weights: &weights,
        onnx: OnnxBuilder::new(&options.name),
        done: BTreeMap::from([(delf.input.clone(), INPUT.to_owned())]),
    };
    let side = |name| Axis::Free(name);
    let image = [
        Axis::Fixed(1),
        Axis::Fixed(3),
        side("height"),
        side("width"),
    ];
    translator.onnx.input(INPUT, &image);
    let features = translator.translate(&delf.features).map_err(fail)?;
    let attention = translator.translate(&delf.attention).map_err(fail)?;
    let channels = channels(&graph, &weights, &delf.features).map_err(fail)?;
    let pca = Pca::read(&options.pca, &files, channels)?;
    let mut onnx = translator.onnx;
    let dim = write_descriptors(&mut onnx, &features, channels, pca.as_ref());
    onnx.node("Identity", ATTENTION, &[&attention], &[]);
    let grid = |channels| [Axis::Fixed(1), Axis::Fixed(channels), side("h"), side("w")];
    onnx.output(DESCRIPTORS, &grid(dim));
    onnx.output(ATTENTION, &grid(1));
    let onnx = onnx.encode();
    let manifest = manifest(source, options, &delf, &onnx, dim);
    Ok(ImportedModel { onnx, manifest })
}

const INPUT: &str = "image";
const DESCRIPTORS: &str = "descriptors";
const ATTENTION: &str = "attention";

/// The number of channels of the node `name`: that of the last convolution that leads to it.
fn channels(graph: &Graph, weights: &Weights, name: &str) -> std::result::Result<usize, String> {
    let mut node = graph.node(name)?;
    for _ in 0..1000 {
        match node.op.as_str() {
            "Conv2D" => return Ok(weights.kernel(node.input(1)?)?.shape[0]),
            // The other summand is the shortcut, which may begin with a pooling.
            "Add" | "AddV2" => node = graph.node(node.input(1)?)?,
            _ => node = graph.node(node.input(0)?)?,
        }
    }
    Err(format!("node `{name}`: no convolution leads to it"))
}

/// Writes the nodes from features to descriptors; returns the length of a descriptor. Features have unit length
/// before the mean is subtracted: rows * (x / |x| - mean) is (rows * x) / |x| + bias.
fn write_descriptors(
    onnx: &mut OnnxBuilder,
    features: &str,
    channels: usize,
    pca: Option<&Pca>,
) -> usize {
    let Some(pca) = pca else {
        onnx.node("Identity", DESCRIPTORS, &[features], &[]);
        return channels;
    };
    let rows = onnx.constant("pca/rows", &[pca.dim, channels, 1, 1], &pca.rows);
    let bias = onnx.constant("pca/bias", &[1, pca.dim, 1, 1], &pca.bias);
    // As TensorFlow's l2_normalize.
    let least = onnx.constant("pca/least", &[1, 1, 1, 1], &[1e-12]);
    let axes = onnx.integers("pca/axes", &[1]);
    let square = onnx.node("Mul", "pca/square", &[features, features], &[]);
    let keep = [("keepdims", Attribute::Int(1))];
    let sum = onnx.node("ReduceSum", "pca/sum", &[&square, &axes], &keep);
    let sum = onnx.node("Max", "pca/max", &[&sum, &least], &[]);
    let norm = onnx.node("Sqrt", "pca/norm", &[&sum], &[]);
    let one = [("kernel_shape", Attribute::Ints(&[1, 1]))];
    let projected = onnx.node("Conv", "pca/projected", &[features, &rows], &one);
    let scaled = onnx.node("Div", "pca/scaled", &[&projected, &norm], &[]);
    onnx.node("Add", DESCRIPTORS, &[&scaled, &bias], &[]);
    pca.dim
}

fn manifest(
    source: &Path,
    options: &ImportOptions,
    delf: &DelfGraph,
    onnx: &[u8],
    dim: usize,
) -> ModelManifest {
    let source = source
        .file_name()
        .unwrap_or(source.as_os_str())
        .to_string_lossy();
    let sha256 = Sha256::digest(onnx);
    ModelManifest {
        name: options.name.clone(),
        file: format!("{}.onnx", options.name),
        sha256: hex(&sha256),
        summary: format!("DELF, descriptors of {dim} numbers of {}", delf.features),
        licence: "that of the imported network (Apache-2.0 for Google's DELF)".into(),
        provenance: format!("delfin model import {source}"),
        input: InputManifest {
            name: INPUT.into(),
            layout: Layout::Nchw,
            channels: ChannelOrder::Rgb,
            mean: [delf.mean; 3],
            std: [delf.std; 3],
            size_multiple: 1,
        },
        grid: GridManifest {
            stride: delf.stride,
            offset: delf.offset,
        },
        outputs: OutputsManifest {
            descriptors: DESCRIPTORS.into(),
            attention: ATTENTION.into(),
            offsets: None,
            global: None,
        },
        defaults: options.defaults.clone(),
        delf: Some(DelfManifest {
            layer: delf.features.clone(),
            box_side: delf.box_side,
            max_overlap: delf.max_overlap,
        }),
    }
}

impl ImportedModel {
    /// Makes it ready to run; `source` names it in errors.
    ///
    /// # Errors
    /// [`Error::Model`] when the network does not run.
    pub fn into_model(self, source: &Path) -> Result<Model> {
        Model::from_bytes(&self.onnx, self.manifest, source.to_owned())
    }

    /// Writes the ONNX file into `folder`, which is made when it is not there, and its entry into the
    /// `manifest.toml` beside it: a new one, or in the place of the entry of this name, or after the
    /// others. Returns the ONNX file's path.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Manifest`] when the manifest that is there is broken, or [`Error::Format`] when
    /// another file has the ONNX file's name and no entry of this network; then nothing is written.
    pub fn write(&self, folder: &Path) -> Result<PathBuf> {
        let path = folder.join(&self.manifest.file);
        let manifest_path = manifest_beside(&path);
        let mut manifest = if manifest_path.exists() {
            Manifest::open(&manifest_path)?
        } else {
            Manifest::new(self.manifest.clone())
        };
        let has_file = |m: &ModelManifest| m.file == self.manifest.file;
        let is_known = manifest_path.exists() && manifest.models.iter().any(has_file);
        manifest.models.retain(|m| m.name != self.manifest.name);
        if let Some(other) = manifest.models.iter().find(|m| has_file(m)) {
            return Err(Error::Manifest {
                path: manifest_path,
                reason: format!(
                    "model `{}` has the file `{}` already",
                    other.name, other.file
                ),
            });
        }
        // The same bytes are those of an import that ended before its manifest.
        let is_same = || std::fs::read(&path).is_ok_and(|bytes| bytes == self.onnx);
        if !is_known && !is_same() {
            refuse_existing(&path)?;
        }
        manifest.models.push(self.manifest.clone());
        let text = manifest.to_text(&manifest_path)?;
        std::fs::create_dir_all(folder).map_err(|source| Error::io(folder, source))?;
        write_file(&path, &self.onnx)?;
        write_file(&manifest_path, text.as_bytes())?;
        Ok(path)
    }
}
