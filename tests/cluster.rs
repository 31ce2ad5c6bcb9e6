//! `delfin cluster`, `why`, `search` and `store`, with the real binary on a folder of small photos.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use image::RgbImage;

fn delfin(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_delfin"))
        .args(args)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples/images")
        .join(name)
}

/// The part of a photo that begins at (x, y), as parts of its sides, with `side` of both.
fn crop(photo: &RgbImage, x: f64, y: f64, side: f64) -> RgbImage {
    let (width, height) = (f64::from(photo.width()), f64::from(photo.height()));
    let part = image::imageops::crop_imm(
        photo,
        (x * width) as u32,
        (y * height) as u32,
        (side * width) as u32,
        (side * height) as u32,
    );
    part.to_image()
}

/// Two things in three photos each, and one thing by itself.
fn photos() -> BTreeMap<&'static str, RgbImage> {
    let open = |name| image::open(fixture(name)).unwrap().into_rgb8();
    let (wall, boat) = (open("graffiti_1.jpg"), open("box_in_scene.jpg"));
    let mut photos = BTreeMap::new();
    photos.insert("graffiti a.jpg", crop(&wall, 0.0, 0.0, 0.8));
    photos.insert("sub/graffiti_b.jpg", crop(&wall, 0.15, 0.1, 0.8));
    photos.insert("graffiti_3.jpg", open("graffiti_3.jpg"));
    photos.insert("scene_1.jpg", crop(&boat, 0.0, 0.0, 0.85));
    photos.insert("scene_2.png", crop(&boat, 0.12, 0.12, 0.85));
    photos.insert(
        "alone.jpg",
        RgbImage::from_fn(160, 120, |x, y| {
            let value = (x * 7919 + y * 104_729) % 251;
            image::Rgb([value as u8, (value / 2) as u8, 90])
        }),
    );
    photos
}

fn write_photos(folder: &Path) {
    std::fs::create_dir_all(folder.join("sub")).unwrap();
    for (name, photo) in photos() {
        photo.save(folder.join(name)).unwrap();
    }
}

/// A cluster run that has to succeed; its standard error.
fn cluster(folder: &Path, out: &Path, more: &[&str]) -> String {
    let mut args = vec![
        "cluster",
        folder.to_str().unwrap(),
        "-o",
        out.to_str().unwrap(),
    ];
    args.extend(more);
    let run = delfin(&args);
    assert!(run.status.success(), "{}", text(&run.stderr));
    text(&run.stderr)
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// The cluster of each photo.
fn clusters(out: &Path) -> BTreeMap<String, String> {
    let table = read(&out.join("clusters.csv"));
    let mut lines = table.lines();
    assert_eq!(lines.next(), Some("path,cluster,score,representative"));
    let row = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        (fields[0].to_owned(), fields[1].to_owned())
    };
    lines.map(row).collect()
}

/// All files of a run but the one that names the folder.
fn answer(out: &Path) -> [String; 4] {
    [
        "clusters.csv",
        "labels_pred.txt",
        "edges.csv",
        "report.html",
    ]
    .map(|name| read(&out.join(name)))
}

#[test]
fn photos_of_one_thing_are_one_cluster_and_a_second_run_computes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("photos");
    write_photos(&photos);
    let out = folder.path().join("out");
    let log = cluster(&photos, &out, &[]);
    assert!(log.contains("6 of 6, 0 of them known"), "{log}");
    let found = clusters(&out);
    assert_eq!(found.len(), 6);
    assert_eq!(found["graffiti a.jpg"], found["sub/graffiti_b.jpg"]);
    assert_eq!(found["graffiti a.jpg"], found["graffiti_3.jpg"]);
    assert_eq!(
        found["graffiti a.jpg"], "0",
        "the largest cluster comes first"
    );
    assert_eq!(found["scene_1.jpg"], found["scene_2.png"]);
    assert_eq!(found["alone.jpg"], "2");
    assert_eq!(read(&out.join("labels_pred.txt")).lines().count(), 6);
    assert_eq!(read(&out.join("edges.csv")).lines().count(), 16);

    let first = answer(&out);
    let log = cluster(&photos, &out, &[]);
    assert!(log.contains("6 of 6, 6 of them known"), "{log}");
    assert!(log.contains("15 of 15, 15 of them known"), "{log}");
    assert_eq!(answer(&out), first);
    // A store elsewhere begins from nothing, one thread or many, and says the same.
    let other = folder.path().join("other");
    let store = folder.path().join("other.sqlite");
    let more = [
        "--store",
        store.to_str().unwrap(),
        "--threads",
        "1",
        "--quiet",
    ];
    assert_eq!(cluster(&photos, &other, &more), "");
    assert_eq!(answer(&other), first);
    // What was drawn with other options is not taken for what these draw.
    for options in [&["--max-features", "60"][..], &["--mirrored"][..]] {
        let fresh = folder.path().join("fresh.sqlite");
        let answers = [&store, &fresh].map(|store| {
            let store = ["--store", store.to_str().unwrap(), "--quiet"];
            cluster(&photos, &other, &[&store[..], options].concat());
            answer(&other)
        });
        assert_eq!(answers[0], answers[1], "{options:?}");
        std::fs::remove_file(&fresh).unwrap();
    }
    cluster(&photos, &other, &more);
    assert_eq!(answer(&other), first);
}

