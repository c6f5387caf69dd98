//! `atsaf report`: one HTML page about what was built, that needs nothing else to be looked at.

mod backtests;
mod differences;
pub(super) mod forecasts;
mod frame;
mod gather;
mod origins;
#[cfg(feature = "forecasting")]
mod parquet;
mod previews;
mod quality;
pub(super) mod standing;
mod turns;

use std::io;
use std::path::{Path, PathBuf};

use serde_json::json;

use self::forecasts::TableKind;
use self::frame::{Frame, Part};
use super::free_place::{self, Taken};
use super::setup::Project;
use super::{CommandError, Exit, Session, small_file};
use crate::diagnostic::Diagnostic;
use crate::engine::digest::Digest;
use crate::engine::graph::{ArtifactId, TargetId};
use crate::engine::spec::REPORT_PAGE;
use crate::engine::store::StoredResult;
use crate::report::page::{self, Forecast};

/// The file that is written where none is named.
pub(super) const DEFAULT: &str = REPORT_PAGE;
/// Most bytes of a file that may be an earlier report.
const LARGEST: u64 = 16 << 20;
/// Most bytes of the page.
const PAGE: usize = 1_900_000;
/// Longer texts are cut.
const LONGEST: usize = 300;

/// Write one HTML page about what was built: forecasts, leaderboard, data, the last run, provenance
///
/// The page is a single file that opens without a network: pictures are inside, and it can be read without JavaScript,
/// printed, and sent to somebody who has no atsaf. It shows the artifacts as they are and what the records tell, builds
/// nothing, and is the same file as long as nothing changed. Secrets are masked.
#[derive(Debug, clap::Args)]
#[command(after_help = "`atsaf help report` tells what stands on the page.")]
pub(super) struct Args {
    /// Targets, artifacts, artifacts' paths or aliases, with all that they need [default: the project's own]
    #[arg(value_name = "GOAL")]
    goals: Vec<String>,
    /// Write to this file, or to stdout if it is `-` [default: `report.html` in the project]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// The forecasts that lie at a path, of some of their series, with the values before them where the target that made them
/// reads such a table, and what lies there is what the result was made from; `None` of what is no table of forecasts.
pub(super) fn forecast(
    project: &Project,
    (maker, result): (TargetId, Option<&StoredResult>),
    path: &Path,
    chosen: forecasts::SeriesChoice<'_>,
) -> Option<Forecast> {
    let graph = &project.graph;
    let kind = |path: &Path| Some(TableKind::of(&Frame::read(path, Part::Head(1))?.ok()?));
    if kind(path)? != TableKind::Forecast {
        return None;
    }
    let made_from = result.and_then(|result| project.store.records.fingerprint(result));
    let made_from = made_from.map_or_else(Vec::new, |fingerprint| fingerprint.inputs);
    let mut read = graph.node(maker).reads.iter().filter_map(|read| read.artifact);
    let history = read.find_map(|id| {
        let contents = contents(project, id)?;
        let is_it = |content: Option<Digest>| content.is_some_and(|content| contents.contains(&content));
        if !made_from.iter().any(|input| is_it(input.content)) {
            return None;
        }
        let at = project.files.at(graph.path(id));
        (kind(&at)? == TableKind::History).then(|| (graph.shown_name(id).into_owned(), at))
    });
    let history = history.as_ref().map(|(name, at)| (name.clone(), at.as_path()));
    forecasts::forecast(String::new(), path, history, chosen).ok()
}

/// What followers depend on of what lies in the place of an artifact: its digest, and what a task has said beyond it when it
/// made just that.
fn contents(project: &Project, id: ArtifactId) -> Option<Vec<Digest>> {
    let graph = &project.graph;
    let (bytes, _) = project.files.digest(graph.path(id)).ok()??;
    let name = graph.name(id.target);
    let history = project.store.records.ledger(|ledger| ledger.target(name));
    let results = history.iter().flat_map(|history| history.results());
    let artifacts = results.flat_map(|result| result.artifacts.iter());
    let same = artifacts.filter(|artifact| artifact.name == graph.port(id) && artifact.bytes == bytes);
    Some(same.map(|artifact| artifact.content).chain([bytes]).collect())
}

/// Writes the page.
pub(super) fn run(args: &Args, session: &Session) -> Result<Exit, CommandError> {
    let project = session.load()?;
    let goals = project.goals(&args.goals)?;
    let place = place(args, &project, session)?;
    let html = html(&project, &goals, session)?;
    let screen = &session.screen;
    let Some((place, shown)) = place else {
        match screen.json() {
            true => screen.print_json(&json!({ "file": null, "bytes": html.len(), "text": html })),
            false => screen.print(&html),
        }
        return Ok(Exit::Done);
    };
    let changed = write(&place, &shown, &html)?;
    if screen.json() {
        screen.print_json(&json!({ "file": shown, "bytes": html.len(), "changed": changed }));
    } else if changed {
        screen.say(&format!("wrote `{shown}`\n"));
    } else {
        screen.say(&format!("`{shown}` says the same already\n"));
    }
    Ok(Exit::Done)
}

/// Writes the page about the project's own goals to its usual place, which is given back.
pub(super) fn write_default(session: &Session) -> Result<PathBuf, CommandError> {
    let project = session.load()?;
    let place = writable(&project, &project.files.at(DEFAULT), DEFAULT)?;
    write(&place, DEFAULT, &html(&project, &project.goals(&[])?, session)?)?;
    Ok(place.canonicalize().unwrap_or(place))
}

/// The page as it is written.
pub(super) fn html(project: &Project, goals: &[TargetId], session: &Session) -> Result<String, CommandError> {
    let html = gather::page(project, session, goals)?.html_within(PAGE);
    Ok(crate::outward::visible(&session.screen.masked(&html)).into_owned())
}

/// A file of a test, in a directory that goes with it.
#[cfg(test)]
fn written(name: &str, bytes: impl AsRef<[u8]>) -> (tempfile::TempDir, PathBuf) {
    use std::io::Write as _;
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join(name);
    let mut file = std::fs::File::create(&path).expect("made");
    file.write_all(bytes.as_ref()).expect("written");
    (dir, path)
}

/// The beginning of a text that is long.
fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// Where the page goes, with the path as it is told; `None` for stdout.
fn place(args: &Args, project: &Project, session: &Session) -> Result<Option<(PathBuf, String)>, CommandError> {
    let start = session.common.directory.as_deref().unwrap_or(Path::new("."));
    let (place, shown) = match &args.output {
        Some(path) if path == Path::new("-") => return Ok(None),
        Some(path) => (start.join(path), path.display().to_string()),
        None => (project.files.at(DEFAULT), DEFAULT.to_owned()),
    };
    writable(project, &place, &shown).map(|place| Some((place, shown)))
}

/// The place of a page behind links, if a page may be written there.
fn writable(project: &Project, place: &Path, shown: &str) -> Result<PathBuf, CommandError> {
    // A link stays, and what it leads to is replaced.
    let place = place.canonicalize().unwrap_or_else(|_| place.to_owned());
    if place.is_symlink() {
        return Err(CommandError::usage(
            Diagnostic::error(format!("`{shown}` is a link that leads to nothing"))
                .help("name another file with `-o`, or remove the link"),
        ));
    }
    refuse_taken(project, &place, shown)?;
    Ok(place)
}

/// Refuses a path that a target writes to or reads, and one in the store.
fn refuse_taken(project: &Project, place: &Path, shown: &str) -> Result<(), CommandError> {
    let what = match free_place::taken(project, place) {
        None => return Ok(()),
        Some(Taken::Above(output)) => format!("`{}`, which a target makes, lies in `{shown}`", output.path),
        Some(Taken::Store) => format!("`{shown}` lies in atsaf's store"),
        Some(Taken::Output(target, _)) => format!("`{shown}` is an output of the target `{}`", target.name),
        Some(Taken::Source(reader)) => format!("`{shown}` is read by the target `{reader}`"),
    };
    Err(CommandError::usage(
        Diagnostic::error(what).help("name another file with `-o`"),
    ))
}

/// The page that is there, or an empty file; `None` if nothing is.
///
/// # Errors
/// [`CommandError`] for a file that is somebody else's, or cannot be read.
fn earlier(place: &Path, shown: &str) -> Result<Option<Vec<u8>>, CommandError> {
    match small_file::read(place, LARGEST) {
        Ok(bytes) if bytes.is_empty() || page::is_page(&bytes) => Ok(Some(bytes)),
        Ok(_) => Err(CommandError::usage(
            Diagnostic::error(format!("`{shown}` is there, and is no page of `atsaf report`"))
                .help("name another file with `-o`, or remove that one first"),
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unwritable(shown, &error)),
    }
}

fn unwritable(shown: &str, error: &io::Error) -> CommandError {
    CommandError::usage(
        Diagnostic::error(format!("`{shown}` cannot be written: {error}"))
            .help("name a file in a directory that is there and may be written to"),
    )
}

/// Writes the page whole, or leaves the file alone if it says the same; whether it was written.
fn write(place: &Path, shown: &str, html: &str) -> Result<bool, CommandError> {
    match earlier(place, shown)? {
        Some(bytes) if bytes == html.as_bytes() => return Ok(false),
        _ => {}
    }
    small_file::replace(place, html.as_bytes()).map_err(|error| unwritable(shown, &error))?;
    Ok(true)
}
