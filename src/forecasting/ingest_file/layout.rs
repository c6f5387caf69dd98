//! Which columns of a file are what: as far as it is said, and else by their names and kinds.

use std::collections::HashSet;

use super::super::columns::is_unnamed_index;
use super::super::parquet_table::HeadKind;
use super::header;

/// Names of columns that are times, the surest first.
const TIMES: [&str; 16] = [
    "ds",
    "timestamp",
    "ts",
    "datetime",
    "time",
    "date",
    "period",
    "day",
    "week",
    "month",
    "quarter",
    "year",
    "hour",
    "index",
    "unnamed:0",
    "",
];
/// Names of columns that name the series.
const IDS: [&str; 9] = [
    "uniqueid", "seriesid", "itemid", "id", "series", "item", "ticker", "symbol", "sku",
];
/// Names of columns that hold the values.
const VALUES: [&str; 3] = ["y", "value", "target"];
/// What pandas calls an index that has no name.
const INDEXES: [&str; 3] = ["", "unnamed:0", "index"];

/// Names of columns that hold a part of a date, beside a `year`.
const PARTS_OF_YEAR: [&str; 4] = ["day", "week", "month", "quarter"];
/// Names of columns that hold the hour of a day, or another part of it.
const PARTS_OF_DAY: [&str; 9] = [
    "hour",
    "hr",
    "he",
    "hourending",
    "hourbeginning",
    "hourofday",
    "timeofday",
    "interval",
    "quarterhour",
];
/// Names of columns that hold a part of a time which stands whole in another column, and no values.
const PARTS_OF_TIME: [&str; 16] = [
    "year",
    "quarter",
    "month",
    "week",
    "day",
    "hour",
    "minute",
    "second",
    "weekday",
    "dayofweek",
    "dayofmonth",
    "dayofyear",
    "weekofyear",
    "isoweek",
    "dow",
    "doy",
];
/// Fewer than one in so many rows of one time are no second series, but the same time again, as where clocks are put back.
const SELDOM_TWICE: usize = 10;

/// A column as far as it can be seen from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Its name as written.
    pub(super) name: String,
    /// What it holds.
    pub(super) kind: HeadKind,
    /// Whether its texts come again and again, as the names of series do.
    pub(super) repeats: bool,
    /// A text that is no number, and its row, where the column holds texts.
    pub(super) no_number: Option<(usize, String)>,
}

/// What is said of the columns.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    /// Columns that together name the series; or one text that does.
    pub(super) ids: Vec<String>,
    /// The column of the times.
    pub(super) time: Option<String>,
    /// The columns of the values.
    pub(super) values: Vec<String>,
    /// Whether every column of numbers or truth values counts, if nothing is said of the values.
    pub(super) every_number: bool,
}

/// Which columns are what, by their places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Those that name the series.
    pub(super) ids: Vec<usize>,
    /// The name of the one series of a file that has no such columns.
    pub(super) constant: Option<String>,
    /// The times.
    pub(super) time: usize,
    /// The values: several are a series each.
    pub(super) values: Vec<usize>,
    /// Whether the names of the value columns are names of series.
    pub(super) is_wide: bool,
}

/// Why the columns cannot be told apart: a sentence about the file, and what to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LayoutFault {
    pub(super) what: String,
    pub(super) notes: Vec<String>,
    pub(super) help: String,
}

impl LayoutFault {
    pub(super) fn new(what: String, help: impl Into<String>) -> Self {
        let (notes, help) = (Vec::new(), help.into());
        Self { what, notes, help }
    }
}

/// What the rows of a column say: a number for each text, the same for the same.
pub(super) type RowKeys<'r> = &'r dyn Fn(usize) -> Option<Vec<u64>>;

