//! Files of labels: one label a line (`.txt` and every other name), or a table of paths and labels
//! (`.csv`, `.tsv`).
//!
//! A table may open with a header, recognised by a column named `path`, `file`, `filename`, `image` or `photo`; the
//! label is then in the column named `cluster`, `class` or `label`, or in the other one of two columns. A table without
//! a header has path and label in its first two columns. Quotes are as in RFC 4180; the `'` that [`csv_field`] puts
//! before a field that a spreadsheet would take for a formula is taken off.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use csv::{ReaderBuilder, StringRecord};

use crate::error::{Error, Result};

/// The labels of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Labels {
    /// One label a line.
    Lines(Vec<String>),
    /// The label of each path.
    Paths(BTreeMap<String, String>),
}

/// The labels of one photo in two files.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LabelPair {
    /// Its label in file 1.
    pub label1: String,
    /// Its label in file 2.
    pub label2: String,
}

/// The labels of two files, joined.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Pairing {
    /// The labels of the photos that both files have.
    pub pairs: Vec<LabelPair>,
    /// Rows of file 1 that file 2 does not have: a path, or `line N`.
    pub only1: Vec<String>,
    /// Rows of file 2 that file 1 does not have.
    pub only2: Vec<String>,
}

/// Names of the column of paths.
const PATH_COLUMNS: [&str; 5] = ["path", "file", "filename", "image", "photo"];
/// Names of the column of labels.
const LABEL_COLUMNS: [&str; 3] = ["cluster", "class", "label"];
/// The columns of a header, in words.
const COLUMNS: &str = "a column `path`, `file`, `filename`, `image` or `photo` and a column `cluster`, `class` or `label`";
/// Endings of other files that delfin writes beside its labels.
const OTHER_ENDINGS: [&str; 3] = ["json", "parquet", "html"];

/// Reads the labels of a file.
///
/// # Errors
/// [`Error::Io`] when it cannot be read, and those of [`parse`].
pub fn read(path: &Path) -> Result<Labels> {
    read_of(path, |_| false)
}

/// As [`read`], for known photos: the first row of a table is data if it begins with the path of a photo, and a header
/// if it does not while a later row does.
///
/// # Errors
/// Those of [`read`].
pub fn read_of(path: &Path, is_photo: impl Fn(&str) -> bool) -> Result<Labels> {
    let bytes = std::fs::read(path).map_err(|source| Error::io(path, source))?;
    parse_of(&bytes, path, &is_photo)
}

/// Parses the bytes of a labels file; the ending of its name selects the format.
///
/// # Errors
/// [`Error::Labels`] names the line at fault: text that is not UTF-8, a line or a row without a label,
/// a path with two labels, a header without the columns. It is also the error of a file of another format.
pub fn parse(bytes: &[u8], path: &Path) -> Result<Labels> {
    parse_of(bytes, path, &|_| false)
}

