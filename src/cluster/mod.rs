//! Scored pairs of photos -> classes, and how good classes are.
//!
//! Knows numbers alone: no photo, no file. [`classes`] joins photos into classes; [`evaluate`]
//! compares classes with true ones.

mod classes;
mod evaluation;

pub use classes::{Class, Link, classes};
pub use evaluation::{Evaluation, Scores, evaluate};
