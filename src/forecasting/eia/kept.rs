//! Months that the API revises no more: kept as parts in the store, so that a fetch asks for the others only.
//!
//! A part is a month from the first day that the query asks of it. It is kept once it is complete and ended more than
//! the lookback before the newest period that came. What is not kept is remembered too, but only to count what the API
//! has revised since: it is fetched each time.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Read as _;

use chrono::{Datelike as _, Months, NaiveDate, TimeDelta};

use super::Query;
use super::client::Client;
use super::error::EiaError;
use super::fetch::{RowSink, fetch};
use super::recording::hour;
use super::routes::Step;
use super::rows::{Row, Rows, first_hour, time};
use crate::engine::digest::Digest;
use crate::engine::task::{Context, TaskError};

/// The version of the kept bytes' format.
const FORMAT: u32 = 1;
/// Most bytes of a part, unpacked.
const LARGEST: usize = 1 << 28;
/// After so long, a series whose rows end within a month has ended, and is not late.
const SETTLED: TimeDelta = TimeDelta::days(92);

/// A live query whose old months are kept.
pub(crate) struct KeptMonths<'a> {
    pub(crate) context: &'a Context<'a>,
    /// The server's address.
    pub(crate) source: &'a str,
    pub(crate) query: &'a Query,
    /// Days before the newest period that are always fetched.
    pub(crate) lookback: TimeDelta,
}

/// Days from the first to the last.
type Days = (NaiveDate, NaiveDate);

