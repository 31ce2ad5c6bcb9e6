//! Colour profiles: pixels of another RGB or grey space become sRGB (IEC 61966-2-1).
//!
//! A profile's own curves make the samples linear, one matrix takes them to sRGB's primaries, colours
//! beyond those are clipped, and sRGB's curve is put on. The arithmetic is this file's own, so that it
//! does not depend on the processor. Profiles that are tables of more than one dimension, as printers
//! have them, are not applied, nor are those of other spaces than the pixels'.

use std::sync::LazyLock;

use image::RgbImage;
use moxcms::{
    CicpColorPrimaries, CicpProfile, ColorProfile, DataColorSpace, Matrix3d, MatrixCoefficients,
    ToneReprCurve, TransferCharacteristics,
};

/// Steps of the table that puts on sRGB's curve; its steepest part rises by a fifth of a grey level in
/// each.
const ENCODE_STEPS: usize = 1 << 14;

/// sRGB samples of light from 0 to 1.
static ENCODED: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let last = (ENCODE_STEPS - 1) as f64;
    let steps = (0..ENCODE_STEPS).map(|step| srgb_sample(step as f64 / last));
    steps.collect()
});

/// A conversion that moves no colour by more than this many levels of 255 is left out: profiles of sRGB
/// differ by their rounding.
const MAX_ROUNDING: u8 = 2;

/// From a profile's RGB to sRGB.
pub(super) struct Conversion {
    /// Light of each 8-bit sample, 0 to 1, by channel.
    linear: [[f32; 256]; 3],
    /// Rows of the matrix from the profile's linear RGB to that of sRGB.
    matrix: [[f32; 3]; 3],
}

impl Conversion {
    /// The conversion of an ICC profile, for pixels with or without colour; none for pixels that are sRGB already,
    /// and for a profile that is damaged or does not fit.
    pub fn from_icc(profile: &[u8], has_color: bool) -> Option<Self> {
        let profile = ColorProfile::new_from_slice(profile).ok()?;
        match (profile.color_space, has_color) {
            (DataColorSpace::Rgb, true) if profile.is_matrix_shaper() => {
                Self::from_matrix_shaper(&profile)
            }
            (DataColorSpace::Gray, false) => {
                let linear = linear(profile.gray_trc.as_ref()?)?;
                Self::new([linear; 3], Matrix3d::IDENTITY)
            }
            _ => None,
        }
    }

    /// The conversion from the code points of ITU-T H.273. Curves of television are taken for that of
    /// sRGB, as they are when they are shown; HDR curves are left as they are.
    pub fn from_code_points(primaries: u8, transfer: u8) -> Option<Self> {
        let transfer_characteristics = match transfer {
            1 | 2 | 6 | 13 | 14 | 15 => TransferCharacteristics::Srgb,
            4 => TransferCharacteristics::Bt470M,
            5 => TransferCharacteristics::Bt470Bg,
            8 => TransferCharacteristics::Linear,
            _ => return None,
        };
        let color_primaries = match CicpColorPrimaries::try_from(primaries).ok()? {
            CicpColorPrimaries::Unspecified => CicpColorPrimaries::Bt709,
            primaries => primaries,
        };
        let profile = ColorProfile::new_from_cicp(CicpProfile {
            color_primaries,
            transfer_characteristics,
            matrix_coefficients: MatrixCoefficients::Identity,
            full_range: true,
        });
        // Reserved code points are undefined.
        profile.cicp?;
        Self::from_matrix_shaper(&profile)
    }

    fn from_matrix_shaper(profile: &ColorProfile) -> Option<Self> {
        let curves = [&profile.red_trc, &profile.green_trc, &profile.blue_trc];
        let [red, green, blue] = curves.map(|curve| linear(curve.as_ref()?));
        let to_srgb = ColorProfile::new_srgb().colorant_matrix().inverse();
        let matrix = to_srgb.mat_mul(profile.colorant_matrix());
        Self::new([red?, green?, blue?], matrix)
    }

    /// None for a matrix that is no such thing, and where nothing would change.
    fn new(linear: [[f32; 256]; 3], matrix: Matrix3d) -> Option<Self> {
        let matrix = matrix.v.map(|row| row.map(|value| value as f32));
        if !matrix.iter().flatten().all(|value| value.is_finite()) {
            return None;
        }
        let conversion = Self { linear, matrix };
        (!conversion.changes_little()).then_some(conversion)
    }

