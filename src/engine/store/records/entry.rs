//! What the journal says: its entries, in the version that is written today.
//!
//! Bincode numbers the variants by their order, so new ones go to the end. Any other change of these types is a new
//! version: it raises [`super::journal::ENTRY_VERSION`], and today's types stay as its predecessor's decoder, as
//! [`super::upgrade`] does. One that only adds fields at the end of a [`ResultEntry`], which ends every entry that has
//! one, needs no further types: see [`super::journal`].

use ecow::EcoString;
use serde::{Deserialize, Serialize};

use crate::engine::digest::Digest;
use crate::engine::fingerprint::Fingerprint;
use crate::engine::reason::Reason;
use crate::engine::result_id::{Discovered, Installed};
use crate::engine::run_id::RunId;
use crate::engine::spec::{ArtifactKind, Means};
pub use crate::engine::store::objects::mode::Mode;

/// One entry of the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Entry {
    /// A run begins.
    Run(RunEntry),
    /// An attempt succeeded, and its artifacts are about to be placed. With the [`Entry::Result`] that follows it is
    /// the target's result; without, its commit was cut short.
    Intent(Box<ResultEntry>),
    /// The artifacts of an intent are in their places.
    Result {
        /// The target.
        target: String,
        /// The id of the intent's result.
        id: Digest,
    },
    /// Bytes are about to be placed, or had been placed before a compaction: they are atsaf's own at these paths.
    Placement {
        /// Path and byte digest of each.
        files: Vec<(String, Digest)>,
    },
    /// An earlier result, which may be another target's, is in place again.
    Restore {
        /// The run that restored it.
        run: RunId,
        /// Why the target was stale.
        reasons: Vec<Reason>,
        /// The result as it is in place now: with this target's name, paths and fingerprint.
        result: Box<ResultEntry>,
    },
    /// The former artifacts of a command that writes its declared paths itself are about to be moved away.
    SetAside {
        /// The run.
        run: RunId,
        /// The target.
        target: String,
        /// Declared path, and the path where it is kept meanwhile, relative to the project.
        files: Vec<(String, String)>,
    },
    /// What was set aside is back, or no longer needed.
    AsideEnded {
        /// The target.
        target: String,
    },
    /// An attempt failed.
    Failure(Failed),
    /// A run is over.
    Ended {
        /// The run.
        run: RunId,
        /// Milliseconds from plan to end.
        duration: u64,
        /// Targets that ran, came back, failed and were skipped.
        counts: [u32; 4],
        /// Whether it was interrupted.
        interrupted: bool,
    },
    /// All that stands before this offset has reached the disk.
    Synced {
        /// The offset.
        upto: u64,
    },
    /// A target that acts outside the project is about to: until it has succeeded, nobody knows how it stands there.
    Acting {
        /// The target.
        target: String,
    },
    /// Earlier results that were given up: nothing is restored from them any more.
    Forgotten {
        /// Their ids.
        ids: Vec<Digest>,
    },
    /// An earlier result that is in no place, as a compaction keeps it: without its fingerprint.
    Past(Box<ResultEntry>),
    /// The outside world was asked for a target.
    Answered {
        /// The target.
        target: String,
        /// What it said.
        answer: Answer,
    },
    /// The user takes the result in place for fresh.
    Accepted {
        /// The target.
        target: String,
        /// As what, and why.
        acceptance: Box<Acceptance>,
    },
}

impl Entry {
    /// The result that the entry tells whole.
    #[must_use]
    pub fn result(&self) -> Option<&ResultEntry> {
        match self {
            Self::Intent(result) | Self::Restore { result, .. } | Self::Past(result) => Some(result),
            _ => None,
        }
    }
}

/// The beginning of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEntry {
    /// Its id, which tells when it began.
    pub run: RunId,
    /// The boot of the machine that it belongs to.
    pub boot: String,
    /// Its process.
    pub pid: u32,
    /// The goals as asked for.
    pub goals: Vec<String>,
    /// Parameters set on the command line.
    pub set: Vec<(String, String)>,
}

