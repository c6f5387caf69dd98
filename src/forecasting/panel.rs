//! A panel: which of its series can be forecast like the others, and what keeps the rest from it.
//!
//! One dead series must not stop a thousand good ones. What is wrong with a series is found here, from its values alone and
//! from what the validation says of it; what is done about it follows from `on_bad_series`, in the back-test.

use std::collections::BTreeMap;
use std::fmt;

use chrono::NaiveDateTime;

use super::frequency::{Calendars, Frequency, Grid};
use super::named_enum::{named_enum, of_param};
use super::series::{self, Observation, Series};
use crate::engine::spec::Value;
use crate::engine::spec::schema::{AUTO, Kind, Literal, ParamSchema};
use crate::engine::task::{Context, TaskError};

named_enum! {
    /// What becomes of a series that cannot be forecast like the others.
    pub(crate) enum OnBadSeries {
        /// It is forecast by what suits it, as far as there is such a thing.
        Fallback = "fallback",
        /// It is left out.
        Drop = "drop",
        /// The task fails.
        Error = "error",
    }
}

impl OnBadSeries {
    /// Reads the parameter.
    pub(crate) fn of(context: &Context<'_>) -> Self {
        of_param(context, ON_BAD_SERIES.name)
    }
}

/// The parameter of the validation and the back-test.
pub(crate) const ON_BAD_SERIES: ParamSchema = ParamSchema {
    name: "on_bad_series",
    kind: Kind::Choice(OnBadSeries::NAMES),
    default: Some(Literal::Text(OnBadSeries::Fallback.name())),
    doc: "a series that is constant, too short, without values, broken off, ended early or of another frequency is forecast \
          by what suits it, or left out, or stops the task",
};

/// The parameter that says from when on a series counts as ended.
pub(crate) const ENDED_AFTER: ParamSchema = ParamSchema {
    name: "ended_after",
    kind: Kind::Auto(&Kind::Int { min: 1, max: 1_000_000 }),
    default: Some(Literal::Text(AUTO)),
    doc: "a series whose last value lies more steps than this before the end of the panel is not forecast; auto takes two \
          of the longest seasons (two weeks of hours), at least the horizon",
};

/// The value of [`ENDED_AFTER`].
pub(crate) fn ended_after(context: &Context<'_>, seasons: &[usize], horizon: usize) -> usize {
    match context.param(ENDED_AFTER.name) {
        Value::Int(_) => context.count(ENDED_AFTER.name),
        _ => two_seasons(seasons).max(horizon),
    }
}

/// Two of the longest seasons.
pub(crate) fn two_seasons(seasons: &[usize]) -> usize {
    2 * seasons.iter().copied().max().unwrap_or(1)
}

/// A rule of the validation that one series breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BrokenRule {
    /// Its name.
    pub(crate) rule: String,
    /// What breaks it.
    pub(crate) why: String,
}

/// By series: the rules that it breaks.
pub(crate) type Verdicts = BTreeMap<String, Vec<BrokenRule>>;

/// Rules whose breach is seen in the values again, or that no value is at fault for.
const SEEN_AGAIN: [&str; 4] = ["nulls", "missing_times", "constant", "length"];