#[test]
fn one_photo_more_is_one_photo_computed_and_names_do_not_matter() {
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("photos");
    write_photos(&photos);
    let out = folder.path().join("out");
    std::fs::rename(photos.join("scene_2.png"), folder.path().join("later.png")).unwrap();
    cluster(&photos, &out, &["-q"]);
    std::fs::rename(
        folder.path().join("later.png"),
        photos.join("a new name.png"),
    )
    .unwrap();
    let log = cluster(&photos, &out, &[]);
    assert!(log.contains("6 of 6, 5 of them known"), "{log}");
    let found = clusters(&out);
    assert_eq!(found["scene_1.jpg"], found["a new name.png"]);
}

#[test]
fn each_option_changes_the_answer() {
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("photos");
    write_photos(&photos);
    let out = folder.path().join("out");
    cluster(&photos, &out, &["-q"]);
    let usual = answer(&out);
    for more in [
        ["--min-inliers", "100000"],
        ["--min-probability", "0.999999999"],
        ["--max-features", "40"],
    ] {
        cluster(&photos, &out, &[&more[..], &["-q"]].concat());
        assert_ne!(answer(&out), usual, "{more:?}");
    }
    for bad in [["--min-probability", "0"], ["--max-features", "0"]] {
        let mut args = vec![
            "cluster",
            photos.to_str().unwrap(),
            "-o",
            out.to_str().unwrap(),
        ];
        args.extend(bad);
        assert_eq!(delfin(&args).status.code(), Some(2), "{bad:?}");
    }
}

#[test]
fn what_cannot_be_read_is_listed_and_the_rest_is_sorted() {
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("photos");
    write_photos(&photos);
    std::fs::write(photos.join("empty.jpg"), "").unwrap();
    std::fs::write(photos.join("text.png"), "not a photo").unwrap();
    let whole = std::fs::read(photos.join("scene_1.jpg")).unwrap();
    std::fs::write(photos.join("half.jpg"), &whole[..whole.len() / 3]).unwrap();
    std::fs::write(photos.join("notes.txt"), "no photo by its name").unwrap();
    std::fs::write(photos.join("sub/scene_1.jpg"), &whole).unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&photos, photos.join("sub/loop")).unwrap();
        std::os::unix::fs::symlink("nowhere.jpg", photos.join("gone.jpg")).unwrap();
    }
    let out = folder.path().join("out");
    let log = cluster(&photos, &out, &["-q"]);
    for name in ["empty.jpg", "text.png", "gone.jpg"] {
        if name == "gone.jpg" && cfg!(not(unix)) {
            continue;
        }
        let line = log.lines().find(|line| line.contains(name));
        assert!(
            line.is_some_and(|line| line.starts_with("delfin: ")),
            "{log}"
        );
    }
    let found = clusters(&out);
    assert!(!found.contains_key("empty.jpg") && !found.contains_key("text.png"));
    assert_eq!(found["scene_1.jpg"], found["sub/scene_1.jpg"]);
    let json: serde_json::Value = serde_json::from_str(&read(&out.join("clusters.json"))).unwrap();
    assert_eq!(json["version"], 4);
    let failures = json["failures"].as_array().unwrap();
    assert!(failures.len() >= 2 && failures.iter().all(|f| f["reason"].is_string()));
}

