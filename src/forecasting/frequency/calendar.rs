//! Finds the frequency in the data: the step, and the days and hours that are open.
//!
//! A candidate is as good as few times lie off its grid and few of its steps have no row; of equals the plainer one. A day
//! of the week is closed where it never occurs, or on less than a tenth of its dates: so a holiday is a gap, and a single
//! Saturday opens none.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike as _, NaiveDate, NaiveDateTime, Timelike as _};

use super::super::series::Observation;
use super::grid::usual_time;
use super::{DAY, FREQUENCY, Frequency, Grid, HOUR, OpenWeek, WEEK, spelling};
use crate::engine::spec::schema::AUTO;
use crate::engine::task::Context;

/// A time off the grid is as bad as so many steps without a row.
const OFF: usize = 2;
/// A day or an hour that occurs on fewer than one in so many of its dates is closed.
const SELDOM: u64 = 10;
/// Dates that tell the hours.
const ENOUGH_DATES: u64 = 3;
/// Fewest times that tell a step of their own.
const FEWEST_TIMES: usize = 4;
/// A step of its own is one that no more than one in so many times speak against.
const FEW_UNFIT: usize = 10;
/// From one in so many times off the grid on, the grid is another series'.
const MANY_OFF: usize = 3;
/// Nor is it one's own from a step without a row for so many times on.
const MANY_ABSENT: usize = 2;
/// Seconds from which on a step may be one of months.
const SHORTEST_MONTH: i64 = 28 * DAY;

/// The frequency of a panel; each series may have closed days of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Calendars {
    common: Frequency,
    is_found: bool,
}

impl Calendars {
    /// The declared frequency, else what is found in the rows: that of the most rows, the shorter of equals; hourly if no
    /// series has two times.
    pub(crate) fn declared_or_found(context: &Context<'_>, rows: &[Observation]) -> Self {
        match context.text(FREQUENCY.name) {
            AUTO => Self::found(rows),
            text => Self::of(spelling::parse(text).unwrap_or(Frequency::Seconds(HOUR))),
        }
    }

    /// One frequency for all series.
    pub(crate) fn of(common: Frequency) -> Self {
        let is_found = false;
        Self { common, is_found }
    }

    /// One frequency, whose closed days each series may have of its own.
    pub(crate) fn own(common: Frequency) -> Self {
        let is_found = true;
        Self { common, is_found }
    }

    /// What is found in the rows.
    #[must_use]
    pub(crate) fn found(rows: &[Observation]) -> Self {
        let mut times: Vec<(&str, NaiveDateTime)> = rows.iter().map(|row| (row.unique_id.as_str(), row.ds)).collect();
        times.sort_unstable();
        times.dedup();
        let mut counts: BTreeMap<Frequency, usize> = BTreeMap::new();
        for series in times.chunk_by(|a, b| a.0 == b.0) {
            let times: Vec<NaiveDateTime> = series.iter().map(|(_, time)| *time).collect();
            if let Some(frequency) = found(&times) {
                *counts.entry(frequency).or_default() += times.len() - 1;
            }
        }
        let most = counts.into_iter().max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(&a.0)));
        Self::own(most.map_or(Frequency::Seconds(HOUR), |(frequency, _)| frequency))
    }

    /// That of most rows.
    pub(crate) fn common(self) -> Frequency {
        self.common
    }

    /// That of one series, whose times are sorted: the common one, or the same step on days of its own.
    pub(crate) fn of_series(self, times: &[NaiveDateTime]) -> Frequency {
        let mut times = times.to_vec();
        times.dedup();
        let own = || found(&times).filter(|own| own.base() == self.common.base() && *own != self.common);
        let is_better = |own: &Frequency| cost(*own, &times) < cost(self.common, &times);
        match self.is_found && cost(self.common, &times) > 0 {
            true => own().filter(is_better).unwrap_or(self.common),
            false => self.common,
        }
    }

    /// The series whose steps are not the common ones, each with its own: times that make sense by themselves, and that
    /// the common steps would be without a third of, or add half as many to. Of each series the sorted times.
    ///
    /// None if that were all of them: then it is the common step that is wrong, and not a series.
    pub(crate) fn of_other_steps<'r>(
        self,
        series: impl Iterator<Item = (&'r str, Vec<NaiveDateTime>)>,
    ) -> BTreeMap<&'r str, Frequency> {
        let (mut others, mut all) = (BTreeMap::new(), 0);
        for (id, times) in series {
            all += 1;
            others.extend(self.other_steps(times).map(|own| (id, own)));
        }
        if others.len() == all {
            others.clear();
        }
        others
    }

    fn other_steps(self, mut times: Vec<NaiveDateTime>) -> Option<Frequency> {
        times.dedup();
        let n = times.len();
        let Fit { off, absent } = Fit::of(self.common, &times);
        let is_foreign = n >= FEWEST_TIMES && (off * MANY_OFF >= n || absent * MANY_ABSENT >= n);
        let own = is_foreign.then(|| found(&times)).flatten()?;
        let fits = cost(own, &times).saturating_mul(FEW_UNFIT) <= n;
        (own.base() != self.common.base() && fits).then_some(own)
    }
}

