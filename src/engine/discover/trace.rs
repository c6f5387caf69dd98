//! Any program, through strace: the arguments around a command, and what the trace says.
//!
//! ```text
//! 4711 openat(AT_FDCWD</project>, "lib.py", O_RDONLY|O_CLOEXEC) = 3</project/lib.py>
//! 4711 rename("out.new", "out.txt") = 0
//! 4712 execve("./tool", ["./tool"], 0x7f.. /* 9 vars */ <unfinished ...>
//! 4712 <... execve resumed>) = 0
//! ```
//!
//! With `-y`, the directory from which a path leads stands before it. Where a call has none, it is that of the
//! process's next one that has, for none of these calls changes it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::observation::ProjectRoot;
use super::{Found, Observed};
use crate::engine::event::Failure;

/// The program and its arguments, to stand before a command; it writes to `trace`.
pub(crate) fn words(trace: &Path) -> Vec<String> {
    const CALLS: &str = "trace=open,openat,openat2,creat,execve,chdir,fchdir,rename,renameat,renameat2";
    let words = [
        "strace",
        "-f",
        "-y",
        "-qq",
        "--seccomp-bpf",
        "-e",
        CALLS,
        "-e",
        "signal=none",
        "-o",
    ];
    let mut words: Vec<String> = words.map(str::to_owned).into();
    // The command may run in another directory than this program.
    let trace = std::path::absolute(trace).unwrap_or_else(|_| trace.to_owned());
    words.extend([trace.to_string_lossy().into_owned(), "--".to_owned()]);
    words
}

/// The failure where there is no strace.
pub(crate) fn not_there() -> Failure {
    let mut failure = Failure::of("`strace` was not found, which `discover = \"trace\"` needs".to_owned());
    let help = "install it, or let Python programs tell by themselves what they use: `discover = \"auto\"`";
    failure.help.push(help.to_owned());
    failure
}

/// The failure where strace traced no program.
pub(super) fn nothing_traced() -> Box<Failure> {
    let mut failure = Failure::of("strace could not trace it".to_owned());
    failure
        .notes
        .push("tracing may be forbidden here, as it is in some containers".to_owned());
    let help = "allow it, as with `docker run --cap-add SYS_PTRACE`, or write `discover = \"auto\"` or `\"off\"`";
    failure.help.push(help.to_owned());
    Box::new(failure)
}

/// Reads a trace of a command that began in `dir`. Gives nothing if no program was traced at all.
pub(super) fn read(text: &str, root: &ProjectRoot, dir: &Path, observed: &mut Observed) -> Option<()> {
    let mut tracing = Tracing {
        root,
        dir,
        observed,
        processes: HashMap::new(),
        is_any: false,
    };
    for line in text.lines() {
        tracing.line(line);
    }
    tracing.end()
}

/// What is known of a process.
#[derive(Default)]
struct Process {
    /// The directory in which it is.
    directory: Option<PathBuf>,
    /// Paths that count from a directory that is not known yet.
    waiting: Vec<(PathBuf, Kind)>,
    /// The beginning of a call that has not come back.
    begun: String,
}

/// What a call does with a path.
#[derive(Clone, Copy)]
enum Kind {
    Read,
    Missed,
    Written,
}

struct Tracing<'o> {
    root: &'o ProjectRoot,
    dir: &'o Path,
    observed: &'o mut Observed,
    processes: HashMap<String, Process>,
    is_any: bool,
}

