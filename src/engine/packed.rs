//! Values by name that stay as they stand encoded in a file, each until it is asked for; and the same with changes over
//! them.
//!
//! ```text
//! part ─▶ entries, one behind the other: lengths, name, value
//!      ─▶ directory: hash of the name and place of the entry, sorted
//! ```

use std::borrow::Cow;
use std::hash::BuildHasher as _;
use std::io::{self, Write};
use std::ops::Range;
use std::sync::Arc;

use ecow::EcoString;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::store::bounded;
use crate::fast_map::FastMap;

/// What can stand in a part of a file.
pub(crate) trait Packable: Clone {
    /// Appends the value.
    fn encode(&self, bytes: &mut Vec<u8>);

    /// The value of a name; `None` if these bytes are none.
    fn decode(name: &str, bytes: &[u8]) -> Option<Self>;
}

/// Appends a value as bincode has it.
pub(crate) fn append(value: &impl Serialize, bytes: &mut Vec<u8>) {
    let config = bincode::config::standard();
    let written = bincode::serde::encode_into_std_write(value, bytes, config);
    written.expect("internal error: a value that cannot be written");
}

/// The value that was appended.
pub(crate) fn value<V: DeserializeOwned>(bytes: &[u8]) -> Option<V> {
    bounded::decode(bytes).map(|(value, _)| value)
}

/// Where a part is, and what stands for its bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Part {
    entries: Range<u64>,
    /// Behind the entries.
    directory: Range<u64>,
    hash: [u8; blake3::OUT_LEN],
    /// What [`hash_of`] gives for [`MARK`]: by a program that hashes names otherwise nothing is found.
    mark: u64,
}

const MARK: &str = "mark";

#[cfg(test)]
impl Part {
    /// Takes the bytes of a file for those that were written.
    pub(crate) fn hash_anew(&mut self, file: &[u8]) -> Option<()> {
        let bytes = |at: u64| usize::try_from(at).ok();
        let bytes = file.get(bytes(self.entries.start)?..bytes(self.directory.end)?)?;
        self.hash = *blake3::hash(bytes).as_bytes();
        Some(())
    }
}

/// The values of a part.
#[derive(Clone, Debug, Default)]
struct Packed {
    file: Arc<Vec<u8>>,
    entries: Range<usize>,
    directory: Range<usize>,
}

/// Bytes of an entry in a directory: the hash of a name, and a place.
const SLOT: usize = 16;

/// Gathers a directory: by the names of things, where they are.
#[derive(Debug, Default)]
pub(crate) struct Places(Vec<(u64, u64)>);

impl Places {
    pub(crate) fn push(&mut self, name: &str, place: u64) {
        self.0.push((hash_of(name), place));
    }

    /// The directory in bytes, sorted.
    pub(crate) fn encode(mut self) -> Vec<u8> {
        self.0.sort_unstable();
        let mut bytes = Vec::with_capacity(self.0.len() * SLOT);
        for (hash, place) in self.0 {
            bytes.extend(hash.to_le_bytes());
            bytes.extend(place.to_le_bytes());
        }
        bytes
    }
}

/// A directory as its bytes have it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Directory<'b>(&'b [[u8; SLOT]]);

impl<'b> Directory<'b> {
    pub(crate) fn of(bytes: &'b [u8]) -> Self {
        Self(bytes.as_chunks().0)
    }

    fn slot(slot: &[u8; SLOT]) -> (u64, u64) {
        let number = |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| slot[at + byte]));
        (number(0), number(8))
    }

    /// The places of all.
    fn places(self) -> impl Iterator<Item = u64> + use<'b> {
        self.0.iter().map(|slot| Self::slot(slot).1)
    }

    /// The places of what has a name, and of what has another one with the same hash.
    pub(crate) fn places_of(self, name: &str) -> impl Iterator<Item = u64> + use<'b> {
        let wanted = hash_of(name);
        let first = self.0.partition_point(|slot| Self::slot(slot).0 < wanted);
        let same = self.0[first..].iter().map(Self::slot);
        same.take_while(move |(hash, _)| *hash == wanted)
            .map(|(_, place)| place)
    }
}

