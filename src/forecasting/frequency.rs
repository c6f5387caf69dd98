//! The frequency of series: the step from one value to the next, its name, and what usually follows from it.

mod calendar;
mod grid;
mod open_week;
mod spelling;

use serde::{Deserialize, Serialize};

pub(crate) use self::calendar::Calendars;
pub(crate) use self::grid::Grid;
pub(crate) use self::open_week::OpenWeek;
use self::spelling::FORM;
use crate::engine::spec::Value;
use crate::engine::spec::schema::{AUTO, Kind, Literal, ParamSchema};
use crate::engine::task::Context;

/// The step from one time to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Frequency {
    /// So many seconds.
    Seconds(i64),
    /// So many months of the calendar, on the day that the series has.
    Months(u32),
    /// So many microseconds, which are no whole number of seconds.
    Micros(i64),
    /// So many months, on the last day.
    MonthEnds(u32),
    /// So many months, on the last day from Monday to Friday.
    BusinessMonthEnds(u32),
    /// The open hours of the open days of a week.
    Open(OpenWeek),
}

/// A step beside a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StepLength {
    /// Shorter: its times are moments.
    WithinDay,
    /// A day.
    Day,
    /// Longer.
    Longer,
}

/// The parameter that declares it.
pub(crate) const FREQUENCY: ParamSchema = ParamSchema {
    name: "frequency",
    kind: Kind::Auto(&Kind::Form(&FORM)),
    default: Some(Literal::Text(AUTO)),
    doc: "step of the series, as in hourly, 15min, D, B (business days), W, MS, ME, QS or 1y; auto finds it, and the days \
          and hours that are open, in the data",
};

const MICRO: i64 = 1_000_000;
const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;

/// What a forecast of some frequency usually is, in its own steps.
struct Usual {
    horizon: usize,
    step_size: usize,
    min_length: usize,
}

impl Frequency {
    /// The step of so many microseconds.
    fn of_micros(micros: i64) -> Self {
        match micros % MICRO {
            0 => Self::Seconds(micros / MICRO),
            _ => Self::Micros(micros),
        }
    }

    /// Whether it leads forward, which one from a file may not.
    pub(crate) fn is_step(self) -> bool {
        match self {
            Self::Open(week) => week.is_whole(),
            Self::Seconds(step) | Self::Micros(step) => step > 0,
            Self::Months(months) | Self::MonthEnds(months) | Self::BusinessMonthEnds(months) => months > 0,
        }
    }

    /// The step without closed days and hours.
    fn base(self) -> Self {
        match self {
            Self::Open(week) => Self::Seconds(week.step()),
            other => other,
        }
    }

    /// How long it is beside a day.
    #[must_use]
    pub(crate) fn length(self) -> StepLength {
        match self.base() {
            Self::Micros(step) if step < DAY * MICRO => StepLength::WithinDay,
            Self::Seconds(step) if step < DAY => StepLength::WithinDay,
            Self::Seconds(DAY) => StepLength::Day,
            _ => StepLength::Longer,
        }
    }

    /// The lengths of the seasons that such data usually has, in steps, the shortest first.
    #[must_use]
    pub(crate) fn seasons(self) -> Vec<usize> {
        let in_steps = |span: i64, step: i64| usize::try_from(span / step).unwrap_or(1).max(1);
        match self {
            Self::Micros(step) => vec![in_steps(MICRO, step)],
            Self::Seconds(step) if step < MINUTE => vec![in_steps(MINUTE, step), in_steps(HOUR, step)],
            Self::Seconds(step) if step < DAY => vec![in_steps(DAY, step), in_steps(WEEK, step)],
            Self::Seconds(DAY) => vec![7],
            Self::Seconds(step) if step < 365 * DAY => vec![in_steps(364 * DAY, step)],
            Self::Seconds(_) => vec![1],
            Self::Open(week) if week.in_day() > 1 => vec![week.in_day(), week.in_week()],
            Self::Open(week) => vec![week.in_week()],
            Self::Months(months) | Self::MonthEnds(months) | Self::BusinessMonthEnds(months) => {
                vec![(12 / months.max(1)).max(1) as usize]
            }
        }
    }

