//! Two sets of features -> what they have in common.

use delfin::features::FeatureSet;
use delfin::pipeline::{VerifiedFeatures, percent, verify_features};
use delfin::scoring::probability;
use numpy::{PyArray1, PyArray2};
use pyo3::prelude::*;
use serde_json::json;
use std::sync::Arc;

use crate::arrays;
use crate::error::option_error;
use crate::features::Features;
use crate::model::Network;
use crate::options::{Matching, count};
use crate::run::run;

/// What was found in the features of two photos.
#[pyclass(frozen, module = "delfin")]
pub(crate) struct VerifyResult {
    sets: [Arc<FeatureSet>; 2],
    found: VerifiedFeatures,
}

/// Matches and verifies the features of two photos, without their pixels.
///
/// For features of an ``Extractor``, matches and geometry are those of ``match`` before it refines them
/// by pixels. The probability is by the evidence of the features alone, and so less certain.
///
/// Parameters
/// ----------
/// f1, f2 : Features
/// model : str, PathLike or Model, optional
///     Network that the features are of; its settings are taken.
/// max_size : int, optional
///     Longest side at which the photos were read, in pixels; that of the features where left out.
/// max_distance, ratio, max_error_px, min_probability, min_inliers, mirrored, seed : optional
///     As for ``match``.
///
/// Returns
/// -------
/// VerifyResult
#[pyfunction]
#[pyo3(signature = (f1, f2, *, model=None, max_size=None, max_distance=None, ratio=None, max_error_px=None,
    min_probability=None, min_inliers=None, mirrored=false, seed=None))]
#[allow(clippy::too_many_arguments)]
pub(crate) fn verify(
    py: Python<'_>,
    f1: &Bound<'_, Features>,
    f2: &Bound<'_, Features>,
    model: Option<&Bound<'_, PyAny>>,
    max_size: Option<i128>,
    max_distance: Option<f32>,
    ratio: Option<f32>,
    max_error_px: Option<f64>,
    min_probability: Option<f64>,
    min_inliers: Option<i128>,
    mirrored: bool,
    seed: Option<i128>,
) -> PyResult<VerifyResult> {
    let network = Network::new(model)?;
    let max_size: Option<u32> = count(py, "max_size", max_size)?;
    let sizes = [f1.get().max_size(), f2.get().max_size()];
    let max_size = match (max_size, sizes) {
        (None, [Some(first), Some(second)]) if first != second => {
            let reason = format!(
                "the photos were read at {first} and at {second} pixels; name the size that pixels are counted at"
            );
            return Err(option_error(py, "max_size", &reason));
        }
        (given, [first, second]) => given.or(first).or(second),
    };
    let matching = Matching {
        max_distance,
        ratio,
        max_error_px,
        min_probability,
        min_inliers: count(py, "min_inliers", min_inliers)?,
        mirrored,
        seed: count(py, "seed", seed)?,
    };
    let sets = [f1, f2].map(|features| features.get().set().clone());
    let hashes = [f1.get().hash(), f2.get().hash()];
    let own = sets.clone();
    let found = run(py, None, move |_| {
        let [hash1, hash2] = hashes;
        let mut options = network.open()?.match_options();
        if let Some(max_size) = max_size {
            options.extraction.max_size = max_size;
        }
        matching.apply(&mut options);
        verify_features([&own[0], &own[1]], [&hash1?, &hash2?], &options)
    })?;
    Ok(VerifyResult { sets, found })
}

#[pymethods]
impl VerifyResult {
    /// Whether both photos show the same thing.
    #[getter]
    fn is_match(&self) -> bool {
        self.found.is_match
    }

    /// That both photos show the same thing, as far as features tell, 0 to 1.
    #[getter]
    fn probability(&self) -> f64 {
        probability(self.found.log_odds)
    }

    /// Maps pixels of photo 1 to pixels of photo 2; 3 x 3, float64, or None where there is no transform.
    #[getter]
    fn matrix<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyArray2<f64>>> {
        let geometry = self.found.found.geometry.as_ref()?;
        Some(arrays::matrix(py, &geometry.matrix))
    }

    /// Indices of matching keypoints of photo 1 and photo 2; N x 2, int64.
    #[getter]
    fn matches<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray2<i64>> {
        let matches = self.found.found.matches.iter();
        let pairs = matches.map(|found| [found.index1 as i64, found.index2 as i64]);
        arrays::rows(py, pairs.collect())
    }

    /// Distance of the descriptors of each match; N, float32.
    #[getter]
    fn distances<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f32>> {
        let matches = self.found.found.matches.iter();
        arrays::column(py, matches.map(|found| found.distance).collect())
    }

    /// Rows of ``matches`` that the transform explains; M, int64.
    #[getter]
    fn inlier_indices<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i64>> {
        arrays::column(py, self.indices().map(|index| index as i64).collect())
    }

    /// x1, y1, x2, y2 of each inlier's keypoints in pixels of the upright photos; M x 4, float32.
    #[getter]
    fn inliers<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray2<f32>> {
        let place = |index: usize| {
            let found = &self.found.found.matches[index];
            let k1 = &self.sets[0].keypoints()[found.index1];
            let k2 = &self.sets[1].keypoints()[found.index2];
            [k1.x, k1.y, k2.x, k2.y]
        };
        arrays::rows(py, self.indices().map(place).collect())
    }

    /// The number of verified inliers.
    #[getter]
    fn num_inliers(&self) -> usize {
        self.found.found.num_inliers()
    }

    /// Pairs of similar descriptors.
    #[getter]
    fn num_matches(&self) -> usize {
        self.found.found.matches.len()
    }

    /// What the features show; None without a transform.
    #[getter]
    fn evidence<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let evidence = json!(self.found.evidence).to_string();
        py.import("json")?.call_method1("loads", (evidence,))
    }

    fn __repr__(&self) -> String {
        format!(
            "<delfin.VerifyResult: {}, {} probable by features; {} of {}>",
            if self.found.is_match { "yes" } else { "no" },
            percent(self.probability()),
            delfin::counted(self.num_inliers(), "inlier"),
            delfin::counted(self.num_matches(), "match")
        )
    }
}

impl VerifyResult {
    fn indices(&self) -> impl Iterator<Item = usize> {
        let geometry = self.found.found.geometry.iter();
        geometry.flat_map(|geometry| geometry.inliers.iter().copied())
    }
}
