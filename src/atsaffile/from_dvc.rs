//! `dvc.yaml` as an Atsaffile: what can be translated, and a sentence about each thing that cannot.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::mistakes::Mistakes;
use super::params_file::{self, Key, Node};
use super::path::normalise;
use super::sections::is_name;
use super::translation::{Translation, block, list, port, quoted};
use crate::diagnostic::Diagnostic;
use crate::engine::spec::{METRICS_ENDINGS, Text, Value};

/// The file in which DVC's parameters are where no other is named.
const PARAMS: &str = "params.yaml";

/// Keys of a stage that are translated, or of which nothing is lost.
const KNOWN: [&str; 12] = [
    "cmd", "wdir", "deps", "outs", "metrics", "plots", "params", "desc", "foreach", "do", "matrix", "meta",
];

/// What is known of the disk: whether a path is a directory, if it is there.
pub type IsDirectory<'a> = dyn Fn(&str) -> Option<bool> + 'a;

/// Translates the text of a `dvc.yaml`, whose path messages show.
///
/// # Errors
/// The mistakes of a text that is not YAML, or has no stages.
pub fn from_dvc(path: &str, text: &str, is_directory: &IsDirectory<'_>) -> Result<Translation, Vec<Diagnostic>> {
    let mut mistakes = Mistakes::default();
    let entries = params_file::yaml_1_2(text, &mut mistakes);
    let stages = field(&entries, "stages");
    if !matches!(stages, Some(Node::Table(_))) && !mistakes.has_errors() {
        mistakes
            .error_outside(format!("`{path}` has no `stages`"))
            .help("without a pipeline there is nothing to translate: name the data among the inputs of your targets");
    }
    let Some(Node::Table(stages)) = stages.filter(|_| !mistakes.has_errors()) else {
        let text = Text {
            path: path.to_owned(),
            text: text.to_owned(),
            ..Text::default()
        };
        return Err(mistakes.into_diagnostics(&text));
    };
    let mut translator = Translator {
        is_directory,
        left: Vec::new(),
        params_files: BTreeSet::new(),
        params: Vec::new(),
        axes: String::new(),
        // What is a name already stays one.
        names: stages
            .iter()
            .map(|(key, _)| key.text.clone())
            .filter(|name| is_name(name))
            .collect(),
    };
    translator.top(&entries);
    let targets: Vec<String> = stages
        .iter()
        .map(|(key, stage)| translator.stage(&key.text, stage))
        .collect();
    Ok(translator.whole(&targets))
}

struct Translator<'a> {
    is_directory: &'a IsDirectory<'a>,
    left: Vec<String>,
    params_files: BTreeSet<String>,
    /// What `vars` itself holds.
    params: Vec<(String, Value)>,
    /// The lines of `[matrix]`.
    axes: String,
    /// The names of targets so far.
    names: BTreeSet<String>,
}

/// A stage, with what its templates mean.
struct Stage<'s> {
    name: &'s str,
    entries: &'s [(Key, Node)],
    /// Where its paths and its command begin.
    wdir: Option<String>,
    /// What DVC calls an axis, and what the Atsaffile does.
    axes: Vec<(String, String)>,
}

