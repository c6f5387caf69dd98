//! `prepare_clean`: brings raw rows into series at regular steps, and reports what it repaired.

mod fill;
mod report;
mod values;

use std::collections::BTreeMap;

use chrono::{Datelike as _, NaiveDateTime, Timelike as _, Weekday};
use serde_json::{Value as Json, json};

use self::fill::{Filling, filled, on_steps, trimmed};
use self::report::{LISTED, Report};
use self::values::{Patterns, Unit, clip, remove_outliers};
use super::columns::Columns;
use super::document;
use super::far_times::{self, MAX_FILL};
use super::frequency::{Calendars, FREQUENCY, Frequency, Grid};
use super::limits::{MAX_MB, MAX_ROWS, TableLimits};
use super::named_enum::{named_enum, of_param};
use super::panel::{Fault, Panel, Verdicts, two_seasons};
use super::reading;
use super::series::{Observation, observations_in};
use super::table::{self, ParquetTable};
use crate::engine::spec::Value;
use crate::engine::spec::schema::{AUTO, Kind, Literal, ParamSchema, Port, Schema};
use crate::engine::task::{Context, Part, Task, TaskError};

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
        /// The task fails.
        Error = "error",
        /// They are filled on a line between their neighbours.
        Interpolate = "interpolate",
        /// They are filled with what the series has a season before and after.
        Seasonal = "seasonal",
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

named_enum! {
    /// What becomes of times that are none of the steps of their series.
    enum OffStepsPolicy {
        /// They stay, and break a rule of the validation.
        Keep = "keep",
        /// They become those of the nearest steps that have no row.
        Nearest = "nearest",
    }
}

named_enum! {
    /// What becomes of values below zero.
    enum NegativePolicy {
        /// They stay.
        Keep = "keep",
        /// They become zero.
        Clip = "clip",
    }
}

named_enum! {
    /// What becomes of values far from all others of their series.
    enum OutlierPolicy {
        /// They stay.
        Keep = "keep",
        /// They become missing values, which are filled as gaps are.
        Null = "null",
    }
}

/// The share of a series that may be trimmed at its end: more is no late delivery, but a series that has ended.
const MOST_TRIMMED: usize = 10;

/// Raised whenever gaps are filled otherwise by seasons.
const SEASONAL_VERSION: u32 = 2;

