//! One file as rows of series: its columns told apart, its times and numbers read, and what was guessed on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::RandomState;

use chrono::{DateTime, NaiveDateTime};
use polars_core::prelude::{Column, DataType, TimeUnit};
use serde_json::{Value as Json, json};

use super::super::columns::{self, Columns, listed};
use super::super::limits::{SizeLimit, TableLimits};
use super::super::parquet_table::{self, HeadKind, ParquetColumns};
use super::super::series::Observation;
use super::super::table::{LONGEST_NAME, Table, TableFault, parsed, short};
use super::super::times::{self, IntegerTimes};
use super::super::timestamp::{self, Stamp};
use super::ids::{self, Ids};
use super::layout::{Head, Layout, LayoutFault, RowKeys, Said, layout};
use super::local_time::{Zone, to_utc};
use super::numbers::{NumberForm, has_decimal_comma};
use super::text_table::{self, TextColumn, TextForm, TextTable};
use super::unpack::{self, FileKind};
use crate::engine::task::{Context, TaskError};

/// Rows by which the kind of a column of texts is told.
const SAMPLE: usize = 200;
/// What is told of times that are kept as local ones.
const AS_SHOWN: &str = "as the clocks show them: each row has the same time of day";

/// How files are read: what is said; the rest is guessed.
pub(crate) struct FileReader {
    pub(super) said: Said,
    pub(super) text: TextForm,
    pub(super) zone: Option<(Zone, String)>,
    pub(super) format: Option<String>,
    pub(super) unit: Option<&'static str>,
    pub(super) decimal: Option<char>,
    pub(super) thousands: Option<char>,
    pub(super) nulls: Vec<String>,
}

/// The rows of a file, and how it was read.
pub(crate) struct FileSeries {
    pub(crate) rows: Vec<Observation>,
    pub(crate) report: Json,
}

/// A column as it was read.
pub(super) enum HeldColumn {
    Texts(TextColumn),
    Values(Column),
}

/// What was read of a file.
pub(super) struct Held {
    pub(super) heads: Vec<Head>,
    /// The columns that are needed, by place.
    pub(super) columns: BTreeMap<usize, HeldColumn>,
    pub(super) layout: Layout,
    pub(super) rows: usize,
    form: BTreeMap<&'static str, String>,
    /// The zones that a Parquet file notes, by column.
    zones: BTreeMap<String, String>,
}

impl FileReader {
    /// Reads the file of a role.
    pub(crate) fn read(&self, context: &Context<'_>, role: &str) -> Result<FileSeries, TaskError> {
        let holder = format!("`{role}`");
        let (kind, bytes) = unpack::read(context, context.input(role), &holder, SizeLimit::of(context))?;
        let mut held = match kind {
            FileKind::Parquet => self.parquet(context, bytes, role)?,
            FileKind::Delimited | FileKind::Json => self.texts(context, kind, bytes, role)?,
        };
        let ids = Ids::of(&held, role)?;
        let times = self.times(context, &mut held, &ids.of_row, role)?;
        let mut rows = Vec::with_capacity(times.len() * held.layout.values.len());
        for at in held.layout.values.clone() {
            let numbers = self.numbers(context, &mut held, at, role)?;
            let name = |row: usize| match (held.layout.is_wide, ids.is_said) {
                (false, _) => ids.names[ids.of_row[row]].clone(),
                (true, false) => held.heads[at].name.clone(),
                (true, true) => format!("{}_{}", ids.names[ids.of_row[row]], held.heads[at].name),
            };
            rows.extend(times.iter().zip(numbers).enumerate().map(|(row, (ds, y))| Observation {
                unique_id: name(row),
                ds: *ds,
                y,
            }));
        }
        let report = report(role, kind, &held, &ids);
        Ok(FileSeries { rows, report })
    }

