//! Position of a photo in the figure, and the visible parts of outlines and inliers.

use image::RgbImage;
use image::imageops::{FilterType, replace, resize};
use nalgebra::{Matrix3, Vector3};

use super::figure::{FigureOptions, FigurePhoto};

/// A rectangle of pixels: `left <= x < right` and `top <= y < bottom`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) left: u32,
    pub(super) top: u32,
    pub(super) right: u32,
    pub(super) bottom: u32,
}

/// The place of one photo in the figure.
#[derive(Debug, Clone, Copy)]
pub(super) struct Panel {
    /// The figure's pixels that the photo covers.
    pub(super) frame: Frame,
    /// Width and height of the photo that positions refer to.
    size: [f64; 2],
}

impl Panel {
    /// Gives a photo its size in the figure, at the origin.
    pub(super) fn new(photo: &FigurePhoto, options: &FigureOptions) -> Self {
        let size = photo.size.map(|side| f64::from(side.max(1)));
        let scale = (f64::from(options.max_photo_width_px) / size[0])
            .min(f64::from(options.max_photo_height_px) / size[1])
            .min(options.max_enlargement);
        let [right, bottom] = size.map(|side| (side * scale).round().max(1.0) as u32);
        let frame = Frame {
            left: 0,
            top: 0,
            right,
            bottom,
        };
        Self { frame, size }
    }

    pub(super) fn width(&self) -> u32 {
        self.frame.right - self.frame.left
    }

    pub(super) fn height(&self) -> u32 {
        self.frame.bottom - self.frame.top
    }

    /// The middle between its left and its right edge.
    pub(super) fn middle(&self) -> f32 {
        (self.frame.left + self.frame.right) as f32 / 2.0
    }

    /// Moves the photo to the middle of a rectangle that is at least as large.
    pub(super) fn centre_in(&mut self, corner: [u32; 2], size: [u32; 2]) {
        let [width, height] = [self.width(), self.height()];
        let left = corner[0] + (size[0] - width) / 2;
        let top = corner[1] + (size[1] - height) / 2;
        self.frame = Frame {
            left,
            top,
            right: left + width,
            bottom: top + height,
        };
    }

    /// Pixels of the figure for one pixel of the photo, across and down.
    pub(super) fn scale(&self) -> [f64; 2] {
        [
            f64::from(self.width()) / self.size[0],
            f64::from(self.height()) / self.size[1],
        ]
    }

    /// Where a position of the photo lies in the figure.
    pub(super) fn place(&self, position: [f64; 2]) -> [f64; 2] {
        let [across, down] = self.scale();
        [
            (position[0] + 0.5) * across - 0.5 + f64::from(self.frame.left),
            (position[1] + 0.5) * down - 0.5 + f64::from(self.frame.top),
        ]
    }

    /// Where a position lies in the figure, if it lies in the photo.
    pub(super) fn place_inside(&self, position: [f64; 2]) -> Option<[f64; 2]> {
        let inside = |i: usize| position[i] >= -0.5 && position[i] <= self.size[i] - 0.5;
        (inside(0) && inside(1)).then(|| self.place(position))
    }

    /// Draws the photo.
    pub(super) fn paint(&self, picture: &mut RgbImage, pixels: &RgbImage) {
        if pixels.is_empty() {
            return;
        }
        let scaled = resize(pixels, self.width(), self.height(), FilterType::CatmullRom);
        let [left, top] = [self.frame.left, self.frame.top].map(i64::from);
        replace(picture, &scaled, left, top);
    }

    /// The border of the photo.
    pub(super) fn border(&self) -> Vec<[[f64; 2]; 2]> {
        let corners = corners(self.size).map(|corner| self.place(corner));
        (0..4).map(|i| [corners[i], corners[(i + 1) % 4]]).collect()
    }
}

/// The corners of a photo, clockwise from the top left one.
fn corners([width, height]: [f64; 2]) -> [[f64; 2]; 4] {
    let (right, bottom) = (width - 0.5, height - 0.5);
    [[-0.5, -0.5], [right, -0.5], [right, bottom], [-0.5, bottom]]
}

