//! Arguments that several calls have.

use delfin::extract::ExtractionOptions;
use delfin::pipeline::MatchOptions;
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

/// How matches and the verdict are made, of two photos as of two sets of features; None is the network's own
/// setting.
pub(crate) struct Matching {
    pub(crate) max_distance: Option<f32>,
    pub(crate) ratio: Option<f32>,
    pub(crate) max_error_px: Option<f64>,
    pub(crate) min_probability: Option<f64>,
    pub(crate) min_inliers: Option<usize>,
    pub(crate) mirrored: bool,
    pub(crate) seed: Option<u64>,
}

impl Matching {
    pub(crate) fn apply(&self, options: &mut MatchOptions) {
        if self.max_distance.is_some() {
            options.matching.max_distance = self.max_distance;
        }
        if self.ratio.is_some() {
            options.matching.max_ratio = self.ratio;
        }
        if let Some(max_error_px) = self.max_error_px {
            options.verification.ransac.max_error_px = max_error_px;
        }
        if let Some(min_inliers) = self.min_inliers {
            options.min_inliers = min_inliers;
            options.min_probability = None;
        }
        if self.min_probability.is_some() {
            options.min_probability = self.min_probability;
        }
        options.verification.limits.allow_mirrored = self.mirrored;
        options.seed = self.seed;
    }
}
