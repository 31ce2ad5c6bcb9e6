//! The agreement map: local correlation of two aligned photos.
//!
//! The overlap of both photos under a transform is drawn twice into one frame, once from each photo, and divided
//! into cells. Each cell of photo 1 is searched for near its place in photo 2, from coarse to fine; neighbours
//! guide each other, so the map follows the parallax of solid things. Where many cells agree on one homography,
//! photo 2 is drawn anew by it before the finest search, which removes the error of a coarse transform. Each cell
//! then has the correlation of its pixels, the texture of each photo, its shift, and both colours.
//!
//! Two photos of one thing correlate wherever there is texture. Two things of one layout correlate
//! around a place where they do not. Correlation is zero-mean and normalised, so brightness and
//! contrast do not matter. Deterministic.

use nalgebra::{Matrix3, Point2, Vector2};

use super::correlation::{Search, WINDOW, Window};
use super::differences::DifferenceMap;
use super::fine::FineMap;
use super::fit::{Tolerance, fit};
use super::image::RefinementImage;
use super::pictures::{AlignedPictures, DrawnPair};
use super::plane::Plane;
use super::warp::{magnification, warp};
use crate::geometry::{Correspondences, homography, inverse, project};

/// Cells along each side of a map.
pub const MAP_SIDE: usize = 24;
/// The frame has about this many pixels squared, where the photos have them.
const FRAME_SIDE: f64 = 256.0;
/// The frame's shorter side is at least this many pixels, and its longer at most that many.
const FRAME_SIDES: [f64; 2] = [64.0, 1024.0];
/// The frame is at most this many times finer than the coarser photo.
const MAX_ENLARGEMENT: f64 = 1.5;
/// Pixels of a level that count beyond its outermost pixel centres, so that cells at the edge of the
/// overlap are known in spite of rounding and of a transform that is off by a little.
const BORDER_PX: f32 = 1.5;
/// Samples along each side of a photo that find the overlap.
const OVERLAP_SAMPLES: usize = 48;
/// Radius of the search on the coarsest level and on the others, in pixels of the level.
const RADII: [i32; 2] = [4, 2];
/// On the coarsest level one cell in this many along each side is searched for.
const COARSE_STEP: usize = 2;
/// A homography needs this part of the cells.
const MIN_PLANAR_CELLS: f64 = 0.12;
/// Share of the textured windows that have to agree for a fine map.
const MIN_FINE_AGREEMENT: f32 = 0.7;
/// Correlation from which a window agrees.
pub(crate) const AGREES: f32 = 0.7;
/// Windows with a greater standard deviation, in one photo, are textured; grey levels.
pub(crate) const MIN_TEXTURE: f32 = 6.0;
/// The fine map's frame has at most this many pixels squared.
const FINE_SIDE: f64 = 512.0;
/// Correlation of the cells that a homography is fitted to.
const MIN_FITTED_CORRELATION: f32 = 0.6;
/// Tolerances of the homography's fit, in pixels at half of the frame's resolution.
const TOLERANCE: Tolerance = Tolerance {
    start_px: 6.0,
    affine_px: 2.0,
    end_px: 1.0,
};

/// One cell of the overlap.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AgreementCell {
    /// Its centre in photo 1, in pixels of the original photo.
    pub point1: Point2<f64>,
    /// Its place in photo 2, in pixels of the original photo.
    pub point2: Point2<f64>,
    /// Standard deviation of the grey levels of the window in photo 1 and in photo 2.
    pub deviation: [f32; 2],
    /// Mean grey level of the window in photo 1 and in photo 2.
    pub mean: [f32; 2],
    /// Zero-mean normalised correlation of the windows, -1 to 1; 0 where one has no texture.
    pub correlation: f32,
    /// The same at half the resolution, where a window covers twice the width.
    pub coarse_correlation: f32,
    /// Shift of the cell from its place under the transform, or under the homography fitted to all cells, as a part
    /// of the frame's side.
    pub shift: f32,
    /// Shift against the median of its neighbours, likewise.
    pub roughness: f32,
    /// a* and b* of CIELAB in photo 1 and in photo 2; zero for photos prepared from grey.
    pub chroma: [[f32; 2]; 2],
}

impl AgreementCell {
    /// Puts the photos in the other order.
    fn swap(&mut self) {
        std::mem::swap(&mut self.point1, &mut self.point2);
        self.deviation.swap(0, 1);
        self.mean.swap(0, 1);
        self.chroma.swap(0, 1);
    }
}