fn parse_of(bytes: &[u8], path: &Path, is_photo: &dyn Fn(&str) -> bool) -> Result<Labels> {
    let fail = |reason: String| Error::Labels {
        path: path.to_owned(),
        reason,
    };
    let has_ending = |ending: &str| {
        path.extension()
            .is_some_and(|found| found.eq_ignore_ascii_case(ending))
    };
    if OTHER_ENDINGS.into_iter().any(has_ending) || bytes.contains(&0) {
        let reason = "not a CSV or TSV table, nor a text with one label a line, in UTF-8; of the files of `delfin cluster`, clusters.csv and labels_pred.txt are read";
        return Err(fail(reason.into()));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        fail(format!("line {} is not UTF-8", lines(before) + 1))
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let table = |separator| {
        let found = table(text, separator, is_photo);
        found.map(Labels::Paths).map_err(fail)
    };
    if has_ending("csv") {
        table(b',')
    } else if has_ending("tsv") {
        table(b'\t')
    } else {
        let lines: Vec<String> = text.trim_end().lines().map(|l| l.trim().into()).collect();
        match lines.iter().position(String::is_empty) {
            Some(at) => Err(fail(format!("line {} has no label", at + 1))),
            None => Ok(Labels::Lines(lines)),
        }
    }
}

fn table(
    text: &str,
    separator: u8,
    is_photo: &dyn Fn(&str) -> bool,
) -> std::result::Result<BTreeMap<String, String>, String> {
    let mut labels = BTreeMap::new();
    let rows = rows(text, separator)?;
    let header = header(&rows, is_photo)?;
    let columns = header.unwrap_or((0, 1));
    for (line, row) in rows.into_iter().skip(usize::from(header.is_some())) {
        let (Some(path), Some(label)) = (row.get(columns.0), row.get(columns.1)) else {
            return Err(format!("line {line} has no path and label"));
        };
        if path.is_empty() || label.is_empty() {
            return Err(format!("line {line} has an empty path or label"));
        }
        let before = labels.insert(path.clone(), label.clone());
        if before.is_some_and(|before| before != *label) {
            return Err(format!("line {line}: {path} has two labels"));
        }
    }
    Ok(labels)
}

/// The columns of path and label, when the first row is a header.
fn header(
    rows: &[Row],
    is_photo: &dyn Fn(&str) -> bool,
) -> std::result::Result<Option<(usize, usize)>, String> {
    let begins_with_photo = |(_, row): &Row| row.first().is_some_and(|path| is_photo(path));
    let Some((first, later)) = rows.split_first() else {
        return Ok(None);
    };
    if begins_with_photo(first) {
        return Ok(None);
    }
    let (line, row) = first;
    let named = |names: &[&str]| {
        let is_name = |field: &String| names.iter().any(|n| field.trim().eq_ignore_ascii_case(n));
        row.iter().position(is_name)
    };
    if named(&["image1"]).is_some() && named(&["image2"]).is_some() {
        return Err(format!(
            "line {line}: a table of pairs of photos; needed is one with {COLUMNS}, such as clusters.csv"
        ));
    }
    let has_two = row.len() == 2;
    match (named(&PATH_COLUMNS), named(&LABEL_COLUMNS)) {
        (Some(path), Some(label)) => Ok(Some((path, label))),
        (Some(path), None) if has_two => Ok(Some((path, usize::from(path == 0)))),
        (None, _) if !later.iter().any(begins_with_photo) => Ok(None),
        (None, _) if has_two => Ok(Some((0, 1))),
        _ => Err(format!("line {line}: a header that needs {COLUMNS}")),
    }
}

/// The line that a row begins on, and its fields.
type Row = (usize, Vec<String>);

/// The rows; blank lines are none.
fn rows(text: &str, separator: u8) -> std::result::Result<Vec<Row>, String> {
    let mut reader = ReaderBuilder::new()
        .delimiter(separator)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut row = StringRecord::new();
    let mut rows = Vec::new();
    loop {
        // Where the blank lines before the row begin.
        let start = reader.position().clone();
        match reader.read_record(&mut row) {
            Ok(false) => return Ok(rows),
            Ok(true) => {
                let rest = &text.as_bytes()[start.byte() as usize..];
                let line = start.line() as usize + blank_lines(rest);
                rows.push((line, row.iter().map(unmarked).collect()));
            }
            Err(error) => return Err(error.to_string()),
        }
    }
}

/// The blank lines that `rest` begins with.
fn blank_lines(rest: &[u8]) -> usize {
    let is_break = |byte: &&u8| matches!(byte, b'\r' | b'\n');
    lines(&rest[..rest.iter().take_while(is_break).count()])
}

fn lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

/// Puts the labels of two files side by side: by path where both have paths, else in the order of the
/// lines, which for a table is the order of its sorted paths. A folder that begins all paths of one table is taken off
/// where they are those of the other table without it.
pub fn pair(labels1: &Labels, labels2: &Labels) -> Pairing {
    let mut pairing = Pairing::default();
    if let (Labels::Paths(labels1), Labels::Paths(labels2)) = (labels1, labels2) {
        let shorter1 = without_folder(labels1, labels2);
        let shorter2 = without_folder(labels2, labels1);
        let labels1 = shorter1.as_ref().unwrap_or(labels1);
        let labels2 = shorter2.as_ref().unwrap_or(labels2);
        for (path, label1) in labels1 {
            match labels2.get(path) {
                Some(label2) => pairing.pairs.push(LabelPair {
                    label1: label1.clone(),
                    label2: label2.clone(),
                }),
                None => pairing.only1.push(path.clone()),
            }
        }
        let missing = labels2.keys().filter(|path| !labels1.contains_key(*path));
        pairing.only2 = missing.cloned().collect();
        return pairing;
    }
    let (rows1, rows2) = (in_order(labels1), in_order(labels2));
    let beyond = |rows: &[(String, String)], from: usize| {
        let rows = rows.iter().skip(from);
        rows.map(|(name, _)| name.clone()).collect()
    };
    pairing.only1 = beyond(&rows1, rows2.len());
    pairing.only2 = beyond(&rows2, rows1.len());
    let both = rows1.into_iter().zip(rows2);
    pairing.pairs = both
        .map(|((_, label1), (_, label2))| LabelPair { label1, label2 })
        .collect();
    pairing
}

/// The labels without a folder that begins all of their paths, where the paths are then those of `others`.
fn without_folder(
    labels: &BTreeMap<String, String>,
    others: &BTreeMap<String, String>,
) -> Option<BTreeMap<String, String>> {
    if labels.len() != others.len() {
        return None;
    }
    let first = names(labels.keys().next()?);
    (1..first.len()).find_map(|depth| {
        let folder = &first[..depth];
        let shorter = labels.iter().map(|(path, label)| {
            let names = names(path);
            let below = names.strip_prefix(folder)?;
            Some((below.join("/"), label.clone()))
        });
        let shorter: Option<BTreeMap<String, String>> = shorter.collect();
        shorter.filter(|shorter| shorter.keys().eq(others.keys()))
    })
}

/// The names of a path.
fn names(path: &str) -> Vec<Cow<'_, str>> {
    let names = Path::new(path).iter();
    names.map(|name| name.to_string_lossy()).collect()
}

