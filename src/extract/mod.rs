//! Feature extraction in the style of DELF (Noh et al., ICCV 2017, arXiv:1612.06321): a fully convolutional network
//! runs on an image pyramid; each cell of each level's output grid is a candidate with an attention score; the best
//! candidates of all levels together are kept.

mod bottleneck;
mod delf_pyramid;
pub mod import;
mod manifest;
mod model;
mod selection;

use std::sync::atomic::{AtomicBool, Ordering};

use image::RgbImage;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

pub use delf_pyramid::{DelfPhotoSize, delf_photo};
pub use manifest::{
    ChannelOrder, DelfManifest, GridManifest, InputManifest, JudgementManifest, Layout, Manifest,
    ModelDefaults, ModelManifest, OutputsManifest,
};
pub use model::{Model, OutputShapes, embedded_manifest};

use crate::error::{Error, Result};
use crate::features::FeatureSet;
use crate::image::{Photo, resize_rgb};
use selection::{Level, select};

/// Options of feature extraction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExtractionOptions {
    /// The longest side of a photo at scale 1, in pixels. Smaller photos are enlarged, at most
    /// twofold; with DELF's own pyramid ([`DelfManifest`]) not at all. All scales of a square photo
    /// together may need 16 GiB of memory.
    pub max_size: u32,
    /// Pyramid scales, relative to `max_size`; each above 0 and at most 8.
    pub scales: Vec<f32>,
    /// The number of keypoints kept, those with the highest attention.
    pub max_features: usize,
    /// Keypoints with less attention than this are dropped; in the network's own units, at least 0.
    pub min_attention: f32,
}

// The published scales have four digits.
#[allow(clippy::approx_constant)]
impl Default for ExtractionOptions {
    /// The settings that the default network was measured with.
    fn default() -> Self {
        Self {
            max_size: 480,
            scales: vec![0.5, 0.7071, 1.0, 1.4142],
            max_features: 500,
            min_attention: 0.0,
        }
    }
}

impl From<&ModelDefaults> for ExtractionOptions {
    fn from(defaults: &ModelDefaults) -> Self {
        Self {
            max_size: defaults.max_size,
            scales: defaults.scales.clone(),
            max_features: defaults.max_features,
            min_attention: defaults.min_attention,
        }
    }
}

impl ExtractionOptions {
    /// Checks every field.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] naming the field.
    pub fn validate(&self) -> Result<()> {
        check_max_size(self.max_size)?;
        if self.scales.is_empty() || self.scales.len() > 32 {
            return Err(Error::option("scales", "takes 1 to 32 scales"));
        }
        if let Some(scale) = self.scales.iter().find(|s| !(**s > 0.0 && **s <= 8.0)) {
            return Err(Error::option(
                "scales",
                format!("{scale} is not above 0 and at most 8"),
            ));
        }
        if !(1..=1_000_000).contains(&self.max_features) {
            return Err(Error::option(
                "max_features",
                format!("{} is not between 1 and 1000000", self.max_features),
            ));
        }
        let longest = f64::from(self.max_size);
        let pixels = self
            .scales
            .iter()
            .map(|s| (longest * f64::from(*s)).powi(2));
        let bytes = memory_bytes(pixels.sum::<f64>() as u64);
        if bytes > MAX_MEMORY_BYTES {
            return Err(Error::option(
                "max_size",
                format!(
                    "{} at scales {:?} needs up to {bytes} bytes of memory a photo; at most {MAX_MEMORY_BYTES} are used",
                    self.max_size, self.scales
                ),
            ));
        }
        if !(self.min_attention >= 0.0 && self.min_attention.is_finite()) {
            return Err(Error::option("min_attention", "must be at least 0"));
        }
        Ok(())
    }
}

/// The global descriptor is computed at the scale nearest to this, in ratio. At scale 1 it takes twice the time and
/// ranks about as well (benches/RESULTS.md).
const GLOBAL_SCALE: f32 = 0.7;

/// Neighbouring pixels of a photo without texture differ by at most this, in grey levels of 255, at the
/// smallest scale. The noise of a dark photo stays below it there.
const MAX_PLAIN_DIFFERENCE: u8 = 2;

