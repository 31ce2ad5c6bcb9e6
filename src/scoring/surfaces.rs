//! The surfaces that agreeing blocks of two aligned photos lie on, and what differs inside of them.

use image::Luma;
use imageproc::distance_transform::Norm;
use imageproc::drawing::draw_polygon_mut;
use imageproc::geometry::convex_hull;
use imageproc::morphology::close;
use imageproc::point::Point;
use imageproc::region_labelling::Connectivity;

use super::fine::{quantile, sorted};
use super::groups::{drawn, groups};
use crate::refinement::{DifferenceBlock, DifferenceMap, FOLLOWS, Movement, Shift};

/// Radius of the gaps between agreeing blocks that the region closes, in blocks, and of those that the wide one
/// closes.
const GAP: u8 = 8;
const WIDE_GAP: u8 = 20;
/// Distance up to which agreeing blocks are about a group, in blocks along each side.
const ABOUT: usize = 6;
/// Distance from a movement beyond which a block that follows another one is of that one's surface, in pixels, and up to
/// which it may be of this one's. Beside a difference blocks go astray.
const APART: f32 = 2.0;
const ASTRAY: f32 = 4.0;
/// Surfaces at most, and the part of the agreeing blocks from which others are looked for.
const MAX_SURFACES: usize = 3;
const MIN_PART: f32 = 0.1;
/// Part of a surface's agreeing blocks that follow its movement, from which it is flat (training/differences.py).
pub(super) const MIN_FOLLOWING: f32 = 0.7;
/// Difference as a share of the structure there, and of the squared contrast of what agrees, from which a block differs.
const MIN_SHARE: f32 = 0.5;
const MIN_CONTRAST: f32 = 0.15;
/// Part of the squared contrast, and squared grey levels, that are added to the structure.
const BASE: f32 = 0.02;
const NOISE: f32 = 4.0;

/// The surfaces that agreeing blocks lie on: a print and the table beneath it, the sides of a box.
pub(super) struct Surfaces {
    /// At most [`MAX_SURFACES`], the one that most blocks follow first.
    pub all: Vec<Surface>,
    /// Part of the agreeing blocks that follow the first one's movement.
    pub following: f32,
}

impl Surfaces {
    /// Fits a movement to the agreeing blocks, then another to those that are far from it, and so on.
    pub fn new(map: &DifferenceMap) -> Self {
        let blocks = map.shifts();
        let mut own = Self {
            all: Vec::new(),
            following: 0.0,
        };
        let mut left: Vec<&Shift> = blocks.iter().map(|(_, shift)| shift).collect();
        let enough = (MIN_PART * blocks.len() as f32) as usize;
        while own.all.len() < MAX_SURFACES && left.len() > enough {
            let movement = Movement::fit(&left);
            let Some(surface) = Surface::new(map, &blocks, &movement) else {
                break;
            };
            if own.all.is_empty() {
                own.following = movement.following(&left);
            }
            left.retain(|shift| shift.distance(&movement) > APART);
            own.all.push(surface);
        }
        // Apart from this surface and on another.
        let of_another = |index: usize| -> Vec<bool> {
            let others = || (0..own.all.len()).filter(|other| *other != index);
            let is_of_another = |at: usize| {
                own.all[index].is_apart(at) && others().any(|other| own.all[other].follows(at))
            };
            (0..map.blocks.len()).map(is_of_another).collect()
        };
        let of_another: Vec<_> = (0..own.all.len()).map(of_another).collect();
        for (surface, is_of_another) in own.all.iter_mut().zip(of_another) {
            surface.is_of_another = is_of_another;
        }
        own
    }
}

/// What agrees and moves smoothly, by which differences are measured.
pub(super) struct Surface {
    /// For each block that agrees its distance from the movement, in pixels.
    distances: Vec<Option<f32>>,
    /// Whether each block is in the largest region that blocks which belong to the surface surround.
    pub region: Vec<bool>,
    /// Whether each block follows the movement of another surface and is apart from this one.
    is_of_another: Vec<bool>,
    /// Squared contrast of the blocks that belong to it in that region.
    pub square: f32,
}

