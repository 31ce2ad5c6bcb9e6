//! `delfin train`, `classify`, `review` and `export-classifier` in a temporary folder.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use image::{Rgb, RgbImage};

fn delfin(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_delfin"))
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Two classes, stripes and blobs, `count` photos each.
fn photos(folder: &Path, count: usize) -> PathBuf {
    let root = folder.join("photos");
    for (class, blobs) in [("stripes", false), ("blobs", true)] {
        std::fs::create_dir_all(root.join(class)).unwrap();
        for number in 0..count as u32 {
            let picture = RgbImage::from_fn(96, 64, |x, y| {
                let period = 9 + number % 5;
                let on = match blobs {
                    false => (x / period).is_multiple_of(2),
                    true => {
                        (x % 24).abs_diff(12).pow(2) + (y % 24).abs_diff(12).pow(2) < 40 + number
                    }
                };
                let tint = (number * 37 % 90) as u8;
                if on {
                    Rgb([220, 200 - tint, 60])
                } else {
                    Rgb([20, 40 + tint, 90])
                }
            });
            picture
                .save(root.join(format!("{class}/{number}.png")))
                .unwrap();
        }
    }
    root
}

fn train(folder: &Path, args: &[&str]) -> Output {
    let mut all = vec![
        "train",
        "photos",
        "-o",
        "c.delfin",
        "--no-geometry",
        "--cache-dir",
        "cache",
    ];
    all.extend(args);
    delfin(folder, &all)
}

#[test]
fn a_folder_is_learned_and_photos_are_labelled() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    photos(folder, 12);
    let old = [
        "--how_many_training_steps",
        "60",
        "--learning_rate",
        "0.02",
        "--testing_percentage",
        "25",
        "--validation_percentage",
        "25",
        "--eval_step_interval",
        "20",
        "--train_batch_size",
        "10",
        "--validation_batch_size",
        "-1",
        "--test_batch_size",
        "-1",
        "--summaries_dir",
        "runs",
        "--output_labels",
        "labels.txt",
        "--print_misclassified_test_images",
        "--tfhub_module",
        "x",
        "--flip_left_right",
        "False",
    ];
    let output = train(folder, &old);
    let text = stdout(&output);
    for line in [
        "Step 20: Train accuracy = ",
        "Step 60: Cross entropy = ",
        "Step 60: Validation accuracy = 100.0% (N=",
        "Final test accuracy = 100.0% (N=",
    ] {
        assert!(text.contains(line), "no {line:?} in {text}");
    }
    assert!(String::from_utf8_lossy(&output.stderr).contains("--tfhub_module has no meaning here"));
    assert_eq!(
        std::fs::read_to_string(folder.join("labels.txt")).unwrap(),
        "blobs\nstripes\n"
    );
    for file in [
        "train/projector_config.pbtxt",
        "train/sprite.png",
        "validation",
    ] {
        assert!(folder.join("runs").join(file).exists(), "{file}");
    }
    let first = std::fs::read(folder.join("c.delfin")).unwrap();
    stdout(&train(folder, &old));
    assert_eq!(std::fs::read(folder.join("c.delfin")).unwrap(), first);

    let classify =
        |args: &[&str]| delfin(folder, &[&["classify", "-c", "c.delfin"], args].concat());
    let one = stdout(&classify(&["photos/blobs/3.png"]));
    let score = one
        .strip_prefix("Class Name: blobs (score = ")
        .and_then(|rest| rest.split_once(')'))
        .map(|(score, _)| score.parse::<f64>().unwrap());
    assert!(score.is_some_and(|s| s > 0.5 && s <= 1.0), "{one}");
    let csv = stdout(&classify(&["photos", "--report", "r.html"]));
    let mut lines = csv.lines();
    assert_eq!(
        lines.next(),
        Some(
            "path,label,probability,softmax_label,softmax_probability,geometry_label,inliers,disagree,true_label"
        )
    );
    assert_eq!(lines.count(), 24);
    let page = std::fs::read_to_string(folder.join("r.html")).unwrap();
    assert!(page.contains("Accuracy 100.0% on 24 photos") && !page.contains("http"));
    // What a report needs is told before a photo is read.
    let unknown = ["photos/blobs", "--report", "s.html", "--cache-dir", "new"];
    let refused = classify(&unknown);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--report: no photo lies in"));
    assert!(!folder.join("new").exists());
    let rejected = stdout(&classify(&["photos/blobs/3.png", "--reject=1"]));
    assert!(rejected.contains("label     (none)"), "{rejected}");
    stdout(&delfin(
        folder,
        &["export-classifier", "c.delfin", "-o", "c.onnx"],
    ));
    assert!(folder.join("c.onnx").metadata().unwrap().len() > 4_000_000);
}

