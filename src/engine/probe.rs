//! Asks the outside world for a target: the task's own question, or a command whose output is compared.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::attempt::Attempt;
use super::attempt_error::AttemptError;
use super::attempt_log::Log;
use super::clock;
use super::command::{self, Process, ProcessEnd, Stream, describe};
use super::digest::Digest;
use super::event::{Event, Failure, Notice};
use super::execute::{Attempts, Executed, Execution};
use super::fingerprint::Fingerprint;
use super::look::Look as _;
use super::plan::{PlanContext, Step, Verdict};
use super::spec::{Action, Command, ProbeCommand, Target};
use super::store::entry::{Answer, Entry};
use super::store::{Held, StoreError};
use super::task::{Context, Message};
use super::timing::{params_of, question};
use super::turns::Pace;
use crate::outward::{Mask, plain};

/// How long an answer may take: a probe is a cheap question.
const LIMIT: Duration = Duration::from_mins(1);
/// Most bytes of an answer.
const LARGEST: usize = 16 << 20;
/// Most characters of an answer that is kept as it is.
const SHOWN: usize = 200;
/// Of a longer one, so many are kept beside its digest.
const BEGINNING: usize = 60;

impl Execution<'_> {
    /// Whether a verdict needs the answer of the target's probe: it is open since that is not known, or an attempt
    /// follows, which the answer has to precede.
    pub(super) fn asks_before(&self, step: &Step) -> bool {
        let PlanContext { tasks, env, .. } = self.run.context;
        let runs = match &step.verdict {
            Verdict::Undecided | Verdict::Stale { restore: None, .. } => true,
            Verdict::Stale { .. } | Verdict::Fresh | Verdict::Held { .. } => false,
        };
        runs && question(self.target(), tasks, env).is_some()
    }

    /// Asks the target's probe and keeps the answer; gives the end of the turn if there is none.
    pub(super) async fn ask(&self, held: &Held, attempts: &mut Attempts) -> Result<Option<Executed>, StoreError> {
        let PlanContext {
            store,
            files,
            tasks,
            env,
            ..
        } = self.run.context;
        // Before it is asked: whatever happens out there from here on is news.
        let at = clock::milliseconds_of(files.now());
        let begun = Instant::now();
        let asking = self.attempt_of(attempts.made + 1, Digest::of(b""), held);
        let answer = match asking.ask(self.pace).await {
            Ok(answer) => answer.unwrap_or_default(),
            Err(AttemptError::Interrupted) => return Ok(Some(Executed::Interrupted)),
            Err(AttemptError::Store(error)) => return Err(error),
            Err(AttemptError::Failed(failure)) => {
                attempts.made += 1;
                return self.failed(*failure, begun.elapsed(), attempts).map(Some);
            }
        };
        let Some(question) = question(self.target(), tasks, env) else {
            return Ok(None);
        };
        let history = self.history();
        let before = history.answer().map(|before| &before.answer);
        let notice = Notice::Answered {
            answer: answer.clone(),
            before: before.filter(|before| **before != answer).cloned(),
        };
        let target = self.target().name.clone();
        let answer = Answer { question, answer, at };
        store.records.append(&[Entry::Answered {
            target: target.to_string(),
            answer,
        }])?;
        let target = self.id;
        self.run.observer.observe(&Event::Noticed { target, notice });
        Ok(None)
    }

    /// Asks once more after an attempt. If the answer is another one, nobody knows which of the two worlds was read: what
    /// is returned stands for both in the fingerprint, and is no answer that there can be, so that the result is neither
    /// fresh in the next plan nor ever put back.
    pub(super) async fn changed_answer(&self, attempt: &Attempt<'_>, fingerprint: &Fingerprint) -> Option<String> {
        let before = fingerprint.probe.as_ref()?;
        let PlanContext { tasks, env, .. } = self.run.context;
        question(self.target(), tasks, env)?;
        let after = match attempt.ask(self.pace).await {
            Ok(answer) => answer.unwrap_or_default(),
            Err(_) => "no answer".to_owned(),
        };
        if after == *before {
            return None;
        }
        let message = format!(
            "what the probe of `{}` answers changed while it ran: what it made counts for neither answer",
            self.target().name
        );
        self.run.observer.observe(&Event::Warning { message });
        // No answer begins with a space.
        Some(format!(" {before} and then {after}"))
    }
}

