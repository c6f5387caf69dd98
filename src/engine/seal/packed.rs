//! The groups of a seal as bytes: written once, and read in place from the front.

use std::collections::BTreeMap;
use std::ffi::CStr;

use crate::engine::files::Identity;
use crate::fast_map::FastMap;

/// About so many bytes a name and its state take.
const NAME: usize = 80;

/// Names of one group: a large directory has several.
pub(super) const GROUP: usize = 512;

/// What has to stand at a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Missing,
    Directory,
    File(Identity),
}

/// The target for which alone something counts, by its place; or [`ALL`].
pub(super) type Owner = u32;

/// It counts for every target.
pub(super) const ALL: Owner = Owner::MAX;

/// One directory and what is known of names in it.
#[derive(Default)]
pub(super) struct Group<'a> {
    pub(super) identity: Option<Identity>,
    pub(super) names: FastMap<&'a str, (State, Owner)>,
}

/// The bytes of all groups, with where each begins and how many names they have.
pub(super) fn encode(groups: &BTreeMap<&str, Group<'_>>) -> (Vec<usize>, Vec<u8>, usize) {
    let count: usize = groups.values().map(|group| group.names.len()).sum();
    let (mut starts, mut bytes) = (Vec::new(), Vec::with_capacity(count * NAME));
    for (path, group) in groups {
        let names: Vec<(&&str, &(State, Owner))> = group.names.iter().collect();
        let mut identity = group.identity;
        let mut rest = names.as_slice();
        loop {
            let (part, after) = rest.split_at(rest.len().min(GROUP));
            starts.push(bytes.len());
            put_text(&mut bytes, path);
            bytes.push(u8::from(identity.is_some()));
            if let Some(identity) = identity.take() {
                identity.append(&mut bytes);
            }
            bytes.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes());
            for (name, (state, owner)) in part {
                put_text(&mut bytes, name);
                bytes.extend(owner.to_le_bytes());
                bytes.push(match state {
                    State::Missing => 0,
                    State::Directory => 1,
                    State::File(_) => 2,
                });
                if let State::File(identity) = state {
                    identity.append(&mut bytes);
                }
            }
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
    }
    (starts, bytes, count)
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes.push(0);
}

/// Reads the bytes of a group from the front; `None` where there are too few.
pub(super) struct Reader<'b>(pub(super) &'b [u8]);

impl<'b> Reader<'b> {
    pub(super) fn number<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (number, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*number)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.number::<1>().map(|[byte]| byte)
    }

    pub(super) fn text(&mut self) -> Option<&'b CStr> {
        let length = usize::try_from(u32::from_le_bytes(self.number()?)).ok()?;
        let (text, rest) = self.0.split_at_checked(length.checked_add(1)?)?;
        self.0 = rest;
        CStr::from_bytes_with_nul(text).ok()
    }

    pub(super) fn identity(&mut self) -> Option<Identity> {
        let (identity, rest) = Identity::split(self.0)?;
        self.0 = rest;
        Some(identity)
    }

    pub(super) fn state(&mut self) -> Option<(&'b CStr, State, Owner)> {
        let name = self.text()?;
        let owner = Owner::from_le_bytes(self.number()?);
        let state = match self.byte()? {
            0 => State::Missing,
            1 => State::Directory,
            2 => State::File(self.identity()?),
            _ => return None,
        };
        Some((name, state, owner))
    }
}
