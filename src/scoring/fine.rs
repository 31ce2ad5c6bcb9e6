//! Compact differences between pictures that agree elsewhere.

use imageproc::distance_transform::Norm;
use imageproc::region_labelling::Connectivity;
use serde::{Deserialize, Serialize};

use super::cells::CellVerdict;
use super::differences::enclosed_blocks;
use super::groups::{drawn, groups};
use crate::refinement::{AgreementCell, AgreementMap, FineMap, FineWindow, MAP_SIDE, MIN_TEXTURE};

/// Windows more steps than this from the edge of the overlap are deep inside.
const DEEP: u8 = 4;
/// Texture beyond this many times the median counts no more.
const MAX_STRENGTH: f32 = 3.0;
/// Windows of a cell that show something else from which it contradicts.
const MIN_REPLACED: u32 = 2;
/// Part of each side of the overlap that is not its middle, on either side.
const OUTER: f32 = 0.125;

/// Evidence from the small windows of a [`FineMap`]. Shares are of the windows with texture in one photo or both; a
/// window contradicts with a correlation below 0.4, and shows something else where both photos have texture. An
/// inner group is of connected windows that do not reach the edge of the overlap, where the background of a
/// photographed page begins.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FineEvidence {
    /// Number of textured windows; 0 where no fine map was made.
    pub num_windows: u32,
    /// Median correlation of the textured windows, -1 to 1.
    pub agreement: f32,
    /// Correlation that a tenth of the textured windows stays below, -1 to 1.
    pub low: f32,
    /// Correlation that a fiftieth of those in the middle of the overlap stays below, -1 to 1.
    pub worst: f32,
    /// Share of windows that contradict, 0 to 1.
    pub contradicting: f32,
    /// Share of windows that show something else, 0 to 1.
    pub replaced: f32,
    /// The same deep inside of the overlap, 32 pixels and more from its edge; 0 to 1.
    pub deep_replaced: f32,
    /// The same in inner groups, 0 to 1.
    pub inner_replaced: f32,
    /// Windows in the largest inner group of contradicting ones.
    pub largest_contradiction: u32,
    /// Windows in the largest inner group of those that show something else.
    pub largest_replaced: u32,
    /// Lost correlation times texture, in units of the median texture, summed over the inner group of
    /// contradicting windows that has most of it.
    pub strength: f32,
    /// The same of windows that show something else.
    pub replaced_strength: f32,
    /// Difference of grey levels that a twentieth of the windows exceeds, after the brightness and
    /// contrast of the whole, in units of the standard deviation of the windows' means.
    pub tone: f32,
}

impl FineEvidence {
    /// Where no fine map was made.
    pub const NONE: Self = Self {
        num_windows: 0,
        agreement: -1.0,
        low: -1.0,
        worst: -1.0,
        contradicting: -1.0,
        replaced: -1.0,
        deep_replaced: -1.0,
        inner_replaced: -1.0,
        largest_contradiction: 0,
        largest_replaced: 0,
        strength: -1.0,
        replaced_strength: -1.0,
        tone: -1.0,
    };

    /// Share of windows that show something else, deep inside of the overlap or in inner groups; 0
    /// where no fine map was made.
    pub fn replaced_inside(&self) -> f32 {
        self.deep_replaced.max(self.inner_replaced).max(0.0)
    }

    /// Measures the evidence from the windows.
    pub fn new(map: &FineMap) -> Self {
        let textured: Vec<&FineWindow> = map
            .windows
            .iter()
            .flatten()
            .filter(|w| is_textured(w))
            .collect();
        if textured.is_empty() {
            return Self::NONE;
        }
        let count = textured.len() as f32;
        let correlations = sorted(textured.iter().map(|w| w.correlation));
        let (columns, rows) = (map.columns, map.windows.len() / map.columns);
        let is_middle = |at: usize, side: usize| {
            let part = (at as f32 + 0.5) / side as f32;
            part > OUTER && part < 1.0 - OUTER
        };
        let windows = || {
            let windows = map.windows.iter().enumerate();
            windows.filter_map(|(at, w)| Some((at, w.as_ref()?)))
        };
        let middle = windows().filter(|(at, w)| {
            is_textured(w) && is_middle(at % columns, columns) && is_middle(at / columns, rows)
        });
        let depth = depth(map);
        let deep = windows().filter(|(at, w)| is_replaced(w) && depth[*at] > DEEP);
        let typical = quantile(&sorted(textured.iter().map(|w| texture(w))), 0.5).max(1.0);
        let contradicting = inner_groups(map, &depth, contradicts);
        let replaced = inner_groups(map, &depth, is_replaced);
        let largest =
            |groups: &[Vec<&FineWindow>]| groups.iter().map(Vec::len).max().unwrap_or(0) as u32;
        let strength = |groups: &[Vec<&FineWindow>]| {
            let lost = |w: &&FineWindow| {
                let texture = w.deviation[0].max(w.deviation[1]) / typical;
                (1.0 - w.correlation) * texture.min(MAX_STRENGTH)
            };
            let sums = groups
                .iter()
                .map(|group| group.iter().map(lost).sum::<f32>());
            sums.fold(0.0, f32::max)
        };
        let share =
            |is: fn(&FineWindow) -> bool| textured.iter().filter(|w| is(w)).count() as f32 / count;
        Self {
            num_windows: textured.len() as u32,
            agreement: quantile(&correlations, 0.5),
            low: quantile(&correlations, 0.1),
            worst: quantile(&sorted(middle.map(|(_, w)| w.correlation)), 0.02),
            contradicting: share(contradicts),
            replaced: share(is_replaced),
            deep_replaced: deep.count() as f32 / count,
            inner_replaced: replaced.iter().map(Vec::len).sum::<usize>() as f32 / count,
            largest_contradiction: largest(&contradicting),
            largest_replaced: largest(&replaced),
            strength: strength(&contradicting),
            replaced_strength: strength(&replaced),
            tone: tone(map),
        }
    }
}

