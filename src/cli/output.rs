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

/// A point in whole pixels, as text; none is at minus zero.
pub(crate) fn point(x: f64, y: f64) -> String {
    format!("({:.0}, {:.0})", x.round() + 0.0, y.round() + 0.0)
}

/// Writes bytes to standard output as they are.
pub(crate) fn bytes(bytes: &[u8]) {
    let _ = std::io::stdout().write_all(bytes);
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_point_is_at_minus_zero() {
        assert_eq!(super::point(-0.4, 1.6), "(0, 2)");
        assert_eq!(super::point(-0.6, -3.0), "(-1, -3)");
    }
}
