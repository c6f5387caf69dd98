//! On what an attempt that succeeded is based: nothing that it read moved meanwhile, save what its command wrote itself.

use std::time::Duration;

use super::attempt::Attempt;
use super::dependencies;
use super::digest::Digest;
use super::event::{Event, Failure};
use super::execute::{Attempts, CHANGES, Executed, Execution, Overtaken, cannot_plan, changes_too_often};
use super::files::PathState;
use super::fingerprint::Fingerprint;
use super::graph::{How, Read, TargetId};
use super::moves::{EarlierAttempts, Moves, Seen};
use super::plan::PlanError;
use super::run::Run;
use super::sight::Moved;
use super::spec::ParamsFile;
use super::store::History;
use super::store::entry::ResultEntry;

/// The failure of a target whose command reads a parameter file that is no longer the one whose values are known.
pub(super) fn edited_params_file(file: &ParamsFile) -> Failure {
    let mut failure = Failure::of(format!("`{}` was edited after this build had read it", file.path));
    let note = "the command reads it too, and nobody knows which values it saw";
    failure.notes.push(note.to_owned());
    failure.help.push("build again".to_owned());
    failure
}

/// On what an attempt is based.
pub(crate) struct Basis<'g> {
    /// What it read.
    pub(crate) reads: Vec<&'g Read>,
    /// Words of the command that the command itself wrote, and what it left there.
    pub(crate) written: Vec<(String, Digest)>,
    /// Its fingerprint.
    pub(crate) fingerprint: Fingerprint,
}

impl<'g> Basis<'g> {
    /// What stood there before an attempt, whatever moved since.
    pub(super) fn before(fingerprint: &Fingerprint, seen: &Seen<'g>) -> Self {
        Self {
            reads: seen.reads.clone(),
            written: Vec::new(),
            fingerprint: fingerprint.clone(),
        }
    }
}

