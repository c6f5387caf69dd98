//! Parquet files, read with polars.

use std::fs::File;
use std::path::Path;

use polars_core::prelude::{AnyValue, Column, DataFrame};
use polars_io::SerReader as _;
use polars_io::prelude::ParquetReader;

use super::rows::Rows;
use crate::forecasting;

/// Reads schema, number of rows and the first rows of a file; the error is a sentence.
pub(super) fn read(path: &Path, size: u64, rows: usize) -> Result<Rows, String> {
    let file = forecasting::open_parquet(path)?;
    forecasting::guarded(move || read_checked(&file, size, rows))?
}

fn read_checked(file: &File, size: u64, rows: usize) -> Result<Rows, String> {
    let open = || file.try_clone().map_err(|error| error.to_string());
    let count = ParquetReader::new(open()?)
        .num_rows()
        .map_err(|error| error.to_string())?;
    let frame = |rows: usize| -> Result<DataFrame, String> {
        let reader = ParquetReader::new(open()?).with_slice(Some((0, rows)));
        reader.finish().map_err(|error| error.to_string())
    };
    let head = frame(rows)?;
    let columns: Vec<(String, String)> = head
        .columns()
        .iter()
        .map(|column| (column.name().to_string(), column.dtype().to_string()))
        .collect();
    let text = |frame: &DataFrame, name: &str| -> Option<Vec<String>> {
        let column = frame.column(name).ok()?;
        let cell = |at: usize| {
            column
                .get(at)
                .map_or_else(|_| String::new(), |value| value.str_value().into_owned())
        };
        Some((0..column.len()).map(cell).collect())
    };
    let cells: Vec<Vec<String>> = columns.iter().filter_map(|(name, _)| text(&head, name)).collect();
    let first = (0..head.height()).map(|row| cells.iter().map(|column| column[row].clone()).collect());
    Ok(Rows {
        size,
        count,
        first: first.collect(),
        columns,
    })
}

/// Names of the columns and all rows as text, of the bytes of a small file; `None` of one that cannot be read.
pub(super) fn texts(bytes: Vec<u8>) -> Option<(Vec<String>, Vec<Vec<String>>)> {
    let file = forecasting::checked_parquet(bytes).ok()?;
    let read = move || ParquetReader::new(file).finish().map_err(|error| error.to_string());
    let frame = forecasting::guarded(read).ok()?.ok()?;
    let names = frame.columns().iter().map(|column| column.name().to_string()).collect();
    let row = |at: usize| frame.columns().iter().map(|column| cell(column, at)).collect();
    Some((names, (0..frame.height()).map(row).collect()))
}

/// A cell as text, a number with all its digits; empty where there is nothing.
fn cell(column: &Column, at: usize) -> String {
    match column.get(at) {
        Ok(AnyValue::Float64(number)) => number.to_string(),
        Ok(AnyValue::Null) | Err(_) => String::new(),
        Ok(value) => value.str_value().into_owned(),
    }
}
