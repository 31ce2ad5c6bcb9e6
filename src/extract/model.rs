//! A network behind its manifest entry. Only this file and those in its folder name tract.

mod fusion;
#[cfg(feature = "onnxruntime")]
mod onnx_runtime;
mod operations;
mod output;
mod plans;
mod translation;

use std::path::{Path, PathBuf};

use image::{ImageBuffer, Pixel, Primitive, Rgb, RgbImage};
use sha2::{Digest, Sha256};
use tract_onnx::prelude::*;

use super::manifest::{
    ChannelOrder, DelfManifest, GridManifest, Layout, Manifest, ModelDefaults, ModelManifest,
    manifest_beside,
};
use crate::error::{Error, Result};
use crate::hex::hex;
use plans::{Outputs, Plans};

pub(super) use output::Output;
use output::Values;

const EMBEDDED_MANIFEST: &str = include_str!("../../models/manifest.toml");
const EMBEDDED_MODEL: &[u8] = include_bytes!("../../models/delfin-lite0.onnx");

/// A network, ready to run. Cheap to share between threads by reference.
pub struct Model {
    entry: ModelManifest,
    path: PathBuf,
    plans: Plans,
    /// Runs the network in place of `plans`.
    #[cfg(feature = "onnxruntime")]
    onnx_runtime: Option<onnx_runtime::OnnxRuntime>,
    /// The file, until another engine takes it.
    #[cfg(feature = "onnxruntime")]
    onnx: Vec<u8>,
}

/// The lengths of a network's outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutputShapes {
    /// Numbers a descriptor.
    pub descriptor_dim: usize,
    /// Numbers in the global descriptor, if there is one.
    pub global_dim: Option<usize>,
}

/// The manifest of the networks inside the library.
///
/// # Errors
/// [`Error::Manifest`]; a test keeps the embedded one right.
pub fn embedded_manifest() -> Result<Manifest> {
    Manifest::parse(EMBEDDED_MANIFEST, Path::new("(built-in) manifest.toml"))
}

impl Model {
    /// The default network, which is inside the library.
    ///
    /// # Errors
    /// [`Error::Model`]; a test keeps the embedded one right.
    pub fn embedded() -> Result<Self> {
        let manifest = embedded_manifest()?;
        let path = Path::new("(built-in) manifest.toml");
        let file = manifest
            .models
            .iter()
            .find(|m| m.name == manifest.default)
            .map_or("", |m| m.file.as_str());
        let entry = manifest.entry_for_file(file, path)?.clone();
        Self::from_bytes(
            EMBEDDED_MODEL,
            entry,
            PathBuf::from("(built-in)").join(file),
        )
    }

