//! Copies of artifacts, to be given back without running anything.
//!
//! An object is bytes, and its key is their BLAKE3: whoever holds it can verify it, and the same result has the same
//! keys on every machine, for neither the run's id nor the target's name is among the bytes. What belongs to a place
//! and not to the content (permissions, the entries of a directory) stands in the result or in a [`Listing`].

mod listing;
mod local;
pub(crate) mod mode;

use std::fmt::Debug;
use std::io;
use std::path::Path;

pub(crate) use self::listing::Listing;
pub(crate) use self::local::LocalObjects;
use self::mode::Mode;
use super::records::entry::Artifact;
use crate::engine::digest::Digest;
use crate::engine::spec::ArtifactKind;

/// A place where objects are kept.
pub(crate) trait Objects: Debug + Send + Sync {
    /// Whether there is an object; it may still turn out to be damaged.
    fn has(&self, key: Digest) -> bool;

    /// Keeps a copy of a file, whose bytes have this key.
    fn keep(&self, key: Digest, from: &Path) -> io::Result<()>;

    /// Keeps some bytes.
    fn keep_bytes(&self, bytes: &[u8]) -> io::Result<Digest>;

    /// Copies an object to a path that is free, and verifies it; `false` if it is missing or damaged.
    fn give(&self, key: Digest, to: &Path) -> io::Result<bool>;

    /// Reads an object; `None` if it is missing or damaged.
    fn read(&self, key: Digest) -> Option<Vec<u8>>;

    /// Whether an object says what its key says.
    fn is_whole(&self, key: Digest) -> bool;

    /// Key and size of every object.
    fn all(&self) -> Vec<(Digest, u64)>;

    /// Removes an object.
    fn remove(&self, key: Digest) -> io::Result<()>;

    /// Removes what writers that were killed have left, while nobody writes.
    fn sweep(&self);
}

/// Gives an artifact that is in its place the permissions with which it was made; without its copy, the outermost alone.
pub(crate) fn set_modes(objects: &dyn Objects, artifact: &Artifact, at: &Path) -> io::Result<()> {
    let key = artifact.object.filter(|_| artifact.kind == ArtifactKind::Directory);
    if let Some(listing) = key.and_then(|key| Listing::read(objects, key)) {
        listing.set_modes(at)?;
    }
    artifact.mode.set(at)
}

/// Keeps a copy of what an attempt left; gives its key, and a file's mode.
pub(crate) fn keep(objects: &dyn Objects, kind: ArtifactKind, at: &Path) -> io::Result<(Digest, Mode)> {
    match kind {
        ArtifactKind::File => {
            let key = mode::digest_of_bytes(at)?;
            objects.keep(key, at)?;
            Ok((key, Mode::of(&std::fs::metadata(at)?)))
        }
        ArtifactKind::Directory => {
            let listing = Listing::keep(objects, at)?;
            Ok((
                objects.keep_bytes(&listing.bytes()?)?,
                Mode::of(&std::fs::metadata(at)?),
            ))
        }
    }
}

/// Gives back the copy of an artifact, its mode included, but without the run's id.
pub(crate) fn give(objects: &dyn Objects, artifact: &Artifact, to: &Path) -> io::Result<bool> {
    let Some(key) = artifact.object else {
        return Ok(false);
    };
    let given = match artifact.kind {
        ArtifactKind::File => objects.give(key, to)?,
        ArtifactKind::Directory => match Listing::read(objects, key) {
            Some(listing) => listing.give(objects, to)?,
            None => false,
        },
    };
    if given {
        artifact.mode.set(to)?;
    }
    Ok(given)
}

/// Every object that an artifact needs.
pub(crate) fn needed_by(objects: &dyn Objects, artifact: &Artifact) -> Vec<Digest> {
    let mut keys: Vec<Digest> = artifact.object.into_iter().collect();
    if artifact.kind == ArtifactKind::Directory {
        let listing = artifact.object.and_then(|key| Listing::read(objects, key));
        keys.extend(listing.iter().flat_map(Listing::objects));
    }
    keys
}
