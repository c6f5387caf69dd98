//! How a file is read, as parameters: each is guessed where it is not given.

use chrono_tz::TZ_VARIANTS;

use super::super::times::UNIT_NAMES;
use super::super::timestamp;
use super::layout::Said;
use super::local_time::Zone;
use super::series_of_file::FileReader;
use super::text_table::{self, TextForm};
use crate::engine::spec::Value;
use crate::engine::spec::schema::{self, AUTO, Kind, Literal, ParamSchema};

/// A parameter that is guessed where it is not given.
const fn guessed(name: &'static str, kind: &'static Kind, doc: &'static str) -> ParamSchema {
    ParamSchema {
        name,
        kind: Kind::Auto(kind),
        default: Some(Literal::Text(AUTO)),
        doc,
    }
}

pub(crate) static ZONE: schema::TextForm = schema::TextForm {
    what: "a time zone such as America/New_York, UTC or +01:00",
    accepts: |text| Zone::parse(text).is_some(),
    nearest: |text| crate::diagnostic::nearest(text, TZ_VARIANTS.iter().map(|zone| zone.name())),
};
static FORMAT: schema::TextForm = schema::TextForm {
    what: "a format such as %d/%m/%Y %H:%M, as `strftime` has them",
    accepts: timestamp::is_format,
    nearest: |_| None,
};
static SEPARATOR: schema::TextForm = schema::TextForm {
    what: "one character, such as ; or a tab",
    accepts: |text| separator(text).is_some(),
    nearest: |_| None,
};
static ENCODING: schema::TextForm = schema::TextForm {
    what: "an encoding such as utf-8, utf-16 or windows-1252",
    accepts: |text| text_table::encoding(text).is_some(),
    nearest: |text| {
        let known = [
            "utf-8",
            "utf-16",
            "utf-16le",
            "utf-16be",
            "windows-1252",
            "iso-8859-1",
            "latin1",
        ];
        crate::diagnostic::nearest(text, known)
    },
};

const ZONE_KIND: Kind = Kind::Form(&ZONE);
const FORMAT_KIND: Kind = Kind::Form(&FORMAT);
const SEPARATOR_KIND: Kind = Kind::Form(&SEPARATOR);
const ENCODING_KIND: Kind = Kind::Form(&ENCODING);

/// The parameters that say how a file is read.
pub(crate) const PARAMS: [ParamSchema; 11] = [
    guessed(
        "id",
        &Kind::OneOrMany(&Kind::Text),
        "the column that names the series, or several; or a name, where the files hold one series",
    ),
    guessed("time", &Kind::Text, "the column of the times"),
    guessed(
        "value",
        &Kind::OneOrMany(&Kind::Text),
        "the column of the values, or several, which are a series each",
    ),
    guessed(
        "time_zone",
        &ZONE_KIND,
        "where the times are local; auto takes those without an offset as UTC",
    ),
    guessed("format", &FORMAT_KIND, "how the times are written"),
    guessed(
        "unit",
        &Kind::Choice(&UNIT_NAMES),
        "the unit of times that are numbers, counted from 1970; or `excel` for days as Excel counts them",
    ),
    guessed("separator", &SEPARATOR_KIND, "what separates the fields of a row"),
    guessed(
        "decimal",
        &Kind::Choice(&[".", ","]),
        "what stands before the fraction of a number",
    ),
    ParamSchema {
        name: "thousands",
        kind: Kind::Choice(&["none", ",", ".", " ", "'", "_"]),
        default: Some(Literal::Text("none")),
        doc: "what separates the thousands of a number; it is never guessed",
    },
    guessed(
        "null_values",
        &Kind::OneOrMany(&Kind::Text),
        "words for no value, beside NA, N/A, NaN, null, none, -, --, . and w",
    ),
    guessed("encoding", &ENCODING_KIND, "the encoding of the text"),
];

/// Those that say how a table of any columns is written.
pub(crate) const TABLE_PARAMS: [ParamSchema; 5] = {
    let names = ["separator", "decimal", "thousands", "null_values", "encoding"];
    let mut params = [PARAMS[0]; 5];
    let (mut next, mut at) = (0, 0);
    while at < PARAMS.len() {
        if next < names.len() && is_same(PARAMS[at].name, names[next]) {
            params[next] = PARAMS[at];
            next += 1;
        }
        at += 1;
    }
    assert!(next == names.len(), "a parameter is not found");
    params
};

/// Whether two names are one, where only constants are known.
const fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

impl FileReader {
    /// How files are read, as far as values of [`PARAMS`] say it, which `said` gives by name.
    pub(crate) fn of<'v>(said: &dyn Fn(&str) -> Option<&'v Value>) -> Self {
        let many = |name: &str| -> Vec<String> {
            let items = match said(name) {
                Some(Value::List(items)) => items.as_slice(),
                Some(one) => std::slice::from_ref(one),
                None => &[],
            };
            let text = |item: &Value| match item {
                Value::Text(text) if text != AUTO => Some(text.clone()),
                _ => None,
            };
            items.iter().filter_map(text).collect()
        };
        let one = |name: &str| many(name).pop();
        Self {
            said: Said {
                ids: many("id"),
                time: one("time"),
                values: many("value"),
                every_number: false,
            },
            text: TextForm {
                encoding: one("encoding"),
                separator: one("separator").and_then(|text| separator(&text)),
            },
            zone: one("time_zone").and_then(|text| Some((Zone::parse(&text)?, text))),
            format: one("format"),
            unit: one("unit").and_then(|text| UNIT_NAMES.into_iter().find(|unit| *unit == text)),
            decimal: one("decimal").and_then(|text| text.chars().next()),
            thousands: one("thousands")
                .filter(|text| text != "none")
                .and_then(|text| text.chars().next()),
            nulls: many("null_values"),
        }
    }
}

/// The byte of a separator; a tab may be written as a word.
fn separator(text: &str) -> Option<u8> {
    match text.as_bytes() {
        b"tab" | b"\\t" => Some(b'\t'),
        [byte] if byte.is_ascii() && !byte.is_ascii_alphanumeric() && !b"\"\r\n".contains(byte) => Some(*byte),
        _ => None,
    }
}
