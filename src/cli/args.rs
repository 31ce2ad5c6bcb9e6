//! The command line's definition, and nothing else.

use std::fmt::Display;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use delfin::extract::ExtractionOptions;
use delfin::geometry::TransformKind;
use delfin::pipeline::MatchOptions;

/// Finds the same thing in photographs.
///
/// Exit codes: 0 yes or done, 1 it ran and the answer is no, 2 something failed.
#[derive(Debug, Parser)]
#[command(
    name = "delfin",
    version,
    propagate_version = true,
    max_term_width = 100
)]
pub(crate) struct Cli {
    /// Threads to compute on [default: one for each core]. Results do not depend on it.
    #[arg(long, global = true, value_name = "N")]
    pub(crate) threads: Option<NonZeroUsize>,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say whether two photos show the same thing, and where.
    Match(MatchArgs),
    /// Write the features of photos to files.
    Extract(ExtractArgs),
    /// Show the networks that can be used.
    Model(ModelArgs),
    /// Print a completion script for a shell.
    Completions(CompletionsArgs),
    /// Print the manual page, or write one page a command into a folder.
    Man(ManArgs),
}

#[derive(Debug, Args)]
pub(crate) struct MatchArgs {
    /// Photo 1, the one that is looked for.
    #[arg(value_name = "IMAGE1", value_hint = ValueHint::FilePath)]
    pub(crate) image1: PathBuf,

    /// Photo 2, the one that is searched.
    #[arg(value_name = "IMAGE2", value_hint = ValueHint::FilePath)]
    pub(crate) image2: PathBuf,

    /// Draw the match into this file (.png, .jpg, .webp, .bmp or .tiff).
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,

    /// Print one JSON object instead of text; README.md lists its fields.
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) extraction: ExtractionArgs,

    /// Take every constant of matching and geometry from this preset; flags given beside it win.
    #[arg(long, value_enum, value_name = "NAME")]
    pub(crate) preset: Option<Preset>,

    #[arg(long, value_name = "D", help = defaults(
        "Largest distance of two matching descriptors, from 0 to 2",
        model_defaults().matching.max_distance.unwrap_or_default()))]
    pub(crate) max_distance: Option<f32>,

    /// Keep a match only if the nearest descriptor is this much nearer than the second nearest,
    /// above 0 to 1 [default: no such test].
    #[arg(long, value_name = "R")]
    pub(crate) ratio: Option<f32>,

    #[arg(long, value_name = "KIND", help = defaults(
        "The transform from photo 1 to photo 2: similarity, affine or homography",
        format_args!("{}, refined to a {}", model_defaults().verification.kind,
            model_defaults().refined_kind)))]
    pub(crate) model_kind: Option<TransformKind>,

    #[arg(long, value_name = "PX", help = defaults(
        "Largest error of an inlier before refinement, in pixels of a photo whose longest side is --max-size",
        model_defaults().verification.ransac.max_error_px))]
    pub(crate) max_error_px: Option<f64>,

    #[arg(long, value_name = "N", help = defaults(
        "Inliers from which the answer is yes", model_defaults().min_inliers))]
    pub(crate) min_inliers: Option<usize>,

    /// Do not refine the transform and the inliers to the pixel.
    #[arg(long)]
    pub(crate) no_refine: bool,

    /// Seed of the random samples [default: made from the two photos' content].
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
}

/// A named set of constants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Preset {
    /// DELF's own: one-way nearest neighbours within 0.8, affine, 20 px, 1000 trials, no refinement.
    Delf,
}

#[derive(Debug, Args)]
pub(crate) struct ExtractionArgs {
    /// Use this ONNX file, described by the manifest.toml beside it [default: the built-in network].
    #[arg(long, value_name = "FILE.onnx", value_hint = ValueHint::FilePath)]
    pub(crate) model: Option<PathBuf>,

    #[arg(long, value_name = "N", help = defaults(
        "Keypoints kept of each photo", ExtractionOptions::default().max_features))]
    pub(crate) max_features: Option<usize>,

    #[arg(long, value_name = "PX", help = defaults(
        "Longest side of a photo at scale 1, in pixels", ExtractionOptions::default().max_size))]
    pub(crate) max_size: Option<u32>,

    #[arg(long, value_name = "S,S,..", value_delimiter = ',', help = defaults(
        "Scales of the image pyramid", list(&ExtractionOptions::default().scales)))]
    pub(crate) scales: Option<Vec<f32>>,
}

#[derive(Debug, Args)]
pub(crate) struct ExtractArgs {
    /// Photos, or folders whose photos are taken with those of their sub-folders.
    #[arg(required = true, value_name = "PATHS", value_hint = ValueHint::AnyPath)]
    pub(crate) paths: Vec<PathBuf>,

    /// Folder to write to; made when it is not there.
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) output: PathBuf,

    /// The files' format.
    #[arg(long, value_enum, default_value_t = FeatureFormat::Delf)]
    pub(crate) format: FeatureFormat,

    #[command(flatten)]
    pub(crate) extraction: ExtractionArgs,
}

/// How features are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FeatureFormat {
    /// DELF's protocol buffer; it has no place for the global descriptor.
    Delf,
    /// One JSON object, with the global descriptor.
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct ModelArgs {
    #[command(subcommand)]
    pub(crate) command: ModelCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelCommand {
    /// List the built-in networks.
    List,
    /// Describe a network: its origin, licence, inputs and outputs.
    Info {
        /// A built-in network's name, or an ONNX file beside its manifest.toml [default: the
        /// network that is used when none is named].
        #[arg(value_name = "NAME|FILE", value_hint = ValueHint::FilePath)]
        model: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Write one page a command into this folder instead of printing the main page.
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) output: Option<PathBuf>,
}

fn model_defaults() -> MatchOptions {
    MatchOptions::default()
}

/// A help line that ends with the default, read from where it is kept.
fn defaults(help: &str, default: impl Display) -> String {
    format!("{help} [default: {default}]")
}

fn list(values: &[f32]) -> String {
    let values: Vec<String> = values.iter().map(f32::to_string).collect();
    values.join(",")
}