impl KeptMonths<'_> {
    /// All rows of the query, sorted, each once; and how many that said the same as another are left out.
    ///
    /// # Errors
    /// [`TaskError`] if what is not kept cannot be fetched; nothing is kept then.
    pub(crate) fn rows(&self, client: &Client<'_>) -> Result<(Rows, usize), TaskError> {
        let before = self.last();
        let known = before.as_ref().and_then(|rows| Some(time(rows.span()?.1).date()));
        let months = self.months(self.query.end.or(known).unwrap_or(self.query.start));
        let mut kept: Vec<(Days, Rows)> = Vec::new();
        for days in &months {
            kept.extend(self.part(*days).map(|rows| (*days, rows)));
        }
        let spans: Vec<Days> = kept.iter().map(|(days, _)| *days).collect();
        let queries = self.others(&spans);
        let mut fetched = Rows::default();
        let mut repeated = 0;
        for query in &queries {
            let sink = RowSink::default();
            fetch(self.context, client, query, &sink)?;
            let mut rows = sink.rows();
            rows.select_codes(query);
            rows.select_days(query);
            let (rows, dropped) = settled(rows, query, LIVE)?;
            repeated += dropped;
            fetched.append(rows);
        }
        if !kept.is_empty() {
            let days: Vec<String> = runs(&spans)
                .iter()
                .map(|(first, last)| format!("{first} to {last}"))
                .collect();
            self.context
                .log(&format!("kept from earlier fetches: {}", days.join(", ")));
        }
        if let Some(before) = before {
            self.tell_revisions(&before, &fetched, &queries);
        }
        self.keep(&spans, &fetched);
        for (_, rows) in kept {
            fetched.append(rows);
        }
        let over = |excess| TaskError::from(EiaError::TooMuch(excess));
        client.limits().rows.rows(fetched.len() as u64).map_err(over)?;
        fetched.sort();
        Ok((fetched, repeated))
    }

    /// The months that end within the query, each from the first day that the query asks of it.
    fn months(&self, end: NaiveDate) -> Vec<Days> {
        let mut months = Vec::new();
        let mut first = self.query.start;
        while let Some(next) = first.with_day(1).and_then(|day| day.checked_add_months(Months::new(1))) {
            let Some(last) = next.pred_opt().filter(|last| *last <= end) else {
                break;
            };
            months.push((first, last));
            first = next;
        }
        months
    }

    /// The queries for what is not kept.
    fn others(&self, kept: &[Days]) -> Vec<Query> {
        let mut others = Vec::new();
        let mut next = self.query.start;
        let other = |start, end| Query {
            start,
            end,
            ..self.query.clone()
        };
        for (first, last) in runs(kept) {
            if next < first {
                others.push(other(next, first.pred_opt()));
            }
            next = last.succ_opt().unwrap_or(last);
        }
        if self.query.end.is_none_or(|end| next <= end) {
            others.push(other(next, self.query.end));
        }
        others
    }

    /// Keeps what will not be fetched again, and remembers the rest.
    fn keep(&self, kept: &[Days], fetched: &Rows) {
        let Some(newest) = fetched.span().map(|(_, last)| time(last).date()) else {
            return;
        };
        let mut rest = fetched.clone();
        let months = self.months(self.query.end.unwrap_or(newest));
        for days in months.iter().filter(|days| !kept.contains(days)) {
            let (first, last) = *days;
            let age = newest - last;
            let rows = fetched.within(hours_of(*days));
            if age > self.lookback && (age > SETTLED || self.is_complete(&rows, last)) {
                self.context
                    .memo
                    .put(&self.key(&format!("{first} {last}")), &rows.to_bytes());
                rest = rest.without(hours_of(*days));
            }
        }
        self.context.memo.put(&self.key("last"), &rest.to_bytes());
    }

    /// Whether each series of a month has its last period.
    fn is_complete(&self, rows: &Rows, last: NaiveDate) -> bool {
        let end = match self.query.route.step {
            Step::Hourly => first_hour(last) + 23,
            Step::Daily => first_hour(last),
        };
        let names = |rows: &Rows| -> BTreeSet<String> {
            let names = rows.iter().map(|row| rows.name(row, self.query.route));
            names.collect()
        };
        names(&rows.within(end..end + 1)) == names(rows)
    }

    fn part(&self, days: Days) -> Option<Rows> {
        let (first, last) = days;
        let rows = self.remembered(&format!("{first} {last}"))?;
        let hours = hours_of(days);
        // Whoever has written there, it is a part of this query.
        rows.span()
            .is_none_or(|(first, last)| hours.contains(&first) && hours.contains(&last))
            .then_some(rows)
    }

    fn last(&self) -> Option<Rows> {
        self.remembered("last")
    }

    fn remembered(&self, what: &str) -> Option<Rows> {
        Rows::from_bytes(&self.context.memo.get(&self.key(what))?)
    }

    fn key(&self, what: &str) -> Digest {
        let Query { route, codes, .. } = self.query;
        let (source, lookback) = (self.source.trim_end_matches('/'), self.lookback.num_days());
        Digest::of(format!("eia {FORMAT}\n{source}\n{}\n{codes:?}\n{lookback}\n{what}", route.name).as_bytes())
    }

    /// Tells what the API has revised of the rows that it gave before.
    fn tell_revisions(&self, before: &Rows, fetched: &Rows, queries: &[Query]) {
        let revisions = before.compared(fetched, |hour| {
            let day = time(hour).date();
            let asks = |query: &Query| query.start <= day && query.end.is_none_or(|end| day <= end);
            queries.iter().any(asks)
        });
        let mut text = format!(
            "since the last fetch: {} values revised, {} rows new, {} rows gone",
            revisions.revised, revisions.new, revisions.gone
        );
        if let Some((row, was)) = revisions.first {
            let value = |value: Option<f64>| value.map_or_else(|| "none".to_owned(), |value| value.to_string());
            let _ = write!(
                text,
                "; the first revised: {} at {}, {} and now {}",
                fetched.name(&row, self.query.route),
                hour(row.period()),
                value(was),
                value(row.value())
            );
        }
        self.context.log(&text);
    }
}

/// The hours of some days.
fn hours_of((first, last): Days) -> std::ops::Range<i32> {
    first_hour(first)..last.succ_opt().map_or(i32::MAX, first_hour)
}

/// Stretches of days that follow each other, as one.
fn runs(days: &[Days]) -> Vec<Days> {
    let mut runs: Vec<Days> = Vec::new();
    for (first, last) in days {
        match runs.last_mut() {
            Some((_, end)) if end.succ_opt() == Some(*first) => *end = *last,
            _ => runs.push((*first, *last)),
        }
    }
    runs
}

/// What to do about contradictions of the API.
pub(crate) const LIVE: &str = "the API gives both: build again later; if it stays so, record the pages (`atsaf eia record`) and take \
                               the rows of one kind out of them";
/// What to do about contradictions of recorded pages.
pub(crate) const RECORDED: &str = "keep pages of one recording only, or take the rows of one kind out of them";
/// How many contradictions a message shows.
const SHOWN: usize = 5;

