//! The inputs among what an attempt was seen to use: with what stands there, as long as that is what was read.

use std::collections::BTreeMap;
use std::time::Duration;

use super::scope::Scope;
use super::today::{leaves_out_of_listing, of_names};
use super::{Access, Found, Observed, python};
use crate::engine::attempt::Attempt;
use crate::engine::basis::Basis;
use crate::engine::digest::Digest;
use crate::engine::event::Event;
use crate::engine::execute::{Attempts, CHANGES, Executed, Execution, changes_too_often};
use crate::engine::files::{Files, PathState};
use crate::engine::graph::TargetId;
use crate::engine::ignore::Ignore;
use crate::engine::plan::PlanContext;
use crate::engine::result_id::{Discovered, Inherited, Installed};
use crate::engine::sight::Moved;
use crate::engine::spec::{Action, Command, Means};
use crate::engine::store::{History, StoredResult};
use crate::engine::writes::{Writes, writes};

/// What a result was seen to use beyond what is declared.
#[derive(Debug, Default)]
pub(crate) struct Uses {
    pub(crate) discovered: Vec<Discovered>,
    pub(crate) installed: Vec<Installed>,
    /// By which means it was looked.
    pub(crate) seen_by: Option<Means>,
    /// Files that the attempt read and wrote itself, and what it left there.
    pub(crate) written: Vec<(String, Digest)>,
}

impl Uses {
    /// Adds what the attempts used on whose work this one went on.
    pub(crate) fn inherit(&mut self, attempt: &Attempt<'_>) {
        let Some((discovered, installed)) = attempt.inherited.get() else {
            return;
        };
        for used in discovered {
            if !self.discovered.iter().any(|known| known.path == used.path) {
                self.discovered.push(used.clone());
            }
        }
        for used in installed {
            if !self
                .installed
                .iter()
                .any(|known| (&known.name, &known.at) == (&used.name, &used.at))
            {
                self.installed.push(used.clone());
            }
        }
    }
}