#[cfg(unix)]
#[test]
fn a_label_stays_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let root = photos(folder, 4);
    std::fs::rename(root.join("blobs"), root.join("a\nb\u{1b}[31m")).unwrap();
    let output = train(folder, &["--steps", "5", "--output-labels", "labels.txt"]);
    stdout(&output);
    let labels = std::fs::read_to_string(folder.join("labels.txt")).unwrap();
    assert_eq!(labels, "a\\x0ab\\x1b[31m\nstripes\n");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!told.contains('\u{1b}'), "{told}");
}

#[test]
fn a_damaged_cache_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    photos(folder, 4);
    let run = || {
        let output = train(folder, &["--steps", "5"]);
        stdout(&output);
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    run();
    let store = folder.join("cache/store.sqlite");
    let mut damaged = std::fs::read(&store).unwrap();
    let middle = damaged.len() / 2;
    damaged[100..middle].fill(7);
    std::fs::write(&store, &damaged).unwrap();
    let told = run();
    assert!(told.contains("set aside as"), "{told}");
    let aside = folder.join("cache/store.sqlite.damaged-1");
    assert_eq!(std::fs::read(aside).unwrap(), damaged);
}

/// A cache on a full disk.
struct Full;

impl delfin::pipeline::FeatureCache for Full {
    fn features(&self, _: &str, _: &[u8; 32]) -> delfin::Result<Option<delfin::FeatureSet>> {
        full()
    }

    fn put_features(&self, _: &str, _: &[u8; 32], _: &delfin::FeatureSet) -> delfin::Result<()> {
        full()
    }

    fn thumbnail(&self, _: &[u8; 32]) -> delfin::Result<Option<Vec<u8>>> {
        full()
    }

    fn put_thumbnail(&self, _: &[u8; 32], _: &[u8]) -> delfin::Result<()> {
        full()
    }
}

fn full<T>() -> delfin::Result<T> {
    Err(delfin::Error::Store {
        path: "store.sqlite".into(),
        reason: "database or disk is full".into(),
        is_damaged: false,
    })
}

