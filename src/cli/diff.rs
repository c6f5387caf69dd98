//! `atsaf diff`: an artifact beside what it was after a past run, or all metrics.

mod commit;
mod kept;
mod metrics;
mod numbers;

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use serde_json::{Value, json};
use similar::TextDiff;

use super::past::{self, PastArtifact};
use super::setup::Project;
use super::{CommandError, Exit, Session, log, show};
use crate::diagnostic::Diagnostic;
use crate::engine::graph::ArtifactId;
use crate::engine::run_id::RunId;
use crate::report::history::Story;
use crate::report::human;
use crate::report::ink::{Ink, Tone};
use crate::report::table::TextTable;
use crate::report::table_diff::{Sheet, TableDiff};

/// How many rows of each sort are shown where nothing is said.
const ROWS: usize = 10;
/// Most bytes of a file that is compared.
const LARGEST: u64 = 64 << 20;

/// Compare an artifact with what it was after a past run: schema, rows, cells, or lines of text; or all metrics
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// An artifact, its path, or a target with one artifact; none with `--metrics`
    #[arg(value_name = "ARTIFACT", required_unless_present = "metrics")]
    goal: Option<String>,
    /// The past run to compare with, by the first digits of its id [default: the one that left another result last]
    #[arg(value_name = "RUN")]
    before: Option<String>,
    /// A later run, in the place of what is there now
    #[arg(value_name = "RUN")]
    after: Option<String>,
    /// Compare the numbers of declared metrics and leaderboards: `diff --metrics [RUN [RUN]]`; with `-s`, those in place
    /// with those that were built with these values
    #[arg(long)]
    metrics: bool,
    /// Compare the metrics of this git commit: its Atsaffile's and inputs' kept results, or the files that git holds
    #[arg(long, value_name = "REV", requires = "metrics", conflicts_with_all = ["goal", "before", "after"])]
    against: Option<String>,
    /// Print a table in Markdown
    #[arg(long, requires = "metrics")]
    md: bool,
    /// How many rows of each sort to show, or how many numbers [default: 10 rows, 100 numbers]
    #[arg(short = 'n', long, value_name = "N")]
    rows: Option<usize>,
    /// Exit with 3 if there is a difference
    #[arg(long)]
    exit_code: bool,
}

/// One of the two.
pub(super) enum Side {
    Past(Box<PastArtifact>),
    Now,
}

impl Side {
    fn name(&self) -> String {
        match self {
            Self::Past(past) => format!("run {}", past.made.run.short()),
            Self::Now => "now".to_owned(),
        }
    }

    fn run(&self) -> Option<RunId> {
        match self {
            Self::Past(past) => Some(past.made.run),
            Self::Now => None,
        }
    }
}

/// How they differ.
pub(super) enum Difference {
    Table(Box<TableDiff>),
    /// Lines of a unified diff.
    Lines(String),
    /// Files of a directory: sign and path.
    Files(Vec<(char, String)>),
    /// Bytes that are no text, with both sizes; none if they are the same.
    Bytes(Option<(u64, u64)>),
}

impl Difference {
    fn is_empty(&self) -> bool {
        match self {
            Self::Table(diff) => diff.is_empty(),
            Self::Lines(lines) => lines.is_empty(),
            Self::Files(files) => files.is_empty(),
            Self::Bytes(sizes) => sizes.is_none(),
        }
    }
}

/// Compares.
pub(super) fn run(args: &Args, session: &Session) -> Result<Exit, CommandError> {
    let goal = args.goal.as_deref().unwrap_or_default();
    if args.metrics {
        if args.after.is_some() {
            return Err(CommandError::usage(
                Diagnostic::error("`--metrics` compares all metrics, and takes two runs at most")
                    .help(format!("leave out `{goal}`: `atsaf diff --metrics [RUN [RUN]]`")),
            ));
        }
        let asked = metrics::Asked {
            before: args.goal.as_deref(),
            after: args.before.as_deref(),
            against: args.against.as_deref(),
            most: args.rows,
            markdown: args.md,
            exit_code: args.exit_code,
        };
        return metrics::run(&asked, session);
    }
    let project = session.load()?;
    let artifact = artifact(&project, goal)?;
    let story = log::story(&project)?;
    let before = match &args.before {
        Some(id) => past::after_run(&project, &story, artifact, id)?,
        None => earlier(&project, &story, artifact)?,
    };
    let after = match &args.after {
        Some(id) => Side::Past(Box::new(past::after_run(&project, &story, artifact, id)?)),
        None => now(&project, &story, artifact)?,
    };
    let before = Side::Past(Box::new(before));
    let difference = compare(&project, artifact, &before, &after)?;
    tell(&project, artifact, (&before, &after), &difference, args, session);
    Ok(match args.exit_code && !difference.is_empty() {
        true => Exit::Stale,
        false => Exit::Done,
    })
}

