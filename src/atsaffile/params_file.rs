//! Parameter files, which `params_files` of `[project]` names: from their texts to parameters with dotted names.
//!
//! Each format has a reader of its own, which gives one tree; a value is what the format's usual reader would see. What
//! no parameter can be, such as a number that is infinite, is an error only where something reads it.

mod json;
mod toml;
mod yaml;
mod yaml_scalar;

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::asked::{FileAnswers, FoundParamsFile};
use super::mistakes::Mistakes;
use super::path;
use super::syntax::Word;
use crate::engine::spec::{ParamsFile, Span, Text, Value};

/// How deep tables and lists may stand in each other.
const DEEPEST: usize = 32;

/// Most values of a file, those that YAML repeats by an alias counted each time.
const MOST: usize = 50_000;

/// All parameter files.
#[derive(Default)]
pub(super) struct FileParams {
    /// As many as are named, in that order; one that cannot be read is empty.
    pub(super) files: Vec<ParamsFile>,
    /// What stands in them, a table before its entries.
    pub(super) params: Vec<FileParam>,
    /// Whether one of them could not be read, so that nothing is concluded from what is not there.
    pub(super) is_broken: bool,
}

/// One key of a parameter file with what stands under it.
pub(super) struct FileParam {
    /// The keys that lead to it, with dots between them.
    pub(super) name: String,
    /// Where the key is written.
    pub(super) span: Span,
    /// What it is; else why it can be no parameter.
    pub(super) value: Result<Value, String>,
}

/// A key as it is written.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) text: String,
    /// In the file's own text.
    span: Span,
}

/// What stands under a key.
#[derive(Clone)]
pub(super) enum Node {
    Value(Value),
    List(Vec<Node>),
    Table(Vec<(Key, Node)>),
    /// What no parameter can be: what it is.
    Unfit(String),
}

impl Node {
    pub(super) fn value(&self) -> Result<Value, String> {
        match self {
            Self::Value(value) => Ok(value.clone()),
            Self::List(items) => items.iter().map(Self::value).collect::<Result<_, _>>().map(Value::List),
            Self::Table(entries) => {
                let entry = |(key, node): &(Key, Self)| Ok((key.text.clone(), node.value()?));
                entries
                    .iter()
                    .map(entry)
                    .collect::<Result<_, String>>()
                    .map(Value::Table)
            }
            Self::Unfit(what) => Err(what.clone()),
        }
    }

    fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        match text.contains('\0') {
            true => Self::Unfit("a text with a NUL character".to_owned()),
            false => Self::Value(Value::Text(text)),
        }
    }

    fn float(number: f64) -> Self {
        match number.is_finite() {
            true => Self::Value(Value::Float(number)),
            false => Self::Unfit("no finite number".to_owned()),
        }
    }

    fn too_large() -> Self {
        Self::Unfit("too large for an integer of 64 bits".to_owned())
    }
}

/// A reader of one format.
type Reader = fn(&str, &mut Mistakes) -> Vec<(Key, Node)>;

/// The endings of names, and what reads such files.
const FORMATS: [(&str, Reader); 4] = [
    (".yaml", yaml::read),
    (".yml", yaml::read),
    (".toml", toml::read),
    (".json", json::read),
];

/// Reads all parameter files; `text` has theirs.
pub(super) fn read(names: &[Word<'_>], found: &FileAnswers, text: &Text, mistakes: &mut Mistakes) -> FileParams {
    let mut all = FileParams::default();
    let before = mistakes.len();
    let mut seen: BTreeMap<String, Span> = BTreeMap::new();
    for (at, name) in names.iter().enumerate() {
        let path = path::normalise(name.text);
        let file = found.params_files.get(at);
        let bytes = file.and_then(|file| file.bytes.as_deref().ok()).unwrap_or_default();
        all.files.push(ParamsFile::of(&path, bytes, name.span));
        if let Some(first) = seen.insert(path.clone(), name.span) {
            let what = format!("the parameter file `{path}` is named twice");
            mistakes.error(name.span, what).also(first, "first here");
            continue;
        }
        let Some(read) = reader(*name, &path, mistakes) else {
            continue;
        };
        let Some(content) = content(*name, &path, file, mistakes) else {
            continue;
        };
        let mut own = Mistakes::default();
        let entries = read(&content, &mut own);
        let start = text.files.get(at).map_or(0, |file| file.start);
        mistakes.take_of_file(own, start);
        flatten(&entries, "", start, &mut all.params);
    }
    all.is_broken = mistakes.len() > before;
    all
}

/// The entries of a text in YAML 1.2.
pub(super) fn yaml_1_2(text: &str, mistakes: &mut Mistakes) -> Vec<(Key, Node)> {
    yaml::read_1_2(text, mistakes)
}

/// The entries of a text, as the ending of its file's name says it is read; `None` where it says nothing.
pub(super) fn of_name(path: &str, text: &str, mistakes: &mut Mistakes) -> Option<Vec<(Key, Node)>> {
    let (_, read) = FORMATS.iter().find(|(ending, _)| path.ends_with(ending))?;
    Some(read(text, mistakes))
}

/// What reads a file of this name.
fn reader(name: Word<'_>, path: &str, mistakes: &mut Mistakes) -> Option<Reader> {
    if path::is_store(path) {
        mistakes.error(name.span, "a parameter file lies in atsaf's own directory");
        return None;
    }
    let ending = |(ending, _): &&(&str, Reader)| path.ends_with(ending);
    let found = FORMATS.iter().find(ending).map(|(_, read)| *read);
    if found.is_none() {
        mistakes
            .error(name.span, format!("`{}` is no parameter file", name.text))
            .help("its name ends in `.yaml`, `.yml`, `.toml` or `.json`, which says how it is read");
    }
    found
}

/// The text of a file.
fn content<'f>(
    name: Word<'_>,
    path: &str,
    file: Option<&'f FoundParamsFile>,
    mistakes: &mut Mistakes,
) -> Option<Cow<'f, str>> {
    let text = file.map_or(Err("it was not looked for"), FoundParamsFile::text);
    if let Err(why) = text {
        mistakes
            .error(name.span, format!("the parameter file `{path}` cannot be read: {why}"))
            .help("put it there, or remove it from `params_files`");
    }
    text.ok()
}

/// Lists the entries of a table and of those in it. A key with a dot in it has no name of its own.
fn flatten(entries: &[(Key, Node)], above: &str, start: u32, into: &mut Vec<FileParam>) {
    for (key, node) in entries {
        if key.text.is_empty() || key.text.contains('.') {
            continue;
        }
        let name = match above {
            "" => key.text.clone(),
            above => format!("{above}.{}", key.text),
        };
        let below = match node {
            Node::Table(entries) => entries.as_slice(),
            _ => &[],
        };
        into.push(FileParam {
            span: key.span.moved(start),
            value: node.value(),
            name: name.clone(),
        });
        flatten(below, &name, start, into);
    }
}

/// Counts the values of a file.
#[derive(Default)]
struct Count(usize);

impl Count {
    /// Adds some; says whether there are too many.
    fn add(&mut self, more: usize) -> bool {
        self.0 = self.0.saturating_add(more);
        self.0 > MOST
    }

    /// In words.
    fn too_many() -> String {
        format!("it has more than {MOST} values")
    }
}

/// In words: that values stand too deep.
fn too_deep() -> String {
    format!("its tables and lists stand in each other more than {DEEPEST} deep")
}

/// The span of some bytes of a file.
fn span(start: usize, end: usize) -> Span {
    let number = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span {
        start: number(start),
        end: number(end),
    }
}

#[cfg(test)]
mod tests;
