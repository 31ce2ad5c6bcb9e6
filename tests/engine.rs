//! The engine that runs networks, as the user chooses it.

#![allow(
    clippy::expect_used,
    reason = "a test fails by panicking, its helpers too"
)]

use std::path::Path;
use std::process::Command;

/// What the program says of two photos with this library, by the option or the variable.
fn refusal(library: &Path, by_variable: bool) -> String {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/images");
    let mut command = Command::new(env!("CARGO_BIN_EXE_delfin"));
    match by_variable {
        true => command.env("DELFIN_ONNXRUNTIME", library),
        false => command.arg("--onnxruntime").arg(library),
    };
    let photos = ["box.jpg", "coffee.jpg"].map(|name| examples.join(name));
    let output = command.arg("match").args(photos).output();
    let output = output.expect("the program");
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(told.lines().count(), 1, "{told}");
    told
}

#[test]
fn a_library_that_cannot_be_used_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let [absent, text] = ["absent.so", "text.so"].map(|name| folder.path().join(name));
    std::fs::write(&text, "no library").expect("written");
    for by_variable in [false, true] {
        let told = [&absent, &text].map(|library| refusal(library, by_variable));
        if cfg!(feature = "onnxruntime") {
            assert!(told[0].contains("absent.so"), "{}", told[0]);
            assert!(
                told[1].contains("text.so: not an ONNX Runtime"),
                "{}",
                told[1]
            );
        } else {
            assert!(told[0].contains("--features onnxruntime"), "{}", told[0]);
        }
    }
}
