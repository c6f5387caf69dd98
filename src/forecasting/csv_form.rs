//! What is looked at in a CSV file before it is parsed: that it is one, with commas, and that no row is cut short.
//!
//! The parser fills up a short row and takes a blank last line for one; both would be wrong data without a word.

/// Why a file is not the CSV file that it seems to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CsvFault {
    /// It is text of two bytes a character.
    Utf16,
    /// Its header has another separator and no comma.
    Separator(char),
    /// Something stands before the header.
    Comment,
    /// A row has another number of fields than the header; rows count from 1 below it.
    Fields { row: u64, fields: usize, header: usize },
    /// It cannot be divided into fields.
    Broken(String),
}

impl CsvFault {
    /// What is wrong, about "it".
    pub(super) fn why(&self) -> String {
        match self {
            Self::Utf16 => "it is UTF-16 text".to_owned(),
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
            Self::Broken(why) => why.clone(),
        }
    }

    /// What to do.
    pub(super) fn help(&self) -> &'static str {
        match self {
            Self::Utf16 => "save it as UTF-8, or read it with the task `ingest_file`",
            Self::Separator(_) => "write it with commas and decimal points, or read it with the task `ingest_file`",
            Self::Comment => "remove the lines before the header, or read it with the task `ingest_file`",
            Self::Fields { .. } => "see whether the file was cut off, or a field with a comma in it lacks its quotes",
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
    let header = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let other = [';', '\t', '|'].into_iter().find(|it| header.contains(&(*it as u8)));
    if let Some(separator) = other.filter(|_| !header.contains(&b',')) {
        return Err(CsvFault::Separator(separator));
    }
    same_fields(text, b',', None)?;
    Ok(bytes)
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
    fn what_would_be_wrong_data_without_a_word_is_told() {
        let utf16: Vec<u8> = "\u{feff}a,b\n1,2\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(checked(&utf16), Err(CsvFault::Utf16));
        for (text, fault) in [
            ("a;b\n1;2\n", CsvFault::Separator(';')),
            ("a\tb\n1,5\t2\n", CsvFault::Separator('\t')),
            ("# made by x\na,b\n1,2\n", CsvFault::Comment),
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
