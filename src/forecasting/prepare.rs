//! `prepare_clean`: brings raw rows into series at regular steps, and reports what it repaired.

use chrono::NaiveDateTime;
use serde_json::{Value, json};

use super::columns::Columns;
use super::document;
use super::far_times::{self, MAX_FILL};
use super::frequency::{Calendars, FREQUENCY, Frequency, Grid};
use super::limits::{MAX_MB, MAX_ROWS, TableLimits};
use super::named_enum::{named_enum, of_param};
use super::series::{Observation, observations_in};
use super::table::{self, ParquetTable};
use crate::engine::spec::schema::{Kind, Literal, ParamSchema, Port, Schema};
use crate::engine::task::{Context, Task, TaskError};

named_enum! {
    /// What becomes of different values at one time.
    enum DuplicatePolicy {
        /// The task fails.
        Error = "error",
        /// The first counts.
        First = "first",
        /// The last counts.
        Last = "last",
        /// Their mean counts.
        Mean = "mean",
    }
}

named_enum! {
    /// What becomes of missing values.
    enum GapPolicy {
        /// They are filled on a line between their neighbours.
        Interpolate = "interpolate",
        /// They stay missing.
        Keep = "keep",
    }
}

named_enum! {
    /// What becomes of missing values before the first value of a series and after its last.
    enum EndPolicy {
        /// Their rows go.
        Trim = "trim",
        /// They stay missing.
        Keep = "keep",
    }
}

/// The share of a series that may be trimmed at its end: more is no late delivery, but a series that has ended.
const MOST_TRIMMED: usize = 10;

/// How many places of one kind the metadata lists; all are counted.
const LISTED: usize = 50;

static SCHEMA: Schema = Schema {
    name: "prepare_clean",
    version: 4,
    summary: "brings raw rows into series at regular steps, and reports what it repaired",
    params: &[
        ParamSchema {
            name: "duplicates",
            kind: Kind::Choice(DuplicatePolicy::NAMES),
            default: Some(Literal::Text(DuplicatePolicy::Error.name())),
            doc: "what becomes of different values at one time; equal ones count once",
        },
        ParamSchema {
            name: "gaps",
            kind: Kind::Choice(GapPolicy::NAMES),
            default: Some(Literal::Text(GapPolicy::Interpolate.name())),
            doc: "whether missing values are filled, on a line between their neighbours",
        },
        ParamSchema {
            name: "max_gap",
            kind: Kind::Int { min: 1, max: 10_000 },
            default: Some(Literal::Int(6)),
            doc: "longest gap that is filled, in steps (hours of hourly data); a longer one stays",
        },
        ParamSchema {
            name: "ends",
            kind: Kind::Choice(EndPolicy::NAMES),
            default: Some(Literal::Text(EndPolicy::Trim.name())),
            doc: "whether rows without a value before the first value of a series, and after its last, go; at the end no \
                  more than a tenth of it",
        },
        MAX_FILL,
        FREQUENCY,
        MAX_MB,
        MAX_ROWS,
    ],
    inputs: &[Port {
        name: "raw",
        doc: "time, respondent, fueltype, value; or unique_id, ds, y",
    }],
    outputs: &[
        Port {
            name: "clean",
            doc: "unique_id, ds (UTC), y; sorted",
        },
        Port {
            name: "metadata",
            doc: "status, row_count, date_range, the integrity of what came in, repairs",
        },
    ],
    optional: &[],
    directories: &[],
    secrets: &[],
    variables: &[],
    effect: false,
    ordered: &[],
};

/// The task.
#[derive(Debug)]
pub(crate) struct PrepareClean;

