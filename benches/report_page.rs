//! How fast the folder report is made and how fast a browser opens it: `cargo bench --profile dev --bench
//! report_page -- [PHOTOS]` (the browser does the work; the profile saves building everything again).
//!
//! 5,000 photos of noise over a gradient, or as many as asked for, with six pairs a photo and 30 cuts. The page is
//! written to `target/tmp/report_page/`; with node and Chromium (see tests/report.rs) it is opened in five fresh
//! browsers, and medians are printed.

#![allow(
    clippy::expect_used,
    reason = "a bench fails by panicking, its helpers too"
)]

use std::ops::Range;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use delfin::report::{
    FolderPage, FolderReport, PairDrawing, ReportCut, ReportPair, ReportPhoto, ReportPlaces,
    ReportSource, THUMBNAIL_SIDE_PX, WeakestLink, thumbnail,
};
use image::RgbImage;

const DEFAULT_PHOTOS: u32 = 5000;
const PAIRS_PER_PHOTO: u32 = 6;
const NUM_CUTS: u32 = 30;

/// Numbers without a pattern that are the same in every run (a 32-bit finalizer).
fn mixed(seed: u32) -> u32 {
    let mut value = seed.wrapping_mul(0x9e37_79b9) ^ 0x5bd1_e995;
    value = (value ^ (value >> 15)).wrapping_mul(0x85eb_ca6b);
    value = (value ^ (value >> 13)).wrapping_mul(0xc2b2_ae35);
    value ^ (value >> 16)
}

fn size(number: u32) -> (u32, u32) {
    [(1600, 1200), (1200, 1600), (1500, 1000)][number as usize % 3]
}

fn photo(number: u32) -> ReportPhoto {
    let (width, height) = size(number);
    ReportPhoto {
        path: format!("shop_{:02}/photo_{number:05}.jpg", number / 500),
        href: None,
        width,
        height,
    }
}

fn cut(number: u32, num_photos: u32) -> ReportCut {
    let (size, in_groups) = (2 + number / 6, num_photos / 100 * (30 + 2 * number));
    let groups = in_groups / size;
    let cluster_of_photo: Vec<u32> = (0..num_photos)
        .map(|photo| match photo < groups * size {
            true => photo / size,
            false => groups + photo - groups * size,
        })
        .collect();
    let num_clusters = groups + num_photos - groups * size;
    ReportCut {
        min_probability: 1.0 - 10f64.powf(-9.0 + 0.3 * f64::from(number)),
        representative_of_cluster: (0..num_clusters)
            .map(|cluster| match cluster < groups {
                true => cluster * size,
                false => groups * size + cluster - groups,
            })
            .collect(),
        weakest_of_cluster: (0..num_clusters)
            .map(|cluster| {
                (cluster < groups).then(|| WeakestLink {
                    image1: cluster * size,
                    image2: cluster * size + 1,
                    probability: 0.99,
                })
            })
            .collect(),
        cluster_of_photo,
        score_of_photo: (0..num_photos)
            .map(|photo| (mixed(photo) % 1000) as f32 / 1000.0)
            .collect(),
        uncertain_photos: (0..num_photos)
            .filter(|photo| mixed(*photo).is_multiple_of(50))
            .collect(),
    }
}

fn num_inliers(number: u32) -> u32 {
    8 + mixed(number + 2) % 60
}

fn pair(number: u32, num_photos: u32) -> ReportPair {
    let image1 = number / PAIRS_PER_PHOTO;
    let image2 = (image1 + 1 + mixed(number + 1) % 5) % num_photos;
    ReportPair {
        image1,
        image2,
        num_matches: 2 * num_inliers(number),
        num_inliers: num_inliers(number),
        probability: 1.0 - 10f64.powf(-f64::from(mixed(number + 3) % 90) / 10.0),
        relation: [None, Some("copy"), Some("view")][number as usize % 3],
        agreement: Some((mixed(number + 4) % 1000) as f32 / 1000.0),
        contradiction: Some((mixed(number + 5) % 1000) as f32 / 1000.0),
    }
}

/// Pictures without a pattern.
struct Noise;

impl ReportSource for Noise {
    fn thumbnails(&mut self, photos: &[u32]) -> delfin::Result<Vec<Vec<u8>>> {
        let one = |&number: &u32| {
            let (width, height) = size(number);
            let picture = RgbImage::from_fn(width / 10, height / 10, |x, y| {
                let noise = (mixed(number * 7919 + (y / 4) * 331 + x / 4) % 96) as u8;
                [
                    noise + (x / 2) as u8,
                    noise + (number % 100) as u8,
                    noise + (y / 2) as u8,
                ]
                .into()
            });
            thumbnail(&picture, THUMBNAIL_SIDE_PX)
        };
        photos.iter().map(one).collect()
    }

    fn drawings(&mut self, pairs: Range<usize>) -> delfin::Result<Vec<PairDrawing>> {
        let one = |number: u32| PairDrawing {
            inliers: (0..num_inliers(number))
                .map(|i| [4.0, 3.0, 4.0, 3.0].map(|scale| scale * (mixed(number + i) % 300) as f32))
                .collect(),
            transform: Some([1.0, 0.0, 30.0, 0.0, 1.0, -20.0, 0.0, 0.0, 1.0]),
            // The program tells them of 300 pairs.
            places: (number < 300).then(|| ReportPlaces {
                agreeing: vec![[30.0, 20.0]; 300],
                contradicting: vec![[40.0, 30.0]; 100],
            }),
        };
        Ok(pairs.map(|number| one(number as u32)).collect())
    }
}

fn main() {
    // Cargo adds arguments of its own.
    let asked = std::env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok());
    let num_photos: u32 = asked.unwrap_or(DEFAULT_PHOTOS);
    let cuts: Vec<ReportCut> = (0..NUM_CUTS)
        .map(|number| cut(number, num_photos))
        .collect();
    let report = FolderReport {
        title: format!("{num_photos} photos"),
        photos: (0..num_photos).map(photo).collect(),
        order: cuts[20].order(),
        cuts,
        default_cut: 20,
        pairs: (0..num_photos * PAIRS_PER_PHOTO)
            .map(|number| pair(number, num_photos))
            .collect(),
        failures: Vec::new(),
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("target/tmp/report_page");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("made");
    let path = folder.join("report.html");
    let start = Instant::now();
    let page = FolderPage::new(&report).expect("a report that fits together");
    page.write(&mut Noise, &path).expect("written");
    let length = path.metadata().expect("there").len();
    println!(
        "page made    {} ms, {:.1} MB without parts",
        start.elapsed().as_millis(),
        length as f64 / 1e6
    );
    let opened = Command::new("node")
        .arg(root.join("tests/report/measure.mjs"))
        .arg(&path)
        .status();
    match opened {
        Ok(status) if status.success() => {}
        Ok(_) => println!("not opened: see tests/report.rs for what that needs"),
        Err(error) => println!("not opened: node: {error}"),
    }
}