impl Translator<'_> {
    fn leave(&mut self, what: impl Into<String>) {
        let what = what.into();
        if !self.left.contains(&what) {
            self.left.push(what);
        }
    }

    /// What stands beside the stages: of `vars` the files.
    fn top(&mut self, entries: &[(Key, Node)]) {
        for (key, node) in entries {
            match key.text.as_str() {
                "stages" => {}
                "params" => self.params_files.extend(listed(Some(node))),
                "vars" => {
                    let items = match node {
                        Node::List(items) => items.as_slice(),
                        _ => &[],
                    };
                    for item in items {
                        self.vars(item);
                    }
                }
                other => self.leave(format!("`{other}` at the top of the file is not translated")),
            }
        }
    }

    /// An item of `vars`: a file, or values.
    fn vars(&mut self, item: &Node) {
        if let Some(file) = text_of(item) {
            let file = file.split(':').next().unwrap_or_default().to_owned();
            self.params_files.insert(file);
        }
        let Node::Table(values) = item else { return };
        for (key, node) in values {
            let value = match node {
                Node::Value(Value::Null) | Node::Table(_) => None,
                node => node.value().ok(),
            };
            let name = key.text.as_str();
            match value.filter(|_| is_name(name)) {
                Some(value) => self.params.push((name.to_owned(), value)),
                None => self.leave(format!(
                    "`{name}` of `vars` is no plain value: put what it holds into `[params]`, or into a file of `params_files`"
                )),
            }
        }
    }

    /// A name that a target may have, made of that of a stage.
    fn target_name(&mut self, stage: &str) -> String {
        if is_name(stage) {
            return stage.to_owned();
        }
        let plain = |c: char| {
            if c.is_ascii_alphanumeric() || "_-".contains(c) {
                c
            } else {
                '_'
            }
        };
        let mut name: String = stage.chars().map(plain).collect();
        if !is_name(&name) {
            name.insert(0, '_');
        }
        while !self.names.insert(name.clone()) {
            name.push('_');
        }
        self.leave(format!(
            "the stage `{stage}` has become the target `{name}`: a name is of letters, digits, `_` and `-`"
        ));
        name
    }

    fn stage(&mut self, name: &str, stage: &Node) -> String {
        let Node::Table(entries) = stage else {
            self.leave(format!("the stage `{name}` is no mapping, and is left out"));
            return String::new();
        };
        let name = &self.target_name(name);
        let mut axes = Vec::new();
        let mut inner = entries.as_slice();
        if let Some(items) = field(entries, "foreach") {
            axes.push(("item".to_owned(), format!("{name}_item")));
            self.axis(name, &axes[0].1, items);
            if let Some(Node::Table(entries)) = field(entries, "do") {
                inner = entries.as_slice();
            }
        }
        if let Some(Node::Table(matrix)) = field(entries, "matrix") {
            for (axis, items) in matrix {
                let own = format!("{name}_{}", axis.text);
                self.axis(name, &own, items);
                axes.push((format!("item.{}", axis.text), own));
            }
        }
        for (key, _) in inner.iter().filter(|(key, _)| !KNOWN.contains(&key.text.as_str())) {
            self.leave(match key.text.as_str() {
                "frozen" => {
                    format!("`{name}` is frozen: build it once, then `atsaf accept {name} -m WHY` keeps it as it is")
                }
                "always_changed" => {
                    format!("`{name}` runs each time: `max_age` and `probe` say when (`atsaf help time`)")
                }
                other => format!("`{other}` of `{name}` is not translated"),
            });
        }
        let wdir = field(inner, "wdir").and_then(text_of);
        self.target(&Stage {
            name,
            entries: inner,
            wdir: wdir
                .map(|wdir| normalise(&wdir))
                .filter(|wdir| !wdir.is_empty() && wdir != "."),
            axes,
        })
    }

    /// An axis of the matrix, of plain values only.
    fn axis(&mut self, stage: &str, axis: &str, items: &Node) {
        let values = match items {
            Node::List(items) => items.iter().map(text_of).collect::<Option<Vec<_>>>(),
            _ => None,
        };
        if values.is_none() {
            self.leave(format!(
                "the values over which `{stage}` goes are no plain list: write those of the axis `{axis}` by hand"
            ));
        }
        let _ = writeln!(self.axes, "{axis} = {}", list(&values.unwrap_or_default()));
    }

    fn target(&mut self, stage: &Stage<'_>) -> String {
        let name = stage.name;
        let mut command = self.filled(&command(stage), stage);
        let outs = outs(stage);
        let is_word = |command: &str, path: &str| words(command).iter().any(|word| word == path);
        let written: Vec<String> = outs.iter().map(|(_, path)| self.filled(path, stage)).collect();
        let direct = !written.iter().all(|path| is_word(&command, path));
        if !direct {
            for ((port, _), path) in outs.iter().zip(&written) {
                let hole = match outs.len() {
                    1 => "{{output}}".to_owned(),
                    _ => format!("{{{{output.{port}}}}}"),
                };
                command = replaced(&command, path, &hole);
            }
        }
        let mut lines = vec![format!("[target.{name}]")];
        if let Some(desc) = field(stage.entries, "desc").and_then(text_of) {
            lines.push(format!("desc = {}", quoted(desc.trim())));
        }
        if !stage.axes.is_empty() {
            let axes: Vec<String> = stage.axes.iter().map(|(_, axis)| axis.clone()).collect();
            lines.push(format!("each = {}", list(&axes)));
        }
        lines.push(format!("run = {}", block(&command)));
        if let Some(wdir) = &stage.wdir {
            lines.push(format!("cwd = {}", quoted(wdir)));
        }
        let mut inputs = Vec::new();
        for dep in listed(field(stage.entries, "deps")) {
            let path = self.filled(&dep, stage);
            if !is_word(&command, &path) {
                inputs.push(stage.at(&path));
            }
        }
        if !inputs.is_empty() {
            lines.push(format!("inputs = {}", list(&inputs)));
        }
        lines.push(self.output(stage, &outs, &written));
        let params = self.params(stage);
        if !params.is_empty() {
            lines.push(format!("params = {}", list(&params)));
        }
        let metrics = self.metrics(stage, &outs, &written);
        if !metrics.is_empty() {
            lines.push(format!("metrics = {}", list(&metrics)));
        }
        if direct && !outs.is_empty() {
            lines.push("direct = true          # the command writes the declared paths itself".to_owned());
        }
        if is_uncached(stage) {
            lines.push("cache = false".to_owned());
        }
        lines.join("\n") + "\n"
    }

    /// The outputs that hold metrics, as far as these can be read.
    fn metrics(&mut self, stage: &Stage<'_>, outs: &[(String, String)], written: &[String]) -> Vec<String> {
        let declared = listed(field(stage.entries, "metrics"));
        let all = outs
            .iter()
            .zip(written)
            .filter(|((_, path), _)| declared.contains(path));
        let mut metrics = Vec::new();
        for (_, path) in all {
            let path = stage.at(path);
            match METRICS_ENDINGS.iter().any(|ending| path.ends_with(ending)) {
                true => metrics.push(path),
                false => self.leave(format!(
                    "the metrics in `{path}` cannot be compared: they are read from JSON, YAML and CSV"
                )),
            }
        }
        metrics
    }

    /// The line of the outputs.
    fn output(&mut self, stage: &Stage<'_>, outs: &[(String, String)], written: &[String]) -> String {
        let mut kept: Vec<(&String, String)> = Vec::new();
        for ((port, _), path) in outs.iter().zip(written) {
            let at = stage.at(path);
            let is_directory = (self.is_directory)(&at).unwrap_or_else(|| {
                let last = at.rsplit('/').next().unwrap_or_default();
                let guess = !last.contains('.');
                if guess && !path.ends_with('/') {
                    self.left.push(format!(
                        "`{at}` is taken for a directory, for its name has no ending: take the `/` away if it is a file"
                    ));
                }
                guess || path.ends_with('/')
            });
            kept.push((port, quoted(&if is_directory { format!("{at}/") } else { at })));
        }
        match kept.as_slice() {
            [] => {
                self.leave(format!(
                    "`{}` makes nothing: a target has an output, such as a file that its command touches",
                    stage.name
                ));
                "# output = \"what it makes\"".to_owned()
            }
            [(_, path)] => format!("output = {path}"),
            several => {
                let all: Vec<String> = several.iter().map(|(port, path)| format!("{port} = {path}")).collect();
                format!("outputs = {{ {} }}", all.join(", "))
            }
        }
    }

    /// The keys of parameter files on which a stage depends.
    fn params(&mut self, stage: &Stage<'_>) -> Vec<String> {
        let mut names = Vec::new();
        let items = match field(stage.entries, "params") {
            Some(Node::List(items)) => items.as_slice(),
            _ => &[],
        };
        for item in items {
            if let Some(name) = text_of(item) {
                self.params_files.insert(stage.at(PARAMS));
                names.push(name);
            }
            let Node::Table(files) = item else { continue };
            for (file, keys) in files {
                let own = listed(Some(keys));
                if own.is_empty() {
                    self.leave(format!(
                        "`{}` depends on all of `{}`: name it among its inputs, or the keys in `params`",
                        stage.name, file.text
                    ));
                } else {
                    self.params_files.insert(stage.at(&file.text));
                }
                names.extend(own);
            }
        }
        names
    }

    /// A text with templates of the Atsaffile in the place of DVC's.
    fn filled(&mut self, text: &str, stage: &Stage<'_>) -> String {
        let mut out = String::new();
        let mut rest = text;
        if text.contains("{{") {
            self.leave(format!(
                "`{{{{` in `{}` is written `{{{{{{{{` in an Atsaffile",
                stage.name
            ));
        }
        while let Some((before, after)) = rest.split_once("${") {
            let Some((name, behind)) = after.split_once('}') else {
                break;
            };
            out += &before.replace("{{", "{{{{");
            let own = stage.axes.iter().find(|(dvc, _)| dvc == name.trim());
            let is_written = |(known, _): &(String, Value)| known == name.trim();
            if own.is_none() && !self.params.iter().any(is_written) {
                self.params_files.insert(PARAMS.to_owned());
            }
            let name = own.map_or(name.trim(), |(_, axis)| axis);
            let _ = write!(out, "{{{{{name}}}}}");
            rest = behind;
        }
        out + &rest.replace("{{", "{{{{")
    }

    fn whole(mut self, targets: &[String]) -> Translation {
        self.leave("commands see only those variables of the environment that `env` of their target names, and `PATH`");
        let mut text =
            "# Translated from dvc.yaml by `atsaf init dvc`. `atsaf help from-dvc` says what is otherwise.\n"
                .to_owned();
        if !self.params_files.is_empty() {
            let files: Vec<String> = self.params_files.iter().cloned().collect();
            let _ = write!(text, "\n[project]\nparams_files = {}\n", list(&files));
        }
        if !self.params.is_empty() {
            text += "\n[params]\n";
            for (name, value) in &self.params {
                let _ = writeln!(text, "{name} = {value}");
            }
        }
        if !self.axes.is_empty() {
            let _ = write!(text, "\n[matrix]\n{}", self.axes);
        }
        for target in targets.iter().filter(|target| !target.is_empty()) {
            text += "\n";
            text += target;
        }
        Translation {
            targets: targets.iter().filter(|target| !target.is_empty()).count(),
            atsaffile: text,
            left: self.left,
        }
    }
}

