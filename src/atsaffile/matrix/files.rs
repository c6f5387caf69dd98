//! Axes whose values are on the disk: what they ask for, and the values in the answers.

use std::collections::HashMap;

use toml::de::{DeTable, DeValue};

use crate::atsaffile::asked::{FileAnswers, FileQuestions};
use crate::atsaffile::mistakes::Mistakes;
use crate::atsaffile::path;
use crate::atsaffile::sections::unknown_key;
use crate::atsaffile::syntax::{self, TomlNode, Word, key_of, span_of};
use crate::engine::spec::AxisSource;
use crate::engine::spec::pattern::is_pattern;

/// A value, and what is known of it by name: `sample.path`, or a column as `plant.COLUMN`.
pub(in crate::atsaffile) struct FileValue {
    pub(super) value: String,
    pub(super) fields: Vec<(String, String)>,
}

/// The values of each axis that are on the disk, by the axis's name.
pub(in crate::atsaffile) type FileValues<'t> = HashMap<&'t str, (AxisSource, Vec<FileValue>)>;

/// Adds what the axes ask for, as far as the text can be read.
pub(in crate::atsaffile) fn questions(table: Option<&DeTable<'_>>, asked: &mut FileQuestions) {
    let silent = &mut Mistakes::default();
    for (_, node) in table.into_iter().flatten() {
        match source(node, silent) {
            Some((AxisSource::Files(pattern), _)) => asked.patterns.push(pattern),
            Some((AxisSource::Rows(path), _)) => asked.tables.push(path),
            Some((AxisSource::Listed, _)) | None => {}
        }
    }
}

/// Reads the values that are on the disk.
pub(in crate::atsaffile) fn values<'t>(
    table: Option<&'t DeTable<'t>>,
    found: &FileAnswers,
    mistakes: &mut Mistakes,
) -> FileValues<'t> {
    let mut all = FileValues::new();
    for (key, node) in table.into_iter().flatten() {
        let axis = key_of(key);
        if !node.get_ref().is_table() || super::KEYS.contains(&axis.text) {
            continue;
        }
        let Some((from, key)) = source(node, mistakes) else {
            continue;
        };
        let told = mistakes.len();
        let values = match &from {
            AxisSource::Files(pattern) => of_files(axis, pattern, node, found, mistakes),
            AxisSource::Rows(path) => of_rows(axis, path, key.unwrap_or_default(), node, found, mistakes),
            AxisSource::Listed => Vec::new(),
        };
        // What is wrong already is not told again as an axis without values.
        if mistakes.len() == told {
            all.insert(axis.text, (from, values));
        }
    }
    all
}

/// Where the values come from; of rows, with the column that names them.
fn source<'t>(node: &'t TomlNode<'t>, mistakes: &mut Mistakes) -> Option<(AxisSource, Option<Word<'t>>)> {
    const HELP: &str = "write a list, `{ glob = \"data/*.csv\" }`, or `{ rows = \"table.csv\", key = \"column\" }`";
    let DeValue::Table(table) = node.get_ref() else {
        return Some((AxisSource::Listed, None));
    };
    let (mut glob, mut rows, mut column) = (None, None, None);
    let before = mistakes.len();
    for (key, node) in table {
        let key = key_of(key);
        match key.text {
            "glob" => glob = syntax::text(node, "glob", "a pattern of files", mistakes),
            "rows" => rows = syntax::text(node, "rows", "the path of a CSV file", mistakes),
            "key" => column = syntax::text(node, "key", "the name of a column", mistakes),
            _ => unknown_key(key, "in an axis", &["glob", "rows", "key"], mistakes),
        }
    }
    if mistakes.len() > before {
        return None;
    }
    match (glob, rows, column) {
        (Some(glob), None, None) => {
            let pattern = path::normalise(glob.text);
            if !is_pattern(&pattern) || path::is_outside(&pattern) || path::is_store(&pattern) {
                mistakes
                    .error(
                        glob.span,
                        format!("`{}` is no pattern of files of the project", glob.text),
                    )
                    .help("write one such as `data/samples/*.csv`");
                return None;
            }
            Some((AxisSource::Files(pattern), None))
        }
        (None, Some(rows), Some(column)) => Some((AxisSource::Rows(path::normalise(rows.text)), Some(column))),
        (None, Some(rows), None) => {
            mistakes
                .error(rows.span, "the axis does not say which column its values are in")
                .help(format!("add it: `{{ rows = \"{}\", key = \"column\" }}`", rows.text));
            None
        }
        _ => {
            mistakes
                .error(span_of(node), "an axis takes its values from one place")
                .help(HELP);
            None
        }
    }
}

/// The files of a pattern, each by its name without the ending.
fn of_files(
    axis: Word<'_>,
    pattern: &str,
    node: &TomlNode<'_>,
    found: &FileAnswers,
    mistakes: &mut Mistakes,
) -> Vec<FileValue> {
    let paths = match found.matches.get(pattern) {
        Some(Ok(paths)) => paths.as_slice(),
        Some(Err(why)) => {
            mistakes.error(span_of(node), format!("`{pattern}` is not a glob: {why}"));
            return Vec::new();
        }
        None => &[],
    };
    let mut seen: HashMap<&str, &str> = HashMap::new();
    let mut values = Vec::with_capacity(paths.len());
    for at in paths {
        let value = stem(at, pattern);
        if let Some(first) = seen.insert(value, at) {
            mistakes
                .error(
                    span_of(node),
                    format!("two files are the value `{value}` of the axis `{}`", axis.text),
                )
                .note(format!("they are `{first}` and `{at}`"))
                .help("rename one of them, or narrow the pattern");
        }
        values.push(FileValue {
            value: value.to_owned(),
            fields: vec![(format!("{}.path", axis.text), at.clone())],
        });
    }
    if paths.is_empty() {
        mistakes
            .error(
                span_of(node),
                format!("the axis `{}` has no values: `{pattern}` matches no file", axis.text),
            )
            .note("hidden and ignored files are matched by no pattern")
            .help("put a file there, or correct the pattern");
    }
    values
}

