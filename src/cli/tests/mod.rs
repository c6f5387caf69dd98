//! Whole commands on projects in temporary directories, and all that they print.

mod build;
#[cfg(feature = "forecasting")]
mod commands_page;
mod complete;
mod logs;
mod plan;
mod project;
mod usage;
mod why;

use std::path::PathBuf;
use std::sync::LazyLock;

use regex::Regex;

use super::Exit;
use super::trial::{Said, Trial};

/// A small pipeline of commands: `raw` and `clean` from pages, `board` trained on a horizon, `report` at the end.
const PIPELINE: &str = r#"
[project]
name = "demo"
default = ["report"]

[params]
horizon = 24
level = 95

[target.ingest]
run = "cat {{inputs}} > {{output}}"
inputs = ["pages/*.txt"]
outputs = { raw = "data/raw.txt" }

[target.prepare]
run = "tr a-z A-Z < {{input.raw}} > {{output}}"
inputs = ["raw"]
outputs = { clean = "data/clean.txt" }

[target.train]
run = "(sh fit.sh {{horizon}} {{level}}; cat {{input.clean}}) > {{output}}"
inputs = ["clean"]
outputs = { board = "out/board.txt" }

[target.report]
run = "wc -l < {{input.board}} > {{output}}"
inputs = ["board"]
outputs = { report = "out/report.txt" }
"#;

/// A project whose commands are told with everything replaced that differs from run to run.
struct Sandbox(Trial);

impl Sandbox {
    fn new(atsaffile: &str) -> Self {
        Self(Trial::new(atsaffile.trim_start()))
    }

    fn pipeline() -> Self {
        let sandbox = Self::new(PIPELINE);
        sandbox.write("pages/a.txt", "one\n");
        sandbox.write("pages/b.txt", "two\n");
        sandbox.write("fit.sh", "echo fit $@\n");
        sandbox
    }

    /// [`Sandbox::pipeline`], built.
    fn built() -> Self {
        let sandbox = Self::pipeline();
        assert_eq!(sandbox.atsaf(&["build"]).exit, Exit::Done);
        sandbox
    }

    fn path(&self) -> PathBuf {
        self.0.at("")
    }

    fn write(&self, path: &str, text: &str) {
        self.0.write(path, text);
    }

    fn edit(&self, path: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.0.at(path)).expect("read");
        assert!(text.contains(from), "`{from}` is not in {path}");
        self.write(path, &text.replace(from, to));
    }

    fn atsaf(&self, args: &[&str]) -> Said {
        let Said { exit, out, err } = self.raw(args);
        Said {
            exit,
            out: self.redact(&out),
            err: self.redact(&err),
        }
    }

    /// A command's words as they are.
    fn raw(&self, args: &[&str]) -> Said {
        self.0.raw(args)
    }

    fn json(&self, args: &[&str]) -> serde_json::Value {
        let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        serde_json::from_str(&self.raw(&args).out).expect("JSON")
    }

    /// Replaces run ids, durations and ages, and leaves two spaces of many between words.
    fn redact(&self, text: &str) -> String {
        let root = self.path().display().to_string();
        let text = text.replace(&root, "");
        text.lines().map(|line| redact(line) + "\n").collect()
    }
}

fn redact(line: &str) -> String {
    static PATTERNS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
        [
            (
                r"[0-9a-f]{8}-[0-9a-f]{4}(-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})?",
                "RUN",
            ),
            (r"staging/[0-9a-f]{16}/", "staging/KEY/"),
            (r"\d+(\.\d+)? (s|min|h|d)( \d+ (s|min|h))?\b", "TIME"),
            (r"TIME ago|just now", "AGO"),
            (r" {2,}", "  "),
        ]
        .map(|(pattern, name)| (Regex::new(pattern).expect("a pattern"), name))
        .into()
    });
    let words = line.trim_start();
    if words.starts_with('|') {
        // The line below a place: its spaces say where.
        return line.to_owned();
    }
    let mut text = words.to_owned();
    for (pattern, name) in &*PATTERNS {
        text = pattern.replace_all(&text, *name).into_owned();
    }
    " ".repeat(line.len() - words.len()) + &text
}

#[test]
fn redaction_leaves_the_words() {
    let line = "built  train   1 min 4 s  run 01a20fd2-6a8e (2 s ago, 0.31 s), (just now)";
    assert_eq!(redact(line), "built  train  TIME  run RUN (AGO, TIME), (AGO)");
}
