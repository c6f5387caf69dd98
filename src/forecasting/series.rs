//! Series: values at times, each series under its `unique_id`.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use chrono::NaiveDateTime;

use super::columns::Columns;
use super::frequency::{Calendars, Frequency, Grid};
use super::models::known::KnownColumns;
use super::models::panel_model::PanelSeries;
use super::{reading, table};
use crate::engine::task::{Context, TaskError};

/// One observation as it stands in a table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Observation {
    /// The series.
    pub(crate) unique_id: String,
    /// The time, in UTC.
    pub(crate) ds: NaiveDateTime,
    /// The value.
    pub(crate) y: Option<f64>,
}

/// Reads the observations of the input `role` in the order of its rows.
///
/// The columns are `unique_id`, `ds` and `y`, or what the parameter `reading` says.
///
/// # Errors
/// [`TaskError`] if it cannot be read, or a column is missing or of another type.
pub(crate) fn observations(context: &Context<'_>, role: &str) -> Result<Vec<Observation>, TaskError> {
    if let Some((rows, _)) = reading::series(context, role)? {
        return Ok(rows);
    }
    let table = table::read_columns(context, role, &["unique_id", "ds", "y"])?;
    observations_in(context, &Columns::of(context, &table, role))
}

/// Those of a table that was read already.
///
/// # Errors
/// [`TaskError`] if a column is missing or of another type.
pub(crate) fn observations_in(context: &Context<'_>, columns: &Columns<'_>) -> Result<Vec<Observation>, TaskError> {
    let ids = columns.texts("unique_id")?;
    context.check_cancelled()?;
    let times = columns.times("ds")?;
    context.check_cancelled()?;
    let values = columns.numbers("y")?;
    let rows = ids.into_iter().zip(times).zip(values);
    Ok(rows
        .map(|((unique_id, ds), y)| Observation { unique_id, ds, y })
        .collect())
}

/// A series without gaps: what models are fitted to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Series {
    /// Its name.
    pub(crate) unique_id: String,
    /// The step from one value to the next.
    pub(crate) frequency: Frequency,
    /// The times of its values, the first of them at its beginning.
    grid: Grid,
    /// The values, all finite, the oldest first; that of a holiday stands in for one that never was.
    pub(crate) y: Vec<f64>,
    /// What is known ahead, from the first value on and maybe beyond the last; nothing unless it was looked up.
    pub(crate) known: KnownColumns,
}

impl Series {
    /// As a model of all series sees it.
    pub(crate) fn in_panel(&self) -> PanelSeries<'_> {
        PanelSeries {
            unique_id: &self.unique_id,
            y: &self.y,
        }
    }

    /// Whether the value at a position stands in for that of a holiday: nothing is scored against it.
    #[must_use]
    pub(crate) fn is_holiday(&self, at: usize) -> bool {
        i64::try_from(at).is_ok_and(|step| self.grid.is_holiday(step))
    }

    /// How many steps a week has, if it has closed days or hours.
    #[must_use]
    pub(crate) fn open_week(&self) -> Option<usize> {
        self.grid.open_week()
    }

    /// The time of the first value.
    #[must_use]
    pub(crate) fn start(&self) -> NaiveDateTime {
        self.grid.start()
    }

    /// Time of the value at position `at`, which may lie after the last.
    ///
    /// # Panics
    /// If that is beyond the years that a time can represent.
    #[must_use]
    pub(crate) fn time(&self, at: usize) -> NaiveDateTime {
        self.try_time(at)
            .unwrap_or_else(|| panic!("internal error: {at} steps after {} is no time", self.start()))
    }

    /// Whether a time so many steps after the last value is beyond what a time can represent.
    #[must_use]
    pub(crate) fn ends_of_time(&self, steps: usize) -> bool {
        self.try_time(self.y.len() + steps).is_none()
    }

    /// As [`Series::time`], if there is such a time.
    pub(crate) fn try_time(&self, at: usize) -> Option<NaiveDateTime> {
        self.grid.time(i64::try_from(at).ok()?)
    }
}

/// Makes series of observations in any order, sorted by name; `role` is what errors call them.
///
/// # Errors
/// [`TaskError`] naming the first series that has a gap, a duplicate, or a value that is no finite number.
pub(crate) fn of(rows: &[Observation], calendars: Calendars, role: &str) -> Result<Vec<Series>, TaskError> {
    let mut groups: BTreeMap<&str, Vec<(NaiveDateTime, Option<f64>)>> = BTreeMap::new();
    for row in rows {
        groups.entry(&row.unique_id).or_default().push((row.ds, row.y));
    }
    if groups.is_empty() {
        return Err(TaskError::new(format!("`{role}` has no rows")));
    }
    groups
        .into_iter()
        .map(|(id, group)| one(id.to_owned(), group, calendars))
        .collect()
}

/// The value that stands in for the next step, if that is a holiday: that of the same day a week before.
fn holiday_value(grid: &Grid, y: &[f64]) -> Option<f64> {
    let is_holiday = grid.is_holiday(i64::try_from(y.len()).ok()?);
    let week = grid.open_week().filter(|_| is_holiday)?;
    y.len().checked_sub(week).map(|at| y[at]).or(y.last().copied())
}

/// Makes the series of the times and values of one name, in any order.
///
/// # Errors
/// As those of [`of`].
pub(crate) fn one(
    unique_id: String,
    mut rows: Vec<(NaiveDateTime, Option<f64>)>,
    calendars: Calendars,
) -> Result<Series, TaskError> {
    rows.sort_by_key(|(ds, _)| *ds);
    let times: Vec<NaiveDateTime> = rows.iter().map(|(ds, _)| *ds).collect();
    let frequency = calendars.of_series(&times);
    let grid = Grid::of(frequency, &times);
    let mut y: Vec<f64> = Vec::with_capacity(rows.len());
    for (ds, value) in rows {
        // What happened a week before keeps the days of the week in their places, as leaving the step out would not.
        while let Some(before) = holiday_value(&grid, &y) {
            y.push(before);
        }
        let at = i64::try_from(y.len()).unwrap_or(i64::MAX);
        let expected = grid.time(at).ok_or_else(|| {
            TaskError::new(format!(
                "{at} {frequency} steps after the first value of the series `{unique_id}` there is no time"
            ))
        })?;
        let fault = match (ds.cmp(&expected), value) {
            (Ordering::Equal, Some(value)) if value.is_finite() => {
                y.push(value);
                continue;
            }
            (Ordering::Equal, Some(value)) => format!("the series `{unique_id}` has the value {value} at {ds}"),
            (Ordering::Equal, None) => format!("the series `{unique_id}` has an empty value at {ds}"),
            (Ordering::Less, _) => {
                format!("the series `{unique_id}` has two values at {ds}, or one off its {frequency} steps")
            }
            (Ordering::Greater, _) => format!("the series `{unique_id}` has no value at {expected}"),
        };
        return Err(TaskError::new(fault)
            .note("models need finite values at regular steps")
            .help(
                "the task `prepare_clean` mends duplicates, gaps and values that are not finite; its `max_gap` says how \
                 long a gap it fills",
            ));
    }
    Ok(Series {
        unique_id,
        frequency,
        grid,
        y,
        known: KnownColumns::default(),
    })
}
