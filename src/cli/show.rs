//! `atsaf show`: what an artifact holds, and after that where it came from.

mod content;
mod curve;
mod leaderboard;
mod picture;
mod rows;
mod sixel;
#[cfg(feature = "forecasting")]
mod table;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

pub(super) use self::content::Content;
pub(super) use self::curve::charts;
use self::picture::{PictureHead, Protocol};
use super::setup::Project;
use super::{CommandError, Exit, Session, log, past, small_file};
use crate::diagnostic::Diagnostic;
use crate::engine::clock;
use crate::engine::fingerprint::InputField;
use crate::engine::graph::ArtifactId;
use crate::engine::spec::{ArtifactKind, full_name};
use crate::engine::store::StoredResult;
use crate::engine::store::entry::ResultEntry;
use crate::outward::visible_line;
use crate::report::history::Story;
use crate::report::human;
use crate::report::ink::{Ink, Tone};
use crate::report::table::TextTable;

/// Show what an artifact holds, now or after a past run
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// An artifact, its path, a file in it if it is a directory, or a target for all that it makes
    #[arg(value_name = "GOAL")]
    goal: String,
    /// How many rows, lines or files to show
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    rows: usize,
    /// Show below from what it was made: the run, inputs with their contents, parameters
    #[arg(long)]
    origin: bool,
    /// Draw the forecast of this series (repeatable) [default: the first few]
    #[arg(long, value_name = "NAME")]
    series: Vec<String>,
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

/// One artifact as it lies on the disk, or a file in it.
struct Shown {
    /// The artifact's name, and its task's own for it.
    artifact: String,
    port: String,
    /// What is shown, by its name and by its path.
    name: String,
    path: String,
    /// The result that left these bytes, if atsaf made them.
    past: Option<StoredResult>,
    made: Option<ResultEntry>,
    content: Content,
    /// Its forecasts, drawn.
    charts: String,
    /// What draws it on the terminal, if it is a picture.
    picture: Option<String>,
}

/// Shows the artifacts that a goal means.
pub(super) fn run(args: &Args, session: &Session) -> Result<Exit, CommandError> {
    let project = session.load()?;
    let (artifacts, inside) = match file_inside(&project, &args.goal) {
        Some((artifact, inside)) => (vec![artifact], Some(inside)),
        None => (artifacts(&project, &args.goal)?, None),
    };
    let mut shown = Vec::with_capacity(artifacts.len());
    let mut missing = Vec::new();
    let story = args.run.as_ref().map(|_| log::story(&project)).transpose()?;
    for artifact in artifacts {
        let asked = ShowRequest {
            project: &project,
            artifact,
            inside: inside.as_deref(),
            args,
            session,
        };
        let found = match args.run.as_ref().zip(story.as_ref()) {
            Some((run, story)) => Some(asked.then(story, run)?),
            None => asked.now()?,
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
        for (at, it) in shown.iter().enumerate() {
            if at > 0 {
                session.screen.print("\n");
            }
            print(it, args.origin, session);
        }
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
    .help(match project.graph.target(artifact.target).settings.temp {
        true => format!(
            "it goes once it is read: `atsaf build -B {}` makes it to be looked at",
            human::word(&name)
        ),
        false => format!("make it: `atsaf build {}`", human::word(&name)),
    })
}

/// The directory artifact in which a path is a file, by the artifact's path or its name, and the path below it.
fn file_inside(project: &Project, goal: &str) -> Option<(ArtifactId, PathBuf)> {
    let goal = goal.trim_start_matches("./");
    let below = |before: &str| {
        let below = Path::new(goal.strip_prefix(before)?.strip_prefix('/')?);
        let is_inside = below.components().all(|it| matches!(it, Component::Normal(_)));
        (is_inside && below.file_name().is_some()).then(|| below.to_owned())
    };
    let graph = &project.graph;
    let all = graph.order().iter().flat_map(|target| graph.artifacts_of(*target));
    all.into_iter().find_map(|id| {
        let output = graph.output(id);
        let whole = full_name(graph.name(id.target), &output.name);
        let names = [output.path.as_str(), &graph.shown_name(id), &whole];
        let is_directory = output.kind == ArtifactKind::Directory;
        Some((id, names.into_iter().filter(|_| is_directory).find_map(below)?))
    })
}

/// The first link on a way into a directory, by its path from there, with its text.
fn link_on_the_way(directory: &Path, inside: &Path) -> Option<(PathBuf, PathBuf)> {
    let mut all: Vec<&Path> = inside.ancestors().collect();
    all.pop();
    let text = |path: &&Path| Some(((*path).to_owned(), fs::read_link(directory.join(path)).ok()?));
    all.iter().rev().find_map(text)
}

/// What is to be shown of an artifact.
struct ShowRequest<'a> {
    project: &'a Project,
    artifact: ArtifactId,
    /// A file in it, if it is a directory and not to be shown as a whole.
    inside: Option<&'a Path>,
    args: &'a Args,
    session: &'a Session,
}

impl ShowRequest<'_> {
    /// The artifact as it was after a past run.
    fn then(&self, story: &Story, run: &str) -> Result<Shown, CommandError> {
        let past = past::after_run(self.project, story, self.artifact, run)?;
        let of = StoredResult::new(&past.made);
        self.shown(past.path(), Some(of), Some(past.made.clone()))
    }

    /// The artifact as it is, if it is there.
    fn now(&self) -> Result<Option<Shown>, CommandError> {
        let (project, artifact) = (self.project, self.artifact);
        let (graph, files) = (&project.graph, &project.files);
        let (port, path) = (graph.port(artifact), graph.path(artifact));
        let digest = files.digest(path).map_err(|error| self.unreadable(&error))?;
        let Some((bytes, kind)) = digest else {
            return Ok(None);
        };
        let history = project
            .store
            .records
            .ledger(|ledger| ledger.target(graph.name(artifact.target)));
        let past = history.and_then(|history| {
            let left = |past: &&StoredResult| {
                past.artifacts
                    .iter()
                    .any(|it| it.name == port && it.bytes == bytes && it.kind == kind)
            };
            history.results().find(left).cloned()
        });
        let made = past.as_ref().and_then(|past| project.store.records.result(past.id));
        self.shown(&files.at(path), past, made).map(Some)
    }

    /// What lies at a path, which holds the artifact.
    fn shown(&self, at: &Path, past: Option<StoredResult>, made: Option<ResultEntry>) -> Result<Shown, CommandError> {
        let (graph, screen) = (&self.project.graph, &self.session.screen);
        let name = graph.shown_name(self.artifact).into_owned();
        if let Some((link, text)) = self.inside.and_then(|inside| link_on_the_way(at, inside)) {
            let what = format!("`{name}/{}` is a link to `{}`", link.display(), text.display());
            let help = "what it leads to may be another's, and another today than when the link was made: ask for that";
            return Err(CommandError::usage(Diagnostic::error(what).help(help)));
        }
        let at = self.inside.map_or_else(|| at.to_owned(), |inside| at.join(inside));
        if let Some(inside) = self.inside.filter(|_| !at.exists()) {
            let what = format!("`{name}` has no file `{}`", inside.display());
            let help = format!("`atsaf show {}` lists its files", human::word(&name));
            return Err(CommandError::usage(Diagnostic::error(what).help(help)));
        }
        let masked = |line: &str| screen.masked(line);
        let content = Content::read(&at, self.args.rows, &masked).map_err(|error| self.unreadable(&error))?;
        let named = &self.args.series;
        let by = (self.artifact.target, past.as_ref());
        let charts = match screen.json() && named.is_empty() {
            true => String::new(),
            false => curve::charts(self.project, by, &at, named, self.session.width()).map_err(CommandError::usage)?,
        };
        Ok(Shown {
            artifact: name,
            port: graph.port(self.artifact).to_owned(),
            name: self.named(&graph.shown_name(self.artifact)),
            path: self.named(graph.path(self.artifact)),
            past,
            made,
            content,
            charts,
            picture: picture(&at, self.session),
        })
    }

    /// The name or path of an artifact, with that of the file in it.
    fn named(&self, artifact: &str) -> String {
        match self.inside {
            Some(inside) => format!("{artifact}/{}", inside.display()),
            None => artifact.to_owned(),
        }
    }

    fn unreadable(&self, error: &std::io::Error) -> CommandError {
        let path = self.named(self.project.graph.path(self.artifact));
        CommandError::usage(Diagnostic::error(format!("`{path}` cannot be read: {error}")))
    }
}

