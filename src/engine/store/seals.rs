//! The seals of the last requests under which all was fresh, each a file under its request's key; free to delete. Those of
//! the same circumstances have names that begin alike.
//!
//! What a seal says saves looking at the Atsaffile and the journal, so it is bound to the user's own key: one that came from
//! elsewhere is missed.

use std::io;
use std::path::{Path, PathBuf};

use super::user_key::{UserKey, seal};
use super::{bounded, latest, own_file};
use crate::engine::digest::Digest;
use crate::engine::seal::{Seal, SealHead, SealKey};

/// The directory of all.
pub(super) const DIRECTORY: &str = "seals";

/// Raised when what is kept has another form.
const FORMAT: u8 = 5;

/// So many are kept, those of the latest requests.
const KEPT: usize = 8;

const LIMIT: usize = 1 << 30;

/// Reads the seal of a request, if a sound one is kept.
pub(super) fn load(store: &Path, request: SealKey, user: &UserKey) -> Option<Seal> {
    read(&store.join(DIRECTORY).join(name(request)), user)
}

/// Reads the sound seals that are kept of other goals under the same circumstances, the latest first.
pub(super) fn others<'u>(store: &Path, request: SealKey, user: &'u UserKey) -> impl Iterator<Item = Seal> + use<'u> {
    let mut all = latest::by_age(&store.join(DIRECTORY)).unwrap_or_default();
    let (like, own) = (prefix(request.circumstances), name(request));
    let name = |path: &PathBuf| path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
    all.retain(|path| name(path).is_some_and(|name| name.starts_with(&like) && name != own));
    all.into_iter().rev().filter_map(|path| read(&path, user))
}

fn read(path: &Path, user: &UserKey) -> Option<Seal> {
    let secret = user.read()?;
    let mut bytes = own_file::read(path).ok()?;
    let (hash, body) = bytes.split_at_checked(blake3::OUT_LEN)?;
    let name = path.file_name()?.to_str()?;
    if blake3::Hash::from_slice(hash).ok()? != seal(&secret, [&bound_to(name), body]) {
        return None;
    }
    let (head, read): (SealHead, usize) = bounded::decode(body)?;
    bytes.drain(..blake3::OUT_LEN + read);
    Some(Seal::of_parts(head, bytes))
}

/// Keeps the seal of a request.
pub(super) fn save(store: &Path, request: SealKey, user: &UserKey, new: &Seal) -> io::Result<()> {
    let Some(secret) = user.read_or_make() else {
        return Ok(());
    };
    let config = bincode::config::standard().with_limit::<LIMIT>();
    let mut body = bincode::serde::encode_to_vec(&new.head, config).map_err(io::Error::other)?;
    body.extend_from_slice(new.body());
    let name = name(request);
    let mut bytes = seal(&secret, [&bound_to(&name), &body]).as_bytes().to_vec();
    bytes.extend(body);
    latest::keep(&store.join(DIRECTORY), &name, &bytes, KEPT)
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

fn bound_to(name: &str) -> Vec<u8> {
    [&[FORMAT], &b"seal"[..], name.as_bytes()].concat()
}

fn name(request: SealKey) -> String {
    format!("{}{}", prefix(request.circumstances), &request.goals.hex()[..32])
}

fn prefix(circumstances: Digest) -> String {
    format!("{}-", &circumstances.hex()[..32])
}
