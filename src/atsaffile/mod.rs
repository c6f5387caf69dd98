//! From the text of an Atsaffile to a [`Spec`], with every mistake at once.
//!
//! ```text
//! text ─▶ syntax (TOML with spans) ─▶ sections, targets (keys and types) ─▶ params (files and `-s` too), matrix
//!      ─▶ instances (a draft for each) ─▶ outputs, names
//!      ─▶ inputs and joins, command, builtin (each target) ─▶ goals ─▶ Spec
//! ```
//!
//! It never touches the disk and knows nothing of the graph: a cycle, two writers of one path or a glob that matches
//! an output are found when the graph is made from the Spec.

mod airflow;
mod asked;
mod builtin;
mod command;
mod credentials;
mod cron;
mod draft_settings;
mod duration;
mod file_params;
mod from_dvc;
mod from_snakemake;
mod goals;
mod inputs;
mod instances;
mod joins;
mod json_schema;
mod load;
mod mark;
mod matrix;
mod metrics;
mod mistakes;
mod names;
mod outputs;
mod overrides;
mod params;
mod params_file;
pub(crate) mod path;
mod pieces;
mod programs;
mod reading;
mod resolve;
mod scope;
mod sections;
mod side_by_side;
mod syntax;
mod targets;
mod template;
#[cfg(test)]
mod tests;
mod timing;
mod translation;
mod typed;
mod unread;
mod words;

use std::borrow::Cow;
use std::collections::BTreeMap;

pub use self::asked::{FileAnswers, FileQuestions, FoundParamsFile, file_questions, with_params_files};
pub(crate) use self::duration::{WANTED as DURATION, parse as duration};
pub use self::from_dvc::{IsDirectory, from_dvc};
pub use self::from_snakemake::{Disk, from_snakemake};
pub use self::json_schema::json_schema;
pub use self::translation::Translation;
#[cfg(feature = "forecasting")]
pub(crate) use self::translation::quoted;
pub(crate) use self::typed::ValueType;
use crate::diagnostic::Diagnostic;
use crate::engine::spec::Spec;
use crate::engine::spec::schema::Catalog;

/// What the command line and the environment set beside the Atsaffile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `-s KEY=VALUE` as key and value, in order; of two for one key the later counts.
    pub sets: Vec<(String, String)>,
    /// Variables of the environment that tasks take without being told.
    pub environment: BTreeMap<String, String>,
}

/// The text with the line ends of one system, so that what it says does not depend on where it was written.
pub(crate) fn with_plain_line_ends(text: &str) -> Cow<'_, str> {
    match text.contains("\r\n") {
        true => Cow::Owned(text.replace("\r\n", "\n")),
        false => Cow::Borrowed(text),
    }
}

/// [`load_with`], of an Atsaffile that asks nothing of the disk.
#[must_use]
pub fn load(path_as_typed: &str, text: &str, overrides: &Overrides, catalog: &Catalog) -> (Spec, Vec<Diagnostic>) {
    load_with(path_as_typed, text, overrides, &FileAnswers::default(), catalog)
}

/// Reads and checks an Atsaffile.
///
/// `path_as_typed` is the file's path as messages show it, `text` its content, `found` the answers to what it asks of the
/// disk ([`file_questions`]), `catalog` the built-in tasks.
///
/// All mistakes are returned at once, sorted by place; those of the command line, which have none, come last. The
/// Spec is whole if none of them is an error. Else the bad parts are left out, so that it still serves for the checks
/// of the graph, but not for a build; after a mistake in the TOML itself it holds nothing but the text.
#[must_use]
pub fn load_with(
    path_as_typed: &str,
    text: &str,
    overrides: &Overrides,
    found: &FileAnswers,
    catalog: &Catalog,
) -> (Spec, Vec<Diagnostic>) {
    let text = with_plain_line_ends(text);
    let text = text.as_ref();
    let mut mistakes = mistakes::Mistakes::default();
    let mut spec = Spec {
        text: with_params_files(path_as_typed, text, found),
        ..Spec::default()
    };
    if let Some(pieces) = syntax::parse(text, &mut mistakes) {
        resolve::fill(&mut spec, text, &pieces, (overrides, found), catalog, &mut mistakes);
        pieces.free();
    }
    let mut diagnostics = mistakes.into_diagnostics(&spec.text);
    diagnostics.iter_mut().for_each(Diagnostic::leave_out_credentials);
    (spec, diagnostics)
}
