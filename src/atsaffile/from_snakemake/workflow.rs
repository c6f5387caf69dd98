//! The rules of a Snakefile with all that is known of them, and what it says beside.

use std::collections::BTreeMap;

use super::Disk;
use super::expressions::Known;
use super::patterns::Pattern;
use super::statements::{Argument, Keyword, Rule, Statement};
use super::step::{Slot, Step};
use super::tokens::Token;
use super::values::Value;
use crate::atsaffile::mistakes::Mistakes;
use crate::atsaffile::params_file;
use crate::atsaffile::path::normalise;
use crate::atsaffile::sections::is_name;

/// What the values of wildcards must be, as regular expressions.
type Constraints = BTreeMap<String, String>;

/// What a Snakefile holds.
pub(super) struct Workflow<'a> {
    pub(super) known: Known<'a>,
    pub(super) steps: Vec<Step>,
    pub(super) config_files: Vec<String>,
    /// What is told, with lines.
    pub(super) told: Vec<(usize, String)>,
    constraints: Constraints,
    /// What stands before each command.
    prefix: String,
    /// Why no command is known, if none is.
    shell_fault: Option<(usize, String)>,
}

/// Keywords of a rule of which nothing is lost.
const SILENT: [&str; 5] = ["input", "output", "params", "shell", "name"];

/// What keywords of a rule need in the place of a translation.
const TOLD: [(&str, &str); 13] = [
    (
        "benchmark",
        "is not translated: `atsaf log` and the report have the times of each run",
    ),
    (
        "conda",
        "is not translated: commands run with the programs that `PATH` has",
    ),
    (
        "container",
        "is not translated: commands run with the programs that `PATH` has",
    ),
    (
        "singularity",
        "is not translated: commands run with the programs that `PATH` has",
    ),
    (
        "envmodules",
        "is not translated: commands run with the programs that `PATH` has",
    ),
    (
        "priority",
        "is not translated: what has the longest way still behind it runs first",
    ),
    ("group", "is not translated: it is for clusters"),
    (
        "shadow",
        "is not translated: the command runs in the project's directory, and only its outputs go to a private one",
    ),
    ("cache", "is not translated: results are kept anyway"),
    ("localrule", "is not translated: it is for clusters"),
    ("handover", "is not translated"),
    ("retries", ""),
    ("default_target", ""),
];

/// Keywords that say by other means than a command what a rule does.
const ACTIONS: [(&str, &str); 6] = [
    (
        "run",
        "`run` is Python: make it a script of its own that a command runs",
    ),
    (
        "script",
        "`script` needs the object `snakemake`: have the script take its paths as arguments, and run it in a command",
    ),
    (
        "notebook",
        "`notebook` needs the object `snakemake`: `atsaf help notebook` has a way",
    ),
    (
        "wrapper",
        "`wrapper` fetches its command from elsewhere: write the command itself",
    ),
    ("cwl", "`cwl` is no command"),
    ("template_engine", "`template_engine` is no command"),
];

impl<'a> Workflow<'a> {
    pub(super) fn read(statements: Vec<Statement>, disk: &'a dyn Disk) -> Self {
        let mut workflow = Self {
            known: Known {
                disk,
                names: BTreeMap::new(),
                config: Err("no `configfile` is named above it".to_owned()),
                rules: BTreeMap::new(),
                open: Vec::new(),
                closed: Vec::new(),
                is_from_config: false,
            },
            steps: Vec::new(),
            config_files: Vec::new(),
            told: Vec::new(),
            constraints: Constraints::new(),
            prefix: String::new(),
            shell_fault: None,
        };
        for statement in statements {
            match statement {
                Statement::Rule(rule) => workflow.rule(&rule),
                Statement::Keyword(keyword) => workflow.keyword(&keyword),
                Statement::Assignment {
                    names,
                    is_tuple,
                    value,
                    line,
                } => workflow.assign(&names, is_tuple, &value, line),
                Statement::Python { tokens, line } => workflow.python(&tokens, line),
            }
        }
        workflow
    }

    fn tell(&mut self, line: usize, what: impl Into<String>) {
        self.told.push((line, what.into()));
    }

