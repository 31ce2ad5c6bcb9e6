//! The match picture, against recorded pictures and against its promises.
//!
//! `DELFIN_UPDATE_GOLDEN=1 cargo test --test figure` records the pictures again.

#![allow(
    clippy::expect_used,
    reason = "a test fails by panicking, its helpers too"
)]

use std::path::{Path, PathBuf};

use delfin::report::{FigureContent, FigureOptions, FigurePhoto, FigurePlaces, match_figure};
use image::RgbImage;
use nalgebra::{Matrix3, Vector3};

/// Largest difference of a channel from the recorded picture. Decoders and resizing may round
/// differently on another machine; strokes and text do not.
const TOLERANCE: u8 = 2;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

fn open(name: &str) -> RgbImage {
    image::open(data(name)).expect("a fixture").to_rgb8()
}

fn side<'a>(pixels: &'a RgbImage, keypoints: &'a [[f32; 2]], name: &'a str) -> FigurePhoto<'a> {
    FigurePhoto {
        pixels,
        size: [pixels.width(), pixels.height()],
        keypoints,
        name,
    }
}

const NOTHING: FigureContent = FigureContent {
    inliers: &[],
    transform: None,
    places: None,
    is_match: false,
    title: "",
    lines: &[],
};

fn assert_golden(figure: &RgbImage, name: &str) {
    let path = data(name);
    if std::env::var_os("DELFIN_UPDATE_GOLDEN").is_some() {
        figure.save(&path).expect("the picture can be written");
        return;
    }
    let expected = image::open(&path)
        .expect("a recorded picture: make it with DELFIN_UPDATE_GOLDEN=1")
        .to_rgb8();
    assert_eq!(figure.dimensions(), expected.dimensions(), "{name}");
    let difference = figure.iter().zip(expected.iter());
    let largest = difference.map(|(a, b)| a.abs_diff(*b)).max();
    assert!(
        largest <= Some(TOLERANCE),
        "{name} differs by {largest:?}: look at it, and if it is right, record it"
    );
}

/// Keypoints on a grid over the first graffiti photo and where the known homography moves them.
fn graffiti(step: usize) -> (Matrix3<f64>, Vec<[f32; 2]>, Vec<[f64; 4]>) {
    let text = std::fs::read_to_string(data("graffiti_1_to_3.txt")).expect("a fixture");
    let values = text
        .split_whitespace()
        .map(|value| value.parse().expect("a number"));
    let transform = Matrix3::from_row_iterator(values);
    let (mut keypoints, mut inliers) = (Vec::new(), Vec::new());
    for y in (0..384).step_by(step) {
        for x in (0..480).step_by(step) {
            keypoints.push([x as f32, y as f32]);
            let moved = transform * Vector3::new(x as f64, y as f64, 1.0);
            let (x2, y2) = (moved.x / moved.z, moved.y / moved.z);
            if (x * 7 + y * 3) % 5 < 2 {
                inliers.push([x as f64, y as f64, x2, y2]);
            }
        }
    }
    (transform, keypoints, inliers)
}

type Change = fn(&mut FigureOptions);

fn small() -> FigureOptions {
    FigureOptions {
        max_photo_width_px: 240,
        max_photo_height_px: 150,
        text_size_px: 12.0,
        ..FigureOptions::default()
    }
}

#[test]
fn a_match_looks_as_recorded() {
    let photos = [open("graffiti_1.jpg"), open("graffiti_3.jpg")];
    let (transform, keypoints, inliers) = graffiti(64);
    let (agreeing, contradicting): (Vec<_>, Vec<_>) = inliers
        .iter()
        .map(|&[_, _, x, y]| [x, y])
        .partition(|[x, _]| *x < 250.0);
    let content = FigureContent {
        inliers: &inliers,
        transform: Some(transform),
        places: Some(FigurePlaces {
            agreeing: &agreeing,
            contradicting: &contradicting,
        }),
        is_match: true,
        title: "Match",
        lines: &["homography from the data set's own measurement".to_owned()],
    };
    let figure = match_figure(
        [
            &side(&photos[0], &keypoints, "graffiti_1.jpg"),
            &side(&photos[1], &[], "graffiti_3.jpg"),
        ],
        &content,
        &small(),
    )
    .expect("valid options");
    assert_golden(&figure, "figure_match.png");
}

#[test]
fn no_match_and_a_strange_name_look_as_recorded() {
    let photos = [open("rgb8.png"), open("coffee.jpg")];
    let strange = format!("Größe 漢字 \n\u{202e}{}end.png", "long_".repeat(40));
    let keypoints = [[0.0, 0.0], [95.0, 63.0], [48.0, 20.0]];
    let content = FigureContent {
        title: "No match",
        lines: &["a line of words that is too long for the width of the figure and so goes on in the next one, whole".to_owned()],
        ..NOTHING
    };
    let figure = match_figure(
        [
            &side(&photos[0], &keypoints, &strange),
            &side(&photos[1], &[], "coffee.jpg"),
        ],
        &content,
        &small(),
    )
    .expect("valid options");
    assert_golden(&figure, "figure_no_match.png");
}

