//! The real program in a temporary folder.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn example(name: &str) -> PathBuf {
    root().join("examples/images").join(name)
}

fn data(name: &str) -> PathBuf {
    root().join("tests/data").join(name)
}

/// A folder of its own and the program in it.
struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Output {
        Command::new(env!("CARGO_BIN_EXE_delfin"))
            .args(args)
            .current_dir(self.folder.path())
            .output()
            .unwrap()
    }

    /// `delfin match A B ARGS.. --json`: the exit code and the object.
    fn match_json(&self, image1: &Path, image2: &Path, args: &[&str]) -> (i32, Value) {
        let mut all: Vec<&OsStr> = vec![
            OsStr::new("match"),
            image1.as_os_str(),
            image2.as_os_str(),
            OsStr::new("--json"),
        ];
        all.extend(args.iter().map(OsStr::new));
        let output = self.run(all);
        let text = String::from_utf8(output.stdout).unwrap();
        let object = serde_json::from_str(&text)
            .unwrap_or_else(|e| panic!("{e}: {text}{}", String::from_utf8_lossy(&output.stderr)));
        (output.status.code().unwrap(), object)
    }
}

/// Asserts exit code 2, nothing on standard output, and one line on standard error that holds
/// every one of `words`.
fn assert_fails(output: &Output, words: &[&str]) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(
        output.stdout.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    assert!(stderr.matches("os error").count() <= 1, "{stderr}");
    for word in words {
        assert!(stderr.contains(word), "no {word:?} in {stderr}");
    }
}

/// The object without what differs from run to run.
fn without_times(mut object: Value) -> Value {
    object.as_object_mut().unwrap().remove("times_ms");
    object
}

#[test]
fn the_same_thing_is_a_yes_with_a_transform_that_fits() {
    let (code, object) =
        Bench::new().match_json(&example("box.jpg"), &example("box_in_scene.jpg"), &[]);
    assert_eq!(code, 0);
    assert_eq!(object["version"], 2);
    assert_eq!(object["is_match"], true);
    assert_eq!(object["image1"]["width"], 324);
    assert_eq!(object["image2"]["height"], 384);
    let inliers = object["inliers"].as_array().unwrap();
    assert_eq!(object["num_inliers"], inliers.len());
    assert!(inliers.len() <= object["num_matches"].as_u64().unwrap() as usize);
    assert!(object["probability"].as_f64().unwrap() > 0.5);
    let evidence = &object["evidence"];
    assert_eq!(evidence["features"]["num_inliers"], inliers.len());
    assert!(evidence["pixels"]["agreement"].as_f64().unwrap() > 0.0);
    // The middle of the box in the scene, read off the photo.
    let matrix = &object["model"]["matrix"];
    let at = |row: usize| {
        (0..3)
            .zip([162.0, 111.0, 1.0])
            .map(|(j, v)| matrix[row][j].as_f64().unwrap() * v)
            .sum::<f64>()
    };
    let (x, y) = (at(0) / at(2), at(1) / at(2));
    assert!(
        (x - 188.0).abs() < 20.0 && (y - 207.0).abs() < 20.0,
        "{x} {y}"
    );
}

#[test]
fn different_things_are_a_no() {
    let (code, object) =
        Bench::new().match_json(&example("coffee.jpg"), &example("street_a.jpg"), &[]);
    assert_eq!((code, &object["is_match"]), (1, &Value::Bool(false)));
}

#[test]
fn a_photo_matches_itself_with_the_identity() {
    let (code, object) = Bench::new().match_json(&example("cat.jpg"), &example("cat.jpg"), &[]);
    assert_eq!(code, 0);
    let matrix = &object["model"]["matrix"];
    for row in 0..3 {
        for column in 0..3 {
            let expected = f64::from(row == column);
            let tolerance = if column == 2 { 0.2 } else { 1e-3 };
            assert!(
                (matrix[row][column].as_f64().unwrap() - expected).abs() < tolerance,
                "{matrix}"
            );
        }
    }
}