    fn parquet(&self, context: &Context<'_>, bytes: Vec<u8>, role: &str) -> Result<Held, TaskError> {
        let (holder, limits) = (format!("`{role}`"), TableLimits::of(context));
        let fault = |fault: TableFault| fault.error(&holder, FileKind::Parquet.name(), None);
        let (heads, bytes) =
            parsed(context, move || Ok((parquet_table::heads(&bytes, limits)?, bytes))).map_err(fault)?;
        let head = |(name, kind): (String, HeadKind)| Head {
            name,
            kind,
            repeats: true,
            no_number: None,
        };
        let heads: Vec<Head> = heads.into_iter().map(head).collect();
        let layout = checked(layout(&heads, &self.said), &heads, role)?;
        let needed: BTreeSet<usize> = layout.places().collect();
        let mut found = columns_at(context, bytes, (&heads, &needed), role)?;
        let hasher = RandomState::new();
        // Only where it is not told by what is needed which column names the series, others are looked into.
        let has_rows_again = layout.has_rows_again(&|at| ids::keys(found.by_place.get(&at)?, &hasher));
        if self.said.ids.is_empty() && has_rows_again {
            let more = needed.into_iter().chain(layout.free_to_name(&heads)).collect();
            found = columns_at(context, found.bytes, (&heads, &more), role)?;
        }
        let FoundColumns {
            read,
            by_place: columns,
            ..
        } = found;
        let layout = self.by_rows(layout, &heads, role, &|at| columns.get(&at))?;
        Ok(Held {
            columns,
            rows: read.frame.height(),
            form: BTreeMap::new(),
            zones: read.zones,
            heads,
            layout,
        })
    }

    fn texts(&self, context: &Context<'_>, kind: FileKind, bytes: Vec<u8>, role: &str) -> Result<Held, TaskError> {
        let (form, limits) = (self.text.clone(), TableLimits::of(context));
        let read = parsed(context, move || match kind {
            FileKind::Json => text_table::json(&bytes, limits),
            FileKind::Delimited | FileKind::Parquet => text_table::delimited(&bytes, &form, limits),
        });
        let TextTable {
            names,
            columns,
            form,
            keys_twice,
        } = read.map_err(|fault| fault.error(&format!("`{role}`"), kind.name(), None))?;
        let rows = columns.first().map_or(0, TextColumn::len);
        if rows == 0 {
            return Err(TaskError::new(format!("`{role}` has no rows")));
        }
        let heads: Vec<Head> = names
            .into_iter()
            .zip(&columns)
            .map(|(name, column)| self.head(name, column))
            .collect();
        let columns: Vec<HeldColumn> = columns.into_iter().map(HeldColumn::Texts).collect();
        let layout = checked(layout(&heads, &self.said), &heads, role)?;
        refuse_no_header(&layout, &heads, &self.said, role)?;
        let layout = self.by_rows(layout, &heads, role, &|at| columns.get(at))?;
        let needed: BTreeSet<usize> = layout.places().collect();
        let twice = needed.iter().find_map(|at| keys_twice.get_key_value(&heads[*at].name));
        if let Some((key, row)) = twice {
            let key = short(key, LONGEST_NAME);
            let what = format!("row {row} of `{role}` cannot be read: the key `{key}` stands there twice");
            return Err(TaskError::new(what).help("give each key of an object a name of its own"));
        }
        let columns = columns.into_iter().enumerate().filter(|(at, _)| needed.contains(at));
        Ok(Held {
            columns: columns.collect(),
            zones: BTreeMap::new(),
            heads,
            layout,
            rows,
            form,
        })
    }