    fn assign(&mut self, names: &[String], is_tuple: bool, tokens: &[Token], line: usize) {
        let value = self
            .known
            .value(tokens)
            .map_err(|why| format!("line {line}, which says what it is, is no plain value: {why}"));
        if value.is_err() {
            // A function that is called, or made, may change lists that it mentions.
            self.forget_lists(tokens, line);
        }
        if !is_tuple {
            for name in names {
                self.known.names.insert(name.clone(), value.clone());
            }
            return;
        }
        let items = value.and_then(|value| value.items());
        for (at, name) in names.iter().enumerate() {
            let own = items.clone().and_then(|items| match items.len() == names.len() {
                true => Ok(items[at].clone()),
                false => Err(format!("line {line} gives other than {} values", names.len())),
            });
            self.known.names.insert(name.clone(), own);
        }
    }

    /// Python that is not run: what it may change is not known any more.
    fn python(&mut self, tokens: &[Token], line: usize) {
        const ANYTHING: [&str; 6] = ["exec", "eval", "setattr", "globals", "vars", "__import__"];
        if tokens.iter().any(|token| ANYTHING.iter().any(|name| token.is(name))) {
            self.forget(|_| true, line);
            self.known.config = Err(format!("the Python of line {line} may have changed `config`"));
        }
        let is_alone = !tokens.iter().any(|token| token.is(";"));
        if is_alone && (tokens[0].is("import") || tokens[0].is("from")) {
            if tokens.iter().any(|token| token.is("*")) {
                self.forget(|_| true, line);
            }
            return;
        }
        let after = |at: usize, sign: &str| tokens.get(at + 1).is_some_and(|token| token.is(sign));
        if tokens[0].is("shell") {
            return self.shell_settings(tokens, line);
        }
        let is_function = tokens[0].is("def");
        let mentioned = |name: &str| {
            let at = |(at, token): (usize, &Token)| (token.is_name() && token.text == name).then_some(at);
            let places: Vec<usize> = tokens.iter().enumerate().filter_map(at).collect();
            let is_set = tokens.windows(2).any(|pair| pair[0].is("]") && pair[1].is("="));
            let may_change =
                |at: &usize| [".", "+=", "="].iter().any(|sign| after(*at, sign)) || (is_set && after(*at, "["));
            match is_function {
                true => places.iter().any(may_change),
                false => !places.is_empty(),
            }
        };
        if !is_function {
            self.forget_lists(tokens, line);
        }
        self.forget(mentioned, line);
        let names = tokens
            .iter()
            .enumerate()
            .filter(|(at, token)| token.is_name() && !after(*at, "("));
        for (_, token) in names.filter(|_| !is_function) {
            let unknown = || Err(format!("the Python of line {line} may have changed `{}`", token.text));
            if token.text != "config" && token.text != "rules" {
                self.known.names.entry(token.text.clone()).or_insert_with(unknown);
            }
        }
        if is_function {
            let name = tokens.get(1).map_or("", |token| token.text.as_str());
            let why = format!("`{name}` is a function (line {line})");
            self.known.names.insert(name.to_owned(), Err(why));
        }
        let changes_config = tokens.iter().enumerate().any(|(at, token)| {
            let is_call = after(at, ".") && !tokens.get(at + 2).is_some_and(|next| next.is("get"));
            let is_given = after(at, ",") || after(at, ")");
            let is_set = tokens[at..].windows(2).any(|pair| pair[0].is("]") && pair[1].is("="));
            token.is("config") && (is_call || is_given || is_set)
        });
        if changes_config {
            self.known.config = Err(format!("the Python of line {line} may have changed `config`"));
        }
        let has_rules = tokens.windows(2).any(|pair| pair[0].is("rule") && pair[1].is_name());
        self.tell(
            line,
            match (has_rules, is_function) {
                (true, _) => format!(
                    "the rules that `{}` makes are not translated: which there are, Python decides",
                    tokens[0].text
                ),
                (_, true) => return,
                _ => "this is Python, and is not run: see whether anything depends on it".to_owned(),
            },
        );
    }

