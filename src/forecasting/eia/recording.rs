//! Recorded pages: read side by side, each no larger than it may be, whole queries only, and of the whole range that is
//! asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use rayon::prelude::*;

use super::Query;
use super::error::EiaError;
use super::kept::{RECORDED, settled};
use super::packed::{self, PageFile};
use super::pages::{AskedQuery, EiaPage};
use super::rows::{Rows, time};
use crate::engine::task::{Context, TaskError};
use crate::forecasting::limits::{SizeLimit, TableLimits};

/// Files that are read before what they hold is put together.
const TOGETHER: usize = 64;
/// Codes of a facet that a message lists.
const LISTED: usize = 20;

/// Pages as one reads them of a source.
pub(crate) struct Recording<'a> {
    context: &'a Context<'a>,
    /// The source as the user wrote it.
    source: &'a str,
    query: &'a Query,
}

/// A page without the rows that are not asked for.
struct RecordedPage {
    name: String,
    total: u64,
    /// Rows that it has.
    found: u64,
    /// Those of them that are asked for.
    rows: Rows,
    /// The first and the last day of the series that are asked for.
    days: Option<(NaiveDate, NaiveDate)>,
    held: Held,
    asked: Option<AskedQuery>,
}

/// What some pages hold, whatever is asked for.
#[derive(Debug, Default)]
pub(crate) struct Held {
    first: Option<NaiveDateTime>,
    last: Option<NaiveDateTime>,
    /// The codes of each facet.
    codes: Vec<BTreeSet<String>>,
}

impl Held {
    /// What rows of a query's route hold.
    pub(crate) fn of(rows: &Rows, query: &Query) -> Self {
        let (first, last) = rows.span().map(|(first, last)| (time(first), time(last))).unzip();
        let facets = 0..query.route.facets.len();
        let codes = facets.map(|facet| rows.codes_of(facet).into_iter().map(str::to_owned).collect());
        Self {
            first,
            last,
            codes: codes.collect(),
        }
    }

    fn add(&mut self, other: Self) {
        self.first = self.first.into_iter().chain(other.first).min();
        self.last = self.last.into_iter().chain(other.last).max();
        self.codes
            .resize_with(self.codes.len().max(other.codes.len()), BTreeSet::new);
        for (all, more) in self.codes.iter_mut().zip(other.codes) {
            all.extend(more);
        }
    }

    /// Says of an error what is there instead.
    pub(crate) fn told(&self, mut error: TaskError, query: &Query, holder: &str) -> TaskError {
        let (Some(first), Some(last)) = (self.first, self.last) else {
            return error
                .note(format!(
                    "{holder} hold no rows at all; the API answers so to a code that it does not know"
                ))
                .help(format!("check {}", facets(query)));
        };
        error = error.note(format!("{holder} hold {} to {}", hour(first), hour(last)));
        for (facet, codes) in query.route.facets.iter().zip(&self.codes) {
            error = error.note(format!("{facet}: {}", few(codes)));
        }
        error
    }

    /// The codes that are asked for and have no row at all.
    pub(crate) fn unknown(&self, query: &Query) -> Vec<(&'static str, String)> {
        let facets = query.route.facets.iter().zip(&query.codes).zip(&self.codes);
        let unknown = facets.flat_map(|((facet, asked), there)| {
            let absent = asked.iter().filter(|code| !there.contains(*code));
            absent.map(|code| (*facet, code.clone()))
        });
        unknown.collect()
    }
}

impl<'a> Recording<'a> {
    pub(crate) fn new(context: &'a Context<'a>, source: &'a str, query: &'a Query) -> Self {
        Self { context, source, query }
    }