impl Attempt<'_> {
    /// Asks the outside world; `None` where there is nothing to ask.
    pub(crate) async fn ask(&self, pace: &Pace) -> Result<Option<String>, AttemptError> {
        let target = self.context.graph.target(self.target);
        self.observer.observe(&Event::Progress {
            target: self.target,
            message: "asks the outside world".to_owned(),
        });
        let limit = target.settings.timeout.map_or(LIMIT, |timeout| timeout.min(LIMIT));
        let asked = match (&target.action, &target.settings.timing.probe) {
            (Action::Builtin { task, .. }, _) => self.ask_task(target, task, limit)?,
            (Action::Command(command), Some(probe)) => {
                Some(self.ask_command(target, (command, probe), limit, pace).await?)
            }
            (Action::Command(_), None) => None,
        };
        Ok(asked.map(|answer| kept(&answer, self.mask)))
    }

    fn ask_task(&self, target: &Target, name: &str, limit: Duration) -> Result<Option<Vec<u8>>, AttemptError> {
        let Some(task) = self.context.tasks.get(name) else {
            return Err(AttemptError::failed(format!("internal error: no task `{name}`")));
        };
        let cancelled = AtomicBool::new(false);
        let say = |message: Message<'_>| {
            if let Message::Warning(text) = message {
                let message = format!("`{}`: {}", target.name, self.mask.hide(text));
                self.observer.observe(&Event::Warning { message });
            }
        };
        let mut context = Context::outside(&target.name, &cancelled, &say);
        context.params = params_of(target);
        context.inputs = self.input_paths(target);
        context.secrets = self.own_secrets(target);
        context.access = self.access(task);
        let admit = |is_over: &dyn Fn() -> bool| self.admit(&cancelled, is_over);
        context.admit = &admit;
        match self.watched(&context, Some(limit), || task.probe(&context)) {
            Ok(answer) => Ok(answer.map(String::into_bytes)),
            Err(_) if self.interrupted() => Err(AttemptError::Interrupted),
            Err(_) if cancelled.load(Ordering::Relaxed) => Err(self.unanswered(too_slow(limit))),
            Err(error) => Err(self.unanswered(error.into())),
        }
    }

    async fn ask_command(
        &self,
        target: &Target,
        (command, probe): (&Command, &ProbeCommand),
        limit: Duration,
        pace: &Pace,
    ) -> Result<Vec<u8>, AttemptError> {
        self.may_start(pace).await?;
        let mut env = self.environment(target);
        // It asks and does not act.
        env.remove("ATSAF_EFFECT_KEY");
        let dir = self.dir_of(command);
        let process = Process {
            words: probe.to_execute(),
            under: Vec::new(),
            dir: &dir,
            env,
            locks: self.held.own(),
            apart: true,
        };
        let (mut answer, mut said) = (Vec::new(), Vec::new());
        let mut took = |stream: Stream, bytes: &[u8]| match stream {
            Stream::Output if answer.len() <= LARGEST => answer.extend_from_slice(bytes),
            Stream::Error if said.len() <= SAID => said.extend_from_slice(bytes),
            Stream::Output | Stream::Error => {}
        };
        let stopping = || self.stopping();
        let ended = process
            .run(Some(limit), &|| self.interrupted(), &stopping, &mut took, pace)
            .await;
        let failure = match ended.map(|ended| ended.how) {
            Ok(ProcessEnd::Exit(status)) if status.success() && answer.len() <= LARGEST => return Ok(answer),
            Ok(ProcessEnd::Interrupted) => return Err(AttemptError::Interrupted),
            Ok(ProcessEnd::TimedOut) => too_slow(limit),
            Ok(ProcessEnd::Exit(status)) if !status.success() => Failure::of(describe(status)),
            Ok(ProcessEnd::Exit(_)) => Failure::of(format!("the answer is longer than {} MiB", LARGEST >> 20)),
            Err(error) => Failure::of(format!("it cannot be started: {error}")),
        };
        let shown = command::shown(probe.shell.is_some(), &process.words);
        let command = self.mask.hide(&shown).into_owned();
        Err(self.unanswered(Failure {
            tail: self.keep_said(target, &command, said),
            command: Some(command),
            retry: true,
            ..failure
        }))
    }

    /// Keeps what a probe said that gave no answer, as what an attempt prints is kept; gives its last lines.
    fn keep_said(&self, target: &Target, command: &str, mut said: Vec<u8>) -> Vec<String> {
        if said.len() > SAID {
            // A part of a line may be a part of a secret.
            let whole = said.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            said.truncate(whole);
        }
        let mut log = Log::new(self, target);
        log.set_command(command.to_owned());
        log.piece(&said);
        log.end();
        log.into_parts().0.into()
    }

    /// Nobody knows whether what is in place still holds, so it is a failure like one of the target itself.
    fn unanswered(&self, failure: Failure) -> AttemptError {
        let mask = |text: String| self.mask.hide(&text).into_owned();
        let mut help: Vec<String> = failure.help.into_iter().map(mask).collect();
        help.push(format!(
            "to go on with what is in place, say so: `atsaf accept {} -m \"why\"`",
            shlex::try_quote(self.context.graph.name(self.target)).unwrap_or_default()
        ));
        AttemptError::Failed(Box::new(Failure {
            what: format!("its probe got no answer: {}", mask(failure.what)),
            notes: failure.notes.into_iter().map(mask).collect(),
            help,
            ..failure
        }))
    }
}