impl Stage<'_> {
    /// A path as it counts from the Atsaffile.
    fn at(&self, path: &str) -> String {
        let path = path.trim_end_matches('/');
        match &self.wdir {
            Some(wdir) if !path.starts_with('/') => normalise(&format!("{wdir}/{path}")),
            _ => normalise(path),
        }
    }
}

fn field<'n>(entries: &'n [(Key, Node)], name: &str) -> Option<&'n Node> {
    entries.iter().find(|(key, _)| key.text == name).map(|(_, node)| node)
}

/// A plain value as it is written.
fn text_of(node: &Node) -> Option<String> {
    match node {
        Node::Value(value) => Some(value.plain()),
        _ => None,
    }
}

/// The texts of a list, whose items may be tables from such a text to further settings.
fn listed(node: Option<&Node>) -> Vec<String> {
    let Some(Node::List(items)) = node else {
        return Vec::new();
    };
    let text = |item: &Node| match item {
        Node::Table(entries) => entries.first().map(|(key, _)| key.text.clone()),
        other => text_of(other),
    };
    items.iter().filter_map(text).collect()
}

/// The command, whose lines may be the items of a list.
fn command(stage: &Stage<'_>) -> String {
    match field(stage.entries, "cmd") {
        Some(Node::List(items)) => items.iter().filter_map(text_of).collect::<Vec<_>>().join("\n"),
        Some(node) => text_of(node).unwrap_or_default().trim().to_owned(),
        None => String::new(),
    }
}

