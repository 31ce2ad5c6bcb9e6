//! `delfin evaluate` and `delfin organize`: the real program in a temporary folder.

#![allow(
    clippy::expect_used,
    reason = "a test fails by panicking, its helpers too"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    /// A folder `in` with these photos; their content is their name.
    fn new(photos: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let bench = Self { folder };
        for photo in photos {
            bench.write(&format!("in/{photo}"), photo);
        }
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, content).expect("written");
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_delfin"));
        command.args(args).current_dir(self.folder.path());
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("the program runs")
    }

    /// Runs and asserts the exit code; what it printed, then what it noted.
    fn ends(&self, code: i32, args: &[&str]) -> (String, String) {
        let output = self.run(args);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{args:?}: {out}{err}");
        assert!(!err.contains("panicked"), "{err}");
        (out, err)
    }

    /// Every path below the folder, with what it holds: a file's content, a link's target, or "/".
    fn tree(&self) -> BTreeMap<PathBuf, String> {
        fn walk(folder: &Path, root: &Path, tree: &mut BTreeMap<PathBuf, String>) {
            for entry in std::fs::read_dir(folder).expect("listed") {
                let path = entry.expect("an entry").path();
                let below = path.strip_prefix(root).expect("below").to_owned();
                if let Ok(link) = std::fs::read_link(&path) {
                    tree.insert(below, format!("-> {}", link.display()));
                } else if path.is_dir() {
                    tree.insert(below, "/".to_owned());
                    walk(&path, root, tree);
                } else {
                    let content = std::fs::read(&path).expect("read");
                    tree.insert(below, String::from_utf8_lossy(&content).into_owned());
                }
            }
        }
        let mut tree = BTreeMap::new();
        walk(self.folder.path(), self.folder.path(), &mut tree);
        tree
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("a file")
    }
}

const PHOTOS: [&str; 4] = ["shoe_1.jpg", "shoe_2.jpg", "sub/hat_1.png", "plain.jpg"];
const PREFIX: [&str; 6] = ["organize", "in", "--by", "prefix", "--to", "out"];
const UNDO: [&str; 4] = ["organize", "--undo", "--to", "out"];

fn with<'a>(args: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [args, more].concat()
}

#[test]
fn every_method_places_and_undo_takes_back_exactly_that() {
    for method in ["hardlink", "symlink", "copy"] {
        let bench = Bench::new(&PHOTOS);
        bench.write("out/mine.txt", "mine");
        let before = bench.tree();
        let (out, err) = bench.ends(1, &with(&PREFIX, &["--method", method]));
        assert!(
            out.starts_with("3 of 4 photos placed in 2 folders"),
            "{out}"
        );
        assert!(
            err.contains("plain.jpg: left out: its name has no prefix"),
            "{err}"
        );
        assert_eq!(bench.read("out/shoe/shoe_1.jpg"), "shoe_1.jpg");
        assert_eq!(bench.read("out/hat/hat_1.png"), "sub/hat_1.png");
        assert_eq!(
            bench.path("out/hat/hat_1.png").is_symlink(),
            method == "symlink"
        );
        let is_same = same_file::is_same_file(
            bench.path("in/shoe_1.jpg"),
            bench.path("out/shoe/shoe_1.jpg"),
        );
        assert_eq!(is_same.expect("both are there"), method != "copy");
        // Once more: all is in its place, and there is nothing new to take back.
        let (out, _) = bench.ends(1, &with(&PREFIX, &["--method", method]));
        assert!(
            out.contains("0 of 4") && out.contains("3 there already"),
            "{out}"
        );
        let (out, _) = bench.ends(0, &UNDO);
        assert!(out.starts_with("3 places taken back"), "{out}");
        assert_eq!(bench.tree(), before);
        let (_, err) = bench.ends(2, &UNDO);
        assert!(err.contains("no run to take back"), "{err}");
    }
}

