//! `delfin cluster --export-colmap`: what is in the database, and what COLMAP makes of it.
//!
//! The second needs pycolmap (in the Python that `DELFIN_PYTHON` names, or python3) and the
//! evaluation photos (in the folder that `DELFIN_DATA` names, or ../shared/data). Without them it says that it
//! skips, except where `DELFIN_NEEDS_PYCOLMAP` is set; without the photos it skips in any case.

#![allow(
    clippy::expect_used,
    reason = "a test fails by panicking, its helpers too"
)]

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rusqlite::Connection;

/// A pair's number over the number of its first image, less the second.
const PAIR_FACTOR: i64 = 2_147_483_647;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn cluster(photos: &Path, more: &[&Path]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_delfin"))
        .arg("cluster")
        .arg(photos)
        .arg("-o")
        .arg(photos.with_extension("out"))
        .arg("--export-colmap")
        .args(more)
        .output()
        .expect("delfin runs")
}

/// Photos of one wall, each the part that begins at a place of the whole, and one of something else.
fn write_photos(folder: &Path) -> [(u32, u32); 2] {
    let wall = image::open(root().join("examples/images/graffiti_1.jpg"))
        .expect("an example")
        .into_rgb8();
    std::fs::create_dir_all(folder.join("sub")).expect("a folder");
    let (width, height) = (wall.width() * 4 / 5, wall.height() * 4 / 5);
    let places = [(0, 0), (wall.width() / 6, wall.height() / 9)];
    for (name, (x, y)) in ["left.png", "sub/right.png"].iter().zip(places) {
        let part = image::imageops::crop_imm(&wall, x, y, width, height).to_image();
        part.save(folder.join(name)).expect("a photo is written");
    }
    let other = root().join("examples/images/box.jpg");
    std::fs::copy(other, folder.join("other.jpg")).expect("an example");
    places
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    let (values, rest) = bytes.as_chunks::<4>();
    assert!(rest.is_empty());
    values.iter().map(|v| f32::from_le_bytes(*v)).collect()
}

fn keypoints(database: &Connection, image: i64) -> Vec<[f32; 2]> {
    let query = "SELECT rows, cols, data FROM keypoints WHERE image_id = ?1";
    let (rows, cols, data): (u32, u32, Vec<u8>) = database
        .query_row(query, [image], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))
        .expect("keypoints");
    let values = floats(&data);
    assert_eq!((cols, values.len()), (2, rows as usize * 2));
    values.as_chunks().0.to_vec()
}

#[test]
fn the_database_holds_what_the_photos_show() {
    let folder = tempfile::tempdir().expect("a folder");
    let photos = folder.path().join("photos");
    let places = write_photos(&photos);
    let path = folder.path().join("database.db");
    let run = cluster(&photos, &[&path]);
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    let database = Connection::open(&path).expect("an SQLite file");
    let names: Vec<(i64, String, i64)> = database
        .prepare("SELECT image_id, name, camera_id FROM images ORDER BY image_id")
        .and_then(|mut query| {
            let rows = query.query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?;
            rows.collect()
        })
        .expect("images");
    let expected = [(1, "left.png"), (2, "other.jpg"), (3, "sub/right.png")];
    assert_eq!(names, expected.map(|(id, name)| (id, name.to_owned(), id)));

    let (model, width, params, prior): (i64, u32, Vec<u8>, i64) = database
        .query_row(
            "SELECT model, width, params, prior_focal_length FROM cameras WHERE camera_id = 3",
            [],
            |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)),
        )
        .expect("a camera");
    let params: Vec<f64> = params
        .as_chunks()
        .0
        .iter()
        .map(|v| f64::from_le_bytes(*v))
        .collect();
    assert_eq!((model, prior), (2, 0));
    assert_eq!(
        params[..2],
        [1.2 * f64::from(width), f64::from(width) / 2.0]
    );

    let pairs: Vec<(i64, u32, Vec<u8>, Vec<u8>)> = database
        .prepare(
            "SELECT pair_id, m.rows, m.data, g.data FROM matches m
             JOIN two_view_geometries g USING (pair_id)",
        )
        .and_then(|mut query| {
            let row = |r: &rusqlite::Row<'_>| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?));
            query.query_map([], row)?.collect()
        })
        .expect("pairs");
    let [(pair, rows, matches, inliers)] = &pairs[..] else {
        panic!("{} pairs", pairs.len());
    };
    assert_eq!(*pair, PAIR_FACTOR + 3);
    assert_eq!(matches, inliers);
    let rows = *rows as usize;
    assert_eq!(matches.len(), rows * 8);
    assert!(rows >= 40, "{rows} matches");
    let (left, right) = (keypoints(&database, 1), keypoints(&database, 3));
    assert!(keypoints(&database, 2).is_empty());
    let indices: Vec<usize> = matches
        .as_chunks()
        .0
        .iter()
        .map(|v| u32::from_le_bytes(*v) as usize)
        .collect();
    let exact = indices.as_chunks::<2>().0.iter().filter(|[i, j]| {
        let (x, y) = (left[*i][0] - right[*j][0], left[*i][1] - right[*j][1]);
        (x - places[1].0 as f32).abs() < 1.0 && (y - places[1].1 as f32).abs() < 1.0
    });
    assert!(exact.count() * 10 >= rows * 9);
}

