//! Targets with `run`: the holes of the command, the parameters that it reads, and its words that may be files.

use std::collections::HashSet;
use std::sync::Arc;

use ecow::EcoString;

use super::mistakes::Mistakes;
use super::names::Meaning;
use super::path;
use super::resolve::{Ports, Resolver};
use super::scope::{Lookup, Scope, fits_in_text, unknown_param};
use super::syntax::{self, Word};
use super::targets::{CommandDraft, Draft};
use super::template::{self, Hole, TemplatePart};
use super::words;
use crate::engine::spec::shell;
use crate::engine::spec::shell_text::reads_status;
use crate::engine::spec::{Action, Command, From, Input, Means, Param, Piece, SHELL, Template, Value, base_name};

/// Words of a command's template that are no parameters.
pub(super) const LISTS: [&str; 7] = [
    "input",
    "inputs",
    "output",
    "inputs_file",
    "params_file",
    "depfile",
    THREADS,
];

/// The hole for how many threads a command may keep busy, unless it is a parameter's name.
const THREADS: &str = "threads";

impl Resolver<'_, '_> {
    /// Checks a command; gives the parameters that it reads.
    pub(super) fn command(
        &self,
        draft: &Draft<'_>,
        run: &CommandDraft<'_>,
        ports: &Ports<'_>,
        mistakes: &mut Mistakes,
    ) -> (Action, Vec<Param>) {
        if let Some(span) = draft.with_key {
            mistakes
                .error(span, "`with` is for built-in tasks")
                .help("a command reads parameters through `{{name}}` in its text, or through `params = [\"name\"]`");
        }
        let mut words = Vec::with_capacity(run.words.len());
        let mut files = Vec::new();
        let own_shell = self.own_shell(draft).filter(|_| run.shell);
        if let (Some((span, _)), false) = (&draft.settings().shell, run.shell) {
            mistakes
                .error(*span, "`shell` is for a command that is a text")
                .note("a list of words is run as it is, without a shell")
                .help("remove it, or write `run` as a text");
        }
        if own_shell.is_some_and(|words| *words != SHELL) {
            for (at, word) in own_shell.iter().copied().flatten().enumerate() {
                words::of_list(word, at == 0, &mut files);
            }
        }
        let mut whole = true;
        for (at, word) in run.words.iter().enumerate() {
            let (pieces, known) = self.pieces(draft, *word, ports, mistakes);
            whole &= known;
            let literal = literal(&pieces, Scope::of(self.params, draft), run.shell);
            match run.shell {
                true => words::of_shell(&literal, &mut files),
                false => words::of_list(&literal, at == 0, &mut files),
            }
            words.push(Template {
                text: word.text.into(),
                pieces: pieces.into(),
            });
            if run.shell {
                self.undeclared_secrets(draft, *word, mistakes);
            }
        }
        makes_something(draft, run, &words, whole, mistakes);
        writes_depfile(draft, run, &words, whole, mistakes);
        let params = self.used_params(draft, &words, mistakes);
        let cwd = self.cwd(draft, mistakes);
        let mut files = words::from_project(files, cwd.as_deref());
        let mut seen = HashSet::new();
        files.retain(|file| seen.insert(file.clone()));
        let mut command = Command {
            words: words.into(),
            shell: run
                .shell
                .then(|| own_shell.map_or_else(|| usual_shell(&run.words), Into::into)),
            cwd: cwd.map(Into::into),
            file_words: Box::default(),
        };
        self.check_file_params(draft, &command, &params, mistakes);
        let by_key = self.params_files_of(&command.takes_elsewhere(&params));
        files.retain(|file| !by_key.contains(&file.as_str()));
        command.file_words = files.iter().map(EcoString::from).collect();
        (Action::Command(command), params)
    }

    /// The directory in which the command runs, if it is not the project's.
    fn cwd(&self, draft: &Draft<'_>, mistakes: &mut Mistakes) -> Option<String> {
        let word = draft.settings().cwd?;
        let scope = Scope::of(self.params, draft);
        let path = path::normalise(&scope.render(self.text, word, mistakes)?);
        if path::is_outside(&path) || path::is_store(&path) {
            mistakes
                .error(word.span, format!("the directory `{path}` is none of the project"))
                .help("`cwd` is a directory beside or below the Atsaffile; a command may go to another by `cd`");
            return None;
        }
        Some(path).filter(|path| !path.is_empty())
    }

