//! DELF's own commands with their own flags, in a temporary folder.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use delfin::formats::delf::{DelfFeature, DelfFile};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    /// A folder with the small network's archive and a configuration.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let archive = root().join("tests/data/delf_small.tar.gz");
        std::fs::copy(archive, folder.path().join("delf_small.tar.gz")).unwrap();
        let bench = Self { folder };
        let config = r#"model_path: "delf_small.tar.gz"
            image_scales: .7071 image_scales: 1.0
            delf_local_config { use_pca: false max_feature_num: 30 score_threshold: 0 }"#;
        bench.write("config.pbtxt", config);
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Copies an example photo.
    fn photo(&self, example: &str, name: &str) {
        let bytes = std::fs::read(root().join("examples/images").join(example)).unwrap();
        self.write(name, bytes);
    }

    fn run(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_delfin"))
            .args(args)
            .current_dir(self.folder.path())
            .output()
            .unwrap()
    }

    fn extract(&self, config: &str, list: &str) -> Output {
        self.run(&[
            "delf",
            "extract_features",
            "--config_path",
            config,
            "--list_images_path",
            list,
            "--output_dir",
            "out",
        ])
    }

    fn match_images(&self, image2: &str, features2: &str, more: &[&str]) -> Output {
        let args = [
            "delf",
            "match_images",
            "--image_1_path",
            "1.jpg",
            "--image_2_path",
            image2,
            "--features_1_path",
            "1.delf",
            "--features_2_path",
            features2,
            "--output_image",
            "match.png",
        ];
        self.run(&[&args, more].concat())
    }

    fn features(&self, name: &str) -> DelfFile {
        let path = self.path(name);
        DelfFile::decode(&std::fs::read(&path).unwrap(), &path)
            .unwrap()
            .value
    }

    fn has_partial_files(&self) -> bool {
        let mut entries = std::fs::read_dir(self.path("")).unwrap();
        entries.any(|entry| {
            entry
                .unwrap()
                .file_name()
                .to_string_lossy()
                .contains("partial")
        })
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn assert_fails(output: &Output, words: &[&str]) {
    let stderr = stderr(output);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    for word in words {
        assert!(stderr.contains(word), "no {word:?} in {stderr}");
    }
}

#[test]
fn photos_of_one_name_get_files_of_their_own() {
    let bench = Bench::new();
    bench.photo("box.jpg", "a/1.jpg");
    bench.photo("coffee.jpg", "b/1.jpg");
    bench.photo("box_in_scene.jpg", "b/2.jpg");
    bench.write("list.txt", "a/1.jpg\nb/1.jpg\n\n  b/2.jpg  \n");
    let output = bench.extract("config.pbtxt", "list.txt");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let (a, b) = (
        bench.features("out/a/1.delf"),
        bench.features("out/b/1.delf"),
    );
    assert_ne!(a, b);
    assert!(bench.path("out/2.delf").exists());
    assert_eq!(a.features[0].descriptor.len(), 32);
    assert!(a.features.len() <= 30 && a.features.len() > 5);
    // The file's scale is one over the pyramid's.
    let is_scale = |f: &DelfFeature| f.scale == 1.0 || (1.414..1.415).contains(&f.scale);
    assert!(a.features.iter().all(is_scale));
    assert!(
        a.features
            .windows(2)
            .all(|f| f[0].strength >= f[1].strength)
    );
    // What is there stays, and is said to.
    bench.write("out/2.delf", "kept");
    let again = bench.extract("config.pbtxt", "list.txt");
    assert_eq!(again.status.code(), Some(0));
    assert_eq!(
        String::from_utf8_lossy(&again.stdout)
            .matches("skipped")
            .count(),
        3
    );
    assert_eq!(std::fs::read(bench.path("out/2.delf")).unwrap(), b"kept");
}

#[test]
fn a_photo_that_is_missing_is_named_and_the_others_are_done() {
    let bench = Bench::new();
    bench.photo("box.jpg", "1.jpg");
    bench.write("broken.jpg", "no photo");
    bench.write("list.txt", "missing.jpg\n1.jpg\nbroken.jpg\n");
    assert_fails(
        &bench.extract("config.pbtxt", "list.txt"),
        &["missing.jpg", "broken.jpg", "2 of 3 photos failed"],
    );
    assert!(bench.path("out/1.delf").exists());
    assert_eq!(std::fs::read_dir(bench.path("out")).unwrap().count(), 1);
    for (list, word) in [
        ("", "names no photo"),
        ("1.jpg\n1.jpg", "twice"),
        ("..", "not the path"),
    ] {
        bench.write("list.txt", list);
        assert_fails(&bench.extract("config.pbtxt", "list.txt"), &[word]);
    }
    assert_fails(&bench.extract("config.pbtxt", "none.txt"), &["none.txt"]);
    assert_fails(&bench.extract("none.pbtxt", "list.txt"), &["none.pbtxt"]);
}

#[test]
fn configurations_that_do_not_fit_are_errors_that_name_the_line() {
    let bench = Bench::new();
    bench.photo("box.jpg", "1.jpg");
    bench.write("list.txt", "1.jpg");
    for (config, words) in [
        (
            "model_path: 'delf_small.tar.gz' image_scales: 1",
            &["use_pca is true, but pca_dim"][..],
        ),
        (
            "image_scales: 1 delf_local_config { use_pca: false }",
            &["model_path is not given"],
        ),
        (
            "model_path: 'none' delf_local_config { use_pca: false }",
            &["none"],
        ),
        (
            "model_path: 'list.txt' delf_local_config { use_pca: false }",
            &["list.txt", "archive"],
        ),
        (
            "model_path: 'delf_small.tar.gz' delf_local_config { use_pca: false }",
            &["scales"],
        ),
        ("\nmodel_paht: 'x'", &["bad.pbtxt: line 2", "model_paht"]),
        ("use_local_features: false", &["nothing to extract"]),
        (
            "model_path: 'delf_small.tar.gz' image_scales: 1 delf_local_config { pca_parameters {
                mean_path: 'm' projection_matrix_path: 'p' pca_dim: 4 } }",
            &["m: "],
        ),
    ] {
        bench.write("bad.pbtxt", config);
        assert_fails(&bench.extract("bad.pbtxt", "list.txt"), words);
        assert!(!bench.path("out").exists(), "{config}");
    }
}

