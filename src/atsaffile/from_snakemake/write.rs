//! The Atsaffile of a workflow: axes for its wildcards, a target for each rule that can be one.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::axes::{Axis, Partial};
use super::command::{Command, Parts, Roles, command, is_plain_word};
use super::jobs::Jobs;
use super::patterns::{Pattern, Values};
use super::step::{Slot, Step};
use super::values::Path;
use super::workflow::Workflow;
use crate::atsaffile::sections::is_name;
use crate::atsaffile::translation::{Translation, block, list, port, quoted};

/// A rule that becomes a target.
pub(super) struct Target {
    /// The wildcards, each with its axis.
    pub(super) axes: Vec<(String, String)>,
    /// Its instances in the order of the Atsaffile.
    pub(super) instances: Vec<Values>,
    pub(super) roles: Roles,
    pub(super) ports: Vec<String>,
    pub(super) log_ports: Vec<String>,
    pub(super) command: Command,
}

pub(super) struct Writer<'w> {
    pub(super) workflow: &'w mut Workflow<'w>,
    pub(super) axes: Vec<Axis>,
    pub(super) partials: Vec<Partial>,
    pub(super) excluded: Vec<String>,
    pub(super) targets: Vec<Option<Target>>,
    pub(super) told: Vec<(usize, String)>,
}

/// Writes what can be translated; `file` is the Snakefile's path.
pub(super) fn written<'w>(file: &str, workflow: &'w mut Workflow<'w>) -> Translation {
    let disk = workflow.known.disk;
    let steps = std::mem::take(&mut workflow.steps);
    let mut jobs = Jobs::follow(&steps, disk);
    let of = std::mem::take(&mut jobs.of);
    let ambiguous = std::mem::take(&mut jobs.ambiguous);
    let is_endless = jobs.is_endless;
    drop(jobs);
    workflow.steps = steps;
    for (path, one, other) in ambiguous {
        for (at, rival) in [(one, other), (other, one)] {
            let rival = workflow.steps[rival].name.clone();
            let line = workflow.steps[at].line;
            workflow.steps[at].fail(line, format!("`{path}` is made by `{rival}` too"));
        }
    }
    if is_endless {
        for step in &mut workflow.steps {
            step.fail(step.line, "the rules have no end: one makes what it reads");
        }
    }
    let told = std::mem::take(&mut workflow.told);
    let mut writer = Writer {
        workflow,
        axes: Vec::new(),
        partials: Vec::new(),
        excluded: Vec::new(),
        targets: Vec::new(),
        told,
    };
    for (at, combinations) in of.iter().enumerate() {
        let target = writer.target(at, combinations);
        if let Err((line, why)) = &target {
            writer.workflow.steps[at].fail(*line, why.clone());
        }
        writer.targets.push(target.ok());
    }
    writer.whole(file)
}

