//! Series: values at times, each series under its `unique_id`; and their frequency.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use chrono::{Datelike as _, Days, Months, NaiveDateTime, TimeDelta};
use serde::{Deserialize, Serialize};

use super::named_enum::{named_enum, of_param};
use super::table::{self, Columns};
use crate::engine::spec::schema::{AUTO, Kind, Literal, ParamSchema};
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
/// The columns are `unique_id`, `ds` and `y`.
///
/// # Errors
/// [`TaskError`] if it cannot be read, or a column is missing or of another type.
pub(crate) fn observations(context: &Context<'_>, role: &str) -> Result<Vec<Observation>, TaskError> {
    let frame = table::read(context, role)?;
    observations_in(context, &Columns::of(context, &frame, role))
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
    /// Time of the first value.
    pub(crate) start: NaiveDateTime,
    /// The step from one value to the next.
    pub(crate) frequency: Frequency,
    /// The values, all finite, the oldest first.
    pub(crate) y: Vec<f64>,
}

impl Series {
    /// Time of the value at position `at`, which may lie after the last.
    #[must_use]
    pub(crate) fn time(&self, at: usize) -> NaiveDateTime {
        self.frequency.step(self.start, at)
    }

    /// Whether a time so many steps after the last value is beyond what a time can represent.
    #[must_use]
    pub(crate) fn ends_of_time(&self, steps: usize) -> bool {
        self.frequency.try_step(self.start, self.y.len() + steps).is_none()
    }
}

/// Makes series of observations in any order, sorted by name; `role` is what errors call them.
///
/// # Errors
/// [`TaskError`] naming the first series that has a gap, a duplicate, or a value that is no finite number.
pub(crate) fn of(rows: &[Observation], frequency: Frequency, role: &str) -> Result<Vec<Series>, TaskError> {
    let mut groups: BTreeMap<&str, Vec<(NaiveDateTime, Option<f64>)>> = BTreeMap::new();
    for row in rows {
        groups.entry(&row.unique_id).or_default().push((row.ds, row.y));
    }
    if groups.is_empty() {
        return Err(TaskError::new(format!("`{role}` has no rows")));
    }
    groups
        .into_iter()
        .map(|(id, group)| one(id.to_owned(), group, frequency))
        .collect()
}

/// Makes the series of the times and values of one name, in any order.
///
/// # Errors
/// As those of [`of`].
pub(crate) fn one(
    unique_id: String,
    mut rows: Vec<(NaiveDateTime, Option<f64>)>,
    frequency: Frequency,
) -> Result<Series, TaskError> {
    rows.sort_by_key(|(ds, _)| *ds);
    let start = rows[0].0;
    let mut y = Vec::with_capacity(rows.len());
    for (at, (ds, value)) in rows.into_iter().enumerate() {
        let expected = frequency.try_step(start, at).ok_or_else(|| {
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
        start,
        frequency,
        y,
    })
}

/// The step from one time to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Frequency {
    /// So many seconds.
    Seconds(i64),
    /// So many months of the calendar.
    Months(u32),
}

/// The parameter that declares it.
pub(crate) const FREQUENCY: ParamSchema = ParamSchema {
    name: "frequency",
    kind: Kind::Auto(&Kind::Choice(FrequencyName::NAMES)),
    default: Some(Literal::Text(AUTO)),
    doc: "step of the series; auto takes the most frequent step of the data",
};

named_enum! {
    /// The steps that have a name.
    enum FrequencyName {
        /// 60 seconds.
        Minutely = "minutely",
        /// 60 minutes.
        Hourly = "hourly",
        /// 24 hours.
        Daily = "daily",
        /// 7 days.
        Weekly = "weekly",
        /// A month of the calendar.
        Monthly = "monthly",
        /// Three months.
        Quarterly = "quarterly",
        /// Twelve months.
        Yearly = "yearly",
    }
}

impl FrequencyName {
    /// The step.
    const fn frequency(self) -> Frequency {
        match self {
            Self::Minutely => Frequency::Seconds(60),
            Self::Hourly => Frequency::Seconds(HOUR),
            Self::Daily => Frequency::Seconds(DAY),
            Self::Weekly => Frequency::Seconds(7 * DAY),
            Self::Monthly => Frequency::Months(1),
            Self::Quarterly => Frequency::Months(3),
            Self::Yearly => Frequency::Months(12),
        }
    }
}

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

