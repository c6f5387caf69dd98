//! What a compacted journal keeps.

use std::collections::{HashMap, HashSet};
use std::io;

use super::entry::Entry;
use super::journal::{Journal, START};
use super::{Ledger, StoredResult};

/// The entries that a compacted journal keeps: of each target its results, the one in place with its fingerprint;
/// what is set aside; whose bytes lie where; and the story of the runs that these belong to.
pub(super) fn live_entries(journal: &mut Journal, ledger: &Ledger) -> io::Result<Vec<Entry>> {
    let mut placements: Vec<_> = ledger
        .placements()
        .flat_map(|(path, digests)| digests.iter().map(move |digest| (path.to_owned(), *digest)))
        .collect();
    placements.sort();
    let mut live = vec![Entry::Placement { files: placements }];
    let mut keep: HashMap<u64, ResultRole> = HashMap::new();
    let mut runs = HashSet::new();
    for (_, history) in ledger.targets() {
        for past in history.results() {
            let is = |other: Option<&StoredResult>| other.is_some_and(|other| other.at == past.at);
            let place = if is(history.record()) {
                ResultRole::Record
            } else if is(history.open()) {
                ResultRole::Open
            } else {
                ResultRole::Before
            };
            keep.insert(past.at, place);
            runs.extend([past.run, past.placed_by]);
        }
        runs.extend(history.failed().map(|(run, _)| run));
    }
    // Entries keep their order; a restored record is repeated at the end, where it became the record.
    let (mut at_end, mut open, mut failures) = (Vec::new(), Vec::new(), Vec::new());
    for (at, entry) in journal.read(START)?.entries {
        match entry {
            Entry::Intent(mut made) => {
                let Some(place) = keep.get(&at) else { continue };
                if *place == ResultRole::Before {
                    made.fingerprint = None;
                }
                let result = Entry::Result {
                    target: made.target.clone(),
                    hash: made.hash,
                };
                match place {
                    // Its commit is still to be found cut short: nothing of its target may follow.
                    ResultRole::Open => open.push(Entry::Intent(made)),
                    ResultRole::Record => {
                        live.push(Entry::Intent(made));
                        at_end.push(result);
                    }
                    ResultRole::Before => live.extend([Entry::Intent(made), result]),
                }
            }
            Entry::Run(ref run) if runs.contains(&run.run) => live.push(entry),
            Entry::Failure(ref failed) => {
                let of = ledger.target(&failed.target).and_then(|history| history.failed());
                if of == Some((failed.run, failed.attempt)) {
                    failures.push(entry);
                } else if runs.contains(&failed.run) {
                    live.push(entry);
                }
            }
            Entry::Ended { run, .. } if runs.contains(&run) => live.push(entry),
            Entry::SetAside { .. } | Entry::AsideEnded { .. } => live.push(entry),
            _ => {}
        }
    }
    let mut acting: Vec<String> = ledger
        .targets()
        .filter(|(_, history)| history.unfinished())
        .map(|(target, _)| target.to_owned())
        .collect();
    acting.sort();
    let acting = acting.into_iter().map(|target| Entry::Acting { target });
    // A failure counts until something succeeds, so the newest of a target comes last.
    live.extend(at_end.into_iter().chain(open).chain(failures).chain(acting));
    Ok(live)
}