#[test]
fn moved_photos_are_moved_back() {
    let bench = Bench::new(&PHOTOS);
    bench.write("elsewhere/link_1.jpg", "linked");
    #[cfg(unix)]
    std::os::unix::fs::symlink(
        bench.path("elsewhere/link_1.jpg"),
        bench.path("in/link_1.jpg"),
    )
    .expect("a link");
    let before = bench.tree();
    let (out, err) = bench.ends(2, &with(&PREFIX, &["--method", "move"]));
    assert!(out.starts_with("3 of 5 photos placed"), "{out}");
    assert!(err.contains("only files are moved"), "{err}");
    assert_eq!(bench.read("out/shoe/shoe_1.jpg"), "shoe_1.jpg");
    assert!(!bench.path("in/shoe_1.jpg").exists() && !bench.path("in/sub/hat_1.png").exists());
    assert_eq!(bench.read("elsewhere/link_1.jpg"), "linked");
    // A photo of that name came meanwhile, and the folder of another is gone.
    bench.write("in/shoe_2.jpg", "another");
    std::fs::remove_dir(bench.path("in/sub")).expect("empty");
    let (out, err) = bench.ends(1, &UNDO);
    assert!(out.starts_with("2 places taken back"), "{out}");
    assert!(
        err.contains("shoe_2.jpg: kept: another file has its old name"),
        "{err}"
    );
    assert_eq!(bench.read("out/shoe/shoe_2.jpg"), "shoe_2.jpg");
    // Its old name is free again: what was kept goes back too.
    std::fs::remove_file(bench.path("in/shoe_2.jpg")).expect("removed");
    bench.ends(0, &UNDO);
    assert_eq!(bench.tree(), before);
}

#[cfg(unix)]
#[test]
fn undo_never_removes_what_a_link_leads_to() {
    use std::os::unix::fs::symlink;
    for method in ["move", "copy", "hardlink"] {
        // A link at a photo's old name, then one at the folder's.
        let bench = Bench::new(&["a_1.jpg", "a_2.jpg"]);
        bench.ends(0, &with(&PREFIX, &["--method", method]));
        std::fs::remove_file(bench.path("in/a_1.jpg")).ok();
        symlink(bench.path("out/a/a_1.jpg"), bench.path("in/a_1.jpg")).expect("a link");
        let (_, err) = bench.ends(1, &UNDO);
        assert!(
            err.contains("a_1.jpg: kept") && err.contains("link that leads here"),
            "{err}"
        );
        assert_eq!(bench.read("out/a/a_1.jpg"), "a_1.jpg");
        assert_eq!(bench.read("in/a_2.jpg"), "a_2.jpg");
        let bench = Bench::new(&["a_1.jpg", "a_2.jpg"]);
        bench.ends(0, &with(&PREFIX, &["--method", method]));
        std::fs::remove_dir_all(bench.path("in")).expect("removed");
        symlink(bench.path("out/a"), bench.path("in")).expect("a link");
        bench.ends(1, &UNDO);
        for name in ["a_1.jpg", "a_2.jpg"] {
            assert_eq!(bench.read(&format!("out/a/{name}")), name, "{method}");
        }
    }
}

#[test]
fn a_move_is_taken_back_only_to_where_it_came_from() {
    let moved = with(&PREFIX, &["--method", "move"]);
    // Moved on by another run: the way back is not forgotten.
    let bench = Bench::new(&["a_1.jpg", "a_2.jpg"]);
    let before = bench.tree();
    bench.ends(0, &moved);
    let on = [
        "organize", "out", "--by", "prefix", "--to", "far", "--method", "move",
    ];
    bench.ends(0, &on);
    let (out, err) = bench.ends(1, &UNDO);
    assert!(out.starts_with("0 places taken back"), "{out}");
    assert!(err.contains("neither there nor where it was"), "{err}");
    bench.ends(0, &["organize", "--undo", "--to", "far"]);
    bench.ends(0, &UNDO);
    assert_eq!(bench.tree(), before);
    // The folder it came from is gone, or its journal names another's files.
    bench.ends(0, &moved);
    std::fs::rename(bench.path("in"), bench.path("renamed")).expect("renamed");
    let (_, err) = bench.ends(2, &UNDO);
    assert!(
        err.contains("/in is missing; put it back under that name, then undo"),
        "{err}"
    );
    assert!(!err.contains("not a journal"), "{err}");
    std::fs::rename(bench.path("renamed"), bench.path("in")).expect("renamed");
    let journal = "out/.delfin/organize-0001.jsonl";
    let text = bench.read(journal);
    for name in ["../a_1.jpg", ".profile"] {
        bench.write(
            journal,
            &text.replace("\"a_1.jpg\"", &format!("\"{name}\"")),
        );
        let (_, err) = bench.ends(2, &UNDO);
        assert!(err.contains("is no photo below its folder"), "{err}");
    }
    bench.write(journal, &text);
    // What another keeps beside it stays.
    bench.write("in/a_1.delfin-partial", "mine");
    bench.ends(0, &UNDO);
    assert_eq!(bench.read("in/a_1.delfin-partial"), "mine");
    assert_eq!(bench.read("in/a_1.jpg"), "a_1.jpg");
}

