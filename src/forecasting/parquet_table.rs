//! Tables in Parquet files: the columns that are asked for, in the types that a task reads, and no byte of any other.
//!
//! Types are taken from the Parquet schema alone. What pandas or polars note beside it (`ARROW:schema`: categories, large
//! strings) changes how a column is held in memory, not what it says; only durations, which Parquet does not know, and the
//! zones of times are looked up there.

use std::collections::{BTreeMap, HashMap};
use std::io::Cursor;
use std::sync::Arc;

use half::f16;
use polars_core::prelude::{
    ArrowDataType, ArrowField, ArrowSchema, Column, DataFrame, DataType, IntoColumn as _, NamedFrom as _, Series,
};
use polars_core::series::IsSorted;
use polars_io::SerReader as _;
use polars_io::parquet::read::infer_schema;
use polars_io::prelude::ParquetReader;
use polars_parquet::parquet::metadata::{FileMetadata, SchemaDescriptor};
use polars_parquet::parquet::schema::types::{ParquetType, PhysicalType, PrimitiveLogicalType};
use polars_parquet::read::read_metadata;

use super::csv_form;
use super::limits::TableLimits;
use super::parquet_check;
use super::table::TableFault;

/// A table, and what its file has beyond it.
pub(super) struct ParquetColumns {
    /// The columns that were asked for, as far as they are there.
    pub(super) frame: DataFrame,
    /// The names of all columns of the file.
    pub(super) names: Vec<String>,
    /// The zones in which times were written, by column.
    pub(super) zones: BTreeMap<String, String>,
}

/// A column that no task can read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ColumnFault {
    /// Its name.
    pub(super) column: String,
    /// What it holds, in words.
    pub(super) holds: &'static str,
    /// How to write it instead.
    pub(super) help: &'static str,
}

/// What a column holds, as far as its type tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeadKind {
    /// Numbers.
    Number,
    /// Times or days.
    Time,
    /// Texts.
    Text,
    /// Truth values.
    Flag,
    /// Anything else.
    Other,
}

/// The names and kinds of all columns, also of those that share a name.
pub(super) fn heads(bytes: &[u8], limits: TableLimits) -> Result<Vec<(String, HeadKind)>, TableFault> {
    use ArrowDataType as Type;
    let mut file = Cursor::new(bytes);
    parquet_check::check(&mut file, limits)?;
    let metadata = read_metadata(&mut file)?;
    let noted = noted(&metadata);
    let plain = |column: &ParquetType, dtype: &ArrowDataType| match dtype {
        _ if is_period(noted.get(column.name())) => HeadKind::Time,
        Type::Float32 | Type::Float64 | Type::Decimal(..) => HeadKind::Number,
        other if is_integer(other) => HeadKind::Number,
        Type::Date32 | Type::Timestamp(..) => HeadKind::Time,
        Type::Utf8View | Type::BinaryView => HeadKind::Text,
        Type::Boolean => HeadKind::Flag,
        _ => HeadKind::Other,
    };
    let kind = |column: &ParquetType, dtype: &ArrowDataType| match special(column, noted.get(column.name())) {
        Some(Special::Half | Special::Wide(_)) => HeadKind::Number,
        Some(Special::Int96) => HeadKind::Time,
        Some(Special::Uuid) => HeadKind::Text,
        None => plain(column, dtype),
    };
    let mut heads = Vec::new();
    for column in metadata.schema().fields() {
        // A schema of Arrow has each name once, so each column gets one of its own; one without values has none.
        let schema = infer_schema(&of_columns(&metadata, vec![column.clone()]))?;
        let head = |field: &ArrowField| (field.name.to_string(), kind(column, &field.dtype));
        heads.extend(schema.iter_values().map(head));
    }
    Ok(heads)
}

/// The metadata of a file that would have these columns, no values, and nothing noted of them.
fn of_columns(metadata: &FileMetadata, columns: Vec<ParquetType>) -> FileMetadata {
    FileMetadata {
        version: metadata.version,
        num_rows: 0,
        max_row_group_height: 0,
        created_by: None,
        row_groups: Vec::new(),
        key_value_metadata: None,
        schema_descr: SchemaDescriptor::new(metadata.schema().name().into(), columns),
        column_orders: None,
        footer_buf: metadata.footer_buf.clone(),
    }
}

/// What pandas or polars note of the columns, by name; of those that share one, of the last.
fn noted(metadata: &FileMetadata) -> ArrowSchema {
    let noted = FileMetadata {
        key_value_metadata: metadata.key_value_metadata.clone(),
        ..of_columns(metadata, Vec::new())
    };
    infer_schema(&noted).unwrap_or_default()
}

/// Whether a type is one of whole numbers.
fn is_integer(dtype: &ArrowDataType) -> bool {
    use ArrowDataType as Type;
    let signed = matches!(dtype, Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64);
    signed || matches!(dtype, Type::UInt8 | Type::UInt16 | Type::UInt32 | Type::UInt64)
}

