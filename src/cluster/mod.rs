//! Scored pairs of photos -> classes, and how good classes are.
//!
//! Knows numbers alone: no photo, no file. [`Background`] turns the score of a pair into the
//! probability that two photos of different things score as high, calibrated on the folder's own
//! pairs; [`classes`] joins photos into classes.

mod calibration;
mod classes;

pub use calibration::{Background, match_score};
pub use classes::{Class, Link, classes};
