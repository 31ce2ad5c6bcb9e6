//! Any bytes are the index of a tensor bundle, whose values lie in the data or do not, or an error.
#![no_main]

use delfin::formats::tensorflow::Bundle;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(bundle) = Bundle::decode(bytes) {
        for name in bundle.names() {
            if let Ok(entry) = bundle.entry(name) {
                let _ = bundle.values(name, &entry.shape, &bytes[..bytes.len() / 2]);
            }
        }
    }
});
