//! The steps of a folder on blocks of photos, for `delfin.ray`: columns in, columns out.
//!
//! Private to the package: `package/delfin/ray` calls it on columns of Parquet files. Photos have numbers in the order of
//! their paths; descriptors are int16, N x D.

mod candidates;
mod pairs;
mod photos;

pub(crate) use candidates::*;
use numpy::ndarray::Dimension;
use numpy::{PyArray1, PyReadonlyArray, PyReadonlyArray1};
pub(crate) use pairs::*;
pub(crate) use photos::*;
use pyo3::prelude::*;

type Column<'py, T> = Bound<'py, PyArray1<T>>;

/// The values of an array of any shape, row after row.
fn values<T: numpy::Element + Copy, D: Dimension>(array: &PyReadonlyArray<'_, T, D>) -> Vec<T> {
    array.as_array().iter().copied().collect()
}

fn numbered(
    image1: &PyReadonlyArray1<'_, u32>,
    image2: &PyReadonlyArray1<'_, u32>,
) -> Vec<(usize, usize)> {
    let pairs = image1.as_array().into_iter().zip(image2.as_array());
    pairs.map(|(a, b)| (*a as usize, *b as usize)).collect()
}