fn is_textured(window: &FineWindow) -> bool {
    CellVerdict::from(window) != CellVerdict::Plain
}

/// The standard deviation of the photo that has less, in grey levels.
fn texture(window: &FineWindow) -> f32 {
    window.deviation[0].min(window.deviation[1])
}

fn contradicts(window: &FineWindow) -> bool {
    CellVerdict::from(window) == CellVerdict::Contradicts
}

fn is_replaced(window: &FineWindow) -> bool {
    contradicts(window) && texture(window) > MIN_TEXTURE
}

/// The values, smallest first.
pub(super) fn sorted(values: impl Iterator<Item = f32>) -> Vec<f32> {
    let mut values: Vec<f32> = values.collect();
    values.sort_by(f32::total_cmp);
    values
}

/// The value that this part of the sorted values stays below; 0 of none.
pub(super) fn quantile(sorted: &[f32], part: f32) -> f32 {
    let last = sorted.len().saturating_sub(1) as f32;
    let at = (part * last).round() as usize;
    sorted.get(at).copied().unwrap_or(0.0)
}

/// Steps of each window to the edge of the overlap; 1 at the edge itself.
fn depth(map: &FineMap) -> Vec<u8> {
    let (columns, rows) = (map.columns, map.windows.len() / map.columns);
    let outside = drawn(columns, map.windows.len(), |at| map.windows[at].is_none());
    let steps = match map.windows.iter().all(Option::is_some) {
        true => None,
        false => Some(imageproc::distance_transform::distance_transform(
            &outside,
            Norm::LInf,
        )),
    };
    let to_border = |at: usize, side: usize| at.min(side - 1 - at) + 1;
    (0..map.windows.len())
        .map(|at| {
            let (x, y) = (at % columns, at / columns);
            let border = to_border(x, columns).min(to_border(y, rows)).min(255) as u8;
            let hole = steps.as_ref().map_or(255, |steps| steps.as_raw()[at]);
            border.min(hole)
        })
        .collect()
}

/// The connected groups of the windows that `is` names which do not reach the edge of the overlap.
fn inner_groups<'a>(
    map: &'a FineMap,
    depth: &[u8],
    is: impl Fn(&FineWindow) -> bool,
) -> Vec<Vec<&'a FineWindow>> {
    let named = drawn(map.columns, map.windows.len(), |at| {
        map.windows[at].as_ref().is_some_and(&is)
    });
    let groups = groups(&named, Connectivity::Eight, |at| depth[at] > 1);
    let windows = |group: Vec<usize>| group.into_iter().filter_map(|at| map.windows[at].as_ref());
    groups
        .into_iter()
        .map(|group| windows(group).collect())
        .collect()
}

/// See [`FineEvidence::tone`].
fn tone(map: &FineMap) -> f32 {
    let windows = || map.windows.iter().flatten();
    let standard = |photo: usize| {
        let count = windows().count().max(1) as f32;
        let mean = windows().map(|w| w.mean[photo]).sum::<f32>() / count;
        let squares = windows().map(|w| (w.mean[photo] - mean).powi(2));
        let deviation = (squares.sum::<f32>() / count).sqrt().max(1.0);
        move |w: &FineWindow| (w.mean[photo] - mean) / deviation
    };
    let (first, second) = (standard(0), standard(1));
    quantile(
        &sorted(windows().map(|w| (first(w) - second(w)).abs())),
        0.95,
    )
}

/// The cells of a map with their verdicts. A cell contradicts also with two small windows and more that show something
/// else, or with a difference that what agrees encloses.
pub fn verdicts(map: &AgreementMap) -> impl Iterator<Item = (&AgreementCell, CellVerdict)> {
    let mut replaced = [0u32; MAP_SIDE * MAP_SIDE];
    if let Some(fine) = &map.fine {
        for (at, window) in fine.windows.iter().enumerate() {
            let cell = cell(at, fine.columns, fine.windows.len());
            replaced[cell] += u32::from(window.as_ref().is_some_and(is_replaced));
        }
    }
    if let Some(differences) = &map.differences {
        for at in enclosed_blocks(differences) {
            replaced[cell(at, differences.columns, differences.blocks.len())] = MIN_REPLACED;
        }
    }
    let cells = map.cells.iter().zip(replaced);
    cells.filter_map(|(cell, replaced)| {
        let cell = cell.as_ref()?;
        let verdict = match replaced >= MIN_REPLACED {
            true => CellVerdict::Contradicts,
            false => CellVerdict::from(cell),
        };
        Some((cell, verdict))
    })
}

/// The cell of the map that holds one of `count` places in rows of `columns`. The outermost centres lie a window's half
/// inside of the frame, which a cell's index does not need.
fn cell(at: usize, columns: usize, count: usize) -> usize {
    let rows = count / columns;
    let (column, row) = (at % columns, at / columns);
    row * MAP_SIDE / rows * MAP_SIDE + column * MAP_SIDE / columns
}
