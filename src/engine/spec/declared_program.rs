//! The programs of the user's that the value of a parameter declares, such as a model that a command forecasts with.

use super::Value;

/// The entries of a [`Kind::Record`](super::schema::Kind::Record) that declares a program.
pub mod program_entry {
    /// Its name.
    pub const NAME: &str = "name";
    /// The command, of [`Kind::Command`](super::super::schema::Kind::Command).
    pub const RUN: &str = "run";
    /// Files that it depends on beside those that the command names.
    pub const FILES: &str = "files";
}

/// A program that the value of a parameter declares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DeclaredProgram<'v> {
    /// Its place in the list that is the value.
    pub at: usize,
    /// Its name.
    pub name: &'v str,
    /// The command: a text, or a list of texts.
    pub run: &'v Value,
    /// Paths of the files that it depends on beside those that the command names.
    pub files: &'v [Value],
}

/// The programs that a checked value declares: the items of a list that are tables with a command.
pub fn programs_in(value: &Value) -> impl Iterator<Item = DeclaredProgram<'_>> {
    let items = match value {
        Value::List(items) => items.as_slice(),
        _ => &[],
    };
    items.iter().enumerate().filter_map(|(at, item)| {
        let Value::Table(entries) = item else { return None };
        let Some(Value::Text(name)) = entries.get(program_entry::NAME) else {
            return None;
        };
        let run = entries.get(program_entry::RUN)?;
        let files = match entries.get(program_entry::FILES) {
            Some(Value::List(files)) => files.as_slice(),
            _ => &[],
        };
        Some(DeclaredProgram { at, name, run, files })
    })
}