/// The frequency of one series, if it has two times; they are sorted, each once.
fn found(times: &[NaiveDateTime]) -> Option<Frequency> {
    let usual = most_frequent(times.windows(2).map(|pair| between(pair[0], pair[1])))?;
    if cost(usual, times) == 0 {
        return Some(usual);
    }
    let spans = || times.windows(2).map(|pair| micros(pair[0], pair[1]));
    let fixed = most_frequent(spans()).map(Frequency::of_micros);
    let finest = spans().reduce(greatest_common_divisor).map(Frequency::of_micros);
    let weeks = match fixed {
        Some(Frequency::Seconds(step)) => open_weeks(step, times),
        _ => Vec::new(),
    };
    let others = [fixed, finest].into_iter().flatten();
    let candidates = std::iter::once(usual).chain(others).chain(weeks);
    let few = (times.len() as u64 / SELDOM).max(1);
    let few_off = |candidate: &Frequency| off(*candidate, times) <= few;
    // The first of equals.
    candidates
        .filter(few_off)
        .min_by_key(|candidate| cost(*candidate, times))
        .or(Some(usual))
}

/// How many times lie off a grid.
fn off(frequency: Frequency, times: &[NaiveDateTime]) -> u64 {
    let grid = Grid::of(frequency, times);
    times.iter().filter(|time| grid.step(**time).is_none()).count() as u64
}

/// How times lie on the grid of a frequency.
struct Fit {
    /// Times that lie off it.
    off: usize,
    /// Steps of it without a row.
    absent: usize,
}

impl Fit {
    fn of(frequency: Frequency, times: &[NaiveDateTime]) -> Self {
        let grid = Grid::of(frequency, times);
        let (mut off, mut on, mut first, mut last) = (0, 0_i64, None, 0);
        for time in times {
            match grid.step(*time) {
                Some(step) => {
                    first.get_or_insert(step);
                    (on, last) = (on + 1, step);
                }
                None => off += 1,
            }
        }
        let steps = first.map_or(0, |first| last - first + 1);
        let absent = usize::try_from(steps - on).unwrap_or_default();
        Self { off, absent }
    }
}

/// What speaks against a frequency: times off its grid, and steps of it without a row.
fn cost(frequency: Frequency, times: &[NaiveDateTime]) -> usize {
    let Fit { off, absent } = Fit::of(frequency, times);
    absent.saturating_add(off * OFF)
}

/// The most frequent of some steps, the shortest of equals.
fn most_frequent<T: Ord>(steps: impl Iterator<Item = T>) -> Option<T> {
    let mut counts: BTreeMap<T, usize> = BTreeMap::new();
    for step in steps {
        *counts.entry(step).or_default() += 1;
    }
    let most = counts.into_iter().max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(&a.0)));
    most.map(|(step, _)| step)
}

/// The step between two times: of the calendar where some months are about as long.
fn between(first: NaiveDateTime, second: NaiveDateTime) -> Frequency {
    let micros = micros(first, second);
    let days = micros / (DAY * super::MICRO);
    // A month has 30.44 days; the last ones of two months lie up to three days nearer or farther.
    let months = (days * 100 + 1522) / 3044;
    let is_whole = micros % (DAY * super::MICRO) == 0;
    let is_near = (days * 100 - months * 3044).abs() <= 350;
    match u32::try_from(months) {
        Ok(months) if is_whole && is_near && days * DAY >= SHORTEST_MONTH => Frequency::Months(months),
        _ => Frequency::of_micros(micros),
    }
}

/// From one time to a later one.
fn micros(first: NaiveDateTime, second: NaiveDateTime) -> i64 {
    (second - first).num_microseconds().unwrap_or(i64::MAX).max(1)
}

fn greatest_common_divisor(a: i64, b: i64) -> i64 {
    match b {
        0 => a,
        _ => greatest_common_divisor(b, a % b),
    }
}

