//! Planes of luma and chroma -> RGB (ITU-T H.273, 8.3).

use image::RgbImage;
use re_rav1d::dav1d::{Picture, PixelLayout, PlanarImageComponent as Component};

use super::sequence::Sequence;

/// Meaning of the planes, by the matrix of H.273.
#[derive(Clone, Copy)]
enum Matrix {
    /// Green, blue and red.
    Identity,
    /// Luma, and chroma green and orange.
    GreenOrange,
    /// Luma with these shares of red and blue, and differences of blue and red from it.
    Differences { red: f32, blue: f32 },
}

impl Matrix {
    fn from_code_point(matrix: u8) -> Option<Self> {
        let (red, blue) = match matrix {
            0 => return Some(Self::Identity),
            8 => return Some(Self::GreenOrange),
            1 => (0.2126, 0.0722),
            4 => (0.30, 0.11),
            // Unspecified values are taken as in JPEG.
            2 | 5 | 6 => (0.299, 0.114),
            7 => (0.212, 0.087),
            9 | 10 => (0.2627, 0.0593),
            _ => return None,
        };
        Some(Self::Differences { red, blue })
    }

    /// Red, green and blue, 1 at most where they are in range.
    fn rgb(self, [y, u, v]: [f32; 3]) -> [f32; 3] {
        match self {
            Self::Identity => [v, y, u],
            Self::GreenOrange => [y - u + v, y + u, y - u - v],
            Self::Differences { red, blue } => {
                let r = y + 2.0 * (1.0 - red) * v;
                let b = y + 2.0 * (1.0 - blue) * u;
                [r, (y - red * r - blue * b) / (1.0 - red - blue), b]
            }
        }
    }
}

/// One plane, and the conversion of its samples to numbers: 0 to 1, or -1/2 to 1/2 for chroma.
struct Samples {
    plane: re_rav1d::dav1d::Plane,
    stride: usize,
    is_wide: bool,
    zero: f32,
    scale: f32,
}

impl Samples {
    fn new(picture: &Picture, component: Component, is_chroma: bool, full_range: bool) -> Self {
        // 1 for 8 bits, 4 for 10, 16 for 12.
        let unit = (1u32 << picture.bit_depth().clamp(8, 16) >> 8) as f32;
        let (zero, range) = match (full_range, is_chroma) {
            (true, false) => (0.0, 256.0 * unit - 1.0),
            (true, true) => (128.0 * unit, 256.0 * unit - 1.0),
            (false, false) => (16.0 * unit, 219.0 * unit),
            (false, true) => (128.0 * unit, 224.0 * unit),
        };
        Self {
            plane: picture.plane(component),
            stride: picture.stride(component) as usize,
            is_wide: picture.bit_depth() > 8,
            zero,
            scale: 1.0 / range,
        }
    }

    /// Fills `row` with the numbers of row `y`; none when the plane is too small for it.
    fn read(&self, y: usize, row: &mut [f32]) -> Option<()> {
        let bytes = self.plane.get(y.checked_mul(self.stride)?..)?;
        let number = |sample: u16| (f32::from(sample) - self.zero) * self.scale;
        if self.is_wide {
            let samples = bytes.get(..row.len() * 2)?;
            for (target, sample) in row.iter_mut().zip(samples.chunks_exact(2)) {
                *target = number(u16::from_ne_bytes([sample[0], sample[1]]));
            }
        } else {
            let samples = bytes.get(..row.len())?;
            for (target, sample) in row.iter_mut().zip(samples) {
                *target = number(u16::from(*sample));
            }
        }
        Some(())
    }
}

/// The picture as 8-bit RGB; none for an unknown matrix, or one that does not fit the layout.
pub(super) fn to_rgb(picture: &Picture, sequence: &Sequence) -> Option<RgbImage> {
    let (across, down) = match picture.pixel_layout() {
        PixelLayout::I444 => (0, 0),
        PixelLayout::I422 => (1, 0),
        PixelLayout::I420 => (1, 1),
        PixelLayout::I400 => return grey(picture, sequence),
    };
    let matrix = Matrix::from_code_point(sequence.matrix)?;
    let is_identity = matches!(matrix, Matrix::Identity);
    if is_identity && across + down > 0 {
        return None;
    }
    let samples = |component, is_chroma| {
        Samples::new(
            picture,
            component,
            is_chroma && !is_identity,
            sequence.full_range,
        )
    };
    let luma = samples(Component::Y, false);
    let (blue, red) = (samples(Component::U, true), samples(Component::V, true));
    let mut rgb = RgbImage::new(picture.width(), picture.height());
    let width = picture.width() as usize;
    let mut y_row = vec![0.0; width];
    let mut u_row = vec![0.0; (width + across) >> across];
    let mut v_row = u_row.clone();
    for (y, row) in rgb.chunks_exact_mut(width * 3).enumerate() {
        luma.read(y, &mut y_row)?;
        blue.read(y >> down, &mut u_row)?;
        red.read(y >> down, &mut v_row)?;
        for (x, target) in row.chunks_exact_mut(3).enumerate() {
            let chroma = x >> across;
            let pixel = matrix.rgb([y_row[x], u_row[chroma], v_row[chroma]]);
            for (target, value) in target.iter_mut().zip(pixel) {
                *target = level(value);
            }
        }
    }
    Some(rgb)
}

fn grey(picture: &Picture, sequence: &Sequence) -> Option<RgbImage> {
    let luma = Samples::new(picture, Component::Y, false, sequence.full_range);
    let mut rgb = RgbImage::new(picture.width(), picture.height());
    let width = picture.width() as usize;
    let mut y_row = vec![0.0; width];
    for (y, row) in rgb.chunks_exact_mut(width * 3).enumerate() {
        luma.read(y, &mut y_row)?;
        for (target, value) in row.chunks_exact_mut(3).zip(&y_row) {
            target.fill(level(*value));
        }
    }
    Some(rgb)
}

/// A value from 0 to 1 as 8 bits.
fn level(value: f32) -> u8 {
    (value.clamp(0.0, 1.0) * 255.0 + 0.5) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primary_colours_come_back_from_their_luma_and_differences() {
        for matrix in [1, 2, 4, 5, 6, 7, 9, 10] {
            let known = Matrix::from_code_point(matrix).unwrap();
            let Matrix::Differences { red, blue } = known else {
                panic!("matrix {matrix}");
            };
            for colour in [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.2, 0.5, 1.0]] {
                let [r, g, b] = colour;
                let y = red * r + (1.0 - red - blue) * g + blue * b;
                let u = (b - y) / 2.0 / (1.0 - blue);
                let v = (r - y) / 2.0 / (1.0 - red);
                let found = known.rgb([y, u, v]);
                assert!(colour.iter().zip(found).all(|(a, b)| (a - b).abs() < 1e-5));
            }
        }
        let identity = Matrix::from_code_point(0).unwrap();
        assert_eq!(identity.rgb([0.5, 0.7, 0.3]), [0.3, 0.5, 0.7]);
        let green_orange = Matrix::from_code_point(8).unwrap();
        assert_eq!(green_orange.rgb([0.5, 0.25, 0.0]), [0.25, 0.75, 0.25]);
        assert!(Matrix::from_code_point(14).is_none());
    }
}