/// One path that was used, after the attempt.
struct UsedPath {
    path: String,
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
        basis: &Basis<'_>,
        history: &History,
        attempts: &mut Attempts,
    ) -> Result<Uses, Box<Executed>> {
        let Some(observed) = observed else {
            return Ok(Uses::default());
        };
        if observed.is_empty() {
            self.tell_silence(observed, history);
            return Ok(Uses {
                seen_by: Some(observed.means),
                ..Uses::default()
            });
        }
        let seen = SeenPaths::of(self.run.context, self.id, observed);
        let own = self.own_writes(observed, &basis.written, history, &seen.scope);
        let mut uses = Uses {
            discovered: Vec::new(),
            installed: observed.imports.installed(self.run.context.files),
            seen_by: Some(observed.means),
            written: self.own_to_keep(observed, &own, basis, history),
        };
        let mut moved = Vec::new();
        for UsedPath {
            path,
            content,
            moved: how,
        } in seen.files(&own).into_iter().chain(seen.listings(&own))
        {
            let content = match role(&path, how, history, attempts) {
                Role::Input => content,
                Role::Own => {
                    self.tell_own(&path);
                    uses.written.extend(content.map(|content| (path, content)));
                    continue;
                }
                Role::Moved => {
                    moved.push(path.clone());
                    let before = history.record().and_then(|record| content_in(record, &path));
                    // Nobody knows what it was, but not what stands there now.
                    Some(before.unwrap_or(Digest::of(b"what stood there before")))
                }
            };
            uses.discovered.push(Discovered { path, content });
        }
        seen.add_shadows(&mut uses.discovered);
        match moved.first() {
            Some(first) if !self.target().settings.effect => {
                let again = again_for(first, attempts);
                attempts.moved_used = moved;
                Err(Box::new(again))
            }
            _ => Ok(uses),
        }
    }

    /// What an attempt that failed was seen to use, with what stands there; `None` if any of it moved meanwhile.
    pub(crate) fn used_in_vain(&self, attempt: &Attempt<'_>, history: &History) -> Option<Inherited> {
        let mut all = Uses::default();
        match attempt.observed.get() {
            Some(observed) => {
                all.discovered = self.used_until_now(observed, history)?;
                all.installed = observed.imports.installed(self.run.context.files);
            }
            None if self.target().settings.discover.is_some() => return None,
            None => {}
        }
        all.inherit(attempt);
        Some((all.discovered, all.installed))
    }

    fn used_until_now(&self, observed: &Observed, history: &History) -> Option<Vec<Discovered>> {
        let seen = SeenPaths::of(self.run.context, self.id, observed);
        seen.unmoved(&self.own_writes(observed, &[], history, &seen.scope))
    }

    /// The paths that the attempt is known to write: it was seen to, its command says so, or an earlier one did.
    fn own_writes(
        &self,
        observed: &Observed,
        written: &[(String, Digest)],
        history: &History,
        scope: &Scope<'_>,
    ) -> Vec<String> {
        let command = match &self.target().action {
            Action::Command(command) => Some(command),
            Action::Builtin { .. } => None,
        };
        let is_known = |path: &str| {
            let mut written = written.iter().chain(history.written());
            let says_so = || command.is_some_and(|command| writes(command, path) == Writes::Yes);
            written.any(|(it, _)| it == path) || says_so()
        };
        let own = |(path, access): (&String, &Access)| (access.written || is_known(path)).then(|| path.clone());
        let counting = observed.accesses.iter().filter(|(path, _)| !scope.leaves_out(path));
        counting.filter_map(own).collect()
    }

    /// Those of its own files that later ones have to know: an earlier attempt found that out, or they are among the names
    /// of a directory that it listed. Words of the command are kept by what it is based on.
    fn own_to_keep(
        &self,
        observed: &Observed,
        own: &[String],
        basis: &Basis<'_>,
        history: &History,
    ) -> Vec<(String, Digest)> {
        let PlanContext { files, graph, .. } = self.run.context;
        let is_listed = |path: &&String| {
            let directory = path
                .rsplit_once('/')
                .map_or("./".to_owned(), |(above, _)| format!("{above}/"));
            observed.listings.contains_key(&directory)
        };
        let is_in = |written: &[(String, Digest)], path: &String| written.iter().any(|(it, _)| it == path);
        let is_needed =
            |path: &&String| (is_listed(path) || is_in(history.written(), path)) && !is_in(&basis.written, path);
        let found = own.iter().filter(is_needed).filter_map(|path| {
            let (content, _) = files.source(path, graph.ignore()).ok()??;
            Some((path.clone(), content))
        });
        found.collect()
    }

    fn tell_own(&self, path: &str) {
        let message = format!(
            "`{path}` is written by the command of `{}`, which reads it: it is taken for no input; say so with \
             `\"!{path}\"` in `inputs`",
            self.target().name
        );
        self.run.observer.observe(&Event::Warning { message });
    }

    /// Says of a command whose Python has told nothing that nothing is discovered; once for each target.
    fn tell_silence(&self, observed: &Observed, history: &History) {
        let commands: Vec<&Command> = match &self.target().action {
            Action::Command(command) => vec![command],
            Action::Builtin { .. } => {
                let programs = self.run.context.graph.programs(self.id);
                programs.map(|program| &program.command).collect()
            }
        };
        let is_silent = observed.means == Means::Python && observed.is_empty();
        if !is_silent || history.record().is_some_and(|record| record.seen_by.is_some()) {
            return;
        }
        for why in commands.into_iter().filter_map(python::silence) {
            let message = format!(
                "nothing that `{}` uses is discovered, for {why}; declare what it uses, or say `discover = \"off\"`",
                self.target().name
            );
            self.run.observer.observe(&Event::Warning { message });
        }
    }
}

