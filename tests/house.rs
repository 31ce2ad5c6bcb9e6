//! The design's rules about who may name whom, kept by reading the sources.

use std::path::{Path, PathBuf};

fn sources() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    walk(&root, &mut paths);
    paths.sort();
    assert!(paths.len() > 10);
    paths
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            (path.strip_prefix(&root).unwrap().to_owned(), text)
        })
        .collect()
}

/// Whether `line` holds `word` with no letter before it: `tract_` is not in `subtract_mean`.
fn holds(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

/// The lines of code that hold one of `words`; comments do not count.
fn naming(text: &str, words: &[&str]) -> Vec<String> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("//"))
        .filter(|line| words.iter().any(|word| holds(line, word)))
        .map(str::to_owned)
        .collect()
}

fn assert_nowhere(words: &[&str], within: impl Fn(&Path) -> bool) {
    for (path, text) in sources() {
        if within(&path) {
            let lines = naming(&text, words);
            assert!(
                lines.is_empty(),
                "src/{} names {words:?}: {lines:#?}",
                path.display()
            );
        }
    }
}

fn is_cli(path: &Path) -> bool {
    path == Path::new("main.rs") || path.starts_with("cli")
}

#[test]
fn only_the_model_names_tract() {
    let is_model =
        |path: &Path| path == Path::new("extract/model.rs") || path.starts_with("extract/model");
    assert_nowhere(&["tract_"], |path| !is_model(path));
    let (_, model) = sources()
        .into_iter()
        .find(|(p, _)| p == Path::new("extract/model.rs"))
        .unwrap();
    assert!(
        !naming(&model, &["tract_"]).is_empty(),
        "the rule guards nothing"
    );
}

#[test]
fn the_library_names_no_program_crate() {
    assert_nowhere(&["clap", "anyhow", "indicatif", "crate::cli"], |path| {
        !is_cli(path)
    });
}

#[test]
fn only_output_rs_prints() {
    assert_nowhere(&["println!", "print!(", "stdout()", "stderr()"], |path| {
        path != Path::new("cli/output.rs") && path != Path::new("cli/progress.rs")
    });
}

#[test]
fn geometry_and_ransac_know_no_image_no_descriptor_and_no_file() {
    assert_nowhere(
        &[
            "crate::image",
            "image::",
            "Descriptors",
            "FeatureSet",
            "crate::extract",
            "std::fs",
            "std::path",
            "std::io",
        ],
        |path| {
            path.starts_with("geometry")
                || path.starts_with("ransac")
                || path == Path::new("ransac.rs")
        },
    );
}

#[test]
fn arrows_point_one_way() {
    for (module, may_not_name) in [
        (
            "features",
            &[
                "crate::search",
                "crate::matching",
                "crate::extract",
                "crate::pipeline",
            ][..],
        ),
        (
            "search",
            &[
                "crate::matching",
                "crate::extract",
                "crate::ransac",
                "crate::pipeline",
            ],
        ),
        (
            "matching",
            &[
                "crate::extract",
                "crate::ransac",
                "crate::verification",
                "crate::pipeline",
            ],
        ),
        (
            "geometry",
            &[
                "crate::ransac",
                "crate::verification",
                "crate::matching",
                "crate::pipeline",
            ],
        ),
        (
            "ransac",
            &[
                "crate::verification",
                "crate::matching",
                "crate::features",
                "crate::pipeline",
            ],
        ),
        (
            "verification",
            &["crate::extract", "crate::search", "crate::pipeline"],
        ),
        (
            "extract",
            &[
                "crate::matching",
                "crate::search",
                "crate::geometry",
                "crate::pipeline",
            ],
        ),
        (
            "image",
            &["crate::extract", "crate::features", "crate::pipeline"],
        ),
        (
            "candidates",
            &[
                "crate::extract",
                "crate::matching",
                "crate::store",
                "crate::pipeline",
            ],
        ),
        (
            "cluster",
            &[
                "crate::features",
                "crate::verification",
                "crate::store",
                "crate::pipeline",
            ],
        ),
        (
            "store",
            &["crate::extract", "crate::cluster", "crate::pipeline"],
        ),
        ("formats", &["crate::extract", "crate::pipeline"]),
        (
            "report",
            &["crate::extract", "crate::cluster", "crate::pipeline"],
        ),
        (
            "organize",
            &[
                "crate::extract",
                "crate::report",
                "crate::cluster",
                "crate::pipeline",
            ],
        ),
        ("cluster", &["crate::report", "crate::pipeline"]),
    ] {
        assert_nowhere(may_not_name, |path| {
            path.starts_with(module) || path == Path::new(&format!("{module}.rs"))
        });
    }
}

#[test]
fn main_is_short() {
    let (_, main) = sources()
        .into_iter()
        .find(|(p, _)| p == Path::new("main.rs"))
        .unwrap();
    assert!(main.lines().count() < 60);
}
