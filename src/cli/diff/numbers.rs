//! The numbers in a file of metrics: JSON, YAML, CSV or Parquet, by the keys that lead to them.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::Value;

use crate::cli::{plain_yaml, show};
use crate::report::metrics::Metrics;
use crate::report::table_diff::Sheet;

/// Most numbers of a file.
const MOST: usize = 10_000;
/// The name of a number that is all that the file holds, and of a column whose name says nothing.
const ALONE: &str = "value";

/// Reads the numbers of a file with this name.
///
/// # Errors
/// Why there are none to be read, as a sentence.
pub(super) fn read(path: &str, bytes: &[u8]) -> Result<Metrics, String> {
    let text = || str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned());
    let mut found = Metrics::new();
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "json" => flatten(
            &json(text()?.trim_start_matches('\u{feff}'))?,
            String::new(),
            &mut found,
        ),
        "yaml" | "yml" => flatten(&plain_yaml::read(text()?)?, String::new(), &mut found),
        _ => {
            let (columns, rows) = show::table_of(bytes).ok_or("it is no table that can be read")?;
            found = of_table(&Sheet { columns, rows });
        }
    }
    match found.len() > MOST {
        true => Err(format!("it has more than {MOST} numbers")),
        false => Ok(told_apart(found)),
    }
}

/// Numbers of the same name, such as those of the keys `a.b` and `b` in `a`, are numbered in their order.
fn told_apart(found: Metrics) -> Metrics {
    let mut times: HashMap<String, usize> = HashMap::new();
    let numbered = found.into_iter().map(|(name, value)| {
        let before = times.entry(name.clone()).or_default();
        *before += 1;
        match *before {
            1 => (name, value),
            before => (format!("{name} ({before})"), value),
        }
    });
    numbered.collect()
}

fn json(text: &str) -> Result<Value, String> {
    let value = serde_json::from_str(text).or_else(|_| serde_json::from_str(&quoted_words(text)));
    value.map_err(|error| format!("it is no JSON: {error}"))
}

/// JSON with the numbers in quotes that it has no word for, and that Python writes all the same.
fn quoted_words(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let (mut rest, mut in_text) = (text, false);
    while let Some(c) = rest.chars().next() {
        let word = ["NaN", "-Infinity", "Infinity"]
            .into_iter()
            .find(|word| !in_text && rest.starts_with(word));
        if let Some(word) = word {
            out.push('"');
            out += word;
            out.push('"');
            rest = &rest[word.len()..];
            continue;
        }
        let taken = match c {
            '\\' if in_text => rest.chars().nth(1).map_or(1, |next| 1 + next.len_utf8()),
            c => c.len_utf8(),
        };
        in_text ^= c == '"';
        out += &rest[..taken];
        rest = &rest[taken..];
    }
    Cow::Owned(out)
}

/// A number, or a text that stands for one that JSON and YAML have no number for.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => match text.as_str() {
            "NaN" | "nan" | ".nan" | ".NaN" | ".NAN" => Some(f64::NAN),
            "Infinity" | "inf" | ".inf" | ".Inf" | ".INF" | "+.inf" => Some(f64::INFINITY),
            "-Infinity" | "-inf" | "-.inf" | "-.Inf" | "-.INF" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

fn flatten(value: &Value, name: String, into: &mut Metrics) {
    let below = |key: &str| match name.as_str() {
        "" => key.to_owned(),
        above => format!("{above}.{key}"),
    };
    if into.len() > MOST {
        return;
    }
    match value {
        Value::Object(entries) => entries.iter().for_each(|(key, value)| flatten(value, below(key), into)),
        Value::Array(items) => {
            let numbered = items.iter().enumerate();
            numbered.for_each(|(at, value)| flatten(value, below(&at.to_string()), into));
        }
        value => {
            let name = if name.is_empty() { ALONE.to_owned() } else { name };
            into.extend(number(value).map(|number| (name, number)));
        }
    }
}

