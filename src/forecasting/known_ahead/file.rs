//! The file of what is known ahead: a row for each time, of one series or of all.

use chrono::NaiveDateTime;

use super::super::columns::{Columns, is_unnamed_index};
use super::super::series::Series;
use super::super::{reading, table};
use crate::engine::task::{Context, TaskError};

/// Times that a message lists.
const LISTED: usize = 4;

/// The columns that say of which series and time a row is, and the series' own values.
const KEYS: [&str; 2] = ["unique_id", "ds"];
const VALUES: &str = "y";

/// The file as it was read.
#[derive(Debug)]
pub(super) struct KnownFile {
    /// What messages call it.
    role: String,
    /// The series that rows are of, sorted; empty where each row is of all.
    ids: Vec<String>,
    /// Position of the series, time, and row in the columns; sorted.
    rows: Vec<(usize, NaiveDateTime, usize)>,
    /// By name, in the order of the file.
    columns: Vec<(String, Vec<Option<f64>>)>,
}

impl KnownFile {
    /// Reads the input `role`: the columns of these names, or all but those of series, times and values.
    pub(super) fn read(context: &Context<'_>, role: &str, wanted: Option<&[String]>) -> Result<Self, TaskError> {
        let table = match reading::columns(context, role) {
            Some(reader) => {
                let read = reader.read_columns(context, role, wanted)?;
                context.log(&reading::told(role, &read.report));
                KnownTable {
                    columns: read.columns,
                    times: read.times,
                    of_series: read.ids.unwrap_or_default(),
                }
            }
            None => KnownTable::plain(context, role, wanted)?,
        };
        if wanted.is_none() && table.columns.iter().any(|(name, _)| name == VALUES) {
            return Err(values_are_not_known(role));
        }
        let KnownTable {
            columns,
            times,
            of_series,
        } = table;
        let mut ids = of_series.clone();
        ids.sort_unstable();
        ids.dedup();
        let series = |row: usize| {
            of_series
                .get(row)
                .and_then(|id| ids.binary_search(id).ok())
                .unwrap_or(0)
        };
        let mut rows: Vec<_> = times
            .into_iter()
            .enumerate()
            .map(|(row, time)| (series(row), time, row))
            .collect();
        rows.sort_unstable();
        let file = Self {
            role: role.to_owned(),
            ids,
            rows,
            columns,
        };
        file.refuse_contradictions()?;
        Ok(file)
    }

    /// Refuses two rows of one time that differ.
    fn refuse_contradictions(&self) -> Result<(), TaskError> {
        for pair in self.rows.windows(2) {
            let [(id, time, first), (other_id, other_time, second)] = pair else {
                continue;
            };
            let same = (id, time) == (other_id, other_time);
            let differs = self
                .columns
                .iter()
                .find(|(_, values)| values[*first] != values[*second]);
            if let Some((name, values)) = differs.filter(|_| same) {
                let of = self
                    .ids
                    .get(*id)
                    .map_or(String::new(), |id| format!(" of the series `{id}`"));
                let shown = |row: usize| values[row].map_or("nothing".to_owned(), |value| value.to_string());
                let role = &self.role;
                return Err(TaskError::new(format!(
                    "the column `{name}` of `{role}` has two values at {time}{of}: {} in row {}, {} in row {}",
                    shown(*first),
                    first + 1,
                    shown(*second),
                    second + 1
                ))
                .help("leave one of the rows; if each is of another series, say so in a column `unique_id`"));
            }
        }
        Ok(())
    }

    /// The names of its columns.
    pub(super) fn names(&self) -> Vec<String> {
        self.columns.iter().map(|(name, _)| name.clone()).collect()
    }

    /// The row of a series at a time.
    fn row(&self, series: usize, time: NaiveDateTime) -> Option<usize> {
        let at = self.rows.partition_point(|(id, ds, _)| (*id, *ds) < (series, time));
        self.rows
            .get(at)
            .filter(|(id, ds, _)| (*id, *ds) == (series, time))
            .map(|(.., row)| *row)
    }

    /// The position of a series; `None` if no row is of it.
    fn position(&self, series: &Series) -> Option<usize> {
        match self.ids.is_empty() {
            true => Some(0),
            false => self.ids.binary_search(&series.unique_id).ok(),
        }
    }

    /// Whether there is a row for the last of `horizon` steps after a series.
    pub(super) fn reaches(&self, series: &Series, horizon: usize) -> bool {
        let last = (series.y.len() + horizon)
            .checked_sub(1)
            .and_then(|step| series.try_time(step));
        let row = |(series, last)| self.row(series, last);
        self.position(series).zip(last).and_then(row).is_some()
    }

    /// The columns at the steps of a series and of the `horizon` steps after it.
    pub(super) fn columns_of(&self, series: &Series, horizon: usize) -> Result<Vec<(String, Vec<f64>)>, TaskError> {
        let Some(position) = self.position(series) else {
            let (role, id) = (&self.role, &series.unique_id);
            return Err(TaskError::new(format!("`{role}` has no row of the series `{id}`"))
                .note("with a column `unique_id` each series needs rows of its own")
                .help("add them; without a column `unique_id` every row counts for all series"));
        };
        let steps = series.y.len() + horizon;
        let row = |step: usize| self.row(position, series.try_time(step)?);
        let rows: Vec<Option<usize>> = (0..steps).map(row).collect();
        let open = |step: &usize| !series.is_holiday(*step);
        let without_row: Vec<usize> = (0..steps).filter(|step| rows[*step].is_none()).filter(open).collect();
        self.refuse(series, horizon, None, without_row)?;
        let of_column = |(name, values): &(String, Vec<Option<f64>>)| {
            let mut found: Vec<f64> = Vec::with_capacity(steps);
            let mut lacking = Vec::new();
            for (step, row) in rows.iter().enumerate() {
                let value = row.and_then(|row| values[row]).filter(|value| value.is_finite());
                // On a day that is closed, what was known of the same day a week before, as with the values themselves.
                let before = || {
                    let week = series.open_week().filter(|_| series.is_holiday(step))?;
                    step.checked_sub(week).map(|at| found[at]).or(found.last().copied())
                };
                let value = value.or_else(before);
                if value.is_none() {
                    lacking.push(step);
                }
                found.push(value.unwrap_or_default());
            }
            self.refuse(series, horizon, Some(name), lacking)?;
            Ok((name.clone(), found))
        };
        self.columns.iter().map(of_column).collect()
    }

