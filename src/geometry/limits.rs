//! Limits on transforms.

use super::transform::jacobian;
use crate::error::{Error, Result};
use nalgebra::{Matrix2, Matrix3, Point2, Vector2};

/// Limits on a transform between two photos, and least distance of the points that determine it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TransformLimits {
    /// Largest enlargement and, inverted, largest reduction, in pixels of photo 2 a pixel of photo
    /// 1: the square root of the change of area at the points used. At least 1; infinity for no
    /// limit. A part of 1/20 of the side is the least that 20 finds of a photo enlarged to the other's
    /// size.
    pub max_scale: f64,
    /// Largest ratio of the scales along the two main directions of the transform at the points
    /// used. At least 1; infinity for no limit. A plane tilted by 80 degrees is shortened 5.8
    /// times.
    pub max_stretch: f64,
    /// Whether mirror images are transforms too. Similarities never mirror.
    pub allow_mirrored: bool,
    /// Smallest distance in pixels, in either photo, of the points of a minimal sample from each
    /// other (similarity) or of a point from the line through two others (affine, homography). At
    /// least 0.
    pub min_extent_px: f64,
}

impl Default for TransformLimits {
    fn default() -> Self {
        Self {
            max_scale: 20.0,
            max_stretch: 8.0,
            allow_mirrored: false,
            min_extent_px: 1.0,
        }
    }
}

impl TransformLimits {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] naming the field at fault.
    pub fn validate(&self) -> Result<()> {
        for (name, value) in [
            ("max_scale", self.max_scale),
            ("max_stretch", self.max_stretch),
        ] {
            if value.is_nan() || value < 1.0 {
                return Err(Error::option(name, format!("{value} is not 1 or more")));
            }
        }
        if !(self.min_extent_px >= 0.0 && self.min_extent_px.is_finite()) {
            return Err(Error::option(
                "min_extent_px",
                format!("{} is not a finite number of 0 or more", self.min_extent_px),
            ));
        }
        Ok(())
    }

    /// Whether two points of a sample stand far enough apart.
    pub(super) fn accepts_edge(&self, edge: Vector2<f64>) -> bool {
        let squared = edge.norm_squared();
        squared > 0.0 && squared >= self.min_extent_px * self.min_extent_px
    }

    /// Whether a triangle with these edges and twice this signed area is far enough from a line.
    pub(super) fn accepts_triangle(&self, edges: [Vector2<f64>; 2], double_area: f64) -> bool {
        let longest = edges[0]
            .norm_squared()
            .max(edges[1].norm_squared())
            .max((edges[0] - edges[1]).norm_squared());
        let squared_height = (self.min_extent_px * self.min_extent_px).max(1e-18 * longest);
        double_area * double_area > squared_height * longest
    }

    /// Whether the transform is one a camera makes at `at`: finite, in front of the plane at
    /// infinity, and within the limits on orientation, scale and stretch.
    pub(super) fn accepts(&self, matrix: &Matrix3<f64>, at: Point2<f64>) -> bool {
        jacobian(matrix, at).is_some_and(|linear| self.accepts_linear(&linear))
    }

    fn accepts_linear(&self, linear: &Matrix2<f64>) -> bool {
        // The singular values s1 >= s2 have s1 s2 = |det| and s1^2 + s2^2 = the squared norm.
        let determinant = linear.determinant();
        let stretch = linear.norm_squared() / determinant.abs();
        self.accepts_area(determinant) && stretch <= self.max_stretch + 1.0 / self.max_stretch
    }

    /// Whether areas may change by this signed factor.
    pub(super) fn accepts_area(&self, factor: f64) -> bool {
        let area = factor.abs();
        let max_area = self.max_scale * self.max_scale;
        (self.allow_mirrored || factor > 0.0)
            && area > 0.0
            && area <= max_area
            && area * max_area >= 1.0
    }
}
