//! Commands: from a declared command to a child process and its end.
//!
//! A command runs in the project's directory, in a process group of its own, with nothing on its standard input. It
//! sees `PATH`, `HOME`, `TMPDIR`, `LANG=C.UTF-8`, the environment that its target declares, and the `ATSAF_*`
//! variables that are made here; nothing else.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, PipeReader, Read as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

use super::spec::{Command, Param, Piece, Template};
use super::store::locks::Inherit;
use super::task::TaskError;

/// What the holes of a command are filled with; paths are relative to the project.
pub(crate) struct Fill<'a> {
    /// The parameters that the target uses.
    pub(crate) params: &'a [Param],
    /// Role and path of each declared input, in order.
    pub(crate) inputs: &'a [(&'a str, &'a str)],
    /// Port and path to write of each output, in order.
    pub(crate) outputs: &'a [(&'a str, String)],
    /// The path of [`Fill::inputs_file`], where the command asks for it.
    pub(crate) inputs_file: &'a str,
    /// The path of [`params_file`], where the command asks for it.
    pub(crate) params_file: &'a str,
}

/// The words to execute.
pub(crate) fn words(command: &Command, fill: &Fill<'_>) -> Vec<String> {
    if let Some(shell) = &command.shell {
        let text: String = command.words.iter().map(|text| fill.text(text, true)).collect();
        return shell.iter().cloned().chain([text]).collect();
    }
    let words = command.words.iter();
    words
        .flat_map(|word| match word.pieces.as_slice() {
            // A word that is nothing but several paths becomes as many words.
            [piece @ (Piece::Inputs | Piece::Outputs | Piece::Input(_))] => fill.values(piece),
            _ => vec![fill.text(word, false)],
        })
        .collect()
}

/// Whether a command has a hole of a kind.
pub(crate) fn has(command: &Command, wanted: impl Fn(&Piece) -> bool) -> bool {
    command.words.iter().flat_map(|word| &word.pieces).any(wanted)
}

/// What `{{params_file}}` leads to: a JSON object with the parameters that a target uses.
pub(crate) fn params_file(params: &[Param]) -> String {
    let mut text = format!("{:#}", params_json(params));
    text.push('\n');
    text
}

impl Fill<'_> {
    /// What `{{inputs_file}}` leads to: the paths of all declared inputs, one a line.
    pub(crate) fn inputs_file(inputs: &[(&str, &str)]) -> String {
        let lines = inputs.iter().map(|(_, path)| path_word(path) + "\n");
        lines.collect()
    }

    fn text(&self, template: &Template, quote: bool) -> String {
        let mut text = String::new();
        for piece in &template.pieces {
            if let Piece::Literal(literal) = piece {
                text.push_str(literal);
                continue;
            }
            let values = self.values(piece);
            let values: Vec<Cow<'_, str>> = values
                .iter()
                // Only a NUL byte cannot be quoted, and no text of an Atsaffile has one.
                .map(|value| {
                    if quote {
                        shlex::try_quote(value).unwrap_or_default()
                    } else {
                        value.into()
                    }
                })
                .collect();
            text.push_str(&values.join(" "));
        }
        text
    }

    fn values(&self, piece: &Piece) -> Vec<String> {
        let param = |name: &String| self.params.iter().find(|param| param.name == *name);
        match piece {
            Piece::Literal(text) => vec![text.clone()],
            Piece::Param(name) => param(name).map(|param| param.value.plain()).into_iter().collect(),
            Piece::Input(wanted) => {
                let inputs = self.inputs.iter().filter(|(role, _)| role == wanted);
                inputs.map(|(_, path)| path_word(path)).collect()
            }
            Piece::Inputs => self.inputs.iter().map(|(_, path)| path_word(path)).collect(),
            Piece::Output(wanted) => {
                let outputs = self.outputs.iter().filter(|(port, _)| port == wanted);
                outputs.map(|(_, path)| path_word(path)).collect()
            }
            Piece::Outputs => self.outputs.iter().map(|(_, path)| path_word(path)).collect(),
            Piece::InputsFile => vec![self.inputs_file.to_owned()],
            Piece::ParamsFile => vec![self.params_file.to_owned()],
        }
    }
}

