//! `delfin match`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use delfin::geometry::TransformKind;

use super::{DescriptorSearchArgs, ExtractionArgs, defaults, model_defaults};

#[derive(Debug, Args)]
pub(crate) struct MatchArgs {
    /// Photo 1, the thing to find.
    #[arg(value_name = "IMAGE1", value_hint = ValueHint::FilePath)]
    pub(crate) image1: PathBuf,

    /// Photo 2, the photo to search.
    #[arg(value_name = "IMAGE2", value_hint = ValueHint::FilePath)]
    pub(crate) image2: PathBuf,

    /// Draw the match into this file (.png, .jpg, .webp, .gif, .bmp or .tiff).
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,

    /// Overwrite files that delfin did not make.
    #[arg(long)]
    pub(crate) force: bool,

    /// Print one JSON object instead of text; docs/matching.md lists its fields.
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) extraction: ExtractionArgs,

    /// Use the matching and geometry options of this preset; other flags override it.
    #[arg(long, value_enum, value_name = "NAME")]
    pub(crate) preset: Option<Preset>,

    #[arg(long, value_name = "D", help = defaults(
        "Largest distance of two matching descriptors, above 0; unit vectors are at most 2 apart",
        model_defaults().matching.max_distance.unwrap_or_default()))]
    pub(crate) max_distance: Option<f32>,

    /// Ratio test: keep a match only if its distance is below R times that of the second nearest descriptor; R is
    /// above 0 and at most 1 [default: no such test].
    #[arg(id = "max_ratio", long = "ratio", value_name = "R")]
    pub(crate) ratio: Option<f32>,

    #[command(flatten)]
    pub(crate) descriptors: DescriptorSearchArgs,

    #[arg(long, value_name = "KIND", value_parser = kind_of, help = defaults(
        "The transform from photo 1 to photo 2: similarity, affine or homography",
        format_args!("{}, refined to a {}", model_defaults().verification.kind,
            model_defaults().refined_kind)))]
    pub(crate) model_kind: Option<TransformKind>,

    #[arg(long, value_name = "PX", help = defaults(
        "Largest error of an inlier before refinement, in pixels of a photo whose longest side is --max-size",
        model_defaults().verification.ransac.max_error_px))]
    pub(crate) max_error_px: Option<f64>,

    #[arg(long, value_name = "P", conflicts_with = "min_inliers", help = defaults(
        "Answer yes from this probability of showing the same thing on, above 0 and below 1",
        model_defaults().min_probability.unwrap_or_default()))]
    pub(crate) min_probability: Option<f64>,

    /// Answer yes from this number of inliers on, and ignore the probability [default: the probability decides].
    #[arg(long, value_name = "N")]
    pub(crate) min_inliers: Option<usize>,

    /// Also find photo 1 mirrored.
    #[arg(long)]
    pub(crate) mirrored: bool,

    /// Skip the refinement and the pixel comparison. The probability then comes from features alone; `relation` is
    /// unknown.
    #[arg(long)]
    pub(crate) no_refine: bool,

    /// Seed of the random samples [default: made from the two photos' content].
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
}

/// The kind of this name; the error is the reason alone, as clap names the flag.
fn kind_of(name: &str) -> Result<TransformKind, String> {
    name.parse().map_err(|error| match error {
        delfin::Error::InvalidOption { reason, .. } => reason,
        other => other.to_string(),
    })
}

/// A named set of options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Preset {
    /// DELF's options: one-way nearest neighbours within 0.8, affine, 20 px, 1000 trials, no refinement and no
    /// pixel comparison.
    Delf,
}
