//! What targets take while they run, so that not too many do at once: in no fingerprint.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Span;

/// What a target takes while it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// The pools in which it takes a place, sorted.
    pub pools: Vec<String>,
    /// How many threads it keeps busy, if that is declared; else one, or as many as are free for a built-in task that can
    /// use them.
    pub threads: Option<u32>,
    /// How many bytes of memory it needs.
    pub memory: u64,
}

/// Something that only so many targets may use at once, or so often, over all builds of a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    /// How many targets may use it at once; as many as like if it does not say.
    pub slots: Option<u32>,
    /// How often.
    pub rate: Option<Rate>,
    /// Where it is declared.
    pub span: Span,
}

/// So many starts of commands, or requests of tasks, in any stretch of time of a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// How many.
    pub count: u32,
    /// In which time.
    pub per: Duration,
}
