//! Evidence: measurements of a pair, from features and from pixels.
//!
//! Plain values without thresholds of a verdict; [`super::Judgement`] maps them to log-odds. Features give
//! [`FeatureEvidence`], pixels give [`PixelEvidence`]. Swapping the photos changes no value but the order of pairs
//! of values.

use std::collections::BTreeMap;

use nalgebra::{Matrix3, Point2};
use serde::{Deserialize, Serialize};

use super::cells::CellVerdict;
use super::differences::DifferenceEvidence;
use super::fine::{FineEvidence, quantile};
use super::guided::{Guided, KeypointTree, guided_matches};
use super::transform::TransformEvidence;
use crate::features::FeatureSet;
use crate::geometry::inverse;
use crate::refinement::{AGREES, AgreementCell, AgreementMap, MAP_SIDE};

/// Radius of the search for a keypoint's partner, as a part of the photo's longer side.
const GUIDED_RADIUS: f64 = 16.0 / 480.0;
/// Texture beyond this standard deviation counts no more, in grey levels.
const MAX_TEXTURE: f32 = 20.0;
/// Cells that moved further do not follow one homography, as a part of the overlap's side.
const MAX_PLANAR_SHIFT: f32 = 1.6 / 256.0;
/// Standard deviation of the weight of the middle, as a part of the side.
const MIDDLE: f32 = 0.25;
/// Attention of a cell without keypoints, in units of the mean attention of a keypoint.
const LEAST_ATTENTION: f32 = 0.05;
/// Guided matches with a similarity from this count as found.
const FOUND_SIMILARITY: f32 = 0.6;
/// Cells along each side of a block.
const BLOCK: usize = 4;
const NUM_BLOCKS: usize = MAP_SIDE / BLOCK;

/// Evidence from the features of two photos with a common transform.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FeatureEvidence {
    /// Pairs of similar descriptors.
    pub num_matches: u32,
    /// Matches that the transform explains.
    pub num_inliers: u32,
    /// Similarity of the photos as wholes, -1 to 1 ([`FeatureSet::global_similarity`]); 0 without
    /// global descriptors.
    pub global_similarity: f32,
    /// Part of each photo's attention that lies where the other photo shows the same place, 0 to 1.
    pub coverage: [f32; 2],
    /// Mean similarity of each photo's descriptors in the overlap with the best near the same place
    /// of the other photo, weighted by attention; -1 to 1.
    pub descriptor_similarity: [f32; 2],
    /// Keypoints of each photo in the overlap.
    pub num_keypoints: [u32; 2],
    /// Keypoints of both photos that are each other's most similar one near their place under the transform, with a
    /// similarity of 0.6 and more.
    pub num_guided: u32,
    /// Matches that a second transform explains, of those that the first does not.
    pub num_second_inliers: u32,
    /// Plausibility of the transform.
    pub transform: TransformEvidence,
}

