//! Why nothing came of an attempt.

use std::io;

use super::command;
use super::event::{Advice, Failure};
use super::spec::{Command, Target};
use super::store::StoreError;
use super::task::TaskError;

/// Why nothing came of an attempt.
pub(crate) enum AttemptError {
    /// It failed.
    Failed(Box<Failure>),
    /// It was ended, since the build is to end or an edit made the target stale.
    Interrupted,
    /// The store cannot be used.
    Store(StoreError),
}

impl AttemptError {
    pub(super) fn failed(what: impl Into<String>) -> Self {
        Self::Failed(Box::new(Failure {
            what: what.into(),
            ..Failure::default()
        }))
    }
}

impl From<StoreError> for AttemptError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<TaskError> for Failure {
    fn from(error: TaskError) -> Self {
        Self {
            what: error.what,
            notes: error.notes,
            help: error.help,
            retry: error.retry,
            ..Self::default()
        }
    }
}

/// The failure of a command that cannot be started.
pub(super) fn cannot_start(command: &Command, words: &[String], error: &io::Error) -> Failure {
    let TaskError { what, help, .. } = command::start_error(command, words, error);
    let advice = match error.kind() {
        io::ErrorKind::NotFound if help.is_empty() => Some(Advice::NotFound),
        io::ErrorKind::PermissionDenied => Some(Advice::NotExecutable),
        _ => None,
    };
    Failure {
        what,
        help,
        advice: advice.into_iter().collect(),
        ..Failure::default()
    }
}

/// The failure of an attempt that took longer than its target allows.
pub(super) fn too_long(target: &Target) -> AttemptError {
    let limit = target.settings.timeout.unwrap_or_default();
    AttemptError::Failed(Box::new(Failure {
        what: format!("it took longer than its limit of {} s", limit.as_secs_f64()),
        advice: vec![Advice::TimedOut],
        retry: true,
        ..Failure::default()
    }))
}
