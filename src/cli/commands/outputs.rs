//! Checks output paths before the work starts.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use delfin::files::is_replaceable;
use delfin::folder::has_photo_extension;

/// Checks that `output` can be written without losing anything: it is no folder and none of the `inputs` that the
/// command reads, by whatever path or link, and its folder is there; and, unless `force`, it is no existing file
/// that delfin did not make.
pub(super) fn ensure_output<'a>(
    output: &Path,
    force: bool,
    inputs: impl IntoIterator<Item = &'a Path>,
) -> anyhow::Result<()> {
    let name = output.display();
    if output.is_dir() {
        bail!("{name}: a folder; name a file to write");
    }
    ensure_folder(output)?;
    let Ok(handle) = same_file::Handle::from_path(output) else {
        return Ok(()); // Nothing is there yet.
    };
    let is_read = |input: &Path| same_file::Handle::from_path(input).is_ok_and(|i| i == handle);
    if inputs.into_iter().any(is_read) {
        bail!("{name}: it is read by this command and would be written over");
    }
    ensure_replaceable(output, force)
}

/// Checks that the folder of `output` exists and takes new files.
pub(super) fn ensure_folder(output: &Path) -> anyhow::Result<()> {
    let folder = output.parent().filter(|f| !f.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    if !folder.is_dir() {
        bail!(
            "{}: there is no such folder to write into",
            folder.display()
        );
    }
    ensure_writable(folder)
}

/// Makes a folder for output where there is none, and checks that it takes new files.
pub(super) fn make_folder(folder: &Path) -> anyhow::Result<()> {
    if folder.exists() && !folder.is_dir() {
        bail!("{}: a file; name a folder", folder.display());
    }
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    ensure_writable(folder)
}

fn ensure_writable(folder: &Path) -> anyhow::Result<()> {
    let made = tempfile::tempfile_in(folder);
    let refused = || format!("{}: no file can be written into it", folder.display());
    made.map(drop).with_context(refused)
}

/// Checks that `output` is no existing file that delfin did not make; with `force` it may be any file.
pub(super) fn ensure_replaceable(output: &Path, force: bool) -> anyhow::Result<()> {
    if !force && !is_replaceable(output) {
        bail!(
            "{}: there already, and not made by delfin; name another, or write over it with --force",
            output.display()
        );
    }
    Ok(())
}

/// As [`ensure_output`], of a file that is no picture: a photo's name is refused too, as it may be one of
/// the folder's photos.
pub(super) fn ensure_document<'a>(
    output: &Path,
    force: bool,
    inputs: impl IntoIterator<Item = &'a Path>,
) -> anyhow::Result<()> {
    if has_photo_extension(output) {
        bail!("{}: a photo's name; give another", output.display());
    }
    ensure_output(output, force, inputs)
}

/// Checks that no two of these outputs, each with what it is called, are one file.
pub(crate) fn ensure_distinct(outputs: &[(&str, Option<&Path>)]) -> anyhow::Result<()> {
    let mut before: Vec<(&str, &Path, PathBuf)> = Vec::new();
    for (what, path) in outputs.iter().filter_map(|(w, path)| Some((*w, (*path)?))) {
        let place = place(path);
        let is_same = |other: &Path| same_file::is_same_file(path, other).unwrap_or(false);
        let same = before
            .iter()
            .find(|(_, other, there)| *there == place || is_same(other));
        if let Some((first, ..)) = same {
            bail!(
                "{}: {first} and {what} would write one file",
                path.display()
            );
        }
        before.push((what, path, place));
    }
    Ok(())
}

/// A path in one form: absolute, without `.` and `..`, its folder without links.
fn place(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let folder = absolute.parent().and_then(|f| f.canonicalize().ok());
    match (folder, absolute.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => absolute,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_outputs_are_two_files() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("a"), "a").unwrap();
        std::fs::hard_link(at("a"), at("b")).unwrap();
        let check = |a: &str, b: &str| {
            let [a, b] = [a, b].map(at);
            let outputs = [
                ("-o", Some(a.as_path())),
                ("--none", None),
                ("--report", Some(&b)),
            ];
            ensure_distinct(&outputs).map_err(|e| e.to_string())
        };
        assert_eq!(check("new", "other"), Ok(()));
        assert_eq!(check("none/new", "none/other"), Ok(()));
        for (a, b) in [
            ("new", "new"),
            ("new", "./new"),
            ("a", "b"),
            ("none/x", "none/x"),
        ] {
            let said = check(a, b).unwrap_err();
            assert!(
                said.ends_with("-o and --report would write one file"),
                "{said}"
            );
        }
    }

    #[test]
    fn what_is_read_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("a.jpg"), "a").unwrap();
        std::fs::write(at("b.jpg"), "b").unwrap();
        std::fs::hard_link(at("a.jpg"), at("c.jpg")).unwrap();
        let forced = |output: &str, force: bool| {
            let (a, missing) = (at("a.jpg"), at("missing.jpg"));
            ensure_output(&at(output), force, [missing.as_path(), &a]).map_err(|e| e.to_string())
        };
        let says = |output: &str| forced(output, true);
        assert_eq!(says("b.jpg"), Ok(()));
        let unforced = forced("b.jpg", false).unwrap_err();
        assert!(unforced.contains("not made by delfin"), "{unforced}");
        assert_eq!(forced("new.png", false), Ok(()));
        assert_eq!(says("new.png"), Ok(()));
        for (output, words) in [
            ("a.jpg", "read by this command"),
            ("./a.jpg", "read by this command"),
            ("c.jpg", "read by this command"),
            (".", "a folder"),
            ("none/a.png", "no such folder"),
            #[cfg(target_os = "linux")]
            ("/proc/a.png", "no file can be written into it"),
        ] {
            assert!(says(output).unwrap_err().contains(words), "{output}");
        }
        assert!(ensure_document(&at("labels.JPG"), true, []).is_err());
        assert!(ensure_document(&at("labels.csv"), false, []).is_ok());
    }
}
