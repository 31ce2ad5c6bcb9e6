//! DELF's published files, read and written again. They are not in the repository: `DELFIN_DATA`
//! names the folder that holds `delf/`; without it these tests say that they skip.

use std::path::{Path, PathBuf};

use delfin::extract::import::ImportOptions;
use delfin::features::FeatureSet;
use delfin::formats::datum::Datum;
use delfin::formats::delf::DelfFile;
use delfin::formats::delf_config::DelfConfig;
use delfin::formats::tensorflow::{Bundle, Graph};
use delfin::image::{DecodeOptions, Photo};
use delfin::pipeline::{MatchOptions, match_features};

/// The folder with DELF's files, or none.
fn delf() -> Option<PathBuf> {
    let folder = std::env::var_os("DELFIN_DATA").map(|data| PathBuf::from(data).join("delf"));
    if folder.is_none() {
        eprintln!("skipped: DELFIN_DATA is not set");
    }
    folder
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == ending) {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn feature_files_are_written_as_they_were() {
    let Some(delf) = delf() else { return };
    let paths = files(&delf.join("official_features"), "delf");
    assert!(paths.len() >= 16);
    for path in paths {
        let bytes = std::fs::read(&path).unwrap();
        let decoded = DelfFile::decode(&bytes, &path).unwrap();
        assert!(decoded.unsupported.is_empty());
        assert!(decoded.value.encode() == bytes, "{}", path.display());
        let (keypoints, descriptors) = decoded.value.keypoints().unwrap();
        assert_eq!(descriptors.dim(), 40);
        assert!(keypoints.iter().all(|k| (0.2..2.1).contains(&k.scale)));
    }
}

#[test]
fn datum_files_are_written_as_they_were() {
    let Some(delf) = delf() else { return };
    let paths = files(&delf.join("delf_v1_20171026"), "datum");
    assert_eq!(paths.len(), 2);
    for path in paths {
        let bytes = std::fs::read(&path).unwrap();
        let datum = Datum::decode(&bytes, &path).unwrap().value;
        assert_eq!(datum.shape.iter().product::<usize>(), 1024);
        assert!(datum.encode() == bytes, "{}", path.display());
    }
}

#[test]
fn the_example_configuration_is_read() {
    let Some(delf) = delf() else { return };
    let decoded = DelfConfig::open(&delf.join("delf_config_example.pbtxt")).unwrap();
    assert!(decoded.unsupported.is_empty());
    let config = decoded.value;
    assert_eq!(config.image_scales.len(), 7);
    assert_eq!(config.local.layer_name, "resnet_v1_50/block3");
    assert_eq!(config.local.pca.pca_dim, Some(40));
    assert!(config.local.pca.mean_path.ends_with("mean.datum"));
}

#[test]
fn every_variable_of_the_graph_is_in_the_index() {
    let Some(delf) = delf() else { return };
    let model = delf.join("delf_v1_20171026/model");
    let graph = Graph::decode(&std::fs::read(model.join("saved_model.pb")).unwrap()).unwrap();
    let index = std::fs::read(model.join("variables/variables.index")).unwrap();
    let bundle = Bundle::decode(&index).unwrap();
    let variables: Vec<&str> = graph
        .nodes()
        .filter(|node| node.op == "VariableV2")
        .map(|node| node.name.as_str())
        .collect();
    assert_eq!(variables.len(), 222);
    assert_eq!(bundle.names().collect::<Vec<_>>(), variables);
    for name in variables {
        assert!(bundle.entry(name).is_ok(), "{name}");
    }
}

/// The official features by the rules of `match`, of 33 pairs of one place and 138 of two.
#[test]
fn an_imported_network_says_yes_where_the_place_is_the_same() {
    let Some(delf) = delf() else { return };
    let defaults = ImportOptions::default().defaults;
    let options = MatchOptions::from(&defaults);
    let folder = delf.join("official_features");
    let mut paths = files(&folder, "delf");
    paths.sort();
    let features: Vec<(char, FeatureSet)> = paths
        .iter()
        .map(|path| {
            let bytes = std::fs::read(path).unwrap();
            let decoded = DelfFile::decode(&bytes, path).unwrap().value;
            let (keypoints, descriptors) = decoded.keypoints().unwrap();
            let beside = path.parent().unwrap().to_str().unwrap();
            let photos = PathBuf::from(beside.trim_end_matches("_features"));
            let name = path.file_stem().unwrap().to_str().unwrap();
            let photo = photos.join(format!("{name}.jpg"));
            let photo = if photo.is_file() {
                photo
            } else {
                folder.join(format!("{name}.jpg"))
            };
            let photo = Photo::open(photo, &DecodeOptions::default()).unwrap();
            let set = FeatureSet::new(photo.width(), photo.height(), keypoints, descriptors, None);
            // `love` is a place of its own.
            let place = if name.len() > 2 {
                '?'
            } else {
                name.chars().next().unwrap()
            };
            (place, set.unwrap())
        })
        .collect();
    let (mut same, mut different) = (0, 0);
    for (i, (place1, a)) in features.iter().enumerate() {
        for (place2, b) in &features[i + 1..] {
            let found = match_features(a, b, &options, 0).unwrap();
            let is_match = usize::from(found.num_inliers() >= options.min_inliers);
            match place1 == place2 {
                true => same += is_match,
                false => different += is_match,
            }
        }
    }
    assert_eq!(different, 0);
    assert!(same >= 10, "{same}");
}