/// Cells of the overlap of two photos.
#[derive(Debug, Clone, PartialEq)]
pub struct AgreementMap {
    /// [`MAP_SIDE`] rows of as many cells; none outside of the overlap.
    pub cells: Vec<Option<AgreementCell>>,
    /// Part of each photo's area that lies in the overlap, 0 to 1.
    pub overlap: [f32; 2],
    /// Whether many cells agree on one homography.
    pub is_planar: bool,
    /// The greater over the lesser scale of the transform, or of that homography, in the middle of the
    /// overlap; 1 for a similarity.
    pub stretch: f32,
    /// The overlap at the photos' working size; none where less than seven tenths of the textured
    /// cells agree, or not on one homography.
    pub fine: Option<FineMap>,
    /// What differs after the photos are aligned to a part of a pixel, at their working size; none where the frame holds a
    /// few blocks alone.
    pub differences: Option<DifferenceMap>,
    /// Maps pixels of each original photo to columns and rows of the map, by the transform alone.
    cell_from_photo: [Matrix3<f64>; 2],
    /// Both photos in the map's frame.
    drawn: DrawnPair,
    /// Whether the frame is that of photo 2.
    is_swapped: bool,
}

impl AgreementMap {
    /// The same of the photos in the other order.
    #[must_use]
    pub fn swapped(mut self) -> Self {
        self.cells
            .iter_mut()
            .flatten()
            .for_each(AgreementCell::swap);
        self.fine.iter_mut().for_each(FineMap::swap);
        self.differences.iter_mut().for_each(DifferenceMap::swap);
        self.overlap.swap(0, 1);
        self.cell_from_photo.swap(0, 1);
        self.is_swapped = !self.is_swapped;
        self
    }

    /// Both photos as small pictures of the overlap in which the same point has the same place.
    pub fn pictures(&self) -> AlignedPictures {
        let mut pictures = self.drawn.pictures();
        if self.is_swapped {
            pictures.levels.swap(0, 1);
        }
        pictures
    }

    /// The index in [`Self::cells`] of the cell that holds a place of photo 1 (`photo` 0) or photo 2
    /// (1), in pixels of the original photo; none outside of the map.
    pub fn cell_at(&self, photo: usize, point: Point2<f64>) -> Option<usize> {
        let place = project(&self.cell_from_photo[photo], point)?;
        let side = MAP_SIDE as f64;
        let is_inside = place.x >= 0.0 && place.y >= 0.0 && place.x < side && place.y < side;
        is_inside.then(|| place.y as usize * MAP_SIDE + place.x as usize)
    }
}

/// Compares two photos under `matrix`, which maps photo 1 to photo 2, in pixels of the original
/// photos. `None` without an overlap that holds a few windows.
pub fn agreement_map(
    image1: &RefinementImage,
    image2: &RefinementImage,
    matrix: &Matrix3<f64>,
) -> Option<AgreementMap> {
    let back = inverse(matrix)?;
    let first = Overlap::new(image1, image2, matrix)?;
    let second = Overlap::new(image2, image1, &back)?;
    let overlap = [first.share, second.share];
    // The frame is that of the photo which the overlap fills more.
    let is_swapped = second.share > first.share;
    let (mut compared, frame) = match is_swapped {
        true => (
            second.compare(image2, image1, &back)?,
            second.cell_from_photo(),
        ),
        false => (
            first.compare(image1, image2, matrix)?,
            first.cell_from_photo(),
        ),
    };
    if is_swapped {
        let cells = compared.cells.iter_mut().flatten();
        cells.for_each(AgreementCell::swap);
        compared.fine.iter_mut().for_each(FineMap::swap);
        compared
            .differences
            .iter_mut()
            .for_each(DifferenceMap::swap);
    }
    let cell_from_photo = match is_swapped {
        true => [frame * matrix, frame],
        false => [frame, frame * back],
    };
    Some(AgreementMap {
        cells: compared.cells,
        overlap,
        is_planar: compared.is_planar,
        stretch: compared.stretch,
        fine: compared.fine,
        differences: compared.differences,
        cell_from_photo,
        drawn: compared.drawn,
        is_swapped,
    })
}

/// The part of a photo that another one shows.
struct Overlap {
    /// Left, top, right and bottom in pixels of the original photo.
    bounds: [f64; 4],
    share: f32,
}

