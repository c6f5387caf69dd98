//! `atsaf watch`: builds, and builds again when the Atsaffile, a source or `.env` changes.
//!
//! Changes that come while a build runs end what they make stale, save for effects, and call for one further build
//! together. Where time alone makes something stale, it builds again then. On a terminal all of it is a screen that is
//! drawn again and again (`calm`), elsewhere lines.

mod calm;
mod changes;
mod edits;
mod serve;
mod terminal;
mod watched;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use serde_json::json;

use self::calm::{Calm, Wish};
use self::changes::{ChangedPath, Changes, TOGETHER};
use self::edits::Edits;
use self::serve::Server;
use self::terminal::TerminalScreen;
use self::watched::Watched;
use super::setup::Project;
use super::{CommandError, Exit, Session, build, interrupt, read_atsaffile, report as report_page};
use crate::diagnostic::Diagnostic;
use crate::engine::clock;
use crate::engine::event::{Observer, Summary};
use crate::engine::graph::TargetId;
use crate::engine::plan::{self, Note, Step};
use crate::engine::reason::Reason;
use crate::engine::spec::Timing;
use crate::report::{human, notes};

/// How often a wait looks whether it is to end.
const BEAT: Duration = Duration::from_millis(50);
/// So many builds in a row are stopped by edits; the next one runs to its end, should the edits be its own doing.
const STOPPED: u32 = 3;
/// How often it builds at the most since time has passed, unless `--poll` says how often.
const PAUSE: Duration = Duration::from_secs(10);
/// When a probe is asked again that gave no answer.
const ASK_AGAIN: Duration = Duration::from_mins(1);

/// Build, and build again whenever the Atsaffile, a source or `.env` changes
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Targets, artifacts, artifacts' paths or aliases [default: the project's own]
    #[arg(value_name = "GOAL")]
    goals: Vec<String>,
    /// Go on with targets that do not need a failed one
    #[arg(short, long)]
    keep_going: bool,
    /// How many targets may run at once [default: one for each core]
    #[arg(short, long, value_name = "N")]
    pub(super) jobs: Option<NonZeroUsize>,
    /// Look at the files every so many seconds, where the system does not say what changes [default: 1]
    #[arg(
        long,
        value_name = "SECONDS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "1",
        value_parser = interval
    )]
    poll: Option<Duration>,
    /// Print lines, as where there is no terminal, instead of a screen with keys
    #[arg(long)]
    plain: bool,
    /// Keep the report open in a browser on this machine, at http://127.0.0.1:PORT/, and load it again when it changes
    /// [default: 8750, or any that is free]
    #[arg(long, value_name = "PORT", num_args = 0..=1, require_equals = true)]
    #[expect(clippy::option_option, reason = "the flag may stand without a value")]
    serve: Option<Option<u16>>,
}

fn interval(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| (0.01..=86400.0).contains(seconds));
    let seconds = seconds.ok_or_else(|| format!("`{text}` is no number of seconds from 0.01 to a day"))?;
    Ok(Duration::from_secs_f64(seconds))
}

/// Watches until it is interrupted.
pub(super) fn run(args: &Args, session: &Session) -> Result<Exit, CommandError> {
    let server = args.serve.map(Server::start).transpose()?;
    let interrupted = interrupt::watch();
    let screen = &session.screen;
    let is_plain = args.plain || screen.json() || screen.verbose() || !screen.is_live() || !TerminalScreen::fits();
    if is_plain {
        if let Some(server) = &server {
            tell_address(server, session);
        }
        return watch(args, &Face::lines(session, server.as_ref()), interrupted);
    }
    // What keeps a watch from beginning is told before the screen is there.
    read_atsaffile::find(&session.common)?;
    let calm = Calm::new(session, server.as_ref().map(Server::url));
    let face = Face {
        session: &calm.session,
        calm: Some(&calm),
        server: server.as_ref(),
    };
    let watched = calm.during(interrupted, || watch(args, &face, interrupted));
    watched.map_err(|error| {
        CommandError::usage(
            Diagnostic::error(format!("the terminal cannot be set: {error}")).help("`--plain` needs no setting"),
        )
    })?
}

fn tell_address(server: &Server, session: &Session) {
    match session.screen.json() {
        true => session
            .screen
            .print_json(&json!({ "event": "serving", "url": server.url() })),
        false => session.screen.say(&format!("the report is at {}\n", server.url())),
    }
}

/// How a watch shows what it does.
struct Face<'a> {
    session: &'a Session,
    /// The screen, if there is one.
    calm: Option<&'a Calm>,
    /// Where the report is served, if it is.
    server: Option<&'a Server>,
}

impl<'a> Face<'a> {
    /// Lines on the session's own streams.
    fn lines(session: &'a Session, server: Option<&'a Server>) -> Self {
        Self {
            session,
            calm: None,
            server,
        }
    }

