//! Hash maps with a hasher that is quick on short texts: a build without work is made of a hundred thousand lookups.

use std::collections::HashMap;

/// A hash map for names and paths.
pub type FastMap<K, V> = HashMap<K, V, foldhash::fast::RandomState>;
