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
    path == Path::new("main.rs") || path.starts_with("cli") || path.starts_with("serve")
}

#[test]
fn only_the_model_names_tract() {
    let is_model =
        |path: &Path| path == Path::new("extract/model.rs") || path.starts_with("extract/model");
    assert_nowhere(&["tract_", "ort::"], |path| !is_model(path));
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

/// Every module of the library, and the modules that it may name; each names only ones before it, so that
/// there is no circle. All may name `error`.
const MODULES: [(&str, &[&str]); 26] = [
    ("error", &[]),
    ("counted", &[]),
    ("guide", &[]),
    ("hex", &[]),
    ("random", &[]),
    ("features", &[]),
    ("geometry", &[]),
    ("cluster", &[]),
    ("files", &[]),
    ("image", &[]),
    ("folder", &["counted", "files", "image"]),
    ("search", &["features"]),
    ("matching", &["features", "search"]),
    ("ransac", &["geometry", "random"]),
    (
        "verification",
        &["features", "geometry", "matching", "ransac"],
    ),
    ("refinement", &["geometry", "image"]),
    ("scoring", &["features", "geometry", "refinement"]),
    ("candidates", &["features"]),
    ("store", &["features", "files", "scoring"]),
    (
        "classify",
        &["counted", "features", "files", "folder", "hex", "random"],
    ),
    (
        "formats",
        &["classify", "features", "files", "geometry", "image"],
    ),
    (
        "extract",
        &["counted", "features", "files", "formats", "hex", "image"],
    ),
    ("report", &["counted", "files", "hex", "image"]),
    ("organize", &["files", "folder"]),
    (
        "pipeline",
        &[
            "candidates",
            "classify",
            "cluster",
            "counted",
            "extract",
            "features",
            "files",
            "folder",
            "formats",
            "geometry",
            "hex",
            "image",
            "matching",
            "random",
            "refinement",
            "report",
            "scoring",
            "store",
            "verification",
        ],
    ),
    ("lib", &[]),
];

/// The modules that code names as `crate::a`, or as `crate::{a, b}` over any number of lines.
fn modules_named(text: &str) -> Vec<String> {
    let code: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect();
    let code = code.join("\n");
    let word = |text: &str| -> String {
        let letters = text.trim_start().chars();
        letters
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    let mut named = Vec::new();
    for (at, found) in code.match_indices("crate::") {
        let rest = &code[at + found.len()..];
        match rest.strip_prefix('{') {
            None => named.push(word(rest)),
            Some(list) => named.extend(items(list).iter().map(|item| word(item))),
        }
    }
    named.retain(|name| !name.is_empty());
    named
}

/// The items of a list up to its closing brace; lists within stay whole.
fn items(list: &str) -> Vec<String> {
    let mut depth = 0;
    let mut items = vec![String::new()];
    for letter in list.chars() {
        match letter {
            '}' if depth == 0 => break,
            ',' if depth == 0 => {
                items.push(String::new());
                continue;
            }
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        items.last_mut().unwrap().push(letter);
    }
    items
}

#[test]
fn modules_are_found_in_every_form_of_use() {
    let text = "use crate::image::{Photo, read};\n// crate::comment\nuse crate::{\n    files::{a, b},\n    \
                hex::hex, random,\n};\nlet x = crate::store::open(crate::Model::new());";
    let expected = ["image", "files", "hex", "random", "store", "Model"];
    assert_eq!(modules_named(text), expected);
}

#[test]
fn arrows_point_one_way() {
    let module_of = |path: &Path| {
        let first = path.components().next().unwrap().as_os_str();
        let name = Path::new(first).file_stem().unwrap();
        name.to_str().unwrap().to_owned()
    };
    for (path, text) in sources() {
        if is_cli(&path) {
            continue;
        }
        let module = module_of(&path);
        let place = MODULES.iter().position(|(name, _)| *name == module);
        let place = place.unwrap_or_else(|| panic!("{module} is not in the list"));
        for named in modules_named(&text) {
            // `Error`, `Result` and `Model` are re-exported at the root.
            let is_module = named.starts_with(|c: char| c.is_ascii_lowercase());
            let is_allowed =
                named == module || named == "error" || MODULES[place].1.contains(&&*named);
            assert!(
                !is_module || is_allowed,
                "src/{} names crate::{named}, which {module} may not",
                path.display()
            );
        }
    }
    for (place, (module, names)) in MODULES.iter().enumerate() {
        for name in *names {
            let before = MODULES[..place].iter().any(|(earlier, _)| earlier == name);
            assert!(
                before,
                "{module} names {name}, which does not stand before it"
            );
        }
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