    /// Forgets the lists and tables that some tokens mention, and others with the same items: they may be the same one.
    fn forget_lists(&mut self, tokens: &[Token], line: usize) {
        let items = |value: &Result<Value, String>| match value {
            Ok(value) if matches!(value.bare(), Value::List(_) | Value::Table(_)) => {
                Some(format!("{:?}", value.bare()))
            }
            _ => None,
        };
        let names = &self.known.names;
        let mentioned = tokens.iter().filter(|token| token.is_name());
        let values: Vec<&Result<Value, String>> = mentioned.filter_map(|token| names.get(&token.text)).collect();
        let lists: Vec<String> = values.iter().filter_map(|value| items(value)).collect();
        let is_of_config = values
            .iter()
            .any(|value| matches!(value, Ok(Value::Config(..))) && items(value).is_some());
        let same = names
            .iter()
            .filter(|(_, value)| items(value).is_some_and(|own| lists.contains(&own)));
        let same: Vec<String> = same.map(|(name, _)| name.clone()).collect();
        if is_of_config {
            self.known.config = Err(format!("the Python of line {line} may have changed `config`"));
        }
        self.forget(|name| same.iter().any(|known| known == name), line);
    }

    fn forget(&mut self, is_changed: impl Fn(&str) -> bool, line: usize) {
        for (name, value) in &mut self.known.names {
            if is_changed(name) {
                *value = Err(format!("the Python of line {line} may have changed `{name}`"));
            }
        }
    }

    /// `shell.prefix(…)` and `shell.executable(…)`.
    fn shell_settings(&mut self, tokens: &[Token], line: usize) {
        let given = super::statements::arguments(tokens.get(4..tokens.len() - 1).unwrap_or_default());
        let text = match given.as_slice() {
            [only] => self.known.value(&only.tokens).and_then(|value| value.in_text()).ok(),
            _ => None,
        };
        match (tokens.get(2).map(|token| token.text.as_str()), text) {
            (Some("prefix"), Some(text)) => self.prefix = text,
            (Some("executable"), Some(shell)) if shell == "bash" || shell.ends_with("/bash") => {}
            _ => self.shell_fault = Some((line, format!("line {line} says how commands run"))),
        }
    }

    fn keyword(&mut self, keyword: &Keyword) {
        let line = keyword.line;
        let name = keyword.name.as_str();
        match name {
            "localrules" => {}
            "configfile" => self.config_file(keyword),
            "wildcard_constraints" => {
                for argument in &keyword.arguments {
                    let text = self.known.value(&argument.tokens).and_then(|value| value.in_text());
                    match (argument.name.clone(), text) {
                        (Some(name), Ok(text)) => drop(self.constraints.insert(name, text)),
                        // A constraint that no pattern can be read with: no rule with this wildcard is guessed.
                        (Some(name), Err(_)) => drop(self.constraints.insert(name, "(?unknown".to_owned())),
                        (None, _) => {}
                    }
                }
            }
            "ruleorder" => self.tell(line, "`ruleorder` is not translated: no two targets can make one file"),
            "include" | "module" | "use" => {
                self.tell(line, format!("`{name}` is not followed: what stands there is not translated"));
                self.known.config = Err(format!("`{name}` in line {line} may have changed `config`"));
                self.forget(|_| true, line);
            }
            "workdir" => self.tell(
                line,
                "`workdir` is not translated: all paths count from the directory of the Atsaffile, so put it into that one",
            ),
            "envvars" => self.tell(
                line,
                "`envvars` is not translated: name the variables in `env` of the targets that read them, or as `[secrets]`",
            ),
            _ => {
                self.tell(line, format!("`{name}` is not translated"));
                // It may as well be a name with its type.
                self.forget(|known| known == name, line);
            }
        }
    }

    fn config_file(&mut self, keyword: &Keyword) {
        let path = match keyword.arguments.as_slice() {
            [only] => self.known.value(&only.tokens).and_then(|value| value.in_text()),
            _ => Err("it is not one text".to_owned()),
        };
        let read = path.and_then(|path| {
            let path = normalise(&path);
            let text = self.known.disk.read(&path)?;
            let mut mistakes = Mistakes::default();
            let entries = params_file::of_name(&path, &text, &mut mistakes)
                .ok_or_else(|| format!("`{path}` is neither YAML nor JSON"))?;
            match mistakes.has_errors() {
                true => Err(format!("`{path}` cannot be read")),
                false => Ok((path, entries)),
            }
        });
        let before = self.config_files.len();
        self.known.config = match read {
            Ok(_) if before > 0 => Err("there are several files of configuration".to_owned()),
            Ok((path, entries)) => {
                self.config_files.push(path);
                Ok(entries
                    .iter()
                    .map(|(key, node)| (key.text.clone(), Value::of(node)))
                    .collect())
            }
            Err(why) => Err(format!("the configuration is not known: {why}")),
        };
        if let Err(why) = &self.known.config {
            let why = why.clone();
            self.tell(keyword.line, why);
        }
    }

