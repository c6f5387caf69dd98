//! Values: `[params]`, a target's `with`, and what `-s` puts over them.

use std::collections::HashMap;

use toml::de::{DeTable, DeValue};

use super::mark::Mark;
use super::mistakes::Mistakes;
use super::params_file::{FileParam, FileParams};
use super::sections;
use super::syntax::{self, TomlNode, Word, key_of, span_of};
use crate::engine::spec::schema::{self, Catalog};
use crate::engine::spec::{Origin, Param, Span, Value};

/// Words that mean something else in a template.
pub(super) const TAKEN: [&str; 7] = [
    "depfile",
    "input",
    "inputs",
    "inputs_file",
    "output",
    "outputs",
    "params_file",
];

/// A value with a name.
#[derive(Clone)]
pub(super) struct Declared<'t> {
    pub(super) name: Word<'t>,
    /// The value as written in the Atsaffile; none of a parameter file.
    pub(super) node: Option<&'t TomlNode<'t>>,
    /// Where the value is written; of a parameter file, where its key is.
    pub(super) span: Span,
    /// The value; `None` after a mistake that is already told.
    pub(super) value: Option<Value>,
    /// Where the value comes from.
    pub(super) origin: Origin,
    /// Whether a target or a path takes it.
    pub(super) is_read: Mark,
}

impl Declared<'_> {
    /// The value under its name.
    pub(super) fn param(&self) -> Option<Param> {
        self.value.as_ref().map(|value| Param {
            name: self.name.text.to_owned(),
            value: value.clone(),
            origin: self.origin,
        })
    }
}

/// The values that every target can see.
#[derive(Default)]
pub(super) struct Params<'t> {
    /// `[params]`, in order, and behind them what parameter files have.
    list: Vec<Declared<'t>>,
    /// How many are of `[params]`.
    own: usize,
    index: HashMap<&'t str, usize>,
    /// Whether some may be missing after a mistake that is told.
    pub(super) is_broken: bool,
    /// Values of parameters of built-in tasks that are set by `-s` without being declared; `None` after a mistake.
    pub(super) undeclared: HashMap<String, Option<Value>>,
}

impl<'t> Params<'t> {
    /// Reads `[params]`, in which a value is a table only where a parameter of a built-in task is one, and adds those of
    /// the parameter files.
    pub(super) fn read(
        table: Option<&'t DeTable<'t>>,
        files: &'t FileParams,
        catalog: &Catalog,
        mistakes: &mut Mistakes,
    ) -> Self {
        let is_table = |param: &schema::ParamSchema| param.kind.has_tables();
        let may_be_table = |name: &str| catalog.values().any(|task| task.param(name).is_some_and(is_table));
        let mut params = Self::default();
        for (key, node) in table.into_iter().flatten() {
            let name = key_of(key);
            sections::check_name(name, "a parameter", mistakes);
            check_taken(name, "a parameter", mistakes);
            params.index.insert(name.text, params.list.len());
            params
                .list
                .push(Declared::read(name, node, may_be_table(name.text), mistakes));
        }
        params.list.sort_by_key(|param| param.name.span.start);
        for (at, param) in params.list.iter().enumerate() {
            params.index.insert(param.name.text, at);
        }
        params.check_variables(mistakes);
        params.own = params.list.len();
        params.add_files(files, mistakes);
        params
    }

    /// Adds what parameter files have; what is at the top of one is given once, in all of them and `[params]`.
    fn add_files(&mut self, files: &'t FileParams, mistakes: &mut Mistakes) {
        self.is_broken = files.is_broken;
        let mut refused = None;
        for param in &files.params {
            let top = param.name.split('.').next().unwrap_or_default();
            let is_top = top == param.name;
            if let Some(first) = self.get(&param.name).filter(|_| is_top) {
                let first = first.name.span;
                mistakes
                    .error(param.span, format!("the parameter `{}` is given twice", param.name))
                    .also(first, "first here")
                    .help("a name stands in one place: in `[params]` or in one parameter file; rename one of them");
                refused = Some(top);
            }
            if refused == Some(top) {
                continue;
            }
            refused = None;
            self.index.insert(&param.name, self.list.len());
            self.list.push(Declared::of_file(param));
        }
    }

    /// Those of `[params]`, in order.
    pub(super) fn own(&self) -> &[Declared<'t>] {
        &self.list[..self.own]
    }

    /// Those of parameter files.
    pub(super) fn of_files(&self) -> &[Declared<'t>] {
        &self.list[self.own..]
    }

