//! The inputs among what an attempt was seen to use: with what stands there, as long as that is what was read.

use std::time::Duration;

use super::scope::Scope;
use super::{Access, Found, Observed};
use crate::engine::digest::Digest;
use crate::engine::event::Event;
use crate::engine::execute::{Attempts, CHANGES, Executed, Execution, changes_too_often};
use crate::engine::files::PathState;
use crate::engine::result_id::Discovered;
use crate::engine::sight::Moved;
use crate::engine::spec::{Action, Means};
use crate::engine::store::{History, StoredResult};
use crate::engine::writes::{Writes, writes};

/// What a result was seen to use beyond what is declared.
#[derive(Debug, Default)]
pub(crate) struct Uses {
    pub(crate) discovered: Vec<Discovered>,
    /// By which means it was looked.
    pub(crate) seen_by: Option<Means>,
    /// Files that the attempt read and wrote itself, and what it left there.
    pub(crate) written: Vec<(String, Digest)>,
}

/// One path that was used, after the attempt.
struct UsedPath<'o> {
    path: &'o str,
    content: Option<Digest>,
    moved: Moved,
}

/// What a used path is to a target.
enum Role {
    Input,
    /// The command itself wrote it.
    Own,
    /// It moved while the attempt ran, and nobody knows which of the two it read.
    Moved,
}

impl Execution<'_> {
    /// What an attempt used; if something of it moved meanwhile, the attempt counts for nothing and is made again. Only
    /// that of an effect, which has acted, counts: as if it had read what was there before, so that it is stale.
    pub(crate) fn uses(
        &self,
        observed: Option<&Observed>,
        history: &History,
        attempts: &mut Attempts,
    ) -> Result<Uses, Box<Executed>> {
        let Some(observed) = observed else {
            return Ok(Uses::default());
        };
        let mut uses = Uses {
            seen_by: Some(observed.means),
            ..Uses::default()
        };
        let mut moved = Vec::new();
        for UsedPath {
            path,
            content,
            moved: how,
        } in self.used_paths(observed)
        {
            let path = path.to_owned();
            let content = match self.role(&path, how, history, attempts) {
                Role::Input => content,
                Role::Own => {
                    self.tell_own(&path, history);
                    uses.written.extend(content.map(|content| (path, content)));
                    continue;
                }
                Role::Moved => {
                    moved.push(path.clone());
                    history.record().and_then(|record| content_in(record, &path))
                }
            };
            uses.discovered.push(Discovered { path, content });
        }
        match moved.first() {
            Some(first) if !self.target().effect => {
                let again = self.again_for_used(first, attempts);
                attempts.moved_used = moved;
                Err(Box::new(again))
            }
            _ => Ok(uses),
        }
    }

    /// What moves once more in the next attempt, and was left alone by the one of the record, is the command's own: as a
    /// file that it makes on the way. What only had its permissions set each time is none the less an input.
    fn role(&self, path: &str, how: Moved, history: &History, attempts: &Attempts) -> Role {
        let was_moved = attempts.moved_used.iter().any(|it| it == path);
        let was_read = || {
            history
                .record()
                .is_some_and(|record| content_in(record, path).is_some())
        };
        match how {
            Moved::No => Role::Input,
            Moved::Marked if was_moved => Role::Input,
            Moved::Marked | Moved::Passed => Role::Moved,
            Moved::Rewritten | Moved::Changed if self.is_own(path, history) => Role::Own,
            Moved::Rewritten | Moved::Changed if was_moved && !was_read() => Role::Own,
            Moved::Rewritten | Moved::Changed => Role::Moved,
        }
    }

    /// Whether the command says that it writes a path, or was seen to.
    fn is_own(&self, path: &str, history: &History) -> bool {
        let says_so = match &self.target().action {
            Action::Command(command) => writes(command, path) == Writes::Yes,
            Action::Builtin { .. } => false,
        };
        says_so || history.written().iter().any(|(it, _)| it == path)
    }

    fn tell_own(&self, path: &str, history: &History) {
        if self.is_own(path, history) {
            return;
        }
        let message = format!(
            "`{path}` is written by the command of `{}`, which reads it: it is taken for no input; say so with \
             `\"!{path}\"` in `inputs`",
            self.target().name
        );
        self.run.observer.observe(&Event::Warning { message });
    }

    fn again_for_used(&self, path: &str, attempts: &mut Attempts) -> Executed {
        attempts.changed += 1;
        attempts.made -= 1;
        if attempts.changed <= CHANGES {
            return Executed::Again(Duration::ZERO);
        }
        let mut failure = changes_too_often(path);
        let help = format!("if the command writes it itself, say so: `\"!{path}\"` in `inputs`");
        failure.help.push(help);
        Executed::Failed(failure)
    }

    /// The files that count, as they are now.
    fn used_paths<'o>(&self, observed: &'o Observed) -> Vec<UsedPath<'o>> {
        let context = self.run.context;
        let scope = Scope::of(context, self.id);
        let counts = |path: &str| !scope.leaves_out(path) && scope.artifact_at(path).is_none();
        let used = |(path, access): (&'o String, &Access)| {
            let before = context.files.look(path);
            let content = match before {
                PathState::File(_) => context.files.source(path, context.graph.ignore()).ok()??.0,
                // What is gone at the end was made on the way.
                _ => return None,
            };
            let moved = match (before, context.files.look(path)) {
                (before, after) if before != after => Moved::Changed,
                (PathState::File(identity), _) => {
                    let how = access.reads.iter().map(|found| match found {
                        Found::SomeTime if observed.begun.is_after(&identity) => Moved::No,
                        Found::SomeTime => Moved::Rewritten,
                    });
                    how.max().unwrap_or(Moved::No)
                }
                _ => Moved::No,
            };
            let content = Some(content);
            Some(UsedPath { path, content, moved })
        };
        let counting = observed.accesses.iter().filter(|(path, _)| counts(path));
        counting.filter_map(used).collect()
    }
}

/// What stood at a path that a result was seen to use.
fn content_in(record: &StoredResult, path: &str) -> Option<Digest> {
    record.discovered.iter().find(|it| it.path == path)?.content
}