impl Tracing<'_> {
    fn line(&mut self, line: &str) {
        let Some((process, call)) = line.split_once(' ') else {
            return;
        };
        let (process, call) = (process.to_owned(), call.trim_start());
        if let Some(begun) = call.strip_suffix("<unfinished ...>") {
            let state = self.processes.entry(process).or_default();
            begun.trim_end().clone_into(&mut state.begun);
        } else if let Some(resumed) = call.strip_prefix("<... ") {
            let begun = std::mem::take(&mut self.processes.entry(process.clone()).or_default().begun);
            let rest = resumed.split_once("resumed>").map_or("", |(_, rest)| rest);
            self.call(&process, &format!("{begun}{rest}"));
        } else {
            self.call(&process, call);
        }
    }

    fn call(&mut self, process: &str, call: &str) {
        let (Some((name, arguments)), Some((_, result))) = (call.split_once('('), call.rsplit_once(" = ")) else {
            return;
        };
        let is_done = !result.starts_with('-');
        let is_missing = result.contains("ENOENT") || result.contains("ENOTDIR");
        let mut paths = Paths(arguments);
        match name {
            "execve" => {
                self.is_any |= is_done;
                let kind = if is_done { Kind::Read } else { return };
                self.note(process, paths.next(), kind);
            }
            "chdir" | "fchdir" if is_done => {
                let path = paths.next();
                let state = self.processes.entry(process.to_owned()).or_default();
                state.directory = match path {
                    Some((None, to)) if to.is_absolute() => Some(to),
                    Some((None, to)) => state.directory.take().map(|from| from.join(to)),
                    Some((Some(from), to)) => Some(from.join(to)),
                    None => None,
                };
            }
            "rename" | "renameat" | "renameat2" if is_done => {
                paths.next();
                self.note(process, paths.next(), Kind::Written);
            }
            "creat" if is_done => self.note(process, paths.next(), Kind::Written),
            "open" | "openat" | "openat2" => {
                let is_written = ["O_WRONLY", "O_RDWR"].iter().any(|flag| arguments.contains(flag));
                let is_directory = ["O_DIRECTORY", "O_PATH"].iter().any(|flag| arguments.contains(flag));
                let kind = match (is_written, is_done) {
                    (true, true) => Kind::Written,
                    (false, true) => Kind::Read,
                    (false, false) if is_missing => Kind::Missed,
                    _ => return,
                };
                if !is_directory {
                    self.note(process, paths.next(), kind);
                }
            }
            _ => {}
        }
    }

    fn note(&mut self, process: &str, path: Option<(Option<PathBuf>, PathBuf)>, kind: Kind) {
        let Some((from, path)) = path else { return };
        let state = self.processes.entry(process.to_owned()).or_default();
        match (from.or_else(|| state.directory.clone()), path.is_absolute()) {
            (Some(from), _) => {
                let waiting = std::mem::take(&mut state.waiting);
                state.directory = Some(from.clone());
                for (path, kind) in waiting {
                    self.take(&from.join(path), kind);
                }
                self.take(&from.join(path), kind);
            }
            (None, true) => self.take(&path, kind),
            (None, false) => state.waiting.push((path, kind)),
        }
    }

    fn take(&mut self, path: &Path, kind: Kind) {
        let Some(path) = self.root.below(path) else { return };
        match kind {
            Kind::Read => self.observed.read(source_of(path), Found::SomeTime),
            Kind::Missed => self.observed.read(path, Found::Nothing),
            Kind::Written => self.observed.wrote(path),
        }
    }

    /// What waits for a directory to the end counts from that in which the command began.
    fn end(mut self) -> Option<()> {
        let waiting: Vec<(PathBuf, Kind)> = self.processes.drain().flat_map(|(_, it)| it.waiting).collect();
        for (path, kind) in waiting {
            self.take(&self.dir.join(path), kind);
        }
        self.is_any.then_some(())
    }
}

/// The source of a module that Python keeps compiled.
fn source_of(path: String) -> String {
    let source = path.rsplit_once("__pycache__/").and_then(|(directory, file)| {
        let (module, _) = file.strip_suffix(".pyc")?.split_once('.')?;
        Some(format!("{directory}{module}.py"))
    });
    source.unwrap_or(path)
}

/// The paths among the arguments of a call: each with the directory that stands before it.
struct Paths<'t>(&'t str);

impl Paths<'_> {
    fn next(&mut self) -> Option<(Option<PathBuf>, PathBuf)> {
        let quote = self.0.find('"')?;
        let before = &self.0[..quote];
        // `AT_FDCWD</project>, "path"`
        let directory = before.rsplit_once('<').and_then(|(_, rest)| rest.rsplit_once('>'));
        let directory = directory.map(|(directory, _)| PathBuf::from(unescaped(directory)));
        let rest = &self.0[quote + 1..];
        let end = end_of_text(rest)?;
        let path = PathBuf::from(unescaped(&rest[..end]));
        self.0 = &rest[end + 1..];
        Some((directory, path))
    }
}

/// Where a quoted text ends.
fn end_of_text(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    })
}

