use super::*;
use crate::features::{Descriptors, Keypoint};

fn features(score: f32) -> FeatureSet {
    let keypoint = Keypoint {
        x: 3.0,
        y: 2.0,
        scale: 1.0,
        score,
    };
    let descriptors = Descriptors::new(2, vec![1.0, 0.0]).unwrap();
    FeatureSet::new(8, 6, vec![keypoint], descriptors, Some(vec![score])).unwrap()
}

/// Every value is another one.
fn pixels() -> PixelEvidence {
    let values: Vec<u8> = (0u8..73).flat_map(|i| f32::from(i).to_le_bytes()).collect();
    PixelEvidence::from_bytes(&values).unwrap()
}

fn record(num_inliers: u32, has_pixels: bool) -> PairRecord {
    PairRecord {
        num_matches: 90,
        num_inliers,
        features: Some(FeatureEvidence::of(num_inliers)),
        pixels: has_pixels.then(pixels),
    }
}

const A: ContentHash = [1; 32];
const B: ContentHash = [2; 32];

#[test]
fn what_was_put_is_there_when_it_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".delfin/store.sqlite");
    {
        let store = Store::open(&path).unwrap();
        let settings = store.settings("one").unwrap();
        store.put_features(settings, &A, &features(7.0)).unwrap();
        let pairs = [((A, B), record(12, true)), ((B, A), record(3, false))];
        store.put_pairs(settings, &pairs).unwrap();
    }
    let store = Store::open(&path).unwrap();
    let settings = store.settings("one").unwrap();
    let found = store.features(settings, &A).unwrap().unwrap();
    assert!((found.keypoints()[0].score - 7.0).abs() < 1e-3);
    assert!(store.features(settings, &B).unwrap().is_none());
    let pairs = store.pairs(settings, &[(B, A), (A, A), (A, B)]).unwrap();
    assert_eq!(
        pairs,
        [Some(record(3, false)), None, Some(record(12, true))]
    );
}

#[test]
fn a_settled_store_holds_all_in_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let [path, copy] = ["store.sqlite", "copy.sqlite"].map(|name| folder.path().join(name));
    let store = Store::open(&path).unwrap();
    let settings = store.settings("one").unwrap();
    store.put_features(settings, &A, &features(7.0)).unwrap();
    store.settle().unwrap();
    // Without the log that lies beside it, as the store is still open.
    std::fs::copy(&path, &copy).unwrap();
    let copy = Store::open(&copy).unwrap();
    let settings = copy.settings("one").unwrap();
    assert!(copy.features(settings, &A).unwrap().is_some());
    Store::in_memory().unwrap().settle().unwrap();
}

#[test]
fn other_settings_find_nothing_and_take_nothing_away() {
    let store = Store::in_memory().unwrap();
    let (one, two) = (
        store.settings("one").unwrap(),
        store.settings("two").unwrap(),
    );
    assert_ne!(one, two);
    assert_eq!(one, store.settings("one").unwrap());
    store.put_features(one, &A, &features(1.0)).unwrap();
    store.put_pairs(one, &[((A, B), record(1, false))]).unwrap();
    assert!(store.features(two, &A).unwrap().is_none());
    assert_eq!(store.pairs(two, &[(A, B)]).unwrap(), [None]);
    store.put_features(two, &A, &features(2.0)).unwrap();
    let found = store.features(one, &A).unwrap().unwrap();
    assert!((found.keypoints()[0].score - 1.0).abs() < 1e-3);
}

#[test]
fn a_pair_whose_evidence_is_damaged_is_unknown() {
    let store = Store::in_memory().unwrap();
    let settings = store.settings("one").unwrap();
    let no_transform = PairRecord {
        features: None,
        ..record(2, false)
    };
    let put = || {
        let pairs = [((A, B), record(12, true)), ((B, A), no_transform)];
        store.put_pairs(settings, &pairs).unwrap();
    };
    let found = || store.pairs(settings, &[(A, B), (B, A)]).unwrap();
    let mut not_finite = pixels().to_bytes();
    not_finite[..4].copy_from_slice(&f32::INFINITY.to_le_bytes());
    for (column, damaged) in [
        ("features", vec![0]),
        ("pixels", vec![]),
        ("pixels", not_finite),
    ] {
        put();
        assert_eq!(found(), [Some(record(12, true)), Some(no_transform)]);
        let update = format!("UPDATE pairs SET {column} = ?1 WHERE inliers = 12");
        store.lock().execute(&update, [damaged]).unwrap();
        assert_eq!(found(), [None, Some(no_transform)], "{column}");
    }
    put();
    let update = "UPDATE pairs SET features = 'text' WHERE inliers = 12";
    store.lock().execute(update, []).unwrap();
    assert_eq!(found()[0], None);
}

