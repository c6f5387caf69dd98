//! Commands: from a declared command to a child process and its end.
//!
//! A command runs in the project's directory, or in one of its directories, in a process group of its own, with nothing on its standard input. It
//! sees `PATH`, `HOME`, `TMPDIR`, `LANG=C.UTF-8`, the environment that its target declares, and the `ATSAF_*`
//! variables that are made here; nothing else.

mod render;
mod simple;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, PipeReader, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
#[cfg(target_os = "linux")]
use rustix::process::{PidfdFlags, pidfd_open};

pub(crate) use self::render::{Fill, has, param_variables, params_file, start_error, words};
use super::clock;
use super::given::{GivenFiles, GivenPaths};
use super::graph::{Graph, TargetId};
use super::plan::PlanContext;
use super::spec::{Action, Command, SHELL, Target};
use super::store::Inherit;
use super::turns::{LOOK, Pace};

/// The words that some target's command would have today, as one line for people; `None` for a built-in task.
#[must_use]
pub fn command_line(context: PlanContext<'_>, id: TargetId) -> Option<String> {
    let target = context.graph.target(id);
    let Action::Command(command) = &target.action else {
        return None;
    };
    let staged = context.store.private(&target.outputs).paths;
    let threads = target.settings.load.threads.map_or(1, |threads| threads as usize);
    Some(shown(
        command.shell.is_some(),
        &words_of(context, id, command, (&staged, threads)),
    ))
}

/// The words of a target's command that is to write its outputs to `staged`, with so many threads.
pub(crate) fn words_of(
    context: PlanContext<'_>,
    id: TargetId,
    command: &Command,
    (staged, threads): (&[PathBuf], usize),
) -> Vec<String> {
    let given = GivenFiles::paths(context.files.root(), context.graph.target(id));
    words_given(context, id, command, (staged, threads), &given)
}

/// The same with files that it is given elsewhere.
pub(crate) fn words_given(
    context: PlanContext<'_>,
    id: TargetId,
    command: &Command,
    (staged, threads): (&[PathBuf], usize),
    given: &GivenPaths,
) -> Vec<String> {
    let target = context.graph.target(id);
    let root = context.files.root();
    let below = |path: &Path| {
        let path = path.strip_prefix(root).unwrap_or(path).to_string_lossy();
        command.from_cwd(&path).into_owned()
    };
    let inputs = seen_inputs(context.graph, id, command);
    let outputs = target
        .outputs
        .iter()
        .zip(staged)
        .map(|(output, staged)| match target.settings.direct {
            true => (output.port.as_str(), command.from_cwd(&output.path).into_owned()),
            false => (output.port.as_str(), below(staged)),
        });
    let fill = Fill {
        params: &target.params,
        inputs: &inputs,
        outputs: &outputs.collect::<Vec<_>>(),
        inputs_file: &below(&given.inputs),
        params_file: &below(&given.params),
        threads,
        depfile: &below(&given.depfile),
    };
    words(command, &fill)
}

/// Variables that every command sees.
pub(crate) const PASSED: [&str; 3] = ["PATH", "HOME", "TMPDIR"];

/// What every command of a target sees of the environment `env`, secrets and what tells of one attempt left out.
pub(crate) fn environment(env: &BTreeMap<String, String>, target: &Target) -> BTreeMap<String, String> {
    let mut seen = passed(env, &target.settings.env);
    seen.extend(param_variables(&target.params));
    seen
}

/// What every command sees of the environment `env`, and the variables that are declared for it.
pub(crate) fn passed(env: &BTreeMap<String, String>, declared: &[String]) -> BTreeMap<String, String> {
    let mut seen = BTreeMap::from([("LANG".to_owned(), "C.UTF-8".to_owned())]);
    let passed = PASSED.into_iter().chain(declared.iter().map(String::as_str));
    seen.extend(passed.filter_map(|name| Some((name.to_owned(), env.get(name)?.clone()))));
    seen
}

/// Words as a person would type them: the text of a shell command, else the words, quoted where they need it.
pub(crate) fn shown(is_text: bool, words: &[String]) -> String {
    match words {
        [.., text] if is_text => text.clone(),
        words => {
            let words: Vec<Cow<'_, str>> = words
                .iter()
                .map(|word| shlex::try_quote(word).unwrap_or_default())
                .collect();
            words.join(" ")
        }
    }
}