#[test]
fn photos_are_told_by_content_and_many_failures_by_a_count() {
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("photos");
    std::fs::create_dir(&photos).unwrap();
    for name in ["IMG_1", "2.jfif", "3.heic"] {
        std::fs::copy(fixture("coffee.jpg"), photos.join(name)).unwrap();
    }
    for number in 0..9 {
        let cr3 = b"\0\0\0\x18ftypcrx \0\0\0\x01";
        std::fs::write(photos.join(format!("{number}.cr3")), cr3).unwrap();
    }
    std::fs::write(photos.join("a.mov"), "a film").unwrap();
    for number in 0..25 {
        std::fs::write(photos.join(format!("bad_{number:02}.jpg")), "no photo").unwrap();
    }
    let out = folder.path().join("out");
    let log = cluster(&photos, &out, &["--quiet"]);
    assert!(
        log.contains("10 files passed over: 9 .cr3, 1 .mov"),
        "{log}"
    );
    assert_eq!(log.matches("not a readable photo").count(), 10, "{log}");
    assert!(log.contains("15 more of 25 failures"), "{log}");
    assert!(log.contains("clusters.json"), "{log}");
    assert_eq!(clusters(&out).len(), 3);
    let all: serde_json::Value = serde_json::from_str(&read(&out.join("clusters.json"))).unwrap();
    assert_eq!(all["passed_over"]["files"][".cr3"], 9);
    assert_eq!(all["failures"].as_array().unwrap().len(), 25);
    // A photo of a kind that is not read says which kind it is.
    let cr3 = photos.join("0.cr3");
    let run = delfin(&["match", cr3.to_str().unwrap(), cr3.to_str().unwrap()]);
    assert!(
        text(&run.stderr).contains("a camera raw file (CR3)"),
        "{}",
        text(&run.stderr)
    );
    // A folder with nothing else says why it has no photos.
    std::fs::create_dir(folder.path().join("films")).unwrap();
    std::fs::copy(photos.join("a.mov"), folder.path().join("films/a.mov")).unwrap();
    let films = folder.path().join("films");
    for command in ["cluster", "extract"] {
        let run = delfin(&[
            command,
            films.to_str().unwrap(),
            "-o",
            out.to_str().unwrap(),
        ]);
        let told = text(&run.stderr);
        assert_eq!(run.status.code(), Some(2));
        assert!(
            told.contains("no photos; 1 file passed over: 1 .mov"),
            "{told}"
        );
    }
}

#[test]
fn files_that_delfin_did_not_make_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("photos");
    std::fs::create_dir(&photos).unwrap();
    for name in ["1.jpg", "2.jpg"] {
        std::fs::copy(fixture("coffee.jpg"), photos.join(name)).unwrap();
    }
    let out = folder.path().join("out");
    let (photos, out_text) = (photos.to_str().unwrap(), out.to_str().unwrap());
    for name in [
        "clusters.csv",
        "clusters.json",
        "edges.csv",
        "labels_pred.txt",
        "report.html",
    ] {
        std::fs::create_dir(&out).unwrap();
        std::fs::write(out.join(name), "a user's own").unwrap();
        let run = delfin(&["cluster", photos, "-o", out_text, "-q"]);
        assert_eq!(run.status.code(), Some(2), "{name}");
        let told = text(&run.stderr);
        assert!(told.contains(name) && told.contains("--force"), "{told}");
        assert_eq!(told.lines().count(), 1, "{told}");
        assert_eq!(read(&out.join(name)), "a user's own");
        assert_eq!(std::fs::read_dir(&out).unwrap().count(), 1);
        cluster(Path::new(photos), &out, &["-q", "--force"]);
        assert_ne!(read(&out.join(name)), "a user's own");
        // What delfin made is written over.
        cluster(Path::new(photos), &out, &["-q"]);
        std::fs::remove_dir_all(&out).unwrap();
    }
    // Nor is a table that was edited, in whatever format the next ones are, whatever the times of the files, and if
    // there is no report.
    cluster(Path::new(photos), &out, &["-q"]);
    let table = out.join("clusters.csv");
    let edited = read(&table).replace(",true", ",false");
    assert_ne!(edited, read(&table));
    std::fs::write(&table, &edited).unwrap();
    std::fs::remove_file(out.join("report.html")).unwrap();
    let formats = [&[][..], &["--format", "parquet"]];
    for more in &formats[..if cfg!(feature = "parquet") { 2 } else { 1 }] {
        let args = ["cluster", photos, "-o", out_text, "-q"];
        let run = delfin(&[&args[..], *more].concat());
        assert_eq!(run.status.code(), Some(2));
        assert!(text(&run.stderr).contains("clusters.csv: changed since"));
        assert_eq!(read(&table), edited);
    }
    cluster(Path::new(photos), &out, &["-q", "--force"]);
    let again = std::fs::read(&table).unwrap();
    std::fs::write(&table, again).unwrap();
    cluster(Path::new(photos), &out, &["-q"]);
    std::fs::remove_dir_all(&out).unwrap();
    let part = out.join("report_parts").join("photos-3.js");
    std::fs::create_dir_all(part.parent().unwrap()).unwrap();
    std::fs::write(&part, "a user's own").unwrap();
    let run = delfin(&["cluster", photos, "-o", out_text, "-q"]);
    assert_eq!(run.status.code(), Some(2));
    let told = text(&run.stderr);
    assert!(
        told.contains("photos-3.js") && told.contains("remove it"),
        "{told}"
    );
    assert!(!out.join("clusters.json").exists());
    std::fs::remove_dir_all(&out).unwrap();
    cluster(Path::new(photos), &out, &["-q"]);
    let why = |args: &[&str]| {
        let all = [&["why", "1.jpg", "2.jpg", "--in", out_text], args].concat();
        delfin(&all).status.code()
    };
    assert_eq!(why(&[]), Some(0));
    assert_eq!(why(&[]), Some(0));
    let picture = folder.path().join("holiday.jpg");
    std::fs::copy(fixture("cat.jpg"), &picture).unwrap();
    let picture = picture.to_str().unwrap();
    assert_eq!(why(&["-o", picture]), Some(2));
    assert!(std::fs::read(picture).unwrap() == std::fs::read(fixture("cat.jpg")).unwrap());
    assert_eq!(why(&["-o", picture, "--force"]), Some(0));
    assert_eq!(why(&["-o", picture]), Some(0));
}