/// Finds out which columns are what.
pub(super) fn layout(heads: &[Head], said: &Said) -> Result<Layout, LayoutFault> {
    let time = match &said.time {
        Some(name) => named(heads, name).ok_or_else(|| lacks(name, "time"))?,
        None => guess_time(heads, said).ok_or_else(|| {
            if let Some(fault) = header::no_names(heads, None) {
                return fault;
            }
            let what = "has no column of which it is plain that it holds the times".to_owned();
            let help = match heads.len() {
                1 => {
                    "if its fields are separated by anything else than a comma, semicolon, tab or `|`, say so: \
                      `separator = \" \"`"
                }
                _ => "say which it is: `time = \"a column\"`",
            };
            LayoutFault::new(what, help)
        })?,
    };
    if let Some(fault) = divided_date(heads, said, time) {
        return Err(fault);
    }
    if let Some(fault) = header::no_names(heads, Some(time)).filter(|_| said.time.is_none() && said.values.is_empty()) {
        return Err(fault);
    }
    let mut values = Vec::new();
    for name in &said.values {
        values.push(named(heads, name).ok_or_else(|| lacks(name, "value"))?);
    }
    let (ids, constant) = ids(heads, said, time, &values)?;
    let is_said = !values.is_empty();
    if !is_said {
        values = guess_values(heads, said, time, &ids)?;
    }
    Ok(Layout {
        is_wide: values.len() > 1,
        ids,
        constant,
        time,
        values,
    })
}

impl Layout {
    /// The same, with the names of the series found by the rows where nothing is said of them: a column that differs in
    /// each row names none, nor does a text beside times that all differ; where times come again, the only column by
    /// which they all differ names the series.
    ///
    /// Days whose hours stand in another column are refused: of each day there would be many values.
    pub(super) fn by_rows(self, heads: &[Head], said: &Said, rows: RowKeys<'_>) -> Result<Self, LayoutFault> {
        if let Some(fault) = self.divided_day(heads, rows) {
            return Err(fault);
        }
        let Some(times) = rows(self.time).filter(|_| said.ids.is_empty()) else {
            return Ok(self);
        };
        let again = times.len() - distinct(&times);
        let is_one_series = again == 0;
        let is_name = |at: &usize| {
            let distinct = rows(*at).map(|keys| distinct(&keys));
            let is_named = IDS.contains(&&*plain(&heads[*at].name));
            distinct.is_none_or(|count| match is_one_series {
                // Beside columns of numbers, a text that is the same everywhere names no series.
                true if said.every_number => is_named && count < times.len(),
                true => count == 1 || is_named && count < times.len(),
                false => count < times.len(),
            })
        };
        let mut ids: Vec<usize> = self.ids.iter().copied().filter(is_name).collect();
        if ids.is_empty() && again * SELDOM_TWICE >= times.len() && !is_one_series {
            let is_number = |at: &usize| *at != self.time && heads[*at].kind == HeadKind::Number;
            let numbers = (0..heads.len()).filter(is_number).count();
            let is_free = |at: &usize| {
                let is_index = is_index(&heads[*at].name);
                let is_only_value = numbers == 1 && is_number(at);
                let is_value = is_only_value || named_among(heads, &said.values, *at).is_some();
                *at != self.time && !is_index && !is_value
            };
            // Of values that happen to differ at each time there are more than of names.
            let names = |at: usize| {
                let keys = rows(at)?;
                let pairs: HashSet<(u64, u64)> = keys.iter().copied().zip(times.iter().copied()).collect();
                let count = distinct(&keys);
                (pairs.len() == times.len() && count * 2 <= times.len()).then_some((count, at))
            };
            let mut found: Vec<(usize, usize)> = (0..heads.len()).filter(is_free).filter_map(names).collect();
            found.sort_unstable();
            match *found {
                [(first, at), (second, _), ..] if first < second => ids.push(at),
                [(_, at)] => ids.push(at),
                _ => {}
            }
        }
        let found = if ids == self.ids {
            self
        } else {
            let values = match said.values.is_empty() {
                true => guess_values(heads, said, self.time, &ids)?,
                false => self.values,
            };
            Self {
                is_wide: values.len() > 1,
                ids,
                values,
                ..self
            }
        };
        match found.further_names(heads, rows) {
            Some(fault) => Err(fault),
            None => Ok(found),
        }
    }
}