impl Surface {
    /// None where no block is near the movement.
    fn new(map: &DifferenceMap, shifts: &[(usize, Shift)], movement: &Movement) -> Option<Self> {
        let mut distances = vec![None; map.blocks.len()];
        for (at, shift) in shifts {
            distances[*at] = Some(shift.distance(movement));
        }
        let mut own = Self {
            region: Vec::new(),
            is_of_another: vec![false; map.blocks.len()],
            distances,
            square: 0.0,
        };
        own.region = surrounded(map, GAP, |at| own.belongs(at));
        let inside = (0..map.blocks.len()).filter(|&at| own.region[at] && own.belongs(at));
        let structures = sorted(inside.filter_map(|at| map.blocks[at].as_ref().map(strongest)));
        own.square = quantile(&structures, 0.9).max(1.0);
        (!structures.is_empty()).then_some(own)
    }

    /// The region with wider gaps closed.
    pub fn wide_region(&self, map: &DifferenceMap) -> Vec<bool> {
        surrounded(map, WIDE_GAP, |at| self.belongs(at))
    }

    /// The known blocks in the convex hull of those of the region that follow the movement, but for blocks of another
    /// surface.
    pub fn hull(&self, map: &DifferenceMap) -> Vec<usize> {
        let (columns, count) = (map.columns, map.blocks.len());
        // The first and the last of each row have the hull of all.
        let ends = (0..count).step_by(columns).flat_map(|first| {
            let row = first..first + columns;
            let mut following = row.filter(|&at| self.region[at] && self.follows(at));
            [following.next(), following.next_back()]
        });
        let corners: Vec<Point<i32>> = ends
            .flatten()
            .map(|at| Point::new((at % columns) as i32, (at / columns) as i32))
            .collect();
        let corners = convex_hull(corners);
        let mut hull = drawn(columns, count, |_| false);
        if corners.len() > 2 {
            draw_polygon_mut(&mut hull, &corners, Luma([255]));
        }
        let is_inside = |at: &usize| {
            hull.as_raw()[*at] > 0 && map.blocks[*at].is_some() && !self.is_of_another[*at]
        };
        (0..count).filter(is_inside).collect()
    }

    /// Whether a block agrees and is near the movement.
    pub fn belongs(&self, at: usize) -> bool {
        self.distances[at].is_some_and(|distance| distance <= ASTRAY)
    }

    fn follows(&self, at: usize) -> bool {
        self.distances[at].is_some_and(|distance| distance <= FOLLOWS)
    }

    fn is_apart(&self, at: usize) -> bool {
        self.distances[at].is_some_and(|distance| distance > APART)
    }

    /// The agreeing blocks of the region with their distances.
    pub fn agreeing(&self) -> impl Iterator<Item = (usize, f32)> {
        let is_inside = self.region.iter().zip(&self.is_of_another);
        let is_inside = is_inside.map(|(is_inside, is_of_another)| *is_inside && !is_of_another);
        let places = self.distances.iter().zip(is_inside).enumerate();
        places.filter_map(|(at, (distance, is_inside))| Some((at, distance.filter(|_| is_inside)?)))
    }

    /// Part of them that follow the movement.
    pub fn following(&self) -> f32 {
        let following = self.agreeing().filter(|(_, distance)| *distance <= FOLLOWS);
        following.count() as f32 / self.agreeing().count().max(1) as f32
    }

    pub fn is_flat(&self) -> bool {
        self.following() >= MIN_FOLLOWING
    }

    /// Difference of a block as a share of its structure.
    pub fn share(&self, block: &DifferenceBlock) -> f32 {
        block.difference / (strongest(block) + BASE * self.square + NOISE)
    }

    /// Root of the mean squared difference of a block, in units of the contrast.
    pub fn root(&self, map: &DifferenceMap, at: usize) -> f32 {
        map.blocks[at]
            .as_ref()
            .map_or(0.0, |block| (block.difference / self.square).sqrt())
    }

    /// Their sum over a group.
    pub fn weight(&self, map: &DifferenceMap, group: &[usize]) -> f32 {
        group.iter().map(|at| self.root(map, *at)).sum()
    }

