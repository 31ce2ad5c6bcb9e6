//! Grey images of 32-bit floats.

/// A grey image, one value a pixel, row after row. Values are grey levels, 0 to 255 in a photo; NaN marks an
/// unknown pixel.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plane {
    pub width: usize,
    pub height: usize,
    pub values: Vec<f32>,
}

impl Plane {
    /// Takes `values`, of which there are `width * height`.
    pub fn new(width: usize, height: usize, values: Vec<f32>) -> Self {
        debug_assert_eq!(values.len(), width * height);
        Self {
            width,
            height,
            values,
        }
    }

    /// Row `y`.
    pub fn row(&self, y: usize) -> &[f32] {
        &self.values[y * self.width..(y + 1) * self.width]
    }

    /// The longer side, in pixels.
    pub fn long_side(&self) -> usize {
        self.width.max(self.height)
    }

    /// The image at half the size, `None` when a side would vanish. Pixel (x, y) of the result is
    /// centred on (2 x + 0.5, 2 y + 0.5) and weighs four columns and four rows by 1, 3, 3, 1.
    pub fn half(&self) -> Option<Self> {
        let (width, height) = (self.width / 2, self.height / 2);
        if width < 2 || height < 2 {
            return None;
        }
        let mut narrow = vec![0.0; width * self.height];
        for (y, row) in narrow.chunks_exact_mut(width).enumerate() {
            halve_row(self.row(y), row);
        }
        let narrow_row = |y: usize| &narrow[y * width..(y + 1) * width];
        let mut values = vec![0.0; width * height];
        for (y, row) in values.chunks_exact_mut(width).enumerate() {
            let above = narrow_row((2 * y).saturating_sub(1));
            let (first, second) = (narrow_row(2 * y), narrow_row(2 * y + 1));
            let below = narrow_row((2 * y + 2).min(self.height - 1));
            for (x, value) in row.iter_mut().enumerate() {
                *value = 0.125 * (above[x] + below[x]) + 0.375 * (first[x] + second[x]);
            }
        }
        Some(Self::new(width, height, values))
    }
}

/// Halves the length of one row with the weights 1, 3, 3, 1.
fn halve_row(row: &[f32], halved: &mut [f32]) {
    let last = row.len() - 1;
    for (x, value) in halved.iter_mut().enumerate() {
        let outer = row[(2 * x).saturating_sub(1)] + row[(2 * x + 2).min(last)];
        *value = 0.125 * outer + 0.375 * (row[2 * x] + row[2 * x + 1]);
    }
}