/// Memory that a level takes while the network runs, in bytes a pixel: the built-in network was measured
/// at 27.
const BYTES_PER_PIXEL: u64 = 32;
/// Most memory that the levels of one photo may take, in bytes.
const MAX_MEMORY_BYTES: u64 = 1 << 34;

/// Memory that levels of this many pixels take, in bytes.
fn memory_bytes(pixels: u64) -> u64 {
    pixels.saturating_mul(BYTES_PER_PIXEL)
}

/// Checks that the system has the memory that levels of these sizes take, as an allocation that fails later would
/// end the program.
fn ensure_memory(
    options: &ExtractionOptions,
    sizes: impl Iterator<Item = (u32, u32)>,
) -> Result<()> {
    let pixels = sizes.map(|(width, height)| u64::from(width) * u64::from(height));
    let bytes = memory_bytes(pixels.sum());
    let fits =
        usize::try_from(bytes).is_ok_and(|bytes| Vec::<u8>::new().try_reserve_exact(bytes).is_ok());
    if fits {
        return Ok(());
    }
    let reason = format!(
        "{} at scales {:?} needs {bytes} bytes of memory, more than there are",
        options.max_size, options.scales
    );
    Err(Error::option("max_size", reason))
}

/// Extracts the features of `photo`: at most `max_features` keypoints, none of a photo without texture,
/// unless the network has DELF's own pyramid; best first, positions in
/// pixels of the photo, descriptors of unit length; and the global descriptor where the network
/// has one, at the scale nearest to 0.7. The levels of the pyramid run in parallel on the current
/// rayon pool; the result does not depend on the number of threads.
///
/// # Errors
/// [`Error::InvalidOption`], also when the system has too little memory for this photo; [`Error::Model`]
/// when the network does not run.
pub fn extract(model: &Model, photo: &Photo, options: &ExtractionOptions) -> Result<FeatureSet> {
    options.validate()?;
    if let Some(delf) = model.delf() {
        return delf_pyramid::extract(model, delf, photo, options);
    }
    let global_level = (0..options.scales.len())
        .min_by(|a, b| {
            let distance = |i: &usize| (options.scales[*i] / GLOBAL_SCALE).ln().abs();
            distance(a).total_cmp(&distance(b))
        })
        .unwrap_or(0);
    let multiple = model.size_multiple();
    let size = |scale: f32| level_size(photo, scale, options.max_size, multiple);
    ensure_memory(options, options.scales.iter().map(|scale| size(*scale)))?;
    let smallest = options.scales.iter().copied().fold(f32::MAX, f32::min);
    let is_without_texture = AtomicBool::new(false);
    let mut levels = levels(&options.scales, |index, scale| {
        let (width, height) = size(scale);
        let resized = resize_rgb(photo.pixels(), width, height);
        if scale <= smallest && is_plain(&resized) {
            is_without_texture.store(true, Ordering::Relaxed);
        }
        Ok(Level {
            scale,
            width,
            height,
            output: model.run(&resized, index == global_level)?,
        })
    })?;
    let global = levels[global_level].output.global.take();
    if is_without_texture.into_inner() {
        // Cells without texture are alike in any two photos.
        levels.iter_mut().for_each(|l| l.output.attention.clear());
    }
    let (keypoints, descriptors) = select(&levels, photo, model.grid(), options)?;
    FeatureSet::new(
        photo.width(),
        photo.height(),
        keypoints,
        descriptors,
        global,
    )
}

/// The result of `level` for each scale and its index, in their order. The largest are begun first, as threads that
/// have done theirs can take only what is not begun.
fn levels<T: Send>(
    scales: &[f32],
    level: impl Fn(usize, f32) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let mut order: Vec<usize> = (0..scales.len()).collect();
    order.sort_by(|a, b| scales[*b].total_cmp(&scales[*a]));
    let mut levels = order
        .into_par_iter()
        .map(|index| Ok((index, level(index, scales[index])?)))
        .collect::<Result<Vec<(usize, T)>>>()?;
    levels.sort_by_key(|(index, _)| *index);
    Ok(levels.into_iter().map(|(_, level)| level).collect())
}

