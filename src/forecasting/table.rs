//! Tables in files: written to the same bytes whatever the thread count, read from Parquet or CSV.

use std::fs::File;
use std::io::{BufWriter, Cursor, Read as _, Write as _};
use std::path::Path;

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use polars::prelude::{
    ArrowDataType, ArrowField, ArrowSchema, Column, DataFrame, DataType, IntoColumn as _, NamedFrom as _, PolarsError,
    Series as Values, TimeUnit,
};
use polars_io::SerReader as _;
use polars_io::prelude::{
    CsvReadOptions, CsvWriter, KeyValueMetadata, ParquetCompression, ParquetReader, ParquetWriter, SerWriter as _,
    StatisticsOptions,
};

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

    /// Writes it as the Parquet artifact `name`.
    ///
    /// # Errors
    /// [`TaskError`] if the file cannot be written.
    pub(crate) fn write(self, context: &Context<'_>, name: &str) -> Result<(), TaskError> {
        let height = self.columns.first().map_or(0, Column::len);
        let mut frame = DataFrame::new(height, self.columns)
            .unwrap_or_else(|error| panic!("internal error: the columns of `{name}` do not fit: {error}"));
        frame.rechunk_mut();
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
/// [`TaskError`] if the file cannot be read or is not what its name says.
pub(crate) fn read(context: &Context<'_>, role: &str) -> Result<DataFrame, TaskError> {
    let path = context.input(role);
    let bytes = read_bytes(path).map_err(|error| TaskError::new(format!("cannot read `{role}`: {error}")))?;
    let name = file_name(path);
    let broken =
        |kind: &str, error: PolarsError| TaskError::new(format!("`{role}` is not readable as {kind}: {error}"));
    let plain = name.strip_suffix(".gz").unwrap_or(&name);
    if Path::new(plain)
        .extension()
        .is_some_and(|end| end.eq_ignore_ascii_case("csv"))
    {
        CsvReadOptions::default()
            .with_infer_schema_length(Some(0))
            .into_reader_with_file_handle(Cursor::new(bytes))
            .finish()
            .map_err(|error| broken("CSV", error))
    } else {
        let broken =
            |error| broken("Parquet", error).help("a file of comma-separated values must end in `.csv` or `.csv.gz`");
        let mut reader = ParquetReader::new(Cursor::new(bytes));
        let schema = reader.schema().map_err(broken)?;
        if let Some(column) = categories(&schema) {
            let what = format!("the column `{column}` of `{role}` holds categories");
            return Err(TaskError::new(what).help("write it as text: in pandas, with `astype(str)`"));
        }
        reader.finish().map_err(broken)
    }
}

/// A column that is stored as codes of categories, of which the reader knows nothing.
fn categories(schema: &ArrowSchema) -> Option<&str> {
    let is_coded = |field: &&ArrowField| matches!(field.dtype, ArrowDataType::Dictionary(..));
    schema.iter_values().find(is_coded).map(|field| field.name.as_str())
}

/// Reads a whole file, and unpacks it if its name ends in `.gz`.
pub(super) fn read_bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    let bytes = std::fs::read(path)?;
    if path.extension().is_none_or(|end| end != "gz") {
        return Ok(bytes);
    }
    let mut plain = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut plain)?;
    Ok(plain)
}

/// The last part of a path: what a message can name without revealing where an attempt is staged.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}

/// The columns of a table by name and type.
pub(super) struct Columns<'a> {
    frame: &'a DataFrame,
    role: &'a str,
}

impl<'a> Columns<'a> {
    /// Looks into the frame that was read from the input `role`.
    pub(super) fn of(frame: &'a DataFrame, role: &'a str) -> Self {
        Self { frame, role }
    }

    /// Whether there is a column of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.frame.column(name).is_ok()
    }

    fn column(&self, name: &str) -> Result<&'a Column, TaskError> {
        self.frame.column(name).map_err(|_| {
            let names: Vec<String> = self.frame.get_column_names().iter().map(ToString::to_string).collect();
            TaskError::new(format!("`{}` has no column `{name}`", self.role))
                .note(format!("its columns: {}", names.join(", ")))
        })
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
        let owned = |(at, text): (usize, Option<&str>)| text.map(str::to_owned).ok_or_else(|| self.missing(name, at));
        texts.iter().enumerate().map(owned).collect()
    }

    /// A column of numbers; an empty field of a CSV file is a missing one.
    pub(super) fn numbers(&self, name: &str) -> Result<Vec<Option<f64>>, TaskError> {
        let column = self.column(name)?;
        if let Ok(texts) = column.str() {
            let number = |(at, text): (usize, Option<&str>)| match text.map(str::trim) {
                None | Some("") => Ok(None),
                Some(text) => text.parse().map(Some).map_err(|_| {
                    let what = format!(
                        "`{text}` in row {} of the column `{name}` of `{}` is no number",
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
                    let what = format!(
                        "`{text}` in row {} of the column `{name}` of `{}` is no time",
                        at + 1,
                        self.role
                    );
                    TaskError::new(what).help("write it as in 2023-06-01 14:00:00, in UTC")
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
            time.map(|time| time.naive_utc()).ok_or_else(|| self.missing(name, at))
        };
        micros.physical().iter().enumerate().map(time).collect()
    }
}

/// Reads a time in UTC as people and other tools write it.
pub(super) fn parse_time(text: &str) -> Option<NaiveDateTime> {
    let formats = [
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%d %H:%M",
        "%Y-%m-%dT%H:%M",
    ];
    let text = text
        .strip_suffix('Z')
        .or_else(|| text.strip_suffix("+00:00"))
        .unwrap_or(text);
    let time = formats
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    time.or_else(|| {
        text.parse::<NaiveDate>()
            .ok()
            .and_then(|date| date.and_hms_opt(0, 0, 0))
    })
}
