//! The model contract: what fits its manifest runs, what does not is an error that says why.

use std::path::{Path, PathBuf};

use delfin::extract::{
    ExtractionOptions, Manifest, Model, embedded_manifest, extract, extract_global,
};
use delfin::image::{DecodeOptions, Photo};
use sha2::{Digest, Sha256};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn manifest_text() -> String {
    std::fs::read_to_string(root().join("models/manifest.toml")).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// A folder with the default network and a manifest changed by `edit`; what opening and running
/// it says.
fn opened_with(edit: impl Fn(&str) -> String) -> delfin::Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let default = embedded_manifest().unwrap();
    let file = &default
        .models
        .iter()
        .find(|m| m.name == default.default)
        .unwrap()
        .file;
    let path: PathBuf = folder.path().join(file);
    std::fs::copy(root().join("models").join(file), &path).unwrap();
    std::fs::write(folder.path().join("manifest.toml"), edit(&manifest_text())).unwrap();
    let model = Model::open(&path)?;
    let photo = Photo::from_pixels(image::RgbImage::new(64, 64), "black")?;
    let options = ExtractionOptions {
        max_size: 64,
        scales: vec![1.0],
        ..ExtractionOptions::default()
    };
    extract(&model, &photo, &options).map(|_| ())
}

/// Replaces the one line of the manifest that begins with `key`.
fn with_line(key: &str, line: &str) -> impl Fn(&str) -> String {
    move |text| {
        assert!(
            text.lines().any(|l| l.starts_with(key)),
            "the manifest has no {key}"
        );
        let lines: Vec<&str> = text
            .lines()
            .map(|l| if l.starts_with(key) { line } else { l })
            .collect();
        lines.join("\n")
    }
}

#[test]
fn every_model_file_has_an_entry_with_its_hash() {
    let manifest = Manifest::open(&root().join("models/manifest.toml")).unwrap();
    assert_eq!(manifest, embedded_manifest().unwrap());
    let mut files: Vec<String> = std::fs::read_dir(root().join("models"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".onnx"))
        .collect();
    files.sort();
    let mut named: Vec<&str> = manifest.models.iter().map(|m| m.file.as_str()).collect();
    named.sort_unstable();
    assert_eq!(files, named);
    for model in &manifest.models {
        let bytes = std::fs::read(root().join("models").join(&model.file)).unwrap();
        assert_eq!(hex(&Sha256::digest(&bytes)), model.sha256, "{}", model.file);
        assert!(
            bytes.len() <= 6 << 20,
            "{}: {} bytes",
            model.file,
            bytes.len()
        );
    }
}