/// One success of a target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResultEntry {
    /// The run that made it.
    pub run: RunId,
    /// The target.
    pub target: String,
    /// The result's id.
    pub id: Digest,
    /// The hash of the declared fingerprint.
    pub declared: Digest,
    /// What the attempt was seen to use without declaring it.
    pub discovered: Vec<Discovered>,
    /// The declared fingerprint; only the target's last result keeps it.
    pub fingerprint: Option<Fingerprint>,
    /// What it left.
    pub artifacts: Vec<Artifact>,
    /// Role and path of everything that was read.
    pub read: Vec<(String, String)>,
    /// Why it ran.
    pub reasons: Vec<Reason>,
    /// The number of the attempt that succeeded.
    pub attempt: u32,
    /// When the attempt ended, in milliseconds since 1970.
    pub ended: u64,
    /// Milliseconds that the attempt took.
    pub duration: u64,
    /// Whether the target acts outside the project.
    pub effect: bool,
    /// Words of the command that the command itself wrote, and what it left there: they are no inputs.
    pub written: Vec<(String, Digest)>,
    /// What is installed outside of the project and was seen to be used.
    pub installed: Vec<Installed>,
    /// By which means it was looked what the attempt uses; `None` if nobody did.
    pub seen_by: Option<Means>,
    /// The key under which an effect acted.
    pub effect_key: Option<Digest>,
}

#[cfg(test)]
impl ResultEntry {
    /// A result of one file, whose id and hash are the file's digest too.
    pub(crate) fn of_file(target: &str, name: &str, path: &str, digest: Digest) -> Self {
        let run = RunId::new();
        Self {
            run,
            target: target.to_owned(),
            id: digest,
            declared: digest,
            discovered: Vec::new(),
            fingerprint: None,
            artifacts: vec![Artifact {
                name: name.into(),
                path: path.into(),
                kind: ArtifactKind::File,
                content: digest,
                bytes: digest,
                object: None,
                mode: Mode::Plain,
                size: 1,
                run,
            }],
            read: Vec::new(),
            reasons: Vec::new(),
            attempt: 1,
            ended: 1,
            duration: 1,
            effect: false,
            written: Vec::new(),
            installed: Vec::new(),
            seen_by: None,
            effect_key: None,
        }
    }
}

/// What a probe answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The digest of all that was asked.
    pub question: Digest,
    /// The answer, secrets masked.
    pub answer: String,
    /// When it was asked, in milliseconds since 1970.
    pub at: u64,
}

/// The user's word that a target is fresh as it is, which holds until something changes again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acceptance {
    /// Tells when.
    pub run: RunId,
    /// Why, in the user's words.
    pub why: String,
    /// The id of the result in place.
    pub id: Digest,
    /// The hash of the declared fingerprint of that moment.
    pub declared: Digest,
    /// What the result's attempt was seen to use, as it was at that moment.
    pub discovered: Vec<Discovered>,
    /// What it was seen to use of what is installed, in the versions of that moment.
    pub installed: Vec<Installed>,
    /// The artifacts as they were in their places.
    pub artifacts: Vec<Artifact>,
    /// The moment, in milliseconds since 1970: ages count from it.
    pub at: u64,
}

/// One artifact of a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// The name under which its task knows it.
    pub name: EcoString,
    /// Its declared path at that time.
    pub path: EcoString,
    /// File or directory.
    pub kind: ArtifactKind,
    /// The digest of what those who read it depend on, without the run's id.
    pub content: Digest,
    /// The digest of the file or directory as it lies in its place.
    pub bytes: Digest,
    /// The key of its copy in the store, if one was kept: a file's bytes without the run's id, a directory's listing.
    pub object: Option<Digest>,
    /// Its permissions.
    pub mode: Mode,
    /// Its size in bytes; a directory's files together.
    pub size: u64,
    /// The run whose id is in the file, or that made the file.
    pub run: RunId,
}

/// One failure of a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// The run.
    pub run: RunId,
    /// The target.
    pub target: String,
    /// The attempt's number.
    pub attempt: u32,
    /// Milliseconds that it took.
    pub duration: u64,
    /// What went wrong, in one line.
    pub what: String,
}