/// Role and path of each declared input, in order, as they are called from where the command runs.
pub(crate) fn seen_inputs<'g>(graph: &'g Graph, id: TargetId, command: &Command) -> Vec<(&'g str, Cow<'g, str>)> {
    let declared = declared_inputs(graph, id).into_iter();
    declared.map(|(role, path)| (role, command.from_cwd(path))).collect()
}

/// Role and path of each declared input of a target, in order.
pub(crate) fn declared_inputs(graph: &Graph, id: TargetId) -> Vec<(&str, &str)> {
    let declared = graph.node(id).reads.iter().filter(|read| read.how.is_declared());
    declared.map(|read| (read.role.as_str(), read.path.as_str())).collect()
}

/// A child process to be.
pub(crate) struct Process<'a> {
    /// The program and its arguments.
    pub(crate) words: Vec<String>,
    /// A program that runs it, with its arguments; most often none.
    pub(crate) under: Vec<String>,
    /// Where it runs.
    pub(crate) dir: &'a Path,
    /// All of its environment.
    pub(crate) env: BTreeMap<String, String>,
    /// Locks that it inherits, so that an orphan of a killed build is waited for.
    pub(crate) locks: Vec<&'a File>,
    /// Whether its standard error is told apart from its standard output.
    pub(crate) apart: bool,
}

/// Where a child prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    /// To its standard output, or to its standard error where these are not told apart.
    Output,
    /// To its standard error.
    Error,
}

/// The end of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    /// How it ended.
    pub(crate) how: ProcessEnd,
    /// Whether a process that it had started goes on.
    pub(crate) left_running: bool,
}

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProcessEnd {
    /// By itself.
    Exit(ExitStatus),
    /// It was stopped, since its time was over.
    TimedOut,
    /// It was stopped, since the build was.
    Interrupted,
}

/// In words: ``ended with exit code 2``.
pub(crate) fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(126), _) => "the command ended with exit code 126: a program may not be executed".to_owned(),
        (Some(127), _) => "the command ended with exit code 127: a program was not found".to_owned(),
        (Some(code), _) => format!("the command ended with exit code {code}"),
        (None, Some(signal)) => format!("the command was ended by signal {signal}"),
        (None, None) => "the command ended".to_owned(),
    }
}

/// How long a stopped child may take to end by itself.
const GRACE: Duration = Duration::from_secs(5);
/// How long a pipe is read on after its child ended: a grandchild may hold it open.
const LINGER: Duration = Duration::from_secs(1);

impl Process<'_> {
    /// Starts the child and follows it to its end, which has to come within `limit`; `took` gets each piece that it
    /// prints, and `stopping` is called when it is asked to end because of an interrupt.
    pub(crate) async fn run(
        &self,
        limit: Option<Duration>,
        interrupted: &dyn Fn() -> bool,
        stopping: &dyn Fn(),
        took: &mut dyn FnMut(Stream, &[u8]),
        pace: &Pace,
    ) -> io::Result<Ended> {
        let (mut child, pipe, errors, _running) = self.spawn()?;
        let mut printed = Printed::new(pipe, Stream::Output);
        let mut errors = errors.map(|pipe| Printed::new(pipe, Stream::Error));
        let mut stop = Stopper::new(limit, interrupted, stopping);
        let mut end = None;
        loop {
            if printed.open {
                printed.take(took, pace).await?;
            } else {
                // With its output closed, a child most often ends at once.
                end.get_or_insert_with(|| End::of(&child)).wait(pace).await;
            }
            let has_ended = child.try_wait()?;
            if let Some(errors) = errors.as_mut().filter(|errors| errors.open) {
                // Not for ever, should it print without end.
                for _ in 0..16 {
                    if !errors.take_within(Duration::ZERO, took)? {
                        break;
                    }
                }
            }
            if let Some(status) = has_ended {
                let until = Instant::now() + LINGER;
                while printed.open && Instant::now() < until {
                    printed.take(took, pace).await?;
                }
                stop.sweep(&child, pace).await;
                return Ok(Ended {
                    how: stop.why().unwrap_or(ProcessEnd::Exit(status)),
                    left_running: printed.open || group(&child).is_some_and(is_alive),
                });
            }
            stop.look(&child);
        }
    }

    /// The path of a program: a child whose program has a path is born without a copy of this process.
    pub(crate) fn program(&self, name: &str) -> Option<PathBuf> {
        let path = self.env.get("PATH").filter(|_| !name.contains('/'))?;
        let mut candidates = std::env::split_paths(path).map(|dir| dir.join(name));
        candidates.find(|candidate| candidate.is_absolute() && candidate.is_file())
    }

    /// Program and arguments of a text for the usual shell that needs none; what cannot be found is left to the shell,
    /// which says so.
    fn without_shell(&self) -> Option<(PathBuf, Vec<&str>)> {
        let (text, shell) = self.words.split_last()?;
        // A file that a shell reads first may change what words mean.
        let has_startup = ["BASH_ENV", "ENV"].iter().any(|name| self.env.contains_key(*name));
        if *shell != SHELL || has_startup {
            return None;
        }
        let words = simple::words(text)?;
        Some((self.program(words[0])?, words))
    }

    fn spawn(&self) -> io::Result<(Child, PipeReader, Option<PipeReader>, RunningCommand)> {
        let (pipe, write) = io::pipe()?;
        let (errors, write_error) = match self.apart {
            true => io::pipe().map(|(read, write)| (Some(read), write))?,
            false => (None, write.try_clone()?),
        };
        let mut command;
        if let [under, arguments @ ..] = self.under.as_slice() {
            command = std::process::Command::new(self.program(under).unwrap_or_else(|| under.into()));
            command.args(arguments).args(&self.words);
        } else if let Some((program, words)) = self.without_shell() {
            command = std::process::Command::new(program);
            command.arg0(words[0]).args(&words[1..]);
        } else {
            let name = &self.words[0];
            command = std::process::Command::new(self.program(name).unwrap_or_else(|| name.into()));
            command.args(&self.words[1..]);
        }
        command
            .env_clear()
            .envs(&self.env)
            .current_dir(self.dir)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(write)
            .stderr(write_error);
        // One at a time: while a lock can be inherited, no other child may be born. And known from its birth, so that a
        // stop does not miss it.
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        let _inherit: Vec<Inherit<'_>> = self.locks.iter().map(|file| Inherit::new(file)).collect();
        let child = command.spawn()?;
        let group = group(&child);
        running.extend(group);
        Ok((child, pipe, errors, RunningCommand(group)))
    }
}