/// A path as a word that no program takes for an option.
fn path_word(path: &str) -> String {
    match path.starts_with('-') {
        true => format!("./{path}"),
        false => path.to_owned(),
    }
}

/// Most bytes of a variable that a command is given: the system starts nothing with one of 128 KiB.
const LONGEST_VARIABLE: usize = 100 * 1024;

/// The variables that tell a command its parameters: `ATSAF_PARAM_HORIZON=24`, and all as JSON in `ATSAF_PARAMS`. One
/// that is too long for a variable is left out.
pub(crate) fn param_variables(params: &[Param]) -> Vec<(String, String)> {
    let name = |param: &Param| {
        let upper = param.name.to_uppercase();
        format!(
            "ATSAF_PARAM_{}",
            upper.replace(|c: char| !c.is_ascii_alphanumeric(), "_")
        )
    };
    let mut variables: Vec<_> = params.iter().map(|param| (name(param), param.value.plain())).collect();
    variables.push(("ATSAF_PARAMS".to_owned(), params_json(params).to_string()));
    variables.retain(|(_, value)| value.len() <= LONGEST_VARIABLE);
    variables
}

fn params_json(params: &[Param]) -> serde_json::Value {
    let json: serde_json::Map<_, _> = params
        .iter()
        .map(|param| (param.name.clone(), param.value.to_json()))
        .collect();
    json.into()
}

/// Why a command cannot be started, and what to do.
pub(crate) fn start_error(command: &Command, words: &[String], error: &io::Error) -> TaskError {
    let program = &words[0];
    match error.kind() {
        io::ErrorKind::ArgumentListTooLong => too_long(command),
        io::ErrorKind::NotFound if command.shell.is_some() => TaskError::new(format!(
            "the shell `{program}` was not found"
        ))
        .help("install it, or name another, in `[project]` or in the target: `shell = [\"sh\", \"-eu\", \"-c\"]`"),
        _ => TaskError::new(format!("`{program}` cannot be started: {error}")),
    }
}

fn too_long(command: &Command) -> TaskError {
    let mut error = TaskError::new("the command is longer than the system allows");
    if has(command, |piece| matches!(piece, Piece::Inputs | Piece::Input(_))) {
        error = error.help("`{{inputs_file}}` in the command is the path of a file that lists all inputs, one a line");
    }
    if has(command, |piece| matches!(piece, Piece::Param(_))) {
        error = error.help(
            "`{{params_file}}` in the command is the path of a JSON file with the target's parameters: name them in `params`",
        );
    }
    error
}

/// A child process to be.
pub(crate) struct Process<'a> {
    /// The program and its arguments.
    pub(crate) words: Vec<String>,
    /// The project's directory.
    pub(crate) dir: &'a Path,
    /// All of its environment.
    pub(crate) env: BTreeMap<String, String>,
    /// A lock that it inherits, so that an orphan of a killed build is waited for.
    pub(crate) lock: Option<&'a File>,
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
        (Some(127), _) => "the command ended with exit code 127: a program was not found".to_owned(),
        (Some(code), _) => format!("the command ended with exit code {code}"),
        (None, Some(signal)) => format!("the command was ended by signal {signal}"),
        (None, None) => "the command ended".to_owned(),
    }
}

/// How often a running child is looked at beside what it prints.
const LOOK: Duration = Duration::from_millis(20);
/// How long a stopped child may take to end by itself.
const GRACE: Duration = Duration::from_secs(5);
/// How long a pipe is read on after its child ended: a grandchild may hold it open.
const LINGER: Duration = Duration::from_secs(1);