impl Writer<'_> {
    fn target(&mut self, at: usize, combinations: &[Values]) -> Result<Target, (usize, String)> {
        let step = &self.workflow.steps[at];
        let line = step.line;
        let wrong = |why: String| (line, why);
        if let Some((line, why)) = &step.fault {
            return Err((*line, why.clone()));
        }
        if step.is_group() {
            return Err(wrong("it makes nothing that a target could have".to_owned()));
        }
        if step
            .made()
            .chain(step.read())
            .any(|path| path.text.contains(['*', '?', '[', ']', '"', '\\', '!']))
        {
            return Err(wrong(
                "a path has characters that mean something else in an Atsaffile".to_owned(),
            ));
        }
        if step
            .made()
            .any(|path| path.text.starts_with('/') || path.text.starts_with(".."))
        {
            return Err(wrong("an output lies outside the project".to_owned()));
        }
        if step
            .made()
            .any(|path| !is_plain_word(&path.text.replace(['{', '}'], "")))
        {
            return Err(wrong(
                "a path of its outputs has characters that the shell takes for its own".to_owned(),
            ));
        }
        let roles = Roles::of(step);
        let names: Vec<String> = self.workflow.steps.iter().map(|step| step.name.clone()).collect();
        let (ports, log_ports) = ports(step, &names);
        let (axes, instances) = self.axes(at, combinations).map_err(wrong)?;
        let step = &self.workflow.steps[at];
        let command = command(&Parts {
            step,
            known: &self.workflow.known,
            axes: &axes,
            roles: &roles,
            ports: &ports,
            log_ports: &log_ports,
            has_config_file: self.workflow.config_files.len() == 1,
        });
        let line = step.shell.as_ref().map_or(line, |(line, _)| *line);
        let command = command.map_err(|why| (line, why))?;
        let wildcards = step.wildcards();
        for path in step
            .read()
            .chain(step.logs.iter().flatten().flat_map(|slot| &slot.paths))
        {
            let own = Pattern::read(&path.text, &BTreeMap::new())
                .map_err(|why| (line, why))?
                .wildcards();
            if let Some(name) = own.into_iter().find(|name| !wildcards.contains(name)) {
                return Err((line, format!("its outputs do not have the wildcard `{name}`")));
            }
        }
        Ok(Target {
            axes,
            instances,
            roles,
            ports,
            log_ports,
            command,
        })
    }

    fn whole(mut self, file: &str) -> Translation {
        let (aliases, default) = self.goals();
        let mut body = String::new();
        let mut count = 0;
        for at in 0..self.targets.len() {
            let step = &self.workflow.steps[at];
            match (&self.targets[at], &step.fault) {
                (Some(_), _) => {
                    count += 1;
                    let text = self.text(at);
                    body.push('\n');
                    body += &text;
                }
                (None, Some((line, why))) if !step.is_group() || aliases.iter().all(|(name, _)| *name != step.name) => {
                    let name = &step.name;
                    let _ = write!(body, "\n# The rule `{name}` is not here: {why} ({file}:{line}).\n");
                    self.told.push((*line, format!("the rule `{name}` is left out: {why}")));
                }
                _ => {}
            }
        }
        let mut text = format!(
            "# Translated from {file} by `atsaf init snakemake`. `atsaf help from-snakemake` says what is otherwise.\n"
        );
        let has_params = self.targets.iter().flatten().any(|target| target.command.has_params);
        if has_params || default.is_some() {
            text += "\n[project]\n";
        }
        if let Some(default) = default {
            let _ = writeln!(text, "default = {}", list(&[default]));
        }
        if has_params {
            let _ = writeln!(text, "params_files = {}", list(&self.workflow.config_files));
        }
        if !aliases.is_empty() {
            text += "\n[alias]\n";
            for (name, goals) in &aliases {
                let _ = writeln!(text, "{name} = {}", list(goals));
            }
        }
        text += &self.matrix();
        text += &body;
        let mut told = self.told;
        if self.workflow.known.is_from_config && !self.axes.is_empty() {
            told.push((
                0,
                "values of wildcards that stand in the configuration stand in `[matrix]` as they are today".to_owned(),
            ));
        }
        told.push((
            0,
            "commands see only those variables of the environment that `env` of their target names, and `PATH`"
                .to_owned(),
        ));
        told.sort_by_key(|(line, _)| if *line == 0 { usize::MAX } else { *line });
        let mut left: Vec<String> = Vec::new();
        for (line, what) in told {
            let what = if line == 0 {
                what
            } else {
                format!("{file}:{line}: {what}")
            };
            if !left.contains(&what) {
                left.push(what);
            }
        }
        Translation {
            atsaffile: text,
            targets: count,
            left,
        }
    }

    /// Names for the rules that make nothing, and the goal of a bare build.
    fn goals(&mut self) -> (Vec<(String, Vec<String>)>, Option<String>) {
        let steps = &self.workflow.steps;
        let first = steps
            .iter()
            .position(|step| step.is_default)
            .or((!steps.is_empty()).then_some(0));
        let mut aliases = Vec::new();
        let mut told = Vec::new();
        for step in steps.iter().filter(|step| step.is_group() && step.inputs.is_some()) {
            let goals = self.goals_of(step, &mut told);
            if let Some((line, _)) = step.shell.as_ref().filter(|_| !goals.is_empty()) {
                let what = format!("`{}` makes nothing, so its command is not translated", step.name);
                told.push((*line, what));
            }
            if !goals.is_empty() && is_name(&step.name) {
                aliases.push((step.name.clone(), goals));
            }
        }
        let default = first.map(|at| steps[at].name.clone()).filter(|name| {
            let is_target = self
                .targets
                .iter()
                .zip(steps)
                .any(|(target, step)| target.is_some() && step.name == *name);
            is_target || aliases.iter().any(|(alias, _)| alias == name)
        });
        if default.is_none() && first.is_some() {
            told.push((
                0,
                "what a bare `atsaf build` makes is everything, for the first rule is not translated".to_owned(),
            ));
        }
        self.told.extend(told);
        (aliases, default)
    }

    /// The goals that stand for what a rule reads.
    fn goals_of(&self, step: &Step, told: &mut Vec<(usize, String)>) -> Vec<String> {
        let paths: Vec<&str> = step.read().map(|path| path.text.as_str()).collect();
        let mut goals: Vec<String> = Vec::new();
        let mut add = |goal: String| {
            if !goals.contains(&goal) {
                goals.push(goal);
            }
        };
        let mut unmade = Vec::new();
        for path in &paths {
            match self.maker(path) {
                Some(at) if self.is_whole(at, &paths) => add(self.workflow.steps[at].name.clone()),
                Some(_) => add(as_path(path)),
                None if self.workflow.known.disk.is_there(path) => {}
                None => unmade.push(*path),
            }
        }
        tell_unmade(step, &unmade, told);
        goals
    }

    /// A target as it is written.
    fn text(&mut self, at: usize) -> String {
        let mut told = Vec::new();
        let step = &self.workflow.steps[at];
        let Some(target) = &self.targets[at] else {
            return String::new();
        };
        let mut lines = step.comments.clone();
        lines.push(format!("[target.{}]", step.name));
        if let Some(desc) = &step.desc {
            lines.push(format!("desc = {}", quoted(desc)));
        }
        if !target.axes.is_empty() {
            let axes: Vec<String> = target.axes.iter().map(|(_, axis)| axis.clone()).collect();
            lines.push(format!("each = {}", list(&axes)));
        }
        lines.push(format!("run = {}", block(&target.command.text)));
        lines.extend(self.inputs(step, target, &mut told));
        lines.push(outputs(step, target));
        if !target.command.is_staged {
            lines.push("direct = true          # the command writes the declared paths itself".to_owned());
        }
        let is_temp = |path: &Path| path.marks.contains(&"temp");
        if step.made().all(is_temp) && !target.command.has_log {
            lines.push("temp = true".to_owned());
        } else if step.made().any(is_temp) {
            told.push((
                step.line,
                format!(
                    "`temp` of `{}` is not translated: it would hold for all that the target makes, its log included",
                    step.name
                ),
            ));
        }
        if let Some(threads) = step.threads {
            lines.push(format!("threads = {threads}"));
        }
        if let Some(memory) = &step.memory {
            lines.push(format!("memory = {}", quoted(memory)));
        }
        if let Some(retries) = step.retries {
            lines.push(format!("retries = {retries}"));
        }
        let needed = target.instances.iter().flat_map(|values| {
            let patterns = step
                .read()
                .filter_map(|path| Pattern::read(&path.text, &BTreeMap::new()).ok());
            patterns
                .filter_map(|pattern| pattern.filled(values))
                .collect::<Vec<_>>()
        });
        let is_missing = |path: &String| !self.workflow.known.disk.is_there(path) && self.maker(path).is_none();
        let missing: Vec<String> = needed.filter(is_missing).collect();
        tell_unmade(step, &missing.iter().map(String::as_str).collect::<Vec<_>>(), &mut told);
        for what in &target.command.told {
            told.push((step.line, format!("`{}`: {what}", step.name)));
        }
        marks(step, &mut told);
        match (
            target.command.has_log,
            step.logs.as_ref().is_none_or(|logs| !logs.is_empty()),
        ) {
            (true, _) => told.push((step.line, format!("`log` of `{}` is one of its outputs", step.name))),
            (false, true) => told.push((
                step.line,
                format!(
                    "`log` of `{0}` is not translated: `atsaf logs {0}` has what a command prints",
                    step.name
                ),
            )),
            _ => {}
        }
        self.told.extend(told);
        lines.join("\n") + "\n"
    }
}

