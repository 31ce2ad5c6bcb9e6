//! Random distortions of training photos, those of TensorFlow Hub's `retrain.py`, so that a layer learns to ignore
//! them.

use image::RgbImage;
use image::imageops::{crop_imm, flip_horizontal_in_place};

use crate::error::{Error, Result};
use crate::image::Photo;
use crate::random::SplitMix64;

/// Kinds, sizes and number of distortions.
#[derive(Debug, Clone, PartialEq)]
pub struct Distortions {
    /// Mirrors every second copy, left to right.
    pub flip_left_right: bool,
    /// Largest margin that is cut off, in percent of the photo's sides; 0 to 90.
    pub random_crop: f64,
    /// Largest enlargement, in percent; 0 to 400. Parts beyond the edge are cut off.
    pub random_scale: f64,
    /// Largest change of the brightness, up or down, in percent; 0 to 100.
    pub random_brightness: f64,
    /// Distorted copies of each training photo, beside the photo itself; at least 1. Not read without
    /// any distortion.
    pub num_copies: usize,
    /// Seed of the random numbers.
    pub seed: u64,
}

impl Default for Distortions {
    /// None.
    fn default() -> Self {
        Self {
            flip_left_right: false,
            random_crop: 0.0,
            random_scale: 0.0,
            random_brightness: 0.0,
            num_copies: 4,
            seed: 0,
        }
    }
}

impl Distortions {
    /// Whether there is any.
    pub fn is_any(&self) -> bool {
        self.flip_left_right
            || self.random_crop > 0.0
            || self.random_scale > 0.0
            || self.random_brightness > 0.0
    }

    /// Checks every field.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] naming the field.
    pub fn validate(&self) -> Result<()> {
        for (name, value, largest) in [
            ("random_crop", self.random_crop, 90.0),
            ("random_scale", self.random_scale, 400.0),
            ("random_brightness", self.random_brightness, 100.0),
        ] {
            if !(0.0..=largest).contains(&value) {
                let reason = format!("{value} is not from 0 to {largest} percent");
                return Err(Error::option(name, reason));
            }
        }
        if self.is_any() && !(1..=1000).contains(&self.num_copies) {
            return Err(Error::option("num_copies", "must be from 1 to 1000"));
        }
        Ok(())
    }

    /// Distorted copy number `copy` of a photo. Deterministic in the photo's content, `copy` and the
    /// seed.
    ///
    /// # Errors
    /// None for a photo that was decoded.
    pub fn apply(&self, photo: &Photo, copy: usize) -> Result<Photo> {
        let hash = photo.content_hash().first_chunk::<8>();
        let content = u64::from_le_bytes(hash.copied().unwrap_or_default());
        let mut rng = SplitMix64::new(content ^ self.seed.rotate_left(32) ^ copy as u64);
        let mut uniform = || rng.below(1 << 24) as f64 / f64::from(1 << 24);
        let enlarged = (1.0 + self.random_scale / 100.0 * uniform())
            / (1.0 - self.random_crop / 100.0).max(0.1);
        let (left, top, brightness) = (uniform(), uniform(), uniform());
        let side = |pixels: u32| ((f64::from(pixels) / enlarged).round() as u32).clamp(1, pixels);
        let pixels = photo.pixels();
        let (width, height) = (side(pixels.width()), side(pixels.height()));
        let margin = |all: u32, kept: u32, at: f64| (f64::from(all - kept) * at).round() as u32;
        let mut distorted: RgbImage = crop_imm(
            pixels,
            margin(pixels.width(), width, left),
            margin(pixels.height(), height, top),
            width,
            height,
        )
        .to_image();
        if self.flip_left_right && copy.is_multiple_of(2) {
            flip_horizontal_in_place(&mut distorted);
        }
        let factor = 1.0 + self.random_brightness / 100.0 * (2.0 * brightness - 1.0);
        if factor != 1.0 {
            // A float to u8 cast saturates.
            distorted
                .iter_mut()
                .for_each(|v| *v = (f64::from(*v) * factor).round() as u8);
        }
        Photo::from_pixels(distorted, photo.path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn photo() -> Photo {
        let pixels = RgbImage::from_fn(40, 30, |x, y| image::Rgb([x as u8 * 5, y as u8 * 5, 100]));
        Photo::from_pixels(pixels, "test").unwrap()
    }

    #[test]
    fn each_distortion_does_what_it_says() {
        let none = Distortions::default();
        assert!(!none.is_any());
        assert_eq!(none.apply(&photo(), 0).unwrap().pixels(), photo().pixels());
        let flipped = Distortions {
            flip_left_right: true,
            ..none.clone()
        };
        let copy = flipped.apply(&photo(), 0).unwrap();
        assert_eq!(
            copy.pixels().get_pixel(0, 3),
            photo().pixels().get_pixel(39, 3)
        );
        assert_eq!(
            flipped.apply(&photo(), 1).unwrap().pixels(),
            photo().pixels()
        );
        let cropped = Distortions {
            random_crop: 50.0,
            ..none.clone()
        };
        assert_eq!(cropped.apply(&photo(), 0).unwrap().width(), 20);
        let scaled = Distortions {
            random_scale: 100.0,
            ..none.clone()
        };
        let widths: Vec<u32> = (0..20)
            .map(|i| scaled.apply(&photo(), i).unwrap().width())
            .collect();
        assert!(widths.iter().all(|w| (20..=40).contains(w)) && widths[1..] != widths[..19]);
        let bright = Distortions {
            random_brightness: 50.0,
            ..none
        };
        let copy = bright.apply(&photo(), 0).unwrap();
        assert_ne!(copy.pixels(), photo().pixels());
        assert!((50..=150).contains(&copy.pixels().get_pixel(0, 0)[2]));
        assert_eq!(copy.pixels(), bright.apply(&photo(), 0).unwrap().pixels());
    }

    #[test]
    fn percentages_out_of_range_are_named() {
        let bad = Distortions {
            random_crop: 95.0,
            ..Distortions::default()
        };
        assert!(
            bad.validate()
                .unwrap_err()
                .to_string()
                .contains("random_crop")
        );
        assert!(Distortions::default().validate().is_ok());
    }
}
