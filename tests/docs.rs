//! Every command of README.md and docs/ is run, in the order of its page, in a folder that holds what the pages name.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Programs whose lines are not run here: the tests are these, and the others need what is not there.
const NOT_RUN: [&str; 5] = [
    "cargo test",
    "cargo install",
    "delfin open ",
    "pip ",
    "tensorboard ",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files of a folder with this ending, sorted.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|found| found == ending))
        .collect();
    paths.sort();
    paths
}

/// What the pages name: `examples/images`, `photos/`, `item_photos/` with two classes, and true labels.
fn folder_of_the_pages() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (examples, photos) = (
        folder.path().join("examples/images"),
        folder.path().join("photos"),
    );
    std::fs::create_dir_all(&examples).unwrap();
    std::fs::create_dir_all(&photos).unwrap();
    let mut labels = String::new();
    for path in &files(&root().join("examples/images"), "jpg") {
        let name = path.file_name().unwrap();
        std::fs::copy(path, examples.join(name)).unwrap();
        std::fs::copy(path, photos.join(name)).unwrap();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        labels += stem.split('_').next().unwrap();
        labels.push('\n');
    }
    std::fs::write(folder.path().join("labels_true.txt"), labels).unwrap();
    for (class, example) in [("books", "books_a.jpg"), ("boxes", "box_in_scene.jpg")] {
        let class = folder.path().join("item_photos").join(class);
        std::fs::create_dir_all(&class).unwrap();
        let photo = image::open(examples.join(example)).unwrap().into_rgb8();
        let (width, height) = (photo.width() * 3 / 5, photo.height() * 3 / 5);
        for number in 0..8 {
            let (x, y) = (photo.width() / 30 * number, photo.height() / 30 * number);
            let part = image::imageops::crop_imm(&photo, x, y, width, height).to_image();
            part.save(class.join(format!("{number}.jpg"))).unwrap();
        }
    }
    folder
}

/// The lines of the fenced blocks of shell commands.
fn commands(page: &str) -> Vec<&str> {
    let mut inside = false;
    page.lines()
        .filter(|line| {
            if line.starts_with("```") {
                inside = *line == "```sh";
                return false;
            }
            inside
        })
        .collect()
}

/// Runs the commands of a page; what each printed.
fn run(page: &str, folder: &Path) -> String {
    let mut printed = String::new();
    for line in commands(page) {
        if NOT_RUN.iter().any(|start| line.starts_with(start)) {
            continue;
        }
        let (command, comment) = line.split_once('#').unwrap_or((line, ""));
        let arguments = command
            .strip_prefix("cargo run --release -- ")
            .or_else(|| command.strip_prefix("delfin "))
            .unwrap_or_else(|| panic!("{line}: not a command of delfin's, and not listed here"));
        let output = Command::new(env!("CARGO_BIN_EXE_delfin"))
            .args(arguments.split_whitespace())
            .current_dir(folder)
            .output()
            .unwrap();
        let wanted = if comment.contains("exit code 1") {
            1
        } else {
            0
        };
        assert_eq!(
            output.status.code(),
            Some(wanted),
            "{line}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        printed += std::str::from_utf8(&output.stdout).unwrap();
    }
    printed
}

/// Every line of the page's blocks of output was printed, but for times.
fn assert_printed(page: &str, printed: &str) {
    for block in page.split("```text\n").skip(1) {
        let (block, _) = block.split_once("```").unwrap();
        for line in block.lines().filter(|line| !line.starts_with("time ")) {
            assert!(
                printed.lines().any(|other| other == line),
                "{line}\n\nof\n{printed}"
            );
        }
    }
}

#[test]
fn the_commands_of_every_page_run_and_print_what_it_says() {
    let pages = files(&root().join("docs"), "md").into_iter();
    let pages = pages.chain([root().join("README.md")]);
    let mut count = 0;
    for path in pages {
        let page = std::fs::read_to_string(&path).unwrap();
        let folder = folder_of_the_pages();
        let printed = run(&page, folder.path());
        assert_printed(&page, &printed);
        count += commands(&page).len();
    }
    assert!(count > 15, "{count} commands");
}

/// Pages of `docs/` are those of its summary and of the crate's documentation.
#[test]
fn every_page_is_listed() {
    let summary = std::fs::read_to_string(root().join("docs/SUMMARY.md")).unwrap();
    let guide = std::fs::read_to_string(root().join("src/guide.rs")).unwrap();
    for entry in std::fs::read_dir(root().join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".md") && name != "SUMMARY.md" {
            assert!(summary.contains(&format!("]({name})")), "{name}");
            assert!(guide.contains(&format!("\"{name}\"")), "{name}");
        }
    }
}

/// Links of README.md and docs/ to files of the repository.
#[test]
fn every_link_leads_to_a_file() {
    let mut pages = files(&root().join("docs"), "md");
    pages
        .extend(["README.md", "ARCHITECTURE.md", "models/README.md"].map(|name| root().join(name)));
    for path in pages {
        let page = std::fs::read_to_string(&path).unwrap();
        for link in page.split("](").skip(1) {
            let (target, _) = link.split_once(')').unwrap();
            let target = target.split('#').next().unwrap();
            if !target.is_empty() && !target.contains("://") {
                assert!(
                    path.parent().unwrap().join(target).exists(),
                    "{}: {target}",
                    path.display()
                );
            }
        }
    }
}
