//! Numbers of artifacts that are compared from run to run, in words.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::human;
use super::ink::{Ink, Tone};
use super::results::escaped;
use super::table::TextTable;

/// The numbers of one file, each with the keys that lead to it, in the order of the file.
pub type Metrics = Vec<(String, f64)>;

/// One number then and now; none where there was, or is, none.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricChange {
    /// The path of the file.
    pub path: String,
    /// The number's name in it.
    pub name: String,
    /// What it was.
    pub before: Option<f64>,
    /// What it is.
    pub after: Option<f64>,
}

impl MetricChange {
    /// What became of it, in a word; numbers that are none, NaN, are the same.
    #[must_use]
    pub fn state(&self) -> &'static str {
        match (self.before, self.after) {
            (None, _) => "new",
            (_, None) => "gone",
            (Some(then), Some(now)) if then.to_bits() == now.to_bits() || (then.is_nan() && now.is_nan()) => "same",
            // Zero has two signs.
            #[expect(clippy::float_cmp, reason = "another number is another number")]
            (Some(then), Some(now)) if then == now => "same",
            _ => "changed",
        }
    }

    /// By how much it is another one, else what became of it.
    fn by(&self) -> String {
        match (self.before, self.after, self.state()) {
            (Some(then), Some(now), "changed") => human::relative(then, now).unwrap_or_default(),
            (_, _, state) => state.to_owned(),
        }
    }

    /// Both numbers with as many digits as tell them apart.
    fn shown(&self) -> (String, String) {
        let both = |number: fn(f64) -> String| {
            let shown = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), number);
            (shown(self.before), shown(self.after))
        };
        let short = both(short);
        match short.0 == short.1 && self.state() != "same" {
            true => both(|value| value.to_string()),
            false => short,
        }
    }
}

fn short(value: f64) -> String {
    match value.is_finite() {
        true => human::number(value),
        false => value.to_string(),
    }
}

/// A row a number, with the path of its file before the first of that, if it is to stand there.
fn numbers(changes: &[&MetricChange], with_path: bool) -> TextTable {
    let mut table = TextTable::new();
    let mut last = "";
    for change in changes {
        let path = if change.path == last { "" } else { &change.path };
        last = &change.path;
        let (before, after) = change.shown();
        let tone = match change.state() {
            "new" => Tone::New,
            "gone" => Tone::Old,
            _ => Tone::Plain,
        };
        let path = with_path.then(|| (Tone::Strong, path.to_owned()));
        table.row(path.into_iter().chain([
            (Tone::Plain, change.name.clone()),
            (tone, format!("{before} -> {after}")),
            (Tone::Faint, change.by()),
        ]));
    }
    table
}

/// A file whose numbers of then or now are not known, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownMetrics {
    /// Its path.
    pub path: String,
    /// Why.
    pub why: String,
}

/// The metrics of a project at two moments.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetricsDiff {
    /// Every number that is known at both, or is there at one only.
    pub changes: Vec<MetricChange>,
    /// Files that could not be compared.
    pub unknown: Vec<UnknownMetrics>,
}

impl MetricsDiff {
    /// Compares the numbers of a file.
    pub fn compare(&mut self, path: &str, before: &Metrics, after: &Metrics) {
        let then: BTreeMap<&str, f64> = before.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let now: BTreeMap<&str, f64> = after.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let gone = before.iter().filter(|(name, _)| !now.contains_key(name.as_str()));
        for (name, _) in after.iter().chain(gone) {
            self.changes.push(MetricChange {
                path: path.to_owned(),
                name: name.clone(),
                before: then.get(name.as_str()).copied(),
                after: now.get(name.as_str()).copied(),
            });
        }
    }

    /// Those that are not the same.
    fn others(&self) -> Vec<&MetricChange> {
        self.changes.iter().filter(|change| change.state() != "same").collect()
    }