#[test]
fn moved_photos_that_were_deleted_hold_nothing_up() {
    let moved = with(&PREFIX, &["--method", "move"]);
    let bench = Bench::new(&["a_1.jpg", "a_2.jpg"]);
    bench.ends(0, &moved);
    bench.write("in/a_3.jpg", "a_3.jpg");
    bench.write("in/a_4.jpg", "a_4.jpg");
    bench.ends(0, &moved);
    std::fs::remove_file(bench.path("out/a/a_3.jpg")).expect("deleted");
    let (_, err) = bench.ends(1, &UNDO);
    assert!(err.contains("a_3.jpg: kept: it is neither"), "{err}");
    assert_eq!(bench.read("in/a_4.jpg"), "a_4.jpg");
    bench.ends(0, &UNDO);
    assert_eq!(bench.read("in/a_1.jpg"), "a_1.jpg");
}

#[test]
fn moved_photos_are_not_organized_again() {
    let bench = Bench::new(&["a_1.jpg", "a_2.jpg"]);
    let inside = [
        "organize",
        "in",
        "--by",
        "prefix",
        "--to",
        "in/others",
        "--method",
        "move",
    ];
    bench.ends(0, &inside);
    bench.write("in/a_3.jpg", "a_3.jpg");
    let (out, _) = bench.ends(0, &["organize", "in", "--by", "prefix", "--to", "out"]);
    assert!(out.starts_with("1 of 1 photo placed"), "{out}");
}

#[test]
fn a_plan_is_json_and_changes_nothing() {
    let bench = Bench::new(&PHOTOS);
    bench.write("out/shoe/shoe_2.jpg", "another file");
    let before = bench.tree();
    let (out, _) = bench.ends(0, &with(&PREFIX, &["--plan"]));
    assert_eq!(bench.tree(), before);
    let plan: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(plan["version"], 1);
    assert_eq!(plan["placement"], "hard-link");
    assert_eq!(plan["places"][0]["photo"], "shoe_1.jpg");
    assert_eq!(plan["places"][0]["target"], "shoe/shoe_1.jpg");
    assert_eq!(plan["places"].as_array().expect("a list").len(), 2);
    assert_eq!(plan["left_out"][1]["photo"], "shoe_2.jpg");
}

#[test]
fn nothing_is_written_over() {
    let bench = Bench::new(&["a_1.jpg", "a_2.jpg", "b_1.jpg", "c_1.jpg"]);
    bench.write("out/a/a_1.jpg", "mine");
    bench.write("out/b", "a file where a folder would be");
    #[cfg(unix)]
    std::os::unix::fs::symlink(bench.path("in"), bench.path("out/c")).expect("a link");
    let before = bench.tree();
    for method in ["hardlink", "symlink", "copy"] {
        let (out, err) = bench.ends(1, &with(&PREFIX, &["--method", method]));
        assert!(out.starts_with("1 of 4"), "{out}{err}");
        assert_eq!(bench.read("out/a/a_1.jpg"), "mine");
        for name in ["a_1.jpg", "b_1.jpg", "c_1.jpg"] {
            assert!(err.contains(&format!("{name}: left out")), "{err}");
        }
        bench.ends(0, &UNDO);
        assert_eq!(bench.tree(), before);
    }
}

#[test]
fn labels_come_from_a_clustering_also_an_older_one() {
    // Before the column was called `cluster` it was called `class`.
    for column in ["cluster", "class"] {
        let bench = Bench::new(&["x.jpg", "sub/y, \"z\".jpg", "new.jpg"]);
        let rows = "x.jpg,0,.5,1\n\"sub/y, \"\"z\"\".jpg\",0,.5,0\ngone.jpg,1,.5,1\n";
        let table = format!("path,{column},score,representative\n{rows}");
        bench.write("clusters.csv", &table);
        let (out, err) = bench.ends(
            1,
            &["organize", "in", "--by", "clusters.csv", "--to", "out"],
        );
        assert!(
            out.starts_with("2 of 3 photos placed in 1 folder "),
            "{out}"
        );
        assert!(err.contains("no such photo: gone.jpg"), "{err}");
        assert!(
            err.contains("new.jpg: left out: clusters.csv has no row for it"),
            "{err}"
        );
        assert_eq!(bench.read("out/0/y, \"z\".jpg"), "sub/y, \"z\".jpg");
    }
}

#[test]
fn a_table_may_name_photos_as_they_were_typed() {
    let bench = Bench::new(&["x.jpg", "sub/y.jpg", "z.jpg", "in/x.jpg"]);
    let absolute = bench.path("in/x.jpg");
    let rows = format!("./in/z.jpg,a\nin/sub/y.jpg,a\n{}", absolute.display());
    bench.write(
        "classified.csv",
        &format!("path,label\n{rows},b\nin/x.jpg,c\n"),
    );
    let args = ["organize", "in", "--by", "classified.csv", "--to", "out"];
    let (out, err) = bench.ends(0, &args);
    assert!(
        out.starts_with("4 of 4 photos placed in 3 folders"),
        "{out}{err}"
    );
    assert_eq!(err, "");
    assert_eq!(bench.read("out/a/y.jpg"), "sub/y.jpg");
    assert_eq!(bench.read("out/b/x.jpg"), "x.jpg");
    // What a path below the folder names comes first.
    assert_eq!(bench.read("out/c/x.jpg"), "in/x.jpg");
}

