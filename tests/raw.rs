//! Camera raw files. All are made here: directories laid out as each maker's cameras write them, with a
//! JPEG of examples/images as the preview. No file of a camera is among them.

use std::path::PathBuf;

use delfin::Error;
use delfin::folder::list_photos;
use delfin::image::{DecodeOptions, Photo};

/// A JPEG of 451 x 300 pixels.
fn preview() -> Vec<u8> {
    std::fs::read(example("cat.jpg")).unwrap()
}

fn example(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("examples/images")
        .join(name)
}

/// A thumbnail as raw files have it beside the preview.
fn thumbnail() -> Vec<u8> {
    jpeg(&image::RgbImage::from_pixel(
        160,
        120,
        image::Rgb([200, 0, 0]),
    ))
}

fn jpeg(pixels: &image::RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    image::codecs::jpeg::JpegEncoder::new(&mut bytes)
        .encode_image(pixels)
        .unwrap();
    bytes
}

fn decode(bytes: &[u8]) -> delfin::Result<Photo> {
    Photo::decode(bytes, "made", &DecodeOptions::default())
}

fn reason(bytes: &[u8]) -> String {
    decode(bytes).unwrap_err().to_string()
}

/// The head of a losslessly compressed JPEG, which sensors' data is in.
const LOSSLESS: &[u8] = b"\xff\xd8\xff\xc3\0\x0b\x08\x40\0\x40\0\x01\x01\x11\0\xff\xda\0\0\xff\xd9";

const SHORT: u16 = 3;
const LONG: u16 = 4;
const BYTES: u16 = 7;

/// A file of TIFF directories.
struct Made {
    bytes: Vec<u8>,
    is_big_endian: bool,
}

impl Made {
    /// With these first eight bytes at least; the place of the first directory follows.
    fn new(head: &[u8]) -> Self {
        let mut bytes = head.to_vec();
        bytes.resize(head.len().max(8), 0);
        let is_big_endian = head.starts_with(b"MM");
        Self {
            bytes,
            is_big_endian,
        }
    }

    fn number(&self, number: u32, length: usize) -> Vec<u8> {
        match self.is_big_endian {
            true => number.to_be_bytes()[4 - length..].to_vec(),
            false => number.to_le_bytes()[..length].to_vec(),
        }
    }

    fn add(&mut self, bytes: &[u8]) -> u32 {
        let at = self.bytes.len() as u32;
        self.bytes.extend(bytes);
        at
    }

    /// Adds a directory of (tag, type, count, value or place), before the one at `next`.
    fn directory(&mut self, entries: &[(u16, u16, u32, u32)], next: u32) -> u32 {
        let at = self.bytes.len() as u32;
        let mut bytes = self.number(entries.len() as u32, 2);
        for (tag, kind, count, value) in entries {
            bytes.extend(self.number((*tag).into(), 2));
            bytes.extend(self.number((*kind).into(), 2));
            bytes.extend(self.number(*count, 4));
            let size = if *kind == SHORT { 2 } else { 4 };
            let mut value = self.number(*value, size);
            value.resize(4, 0);
            bytes.extend(value);
        }
        bytes.extend(self.number(next, 4));
        self.bytes.extend(bytes);
        at
    }

    fn first(mut self, at: u32) -> Vec<u8> {
        let at = self.number(at, 4);
        self.bytes[4..8].copy_from_slice(&at);
        self.bytes
    }
}

/// JPEGInterchangeFormat, its length, and the compression that goes with it.
fn interchange(at: u32, jpeg: &[u8]) -> [(u16, u16, u32, u32); 3] {
    [
        (0x0103, SHORT, 1, 6),
        (0x0201, LONG, 1, at),
        (0x0202, LONG, 1, jpeg.len() as u32),
    ]
}

/// One strip of this compression.
fn strip(compression: u32, at: u32, length: usize) -> [(u16, u16, u32, u32); 3] {
    [
        (0x0103, SHORT, 1, compression),
        (0x0111, LONG, 1, at),
        (0x0117, LONG, 1, length as u32),
    ]
}

const SENSOR: (u16, u16, u32, u32) = (0x0106, SHORT, 1, 32803);