#[test]
fn a_folder_that_is_not_there_is_told_before_the_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let photos = folder.path().join("photos");
    write_photos(&photos);
    let run = cluster(&photos, &[&folder.path().join("none/database.db")]);
    let told = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(2), "{told}");
    assert!(told.contains("there is no such folder"), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
    // The output's own folder is made by then.
    let out = photos.with_extension("out");
    assert!(!out.join("clusters.json").exists() && !photos.join(".delfin").exists());
    std::fs::remove_dir(&out).expect("empty");
    assert!(cluster(&photos, &[&out.join("x.db")]).status.success());
    assert!(out.join("x.db").exists());
}

#[test]
fn photos_that_exif_turns_are_written_as_colmap_reads_them() {
    use image::codecs::jpeg::JpegEncoder;
    use image::{ImageDecoder, ImageEncoder};
    let folder = tempfile::tempdir().expect("a folder");
    let photos = folder.path().join("photos");
    std::fs::create_dir(&photos).expect("a folder");
    let wall = image::open(root().join("examples/images/graffiti_1.jpg")).expect("an example");
    let (width, height) = (wall.width(), wall.height());
    wall.save(photos.join("upright.png")).expect("a photo");
    // The file's pixels lie on their side; tag 0x0112 with 6 turns them by 90 degrees clockwise.
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 95);
    let mut block = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0".to_vec();
    block.extend([0; 4]);
    encoder.set_exif_metadata(block).expect("EXIF");
    encoder
        .encode_image(&wall.rotate270().into_rgb8())
        .expect("a photo");
    std::fs::write(photos.join("turned.jpg"), bytes).expect("a photo");
    let file = folder.path().join("database.db");
    let run = cluster(&photos, &[&file]);
    assert!(run.status.success());
    let database = Connection::open(&file).expect("a database");
    let size = |name: &str| -> (u32, u32) {
        let query =
            "SELECT width, height FROM cameras JOIN images USING (camera_id) WHERE name = ?1";
        let row = |r: &rusqlite::Row<'_>| Ok((r.get(0)?, r.get(1)?));
        database.query_row(query, [name], row).expect("a camera")
    };
    assert_eq!(size("upright.png"), (width, height));
    let reader = image::ImageReader::open(photos.join("turned.jpg")).expect("a photo");
    let of_file = reader.into_decoder().expect("a photo").dimensions();
    assert_eq!(size("turned.jpg"), of_file);
    assert_eq!(of_file, (height, width));
    // turned.jpg is image 1. A place (x, y) of the upright photo is at (y, width - x) there.
    let (turned, upright) = (keypoints(&database, 1), keypoints(&database, 2));
    let blob =
        |query: &str| -> Vec<u8> { database.query_row(query, [], |r| r.get(0)).expect("a row") };
    let matches = blob("SELECT data FROM matches");
    let (numbers, _) = matches.as_chunks::<8>();
    assert!(numbers.len() > 100, "{}", numbers.len());
    let values = blob("SELECT H FROM two_view_geometries");
    let (values, _) = values.as_chunks::<8>();
    let h: Vec<f64> = values.iter().map(|v| f64::from_le_bytes(*v)).collect();
    for pair in numbers {
        let number = |at: usize| {
            let bytes = [pair[at], pair[at + 1], pair[at + 2], pair[at + 3]];
            u32::from_le_bytes(bytes) as usize
        };
        let ([x1, y1], [x2, y2]) = (turned[number(0)], upright[number(4)]);
        let off = (x1 - y2).hypot(y1 - (width as f32 - x2));
        assert!(off < 2.0, "{off}");
        let [x, y] = [x1, y1].map(f64::from);
        let [u, v, w] = [0, 3, 6].map(|row| h[row] * x + h[row + 1] * y + h[row + 2]);
        let off = (u / w - f64::from(x2)).hypot(v / w - f64::from(y2));
        assert!(off < 25.0, "{off}");
    }
}

