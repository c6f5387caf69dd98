//! Tables of texts: the fields of a delimited file or the values of JSON objects, held column by column.

use std::borrow::Cow;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::fmt;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::super::csv_form::{self, CsvFault};
use super::super::limits::TableLimits;
use super::super::table::TableFault;

/// Separators that are looked for.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// Lines from which the separator is guessed.
const SAMPLE: usize = 50;
/// Most lines of a title.
const MOST_TITLE_LINES: usize = 20;

/// A column of texts; an empty one is missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TextColumn {
    text: String,
    ends: Vec<usize>,
}

impl TextColumn {
    fn push(&mut self, text: &str) {
        self.text.push_str(text.trim());
        self.ends.push(self.text.len());
    }

    /// The texts in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> + Clone {
        let begins = std::iter::once(0).chain(self.ends.iter().copied());
        begins.zip(&self.ends).map(|(begin, end)| &self.text[begin..*end])
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }
}

/// A table of texts.
#[derive(Debug, Default)]
pub(super) struct TextTable {
    /// The names of the columns as written, without blanks around them.
    pub(super) names: Vec<String>,
    /// The columns.
    pub(super) columns: Vec<TextColumn>,
    /// What was found out on the way.
    pub(super) form: BTreeMap<&'static str, String>,
    /// The keys that stand twice in an object of JSON, each with the first row, counted from 1, in which it does.
    pub(super) keys_twice: BTreeMap<String, usize>,
}

/// How a delimited file is written, as far as it is said.
#[derive(Clone, Debug, Default)]
pub(super) struct TextForm {
    /// The name of its encoding.
    pub(super) encoding: Option<String>,
    /// What separates the fields.
    pub(super) separator: Option<u8>,
}

/// The encoding of a name, such as `utf-16` or `windows-1252`.
pub(super) fn encoding(label: &str) -> Option<&'static Encoding> {
    Encoding::for_label(label.as_bytes())
}

/// Reads a delimited file.
pub(super) fn delimited(bytes: &[u8], form: &TextForm, limits: TableLimits) -> Result<TextTable, TableFault> {
    let mut table = TextTable::default();
    let text = decoded(bytes, form.encoding.as_deref(), &mut table.form)?;
    if csv_form::is_markup(text.as_bytes()) {
        return Err(TableFault::Form(CsvFault::Markup));
    }
    let text = from_header(&text, &mut table.form);
    let text = without_title(text, form.separator, &mut table.form);
    let text = csv_form::without_blank_end(text.as_bytes());
    let separator = form.separator.unwrap_or_else(|| separator(text));
    table.form.insert("separator", char::from(separator).to_string());
    let columns = csv_form::same_fields(text, separator, Some(b'#')).map_err(TableFault::Form)?;
    TableLimits::columns(columns as u64).map_err(TableFault::Over)?;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .delimiter(separator)
        .comment(Some(b'#'))
        .from_reader(text);
    table.columns = vec![TextColumn::default(); columns];
    let broken = |error: csv::Error| TableFault::Form(CsvFault::Broken(error.to_string()));
    let (mut record, mut rows) = (csv::StringRecord::new(), 0);
    while reader.read_record(&mut record).map_err(broken)? {
        if table.names.is_empty() {
            table.names = record.iter().map(|name| name.trim().to_owned()).collect();
            continue;
        }
        rows += 1;
        limits.rows(rows).map_err(TableFault::Over)?;
        limits
            .values(rows.saturating_mul(columns as u64))
            .map_err(TableFault::Over)?;
        for (column, field) in table.columns.iter_mut().zip(&record) {
            column.push(field);
        }
    }
    Ok(table)
}

