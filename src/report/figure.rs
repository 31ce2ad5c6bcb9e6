//! The match picture: two photos side by side, with keypoints, inliers and transform.
//!
//! Keypoints are small white dots. Every inlier is a line from its place in photo 1 to its place in photo 2; lines
//! that pass the gap between the photos next to each other have different colours, and all have a dark halo, so
//! that they are seen on a bright and on a dark photo. The border of photo 1 and its image in photo 2 are green.
//! Where a transform was found, a third panel below photo 2 shows photo 1 laid onto it, with marks where they agree
//! and where they contradict. A caption gives the result.
//!
//! Positions are pixels of the original photos, (0, 0) is the centre of the top-left pixel, and the
//! transform maps photo 1 to photo 2.

use std::cmp::Ordering;

use image::{Rgb, RgbImage};
use nalgebra::Matrix3;

use super::caption::Caption;
use super::overlay::{mark_places, paint_overlay};
use super::panel::{Panel, outline, spread};
use super::stroke::{Color, Pen, Strokes};
use crate::error::{Error, Result};

const PAPER: [u8; 3] = [255, 255, 255];

/// Colours of the lines, bright and easy to tell apart, green left to the outline.
const LINES: [Color; 7] = [
    [255, 214, 10],
    [64, 200, 255],
    [255, 110, 199],
    [255, 159, 28],
    [94, 240, 220],
    [190, 160, 255],
    [255, 112, 100],
];

const OUTLINE: Pen = Pen {
    color: [70, 255, 90],
    radius: 1.4,
    halo: 0.9,
};

const KEYPOINT: Pen = Pen {
    color: [255, 255, 255],
    radius: 0.9,
    halo: 0.5,
};

/// White space around the photos and between them, in pixels.
const MARGIN: u32 = 14;

/// Least width of the column that holds a photo and its name, in pixels.
const MIN_COLUMN: u32 = 240;

/// One of the two photos of a figure.
#[derive(Debug, Clone, Copy)]
pub struct FigurePhoto<'a> {
    /// The photo, upright. It may be a smaller copy: it is scaled to the figure in any case.
    pub pixels: &'a RgbImage,
    /// Width and height of the photo that positions refer to, in pixels.
    pub size: [u32; 2],
    /// Positions of the keypoints, x and y. Those outside the photo are not drawn.
    pub keypoints: &'a [[f32; 2]],
    /// Name of the photo in the caption. May hold any characters.
    pub name: &'a str,
}

/// Content of a figure beside the photos.
#[derive(Debug, Clone, Copy)]
pub struct FigureContent<'a> {
    /// Inliers, x and y in photo 1, x and y in photo 2. Those with an end outside its photo are
    /// not drawn.
    pub inliers: &'a [[f64; 4]],
    /// The transform that maps photo 1 to photo 2, if one was found.
    pub transform: Option<Matrix3<f64>>,
    /// Places compared in both photos under that transform; none where they were not compared.
    pub places: Option<FigurePlaces<'a>>,
    /// The verdict: colours the mark before the title green or red.
    pub is_match: bool,
    /// First line of the caption.
    pub title: &'a str,
    /// More lines of the caption; each is wrapped to the width of the figure.
    pub lines: &'a [String],
}

/// Places that were compared, x and y in photo 2. Those outside the photo are not drawn.
#[derive(Debug, Clone, Copy)]
pub struct FigurePlaces<'a> {
    /// Where both photos look alike.
    pub agreeing: &'a [[f64; 2]],
    /// Where they look different.
    pub contradicting: &'a [[f64; 2]],
}

/// Sizes of a figure.
#[derive(Debug, Clone, PartialEq)]
pub struct FigureOptions {
    /// Largest width of one photo in the figure, in pixels, 16 to 8192. Two photos of 720 pixels
    /// fill a page of documentation on a screen of twice the usual density.
    pub max_photo_width_px: u32,
    /// Largest height of one photo in the figure, in pixels, 16 to 8192. With the default width
    /// this is the shape of most photos, 4 to 3.
    pub max_photo_height_px: u32,
    /// Largest enlargement of a small photo to fill its place, 1 to 100.
    pub max_enlargement: f64,
    /// Largest number of lines. Of more inliers a subset is drawn that is spread over both photos, which the
    /// caption states. Beyond about 150 lines a photo is hard to see.
    pub max_lines: usize,
    /// Size of the text in pixels, 6 to 100.
    pub text_size_px: f32,
}

impl Default for FigureOptions {
    fn default() -> Self {
        Self {
            max_photo_width_px: 720,
            max_photo_height_px: 540,
            max_enlargement: 2.0,
            max_lines: 150,
            text_size_px: 15.0,
        }
    }
}

impl FigureOptions {
    /// Checks every field against its range.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidOption`] names the first field outside its range.
    pub fn validate(&self) -> Result<()> {
        for (name, value) in [
            ("max_photo_width_px", self.max_photo_width_px),
            ("max_photo_height_px", self.max_photo_height_px),
        ] {
            if !(16..=8192).contains(&value) {
                return Err(Error::option(
                    name,
                    format!("{value} is not in 16 to 8192 pixels"),
                ));
            }
        }
        if !(1.0..=100.0).contains(&self.max_enlargement) {
            let reason = format!("{} is not in 1 to 100", self.max_enlargement);
            return Err(Error::option("max_enlargement", reason));
        }
        if !(6.0..=100.0).contains(&self.text_size_px) {
            let reason = format!("{} is not in 6 to 100 pixels", self.text_size_px);
            return Err(Error::option("text_size_px", reason));
        }
        Ok(())
    }
}

