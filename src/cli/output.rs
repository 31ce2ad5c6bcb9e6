//! The only module that prints. A closed pipe (`delfin .. | head`) ends output without an error; any other failure
//! to write standard output is reported at the end, by [`finish`].

use std::io::{Error, ErrorKind, Result, Write};
use std::sync::OnceLock;

use delfin::folder::{printable, printable_json};

/// The first failure to write to standard output.
static FAILURE: OnceLock<Error> = OnceLock::new();

/// Prints one line to standard output; characters of names that a terminal obeys, as their bytes.
pub(crate) fn line(text: impl std::fmt::Display) {
    keep(writeln!(
        std::io::stdout(),
        "{}",
        printable(&text.to_string())
    ));
}

/// Prints JSON to standard output; such characters as JSON writes them.
pub(crate) fn json(text: impl std::fmt::Display) {
    keep(writeln!(
        std::io::stdout(),
        "{}",
        printable_json(&text.to_string())
    ));
}

fn keep(written: Result<()>) {
    if let Err(error) = written
        && error.kind() != ErrorKind::BrokenPipe
    {
        FAILURE.get_or_init(|| error);
    }
}

/// Flushes standard output.
///
/// # Errors
/// The first failure to write it, other than a closed pipe.
pub(crate) fn finish() -> anyhow::Result<()> {
    keep(std::io::stdout().flush());
    match FAILURE.get() {
        Some(error) => anyhow::bail!("standard output: {error}"),
        None => Ok(()),
    }
}

/// Prints one line to standard error; characters of names that a terminal obeys, as their bytes.
pub(crate) fn note(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{}", printable(&text.to_string()));
}

/// Prints an error and its causes on one line.
pub(crate) fn error(error: &anyhow::Error) {
    note(format_args!("delfin: {}", one_line(error)));
}

/// An error with its causes.
pub(crate) fn one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string) {
        // The message of an error may hold its cause already.
        if !line.ends_with(&cause) {
            let colon = if line.is_empty() { "" } else { ": " };
            line = format!("{line}{colon}{cause}");
        }
    }
    line
}

/// Writes bytes to standard output as they are.
pub(crate) fn bytes(bytes: &[u8]) {
    keep(std::io::stdout().write_all(bytes));
}
