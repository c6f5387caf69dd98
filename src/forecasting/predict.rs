//! `atsaf predict`: fits a packaged champion to newer history, outside of any build.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use super::cached_fit::ForecastRequest;
use super::data_file;
use super::forecaster::Forecaster;
use super::limits::{MAX_MB, MAX_ROWS, SizeLimit};
use super::model_package::{MODEL, ModelDocument, iso};
use super::selection::Selection;
use super::series::{self, Observation};
use super::table::{LONGEST_NAME, short};
use super::train::MOST_STEPS;
use crate::engine::spec::Value;
use crate::engine::task::{Context, Message, NoPrograms, Programs, TaskError};

/// Most steps that can be asked for.
pub(crate) const LONGEST: u64 = MOST_STEPS.cast_unsigned();

/// Series that a message names.
const NAMED: usize = 10;

/// What is forecast of some series.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Prediction {
    /// Steps of each series.
    pub(crate) horizon: usize,
    /// The names of the columns of numbers.
    pub(crate) columns: Vec<String>,
    /// Series by series, step by step.
    pub(crate) rows: Vec<PredictedRow>,
}

/// One step of one series.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PredictedRow {
    /// The series.
    pub(crate) unique_id: String,
    /// The time, in UTC.
    pub(crate) ds: String,
    /// One number for each column.
    pub(crate) numbers: Vec<f64>,
    /// The model, or the ensemble.
    pub(crate) model: String,
}

/// What a packaged champion is fitted to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewerHistory<'a> {
    /// A table with `unique_id`, `ds` and `y`.
    pub(crate) history: &'a Path,
    /// What is known ahead of it and of the steps to forecast, for a champion that was chosen with such.
    pub(crate) known: Option<&'a Path>,
    /// Steps to forecast, unless it is as many as the model's pipeline did.
    pub(crate) horizon: Option<usize>,
}

/// Fits the champion in `model`, a directory or its `model.json`, to newer history; `programs` are those of the user's that
/// may be run, if any.
///
/// # Errors
/// [`TaskError`] for a model of another atsaf, a table that is none, a series that the model does not know or cannot be
/// fitted to, and a program that may not be run.
pub(crate) fn predict(
    model: &Path,
    NewerHistory {
        history,
        known,
        horizon,
    }: NewerHistory<'_>,
    programs: Option<&dyn Programs>,
    cancelled: &AtomicBool,
) -> Result<Prediction, TaskError> {
    // Whoever calls names the files: there is no other limit than memory.
    let unlimited = || Value::Int(i64::MAX);
    let context = Context {
        params: [MAX_MB, MAX_ROWS]
            .map(|param| (param.name.to_owned(), unlimited()))
            .into(),
        inputs: [("history", Some(history)), ("known", known)]
            .into_iter()
            .filter_map(|(role, path)| Some((role.to_owned(), path?.to_owned())))
            .collect(),
        programs: programs.unwrap_or(&NoPrograms),
        ..Context::outside("predict", cancelled, &|_: Message<'_>| {})
    };
    let document = document(&context, model)?;
    let of_package = |error: TaskError| error.note("`selected` is what stands under that name in the packaged model");
    let selection = Selection::of(&document.selected.clone().into(), "selected").map_err(of_package)?;
    refuse_programs(&selection, programs)?;
    let forecaster = Forecaster::new(&context, selection).map_err(of_package)?;
    let observations = series::observations(&context, "history")?;
    refuse_strangers(&forecaster, &observations)?;
    let mut series = series::of(&observations, document.calendars(), "history")?;
    let horizon = horizon.unwrap_or(document.horizon);
    let levels = &document.levels;
    forecaster.look_up(forecaster.known(&context)?.as_ref(), &mut series, horizon)?;
    let forecasts = forecaster.forecasts(&context, &series, ForecastRequest { horizon, levels });
    let forecasts = forecasts.map_err(|error| match error.help.is_empty() {
        true => error.help("give more of that series, or take it out of the history"),
        false => error,
    })?;
    let columns = forecasts.first().map(|one| one.columns()).unwrap_or_default();
    let columns = columns.into_iter().map(|(name, _)| name).collect();
    let mut rows = Vec::with_capacity(forecasts.len() * horizon);
    for one in &forecasts {
        let numbers = one.columns();
        rows.extend((0..horizon).map(|step| PredictedRow {
            unique_id: one.series.unique_id.clone(),
            ds: iso(one.time(step)),
            numbers: numbers.iter().map(|(_, path)| path[step]).collect(),
            model: one.model.clone(),
        }));
    }
    Ok(Prediction { horizon, columns, rows })
}

/// Reads a packaged model.
fn document(context: &Context<'_>, model: &Path) -> Result<ModelDocument, TaskError> {
    let path: PathBuf = match model.is_dir() {
        true => model.join(MODEL),
        false => model.to_owned(),
    };
    let holder = format!("the model `{}`", path.display());
    let help = "name the directory of a model that the task `package_champion` wrote, or the `model.json` in it";
    let bytes = data_file::read(context, &path, &holder, SizeLimit::NONE).map_err(|error| error.help(help))?;
    ModelDocument::read(&bytes).map_err(|why| TaskError::new(format!("cannot read {holder}: {why}")).help(help))
}

/// Checks that the programs among the models may be run: what a package names is run by nobody's word but that of an
/// Atsaffile whose programs somebody allowed.
fn refuse_programs(selection: &Selection, programs: Option<&dyn Programs>) -> Result<(), TaskError> {
    let is_allowed = |name: &str| programs.is_some_and(|programs| programs.find(name).is_some());
    let mut chosen = selection.models.iter();
    let refused =
        chosen.find_map(|chosen| Some((&chosen.name, chosen.program.as_ref()?)).filter(|(name, _)| !is_allowed(name)));
    let Some((name, program)) = refused else { return Ok(()) };
    let what = match programs {
        None => {
            format!("the model `{name}` is a program, which is fitted to newer history only where you allow it to run")
        }
        Some(_) => format!("the model `{name}` is a program, and the Atsaffile here declares none of that name"),
    };
    Err(TaskError::new(what)
        .note(format!("it was chosen with the command `{}`", program.command()))
        .note("a package holds no program, and what it names is never run: the Atsaffile says what is")
        .help("in the project whose Atsaffile has it in `models`, by `-C PROJECT` or from there, add `--run-programs`")
        .help("the forecasts that the package holds need no program: they are in its `model.json`"))
}

/// Checks that the model knows every series of a history.
fn refuse_strangers(forecaster: &Forecaster, observations: &[Observation]) -> Result<(), TaskError> {
    let names = forecaster.names();
    let stranger = observations
        .iter()
        .find(|row| names.binary_search(&row.unique_id.as_str()).is_err());
    let Some(stranger) = stranger else { return Ok(()) };
    let quoted = |name: &&str| format!("`{}`", short(name, LONGEST_NAME));
    let some: Vec<String> = names.iter().take(NAMED).map(quoted).collect();
    let more = if names.len() > some.len() { ", …" } else { "" };
    let what = format!("the model has no series `{}`", short(&stranger.unique_id, LONGEST_NAME));
    Err(TaskError::new(what)
        .note(format!("its series: {}{more}", some.join(", ")))
        .help("take the rows of other series out of the history"))
}