    fn rule(&mut self, rule: &Rule) {
        let mut step = Step {
            name: rule.name.clone(),
            line: rule.line,
            comments: rule.comments.clone(),
            desc: None,
            inputs: None,
            outputs: None,
            logs: None,
            patterns: Vec::new(),
            params: Vec::new(),
            resources: Vec::new(),
            shell: None,
            threads: None,
            memory: None,
            retries: None,
            is_default: false,
            fault: rule.fault.clone(),
        };
        if rule.is_checkpoint {
            step.fail(
                rule.line,
                "a checkpoint finds out what follows it: `atsaf help from-snakemake` has a way",
            );
        }
        if !is_name(&rule.name) {
            step.fail(rule.line, "its name has other letters than `A` to `Z` and `a` to `z`");
        }
        step.outputs = self.slots(rule, "output", &mut step);
        step.inputs = self.slots(rule, "input", &mut step);
        step.logs = self.slots(rule, "log", &mut step);
        self.patterns(rule, &mut step);
        let named = |slots: &Option<Vec<Slot>>| match slots {
            Some(slots) => Ok(Value::Paths(slots.iter().map(Slot::as_value).collect())),
            None => Err(format!("what the rule `{}` names is not known", rule.name)),
        };
        for (part, slots) in [("input", &step.inputs), ("output", &step.outputs)] {
            self.known.rules.insert(format!("{}.{part}", rule.name), named(slots));
        }
        for keyword in &rule.keywords {
            self.rule_keyword(keyword, &mut step);
        }
        self.description(rule, &mut step);
        self.steps.push(step);
    }

    fn slots(&mut self, rule: &Rule, of: &str, step: &mut Step) -> Option<Vec<Slot>> {
        let Some(keyword) = rule.keyword(of) else {
            return Some(Vec::new());
        };
        let mut slots = Vec::new();
        for argument in &keyword.arguments {
            let paths = match argument.tokens.first().is_some_and(|token| token.is("*")) {
                true => Err("`*` makes it Python".to_owned()),
                false => self.known.value(&argument.tokens).and_then(|value| value.paths()),
            };
            match paths {
                Ok(mut paths) => {
                    for path in &mut paths {
                        path.text = normalise(&path.text);
                    }
                    slots.push(Slot {
                        name: argument.name.clone(),
                        paths,
                    });
                }
                Err(why) => {
                    let line = argument.tokens.first().map_or(keyword.line, |token| token.line);
                    if of != "log" {
                        step.fail(line, format!("its `{of}` is not known: {why}"));
                    }
                    return None;
                }
            }
        }
        // Those with names come last, as arguments of a call do.
        slots.sort_by_key(|slot| slot.name.is_some());
        Some(slots)
    }

    /// The patterns of the outputs, which have the same wildcards.
    fn patterns(&mut self, rule: &Rule, step: &mut Step) {
        let mut constraints = self.constraints.clone();
        for argument in rule
            .keyword("wildcard_constraints")
            .iter()
            .flat_map(|keyword| &keyword.arguments)
        {
            if let (Some(name), Ok(text)) = (
                argument.name.clone(),
                self.known.value(&argument.tokens).and_then(|value| value.in_text()),
            ) {
                constraints.insert(name, text);
            }
        }
        let line = rule.keyword("output").map_or(rule.line, |keyword| keyword.line);
        let read: Result<Vec<Pattern>, String> = step
            .made()
            .map(|path| Pattern::read(&path.text, &constraints))
            .collect();
        match read {
            Ok(patterns) => {
                let paths = step.outputs.iter_mut().flatten().flat_map(|slot| &mut slot.paths);
                for (path, pattern) in paths.zip(&patterns) {
                    // Without the constraints.
                    path.text = pattern.with(&|name| format!("{{{name}}}"));
                }
                step.patterns = patterns;
            }
            Err(why) => step.fail(line, why),
        }
        let sorted = |pattern: &Pattern| {
            let mut names = pattern.wildcards();
            names.sort();
            names
        };
        if step
            .patterns
            .windows(2)
            .any(|pair| sorted(&pair[0]) != sorted(&pair[1]))
        {
            step.fail(line, "its outputs have different wildcards");
        }
    }