    /// Reads the ONNX file at `path`, described by the `manifest.toml` beside it.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Manifest`], or [`Error::Model`] when the hash differs, an input or
    /// output is missing, or the network does not run.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|source| Error::io(path, source))?;
        let manifest_path = manifest_beside(path);
        if !manifest_path.exists() {
            return Err(Error::Manifest {
                path: manifest_path,
                reason: format!(
                    "not there; it has to describe the network {} beside it. `delfin model import` writes both; \
                     models/README.md lists its fields",
                    path.display()
                ),
            });
        }
        let manifest = Manifest::open(&manifest_path)?;
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let entry = manifest.entry_for_file(&file, &manifest_path)?.clone();
        Self::from_bytes(&bytes, entry, path.to_owned())
    }

    /// Checks the file's hash, its input and its outputs.
    pub(super) fn from_bytes(bytes: &[u8], entry: ModelManifest, path: PathBuf) -> Result<Self> {
        let fail = |reason: String| Error::Model {
            path: path.clone(),
            reason,
        };
        check_hash(bytes, &entry).map_err(fail)?;
        let network = tract_onnx::onnx()
            .model_for_read(&mut &bytes[..])
            .map_err(|e| fail(format!("not a network that can be run: {e}")))?;
        let inputs: Vec<&str> = network
            .input_outlets()
            .map_err(|e| fail(e.to_string()))?
            .iter()
            .map(|outlet| network.node(outlet.node).name.as_str())
            .collect();
        if inputs != [entry.input.name.as_str()] {
            return Err(fail(format!(
                "its inputs are {inputs:?}, but the manifest says `{}`",
                entry.input.name
            )));
        }
        let model = Self {
            entry,
            path,
            plans: Plans::new(network),
            #[cfg(feature = "onnxruntime")]
            onnx_runtime: None,
            #[cfg(feature = "onnxruntime")]
            onnx: bytes.to_vec(),
        };
        for name in Outputs::LocalAndGlobal.names(&model.entry.outputs) {
            if !model.plans.has_output(name) {
                return Err(model.fail(format!(
                    "it has no output `{name}`, which the manifest names"
                )));
            }
        }
        Ok(model)
    }

    /// The same network, run by the ONNX Runtime library at `library` (`libonnxruntime.so`, 1.22 or newer), which is
    /// loaded for the whole process. Outputs differ in the last digits, and so do features.
    ///
    /// # Errors
    /// [`Error::Model`] when there is no such library, it is of another version, another one is loaded already, or it
    /// refuses the network.
    #[cfg(feature = "onnxruntime")]
    pub fn with_onnx_runtime(mut self, library: &Path) -> Result<Self> {
        let onnx = std::mem::take(&mut self.onnx);
        let runtime = onnx_runtime::OnnxRuntime::new(library, onnx);
        self.onnx_runtime = Some(runtime.map_err(|reason| self.fail(reason))?);
        Ok(self)
    }

    /// The network and its engine, for the keys of a store: features of another engine are kept apart.
    pub(crate) fn identity(&self) -> String {
        match self.engine() {
            Some(engine) => format!("{:?}, {engine}", self.entry),
            None => format!("{:?}", self.entry),
        }
    }

    /// The engine, where it is not the library's own.
    fn engine(&self) -> Option<&str> {
        #[cfg(feature = "onnxruntime")]
        return self
            .onnx_runtime
            .as_ref()
            .map(|_| onnx_runtime::OnnxRuntime::build());
        #[cfg(not(feature = "onnxruntime"))]
        None
    }

    /// Its manifest entry.
    pub fn manifest(&self) -> &ModelManifest {
        &self.entry
    }

    /// Path of its ONNX file; below `(built-in)` for a network inside the library.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is inside the library.
    pub(crate) fn is_embedded(&self) -> bool {
        self.path.starts_with("(built-in)")
    }

    /// The bytes of its ONNX file.
    ///
    /// # Errors
    /// [`Error::Io`] when the file is no longer there, [`Error::Model`] when it is another one now.
    pub fn onnx(&self) -> Result<std::borrow::Cow<'static, [u8]>> {
        if self.is_embedded() {
            return Ok(EMBEDDED_MODEL.into());
        }
        let bytes = std::fs::read(&self.path).map_err(|source| Error::io(&self.path, source))?;
        check_hash(&bytes, &self.entry).map_err(|reason| self.fail(reason))?;
        Ok(bytes.into())
    }

    /// The settings that it was measured with.
    pub fn defaults(&self) -> &ModelDefaults {
        &self.entry.defaults
    }

    pub(super) fn grid(&self) -> &GridManifest {
        &self.entry.grid
    }

    pub(super) fn delf(&self) -> Option<&DelfManifest> {
        self.entry.delf.as_ref()
    }

    pub(super) fn size_multiple(&self) -> u32 {
        self.entry.input.size_multiple
    }

    /// The lengths of a descriptor and of the global descriptor, found by running the network on its
    /// smallest input.
    ///
    /// # Errors
    /// [`Error::Model`] when it does not run.
    pub fn output_shapes(&self) -> Result<OutputShapes> {
        let side = self
            .entry
            .input
            .size_multiple
            .max(64)
            .next_multiple_of(self.entry.input.size_multiple);
        let output = self.run(&RgbImage::new(side, side), true)?;
        Ok(OutputShapes {
            descriptor_dim: output.dim,
            global_dim: output.global.map(|g| g.len()),
        })
    }

    /// Runs the network on `pixels`, whose sides must be multiples of the manifest's: its grids, and with
    /// `with_global` its global output, if it has one.
    ///
    /// # Errors
    /// [`Error::Model`] when it does not run or an output has the wrong shape.
    pub(super) fn run<T: Primitive + Into<f32>>(
        &self,
        pixels: &ImageBuffer<Rgb<T>, Vec<T>>,
        with_global: bool,
    ) -> Result<Output>
    where
        Rgb<T>: Pixel<Subpixel = T>,
    {
        let wanted = match with_global && self.entry.outputs.global.is_some() {
            true => Outputs::LocalAndGlobal,
            false => Outputs::Local,
        };
        let outputs = self.outputs(pixels, wanted)?;
        Output::checked(&self.entry.outputs, &outputs).map_err(|reason| self.fail(reason))
    }

    /// Computes the global output alone; none when the network has none.
    ///
    /// # Errors
    /// As [`Model::run`].
    pub(super) fn run_global<T: Primitive + Into<f32>>(
        &self,
        pixels: &ImageBuffer<Rgb<T>, Vec<T>>,
    ) -> Result<Option<Vec<f32>>>
    where
        Rgb<T>: Pixel<Subpixel = T>,
    {
        if self.entry.outputs.global.is_none() {
            return Ok(None);
        }
        let outputs = self.outputs(pixels, Outputs::Global)?;
        output::checked_global(&self.entry.outputs, &outputs).map_err(|reason| self.fail(reason))
    }

    /// The network's outputs by name.
    fn outputs<T: Primitive + Into<f32>>(
        &self,
        pixels: &ImageBuffer<Rgb<T>, Vec<T>>,
        wanted: Outputs,
    ) -> Result<Vec<(&str, Values)>>
    where
        Rgb<T>: Pixel<Subpixel = T>,
    {
        let names = wanted.names(&self.entry.outputs);
        let (shape, values) = self.input(pixels);
        #[cfg(feature = "onnxruntime")]
        if let Some(runtime) = &self.onnx_runtime {
            let names: Vec<&str> = names.collect();
            let found = runtime.run(&self.entry.input.name, (shape, &values), &names);
            let found = found.map_err(|reason| self.fail(reason))?;
            return Ok(names.into_iter().zip(found).collect());
        }
        let plan = self
            .plans
            .plan(&self.entry, (pixels.width(), pixels.height(), wanted))
            .map_err(|reason| self.fail(reason))?;
        let input = Tensor::from_shape(&shape, &values);
        let outputs = input
            .and_then(|input| plan.run(tvec!(input.into())))
            .map_err(|e| self.fail(format!("running it failed: {e}")))?;
        names
            .zip(&outputs)
            .map(|(name, tensor)| match Values::try_from(tensor) {
                Ok(values) => Ok((name, values)),
                Err(()) => Err(self.fail(format!("output `{name}` is not of 32-bit floats"))),
            })
            .collect()
    }

    /// The shape and the values of the network's input.
    fn input<T: Primitive + Into<f32>>(
        &self,
        pixels: &ImageBuffer<Rgb<T>, Vec<T>>,
    ) -> ([usize; 4], Vec<f32>)
    where
        Rgb<T>: Pixel<Subpixel = T>,
    {
        let input = &self.entry.input;
        let (width, height) = (pixels.width() as usize, pixels.height() as usize);
        let plane = width * height;
        let mut values = vec![0.0f32; 3 * plane];
        let pixels = pixels.as_raw().as_chunks::<3>().0;
        for channel in 0..3 {
            let source = match input.channels {
                ChannelOrder::Rgb => channel,
                ChannelOrder::Bgr => 2 - channel,
            };
            let (mean, factor) = (input.mean[channel], 1.0 / input.std[channel]);
            let normalised = pixels
                .iter()
                .map(|pixel| (pixel[source].into() - mean) * factor);
            match input.layout {
                Layout::Nchw => values[channel * plane..(channel + 1) * plane]
                    .iter_mut()
                    .zip(normalised)
                    .for_each(|(target, value)| *target = value),
                Layout::Nhwc => values
                    .as_chunks_mut::<3>()
                    .0
                    .iter_mut()
                    .zip(normalised)
                    .for_each(|(target, value)| target[channel] = value),
            }
        }
        match input.layout {
            Layout::Nchw => ([1, 3, height, width], values),
            Layout::Nhwc => ([1, height, width, 3], values),
        }
    }

    fn fail(&self, reason: impl Into<String>) -> Error {
        Error::Model {
            path: self.path.clone(),
            reason: reason.into(),
        }
    }
}

/// Error reason: a file differs from its manifest entry.
fn check_hash(bytes: &[u8], entry: &ModelManifest) -> std::result::Result<(), String> {
    let sha256 = hex(&Sha256::digest(bytes));
    if sha256 != entry.sha256 {
        return Err(format!(
            "its sha256 is {sha256}, but the manifest says {}",
            entry.sha256
        ));
    }
    Ok(())
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Model")
            .field("name", &self.entry.name)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