#[test]
fn what_a_configuration_asks_for_in_vain_is_named() {
    let bench = Bench::new();
    bench.photo("box.jpg", "1.jpg");
    bench.write("list.txt", "1.jpg");
    let config = r#"model_path: "delf_small.tar.gz" image_scales: 1 use_global_features: true
        delf_global_config { use_pca: false }
        delf_local_config { use_pca: false score_threshold: 0 iou_threshold: 0.5 layer_name: "conv9" }"#;
    bench.write("more.pbtxt", config);
    let output = bench.extract("more.pbtxt", "list.txt");
    assert_eq!(output.status.code(), Some(0));
    for word in [
        "use_global_features",
        "delf_global_config",
        "iou_threshold 0.5",
        "`conv9`",
    ] {
        assert!(stderr(&output).contains(word), "{}", stderr(&output));
    }
}

#[test]
fn sizes_and_coordinates_follow_the_configuration() {
    let bench = Bench::new();
    bench.photo("box.jpg", "1.jpg");
    bench.write("list.txt", "1.jpg");
    let run = |more: &str, local: &str| {
        let config = format!(
            "model_path: 'delf_small.tar.gz' image_scales: 1 {more}
             delf_local_config {{ use_pca: false score_threshold: 0 {local} }}"
        );
        bench.write("size.pbtxt", config);
        let _ = std::fs::remove_dir_all(bench.path("out"));
        let output = bench.extract("size.pbtxt", "list.txt");
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        bench.features("out/1.delf").features
    };
    let cells = |side: u32| side.div_ceil(32) as usize;
    // The photo has 324 x 223 pixels.
    assert_eq!(run("", "").len(), cells(324) * cells(223));
    assert_eq!(
        run("max_image_size: 162", "").len(),
        cells(162) * cells(112)
    );
    assert_eq!(
        run("min_image_size: 648", "").len(),
        cells(648) * cells(446)
    );
    assert_eq!(run("use_square_images: true", "").len(), cells(324).pow(2));
    let reduced = run("max_image_size: 162", "use_resized_coordinates: true");
    let original = run("max_image_size: 162", "");
    assert!(
        original
            .iter()
            .zip(&reduced)
            .all(|(o, r)| (o.x - r.x * 2.0).abs() < 1e-3)
    );
    assert!(reduced.iter().all(|f| f.x < 162.0) && original.iter().any(|f| f.x > 162.0));
}