impl Layout {
    /// The fault of times that are days, each of them many times, which a column of hours tells apart.
    fn divided_day(&self, heads: &[Head], rows: RowKeys<'_>) -> Option<LayoutFault> {
        let is_free = |at: &usize| *at != self.time && !self.ids.contains(at);
        let is_part = |at: &usize| PARTS_OF_DAY.contains(&&*plain(&heads[*at].name));
        let hour = (0..heads.len()).filter(is_free).find(is_part)?;
        let mut keys: Vec<Vec<u64>> = self.ids.iter().map(|at| rows(*at)).collect::<Option<_>>()?;
        keys.push(rows(self.time)?);
        let count = keys[0].len();
        let distinct_rows = |keys: &[Vec<u64>]| -> usize {
            let row = |at: usize| keys.iter().map(|column| column[at]).collect::<Vec<u64>>();
            (0..count).map(row).collect::<HashSet<_>>().len()
        };
        let is_told_without = distinct_rows(&keys) == count;
        keys.push(rows(hour)?);
        let is_told_with = distinct_rows(&keys) == count;
        let (day, hour) = (&heads[self.time].name, &heads[hour].name);
        (is_told_with && !is_told_without).then(|| {
            LayoutFault::new(
                format!("has days in the column `{day}`, and their hours in the column `{hour}`"),
                "write both in one column, as in 2024-01-31 13:00, and name it with `time`",
            )
        })
    }
}

impl Layout {
    /// Whether so many rows are of a series and time that others are of as well that some column more names the series.
    pub(super) fn has_rows_again(&self, rows: RowKeys<'_>) -> bool {
        let Some(named) = self.names_and_time(rows) else {
            return false;
        };
        let count = named[0].len();
        count > 0 && (count - distinct_together(&named, &[])) * SELDOM_TWICE >= count
    }

    /// The columns that may name series and are not needed otherwise; of those that share a name none.
    pub(super) fn free_to_name(&self, heads: &[Head]) -> Vec<usize> {
        let may_name = |at: &usize| {
            let is_taken = *at == self.time || self.ids.contains(at) || self.values.contains(at);
            let is_alone = heads.iter().filter(|head| head.name == heads[*at].name).count() == 1;
            !is_taken && is_alone && matches!(heads[*at].kind, HeadKind::Text | HeadKind::Number)
        };
        (0..heads.len()).filter(may_name).collect()
    }

    /// What the rows say of the columns that name the series, and of the times.
    fn names_and_time(&self, rows: RowKeys<'_>) -> Option<Vec<Vec<u64>>> {
        self.ids.iter().chain([&self.time]).map(|at| rows(*at)).collect()
    }

    /// The fault of times that come again under the names that were guessed, if any were, which one column more tells apart,
    /// or all others do.
    fn further_names(&self, heads: &[Head], rows: RowKeys<'_>) -> Option<LayoutFault> {
        let known = self.names_and_time(rows).filter(|_| self.has_rows_again(rows))?;
        let count = known[0].len();
        let keys = self
            .free_to_name(heads)
            .into_iter()
            .filter_map(|at| Some((at, rows(at)?)));
        let free: Vec<(usize, Vec<u64>)> = keys.filter(|(_, keys)| distinct(keys) * 2 <= count).collect();
        let one = free
            .iter()
            .find(|(_, keys)| distinct_together(&known, &[keys]) == count);
        let further: Vec<usize> = if let Some((at, _)) = one {
            vec![*at]
        } else {
            let all: Vec<&Vec<u64>> = free.iter().map(|(_, keys)| keys).collect();
            (distinct_together(&known, &all) == count).then(|| free.iter().map(|(at, _)| *at).collect())?
        };
        let shown = |places: &[usize], quote: &str| -> String {
            let names: Vec<String> = places
                .iter()
                .map(|at| format!("{quote}{}{quote}", heads[*at].name))
                .collect();
            names.join(", ")
        };
        let every: Vec<usize> = self.ids.iter().chain(&further).copied().collect();
        let (of_each, otherwise) = match self.ids.is_empty() {
            true => (
                String::new(),
                "a name that no column has, as in `id = \"total\"`".to_owned(),
            ),
            false => (
                format!(" for each {}", shown(&self.ids, "`")),
                format!("`id = [{}]`", shown(&self.ids, "\"")),
            ),
        };
        let verb = if further.len() == 1 { "tells" } else { "tell" };
        Some(LayoutFault::new(
            format!(
                "has several rows of one time{of_each}, which {} {verb} apart",
                shown(&further, "`")
            ),
            format!(
                "say which columns name the series: `id = [{}]`; or {otherwise}, if such rows are of one series",
                shown(&every, "\"")
            ),
        ))
    }
}

