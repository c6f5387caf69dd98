//! One try of one target: a private directory to write to, the task or command, and what came of it.
//!
//! An attempt changes nothing in the project; what it leaves is committed by the build, or kept for reading.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::command::{self, End, Fill, Process};
use super::digest::Digest;
use super::event::{Event, Failure, Observer};
use super::graph::TargetId;
use super::job::Options;
use super::mask::Mask;
use super::plan::World;
use super::run::RunId;
use super::spec::{Action, Command, Kind, Target, Value};
use super::store::locks::Held;
use super::store::{Staged, Store, StoreError, move_file, remove};
use super::task::{Context, Message, Task, TaskError, Tasks};

/// Everything that an attempt is given.
pub(crate) struct Attempt<'a> {
    pub(crate) world: World<'a>,
    pub(crate) tasks: &'a Tasks,
    pub(crate) options: &'a Options<'a>,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) mask: &'a Mask,
    pub(crate) run: RunId,
    pub(crate) target: TargetId,
    /// Its number, from 1.
    pub(crate) number: u32,
    /// The hash of the target's fingerprint: an effect's key in the outside world.
    pub(crate) fingerprint: Digest,
    /// The number of its private directories.
    pub(crate) slot: u32,
    /// The locks of the attempt.
    pub(crate) held: &'a Held,
}

/// Why nothing came of an attempt.
pub(crate) enum Broken {
    /// It failed.
    Failed(Box<Failure>),
    /// The build is to end.
    Interrupted,
    /// The store cannot be used.
    Store(StoreError),
}

impl From<StoreError> for Broken {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// How a task or command ended badly, before its output is looked at.
enum Bad {
    Failed(Box<TaskError>),
    Interrupted,
    Store(StoreError),
}

impl Bad {
    fn failed(what: impl Into<String>) -> Self {
        Self::Failed(Box::new(TaskError::new(what)))
    }
}

impl From<StoreError> for Bad {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Attempt<'_> {
    /// Runs the target's task or command and examines what it wrote.
    pub(crate) fn run(&self) -> Result<Vec<Staged>, Broken> {
        let target = self.world.graph.target(self.target);
        let staging = self.stage(target)?;
        let log = Mutex::new(Log::new(self, target));
        let done = match &target.action {
            Action::Builtin { task, .. } => self.task(target, task, &staging, &log),
            Action::Command(command) => self.command(target, command, &staging, &log),
        };
        let staged = done.and_then(|()| self.examine(target, &staging));
        let mut log = log.into_inner().unwrap_or_else(PoisonError::into_inner);
        log.end();
        match staged {
            Ok(staged) => Ok(staged),
            Err(Bad::Store(error)) => Err(Broken::Store(error)),
            Err(Bad::Interrupted) => {
                self.clear(target);
                Err(Broken::Interrupted)
            }
            Err(Bad::Failed(error)) => {
                let kept = self.keep(target, &staging);
                self.clear(target);
                let left = (kept || log.file.is_some()).then(|| log.dir.clone());
                let mask = |text: String| self.mask.hide(&text).into_owned();
                Err(Broken::Failed(Box::new(Failure {
                    what: mask(error.what),
                    notes: error.notes.into_iter().map(mask).collect(),
                    help: error.help.into_iter().map(mask).collect(),
                    tail: log.tail.into(),
                    left,
                    retry: error.retry,
                })))
            }
        }
    }

    fn directory(&self, path: &Path) -> PathBuf {
        let staging = self.world.store.staging_beside(path, self.run);
        staging.join(self.slot.to_string())
    }

    /// A path to write to for each output, on the file system of its declared path and with the same file name.
    fn stage(&self, target: &Target) -> Result<Vec<PathBuf>, StoreError> {
        let mut paths: Vec<PathBuf> = Vec::with_capacity(target.outputs.len());
        for (number, output) in target.outputs.iter().enumerate() {
            let declared = self.world.files.at(&output.path);
            let mut dir = self.directory(&declared);
            let name = declared.file_name().unwrap_or_default();
            if paths.contains(&dir.join(name)) {
                dir.push(number.to_string());
            }
            let path = dir.join(name);
            let make = || -> io::Result<()> {
                remove(&path)?;
                match output.kind {
                    Kind::File => fs::create_dir_all(&dir),
                    Kind::Directory => fs::create_dir_all(&path),
                }
            };
            make().map_err(StoreError::at(&path))?;
            paths.push(path);
        }
        Ok(paths)
    }