    /// The rows of the query in all pages at `path`, sorted, and how many that said the same as another are left out.
    ///
    /// # Errors
    /// [`TaskError`] if a page cannot be used, pages are missing, rows contradict each other, or the pages do not cover what
    /// is asked for.
    pub(crate) fn rows(&self, path: &Path) -> Result<(Rows, usize), TaskError> {
        let files = packed::page_files(path)
            .map_err(|error| TaskError::new(format!("cannot read the pages in `{}`: {error}", self.source)))?;
        if files.is_empty() {
            return Err(TaskError::new(format!("`{}` holds no recorded pages", self.source))
                .note("a page is a file that ends in `.json`, `.json.gz` or `.json.zst`, or lies in a `.zip`")
                .help("record the API's answers there, `atsaf eia record` does, or name the API: `source = \"https://api.eia.gov/v2\"`"));
        }
        let limits = TableLimits::of(self.context);
        let mut all = Rows::default();
        let mut seen = Seen::default();
        let mut found = 0;
        for some in files.chunks(TOGETHER) {
            let pages: Vec<_> = some.par_iter().map(|file| self.pages_of(file)).collect();
            for pages in pages {
                for page in pages? {
                    found += page.found;
                    all.append(seen.add(page));
                    let rows = limits.rows(found);
                    rows.map_err(|excess| excess.in_input(&format!("`{}`", self.source)))?;
                }
            }
        }
        self.whole(&seen)?;
        let (all, dropped) = settled(all, self.query, RECORDED)?;
        self.covering(&seen, !all.is_empty())?;
        Ok((all, dropped))
    }

    fn pages_of(&self, file: &PageFile) -> Result<Vec<RecordedPage>, TaskError> {
        let mut pages = Vec::new();
        let limit = SizeLimit::of(self.context);
        packed::read(self.context, file, self.source, limit, |name, bytes| {
            let page = EiaPage::parse(bytes, self.query.route).map_err(|error| self.unusable(error, &name))?;
            pages.push(self.recorded(name, page));
            Ok(())
        })?;
        Ok(pages)
    }

    fn recorded(&self, name: String, page: EiaPage) -> RecordedPage {
        let held = Held::of(&page.rows, self.query);
        let found = page.rows.len() as u64;
        let mut rows = page.rows;
        rows.select_codes(self.query);
        let days = rows.span().map(|(first, last)| (time(first).date(), time(last).date()));
        rows.select_days(self.query);
        RecordedPage {
            name,
            total: page.total,
            found,
            rows,
            days,
            held,
            asked: page.asked,
        }
    }

    /// An error of a recorded page: it will be the same at the next attempt, and the file is what to mend.
    fn unusable(&self, error: EiaError, name: &str) -> TaskError {
        let is_route = matches!(error, EiaError::WrongRoute { .. });
        let inner = TaskError::from(error);
        let error = TaskError::new(format!("the page `{name}` of `{}` cannot be used", self.source)).note(inner.what);
        match (is_route, inner.help.first()) {
            (true, Some(help)) => error.help(help),
            (_, Some(help)) if help.starts_with("record the pages") => error.help(help),
            _ => error.help("record the page again"),
        }
    }

    /// That no page of a query is missing.
    fn whole(&self, seen: &Seen) -> Result<(), TaskError> {
        let Some(part) = seen.queries.values().find(|part| part.found < part.total) else {
            return Ok(());
        };
        let RecordedQuery { found, total, name } = part;
        Err(TaskError::new(format!(
            "pages are missing in `{}`: {found} of {total} rows are there",
            self.source
        ))
        .note(format!("`{name}` says that its query has {total} rows"))
        .help("record all pages of the query, with `offset` 0, 5000, 10000 and so on; `atsaf eia record` does"))
    }

    /// That the pages have what is asked for: every code, and every day from the first to the last.
    fn covering(&self, seen: &Seen, has_rows: bool) -> Result<(), TaskError> {
        if !has_rows && seen.days.is_empty() {
            return Err(nothing(&seen.held, self.query, "the pages"));
        }
        let unknown = seen.held.unknown(self.query);
        if !unknown.is_empty() {
            return Err(absent(&unknown, &seen.held, self.query, "the pages"));
        }
        let covered = seen.covered();
        let Some((from, to)) = gap(&covered, self.query) else {
            return Ok(());
        };
        let to = to.map_or_else(|| "on".to_owned(), |to| format!("to {to}"));
        let spans: Vec<String> = covered
            .iter()
            .map(|(first, last)| format!("{first} to {last}"))
            .collect();
        Err(TaskError::new(format!(
            "the pages in `{}` do not cover {} from {from} {to}",
            self.source,
            self.query.series()
        ))
        .note(format!("they cover {}", spans.join(", ")))
        .help("change `start_date` or `end_date`, or record the rest: `atsaf eia record`"))
    }
}

/// What the pages so far have said.
#[derive(Default)]
struct Seen {
    held: Held,
    /// By signature, or where a page repeats no request by what its total is.
    queries: BTreeMap<String, RecordedQuery>,
    /// Days that pages have of the series that are asked for.
    days: Vec<(NaiveDate, NaiveDate)>,
    /// Days that their queries asked for.
    asked: Vec<(NaiveDate, NaiveDate)>,
}

