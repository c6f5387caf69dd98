//! `atsaf doctor`: whether all is there that the project needs, each with what to do where it is not.

mod disk;
mod programs;
mod servers;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::read_atsaffile;
use super::setup::{self, Project};
use super::{Exit, Session};
use crate::engine::spec::Means;
use crate::engine::store::StoreError;
use crate::report::human;
use crate::report::ink::Tone;
use crate::report::table::TextTable;

/// Look whether all is there that the project needs: Atsaffile, store, programs, secrets, servers, disk
///
/// A probe file is written for a moment, to see how the file system stamps files and whether it has links.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

/// How a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ok,
    /// Nothing is wrong, and it is worth knowing.
    Note,
    /// A build would fail, or be wrong.
    Trouble,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Trouble => "trouble",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug)]
struct Finding {
    state: State,
    /// What it is about.
    what: &'static str,
    text: String,
    /// What to do; empty where there is nothing to do.
    next: String,
}

impl Finding {
    fn new(state: State, what: &'static str, text: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            state,
            what,
            text: text.into(),
            next: next.into(),
        }
    }

    fn ok(what: &'static str, text: impl Into<String>) -> Self {
        Self::new(State::Ok, what, text, "")
    }
}

/// Looks, and says what was found; ends with 1 where there is trouble.
pub(super) fn run(session: &Session) -> Exit {
    let start = session.common.directory.clone().unwrap_or_else(|| PathBuf::from("."));
    let file = read_atsaffile::find(&session.common);
    let root = file.as_ref().map_or(start, |file| read_atsaffile::root_of(file));
    let mut findings = Vec::new();
    let project = match &file {
        Err(_) if !root.is_dir() => {
            let what = format!("there is no directory `{}`", root.display());
            findings.push(Finding::new(State::Trouble, "Atsaffile", what, "see what `-C` names"));
            None
        }
        Err(_) => {
            findings.push(Finding::new(
                State::Note,
                "Atsaffile",
                "none here or above",
                "`atsaf init` begins a project",
            ));
            None
        }
        Ok(file) => atsaffile(file, session, &mut findings),
    };
    if root.is_dir() {
        store(&root, project.as_ref(), &mut findings);
        let needed = Needed::by(project.as_ref());
        findings.extend(programs::look(&needed, &session.env));
        secrets(project.as_ref(), &root, session, &mut findings);
        findings.extend(servers::look(project.as_ref(), session));
        findings.extend(disk::look(&root));
    }
    tell(&findings, session);
    let is_trouble = |it: &Finding| it.state == State::Trouble;
    // What this process holds in memory goes with it, which is sooner than piece by piece.
    std::mem::forget(project);
    match findings.iter().any(is_trouble) {
        true => Exit::Failed,
        false => Exit::Done,
    }
}

/// What the targets of a project run.
#[derive(Debug, Default)]
struct Needed {
    /// The first words of shells.
    shells: Vec<String>,
    /// Whether a target is traced.
    trace: bool,
    /// Whether it may be seen what Python programs use.
    python: bool,
}

impl Needed {
    fn by(project: Option<&Project>) -> Self {
        let mut needed = Self::default();
        let targets = project.map_or(&[][..], |project| project.graph.spec.targets.as_slice());
        for target in targets {
            for command in target.action.commands() {
                if let Some(shell) = command.shell.as_ref().and_then(|words| words.first()) {
                    needed.shells.push(shell.clone());
                }
                needed.trace |= target.settings.discover == Some(Means::Trace);
                needed.python |= target.settings.discover == Some(Means::Python) && command.text().contains("python");
            }
        }
        needed.shells.sort_unstable();
        needed.shells.dedup();
        needed
    }
}

/// Reads the Atsaffile, and what came of it.
fn atsaffile(file: &Path, session: &Session, findings: &mut Vec<Finding>) -> Option<Project> {
    let shown = file.strip_prefix("./").unwrap_or(file).display().to_string();
    match setup::load(session) {
        Ok(project) => {
            let spec = &project.graph.spec;
            let targets = human::count(spec.targets.len(), "target");
            let text = format!("{shown}: {targets}");
            findings.push(match project.warnings.len() {
                0 => Finding::ok("Atsaffile", text),
                count => {
                    let warnings = human::count(count, "warning");
                    let next = "`atsaf check` tells each";
                    Finding::new(State::Note, "Atsaffile", format!("{text}, {warnings}"), next)
                }
            });
            Some(project)
        }
        Err(failure) if failure.exit == Exit::Store => {
            findings.push(Finding::ok("Atsaffile", shown));
            for diagnostic in failure.diagnostics {
                let next = diagnostic.help.join("; ");
                findings.push(Finding::new(State::Trouble, "store", diagnostic.what, next));
            }
            None
        }
        Err(failure) => {
            let first = failure.diagnostics.first().map_or("", |it| it.what.as_str());
            let mistakes = human::count(failure.diagnostics.len(), "mistake");
            let text = format!("{shown}: {mistakes}: {first}");
            findings.push(Finding::new(
                State::Trouble,
                "Atsaffile",
                text,
                "`atsaf check` tells each with its line",
            ));
            None
        }
    }
}

