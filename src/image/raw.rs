//! Camera raw files: the JPEG preview that the camera put in, the largest that decodes.
//!
//! Most raw formats are directories as TIFF 6.0 has them, with marks of their own: CR2, NEF, ARW, DNG, PEF,
//! and ORF and RW2, whose first bytes differ. RAF has a header of its own. The sensor's data is not read.

use std::collections::BTreeSet;

use image::codecs::jpeg::JpegDecoder;

use super::Orientation;
use super::decode::{Decoded, Source, after_jpeg_segment, decoded, jpeg_has_end, jpeg_marker};
use super::kind::{is_big_tiff, is_raf, is_raw_tiff, is_tiff};
use crate::error::{Error, Result};

/// A preview whose longer side is shorter than this is a thumbnail, too small to find things in.
const MIN_SIDE_PX: u32 = 320;

/// Directories read of one file, at most; cameras write fewer than ten.
const MAX_DIRECTORIES: usize = 64;

/// Entries read of one directory, at most.
const MAX_ENTRIES: u32 = 512;

/// Values read of one tag, at most.
const MAX_VALUES: u32 = 64;

/// A raw file.
#[derive(Default)]
pub(super) struct Raw<'a> {
    previews: Vec<&'a [u8]>,
    /// Orientation of the camera, if the directory has it.
    orientation: Option<Orientation>,
}

impl<'a> Raw<'a> {
    /// The previews of a raw file; none when the bytes are no raw file.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        if is_raf(bytes) {
            let at = |place: usize| {
                let number = bytes.get(place..place + 4)?.try_into().ok()?;
                Some(u32::from_be_bytes(number))
            };
            let preview = at(84).zip(at(88)).and_then(|(o, l)| slice(bytes, o, l));
            return Some(Self {
                previews: preview.into_iter().collect(),
                orientation: None,
            });
        }
        if is_big_tiff(bytes) || !(is_tiff(bytes) || is_raw_tiff(bytes)) {
            return None;
        }
        let mut walk = Walk {
            tiff: Tiff::new(bytes)?,
            raw: Self::default(),
            is_raw: is_raw_tiff(bytes),
            seen: BTreeSet::new(),
        };
        walk.main_directories();
        walk.is_raw.then_some(walk.raw)
    }

    /// The pixels of the largest preview that decodes.
    ///
    /// # Errors
    /// [`Error::Decode`] when there is none, [`Error::TooManyPixels`].
    pub fn decode(self, source: &Source<'_>) -> Result<Decoded> {
        let mut sized: Vec<_> = self
            .previews
            .into_iter()
            .filter_map(|jpeg| Some((jpeg_size(jpeg)?, jpeg)))
            .collect();
        sized.sort_by_key(|((width, height), _)| std::cmp::Reverse(width * height));
        let mut reason = "a camera raw file without a preview";
        for ((width, height), jpeg) in sized {
            if width.max(height) < MIN_SIDE_PX {
                reason = "a camera raw file with no more than a thumbnail";
                break;
            }
            reason = "a camera raw file whose preview is damaged";
            if !jpeg_has_end(jpeg) {
                continue;
            }
            let Ok(decoder) = JpegDecoder::new(std::io::Cursor::new(jpeg)) else {
                continue;
            };
            match decoded(decoder, source) {
                Ok(decoded) => {
                    return Ok(Decoded {
                        orientation: self.orientation.unwrap_or(decoded.orientation),
                        ..decoded
                    });
                }
                Err(error @ Error::TooManyPixels { .. }) => return Err(error),
                Err(_) => {}
            }
        }
        Err(source.fail(format!("{reason}; save it as JPEG or PNG")))
    }
}

/// The bytes from `offset` on, as far as the file goes: a preview that is cut off shows that itself.
fn slice(bytes: &[u8], offset: u32, length: u32) -> Option<&[u8]> {
    let rest = bytes.get(offset as usize..)?;
    Some(&rest[..rest.len().min(length as usize)])
}