    /// The agreeing blocks about a group, with their distances.
    pub fn about(&self, map: &DifferenceMap, group: &[usize]) -> Vec<(usize, f32)> {
        let is_about = near(map, ABOUT, group.iter().copied());
        self.agreeing().filter(|(at, _)| is_about[*at]).collect()
    }

    /// Whether the photos differ in a block.
    pub fn differs(&self, map: &DifferenceMap, at: usize) -> bool {
        map.blocks[at].as_ref().is_some_and(|block| {
            self.share(block) > MIN_SHARE && block.difference > MIN_CONTRAST * self.square
        })
    }

    /// The connected groups of differing blocks that touch no block outside of a region, no unknown one and none of
    /// another surface, where one thing may hide another.
    pub fn enclosed(&self, map: &DifferenceMap, region: &[bool]) -> Vec<Vec<usize>> {
        let columns = map.columns;
        let differing = drawn(columns, map.blocks.len(), |at| self.differs(map, at));
        groups(&differing, Connectivity::Eight, |at| {
            !at_edge(map, at)
                && [at - columns, at, at + columns]
                    .iter()
                    .flat_map(|near| near - 1..=near + 1)
                    .all(|near| region[near] && !self.is_of_another[near])
        })
    }
}

/// Whether each block is at most so many blocks along each side from one of these.
pub(super) fn near(
    map: &DifferenceMap,
    distance: usize,
    blocks: impl Iterator<Item = usize>,
) -> Vec<bool> {
    let (columns, rows) = (map.columns, map.blocks.len() / map.columns);
    let mut is_near = vec![false; map.blocks.len()];
    for at in blocks {
        let (column, row) = (at % columns, at / columns);
        let end = (column + distance + 1).min(columns);
        for row in row.saturating_sub(distance)..(row + distance + 1).min(rows) {
            is_near[row * columns + column.saturating_sub(distance)..row * columns + end]
                .fill(true);
        }
    }
    is_near
}

fn at_edge(map: &DifferenceMap, at: usize) -> bool {
    let (columns, rows) = (map.columns, map.blocks.len() / map.columns);
    let (column, row) = (at % columns, at / columns);
    column == 0 || row == 0 || column == columns - 1 || row == rows - 1
}

fn strongest(block: &DifferenceBlock) -> f32 {
    block.structure[0].max(block.structure[1])
}

/// Whether each block is in the largest region that chosen blocks with gaps of up to `gap` between them surround.
fn surrounded(map: &DifferenceMap, gap: u8, is_chosen: impl Fn(usize) -> bool) -> Vec<bool> {
    let (columns, rows) = (map.columns, map.blocks.len() / map.columns);
    let pad = usize::from(gap) + 1;
    // Beyond the frame it goes on as in a mirror, so that gaps at its edge close as others do.
    let mirrored = |at: usize, count: usize| {
        let at = at.abs_diff(pad);
        at.min((2 * (count - 1)).saturating_sub(at))
    };
    let (wide, high) = (columns + 2 * pad, rows + 2 * pad);
    let padded = drawn(wide, wide * high, |at| {
        let at = mirrored(at / wide, rows) * columns + mirrored(at % wide, columns);
        is_chosen(at)
    });
    let closed = close(&padded, Norm::L2, gap);
    let count = map.blocks.len();
    let is_closed = |at: usize| {
        let [x, y] = [at % columns, at / columns].map(|place| (place + pad) as u32);
        closed.get_pixel(x, y)[0] > 0
    };
    let mut is_filled: Vec<bool> = (0..count).map(is_closed).collect();
    // Holes do not reach the frame's edge.
    let open = drawn(columns, count, |at| !is_filled[at]);
    for at in groups(&open, Connectivity::Four, |at| !at_edge(map, at)).concat() {
        is_filled[at] = true;
    }
    let filled = drawn(columns, count, |at| is_filled[at]);
    let regions = groups(&filled, Connectivity::Four, |_| true);
    // The first of the largest.
    let largest = regions.into_iter().rev().max_by_key(Vec::len);
    let mut region = vec![false; count];
    for at in largest.unwrap_or_default() {
        region[at] = map.blocks[at].is_some();
    }
    region
}
