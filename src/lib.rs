//! Finds the same thing in photographs.
//!
//! A convolutional network in the style of DELF (Noh et al., ICCV 2017) turns a photo into a few hundred scored
//! keypoints with short descriptors; nearest-neighbour search pairs the descriptors of two photos; RANSAC keeps the
//! pairs that one transform explains. A learned score of these inliers and of the aligned pixels gives the
//! probability that both photos show the same thing; the transform gives its position.
//!
//! ```
//! use delfin::{MatchOptions, Model, match_pair};
//!
//! # fn main() -> delfin::Result<()> {
//! let model = Model::embedded()?;
//! let result = match_pair(
//!     &model,
//!     "examples/images/box.jpg",
//!     "examples/images/box_in_scene.jpg",
//!     &MatchOptions::default(),
//! )?;
//! assert!(result.is_match);
//! println!("probability {:.3}, {} inliers", result.probability(), result.num_inliers());
//! # Ok(())
//! # }
//! ```
//!
//! | to | call | time |
//! |---|---|---|
//! | load the embedded network | [`Model::embedded`] | 30 ms |
//! | match two photos | [`match_pair`], [`pipeline::match_photos`] | 0.2 s in a new process |
//! | extract features and match them later | [`extract::extract`]; [`pipeline::match_features`] | 50 ms a photo; 0.3 ms a pair |
//! | score features without pixels | [`pipeline::verify_features`] | not measured |
//! | report a match as text, JSON and picture | [`pipeline::PairReport`] | not measured |
//! | sort a folder into clusters | [`pipeline::FolderSession::cluster`] with a [`store::Store`] | 20 ms a photo, 1 ms when stored |
//! | make the report of a folder | [`pipeline::FolderSession::report`], [`report::FolderPage`] | part of the above |
//! | search a folder for the thing in a photo | [`pipeline::FolderSession::search`] | 50 ms a photo, about 1 ms when stored |
//! | write a COLMAP database | [`pipeline::FolderSession::colmap_database`] | not measured |
//! | cluster photos by the log-odds of pairs | [`pipeline::cluster_pairs`] | not measured |
//! | put photos into sub-folders | [`organize`] | as fast as the disk |
//! | train a classifier | [`pipeline::train_classifier`] | 8 ms a photo without geometry |
//! | label photos | [`pipeline::PhotoClassifier::classify_path`] | not measured |
//! | read and write files of other programs | [`formats`] | |
//!
//! Times are orders of magnitude on 2 cores with AVX-512, default options. Folders: 1,000 to 4,000 photos
//! at `max_size` 256 and two scales. The measurements and their conditions stand in benches/RESULTS.md.
//!
//! Options default to the settings of the embedded network. With another network take them from it:
//! [`Model::match_options`], [`Model::cluster_options`], [`Model::classifier_options`].
//!
//! Images are 1 and 2, and a transform always maps 1 to 2. Positions are in pixels of the original
//! photo after its EXIF orientation: x to the right, y down, the centre of the top-left pixel at
//! (0, 0).
//!
//! The same photos, model and options give the same result on any number of threads. Work runs on
//! the rayon pool that it is called from.

#![deny(
    clippy::exit,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used
)]

pub mod candidates;
pub mod classify;
pub mod cluster;
mod counted;
pub mod error;
pub mod extract;
pub mod features;
pub mod files;
pub mod folder;
pub mod formats;
pub mod geometry;
#[cfg(doc)]
pub mod guide;
mod hex;
pub mod image;
pub mod matching;
pub mod organize;
pub mod pipeline;
mod random;
pub mod ransac;
pub mod refinement;
pub mod report;
pub mod scoring;
pub mod search;
pub mod store;
pub mod verification;

#[doc(hidden)]
pub use counted::counted;
pub use error::{Error, Result};
pub use extract::Model;
pub use features::FeatureSet;
pub use hex::hex;
pub use image::Photo;
pub use pipeline::{MatchOptions, PairMatch, match_pair};
