//! A file as the table that it is: all of its columns by their names, as texts where it is a text file.

use polars_core::prelude::{Column, DataFrame, IntoColumn as _, NamedFrom as _, Series};

use super::super::limits::{SizeLimit, TableLimits};
use super::super::table::{Table, TableFault, parsed};
use super::super::{csv_form, parquet_table};
use super::numbers::has_decimal_comma;
use super::series_of_file::FileReader;
use super::text_table::{self, TextColumn, TextTable};
use super::unpack::{self, FileKind};
use crate::engine::task::{Context, TaskError};

impl FileReader {
    /// Reads the whole file of a role. Numbers that are written in another form than with a point stand there with one.
    pub(crate) fn whole_table(&self, context: &Context<'_>, role: &str) -> Result<Table, TaskError> {
        let (holder, limits) = (format!("`{role}`"), TableLimits::of(context));
        let (kind, bytes) = unpack::read(context, context.input(role), &holder, SizeLimit::of(context))?;
        let form = self.text.clone();
        let read = parsed(context, move || {
            let texts = match kind {
                FileKind::Parquet => {
                    let read = parquet_table::read(&bytes, limits, |_| true)?;
                    return Ok((Some(Table::of(read.frame)), TextTable::default()));
                }
                FileKind::Delimited => text_table::delimited(&bytes, &form, limits)?,
                FileKind::Json => text_table::json(&bytes, limits)?,
            };
            let names: Vec<&str> = texts.names.iter().map(String::as_str).collect();
            match csv_form::twice(&names, |_| true) {
                Some(fault) => Err(TableFault::Form(fault)),
                None => Ok((None, texts)),
            }
        });
        let (table, texts) = read.map_err(|fault| fault.error(&holder, kind.name(), None))?;
        if let Some(table) = table {
            return Ok(table);
        }
        let separator = texts.form.get("separator").map(String::as_str);
        let columns = texts.names.iter().zip(&texts.columns);
        let columns: Vec<Column> = columns
            .map(|(name, column)| self.column(name, column, separator))
            .collect();
        let height = columns.first().map_or(0, Column::len);
        let frame = DataFrame::new(height, columns);
        let frame = frame.map_err(|error| TaskError::new(format!("cannot read {holder}: {error}")))?;
        Ok(Table::of(frame))
    }

    /// A column of texts; those without a value are missing.
    fn column(&self, name: &str, column: &TextColumn, separator: Option<&str>) -> Column {
        let may_be_comma = separator.is_some_and(|separator| separator != ",") && self.decimal.is_none();
        let is_comma = may_be_comma && self.thousands != Some(',') && has_decimal_comma(column.iter(), self.thousands);
        let form = self.number_form(if is_comma { ',' } else { '.' });
        let is_plain = form.decimal == '.' && form.thousands.is_none();
        let numbers: Option<Vec<Option<f64>>> = column.iter().map(|text| form.read(text)).collect();
        let is_null = |text: &&str| text.is_empty() || form.nulls.iter().any(|word| word == text);
        let texts: Vec<Option<String>> = if let Some(numbers) = numbers.filter(|_| !is_plain) {
            numbers
                .iter()
                .map(|number| number.map(|number| number.to_string()))
                .collect()
        } else {
            column
                .iter()
                .map(|text| Some(text).filter(|text| !is_null(text)).map(str::to_owned))
                .collect()
        };
        Series::new(name.into(), texts).into_column()
    }
}
