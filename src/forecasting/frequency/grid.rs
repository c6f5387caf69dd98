//! The grid of one series: which times it has values at, from the first on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{Datelike as _, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Weekday};

use super::{DAY, Frequency, OpenWeek};

/// Longest run of open days without a row that is a holiday, and no gap.
const LONGEST_HOLIDAY: usize = 5;
/// At most one in so many open days is a holiday.
const MOST_HOLIDAYS: usize = 10;

/// The times of a series, numbered from its first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    /// The first time.
    start: NaiveDateTime,
    steps: Steps,
    /// The steps of holidays, sorted.
    holidays: Arc<[i64]>,
}

/// How the next time follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Steps {
    /// After so many microseconds.
    Micros(i64),
    /// After so many months, on a day of the month.
    Months(u32, MonthDay),
    /// At the next time when it is open.
    Open(OpenWeek),
}

/// A day that every month has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MonthDay {
    /// The day of this number, or the last one of a month that is shorter.
    Day(u32),
    /// The last one.
    Last,
    /// The last one from Monday to Friday.
    LastBusiness,
    /// The first one from Monday to Friday.
    FirstBusiness,
}

impl Grid {
    /// The grid of this frequency on which most of the times lie; they are sorted, and there is one at least.
    #[must_use]
    pub(crate) fn of(frequency: Frequency, times: &[NaiveDateTime]) -> Self {
        let steps = match frequency {
            Frequency::Seconds(seconds) => Steps::Micros(seconds.saturating_mul(super::MICRO)),
            Frequency::Micros(micros) => Steps::Micros(micros),
            Frequency::Months(months) => return Self::of_months(months, &days_of(times), times),
            Frequency::MonthEnds(months) => return Self::of_months(months, &[MonthDay::Last], times),
            Frequency::BusinessMonthEnds(months) => {
                return Self::of_months(months, &[MonthDay::LastBusiness], times);
            }
            Frequency::Open(week) if week.step() == DAY => Steps::Open(week.at(usual_time(times))),
            Frequency::Open(week) => Steps::Open(week),
        };
        let start = match steps {
            // Those that lie on the same grid leave the same rest.
            Steps::Micros(micros) => first_of_most(times, |time| time.and_utc().timestamp_micros().rem_euclid(micros)),
            Steps::Open(week) => times.iter().find(|time| week.number(**time).is_some()).copied(),
            Steps::Months(..) => None,
        };
        let start = start.unwrap_or(times[0]);
        let holidays = match steps {
            Steps::Open(week) => holidays(week, start, times),
            _ => Vec::new(),
        };
        Self {
            start,
            steps,
            holidays: holidays.into(),
        }
    }

    /// That of some months, on the first of the days that fits most times.
    fn of_months(months: u32, days: &[MonthDay], times: &[NaiveDateTime]) -> Self {
        let at = usual_time(times);
        let on_day = |day: MonthDay| {
            let fits =
                move |time: &&NaiveDateTime| time.time() == at && day.of_month(month(**time)) == Some(time.date());
            times.iter().filter(fits)
        };
        // Of equals the first.
        let day = days
            .iter()
            .rev()
            .max_by_key(|day| on_day(**day).count())
            .copied()
            .unwrap_or(MonthDay::Last);
        let fitting: Vec<NaiveDateTime> = on_day(day).copied().collect();
        let start = first_of_most(&fitting, |time| month(time).rem_euclid(i64::from(months)));
        Self {
            start: start.unwrap_or(times[0]),
            steps: Steps::Months(months, day),
            holidays: Arc::default(),
        }
    }

    /// The first time.
    #[must_use]
    pub(crate) fn start(&self) -> NaiveDateTime {
        self.start
    }

    /// The holidays: open days between the first and the last time that have no row, and no more than a few in a row.
    #[must_use]
    pub(crate) fn holidays(&self) -> Vec<NaiveDate> {
        let dates = self.holidays.iter().filter_map(|step| Some(self.time(*step)?.date()));
        let mut dates: Vec<NaiveDate> = dates.collect();
        dates.dedup();
        dates
    }

    /// Whether a step is a holiday.
    #[must_use]
    pub(crate) fn is_holiday(&self, step: i64) -> bool {
        self.holidays.binary_search(&step).is_ok()
    }

    /// How many steps from one up to another are holidays.
    #[must_use]
    pub(crate) fn holidays_between(&self, from: i64, to: i64) -> usize {
        let before = |step: i64| self.holidays.partition_point(|holiday| *holiday < step);
        before(to).saturating_sub(before(from))
    }

    /// How many steps a week has, if it has closed days or hours.
    #[must_use]
    pub(crate) fn open_week(&self) -> Option<usize> {
        match self.steps {
            Steps::Open(week) => Some(week.in_week()),
            Steps::Micros(_) | Steps::Months(..) => None,
        }
    }

    /// The time of a step; `None` if that is beyond what a time can represent.
    #[must_use]
    pub(crate) fn time(&self, step: i64) -> Option<NaiveDateTime> {
        match self.steps {
            Steps::Micros(micros) => {
                let span = TimeDelta::microseconds(micros.checked_mul(step)?);
                self.start.checked_add_signed(span)
            }
            Steps::Months(months, day) => {
                let month = month(self.start).checked_add(i64::from(months).checked_mul(step)?)?;
                Some(day.of_month(month)?.and_time(self.start.time()))
            }
            Steps::Open(week) => week.time(week.number(self.start)?.checked_add(step)?),
        }
    }