    /// Takes away what the attempt left in its private directories.
    pub(crate) fn clear(&self, target: &Target) {
        for output in &target.outputs {
            let dir = self.directory(&self.world.files.at(&output.path));
            for left in fs::read_dir(dir).into_iter().flatten().flatten() {
                let _ = remove(&left.path());
            }
        }
    }

    fn task(&self, target: &Target, name: &str, staging: &[PathBuf], log: &Mutex<Log<'_>>) -> Result<(), Bad> {
        let Some(task) = self.tasks.get(name) else {
            return Err(Bad::failed(format!("internal error: no task `{name}`")));
        };
        let files = self.world.files;
        let reads = &self.world.graph.node(self.target).reads;
        let mut inputs: BTreeMap<String, PathBuf> = reads
            .iter()
            .map(|read| (read.role.clone(), files.at(&read.path)))
            .collect();
        for param in &target.params {
            if let Value::Path(path) = &param.value {
                inputs.insert(param.name.clone(), files.at(path));
            }
        }
        let names = target.outputs.iter().map(|output| output.name.clone());
        let secrets = &self.options.secrets;
        let own = target.secrets.iter().filter_map(|name| secrets.get_key_value(name));
        let cancelled = AtomicBool::new(false);
        let say = |message: Message<'_>| {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            match message {
                Message::Progress(text) => self.observer.observe(&Event::Progress {
                    target: self.target,
                    message: self.mask.hide(text).into_owned(),
                }),
                Message::Line(text) => log.line(text),
            }
        };
        let context = Context {
            target: &target.name,
            params: target
                .params
                .iter()
                .map(|param| (param.name.clone(), param.value.clone()))
                .collect(),
            inputs,
            outputs: names.zip(staging.iter().cloned()).collect(),
            secrets: own.map(|(name, value)| (name.clone(), value.clone())).collect(),
            run: None,
            effect_key: None,
            memo: self.world.store.memo(),
            cancelled: &cancelled,
            say: &say,
        };
        let done = self.watched(task, &context, target.timeout);
        match done {
            Ok(()) => Ok(()),
            Err(_) if self.interrupted() => Err(Bad::Interrupted),
            Err(_) if cancelled.load(Ordering::Relaxed) => Err(too_long(target)),
            Err(error) => Err(Bad::Failed(Box::new(error))),
        }
    }

    /// Runs a task beside a watcher that tells it when to end; a panic is an error like any other.
    fn watched(&self, task: &dyn Task, context: &Context<'_>, timeout: Option<Duration>) -> Result<(), TaskError> {
        const LOOK: Duration = Duration::from_millis(20);
        let deadline = timeout.map(|limit| Instant::now() + limit);
        let (done, watch) = channel::<()>();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                while watch.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                    if self.interrupted() || deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                        context.cancelled.store(true, Ordering::Relaxed);
                    }
                }
            });
            let result = catch_unwind(AssertUnwindSafe(|| task.run(context)));
            drop(done);
            result.unwrap_or_else(|panic| {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
                Err(TaskError::new(format!("the task panicked: {text}"))
                    .help("this is a mistake of the task: please report it"))
            })
        })
    }

    fn command(
        &self,
        target: &Target,
        command: &Command,
        staging: &[PathBuf],
        log: &Mutex<Log<'_>>,
    ) -> Result<(), Bad> {
        let World {
            graph, store, files, ..
        } = self.world;
        let root = files.root();
        let shown = |path: &Path| path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned();
        let reads = graph.node(self.target).reads.iter();
        let declared = reads.filter(|read| read.how.is_declared());
        let inputs: Vec<(&str, &str)> = declared.map(|read| (read.role.as_str(), read.path.as_str())).collect();
        let outputs = target
            .outputs
            .iter()
            .zip(staging)
            .map(|(output, staged)| match target.direct {
                true => (output.name.as_str(), output.path.clone()),
                false => (output.name.as_str(), shown(staged)),
            });
        let fill = Fill {
            params: &target.params,
            inputs: &inputs,
            outputs: &outputs.collect::<Vec<_>>(),
        };
        let process = Process {
            words: command::words(command, &fill),
            dir: root,
            env: self.environment(target),
            lock: self.held.own(),
        };
        let deadline = target.timeout.map(|limit| Instant::now() + limit);
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        if target.direct {
            store.set_aside(&target.name, &target.outputs, self.run, files)?;
        }
        let end = process.run(deadline, &|| self.interrupted(), &mut |bytes| log.piece(bytes));
        if target.direct {
            Store::take_written(&target.outputs, staging, files)?;
            for moved in store.put_back(&target.name, self.run, files)? {
                self.observer.observe(&Event::Displaced {
                    path: moved.path,
                    to: moved.to,
                });
            }
        }
        match end {
            Ok(End::Exit(status)) if status.success() => Ok(()),
            Ok(End::Exit(status)) => Err(Bad::Failed(Box::new(
                TaskError::new(command::describe(status)).retryable(),
            ))),
            Ok(End::TimedOut) => Err(too_long(target)),
            Ok(End::Interrupted) => Err(Bad::Interrupted),
            Err(error) => Err(Bad::failed(format!(
                "`{}` cannot be started: {error}",
                process.words[0]
            ))),
        }
    }

    /// All that a command sees of the environment.
    fn environment(&self, target: &Target) -> BTreeMap<String, String> {
        let mut env = BTreeMap::from([("LANG".to_owned(), "C.UTF-8".to_owned())]);
        let passed = ["PATH", "HOME", "TMPDIR"]
            .into_iter()
            .chain(target.env.iter().map(String::as_str));
        env.extend(passed.filter_map(|name| Some((name.to_owned(), self.world.env.get(name)?.clone()))));
        env.extend(command::param_variables(&target.params));
        env.insert("ATSAF_TARGET".to_owned(), target.name.clone());
        if target.effect {
            env.insert("ATSAF_RUN_ID".to_owned(), self.run.to_string());
            env.insert("ATSAF_FINGERPRINT".to_owned(), self.fingerprint.hex());
        }
        let secrets = target
            .secrets
            .iter()
            .filter_map(|name| Some((name.clone(), self.options.secrets.get(name)?.clone())));
        env.extend(secrets);
        env
    }

    fn interrupted(&self) -> bool {
        self.options.interrupted.load(Ordering::Relaxed)
    }

    /// Looks at what was written: every output is there, and of its kind.
    fn examine(&self, target: &Target, staging: &[PathBuf]) -> Result<Vec<Staged>, Bad> {
        let mut wrong = Vec::new();
        for (output, path) in target.outputs.iter().zip(staging) {
            let found = fs::symlink_metadata(path);
            let trouble = match (&found, output.kind) {
                (Err(_), _) => Some(format!("`{}` was not written", output.name)),
                (Ok(it), _) if it.is_symlink() => Some(format!("`{}` is a link, not the file itself", output.name)),
                (Ok(it), Kind::File) if !it.is_file() => Some(format!("`{}` is not a file", output.name)),
                (Ok(it), Kind::Directory) if !it.is_dir() => Some(format!(
                    "`{}` is not a directory, as its path in the Atsaffile says",
                    output.name
                )),
                _ => None,
            };
            wrong.extend(trouble);
        }
        if !wrong.is_empty() {
            return Err(Bad::failed(wrong.join("; ")));
        }
        let stamp = matches!(target.action, Action::Builtin { .. });
        let mut staged = Vec::with_capacity(staging.len());
        for (output, path) in target.outputs.iter().zip(staging) {
            let one = Staged::examine(output, path.clone(), self.run, stamp);
            staged.push(one.map_err(|error| Bad::failed(format!("`{}` cannot be read: {error}", output.name)))?);
        }
        Ok(staged)
    }

    /// Keeps what a failed attempt wrote, to be read; says whether there was anything.
    fn keep(&self, target: &Target, staging: &[PathBuf]) -> bool {
        let dir = self.world.store.output_dir(self.run, &target.name).join("files");
        let mut kept = false;
        for (output, path) in target.outputs.iter().zip(staging) {
            let empty = fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
            if empty || fs::symlink_metadata(path).is_err() {
                continue;
            }
            // As in staging, where two files of one name do not meet.
            let private = self.directory(&self.world.files.at(&output.path));
            let to = dir.join(path.strip_prefix(private).unwrap_or(path));
            let go = || -> io::Result<()> {
                fs::create_dir_all(to.parent().unwrap_or(&dir))?;
                remove(&to)?;
                move_file(path, &to)
            };
            kept |= go().is_ok();
        }
        kept
    }
}