#[cfg(unix)]
#[test]
fn a_table_may_name_photos_by_a_link_to_their_folder() {
    let bench = Bench::new(&["x.jpg", "y.jpg"]);
    std::os::unix::fs::symlink(bench.path("in"), bench.path("link")).expect("a link");
    bench.write("real.csv", "in/x.jpg,a\nin/y.jpg,b\n");
    bench.write("link.csv", "link/x.jpg,a\nlink/y.jpg,b\n");
    for (folder, table) in [
        ("in", "link.csv"),
        ("link", "real.csv"),
        ("link", "link.csv"),
    ] {
        let (out, _) = bench.ends(0, &["organize", folder, "--by", table, "--to", "out"]);
        assert!(out.starts_with("2 of 2"), "{out}");
        bench.ends(0, &UNDO);
    }
}

#[test]
fn tables_of_something_else_are_refused() {
    let bench = Bench::new(&["x.jpg", "y.jpg"]);
    bench.write(
        "edges.csv",
        "image1,image2,matches,inliers\nx.jpg,y.jpg,9,8\n",
    );
    bench.write("wide.csv", "name,width,kind\nx.jpg,4,a\ny.jpg,4,b\n");
    bench.write("other.csv", "photo,width,kind\nx.jpg,4,a\ny.jpg,4,b\n");
    bench.write("clusters.json", "{\"version\":4}\n");
    std::fs::write(bench.path("clusters.parquet"), b"PAR1\0\xff").expect("written");
    let by = |table| ["organize", "in", "--by", table, "--to", "out"];
    for (table, word) in [
        ("edges.csv", "a table of pairs"),
        ("wide.csv", "`cluster`, `class` or `label`"),
        ("other.csv", "`cluster`, `class` or `label`"),
        ("clusters.json", "not a CSV or TSV table"),
        ("clusters.parquet", "not a CSV or TSV table"),
    ] {
        let (out, err) = bench.ends(2, &by(table));
        assert!(out.is_empty() && err.contains(word), "{out}{err}");
        assert!(err.contains(table) && err.lines().count() == 1, "{err}");
        assert!(!bench.path("out").exists());
    }
    bench.write("lines.txt", "a\n");
    let compared = [
        "evaluate",
        "--truth",
        "lines.txt",
        "--pred",
        "clusters.json",
    ];
    let (_, err) = bench.ends(2, &compared);
    assert!(err.contains("labels_pred.txt are read"), "{err}");
    // A header that names neither column is known by the rows after it.
    bench.write("named.csv", "name,kind\nx.jpg,a\ny.jpg,b\n");
    let (out, err) = bench.ends(0, &by("named.csv"));
    assert!(out.starts_with("2 of 2") && err.is_empty(), "{out}{err}");
    // A photo that is gone is no header.
    bench.write("gone.csv", "gone.jpg,c\nx.jpg,a\ny.jpg,b\n");
    let (_, err) = bench.ends(0, &by("gone.csv"));
    assert!(err.contains("no such photo: gone.jpg"), "{err}");
}

#[test]
fn names_that_collide_and_names_that_no_folder_can_have() {
    let bench = Bench::new(&[
        "1/a_1.jpg",
        "2/a_1.jpg",
        "con_1.jpg",
        "_1.jpg",
        ".x/a_9.jpg",
        "a_1_x.jpg",
    ]);
    bench.write("labels.csv", "1/a_1.jpg,..\n2/a_1.jpg,x/y\n");
    let (out, err) = bench.ends(1, &PREFIX);
    assert!(out.starts_with("3 of 5"), "{out}");
    assert!(
        err.contains("con_1.jpg: left out") && err.contains("_1.jpg: left out"),
        "{err}"
    );
    assert_eq!(bench.read("out/a/1_a_1.jpg"), "1/a_1.jpg");
    assert_eq!(bench.read("out/a/2_a_1.jpg"), "2/a_1.jpg");
    let (out, _) = bench.ends(1, &["organize", "in", "--by", "labels.csv", "--to", "out2"]);
    assert!(out.starts_with("0 of 5"), "{out}");
    assert!(!bench.path("out2").exists());
}