#[cfg(unix)]
#[test]
fn every_name_comes_back_from_the_files() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("caf\u{e9}");
    std::fs::create_dir(&photos).unwrap();
    let name = OsStr::from_bytes;
    let names = [
        name(b"caf\xe9 1.jpg"),
        name(b"\\xe9.jpg"),
        name(b"=1+1.jpg"),
        name(b"line\nbreak.jpg"),
        name(b"red\x1b[31m.jpg"),
        name(b"gpj.\xe2\x80\xae2.jpg"),
        name(b"-1.jpg"),
    ];
    for name in names {
        std::fs::copy(fixture("coffee.jpg"), photos.join(name)).unwrap();
    }
    std::fs::write(photos.join(name(b"bad\n\x1b[2J\xff.jpg")), "no photo").unwrap();
    let out = folder.path().join("out");
    let database = folder.path().join("colmap.db");
    let log = cluster(
        &photos,
        &out,
        &["-q", "--export-colmap", database.to_str().unwrap()],
    );
    assert!(
        log.contains("bad\\x0a\\x1b[2J\\xff.jpg: not a readable photo"),
        "{log}"
    );
    assert_eq!(log.lines().count(), 1, "{log}");
    let table = read(&out.join("clusters.csv"));
    assert!(table.contains("\n'=1+1.jpg,0,"), "{table}");
    let clusters = out.join("clusters.csv");
    let sorted = folder.path().join("sorted");
    let run = |args: &[&OsStr]| {
        let output = Command::new(env!("CARGO_BIN_EXE_delfin"))
            .args(args)
            .output();
        output.unwrap()
    };
    let organized = run(&[
        "organize".as_ref(),
        photos.as_ref(),
        "--by".as_ref(),
        clusters.as_ref(),
        "--to".as_ref(),
        sorted.as_ref(),
    ]);
    // Only the photo that could not be read has no row.
    assert_eq!(organized.status.code(), Some(1));
    assert_eq!(text(&organized.stderr).lines().count(), 1);
    for name in names {
        assert!(sorted.join("0").join(name).is_file(), "{name:?}");
    }
    for name in names {
        for way in [name.to_owned(), photos.join(name).into_os_string()] {
            let why = run(&[
                "why".as_ref(),
                "--in".as_ref(),
                out.as_ref(),
                "--".as_ref(),
                &way,
                names[0],
            ]);
            assert_eq!(why.status.code(), Some(0), "{}", text(&why.stderr));
        }
    }
    // As the table writes them.
    assert!(table.contains("\n'-1.jpg,0,"), "{table}");
    let why = run(&[
        "why".as_ref(),
        "'=1+1.jpg".as_ref(),
        "'-1.jpg".as_ref(),
        "--in".as_ref(),
        out.as_ref(),
    ]);
    assert_eq!(why.status.code(), Some(0), "{}", text(&why.stderr));
    let turned = run(&[
        "why".as_ref(),
        names[0],
        names[5],
        "--json".as_ref(),
        "--in".as_ref(),
        out.as_ref(),
    ]);
    let turned = text(&turned.stdout);
    assert!(turned.contains("gpj.\\u202e2.jpg"), "{turned}");
    let said: serde_json::Value = serde_json::from_str(&turned).unwrap();
    assert_eq!(said["photos"][1], "gpj.\u{202e}2.jpg");
    let connection = rusqlite::Connection::open(&database).unwrap();
    let mut query = connection
        .prepare("SELECT CAST(name AS BLOB), typeof(name) FROM images")
        .unwrap();
    let rows = query.query_map([], |row| {
        Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, String>(1)?))
    });
    let mut found: Vec<(Vec<u8>, String)> = rows.unwrap().map(Result::unwrap).collect();
    found.sort();
    let mut expected = names.map(|name| (name.as_bytes().to_vec(), "text".to_owned()));
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn folders_without_photos_say_so_and_one_photo_is_one_cluster() {
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("photos");
    std::fs::create_dir(&photos).unwrap();
    let out = folder.path().join("out");
    let run = |photos: &Path| {
        delfin(&[
            "cluster",
            photos.to_str().unwrap(),
            "-o",
            out.to_str().unwrap(),
            "-q",
        ])
    };
    for bad in [
        photos.clone(),
        folder.path().join("missing"),
        fixture("graffiti_1.jpg"),
    ] {
        let run = run(&bad);
        assert_eq!(run.status.code(), Some(2));
        assert_eq!(
            text(&run.stderr).lines().count(),
            1,
            "{}",
            text(&run.stderr)
        );
        assert!(text(&run.stderr).contains(bad.to_str().unwrap()));
        assert!(!out.exists() && !photos.join(".delfin").exists());
    }
    std::fs::copy(fixture("graffiti_1.jpg"), photos.join("one.jpg")).unwrap();
    assert!(run(&photos).status.success());
    assert_eq!(read(&out.join("labels_pred.txt")), "0\n");
    assert_eq!(read(&out.join("edges.csv")).lines().count(), 1);
}