    /// The layout, with the names of the series found by the rows where nothing is said of them.
    fn by_rows<'c>(
        &self,
        layout: Layout,
        heads: &[Head],
        role: &str,
        column: &dyn Fn(usize) -> Option<&'c HeldColumn>,
    ) -> Result<Layout, TaskError> {
        let hasher = RandomState::new();
        let rows: RowKeys<'_> = &|at| ids::keys(column(at)?, &hasher);
        checked(layout.by_rows(heads, &self.said, rows), heads, role)
    }

    /// What a column of texts holds, by its first rows.
    fn head(&self, name: String, column: &TextColumn) -> Head {
        let (form, with_comma) = (self.number_form('.'), self.number_form(','));
        let there: Vec<&str> = column.iter().take(SAMPLE).filter(|text| !form.is_null(text)).collect();
        let is_number = |text: &&str| {
            let plain = text.replace(',', ".");
            text.parse::<f64>().is_ok()
                || plain.parse::<f64>().is_ok()
                || form.read(text).or(with_comma.read(text)).is_some()
        };
        let either = timestamp::DateOrder::DayFirst;
        let is_time = |text: &&str| match &self.format {
            Some(format) => timestamp::parse_as(text, format).is_some(),
            None => timestamp::parse(text, Some(either)).is_some() || timestamp::numbers_before_year(text).is_some(),
        };
        // Of a few words among many numbers or times it is told where they stand.
        let nearly_all =
            |is_it: &dyn Fn(&&str) -> bool| there.iter().filter(|text| is_it(text)).count() * 10 >= there.len() * 9;
        let kind = match () {
            () if there.is_empty() => HeadKind::Other,
            () if nearly_all(&is_number) => HeadKind::Number,
            () if nearly_all(&is_time) => HeadKind::Time,
            // Objects and arrays of JSON name nothing.
            () if nearly_all(&|text| text.starts_with(['{', '['])) => HeadKind::Other,
            () => HeadKind::Text,
        };
        let rows = column.iter().take(SAMPLE).enumerate();
        let mut words = rows.filter(|(_, text)| !form.is_null(text) && !is_number(text));
        let no_number = words.next().filter(|_| kind == HeadKind::Text);
        let distinct: BTreeSet<&str> = there.iter().copied().collect();
        let repeats = distinct.len() * 2 <= there.len();
        Head {
            name,
            kind,
            repeats,
            no_number: no_number.map(|(row, text)| (row + 1, short(text, LONGEST_NAME).to_string())),
        }
    }

    /// How numbers are written, with this before the fraction if nothing else is said and it does not separate thousands.
    fn number_form(&self, decimal: char) -> NumberForm {
        let decimal = match (self.thousands, decimal) {
            (Some('.'), '.') => ',',
            (Some(','), ',') => '.',
            _ => decimal,
        };
        NumberForm {
            decimal: self.decimal.unwrap_or(decimal),
            thousands: self.thousands,
            nulls: self.nulls.clone(),
        }
    }

    /// The times of the rows, in UTC, or as clocks show them where all of them show the same time of day.
    fn times(
        &self,
        context: &Context<'_>,
        held: &mut Held,
        series: &[usize],
        role: &str,
    ) -> Result<Vec<NaiveDateTime>, TaskError> {
        let name = held.heads[held.layout.time].name.clone();
        let stamps = self.stamps(context, held, &name, role)?;
        let noted = held
            .zones
            .get(&name)
            .and_then(|noted| Some((Zone::parse(noted)?, noted.clone())));
        let Some((zone, text)) = self.zone.clone().or(noted) else {
            let times = times::settled(&stamps);
            let is_local = |(stamp, time): (&Stamp, &NaiveDateTime)| stamp.utc().is_some_and(|utc| utc != *time);
            if stamps.iter().zip(&times).any(is_local) {
                held.form.insert("times", AS_SHOWN.to_owned());
            }
            return Ok(times);
        };
        held.form.insert("time_zone", text.clone());
        // Days, months and years are the same everywhere.
        if stamps.iter().all(|stamp| !stamp.has_clock) {
            return Ok(stamps.iter().map(|stamp| stamp.local).collect());
        }
        let utc = to_utc(zone, series, &stamps).map_err(|skipped| {
            let (row, local) = (skipped.row + 1, skipped.local);
            let what = format!("`{local}` in row {row} of the column `{name}` of `{role}` is no time in {text}");
            TaskError::new(what)
                .note("the clocks are put forward there, and leave that hour out")
                .help(format!(
                    "if they are not, as where standard time is kept all year, say so: `time_zone = \"{}\"`",
                    zone.offset_before(local)
                ))
        })?;
        let local = || utc.iter().map(|utc| zone.local(*utc));
        if times::differ(utc.iter().copied()) && !times::differ(local()) {
            held.form.insert("times", AS_SHOWN.to_owned());
            return Ok(local().collect());
        }
        Ok(utc)
    }

    /// What stands in the column of the times.
    fn stamps(&self, context: &Context<'_>, held: &mut Held, name: &str, role: &str) -> Result<Vec<Stamp>, TaskError> {
        let column = held.columns.get(&held.layout.time);
        let in_format = match column {
            // Digits in an order that is said, and no numbers.
            Some(HeldColumn::Values(column)) if column.dtype().is_integer() && self.format.is_some() => {
                column.cast(&DataType::String).ok().map(HeldColumn::Values)
            }
            _ => None,
        };
        let column = in_format.as_ref().or(column);
        let texts: Vec<&str> = match column {
            Some(HeldColumn::Texts(texts)) => texts.iter().collect(),
            Some(HeldColumn::Values(column)) => match column.str() {
                Ok(texts) => texts.iter().map(|text| text.map_or("", str::trim)).collect(),
                Err(_) => return self.moments(&mut held.form, column, held.zones.contains_key(name), name, role),
            },
            None => Vec::new(),
        };
        if self.unit == Some(times::EXCEL) {
            let milliseconds: Vec<Option<i64>> = texts.iter().map(|text| times::of_excel(text)).collect();
            return self.counted(&mut held.form, &milliseconds, name, role);
        }
        let is_long = texts.iter().all(|text| text.len() >= 9 && times::whole(text).is_some());
        if self.format.is_none() && !texts.is_empty() && (self.unit.is_some() || is_long) {
            let numbers: Vec<Option<i64>> = texts.iter().map(|text| times::whole(text)).collect();
            return self.counted(&mut held.form, &numbers, name, role);
        }
        let table = Table {
            frame: polars_core::prelude::DataFrame::empty(),
            names: Vec::new(),
        };
        let columns = Columns::of(context, &table, role);
        times::read(&texts, self.format.as_deref()).map_err(|fault| columns.no_time(name, &texts, fault))
    }

    /// The times of a column that holds times or whole numbers.
    fn moments(
        &self,
        form: &mut BTreeMap<&'static str, String>,
        column: &Column,
        is_utc: bool,
        name: &str,
        role: &str,
    ) -> Result<Vec<Stamp>, TaskError> {
        if column.dtype().is_integer() {
            let mut numbers = columns::integers(column);
            if self.unit == Some(times::EXCEL) {
                let milliseconds = |days: Option<i64>| times::of_excel(&days?.to_string());
                numbers = numbers.into_iter().map(milliseconds).collect();
            }
            return self.counted(form, &numbers, name, role);
        }
        let is_utc = is_utc || matches!(column.dtype(), DataType::Datetime(_, Some(_)));
        let has_clock = matches!(column.dtype(), DataType::Datetime(..));
        let wrong = || {
            let what = format!(
                "the column `{name}` of `{role}` must hold times; it holds {}",
                column.dtype()
            );
            let error = TaskError::new(what).help("say which column holds the times: `time = \"a column\"`");
            match column.dtype().is_float() {
                true => error.help(
                    "if these are times, write them as timestamps or whole numbers: in pandas, with `pd.to_datetime`",
                ),
                false => error,
            }
        };
        if !has_clock && *column.dtype() != DataType::Date {
            return Err(wrong());
        }
        let micros = column
            .cast(&DataType::Datetime(TimeUnit::Microseconds, None))
            .map_err(|_| wrong())?;
        let micros = micros.datetime().map_err(|_| wrong())?.physical().iter();
        let stamp = |(at, micros): (usize, Option<i64>)| {
            let time = micros.and_then(DateTime::from_timestamp_micros);
            time.map(|time| Stamp {
                local: time.naive_utc(),
                offset: is_utc.then_some(0),
                has_clock,
            })
            .ok_or_else(|| empty(name, role, at))
        };
        micros.enumerate().map(stamp).collect()
    }

    /// The times of whole numbers.
    fn counted(
        &self,
        form: &mut BTreeMap<&'static str, String>,
        numbers: &[Option<i64>],
        name: &str,
        role: &str,
    ) -> Result<Vec<Stamp>, TaskError> {
        let as_what = match self.unit {
            Some(times::EXCEL) => IntegerTimes::Unit("ms"),
            Some(unit) => IntegerTimes::Unit(unit),
            None => times::guess_integers(numbers.iter().flatten().copied()),
        };
        let is_excel = self.unit == Some(times::EXCEL);
        form.insert(
            "unit",
            if is_excel {
                times::EXCEL.to_owned()
            } else {
                as_what.to_string()
            },
        );
        let (has_clock, offset) = match as_what {
            // A cell says no zone.
            IntegerTimes::Unit(_) if is_excel => {
                let has_clock = |ms: i64| ms % times::DAY_MS != 0;
                (numbers.iter().flatten().any(|ms| has_clock(*ms)), None)
            }
            IntegerTimes::Unit("D") | IntegerTimes::Years | IntegerTimes::Months | IntegerTimes::Days => (false, None),
            IntegerTimes::Unit(_) => (true, Some(0)),
            IntegerTimes::Hours | IntegerTimes::Minutes | IntegerTimes::Seconds => (true, None),
        };
        let stamp = |(at, time): (usize, Option<NaiveDateTime>)| {
            let in_years = time.filter(|time| (1..=9999).contains(&chrono::Datelike::year(time)));
            let stamp = in_years.map(|local| Stamp {
                local,
                offset,
                has_clock,
            });
            stamp.ok_or_else(|| match numbers[at] {
                None => empty(name, role, at),
                Some(number) => {
                    let what = format!(
                        "`{number}` in row {} of the column `{name}` of `{role}` is no time",
                        at + 1
                    );
                    TaskError::new(what).help("say with `unit` what is counted from 1970: s, ms, us, ns or D; or excel")
                }
            })
        };
        times::read_integers(numbers, as_what)
            .into_iter()
            .enumerate()
            .map(stamp)
            .collect()
    }

    /// The numbers of a column of values.
    fn numbers(
        &self,
        context: &Context<'_>,
        held: &mut Held,
        at: usize,
        role: &str,
    ) -> Result<Vec<Option<f64>>, TaskError> {
        let name = held.heads[at].name.clone();
        let texts = match held.columns.get(&at) {
            Some(HeldColumn::Values(column)) => {
                let Ok(texts) = column.str() else {
                    let table = Table::of(column.clone().into_frame());
                    return Columns::of(context, &table, role).numbers(&name);
                };
                texts.iter().map(|text| text.map_or("", str::trim)).collect::<Vec<_>>()
            }
            Some(HeldColumn::Texts(texts)) => texts.iter().collect(),
            None => Vec::new(),
        };
        let is_comma = held.form.get("separator").is_some_and(|separator| separator != ",")
            && self.decimal.is_none()
            && self.thousands != Some(',')
            && has_decimal_comma(texts.iter().copied(), self.thousands);
        let form = self.number_form(if is_comma { ',' } else { '.' });
        let number =
            |(row, text): (usize, &&str)| form.read(text).ok_or_else(|| no_number(&form, text, row, &name, role));
        let numbers = texts.iter().enumerate().map(number).collect();
        held.form.insert("decimal", form.decimal.to_string());
        numbers
    }
}