#[test]
fn no_photo_is_lost_for_a_cache_that_fails() {
    use delfin::pipeline::{
        FeatureCache, NoCache, PhotoClassifier, TrainingFolders, TrainingObserver, review_labels,
        train_classifier,
    };
    #[derive(Default)]
    struct Notes(std::sync::Mutex<Vec<String>>);
    impl TrainingObserver for Notes {
        fn photos(&self, _: usize, _: usize) {}
        fn step(&self, _: &delfin::classify::TrainingStep) {}
        fn note(&self, text: &str) {
            self.0.lock().unwrap().push(text.to_owned());
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let root = photos(folder.path(), 10);
    let model = delfin::Model::embedded().unwrap();
    let mut options = model.classifier_options();
    options.geometry = None;
    options.layer.num_steps = 10;
    let folders = TrainingFolders {
        training: root.clone(),
        validation: None,
        testing: None,
    };
    let learn = |cache: &dyn FeatureCache| {
        let notes = Notes::default();
        let trained = train_classifier(&model, &folders, &options, cache, &notes).unwrap();
        let told: Vec<String> = notes.0.into_inner().unwrap();
        let of_store = told.into_iter().filter(|note| note.contains("store"));
        (trained, of_store.collect::<Vec<String>>())
    };
    let (without, silence) = learn(&NoCache);
    assert_eq!(silence, [""; 0]);
    let (trained, told) = learn(&Full);
    assert_eq!(
        told,
        ["store.sqlite: database or disk is full; going on without the store"]
    );
    assert_eq!(trained.photos.len(), 20);
    assert_eq!(trained.classifier, without.classifier);
    let labeller = PhotoClassifier::new(&trained.classifier, &model).unwrap();
    let notes = Notes::default();
    review_labels(&labeller, &root, &Full, &notes).unwrap();
    assert_eq!(notes.0.into_inner().unwrap(), told);
    labeller
        .classify_path(&root.join("blobs/1.png"), &Full)
        .unwrap();
}

#[test]
fn files_that_delfin_did_not_make_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    photos(folder, 4);
    let steps = ["--steps", "5", "--output-labels", "labels.txt"];
    let commands: [(&str, Vec<&str>); 5] = [
        (
            "c.delfin",
            [
                &["train", "photos", "-o", "c.delfin", "--no-geometry"],
                &steps[..],
            ]
            .concat(),
        ),
        (
            "labels.txt",
            [
                &["train", "photos", "-o", "c.delfin", "--no-geometry"],
                &steps[..],
            ]
            .concat(),
        ),
        (
            "labels.csv",
            vec!["classify", "photos", "-c", "c.delfin", "-o", "labels.csv"],
        ),
        (
            "review.html",
            vec!["review", "photos", "-c", "c.delfin", "-o", "review.html"],
        ),
        (
            "c.onnx",
            vec!["export-classifier", "c.delfin", "-o", "c.onnx"],
        ),
    ];
    for (name, args) in &commands {
        let file = folder.join(name);
        std::fs::write(&file, "a user's own").unwrap();
        let output = delfin(folder, args);
        assert_eq!(output.status.code(), Some(2), "{name}");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(told.contains(name) && told.contains("--force"), "{told}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "a user's own");
        stdout(&delfin(folder, &[args, &["--force"][..]].concat()));
        assert_ne!(std::fs::read(&file).unwrap(), b"a user's own");
        stdout(&delfin(folder, args));
    }
}

#[test]
fn old_command_lines_run_and_say_what_stands_for_what() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    photos(folder, 6);
    let output = delfin(
        folder,
        &[
            "train",
            "--image_dir",
            "photos",
            "--output_graph=output_graph.pb",
            "--output_labels=output_labels.txt",
            "--how_many_training_steps=10",
            "--bottleneck_dir=cache",
            "--no-geometry",
        ],
    );
    stdout(&output);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("--output_graph stands for -o"), "{told}");
    let output = delfin(
        folder,
        &[
            "classify",
            "--graph=output_graph.pb",
            "--labels=output_labels.txt",
            "--input_layer=Placeholder",
            "--output_layer=final_result",
            "--input_height=224",
            "--input_width=224",
            "--input_mean",
            "-128",
            "--image=photos/blobs/1.png",
        ],
    );
    let text = stdout(&output);
    assert!(text.starts_with("Class Name: blobs (score = "), "{text}");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    for words in [
        "--graph output_graph.pb stands for --classifier",
        "--image photos/blobs/1.png stands for",
        "--labels has no meaning here: the classifier holds its labels",
        "--input_layer has no meaning here",
        "--output_layer has no meaning here",
        "--input_height has no meaning here",
        "--input_mean has no meaning here",
    ] {
        assert!(told.contains(words), "no {words:?} in {told}");
    }
    // Without either flag it is still told what is missing.
    let output = delfin(folder, &["classify", "photos/blobs/1.png"]);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("--classifier"), "{told}");
}

