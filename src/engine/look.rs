//! What a verdict looks at beside the graph: the disk and the clock, and what was built before.
//!
//! Both are traits, so that judging is a function that a test can feed without a disk; [`Files`](super::files::Files)
//! and [`Store`](super::store::Store) are the real ones.

use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use super::digest::Digest;
use super::spec::ArtifactKind;
use super::store::entry::{Artifact, ResultEntry};
use super::store::{History, StoredResult};

/// The disk and the clock.
pub trait Look: Sync {
    /// The digest and kind of what is at a path; `None` if nothing is.
    ///
    /// # Errors
    /// Whatever reading meets; something that is neither file nor directory is [`io::ErrorKind::InvalidInput`].
    fn digest(&self, path: &str) -> io::Result<Option<(Digest, ArtifactKind)>>;

    /// The time of day.
    fn now(&self) -> SystemTime;

    /// Looks at many paths at once, so that the looks that follow find an answer.
    fn look_ahead(&self, _paths: &[&str]) {}

    /// Forgets the answers of [`Look::look_ahead`].
    fn forget_looks(&self) {}
}

/// What was built before.
pub trait Past: Sync {
    /// What is known of some targets, in their order.
    fn histories(&self, targets: &[&str]) -> Vec<Arc<History>>;

    /// The newest result of an id, whole.
    fn result(&self, id: Digest) -> Option<ResultEntry>;

    /// The results of a declared fingerprint, the newest first.
    fn results_of(&self, declared: Digest) -> Vec<ResultEntry>;

    /// Whether every artifact of a result can be given back: from its place, or from a copy.
    fn can_restore(&self, result: &StoredResult, in_place: &dyn Fn(&Artifact) -> bool) -> bool;
}