/// What a program of a built-in task was seen to use, with what stands there; `None` if any of it moved meanwhile.
pub(crate) fn used_by_program(context: PlanContext<'_>, id: TargetId, observed: &Observed) -> Option<Inherited> {
    let seen = SeenPaths::of(context, id, observed);
    let own = |(path, access): (&String, &Access)| access.written.then(|| path.clone());
    let own: Vec<String> = observed.accesses.iter().filter_map(own).collect();
    let mut discovered = seen.unmoved(&own)?;
    seen.add_shadows(&mut discovered);
    Some((discovered, observed.imports.installed(context.files)))
}

/// What an attempt was seen to touch, sorted out.
struct SeenPaths<'a> {
    context: PlanContext<'a>,
    observed: &'a Observed,
    scope: Scope<'a>,
}

impl<'a> SeenPaths<'a> {
    fn of(context: PlanContext<'a>, id: TargetId, observed: &'a Observed) -> Self {
        let scope = Scope::of(context, id);
        Self {
            context,
            observed,
            scope,
        }
    }

    /// All that was used and counts, as it is now; `None` if any of it moved meanwhile.
    fn unmoved(&self, own: &[String]) -> Option<Vec<Discovered>> {
        let used = self.files(own).into_iter().chain(self.listings(own));
        used.map(|UsedPath { path, content, moved }| (moved == Moved::No).then_some(Discovered { path, content }))
            .collect()
    }

    /// The files that were read and count, as they are now.
    fn files(&self, own: &[String]) -> Vec<UsedPath> {
        let (observed, scope) = (self.observed, &self.scope);
        let PlanContext { files, graph, .. } = self.context;
        let is_read = |(path, access): &(&String, &Access)| {
            !access.reads.is_empty() && !own.contains(path) && scope.is_input(path)
        };
        let read = observed.accesses.iter().filter(is_read);
        let used = read.filter_map(|(path, access)| {
            let (state, content) = state_of(files, path, graph.ignore())?;
            let moved = access.reads.iter().map(|found| observed.moved(*found, state));
            let moved = match moved.max()? {
                // It went away while it was looked at.
                Moved::No if files.look(path) != state => Moved::Changed,
                moved => moved,
            };
            // What a list names and is gone at the end was made on the way.
            let is_passing = access.reads == [Found::SomeTime] && content.is_none();
            let path = path.clone();
            (!is_passing).then_some(UsedPath { path, content, moved })
        });
        self.together(used.collect(), own)
    }

    /// Takes a directory of which many files were read for one input, with all that is in it: unless that would have in
    /// it what the command or another target writes.
    fn together(&self, files: Vec<UsedPath>, own: &[String]) -> Vec<UsedPath> {
        const MANY: usize = 500;
        let PlanContext { files: disk, graph, .. } = self.context;
        let directory_of = |path: &str| path.rsplit_once('/').map(|(directory, _)| directory.to_owned());
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for directory in files.iter().filter_map(|file| directory_of(&file.path)) {
            *counts.entry(directory).or_default() += 1;
        }
        let whole = counts.into_iter().filter_map(|(path, count)| {
            let is_within = |own: &String| own.strip_prefix(&path).is_some_and(|rest| rest.starts_with('/'));
            let is_clean = count > MANY && !own.iter().any(is_within) && !graph.leads_to_artifact(&path);
            let (content, _) = disk.source(&path, graph.ignore()).ok().flatten().filter(|_| is_clean)?;
            Some((path, Some(content)))
        });
        let whole: BTreeMap<String, Option<Digest>> = whole.collect();
        let is_part = |file: &UsedPath| directory_of(&file.path).is_some_and(|it| whole.contains_key(&it));
        let (parts, mut used): (Vec<UsedPath>, Vec<UsedPath>) = files.into_iter().partition(is_part);
        used.extend(whole.iter().map(|(path, content)| {
            let of_it = parts
                .iter()
                .filter(|part| directory_of(&part.path).as_ref() == Some(path));
            UsedPath {
                path: path.clone(),
                content: *content,
                moved: of_it.map(|part| part.moved).max().unwrap_or(Moved::No),
            }
        }));
        used
    }