impl Overlap {
    fn new(
        image: &RefinementImage,
        other: &RefinementImage,
        matrix: &Matrix3<f64>,
    ) -> Option<Self> {
        let [width, height] = image.photo_size();
        let [other_width, other_height] = other.photo_size();
        let n = OVERLAP_SAMPLES;
        let mut bounds = [
            f64::INFINITY,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NEG_INFINITY,
        ];
        let mut inside = 0usize;
        let (step_x, step_y) = (width / n as f64, height / n as f64);
        for row in 0..n {
            for column in 0..n {
                let x = (column as f64 + 0.5) * step_x - 0.5;
                let y = (row as f64 + 0.5) * step_y - 0.5;
                let Some(there) = project(matrix, Point2::new(x, y)) else {
                    continue;
                };
                let is_inside = there.x > -0.5
                    && there.y > -0.5
                    && there.x < other_width - 0.5
                    && there.y < other_height - 0.5;
                if is_inside {
                    inside += 1;
                    bounds[0] = bounds[0].min(x - 0.5 * step_x);
                    bounds[1] = bounds[1].min(y - 0.5 * step_y);
                    bounds[2] = bounds[2].max(x + 0.5 * step_x);
                    bounds[3] = bounds[3].max(y + 0.5 * step_y);
                }
            }
        }
        (inside > 0).then(|| Self {
            bounds,
            share: inside as f32 / (n * n) as f32,
        })
    }

    /// Maps pixels of the photo to columns and rows of the map.
    fn cell_from_photo(&self) -> Matrix3<f64> {
        let [left, top, right, bottom] = self.bounds;
        let side = MAP_SIDE as f64;
        let (x, y) = (side / (right - left), side / (bottom - top));
        Matrix3::new(x, 0.0, -left * x, 0.0, y, -top * y, 0.0, 0.0, 1.0)
    }

