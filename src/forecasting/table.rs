//! Tables in files: written to the same bytes whatever the thread count, read from Parquet or CSV.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufWriter, Cursor, Write as _};
use std::path::Path;

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime};
use polars::prelude::{
    ArrowDataType, ArrowField, ArrowSchema, Column, DataFrame, DataType, IntoColumn as _, NamedFrom as _, PolarsError,
    Series as Values, TimeUnit,
};
use polars_io::SerReader as _;
use polars_io::prelude::{
    CsvReadOptions, CsvWriter, KeyValueMetadata, ParquetCompression, ParquetReader, ParquetWriter, SerWriter as _,
    StatisticsOptions,
};

use super::csv_form::{self, CsvFault};
use super::data_file;
use super::limits::{Excess, SizeLimit, TableLimits};
use super::parquet_check::{self, ParquetFault};
use crate::aside::{AsideError, aside};
use crate::engine::run_id::RUN_ID_PLACEHOLDER;
use crate::engine::task::{Context, TaskError};

/// The footer's entry for the run's id.
pub(crate) const RUN_ID_KEY: &str = "atsaf.run_id";
/// The footer's entry for the target's name.
pub(crate) const TARGET_KEY: &str = "atsaf.target";

/// Fixed, so that the bytes depend on the rows alone; with it a table of any number of rows is read in parts.
const ROW_GROUP: usize = 1 << 17;

/// A table in the making: columns in order, rows already sorted by whoever makes it.
#[derive(Default)]
pub(crate) struct ParquetTable {
    columns: Vec<Column>,
}

impl ParquetTable {
    /// Adds columns that there are already.
    #[must_use]
    pub(crate) fn columns(mut self, columns: impl IntoIterator<Item = Column>) -> Self {
        self.columns.extend(columns);
        self
    }

    /// Adds a column of texts.
    #[must_use]
    pub(crate) fn texts<'a>(mut self, name: &str, values: impl IntoIterator<Item = Option<&'a str>>) -> Self {
        let values: Vec<Option<&str>> = values.into_iter().collect();
        self.columns.push(Values::new(name.into(), values).into_column());
        self
    }

    /// Adds a column of numbers.
    #[must_use]
    pub(crate) fn numbers(mut self, name: &str, values: impl IntoIterator<Item = Option<f64>>) -> Self {
        let values: Vec<Option<f64>> = values.into_iter().collect();
        self.columns.push(Values::new(name.into(), values).into_column());
        self
    }

    /// Adds a column of whole numbers.
    #[must_use]
    pub(crate) fn counts(mut self, name: &str, values: impl IntoIterator<Item = Option<u32>>) -> Self {
        let values: Vec<Option<u32>> = values.into_iter().collect();
        self.columns.push(Values::new(name.into(), values).into_column());
        self
    }

    /// Adds a column of times in UTC, stored in microseconds without a zone, as pandas and statsforecast want `ds`.
    #[must_use]
    pub(crate) fn times(mut self, name: &str, values: impl IntoIterator<Item = NaiveDateTime>) -> Self {
        let values: Vec<i64> = values
            .into_iter()
            .map(|time| time.and_utc().timestamp_micros())
            .collect();
        let column = Values::new(name.into(), values)
            .cast(&DataType::Datetime(TimeUnit::Microseconds, None))
            .unwrap_or_else(|error| panic!("internal error: microseconds are no times: {error}"));
        self.columns.push(column.into_column());
        self
    }

    /// The whole of the artifact `name` as a frame.
    pub(crate) fn into_frame(self, name: &str) -> DataFrame {
        let height = self.columns.first().map_or(0, Column::len);
        let mut frame = DataFrame::new(height, self.columns)
            .unwrap_or_else(|error| panic!("internal error: the columns of `{name}` do not fit: {error}"));
        frame.rechunk_mut();
        frame
    }

    /// Writes it as the Parquet artifact `name`.
    ///
    /// # Errors
    /// [`TaskError`] if the file cannot be written.
    pub(crate) fn write(self, context: &Context<'_>, name: &str) -> Result<(), TaskError> {
        let mut frame = self.into_frame(name);
        let metadata = [(RUN_ID_KEY, RUN_ID_PLACEHOLDER), (TARGET_KEY, context.target)];
        let metadata = metadata.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let path = context.output(name);
        let mut file = create(path)?;
        ParquetWriter::new(&mut file)
            // Zstandard's own default level, 3.
            .with_compression(ParquetCompression::Zstd(None))
            .with_row_group_size(Some(ROW_GROUP))
            .with_statistics(StatisticsOptions::default())
            .with_key_value_metadata(Some(KeyValueMetadata::from_static(metadata)))
            .set_parallel(false)
            .finish(&mut frame)
            .map_err(|error| unwritable(path, error))?;
        file.flush().map_err(|error| unwritable(path, error))
    }
}