/// How many different rows some columns have together; keys are hashes, and so is what they make together.
fn distinct_together(named: &[Vec<u64>], further: &[&Vec<u64>]) -> usize {
    let columns = || named.iter().chain(further.iter().copied());
    let row = |at: usize| columns().fold(0_u64, |all, keys| all.rotate_left(17) ^ keys[at]);
    let count = named.first().map_or(0, Vec::len);
    (0..count).map(row).collect::<HashSet<_>>().len()
}

/// The fault of a date that stands in several columns, as in `year`, `month`, `day`.
fn divided_date(heads: &[Head], said: &Said, time: usize) -> Option<LayoutFault> {
    let is_part = |head: &&Head| PARTS_OF_YEAR.contains(&&*plain(&head.name)) && head.kind == HeadKind::Number;
    let is_guessed = said.time.is_none() && is_part(&&heads[time]);
    let year = heads
        .iter()
        .find(|head| plain(&head.name) == "year")
        .filter(|_| is_guessed)?;
    let parts: Vec<String> = [year]
        .into_iter()
        .chain(heads.iter().filter(is_part))
        .map(|head| format!("`{}`", head.name))
        .collect();
    Some(LayoutFault::new(
        format!("has its dates in several columns: {}", parts.join(", ")),
        "write each date in one column, as in 2024-01-31, or 2024-01 for a month, and name it with `time`",
    ))
}

/// Whether a column is an index without a name, as pandas writes it.
fn is_index(name: &str) -> bool {
    INDEXES.contains(&&*plain(name)) || is_unnamed_index(name)
}

/// How many different keys there are.
fn distinct(keys: &[u64]) -> usize {
    keys.iter().collect::<HashSet<_>>().len()
}

/// Which of some names means a column.
fn named_among<'n>(heads: &[Head], names: &'n [String], at: usize) -> Option<&'n String> {
    names.iter().find(|name| named(heads, name) == Some(at))
}

fn lacks(name: &str, key: &str) -> LayoutFault {
    LayoutFault::new(
        format!("has no column `{name}`"),
        format!("set `{key}` to one of its columns"),
    )
}

/// A name without what people write in different ways.
fn plain(name: &str) -> String {
    let kept = name.chars().filter(|c| !matches!(c, ' ' | '_' | '-'));
    kept.flat_map(char::to_lowercase).collect()
}

/// The column of a name: as it is written, else as the only one that differs in case and blanks alone.
fn named(heads: &[Head], name: &str) -> Option<usize> {
    let exactly = heads.iter().position(|head| head.name == name);
    exactly.or_else(|| {
        let mut alike = (0..heads.len()).filter(|at| plain(&heads[*at].name) == plain(name));
        alike.next().filter(|_| alike.next().is_none())
    })
}

fn guess_time(heads: &[Head], said: &Said) -> Option<usize> {
    let is_free =
        |at: &usize| named_among(heads, &said.ids, *at).is_none() && named_among(heads, &said.values, *at).is_none();
    let free: Vec<usize> = (0..heads.len()).filter(is_free).collect();
    let of_name = |name: &str| {
        let is_it = |at: &&usize| plain(&heads[**at].name) == name;
        let may_be = |at: &&usize| match heads[**at].kind {
            HeadKind::Time => true,
            HeadKind::Number => !INDEXES.contains(&name) && name != "hour",
            // A fault in one row is told when the times are read.
            HeadKind::Text => !INDEXES.contains(&name),
            HeadKind::Flag | HeadKind::Other => false,
        };
        free.iter().filter(is_it).find(may_be).copied()
    };
    let by_name = TIMES.iter().find_map(|name| of_name(name));
    by_name.or_else(|| {
        let mut times = free.iter().filter(|at| heads[**at].kind == HeadKind::Time);
        times.next().filter(|_| times.next().is_none()).copied()
    })
}