    /// Draws both photos into the frame and compares them; cells have photo 1 as `image`.
    fn compare(
        &self,
        image: &RefinementImage,
        other: &RefinementImage,
        matrix: &Matrix3<f64>,
    ) -> Option<Compared> {
        let [left, top, right, bottom] = self.bounds;
        let (width, height) = (right - left, bottom - top);
        let middle = Point2::new(0.5 * (left + right), 0.5 * (top + bottom));
        let working = |image: &RefinementImage| image.levels()[0].level_from_photo[(0, 0)];
        // Pixels of each working picture to one of the photo.
        let own = working(image);
        let theirs = magnification(matrix, middle.x, middle.y)? * working(other);
        let coarser = own.min(theirs);
        let wanted = FRAME_SIDE / (width * height).sqrt();
        let scale = wanted
            .min(MAX_ENLARGEMENT * coarser)
            .max(FRAME_SIDES[0] / width.min(height))
            .min(FRAME_SIDES[1] / width.max(height));
        let frame_width = (width * scale).round() as usize;
        let frame_height = (height * scale).round() as usize;
        if frame_width < WINDOW || frame_height < WINDOW {
            return None;
        }
        let frame = |scale: f64| {
            let step = 1.0 / scale;
            let (x, y) = (left + 0.5 * step, top + 0.5 * step);
            Matrix3::new(step, 0.0, x, 0.0, step, y, 0.0, 0.0, 1.0)
        };
        // Half the resolution first.
        let half_from_photo = inverse(&frame(0.5 * scale))?;
        let half = frame(0.5 * scale);
        let size = [frame_width / 2, frame_height / 2];
        let a = draw(image, &half, size)?;
        let b = draw(other, &(matrix * half), size)?;
        let mut shifts = vec![Vector2::zeros(); MAP_SIDE * MAP_SIDE];
        if let (Some(a), Some(b)) = (a.half(), b.half())
            && a.width.min(a.height) >= WINDOW
        {
            let windows = search(&a, &b, &shifts, RADII[0], COARSE_STEP);
            shifts = smoothed(&windows, &shifts);
            shifts.iter_mut().for_each(|shift| *shift *= 2.0);
        }
        if a.width.min(a.height) < WINDOW {
            return None;
        }
        let coarse = search(&a, &b, &shifts, RADII[1], 1);
        shifts = smoothed(&coarse, &shifts);
        let update = common_homography(&coarse);
        // Then all of it, drawn anew where the cells agree on a homography.
        let photo_from_frame = frame(scale);
        let motion = update.unwrap_or_else(Matrix3::identity);
        let photo_motion = half * motion * half_from_photo;
        let other_from_frame = matrix * photo_motion * photo_from_frame;
        let size = [frame_width, frame_height];
        let a = draw(image, &photo_from_frame, size)?;
        let b = draw(other, &other_from_frame, size)?;
        for (at, shift) in shifts.iter_mut().enumerate() {
            let place =
                |cell: usize, side: usize| (cell as f64 + 0.5) * side as f64 / MAP_SIDE as f64;
            let half_place = Point2::new(
                place(at % MAP_SIDE, frame_width / 2),
                place(at / MAP_SIDE, frame_height / 2),
            );
            let expected = project(&motion, half_place)? - half_place;
            *shift = 2.0 * (*shift - expected.cast::<f32>());
        }
        let windows = search(&a, &b, &shifts, RADII[1], 1);
        let smooth = smoothed(&windows, &shifts);
        let frame_side = ((frame_width * frame_height) as f32).sqrt();
        let cells = windows.iter().enumerate().map(|(at, window)| {
            let window = window.as_ref()?;
            let centre = window.centre;
            let there = centre + window.shift;
            let point1 = project(&photo_from_frame, centre.cast())?;
            let point2 = project(&other_from_frame, there.cast())?;
            Some(AgreementCell {
                point1,
                point2,
                deviation: window.deviation,
                mean: window.mean,
                correlation: window.correlation,
                coarse_correlation: coarse[at].as_ref().map_or(0.0, |w| w.correlation),
                shift: window.shift.norm() / frame_side,
                roughness: (window.shift - smooth[at]).norm() / frame_side,
                chroma: [image.chroma_at(point1), other.chroma_at(point2)],
            })
        });
        let middle = Point2::new(0.5 * frame_width as f64, 0.5 * frame_height as f64);
        let stretch = stretch(&other_from_frame, middle)?;
        let is_planar = update.is_some();
        let most = FINE_SIDE / (width * height).sqrt();
        let fine_scale = coarser
            .min(most)
            .min(FRAME_SIDES[1] / width.max(height))
            .max(scale);
        let size = [width, height].map(|side| (side * fine_scale).round() as usize);
        let photo_from_frame = frame(fine_scale);
        let finer = (fine_scale / scale) as f32;
        let drawn = DrawnPair {
            upright: draw(image, &photo_from_frame, size)?,
            moved: draw(other, &(matrix * photo_motion * photo_from_frame), size)?,
            shifts: smooth.iter().map(|shift| shift * finer).collect(),
        };
        let has_fine = is_planar && agreeing_share(&windows) >= MIN_FINE_AGREEMENT;
        let fine = has_fine.then(|| {
            FineMap::new(&drawn.upright, &drawn.moved, |part| {
                let [column, row] =
                    part.map(|part| ((part * MAP_SIDE as f32) as usize).min(MAP_SIDE - 1));
                drawn.shifts[row * MAP_SIDE + column]
            })
        });
        let differences = DifferenceMap::new(&drawn);
        Some(Compared {
            cells: cells.collect(),
            is_planar,
            stretch,
            fine,
            differences,
            drawn: DrawnPair {
                upright: a,
                moved: b,
                shifts: smooth,
            },
        })
    }
}

/// Result of a comparison in one frame.
struct Compared {
    cells: Vec<Option<AgreementCell>>,
    is_planar: bool,
    stretch: f32,
    fine: Option<FineMap>,
    differences: Option<DifferenceMap>,
    drawn: DrawnPair,
}

/// Share of the textured windows that agree.
fn agreeing_share(windows: &[Option<Window>]) -> f32 {
    let textured = || {
        let windows = windows.iter().flatten();
        windows.filter(|w| w.deviation[0].max(w.deviation[1]) > MIN_TEXTURE)
    };
    let agreeing = textured().filter(|w| w.correlation >= AGREES);
    agreeing.count() as f32 / textured().count().max(1) as f32
}