/// Evidence from the pixels of two aligned photos. Correlations are zero-mean and normalised, -1 to 1; "by
/// attention" weighs a cell by the attention of the keypoints of both photos in it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PixelEvidence {
    /// Part of each photo's area that lies in the overlap, 0 to 1.
    pub overlap: [f32; 2],
    /// Mean correlation of the overlap's cells, by texture.
    pub agreement: f32,
    /// The same by attention.
    pub attended_agreement: f32,
    /// The same by texture in the middle of the overlap.
    pub middle_agreement: f32,
    /// The same by texture in the middle of both photos.
    pub subject_agreement: f32,
    /// The same by attention, at half the resolution.
    pub coarse_agreement: f32,
    /// The same over the cells that hold inliers.
    pub inlier_agreement: f32,
    /// Share of the textured cells that agree (correlation of 0.7 and more), 0 to 1.
    pub agreeing_share: f32,
    /// Share of the textured cells that contradict (correlation below 0.4), 0 to 1.
    pub contradicting_share: f32,
    /// Share of the attention of textured cells that falls on contradicting ones, 0 to 1.
    pub contradicted_attention: f32,
    /// Share of contradicting cells in the middle of the overlap, 0 to 1.
    pub middle_contradiction: f32,
    /// Mean correlation of blocks of 4 x 4 cells: the tenth, the half and nine tenths of them have at
    /// most this.
    pub blocks: [f32; 3],
    /// Part of each photo's attention that lies in cells near inliers which agree, 0 to 1.
    pub explained_attention: [f32; 2],
    /// Mean distance of the colours' a* and b* (CIELAB), by attention.
    pub color_difference: f32,
    /// The same in the middle of the overlap.
    pub middle_color_difference: f32,
    /// The same by attention with the median difference taken off, which takes off the light.
    pub relative_color_difference: f32,
    /// Distance of a* and b* that a twentieth of the overlap exceeds, after the shift and the scale of
    /// the colours of the whole.
    pub local_color_difference: f32,
    /// Mean distance of a* and b* from grey, by attention, of the photo that has less.
    pub saturation: f32,
    /// Share of the textured cells that agree and follow one homography, 0 to 1; 0 without one.
    pub planar_share: f32,
    /// Shift of cells from their place under the transform, by texture, as a part of the overlap's side.
    pub shift: f32,
    /// Shift of cells against their neighbours, likewise.
    pub roughness: f32,
    /// Mean standard deviation of the cells' grey levels, of the photo that has more there.
    pub texture: f32,
    /// Mean ratio of the lesser to the greater texture, by texture, 0 to 1.
    pub texture_balance: f32,
    /// Mean similarity of descriptors in the middle of the overlap, by attention, -1 to 1.
    pub middle_descriptor_similarity: f32,
    /// Share of the map's cells that hold an inlier, 0 to 1.
    pub inlier_cells: f32,
    /// The greater over the lesser scale of the transform in the middle of the overlap, from 1 up.
    pub stretch: f32,
    /// Evidence from small windows, where one homography aligns most of the overlap; else [`FineEvidence::NONE`].
    pub fine: FineEvidence,
    /// Evidence from what differs after alignment, where one homography aligns many cells; else
    /// [`DifferenceEvidence::NONE`].
    pub differences: DifferenceEvidence,
}

/// Evidence of two photos with a common transform.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairEvidence {
    /// From features.
    pub features: FeatureEvidence,
    /// From pixels; none where they were not compared.
    pub pixels: Option<PixelEvidence>,
}

impl PairEvidence {
    /// The same of the photos in the other order.
    #[must_use]
    pub fn swapped(mut self) -> Self {
        self.features.coverage.swap(0, 1);
        self.features.descriptor_similarity.swap(0, 1);
        self.features.num_keypoints.swap(0, 1);
        self.features.transform.spread.swap(0, 1);
        if let Some(pixels) = &mut self.pixels {
            pixels.overlap.swap(0, 1);
            pixels.explained_attention.swap(0, 1);
        }
        self
    }
}

/// Guided matches of the keypoints of both photos.
pub struct GuidedMatches {
    /// From photo 1 to photo 2, then from photo 2 to photo 1.
    pub both: [Vec<Guided>; 2],
}

impl GuidedMatches {
    /// Finds the partners of both photos' keypoints under `matrix`, which maps photo 1 to photo 2; none for a
    /// matrix without an inverse.
    pub fn new(
        features: [&FeatureSet; 2],
        trees: [&KeypointTree; 2],
        matrix: &Matrix3<f64>,
    ) -> Option<Self> {
        let back = inverse(matrix)?;
        let radius = |features: &FeatureSet| {
            GUIDED_RADIUS * f64::from(features.width().max(features.height()))
        };
        let [a, b] = features;
        Some(Self {
            both: [
                guided_matches(a, b, trees[1], matrix, radius(b)),
                guided_matches(b, a, trees[0], &back, radius(a)),
            ],
        })
    }
}

