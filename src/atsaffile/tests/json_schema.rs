//! The JSON schema, by a checker of the words that it uses: what the reader takes it takes, and what it refuses the
//! reader refuses.

use regex::Regex;
use serde_json::{Map, Value, json};
use toml::de::{DeTable, DeValue};

use super::super::json_schema;
use crate::engine::spec::schema::Catalog;

fn catalog() -> Catalog {
    super::catalog::catalog()
}

/// A text in TOML as an editor sees it: dates are texts.
fn value(text: &str) -> Value {
    fn table(of: &DeTable<'_>) -> Value {
        of.iter()
            .map(|(key, it)| (key.get_ref().to_string(), one(it.get_ref())))
            .collect::<Map<_, _>>()
            .into()
    }
    fn one(of: &DeValue<'_>) -> Value {
        match of {
            DeValue::String(text) => text.as_ref().into(),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .expect("a number")
                .into(),
            DeValue::Float(number) => number.as_str().parse::<f64>().map_or(Value::Null, Into::into),
            DeValue::Boolean(is) => (*is).into(),
            DeValue::Datetime(time) => time.to_string().into(),
            DeValue::Array(items) => items.iter().map(|it| one(it.get_ref())).collect(),
            DeValue::Table(of) => table(of),
        }
    }
    table(DeTable::parse(text).expect("TOML").get_ref())
}

/// Where a value breaks a schema; every word that is not known here fails the test.
fn broken(schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let fits = |schema: &Value| broken(schema, value, at).is_empty();
    for (word, of) in schema.as_object().expect("a schema") {
        let ok = match word.as_str() {
            "$schema" | "title" | "description" | "default" | "examples" | "format" | "else" | "then" => true,
            "type" => match of {
                Value::Array(kinds) => kinds.iter().any(|kind| is(kind, value)),
                kind => is(kind, value),
            },
            "const" => of == value,
            "enum" => of.as_array().expect("a list").contains(value),
            "anyOf" => of.as_array().expect("a list").iter().any(fits),
            "allOf" => of.as_array().expect("a list").iter().all(fits),
            "oneOf" => of.as_array().expect("a list").iter().filter(|it| fits(it)).count() == 1,
            "not" => !fits(of),
            "if" => !fits(of) || fits(&schema["then"]),
            "pattern" => value.as_str().is_none_or(|text| {
                Regex::new(of.as_str().expect("a text"))
                    .expect("a pattern")
                    .is_match(text)
            }),
            "minLength" => value
                .as_str()
                .is_none_or(|text| text.len() as u64 >= of.as_u64().expect("a number")),
            "minItems" => value
                .as_array()
                .is_none_or(|items| items.len() as u64 >= of.as_u64().expect("a number")),
            "minProperties" => value
                .as_object()
                .is_none_or(|it| it.len() as u64 >= of.as_u64().expect("a number")),
            "minimum" => value.as_f64().is_none_or(|it| it >= of.as_f64().expect("a number")),
            "maximum" => value.as_f64().is_none_or(|it| it <= of.as_f64().expect("a number")),
            "exclusiveMinimum" => value.as_f64().is_none_or(|it| it > of.as_f64().expect("a number")),
            "exclusiveMaximum" => value.as_f64().is_none_or(|it| it < of.as_f64().expect("a number")),
            "items" => {
                for (number, item) in value.as_array().into_iter().flatten().enumerate() {
                    wrong.extend(broken(of, item, &format!("{at}[{number}]")));
                }
                true
            }
            "required" => value.as_object().is_none_or(|it| {
                of.as_array()
                    .expect("a list")
                    .iter()
                    .all(|key| it.contains_key(key.as_str().expect("a name")))
            }),
            "propertyNames" => value
                .as_object()
                .is_none_or(|it| it.keys().all(|key| broken(of, &json!(key), at).is_empty())),
            "properties" | "patternProperties" | "additionalProperties" => {
                wrong.extend(entries(schema, word, value, at));
                true
            }
            other => panic!("the checker does not know `{other}`"),
        };
        if !ok {
            wrong.push(format!("{at}: {word}"));
        }
    }
    wrong
}

/// What is wrong with the entries of a table, as far as one word of the schema is about them.
fn entries(schema: &Value, word: &str, value: &Value, at: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for (key, item) in value.as_object().into_iter().flatten() {
        let at = format!("{at}.{key}");
        let own = schema.get("properties").and_then(|it| it.get(key));
        let patterns = schema.get("patternProperties").and_then(Value::as_object);
        let matching: Vec<&Value> = patterns
            .into_iter()
            .flatten()
            .filter(|(pattern, _)| Regex::new(pattern).expect("a pattern").is_match(key))
            .map(|(_, of)| of)
            .collect();
        match word {
            "properties" => wrong.extend(own.into_iter().flat_map(|of| broken(of, item, &at))),
            "patternProperties" => wrong.extend(matching.into_iter().flat_map(|of| broken(of, item, &at))),
            _ if own.is_some() || !matching.is_empty() => {}
            _ => match &schema["additionalProperties"] {
                Value::Bool(true) => {}
                Value::Bool(false) => wrong.push(format!("{at}: unknown")),
                of => wrong.extend(broken(of, item, &at)),
            },
        }
    }
    wrong
}

