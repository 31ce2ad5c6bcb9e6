//! Photos that Python gives: paths, encoded bytes, arrays, Pillow's images.

use std::path::PathBuf;
use std::sync::Arc;

use delfin::Photo;
use delfin::image::DecodeOptions;
use image::RgbImage;
use numpy::{
    PyArrayDescrMethods, PyArrayDyn, PyArrayMethods, PyUntypedArray, PyUntypedArrayMethods,
};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyMemoryView, PyTuple};

use crate::error::{Class, error};

const WANTED: &str =
    "a path, the bytes of a file, an array of uint8 (H x W x 3 or H x W) or a PIL image wanted";

/// A photo, not decoded yet where it is a file.
#[derive(Clone)]
pub(crate) enum Source {
    Path(PathBuf),
    /// The bytes of a file, and what errors call it.
    Bytes(Arc<PyBackedBytes>, String),
    Pixels(Arc<Photo>),
}

impl Source {
    /// From an argument; errors call it `role`.
    pub(crate) fn new(value: &Bound<'_, PyAny>, role: &str) -> PyResult<Self> {
        let py = value.py();
        if let Ok(bytes) = value.extract::<PyBackedBytes>() {
            return Ok(Self::Bytes(Arc::new(bytes), format!("<{role}, bytes>")));
        }
        if value.is_instance_of::<PyMemoryView>() {
            return Self::new(&value.call_method0("tobytes")?, role);
        }
        if let Ok(array) = value.cast::<PyUntypedArray>() {
            return Self::of_array(array, role, "array");
        }
        if let Ok(path) = value.extract::<PathBuf>() {
            return Ok(Self::Path(path));
        }
        let pixels = py.import("delfin._images")?;
        let pixels = pixels.call_method1("pixels_of_pil", (value,))?;
        if let Ok(array) = pixels.cast::<PyUntypedArray>() {
            return Self::of_array(array, role, "PIL image");
        }
        let given = value.get_type().name()?;
        let message = format!("{role}: {given} given; {WANTED}");
        Err(error(py, Class::Image, message, None))
    }

    fn of_array(array: &Bound<'_, PyUntypedArray>, role: &str, kind: &str) -> PyResult<Self> {
        let py = array.py();
        let refuse = |reason: String| Err(error(py, Class::Image, reason, None));
        let shape = array.shape();
        let of_shape = format!("array of shape {} given", PyTuple::new(py, shape)?);
        let (height, width, channels) = match *shape {
            [height, width] => (height, width, 1),
            [height, width, channels @ (1 | 3)] => (height, width, channels),
            _ => return refuse(format!("{role}: {of_shape}; H x W x 3 or H x W wanted")),
        };
        let dtype = array.dtype();
        if !dtype.is_equiv_to(&numpy::dtype::<u8>(py)) {
            return refuse(format!(
                "{role}: array of {dtype} given; uint8 from 0 to 255 wanted, as by (image * 255).round().astype('uint8') of floats from 0 to 1"
            ));
        }
        if height == 0 || width == 0 {
            return refuse(format!("{role}: {of_shape}; it has no pixels"));
        }
        let (Ok(rows), Ok(columns)) = (u32::try_from(height), u32::try_from(width)) else {
            return refuse(format!("{role}: {of_shape}; it is too large"));
        };
        let array = array.cast::<PyArrayDyn<u8>>()?.readonly();
        let values = array.as_array();
        // A copy: Python may change the array while the work runs. `iter` goes along the axes, whatever the
        // strides are.
        let pixels: Vec<u8> = match channels {
            1 => values.iter().flat_map(|value| [*value; 3]).collect(),
            _ => match values.as_slice() {
                Some(values) => values.to_vec(),
                None => values.iter().copied().collect(),
            },
        };
        let Some(pixels) = RgbImage::from_raw(columns, rows, pixels) else {
            return refuse(format!("{role}: {of_shape}; it is too large"));
        };
        let name = format!("<{role}, {kind}>");
        let photo = py.detach(|| Photo::from_pixels(pixels, name));
        let photo = photo.map_err(|cause| crate::error::raised(py, &cause))?;
        Ok(Self::Pixels(Arc::new(photo)))
    }

    /// The photo.
    ///
    /// # Errors
    /// As [`Photo::open`].
    pub(crate) fn open(&self, options: &DecodeOptions) -> delfin::Result<Arc<Photo>> {
        Ok(match self {
            Self::Path(path) => Arc::new(Photo::open(path, options)?),
            Self::Bytes(bytes, name) => Arc::new(Photo::decode(bytes, name, options)?),
            Self::Pixels(photo) => photo.clone(),
        })
    }
}

/// Many photos of one argument, numbered in errors.
pub(crate) fn sources(images: &Bound<'_, PyAny>) -> PyResult<Vec<Source>> {
    // The rows of an image would pass as grey images, the letters of a path as paths.
    if Source::new(images, "images").is_ok() {
        let message = "images: one image given; a list of images wanted";
        return Err(error(images.py(), Class::Image, message, None));
    }
    images
        .try_iter()?
        .enumerate()
        .map(|(number, image)| Source::new(&image?, &format!("image {number}")))
        .collect()
}