/// What a child prints.
struct Printed {
    pipe: PipeReader,
    stream: Stream,
    open: bool,
}

impl Printed {
    fn new(pipe: PipeReader, stream: Stream) -> Self {
        let open = true;
        Self { pipe, stream, open }
    }

    /// Takes the next piece, if there is one soon.
    async fn take(&mut self, took: &mut dyn FnMut(Stream, &[u8]), pace: &Pace) -> io::Result<()> {
        self.take_within(pace.share(), took)?;
        pace.give_way().await;
        Ok(())
    }

    /// Whether there was one.
    fn take_within(&mut self, limit: Duration, took: &mut dyn FnMut(Stream, &[u8])) -> io::Result<bool> {
        let mut fds = [PollFd::new(&self.pipe, PollFlags::IN)];
        match poll(&mut fds, Some(&timespec(limit))) {
            Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(false),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        let mut buffer = [0; 16 * 1024];
        match self.pipe.read(&mut buffer)? {
            0 => self.open = false,
            read => took(self.stream, &buffer[..read]),
        }
        Ok(self.open)
    }
}

/// Tells when a child ends.
struct End {
    /// Can be waited for together with a limit; not every system has it.
    process: Option<OwnedFd>,
    pause: Duration,
}

impl End {
    fn of(child: &Child) -> Self {
        #[cfg(target_os = "linux")]
        let process = group(child).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        #[cfg(not(target_os = "linux"))]
        let process = None;
        let pause = Duration::from_micros(20);
        Self { process, pause }
    }

    /// Waits for it, no longer than a turn may.
    async fn wait(&mut self, pace: &Pace) {
        let Some(process) = &self.process else {
            pace.pause(self.pause).await;
            self.pause = (self.pause * 2).min(LOOK);
            return;
        };
        let mut fds = [PollFd::new(process, PollFlags::IN)];
        // Whether it has ended is asked next.
        let _ = poll(&mut fds, Some(&timespec(pace.share())));
        pace.give_way().await;
    }
}

/// A time of less than a second, as the system takes it.
fn timespec(time: Duration) -> Timespec {
    Timespec {
        tv_sec: 0,
        tv_nsec: time.subsec_nanos().into(),
    }
}

/// Ends a child before its time: politely first, then by force.
struct Stopper<'a> {
    limit: Option<Duration>,
    clock: RunningClock,
    interrupted: &'a dyn Fn() -> bool,
    stopping: &'a dyn Fn(),
    sent: Option<(ProcessEnd, Instant)>,
}