/// The text of the bytes: in the encoding that is said, that of the mark at the beginning, UTF-8, or else that of Windows.
fn decoded<'b>(
    bytes: &'b [u8],
    said: Option<&str>,
    form: &mut BTreeMap<&'static str, String>,
) -> Result<Cow<'b, str>, TableFault> {
    if bytes.starts_with(&[0xff, 0xfe, 0, 0]) || bytes.starts_with(&[0, 0, 0xfe, 0xff]) {
        return Err(TableFault::Unreadable("it is UTF-32 text: save it as UTF-8".to_owned()));
    }
    let marked = Encoding::for_bom(bytes).map(|(encoding, _)| encoding);
    // Half of the bytes of such a text are zero.
    let unmarked = match bytes.get(..4) {
        Some([0, _, 0, _]) => Some(UTF_16BE),
        Some([_, 0, _, 0]) => Some(UTF_16LE),
        _ => None,
    };
    let encoding = marked.or(said.and_then(encoding)).or(unmarked).unwrap_or(UTF_8);
    let (text, had_faults) = encoding.decode_with_bom_removal(bytes);
    let (encoding, text) = match (had_faults, said) {
        (false, _) => (encoding, text),
        (true, None) if encoding == UTF_8 => (WINDOWS_1252, WINDOWS_1252.decode_without_bom_handling(bytes).0),
        (true, _) => {
            let why = format!("it is not all {}", encoding.name());
            return Err(TableFault::Unreadable(why));
        }
    };
    form.insert("encoding", encoding.name().to_owned());
    Ok(text)
}

/// The text from its header on: blank lines, comments and what Excel says of the separator come before it.
fn from_header<'t>(text: &'t str, form: &mut BTreeMap<&'static str, String>) -> &'t str {
    let (mut rest, mut comments) = (text, 0);
    loop {
        let line = rest.lines().next().unwrap_or_default();
        let is_hint = line.len() == 5 && line.starts_with("sep=");
        if line.starts_with('#') || is_hint {
            comments += 1;
        } else if !line.trim().is_empty() || rest.is_empty() {
            break;
        }
        rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
    }
    if comments > 0 {
        form.insert("lines before the header", comments.to_string());
    }
    rest
}

/// The text without lines of a title, as reports have above their tables: lines of one field, where only what follows them
/// is divided evenly.
fn without_title<'t>(text: &'t str, said: Option<u8>, form: &mut BTreeMap<&'static str, String>) -> &'t str {
    let candidates = said.map_or(SEPARATORS.to_vec(), |one| vec![one]);
    let divides = |rest: &str, separator: u8| {
        rest.trim_end().contains('\n')
            && csv_form::same_fields(sample(rest.as_bytes()), separator, Some(b'#')).is_ok_and(|fields| fields > 1)
    };
    let (mut rest, mut title) = (text, String::new());
    for lines in 0..=MOST_TITLE_LINES {
        let is_title = |separator: u8| !title.as_bytes().contains(&separator) && divides(rest, separator);
        if candidates.iter().any(|separator| is_title(*separator)) {
            if lines > 0 {
                form.insert("title", title.trim().replace('\n', " / "));
            }
            return rest;
        }
        let Some((line, below)) = rest.split_once('\n') else {
            break;
        };
        title.extend([line, "\n"]);
        rest = below;
    }
    text
}

/// The first lines of a text.
fn sample(text: &[u8]) -> &[u8] {
    let end = memchr::memchr_iter(b'\n', text).nth(SAMPLE).unwrap_or(text.len());
    &text[..end]
}

/// The separator that divides the first lines into the same number of fields, as many as possible.
fn separator(text: &[u8]) -> u8 {
    let fields = |separator: &u8| csv_form::same_fields(sample(text), *separator, Some(b'#')).unwrap_or(0);
    let header = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    // Where the rows of none are equal, that of the header is told with the row that differs.
    let in_header = |separator: &u8| memchr::memchr_iter(*separator, header).count();
    let best = SEPARATORS
        .iter()
        .rev()
        .max_by_key(|separator| (fields(separator).max(1), in_header(separator)));
    best.copied().unwrap_or(b',')
}

