//! The times of one file: texts in the form that all rows have, moments, or numbers that count, in UTC or as clocks show them.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDateTime};
use polars_core::prelude::{Column, DataFrame, DataType, TimeUnit};

use super::super::columns::{self, Columns};
use super::super::table::{LONGEST_NAME, Table, short};
use super::super::times::{self, IntegerTimes, TimeFault};
use super::super::timestamp::Stamp;
use super::local_time::{Zone, to_utc};
use super::series_of_file::{FileReader, Held, HeldColumn, empty};
use crate::engine::task::{Context, TaskError};

/// What is told of times that are kept as local ones.
const AS_SHOWN: &str = "as the clocks show them: each row has the same time of day";

impl FileReader {
    /// The times of the rows, in UTC, or as clocks show them where all of them show the same time of day.
    pub(super) fn times(
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
        let is_long = |text: &&&str| text.len() >= 9 && times::whole(text).is_some();
        // If most are, one that is not is a slip, and is told with its row.
        let are_long = texts.iter().filter(is_long).count() * 2 > texts.len();
        let mut no_number = None;
        if self.format.is_none() && !texts.is_empty() && (self.unit.is_some() || are_long) {
            let numbers: Vec<Option<i64>> = texts.iter().map(|text| times::whole(text)).collect();
            let is_text = |at: &usize| numbers[*at].is_none() && !texts[*at].is_empty();
            no_number = (0..texts.len()).find(is_text).filter(|_| are_long);
            if no_number.is_none() {
                return self.counted(&mut held.form, &numbers, name, role);
            }
        }
        let table = Table {
            frame: DataFrame::empty(),
            names: Vec::new(),
        };
        let columns = Columns::of(context, &table, role);
        let read = no_number.map_or_else(
            || times::read(&texts, self.format.as_deref()),
            |at| Err(TimeFault::NoTime(at)),
        );
        read.map_err(|fault| match (&self.format, fault) {
            (Some(format), TimeFault::NoTime(at)) if !texts[at].is_empty() => {
                let (text, row) = (short(texts[at], LONGEST_NAME), at + 1);
                let what =
                    format!("`{text}` in row {row} of the column `{name}` of `{role}` is not written as `{format}`");
                TaskError::new(what).help("correct `format`, or leave it out to have the form found")
            }
            (_, fault) => columns.no_time(name, &texts, fault),
        })
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
        let is_there = column.is_not_null();
        let stamp = |((at, micros), is_there): ((usize, Option<i64>), Option<bool>)| {
            let time = micros
                .and_then(DateTime::from_timestamp_micros)
                .map(|time| time.naive_utc());
            let in_years = time.filter(|time| (1..=9999).contains(&chrono::Datelike::year(time)));
            let stamp = in_years.map(|local| Stamp {
                local,
                offset: is_utc.then_some(0),
                has_clock,
            });
            stamp.ok_or_else(|| match is_there {
                Some(true) => columns::beyond_years(name, role, at),
                _ => empty(name, role, at),
            })
        };
        micros.enumerate().zip(is_there.iter()).map(stamp).collect()
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
}