/// Writes a frame as the CSV artifact `name`, with a line for the names.
///
/// # Errors
/// [`TaskError`] if the file cannot be written.
pub(crate) fn write_csv(context: &Context<'_>, name: &str, frame: &mut DataFrame) -> Result<(), TaskError> {
    let path = context.output(name);
    let mut file = create(path)?;
    CsvWriter::new(&mut file)
        .n_threads(1)
        .finish(frame)
        .map_err(|error| unwritable(path, error))?;
    file.flush().map_err(|error| unwritable(path, error))
}

/// A frame as CSV, with a line for the names.
///
/// # Errors
/// [`TaskError`] if it cannot be written so.
pub(crate) fn csv_bytes(frame: &mut DataFrame) -> Result<Vec<u8>, TaskError> {
    let mut bytes = Vec::new();
    CsvWriter::new(&mut bytes)
        .n_threads(1)
        .finish(frame)
        .map_err(|error| TaskError::new(format!("cannot write a table as CSV: {error}")))?;
    Ok(bytes)
}

/// Opens a staged output to be written.
pub(super) fn create(path: &Path) -> Result<BufWriter<File>, TaskError> {
    File::create(path)
        .map(BufWriter::new)
        .map_err(|error| unwritable(path, error))
}

/// A staged output that cannot be written.
pub(super) fn unwritable(path: &Path, error: impl std::fmt::Display) -> TaskError {
    TaskError::new(format!("cannot write `{}`: {error}", file_name(path)))
}

/// Reads the input `role`: Parquet, or CSV if its name ends in `.csv` or `.csv.gz`; the columns of a CSV file are texts.
///
/// # Errors
/// [`TaskError`] if the file cannot be read, is not what its name says or larger than the task's limits, or if the
/// attempt ends meanwhile.
pub(crate) fn read(context: &Context<'_>, role: &str) -> Result<DataFrame, TaskError> {
    let path = context.input(role);
    let (holder, limits) = (format!("`{role}`"), TableLimits::of(context));
    let bytes = data_file::read(context, path, &holder, SizeLimit::of(context))?;
    let name = file_name(path);
    let plain = name.strip_suffix(".gz").unwrap_or(&name);
    let is_csv = Path::new(plain)
        .extension()
        .is_some_and(|end| end.eq_ignore_ascii_case("csv"));
    let (kind, parse): (_, Parse) = match is_csv {
        true => ("CSV", csv),
        false => ("Parquet", parquet),
    };
    let unreadable = |why: &str| {
        let error = TaskError::new(format!(
            "{holder} is not readable as {kind}: {}",
            short(why, LONGEST_FAULT)
        ));
        match is_csv {
            true => error,
            false => error.help("a file of comma-separated values must end in `.csv` or `.csv.gz`"),
        }
    };
    match aside(context.cancelled, move || parse(bytes, limits)) {
        Ok(Ok(frame)) => Ok(frame),
        Ok(Err(TableFault::Unreadable(why))) => Err(unreadable(&why)),
        Ok(Err(TableFault::Form(fault))) => Err(unreadable(&fault.why()).help(fault.help())),
        Ok(Err(TableFault::Over(excess))) => Err(excess.in_input(&holder)),
        Ok(Err(TableFault::Categories(column))) => {
            let what = format!(
                "the column `{}` of {holder} holds categories",
                short(&column, LONGEST_NAME)
            );
            Err(TaskError::new(what).help("write it as text: in pandas, with `astype(str)`"))
        }
        Err(AsideError::Stopped) => Err(TaskError::stopped()),
        Err(AsideError::Failed(why)) => Err(unreadable(&format!("its reader gave up: {why}"))),
    }
}

