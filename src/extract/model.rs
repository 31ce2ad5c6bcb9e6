//! A network behind its manifest entry. Only this file and those in its folder name tract.
//!
//! tract runs fastest on concrete shapes, so a plan is made for each input size once and kept. All
//! plans come from one graph whose height and width are symbols and whose bottlenecks are ours,
//! so that making one more is cheap and the weights are in memory once.

mod fusion;
mod operations;
mod output;
mod translation;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use image::{ImageBuffer, Pixel, Primitive, Rgb, RgbImage};
use sha2::{Digest, Sha256};
use tract_onnx::prelude::*;

use super::manifest::{
    ChannelOrder, DelfManifest, GridManifest, Layout, Manifest, ModelDefaults, ModelManifest,
    manifest_beside,
};
use crate::error::{Error, Result};
use crate::image::hex;

pub(super) use output::Output;

const EMBEDDED_MANIFEST: &str = include_str!("../../models/manifest.toml");
const EMBEDDED_MODEL: &[u8] = include_bytes!("../../models/delfin-lite0.onnx");

/// Plans kept at once. Photos of one folder share few sizes; beyond this, the plan that was made
/// first is dropped.
const MAX_PLANS: usize = 64;

/// A network, ready to run. Cheap to share between threads by reference.
pub struct Model {
    entry: ModelManifest,
    path: PathBuf,
    network: InferenceModel,
    /// Without the global output, and with it.
    any_size: [OnceLock<std::result::Result<Arc<AnySize>, String>>; 2],
    plans: Mutex<Plans>,
}

/// A network of any size.
struct AnySize {
    model: TypedModel,
    /// Stand for height and width, in units of the manifest's size multiple.
    symbols: [Symbol; 2],
}

/// Input width, input height, whether the global output is computed.
type PlanKey = (u32, u32, bool);
type Plan = Arc<OnceLock<std::result::Result<Arc<TypedRunnableModel>, String>>>;

#[derive(Default)]
struct Plans {
    by_size: BTreeMap<PlanKey, Plan>,
    in_order_made: std::collections::VecDeque<PlanKey>,
}