/// What a stage makes: each path with a name for it.
fn outs(stage: &Stage<'_>) -> Vec<(String, String)> {
    let mut outs: Vec<(String, String)> = Vec::new();
    for path in ["outs", "metrics", "plots"]
        .into_iter()
        .flat_map(|of| listed(field(stage.entries, of)))
    {
        let port = port(&path, |name| outs.iter().any(|(known, _)| known == name));
        outs.push((port, path));
    }
    outs
}

/// Whether all that a stage makes is kept out of DVC's cache.
fn is_uncached(stage: &Stage<'_>) -> bool {
    let mut outs = 0;
    for of in ["outs", "metrics", "plots"] {
        let Some(Node::List(items)) = field(stage.entries, of) else {
            continue;
        };
        for item in items {
            let settings = match item {
                Node::Table(entries) => entries.first().map(|(_, node)| node),
                _ => None,
            };
            let Some(Node::Table(settings)) = settings else {
                return false;
            };
            if field(settings, "cache").and_then(text_of).as_deref() != Some("false") {
                return false;
            }
            outs += 1;
        }
    }
    outs > 0
}

/// The words of a command as the shell would split them.
fn words(command: &str) -> Vec<String> {
    shlex::split(command).unwrap_or_else(|| command.split_whitespace().map(str::to_owned).collect())
}

/// The command with another text in the place of a word.
fn replaced(command: &str, word: &str, by: &str) -> String {
    let is_part = |c: char| !c.is_whitespace() && !"\"'<>|;&()".contains(c);
    let mut out = String::new();
    let mut rest = command;
    while let Some(at) = rest.find(word) {
        let (before, after) = (&rest[..at], &rest[at + word.len()..]);
        let is_whole =
            !out.chars().chain(before.chars()).next_back().is_some_and(is_part) && !after.starts_with(is_part);
        out += before;
        out += if is_whole { by } else { word };
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests;