/// Width and height of a JPEG; none for other bytes, and for the lossless kind that sensors' data is in.
fn jpeg_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut rest = bytes.strip_prefix(b"\xff\xd8")?;
    loop {
        let (marker, segment) = jpeg_marker(rest)?;
        match marker {
            // Baseline, extended and progressive frames.
            0xc0..=0xc2 => {
                let [_, _, _, h1, h2, w1, w2, ..] = *segment else {
                    return None;
                };
                let side = |high, low| u32::from(u16::from_be_bytes([high, low]));
                return Some((side(w1, w2), side(h1, h2)));
            }
            0xda | 0xc3 => return None,
            _ => rest = after_jpeg_segment(segment)?,
        }
    }
}

/// Bytes with the byte order of a TIFF header.
#[derive(Clone, Copy)]
struct Tiff<'a> {
    bytes: &'a [u8],
    is_big_endian: bool,
}

/// A tag of a directory.
struct Entry {
    tag: u16,
    kind: u16,
    count: u32,
    /// Where the values begin.
    at: u32,
}

impl<'a> Tiff<'a> {
    fn new(bytes: &'a [u8]) -> Option<Self> {
        let is_big_endian = match bytes.get(..2)? {
            b"II" => false,
            b"MM" => true,
            _ => return None,
        };
        Some(Self {
            bytes,
            is_big_endian,
        })
    }

    fn number(&self, at: u32, length: usize) -> Option<u32> {
        let at = at as usize;
        let bytes = self.bytes.get(at..at.checked_add(length)?)?;
        let join = |number, byte: &u8| number << 8 | u32::from(*byte);
        Some(match self.is_big_endian {
            true => bytes.iter().fold(0, join),
            false => bytes.iter().rev().fold(0, join),
        })
    }

    /// The entries of the directory at `at`, and where the next one is. Offsets count from `base`.
    fn directory(&self, at: u32, base: u32) -> Option<(Vec<Entry>, Option<u32>)> {
        let count = self.number(at, 2)?;
        let first = at.checked_add(2)?;
        let mut entries = Vec::new();
        for index in 0..count.min(MAX_ENTRIES) {
            let Some(entry) = self.entry(first.checked_add(12 * index)?, base) else {
                // Cut off.
                return Some((entries, None));
            };
            entries.extend(entry);
        }
        Some((entries, self.number(first.checked_add(12 * count)?, 4)))
    }

    /// The entry at `at`; within, none for one whose values are nowhere.
    fn entry(&self, at: u32, base: u32) -> Option<Option<Entry>> {
        let (tag, kind) = (self.number(at, 2)?, self.number(at.checked_add(2)?, 2)?);
        let count = self.number(at.checked_add(4)?, 4)?;
        let place = at.checked_add(8)?;
        let value = self.number(place, 4)?;
        let length = u64::from(count) * u64::from(size(kind as u16));
        let values_at = match length {
            0..=4 => Some(place),
            _ => base.checked_add(value),
        };
        Some(values_at.map(|at| Entry {
            tag: tag as u16,
            kind: kind as u16,
            count,
            at,
        }))
    }

    /// The first whole numbers of an entry.
    fn values(&self, entry: &Entry) -> Vec<u32> {
        let size = match size(entry.kind) {
            size @ 1..=4 => size,
            _ => return Vec::new(),
        };
        (0..entry.count.min(MAX_VALUES))
            .map_while(|index| self.number(entry.at.checked_add(index * size)?, size as usize))
            .collect()
    }
}

/// Bytes of one value of a TIFF type.
fn size(kind: u16) -> u32 {
    match kind {
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 => 8,
        _ => 1,
    }
}

/// The tags of a directory that describe previews.
#[derive(Default)]
struct Directory {
    values: Vec<(u16, Vec<u32>)>,
    /// Bytes that a tag holds itself: offset and length.
    blobs: Vec<(u16, u32, u32)>,
}

impl Directory {
    fn all(&self, tag: u16) -> &[u32] {
        let mut values = self.values.iter();
        values
            .find(|(found, _)| *found == tag)
            .map_or(&[], |(_, values)| values.as_slice())
    }

    fn one(&self, tag: u16) -> Option<u32> {
        self.all(tag).first().copied()
    }

    fn blob(&self, tag: u16) -> Option<(u32, u32)> {
        let mut blobs = self.blobs.iter();
        let (_, offset, length) = blobs.find(|(found, ..)| *found == tag)?;
        Some((*offset, *length))
    }
}

