//! `atsaf show`: what an artifact holds, and after that where it came from.

mod content;
mod curve;
mod leaderboard;
mod rows;
#[cfg(feature = "forecasting")]
mod table;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

pub(super) use self::content::Content;
use super::setup::Project;
use super::{CommandError, Exit, Session, log, past};
use crate::diagnostic::Diagnostic;
use crate::engine::clock;
use crate::engine::fingerprint::InputField;
use crate::engine::graph::ArtifactId;
use crate::engine::store::StoredResult;
use crate::engine::store::entry::ResultEntry;
use crate::report::chart::chart;
use crate::report::history::Story;
use crate::report::human;
use crate::report::ink::{Ink, Tone};
use crate::report::table::TextTable;

/// Rows of a chart.
const CHART_HEIGHT: usize = 12;

/// Show what an artifact holds, now or after a past run
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// An artifact, its path, or a target for all that it makes
    #[arg(value_name = "GOAL")]
    goal: String,
    /// How many rows, lines or files to show
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    rows: usize,
    /// Show below from what it was made: the run, inputs with their contents, parameters
    #[arg(long)]
    origin: bool,
    /// As it was after this past run; the first digits of its id are enough
    #[arg(long, value_name = "ID")]
    run: Option<String>,
}

/// Names of the columns and all rows as text, of the bytes of a Parquet or CSV file.
pub(super) fn table_of(bytes: &[u8]) -> Option<(Vec<String>, Vec<Vec<String>>)> {
    if bytes.starts_with(b"PAR1") {
        #[cfg(feature = "forecasting")]
        return table::texts(bytes.to_vec());
        #[cfg(not(feature = "forecasting"))]
        return None;
    }
    let mut reader = csv::Reader::from_reader(bytes);
    let texts = |record: &csv::StringRecord| -> Vec<String> { record.iter().map(str::to_owned).collect() };
    let names = texts(reader.headers().ok()?);
    let rows: Result<Vec<_>, _> = reader
        .records()
        .map(|record| record.map(|record| texts(&record)))
        .collect();
    Some((names, rows.ok()?))
}

/// A text as it is shown: JSON in one line laid out.
pub(super) fn laid_out(text: String) -> String {
    content::lay_out(&text).unwrap_or(text)
}

/// One artifact as it lies on the disk.
struct Shown {
    name: String,
    path: String,
    /// The result that left these bytes, if atsaf made them.
    past: Option<StoredResult>,
    made: Option<ResultEntry>,
    content: Content,
}

/// Shows the artifacts that a goal means.
pub(super) fn run(args: &Args, session: &Session) -> Result<Exit, CommandError> {
    let project = session.load()?;
    let artifacts = artifacts(&project, &args.goal)?;
    let mut shown = Vec::with_capacity(artifacts.len());
    let mut missing = Vec::new();
    let story = args.run.as_ref().map(|_| log::story(&project)).transpose()?;
    for artifact in artifacts {
        let masked = |line: &str| session.screen.masked(line);
        let found = match args.run.as_ref().zip(story.as_ref()) {
            Some((run, story)) => Some(then(&project, artifact, (story, run), args.rows, &masked)?),
            None => look(&project, artifact, args.rows, &masked)?,
        };
        match found {
            Some(found) => shown.push(found),
            None => missing.push(absent(&project, artifact)),
        }
    }
    if session.screen.json() {
        let all: Vec<Value> = shown.iter().map(to_json).collect();
        session.screen.print_json(&json!({ "artifacts": all }));
    } else {
        let width = session.width();
        let texts: Vec<String> = shown.iter().map(|it| text(it, args.origin, session, width)).collect();
        session.screen.print(&texts.join("\n"));
    }
    match missing.is_empty() {
        true => Ok(Exit::Done),
        false => Err(CommandError {
            diagnostics: missing,
            exit: Exit::Usage,
        }),
    }
}

/// The artifact of a name or path; else all of the targets that the name means.
pub(super) fn artifacts(project: &Project, name: &str) -> Result<Vec<ArtifactId>, CommandError> {
    let named = project.artifacts_named(name);
    if !named.is_empty() {
        return Ok(named);
    }
    let goals = project.goals(&[name.to_owned()])?;
    let all = goals.into_iter().flat_map(|target| project.graph.artifacts_of(target));
    Ok(all.collect())
}

pub(super) fn absent(project: &Project, artifact: ArtifactId) -> Diagnostic {
    let name = project.graph.shown_name(artifact);
    Diagnostic::error(format!(
        "the artifact `{name}` is not there: `{}` does not exist",
        project.graph.path(artifact)
    ))
    .help(match project.graph.target(artifact.target).temp {
        true => format!(
            "it goes once it is read: `atsaf build -B {}` makes it to be looked at",
            human::word(&name)
        ),
        false => format!("make it: `atsaf build {}`", human::word(&name)),
    })
}

/// The artifact as it was after a past run.
fn then(
    project: &Project,
    artifact: ArtifactId,
    (story, run): (&Story, &str),
    rows: usize,
    masked: &dyn Fn(&str) -> String,
) -> Result<Shown, CommandError> {
    let past = past::after_run(project, story, artifact, run)?;
    let path = project.graph.path(artifact);
    let content = Content::read(past.path(), rows, masked)
        .map_err(|error| CommandError::usage(Diagnostic::error(format!("`{path}` of then cannot be read: {error}"))))?;
    Ok(Shown {
        name: project.graph.shown_name(artifact).into_owned(),
        path: path.to_owned(),
        past: Some(StoredResult::new(&past.made)),
        made: Some(past.made.clone()),
        content,
    })
}

