//! An Atsaffile: where it lies, its text, and what it says, kept from the last build or checked anew.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{CommandError, Common, asked_files, small_file};
use crate::atsaffile::{self, FileAnswers, FoundParamsFile, Overrides};
use crate::diagnostic::{Diagnostic, Severity, few, few_at_each_place};
use crate::engine::digest::Digest;
use crate::engine::files::Files;
use crate::engine::graph::{Graph, GraphError};
use crate::engine::lookups::Lookups;
use crate::engine::spec::schema::Catalog;
use crate::engine::spec::{Secret, Spec};
use crate::engine::store::{CheckedSpec, Store, UserKey};
use crate::fast_map::FastMap;

/// The name under which an Atsaffile is looked for.
pub(super) const ATSAFFILE: &str = "Atsaffile";

/// Most bytes of an Atsaffile: no project is written down in more.
const LARGEST_ATSAFFILE: u64 = 64 << 20;

/// The project's directory: the one of its Atsaffile.
pub(super) fn root_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// A path as the user would type it.
fn shown(path: &Path) -> String {
    path.strip_prefix("./").unwrap_or(path).display().to_string()
}

/// The bytes of an Atsaffile.
pub(super) fn text(file: &Path) -> std::io::Result<Vec<u8>> {
    small_file::read(file, LARGEST_ATSAFFILE)
}

/// Reads an Atsaffile; also gives its path as messages show it.
///
/// # Errors
/// [`CommandError`] if it is not there or not text.
pub(super) fn read(file: &Path) -> Result<(String, String), CommandError> {
    let shown = shown(file);
    let unreadable =
        |error: std::io::Error| CommandError::usage(Diagnostic::error(format!("`{shown}` cannot be read: {error}")));
    let text = String::from_utf8(text(file).map_err(unreadable)?)
        .map_err(|_| CommandError::usage(Diagnostic::error(format!("`{shown}` is not UTF-8 text"))))?;
    let plain = match atsaffile::with_plain_line_ends(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(plain) => plain,
    };
    Ok((shown, plain))
}

/// Finds the Atsaffile: the named one, or the first from the working directory upward.
///
/// # Errors
/// [`CommandError`] if there is none.
pub(super) fn find(common: &Common) -> Result<PathBuf, CommandError> {
    let start = common.directory.clone().unwrap_or_else(|| PathBuf::from("."));
    if let Some(named) = &common.file {
        return Ok(start.join(named));
    }
    let absolute = start.canonicalize().map_err(|error| {
        CommandError::usage(Diagnostic::error(format!(
            "`{}` cannot be entered: {error}",
            start.display()
        )))
    })?;
    for (depth, directory) in absolute.ancestors().enumerate() {
        if directory.join(ATSAFFILE).is_file() {
            let up: PathBuf = std::iter::repeat_n("..", depth).collect();
            return Ok(start.join(up).join(ATSAFFILE));
        }
    }
    Err(CommandError::usage(
        Diagnostic::error(format!("no `{ATSAFFILE}` in `{}` or above it", absolute.display())).help(
            "go to the project, or name the file with `-f`; `atsaf init` begins one, `atsaf help atsaffile` tells how",
        ),
    ))
}

/// Where the user stands, relative to the project; empty if that is the project or outside of it.
pub(super) fn typed_in(common: &Common, root: &Path) -> String {
    let start = common.directory.as_deref().unwrap_or(Path::new("."));
    if start == root {
        return String::new();
    }
    let below = || {
        let (start, root) = (start.canonicalize().ok()?, root.canonicalize().ok()?);
        Some(start.strip_prefix(root).ok()?.to_str()?.to_owned())
    };
    below().unwrap_or_default()
}

/// Raised when a kept Spec has other fields than that of an earlier state of this program.
const SPEC: u32 = 16;

/// What an Atsaffile says.
pub(super) struct CheckedAtsaffile {
    /// The targets, if nothing is wrong.
    pub(super) graph: Option<Graph>,
    /// The secrets that it declares, as far as it can be read.
    pub(super) secrets: BTreeMap<String, Secret>,
    pub(super) diagnostics: Vec<Diagnostic>,
    /// The key of its Spec if nothing is wrong with it, with the warnings about it if it is not kept already.
    pub(super) spec: Option<(Digest, Option<Vec<Diagnostic>>)>,
    /// Where it was looked for what it asks of the disk.
    pub(super) lookups: Lookups,
}

/// What the text of an Atsaffile says.
pub(super) struct SpecOfText {
    pub(super) spec: Spec,
    diagnostics: Vec<Diagnostic>,
    /// Where it was looked for what the text asks of the disk.
    lookups: Lookups,
    /// The key under which it is kept, or worth it.
    key: Digest,
    is_kept: bool,
}

