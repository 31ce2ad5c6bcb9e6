//! Arguments that several calls have.

use delfin::extract::ExtractionOptions;
use pyo3::prelude::*;

use crate::error::option_error;

/// A count that must not be negative, by the name of its argument.
pub(crate) fn count<T: TryFrom<i128>>(
    py: Python<'_>,
    name: &str,
    value: Option<i128>,
) -> PyResult<Option<T>> {
    let out_of_range = |value| option_error(py, name, &format!("{value} is out of range"));
    value
        .map(|value| T::try_from(value).map_err(|_| out_of_range(value)))
        .transpose()
}

/// How features are extracted; None is the network's own setting.
#[derive(Debug, Clone, Default)]
pub(crate) struct Extraction {
    pub(crate) max_features: Option<usize>,
    pub(crate) max_size: Option<u32>,
    pub(crate) scales: Option<Vec<f32>>,
}

impl Extraction {
    pub(crate) fn new(
        py: Python<'_>,
        max_features: Option<i128>,
        max_size: Option<i128>,
        scales: Option<Vec<f32>>,
    ) -> PyResult<Self> {
        Ok(Self {
            max_features: count(py, "max_features", max_features)?,
            max_size: count(py, "max_size", max_size)?,
            scales,
        })
    }

    pub(crate) fn options(&self, model: &delfin::Model) -> ExtractionOptions {
        let defaults = ExtractionOptions::from(model.defaults());
        ExtractionOptions {
            max_size: self.max_size.unwrap_or(defaults.max_size),
            scales: self.scales.clone().unwrap_or(defaults.scales),
            max_features: self.max_features.unwrap_or(defaults.max_features),
            min_attention: defaults.min_attention,
        }
    }
}
