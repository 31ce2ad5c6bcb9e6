//! Pictures and pages of results: the picture of a match, and the page of a folder.

mod caption;
mod confusion;
mod figure;
mod folder_report;
mod html;
mod label_page;
mod overlay;
mod page_data;
mod panel;
mod stroke;
mod text;
mod thumbnail;

pub use confusion::confusion_figure;
pub use figure::{FigureContent, FigureOptions, FigurePhoto, FigurePlaces, match_figure};
pub use folder_report::{
    FolderReport, LoadedPictures, PairDrawing, ReportCut, ReportFailure, ReportPair, ReportPhoto,
    ReportPlaces, ReportSource, WeakestLink,
};
pub use html::{FolderPage, href};
pub use label_page::{Card, LabelPage, Section, label_page};
pub use page_data::Part;
pub(crate) use page_data::shown_inliers;
pub use thumbnail::{THUMBNAIL_SIDE_PX, thumbnail};

use std::path::Path;

use image::RgbImage;

use crate::error::{Error, Result};
use crate::files::{MARK, write_file};

/// Writes a picture in the format that the file's name ends with (.png, .jpg, .webp, .gif, .bmp, .tiff).
/// The file appears whole or not at all.
///
/// # Errors
/// [`Error::Encode`] for another ending or a picture that the format cannot hold, [`Error::Io`]
/// when the file cannot be written.
pub fn write_picture(picture: &RgbImage, path: &Path) -> Result<()> {
    let encode = |reason: String| Error::Encode {
        path: path.to_owned(),
        reason,
    };
    let format = image::ImageFormat::from_path(path).map_err(|_| {
        encode("its name does not end in .png, .jpg, .webp, .gif, .bmp or .tiff".into())
    })?;
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, format)
        .map_err(|e| encode(e.to_string()))?;
    let mut bytes = bytes.into_inner();
    mark(&mut bytes, format);
    write_file(path, &bytes)
}

/// A picture as PNG.
///
/// # Errors
/// [`Error::Encode`] for a picture that the format cannot hold.
pub(crate) fn png(picture: &RgbImage) -> Result<Vec<u8>> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let written = picture.write_to(&mut bytes, image::ImageFormat::Png);
    written.map_err(|error| Error::Encode {
        path: "(a picture in memory)".into(),
        reason: error.to_string(),
    })?;
    Ok(bytes.into_inner())
}

/// Puts [`MARK`] where readers of the format pass over it.
fn mark(bytes: &mut Vec<u8>, format: image::ImageFormat) {
    match format {
        image::ImageFormat::Png => {
            // A text chunk behind the header, which takes 33 bytes with the signature.
            let data = [b"tEXtSoftware\0", MARK.as_bytes()].concat();
            let mut crc = flate2::Crc::new();
            crc.update(&data);
            let length = (data.len() as u32 - 4).to_be_bytes();
            let text = [&length[..], &data, &crc.sum().to_be_bytes()].concat();
            bytes.splice(33..33, text);
        }
        image::ImageFormat::Jpeg => {
            // A comment behind the start of image.
            let length = (MARK.len() as u16 + 2).to_be_bytes();
            let comment = [&b"\xff\xfe"[..], &length, MARK.as_bytes()].concat();
            bytes.splice(2..2, comment);
        }
        image::ImageFormat::WebP => {
            // A chunk of its own at the end, of an even length, and the length of all chunks.
            let length = (MARK.len() as u32).to_le_bytes();
            bytes.extend([&b"MADE"[..], &length, MARK.as_bytes()].concat());
            let all = (bytes.len() as u32 - 8).to_le_bytes();
            bytes[4..8].copy_from_slice(&all);
        }
        // GIF has an end, BMP and TIFF hold the place of their pixels; readers ignore the bytes behind them.
        _ => bytes.extend(MARK.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::is_replaceable;

    #[test]
    fn pictures_carry_the_mark_and_are_read_as_before() {
        let folder = tempfile::tempdir().unwrap();
        let picture = RgbImage::from_fn(20, 10, |x, y| image::Rgb([x as u8 * 9, y as u8 * 9, 0]));
        for name in ["a.png", "a.jpg", "a.webp", "a.gif", "a.bmp", "a.tiff"] {
            let path = folder.path().join(name);
            picture.save(&path).unwrap();
            let plain = image::open(&path).unwrap();
            assert!(!is_replaceable(&path), "{name}");
            std::fs::remove_file(&path).unwrap();
            write_picture(&picture, &path).unwrap();
            assert!(is_replaceable(&path), "{name}");
            assert_eq!(image::open(&path).unwrap(), plain, "{name}");
        }
    }
}