/// What keeps a series from being forecast like the others.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fault {
    /// It breaks a rule of the validation, so that its values are not to be believed.
    Doubted(BrokenRule),
    /// It has no value.
    NoValue,
    /// Its steps are not those of the panel.
    OtherSteps {
        /// Its own, in a word.
        own: String,
        /// Those of the panel.
        common: String,
    },
    /// Its last value lies long before the end of the panel.
    Ended {
        /// The time of the last value.
        last: NaiveDateTime,
        /// The end of the panel.
        end: NaiveDateTime,
    },
    /// It has the same value always.
    Constant(f64),
    /// It has no value at this time, between others or at an end.
    Gap(NaiveDateTime),
    /// It has fewer values than the rule `length` asks for.
    TooFew(String),
    /// The back-test does not fit in.
    Short {
        /// Its values.
        values: usize,
        /// How many the back-test takes.
        needed: usize,
    },
    /// Fewer windows fit in than were asked for.
    FewWindows {
        /// How many fit in.
        fit: usize,
        /// How many were asked for.
        asked: usize,
    },
    /// The models failed on it, in words.
    Unforecastable(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Doubted(BrokenRule { rule, why }) => write!(f, "it breaks the rule `{rule}`: {why}"),
            Self::NoValue => f.write_str("it has no value"),
            Self::OtherSteps { own, common } => write!(f, "it has {own} steps, and the panel {common} ones"),
            Self::Ended { last, end } => write!(f, "its last value is of {last}, and others go on to {end}"),
            Self::Constant(value) => write!(f, "it is always {value}"),
            Self::Gap(at) => write!(f, "it has no value at {at}, so only what follows its last gap counts"),
            Self::TooFew(why) => write!(f, "it breaks the rule `length`: {why}"),
            Self::Short { values, needed } => {
                write!(f, "it has {values} values in a row, and the back-test needs {needed}")
            }
            Self::FewWindows { fit, asked } => write!(f, "its back-test has {fit} of {asked} windows"),
            Self::Unforecastable(why) => f.write_str(why),
        }
    }
}

/// A series that something is wrong with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BadSeries {
    /// Its name.
    pub(crate) unique_id: String,
    /// What is wrong.
    pub(crate) fault: Fault,
    /// What of it can be fitted: the values after its last gap; `None` if nothing can be.
    pub(crate) rest: Option<Series>,
}

/// The series of a table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Panel {
    /// Those without fault, by name.
    pub(crate) sound: Vec<Series>,
    /// The others, by name.
    pub(crate) bad: Vec<BadSeries>,
}

impl Panel {
    /// Finds what is wrong with each series of a table, whose rows may stand in any order.
    ///
    /// # Errors
    /// [`TaskError`] for what is wrong with the table: no rows, two rows of one time, times off the steps of a series that
    /// has no steps of its own, and values that are no finite numbers.
    pub(crate) fn of(
        rows: &[Observation],
        calendars: Calendars,
        verdicts: &Verdicts,
        ended_after: usize,
    ) -> Result<Self, TaskError> {
        let by_name = by_name(rows);
        if by_name.is_empty() {
            return Err(TaskError::new("`clean` has no rows"));
        }
        let others = of_other_steps(&by_name, calendars);
        let of_panel = by_name.iter().filter(|(id, _)| !others.contains_key(*id));
        let end = end(of_panel.map(|(_, rows)| rows));
        let mut panel = Self::default();
        for (id, rows) in &by_name {
            if let Some(own) = others.get(id) {
                panel.bad.push(BadSeries {
                    unique_id: (*id).to_owned(),
                    fault: other_steps(*own, calendars),
                    rest: None,
                });
                continue;
            }
            let (rest, gap) = rest(id, rows, calendars)?;
            let doubted = |of: &[BrokenRule]| of.iter().find(|broken| !SEEN_AGAIN.contains(&&*broken.rule)).cloned();
            let too_few = |of: &[BrokenRule]| of.iter().find(|broken| broken.rule == "length").cloned();
            let verdict = verdicts.get(*id).map(Vec::as_slice).unwrap_or_default();
            let fault = match (doubted(verdict), &rest) {
                (Some(broken), _) => Some(Fault::Doubted(broken)),
                (None, None) => Some(Fault::NoValue),
                (None, Some(rest)) => ended(rest, end, ended_after)
                    .or_else(|| constant(rows))
                    .or_else(|| too_few(verdict).map(|broken| Fault::TooFew(broken.why)))
                    .or(gap.map(Fault::Gap)),
            };
            match (fault, rest) {
                (None, Some(series)) => panel.sound.push(series),
                (None, None) => {}
                (Some(fault), rest) => panel.bad.push(BadSeries {
                    unique_id: (*id).to_owned(),
                    fault,
                    rest,
                }),
            }
        }
        Ok(panel)
    }