fn artifact(project: &Project, goal: &str) -> Result<ArtifactId, CommandError> {
    let all = show::artifacts(project, goal)?;
    match all.as_slice() {
        [one] => Ok(*one),
        several => {
            let names: Vec<String> = several
                .iter()
                .take(8)
                .map(|id| format!("`{}`", project.graph.shown_name(*id)))
                .collect();
            Err(CommandError::usage(
                Diagnostic::error(format!(
                    "`{goal}` means {}, and one is compared",
                    human::count(several.len(), "artifact")
                ))
                .help(format!("name one of {}", names.join(", "))),
            ))
        }
    }
}

/// The last result before that of now that left another content.
fn earlier(project: &Project, story: &Story, artifact: ArtifactId) -> Result<PastArtifact, CommandError> {
    let (target, port) = (project.graph.name(artifact.target), project.graph.port(artifact));
    let results = past::results(story, target);
    let content = |made: &crate::engine::store::entry::ResultEntry| {
        made.artifacts.iter().find(|it| it.name == port).map(|it| it.content)
    };
    let last = results.last().and_then(|(_, made)| content(made));
    let other = results.iter().rev().find(|(_, made)| content(made) != last);
    match other {
        Some((_, made)) => past::copy(project, artifact, made),
        None => Err(CommandError::usage(
            Diagnostic::error(format!(
                "`{}` has never been different",
                project.graph.shown_name(artifact)
            ))
            .note("no earlier run that is remembered left another content")
            .help(format!(
                "`atsaf log {}` shows its runs; name one to compare with it",
                human::word(target)
            )),
        )),
    }
}

/// What is there now: by its copy, which has no run's id in it, as long as it is as atsaf left it.
pub(super) fn now(project: &Project, story: &Story, artifact: ArtifactId) -> Result<Side, CommandError> {
    let (graph, port) = (&project.graph, project.graph.port(artifact));
    let path = graph.path(artifact);
    let found = project
        .files
        .digest(path)
        .map_err(|error| CommandError::usage(Diagnostic::error(format!("`{path}` cannot be read: {error}"))))?;
    let Some((bytes, _)) = found else {
        return Err(CommandError {
            diagnostics: vec![show::absent(project, artifact)],
            exit: Exit::Usage,
        });
    };
    let results = past::results(story, graph.name(artifact.target));
    let left = results
        .iter()
        .rev()
        .find(|(_, made)| made.artifacts.iter().any(|it| it.name == port && it.bytes == bytes));
    let copy = left.and_then(|(_, made)| past::copy(project, artifact, made).ok());
    Ok(copy.map_or(Side::Now, |past| Side::Past(Box::new(past))))
}

pub(super) fn compare(
    project: &Project,
    artifact: ArtifactId,
    before: &Side,
    after: &Side,
) -> Result<Difference, CommandError> {
    let place = project.files.at(project.graph.path(artifact));
    let path = |side: &'_ Side| match side {
        Side::Past(past) => past.path().to_owned(),
        Side::Now => place.clone(),
    };
    let (first, second) = (path(before), path(after));
    if first.is_dir() || second.is_dir() {
        return Ok(Difference::Files(files(&first, &second)));
    }
    let (first, second) = (read(&first)?, read(&second)?);
    if first == second {
        return Ok(Difference::Bytes(None));
    }
    let name = project.graph.path(artifact);
    let is_table = first.starts_with(b"PAR1")
        || Path::new(name)
            .extension()
            .is_some_and(|end| end == "csv" || end == "tsv");
    if is_table && let (Some(first), Some(second)) = (sheet(&first), sheet(&second)) {
        return Ok(Difference::Table(Box::new(TableDiff::of(&first, &second))));
    }
    let sizes = (first.len() as u64, second.len() as u64);
    let (Ok(first), Ok(second)) = (String::from_utf8(first), String::from_utf8(second)) else {
        return Ok(Difference::Bytes(Some(sizes)));
    };
    let (first, second) = (show::laid_out(first), show::laid_out(second));
    let diff = TextDiff::from_lines(first.as_str(), second.as_str());
    Ok(Difference::Lines(diff.unified_diff().context_radius(3).to_string()))
}

