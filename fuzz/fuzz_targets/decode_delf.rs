//! Any bytes are a feature file with one descriptor a keypoint, or an error.
#![no_main]

use std::path::Path;

use delfin::formats::delf::{self, DelfFile};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok((keypoints, descriptors)) = delf::decode(bytes) {
        assert_eq!(keypoints.len(), descriptors.len());
    }
    if let Ok(decoded) = DelfFile::decode(bytes, Path::new("fuzz")) {
        assert!(DelfFile::decode(&decoded.value.encode(), Path::new("fuzz")).is_ok());
    }
});
