//! The command of a rule: Snakemake's braces become holes of the Atsaffile.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::expressions::Known;
use super::patterns::Pattern;
use super::step::{Slot, Step};
use super::values::{Value, item};
use crate::atsaffile::params::TAKEN;
use crate::atsaffile::sections::is_name;

/// What a command is made from.
pub(super) struct Parts<'p> {
    pub(super) step: &'p Step,
    pub(super) known: &'p Known<'p>,
    /// The wildcards, each with its axis.
    pub(super) axes: &'p [(String, String)],
    /// The names of the inputs.
    pub(super) roles: &'p Roles,
    /// The names of the outputs, path by path.
    pub(super) ports: &'p [String],
    /// The same of the logs.
    pub(super) log_ports: &'p [String],
    /// Files from which parameters can come.
    pub(super) has_config_file: bool,
}

/// Names for what a rule reads.
#[derive(Debug, Default)]
pub(super) struct Roles {
    /// Whether they are needed, so that the inputs are a table.
    pub(super) is_table: bool,
    /// One for each of its inputs, which may be several paths.
    pub(super) names: Vec<String>,
}

/// A command that is translated.
#[derive(Debug, Default)]
pub(super) struct Command {
    pub(super) text: String,
    /// Whether it writes where it is told to, and so not to the declared paths.
    pub(super) is_staged: bool,
    /// Whether its log is an output.
    pub(super) has_log: bool,
    /// Whether it takes parameters from the configuration.
    pub(super) has_params: bool,
    /// What is told of it.
    pub(super) told: Vec<String>,
}

impl Roles {
    pub(super) fn of(step: &Step) -> Self {
        let slots = step.inputs.as_deref().unwrap_or_default();
        let mut paths: Vec<&str> = step.read().map(|path| path.text.as_str()).collect();
        let count = paths.len();
        paths.sort_unstable();
        paths.dedup();
        let has_index = step.shell.as_ref().is_some_and(|(_, text)| text.contains("{input["));
        let is_table = slots.iter().any(|slot| slot.name.is_some()) || has_index || paths.len() < count;
        let mut names: Vec<String> = Vec::new();
        for (at, slot) in slots.iter().enumerate() {
            let mut name = slot.name.clone().unwrap_or_else(|| format!("in{}", at + 1));
            while names.contains(&name) || (slot.name.is_none() && is_slot(slots, &name)) {
                name.push('_');
            }
            names.push(name);
        }
        Self { is_table, names }
    }
}

fn is_slot(slots: &[Slot], name: &str) -> bool {
    slots.iter().any(|slot| slot.name.as_deref() == Some(name))
}

/// Whether the shell takes a text as one word, as it is.
pub(super) fn is_plain_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "_-./:=,+@%^".contains(c))
}

/// The command as text with holes.
struct Builder<'p> {
    parts: &'p Parts<'p>,
    /// What of the text is no hole and not yet written.
    plain: String,
    command: Command,
    /// Outputs that the command is told.
    mentioned: BTreeSet<usize>,
}

/// Translates the command of a rule, whose outputs it may have to touch.
pub(super) fn command(parts: &Parts<'_>) -> Result<Command, String> {
    let step = parts.step;
    let mut builder = Builder {
        parts,
        plain: String::new(),
        command: Command::default(),
        mentioned: BTreeSet::new(),
    };
    let shell = step.shell.as_ref().map_or("", |(_, text)| text.as_str());
    let shell = dedented(shell);
    let made: Vec<_> = step.made().collect();
    let is_made_anew = shell.contains("mkdir ") && !shell.contains("mkdir -p");
    if shell.contains("$?") {
        // There the Atsaffile's shell would go on after a failure.
        builder.plain("set -euo pipefail\n");
    }
    for (at, _) in made
        .iter()
        .enumerate()
        .filter(|(_, path)| is_made_anew && path.marks.contains(&"directory"))
    {
        // The directory is there already, unlike in Snakemake.
        builder.plain("rmdir ");
        builder.output(at)?;
        builder.plain("\n");
    }
    builder.shell(&shell)?;
    let touched: Vec<usize> = (0..made.len())
        .filter(|at| made[*at].marks.contains(&"touch"))
        .collect();
    if !touched.is_empty() {
        builder.plain(if shell.is_empty() { "touch" } else { "\ntouch" });
        for at in touched {
            builder.plain(" ");
            builder.output(at)?;
        }
    } else if step.shell.is_none() {
        return Err("it has no command".to_owned());
    }
    builder.flush();
    let mut command = builder.command;
    let is_written = |text: &str| command.text.contains(text);
    command.is_staged = builder.mentioned.len() == made.len() && !made.iter().any(|path| is_written(&path.text));
    Ok(command)
}

