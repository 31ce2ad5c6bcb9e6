//! Differences that lie inside of what agrees: another number on an else equal label.

use imageproc::distance_transform::Norm;
use imageproc::morphology::close;
use imageproc::region_labelling::Connectivity;
use nalgebra::{Matrix6, Matrix6x2, Vector2, Vector6};
use serde::{Deserialize, Serialize};

use super::fine::{quantile, sorted};
use super::groups::{drawn, groups};
use crate::refinement::{DifferenceBlock, DifferenceMap};

/// Radius of the gaps between agreeing blocks that the region closes, in blocks, and of those that the wide one
/// closes.
const GAP: u8 = 8;
const WIDE_GAP: u8 = 20;
/// Difference as a share of the structure there, and of the squared contrast of what agrees, from which a block differs.
const MIN_SHARE: f32 = 0.5;
const MIN_CONTRAST: f32 = 0.15;
/// Blocks of a group that are searched for near by, at most.
const MAX_SEARCHED: usize = 64;
/// Part of the squared contrast, and squared grey levels, that are added to the structure.
const BASE: f32 = 0.02;
const NOISE: f32 = 4.0;

/// Evidence from a [`DifferenceMap`]. The region is the largest one that blocks which agree surround; a
/// difference is enclosed if no block of it touches the outside of the region or of the overlap. Differences are
/// mean squares in units of the squared contrast of what agrees.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DifferenceEvidence {
    /// Part of the overlap that is in the region, 0 to 1.
    pub region: f32,
    /// Part of the region's blocks that agree, 0 to 1.
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
    /// Distance of the agreeing blocks' shifts from one smooth movement of all of them that half of them exceed, in
    /// pixels. Parallax of solid things is not smooth.
    pub movement: f32,
    /// The same that a tenth of them exceeds.
    pub high_movement: f32,
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
        movement: -1.0,
        high_movement: -1.0,
        wide_weight: -1.0,
        wide_region: 0.0,
    };

    /// Whether there is any.
    pub fn is_known(&self) -> bool {
        self.error >= 0.0
    }

    /// Measures the evidence from the blocks.
    pub fn new(map: &DifferenceMap) -> Self {
        let Some(scale) = Scale::new(map) else {
            return Self::NONE;
        };
        let known = map.blocks.iter().flatten().count() as f32;
        let Scale { region, square } = &scale;
        let inside = || {
            let blocks = map.blocks.iter().zip(region);
            blocks.filter_map(|(block, is_inside)| block.as_ref().filter(|_| *is_inside))
        };
        let agreeing = || inside().filter(|block| block.agrees());
        let errors = sorted(agreeing().map(|block| scale.share(block)));
        let movements = movements(map, region);
        let differences = sorted(inside().map(|block| block.difference / square));
        let found = scale.enclosed(map, region);
        let block = |at: &usize| map.blocks[*at].as_ref();
        let root = |at: &usize| block(at).map_or(0.0, |block| (block.difference / square).sqrt());
        let weight = |group: &Vec<usize>| group.iter().map(root).sum::<f32>();
        let wide = surrounded(map, WIDE_GAP);
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
            movement: quantile(&movements, 0.5),
            high_movement: quantile(&movements, 0.9),
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

/// The differences of a map that what agrees encloses: indices in [`DifferenceMap::blocks`].
pub(super) fn enclosed_blocks(map: &DifferenceMap) -> Vec<usize> {
    let scale = Scale::new(map);
    scale.map_or_else(Vec::new, |scale| {
        scale.enclosed(map, &scale.region).concat()
    })
}

/// What agrees, by which differences are measured.
struct Scale {
    /// Whether each block is in the region.
    region: Vec<bool>,
    /// Squared contrast of its agreeing blocks.
    square: f32,
}

impl Scale {
    /// None where nothing agrees.
    fn new(map: &DifferenceMap) -> Option<Self> {
        let region = surrounded(map, GAP);
        let blocks = map.blocks.iter().zip(&region);
        let inside = blocks.filter_map(|(block, is_inside)| block.as_ref().filter(|_| *is_inside));
        let structures = sorted(inside.filter(|block| block.agrees()).map(strongest));
        let square = quantile(&structures, 0.9).max(1.0);
        (!structures.is_empty()).then_some(Self { region, square })
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

fn at_edge(map: &DifferenceMap, at: usize) -> bool {
    let (columns, rows) = (map.columns, map.blocks.len() / map.columns);
    let (column, row) = (at % columns, at / columns);
    column == 0 || row == 0 || column == columns - 1 || row == rows - 1
}

/// Terms of a polynomial of the second degree.
type Terms = Vector6<f64>;

/// Sorted distances of the agreeing blocks' shifts from a polynomial of the second degree in the block's place, which is
/// fitted to them and once more to the half that is closest.
fn movements(map: &DifferenceMap, region: &[bool]) -> Vec<f32> {
    let (columns, rows) = (map.columns, map.blocks.len() / map.columns);
    let places = map.blocks.iter().zip(region).enumerate();
    let points: Vec<(Terms, Vector2<f64>)> = places
        .filter_map(|(at, (block, is_inside))| {
            let block = block
                .as_ref()
                .filter(|block| *is_inside && block.agrees())?;
            let part = |place: usize, count: usize| 2.0 * place as f64 / count as f64 - 1.0;
            let (x, y) = (part(at % columns, columns), part(at / columns, rows));
            let terms = Terms::new(1.0, x, y, x * x, x * y, y * y);
            Some((terms, block.shift.cast()))
        })
        .collect();
    let distances = |limit: Option<f64>, last: &[f64]| -> Vec<f64> {
        let mut squares = Matrix6::identity() * 1e-6;
        let mut products = Matrix6x2::zeros();
        for (at, (terms, shift)) in points.iter().enumerate() {
            if limit.is_none_or(|limit| last[at] <= limit) {
                squares += terms * terms.transpose();
                products += terms * shift.transpose();
            }
        }
        let factors = squares.cholesky().map(|squares| squares.solve(&products));
        let factors = factors.unwrap_or_else(Matrix6x2::zeros);
        let distance =
            |(terms, shift): &(Terms, Vector2<f64>)| (factors.transpose() * terms - shift).norm();
        points.iter().map(distance).collect()
    };
    let first = distances(None, &[]);
    let mut ordered = first.clone();
    ordered.sort_by(f64::total_cmp);
    let median = ordered.get(ordered.len() / 2).copied();
    let second = distances(median, &first);
    sorted(second.into_iter().map(|distance| distance as f32))
}

fn strongest(block: &DifferenceBlock) -> f32 {
    block.structure[0].max(block.structure[1])
}

/// Whether each block is in the largest region that agreeing blocks with gaps of up to `gap` between them surround.
fn surrounded(map: &DifferenceMap, gap: u8) -> Vec<bool> {
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
        map.blocks[at].as_ref().is_some_and(DifferenceBlock::agrees)
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
