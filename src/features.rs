//! What is extracted from one photo: keypoints, their descriptors and a global descriptor.
//!
//! Positions are in pixels of the original photo after its EXIF orientation: x to the right, y
//! down, the centre of the top-left pixel at (0, 0).

use crate::error::{Error, Result};

/// A scored position in a photo.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Keypoint {
    /// Pixels from the centre of the leftmost column, to the right.
    pub x: f32,
    /// Pixels from the centre of the topmost row, downwards.
    pub y: f32,
    /// The pyramid scale at which it was found: 1 is the photo at its working size, smaller values
    /// see more of the photo in one descriptor.
    pub scale: f32,
    /// The network's attention, at least 0; larger is better.
    pub score: f32,
}

/// The descriptors of one photo, one row a keypoint, row after row.
#[derive(Debug, Clone, PartialEq)]
pub struct Descriptors {
    dim: usize,
    values: Vec<f32>,
}

impl Descriptors {
    /// Takes `values`, whose length must be a multiple of `dim` and which must all be finite.
    ///
    /// # Errors
    /// [`Error::Features`] when `dim` is 0, the length does not divide or a value is not finite.
    pub fn new(dim: usize, values: Vec<f32>) -> Result<Self> {
        let fail = |reason: String| Err(Error::Features { reason });
        if dim == 0 {
            return fail("descriptors need at least one dimension".into());
        }
        if !values.len().is_multiple_of(dim) {
            return fail(format!("{} values do not make rows of {dim}", values.len()));
        }
        if let Some(at) = values.iter().position(|v| !v.is_finite()) {
            return fail(format!(
                "descriptor {} holds a value that is not finite",
                at / dim
            ));
        }
        Ok(Self { dim, values })
    }

    /// The length of one descriptor.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The number of descriptors.
    pub fn len(&self) -> usize {
        self.values.len() / self.dim
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Descriptor `index`.
    ///
    /// # Panics
    /// When `index` is not below [`Self::len`].
    pub fn row(&self, index: usize) -> &[f32] {
        &self.values[index * self.dim..(index + 1) * self.dim]
    }

    /// All values, row after row.
    pub fn as_slice(&self) -> &[f32] {
        &self.values
    }
}
