//! Values: `[params]`, a target's `with`, and what `-s` puts over them.

use std::cell::Cell;
use std::collections::HashMap;

use toml::de::{DeTable, DeValue};

use super::mistakes::Mistakes;
use super::sections;
use super::syntax::{self, TomlNode, Word, key_of, span_of};
use crate::engine::spec::schema::{self, Catalog};
use crate::engine::spec::{Origin, Param, Value};

/// Words that mean something else in a template.
const TAKEN: [&str; 7] = [
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
    /// The value as written.
    pub(super) node: &'t TomlNode<'t>,
    /// The value; `None` after a mistake that is already told.
    pub(super) value: Option<Value>,
    /// Where the value comes from.
    pub(super) origin: Origin,
    /// Whether a target or a path takes it.
    pub(super) is_read: Cell<bool>,
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
    /// `[params]`, in order.
    pub(super) list: Vec<Declared<'t>>,
    index: HashMap<&'t str, usize>,
    /// Values of parameters of built-in tasks that are set by `-s` without being declared; `None` after a mistake.
    pub(super) undeclared: HashMap<String, Option<Value>>,
}

impl<'t> Params<'t> {
    /// Reads `[params]`; a value is a table only where a parameter of a built-in task is one.
    pub(super) fn read(table: Option<&'t DeTable<'t>>, catalog: &Catalog, mistakes: &mut Mistakes) -> Self {
        let is_table = |param: &schema::ParamSchema| matches!(param.kind, schema::Kind::Table(_));
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
        params
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

    /// Finds a declared parameter, to change it.
    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Declared<'t>> {
        self.index.get(name).map(|at| &mut self.list[*at])
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
            node,
            value: Some(value),
            origin: Origin::Atsaffile(span_of(node)),
            is_read: Cell::new(false),
        }
    }

    /// Reads a value, which may be a table.
    fn read(name: Word<'t>, node: &'t TomlNode<'t>, may_be_table: bool, mistakes: &mut Mistakes) -> Self {
        Self {
            name,
            node,
            value: value(name.text, node, may_be_table, mistakes),
            origin: Origin::Atsaffile(span_of(node)),
            is_read: Cell::new(false),
        }
    }
}

/// The end of the variable under which a parameter reaches commands.
pub(super) fn variable(name: &str) -> String {
    name.to_uppercase().replace(['-', '.'], "_")
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

/// Reads the value of the parameter `name`; the entries of a table are no tables.
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
            let values: Vec<Option<Value>> = items.iter().map(|item| value(name, item, false, mistakes)).collect();
            values
                .into_iter()
                .collect::<Option<Vec<_>>>()
                .map(one_type)
                .map(Value::List)
        }
        DeValue::Table(entries) if may_be_table => {
            let entry = |(key, node)| {
                let key = key_of(key);
                (key.text.to_owned(), value(key.text, node, false, mistakes))
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
