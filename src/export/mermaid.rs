//! The graph as a Mermaid flowchart, which code hosts draw inside Markdown.
//!
//! Targets are boxes, artifacts rounded, sources slanted. What is not fresh says so in a word and has a dashed border.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::{Need, Picture, Source};

/// Writes the flowchart, with a line end.
#[must_use]
pub fn mermaid(picture: &Picture<'_>) -> String {
    let mut out = String::from("flowchart LR\n");
    let mut dashed = Vec::new();
    let mut sources: HashMap<Source, usize> = HashMap::new();
    for &id in &picture.targets {
        let word = picture
            .state_words(id)
            .map_or_else(String::new, |words| format!("<br/>{words}"));
        let _ = writeln!(out, "  t{}[\"{}{word}\"]", id.0, escaped(&picture.name(id)));
        let is_open = picture.is_open(id);
        dashed.extend(is_open.then(|| format!("t{}", id.0)));
        for (number, (name, path)) in picture.made(id).iter().enumerate() {
            let label = format!("{}<br/>{}", escaped(name), escaped(path));
            let _ = writeln!(out, "  t{0} --> a{0}_{number}([\"{label}\"])", id.0);
            dashed.extend(is_open.then(|| format!("a{}_{number}", id.0)));
        }
        for need in picture.needs(id) {
            match need {
                Need::Artifact(artifact) => {
                    let _ = writeln!(out, "  a{}_{} --> t{}", artifact.target.0, artifact.output, id.0);
                }
                Need::Source(source) => {
                    let next = sources.len();
                    let label = escaped(&source.text());
                    let number = *sources.entry(source).or_insert(next);
                    if number == next {
                        let _ = writeln!(out, "  s{number}[/\"{label}\"/] --> t{}", id.0);
                    } else {
                        let _ = writeln!(out, "  s{number} --> t{}", id.0);
                    }
                }
            }
        }
        for earlier in picture.after(id) {
            let _ = writeln!(out, "  t{} -. before .-> t{}", earlier.0, id.0);
        }
    }
    if !dashed.is_empty() {
        out.push_str("  classDef stale stroke-dasharray:4 3\n");
        let _ = writeln!(out, "  class {} stale", dashed.join(","));
    }
    out
}

/// A text for a quoted label: Mermaid takes HTML there, and `#…;` as a character.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '#' | '<' | '>' | '&' | '`' | '\\' | '*' => {
                let _ = write!(out, "#{};", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}
