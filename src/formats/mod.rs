//! Files of other programs. Conventions that differ from ours are converted here and nowhere else.

pub mod delf;
pub mod json;
pub mod labels;
