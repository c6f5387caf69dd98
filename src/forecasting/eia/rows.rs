//! Rows of the API, small in memory: a code is a number, its text is kept once.
//!
//! A year of fifty respondents and eight fuels has 3.5 million rows; so they take 24 bytes each.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, NaiveDateTime};

use serde::{Deserialize, Serialize};

use super::Query;
use super::routes::{MOST_FACETS, Route};

/// A map with a hasher that is quick on short texts.
type FastMap<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// Seconds of an hour.
const HOUR: i64 = 3600;

/// One row.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    /// Hours from 1970 to its period.
    hour: i32,
    /// The codes of its facets, as numbers; those beyond the route's are zero.
    codes: [u32; MOST_FACETS],
    /// NaN if the API has no value.
    value: f64,
}

impl Row {
    /// What it is found by.
    fn key(&self) -> (i32, [u32; MOST_FACETS]) {
        (self.hour, self.codes)
    }

    /// Its period: the end of the hour in UTC, or the day.
    pub(crate) fn period(&self) -> NaiveDateTime {
        time(self.hour)
    }

    /// Its value, in megawatt-hours; `None` if the API has none.
    pub(crate) fn value(&self) -> Option<f64> {
        Some(self.value).filter(|value| !value.is_nan())
    }

    /// Whether both have the same value, or none.
    pub(crate) fn says_as(&self, other: &Self) -> bool {
        self.value() == other.value()
    }
}

/// Texts by number.
#[derive(Clone, Debug, Default)]
struct Codes {
    texts: Vec<String>,
    numbers: FastMap<String, u32>,
}

impl Codes {
    fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.texts.push(text.to_owned());
        self.numbers.insert(text.to_owned(), number);
        number
    }
}

/// Rows of one route.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    codes: [Codes; MOST_FACETS],
    rows: Vec<Row>,
}

/// What has changed from one fetch to the next.
#[derive(Debug, Default)]
pub(crate) struct Revisions {
    /// Rows with another value.
    pub(crate) revised: usize,
    /// Rows that were not there before.
    pub(crate) new: usize,
    /// Rows that are there no more.
    pub(crate) gone: usize,
    /// The first row with another value, and the value before.
    pub(crate) first: Option<(Row, Option<f64>)>,
}

/// Hours from 1970.
pub(crate) fn hours(time: NaiveDateTime) -> i32 {
    let hours = time.and_utc().timestamp().div_euclid(HOUR);
    i32::try_from(hours).unwrap_or(i32::MAX)
}

/// The time so many hours after the beginning of 1970.
pub(crate) fn time(hour: i32) -> NaiveDateTime {
    let time = DateTime::from_timestamp(i64::from(hour) * HOUR, 0);
    time.unwrap_or_default().naive_utc()
}

/// The first hour of a day.
pub(crate) fn first_hour(day: NaiveDate) -> i32 {
    hours(day.and_time(chrono::NaiveTime::MIN))
}

/// The hours from the first to the last day that a query asks for, the end not included.
fn hours_of(query: &Query) -> std::ops::Range<i32> {
    let end = query.end.and_then(|end| end.succ_opt()).map_or(i32::MAX, first_hour);
    first_hour(query.start)..end
}