/// Draws the figure of a match.
///
/// The picture is as large as its content needs. Each photo stands in a column at most
/// `max_photo_width_px` and at least 240 pixels wide. Without a transform the caption stands below
/// both; with one, photo 1 laid onto photo 2 stands below photo 2, as large as it, and the caption
/// below photo 1. The same input gives the same bytes.
///
/// # Errors
///
/// [`Error::InvalidOption`] if an option is outside its range.
pub fn match_figure(
    photos: [&FigurePhoto; 2],
    content: &FigureContent,
    options: &FigureOptions,
) -> Result<RgbImage> {
    options.validate()?;
    let mut panels = photos.map(|photo| Panel::new(photo, options));
    let columns = panels.map(|panel| panel.width().max(MIN_COLUMN));
    let height = panels[0].height().max(panels[1].height());
    panels[0].centre_in([MARGIN, MARGIN], [columns[0], height]);
    panels[1].centre_in([2 * MARGIN + columns[0], MARGIN], [columns[1], height]);

    let inliers: Vec<[[f64; 2]; 2]> = content
        .inliers
        .iter()
        .filter_map(|&[x1, y1, x2, y2]| {
            let end1 = panels[0].place_inside([x1, y1])?;
            let end2 = panels[1].place_inside([x2, y2])?;
            Some([end1, end2])
        })
        .collect();
    let mut lines = spread(&inliers, options.max_lines);
    sort_by_height(&mut lines);

    let width = columns[0] + columns[1] + 3 * MARGIN;
    let counts = [lines.len(), inliers.len()];
    let caption_width = match content.transform {
        Some(_) => columns[0],
        None => width - 2 * MARGIN,
    };
    let caption = Caption::new(content, options, caption_width, counts);
    let names_top = MARGIN + height + MARGIN / 2;
    let below = names_top + caption.name_height() + MARGIN / 2;
    let mut overlay = panels[1];
    overlay.centre_in(
        [2 * MARGIN + columns[0], below],
        [columns[1], panels[1].height()],
    );
    let caption_bottom = below + caption.height();
    let bottom = match content.transform {
        Some(_) => caption_bottom.max(overlay.frame.bottom + MARGIN / 2 + caption.name_height()),
        None => caption_bottom,
    };
    let mut picture = RgbImage::from_pixel(width, bottom + MARGIN, Rgb(PAPER));

    for (panel, photo) in panels.iter().zip(photos) {
        panel.paint(&mut picture, photo.pixels);
    }
    let mut strokes = Strokes::default();
    for (panel, photo) in panels.iter().zip(photos) {
        let places = photo.keypoints.iter().map(|place| place.map(f64::from));
        for place in places.filter_map(|place| panel.place_inside(place)) {
            strokes.dot(&KEYPOINT, place);
        }
    }
    add_lines(&mut strokes, &lines);
    if let Some(transform) = &content.transform {
        strokes.lines(&OUTLINE, &panels[0].border());
        strokes.lines(&OUTLINE, &outline(transform, &panels));
        paint_overlay(&mut picture, photos, &overlay, transform);
        strokes.lines(&OUTLINE, &outline(transform, &[panels[0], overlay]));
        if let Some(places) = &content.places {
            mark_places(&mut strokes, places, &overlay);
        }
    }
    add_ends(&mut strokes, &lines);
    caption.mark(&mut strokes, MARGIN, below);
    strokes.paint(&mut picture);

    for ((panel, photo), column) in panels.iter().zip(photos).zip(columns) {
        caption.paint_name(&mut picture, photo.name, panel.middle(), names_top, column);
    }
    if content.transform.is_some() {
        let top = overlay.frame.bottom + MARGIN / 2;
        let name = "photo 1 laid onto photo 2";
        caption.paint_name(&mut picture, name, overlay.middle(), top, columns[1]);
    }
    caption.paint(&mut picture, MARGIN, below);
    Ok(picture)
}

/// Puts lines into the order of their height between the photos, where neighbours get different
/// colours.
fn sort_by_height(lines: &mut [[[f64; 2]; 2]]) {
    let key = |[[x1, y1], [x2, y2]]: &[[f64; 2]; 2]| [y1 + y2, *x1, *y1, *x2];
    lines.sort_by(|a, b| {
        let pairs = key(a).into_iter().zip(key(b));
        pairs.fold(Ordering::Equal, |order, (a, b)| order.then(a.total_cmp(&b)))
    });
}

/// From 0 for few lines to 1 for so many that they have to be thin.
fn crowd(lines: &[[[f64; 2]; 2]]) -> f64 {
    ((lines.len() as f64 - 20.0) / 130.0).clamp(0.0, 1.0)
}

fn add_lines(strokes: &mut Strokes, lines: &[[[f64; 2]; 2]]) {
    let crowd = crowd(lines);
    for (line, color) in lines.iter().zip(LINES.iter().cycle()) {
        let pen = Pen {
            color: *color,
            radius: 0.9 - 0.2 * crowd,
            halo: 0.45 - 0.15 * crowd,
        };
        strokes.lines(&pen, &[*line]);
    }
}

fn add_ends(strokes: &mut Strokes, lines: &[[[f64; 2]; 2]]) {
    let crowd = crowd(lines);
    for (line, color) in lines.iter().zip(LINES.iter().cycle()) {
        let pen = Pen {
            color: *color,
            radius: 2.6 - 0.6 * crowd,
            halo: 0.9,
        };
        for end in line {
            strokes.dot(&pen, *end);
        }
    }
}
