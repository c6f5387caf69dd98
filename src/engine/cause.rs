//! Typical causes of a failure, from what a command left behind: its exit code, its last words, files elsewhere.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use memchr::memmem;

use super::event::Advice;
use super::spec::{Output, Target};

/// The signal that ends whoever writes to a closed pipe.
const SIGPIPE: i32 = 13;

/// What an exit status most often means.
pub(crate) fn of_exit(status: ExitStatus, words: &[String], tail: &VecDeque<String>) -> Option<Advice> {
    let unbound = || tail.iter().rev().find_map(|line| unbound(line));
    let greps = || words.iter().any(|word| has_word(word, "grep"));
    match status.code() {
        None => (status.signal() == Some(SIGPIPE)).then_some(Advice::ClosedPipe),
        Some(126) => Some(Advice::NotExecutable),
        Some(127) => unbound().map(Advice::Unbound).or(Some(Advice::NotFound)),
        Some(code) if code == 128 + SIGPIPE => Some(Advice::ClosedPipe),
        Some(code) => unbound()
            .map(Advice::Unbound)
            .or_else(|| (code == 1 && greps()).then_some(Advice::NoMatch)),
    }
}

/// The variable that a shell complains of: `bash: line 1: X: unbound variable`, `sh: 1: X: parameter not set`.
fn unbound(line: &str) -> Option<String> {
    let before = [": unbound variable", ": parameter not set"]
        .iter()
        .find_map(|end| line.trim_end().strip_suffix(end))?;
    let name = before.rsplit([' ', ':']).next()?.trim_start_matches('$');
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    // `$1` is no variable that could be declared.
    let is_variable = !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit());
    (is_variable && name.chars().all(is_name)).then(|| name.to_owned())
}

/// Whether a word that is a program's name occurs in a text; `egrep` and `/bin/grep` are such words, too.
fn has_word(text: &str, name: &str) -> bool {
    let is_other = |c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.');
    text.split(is_other)
        .any(|word| word == name || word.strip_prefix(['e', 'f', 'z']).is_some_and(|rest| rest == name))
}

/// What stood, before an attempt, where its command may write by mistake.
pub(crate) struct Traces(Vec<(PathBuf, Option<Trace>)>);

/// What a write to a file changes.
type Trace = (u64, u64, i64, i64);

impl Traces {
    /// Looks at the declared paths, and at files of their names in the project's directory.
    pub(crate) fn before(target: &Target, root: &Path) -> Self {
        let paths = target.outputs.iter().flat_map(candidates);
        Self(paths.map(|path| (path.clone(), trace(&root.join(path)))).collect())
    }

    /// The path that was written instead of an output's, if any was.
    pub(crate) fn written(&self, output: &Output, root: &Path) -> Option<String> {
        let found = candidates(output).into_iter().find(|candidate| {
            let before = self.0.iter().find(|(path, _)| path == candidate);
            let now = trace(&root.join(candidate));
            now.is_some() && before.is_some_and(|(_, before)| *before != now)
        });
        found.map(|path| path.to_string_lossy().into_owned())
    }
}

fn candidates(output: &Output) -> Vec<PathBuf> {
    let declared = PathBuf::from(&output.path);
    let name = declared.file_name().map(PathBuf::from);
    let mut all = vec![declared];
    all.extend(name.filter(|name| *name != all[0]));
    all
}

fn trace(path: &Path) -> Option<Trace> {
    let it = fs::metadata(path).ok()?;
    Some((it.ino(), it.len(), it.ctime(), it.ctime_nsec()))
}

/// So many bytes of an artifact are looked through for the path of its private directory.
const LOOKED_THROUGH: u64 = 64 << 20;