/// A pattern with holes of the Atsaffile.
pub(super) fn holes(pattern: &Pattern, axes: &[(String, String)]) -> String {
    pattern.with(&|wildcard| {
        let own = axes.iter().find(|(known, _)| known == wildcard);
        format!("{{{{{}}}}}", own.map_or(wildcard, |(_, axis)| axis))
    })
}

/// A path that can be taken for nothing else.
pub(super) fn as_path(path: &str) -> String {
    match path.contains(['/', '.']) {
        true => path.to_owned(),
        false => format!("./{path}"),
    }
}

/// Names for the outputs, path by path, and for the logs: those that the rule gives, or what the paths say beside wildcards.
fn ports(step: &Step, steps: &[String]) -> (Vec<String>, Vec<String>) {
    let mut taken: Vec<String> = Vec::new();
    let mut of = |slots: &[Slot], otherwise: &str| {
        let mut own = Vec::new();
        let paths = slots
            .iter()
            .flat_map(|slot| slot.paths.iter().map(move |path| (slot, path)));
        for (slot, path) in paths {
            let is_taken = |name: &str| taken.iter().chain(steps).any(|known| known == name);
            let given = slot.name.as_deref().filter(|_| slot.paths.len() == 1);
            let is_alone = slots.len() == 1 && slot.paths.len() == 1;
            let mut words = path.text.rsplit('/').next().unwrap_or_default().to_owned();
            while let Some((before, after)) = words.split_once('{') {
                let behind = after.split_once('}').map_or("", |(_, behind)| behind);
                words = format!("{before}.{behind}");
            }
            let words = words.split('.').map(|word| word.trim_matches(['-', '_']));
            let candidates = given.into_iter().chain(is_alone.then_some(otherwise)).chain(words);
            let name = candidates.filter(|name| is_name(name)).find(|name| !is_taken(name));
            let name = name.map_or_else(|| port(otherwise, is_taken), str::to_owned);
            taken.push(name.clone());
            own.push(name);
        }
        own
    };
    let outputs = of(step.outputs.as_deref().unwrap_or_default(), "out");
    let logs = of(step.logs.as_deref().unwrap_or_default(), "log");
    (outputs, logs)
}