impl<'a> Execution<'a> {
    /// Finds out whether anything that was read was changed while the attempt ran: then nothing is committed. Else tells
    /// on what the attempt is based.
    pub(super) fn changed_meanwhile(
        &self,
        fingerprint: &Fingerprint,
        history: &History,
        seen: &Seen<'a>,
        attempts: &mut Attempts,
    ) -> Result<Basis<'a>, Box<Executed>> {
        let now = self
            .look(seen.reads.clone())
            .map_err(|failure| Executed::Failed(*failure))?;
        if let Some(file) = seen.moved_params_file(&now).filter(|_| !self.target().settings.effect) {
            return Err(Box::new(Executed::Failed(edited_params_file(file))));
        }
        let same_before = self.same_command_before(fingerprint, history);
        let was_read = |word: &str| same_before().is_some_and(|past| past.read.iter().any(|(_, path)| path == word));
        let moved_before = |path: &str| {
            attempts
                .moved_alike
                .iter()
                .find(|(it, _)| it == path)
                .map(|(_, how)| *how)
        };
        let moved_alike = |path: &str| moved_before(path).is_some();
        let earlier = EarlierAttempts {
            was_read: &was_read,
            moved_alike: &moved_alike,
        };
        let moves = seen.compare(&now, self.target(), &earlier);
        // What only had the time of its last change moved, twice in a row, is marked by the command itself, as `chmod`
        // does; and in what something came and went each time, the command keeps a file of its own for a while.
        let is_new = |(read, moved): &&(&Read, Moved)| match moved {
            Moved::Marked => !moved_alike(&read.path),
            Moved::Passed => moved_before(&read.path).is_none_or(|before| before > Moved::Passed),
            _ => true,
        };
        if let Some((read, _)) = moves.inputs.iter().find(is_new) {
            let alike = moves.inputs.iter().filter(|(_, moved)| *moved != Moved::Changed);
            attempts.moved_alike = alike.map(|(read, how)| (read.path.to_string(), *how)).collect();
            let at = seen.moved_at(&now, read, self.run.context.files.root());
            return Err(Box::new(Self::again_for(self.id, read, at, attempts)));
        }
        let was_written = |word: &str| history.written().iter().any(|(it, _)| it == word);
        for word in moves.words.iter().filter(|word| !was_written(word)) {
            self.tell_written(word);
        }
        let mut written = moves.written.clone();
        let mut still = moves.still.iter().filter(|(word, _)| was_written(word)).peekable();
        if still.peek().is_some() && same_before().is_some() {
            // A command that found nothing to write this time may write it the next.
            written.extend(still.map(|(word, digest)| ((*word).to_owned(), *digest)));
        }
        self.basis(fingerprint, &moves, written, seen)
            .map_err(|errors| Box::new(Executed::Failed(cannot_plan(&errors))))
    }

    /// `at` is the path that moved in what is read.
    fn again_for(target: TargetId, read: &Read, at: Option<String>, attempts: &mut Attempts) -> Executed {
        attempts.changed += 1;
        attempts.made -= 1;
        if attempts.changed > CHANGES {
            let mut failure = changes_too_often(&read.path);
            if read.how == How::Word {
                let help = format!(
                    "if the command writes it itself, say so: `\"!{}\"` in `inputs`",
                    read.path
                );
                failure.help.push(help);
            } else if let Some(at) = at.filter(|at| *at != read.path) {
                failure.notes.push(format!("it was `{at}` that moved"));
                let help = format!("if the command writes it itself, take it out: `\"!{at}\"` in `inputs`");
                failure.help.extend(read.artifact.is_none().then_some(help));
            }
            return Executed::Failed(failure);
        }
        match read.artifact {
            Some(_) => Executed::Overtaken(Overtaken { target, by: None }),
            None => Executed::Again(Duration::ZERO),
        }
    }

    /// The result in place, if it was made by the command of today; read when it is asked for.
    fn same_command_before<'h>(
        &'h self,
        fingerprint: &'h Fingerprint,
        history: &'h History,
    ) -> impl Fn() -> Option<ResultEntry> + 'h {
        move || {
            let past = self.run.context.store.records.result(history.record()?.id)?;
            let is_same = past.fingerprint.as_ref()?.action == fingerprint.action;
            is_same.then_some(past)
        }
    }

    /// On what an attempt is based: its inputs, without the words that its command wrote itself.
    fn basis(
        &self,
        fingerprint: &Fingerprint,
        moves: &Moves<'a>,
        written: Vec<(String, Digest)>,
        seen: &Seen<'a>,
    ) -> Result<Basis<'a>, Vec<PlanError>> {
        let is_written = |path: &str| {
            let mut kept = written.iter().map(|(word, _)| word).chain(&moves.words);
            kept.any(|word| word == path)
        };
        let all = self.run.context.graph.node(self.id).reads.iter();
        let reads: Vec<&Read> = all
            .filter(|read| read.how != How::Word || read.artifact.is_some() || !is_written(&read.path))
            .collect();
        let is_same = reads.len() == seen.reads.len() && reads.iter().zip(&seen.reads).all(|(a, b)| a.path == b.path);
        let fingerprint = if is_same {
            fingerprint.clone()
        } else {
            let content = |id| self.content(id);
            let (taken, _) = dependencies::take_fingerprint(self.run.inputs(), self.id, &reads, &content)?;
            let probe = fingerprint.probe.clone();
            Fingerprint { probe, ..taken }
        };
        Ok(Basis {
            reads,
            written,
            fingerprint,
        })
    }

    /// Lets the next attempt go on with what one that did not succeed had written, if it saw the same from its beginning
    /// to its end; says whether there is anything.
    pub(super) fn confirm_unfinished(&self, seen: &Seen<'a>, attempt: &Attempt<'_>, history: &History) -> bool {
        let (store, outputs) = (self.run.context.store, &self.target().outputs);
        if !self.target().settings.resume {
            return false;
        }
        let is_same = self.look(seen.reads.clone()).is_ok_and(|now| seen.is_same(&now));
        if let Some(used) = self.used_in_vain(attempt, history).filter(|_| is_same) {
            let kept = store.confirm_unfinished(outputs, attempt.effect_key, &used);
            return kept.unwrap_or(false);
        }
        // Without its id it counts for nothing.
        let _ = store.drop_unfinished(outputs);
        false
    }

    fn tell_written(&self, word: &str) {
        let message = format!(
            "`{word}` is written by the command of `{}`, which names it: it is taken for no input; say so with \
             `\"!{word}\"` in `inputs`",
            self.target().name
        );
        self.run.observer.observe(&Event::Warning { message });
    }

    /// Keeps what is in the directories that were read, so that a later build can tell what came, went or changed.
    pub(super) fn keep_listings(&self, reads: &[&Read]) {
        let Run { context, .. } = self.run;
        for read in reads {
            let tree = match (context.files.look(&read.path), read.artifact) {
                (PathState::Directory, Some(_)) => context.files.content_tree(&read.path),
                (PathState::Directory, None) => context.files.source_tree(&read.path, context.graph.ignore_of(read)),
                _ => continue,
            };
            // Without it an explanation says less, and that is all.
            if let Ok(tree) = tree {
                let _ = context.store.keep_listing(&tree);
            }
        }
    }
}
