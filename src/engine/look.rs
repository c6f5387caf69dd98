//! What a verdict looks at beside the graph: the disk and the clock, and what was built before.
//!
//! Both are traits, so that judging is a function that a test can feed without a disk; [`Files`](super::files::Files)
//! and [`Store`](super::store::Store) are the real ones.

use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use super::digest::Digest;
use super::ignore::Ignore;
use super::spec::ArtifactKind;
use super::store::entry::{Artifact, ResultEntry};
use super::store::{History, StoredResult};

/// The disk and the clock.
pub trait Look: Sync {
    /// The own digest and the kind of what is at an artifact's path, beside what is recorded of it; `None` if nothing
    /// is there.
    ///
    /// # Errors
    /// Whatever reading meets; something that is neither file nor directory is [`io::ErrorKind::InvalidInput`].
    fn placed(&self, path: &str, recorded: Option<Digest>) -> io::Result<Option<(Digest, ArtifactKind)>>;

    /// The content of a source: of a directory what its links lead to, without what `ignore` leaves out.
    ///
    /// # Errors
    /// As [`Look::placed`].
    fn source(&self, path: &str, ignore: &Ignore) -> io::Result<Option<(Digest, ArtifactKind)>>;

    /// The content of an artifact in its place: of a directory what its links lead to.
    ///
    /// # Errors
    /// As [`Look::placed`].
    fn content(&self, path: &str) -> io::Result<Option<(Digest, ArtifactKind)>>;

    /// The names in a directory of the project, sorted, without those that `leaves_out` is true of, by their paths;
    /// `None` if there is no directory.
    fn names(&self, _path: &str, _leaves_out: &dyn Fn(&str, bool) -> bool) -> Option<Vec<String>> {
        None
    }

    /// The version of a package that a directory of Python's lists; `None` if it lists none of that name.
    fn version_in(&self, _directory: &str, _package: &str) -> Option<String> {
        None
    }

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
