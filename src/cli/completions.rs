//! `atsaf completions` and `atsaf man`: the command line for a shell and for `man`, both on stdout.
//!
//! The script of a shell calls this program back with the words that are typed; what a word may be is then looked up in
//! the project.

mod answer;
mod candidates;

use clap::CommandFactory as _;
use clap_complete::Shell;
use clap_complete::env::Shells;
use serde_json::json;

pub(super) use self::answer::{VARIABLE, answer};
use super::{Cli, CommandError, Exit, Session};
use crate::diagnostic::Diagnostic;

/// Print completions for a shell: of commands and flags, and of the project's goals, parameters, models and runs
///
/// bash: `source <(atsaf completions bash)` in ~/.bashrc; zsh: `source <(atsaf completions zsh)` in ~/.zshrc;
/// fish: `atsaf completions fish | source` in ~/.config/fish/config.fish.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    shell: Shell,
}

/// Prints the script of a shell.
pub(super) fn run(args: &Args, session: &Session) -> Result<Exit, CommandError> {
    let name = args.shell.to_string();
    let mut script = Vec::new();
    let made = match (args.shell, Shells::builtins().completer(&name)) {
        // Of the words that bash has cut at `=` and `@`, the library's script would lose some.
        (Shell::Bash, _) => {
            script = answer::BASH.replace("VARIABLE", VARIABLE).into_bytes();
            Ok(())
        }
        (_, Some(completer)) => completer.write_registration(VARIABLE, "atsaf", "atsaf", "atsaf", &mut script),
        (shell, None) => {
            clap_complete::generate(shell, &mut Cli::command(), "atsaf", &mut script);
            Ok(())
        }
    };
    made.map_err(|error| internal(&format!("the script cannot be made: {error}")))?;
    let script = String::from_utf8_lossy(&script);
    match session.screen.json() {
        true => session.screen.print_json(&json!({ "shell": name, "script": script })),
        false => session.screen.print(&script),
    }
    Ok(Exit::Done)
}

/// Print the manual page of the program, or of a command
#[derive(Debug, clap::Args)]
pub(super) struct ManArgs {
    /// A command, as in `build` or `mlflow push`
    #[arg(value_name = "COMMAND")]
    words: Vec<String>,
}

/// Prints a page for `man`.
pub(super) fn man(args: &ManArgs, session: &Session) -> Result<Exit, CommandError> {
    let mut root = Cli::command();
    root.build();
    let mut command = &root;
    for word in &args.words {
        command = command.find_subcommand(word).ok_or_else(|| {
            let names: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
            CommandError::usage(
                Diagnostic::error(format!("no command is called `{}`", args.words.join(" ")))
                    .suggest(word, names)
                    .help("`atsaf help` lists the commands"),
            )
        })?;
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone())
        .render(&mut page)
        .map_err(|error| internal(&format!("the page cannot be made: {error}")))?;
    let page = String::from_utf8_lossy(&page);
    match session.screen.json() {
        true => session
            .screen
            .print_json(&json!({ "command": args.words.join(" "), "page": page })),
        false => session.screen.print(&page),
    }
    Ok(Exit::Done)
}

fn internal(what: &str) -> CommandError {
    CommandError::usage(Diagnostic::error(format!("internal error: {what}")))
}