/// The global descriptor of `photo` alone, computed with a longest side of `max_size` pixels, as
/// [`ExtractionOptions::max_size`] at scale 1; none when the network has none. [`extract`] computes it at one of
/// its scales. Deterministic.
///
/// # Errors
/// As [`extract`].
pub fn extract_global(model: &Model, photo: &Photo, max_size: u32) -> Result<Option<Vec<f32>>> {
    check_max_size(max_size)?;
    let (width, height) = level_size(photo, 1.0, max_size, model.size_multiple());
    model.run_global(&resize_rgb(photo.pixels(), width, height))
}

/// Whether neighbouring pixels are alike everywhere, as in a photo of darkness or of a clear sky.
fn is_plain(pixels: &RgbImage) -> bool {
    let row = 3 * pixels.width() as usize;
    let values = pixels.as_raw();
    let alike = |(a, b): (&u8, &u8)| a.abs_diff(*b) <= MAX_PLAIN_DIFFERENCE;
    let along = values.chunks_exact(row).all(|row| {
        let next = row.iter().skip(3);
        row.iter().zip(next).all(alike)
    });
    along && values.iter().zip(values.iter().skip(row)).all(alike)
}

fn check_max_size(max_size: u32) -> Result<()> {
    if !(16..=8192).contains(&max_size) {
        let reason = format!("{max_size} is not between 16 and 8192 pixels");
        return Err(Error::option("max_size", reason));
    }
    Ok(())
}

/// The size at which a level is computed: both sides are rounded to the network's multiple, so
/// the two axes may be scaled a little differently.
fn level_size(photo: &Photo, scale: f32, max_size: u32, multiple: u32) -> (u32, u32) {
    let longest = photo.width().max(photo.height());
    let at_scale_1 = f64::from(max_size.min(longest.saturating_mul(2))) / f64::from(longest);
    let side = |pixels: u32| {
        let scaled = f64::from(pixels) * at_scale_1 * f64::from(scale);
        let cells = (scaled / f64::from(multiple)).round().max(1.0);
        cells as u32 * multiple
    };
    (side(photo.width()), side(photo.height()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn photo(width: u32, height: u32) -> Photo {
        Photo::from_pixels(image::RgbImage::new(width, height), "test").unwrap()
    }

    #[test]
    fn levels_are_multiples_near_the_asked_size() {
        assert_eq!(level_size(&photo(640, 480), 1.0, 480, 16), (480, 368));
        assert_eq!(level_size(&photo(4000, 10), 1.0, 480, 16), (480, 16));
        assert_eq!(level_size(&photo(100, 100), 1.0, 480, 16), (208, 208));
        assert_eq!(level_size(&photo(1, 1), 1.0, 480, 32), (32, 32));
    }

    #[test]
    fn options_out_of_range_are_named() {
        let named = |options: ExtractionOptions| options.validate().unwrap_err().to_string();
        let default = ExtractionOptions::default();
        assert!(default.validate().is_ok());
        let scales = |scales: &[f32]| ExtractionOptions {
            scales: scales.to_vec(),
            ..default.clone()
        };
        for bad in [&[][..], &[0.0], &[f32::NAN], &[9.0]] {
            assert!(named(scales(bad)).contains("scales"));
        }
        assert!(
            named(ExtractionOptions {
                max_size: 1,
                ..default.clone()
            })
            .contains("max_size")
        );
        let too_large = named(ExtractionOptions {
            max_size: 8192,
            ..scales(&[8.0])
        });
        assert!(too_large.contains("137438953472 bytes"), "{too_large}");
        assert!(too_large.contains("max_size"), "{too_large}");
        let large = ExtractionOptions {
            max_size: 8192,
            ..default.clone()
        };
        assert!(large.validate().is_ok());
        assert!(
            named(ExtractionOptions {
                max_features: 0,
                ..default.clone()
            })
            .contains("max_features")
        );
        assert!(
            named(ExtractionOptions {
                min_attention: f32::NAN,
                ..default
            })
            .contains("min_attention")
        );
    }
}
