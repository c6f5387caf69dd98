//! Random projects whose scripts read further files, depending on what the first ones say, against a plain model.
//!
//! The model walks the files as the script does. What a build leaves must be what the walk gives, and a target runs
//! only if no earlier result of it was made from the same walk.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use crate::project::{Project, effort, has_python};

const FILES: usize = 6;

/// Each line of a file is a text, or `@` and the number of another file; a module says the same in Python.
const SCRIPT: &str = r#"
import importlib, sys

def walk(number, depth):
    if depth > 4:
        return ["deep"]
    if number >= 4:
        try:
            lines = importlib.import_module(f"m{number}").LINES
        except ImportError:
            return ["missing"]
    else:
        try:
            with open(f"f{number}.txt") as file:
                lines = file.read().split()
        except OSError:
            return ["missing"]
    found = []
    for line in lines:
        found += walk(int(line[1:]), depth + 1) if line[0] == "@" else [line]
    return found

print(sys.argv[2], *walk(int(sys.argv[1]), 0))
"#;

const ATSAFFILE: &str = r#"
[params]
value = 0

[target.one]
run = "echo one >> ../ran; python3 walk.py 0 {{value}} > {{output}}"
output = "out/one.txt"

[target.two]
run = "echo two >> ../ran; python3 walk.py 1 2 > {{output}}"
output = "out/two.txt"

[target.both]
run = "echo both >> ../ran; cat {{inputs}} > {{output}}"
inputs = ["one", "two"]
output = "out/both.txt"
"#;

/// One line of a file.
#[derive(Clone, Debug)]
enum Line {
    Text(u8),
    File(usize),
}

#[derive(Clone, Debug)]
enum Edit {
    Write(usize, Vec<Line>),
    Remove(usize),
    Value(u8),
    Alter,
    Delete,
    LoseCaches,
}

/// What the project says.
#[derive(Default)]
struct Model {
    files: BTreeMap<usize, Vec<Line>>,
    value: u8,
    /// From which walks each target was made: what was read, by path, with what it said.
    made: BTreeMap<&'static str, BTreeSet<String>>,
}

impl Model {
    fn walk(&self, number: usize, depth: usize, read: &mut BTreeMap<usize, String>) -> Vec<String> {
        if depth > 4 {
            return vec!["deep".to_owned()];
        }
        let lines = self.files.get(&number);
        read.insert(number, format!("{lines:?}"));
        let Some(lines) = lines else {
            return vec!["missing".to_owned()];
        };
        let line = |line: &Line| match line {
            Line::Text(text) => vec![format!("t{text}")],
            Line::File(other) => self.walk(*other, depth + 1, read),
        };
        lines.iter().map(line).collect::<Vec<_>>().concat()
    }

    /// What each target makes, and from what.
    fn clean(&self) -> Vec<(&'static str, String, String)> {
        let mut all = Vec::new();
        for (name, first, value) in [("one", 0, self.value), ("two", 1, 2)] {
            let mut read = BTreeMap::new();
            let words = self.walk(first, 0, &mut read);
            let text = format!("{value} {}", words.join(" ")).trim_end().to_owned();
            all.push((name, text, format!("{value} {read:?}")));
        }
        let both = format!("{}\n{}", all[0].1, all[1].1);
        all.push(("both", both.clone(), both));
        all
    }
}

fn edit(edit: &Edit, model: &mut Model, project: &Project) {
    let path = |number: usize| match number {
        4.. => format!("m{number}.py"),
        _ => format!("f{number}.txt"),
    };
    match edit {
        Edit::Write(number, lines) => {
            let word = |line: &Line| match line {
                Line::Text(text) => format!("t{text}"),
                Line::File(other) => format!("@{other}"),
            };
            let words: Vec<String> = lines.iter().map(word).collect();
            let text = match number {
                4.. => format!("LINES = {words:?}\n"),
                _ => words.join("\n"),
            };
            project.write(&path(*number), text);
            model.files.insert(*number, lines.clone());
        }
        Edit::Remove(number) => {
            if model.files.remove(number).is_some() {
                project.remove(&path(*number));
            }
        }
        Edit::Value(value) => {
            project.edit(
                "Atsaffile",
                &format!("value = {}", model.value),
                &format!("value = {value}"),
            );
            model.value = *value;
        }
        Edit::Alter => project.write("out/two.txt", "by hand"),
        Edit::Delete => {
            let _ = std::fs::remove_file(project.at("out/one.txt"));
        }
        Edit::LoseCaches => {
            for cache in ["index", "results"] {
                let _ = std::fs::remove_file(project.at(".atsaf/v1").join(cache));
            }
            let _ = std::fs::remove_dir_all(project.at(".atsaf/v1/specs"));
        }
    }
}

fn build(model: &mut Model, project: &Project) -> Result<(), TestCaseError> {
    let clean = model.clean();
    let told = project.atsaf("build");
    prop_assert_eq!(told.code, Some(0), "{}", told.text);
    let ran: BTreeSet<String> = project.ran().split(' ').map(str::to_owned).collect();
    for (name, text, from) in clean {
        let found = project.read(&format!("out/{name}.txt"));
        prop_assert_eq!(found.trim_end(), text, "`{}`: {}", name, told.text);
        let is_new = model.made.entry(name).or_default().insert(from);
        prop_assert_eq!(ran.contains(name), is_new, "`{}`: {}", name, told.text);
    }
    let again = project.atsaf("status --exit-code");
    prop_assert_eq!(again.code, Some(0), "{}", again.text);
    Ok(())
}

fn line() -> impl Strategy<Value = Line> {
    prop_oneof![
        1 => (0..3_u8).prop_map(Line::Text),
        2 => (0..FILES).prop_map(Line::File),
    ]
}

fn edits() -> impl Strategy<Value = Edit> {
    prop_oneof![
        12 => (0..FILES, prop::collection::vec(line(), 0..3)).prop_map(|(at, lines)| Edit::Write(at, lines)),
        4 => (0..FILES).prop_map(Edit::Remove),
        2 => (0..3_u8).prop_map(Edit::Value),
        1 => Just(Edit::Alter),
        1 => Just(Edit::Delete),
        1 => Just(Edit::LoseCaches),
    ]
}

#[test]
fn what_scripts_read_depending_on_what_they_have_read_is_always_right() {
    if !has_python() {
        return;
    }
    let cases = 6 * effort();
    let config = ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_iters: 60,
        ..ProptestConfig::default()
    };
    let steps = prop::collection::vec(prop::collection::vec(edits(), 0..4), 3..8);
    proptest!(config, |(steps in steps)| {
        let project = Project::new(ATSAFFILE);
        project.write("walk.py", SCRIPT);
        let mut model = Model::default();
        for edits in &steps {
            for it in edits {
                edit(it, &mut model, &project);
            }
            build(&mut model, &project)?;
        }
    });
}