    /// Takes every series for sound, as it has to be where a bad one stops the task.
    ///
    /// # Errors
    /// [`TaskError`] for the first that has steps of its own, or a gap, as [`series::of`] has it, or has ended.
    pub(crate) fn strict(rows: &[Observation], calendars: Calendars, ended_after: usize) -> Result<Self, TaskError> {
        let by_name = by_name(rows);
        refuse_other_steps(&of_other_steps(&by_name, calendars), calendars)?;
        let sound = series::of(rows, calendars, "clean")?;
        let end = end(by_name.values());
        let of = |series: &Series| Some((series.unique_id.clone(), ended(series, end, ended_after)?));
        match sound.iter().find_map(of) {
            None => Ok(Self { sound, bad: Vec::new() }),
            Some((id, fault)) => Err(TaskError::new(format!("the series `{id}` has ended: {fault}"))
                .help("raise `ended_after`, or let the others go on: `on_bad_series = \"fallback\"` or \"drop\"")),
        }
    }
}

impl Panel {
    /// The series that may be fitted, those with a fault included.
    pub(crate) fn fittable(&mut self) -> impl Iterator<Item = &mut Series> {
        let gapped = |bad: &&mut BadSeries| matches!(bad.fault, Fault::Gap(_));
        let rest = self.bad.iter_mut().filter(gapped).filter_map(|bad| bad.rest.as_mut());
        self.sound.iter_mut().chain(rest)
    }
}

/// The series of a panel whose steps are not the common ones, each with its own.
fn of_other_steps<'r>(
    by_name: &BTreeMap<&'r str, Vec<(NaiveDateTime, Option<f64>)>>,
    calendars: Calendars,
) -> BTreeMap<&'r str, Frequency> {
    let times = |rows: &Vec<(NaiveDateTime, Option<f64>)>| {
        let mut times: Vec<NaiveDateTime> = rows.iter().map(|(ds, _)| *ds).collect();
        times.sort_unstable();
        times
    };
    calendars.of_other_steps(by_name.iter().map(|(id, rows)| (*id, times(rows))))
}

/// The fault of a series with steps of its own.
pub(crate) fn other_steps(own: Frequency, calendars: Calendars) -> Fault {
    Fault::OtherSteps {
        own: own.to_string(),
        common: calendars.common().to_string(),
    }
}

/// Refuses series whose steps are not the common ones.
///
/// # Errors
/// [`TaskError`] with the first and both frequencies.
pub(crate) fn refuse_other_steps(others: &BTreeMap<&str, Frequency>, calendars: Calendars) -> Result<(), TaskError> {
    let Some((id, own)) = others.first_key_value() else {
        return Ok(());
    };
    let common = calendars.common();
    let error = TaskError::new(format!(
        "the series `{id}` has {own} steps, and the panel {common} ones"
    ));
    let error = match others.len() {
        1 => error,
        all => error.note(format!("so it is with {all} series")),
    };
    Err(error
        .help("forecast it in targets of its own, or bring it to the others' steps in the source")
        .help("to let the others go on: `on_bad_series = \"fallback\"` or \"drop\""))
}

/// How a series is read for the forecast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// It has to be whole.
    Whole,
    /// What follows its last gap is enough.
    AfterLastGap,
    /// It is left out.
    Not,
}

/// The series of a table that are to be forecast, sorted by name; `reading` says of each how it is read.
///
/// # Errors
/// [`TaskError`] for one that cannot be read so, or if none is left.
pub(crate) fn read(
    rows: &[Observation],
    calendars: Calendars,
    reading: impl Fn(&str) -> Reading,
) -> Result<Vec<Series>, TaskError> {
    let mut series = Vec::new();
    for (id, rows) in by_name(rows) {
        match reading(id) {
            Reading::Whole => series.push(series::one(id.to_owned(), rows, calendars)?),
            Reading::AfterLastGap => series.extend(rest(id, &rows, calendars)?.0),
            Reading::Not => {}
        }
    }
    match series.is_empty() {
        true => Err(TaskError::new("`clean` has no series to forecast")),
        false => Ok(series),
    }
}