impl Frequency {
    /// The declared one, else the most frequent step between neighbours of one series, the shorter of equals; hourly if
    /// no series has two times.
    pub(crate) fn declared_or_found(context: &Context<'_>, rows: &[Observation]) -> Self {
        match context.text("frequency") {
            AUTO => Self::found(rows),
            _ => of_param::<FrequencyName>(context, "frequency").frequency(),
        }
    }

    /// Whether it leads forward, which one from a file may not.
    pub(crate) fn is_step(self) -> bool {
        matches!(self, Self::Seconds(1..) | Self::Months(1..))
    }

    /// The name of the step, if it has one.
    fn name(self) -> Option<FrequencyName> {
        let names = FrequencyName::NAMES.iter().filter_map(|name| name.parse().ok());
        names.into_iter().find(|name: &FrequencyName| name.frequency() == self)
    }

    /// The most frequent step of the data.
    #[must_use]
    pub(crate) fn found(rows: &[Observation]) -> Self {
        let mut times: Vec<(&str, NaiveDateTime)> = rows.iter().map(|row| (row.unique_id.as_str(), row.ds)).collect();
        times.sort_unstable();
        let mut counts: BTreeMap<Self, usize> = BTreeMap::new();
        for pair in times
            .windows(2)
            .filter(|pair| pair[0].0 == pair[1].0 && pair[0].1 < pair[1].1)
        {
            *counts.entry(Self::between(pair[0].1, pair[1].1)).or_default() += 1;
        }
        let most = counts.into_iter().max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(&a.0)));
        most.map_or(Self::Seconds(HOUR), |(step, _)| step)
    }

    /// The step between two times: of the calendar where the days of a month, a quarter or a year fit.
    fn between(first: NaiveDateTime, second: NaiveDateTime) -> Self {
        let seconds = (second - first).num_seconds().max(1);
        match seconds / DAY {
            28..=31 if seconds % DAY == 0 => Self::Months(1),
            89..=92 if seconds % DAY == 0 => Self::Months(3),
            365..=366 if seconds % DAY == 0 => Self::Months(12),
            _ => Self::Seconds(seconds),
        }
    }

    /// The time `steps` after `start`; the last day of a month stays the last.
    ///
    /// # Panics
    /// If that is beyond the years that a time can represent.
    #[must_use]
    pub(crate) fn step(self, start: NaiveDateTime, steps: usize) -> NaiveDateTime {
        self.try_step(start, steps)
            .unwrap_or_else(|| panic!("internal error: {steps} steps after {start} is no time"))
    }

    /// The time `steps` after `start`, if there is such a time.
    pub(crate) fn try_step(self, start: NaiveDateTime, steps: usize) -> Option<NaiveDateTime> {
        let steps = u32::try_from(steps).unwrap_or(u32::MAX);
        match self {
            Self::Seconds(seconds) => {
                let span = TimeDelta::try_seconds(seconds.saturating_mul(steps.into()));
                span.and_then(|span| start.checked_add_signed(span))
            }
            Self::Months(months) => {
                let span = Months::new(months.saturating_mul(steps));
                let ends_month = (start + Days::new(1)).day() == 1;
                let moved = start.checked_add_months(span);
                match ends_month {
                    // One day later is the first of a month, which every month has.
                    true => (start + Days::new(1))
                        .checked_add_months(span)
                        .map(|next| next - Days::new(1)),
                    false => moved,
                }
            }
        }
    }

    /// How many steps lie between two times, if they lie on the same steps.
    #[must_use]
    pub(crate) fn steps(self, start: NaiveDateTime, end: NaiveDateTime) -> Option<usize> {
        let guess = match self {
            Self::Seconds(seconds) => (end - start).num_seconds() / seconds,
            Self::Months(months) => {
                let month = |time: NaiveDateTime| i64::from(time.year()) * 12 + i64::from(time.month0());
                (month(end) - month(start)) / i64::from(months)
            }
        };
        let steps = usize::try_from(guess).ok()?;
        (self.step(start, steps) == end).then_some(steps)
    }

    /// The lengths of the seasons that such data usually has, in steps, the shortest first.
    #[must_use]
    pub(crate) fn seasons(self) -> Vec<usize> {
        let in_steps = |span: i64, step: i64| usize::try_from(span / step).unwrap_or(1).max(1);
        match self {
            Self::Seconds(step) if step < DAY => vec![in_steps(DAY, step), in_steps(7 * DAY, step)],
            Self::Seconds(DAY) => vec![7],
            Self::Seconds(step) if step < 365 * DAY => vec![in_steps(364 * DAY, step)],
            Self::Months(months) if months < 12 => vec![(12 / months) as usize],
            Self::Seconds(_) | Self::Months(_) => vec![1],
        }
    }
}