/// A text without the escapes of C.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes().peekable();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match rest.next() {
            Some(digit @ b'0'..=b'7') => {
                let mut value = u32::from(digit - b'0');
                for _ in 0..2 {
                    let Some(digit) = rest.next_if(|byte| (b'0'..=b'7').contains(byte)) else {
                        break;
                    };
                    value = value * 8 + u32::from(digit - b'0');
                }
                bytes.push(u8::try_from(value).unwrap_or(b'?'));
            }
            Some(b'n') => bytes.push(b'\n'),
            Some(b't') => bytes.push(b'\t'),
            Some(b'r') => bytes.push(b'\r'),
            Some(b'v') => bytes.push(0x0b),
            Some(b'f') => bytes.push(0x0c),
            Some(other) => bytes.push(other),
            None => {}
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::discover::beginning::Beginning;
    use crate::engine::spec::Means;
    use crate::fuzz::Fuzz;

    /// What a trace says of a project in `ROOT`: read, missed and written paths.
    fn told(text: &str) -> Option<[Vec<String>; 3]> {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let root = dir.path().canonicalize().expect("there");
        let text = text.replace("ROOT", root.to_str().expect("UTF-8"));
        let mut observed = Observed::new(Means::Trace, Beginning::by_own_clock());
        read(&text, &ProjectRoot::of(&root), &root, &mut observed)?;
        let with = |wanted: &dyn Fn(&super::super::Access) -> bool| -> Vec<String> {
            let found = observed.accesses.iter().filter(|(_, access)| wanted(access));
            found.map(|(path, _)| path.clone()).collect()
        };
        Some([
            with(&|access| access.reads.contains(&Found::SomeTime)),
            with(&|access| access.reads.contains(&Found::Nothing)),
            with(&|access| access.written),
        ])
    }

    #[test]
    fn calls_are_read_whole_and_in_two_parts_from_any_directory() {
        let text = r#"7 execve("./make.sh", ["./make.sh"], 0x7ffd /* 9 vars */) = 0
7 openat(AT_FDCWD<ROOT/sub>, "../a.txt", O_RDONLY|O_CLOEXEC) = 3<ROOT/a.txt>
8 openat(AT_FDCWD<ROOT>, "b.txt", O_RDONLY <unfinished ...>
7 chdir("ROOT") = 0
7 open("c.txt", O_RDONLY) = 3<ROOT/c.txt>
8 <... openat resumed>) = 4<ROOT/b.txt>
8 openat(4<ROOT/d>, "e.txt", O_RDONLY) = -1 ENOENT (No such file or directory)
8 openat(AT_FDCWD<ROOT>, "no", O_RDONLY) = -1 EACCES (Permission denied)
8 openat(AT_FDCWD<ROOT>, "d", O_RDONLY|O_DIRECTORY) = 5<ROOT/d>
8 openat(AT_FDCWD<ROOT>, "made.txt", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 5<ROOT/made.txt>
8 renameat2(AT_FDCWD<ROOT>, "made.txt", AT_FDCWD<ROOT/d>, "moved.txt", RENAME_NOREPLACE) = 0
8 openat(AT_FDCWD<ROOT>, "\303\274 \"x\".txt", O_RDONLY) = 5<ROOT/x>
8 openat(AT_FDCWD<ROOT>, "lib/__pycache__/m.cpython-311.pyc", O_RDONLY) = 5<ROOT/x>
8 openat(AT_FDCWD<ROOT>, "/etc/hosts", O_RDONLY) = 5</etc/hosts>
9 execve("tool", ["tool"], 0x7ffd /* 9 vars */) = 0
9 +++ exited with 0 +++
"#;
        let [read, missed, written] = told(text).expect("traced");
        let expected = [
            "a.txt",
            "b.txt",
            "c.txt",
            "lib/m.py",
            "sub/make.sh",
            "tool",
            "ü \"x\".txt",
        ];
        assert_eq!(read, expected);
        assert_eq!(missed, ["d/e.txt"]);
        assert_eq!(written, ["d/moved.txt", "made.txt"]);
    }

    #[test]
    fn fuzz_trace() {
        let example = "7 execve(\"./a\", [\"./a\"], 0x7ffd /* 9 vars */) = 0\n7 openat(AT_FDCWD<ROOT/sub>, \"../a.txt\", \
                       O_RDONLY) = 3<ROOT/a.txt>\n8 rename(\"a\", \"b\") = 0\n8 chdir(\"..\" <unfinished ...>\n8 <... chdir \
                       resumed>) = 0\n9 openat(4<ROOT/d>, \"\\303\\274\", O_RDONLY) = -1 ENOENT (No such file)\n";
        let words = [
            "<unfinished ...>",
            "resumed>",
            "AT_FDCWD<",
            "\"",
            "\\7",
            " = 0",
            "../../..",
        ];
        Fuzz::of("trace", [example.into()]).words(&words).run(|bytes| {
            let Some(all) = told(&String::from_utf8_lossy(bytes)) else {
                return;
            };
            let is_plain = |part: &str| !matches!(part, "" | "." | "..");
            for path in all.iter().flatten() {
                assert!(path.split('/').all(is_plain), "{path}");
            }
        });
    }

    #[test]
    fn a_trace_of_nothing_and_one_that_makes_no_sense_are_told_apart() {
        assert_eq!(told(""), None);
        assert_eq!(told("strace: ptrace(PTRACE_SEIZE): Operation not permitted\n"), None);
        let odd =
            "1 execve(\"/bin/true\", [], 0x0) = 0\n2 openat(AT_FDCWD<\n3 <... openat resumed>) = 3\n4 open(\"x\\\n";
        assert_eq!(told(odd), Some([vec![], vec![], vec![]]));
    }
}
