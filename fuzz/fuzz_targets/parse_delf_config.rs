//! Any text is a configuration or an error of one line.
#![no_main]

use std::path::Path;

use delfin::formats::delf_config::DelfConfig;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(error) = DelfConfig::parse(text, Path::new("fuzz")) {
        assert_eq!(error.to_string().lines().count(), 1);
    }
});
