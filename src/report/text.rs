//! Text on a picture, drawn by imageproc, and text made to fit a width.
//!
//! The font is DejaVu Sans 2.37, cut to Latin, Greek and Cyrillic letters and a few signs; its
//! licence lies beside it. A character that the font lacks is drawn as `?`.

use ab_glyph::{Font, FontRef, PxScale, ScaleFont};
use image::{Rgb, RgbImage};
use imageproc::drawing::{draw_text_mut, text_size};

use super::stroke::Color;

const FONT: &[u8] = include_bytes!("DejaVuSans-subset.ttf");

/// The font at one size.
pub(super) struct Typeface {
    font: FontRef<'static>,
    scale: PxScale,
}

impl Typeface {
    /// The font at about this size in pixels: the nearest one whose baseline lies on a whole pixel. The
    /// distance between the lines is about 1.2 times as much.
    #[expect(
        clippy::expect_used,
        reason = "the font is part of the program, and tests read it"
    )]
    pub(super) fn new(size_px: f32) -> Self {
        let font = FontRef::try_from_slice(FONT).expect("the embedded font is valid");
        let units_per_em = font.units_per_em().unwrap_or(2048.0);
        let scale = PxScale::from(size_px * font.height_unscaled() / units_per_em);
        let ascent = font.as_scaled(scale).ascent();
        let scale = PxScale::from(scale.y * ascent.round() / ascent);
        Self { font, scale }
    }

    /// Distance from one line of text to the next, in whole pixels.
    pub(super) fn line_height(&self) -> u32 {
        (self.scale.y * 1.15).round() as u32
    }

    /// Width of a text in pixels.
    pub(super) fn width(&self, text: &str) -> f32 {
        text_size(self.scale, &self.font, &self.known(text)).0 as f32
    }

    /// Draws one line of text. `left` and `top` are the corner of a line `line_height` high, to the
    /// nearest whole pixel.
    pub(super) fn draw(
        &self,
        picture: &mut RgbImage,
        left: f32,
        top: u32,
        text: &str,
        color: Color,
    ) {
        let slack = self.line_height() as f32 - self.scale.y;
        let (x, y) = (
            left.round() as i32,
            (top as f32 + slack / 2.0).round() as i32,
        );
        let text = self.known(text);
        draw_text_mut(picture, Rgb(color), x, y, self.scale, &self.font, &text);
    }

    /// The text, or its beginning and its end around an ellipsis, at most `max_width` pixels wide.
    pub(super) fn shortened(&self, text: &str, max_width: f32) -> String {
        if self.width(text) <= max_width {
            return text.to_owned();
        }
        let characters: Vec<char> = text.chars().collect();
        let around = |kept: usize| -> String {
            let tail = characters.len() - kept / 2;
            let head = &characters[..kept.div_ceil(2)];
            head.iter()
                .chain(&['…'])
                .chain(&characters[tail..])
                .collect()
        };
        let (mut fits, mut too_many) = (0, characters.len());
        while too_many - fits > 1 {
            let middle = fits.midpoint(too_many);
            if self.width(&around(middle)) <= max_width {
                fits = middle;
            } else {
                too_many = middle;
            }
        }
        around(fits)
    }

    /// The text in lines at most `max_width` pixels wide, broken at spaces; a word that is too
    /// long is shortened in its middle.
    pub(super) fn wrapped(&self, text: &str, max_width: f32) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for word in text.split(' ') {
            if let Some(line) = lines.last_mut() {
                let longer = format!("{line} {word}");
                if self.width(&longer) <= max_width {
                    *line = longer;
                    continue;
                }
            }
            lines.push(self.shortened(word, max_width));
        }
        lines
    }

    /// The text with `?` for each character that the font lacks.
    fn known(&self, text: &str) -> String {
        let is_missing = |character: char| self.font.glyph_id(character).0 == 0;
        text.replace(is_missing, "?")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_the_font_lacks_become_question_marks() {
        let face = Typeface::new(14.0);
        for text in ["\n", "\u{0}", "漢", "🦀", "\u{fffd}", "\u{202e}"] {
            assert_eq!(face.width(text), face.width("?"), "{text:?}");
            let drawn = |text| {
                let mut picture = RgbImage::new(20, 20);
                face.draw(&mut picture, 0.0, 0, text, [255; 3]);
                picture
            };
            assert_eq!(drawn(text), drawn("?"));
        }
        for character in ('!'..='~').chain("äßÉłőΩЖ…→≈≤≥−×°·—".chars()) {
            let text = character.to_string();
            assert_eq!(face.known(&text), text);
        }
    }

    #[test]
    fn long_names_keep_their_beginning_and_their_end() {
        let face = Typeface::new(14.0);
        assert_eq!(face.shortened("short.jpg", 200.0), "short.jpg");
        let name = format!("holiday_{}_0042.jpeg", "x".repeat(300));
        let short = face.shortened(&name, 200.0);
        assert!(face.width(&short) <= 200.0 && face.width(&short) > 180.0);
        assert!(short.starts_with("holiday_") && short.ends_with("0042.jpeg"));
        assert!(short.contains('…'));
        assert_eq!(face.shortened(&name, 0.0), "…");
        assert_eq!(face.shortened("", 0.0), "");
    }

    #[test]
    fn wrapped_lines_fit_and_lose_no_word() {
        let face = Typeface::new(14.0);
        let text = "one two  three four five six seven eight nine ten eleven twelve";
        let lines = face.wrapped(text, 120.0);
        assert!(lines.len() > 2);
        assert!(lines.iter().all(|line| face.width(line) <= 120.0));
        assert_eq!(lines.join(" "), text);
        let lines = face.wrapped(&"w".repeat(100), 120.0);
        assert_eq!(lines.len(), 1);
        assert!(face.width(&lines[0]) <= 120.0);
        assert_eq!(face.wrapped("", 120.0), [""]);
    }

    #[test]
    fn text_beyond_the_edge_is_cut_off() {
        let face = Typeface::new(14.0);
        let mut picture = RgbImage::new(10, 6);
        face.draw(&mut picture, -20.0, 0, "MMMMMMMM", [255; 3]);
        face.draw(&mut picture, 0.0, 100, "M", [255; 3]);
        assert!(picture.iter().any(|value| *value > 0));
    }
}
