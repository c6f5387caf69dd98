//! What an Atsaffile asks of the disk, which its reader never touches, and what it was answered.

use std::borrow::Cow;
use std::collections::BTreeMap;

use memchr::memmem;
use toml::de::DeTable;

use super::mistakes::Mistakes;
use super::{matrix, path, syntax, with_plain_line_ends};
use crate::engine::spec::{ParamsText, Text};

/// The files and patterns that the rest of an Atsaffile depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileQuestions {
    /// What the project leaves out of patterns beyond the defaults.
    pub ignore: Vec<String>,
    /// Patterns whose files are values of axes.
    pub patterns: Vec<String>,
    /// Paths of tables whose rows are.
    pub tables: Vec<String>,
    /// Paths of parameter files.
    pub params_files: Vec<String>,
}

/// The answers; why there is none, where it is an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileAnswers {
    /// The files that each pattern matches, sorted.
    pub matches: BTreeMap<String, Result<Vec<String>, String>>,
    /// The text of each table.
    pub tables: BTreeMap<String, Result<String, String>>,
    /// The parameter files, in the order of the Atsaffile.
    pub params_files: Vec<FoundParamsFile>,
}

/// A parameter file as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundParamsFile {
    /// Its path, as the questions have it.
    pub path: String,
    /// What is in it.
    pub bytes: Result<Vec<u8>, String>,
}

impl FoundParamsFile {
    /// Its text in the one form that does not depend on where it was written: without a byte order mark, and with the
    /// line ends of one system.
    ///
    /// # Errors
    /// Why it has none.
    pub(super) fn text(&self) -> Result<Cow<'_, str>, &str> {
        let bytes = self.bytes.as_ref().map_err(String::as_str)?;
        let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8 text")?;
        Ok(with_plain_line_ends(text.strip_prefix('\u{feff}').unwrap_or(text)))
    }
}

/// What the text of an Atsaffile asks; nothing if it is no TOML.
#[must_use]
pub fn file_questions(text: &str) -> FileQuestions {
    // Most ask nothing, and need not be read twice.
    let says = |word: &str| memmem::find(text.as_bytes(), word.as_bytes()).is_some();
    let has_axes = says("matrix") && (says("glob") || says("rows"));
    if !has_axes && !says("params_files") {
        return FileQuestions::default();
    }
    let text = with_plain_line_ends(text);
    let pieces = syntax::parse(&text, &mut Mistakes::default());
    pieces.map(|pieces| questions(&pieces.root)).unwrap_or_default()
}

fn questions(root: &DeTable<'_>) -> FileQuestions {
    let table = |key: &str| root.iter().find(|(it, _)| it.get_ref() == key)?.1.get_ref().as_table();
    let texts = |key: &str| -> Vec<String> {
        let node = table("project")
            .into_iter()
            .flatten()
            .find(|(it, _)| it.get_ref() == key);
        let items = node.and_then(|(_, node)| node.get_ref().as_array());
        let items = items.into_iter().flatten();
        items
            .filter_map(|item| item.get_ref().as_str().map(str::to_owned))
            .collect()
    };
    let mut asked = FileQuestions {
        ignore: texts("ignore"),
        params_files: texts("params_files").iter().map(|path| path::normalise(path)).collect(),
        ..FileQuestions::default()
    };
    matrix::questions(table("matrix"), &mut asked);
    asked
}

/// The text of an Atsaffile with those of its parameter files, which messages quote.
#[must_use]
pub fn with_params_files(path: &str, text: impl Into<String>, found: &FileAnswers) -> Text {
    let mut whole = Text {
        path: path.to_owned(),
        text: text.into(),
        files: Vec::new(),
    };
    let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
    for file in &found.params_files {
        let shown = match directory.is_empty() || file.path.starts_with('/') {
            true => file.path.clone(),
            false => format!("{directory}/{}", file.path),
        };
        whole.files.push(ParamsText {
            start: whole.end(),
            path: shown,
            text: file.text().unwrap_or_default().into_owned(),
        });
    }
    whole
}