#[test]
fn accuracy_below_what_is_asserted_is_a_no() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let root = photos(folder, 8);
    // Labels without any sense.
    for number in 0..8 {
        let (a, b) = (
            root.join(format!("blobs/{number}.png")),
            root.join(format!("stripes/{number}.png")),
        );
        if number % 2 == 0 {
            std::fs::rename(&a, folder.join("x.png")).unwrap();
            std::fs::rename(&b, &a).unwrap();
            std::fs::rename(folder.join("x.png"), &b).unwrap();
        }
    }
    let output = train(
        folder,
        &[
            "--steps",
            "20",
            "--testing-percentage",
            "40",
            "--assert-accuracy-at-least",
            "99.9",
        ],
    );
    assert_eq!(
        output.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn folders_that_cannot_be_learned_say_why() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let fails = |output: &Output, words: &str| {
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(
            stderr.contains(words) && !stderr.contains("panicked"),
            "no {words:?} in {stderr}"
        );
        assert!(!folder.join("c.delfin").exists());
    };
    fails(&train(folder, &[]), "photos");
    let root = photos(folder, 1);
    fails(
        &train(folder, &["--assert-accuracy-at-least", "50"]),
        "--assert-accuracy-at-least",
    );
    std::fs::write(root.join("blobs/0.png"), "no photo").unwrap();
    fails(&train(folder, &[]), "no photo of class `blobs` can be read");
    std::fs::create_dir(root.join("BLOBS")).unwrap();
    std::fs::copy(root.join("stripes/0.png"), root.join("BLOBS/0.png")).unwrap();
    fails(&train(folder, &[]), "same name");
    std::fs::write(folder.join("broken"), "x").unwrap();
    fails(
        &delfin(folder, &["classify", "photos", "-c", "broken"]),
        "broken: not a classifier file of delfin\n",
    );
    fails(
        &delfin(folder, &["classify", "photos", "-c", "missing"]),
        "missing",
    );
    let output = train(folder, &["--output-labels", "nowhere/labels.txt"]);
    fails(&output, "nowhere: there is no such folder");
}

#[test]
fn a_class_without_a_photo_that_can_be_read_is_left_out_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let root = photos(folder, 6);
    // Sorted before the others, so that their numbers change.
    std::fs::create_dir(root.join("a_broken")).unwrap();
    std::fs::write(root.join("a_broken/1.jpg"), "no photo").unwrap();
    let output = train(folder, &["--steps", "10", "--output-labels", "labels.txt"]);
    stdout(&output);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    for words in ["a_broken: no photo in it can be read, so no class", "1.jpg"] {
        assert!(told.contains(words), "no {words:?} in {told}");
    }
    let labels = std::fs::read_to_string(folder.join("labels.txt")).unwrap();
    assert_eq!(labels, "blobs\nstripes\n");
    // With one class left there is nothing to learn, which is told before a photo is computed.
    std::fs::remove_dir_all(root.join("blobs")).unwrap();
    let output = delfin(
        folder,
        &["train", "photos", "-o", "d.delfin", "--cache-dir", "new"],
    );
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("only `stripes`"), "{told}");
    let store = delfin::store::Store::open(&folder.join("new/store.sqlite")).unwrap();
    assert_eq!(store.info().unwrap().num_photos, 0);
}

#[test]
fn classes_of_one_photo_are_learned_but_nothing_is_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    photos(folder, 1);
    let text = stdout(&train(folder, &["--steps", "5"]));
    assert!(!text.contains("Final test accuracy"), "{text}");
    let classify = |more: &[&str]| {
        let args = ["classify", "photos/blobs/0.png", "-c", "c.delfin"];
        delfin(folder, &[&args, more].concat())
    };
    let label = stdout(&classify(&[]));
    assert!(label.contains("label     blobs\n"), "{label}");
    let output = classify(&["--reject"]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("--reject: "), "{stderr}");
    // A photo that is missing: the cause is said once.
    let output = delfin(folder, &["classify", "nothing", "-c", "c.delfin"]);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(stderr.matches("os error").count(), 1, "{stderr}");
}

