//! A project in a directory of its own, and the built program run in it.
//!
//! The commands of a test's targets append their name to `../ran`, outside the project, so that a test can ask what
//! really ran instead of believing what is told.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use regex::Regex;
use snapbox::IntoData;

/// Where commands find programs.
pub(crate) const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// A project.
pub(crate) struct Project {
    dir: tempfile::TempDir,
}

impl Project {
    /// A project with an Atsaffile and nothing else.
    pub(crate) fn new(atsaffile: &str) -> Self {
        let project = Self { dir: directory() };
        project.write("Atsaffile", atsaffile);
        project
    }

    /// The place of a path on the disk.
    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.dir.path().join("project").join(path)
    }

    /// Writes a file, in place if it is there.
    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let at = self.at(path);
        fs::create_dir_all(at.parent().expect("a parent")).expect("a directory");
        write(&at, text.as_ref());
    }

    /// The text of a file.
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap_or_else(|error| panic!("`{path}`: {error}"))
    }

    /// Puts `to` in the place of `from`, which must occur once, in a file.
    pub(crate) fn edit(&self, path: &str, from: &str, to: &str) {
        let text = self.read(path);
        assert_eq!(text.matches(from).count(), 1, "`{from}` in `{path}`");
        self.write(path, text.replace(from, to));
    }

    /// Removes a file or directory.
    pub(crate) fn remove(&self, path: &str) {
        let at = self.at(path);
        let done = if at.is_dir() {
            fs::remove_dir_all(at)
        } else {
            fs::remove_file(at)
        };
        done.unwrap_or_else(|error| panic!("`{path}`: {error}"));
    }

    /// The program with arguments that contain no spaces, in the project's directory and a small environment.
    pub(crate) fn command(&self, args: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_atsaf"));
        command
            .args(args.split_whitespace())
            .current_dir(self.at("."))
            .env_clear()
            .env("PATH", PATH)
            .env("XDG_STATE_HOME", self.dir.path().join("state"))
            .stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn atsaf(&self, args: &str) -> Told {
        Told::of(&mut self.command(args))
    }

    /// Builds one target at a time, so that the lines come in one order.
    pub(crate) fn build(&self, args: &str) -> Told {
        self.atsaf(&format!("build -j1 {args}"))
    }

    /// Starts the program.
    pub(crate) fn start(&self, args: &str) -> Running {
        let told = tempfile::NamedTempFile::new_in(self.dir.path()).expect("a file");
        let mut command = self.command(args);
        let file = told.reopen().expect("opened");
        command.stdout(file.try_clone().expect("another"));
        command.stderr(file);
        let child = command.spawn().expect("started");
        Running { child, told }
    }

    /// Names of the targets whose commands were started since this was asked last, in order.
    pub(crate) fn ran(&self) -> String {
        let path = self.at("../ran");
        let names = fs::read_to_string(&path).unwrap_or_default();
        let _ = fs::remove_file(path);
        names.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The same, sorted: of builds in which one or another may go first.
    pub(crate) fn ran_in_any_order(&self) -> Vec<String> {
        let mut ran: Vec<String> = self.ran().split_whitespace().map(str::to_owned).collect();
        ran.sort_unstable();
        ran
    }

    /// Every file of the project and its bytes, without the Atsaffile and the store.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let root = self.at("");
        let mut files = tree(&root).expect("read");
        files.retain(|path, _| path != "Atsaffile" && !path.starts_with(".atsaf/"));
        files
    }

    /// Every file of the store and its bytes.
    pub(crate) fn store(&self) -> BTreeMap<String, Vec<u8>> {
        tree(&self.at(".atsaf")).expect("read")
    }

    /// Contents of the files that builds have displaced.
    pub(crate) fn displaced(&self) -> Vec<String> {
        let files = tree(&self.at(".atsaf/displaced")).unwrap_or_default();
        let text = |bytes| String::from_utf8(bytes).expect("text");
        files.into_values().map(text).collect()
    }

    /// The processes with these arguments that run in the project's directory.
    pub(crate) fn running(&self, args: &str) -> Vec<u32> {
        let here = self.at("").canonicalize().expect("there");
        let processes = fs::read_dir("/proc").expect("there").flatten();
        let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        numbers
            .filter(|number: &u32| {
                let process = PathBuf::from(format!("/proc/{number}"));
                let words = fs::read(process.join("cmdline")).unwrap_or_default();
                let words = String::from_utf8_lossy(&words)
                    .trim_end_matches('\0')
                    .replace('\0', " ");
                words.contains(args) && fs::read_link(process.join("cwd")).is_ok_and(|at| at == here)
            })
            .collect()
    }

    /// A copy of the project as it is now, store and all.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self { dir: directory() };
        copy_tree(&self.at(""), &copy.at("")).expect("copied");
        copy
    }
}

