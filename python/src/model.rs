//! Networks.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;

use crate::error::{Class, error};
use crate::run::run;

/// A network, loaded once and used for many calls.
///
/// Parameters
/// ----------
/// path : str or PathLike, optional
///     ONNX file, described by the ``manifest.toml`` beside it. None is the built-in network.
#[pyclass(frozen, module = "delfin")]
pub(crate) struct Model {
    pub(crate) inner: Arc<delfin::Model>,
}

#[pymethods]
impl Model {
    #[new]
    #[pyo3(signature = (path=None))]
    fn new(py: Python<'_>, path: Option<PathBuf>) -> PyResult<Self> {
        let named = match path {
            Some(path) => Network::Path(path),
            None => Network::Embedded,
        };
        let inner = run(py, None, move |_| named.open())?;
        Ok(Self { inner })
    }

    /// Its name.
    #[getter]
    fn name(&self) -> &str {
        &self.inner.manifest().name
    }

    /// SHA-256 of its ONNX file, 64 hexadecimal digits.
    #[getter]
    fn sha256(&self) -> &str {
        &self.inner.manifest().sha256
    }

    /// Licence of its weights, as an SPDX expression.
    #[getter]
    fn license(&self) -> &str {
        &self.inner.manifest().licence
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> (Bound<'py, PyAny>, (Option<PathBuf>,)) {
        let path = self.inner.path();
        let is_file = path.exists();
        let path = is_file.then(|| std::path::absolute(path).unwrap_or_else(|_| path.to_owned()));
        (py.get_type::<Self>().into_any(), (path,))
    }

    fn __repr__(&self) -> String {
        format!("delfin.Model({:?})", self.inner.manifest().name)
    }
}

/// A network that a call names.
#[derive(Clone)]
pub(crate) enum Network {
    Embedded,
    Path(PathBuf),
    Loaded(Arc<delfin::Model>),
}

static EMBEDDED: Mutex<Option<Arc<delfin::Model>>> = Mutex::new(None);

impl Network {
    /// From the argument `model`: None, a path or a [`Model`].
    pub(crate) fn new(model: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let Some(model) = model else {
            return Ok(Self::Embedded);
        };
        if let Ok(model) = model.cast::<Model>() {
            return Ok(Self::Loaded(model.get().inner.clone()));
        }
        model.extract().map(Self::Path).map_err(|_| {
            let given = model.get_type().name();
            let given = given.map_or_else(|_| "object".into(), |name| name.to_string());
            let message = format!("model: {given} given; a path or a delfin.Model wanted");
            error(model.py(), Class::Model, message, None)
        })
    }

    /// The network; the built-in one is loaded once a process.
    ///
    /// # Errors
    /// As [`delfin::Model::open`].
    pub(crate) fn open(&self) -> delfin::Result<Arc<delfin::Model>> {
        match self {
            Self::Loaded(model) => Ok(model.clone()),
            Self::Path(path) => Ok(Arc::new(delfin::Model::open(path)?)),
            Self::Embedded => {
                let known = || EMBEDDED.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(model) = &*known() {
                    return Ok(model.clone());
                }
                // Loaded outside the lock, which a thread of the pool must not wait for.
                let model = Arc::new(delfin::Model::embedded()?);
                Ok(known().get_or_insert(model).clone())
            }
        }
    }
}
