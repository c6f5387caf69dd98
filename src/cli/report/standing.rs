//! The page of `report = true`: what each build ends with.
//!
//! Whether it is fresh is told by what stands in it of that from which it was made: the results in place and the failures
//! of all that the project's own goals need. So it can be asked without making the page.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::json;

use super::{DEFAULT, earlier, html, writable, write};
use crate::cli::setup::Project;
use crate::cli::{CommandError, Session};
use crate::diagnostic::Diagnostic;
use crate::engine::digest::Digest;
use crate::engine::graph::TargetId;
use crate::engine::look::Past as _;
use crate::report::page;

/// How the page stands to what was built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Standing {
    /// It is not there.
    Missing,
    /// It tells of something else.
    Stale,
    /// It tells of what was built.
    Fresh,
}

impl Standing {
    /// Its state, in the words that targets have.
    pub(in crate::cli) fn word(self) -> &'static str {
        match self {
            Self::Missing | Self::Stale => "stale",
            Self::Fresh => "fresh",
        }
    }

    /// Why.
    pub(in crate::cli) fn why(self) -> &'static str {
        match self {
            Self::Missing => "not written yet",
            Self::Stale => "targets were built, restored or failed since it was written, or it is of other goals",
            Self::Fresh => "it tells of what was built",
        }
    }
}

/// From what a page of some goals is made, in hexadecimal digits.
pub(super) fn made_from(project: &Project, goals: &[TargetId]) -> String {
    let graph = &project.graph;
    let needed = graph.needed(goals);
    let names: Vec<&str> = needed.iter().map(|id| graph.name(*id)).collect();
    let goals: Vec<&str> = goals.iter().map(|id| graph.name(*id)).collect();
    let mut text = format!("{} {:?} {goals:?}\n", env!("CARGO_PKG_VERSION"), graph.spec.name);
    for (name, history) in names.iter().zip(project.store.histories(&names)) {
        let result = history.record().map(|record| (record.id.hex(), record.placed_by));
        let _ = writeln!(text, "{name} {result:?} {:?}", history.failed());
    }
    Digest::of(text.as_bytes()).hex()
}

/// How the page stands to what was built.
///
/// # Errors
/// [`CommandError`] if it may not be written to its place.
pub(in crate::cli) fn standing(project: &Project) -> Result<Standing, CommandError> {
    Ok(match earlier(&place(project)?, DEFAULT)? {
        None => Standing::Missing,
        Some(bytes) => match page::made_from(&bytes) {
            Some(of) if of == made_from(project, &project.goals(&[])?) => Standing::Fresh,
            _ => Standing::Stale,
        },
    })
}

fn place(project: &Project) -> Result<PathBuf, CommandError> {
    writable(project, &project.files.at(DEFAULT), DEFAULT)
}

/// Refuses a build that could not write the page at its end.
///
/// # Errors
/// [`CommandError`] if the project has one and it may not be written to its place.
pub(in crate::cli) fn require_place(project: &Project) -> Result<(), CommandError> {
    match project.graph.spec.report {
        true => standing(project).map(|_| ()).map_err(by_hand),
        false => Ok(()),
    }
}

/// There is no other place for the page of each build.
fn by_hand(mut failure: CommandError) -> CommandError {
    for diagnostic in &mut failure.diagnostics {
        *diagnostic = Diagnostic::error(std::mem::take(&mut diagnostic.what))
            .note("`report = true` of `[project]` has each build write the page there")
            .help("move that away; or leave out `report = true`, and write the page with `atsaf report -o FILE`");
    }
    failure
}

/// Writes the page of a project that has one, unless it is fresh; tells so if it was written.
///
/// # Errors
/// [`CommandError`] if it cannot be written.
pub(in crate::cli) fn renew(project: &Project, session: &Session) -> Result<(), CommandError> {
    if !project.graph.spec.report || standing(project)? == Standing::Fresh {
        return Ok(());
    }
    let html = html(project, &project.goals(&[])?, session)?;
    write(&place(project)?, DEFAULT, &html)?;
    match session.screen.json() {
        true => session
            .screen
            .print_json(&json!({ "event": "report", "file": DEFAULT })),
        false => session.screen.say(&format!("wrote `{DEFAULT}`\n")),
    }
    Ok(())
}