impl Packed {
    /// The values of a part of a file, if it is as it was written.
    fn of(file: &Arc<Vec<u8>>, part: &Part) -> Option<Self> {
        let range = |range: &Range<u64>| Some(usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?);
        let (entries, directory) = (range(&part.entries)?, range(&part.directory)?);
        let is_forward = entries.start <= entries.end && directory.start <= directory.end;
        let is_behind = entries.end == directory.start && directory.len() % SLOT == 0;
        let is_ours = is_forward && is_behind && part.mark == hash_of(MARK);
        let bytes = file.get(entries.start..directory.end).filter(|_| is_ours)?;
        (blake3::hash(bytes).as_bytes() == &part.hash).then(|| Self {
            file: Arc::clone(file),
            entries,
            directory,
        })
    }

    fn directory(&self) -> Directory<'_> {
        Directory::of(&self.file[self.directory.clone()])
    }

    /// Name and value of an entry.
    fn entry(&self, place: u64) -> Option<(&str, &[u8])> {
        let place = usize::try_from(place).ok()?;
        let rest = self.file[self.entries.clone()].get(place..)?;
        let (name, rest) = split_counted(rest)?;
        let (value, _) = split_counted(rest)?;
        Some((std::str::from_utf8(name).ok()?, value))
    }

    fn get(&self, name: &str) -> Option<&[u8]> {
        let mut entries = self.directory().places_of(name).filter_map(|place| self.entry(place));
        entries.find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.directory().places().filter_map(|place| self.entry(place))
    }
}

/// Splits off what stands behind its length.
fn split_counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(u32::from_le_bytes(*length) as usize)
}

/// By what an entry is found; the same in each process of one program.
fn hash_of(name: &str) -> u64 {
    foldhash::fast::FixedState::with_seed(0).hash_one(name)
}

/// Values by name: those of a part of a file, and what has changed since.
#[derive(Clone, Debug)]
pub(crate) struct Overlaid<V> {
    base: Packed,
    /// What is otherwise; `None` for what is gone.
    changed: FastMap<EcoString, Option<V>>,
}

impl<V> Default for Overlaid<V> {
    fn default() -> Self {
        Self {
            base: Packed::default(),
            changed: FastMap::default(),
        }
    }
}

impl<V: Packable> Overlaid<V> {
    /// What a part of a file says, if it is as it was written.
    pub(crate) fn of(file: &Arc<Vec<u8>>, part: &Part) -> Option<Self> {
        let base = Packed::of(file, part)?;
        Some(Self {
            base,
            ..Self::default()
        })
    }

    pub(crate) fn get(&self, name: &str) -> Option<V> {
        match self.changed.get(name) {
            Some(changed) => changed.clone(),
            None => V::decode(name, self.base.get(name)?),
        }
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        match self.changed.get(name) {
            Some(changed) => changed.is_some(),
            None => self.base.get(name).is_some(),
        }
    }

    /// The value of a name to be changed, if there is one.
    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut V> {
        if !self.changed.contains_key(name) {
            let value = self.get(name)?;
            self.insert(name, value);
        }
        self.changed.get_mut(name)?.as_mut()
    }

    /// The value of a name to be changed, which is there from now on.
    pub(crate) fn get_or_default(&mut self, name: &str) -> &mut V
    where
        V: Default,
    {
        if self.get_mut(name).is_none() {
            self.insert(name, V::default());
        }
        let changed = self.changed.get_mut(name).and_then(Option::as_mut);
        changed.expect("internal error: what was put in is not there")
    }

    pub(crate) fn insert(&mut self, name: &str, value: V) {
        match self.changed.get_mut(name) {
            Some(changed) => *changed = Some(value),
            None => drop(self.changed.insert(name.into(), Some(value))),
        }
    }

    pub(crate) fn remove(&mut self, name: &str) {
        if self.base.get(name).is_some() {
            self.changed.insert(name.into(), None);
        } else {
            self.changed.remove(name);
        }
    }

    /// Encodes what has changed where that is much, so that it takes no more room than in a file.
    pub(crate) fn pack(&mut self) {
        const FEW: usize = 4096;
        /// Each time all are copied: so often that this is little work, and so seldom that little is not encoded.
        const PART: usize = 8;
        if self.changed.len() < FEW.max(self.base.directory.len() / SLOT / PART) {
            return;
        }
        let mut parts = Parts::begin(Vec::new(), 0);
        let written = parts.write(self, &|_| true);
        let (mut file, _) = parts.end();
        file.shrink_to_fit();
        if let Some(packed) = written.ok().and_then(|part| Self::of(&Arc::new(file), &part)) {
            *self = packed;
        }
    }