#[test]
fn nothing_is_written_over_and_nothing_half_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let photos = folder.path().join("photos");
    write_photos(&photos);
    let path = folder.path().join("database.db");
    std::fs::write(&path, "kept").expect("a file");
    let nowhere = folder.path().join("none/database.db");
    for (target, word) in [(&path, "there already"), (&nowhere, "none/database.db: ")] {
        let run = cluster(&photos, &[target]);
        let stderr = String::from_utf8_lossy(&run.stderr);
        assert_eq!(run.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(word), "{stderr}");
    }
    assert_eq!(std::fs::read(&path).expect("a file"), b"kept");
    let mut left: Vec<_> = std::fs::read_dir(folder.path())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["database.db", "photos", "photos.out"]);
}

/// The photos of one place of the evaluation set, or none.
fn herz_jesus() -> Vec<PathBuf> {
    let data = std::env::var_os("DELFIN_DATA")
        .map_or_else(|| root().join("../shared/data"), PathBuf::from);
    let Ok(entries) = std::fs::read_dir(data.join("eval/scenes/images")) else {
        return Vec::new();
    };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let is_of_it = |path: &PathBuf| path.to_string_lossy().contains("/herz_jesus__");
    paths.filter(is_of_it).collect()
}

/// The Python that has these modules, or none.
fn python(modules: &str) -> Option<OsString> {
    let python = std::env::var_os("DELFIN_PYTHON").unwrap_or_else(|| "python3".into());
    let import = Command::new(&python)
        .args(["-c", &format!("import {modules}")])
        .output();
    if import.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    assert!(
        std::env::var_os("DELFIN_NEEDS_PYCOLMAP").is_none(),
        "no {modules}, and DELFIN_NEEDS_PYCOLMAP is set"
    );
    println!("skipped: no {modules}");
    None
}

#[test]
fn colmap_reconstructs_a_place() {
    let Some(python) = python("pycolmap") else {
        return;
    };
    let originals = herz_jesus();
    if originals.is_empty() {
        println!("skipped: no evaluation photos");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let photos = folder.path().join("photos");
    std::fs::create_dir(&photos).expect("a folder");
    for path in &originals {
        std::fs::copy(path, photos.join(path.file_name().expect("a name"))).expect("a photo");
    }
    let database = folder.path().join("database.db");
    let run = cluster(&photos, &[&database]);
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    let run = Command::new(&python)
        .arg(root().join("benches/compare/colmap.py"))
        .arg("--photos")
        .arg(&photos)
        .arg("--database")
        .arg(&database)
        .arg("--json")
        .output()
        .expect("python runs");
    let stderr = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{stderr}");
    let rows: serde_json::Value = serde_json::from_slice(&run.stdout).expect("JSON");
    let row = &rows["delfin"];
    println!("of {} photos: {row}", originals.len());
    // The path around the building is seen from one end to the other; SIFT registers all of it.
    let registered = row["registered"].as_u64().expect("a number") as usize;
    assert!(registered * 10 >= originals.len() * 9, "{row}");
    assert!(row["error_px"].as_f64().expect("a number") < 1.0, "{row}");
}
