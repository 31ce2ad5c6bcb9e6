//! Every photo format that is read, against one reference photo.

use std::path::PathBuf;

use delfin::Error;
use delfin::image::{DecodeOptions, Photo};

fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

fn open(name: &str) -> delfin::Result<Photo> {
    Photo::open(data(name), &DecodeOptions::default())
}

/// The third column of table of docs/formats.md.
#[test]
fn every_file_that_the_page_of_formats_names_is_read() {
    let page = include_str!("../docs/formats.md");
    let (_, table) = page.split_once("| format | read | tested on |").unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    let named: Vec<&str> = table
        .lines()
        .filter_map(|row| row.split('|').nth(3))
        .flat_map(|cell| cell.split([' ', ',']))
        .filter(|word| word.contains('.') && !word.contains('/'))
        .collect();
    assert!(named.len() > 40, "{named:?}");
    for name in named {
        if cfg!(feature = "heic") || !name.ends_with(".heic") {
            open(name).unwrap_or_else(|error| panic!("{error}"));
        }
    }
}

/// Mean absolute difference of two photos' samples.
fn difference(a: &Photo, b: &Photo) -> f64 {
    assert_eq!(a.pixels().dimensions(), b.pixels().dimensions());
    let sum: u64 = a
        .pixels()
        .as_raw()
        .iter()
        .zip(b.pixels().as_raw())
        .map(|(a, b)| u64::from(a.abs_diff(*b)))
        .sum();
    sum as f64 / a.pixels().as_raw().len() as f64
}

#[test]
fn lossless_formats_give_the_same_pixels() {
    let reference = open("rgb8.png").unwrap();
    for name in [
        "rgb8.bmp",
        "rgb8.tif",
        "lossless.webp",
        "rgb16.png",
        "rgb16.tif",
        "rgb8.jxl",
        "lossless.avif",
    ] {
        assert_eq!(open(name).unwrap().pixels(), reference.pixels(), "{name}");
    }
}

#[test]
fn lossy_formats_give_nearly_the_same_pixels() {
    let reference = open("rgb8.png").unwrap();
    for name in [
        "progressive.jpg",
        "lossy.webp",
        "lossy.jxl",
        "palette.png",
        "two_frames.gif",
        "orientation_1.jpg",
        "cmyk.jpg",
        "yuv420.avif",
        "yuv422_10.avif",
        "yuv444_12.avif",
        "turned.avif",
    ] {
        let difference = difference(&open(name).unwrap(), &reference);
        assert!(difference < 12.0, "{name}: {difference}");
    }
}

#[test]
fn grey_photos_are_grey() {
    for name in [
        "grey8.jpg",
        "grey16.png",
        "bilevel.png",
        "grey16.jxl",
        "grey.avif",
    ] {
        let photo = open(name).unwrap();
        assert!(
            photo
                .pixels()
                .pixels()
                .all(|p| p[0] == p[1] && p[1] == p[2]),
            "{name}"
        );
    }
    let sixteen = open("grey16.png").unwrap();
    for name in ["grey8.jpg", "grey.avif"] {
        assert!(difference(&open(name).unwrap(), &sixteen) < 5.0, "{name}");
    }
}

#[test]
fn transparent_pixels_are_white() {
    let reference = open("rgb8.png").unwrap();
    for name in [
        "rgba8.png",
        "rgba_lossless.webp",
        "grey_alpha8.png",
        "rgba8.jxl",
        "alpha.avif",
        "premultiplied.avif",
    ] {
        let photo = open(name).unwrap();
        assert_eq!(photo.pixels().get_pixel(3, 3).0, [255; 3], "{name}");
    }
    let png = open("rgba8.png").unwrap();
    for name in ["alpha.avif", "premultiplied.avif"] {
        assert!(difference(&open(name).unwrap(), &png) < 3.0, "{name}");
    }
    let opaque = open("rgba8.png").unwrap();
    assert_eq!(
        opaque.pixels().get_pixel(90, 60),
        reference.pixels().get_pixel(90, 60)
    );
}