#[test]
fn known_settings_are_found_while_another_program_writes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    let (store, other) = (Store::open(&path).unwrap(), Store::open(&path).unwrap());
    let settings = store.settings("one").unwrap();
    let no_time = std::time::Duration::ZERO;
    store.lock().busy_timeout(no_time).unwrap();
    other.lock().execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(store.settings("one").unwrap(), settings);
    assert!(store.settings("two").is_err());
    other.lock().execute_batch("COMMIT").unwrap();
    assert_ne!(store.settings("two").unwrap(), settings);
}

#[test]
fn drawings_are_kept_by_settings_and_by_the_order_of_their_photos() {
    let store = Store::in_memory().unwrap();
    let (one, two) = (
        store.settings("one").unwrap(),
        store.settings("two").unwrap(),
    );
    let drawings = [((A, B), vec![1, 2]), ((B, A), vec![3])];
    store.put_drawings(one, &drawings).unwrap();
    store.put_drawings(two, &[((A, B), vec![4])]).unwrap();
    let found = |settings| store.drawings(settings, &[(B, A), (A, A), (A, B)]).unwrap();
    assert_eq!(found(one), [Some(vec![3]), None, Some(vec![1, 2])]);
    assert_eq!(found(two), [None, None, Some(vec![4])]);
    store.put_drawings(one, &[((A, B), vec![5])]).unwrap();
    assert_eq!(found(one)[2], Some(vec![5]));
    // Settings stay as long as drawings do; drawings go with either photo.
    store.keep_only(&BTreeSet::from([A, B])).unwrap();
    assert_eq!(store.settings("two").unwrap(), two);
    assert_eq!(found(two)[2], Some(vec![4]));
    store.keep_only(&BTreeSet::from([A])).unwrap();
    assert_eq!(found(one), [None, None, None]);
    assert_eq!(found(two), [None, None, None]);
}

#[test]
fn photos_that_are_gone_are_forgotten() {
    let store = Store::in_memory().unwrap();
    let settings = store.settings("one").unwrap();
    let gone = store.settings("gone").unwrap();
    store.put_features(settings, &A, &features(1.0)).unwrap();
    store.put_features(gone, &B, &features(1.0)).unwrap();
    store
        .put_pairs(
            settings,
            &[((A, B), record(1, true)), ((A, A), record(2, true))],
        )
        .unwrap();
    let before = store.info().unwrap();
    assert_eq!(
        (before.num_photos, before.num_features, before.num_pairs),
        (2, 2, 2)
    );
    assert_eq!(store.keep_only(&BTreeSet::from([A])).unwrap(), 1);
    let after = store.info().unwrap();
    assert_eq!(
        (
            after.num_photos,
            after.num_features,
            after.num_pairs,
            after.num_settings
        ),
        (1, 1, 1, 1)
    );
    assert!(store.features(settings, &A).unwrap().is_some());
}

#[test]
fn two_stores_on_one_file_write_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    std::thread::scope(|scope| {
        for thread in 0..4u8 {
            let path = &path;
            scope.spawn(move || {
                let store = Store::open(path).unwrap();
                let settings = store.settings("one").unwrap();
                for photo in 0..20 {
                    let hash = [thread * 20 + photo; 32];
                    store.put_features(settings, &hash, &features(1.0)).unwrap();
                }
            });
        }
    });
    assert_eq!(Store::open(&path).unwrap().info().unwrap().num_features, 80);
}

/// The error of opening a file with these bytes, and whether it says damaged.
fn refusal(bytes: &[u8]) -> (String, bool) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    std::fs::write(&path, bytes).unwrap();
    let error = Store::open(&path).unwrap_err();
    assert_eq!(std::fs::read(&path).unwrap(), bytes, "the file was changed");
    match error {
        Error::Store {
            is_damaged,
            ref path,
            ..
        } => {
            assert!(error.to_string().starts_with(&path.display().to_string()));
            assert_eq!(error.to_string().lines().count(), 1);
            (error.to_string(), is_damaged)
        }
        other => panic!("{other:?}"),
    }
}

