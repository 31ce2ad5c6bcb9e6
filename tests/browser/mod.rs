//! Headless Chromium, driven by the scripts of `tests/report`.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of the scripts; none, said on standard output, where node, Chromium or playwright-core is missing.
///
/// # Panics
/// Where one is missing and `DELFIN_NEEDS_BROWSER` is set.
pub fn scripts() -> Option<PathBuf> {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/report");
    let chromium =
        std::env::var_os("DELFIN_CHROMIUM").map_or("/usr/bin/chromium".into(), PathBuf::from);
    let has_node = Command::new("node").arg("--version").output().is_ok();
    let missing = [
        ("node", has_node),
        ("chromium", chromium.exists()),
        (
            "playwright-core",
            scripts.join("node_modules/playwright-core").exists(),
        ),
    ];
    if let Some((name, _)) = missing.iter().find(|(_, there)| !there) {
        assert!(
            std::env::var_os("DELFIN_NEEDS_BROWSER").is_none(),
            "no {name}, and DELFIN_NEEDS_BROWSER is set"
        );
        println!("skipped: no {name}");
        return None;
    }
    Some(scripts)
}
