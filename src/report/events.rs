//! What happens in a run, in words.

use std::time::SystemTime;

use super::ink::{Ink, Tone};
use super::reasons::brief;
use super::{advice, human, notes};
use crate::diagnostic::Diagnostic;
use crate::engine::event::{Event, Failure, Notice, Outcome, Summary, WaitingFor};
use crate::engine::graph::{Graph, TargetId};
use crate::engine::store::Holder;
use crate::outward::one_line;

/// How events are put in words.
pub struct Words<'a> {
    /// The targets' names.
    pub graph: &'a Graph,
    /// The colours.
    pub ink: Ink,
    /// Whether live lines tell what runs, so that nothing else needs to.
    pub live: bool,
    /// Whether what is of interest only to some is shown as well.
    pub verbose: bool,
    /// Whether what commands and tasks print is shown.
    pub output: bool,
    /// The width of the column of names.
    pub width: usize,
}

impl Words<'_> {
    /// The line or lines of one event, if it is worth any; failures are told by [`failure`] and the end by
    /// [`summary`].
    #[must_use]
    pub fn tell(&self, event: &Event, now: SystemTime) -> Option<String> {
        match event {
            Event::Planned { run, steps, fresh, .. } => {
                let told = !steps.is_empty() && (!self.live || self.verbose);
                let targets = human::count(steps.len(), "target");
                let outside = super::plan::acting_outside(self.graph, steps);
                told.then(|| format!("run {}: {targets} to look at, {fresh} fresh{outside}\n", run.short()))
            }
            Event::Waiting { target, on } => {
                Some(self.line("waiting", Tone::Stale, *target, &format!("for {}", waited_for(on))))
            }
            Event::Started {
                target,
                attempt,
                reasons,
            } => {
                let again = match attempt {
                    1 => String::new(),
                    _ => format!(" (attempt {attempt})"),
                };
                let told = !self.live || self.verbose;
                told.then(|| self.line("start", Tone::Plain, *target, &format!("{}{again}", brief(reasons))))
            }
            Event::Progress { target, message } => {
                let told = self.verbose && !self.live;
                told.then(|| self.line("", Tone::Plain, *target, message))
            }
            Event::Output { target, line } => {
                let bar = self.ink.paint(Tone::Faint, &format!("{} |", self.graph.name(*target)));
                self.output.then(|| format!("{bar} {}\n", human::printed(line)))
            }
            Event::Retrying {
                target,
                failure,
                attempt,
                delay,
            } => {
                let text = format!("{}; attempt {attempt} in {}", failure.what, human::duration(*delay));
                Some(self.line("retry", Tone::Stale, *target, &text))
            }
            Event::Finished { target, outcome } => self.outcome(*target, outcome, now),
            Event::Displaced { path, to } => {
                let what = format!("`{path}` was not as atsaf left it, and was kept");
                Some(self.draw(&Diagnostic::warning(what).note(format!("it is now `{to}`"))))
            }
            Event::Stopping { target } => {
                let text = "waits for it to tidy up; Ctrl-C again ends it by force";
                Some(self.line("stopping", Tone::Stale, *target, text))
            }
            Event::Noticed { target, notice } => match notice {
                Notice::Answered { answer, before } => self.verbose.then(|| {
                    let text = match before {
                        Some(before) => format!("{before} -> {answer}"),
                        None => answer.clone(),
                    };
                    self.line("answer", Tone::Plain, *target, &text)
                }),
                notice => advice::warning(notice, self.graph, *target).map(|warning| self.draw(&warning)),
            },
            Event::Warning { message } => Some(self.draw(&Diagnostic::warning(message.clone()))),
            Event::Ended { .. } => None,
        }
    }

    fn outcome(&self, target: TargetId, outcome: &Outcome, now: SystemTime) -> Option<String> {
        if matches!(outcome, Outcome::Failed(_)) {
            return None;
        }
        let (word, tone, text) = self::outcome(self.graph, outcome, now);
        Some(self.line(word, tone, target, &text))
    }

    fn line(&self, word: &str, tone: Tone, target: TargetId, text: &str) -> String {
        self.line_of(word, tone, self.graph.name(target), text)
    }

    /// A line about something with a name.
    #[must_use]
    pub fn line_of(&self, word: &str, tone: Tone, name: &str, text: &str) -> String {
        let word = self.ink.paint(tone, &format!("{word:9}"));
        let width = self.width;
        let line = format!("{word}  {name:width$}  {text}");
        format!("{}\n", one_line(line.trim_end()))
    }

    fn draw(&self, diagnostic: &Diagnostic) -> String {
        diagnostic.render_with(&|part, text| self.ink.part(part, text))
    }
}

