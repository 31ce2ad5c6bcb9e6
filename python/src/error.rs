//! The library's errors as exceptions of `package/delfin/_errors.py`.

use std::path::Path;

use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;

/// An exception of the package, by its name in `package/delfin/_errors.py`.
#[derive(Clone, Copy)]
pub(crate) enum Class {
    Base,
    File,
    Image,
    Features,
    Model,
    Format,
    Option,
}

impl Class {
    fn name(self) -> &'static str {
        match self {
            Self::Base => "Error",
            Self::File => "FileError",
            Self::Image => "ImageError",
            Self::Features => "FeaturesError",
            Self::Model => "ModelError",
            Self::Format => "FormatError",
            Self::Option => "OptionError",
        }
    }
}

/// An exception with its attribute `path`.
pub(crate) fn error(
    py: Python<'_>,
    class: Class,
    message: impl Into<String>,
    path: Option<&Path>,
) -> PyErr {
    let made = || {
        let class = py.import("delfin._errors")?.getattr(class.name())?;
        let error = class.call1((message.into(),))?;
        error.setattr("path", path.map(Path::as_os_str))?;
        PyResult::Ok(PyErr::from_value(error))
    };
    made().unwrap_or_else(|error| error)
}

/// The library's error as an exception.
pub(crate) fn raised(py: Python<'_>, cause: &delfin::Error) -> PyErr {
    use delfin::Error as E;
    let (class, path) = match cause {
        E::Io { path, source } => {
            let error = error(py, Class::File, cause.to_string(), Some(path));
            let _ = error.value(py).setattr("errno", source.raw_os_error());
            return error;
        }
        E::Decode { path, .. } | E::TooManyPixels { path, .. } => (Class::Image, Some(path)),
        E::Manifest { path, .. } | E::Model { path, .. } => (Class::Model, Some(path)),
        E::Features { .. } => (Class::Features, None),
        E::InvalidOption { .. } => (Class::Option, None),
        E::Format { path, .. }
        | E::Dataset { path, .. }
        | E::Classifier { path, .. }
        | E::Labels { path, .. }
        | E::Journal { path, .. } => (Class::Format, Some(path)),
        E::Encode { path, .. } | E::Store { path, .. } => (Class::File, Some(path)),
        E::Cancelled => return PyKeyboardInterrupt::new_err(()),
        _ => (Class::Base, None),
    };
    // Photos in memory are named in angle brackets (image.rs).
    let path = path.filter(|path| !path.as_os_str().as_encoded_bytes().starts_with(b"<"));
    error(py, class, cause.to_string(), path.map(AsRef::as_ref))
}

/// An option outside its range.
pub(crate) fn option_error(py: Python<'_>, name: &str, reason: &str) -> PyErr {
    error(py, Class::Option, format!("option {name}: {reason}"), None)
}