impl std::fmt::Display for Frequency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.name(), self) {
            (Some(name), _) => write!(f, "{name}"),
            (None, Self::Seconds(step)) if step % 60 == 0 => write!(f, "{}-minute", step / 60),
            (None, Self::Seconds(step)) => write!(f, "{step}-second"),
            (None, Self::Months(months)) => write!(f, "{months}-month"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecasting::table::parse_time;

    fn time(text: &str) -> NaiveDateTime {
        parse_time(text).expect("a time")
    }

    fn found(times: &[&str]) -> Frequency {
        let row = |text: &&str| Observation {
            unique_id: "A".to_owned(),
            ds: time(text),
            y: None,
        };
        Frequency::found(&times.iter().map(row).collect::<Vec<_>>())
    }

    #[test]
    fn the_most_frequent_step_is_the_frequency() {
        let hourly = [
            "2024-01-01 00:00",
            "2024-01-01 01:00",
            "2024-01-01 02:00",
            "2024-01-01 05:00",
        ];
        assert_eq!(found(&hourly).to_string(), "hourly");
        assert_eq!(found(&["2024-01-01", "2024-01-08", "2024-01-15"]).to_string(), "weekly");
        assert_eq!(
            found(&["2024-01-31", "2024-02-29", "2024-03-31"]).to_string(),
            "monthly"
        );
        assert_eq!(
            found(&["2024-01-01", "2024-04-01", "2024-07-01"]).to_string(),
            "quarterly"
        );
        assert_eq!(found(&["2023-01-01", "2024-01-01"]).to_string(), "yearly");
        assert_eq!(
            found(&["2024-01-01 00:00", "2024-01-01 00:30"]).to_string(),
            "30-minute"
        );
        assert_eq!(found(&["2024-01-01"]).to_string(), "hourly");
    }

    #[test]
    fn a_month_ends_where_it_ends() {
        let months = Frequency::Months(1);
        let ends: Vec<String> = (0..4)
            .map(|step| months.step(time("2024-01-31"), step).date().to_string())
            .collect();
        assert_eq!(ends, ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"]);
        assert_eq!(months.step(time("2023-02-28"), 1), time("2023-03-31"));
        assert_eq!(months.step(time("2024-01-30"), 1), time("2024-02-29"));
        assert_eq!(months.steps(time("2024-01-31"), time("2024-04-30")), Some(3));
        assert_eq!(months.steps(time("2024-01-31"), time("2024-04-29")), None);
        assert_eq!(
            Frequency::Seconds(HOUR).steps(time("2024-01-31"), time("2024-02-01")),
            Some(24)
        );
    }

    #[test]
    fn seasons_follow_from_the_frequency() {
        assert_eq!(Frequency::Seconds(HOUR).seasons(), [24, 168]);
        assert_eq!(Frequency::Seconds(HOUR / 4).seasons(), [96, 672]);
        assert_eq!(Frequency::Seconds(DAY).seasons(), [7]);
        assert_eq!(Frequency::Seconds(7 * DAY).seasons(), [52]);
        assert_eq!(Frequency::Months(1).seasons(), [12]);
        assert_eq!(Frequency::Months(3).seasons(), [4]);
        assert_eq!(Frequency::Months(12).seasons(), [1]);
    }
}