/// Each row's name and label.
fn in_order(labels: &Labels) -> Vec<(String, String)> {
    match labels {
        Labels::Paths(labels) => {
            let mut rows: Vec<_> = labels.clone().into_iter().collect();
            // As paths are sorted, folder by folder, and not letter by letter.
            rows.sort_by(|(a, _), (b, _)| Path::new(a).cmp(Path::new(b)));
            rows
        }
        Labels::Lines(labels) => {
            let lines = labels.iter().enumerate();
            lines
                .map(|(i, label)| (format!("line {}", i + 1), label.clone()))
                .collect()
        }
    }
}

/// First characters of a cell that make it a formula in a spreadsheet.
const FORMULA_STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// `field` as it stands in a CSV file, quoted as in RFC 4180. A spreadsheet takes a cell that begins with
/// `=`, `+`, `-` or `@` for a formula; such a field, unless it is a number, gets a `'` before it, which
/// spreadsheets read as "this is text". [`parse`] takes it off again.
pub fn csv_field(field: &str) -> String {
    let field = match is_marked(field) || (is_formula(field) && !is_number(field)) {
        true => &format!("'{field}"),
        false => field,
    };
    if field.contains([',', '"', '\n', '\r']) || field.trim() != field {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

fn is_formula(field: &str) -> bool {
    field.starts_with(FORMULA_STARTS)
}

/// Whether the field begins as one that [`csv_field`] has marked as text.
fn is_marked(field: &str) -> bool {
    let rest = field.strip_prefix('\'');
    rest.is_some_and(|rest| is_formula(rest) || rest.starts_with('\''))
}

fn is_number(field: &str) -> bool {
    let is_part = |letter: char| letter.is_ascii_digit() || "+-.eE".contains(letter);
    field.chars().all(is_part) && field.parse::<f64>().is_ok()
}

/// The text of a field that [`csv_field`] wrote, its quotes taken off: without the `'` before it.
pub fn unmarked(field: &str) -> String {
    let rest = field.strip_prefix('\'').filter(|_| is_marked(field));
    rest.unwrap_or(field).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, name: &str) -> Labels {
        parse(text.as_bytes(), Path::new(name)).unwrap()
    }

    fn paths(rows: &[(&str, &str)]) -> Labels {
        let row = |(path, label): &(&str, &str)| ((*path).to_owned(), (*label).to_owned());
        Labels::Paths(rows.iter().map(row).collect())
    }

    #[test]
    fn odd_names_are_written_and_read_back() {
        for name in [
            "a.jpg",
            "a,b.jpg",
            "a \"b\".jpg",
            "a\nb.jpg",
            " a",
            "\"",
            "ä\r",
            "\"a\",b",
            "a\r\n\r\nb",
            "=1+1.jpg",
            "+a",
            "-a.jpg",
            "-5",
            "-1e-5",
            "@a",
            "\ta",
            "\ra",
            "'a",
            "''a",
            "'=a",
            "'",
            "'-5",
            "=HYPERLINK(\"x\",\"y\")",
        ] {
            let text = format!("path,class,score\r\n{},3,0.5\r\n", csv_field(name));
            assert_eq!(at(&text, "a.csv"), paths(&[(name, "3")]));
        }
    }

    #[test]
    fn what_would_be_a_formula_is_marked_as_text() {
        for (field, expected) in [
            ("=1+1", "'=1+1"),
            ("-a,b", "\"'-a,b\""),
            ("-0.25", "-0.25"),
            ("+1.5e-3", "+1.5e-3"),
            ("-inf", "'-inf"),
            ("a=b", "a=b"),
        ] {
            assert_eq!(csv_field(field), expected);
        }
    }

    #[test]
    fn columns_are_found_by_name_or_stand_first() {
        let expected = paths(&[("x", "1"), ("y", "2")]);
        assert_eq!(at("x,1\ny,2", "a.csv"), expected);
        let named = "\u{feff}score,class,path\n.5,1,x\n\n.5,2,y\n";
        assert_eq!(at(named, "a.csv"), expected);
        assert_eq!(at("x\t1\r\ny\t2\r\n", "a.TSV"), expected);
        assert_eq!(at("file\tplace\nx\t1\ny\t2\n", "a.tsv"), expected);
        assert_eq!(at("place,file\n1,x\n2,y\n", "a.csv"), expected);
        for column in ["cluster", "class", "label", "Cluster"] {
            let table = format!("path,score,{column}\nx,.5,1\ny,.5,2\n");
            assert_eq!(at(&table, "a.csv"), expected);
        }
        assert_eq!(at("", "a.csv"), paths(&[]));
        assert_eq!(at("path,class\n", "a.csv"), paths(&[]));
    }

    #[test]
    fn faults_name_the_line() {
        for (text, name, word) in [
            (&b"a,1\n\"b,2\n"[..], "a.csv", "line 2"),
            (b"a,1\nb\n", "a.csv", "line 2"),
            (b"a,1\n\n\nb,1\na,2\n", "a.csv", "line 5"),
            (b"\"a\n\na\",1\nb,\n", "a.csv", "line 4"),
            (b"1\n\n2\n", "a.txt", "line 2"),
            (b"1\n2\n\xff\n", "a.txt", "line 3"),
            (b"path\na\n", "a.csv", "line 1: a header that needs"),
            (b"photo,width,kind\na,1,2\n", "a.csv", "`class` or `label`"),
            (b"image1,image2,matches\na,b,3\n", "a.csv", "table of pairs"),
            (b"PAR1\xff", "a.Parquet", "not a CSV or TSV table"),
            (b"a\0,\x001\0", "a.csv", "not a CSV or TSV table"),
            (b"{\"version\":4}", "clusters.json", "clusters.csv"),
        ] {
            let message = parse(text, Path::new(name)).unwrap_err().to_string();
            assert!(message.contains(word), "{message}");
            assert_eq!(message.lines().count(), 1);
        }
    }

    #[test]
    fn known_photos_tell_a_header_from_data() {
        let read =
            |text: &str| parse_of(text.as_bytes(), Path::new("a.csv"), &|path| path != "name");
        let expected = paths(&[("x", "1"), ("y", "2")]);
        assert_eq!(read("name,kind\nx,1\ny,2\n").unwrap(), expected);
        assert_eq!(read("x,photo\n").unwrap(), paths(&[("x", "photo")]));
        let error = read("name,kind,score\nx,1,2\n").unwrap_err().to_string();
        assert!(error.contains("line 1: a header that needs"), "{error}");
        // No row is known: all are data.
        assert_eq!(read("name,1\n").unwrap(), paths(&[("name", "1")]));
    }

    #[test]
    fn a_folder_before_all_paths_of_one_table_is_taken_off() {
        let below = at("a.jpg,1\nsub/b.jpg,2", "a.csv");
        for folder in ["photos/", "./", "/tmp/my photos/"] {
            let text = format!("{folder}a.jpg,x\n{folder}sub/b.jpg,y");
            let typed = at(&text, "b.csv");
            let found = pair(&below, &typed);
            assert_eq!(labels(&found.pairs), [("1", "x"), ("2", "y")], "{folder}");
            let found = pair(&typed, &below);
            assert_eq!(labels(&found.pairs), [("x", "1"), ("y", "2")], "{folder}");
            assert!(found.only1.is_empty() && found.only2.is_empty());
        }
        let other = at("p/a.jpg,x\nq/sub/b.jpg,y", "b.csv");
        assert_eq!(pair(&below, &other).only2.len(), 2);
    }

    fn labels(pairs: &[LabelPair]) -> Vec<(&str, &str)> {
        pairs
            .iter()
            .map(|pair| (pair.label1.as_str(), pair.label2.as_str()))
            .collect()
    }

    #[test]
    fn rows_that_do_not_pair_up_are_named() {
        let found = pair(&at("x,1\ny,2", "a.csv"), &at("y\tb\nz\tc", "a.tsv"));
        assert_eq!(labels(&found.pairs), [("2", "b")]);
        assert_eq!(
            (found.only1, found.only2),
            (vec!["x".into()], vec!["z".into()])
        );
        let found = pair(&at("1\n2\n3\n", "a.txt"), &at("y,b\nx,a", "a.csv"));
        assert_eq!(labels(&found.pairs)[0], ("1", "a"));
        assert_eq!(found.only1, ["line 3"]);
    }

    #[test]
    fn lines_stand_beside_paths_in_the_order_of_folders() {
        let found = pair(&at("1\n2\n", "a.txt"), &at("a-b/x,b\na/x,a", "a.csv"));
        assert_eq!(labels(&found.pairs)[0], ("1", "a"));
    }
}
