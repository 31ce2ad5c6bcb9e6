//! `delfin cluster`, `why`, `search` and `store`.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum, ValueHint};
use delfin::pipeline::{ClusterOptions, TableFormat};
use delfin::scoring::Judgement;

use super::{DescriptorSearchArgs, ExtractionArgs, defaults};

#[derive(Debug, Args)]
pub(crate) struct ClusterArgs {
    /// Folder of photos, with its sub-folders.
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) folder: PathBuf,

    /// Output folder; made if missing.
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) output: PathBuf,

    /// Overwrite files that delfin did not make.
    #[arg(long)]
    pub(crate) force: bool,

    #[arg(long, help = defaults(
        "Verify every pair of photos, however many there are",
        format_args!("every pair up to {} photos, candidate pairs beyond",
            ClusterOptions::default().max_exhaustive)))]
    pub(crate) exhaustive: bool,

    #[command(flatten)]
    pub(crate) judgement: JudgementArgs,

    /// Cluster only edited copies of the same picture, not different photos of the same thing.
    #[arg(long)]
    pub(crate) copies_only: bool,

    /// Apply the corrections made in `delfin open`.
    #[arg(long)]
    pub(crate) corrected: bool,

    /// Also find things that are mirrored, as in a flipped photo.
    #[arg(long)]
    pub(crate) mirrored: bool,

    /// Minimum number of inliers of a link [default: none].
    #[arg(long, value_name = "N")]
    pub(crate) min_inliers: Option<usize>,

    /// Formats of the tables of clusters and pairs: csv, parquet, or both with a comma between. Tables of an earlier
    /// run in another format are removed.
    #[arg(
        long,
        value_name = "FORMAT",
        value_enum,
        value_delimiter = ',',
        default_value = "csv"
    )]
    pub(crate) format: Vec<FormatArg>,

    #[cfg(feature = "parquet")]
    /// Also write the features of the photos as Parquet: one row per photo with its keypoints, descriptors and
    /// global descriptor.
    #[arg(long, value_name = "FILE.parquet", value_hint = ValueHint::FilePath)]
    pub(crate) export_features: Option<PathBuf>,

    /// Also write a COLMAP database of the linked photos: cameras, images, keypoints to the pixel, matches,
    /// two-view geometries. The file must not exist.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) export_colmap: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) descriptors: DescriptorSearchArgs,

    #[command(flatten)]
    pub(crate) store: StoreArgs,

    /// Show no progress.
    #[arg(short, long)]
    pub(crate) quiet: bool,

    #[command(flatten)]
    pub(crate) extraction: ExtractionArgs,
}

/// [`TableFormat`] as a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArg {
    /// clusters.csv and edges.csv.
    Csv,
    #[cfg(feature = "parquet")]
    /// clusters.parquet and edges.parquet, for pandas, Polars and DuckDB.
    Parquet,
}

impl From<FormatArg> for TableFormat {
    fn from(format: FormatArg) -> Self {
        match format {
            FormatArg::Csv => Self::Csv,
            #[cfg(feature = "parquet")]
            FormatArg::Parquet => Self::Parquet,
        }
    }
}

/// Minimum probability of a link, and the judgement of pairs.
#[derive(Debug, Args)]
pub(crate) struct JudgementArgs {
    #[arg(long, value_name = "P", help = defaults(
        "Minimum probability of a link, above 0 and below 1; lower joins more photos",
        ClusterOptions::default().min_probability))]
    pub(crate) min_probability: Option<f64>,

    /// Judgement file of training/judgement.py [default: the embedded one].
    #[arg(long, value_name = "FILE.json", value_hint = ValueHint::FilePath)]
    pub(crate) judgement: Option<PathBuf>,
}

impl JudgementArgs {
    /// Applies the flags to `options`.
    pub(crate) fn apply(&self, options: &mut ClusterOptions) -> anyhow::Result<()> {
        if let Some(min_probability) = self.min_probability {
            options.min_probability = min_probability;
        }
        if let Some(path) = &self.judgement {
            let named = || path.display().to_string();
            let text = std::fs::read_to_string(path).with_context(named)?;
            options.judgement = Some(Judgement::parse(&text).with_context(named)?);
        }
        Ok(())
    }
}

#[derive(Debug, Args)]
pub(crate) struct StoreArgs {
    /// File that stores computed features and pairs for later runs
    /// [default: .delfin/store.sqlite in the folder of photos].
    #[arg(long = "store", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct WhyArgs {
    /// A photo, as it is named in clusters.csv; write `--` before the photos if a name begins with `-`.
    #[arg(value_name = "A")]
    pub(crate) image1: OsString,

    /// Another photo.
    #[arg(value_name = "B")]
    pub(crate) image2: OsString,

    /// The folder that `delfin cluster` wrote to.
    #[arg(long = "in", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) input: PathBuf,

    /// Picture of the weakest pair of the chain, or of the two photos if they are in two clusters (.png, .jpg,
    /// .webp, .gif, .bmp or .tiff) [default: why.png in the folder of --in].
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,

    /// Overwrite files that delfin did not make.
    #[arg(long)]
    pub(crate) force: bool,

    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,

    /// Path of the network's ONNX file [default: the path at the time of `delfin cluster`].
    #[arg(long, value_name = "FILE.onnx", value_hint = ValueHint::FilePath)]
    pub(crate) model: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(mut_arg("min_probability", |arg| arg.help(defaults(
    "Show photos with at least this probability of showing the same thing, above 0 and below 1",
    ClusterOptions::default().min_probability))))]
pub(crate) struct SearchArgs {
    /// Photo of the thing to search for.
    #[arg(value_name = "QUERY", value_hint = ValueHint::FilePath)]
    pub(crate) query: PathBuf,

    /// Folder of photos to search, with its sub-folders.
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) folder: PathBuf,

    /// Also find things that are mirrored, as in a flipped photo.
    #[arg(long)]
    pub(crate) mirrored: bool,

    #[command(flatten)]
    pub(crate) judgement: JudgementArgs,

    /// Print one JSON object a line instead of text.
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) descriptors: DescriptorSearchArgs,

    #[command(flatten)]
    pub(crate) store: StoreArgs,

    /// Show no progress.
    #[arg(short, long)]
    pub(crate) quiet: bool,

    #[command(flatten)]
    pub(crate) extraction: ExtractionArgs,
}

#[derive(Debug, Args)]
pub(crate) struct StoreCommandArgs {
    #[command(subcommand)]
    pub(crate) command: StoreCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Show the contents of a store.
    Info {
        /// A folder of photos that was sorted or searched, or a store's file.
        #[arg(value_name = "DIR|FILE", value_hint = ValueHint::AnyPath)]
        path: PathBuf,
    },
    /// Remove entries of photos that are no longer in the folder; of a store that several folders share, also those of
    /// the other folders.
    Gc {
        /// The folder of photos.
        #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
        folder: PathBuf,

        #[command(flatten)]
        store: StoreArgs,
    },
}
