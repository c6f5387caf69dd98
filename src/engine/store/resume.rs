//! What an attempt that failed or was interrupted had written, for the next one of the same result (`resume`).
//!
//! ```text
//! .atsaf/v1/resume/KEY/0, 1, …   the outputs, by their order; KEY is that of the attempts' directory
//! .atsaf/v1/resume/KEY/uses      what the attempt was seen to use without declaring it, files and what is installed
//! .atsaf/v1/resume/KEY/id        the id of the result that they were to be; without it they count for nothing
//! ```
//!
//! The target's lock is held whenever one of these is touched.

use std::io::{self, Write as _};
use std::path::PathBuf;

use super::commit::exists;
use super::{Private, Store, bounded, move_file, own_file, private_key, remove};
use crate::engine::digest::Digest;
use crate::engine::result_id::Inherited;
use crate::engine::spec::Output;

/// The directory for all of them, in the store.
pub(super) const DIRECTORY: &str = "resume";
/// The file that makes one count.
const ID: &str = "id";
/// The file with what was used.
const USES: &str = "uses";

impl Store {
    fn unfinished(&self, outputs: &[Output]) -> PathBuf {
        self.dir.join(DIRECTORY).join(private_key(outputs))
    }

    /// Moves what an attempt has written out of its directories; it counts once it is confirmed.
    pub(crate) fn keep_unfinished(&self, private: &Private, outputs: &[Output]) -> io::Result<()> {
        let kept = self.unfinished(outputs);
        remove(&kept)?;
        for (at, path) in private.paths.iter().enumerate() {
            let is_empty = || std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
            if !exists(path) || private.is_behind_link(path) || is_empty() {
                continue;
            }
            own_file::make_directory(&kept)?;
            move_file(path, &kept.join(at.to_string()))?;
        }
        Ok(())
    }

    /// Lets what was kept count for the result of an id, as long as what was used stays as it is; says whether there is
    /// anything.
    pub(crate) fn confirm_unfinished(&self, outputs: &[Output], id: Digest, used: &Inherited) -> io::Result<bool> {
        let kept = self.unfinished(outputs);
        if !exists(&kept) {
            return Ok(false);
        }
        let encoded = bincode::serde::encode_to_vec(used, bincode::config::standard()).map_err(io::Error::other)?;
        own_file::create(&kept.join(USES))?.write_all(&encoded)?;
        own_file::create(&kept.join(ID))?.write_all(id.hex().as_bytes())?;
        Ok(true)
    }

    /// Moves what was kept for the result of an id to where an attempt writes, and gives what it depends on; what was kept
    /// for another one goes.
    pub(crate) fn give_unfinished(
        &self,
        private: &Private,
        outputs: &[Output],
        id: Digest,
        is_today: &dyn Fn(&Inherited) -> bool,
    ) -> io::Result<Inherited> {
        let kept = self.unfinished(outputs);
        let uses = || {
            let bytes = own_file::read(&kept.join(USES)).ok()?;
            let (uses, _): (Inherited, usize) = bounded::decode(&bytes)?;
            Some(uses)
        };
        let is_of_result = own_file::read(&kept.join(ID)).is_ok_and(|found| found == id.hex().as_bytes());
        let uses = uses().filter(|uses| is_of_result && is_today(uses));
        let is_meant = uses.is_some();
        for (at, path) in private.paths.iter().enumerate().filter(|_| is_meant) {
            let from = kept.join(at.to_string());
            if exists(&from) {
                // Of a directory, one was made already.
                remove(path)?;
                move_file(&from, path)?;
            }
        }
        remove(&kept)?;
        Ok(uses.unwrap_or_default())
    }

    /// Takes away what was kept.
    pub(crate) fn drop_unfinished(&self, outputs: &[Output]) -> io::Result<()> {
        remove(&self.unfinished(outputs))
    }
}