impl Task for PrepareClean {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn run(&self, context: &Context<'_>) -> Result<(), TaskError> {
        let rows = raw(context)?;
        if rows.is_empty() {
            return Err(TaskError::new("`raw` has no rows"));
        }
        let calendars = Calendars::declared_or_found(context, &rows);
        let came = rows.len();
        let mut report = Report::default();
        let rows = merged(rows, of_param(context, "duplicates"), &mut report)?;
        let max_gap = context.count("max_gap");
        let fill = match of_param(context, "gaps") {
            GapPolicy::Interpolate => Some(max_gap),
            GapPolicy::Keep => None,
        };
        let (ends, limits) = (of_param(context, "ends"), TableLimits::of(context));
        let mut clean = Vec::with_capacity(rows.len());
        let max_fill = far_times::max_fill(context);
        for same in rows.chunk_by(|a, b| a.unique_id == b.unique_id) {
            context.check_cancelled()?;
            let same = match ends {
                EndPolicy::Trim => trimmed(same, &mut report),
                EndPolicy::Keep => same,
            };
            let times: Vec<NaiveDateTime> = same.iter().map(|row| row.ds).collect();
            let frequency = calendars.of_series(&times);
            let grid = Grid::of(frequency, &times);
            far_times::check(same, &grid, frequency, max_fill)?;
            report.closed(&same[0].unique_id, &grid);
            filled(same, &grid, frequency, fill, &mut report, &mut clean, limits)?;
        }
        let trimmed = match report.trimmed {
            0 => String::new(),
            rows => format!(", {rows} rows without a value trimmed at the ends"),
        };
        if let Some(first) = report.off.first() {
            context.warn(&format!(
                "{} rows lie off the {} steps of their series, the first of them {}",
                report.off_steps,
                calendars.common(),
                first["ds"].as_str().unwrap_or_default()
            ));
        }
        context.log(&format!(
            "{} rows of {} series, {} values filled, {} values missing{trimmed}",
            clean.len(),
            report.series.len(),
            report.filled,
            report.missing
        ));
        document::write(context, "metadata", &report.report(came, calendars.common(), &clean))?;
        ParquetTable::default()
            .texts("unique_id", clean.iter().map(|row| Some(row.unique_id.as_str())))
            .times("ds", clean.iter().map(|row| row.ds))
            .numbers("y", clean.iter().map(|row| row.y))
            .write(context, "clean")
    }
}

/// The columns of series, and those of the ingest from the EIA.
const RAW: [&str; 7] = ["unique_id", "ds", "y", "time", "respondent", "fueltype", "value"];

/// Reads the rows of `raw`, in the columns of the ingest or in those of a series.
fn raw(context: &Context<'_>) -> Result<Vec<Observation>, TaskError> {
    let table = table::read_columns(context, "raw", &RAW)?;
    let columns = Columns::of(context, &table, "raw");
    if columns.has("unique_id") {
        return observations_in(context, &columns);
    }
    if !columns.has("respondent") {
        return Err(columns.lacks_all("`unique_id`, `ds` and `y`, nor `time`, `respondent`, `fueltype` and `value`"));
    }
    let respondents = columns.texts("respondent")?;
    let fueltypes = columns.texts("fueltype")?;
    let times = columns.times("time")?;
    let values = columns.numbers("value")?;
    let ids = respondents
        .into_iter()
        .zip(fueltypes)
        .map(|(respondent, fuel)| format!("{respondent}_{fuel}"));
    let rows = ids.zip(times).zip(values);
    Ok(rows
        .map(|((unique_id, ds), y)| Observation { unique_id, ds, y })
        .collect())
}

/// What was found and mended.
#[derive(Default)]
struct Report {
    /// Rows that said the same as another.
    repeated: usize,
    /// Times with different values.
    contradicting: Vec<(String, NaiveDateTime)>,
    /// Rows whose value is empty.
    empty: usize,
    /// Values that are infinite or NaN; they are treated as missing.
    not_finite: usize,
    /// Values below zero.
    negative: usize,
    /// Open days without a row that are taken for holidays.
    holidays: usize,
    /// Which.
    closed: Vec<Value>,
    /// Rows whose time is none of the steps of their series.
    off_steps: usize,
    /// Which.
    off: Vec<Value>,
    /// Times between the first and the last that had no row.
    absent: usize,
    /// Values that were filled.
    filled: usize,
    /// Values that are still missing.
    missing: usize,
    /// Rows without a value that went at the ends of series.
    trimmed: usize,
    /// Which, end by end.
    ends: Vec<Value>,
    /// What was done, gap by gap.
    repairs: Vec<Value>,
    /// Gaps that were too long to fill.
    gaps: Vec<Value>,
    /// One entry a series.
    series: Vec<Value>,
}

