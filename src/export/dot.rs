//! The graph in Graphviz' DOT: targets as boxes, artifacts as notes, sources as folders.
//!
//! What is not fresh says so in a word and has a dashed border, so that nothing rests on colour.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::{Need, Picture, Source};

/// Writes the digraph, with a line end.
#[must_use]
pub fn dot(picture: &Picture<'_>) -> String {
    let mut out = String::from("digraph atsaf {\n");
    out.push_str("  rankdir=LR;\n");
    out.push_str("  node [fontname=\"Helvetica\", fontsize=11];\n");
    out.push_str("  edge [arrowsize=0.7];\n");
    let mut sources: HashMap<Source, usize> = HashMap::new();
    for &id in &picture.targets {
        let style = match picture.is_open(id) {
            false => "solid",
            true => "dashed",
        };
        let mut label = picture.name(id).into_owned();
        if let Some(words) = picture.state_words(id) {
            let _ = write!(label, "\n{words}");
        }
        let goal = if picture.goals.contains(&id) {
            ", penwidth=2"
        } else {
            ""
        };
        let _ = writeln!(
            out,
            "  t{} [shape=box, style={style}{goal}, label={}];",
            id.0,
            quoted(&label)
        );
        for (number, (name, path)) in picture.made(id).iter().enumerate() {
            let label = quoted(&format!("{name}\n{path}"));
            let _ = writeln!(out, "  a{}_{number} [shape=note, style={style}, label={label}];", id.0);
            let _ = writeln!(out, "  t{0} -> a{0}_{number};", id.0);
        }
        for need in picture.needs(id) {
            match need {
                Need::Artifact(artifact) => {
                    let _ = writeln!(out, "  a{}_{} -> t{};", artifact.target.0, artifact.output, id.0);
                }
                Need::Source(source) => {
                    let next = sources.len();
                    let label = source.text();
                    let number = *sources.entry(source).or_insert_with(|| {
                        let _ = writeln!(out, "  s{next} [shape=folder, label={}];", quoted(&label));
                        next
                    });
                    let _ = writeln!(out, "  s{number} -> t{};", id.0);
                }
            }
        }
        for earlier in picture.after(id) {
            let _ = writeln!(
                out,
                "  t{} -> t{} [style=dotted, label=\"before\", fontsize=9];",
                earlier.0, id.0
            );
        }
    }
    out.push_str("}\n");
    out
}

/// A quoted string: a backslash is DOT's own escape, and a line end is written as one.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