    /// All, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, V)> {
        let unchanged = self.unchanged();
        let unchanged = unchanged.filter_map(|(name, bytes)| Some((name, V::decode(name, bytes)?)));
        self.changed()
            .map(|(name, value)| (name, value.clone()))
            .chain(unchanged)
    }

    /// Those that do not stand in the file as they are.
    pub(crate) fn changed(&self) -> impl Iterator<Item = (&str, &V)> {
        let changed = self.changed.iter();
        changed.filter_map(|(name, value)| Some((name.as_str(), value.as_ref()?)))
    }

    fn unchanged(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.base.iter().filter(|(name, _)| !self.changed.contains_key(*name))
    }

    /// A copy for lookups of some names, which need not wait for whoever changes this one.
    pub(crate) fn of_names(&self, names: &[&str]) -> Self {
        let changed = names.iter().filter_map(|name| self.changed.get_key_value(*name));
        Self {
            base: self.base.clone(),
            changed: changed.map(|(name, value)| (name.clone(), value.clone())).collect(),
        }
    }
}

impl<V: Packable> FromIterator<(String, V)> for Overlaid<V> {
    fn from_iter<T: IntoIterator<Item = (String, V)>>(values: T) -> Self {
        Self {
            base: Packed::default(),
            changed: values
                .into_iter()
                .map(|(name, value)| (name.into(), Some(value)))
                .collect(),
        }
    }
}

/// Writes the parts of a file from its beginning on.
pub(crate) struct Parts<W> {
    file: W,
    /// How many bytes are written.
    end: u64,
    hasher: blake3::Hasher,
}

impl<W: Write> Parts<W> {
    pub(crate) fn begin(file: W, end: u64) -> Self {
        let hasher = blake3::Hasher::new();
        Self { file, end, hasher }
    }

    /// Writes all values but those changed ones that are not worth it. What stands in the former file is copied.
    pub(crate) fn write<V: Packable>(
        &mut self,
        values: &Overlaid<V>,
        is_worth_it: &dyn Fn(&V) -> bool,
    ) -> io::Result<Part> {
        let encoded = |(name, value): (_, &V)| {
            let mut bytes = Vec::new();
            value.encode(&mut bytes);
            (name, Cow::Owned(bytes))
        };
        let changed = values.changed().filter(|(_, value)| is_worth_it(value)).map(encoded);
        let unchanged = values.unchanged().map(|(name, bytes)| (name, Cow::Borrowed(bytes)));
        self.write_entries(changed.chain(unchanged))
    }