/// A walk through the directories of a file.
struct Walk<'a> {
    tiff: Tiff<'a>,
    raw: Raw<'a>,
    /// Whether a directory is that of a raw file.
    is_raw: bool,
    seen: BTreeSet<u32>,
}

impl<'a> Walk<'a> {
    /// The chain of directories from the header on, with the directories below them.
    fn main_directories(&mut self) {
        let mut next = self.tiff.number(4, 4);
        let mut is_first = true;
        while let Some(at) = next.filter(|at| *at != 0) {
            let Some((directory, following)) = self.directory(at, 0) else {
                return;
            };
            if is_first {
                let told = directory.one(0x0112).and_then(|o| u8::try_from(o).ok());
                self.raw.orientation = told.and_then(Orientation::from_exif);
                // DNGVersion.
                self.is_raw |= directory.blob(0xc612).is_some();
                self.add_blob(&directory, 0x002e);
                self.maker_note(&directory);
                is_first = false;
            }
            self.add_previews(&directory);
            for below in directory.all(0x014a).to_vec() {
                if let Some((directory, _)) = self.directory(below, 0) {
                    self.add_previews(&directory);
                }
            }
            next = following;
        }
    }

    /// The directory at `at`; none when it is damaged, was seen, or is one too many.
    fn directory(&mut self, at: u32, base: u32) -> Option<(Directory, Option<u32>)> {
        if self.seen.len() == MAX_DIRECTORIES || !self.seen.insert(at) {
            return None;
        }
        let (entries, next) = self.tiff.directory(at, base)?;
        let mut directory = Directory::default();
        for entry in entries {
            if matches!(entry.kind, 1 | 7) {
                directory.blobs.push((entry.tag, entry.at, entry.count));
            }
            directory.values.push((entry.tag, self.tiff.values(&entry)));
        }
        Some((directory, next))
    }

    fn add(&mut self, offset: u32, length: u32) {
        let preview = slice(self.tiff.bytes, offset, length);
        self.raw.previews.extend(preview);
    }

    fn add_blob(&mut self, directory: &Directory, tag: u16) {
        if let Some((offset, length)) = directory.blob(tag) {
            self.add(offset, length);
        }
    }

    fn add_previews(&mut self, directory: &Directory) {
        // A colour filter array, or its linear values: data of a sensor.
        let is_sensor = matches!(directory.one(0x0106), Some(32803 | 34892));
        self.is_raw |= is_sensor;
        // JPEGInterchangeFormat and its length.
        if let (Some(offset), Some(length)) = (directory.one(0x0201), directory.one(0x0202)) {
            self.add(offset, length);
        }
        // One strip of JPEG.
        if let (Some(6 | 7), false, &[offset], &[length]) = (
            directory.one(0x0103),
            is_sensor,
            directory.all(0x0111),
            directory.all(0x0117),
        ) {
            self.add(offset, length);
        }
    }

    /// The preview in the maker's note of Olympus and OM System, whose offsets count from the note.
    fn maker_note(&mut self, first: &Directory) -> Option<()> {
        let (exif, _) = self.directory(first.one(0x8769)?, 0)?;
        let (note, _) = exif.blob(0x927c)?;
        let bytes = self.tiff.bytes.get(note as usize..)?;
        let (header, base) = match bytes {
            [b'O', b'L', b'Y', b'M', b'P', b'U', b'S', 0, ..] => (12, note),
            [b'O', b'M', b' ', b'S', b'Y', b'S', b'T', b'E', b'M', ..] => (16, note),
            [b'O', b'L', b'Y', b'M', b'P', 0, ..] => (8, 0),
            _ => return None,
        };
        let (main, _) = self.directory(note.checked_add(header)?, base)?;
        // The camera's settings: a directory within the tag, or elsewhere.
        let settings = match main.blob(0x2020) {
            Some((at, _)) => at,
            None => base.checked_add(main.one(0x2020)?)?,
        };
        let (settings, _) = self.directory(settings, base)?;
        let offset = base.checked_add(settings.one(0x0101)?)?;
        self.add(offset, settings.one(0x0102)?);
        Some(())
    }
}