#[test]
fn every_orientation_is_turned_upright() {
    let reference = open("rgb8.png").unwrap();
    for orientation in 1..=8 {
        let photo = open(&format!("orientation_{orientation}.jpg")).unwrap();
        let difference = difference(&photo, &reference);
        assert!(difference < 6.0, "orientation {orientation}: {difference}");
    }
    let turned = open("orientation_6.jxl").unwrap();
    assert!(difference(&turned, &reference) < 6.0);
    for name in [
        "orientation_6.png",
        "orientation_6.webp",
        "orientation_6.tif",
    ] {
        assert_eq!(open(name).unwrap().pixels(), reference.pixels(), "{name}");
    }
}

#[test]
fn what_is_no_photo_is_an_error_that_names_the_file() {
    for name in [
        "empty.jpg",
        "text.jpg",
        "header_only.jpg",
        "truncated.png",
        "missing.jpg",
        ".",
    ] {
        let message = open(name).unwrap_err().to_string();
        assert!(
            message.contains(&data(name).display().to_string()),
            "{message}"
        );
        assert_eq!(message.lines().count(), 1, "{message}");
    }
}

#[test]
fn avif_is_cut_and_put_together_as_its_container_says() {
    let reference = open("rgb8.png").unwrap();
    let part = image::imageops::crop_imm(reference.pixels(), 8, 4, 64, 48).to_image();
    let part = Photo::from_pixels(part, "part").unwrap();
    assert!(difference(&open("cropped.avif").unwrap(), &part) < 3.0);
    let reference = open("grid_reference.png").unwrap();
    assert!(difference(&open("grid.avif").unwrap(), &reference) < 3.0);
}

#[test]
fn a_file_that_is_cut_off_is_refused() {
    for name in ["rgb8.jxl", "lossless.avif", "grid.avif"] {
        let bytes = std::fs::read(data(name)).unwrap();
        for length in [2, 20, bytes.len() / 2, bytes.len() - 200] {
            let found = Photo::decode(&bytes[..length], name, &DecodeOptions::default());
            let message = found.map(|_| length).unwrap_err().to_string();
            assert!(message.contains(name), "{length}: {message}");
            assert_eq!(message.lines().count(), 1, "{message}");
        }
        let small = DecodeOptions {
            max_pixels: 100,
            ..DecodeOptions::default()
        };
        let error = Photo::decode(&bytes, name, &small).unwrap_err();
        assert!(matches!(error, Error::TooManyPixels { .. }), "{error}");
    }
}

/// Every profile's copy shows the colours of the reference; its samples as they stand do not.
#[test]
fn colours_of_a_wide_gamut_are_those_of_its_srgb_copy() {
    let reference = open("rgb8.png").unwrap();
    for (name, at_most) in [
        ("p3.png", 0.5),
        ("p3.jxl", 0.5),
        ("p3.jpg", 2.5),
        ("adobe.webp", 0.5),
        ("prophoto.jpg", 2.5),
        ("prophoto16.tif", 1.0),
    ] {
        let converted = difference(&open(name).unwrap(), &reference);
        assert!(converted < at_most, "{name}: {converted}");
    }
    for name in ["p3_icc.avif", "p3_nclx.avif"] {
        let converted = difference(&open(name).unwrap(), &reference);
        assert!(converted < 1.5, "{name}: {converted}");
    }
    for name in ["p3.png", "p3.jpg", "adobe.webp", "prophoto.jpg"] {
        let stored = image::open(data(name)).unwrap().into_rgb8();
        let stored = Photo::from_pixels(stored, name).unwrap();
        let stored = difference(&stored, &reference);
        assert!(stored > 3.5, "{name}: {stored}");
    }
    let grey = open("grey_gamma_1.8.png").unwrap();
    assert!(difference(&grey, &open("grey16.png").unwrap()) < 1.0);
    let stored = image::open(data("grey_gamma_1.8.png")).unwrap().into_rgb8();
    let stored = Photo::from_pixels(stored, "grey").unwrap();
    assert!(difference(&stored, &open("grey16.png").unwrap()) > 3.5);
}

