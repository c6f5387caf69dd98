//! The journal: an append-only file of framed entries, which is the truth about the project.
//!
//! ```text
//! file    = header frame*
//! header  = "atsaf journal 3\n" id[16]               the id differs for each journal
//! frame   = marker[4] length[4, little endian] checksum[8] payload[length]
//! payload = version[2, little endian] entry           the entry is bincode
//! ```
//!
//! The checksum is the beginning of BLAKE3 over length and payload. A reader that meets anything else skips to the
//! next whole frame and says so: damage costs that frame, never a wrong answer. A damaged header costs nothing but
//! the id. A tail that is no whole frame is what a kill left of an append: readers stop before it, the next appender
//! cuts it off.
//!
//! The version stands under the checksum, so a whole frame of a version that this program does not know is no damage
//! but the work of a newer one: then the whole store is refused. Each version that was ever written keeps its decoder;
//! the one before versions stood in frames is read by [`super::upgrade`].

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::super::{bounded, own_file};
use super::entry::Entry;
use super::upgrade;

const MAGIC: &[u8; 16] = b"atsaf journal 3\n";
/// Where the magic has the number in which those of two versions differ.
const NUMBER: usize = 14;
const MARKER: [u8; 4] = [0xa7, b't', b's', 0xf1];
pub(super) const HEAD: usize = 16;
/// The version of the entries that are written.
pub(crate) const ENTRY_VERSION: u16 = 4;
/// The version before: its results end without what is installed and by which means that was seen.
const WITHOUT_INSTALLED: u16 = 3;
/// Where the first frame begins.
pub(crate) const START: u64 = 32;
const LIMIT: usize = 1 << 28;

/// An open journal.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    /// Inode and device, to notice that the file was replaced.
    identity: (u64, u64),
    id: [u8; 16],
    /// Whether it can be appended to.
    writable: bool,
    head: Head,
}

/// What the header says of the frames behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// They are as this program writes them.
    Current,
    /// They are of the version before, whatever else is damaged; the file has to be written anew before anything is
    /// appended.
    Former,
    /// Nothing that can be believed; the file has to be written anew as well.
    Damaged,
}

/// What reading a stretch gave.
#[derive(Debug, Default)]
pub(crate) struct Stretch {
    /// Offset and entry of each whole frame.
    pub(crate) entries: Vec<(u64, Entry)>,
    /// One past the last whole frame.
    pub(crate) end: u64,
    /// Offsets at which something else stood before a later whole frame.
    pub(crate) damage: Vec<u64>,
}

impl Journal {
    /// Opens a journal, or makes an empty one; `None` if there is none and `make` is not set.
    pub(crate) fn open(path: &Path, make: bool) -> io::Result<Option<Self>> {
        let mut options = OpenOptions::new();
        let opened = match make {
            true => own_file::open_to_write(path, options.read(true).append(true).create(true)),
            false => own_file::open_to_read(path),
        };
        let mut file = match opened {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !make => return Ok(None),
            Err(error) => return Err(error),
        };
        let metadata = file.metadata()?;
        let mut header = [0; 32];
        if file.read_exact(&mut header).is_err() {
            // Fewer bytes than a header hold no entry: a journal that is just being made, or was when a build was killed.
            if !make {
                return Ok(None);
            }
            file.set_len(0)?;
            header[..16].copy_from_slice(MAGIC);
            header[16..].copy_from_slice(uuid::Uuid::now_v7().as_bytes());
            file.write_all(&header)?;
        }
        let head = match &header[..16] {
            magic if magic == MAGIC => Head::Current,
            // Damaged or not: by its number it can be known even then.
            magic if magic[NUMBER] == upgrade::MAGIC[NUMBER] => Head::Former,
            _ => Head::Damaged,
        };
        let mut id = [0; 16];
        id.copy_from_slice(&header[16..]);
        Ok(Some(Self {
            path: path.to_owned(),
            file,
            identity: (metadata.ino(), metadata.dev()),
            id,
            writable: make,
            head,
        }))
    }

    /// What the header says of the frames.
    pub(crate) fn head(&self) -> Head {
        self.head
    }

    /// Differs for each journal; offsets mean something only together with it.
    pub(crate) fn id(&self) -> [u8; 16] {
        self.id
    }