/// The line of the outputs.
fn outputs(step: &Step, target: &Target) -> String {
    let logs = step
        .logs
        .iter()
        .flatten()
        .flat_map(|slot| &slot.paths)
        .filter(|_| target.command.has_log);
    let ports = target.ports.iter().chain(&target.log_ports);
    let path = |path: &Path| {
        let text = Pattern::read(&path.text, &BTreeMap::new()).map(|pattern| holes(&pattern, &target.axes));
        let text = text.unwrap_or_else(|_| path.text.clone());
        quoted(&if path.marks.contains(&"directory") {
            format!("{text}/")
        } else {
            text
        })
    };
    let all: Vec<(&String, String)> = ports.zip(step.made().chain(logs).map(path)).collect();
    match all.as_slice() {
        [(_, path)] => format!("output = {path}"),
        several => {
            let all: Vec<String> = several.iter().map(|(port, path)| format!("{port} = {path}")).collect();
            format!("outputs = {{ {} }}", all.join(", "))
        }
    }
}

/// What functions around paths become.
fn marks(step: &Step, told: &mut Vec<(usize, String)>) {
    let name = &step.name;
    for path in step.made().chain(step.read()) {
        for mark in &path.marks {
            let what = match *mark {
                "protected" => {
                    format!("`protected` of `{name}` is not translated: what somebody writes over an artifact is kept")
                }
                "ancient" => format!("`ancient` of `{name}` is not translated: inputs count by their content"),
                "report" => format!("`report` of `{name}` is not translated: `atsaf report` shows what is made"),
                "ensure" => format!("`ensure` of `{name}` is not translated: have the command check what it makes"),
                "config" => format!(
                    "a path of `{name}` has a value of the configuration as it is today: `{}`",
                    path.text
                ),
                _ => continue,
            };
            told.push((step.line, what));
        }
    }
}

/// Says which files of a rule no target makes.
fn tell_unmade(step: &Step, paths: &[&str], told: &mut Vec<(usize, String)>) {
    let Some(first) = paths.first() else { return };
    let more = match paths.len() {
        1 => "is".to_owned(),
        count => format!("and {} more are", count - 1),
    };
    told.push((
        step.line,
        format!(
            "`{first}` {more} not there, and made by no target: `{}` waits for it",
            step.name
        ),
    ));
}