    /// The directories that were listed and count, by the names in them now.
    fn listings(&self, own: &[String]) -> Vec<UsedPath> {
        let (observed, scope) = (self.observed, &self.scope);
        let context = self.context;
        let own: Vec<(String, Digest)> = own.iter().map(|path| (path.clone(), Digest::of(b""))).collect();
        let leaves_out = |path: &str, is_dir: bool| leaves_out_of_listing(context.graph, &own, path, is_dir);
        let counting = observed
            .listings
            .iter()
            .filter(|(directory, _)| scope.is_input(directory.trim_end_matches('/')));
        let used = counting.map(|(path, names)| {
            let below = |name: &String| format!("{}{name}", path.trim_start_matches("./"));
            let mut then: Vec<String> = names.clone();
            then.retain(|name| !leaves_out(&below(name), context.files.at(&below(name)).is_dir()));
            let now = context.files.names(path, &leaves_out);
            UsedPath {
                path: path.clone(),
                content: now.as_deref().map(of_names),
                moved: if now == Some(then) { Moved::No } else { Moved::Changed },
            }
        });
        used.collect()
    }

    /// Adds the absence of modules that would be imported instead of those that were.
    fn add_shadows(&self, discovered: &mut Vec<Discovered>) {
        let (observed, scope) = (self.observed, &self.scope);
        let read = observed.accesses.iter().filter(|(_, access)| !access.reads.is_empty());
        let root = self.context.files.root();
        let shadows = observed.imports.shadows(root, read.map(|(path, _)| path.as_str()));
        for path in shadows.into_iter().filter(|path| scope.is_input(path)) {
            if !discovered.iter().any(|it| it.path == path) {
                discovered.push(Discovered { path, content: None });
            }
        }
    }
}

impl Observed {
    /// How what stands at a path differs from what was read there.
    fn moved(&self, found: Found, now: PathState) -> Moved {
        match (found, now) {
            (Found::SomeTime, PathState::File(identity)) if !self.begun.is_after(&identity) => Moved::Rewritten,
            (Found::SomeTime, _) | (Found::Nothing, PathState::Missing | PathState::Unreadable(_)) => Moved::No,
            (Found::File(before), PathState::File(now)) if before == now => match self.begun.is_before(&now) {
                // Written before it was read, by somebody.
                true => Moved::Rewritten,
                false => Moved::No,
            },
            (Found::File(before), PathState::File(now)) if before.is_marked_only(&now) => Moved::Marked,
            _ => Moved::Changed,
        }
    }
}

/// What a used path is to a target. What moves once more in the next attempt, and was left alone by the one of the record,
/// is the command's own: as a file that it makes on the way. What only had its permissions set each time is none the less
/// an input.
fn role(path: &str, how: Moved, history: &History, attempts: &Attempts) -> Role {
    let was_moved = attempts.moved_used.iter().any(|it| it == path);
    let was_read = || {
        history
            .record()
            .is_some_and(|record| content_in(record, path).is_some())
    };
    match how {
        Moved::No => Role::Input,
        Moved::Marked if was_moved => Role::Input,
        Moved::Rewritten | Moved::Changed if was_moved && !was_read() => Role::Own,
        _ => Role::Moved,
    }
}

/// What comes of an attempt during which something moved that it was seen to use.
fn again_for(path: &str, attempts: &mut Attempts) -> Executed {
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

/// What is at a path where a file was read, and its content; nothing for a directory or a device.
fn state_of(files: &Files, path: &str, ignore: &Ignore) -> Option<(PathState, Option<Digest>)> {
    let state = files.look(path);
    match state {
        PathState::File(_) => {
            let found = files.source(path, ignore).ok().flatten();
            Some((state, found.map(|(content, _)| content)))
        }
        PathState::Missing | PathState::Unreadable(_) => Some((state, None)),
        PathState::Directory | PathState::Other => None,
    }
}

/// What stood at a path that a result was seen to use.
fn content_in(record: &StoredResult, path: &str) -> Option<Digest> {
    record.discovered.iter().find(|it| it.path == path)?.content
}