    /// Tells why something cannot be done.
    fn tell(&self, failure: &CommandError) {
        for diagnostic in &failure.diagnostics {
            self.session.screen.tell(diagnostic);
        }
    }

    /// Serves the report as it is now.
    fn serve(&self, project: &Project) {
        let Some(server) = self.server else { return };
        let page = project
            .goals(&[])
            .and_then(|goals| report_page::html(project, &goals, self.session));
        match page {
            Ok(html) => server.show(&html),
            Err(failure) => self.tell(&failure),
        }
    }

    /// Says what is waited for.
    fn wait(&self, watched: &Watched, due: Option<SystemTime>) {
        match self.calm {
            Some(calm) => calm.wait(due),
            None => announce(watched, due, self.session),
        }
    }

    /// Says what ended the wait.
    fn woken(&self, woken: &Woken) {
        let text = match woken {
            Woken::Changed(paths) => some_of(paths),
            Woken::Due => "it is time to look again".to_owned(),
            Woken::Asked(_) => return,
        };
        let screen = &self.session.screen;
        match (self.calm, woken) {
            (Some(calm), _) => calm.changed(&text),
            (None, Woken::Changed(paths)) if screen.json() => {
                screen.print_json(&json!({ "event": "changed", "paths": paths }));
            }
            (None, _) if screen.json() => screen.print_json(&json!({ "event": "due" })),
            (None, Woken::Changed(_)) => screen.say(&format!("\nchanged: {text}\n")),
            (None, _) => screen.say(&format!("\n{text}\n")),
        }
    }
}

fn watch(args: &Args, face: &Face<'_>, interrupted: &AtomicBool) -> Result<Exit, CommandError> {
    let session = face.session;
    let mut source = Changes::new(args.poll, session);
    let pause = args.poll.unwrap_or(PAUSE);
    let mut args = build::Args {
        goals: args.goals.clone(),
        force: false,
        only: false,
        no_effects: false,
        dry_run: false,
        keep_going: args.keep_going,
        jobs: args.jobs,
        show_output: false,
        retries: None,
        summary: None,
        junit: None,
    };
    let file = read_atsaffile::find(&session.common)?;
    let mut watched = Watched::of_file(&file);
    let mut stopped = 0;
    loop {
        // Observed before it is read, so that no change falls between the two.
        source.observe(&watched, session);
        let mut changed = BTreeSet::new();
        let mut due = None;
        let loaded = session.load();
        if let Some(calm) = face.calm {
            calm.hear_messages();
        }
        match loaded {
            Ok(project) => {
                build::refuse_inside(&project)?;
                let goals = match project.goals(&args.goals) {
                    Ok(goals) => {
                        watched = Watched::of_goals(&project, &goals);
                        goals
                    }
                    // It is told by the build.
                    Err(_) => Vec::new(),
                };
                source.observe(&watched, session);
                let edits = Edits::since(&project, &goals, session);
                let superseded = |id: TargetId| stopped < STOPPED && edits.is_stale(id);
                let listener = face.calm.map(|calm| {
                    calm.begin(&project, &goals);
                    calm.listener(&project.graph)
                });
                let watching = build::Watching {
                    superseded: &superseded,
                    listener: listener.as_ref().map(|listener| listener as &dyn Observer),
                };
                let (built, meanwhile) = while_listening(&mut source, &watched, &edits, || {
                    build::once(&args, &project, session, interrupted, Some(watching), None)
                });
                changed = meanwhile;
                // What the attempts were seen to use is known by now.
                watched = match goals.is_empty() {
                    true => watched,
                    false => Watched::of_goals(&project, &goals),
                };
                source.observe(&watched, session);
                if let Some(calm) = face.calm {
                    calm.hear_nothing();
                }
                match built {
                    Ok(summary) if summary.interrupted => return Ok(Exit::Interrupted),
                    Ok(Summary { superseded: 1.., .. }) => stopped += 1,
                    Ok(_) => stopped = 0,
                    Err(failure) if failure.exit == Exit::Store => return Err(failure),
                    Err(failure) => {
                        face.tell(&failure);
                        face.calm.into_iter().for_each(Calm::failed);
                    }
                }
                face.serve(&project);
                if let Some(calm) = face.calm {
                    calm.hear_more();
                    if let Ok(plan) = plan::plan(project.context().inputs(), &goals, false) {
                        calm.plan(&plan, &project.graph);
                    }
                }
                due = due_at(&project, &goals, pause);
            }
            // The files of the last sound Atsaffile are still waited for, and those that this one asks for.
            Err(failure) => {
                watched.add_asked(&file);
                source.observe(&watched, session);
                face.tell(&failure);
                if let Some(calm) = face.calm {
                    calm.hear_more();
                    calm.failed();
                }
            }
        }
        if changed.is_empty() {
            face.wait(&watched, due);
        }
        let wish = || face.calm.and_then(Calm::take_wish);
        let Some(woken) = wait(changed, &mut source, &watched, (due, &wish), interrupted) else {
            return Ok(Exit::Interrupted);
        };
        args.force = matches!(woken, Woken::Asked(Wish::Force));
        face.woken(&woken);
    }
}

