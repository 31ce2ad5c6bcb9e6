//! AVIF: still pictures of AV1 in the HEIF container (AOM, "AV1 Image File Format").
//!
//! Supported are 8, 10 and 12 bits, every layout of the chroma, grids of tiles, opacity, and the cuts, turns and
//! mirrorings that the container declares. Of a file with an animation the still picture is taken. The decoder is
//! the build of rav1d without assembler, which is the same on every processor.

mod container;
mod planes;
mod sequence;

use image::{DynamicImage, RgbImage, RgbaImage, imageops};
use re_rav1d::dav1d::{Decoder, Error as Av1Error, Picture, Settings};

use super::Orientation;
use super::decode::{Decoded, Source};
use super::profile::Conversion;
use crate::error::{Error, Result};
use container::{Container, Property, Reader};
use sequence::Sequence;

/// Pictures read of one stream, at most: a still picture is one, or one for each layer.
const MAX_PICTURES: usize = 16;

/// The upright pixels of an AVIF file.
///
/// # Errors
/// [`Error::Decode`] for a file that is damaged or holds something else, [`Error::TooManyPixels`].
pub(super) fn decode(bytes: &[u8], source: &Source<'_>) -> Result<Decoded> {
    let file = Container::read(bytes).ok_or_else(|| damaged(source))?;
    let avif = Avif {
        file: &file,
        source,
    };
    let (colours, sequence) = avif.item(file.primary)?;
    let mut pixels = match file.alpha(file.primary) {
        None => DynamicImage::ImageRgb8(colours),
        Some(alpha) => {
            let (alpha, _) = avif.item(alpha)?;
            if alpha.dimensions() != colours.dimensions() {
                return Err(source.fail("its opacity has another size than its colours"));
            }
            let premultiplied = file.is_premultiplied(file.primary);
            DynamicImage::ImageRgba8(with_alpha(&colours, &alpha, premultiplied))
        }
    };
    let properties = file.properties(file.primary);
    for property in properties {
        pixels = transformed(pixels, property).ok_or_else(|| damaged(source))?;
    }
    let profile = properties.iter().find_map(|property| match property {
        Property::Profile(profile) => Some(*profile),
        _ => None,
    });
    let conversion = match profile {
        Some(profile) => Conversion::from_icc(profile, !sequence.is_grey),
        None => Conversion::from_code_points(sequence.primaries, sequence.transfer),
    };
    Ok(Decoded {
        pixels,
        orientation: Orientation::NoTransforms,
        conversion,
    })
}

fn damaged(source: &Source<'_>) -> Error {
    source.fail("the file is damaged or cut off")
}

/// A file that is decoded.
struct Avif<'a> {
    file: &'a Container<'a>,
    source: &'a Source<'a>,
}

impl Avif<'_> {
    /// The pixels of an item, as they are stored, and the description of their colours.
    fn item(&self, item: u32) -> Result<(RgbImage, Sequence)> {
        for property in self.file.properties(item) {
            if let Property::Size(width, height) = property {
                self.source.check_size(*width, *height)?;
            }
        }
        match self.file.kind(item) {
            Some([b'a', b'v', b'0', b'1']) => {
                let (data, sequence) = self.stream(item, item)?;
                Ok((self.tile(data, &sequence)?, sequence))
            }
            Some([b'g', b'r', b'i', b'd']) => self.grid(item),
            _ => Err(self.source.fail("its picture is not in AV1")),
        }
    }

    /// The AV1 stream of an item and its header; the properties of `described` override its colours.
    fn stream(&self, item: u32, described: u32) -> Result<(Vec<u8>, Sequence)> {
        let data = self.file.data(item).ok_or_else(|| damaged(self.source))?;
        let mut sequence = Sequence::find(&data).ok_or_else(|| damaged(self.source))?;
        let told = self.file.properties(described).iter();
        for property in told.chain(self.file.properties(item)) {
            if let Property::Colours {
                primaries,
                transfer,
                matrix,
                full_range,
            } = *property
            {
                sequence = Sequence {
                    primaries,
                    transfer,
                    matrix,
                    full_range,
                    ..sequence
                };
                break;
            }
        }
        self.source.check_size(sequence.size.0, sequence.size.1)?;
        Ok((data, sequence))
    }

    fn tile(&self, data: Vec<u8>, sequence: &Sequence) -> Result<RgbImage> {
        let max_pixels = self.source.options.max_pixels;
        let picture = decode_av1(data, u32::try_from(max_pixels).unwrap_or(u32::MAX))
            .map_err(|error| self.source.fail(format!("its AV1 stream: {error}")))?
            .ok_or_else(|| damaged(self.source))?;
        self.source.check_size(picture.width(), picture.height())?;
        planes::to_rgb(&picture, sequence).ok_or_else(|| {
            let matrix = sequence.matrix;
            self.source
                .fail(format!("its colours are stored by matrix {matrix}"))
        })
    }

    /// Tiles of one size, row by row; parts beyond the picture are cut off.
    fn grid(&self, item: u32) -> Result<(RgbImage, Sequence)> {
        let grid = self.file.data(item);
        let grid = grid.and_then(|data| Grid::read(&data));
        let (grid, parts) = grid
            .zip(Some(self.file.parts(item)))
            .filter(|(grid, parts)| parts.len() == (grid.columns * grid.rows) as usize)
            .ok_or_else(|| damaged(self.source))?;
        self.source.check_size(grid.width, grid.height)?;
        let mut canvas = RgbImage::new(grid.width, grid.height);
        let mut first = None;
        for (at, part) in (0..).zip(parts) {
            let (data, sequence) = self.stream(*part, item)?;
            let first = first.get_or_insert(sequence);
            // Before a pixel is decoded: all tiles together are little more than the picture.
            if self.file.kind(*part) != Some(*b"av01")
                || sequence.size != first.size
                || !grid.is_covered_by(sequence.size)
            {
                return Err(damaged(self.source));
            }
            let tile = self.tile(data, &sequence)?;
            let (x, y) = (at % grid.columns, at / grid.columns);
            let (width, height) = sequence.size;
            imageops::replace(
                &mut canvas,
                &tile,
                i64::from(x) * i64::from(width),
                i64::from(y) * i64::from(height),
            );
        }
        let sequence = first.ok_or_else(|| damaged(self.source))?;
        Ok((canvas, sequence))
    }
}

