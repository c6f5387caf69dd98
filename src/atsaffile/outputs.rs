//! What targets make: names, and paths that lie in the project.

use std::collections::HashMap;

use rayon::prelude::*;

use ecow::EcoString;

use super::matrix::Matrix;
use super::mistakes::Mistakes;
use super::params::Params;
use super::path;
use super::scope::Scope;
use super::side_by_side::side_by_side;
use super::syntax::Word;
use super::targets::{Draft, DraftOutput};
use crate::engine::spec::reserved::Reserved;
use crate::engine::spec::{ArtifactKind, Output};

/// Reads the outputs of all targets.
pub(super) fn read_all(
    text: &str,
    drafts: &[Draft<'_>],
    params: &Params<'_>,
    file: &str,
    mistakes: &mut Mistakes,
) -> Vec<Vec<Output>> {
    let sound = |draft: &Draft<'_>, none: &mut Mistakes| Some(read(text, draft, Scope::of(params, draft), file, none));
    if let Some(made) = side_by_side(drafts.par_iter(), sound) {
        return made;
    }
    let read_one = |draft: &Draft<'_>| {
        mistakes.of_instance(draft.instance_of());
        read(text, draft, Scope::of(params, draft), file, mistakes)
    };
    let made = drafts.iter().map(read_one).collect();
    mistakes.of_instance(None);
    made
}

/// Reads the outputs of a target; `file` is the name of the Atsaffile. An output with a bad path is kept under a path
/// that can be no other's, so that its name still means something.
fn read(text: &str, draft: &Draft<'_>, scope: Scope<'_, '_>, file: &str, mistakes: &mut Mistakes) -> Vec<Output> {
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
                port: draft.port(port).into(),
                name: draft.instance_name(name.text).into(),
                // A text that is no path, so that it is in nobody's way.
                path: path.unwrap_or_else(|| no_path(draft, port)).into(),
                kind,
                span: word.span,
            }
        })
        .collect()
}

/// A text that is no path, and that of no other output.
fn no_path(draft: &Draft<'_>, port: &Word<'_>) -> String {
    format!("{}:{}", draft.instance_name(draft.name.text), port.text)
}

/// Refuses instances of one target that write one path, once for each output; all but the first lose it.
pub(super) fn same_paths(drafts: &[Draft<'_>], made: &mut [Vec<Output>], matrix: &Matrix<'_>, mistakes: &mut Mistakes) {
    let mut start = 0;
    for group in drafts.chunk_by(|one, other| one.instance.is_some() && one.name.text == other.name.text) {
        let outputs = &mut made[start..start + group.len()];
        start += group.len();
        for at in 0..group[0].outputs.len().min(if group.len() > 1 { usize::MAX } else { 0 }) {
            let mut first: HashMap<EcoString, usize> = HashMap::with_capacity(group.len());
            let mut is_told = false;
            for (number, outputs) in outputs.iter_mut().enumerate() {
                let path = outputs[at].path.clone();
                let Some(first) = first.get(&path).copied() else {
                    first.insert(path, number);
                    continue;
                };
                outputs[at].path = no_path(&group[number], &group[number].outputs[at].port).into();
                if !std::mem::replace(&mut is_told, true) {
                    refuse_same_path(&path, &group[first], &group[number], at, matrix, mistakes);
                }
            }
        }
    }
}

fn refuse_same_path(
    path: &str,
    one: &Draft<'_>,
    other: &Draft<'_>,
    output: usize,
    matrix: &Matrix<'_>,
    mistakes: &mut Mistakes,
) {
    let word = one.outputs[output].path;
    let names = [one, other].map(|draft| draft.instance_name(draft.name.text));
    let (at, others) = (one.instance.iter(), other.instance.iter());
    let pairs = at.flat_map(|it| &it.at).zip(others.flat_map(|it| &it.at));
    let differ: Vec<&str> = pairs
        .filter(|(one, other)| one.1 != other.1)
        .map(|(one, _)| matrix.axes[one.0].name.text)
        .collect();
    let missing: Vec<&str> = differ
        .iter()
        .copied()
        .filter(|axis| !word.text.contains(axis))
        .collect();
    let holes: Vec<String> = missing.iter().map(|axis| format!("`{{{{{axis}}}}}`")).collect();
    let mistake = mistakes.error(
        word.span,
        format!("two instances of `{}` write `{path}`", one.name.text),
    );
    mistake.note(format!("they are `{}` and `{}`", names[0], names[1]));
    match holes.is_empty() {
        true => mistake.help("let the path differ for each of its instances"),
        false => mistake.help(format!("put {} into the path, so that it differs", holes.join(" and "))),
    };
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
