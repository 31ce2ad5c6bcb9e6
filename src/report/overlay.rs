//! Photo 1 laid onto photo 2, with marks where the two look alike and where they do not.
//!
//! Agreeing places are blue dots, contradicting ones orange crosses: the marks differ in shape and in brightness,
//! and the two colours, of Okabe and Ito's palette, differ with all forms of colour blindness.

use image::imageops::{FilterType, resize};
use image::{DynamicImage, Pixel, Rgb, RgbImage, Rgba, RgbaImage};
use imageproc::geometric_transformations::{Border, Interpolation, warp_into_with};
use imageproc::pixelops::interpolate;
use nalgebra::{Matrix3, Vector3};

use super::figure::{FigurePhoto, FigurePlaces};
use super::panel::{Frame, Panel};
use super::stroke::{Color, Pen, Strokes};
use crate::image::resize_rgb;

const WHITE: Rgb<u8> = Rgb([255; 3]);

const AGREES: Color = [86, 180, 233];
const CONTRADICTS: Color = [230, 159, 0];

/// Weight of photo 1 over photo 2: half, so that both show equally.
const OPACITY: f32 = 0.5;
/// Fading of photo 2 to white where photo 1 does not lie.
const FADING: f32 = 0.5;

/// Radius of a mark as a part of the distance to the nearest other, and its limits in pixels.
const RADIUS: f64 = 0.3;
const RADII: [f64; 2] = [1.5, 4.5];
/// Width of a mark's halo, in pixels.
const HALO: f64 = 0.8;
/// Paints photo 2 into `panel`, and photo 1 over it as `transform` maps it there.
pub(super) fn paint_overlay(
    picture: &mut RgbImage,
    [photo1, photo2]: [&FigurePhoto; 2],
    panel: &Panel,
    transform: &Matrix3<f64>,
) {
    if photo1.pixels.is_empty() || photo2.pixels.is_empty() {
        return;
    }
    let (width, height) = (panel.width(), panel.height());
    let below = resize(photo2.pixels, width, height, FilterType::CatmullRom);
    let mut above = RgbaImage::new(width, height);
    lay(&mut above, photo1, panel, transform);
    let Frame { left, top, .. } = panel.frame;
    for (x, y, below) in below.enumerate_pixels() {
        let above = above.get_pixel(x, y);
        let mixed = match above.0[3] {
            255 => interpolate(above.to_rgb(), *below, OPACITY),
            _ => interpolate(WHITE, *below, FADING),
        };
        picture.put_pixel(left + x, top + y, mixed);
    }
}

/// Draws photo 1 as `transform` maps it into the pixels of photo 2's panel; transparent elsewhere.
fn lay(above: &mut RgbaImage, photo: &FigurePhoto, panel: &Panel, transform: &Matrix3<f64>) {
    let [width, height] = photo.size.map(f64::from);
    let middle = Vector3::new((width - 1.0) / 2.0, (height - 1.0) / 2.0, 1.0);
    let Some(back) = transform.try_inverse() else {
        return;
    };
    // Pixels of the panel that one of photo 1 covers in its middle, as a length.
    let depth = (transform * middle).z;
    let [across, down] = panel.scale();
    let area = across * down * (transform.determinant() / depth.powi(3)).abs();
    let scale = match area.is_finite() {
        true => area.sqrt().min(1.0),
        false => 1.0,
    };
    // The panel's pixels are read between four of the photo's, so it is shrunk before.
    let shrunk = |side: f64, pixels: u32| ((side * scale).ceil() as u32).clamp(1, pixels);
    let source_size = [
        shrunk(width, photo.pixels.width()),
        shrunk(height, photo.pixels.height()),
    ];
    let source = resize_rgb(photo.pixels, source_size[0], source_size[1]);
    let source = DynamicImage::from(source).into_rgba8();
    let [scale_x, scale_y] = [
        f64::from(source_size[0]) / width,
        f64::from(source_size[1]) / height,
    ];
    // Outside of the source by more than a pixel.
    const NOWHERE: (f32, f32) = (-9.0, -9.0);
    let from_panel = |x: f32, y: f32| {
        let x = (f64::from(x) + 0.5) / across - 0.5;
        let y = (f64::from(y) + 0.5) / down - 0.5;
        let at = back * Vector3::new(x, y, 1.0);
        // Points beyond the horizon of photo 1 have the other sign of depth than its middle.
        let (x, y) = (at.x / at.z, at.y / at.z);
        let is_before = (transform.row(2) * Vector3::new(x, y, 1.0)).x * depth > 0.0;
        let is_inside = x >= -0.5 && y >= -0.5 && x <= width - 0.5 && y <= height - 0.5;
        match is_before && is_inside {
            true => (
                ((x + 0.5) * scale_x - 0.5) as f32,
                ((y + 0.5) * scale_y - 0.5) as f32,
            ),
            false => NOWHERE,
        }
    };
    let border = Border::Constant(Rgba([0; 4]));
    warp_into_with(&source, from_panel, Interpolation::Bilinear, border, above);
}

/// Marks the places of photo 2 that were compared.
pub(super) fn mark_places(strokes: &mut Strokes, places: &FigurePlaces, panel: &Panel) {
    let place = |places: &[[f64; 2]]| -> Vec<[f64; 2]> {
        let inside = places.iter().filter_map(|&place| panel.place_inside(place));
        inside.collect()
    };
    let (agreeing, contradicting) = (place(places.agreeing), place(places.contradicting));
    let radius = radius(&agreeing, &contradicting);
    for centre in agreeing {
        dot(strokes, centre, radius);
    }
    for centre in contradicting {
        cross(strokes, centre, radius);
    }
}

/// The marks' radius: a part of the median distance to the nearest other mark.
fn radius(agreeing: &[[f64; 2]], contradicting: &[[f64; 2]]) -> f64 {
    let all: Vec<&[f64; 2]> = agreeing.iter().chain(contradicting).collect();
    let distance = |a: &[f64; 2], b: &[f64; 2]| f64::hypot(a[0] - b[0], a[1] - b[1]);
    let nearest = |(at, one): (usize, &&[f64; 2])| {
        let others = all.iter().enumerate().filter(|(other, _)| *other != at);
        let distances = others.map(|(_, other)| distance(one, other));
        distances.fold(f64::INFINITY, f64::min)
    };
    let mut distances: Vec<f64> = all.iter().enumerate().map(nearest).collect();
    distances.sort_by(f64::total_cmp);
    let median = distances.get(distances.len() / 2);
    median.map_or(RADII[1], |median| {
        (RADIUS * median).clamp(RADII[0], RADII[1])
    })
}

/// The mark of a place that agrees.
pub(super) fn dot(strokes: &mut Strokes, centre: [f64; 2], radius: f64) {
    let pen = Pen {
        color: AGREES,
        radius: 0.8 * radius,
        halo: HALO,
    };
    strokes.dot(&pen, centre);
}

/// The mark of a place that contradicts.
pub(super) fn cross(strokes: &mut Strokes, [x, y]: [f64; 2], radius: f64) {
    let arms = [
        [[x - radius, y - radius], [x + radius, y + radius]],
        [[x - radius, y + radius], [x + radius, y - radius]],
    ];
    let pen = Pen {
        color: CONTRADICTS,
        radius: 0.3 * radius,
        halo: HALO,
    };
    strokes.lines(&pen, &arms);
}
