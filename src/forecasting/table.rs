//! Tables in files: written to the same bytes whatever the thread count, read from Parquet or CSV.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufWriter, Cursor, Write};
use std::path::Path;

use chrono::NaiveDateTime;
use polars_core::prelude::{
    Column, DataFrame, DataType, IntoColumn as _, NamedFrom as _, PolarsError, Series as Values, TimeUnit,
};
use polars_io::SerReader as _;
use polars_io::prelude::{
    CsvReadOptions, CsvWriter, KeyValueMetadata, ParquetCompression, ParquetWriter, SerWriter as _, StatisticsOptions,
};

use super::csv_form::{self, CsvFault};
use super::data_file;
use super::limits::{Excess, SizeLimit, TableLimits};
use super::parquet_check::ParquetFault;
use super::parquet_table::{self, ColumnFault};
use crate::aside::{AsideError, NO_THREAD_HELP, aside};
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
        let metadata = [(RUN_ID_KEY, RUN_ID_PLACEHOLDER), (TARGET_KEY, context.target)];
        let metadata = metadata.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        self.write_with(context.output(name), Some(KeyValueMetadata::from_static(metadata)))
    }

    /// Writes it as a Parquet file that is no artifact.
    ///
    /// # Errors
    /// [`TaskError`] if the file cannot be written.
    pub(super) fn write_at(self, path: &Path) -> Result<(), TaskError> {
        self.write_with(path, None)
    }

    fn write_with(self, path: &Path, metadata: Option<KeyValueMetadata>) -> Result<(), TaskError> {
        let mut frame = self.into_frame(&file_name(path));
        let mut file = create(path)?;
        ParquetWriter::new(&mut file)
            // Zstandard's own default level, 3.
            .with_compression(ParquetCompression::Zstd(None))
            .with_row_group_size(Some(ROW_GROUP))
            .with_statistics(StatisticsOptions::default())
            .with_key_value_metadata(metadata)
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
    csv_to(&mut file, frame, None).map_err(|error| unwritable(path, error))?;
    file.flush().map_err(|error| unwritable(path, error))
}

/// Writes a frame as a CSV file that is no artifact, with a line for the names and times as in 2023-06-01T14:00:00.
///
/// # Errors
/// [`TaskError`] if the file cannot be written.
pub(super) fn write_csv_at(path: &Path, frame: &mut DataFrame) -> Result<(), TaskError> {
    let mut file = create(path)?;
    csv_to(&mut file, frame, Some("%Y-%m-%dT%H:%M:%S%.f")).map_err(|error| unwritable(path, error))?;
    file.flush().map_err(|error| unwritable(path, error))
}

/// A frame as CSV, with a line for the names.
///
/// # Errors
/// [`TaskError`] if it cannot be written so.
pub(crate) fn csv_bytes(frame: &mut DataFrame) -> Result<Vec<u8>, TaskError> {
    let mut bytes = Vec::new();
    csv_to(&mut bytes, frame, None).map_err(|error| TaskError::new(format!("cannot write a table as CSV: {error}")))?;
    Ok(bytes)
}

/// Writes a frame as CSV, with a line for the names and its times in the format, else with as many digits as their unit has.
pub(super) fn csv_to(out: impl Write, frame: &DataFrame, times: Option<&str>) -> Result<(), PolarsError> {
    let texts = |column: &Column| {
        let values = column.as_materialized_series();
        let texts = match column.dtype() {
            DataType::Date => values.date()?.to_string("%F")?,
            DataType::Datetime(unit, _) => values.datetime()?.to_string(times.unwrap_or(match unit {
                TimeUnit::Milliseconds => "%FT%T.%3f",
                TimeUnit::Microseconds => "%FT%T.%6f",
                TimeUnit::Nanoseconds => "%FT%T.%9f",
            }))?,
            _ => return Ok(column.clone()),
        };
        Ok(texts.into_column())
    };
    let columns = frame.columns().iter().map(texts).collect::<Result<_, PolarsError>>()?;
    let mut frame = DataFrame::new(frame.height(), columns)?;
    CsvWriter::new(out).n_threads(1).finish(&mut frame)
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

/// A table that was read, and the names of all columns that its file has.
pub(crate) struct Table {
    /// The columns that were asked for, as far as they are there.
    pub(crate) frame: DataFrame,
    /// The names of all.
    pub(crate) names: Vec<String>,
}

impl Table {
    /// A table of these columns and no others.
    pub(crate) fn of(frame: DataFrame) -> Self {
        let names = frame.get_column_names().iter().map(ToString::to_string).collect();
        Self { frame, names }
    }
}

/// Reads the input `role`: Parquet, or CSV if its name ends in `.csv` or `.csv.gz`; the columns of a CSV file are texts.
///
/// # Errors
/// [`TaskError`] if the file cannot be read, is not what its name says or larger than the task's limits, if it has a column
/// that no task can read, or if the attempt ends meanwhile.
pub(crate) fn read(context: &Context<'_>, role: &str) -> Result<DataFrame, TaskError> {
    read_wanted(context, role, |_| true).map(|table| table.frame)
}

/// As [`read`], only the columns of these names, as far as they are there; of a Parquet file nothing else is read.
///
/// # Errors
/// As those of [`read`].
pub(crate) fn read_columns(
    context: &Context<'_>,
    role: &str,
    names: &'static [&'static str],
) -> Result<Table, TaskError> {
    read_wanted(context, role, |name| names.contains(&name))
}

