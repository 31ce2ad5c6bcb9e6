//! Finds the same thing in photographs.

pub mod error;
pub mod features;
pub mod matching;
