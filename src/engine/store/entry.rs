//! What the journal says: its entries.
//!
//! Bincode numbers the variants by their order, so new ones go to the end.

use serde::{Deserialize, Serialize};

use crate::engine::digest::Digest;
use crate::engine::fingerprint::Fingerprint;
use crate::engine::reason::Reason;
use crate::engine::run_id::RunId;
use crate::engine::spec::ArtifactKind;

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
        /// The fingerprint's hash of the intent.
        hash: Digest,
    },
    /// Bytes are about to be placed, or had been placed before a compaction: they are atsaf's own at these paths.
    Placement {
        /// Path and byte digest of each.
        files: Vec<(String, Digest)>,
    },
    /// An earlier result is in place again.
    Restore {
        /// The run that restored it.
        run: RunId,
        /// The target.
        target: String,
        /// The result's fingerprint hash.
        hash: Digest,
        /// Why the target was stale.
        reasons: Vec<Reason>,
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
    /// The fingerprint's hash.
    pub hash: Digest,
    /// The fingerprint; only the target's last result keeps it.
    pub fingerprint: Option<Fingerprint>,
    /// What it left.
    pub artifacts: Vec<Artifact>,
    /// Role and path of everything that was read.
    pub read: Vec<(String, String)>,
    /// Why it ran.
    pub reasons: Vec<Reason>,
    /// The number of the attempt that succeeded.
    pub attempt: u32,
    /// Milliseconds that the attempt took.
    pub duration: u64,
    /// Whether the target acts outside the project.
    pub effect: bool,
    /// Words of the command that the command itself wrote, and what it left there: they are no inputs.
    pub written: Vec<(String, Digest)>,
}

/// One artifact of a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// The name under which its task knows it.
    pub name: String,
    /// Its declared path at that time.
    pub path: String,
    /// File or directory.
    pub kind: ArtifactKind,
    /// The digest of what it says, without the run's id.
    pub content: Digest,
    /// The digest of the file as it lies on the disk.
    pub bytes: Digest,
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