    /// Whether a parameter has others in it: a table of a parameter file.
    pub(super) fn has_entries(&self, name: &str) -> bool {
        let next = self.index.get(name).and_then(|at| self.list.get(at + 1));
        let below = next.and_then(|next| next.name.text.strip_prefix(name));
        below.is_some_and(|below| below.starts_with('.'))
    }

    /// Whether something reads a table that a parameter stands in.
    pub(super) fn is_read_with(&self, name: &str) -> bool {
        let mut ends = name.match_indices('.').map(|(at, _)| &name[..at]);
        ends.any(|above| self.get(above).is_some_and(|above| above.is_read.is_set()))
    }

    /// Sets the value of a declared parameter from the command line, also in the tables that it stands in.
    pub(super) fn set(&mut self, name: &str, value: &Value) {
        let ends = name.match_indices('.').map(|(at, _)| at).chain([name.len()]);
        for end in ends {
            let Some(at) = self.index.get(&name[..end]) else {
                continue;
            };
            let declared = &mut self.list[*at];
            declared.origin = Origin::CommandLine(Some(declared.span));
            match declared.value.as_mut() {
                Some(whole) if end < name.len() => {
                    put(whole, &name[end + 1..], value);
                }
                _ if end == name.len() => declared.value = Some(value.clone()),
                _ => {}
            }
        }
    }

    /// Tells the values of parameter files that something reads and that can be none.
    pub(super) fn report_unfit(&self, files: &FileParams, mistakes: &mut Mistakes) {
        let unfit = files
            .params
            .iter()
            .filter_map(|param| param.value.as_ref().err().map(|what| (param, what)));
        for (param, what) in unfit {
            let declared = self.get(&param.name);
            if declared.is_some_and(|declared| declared.is_read.is_set() && declared.value.is_none()) {
                mistakes
                    .error(param.span, format!("the value of `{}` can be no parameter", param.name))
                    .note(format!("it is, or has in it, {what}"))
                    .help("change it, or let a target that reads the file itself name the file in `inputs`");
            }
        }
    }

    /// Checks that no two parameters reach commands as one environment variable.
    fn check_variables(&self, mistakes: &mut Mistakes) {
        let mut taken: HashMap<String, Word<'t>> = HashMap::new();
        for param in &self.list {
            let variable = variable(param.name.text);
            if let Some(first) = taken.get(&variable) {
                let what = format!(
                    "the parameters `{}` and `{}` differ too little",
                    first.text, param.name.text
                );
                mistakes
                    .error(param.name.span, what)
                    .also(first.span, "first here")
                    .note(format!("both would reach a command as `$ATSAF_PARAM_{variable}`"))
                    .help("choose another name for one of them");
            } else {
                taken.insert(variable, param.name);
            }
        }
    }

    /// Finds a declared parameter.
    pub(super) fn get(&self, name: &str) -> Option<&Declared<'t>> {
        self.index.get(name).map(|at| &self.list[*at])
    }

    /// All declared names.
    pub(super) fn names(&self) -> impl Iterator<Item = &'t str> + Clone {
        self.list.iter().map(|param| param.name.text)
    }
}

impl<'t> Declared<'t> {
    /// A value that is known, and the node that gives it.
    pub(super) fn given(name: Word<'t>, node: &'t TomlNode<'t>, value: Value) -> Self {
        Self {
            name,
            node: Some(node),
            span: span_of(node),
            value: Some(value),
            origin: Origin::Atsaffile(span_of(node)),
            is_read: Mark::default(),
        }
    }

    /// Reads a value, which may be a table.
    fn read(name: Word<'t>, node: &'t TomlNode<'t>, may_be_table: bool, mistakes: &mut Mistakes) -> Self {
        Self {
            name,
            node: Some(node),
            span: span_of(node),
            value: value(name.text, node, may_be_table, mistakes),
            origin: Origin::Atsaffile(span_of(node)),
            is_read: Mark::default(),
        }
    }

    /// What a parameter file has.
    fn of_file(param: &'t FileParam) -> Self {
        let FileParam { name, span, value } = param;
        Self {
            name: Word {
                text: name,
                span: *span,
            },
            node: None,
            span: *span,
            value: value.as_ref().ok().cloned(),
            origin: Origin::Atsaffile(*span),
            is_read: Mark::default(),
        }
    }
}

