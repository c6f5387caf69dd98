//! A YAML file of plain settings or numbers: mappings, lists and scalars. Without recursion, and without aliases, which can make a
//! small file mean gigabytes.

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Number, Value};

/// How deep settings may stand in each other.
const DEEPEST: usize = 32;

/// A list or mapping that is not closed yet; of a mapping, the key whose value comes next.
enum Open {
    List(Vec<Value>),
    Mapping(Map<String, Value>, Option<String>),
}

/// Reads the first document; the error is a sentence that shows nothing of the file.
pub(in crate::cli) fn read(text: &str) -> Result<Value, &'static str> {
    let mut open: Vec<Open> = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, _) = event.map_err(|_| "it is no YAML")?;
        let value = match event {
            Event::MappingStart(..) | Event::SequenceStart(..) if open.len() == DEEPEST => {
                return Err("its settings stand too deep in each other");
            }
            Event::MappingStart(..) => {
                open.push(Open::Mapping(Map::new(), None));
                continue;
            }
            Event::SequenceStart(..) => {
                open.push(Open::List(Vec::new()));
                continue;
            }
            Event::Alias(_) => return Err("it has an alias (`*`), which settings cannot have"),
            Event::MappingEnd | Event::SequenceEnd => match open.pop() {
                Some(Open::Mapping(mapping, _)) => Value::Object(mapping),
                Some(Open::List(items)) => Value::Array(items),
                None => return Err("it is no YAML"),
            },
            Event::Scalar(text, style, ..) => scalar(&text, style),
            Event::Nothing | Event::StreamStart | Event::DocumentStart(_) => continue,
            Event::StreamEnd | Event::DocumentEnd => break,
        };
        match open.last_mut() {
            None => return Ok(value),
            Some(Open::List(items)) => items.push(value),
            Some(Open::Mapping(mapping, key)) => match key.take() {
                Some(key) => drop(mapping.insert(key, value)),
                None => *key = Some(as_key(value)?),
            },
        }
    }
    Ok(Value::Null)
}

fn as_key(value: Value) -> Result<String, &'static str> {
    match value {
        Value::String(text) => Ok(text),
        Value::Bool(_) | Value::Number(_) | Value::Null => Ok(value.to_string()),
        Value::Array(_) | Value::Object(_) => Err("a key of it is no word"),
    }
}

/// A scalar as the core schema of YAML 1.2 has it.
fn scalar(text: &str, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return text.into();
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => true.into(),
        "false" | "False" | "FALSE" => false.into(),
        _ if !text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) => text.into(),
        _ => {
            let whole = text.parse().ok().map(|whole: i64| Number::from(whole));
            let number = whole.or_else(|| Number::from_f64(text.parse().ok()?));
            number.map_or_else(|| text.into(), Value::Number)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fuzz::Fuzz;

    const EXAMPLE: &str = "# where to\ntransport:\n  type: http\n  url: \"http://localhost:5000\"\n  timeout: 2.5\n  auth: {type: api_key, apiKey: 'a: b'}\n  retries: [1, -2, ~, yes]\n  verify: true\n...\nmore\n";

    #[test]
    fn settings_are_read_as_they_are_meant() {
        let expected = json!({ "transport": {
            "type": "http", "url": "http://localhost:5000", "timeout": 2.5,
            "auth": { "type": "api_key", "apiKey": "a: b" }, "retries": [1, -2, null, "yes"], "verify": true,
        } });
        assert_eq!(read(EXAMPLE), Ok(expected));
        assert_eq!(read(""), Ok(Value::Null));
        assert_eq!(read("# nothing\n"), Ok(Value::Null));
        assert_eq!(read("word"), Ok("word".into()));
    }

    #[test]
    fn what_means_more_than_it_says_is_refused() {
        assert!(read("a: &a [x, x]\nb: *a\n").is_err());
        assert!(read("a: [b\n").is_err());
        assert!(read(&"[".repeat(100_000)).is_err());
        assert!(read(&"- ".repeat(100_000)).is_err());
        assert!(read("? [a]\n: b\n").is_err());
    }

    #[test]
    fn fuzz_lineage_settings() {
        Fuzz::of("lineage settings", [EXAMPLE.as_bytes().to_vec()])
            .words(&["&a ", "*a", "- ", "? ", "{", "[", "|", "---", "!!str "])
            .run(|bytes| {
                if let Ok(text) = str::from_utf8(bytes) {
                    drop(read(text));
                }
            });
    }
}
