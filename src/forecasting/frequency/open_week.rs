//! A week with closed days and hours: when it is open, and the number of each open step since 1970.

use std::fmt;

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike as _};
use serde::{Deserialize, Serialize};

use super::{DAY, HOUR, WEEK};

/// Names of the days, from Monday on.
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
/// The first Monday since 1970, in seconds.
const MONDAY: i64 = 4 * DAY;

/// The open steps of a week: on each day from a first to a last one, or none at all; maybe with a pause in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct OpenWeek {
    /// Seconds from one step to the next.
    step: i64,
    /// First and last step of each day from Monday on, in seconds since midnight.
    days: [Option<(i64, i64)>; 7],
    /// First and last closed step, in seconds since midnight, of each day that is open before and after them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pause: Option<(i64, i64)>,
}

impl OpenWeek {
    /// The week with these hours.
    pub(super) fn new(step: i64, days: [Option<(i64, i64)>; 7]) -> Self {
        let pause = None;
        Self { step, days, pause }
    }

    /// The same, closed from one step to another.
    pub(super) fn with_pause(self, pause: (i64, i64)) -> Self {
        let pause = Some(pause);
        Self { pause, ..self }
    }

    /// One step on each of some days, Monday being 0, at a time of the day in seconds.
    pub(super) fn of_days(is_open: impl Fn(usize) -> bool, at: i64) -> Self {
        let days = std::array::from_fn(|day| is_open(day).then_some((at, at)));
        Self::new(DAY, days)
    }

    /// The same days, each with one step at a time of the day.
    pub(super) fn at(self, time: NaiveTime) -> Self {
        let at = i64::from(time.num_seconds_from_midnight());
        Self::of_days(|day| self.days[day].is_some(), at)
    }

    /// Seconds from one step to the next within a day.
    pub(super) fn step(self) -> i64 {
        self.step
    }

    /// Whether there is a step in it, and each where it belongs.
    pub(super) fn is_whole(self) -> bool {
        let fits = |(from, to): (i64, i64)| 0 <= from && from <= to && to < DAY && (to - from) % self.step == 0;
        let is_step = (1..=DAY).contains(&self.step);
        let in_phase = |(from, _): (i64, i64)| {
            self.pause.is_none_or(|(first, last)| {
                first <= last && (first - from) % self.step == 0 && (last - from) % self.step == 0
            })
        };
        let mut days = self.days.iter().flatten().copied();
        is_step && days.all(|hours| fits(hours) && in_phase(hours)) && self.in_week() > 0
    }

    /// The first step of the pause of a day that is open before and after it, and its steps; beyond the day and none for
    /// others.
    fn pause_of(self, (from, to): (i64, i64)) -> (i64, i64) {
        match self.pause {
            Some((first, last)) if from < first && last < to => (first, (last - first) / self.step + 1),
            _ => (DAY, 0),
        }
    }

    /// Open steps of a day.
    fn of_day(self, day: usize) -> i64 {
        self.days[day].map_or(0, |(from, to)| {
            (to - from) / self.step + 1 - self.pause_of((from, to)).1
        })
    }

    /// Open steps of the longest day.
    pub(super) fn in_day(self) -> usize {
        usize::try_from((0..7).map(|day| self.of_day(day)).max().unwrap_or(1)).unwrap_or(1)
    }

    fn week(self) -> i64 {
        (0..7).map(|day| self.of_day(day)).sum()
    }

    /// Open steps of a week.
    pub(super) fn in_week(self) -> usize {
        usize::try_from(self.week()).unwrap_or(1)
    }

    /// The number of the step at a time, counted from the first Monday of 1970; `None` where it is closed.
    pub(super) fn number(self, time: NaiveDateTime) -> Option<i64> {
        let day = time.weekday().num_days_from_monday() as usize;
        let (from, to) = self.days[day]?;
        let at = i64::from(time.num_seconds_from_midnight());
        let (pause, paused) = self.pause_of((from, to));
        let after_pause = pause + paused * self.step;
        let is_open = time.nanosecond() == 0
            && (from..=to).contains(&at)
            && (at - from) % self.step == 0
            && !(pause..after_pause).contains(&at);
        let skipped = if at >= after_pause { paused } else { 0 };
        let before: i64 = (0..day).map(|day| self.of_day(day)).sum();
        let week = (time.and_utc().timestamp() - MONDAY).div_euclid(WEEK);
        is_open.then(|| week * self.week() + before + (at - from) / self.step - skipped)
    }

    /// The numbers of the steps of a day, if it is open.
    pub(super) fn numbers(self, date: NaiveDate) -> Option<std::ops::Range<i64>> {
        let day = date.weekday().num_days_from_monday() as usize;
        let (from, _) = self.days[day]?;
        let midnight = date.and_time(NaiveTime::MIN);
        let first = self.number(midnight.checked_add_signed(TimeDelta::seconds(from))?)?;
        Some(first..first + self.of_day(day))
    }

    /// The time of a step by its number.
    pub(super) fn time(self, number: i64) -> Option<NaiveDateTime> {
        let in_week = self.week();
        let (week, mut left) = (number.div_euclid(in_week), number.rem_euclid(in_week));
        for day in 0..7_u8 {
            let (steps, hours) = (self.of_day(day.into()), self.days[usize::from(day)]);
            if let Some((from, to)) = hours.filter(|_| left < steps) {
                let seconds = week.checked_mul(WEEK)?.checked_add(MONDAY + i64::from(day) * DAY)?;
                let (pause, paused) = self.pause_of((from, to));
                let at = from + left * self.step;
                let at = if at >= pause { at + paused * self.step } else { at };
                let time = DateTime::from_timestamp(seconds.checked_add(at)?, 0)?;
                return Some(time.naive_utc());
            }
            left -= steps;
        }
        None
    }

    /// The days as people write them: `Mon–Fri`, or `Mon, Wed, Fri` where they do not follow each other.
    fn day_names(self) -> String {
        let open = |day: usize| self.days[day % 7].is_some();
        let count = (0..7).filter(|day| open(*day)).count();
        // The days in a row, from the one that follows a closed one.
        let first = (0..7).find(|day| open(*day) && !open(day + 6));
        let is_row = first.is_some_and(|first| (0..count).all(|after| open(first + after)));
        match first {
            None => "Mon–Sun".to_owned(),
            Some(first) if is_row && count > 2 => {
                format!("{}–{}", DAYS[first], DAYS[(first + count - 1) % 7])
            }
            Some(_) => {
                let names: Vec<&str> = (0..7).filter(|day| open(*day)).map(|day| DAYS[day]).collect();
                names.join(", ")
            }
        }
    }
}

impl fmt::Display for OpenWeek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.day_names();
        if self.step == DAY {
            return match days.as_str() {
                "Mon–Fri" => f.write_str("business-daily"),
                _ => write!(f, "daily ({days})"),
            };
        }
        let clock = |seconds: i64| format!("{:02}:{:02}", seconds / HOUR, seconds % HOUR / 60);
        let from = self
            .days
            .iter()
            .flatten()
            .map(|hours| hours.0)
            .min()
            .unwrap_or_default();
        let to = self
            .days
            .iter()
            .flatten()
            .map(|hours| hours.1)
            .max()
            .unwrap_or_default();
        let base = super::Frequency::Seconds(self.step);
        write!(f, "{base} ({days}, {}–{}", clock(from), clock(to))?;
        match self.pause {
            Some((first, last)) if first == last => write!(f, " without {})", clock(first)),
            Some((first, last)) => write!(f, " without {}–{})", clock(first), clock(last)),
            None => f.write_str(")"),
        }
    }
}
