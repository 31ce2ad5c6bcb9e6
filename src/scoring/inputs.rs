//! Evidence as the input vectors of the judgement.
//!
//! Values of both photos enter as the greater and the lesser, so that swapping the photos changes
//! nothing.

use super::evidence::{FeatureEvidence, PixelEvidence};

/// Names of [`feature_inputs`], in order.
pub const FEATURE_INPUTS: [&str; 18] = [
    "ln_inliers",
    "ln_inlier_share",
    "global_similarity",
    "coverage_max",
    "coverage_min",
    "descriptor_similarity_mean",
    "descriptor_similarity_min",
    "descriptor_similarity_max",
    "ln_keypoints",
    "ln_guided",
    "guided_share",
    "ln_second_inliers",
    "ln_scale_change",
    "ln_stretch",
    "spread_max",
    "spread_min",
    "inlier_similarity",
    "best_inlier_similarity",
];

/// Names of the values of [`pixel_inputs`] after [`FEATURE_INPUTS`], in order.
pub const PIXEL_INPUTS: [&str; 71] = [
    "overlap_max",
    "overlap_min",
    "agreement",
    "attended_agreement",
    "middle_agreement",
    "subject_agreement",
    "coarse_agreement",
    "inlier_agreement",
    "agreeing_share",
    "contradicting_share",
    "contradicted_attention",
    "middle_contradiction",
    "worst_blocks",
    "median_block",
    "best_blocks",
    "explained_attention_max",
    "explained_attention_min",
    "ln_color_difference",
    "ln_middle_color_difference",
    "ln_relative_color_difference",
    "ln_saturation",
    "shift",
    "roughness",
    "ln_texture",
    "texture_balance",
    "middle_descriptor_similarity",
    "inlier_cells",
    "best_middle_agreement",
    "least_agreement",
    "fine_loss",
    "planar_share",
    "fine_windows",
    "fine_agreement",
    "fine_low",
    "fine_worst",
    "fine_contradicting",
    "fine_replaced",
    "fine_deep_replaced",
    "fine_inner_replaced",
    "fine_largest_contradiction",
    "fine_largest_replaced",
    "fine_strength",
    "fine_replaced_strength",
    "fine_tone",
    "ln_local_color_difference",
    "difference_region",
    "difference_agreeing",
    "difference_ln_contrast",
    "difference_error",
    "difference_high_error",
    "difference_high",
    "difference_highest",
    "difference_enclosed",
    "difference_weight",
    "difference_blocks",
    "difference_balance",
    "difference_correlation",
    "difference_groups",
    "difference_share",
    "difference_replaced",
    "difference_nearby",
    "difference_levels",
    "difference_rearranged",
    "difference_following",
    "difference_all_following",
    "difference_movement",
    "difference_high_movement",
    "difference_near_movement",
    "difference_near_error",
    "difference_wide_weight",
    "difference_wide_region",
];

/// The input vector of features.
pub fn feature_inputs(evidence: &FeatureEvidence) -> [f32; FEATURE_INPUTS.len()] {
    let [matches, inliers] = [evidence.num_matches, evidence.num_inliers].map(|n| n as f32);
    let [max, min] = ordered(evidence.coverage);
    let [most, least] = ordered(evidence.descriptor_similarity);
    let guided = evidence.num_guided as f32;
    let transform = &evidence.transform;
    let [most_spread, least_spread] = ordered(transform.spread);
    let [keypoints1, keypoints2] = evidence.num_keypoints.map(|n| n as f32);
    [
        inliers.ln_1p(),
        (inliers.max(1.0) / matches.max(1.0)).ln(),
        evidence.global_similarity,
        max,
        min,
        0.5 * (most + least),
        least,
        most,
        (0.5 * (keypoints1 + keypoints2)).ln_1p(),
        guided.ln_1p(),
        guided / keypoints1.min(keypoints2).max(1.0),
        (evidence.num_second_inliers as f32).ln_1p(),
        transform.scale_change.ln(),
        transform.stretch.ln(),
        most_spread,
        least_spread,
        transform.similarity,
        transform.best_similarity,
    ]
}

/// The input vector of features and pixels.
pub fn pixel_inputs(features: &FeatureEvidence, pixels: &PixelEvidence) -> Vec<f32> {
    let [overlap_max, overlap_min] = ordered(pixels.overlap);
    let [explained_max, explained_min] = ordered(pixels.explained_attention);
    let agreements = [
        pixels.agreement,
        pixels.attended_agreement,
        pixels.middle_agreement,
        pixels.subject_agreement,
    ];
    let differences = &pixels.differences;
    let mut inputs = feature_inputs(features).to_vec();
    let values: [f32; PIXEL_INPUTS.len()] = [
        overlap_max,
        overlap_min,
        pixels.agreement,
        pixels.attended_agreement,
        pixels.middle_agreement,
        pixels.subject_agreement,
        pixels.coarse_agreement,
        pixels.inlier_agreement,
        pixels.agreeing_share,
        pixels.contradicting_share,
        pixels.contradicted_attention,
        pixels.middle_contradiction,
        pixels.blocks[0],
        pixels.blocks[1],
        pixels.blocks[2],
        explained_max,
        explained_min,
        pixels.color_difference.ln_1p(),
        pixels.middle_color_difference.ln_1p(),
        pixels.relative_color_difference.ln_1p(),
        pixels.saturation.ln_1p(),
        pixels.shift,
        pixels.roughness,
        pixels.texture.ln_1p(),
        pixels.texture_balance,
        pixels.middle_descriptor_similarity,
        pixels.inlier_cells,
        pixels.middle_agreement.max(pixels.subject_agreement),
        agreements.into_iter().fold(f32::INFINITY, f32::min),
        pixels.coarse_agreement - pixels.attended_agreement,
        pixels.planar_share,
        (pixels.fine.num_windows as f32).ln_1p(),
        pixels.fine.agreement,
        pixels.fine.low,
        pixels.fine.worst,
        pixels.fine.contradicting,
        pixels.fine.replaced,
        pixels.fine.deep_replaced,
        pixels.fine.inner_replaced,
        (pixels.fine.largest_contradiction as f32).ln_1p(),
        (pixels.fine.largest_replaced as f32).ln_1p(),
        pixels.fine.strength,
        pixels.fine.replaced_strength,
        pixels.fine.tone,
        pixels.local_color_difference.ln_1p(),
        differences.region,
        differences.agreeing,
        differences.contrast.ln_1p(),
        differences.error,
        differences.high_error,
        differences.high,
        differences.highest,
        differences.enclosed,
        differences.weight,
        (differences.blocks as f32).ln_1p(),
        differences.balance,
        differences.correlation,
        (differences.groups as f32).ln_1p(),
        differences.share,
        differences.replaced,
        differences.nearby,
        differences.levels,
        differences.rearranged,
        differences.following,
        differences.all_following,
        differences.movement,
        differences.high_movement,
        differences.near_movement,
        differences.near_error,
        differences.wide_weight,
        differences.wide_region,
    ];
    inputs.extend(values);
    inputs
}

/// The greater and the lesser.
fn ordered([a, b]: [f32; 2]) -> [f32; 2] {
    [a.max(b), a.min(b)]
}
