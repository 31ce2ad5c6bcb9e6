use super::*;

fn classifier(with_references: bool) -> Classifier {
    let reference = |name: &str, class, count: usize| Reference {
        name: name.into(),
        class,
        content_hash: [class as u8; 32],
        size: [4, 5],
        keypoints: vec![[1.0, 2.0, 0.5]; count],
        descriptor_dim: 2,
        descriptors: vec![-5; 2 * count],
        global: vec![1, -2, 3],
    };
    Classifier {
        network: NetworkId {
            name: "net".into(),
            sha256: "0".repeat(64),
        },
        settings: FeatureSettings {
            global_size: 320,
            max_size: 480,
            scales: vec![0.5, 1.0],
            max_features: 500,
        },
        labels: vec!["a".into(), "ü".into()],
        layer: SoftmaxLayer::new(3, (0..6).map(|i| i as f32).collect(), vec![0.5, -1.0]).unwrap(),
        class_means: vec![vec![0.0, 1.0, 0.0], vec![1.0, 0.0, 0.0]],
        calibration: Calibration::default(),
        references: match with_references {
            true => vec![reference("a/1.jpg", 0, 2), reference("b/2.jpg", 1, 0)],
            false => Vec::new(),
        },
        test_accuracy: Some(0.5),
    }
}

/// The file with another text of its header.
fn with_header(bytes: &[u8], edit: impl Fn(&str) -> String) -> Vec<u8> {
    let (_, metadata) = SafeTensors::read_metadata(bytes).unwrap();
    let text = edit(&metadata.metadata().as_ref().unwrap()[METADATA_KEY]);
    let metadata = [(METADATA_KEY.to_owned(), text)].into_iter().collect();
    let arrays = SafeTensors::deserialize(bytes).unwrap().tensors();
    safetensors::serialize(arrays, Some(metadata)).unwrap()
}

/// The header's text as older programs wrote it.
fn without_checksum(text: &str) -> String {
    let at = text.find(",\"header_sha256\"").unwrap();
    format!("{}}}", &text[..at])
}

#[test]
fn what_is_written_is_read() {
    for with_references in [false, true] {
        let classifier = classifier(with_references);
        let bytes = encode(&classifier).unwrap();
        assert_eq!(decode(&bytes).unwrap(), classifier);
        assert_eq!(encode(&classifier).unwrap(), bytes);
    }
}

#[test]
fn files_that_are_broken_are_refused() {
    let bytes = encode(&classifier(true)).unwrap();
    for length in 0..bytes.len() {
        assert!(decode(&bytes[..length]).is_err(), "{length}");
    }
    for other in [&b"PNG"[..], &[0xff; 100], &[0; 100]] {
        let told = decode(other).unwrap_err();
        assert_eq!(told, "not a classifier file of delfin");
    }
    let cut = decode(&bytes[..bytes.len() - 1]).unwrap_err();
    assert!(cut.starts_with("it is broken: "), "{cut}");
    let entry = br#"version\":3"#;
    let at = bytes.windows(entry.len()).position(|w| w == entry).unwrap();
    let mut newer = bytes.clone();
    newer[at + 10] = b'4';
    assert!(decode(&newer).unwrap_err().contains("version 4"));
    // Version 2 counted inliers: the same weights mean less.
    let older = with_header(&bytes, |text| {
        without_checksum(text).replace("\"version\":3", "\"version\":2")
    });
    let (old, new) = (decode(&older).unwrap(), decode(&bytes).unwrap());
    assert_eq!(old.calibration, new.calibration.rescaled_from_inliers());
    assert_eq!(old.calibration.geometry, new.calibration.geometry / 5.0);
    // Any byte that is wrong is found, or tells nothing: a letter in the name of the header's checksum.
    let written = classifier(true);
    for at in 0..bytes.len() {
        let mut wrong = bytes.clone();
        wrong[at] ^= 0x55;
        assert!(
            decode(&wrong).is_ok_and(|read| read == written) || decode(&wrong).is_err(),
            "{at}"
        );
    }
    let mut misfit = classifier(true);
    misfit.labels.pop();
    assert!(encode(&misfit).is_err());
}

#[test]
fn a_header_that_was_edited_is_refused() {
    let bytes = encode(&classifier(true)).unwrap();
    for (from, to) in [
        ("\"a\"", "\"b\""),
        ("\"global_size\":320", "\"global_size\":321"),
        ("\"fit\":[0.0", "\"fit\":[1.0"),
        ("a/1.jpg", "a/2.jpg"),
    ] {
        let edited = with_header(&bytes, |text| text.replacen(from, to, 1));
        assert_ne!(edited, bytes, "{from}");
        let told = decode(&edited).unwrap_err();
        assert!(told.contains("labels and settings"), "{told}");
    }
}

#[test]
fn files_of_older_programs_are_read() {
    let written = classifier(true);
    let bytes = encode(&written).unwrap();
    let older = with_header(&bytes, without_checksum);
    assert_eq!(decode(&older).unwrap(), written);
    // A layer that counted nothing.
    let zero = with_header(&bytes, |text| {
        without_checksum(text).replace(
            "\"layer_alone\":1.0,\"layer\":1.0",
            "\"layer_alone\":0.0,\"layer\":0.0",
        )
    });
    let calibration = decode(&zero).unwrap().calibration;
    assert!(calibration.layer_alone > 0.0 && calibration.layer > 0.0);
    assert!(!calibration.supports_layer());
    // Their labels may have been edited, and two classes of one name are no classes.
    let edited = with_header(&older, |text| text.replacen("\"ü\"", "\"a\"", 1));
    let told = decode(&edited).unwrap_err();
    assert!(told.contains("two classes have the label `a`"), "{told}");
    let mut twice = classifier(false);
    twice.labels[1] = "a".into();
    assert!(encode(&twice).is_err());
}
