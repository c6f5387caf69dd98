//! How time counts for a target: `max_age`, `every` and `probe`, and what does not go together.

use super::command::{LISTS, put, usual_shell};
use super::mistakes::Mistakes;
use super::resolve::Resolver;
use super::scope::{Lookup, Scope, fits_in_text, unknown_param};
use super::syntax::{self, Word};
use super::targets::{CommandDraft, Draft};
use super::template::{self, TemplatePart};
use crate::engine::spec::{ProbeCommand, Timing};

impl Resolver<'_, '_> {
    /// Checks the keys of a target that say how time counts for it.
    pub(super) fn timing(&self, draft: &Draft<'_>, mistakes: &mut Mistakes) -> Timing {
        let probe = draft.settings().probe.as_ref().and_then(|probe| {
            goes_with_the_rest(draft, probe, mistakes);
            self.probe(draft, probe, mistakes)
        });
        if let (Some((age, max_age)), Some((span, every))) = (draft.settings().max_age, draft.settings().every)
            && every > max_age
        {
            mistakes
                .error(span, "`every` is longer than `max_age`")
                .also(age, "`max_age`")
                .note("a result that is too old has to be made anew, and `every` would not let it")
                .help("let `max_age` be at least as long as `every`");
        }
        Timing {
            max_age: draft.settings().max_age.map(|(_, age)| age),
            every: draft.settings().every.map(|(_, pause)| pause),
            probe: probe.map(Box::new),
        }
    }

    /// A probe with its parameters put in: they are no parameters of the target, whose result depends on the answer.
    fn probe(&self, draft: &Draft<'_>, probe: &CommandDraft<'_>, mistakes: &mut Mistakes) -> Option<ProbeCommand> {
        let mut words = Vec::with_capacity(probe.words.len());
        for word in &probe.words {
            words.push(self.filled(draft, *word, probe.shell, mistakes)?);
            if probe.shell {
                self.undeclared_secrets(draft, *word, mistakes);
            }
        }
        let shell = || match self.own_shell(draft) {
            Some(own) => own.into(),
            None => usual_shell(&probe.words),
        };
        Some(ProbeCommand {
            words,
            shell: probe.shell.then(shell),
            span: probe.key,
        })
    }

    /// A word of a probe with the values of its parameters; `None` after a mistake that is told.
    fn filled(&self, draft: &Draft<'_>, word: Word<'_>, shell: bool, mistakes: &mut Mistakes) -> Option<String> {
        let scope = Scope::of(self.params, draft);
        let (parts, mut whole) = template::split(self.text, word, mistakes);
        let mut out = String::new();
        for part in parts {
            match part {
                TemplatePart::Literal(literal) => out.push_str(literal),
                TemplatePart::Hole(hole) => match scope.find(hole.name) {
                    Lookup::Value(value, _) => {
                        whole &= fits_in_text(self.text, word, &hole, value, mistakes);
                        put(&mut out, value, shell);
                    }
                    Lookup::Broken => whole = false,
                    Lookup::Unknown if is_of_the_project(hole.name) => {
                        whole = false;
                        mistakes
                            .error(
                                syntax::within(self.text, word, &hole.at),
                                format!("`{{{{{}}}}}` cannot stand in a probe", hole.name),
                            )
                            .note("a probe asks the outside world: what the target reads counts by itself")
                            .help("put in parameters only");
                    }
                    Lookup::Unknown => {
                        whole = false;
                        unknown_param(self.text, word, &hole, scope.names(), mistakes);
                    }
                },
            }
        }
        whole.then_some(out)
    }
}

/// Whether a hole means something that a command reads or writes.
fn is_of_the_project(name: &str) -> bool {
    LISTS.contains(&name) || name.starts_with("input.") || name.starts_with("output.")
}

fn goes_with_the_rest(draft: &Draft<'_>, probe: &CommandDraft<'_>, mistakes: &mut Mistakes) {
    if draft.uses.is_some() {
        mistakes
            .error(probe.key, "`probe` is for commands")
            .note("a built-in task that reads from a server asks it itself")
            .help("remove it: with `max_age`, the task's own question is asked");
    } else if draft.settings().max_age.is_none() {
        mistakes
            .error(probe.key, "`probe` needs `max_age`")
            .help("say how long an answer counts: `max_age = \"6h\"`; with \"0s\" each build asks");
    }
}
