//! The text below the photos: verdict, title, and lines of detail.

use image::RgbImage;

use super::figure::{FigureContent, FigureOptions};
use super::overlay::{cross, dot};
use super::stroke::{Color, Pen, Strokes};
use super::text::Typeface;
use crate::counted::counted;

const INK: Color = [31, 35, 40];
const FAINT_INK: Color = [89, 99, 110];
const YES: Color = [26, 127, 55];
const NO: Color = [207, 34, 46];

/// Space between two lines of the caption beyond their own height, in pixels.
const LEADING: u32 = 3;

/// Text broken into lines for one width.
pub(super) struct Caption {
    body: Typeface,
    heading: Typeface,
    title: Vec<String>,
    lines: Vec<String>,
    verdict: Color,
    /// Legend of the marks: places that agree, places that contradict, and no mark.
    legend: Option<[String; 3]>,
}

impl Caption {
    /// Breaks the text of a figure into lines at most `width` pixels wide. `lines_drawn` are the number of inliers
    /// drawn as lines, and the number of all.
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
            let note = format!("lines drawn for {drawn} of {}", counted(all, "inlier"));
            lines.extend(body.wrapped(&note, width));
        }
        let compared = content.places.filter(|_| content.transform.is_some());
        let legend = compared.map(|places| {
            let short = |text: String| body.shortened(&text, width - beside_mark(&body));
            [
                short(places_that_look(places.agreeing.len(), "alike")),
                short(places_that_look(places.contradicting.len(), "different")),
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
        title + LEADING + num_lines as u32 * self.step()
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

    /// Adds the marks before the title and before the legend, for a corner at (`left`, `top`).
    pub(super) fn mark(&self, strokes: &mut Strokes, left: u32, top: u32) {
        let height = self.heading.line_height();
        let verdict = Pen {
            color: self.verdict,
            radius: f64::from(height) * 0.27,
            halo: 0.0,
        };
        let centre = [left + height * 3 / 10, top + height / 2];
        strokes.dot(&verdict, centre.map(f64::from));
        if self.legend.is_some() {
            let height = self.body.line_height();
            let middle = |top: u32| [left + height / 2, top + height / 2].map(f64::from);
            let [agreeing, contradicting, _] = self.legend_tops(top);
            dot(strokes, middle(agreeing), f64::from(height) / 4.0);
            cross(strokes, middle(contradicting), f64::from(height) / 4.0);
        }
    }

    /// Draws title, lines and legend with their corner at (`left`, `top`).
    pub(super) fn paint(&self, picture: &mut RgbImage, left: u32, top: u32) {
        let beside = left as f32 + indent(&self.heading);
        let mut line_top = top;
        for line in &self.title {
            self.heading.draw(picture, beside, line_top, line, INK);
            line_top += self.heading.line_height();
        }
        line_top += LEADING;
        for line in &self.lines {
            self.body.draw(picture, left as f32, line_top, line, INK);
            line_top += self.step();
        }
        if let Some([agreeing, contradicting, none]) = &self.legend {
            let tops = self.legend_tops(top);
            let beside = left as f32 + beside_mark(&self.body);
            self.body.draw(picture, beside, tops[0], agreeing, INK);
            self.body.draw(picture, beside, tops[1], contradicting, INK);
            self.body.draw(picture, left as f32, tops[2], none, INK);
        }
    }

    /// From one line to the next, in pixels.
    fn step(&self) -> u32 {
        self.body.line_height() + LEADING
    }

    /// Where the lines of the legend begin, one line below the others, for a caption at `top`.
    fn legend_tops(&self, top: u32) -> [u32; 3] {
        let title = self.title.len() as u32 * self.heading.line_height() + LEADING;
        let lines = self.lines.len() as u32;
        [1, 2, 3].map(|line| top + title + (lines + line) * self.step())
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

fn places_that_look(count: usize, how: &str) -> String {
    let look = if count == 1 { "looks" } else { "look" };
    format!("{} {look} {how}", counted(count, "place"))
}