#[test]
fn too_many_pixels_are_refused_before_they_are_decoded() {
    for name in ["declares_60000x60000.png", "white_20000x20000.png"] {
        let error = open(name).unwrap_err();
        assert!(
            matches!(error, Error::TooManyPixels { .. }),
            "{name}: {error}"
        );
    }
    let small = DecodeOptions {
        max_pixels: 100,
        ..DecodeOptions::default()
    };
    assert!(matches!(
        Photo::open(data("rgb8.png"), &small),
        Err(Error::TooManyPixels { .. })
    ));
    let short = DecodeOptions {
        max_file_bytes: 100,
        ..DecodeOptions::default()
    };
    assert!(matches!(
        Photo::open(data("rgb8.png"), &short),
        Err(Error::Decode { .. })
    ));
}

#[test]
fn the_smallest_photo_is_read() {
    let photo = open("one_pixel.png").unwrap();
    assert_eq!((photo.width(), photo.height()), (1, 1));
}

#[test]
fn damaged_files_end_in_an_answer() {
    let small = DecodeOptions {
        max_pixels: 1_000_000,
        ..DecodeOptions::default()
    };
    for (name, step) in [
        ("rgb8.jxl", 7),
        ("yuv420.avif", 17),
        ("grid.avif", 53),
        ("p3_icc.avif", 53),
        ("alpha.avif", 53),
    ] {
        let bytes = std::fs::read(data(name)).unwrap();
        for at in (0..bytes.len()).step_by(step) {
            for flip in [0x01, 0x80, 0xff] {
                let mut wrong = bytes.clone();
                wrong[at] ^= flip;
                // Pixels or an error, and neither a panic nor a size beyond the limit.
                match Photo::decode(&wrong, "wrong", &small) {
                    Ok(photo) => {
                        assert!(u64::from(photo.width()) * u64::from(photo.height()) <= 1_000_000);
                    }
                    Err(error) => {
                        let message = error.to_string();
                        assert!(!message.contains("its decoder failed"), "{name}: {message}");
                    }
                }
            }
        }
    }
}

#[cfg(not(feature = "heic"))]
#[test]
fn heic_is_named_with_what_to_do() {
    let message = open("rgb8.heic").unwrap_err().to_string();
    assert!(message.contains("a HEIC file"), "{message}");
    assert!(message.contains("--features heic"), "{message}");
    assert!(message.contains("save it as JPEG"), "{message}");
}

#[cfg(feature = "heic")]
#[test]
fn heic_gives_nearly_the_same_pixels() {
    let reference = open("rgb8.png").unwrap();
    for name in ["rgb8.heic", "p3.heic", "orientation_6.heic"] {
        let difference = difference(&open(name).unwrap(), &reference);
        assert!(difference < 2.0, "{name}: {difference}");
    }
    let bytes = std::fs::read(data("rgb8.heic")).unwrap();
    let small = DecodeOptions {
        max_pixels: 100,
        ..DecodeOptions::default()
    };
    let error = Photo::decode(&bytes, "small.heic", &small).unwrap_err();
    assert!(matches!(error, Error::TooManyPixels { .. }), "{error}");
    for length in [20, bytes.len() / 2, bytes.len() - 200] {
        let cut = Photo::decode(&bytes[..length], "cut.heic", &DecodeOptions::default());
        let message = cut.unwrap_err().to_string();
        assert!(message.contains("cut.heic"), "{length}: {message}");
        assert_eq!(message.lines().count(), 1, "{message}");
    }
}