impl GuidedMatches {
    /// Keypoints of both photos that are each other's partner with at least this similarity.
    fn num_mutual(&self, min_similarity: f32) -> usize {
        let [forward, backward] = &self.both;
        let partner: BTreeMap<usize, usize> = backward
            .iter()
            .filter_map(|guided| Some((guided.index1, guided.index2?)))
            .collect();
        let is_mutual = |guided: &&Guided| {
            let there = guided.index2.and_then(|index2| partner.get(&index2));
            guided.similarity >= min_similarity && there == Some(&guided.index1)
        };
        forward.iter().filter(is_mutual).count()
    }
}

impl FeatureEvidence {
    /// Measures the evidence from features. `inliers` are the matches that `matrix` explains, each a keypoint of
    /// photo 1 and one of photo 2; it maps photo 1 to photo 2.
    pub fn new(
        features: [&FeatureSet; 2],
        num_matches: usize,
        matrix: &Matrix3<f64>,
        inliers: &[[usize; 2]],
        global_similarity: f64,
        num_second_inliers: usize,
        guided: &GuidedMatches,
    ) -> Self {
        let mut evidence = Self {
            num_matches: num_matches as u32,
            num_inliers: inliers.len() as u32,
            global_similarity: global_similarity as f32,
            coverage: [0.0; 2],
            descriptor_similarity: [0.0; 2],
            num_keypoints: [0; 2],
            num_guided: guided.num_mutual(FOUND_SIMILARITY) as u32,
            num_second_inliers: num_second_inliers as u32,
            transform: TransformEvidence::new(features, matrix, inliers),
        };
        for (photo, (features, guided)) in features.iter().zip(&guided.both).enumerate() {
            let keypoints = features.keypoints();
            let score = |guided: &Guided| keypoints[guided.index1].score;
            let all: f32 = keypoints.iter().map(|k| k.score).sum();
            let inside: f32 = guided.iter().map(score).sum();
            let similar: f32 = guided.iter().map(|g| score(g) * g.similarity).sum();
            evidence.coverage[photo] = ratio(inside, all);
            evidence.descriptor_similarity[photo] = ratio(similar, inside);
            evidence.num_keypoints[photo] = guided.len() as u32;
        }
        evidence
    }
}

#[cfg(test)]
impl FeatureEvidence {
    /// With this many inliers, middling otherwise.
    pub(crate) fn of(num_inliers: u32) -> Self {
        Self {
            num_matches: 50,
            num_inliers,
            global_similarity: 0.5,
            coverage: [0.5, 0.9],
            descriptor_similarity: [0.4, 0.6],
            num_keypoints: [200, 300],
            num_guided: 40,
            num_second_inliers: 3,
            transform: TransformEvidence {
                scale_change: 1.2,
                stretch: 1.1,
                spread: [0.2, 0.25],
                similarity: 0.8,
                best_similarity: 0.9,
            },
        }
    }
}

/// Sums of weighted values.
#[derive(Default, Clone, Copy)]
struct Mean {
    sum: f32,
    weight: f32,
}

impl Mean {
    fn add(&mut self, value: f32, weight: f32) {
        self.sum += weight * value;
        self.weight += weight;
    }

    fn value(self) -> f32 {
        ratio(self.sum, self.weight)
    }
}

/// The means of [`PixelEvidence`] over the cells of a map.
#[derive(Default)]
struct Means {
    agreement: Mean,
    attended_agreement: Mean,
    middle_agreement: Mean,
    subject_agreement: Mean,
    coarse_agreement: Mean,
    agreeing_share: Mean,
    contradicting_share: Mean,
    contradicted_attention: Mean,
    middle_contradiction: Mean,
    color_difference: Mean,
    middle_color_difference: Mean,
    shift: Mean,
    roughness: Mean,
    texture: Mean,
    texture_balance: Mean,
    inlier_agreement: Mean,
    planar_share: Mean,
}

fn ratio(part: f32, whole: f32) -> f32 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