/// The rows of each series.
fn by_name(rows: &[Observation]) -> BTreeMap<&str, Vec<(NaiveDateTime, Option<f64>)>> {
    let mut by_name: BTreeMap<&str, Vec<(NaiveDateTime, Option<f64>)>> = BTreeMap::new();
    for row in rows {
        by_name.entry(&row.unique_id).or_default().push((row.ds, row.y));
    }
    by_name
}

/// The end of a panel: the last time at which a tenth of its series have a value, so that no single one decides.
fn end<'r>(by_series: impl Iterator<Item = &'r Vec<(NaiveDateTime, Option<f64>)>>) -> Option<NaiveDateTime> {
    let last = |rows: &Vec<(NaiveDateTime, Option<f64>)>| {
        let with_value = rows.iter().filter(|(_, y)| y.is_some());
        with_value.map(|(ds, _)| *ds).max()
    };
    let mut ends: Vec<NaiveDateTime> = by_series.filter_map(last).collect();
    ends.sort_unstable_by(|a, b| b.cmp(a));
    ends.get(ends.len().div_ceil(10).saturating_sub(1)).copied()
}

/// Whether a series ended long before the panel.
fn ended(series: &Series, end: Option<NaiveDateTime>, ended_after: usize) -> Option<Fault> {
    let (end, last) = (end?, series.time(series.y.len() - 1));
    let latest = series.try_time(series.y.len().saturating_add(ended_after))?;
    (latest <= end).then_some(Fault::Ended { last, end })
}

/// Whether all values are one; of two that may be by chance.
fn constant(rows: &[(NaiveDateTime, Option<f64>)]) -> Option<Fault> {
    let mut values = rows.iter().filter_map(|(_, y)| *y);
    let first = values.next()?;
    let (same, others) = values.fold((true, 0), |(same, n), y| (same && y - first == 0.0, n + 1));
    (same && others > 1).then_some(Fault::Constant(first))
}

/// The values after the last gap of a series, and the first time at which it lacks one.
fn rest(
    id: &str,
    rows: &[(NaiveDateTime, Option<f64>)],
    calendars: Calendars,
) -> Result<(Option<Series>, Option<NaiveDateTime>), TaskError> {
    let mut rows = rows.to_vec();
    rows.sort_by_key(|(ds, _)| *ds);
    refuse_odd(id, &rows, calendars)?;
    let has_value = |(_, y): &(NaiveDateTime, Option<f64>)| y.is_some();
    let times: Vec<NaiveDateTime> = rows.iter().map(|(ds, _)| *ds).collect();
    let grid = Grid::of(calendars.of_series(&times), &times);
    // The first open step after a row that has none, where another row follows.
    let absent = |at: usize| -> Option<NaiveDateTime> {
        let (from, to) = (grid.step(times[at])?, grid.step(*times.get(at + 1)?)?);
        let missing = (from + 1..to).find(|step| !grid.is_holiday(*step))?;
        grid.time(missing)
    };
    let empty = rows.iter().find(|row| !has_value(row)).map(|(ds, _)| *ds);
    let gap = (0..rows.len()).find_map(absent).into_iter().chain(empty).min();
    let Some(last) = rows.iter().rposition(has_value) else {
        return Ok((None, gap));
    };
    let first = (0..last)
        .rev()
        .find(|&at| !has_value(&rows[at]) || absent(at).is_some());
    let first = first.map_or(0, |before| before + 1);
    series::one(id.to_owned(), rows[first..=last].to_vec(), calendars).map(|series| (Some(series), gap))
}

/// Refuses what is no gap but a fault of the table: two rows of one time, and values that are no finite numbers.
fn refuse_odd(id: &str, rows: &[(NaiveDateTime, Option<f64>)], calendars: Calendars) -> Result<(), TaskError> {
    let one = |rows: Vec<(NaiveDateTime, Option<f64>)>| series::one(id.to_owned(), rows, calendars).map(drop);
    for pair in rows.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
        one(pair.iter().map(|(ds, _)| (*ds, Some(0.0))).collect())?;
    }
    let mut odd = rows.iter().filter(|(_, y)| y.is_some_and(|y| !y.is_finite()));
    odd.try_for_each(|row| one(vec![*row]))
}
