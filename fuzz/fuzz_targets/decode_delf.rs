//! Any bytes are a feature file with one descriptor a keypoint, or an error.
#![no_main]

use delfin::formats::delf;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok((keypoints, descriptors)) = delf::decode(bytes) {
        assert_eq!(keypoints.len(), descriptors.len());
    }
});
