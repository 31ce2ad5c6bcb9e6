//! Differences that lie inside of what agrees: another number on an else equal label.

use imageproc::distance_transform::Norm;
use imageproc::morphology::close;
use imageproc::region_labelling::Connectivity;
use nalgebra::{Matrix2, Matrix6, SMatrix, SVector, Vector2, Vector6};
use serde::{Deserialize, Serialize};

use super::fine::{quantile, sorted};
use super::groups::{drawn, groups};
use crate::refinement::{DifferenceBlock, DifferenceMap};

/// Radius of the gaps between agreeing blocks that the region closes, in blocks, and of those that the wide one
/// closes.
const GAP: u8 = 8;
const WIDE_GAP: u8 = 20;
/// Distance up to which agreeing blocks are about a group, in blocks along each side.
const ABOUT: usize = 6;
/// Scales of the distances in one fit of a movement after the other, in pixels.
const SCALES: [f64; 6] = [6.0, 4.0, 2.5, 1.6, 1.0, 1.0];
/// Distance up to which a block follows the movement, in pixels, and up to which it may be part of what moves so: beside a
/// difference blocks go astray.
const SMOOTH: f32 = 1.0;
const ASTRAY: f32 = 4.0;
/// Part of the agreeing blocks that follow one movement, from which photos are of flat things (training/differences.py).
const MIN_FOLLOWING: f32 = 0.7;
/// Difference as a share of the structure there, and of the squared contrast of what agrees, from which a block differs.
const MIN_SHARE: f32 = 0.5;
const MIN_CONTRAST: f32 = 0.15;
/// Blocks of a group that are searched for near by, at most.
const MAX_SEARCHED: usize = 64;
/// Part of the squared contrast, and squared grey levels, that are added to the structure.
const BASE: f32 = 0.02;
const NOISE: f32 = 4.0;

/// Evidence from a [`DifferenceMap`]. The region is the largest one that blocks surround which agree and are near one
/// smooth movement; a difference is enclosed if no block of it touches the outside of the region or of the overlap.
/// Differences are mean squares in units of the squared contrast of what agrees.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DifferenceEvidence {
    /// Part of the overlap that is in the region, 0 to 1.
    pub region: f32,
    /// Part of the region's blocks that agree and are near the movement, 0 to 1.
    pub agreeing: f32,
    /// Standard deviation that a tenth of the agreeing blocks exceeds, in grey levels.
    pub contrast: f32,
    /// Difference as a share of the structure that half of the agreeing blocks exceed.
    pub error: f32,
    /// The same that a tenth of them exceeds.
    pub high_error: f32,
    /// Difference that a hundredth of the region's blocks exceeds.
    pub high: f32,
    /// The same of a thousandth.
    pub highest: f32,
    /// Largest enclosed difference.
    pub enclosed: f32,
    /// Sum of the roots of the differences of the enclosed group that has most.
    pub weight: f32,
    /// Blocks of that group.
    pub blocks: u32,
    /// The lesser over the greater structure in it, 0 to 1.
    pub balance: f32,
    /// Mean correlation of its blocks, -1 to 1.
    pub correlation: f32,
    /// Number of enclosed groups.
    pub groups: u32,
    /// Share of the region's blocks that are in enclosed groups, 0 to 1.
    pub share: f32,
    /// The same sum of the heaviest group, each block by what is missing to a correlation of 1 with the best place near by
    /// in the other photo ([`DifferenceMap::nearby_correlations`]).
    pub replaced: f32,
    /// Mean of that best correlation in the group, -1 to 1.
    pub nearby: f32,
    /// Part of the agreeing blocks that follow one smooth movement to a pixel, 0 to 1.
    pub following: f32,
    /// Distance of the agreeing blocks' shifts from that movement that half of them exceed, in pixels, as far as their
    /// gradients tell. Parallax of solid things is not smooth.
    pub movement: f32,
    /// The same that a tenth of them exceeds.
    pub high_movement: f32,
    /// The same as `movement`, of the agreeing blocks about that group.
    pub near_movement: f32,
    /// The same as `error`, of the agreeing blocks about that group.
    pub near_error: f32,
    /// [`Self::weight`] in a region with wider gaps closed.
    pub wide_weight: f32,
    /// Part of the overlap that is in that region, 0 to 1.
    pub wide_region: f32,
}

