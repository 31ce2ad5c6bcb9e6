//! `delfin delf`: DELF's own commands.

pub(crate) mod config;
mod extract_features;
mod match_images;

use crate::cli::Answer;
use crate::cli::args::{DelfArgs, DelfCommand};

pub(crate) fn run(args: &DelfArgs) -> anyhow::Result<Answer> {
    match &args.command {
        DelfCommand::ExtractFeatures(args) => extract_features::run(args),
        DelfCommand::MatchImages(args) => match_images::run(args),
    }
}
