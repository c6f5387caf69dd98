//! What targets make: names, and paths that lie in the project.

use super::mistakes::Mistakes;
use super::path;
use super::scope::Scope;
use super::syntax::Word;
use super::targets::{Draft, DraftOutput};
use crate::engine::spec::reserved::Reserved;
use crate::engine::spec::{ArtifactKind, Output};

/// Reads the outputs of a target; `file` is the name of the Atsaffile. An output with a bad path is kept under a path
/// that can be no other's, so that its name still means something.
pub(super) fn read(
    text: &str,
    draft: &Draft<'_>,
    scope: Scope<'_, '_>,
    file: &str,
    mistakes: &mut Mistakes,
) -> Vec<Output> {
    draft
        .outputs
        .iter()
        .map(|DraftOutput { port, name, path: word }| {
            let rendered = scope.render(text, *word, mistakes);
            let (path, kind) = match &rendered {
                Some(rendered) => check(name.text, *word, rendered, file, mistakes),
                None => (None, ArtifactKind::File),
            };
            Output {
                port: draft.port(port).to_owned(),
                name: name.text.to_owned(),
                // A text that is no path, so that it is in nobody's way.
                path: path.unwrap_or_else(|| format!("{}:{}", draft.name.text, port.text)),
                kind,
                span: word.span,
            }
        })
        .collect()
}

/// Checks a path that is to be written.
fn check(
    name: &str,
    word: Word<'_>,
    rendered: &str,
    file: &str,
    mistakes: &mut Mistakes,
) -> (Option<String>, ArtifactKind) {
    let kind = match rendered.ends_with('/') {
        true => ArtifactKind::Directory,
        false => ArtifactKind::File,
    };
    let path = path::normalise(rendered);
    let wrong = if rendered.is_empty() {
        Some(("is empty", "give it a path in the project"))
    } else if rendered.contains(|c: char| c.is_control() && c != '\0') {
        Some((
            "has a control character in it",
            "use letters, digits, spaces and punctuation",
        ))
    } else if path::is_outside(&path) {
        Some((
            "leads out of the project",
            "artifacts lie in the project: write a path relative to the Atsaffile, without `..`",
        ))
    } else if rendered.split('/').any(|part| part == "..") {
        Some(("has `..` in it", "write the path without it"))
    } else if path.is_empty() {
        Some(("is the project itself", "give it a path in the project"))
    } else if let Some(whose) = Reserved::of(&path) {
        let problem = match whose {
            Reserved::Store => "lies in `.atsaf/`, which belongs to atsaf",
            Reserved::Git => "lies in `.git/`, which belongs to git",
            Reserved::Workflows => "lies in `.github/`, which says what runs on other machines",
            Reserved::Secrets => "is `.env`, where secrets stand",
        };
        Some((problem, "give it another path in the project"))
    } else if path == file {
        Some(("is the Atsaffile itself", "give it another path"))
    } else if path.strip_prefix(file).is_some_and(|below| below.starts_with('/')) {
        Some(("lies below the Atsaffile, which is a file", "give it another path"))
    } else {
        None
    };
    let Some((problem, help)) = wrong else {
        return (Some(path), kind);
    };
    let mistake = mistakes.error(word.span, format!("the path of the artifact `{name}` {problem}"));
    if rendered != word.text {
        mistake.note(format!(
            "with its parameters put in it is `{}`",
            rendered.escape_debug()
        ));
    }
    mistake.help(help);
    (None, kind)
}