    /// The step at a time, if it lies on the grid; before the first one they are negative.
    #[must_use]
    pub(crate) fn step(&self, time: NaiveDateTime) -> Option<i64> {
        let step = match self.steps {
            Steps::Micros(micros) => (time - self.start).num_microseconds()?.div_euclid(micros),
            Steps::Months(months, _) => (month(time) - month(self.start)).div_euclid(i64::from(months)),
            Steps::Open(week) => week.number(time)?.checked_sub(week.number(self.start)?)?,
        };
        (self.time(step) == Some(time)).then_some(step)
    }
}

impl Grid {
    /// The step whose time is nearest to another time, of two the earlier; `None` if that is beyond what a time can represent.
    #[must_use]
    pub(crate) fn nearest(&self, time: NaiveDateTime) -> Option<i64> {
        let is_after = |step: i64| Some(self.time(step)? > time);
        // Steps between which the time lies, ever farther from the first one.
        let (mut before, mut after) = (0_i64, 1_i64);
        while is_after(before)? {
            (before, after) = (before.checked_mul(2)?.checked_sub(1)?, before);
        }
        while !is_after(after)? {
            (before, after) = (after, after.checked_mul(2)?);
        }
        while after - before > 1 {
            let middle = before + (after - before) / 2;
            match is_after(middle)? {
                true => after = middle,
                false => before = middle,
            }
        }
        let is_nearer_before = time - self.time(before)? <= self.time(after)? - time;
        Some(if is_nearer_before { before } else { after })
    }
}

impl MonthDay {
    /// Its date in a month, which is counted from the year 0 on.
    fn of_month(self, month: i64) -> Option<NaiveDate> {
        let year = i32::try_from(month.div_euclid(12)).ok()?;
        let first = NaiveDate::from_ymd_opt(year, u32::try_from(month.rem_euclid(12)).ok()? + 1, 1)?;
        let last = first.checked_add_months(chrono::Months::new(1))?.pred_opt()?;
        match self {
            Self::Day(day) => first.with_day(day.min(last.day())),
            Self::Last => Some(last),
            Self::LastBusiness => last.checked_sub_days(Days::new(match last.weekday() {
                Weekday::Sat => 1,
                Weekday::Sun => 2,
                _ => 0,
            })),
            Self::FirstBusiness => first.checked_add_days(Days::new(match first.weekday() {
                Weekday::Sat => 2,
                Weekday::Sun => 1,
                _ => 0,
            })),
        }
    }
}

/// The steps, counted from `start`, of open days without a row: of runs that are short enough, if they are few enough.
fn holidays(week: OpenWeek, start: NaiveDateTime, times: &[NaiveDateTime]) -> Vec<i64> {
    let open: BTreeSet<NaiveDate> = times
        .iter()
        .filter(|time| week.number(**time).is_some())
        .map(NaiveDateTime::date)
        .collect();
    let (Some(first), Some(last), Some(start)) = (open.first(), open.last(), week.number(start)) else {
        return Vec::new();
    };
    let (mut closed, mut run, mut closed_days) = (Vec::new(), Vec::new(), 0);
    for date in first.iter_days().take_while(|date| date <= last) {
        let Some(numbers) = week.numbers(date) else { continue };
        if !open.contains(&date) {
            run.push(numbers);
            if run.len() > open.len() {
                return Vec::new();
            }
            continue;
        }
        let whole = std::mem::take(&mut run);
        if whole.len() <= LONGEST_HOLIDAY {
            closed_days += whole.len();
            closed.extend(whole.into_iter().flatten().map(|number| number - start));
        }
    }
    match closed_days * MOST_HOLIDAYS <= open.len() {
        true => closed,
        false => Vec::new(),
    }
}

/// The days on which monthly times may lie: the last one if it fits them all, else the largest that there is.
fn days_of(times: &[NaiveDateTime]) -> [MonthDay; 5] {
    let largest = times.iter().map(chrono::Datelike::day).max().unwrap_or(1);
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    for time in times {
        *counts.entry(time.day()).or_default() += 1;
    }
    let usual = counts
        .into_iter()
        .max_by_key(|(_, count)| *count)
        .map_or(1, |(day, _)| day);
    [
        MonthDay::Last,
        MonthDay::Day(largest),
        MonthDay::LastBusiness,
        MonthDay::FirstBusiness,
        MonthDay::Day(usual),
    ]
}

/// The month of a time, counted from the year 0 on.
fn month(time: NaiveDateTime) -> i64 {
    i64::from(time.year()) * 12 + i64::from(time.month0())
}

/// The time of day that most times have, the earliest of equals.
pub(super) fn usual_time(times: &[NaiveDateTime]) -> NaiveTime {
    first_of_most(times, |time| time.time()).map_or(NaiveTime::MIN, |time| time.time())
}

/// The first of the times that share what most of them do; of equals, what the earliest has.
fn first_of_most<K: Ord>(times: &[NaiveDateTime], key: impl Fn(NaiveDateTime) -> K) -> Option<NaiveDateTime> {
    // How many there are, and where the first stands.
    let mut counts: BTreeMap<K, (usize, usize)> = BTreeMap::new();
    for (at, time) in times.iter().enumerate() {
        counts.entry(key(*time)).or_insert((0, at)).0 += 1;
    }
    let most = counts.into_values().max_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
    most.map(|(_, first)| times[first])
}