/// A query, as far as its pages are there.
struct RecordedQuery {
    found: u64,
    total: u64,
    /// A page that says the total.
    name: String,
}

impl Seen {
    /// Notes a page; gives its rows.
    fn add(&mut self, page: RecordedPage) -> Rows {
        let RecordedPage {
            name,
            total,
            found,
            rows,
            days,
            held,
            asked,
        } = page;
        self.held.add(held);
        let key = asked
            .as_ref()
            .map_or_else(|| total.to_string(), |asked| asked.signature.clone());
        let none = RecordedQuery {
            found: 0,
            total: 0,
            name: String::new(),
        };
        let query = self.queries.entry(key).or_insert(none);
        query.found += found;
        if total > query.total || query.name.is_empty() {
            (query.total, query.name) = (total, name);
        }
        if days.is_some() {
            let asked = asked.and_then(|asked| Some((asked.start?, asked.end?)));
            self.asked.extend(asked.filter(|(first, last)| first <= last));
        }
        self.days.extend(days);
        rows
    }

    /// The stretches of days that are covered: from the first to the last that has a row, but for days between that have
    /// none and that no query asked for.
    fn covered(&self) -> Vec<(NaiveDate, NaiveDate)> {
        let (Some(first), Some(last)) = (
            self.days.iter().map(|(first, _)| *first).min(),
            self.days.iter().map(|(_, last)| *last).max(),
        ) else {
            return Vec::new();
        };
        let clipped = self.asked.iter().filter(|(from, to)| *from <= last && first <= *to);
        let clipped = clipped.map(|(from, to)| (*from.max(&first), *to.min(&last)));
        let mut spans: Vec<_> = self.days.iter().copied().chain(clipped).collect();
        spans.sort_unstable();
        let mut covered: Vec<(NaiveDate, NaiveDate)> = Vec::new();
        for (from, to) in spans {
            match covered.last_mut() {
                Some((_, end)) if from <= *end + TimeDelta::days(1) => *end = to.max(*end),
                _ => covered.push((from, to)),
            }
        }
        covered
    }
}

/// The first days that are asked for and not covered; without an end, all that follow.
fn gap(covered: &[(NaiveDate, NaiveDate)], query: &Query) -> Option<(NaiveDate, Option<NaiveDate>)> {
    let day = TimeDelta::days(1);
    let mut next = query.start;
    for (first, last) in covered {
        if query.end.is_some_and(|end| next > end) {
            return None;
        }
        if *first > next {
            let to = query.end.map_or(*first - day, |end| end.min(*first - day));
            return Some((next, Some(to)));
        }
        next = next.max(*last + day);
    }
    match query.end {
        Some(end) if next <= end => Some((next, Some(end))),
        // "latest" is whatever there is, if there is anything.
        None if next == query.start => Some((next, None)),
        Some(_) | None => None,
    }
}

/// That no row is of what is asked for.
pub(crate) fn nothing(held: &Held, query: &Query, holder: &str) -> TaskError {
    let error = TaskError::new(format!(
        "no rows of {} from {} to {}",
        query.series(),
        query.start,
        query.end.map_or_else(|| "latest".to_owned(), |end| end.to_string())
    ));
    let error = held.told(error, query, holder);
    match held.first {
        None => error,
        Some(_) => error.help(format!(
            "change `start_date`, `end_date`, {}, or take another `source`",
            facets(query)
        )),
    }
}

/// That some codes have no row at all.
pub(crate) fn absent(unknown: &[(&str, String)], held: &Held, query: &Query, holder: &str) -> TaskError {
    let names: Vec<String> = unknown.iter().map(|(facet, code)| format!("{facet} {code}")).collect();
    let error = TaskError::new(format!("no rows of {}", names.join(", ")));
    held.told(error, query, holder)
        .help(format!("correct {}", facets(query)))
}

/// The parameters of a query's facets, for a message.
fn facets(query: &Query) -> String {
    let names: Vec<String> = query.route.facets.iter().map(|facet| format!("`{facet}`")).collect();
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

fn few(codes: &BTreeSet<String>) -> String {
    let shown: Vec<&str> = codes.iter().take(LISTED).map(String::as_str).collect();
    match codes.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// A time as messages have it.
pub(crate) fn hour(time: NaiveDateTime) -> String {
    time.format("%Y-%m-%d %H:%M").to_string()
}
