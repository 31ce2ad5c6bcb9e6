//! The command line: arguments become library options, results become lines and files.

pub(crate) mod args;
mod commands;
pub(crate) mod output;
mod progress;

use args::{Cli, Command};
#[cfg(feature = "serve")]
pub(crate) use commands::organize::taken_back;
#[cfg(feature = "serve")]
pub(crate) use output::one_line;
pub(crate) use progress::title as stage_title;

/// Result of a command that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Yes, or done: exit code 0.
    Yes,
    /// It ran, and the answer is no: exit code 1.
    No,
}

/// Runs the command on the requested number of threads.
pub(crate) fn run(cli: Cli) -> anyhow::Result<Answer> {
    run_command(cli).map_err(with_flag)
}

/// An error of an option names its flag, as it was typed.
fn with_flag(error: anyhow::Error) -> anyhow::Error {
    let Some(delfin::Error::InvalidOption { name, reason }) = error.downcast_ref() else {
        return error;
    };
    match args::flag_of(name) {
        Some(flag) => anyhow::anyhow!("{flag}: {reason}"),
        None => error,
    }
}

fn run_command(cli: Cli) -> anyhow::Result<Answer> {
    commands::choose_engine(cli.onnxruntime)?;
    let threads = rayon::ThreadPoolBuilder::new()
        .num_threads(cli.threads.map_or(0, usize::from))
        .build()?;
    let answer = threads.install(|| match cli.command {
        Command::Match(args) => commands::match_photos::run(&args),
        Command::Cluster(args) => commands::cluster::run(&args),
        Command::Extract(args) => commands::extract::run(&args),
        Command::Evaluate(args) => commands::evaluate::run(&args),
        #[cfg(feature = "serve")]
        Command::Open(args) => commands::open::run(&args),
        Command::Organize(args) => commands::organize::run(&args),
        Command::Train(args) => commands::train::run(&args),
        Command::Classify(args) => commands::classify::run(&args),
        Command::Review(args) => commands::review::run(&args),
        Command::ExportClassifier(args) => commands::export_classifier::run(&args),
        Command::Model(args) => commands::model::run(&args),
        Command::Search(args) => commands::search::run(&args),
        Command::Store(args) => commands::store::run(&args),
        Command::Why(args) => commands::why::run(&args),
        Command::Delf(args) => commands::delf::run(&args),
        Command::Completions(args) => commands::generate::completions(&args),
        Command::Man(args) => commands::generate::man(&args),
    })?;
    output::finish()?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::with_flag;

    #[test]
    fn options_are_named_as_they_are_typed() {
        let text = |name: &'static str| {
            let reason = "1 is too much".into();
            let error = delfin::Error::InvalidOption { name, reason };
            with_flag(error.into()).to_string()
        };
        assert_eq!(text("min_probability"), "--min-probability: 1 is too much");
        assert_eq!(text("max_ratio"), "--ratio: 1 is too much");
        assert_eq!(text("destination"), "--to: 1 is too much");
        assert_eq!(text("cuts"), "option cuts: 1 is too much");
        let other = delfin::Error::Cancelled;
        assert_eq!(with_flag(other.into()).to_string(), "cancelled");
    }
}
