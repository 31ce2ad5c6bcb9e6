//! The text below the photos: verdict, title, and lines of detail.

use image::RgbImage;

use super::figure::{FigureContent, FigureOptions};
use super::overlay::{cross, dot};
use super::stroke::{Colour, Frame, Pen};
use super::text::Typeface;

const INK: Colour = [31, 35, 40];
const FAINT_INK: Colour = [89, 99, 110];
const YES: Colour = [26, 127, 55];
const NO: Colour = [207, 34, 46];

/// Space between two lines of the caption beyond their own height, in pixels.
const LEADING: u32 = 3;

/// Text broken into lines for one width.
pub(super) struct Caption {
    body: Typeface,
    heading: Typeface,
    title: Vec<String>,
    lines: Vec<String>,
    verdict: Colour,
    /// What the marks mean: places that agree, places that contradict, and no mark.
    legend: Option<[String; 3]>,
}

impl Caption {
    /// Breaks the text of a figure into lines at most `width` pixels wide. `lines_drawn` is how
    /// many of the inliers are drawn as lines, and of how many.
    pub(super) fn new(
        content: &FigureContent,
        options: &FigureOptions,
        width: u32,
        lines_drawn: [usize; 2],
    ) -> Self {
        let body = Typeface::new(options.text_size_px);
        let heading = Typeface::new(options.text_size_px * 1.35);
        let width = width as f32;
        let title = heading.wrapped(content.title, width - indent(&heading));
        let mut lines: Vec<String> = content
            .lines
            .iter()
            .flat_map(|line| body.wrapped(line, width))
            .collect();
        let [drawn, all] = lines_drawn;
        if drawn < all {
            let note = format!("lines drawn for {drawn} of {all} inliers");
            lines.extend(body.wrapped(&note, width));
        }
        let compared = content.places.filter(|_| content.transform.is_some());
        let legend = compared.map(|places| {
            let short = |text: String| body.shortened(&text, width - beside_mark(&body));
            [
                short(format!("{} places look alike", places.agreeing.len())),
                short(format!(
                    "{} places look different",
                    places.contradicting.len()
                )),
                body.shortened("no mark: unclear, or too plain", width),
            ]
        });
        Self {
            body,
            heading,
            title,
            lines,
            verdict: if content.is_match { YES } else { NO },
            legend,
        }
    }

    /// Height of the name of a photo, in pixels.
    pub(super) fn name_height(&self) -> u32 {
        self.body.line_height()
    }

    /// Height of title and lines, in pixels.
    pub(super) fn height(&self) -> u32 {
        let title = self.title.len() as u32 * self.heading.line_height();
        let num_lines =
            self.lines.len() + self.legend.as_ref().map_or(0, |legend| legend.len() + 1);
        title + LEADING + num_lines as u32 * (self.body.line_height() + LEADING)
    }

    /// Draws the name of a photo around the column `centre`, at most `width` pixels wide.
    pub(super) fn paint_name(
        &self,
        picture: &mut RgbImage,
        name: &str,
        centre: f32,
        top: u32,
        width: u32,
    ) {
        let name = self.body.shortened(name, width as f32);
        let left = (centre - self.body.width(&name) / 2.0).round();
        self.body.draw(picture, left, top, &name, FAINT_INK);
    }

    /// Draws title and lines with their corner at (`left`, `top`).
    pub(super) fn paint(&self, picture: &mut RgbImage, left: u32, mut top: u32) {
        let height = self.heading.line_height();
        let mark = Pen {
            colour: self.verdict,
            radius: f64::from(height) * 0.27,
            opacity: 1.0,
            halo: 0.0,
            halo_opacity: 0.0,
        };
        let (x, y) = (left + height * 3 / 10, top + height / 2);
        let frame = Frame::of(picture);
        mark.dot(picture, frame, [f64::from(x), f64::from(y)]);
        let beside = left as f32 + indent(&self.heading);
        for line in &self.title {
            self.heading.draw(picture, beside, top, line, INK);
            top += height;
        }
        top += LEADING;
        for line in &self.lines {
            self.body.draw(picture, left as f32, top, line, INK);
            top += self.body.line_height() + LEADING;
        }
        if let Some(legend) = &self.legend {
            top += self.body.line_height() + LEADING;
            self.paint_legend(picture, left, top, legend);
        }
    }

    fn paint_legend(&self, picture: &mut RgbImage, left: u32, top: u32, legend: &[String; 3]) {
        let height = self.body.line_height();
        let tops = [0, 1, 2].map(|line| top + line * (height + LEADING));
        let middle = |top: u32| [left + height / 2, top + height / 2].map(f64::from);
        let (frame, radius) = (Frame::of(picture), f64::from(height) / 4.0);
        dot(picture, frame, middle(tops[0]), radius);
        cross(picture, frame, middle(tops[1]), radius);
        let beside = left as f32 + beside_mark(&self.body);
        let [agreeing, contradicting, none] = legend;
        self.body.draw(picture, beside, tops[0], agreeing, INK);
        self.body.draw(picture, beside, tops[1], contradicting, INK);
        self.body.draw(picture, left as f32, tops[2], none, INK);
    }
}

/// Room for a mark of the legend, in pixels.
fn beside_mark(body: &Typeface) -> f32 {
    body.line_height() as f32 * 1.25
}

/// Room for the mark before the title, in pixels.
fn indent(heading: &Typeface) -> f32 {
    (heading.line_height() as f32 * 0.95).round()
}