#[test]
fn a_flipped_photo_is_found_where_mirrored_is_asked_for() {
    let bench = Bench::new();
    let flipped = bench.path("flipped.png");
    image::open(example("graffiti_3.jpg"))
        .unwrap()
        .fliph()
        .save(&flipped)
        .unwrap();
    let photo = example("graffiti_1.jpg");
    let (_, plain) = bench.match_json(&photo, &flipped, &[]);
    let (code, mirrored) = bench.match_json(&photo, &flipped, &["--mirrored"]);
    assert_eq!(code, 0, "{mirrored}");
    let inliers = |object: &Value| object["num_inliers"].as_u64().unwrap();
    assert!(inliers(&mirrored) > 2 * inliers(&plain) + 10);
    // The same transform as without the flip, up to the flip.
    let (_, upright) = bench.match_json(&photo, &example("graffiti_3.jpg"), &[]);
    let at = |object: &Value, x: f64, y: f64| {
        let m =
            |row: usize, column: usize| object["model"]["matrix"][row][column].as_f64().unwrap();
        let [u, v, w] = [0, 1, 2].map(|row| m(row, 0) * x + m(row, 1) * y + m(row, 2));
        (u / w, v / w)
    };
    let width = upright["image2"]["width"].as_f64().unwrap();
    for (x, y) in [(100.0, 100.0), (500.0, 120.0), (300.0, 400.0)] {
        let (u, v) = at(&upright, x, y);
        let (flipped_u, flipped_v) = at(&mirrored, x, y);
        let off = (flipped_u - (width - 1.0 - u)).hypot(flipped_v - v);
        assert!(off < 3.0, "{off}");
    }
    let text = bench.run([
        OsStr::new("match"),
        photo.as_os_str(),
        flipped.as_os_str(),
        OsStr::new("--mirrored"),
    ]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("photo 1 lies mirrored in photo 2"), "{text}");
}