#[test]
fn model_import_writes_a_network_that_runs() {
    let bench = Bench::new();
    let output = bench.run(&[
        "model",
        "import",
        "delf_small.tar.gz",
        "-o",
        "models",
        "--config",
        "config.pbtxt",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let info = bench.run(&["model", "info", "models/delf_small.onnx"]);
    let text = String::from_utf8_lossy(&info.stdout).into_owned();
    for word in [
        "stride 32 px",
        "32 numbers",
        "scales 0.7071,1,",
        "30 keypoints",
    ] {
        assert!(text.contains(word), "{text}");
    }
    // The imported file serves as model_path too.
    bench.photo("box.jpg", "1.jpg");
    bench.write("list.txt", "1.jpg");
    let imported = std::fs::read_to_string(bench.path("config.pbtxt")).unwrap();
    bench.write(
        "onnx.pbtxt",
        imported.replace("delf_small.tar.gz", "models/delf_small.onnx"),
    );
    assert_eq!(
        bench.extract("onnx.pbtxt", "list.txt").status.code(),
        Some(0)
    );
    let from_onnx = bench.features("out/1.delf");
    std::fs::remove_file(bench.path("out/1.delf")).unwrap();
    bench.extract("config.pbtxt", "list.txt");
    assert_eq!(bench.features("out/1.delf"), from_onnx);
    bench.write(
        "cut.tar.gz",
        &std::fs::read(bench.path("delf_small.tar.gz")).unwrap()[..9000],
    );
    assert_fails(
        &bench.run(&["model", "import", "cut.tar.gz", "-o", "cut"]),
        &["cut.tar.gz"],
    );
    assert!(!bench.path("cut").exists());
}

#[test]
fn extract_writes_over_nothing_of_others() {
    let bench = Bench::new();
    bench.photo("box.jpg", "photos/1.jpg");
    let extract = |more: &[&str]| {
        let args = ["extract", "photos", "-o", "photos", "--max-size", "200"];
        bench.run(&[&args, more].concat())
    };
    // As a photo service exports its notes about a photo.
    bench.write("photos/1.jpg.json", r#"{"title": "1.jpg"}"#);
    let read = |name: &str| std::fs::read(bench.path(name)).unwrap();
    let json = ["--format", "json"];
    let refused = extract(&json);
    assert_fails(&refused, &["1.jpg.json", "not made by delfin", "--force"]);
    assert_eq!(read("photos/1.jpg.json"), br#"{"title": "1.jpg"}"#);
    for more in [&["--format", "json", "--force"][..], &json] {
        let output = extract(more);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(read("photos/1.jpg.json").len() > 1000);
    }
    // DELF's files say nothing of who made them: one that is there stays.
    bench.write("photos/1.jpg.delf", "theirs");
    let output = extract(&[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("is there already"), "{said}");
    assert_eq!(read("photos/1.jpg.delf"), b"theirs");
    assert_eq!(extract(&["--force"]).status.code(), Some(0));
    assert!(!bench.features("photos/1.jpg.delf").features.is_empty());
}

/// Features on a grid whose descriptors tell them apart, moved by (dx, dy).
fn grid(dx: f32, dy: f32) -> DelfFile {
    let feature = |i: usize| {
        let mut descriptor = vec![0.0; 40];
        descriptor[i] = 1.0;
        DelfFeature {
            descriptor,
            x: (i % 8) as f32 * 30.0 + dx,
            y: (i / 8) as f32 * 30.0 + dy,
            scale: 1.0,
            orientation: 0.0,
            strength: 1.0,
        }
    };
    DelfFile {
        features: (0..40).map(feature).collect(),
    }
}

#[test]
fn two_files_are_matched_and_drawn() {
    let bench = Bench::new();
    bench.photo("box.jpg", "1.jpg");
    bench.photo("box_in_scene.jpg", "2.jpg");
    bench.write("1.delf", grid(0.0, 0.0).encode());
    bench.write("2.delf", grid(50.0, 20.0).encode());
    let output = bench.match_images("2.jpg", "2.delf", &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(
        text,
        "Loaded image 1's 40 features\nLoaded image 2's 40 features\nFound 40 inliers\n"
    );
    assert!(image::open(bench.path("match.png")).is_ok());
    let output = bench.match_images("2.jpg", "2.delf", &["--json"]);
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(object["matches"].as_array().unwrap().len(), 40);
    assert_eq!(object["inliers"][7], serde_json::json!([7, 7]));
}

#[test]
fn files_that_do_not_match_are_a_no_and_broken_ones_an_error() {
    let bench = Bench::new();
    bench.photo("box.jpg", "1.jpg");
    bench.write("1.delf", grid(0.0, 0.0).encode());
    let mut far = grid(0.0, 0.0);
    far.features
        .iter_mut()
        .for_each(|f| f.descriptor = vec![-9.0; 40]);
    bench.write("far.delf", far.encode());
    bench.write("empty.delf", []);
    for name in ["far.delf", "empty.delf"] {
        let output = bench.match_images("1.jpg", name, &[]);
        // An empty file says nothing of the length of its descriptors.
        assert_eq!(output.status.code(), Some(1), "{name}: {}", stderr(&output));
        assert!(String::from_utf8_lossy(&output.stdout).contains("Found 0 inliers"));
    }
    std::fs::remove_file(bench.path("match.png")).unwrap();
    let whole = grid(0.0, 0.0).encode();
    bench.write("cut.delf", &whole[..whole.len() - 1]);
    bench.write("text.delf", "this is no feature file");
    let mut short = grid(0.0, 0.0);
    short.features[3].descriptor.pop();
    bench.write("short.delf", short.encode());
    let mut other = grid(0.0, 0.0);
    other
        .features
        .iter_mut()
        .for_each(|f| f.descriptor = vec![0.0; 8]);
    bench.write("other.delf", other.encode());
    for (name, word) in [
        ("cut.delf", "cut.delf"),
        ("text.delf", "text.delf: not a .delf file"),
        ("short.delf", "feature 3"),
        ("other.delf", "40"),
        ("none.delf", "none.delf"),
    ] {
        assert_fails(&bench.match_images("1.jpg", name, &[]), &[word]);
    }
    assert_fails(
        &bench.match_images("none.jpg", "far.delf", &[]),
        &["none.jpg"],
    );
    assert!(!bench.path("match.png").exists());
    assert!(!bench.has_partial_files());
    // What is read but not used is said.
    let mut turned = grid(0.0, 0.0);
    turned.features[0].orientation = 1.0;
    bench.write("turned.delf", [turned.encode(), vec![0x12, 0]].concat());
    let notes = stderr(&bench.match_images("1.jpg", "turned.delf", &[]));
    assert!(
        notes.contains("orientations") && notes.contains("DelfFeatures field 2"),
        "{notes}"
    );
}