/// The columns that name the series, or the name of the only one.
fn ids(
    heads: &[Head],
    said: &Said,
    time: usize,
    values: &[usize],
) -> Result<(Vec<usize>, Option<String>), LayoutFault> {
    if let [name] = &*said.ids {
        return Ok(match named(heads, name) {
            Some(at) => (vec![at], None),
            None => (Vec::new(), Some(name.clone())),
        });
    }
    if !said.ids.is_empty() {
        let column = |name: &String| named(heads, name).ok_or_else(|| lacks(name, "id"));
        return Ok((said.ids.iter().map(column).collect::<Result<_, _>>()?, None));
    }
    let is_free = |at: &usize| *at != time && !values.contains(at);
    let free: Vec<usize> = (0..heads.len()).filter(is_free).collect();
    let of_name = |name: &str| free.iter().find(|at| plain(&heads[**at].name) == *name).copied();
    let by_name = IDS.iter().find_map(|name| of_name(name));
    let only_text = || {
        let may_name =
            |head: &Head| head.kind == HeadKind::Text && head.repeats && !VALUES.contains(&&*plain(&head.name));
        let mut texts = free.iter().filter(|at| may_name(&heads[**at]));
        texts.next().filter(|_| texts.next().is_none()).copied()
    };
    Ok((by_name.or_else(only_text).into_iter().collect(), None))
}

fn guess_values(heads: &[Head], said: &Said, time: usize, ids: &[usize]) -> Result<Vec<usize>, LayoutFault> {
    let is_free = |at: &usize| {
        *at != time
            && !ids.contains(at)
            && heads[*at].kind == HeadKind::Number
            && !is_index(&heads[*at].name)
            && !IDS.contains(&&*plain(&heads[*at].name))
    };
    let of_name =
        |name: &&str| (0..heads.len()).find(|at| *at != time && !ids.contains(at) && plain(&heads[*at].name) == *name);
    if let Some(value) = VALUES.iter().find_map(of_name).filter(|_| !said.every_number) {
        return Ok(vec![value]);
    }
    let mut numbers: Vec<usize> = (0..heads.len()).filter(is_free).collect();
    let is_value = |at: &usize| !PARTS_OF_TIME.contains(&&*plain(&heads[*at].name));
    if !said.every_number && numbers.iter().any(is_value) {
        numbers.retain(is_value);
    }
    let names = || {
        let names: Vec<String> = numbers
            .iter()
            .take(10)
            .map(|at| format!("`{}`", heads[*at].name))
            .collect();
        names.join(", ")
    };
    match (numbers.len(), ids.is_empty()) {
        (0, _) => {
            let others = (0..heads.len()).filter(|at| *at != time && !ids.contains(at));
            let note = |at: usize| {
                let (row, text) = heads[at].no_number.as_ref()?;
                Some(format!(
                    "`{}` holds `{text}` in row {row}, which is no number",
                    heads[at].name
                ))
            };
            Err(LayoutFault {
                what: "has no column of numbers beside the times and the names of series".to_owned(),
                notes: others.filter_map(note).take(3).collect(),
                help:
                    "say which column holds the values, `value = \"a column\"`; numbers stand there without signs of \
                       currency or units, and `thousands` and `decimal` say what their commas and points mean"
                        .to_owned(),
            })
        }
        (1, _) | (_, true) => Ok(numbers),
        (_, false) if said.every_number => Ok(numbers),
        (_, false) => Err(LayoutFault::new(
            format!("has several columns of numbers: {}", names()),
            "say which hold the values: `value = \"a column\"`, or a list of them",
        )),
    }
}

#[cfg(test)]
mod tests;