#[cfg(unix)]
#[test]
fn a_name_that_is_not_utf8_is_placed_and_taken_back() {
    use std::os::unix::ffi::OsStrExt;
    let bench = Bench::new(&[]);
    std::fs::create_dir(bench.path("in")).expect("made");
    let name = std::ffi::OsStr::from_bytes(b"a_caf\xe9.jpg");
    if std::fs::write(bench.path("in").join(name), "x").is_err() {
        return; // This file system takes only UTF-8 names.
    }
    let before = bench.tree();
    bench.ends(0, &PREFIX);
    assert!(bench.path("out/a").join(name).exists());
    bench.ends(0, &UNDO);
    assert_eq!(bench.tree(), before);
}

#[test]
fn the_destination_may_lie_inside_the_folder_but_not_around_it() {
    let bench = Bench::new(&["a_1.jpg", "sub/a_2.jpg"]);
    let args = ["organize", "in", "--by", "prefix", "--to", "in/sorted"];
    let (out, _) = bench.ends(0, &args);
    assert!(out.starts_with("2 of 2"), "{out}");
    let (out, _) = bench.ends(0, &args);
    assert!(out.starts_with("0 of 2"), "{out}");
    for around in ["in", ".", "in/../in"] {
        let (_, err) = bench.ends(2, &["organize", "in", "--by", "prefix", "--to", around]);
        assert!(err.contains("--to: "), "{err}");
        assert_eq!(err.lines().count(), 1);
    }
}

#[test]
fn what_was_organized_inside_the_folder_is_not_organized_again() {
    let bench = Bench::new(&["shoe_1.jpg", "shoe_2.jpg", "hat_1.png"]);
    for method in ["hardlink", "copy", "symlink"] {
        let inside = ["organize", "in", "--by", "prefix", "--to", "in/sorted"];
        bench.ends(0, &with(&inside, &["--method", method]));
        // A photo that was put there by hand is a photo as any other.
        bench.write("in/sorted/shoe/shoe_3.jpg", "by hand");
        let (out, err) = bench.ends(0, &with(&PREFIX, &["--method", "copy"]));
        assert!(out.contains("of 4 photos placed in"), "{out}");
        let told = "sorted: 3 photos left out that `delfin organize` placed there";
        assert!(err.contains(told), "{err}");
        bench.ends(0, &UNDO);
        std::fs::remove_file(bench.path("in/sorted/shoe/shoe_3.jpg")).expect("removed");
        bench.ends(0, &["organize", "--undo", "--to", "in/sorted"]);
    }
}

#[test]
fn undo_keeps_what_is_no_longer_what_it_made() {
    let bench = Bench::new(&["a_1.jpg", "a_2.jpg", "a_3.jpg"]);
    bench.ends(0, &with(&PREFIX, &["--method", "copy"]));
    bench.write("out/a/a_1.jpg", "edited");
    std::fs::remove_file(bench.path("in/a_2.jpg")).expect("removed");
    bench.write("out/a/mine.txt", "mine");
    let (out, err) = bench.ends(1, &UNDO);
    assert!(out.starts_with("1 place taken back"), "{out}");
    assert!(err.contains("a_1.jpg: kept: it has changed"), "{err}");
    assert!(err.contains("a_2.jpg: kept: its original is gone"), "{err}");
    assert_eq!(bench.read("out/a/a_1.jpg"), "edited");
    assert_eq!(bench.read("out/a/a_2.jpg"), "a_2.jpg");
    assert!(!bench.path("out/a/a_3.jpg").exists() && !bench.path("out/.delfin").exists());
}

#[test]
fn links_and_copies_are_taken_back_once_their_originals_are_there() {
    for method in ["hardlink", "copy"] {
        let bench = Bench::new(&["a_1.jpg", "a_2.jpg"]);
        let before = bench.tree();
        bench.ends(0, &with(&PREFIX, &["--method", method]));
        let journal = bench.path("out/.delfin/organize-0001.jsonl");
        // A disk that is not there, then an empty folder in its place.
        std::fs::rename(bench.path("in"), bench.path("away")).expect("renamed");
        let (_, err) = bench.ends(2, &UNDO);
        assert!(
            err.contains("/in is missing; put it back under that name, then undo"),
            "{err}"
        );
        std::fs::create_dir(bench.path("in")).expect("made");
        let (out, err) = bench.ends(1, &UNDO);
        assert!(out.contains("2 kept; what is kept can still be"), "{out}");
        assert!(err.contains("a_1.jpg: kept: its original is gone"), "{err}");
        assert!(journal.exists(), "{method}");
        std::fs::remove_dir(bench.path("in")).expect("empty");
        std::fs::rename(bench.path("away"), bench.path("in")).expect("renamed");
        bench.ends(0, &UNDO);
        assert_eq!(bench.tree(), before);
    }
    // Symbolic links need no original to be known.
    let bench = Bench::new(&["a_1.jpg"]);
    bench.ends(0, &with(&PREFIX, &["--method", "symlink"]));
    std::fs::remove_dir_all(bench.path("in")).expect("removed");
    bench.ends(0, &UNDO);
    assert!(!bench.path("out").exists());
}

