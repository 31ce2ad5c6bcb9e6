//! Scored pairs of photos -> clusters, and how well these agree with true classes.
//!
//! Works on indices alone: no photo, no file. `clusters` joins photos into clusters; [`evaluate`]
//! compares clusters with classes.

mod clusters;
mod evaluation;

pub use clusters::Cluster;
pub(crate) use clusters::{Link, clusters};
pub use evaluation::{Evaluation, Scores, evaluate};
