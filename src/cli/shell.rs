//! `atsaf shell`: the command of a target by hand, as an attempt would run it, without a trace in the records.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use super::setup::Project;
use super::{CommandError, Exit, Session, interrupt, needed_secrets, past};
use crate::diagnostic::Diagnostic;
use crate::engine::by_hand::{self, ByHand};
use crate::engine::graph::TargetId;
use crate::report::advice;
use crate::report::ink::Tone;

/// The shell where the environment names none.
const SHELL: &str = "bash";
/// Inputs that are named of those that are not there.
const NAMED: usize = 4;

/// Try a target's command by hand: a shell with its environment, directory and inputs, and an output directory of its own
#[derive(Debug, clap::Args)]
#[command(
    after_help = "`atsaf shell TARGET -- COMMAND` runs that in it instead of `$SHELL`. Nothing is committed or recorded, and what is printed goes to the terminal as it comes, secrets included.",
    override_usage = "atsaf shell [OPTIONS] <TARGET> [-- <COMMAND>...]"
)]
pub(super) struct Args {
    /// A target that runs a command, or an artifact of it
    target: String,
    /// A program and its arguments [default: `$SHELL`, else bash]
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// Runs a shell or command.
pub(super) fn run(args: &Args, session: &Session) -> Result<Exit, CommandError> {
    let project = session.load()?;
    let id = project.target(&args.target)?;
    needed_secrets::require_secrets(&project, &[id])?;
    let room = past::own_room("atsaf-").map_err(failed)?;
    let place = room.path().canonicalize().map_err(failed)?;
    let ready = by_hand::by_hand(project.context(), id, &project.secrets, &place).map_err(failed)?;
    let Some(ready) = ready else {
        let name = project.graph.name(id);
        return Err(CommandError::usage(
            Diagnostic::error(format!("`{name}` is a built-in task, and has no command to be tried"))
                .at(advice::place(&project.graph, id)),
        ));
    };
    tell(&project, id, &ready, &place.join("out"), session);
    // While it runs, Ctrl-C is for what runs in it.
    interrupt::watch();
    let words = match args.command.is_empty() {
        true => shell_words(session),
        false => args.command.clone(),
    };
    let status = start(&words, &ready, args.command.is_empty(), &project, id, session)?;
    let left = files_below(&place.join("out"));
    if !left.is_empty() {
        let kept = room.keep();
        let _ = fs::remove_dir_all(kept.join("given"));
        let text = format!("what it wrote is in `{}`\n", kept.join("out").display());
        session.screen.say(&text);
    }
    if status.success() || args.command.is_empty() {
        return Ok(Exit::Done);
    }
    session.screen.say(&format!("`{}` ended with {status}\n", words[0]));
    Ok(Exit::Failed)
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to `map_err`")]
fn failed(error: io::Error) -> CommandError {
    CommandError::usage(
        Diagnostic::error(format!("no directory can be made for what it writes: {error}"))
            .help("see whether there is room for temporary files"),
    )
}

/// Says how the command would run, and what is otherwise than in a build.
fn tell(project: &Project, id: TargetId, ready: &ByHand, out: &Path, session: &Session) {
    let (graph, screen) = (&project.graph, &session.screen);
    let (name, target) = (graph.name(id), graph.target(id));
    let ink = screen.err_ink();
    let shown = |path: &Path| match path.strip_prefix(project.files.root()) {
        Ok(below) if below == Path::new("") => "the project's directory".to_owned(),
        Ok(below) => format!("`{}`", below.display()),
        Err(_) => format!("`{}`", path.display()),
    };
    screen.say(&format!(
        "{}  in {}, with its environment; it writes to `{}`\n{}\n",
        ink.paint(Tone::Strong, name),
        shown(&ready.dir),
        out.display(),
        ready.line()
    ));
    let warn = |what: String, note: &str| screen.tell(&Diagnostic::warning(what).note(note.to_owned()));
    if target.settings.direct {
        let note = "what is there is replaced; the next build keeps it aside and makes its own";
        warn(format!("`{name}` writes its declared paths itself"), note);
    }
    if target.settings.effect {
        let note = "run by hand it acts all the same; `ATSAF_EFFECT_KEY` and `ATSAF_RUN_ID` are not set";
        warn(format!("`{name}` acts outside the project"), note);
    }
    if !ready.missing.is_empty() {
        let named: Vec<&str> = ready.missing.iter().take(NAMED).map(String::as_str).collect();
        let more = if ready.missing.len() > NAMED { ", …" } else { "" };
        let note = "build what makes it first";
        warn(format!("`{}`{more} is not there", named.join("`, `")), note);
    }
}

/// The user's shell without files that it would read first: they may change the environment.
fn shell_words(session: &Session) -> Vec<String> {
    let named = session.env.get("SHELL").filter(|shell| !shell.is_empty());
    let shell = named.map_or(SHELL, String::as_str);
    let plain: &[&str] = match shell.rsplit('/').next().unwrap_or_default() {
        "bash" => &["--noprofile", "--norc"],
        "zsh" => &["-f"],
        "fish" => &["--no-config"],
        _ => &[],
    };
    [shell].iter().chain(plain).map(|word| (*word).to_owned()).collect()
}

/// Starts it and waits for its end.
fn start(
    words: &[String],
    ready: &ByHand,
    is_shell: bool,
    project: &Project,
    id: TargetId,
    session: &Session,
) -> Result<ExitStatus, CommandError> {
    let program = program(&words[0], ready);
    let mut command = Command::new(&program);
    command
        .arg0(&words[0])
        .args(&words[1..])
        .env_clear()
        .envs(&ready.env)
        .current_dir(&ready.dir);
    if is_shell {
        // Without it, a shell cannot draw its line.
        command.envs(session.env.get_key_value("TERM"));
        command.env("PS1", format!("[{}] $ ", project.graph.name(id)));
    }
    command.status().map_err(|error| {
        CommandError::usage(
            Diagnostic::error(format!("`{}` cannot be started: {error}", words[0]))
                .help("name another: `SHELL=bash`, or a command behind `--`"),
        )
    })
}

/// A program by the path that the command would see.
fn program(name: &str, ready: &ByHand) -> PathBuf {
    let path = ready.env.get("PATH").filter(|_| !name.contains('/'));
    let mut places = path
        .into_iter()
        .flat_map(|path| std::env::split_paths(path))
        .map(|dir| dir.join(name));
    places.find(|place| place.is_file()).unwrap_or_else(|| name.into())
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let entries = walkdir::WalkDir::new(dir).into_iter().flatten();
    let files = entries.filter(|entry| !entry.file_type().is_dir());
    files.map(walkdir::DirEntry::into_path).collect()
}
