//! What a run shows to a person: the picture of a match, and the page of a folder.

mod caption;
mod confusion;
mod figure;
mod html;
mod label_page;
mod page_data;
mod panel;
mod stroke;
mod text;
mod thumbnail;

pub use confusion::confusion_figure;
pub use figure::{FigureContent, FigureOptions, FigurePhoto, match_figure};
pub use html::{FolderReport, ReportCut, ReportPair, ReportPhoto, folder_page, href};
pub use label_page::{Card, LabelPage, Section, label_page};
pub use thumbnail::{THUMBNAIL_SIDE_PX, thumbnail};

use std::path::Path;

use image::RgbImage;

use crate::error::{Error, Result};
use crate::files::write_file;

/// Writes a picture in the format that the file's name ends with (.png, .jpg, .webp, .bmp, .tiff).
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
    let format = image::ImageFormat::from_path(path)
        .map_err(|_| encode("its name does not end in .png, .jpg, .webp, .bmp or .tiff".into()))?;
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, format)
        .map_err(|e| encode(e.to_string()))?;
    write_file(path, &bytes.into_inner())
}