fn is(kind: &Value, value: &Value) -> bool {
    match kind.as_str().expect("a type") {
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the checker does not know the type `{other}`"),
    }
}

#[track_caller]
fn takes(text: &str, catalog: &Catalog) {
    let wrong = broken(&json_schema(catalog), &value(text), "");
    assert_eq!(wrong, [""; 0], "{text}");
}

#[test]
fn every_example_of_the_manual_fits() {
    for page in [
        include_str!("../../../docs/atsaffile.md"),
        include_str!("../../../docs/time.md"),
    ] {
        let blocks = page
            .split("\n```")
            .skip(1)
            .step_by(2)
            .filter_map(|block| block.split_once('\n'));
        let examples: Vec<&str> = blocks
            .filter(|(mark, _)| mark.starts_with("toml") && !mark.contains("mistakes"))
            .map(|(_, text)| text)
            .collect();
        assert!(!examples.is_empty());
        for example in examples {
            takes(example, &Catalog::new());
        }
    }
}

#[test]
fn every_example_and_template_fits() {
    let of_commands = [
        include_str!("../../../examples/coming-from/dvc/Atsaffile"),
        include_str!("../../../examples/coming-from/make/Atsaffile"),
        include_str!("../../../examples/coming-from/snakemake/Atsaffile"),
        include_str!("../../cli/init/minimal.Atsaffile"),
        include_str!("../../cli/init/shell.Atsaffile"),
    ];
    for text in of_commands {
        takes(text, &catalog());
    }
}

#[cfg(feature = "forecasting")]
#[test]
fn every_bundled_pipeline_fits() {
    let catalog = crate::forecasting::tasks().catalog();
    for text in [
        include_str!("../../../Atsaffile"),
        include_str!("../../../fixtures/demand/Atsaffile"),
        include_str!("../../../fixtures/respondents/Atsaffile"),
        include_str!("../../../fixtures/visitors/Atsaffile"),
        include_str!("../../../fixtures/weather/Atsaffile"),
        include_str!("../../cli/init/demo.Atsaffile"),
        include_str!("../../cli/init/eia.Atsaffile"),
    ] {
        takes(text, &catalog);
    }
    let wrong = "[target.t]\nuses = \"ingest_file\"\ninputs = [\"a.csv\"]\noutputs = { raw = \"r\", metadata = \"m\" }\nwith = { unit = \"weeks\" }\n";
    assert_eq!(broken(&json_schema(&catalog), &value(wrong), ""), [".target.t: allOf"]);
}

/// What breaks the schema is a mistake by the reader, and the usual slips break the schema.
#[test]
fn what_does_not_fit_is_a_mistake() {
    let good = "[target.a]\nrun = \"x > {{output}}\"\noutput = \"a\"\n";
    takes(good, &catalog());
    for (from, to) in [
        ("output =", "outptu ="),
        ("run = \"x > {{output}}\"", ""),
        ("run = \"x > {{output}}\"", "run = 1"),
        ("run = \"x > {{output}}\"", "run = []"),
        ("output = \"a\"", "output = [\"a\"]"),
        ("output = \"a\"", "output = \"a\"\noutputs = { b = \"b\" }"),
        ("output = \"a\"", "output = \"a\"\nretries = 101"),
        ("output = \"a\"", "output = \"a\"\ntimeout = 5"),
        ("output = \"a\"", "output = \"a\"\ntimeout = \"5 minutes\""),
        ("output = \"a\"", "output = \"a\"\neffect = \"yes\""),
        ("output = \"a\"", "output = \"a\"\ndiscover = \"magic\""),
        ("output = \"a\"", "output = \"a\"\nmetrics = \"a\""),
        ("output = \"a\"", "output = \"a\"\nthreads = 0"),
        ("[target.a]", "[targets.a]"),
        ("[target.a]", "[target.\"a b\"]"),
        ("[target.a]", "[project]\nnam = \"x\"\n\n[target.a]"),
        ("[target.a]", "[pools]\nx = {}\n\n[target.a]"),
        ("[target.a]", "[secrets]\nKEY = \"abc\"\n\n[target.a]"),
        ("[target.a]", "[airflow]\nproject = \"srv\"\n\n[target.a]"),
        ("[target.a]", "[matrix]\nx = []\n\n[target.a]"),
    ] {
        let text = good.replace(from, to);
        assert_ne!(text, good);
        let wrong = broken(&json_schema(&catalog()), &value(&text), "");
        assert!(!wrong.is_empty(), "the schema takes\n{text}");
        assert!(super::mistakes(&text).contains("error: "), "the reader takes\n{text}");
    }
}

#[test]
fn every_key_has_its_meaning() {
    let schema = json_schema(&catalog());
    let keys = schema["properties"]["target"]["patternProperties"]
        .as_object()
        .expect("targets");
    let target = keys.values().next().expect("a target")["properties"]
        .as_object()
        .expect("keys");
    assert!(target.len() >= 30);
    for (key, of) in target {
        let about = of["description"]
            .as_str()
            .unwrap_or_else(|| panic!("`{key}` has no meaning"));
        assert!(about.len() > 10 && !about.contains("]("), "{key}: {about}");
    }
}