impl DifferenceEvidence {
    /// Where no map was made, or nothing agrees.
    pub const NONE: Self = Self {
        region: 0.0,
        agreeing: 0.0,
        contrast: 0.0,
        error: -1.0,
        high_error: -1.0,
        high: -1.0,
        highest: -1.0,
        enclosed: -1.0,
        weight: -1.0,
        blocks: 0,
        balance: -1.0,
        correlation: -1.0,
        groups: 0,
        share: -1.0,
        replaced: -1.0,
        nearby: -1.0,
        following: 0.0,
        movement: -1.0,
        high_movement: -1.0,
        near_movement: -1.0,
        near_error: -1.0,
        wide_weight: -1.0,
        wide_region: 0.0,
    };

    /// Whether most of what agrees follows one smooth movement, so that what differs inside of it is no parallax.
    pub fn is_flat(&self) -> bool {
        self.following >= MIN_FOLLOWING
    }

    /// Share of the region's blocks that are in enclosed groups, 0 to 1; 0 where they may be parallax.
    pub fn replaced_inside(&self) -> f32 {
        if self.is_flat() { self.share } else { 0.0 }
    }

    /// Measures the evidence from the blocks.
    pub fn new(map: &DifferenceMap) -> Self {
        let Some(scale) = Scale::new(map) else {
            return Self::NONE;
        };
        let known = map.blocks.iter().flatten().count() as f32;
        let Scale {
            moved,
            belongs,
            region,
            square,
        } = &scale;
        let places = || (0..region.len()).filter(|at| region[*at]);
        let inside = || places().filter_map(|at| map.blocks[at].as_ref());
        let agreeing = places().filter(|at| belongs[*at]);
        let errors = sorted(agreeing.filter_map(|at| Some(scale.share(map.blocks[at].as_ref()?))));
        let movements = sorted(moved.iter().map(|(_, distance)| *distance));
        let differences = sorted(inside().map(|block| block.difference / square));
        let found = scale.enclosed(map, region);
        let block = |at: &usize| map.blocks[*at].as_ref();
        let root = |at: &usize| block(at).map_or(0.0, |block| (block.difference / square).sqrt());
        let weight = |group: &Vec<usize>| group.iter().map(root).sum::<f32>();
        let wide = surrounded(map, WIDE_GAP, |at| belongs[at]);
        let wide_weight = scale
            .enclosed(map, &wide)
            .iter()
            .map(weight)
            .fold(0.0, f32::max);
        let enclosed = || found.iter().flatten().filter_map(block);
        let num_inside = differences.len() as f32;
        let mut evidence = Self {
            region: num_inside / known,
            agreeing: errors.len() as f32 / num_inside,
            contrast: square.sqrt(),
            error: quantile(&errors, 0.5),
            high_error: quantile(&errors, 0.9),
            high: quantile(&differences, 0.99),
            highest: quantile(&differences, 0.999),
            enclosed: enclosed()
                .map(|block| block.difference / square)
                .fold(0.0, f32::max),
            weight: 0.0,
            blocks: 0,
            balance: 1.0,
            correlation: 1.0,
            groups: found.len() as u32,
            share: enclosed().count() as f32 / num_inside,
            replaced: 0.0,
            nearby: 1.0,
            following: scale.following(),
            movement: quantile(&movements, 0.5),
            high_movement: quantile(&movements, 0.9),
            near_movement: quantile(&movements, 0.5),
            near_error: quantile(&errors, 0.5),
            wide_weight,
            wide_region: wide.iter().filter(|is_inside| **is_inside).count() as f32 / known,
        };
        let heaviest = found.iter().max_by(|a, b| weight(a).total_cmp(&weight(b)));
        if let Some(group) = heaviest {
            let blocks = || group.iter().filter_map(block);
            let [first, second] =
                [0, 1].map(|photo| blocks().map(|block| block.structure[photo]).sum::<f32>());
            // Of many blocks some, evenly.
            let chosen: Vec<usize> = group
                .iter()
                .step_by(group.len().div_ceil(MAX_SEARCHED))
                .copied()
                .collect();
            let is_about = about(map, group);
            let near: Vec<(f32, f32)> = moved
                .iter()
                .filter(|(at, _)| is_about[*at])
                .filter_map(|(at, distance)| Some((*distance, scale.share(block(at)?))))
                .collect();
            if !near.is_empty() {
                evidence.near_movement = quantile(&sorted(near.iter().map(|near| near.0)), 0.5);
                evidence.near_error = quantile(&sorted(near.iter().map(|near| near.1)), 0.5);
            }
            let nearby = map.nearby_correlations(&chosen);
            let missing = chosen
                .iter()
                .zip(&nearby)
                .map(|(at, nearby)| root(at) * (1.0 - nearby));
            let part = group.len() as f32 / chosen.len() as f32;
            evidence.replaced = part * missing.sum::<f32>();
            evidence.nearby = nearby.iter().sum::<f32>() / chosen.len() as f32;
            evidence.weight = weight(group);
            evidence.blocks = group.len() as u32;
            evidence.balance = first.min(second) / first.max(second).max(f32::MIN_POSITIVE);
            evidence.correlation =
                blocks().map(|block| block.correlation).sum::<f32>() / group.len() as f32;
        }
        evidence
    }
}