impl Process<'_> {
    /// Starts the child and follows it to its end; `took` gets each piece that it prints.
    pub(crate) fn run(
        &self,
        deadline: Option<Instant>,
        interrupted: &dyn Fn() -> bool,
        took: &mut dyn FnMut(&[u8]),
    ) -> io::Result<ProcessEnd> {
        let (mut child, pipe) = self.spawn()?;
        let _running = RunningCommand::new(&child);
        let mut printed = Printed::new(pipe);
        let mut stop = Stopper::new(deadline, interrupted);
        let mut pause = Duration::from_micros(20);
        loop {
            if printed.open {
                printed.take(LOOK, took)?;
            } else {
                // With its output closed, a child most often ends at once.
                std::thread::sleep(pause);
                pause = (pause * 2).min(LOOK);
            }
            stop.look(&child);
            if let Some(status) = child.try_wait()? {
                let until = Instant::now() + LINGER;
                while printed.open && Instant::now() < until {
                    printed.take(LOOK, took)?;
                }
                stop.sweep(&child);
                return Ok(stop.why().unwrap_or(ProcessEnd::Exit(status)));
            }
        }
    }

    /// The path of the program: a child whose program has a path is born without a copy of this process.
    fn program(&self) -> PathBuf {
        let name = &self.words[0];
        let path = self.env.get("PATH").filter(|_| !name.contains('/'));
        let found = path.and_then(|path| {
            let mut candidates = std::env::split_paths(path).map(|dir| dir.join(name));
            candidates.find(|candidate| candidate.is_absolute() && candidate.is_file())
        });
        found.unwrap_or_else(|| name.into())
    }

    fn spawn(&self) -> io::Result<(Child, PipeReader)> {
        // One at a time: while a lock can be inherited, no other child may be born.
        static BIRTH: Mutex<()> = Mutex::new(());
        let (pipe, write) = io::pipe()?;
        let mut command = std::process::Command::new(self.program());
        command
            .args(&self.words[1..])
            .env_clear()
            .envs(&self.env)
            .current_dir(self.dir)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(write.try_clone()?)
            .stderr(write);
        let child = {
            let _one = BIRTH.lock().unwrap_or_else(PoisonError::into_inner);
            let _inherit = self.lock.map(Inherit::new);
            command.spawn()?
        };
        Ok((child, pipe))
    }
}

/// What a child prints.
struct Printed {
    pipe: PipeReader,
    open: bool,
    buffer: Vec<u8>,
}

impl Printed {
    fn new(pipe: PipeReader) -> Self {
        Self {
            pipe,
            open: true,
            buffer: vec![0; 16 * 1024],
        }
    }

    /// Takes the next piece, if there is one within `limit`.
    fn take(&mut self, limit: Duration, took: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        let mut fds = [PollFd::new(&self.pipe, PollFlags::IN)];
        let limit = Timespec {
            tv_sec: 0,
            tv_nsec: limit.subsec_nanos().into(),
        };
        match poll(&mut fds, Some(&limit)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(()),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        match self.pipe.read(&mut self.buffer)? {
            0 => self.open = false,
            read => took(&self.buffer[..read]),
        }
        Ok(())
    }
}

/// Ends a child before its time: politely first, then by force.
struct Stopper<'a> {
    deadline: Option<Instant>,
    interrupted: &'a dyn Fn() -> bool,
    sent: Option<(ProcessEnd, Instant)>,
}

impl<'a> Stopper<'a> {
    fn new(deadline: Option<Instant>, interrupted: &'a dyn Fn() -> bool) -> Self {
        Self {
            deadline,
            interrupted,
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
        } else if self.deadline.is_some_and(|deadline| now >= deadline) {
            ProcessEnd::TimedOut
        } else {
            return;
        };
        self.sent = Some((end, now));
        signal(child, Signal::TERM);
    }

    /// Why the child was ended, if it was.
    fn why(&self) -> Option<ProcessEnd> {
        self.sent.map(|(end, _)| end)
    }

    /// Sees a stopped child's process group to its end: a shell goes at the first signal, while the program that it
    /// started may still be tidying up, or refuse to go.
    fn sweep(&self, child: &Child) {
        let (Some((_, since)), Some(group)) = (self.sent, group(child)) else {
            return;
        };
        while is_alive(group) {
            if since.elapsed() > GRACE {
                signal(child, Signal::KILL);
                return;
            }
            std::thread::sleep(LOOK);
        }
    }
}

/// The process groups of all commands that run.
static RUNNING: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

/// A command that runs, as long as this is not dropped.
struct RunningCommand(Option<Pid>);