#[test]
fn any_shape_and_any_numbers_give_a_figure_of_bounded_size() {
    let options = small();
    let sizes = [[0, 0], [1, 1], [1, 3000], [3000, 1], [640, 480], [300, 900]];
    let photos = sizes.map(|[width, height]| RgbImage::from_pixel(width, height, [90; 3].into()));
    let keypoints = [
        [f32::NAN, 1.0],
        [-5.0, 2.0],
        [1e30, 0.0],
        [f32::INFINITY, 0.0],
        [0.0, 0.0],
    ];
    let inliers = [
        [0.0, 0.0, 0.0, 0.0],
        [f64::NAN; 4],
        [-1e300, 0.0, 1e300, 0.0],
        [0.2, -0.3, 5.0, 5.0],
    ];
    let places = [[3.0, 2.0], [f64::NAN, 0.0], [1e300, -1e300], [0.0, 0.0]];
    let transforms = [
        None,
        Some(Matrix3::identity()),
        Some(Matrix3::zeros()),
        Some(Matrix3::repeat(f64::NAN)),
        Some(Matrix3::new(
            1e200, 3.0, -1e300, 2.0, 1e-200, 0.0, 1e-3, -1.0, 1e-9,
        )),
    ];
    for first in &photos {
        for second in &photos {
            for transform in transforms {
                let content = FigureContent {
                    inliers: &inliers,
                    transform,
                    places: Some(FigurePlaces {
                        agreeing: &places,
                        contradicting: &places[1..],
                    }),
                    ..NOTHING
                };
                let sides = [
                    &side(first, &keypoints, ""),
                    &side(second, &keypoints, "\u{0}"),
                ];
                let figure = match_figure(sides, &content, &options).expect("valid options");
                assert!(figure.width() <= 2 * options.max_photo_width_px + 42);
                let panels = if transform.is_some() { 2 } else { 1 };
                assert!(figure.height() <= panels * options.max_photo_height_px + 160);
            }
        }
    }
}

/// A figure of two black photos with `content` and the keypoints of photo 1.
fn black_figure(
    reduction: u32,
    keypoints: &[[f32; 2]],
    content: &FigureContent,
    options: &FigureOptions,
) -> RgbImage {
    let pixels = RgbImage::new(400 / reduction, 200 / reduction);
    let [first, second] = [keypoints, &[]].map(|keypoints| FigurePhoto {
        pixels: &pixels,
        size: [400, 200],
        keypoints,
        name: "photo",
    });
    match_figure([&first, &second], content, options).expect("valid options")
}

#[test]
fn a_keypoint_is_drawn_where_it_lies_whatever_the_size_of_the_copy() {
    let options = FigureOptions {
        max_photo_width_px: 200,
        ..FigureOptions::default()
    };
    let plain = black_figure(1, &[], &NOTHING, &options);
    for reduction in [1, 4] {
        let figure = black_figure(reduction, &[[300.5, 40.5]], &NOTHING, &options);
        let (mut sum, mut x_sum, mut y_sum) = (0.0, 0.0, 0.0);
        for (x, y, pixel) in figure.enumerate_pixels() {
            let weight = f64::from(pixel.0[0].abs_diff(plain.get_pixel(x, y).0[0]));
            sum += weight;
            x_sum += weight * f64::from(x);
            y_sum += weight * f64::from(y);
        }
        // Photo 1 is drawn at half its size, centred in a column of 240 pixels 14 from the edge.
        let expected = [34.0 + 150.0, 14.0 + 20.0];
        let found = [x_sum / sum, y_sum / sum];
        assert!((found[0] - expected[0]).abs() < 0.1, "{found:?}");
        assert!((found[1] - expected[1]).abs() < 0.1, "{found:?}");
    }
}

#[test]
fn photo_1_lies_on_photo_2_where_the_transform_puts_it() {
    // Black photo 1 lands, half as large, in the middle of a grey photo 2.
    let photos = [0, 100].map(|grey| RgbImage::from_pixel(200, 200, [grey; 3].into()));
    let transform = Matrix3::new(0.5, 0.0, 50.0, 0.0, 0.5, 50.0, 0.0, 0.0, 1.0);
    let content = FigureContent {
        transform: Some(transform),
        ..NOTHING
    };
    let options = FigureOptions {
        max_enlargement: 1.0,
        ..FigureOptions::default()
    };
    let sides = [0, 1].map(|i| side(&photos[i], &[], ""));
    let figure = match_figure([&sides[0], &sides[1]], &content, &options).expect("valid options");
    // Columns of 240 pixels and 14 between them; photo 2 begins 20 pixels from its column's left.
    let (left, bottom) = (14 + 240 + 14 + 20, figure.height() - 14);
    let top = (14 + 200..bottom)
        .find(|&y| figure.get_pixel(left + 2, y).0 != [255; 3])
        .expect("the third panel");
    let at = |x: u32, y: u32| figure.get_pixel(left + x, top + y).0;
    for (x, y) in [(100, 100), (60, 140), (140, 60)] {
        assert_eq!(at(x, y), [50; 3], "half of black, half of grey");
    }
    for (x, y) in [(40, 100), (160, 100), (100, 40), (100, 160)] {
        assert!(at(x, y)[0].abs_diff(177) <= 1, "grey alone, faded");
    }
}

