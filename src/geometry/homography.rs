//! Homographies: a plane seen by two cameras.
//!
//! The minimal solver writes both photos in the projective frame of the four points. The
//! least-squares fits solve for the eight entries other than h33 in Hartley's normalised
//! coordinates (Hartley, *In Defense of the Eight-Point Algorithm*, 1997), where h33 cannot vanish
//! because the centroid lies in front of the plane at infinity.

use super::{Correspondences, TransformLimits};
use nalgebra::{Matrix2, Matrix3, Matrix3x2, Point2, Vector2, Vector3};
use std::ops::AddAssign;

/// The homography through four correspondences; `None` when three points of either photo lie near a
/// line, when no homography keeps all four points in front of the plane at infinity, or when the
/// transform is beyond the limits.
///
/// # Panics
/// When an index is not below `points.len()`.
pub fn fit_minimal(
    points: &Correspondences,
    sample: [usize; 4],
    limits: &TransformLimits,
) -> Option<Matrix3<f64>> {
    let from = points.point1(sample[0]);
    let to = points.point2(sample[0]);
    let edges1 = [1, 2, 3].map(|i| points.point1(sample[i]) - from);
    let edges2 = [1, 2, 3].map(|i| points.point2(sample[i]) - to);
    let areas1 = triangle_areas(&edges1);
    let areas2 = triangle_areas(&edges2);
    // The third coordinate of H x changes by the ratio of these ratios from point to point: it is
    // positive at all four points only if all four triangles keep their orientation, or all lose it.
    let kept = (0..4).filter(|&i| areas1[i] * areas2[i] > 0.0).count();
    if kept != 4 && (kept != 0 || !limits.allow_mirrored) {
        return None;
    }
    if !accepts_triangles(limits, &edges1, &areas1) || !accepts_triangles(limits, &edges2, &areas2)
    {
        return None;
    }
    // Relative to point 0, H maps point j to z_j times its image, with z_0 = 1 and z_j the change of
    // the share that triangle j has of triangle 0; areas near point j change by det(H) / z_j^3.
    let growth = areas2[0] / areas1[0];
    let z = [1, 2, 3].map(|j| areas2[j] / (areas1[j] * growth));
    let determinant = growth * z[0] * z[1] * z[2];
    let scales_fit = limits.accepts_area(determinant)
        && z.iter()
            .all(|z| limits.accepts_area(determinant / (z * z * z)));
    if !scales_fit {
        return None;
    }
    // H = (images of points 1 to 3, times z) (points 1 to 3)^-1, each point as (x, y, 1).
    let [a, b, c] = edges1;
    #[rustfmt::skip]
    let inverse = Matrix3::new(
        b.y - c.y, c.x - b.x, areas1[1],
        c.y - a.y, a.x - c.x, areas1[2],
        a.y - b.y, b.x - a.x, areas1[3],
    ) / areas1[0];
    let images = Matrix3::from_fn(|row, j| z[j] * if row < 2 { edges2[j][row] } else { 1.0 });
    let matrix = between(&(images * inverse), from, to);
    limits.accepts(&matrix, from).then_some(matrix)
}

/// Twice the signed areas of the triangles that leave out point 0, 1, 2 and 3, given the other
/// points relative to point 0; the sign of each is that of point 0's barycentric frame.
fn triangle_areas(edges: &[Vector2<f64>; 3]) -> [f64; 4] {
    let [a, b, c] = edges;
    [(b - a).perp(&(c - a)), b.perp(c), c.perp(a), a.perp(b)]
}

fn accepts_triangles(
    limits: &TransformLimits,
    edges: &[Vector2<f64>; 3],
    areas: &[f64; 4],
) -> bool {
    let [a, b, c] = *edges;
    limits.accepts_triangle([b - a, c - a], areas[0])
        && limits.accepts_triangle([b, c], areas[1])
        && limits.accepts_triangle([c, a], areas[2])
        && limits.accepts_triangle([a, b], areas[3])
}

/// `local`, which maps points relative to `from` to points relative to `to`, in pixels.
fn between(local: &Matrix3<f64>, from: Point2<f64>, to: Point2<f64>) -> Matrix3<f64> {
    let mut matrix = *local;
    let last = local.column(2) - local.fixed_columns::<2>(0) * from.coords;
    matrix.set_column(2, &last);
    let shift = to.coords * matrix.row(2);
    matrix.fixed_rows_mut::<2>(0).add_assign(&shift);
    matrix
}

