//! What a target reads, before and after an attempt: what moved meanwhile, and whether the command itself moved it.
//!
//! ```text
//! an input moved           ─▶ the attempt is discarded: it may have read the one or the other
//! a word of the command    ─▶ the command writes it: no input, and the attempt counts
//!                          ─▶ it does not, or did not before: an input like any other
//! ```

use std::io;
use std::path::Path;

use ecow::EcoString;

use super::digest::Digest;
use super::event::Failure;
use super::fingerprint::Field;
use super::graph::{ArtifactId, How, Read, TargetId};
use super::moved_sources::writers;
use super::path_matcher::PathMatcher;
use super::plan::PlanContext;
use super::reason::{Difference, Reason};
use super::run::Run;
use super::sight::{Moved, Of, Sight};
use super::spec::{Action, Command, ParamsFile, Target};
use super::writes::{Writes, writes};

/// Everything that a target reads or names, at one moment.
pub(crate) struct Seen<'g> {
    /// What it reads.
    pub(crate) reads: Vec<&'g Read>,
    /// What stands there.
    pub(crate) sights: Vec<Sight>,
    /// Words of the command that may be files and are no inputs, with what stands there.
    words: Vec<(&'g str, Sight)>,
    /// Parameter files that the command reads for some of their keys.
    params_files: Vec<(&'g ParamsFile, Sight)>,
}

/// Something that cannot be looked at.
pub(crate) struct Unreadable {
    /// Its path.
    pub(crate) path: String,
    /// What the system said.
    pub(crate) error: io::Error,
}

impl<'g> Seen<'g> {
    /// Looks at what a target reads and names; `placed` gives the own digest of an artifact.
    pub(crate) fn take(
        context: PlanContext<'g>,
        target: &'g Target,
        reads: Vec<&'g Read>,
        placed: &dyn Fn(ArtifactId) -> Option<Digest>,
    ) -> Result<Self, Unreadable> {
        let at = |path: &str| {
            let path = path.to_owned();
            |error| Unreadable { path, error }
        };
        let sight = |read: &&Read| {
            let of = match read.artifact {
                Some(id) => Of::Artifact(placed(id)),
                None => Of::Source(context.graph.ignore_of(read)),
            };
            Sight::take(context.files, &read.path, of).map_err(at(&read.path))
        };
        let sights: Result<Vec<Sight>, Unreadable> = reads.iter().map(sight).collect();
        let words = words(context, target)
            .filter(|word| !reads.iter().any(|read| read.path == *word))
            .map(|word| {
                Ok((
                    word,
                    Sight::take_file(context.files, word, context.graph.ignore()).map_err(at(word))?,
                ))
            })
            .collect::<Result<_, Unreadable>>()?;
        let params_files = context.graph.spec.params_files_read_by(target).into_iter().map(|file| {
            let sight = Sight::take_file(context.files, &file.path, context.graph.ignore());
            Ok((file, sight.map_err(at(&file.path))?))
        });
        Ok(Self {
            sights: sights?,
            reads,
            words,
            params_files: params_files.collect::<Result<_, Unreadable>>()?,
        })
    }

    /// A parameter file that is not as it was when its values were read.
    pub(crate) fn edited_params_file(&self) -> Option<&'g ParamsFile> {
        let is_edited = |(file, sight): &&(&ParamsFile, Sight)| {
            let digest = sight.found.map(|(digest, _)| digest);
            digest != Some(file.digest) && digest != Some(file.digest.executable())
        };
        self.params_files.iter().find(is_edited).map(|(file, _)| *file)
    }

    /// Whether all that is read stands as it did until a later look at the same.
    pub(crate) fn is_same(&self, after: &Self) -> bool {
        let mut pairs = self.sights.iter().zip(&after.sights);
        pairs.all(|(before, after)| before.moved(after) == Moved::No) && self.moved_params_file(after).is_none()
    }

    /// A parameter file that moved until a later look at the same.
    pub(crate) fn moved_params_file(&self, after: &Self) -> Option<&'g ParamsFile> {
        let mut pairs = self.params_files.iter().zip(&after.params_files);
        let moved = pairs.find(|((_, before), (_, after))| !matches!(before.moved(after), Moved::No | Moved::Marked));
        moved.map(|((file, _), _)| *file)
    }

    /// What stands at the path of an input: digest and kind.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&'g Read, &Sight)> {
        self.reads.iter().copied().zip(&self.sights)
    }

    /// The path, as far as it lies in the project, that moved in something that is read.
    pub(crate) fn moved_at(&self, after: &Self, read: &Read, root: &Path) -> Option<String> {
        let mut pairs = self.pairs().zip(&after.sights);
        let ((_, before), after) = pairs.find(|((it, _), _)| it.path == read.path)?;
        let path = before.moved_at(after)?;
        Some(path.strip_prefix(root).unwrap_or(&path).display().to_string())
    }

    /// Compares with a later look at the same.
    pub(crate) fn compare(&self, after: &Self, target: &'g Target, earlier: &EarlierAttempts<'_>) -> Moves<'g> {
        let command = match &target.action {
            Action::Command(command) => Some(command),
            Action::Builtin { .. } => None,
        };
        let mut moves = Moves::default();
        for ((read, before), after) in self.pairs().zip(&after.sights) {
            let how = before.moved(after);
            let own = read.how == How::Word && read.artifact.is_none();
            if how == Moved::No {
                continue;
            }
            match command.filter(|command| own && earlier.is_written(command, &read.path, how)) {
                Some(_) => moves.add(&read.path, after),
                None => moves.inputs.push((read, how)),
            }
        }
        for ((word, before), (_, after)) in self.words.iter().zip(&after.words) {
            let how = before.moved(after);
            let came = before.found.is_none() && after.found.is_some();
            let writes = command.map_or(Writes::No, |command| writes(command, word));
            if how != Moved::No && (came || before.found.is_some()) && writes != Writes::No {
                moves.add(word, after);
            } else if let Some((digest, _)) = before.found.filter(|_| how == Moved::No) {
                moves.still.push((word, digest));
            }
        }
        moves
    }
}

