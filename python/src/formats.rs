//! Files of other programs.

use std::path::PathBuf;

use delfin::FeatureSet;
use delfin::files::write_file;
use delfin::formats::delf;
use pyo3::prelude::*;

use crate::error::{Class, error, raised};
use crate::features::Features;
use crate::options::count;
use crate::output::ensure_replaceable;

/// Reads a DELF feature file (.delf).
///
/// Parameters
/// ----------
/// path : str or PathLike
/// size : (int, int), optional
///     Width and height of the photo, in pixels, which the file does not tell. Where left out, the smallest
///     photo that holds all keypoints is assumed.
#[pyfunction]
#[pyo3(signature = (path, *, size=None))]
pub(crate) fn read_delf(
    py: Python<'_>,
    path: PathBuf,
    size: Option<(i128, i128)>,
) -> PyResult<Features> {
    let bytes = std::fs::read(&path).map_err(|source| {
        let path = path.clone();
        raised(py, &delfin::Error::Io { path, source })
    })?;
    let read = || {
        let (keypoints, descriptors) = delf::DelfFile::decode(&bytes, &path)?.value.keypoints()?;
        Ok((keypoints, descriptors))
    };
    let (keypoints, descriptors) = read().map_err(|cause: delfin::Error| match cause {
        delfin::Error::Features { reason } => {
            let message = format!("{}: {reason}", path.display());
            error(py, Class::Format, message, Some(&path))
        }
        cause => raised(py, &cause),
    })?;
    let (width, height) = match size {
        Some((width, height)) => (
            count(py, "size", Some(width))?.unwrap_or(1),
            count(py, "size", Some(height))?.unwrap_or(1),
        ),
        None => {
            let far = |of: fn(&delfin::features::Keypoint) -> f32| {
                let values = keypoints.iter().map(of);
                values.fold(0.0, f32::max).ceil() as u32
            };
            (
                far(|k| k.x).saturating_add(1),
                far(|k| k.y).saturating_add(1),
            )
        }
    };
    let set = FeatureSet::new(width, height, keypoints, descriptors, None);
    Features::exact(py, set.map_err(|cause| raised(py, &cause))?)
}

/// Writes features as a DELF feature file (.delf), which holds neither the photo's size nor the global
/// descriptor.
///
/// Parameters
/// ----------
/// path : str or PathLike
/// features : Features
/// overwrite : bool
///     Write over a file that delfin did not make.
#[pyfunction]
#[pyo3(signature = (path, features, *, overwrite=false))]
pub(crate) fn write_delf(
    py: Python<'_>,
    path: PathBuf,
    features: &Bound<'_, Features>,
    overwrite: bool,
) -> PyResult<()> {
    ensure_replaceable(py, &path, overwrite)?;
    let bytes = delf::encode(features.get().set());
    write_file(&path, &bytes).map_err(|cause| raised(py, &cause))
}