/// As CR2: the preview is a strip of the first directory, the sensor's data one of the last.
fn made_cr2(preview: &[u8]) -> Vec<u8> {
    let mut made = Made::new(b"II*\0\0\0\0\0CR\x02\0\0\0\0\0");
    let (large, small) = (made.add(preview), made.add(&thumbnail()));
    let data = made.add(LOSSLESS);
    let third = made.directory(&strip(6, data, LOSSLESS.len()), 0);
    let second = made.directory(&interchange(small, &thumbnail()), third);
    let first = made.directory(&strip(6, large, preview.len()), second);
    made.first(first)
}

/// As NEF: a bare thumbnail first, below it the preview and the sensor's data.
fn made_nef(preview: &[u8], orientation: u32) -> Vec<u8> {
    let mut made = Made::new(b"MM\0*");
    let (large, bare) = (made.add(preview), made.add(&[90; 60]));
    let below = made.directory(&interchange(large, preview), 0);
    let sensor = [&strip(34713, bare, 60)[..], &[SENSOR]].concat();
    let sensor = made.directory(&sensor, 0);
    let places = [made.number(below, 4), made.number(sensor, 4)].concat();
    let places = made.add(&places);
    let first = [
        &[(0x00fe, LONG, 1, 1)][..],
        &strip(1, bare, 60),
        &[(0x0112, SHORT, 1, orientation), (0x014a, LONG, 2, places)],
    ];
    let first = made.directory(&first.concat(), 0);
    made.first(first)
}

/// As ARW: the preview first, the sensor's data below it.
fn made_arw(preview: &[u8]) -> Vec<u8> {
    let mut made = Made::new(b"II*\0");
    let large = made.add(preview);
    let sensor = [&strip(32767, large, 9)[..], &[SENSOR]].concat();
    let sensor = made.directory(&sensor, 0);
    let below = [(0x014a, LONG, 1, sensor)];
    let first = [&interchange(large, preview)[..], &below].concat();
    let first = made.directory(&first, 0);
    made.first(first)
}

/// As DNG: a bare thumbnail first, below it the preview as a strip, and the sensor's data.
fn made_dng(preview: &[u8]) -> Vec<u8> {
    let mut made = Made::new(b"II*\0");
    let (large, bare) = (made.add(preview), made.add(&[90; 60]));
    let data = made.add(LOSSLESS);
    let below = made.directory(&strip(7, large, preview.len()), 0);
    let sensor = [&strip(7, data, LOSSLESS.len())[..], &[SENSOR]].concat();
    let sensor = made.directory(&sensor, 0);
    let places = [made.number(below, 4), made.number(sensor, 4)].concat();
    let places = made.add(&places);
    let version = [(0x014a, LONG, 2, places), (0xc612, 1, 4, 0x0000_0401)];
    let first = [&strip(1, bare, 60)[..], &version].concat();
    let first = made.directory(&first, 0);
    made.first(first)
}

/// As PEF: the sensor's data first, then a thumbnail, then the preview.
fn made_pef(preview: &[u8]) -> Vec<u8> {
    let mut made = Made::new(b"MM\0*");
    let (large, small) = (made.add(preview), made.add(&thumbnail()));
    let third = made.directory(&interchange(large, preview), 0);
    let second = made.directory(&interchange(small, &thumbnail()), third);
    let first = [&strip(65535, large, 9)[..], &[SENSOR]].concat();
    let first = made.directory(&first, second);
    made.first(first)
}

/// As RW2: the preview is a tag's own bytes.
fn made_rw2(preview: &[u8]) -> Vec<u8> {
    let mut made = Made::new(b"IIU\0");
    let large = made.add(preview);
    let first = [(0x002e, BYTES, preview.len() as u32, large)];
    let first = made.directory(&first, 0);
    made.first(first)
}

/// As ORF: the preview is in the maker's note, whose offsets count from the note.
fn made_orf(preview: &[u8], header: &[u8]) -> Vec<u8> {
    let mut note = Made::new(header);
    note.bytes.truncate(header.len());
    // The main directory, 18 bytes, is right behind the header; then the settings, 30 bytes.
    let settings_at = header.len() as u32 + 18;
    note.directory(&[(0x2020, 13, 1, settings_at)], 0);
    let large = settings_at + 30;
    let length = preview.len() as u32;
    note.directory(&[(0x0101, LONG, 1, large), (0x0102, LONG, 1, length)], 0);
    note.add(preview);
    let mut made = Made::new(b"IIRO");
    let at = made.add(&note.bytes);
    let exif = [(0x927c, BYTES, note.bytes.len() as u32, at)];
    let exif = made.directory(&exif, 0);
    let first = made.directory(&[(0x8769, LONG, 1, exif)], 0);
    made.first(first)
}

