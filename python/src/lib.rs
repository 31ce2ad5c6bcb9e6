//! The native part of the Python package `delfin`: the library's calls on Python's values.
//!
//! `package/delfin` holds what needs no Rust (exceptions, progress bars, hloc's files) and the type stubs, which
//! are the reference of the interface. Work runs in a pool of threads without the interpreter's lock; no thread of
//! the pool touches a Python object.

#![deny(
    clippy::exit,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used
)]

mod arrays;
mod blocks;
mod classify;
mod cluster;
mod error;
mod extractor;
mod features;
mod formats;
mod image;
mod matching;
mod model;
mod options;
mod output;
mod run;
mod verify;

use pyo3::prelude::*;

#[pymodule]
mod _delfin {
    #[pymodule_export]
    use crate::blocks::{
        BestPairs, BlockOptions, BlockWords, Components, CrossingLinks, PairBlock, Rivals,
        WordPhotos, block_clusters, block_nearest, block_votes, count_votes, file_states,
        is_photo_with, list_folder, lowered_by_rivals, merge_nearest, name_of, probabilities,
        shortlisted, with_links,
    };
    #[pymodule_export]
    use crate::classify::{Classification, Classifier, classify, train};
    #[pymodule_export]
    use crate::cluster::{ClusterResult, cluster, cluster_pairs};
    #[pymodule_export]
    use crate::extractor::Extractor;
    #[pymodule_export]
    use crate::features::Features;
    #[pymodule_export]
    use crate::formats::{read_delf, write_delf};
    #[pymodule_export]
    use crate::matching::{MatchResult, match_photos};
    #[pymodule_export]
    use crate::model::Model;
    #[pymodule_export]
    use crate::run::set_num_threads;
    #[pymodule_export]
    use crate::verify::{VerifyResult, verify};

    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("BLOCK", delfin::candidates::blocks::BLOCK)?;
        module.add("TILE", delfin::candidates::blocks::TILE)?;
        let decode = delfin::image::DecodeOptions::default();
        module.add("MAX_FILE_BYTES", decode.max_file_bytes)
    }
}