/// The border of photo 1 as the transform places it in photo 2, cut to photo 2: the pieces that
/// are seen, in the figure's pixels. Empty if the transform is degenerate.
///
/// The border is cut in homogeneous coordinates, where the part behind the horizon of a
/// homography, the side on which the centre of photo 1 does not lie, is one more half-space to cut
/// away.
pub(super) fn outline(transform: &Matrix3<f64>, panels: &[Panel; 2]) -> Vec<[[f64; 2]; 2]> {
    let [panel1, panel2] = panels;
    let [width, height] = panel1.size;
    let centre = transform * Vector3::new((width - 1.0) / 2.0, (height - 1.0) / 2.0, 1.0);
    if centre.z == 0.0 || !transform.iter().all(|value| value.is_finite()) {
        return Vec::new();
    }
    let forward = transform / centre.z;
    let corners = corners(panel1.size).map(|[x, y]| forward * Vector3::new(x, y, 1.0));

    // One figure pixel of slack keeps an outline that lies on the border of photo 2.
    let [slack_x, slack_y] = panel2.scale().map(|scale| 0.5 + 1.0 / scale);
    let [right, bottom] = [
        panel2.size[0] - 1.0 + slack_x,
        panel2.size[1] - 1.0 + slack_y,
    ];
    let inside = [
        Vector3::new(0.0, 0.0, 1.0),
        Vector3::new(1.0, 0.0, slack_x),
        Vector3::new(0.0, 1.0, slack_y),
        Vector3::new(-1.0, 0.0, right),
        Vector3::new(0.0, -1.0, bottom),
    ];
    (0..4)
        .filter_map(|i| {
            let piece = clipped(corners[i], corners[(i + 1) % 4], &inside)?;
            Some(piece.map(|point| panel2.place([point.x / point.z, point.y / point.z])))
        })
        .filter(|piece| piece.iter().flatten().all(|value| value.is_finite()))
        .collect()
}

/// The part of the segment from `a` to `b` on which no half-space `n . x >= 0` is left.
fn clipped(
    a: Vector3<f64>,
    b: Vector3<f64>,
    half_spaces: &[Vector3<f64>],
) -> Option<[Vector3<f64>; 2]> {
    let (mut first, mut last) = (0.0_f64, 1.0_f64);
    for normal in half_spaces {
        let (at_a, at_b) = (normal.dot(&a), normal.dot(&b));
        if at_a < 0.0 && at_b < 0.0 {
            return None;
        }
        let crossing = at_a / (at_a - at_b);
        if at_a < 0.0 {
            first = first.max(crossing);
        } else if at_b < 0.0 {
            last = last.min(crossing);
        }
    }
    (first < last).then(|| [a + (b - a) * first, a + (b - a) * last])
}

