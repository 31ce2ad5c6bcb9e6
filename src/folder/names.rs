//! Paths as text: in files, on the screen, and back.
//!
//! A byte of a name that is not UTF-8 text is written as `\\xff`, its value in hexadecimal; where a name itself
//! holds a backslash, an x and two such digits, its backslash is written as `\\x5c`. So every path has a text, two
//! paths have two texts, and a text leads back to its path.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The path of `photo` below `folder`, with `/` between names.
pub fn name_below(folder: &Path, photo: &Path) -> String {
    let below = photo.strip_prefix(folder).unwrap_or(photo);
    let names: Vec<_> = below.iter().map(text).collect();
    names.join("/")
}

/// The path of the photo that [`name_below`] names.
pub fn path_below(folder: &Path, name: &str) -> PathBuf {
    folder.join(path_from_text(name))
}

/// A path as text.
pub fn path_text(path: &Path) -> String {
    text(path.as_os_str())
}

/// The path that [`path_text`] gives as text.
pub fn path_from_text(text: &str) -> PathBuf {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        match escaped(rest) {
            Some(byte) => {
                bytes.push(byte);
                rest = &rest[4..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    from_bytes(bytes).map_or_else(|| text.into(), PathBuf::from)
}

#[cfg(unix)]
fn from_bytes(bytes: Vec<u8>) -> Option<OsString> {
    Some(std::os::unix::ffi::OsStringExt::from_vec(bytes))
}

#[cfg(not(unix))]
fn from_bytes(bytes: Vec<u8>) -> Option<OsString> {
    String::from_utf8(bytes).ok().map(OsString::from)
}

/// The byte whose escape `text` begins with.
fn escaped(text: &[u8]) -> Option<u8> {
    let digits = text.strip_prefix(b"\\x")?.get(..2)?;
    let digit = |at: usize| char::from(digits[at]).to_digit(16);
    Some((16 * digit(0)? + digit(1)?) as u8)
}

fn text(name: &OsStr) -> String {
    let mut text = String::new();
    for chunk in name.as_encoded_bytes().utf8_chunks() {
        let valid = chunk.valid();
        for (at, letter) in valid.char_indices() {
            match escaped(&valid.as_bytes()[at..]) {
                Some(_) => text += "\\x5c",
                None => text.push(letter),
            }
        }
        for byte in chunk.invalid() {
            text += &format!("\\x{byte:02x}");
        }
    }
    text
}

/// `text` on one line of a terminal: characters that move or hide others are written as their bytes, `\\x0a`.
pub fn printable(text: &str) -> Cow<'_, str> {
    replaced(text, is_unprintable, |letter| {
        let mut bytes = [0; 4];
        let bytes = letter.encode_utf8(&mut bytes).bytes();
        bytes.map(|byte| format!("\\x{byte:02x}")).collect()
    })
}

/// JSON for a terminal: such characters, which stand in its strings, are written as JSON does, `\\u202e`.
pub fn printable_json(text: &str) -> Cow<'_, str> {
    let is_odd = |letter| letter != '\n' && is_unprintable(letter);
    replaced(text, is_odd, |letter| {
        let mut units = [0; 2];
        let units = letter.encode_utf16(&mut units).iter();
        units.map(|unit| format!("\\u{unit:04x}")).collect()
    })
}

/// Control characters, separators of lines, and Unicode's controls of the direction of text.
fn is_unprintable(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}')
        || matches!(letter, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn replaced(
    text: &str,
    is_odd: impl Fn(char) -> bool,
    escape: impl Fn(char) -> String,
) -> Cow<'_, str> {
    if !text.contains(&is_odd) {
        return text.into();
    }
    let mut replaced = String::new();
    for letter in text.chars() {
        match is_odd(letter) {
            true => replaced += &escape(letter),
            false => replaced.push(letter),
        }
    }
    replaced.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_is_text_and_comes_back() {
        for (path, expected) in [
            ("b/ö.jpg", "b/ö.jpg"),
            ("a\nb\u{1b}[31m.jpg", "a\nb\u{1b}[31m.jpg"),
            ("\\x.jpg", "\\x.jpg"),
            ("\\xff.jpg", "\\x5cxff.jpg"),
            ("\\x5cxff", "\\x5cx5cxff"),
            ("\\xÄÄ", "\\xÄÄ"),
        ] {
            assert_eq!(path_text(Path::new(path)), expected);
            assert_eq!(path_from_text(expected), Path::new(path));
        }
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_no_text_stay_apart_and_come_back() {
        use std::os::unix::ffi::OsStrExt;
        let folder = Path::new("a");
        let path = |bytes: &[u8]| folder.join("b").join(OsStr::from_bytes(bytes));
        assert_eq!(name_below(folder, &path("ö.jpg".as_bytes())), "b/ö.jpg");
        let names = [
            (&b"\xff\xfe1.jpg"[..], "b/\\xff\\xfe1.jpg"),
            (b"\\xff1.jpg", "b/\\x5cxff1.jpg"),
            (b"\xe9t\xe9.jpg", "b/\\xe9t\\xe9.jpg"),
        ];
        for (bytes, name) in names {
            assert_eq!(name_below(folder, &path(bytes)), name);
            assert_eq!(path_below(folder, name), path(bytes));
        }
    }

    #[test]
    fn a_line_stays_a_line() {
        assert_eq!(printable("a b ö"), "a b ö");
        for (text, expected) in [
            ("a\nb\u{1b}[2J\u{9b}", "a\\x0ab\\x1b[2J\\xc2\\x9b"),
            ("a\tb\u{2028}", "a\\x09b\\xe2\\x80\\xa8"),
            ("gpj.\u{202e}1.exe", "gpj.\\xe2\\x80\\xae1.exe"),
            ("\u{61c}\u{2069}", "\\xd8\\x9c\\xe2\\x81\\xa9"),
        ] {
            assert_eq!(printable(text), expected);
        }
    }

    #[test]
    fn json_on_a_terminal_stays_json() {
        let names = ["a\tb\n\u{1b}[2J", "gpj.\u{202e}1.exe\u{7f}\u{9b}", "ö 相"];
        let text = format!("{:#}", serde_json::json!(names));
        let printed = printable_json(&text);
        assert!(!printed.contains(|c| c != '\n' && is_unprintable(c)));
        assert!(
            printed.contains("gpj.\\u202e1.exe\\u007f\\u009b"),
            "{printed}"
        );
        let read: Vec<String> = serde_json::from_str(&printed).unwrap();
        assert_eq!(read, names);
    }
}
