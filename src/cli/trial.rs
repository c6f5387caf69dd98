//! A project in a temporary directory, and commands run in it as from the command line; for tests.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use clap::Parser as _;

use super::{Cli, Exit, Session, run_on};
use crate::engine::task::Tasks;
use crate::report::screen::tests::Kept;

/// A project.
pub(super) struct Trial {
    dir: tempfile::TempDir,
    tasks: fn() -> Tasks,
    env: BTreeMap<String, String>,
    /// Where the user's key is.
    state: Option<tempfile::TempDir>,
}

/// How a command ended, and what it said.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) exit: Exit,
    pub(super) out: String,
    pub(super) err: String,
}

impl Trial {
    /// A project with this Atsaffile.
    pub(super) fn new(atsaffile: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let trial = Self {
            dir,
            tasks: Tasks::default,
            env: env(),
            state: None,
        };
        trial.write("Atsaffile", atsaffile);
        trial
    }

    /// The same of a user with a key: so builds leave seals.
    pub(super) fn with_key(mut self) -> Self {
        let state = self.state.insert(tempfile::tempdir().expect("a temporary directory"));
        let path = state.path().to_str().expect("UTF-8").to_owned();
        self.env.insert("XDG_STATE_HOME".to_owned(), path);
        self
    }

    /// Sets a variable of the environment of each command from here on.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.env.insert(name.to_owned(), value.to_owned());
    }

    /// The same with these built-in tasks.
    pub(super) fn with_tasks(mut self, tasks: fn() -> Tasks) -> Self {
        self.tasks = tasks;
        self
    }

    /// The environment of each command.
    pub(super) fn env(&self) -> &BTreeMap<String, String> {
        &self.env
    }

    /// A place in the project.
    pub(super) fn at(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    /// Writes a file and the directories above it.
    pub(super) fn write(&self, path: &str, text: &str) {
        self.write_bytes(path, text.as_bytes());
    }

    /// The same of a file that is no text.
    pub(super) fn write_bytes(&self, path: &str, bytes: &[u8]) {
        let at = self.at(path);
        fs::create_dir_all(at.parent().expect("below the project")).expect("made");
        #[expect(clippy::disallowed_methods, reason = "a test's own file")]
        fs::write(at, bytes).expect("written");
    }

    /// The session of some arguments, and where it speaks.
    pub(super) fn session(&self, args: &[&str]) -> (Session, super::CliCommand, Kept) {
        let dir = self.dir.path().to_str().expect("UTF-8");
        let words = ["atsaf", "-C", dir].into_iter().chain(args.iter().copied());
        let cli = Cli::try_parse_from(words).expect("arguments that can be read");
        let cli = cli.resolve(self.tasks).expect("flags that can be read");
        let kept = Kept::default();
        let session = Session {
            screen: kept.screen(cli.common.manner()),
            common: cli.common,
            env: self.env.clone(),
            tasks: self.tasks,
        };
        (session, cli.command, kept)
    }

    /// Runs a command; gives what it said as it is.
    pub(super) fn raw(&self, args: &[&str]) -> Said {
        let kept = Kept::default();
        let words = ["atsaf".into(), "-C".into(), self.dir.path().into()];
        let words: Vec<OsString> = words.into_iter().chain(args.iter().map(OsString::from)).collect();
        let exit = run_on(&words, self.env.clone(), self.tasks, |manner, _| kept.screen(manner));
        Said {
            exit,
            out: kept.out(),
            err: kept.err(),
        }
    }

    /// Runs a command; the project's directory is told as `PROJECT`.
    pub(super) fn run(&self, args: &[&str]) -> Said {
        let Said { exit, out, err } = self.raw(args);
        let dir = self.dir.path().to_str().expect("UTF-8");
        Said {
            exit,
            out: out.replace(dir, "PROJECT"),
            err: err.replace(dir, "PROJECT"),
        }
    }

    /// Runs a command that must end well; gives what it printed.
    pub(super) fn out(&self, args: &[&str]) -> String {
        let said = self.run(args);
        assert_eq!(said.exit, Exit::Done, "{said:?}");
        said.out
    }
}

/// The environment of every command.
fn env() -> BTreeMap<String, String> {
    BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())])
}
