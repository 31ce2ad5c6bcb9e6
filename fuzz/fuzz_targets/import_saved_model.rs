//! Any bytes are an archive with a network of DELF's in it, or an error.
#![no_main]

use delfin::extract::import::{ImportOptions, PcaSource, import_saved_model};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let path = std::env::temp_dir().join(format!("delfin_fuzz_{}.tar.gz", std::process::id()));
    if std::fs::write(&path, bytes).is_ok() {
        let options = ImportOptions {
            pca: PcaSource::None,
            ..ImportOptions::default()
        };
        let _ = import_saved_model(&path, &options);
    }
});
