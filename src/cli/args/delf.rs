//! `delfin delf`: DELF's own commands with their own flags.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

#[derive(Debug, Args)]
pub(crate) struct DelfArgs {
    #[command(subcommand)]
    pub(crate) command: DelfCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DelfCommand {
    /// Write the features of the photos of a list to .delf files, as DELF's extract_features.py.
    #[command(name = "extract_features")]
    ExtractFeatures(ExtractFeaturesArgs),
    /// Match two .delf files and draw the match, as DELF's match_images.py.
    #[command(name = "match_images")]
    MatchImages(MatchImagesArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ExtractFeaturesArgs {
    /// DELF's configuration. Its model_path is a SavedModel's folder or archive, or an ONNX file that
    /// `delfin model import` wrote.
    #[arg(long = "config_path", value_name = "FILE.pbtxt", value_hint = ValueHint::FilePath,
        default_value = "delf_config_example.pbtxt")]
    pub(crate) config_path: PathBuf,

    /// A text file with the path of a photo on each line.
    #[arg(long = "list_images_path", value_name = "FILE.txt", value_hint = ValueHint::FilePath,
        default_value = "list_images.txt")]
    pub(crate) list_images_path: PathBuf,

    /// Output folder; made if missing. A photo `a/x.jpg` becomes `x.delf`; photos of one name keep their folders,
    /// `a/x.delf` and `b/x.delf`. Existing files are kept.
    #[arg(long = "output_dir", value_name = "DIR", value_hint = ValueHint::DirPath,
        default_value = "test_features")]
    pub(crate) output_dir: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct MatchImagesArgs {
    /// Photo 1.
    #[arg(long = "image_1_path", value_name = "IMAGE1", value_hint = ValueHint::FilePath,
        default_value = "test_images/image_1.jpg")]
    pub(crate) image_1_path: PathBuf,

    /// Photo 2.
    #[arg(long = "image_2_path", value_name = "IMAGE2", value_hint = ValueHint::FilePath,
        default_value = "test_images/image_2.jpg")]
    pub(crate) image_2_path: PathBuf,

    /// The features of photo 1.
    #[arg(long = "features_1_path", value_name = "FILE1.delf", value_hint = ValueHint::FilePath,
        default_value = "test_features/image_1.delf")]
    pub(crate) features_1_path: PathBuf,

    /// The features of photo 2.
    #[arg(long = "features_2_path", value_name = "FILE2.delf", value_hint = ValueHint::FilePath,
        default_value = "test_features/image_2.delf")]
    pub(crate) features_2_path: PathBuf,

    /// Draw the match into this file (.png, .jpg, .webp, .gif, .bmp or .tiff).
    #[arg(long = "output_image", value_name = "FILE", value_hint = ValueHint::FilePath,
        default_value = "test_match.png")]
    pub(crate) output_image: PathBuf,

    /// Overwrite files that delfin did not make.
    #[arg(long)]
    pub(crate) force: bool,

    /// Print one JSON object instead of text: matches and inliers as pairs of feature indices,
    /// milliseconds.
    #[arg(long)]
    pub(crate) json: bool,
}
