//! A program of the user's as a forecasting model: it gets the pasts of all windows in one file, and writes its forecasts.
//!
//! ```text
//! pasts.parquet    unique_id, cutoff, ds, y, what is known ahead   what each window may know
//! future.parquet   unique_id, cutoff, ds, what is known ahead      the steps to forecast
//! request.json     where those two lie and where to write; horizon, levels, season lengths, settings
//!         │ the program, which finds request.json by the variable ATSAF_REQUEST
//!         ▼
//! forecasts.parquet   unique_id, cutoff, ds, yhat, lo-LEVEL, hi-LEVEL
//! ```
//!
//! A program that fails, or whose file is none, fails the task: it is to be mended. What is wrong with the forecast of one
//! series at one cutoff is a failure of that alone, as with every other model.

mod answer;
mod chosen;
mod request;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use ecow::EcoString;

pub(crate) use self::chosen::ChosenProgram;
use super::cached_fit::{ForecastRequest, WindowOutcome};
use super::models::panel_model::{PanelPasts, Past};
use super::named_enum::named_enum;
use super::registry::Settings;
use super::series::Series;
use crate::engine::digest::Digest;
use crate::engine::spec::declared_program::program_entry;
use crate::engine::spec::schema::{Kind, Literal, ParamSchema, TextForm};
use crate::engine::spec::{Means, Program, Value};
use crate::engine::task::{Context, Part, TaskError, Used};

named_enum! {
    /// In which form the tables are.
    pub(crate) enum TableForm {
        /// Parquet.
        Parquet = "parquet",
        /// Comma-separated values, with a line for the names.
        Csv = "csv",
    }
}

/// The version of what a program is given: raised when it gets more, or something else, for equal inputs.
const REQUEST_VERSION: u32 = 2;

/// The variable of the environment that leads a program to its request.
const REQUEST: &str = "ATSAF_REQUEST";

/// What programs are given as a part of the task, where its parameters name any.
pub(super) fn part() -> Part {
    Part {
        name: "program request".to_owned(),
        version: REQUEST_VERSION,
    }
}

/// What stands in for the name of a combination, and can be no model's.
const ENSEMBLE: &str = "Ensemble";

/// Longest name of a model: it stands in the names of metrics and registered models.
const LONGEST_NAME: usize = 100;

static NAME: TextForm = TextForm {
    what: "a name of letters, digits, `_` and `-` that begins with a letter and is none of a model of atsaf",
    accepts: |text| {
        let is_inside = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.chars().all(is_inside)
            && text.len() <= LONGEST_NAME
            && text != ENSEMBLE
            && super::registry::find(text).is_none()
    },
    nearest: |_| None,
};

/// The entry of the settings, which only the program reads.
const WITH: &str = "with";
/// The entry of the form of the tables.
const FORMAT: &str = "format";

/// A program in `models`.
pub(crate) const ENTRIES: [ParamSchema; 5] = [
    ParamSchema {
        name: program_entry::NAME,
        kind: Kind::Form(&NAME),
        default: None,
        doc: "the model's name",
    },
    ParamSchema {
        name: program_entry::RUN,
        kind: Kind::Command,
        default: None,
        doc: "the command of the program, whose words that are files are inputs",
    },
    ParamSchema {
        name: program_entry::FILES,
        kind: Kind::List(&Kind::Text),
        default: Some(Literal::Texts(&[])),
        doc: "further files that it depends on, such as a lockfile",
    },
    ParamSchema {
        name: FORMAT,
        kind: Kind::Choice(TableForm::NAMES),
        default: Some(Literal::Text(TableForm::Parquet.name())),
        doc: "the form of the tables that it reads and writes",
    },
    ParamSchema {
        name: WITH,
        kind: Kind::AnyTable,
        default: Some(Literal::NoEntries),
        doc: "settings that it finds in its request",
    },
];

/// A program as a model.
pub(crate) struct ProgramModel {
    /// Its name.
    pub(crate) name: String,
    /// The command as the Atsaffile has it: a text, or a list of words.
    run: Value,
    format: TableForm,
    settings: Settings,
    /// Lengths of the seasons, the shortest first.
    seasons: Vec<usize>,
    /// What the files hold that the command and `files` name, by path.
    files: BTreeMap<String, Digest>,
    /// The digest of the environment variables that it gets, if there are any.
    environment: Option<Digest>,
    /// By which means it is seen what it uses: what one did not see, another may.
    discover: Option<Means>,
    /// What it was seen to use beyond them, in runs of this attempt and in those whose work is remembered.
    used: Mutex<Used>,
}

/// All that a forecast depends on but its pasts: it is remembered under this. What the program was seen to use is kept
/// beside what is remembered.
impl fmt::Debug for ProgramModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = |(path, content): (&String, &Digest)| format!("{path} {}", content.hex());
        f.debug_struct("ProgramModel")
            .field("run", &self.run)
            .field("format", &self.format)
            .field("settings", &self.settings)
            .field("seasons", &self.seasons)
            .field("files", &self.files.iter().map(files).collect::<Vec<_>>())
            .field("environment", &self.environment.map(|digest| digest.hex()))
            .field("discover", &self.discover)
            .finish_non_exhaustive()
    }
}

