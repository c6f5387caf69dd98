//! The programs that the parameters of a built-in task declare: `{ name = "Prophet", run = "python prophet.py" }`.

use std::collections::HashSet;

use ecow::EcoString;

use super::mistakes::Mistakes;
use super::path;
use super::resolve::Resolver;
use super::scope::Scope;
use super::syntax::span_of;
use super::targets::Draft;
use super::words;
use crate::engine::spec::declared_program::{DeclaredProgram, program_entry, programs_in};
use crate::engine::spec::shell;
use crate::engine::spec::shell_text::reads_status;
use crate::engine::spec::{Command, Means, Origin, Param, Piece, Program, Span, Template, Value};

impl Resolver<'_, '_> {
    /// The programs among the values of a task's parameters.
    pub(super) fn programs(&self, draft: &Draft<'_>, params: &[Param], mistakes: &mut Mistakes) -> Vec<Program> {
        let mut programs: Vec<(Program, Span)> = Vec::new();
        for param in params {
            for declared in programs_in(&param.value) {
                let span = self.place(draft, param, declared.at);
                if let Some((_, first)) = programs.iter().find(|(program, _)| program.name == declared.name) {
                    mistakes
                        .error(span, format!("two programs have the name `{}`", declared.name))
                        .also(*first, "the first")
                        .help("give one of them another name");
                    continue;
                }
                let is_in_file = matches!(param.origin, Origin::Atsaffile(_)) && self.sources.file_of(span).is_some();
                if is_in_file {
                    mistakes
                        .error(
                            span,
                            format!(
                                "the command of the program `{}` is set in a parameter file",
                                declared.name
                            ),
                        )
                        .note("nothing runs that the Atsaffile does not name")
                        .help(format!("declare `{}` in the Atsaffile", param.name));
                    continue;
                }
                let program = Program {
                    name: declared.name.to_owned(),
                    command: command(declared, span, mistakes),
                    files: files(declared, draft, span, mistakes),
                    discover: means(draft, mistakes),
                    env: Vec::new(),
                    secrets: Vec::new(),
                };
                programs.push((program, span));
            }
        }
        programs.into_iter().map(|(program, _)| program).collect()
    }

    /// Where an item of a parameter's value is written.
    fn place(&self, draft: &Draft<'_>, param: &Param, at: usize) -> Span {
        let declared = Scope::of(self.params, draft).declared(&param.name);
        let declared = declared.filter(|declared| matches!(declared.origin, Origin::Atsaffile(_)));
        let item = declared.and_then(|declared| declared.node?.get_ref().as_array()?.get(at));
        let whole = || param.origin.span().unwrap_or(draft.name.span);
        item.map_or_else(whole, span_of)
    }
}

/// The command, and its words that may be files.
fn command(declared: DeclaredProgram<'_>, span: Span, mistakes: &mut Mistakes) -> Command {
    let texts: Vec<&str> = match declared.run {
        Value::List(items) => items.iter().filter_map(as_text).collect(),
        one => as_text(one).into_iter().collect(),
    };
    if texts.iter().any(|text| text.contains("{{")) {
        mistakes
            .error(
                span,
                format!("the command of the program `{}` has a `{{{{` in it", declared.name),
            )
            .note("only the command of a target is filled in; a program gets what it needs in a file")
            .help("give values in `with = { name = value }` beside `run`, which the program finds in its request");
    }
    let is_text = matches!(declared.run, Value::Text(_));
    let mut words = Vec::new();
    for (at, text) in texts.iter().enumerate() {
        match is_text {
            true => words::of_shell(text, &mut words),
            false => words::of_list(text, at == 0, &mut words),
        }
    }
    let mut file_words = words::from_project(words, None);
    let mut seen = HashSet::new();
    file_words.retain(|word| seen.insert(word.clone()));
    let template = |text: &&str| Template {
        text: (*text).into(),
        pieces: [Piece::Literal((*text).into())].into(),
    };
    Command {
        shell: is_text.then(|| shell::usual(texts.iter().any(|text| reads_status(text)))),
        words: texts.iter().map(template).collect(),
        cwd: None,
        file_words: file_words.iter().map(EcoString::from).collect(),
    }
}

/// The files that it depends on beside those that the command names.
fn files(declared: DeclaredProgram<'_>, draft: &Draft<'_>, span: Span, mistakes: &mut Mistakes) -> Vec<String> {
    let mut files = Vec::new();
    for written in declared.files.iter().filter_map(as_text) {
        let path = path::normalise(written.trim_end_matches('/'));
        if path.is_empty() || path::is_outside(&path) || path::is_store(&path) {
            mistakes
                .error(
                    span,
                    format!(
                        "`{written}` in `{}` of the program `{}` is no file of the project",
                        program_entry::FILES,
                        declared.name
                    ),
                )
                .help("name files beside or below the Atsaffile");
        } else if draft
            .outputs
            .iter()
            .any(|output| path::normalise(output.path.text) == path)
        {
            mistakes
                .error(
                    span,
                    format!(
                        "the program `{}` needs `{written}`, which its own target makes",
                        declared.name
                    ),
                )
                .help(format!("leave it out of its `{}`", program_entry::FILES));
        } else if !files.contains(&path) {
            files.push(path);
        }
    }
    files
}

/// By which means it is seen what the programs of a target use.
fn means(draft: &Draft<'_>, mistakes: &mut Mistakes) -> Option<Means> {
    let Some(written) = draft.settings().discover else {
        return Some(Means::Python);
    };
    if written.means == Some(Means::Depfile) {
        mistakes
            .error(
                written.key,
                "a program of a built-in task is not told of a `{{depfile}}`",
            )
            .help("write `discover = \"trace\"`, or name what it uses in `files`");
    }
    written.means
}

fn as_text(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}
