//! One file as rows of series: its columns told apart, its times and numbers read, and what was guessed on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::RandomState;

use chrono::NaiveDateTime;
use polars_core::prelude::Column;
use serde_json::{Value as Json, json};

use super::super::columns::{self, Columns, listed};
use super::super::limits::{SizeLimit, TableLimits};
use super::super::parquet_table::{self, HeadKind, ParquetColumns};
use super::super::series::Observation;
use super::super::table::{LONGEST_NAME, Table, TableFault, parsed, short};
use super::super::timestamp;
use super::ids::{self, Ids};
use super::layout::{Head, Layout, LayoutFault, RowKeys, Said, layout};
use super::local_time::Zone;
use super::numbers::{NumberForm, has_decimal_comma};
use super::text_table::{self, TextColumn, TextForm, TextTable};
use super::unpack::{self, FileKind};
use crate::engine::task::{Context, TaskError};

/// Rows by which the kind of a column of texts is told.
const SAMPLE: usize = 200;

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

/// Columns of numbers at the times of a file, and how it was read.
pub(crate) struct FileColumns {
    /// The series that each row is of; none where nothing says one.
    pub(crate) ids: Option<Vec<String>>,
    pub(crate) times: Vec<NaiveDateTime>,
    /// By name, in the order of the file or as they were asked for.
    pub(crate) columns: Vec<(String, Vec<Option<f64>>)>,
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
    /// What was found out about how it is written.
    pub(super) form: BTreeMap<&'static str, String>,
    /// The zones that a Parquet file notes, by column.
    pub(super) zones: BTreeMap<String, String>,
}

impl FileReader {
    /// Reads the file of a role.
    pub(crate) fn read(&self, context: &Context<'_>, role: &str) -> Result<FileSeries, TaskError> {
        let (kind, mut held) = self.held(context, role)?;
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

    /// Reads the columns of numbers and truth values of a role: these, or all.
    pub(crate) fn read_columns(
        mut self,
        context: &Context<'_>,
        role: &str,
        wanted: Option<&[String]>,
    ) -> Result<FileColumns, TaskError> {
        self.said.every_number = true;
        self.said.values = wanted.map_or(self.said.values, <[String]>::to_vec);
        let (kind, mut held) = self.held(context, role)?;
        let ids = Ids::of(&held, role)?;
        let times = self.times(context, &mut held, &ids.of_row, role)?;
        let mut columns = Vec::with_capacity(held.layout.values.len());
        for (place, at) in held.layout.values.clone().into_iter().enumerate() {
            let name = wanted.map_or(&held.heads[at].name, |wanted| &wanted[place]).clone();
            columns.push((name, self.numbers(context, &mut held, at, role)?));
        }
        let mut report = report(role, kind, &held, &ids);
        if !ids.is_said {
            // A row is of all series, and its columns are none.
            report["columns"]["id"] = Json::Null;
        }
        let name_of_row = |place: &usize| ids.names[*place].clone();
        Ok(FileColumns {
            ids: ids.is_said.then(|| ids.of_row.iter().map(name_of_row).collect()),
            times,
            columns,
            report,
        })
    }

    /// The columns of a file that are needed.
    fn held(&self, context: &Context<'_>, role: &str) -> Result<(FileKind, Held), TaskError> {
        let holder = format!("`{role}`");
        let (kind, bytes) = unpack::read(context, context.input(role), &holder, SizeLimit::of(context))?;
        let held = match kind {
            FileKind::Parquet => self.parquet(context, bytes, role)?,
            FileKind::Delimited | FileKind::Json => self.texts(context, kind, bytes, role)?,
        };
        Ok((kind, held))
    }

    fn parquet(&self, context: &Context<'_>, bytes: Vec<u8>, role: &str) -> Result<Held, TaskError> {
        let (holder, limits) = (format!("`{role}`"), TableLimits::of(context));
        let help = "a file of text must end as such, in `.csv`, `.tsv`, `.txt` or `.json`";
        let fault = |fault: TableFault| fault.error(&holder, FileKind::Parquet.name(), Some(help));
        let (heads, bytes) =
            parsed(context, move || Ok((parquet_table::heads(&bytes, limits)?, bytes))).map_err(fault)?;
        let head = |(name, kind): (String, HeadKind)| Head {
            name,
            kind: match kind {
                HeadKind::Flag if self.said.every_number => HeadKind::Number,
                HeadKind::Flag => HeadKind::Other,
                kind => kind,
            },
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
                || self.said.every_number && columns::flag(text).is_some()
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
    pub(super) fn number_form(&self, decimal: char) -> NumberForm {
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
                    let columns = Columns::of(context, &table, role);
                    let flags = if self.said.every_number {
                        columns.flags(&name)?
                    } else {
                        None
                    };
                    return flags.map_or_else(|| columns.numbers(&name), Ok);
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
        let flag = |text: &str| columns::flag(text).filter(|_| self.said.every_number);
        let number = |(row, text): (usize, &&str)| {
            let read = form.read(text).or_else(|| flag(text).map(Some));
            read.ok_or_else(|| no_number(&form, text, row, &name, role))
        };
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