impl Report {
    /// Notes the holidays of a series, on which nothing is filled.
    fn closed(&mut self, unique_id: &str, grid: &Grid) {
        let days = grid.holidays();
        self.holidays += days.len();
        let room = LISTED - self.closed.len();
        self.closed.extend(
            days.iter()
                .take(room)
                .map(|day| json!({ "unique_id": unique_id, "day": day.to_string() })),
        );
    }

    /// Notes a row whose time is none of the steps.
    fn off(&mut self, row: &Observation) {
        self.off_steps += 1;
        if self.off.len() < LISTED {
            self.off
                .push(json!({ "unique_id": row.unique_id, "ds": row.ds.to_string() }));
        }
    }

    fn report(&self, came: usize, frequency: Frequency, clean: &[Observation]) -> Value {
        let start = clean.iter().map(|row| row.ds).min();
        let end = clean.iter().map(|row| row.ds).max();
        let touched = self.filled > 0 || self.trimmed > 0 || self.repeated > 0 || !self.contradicting.is_empty();
        let status = match (self.missing, touched) {
            (0, false) => "clean",
            (0, true) => "mended",
            _ => "has gaps",
        };
        let contradicting: Vec<Value> = self
            .contradicting
            .iter()
            .take(LISTED)
            .map(|(id, ds)| json!({ "unique_id": id, "ds": ds.to_string() }))
            .collect();
        json!({
            "status": status,
            "row_count": clean.len(),
            "date_range": { "start": start.map(|ds| ds.to_string()), "end": end.map(|ds| ds.to_string()) },
            "frequency": frequency.to_string(),
            "series": self.series,
            "integrity": {
                "rows_read": came,
                "repeated_rows": self.repeated,
                "contradicting_times": self.contradicting.len(),
                "contradictions": contradicting,
                "missing_times": self.absent,
                "holidays": { "days": self.holidays, "first": self.closed },
                "off_steps": { "rows": self.off_steps, "first": self.off },
                "empty_values": self.empty,
                "not_finite_values": self.not_finite,
                "negative_values": self.negative,
            },
            "repairs": {
                "values_filled": self.filled,
                "filled": self.repairs,
                "rows_trimmed": self.trimmed,
                "trimmed": self.ends,
            },
            "gaps_left": { "values_missing": self.missing, "gaps": self.gaps },
        })
    }
}

/// Sorts the rows and leaves one for each time of a series.
fn merged(
    mut rows: Vec<Observation>,
    policy: DuplicatePolicy,
    report: &mut Report,
) -> Result<Vec<Observation>, TaskError> {
    for row in &mut rows {
        match row.y {
            None => report.empty += 1,
            Some(y) if !y.is_finite() => {
                report.not_finite += 1;
                row.y = None;
            }
            Some(y) if y < 0.0 => report.negative += 1,
            Some(_) => {}
        }
    }
    // A stable sort, so that `first` and `last` follow the order of the file.
    rows.sort_by(|a, b| (&a.unique_id, a.ds).cmp(&(&b.unique_id, b.ds)));
    let mut merged = Vec::with_capacity(rows.len());
    for same in rows.chunk_by(|a, b| a.unique_id == b.unique_id && a.ds == b.ds) {
        let values: Vec<f64> = same.iter().filter_map(|row| row.y).collect();
        let mut row = same[0].clone();
        row.y = values.first().copied();
        if values.iter().any(|value| Some(*value) != row.y) {
            report.contradicting.push((row.unique_id.clone(), row.ds));
            row.y = match policy {
                DuplicatePolicy::Error | DuplicatePolicy::First => row.y,
                DuplicatePolicy::Last => values.last().copied(),
                #[expect(clippy::cast_precision_loss, reason = "a handful of rows")]
                DuplicatePolicy::Mean => Some(values.iter().sum::<f64>() / values.len() as f64),
            };
        } else {
            report.repeated += same.len() - 1;
        }
        merged.push(row);
    }
    match report.contradicting.first() {
        Some((id, ds)) if policy == DuplicatePolicy::Error => Err(TaskError::new(format!(
            "{} times have different values, the first of them {ds} of `{id}`",
            report.contradicting.len()
        ))
        .help("mend the source, or say which value counts: `duplicates = \"first\"`, \"last\" or \"mean\"")),
        _ => Ok(merged),
    }
}

