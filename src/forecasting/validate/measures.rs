//! What each rule measures on a series: how much it found, and where.

use std::collections::BTreeMap;

use chrono::{NaiveDateTime, TimeDelta};
use globset::Glob;
use serde_json::{Value, json};

use super::SHOWN;
use super::gaps::Gap;
use super::rules::{Rule, RuleName};
use crate::engine::task::TaskError;
use crate::forecasting::detect::{is_multiple, number, seasons};
use crate::forecasting::frequency::{Frequency, Grid};
use crate::forecasting::series::Observation;

/// What a rule found on a series.
#[derive(Clone, Debug, Default)]
pub(super) struct Measure {
    /// How much, in units of the rule.
    pub(super) found: f64,
    /// Rows, times or series that are at fault.
    pub(super) count: usize,
    /// Of how many; for shares.
    pub(super) of: usize,
    /// The first of them.
    pub(super) first: Vec<Value>,
    /// The most of them in a row.
    pub(super) longest: Option<Gap>,
}

impl Measure {
    /// So many of so many rows, as they come.
    fn rows<'r>(odd: impl Iterator<Item = &'r Observation>, of: usize) -> Self {
        let mut measure = Self { of, ..Self::default() };
        for row in odd {
            measure.count += 1;
            if measure.first.len() < SHOWN {
                measure.first.push(self::row(row));
            }
        }
        measure.found = number(measure.count);
        measure
    }

    /// One fault of a series as a whole, in words.
    fn whole(id: &str, found: f64, why: &str) -> Self {
        Self {
            found,
            count: 1,
            of: 1,
            first: vec![json!({ "unique_id": id, "why": why })],
            longest: None,
        }
    }

    fn with_share(mut self, share: f64) -> Self {
        self.found = share;
        self
    }
}

/// The sorted rows of one series, and what measuring them takes.
pub(super) struct Measured<'r> {
    pub(super) id: &'r str,
    pub(super) rows: &'r [&'r Observation],
    pub(super) frequency: Frequency,
    /// The times that it should have.
    pub(super) grid: Grid,
    /// How many of its rows stand after a later one in the table.
    pub(super) out_of_order: &'r [&'r Observation],
    /// The end of the panel.
    pub(super) end: Option<NaiveDateTime>,
    /// The values of the series in the former table, sorted, if there is one.
    pub(super) baseline: Option<&'r [f64]>,
}

