//! Tables as columns: of a CSV file, or of a Parquet file where that can be read.

use std::path::Path;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

use crate::cli::small_file;

/// Most bytes of a CSV file that is read.
const LARGEST: u64 = 32 << 20;

/// A column.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Column {
    /// Numbers; what is missing is NaN.
    #[cfg_attr(
        not(feature = "forecasting"),
        expect(dead_code, reason = "Parquet files alone have numbers")
    )]
    Numbers(Vec<f64>),
    /// Texts; what is missing is empty.
    Texts(Vec<String>),
}

/// A table, or the part of it that was asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Frame {
    /// Names of the columns that were read.
    pub(super) names: Vec<String>,
    pub(super) columns: Vec<Column>,
    /// How many rows were read.
    pub(super) rows: usize,
    /// How many rows there are.
    pub(super) count: usize,
}

/// Which part of a table is read.
#[derive(Clone, Copy)]
pub(super) enum Part<'a> {
    /// The first rows, with all columns.
    Head(usize),
    /// Some columns, as far as they are there, with all rows.
    Columns(&'a [&'a str]),
}

impl Frame {
    /// Reads a table; `None` of a file that is none, and of one that cannot be read the reason in words.
    pub(super) fn read(path: &Path, part: Part<'_>) -> Option<Result<Self, String>> {
        // Opening a pipe would wait for whoever writes to it.
        if !path.is_file() {
            return None;
        }
        let extension = path.extension().and_then(|end| end.to_str()).unwrap_or_default();
        match extension {
            "csv" => Some(csv(path, b',', part)),
            "tsv" => Some(csv(path, b'\t', part)),
            _ if is_parquet(path) => Some(parquet(path, part)),
            _ => None,
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.names.iter().any(|other| other == name)
    }

    fn column(&self, name: &str) -> Option<&Column> {
        self.columns.get(self.names.iter().position(|other| other == name)?)
    }

    /// The numbers of a column; what is no number is NaN.
    pub(super) fn numbers(&self, name: &str) -> Option<Vec<f64>> {
        Some(match self.column(name)? {
            Column::Numbers(numbers) => numbers.clone(),
            Column::Texts(texts) => texts
                .iter()
                .map(|text| text.trim().parse().unwrap_or(f64::NAN))
                .collect(),
        })
    }

    /// The texts of a column.
    pub(super) fn texts(&self, name: &str) -> Option<Vec<String>> {
        let column = self.column(name)?;
        Some((0..self.rows).map(|row| text(column, row)).collect())
    }

    /// The moments of a column.
    pub(super) fn times(&self, name: &str) -> Option<Vec<Option<NaiveDateTime>>> {
        match self.column(name)? {
            Column::Texts(texts) => Some(texts.iter().map(|text| moment(text)).collect()),
            Column::Numbers(_) => None,
        }
    }

    /// A row as texts.
    pub(super) fn row(&self, at: usize) -> Vec<String> {
        self.columns.iter().map(|column| text(column, at)).collect()
    }
}

/// A cell as text, a number with all its digits.
fn text(column: &Column, row: usize) -> String {
    match column {
        Column::Numbers(numbers) => match numbers.get(row) {
            Some(number) if number.is_finite() => number.to_string(),
            _ => String::new(),
        },
        Column::Texts(texts) => texts.get(row).cloned().unwrap_or_default(),
    }
}

/// A moment as tables write it: a day, or a day and a time, with or without the `Z` of UTC.
pub(super) fn moment(text: &str) -> Option<NaiveDateTime> {
    let text = text.trim().trim_end_matches('Z').trim_end_matches("+00:00");
    let day = |text: &str| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    match text.split_once([' ', 'T']) {
        None => Some(day(text)?.and_time(NaiveTime::MIN)),
        Some((date, time)) => {
            let formats = ["%H:%M:%S%.f", "%H:%M"];
            let time = formats
                .iter()
                .find_map(|format| NaiveTime::parse_from_str(time, format).ok())?;
            Some(day(date)?.and_time(time))
        }
    }
}

fn is_parquet(path: &Path) -> bool {
    use std::io::Read as _;
    let mut mark = [0; 4];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut mark));
    read.is_ok() && &mark == b"PAR1"
}

fn csv(path: &Path, delimiter: u8, part: Part<'_>) -> Result<Frame, String> {
    let bytes = small_file::read(path, LARGEST).map_err(|error| error.to_string())?;
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .from_reader(bytes.as_slice());
    let names: Vec<String> = reader
        .headers()
        .map_err(|error| error.to_string())?
        .iter()
        .map(str::to_owned)
        .collect();
    let (wanted, most): (Vec<usize>, usize) = match part {
        Part::Head(rows) => ((0..names.len()).collect(), rows),
        Part::Columns(wanted) => {
            let is_wanted = |at: &usize| wanted.contains(&names[*at].as_str());
            ((0..names.len()).filter(is_wanted).collect(), usize::MAX)
        }
    };
    let mut columns: Vec<Vec<String>> = vec![Vec::new(); wanted.len()];
    let mut count = 0;
    for record in reader.records() {
        let record = record.map_err(|error| error.to_string())?;
        if count < most {
            for (column, at) in columns.iter_mut().zip(&wanted) {
                column.push(record.get(*at).unwrap_or_default().to_owned());
            }
        }
        count += 1;
    }
    Ok(Frame {
        names: wanted.iter().map(|at| names[*at].clone()).collect(),
        columns: columns.into_iter().map(Column::Texts).collect(),
        rows: count.min(most),
        count,
    })
}

#[cfg(feature = "forecasting")]
fn parquet(path: &Path, part: Part<'_>) -> Result<Frame, String> {
    super::parquet::read(path, part)
}

#[cfg(not(feature = "forecasting"))]
fn parquet(_: &Path, _: Part<'_>) -> Result<Frame, String> {
    Err("this atsaf cannot read Parquet files: it was built without the feature `forecasting`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::written;
    use super::*;

    #[test]
    fn a_table_is_read_by_columns_or_by_its_first_rows() {
        let text = "ds,y,note\n2024-01-01,1.5,a\n2024-01-01T01:00:00Z,,\"b,c\"\n";
        let (dir, path) = written("a.csv", text);
        let head = Frame::read(&path, Part::Head(1)).expect("a table").expect("read");
        assert_eq!((head.rows, head.count), (1, 2));
        assert_eq!(head.row(0), ["2024-01-01", "1.5", "a"]);
        let some = Frame::read(&path, Part::Columns(&["y", "ds", "none"]))
            .expect("a table")
            .expect("read");
        assert_eq!(some.names, ["ds", "y"]);
        let numbers = some.numbers("y").expect("there");
        assert!((numbers[0] - 1.5).abs() < 1e-12 && numbers[1].is_nan());
        let times = some.times("ds").expect("there");
        assert_eq!(times[1].expect("a moment").to_string(), "2024-01-01 01:00:00");
        assert!(Frame::read(&dir.path().join("a.txt"), Part::Head(1)).is_none());
    }

    #[test]
    fn moments_are_days_or_days_with_a_time() {
        let text = |text: &str| moment(text).map(|at| at.to_string());
        assert_eq!(text("2024-02-29").as_deref(), Some("2024-02-29 00:00:00"));
        assert_eq!(text("2024-02-29 05:30").as_deref(), Some("2024-02-29 05:30:00"));
        assert_eq!(
            text("2024-02-29T05:30:01.5+00:00").as_deref(),
            Some("2024-02-29 05:30:01.500")
        );
        assert_eq!(text("yesterday"), None);
    }
}
