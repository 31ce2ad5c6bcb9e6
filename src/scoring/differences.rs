//! Differences that lie inside of what agrees: another number on an else equal label.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::fine::{quantile, sorted};
use super::surfaces::{MIN_FOLLOWING, Surface, Surfaces, near};
use crate::refinement::DifferenceMap;

/// Distance from what agrees beyond which a difference is deep, in blocks along each side.
const DEEP: usize = 2;
/// Blocks of a group that are searched for near by, at most.
const MAX_SEARCHED: usize = 64;

/// Evidence from a [`DifferenceMap`]. Agreeing blocks lie on at most three surfaces, each with one smooth movement; the
/// evidence is of the flat one with the heaviest difference, else of the one that most blocks follow. Its region is the
/// largest one that its blocks surround; a difference is enclosed if no block of it touches the outside of the region or of
/// the overlap, or another surface. Differences are mean squares in units of the squared contrast of what agrees.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DifferenceEvidence {
    /// Part of the overlap that is in the region, 0 to 1.
    pub region: f32,
    /// Part of the region's blocks that agree and are near its movement, 0 to 1.
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
    /// Part of the difference of the heaviest group that other grey levels make, 0 to 1: little where the same ink is on the
    /// same paper, in other shapes ([`DifferenceMap::level_share`]).
    pub levels: f32,
    /// Greatest weight of a group that other places of the same grey levels make: weight less the part of `levels`.
    pub rearranged: f32,
    /// Part of the region's agreeing blocks that follow its movement to a pixel, 0 to 1.
    pub following: f32,
    /// Part of all agreeing blocks that follow the movement which most of them follow, 0 to 1.
    pub all_following: f32,
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
    /// Part of the overlap that is in the convex hull of the region's blocks which follow the movement, 0 to 1.
    pub hull: f32,
    /// Part of the agreeing and of the differing blocks in it that agree, 0 to 1.
    pub hull_agreeing: f32,
    /// Sum of the roots of the differences in it.
    pub hull_weight: f32,
    /// The same of those that are more than two blocks from what agrees.
    pub hull_deep: f32,
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
        levels: -1.0,
        rearranged: -1.0,
        following: 0.0,
        all_following: 0.0,
        movement: -1.0,
        high_movement: -1.0,
        near_movement: -1.0,
        near_error: -1.0,
        wide_weight: -1.0,
        wide_region: 0.0,
        hull: 0.0,
        hull_agreeing: -1.0,
        hull_weight: -1.0,
        hull_deep: -1.0,
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
        let surfaces = Surfaces::new(map);
        let enclosed = |(index, surface): (usize, &Surface)| match index == 0 || surface.is_flat() {
            true => surface.enclosed(map, &surface.region),
            false => Vec::new(),
        };
        let groups: Vec<_> = surfaces.all.iter().enumerate().map(enclosed).collect();
        let heaviest = |index: usize| {
            let surface = &surfaces.all[index];
            let weights = groups[index].iter().map(|group| surface.weight(map, group));
            weights.fold(0.0, f32::max)
        };
        // Of the flat surfaces the one with the heaviest difference, else that of most blocks.
        let flat = (0..groups.len()).filter(|&index| surfaces.all[index].is_flat());
        let chosen = flat
            .rev()
            .max_by(|&a, &b| heaviest(a).total_cmp(&heaviest(b)))
            .unwrap_or(0);
        let Some(surface) = surfaces.all.get(chosen) else {
            return Self::NONE;
        };
        let found = &groups[chosen];
        let known = map.blocks.iter().flatten().count() as f32;
        let square = surface.square;
        let places = || (0..map.blocks.len()).filter(|at| surface.region[*at]);
        let block = |at: usize| map.blocks[at].as_ref();
        let agreeing = places().filter(|at| surface.belongs(*at));
        let errors = sorted(agreeing.filter_map(|at| Some(surface.share(block(at)?))));
        let movements = sorted(surface.agreeing().map(|(_, distance)| distance));
        let differences = places().filter_map(block);
        let differences = sorted(differences.map(|block| block.difference / square));
        let enclosed = || found.iter().flatten().filter_map(|at| block(*at));
        let num_inside = differences.len() as f32;
        let weight = |group: &Vec<usize>| surface.weight(map, group);
        let wide_region = surface.wide_region(map);
        let wide = surface.enclosed(map, &wide_region);
        let hull = surface.hull(map);
        let num_agreeing = hull.iter().filter(|at| surface.belongs(**at)).count();
        let differing: Vec<usize> = hull
            .iter()
            .copied()
            .filter(|at| surface.differs(map, *at))
            .collect();
        let agreeing_blocks = (0..map.blocks.len()).filter(|at| surface.belongs(*at));
        let agrees_near = near(map, DEEP, agreeing_blocks);
        let deep: Vec<usize> = differing
            .iter()
            .copied()
            .filter(|at| !agrees_near[*at])
            .collect();
        let mut evidence = Self {
            hull: hull.len() as f32 / known,
            hull_agreeing: num_agreeing as f32 / (num_agreeing + differing.len()).max(1) as f32,
            hull_weight: surface.weight(map, &differing),
            hull_deep: surface.weight(map, &deep),
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
            levels: 1.0,
            rearranged: 0.0,
            following: surface.following(),
            all_following: surfaces.following,
            movement: quantile(&movements, 0.5),
            high_movement: quantile(&movements, 0.9),
            near_movement: quantile(&movements, 0.5),
            near_error: quantile(&errors, 0.5),
            wide_weight: wide.iter().map(weight).fold(0.0, f32::max),
            wide_region: wide_region.iter().filter(|is_inside| **is_inside).count() as f32 / known,
        };
        // Of each group its weight, the part of other grey levels and the agreeing blocks about it.
        let measured = found.iter().map(|group| {
            let near = surface.about(map, group);
            let places: Vec<usize> = near.iter().map(|(at, _)| *at).collect();
            let levels = map.level_share(group, &places);
            (group, weight(group), levels, near)
        });
        let measured: Vec<_> = measured.collect();
        let rearranged = measured
            .iter()
            .map(|(_, weight, levels, _)| weight * (1.0 - levels));
        evidence.rearranged = rearranged.fold(0.0, f32::max);
        let heaviest = measured.into_iter().max_by(|a, b| a.1.total_cmp(&b.1));
        if let Some((group, weight, levels, near)) = heaviest {
            let blocks = || group.iter().filter_map(|at| block(*at));
            let [first, second] =
                [0, 1].map(|photo| blocks().map(|block| block.structure[photo]).sum::<f32>());
            // Of many blocks some, evenly.
            let chosen: Vec<usize> = group
                .iter()
                .step_by(group.len().div_ceil(MAX_SEARCHED))
                .copied()
                .collect();
            if !near.is_empty() {
                evidence.near_movement = quantile(&sorted(near.iter().map(|near| near.1)), 0.5);
                let errors = near
                    .iter()
                    .filter_map(|(at, _)| Some(surface.share(block(*at)?)));
                evidence.near_error = quantile(&sorted(errors), 0.5);
            }
            let nearby = map.nearby_correlations(&chosen);
            let missing = chosen
                .iter()
                .zip(&nearby)
                .map(|(at, nearby)| surface.root(map, *at) * (1.0 - nearby));
            let part = group.len() as f32 / chosen.len() as f32;
            evidence.replaced = part * missing.sum::<f32>();
            evidence.nearby = nearby.iter().sum::<f32>() / chosen.len() as f32;
            evidence.levels = levels;
            evidence.weight = weight;
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
    let surfaces = Surfaces::new(map).all.into_iter();
    let flat = surfaces.filter(Surface::is_flat);
    let blocks: BTreeSet<usize> = flat
        .flat_map(|surface| surface.enclosed(map, &surface.region).concat())
        .collect();
    blocks.into_iter().collect()
}
