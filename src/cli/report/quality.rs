//! What `metadata.json` and `validation.json` say about the data, as plain names and values.

use serde_json::Value;

use crate::report::page::{Fact, Quality, Rule};

/// Places that are listed of one kind.
const LISTED: usize = 30;

/// What is known of the data, if this JSON tells it.
pub(super) fn of(artifact: &str, value: &Value, masked: &dyn Fn(&str) -> String) -> Option<Quality> {
    let mut quality = Quality {
        artifact: artifact.to_owned(),
        status: masked(value["status"].as_str().unwrap_or_default()),
        ..Quality::default()
    };
    let rules = value["rules"]
        .as_array()
        .filter(|rules| rules.iter().any(|rule| rule["verdict"].is_string()));
    let is_metadata = value["integrity"].is_object() && value["repairs"].is_object();
    if rules.is_none() && !is_metadata {
        return None;
    }
    quality.rules = rules.into_iter().flatten().map(|it| rule(it, masked)).collect();
    if is_metadata {
        facts(&mut quality, value, masked);
    }
    quality.places.extend(places(
        value,
        "bad_series",
        "Series that are not forecast like the others",
        masked,
    ));
    Some(quality)
}

fn rule(value: &Value, masked: &dyn Fn(&str) -> String) -> Rule {
    let text = |name: &str| masked(&plain(&value[name]));
    let first = value["first"].as_array().and_then(|first| first.first());
    Rule {
        name: text("rule"),
        what: text("what"),
        verdict: text("verdict"),
        level: text("level"),
        broken: text("broken"),
        first: first.map(|row| masked(&line(row))).unwrap_or_default(),
    }
}

/// What was counted: rows, range, then every count under `integrity`, `repairs` and `gaps_left`.
fn facts(quality: &mut Quality, value: &Value, masked: &dyn Fn(&str) -> String) {
    let mut add = |name: &str, value: &Value, may_be_notable: bool| {
        let is_notable = may_be_notable && value.as_f64().is_some_and(|number| number > 0.0);
        let (name, value) = (masked(&name.replace('_', " ")), masked(&plain(value)));
        quality.facts.push(Fact {
            name,
            value,
            is_notable,
        });
    };
    add("rows", &value["row_count"], false);
    if let Some(series) = value["series"].as_array() {
        add("series", &series.len().into(), false);
    }
    for (name, value) in [
        ("first time", &value["date_range"]["start"]),
        ("last time", &value["date_range"]["end"]),
    ] {
        add(name, value, false);
    }
    add("frequency", &value["frequency"], false);
    for part in ["integrity", "repairs", "gaps_left"] {
        for (name, value) in value[part].as_object().into_iter().flatten() {
            let counted = ["days", "rows"]
                .iter()
                .map(|field| &value[*field])
                .find(|count| count.is_number());
            let count = if value.is_number() { Some(value) } else { counted };
            if let Some(count) = count {
                add(name, count, name != "rows_read");
            }
        }
    }
    let lists = [
        (&value["repairs"], "filled", "Gaps that were filled"),
        (&value["repairs"], "trimmed", "Ends that were trimmed"),
        (&value["repairs"], "clipped", "Values that were clipped"),
        (&value["repairs"], "outliers", "Outliers that were removed"),
        (&value["integrity"], "contradictions", "Times with different values"),
        (&value["gaps_left"], "gaps", "Gaps that are left"),
    ];
    for (of, name, what) in lists {
        quality.places.extend(places(of, name, what, masked));
    }
}

/// What is listed under a name, each entry in a line.
fn places(value: &Value, name: &str, what: &str, masked: &dyn Fn(&str) -> String) -> Option<(String, Vec<String>)> {
    let all = value[name].as_array().filter(|all| !all.is_empty())?;
    let mut lines: Vec<String> = all.iter().take(LISTED).map(|entry| masked(&line(entry))).collect();
    if all.len() > LISTED {
        lines.push(format!("and {} more", all.len() - LISTED));
    }
    Some((what.to_owned(), lines))
}

/// An entry in a line: its values, those that need it with their names.
fn line(entry: &Value) -> String {
    let Value::Object(fields) = entry else {
        return plain(entry);
    };
    let field = |(name, value): (&String, &Value)| match name.as_str() {
        "unique_id" | "ds" | "why" | "day" => plain(value),
        _ => format!("{} {}", name.replace('_', " "), plain(value)),
    };
    fields
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(field)
        .collect::<Vec<_>>()
        .join(", ")
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn counts_places_and_rules_are_told() {
        let metadata = json!({
            "status": "mended", "row_count": 10, "date_range": { "start": "2024-01-01 00:00:00", "end": null }, "series": [{}],
            "frequency": "hourly", "integrity": { "rows_read": 12, "repeated_rows": 2, "holidays": { "days": 0, "first": [] } },
            "repairs": { "values_filled": 1, "filled": [{ "unique_id": "a", "start": "2024-01-01", "steps": 1 }] },
            "gaps_left": { "values_missing": 0, "gaps": [] },
        });
        let quality = of("metadata", &metadata, &str::to_owned).expect("metadata");
        let told: Vec<(&str, &str, bool)> = quality
            .facts
            .iter()
            .map(|fact| (fact.name.as_str(), fact.value.as_str(), fact.is_notable))
            .collect();
        assert!(
            told.contains(&("repeated rows", "2", true)) && told.contains(&("rows read", "12", false)),
            "{told:?}"
        );
        assert!(told.contains(&("holidays", "0", false)), "{told:?}");
        assert_eq!(quality.places[0].1, ["a, start 2024-01-01, steps 1"]);
        let validation = json!({
            "status": "invalid",
            "rules": [{ "rule": "nulls", "what": "none", "level": "error", "verdict": "broken", "broken": 3, "first": [{ "unique_id": "a", "ds": "2024" }] }],
        });
        let quality = of("validation", &validation, &str::to_owned).expect("validation");
        assert_eq!(
            (quality.rules[0].broken.as_str(), quality.rules[0].first.as_str()),
            ("3", "a, 2024")
        );
        assert_eq!(
            of("other", &json!({ "status": "x", "rules": [1] }), &str::to_owned),
            None
        );
    }
}