/// As [`read`], only the columns whose names are wanted.
///
/// # Errors
/// As those of [`read`].
pub(crate) fn read_wanted(
    context: &Context<'_>,
    role: &str,
    is_wanted: impl Fn(&str) -> bool + Send + 'static,
) -> Result<Table, TaskError> {
    read_file(context, context.input(role), &format!("`{role}`"), is_wanted)
}

/// Reads the wanted columns of a file, which errors call `holder`; otherwise as [`read`].
///
/// # Errors
/// As those of [`read`].
pub(super) fn read_file(
    context: &Context<'_>,
    path: &Path,
    holder: &str,
    is_wanted: impl Fn(&str) -> bool + Send + 'static,
) -> Result<Table, TaskError> {
    let limits = TableLimits::of(context);
    let bytes = data_file::read(context, path, holder, SizeLimit::of(context))?;
    let name = file_name(path);
    let plain = name.strip_suffix(".gz").unwrap_or(&name);
    let is_csv = Path::new(plain)
        .extension()
        .is_some_and(|end| end.eq_ignore_ascii_case("csv"));
    let parse = move || match is_csv {
        true => csv(bytes, limits, is_wanted),
        false => parquet_table::read(&bytes, limits, is_wanted).map(|read| Table {
            frame: read.frame,
            names: read.names,
        }),
    };
    let kind = if is_csv { "CSV" } else { "Parquet" };
    let help = "a file of comma-separated values must end in `.csv` or `.csv.gz`";
    parsed(context, parse).map_err(|fault| fault.error(holder, kind, (!is_csv).then_some(help)))
}

/// Does what may panic on bytes that nobody has thought of, until the attempt ends.
pub(super) fn parsed<T: Send + 'static>(
    context: &Context<'_>,
    parse: impl FnOnce() -> Result<T, TableFault> + Send + 'static,
) -> Result<T, TableFault> {
    match aside(context.cancelled, parse) {
        Ok(result) => result,
        Err(AsideError::Stopped) => Err(TableFault::Stopped),
        Err(AsideError::NoThread(why)) => Err(TableFault::NoThread(why)),
        Err(AsideError::Failed(why)) if is_of_threads(&why) => Err(TableFault::NoThread(why)),
        Err(AsideError::Failed(why)) => Err(TableFault::Unreadable(format!("its reader gave up: {why}"))),
    }
}

/// Why a file is not the table of an input.
pub(super) enum TableFault {
    /// A sentence about it.
    Unreadable(String),
    /// It holds too much.
    Over(Excess),
    /// A column that no task can read.
    Column(ColumnFault),
    /// A CSV file that is none, or that was cut.
    Form(CsvFault),
    /// The attempt has to end.
    Stopped,
    /// The system gives no thread to read it: nothing is said of the file.
    NoThread(String),
}

/// Whether a library gave up since the system gave it no thread.
fn is_of_threads(why: &str) -> bool {
    ["ThreadPoolBuildError", "spawn thread", "spawn threads", "WouldBlock"]
        .iter()
        .any(|word| why.contains(word))
}

impl TableFault {
    /// The error of what `holder` names, read as a file of a `kind`; with a help where it is no such file.
    pub(super) fn error(self, holder: &str, kind: &str, help: Option<&str>) -> TaskError {
        let unreadable = |why: &str| {
            TaskError::new(format!(
                "{holder} is not readable as {kind}: {}",
                short(why, LONGEST_FAULT)
            ))
        };
        match self {
            Self::Unreadable(why) => match help {
                Some(help) => unreadable(&why).help(help),
                None => unreadable(&why),
            },
            Self::Form(fault) => unreadable(&fault.why()).help(fault.help()),
            Self::Over(excess) => excess.in_input(holder),
            Self::Column(fault) => TaskError::new(format!(
                "the column `{}` of {holder} holds {}, which cannot be read",
                short(&fault.column, LONGEST_NAME),
                fault.holds
            ))
            .help(fault.help),
            Self::Stopped => TaskError::stopped(),
            Self::NoThread(why) => TaskError::new(format!(
                "{holder} could not be read: the system gives no thread for it: {}",
                short(&why, LONGEST_FAULT)
            ))
            .note("the file itself was not looked at: the process has reached a limit, most often that of its memory")
            .help(NO_THREAD_HELP)
            .retryable(),
        }
    }
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

fn csv(mut bytes: Vec<u8>, limits: TableLimits, is_wanted: impl Fn(&str) -> bool) -> Result<Table, TableFault> {
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
    csv_form::distinct(&bytes, is_wanted).map_err(TableFault::Form)?;
    let reader = CsvReadOptions::default()
        .with_infer_schema_length(Some(0))
        .into_reader_with_file_handle(Cursor::new(bytes));
    Ok(Table::of(reader.finish()?))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_not_blamed_where_the_system_gives_no_thread() {
        let why = "could not spawn threads: ThreadPoolBuildError { kind: IOError(Os { code: 11, kind: WouldBlock, message: \
                   \"Resource temporarily unavailable\" }) }";
        assert!(is_of_threads(why) && !is_of_threads("the file is cut off"));
        let error = TableFault::NoThread(why.to_owned()).error("`raw`", "Parquet", None);
        assert!(
            error
                .what
                .starts_with("`raw` could not be read: the system gives no thread for it: could not spawn")
        );
        assert!(error.retry && error.help == [NO_THREAD_HELP]);
    }
}
