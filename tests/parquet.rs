//! `delfin cluster --format parquet` and `--export-features`: what pyarrow reads is what the CSV and the JSON hold.
//!
//! The comparison needs pyarrow, in the Python that `DELFIN_PYTHON` names, or python3. Without it the test says
//! that it skips, except where `DELFIN_NEEDS_PYARROW` is set.

#![cfg(feature = "parquet")]

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn example(name: &str) -> PathBuf {
    root().join("examples/images").join(name)
}

fn run(photos: &Path, out: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_delfin"));
    command.arg("cluster").arg(photos).arg("-o").arg(out);
    command
        .args(["--max-size", "200", "-q"])
        .args(more)
        .output()
        .unwrap()
}

fn cluster(photos: &Path, out: &Path, more: &[&str]) {
    let run = run(photos, out, more);
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{said}");
}

/// The names of the tables in a folder.
fn tables(out: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(out).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let is_table = |name: &String| name.ends_with(".csv") || name.ends_with(".parquet");
    let mut names: Vec<String> = names.filter(is_table).collect();
    names.sort();
    names
}

/// Photos of one thing, of another, one without keypoints, and names that a table has to take care of.
fn write_photos(folder: &Path) {
    std::fs::create_dir_all(folder.join("sub")).unwrap();
    for (from, to) in [
        ("graffiti_1.jpg", "sub/wall, \"left\".jpg"),
        ("graffiti_3.jpg", "=wall.jpg"),
        ("box.jpg", "b\u{f6}x.jpg"),
    ] {
        std::fs::copy(example(from), folder.join(to)).unwrap();
    }
    #[cfg(target_os = "linux")]
    {
        let name: OsString = std::os::unix::ffi::OsStringExt::from_vec(b"b\xf6x.jpg".to_vec());
        std::fs::copy(example("box.jpg"), folder.join(name)).unwrap();
    }
    let gray = image::RgbImage::from_pixel(64, 48, image::Rgb([128; 3]));
    gray.save(folder.join("gray.png")).unwrap();
}

#[test]
fn one_answer_is_in_the_folder_and_another_program_s_table_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (photos, out) = (folder.path().join("photos"), folder.path().join("out"));
    write_photos(&photos);
    cluster(&photos, &out, &[]);
    assert_eq!(tables(&out), ["clusters.csv", "edges.csv"]);
    cluster(&photos, &out, &["--format", "parquet"]);
    assert_eq!(tables(&out), ["clusters.parquet", "edges.parquet"]);
    let read = || {
        let read = |name: &String| std::fs::read(out.join(name)).unwrap();
        tables(&out).iter().map(read).collect::<Vec<_>>()
    };
    let first = read();
    cluster(&photos, &out, &["--format", "parquet", "--threads", "1"]);
    assert_eq!(read(), first);
    cluster(&photos, &out, &["--format", "csv,parquet"]);
    let all = [
        "clusters.csv",
        "clusters.parquet",
        "edges.csv",
        "edges.parquet",
    ];
    assert_eq!(tables(&out), all);
    cluster(&photos, &out, &[]);
    assert_eq!(tables(&out), ["clusters.csv", "edges.csv"]);
    assert_eq!(
        run(&photos, &out, &["--format", "xlsx"]).status.code(),
        Some(2)
    );
    // Made by another program.
    let (other, features) = (out.join("edges.parquet"), out.join("features.parquet"));
    for path in [&other, &features] {
        std::fs::write(path, b"PAR1 of another program PAR1").unwrap();
    }
    cluster(&photos, &out, &[]);
    assert!(other.exists(), "only delfin's own tables are removed");
    let export = ["--export-features", features.to_str().unwrap()];
    for more in [&["--format", "parquet"], &export] {
        let refused = run(&photos, &out, more);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(2), "{said}");
        assert!(said.contains("not made by delfin"), "{said}");
    }
    cluster(&photos, &out, &[&export[..], &["--force"]].concat());
    let first = std::fs::read(&features).unwrap();
    cluster(&photos, &out, &[&export[..], &["--threads", "1"]].concat());
    assert_eq!(std::fs::read(&features).unwrap(), first);
}

#[test]
fn pyarrow_reads_what_csv_and_json_hold() {
    let python = std::env::var_os("DELFIN_PYTHON").unwrap_or_else(|| "python3".into());
    let import = Command::new(&python)
        .args(["-c", "import pyarrow"])
        .output();
    if !import.is_ok_and(|run| run.status.success()) {
        let needed = std::env::var_os("DELFIN_NEEDS_PYARROW").is_some();
        assert!(!needed, "no pyarrow, and DELFIN_NEEDS_PYARROW is set");
        println!("skipped: no pyarrow");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (photos, one) = (folder.path().join("photos"), folder.path().join("one"));
    write_photos(&photos);
    std::fs::create_dir(&one).unwrap();
    std::fs::copy(example("coffee.jpg"), one.join("coffee.jpg")).unwrap();
    for photos in [&photos, &one] {
        let out = photos.with_extension("out");
        let features = out.join("features.parquet");
        let export = ["--export-features", features.to_str().unwrap()];
        cluster(
            photos,
            &out,
            &[&["--format", "csv,parquet"], &export[..]].concat(),
        );
        let json = out.join("extracted");
        std::fs::create_dir(&json).unwrap();
        for photo in ["=wall.jpg", "gray.png", "coffee.jpg"] {
            let photo = photos.join(photo);
            if photo.exists() {
                let mut extract = Command::new(env!("CARGO_BIN_EXE_delfin"));
                extract
                    .arg("extract")
                    .arg(&photo)
                    .args(["--format", "json"]);
                let extract = extract.args(["--max-size", "200", "-o"]).arg(&json);
                assert!(extract.output().unwrap().status.success());
            }
        }
        let script = root().join("tests/parquet/check.py");
        let check = Command::new(&python)
            .arg(script)
            .arg(&out)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&check.stderr);
        assert!(check.status.success(), "{said}");
    }
}
