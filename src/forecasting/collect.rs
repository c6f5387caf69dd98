//! `collect`: the rows of several tables in one, each with the instance that it comes from.
//!
//! Columns stand in the order in which the tables bring them; where a table lacks one, its rows are empty there.

use polars_core::prelude::{Column, DataFrame, DataType};

use super::limits::{MAX_MB, MAX_ROWS, TableLimits};
use super::named_enum::{named_enum, of_param};
use super::reading;
use super::table::{self, LONGEST_NAME, ParquetTable, short};
use crate::engine::spec::schema::{ANY, Kind, Literal, ParamSchema, Port, Schema};
use crate::engine::spec::values_of;
use crate::engine::task::{Context, Task, TaskError};

named_enum! {
    /// What a table is written as.
    enum TableFormat {
        /// Parquet, which keeps the types of the columns.
        Parquet = "parquet",
        /// Comma-separated values, with a line for the names.
        Csv = "csv",
    }
}

static SCHEMA: Schema = Schema {
    name: "collect",
    version: 1,
    summary: "puts the rows of several tables into one, with the instance that each row comes from",
    params: &[
        ParamSchema {
            name: "by",
            kind: Kind::OneOrMany(&Kind::Text),
            default: Some(Literal::Text("instance")),
            doc: "the columns that say where a row comes from: one for all values of an instance, or one for each of them",
        },
        ParamSchema {
            name: "format",
            kind: Kind::Choice(TableFormat::NAMES),
            default: Some(Literal::Text("parquet")),
            doc: "what the table is written as",
        },
        reading::OF_TABLES,
        MAX_MB,
        MAX_ROWS,
    ],
    inputs: &[Port {
        name: ANY,
        doc: "any number of tables, Parquet or CSV, such as `leaderboard@*`",
    }],
    outputs: &[Port {
        name: "table",
        doc: "their rows in the order of the tables' names, with where they come from in the first columns",
    }],
    optional: &[],
    directories: &[],
    secrets: &[],
    variables: &[],
    effect: false,
    ordered: &[],
};

/// The task.
#[derive(Debug)]
pub(crate) struct Collect;

impl Task for Collect {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn run(&self, context: &Context<'_>) -> Result<(), TaskError> {
        let by = context.texts("by");
        if let Some(at) = (1..by.len()).find(|at| by[..*at].contains(&by[*at])) {
            return Err(
                TaskError::new(format!("`by` names `{}` twice", by[at])).help("give each axis a column of its own")
            );
        }
        let limits = TableLimits::of(context);
        let mut all = Collected::new(&by);
        for name in context.inputs.keys() {
            let frame = reading::table(context, name)?.frame;
            all.add(name, &frame)?;
            limits
                .rows(all.rows as u64)
                .map_err(|excess| excess.in_input("the whole table"))?;
            context.log(&format!("{} rows of {name}", frame.height()));
        }
        let table = all.into_table();
        match of_param(context, "format") {
            TableFormat::Parquet => table.write(context, "table"),
            TableFormat::Csv => table::write_csv(context, "table", &mut table.into_frame("table")),
        }
    }
}

/// The rows of the tables so far.
struct Collected<'n> {
    by: &'n [&'n str],
    /// Where the rows of each table come from, by each of `by`; and how many they are.
    origins: Vec<(Vec<String>, usize)>,
    columns: Vec<CollectedColumn>,
    rows: usize,
}

/// A column, and the first table that has values in it.
struct CollectedColumn {
    column: Column,
    first: Option<String>,
}

impl<'n> Collected<'n> {
    fn new(by: &'n [&'n str]) -> Self {
        Self {
            by,
            origins: Vec::new(),
            columns: Vec::new(),
            rows: 0,
        }
    }

    /// Adds the rows of the table that is called `name`.
    fn add(&mut self, name: &str, frame: &DataFrame) -> Result<(), TaskError> {
        let origin = self.origin(name)?;
        let rows = frame.height();
        self.origins.push((origin, rows));
        for column in frame.columns() {
            if self.by.contains(&column.name().as_str()) {
                let shown = short(column.name(), LONGEST_NAME).into_owned();
                return Err(TaskError::new(format!("`{name}` has a column `{shown}` of its own"))
                    .help("give `by` another name"));
            }
            if !self.columns.iter().any(|other| other.column.name() == column.name()) {
                let empty = Column::full_null(column.name().clone(), self.rows, column.dtype());
                let first = None;
                self.columns.push(CollectedColumn { column: empty, first });
            }
        }
        for collected in &mut self.columns {
            collected.append(name, frame, rows)?;
        }
        self.rows += rows;
        Ok(())
    }

    /// What stands in the first columns of a table's rows.
    fn origin(&self, name: &str) -> Result<Vec<String>, TaskError> {
        let Some(values) = values_of(name) else {
            return match self.by {
                [_] => Ok(vec![name.to_owned()]),
                _ => Err(self.unfitting(name, 0)),
            };
        };
        if self.by.len() == 1 {
            return Ok(vec![values.to_owned()]);
        }
        let values: Vec<String> = values.split(',').map(str::to_owned).collect();
        match values.len() == self.by.len() {
            true => Ok(values),
            false => Err(self.unfitting(name, values.len())),
        }
    }

    fn unfitting(&self, name: &str, found: usize) -> TaskError {
        TaskError::new(format!(
            "`by` names {} columns, and `{name}` has {found} values",
            self.by.len()
        ))
        .help("name one column for each axis of the inputs, or one for all of them")
    }

    /// All of it, the origins in the first columns.
    fn into_table(self) -> ParquetTable {
        let mut table = ParquetTable::default();
        for (at, name) in self.by.iter().enumerate() {
            let values = self.origins.iter();
            let values = values.flat_map(|(origin, rows)| std::iter::repeat_n(Some(origin[at].as_str()), *rows));
            table = table.texts(name, values);
        }
        table.columns(self.columns.into_iter().map(|it| it.column))
    }
}

impl CollectedColumn {
    /// Adds what the table `name` has in this column, or as many empty rows.
    fn append(&mut self, name: &str, frame: &DataFrame, rows: usize) -> Result<(), TaskError> {
        let column = frame.column(self.column.name()).ok();
        // A column without any value has the type of the others.
        let Some(column) = column.filter(|column| column.null_count() < rows) else {
            let empty = Column::full_null(self.column.name().clone(), rows, self.column.dtype());
            return self.extend(&empty, name);
        };
        let Some(first) = &self.first else {
            if self.column.dtype() != column.dtype() {
                self.column = Column::full_null(column.name().clone(), self.column.len(), column.dtype());
            }
            self.first = Some(name.to_owned());
            return self.extend(column, name);
        };
        let (had, found) = (self.column.dtype(), column.dtype());
        if had == found {
            return self.extend(column, name);
        }
        if !(had.is_primitive_numeric() && found.is_primitive_numeric()) {
            let shown = short(column.name(), LONGEST_NAME);
            let what = format!("the column `{shown}` holds {had} in `{first}` and {found} in `{name}`");
            return Err(TaskError::new(what).help("the columns of one name have to hold the same kind of values"));
        }
        let number = |column: &Column| {
            let cast = column.cast(&DataType::Float64);
            cast.map_err(|error| TaskError::new(format!("`{name}` cannot be added: {error}")))
        };
        let column = number(column)?;
        self.column = number(&self.column)?;
        self.extend(&column, name)
    }

    fn extend(&mut self, more: &Column, name: &str) -> Result<(), TaskError> {
        let extended = self.column.extend(more);
        extended
            .map(drop)
            .map_err(|error| TaskError::new(format!("`{name}` cannot be added: {error}")))
    }
}
