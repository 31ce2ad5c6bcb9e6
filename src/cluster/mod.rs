//! Clusters from scored pairs of photos, and their agreement with true classes.
//!
//! Works on indices alone: no photo, no file. `clusters` joins photos into clusters; [`CrossingLinks`] counts the
//! links between clusters; [`evaluate`] compares clusters with classes.

mod clusters;
mod components;
mod constraints;
mod crossing;
mod evaluation;
mod graph;

pub use clusters::Cluster;
pub(crate) use clusters::{cluster_members, cluster_of_photos, clusters};
pub use components::Components;
pub(crate) use constraints::{Constraint, Constraints, Side};
pub(crate) use crossing::MAX_GAINED;
pub use crossing::{CrossingLinks, LinkBalance, LinkGain};
pub use evaluation::{Evaluation, Scores, evaluate};
pub(crate) use graph::Link;
