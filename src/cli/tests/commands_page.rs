//! The page of all commands, made of what clap knows of them.
//!
//! `SNAPSHOTS=overwrite cargo test --lib commands_page` writes it anew.

use std::fmt::Write as _;

use clap::{Arg, Command, CommandFactory as _};

use crate::cli::Cli;

const HEAD: &str = "\
# The commands

What `atsaf help COMMAND` says, for all of them. [In a CI](ci.md) tells the exit codes.

";

#[test]
fn the_page_of_the_commands_is_what_clap_knows_of_them() {
    snapbox::assert_data_eq!(page(), snapbox::file!["../../../docs/commands.md"].raw());
}

fn page() -> String {
    let mut root = Cli::command();
    root.build();
    let mut page = HEAD.to_owned();
    page += "## Options of all commands\n\n";
    table(&mut page, root.get_arguments().filter(|arg| arg.is_global_set()));
    root.get_subcommands().for_each(|command| write(&mut page, command));
    page.trim_end().to_owned() + "\n"
}

/// A command with its arguments, and those below it.
fn write(page: &mut String, command: &Command) {
    let name = command.get_bin_name().expect("built");
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    let about = command.get_long_about().or(command.get_about());
    let about = about.map(ToString::to_string).unwrap_or_default();
    let _ = writeln!(page, "## `{name}`\n\n{}\n\n```text", prose(&about));
    usage.lines().for_each(|line| {
        let _ = writeln!(page, "{}", line.trim());
    });
    *page += "```\n\n";
    table(page, command.get_arguments().filter(|arg| !arg.is_global_set()));
    if let Some(more) = command.get_after_long_help().or(command.get_after_help()) {
        let _ = writeln!(page, "{}\n", prose(&more.to_string()));
    }
    command.get_subcommands().for_each(|command| write(page, command));
}

fn table<'a>(page: &mut String, args: impl Iterator<Item = &'a Arg>) {
    let is_shown = |arg: &&Arg| !arg.is_hide_set() && arg.get_id() != "help" && arg.get_id() != "version";
    let rows: Vec<String> = args
        .filter(is_shown)
        .map(|arg| format!("| {} | {} |\n", name(arg), what(arg).replace('\n', " ")))
        .collect();
    if !rows.is_empty() {
        *page += "| | |\n|---|---|\n";
        *page += &rows.concat();
        page.push('\n');
    }
}

fn name(arg: &Arg) -> String {
    let whole = arg.to_string().replace('|', "\\|");
    match arg.get_short().filter(|_| arg.get_long().is_some()) {
        Some(short) => format!("`-{short}`, `{whole}`"),
        None => format!("`{whole}`"),
    }
}

/// What an argument does, with its values and its default where clap has them.
fn what(arg: &Arg) -> String {
    let help = arg.get_long_help().or(arg.get_help());
    let mut text = prose(&help.map(ToString::to_string).unwrap_or_default());
    let values = arg.get_possible_values();
    let values: Vec<String> = values
        .iter()
        .filter(|value| !value.is_hide_set() && arg.get_action().takes_values())
        .map(|value| match value.get_help() {
            Some(help) => format!("`{}` ({})", value.get_name(), prose(&help.to_string())),
            None => format!("`{}`", value.get_name()),
        })
        .collect();
    if !values.is_empty() {
        let _ = write!(text, ". One of {}", values.join(", "));
    }
    let defaults: Vec<String> = arg
        .get_default_values()
        .iter()
        .filter(|_| arg.get_action().takes_values() && !arg.is_hide_default_value_set())
        .map(|value| format!("`{}`", value.to_string_lossy()))
        .collect();
    if !defaults.is_empty() {
        let _ = write!(text, " [default: {}]", defaults.join(" "));
    }
    text
}

/// A text in which nothing but code between backquotes means more than it says.
fn prose(text: &str) -> String {
    let parts = text.split('`').enumerate().map(|(at, part)| match at % 2 {
        0 => part.replace('<', "&lt;").replace('*', "\\*").replace('|', "\\|"),
        _ => part.replace('|', "\\|"),
    });
    parts.collect::<Vec<_>>().join("`")
}