fn too_long(target: &Target) -> Bad {
    let limit = target.timeout.unwrap_or_default();
    let error = TaskError::new(format!("it took longer than its limit of {} s", limit.as_secs_f64()));
    Bad::Failed(Box::new(error.help("give it a longer `timeout`").retryable()))
}

/// What an attempt prints: whole in a file, its last lines in memory, each line to the observer; secrets hidden.
struct Log<'a> {
    attempt: &'a Attempt<'a>,
    dir: PathBuf,
    file: Option<File>,
    tail: VecDeque<String>,
    /// The beginning of a line whose end has not come yet.
    begun: Vec<u8>,
}

impl<'a> Log<'a> {
    /// So many last lines are shown with a failure.
    const TAIL: usize = 20;
    /// A line that is longer is cut here: it may be no text at all.
    const LINE: usize = 1 << 20;

    fn new(attempt: &'a Attempt<'a>, target: &Target) -> Self {
        Self {
            attempt,
            dir: attempt.world.store.output_dir(attempt.run, &target.name),
            file: None,
            tail: VecDeque::new(),
            begun: Vec::new(),
        }
    }

    fn piece(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.begun.extend_from_slice(&rest[..end]);
            self.flush();
            rest = &rest[end + 1..];
        }
        self.begun.extend_from_slice(rest);
        if self.begun.len() > Self::LINE {
            // Its end may be the beginning of a secret, so as much is kept back for the next line.
            let mask = self.attempt.mask;
            let text = mask
                .hide(&String::from_utf8_lossy(&std::mem::take(&mut self.begun)))
                .into_owned();
            let (cut, back) = text.split_at(text.floor_char_boundary(text.len() - mask.longest().min(text.len())));
            self.line(cut);
            self.begun = back.as_bytes().to_vec();
        }
    }

    fn flush(&mut self) {
        let begun = std::mem::take(&mut self.begun);
        self.line(String::from_utf8_lossy(&begun).trim_end_matches('\r'));
    }

    fn end(&mut self) {
        if !self.begun.is_empty() {
            self.flush();
        }
    }

    fn line(&mut self, text: &str) {
        let line = self.attempt.mask.hide(text).into_owned();
        if self.file.is_none() {
            let path = self.dir.join(format!("{}.log", self.attempt.number));
            let open = || fs::create_dir_all(&self.dir).and_then(|()| File::create(&path));
            match open() {
                Ok(file) => self.file = Some(file),
                Err(error) => self.warn(&error),
            }
        }
        if let Some(file) = &mut self.file
            && let Err(error) = writeln!(file, "{line}")
        {
            self.warn(&error);
        }
        self.tail.push_back(line.clone());
        if self.tail.len() > Self::TAIL {
            self.tail.pop_front();
        }
        self.attempt.observer.observe(&Event::Output {
            target: self.attempt.target,
            line,
        });
    }

    fn warn(&self, error: &io::Error) {
        self.attempt.observer.observe(&Event::Warning {
            message: format!("the output of an attempt cannot be kept: {error}"),
        });
    }
}