/// Columns of a Parquet file.
struct FoundColumns {
    /// What was read.
    read: ParquetColumns,
    /// The columns by their places in the file.
    by_place: BTreeMap<usize, HeldColumn>,
    /// The bytes of the file.
    bytes: Vec<u8>,
}

/// The columns of a Parquet file at these places.
fn columns_at(
    context: &Context<'_>,
    bytes: Vec<u8>,
    (heads, places): (&[Head], &BTreeSet<usize>),
    role: &str,
) -> Result<FoundColumns, TaskError> {
    let limits = TableLimits::of(context);
    let wanted: BTreeSet<String> = places.iter().map(|at| heads[*at].name.clone()).collect();
    let read = parsed(context, move || {
        let read = parquet_table::read(&bytes, limits, |name| wanted.contains(name))?;
        Ok((read, bytes))
    });
    let (read, bytes) = read.map_err(|fault| fault.error(&format!("`{role}`"), FileKind::Parquet.name(), None))?;
    let column = |at: &usize| {
        let column = read.frame.column(&heads[*at].name).ok()?;
        Some((*at, HeldColumn::Values(column.clone())))
    };
    let by_place = places.iter().filter_map(column).collect();
    Ok(FoundColumns { read, by_place, bytes })
}

/// Refuses a file whose first line is a row: a column of times that nobody named is not called after a time.
fn refuse_no_header(layout: &Layout, heads: &[Head], said: &Said, role: &str) -> Result<(), TaskError> {
    let name = &heads[layout.time].name;
    let is_time = timestamp::parse(name, Some(timestamp::DateOrder::DayFirst)).is_some();
    match is_time && said.time.is_none() {
        false => Ok(()),
        true => Err(TaskError::new(format!(
            "`{role}` has no header: its first line has the time `{}` where the names of the columns have to be",
            short(name, LONGEST_NAME)
        ))
        .help("write the names of the columns into a line before it, as in `ds,y`")
        .help(format!(
            "if the column is called so, say it: `time = \"{}\"`",
            short(name, LONGEST_NAME)
        ))),
    }
}

