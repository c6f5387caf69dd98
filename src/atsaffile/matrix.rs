//! `[matrix]`: the axes with their values, what is left out, and the parameters of single values.

mod files;

use std::collections::HashMap;

use toml::de::{DeTable, DeValue};

use self::files::FileValue;
pub(super) use self::files::{FileValues, questions, values as file_values};
use super::Overrides;
use super::mark::Mark;
use super::mistakes::Mistakes;
use super::params::{self, Declared, Params};
use super::sections::check_name;
use super::syntax::{self, TomlNode, Word, key_of, span_of};
use crate::engine::spec::{self, AxisSource, Span, Value};

/// Keys of `[matrix]` that are no axes.
pub(super) const KEYS: [&str; 2] = ["exclude", "with"];

/// Most bytes of a value: it is a part of names of files and directories.
const LONGEST: usize = 100;

/// All axes.
#[derive(Default)]
pub(super) struct Matrix<'m> {
    pub(super) axes: Vec<Axis<'m>>,
    pub(super) excluded: Vec<Excluded>,
}

/// An axis.
pub(super) struct Axis<'m> {
    pub(super) name: Word<'m>,
    pub(super) values: Vec<AxisValue<'m>>,
    source: AxisSource,
    by_text: HashMap<String, usize>,
    /// Whether a target has it in its `each`.
    pub(super) is_used: Mark,
}

/// A value of an axis.
pub(super) struct AxisValue<'m> {
    pub(super) text: String,
    /// The value itself under the axis's name, and what else is known of it.
    pub(super) params: Vec<Declared<'m>>,
    /// `[matrix.with.AXIS.VALUE]`.
    pub(super) with: Vec<Declared<'m>>,
}

/// An entry of `exclude`: axes and values, by their numbers.
pub(super) struct Excluded {
    pub(super) span: Span,
    pub(super) values: Vec<(usize, usize)>,
    /// Whether an instance was left out for it.
    pub(super) is_used: Mark,
}

impl<'m> Matrix<'m> {
    /// Reads `[matrix]`; `files` has the values that are on the disk.
    pub(super) fn read(table: Option<&'m DeTable<'m>>, files: &'m FileValues<'m>, mistakes: &mut Mistakes) -> Self {
        let mut matrix = Self::default();
        for (key, node) in table.into_iter().flatten() {
            let name = key_of(key);
            if KEYS.contains(&name.text) {
                continue;
            }
            check_name(name, "an axis", mistakes);
            params::check_taken(name, "an axis", mistakes);
            matrix.axes.push(Axis::read(name, node, files, mistakes));
        }
        matrix.axes.sort_by_key(|axis| axis.name.span.start);
        for (key, node) in table.into_iter().flatten() {
            match key_of(key).text {
                "exclude" => matrix.read_exclude(node, mistakes),
                "with" => matrix.read_with(node, mistakes),
                _ => {}
            }
        }
        matrix
    }

    /// The number of an axis.
    pub(super) fn axis(&self, name: &str) -> Option<usize> {
        self.axes.iter().position(|axis| axis.name.text == name)
    }

    fn known_axis(&self, name: Word<'_>, place: &str, mistakes: &mut Mistakes) -> Option<usize> {
        let found = self.axis(name.text);
        if found.is_none() {
            let names = self.axes.iter().map(|axis| axis.name.text);
            let what = format!("unknown axis `{}` in {place}", name.text);
            mistakes
                .unknown(Some(name.span), what, name.text, "axes", names)
                .or_help("an axis is declared in `[matrix]`: `name = [\"a value\"]`");
        }
        found
    }

