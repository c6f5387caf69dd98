//! When an attempt began, by the clock with which the file system of the project stamps files.

use std::path::Path;

use crate::engine::file_clock::{self, Measured, Moment, Probe};
use crate::engine::files::Identity;

/// The beginning of an attempt.
#[derive(Debug)]
pub(super) struct Beginning {
    here: Measured,
    /// The tick of the clock of the store's file system, and that file system.
    tick: Option<(Moment, u64)>,
}

impl Beginning {
    /// Now, with a probe file in a directory of the store.
    pub(super) fn now(directory: &Path) -> Self {
        let probe = Probe::new(directory);
        Self {
            here: Measured::now(),
            tick: probe.and_then(|probe| Some((probe.now()?, probe.device()))),
        }
    }

    /// Now, by this machine's own clock.
    pub(super) fn by_own_clock() -> Self {
        Self {
            here: Measured::now(),
            tick: None,
        }
    }

    /// Whether a file was certainly changed since.
    pub(super) fn is_before(&self, identity: &Identity) -> bool {
        self.here.is_before(identity)
    }

    /// Whether a file was last changed before: what was changed in the very tick may have been so afterwards.
    pub(super) fn is_after(&self, identity: &Identity) -> bool {
        match self.tick {
            Some((tick, device)) if device == identity.device => file_clock::last_change(identity, tick) < tick,
            _ => file_clock::is_older(identity, &self.here, None),
        }
    }
}