#[test]
fn runs_are_taken_back_one_by_one() {
    let bench = Bench::new(&["a_1.jpg"]);
    let first = bench.tree();
    bench.ends(0, &PREFIX);
    bench.write("in/a_2.jpg", "2");
    bench.write("in/b_1.jpg", "b");
    let (out, _) = bench.ends(0, &PREFIX);
    assert!(out.starts_with("2 of 3"), "{out}");
    bench.ends(0, &UNDO);
    assert!(bench.path("out/a/a_1.jpg").exists() && !bench.path("out/a/a_2.jpg").exists());
    assert!(!bench.path("out/b").exists());
    bench.ends(0, &UNDO);
    std::fs::remove_file(bench.path("in/a_2.jpg")).expect("removed");
    std::fs::remove_file(bench.path("in/b_1.jpg")).expect("removed");
    assert_eq!(bench.tree(), first);
}

/// Starts a run and kills it as soon as `target` is there.
fn kill_at(bench: &Bench, method: &str, target: Option<&str>) {
    let mut child = bench
        .command(&with(&PREFIX, &["--method", method]))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program runs");
    while target.is_some_and(|target| !bench.path(target).exists()) {
        if child.try_wait().expect("asked").is_some() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_micros(200));
    }
    child.kill().expect("killed");
    child.wait().expect("waited for");
}

#[test]
fn a_killed_run_is_taken_back_or_finished() {
    let names: Vec<String> = (100..700).map(|i| format!("c{}_{i}.jpg", i % 7)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let bench = Bench::new(&names);
    let before = bench.tree();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    let targets: Vec<String> = sorted
        .iter()
        .map(|name| format!("out/{}/{name}", &name[..2]))
        .collect();
    let mut cut_short = 0;
    for method in ["hardlink", "symlink", "copy", "move"] {
        for moment in [
            None,
            Some("out/.delfin"),
            Some(targets[0].as_str()),
            Some(targets[200].as_str()),
        ] {
            kill_at(&bench, method, moment);
            let placed = targets
                .iter()
                .filter(|target| bench.path(target).exists())
                .count();
            cut_short += usize::from(placed > 0 && placed < targets.len());
            // Killed before its journal was whole, it has made nothing but room for it.
            if bench.run(&UNDO).status.code() == Some(2) {
                assert_eq!(placed, 0, "{method}, {moment:?}");
                std::fs::remove_dir_all(bench.path("out")).ok();
            }
            assert_eq!(bench.tree(), before, "{method}, {moment:?}");
        }
    }
    assert!(cut_short > 0, "no run was killed in the middle");
    kill_at(&bench, "copy", Some(&targets[100]));
    bench.ends(0, &with(&PREFIX, &["--method", "copy"]));
    for (name, target) in sorted.iter().zip(&targets) {
        assert_eq!(bench.read(target), **name);
    }
    bench.ends(0, &UNDO);
    bench.ends(0, &UNDO);
    assert_eq!(bench.tree(), before);
}

#[test]
fn one_run_at_a_time_works_in_a_destination() {
    let bench = Bench::new(&["a_1.jpg", "a_2.jpg"]);
    bench.ends(0, &PREFIX);
    bench.write("in/a_3.jpg", "a_3.jpg");
    let lock = std::fs::File::create(bench.path("out/.delfin/organize.lock")).expect("made");
    if lock.try_lock().is_err() {
        return; // No locks on this file system.
    }
    let before = bench.tree();
    for args in [&PREFIX[..], &UNDO[..]] {
        let (out, err) = bench.ends(2, args);
        assert!(out.is_empty() && err.lines().count() == 1, "{out}{err}");
        assert!(err.contains("another run of `delfin organize`"), "{err}");
        assert_eq!(bench.tree(), before);
    }
    // The file of a run that was killed holds nothing up.
    drop(lock);
    bench.ends(0, &PREFIX);
    bench.ends(0, &UNDO);
    bench.ends(0, &UNDO);
    assert!(!bench.path("out").exists());
}

#[test]
fn a_copy_that_a_killed_undo_left_is_removed() {
    let bench = Bench::new(&["a_1.jpg", "sub/a_2.jpg"]);
    let before = bench.tree();
    bench.ends(0, &with(&PREFIX, &["--method", "move"]));
    let path = "out/.delfin/organize-0001.jsonl";
    let journal = bench.read(path);
    let first = journal.lines().next().expect("a line");
    let intent: Value = serde_json::from_str(first).expect("JSON");
    let partial = intent["partial"].as_str().expect("a name");
    for name in ["a_1.jpg", "../.delfin-1.partial"] {
        bench.write(path, &journal.replace(partial, name));
        let (_, err) = bench.ends(2, &UNDO);
        assert!(err.contains("names no partial copy"), "{err}");
    }
    bench.write(path, &journal);
    let [left, mine] = [partial, ".delfin-mine.partial"].map(|name| format!("in/sub/{name}"));
    bench.write(&left, "half");
    bench.write(&mine, "mine");
    bench.ends(0, &UNDO);
    assert_eq!(bench.read(&mine), "mine");
    std::fs::remove_file(bench.path(&mine)).expect("removed");
    assert_eq!(bench.tree(), before);
}

#[cfg(unix)]
#[test]
fn a_failed_move_names_the_photo_at_fault() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new(&["a_1.jpg", "shut/b_1.jpg"]);
    // A link whose photo is moved before it.
    std::os::unix::fs::symlink("a_1.jpg", bench.path("in/a_2.jpg")).expect("a link");
    let shut = bench.path("in/shut");
    let set = |mode| std::fs::set_permissions(&shut, PermissionsExt::from_mode(mode));
    set(0o555).expect("set");
    // The superuser moves it all the same.
    let is_shut = std::fs::write(shut.join("x"), "").is_err();
    std::fs::remove_file(shut.join("x")).ok();
    let (_, err) = bench.ends(2, &with(&PREFIX, &["--method", "move"]));
    set(0o755).expect("set");
    let folder = bench.path("in").canonicalize().expect("there");
    let link = folder.join("a_2.jpg");
    let named = format!("failed: {}: it is reached by a link", link.display());
    assert!(err.contains(&named), "{err}");
    let photo = folder.join("shut/b_1.jpg");
    let named = format!("failed: {}: Permission denied", photo.display());
    assert_eq!(err.contains(&named), is_shut, "{err}");
}