#[test]
fn a_damaged_store_is_set_aside_and_a_newer_one_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("photos");
    write_photos(&photos);
    let out = folder.path().join("out");
    cluster(&photos, &out, &["-q"]);
    let first = answer(&out);
    let store = photos.join(".delfin/store.sqlite");
    let whole = std::fs::read(&store).unwrap();
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2;
    damaged[100..middle].fill(7);
    std::fs::write(&store, &damaged).unwrap();
    let log = cluster(&photos, &out, &["-q"]);
    assert!(log.contains("set aside"), "{log}");
    assert_eq!(
        std::fs::read(photos.join(".delfin/store.sqlite.damaged-1")).unwrap(),
        damaged
    );
    assert_eq!(answer(&out), first);

    // A damaged store that the user named is left as it is, and named with what to do.
    let named = folder.path().join("mine.sqlite");
    std::fs::write(&named, &damaged).unwrap();
    let log = cluster(&photos, &out, &["-q", "--store", named.to_str().unwrap()]);
    assert!(log.contains("mine.sqlite"), "{log}");
    assert!(log.contains("remove that file"), "{log}");
    assert_eq!(std::fs::read(&named).unwrap(), damaged);
    assert_eq!(answer(&out), first);
    let info = delfin(&["store", "info", named.to_str().unwrap()]);
    assert_eq!(info.status.code(), Some(2));
    let told = text(&info.stderr);
    assert!(
        told.contains("mine.sqlite") && told.contains("remove that file"),
        "{told}"
    );

    // SQLite keeps the user version in bytes 60 to 63 of the file.
    let mut newer = whole;
    newer[63] = 200;
    std::fs::write(&store, &newer).unwrap();
    let log = cluster(&photos, &out, &["-q"]);
    assert!(
        log.contains("another version") && log.contains("will not be kept"),
        "{log}"
    );
    assert_eq!(std::fs::read(&store).unwrap(), newer);
    assert_eq!(answer(&out), first);
    let info = delfin(&["store", "info", photos.to_str().unwrap()]);
    assert_eq!(info.status.code(), Some(2));
}

#[test]
fn a_store_forgets_photos_that_are_gone() {
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("photos");
    write_photos(&photos);
    cluster(&photos, &folder.path().join("out"), &["-q"]);
    std::fs::remove_file(photos.join("alone.jpg")).unwrap();
    let run = delfin(&["store", "gc", photos.to_str().unwrap()]);
    assert!(
        text(&run.stdout).starts_with("1 photo forgotten"),
        "{}",
        text(&run.stdout)
    );
    let info = text(&delfin(&["store", "info", photos.to_str().unwrap()]).stdout);
    assert!(
        info.contains("photos    5") && info.contains("pairs     10"),
        "{info}"
    );
    let nowhere = delfin(&["store", "info", folder.path().to_str().unwrap()]);
    assert_eq!(nowhere.status.code(), Some(2));
}

