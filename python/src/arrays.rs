//! Values of the library as numpy arrays, all read-only.

use nalgebra::Matrix3;
use numpy::ndarray::{Array2, ArrayView, Dimension};
use numpy::{Element, IntoPyArray, PyArray, PyArray1, PyArray2, PyArray3, PyArrayMethods};
use pyo3::prelude::*;

/// A view of what the object `owner` holds, without a copy; it keeps `owner` alive.
///
/// # Safety
/// `owner` holds the values of `view`, and neither moves nor changes them while it is alive.
#[allow(unsafe_code)]
pub(crate) unsafe fn view<'py, T: Element, D: Dimension>(
    view: &ArrayView<'_, T, D>,
    owner: Bound<'py, PyAny>,
) -> Bound<'py, PyArray<T, D>> {
    // SAFETY: as the caller promises. The array is read-only before Python sees it, and numpy lets nobody
    // change that, as the array does not own its values.
    read_only(unsafe { PyArray::borrow_from_array(view, owner) })
}

/// Takes the values without a copy.
pub(crate) fn column<T: Element>(py: Python<'_>, values: Vec<T>) -> Bound<'_, PyArray1<T>> {
    read_only(values.into_pyarray(py))
}

/// Takes rows of the same length without a copy.
pub(crate) fn rows<T: Element, const N: usize>(
    py: Python<'_>,
    rows: Vec<[T; N]>,
) -> Bound<'_, PyArray2<T>> {
    read_only(Array2::from(rows).into_pyarray(py))
}

pub(crate) fn matrix<'py>(py: Python<'py>, matrix: &Matrix3<f64>) -> Bound<'py, PyArray2<f64>> {
    rows(
        py,
        [0, 1, 2]
            .map(|i| [0, 1, 2].map(|j| matrix[(i, j)]))
            .to_vec(),
    )
}

/// A picture as height x width x 3; it may be written to.
pub(crate) fn picture(
    py: Python<'_>,
    picture: image::RgbImage,
) -> PyResult<Bound<'_, PyArray3<u8>>> {
    let shape = [picture.height() as usize, picture.width() as usize, 3];
    picture.into_raw().into_pyarray(py).reshape(shape)
}

/// numpy lets nobody make it writeable again, as long as the array does not own its values: those made by
/// `into_pyarray` belong to an object behind it.
fn read_only<T: Element, D: Dimension>(
    array: Bound<'_, PyArray<T, D>>,
) -> Bound<'_, PyArray<T, D>> {
    array.readwrite().make_nonwriteable();
    array
}
