//! Any bytes are labels or an error of one line.
#![no_main]

use std::path::Path;

use delfin::formats::labels;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for name in ["fuzz.txt", "fuzz.csv", "fuzz.tsv"] {
        if let Err(error) = labels::parse(bytes, Path::new(name)) {
            assert_eq!(error.to_string().lines().count(), 1);
        }
    }
});