/// How a target ended: in a word, and what there is to say.
#[must_use]
pub fn outcome(graph: &Graph, outcome: &Outcome, now: SystemTime) -> (&'static str, Tone, String) {
    match outcome {
        Outcome::Built {
            duration,
            changed,
            unchanged,
        } => {
            let took = human::duration(*duration);
            match (changed.is_empty(), unchanged.is_empty()) {
                (true, false) => ("unchanged", Tone::Good, format!("{took}, made the same as before")),
                (false, false) => (
                    "built",
                    Tone::Good,
                    format!("{took}, unchanged: {}", unchanged.join(", ")),
                ),
                (_, true) => ("built", Tone::Good, took),
            }
        }
        Outcome::Restored { from, reasons } => {
            let why = match reasons.is_empty() {
                true => String::new(),
                false => format!("; {}", brief(reasons)),
            };
            let text = format!("from run {} ({}){why}", from.short(), human::ago(from.time(), now));
            ("restored", Tone::Good, text)
        }
        Outcome::Fresh => ("fresh", Tone::Good, "nothing that it depends on changed".to_owned()),
        Outcome::Held { until } => ("held", Tone::Good, notes::until(*until)),
        Outcome::Failed(failure) => ("failed", Tone::Bad, failure.what.clone()),
        Outcome::Skipped { because } => ("skipped", Tone::Stale, format!("{} failed", graph.name(*because))),
        Outcome::Superseded => ("stopped", Tone::Stale, "an edit made it stale".to_owned()),
        Outcome::Interrupted => ("stopped", Tone::Stale, "interrupted".to_owned()),
    }
}

/// A failure with all that helps to understand it.
#[must_use]
pub fn failure(graph: &Graph, target: TargetId, failure: &Failure) -> Diagnostic {
    let Failure {
        what,
        notes,
        help,
        advice: causes,
        command,
        tail,
        left,
        has_files,
        retry: _,
    } = failure;
    let name = graph.name(target);
    let mut diagnostic = Diagnostic::error(format!("`{name}` failed: {what}")).at(advice::place(graph, target));
    if let Some(command) = command {
        diagnostic = diagnostic.note(format!("the command: {}", advice::command(command, name)));
    }
    if !tail.is_empty() {
        let tail: Vec<String> = tail.iter().map(|line| human::printed(line)).collect();
        diagnostic = diagnostic.note(format!("the last that it printed:\n{}", tail.join("\n")));
    }
    diagnostic.notes.extend(notes.iter().cloned());
    if let Some(left) = left {
        let left = left.strip_prefix("./").unwrap_or(left).display();
        let what = match has_files {
            true => "its whole output and the files that it wrote are",
            false => "its whole output is",
        };
        diagnostic = diagnostic.note(format!("{what} in `{left}`"));
    }
    diagnostic.help.extend(causes.iter().map(advice::next_step));
    diagnostic.help.extend(help.iter().cloned());
    diagnostic
}

/// How a run went, in one line; `failed` are the names of the targets that failed.
#[must_use]
pub fn summary(summary: &Summary, failed: &[String]) -> String {
    let Summary {
        built,
        restored,
        fresh,
        held,
        failed: failures,
        skipped,
        superseded,
        interrupted,
        duration,
    } = *summary;
    if built + restored + failures + skipped + superseded == 0 && !interrupted {
        return nothing_to_do(fresh, held);
    }
    let names = match failed {
        [] => String::new(),
        _ => format!(" ({})", failed.join(", ")),
    };
    let parts = [
        (failures, format!("failed{names}")),
        (skipped, "skipped".to_owned()),
        (superseded, "stopped by an edit".to_owned()),
        (built, "built".to_owned()),
        (restored, "restored".to_owned()),
        (fresh, "fresh".to_owned()),
        (held, "held".to_owned()),
    ];
    let told: Vec<String> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    let told = match (interrupted, told.is_empty()) {
        (true, true) => "interrupted".to_owned(),
        (true, false) => format!("interrupted: {}", told.join(", ")),
        (false, _) => told.join(", "),
    };
    format!("{told} in {}", human::duration(duration))
}

/// `nothing to do: 3 targets are fresh, 1 is held`.
#[must_use]
pub fn nothing_to_do(fresh: usize, held: usize) -> String {
    let are = |count: usize| if count == 1 { "is" } else { "are" };
    let held = match (fresh, held) {
        (_, 0) => String::new(),
        (0, held) => return format!("nothing to do: {} {} held", human::count(held, "target"), are(held)),
        (_, held) => format!(", {held} {} held", are(held)),
    };
    format!(
        "nothing to do: {} {} fresh{held}",
        human::count(fresh, "target"),
        are(fresh)
    )
}

