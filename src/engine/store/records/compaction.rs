//! What a compacted journal keeps.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;

use super::entry::{Entry, ResultEntry};
use super::journal::{Journal, START};
use super::ledger::{History, Ledger, StoredResult};
use crate::engine::digest::Digest;
use crate::engine::run_id::RunId;

/// The entries that a compacted journal keeps: earlier results without their fingerprints; of each target the result
/// in place, whole; what is unfinished; whose bytes lie where; and the story of the runs that these belong to.
///
/// The ledger's results must be complete.
pub(super) fn live_entries(journal: &mut Journal, ledger: &Ledger) -> io::Result<Vec<Entry>> {
    let in_place: HashSet<Digest> = ledger
        .targets()
        .flat_map(|(_, history)| history.results().map(|result| result.id).collect::<Vec<_>>())
        .collect();
    let runs = runs(journal, ledger);
    let (mut live, mut failures) = (Vec::new(), Vec::new());
    for (at, entry) in journal.read(START)?.entries {
        match entry {
            Entry::Run(ref run) if runs.contains(&run.run) => live.push(entry),
            Entry::Ended { run, .. } if runs.contains(&run) => live.push(entry),
            Entry::Failure(ref failed) => {
                let of = ledger.target(&failed.target).and_then(|history| history.failed());
                if of == Some((failed.run, failed.attempt)) {
                    failures.push(entry);
                } else if runs.contains(&failed.run) {
                    live.push(entry);
                }
            }
            Entry::Intent(result) | Entry::Restore { result, .. } | Entry::Past(result)
                if ledger.results.offset(result.id) == Some(at) && !in_place.contains(&result.id) =>
            {
                let fingerprint = None;
                live.push(Entry::Past(Box::new(ResultEntry { fingerprint, ..*result })));
            }
            _ => {}
        }
    }
    let mut targets: Vec<(&str, Arc<History>)> = ledger.targets().collect();
    targets.sort_by_key(|(name, _)| *name);
    for (target, history) in &targets {
        in_place_entries(journal, ledger, target, history, &mut live);
    }
    // A failure counts until something succeeds, so the newest of a target comes last.
    live.extend(failures);
    let acting = targets.iter().filter(|(_, history)| history.unfinished());
    live.extend(acting.map(|(target, _)| Entry::Acting {
        target: (*target).to_owned(),
    }));
    let placed = ledger.placed_beside_records();
    let mut files: Vec<(String, Digest)> = placed.map(|(path, digest)| (path.to_owned(), digest)).collect();
    files.sort();
    live.push(Entry::Placement { files });
    Ok(live)
}

/// About how many bytes the journal keeps at least: those of the results in place.
pub(super) fn least_size(journal: &mut Journal, ledger: &Ledger) -> u64 {
    let offset = |history: &History| ledger.results.offset(history.record()?.id);
    let offsets = ledger.targets().filter_map(|(_, history)| offset(&history));
    offsets.filter_map(|at| journal.size_at(at)).sum()
}

/// The runs of which something is kept.
fn runs(journal: &mut Journal, ledger: &Ledger) -> HashSet<RunId> {
    let mut runs: HashSet<RunId> = HashSet::new();
    for (_, history) in ledger.targets() {
        runs.extend(history.results().flat_map(|result| [result.run, result.placed_by]));
        runs.extend(history.failed().map(|(run, _)| run));
    }
    for (_, at) in ledger.results.iter() {
        runs.extend(
            journal
                .entry(at)
                .as_ref()
                .and_then(Entry::result)
                .map(|result| result.run),
        );
    }
    runs
}

