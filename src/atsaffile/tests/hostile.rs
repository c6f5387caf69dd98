//! Broken files: whatever the text, nothing panics, and what is left of the Spec holds together.

use std::collections::HashSet;

use super::example::EXAMPLE;
use super::{catalog, load, sets};
use crate::engine::spec::{From, Spec, base_name};
use crate::fuzz::Fuzz;

/// A file with commands, escapes and letters of several bytes.
const COMMANDS: &str = r#"
[params]
größe = 3
"städte" = ["Köln", 'Łódź']
h = 24

[secrets]
KEY = {}

[alias]
all = ["fit", "other"]
other = ["plot"]

[target.fit]
run = "python \"src/fit ä.py\" --h {{h}} {{inputs}} \u00e4\n > {{output.plot}} # {{{{ x"
inputs = { csv = ["a.csv", "d/*.csv"], raw = "./b/../c.csv" }
outputs = { plot = "ö/plot.png", dir = 'd/' }
secrets = ["KEY"]
timeout = "1h30m"

[target.use]
run = ["sh", "-c", """
    cat {{input.plot}} \
      > {{output}} {{{{""", "{{h}}"]
inputs = ["plot"]
output = "use.txt"
after = ["dir"]
"#;

/// A file with axes.
const MATRIX: &str = r#"
[project]
default = ["fit@*,NG"]
[params]
h = 3
[matrix]
r = ["TEX", "Köln"]
f = ["NG", 2, true]
s = { glob = "d/*.csv" }
exclude = [{ r = "TEX", f = 2 }]
[matrix.with.r.TEX]
h = 4
[alias]
a = ["fit", "all.all"]
[target.fit]
each = ["r", "f"]
run = "fit {{r}} {{f}} {{h}} > {{output}}"
output = "fit/{{r}}-{{f}}"
env = ["E_{{f}}"]
[target.sum]
each = ["r"]
run = "sum {{input.fit}} > {{output.s}}"
inputs = ["fit@*", "!fit/{{r}}-NG"]
outputs = { s = "sum/{{r}}" }
[target.all]
run = "all {{inputs}} > {{output}}"
inputs = ["s@TEX", "fit@*,NG"]
output = "all"
after = ["sum"]
"#;

/// Everything that the graph may count on.
fn holds_together(spec: &Spec, text: &str) {
    let artifacts: HashSet<&str> = spec
        .targets
        .iter()
        .flat_map(|t| &t.outputs)
        .map(|o| o.name.as_str())
        .collect();
    let paths: HashSet<&str> = spec
        .targets
        .iter()
        .flat_map(|t| &t.outputs)
        .map(|o| o.path.as_str())
        .collect();
    let targets: HashSet<&str> = spec.targets.iter().map(|t| t.name.as_str()).collect();
    for target in &spec.targets {
        for input in &target.inputs {
            if let From::Artifact(name) = &input.from {
                assert!(artifacts.contains(name.as_str()), "no artifact {name} in\n{text}");
            }
        }
        for goal in &target.settings.after {
            let name = goal.name.as_str();
            assert!(
                targets.contains(name) || artifacts.contains(name),
                "no target {name} in\n{text}"
            );
        }
    }
    let bases: HashSet<&str> = targets.iter().chain(&artifacts).map(|name| base_name(name)).collect();
    for goal in spec.default.iter().chain(spec.aliases.values().flatten()) {
        let name = goal.name.as_str();
        let known = bases.contains(base_name(name)) || paths.contains(name) || spec.aliases.contains_key(name);
        assert!(known, "no goal {name} in\n{text}");
    }
}

fn read(text: &str) -> usize {
    let (spec, diagnostics) = load(
        "Atsaffile",
        text,
        &sets(&[("horizon", "1"), ("h", "2")]),
        &catalog::catalog(),
    );
    holds_together(&spec, text);
    for diagnostic in &diagnostics {
        for place in &diagnostic.places {
            assert_eq!(
                text.lines()
                    .nth(place.line - 1)
                    .unwrap_or_default()
                    .trim_end_matches('\r'),
                place.text.trim_end_matches('\r'),
                "{}",
                diagnostic.what
            );
            // One past the line, or past the carriage return that is not part of it.
            assert!(place.column <= place.text.chars().count() + 2, "{}", diagnostic.what);
        }
    }
    diagnostics.len()
}

#[test]
fn a_file_that_is_cut_anywhere_is_told_and_not_feared() {
    for text in [EXAMPLE, COMMANDS, MATRIX] {
        for (end, _) in text.char_indices() {
            read(&text[..end]);
        }
    }
}

#[test]
fn a_file_without_any_one_line_is_read() {
    for text in [EXAMPLE, COMMANDS, MATRIX] {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        for left_out in 0..lines.len() {
            let rest: String = lines
                .iter()
                .enumerate()
                .filter(|(at, _)| *at != left_out)
                .map(|(_, line)| *line)
                .collect();
            read(&rest);
        }
    }
}

#[test]
fn a_line_that_is_there_twice_is_told() {
    let lines: Vec<&str> = EXAMPLE.split_inclusive('\n').collect();
    for (twice, line) in lines.iter().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let text: String = lines
            .iter()
            .enumerate()
            .flat_map(|(at, line)| [*line].repeat(1 + usize::from(at == twice)))
            .collect();
        assert!(read(&text) > 0, "{line}");
    }
}

#[test]
fn any_one_odd_character_is_survived() {
    for text in [EXAMPLE, COMMANDS, MATRIX] {
        for (at, c) in text.char_indices() {
            for odd in ["\"", "{", "\\", "[", "\u{0}", "é", "\r"] {
                read(&[&text[..at], odd, &text[at + c.len_utf8()..]].concat());
            }
        }
    }
}

#[test]
fn fuzz_atsaffile() {
    let words = [
        "{{", "}}", "{{{{", "\"\"\"", "[target.", "]]", " = ", "\r\n", "@", "..", "\\u", "é", "inf", "-",
    ];
    let examples = [EXAMPLE, COMMANDS, MATRIX].map(|text| text.as_bytes().to_vec());
    Fuzz::of("Atsaffile", examples).words(&words).run(|bytes| {
        // What is no text is refused where the file is read.
        if let Ok(text) = str::from_utf8(bytes) {
            read(text);
        }
    });
}
