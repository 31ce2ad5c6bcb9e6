//! What a command may write: told before its work, not after.

use std::path::Path;

use anyhow::bail;
use delfin::folder::has_photo_extension;

/// Whether `output` can be written without losing anything that the command reads: it is no folder and
/// none of `inputs`, by whatever path or link, and its folder is there.
pub(super) fn ensure_output<'a>(
    output: &Path,
    inputs: impl IntoIterator<Item = &'a Path>,
) -> anyhow::Result<()> {
    let name = output.display();
    if output.is_dir() {
        bail!("{name}: a folder; name a file to write");
    }
    let folder = output.parent();
    if let Some(folder) = folder.filter(|f| !f.as_os_str().is_empty() && !f.is_dir()) {
        bail!(
            "{}: there is no such folder to write into",
            folder.display()
        );
    }
    let Ok(output) = same_file::Handle::from_path(output) else {
        return Ok(()); // Nothing is there yet.
    };
    let is_read = |input: &Path| same_file::Handle::from_path(input).is_ok_and(|i| i == output);
    if inputs.into_iter().any(is_read) {
        bail!("{name}: it is read by this command and would be written over");
    }
    Ok(())
}

/// As [`ensure_output`], of a file that is no picture: a photo's name is refused too, as it may be one of
/// the folder's photos.
pub(super) fn ensure_document<'a>(
    output: &Path,
    inputs: impl IntoIterator<Item = &'a Path>,
) -> anyhow::Result<()> {
    if has_photo_extension(output) {
        bail!("{}: a photo's name; give another", output.display());
    }
    ensure_output(output, inputs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("a.jpg"), "a").unwrap();
        std::fs::write(at("b.jpg"), "b").unwrap();
        std::fs::hard_link(at("a.jpg"), at("c.jpg")).unwrap();
        let says = |output: &str| {
            let (a, missing) = (at("a.jpg"), at("missing.jpg"));
            ensure_output(&at(output), [missing.as_path(), &a]).map_err(|e| e.to_string())
        };
        assert_eq!(says("b.jpg"), Ok(()));
        assert_eq!(says("new.png"), Ok(()));
        for (output, words) in [
            ("a.jpg", "read by this command"),
            ("./a.jpg", "read by this command"),
            ("c.jpg", "read by this command"),
            (".", "a folder"),
            ("none/a.png", "no such folder"),
        ] {
            assert!(says(output).unwrap_err().contains(words), "{output}");
        }
        assert!(ensure_document(&at("labels.JPG"), []).is_err());
        assert!(ensure_document(&at("labels.csv"), []).is_ok());
    }
}
