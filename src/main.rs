//! The program: parses its arguments, runs one command, ends with its exit code.

#![deny(
    clippy::exit,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used
)]

use std::process::ExitCode;

mod cli;
#[cfg(feature = "serve")]
mod serve;

fn main() -> ExitCode {
    let args = cli::args::Cli::of_this_run();
    match cli::run(args) {
        Ok(cli::Answer::Yes) => ExitCode::SUCCESS,
        Ok(cli::Answer::No) => ExitCode::from(1),
        Err(error) => {
            cli::output::error(&error);
            ExitCode::from(2)
        }
    }
}