/// The name of a file without the ending that the pattern gives, else without its last extension.
fn stem<'p>(path: &'p str, pattern: &str) -> &'p str {
    let name = |path: &'p str| path.rsplit('/').next().unwrap_or(path);
    let ending = pattern.rsplit(['*', '?', ']', '}', '/']).next().unwrap_or_default();
    let name = name(path);
    let short = name.strip_suffix(ending).filter(|_| ending.starts_with('.'));
    let short = short.or_else(|| name.rsplit_once('.').map(|(stem, _)| stem));
    short.filter(|stem| !stem.is_empty()).unwrap_or(name)
}

/// The rows of a table, each by its value in one column.
fn of_rows(
    axis: Word<'_>,
    path: &str,
    key: Word<'_>,
    node: &TomlNode<'_>,
    found: &FileAnswers,
    mistakes: &mut Mistakes,
) -> Vec<FileValue> {
    let text = match found.tables.get(path) {
        Some(Ok(text)) => text.strip_prefix('\u{feff}').unwrap_or(text),
        other => {
            let why = other
                .and_then(|it| it.as_ref().err())
                .map_or("it was not looked for", String::as_str);
            mistakes
                .error(span_of(node), format!("the table `{path}` cannot be read: {why}"))
                .help("the axis takes its values from there: a CSV file whose first line names the columns");
            return Vec::new();
        }
    };
    match rows(axis, key.text, text) {
        Ok(values) if values.is_empty() => {
            mistakes
                .error(
                    span_of(node),
                    format!("the axis `{}` has no values: `{path}` has no rows", axis.text),
                )
                .help("add a row to it");
            values
        }
        Ok(values) => values,
        Err(TableError::NoColumn(columns)) => {
            let what = format!("the table `{path}` has no column `{}`", key.text);
            let columns = columns.iter().map(String::as_str);
            mistakes.unknown(Some(key.span), what, key.text, "columns", columns);
            Vec::new()
        }
        Err(TableError::Wrong(why)) => {
            mistakes.error(span_of(node), format!("the table `{path}`: {why}"));
            Vec::new()
        }
    }
}

enum TableError {
    NoColumn(Vec<String>),
    Wrong(String),
}

fn rows(axis: Word<'_>, key: &str, text: &str) -> Result<Vec<FileValue>, TableError> {
    let wrong = |error: csv::Error| {
        TableError::Wrong(match error.kind() {
            csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
                let line = pos.as_ref().map_or(0, csv::Position::line);
                format!("line {line} has {len} fields, and the lines before it {expected_len}")
            }
            _ => error.to_string(),
        })
    };
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let columns: Vec<String> = reader.headers().map_err(wrong)?.iter().map(str::to_owned).collect();
    let at = columns.iter().position(|column| column == key);
    let Some(at) = at else {
        return Err(TableError::NoColumn(columns));
    };
    for (number, column) in columns.iter().enumerate() {
        if columns[..number].contains(column) {
            return Err(TableError::Wrong(format!("two of its columns are named `{column}`")));
        }
    }
    let names: Vec<String> = columns.iter().map(|column| format!("{}.{column}", axis.text)).collect();
    let mut values = Vec::new();
    let mut seen: HashMap<String, u64> = HashMap::new();
    for record in reader.records() {
        let record = record.map_err(wrong)?;
        let line = record.position().map_or(0, csv::Position::line);
        // Most often a quote that is not closed, after which all is one field.
        if record.iter().any(|field| field.contains(['\n', '\r'])) {
            return Err(TableError::Wrong(format!(
                "a field in line {line} has a line break in it"
            )));
        }
        let value = record[at].to_owned();
        if let Some(first) = seen.insert(value.clone(), line) {
            return Err(TableError::Wrong(format!(
                "`{value}` stands in lines {first} and {line}, and a value counts once"
            )));
        }
        let fields = names.iter().cloned().zip(record.iter().map(str::to_owned)).collect();
        values.push(FileValue { value, fields });
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::stem;

    #[test]
    fn a_stem_is_the_name_without_the_ending_of_the_pattern() {
        for (path, pattern, expected) in [
            ("data/A.fastq", "data/*.fastq", "A"),
            ("data/A.fastq.gz", "data/*.fastq.gz", "A"),
            ("data/A.v1.csv", "data/*", "A.v1"),
            ("data/run_1.csv", "data/run_*.csv", "run_1"),
            ("d/x/data.csv", "d/*/data.csv", "data"),
            ("data/A", "data/*", "A"),
            ("data/A-1", "data/*-1", "A-1"),
        ] {
            assert_eq!(stem(path, pattern), expected, "{path} of {pattern}");
        }
    }
}
