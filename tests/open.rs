//! `delfin open` in a real browser, from a folder that was never sorted to photos put away and taken back.
//!
//! Needs what tests/report.rs needs. Screenshots go to `target/tmp/open/`.
#![cfg(feature = "serve")]
#![allow(
    clippy::expect_used,
    reason = "a test fails by panicking, its helpers too"
)]

mod browser;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use imageproc::drawing::draw_filled_rect_mut;
use imageproc::rect::Rect;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Overlapping crops of two photos, three passes of which two are the same, and a photo whose name is markup.
fn photos(folder: &Path) {
    let examples = root().join("examples/images");
    for name in ["graffiti_1", "coffee"] {
        let photo = image::open(examples.join(format!("{name}.jpg"))).expect("an example");
        for number in 0..4 {
            let (width, height) = (photo.width() * 3 / 5, photo.height() * 3 / 5);
            let crop = photo.crop_imm(photo.width() / 12 * number, 10 * number, width, height);
            crop.save(folder.join(format!("{name}_{number}.png")))
                .expect("a photo");
        }
    }
    for name in ["pass_1a.jpg", "pass_1b.jpg"] {
        std::fs::copy(examples.join(name), folder.join(name)).expect("a photo");
    }
    // A doubtful copy: something else in the middle.
    let mut covered = image::open(examples.join("pass_1a.jpg"))
        .expect("an example")
        .into_rgb8();
    let side = covered.height() / 10;
    let [x, y] = [covered.width(), covered.height()].map(|length| length / 2 - side / 2);
    let square = Rect::at(x as i32, y as i32).of_size(side, side);
    draw_filled_rect_mut(&mut covered, square, image::Rgb([90; 3]));
    covered.save(folder.join("covered.png")).expect("a photo");
    let odd = folder.join("odd <img src=x onerror=alert(1)> & 'q'.jpg");
    std::fs::copy(examples.join("box.jpg"), odd).expect("a photo");
}

/// A running program; killed when the test ends.
struct Open {
    child: Child,
    address: String,
}

impl Open {
    fn start(folder: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_delfin"));
        Self::run(command.args(["open", "--no-browser"]), folder)
    }

    fn run(command: &mut Command, folder: &Path) -> Self {
        let mut child = command
            .args(["--max-size", "240"])
            .arg(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program");
        let mut address = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout)
            .read_line(&mut address)
            .expect("an address");
        Self {
            child,
            address: address.trim().to_owned(),
        }
    }

    /// The host and port, and the path with the token.
    fn parts(&self) -> (&str, &str) {
        let rest = self.address.strip_prefix("http://").expect("an address");
        let at = rest.find('/').expect("a path");
        rest.split_at(at)
    }

    /// The status line of the answer to a request with these headers.
    fn status(&self, method: &str, path: &str, headers: &str) -> String {
        let (host, _) = self.parts();
        let mut stream = TcpStream::connect(host).expect("a connection");
        let request = format!("{method} {path} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer.lines().next().unwrap_or_default().to_owned()
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn strangers_get_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    photos(folder.path());
    let open = Open::start(folder.path());
    let (host, path) = open.parts();
    let own = format!("Host: {host}\r\n");
    assert!(open.status("GET", path, &own).contains("200"));
    for (method, path, headers) in [
        ("GET", "/", own.clone()),
        ("GET", "/0123456789abcdef0123456789abcdef/", own.clone()),
        ("GET", "/../../etc/passwd", own.clone()),
        ("GET", path, "Host: evil.example\r\n".to_owned()),
        ("GET", path, String::new()),
        ("GET", path, format!("{own}Origin: http://evil.example\r\n")),
        ("POST", &format!("{path}sort"), own.clone()),
        (
            "POST",
            &format!("{path}cancel"),
            format!("{own}Origin: null\r\n"),
        ),
    ] {
        let status = open.status(method, path, &headers);
        let is_refused = ["400", "403", "404"].iter().any(|s| status.contains(s));
        assert!(is_refused, "{method} {path} {headers}: {status}");
    }
    let second = |args: &[&str]| {
        let second = Command::new(env!("CARGO_BIN_EXE_delfin"))
            .args(["open", "--no-browser"])
            .args(args)
            .arg(folder.path())
            .output()
            .expect("the program");
        assert_eq!(second.status.code(), Some(2));
        let told = String::from_utf8_lossy(&second.stderr).into_owned();
        assert!(told.contains("has this folder open"), "{told}");
        told
    };
    let told = second(&[]);
    assert!(told.contains(&open.address), "{told}");
    // Nor with a store of its own.
    let store = tempfile::tempdir().expect("a folder");
    let store = store.path().join("other.sqlite");
    second(&["--store", store.to_str().expect("UTF-8")]);
}

/// What the desktop is asked to open says that it was asked.
#[cfg(target_os = "linux")]
#[test]
fn the_file_with_the_token_is_gone_once_the_browser_has_come() {
    use std::os::unix::fs::PermissionsExt;
    use std::time::{Duration, Instant};
    let folder = tempfile::tempdir().expect("a folder");
    photos(folder.path());
    let programs = tempfile::tempdir().expect("a folder");
    let desktop = programs.path().join("xdg-open");
    std::fs::write(&desktop, "#!/bin/sh\n: > \"$1.asked\"\n").expect("a script");
    std::fs::set_permissions(&desktop, PermissionsExt::from_mode(0o700)).expect("a mode");
    let leads = folder.path().join(".delfin/store.open.html");
    std::fs::create_dir(folder.path().join(".delfin")).expect("a folder");
    // As an older program left it.
    std::fs::write(&leads, "old").expect("a page");
    std::fs::set_permissions(&leads, PermissionsExt::from_mode(0o644)).expect("a mode");
    let mut command = Command::new(env!("CARGO_BIN_EXE_delfin"));
    let open = Open::run(
        command.arg("open").env("PATH", programs.path()),
        folder.path(),
    );
    let asked = leads.with_extension("html.asked");
    let end = Instant::now() + Duration::from_secs(60);
    while !asked.exists() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(20));
    }
    let page = std::fs::read_to_string(&leads).expect("a page");
    assert!(page.contains(&open.address), "{page}");
    let mode = leads.metadata().expect("a mode").permissions().mode();
    assert_eq!(mode & 0o077, 0);
    let (host, path) = open.parts();
    let own = format!("Host: {host}\r\n");
    assert!(open.status("GET", path, &own).contains("200"));
    assert!(!leads.exists());
}

#[test]
fn a_folder_is_sorted_corrected_and_put_away() {
    let Some(scripts) = browser::scripts() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    photos(folder.path());
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("open");
    std::fs::create_dir_all(&pictures).expect("a folder");
    for part in ["first", "again"] {
        // The second program finds what the first had when it was killed.
        let open = Open::start(folder.path());
        let output = Command::new("node")
            .arg(scripts.join("open.mjs"))
            .args([&open.address, part])
            .arg(&pictures)
            .arg(folder.path())
            .output()
            .expect("node");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{part}: {told}");
    }
}
