//! How time counts for a target: no part of it is in a fingerprint, save what a probe answers.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Span;

/// How long a result counts, and how often a target may run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// How long a result counts before the outside world has to be asked again; for ever if there is none.
    pub max_age: Option<Duration>,
    /// How long new input data alone makes nothing stale after a success.
    pub every: Option<Duration>,
    /// The question of a command to the outside world; a built-in task may have one of its own.
    pub probe: Option<Box<ProbeCommand>>,
}

/// A command whose output is compared with what it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeCommand {
    /// The words of a list, or the single text for the shell, with the parameters put in.
    pub words: Vec<String>,
    /// The words of the shell to which the text is appended; `None` for a list, which is run as it is.
    #[serde(with = "super::shell")]
    pub shell: Option<Arc<[String]>>,
    /// Where it is written.
    pub span: Span,
}

impl ProbeCommand {
    /// The words to execute.
    #[must_use]
    pub fn to_execute(&self) -> Vec<String> {
        let shell = self.shell.iter().flat_map(|shell| shell.iter());
        shell.chain(&self.words).cloned().collect()
    }
}