impl RunningCommand {
    fn new(child: &Child) -> Self {
        let group = group(child);
        RUNNING.lock().unwrap_or_else(PoisonError::into_inner).extend(group);
        Self(group)
    }
}

impl Drop for RunningCommand {
    fn drop(&mut self) {
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|group| Some(*group) != self.0);
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::spec::{Origin, Value};

    fn command(shell: Option<&[&str]>, words: Vec<Vec<Piece>>) -> Command {
        let words = words.into_iter().map(|pieces| Template {
            text: String::new(),
            pieces,
        });
        Command {
            words: words.collect(),
            shell: shell.map(|words| words.iter().map(|word| (*word).to_owned()).collect()),
            file_words: Vec::new(),
        }
    }

    fn param(name: &str, value: Value) -> Param {
        Param {
            name: name.to_owned(),
            value,
            origin: Origin::Default,
        }
    }

    fn fill<'a>(params: &'a [Param], outputs: &'a [(&'a str, String)]) -> Fill<'a> {
        Fill {
            params,
            inputs: &[("*.csv", "-n.csv"), ("*.csv", "d/-m n.csv")],
            outputs,
            inputs_file: "in",
            params_file: "params",
        }
    }

    #[test]
    fn a_path_is_never_taken_for_an_option() {
        let outputs = [("t", "-o".to_owned())];
        let pieces = vec![
            Piece::Literal("cat ".to_owned()),
            Piece::Inputs,
            Piece::Literal(" > ".to_owned()),
            Piece::Output("t".to_owned()),
        ];
        assert_eq!(
            words(&command(Some(&["bash", "-c"]), vec![pieces]), &fill(&[], &outputs)),
            ["bash", "-c", "cat ./-n.csv 'd/-m n.csv' > ./-o"]
        );
        assert_eq!(
            words(
                &command(None, vec![vec![Piece::Inputs], vec![Piece::Outputs]]),
                &fill(&[], &outputs)
            ),
            ["./-n.csv", "d/-m n.csv", "./-o"]
        );
        assert_eq!(
            Fill::inputs_file(&[("a", "-n.csv"), ("b", "d/-m n.csv")]),
            "./-n.csv\nd/-m n.csv\n"
        );
    }

    #[test]
    fn a_value_that_is_no_path_is_put_in_as_it_is() {
        let params = [param("n", Value::Int(-1))];
        let pieces = vec![
            vec![Piece::Param("n".to_owned())],
            vec![Piece::InputsFile],
            vec![Piece::ParamsFile],
        ];
        assert_eq!(
            words(&command(None, pieces), &fill(&params, &[])),
            ["-1", "in", "params"]
        );
        assert_eq!(params_file(&params), "{\n  \"n\": -1\n}\n");
    }

    #[test]
    fn a_variable_that_is_too_long_is_left_out() {
        let params = [
            param("long", Value::Text("x".repeat(200_000))),
            param("n", Value::Int(1)),
        ];
        let names: Vec<String> = param_variables(&params).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["ATSAF_PARAM_N"]);
    }

    #[test]
    fn a_command_that_is_too_long_says_how_to_pass_what_is_long() {
        let error = io::Error::from(io::ErrorKind::ArgumentListTooLong);
        let long = command(None, vec![vec![Piece::Inputs, Piece::Param("p".to_owned())]]);
        let said = start_error(&long, &["cat".to_owned()], &error);
        assert!(
            said.help.iter().any(|help| help.contains("{{inputs_file}}")),
            "{said:?}"
        );
        assert!(
            said.help.iter().any(|help| help.contains("{{params_file}}")),
            "{said:?}"
        );
    }

    #[test]
    fn a_shell_that_is_not_there_is_named_with_another() {
        let error = io::Error::from(io::ErrorKind::NotFound);
        let said = start_error(&command(Some(&["bash"]), Vec::new()), &["bash".to_owned()], &error);
        assert_eq!(said.what, "the shell `bash` was not found");
        assert!(said.help[0].contains(r#"shell = ["sh", "-eu", "-c"]"#), "{said:?}");
    }
}