/// What is known of earlier attempts of a command.
pub(crate) struct EarlierAttempts<'a> {
    /// Whether the same command has read a word before and left it as it was.
    pub(crate) was_read: &'a dyn Fn(&str) -> bool,
    /// Whether a word was moved by the last attempt of this build, too, and said the same afterwards.
    pub(crate) moved_alike: &'a dyn Fn(&str) -> bool,
}

impl EarlierAttempts<'_> {
    /// Whether a word that moved was moved by the command itself.
    fn is_written(&self, command: &Command, path: &str, moved: Moved) -> bool {
        match (writes(command, path), moved) {
            (Writes::Yes, _) => true,
            (Writes::No, _) | (Writes::Unknown, Moved::No | Moved::Marked | Moved::Passed) => false,
            // Edited and edited back by somebody else, if it does not happen again.
            (Writes::Unknown, Moved::Rewritten) => (self.moved_alike)(path) && !(self.was_read)(path),
            (Writes::Unknown, Moved::Changed) => !(self.was_read)(path),
        }
    }
}

/// The words of a command that may be files and are no artifacts.
fn words<'g>(context: PlanContext<'g>, target: &'g Target) -> impl Iterator<Item = &'g str> {
    let words: &[EcoString] = match &target.action {
        Action::Command(command) => &command.file_words,
        Action::Builtin { .. } => &[],
    };
    words
        .iter()
        .map(|word| word.strip_prefix("./").unwrap_or(word))
        .filter(move |word| !context.graph.is_artifact_or_in_one(word) && !takes_out(target, word))
}

/// Whether `"!word"` among the inputs of a target says that a word of its command is none.
fn takes_out(target: &Target, word: &str) -> bool {
    let mut rules = target.settings.without.iter().map(|rule| rule.pattern.as_str());
    rules.any(|rule| rule == word || PathMatcher::new(rule).is_ok_and(|matcher| matcher.is_match(word)))
}

/// What moved.
#[derive(Default)]
pub(crate) struct Moves<'g> {
    /// Inputs.
    pub(crate) inputs: Vec<(&'g Read, Moved)>,
    /// Words that the command wrote, with what it left there.
    pub(crate) written: Vec<(String, Digest)>,
    /// Words that were no inputs and stayed as they were.
    pub(crate) still: Vec<(&'g str, Digest)>,
    /// Words that the command wrote, whatever it left.
    pub(crate) words: Vec<String>,
}

impl Moves<'_> {
    fn add(&mut self, word: &str, after: &Sight) {
        self.words.push(word.to_owned());
        if let Some((digest, _)) = after.found {
            self.written.push((word.to_owned(), digest));
        }
    }
}

/// The failure of a target that is stale again each time a build has made all: tells what moves, and by whom.
pub(crate) fn failure(run: &Run<'_>, target: TargetId, reasons: &[Reason]) -> Failure {
    let graph = run.context.graph;
    let paths = reasons.iter().filter_map(|reason| match reason {
        Reason::Changed(Difference {
            field: Field::Input { role, path },
            ..
        }) => Some(path.as_ref().unwrap_or(role)),
        Reason::Changed(Difference {
            field: Field::Discovered(path),
            ..
        })
        | Reason::Altered { path, .. }
        | Reason::Missing { path, .. } => Some(path),
        _ => None,
    });
    let mut what: Vec<String> = Vec::new();
    for path in paths {
        let writers = writers(run, target, path);
        let was_moved_by_itself = writers.is_none();
        let writers: Vec<String> = writers
            .unwrap_or_default()
            .0
            .iter()
            .map(|id| format!("`{}`", graph.name(*id)))
            .collect();
        let by = match writers.as_slice() {
            [] if was_moved_by_itself => format!(", by `{}` itself", graph.name(target)),
            [] => String::new(),
            writers => format!(", by {}?", writers.join(" or ")),
        };
        what.push(format!("`{path}` was written while the build ran{by}"));
    }
    if what.is_empty() {
        what.push("what it depends on differs each time the build has made it".to_owned());
    }
    let mut failure = Failure::of(what.join("; "));
    failure
        .notes
        .push(format!("`{}` was made again, and it moved again", graph.name(target)));
    let help = "let what a target writes be its output, and name that as an input of those who read it";
    failure.help.push(help.to_owned());
    failure
}