#[test]
fn bad_input_is_one_line_that_names_it() {
    let bench = Bench::new(&["a_1.jpg"]);
    std::fs::create_dir(bench.path("empty")).expect("made");
    bench.write("broken.csv", "path,class\na_1.jpg\n");
    bench.write("lines.txt", "1\n");
    bench.write("file", "x");
    bench.write("old/.delfin/organize-0001.jsonl", "{\"version\":9}\n");
    bench.write("full/.delfin/organize-4294967295.jsonl", "");
    for (args, word) in [
        (
            &["organize", "none", "--by", "prefix", "--to", "out"][..],
            "none",
        ),
        (
            &["organize", "empty", "--by", "prefix", "--to", "out"],
            "empty",
        ),
        (
            &["organize", "file", "--by", "prefix", "--to", "out"],
            "file",
        ),
        (
            &["organize", "in", "--by", "none.csv", "--to", "out"],
            "none.csv",
        ),
        (
            &["organize", "in", "--by", "broken.csv", "--to", "out"],
            "line 2",
        ),
        (
            &["organize", "in", "--by", "lines.txt", "--to", "out"],
            "lines.txt",
        ),
        (
            &["organize", "in", "--by", "prefix", "--to", "file"],
            "file",
        ),
        (
            &["organize", "in", "--by", "prefix", "--to", "file/out"],
            "file",
        ),
        (
            &["organize", "in", "--by", "prefix", "--to", "full"],
            "organize-4294967295.jsonl",
        ),
        (&["organize", "--undo", "--to", "none"], "none"),
        (
            &["organize", "--undo", "--to", "old"],
            "organize-0001.jsonl",
        ),
    ] {
        let before = bench.tree();
        let (out, err) = bench.ends(2, args);
        assert!(out.is_empty(), "{out}");
        assert!(err.contains(word), "{args:?}: {err}");
        assert_eq!(err.lines().count(), 1, "{err}");
        assert_eq!(bench.tree(), before, "{args:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_destination_that_cannot_be_written_is_an_error() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new(&["a_1.jpg"]);
    std::fs::create_dir(bench.path("out")).expect("made");
    let read_only = std::fs::Permissions::from_mode(0o555);
    std::fs::set_permissions(bench.path("out"), read_only).expect("set");
    if std::fs::write(bench.path("out/x"), "").is_ok() {
        // The superuser writes everywhere but here.
        let (_, err) = bench.ends(
            2,
            &["organize", "in", "--by", "prefix", "--to", "/proc/out"],
        );
        assert!(err.contains("/proc"), "{err}");
        return;
    }
    let (_, err) = bench.ends(2, &PREFIX);
    assert!(err.contains("out"), "{err}");
}

#[cfg(target_os = "linux")]
#[test]
fn across_devices_a_hard_link_becomes_a_copy_or_says_why_not() {
    use std::os::unix::fs::MetadataExt;
    let bench = Bench::new(&["a_1.jpg"]);
    let Ok(other) = tempfile::tempdir_in("/dev/shm") else {
        return; // No second device.
    };
    let device = |path: &Path| std::fs::metadata(path).expect("a folder").dev();
    if device(other.path()) == device(bench.folder.path()) {
        return;
    }
    let to = other.path().join("out");
    let to = to.to_str().expect("UTF-8");
    let args = ["organize", "in", "--by", "prefix", "--to", to];
    let (_, err) = bench.ends(2, &with(&args, &["--method", "hardlink"]));
    assert!(err.contains("another device"), "{err}");
    bench.ends(0, &["organize", "--undo", "--to", to]);
    let (out, err) = bench.ends(0, &args);
    assert!(
        out.starts_with("1 of 1") && err.contains("1 photo copied"),
        "{out}{err}"
    );
    bench.ends(0, &["organize", "--undo", "--to", to]);
    assert!(!Path::new(to).exists());
}

#[test]
fn labels_are_compared() {
    let bench = Bench::new(&[]);
    bench.write("true.txt", "a\na\na\nb\n");
    bench.write(
        "pred.csv",
        "path,cluster,score,representative\n1,0,1,1\n2,0,1,0\n3,1,1,1\n4,1,1,0\n",
    );
    let args = ["evaluate", "--truth", "true.txt", "--pred", "pred.csv"];
    let (out, _) = bench.ends(0, &args);
    for line in [
        "photos               4",
        "true classes         2",
        "clusters             2",
        "adjusted Rand index  0.0000",
        "Rand index           0.5000",
        "pairwise             precision 0.5000, recall 0.3333, F1 0.4000",
        "BCubed               precision 0.7500, recall 0.6667, F1 0.7059",
    ] {
        assert!(out.lines().any(|found| found == line), "{line:?} in {out}");
    }
    let (out, _) = bench.ends(0, &with(&args, &["--json"]));
    let object: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(object["version"], 2);
    assert_eq!(object["num_true_classes"], 2);
    assert_eq!(object["num_clusters"], 2);
    assert_eq!(object["rand_index"], 0.5);
    assert_eq!(object["pairwise"]["precision"], 0.5);
    // The same table with the column's older name.
    let table = bench
        .read("pred.csv")
        .replace("path,cluster,", "path,class,");
    bench.write("pred.csv", &table);
    assert_eq!(bench.ends(0, &with(&args, &["--json"])).0, out);
}

#[test]
fn labels_that_do_not_pair_up_are_named() {
    let bench = Bench::new(&[]);
    bench.write("true.csv", "path,class\na.jpg,1\nb.jpg,1\n");
    bench.write("pred.csv", "path,cluster\na.jpg,0\nc.jpg,0\n");
    bench.write("long.txt", &"1\n".repeat(50));
    bench.write("empty.txt", "");
    bench.write("empty.csv", "path,class\n");
    bench.write("binary.csv", "path,class\na,1\n");
    std::fs::write(bench.path("binary.csv"), b"path,class\n\xff,1\n").expect("written");
    let evaluate = |truth, pred| {
        bench
            .ends(2, &["evaluate", "--truth", truth, "--pred", pred])
            .1
    };
    // As `classify` writes paths: with the folder before each.
    bench.write("typed.csv", "path,label\nphotos/a.jpg,7\nphotos/b.jpg,7\n");
    bench.ends(
        0,
        &["evaluate", "--truth", "typed.csv", "--pred", "true.csv"],
    );
    let err = evaluate("true.csv", "pred.csv");
    assert!(err.contains("true.csv: only here: b.jpg"), "{err}");
    assert!(err.contains("pred.csv: only here: c.jpg"), "{err}");
    assert!(err.contains("2 rows"), "{err}");
    let err = evaluate("long.txt", "pred.csv");
    assert!(
        err.contains("long.txt: only here: line 3") && err.contains("28 more"),
        "{err}"
    );
    for (truth, pred, word) in [
        ("empty.txt", "empty.csv", "empty.txt: no labels"),
        ("binary.csv", "pred.csv", "binary.csv: line 2"),
        ("none.txt", "pred.csv", "none.txt"),
        (".", "pred.csv", "."),
    ] {
        let err = evaluate(truth, pred);
        assert!(err.contains(word) && err.lines().count() == 1, "{err}");
    }
}
