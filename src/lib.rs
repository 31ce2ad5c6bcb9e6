//! Finds the same thing in photographs.

pub mod error;
pub mod extract;
pub mod features;
pub mod image;
pub mod matching;
