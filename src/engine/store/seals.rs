//! The seals of the last requests under which all was fresh, each a file under its request's key; free to delete.
//!
//! What a seal says saves looking at the Atsaffile and the journal, so it is bound to the user's own key: one that came from
//! elsewhere is missed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::user_key::{UserKey, seal};
use super::{bounded, own_file, remove, replace_file};
use crate::engine::digest::Digest;
use crate::engine::seal::{Seal, SealHead};

/// The directory of all.
pub(super) const DIRECTORY: &str = "seals";

/// Raised when what is kept has another form.
const FORMAT: u8 = 1;

/// So many are kept, those of the latest requests.
const KEPT: usize = 8;

const LIMIT: usize = 1 << 30;

/// Reads the seal of a request, if a sound one is kept.
pub(super) fn load(store: &Path, request: Digest, user: &UserKey) -> Option<Seal> {
    let secret = user.read()?;
    let mut bytes = own_file::read(&path(store, request)).ok()?;
    let (hash, body) = bytes.split_at_checked(blake3::OUT_LEN)?;
    if blake3::Hash::from_slice(hash).ok()? != seal(&secret, [&bound_to(request), body]) {
        return None;
    }
    let (head, read): (SealHead, usize) = bounded::decode(body)?;
    bytes.drain(..blake3::OUT_LEN + read);
    Some(Seal::of_parts(head, bytes))
}

/// Keeps the seal of a request.
pub(super) fn save(store: &Path, request: Digest, user: &UserKey, new: &Seal) -> io::Result<()> {
    let Some(secret) = user.read_or_make() else {
        return Ok(());
    };
    let config = bincode::config::standard().with_limit::<LIMIT>();
    let mut body = bincode::serde::encode_to_vec(&new.head, config).map_err(io::Error::other)?;
    body.extend_from_slice(new.groups());
    let mut bytes = seal(&secret, [&bound_to(request), &body]).as_bytes().to_vec();
    bytes.extend(body);
    own_file::make_directory(&store.join(DIRECTORY))?;
    replace_file(&path(store, request), &bytes)?;
    drop_oldest(&store.join(DIRECTORY))
}

/// Stands for the values of some variables, as nobody can tell who has not the key.
pub(super) fn environment<'v>(
    user: &UserKey,
    variables: impl Iterator<Item = (&'v str, Option<&'v str>)>,
) -> Option<[u8; 32]> {
    let mut text = Vec::new();
    for (name, value) in variables {
        for part in [Some(name), value] {
            text.extend(part.map_or(u64::MAX, |part| part.len() as u64).to_le_bytes());
            text.extend(part.unwrap_or_default().as_bytes());
        }
    }
    Some(*seal(&user.read_or_make()?, [b"environment", &text]).as_bytes())
}

fn bound_to(request: Digest) -> Vec<u8> {
    [&[FORMAT], &b"seal"[..], request.bytes()].concat()
}

fn path(store: &Path, request: Digest) -> PathBuf {
    store.join(DIRECTORY).join(&request.hex()[..32])
}

fn drop_oldest(directory: &Path) -> io::Result<()> {
    let entries = fs::read_dir(directory)?.flatten();
    let mut all: Vec<_> = entries
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    all.sort();
    let too_many = all.len().saturating_sub(KEPT);
    all.iter().take(too_many).try_for_each(|(_, path)| remove(path))
}