/// The greater over the lesser scale of a transform at a point: the ratio of its Jacobian's singular
/// values, by differences over a pixel to either side.
fn stretch(matrix: &Matrix3<f64>, at: Point2<f64>) -> Option<f32> {
    let along =
        |step: Vector2<f64>| Some(project(matrix, at + step)? - project(matrix, at - step)?);
    let (dx, dy) = (along(Vector2::x())?, along(Vector2::y())?);
    let sum = dx.norm_squared() + dy.norm_squared();
    let determinant = (dx.x * dy.y - dx.y * dy.x).abs();
    let root = (sum * sum - 4.0 * determinant * determinant)
        .max(0.0)
        .sqrt();
    Some(((sum + root) / (2.0 * determinant)) as f32)
}

/// Draws a photo into a frame of this width and height, from the level of its pyramid that has about
/// the frame's resolution.
fn draw(
    image: &RefinementImage,
    photo_from_frame: &Matrix3<f64>,
    [width, height]: [usize; 2],
) -> Option<Plane> {
    let levels = image.levels();
    let (x, y) = (0.5 * width as f64, 0.5 * height as f64);
    let finest = levels[0].level_from_photo * photo_from_frame;
    let octaves = magnification(&finest, x, y)?.log2().round().max(0.0);
    let level = &levels[(octaves as usize).min(levels.len() - 1)];
    let level_from_frame = level.level_from_photo * photo_from_frame;
    Some(warp(
        &level.plane,
        &level_from_frame,
        width,
        height,
        BORDER_PX,
    ))
}

/// The homography, near the identity, that moves many of the cells as they moved.
fn common_homography(windows: &[Option<Window>]) -> Option<Matrix3<f64>> {
    let mut points = Correspondences::default();
    for window in windows.iter().flatten() {
        if window.correlation >= MIN_FITTED_CORRELATION {
            let there = window.centre + window.shift;
            points.push(window.centre.cast(), there.cast());
        }
    }
    let enough = MIN_PLANAR_CELLS * windows.len() as f64;
    if (points.len() as f64) < enough {
        return None;
    }
    let update = fit(&points, TOLERANCE)?;
    let mut errors = vec![0.0; points.len()];
    homography::squared_errors(&update, &points, 0, &mut errors);
    let limit = (1.5 * TOLERANCE.end_px).powi(2);
    let num_consistent = errors.iter().filter(|error| **error <= limit).count();
    (num_consistent as f64 >= enough).then_some(update)
}

/// Finds the window of every `step`-th cell along each side of `a` in `b`, within `radius` of its
/// present shift.
fn search(
    a: &Plane,
    b: &Plane,
    shifts: &[Vector2<f32>],
    radius: i32,
    step: usize,
) -> Vec<Option<Window>> {
    let search = Search::new(a, b);
    let corner = |cell: usize, side: usize| {
        let centre = (cell as f32 + 0.5) * side as f32 / MAP_SIDE as f32;
        let first = (centre - 0.5 * WINDOW as f32).round() as i32;
        first.clamp(0, (side - WINDOW) as i32)
    };
    let find = |(at, shift): (usize, &Vector2<f32>)| {
        let (row, column) = (at / MAP_SIDE, at % MAP_SIDE);
        if row % step != 0 || column % step != 0 {
            return None;
        }
        let place = [corner(column, a.width), corner(row, a.height)];
        search.find(place, *shift, radius)
    };
    shifts.iter().enumerate().map(find).collect()
}

/// The median shift of each cell and its neighbours, of those that correlate; of none, the shift
/// before.
fn smoothed(windows: &[Option<Window>], before: &[Vector2<f32>]) -> Vec<Vector2<f32>> {
    const MIN_CORRELATION: f32 = 0.5;
    let side = MAP_SIDE as i32;
    let mut smooth = Vec::with_capacity(windows.len());
    for row in 0..side {
        for column in 0..side {
            let mut near: [Vec<f32>; 2] = [Vec::with_capacity(9), Vec::with_capacity(9)];
            for y in (row - 1).max(0)..=(row + 1).min(side - 1) {
                for x in (column - 1).max(0)..=(column + 1).min(side - 1) {
                    if let Some(window) = &windows[(y * side + x) as usize]
                        && window.correlation >= MIN_CORRELATION
                    {
                        near[0].push(window.shift.x);
                        near[1].push(window.shift.y);
                    }
                }
            }
            let at = (row * side + column) as usize;
            smooth.push(if near[0].is_empty() {
                before[at]
            } else {
                let [x, y] = near.map(|mut values| {
                    values.sort_by(f32::total_cmp);
                    values[values.len() / 2]
                });
                Vector2::new(x, y)
            });
        }
    }
    smooth
}
