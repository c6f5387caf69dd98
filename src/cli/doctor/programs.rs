//! The programs that commands and their observation need.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustix::fs::Access;

use super::{Finding, Needed, State};

/// Looks for them.
pub(super) fn look(needed: &Needed, env: &BTreeMap<String, String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.push(bash(needed, env));
    findings.extend(
        needed
            .shells
            .iter()
            .filter(|shell| *shell != "bash")
            .map(|shell| match find(shell, env) {
                Some(at) => Finding::ok("shell", at.display().to_string()),
                None => Finding::new(
                    State::Trouble,
                    "shell",
                    format!("`{shell}` is not in PATH, and targets run by it"),
                    "install it, or correct `shell` in the Atsaffile",
                ),
            }),
    );
    findings.push(strace(needed, env));
    findings.push(python(needed, env));
    findings
}

/// The file of a program, by `PATH`.
pub(super) fn find(program: &str, env: &BTreeMap<String, String>) -> Option<PathBuf> {
    let is_program = |path: &PathBuf| path.is_file() && rustix::fs::access(path, Access::EXEC_OK).is_ok();
    if program.contains('/') {
        return Some(PathBuf::from(program)).filter(is_program);
    }
    let path = env.get("PATH").map_or("", String::as_str);
    std::env::split_paths(path)
        .map(|dir| dir.join(program))
        .find(is_program)
}

/// What a program prints of its version, in a line.
fn version(program: &PathBuf) -> Option<String> {
    let output = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // What it was built for is not asked.
    let line = text.lines().next()?;
    Some(line.split_once(" (x").map_or(line, |(version, _)| version).to_owned())
}

fn found(what: &'static str, at: &PathBuf) -> Finding {
    let version = version(at).map_or_else(String::new, |version| format!(": {version}"));
    Finding::ok(what, format!("{}{version}", at.display()))
}

fn bash(needed: &Needed, env: &BTreeMap<String, String>) -> Finding {
    let is_needed = needed.shells.iter().any(|shell| shell == "bash");
    match find("bash", env) {
        Some(at) => found("bash", &at),
        None => Finding::new(
            if is_needed { State::Trouble } else { State::Note },
            "bash",
            "not in PATH: it runs the commands that are texts",
            "install it, or set `shell = [\"sh\", \"-eu\", \"-c\"]` under `[project]`",
        ),
    }
}

fn strace(needed: &Needed, env: &BTreeMap<String, String>) -> Finding {
    const WHAT: &str = "strace";
    let state = if needed.trace { State::Trouble } else { State::Note };
    let Some(at) = find(WHAT, env) else {
        let text = "not in PATH: only `discover = \"trace\"` needs it";
        return Finding::new(state, WHAT, text, "install it if a program is to be traced");
    };
    let traced = Command::new(&at)
        .args(["-qq", "-o", "/dev/null", "true"])
        .env_clear()
        .envs(env.get("PATH").map(|path| ("PATH", path)))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match traced.is_ok_and(|status| status.success()) {
        true => found(WHAT, &at),
        false => Finding::new(
            state,
            WHAT,
            format!("{} may trace nothing here", at.display()),
            "allow it: in a container by `--cap-add SYS_PTRACE`; only `discover = \"trace\"` needs it",
        ),
    }
}

fn python(needed: &Needed, env: &BTreeMap<String, String>) -> Finding {
    const WHAT: &str = "python3";
    match find(WHAT, env) {
        Some(at) => found(WHAT, &at),
        None if needed.python => Finding::new(
            State::Trouble,
            WHAT,
            "not in PATH, and a command of the project runs Python",
            "install it, or put its directory into PATH",
        ),
        None => Finding::new(State::Note, WHAT, "not in PATH: no command of the project needs it", ""),
    }
}
