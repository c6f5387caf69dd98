//! Journals and caches in which anything may stand: whatever it is, nothing panics, no entry is read that was not
//! written, and nothing is believed that the Atsaffile could not have said.

mod examples;

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use self::examples::{digest, entries};
use super::believable::is_artifact_path;
use super::entry::Entry;
use super::index::{self, Index};
use super::journal::{HEAD, Journal, START, decode, frame, payload, scan, whole};
use super::results::Results;
use super::{Ledger, upgrade};
use crate::engine::fingerprint::{ActionFields, Field, Fingerprint};
use crate::engine::look::Past as _;
use crate::engine::reason::Reason;
use crate::engine::spec::{Spec, Value};
use crate::engine::store::gc::Limits;
use crate::engine::store::{Store, own_file};
use crate::fuzz::Fuzz;
use crate::report::history::{self, Story};
use crate::report::ink::Ink;

const FORMER: &[u8] = include_bytes!("../../../../tests/golden/journal-2");
const WITHOUT_INSTALLED: &[u8] = include_bytes!("../../../../tests/golden/journal-3");
/// What occurs in entries, and what must not come out of them.
const WORDS: [&str; 9] = [
    "atsaf journal 3\n",
    "atsaf journal 2\n",
    "../x",
    "/etc/x",
    ".git/hooks/x",
    ".atsaf/v1/aside/r/t/0",
    "a/.atsaf-aside-r/t/0",
    "fit",
    "\0",
];

/// Nothing in a ledger leads where no artifact may lie.
fn check(ledger: &Ledger) {
    let placed = ledger.placed_paths();
    let beside = ledger.placed_beside_records().map(|(path, _)| path);
    let kept = ledger.targets().flat_map(|(_, history)| {
        let artifacts = history.results().flat_map(|result| &result.artifacts);
        let aside = history.aside().iter().map(|(path, _)| path.as_str());
        let kept = artifacts.map(|artifact| artifact.path.as_str()).chain(aside);
        kept.map(str::to_owned).collect::<Vec<String>>()
    });
    for path in placed
        .iter()
        .map(String::as_str)
        .chain(beside)
        .map(str::to_owned)
        .chain(kept)
    {
        assert!(is_artifact_path(&path), "{path}");
        let _ = ledger.placed(&path, digest("x"));
    }
}

/// Whether two entries are encoded the same; a number that is none equals nothing.
fn are_equal(one: &Entry, other: &Entry) -> bool {
    payload(one).expect("encoded") == payload(other).expect("encoded")
}

/// A project whose store can be filled with files.
struct Project(tempfile::TempDir);

impl Project {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (store, _) = Store::open(dir.path()).expect("opened");
        store.prepare().expect("made");
        Self(dir)
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        #[expect(clippy::disallowed_methods, reason = "a test's own file")]
        fs::write(self.at(name), bytes).expect("written");
    }

    fn at(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(".atsaf/v1").join(name)
    }

    fn root(&self) -> &Path {
        self.0.path()
    }

    /// A store as a build leaves it, with these entries.
    fn built(entries: &[Entry]) -> Self {
        let project = Self::new();
        let (store, files) = Store::open(project.root()).expect("opened");
        store.prepare().expect("to be written to");
        #[expect(clippy::disallowed_methods, reason = "a test's own file")]
        fs::write(project.root().join("source"), "text").expect("written");
        store.records.append(entries).expect("appended");
        let _ = files.digest("source");
        store.finish(&files, &Spec::default()).expect("saved");
        project
    }

    /// Does with the store what commands do that change nothing else; gives its entries.
    fn look(&self) -> Vec<Entry> {
        let Ok((store, files)) = Store::open(self.root()) else {
            return Vec::new();
        };
        store.records.ledger(check);
        let entries = store.records.entries().expect("read");
        for entry in &entries {
            if let Some(result) = entry.result() {
                let found = store.records.result(result.id);
                assert!(found.is_none_or(|found| found.id == result.id));
                store.results_of(result.declared);
                let hash = result.fingerprint.as_ref().map(Fingerprint::hash);
                assert!(result.fingerprint.is_some() == hash.is_some());
            }
        }
        let limits = Limits {
            keep_runs: Some(1),
            older_than: Some(Duration::from_secs(1)),
            max_size: Some(0),
        };
        store.gc(&limits, SystemTime::UNIX_EPOCH, true).expect("looked");
        assert_eq!(store.orphans(&[], &files), []);
        tell(&entries);
        store.remember(&files, &Spec::default());
        entries
    }
}