    /// Refuses steps without a row or value, those of the past before those to forecast.
    fn refuse(
        &self,
        series: &Series,
        horizon: usize,
        column: Option<&str>,
        steps: Vec<usize>,
    ) -> Result<(), TaskError> {
        let n = series.y.len();
        let past = steps.partition_point(|step| *step < n);
        let (is_past, steps) = match past {
            0 => (false, steps),
            past => (true, steps[..past].to_vec()),
        };
        let Some(&first) = steps.first() else { return Ok(()) };
        let role = &self.role;
        let what = match column {
            None => format!("`{role}` has no row"),
            Some(name) => format!("the column `{name}` of `{role}` has no value"),
        };
        let (count, id, times) = (steps.len(), &series.unique_id, times(series, &steps));
        if is_past {
            let error = TaskError::new(format!(
                "{what} at {count} of the {n} times of the series `{id}`: {times}"
            ));
            return Err(match column {
                None => error
                    .note("a row counts where its `ds`, in UTC, is a time of the series")
                    .help("give it rows for these times"),
                Some(_) => error.help(
                    "give it values there, or say which columns count, as in `known = { columns = [\"temperature\"] }`",
                ),
            });
        }
        let error = TaskError::new(format!(
            "{what} for {count} of the {horizon} steps to forecast of the series `{id}`: {times}"
        ));
        let last = series
            .try_time(n + horizon - 1)
            .map_or(String::new(), |last| last.to_string());
        let extend = format!("`{role}` must go on to {last}");
        Err(match first - n {
            0 => error.help(extend),
            covered => error.help(format!("{extend}; or lower `horizon` to {covered}")),
        })
    }
}

/// A row for each time: what is known then, and of which series.
struct KnownTable {
    columns: Vec<(String, Vec<Option<f64>>)>,
    times: Vec<NaiveDateTime>,
    /// The series of each row; empty where each row is of all.
    of_series: Vec<String>,
}

impl KnownTable {
    /// Reads a file whose columns are called `ds` and `unique_id`.
    fn plain(context: &Context<'_>, role: &str, wanted: Option<&[String]>) -> Result<Self, TaskError> {
        let wanted_names = wanted.map(<[String]>::to_vec);
        let is_wanted = move |name: &str| match &wanted_names {
            Some(names) => KEYS.contains(&name) || names.iter().any(|one| one == name),
            None => !is_unnamed_index(name),
        };
        let table = table::read_wanted(context, role, is_wanted)?;
        let columns = Columns::of(context, &table, role);
        let names: Vec<String> = match wanted {
            Some(names) => names.to_vec(),
            None => table
                .names
                .iter()
                .filter(|name| !KEYS.contains(&name.as_str()) && !is_unnamed_index(name))
                .cloned()
                .collect(),
        };
        if wanted.is_none() && names.iter().any(|name| name == VALUES) {
            return Err(values_are_not_known(role));
        }
        if names.is_empty() {
            return Err(
                TaskError::new(format!("`{role}` has no column beside `unique_id` and `ds`"))
                    .help("give it a column of numbers for each thing that is known ahead"),
            );
        }
        let numbers = |name: &String| {
            let values = match columns.flags(name)? {
                Some(flags) => flags,
                None => columns.numbers(name).map_err(|error| error.help(CHOOSE))?,
            };
            Ok((name.clone(), values))
        };
        columns.column("ds")?;
        let values = names.iter().map(numbers).collect::<Result<Vec<_>, TaskError>>()?;
        context.check_cancelled()?;
        let times = columns.times("ds")?;
        let of_series = match columns.has("unique_id") {
            true => columns.texts("unique_id")?,
            false => Vec::new(),
        };
        Ok(Self {
            columns: values,
            times,
            of_series,
        })
    }
}

/// What to do about a column that is not meant.
const CHOOSE: &str = "say which columns count, as in `known = { columns = [\"temperature\"] }`";

/// The error on a file that holds the values of the series themselves.
fn values_are_not_known(role: &str) -> TaskError {
    let what = format!("`{role}` has a column `{VALUES}`, as the values of a series are called");
    TaskError::new(what)
        .note("what is forecast is not known ahead")
        .help(format!("take it out, or {CHOOSE}"))
}

/// The first of some steps' times in words, and the last.
fn times(series: &Series, steps: &[usize]) -> String {
    let time = |step: &usize| series.try_time(*step).map_or(String::new(), |time| time.to_string());
    let mut words: Vec<String> = steps.iter().take(LISTED).map(time).collect();
    if let (Some(last), true) = (steps.last(), steps.len() > LISTED) {
        words.push(format!("… up to {}", time(last)));
    }
    words.join(", ")
}