/// Most bytes that are kept of what a probe says beside its answer.
const SAID: usize = 64 << 10;

fn too_slow(limit: Duration) -> Failure {
    Failure {
        what: format!("it took longer than {} s", limit.as_secs_f64()),
        help: vec!["let it ask for less: it is asked each time that `max_age` is over".to_owned()],
        retry: true,
        ..Failure::default()
    }
}

/// An answer as it is kept and compared: secrets masked; a long one, or one of several lines, by its beginning and its
/// digest.
fn kept(answer: &[u8], mask: &Mask) -> String {
    let text = String::from_utf8_lossy(answer);
    let hidden = mask.hide(&text);
    let trimmed = hidden.trim();
    let first = trimmed.lines().next().unwrap_or_default();
    let first = plain(first.as_bytes());
    // What is no text is not what it looks like.
    let is_text = std::str::from_utf8(answer).is_ok() && first == trimmed;
    if is_text && first.chars().count() <= SHOWN {
        return first.into_owned();
    }
    let digest = Digest::of(match hidden == text {
        true => answer,
        false => hidden.as_bytes(),
    });
    let beginning: String = first.chars().take(BEGINNING).collect();
    format!("{beginning}... ({} bytes, {})", answer.len(), &digest.hex()[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept_of(answer: &str) -> String {
        kept(answer.as_bytes(), &Mask::new(["geheim-1"]))
    }

    #[test]
    fn a_short_answer_is_kept_as_it_is_and_a_long_one_by_its_digest() {
        assert_eq!(kept_of("etag: \"7\"\n"), "etag: \"7\"");
        assert_eq!(kept_of(""), "");
        let (one, other) = (kept_of("HTTP/1.1 200\netag: 1\n"), kept_of("HTTP/1.1 200\netag: 2\n"));
        assert!(
            one.starts_with("HTTP/1.1 200... (20 bytes, ") || one.starts_with("HTTP/1.1 200... (21 bytes, "),
            "{one}"
        );
        assert_ne!(one, other);
        let long = "x".repeat(1000);
        assert!(kept_of(&long).len() < 100);
        assert_ne!(kept_of(&long), kept_of(&format!("{long}y")));
    }

    #[test]
    fn no_secret_and_no_control_character_is_kept() {
        assert_eq!(kept_of("token geheim-1"), "token ***");
        let many = kept_of("one\ntoken geheim-1\n");
        assert!(many.starts_with("one... ("), "{many}");
        assert!(!kept_of("a\u{1b}[31mb").contains('\u{1b}'));
        assert_ne!(kept_of("a\u{1b}[31mb"), kept_of("ab"), "it is not what it looks like");
    }

    #[test]
    fn bytes_that_are_no_text_differ() {
        let mask = Mask::new(std::iter::empty::<&str>());
        assert_ne!(kept(b"\xff", &mask), kept(b"\xfe", &mask));
    }
}
