//! `atsaf completions` and `atsaf man`: the command line for a shell and for `man`, both on stdout.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::{Cli, CommandError, Exit, Session};
use crate::diagnostic::Diagnostic;

/// Print completions for a shell
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    shell: Shell,
}

/// Prints the completions of a shell.
pub(super) fn run(args: &Args, session: &Session) -> Exit {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "atsaf", &mut text);
    session.screen.print(&String::from_utf8_lossy(&text));
    Exit::Done
}

/// Prints the page for `man`.
pub(super) fn man(session: &Session) -> Result<Exit, CommandError> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command())
        .render(&mut page)
        .map_err(|error| {
            CommandError::usage(Diagnostic::error(format!(
                "internal error: the page cannot be made: {error}"
            )))
        })?;
    session.screen.print(&String::from_utf8_lossy(&page));
    Ok(Exit::Done)
}