#[test]
fn a_large_photo_matches_its_small_copy_both_ways() {
    let bench = Bench::new();
    let photo = image::open(example("graffiti_1.jpg")).unwrap();
    let copy = |name: &str, width: u32, height: u32| {
        let path = bench.path(name);
        let resized = photo.resize_exact(width, height, image::imageops::FilterType::Triangle);
        resized.save(&path).unwrap();
        path
    };
    let large = copy("large.jpg", 4032, 3024);
    let small = copy("small.jpg", 150, 112);
    for (a, b, scale) in [
        (&large, &small, 150.0 / 4032.0),
        (&small, &large, 4032.0 / 150.0),
    ] {
        let (code, object) = bench.match_json(a, b, &[]);
        assert_eq!(code, 0, "{}", object["num_inliers"]);
        let at = |row: usize, column: usize| {
            let matrix = &object["model"]["matrix"];
            matrix[row][column].as_f64().unwrap() / scale
        };
        for (row, column, expected) in [(0, 0, 1.0), (0, 1, 0.0), (1, 0, 0.0), (1, 1, 1.0)] {
            let off = (at(row, column) - expected).abs();
            assert!(off < 0.03, "{scale}: {}", object["model"]["matrix"]);
        }
    }
    let folder = bench.path("photos");
    std::fs::create_dir(&folder).unwrap();
    for (query, photo, width, height) in [
        (&small, &large, 4032.0, 3024.0),
        (&large, &small, 150.0, 112.0),
    ] {
        std::fs::copy(photo, folder.join("photo.jpg")).unwrap();
        std::fs::copy(example("coffee.jpg"), folder.join("other.jpg")).unwrap();
        let words: [&OsStr; 4] = [
            "search".as_ref(),
            query.as_ref(),
            folder.as_ref(),
            "--json".as_ref(),
        ];
        let output = bench.run(words);
        let text = String::from_utf8(output.stdout).unwrap();
        let hit: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!(hit["path"], "photo.jpg");
        for (corner, [x, y]) in [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
            .into_iter()
            .enumerate()
        {
            let found = &hit["region"][corner];
            let off_x = (found[0].as_f64().unwrap() / width - x).abs();
            let off_y = (found[1].as_f64().unwrap() / height - y).abs();
            assert!(off_x < 0.04 && off_y < 0.04, "{}", hit["region"]);
        }
    }
}

#[test]
fn results_do_not_depend_on_threads_or_runs() {
    let bench = Bench::new();
    let run = |threads: &str| {
        let args = ["--threads", threads];
        without_times(
            bench
                .match_json(&example("books_a.jpg"), &example("books_b.jpg"), &args)
                .1,
        )
    };
    let one = run("1");
    assert_eq!(one, run("2"));
    assert_eq!(one, run("8"));
    assert_eq!(one, run("8"));
}

#[test]
fn every_knob_changes_the_result() {
    let bench = Bench::new();
    let (a, b) = (example("graffiti_1.jpg"), example("graffiti_3.jpg"));
    let base = without_times(bench.match_json(&a, &b, &[]).1);
    for knob in [
        &["--model-kind", "similarity"][..],
        &["--max-features", "100"],
        &["--max-size", "320"],
        &["--scales", "1,0.5"],
        &["--max-distance", "0.5"],
        &["--ratio", "0.9"],
        &["--max-error-px", "3"],
        &["--preset", "delf"],
    ] {
        assert_ne!(
            base,
            without_times(bench.match_json(&a, &b, knob).1),
            "{knob:?}"
        );
    }
    let (code, object) = bench.match_json(&a, &b, &["--min-inliers", "100000"]);
    assert_eq!((code, &object["is_match"]), (1, &Value::Bool(false)));
    // The answer names what decides.
    let inliers = &object["num_inliers"];
    for (least, answer) in [("100000", "no: "), ("1", "yes, the same thing: ")] {
        let words = ["match".as_ref(), a.as_os_str(), b.as_os_str()];
        let flags = ["--min-inliers", least].map(OsStr::new);
        let output = bench.run(words.into_iter().chain(flags));
        let text = String::from_utf8(output.stdout).unwrap();
        let line = text
            .lines()
            .find(|line| line.starts_with("answer"))
            .unwrap();
        let expected = format!("answer    {answer}{inliers} inliers ({least} make");
        assert!(line.starts_with(&expected), "{line}");
        assert!(!line.contains("probable"), "{line}");
    }
}

#[test]
fn every_search_of_descriptors_gives_the_same_answer() {
    let bench = Bench::new();
    let (a, b) = (example("graffiti_1.jpg"), example("graffiti_3.jpg"));
    let base = without_times(bench.match_json(&a, &b, &[]).1);
    for way in ["auto", "kd-tree", "product"] {
        let found = bench.match_json(&a, &b, &["--search", way]).1;
        assert_eq!(base, without_times(found), "{way}");
    }
    let words = ["--search", "quadtree", "kd-tree", "product"];
    for command in ["match", "cluster", "search", "train", "classify", "review"] {
        let args = [command, "--search", "quadtree"].map(OsStr::new);
        let output = bench.run(args);
        assert_eq!(output.status.code(), Some(2), "{command}");
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        for word in words {
            assert!(message.contains(word), "{command}: {message}");
        }
    }
}

#[test]
fn the_picture_is_written_in_the_format_of_its_name() {
    let bench = Bench::new();
    let help = String::from_utf8(bench.run(["match", "--help"]).stdout).unwrap();
    for name in ["matches.png", "matches.jpg", "matches.gif"] {
        let ending = &name[name.len() - 4..];
        assert!(help.contains(&format!("{ending}, ")), "{ending}: {help}");
        let args = [
            OsStr::new("match"),
            example("box.jpg").as_os_str(),
            example("box_in_scene.jpg").as_os_str(),
            OsStr::new("-o"),
            OsStr::new(name),
        ]
        .map(OsStr::to_owned);
        assert_eq!(bench.run(args).status.code(), Some(0));
        let picture = image::open(bench.path(name)).unwrap();
        assert!(picture.width() > picture.height() && picture.height() > 300);
    }
}

#[test]
fn text_for_a_person_says_what_was_found() {
    let bench = Bench::new();
    let output = bench.run([
        OsStr::new("match"),
        example("box.jpg").as_os_str(),
        example("box_in_scene.jpg").as_os_str(),
    ]);
    let text = String::from_utf8(output.stdout).unwrap();
    for word in [
        "photo 1",
        "photo 2",
        "matches",
        "inliers",
        "times its size",
        "turned",
        "corners",
        "time",
        "yes",
    ] {
        assert!(text.contains(word), "no {word:?} in {text}");
    }
}

#[test]
fn bad_photos_fail_with_one_line_that_names_them() {
    let bench = Bench::new();
    let good = example("coffee.jpg");
    for name in [
        "empty.jpg",
        "text.jpg",
        "header_only.jpg",
        "truncated.png",
        "declares_60000x60000.png",
        "white_20000x20000.png",
        "missing.jpg",
    ] {
        let bad = data(name);
        assert_fails(
            &bench.run([OsStr::new("match"), bad.as_os_str(), good.as_os_str()]),
            &[name],
        );
        assert_fails(
            &bench.run([OsStr::new("match"), good.as_os_str(), bad.as_os_str()]),
            &[name],
        );
    }
    assert_fails(
        &bench.run([OsStr::new("match"), data("").as_os_str(), good.as_os_str()]),
        &["tests/data"],
    );
}

#[test]
fn photos_without_texture_are_a_no() {
    let bench = Bench::new();
    let made = |name: &str, value: &dyn Fn(u32, u32) -> u8| {
        let path = bench.path(name);
        let pixel = |x, y| image::Rgb([value(x, y); 3]);
        image::RgbImage::from_fn(640, 480, pixel)
            .save(&path)
            .unwrap();
        path
    };
    let black = made("black.png", &|_, _| 0);
    let black_too = made("black.jpg", &|_, _| 2);
    let noise = made("noise.png", &|x, y| ((x * 7919 + y * 104_729) % 3) as u8);
    let sky = made("sky.png", &|_, y| (100 + y / 4) as u8);
    for (a, b) in [
        (&black, &black),
        (&black, &black_too),
        (&black, &noise),
        (&sky, &sky),
    ] {
        let (code, object) = bench.match_json(a, b, &[]);
        assert_eq!((code, &object["num_inliers"]), (1, &Value::from(0)));
    }
}

#[test]
fn a_photo_without_features_is_a_no() {
    let bench = Bench::new();
    let (code, object) = bench.match_json(&data("one_pixel.png"), &example("coffee.jpg"), &[]);
    assert_eq!((code, &object["is_match"]), (1, &Value::Bool(false)));
}

#[cfg(unix)]
#[test]
fn a_path_that_is_not_utf8_works() {
    use std::os::unix::ffi::OsStrExt;
    let bench = Bench::new();
    let name = bench.folder.path().join(OsStr::from_bytes(b"caf\xe9.jpg"));
    if std::fs::copy(example("cat.jpg"), &name).is_err() {
        return; // This file system takes only UTF-8 names.
    }
    let (code, _) = bench.match_json(&name, &example("cat.jpg"), &["-o", "out.png"]);
    assert_eq!(code, 0);
    let missing = bench.folder.path().join(OsStr::from_bytes(b"\xff.jpg"));
    assert_fails(
        &bench.run([OsStr::new("match"), missing.as_os_str(), name.as_os_str()]),
        &[],
    );
}

#[cfg(unix)]
#[test]
fn a_file_without_permission_fails() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new();
    let path = bench.path("secret.jpg");
    std::fs::copy(example("cat.jpg"), &path).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::read(&path).is_ok() {
        return; // The superuser reads every file.
    }
    assert_fails(
        &bench.run([OsStr::new("match"), path.as_os_str(), path.as_os_str()]),
        &["secret.jpg"],
    );
}

