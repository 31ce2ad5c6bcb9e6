//! Projection, inversion and description of transforms.

use nalgebra::{Matrix2, Matrix3, Point2, Vector2};

/// The image of `point` under `matrix`, in pixels of photo 2; `None` when it lies at infinity.
pub fn project(matrix: &Matrix3<f64>, point: Point2<f64>) -> Option<Point2<f64>> {
    let image = matrix * point.to_homogeneous();
    let projected = Point2::new(image.x / image.z, image.y / image.z);
    (projected.x.is_finite() && projected.y.is_finite()).then_some(projected)
}

/// `matrix` scaled to h33 = 1; `None` when that is impossible or the matrix is not finite.
pub fn normalized(matrix: &Matrix3<f64>) -> Option<Matrix3<f64>> {
    let scaled = matrix / matrix[(2, 2)];
    scaled.iter().all(|v| v.is_finite()).then_some(scaled)
}

/// The transform from photo 2 to photo 1, scaled to h33 = 1; `None` when there is none.
pub fn inverse(matrix: &Matrix3<f64>) -> Option<Matrix3<f64>> {
    normalized(&matrix.try_inverse()?)
}

/// The corners of a photo of `width` x `height` pixels under `matrix`, in pixels of photo 2, in the
/// order top left, top right, bottom right, bottom left; `None` when a part of the photo lies
/// behind the plane at infinity. The corners are those of the outermost pixels' areas, at -0.5 and
/// `width` - 0.5.
pub fn outline(matrix: &Matrix3<f64>, width: u32, height: u32) -> Option<[Point2<f64>; 4]> {
    let (right, bottom) = (f64::from(width) - 0.5, f64::from(height) - 0.5);
    let corners = [(-0.5, -0.5), (right, -0.5), (right, bottom), (-0.5, bottom)]
        .map(|(x, y)| Point2::new(x, y));
    let side = |corner: &Point2<f64>| (matrix * corner.to_homogeneous()).z.partial_cmp(&0.0);
    let front = side(&corners[0])?;
    if front.is_eq() || corners.iter().any(|corner| side(corner) != Some(front)) {
        return None;
    }
    let mut images = corners;
    for (image, corner) in images.iter_mut().zip(corners) {
        *image = project(matrix, corner)?;
    }
    Some(images)
}

/// Scale, rotation and stretch of a transform near one point, for display.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct LocalMotion {
    /// Pixels of photo 2 a pixel of photo 1: the square root of the change of area.
    pub scale: f64,
    /// The rotation nearest to the transform, in radians from -pi to pi, positive clockwise as seen
    /// on the screen (y points down). Of a mirror image: that of the transform after photo 1 was
    /// mirrored left to right.
    pub rotation_rad: f64,
    /// The ratio of the largest to the smallest scale over all directions, at least 1.
    pub stretch: f64,
    /// Whether left and right are exchanged.
    pub is_mirrored: bool,
}

/// Scale, rotation and stretch of `matrix` at the point `at` of photo 1 (the same everywhere for
/// similarity and affine); `None` where the transform is singular or infinite.
pub fn local_motion(matrix: &Matrix3<f64>, at: Point2<f64>) -> Option<LocalMotion> {
    let homogeneous = matrix * at.to_homogeneous();
    // A change of sign leaves the transform as it is; the Jacobian needs its front.
    let mut linear = jacobian(&(matrix * homogeneous.z.signum()), at)?;
    let determinant = linear.determinant();
    if determinant == 0.0 || !determinant.is_finite() {
        return None;
    }
    let is_mirrored = determinant < 0.0;
    if is_mirrored {
        linear.column_mut(0).neg_mut();
    }
    // Half the sum and half the difference of the singular values (of a matrix that does not
    // mirror): the lengths of its rotation part and of its reflection part.
    let rotating = Vector2::new(linear.m11 + linear.m22, linear.m21 - linear.m12) / 2.0;
    let reflecting = Vector2::new(linear.m11 - linear.m22, linear.m21 + linear.m12) / 2.0;
    let (sum, difference) = (rotating.norm(), reflecting.norm());
    Some(LocalMotion {
        scale: determinant.abs().sqrt(),
        rotation_rad: rotating.y.atan2(rotating.x),
        stretch: (sum + difference).powi(2) / determinant.abs(),
        is_mirrored,
    })
}

/// The derivative of the transform at `at`; `None` at and behind the plane at infinity.
pub(super) fn jacobian(matrix: &Matrix3<f64>, at: Point2<f64>) -> Option<Matrix2<f64>> {
    let image = matrix * at.to_homogeneous();
    if image.z.is_nan() || image.z <= 0.0 {
        return None;
    }
    let (u, v) = (image.x / image.z, image.y / image.z);
    let linear = Matrix2::new(
        matrix.m11 - u * matrix.m31,
        matrix.m12 - u * matrix.m32,
        matrix.m21 - v * matrix.m31,
        matrix.m22 - v * matrix.m32,
    ) / image.z;
    linear.iter().all(|v| v.is_finite()).then_some(linear)
}