/// A temporary directory: in memory where there is such a place, since every build ends by syncing its file system,
/// and on a busy disk that waits for everybody else's writes.
pub(crate) fn directory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    made.expect("a temporary directory")
}

/// The program at work.
pub(crate) struct Running {
    child: Child,
    told: tempfile::NamedTempFile,
}

impl Running {
    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has told so far.
    pub(crate) fn text(&self) -> String {
        fs::read_to_string(self.told.path()).expect("text")
    }

    /// Waits until it says that it waits for another build.
    #[track_caller]
    pub(crate) fn until_it_waits(&self) {
        until("a build that waits", || self.text().contains("waiting"));
    }

    /// Kills it, and what it would have done with it; commands that it started go on.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("waited for");
    }

    /// Waits for its end; if that takes longer than three minutes, it is killed.
    pub(crate) fn collect(mut self) -> Told {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("waited for") {
                break status;
            }
            if begun.elapsed() > Duration::from_mins(3) {
                self.child.kill().expect("killed");
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        Told {
            code: status.code(),
            text: self.text(),
        }
    }
}

/// What a run of the program left to see.
#[derive(Debug)]
pub(crate) struct Told {
    /// The exit code; `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    /// Standard output and standard error.
    pub(crate) text: String,
}

impl Told {
    /// Runs a command to its end.
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.output().expect("started");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        Self {
            code: output.status.code(),
            text: text(output.stdout) + &text(output.stderr),
        }
    }

    /// Compares everything: exit code, and what was told with run ids, times and process numbers taken out.
    #[track_caller]
    pub(crate) fn is(&self, code: i32, expected: impl IntoData) {
        assert_eq!(self.code, Some(code), "{}", self.text);
        snapbox::assert_data_eq!(redact(&self.text), expected.into_data().raw());
    }

    /// Asserts how it ended.
    #[track_caller]
    pub(crate) fn exits(&self, code: i32) {
        assert_eq!(self.code, Some(code), "{}", self.text);
    }

    /// Asserts that a text was printed.
    #[track_caller]
    pub(crate) fn has(&self, text: &str) {
        assert!(self.text.contains(text), "no `{text}` in\n{}", self.text);
    }

    /// Asserts that all went well.
    #[track_caller]
    pub(crate) fn ok(&self) {
        assert_eq!(self.code, Some(0), "{}", self.text);
    }
}

/// Takes out whatever differs from run to run, and the padding around times, whose width does.
pub(crate) fn redact(text: &str) -> String {
    static PATTERNS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
        [
            (
                r"[0-9a-f]{8}-[0-9a-f]{4}(-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})?",
                "[RUN]",
            ),
            (r"content [0-9a-f]{8} -> [0-9a-f]{8}", "content [CONTENT] -> [CONTENT]"),
            (r"process \d+", "process [PID]"),
            (r"\d+(\.\d+)? (s|min|h)( \d+ (s|min))?\b", "[TIME]"),
            (r"just now", "[TIME] ago"),
            (r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}(:\d{2})?", "[MOMENT]"),
            (r" {2,}\[TIME\]", "  [TIME]"),
            (r"\[TIME\]( ago)? {2,}", "[TIME]$1  "),
            // A plan's rows that have no time in that column.
            (r"(?m)^(restore +\S+) {2,}(\S)", "$1  $2"),
            (r"(?m)^ {12,}(\S)", "            $1"),
        ]
        .map(|(pattern, name)| (Regex::new(pattern).expect("a pattern"), name))
        .into()
    });
    let mut text = text.to_owned();
    for (pattern, name) in &*PATTERNS {
        text = pattern.replace_all(&text, *name).into_owned();
    }
    text
}

