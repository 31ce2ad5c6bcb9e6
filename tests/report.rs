//! The folder report in a real browser: the page that a person sees, used as a person uses it.
//!
//! Needs `node`, Chromium (`DELFIN_CHROMIUM` or /usr/bin/chromium), and playwright-core in tests/report
//! (`npm install --no-package-lock` there). Without them the test says that it skips, except where
//! `DELFIN_NEEDS_BROWSER` is set. Screenshots go to `target/tmp/report/`.

#![allow(
    clippy::expect_used,
    reason = "a test fails by panicking, its helpers too"
)]

mod browser;

use std::path::Path;
use std::process::Command;

use delfin::report::{
    FolderPage, FolderReport, LoadedPictures, PairDrawing, ReportCut, ReportFailure, ReportPair,
    ReportPhoto, ReportPlaces, THUMBNAIL_SIDE_PX, WeakestLink, href, thumbnail,
};
use nalgebra::{Matrix3, Vector3};

const ODD: &str = "odd <img src=x onerror=alert(1)></script> & \"quoted\", 'name'.jpg";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn photo(folder: &Path, path: &str, fixture: &str) -> (ReportPhoto, Vec<u8>) {
    let fixture = root().join("tests/data").join(fixture);
    // Not every name is one that a file can have; the page is the same without the file.
    let copied = std::fs::copy(&fixture, folder.join(path)).is_ok();
    let pixels = image::open(&fixture).expect("a fixture").to_rgb8();
    let photo = ReportPhoto {
        path: path.to_owned(),
        href: copied.then(|| href(Path::new(path))),
        width: pixels.width(),
        height: pixels.height(),
    };
    let thumbnail = thumbnail(&pixels, THUMBNAIL_SIDE_PX).expect("a photo");
    (photo, thumbnail)
}

fn pair(
    image1: u32,
    image2: u32,
    num_inliers: u32,
    p: f64,
    relation: Option<&'static str>,
) -> ReportPair {
    ReportPair {
        image1,
        image2,
        num_matches: 80,
        num_inliers,
        probability: p,
        relation,
        agreement: relation.map(|_| 0.75),
        contradiction: relation.map(|_| 0.1),
    }
}

/// The data set's homography from graffiti 1 to graffiti 3.
fn graffiti_transform() -> Matrix3<f64> {
    let text = std::fs::read_to_string(root().join("tests/data/graffiti_1_to_3.txt"));
    let values: Vec<f64> = text
        .expect("a fixture")
        .split_whitespace()
        .map(|value| value.parse().expect("a number"))
        .collect();
    Matrix3::from_row_slice(&values)
}

/// Where the homography moves a grid of points of graffiti 1.
fn graffiti_inliers() -> Vec<[f32; 4]> {
    let transform = graffiti_transform();
    let mut inliers = Vec::new();
    for y in (60..340).step_by(40) {
        for x in (60..420).step_by(44) {
            let moved = transform * Vector3::new(f64::from(x), f64::from(y), 1.0);
            let (x2, y2) = (moved.x / moved.z, moved.y / moved.z);
            inliers.push([x as f32, y as f32, x2 as f32, y2 as f32]);
        }
    }
    inliers
}

fn cut(
    p: f64,
    clusters: [u32; 9],
    representatives: &[u32],
    weakest: &[(u32, u32, f64)],
) -> ReportCut {
    let mut weakest_of_cluster = vec![None; representatives.len()];
    for &(image1, image2, probability) in weakest {
        weakest_of_cluster[clusters[image1 as usize] as usize] = Some(WeakestLink {
            image1,
            image2,
            probability,
        });
    }
    ReportCut {
        weakest_of_cluster,
        min_probability: p,
        cluster_of_photo: clusters.to_vec(),
        score_of_photo: vec![0.4, 0.5, 0.6, 0.2, 0.5, 0.5, 0.5, 0.0, 0.0],
        representative_of_cluster: representatives.to_vec(),
        uncertain_photos: vec![3],
    }
}

