//! The command line: one file a command, and `setup`, which all of them begin with.

pub mod setup;

use std::path::PathBuf;

use crate::diagnostic::Diagnostic;
use crate::engine::store::StoreError;

/// The flags that every command has.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Common {
    /// Run as if started in DIR
    #[arg(short = 'C', long = "directory", value_name = "DIR", global = true)]
    pub directory: Option<PathBuf>,
    /// Read this file instead of the next `Atsaffile` upward
    #[arg(short = 'f', long = "file", value_name = "FILE", global = true)]
    pub file: Option<PathBuf>,
    /// Set a parameter for this command (repeatable)
    #[arg(short = 's', long = "set", value_name = "KEY=VALUE", value_parser = key_value, global = true)]
    pub set: Vec<(String, String)>,
    /// Print errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print what tasks print as well
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// When to use colour
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true)]
    pub color: Color,
    /// Print JSON on stdout
    #[arg(long, global = true)]
    pub json: bool,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal that can show it.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| format!("`{text}` is not KEY=VALUE"))?;
    Ok((key.trim().to_owned(), value.to_owned()))
}

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// A target failed.
    Failed = 1,
    /// Wrong use or a wrong Atsaffile; nothing was run.
    Usage = 2,
    /// Something is stale, under `--exit-code`.
    Stale = 3,
    /// The store is unusable.
    Store = 4,
    /// Interrupted.
    Interrupted = 130,
}

/// Why a command cannot go on.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Everything that is wrong.
    pub diagnostics: Vec<Diagnostic>,
    /// How the command ends.
    pub exit: Exit,
}

impl Failure {
    /// A mistake of whoever called.
    #[must_use]
    pub fn usage(diagnostic: Diagnostic) -> Self {
        Self {
            diagnostics: vec![diagnostic],
            exit: Exit::Usage,
        }
    }

    /// A store that cannot be used.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "it is given to `map_err`")]
    pub fn store(error: StoreError) -> Self {
        Self {
            diagnostics: vec![Diagnostic::error(error.to_string())],
            exit: Exit::Store,
        }
    }
}