/// Reads JSON: an object a line, or one array of objects. Values are kept as texts, and what is nested as its JSON.
pub(super) fn json(bytes: &[u8], limits: TableLimits) -> Result<TextTable, TableFault> {
    let mut table = TextTable::default();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut rows = 0;
    let mut is_nested = true;
    let mut add = |row: JsonRow<'_>| -> Result<(), TableFault> {
        for name in row.twice {
            table.keys_twice.entry(name.into_owned()).or_insert(rows + 1);
        }
        for (name, value) in row.values {
            let at = *places.entry(name.to_string()).or_insert_with(|| {
                table.names.push(name.to_string());
                table.columns.push(TextColumn::default());
                table.names.len() - 1
            });
            is_nested &= value.get().starts_with(['{', '[']);
            let column = &mut table.columns[at];
            while column.len() < rows {
                column.push("");
            }
            column.push(&plain(value.get()));
        }
        rows += 1;
        TableLimits::columns(table.names.len() as u64).map_err(TableFault::Over)?;
        limits.rows(rows as u64).map_err(TableFault::Over)?;
        limits
            .values((rows * table.names.len()) as u64)
            .map_err(TableFault::Over)
    };
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let broken = |place: String, error: serde_json::Error| TableFault::Unreadable(format!("{place}: {error}"));
    if bytes.trim_ascii_start().starts_with(b"[") {
        let all: Vec<JsonRow<'_>> = serde_json::from_slice(bytes).map_err(|error| match no_json_number(bytes) {
            Some(word) => no_json(word, "it"),
            None => broken("it is no array of objects that can be read".to_owned(), error),
        })?;
        all.into_iter().try_for_each(&mut add)?;
    } else {
        let lines = bytes.split(|byte| *byte == b'\n').enumerate();
        for (at, line) in lines.filter(|(_, line)| !line.trim_ascii().is_empty()) {
            let row = serde_json::from_slice(line);
            add(row.map_err(|error| match no_json_number(line) {
                Some(word) => no_json(word, &format!("line {}", at + 1)),
                None => broken(format!("line {} is no object that can be read", at + 1), error),
            })?)?;
        }
    }
    if rows == 1 && is_nested && !table.names.is_empty() {
        let why = "it is one object with tables in it, and no rows: write one array of objects, or an object a line, as pandas \
                   does with `to_json(orient=\"records\")`";
        return Err(TableFault::Unreadable(why.to_owned()));
    }
    for column in &mut table.columns {
        while column.len() < rows {
            column.push("");
        }
    }
    Ok(table)
}

/// A word for a number that JSON does not know, and Python writes, where a value may stand.
fn no_json_number(text: &[u8]) -> Option<&'static str> {
    let is_value = |word: &str| {
        let places = memchr::memmem::find_iter(text, word.as_bytes());
        let mut before = places.map(|at| text[..at].trim_ascii_end().last());
        before.any(|byte| matches!(byte, Some(b':' | b'[' | b',')))
    };
    ["NaN", "-Infinity", "Infinity"].into_iter().find(|word| is_value(word))
}

/// The fault of such a word.
fn no_json(word: &str, place: &str) -> TableFault {
    TableFault::Unreadable(format!(
        "{place} has `{word}`, which is no JSON: write null, as pandas does with `to_json`"
    ))
}

/// An object of JSON.
struct JsonRow<'j> {
    /// By key; of a key that stands twice the first.
    values: BTreeMap<Cow<'j, str>, &'j RawValue>,
    /// The keys that stand twice: which of the two values counts nobody said.
    twice: Vec<Cow<'j, str>>,
}

impl<'de: 'j, 'j> Deserialize<'de> for JsonRow<'j> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = JsonRow<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
                let (mut values, mut twice) = (BTreeMap::new(), Vec::new());
                while let Some((Key(name), value)) = entries.next_entry::<Key<'de>, &RawValue>()? {
                    match values.entry(name) {
                        Entry::Vacant(free) => {
                            free.insert(value);
                        }
                        Entry::Occupied(taken) => twice.push(taken.key().clone()),
                    }
                }
                Ok(JsonRow { values, twice })
            }
        }

        deserializer.deserialize_map(Entries)
    }
}

/// A key of an object, copied only where it has escapes.
#[derive(Deserialize)]
struct Key<'j>(#[serde(borrow)] Cow<'j, str>);

/// A value as text: a string without its quotes, nothing for `null`.
fn plain(json: &str) -> Cow<'_, str> {
    match json.as_bytes().first() {
        Some(b'"') => serde_json::from_str::<String>(json).map_or(Cow::Borrowed(json), Cow::Owned),
        Some(b'n') => Cow::Borrowed(""),
        _ => Cow::Borrowed(json),
    }
}
