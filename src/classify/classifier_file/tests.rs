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
    assert!(
        decode(b"PNG")
            .unwrap_err()
            .contains("not a classifier file")
    );
    let entry = br#"version\":3"#;
    let at = bytes.windows(entry.len()).position(|w| w == entry).unwrap();
    let mut newer = bytes.clone();
    newer[at + 10] = b'4';
    assert!(decode(&newer).unwrap_err().contains("version 4"));
    // Version 2 counted inliers: the same weights mean less.
    let mut older = bytes.clone();
    older[at + 10] = b'2';
    let (old, new) = (decode(&older).unwrap(), decode(&bytes).unwrap());
    assert_eq!(old.calibration, new.calibration.rescaled_from_inliers());
    assert_eq!(old.calibration.geometry, new.calibration.geometry / 5.0);
    // Behind the header every byte is a number's, and any that is wrong is found.
    let header = 8 + u64::from_le_bytes(*bytes.first_chunk().unwrap()) as usize;
    for at in 0..bytes.len() {
        let mut wrong = bytes.clone();
        wrong[at] ^= 0x55;
        assert!(decode(&wrong).is_err() || at < header, "{at}");
    }
    let mut misfit = classifier(true);
    misfit.labels.pop();
    assert!(encode(&misfit).is_err());
}