#[test]
fn why_names_the_chain_and_its_weakest_pair() {
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("photos");
    write_photos(&photos);
    let out = folder.path().join("out");
    cluster(&photos, &out, &["-q"]);
    let why = |a: &str, b: &str| delfin(&["why", a, b, "--in", out.to_str().unwrap()]);
    let run = why("graffiti a.jpg", "graffiti_3.jpg");
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    let said = text(&run.stdout);
    assert!(
        said.contains("one cluster: 0") && said.contains("--min-probability"),
        "{said}"
    );
    assert!(image::open(out.join("why.png")).unwrap().width() > 400);
    let run = why("graffiti_3.jpg", "alone.jpg");
    assert_eq!(run.status.code(), Some(1));
    assert!(
        text(&run.stdout).contains("two clusters: 0 and 2"),
        "{}",
        text(&run.stdout)
    );
    let run = why("graffiti_3.jpg", "missing.jpg");
    assert_eq!(run.status.code(), Some(2));
    assert!(text(&run.stderr).contains("missing.jpg"));
    // The pair's numbers are those of the clustering.
    let run = delfin(&[
        "why",
        "scene_1.jpg",
        "scene_2.png",
        "--json",
        "--in",
        out.to_str().unwrap(),
    ]);
    let json: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    let edges = read(&out.join("edges.csv"));
    let row = edges
        .lines()
        .find(|line| line.starts_with("scene_1.jpg,scene_2.png,"))
        .unwrap();
    let inliers = row.split(',').nth(3).unwrap();
    assert_eq!(json["pair"]["inliers"].to_string(), inliers);
    assert_eq!(
        (&json["version"], &json["same_cluster"]),
        (&4.into(), &true.into())
    );
    // A picture that cannot be drawn is told, and the rest is said.
    std::fs::write(out.join("why.png"), "a user's own").unwrap();
    let names = ["why", "scene_1.jpg", "scene_2.png", "--in"];
    let run = delfin(&[&names[..], &[out.to_str().unwrap(), "--json"]].concat());
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    let said: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(
        (&said["links"], &said["picture"]),
        (&json["links"], &().into())
    );
    let told = text(&run.stderr);
    assert!(
        told.contains("no picture") && told.contains("why.png"),
        "{told}"
    );
    assert_eq!(told.lines().count(), 1, "{told}");
    assert_eq!(read(&out.join("why.png")), "a user's own");
    std::fs::remove_file(out.join("why.png")).unwrap();
    // Version 3 of the file calls the clusters classes.
    let path = out.join("clusters.json");
    let before = text(&why("graffiti_3.jpg", "alone.jpg").stdout);
    let older = read(&path)
        .replace("\"version\":4,", "\"version\":3,")
        .replace("\"clusters\":", "\"classes\":");
    assert_ne!(older, read(&path));
    std::fs::write(&path, older).unwrap();
    assert_eq!(text(&why("graffiti_3.jpg", "alone.jpg").stdout), before);
    let damaged = read(&path).replacen("\"pairs\":[[", "\"pairs\":[[999", 1);
    std::fs::write(&path, damaged).unwrap();
    let run = why("graffiti_3.jpg", "alone.jpg");
    assert_eq!(run.status.code(), Some(2));
    let told = text(&run.stderr);
    assert!(
        told.contains("clusters.json: ") && told.contains("pair 0"),
        "{told}"
    );
    assert_eq!(told.lines().count(), 1, "{told}");
    std::fs::write(&path, "{\"version\": 9}").unwrap();
    let run = why("a", "b");
    assert!(
        text(&run.stderr).contains("version 9"),
        "{}",
        text(&run.stderr)
    );
}