/// A layout in which each column has a name of its own.
fn checked(found: Result<Layout, LayoutFault>, heads: &[Head], role: &str) -> Result<Layout, TaskError> {
    let layout = found.map_err(|fault| {
        let names: Vec<String> = heads.iter().map(|head| head.name.clone()).collect();
        let error = TaskError::new(format!("`{role}` {}", fault.what)).note(format!("its columns: {}", listed(&names)));
        fault.notes.into_iter().fold(error, TaskError::note).help(fault.help)
    })?;
    for at in layout.places() {
        let mut alike = (0..heads.len()).filter(|other| heads[*other].name == heads[at].name);
        if let (Some(first), Some(second)) = (alike.next(), alike.next()) {
            let (first, second, name) = (first + 1, second + 1, &heads[at].name);
            let what = format!("the columns {first} and {second} of `{role}` are both called `{name}`");
            return Err(TaskError::new(what).help("give each column a name of its own"));
        }
    }
    Ok(layout)
}

impl Layout {
    /// All columns that are needed.
    fn places(&self) -> impl Iterator<Item = usize> + '_ {
        self.ids.iter().chain([&self.time]).chain(&self.values).copied()
    }
}

pub(super) fn empty(name: &str, role: &str, at: usize) -> TaskError {
    TaskError::new(format!("the column `{name}` of `{role}` is empty in row {}", at + 1))
}