    /// The words of the shell that the target or the project names.
    pub(super) fn own_shell<'d>(&'d self, draft: &'d Draft<'_>) -> Option<&'d [String]> {
        let own = draft.settings().shell.as_ref().map(|(_, words)| words.as_slice());
        own.or(self.shell)
    }

    /// The pieces of one word, and whether every hole of it is known.
    fn pieces(
        &self,
        draft: &Draft<'_>,
        word: Word<'_>,
        ports: &Ports<'_>,
        mistakes: &mut Mistakes,
    ) -> (Vec<Piece>, bool) {
        let (split, mut whole) = template::split(self.text, word, mistakes);
        let mut pieces = Vec::with_capacity(split.len());
        for part in split {
            let piece = match part {
                TemplatePart::Literal(literal) => Some(Piece::Literal(literal.into())),
                TemplatePart::Hole(hole) => self.piece(draft, word, &hole, ports, mistakes),
            };
            whole &= piece.is_some();
            pieces.extend(piece);
        }
        (pieces, whole)
    }

    fn piece(
        &self,
        draft: &Draft<'_>,
        word: Word<'_>,
        hole: &Hole<'_>,
        ports: &Ports<'_>,
        mistakes: &mut Mistakes,
    ) -> Option<Piece> {
        let name = hole.name;
        let span = || syntax::within(self.text, word, &hole.at);
        let target = draft.name.text;
        let is_list = LISTS.contains(&name) && name != THREADS;
        let is_path = is_list || name.starts_with("input.") || name.starts_with("output.");
        if let Some(param) = self.params.get(name).filter(|_| is_path) {
            mistakes
                .error(span(), format!("`{{{{{name}}}}}` has two meanings"))
                .also(param.span, "a parameter of this name")
                .note("in a command it stands for paths")
                .help("rename the parameter, or name it in `params` and let the command read `{{params_file}}`");
            return None;
        }
        if matches!(name, "input" | "inputs" | "inputs_file") {
            if ports.inputs.is_empty() && ports.inputs_whole {
                mistakes
                    .error(span(), format!("the target `{target}` declares no inputs"))
                    .help("declare them: `inputs = [\"an artifact or a path\"]`");
                return None;
            }
            // As they are written: one may mean many files, or instances.
            let declared = draft.inputs.iter().filter(|(_, word)| !word.text.starts_with('!'));
            let declared = declared.count();
            if name == "input" && declared > 1 {
                let is_name = |role: &&str| role.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
                let role = ports.inputs.iter().map(|input| input.role.as_str()).find(is_name);
                mistakes
                    .error(
                        span(),
                        format!("`{{{{input}}}}` is for a target with one input, and `{target}` has {declared}"),
                    )
                    .help(match role {
                        Some(role) => {
                            format!("write `{{{{inputs}}}}` for all of them, or `{{{{input.{role}}}}}` for one")
                        }
                        None => "write `{{inputs}}` for all of them, or give each a name: `inputs = { NAME = \"…\" }` \
                                 is `{{input.NAME}}`"
                            .to_owned(),
                    });
                return None;
            }
            return Some(match name {
                "inputs_file" => Piece::InputsFile,
                // Of the only input, all paths that it means.
                _ => Piece::Inputs,
            });
        }
        if name == "params_file" {
            return Some(Piece::ParamsFile);
        }
        if name == "depfile" {
            if draft.means() == Some(Means::Depfile) {
                return Some(Piece::Depfile);
            }
            mistakes
                .error(span(), "`{{depfile}}` is for a target with `discover = \"depfile\"`")
                .help(format!("add `discover = \"depfile\"` to the target `{target}`"));
            return None;
        }
        if name == "output" {
            return Some(Piece::Outputs);
        }
        if let Some(role) = name.strip_prefix("input.") {
            let meant = self.roles(role, ports);
            if let [role] = meant.as_slice() {
                return Some(Piece::Input((*role).into()));
            }
            if let [first, second, ..] = meant.as_slice() {
                mistakes
                    .error(
                        span(),
                        format!("`{{{{input.{role}}}}}` may be several inputs of the target `{target}`"),
                    )
                    .note(format!("they are {}", meant.join(", ")))
                    .help(format!("write `{{{{input.{first}}}}}` or `{{{{input.{second}}}}}`"));
                return None;
            }
            if ports.inputs_whole {
                let what = format!("the target `{target}` has no input `{role}`");
                let mut roles: Vec<&str> = ports.inputs.iter().map(|input| input.role.as_str()).collect();
                roles.dedup();
                mistakes.unknown(Some(span()), what, role, "inputs of the target", roles.into_iter());
            }
            return None;
        }
        if let Some(artifact) = name.strip_prefix("output.") {
            let known = draft.outputs.iter().map(|output| output.port.text);
            if known.clone().any(|known| known == artifact) {
                return Some(Piece::Output(draft.port_named(artifact).into()));
            }
            if !draft.broken.outputs {
                let what = format!("the target `{target}` has no output `{artifact}`");
                mistakes.unknown(Some(span()), what, artifact, "its outputs", known);
            }
            return None;
        }
        let scope = Scope::of(self.params, draft);
        let is_param = !matches!(scope.find(name), Lookup::Unknown);
        if let (THREADS, true, Some((span, _))) = (name, is_param, draft.settings().threads) {
            mistakes
                .error(
                    syntax::within(self.text, word, &hole.at),
                    "`{{threads}}` may be the parameter or the target's `threads`",
                )
                .also(span, "the target's")
                .help("give the parameter another name");
            return None;
        }
        match scope.find(name) {
            Lookup::Value(value, _) => {
                let fits = fits_in_text(self.text, word, hole, value, mistakes);
                return fits.then(|| Piece::Param(name.into()));
            }
            Lookup::Broken => return Some(Piece::Param(name.into())),
            Lookup::Unknown => {}
        }
        if name == THREADS {
            return Some(Piece::Threads);
        }
        if self.secrets.contains_key(name) {
            let mistake = mistakes.error(
                span(),
                format!("the secret `{name}` cannot be put into a command's text"),
            );
            mistake.note("the text of a command is stored and shown; a secret never is");
            mistake.help(format!(
                "name it in `secrets = [\"{name}\"]`: it reaches the command as the environment variable `${name}`"
            ));
            return None;
        }
        let known = scope.names().chain(LISTS);
        unknown_param(self.text, word, hole, known, mistakes);
        None
    }

    /// The roles that a hole `{{input.…}}` may mean: the one that it says, or those of the artifacts with that name.
    fn roles<'p>(&self, wanted: &str, ports: &Ports<'p>) -> Vec<&'p str> {
        let roles = || ports.inputs.iter().map(|input| input.role.as_str());
        if let Some(role) = roles().find(|role| *role == wanted) {
            return vec![role];
        }
        let is_meant = |input: &&Input| match &input.from {
            From::Artifact(name) => match self.names.artifact(name) {
                Meaning::Artifact { made, .. } => {
                    self.names.output(made).name == wanted || self.names.full(made) == wanted
                }
                Meaning::OnAxes(made) => {
                    let full = self.names.full(made);
                    [self.names.output(made).name.as_str(), &full]
                        .map(base_name)
                        .contains(&wanted)
                }
                _ => false,
            },
            From::Source(_) | From::Glob(_) => false,
        };
        let mut meant: Vec<&str> = Vec::new();
        for input in ports.inputs.iter().filter(is_meant) {
            if !meant.contains(&input.role.as_str()) {
                meant.push(&input.role);
            }
        }
        meant
    }

    /// The parameters in the text and those in `params`.
    fn used_params(&self, draft: &Draft<'_>, words: &[Template], mistakes: &mut Mistakes) -> Vec<Param> {
        let in_text = words
            .iter()
            .flat_map(|word| &word.pieces)
            .filter_map(|piece| match piece {
                Piece::Param(name) => Some(name.as_str()),
                _ => None,
            });
        let mut names: Vec<&str> = in_text.collect();
        let scope = Scope::of(self.params, draft);
        for word in &draft.params {
            if matches!(scope.find(word.text), Lookup::Unknown) {
                let what = format!("unknown parameter `{}`", word.text);
                let known = scope.names();
                mistakes
                    .unknown(Some(word.span), what, word.text, "parameters", known)
                    .or_help("a parameter is declared in `[params]`");
            } else {
                names.push(word.text);
            }
        }
        names.sort_unstable();
        names.dedup();
        let param = |name: &str| match scope.find(name) {
            Lookup::Value(value, origin) => Some(Param {
                name: name.to_owned(),
                value: value.clone(),
                origin,
            }),
            Lookup::Broken | Lookup::Unknown => None,
        };
        names.into_iter().filter_map(param).collect()
    }

    /// Finds secrets that the shell would look up, and that the target does not get.
    pub(super) fn undeclared_secrets(&self, draft: &Draft<'_>, word: Word<'_>, mistakes: &mut Mistakes) {
        for (at, _) in word.text.match_indices('$') {
            let after = &word.text[at + 1..];
            let after = after.strip_prefix('{').unwrap_or(after);
            let end = after
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .unwrap_or(after.len());
            let name = &after[..end];
            let gets = || draft.settings().secrets.iter().any(|secret| secret.text == name);
            if self.secrets.contains_key(name) && !gets() {
                let start = word.text.len() - after.len();
                mistakes
                    .error(
                        syntax::within(self.text, word, &(start..start + end)),
                        format!("the target `{}` does not get the secret `{name}`", draft.name.text),
                    )
                    .help(format!("add `secrets = [\"{name}\"]` to the target"));
            }
        }
    }
}