/// Rows sorted, each once, and how many that said the same as another went.
///
/// # Errors
/// [`TaskError`] if two contradict each other; `help` says what to do.
pub(crate) fn settled(mut rows: Rows, query: &Query, help: &str) -> Result<(Rows, usize), TaskError> {
    rows.sort();
    let clashes: Vec<_> = rows
        .same()
        .filter(|same| same.iter().any(|row| !row.says_as(&same[0])))
        .collect();
    if clashes.is_empty() {
        let dropped = rows.dedup();
        return Ok((rows, dropped));
    }
    let period = match query.route.step {
        Step::Hourly => "hour",
        Step::Daily => "day",
    };
    let mut error = TaskError::new(format!(
        "rows of the same {period} contradict each other, in {} of the {period}s",
        clashes.len()
    ));
    for same in clashes.iter().take(SHOWN) {
        let values = same.iter().map(Row::value);
        let values: Vec<String> = values
            .map(|value| value.map_or_else(|| "none".to_owned(), |value| value.to_string()))
            .collect();
        error = error.note(format!(
            "{} at {} has the values {}",
            rows.name(&same[0], query.route),
            hour(same[0].period()),
            values.join(" and ")
        ));
    }
    if clashes.len() > SHOWN {
        error = error.note(format!("and {} more", clashes.len() - SHOWN));
    }
    Err(error.help(help))
}

impl Rows {
    /// The rows as bytes that [`Rows::from_bytes`] reads.
    fn to_bytes(&self) -> Vec<u8> {
        let packed = bincode::serde::encode_to_vec(self.parts(), bincode::config::standard())
            .map_err(std::io::Error::other)
            .and_then(|bytes| zstd::encode_all(bytes.as_slice(), 0));
        packed.unwrap_or_else(|error| panic!("internal error: rows cannot be written to memory: {error}"))
    }

    /// Rows that were kept, if these bytes are such.
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut unpacked = Vec::new();
        let mut source = zstd::stream::read::Decoder::new(bytes).ok()?.take(LARGEST as u64);
        source.read_to_end(&mut unpacked).ok()?;
        let config = bincode::config::standard().with_limit::<LARGEST>();
        let (parts, read) = bincode::serde::decode_from_slice(&unpacked, config).ok()?;
        (read == unpacked.len()).then(|| Self::from_parts(parts))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::Fuzz;

    fn rows() -> Rows {
        let mut rows = Rows::default();
        for hour in 0..48 {
            rows.push(hour, ["CISO", "NG"], Some(f64::from(hour)).filter(|value| *value > 3.0));
            rows.push(hour, ["TEX", "SUN"], Some(0.5));
        }
        rows
    }

    #[test]
    fn a_part_is_read_as_it_was_written_and_a_forged_one_is_none() {
        let bytes = rows().to_bytes();
        let read = Rows::from_bytes(&bytes).expect("rows");
        assert_eq!((read.to_bytes(), read.len()), (bytes, 96));
        let packed = |parts: ([Vec<String>; 3], Vec<Row>)| {
            let bytes = bincode::serde::encode_to_vec(parts, bincode::config::standard()).expect("bytes");
            zstd::encode_all(bytes.as_slice(), 0).expect("packed")
        };
        let (texts, read) = (rows().parts().0.map(<[String]>::to_vec), rows().parts().1.to_vec());
        assert!(Rows::from_bytes(&packed((texts.clone(), read.clone()))).is_some());
        let few = texts.clone().map(|texts| texts.into_iter().take(1).collect());
        assert!(
            Rows::from_bytes(&packed((few, read.clone()))).is_none(),
            "a number without a text"
        );
        let twice = texts.map(|texts| texts.iter().chain(&texts).cloned().collect());
        assert!(
            Rows::from_bytes(&packed((twice, read))).is_none(),
            "a text with two numbers"
        );
        assert!(Rows::from_bytes(b"").is_none());
    }

    #[test]
    fn fuzz_kept_months() {
        Fuzz::of("kept months", [rows().to_bytes()]).run(|bytes| {
            if let Some(rows) = Rows::from_bytes(bytes) {
                assert!(rows.iter().all(|row| row.value().is_none_or(f64::is_finite)));
            }
        });
    }

    #[test]
    fn what_changed_is_counted_where_it_was_asked_again() {
        let (before, mut after) = (rows().within(0..24), Rows::default());
        after.push(4, ["CISO", "NG"], Some(40.0));
        after.push(30, ["CISO", "NG"], Some(1.0));
        let revisions = before.compared(&after, |hour| hour < 5);
        assert_eq!((revisions.revised, revisions.new, revisions.gone), (1, 1, 9));
        let (row, was) = revisions.first.expect("one");
        assert_eq!((row.value(), was), (Some(40.0), Some(4.0)));
    }
}