    /// Opens the file that is at the journal's path by now, for the same use.
    pub(crate) fn reopen(&self) -> io::Result<Option<Self>> {
        Self::open(&self.path, self.writable)
    }

    /// Whether it can be appended to.
    pub(crate) fn is_writable(&self) -> bool {
        self.writable && self.head == Head::Current
    }

    /// The file's length in bytes.
    pub(crate) fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// Whether the file at the journal's path is another one by now.
    pub(crate) fn was_replaced(&self) -> bool {
        std::fs::metadata(&self.path).map_or(true, |now| (now.ino(), now.dev()) != self.identity)
    }

    /// Reads all entries from an offset on; those of the former version as today's.
    ///
    /// # Errors
    /// [`io::ErrorKind::Unsupported`] if a newer version of atsaf wrote there; else whatever reading meets.
    pub(crate) fn read(&mut self, from: u64) -> io::Result<Stretch> {
        if self.head == Head::Former {
            // What an entry means depends on those before it.
            let mut stretch = upgrade::read(&self.bytes(START)?);
            stretch.entries.retain(|(at, _)| *at >= from);
            return Ok(stretch);
        }
        scan(&self.bytes(from)?, from, &decode)
    }

    fn bytes(&mut self, from: u64) -> io::Result<Vec<u8>> {
        self.file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        self.file.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Reads the entry at an offset; `None` if no whole one is there.
    pub(crate) fn entry(&mut self, at: u64) -> Option<Entry> {
        if self.head == Head::Former {
            let entries = self.read(at).ok()?.entries;
            return entries
                .into_iter()
                .find(|(offset, _)| *offset == at)
                .map(|(_, entry)| entry);
        }
        self.frame(at).and_then(|payload| decode(&payload).ok().flatten())
    }

    /// The checksum of the frame at an offset.
    pub(crate) fn checksum(&mut self, at: u64) -> Option<[u8; 8]> {
        self.frame(at).map(|payload| checksum(&payload))
    }

    /// How many bytes the frame at an offset says that it takes.
    pub(crate) fn size_at(&self, at: u64) -> Option<u64> {
        let mut head = [0; HEAD];
        self.file.read_exact_at(&mut head, at).ok()?;
        Some((HEAD + frame_length(&head)?) as u64)
    }

    fn frame(&mut self, at: u64) -> Option<Vec<u8>> {
        let mut head = [0; HEAD];
        self.file.seek(SeekFrom::Start(at)).ok()?;
        self.file.read_exact(&mut head).ok()?;
        let length = frame_length(&head)?;
        let mut payload = vec![0; length];
        self.file.read_exact(&mut payload).ok()?;
        (checksum(&payload) == head[8..]).then_some(payload)
    }

    /// Appends entries in one write, after cutting off what stands beyond `end`; gives back the offset of each.
    ///
    /// The caller holds the append lock and has read up to `end`.
    pub(crate) fn append(&mut self, end: u64, entries: &[Entry]) -> io::Result<Vec<u64>> {
        if self.len()? > end {
            self.file.set_len(end)?;
        }
        let mut bytes = Vec::new();
        let mut offsets = Vec::with_capacity(entries.len());
        for entry in entries {
            offsets.push(end + bytes.len() as u64);
            encode(entry, &mut bytes)?;
        }
        if let Err(error) = self.file.write_all(&bytes) {
            // A full disk may have taken a part: the next appender would cut it as well.
            let _ = self.file.set_len(end);
            return Err(error);
        }
        Ok(offsets)
    }

    /// Waits until all that was written has reached the disk.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Replaces the journal by one with other entries, synced before it takes the place.
    pub(crate) fn replace(path: &Path, entries: &[Entry]) -> io::Result<Self> {
        let new = path.with_extension("new");
        match std::fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut journal = Self::open(&new, true)?.ok_or(io::ErrorKind::NotFound)?;
        journal.append(START, entries)?;
        journal.file.sync_all()?;
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the store, replacing its own file whole"
        )]
        std::fs::rename(&new, path)?;
        path.clone_into(&mut journal.path);
        Ok(journal)
    }
}

/// How many bytes an entry takes in a journal.
pub(crate) fn size_of(entry: &Entry) -> usize {
    payload(entry).map_or(0, |payload| HEAD + payload.len())
}

fn config() -> impl bincode::config::Config {
    bincode::config::standard().with_limit::<LIMIT>()
}

