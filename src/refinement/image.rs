//! Per-photo input of refinement, computed once and used with every partner.

use std::sync::OnceLock;

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use image::{GrayImage, RgbImage};
use nalgebra::{Matrix3, Point2};

use super::RefinementOptions;
use super::chroma::ChromaMap;
use super::corners::{self, Corner};
use super::plane::Plane;
use crate::error::{Error, Result};

/// One level of the pyramid.
#[derive(Debug, Clone)]
pub(super) struct Level {
    pub plane: Plane,
    /// Found when they are first needed: photos are compared without.
    corners: OnceLock<Vec<Corner>>,
    options: RefinementOptions,
    /// Maps pixels of the original photo to pixels of this level.
    pub level_from_photo: Matrix3<f64>,
    /// Its inverse.
    pub photo_from_level: Matrix3<f64>,
}

impl Level {
    /// The corners of the level, the best first.
    pub(super) fn corners(&self) -> &[Corner] {
        let detect = || corners::detect(&self.plane, &self.options);
        self.corners.get_or_init(detect)
    }
}

/// A photo prepared for refinement: grey, at its working size, with a pyramid and corners.
#[derive(Debug, Clone)]
pub struct RefinementImage {
    /// From the working size downwards, each half of the one before.
    levels: Vec<Level>,
    /// Width and height of the original photo, in pixels.
    photo_size: [f64; 2],
    /// Colours without lightness; none for a photo prepared from grey.
    chroma: Option<ChromaMap>,
}

impl RefinementImage {
    /// Prepares a colour photo.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for options out of range; [`Error::Features`] for a photo without
    /// pixels.
    pub fn from_rgb(photo: &RgbImage, options: &RefinementOptions) -> Result<Self> {
        let mut prepared = Self::from_gray(&image::imageops::grayscale(photo), options)?;
        prepared.chroma = Some(ChromaMap::new(photo));
        Ok(prepared)
    }

    /// Prepares a grey photo.
    ///
    /// # Errors
    /// As [`Self::from_rgb`].
    pub fn from_gray(photo: &GrayImage, options: &RefinementOptions) -> Result<Self> {
        options.validate()?;
        let (width, height) = photo.dimensions();
        if width == 0 || height == 0 {
            return Err(Error::Features {
                reason: "a photo without pixels cannot be refined".into(),
            });
        }
        let factor = f64::from(options.max_long_side) / f64::from(width.max(height));
        let working = if factor < 1.0 {
            shrink(photo, factor)?
        } else {
            photo.clone()
        };
        let scale_x = f64::from(working.width()) / f64::from(width);
        let scale_y = f64::from(working.height()) / f64::from(height);
        let plane = Plane::new(
            working.width() as usize,
            working.height() as usize,
            working.iter().map(|&value| f32::from(value)).collect(),
        );
        let mut levels = Vec::new();
        let mut next = Some(plane);
        while let Some(plane) = next.take() {
            let shrunk = 0.5f64.powi(levels.len() as i32);
            let level_from_photo = scaling(scale_x * shrunk, scale_y * shrunk);
            let photo_from_level = scaling(1.0 / (scale_x * shrunk), 1.0 / (scale_y * shrunk));
            if plane.long_side() >= 2 * options.min_long_side as usize {
                next = plane.half();
            }
            levels.push(Level {
                plane,
                corners: OnceLock::new(),
                options: *options,
                level_from_photo,
                photo_from_level,
            });
        }
        Ok(Self {
            levels,
            photo_size: [f64::from(width), f64::from(height)],
            chroma: None,
        })
    }

    /// Width and height of the original photo, in pixels.
    pub(super) fn photo_size(&self) -> [f64; 2] {
        self.photo_size
    }

    /// a* and b* at a place in pixels of the original photo; zero for a photo prepared from grey.
    pub(super) fn chroma_at(&self, point: Point2<f64>) -> [f32; 2] {
        self.chroma
            .as_ref()
            .map_or([0.0; 2], |chroma| chroma.at(point.x, point.y))
    }

    /// The levels of the pyramid, the working size first.
    pub(super) fn levels(&self) -> &[Level] {
        &self.levels
    }
}

/// The map of pixels when a photo is scaled; centres of pixels are at whole numbers.
fn scaling(x: f64, y: f64) -> Matrix3<f64> {
    Matrix3::new(x, 0.0, 0.5 * x - 0.5, 0.0, y, 0.5 * y - 0.5, 0.0, 0.0, 1.0)
}

/// Scales a photo down, averaging over the pixels that fall together.
fn shrink(photo: &GrayImage, factor: f64) -> Result<GrayImage> {
    let scaled = |length: u32| ((f64::from(length) * factor).round() as u32).max(1);
    let (width, height) = (scaled(photo.width()), scaled(photo.height()));
    let fail = |reason: String| Error::Features { reason };
    let source = TypedImageRef::<U8>::from_buffer(photo.width(), photo.height(), photo.as_raw())
        .map_err(|error| fail(error.to_string()))?;
    let mut target = TypedImage::<U8>::new(width, height);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    // Typed: the untyped door compiles the resizers of every pixel format.
    Resizer::new()
        .resize_typed(&source, &mut target, &options)
        .map_err(|error| fail(error.to_string()))?;
    GrayImage::from_raw(
        width,
        height,
        target.pixels().iter().map(|pixel| pixel.0).collect(),
    )
    .ok_or_else(|| fail("a resized photo has the wrong number of pixels".into()))
}