impl Measured<'_> {
    /// Measures a rule on the series.
    pub(super) fn measure(&self, rule: &Rule) -> Measure {
        let n = self.rows.len();
        let rows = || self.rows.iter().copied();
        match rule.name {
            RuleName::Columns | RuleName::Rows => Measure::default(),
            RuleName::Order => Measure::rows(self.out_of_order.iter().copied(), n),
            RuleName::Duplicates => {
                let same = self.rows.windows(2).filter(|pair| pair[0].ds == pair[1].ds);
                Measure::rows(same.map(|pair| pair[1]), n)
            }
            RuleName::NotFinite => {
                let mut measure = Measure::rows(rows().filter(|row| row.y.is_some_and(|y| !y.is_finite())), n);
                // JSON has no such numbers.
                let odd = rows().filter(|row| row.y.is_some_and(|y| !y.is_finite()));
                measure.first = odd.take(SHOWN).map(in_words).collect();
                measure
            }
            RuleName::MissingTimes => self.missing_times(),
            RuleName::Nulls => {
                let empty = Measure::rows(rows().filter(|row| row.y.is_none()), n);
                Measure {
                    longest: self.longest_gap(),
                    ..empty.with_share(self.missing_share())
                }
            }
            RuleName::Steps => Measure::rows(self.off_steps().into_iter(), n),
            RuleName::Negative => self.negative(rule.limit),
            RuleName::Length => Measure::whole(self.id, number(n), &format!("{n} rows")),
            RuleName::Constant => self.constant(),
            RuleName::Stuck => self.stuck(),
            RuleName::Jumps => self.jumps(rule.limit),
            RuleName::Outliers => self.outliers(rule.number("threshold").unwrap_or(10.0)),
            RuleName::Range => self.range(rule),
            RuleName::Coverage => self.coverage(rule),
            RuleName::Freshness => self.freshness(rule),
            RuleName::Drift => self.drift(),
            RuleName::LevelShift => self.level_shift(),
            RuleName::Seasons => self.seasons(rule),
        }
    }

    /// The finite values in order.
    fn values(&self) -> Vec<f64> {
        let finite = self.rows.iter().filter_map(|row| row.y);
        finite.filter(|y| y.is_finite()).collect()
    }

    /// How far below zero the values lie, in % of the largest absolute value; the rows that lie further than allowed.
    fn negative(&self, allowed: f64) -> Measure {
        let values = self.values();
        let largest = values.iter().copied().map(f64::abs).fold(0.0, f64::max);
        let floor = -allowed / 100.0 * largest;
        // At 100 % everything passes, whatever rounding does.
        let below = |row: &&Observation| allowed < 100.0 && row.y.is_some_and(|y| y < floor);
        let measure = Measure::rows(self.rows.iter().copied().filter(below), self.rows.len());
        // Broken by a row below the floor, and by nothing else.
        let found = if measure.count > 0 { f64::INFINITY } else { 0.0 };
        measure.with_share(found)
    }

    fn constant(&self) -> Measure {
        let values = self.values();
        let first = values.first();
        match values.iter().all(|y| Some(y) == first) {
            true => Measure::whole(
                self.id,
                1.0,
                &first.map_or("no value".to_owned(), |y| format!("always {y}")),
            ),
            false => Measure::default(),
        }
    }

    /// The longest run of one value, in rows.
    fn stuck(&self) -> Measure {
        let runs = self.rows.chunk_by(|a, b| a.y.is_some() && a.y == b.y);
        let longest = runs.max_by_key(|run| (run.len(), std::cmp::Reverse(run[0].ds)));
        let Some(run) = longest.filter(|run| run[0].y.is_some()) else {
            return Measure::default();
        };
        let value = run[0].y.unwrap_or_default();
        let why = format!("{value} for {} steps from {} on", run.len(), run[0].ds);
        Measure::whole(self.id, number(run.len()), &why)
    }

    /// The largest change from one row to the next in units of the interquartile range, and the rows that exceed it.
    fn jumps(&self, allowed: f64) -> Measure {
        let Some(unit) = interquartile_range(self.values()).filter(|unit| *unit > 0.0) else {
            return Measure::default();
        };
        let change = |pair: &[&Observation]| Some((pair[1].y? - pair[0].y?).abs() / unit).filter(|c| c.is_finite());
        let far = self
            .rows
            .windows(2)
            .filter(|pair| change(pair).is_some_and(|change| change > allowed));
        let measure = Measure::rows(far.map(|pair| pair[1]), self.rows.len());
        let largest = self.rows.windows(2).filter_map(change).fold(0.0, f64::max);
        measure.with_share(largest)
    }

    /// The share of values, in %, that lie far from the median in units of the median absolute deviation on their side.
    fn outliers(&self, threshold: f64) -> Measure {
        let rows: Vec<&Observation> = self
            .rows
            .iter()
            .copied()
            .filter(|row| row.y.is_some_and(f64::is_finite))
            .collect();
        let far = crate::forecasting::detect::far(&self.values(), threshold);
        let measure = Measure::rows(far.into_iter().map(|at| rows[at]), rows.len());
        let share = 100.0 * number(measure.count) / number(rows.len().max(1));
        measure.with_share(share)
    }

    fn range(&self, rule: &Rule) -> Measure {
        let limits = rule
            .texts("limits")
            .into_iter()
            .filter_map(|text| Limits::parse(text).ok());
        let Some(limits) = limits.into_iter().find(|limits| limits.fits(self.id)) else {
            return Measure::default();
        };
        let outside = |row: &&Observation| row.y.is_some_and(|y| y < limits.low || y > limits.high);
        Measure::rows(self.rows.iter().copied().filter(outside), self.rows.len())
    }

    /// The share of the steps of a range of days, in %, that have a value.
    fn coverage(&self, rule: &Rule) -> Measure {
        let first = self.rows.first().map(|row| row.ds);
        let begin = rule
            .day("start")
            .map(|day| day.and_time(chrono::NaiveTime::MIN))
            .or(first);
        let finish = rule
            .day("end")
            .and_then(|day| Some(day.succ_opt()?.and_time(chrono::NaiveTime::MIN)));
        let after = finish.or(self.end.map(just_after));
        let (Some(begin), Some(after)) = (begin, after) else {
            return Measure::default();
        };
        let asked = steps_between(&self.grid, begin, after);
        let within = |row: &&&Observation| row.y.is_some() && begin <= row.ds && row.ds < after;
        let there = self.rows.iter().filter(within).count();
        let share = if asked == 0 {
            100.0
        } else {
            100.0 * number(there) / number(asked)
        };
        Measure {
            of: asked,
            ..Measure::whole(
                self.id,
                share,
                &format!("{there} of {asked} steps from {begin} on have a value"),
            )
        }
    }

    /// How many steps lie between the last value and the end.
    fn freshness(&self, rule: &Rule) -> Measure {
        let day = rule.day("as_of");
        let after_day = day.and_then(|day| Some(day.succ_opt()?.and_time(chrono::NaiveTime::MIN)));
        let after = after_day.or(self.end.map(just_after));
        let last = self.rows.iter().rev().find(|row| row.y.is_some()).map(|row| row.ds);
        let (Some(after), Some(last)) = (after, last) else {
            return Measure::whole(self.id, f64::INFINITY, "it has no value");
        };
        let behind = steps_between(&self.grid, just_after(last), after);
        Measure::whole(
            self.id,
            number(behind),
            &format!("its last value is of {last}, {behind} steps before the end"),
        )
    }

    /// The largest distance between the distributions of the values now and in the former table, in %.
    fn drift(&self) -> Measure {
        let Some(baseline) = self.baseline else {
            return Measure::default();
        };
        let mut values = self.values();
        values.sort_by(f64::total_cmp);
        let distance = 100.0 * kolmogorov_smirnov(&values, baseline);
        let why = format!(
            "{distance:.0} % between its values and those of `baseline`; medians {} and {}",
            median(&values).unwrap_or_default(),
            median(baseline).unwrap_or_default()
        );
        Measure::whole(self.id, distance, &why)
    }

    /// The largest difference between the medians before and after a time, in units of the interquartile range there.
    fn level_shift(&self) -> Measure {
        let rows: Vec<&Observation> = self
            .rows
            .iter()
            .copied()
            .filter(|row| row.y.is_some_and(f64::is_finite))
            .collect();
        let shift = crate::forecasting::detect::level_shift(&self.values(), &self.frequency.seasons());
        shift.map_or_else(Measure::default, |shift| {
            let why = format!(
                "from about {} to about {} at {}",
                shift.before, shift.after, rows[shift.at].ds
            );
            Measure::whole(self.id, shift.size, &why)
        })
    }

    /// Seasons that show in the values and are not declared.
    fn seasons(&self, rule: &Rule) -> Measure {
        let declared = rule.counts("declared").unwrap_or_else(|| self.frequency.seasons());
        let found = seasons(&self.values());
        // A multiple or a part of a declared season is that season.
        let is_known = |found: usize| {
            declared
                .iter()
                .any(|of| of.is_multiple_of(found) || *of > 0 && is_multiple(found, *of))
        };
        let new: Vec<usize> = found.into_iter().filter(|found| !is_known(*found)).collect();
        match new.first() {
            None => Measure::default(),
            Some(first) => Measure::whole(self.id, number(new.len()), &format!("a season of {first} steps shows")),
        }
    }
}