    /// The axes of `each`, by their numbers.
    pub(super) fn each(&self, words: &[Word<'_>], mistakes: &mut Mistakes) -> Option<Vec<usize>> {
        let mut numbers = Vec::with_capacity(words.len());
        for word in words {
            let axis = self.known_axis(*word, "`each`", mistakes)?;
            if numbers.contains(&axis) {
                mistakes.error(word.span, format!("the axis `{}` is listed twice", word.text));
                return None;
            }
            self.axes[axis].is_used.set();
            numbers.push(axis);
        }
        Some(numbers)
    }

    /// Refuses a name that is a parameter as well: a hole with it would have two meanings.
    pub(super) fn check_params(&self, params: &Params<'_>, overrides: &Overrides, mistakes: &mut Mistakes) {
        for axis in &self.axes {
            let (name, name_span) = (axis.name.text, axis.name.span);
            let variable = params::variable(name);
            let like = params.own().iter().map(|param| param.name);
            let like = like.chain(self.axes.iter().map(|axis| axis.name));
            for other in like.filter(|other| other.text != name && params::variable(other.text) == variable) {
                mistakes
                    .error(
                        name_span,
                        format!("the axis `{name}` and `{}` differ too little", other.text),
                    )
                    .also(other.span, "the other")
                    .note(format!("both would reach a command as `$ATSAF_PARAM_{variable}`"))
                    .help("choose another name for one of them");
            }
            if let Some(param) = params.get(name) {
                mistakes
                    .error(param.name.span, format!("`{name}` is a parameter and an axis"))
                    .also(axis.name.span, "the axis")
                    .help("give one of them another name; a target on the axis has its value under that name");
            }
            if overrides.sets.iter().any(|(key, _)| key == name) {
                mistakes
                    .error(
                        axis.name.span,
                        format!("`-s {name}=…` sets an axis, whose values are in `[matrix]`"),
                    )
                    .help(format!(
                        "name the instance instead, as in `atsaf build TARGET@{}`",
                        axis.texts().next().unwrap_or("VALUE")
                    ));
            }
        }
    }

    /// Warns of values of the command line over which those of `[matrix.with]` count.
    pub(super) fn outweighs(&self, overrides: &Overrides, mistakes: &mut Mistakes) {
        for axis in &self.axes {
            for value in &axis.values {
                for own in &value.with {
                    if let Some((key, text)) = overrides.sets.iter().rfind(|(key, _)| key == own.name.text) {
                        mistakes
                            .warning(
                                own.span,
                                format!(
                                    "`-s {key}={text}` changes nothing for `{}` of the axis `{}`",
                                    value.text, axis.name.text
                                ),
                            )
                            .note("`[matrix.with]` sets a value for it alone, which counts before the project's")
                            .help("change it here, or remove it");
                    }
                }
            }
        }
    }

    fn read_exclude(&mut self, node: &'m TomlNode<'m>, mistakes: &mut Mistakes) {
        const WANTED: &str = "a list of tables from axes to values";
        let DeValue::Array(entries) = node.get_ref() else {
            syntax::expected(node, "exclude", WANTED, mistakes).help("write `exclude = [{ axis = \"value\" }]`");
            return;
        };
        for entry in entries {
            let DeValue::Table(table) = entry.get_ref() else {
                syntax::expected(entry, "exclude", WANTED, mistakes);
                continue;
            };
            let before = mistakes.len();
            let values: Vec<(usize, usize)> = table
                .iter()
                .filter_map(|(key, value)| self.excluded_value(key_of(key), value, mistakes))
                .collect();
            if table.is_empty() {
                mistakes.error(span_of(entry), "this entry of `exclude` names no axis");
            }
            // With a mistake in it, it would leave out more than it says.
            if mistakes.len() == before {
                self.excluded.push(Excluded {
                    span: span_of(entry),
                    values,
                    is_used: Mark::default(),
                });
            }
        }
    }

    fn excluded_value(&self, name: Word<'_>, node: &TomlNode<'_>, mistakes: &mut Mistakes) -> Option<(usize, usize)> {
        let axis = self.known_axis(name, "`exclude`", mistakes)?;
        let (value, _) = typed_value(self.axes[axis].name.text, node, mistakes)?;
        let number = self.axes[axis].number(&value);
        if number.is_none() {
            let texts = self.axes[axis].texts();
            let near = mistakes.nearest(&value, texts);
            mistakes
                .warning(
                    span_of(node),
                    format!("`exclude` leaves nothing out: `{}` has no value `{value}`", name.text),
                )
                .meant(near);
        }
        number.map(|number| (axis, number))
    }

    fn read_with(&mut self, node: &'m TomlNode<'m>, mistakes: &mut Mistakes) {
        for (key, node) in syntax::table(node, "with", mistakes).into_iter().flatten() {
            let name = key_of(key);
            let Some(axis) = self.known_axis(name, "`[matrix.with]`", mistakes) else {
                continue;
            };
            for (key, node) in syntax::table(node, name.text, mistakes).into_iter().flatten() {
                let value = key_of(key);
                let Some(number) = self.axes[axis].number(value.text) else {
                    self.axes[axis].unknown_value(value, mistakes);
                    continue;
                };
                let with = params::with(node, mistakes);
                for own in with.iter().filter(|own| self.axis(own.name.text).is_some()) {
                    mistakes.error(
                        own.name.span,
                        format!("`{}` is an axis, whose values are in `[matrix]`", own.name.text),
                    );
                }
                self.axes[axis].values[number].with = with;
            }
        }
    }
}

impl<'m> Axis<'m> {
    fn read(name: Word<'m>, node: &'m TomlNode<'m>, files: &'m FileValues<'m>, mistakes: &mut Mistakes) -> Self {
        let mut axis = Self {
            name,
            values: Vec::new(),
            source: AxisSource::Listed,
            by_text: HashMap::new(),
            is_used: Mark::default(),
        };
        match node.get_ref() {
            DeValue::Array(items) => {
                for item in items {
                    if let Some((text, value)) = typed_value(name.text, item, mistakes) {
                        axis.add(
                            text,
                            Declared::given(name, item, value),
                            Vec::new(),
                            span_of(item),
                            mistakes,
                        );
                    }
                }
                if items.is_empty() {
                    mistakes
                        .error(span_of(node), format!("the axis `{}` has no values", name.text))
                        .help("give it one, or remove it");
                }
            }
            DeValue::Table(_) => {
                let found = files.get(name.text);
                if let Some((source, _)) = found {
                    axis.source = source.clone();
                }
                for FileValue { value, fields } in found.into_iter().flat_map(|(_, values)| values) {
                    let own = Declared::given(name, node, Value::Text(value.clone()));
                    let fields = fields.iter().map(|(field, text)| {
                        let name = Word {
                            text: field,
                            span: name.span,
                        };
                        Declared::given(name, node, Value::Text(text.clone()))
                    });
                    axis.add(value.clone(), own, fields.collect(), span_of(node), mistakes);
                }
            }
            _ => {
                let wanted = "a list of values, or a table with `glob` or with `rows` and `key`";
                syntax::expected(node, name.text, wanted, mistakes);
            }
        }
        axis
    }

