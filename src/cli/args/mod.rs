//! Definition of the command line: one file a command.

mod classify;
mod cluster;
mod delf;
mod evaluate;
mod export_classifier;
mod extract;
mod generate;
mod match_photos;
mod model;
#[cfg(feature = "serve")]
mod open;
mod organize;
mod review;
mod train;

pub(crate) use classify::{ClassifyArgs, LabelImageArgs};
pub(crate) use cluster::{
    ClusterArgs, JudgementArgs, SearchArgs, StoreArgs, StoreCommand, StoreCommandArgs, WhyArgs,
};
pub(crate) use delf::{DelfArgs, DelfCommand, ExtractFeaturesArgs, MatchImagesArgs};
pub(crate) use evaluate::EvaluateArgs;
pub(crate) use export_classifier::ExportClassifierArgs;
pub(crate) use extract::{ExtractArgs, FeatureFormat};
pub(crate) use generate::{CompletionsArgs, ManArgs};
pub(crate) use match_photos::{MatchArgs, Preset};
pub(crate) use model::{ImportArgs, ModelArgs, ModelCommand};
#[cfg(feature = "serve")]
pub(crate) use open::OpenArgs;
pub(crate) use organize::{Method, OrganizeArgs};
pub(crate) use review::ReviewArgs;
pub(crate) use train::{FormerArgs, L2, TrainArgs, Truth};

use std::fmt::Display;
use std::path::PathBuf;

use clap::{
    Args, Command as Definition, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum,
    ValueHint, value_parser,
};
use delfin::extract::ExtractionOptions;
use delfin::matching::SearchKind;
use delfin::pipeline::MatchOptions;

/// The flag that sets a library option with this name, in any command.
pub(crate) fn flag_of(option: &str) -> Option<String> {
    fn find(command: &Definition, id: &str) -> Option<String> {
        let mut own = command.get_arguments();
        let own = own.find(|arg| arg.get_id().as_str() == id);
        let flag = own.and_then(|arg| arg.get_long()).map(str::to_owned);
        flag.or_else(|| command.get_subcommands().find_map(|of| find(of, id)))
    }
    find(&Cli::command(), option).map(|flag| format!("--{flag}"))
}

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
    /// Threads to compute on, from 1 to 1024 [default: one for each core]. Results do not depend on it.
    #[arg(long, global = true, value_name = "N", value_parser = value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,

    /// Run networks with this ONNX Runtime library (libonnxruntime.so, 1.22 or newer), in a build with the feature
    /// `onnxruntime` [default: the variable DELFIN_ONNXRUNTIME, else the built-in engine].
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath, hide = !cfg!(feature = "onnxruntime"))]
    pub(crate) onnxruntime: Option<PathBuf>,

    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    /// The arguments of this run; ends it with a message where they are wrong.
    pub(crate) fn of_this_run() -> Self {
        let matches = with_negative_numbers(Self::command()).get_matches();
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }
}

/// Options take negative numbers, so that each says itself which numbers it takes.
fn with_negative_numbers(command: Definition) -> Definition {
    let command = command.mut_args(|arg| {
        let is_option = arg.get_action().takes_values() && !arg.is_positional();
        arg.allow_negative_numbers(is_option)
    });
    command.mut_subcommands(with_negative_numbers)
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Decide whether two photos show the same thing, and where.
    Match(MatchArgs),
    /// Group the photos of a folder into clusters that show the same thing.
    Cluster(ClusterArgs),
    /// Review and correct clusters in the browser, then sort the files into folders.
    #[cfg(feature = "serve")]
    Open(OpenArgs),
    /// Explain why two photos are, or are not, in one cluster.
    Why(WhyArgs),
    /// Find the photos of a folder that show the same thing as a query photo.
    Search(SearchArgs),
    /// Write the features of photos to files.
    Extract(ExtractArgs),
    /// Measure how well clusters agree with true classes.
    Evaluate(EvaluateArgs),
    /// Put photos into one sub-folder per label, and undo it.
    Organize(OrganizeArgs),
    /// Inspect and clean up stored features and pairs.
    Store(StoreCommandArgs),
    /// Train a classifier on folders of photos, one per class.
    Train(Box<TrainArgs>),
    /// Label photos with a trained classifier.
    Classify(ClassifyArgs),
    /// List the doubtful labels of a folder of photos, the most doubtful first.
    Review(ReviewArgs),
    /// Write a classifier and its network as one ONNX file, from pixels to probabilities.
    ExportClassifier(ExportClassifierArgs),
    /// Show the built-in networks, or import one of DELF's.
    Model(ModelArgs),
    /// DELF's own commands, with its files and flags.
    Delf(DelfArgs),
    /// Print a completion script for a shell.
    Completions(CompletionsArgs),
    /// Print the manual page, or write one page a command into a folder.
    Man(ManArgs),
}

#[derive(Debug, Clone, Args)]
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

/// Options of the nearest-neighbour search.
#[derive(Debug, Clone, Args)]
pub(crate) struct DescriptorSearchArgs {
    /// Method of the nearest-neighbour search. All methods give the same result; speed differs.
    #[arg(long, value_enum, value_name = "METHOD", default_value_t)]
    pub(crate) search: DescriptorSearch,
}

/// A method of the nearest-neighbour search.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum DescriptorSearch {
    /// K-d tree for at most 8 dimensions and at least 50,000 descriptors per photo, else matrix product.
    #[default]
    Auto,
    /// K-d tree, for at most 512 dimensions.
    KdTree,
    /// Matrix product of all pairs.
    Product,
}

impl From<&DescriptorSearchArgs> for SearchKind {
    fn from(args: &DescriptorSearchArgs) -> Self {
        match args.search {
            DescriptorSearch::Auto => Self::Auto,
            DescriptorSearch::KdTree => Self::KdTree,
            DescriptorSearch::Product => Self::BruteForce,
        }
    }
}

fn model_defaults() -> MatchOptions {
    MatchOptions::default()
}

/// A help line that ends with the default value.
fn defaults(help: &str, default: impl Display) -> String {
    format!("{help} [default: {default}]")
}

fn list(values: &[f32]) -> String {
    let values: Vec<String> = values.iter().map(f32::to_string).collect();
    values.join(",")
}
