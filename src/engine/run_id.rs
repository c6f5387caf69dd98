//! A run's name.

use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::clock::{at_milliseconds, now};

/// What a task writes where the run's id will stand: as long as an id, and unlike anything else.
///
/// The engine stamps the run's id over it when it commits, after the content digest was taken.
pub const RUN_ID_PLACEHOLDER: &str = "atsaf-run-id-goes-here-at-the-commit";

/// The name of a run: a UUID of version 7, so that ids sort by time and lineage tools take them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RunId(u128);

impl RunId {
    /// Makes a new one.
    #[must_use]
    pub fn new() -> Self {
        let now = now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let stamp = uuid::Timestamp::from_unix(uuid::NoContext, now.as_secs(), now.subsec_nanos());
        Self(uuid::Uuid::new_v7(stamp).as_u128())
    }

    /// The digits that people read; the time of two runs of one second differs in them.
    #[must_use]
    pub fn short(self) -> String {
        self.to_string()[..13].to_owned()
    }

    /// When the run began.
    #[must_use]
    pub fn time(self) -> SystemTime {
        let milliseconds = (self.0 >> 80) as u64;
        at_milliseconds(milliseconds)
    }
}

impl Default for RunId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", uuid::Uuid::from_u128(self.0))
    }
}

impl fmt::Debug for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for RunId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        uuid::Uuid::try_parse(text).map(|id| Self(id.as_u128()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_placeholder_is_as_long_as_an_id() {
        assert_eq!(RunId::new().to_string().len(), RUN_ID_PLACEHOLDER.len());
    }

    #[test]
    fn an_id_tells_its_time_and_reads_back() {
        let id = RunId::new();
        assert!(now().duration_since(id.time()).expect("the past") < Duration::from_mins(1));
        assert_eq!(id.to_string().parse(), Ok(id));
    }
}
