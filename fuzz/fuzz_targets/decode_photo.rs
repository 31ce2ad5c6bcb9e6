//! Any bytes are a photo or an error, within the limits.
#![no_main]

use delfin::image::{DecodeOptions, Photo};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let options = DecodeOptions {
        max_pixels: 1 << 20,
        ..DecodeOptions::default()
    };
    if let Ok(photo) = Photo::decode(bytes, "fuzz", &options) {
        let pixels = u64::from(photo.width()) * u64::from(photo.height());
        assert!((1..=options.max_pixels).contains(&pixels));
    }
});