/// Puts a value into a table of tables.
fn put(table: &mut Value, name: &str, value: &Value) {
    let (first, rest) = name
        .split_once('.')
        .map_or((name, None), |(first, rest)| (first, Some(rest)));
    let Value::Table(entries) = table else { return };
    match (entries.get_mut(first), rest) {
        (Some(entry), Some(rest)) => put(entry, rest, value),
        (Some(entry), None) => *entry = value.clone(),
        (None, _) => {}
    }
}

/// The end of the variable under which a parameter reaches commands.
pub(super) fn variable(name: &str) -> String {
    Param::variable_of(name)
}

/// Refuses a name that means something else in a template.
pub(super) fn check_taken(name: Word<'_>, of: &str, mistakes: &mut Mistakes) {
    if TAKEN.contains(&name.text) {
        mistakes
            .error(name.span, format!("`{}` cannot be the name of {of}", name.text))
            .note("in a template, `{{inputs}}`, `{{input.name}}`, `{{inputs_file}}`, `{{output}}`, `{{output.name}}`, `{{params_file}}` and `{{depfile}}` are paths")
            .help("choose another name");
    }
}

/// Reads the value of the parameter `name`; where it may be a table, so may the entries.
pub(super) fn value(name: &str, node: &TomlNode<'_>, may_be_table: bool, mistakes: &mut Mistakes) -> Option<Value> {
    match node.get_ref() {
        DeValue::Boolean(value) => Some(Value::Bool(*value)),
        DeValue::String(text) => Some(Value::Text(text.clone().into_owned())),
        DeValue::Datetime(date) => Some(Value::Date(date.to_string())),
        DeValue::Integer(number) => {
            let value = i64::from_str_radix(number.as_str(), number.radix()).ok();
            if value.is_none() {
                mistakes
                    .error(
                        span_of(node),
                        format!("the value of `{name}` is too large for an integer"),
                    )
                    .note(format!("integers go from {} to {}", i64::MIN, i64::MAX));
            }
            value.map(Value::Int)
        }
        DeValue::Float(number) => {
            let value = number.as_str().parse::<f64>().ok().filter(|value| value.is_finite());
            if value.is_none() {
                mistakes
                    .error(
                        span_of(node),
                        format!("the value of `{name}` must be a finite number, found {number}"),
                    )
                    .help("say it as a string if it is meant as a word");
            }
            value.map(Value::Float)
        }
        DeValue::Array(items) => {
            // Every item is read, so that every mistake is told.
            let values: Vec<Option<Value>> = items
                .iter()
                .map(|item| value(name, item, may_be_table, mistakes))
                .collect();
            values
                .into_iter()
                .collect::<Option<Vec<_>>>()
                .map(one_type)
                .map(Value::List)
        }
        DeValue::Table(entries) if may_be_table => {
            let entry = |(key, node)| {
                let key = key_of(key);
                (key.text.to_owned(), value(key.text, node, may_be_table, mistakes))
            };
            let values: Vec<(String, Option<Value>)> = entries.into_iter().map(entry).collect();
            let whole = values.into_iter().map(|(name, value)| Some((name, value?)));
            whole.collect::<Option<_>>().map(Value::Table)
        }
        DeValue::Table(_) => {
            mistakes
                .error(span_of(node), format!("the value of `{name}` is a table"))
                .note("a parameter is a bool, a number, a string, a date, or a list of these")
                .help("declare one parameter for each entry");
            None
        }
    }
}

/// The items of a list, in which whole numbers beside others are numbers as these are.
fn one_type(mut items: Vec<Value>) -> Vec<Value> {
    let is_number = |item: &Value| matches!(item, Value::Int(_) | Value::Float(_));
    if items.iter().all(is_number) && items.iter().any(|item| matches!(item, Value::Float(_))) {
        for item in &mut items {
            if let Value::Int(number) = *item {
                #[expect(clippy::cast_precision_loss, reason = "parameters are far below 2^53")]
                let number = number as f64;
                *item = Value::Float(number);
            }
        }
    }
    items
}

/// Reads a text as TOML writes a value.
pub(super) fn value_of_text(text: &str) -> Option<Value> {
    let node = DeValue::parse(text).ok()?;
    value("", &node, true, &mut Mistakes::default())
}

/// Reads the table of values for one target.
pub(super) fn with<'t>(node: &'t TomlNode<'t>, mistakes: &mut Mistakes) -> Vec<Declared<'t>> {
    syntax::table(node, "with", mistakes)
        .into_iter()
        .flatten()
        .map(|(key, node)| Declared::read(key_of(key), node, true, mistakes))
        .collect()
}
