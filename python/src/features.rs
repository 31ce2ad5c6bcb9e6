//! Features of one photo.

use std::sync::Arc;

use delfin::features::{Descriptors, FeatureSet, Keypoint};
use delfin::image::content_hash;
use delfin::store::{ContentHash, decode_features, encode_features};
use numpy::ndarray::{ArrayView1, ArrayView2};
use numpy::{PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;

use crate::arrays;
use crate::error::{Class, error, raised};
use crate::options::count;

/// Keypoints and descriptors of one photo, as the stubs describe them.
///
/// Parameters
/// ----------
/// keypoints : array of float32, N x 2
///     x and y in pixels of the upright photo; the centre of the top-left pixel is at (0, 0).
/// descriptors : array of float32, N x D
/// width, height : int
///     Of the upright photo, in pixels.
/// scales, scores : array of float32, N, optional
///     Ones where they are left out.
/// global_descriptor : array of float32, G, optional
#[pyclass(frozen, module = "delfin")]
pub(crate) struct Features {
    set: Arc<FeatureSet>,
    /// The encoded features of which `set` is made; none where it is not rounded.
    encoded: Option<Vec<u8>>,
    hash: Option<ContentHash>,
    max_size: Option<u32>,
    keypoints: Py<PyArray2<f32>>,
    scales: Py<PyArray1<f32>>,
    scores: Py<PyArray1<f32>>,
}

impl Features {
    /// Features that stay as they are.
    pub(crate) fn exact(py: Python<'_>, set: FeatureSet) -> PyResult<Self> {
        Self::new(py, set, None, None, None)
    }

    /// Features as [`encode_features`] gave them.
    pub(crate) fn encoded(
        py: Python<'_>,
        bytes: Vec<u8>,
        hash: Option<ContentHash>,
        max_size: Option<u32>,
    ) -> PyResult<Self> {
        let set = decode_features(&bytes).map_err(|cause| raised(py, &cause))?;
        Self::new(py, set, Some(bytes), hash, max_size)
    }

    fn new(
        py: Python<'_>,
        set: FeatureSet,
        encoded: Option<Vec<u8>>,
        hash: Option<ContentHash>,
        max_size: Option<u32>,
    ) -> PyResult<Self> {
        let keypoints = set.keypoints();
        let each = |of: fn(&Keypoint) -> f32| keypoints.iter().map(of).collect();
        let places: Vec<[f32; 2]> = keypoints.iter().map(|k| [k.x, k.y]).collect();
        Ok(Self {
            keypoints: arrays::rows(py, places).unbind(),
            scales: arrays::column(py, each(|k| k.scale)).unbind(),
            scores: arrays::column(py, each(|k| k.score)).unbind(),
            set: Arc::new(set),
            encoded,
            hash,
            max_size,
        })
    }

    pub(crate) fn set(&self) -> &Arc<FeatureSet> {
        &self.set
    }

    /// The longest side at which they were extracted, in pixels, where it is known.
    pub(crate) fn max_size(&self) -> Option<u32> {
        self.max_size
    }

    /// What names their photo: its content, or else theirs.
    pub(crate) fn hash(&self) -> delfin::Result<ContentHash> {
        match self.hash {
            Some(hash) => Ok(hash),
            None => Ok(content_hash(&self.bytes()?)),
        }
    }

    fn bytes(&self) -> delfin::Result<Vec<u8>> {
        match &self.encoded {
            Some(bytes) => Ok(bytes.clone()),
            None => encode_features(&self.set),
        }
    }
}

#[pymethods]
impl Features {
    #[new]
    #[pyo3(signature = (keypoints, descriptors, *, width, height, scales=None, scores=None,
        global_descriptor=None))]
    #[allow(clippy::too_many_arguments)]
    fn from_arrays(
        py: Python<'_>,
        keypoints: &Bound<'_, PyAny>,
        descriptors: &Bound<'_, PyAny>,
        width: i128,
        height: i128,
        scales: Option<&Bound<'_, PyAny>>,
        scores: Option<&Bound<'_, PyAny>>,
        global_descriptor: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let refuse = |reason: String| Err(error(py, Class::Features, reason, None));
        let keypoints = table(keypoints, "keypoints", "N x 2")?;
        let keypoints = keypoints.as_array();
        let descriptors = table(descriptors, "descriptors", "N x D")?;
        let descriptors = descriptors.as_array();
        let (count_, columns) = keypoints.dim();
        if columns != 2 {
            return refuse(format!(
                "keypoints: array of shape ({count_}, {columns}) given; N x 2 wanted"
            ));
        }
        let numbers = |given: Option<&Bound<'_, PyAny>>, name: &str| -> PyResult<Vec<f32>> {
            let Some(given) = given else {
                return Ok(vec![1.0; count_]);
            };
            let given = list(given, name)?;
            if given.len() == count_ {
                return Ok(given);
            }
            let reason = format!(
                "{name}: {} numbers given; one for each of {count_} keypoints wanted",
                given.len()
            );
            Err(error(py, Class::Features, reason, None))
        };
        let (scales, scores) = (numbers(scales, "scales")?, numbers(scores, "scores")?);
        let global = global_descriptor.map(|given| list(given, "global_descriptor"));
        let both = keypoints
            .rows()
            .into_iter()
            .zip(scales.into_iter().zip(scores));
        let keypoints = both.map(|(place, (scale, score))| Keypoint {
            x: place[0],
            y: place[1],
            scale,
            score,
        });
        let dim = descriptors.ncols();
        let set = Descriptors::new(dim, descriptors.iter().copied().collect());
        let side = |name, value| {
            let side: Option<u32> = count(py, name, Some(value))?;
            PyResult::Ok(side.unwrap_or_default())
        };
        let (width, height) = (side("width", width)?, side("height", height)?);
        let global = global.transpose()?;
        let set = set.and_then(|descriptors| {
            FeatureSet::new(width, height, keypoints.collect(), descriptors, global)
        });
        Self::exact(py, set.map_err(|cause| raised(py, &cause))?)
    }

    /// Features from the bytes of ``to_bytes``.
    ///
    /// ``content_hash`` and ``max_size`` are those of the photo's ``Features``; ``verify`` reads them.
    #[staticmethod]
    #[pyo3(signature = (data, *, content_hash=None, max_size=None))]
    fn from_bytes(
        py: Python<'_>,
        data: &Bound<'_, PyAny>,
        content_hash: Option<Vec<u8>>,
        max_size: Option<i128>,
    ) -> PyResult<Self> {
        let bytes = data.extract::<PyBackedBytes>().map_err(|_| {
            let given = data.get_type().name();
            let given = given.map_or_else(|_| "object".into(), |name| name.to_string());
            let message = format!("data: {given} given; bytes wanted");
            error(py, Class::Features, message, None)
        })?;
        let hash = content_hash.map(|hash| {
            let length = hash.len();
            let message = format!("content_hash: {length} bytes given; 32 wanted");
            ContentHash::try_from(hash).map_err(|_| error(py, Class::Features, message, None))
        });
        let max_size = count(py, "max_size", max_size)?;
        Self::encoded(py, bytes.to_vec(), hash.transpose()?, max_size)
    }

    /// The features in few bytes, about 60 a keypoint, as delfin's store keeps them.
    ///
    /// Exact for features of an ``Extractor``. Others are rounded: positions to 1/65535 of the photo's sides,
    /// descriptors to 1/127 of their largest number.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = self.bytes().map_err(|cause| raised(py, &cause))?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// x and y in pixels of the upright photo, best first; N x 2, float32.
    #[getter]
    fn keypoints<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray2<f32>> {
        self.keypoints.bind(py).clone()
    }

    /// Scale of the image pyramid at which each was found; N, float32.
    #[getter]
    fn scales<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f32>> {
        self.scales.bind(py).clone()
    }

    /// The network's attention, larger is better; N, float32.
    #[getter]
    fn scores<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f32>> {
        self.scores.bind(py).clone()
    }

    /// One row a keypoint; N x D, float32, without a copy.
    #[getter]
    #[allow(unsafe_code)]
    fn descriptors<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let descriptors = slf.get().set.descriptors();
        let shape = (descriptors.len(), descriptors.dim());
        let view = ArrayView2::from_shape(shape, descriptors.as_slice());
        let view =
            view.map_err(|cause| error(slf.py(), Class::Features, cause.to_string(), None))?;
        // SAFETY: the class is frozen and never replaces its set, which nobody else can change.
        Ok(unsafe { arrays::view(&view, slf.clone().into_any()) })
    }

    /// Numbers that describe the photo as a whole; float32, without a copy. None where the network has none.
    #[getter]
    #[allow(unsafe_code)]
    fn global_descriptor<'py>(slf: &Bound<'py, Self>) -> Option<Bound<'py, PyArray1<f32>>> {
        let view = ArrayView1::from(slf.get().set.global()?);
        // SAFETY: as for the descriptors.
        Some(unsafe { arrays::view(&view, slf.clone().into_any()) })
    }

    /// Width of the upright photo, in pixels.
    #[getter]
    fn width(&self) -> u32 {
        self.set.width()
    }

    /// Height of the upright photo, in pixels.
    #[getter]
    fn height(&self) -> u32 {
        self.set.height()
    }

    /// SHA-256 that names the photo; None for features that no ``Extractor`` made.
    #[getter]
    fn content_hash<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.hash.map(|hash| PyBytes::new(py, &hash))
    }

    /// Longest side at which the photo was read, in pixels; None where it is not known.
    #[getter(max_size)]
    fn max_size_px(&self) -> Option<u32> {
        self.max_size
    }

    fn __len__(&self) -> usize {
        self.set.keypoints().len()
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other
            .cast::<Self>()
            .is_ok_and(|other| self.set == other.get().set && self.hash == other.get().hash)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let (py, own) = (slf.py(), slf.get());
        let Some(bytes) = &own.encoded else {
            // Not rounded: the arrays themselves.
            let restore = py.import("delfin._features")?.getattr("from_arrays")?;
            let arrays = (
                own.keypoints(py),
                Self::descriptors(slf)?,
                own.width(),
                own.height(),
                own.scales(py),
                own.scores(py),
                Self::global_descriptor(slf),
            );
            return Ok((restore, arrays).into_pyobject(py)?.into_any());
        };
        let restore = py.import("delfin._features")?.getattr("from_bytes")?;
        let parts = (PyBytes::new(py, bytes), own.content_hash(py), own.max_size);
        Ok((restore, parts).into_pyobject(py)?.into_any())
    }

    fn __repr__(&self) -> String {
        format!(
            "<delfin.Features: {} of {} numbers, photo of {} x {} px>",
            delfin::counted(self.set.keypoints().len(), "keypoint"),
            self.set.descriptors().dim(),
            self.set.width(),
            self.set.height()
        )
    }
}

