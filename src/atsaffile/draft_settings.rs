//! What is written of a target beside its name, what it reads, does and makes: of most nothing is.

use std::time::Duration;

use super::syntax::Word;
use super::targets::{CommandDraft, DraftDiscover};
use crate::engine::spec::{Settings, Span};

/// What else is written of a target.
#[derive(Clone)]
pub(super) struct DraftSettings<'t> {
    /// The words of the shell, if they are written, and where.
    pub(super) shell: Option<(Span, Vec<String>)>,
    /// The directory in which its command runs, if one is written.
    pub(super) cwd: Option<Word<'t>>,
    pub(super) env: Vec<Word<'t>>,
    pub(super) secrets: Vec<Word<'t>>,
    pub(super) after: Vec<Word<'t>>,
    pub(super) retries: u32,
    pub(super) retry_delay: Duration,
    pub(super) timeout: Option<Duration>,
    /// Its value, and where the key is.
    pub(super) max_age: Option<(Span, Duration)>,
    /// Its value, and where the key is.
    pub(super) every: Option<(Span, Duration)>,
    pub(super) probe: Option<CommandDraft<'t>>,
    pub(super) pools: Vec<Word<'t>>,
    /// Its value, and where the key is.
    pub(super) threads: Option<(Span, u32)>,
    /// Bytes.
    pub(super) memory: Option<u64>,
    pub(super) effect: bool,
    /// Whether it is set, and where.
    pub(super) direct: Option<Span>,
    pub(super) cache: bool,
    /// Whether its artifacts may go once they are read, and where that is said.
    pub(super) temp: Option<Span>,
    /// Whether an attempt goes on with what a failed one left, and where that is said.
    pub(super) resume: Option<Span>,
    /// By which means it is discovered what it uses, if that is written.
    pub(super) discover: Option<DraftDiscover>,
    pub(super) secrets_in_output: bool,
    /// Outputs that hold metrics.
    pub(super) metrics: Vec<Word<'t>>,
}

impl Default for DraftSettings<'_> {
    fn default() -> Self {
        Self {
            shell: None,
            cwd: None,
            env: Vec::new(),
            secrets: Vec::new(),
            after: Vec::new(),
            retries: 0,
            retry_delay: Settings::RETRY_DELAY,
            timeout: None,
            max_age: None,
            every: None,
            probe: None,
            pools: Vec::new(),
            threads: None,
            memory: None,
            effect: false,
            direct: None,
            cache: true,
            temp: None,
            resume: None,
            discover: None,
            secrets_in_output: false,
            metrics: Vec::new(),
        }
    }
}