fn print(shown: &Shown, with_origin: bool, session: &Session) {
    let (screen, width) = (&session.screen, session.width());
    let ink = screen.out_ink();
    let Shown {
        name,
        path,
        content,
        charts,
        ..
    } = shown;
    let (name, path) = (visible_line(name), visible_line(path));
    let head = format!("{}  {path}  {}\n", ink.paint(Tone::Strong, &name), content.measure());
    let head = format!("{}\n", session.folded(&head));
    let mut text = content.text(width, ink);
    if !charts.is_empty() {
        text.push('\n');
        text += charts;
    }
    text.push('\n');
    text += &session.folded(&origin(shown, with_origin, ink));
    match &shown.picture {
        Some(sequences) => screen.print_drawn(&head, sequences, &text),
        None => screen.print(&(head + &text)),
    }
}

/// The sequences that draw a file on the terminal, if it is a picture and the terminal can.
fn picture(path: &Path, session: &Session) -> Option<String> {
    if !session.screen.is_terminal() || session.screen.json() {
        return None;
    }
    let file = small_file::read(path, picture::LARGEST).ok()?;
    let head = PictureHead::of(&file)?;
    head.drawn(&file, Protocol::of_terminal(&session.env)?, session.width())
}

/// Where it came from: in a line, or with all that is known.
fn origin(shown: &Shown, whole: bool, ink: Ink) -> String {
    let Shown { port, past, made, .. } = shown;
    let mut table = TextTable::new();
    let mut row = |label: &str, text: String| table.row([(Tone::Faint, label.to_owned()), (Tone::Plain, text)]);
    let Some(past) = past else {
        row("origin", "atsaf has not made it as it is here".to_owned());
        return table.draw(ink);
    };
    let run = past
        .artifacts
        .iter()
        .find(|it| it.name == *port)
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
        artifact,
        port,
        path,
        past,
        made,
        content,
        ..
    } = shown;
    let run = past.as_ref().map(|past| {
        past.artifacts
            .iter()
            .find(|it| it.name == *port)
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
        "artifact": artifact,
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