    fn add(&mut self, text: String, own: Declared<'m>, fields: Vec<Declared<'m>>, span: Span, mistakes: &mut Mistakes) {
        if let Some(problem) = problem(&text) {
            let shown = text.escape_debug();
            mistakes
                .error(
                    span,
                    format!(
                        "`{shown}` cannot be a value of the axis `{}`: it {problem}",
                        self.name.text
                    ),
                )
                .note("a value is a part of names, such as `train@TEX`, and of paths");
            return;
        }
        if let Some(first) = self.by_text.get(&text) {
            let first = self.values[*first].params[0].origin.span().unwrap_or(span);
            mistakes
                .error(
                    span,
                    format!("the value `{text}` of the axis `{}` is given twice", self.name.text),
                )
                .also(first, "first here");
            return;
        }
        self.by_text.insert(text.clone(), self.values.len());
        self.values.push(AxisValue {
            text,
            params: std::iter::once(own).chain(fields).collect(),
            with: Vec::new(),
        });
    }

    /// The number of a value.
    pub(super) fn number(&self, text: &str) -> Option<usize> {
        self.by_text.get(text).copied()
    }

    /// The texts of the values.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> + Clone {
        self.values.iter().map(|value| value.text.as_str())
    }

    /// Adds the error that a value does not exist; of what is on the disk it may just be gone.
    pub(super) fn unknown_value(&self, value: Word<'_>, mistakes: &mut Mistakes) {
        let what = format!("the axis `{}` has no value `{}`", self.name.text, value.text);
        if self.source == AxisSource::Listed {
            mistakes.unknown(Some(value.span), what, value.text, "values", self.texts());
        } else {
            mistakes.warning(value.span, what);
        }
    }

    /// The axis in the Spec.
    pub(super) fn to_spec(&self) -> spec::Axis {
        spec::Axis {
            name: self.name.text.to_owned(),
            values: self.texts().map(str::to_owned).collect(),
            source: self.source.clone(),
            span: self.name.span,
        }
    }
}

/// Reads a value: a text, a whole number, `true` or `false`; also gives it as text.
fn typed_value(axis: &str, node: &TomlNode<'_>, mistakes: &mut Mistakes) -> Option<(String, Value)> {
    let is_value = matches!(
        node.get_ref(),
        DeValue::String(_) | DeValue::Integer(_) | DeValue::Boolean(_)
    );
    if !is_value {
        let found = syntax::describe(node);
        let what = format!("a value of the axis `{axis}` is a text, a whole number, true or false; found {found}");
        mistakes.error(span_of(node), what);
        return None;
    }
    let value = params::value(axis, node, false, mistakes)?;
    Some((value.plain(), value))
}

/// Why a text can be no part of names and paths.
fn problem(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        Some("is empty")
    } else if text.contains([',', '/', '@', '*']) {
        Some("has a `,`, `/`, `@` or `*` in it")
    } else if text.contains(char::is_control) {
        Some("has a control character in it")
    } else if text.trim() != text {
        Some("begins or ends with white space")
    } else if matches!(text, "." | "..") {
        Some("is a directory's name for itself or the one above")
    } else if text.len() > LONGEST {
        Some("is longer than 100 bytes")
    } else {
        None
    }
}
