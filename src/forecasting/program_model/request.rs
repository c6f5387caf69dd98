//! What a program is given: the pasts, the steps to forecast, and where to write.

use std::io::Write as _;

use serde_json::{Value as Json, json};

use super::{Asked, ProgramModel, TableForm, cutoff};
use crate::engine::task::{Room, TaskError};
use crate::forecasting::table::{self, ParquetTable};

/// The file that tells a program all else.
pub(super) const REQUEST_FILE: &str = "request.json";

/// The name of the table of forecasts, without its ending.
pub(super) const FORECASTS: &str = "forecasts";

/// The columns of the tables that are not known ahead.
const OWN_COLUMNS: [&str; 4] = ["unique_id", "cutoff", "ds", "y"];

/// Writes the request and its tables.
///
/// # Errors
/// [`TaskError`] if one of the files cannot be written, or a column that is known ahead has the name of another one.
pub(super) fn write(model: &ProgramModel, asked: &Asked<'_>, room: &Room, threads: usize) -> Result<(), TaskError> {
    let horizon = asked.request.horizon;
    let known = asked.known();
    if let Some(name) = known.iter().find(|name| OWN_COLUMNS.contains(name)) {
        return Err(TaskError::new(format!(
            "what is known ahead has a column `{name}`, as the tables of a program have already"
        ))
        .help("call it otherwise, or say which columns count, as in `known = { columns = [\"temperature\"] }`"));
    }
    let values = || {
        asked
            .pasts()
            .flat_map(|(past, series)| (0..past.n).map(move |at| (past, series, at)))
    };
    let mut pasts = ParquetTable::default()
        .texts(
            "unique_id",
            values().map(|(_, series, _)| Some(series.unique_id.as_str())),
        )
        .times("cutoff", values().map(|(past, series, _)| cutoff(past, series)))
        .times("ds", values().map(|(_, series, at)| series.time(at)))
        .numbers("y", values().map(|(_, series, at)| Some(series.y[at])));
    let steps = || {
        let pasts = asked.pasts();
        pasts.flat_map(move |(past, series)| (past.n..past.n + horizon).map(move |at| (past, series, at)))
    };
    let mut future = ParquetTable::default()
        .texts(
            "unique_id",
            steps().map(|(_, series, _)| Some(series.unique_id.as_str())),
        )
        .times("cutoff", steps().map(|(past, series, _)| cutoff(past, series)))
        .times("ds", steps().map(|(_, series, at)| series.time(at)));
    for name in &known {
        pasts = pasts.numbers(name, values().map(|(_, series, at)| series.known.value(name, at)));
        future = future.numbers(name, steps().map(|(_, series, at)| series.known.value(name, at)));
    }
    let called = |name: &str| room.called.join(model.file(name)).to_string_lossy().into_owned();
    for (name, table) in [("pasts", pasts), ("future", future)] {
        let path = room.path.join(model.file(name));
        match model.format {
            TableForm::Parquet => table.write_at(&path)?,
            TableForm::Csv => table::write_csv_at(&path, &mut table.into_frame(name))?,
        }
    }
    let settings: serde_json::Map<String, Json> = model
        .settings
        .iter()
        .map(|(name, value)| (name.clone(), value.to_json()))
        .collect();
    let request = json!({
        "model": model.name,
        "pasts": called("pasts"),
        "future": called("future"),
        "forecasts": called(FORECASTS),
        "known": known,
        "horizon": horizon,
        "levels": asked.request.levels.iter().map(|level| level_json(*level)).collect::<Vec<_>>(),
        "season_lengths": model.seasons,
        "frequency": asked.series.first().map(|series| series.frequency.to_string()),
        "settings": settings,
        "threads": threads,
    });
    let path = room.path.join(REQUEST_FILE);
    let mut file = table::create(&path)?;
    let written = writeln!(file, "{request:#}").and_then(|()| file.flush());
    written.map_err(|error| table::unwritable(&path, error))
}

/// A level as the names of columns have it: a whole number without a point.
fn level_json(level: f64) -> Json {
    format!("{level}")
        .parse::<i64>()
        .map_or_else(|_| level.into(), Json::from)
}
