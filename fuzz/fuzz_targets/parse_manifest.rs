//! Any text is a manifest that keeps its promises, or an error.
#![no_main]

use std::path::Path;

use delfin::extract::Manifest;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(manifest) = Manifest::parse(text, Path::new("fuzz")) {
        assert!(manifest.models.iter().any(|m| m.name == manifest.default));
    }
});