/// A text without what differs from run to run, and with one blank in the place of several: the width of columns does, too.
#[cfg(feature = "forecasting")]
pub(crate) fn even(text: &str) -> String {
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    redact(text.trim_end())
        .lines()
        .map(words)
        .collect::<Vec<_>>()
        .join("\n")
}

/// Whether there is a Python program where commands find one: without it, nothing of what such programs tell is tested.
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
pub(crate) fn has_python() -> bool {
    static IS_THERE: LazyLock<bool> = LazyLock::new(|| {
        let version = Command::new("python3").arg("--version").env("PATH", PATH).output();
        let is_there = version.is_ok_and(|output| output.status.success());
        if !is_there {
            println!("skipped: what Python programs are seen to use, for there is no `python3`");
        }
        is_there
    });
    *IS_THERE
}

/// Whether programs can be traced where commands find `strace`.
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
pub(crate) fn can_trace() -> bool {
    static CAN: LazyLock<bool> = LazyLock::new(|| {
        let mut strace = Command::new("strace");
        strace.args(["-f", "-o", "/dev/null", "true"]).env("PATH", PATH);
        let can = strace.output().is_ok_and(|output| output.status.success());
        if !can {
            println!("skipped: what traces tell, for `strace` is not installed, or may not trace");
        }
        can
    });
    *CAN
}

/// How many times as long as usual the tests of chance are to go on: `ATSAF_TEST_EFFORT`, which is 1 if not set.
pub(crate) fn effort() -> u32 {
    #[expect(clippy::disallowed_methods, reason = "an input of the tests, not of the program")]
    let effort = std::env::var("ATSAF_TEST_EFFORT").ok();
    effort.and_then(|effort| effort.parse().ok()).unwrap_or(1)
}

/// Waits until something holds, for two minutes at the most.
#[track_caller]
pub(crate) fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_mins(2), "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Interrupts a process as Ctrl-C does. What was started in the background of a script ignores that, with all that it
/// starts: there it is ended by the signal that does the same.
pub(crate) fn interrupt(id: u32) {
    kill(id, if is_ignored("INT") { "TERM" } else { "INT" });
}

/// Whether this program was started to ignore a signal, as it then is by the programs that it starts: by `nohup` that
/// of a closed terminal, in the background of a script Ctrl-C.
pub(crate) fn is_ignored(signal: &str) -> bool {
    let number = match signal {
        "HUP" => 1,
        "INT" => 2,
        _ => return false,
    };
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.unwrap_or(0) >> (number - 1) & 1 == 1
}

/// Sends a signal, by its name, to a process.
pub(crate) fn kill(id: u32, signal: &str) {
    let status = Command::new("/bin/kill").args(["-s", signal, &id.to_string()]).status();
    assert!(status.expect("kill").success());
}

/// Writes a file in place.
/// Copies this program. A process of its own does it: a descriptor that another test's command inherits at that moment would
/// keep the copy from being run.
pub(crate) fn copy_of_the_program(to: &Path) {
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_atsaf")).arg(to).status();
    assert!(copied.expect("run").success());
}

pub(crate) fn write(path: &Path, bytes: &[u8]) {
    let write = || fs::File::create(path)?.write_all(bytes);
    write().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

fn tree(root: &Path) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for entry in walkdir::WalkDir::new(root) {
        let entry = entry?;
        if entry.file_type().is_file() {
            let below = entry.path().strip_prefix(root).map_err(io::Error::other)?;
            files.insert(below.to_string_lossy().into_owned(), fs::read(entry.path())?);
        }
    }
    Ok(files)
}

/// Copies a directory with all that is in it.
pub(crate) fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry?;
        let below = entry.path().strip_prefix(from).map_err(io::Error::other)?;
        let at = to.join(below);
        if entry.file_type().is_dir() {
            fs::create_dir_all(at)?;
        } else if entry.file_type().is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(entry.path())?, at)?;
        } else {
            fs::copy(entry.path(), at)?;
        }
    }
    Ok(())
}