#[test]
fn marks_of_places_differ_in_shape_and_need_a_transform() {
    let draw = |places: Option<FigurePlaces>, transform: Option<Matrix3<f64>>| {
        let content = FigureContent {
            places,
            transform,
            ..NOTHING
        };
        black_figure(1, &[], &content, &FigureOptions::default())
    };
    let places = |agreeing, contradicting| {
        Some(FigurePlaces {
            agreeing,
            contradicting,
        })
    };
    let place: &[[f64; 2]] = &[[200.0, 100.0]];
    let identity = Some(Matrix3::identity());
    let [none, dot, cross] = [places(&[], &[]), places(place, &[]), places(&[], place)]
        .map(|places| draw(places, identity));
    let changed = |figure: &RgbImage| {
        // The caption stands left of the third panel.
        let panel = figure.enumerate_pixels().filter(|(x, _, _)| *x > 440);
        panel
            .filter(|&(x, y, pixel)| pixel != none.get_pixel(x, y))
            .map(|(x, y, _)| (x, y))
            .collect::<Vec<_>>()
    };
    assert!(!changed(&dot).is_empty() && !changed(&cross).is_empty());
    assert_ne!(changed(&dot), changed(&cross));
    assert_eq!(draw(places(place, place), None), draw(None, None));
}

#[test]
fn every_option_changes_the_figure() {
    let (_, _, mut inliers) = graffiti(40);
    for inlier in &mut inliers {
        *inlier = [inlier[0] / 2.0, inlier[1] / 2.0, 5.0, inlier[1] / 2.0];
    }
    let content = FigureContent {
        inliers: &inliers,
        ..NOTHING
    };
    let draw = |options: &FigureOptions| black_figure(1, &[], &content, options);
    let figure = draw(&FigureOptions::default());
    assert_eq!(figure, draw(&FigureOptions::default()));
    let changes: [Change; 5] = [
        |options| options.max_photo_width_px = 300,
        |options| options.max_photo_height_px = 100,
        |options| options.max_enlargement = 1.0,
        |options| options.max_lines = 7,
        |options| options.text_size_px = 16.0,
    ];
    for (number, change) in changes.iter().enumerate() {
        let mut options = FigureOptions::default();
        change(&mut options);
        assert!(draw(&options) != figure, "change {number}");
    }
}

#[test]
fn the_verdict_changes_the_figure_and_the_order_of_inliers_does_not() {
    let inliers = [
        [10.0, 20.0, 30.0, 100.0],
        [50.0, 90.0, 80.0, 30.0],
        [200.0, 60.0, 210.0, 60.0],
    ];
    let content = FigureContent {
        inliers: &inliers,
        ..NOTHING
    };
    let draw = |content: &FigureContent| black_figure(1, &[], content, &FigureOptions::default());
    let figure = draw(&content);
    let yes = FigureContent {
        is_match: true,
        ..content
    };
    assert!(draw(&yes) != figure);
    let reversed: Vec<_> = inliers.iter().rev().copied().collect();
    let reversed = FigureContent {
        inliers: &reversed,
        ..content
    };
    assert!(draw(&reversed) == figure);
}

#[test]
fn options_outside_their_range_are_refused_by_name() {
    let changes: [(&str, Change); 6] = [
        ("max_photo_width_px", |options| {
            options.max_photo_width_px = 0
        }),
        ("max_photo_height_px", |options| {
            options.max_photo_height_px = 9000
        }),
        ("max_enlargement", |options| options.max_enlargement = 0.5),
        ("max_enlargement", |options| {
            options.max_enlargement = f64::NAN
        }),
        ("text_size_px", |options| options.text_size_px = 0.0),
        ("text_size_px", |options| options.text_size_px = f32::NAN),
    ];
    for (name, change) in changes {
        let mut options = FigureOptions::default();
        assert!(options.validate().is_ok());
        change(&mut options);
        let error = options.validate().expect_err("outside the range");
        assert!(error.to_string().contains(name), "{error}");
        let photo = RgbImage::new(2, 2);
        let photo = side(&photo, &[], "");
        assert!(match_figure([&photo, &photo], &NOTHING, &options).is_err());
    }
}