/// An argument as float32 with two axes.
fn table<'py>(
    given: &Bound<'py, PyAny>,
    name: &str,
    wanted: &str,
) -> PyResult<PyReadonlyArray2<'py, f32>> {
    let py = given.py();
    let array = floats(given)?;
    let array = array.cast_into::<PyArray2<f32>>().map_err(|_| {
        let message = format!("{name}: {} given; {wanted} wanted", shape_of(given));
        error(py, Class::Features, message, None)
    })?;
    Ok(array.readonly())
}

/// An argument as numbers in a row.
fn list(given: &Bound<'_, PyAny>, name: &str) -> PyResult<Vec<f32>> {
    let py = given.py();
    let array = floats(given)?;
    let array: PyReadonlyArray1<f32> = array
        .cast_into::<PyArray1<f32>>()
        .map_err(|_| {
            let message = format!("{name}: {} given; one axis wanted", shape_of(given));
            error(py, Class::Features, message, None)
        })?
        .readonly();
    Ok(array.as_array().iter().copied().collect())
}

fn floats<'py>(given: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = given.py();
    let made = py
        .import("numpy")?
        .call_method1("asarray", (given, "float32"));
    made.map_err(|cause| {
        let message = format!("an array of numbers wanted: {}", cause.value(py));
        error(py, Class::Features, message, None)
    })
}

fn shape_of(given: &Bound<'_, PyAny>) -> String {
    match given.getattr("shape") {
        Ok(shape) => format!("array of shape {shape}"),
        Err(_) => "a list".into(),
    }
}