/// The lengths of what a network gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
        let bytes = std::fs::read(path).map_err(|source| Error::Io {
            path: path.to_owned(),
            source,
        })?;
        let manifest_path = manifest_beside(path);
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
        let sha256 = hex(&Sha256::digest(bytes));
        if sha256 != entry.sha256 {
            return Err(fail(format!(
                "its sha256 is {sha256}, but the manifest says {}",
                entry.sha256
            )));
        }
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
            network,
            any_size: Default::default(),
            plans: Mutex::default(),
        };
        for name in model.output_names(true) {
            if model.outlet(&model.network, name).is_none() {
                return Err(model.fail(format!(
                    "it has no output `{name}`, which the manifest names"
                )));
            }
        }
        Ok(model)
    }

    /// Its manifest entry.
    pub fn manifest(&self) -> &ModelManifest {
        &self.entry
    }

    /// Where it came from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The bytes of its ONNX file.
    ///
    /// # Errors
    /// [`Error::Io`] when the file is no longer there.
    pub fn onnx(&self) -> Result<std::borrow::Cow<'static, [u8]>> {
        if self.path.starts_with("(built-in)") {
            return Ok(EMBEDDED_MODEL.into());
        }
        let bytes = std::fs::read(&self.path).map_err(|source| Error::Io {
            path: self.path.clone(),
            source,
        })?;
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

    /// Runs the network on `pixels`, whose sides must be multiples of the manifest's.
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
        let with_global = with_global && self.entry.outputs.global.is_some();
        let plan = self.plan((pixels.width(), pixels.height(), with_global))?;
        let input = self.input(pixels).map_err(|e| self.fail(e.to_string()))?;
        let outputs = plan
            .run(tvec!(input.into()))
            .map_err(|e| self.fail(format!("running it failed: {e}")))?;
        let named: Vec<(&str, &TValue)> = self.output_names(with_global).zip(&outputs).collect();
        Output::checked(&self.entry.outputs, &named).map_err(|reason| self.fail(reason))
    }

    fn plan(&self, key: PlanKey) -> Result<Arc<TypedRunnableModel>> {
        let plan = {
            let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(plan) = plans.by_size.get(&key) {
                plan.clone()
            } else {
                if plans.in_order_made.len() == MAX_PLANS
                    && let Some(oldest) = plans.in_order_made.pop_front()
                {
                    plans.by_size.remove(&oldest);
                }
                plans.in_order_made.push_back(key);
                plans.by_size.entry(key).or_default().clone()
            }
        };
        // Made outside the lock: plans of other sizes are made at the same time.
        plan.get_or_init(|| self.make_plan(key).map_err(|e| e.to_string()))
            .clone()
            .map_err(|e| self.fail(format!("no plan for {} x {} pixels: {e}", key.0, key.1)))
    }

    fn make_plan(
        &self,
        (width, height, with_global): PlanKey,
    ) -> TractResult<Arc<TypedRunnableModel>> {
        let typed = match self.any_size(with_global) {
            Ok(any) => {
                let multiple = self.entry.input.size_multiple;
                let sides = [height, width].map(|side| TDim::from(i64::from(side / multiple)));
                let values = any.symbols.iter().cloned().zip(sides).collect();
                any.model.set_symbols(&values)?
            }
            // A network that cannot be told its size afterwards.
            Err(_) => self.typed(
                [height, width].map(|s| TDim::from(i64::from(s))),
                with_global,
            )?,
        };
        typed.into_optimized()?.into_runnable()
    }

    fn any_size(&self, with_global: bool) -> std::result::Result<Arc<AnySize>, String> {
        self.any_size[usize::from(with_global)]
            .get_or_init(|| {
                let symbols = ["height", "width"].map(|name| self.network.symbols.sym(name));
                let multiple = self.entry.input.size_multiple as usize;
                let sides = symbols
                    .each_ref()
                    .map(|symbol| TDim::from(symbol) * multiple);
                match self.typed(sides, with_global) {
                    Ok(model) => Ok(Arc::new(AnySize { model, symbols })),
                    Err(e) => Err(e.to_string()),
                }
            })
            .clone()
    }

    /// The network for inputs of this height and width, decluttered.
    fn typed(&self, [height, width]: [TDim; 2], with_global: bool) -> TractResult<TypedModel> {
        let shape = match self.entry.input.layout {
            Layout::Nchw => [1.into(), 3.into(), height, width],
            Layout::Nhwc => [1.into(), height, width, 3.into()],
        };
        let mut network = self.network.clone();
        network.set_input_fact(0, f32::fact(shape).into())?;
        let outlets: Vec<OutletId> = self
            .output_names(with_global)
            .filter_map(|name| self.outlet(&network, name))
            .collect();
        network.select_output_outlets(&outlets)?;
        let mut typed = translation::typed(network)?;
        fusion::fuse_bottlenecks(&mut typed)?;
        typed.into_decluttered()
    }

    fn outlet(&self, network: &InferenceModel, name: &str) -> Option<OutletId> {
        network
            .find_outlet_label(name)
            .or_else(|| network.node_id_by_name(name).ok().map(OutletId::from))
    }

    /// The outputs that are asked for, in the order in which a plan gives them.
    fn output_names(&self, with_global: bool) -> impl Iterator<Item = &str> {
        let outputs = &self.entry.outputs;
        let global = outputs.global.as_deref().filter(|_| with_global);
        [outputs.descriptors.as_str(), outputs.attention.as_str()]
            .into_iter()
            .chain(outputs.offsets.as_deref())
            .chain(global)
    }

    fn input<T: Primitive + Into<f32>>(
        &self,
        pixels: &ImageBuffer<Rgb<T>, Vec<T>>,
    ) -> TractResult<Tensor>
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
            Layout::Nchw => Tensor::from_shape(&[1, 3, height, width], &values),
            Layout::Nhwc => Tensor::from_shape(&[1, height, width, 3], &values),
        }
    }

    fn fail(&self, reason: impl Into<String>) -> Error {
        Error::Model {
            path: self.path.clone(),
            reason: reason.into(),
        }
    }
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Model")
            .field("name", &self.entry.name)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