impl Rows {
    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter()
    }

    /// The text of a facet of one of these rows.
    pub(crate) fn code(&self, row: &Row, facet: usize) -> &str {
        let number = row.codes[facet] as usize;
        self.codes[facet].texts.get(number).map_or("", String::as_str)
    }

    /// The texts of all facets of one of these rows, such as `US48 NG`.
    pub(crate) fn name(&self, row: &Row, route: &Route) -> String {
        let codes: Vec<&str> = (0..route.facets.len()).map(|facet| self.code(row, facet)).collect();
        codes.join(" ")
    }

    /// Adds a row.
    pub(crate) fn push<'t>(&mut self, hour: i32, texts: impl IntoIterator<Item = &'t str>, value: Option<f64>) {
        let mut codes = [0; MOST_FACETS];
        for ((code, known), text) in codes.iter_mut().zip(&mut self.codes).zip(texts) {
            *code = known.number(text);
        }
        let value = value.unwrap_or(f64::NAN);
        self.rows.push(Row { hour, codes, value });
    }

    /// Adds the rows of another.
    pub(crate) fn append(&mut self, other: Self) {
        let mut renumbered = [const { Vec::new() }; MOST_FACETS];
        for ((known, theirs), numbers) in self.codes.iter_mut().zip(&other.codes).zip(&mut renumbered) {
            *numbers = theirs.texts.iter().map(|text| known.number(text)).collect();
        }
        self.rows.extend(other.rows.into_iter().map(|mut row| {
            for (code, numbers) in row.codes.iter_mut().zip(&renumbered) {
                *code = numbers.get(*code as usize).copied().unwrap_or_default();
            }
            row
        }));
    }

    /// Sorts by period and by the texts of the facets; rows of one key stay in their order.
    pub(crate) fn sort(&mut self) {
        let mut renumbered = [const { Vec::new() }; MOST_FACETS];
        for (known, numbers) in self.codes.iter_mut().zip(&mut renumbered) {
            let mut sorted = known.texts.clone();
            sorted.sort_unstable();
            let mut fresh = Codes::default();
            for text in &sorted {
                fresh.number(text);
            }
            *numbers = known.texts.iter().map(|text| fresh.number(text)).collect();
            *known = fresh;
        }
        for row in &mut self.rows {
            for (code, numbers) in row.codes.iter_mut().zip(&renumbered) {
                *code = numbers.get(*code as usize).copied().unwrap_or_default();
            }
        }
        self.rows.sort_by_key(Row::key);
    }

    /// Groups of rows of one key; of sorted rows.
    pub(crate) fn same(&self) -> impl Iterator<Item = &[Row]> {
        self.rows.chunk_by(|a, b| a.key() == b.key())
    }

    /// Leaves one row of each key, of sorted rows; gives how many went.
    pub(crate) fn dedup(&mut self) -> usize {
        let before = self.rows.len();
        self.rows.dedup_by_key(|row| row.key());
        before - self.rows.len()
    }

    /// Leaves the rows of the codes that a query asks for.
    pub(crate) fn select_codes(&mut self, query: &Query) {
        let mut wanted = [const { Vec::new() }; MOST_FACETS];
        for ((known, asked), wanted) in self.codes.iter().zip(&query.codes).zip(&mut wanted) {
            let is_asked = |text: &String| asked.is_empty() || asked.contains(text);
            *wanted = known.texts.iter().map(is_asked).collect();
        }
        let is_wanted = |(code, wanted): (&u32, &Vec<bool>)| wanted.get(*code as usize).copied().unwrap_or(true);
        self.rows.retain(|row| row.codes.iter().zip(&wanted).all(is_wanted));
    }

    /// Leaves the rows of the days that a query asks for.
    pub(crate) fn select_days(&mut self, query: &Query) {
        let asked = hours_of(query);
        self.rows.retain(|row| asked.contains(&row.hour));
    }

    /// The first row that a query does not ask for, if there is one.
    pub(crate) fn not_asked(&self, query: &Query) -> Option<&Row> {
        let hours = hours_of(query);
        let is_asked = |row: &&Row| {
            let mut facets = query.codes.iter().enumerate();
            let is_code = |(facet, codes): (usize, &Vec<String>)| {
                codes.is_empty() || codes.iter().any(|code| code == self.code(row, facet))
            };
            hours.contains(&row.hour) && facets.all(is_code)
        };
        self.rows.iter().find(|row| !is_asked(row))
    }

    /// Those of them whose period lies in a range of hours, the end not included.
    pub(crate) fn within(&self, hours: std::ops::Range<i32>) -> Self {
        let is_within = |row: &&Row| hours.contains(&row.hour);
        Self {
            codes: self.codes.clone(),
            rows: self.rows.iter().filter(is_within).copied().collect(),
        }
    }

    /// Those whose period does not.
    pub(crate) fn without(mut self, hours: std::ops::Range<i32>) -> Self {
        self.rows.retain(|row| !hours.contains(&row.hour));
        self
    }

    /// The texts of each facet and the rows with their numbers.
    pub(super) fn parts(&self) -> ([&[String]; MOST_FACETS], &[Row]) {
        (self.codes.each_ref().map(|codes| codes.texts.as_slice()), &self.rows)
    }

    /// What [`Rows::parts`] gave; `None` if a row has a number without a text.
    pub(super) fn from_parts((texts, rows): ([Vec<String>; MOST_FACETS], Vec<Row>)) -> Option<Self> {
        let mut codes = [const { None }; MOST_FACETS];
        for (known, texts) in codes.iter_mut().zip(&texts) {
            let mut numbered = Codes::default();
            let is_new = |(at, text): (usize, &String)| numbered.number(text) as usize == at;
            *known = texts.iter().enumerate().all(is_new).then_some(numbered);
        }
        let [Some(first), Some(second), Some(third)] = codes else {
            return None;
        };
        let codes = [first, second, third];
        let has_text = |(code, known): (&u32, &Codes)| *code == 0 || (*code as usize) < known.texts.len();
        let is_known = |row: &Row| row.codes.iter().zip(&codes).all(has_text) && !row.value.is_infinite();
        rows.iter().all(is_known).then_some(Self { codes, rows })
    }

    /// What has changed from these rows to later ones, of the hours that `is_asked` again.
    pub(crate) fn compared(&self, later: &Self, is_asked: impl Fn(i32) -> bool) -> Revisions {
        let mut old: FastMap<(i32, [&str; MOST_FACETS]), f64> = FastMap::default();
        for row in self.rows.iter().filter(|row| is_asked(row.hour)) {
            old.insert(self.named_key(row), row.value);
        }
        let mut revisions = Revisions::default();
        for row in &later.rows {
            match old.remove(&later.named_key(row)) {
                None => revisions.new += 1,
                Some(was) if was.to_bits() != row.value.to_bits() => {
                    revisions.revised += 1;
                    revisions
                        .first
                        .get_or_insert((*row, Some(was).filter(|was| !was.is_nan())));
                }
                Some(_) => {}
            }
        }
        revisions.gone = old.len();
        revisions
    }

    fn named_key(&self, row: &Row) -> (i32, [&str; MOST_FACETS]) {
        let mut names = [""; MOST_FACETS];
        for (facet, name) in names.iter_mut().enumerate() {
            *name = self.code(row, facet);
        }
        (row.hour, names)
    }

    /// The hours of the first and the last period.
    pub(crate) fn span(&self) -> Option<(i32, i32)> {
        let hours = || self.rows.iter().map(|row| row.hour);
        Some((hours().min()?, hours().max()?))
    }

    /// The codes of a facet that some row has, sorted.
    pub(crate) fn codes_of(&self, facet: usize) -> Vec<&str> {
        let mut is_used = vec![false; self.codes[facet].texts.len()];
        for row in &self.rows {
            if let Some(used) = is_used.get_mut(row.codes[facet] as usize) {
                *used = true;
            }
        }
        let used = self.codes[facet].texts.iter().zip(is_used).filter(|(_, used)| *used);
        let mut texts: Vec<&str> = used.map(|(text, _)| text.as_str()).collect();
        texts.sort_unstable();
        texts
    }
}