static SCHEMA: Schema = Schema {
    name: "prepare_clean",
    version: 5,
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
            doc: "what becomes of missing values: filled on a line between their neighbours, or with what is there a season \
                  before and after; kept; or an error",
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
        ParamSchema {
            name: "off_steps",
            kind: Kind::Choice(OffStepsPolicy::NAMES),
            default: Some(Literal::Text(OffStepsPolicy::Keep.name())),
            doc: "what becomes of times beside the steps of their series: kept, or moved to the nearest steps that have no row",
        },
        ParamSchema {
            name: "negatives",
            kind: Kind::Choice(NegativePolicy::NAMES),
            default: Some(Literal::Text(NegativePolicy::Keep.name())),
            doc: "whether values below zero become zero, in the series that `negatives_of` names",
        },
        ParamSchema {
            name: "negatives_of",
            kind: Kind::OneOrMany(&Kind::Text),
            default: Some(Literal::Text("*")),
            doc: "patterns of series, such as `*_SUN`, to which `negatives` applies",
        },
        ParamSchema {
            name: "outliers",
            kind: Kind::Choice(OutlierPolicy::NAMES),
            default: Some(Literal::Text(OutlierPolicy::Keep.name())),
            doc: "whether values further than `outlier_threshold` from the median become missing ones",
        },
        ParamSchema {
            name: "outlier_threshold",
            kind: Kind::Float {
                min: 0.0,
                max: 1e9,
                open: true,
            },
            default: Some(Literal::Float(10.0)),
            doc: "distance from the median in median absolute deviations, each side having its own",
        },
        ParamSchema {
            name: "unit",
            kind: Kind::Auto(&Kind::Text),
            default: Some(Literal::Text(AUTO)),
            doc: "unit of the values, for the metadata; `MWh -> GWh` converts them",
        },
        reading::OF_RAW,
        MAX_FILL,
        FREQUENCY,
        MAX_MB,
        MAX_ROWS,
    ],
    inputs: &[Port {
        name: "raw",
        doc: "time, respondent, fueltype, value; or unique_id, ds, y; or what `reading` says",
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

    /// How gaps are filled by seasons, where they are.
    fn parts(&self, params: &BTreeMap<String, Value>) -> Vec<Part> {
        let is_seasonal = params.get("gaps") == Some(&Value::Text(GapPolicy::Seasonal.name().to_owned()));
        let part = || Part {
            name: "seasonal gaps".to_owned(),
            version: SEASONAL_VERSION,
        };
        is_seasonal.then(part).into_iter().collect()
    }

    fn run(&self, context: &Context<'_>) -> Result<(), TaskError> {
        let (mut rows, read_as) = raw(context)?;
        if rows.is_empty() {
            return Err(TaskError::new("`raw` has no rows"));
        }
        let calendars = Calendars::declared_or_found(context, &rows);
        let came = rows.len();
        let mut report = Report::default();
        if let Some(unit) = Unit::of(context)? {
            unit.convert(&mut rows, &mut report);
        }
        let mut rows = merged(rows, of_param(context, "duplicates"), &mut report)?;
        let patterns = Patterns::of(&context.texts("negatives_of"))?;
        let clips = of_param(context, "negatives");
        let threshold = context.number("outlier_threshold");
        let outliers = of_param(context, "outliers");
        let filling = Filling {
            policy: of_param(context, "gaps"),
            longest: context.count("max_gap"),
            season: 1,
        };
        let (ends, limits) = (of_param(context, "ends"), TableLimits::of(context));
        let off_steps = of_param(context, "off_steps");
        let mut clean = Vec::with_capacity(rows.len());
        let max_fill = far_times::max_fill(context);
        let others = of_other_steps(&rows, calendars);
        let mut untouched = Vec::new();
        for same in rows.chunk_by_mut(|a, b| a.unique_id == b.unique_id) {
            context.check_cancelled()?;
            match clips {
                NegativePolicy::Clip if patterns.fit(&same[0].unique_id) => clip(same, &mut report),
                NegativePolicy::Clip | NegativePolicy::Keep => {}
            }
            match outliers {
                OutlierPolicy::Null => remove_outliers(same, threshold, &mut report),
                OutlierPolicy::Keep => {}
            }
            let same = match ends {
                EndPolicy::Trim => trimmed(same, &mut report),
                EndPolicy::Keep => same,
            };
            let times_of = |rows: &[Observation]| rows.iter().map(|row| row.ds).collect::<Vec<NaiveDateTime>>();
            let times = times_of(same);
            let frequency = calendars.of_series(&times);
            let mut grid = Grid::of(frequency, &times);
            let moved = match off_steps {
                OffStepsPolicy::Nearest => on_steps(same, &grid, &mut report),
                OffStepsPolicy::Keep => None,
            };
            let same = match &moved {
                Some(moved) => {
                    grid = Grid::of(frequency, &times_of(moved));
                    moved
                }
                None => same,
            };
            let far = far_times::check(same, &grid, frequency, max_fill);
            let other = others.get_key_value(&same[0].unique_id);
            // So many rows may be added because somebody said so.
            if let Some(other) = other.filter(|_| far.is_err() || max_fill.is_none()) {
                report.unfilled(same, *other.1);
                clean.extend_from_slice(same);
                untouched.push(other);
                continue;
            }
            far?;
            report.closed(&same[0].unique_id, &grid);
            let filling = Filling {
                season: frequency.seasons().first().copied().unwrap_or(1),
                ..filling
            };
            filled(same, (&grid, frequency), filling, &mut report, &mut clean, limits)?;
        }
        gaps_stop(filling.policy, &report)?;
        report.bad = bad_series(&clean, calendars);
        if let Some((id, own)) = untouched.first() {
            let more = match untouched.len() - 1 {
                0 => String::new(),
                more => format!(", and so have {more} more"),
            };
            context.log(&format!(
                "`{id}` has {own} steps, and the panel {} ones{more}: it is left as it is, and what becomes of it follows from \
                 `on_bad_series` of the validation and the back-test; `max_fill` lets its missing steps be filled",
                calendars.common()
            ));
        }
        if let Some(warning) = report.much_filled() {
            context.warn(&warning);
        }
        if let Some(first) = report.off.first() {
            let why = match off_steps {
                OffStepsPolicy::Nearest => {
                    ": the step nearest to it has another row, so it was not moved, and one of the two has to go"
                }
                OffStepsPolicy::Keep => "",
            };
            context.warn(&format!(
                "{} rows lie off the {} steps of their series, the first of them {}{why}",
                report.off_steps,
                calendars.common(),
                first["ds"].as_str().unwrap_or_default()
            ));
        }
        context.log(&report.line(clean.len()));
        let mut metadata = report.report(came, calendars.common(), &clean);
        if let Some(read_as) = read_as {
            metadata["file"] = read_as;
        }
        document::write(context, "metadata", &metadata)?;
        ParquetTable::default()
            .texts("unique_id", clean.iter().map(|row| Some(row.unique_id.as_str())))
            .times("ds", clean.iter().map(|row| row.ds))
            .numbers("y", clean.iter().map(|row| row.y))
            .write(context, "clean")
    }
}

/// The columns by which the ingest tells series apart; a table has those of its route.
const FACETS: [&str; 8] = [
    "respondent",
    "fueltype",
    "type",
    "fromba",
    "toba",
    "subba",
    "parent",
    "timezone",
];

/// The series of sorted rows whose steps are not those of the panel, each with its own.
fn of_other_steps(rows: &[Observation], calendars: Calendars) -> BTreeMap<String, Frequency> {
    let series = rows.chunk_by(|a, b| a.unique_id == b.unique_id);
    let times = series.map(|same| {
        let times = same.iter().map(|row| row.ds).collect();
        (same[0].unique_id.as_str(), times)
    });
    let others = calendars.of_other_steps(times).into_iter();
    others.map(|(id, own)| (id.to_owned(), own)).collect()
}

/// Refuses gaps where they stop the task.
fn gaps_stop(policy: GapPolicy, report: &Report) -> Result<(), TaskError> {
    let first = report
        .gaps
        .first()
        .filter(|_| policy == GapPolicy::Error && report.inner > 0);
    first.map_or(Ok(()), |gap| {
        let field = |name: &str| gap[name].as_str().unwrap_or_default().to_owned();
        let (id, start, end) = (field("unique_id"), field("start"), field("end"));
        let what = format!(
            "{} steps have no value, the first of them {start} of `{id}`",
            report.inner
        );
        Err(TaskError::new(what)
            .note(format!("that gap is {} steps long and ends with {end}", gap["values"]))
            .help("mend the source, or let gaps be filled: `gaps = \"interpolate\"` or \"seasonal\""))
    })
}

/// The series that are likely not to be forecast like the others, each with what is wrong; at most so many are listed.
fn bad_series(clean: &[Observation], calendars: Calendars) -> Vec<serde_json::Value> {
    // What the table itself has wrong is for the validation to tell.
    let ended_after = two_seasons(&calendars.common().seasons());
    let panel = Panel::of(clean, calendars, &Verdicts::new(), ended_after).unwrap_or_default();
    let told = panel.bad.iter().filter(|bad| !matches!(bad.fault, Fault::Gap(_)));
    told.take(LISTED)
        .map(|bad| json!({ "unique_id": bad.unique_id, "why": bad.fault.to_string() }))
        .collect()
}

/// The columns of series, and those of the ingest from the EIA.
const RAW: [&str; 13] = [
    "unique_id",
    "ds",
    "y",
    "time",
    "value",
    "respondent",
    "fueltype",
    "type",
    "fromba",
    "toba",
    "subba",
    "parent",
    "timezone",
];

/// Reads the rows of `raw`: in the columns of the ingest or in those of a series, or as `reading` says, and then tells how.
fn raw(context: &Context<'_>) -> Result<(Vec<Observation>, Option<Json>), TaskError> {
    match reading::series(context, "raw")? {
        Some((rows, report)) => Ok((rows, Some(report))),
        None => plain(context).map(|rows| (rows, None)),
    }
}

/// Reads the rows of `raw`, in the columns of the ingest or in those of a series.
fn plain(context: &Context<'_>) -> Result<Vec<Observation>, TaskError> {
    let table = table::read_columns(context, "raw", &RAW)?;
    let columns = Columns::of(context, &table, "raw");
    if columns.has("unique_id") {
        return observations_in(context, &columns);
    }
    let mut facets = FACETS.into_iter().filter(|name| columns.has(name));
    let Some(first) = facets.next() else {
        return Err(columns.lacks_all("`unique_id`, `ds` and `y`, nor `time`, `respondent`, `fueltype` and `value`"));
    };
    let mut ids = columns.texts(first)?;
    for facet in facets {
        for (id, code) in ids.iter_mut().zip(columns.texts(facet)?) {
            *id += "_";
            *id += &code;
        }
    }
    let times = columns.times("time")?;
    let values = columns.numbers("value")?;
    let rows = ids.into_iter().zip(times).zip(values);
    Ok(rows
        .map(|((unique_id, ds), y)| Observation { unique_id, ds, y })
        .collect())
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
    let Some((id, ds)) = report
        .contradicting
        .first()
        .filter(|_| policy == DuplicatePolicy::Error)
    else {
        return Ok(merged);
    };
    let error = TaskError::new(match report.contradicting.len() {
        1 => format!("{ds} of `{id}` has different values"),
        count => format!("{count} times have different values, the first of them {ds} of `{id}`"),
    })
    .help("mend the source, or say which value counts: `duplicates = \"first\"`, \"last\" or \"mean\"");
    // Most clocks are put back in the night to a Sunday.
    let is_put_back = |(_, ds): &(String, NaiveDateTime)| (1..4).contains(&ds.hour()) && ds.weekday() == Weekday::Sun;
    Err(match report.contradicting.iter().all(is_put_back) {
        true => error.help("if the clocks were put back there, say where: `time_zone` of the task `ingest_file`"),
        false => error,
    })
}
