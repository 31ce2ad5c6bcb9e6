//! Files of other programs with bytes changed, cut, repeated and mixed: every reader gives a value or an error of
//! one line, and none panics, runs away or asks for memory without end.
//!
//! The same entry points as fuzz/, for where no fuzzer can be had. `DELFIN_MUTATE_SECONDS` lets it run
//! longer than its few rounds; with `DELFIN_DATA` it begins from DELF's published files too. Each round has a seed,
//! which a failure names.

#![allow(
    clippy::expect_used,
    reason = "a test fails by panicking, its helpers too"
)]

use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use delfin::extract::Manifest;
use delfin::extract::import::{ImportOptions, PcaSource, import_saved_model};
use delfin::formats::datum::Datum;
use delfin::formats::delf::{self, DelfFeature, DelfFile};
use delfin::formats::delf_config::DelfConfig;
use delfin::formats::labels;
use delfin::formats::tensorflow::{Bundle, Graph};
use delfin::pipeline::ClusterFile;

const ROUNDS: u64 = 300;
/// A reader that takes longer than this for a small file runs away.
const MAX_TIME: Duration = Duration::from_secs(20);

/// Sebastiano Vigna's SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        // Most that can go wrong is at the front: lengths, shapes, magic numbers.
        let at = if random.below(2) == 0 { at % 64 } else { at };
        let end = (at + 1 + random.below(16)).min(bytes.len());
        if at >= end {
            continue;
        }
        match random.below(8) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.next() as u8,
            2 => bytes[at..end].fill(0xff),
            3 => bytes.truncate(at),
            4 => drop(bytes.drain(at..end)),
            5 => {
                let piece = bytes[at..end].to_vec();
                let to = random.below(bytes.len());
                bytes.splice(to..to, piece);
            }
            6 => bytes[at..end].fill(0),
            _ => {
                let from = random.below(bytes.len());
                let length = (end - at).min(bytes.len() - from);
                let to = at.min(bytes.len() - length);
                bytes.copy_within(from..from + length, to);
            }
        }
    }
}

fn one_line<T, E: std::fmt::Display>(result: Result<T, E>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            let text = error.to_string();
            assert_eq!(text.lines().count(), 1, "{text}");
            None
        }
    }
}

/// Files to begin from: the reader's name and the bytes.
fn originals() -> Vec<(&'static str, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &Path| std::fs::read(path).expect("a file");
    let mut found: Vec<(&str, Vec<u8>)> = Vec::new();
    let archive = std::fs::File::open(root.join("tests/data/delf_small.tar.gz")).expect("a file");
    let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(archive));
    for entry in tar.entries().expect("an archive") {
        let mut entry = entry.expect("an entry");
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("an entry");
        let path = entry.path().expect("a path").to_string_lossy().into_owned();
        if path.ends_with("saved_model.pb") {
            found.push(("graph", bytes));
        } else if path.ends_with(".index") {
            found.push(("bundle", bytes));
        } else if path.ends_with(".datum") {
            found.push(("datum", bytes));
        }
    }
    assert_eq!(found.len(), 4);
    let feature = DelfFeature {
        x: 3.0,
        y: 4.0,
        scale: 1.0,
        orientation: 0.0,
        strength: 5.0,
        descriptor: vec![0.5, 0.25, -1.0],
    };
    let file = DelfFile {
        features: vec![feature; 5],
    };
    found.push(("delf", file.encode()));
    let config = r#"model_path: "a/b" image_scales: [.25, 1.0] # scales
        delf_local_config { use_pca: true layer_name: 'x' max_feature_num: 1000
        pca_parameters { mean_path: "m" pca_dim: 40 use_whitening: false } }"#;
    found.push(("config", config.into()));
    found.push((
        "labels",
        b"path,cluster\n\"a,b\"\"\".jpg,1\nc.jpg,2\n".to_vec(),
    ));
    found.push(("manifest", read(&root.join("models/manifest.toml"))));
    let clusters = r#"{"version":4,"folder":"x","store":null,"model":null,"model_sha256":"00",
        "min_probability":0.5,"copies_only":false,"prior_log_odds":-1.5,"min_inliers":null,"photos":[],"clusters":[],"pairs":[],"failures":[]}"#;
    found.push(("clusters", clusters.into()));
    if let Some(data) = std::env::var_os("DELFIN_DATA") {
        let delf = PathBuf::from(data).join("delf");
        let official = [
            ("delf", "official_features/love.delf"),
            ("datum", "delf_v1_20171026/pca/mean.datum"),
            ("config", "delf_config_example.pbtxt"),
            ("graph", "delf_v1_20171026/model/saved_model.pb"),
            ("bundle", "delf_v1_20171026/model/variables/variables.index"),
        ];
        found.extend(official.map(|(reader, path)| (reader, read(&delf.join(path)))));
    }
    found
}