/// What is in the store, and whether it is whole.
fn store(root: &Path, project: Option<&Project>, findings: &mut Vec<Finding>) {
    const WHAT: &str = "store";
    let dir = root.join(".atsaf");
    if !dir.is_dir() {
        findings.push(Finding::ok(WHAT, "none yet: the first build makes it"));
        return;
    }
    let (count, size) = disk::measure(&dir);
    let mut text = format!("{}: {} in {}", ".atsaf", human::size(size), human::count(count, "file"));
    if let Some(project) = project {
        let runs: Result<_, StoreError> = project.store.records.entries();
        if let Ok(entries) = runs {
            let story = crate::report::history::Story::new(entries);
            let _ = write!(text, ", {}", human::count(story.runs.len(), "run"));
        }
        let damaged = project.store.records.warnings();
        if !damaged.is_empty() {
            let next = "nothing is lost that a build cannot make again: build, and it is whole";
            findings.push(Finding::new(State::Note, WHAT, damaged.join("; "), next));
        }
    }
    findings.push(match disk::is_writable(&dir) {
        true => Finding::ok(WHAT, text),
        false => Finding::new(
            State::Trouble,
            WHAT,
            format!("{text}; it may not be written to"),
            "see who owns `.atsaf`",
        ),
    });
    let (count, size) = disk::measure(&dir.join("displaced"));
    if count > 0 {
        let text = format!(
            "{} that builds had to replace and had not made, {}",
            human::count(count, "file"),
            human::size(size)
        );
        findings.push(Finding::new(
            State::Note,
            WHAT,
            text,
            "look into `.atsaf/displaced/`; remove what is not needed",
        ));
    }
}

/// Which secrets are set; never what they are.
fn secrets(project: Option<&Project>, root: &Path, session: &Session, findings: &mut Vec<Finding>) {
    const WHAT: &str = "secret";
    // Whether it is missed where it is not set.
    let mut names: BTreeMap<String, bool> = BTreeMap::new();
    #[cfg(feature = "forecasting")]
    if project.is_none() {
        names.insert("EIA_API_KEY".to_owned(), false);
    }
    if let Some(project) = project {
        let spec = &project.graph.spec;
        names.extend(
            spec.secrets
                .iter()
                .map(|(name, secret)| (name.clone(), !secret.optional)),
        );
        for target in &spec.targets {
            for needed in project.tasks.needs_of(target) {
                names.insert(needed.name.to_owned(), true);
            }
        }
    }
    let file = setup::env_file(&root.join(".env"), &mut Vec::new());
    let is_set = |of: &BTreeMap<String, String>, name: &str| of.get(name).is_some_and(|value| !value.is_empty());
    for (name, is_missed) in names {
        let next = format!("a line `{name}=…` in `.env` beside the Atsaffile, or the variable");
        findings.push(match (is_set(&session.env, &name), is_set(&file, &name)) {
            (true, _) => Finding::ok(WHAT, format!("{name} is set in the environment")),
            (false, true) => Finding::ok(WHAT, format!("{name} is set in `.env`")),
            (false, false) if is_missed => Finding::new(State::Trouble, WHAT, format!("{name} is not set"), next),
            (false, false) => {
                let text = format!("{name} is not set, and may be left out");
                Finding::new(State::Note, WHAT, text, next)
            }
        });
    }
}

fn tell(findings: &[Finding], session: &Session) {
    let screen = &session.screen;
    let count = |state: State| findings.iter().filter(|it| it.state == state).count();
    if screen.json() {
        let all: Vec<Value> = findings.iter().map(to_json).collect();
        screen.print_json(&json!({ "ok": count(State::Trouble) == 0, "findings": all }));
        return;
    }
    let ink = screen.out_ink();
    let mut table = TextTable::new();
    for Finding {
        state,
        what,
        text,
        next,
    } in findings
    {
        let tone = match state {
            State::Ok => Tone::Good,
            State::Note => Tone::Stale,
            State::Trouble => Tone::Bad,
        };
        table.row([
            (tone, state.word().to_owned()),
            (Tone::Strong, (*what).to_owned()),
            (Tone::Plain, text.clone()),
        ]);
        if !next.is_empty() {
            table.row([
                (Tone::Plain, String::new()),
                (Tone::Plain, String::new()),
                (Tone::Faint, format!("-> {next}")),
            ]);
        }
    }
    let end = match (count(State::Trouble), count(State::Note)) {
        (0, 0) => "all is well".to_owned(),
        (0, notes) => format!("all is well, {}", human::count(notes, "note")),
        (1, _) => "1 thing needs you".to_owned(),
        (trouble, _) => format!("{trouble} things need you"),
    };
    session.print_folded(&format!("{}{end}\n", table.draw(ink)));
}

fn to_json(finding: &Finding) -> Value {
    let Finding {
        state,
        what,
        text,
        next,
    } = finding;
    let next = Some(next).filter(|next| !next.is_empty());
    json!({ "state": state.word(), "what": what, "text": text, "next": next })
}

#[cfg(test)]
mod tests;
