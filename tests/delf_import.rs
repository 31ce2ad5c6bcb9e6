//! DELF's networks: what is imported does what TensorFlow does, and what is broken is an error.
//!
//! `delf_small.tar.gz` is DELF's own graph with a thirty-second of the channels and random weights;
//! `delf_small.json` is what TensorFlow made of a photo with it. Both are written by
//! `benches/compare/delf_parity.py --fixture`.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use delfin::extract::import::{ImportOptions, PcaSource, import_saved_model};
use delfin::extract::{ExtractionOptions, Model, extract};
use delfin::formats::datum::Datum;
use delfin::image::{DecodeOptions, Photo};
use serde_json::Value;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

fn options() -> ImportOptions {
    ImportOptions {
        pca: PcaSource::Beside {
            dim: 8,
            whiten: false,
        },
        ..ImportOptions::default()
    }
}

/// The files of the small archive.
fn small() -> BTreeMap<String, Vec<u8>> {
    let file = std::fs::File::open(data("delf_small.tar.gz")).unwrap();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        (entry.path().unwrap().display().to_string(), bytes)
    });
    entries.collect()
}

/// An archive of these files; names are written as they are.
fn archive(files: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let mut builder = tar::Builder::new(flate2::write::GzEncoder::new(
        Vec::new(),
        flate2::Compression::fast(),
    ));
    for (name, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append(&header, &bytes[..]).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

/// What importing an archive of these bytes says.
fn said(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("delf.tar.gz");
    std::fs::write(&path, bytes).unwrap();
    let message = import_saved_model(&path, &options())
        .unwrap_err()
        .to_string();
    assert!(
        message.starts_with(&path.display().to_string()),
        "{message}"
    );
    assert_eq!(message.lines().count(), 1, "{message}");
    message
}

fn said_with(change: impl Fn(&mut BTreeMap<String, Vec<u8>>)) -> String {
    let mut files = small();
    change(&mut files);
    said(&archive(&files))
}

const GRAPH: &str = "delf_small/model/saved_model.pb";
const INDEX: &str = "delf_small/model/variables/variables.index";
const VALUES: &str = "delf_small/model/variables/variables.data-00000-of-00001";
const MEAN: &str = "delf_small/pca/mean.datum";
const MATRIX: &str = "delf_small/pca/pca_proj_mat.datum";

fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_f64().unwrap())
        .collect()
}

/// Compares what `model` makes of the photo with what TensorFlow made of it.
fn assert_as_tensorflow(model: &Model) {
    let text = std::fs::read_to_string(data("delf_small.json")).unwrap();
    let recorded: Value = serde_json::from_str(&text).unwrap();
    let photo = Photo::open(
        data(recorded["photo"].as_str().unwrap()),
        &DecodeOptions::default(),
    )
    .unwrap();
    let options = ExtractionOptions {
        max_size: 1024,
        scales: numbers(&recorded["scales"])
            .iter()
            .map(|s| *s as f32)
            .collect(),
        max_features: recorded["max_features"].as_u64().unwrap() as usize,
        min_attention: recorded["min_attention"].as_f64().unwrap() as f32,
    };
    let features = extract(model, &photo, &options).unwrap();
    let (x, y) = (numbers(&recorded["x"]), numbers(&recorded["y"]));
    let (inverse, score) = (
        numbers(&recorded["inverse_scale"]),
        numbers(&recorded["score"]),
    );
    assert!(x.len() > 10);
    assert_eq!(features.keypoints().len(), x.len());
    for (index, keypoint) in features.keypoints().iter().enumerate() {
        let near = |found: f32, expected: f64, tolerance: f64| {
            let distance = (f64::from(found) - expected).abs();
            assert!(
                distance <= tolerance,
                "{index}: {found} instead of {expected}"
            );
        };
        near(keypoint.x, x[index], 1e-3);
        near(keypoint.y, y[index], 1e-3);
        near(1.0 / keypoint.scale, inverse[index], 1e-5);
        near(keypoint.score, score[index], 1e-3 * score[index]);
        let descriptor = numbers(&recorded["descriptors"][index]);
        let found = features.descriptors().row(index);
        assert_eq!(found.len(), descriptor.len());
        for (found, expected) in found.iter().zip(descriptor) {
            near(*found, expected, 1e-3);
        }
    }
}

