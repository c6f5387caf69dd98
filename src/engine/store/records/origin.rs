//! Whether a journal was begun by this user: then what it says of files is what atsaf did, and nothing else.
//!
//! A file beside the journal binds its id to the user's own key. A journal that came with a repository, an archive or a
//! cache has none that counts here; of such a one only what the Atsaffile says as well is believed.

use std::path::Path;

use crate::engine::store::user_key::{UserKey, seal};
use crate::engine::store::{own_file, replace_file};

const NAME: &str = "origin";

/// Whether the journal with this id, in a directory, was begun by the user.
pub(super) fn is_own(dir: &Path, id: [u8; 16], user: &UserKey) -> bool {
    let (Some(key), Ok(kept)) = (user.read(), own_file::read(&dir.join(NAME))) else {
        return false;
    };
    blake3::Hash::from_slice(&kept).is_ok_and(|kept| kept == of_journal(id, &key))
}

/// Says that the journal with this id is the user's own; where that cannot be kept, it is nobody's.
pub(super) fn sign(dir: &Path, id: [u8; 16], user: &UserKey) {
    if let Some(key) = user.read_or_make() {
        let _ = replace_file(&dir.join(NAME), of_journal(id, &key).as_bytes());
    }
}

fn of_journal(id: [u8; 16], key: &[u8; 32]) -> blake3::Hash {
    seal(key, [b"journal", &id])
}