fn report(folder: &Path) -> (FolderReport, LoadedPictures) {
    let photos = [
        ("box.jpg", "box.jpg"),
        ("box_in_scene.jpg", "box_in_scene.jpg"),
        ("graffiti_1.jpg", "graffiti_1.jpg"),
        (ODD, "progressive.jpg"),
        ("graffiti_3.jpg", "graffiti_3.jpg"),
        ("street_a.jpg", "street_a.jpg"),
        ("street_b.jpg", "street_b.jpg"),
        ("coffee.jpg", "coffee.jpg"),
        ("tall.png", "orientation_6.jpg"),
    ];
    let pairs = vec![
        pair(0, 1, 23, 0.999_99, Some("view")),
        pair(4, 2, 63, 0.999_999, Some("copy")),
        pair(2, 3, 9, 0.97, Some("view")),
        pair(5, 6, 20, 0.999_995, None),
    ];
    let mut drawings = vec![PairDrawing::default(); pairs.len()];
    drawings[1].inliers = graffiti_inliers()
        .into_iter()
        .map(|[x1, y1, x2, y2]| [x2, y2, x1, y1])
        .collect();
    let back = graffiti_transform().try_inverse().expect("a homography");
    drawings[1].transform = Some(std::array::from_fn(|i| back[(i / 3, i % 3)]));
    let places = drawings[1].inliers.iter().map(|[_, _, x2, y2]| [*x2, *y2]);
    let (agreeing, contradicting) = places.partition(|[x2, _]| *x2 < 300.0);
    drawings[1].places = Some(ReportPlaces {
        agreeing,
        contradicting,
    });
    drawings[2].transform = Some([1.0, 0.0, 5.0, 0.0, 1.0, 5.0, 0.0, 0.0, 1.0]);
    let photos = photos.map(|(path, fixture)| photo(folder, path, fixture));
    let (photos, thumbnails) = photos.into_iter().unzip();
    let report = FolderReport {
        title: "holiday & <shop> \"photos\"".to_owned(),
        photos,
        order: vec![8, 7, 6, 5, 4, 3, 2, 1, 0],
        cuts: vec![
            cut(
                0.9999,
                [1, 2, 0, 3, 0, 4, 5, 6, 7],
                &[4, 0, 1, 3, 5, 6, 7, 8],
                &[(4, 2, 0.999_999)],
            ),
            cut(
                0.9,
                [1, 1, 0, 0, 0, 2, 2, 3, 4],
                &[4, 0, 5, 7, 8],
                &[(2, 3, 0.97), (0, 1, 0.999_99), (5, 6, 0.999_995)],
            ),
            cut(
                0.5,
                [0, 0, 1, 1, 1, 0, 0, 2, 3],
                &[0, 4, 7, 8],
                &[(2, 3, 0.97), (0, 1, 0.999_99)],
            ),
        ],
        default_cut: 1,
        pairs,
        failures: vec![
            ReportFailure {
                path: "empty.jpg".to_owned(),
                reason: "the file is empty".to_owned(),
            },
            ReportFailure {
                path: "notes.jpg".to_owned(),
                reason: "not a photo <b>at all</b>".to_owned(),
            },
        ],
    };
    let pictures = LoadedPictures {
        thumbnails,
        drawings,
    };
    (report, pictures)
}

/// A page is used as a person uses it; `write` makes it in its own folder, whose name is `name`.
fn use_page(name: &str, write: impl FnOnce(&FolderPage<'_>, &mut LoadedPictures, &Path)) {
    let Some(scripts) = browser::scripts() else {
        return;
    };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).expect("a folder to write to");
    let page = folder.join("report.html");
    let (report, mut pictures) = report(&folder);
    let report = FolderPage::new(&report).expect("a report that fits together");
    write(&report, &mut pictures, &page);
    let output = Command::new("node")
        .arg(scripts.join("page.mjs"))
        .args([&page, &folder])
        .output()
        .expect("node runs");
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn a_person_can_use_the_page() {
    use_page("report", |report, pictures, page| {
        report.write(pictures, page).expect("the page is written");
        assert!(!page.with_file_name("report_parts").exists());
    });
}

#[test]
fn a_person_can_use_the_page_whose_parts_lie_beside_it() {
    use_page("report_in_parts", |report, pictures, page| {
        report
            .write_in_parts(pictures, page)
            .expect("the page is written");
        let length = |path: &Path| path.metadata().expect("written").len();
        // Pictures are not in the page.
        let photos = page.with_file_name("report_parts").join("photos-0.js");
        assert!(length(page) < 80_000 && length(&photos) > 20_000);
    });
}
