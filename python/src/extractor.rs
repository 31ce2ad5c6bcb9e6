//! Photos -> features.

use delfin::extract::extract;
use delfin::image::DecodeOptions;
use delfin::store::{ContentHash, encode_features};
use pyo3::prelude::*;
use rayon::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::features::Features;
use crate::image::{Source, sources};
use crate::model::Network;
use crate::options::Extraction;
use crate::run::run;

/// Extracts features of photos.
///
/// Parameters
/// ----------
/// model : str, PathLike or Model, optional
///     Network; None is the built-in one.
/// max_features : int, optional
///     Keypoints kept of a photo; the network's own setting where left out, 500 for the built-in one.
/// max_size : int, optional
///     Longest side of a photo at scale 1, in pixels; 480 for the built-in network.
/// scales : sequence of float, optional
///     Scales of the image pyramid, relative to ``max_size``.
#[pyclass(frozen, module = "delfin")]
pub(crate) struct Extractor {
    model: std::sync::Arc<delfin::Model>,
    extraction: Extraction,
}

/// Encoded features, the photo's hash and the size at which it was read.
type Extracted = (Vec<u8>, ContentHash, u32);

fn extracted(
    model: &delfin::Model,
    extraction: &Extraction,
    source: &Source,
) -> delfin::Result<Extracted> {
    let options = extraction.options(model);
    let photo = source.open(&DecodeOptions::default())?;
    // Rounded as folders and `match` round them.
    let bytes = encode_features(&extract(model, &photo, &options)?)?;
    Ok((bytes, *photo.content_hash(), options.max_size))
}

fn features(py: Python<'_>, (bytes, hash, max_size): Extracted) -> PyResult<Features> {
    Features::encoded(py, bytes, Some(hash), Some(max_size))
}

#[pymethods]
impl Extractor {
    #[new]
    #[pyo3(signature = (model=None, max_features=None, *, max_size=None, scales=None))]
    fn new(
        py: Python<'_>,
        model: Option<&Bound<'_, PyAny>>,
        max_features: Option<i128>,
        max_size: Option<i128>,
        scales: Option<Vec<f32>>,
    ) -> PyResult<Self> {
        let extraction = Extraction::new(py, max_features, max_size, scales)?;
        let (network, own) = (Network::new(model)?, extraction.clone());
        let model = run(py, None, move |_| {
            let model = network.open()?;
            own.options(&model).validate()?;
            Ok(model)
        })?;
        Ok(Self { model, extraction })
    }

    /// Features of one photo.
    fn __call__(&self, py: Python<'_>, image: &Bound<'_, PyAny>) -> PyResult<Features> {
        let source = Source::new(image, "image")?;
        let (model, extraction) = (self.model.clone(), self.extraction.clone());
        let found = run(py, None, move |_| extracted(&model, &extraction, &source))?;
        features(py, found)
    }

    /// Features of many photos, in their order; the first error ends it.
    ///
    /// Parameters
    /// ----------
    /// images : iterable
    /// progress : bool or callable, optional
    ///     True shows tqdm's bar; a callable gets stage, done and total.
    #[pyo3(signature = (images, *, progress=None))]
    fn map(
        &self,
        py: Python<'_>,
        images: &Bound<'_, PyAny>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Vec<Features>> {
        let sources = sources(images)?;
        let (model, extraction) = (self.model.clone(), self.extraction.clone());
        let found = run(py, progress, move |watch| {
            let done = AtomicUsize::new(0);
            let each = sources.par_iter().map(|source| {
                watch.check()?;
                let found = extracted(&model, &extraction, source)?;
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                watch.count(0, "extract", done, sources.len());
                Ok(found)
            });
            each.collect::<delfin::Result<Vec<Extracted>>>()
        })?;
        found.into_iter().map(|found| features(py, found)).collect()
    }

    fn __repr__(&self) -> String {
        let options = self.extraction.options(&self.model);
        format!(
            "delfin.Extractor({:?}, max_features={}, max_size={})",
            self.model.manifest().name,
            options.max_features,
            options.max_size
        )
    }
}