    /// Whether no number is another one: not so where some could not be compared.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.others().is_empty() && self.unknown.is_empty()
    }

    /// A line a number that is another one, at most so many; the path of a file stands before its numbers, or above them
    /// where the lines would be wider than that.
    #[must_use]
    pub fn text(&self, most: usize, width: usize, ink: Ink) -> String {
        let others = self.others();
        let shown = &others[..most.min(others.len())];
        let beside = numbers(shown, true).draw(Ink::PLAIN);
        let is_wide = beside.lines().any(|line| line.chars().count() > width);
        let mut out = match is_wide {
            true => String::new(),
            false => numbers(shown, true).draw(ink),
        };
        let below = if is_wide { shown } else { &[] };
        let lines = numbers(below, false).draw(ink);
        let mut last = "";
        for (change, line) in below.iter().zip(lines.lines()) {
            if change.path != last {
                let _ = writeln!(out, "{}", ink.paint(Tone::Strong, &change.path));
                last = &change.path;
            }
            let _ = writeln!(out, "  {line}");
        }
        if others.len() > most {
            let _ = writeln!(out, "and {} more", others.len() - most);
        }
        let same = self.changes.len() - others.len();
        match (others.is_empty(), same) {
            (true, 0) => out += if self.unknown.is_empty() { "no numbers\n" } else { "" },
            (true, same) => {
                let _ = writeln!(out, "no difference in {}", human::count(same, "number"));
            }
            (false, 0) => {}
            (false, 1) => out += "1 other is the same\n",
            (false, same) => {
                let _ = writeln!(out, "{same} others are the same");
            }
        }
        for UnknownMetrics { path, why } in &self.unknown {
            let _ = writeln!(out, "{}  not compared: {why}", ink.paint(Tone::Strong, path));
        }
        out
    }

    /// The same as a table in Markdown.
    #[must_use]
    pub fn markdown(&self, (before, after): (&str, &str), most: usize) -> String {
        let others = self.others();
        let mut page = String::new();
        if others.is_empty() {
            let _ = writeln!(
                page,
                "{} between {} and {}.",
                if self.unknown.is_empty() {
                    "No number differs"
                } else {
                    "Not all numbers could be compared"
                },
                escaped(before),
                escaped(after)
            );
        } else {
            let _ = writeln!(page, "| file | metric | {} | {} | |", escaped(before), escaped(after));
            page += "|---|---|---:|---:|---:|\n";
        }
        for change in others.iter().take(most) {
            let (then, now) = change.shown();
            let (path, name) = (escaped(&change.path), escaped(&change.name));
            let _ = writeln!(page, "| {path} | {name} | {then} | {now} | {} |", change.by());
        }
        if others.len() > most {
            let _ = writeln!(page, "| and {} more | | | | |", others.len() - most);
        }
        for UnknownMetrics { path, why } in &self.unknown {
            let _ = writeln!(page, "\n{}: not compared: {}", escaped(path), escaped(why));
        }
        page
    }

    /// All of it. A number that JSON has no word for is a text: `"NaN"`, `"inf"`, `"-inf"`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let number = |value: Option<f64>| match value {
            Some(value) if !value.is_finite() => value.to_string().into(),
            value => json!(value),
        };
        let relative = |change: &MetricChange| {
            let (then, now) = change.before.zip(change.after)?;
            Some((now - then) / then.abs()).filter(|by| by.is_finite())
        };
        let changes = self.changes.iter().map(|change| {
            json!({
                "path": change.path, "name": change.name, "state": change.state(), "before": number(change.before),
                "after": number(change.after), "relative": relative(change),
            })
        });
        let unknown = self.unknown.iter().map(|it| json!({ "path": it.path, "why": it.why }));
        json!({
            "same": self.is_same(),
            "metrics": changes.collect::<Vec<_>>(),
            "unknown": unknown.collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(all: &[(&str, f64)]) -> Metrics {
        all.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
    }

    fn diff() -> MetricsDiff {
        let mut diff = MetricsDiff::default();
        let before = metrics(&[
            ("accuracy", 0.91),
            ("loss", f64::NAN),
            ("bad", 1.0),
            ("zero", 0.0),
            ("close", 1.0),
            ("old", 3.0),
            ("nan", f64::NAN),
        ]);
        let after = metrics(&[
            ("accuracy", 0.93),
            ("loss", 0.5),
            ("bad", f64::NEG_INFINITY),
            ("zero", 2.0),
            ("close", 1.000_000_1),
            ("new|er", 7.0),
            ("nan", -f64::NAN),
        ]);
        diff.compare("eval.json", &before, &after);
        diff.unknown.push(UnknownMetrics {
            path: "b.csv".to_owned(),
            why: "its copy is gone".to_owned(),
        });
        diff
    }

    #[test]
    fn numbers_are_told_with_both_values_and_the_relative_change() {
        let expected = "\
eval.json  accuracy  0.91 -> 0.93    +2.2 %
           loss      NaN -> 0.5
           bad       1 -> -inf
           zero      0 -> 2
           close     1 -> 1.0000001  +1.0e-5 %
           new|er    - -> 7          new
           old       3 -> -          gone
1 other is the same
b.csv  not compared: its copy is gone
";
        assert_eq!(diff().text(100, 80, Ink::PLAIN), expected);
        let short = diff().text(1, 80, Ink::PLAIN);
        assert!(short.contains("+2.2 %\nand 6 more\n1 other"), "{short}");
        let narrow = diff().text(2, 30, Ink::PLAIN);
        let expected = "eval.json\n  accuracy  0.91 -> 0.93  +2.2 %\n  loss      NaN -> 0.5\nand 5 more\n1 other";
        assert!(narrow.starts_with(expected), "{narrow}");
    }

    #[test]
    fn what_is_the_same_is_counted() {
        let mut diff = MetricsDiff::default();
        assert_eq!(diff.text(9, 80, Ink::PLAIN), "no numbers\n");
        diff.compare("a", &metrics(&[("x", 0.0)]), &metrics(&[("x", -0.0)]));
        assert_eq!(diff.text(9, 80, Ink::PLAIN), "no difference in 1 number\n");
        assert!(diff.is_same());
        assert_eq!(
            diff.markdown(("run 1", "now"), 9),
            "No number differs between run 1 and now.\n"
        );
    }

    #[test]
    fn markdown_and_json_say_the_same() {
        let page = diff().markdown(("run 1", "now"), 100);
        assert!(
            page.starts_with("| file | metric | run 1 | now | |\n|---|---|---:|---:|---:|\n"),
            "{page}"
        );
        assert!(page.contains("| eval.json | new\\|er | - | 7 | new |\n"), "{page}");
        let json = diff().to_json();
        assert_eq!(json["metrics"][1]["before"], "NaN");
        assert_eq!(json["metrics"][5]["before"], Value::Null);
        assert_eq!(json["metrics"][6]["state"], "same");
        assert_eq!(json["unknown"][0]["path"], "b.csv");
    }
}
