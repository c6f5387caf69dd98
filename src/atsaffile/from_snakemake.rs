//! A `Snakefile` as an Atsaffile: its static part, and a sentence about each thing that would need Python to be run.
//!
//! Which values wildcards have is found as Snakemake finds it: from what the first rules ask for, backward through the
//! rules. What is not certain is left out and told, never guessed.

mod axes;
mod command;
mod expand;
mod expressions;
mod inputs;
mod jobs;
mod patterns;
mod statements;
mod step;
mod tokens;
mod values;
mod workflow;
mod write;

use self::statements::Statement;
use self::workflow::Workflow;
use super::translation::Translation;
use crate::diagnostic::{Diagnostic, Place};

/// What is known of the directory of the Snakefile.
pub trait Disk {
    /// The text of a file, such as the configuration; the error is a sentence.
    ///
    /// # Errors
    /// The file cannot be read.
    fn read(&self, path: &str) -> Result<String, String>;

    /// The paths of all that lies below a directory, directories included.
    fn below(&self, directory: &str) -> Vec<String>;

    /// Whether there is something at a path.
    fn is_there(&self, path: &str) -> bool;
}

/// Translates the text of a Snakefile, whose path messages show.
///
/// # Errors
/// The mistake of a text that is no Python, or has no rules.
pub fn from_snakemake(path: &str, text: &str, disk: &dyn Disk) -> Result<Translation, Vec<Diagnostic>> {
    let words = tokens::read(text).map_err(|(line, what)| {
        let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
        let end = start + text[start..].lines().next().map_or(0, str::len);
        vec![Diagnostic::error(format!("`{path}` cannot be read: {what}")).at(Place::locate(path, text, start, end))]
    })?;
    let statements = statements::statements(&words);
    if !statements
        .iter()
        .any(|statement| matches!(statement, Statement::Rule(_)))
    {
        let what = format!("`{path}` has no rule at its left edge");
        return Err(vec![Diagnostic::error(what).help(
            "rules that `include` or Python brings are not followed: begin with `atsaf init minimal`",
        )]);
    }
    let mut workflow = Workflow::read(statements, disk);
    Ok(write::written(path, &mut workflow))
}

#[cfg(test)]
mod tests;
