//! `delfin completions` and `delfin man`: made from the command line's one definition.

use anyhow::Context;
use clap::CommandFactory;

use crate::cli::args::{Cli, CompletionsArgs, ManArgs};
use crate::cli::{Answer, output};

pub(crate) fn completions(args: &CompletionsArgs) -> anyhow::Result<Answer> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "delfin", &mut script);
    output::bytes(&script);
    Ok(Answer::Yes)
}

pub(crate) fn man(args: &ManArgs) -> anyhow::Result<Answer> {
    match &args.output {
        Some(folder) => {
            std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
            clap_mangen::generate_to(Cli::command(), folder)
                .with_context(|| folder.display().to_string())?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page)?;
            output::bytes(&page);
        }
    }
    Ok(Answer::Yes)
}