    /// What is usual: an hour or a day and a week of what is shorter than a day, two weeks of days, a quarter of weeks,
    /// a year of months and quarters, five years of years.
    fn usual(self) -> Usual {
        let seasons = self.seasons();
        let usual = |horizon: usize, step_size: usize| Usual {
            horizon,
            step_size,
            min_length: (2 * horizon).min(48),
        };
        match self {
            Self::Micros(_) => usual(seasons[0], seasons[0]),
            Self::Seconds(step) if step < 5 * MINUTE => usual(seasons[0].min(60), seasons[seasons.len() - 1].min(1440)),
            Self::Seconds(step) if step < DAY => usual(seasons[0], seasons[1]),
            Self::Open(week) if week.in_day() > 1 => usual(seasons[0], seasons[1]),
            Self::Open(week) => usual(2 * week.in_week(), week.in_week()),
            Self::Seconds(DAY) => usual(14, 7),
            Self::Seconds(step) if step < WEEK => usual(14, 7),
            Self::Seconds(step) if step < 28 * DAY => usual(13, 4),
            Self::Seconds(step) if step < 365 * DAY => usual(seasons[0], 3),
            Self::Seconds(_) => usual(5, 1),
            Self::Months(months) | Self::MonthEnds(months) | Self::BusinessMonthEnds(months) => match months {
                1 => usual(12, 3),
                2..12 => usual(seasons[0], 1),
                _ => usual(5, 1),
            },
        }
    }

    /// The steps of a forecast, and from one cutoff of a back-test to the next, as is usual.
    pub(crate) fn usual_forecast(self) -> (usize, usize) {
        let usual = self.usual();
        (usual.horizon, usual.step_size)
    }

    /// The steps of a forecast: what `horizon` says, or what is usual.
    pub(crate) fn horizon(self, context: &Context<'_>) -> usize {
        asked(context, "horizon").unwrap_or_else(|| self.usual().horizon)
    }

    /// The steps from one cutoff to the next: what `step_size` says, or what is usual.
    pub(crate) fn step_size(self, context: &Context<'_>) -> usize {
        asked(context, "step_size").unwrap_or_else(|| self.usual().step_size)
    }

    /// The fewest rows of a series: what `min_length` says, or what is usual.
    pub(crate) fn min_length(self, context: &Context<'_>) -> usize {
        asked(context, "min_length").unwrap_or_else(|| self.usual().min_length)
    }
}

/// The number that a parameter asks for, unless it leaves it to the frequency.
fn asked(context: &Context<'_>, name: &str) -> Option<usize> {
    match context.param(name) {
        Value::Text(_) => None,
        _ => Some(context.count(name)),
    }
}

impl std::fmt::Display for Frequency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match self {
            Self::Seconds(MINUTE) => "minutely",
            Self::Seconds(HOUR) => "hourly",
            Self::Seconds(DAY) => "daily",
            Self::Seconds(WEEK) => "weekly",
            Self::Months(1) => "monthly",
            Self::Months(3) => "quarterly",
            Self::Months(12) => "yearly",
            Self::Seconds(step) if step % DAY == 0 => return write!(f, "{}-day", step / DAY),
            Self::Seconds(step) if step % HOUR == 0 => return write!(f, "{}-hour", step / HOUR),
            Self::Seconds(step) if step % MINUTE == 0 => return write!(f, "{}-minute", step / MINUTE),
            Self::Seconds(step) => return write!(f, "{step}-second"),
            Self::Micros(step) if step % 1000 == 0 => return write!(f, "{}-millisecond", step / 1000),
            Self::Micros(step) => return write!(f, "{step}-microsecond"),
            Self::Months(months) => return write!(f, "{months}-month"),
            Self::MonthEnds(months) => return write!(f, "{} (last day)", Self::Months(*months)),
            Self::BusinessMonthEnds(months) => return write!(f, "{} (last business day)", Self::Months(*months)),
            Self::Open(week) => return week.fmt(f),
        };
        f.write_str(name)
    }
}

#[cfg(test)]
mod tests;
