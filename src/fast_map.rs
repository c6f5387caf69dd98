//! Hash maps with a hasher that is quick on short texts: a build without work is made of a hundred thousand lookups.

use std::collections::{HashMap, HashSet};

/// A hash map for names and paths.
pub type FastMap<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// A set of names and paths.
pub type FastSet<K> = HashSet<K, foldhash::fast::RandomState>;

/// A map with room for so many.
#[must_use]
pub fn with_room<K, V>(count: usize) -> FastMap<K, V> {
    FastMap::with_capacity_and_hasher(count, foldhash::fast::RandomState::default())
}