#[test]
fn a_network_that_was_replaced_meanwhile_is_not_handed_on() {
    let folder = tempfile::tempdir().unwrap();
    let copy = |name: &str| {
        let to = folder.path().join(name);
        std::fs::copy(root().join("models").join(name), &to).unwrap();
        to
    };
    copy("manifest.toml");
    let path = copy("delfin-lite0.onnx");
    let model = Model::open(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert!(*model.onnx().unwrap() == bytes[..]);
    std::fs::write(&path, &bytes[1..]).unwrap();
    let message = model.onnx().unwrap_err().to_string();
    assert!(message.contains("its sha256 is"), "{message}");
}

#[test]
fn the_judgement_has_an_entry_with_its_hash() {
    let entry = embedded_manifest().unwrap().judgement.unwrap();
    let bytes = std::fs::read(root().join("models").join(&entry.file)).unwrap();
    assert_eq!(hex(&Sha256::digest(&bytes)), entry.sha256);
    // Three fits of about 230 KB each, and what differences add, 60 KB; the network has 4.9 MB.
    assert!(bytes.len() <= 13 << 16, "{} bytes", bytes.len());
}

#[test]
fn the_options_defaults_are_those_of_the_default_network() {
    let model = Model::embedded().unwrap();
    let options = model.match_options();
    assert_eq!(options, delfin::MatchOptions::default());
}

#[test]
fn the_embedded_network_and_its_file_are_the_same() {
    let embedded = Model::embedded().unwrap();
    let opened = Model::open(root().join("models").join(&embedded.manifest().file)).unwrap();
    let photo = Photo::open(
        root().join("examples/images/coffee.jpg"),
        &DecodeOptions::default(),
    )
    .unwrap();
    let options = ExtractionOptions {
        max_features: 100,
        ..ExtractionOptions::default()
    };
    let features = extract(&embedded, &photo, &options).unwrap();
    assert_eq!(features, extract(&opened, &photo, &options).unwrap());
    assert_eq!(features.keypoints().len(), 100);
    for index in 0..100 {
        let squares: f32 = features
            .descriptors()
            .row(index)
            .iter()
            .map(|v| v * v)
            .sum();
        assert!((squares - 1.0).abs() < 1e-5);
    }
    assert!(
        features
            .keypoints()
            .windows(2)
            .all(|pair| pair[0].score >= pair[1].score)
    );
    assert!(
        features
            .global()
            .is_some_and(|g| g.iter().any(|v| *v != 0.0))
    );
}

#[test]
fn the_global_descriptor_alone_is_that_beside_the_grids() {
    let model = Model::embedded().unwrap();
    let path = root().join("examples/images/coffee.jpg");
    let photo = Photo::open(path, &DecodeOptions::default()).unwrap();
    let options = ExtractionOptions {
        max_size: 128,
        scales: vec![1.0],
        ..ExtractionOptions::default()
    };
    let beside = extract(&model, &photo, &options).unwrap();
    let beside = beside.global().unwrap();
    let alone = extract_global(&model, &photo, 128).unwrap().unwrap();
    assert_eq!(alone.len(), beside.len());
    let largest = beside.iter().fold(0.0, |largest: f32, v| largest.max(*v));
    for (a, b) in alone.iter().zip(beside) {
        assert!((a - b).abs() <= 1e-6 * largest, "{a} and {b}");
    }
    let smaller = extract_global(&model, &photo, 96).unwrap().unwrap();
    assert_ne!(alone, smaller);
    assert!(extract_global(&model, &photo, 1).is_err());
    // Of several scales it is the one nearest to 0.7.
    let options = ExtractionOptions {
        scales: vec![1.0, 0.75, 0.5],
        ..options
    };
    let of_scales = extract(&model, &photo, &options).unwrap();
    for (a, b) in of_scales.global().unwrap().iter().zip(&smaller) {
        assert!((a - b).abs() <= 1e-6 * largest, "{a} and {b}");
    }
}

#[test]
fn an_unchanged_copy_runs() {
    opened_with(str::to_owned).unwrap();
}

#[test]
fn a_network_that_is_not_as_described_is_refused() {
    let zeros = format!("sha256 = \"{}\"", "0".repeat(64));
    for (key, line, words) in [
        ("sha256", zeros.as_str(), &["sha256"][..]),
        (
            "file",
            "file = \"other.onnx\"",
            &["manifest.toml", "no model has the file"],
        ),
        (
            "descriptors",
            "descriptors = \"nothing\"",
            &["no output `nothing`"],
        ),
        (
            "attention",
            "attention = \"descriptors\"",
            &["`descriptors`", "[1, 1, "],
        ),
        (
            "global",
            "global = \"attention\"",
            &["`attention`", "[1, G]"],
        ),
        ("stride", "stride = 0.0", &["grid.stride"]),
        ("stride", "stride = nan", &["grid.stride"]),
        ("version", "version = 2", &["version 2"]),
        ("default", "default = \"none\"", &["no model `none`"]),
        ("std", "std = [1.0, 0.0, 1.0]", &["input.std"]),
        ("size_multiple", "size_multiple = 0", &["size_multiple"]),
        ("scales", "scales = []", &["scales"]),
        ("layout", "layout = \"nchw2\"", &["nchw2"]),
        ("name = \"image\"", "name = \"pixels\"", &["`pixels`"]),
    ] {
        let message = opened_with(with_line(key, line)).unwrap_err().to_string();
        for word in words {
            assert!(message.contains(word), "{line}: no {word:?} in {message}");
        }
        assert_eq!(message.lines().count(), 1, "{message}");
    }
}

#[test]
fn a_file_that_is_no_network_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = b"not an ONNX file";
    std::fs::write(folder.path().join("x.onnx"), bytes).unwrap();
    assert!(Model::open(folder.path().join("missing.onnx")).is_err());
    let missing_manifest = Model::open(folder.path().join("x.onnx")).unwrap_err();
    for words in [
        "manifest.toml: not there",
        "`delfin model import`",
        "models/README.md",
    ] {
        assert!(
            missing_manifest.to_string().contains(words),
            "{missing_manifest}"
        );
    }

    let default = embedded_manifest().unwrap();
    let entry = default
        .models
        .iter()
        .find(|m| m.name == default.default)
        .unwrap();
    let text = manifest_text()
        .replace(&entry.file, "x.onnx")
        .replace(&entry.sha256, &hex(&Sha256::digest(bytes)));
    std::fs::write(folder.path().join("manifest.toml"), text).unwrap();
    let message = Model::open(folder.path().join("x.onnx"))
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("x.onnx") && message.contains("network"),
        "{message}"
    );
}