/// The entries that make one target's state again: the record, then what is unfinished.
fn in_place_entries(journal: &mut Journal, ledger: &Ledger, target: &str, history: &History, live: &mut Vec<Entry>) {
    let mut whole = |result: &StoredResult| {
        let entry = ledger.results.offset(result.id).and_then(|at| journal.entry(at))?;
        // The newest entry of the id may be another target's.
        let newest = entry.result()?.clone();
        Some(ResultEntry {
            target: target.to_owned(),
            run: result.run,
            artifacts: result.artifacts.clone(),
            attempt: result.attempt,
            ended: result.ended,
            duration: result.duration,
            effect: result.effect,
            ..newest
        })
    };
    if let Some(record) = history.record()
        && let Some(result) = whole(record)
    {
        match record.placed_by == result.run {
            true => {
                let (target, id) = (target.to_owned(), result.id);
                live.extend([Entry::Intent(Box::new(result)), Entry::Result { target, id }]);
            }
            false => live.push(Entry::Restore {
                run: record.placed_by,
                reasons: Vec::new(),
                result: Box::new(result),
            }),
        }
    }
    if !history.aside().is_empty() {
        live.push(Entry::SetAside {
            run: history.record().map_or_else(RunId::new, |record| record.run),
            target: target.to_owned(),
            files: history.aside().to_vec(),
        });
    }
    if let Some(answer) = history.answer() {
        let (target, answer) = (target.to_owned(), answer.clone());
        live.push(Entry::Answered { target, answer });
    }
    if let Some(acceptance) = history.accepted() {
        let (target, acceptance) = (target.to_owned(), Box::new(acceptance.clone()));
        live.push(Entry::Accepted { target, acceptance });
    }
    if let Some(result) = history.open().and_then(whole) {
        live.push(Entry::Intent(Box::new(result)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::digest::Digest;
    use crate::engine::run_id::RunId;
    use crate::engine::store::Store;
    use crate::engine::store::entry::{Failed, ResultEntry};

    fn made(target: &str, word: &str) -> ResultEntry {
        let digest = Digest::of(word.as_bytes());
        ResultEntry {
            effect: true,
            ..ResultEntry::of_file(target, target, &format!("{target}.txt"), digest)
        }
    }

    fn success(target: &str, word: &str) -> [Entry; 2] {
        let made = made(target, word);
        let (target, id) = (made.target.clone(), made.id);
        [Entry::Intent(Box::new(made)), Entry::Result { target, id }]
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

    /// All that the records say of a target, save for where the journal says it.
    fn known(store: &Store, target: &str) -> impl PartialEq + std::fmt::Debug + use<> {
        let history = store.records.ledger(|ledger| ledger.target(target)).expect("known");
        let placed = ["one", "two", "three"].map(|word| {
            let digest = Digest::of(word.as_bytes());
            store
                .records
                .ledger(|ledger| ledger.placed(&format!("{target}.txt"), digest))
        });
        (
            history.record().cloned(),
            history.open().cloned(),
            history.failed(),
            history.unfinished(),
            history.aside().to_vec(),
            (history.answer().cloned(), history.accepted().cloned()),
            placed,
        )
    }

    /// The ids of all results that can be told.
    fn results(store: &Store) -> Vec<Digest> {
        let mut ids: Vec<Digest> = store.records.results().iter().map(|result| result.id).collect();
        ids.sort();
        ids
    }

    #[test]
    fn a_compacted_journal_says_the_same_of_every_target() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (store, _) = Store::open(dir.path()).expect("opened");
        store.prepare().expect("made");
        let restore = Entry::Restore {
            run: RunId::new(),
            reasons: Vec::new(),
            result: Box::new(made("turned_back", "one")),
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
        store.records.append(&entries).expect("appended");
        let targets = ["plain", "turned_back", "cut", "only_cut", "failed", "aside"];
        let before = (targets.map(|target| known(&store, target)), results(&store));
        let size = || dir.path().join(".atsaf/v1/journal").metadata().expect("there").len();
        let long = size();
        store.records.compact().expect("compacted");
        assert!(size() < long / 2, "{} of {long}", size());
        assert_eq!((targets.map(|target| known(&store, target)), results(&store)), before);
        let (again, _) = Store::open(dir.path()).expect("opened");
        assert_eq!((targets.map(|target| known(&again, target)), results(&again)), before);
    }

    #[test]
    fn two_appenders_with_a_compaction_between_them_lose_nothing() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (one, _) = Store::open(dir.path()).expect("opened");
        let (two, _) = Store::open(dir.path()).expect("opened");
        one.prepare().expect("made");
        two.prepare().expect("there");
        one.records.append(&success("a", "one")).expect("appended");
        two.records.append(&success("b", "one")).expect("appended");
        one.records
            .append(&(0..100).map(|_| failure("c")).collect::<Vec<_>>())
            .expect("appended");
        two.records.compact().expect("compacted");
        one.records
            .append(&success("a", "two"))
            .expect("appended to the new journal");
        two.records.append(&success("b", "two")).expect("appended");
        one.records.refresh().expect("read");
        let (three, _) = Store::open(dir.path()).expect("opened");
        for target in ["a", "b", "c"] {
            let whole = known(&three, target);
            assert_eq!(known(&one, target), whole);
            assert_eq!(known(&two, target), whole);
        }
        let record = |target: &str| {
            three
                .records
                .ledger(|ledger| ledger.target(target).and_then(|it| Some(it.record()?.id)))
        };
        assert_eq!([record("a"), record("b")], [Some(Digest::of(b"two")); 2]);
        assert!(
            three.records.warnings().is_empty()
                && one.records.warnings().is_empty()
                && two.records.warnings().is_empty()
        );
    }
}