    fn rule_keyword(&mut self, keyword: &Keyword, step: &mut Step) {
        let line = keyword.line;
        let name = step.name.clone();
        if let Some((_, why)) = ACTIONS.iter().find(|(action, _)| *action == keyword.name) {
            step.fail(line, *why);
        }
        let value = |workflow: &mut Self| match keyword.arguments.as_slice() {
            [only] => workflow.known.value(&only.tokens),
            _ => Err("it is not one value".to_owned()),
        };
        let number = |value: &Result<Value, String>| value.as_ref().ok()?.in_text().ok()?.parse::<u64>().ok();
        match keyword.name.as_str() {
            "shell" => match value(self).and_then(|value| value.in_text()) {
                Ok(text) => step.shell = Some((line, format!("{}{text}", self.prefix))),
                Err(why) => step.fail(line, format!("its command is not known: {why}")),
            },
            "params" => {
                for Argument { name, tokens } in &keyword.arguments {
                    step.params.push((name.clone(), self.known.value(tokens)));
                }
            }
            "threads" => match number(&value(self)) {
                Some(threads) => step.threads = Some(threads),
                None => self.tell(
                    line,
                    format!("`threads` of `{name}` is no number that is written: it counts as one"),
                ),
            },
            "retries" => step.retries = number(&value(self)),
            "resources" => {
                for Argument { name: resource, tokens } in &keyword.arguments {
                    let value = self.known.value(tokens);
                    self.resource(resource.as_deref().unwrap_or_default(), &value, line, step);
                    step.resources.push((resource.clone().unwrap_or_default(), value));
                }
            }
            "default_target" => step.is_default = true,
            "log" | "message" | "wildcard_constraints" => {}
            known if SILENT.contains(&known) || ACTIONS.iter().any(|(action, _)| *action == known) => {}
            other => {
                let what = TOLD
                    .iter()
                    .find(|(keyword, _)| *keyword == other)
                    .map_or("is not translated", |(_, what)| what);
                self.tell(line, format!("`{other}` of `{name}` {what}"));
            }
        }
        if keyword.name == "shell"
            && let Some((line, why)) = &self.shell_fault
        {
            step.fail(*line, why.clone());
        }
    }

    fn resource(&mut self, resource: &str, value: &Result<Value, String>, line: usize, step: &mut Step) {
        let text = value.as_ref().ok().and_then(|value| value.in_text().ok());
        let size = text.filter(|text| text.starts_with(|c: char| c.is_ascii_digit()));
        step.memory = match (resource, size) {
            ("mem_mb", Some(size)) => Some(format!("{size}MB")),
            ("mem_gb", Some(size)) => Some(format!("{size}GB")),
            ("mem", Some(size)) => Some(size.replace(' ', "")),
            _ => {
                let name = step.name.clone();
                let help = match resource {
                    "runtime" => ": `timeout` of a target limits an attempt",
                    _ => "",
                };
                return self.tell(
                    line,
                    format!("`{resource}` in `resources` of `{name}` is not translated{help}"),
                );
            }
        };
    }

    /// One line about the target, of what the rule says to people.
    fn description(&mut self, rule: &Rule, step: &mut Step) {
        let message = rule.keyword("message").map(|keyword| {
            let text = keyword
                .arguments
                .first()
                .map(|argument| self.known.value(&argument.tokens));
            (
                keyword.line,
                text.and_then(Result::ok).and_then(|value| value.in_text().ok()),
            )
        });
        let doc = rule
            .doc
            .as_ref()
            .and_then(|doc| doc.trim().lines().next())
            .map(str::to_owned);
        let first = |text: String| text.trim().lines().next().map(str::to_owned);
        step.desc = match message {
            Some((_, Some(text))) if !text.contains('{') => first(text),
            Some((line, _)) => {
                self.tell(line, format!("`message` of `{}` is not translated", step.name));
                doc
            }
            None => doc,
        };
    }
}