#[test]
fn an_imported_network_does_what_tensorflow_does() {
    let imported = import_saved_model(&data("delf_small.tar.gz"), &options()).unwrap();
    let entry = &imported.manifest;
    assert_eq!(
        (entry.input.mean, entry.input.std),
        ([128.0; 3], [128.0; 3])
    );
    assert_eq!((entry.grid.stride, entry.grid.offset), (32.0, 0.0));
    let delf = entry.delf.as_ref().unwrap();
    assert_eq!((delf.box_side, delf.max_overlap), (290.0, 1.0));
    assert_eq!(delf.layer, "resnet_v1_50/block3/unit_6/bottleneck_v1/Relu");

    // What is written is what runs.
    let folder = tempfile::tempdir().unwrap();
    let path = imported.write(&folder.path().join("new")).unwrap();
    assert_as_tensorflow(&Model::open(path).unwrap());
    assert_as_tensorflow(&imported.into_model(Path::new("delf")).unwrap());
}

#[test]
fn folders_and_archives_give_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in small() {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let whole = import_saved_model(&data("delf_small.tar.gz"), &options()).unwrap();
    for name in ["", "delf_small", "delf_small/model"] {
        let imported = import_saved_model(&folder.path().join(name), &options()).unwrap();
        assert_eq!(imported.onnx, whole.onnx, "{name}");
    }
}

#[test]
fn the_pca_is_the_one_that_is_asked_for() {
    let descriptors = |pca: PcaSource| {
        let options = ImportOptions { pca, ..options() };
        let imported = import_saved_model(&data("delf_small.tar.gz"), &options)?;
        let shapes = imported.into_model(Path::new("delf"))?.output_shapes()?;
        delfin::Result::Ok(shapes.descriptor_dim)
    };
    let beside = |dim, whiten| PcaSource::Beside { dim, whiten };
    assert_eq!(descriptors(PcaSource::None).unwrap(), 32);
    assert_eq!(descriptors(beside(5, false)).unwrap(), 5);
    for (pca, reason) in [
        (beside(0, false), "pca_dim"),
        (beside(33, false), "[33 or more, 32]"),
        (beside(8, true), "pca_vars.datum is missing"),
    ] {
        let message = descriptors(pca).unwrap_err().to_string();
        assert!(message.contains(reason), "{message}");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let write = |name: &str, shape: &[usize], value: f32| {
        let values = vec![value; shape.iter().product()];
        let shape = shape.to_vec();
        std::fs::write(path(name), Datum { shape, values }.encode()).unwrap();
    };
    write("mean", &[1, 32], 0.0);
    write("matrix", &[4, 32], 1.0);
    write("short", &[1, 31], 1.0);
    write("variances", &[4], 4.0);
    write("zero", &[4], 0.0);
    let files = |mean: &str, projection: &str, variances: &str| PcaSource::Files {
        mean: path(mean),
        projection: path(projection),
        variances: Some(path(variances)),
        dim: 4,
    };
    assert_eq!(
        descriptors(files("mean", "matrix", "variances")).unwrap(),
        4
    );
    for (pca, reason) in [
        (
            files("short", "matrix", "variances"),
            "the mean has 31 numbers, the features 32",
        ),
        (files("mean", "mean", "variances"), "shape [1, 32]"),
        (files("mean", "matrix", "zero"), "variances above 0"),
        (files("none", "matrix", "zero"), "none"),
    ] {
        let message = descriptors(pca).unwrap_err().to_string();
        assert!(message.contains(reason), "{message}");
    }
}

#[test]
fn archives_that_are_cut_off_or_none_are_refused() {
    let whole = std::fs::read(data("delf_small.tar.gz")).unwrap();
    for end in [0, 1, 100, whole.len() / 2, whole.len() - 9, whole.len() - 1] {
        assert!(
            said(&whole[..end]).contains("not a whole .tar.gz archive"),
            "{end}"
        );
    }
    assert!(said(b"this is no archive at all").contains("not a whole"));
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    assert!(said(&flipped).contains("not a whole"));
    // A whole gzip file around half an archive.
    let mut files = Vec::new();
    flate2::read::GzDecoder::new(&whole[..])
        .read_to_end(&mut files)
        .unwrap();
    files.truncate(files.len() / 2);
    let mut zipped = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    zipped.write_all(&files).unwrap();
    let message = said(&zipped.finish().unwrap());
    assert!(
        message.contains("not a whole") || message.contains("it ends within"),
        "{message}"
    );
}

#[test]
fn paths_that_lead_outside_are_refused() {
    for name in [
        "../saved_model.pb",
        "a/../../mean.datum",
        "/etc/mean.datum",
        "../x",
    ] {
        let message = said_with(|files| {
            files.insert(name.into(), b"x".to_vec());
        });
        assert!(message.contains("leads outside"), "{message}");
        assert!(message.contains(name), "{message}");
    }
}

#[test]
fn files_that_are_missing_or_broken_are_named() {
    for (name, reason) in [
        (GRAPH, "it holds no saved_model.pb"),
        (INDEX, "variables.index is missing"),
        (VALUES, "variables.data-00000-of-00001 is missing"),
        (MEAN, "mean.datum is missing"),
        (MATRIX, "pca_proj_mat.datum is missing"),
    ] {
        let message = said_with(|files| drop(files.remove(name)));
        assert!(message.contains(reason), "{message}");
    }
    let message = said_with(|files| {
        let graph = files[GRAPH].clone();
        files.insert("other/saved_model.pb".into(), graph);
    });
    assert!(message.contains("several networks"), "{message}");
    let cut = |name: &'static str| {
        said_with(|files| {
            let bytes = files.get_mut(name).unwrap();
            bytes.truncate(bytes.len() / 2);
        })
    };
    assert!(cut(GRAPH).contains("not a SavedModel"));
    assert!(cut(INDEX).contains("variables.index: it does not end with a table's magic number"));
    assert!(cut(VALUES).contains("but the data have"));
    let message = said_with(|files| {
        let index = files.get_mut(INDEX).unwrap();
        let last = index.len() - 1;
        index[last] ^= 1;
    });
    assert!(message.contains("magic"), "{message}");
    let message = said_with(|files| files.get_mut(VALUES).unwrap()[40] ^= 1);
    assert!(message.contains("checksum"), "{message}");
}

