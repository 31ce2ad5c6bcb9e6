//! Any bytes are an array whose shape fits its values, or an error.
#![no_main]

use std::path::Path;

use delfin::formats::datum::Datum;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(decoded) = Datum::decode(bytes, Path::new("fuzz")) {
        let datum = decoded.value;
        assert_eq!(datum.shape.iter().product::<usize>(), datum.values.len());
        assert!(Datum::decode(&datum.encode(), Path::new("fuzz")).is_ok());
    }
});
