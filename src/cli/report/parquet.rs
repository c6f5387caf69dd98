//! Parquet files as columns, read with polars.

use std::fs::File;
use std::path::Path;

use polars_core::prelude::{AnyValue, Column as Series, DataFrame, DataType};
use polars_io::SerReader as _;
use polars_io::prelude::ParquetReader;

use super::frame::{Column, Frame, Part};
use crate::forecasting;

/// Most rows that are read whole.
const MOST: usize = 2_000_000;

/// Reads a part of a file; the error is a sentence.
pub(super) fn read(path: &Path, part: Part<'_>) -> Result<Frame, String> {
    let file = forecasting::open_parquet(path)?;
    let (wanted, rows) = match part {
        Part::Head(rows) => (None, Some(rows)),
        Part::Columns(wanted) => (Some(wanted.iter().map(ToString::to_string).collect()), None),
    };
    forecasting::guarded(move || read_checked(&file, wanted, rows))?
}

fn read_checked(file: &File, wanted: Option<Vec<String>>, rows: Option<usize>) -> Result<Frame, String> {
    let open = || file.try_clone().map_err(|error| error.to_string());
    let count = ParquetReader::new(open()?)
        .num_rows()
        .map_err(|error| error.to_string())?;
    if rows.is_none() && count > MOST {
        return Err(format!("it has {count} rows, and no more than {MOST} are looked at"));
    }
    let mut reader = ParquetReader::new(open()?);
    if let Some(rows) = rows {
        reader = reader.with_slice(Some((0, rows)));
    }
    if let Some(wanted) = wanted {
        let schema = ParquetReader::new(open()?).with_slice(Some((0, 0))).finish();
        let schema = schema.map_err(|error| error.to_string())?;
        let there = |name: &String| schema.get_column_names().iter().any(|other| other.as_str() == name);
        reader = reader.with_columns(Some(wanted.into_iter().filter(there).collect()));
    }
    let frame: DataFrame = reader.finish().map_err(|error| error.to_string())?;
    Ok(Frame {
        names: frame.columns().iter().map(|column| column.name().to_string()).collect(),
        columns: frame.columns().iter().map(column).collect(),
        rows: frame.height(),
        count,
    })
}

fn column(series: &Series) -> Column {
    let is_number = matches!(series.dtype(), DataType::Float64 | DataType::Float32) || series.dtype().is_integer();
    if is_number {
        let number = |at: usize| series.get(at).ok().and_then(|value| value.extract::<f64>());
        return Column::Numbers((0..series.len()).map(|at| number(at).unwrap_or(f64::NAN)).collect());
    }
    let text = |at: usize| match series.get(at) {
        Ok(AnyValue::Null) | Err(_) => String::new(),
        Ok(value) => value.str_value().into_owned(),
    };
    Column::Texts((0..series.len()).map(text).collect())
}