/// For whom a target waits, in words.
#[must_use]
pub fn waited_for(on: &WaitingFor) -> String {
    match on {
        WaitingFor::Holder(by) => holder(by),
        WaitingFor::Pool { pool, holder } => match &holder.target {
            Some(target) => format!("pool {pool} ({target} holds it)"),
            None => format!("pool {pool}"),
        },
        WaitingFor::Rate { pool } => format!("the rate of pool {pool}"),
        WaitingFor::SameFiles => "another build, which makes the same files".to_owned(),
        WaitingFor::OtherValues(run) => format!("run {}, which builds with other values", run.short()),
    }
}

/// Who holds a lock, in words.
#[must_use]
pub fn holder(by: &Holder) -> String {
    let Holder { run, process, target } = by;
    let parts = [
        run.map(|run| format!("run {}", run.short())),
        process.map(|process| format!("process {process}")),
        target.as_ref().map(|target| format!("at `{target}`")),
    ];
    let known: Vec<String> = parts.into_iter().flatten().collect();
    match known.is_empty() {
        true => "another build".to_owned(),
        false => format!("another build ({})", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::engine::event::Advice;
    use crate::engine::files::Files;
    use crate::engine::reason::Reason;
    use crate::engine::run_id::RunId;
    use crate::engine::spec::Spec;
    use crate::fast_map::FastMap;

    fn graph() -> Graph {
        let text = "[target.a]\nrun = \"true > {{output}}\"\noutput = \"a.txt\"\n\n[target.bee]\nrun = \"cat {{inputs}} > {{output}}\"\ninputs = [\"a\"]\noutput = \"b.txt\"\n";
        let catalog = crate::engine::task::Tasks::default().catalog();
        let (spec, mistakes): (Spec, _) =
            crate::atsaffile::load("Atsaffile", text, &crate::atsaffile::Overrides::default(), &catalog);
        assert_eq!(mistakes, []);
        Graph::new(spec, &Files::new(Path::new("."), FastMap::default())).expect("a graph")
    }

    fn broken(tail: &[&str]) -> Failure {
        Failure {
            what: "it broke".to_owned(),
            notes: vec!["a fact".to_owned()],
            help: vec!["mend it".to_owned()],
            tail: tail.iter().map(|line| (*line).to_owned()).collect(),
            left: Some("./.atsaf/v1/outputs/x/a".into()),
            has_files: true,
            advice: vec![Advice::NoMatch],
            command: Some("grep x y".to_owned()),
            retry: true,
        }
    }

    fn told(event: &Event, live: bool, verbose: bool) -> Option<String> {
        let graph = graph();
        let words = Words {
            graph: &graph,
            ink: Ink::PLAIN,
            live,
            verbose,
            output: verbose,
            width: 3,
        };
        let run: RunId = RUN.parse().expect("an id");
        words.tell(event, run.time() + Duration::from_mins(3))
    }

    const RUN: &str = "0193a1c2-7b2e-7000-8000-000000000000";

    #[test]
    fn every_event_has_its_words() {
        let target = TargetId(0);
        let run: RunId = RUN.parse().expect("an id");
        let finished = |outcome| Event::Finished { target, outcome };
        let built = |changed: &[&str], unchanged: &[&str]| Outcome::Built {
            duration: Duration::from_millis(1200),
            changed: changed.iter().map(|name| (*name).to_owned()).collect(),
            unchanged: unchanged.iter().map(|name| (*name).to_owned()).collect(),
        };
        let reasons = vec![Reason::NeverBuilt];
        for (event, text) in [
            (
                Event::Planned {
                    run,
                    steps: vec![target],
                    fresh: 1,
                    expected: BTreeMap::new(),
                },
                "run 0193a1c2-7b2e: 1 target to look at, 1 fresh\n",
            ),
            (
                Event::Waiting {
                    target,
                    on: WaitingFor::Holder(Holder::default()),
                },
                "waiting    a    for another build\n",
            ),
            (
                Event::Started {
                    target,
                    attempt: 2,
                    reasons: reasons.clone(),
                },
                "start      a    never built (attempt 2)\n",
            ),
            (
                Event::Retrying {
                    target,
                    failure: broken(&[]),
                    attempt: 2,
                    delay: Duration::from_secs(90),
                },
                "retry      a    it broke; attempt 2 in 1 min 30 s\n",
            ),
            (finished(built(&["a"], &[])), "built      a    1.2 s\n"),
            (finished(built(&["a"], &["c"])), "built      a    1.2 s, unchanged: c\n"),
            (
                finished(built(&[], &["a"])),
                "unchanged  a    1.2 s, made the same as before\n",
            ),
            (
                finished(Outcome::Restored { from: run, reasons }),
                "restored   a    from run 0193a1c2-7b2e (3 min ago); never built\n",
            ),
            (
                finished(Outcome::Fresh),
                "fresh      a    nothing that it depends on changed\n",
            ),
            (
                finished(Outcome::Held {
                    until: run.time() + Duration::from_hours(1),
                }),
                "held       a    until 2024-12-07 16:34 UTC\n",
            ),
            (
                finished(Outcome::Skipped { because: TargetId(1) }),
                "skipped    a    bee failed\n",
            ),
            (finished(Outcome::Interrupted), "stopped    a    interrupted\n"),
            (finished(Outcome::Superseded), "stopped    a    an edit made it stale\n"),
            (
                Event::Stopping { target },
                "stopping   a    waits for it to tidy up; Ctrl-C again ends it by force\n",
            ),
            (
                Event::Displaced {
                    path: "a.txt".to_owned(),
                    to: ".atsaf/displaced/a.txt".to_owned(),
                },
                "warning: `a.txt` was not as atsaf left it, and was kept\n  note: it is now `.atsaf/displaced/a.txt`\n",
            ),
            (
                Event::Warning {
                    message: "no copy was kept".to_owned(),
                },
                "warning: no copy was kept\n",
            ),
        ] {
            assert_eq!(told(&event, false, false).as_deref(), Some(text));
        }
        assert_eq!(told(&finished(Outcome::Failed(broken(&[]))), false, false), None);
    }

    #[test]
    fn a_live_line_and_silence_leave_words_out() {
        let target = TargetId(0);
        let started = Event::Started {
            target,
            attempt: 1,
            reasons: vec![Reason::Forced],
        };
        assert_eq!(told(&started, true, false), None);
        assert!(told(&started, true, true).is_some());
        let progress = Event::Progress {
            target,
            message: "window 2 of 5".to_owned(),
        };
        assert_eq!(told(&progress, false, false), None);
        assert_eq!(
            told(&progress, false, true).as_deref(),
            Some("           a    window 2 of 5\n")
        );
        let line = "hello".to_owned();
        let output = Event::Output { target, line };
        assert_eq!(told(&output, false, false), None);
        assert_eq!(told(&output, false, true).as_deref(), Some("a | hello\n"));
    }

    #[test]
    fn a_failure_tells_all_that_helps() {
        let expected = "\
error: `a` failed: it broke
  --> Atsaffile:1:9
 1 | [target.a]
   |         ^
  note: the command: grep x y
  note: the last that it printed:
        one
        two
  note: a fact
  note: its whole output and the files that it wrote are in `.atsaf/v1/outputs/x/a`
  help: `grep` ends with 1 where no line matches: if that is no failure, append `|| true`
  help: mend it
";
        let mut broken = broken(&["one", "two"]);
        assert_eq!(failure(&graph(), TargetId(0), &broken).render(), expected);
        broken.has_files = false;
        let told = failure(&graph(), TargetId(0), &broken).render();
        assert!(
            told.contains("  note: its whole output is in `.atsaf/v1/outputs/x/a`\n"),
            "{told}"
        );
    }

    #[test]
    fn a_summary_counts_what_happened() {
        let all = Summary {
            built: 3,
            restored: 2,
            fresh: 4,
            duration: Duration::from_millis(11_400),
            ..Summary::default()
        };
        assert_eq!(summary(&all, &[]), "3 built, 2 restored, 4 fresh in 11.4 s");
        let failed = Summary {
            failed: 1,
            skipped: 2,
            ..all
        };
        assert_eq!(
            summary(&failed, &["train".to_owned()]),
            "1 failed (train), 2 skipped, 3 built, 2 restored, 4 fresh in 11.4 s"
        );
        let idle = |fresh| Summary {
            fresh,
            ..Summary::default()
        };
        assert_eq!(summary(&idle(6), &[]), "nothing to do: 6 targets are fresh");
        assert_eq!(summary(&idle(1), &[]), "nothing to do: 1 target is fresh");
        let held = |fresh, held| summary(&Summary { held, ..idle(fresh) }, &[]);
        assert_eq!(held(2, 1), "nothing to do: 2 targets are fresh, 1 is held");
        assert_eq!(held(0, 2), "nothing to do: 2 targets are held");
        let interrupted = Summary {
            interrupted: true,
            ..Summary::default()
        };
        assert_eq!(summary(&interrupted, &[]), "interrupted in 0 s");
        let some = Summary {
            built: 1,
            ..interrupted
        };
        assert_eq!(summary(&some, &[]), "interrupted: 1 built in 0 s");
    }
}