/// As RAF: a header that tells where the preview is.
fn made_raf(preview: &[u8]) -> Vec<u8> {
    let mut bytes = b"FUJIFILMCCD-RAW 0201".to_vec();
    bytes.resize(84, 0);
    bytes.extend(100u32.to_be_bytes());
    bytes.extend((preview.len() as u32).to_be_bytes());
    bytes.resize(100, 0);
    bytes.extend(preview);
    bytes.extend([7; 500]);
    bytes
}

fn made_files() -> Vec<(&'static str, Vec<u8>)> {
    let preview = preview();
    vec![
        ("1.cr2", made_cr2(&preview)),
        ("2.nef", made_nef(&preview, 1)),
        ("3.arw", made_arw(&preview)),
        ("4.dng", made_dng(&preview)),
        ("5.pef", made_pef(&preview)),
        ("6.rw2", made_rw2(&preview)),
        ("7.orf", made_orf(&preview, b"OLYMPUS\0II\x03\0")),
        ("8.orf", made_orf(&preview, b"OM SYSTEM\0\0\0II\x04\0")),
        ("9.raf", made_raf(&preview)),
    ]
}

#[test]
fn the_preview_of_every_makers_layout_is_found() {
    let photo = Photo::open(example("cat.jpg"), &DecodeOptions::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut paths = Vec::new();
    for (name, bytes) in made_files() {
        let found = decode(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(found.pixels() == photo.pixels(), "{name}");
        paths.push(folder.path().join(name));
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    // Listed by their content, beside other photos.
    assert_eq!(list_photos(folder.path()).unwrap().photos, paths);
}

#[test]
fn a_preview_is_turned_as_the_camera_was_held() {
    let photo = Photo::open(example("cat.jpg"), &DecodeOptions::default()).unwrap();
    let turned = decode(&made_nef(&preview(), 6)).unwrap();
    assert!(*turned.pixels() == image::imageops::rotate90(photo.pixels()));
}

#[test]
fn a_damaged_preview_gives_way_to_a_smaller_one() {
    let large = jpeg(&image::RgbImage::new(600, 500));
    let mut made = Made::new(b"II*\0");
    let (cut, whole) = (made.add(&large[..large.len() / 2]), made.add(&preview()));
    let second = made.directory(&interchange(whole, &preview()), 0);
    let first = [&interchange(cut, &large[..large.len() / 2])[..], &[SENSOR]].concat();
    let first = made.directory(&first, second);
    let photo = decode(&made.first(first)).unwrap();
    assert_eq!((photo.width(), photo.height()), (451, 300));
}

#[test]
fn a_raw_file_without_a_usable_preview_is_named_as_such() {
    for bytes in [
        made_cr2(b""),
        made_nef(b"no JPEG", 1),
        made_pef(LOSSLESS),
        made_raf(b""),
    ] {
        let reason = reason(&bytes);
        assert!(reason.contains(": a camera raw file"), "{reason}");
        assert!(reason.contains("save it as JPEG"), "{reason}");
        assert_eq!(reason.lines().count(), 1);
    }
    assert!(reason(&made_cr2(b"")).contains("thumbnail"));
    let preview = preview();
    let cut = &preview[..preview.len() / 2];
    assert!(reason(&made_arw(cut)).contains("damaged"));
    let small = DecodeOptions {
        max_pixels: 1000,
        ..DecodeOptions::default()
    };
    let error = Photo::decode(&made_arw(&preview), "made", &small).unwrap_err();
    assert!(matches!(error, Error::TooManyPixels { .. }), "{error}");
}

#[test]
fn damaged_raw_files_end_in_an_answer() {
    let preview = thumbnail();
    let answers = |bytes: &[u8]| {
        let said = decode(bytes).map_or_else(|error| error.to_string(), |_| String::new());
        assert!(!said.contains("its decoder failed"), "{said}");
    };
    for bytes in [
        made_cr2(&preview),
        made_nef(&preview, 1),
        made_dng(&preview),
        made_orf(&preview, b"OLYMPUS\0II\x03\0"),
        made_raf(&preview),
    ] {
        for at in 0..bytes.len() {
            for flip in [0x01, 0xff] {
                let mut wrong = bytes.clone();
                wrong[at] ^= flip;
                answers(&wrong);
            }
            answers(&bytes[..at]);
        }
    }
}