    /// Writes some values, each encoded.
    pub(crate) fn write_entries<'a>(
        &mut self,
        entries: impl Iterator<Item = (&'a str, Cow<'a, [u8]>)>,
    ) -> io::Result<Part> {
        self.hasher.reset();
        let start = self.end;
        let mut places = Places::default();
        for (name, value) in entries {
            places.push(name, self.end - start);
            for text in [name.as_bytes(), &value] {
                let length = u32::try_from(text.len()).map_err(io::Error::other)?;
                self.put(&length.to_le_bytes())?;
                self.put(text)?;
            }
        }
        let directory = self.end;
        self.put(&places.encode())?;
        Ok(Part {
            entries: start..directory,
            directory: directory..self.end,
            hash: *self.hasher.finalize().as_bytes(),
            mark: hash_of(MARK),
        })
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.hasher.update(bytes);
        self.end += bytes.len() as u64;
        Ok(())
    }

    /// What was written to, and how many bytes.
    pub(crate) fn end(self) -> (W, u64) {
        (self.file, self.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Packable for u8 {
        fn encode(&self, bytes: &mut Vec<u8>) {
            bytes.push(*self);
        }

        fn decode(_: &str, bytes: &[u8]) -> Option<Self> {
            bytes.first().copied()
        }
    }

    /// The same values out of a file.
    fn written(values: &Overlaid<u8>) -> Overlaid<u8> {
        let mut parts = Parts::begin(vec![1, 2, 3], 3);
        let part = parts.write(values, &|_| true).expect("written");
        let (file, end) = parts.end();
        assert_eq!(file.len() as u64, end);
        Overlaid::of(&Arc::new(file), &part).expect("as it was written")
    }

    fn sorted(values: &Overlaid<u8>) -> Vec<(&str, u8)> {
        let mut all: Vec<_> = values.iter().collect();
        all.sort_unstable();
        all
    }

    #[test]
    fn a_value_is_found_by_its_name_in_a_file_and_over_it() {
        let many = (0..200_u8).map(|number| (format!("name {number}"), number));
        let mut values = written(&many.collect());
        assert_eq!(values.changed().count(), 0);
        for number in 0..200 {
            assert_eq!(values.get(&format!("name {number}")), Some(number));
        }
        assert!(values.get("name 200").is_none() && !values.contains("name 200"));
        values.insert("name 1", 250);
        values.insert("new", 251);
        values.remove("name 2");
        values.remove("nothing");
        *values.get_mut("name 3").expect("there") += 100;
        assert!(values.get_mut("name 2").is_none() && !values.contains("name 2"));
        let again = written(&values);
        assert_eq!(sorted(&again), sorted(&values));
        assert_eq!(again.get("name 1"), Some(250));
        assert_eq!(again.get("name 2"), None);
        assert_eq!(again.get("name 3"), Some(103));
        assert_eq!(again.of_names(&["new"]).get("new"), Some(251));
        assert_eq!(sorted(&again).len(), 200);
        values.insert("name 2", 2);
        assert_eq!(values.get("name 2"), Some(2));
        assert_eq!(values.of_names(&["name 2", "other"]).get("name 2"), Some(2));
    }

    #[test]
    fn what_has_changed_is_encoded_where_it_is_much() {
        let mut values: Overlaid<u8> = Overlaid::default();
        let name = |number: u32| format!("name {number}");
        for number in 0..5000 {
            values.insert(&name(number), number.to_le_bytes()[0]);
            values.pack();
        }
        assert!(values.changed().count() < 4096 && values.changed().count() > 0);
        values.remove(&name(1));
        values.insert(&name(2), 200);
        for number in 5000..20000 {
            values.insert(&name(number), number.to_le_bytes()[0]);
            values.pack();
        }
        assert!(values.changed().count() < 4096, "{}", values.changed().count());
        assert!(!values.contains(&name(1)) && values.get(&name(1)).is_none());
        assert_eq!(values.get(&name(2)), Some(200));
        *values.get_mut(&name(3)).expect("there") = 201;
        assert_eq!(values.get(&name(3)), Some(201));
        assert_eq!(values.iter().count(), 20000 - 1);
        let is_as_put_in = |number: &u32| values.get(&name(*number)) == Some(number.to_le_bytes()[0]);
        assert!((4..20000).all(|number| is_as_put_in(&number)));
    }

    #[test]
    fn every_flipped_bit_of_a_part_is_found() {
        let values: Overlaid<u8> = [("a".to_owned(), 1), ("b".to_owned(), 2)].into_iter().collect();
        let mut parts = Parts::begin(Vec::new(), 0);
        let part = parts.write(&values, &|_| true).expect("written");
        let (file, _) = parts.end();
        for bit in 0..file.len() * 8 {
            let mut flipped = file.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Overlaid::<u8>::of(&Arc::new(flipped), &part).is_none(), "bit {bit}");
        }
        assert!(Overlaid::<u8>::of(&Arc::new(file[..file.len() - 1].to_vec()), &part).is_none());
        // Whoever makes up a file makes up its hashes too.
        let file = Arc::new(file);
        let end = part.directory.end;
        for [from, to, begin, end] in [
            [10, 5, 5, end],
            [0, end, end, end - 16],
            [5, 0, 0, 16],
            [0, u64::MAX, u64::MAX, end],
        ] {
            let (entries, directory) = (Range { start: from, end: to }, Range { start: begin, end });
            let mut forged = Part {
                entries,
                directory,
                ..part.clone()
            };
            let _ = forged.hash_anew(&file);
            let values = Overlaid::<u8>::of(&file, &forged);
            assert!(values.is_none_or(|values| values.get("a").is_none() && values.iter().count() <= 2));
        }
    }
}