/// What `log` prints of some entries.
fn tell(entries: &[Entry]) {
    let story = Story::new(entries.to_vec());
    let (now, ink) = (SystemTime::UNIX_EPOCH, Ink::PLAIN);
    let _ = history::runs_text(&story, &|_| false, now, ink);
    history::runs_json(&story, &|_| false).to_string();
    for target in ["fit", "plot", "train"] {
        let _ = history::target_text(&story, target, now, ink);
        history::target_json(&story, target).to_string();
    }
}

#[test]
fn fuzz_journal() {
    let project = Project::built(&entries());
    let current = fs::read(project.at("journal")).expect("read");
    let written = project.look();
    project.put("journal", FORMER);
    let former = project.look();
    project.put("journal", WITHOUT_INSTALLED);
    let former = [former, project.look()].concat();
    assert!(
        written.len() > 13 && former.len() > 13,
        "{} {}",
        written.len(),
        former.len()
    );
    let known: Vec<Vec<u8>> = written
        .iter()
        .chain(&former)
        .map(|entry| payload(entry).expect("encoded"))
        .collect();
    Fuzz::of("journal", [current, FORMER.to_vec(), WITHOUT_INSTALLED.to_vec()])
        .words(&WORDS)
        .run(|bytes| {
            project.put("journal", bytes);
            for cache in ["index", "results"] {
                let _ = fs::remove_file(project.at(cache));
            }
            for entry in project.look() {
                // The checksum is not to be met by chance.
                assert!(known.contains(&payload(&entry).expect("encoded")), "{entry:?}");
            }
            // Whatever stood there, the next build can write to it, and what it writes is read again.
            let Ok((store, _)) = Store::open(project.root()) else {
                return;
            };
            if store.prepare().is_ok() {
                let before = store.records.entries().expect("read");
                store.records.append(&[Entry::Synced { upto: 7 }]).expect("appended");
                let (store, _) = Store::open(project.root()).expect("opened");
                let after = store.records.entries().expect("read");
                let (last, first) = after.split_last().expect("it was appended");
                assert!(are_equal(last, &Entry::Synced { upto: 7 }));
                assert!(first.len() == before.len() && first.iter().zip(&before).all(|(a, b)| are_equal(a, b)));
            }
        });
}

/// An entry as far as the version before knew it; `None` if it knew no such entries.
fn without_installed(mut entry: Entry) -> Option<Entry> {
    let is_known = |reason: &Reason| match reason {
        Reason::TooOld { .. } | Reason::NeededBy { .. } => false,
        Reason::Changed(difference) => difference.field != Field::Cwd,
        _ => true,
    };
    match &mut entry {
        Entry::Answered { .. } | Entry::Accepted { .. } => return None,
        Entry::Intent(result) | Entry::Restore { result, .. } | Entry::Past(result) => {
            (result.installed, result.seen_by, result.effect_key) = (Vec::new(), None, None);
            result.reasons.retain(is_known);
            let fingerprint = result.fingerprint.as_mut()?;
            if matches!(fingerprint.action, ActionFields::Within { .. }) {
                return None;
            }
            fingerprint.params.retain(|_, value| *value != Value::Null);
        }
        _ => {}
    }
    if let Entry::Restore { reasons, .. } = &mut entry {
        reasons.retain(is_known);
    }
    Some(entry)
}

/// As the version before wrote them, with entries of every kind.
#[test]
fn a_journal_without_what_is_installed_is_read_whole() {
    let project = Project::new();
    project.put("journal", WITHOUT_INSTALLED);
    let written: Vec<Entry> = entries().into_iter().filter_map(without_installed).collect();
    let read = project.look();
    assert!(read.len() > written.len(), "synced");
    assert!(read.iter().zip(&written).all(|(one, other)| are_equal(one, other)));
}

