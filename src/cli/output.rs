//! The only place that prints. A closed pipe (`delfin .. | head`) ends output without an error.

use std::io::Write;

/// Prints one line to standard output.
pub(crate) fn line(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Prints one line to standard error.
pub(crate) fn note(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Prints an error and its causes on one line.
pub(crate) fn error(error: &anyhow::Error) {
    let mut line = String::from("delfin");
    for cause in error.chain().map(ToString::to_string) {
        // An error that names its cause has said it.
        if !line.ends_with(&cause) {
            line = format!("{line}: {cause}");
        }
    }
    note(line);
}

/// Writes bytes to standard output as they are.
pub(crate) fn bytes(bytes: &[u8]) {
    let _ = std::io::stdout().write_all(bytes);
}