/// The weeks with closed days or hours that the times may follow.
fn open_weeks(step: i64, times: &[NaiveDateTime]) -> Vec<Frequency> {
    let at = i64::from(usual_time(times).num_seconds_from_midnight());
    if (DAY..WEEK).contains(&step) && step % DAY == 0 {
        let dates: BTreeSet<NaiveDate> = times.iter().map(NaiveDateTime::date).collect();
        let closed = closed_days(&dates);
        let week = OpenWeek::of_days(|day| !closed[day], at);
        let is_week = closed.contains(&true) && closed.contains(&false);
        return is_week.then_some(Frequency::Open(week)).into_iter().collect();
    }
    match 0 < step && step < DAY && DAY % step == 0 {
        true => open_hours(step, at % step, times),
        false => Vec::new(),
    }
}

/// Which days of the week are closed, Monday first.
fn closed_days(dates: &BTreeSet<NaiveDate>) -> [bool; 7] {
    let (Some(first), Some(last)) = (dates.first(), dates.last()) else {
        return [false; 7];
    };
    let (mut there, mut possible) = ([0_u64; 7], [0_u64; 7]);
    for date in dates {
        there[date.weekday().num_days_from_monday() as usize] += 1;
    }
    let days = (*last - *first).num_days().unsigned_abs() + 1;
    for (after, possible) in possible.iter_mut().enumerate() {
        let offset = (after as u64 + 7 - u64::from(first.weekday().num_days_from_monday())) % 7;
        *possible = (days + 6 - offset) / 7;
    }
    // One weekend without a row is enough to tell business days.
    let is_weekend = (0..7).all(|day| (there[day] == 0) == (day >= 5));
    let enough = if is_weekend { 1 } else { 2 };
    std::array::from_fn(|day| match there[day] {
        0 => possible[day] >= enough,
        seldom => seldom * SELDOM < possible[day],
    })
}

/// The hours that all open days have, and those that each has.
fn open_hours(step: i64, phase: i64, times: &[NaiveDateTime]) -> Vec<Frequency> {
    let mut slots: [BTreeMap<i64, u64>; 7] = Default::default();
    let mut dates: BTreeSet<NaiveDate> = BTreeSet::new();
    for time in times {
        let at = i64::from(time.num_seconds_from_midnight());
        if at % step == phase {
            *slots[time.weekday().num_days_from_monday() as usize]
                .entry(at)
                .or_default() += 1;
            dates.insert(time.date());
        }
    }
    let closed = closed_days(&dates);
    let mut on_day = [0_u64; 7];
    for date in &dates {
        on_day[date.weekday().num_days_from_monday() as usize] += 1;
    }
    let mut all: BTreeMap<i64, u64> = BTreeMap::new();
    for (at, count) in slots.iter().flatten() {
        *all.entry(*at).or_default() += count;
    }
    let mut weeks: Vec<[Option<(i64, i64)>; 7]> = Vec::new();
    let whole = dates.len() as u64;
    let pause = (whole >= ENOUGH_DATES).then(|| pause(&all, whole, step)).flatten();
    if let Some(hours) = window(&all, whole).filter(|_| whole >= ENOUGH_DATES) {
        weeks.push(std::array::from_fn(|day| (!closed[day]).then_some(hours)));
    }
    // One date of a day may be the first or the last, and not whole.
    if (0..7).all(|day| closed[day] || on_day[day] >= 2) {
        weeks.push(std::array::from_fn(|day| match closed[day] {
            true => None,
            false => window(&slots[day], on_day[day]),
        }));
    }
    let week = |days| OpenWeek::new(step, days);
    let with_pause = |days| Some(week(days).with_pause(pause?));
    let weeks = weeks.into_iter().flat_map(|days| [Some(week(days)), with_pause(days)]);
    let weeks = weeks.flatten().map(Frequency::Open);
    weeks.filter(|week| week.is_step()).collect()
}

/// From the first to the last time of day that is closed on nearly all dates, and follows and precedes open ones; `None` if
/// there is none, or several stretches of them.
fn pause(slots: &BTreeMap<i64, u64>, dates: u64, step: i64) -> Option<(i64, i64)> {
    let (first, last) = window(slots, dates)?;
    let is_closed = |at: &i64| slots.get(at).is_none_or(|count| count * SELDOM < dates);
    let steps = usize::try_from(step).ok()?;
    let closed: Vec<i64> = (first..=last).step_by(steps).filter(is_closed).collect();
    let (from, to) = (*closed.first()?, *closed.last()?);
    let is_one = usize::try_from((to - from) / step).ok()? + 1 == closed.len();
    is_one.then_some((from, to))
}

/// From the first to the last time of day that is open on so many dates.
fn window(slots: &BTreeMap<i64, u64>, dates: u64) -> Option<(i64, i64)> {
    let mut open = slots
        .iter()
        .filter(|(_, count)| **count * SELDOM >= dates)
        .map(|(at, _)| *at);
    let first = open.next()?;
    Some((first, open.next_back().unwrap_or(first)))
}