/// The differences of a map that what agrees encloses, where they are no parallax: indices in [`DifferenceMap::blocks`].
pub(super) fn enclosed_blocks(map: &DifferenceMap) -> Vec<usize> {
    let scale = Scale::new(map).filter(|scale| scale.following() >= MIN_FOLLOWING);
    scale.map_or_else(Vec::new, |scale| {
        scale.enclosed(map, &scale.region).concat()
    })
}

/// What agrees, by which differences are measured.
struct Scale {
    /// The agreeing blocks of the largest region that such blocks surround, with their distances from one smooth movement in
    /// pixels.
    moved: Vec<(usize, f32)>,
    /// Whether each block is one of those, and no more than [`ASTRAY`] from the movement.
    belongs: Vec<bool>,
    /// Whether each block is in the largest region that blocks which belong there surround.
    region: Vec<bool>,
    /// Squared contrast of the blocks that belong in it.
    square: f32,
}

impl Scale {
    /// None where nothing agrees.
    fn new(map: &DifferenceMap) -> Option<Self> {
        let agrees = |at: usize| map.blocks[at].is_some_and(|block| block.agrees());
        let moved = movements(map, &surrounded(map, GAP, agrees));
        let mut belongs = vec![false; map.blocks.len()];
        for (at, _) in moved.iter().filter(|(_, distance)| *distance <= ASTRAY) {
            belongs[*at] = true;
        }
        let region = surrounded(map, GAP, |at| belongs[at]);
        let inside = (0..region.len()).filter(|at| region[*at] && belongs[*at]);
        let structures = sorted(inside.filter_map(|at| map.blocks[at].as_ref().map(strongest)));
        let square = quantile(&structures, 0.9).max(1.0);
        (!structures.is_empty()).then_some(Self {
            moved,
            belongs,
            region,
            square,
        })
    }

    /// Part of the agreeing blocks that follow the movement.
    fn following(&self) -> f32 {
        let following = self
            .moved
            .iter()
            .filter(|(_, distance)| *distance <= SMOOTH);
        following.count() as f32 / self.moved.len() as f32
    }

    /// Difference of a block as a share of its structure.
    fn share(&self, block: &DifferenceBlock) -> f32 {
        block.difference / (strongest(block) + BASE * self.square + NOISE)
    }

    fn differs(&self, block: &DifferenceBlock) -> bool {
        self.share(block) > MIN_SHARE && block.difference > MIN_CONTRAST * self.square
    }

    /// The connected groups of differing blocks that no block outside of the region and no unknown one touches.
    fn enclosed(&self, map: &DifferenceMap, region: &[bool]) -> Vec<Vec<usize>> {
        let columns = map.columns;
        let differing = drawn(columns, map.blocks.len(), |at| {
            let block = map.blocks[at].as_ref();
            block.is_some_and(|block| self.differs(block))
        });
        groups(&differing, Connectivity::Eight, |at| {
            !at_edge(map, at)
                && [at - columns, at, at + columns]
                    .iter()
                    .all(|near| region[near - 1..=near + 1] == [true; 3])
        })
    }
}

/// Whether each block is about a group.
fn about(map: &DifferenceMap, group: &[usize]) -> Vec<bool> {
    let (columns, rows) = (map.columns, map.blocks.len() / map.columns);
    let mut is_about = vec![false; map.blocks.len()];
    for at in group {
        let (column, row) = (at % columns, at / columns);
        let end = (column + ABOUT + 1).min(columns);
        for row in row.saturating_sub(ABOUT)..(row + ABOUT + 1).min(rows) {
            is_about[row * columns + column.saturating_sub(ABOUT)..row * columns + end].fill(true);
        }
    }
    is_about
}