#[test]
fn a_missing_path_is_told_and_the_others_are_done() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    photos(folder, 2);
    stdout(&train(folder, &["--steps", "5"]));
    let classify = |args: &[&str]| {
        let output = delfin(folder, &[&["classify", "-c", "c.delfin"], args].concat());
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let [text, told] = [output.stdout, output.stderr];
        (
            String::from_utf8(text).unwrap(),
            String::from_utf8(told).unwrap(),
        )
    };
    let (csv, told) = classify(&["nope.jpg", "photos", "0.5"]);
    assert_eq!(csv.lines().count(), 5, "{csv}");
    for name in ["nope.jpg", "0.5"] {
        assert!(
            told.contains(&format!("delfin: {name}: ")),
            "no {name} in {told}"
        );
    }
    assert!(
        told.contains("2 of 6 photos failed") && !told.contains("--reject"),
        "{told}"
    );
    // A number behind `--reject` may be meant for it.
    for paths in [&["photos", "--reject", "0.7"][..], &["--reject", "0.7"]] {
        let (_, told) = classify(paths);
        assert!(
            told.contains("delfin: 0.7: ")
                && told.contains("; for a threshold write --reject=0.7\n"),
            "{told}"
        );
    }
    let (text, told) = classify(&["nope.jpg", "photos/none"]);
    assert!(text.is_empty(), "{text}");
    assert!(
        told.contains("nope.jpg: ") && told.contains("photos/none: "),
        "{told}"
    );
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("gone.jpg", folder.join("link.jpg")).unwrap();
        let (csv, told) = classify(&["link.jpg", "photos/blobs"]);
        assert_eq!(csv.lines().count(), 3, "{csv}");
        assert!(
            told.contains("link.jpg: a link that leads nowhere\n"),
            "{told}"
        );
    }
}

#[test]
fn validation_photos_that_are_all_wrong_do_not_silence_the_layer() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let root = photos(folder, 6);
    for (class, other) in [("blobs", "stripes"), ("stripes", "blobs")] {
        std::fs::create_dir_all(folder.join("wrong").join(class)).unwrap();
        for number in [4, 5] {
            std::fs::rename(
                root.join(format!("{other}/{number}.png")),
                folder.join(format!("wrong/{class}/{number}.png")),
            )
            .unwrap();
        }
    }
    let args = ["--validation-dir", "wrong", "--testing-percentage", "0"];
    let output = train(folder, &args);
    stdout(&output);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        told.contains("labels 4 of 4 validation photos wrongly"),
        "{told}"
    );
    for class in ["blobs", "stripes"] {
        let photo = format!("photos/{class}/1.png");
        let args = ["classify", "-c", "c.delfin", "--json", &photo];
        let found: serde_json::Value =
            serde_json::from_str(&stdout(&delfin(folder, &args))).unwrap();
        assert_eq!(found["label"], class, "{found}");
        let probability = found["probability"].as_f64().unwrap();
        assert!(probability > 0.5 && probability < 0.7, "{found}");
    }
    // Right ones support it, which needs no remark.
    let output = train(folder, &["--testing-percentage", "0"]);
    stdout(&output);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!told.contains("wrongly"), "{told}");
}

#[test]
fn test_photos_that_were_trained_on_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let root = photos(folder, 5);
    for class in ["blobs", "stripes"] {
        let own = folder.join("apart").join(class);
        std::fs::create_dir_all(&own).unwrap();
        std::fs::rename(root.join(class).join("4.png"), own.join("4.png")).unwrap();
    }
    let told = |test_dir: &str| {
        let output = train(folder, &["--steps", "5", "--test-dir", test_dir]);
        stdout(&output);
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let own = told("photos");
    let words = "8 of 8 test photos are among those trained on";
    assert!(own.contains(words), "{own}");
    let apart = told("apart");
    assert!(!apart.contains("among those trained on"), "{apart}");
    // By their content, whatever their name.
    std::fs::copy(root.join("blobs/0.png"), folder.join("apart/blobs/new.png")).unwrap();
    let some = told("apart");
    let words = "1 of 3 test photos are among those trained on";
    assert!(some.contains(words), "{some}");
}

#[test]
fn a_label_that_was_edited_in_the_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    photos(folder, 2);
    stdout(&train(folder, &["--steps", "5"]));
    let file = folder.join("c.delfin");
    let mut bytes = std::fs::read(&file).unwrap();
    let at = bytes.windows(5).position(|w| w == b"blobs").unwrap();
    bytes[at..at + 5].copy_from_slice(b"blocs");
    std::fs::write(&file, bytes).unwrap();
    let output = delfin(folder, &["classify", "photos", "-c", "c.delfin"]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(
        told.contains("c.delfin: it is broken: its labels"),
        "{told}"
    );
}