/// Whether a text stands in a file, or in a file or link of a directory: in the first 64 MiB, of a directory's files
/// together.
pub(crate) fn stands_in(text: &str, path: &Path) -> bool {
    let finder = memmem::Finder::new(text);
    let mut left = LOOKED_THROUGH;
    let entries = || walkdir::WalkDir::new(path).sort_by_file_name().into_iter().flatten();
    let links = entries().filter(walkdir::DirEntry::path_is_symlink);
    let mut texts = links.filter_map(|link| fs::read_link(link.path()).ok());
    if texts.any(|to| finder.find(to.as_os_str().as_bytes()).is_some()) {
        return true;
    }
    for entry in entries().filter(|entry| entry.file_type().is_file()) {
        match find_in(&finder, entry.path(), &mut left) {
            Ok(true) => return true,
            Ok(false) if left > 0 => {}
            // What cannot be read is said elsewhere.
            _ => return false,
        }
    }
    false
}

fn find_in(finder: &memmem::Finder<'_>, path: &Path, left: &mut u64) -> io::Result<bool> {
    const STEP: u64 = 1 << 20;
    let overlap = finder.needle().len().saturating_sub(1);
    let mut file = File::open(path)?;
    let mut window = Vec::new();
    while *left > 0 {
        let read = (&mut file).take(STEP.min(*left)).read_to_end(&mut window)?;
        if read == 0 {
            return Ok(false);
        }
        *left -= read as u64;
        if finder.find(&window).is_some() {
            return Ok(true);
        }
        let keep = window.len().min(overlap);
        window.drain(..window.len() - keep);
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn advice(code: i32, command: &str, printed: &str) -> Option<Advice> {
        let tail = printed.lines().map(str::to_owned).collect();
        of_exit(
            ExitStatus::from_raw(code << 8),
            &["bash".to_owned(), command.to_owned()],
            &tail,
        )
    }

    #[test]
    fn an_exit_code_has_its_usual_cause() {
        assert_eq!(advice(141, "yes | head -1", ""), Some(Advice::ClosedPipe));
        assert_eq!(advice(126, "./x", ""), Some(Advice::NotExecutable));
        assert_eq!(advice(127, "x", ""), Some(Advice::NotFound));
        assert_eq!(advice(1, "zgrep x y.gz > z", ""), Some(Advice::NoMatch));
        assert_eq!(advice(1, "/bin/grep x y", ""), Some(Advice::NoMatch));
        assert_eq!(advice(2, "grep x nosuch", "grep: nosuch"), None);
        assert_eq!(advice(1, "python integrate.py", ""), None);
        assert_eq!(
            of_exit(ExitStatus::from_raw(SIGPIPE), &[], &VecDeque::new()),
            Some(Advice::ClosedPipe)
        );
    }

    #[test]
    fn an_unbound_variable_is_named_in_the_words_of_each_shell() {
        for line in [
            "bash: line 1: API_KEY: unbound variable",
            "/bin/sh: 1: API_KEY: parameter not set",
            "sh: line 0: $API_KEY: unbound variable",
        ] {
            assert_eq!(
                advice(1, "x", line),
                Some(Advice::Unbound("API_KEY".to_owned())),
                "{line}"
            );
        }
        assert_eq!(advice(1, "x", "an unbound variable"), None);
        assert_eq!(advice(1, "x", "bash: line 1: $1: unbound variable"), None);
    }

    #[test]
    fn a_path_is_found_wherever_a_step_ends() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("file");
        for before in [0, (1 << 20) - 3, 1 << 20, (2 << 20) - 1] {
            let mut bytes = vec![b'.'; before];
            bytes.extend(b"staging/key and more");
            File::create(&path).expect("made").write_all(&bytes).expect("written");
            assert!(stands_in("staging/key", &path), "{before}");
            assert!(stands_in("staging/key", dir.path()), "{before}");
            assert!(!stands_in("staging/kex", &path), "{before}");
        }
    }

    #[test]
    fn a_path_is_found_in_the_text_of_a_link() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        std::os::unix::fs::symlink("/project/staging/key/a", dir.path().join("link")).expect("linked");
        assert!(stands_in("staging/key", dir.path()));
        assert!(!stands_in("staging/kex", dir.path()));
    }
}