fn sheet(bytes: &[u8]) -> Option<Sheet> {
    let (columns, rows) = show::table_of(bytes)?;
    Some(Sheet { columns, rows })
}

fn read(path: &Path) -> Result<Vec<u8>, CommandError> {
    let mut bytes = Vec::new();
    let opened = File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
    opened.map_err(|error| {
        CommandError::usage(Diagnostic::error(format!(
            "`{}` cannot be read: {error}",
            path.display()
        )))
    })?;
    match bytes.len() as u64 > LARGEST {
        true => Err(CommandError::usage(
            Diagnostic::error(format!(
                "it is larger than {}, and is not compared",
                human::size(LARGEST)
            ))
            .help("compare a part of it: a target that takes what matters out of it makes a smaller artifact"),
        )),
        false => Ok(bytes),
    }
}

/// Files of two directories that only one has, or whose bytes differ.
fn files(first: &Path, second: &Path) -> Vec<(char, String)> {
    let list = |root: &Path| -> Vec<String> {
        let entries = walkdir::WalkDir::new(root).sort_by_file_name().into_iter().flatten();
        let files = entries.filter(|entry| !entry.file_type().is_dir());
        files
            .filter_map(|entry| Some(entry.path().strip_prefix(root).ok()?.to_string_lossy().into_owned()))
            .collect()
    };
    let (before, after) = (list(first), list(second));
    let mut all: Vec<&String> = before.iter().chain(&after).collect();
    all.sort_unstable();
    all.dedup();
    let same =
        |path: &String| matches!((fs::read(first.join(path)), fs::read(second.join(path))), (Ok(a), Ok(b)) if a == b);
    let sign = |path: &&String| match (before.contains(path), after.contains(path)) {
        (true, false) => Some('-'),
        (false, true) => Some('+'),
        _ => (!same(path)).then_some('~'),
    };
    all.iter()
        .filter_map(|path| Some((sign(path)?, (*path).clone())))
        .collect()
}

fn tell(
    project: &Project,
    artifact: ArtifactId,
    (before, after): (&Side, &Side),
    difference: &Difference,
    args: &Args,
    session: &Session,
) {
    let screen = &session.screen;
    let name = project.graph.shown_name(artifact);
    if screen.json() {
        let run = |side: &Side| side.run().map(|run| run.to_string());
        let (kind, content) = match difference {
            Difference::Table(diff) => ("table", diff.to_json()),
            Difference::Lines(lines) => ("text", lines.lines().collect()),
            Difference::Files(files) => {
                let files: Vec<Value> = files
                    .iter()
                    .map(|(sign, path)| json!({ "sign": sign.to_string(), "path": path }))
                    .collect();
                ("directory", files.into())
            }
            Difference::Bytes(sizes) => ("bytes", json!(sizes)),
        };
        screen.print_json(&json!({
            "artifact": name, "before": run(before), "after": run(after), "same": difference.is_empty(), "kind": kind,
            "difference": content,
        }));
        return;
    }
    let ink = screen.out_ink();
    let after = match (before.run(), after) {
        (Some(run), Side::Past(past)) if past.made.run == run => "the same run".to_owned(),
        (_, after) => after.name(),
    };
    let text = format!("{}  {} -> {after}\n", ink.paint(Tone::Strong, &name), before.name());
    let body = match difference {
        it if it.is_empty() => "no difference\n".to_owned(),
        Difference::Table(diff) => diff.text(args.rows.unwrap_or(ROWS), ink),
        Difference::Lines(lines) => coloured(lines, ink),
        Difference::Files(files) => {
            let mut table = TextTable::new();
            for (sign, path) in files {
                table.row([(tone(*sign), format!("{sign} {path}"))]);
            }
            table.draw(ink)
        }
        Difference::Bytes(sizes) => {
            let (first, second) = sizes.unwrap_or_default();
            format!(
                "other bytes, which are no text: {} -> {}\n",
                human::size(first),
                human::size(second)
            )
        }
    };
    screen.print(&(text + &body));
}

fn tone(sign: char) -> Tone {
    match sign {
        '+' => Tone::New,
        '-' => Tone::Old,
        '@' => Tone::Faint,
        _ => Tone::Plain,
    }
}

fn coloured(lines: &str, ink: Ink) -> String {
    let line = |line: &str| ink.paint(tone(line.chars().next().unwrap_or(' ')), line) + "\n";
    lines.lines().map(line).collect()
}

#[cfg(test)]
mod tests;
