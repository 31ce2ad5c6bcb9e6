//! Options, listings, and photos -> features.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use delfin::folder::{list_photos, name_below, path_from_text, path_text};
use delfin::pipeline::ClusterOptions;
use delfin::pipeline::blocks::{self, PhotoFile, judgement_of};
use numpy::PyReadonlyArray1;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyList};
use rayon::prelude::*;

use super::{Column, values};
use crate::arrays;
use crate::cluster::{Clustering, read_judgement};
use crate::model::Network;
use crate::options::{Extraction, count};
use crate::run::run;

/// A network and how photos are sorted with it.
#[pyclass(frozen, module = "delfin._delfin")]
pub(crate) struct BlockOptions {
    model: Arc<delfin::Model>,
    pub(super) options: Arc<ClusterOptions>,
}

/// A photo to read: its name, and the bytes of its file where they are read already.
pub(super) type Given = (String, Option<PyBackedBytes>);

pub(super) fn file(root: &Path, (name, bytes): &Given) -> PhotoFile {
    let path = root.join(path_from_text(name));
    match bytes {
        Some(bytes) => PhotoFile::Bytes(path, bytes.to_vec()),
        None => PhotoFile::Path(path),
    }
}

#[pymethods]
impl BlockOptions {
    #[new]
    #[pyo3(signature = (*, model=None, max_features=None, max_size=None, scales=None, min_probability=None,
        min_inliers=None, copies_only=false, mirrored=false, exhaustive=false, judgement=None))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        py: Python<'_>,
        model: Option<&Bound<'_, PyAny>>,
        max_features: Option<i128>,
        max_size: Option<i128>,
        scales: Option<Vec<f32>>,
        min_probability: Option<f64>,
        min_inliers: Option<i128>,
        copies_only: bool,
        mirrored: bool,
        exhaustive: bool,
        judgement: Option<PathBuf>,
    ) -> PyResult<Self> {
        let network = Network::new(model)?;
        let judgement = judgement
            .map(|path| read_judgement(py, &path))
            .transpose()?;
        let clustering = Clustering {
            extraction: Extraction::new(py, max_features, max_size, scales)?,
            min_probability,
            min_inliers: count(py, "min_inliers", min_inliers)?,
            copies_only,
            mirrored,
            exhaustive,
            judgement,
        };
        let (model, options) = run(py, None, move |_| {
            let model = network.open()?;
            let options = clustering.options(&model)?;
            Ok((model, Arc::new(options)))
        })?;
        Ok(Self { model, options })
    }

    /// What names the settings, 64 hexadecimal digits.
    fn settings_hash(&self, py: Python<'_>) -> PyResult<String> {
        let (model, options) = (self.model.clone(), self.options.clone());
        run(py, None, move |_| blocks::settings_hash(&model, &options))
    }

    /// Whether every pair of so many photos is verified.
    fn verifies_all(&self, num_photos: usize) -> bool {
        self.options.verifies_all(num_photos)
    }

    /// Partners by global descriptor, partners by votes, and voters, of a photo.
    #[getter]
    fn candidates(&self) -> (usize, usize, usize) {
        let options = self.options.candidates;
        (options.num_similar, options.num_voted, options.num_voters)
    }

    /// Photos whose features, and whose pixels, are in memory at a time.
    #[getter]
    fn max_held(&self) -> (usize, usize) {
        (blocks::MAX_LOADED, blocks::MAX_DECODED)
    }

    /// For each photo its hash, width, height, number of keypoints, features and global descriptor (bytes of int16, or
    /// None); or the reason why it cannot be used.
    fn extract<'py>(
        &self,
        py: Python<'py>,
        root: PathBuf,
        photos: Vec<Given>,
    ) -> PyResult<Bound<'py, PyList>> {
        let (model, options) = (self.model.clone(), self.options.clone());
        let found = run(py, None, move |watch| {
            let each = photos.par_iter().map(|given| {
                watch.check()?;
                Ok(blocks::extract_photo(&model, &file(&root, given), &options))
            });
            each.collect::<delfin::Result<Vec<_>>>()
        })?;
        let list = PyList::empty(py);
        for photo in found {
            match photo {
                Err(reason) => list.append(reason)?,
                Ok(photo) => {
                    let global = photo.global.as_ref().map(|row| {
                        let values = row.values().iter();
                        let bytes: Vec<u8> = values.flat_map(|v| v.to_le_bytes()).collect();
                        PyBytes::new(py, &bytes)
                    });
                    list.append((
                        PyBytes::new(py, &photo.content_hash),
                        photo.width,
                        photo.height,
                        photo.num_keypoints,
                        PyBytes::new(py, &photo.features),
                        global,
                    ))?;
                }
            }
        }
        Ok(list)
    }

    /// Log-odds from which a pair counts for the prior though its pixels were not compared.
    #[getter]
    fn least_counted(&self, py: Python<'_>) -> PyResult<f64> {
        let options = self.options.clone();
        run(py, None, move |_| blocks::least_counted(&options))
    }

    /// What the pairs that count for it add to the log-odds of each.
    fn prior(&self, py: Python<'_>, log_odds: PyReadonlyArray1<'_, f64>) -> PyResult<f64> {
        let (options, log_odds) = (self.options.clone(), values(&log_odds));
        run(py, None, move |_| {
            Ok(judgement_of(&options)?.prior_log_odds(&log_odds))
        })
    }

    /// Whether each pair may link its photos, were it only probable enough.
    fn may_link<'py>(
        &self,
        py: Python<'py>,
        num_inliers: PyReadonlyArray1<'py, u32>,
        is_copy: PyReadonlyArray1<'py, bool>,
    ) -> Column<'py, bool> {
        let num_inliers = num_inliers.as_array();
        let pairs = num_inliers.iter().zip(is_copy.as_array());
        let may_link = pairs.map(|(num_inliers, is_copy)| {
            blocks::may_link(*num_inliers as usize, *is_copy, &self.options)
        });
        arrays::column(py, may_link.collect())
    }

    /// The evidence of each pair, for the first clusters or the last; 1 and more links.
    fn evidence<'py>(
        &self,
        py: Python<'py>,
        log_odds: PyReadonlyArray1<'py, f64>,
        num_inliers: PyReadonlyArray1<'py, i64>,
        is_copy: PyReadonlyArray1<'py, bool>,
        is_first: bool,
    ) -> Column<'py, f64> {
        let (log_odds, num_inliers) = (log_odds.as_array(), num_inliers.as_array());
        let pairs = log_odds.iter().zip(num_inliers).zip(is_copy.as_array());
        let evidence = pairs.map(|((log_odds, num_inliers), is_copy)| {
            let num_inliers = usize::try_from(*num_inliers).unwrap_or(0);
            blocks::link_evidence(*log_odds, num_inliers, *is_copy, is_first, &self.options)
        });
        arrays::column(py, evidence.collect())
    }
}