/// The lines without what all of them begin with; what is given in place (`<<`) stays as it is.
fn dedented(text: &str) -> String {
    let lines: Vec<&str> = text
        .trim_end()
        .lines()
        .skip_while(|line| line.trim().is_empty())
        .collect();
    // What stands in a here-document, or in quotes over several lines, keeps its blanks.
    let is_whole = |line: &&str| shlex::split(line.trim_end_matches('\\')).is_some();
    if text.contains("<<") || lines.len() < 2 || !lines.iter().all(is_whole) {
        return lines.join("\n").trim_start().to_owned();
    }
    let indent = |line: &&str| line.len() - line.trim_start().len();
    let is_first_bare = !text.starts_with('\n') && indent(&lines[0]) == 0;
    let others = lines
        .iter()
        .skip(usize::from(is_first_bare))
        .filter(|line| !line.trim().is_empty());
    let shared = others.map(indent).min().unwrap_or_default();
    let cut = |(at, line): (usize, &&str)| match at == 0 && is_first_bare {
        true => (*line).to_owned(),
        false => line.get(shared..).unwrap_or_default().to_owned(),
    };
    lines.iter().enumerate().map(cut).collect::<Vec<_>>().join("\n")
}

impl Builder<'_> {
    fn plain(&mut self, text: &str) {
        self.plain += text;
    }

    fn flush(&mut self) {
        self.command.text += &std::mem::take(&mut self.plain).replace("{{", "{{{{");
    }

    fn hole(&mut self, name: &str) -> Result<(), String> {
        if self.plain.ends_with('{') {
            return Err("a brace of its command stands right before a value".to_owned());
        }
        self.flush();
        let _ = write!(self.command.text, "{{{{{name}}}}}");
        Ok(())
    }

    /// The text with its braces, doubled ones being single.
    fn shell(&mut self, text: &str) -> Result<(), String> {
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            self.plain(&rest[..at]);
            let behind = &rest[at..];
            if behind.starts_with("{{") || behind.starts_with("}}") {
                self.plain(&behind[..1]);
                rest = &behind[2..];
                continue;
            }
            if behind.starts_with('}') {
                return Err("a brace of its command closes that was not opened".to_owned());
            }
            let (inside, after) = behind[1..]
                .split_once('}')
                .ok_or("a brace of its command is not closed")?;
            self.value(inside)?;
            rest = after;
        }
        self.plain(rest);
        Ok(())
    }

    /// What stands in braces with `:q`, which quotes each value for the shell: only what needs no quotes is known to be the
    /// same without.
    fn quoted(&mut self, inside: &str) -> Result<(), String> {
        /// What is made of plain words alone.
        const PLAIN: [&str; 5] = ["input", "output", "log", "threads", "rule"];
        let begun = self.plain.len();
        self.value(inside)?;
        let text = self.plain.get(begun..).unwrap_or_default();
        let name = inside.split(['.', '[']).next().unwrap_or_default();
        match text.is_empty() || is_plain_word(text) || PLAIN.contains(&name) {
            true => Ok(()),
            false => Err(format!(
                "`{{{inside}:q}}` in its command quotes more than one plain word"
            )),
        }
    }

    /// What stands in braces.
    fn value(&mut self, written: &str) -> Result<(), String> {
        let unknown = || format!("`{{{written}}}` in its command is not known without running Python");
        if let Some(inside) = written.strip_suffix(":q") {
            return self.quoted(inside);
        }
        if written.contains([':', '!']) {
            return Err(format!("`{{{written}}}` in its command has a format"));
        }
        let (name, keys) = accessors(written).ok_or_else(unknown)?;
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        match (name, keys.as_slice()) {
            ("input", keys) => self.input(keys, written),
            ("output", keys) => self.outputs(keys, written),
            ("log", []) => self.log(),
            ("threads", []) => self.hole("threads"),
            ("rule", []) => {
                let name = self.parts.step.name.clone();
                self.plain(&name);
                Ok(())
            }
            ("wildcards", [name]) => self.wildcard(name),
            ("params", keys) => self.params(keys, written),
            ("resources", [name]) => {
                let found = self.parts.step.resources.iter().find(|(known, _)| known == name);
                let (_, value) = found.ok_or_else(unknown)?;
                let text = value.clone()?.in_text()?;
                self.plain(&text);
                Ok(())
            }
            ("config", keys) => {
                let mut value = Value::Config(Vec::new(), Value::Table(self.parts.known.config.clone()?).into());
                for key in keys {
                    value = item(&value, &Value::Text((*key).to_owned())).map_err(|_| unknown())?;
                }
                self.given(&value)
            }
            (name, []) => {
                let value = self.parts.known.named(name)?;
                self.given(&value)
            }
            _ => Err(unknown()),
        }
    }

    fn input(&mut self, keys: &[&str], written: &str) -> Result<(), String> {
        let slots = self.parts.step.inputs.as_deref().unwrap_or_default();
        let unknown = || format!("`{{{written}}}` in its command is none of its inputs");
        let plain = |path: &super::values::Path| is_plain_word(&path.text.replace(['{', '}'], ""));
        if !self.parts.step.read().all(plain) {
            return Err("a path of its inputs has characters that the shell takes for its own".to_owned());
        }
        let role = match keys {
            [] if slots.is_empty() => return Ok(()),
            [] => return self.hole("inputs"),
            [key] => {
                let index: Option<usize> = key.parse().ok();
                let mut first = 0;
                let found = slots.iter().position(|slot| {
                    let is_it = match index {
                        Some(index) => index == first && slot.paths.len() == 1,
                        None => slot.name.as_deref() == Some(*key),
                    };
                    first += slot.paths.len();
                    is_it
                });
                found.ok_or_else(unknown)?
            }
            [key, "0"] => {
                let is_it = |slot: &Slot| slot.name.as_deref() == Some(*key) && slot.paths.len() == 1;
                slots.iter().position(is_it).ok_or_else(unknown)?
            }
            _ => return Err(unknown()),
        };
        if slots[role].paths.is_empty() {
            return Ok(());
        }
        let name = format!("input.{}", self.parts.roles.names[role]);
        self.hole(&name)
    }

    /// The hole of one output.
    fn output(&mut self, at: usize) -> Result<(), String> {
        self.mentioned.insert(at);
        let only = self.parts.ports.len() == 1 && !self.command.has_log && !self.has_log();
        match only {
            true => self.hole("output"),
            false => self.hole(&format!("output.{}", self.parts.ports[at])),
        }
    }

    /// Whether the command names its log, which then is an output as well.
    fn has_log(&self) -> bool {
        let is_named = self
            .parts
            .step
            .shell
            .as_ref()
            .is_some_and(|(_, text)| text.contains("{log"));
        is_named && !self.parts.log_ports.is_empty()
    }

    fn outputs(&mut self, keys: &[&str], written: &str) -> Result<(), String> {
        let slots = self.parts.step.outputs.as_deref().unwrap_or_default();
        let unknown = || format!("`{{{written}}}` in its command is none of its outputs");
        let mut first = 0;
        let mut ranges = Vec::new();
        for slot in slots {
            ranges.push((slot.name.as_deref(), first..first + slot.paths.len()));
            first += slot.paths.len();
        }
        let named = |name: &str| {
            ranges
                .iter()
                .find(|(known, _)| *known == Some(name))
                .map(|(_, range)| range.clone())
        };
        let range = match keys {
            [] => Some(0..first),
            [key] => match key.parse::<usize>() {
                Ok(at) => (at < first).then_some(at..at + 1),
                Err(_) => named(key),
            },
            [key, index] => {
                let index: Option<usize> = index.parse().ok();
                let at = named(key)
                    .zip(index)
                    .map(|(range, index)| (range.start + index, range.end));
                at.filter(|(at, end)| at < end).map(|(at, _)| at..at + 1)
            }
            _ => None,
        };
        for (number, at) in range.ok_or_else(unknown)?.enumerate() {
            if number > 0 {
                self.plain(" ");
            }
            self.output(at)?;
        }
        Ok(())
    }

    fn log(&mut self) -> Result<(), String> {
        let ports = self.parts.log_ports;
        if self.parts.step.logs.is_none() {
            return Err("its `log` is not known".to_owned());
        }
        self.command.has_log |= !ports.is_empty();
        for (at, port) in ports.iter().enumerate() {
            if at > 0 {
                self.plain(" ");
            }
            self.hole(&format!("output.{port}"))?;
        }
        Ok(())
    }

    fn wildcard(&mut self, name: &str) -> Result<(), String> {
        let axis = self.parts.axes.iter().find(|(wildcard, _)| wildcard == name);
        let (_, axis) = axis.ok_or_else(|| format!("there is no wildcard `{name}` in its outputs"))?;
        self.hole(axis)
    }

    fn params(&mut self, keys: &[&str], written: &str) -> Result<(), String> {
        let params = &self.parts.step.params;
        let chosen: Vec<usize> = match keys {
            [] => (0..params.len()).collect(),
            [key, ..] => {
                let at = match key.parse::<usize>() {
                    Ok(at) => Some(at).filter(|at| *at < params.len()),
                    Err(_) => params.iter().position(|(name, _)| name.as_deref() == Some(*key)),
                };
                let unknown = || format!("`{{{written}}}` in its command is none of its `params`");
                vec![at.ok_or_else(unknown)?]
            }
        };
        for (number, at) in chosen.into_iter().enumerate() {
            if number > 0 {
                self.plain(" ");
            }
            let (name, value) = &params[at];
            let name = name.clone().unwrap_or_else(|| at.to_string());
            let mut value = value
                .clone()
                .map_err(|why| format!("`{name}` of its `params` is not known: {why}"))?;
            for key in keys.iter().skip(1) {
                value = item(&value, &Value::Text((*key).to_owned()))
                    .map_err(|_| format!("`{{{written}}}` in its command is not known"))?;
            }
            self.given(&value)?;
        }
        Ok(())
    }

    /// A value as Snakemake puts it into the text; a parameter of the configuration as a hole.
    fn given(&mut self, value: &Value) -> Result<(), String> {
        let text = value.in_text()?;
        let Value::Config(keys, now) = value else {
            if matches!(value, Value::Marked("config", _)) {
                self.frozen("a value of the configuration", &text);
            }
            return self.with_wildcards(&text);
        };
        let is_same = matches!(**now, Value::Text(_) | Value::Number(_));
        let is_hole = keys.iter().all(|key| is_name(key)) && !is_reserved(keys.first().map_or("", String::as_str));
        if is_same && is_hole && self.parts.has_config_file && is_plain_word(&text) {
            self.command.has_params = true;
            return self.hole(&keys.join("."));
        }
        self.frozen(&format!("`{}` of the configuration", keys.join(".")), &text);
        if text.contains(['{', '}']) {
            return Err("a value of the configuration has braces".to_owned());
        }
        self.plain(&text);
        Ok(())
    }

    fn frozen(&mut self, what: &str, text: &str) {
        self.command
            .told
            .push(format!("{what} stands in the command as it is today, `{text}`"));
    }

    fn with_wildcards(&mut self, text: &str) -> Result<(), String> {
        let pattern = Pattern::read(text, &std::collections::BTreeMap::new())?;
        let mut wrong = None;
        // A mark that no text has tells the holes from what is between them.
        let marked = pattern.with(&|name| {
            let axis = self.parts.axes.iter().find(|(wildcard, _)| wildcard == name);
            format!("\0{}\0", axis.map_or("", |(_, axis)| axis.as_str()))
        });
        for (at, part) in marked.split('\0').enumerate() {
            match at % 2 {
                0 => self.plain(part),
                _ if part.is_empty() => wrong = Some(format!("`{text}` has a wildcard that no output has")),
                _ => self.hole(part)?,
            }
        }
        wrong.map_or(Ok(()), Err)
    }
}

/// Whether a name means something else in a command.
pub(super) fn is_reserved(name: &str) -> bool {
    TAKEN.contains(&name) || name == "threads"
}

/// `name.key[key]` as its name and its keys.
fn accessors(text: &str) -> Option<(&str, Vec<String>)> {
    let end = text.find(['.', '[']).unwrap_or(text.len());
    let (name, mut rest) = text.split_at(end);
    let mut keys = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('[') {
            let (key, behind) = after.split_once(']')?;
            keys.push(key.to_owned());
            rest = behind;
        } else {
            let after = rest.strip_prefix('.')?;
            let end = after.find(['.', '[']).unwrap_or(after.len());
            keys.push(after[..end].to_owned());
            rest = &after[end..];
        }
    }
    let is_plain = |key: &String| !key.is_empty();
    (is_name(name) && keys.iter().all(is_plain)).then_some((name, keys))
}