/// A series, sorted and without duplicates, from its first value on and up to its last; one that has none, or has ended
/// long before its last row, is left for the validation to tell.
fn trimmed<'r>(rows: &'r [Observation], report: &mut Report) -> &'r [Observation] {
    let has_value = |row: &Observation| row.y.is_some();
    let (Some(first), Some(last)) = (rows.iter().position(has_value), rows.iter().rposition(has_value)) else {
        return rows;
    };
    let end = match (rows.len() - 1 - last) * MOST_TRIMMED <= rows.len() {
        true => last + 1,
        false => rows.len(),
    };
    for gone in [&rows[..first], &rows[end..]] {
        let (Some(from), Some(to)) = (gone.first(), gone.last()) else {
            continue;
        };
        report.trimmed += gone.len();
        if report.ends.len() < LISTED {
            report.ends.push(json!({
                "unique_id": from.unique_id,
                "start": from.ds.to_string(),
                "end": to.ds.to_string(),
                "rows": gone.len(),
            }));
        }
    }
    &rows[first..end]
}

/// Brings one series, sorted and without duplicates, to its steps, and fills the gaps that are short enough.
fn filled(
    rows: &[Observation],
    grid: &Grid,
    frequency: Frequency,
    fill: Option<usize>,
    report: &mut Report,
    clean: &mut Vec<Observation>,
    limits: TableLimits,
) -> Result<(), TaskError> {
    let id = &rows[0].unique_id;
    let first = clean.len();
    let before = (report.filled, report.missing);
    let mut next = 0;
    for row in rows {
        // A row off the steps stays where it is; validation reports it.
        while let Some(ds) = grid.time(next).filter(|ds| *ds < row.ds) {
            if grid.is_holiday(next) {
                next += 1;
                continue;
            }
            let unique_id = id.clone();
            clean.push(Observation { unique_id, ds, y: None });
            limits
                .rows(clean.len() as u64)
                .map_err(|excess| excess.in_input(&format!("the series up to `{id}`, at its {frequency} steps,")))?;
            (report.absent, next) = (report.absent + 1, next + 1);
        }
        match grid.step(row.ds) {
            Some(step) => next = step + 1,
            None => report.off(row),
        }
        clean.push(row.clone());
    }
    let series = &mut clean[first..];
    let mut at = 0;
    while at < series.len() {
        let length = series[at..].iter().take_while(|row| row.y.is_none()).count();
        if length > 0 {
            gap(series, at, length, fill, report);
        }
        at += length.max(1);
    }
    report.series.push(json!({
        "unique_id": id,
        "row_count": series.len(),
        "start": series.first().map(|row| row.ds.to_string()),
        "end": series.last().map(|row| row.ds.to_string()),
        "values_filled": report.filled - before.0,
        "values_missing": report.missing - before.1,
    }));
    Ok(())
}

/// Fills or reports the gap of `length` values from position `at`; a gap at an end has no neighbour to lean on and stays.
fn gap(series: &mut [Observation], at: usize, length: usize, fill: Option<usize>, report: &mut Report) {
    let found_gap = json!({
        "unique_id": series[at].unique_id,
        "start": series[at].ds.to_string(),
        "end": series[at + length - 1].ds.to_string(),
        "values": length,
    });
    let left = at.checked_sub(1).and_then(|left| series[left].y);
    let right = series.get(at + length).and_then(|row| row.y);
    if let (Some(left), Some(right), true) = (left, right, fill.is_some_and(|longest| length <= longest)) {
        for (step, row) in series[at..at + length].iter_mut().enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "a gap has far fewer than 2^53 steps")]
            let share = (step + 1) as f64 / (length + 1) as f64;
            row.y = Some(left + (right - left) * share);
        }
        report.filled += length;
        if report.repairs.len() < LISTED {
            report.repairs.push(found_gap);
        }
    } else {
        report.missing += length;
        if report.gaps.len() < LISTED {
            report.gaps.push(found_gap);
        }
    }
}