/// A word with its parameters put in, and a mark in place of every other hole.
fn literal(pieces: &[Piece], scope: Scope<'_, '_>, shell: bool) -> String {
    let mut out = String::new();
    for piece in pieces {
        match piece {
            Piece::Literal(text) => out.push_str(text),
            Piece::Param(name) => match scope.find(name) {
                Lookup::Value(value, _) => put(&mut out, value, shell),
                Lookup::Broken | Lookup::Unknown => out.push(words::HOLE),
            },
            _ => out.push(words::HOLE),
        }
    }
    out
}

pub(super) fn put(out: &mut String, value: &Value, shell: bool) {
    let plain = value.plain();
    match shlex::try_quote(&plain) {
        Ok(quoted) if shell => out.push_str(&quoted),
        _ => out.push_str(&plain),
    }
}

/// The words of the shell for a text where none is named.
pub(super) fn usual_shell(text: &[Word<'_>]) -> Arc<[String]> {
    shell::usual(text.iter().any(|word| reads_status(word.text)))
}

/// Checks that the command of a target with `discover = "depfile"` is told where to write that.
fn writes_depfile(draft: &Draft<'_>, run: &CommandDraft<'_>, words: &[Template], whole: bool, mistakes: &mut Mistakes) {
    let mut pieces = words.iter().flat_map(|word| &word.pieces);
    if draft.means() == Some(Means::Depfile) && whole && !pieces.any(|piece| *piece == Piece::Depfile) {
        let span = run.words.first().map_or(run.key, |word| word.span);
        mistakes
            .error(
                span,
                format!(
                    "the command of the target `{}` never mentions `{{{{depfile}}}}`",
                    draft.name.text
                ),
            )
            .note("with `discover = \"depfile\"` a command lists what it has read in that file, in make's format")
            .help("tell it to write there, as in `gcc -MMD -MF {{depfile}} …`, or remove `discover`");
    }
}

/// Checks that there are outputs, and that the command is told where to write.
fn makes_something(
    draft: &Draft<'_>,
    run: &CommandDraft<'_>,
    words: &[Template],
    whole: bool,
    mistakes: &mut Mistakes,
) {
    let name = draft.name.text;
    if draft.outputs.is_empty() {
        if !draft.broken.outputs {
            mistakes
                .error(draft.name.span, format!("the target `{name}` makes nothing"))
                .help("declare what its command writes: `output = \"a path\"` or `outputs = { name = \"a path\" }`");
        }
        return;
    }
    let mentioned = words
        .iter()
        .flat_map(|word| &word.pieces)
        .any(|piece| matches!(piece, Piece::Output(_) | Piece::Outputs));
    if !mentioned && whole && draft.settings().direct.is_none() && !draft.broken.action {
        let span = run.words.first().map_or(run.key, |word| word.span);
        mistakes
            .error(
                span,
                format!("the command of the target `{name}` never mentions its output"),
            )
            .note("a command writes to a path that atsaf gives it, so that a failure leaves the earlier artifact whole")
            .help("let it write to `{{output}}`, or to `{{output.name}}` if there are several")
            .help("if it can only write to the declared path itself, say `direct = true`");
    }
}