/// Reads the columns that `is_wanted` by name.
pub(super) fn read(
    bytes: &[u8],
    limits: TableLimits,
    is_wanted: impl Fn(&str) -> bool,
) -> Result<ParquetColumns, TableFault> {
    let mut file = Cursor::new(bytes);
    parquet_check::check(&mut file, limits)?;
    let metadata = read_metadata(&mut file)?;
    let names: Vec<&str> = metadata.schema().fields().iter().map(ParquetType::name).collect();
    if let Some(fault) = csv_form::twice(&names, &is_wanted) {
        return Err(TableFault::Form(fault));
    }
    let noted = noted(&metadata);
    let is_wanted = |column: &&ParquetType| is_wanted(column.name());
    let columns: Vec<&ParquetType> = metadata.schema().fields().iter().filter(is_wanted).collect();
    let wanted: Vec<_> = columns.iter().map(|column| column.name().into()).collect();
    // The reader sees no other column: neither the names nor the types of those matter.
    let alone = metadata.pruned(&wanted, &[]);
    let mut reader = ParquetReader::new(file);
    reader.set_metadata(Arc::new(
        alone.map_err(|error| TableFault::Unreadable(error.to_string()))?,
    ));
    let schema = reader.schema()?;
    let mut specials = HashMap::new();
    for column in columns {
        let name = column.name();
        let special = special(column, noted.get(name));
        if let Some(fault) = fault(name, &schema, noted.get(name), special) {
            return Err(TableFault::Column(fault));
        }
        specials.insert(name, special);
    }
    let frame = reader.finish()?;
    let height = frame.height();
    let plainly = |mut column: Column| {
        // The file may say so of another column, or wrongly.
        column.set_sorted_flag(IsSorted::Not);
        let special = specials.get(column.name().as_str()).copied().flatten();
        plainly(column, special)
    };
    let columns = frame.into_columns().into_iter().map(plainly);
    let columns = columns.collect::<Result<_, _>>().map_err(TableFault::Column)?;
    Ok(ParquetColumns {
        frame: DataFrame::new(height, columns)?,
        names: names.into_iter().map(str::to_owned).collect(),
        zones: zones(&noted),
    })
}

/// What the types of Arrow do not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Special {
    /// Numbers of two bytes.
    Half,
    /// Times in nanoseconds of a day, and the day.
    Int96,
    /// Identifiers of 16 bytes.
    Uuid,
    /// Whole numbers of 16 bytes, which polars notes.
    Wide(Sign),
}

/// Whether whole numbers may be below zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Signed,
    Unsigned,
}

