//! The manifest: inputs, outputs and settings of network files.
//!
//! One TOML file describes every network that stands beside it. Any ONNX file that fits its entry
//! can be run; `models/README.md` explains each field.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The manifest version that this library reads.
const VERSION: u32 = 1;

/// A manifest file: the networks of one folder.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The format's version; 1.
    pub version: u32,
    /// The name of the default network.
    pub default: String,
    /// The networks.
    #[serde(rename = "model")]
    pub models: Vec<ModelManifest>,
    /// The judgement of pairs, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judgement: Option<JudgementManifest>,
}

/// A judgement of pairs ([`crate::scoring::Judgement`]).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct JudgementManifest {
    /// The file's name, in the manifest's folder.
    pub file: String,
    /// SHA-256 of the file, 64 hexadecimal digits.
    pub sha256: String,
    /// A summary on one line.
    pub summary: String,
    /// Its licence.
    pub licence: String,
    /// Its training data.
    pub provenance: String,
}

/// One network.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ModelManifest {
    /// A short name, unique in the manifest.
    pub name: String,
    /// The ONNX file's name, in the manifest's folder.
    pub file: String,
    /// SHA-256 of the ONNX file, 64 hexadecimal digits.
    pub sha256: String,
    /// A summary on one line.
    pub summary: String,
    /// The weights' licence, as an SPDX expression.
    pub licence: String,
    /// From which weights and data, and by which script, it was made.
    pub provenance: String,
    /// Conversion of pixels to its input.
    pub input: InputManifest,
    /// Position of the cells of its output grid.
    pub grid: GridManifest,
    /// Its outputs by name.
    pub outputs: OutputsManifest,
    /// The settings that it was measured with.
    pub defaults: ModelDefaults,
    /// Present where levels are made and cells chosen in DELF's own way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delf: Option<DelfManifest>,
}

/// DELF's own image pyramid and choice of cells, which differ from ours (Noh et al. 2017 and the
/// graphs published with it). A level is the photo's sides times the scale, rounded, halves to
/// even, each pixel sampled bilinearly at its index divided by the level's share of the side. Positions are
/// input pixels divided by the scale. Around each stands a box; of boxes that overlap too much, the
/// one with the most attention is kept.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DelfManifest {
    /// The layer that features are taken from, by the imported graph's name.
    pub layer: String,
    /// Side of a cell's box, in input pixels.
    pub box_side: f32,
    /// Boxes that overlap more (intersection over union) are not both kept; 1 keeps all.
    pub max_overlap: f32,
}

/// Conversion of pixels to a network's input: value = (pixel - mean) / std, pixel from 0 to 255.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct InputManifest {
    /// The input's name.
    pub name: String,
    /// The order of its axes.
    pub layout: Layout,
    /// The order of its channels.
    pub channels: ChannelOrder,
    /// Subtracted from each channel, in the network's channel order.
    pub mean: [f32; 3],
    /// Divides each channel, in the network's channel order.
    pub std: [f32; 3],
    /// Width and height are multiples of this many pixels.
    pub size_multiple: u32,
}

/// The order of the axes of a network's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// Batch, channel, row, column.
    Nchw,
    /// Batch, row, column, channel.
    Nhwc,
}

/// The order of the channels of a network's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelOrder {
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red.
    Bgr,
}

/// Cell (i, j) of the output grid describes the input around x = offset + stride j,
/// y = offset + stride i, in input pixels.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct GridManifest {
    /// Input pixels between neighbouring cells.
    pub stride: f32,
    /// Input pixel of the centre of the first cell.
    pub offset: f32,
}

/// The names of a network's outputs. Shapes: `[1, D, h, w]`, `[1, 1, h, w]`, `[1, 2, h, w]`,
/// `[1, G]`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct OutputsManifest {
    /// D numbers a cell.
    pub descriptors: String,
    /// One score a cell, at least 0.
    pub attention: String,
    /// Offset of a cell's point from its grid position: x, then y, in input pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offsets: Option<String>,
    /// G numbers for the whole input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub global: Option<String>,
}

/// The settings that a network was measured with.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ModelDefaults {
    /// Longest side at scale 1, in pixels.
    pub max_size: u32,
    /// Pyramid scales.
    pub scales: Vec<f32>,
    /// Keypoints kept of one photo.
    pub max_features: usize,
    /// Keypoints with less attention are dropped; 0 where it is not given.
    #[serde(default)]
    pub min_attention: f32,
    /// Largest distance of two matching descriptors.
    pub max_distance: f32,
    /// Inliers from which the answer is yes where no probability decides.
    pub min_inliers: usize,
    /// Whether the judgement of a pair (`judgement.json`) was learned with this network. Without it the
    /// number of inliers decides for `match`.
    #[serde(default)]
    pub judgement: bool,
}