/// When time alone may make something stale that the goals need, or let new data in.
fn due_at(project: &Project, goals: &[TargetId], pause: Duration) -> Option<SystemTime> {
    let is_timed = |id: &TargetId| project.graph.target(*id).settings.timing != Timing::default();
    if !project.graph.needed(goals).iter().any(is_timed) {
        return None;
    }
    let plan = plan::plan(project.context().inputs(), goals, false).ok()?;
    // What is too old by now, as with `max_age = "0s"`, or was left so by a failure.
    let overdue = |step: &Step| {
        let asks = matches!(step.note, Some(Note::OlderThan(_) | Note::NotAsked));
        let is_old = |reason: &Reason| matches!(reason, Reason::TooOld { .. });
        match step.history.failed() {
            None => (asks || step.verdict.reasons().iter().any(is_old)).then_some(plan.at),
            Some(_) => asks.then(|| plan.at.checked_add(ASK_AGAIN)).flatten(),
        }
    };
    let all = plan
        .steps
        .iter()
        .filter_map(|step| step.deadline.or_else(|| overdue(step)));
    all.min().map(|due| due.max(plan.at + pause))
}

/// What ended a wait.
enum Woken {
    /// These paths changed.
    Changed(Vec<String>),
    /// The moment has come at which time alone changes something.
    Due,
    /// A key asks for a build.
    Asked(Wish),
}

/// Builds, takes note of the edits that come meanwhile, and gives them with what came of it.
fn while_listening<T>(
    source: &mut Changes,
    watched: &Watched,
    edits: &Edits<'_>,
    work: impl FnOnce() -> T,
) -> (T, BTreeSet<ChangedPath>) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        // Without a thread, the edits are found once the build has ended.
        let listener = thread::Builder::new().spawn_scoped(scope, || {
            let mut all = BTreeSet::new();
            while !done.load(Ordering::Relaxed) {
                let Some(changed) = source.next(watched, BEAT) else {
                    break;
                };
                if !changed.is_empty() {
                    edits.note(&changed);
                    all.extend(changed);
                }
            }
            all
        });
        let built = work();
        done.store(true, Ordering::Relaxed);
        let changed = listener.ok().and_then(|listener| listener.join().ok());
        (built, changed.unwrap_or_default())
    })
}

/// Waits for changes that matter, and then until there are no more for a while, or for a moment, or for a wish; `None` if
/// the wait is to end.
fn wait(
    mut changed: BTreeSet<ChangedPath>,
    source: &mut Changes,
    watched: &Watched,
    (due, wish): (Option<SystemTime>, &dyn Fn() -> Option<Wish>),
    interrupted: &AtomicBool,
) -> Option<Woken> {
    loop {
        if interrupted.load(Ordering::Relaxed) {
            return None;
        }
        if let Some(wish) = wish() {
            return Some(Woken::Asked(wish));
        }
        let pause = if changed.is_empty() { BEAT } else { TOGETHER };
        let more = source.next(watched, pause)?;
        if more.is_empty() && !changed.is_empty() {
            break;
        }
        if changed.is_empty() && more.is_empty() && due.is_some_and(|due| clock::now() >= due) {
            return Some(Woken::Due);
        }
        changed.extend(more);
    }
    let shown = |change: &ChangedPath| {
        change
            .path
            .as_ref()
            .map_or_else(|| "something".to_owned(), |at| watched.shown(at))
    };
    let paths: BTreeSet<String> = changed.iter().map(shown).collect();
    Some(Woken::Changed(paths.into_iter().collect()))
}

/// Says what is waited for.
fn announce(watched: &Watched, due: Option<SystemTime>, session: &Session) {
    if session.screen.json() {
        let sources = watched.sources();
        session
            .screen
            .print_json(&json!({ "event": "watching", "sources": sources, "due": due.map(human::timestamp) }));
    } else {
        let sources = human::count(watched.sources(), "source");
        let at_last = due.map_or_else(String::new, |due| format!(", {} at last", notes::until(due)));
        session.screen.say(&format!(
            "waiting for a change of the Atsaffile, `.env` or {sources}{at_last}; Ctrl-C ends\n"
        ));
    }
}

/// The first few of some paths, and how many more there are.
fn some_of(paths: &[String]) -> String {
    const SHOWN: usize = 4;
    let mut text = paths
        .iter()
        .take(SHOWN)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    if paths.len() > SHOWN {
        text = format!("{text} and {} more", paths.len() - SHOWN);
    }
    text
}

#[cfg(test)]
mod tests;
