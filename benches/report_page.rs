//! How fast the folder report is made and how fast a browser opens it: `cargo bench --profile dev --bench
//! report_page` (the browser does the work; the profile saves building everything again).
//!
//! 5,000 photos of noise over a gradient, 30,000 pairs, 30 cuts. The page is written to
//! `target/tmp/report_page.html`; with node and Chromium (see tests/report.rs) it is opened in five fresh
//! browsers, and medians are printed.

#![allow(
    clippy::expect_used,
    reason = "a bench fails by panicking, its helpers too"
)]

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use delfin::report::{
    FolderReport, ReportCut, ReportPair, ReportPhoto, ReportPlaces, THUMBNAIL_SIDE_PX, folder_page,
    thumbnail,
};
use image::RgbImage;

const NUM_PHOTOS: u32 = 5000;
const NUM_PAIRS: u32 = 30_000;
const NUM_CUTS: u32 = 30;

/// Numbers without a pattern that are the same in every run (a 32-bit finalizer).
fn mixed(seed: u32) -> u32 {
    let mut value = seed.wrapping_mul(0x9e37_79b9) ^ 0x5bd1_e995;
    value = (value ^ (value >> 15)).wrapping_mul(0x85eb_ca6b);
    value = (value ^ (value >> 13)).wrapping_mul(0xc2b2_ae35);
    value ^ (value >> 16)
}

fn photo(number: u32) -> ReportPhoto {
    let (width, height) = [(1600, 1200), (1200, 1600), (1500, 1000)][number as usize % 3];
    let picture = RgbImage::from_fn(width / 10, height / 10, |x, y| {
        let noise = (mixed(number * 7919 + (y / 4) * 331 + x / 4) % 96) as u8;
        [
            noise + (x / 2) as u8,
            noise + (number % 100) as u8,
            noise + (y / 2) as u8,
        ]
        .into()
    });
    ReportPhoto {
        path: format!("shop_{:02}/photo_{number:05}.jpg", number / 500),
        href: None,
        width,
        height,
        thumbnail: thumbnail(&picture, THUMBNAIL_SIDE_PX).expect("a picture"),
    }
}

fn cut(number: u32) -> ReportCut {
    let (size, in_groups) = (2 + number / 6, NUM_PHOTOS * (30 + 2 * number) / 100);
    let groups = in_groups / size;
    let cluster_of_photo: Vec<u32> = (0..NUM_PHOTOS)
        .map(|photo| match photo < groups * size {
            true => photo / size,
            false => groups + photo - groups * size,
        })
        .collect();
    let num_clusters = groups + NUM_PHOTOS - groups * size;
    ReportCut {
        min_probability: 1.0 - 10f64.powf(-9.0 + 0.3 * f64::from(number)),
        representative_of_cluster: (0..num_clusters)
            .map(|cluster| match cluster < groups {
                true => cluster * size,
                false => groups * size + cluster - groups,
            })
            .collect(),
        cluster_of_photo,
        score_of_photo: (0..NUM_PHOTOS)
            .map(|photo| (mixed(photo) % 1000) as f32 / 1000.0)
            .collect(),
        uncertain_photos: (0..NUM_PHOTOS)
            .filter(|photo| mixed(*photo).is_multiple_of(50))
            .collect(),
    }
}

fn pair(number: u32) -> ReportPair {
    let image1 = mixed(number) % NUM_PHOTOS;
    let image2 = (image1 + 1 + mixed(number + 1) % 5) % NUM_PHOTOS;
    let num_inliers = 8 + mixed(number + 2) % 60;
    ReportPair {
        image1,
        image2,
        num_matches: 2 * num_inliers,
        num_inliers,
        probability: 1.0 - 10f64.powf(-f64::from(mixed(number + 3) % 90) / 10.0),
        relation: [None, Some("copy"), Some("view")][number as usize % 3],
        agreement: Some((mixed(number + 4) % 1000) as f32 / 1000.0),
        contradiction: Some((mixed(number + 5) % 1000) as f32 / 1000.0),
        inliers: (0..num_inliers)
            .map(|i| [4.0, 3.0, 4.0, 3.0].map(|scale| scale * (mixed(number + i) % 300) as f32))
            .collect(),
        transform: Some([1.0, 0.0, 30.0, 0.0, 1.0, -20.0, 0.0, 0.0, 1.0]),
        // The program tells them of 300 pairs.
        places: (number < 300).then(|| ReportPlaces {
            agreeing: vec![[30.0, 20.0]; 300],
            contradicting: vec![[40.0, 30.0]; 100],
        }),
    }
}

fn main() {
    let report = FolderReport {
        live_run: None,
        title: "5,000 photos".to_owned(),
        photos: (0..NUM_PHOTOS).map(photo).collect(),
        cuts: (0..NUM_CUTS).map(cut).collect(),
        default_cut: 20,
        pairs: (0..NUM_PAIRS).map(pair).collect(),
        failures: Vec::new(),
    };
    let start = Instant::now();
    let page = folder_page(&report).expect("a report that fits together");
    println!(
        "page made    {} ms, {:.1} MB",
        start.elapsed().as_millis(),
        page.len() as f64 / 1e6
    );
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = folder.join("target/tmp/report_page.html");
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    std::fs::write(&path, page).expect("written");
    let opened = Command::new("node")
        .arg(folder.join("tests/report/measure.mjs"))
        .arg(&path)
        .status();
    match opened {
        Ok(status) if status.success() => {}
        Ok(_) => println!("not opened: see tests/report.rs for what that needs"),
        Err(error) => println!("not opened: node: {error}"),
    }
}