impl<'a> Stopper<'a> {
    fn new(limit: Option<Duration>, interrupted: &'a dyn Fn() -> bool, stopping: &'a dyn Fn()) -> Self {
        Self {
            limit,
            clock: RunningClock::start(),
            interrupted,
            stopping,
            sent: None,
        }
    }

    fn look(&mut self, child: &Child) {
        if let Some((_, since)) = self.sent {
            if since.elapsed() > GRACE {
                signal(child, Signal::KILL);
            }
            return;
        }
        let now = Instant::now();
        let end = if (self.interrupted)() {
            ProcessEnd::Interrupted
        } else if self.limit.is_some_and(|limit| self.clock.elapsed() >= limit) {
            ProcessEnd::TimedOut
        } else {
            return;
        };
        self.sent = Some((end, now));
        signal(child, Signal::TERM);
        if end == ProcessEnd::Interrupted {
            (self.stopping)();
        }
    }

    /// Why the child was ended, if it was.
    fn why(&self) -> Option<ProcessEnd> {
        self.sent.map(|(end, _)| end)
    }

    /// Sees a stopped child's process group to its end: a shell goes at the first signal, while the program that it
    /// started may still be tidying up, or refuse to go.
    async fn sweep(&self, child: &Child, pace: &Pace) {
        let (Some((_, since)), Some(group)) = (self.sent, group(child)) else {
            return;
        };
        while is_alive(group) {
            if since.elapsed() > GRACE {
                signal(child, Signal::KILL);
                return;
            }
            pace.pause(LOOK).await;
        }
    }
}

/// The process groups of all commands that run.
static RUNNING: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

/// A command that runs, as long as this is not dropped.
struct RunningCommand(Option<Pid>);

impl Drop for RunningCommand {
    fn drop(&mut self) {
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|group| Some(*group) != self.0);
    }
}

/// The time for which this program was stopped by Ctrl-Z, in milliseconds.
static STOPPED: AtomicU64 = AtomicU64::new(0);

/// Measures time without that for which this program was stopped.
pub(crate) struct RunningClock {
    begun: Instant,
    stopped: u64,
}

impl RunningClock {
    /// Begins to measure.
    pub(crate) fn start() -> Self {
        Self {
            begun: Instant::now(),
            stopped: STOPPED.load(Ordering::Relaxed),
        }
    }

    /// The time that went by.
    pub(crate) fn elapsed(&self) -> Duration {
        let stopped = STOPPED.load(Ordering::Relaxed).saturating_sub(self.stopped);
        self.begun.elapsed().saturating_sub(Duration::from_millis(stopped))
    }
}

/// Stops all commands that run, does what `meanwhile` does, and lets them go on: none is born in between, and their time
/// limits do not go on either.
pub(crate) fn stop_all(meanwhile: impl FnOnce()) {
    // No command is born or forgotten while this is held.
    let running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    let each = |signal| {
        for group in running.iter() {
            let _ = kill_process_group(*group, signal);
        }
    };
    let begun = Instant::now();
    each(Signal::STOP);
    meanwhile();
    let stopped = clock::milliseconds(begun.elapsed());
    STOPPED.fetch_add(stopped, Ordering::Relaxed);
    each(Signal::CONT);
}

/// Ends all commands that run by force: for a program that is about to end at once itself.
pub(crate) fn kill_all() {
    for group in RUNNING.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        let _ = kill_process_group(*group, Signal::KILL);
    }
}

/// Whether a process group has a member that runs. One that has ended and that nobody has waited for, as it happens
/// under a first process that waits for nobody, does not count.
fn is_alive(group: Pid) -> bool {
    if test_kill_process_group(group).is_err() {
        return false;
    }
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return true;
    };
    let group = group.as_raw_nonzero().to_string();
    processes.flatten().any(|process| {
        let stat = std::fs::read_to_string(process.path().join("stat")).unwrap_or_default();
        // `pid (name) state parent group ..`; the name may have anything in it.
        let mut fields = stat.rsplit(')').next().unwrap_or_default().split_ascii_whitespace();
        let state = fields.next();
        fields.nth(1) == Some(group.as_str()) && !matches!(state, Some("Z" | "X"))
    })
}

/// The process group of a child, which bears its number.
fn group(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

/// Sends a signal to a child and all its descendants that are still of its process group.
fn signal(child: &Child, signal: Signal) {
    if let Some(group) = group(child) {
        let _ = kill_process_group(group, signal);
    }
}