/// Weight of a place `distance` from the middle, as a part of the side.
fn middle_weight(x: f32, y: f32) -> f32 {
    (-(x * x + y * y) / (2.0 * MIDDLE * MIDDLE)).exp()
}

impl PixelEvidence {
    /// Measures the evidence from pixels. `inliers` are places in photo 1 and photo 2.
    pub fn new(
        features: [&FeatureSet; 2],
        guided: &GuidedMatches,
        inliers: impl Iterator<Item = (Point2<f64>, Point2<f64>)>,
        map: &AgreementMap,
    ) -> Self {
        let attention = Attention::new(features, guided, inliers, map);
        let mut means = Means::default();
        let mut blocks = vec![Mean::default(); NUM_BLOCKS * NUM_BLOCKS];
        let mut differences: [Vec<f32>; 2] = [Vec::new(), Vec::new()];
        let mut explained = [0.0f32; 2];
        let mut num_inlier_cells = 0;
        let halves = features.map(|f| [0.5 * f.width() as f32, 0.5 * f.height() as f32]);
        for (at, cell) in map.cells.iter().enumerate() {
            let Some(cell) = cell else { continue };
            let (row, column) = (at / MAP_SIDE, at % MAP_SIDE);
            let part = |i: usize| (i as f32 + 0.5) / MAP_SIDE as f32 - 0.5;
            let middle = middle_weight(part(column), part(row));
            let subject = subject_weight(cell, halves);
            let [deviation1, deviation2] = cell.deviation;
            let deviation = deviation1.max(deviation2);
            let texture = deviation.min(MAX_TEXTURE);
            let by_attention = attention.weight(at);
            let correlation = cell.correlation;
            let color = [0, 1].map(|i| cell.chroma[0][i] - cell.chroma[1][i]);
            let distance = color[0].hypot(color[1]);
            means.agreement.add(correlation, texture);
            means.attended_agreement.add(correlation, by_attention);
            means.middle_agreement.add(correlation, texture * middle);
            means.subject_agreement.add(correlation, texture * subject);
            means
                .coarse_agreement
                .add(cell.coarse_correlation, by_attention);
            let verdict = CellVerdict::from(cell);
            if verdict != CellVerdict::Plain {
                let [agrees, contradicts] = [CellVerdict::Agrees, CellVerdict::Contradicts]
                    .map(|is| f32::from(u8::from(verdict == is)));
                means.agreeing_share.add(agrees, 1.0);
                means.contradicting_share.add(contradicts, 1.0);
                means.contradicted_attention.add(contradicts, by_attention);
                means.middle_contradiction.add(contradicts, middle);
                let is_planar = map.is_planar && cell.shift <= MAX_PLANAR_SHIFT;
                means
                    .planar_share
                    .add(if is_planar { agrees } else { 0.0 }, 1.0);
            }
            means.color_difference.add(distance, by_attention);
            means.middle_color_difference.add(distance, middle);
            means.shift.add(cell.shift, texture);
            means.roughness.add(cell.roughness, texture);
            means.texture.add(deviation, 1.0);
            means.texture_balance.add(
                ratio(deviation1.min(deviation2), deviation.max(1.0)),
                texture,
            );
            if attention.inliers[at] > 0 {
                means.inlier_agreement.add(correlation, 1.0);
                num_inlier_cells += 1;
            }
            if attention.is_near_inlier(at) && correlation >= AGREES {
                explained[0] += attention.both[0][at];
                explained[1] += attention.both[1][at];
            }
            blocks[(row / BLOCK) * NUM_BLOCKS + column / BLOCK].add(correlation, texture + 1e-3);
            for (values, value) in differences.iter_mut().zip(color) {
                values.push(value);
            }
        }
        let all: f32 = blocks.iter().map(|b| b.weight).sum::<f32>() / blocks.len() as f32;
        let mut by_block: Vec<f32> = blocks
            .iter()
            .filter(|block| block.weight > 0.15 * all)
            .map(|block| block.value())
            .collect();
        by_block.sort_by(f32::total_cmp);
        Self {
            overlap: map.overlap,
            agreement: means.agreement.value(),
            attended_agreement: means.attended_agreement.value(),
            middle_agreement: means.middle_agreement.value(),
            subject_agreement: means.subject_agreement.value(),
            coarse_agreement: means.coarse_agreement.value(),
            inlier_agreement: means.inlier_agreement.value(),
            agreeing_share: means.agreeing_share.value(),
            contradicting_share: means.contradicting_share.value(),
            contradicted_attention: means.contradicted_attention.value(),
            middle_contradiction: means.middle_contradiction.value(),
            blocks: [0.1, 0.5, 0.9].map(|part| quantile(&by_block, part)),
            explained_attention: [0, 1].map(|photo| ratio(explained[photo], attention.all[photo])),
            color_difference: means.color_difference.value(),
            middle_color_difference: means.middle_color_difference.value(),
            relative_color_difference: relative_difference(map, &attention, &mut differences),
            local_color_difference: local_color_difference(map),
            saturation: saturation(map, &attention),
            planar_share: means.planar_share.value(),
            shift: means.shift.value(),
            roughness: means.roughness.value(),
            texture: means.texture.value(),
            texture_balance: means.texture_balance.value(),
            middle_descriptor_similarity: attention.middle_similarity(),
            inlier_cells: num_inlier_cells as f32 / (MAP_SIDE * MAP_SIDE) as f32,
            stretch: map.stretch,
            fine: map
                .fine
                .as_ref()
                .map_or(FineEvidence::NONE, FineEvidence::new),
            differences: map
                .differences
                .as_ref()
                .map_or(DifferenceEvidence::NONE, DifferenceEvidence::new),
        }
    }
}