/// What makes a table of the bytes of a file.
type Parse = fn(Vec<u8>, TableLimits) -> Result<DataFrame, TableFault>;

/// Why a file is not the table of an input.
enum TableFault {
    Unreadable(String),
    Over(Excess),
    /// The name of a column.
    Categories(String),
    /// A CSV file that is none, or that was cut.
    Form(CsvFault),
}

impl From<PolarsError> for TableFault {
    fn from(error: PolarsError) -> Self {
        Self::Unreadable(error.to_string())
    }
}

impl From<ParquetFault> for TableFault {
    fn from(fault: ParquetFault) -> Self {
        match fault {
            ParquetFault::Broken(why) => Self::Unreadable(why),
            ParquetFault::Over(excess) => Self::Over(excess),
        }
    }
}

fn csv(mut bytes: Vec<u8>, limits: TableLimits) -> Result<DataFrame, TableFault> {
    let names = memchr::memchr(b'\n', &bytes).map_or(&*bytes, |end| &bytes[..end]);
    let columns = 1 + memchr::memchr_iter(b',', names).count() as u64;
    let (mut lines, mut begin) = (0_u64, 0);
    for end in memchr::memchr_iter(b'\n', &bytes).chain([bytes.len()]) {
        TableLimits::line(end - begin).map_err(TableFault::Over)?;
        lines += u64::from(end < bytes.len() || end > begin);
        begin = (end + 1).min(bytes.len());
    }
    TableLimits::columns(columns).map_err(TableFault::Over)?;
    limits.rows(lines.saturating_sub(1)).map_err(TableFault::Over)?;
    limits.values(lines.saturating_mul(columns)).map_err(TableFault::Over)?;
    let length = csv_form::checked(&bytes).map_err(TableFault::Form)?.len();
    bytes.truncate(length);
    let reader = CsvReadOptions::default()
        .with_infer_schema_length(Some(0))
        .into_reader_with_file_handle(Cursor::new(bytes));
    Ok(reader.finish()?)
}

fn parquet(bytes: Vec<u8>, limits: TableLimits) -> Result<DataFrame, TableFault> {
    let mut file = Cursor::new(bytes);
    parquet_check::check(&mut file, limits)?;
    let mut reader = ParquetReader::new(file);
    let schema = reader.schema()?;
    if let Some(column) = categories(&schema) {
        return Err(TableFault::Categories(column.to_owned()));
    }
    Ok(reader.finish()?)
}

/// A column that is stored as codes of categories, of which the reader knows nothing.
fn categories(schema: &ArrowSchema) -> Option<&str> {
    let is_coded = |field: &&ArrowField| matches!(field.dtype, ArrowDataType::Dictionary(..));
    schema.iter_values().find(is_coded).map(|field| field.name.as_str())
}

/// The last part of a path: what a message can name without revealing where an attempt is staged.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}

/// So much of a text from a file stands in a message.
pub(super) fn short(text: &str, longest: usize) -> Cow<'_, str> {
    match text.char_indices().nth(longest) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
    }
}

/// Characters of a name or a value that a message quotes.
pub(super) const LONGEST_NAME: usize = 60;
/// Characters of another library's message.
const LONGEST_FAULT: usize = 300;
/// Columns that a message names.
const NAMED: usize = 20;
/// Bytes of a name of a series, of a respondent or of a fuel.
const LONGEST_ID: usize = 1000;

/// The columns of a table by name and type.
pub(super) struct Columns<'a> {
    frame: &'a DataFrame,
    role: &'a str,
    limits: TableLimits,
}

impl<'a> Columns<'a> {
    /// Looks into the frame that was read from the input `role`.
    pub(super) fn of(context: &Context<'_>, frame: &'a DataFrame, role: &'a str) -> Self {
        let limits = TableLimits::of(context);
        Self { frame, role, limits }
    }