fn look(
    project: &Project,
    artifact: ArtifactId,
    rows: usize,
    masked: &dyn Fn(&str) -> String,
) -> Result<Option<Shown>, CommandError> {
    let graph = &project.graph;
    let (port, path) = (graph.port(artifact), graph.path(artifact));
    let unreadable =
        |error: std::io::Error| CommandError::usage(Diagnostic::error(format!("`{path}` cannot be read: {error}")));
    let Some((bytes, kind)) = project.files.digest(path).map_err(unreadable)? else {
        return Ok(None);
    };
    let history = project
        .store
        .records
        .ledger(|ledger| ledger.target(graph.name(artifact.target)).cloned());
    let past = history.and_then(|history| {
        let left = |past: &&StoredResult| {
            past.artifacts
                .iter()
                .any(|it| it.name == port && it.bytes == bytes && it.kind == kind)
        };
        history.record().into_iter().chain(history.open()).find(left).cloned()
    });
    Ok(Some(Shown {
        name: graph.shown_name(artifact).into_owned(),
        path: path.to_owned(),
        made: past.as_ref().and_then(|past| project.store.records.result(past.id)),
        content: Content::read(&project.files.at(path), rows, masked).map_err(unreadable)?,
        past,
    }))
}

fn text(shown: &Shown, with_origin: bool, session: &Session, width: usize) -> String {
    let ink = session.screen.out_ink();
    let Shown {
        name, path, content, ..
    } = shown;
    let mut out = format!("{}  {path}  {}\n\n", ink.paint(Tone::Strong, name), content.measure());
    out += &content.text(width, ink);
    if let Some(curve) = content.curve() {
        let drawn = chart(curve, width, CHART_HEIGHT);
        if !drawn.is_empty() {
            out.push('\n');
            out += &drawn;
        }
    }
    out.push('\n');
    out + &origin(shown, with_origin, ink)
}

/// Where it came from: in a line, or with all that is known.
fn origin(shown: &Shown, whole: bool, ink: Ink) -> String {
    let Shown { name, past, made, .. } = shown;
    let mut table = TextTable::new();
    let mut row = |label: &str, text: String| table.row([(Tone::Faint, label.to_owned()), (Tone::Plain, text)]);
    let Some(past) = past else {
        row("origin", "atsaf has not made it as it is here".to_owned());
        return table.draw(ink);
    };
    let run = past
        .artifacts
        .iter()
        .find(|it| it.name == *name)
        .map_or(past.run, |it| it.run);
    row(
        "made",
        format!(
            "{} in run {run}, in {}",
            human::ago(run.time(), clock::now()),
            human::duration(Duration::from_millis(past.duration))
        ),
    );
    if !whole {
        return table.draw(ink);
    }
    if let Some(fingerprint) = made.as_ref().and_then(|made| made.fingerprint.as_ref()) {
        let paths = paths(made.as_ref());
        for InputField { role, path, content } in &fingerprint.inputs {
            let digest = content.map_or_else(String::new, |digest| digest.short());
            let path = path.as_deref().or(paths.get(role.as_str()).copied()).unwrap_or(role);
            let of = if path == role {
                String::new()
            } else {
                format!(", {path}")
            };
            row("from", format!("{role}{of}, content {digest}"));
        }
        for (name, value) in &fingerprint.params {
            row("with", format!("{name} = {value}"));
        }
    } else {
        row(
            "from",
            "told no more: only a target's last result keeps that".to_owned(),
        );
    }
    table.draw(ink)
}

/// Path of each role that one file has.
pub(super) fn paths(made: Option<&ResultEntry>) -> BTreeMap<&str, &str> {
    let read = made.map_or(&[][..], |made| made.read.as_slice());
    let once = |role: &str| read.iter().filter(|(other, _)| other == role).count() == 1;
    let pairs = read.iter().filter(|(role, _)| once(role));
    pairs.map(|(role, path)| (role.as_str(), path.as_str())).collect()
}

fn to_json(shown: &Shown) -> Value {
    let Shown {
        name,
        path,
        past,
        made,
        content,
    } = shown;
    let run = past.as_ref().map(|past| {
        past.artifacts
            .iter()
            .find(|it| it.name == *name)
            .map_or(past.run, |it| it.run)
    });
    let fingerprint = made.as_ref().and_then(|made| made.fingerprint.as_ref());
    let paths = paths(made.as_ref());
    let inputs = fingerprint.map(|fingerprint| {
        let inputs = fingerprint.inputs.iter().map(|input| {
            let path = input.path.as_deref().or(paths.get(input.role.as_str()).copied());
            json!({ "role": input.role, "path": path, "content": input.content.map(|it| it.hex()) })
        });
        inputs.collect::<Vec<_>>()
    });
    let params = fingerprint.map(|fingerprint| {
        let params = fingerprint.params.iter();
        params
            .map(|(name, value)| (name.clone(), value.to_json()))
            .collect::<serde_json::Map<_, _>>()
    });
    json!({
        "artifact": name,
        "path": path,
        "target": made.as_ref().map(|made| made.target.as_str()),
        "run": run.map(|run| run.to_string()),
        "made": run.map(|run| human::timestamp(run.time())),
        "duration": past.as_ref().map(|past| Duration::from_millis(past.duration).as_secs_f64()),
        "inputs": inputs,
        "params": params,
        "content": content.to_json(),
    })
}

#[cfg(test)]
mod tests;