#[test]
fn datum_files_that_do_not_fit_are_named() {
    let with = |name: &str, bytes: Vec<u8>| {
        let mut files = small();
        files.insert(name.into(), bytes);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("delf.tar.gz");
        std::fs::write(&path, archive(&files)).unwrap();
        import_saved_model(&path, &options())
            .unwrap_err()
            .to_string()
    };
    let datum = |shape: &[usize], count: usize| {
        let shape = shape.to_vec();
        Datum {
            shape,
            values: vec![0.5; count],
        }
        .encode()
    };
    assert!(
        with(MEAN, datum(&[1, 32], 31))
            .contains("mean.datum: not a .datum file: shape [1, 32] and 31 values")
    );
    assert!(with(MEAN, datum(&[1, 31], 31)).contains("the mean has 31 numbers, the features 32"));
    assert!(with(MATRIX, datum(&[8, 31], 248)).contains("shape [8, 31]"));
    assert!(with(MATRIX, datum(&[256], 256)).contains("shape [256]"));
    assert!(with(MATRIX, datum(&[8, 32], 256)[..99].to_vec()).contains("pca_proj_mat.datum"));
    assert!(
        with(
            MEAN,
            datum(&[1, 32], 32).into_iter().chain([0x1a, 0]).collect()
        )
        .contains("DatumProto field 3")
    );
    let not_finite = Datum {
        shape: vec![8, 32],
        values: vec![f32::NAN; 256],
    };
    assert!(with(MATRIX, not_finite.encode()).contains("not finite"));
}

/// Replaces every `from` in the graph by `to`, which has the same length.
fn with_graph(from: &str, to: &str) -> String {
    assert_eq!(from.len(), to.len());
    said_with(|files| {
        let graph = files.get_mut(GRAPH).unwrap();
        let mut replaced = false;
        for at in 0..graph.len().saturating_sub(from.len()) {
            if &graph[at..at + from.len()] == from.as_bytes() {
                graph[at..at + from.len()].copy_from_slice(to.as_bytes());
                replaced = true;
            }
        }
        assert!(replaced, "{from}");
    })
}