/// Names; name and reason of what cannot be listed; lines.
type Listing = (Vec<String>, Vec<(String, String)>, Vec<String>);

/// Names of the photos of a folder; name and reason of what cannot be listed; lines on what is passed over.
#[pyfunction]
pub(crate) fn list_folder(py: Python<'_>, folder: PathBuf) -> PyResult<Listing> {
    run(py, None, move |_| {
        let listing = list_photos(&folder)?;
        let names = listing.photos.iter().map(|path| name_below(&folder, path));
        let failures = listing.failures.iter().map(|failure| {
            let reason = blocks::reason(&failure.path, &failure.error);
            (name_below(&folder, &failure.path), reason)
        });
        let lines = listing.passed_over.lines();
        Ok((names.collect(), failures.collect(), lines))
    })
}

/// Size in bytes and time of change in nanoseconds of files below `root`; -1 where there is none.
#[pyfunction]
pub(crate) fn file_states<'py>(
    py: Python<'py>,
    root: PathBuf,
    names: Vec<String>,
) -> PyResult<(Column<'py, i64>, Column<'py, i64>)> {
    let states = run(py, None, move |_| {
        let state = |name: &String| {
            let metadata = std::fs::metadata(root.join(path_from_text(name))).ok()?;
            let changed = metadata.modified().ok()?;
            let changed = changed.duration_since(std::time::UNIX_EPOCH).ok()?;
            Some((metadata.len() as i64, changed.as_nanos() as i64))
        };
        let states = names.par_iter().map(|name| state(name).unwrap_or((-1, -1)));
        Ok(states.unzip::<_, _, Vec<i64>, Vec<i64>>())
    })?;
    Ok((arrays::column(py, states.0), arrays::column(py, states.1)))
}

/// A path as text.
#[pyfunction]
pub(crate) fn name_of(path: PathBuf) -> String {
    path_text(&path)
}

/// Whether a file of these bytes is taken for a photo.
#[pyfunction]
pub(crate) fn is_photo_with(path: PathBuf, bytes: &[u8]) -> bool {
    delfin::folder::is_photo_with(&path, bytes)
}
