//! How much filling a series may take: one time that is far from all others is no reason to invent a million values.

use chrono::NaiveDateTime;

use super::frequency::{Frequency, Grid};
use super::series::Observation;
use crate::engine::spec::Value;
use crate::engine::spec::schema::{AUTO, Kind, Literal, ParamSchema};
use crate::engine::task::{Context, TaskError};

/// The parameter that limits the filling.
pub(super) const MAX_FILL: ParamSchema = ParamSchema {
    name: "max_fill",
    kind: Kind::Auto(&Kind::Int { min: 0, max: i64::MAX }),
    default: Some(Literal::Text(AUTO)),
    doc: "most rows that are added to a series for its missing steps; auto allows as many as it has, or 24",
};

/// Minutes of a day.
const DAY: i64 = 24 * 60;
/// Clocks change on fewer than one in so many days.
const SELDOM: usize = 10;

/// A short series may get as many rows in any case.
const LEAST: u64 = 24;

/// What the parameter says; `None` leaves it to the rows of each series.
pub(super) fn max_fill(context: &Context<'_>) -> Option<u64> {
    match context.param(MAX_FILL.name) {
        Value::Text(_) => None,
        _ => Some(context.count(MAX_FILL.name) as u64),
    }
}

/// Whether sorted rows stand at the midnights of a place whose clocks change, in UTC.
fn are_local_days(rows: &[Observation]) -> bool {
    let minutes = || rows.windows(2).map(|pair| (pair[1].ds - pair[0].ds).num_minutes());
    let days = minutes().filter(|span| span % DAY == 0).count();
    let changed = minutes().filter(|span| matches!(span % DAY, 60 | 1380)).count();
    changed > 0 && changed * SELDOM <= days && days + changed + 1 == rows.len()
}

/// Checks, before anything is filled, that a sorted series lacks no more steps than may be added.
///
/// # Errors
/// [`TaskError`] with the longest gap.
pub(super) fn check(
    rows: &[Observation],
    grid: &Grid,
    frequency: Frequency,
    max_fill: Option<u64>,
) -> Result<(), TaskError> {
    let on: Vec<(i64, NaiveDateTime)> = rows
        .iter()
        .filter_map(|row| Some((grid.step(row.ds)?, row.ds)))
        .collect();
    let (Some(first), Some(last)) = (on.first(), on.last()) else {
        return Ok(());
    };
    let there = (on.len() + grid.holidays_between(first.0, last.0)) as u64;
    let absent = (last.0 - first.0 + 1).unsigned_abs().saturating_sub(there);
    let limit = max_fill.unwrap_or(LEAST.max(rows.len() as u64));
    if absent <= limit {
        return Ok(());
    }
    let (id, came) = (&rows[0].unique_id, rows.len());
    let most = match max_fill {
        Some(limit) => format!("the {limit} that `max_fill` allows"),
        None if came as u64 >= LEAST => format!("the {came} rows that it has"),
        None => format!("the {LEAST} that a short series may get"),
    };
    let what = format!("the series `{id}` lacks {absent} of its {frequency} steps, more than {most}");
    let mut error = TaskError::new(what);
    if let Some(longest) = on.windows(2).max_by_key(|pair| pair[1].0 - pair[0].0) {
        error = error.note(format!("its longest gap is from {} to {}", longest[0].1, longest[1].1));
    }
    let off = came - on.len();
    if off > 0 {
        error = error.note(format!("{off} of its {came} times lie off these steps"));
    }
    if are_local_days(rows) {
        error = error
            .note("most of its times are a day apart, and some an hour more or less, as the days of a place are in UTC")
            .help("say where that is: `time_zone` of the task `ingest_file`, as in `time_zone = \"Europe/Berlin\"`");
    }
    Err(error
        .help("see whether a time there is wrong; if the steps are others, say so with `frequency`")
        .help("if the gap is right, set `max_fill` to the rows that may be added, or take the rows before it out"))
}