/// Whether a column is one of those.
fn special(column: &ParquetType, noted: Option<&ArrowField>) -> Option<Special> {
    let ParquetType::PrimitiveType(primitive) = column else {
        return None;
    };
    match (primitive.physical_type, primitive.logical_type) {
        (PhysicalType::FixedLenByteArray(2), Some(PrimitiveLogicalType::Float16)) => Some(Special::Half),
        (PhysicalType::Int96, _) => Some(Special::Int96),
        (PhysicalType::FixedLenByteArray(16), Some(PrimitiveLogicalType::Uuid)) => Some(Special::Uuid),
        (PhysicalType::FixedLenByteArray(16), None) => match noted?.dtype {
            ArrowDataType::Int128 => Some(Special::Wide(Sign::Signed)),
            ArrowDataType::UInt128 => Some(Special::Wide(Sign::Unsigned)),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a column is noted to hold periods of pandas: whole numbers as far as Parquet knows.
fn is_period(noted: Option<&ArrowField>) -> bool {
    let names_period = |text: &str| text == "pandas.period";
    noted.is_some_and(|field| {
        let by_type = matches!(&field.dtype, ArrowDataType::Extension(extension) if names_period(&extension.name));
        let mut noted = field.metadata.iter().flat_map(|metadata| metadata.iter());
        by_type || noted.any(|(key, value)| key.as_str() == "ARROW:extension:name" && names_period(value))
    })
}

/// Why a column cannot be read, from its type.
fn fault(
    name: &str,
    schema: &ArrowSchema,
    noted: Option<&ArrowField>,
    special: Option<Special>,
) -> Option<ColumnFault> {
    use ArrowDataType as Type;
    if special.is_some() {
        return None;
    }
    let dtype = &schema.get(name)?.dtype;
    let (holds, help) = match noted.map(|field| &field.dtype) {
        _ if is_period(noted) => (
            "periods of pandas",
            "write their beginnings: in pandas, with `.dt.to_timestamp()`",
        ),
        Some(Type::Duration(_)) => (
            "durations",
            "write them as numbers: in pandas, with `.dt.total_seconds()`",
        ),
        _ => match dtype {
            Type::Struct(_) => (
                "structs",
                "write each of their fields as a column: in polars, with `unnest`",
            ),
            Type::List(_) | Type::LargeList(_) | Type::FixedSizeList(..) | Type::Map(..) => (
                "lists or maps",
                "write one value a row: in pandas and polars, with `explode`",
            ),
            Type::Time32(_) | Type::Time64(_) => ("times of day", "write them with their dates"),
            Type::Interval(_) => ("intervals", "write them as numbers of seconds"),
            Type::Decimal256(..) | Type::Decimal(39.., _) => (
                "decimals of more than 38 digits",
                "write them as floats: `astype(float)`",
            ),
            Type::FixedSizeBinary(_) => (
                "bytes of a fixed length",
                "write them as text: in pandas, with `astype(str)`",
            ),
            _ => return None,
        },
    };
    let column = name.to_owned();
    Some(ColumnFault { column, holds, help })
}

/// The column in a type that a task reads: numbers of two bytes and decimals as floats, bytes as the text that they are.
fn plainly(column: Column, special: Option<Special>) -> Result<Column, ColumnFault> {
    let name = column.name().to_string();
    let fault = |holds, help| ColumnFault {
        column: name.clone(),
        holds,
        help,
    };
    match (column.dtype(), special) {
        (DataType::Binary, Some(Special::Half)) => {
            let Ok(bytes) = column.binary() else { return Ok(column) };
            let number = |bytes: &[u8]| Some(f16::from_le_bytes(bytes.try_into().ok()?).to_f64());
            let numbers: Vec<Option<f64>> = bytes.iter().map(|bytes| bytes.and_then(number)).collect();
            Ok(Series::new(column.name().clone(), numbers).into_column())
        }
        (DataType::Binary, Some(Special::Uuid)) => {
            let Ok(bytes) = column.binary() else { return Ok(column) };
            let text = |bytes: &[u8]| Some(uuid::Uuid::from_slice(bytes).ok()?.to_string());
            let texts: Vec<Option<String>> = bytes.iter().map(|bytes| bytes.and_then(text)).collect();
            Ok(Series::new(column.name().clone(), texts).into_column())
        }
        (DataType::Binary, Some(Special::Wide(sign))) => {
            let Ok(bytes) = column.binary() else { return Ok(column) };
            Ok(wide(column.name(), bytes.iter(), sign))
        }
        (DataType::Binary, _) => {
            let Ok(bytes) = column.binary() else { return Ok(column) };
            let texts = bytes.iter().map(|bytes| bytes.map(std::str::from_utf8).transpose());
            let texts: Result<Vec<Option<&str>>, _> = texts.collect();
            let texts = texts.map_err(|_| fault("bytes that are no text", "write it as text, in UTF-8"))?;
            Ok(Series::new(column.name().clone(), texts).into_column())
        }
        (DataType::Decimal(..), _) => column
            .cast(&DataType::Float64)
            .map_err(|_| fault("decimals that are no numbers", "write them as floats: `astype(float)`")),
        (DataType::Datetime(..), Some(Special::Int96)) => {
            // The reader puts the last nanosecond that there is in the place of a time that nanoseconds do not reach.
            let beyond = |times: &Column| {
                let times = times.datetime().ok()?;
                times
                    .physical()
                    .iter()
                    .flatten()
                    .any(|time| time == i64::MAX)
                    .then_some(())
            };
            match beyond(&column) {
                None => Ok(column),
                Some(()) => Err(fault(
                    "a time beyond the years 1677 to 2262",
                    "write the times in microseconds instead of INT96",
                )),
            }
        }
        _ => Ok(column),
    }
}

/// Whole numbers of 16 bytes, as such where eight suffice for all of them; as floats, the nearest that there are, where they do not.
fn wide<'b>(name: &str, values: impl Iterator<Item = Option<&'b [u8]>>, sign: Sign) -> Column {
    let read = |bytes: &[u8]| -> Option<(Option<i64>, f64)> {
        let bytes = bytes.try_into().ok()?;
        #[expect(clippy::cast_precision_loss, reason = "the nearest float is meant")]
        Some(match sign {
            Sign::Signed => {
                let number = i128::from_le_bytes(bytes);
                (number.try_into().ok(), number as f64)
            }
            Sign::Unsigned => {
                let number = u128::from_le_bytes(bytes);
                (number.try_into().ok(), number as f64)
            }
        })
    };
    let numbers: Vec<Option<(Option<i64>, f64)>> = values.map(|bytes| bytes.and_then(read)).collect();
    let whole: Option<Vec<Option<i64>>> = numbers
        .iter()
        .map(|number| number.map_or(Some(None), |(whole, _)| whole.map(Some)))
        .collect();
    if let Some(whole) = whole {
        return Series::new(name.into(), whole).into_column();
    }
    let floats: Vec<Option<f64>> = numbers.iter().map(|number| number.map(|(_, float)| float)).collect();
    Series::new(name.into(), floats).into_column()
}

/// The zones that are noted, by column.
fn zones(noted: &ArrowSchema) -> BTreeMap<String, String> {
    let zone = |field: &ArrowField| match &field.dtype {
        ArrowDataType::Timestamp(_, Some(zone)) => Some((field.name.to_string(), zone.to_string())),
        _ => None,
    };
    noted.iter_values().filter_map(zone).collect()
}