    /// Whether there is a column of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.frame.column(name).is_ok()
    }

    fn column(&self, name: &str) -> Result<&'a Column, TaskError> {
        let missing = || self.with_names(TaskError::new(format!("`{}` has no column `{name}`", self.role)));
        self.frame.column(name).map_err(|_| missing())
    }

    /// An error on a table without any of some columns.
    pub(super) fn lacks_all(&self, names: &str) -> TaskError {
        self.with_names(TaskError::new(format!("`{}` has no columns {names}", self.role)))
    }

    fn with_names(&self, error: TaskError) -> TaskError {
        let all = self.frame.get_column_names();
        let names: Vec<_> = all.iter().take(NAMED).map(|name| short(name, LONGEST_NAME)).collect();
        let more = if all.len() > names.len() { ", …" } else { "" };
        error.note(format!("its columns: {}{more}", names.join(", ")))
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
        let floats = floats.ok_or_else(|| self.wrong(name, "numbers", column))?;
        Ok(floats
            .f64()
            .map_err(|_| self.wrong(name, "numbers", column))?
            .iter()
            .collect())
    }

    /// A column of times in UTC, none of them missing.
    pub(super) fn times(&self, name: &str) -> Result<Vec<NaiveDateTime>, TaskError> {
        let column = self.column(name)?;
        if let Ok(texts) = column.str() {
            let time = |(at, text): (usize, Option<&str>)| match text.map(str::trim) {
                None | Some("") => Err(self.missing(name, at)),
                Some(text) => parse_time(text).ok_or_else(|| {
                    let (fault, help) = match has_short_year(text) {
                        true => (
                            "has no year of four digits",
                            "write it with four, as in 2023-06-01 14:00:00",
                        ),
                        false => ("is no time", "write it as in 2023-06-01 14:00:00, in UTC"),
                    };
                    let what = format!(
                        "`{}` in row {} of the column `{name}` of `{}` {fault}",
                        short(text, LONGEST_NAME),
                        at + 1,
                        self.role
                    );
                    TaskError::new(what).help(help)
                }),
            };
            return texts.iter().enumerate().map(time).collect();
        }
        let as_micros = DataType::Datetime(TimeUnit::Microseconds, None);
        let is_time = matches!(column.dtype(), DataType::Datetime(..) | DataType::Date);
        let times = column.cast(&as_micros).ok().filter(|_| is_time);
        let times = times.ok_or_else(|| self.wrong(name, "times", column))?;
        let micros = times.datetime().map_err(|_| self.wrong(name, "times", column))?;
        let time = |(at, micros): (usize, Option<i64>)| {
            let time = micros.and_then(DateTime::from_timestamp_micros);
            let time = time.map(|time| time.naive_utc()).filter(|time| is_in_years(*time));
            time.ok_or_else(|| match micros {
                None => self.missing(name, at),
                Some(_) => TaskError::new(format!(
                    "the time in row {} of the column `{name}` of `{}` is not within the years 1 to 9999",
                    at + 1,
                    self.role
                )),
            })
        };
        micros.physical().iter().enumerate().map(time).collect()
    }
}

/// Whether a field of a CSV file says that there is no value: R's, pandas', SQL's and SAS's way, and those of the EIA, whose
/// `w` is a value that is withheld.
fn is_missing(text: &str) -> bool {
    let words = ["", ".", "-", "--", "w", "na", "n/a", "null", "none"];
    words.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Reads a time in UTC as people and other tools write it.
pub(super) fn parse_time(text: &str) -> Option<NaiveDateTime> {
    let formats = [
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%d %H:%M",
        "%Y-%m-%dT%H:%M",
    ];
    // `24-01-02` may be a day of 2024, or of 2002.
    if has_short_year(text) {
        return None;
    }
    let text = text
        .strip_suffix('Z')
        .or_else(|| text.strip_suffix("+00:00"))
        .unwrap_or(text);
    let time = formats
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    let time = time.or_else(|| {
        text.parse::<NaiveDate>()
            .ok()
            .and_then(|date| date.and_hms_opt(0, 0, 0))
    });
    time.filter(|time| is_in_years(*time))
}

/// Whether a time begins with a number of fewer than four digits, where its year would stand.
fn has_short_year(text: &str) -> bool {
    let first = text.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    (1..4).contains(&first.len()) && text[first.len()..].starts_with(['-', '/', '.'])
}

/// Whether a time lies where calendars agree, far from where times end.
fn is_in_years(time: NaiveDateTime) -> bool {
    (1..=9999).contains(&time.year())
}
