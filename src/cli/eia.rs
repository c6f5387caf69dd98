//! `atsaf eia record`: the answers of the EIA API, kept as pages that `ingest_eia` reads.

use std::path::PathBuf;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use serde_json::json;

use super::read_atsaffile;
use super::setup::{self, Project};
use super::{CommandError, Common, Exit, Session, interrupt};
use crate::diagnostic::Diagnostic;
use crate::engine::clock;
use crate::engine::task::{Message, TaskError};
use crate::forecasting::{RecordRequest, record, requests};
use crate::outward::Mask;

/// The variable with the key.
const KEY: &str = "EIA_API_KEY";
/// As long is slept between two looks at whether the command goes on.
const LOOK: Duration = Duration::from_millis(20);

/// Work with the EIA API
#[derive(Debug, clap::Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(super) struct Args {
    #[command(subcommand)]
    command: EiaCommand,
}

#[derive(Debug, clap::Subcommand)]
enum EiaCommand {
    /// Record the pages of a query, without the key, for `ingest_eia` to read as often as one likes
    Record(Box<Record>),
}

#[derive(Debug, clap::Args)]
struct Record {
    /// Where to write: an archive if it ends in `.zip`, else a folder; nothing may be there
    #[arg(value_name = "OUT")]
    out: PathBuf,
    /// First day, in UTC
    #[arg(long, value_name = "DAY")]
    start_date: String,
    /// Last day, wholly included, or `latest`
    #[arg(long, value_name = "DAY", default_value = "latest")]
    end_date: String,
    /// The route below `electricity/rto` [default: fuel-type-data]
    #[arg(long)]
    route: Option<String>,
    /// The API's address
    #[arg(long, value_name = "URL", default_value = "https://api.eia.gov/v2")]
    source: String,
    /// Balancing authorities or regions, between commas; `all` for any, as for the other facets [default: US48]
    #[arg(long, value_name = "CODES")]
    respondent: Option<String>,
    /// Energy sources [default: NG]
    #[arg(long, value_name = "CODES")]
    fueltype: Option<String>,
    /// D, DF, NG or TI, of region-data [default: D]
    #[arg(long = "type", value_name = "CODES")]
    kind: Option<String>,
    /// From where power flows, of interchange-data [default: US48]
    #[arg(long, value_name = "CODES")]
    fromba: Option<String>,
    /// The neighbours, of interchange-data [default: all]
    #[arg(long, value_name = "CODES")]
    toba: Option<String>,
    /// Parts of balancing authorities, of region-sub-ba-data [default: all]
    #[arg(long, value_name = "CODES")]
    subba: Option<String>,
    /// Their balancing authorities [default: all]
    #[arg(long, value_name = "CODES")]
    parent: Option<String>,
    /// Whose days, of the daily routes [default: Eastern]
    #[arg(long)]
    timezone: Option<String>,
    /// Let the key go to an address without encryption
    #[arg(long)]
    allow_http: bool,
}

impl Record {
    /// The parameters of the task that are given.
    fn given(&self) -> Vec<(&'static str, String)> {
        let optional = [
            ("start_date", Some(&self.start_date)),
            ("end_date", Some(&self.end_date)),
            ("source", Some(&self.source)),
            ("route", self.route.as_ref()),
            ("respondent", self.respondent.as_ref()),
            ("fueltype", self.fueltype.as_ref()),
            ("type", self.kind.as_ref()),
            ("fromba", self.fromba.as_ref()),
            ("toba", self.toba.as_ref()),
            ("subba", self.subba.as_ref()),
            ("parent", self.parent.as_ref()),
            ("timezone", self.timezone.as_ref()),
        ];
        let given = optional
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?.clone())));
        given.chain([("allow_http", self.allow_http.to_string())]).collect()
    }
}