/// The tiles of a picture.
struct Grid {
    columns: u32,
    rows: u32,
    width: u32,
    height: u32,
}

impl Grid {
    fn read(data: &[u8]) -> Option<Self> {
        let mut data = Reader(data);
        data.take(1)?;
        let size = if data.number(1)? & 1 == 0 { 2 } else { 4 };
        let mut number = |length| u32::try_from(data.number(length)?).ok();
        Some(Self {
            rows: number(1)? + 1,
            columns: number(1)? + 1,
            width: number(size)?,
            height: number(size)?,
        })
    }

    /// Whether tiles of this size cover the picture, and each has a part in it.
    fn is_covered_by(&self, tile: (u32, u32)) -> bool {
        let covers = |count: u32, tile: u32, length: u32| {
            let (count, tile, length) = (u64::from(count), u64::from(tile), u64::from(length));
            (count - 1) * tile < length && length <= count * tile
        };
        covers(self.columns, tile.0, self.width) && covers(self.rows, tile.1, self.height)
    }
}

/// The last picture of a stream; none when it has none.
fn decode_av1(data: Vec<u8>, max_pixels: u32) -> std::result::Result<Option<Picture>, Av1Error> {
    let mut settings = Settings::new();
    // Photos are read beside each other.
    settings.set_n_threads(1);
    settings.set_max_frame_delay(1);
    settings.set_all_layers(false);
    settings.set_frame_size_limit(max_pixels);
    let mut decoder = Decoder::with_settings(&settings)?;
    let mut sent = decoder.send_data(data, None, None, None);
    let mut last = None;
    for _ in 0..MAX_PICTURES {
        match sent {
            Ok(()) | Err(Av1Error::Again) => {}
            Err(error) => return Err(error),
        }
        match decoder.get_picture() {
            Ok(picture) => last = Some(picture),
            Err(Av1Error::Again) if sent.is_ok() => break,
            Err(Av1Error::Again) => {}
            Err(error) => return Err(error),
        }
        if sent.is_err() {
            sent = decoder.send_pending_data();
        }
    }
    Ok(last)
}

/// Colours and the opacity that the levels of another picture give.
fn with_alpha(colours: &RgbImage, alpha: &RgbImage, premultiplied: bool) -> RgbaImage {
    let mut pixels = RgbaImage::new(colours.width(), colours.height());
    for ((target, colour), alpha) in pixels
        .pixels_mut()
        .zip(colours.pixels())
        .zip(alpha.pixels())
    {
        let alpha = alpha[0];
        for channel in 0..3 {
            let value = u32::from(colour[channel]);
            target[channel] = match (premultiplied, u32::from(alpha)) {
                (true, 0) => 0,
                (true, alpha) => ((value * 255 + alpha / 2) / alpha).min(255) as u8,
                (false, _) => value as u8,
            };
        }
        target[3] = alpha;
    }
    pixels
}

/// The pixels cut, turned or mirrored; none for a cut that is not within them.
fn transformed(pixels: DynamicImage, property: &Property<'_>) -> Option<DynamicImage> {
    Some(match property {
        Property::Rotation(1) => pixels.rotate270(),
        Property::Rotation(2) => pixels.rotate180(),
        Property::Rotation(3) => pixels.rotate90(),
        Property::Mirror { left_to_right } => match left_to_right {
            true => pixels.fliph(),
            false => pixels.flipv(),
        },
        Property::CleanAperture([width, height, across, down]) => {
            let (x, width) = cut(pixels.width(), *width, *across)?;
            let (y, height) = cut(pixels.height(), *height, *down)?;
            pixels.crop_imm(x, y, width, height)
        }
        _ => pixels,
    })
}

/// The first of the pixels that are kept along one side, and their number, from fractions: the number, and the
/// distance of the centre of the kept part from that of the whole.
fn cut(whole: u32, (kept, per_kept): (i64, i64), (off, per_off): (i64, i64)) -> Option<(u32, u32)> {
    if kept <= 0 || per_kept <= 0 || per_off <= 0 {
        return None;
    }
    let kept = kept / per_kept;
    let first = (i64::from(whole) - kept) as f64 / 2.0 + off as f64 / per_off as f64;
    let first = first.floor() as i64;
    let is_within = kept >= 1 && first >= 0 && first + kept <= i64::from(whole);
    is_within.then_some((first as u32, kept as u32))
}