pub(super) fn payload(entry: &Entry) -> io::Result<Vec<u8>> {
    let mut payload = ENTRY_VERSION.to_le_bytes().to_vec();
    bincode::serde::encode_into_std_write(entry, &mut payload, config()).map_err(io::Error::other)?;
    Ok(payload)
}

fn encode(entry: &Entry, into: &mut Vec<u8>) -> io::Result<()> {
    frame(&payload(entry)?, into)
}

/// Appends a payload in its frame.
pub(super) fn frame(payload: &[u8], into: &mut Vec<u8>) -> io::Result<()> {
    let length = u32::try_from(payload.len()).map_err(io::Error::other)?;
    into.extend_from_slice(&MARKER);
    into.extend_from_slice(&length.to_le_bytes());
    into.extend_from_slice(&checksum(payload));
    into.extend_from_slice(payload);
    Ok(())
}

/// Decodes a payload whose checksum is right; `None` if it makes no sense all the same.
pub(super) fn decode(payload: &[u8]) -> io::Result<Option<Entry>> {
    let Some((version, body)) = payload.split_first_chunk::<2>() else {
        return Ok(None);
    };
    match u16::from_le_bytes(*version) {
        ENTRY_VERSION => Ok(decode_as(body).filter(Entry::is_believable)),
        WITHOUT_INSTALLED => Ok(decode_without_installed(body).filter(Entry::is_believable)),
        newer if newer > ENTRY_VERSION => Err(io::Error::new(
            io::ErrorKind::Unsupported,
            format!("a newer version of atsaf wrote it (entries of version {newer}; this one knows {ENTRY_VERSION})"),
        )),
        _ => Ok(None),
    }
}

/// Decodes an entry of the version before. Of those that have a result, that is the last field, and what it lacks would
/// stand at its end: nothing that is installed, seen by nobody.
fn decode_without_installed(body: &[u8]) -> Option<Entry> {
    let whole = [body, &[0, 0, 0]].concat();
    let with_result = || decode_as::<Entry>(&whole).filter(|entry| entry.result().is_some());
    decode_as::<Entry>(body)
        .filter(|entry| entry.result().is_none())
        .or_else(with_result)
}

/// Decodes all of some bytes.
pub(super) fn decode_as<T: serde::de::DeserializeOwned>(body: &[u8]) -> Option<T> {
    let (entry, read) = bounded::decode(body)?;
    (read == body.len()).then_some(entry)
}

fn checksum(payload: &[u8]) -> [u8; 8] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(payload.len() as u64).to_le_bytes()).update(payload);
    let mut first = [0; 8];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    first
}

fn frame_length(head: &[u8]) -> Option<usize> {
    let length = u32::from_le_bytes(head.get(4..8)?.try_into().ok()?) as usize;
    (head[..4] == MARKER && length <= LIMIT).then_some(length)
}

/// The payload of the whole frame at the beginning of some bytes.
pub(super) fn whole(bytes: &[u8]) -> Option<&[u8]> {
    let length = frame_length(bytes.get(..HEAD)?)?;
    let payload = bytes.get(HEAD..HEAD + length)?;
    (bytes[8..HEAD] == checksum(payload)).then_some(payload)
}