/// The homography with the smallest weighted algebraic error in normalised coordinates; `None` when
/// the points do not determine it, when one of them would lie behind the plane at infinity, or when
/// the transform is beyond the limits.
///
/// # Panics
/// When an index is not below `points.len()`.
pub fn fit_least_squares(
    points: &Correspondences,
    indices: &[usize],
    weights: &[f64],
    limits: &TransformLimits,
) -> Option<Matrix3<f64>> {
    let frames = Frames::new(points, indices, weights)?;
    let mut equations = NormalEquations::default();
    for (&i, &weight) in indices.iter().zip(weights) {
        let (p, q) = frames.pair(points, i);
        equations.add(p, q, q, weight);
    }
    let local = equations.solve()? + Matrix3::from_diagonal(&Vector3::new(0.0, 0.0, 1.0));
    frames.checked(&local, points, indices, weights, limits)
}

/// One Gauss-Newton step from `matrix` towards the homography with the smallest weighted sum of
/// squared transfer errors; `None` as for [`fit_least_squares`].
///
/// # Panics
/// When an index is not below `points.len()`.
pub fn refine(
    matrix: &Matrix3<f64>,
    points: &Correspondences,
    indices: &[usize],
    weights: &[f64],
    limits: &TransformLimits,
) -> Option<Matrix3<f64>> {
    let frames = Frames::new(points, indices, weights)?;
    let local = frames.to_local(matrix)?;
    let mut equations = NormalEquations::default();
    for (&i, &weight) in indices.iter().zip(weights) {
        let (p, q) = frames.pair(points, i);
        let image = local * p.push(1.0);
        if image.z <= 0.0 {
            continue;
        }
        let projected = image.xy() / image.z;
        let residual = (q - projected) * image.z;
        equations.add(p, projected, residual, weight / (image.z * image.z));
    }
    let local = local + equations.solve()?;
    frames.checked(&local, points, indices, weights, limits)
}

/// Writes the squared transfer errors of the correspondences `start..start + errors.len()`, in
/// square pixels of photo 2; infinity for a point at or behind the plane at infinity.
///
/// # Panics
/// When `start + errors.len()` exceeds `points.len()`.
pub fn squared_errors(
    matrix: &Matrix3<f64>,
    points: &Correspondences,
    start: usize,
    errors: &mut [f64],
) {
    let m = matrix;
    let range = start..start + errors.len();
    let (x1, y1) = (&points.x1[range.clone()], &points.y1[range.clone()]);
    let (x2, y2) = (&points.x2[range.clone()], &points.y2[range]);
    for ((((error, x1), y1), x2), y2) in errors.iter_mut().zip(x1).zip(y1).zip(x2).zip(y2) {
        let z = m.m31 * x1 + m.m32 * y1 + m.m33;
        let inverse = 1.0 / z;
        let dx = (m.m11 * x1 + m.m12 * y1 + m.m13) * inverse - x2;
        let dy = (m.m21 * x1 + m.m22 * y1 + m.m23) * inverse - y2;
        let squared = dx * dx + dy * dy;
        *error = if z > 0.0 { squared } else { f64::INFINITY };
    }
}

/// Hartley's coordinates: the weighted centroid at the origin, root mean square distance sqrt(2).
struct Frames {
    center1: Point2<f64>,
    center2: Point2<f64>,
    scale1: f64,
    scale2: f64,
}

impl Frames {
    fn new(points: &Correspondences, indices: &[usize], weights: &[f64]) -> Option<Self> {
        let (center1, center2, total) = points.centroids(indices, weights)?;
        let (mut spread1, mut spread2) = (0.0, 0.0);
        for (&i, &weight) in indices.iter().zip(weights) {
            spread1 += weight * (points.point1(i) - center1).norm_squared();
            spread2 += weight * (points.point2(i) - center2).norm_squared();
        }
        (spread1 > 0.0 && spread2 > 0.0).then(|| Self {
            center1,
            center2,
            scale1: (2.0 * total / spread1).sqrt(),
            scale2: (2.0 * total / spread2).sqrt(),
        })
    }

    fn pair(&self, points: &Correspondences, index: usize) -> (Vector2<f64>, Vector2<f64>) {
        (
            (points.point1(index) - self.center1) * self.scale1,
            (points.point2(index) - self.center2) * self.scale2,
        )
    }