/// Records, and says what.
pub(super) fn run(args: &Args, session: &Session) -> Result<Exit, CommandError> {
    let EiaCommand::Record(args) = &args.command;
    // Within a project, its builds and this command count their requests together.
    let project = match is_in_project(&session.common) {
        true => Some(session.load()?),
        false => None,
    };
    let key = secret_anywhere(session, KEY).ok_or_else(|| {
        CommandError::usage(
            Diagnostic::error(format!("the EIA API needs a key, and `{KEY}` is not set"))
                .help(format!(
                    "set the environment variable `{KEY}`, or write `{KEY}=…` to `.env` beside the Atsaffile"
                ))
                .help("a key is free: https://www.eia.gov/opendata/register.php"),
        )
    })?;
    let declared = project.iter().flat_map(|project| project.secrets.values());
    session
        .screen
        .hide(Mask::new(declared.chain([&key]).map(String::as_str)));
    let start = session.common.directory.clone().unwrap_or_default();
    let pace = RequestPace::new(project.as_deref());
    let recorded = record(&RecordRequest {
        given: &args.given(),
        key: &key,
        out: &start.join(&args.out),
        cancelled: interrupt::watch(),
        say: &|message| match message {
            Message::Warning(text) => session.screen.tell(&Diagnostic::warning(text)),
            Message::Line(text) => session.screen.say(&format!("{text}\n")),
            Message::Progress(_) => {}
        },
        admit: &|is_over| pace.wait(is_over),
    });
    let recorded = recorded.map_err(failure)?;
    let out = args.out.display();
    match session.screen.json() {
        true => session
            .screen
            .print_json(&json!({ "out": out.to_string(), "pages": recorded.pages, "rows": recorded.rows })),
        false => session.screen.print(&format!(
            "recorded {} rows in {} pages: `source = \"{out}\"` reads them\n",
            recorded.rows, recorded.pages
        )),
    }
    Ok(Exit::Done)
}

/// Whether a command is used within a project.
fn is_in_project(common: &Common) -> bool {
    read_atsaffile::find(common).is_ok_and(|file| file.is_file())
}

/// A secret from the environment or `.env`, declared or not: beside the Atsaffile, or without one where the user stands.
fn secret_anywhere(session: &Session, name: &str) -> Option<String> {
    let root = match read_atsaffile::find(&session.common) {
        Ok(file) => read_atsaffile::root_of(&file),
        Err(_) => session.common.directory.clone().unwrap_or_default(),
    };
    let of_file = || setup::env_file(&root.join(".env"), &mut Vec::new()).remove(name);
    let is_set = |value: &String| !value.is_empty();
    let value = session.env.get(name).filter(|value| is_set(value)).cloned();
    value.or_else(of_file).filter(is_set)
}

/// How often the API may be asked.
struct RequestPace<'a> {
    project: Option<&'a Project>,
    /// The moments of the last requests, where no project counts them.
    last: Mutex<Vec<std::time::Instant>>,
}

impl<'a> RequestPace<'a> {
    fn new(project: Option<&'a Project>) -> Self {
        let last = Mutex::default();
        Self { project, last }
    }

    /// Waits until a request may be sent.
    fn wait(&self, is_over: &dyn Fn() -> bool) -> Result<(), TaskError> {
        loop {
            if is_over() || interrupt::watch().load(std::sync::atomic::Ordering::Relaxed) {
                return Err(TaskError::stopped());
            }
            match self.started()? {
                None => return Ok(()),
                Some(wait) => thread::sleep(wait.min(LOOK)),
            }
        }
    }

    /// Counts a request if it may be now, or else tells how long it has to wait.
    fn started(&self) -> Result<Option<Duration>, TaskError> {
        let (pool, rate) = requests();
        if let Some(project) = self.project {
            let started = project.store.start_in(&pool, rate, clock::now());
            return started.map_err(|error| TaskError::new(error.to_string()));
        }
        let now = std::time::Instant::now();
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        last.retain(|moment| now.duration_since(*moment) < rate.per);
        if last.len() < rate.count as usize {
            last.push(now);
            return Ok(None);
        }
        Ok(Some(rate.per.saturating_sub(now.duration_since(last[0]))))
    }
}

fn failure(error: TaskError) -> CommandError {
    let diagnostic = Diagnostic::error(error.what);
    let diagnostic = error.notes.into_iter().fold(diagnostic, Diagnostic::note);
    CommandError {
        diagnostics: vec![error.help.into_iter().fold(diagnostic, Diagnostic::help)],
        exit: Exit::Failed,
    }
}