const NULL_WORD: &str = "if it is a word for no value, add it to `null_values`";

fn no_number(form: &NumberForm, text: &str, row: usize, name: &str, role: &str) -> TaskError {
    let shown = short(text, LONGEST_NAME);
    let error = TaskError::new(format!(
        "`{shown}` in row {} of the column `{name}` of `{role}` is no number",
        row + 1
    ));
    let has_digits = text.contains(|c: char| c.is_ascii_digit());
    let is_of_number = |c: char| c.is_ascii_digit() || c.is_whitespace() || "+-.,'’_".contains(c);
    match has_digits && text.chars().all(is_of_number) {
        true if form.thousands.is_none() => error.help(
            "if thousands are separated, say by what: `thousands = \",\"`; if the comma stands before the fraction, \
             `decimal = \",\"`",
        ),
        true => {
            error.help("say what stands before the fraction with `decimal`, and between thousands with `thousands`")
        }
        false if has_digits => error
            .help("write numbers without units, signs of currency and brackets")
            .help(NULL_WORD),
        false => error.help(NULL_WORD),
    }
}

/// How a file was read.
fn report(role: &str, kind: FileKind, held: &Held, ids: &Ids) -> Json {
    let names = |places: &[usize]| -> Vec<&str> { places.iter().map(|at| held.heads[*at].name.as_str()).collect() };
    let id = match held.layout.ids.is_empty() {
        true if held.layout.is_wide && !ids.is_said => json!("the columns of the values"),
        true => json!({ "constant": ids.names[0] }),
        false => json!(names(&held.layout.ids)),
    };
    json!({
        "file": role,
        "kind": kind.name(),
        "rows": held.rows,
        "columns": { "id": id, "time": held.heads[held.layout.time].name, "value": names(&held.layout.values) },
        "form": held.form,
    })
}
