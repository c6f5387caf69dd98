//! The columns of a table by name and type: texts, numbers, times; what is missing or of another type is told with its row.

use chrono::{DateTime, Datelike as _, NaiveDateTime};
use polars_core::prelude::{Column, DataFrame, DataType, TimeUnit};

use super::limits::TableLimits;
use super::table::{LONGEST_NAME, Table, short};
use super::times::{self, TimeFault};
use super::timestamp::{format_of_short_year, is_time_of_day, zone_name};
use crate::engine::task::{Context, TaskError};

/// Columns that a message names.
const NAMED: usize = 20;
/// Bytes of a name of a series, of a respondent or of a fuel.
const LONGEST_ID: usize = 1000;

/// The columns of a table.
pub(super) struct Columns<'a> {
    frame: &'a DataFrame,
    names: &'a [String],
    role: &'a str,
    limits: TableLimits,
}

impl<'a> Columns<'a> {
    /// Looks into the table that was read from the input `role`.
    pub(super) fn of(context: &Context<'_>, table: &'a Table, role: &'a str) -> Self {
        let (frame, names) = (&table.frame, &*table.names);
        let limits = TableLimits::of(context);
        Self {
            frame,
            names,
            role,
            limits,
        }
    }

    /// Whether there is a column of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.frame.column(name).is_ok()
    }

    /// A column by its name.
    pub(super) fn column(&self, name: &str) -> Result<&'a Column, TaskError> {
        let missing = || {
            let error = self.with_names(TaskError::new(format!("`{}` has no column `{name}`", self.role)));
            let example = match self.role {
                "raw" | "clean" => "reading = { time = \"date\", value = \"sold\" }".to_owned(),
                "known" | "baseline" => format!("reading = {{ {} = {{ time = \"date\" }} }}", self.role),
                _ => return error,
            };
            match ["unique_id", "ds", "y"].contains(&name) {
                true => error.help(format!(
                    "if it is a file of another form, say in `reading` which columns are what, as in `{example}`"
                )),
                false => error,
            }
        };
        self.frame.column(name).map_err(|_| missing())
    }

    /// An error on a table without any of some columns.
    pub(super) fn lacks_all(&self, names: &str) -> TaskError {
        self.with_names(TaskError::new(format!("`{}` has no columns {names}", self.role)))
            .help("read the file with the task `ingest_file`, which takes any columns, or say in `reading` which they are")
    }

    fn with_names(&self, error: TaskError) -> TaskError {
        error.note(format!("its columns: {}", listed(self.names)))
    }

    fn wrong(&self, name: &str, wanted: &str, column: &Column) -> TaskError {
        TaskError::new(format!(
            "the column `{name}` of `{}` must hold {wanted}; it holds {}",
            self.role,
            column.dtype()
        ))
    }

    fn missing(&self, name: &str, at: usize) -> TaskError {
        TaskError::new(format!(
            "the column `{name}` of `{}` is empty in row {}",
            self.role,
            at + 1
        ))
    }

    /// A column of texts, none of them missing.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>, TaskError> {
        let column = self.column(name)?;
        let column = match column.dtype() {
            DataType::String => column.clone(),
            kind if kind.is_integer() => column
                .cast(&DataType::String)
                .map_err(|_| self.wrong(name, "texts", column))?,
            _ => return Err(self.wrong(name, "texts", column)),
        };
        let texts = column.str().map_err(|_| self.wrong(name, "texts", &column))?;
        // A file can hold a text once and name it in each row; here each row has its own.
        let bytes: u64 = texts.iter().flatten().map(|text| text.len() as u64).sum();
        if bytes > self.limits.bytes() {
            return Err(self
                .limits
                .size()
                .in_input(&format!("the column `{name}` of `{}`", self.role)));
        }
        let owned = |(at, text): (usize, Option<&str>)| match text {
            None => Err(self.missing(name, at)),
            Some(text) if text.len() > LONGEST_ID => {
                let (row, role, length) = (at + 1, self.role, text.len());
                let what = format!("the text in row {row} of the column `{name}` of `{role}` has {length} bytes");
                Err(TaskError::new(what).note(format!("a name has {LONGEST_ID} at most")))
            }
            Some(text) => Ok(text.to_owned()),
        };
        texts.iter().enumerate().map(owned).collect()
    }

    /// A column of numbers; a field of a CSV file that is empty or says that it has none is a missing one.
    pub(super) fn numbers(&self, name: &str) -> Result<Vec<Option<f64>>, TaskError> {
        let column = self.column(name)?;
        if let Ok(texts) = column.str() {
            let number = |(at, text): (usize, Option<&str>)| match text.map(str::trim) {
                None => Ok(None),
                Some(text) if is_missing(text) => Ok(None),
                Some(text) => text.parse().map(Some).map_err(|_| {
                    let what = format!(
                        "`{}` in row {} of the column `{name}` of `{}` is no number",
                        short(text, LONGEST_NAME),
                        at + 1,
                        self.role
                    );
                    TaskError::new(what)
                }),
            };
            return texts.iter().enumerate().map(number).collect();
        }
        let is_number = column.dtype().is_primitive_numeric();
        let floats = column.cast(&DataType::Float64).ok().filter(|_| is_number);
        let floats = floats.ok_or_else(|| match column.dtype() {
            DataType::Boolean => self
                .wrong(name, "numbers", column)
                .help("write 1 for true and 0 for false"),
            _ => self.wrong(name, "numbers", column),
        })?;
        Ok(floats
            .f64()
            .map_err(|_| self.wrong(name, "numbers", column))?
            .iter()
            .collect())
    }

    /// A column of truth values, as 1 and 0; `None` for one of anything else. A CSV file has `true` and `false` as words.
    pub(super) fn flags(&self, name: &str) -> Result<Option<Vec<Option<f64>>>, TaskError> {
        let column = self.column(name)?;
        let number = |flag: Option<bool>| flag.map(|flag| f64::from(u8::from(flag)));
        if let Ok(flags) = column.bool() {
            return Ok(Some(flags.iter().map(number).collect()));
        }
        let Ok(texts) = column.str() else { return Ok(None) };
        let texts = texts.iter().map(|text| text.map_or("", str::trim));
        let flag = |text: &str| match is_missing(text) {
            true => Some(None),
            false => flag(text).map(Some),
        };
        let flags: Option<Vec<Option<f64>>> = texts.map(flag).collect();
        Ok(flags.filter(|flags| flags.iter().any(Option::is_some)))
    }

    /// A column of times in UTC, none of them missing; whole numbers count from 1970, in the unit that their size says.
    pub(super) fn times(&self, name: &str) -> Result<Vec<NaiveDateTime>, TaskError> {
        let column = self.column(name)?;
        if let Ok(texts) = column.str() {
            let texts: Vec<&str> = texts.iter().map(|text| text.map_or("", str::trim)).collect();
            let stamps = times::read(&texts, None).map_err(|fault| self.no_time(name, &texts, fault))?;
            return Ok(times::settled(&stamps));
        }
        let moments: Vec<Option<NaiveDateTime>> = match column.dtype() {
            kind if kind.is_integer() => times::of_integers(&integers(column)),
            DataType::Datetime(..) | DataType::Date => {
                let as_micros = DataType::Datetime(TimeUnit::Microseconds, None);
                let wrong = |_| self.wrong(name, "times", column);
                let micros = column.cast(&as_micros).map_err(wrong)?;
                let micros = micros.datetime().map_err(wrong)?.physical().iter();
                micros
                    .map(|micros| Some(DateTime::from_timestamp_micros(micros?)?.naive_utc()))
                    .collect()
            }
            _ => return Err(self.wrong(name, "times", column)),
        };
        let is_there = column.is_not_null();
        let checked = |((at, time), is_there): ((usize, Option<NaiveDateTime>), Option<bool>)| {
            let time = time.filter(|time| (1..=9999).contains(&time.year()));
            time.ok_or_else(|| match is_there {
                Some(true) => beyond_years(name, self.role, at),
                _ => self.missing(name, at),
            })
        };
        moments
            .into_iter()
            .enumerate()
            .zip(is_there.iter())
            .map(checked)
            .collect()
    }

    /// The error on texts that are no times.
    pub(super) fn no_time(&self, name: &str, texts: &[&str], fault: TimeFault) -> TaskError {
        let place = |at: usize| {
            let text = short(texts[at], LONGEST_NAME);
            format!("`{text}` in row {} of the column `{name}` of `{}`", at + 1, self.role)
        };
        let by_format = "or say with `format` of the task `ingest_file` how they are written, as in \"%d/%m/%Y\"";
        match fault {
            TimeFault::NoTime(at) if texts[at].is_empty() => self.missing(name, at),
            TimeFault::NoTime(at) if times::is_of_powers(texts[at]) => TaskError::new(format!(
                "{} is a number in powers of ten, of which digits may be lost",
                place(at)
            ))
            .help("write it whole, as in 1700000000: spreadsheets shorten what they show"),
            TimeFault::NoTime(at) if is_time_of_day(texts[at]) => {
                TaskError::new(format!("{} is a time of day without its day", place(at)))
                    .help("write both in one column, as in 2023-06-01 14:00:00")
            }
            TimeFault::NoTime(at) if zone_name(texts[at]).is_some() => {
                let name = zone_name(texts[at]).unwrap_or_default();
                TaskError::new(format!(
                    "{} has the zone `{name}`, a name that several zones have",
                    place(at)
                ))
                .help("write how far it is from UTC instead, as in 2023-06-01 14:00:00-05:00")
                .help("or leave it out, and say with `time_zone` of the task `ingest_file` where the clock stands")
            }
            TimeFault::NoTime(at) if format_of_short_year(texts[at]).is_some() => {
                let format = format_of_short_year(texts[at]).unwrap_or_default();
                TaskError::new(format!("{} has no year of four digits", place(at))).help(format!(
                    "write it with four, as in 2023-06-01 14:00:00, or say with `format` of the task `ingest_file` how it is \
                     written, as in \"{format}\""
                ))
            }
            TimeFault::NoTime(at) if texts[at].bytes().all(|byte| byte.is_ascii_digit()) => {
                let help = "if times are counted from 1970, say with `unit` of the task `ingest_file` in what: s, ms, us, ns or D; \
                            `unit = \"excel\"` is for the days that Excel counts";
                TaskError::new(format!("{} is no time", place(at))).help(help)
            }
            TimeFault::NoTime(at) => TaskError::new(format!("{} is no time", place(at)))
                .help(format!("write it as in 2023-06-01 14:00:00, in UTC, {by_format}")),
            TimeFault::SplitYears => TaskError::new(format!(
                "{} is a year that ends in the next one, as in every row, or a month",
                place(0)
            ))
            .help(format!(
                "write the year alone in which each begins, as in {}",
                &texts[0][..4]
            ))
            .help(format!(
                "if they are months, {}",
                by_format.trim_start_matches("or ").replace("%d/%m/%Y", "%Y-%m")
            )),
            TimeFault::EitherOrder(at) => {
                TaskError::new(format!("{} has a day and a month that could be each other", place(at)))
                    .note("no row has a number above 12 in either place")
                    .help(format!("write them as in 2023-06-01, {by_format}"))
            }
            TimeFault::BothOrders(first, second) => TaskError::new(format!(
                "{} begins with a day, and {} with a month",
                place(first),
                place(second)
            ))
            .help("write all times in one form, as in 2023-06-01"),
        }
    }
}