#[test]
fn values_out_of_range_fail() {
    let bench = Bench::new();
    let photo = example("cat.jpg");
    for (knob, value) in [
        ("--max-features", "0"),
        ("--max-size", "1"),
        ("--scales", "0"),
        ("--scales", "nan"),
        ("--max-distance", "-1"),
        ("--ratio", "2"),
        ("--max-error-px", "0"),
        ("--min-inliers", "0"),
        ("--min-probability", "0"),
        ("--min-probability", "1"),
        ("--min-probability", "nan"),
    ] {
        let output = bench.run([
            OsStr::new("match"),
            photo.as_os_str(),
            photo.as_os_str(),
            OsStr::new(knob),
            OsStr::new(value),
        ]);
        assert_fails(&output, &[&format!("{knob}: ")]);
    }
}

#[test]
fn options_say_themselves_that_they_take_no_negative_number() {
    for (knob, value) in [("--max-size", "-3"), ("--seed", "-1")] {
        let output = Bench::new().run(["match", "a.jpg", "b.jpg", knob, value]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        let told = format!("error: invalid value '{value}' for '{knob} <");
        assert!(stderr.starts_with(&told), "{stderr}");
    }
}

#[test]
fn options_that_do_not_fit_memory_are_refused_with_the_number_of_bytes() {
    let bench = Bench::new();
    let photo = example("coffee.jpg");
    let folder = bench.path("photos");
    std::fs::create_dir(&folder).unwrap();
    std::fs::copy(&photo, folder.join("1.jpg")).unwrap();
    let too_large = ["--max-size", "8192", "--scales", "8"].map(OsStr::new);
    let words = ["--max-size: ", "8192", "137438953472 bytes"];
    for command in [
        ["match".as_ref(), photo.as_os_str(), photo.as_os_str()],
        ["search".as_ref(), photo.as_os_str(), folder.as_os_str()],
    ] {
        assert_fails(&bench.run(command.into_iter().chain(too_large)), &words);
    }
    for command in ["extract", "cluster"] {
        let out = ["-o", "out"].map(OsStr::new);
        let args = [OsStr::new(command), folder.as_os_str()].into_iter();
        assert_fails(&bench.run(args.chain(out).chain(too_large)), &words);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_photo_that_does_not_fit_memory_is_refused_with_the_number_of_bytes() {
    let bench = Bench::new();
    let photo = bench.path("large.png");
    image::RgbImage::new(4096, 4096).save(&photo).unwrap();
    let script =
        "ulimit -v 2000000; exec \"$0\" --threads 1 match \"$1\" \"$1\" --max-size 8192 --scales 1";
    let output = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_delfin")])
        .arg(&photo)
        .output()
        .unwrap();
    assert_fails(&output, &["--max-size: ", "2147483648 bytes"]);
}

#[test]
fn a_picture_that_cannot_be_written_fails() {
    let bench = Bench::new();
    let photo = example("cat.jpg");
    for (target, word) in [
        ("no/such/folder/m.png", "no/such/folder"),
        ("m.xyz", "m.xyz"),
        ("m", "m"),
    ] {
        let output = bench.run([
            OsStr::new("match"),
            photo.as_os_str(),
            photo.as_os_str(),
            OsStr::new("-o"),
            OsStr::new(target),
        ]);
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains(word));
    }
}

#[test]
fn more_threads_than_any_machine_has_are_refused() {
    for threads in ["0", "100000"] {
        let run = Bench::new().run(["model", "list", "--threads", threads]);
        assert_eq!(run.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&run.stderr).contains("--threads"));
    }
}

#[test]
fn a_flag_is_named_once_and_as_it_was_typed() {
    let bench = Bench::new();
    let kind = bench.run(["match", "a.jpg", "b.jpg", "--model-kind", "affin"]);
    let told = String::from_utf8_lossy(&kind.stderr).into_owned();
    assert!(
        told.contains("'--model-kind <KIND>': \"affin\" is not one of"),
        "{told}"
    );
    std::fs::create_dir_all(bench.path("in/photos")).unwrap();
    let to = bench.run(["organize", "in/photos", "--by", "prefix", "--to", "in"]);
    assert_fails(&to, &["--to: in holds the photos' folder"]);
}

#[test]
fn a_photo_is_not_written_over_by_its_own_match() {
    let bench = Bench::new();
    let copies = ["a.jpg", "b.jpg"].map(|name| bench.path(name));
    std::fs::copy(example("box.jpg"), &copies[0]).unwrap();
    std::fs::copy(example("box_in_scene.jpg"), &copies[1]).unwrap();
    let before = copies.each_ref().map(|path| std::fs::read(path).unwrap());
    for output in &copies {
        let run = bench.run([
            OsStr::new("match"),
            copies[0].as_os_str(),
            copies[1].as_os_str(),
            OsStr::new("-o"),
            output.as_os_str(),
        ]);
        assert_fails(&run, &["written over", output.to_str().unwrap()]);
    }
    assert_eq!(before, copies.map(|path| std::fs::read(path).unwrap()));
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_finds_no_room_fails() {
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let run = Command::new(env!("CARGO_BIN_EXE_delfin"))
        .args(["model", "list"])
        .stdout(full)
        .output()
        .unwrap();
    assert_fails(&run, &["standard output"]);
}

#[test]
fn extract_keeps_photos_of_the_same_name_apart() {
    let bench = Bench::new();
    for folder in ["in/a", "in/b"] {
        std::fs::create_dir_all(bench.path(folder)).unwrap();
    }
    std::fs::copy(example("cat.jpg"), bench.path("in/a/1.jpg")).unwrap();
    std::fs::copy(example("coffee.jpg"), bench.path("in/b/1.jpg")).unwrap();
    std::fs::write(bench.path("in/b/2.jpg"), "no photo").unwrap();
    let output = bench.run(["extract", "in", "-o", "out", "--max-features", "50"]);
    // What can be done is done, and the broken photo is named.
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("in/b/2.jpg"));
    let read = |name: &str| {
        delfin::formats::delf::decode(&std::fs::read(bench.path(name)).unwrap()).unwrap()
    };
    let (a, b) = (read("out/a/1.jpg.delf"), read("out/b/1.jpg.delf"));
    assert_eq!((a.0.len(), b.0.len()), (50, 50));
    assert_ne!(a.1, b.1);

    let output = bench.run(["extract", "in/a/1.jpg", "-o", "out", "--format", "json"]);
    assert_eq!(output.status.code(), Some(0));
    let object: Value =
        serde_json::from_slice(&std::fs::read(bench.path("out/1.jpg.json")).unwrap()).unwrap();
    assert_eq!(object["width"], 451);
    assert_eq!(
        object["keypoints"].as_array().unwrap().len(),
        object["descriptors"].as_array().unwrap().len()
    );
}

#[test]
fn extract_does_the_others_where_a_path_is_missing() {
    let bench = Bench::new();
    std::fs::create_dir(bench.path("in")).unwrap();
    std::fs::copy(example("cat.jpg"), bench.path("in/1.jpg")).unwrap();
    let output = bench.run(["extract", "nope.jpg", "in/1.jpg", "-o", "out"]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(
        told.contains("nope.jpg: ") && told.contains("1 of 2 photos failed"),
        "{told}"
    );
    // The missing photo counts for the names of the others.
    assert!(bench.path("out/in/1.jpg.delf").is_file());
    let missing = bench.run(["extract", "nope.jpg", "-o", "none"]);
    assert_fails(&missing, &["nope.jpg: "]);
    let missing = bench.run(["extract", "nope.jpg", "no.jpg", "-o", "none"]);
    let told = String::from_utf8_lossy(&missing.stderr).into_owned();
    assert_eq!(missing.status.code(), Some(2), "{told}");
    assert!(
        told.contains("nope.jpg: ") && told.contains("no.jpg: "),
        "{told}"
    );
    assert!(!bench.path("none").exists());
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("gone.jpg", bench.path("link.jpg")).unwrap();
        let dangling = bench.run(["extract", "link.jpg", "-o", "none"]);
        assert_fails(&dangling, &["link.jpg: a link that leads nowhere"]);
    }
}

#[test]
fn models_are_listed_and_described() {
    let bench = Bench::new();
    let list = String::from_utf8(bench.run(["model", "list"]).stdout).unwrap();
    assert!(list.contains("(default)"));
    let info = String::from_utf8(bench.run(["model", "info"]).stdout).unwrap();
    for word in ["sha256", "licence", "stride", "descriptors", "global"] {
        assert!(info.contains(word), "no {word:?} in {info}");
    }
    assert_fails(&bench.run(["model", "info", "nothing"]), &["nothing"]);
}

#[test]
fn completions_and_manual_come_from_the_same_definition() {
    let bench = Bench::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = String::from_utf8(bench.run(["completions", shell]).stdout).unwrap();
        assert!(script.contains("max-features"), "{shell}");
    }
    let page = String::from_utf8(bench.run(["man"]).stdout).unwrap();
    assert!(page.contains(".TH"));
    assert_eq!(bench.run(["man", "-o", "man"]).status.code(), Some(0));
    assert!(bench.path("man/delfin-match.1").exists());
}