#[test]
fn two_outputs_of_one_name_are_refused_before_the_work() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    photos(folder, 2);
    let fails = |output: &Output, flags: [&str; 2]| {
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert_eq!(told.lines().count(), 1, "{told}");
        assert!(flags.iter().all(|flag| told.contains(flag)), "{told}");
        assert!(!folder.join("cache").exists());
    };
    fails(
        &train(folder, &["--output-labels", "./c.delfin"]),
        ["-o", "--output-labels"],
    );
    fails(
        &train(folder, &["--summaries-dir", "c.delfin"]),
        ["-o", "--summaries-dir"],
    );
    stdout(&train(
        folder,
        &["--steps", "5", "--output-labels", "labels.txt"],
    ));
    std::fs::remove_dir_all(folder.join("cache")).unwrap();
    let args = [
        "classify", "photos", "-c", "c.delfin", "-o", "same", "--report", "same",
    ];
    fails(&delfin(folder, &args), ["-o", "--report"]);
    assert!(!folder.join("same").exists());
}

/// Crops of one wall and of one box among photos of other things, under names that the split by name
/// alone spreads over all sides.
fn photos_of_few_things(folder: &Path) {
    let open = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/images");
        image::open(path.join(name)).unwrap().into_rgb8()
    };
    for (class, repeated, others) in [
        ("walls", "graffiti_1.jpg", ["cat.jpg", "coffee.jpg"]),
        ("boxes", "box_in_scene.jpg", ["books_a.jpg", "street_a.jpg"]),
    ] {
        let root = folder.join("photos").join(class);
        std::fs::create_dir_all(&root).unwrap();
        let photo = open(repeated);
        let (width, height) = (photo.width() * 4 / 5, photo.height() * 4 / 5);
        for number in 0..6 {
            let (x, y) = (photo.width() / 30 * number, photo.height() / 40 * number);
            image::imageops::crop_imm(&photo, x, y, width, height)
                .to_image()
                .save(root.join(format!("same {number}.jpg")))
                .unwrap();
        }
        for name in others {
            open(name).save(root.join(name)).unwrap();
        }
    }
}

/// The sides of the photos whose name has `part` in it.
fn sides(folder: &Path, part: &str) -> std::collections::BTreeSet<String> {
    let table = std::fs::read_to_string(folder.join("runs/train/metadata.tsv")).unwrap();
    let rows = table.lines().skip(1).filter(|line| line.contains(part));
    rows.map(|line| line.split('\t').nth(2).unwrap().to_owned())
        .collect()
}

#[test]
fn photos_that_geometry_ties_together_stay_on_one_side() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    photos_of_few_things(folder);
    let args = [
        "--testing-percentage",
        "40",
        "--validation-percentage",
        "20",
        "--steps",
        "20",
        "--summaries-dir",
        "runs",
    ];
    stdout(&train(folder, &args));
    for class in ["walls", "boxes"] {
        assert!(sides(folder, &format!("{class}/same")).len() > 1, "{class}");
    }
    let text = stdout(&train(
        folder,
        &[&args[..], &["--group-by-verified"][..]].concat(),
    ));
    for class in ["walls", "boxes"] {
        assert_eq!(sides(folder, &format!("{class}/same")).len(), 1, "{class}");
    }
    assert!(
        text.contains(
            "groups    12 of 16 photos tied to others, in 2 groups, 6 photos in the largest"
        ),
        "{text}"
    );
    for line in ["Final test accuracy = ", "Split by name alone, "] {
        assert!(text.contains(line), "no {line:?} in {text}");
    }
    let output = train(
        folder,
        &[
            "--group-by-verified",
            "--test-dir",
            "photos",
            "--validation-dir",
            "photos",
        ],
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--group-by-verified: "));
}