/// Weight of the middle of both photos: the square root of the product of both weights.
fn subject_weight(cell: &AgreementCell, halves: [[f32; 2]; 2]) -> f32 {
    let weight = |point: Point2<f64>, [half_x, half_y]: [f32; 2]| {
        let x = (point.x as f32 + 0.5) / half_x - 1.0;
        let y = (point.y as f32 + 0.5) / half_y - 1.0;
        middle_weight(0.5 * x, 0.5 * y)
    };
    (weight(cell.point1, halves[0]) * weight(cell.point2, halves[1])).sqrt()
}

/// Mean distance of colours with the median difference of each channel taken off.
fn relative_difference(
    map: &AgreementMap,
    attention: &Attention,
    differences: &mut [Vec<f32>; 2],
) -> f32 {
    let medians = [0, 1].map(|i| {
        let values = &mut differences[i];
        values.sort_by(f32::total_cmp);
        let middle = |at: usize| values.get(at).copied().unwrap_or(0.0);
        0.5 * (middle(values.len() / 2) + middle(values.len().saturating_sub(1) / 2))
    });
    let mut mean = Mean::default();
    for (at, cell) in map.cells.iter().enumerate() {
        if let Some(cell) = cell {
            let [a, b] = [0, 1].map(|i| cell.chroma[0][i] - cell.chroma[1][i] - medians[i]);
            mean.add(a.hypot(b), attention.weight(at));
        }
    }
    mean.value()
}

/// See [`PixelEvidence::local_color_difference`].
fn local_color_difference(map: &AgreementMap) -> f32 {
    let cells = || map.cells.iter().flatten();
    let count = cells().count().max(1) as f32;
    let means = [0, 1].map(|photo| {
        [0, 1].map(|i| cells().map(|cell| cell.chroma[photo][i]).sum::<f32>() / count)
    });
    let moment = |one: usize, other: usize| {
        let centred =
            |cell: &AgreementCell, photo: usize, i: usize| cell.chroma[photo][i] - means[photo][i];
        let product =
            |cell: &AgreementCell| [0, 1].map(|i| centred(cell, one, i) * centred(cell, other, i));
        cells().flat_map(product).sum::<f32>()
    };
    // The photo with less colour is predicted from the one with more.
    let more = if moment(0, 0) >= moment(1, 1) { 0 } else { 1 };
    let scale = ratio(moment(0, 1), moment(more, more)).max(0.0);
    let mut errors: Vec<f32> = cells()
        .map(|cell| {
            let error = [0, 1].map(|i| {
                let expected = scale * (cell.chroma[more][i] - means[more][i]);
                cell.chroma[1 - more][i] - means[1 - more][i] - expected
            });
            error[0].hypot(error[1])
        })
        .collect();
    errors.sort_by(f32::total_cmp);
    let at = errors.len() * 19 / 20;
    errors.get(at).copied().unwrap_or(0.0)
}

