//! Files of other programs. Conventions that differ from ours are converted here and nowhere else.

pub mod classifier_onnx;
pub mod delf;
pub mod event_file;
pub mod json;