/// The error on a time that no task can have.
pub(super) fn beyond_years(name: &str, role: &str, at: usize) -> TaskError {
    TaskError::new(format!(
        "the time in row {} of the column `{name}` of `{role}` is not within the years 1 to 9999",
        at + 1
    ))
}

/// Whether a column is the index without a name of a table of pandas, which counts rows and says nothing of them.
pub(super) fn is_unnamed_index(name: &str) -> bool {
    name.is_empty() || name == "Unnamed: 0" || name.starts_with("__index_level_")
}

/// The word of a truth value, as 1 or 0.
pub(super) fn flag(text: &str) -> Option<f64> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Some(1.0),
        _ if text.eq_ignore_ascii_case("false") => Some(0.0),
        _ => None,
    }
}

/// The first of some names, for a message.
pub(super) fn listed(names: &[String]) -> String {
    let some: Vec<_> = names.iter().take(NAMED).map(|name| short(name, LONGEST_NAME)).collect();
    let more = if names.len() > some.len() { ", …" } else { "" };
    format!("{}{more}", some.join(", "))
}

/// The values of a column of whole numbers; one beyond 64 bits is none.
pub(super) fn integers(column: &Column) -> Vec<Option<i64>> {
    let numbers = column.cast(&DataType::Int64).ok();
    let numbers = numbers.as_ref().and_then(|column| column.i64().ok());
    numbers.map_or_else(|| vec![None; column.len()], |numbers| numbers.iter().collect())
}

/// Whether a field of a CSV file says that there is no value: R's, pandas', SQL's and SAS's way, and those of the EIA, whose
/// `w` is a value that is withheld.
pub(super) fn is_missing(text: &str) -> bool {
    let words = ["", ".", "-", "--", "w", "na", "n/a", "null", "none"];
    words.iter().any(|word| text.eq_ignore_ascii_case(word))
}