/// Between what values a series may have.
pub(super) struct Limits {
    pattern: globset::GlobMatcher,
    low: f64,
    high: f64,
}

impl Limits {
    /// Reads `PATTERN: LOW..HIGH`, of which either number may be left out.
    ///
    /// # Errors
    /// [`TaskError`] for a text that is none.
    pub(super) fn parse(text: &str) -> Result<Self, TaskError> {
        let read = || {
            let (pattern, range) = text.rsplit_once(':')?;
            let (low, high) = range.split_once("..")?;
            let bound = |text: &str, open: f64| match text.trim() {
                "" => Some(open),
                number => number.parse().ok(),
            };
            Some(Self {
                pattern: Glob::new(pattern.trim()).ok()?.compile_matcher(),
                low: bound(low, f64::NEG_INFINITY)?,
                high: bound(high, f64::INFINITY)?,
            })
        };
        let limits = read().ok_or_else(|| {
            TaskError::new(format!("`{text}` among the `limits` of the rule `range` is none"))
                .help("write a pattern of names and two numbers, as in `*_SUN: -50..80000`, or `*: 0..`")
        })?;
        match limits.low <= limits.high {
            true => Ok(limits),
            false => Err(TaskError::new(format!(
                "`{text}` among the `limits` of the rule `range` allows no value"
            ))
            .help("write the lower number first, as in `*_SUN: -50..80000`")),
        }
    }

    fn fits(&self, id: &str) -> bool {
        self.pattern.is_match(id)
    }
}