impl ProgramModel {
    /// The program that an item of `models` declares.
    ///
    /// # Errors
    /// [`TaskError`] if the engine knows of no such program.
    pub(crate) fn declared(
        context: &Context<'_>,
        entries: &BTreeMap<String, Value>,
        seasons: &[usize],
    ) -> Result<Self, TaskError> {
        let text = |name: &str| match entries.get(name) {
            Some(Value::Text(text)) => Some(text.as_str()),
            _ => None,
        };
        let name = text(program_entry::NAME).unwrap_or_default();
        let program = context.programs.find(name);
        let program = program.ok_or_else(|| TaskError::new(format!("internal error: no program `{name}`")))?;
        let format = text(FORMAT).and_then(|format| format.parse().ok());
        Ok(Self {
            name: name.to_owned(),
            run: entries.get(program_entry::RUN).cloned().unwrap_or(Value::Null),
            format: format.unwrap_or(TableForm::Parquet),
            settings: match entries.get(WITH) {
                Some(Value::Table(settings)) => settings.clone(),
                _ => Settings::new(),
            },
            seasons: seasons.to_vec(),
            files: declared_files(context, program),
            environment: context.programs.environment(program),
            discover: program.discover,
            used: Mutex::default(),
        })
    }

    /// Forecasts every past of every window in one run: outcomes by window, in the order of its pasts; and what the
    /// program was seen to use, unless some of that moved meanwhile. The positions of `series` are those of the panel.
    ///
    /// # Errors
    /// [`TaskError`] if the program fails or writes no such table, or the attempt ends meanwhile.
    pub(super) fn forecasts(
        &self,
        context: &Context<'_>,
        panel: &PanelPasts<'_>,
        series: &[&Series],
        request: ForecastRequest<'_>,
    ) -> Result<(Vec<Vec<WindowOutcome>>, Option<Used>), TaskError> {
        let name = &self.name;
        let program = context.programs.find(name);
        let program = program.ok_or_else(|| TaskError::new(format!("internal error: no program `{name}`")))?;
        let room = context.programs.room(program)?;
        let asked = Asked { panel, series, request };
        request::write(self, &asked, &room, context.programs.threads())?;
        context.progress(&format!("{name}: {} forecasts", asked.pasts().count()));
        let path = room.called.join(request::REQUEST_FILE);
        let path = path.to_string_lossy();
        let used = context.programs.run(program, &[(REQUEST, path.clone().into_owned())]);
        let of_model = |error: TaskError| {
            let what = format!("the model `{name}`: {}", error.what);
            TaskError { what, ..error }
                .note(format!(
                    "what it was given and what it wrote is in `{}`",
                    room.called.display()
                ))
                .help(format!("to run it by hand: `{REQUEST}={path} {}`", self.shown()))
        };
        let used = used.map_err(|error| match context.check_cancelled() {
            Ok(()) => of_model(error),
            Err(_) => error,
        })?;
        let outcomes = answer::read(context, self, &asked, &room).map_err(of_model)?;
        if let Some(used) = &used {
            self.note_used(used);
        }
        Ok((outcomes, used))
    }

    /// Notes what a run was seen to use, or one whose work is remembered.
    pub(super) fn note_used(&self, (discovered, installed): &Used) {
        let mut all = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        for used in discovered {
            if !all.0.contains(used) {
                all.0.push(used.clone());
            }
        }
        for used in installed {
            if !all.1.contains(used) {
                all.1.push(used.clone());
            }
        }
    }

    /// The name of a table's file.
    fn file(&self, name: &str) -> String {
        format!("{name}.{}", self.format)
    }

    /// The command in one line.
    fn shown(&self) -> String {
        shown(&self.run)
    }
}

/// A command in one line.
fn shown(run: &Value) -> String {
    match run {
        Value::List(words) => {
            let words: Vec<String> = words.iter().map(Value::plain).collect();
            shlex::try_join(words.iter().map(String::as_str)).unwrap_or_default()
        }
        one => one.plain(),
    }
}

/// What the files hold that a program's command and its `files` name; a word that is no file is not among them.
fn declared_files(context: &Context<'_>, program: &Program) -> BTreeMap<String, Digest> {
    let words = program.command.file_words.iter().map(EcoString::as_str);
    let named = words.chain(program.files.iter().map(String::as_str));
    let with_digest = |path: &str| Some((path.to_owned(), context.programs.content(path)?));
    named.filter_map(with_digest).collect()
}

/// What a program is asked for.
struct Asked<'a> {
    panel: &'a PanelPasts<'a>,
    series: &'a [&'a Series],
    request: ForecastRequest<'a>,
}

impl<'a> Asked<'a> {
    /// Every past of every window, with its series.
    fn pasts(&self) -> impl Iterator<Item = (Past, &'a Series)> {
        let series = self.series;
        let pasts = self.panel.windows.iter().flatten();
        pasts.map(move |past| (*past, series[past.series]))
    }

    /// The names of the columns that are known ahead: the same of all series.
    fn known(&self) -> Vec<&'a str> {
        let mut names = self.pasts().map(|(_, series)| &series.known);
        names
            .find(|known| !known.is_empty())
            .map(|known| known.names().collect())
            .unwrap_or_default()
    }
}

/// The last time of a past.
fn cutoff(past: Past, series: &Series) -> chrono::NaiveDateTime {
    series.time(past.n - 1)
}
