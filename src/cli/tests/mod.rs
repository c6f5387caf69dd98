//! Whole commands on projects in temporary directories, and all that they print.

mod build;
mod logs;
mod plan;
mod project;
mod usage;
mod why;

use std::path::PathBuf;

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
    let words = line.trim_start();
    if words.starts_with('|') {
        // The line below a place: its spaces say where.
        return line.to_owned();
    }
    let indent = " ".repeat(line.len() - words.len());
    let words: Vec<&str> = words.split(' ').collect();
    let mut out: Vec<String> = Vec::new();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let bare = word.trim_matches(|c| "(),:;`".contains(c));
        let next = words.get(at + 1).copied().unwrap_or_default();
        let unit = next.trim_end_matches(|c| "(),:;".contains(c));
        let number = bare.parse::<f64>().is_ok();
        if bare == "just" && unit == "now" {
            out.push(word.replace("just", &next.replace("now", "AGO")));
            at += 2;
        } else if number && unit == "s" && words.get(at + 2).is_some_and(|word| word.starts_with("ago")) {
            out.push(word.replace(bare, &words[at + 2].replace("ago", "AGO")));
            at += 3;
        } else if number && unit == "s" {
            out.push(word.replace(bare, "TIME") + &next[1..]);
            at += 2;
        } else {
            let run = bare.split('/').find(|part| {
                part.len() >= 13 && part.as_bytes()[8] == b'-' && part[..8].bytes().all(|byte| byte.is_ascii_hexdigit())
            });
            out.push(run.map_or_else(|| (*word).to_owned(), |run| word.replace(run, "RUN")));
            at += 1;
        }
    }
    // An empty word stands for one more space.
    let mut line = indent;
    for (at, word) in out.iter().enumerate() {
        let spaces = match at {
            0 => "",
            _ if word.is_empty() => continue,
            _ if out[at - 1].is_empty() => "  ",
            _ => " ",
        };
        line.push_str(spaces);
        line.push_str(word);
    }
    line
}

#[test]
fn redaction_leaves_the_words() {
    let line = "built  train   11.4 s  run 01a20fd2-6a8e (2 s ago, 0.31 s), (just now)";
    assert_eq!(redact(line), "built  train  TIME  run RUN (AGO, TIME), (AGO)");
}