    /// Whether no colour of a lattice moves by more than rounding does.
    fn changes_little(&self) -> bool {
        let side = || (0..=255).step_by(15);
        side().all(|red| {
            side().all(|green| {
                side().all(|blue| {
                    let colour = [red, green, blue];
                    let converted = self.convert(colour);
                    (0..3).all(|c| colour[c].abs_diff(converted[c]) <= MAX_ROUNDING)
                })
            })
        })
    }

    fn convert(&self, colour: [u8; 3]) -> [u8; 3] {
        let light: [f32; 3] = std::array::from_fn(|c| self.linear[c][usize::from(colour[c])]);
        self.matrix.map(|row| {
            let light = row[0] * light[0] + row[1] * light[1] + row[2] * light[2];
            // A value below 0 or above 1 saturates.
            let step = light.min(1.0) * (ENCODE_STEPS - 1) as f32 + 0.5;
            ENCODED[step as usize]
        })
    }

    /// Converts every pixel.
    pub fn apply(&self, pixels: &mut RgbImage) {
        for pixel in pixels.pixels_mut() {
            pixel.0 = self.convert(pixel.0);
        }
    }
}

/// The light of every 8-bit sample; none when the curve is damaged.
fn linear(curve: &ToneReprCurve) -> Option<[f32; 256]> {
    let curve = curve.make_linear_evaluator().ok()?;
    let light: [f32; 256] =
        std::array::from_fn(|sample| curve.evaluate_value(sample as f32 / 255.0));
    let is_usable = light.iter().all(|value| value.is_finite()) && light[255] > light[0];
    is_usable.then(|| light.map(|value| value.clamp(0.0, 1.0)))
}

/// The 8-bit sRGB sample of light from 0 to 1.
fn srgb_sample(light: f64) -> u8 {
    let sample = match light {
        dark if dark <= 0.003_130_8 => 12.92 * dark,
        _ => 1.055 * light.powf(1.0 / 2.4) - 0.055,
    };
    (sample * 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn convert(profile: &ColorProfile, colour: [u8; 3]) -> [u8; 3] {
        let mut pixels = RgbImage::from_pixel(1, 1, image::Rgb(colour));
        let icc = profile.encode().unwrap();
        if let Some(conversion) = Conversion::from_icc(&icc, true) {
            conversion.apply(&mut pixels);
        }
        pixels.get_pixel(0, 0).0
    }

    #[test]
    fn colours_of_known_spaces_become_those_of_srgb() {
        // Worked out by hand from the primaries and the curve; a green that sRGB lacks is clipped.
        let p3 = ColorProfile::new_display_p3();
        assert_eq!(convert(&p3, [0, 255, 0]), [0, 255, 0]);
        let [red, green, blue] = convert(&p3, [200, 100, 50]);
        assert!(red.abs_diff(215) <= 1 && green.abs_diff(93) <= 1 && blue.abs_diff(31) <= 1);
        for profile in [
            p3,
            ColorProfile::new_adobe_rgb(),
            ColorProfile::new_pro_photo_rgb(),
        ] {
            for grey in [0, 255] {
                assert_eq!(convert(&profile, [grey; 3]), [grey; 3]);
            }
        }
    }

    #[test]
    fn srgb_costs_nothing_and_is_left_as_it_is() {
        let srgb = ColorProfile::new_srgb().encode().unwrap();
        assert!(Conversion::from_icc(&srgb, true).is_none());
        for (primaries, transfer) in [(1, 13), (1, 1), (2, 2), (1, 6)] {
            assert!(Conversion::from_code_points(primaries, transfer).is_none());
        }
        // P3 and BT.2020 are others; HDR and what is reserved are left alone.
        for (primaries, transfer) in [(12, 13), (9, 1), (1, 8)] {
            assert!(Conversion::from_code_points(primaries, transfer).is_some());
        }
        for (primaries, transfer) in [(9, 16), (9, 18), (3, 13), (77, 13), (1, 200)] {
            assert!(Conversion::from_code_points(primaries, transfer).is_none());
        }
    }

    #[test]
    fn a_profile_that_is_damaged_or_does_not_fit_is_ignored() {
        let p3 = ColorProfile::new_display_p3().encode().unwrap();
        assert!(Conversion::from_icc(&p3, true).is_some());
        assert!(Conversion::from_icc(&p3, false).is_none());
        for length in 0..p3.len() {
            // A cut-off text is no harm, anything else is.
            let _ = Conversion::from_icc(&p3[..length], true);
        }
        assert!(Conversion::from_icc(&p3[..200], true).is_none());
        assert!(Conversion::from_icc(b"no profile", true).is_none());
    }
}