#[test]
fn equal_files_are_one_thing_at_any_threshold_and_drawn_pictures_are_no_photos() {
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("photos");
    std::fs::create_dir(&photos).unwrap();
    let at = |name: &str| photos.join(name).to_str().unwrap().to_owned();
    std::fs::copy(fixture("graffiti_1.jpg"), at("a.jpg")).unwrap();
    std::fs::copy(fixture("graffiti_1.jpg"), at("b.jpg")).unwrap();
    std::fs::copy(fixture("graffiti_3.jpg"), at("c.jpg")).unwrap();
    for picture in [
        "drawn.png",
        "drawn.jpg",
        "drawn.bmp",
        "drawn.webp",
        "drawn.tif",
        "drawn.gif",
    ] {
        let run = delfin(&["match", &at("a.jpg"), &at("c.jpg"), "-o", &at(picture)]);
        assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    }
    // Every command that takes a folder passes them over.
    let features = folder.path().join("features");
    let args = [
        "extract",
        photos.to_str().unwrap(),
        "-o",
        features.to_str().unwrap(),
    ];
    let run = delfin(&args);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    assert_eq!(std::fs::read_dir(&features).unwrap().count(), 3);
    let out = folder.path().join("out");
    let told = cluster(&photos, &out, &["--min-probability", "0.9999999"]);
    assert!(
        told.contains("6 files passed over: 6 drawn by delfin"),
        "{told}"
    );
    let found = clusters(&out);
    assert_eq!(found.len(), 3);
    assert_eq!(found["a.jpg"], found["b.jpg"]);
    assert_ne!(found["a.jpg"], found["c.jpg"]);
    let equal = "both files are equal, byte for byte";
    let why = delfin(&["why", "a.jpg", "b.jpg", "--in", out.to_str().unwrap()]);
    assert!(text(&why.stdout).contains(equal), "{}", text(&why.stdout));
    let both = delfin(&["match", &at("a.jpg"), &at("b.jpg")]);
    assert!(text(&both.stdout).contains(equal), "{}", text(&both.stdout));
    // What a run asks of links is told where a pair does not have it.
    let asked = [
        (
            "--copies-only",
            "only edited copies are linked (--copies-only)",
        ),
        (
            "--min-inliers=1000",
            "a link needs 1000 inliers (--min-inliers)",
        ),
    ];
    for (option, words) in asked {
        let other = folder.path().join("other");
        cluster(&photos, &other, &["-q", option]);
        let why = delfin(&["why", "a.jpg", "c.jpg", "--in", other.to_str().unwrap()]);
        assert!(text(&why.stdout).contains(words), "{}", text(&why.stdout));
    }
    // The place that `match` prints is the one that `search` prints.
    let matched = text(&delfin(&["match", &at("a.jpg"), &at("c.jpg")]).stdout);
    let corners = matched.split("its corners lie at ").nth(1).unwrap();
    let corners = corners.lines().next().unwrap();
    let hits = text(&delfin(&["search", &at("a.jpg"), photos.to_str().unwrap(), "-q"]).stdout);
    let hit = hits.lines().find(|line| line.starts_with("c.jpg")).unwrap();
    assert!(
        hit.ends_with(&format!("region {corners}")),
        "{hit} {corners}"
    );
}

