//! Puts an earlier result back in place, without running anything.

use std::fs;
use std::io;
use std::path::Path;

use super::commit::{Displaced, stamp};
use super::entry::{Artifact, Entry, ResultEntry};
use super::{Store, StoreError, StoredResult, objects, remove};
use crate::engine::digest::{self, Digest};
use crate::engine::files::Files;
use crate::engine::fingerprint::Fingerprint;
use crate::engine::reason::Reason;
use crate::engine::run_id::RunId;
use crate::engine::spec::{ArtifactKind, Target};

/// What a restore is for.
pub(crate) struct RestoreRequest<'a> {
    /// The target; the result may have been another's.
    pub(crate) target: &'a Target,
    /// What the result depends on, which has its declared hash; none if that is no longer known field by field.
    pub(crate) fingerprint: Option<&'a Fingerprint>,
    /// Why it is stale; none if it is not for that.
    pub(crate) reasons: &'a [Reason],
    /// The run that restores it.
    pub(crate) run: RunId,
}

/// What a restore did.
pub(crate) struct Restored {
    /// The result that is in place now.
    pub(crate) result: StoredResult,
    /// Files of somebody else's that stood in the way.
    pub(crate) displaced: Vec<Displaced>,
}

impl Store {
    /// Puts an earlier result back in place; `None` if a copy is missing or damaged, and then nothing was changed.
    pub(crate) fn restore(
        &self,
        earlier: &ResultEntry,
        request: &RestoreRequest<'_>,
        files: &Files,
    ) -> Result<Option<Restored>, StoreError> {
        let RestoreRequest {
            target,
            fingerprint,
            reasons,
            run,
        } = *request;
        let (mut artifacts, mut place, mut whole) = (Vec::new(), Vec::new(), true);
        let held = self.area.locks.objects(false).map_err(StoreError::at(&self.dir))?;
        for (number, output) in target.outputs.iter().enumerate() {
            let Some(artifact) = earlier.artifacts.iter().find(|it| it.name == output.port) else {
                return Ok(None);
            };
            let artifact = Artifact {
                path: output.path.clone(),
                ..artifact.clone()
            };
            artifacts.push(artifact.clone());
            let found = files.digest_beside(&output.path, Some(artifact.bytes));
            if found.ok().flatten() == Some((artifact.bytes, artifact.kind)) {
                let to = files.at(&output.path);
                objects::set_modes(&*self.objects, &artifact, &to).map_err(StoreError::at(&to))?;
                continue;
            }
            let staging = self.area.staging_beside(&files.at(&output.path), run);
            let dir = staging.join(format!("{}.restore", target.name));
            let at = dir.join(number.to_string());
            let given = fs::create_dir_all(&dir)
                .and_then(|()| remove(&at))
                .and_then(|()| self.give(&artifact, &at));
            // The others are looked at as well: what is damaged goes, and the attempt that follows replaces it.
            whole &= given.map_err(StoreError::at(&at))?;
            place.push((artifact, at));
        }
        drop(held);
        if !whole {
            return Ok(None);
        }
        if self.records.result(earlier.id).is_none() {
            return Ok(None);
        }
        let result = ResultEntry {
            target: target.name.to_string(),
            artifacts,
            fingerprint: fingerprint.cloned(),
            written: self.written(&target.name, &earlier.written),
            ..earlier.clone()
        };
        if !place.is_empty() {
            let placed = place
                .iter()
                .map(|(artifact, _)| (artifact.path.to_string(), artifact.bytes));
            let files = placed.collect();
            self.records.append(&[Entry::Placement { files }])?;
        }
        let displaced = self.place_all(&place, run, files)?;
        let stored = StoredResult {
            placed_by: run,
            ..StoredResult::new(&result)
        };
        self.records.append(&[Entry::Restore {
            run,
            reasons: reasons.to_vec(),
            result: Box::new(result),
        }])?;
        Ok(Some(Restored {
            result: stored,
            displaced,
        }))
    }

    /// Words that the command wrote: what this result's left there, and what stands there by now, which the record's did.
    fn written(&self, target: &str, of_result: &[(String, Digest)]) -> Vec<(String, Digest)> {
        const KEPT: usize = 8;
        let mut written = self.records.ledger(|ledger| {
            let history = ledger.target(target)?;
            Some(history.written().to_vec())
        });
        let mut written = written.take().unwrap_or_default();
        written.truncate(KEPT);
        written.retain(|it| !of_result.contains(it));
        written.extend_from_slice(of_result);
        written
    }

    /// Copies an artifact to a path that is free, as it lay in its place: with the id of the run that made it.
    fn give(&self, artifact: &Artifact, to: &Path) -> io::Result<bool> {
        if !objects::give(&*self.objects, artifact, to)? {
            return Ok(false);
        }
        if artifact.kind == ArtifactKind::File && artifact.bytes != artifact.content {
            stamp(to, artifact.run)?;
            if digest::of_file(to)? != artifact.bytes {
                remove(to)?;
                return Ok(false);
            }
        }
        Ok(true)
    }
}