fn at_edge(map: &DifferenceMap, at: usize) -> bool {
    let (columns, rows) = (map.columns, map.blocks.len() / map.columns);
    let (column, row) = (at % columns, at / columns);
    column == 0 || row == 0 || column == columns - 1 || row == rows - 1
}

/// Terms of a polynomial of the second degree.
type Terms = Vector6<f64>;
/// Their factors for the shift along x and along y.
type Movement = SMatrix<f64, 2, 6>;

/// The shift of an agreeing block.
struct Moved {
    /// Where the block is in [`DifferenceMap::blocks`].
    at: usize,
    terms: Terms,
    shift: Vector2<f64>,
    /// How well each direction of the shift is known, 1 for the best known one: the gradients by their greater
    /// eigenvalue.
    known: Matrix2<f64>,
}

impl Moved {
    /// Distance from a movement, in pixels, as far as the block's gradients tell.
    fn distance(&self, movement: &Movement) -> f64 {
        let error = movement * self.terms - self.shift;
        error.dot(&(self.known * error)).max(0.0).sqrt()
    }
}

/// For each agreeing block of the region its distance, in pixels, from a polynomial of the second degree in the block's
/// place: that one, fitted from no movement and from all blocks' on, which more blocks follow.
fn movements(map: &DifferenceMap, region: &[bool]) -> Vec<(usize, f32)> {
    let (columns, rows) = (map.columns, map.blocks.len() / map.columns);
    let places = map.blocks.iter().zip(region).enumerate();
    let blocks: Vec<Moved> = places
        .filter_map(|(at, (block, is_inside))| {
            let block = block
                .as_ref()
                .filter(|block| *is_inside && block.agrees())?;
            let part = |place: usize, count: usize| 2.0 * place as f64 / count as f64 - 1.0;
            let (x, y) = (part(at % columns, columns), part(at / columns, rows));
            let [xx, xy, yy] = block.gradients.map(f64::from);
            let greatest = 0.5 * (xx + yy) + (0.25 * (xx - yy).powi(2) + xy * xy).sqrt();
            Some(Moved {
                at,
                terms: Terms::new(1.0, x, y, x * x, x * y, y * y),
                shift: block.shift.cast(),
                known: Matrix2::new(xx, xy, xy, yy) / greatest.max(f64::MIN_POSITIVE),
            })
        })
        .collect();
    let starts = [Movement::zeros(), movement(&blocks, |_| 1.0)];
    let fitted = starts.map(|start| {
        let movement = SCALES.iter().fold(start, |last, scale| {
            // Geman and McClure's weights.
            movement(&blocks, |block| {
                (1.0 + (block.distance(&last) / scale).powi(2)).powi(-2)
            })
        });
        let distances = blocks.iter().map(|block| block.distance(&movement) as f32);
        distances.collect::<Vec<f32>>()
    });
    let following = |distances: &Vec<f32>| distances.iter().filter(|d| **d <= SMOOTH).count();
    let [first, second] = fitted;
    let chosen = match following(&second) > following(&first) {
        true => second,
        false => first,
    };
    let places = blocks.iter().map(|block| block.at);
    places.zip(chosen).collect()
}

/// The polynomial of the second degree that fits these shifts with the least weighted squares.
fn movement(blocks: &[Moved], weight: impl Fn(&Moved) -> f64) -> Movement {
    // Normal equations: factors of x, then of y.
    let mut squares = [Matrix6::<f64>::zeros(); 3];
    let mut products = SVector::<f64, 12>::zeros();
    for block in blocks {
        let square = block.terms * block.terms.transpose();
        let weighted = block.known * weight(block);
        let known = [weighted.m11, weighted.m12, weighted.m22];
        for (sum, known) in squares.iter_mut().zip(known) {
            *sum += square * known;
        }
        let [x, y] = (weighted * block.shift).into();
        let product = [x, y].map(|part| block.terms * part);
        products += SVector::from_iterator(product.iter().flatten().copied());
    }
    let [xx, xy, yy] = squares;
    let mut normal = SMatrix::<f64, 12, 12>::identity() * 1e-6;
    for (at, part) in [((0, 0), xx), ((0, 6), xy), ((6, 0), xy), ((6, 6), yy)] {
        let mut own = normal.fixed_view_mut::<6, 6>(at.0, at.1);
        own += part;
    }
    let factors = normal.cholesky().map(|normal| normal.solve(&products));
    let factors = factors.unwrap_or_else(SVector::zeros);
    Movement::from_fn(|axis, term| factors[6 * axis + term])
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