/// The text of an Atsaffile, and all that counts for what it says.
pub(super) struct AtsaffileText<'a> {
    /// The project's directory.
    pub(super) root: &'a Path,
    /// Its path as messages show it.
    pub(super) path: &'a str,
    pub(super) content: String,
    pub(super) overrides: &'a Overrides,
    pub(super) catalog: &'a Catalog,
    /// Whose key a kept Spec has to have.
    pub(super) user: &'a UserKey,
}

/// Reads the text of an Atsaffile; it is not checked again if one of the last builds has kept what it says.
pub(super) fn spec_of_text(mut text: AtsaffileText<'_>) -> SpecOfText {
    let asked = AskedText::of(&text);
    let kept = asked.kept(&mut text, None);
    let is_kept = kept.is_some();
    let said = kept.unwrap_or_else(|| asked.checked(&text));
    asked.said(said, is_kept)
}

/// Reads some targets of an Atsaffile by their names, if one of the last builds has kept what it says, and all are there.
pub(super) fn part_of_text(mut text: AtsaffileText<'_>, names: &[&str]) -> Option<SpecOfText> {
    let asked = AskedText::of(&text);
    let kept = asked.kept(&mut text, Some(names))?;
    Some(asked.said(kept, true))
}

/// The text of an Atsaffile with what the disk says that it asks for.
struct AskedText {
    found: FileAnswers,
    lookups: Lookups,
    /// The key under which what it says is kept, or worth it.
    key: Digest,
}

impl AskedText {
    fn of(text: &AtsaffileText<'_>) -> Self {
        let AtsaffileText {
            root,
            path,
            content,
            overrides,
            catalog,
            ..
        } = text;
        let version = env!("CARGO_PKG_VERSION");
        let mut lookups = Lookups::default();
        let found = asked_files::look(root, content, &mut lookups);
        let FileAnswers {
            matches,
            tables,
            params_files,
        } = &found;
        let digest = |file: &FoundParamsFile| {
            file.bytes
                .as_ref()
                .map(|bytes| Digest::of(bytes).hex())
                .map_err(String::clone)
        };
        let params_files: Vec<_> = params_files.iter().map(|file| (&file.path, digest(file))).collect();
        let found_key = (matches, tables, params_files);
        // Whole digests, since `{:?}` shows the beginning of one; the text itself may be long.
        let content_key = Digest::of(content.as_bytes()).hex();
        let key = format!("{version}\n{SPEC}\n{overrides:?}\n{found_key:?}\n{catalog:?}\n{path}\n{content_key}");
        let key = Digest::of(key.as_bytes());
        Self { found, lookups, key }
    }

    /// What is kept of it: all, or some targets by their names. The text becomes the Spec's.
    fn kept(&self, text: &mut AtsaffileText<'_>, names: Option<&[&str]>) -> Option<(Spec, Vec<Diagnostic>)> {
        let CheckedSpec { mut spec, warnings } = Store::checked_spec(text.root, self.key, text.user, names)?;
        spec.text = atsaffile::with_params_files(text.path, std::mem::take(&mut text.content), &self.found);
        Some((spec, warnings))
    }

    /// What it says, checked anew.
    fn checked(&self, text: &AtsaffileText<'_>) -> (Spec, Vec<Diagnostic>) {
        let AtsaffileText {
            path,
            content,
            overrides,
            catalog,
            ..
        } = text;
        atsaffile::load_with(path, content, overrides, &self.found, catalog)
    }

    fn said(self, (spec, diagnostics): (Spec, Vec<Diagnostic>), is_kept: bool) -> SpecOfText {
        SpecOfText {
            spec,
            diagnostics,
            lookups: self.lookups,
            key: self.key,
            is_kept,
        }
    }
}

/// Checks what an Atsaffile says as a whole.
pub(super) fn declared(root: &Path, read: SpecOfText) -> CheckedAtsaffile {
    let SpecOfText {
        spec,
        diagnostics,
        lookups,
        key,
        is_kept,
    } = read;
    let secrets = spec.secrets.clone();
    let mut diagnostics = few(&diagnostics);
    let is_error = |diagnostic: &Diagnostic| diagnostic.severity == Severity::Error;
    let warnings = (!is_kept).then(|| diagnostics.clone());
    let kept = (!diagnostics.iter().any(is_error)).then_some((key, warnings));
    let graph = match Graph::new(spec, &Files::new(root, FastMap::default())) {
        Ok(graph) => Some(graph).filter(|_| !diagnostics.iter().any(is_error)),
        Err(wrong) => {
            let (spec, errors) = *wrong;
            diagnostics.extend(graph_failure(&errors, &spec));
            None
        }
    };
    CheckedAtsaffile {
        graph,
        secrets,
        diagnostics,
        spec: kept,
        lookups,
    }
}

/// What is wrong with the whole, in diagnostics.
pub(super) fn graph_failure(errors: &[GraphError], spec: &Spec) -> Vec<Diagnostic> {
    let place = |error: &GraphError| error.place_of_instances(spec);
    let few = few_at_each_place(errors, ToString::to_string, place).into_iter();
    few.map(|(error, more)| error.diagnostic(&spec.text).and_more(more))
        .collect()
}