/// What a result is to its target.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ResultRole {
    /// The one that is in place.
    Record,
    /// The one whose commit was cut short.
    Open,
    /// An earlier one.
    Before,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::digest::Digest;
    use crate::engine::run_id::RunId;
    use crate::engine::spec::ArtifactKind;
    use crate::engine::store::Store;
    use crate::engine::store::entry::{Artifact, Failed, ResultEntry};

    fn made(target: &str, word: &str) -> ResultEntry {
        let digest = Digest::of(word.as_bytes());
        let run = RunId::new();
        ResultEntry {
            run,
            target: target.to_owned(),
            hash: digest,
            fingerprint: None,
            artifacts: vec![Artifact {
                name: target.to_owned(),
                path: format!("{target}.txt"),
                kind: ArtifactKind::File,
                content: digest,
                bytes: digest,
                size: 1,
                run,
            }],
            read: Vec::new(),
            reasons: Vec::new(),
            attempt: 1,
            duration: 1,
            effect: true,
            written: Vec::new(),
        }
    }

    fn success(target: &str, word: &str) -> [Entry; 2] {
        let made = made(target, word);
        let (target, hash) = (made.target.clone(), made.hash);
        [Entry::Intent(Box::new(made)), Entry::Result { target, hash }]
    }

    fn failure(target: &str) -> Entry {
        Entry::Failure(Failed {
            run: RunId::new(),
            target: target.to_owned(),
            attempt: 2,
            duration: 1,
            what: "it did not work, ".repeat(200),
        })
    }

    /// All that a ledger says of the results of a target, save for where the journal says it.
    fn known(store: &Store, target: &str) -> impl PartialEq + std::fmt::Debug + use<> {
        let history = store.ledger(|ledger| ledger.target(target).cloned()).expect("known");
        let hash = |past: &StoredResult| past.hash;
        let placed = store.ledger(|ledger| ledger.placed(&format!("{target}.txt"), Digest::of(b"one")));
        (
            history.results().iter().map(hash).collect::<Vec<_>>(),
            history.record().map(hash),
            history.open().map(hash),
            history.failed(),
            history.aside().to_vec(),
            placed,
        )
    }

    #[test]
    fn a_compacted_journal_says_the_same_of_every_target() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (store, _) = Store::open(dir.path()).expect("opened");
        store.prepare().expect("made");
        let restore = Entry::Restore {
            run: RunId::new(),
            target: "turned_back".to_owned(),
            hash: Digest::of(b"one"),
            reasons: Vec::new(),
        };
        let aside = Entry::SetAside {
            run: RunId::new(),
            target: "aside".to_owned(),
            files: vec![("aside.txt".to_owned(), "elsewhere".to_owned())],
        };
        let mut entries = Vec::new();
        for target in ["plain", "turned_back", "cut", "failed", "aside"] {
            entries.extend(success(target, "one"));
            entries.extend((0..20).map(|_| failure(target)));
            entries.extend(success(target, "two"));
        }
        entries.push(restore);
        entries.push(Entry::Intent(Box::new(made("cut", "three"))));
        entries.push(Entry::Intent(Box::new(made("only_cut", "one"))));
        entries.extend([failure("failed"), aside]);
        store.append(&entries).expect("appended");
        let targets = ["plain", "turned_back", "cut", "only_cut", "failed", "aside"];
        let before = targets.map(|target| known(&store, target));
        let size = || dir.path().join(".atsaf/v1/journal").metadata().expect("there").len();
        let long = size();
        store.compact().expect("compacted");
        assert!(size() < long / 2, "{} of {long}", size());
        assert_eq!(targets.map(|target| known(&store, target)), before);
        let (again, _) = Store::open(dir.path()).expect("opened");
        assert_eq!(targets.map(|target| known(&again, target)), before);
    }

    #[test]
    fn two_appenders_with_a_compaction_between_them_lose_nothing() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (one, _) = Store::open(dir.path()).expect("opened");
        let (two, _) = Store::open(dir.path()).expect("opened");
        one.prepare().expect("made");
        two.prepare().expect("there");
        one.append(&success("a", "one")).expect("appended");
        two.append(&success("b", "one")).expect("appended");
        one.append(&(0..100).map(|_| failure("c")).collect::<Vec<_>>())
            .expect("appended");
        two.compact().expect("compacted");
        one.append(&success("a", "two")).expect("appended to the new journal");
        two.append(&success("b", "two")).expect("appended");
        one.refresh().expect("read");
        let (three, _) = Store::open(dir.path()).expect("opened");
        for target in ["a", "b", "c"] {
            let whole = known(&three, target);
            assert_eq!(known(&one, target), whole);
            assert_eq!(known(&two, target), whole);
        }
        let record = |target: &str| three.ledger(|ledger| ledger.target(target).and_then(|it| Some(it.record()?.hash)));
        assert_eq!([record("a"), record("b")], [Some(Digest::of(b"two")); 2]);
        assert!(three.warnings().is_empty() && one.warnings().is_empty() && two.warnings().is_empty());
    }
}
