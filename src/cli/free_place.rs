//! Where a command may write a file of its own, for people or other programs: neither what targets make or read, nor the
//! store.

use std::path::{Path, PathBuf};

use super::setup::Project;
use crate::engine::graph::TargetId;
use crate::engine::spec::{Output, Target};
use crate::engine::store;

/// Why a place is not free.
pub(super) enum Taken<'p> {
    /// It lies in the store.
    Store,
    /// It is an output of a target, or lies in one.
    Output(&'p Target, &'p Output),
    /// An output would lie below it.
    Above(&'p Output),
    /// The target of this name reads it, or a directory that it lies in or would.
    Source(&'p str),
}

/// The path without links, as far as it is there.
pub(super) fn whole(path: &Path) -> PathBuf {
    let from_root = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    if let Ok(real) = from_root.canonicalize() {
        return real;
    }
    match (from_root.parent(), from_root.file_name()) {
        (Some(parent), Some(name)) => whole(parent).join(name),
        _ => from_root,
    }
}

/// What keeps a command from writing to a place, if something does; whether anything is there or not.
pub(super) fn taken<'p>(project: &'p Project, place: &Path) -> Option<Taken<'p>> {
    let place = whole(place);
    let at = |path: &str| whole(&project.files.at(path));
    if place.starts_with(at(store::DIRECTORY)) {
        return Some(Taken::Store);
    }
    let graph = &project.graph;
    for target in &graph.spec.targets {
        for output in &target.outputs {
            let made = at(&output.path);
            if place.starts_with(&made) {
                return Some(Taken::Output(target, output));
            }
            if made.starts_with(&place) {
                return Some(Taken::Above(output));
            }
        }
    }
    let reads = |id: &&TargetId| {
        let mut sources = graph.node(**id).reads.iter().filter(|read| read.artifact.is_none());
        sources.any(|read| place.starts_with(at(&read.path)))
    };
    let reader = graph.order().iter().find(reads)?;
    Some(Taken::Source(graph.name(*reader)))
}