/// The numbers of a table, by the row's key and the column; of one row that has none by the column, and in a column
/// `value` by the key.
fn of_table(sheet: &Sheet) -> Metrics {
    let key = sheet.key();
    let places: Vec<usize> = (0..sheet.columns.len())
        .filter(|at| key.contains(&sheet.columns[*at]))
        .collect();
    let name_of = |(number, row): (usize, &Vec<String>)| {
        let parts = places.iter().filter_map(|at| row.get(*at)).map(String::as_str);
        let name = parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".");
        match name.is_empty() && sheet.rows.len() > 1 {
            true => number.to_string(),
            false => name,
        }
    };
    let is_value = |at: &usize| {
        let cells = || {
            sheet
                .rows
                .iter()
                .filter_map(|row| row.get(*at))
                .filter(|cell| !cell.is_empty())
        };
        let is_number = |cell: &String| cell.trim().parse::<f64>().is_ok();
        !key.contains(&sheet.columns[*at]) && cells().next().is_some() && cells().all(is_number)
    };
    let values: Vec<usize> = (0..sheet.columns.len()).filter(is_value).collect();
    let mut found = Metrics::new();
    for (number, row) in sheet.rows.iter().enumerate() {
        let name = name_of((number, row));
        for at in &values {
            let Some(number) = row.get(*at).and_then(|cell| cell.trim().parse().ok()) else {
                continue;
            };
            let column = &sheet.columns[*at];
            let name = match name.as_str() {
                "" => column.clone(),
                name if column == ALONE => name.to_owned(),
                name => format!("{name}.{column}"),
            };
            found.push((name, number));
        }
        if found.len() > MOST {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(path: &str, text: &str) -> String {
        let found = read(path, text.as_bytes()).unwrap_or_else(|why| panic!("{why}: {text}"));
        let all: Vec<String> = found.iter().map(|(name, value)| format!("{name}={value}")).collect();
        all.join(" ")
    }

    #[test]
    fn keys_lead_to_numbers_in_json_and_yaml() {
        let json = r#"{"a": {"b": 1, "c": [2.5, {"d": -3e2}]}, "t": "1", "yes": true, "n": null, "e": NaN, "f": [-Infinity, Infinity], "q": "a \" NaN"}"#;
        assert_eq!(
            told("m.json", json),
            "a.b=1 a.c.0=2.5 a.c.1.d=-300 e=NaN f.0=-inf f.1=inf"
        );
        assert_eq!(told("m.json", "\u{feff}0.5"), "value=0.5");
        assert_eq!(told("m.json", r#"{"a.b": 1, "a": {"b": 2}}"#), "a.b=1 a.b (2)=2");
        assert_eq!(
            told("m.yaml", "a:\n  b: 1\n  c: [2.5, .nan]\nt: 'x'\ninf: -.inf\n"),
            "a.b=1 a.c.0=2.5 a.c.1=NaN inf=-inf"
        );
        assert_eq!(told("m.yml", ""), "");
        for (path, text) in [("m.json", "{"), ("m.json", ""), ("m.yaml", "[a"), ("m.parquet", "PAR1")] {
            assert!(read(path, text.as_bytes()).is_err(), "{path}: {text}");
        }
        assert_eq!(read("m.json", b"\xff"), Err("it is not UTF-8".to_owned()));
    }

    #[test]
    fn rows_of_a_table_go_by_their_key() {
        assert_eq!(told("m.csv", "acc,loss,who\n0.9,nan,me\n"), "acc=0.9 loss=NaN");
        assert_eq!(told("m.csv", "metric,value\nacc,0.9\nloss,2\n"), "acc=0.9 loss=2");
        assert_eq!(
            told("m.csv", "epoch,acc,loss\n1,0.5,\n2,0.7,3\n"),
            "1.acc=0.5 2.acc=0.7 2.loss=3"
        );
        assert_eq!(
            told("leaderboard.csv", "model,rank,rmse_mean,settings\nA,1,5.5,x\nB,2,6,y\n"),
            "A.rank=1 A.rmse_mean=5.5 B.rank=2 B.rmse_mean=6"
        );
        assert_eq!(told("m.csv", "a,b\n1,1\n1,1\n"), "0.a=1 0.b=1 1.a=1 1.b=1");
        assert_eq!(told("m.csv", "a,b\n"), "");
        assert_eq!(
            told("leaderboard.csv", "unique_id,model,rank\nUS,A,1\n"),
            "US.A.rank=1",
            "whatever the number of its rows"
        );
    }

    #[test]
    fn a_file_of_too_many_numbers_is_none() {
        let text = format!("[{}1]", "1,".repeat(MOST));
        assert!(read("m.json", text.as_bytes()).is_err());
    }
}