fn saturation(map: &AgreementMap, attention: &Attention) -> f32 {
    let mut mean = [Mean::default(); 2];
    for (at, cell) in map.cells.iter().enumerate() {
        if let Some(cell) = cell {
            let weight = attention.weight(at);
            for (mean, [a, b]) in mean.iter_mut().zip(cell.chroma) {
                mean.add(a.hypot(b), weight);
            }
        }
    }
    mean[0].value().min(mean[1].value())
}

/// Attention, similarity and inliers by the cells of a map.
struct Attention {
    /// Of each photo, in units of the mean attention of its keypoints.
    both: [Vec<f32>; 2],
    /// All attention of each photo, likewise.
    all: [f32; 2],
    /// Inliers of each cell.
    inliers: Vec<u32>,
    /// Descriptor similarity in the middle.
    middle: Mean,
}

impl Attention {
    fn new(
        features: [&FeatureSet; 2],
        guided: &GuidedMatches,
        inliers: impl Iterator<Item = (Point2<f64>, Point2<f64>)>,
        map: &AgreementMap,
    ) -> Self {
        let num_cells = MAP_SIDE * MAP_SIDE;
        let mut own = Self {
            both: [vec![0.0; num_cells], vec![0.0; num_cells]],
            all: [0.0; 2],
            inliers: vec![0; num_cells],
            middle: Mean::default(),
        };
        for (photo, features) in features.into_iter().enumerate() {
            let keypoints = features.keypoints();
            let mean =
                keypoints.iter().map(|k| k.score).sum::<f32>() / keypoints.len().max(1) as f32;
            own.all[photo] = keypoints.len() as f32;
            for guided in &guided.both[photo] {
                let keypoint = &keypoints[guided.index1];
                let place = Point2::new(f64::from(keypoint.x), f64::from(keypoint.y));
                let Some(at) = map.cell_at(photo, place) else {
                    continue;
                };
                let weight = ratio(keypoint.score, mean);
                own.both[photo][at] += weight;
                let part = |i: usize| (i as f32 + 0.5) / MAP_SIDE as f32 - 0.5;
                let middle = middle_weight(part(at % MAP_SIDE), part(at / MAP_SIDE));
                own.middle.add(guided.similarity, weight * middle);
            }
        }
        for (point1, point2) in inliers {
            // An inlier may be off by some pixels: it counts in the cell of either place.
            let cells = [map.cell_at(0, point1), map.cell_at(1, point2)];
            for at in cells.into_iter().flatten() {
                own.inliers[at] += 1;
            }
        }
        own
    }

    /// Weight of a cell by the attention of both photos.
    fn weight(&self, at: usize) -> f32 {
        self.both[0][at] + self.both[1][at] + LEAST_ATTENTION
    }

    /// Whether the cell or one beside it holds an inlier.
    fn is_near_inlier(&self, at: usize) -> bool {
        let (row, column) = (at / MAP_SIDE, at % MAP_SIDE);
        let around = |i: usize| i.saturating_sub(1)..=(i + 1).min(MAP_SIDE - 1);
        around(row).any(|y| around(column).any(|x| self.inliers[y * MAP_SIDE + x] > 0))
    }

    fn middle_similarity(&self) -> f32 {
        self.middle.value()
    }
}