fn store_bytes(change: impl FnOnce(&Connection)) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    let store = Store::open(&path).unwrap();
    let settings = store.settings("one").unwrap();
    for photo in 0..200 {
        store
            .put_features(settings, &[photo; 32], &features(1.0))
            .unwrap();
    }
    change(&store.lock());
    store
        .lock()
        .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
    drop(store);
    std::fs::read(&path).unwrap()
}

#[test]
fn damaged_newer_and_foreign_files_are_told_apart_and_left_alone() {
    let whole = store_bytes(|_| ());
    assert!(refusal(b"this is a text file, not a store").1);
    assert!(refusal(&whole[..whole.len() / 2]).1);
    let mut zeroed = whole.clone();
    zeroed[4096..12288].fill(0);
    assert!(refusal(&zeroed).1);
    let (message, is_damaged) = refusal(&store_bytes(|c| {
        c.pragma_update(None, "user_version", 9).unwrap()
    }));
    assert!(message.contains("format 9") && !is_damaged, "{message}");
    let (message, is_damaged) = refusal(&store_bytes(|c| {
        c.pragma_update(None, "application_id", 5).unwrap()
    }));
    assert!(message.contains("not a store") && !is_damaged, "{message}");
}

#[test]
fn encoded_features_come_back_rounded() {
    let features = features(0.7);
    let mut bytes = encode_features(&features).unwrap();
    assert_eq!(
        decode_features(&bytes).unwrap(),
        rounded(&features).unwrap()
    );
    bytes[9] ^= 1;
    assert!(decode_features(&bytes).is_err());
}

#[test]
fn entries_of_the_log_are_undone_and_done_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    let entries = |store: &Store| -> Vec<(String, bool)> { store.log().unwrap() };
    {
        let store = Store::open(&path).unwrap();
        // As stores were before there was a log.
        store.lock().execute_batch("DROP TABLE log").unwrap();
    }
    {
        let store = Store::open(&path).unwrap();
        assert!(!store.undo_in_log().unwrap() && !store.redo_in_log().unwrap());
        for text in ["a", "b", "c"] {
            store.append_to_log(text).unwrap();
        }
        assert!(store.undo_in_log().unwrap() && store.undo_in_log().unwrap());
    }
    let store = Store::open(&path).unwrap();
    let entry = |text: &str, is_undone| (text.to_owned(), is_undone);
    assert_eq!(
        entries(&store),
        [entry("a", false), entry("b", true), entry("c", true)]
    );
    assert!(store.redo_in_log().unwrap());
    store.append_to_log("d").unwrap();
    assert_eq!(
        entries(&store),
        [entry("a", false), entry("b", false), entry("d", false)]
    );
    assert!(!store.redo_in_log().unwrap());
}

#[test]
fn the_log_of_a_damaged_store_is_taken_over() {
    let entries = ["{}", "[1]", "\"undone\""].map(str::to_owned);
    let damage = |change: &str| {
        let mut bytes = store_bytes(|connection| {
            let insert = "INSERT INTO log (text, is_undone) VALUES (?1, ?2)";
            for (text, is_undone) in entries.iter().zip([false, false, true]) {
                connection
                    .execute(insert, params![text, is_undone])
                    .unwrap();
            }
            connection.execute_batch(change).unwrap();
        });
        // The page that photos begin on.
        bytes[3 * 4096..4 * 4096].fill(0);
        assert!(refusal(&bytes).1);
        bytes
    };
    let taken = |bytes: &[u8]| {
        let folder = tempfile::tempdir().unwrap();
        let damaged = folder.path().join("damaged");
        std::fs::write(&damaged, bytes).unwrap();
        let store = Store::in_memory().unwrap();
        let count = store
            .append_log_of(&damaged, |text| {
                serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
            })
            .unwrap();
        assert_eq!(std::fs::read(&damaged).unwrap(), bytes);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        let log = store.log().unwrap();
        assert_eq!(log.len(), count);
        log
    };
    let [a, b, c] = entries.clone();
    let whole = [(a.clone(), false), (b, false), (c, true)];
    assert_eq!(taken(&damage("")), whole);
    // What is no entry ends it.
    let damaged = damage("UPDATE log SET text = '{\"ac' WHERE id = 2");
    assert_eq!(taken(&damaged), [(a, false)]);
    assert!(taken(b"this is a text file, not a store").is_empty());
}

#[test]
fn a_store_in_memory_is_in_no_folder() {
    assert_eq!(Store::in_memory().unwrap().folder(), None);
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store.sqlite")).unwrap();
    assert_eq!(store.folder(), Some(folder.path()));
}