/// Finds the whole frames in bytes that begin at the offset `base` of a journal.
pub(super) fn scan(
    bytes: &[u8],
    base: u64,
    decode: &dyn Fn(&[u8]) -> io::Result<Option<Entry>>,
) -> io::Result<Stretch> {
    let mut stretch = Stretch {
        end: base,
        ..Stretch::default()
    };
    let mut at = 0;
    let mut skipped = None;
    while at < bytes.len() {
        let frame = whole(&bytes[at..]);
        let entry = frame.map(decode).transpose()?.flatten();
        if let (Some(payload), Some(entry)) = (frame, entry) {
            stretch.damage.extend(skipped.take());
            stretch.entries.push((base + at as u64, entry));
            at += HEAD + payload.len();
            stretch.end = base + at as u64;
        } else {
            skipped.get_or_insert(base + at as u64);
            let next = bytes[at + 1..].windows(4).position(|window| window == MARKER);
            at = next.map_or(bytes.len(), |next| at + 1 + next);
        }
    }
    Ok(stretch)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: usize = 32;

    fn entries() -> Vec<Entry> {
        (0..5).map(|upto| Entry::Synced { upto: upto * 1000 }).collect()
    }

    fn written() -> (tempfile::TempDir, PathBuf, Vec<u8>) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("journal");
        let mut journal = Journal::open(&path, true).expect("opened").expect("made");
        journal.append(START, &entries()).expect("appended");
        let bytes = std::fs::read(&path).expect("read");
        (dir, path, bytes)
    }

    fn put(path: &Path, bytes: &[u8]) {
        #[expect(clippy::disallowed_methods, reason = "a test damages its own journal")]
        std::fs::write(path, bytes).expect("written");
    }

    #[test]
    fn a_journal_cut_at_any_length_gives_its_whole_entries() {
        let (_dir, path, bytes) = written();
        for length in HEADER..bytes.len() {
            put(&path, &bytes[..length]);
            let mut journal = Journal::open(&path, true).expect("opened").expect("there");
            let stretch = journal.read(START).expect("read");
            let whole: Vec<Entry> = stretch.entries.into_iter().map(|(_, entry)| entry).collect();
            assert_eq!(whole, entries()[..whole.len()]);
            assert!(stretch.damage.is_empty(), "a torn tail is no damage");
            journal
                .append(stretch.end, &[Entry::Synced { upto: 7 }])
                .expect("appended");
            let again = journal.read(START).expect("read");
            assert_eq!(again.entries.len(), whole.len() + 1);
            assert!(again.damage.is_empty(), "the torn tail was cut off");
        }
    }

    #[test]
    fn a_flipped_byte_costs_one_entry_and_is_told() {
        let (_dir, path, bytes) = written();
        for at in HEADER..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x55;
            put(&path, &flipped);
            let mut journal = Journal::open(&path, true).expect("opened").expect("there");
            let stretch = journal.read(START).expect("read");
            assert_eq!(stretch.entries.len(), 4, "byte {at}");
            assert!(stretch.entries.iter().all(|(_, entry)| entries().contains(entry)));
            let last = stretch.end < bytes.len() as u64;
            assert_eq!(stretch.damage.len(), usize::from(!last), "byte {at}");
        }
    }

    #[test]
    fn a_flipped_byte_of_the_magic_costs_nothing() {
        let (_dir, path, bytes) = written();
        for at in 0..16 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x55;
            put(&path, &flipped);
            let mut journal = Journal::open(&path, true).expect("opened").expect("there");
            assert_eq!((journal.head(), journal.is_writable()), (Head::Damaged, false));
            assert_eq!(journal.read(START).expect("read").entries.len(), 5);
        }
    }

    #[test]
    fn an_entry_of_a_newer_version_refuses_the_journal_and_a_damaged_one_does_not() {
        let (_dir, path, bytes) = written();
        let newer = [(ENTRY_VERSION + 1).to_le_bytes().as_slice(), b"from the future"].concat();
        let mut appended = bytes.clone();
        appended.extend(MARKER);
        appended.extend(u32::try_from(newer.len()).expect("short").to_le_bytes());
        appended.extend(checksum(&newer));
        appended.extend(&newer);
        put(&path, &appended);
        let mut journal = Journal::open(&path, true).expect("opened").expect("there");
        let error = journal.read(START).expect_err("refused");
        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
        *appended.last_mut().expect("bytes") ^= 1;
        put(&path, &appended);
        assert_eq!(journal.read(START).expect("read").entries.len(), 5);
    }

    #[test]
    fn a_journal_cut_inside_its_header_begins_anew() {
        let (_dir, path, bytes) = written();
        for length in 0..HEADER {
            put(&path, &bytes[..length]);
            assert!(Journal::open(&path, false).expect("looked").is_none());
            let mut journal = Journal::open(&path, true).expect("opened").expect("made");
            assert!(journal.read(START).expect("read").entries.is_empty());
        }
    }

    #[test]
    fn a_replaced_journal_is_noticed() {
        let (_dir, path, _) = written();
        let old = Journal::open(&path, true).expect("opened").expect("there");
        let mut new = Journal::replace(&path, &entries()[..2]).expect("replaced");
        assert!(old.was_replaced() && !new.was_replaced());
        assert_ne!(old.id(), new.id());
        assert_eq!(new.read(START).expect("read").entries.len(), 2);
    }
}
