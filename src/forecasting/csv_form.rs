//! What is looked at in a CSV file before it is parsed: that it is one, with commas, and that no row is cut short.
//!
//! The parser fills up a short row and takes a blank last line for one; both would be wrong data without a word.

use std::collections::HashMap;

/// Why a file is not the CSV file that it seems to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CsvFault {
    /// It is text of two bytes a character.
    Utf16,
    /// It is a page, or another document in marks.
    Markup,
    /// Its header has another separator and no comma.
    Separator(char),
    /// Something stands before the header.
    Comment,
    /// A row has another number of fields than the header; rows count from 1 below it.
    Fields { row: u64, fields: usize, header: usize },
    /// Two columns have one name; they count from 1.
    Twice { name: String, first: usize, second: usize },
    /// It cannot be divided into fields.
    Broken(String),
}

impl CsvFault {
    /// What is wrong, about "it".
    pub(super) fn why(&self) -> String {
        match self {
            Self::Utf16 => "it is UTF-16 text".to_owned(),
            Self::Markup => "it is a page in HTML, or XML, and no table".to_owned(),
            Self::Separator(separator) => {
                format!(
                    "its fields are separated by `{}`, not by commas",
                    separator.escape_debug()
                )
            }
            Self::Comment => "its first line begins with `#`, where the names of the columns have to be".to_owned(),
            Self::Fields { row, fields, header } => {
                let s = if *fields == 1 { "" } else { "s" };
                format!("row {row} has {fields} field{s}, and the header {header}")
            }
            Self::Twice { name, first, second } => {
                format!(
                    "its columns {first} and {second} are both called `{}`",
                    name.escape_debug()
                )
            }
            Self::Broken(why) => why.clone(),
        }
    }

    /// What to do.
    pub(super) fn help(&self) -> &'static str {
        match self {
            Self::Utf16 => "save it as UTF-8, or, as an input of a target, say in its `reading` how it is written",
            Self::Markup => "look at it: a server may have answered with a page where the file was asked for",
            Self::Separator(_) => {
                "write it with commas and decimal points, or, as an input of a target, say in its `reading` how it is written"
            }
            Self::Comment => {
                "remove the lines before the header, or, as an input of a target, say in its `reading` how it is written"
            }
            Self::Fields { .. } => "see whether the file was cut off, or a field with a comma in it lacks its quotes",
            Self::Twice { .. } => "give each column a name of its own",
            Self::Broken(_) => "see whether each quote is closed",
        }
    }
}

/// The bytes of a CSV file without blank lines at the end, if all of its rows have as many fields as its header.
pub(super) fn checked(bytes: &[u8]) -> Result<&[u8], CsvFault> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(CsvFault::Utf16);
    }
    let bytes = without_blank_end(bytes);
    let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    if text.starts_with(b"#") {
        return Err(CsvFault::Comment);
    }
    if is_markup(text) {
        return Err(CsvFault::Markup);
    }
    let header = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let other = [';', '\t', '|'].into_iter().find(|it| header.contains(&(*it as u8)));
    if let Some(separator) = other.filter(|_| !header.contains(&b',')) {
        return Err(CsvFault::Separator(separator));
    }
    same_fields(text, b',', None)?;
    Ok(bytes)
}

/// Whether a text is a page in HTML, or XML.
pub(super) fn is_markup(text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    let begins = |word: &[u8]| {
        text.get(..word.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    [&b"<!doctype"[..], b"<html", b"<?xml", b"<head", b"<body"]
        .into_iter()
        .any(begins)
}

/// Refuses two columns of one name where that is wanted: which of them counts nobody said.
pub(super) fn distinct(text: &[u8], is_wanted: impl Fn(&str) -> bool) -> Result<(), CsvFault> {
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
    let mut header = csv::ByteRecord::new();
    csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(text)
        .read_byte_record(&mut header)
        .map_err(|error| CsvFault::Broken(error.to_string()))?;
    let names: Vec<_> = header.iter().map(String::from_utf8_lossy).collect();
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    twice(&names, is_wanted).map_or(Ok(()), Err)
}

/// The first two columns of one name that is wanted.
pub(super) fn twice(names: &[&str], is_wanted: impl Fn(&str) -> bool) -> Option<CsvFault> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for (at, name) in names.iter().enumerate() {
        let first = *seen.entry(name).or_insert(at);
        if first < at && is_wanted(name) {
            return Some(CsvFault::Twice {
                name: (*name).to_owned(),
                first: first + 1,
                second: at + 1,
            });
        }
    }
    None
}

/// The bytes up to the last line that is not blank.
pub(super) fn without_blank_end(bytes: &[u8]) -> &[u8] {
    match bytes.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r')) {
        Some(last) => &bytes[..=last],
        None => &bytes[..0],
    }
}

/// Checks that all rows have as many fields as the header, and gives their number, lines of comments left out.
pub(super) fn same_fields(text: &[u8], separator: u8, comment: Option<u8>) -> Result<usize, CsvFault> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator)
        .comment(comment)
        .from_reader(text);
    let (mut record, mut row, mut columns) = (csv::ByteRecord::new(), 0, 0);
    while reader
        .read_byte_record(&mut record)
        .map_err(|error| CsvFault::Broken(error.to_string()))?
    {
        match row {
            0 => columns = record.len(),
            _ if record.len() != columns => {
                return Err(CsvFault::Fields {
                    row,
                    fields: record.len(),
                    header: columns,
                });
            }
            _ => {}
        }
        row += 1;
    }
    Ok(columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_the_same_fields_in_each_row_is_a_csv_file() {
        for text in [
            "a,b\n1,2\n",
            "a,b\r\n1,2\r\n\r\n",
            "\u{feff}a,b\n1,2",
            "a,b\n\"x,\ny\",2\n",
            "a\n1\n2\n\n",
            "a,\"b;c\"\n1,2\n",
            "",
        ] {
            assert_eq!(checked(text.as_bytes()), Ok(text.trim_end().as_bytes()), "{text:?}");
        }
    }

    #[test]
    fn two_columns_of_one_name_are_told_where_they_are_wanted() {
        let text = "\u{feff}ds,y,note,\"y\",note\n1,2,3,4,5\n".as_bytes();
        let fault = distinct(text, |name| name == "y").expect_err("twice");
        assert_eq!(fault.why(), "its columns 2 and 4 are both called `y`");
        assert_eq!(distinct(text, |name| name == "ds"), Ok(()));
        assert_eq!(distinct(b"", |_| true), Ok(()));
    }

    #[test]
    fn what_would_be_wrong_data_without_a_word_is_told() {
        let utf16: Vec<u8> = "\u{feff}a,b\n1,2\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(checked(&utf16), Err(CsvFault::Utf16));
        for (text, fault) in [
            ("a;b\n1;2\n", CsvFault::Separator(';')),
            ("a\tb\n1,5\t2\n", CsvFault::Separator('\t')),
            ("# made by x\na,b\n1,2\n", CsvFault::Comment),
            ("\n<!DOCTYPE html>\n<html>, no</html>\n", CsvFault::Markup),
            ("<?xml version=\"1.0\"?>\n<a/>\n", CsvFault::Markup),
            (
                "a,b\n1,2\n1\n",
                CsvFault::Fields {
                    row: 2,
                    fields: 1,
                    header: 2,
                },
            ),
            (
                "a,b\n1,2,3\n",
                CsvFault::Fields {
                    row: 1,
                    fields: 3,
                    header: 2,
                },
            ),
        ] {
            assert_eq!(checked(text.as_bytes()), Err(fault), "{text:?}");
        }
    }
}