impl Manifest {
    /// Reads and checks a manifest file.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::Manifest`] naming the entry at fault.
    pub fn open(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::io(path, source))?;
        Self::parse(&text, path)
    }

    /// Parses and checks a manifest; `path` only names it in errors.
    ///
    /// # Errors
    /// [`Error::Manifest`] naming the entry at fault.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        let fail = |reason: String| Error::Manifest {
            path: path.to_owned(),
            reason,
        };
        let manifest: Self = toml::from_str(text).map_err(|e| {
            let line = e.span().map_or(String::new(), |span| {
                format!(
                    "line {}: ",
                    1 + text[..span.start].lines().count().saturating_sub(1)
                )
            });
            fail(format!("{line}{}", e.message()))
        })?;
        if manifest.version != VERSION {
            return Err(fail(format!(
                "version {} is not supported; this program reads version {VERSION}",
                manifest.version
            )));
        }
        for (index, model) in manifest.models.iter().enumerate() {
            model
                .check()
                .map_err(|reason| fail(format!("model `{}`: {reason}", model.name)))?;
            if manifest.models[..index]
                .iter()
                .any(|m| m.name == model.name)
            {
                return Err(fail(format!("model `{}` stands twice", model.name)));
            }
        }
        if !manifest.models.iter().any(|m| m.name == manifest.default) {
            return Err(fail(format!(
                "default: there is no model `{}`",
                manifest.default
            )));
        }
        Ok(manifest)
    }

    /// A manifest of one network.
    pub(super) fn new(model: ModelManifest) -> Self {
        Self {
            version: VERSION,
            default: model.name.clone(),
            models: vec![model],
            judgement: None,
        }
    }

    /// The manifest as a file; it must pass its own checks.
    ///
    /// # Errors
    /// [`Error::Manifest`]; `path` names it.
    pub(super) fn to_text(&self, path: &Path) -> Result<String> {
        let text = toml::to_string(self).map_err(|e| Error::Manifest {
            path: path.to_owned(),
            reason: e.to_string(),
        })?;
        Self::parse(&text, path).map(|_| text)
    }

    /// The entry whose file is named `file`.
    ///
    /// # Errors
    /// [`Error::Manifest`] when there is none; `path` names the manifest.
    pub(crate) fn entry_for_file(&self, file: &str, path: &Path) -> Result<&ModelManifest> {
        self.models
            .iter()
            .find(|m| m.file == file)
            .ok_or_else(|| Error::Manifest {
                path: path.to_owned(),
                reason: format!("no model has the file `{file}`"),
            })
    }
}

/// The manifest that describes the network at `model`.
pub(crate) fn manifest_beside(model: &Path) -> PathBuf {
    model.with_file_name("manifest.toml")
}

impl ModelManifest {
    fn check(&self) -> std::result::Result<(), String> {
        let finite = |values: &[f32]| values.iter().all(|v| v.is_finite());
        let positive = |values: &[f32]| values.iter().all(|v| v.is_finite() && *v > 0.0);
        let rules = [
            (!self.name.is_empty(), "name: is empty"),
            (
                !self.file.is_empty() && !self.file.contains(['/', '\\']),
                "file: must be a name in the manifest's folder",
            ),
            (
                self.sha256.len() == 64
                    && self
                        .sha256
                        .bytes()
                        .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')),
                "sha256: must be 64 lower-case hexadecimal digits",
            ),
            (finite(&self.input.mean), "input.mean: must be finite"),
            (positive(&self.input.std), "input.std: must be above 0"),
            (
                (1..=1024).contains(&self.input.size_multiple),
                "input.size_multiple: must be from 1 to 1024",
            ),
            (
                positive(&[self.grid.stride]),
                "grid.stride: must be above 0",
            ),
            (finite(&[self.grid.offset]), "grid.offset: must be finite"),
            (
                self.delf.as_ref().is_none_or(|delf| {
                    positive(&[delf.box_side]) && (0.0..=1.0).contains(&delf.max_overlap)
                }),
                "delf: box_side must be above 0, max_overlap from 0 to 1",
            ),
            (
                self.delf.is_none()
                    || (self.outputs.offsets.is_none() && self.outputs.global.is_none()),
                "delf: goes without outputs.offsets and outputs.global",
            ),
        ];
        if let Some((_, reason)) = rules.iter().find(|(holds, _)| !holds) {
            return Err((*reason).into());
        }
        super::ExtractionOptions::from(&self.defaults)
            .validate()
            .map_err(|e| format!("defaults: {e}"))?;
        if !(self.defaults.max_distance > 0.0 && self.defaults.max_distance.is_finite()) {
            return Err("defaults.max_distance: must be above 0".into());
        }
        Ok(())
    }
}