/// Rows that stand after a later one of their series, by series.
pub(super) fn out_of_order(rows: &[Observation]) -> BTreeMap<&str, Vec<&Observation>> {
    let mut last = BTreeMap::new();
    let mut late: BTreeMap<&str, Vec<&Observation>> = BTreeMap::new();
    for row in rows {
        let id = row.unique_id.as_str();
        if last.insert(id, row.ds).is_some_and(|before| before > row.ds) {
            late.entry(id).or_default().push(row);
        }
    }
    late
}

/// A moment after a time, at which no other step can be.
fn just_after(time: NaiveDateTime) -> NaiveDateTime {
    time + TimeDelta::microseconds(1)
}

/// How many open steps lie from `begin` on, with it, and before `after`.
fn steps_between(grid: &Grid, begin: NaiveDateTime, after: NaiveDateTime) -> usize {
    let (from, to) = (first_step(grid, begin), first_step(grid, after));
    let between = usize::try_from(to - from).unwrap_or_default();
    between.saturating_sub(grid.holidays_between(from, to))
}

/// The first step that is not before a time.
fn first_step(grid: &Grid, time: NaiveDateTime) -> i64 {
    // Where there is no time any more, it is far in the future or the past.
    let is_before = |step: i64| grid.time(step).map_or(step < 0, |at| at < time);
    // Between one that is before and one that is not: halved until they are neighbours.
    let (mut low, mut high) = (-1, 0);
    while is_before(high) {
        (low, high) = (high, (high + 1) * 2);
    }
    while !is_before(low) {
        (low, high) = (low * 2, low);
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        match is_before(middle) {
            true => low = middle,
            false => high = middle,
        }
    }
    high
}

fn row(observation: &Observation) -> Value {
    json!({ "unique_id": observation.unique_id, "ds": observation.ds.to_string(), "y": observation.y })
}

fn in_words(odd: &Observation) -> Value {
    json!({ "unique_id": odd.unique_id, "ds": odd.ds.to_string(), "y": odd.y.map(|y| y.to_string()) })
}

/// The middle of sorted values.
fn median(sorted: &[f64]) -> Option<f64> {
    sorted.get(sorted.len() / 2).copied()
}

fn interquartile_range(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    Some(values.get(n * 3 / 4)? - values.get(n / 4)?)
}

/// The largest distance between the distributions of two sorted samples, from 0 to 1.
fn kolmogorov_smirnov(a: &[f64], b: &[f64]) -> f64 {
    let share = |of: &[f64], value: f64| number(of.partition_point(|one| *one <= value)) / number(of.len().max(1));
    let distance = |value: &f64| (share(a, *value) - share(b, *value)).abs();
    a.iter().chain(b).map(distance).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;

    #[test]
    fn limits_are_a_pattern_and_two_numbers() {
        let limits = Limits::parse("CISO_*: -50..8e4").expect("limits");
        assert!(limits.fits("CISO_SUN") && !limits.fits("TEX_SUN"));
        assert!(limits.low < -49.0 && limits.high > 79_999.0);
        assert!(Limits::parse("*: 0..").expect("limits").high.is_infinite());
        for odd in ["*", "*: 1", "*: a..b", "[: 1..2", "*: 5..1", "*: nan..5"] {
            assert!(Limits::parse(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn steps_are_counted_up_to_a_time() {
        let at = |day: u32, hour: u32| {
            NaiveDate::from_ymd_opt(2024, 1, day)
                .and_then(|day| day.and_hms_opt(hour, 0, 0))
                .expect("a time")
        };
        let hourly = Grid::of(Frequency::Seconds(3600), &[at(2, 0)]);
        assert_eq!(steps_between(&hourly, at(1, 0), at(3, 0)), 48);
        assert_eq!(steps_between(&hourly, at(1, 0), at(1, 0)), 0);
        assert_eq!(steps_between(&hourly, at(1, 5), at(1, 6)), 1);
        assert_eq!(steps_between(&hourly, at(3, 0), just_after(at(3, 2))), 3);
        let monthly = Grid::of(Frequency::Months(1), &[at(1, 0)]);
        assert_eq!(steps_between(&monthly, at(1, 0), at(31, 0)), 1);
    }

    #[test]
    fn two_samples_are_as_far_apart_as_their_distributions() {
        assert!(kolmogorov_smirnov(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0]) < 1e-12);
        assert!((kolmogorov_smirnov(&[1.0, 2.0], &[5.0, 6.0]) - 1.0).abs() < 1e-12);
        assert!((kolmogorov_smirnov(&[1.0, 2.0, 3.0, 4.0], &[3.0, 4.0, 5.0, 6.0]) - 0.5).abs() < 1e-12);
    }
}