    /// `matrix` in these coordinates with h33 = 1; `None` when the centroid is not in front.
    fn to_local(&self, matrix: &Matrix3<f64>) -> Option<Matrix3<f64>> {
        let local = matrix
            .prepend_translation(&self.center1.coords)
            .prepend_scaling(1.0 / self.scale1)
            .append_translation(&-self.center2.coords)
            .append_scaling(self.scale2);
        (local.m33 > 0.0).then(|| local / local.m33)
    }

    /// `local` in pixels, if it is finite, in front at every point that carries weight, and allowed.
    fn checked(
        &self,
        local: &Matrix3<f64>,
        points: &Correspondences,
        indices: &[usize],
        weights: &[f64],
        limits: &TransformLimits,
    ) -> Option<Matrix3<f64>> {
        let pixels = local
            .prepend_scaling(self.scale1)
            .append_scaling(1.0 / self.scale2);
        let matrix = between(&pixels, self.center1, self.center2);
        let row = matrix.row(2);
        let in_front = indices.iter().zip(weights).all(|(&i, &weight)| {
            weight == 0.0 || (row * points.point1(i).to_homogeneous()).x > 0.0
        });
        (in_front && limits.accepts(&matrix, self.center1)).then_some(matrix)
    }
}

/// The normal equations of rows `p . a - (s . g) u = t` and the same for the second coordinate,
/// where p = (s, 1), and a, b and (g, h33) are the rows of the matrix. Only different sums are kept.
#[derive(Default)]
struct NormalEquations {
    /// Sum of w times xx, xy, yy, x, y and 1.
    moments: [f64; 6],
    /// The first five of these sums with w u and with w v in place of w.
    coupling: [[f64; 5]; 2],
    /// Sum of w (u^2 + v^2) times xx, xy and yy.
    perspective: [f64; 3],
    /// Right sides of a and b.
    rows: [Vector3<f64>; 2],
    /// Right side of g.
    rest: Vector2<f64>,
}

impl NormalEquations {
    /// Adds the two rows of the point `s` with image `image` and right side `target`.
    fn add(&mut self, s: Vector2<f64>, image: Vector2<f64>, target: Vector2<f64>, weight: f64) {
        let terms = [s.x * s.x, s.x * s.y, s.y * s.y, s.x, s.y, 1.0];
        for (sum, term) in self.moments.iter_mut().zip(terms) {
            *sum += weight * term;
        }
        for axis in 0..2 {
            let factor = weight * image[axis];
            for (sum, term) in self.coupling[axis].iter_mut().zip(terms) {
                *sum += factor * term;
            }
            self.rows[axis] += s.push(1.0) * (weight * target[axis]);
        }
        let factor = weight * image.norm_squared();
        for (sum, term) in self.perspective.iter_mut().zip(terms) {
            *sum += factor * term;
        }
        self.rest -= s * (weight * image.dot(&target));
    }

    /// Eliminates a and b, solves for g, and returns the matrix with h33 = 0.
    fn solve(&self) -> Option<Matrix3<f64>> {
        let [xx, xy, yy, x, y, total] = self.moments;
        let moments = Matrix3::new(xx, xy, x, xy, yy, y, x, y, total);
        if moments.determinant() <= 1e-12 * total.powi(3) {
            return None;
        }
        let inverse = moments.try_inverse()?;
        let coupling = self
            .coupling
            .map(|[xx, xy, yy, x, y]| -Matrix3x2::new(xx, xy, xy, yy, x, y));
        let [xx, xy, yy] = self.perspective;
        let (mut reduced, mut right) = (Matrix2::new(xx, xy, xy, yy), self.rest);
        for (coupling, row) in coupling.iter().zip(&self.rows) {
            let eliminated = coupling.transpose() * inverse;
            reduced -= eliminated * coupling;
            right -= eliminated * row;
        }
        if reduced.determinant() <= 1e-24 * total.powi(2) {
            return None;
        }
        let g = reduced.try_inverse()? * right;
        let a = inverse * (self.rows[0] - coupling[0] * g);
        let b = inverse * (self.rows[1] - coupling[1] * g);
        let matrix = Matrix3::new(a.x, a.y, a.z, b.x, b.y, b.z, g.x, g.y, 0.0);
        matrix.iter().all(|v| v.is_finite()).then_some(matrix)
    }
}