fn read(reader: &str, bytes: &[u8]) {
    let path = Path::new("mutated.csv");
    let text = String::from_utf8_lossy(bytes);
    match reader {
        "delf" => {
            one_line(delf::decode(bytes));
            if let Some(decoded) = one_line(DelfFile::decode(bytes, path)) {
                assert!(DelfFile::decode(&decoded.value.encode(), path).is_ok());
                one_line(decoded.value.keypoints());
            }
        }
        "datum" => {
            if let Some(decoded) = one_line(Datum::decode(bytes, path)) {
                let datum = decoded.value;
                assert_eq!(datum.shape.iter().product::<usize>(), datum.values.len());
            }
        }
        "config" => drop(one_line(DelfConfig::parse(&text, path))),
        "labels" => drop(one_line(labels::parse(bytes, path))),
        "manifest" => drop(one_line(Manifest::parse(&text, path))),
        "clusters" => drop(one_line(ClusterFile::parse(&text, path))),
        "graph" => {
            if let Some(graph) = one_line(Graph::decode(bytes)) {
                for node in graph.nodes() {
                    assert!(graph.node(&node.name).is_ok());
                }
            }
        }
        "bundle" => {
            let Some(bundle) = one_line(Bundle::decode(bytes)) else {
                return;
            };
            for name in bundle.names() {
                if let Some(entry) = one_line(bundle.entry(name)) {
                    one_line(bundle.values(name, &entry.shape, bytes));
                }
            }
        }
        other => panic!("no reader {other}"),
    }
}

/// Until the rounds are done, or the time where one is set.
fn rounds(name: &str, mut round: impl FnMut(u64)) {
    let seconds = std::env::var("DELFIN_MUTATE_SECONDS").ok();
    let limit = seconds.map(|s| Duration::from_secs(s.parse().expect("whole seconds")));
    let start = Instant::now();
    let mut seed = 0;
    while limit.map_or(seed < ROUNDS, |limit| start.elapsed() < limit) {
        let began = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(|| round(seed)));
        assert!(result.is_ok(), "{name}: seed {seed} panics");
        assert!(began.elapsed() < MAX_TIME, "{name}: seed {seed} takes long");
        seed += 1;
    }
    println!(
        "{name}: {seed} rounds in {:.0} s",
        start.elapsed().as_secs_f64()
    );
}

#[test]
fn no_reader_panics() {
    let originals = originals();
    rounds("readers", |seed| {
        for (number, (reader, original)) in originals.iter().enumerate() {
            let mut random = Random(seed << 8 | number as u64);
            let mut bytes = original.clone();
            mutate(&mut bytes, &mut random);
            read(reader, &bytes);
        }
    });
}

/// A network's folder with one of its files changed.
#[test]
fn no_import_panics() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let archive = std::fs::File::open(root.join("tests/data/delf_small.tar.gz")).expect("a file");
    tar::Archive::new(flate2::read::GzDecoder::new(archive))
        .unpack(folder.path())
        .expect("an archive");
    let network = folder.path().join("delf_small");
    let options = || ImportOptions {
        pca: PcaSource::None,
        ..ImportOptions::default()
    };
    import_saved_model(&network, &options()).expect("a network");
    let files = [
        "model/saved_model.pb",
        "model/variables/variables.index",
        "model/variables/variables.data-00000-of-00001",
    ];
    let originals = files.map(|file| std::fs::read(network.join(file)).expect("a file"));
    rounds("import", |seed| {
        // Each round takes a while.
        if seed % 10 != 0 && std::env::var_os("DELFIN_MUTATE_SECONDS").is_none() {
            return;
        }
        let mut random = Random(seed ^ 0x5eed);
        let which = random.below(files.len());
        let mut bytes = originals[which].clone();
        mutate(&mut bytes, &mut random);
        std::fs::write(network.join(files[which]), &bytes).expect("a file");
        one_line(import_saved_model(&network, &options()));
        std::fs::write(network.join(files[which]), &originals[which]).expect("a file");
    });
}