#[test]
fn a_graph_that_is_another_one_is_named_where_it_differs() {
    for (from, to, reason) in [
        (
            "Softplus",
            "Softsign",
            "`attonly/attention/merge/softplus_attention/Softsign`",
        ),
        (
            "NonMaxSuppressionV2",
            "NonMaxSuppressionV9",
            "NonMaxSuppressionV2 or NonMaxSuppressionV3 is expected",
        ),
        (
            "ResizeBilinear",
            "ResizeBicubics",
            "expected to begin with ResizeBilinear",
        ),
        (
            "GreaterEqual",
            "GreaterThans",
            "GreaterEqual is expected here",
        ),
        (
            "MaxPool",
            "AvgPool",
            "(AvgPool): the operation is not understood",
        ),
        (
            "input_abs_thres",
            "input_abs_limit",
            "input_abs_thres is expected here",
        ),
        (
            "moving_variance",
            "moving_variants",
            "no variable `resnet_v1_50/",
        ),
    ] {
        let message = with_graph(from, to);
        assert!(message.contains(reason), "{from}: {message}");
    }
}

/// Changes the float behind the node `name` in the graph.
fn with_constant(name: &str, from: f32, to: f32) -> String {
    said_with(|files| {
        let graph = files.get_mut(GRAPH).unwrap();
        let find = |what: &[u8], from: usize| {
            let windows = graph[from..].windows(what.len());
            from + windows.clone().position(|w| w == what).unwrap()
        };
        let node = [
            &[0x0a, name.len() as u8],
            name.as_bytes(),
            &[0x12, 5],
            b"Const",
        ]
        .concat();
        let at = find(&from.to_le_bytes(), find(&node, 0));
        graph[at..at + 4].copy_from_slice(&to.to_le_bytes());
    })
}

#[test]
fn numbers_that_do_not_fit_together_are_named() {
    let message = with_constant("while/mul_1/x", 32.0, 16.0);
    assert!(
        message.contains("the loop over the scales does something else"),
        "{message}"
    );
    let message = with_constant("mul_1/x", 32.0, 0.0);
    assert!(
        message.contains("boxes do not stand on a grid"),
        "{message}"
    );
    let message = with_constant("div/y", 128.0, -128.0);
    assert!(
        message.contains("pixels are not shifted and scaled"),
        "{message}"
    );
}

#[test]
fn a_manifest_that_is_there_is_kept_or_nothing_is_written() {
    let imported = import_saved_model(&data("delf_small.tar.gz"), &options()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let manifest = folder.path().join("manifest.toml");
    std::fs::write(&manifest, "version = 1\nthis is no manifest").unwrap();
    assert!(imported.write(folder.path()).is_err());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    std::fs::remove_file(&manifest).unwrap();
    // A file of this name that no manifest names is another's.
    let onnx = folder.path().join("delf.onnx");
    std::fs::write(&onnx, "theirs").unwrap();
    let refused = imported.write(folder.path()).unwrap_err().to_string();
    assert!(refused.contains("there already"), "{refused}");
    assert_eq!(std::fs::read(&onnx).unwrap(), b"theirs");
    assert!(!manifest.exists());
    // Unless it is this one.
    std::fs::write(&onnx, &imported.onnx).unwrap();
    imported.write(folder.path()).unwrap();
    let first = std::fs::read_to_string(&manifest).unwrap();
    // A second network stands beside the first; the first is replaced by itself.
    let options = ImportOptions {
        name: "other".into(),
        ..options()
    };
    let other = import_saved_model(&data("delf_small.tar.gz"), &options).unwrap();
    let path = other.write(folder.path()).unwrap();
    imported.write(folder.path()).unwrap();
    assert!(Model::open(path).is_ok());
    assert!(Model::open(folder.path().join("delf.onnx")).is_ok());
    let both = std::fs::read_to_string(&manifest).unwrap();
    assert_eq!(both.matches("[[model]]").count(), 2, "{both}");
    assert!(first.contains("default = \"delf\"") && both.contains("default = \"delf\""));
    for name in ["", "a/b", "..", "a b"] {
        let options = ImportOptions {
            name: name.into(),
            ..ImportOptions::default()
        };
        assert!(options.validate().unwrap_err().to_string().contains("name"));
    }
}