/// At most `max` of the inliers, spread over both photos: the first one, then again and again the
/// one farthest from all chosen before (Gonzalez, 1985).
pub(super) fn spread(inliers: &[[[f64; 2]; 2]], max: usize) -> Vec<[[f64; 2]; 2]> {
    if inliers.len() <= max {
        return inliers.to_vec();
    }
    let mut chosen = Vec::with_capacity(max);
    let mut nearest = vec![f64::INFINITY; inliers.len()];
    let mut next = 0;
    while chosen.len() < max {
        let pick = inliers[next];
        chosen.push(pick);
        let mut farthest = f64::NEG_INFINITY;
        for (i, (inlier, nearest)) in inliers.iter().zip(&mut nearest).enumerate() {
            let pairs = inlier.iter().flatten().zip(pick.iter().flatten());
            let distance = pairs.map(|(a, b)| (a - b) * (a - b)).sum();
            *nearest = nearest.min(distance);
            if *nearest > farthest {
                (farthest, next) = (*nearest, i);
            }
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Panels of two photos of 100 x 50 pixels, drawn twice as large.
    fn panels() -> [Panel; 2] {
        let pixels = RgbImage::new(1, 1);
        let photo = FigurePhoto {
            pixels: &pixels,
            size: [100, 50],
            keypoints: &[],
            name: "",
        };
        let mut panel = Panel::new(&photo, &FigureOptions::default());
        panel.centre_in([10, 20], [200, 100]);
        [panel; 2]
    }

    fn near(a: &[[[f64; 2]; 2]], b: &[[[f64; 2]; 2]]) -> bool {
        let values = |pieces: &[[[f64; 2]; 2]]| -> Vec<f64> {
            pieces.iter().flatten().flatten().copied().collect()
        };
        let (a, b) = (values(a), values(b));
        a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-6)
    }

    #[test]
    fn pixel_centres_map_to_the_centres_of_what_they_cover() {
        let [panel, _] = panels();
        assert_eq!((panel.width(), panel.height()), (200, 100));
        assert_eq!(panel.place([-0.5, -0.5]), [9.5, 19.5]);
        assert_eq!(panel.place([99.5, 49.5]), [209.5, 119.5]);
        assert_eq!(panel.place([0.0, 0.0]), [10.5, 20.5]);
        assert!(panel.place_inside([99.5, 49.5]).is_some());
        for outside in [[-0.6, 3.0], [99.6, 3.0], [3.0, 49.6], [f64::NAN, 3.0]] {
            assert!(panel.place_inside(outside).is_none());
        }
    }

    #[test]
    fn identity_outlines_the_whole_photo() {
        let panels = panels();
        let seen = outline(&Matrix3::identity(), &panels);
        assert!(near(&seen, &panels[1].border()));
        let negative = outline(&-Matrix3::identity(), &panels);
        assert!(near(&negative, &seen));
    }

    #[test]
    fn an_outline_that_leaves_the_photo_is_cut_at_its_border() {
        let panels = panels();
        // Half of photo 1 to the right of photo 2's border: three edges are left.
        let shift = Matrix3::new(1.0, 0.0, 50.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0);
        let seen = outline(&shift, &panels);
        assert_eq!(seen.len(), 3);
        assert!(
            seen.iter()
                .flatten()
                .all(|point| point[0] <= 209.5 + 1.0 + 1e-9)
        );
        let away = Matrix3::new(1.0, 0.0, 500.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0);
        assert!(outline(&away, &panels).is_empty());
    }

    #[test]
    fn what_lies_behind_the_horizon_is_not_drawn() {
        let panels = panels();
        // The horizon is at x = 80 of photo 1: points beyond it would come back from the left.
        let horizon = Matrix3::new(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, -1.0 / 80.0, 0.0, 1.0);
        let seen = outline(&horizon, &panels);
        assert!(!seen.is_empty());
        let left_edge = panels[1].place([-0.5 / (1.0 + 0.5 / 80.0), 0.0])[0];
        for point in seen.iter().flatten() {
            assert!(point[0] >= left_edge - 1e-6, "{point:?}");
        }
    }

    #[test]
    fn a_degenerate_transform_has_no_outline() {
        let panels = panels();
        for value in [0.0, f64::NAN, f64::INFINITY] {
            assert!(outline(&Matrix3::repeat(value), &panels).is_empty());
        }
    }

    #[test]
    fn a_subset_covers_all_groups() {
        let point = |x: f64| [[x, 0.0], [x, 1.0]];
        let groups = [0.0, 100.0, 300.0];
        let inliers: Vec<_> = (0..30)
            .map(|i| point(groups[i / 10] + (i % 10) as f64 * 0.1))
            .collect();
        assert_eq!(spread(&inliers, 30), inliers);
        assert!(spread(&inliers, 0).is_empty());
        let chosen = spread(&inliers, 3);
        for group in groups {
            assert!(
                chosen
                    .iter()
                    .any(|inlier| (inlier[0][0] - group).abs() < 2.0)
            );
        }
    }
}