/// Below the checksum: what whoever wrote the journal wanted it to say.
#[test]
fn fuzz_journal_entry() {
    let entries = entries();
    let project = Project::new();
    let header = fs::read(project.at("journal")).expect("read")[..HEAD * 2].to_vec();
    let examples = entries.iter().map(|entry| payload(entry).expect("encoded"));
    Fuzz::of("journal entry", examples).words(&WORDS).run(|bytes| {
        let Ok(Some(entry)) = decode(bytes) else { return };
        let again = decode(&payload(&entry).expect("encoded"))
            .expect("of this version")
            .expect("believed");
        assert!(are_equal(&entry, &again));
        // As the first and as the last of a journal, and twice.
        let mut journal = header.clone();
        frame(bytes, &mut journal).expect("framed");
        for entry in &entries {
            frame(&payload(entry).expect("encoded"), &mut journal).expect("framed");
        }
        frame(bytes, &mut journal).expect("framed");
        let mut ledger = Ledger::beginning_at(START);
        for (at, entry) in scan(&journal[HEAD * 2..], START, &decode).unwrap_or_default().entries {
            ledger.fold(at, &entry);
            check(&ledger);
        }
        ledger.doubt_effects();
        ledger.prune(&|_| false);
        check(&ledger);
        project.put("journal", &journal);
        for cache in ["index", "results"] {
            let _ = fs::remove_file(project.at(cache));
        }
        project.look();
        // A compaction forgets nothing that may lie in the project.
        let (store, _) = Store::open(project.root()).expect("opened");
        store.prepare().expect("to be written to");
        let placed = store.records.ledger(Ledger::placed_paths);
        store.records.rewrite(0).expect("written anew");
        assert_eq!(store.records.ledger(Ledger::placed_paths), placed);
        store.records.ledger(check);
    });
}

#[test]
fn fuzz_former_journal_entry() {
    let mut at = usize::try_from(START).expect("small");
    let mut examples = Vec::new();
    while let Some(payload) = whole(&FORMER[at..]) {
        examples.push(payload.to_vec());
        at += HEAD + payload.len();
    }
    assert!(examples.len() > 13);
    Fuzz::of("former journal entry", examples).words(&WORDS).run(|bytes| {
        let mut frames = Vec::new();
        frame(bytes, &mut frames).expect("framed");
        frames.extend_from_slice(&FORMER[HEAD * 2..]);
        frame(bytes, &mut frames).expect("framed");
        let mut ledger = Ledger::beginning_at(START);
        let entries = upgrade::read(&frames).entries;
        for (at, entry) in &entries {
            ledger.fold(*at, entry);
        }
        check(&ledger);
        let entries: Vec<Entry> = entries.into_iter().map(|(_, entry)| entry).collect();
        tell(&entries);
    });
}

/// Reads a cache in which anything stands, under its hashes and under right ones; `is_read` says whether it counts.
fn fuzz_cache(
    format: &'static str,
    is_read: impl Fn(&Path, &mut Journal) -> bool,
    with_right_hashes: impl Fn(&[u8]) -> Vec<u8>,
) {
    let project = Project::built(&entries());
    let known: Vec<Vec<u8>> = project
        .look()
        .iter()
        .map(|entry| payload(entry).expect("encoded"))
        .collect();
    let path = project.at(format);
    let is_read = || {
        let journal = Journal::open(&project.at("journal"), false);
        is_read(&path, &mut journal.expect("opened").expect("there"))
    };
    let example = own_file::read(&path).expect("it was saved");
    assert!(is_read());
    Fuzz::of(format, [example]).words(&WORDS).run(|bytes| {
        for bytes in [bytes, &with_right_hashes(bytes)] {
            project.put(format, bytes);
            if is_read() {
                for entry in project.look() {
                    assert!(known.contains(&payload(&entry).expect("encoded")), "{entry:?}");
                }
            }
        }
    });
}

#[test]
fn fuzz_index() {
    let is_read = |path: &Path, journal: &mut Journal| Index::load(path, journal).is_some();
    fuzz_cache("index", is_read, |bytes| {
        index::with_right_hashes(bytes).unwrap_or_else(|| bytes.to_vec())
    });
}

#[test]
fn fuzz_results() {
    let is_read = |path: &Path, journal: &mut Journal| Results::load(path, journal, START).is_some();
    fuzz_cache("results", is_read, |bytes| {
        let body = bytes.get(blake3::OUT_LEN..).unwrap_or_default();
        [blake3::hash(body).as_bytes(), body].concat()
    });
}

/// If this fails, no journal with such entries is read after an upgrade: take the change back, or raise the version.
#[test]
fn the_bytes_of_entries_about_time_are_pinned() {
    let pinned = entries().into_iter().filter_map(|entry| match &entry {
        Entry::Answered { .. } | Entry::Accepted { .. } => Some(payload(&entry).expect("encoded")),
        _ => None,
    });
    let pinned: Vec<String> = pinned.map(|bytes| digest(&format!("{bytes:?}")).hex()).collect();
    assert_eq!(
        pinned,
        [
            "3ec09527ca3ac21c782590a87abc298f6d4eb0ec827465a98993d7d8f4bafa55",
            "c862d3d59116f1c8af65e79aeed35ce7fa745db42225700e9f5595cb022a191d"
        ]
    );
}