#[test]
fn search_finds_the_photo_that_holds_the_query_and_where() {
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("photos");
    write_photos(&photos);
    let wall = image::open(fixture("graffiti_1.jpg")).unwrap().into_rgb8();
    let query = folder.path().join("query.png");
    crop(&wall, 0.2, 0.2, 0.5).save(&query).unwrap();
    let args = [
        "search",
        query.to_str().unwrap(),
        photos.to_str().unwrap(),
        "-q",
    ];
    let run = delfin(&[&args[..], &["--json"]].concat());
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    let hits: Vec<serde_json::Value> = text(&run.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let paths: Vec<&str> = hits
        .iter()
        .map(|hit| hit["path"].as_str().unwrap())
        .collect();
    assert!(
        paths.contains(&"graffiti a.jpg") && paths.contains(&"sub/graffiti_b.jpg"),
        "{paths:?}"
    );
    assert!(
        !paths.contains(&"scene_1.jpg") && !paths.contains(&"alone.jpg"),
        "{paths:?}"
    );
    let hit = hits
        .iter()
        .find(|hit| hit["path"] == "graffiti a.jpg")
        .unwrap();
    let corner: Vec<f64> = serde_json::from_value(hit["region"][0].clone()).unwrap();
    let expected = [
        0.2 * f64::from(wall.width()),
        0.2 * f64::from(wall.height()),
    ];
    for axis in 0..2 {
        assert!(
            (corner[axis] - expected[axis]).abs() < 2.0,
            "{corner:?} {expected:?}"
        );
    }
    assert!(text(&delfin(&args).stdout).contains("of 6 photos\n"));
    // A box that fills a quarter of a cluttered photo, whichever way the two are ordered.
    std::fs::copy(fixture("box_in_scene.jpg"), photos.join("box in scene.jpg")).unwrap();
    let run = delfin(&[
        "search",
        fixture("box.jpg").to_str().unwrap(),
        photos.to_str().unwrap(),
        "-q",
    ]);
    let first = text(&run.stdout);
    assert!(first.contains("box in scene.jpg: "), "{first}");
    assert!(
        !first.contains("graffiti") && !first.contains("alone"),
        "{first}"
    );
    let nothing = photos.join("alone.jpg");
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let run = delfin(&["search", nothing.to_str().unwrap(), empty.to_str().unwrap()]);
    assert_eq!(run.status.code(), Some(2));
}

#[test]
fn a_program_killed_twenty_times_ends_with_the_undisturbed_answer() {
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("photos");
    write_photos(&photos);
    let undisturbed = folder.path().join("undisturbed");
    let elsewhere = folder.path().join("elsewhere.sqlite");
    cluster(
        &photos,
        &undisturbed,
        &["-q", "--store", elsewhere.to_str().unwrap()],
    );
    let out = folder.path().join("out");
    let mut num_killed = 0;
    for round in 0..20u64 {
        let mut child = Command::new(env!("CARGO_BIN_EXE_delfin"))
            .args([
                "cluster",
                photos.to_str().unwrap(),
                "-o",
                out.to_str().unwrap(),
                "-q",
            ])
            .spawn()
            .unwrap();
        // Moments spread over the run, in no order.
        std::thread::sleep(std::time::Duration::from_millis(20 + round * 7 % 20 * 60));
        num_killed += u32::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(num_killed > 0, "no run lasted until it was killed");
    cluster(&photos, &out, &["-q"]);
    assert_eq!(answer(&out), answer(&undisturbed));
    let left: Vec<_> = std::fs::read_dir(&out).unwrap().collect();
    assert!(left.len() >= 4);
}

#[test]
fn corrections_hold_where_they_are_asked_for() {
    use delfin::pipeline::{Action, ActionLog, Correction};
    use delfin::store::Store;
    let folder = tempfile::tempdir().unwrap();
    let (photos, out) = (folder.path().join("photos"), folder.path().join("out"));
    write_photos(&photos);
    let of = |path: &Path| -> serde_json::Value {
        serde_json::from_str(&read(&path.join("clusters.json"))).unwrap()
    };
    cluster(&photos, &out, &[]);
    let before = of(&out);
    let hash = |name: &str| {
        let bytes = std::fs::read(photos.join(name)).unwrap();
        delfin::image::content_hash(&bytes)
    };
    let say = |photo1: &str, photo2: &str, is_same| Correction {
        photo1: hash(photo1),
        photo2: hash(photo2),
        is_same,
    };
    let corrections = vec![
        say("alone.jpg", "graffiti a.jpg", true),
        say("graffiti_3.jpg", "graffiti a.jpg", false),
    ];
    {
        let store = Store::open(&photos.join(".delfin/store.sqlite")).unwrap();
        let mut log = ActionLog::read(&store).unwrap();
        log.push(&store, Action::Correct { corrections }).unwrap();
    }
    cluster(&photos, &out, &[]);
    assert_eq!(of(&out), before, "the same photos give the same clusters");
    cluster(&photos, &out, &["--corrected"]);
    let after = of(&out);
    let members = |value: &serde_json::Value, name: &str| -> Vec<String> {
        let photos = value["photos"].as_array().unwrap();
        let path = |index: &serde_json::Value| {
            let photo = &photos[index.as_u64().unwrap() as usize];
            photo["path"].as_str().unwrap().to_owned()
        };
        let clusters = value["clusters"].as_array().unwrap().iter();
        let all = clusters.map(|c| c["members"].as_array().unwrap().iter().map(path).collect());
        all.into_iter()
            .find(|members: &Vec<String>| members.iter().any(|m| m == name))
            .unwrap()
    };
    assert_eq!(members(&before, "alone.jpg").len(), 1);
    let together = members(&after, "alone.jpg");
    assert!(
        together.contains(&"graffiti a.jpg".to_owned()),
        "{together:?}"
    );
    assert!(
        !together.contains(&"graffiti_3.jpg".to_owned()),
        "{together:?}"
    );
    // What hangs on a correction is explained by it.
    let why = delfin(&[
        "why",
        "alone.jpg",
        "graffiti a.jpg",
        "--in",
        out.to_str().unwrap(),
        "--json",
    ]);
    assert_eq!(why.status.code(), Some(0), "{}", text(&why.stderr));
    let why: serde_json::Value = serde_json::from_str(&text(&why.stdout)).unwrap();
    assert_eq!(why["correction"], true);
}
