//! Scored pairs of photos -> classes, and how good classes are.
//!
//! Knows numbers alone: no photo, no file. [`Background`] turns the score of a pair into the
//! probability that two photos of different things score as high, calibrated on the folder's own
//! pairs; [`classes`] joins photos into classes; [`evaluate`] compares classes with true ones.

mod calibration;
mod classes;
mod evaluation;

pub use calibration::{Background, CONFIRMED_SCORE, match_score};
pub use classes::{Class, Link, classes};
pub use evaluation::{Evaluation, Scores, evaluate};
