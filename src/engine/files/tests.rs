//! Tests of what is remembered of files.

use super::*;

fn write(path: &Path, text: &str) {
    #[expect(clippy::disallowed_methods, reason = "a test's own file")]
    std::fs::write(path, text).expect("written");
}

/// What the next process remembers.
fn settled(files: &Files) -> FastMap<String, Known> {
    let settled = |known: &KnownFiles| {
        let settled = known.iter().filter(|(_, known)| known.is_settled());
        settled.map(|(path, known)| (path.to_owned(), known)).collect()
    };
    files.settle(settled)
}

#[test]
fn a_change_in_the_same_tick_is_seen_by_the_next_process() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("source");
    write(&path, "one");
    std::fs::create_dir_all(dir.path().join(".atsaf/v1")).expect("made");
    let files = Files::new(dir.path(), FastMap::default());
    let first = files.digest("source").expect("read");
    // Whether it is remembered is the clock's affair; if it is, a change must show.
    let remembered = settled(&files);
    write(&path, "two");
    let next = Files::new(dir.path(), remembered);
    assert_ne!(next.digest("source").expect("read"), first);
}

#[test]
fn a_settled_entry_saves_reading() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    write(&dir.path().join("source"), "one");
    std::fs::create_dir_all(dir.path().join(".atsaf/v1")).expect("made");
    let files = Files::new(dir.path(), FastMap::default());
    let (digest, kind) = files.digest("source").expect("read").expect("there");
    assert_eq!((digest, kind), (Digest::of(b"one"), ArtifactKind::File));
    let mut remembered = settled(&files);
    let lie = Digest::of(b"other");
    remembered.get_mut("source").expect("remembered").digest = lie;
    let next = Files::new(dir.path(), remembered);
    assert_eq!(next.digest("source").expect("read").expect("there").0, lie);
}

#[test]
fn a_file_from_the_future_is_remembered_and_a_change_of_it_is_seen() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("source");
    std::fs::create_dir_all(dir.path().join(".atsaf/v1")).expect("made");
    let future = std::time::UNIX_EPOCH + std::time::Duration::from_secs(4_100_000_000);
    let set = || {
        let file = std::fs::File::options().write(true).open(&path).expect("opened");
        file.set_modified(future).expect("set");
    };
    write(&path, "one");
    set();
    let files = Files::new(dir.path(), FastMap::default());
    let first = files.digest("source").expect("read");
    let remembered = settled(&files);
    assert_eq!(remembered.len(), 1);
    write(&path, "two");
    set();
    let next = Files::new(dir.path(), remembered);
    assert_ne!(next.digest("source").expect("read"), first);
}

#[test]
fn what_python_cached_in_an_artifact_does_not_alter_it_and_what_it_was_made_with_counts() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    std::fs::create_dir_all(dir.path().join("lib")).expect("made");
    write(&dir.path().join("lib/a.py"), "text");
    let files = Files::new(dir.path(), FastMap::default());
    let digest = |recorded| files.digest_beside("lib", recorded).expect("read").expect("there").0;
    let before = digest(None);
    std::fs::create_dir_all(dir.path().join("lib/__pycache__")).expect("made");
    write(&dir.path().join("lib/__pycache__/a.pyc"), "cached");
    assert_eq!(digest(Some(before)), before);
    let with = digest(None);
    assert_ne!(with, before);
    write(&dir.path().join("lib/__pycache__/a.pyc"), "other");
    assert_ne!(digest(Some(with)), with);
}

#[test]
fn what_is_ignored_in_a_source_is_for_the_project_to_say() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    std::fs::create_dir_all(dir.path().join("d")).expect("made");
    write(&dir.path().join("d/a"), "text");
    let files = Files::new(dir.path(), FastMap::default());
    let ignore = Ignore::new(&["*.tmp"]).expect("a pattern");
    let before = files.source("d", &ignore).expect("read");
    write(&dir.path().join("d/a.tmp"), "text");
    assert_eq!(files.source("d", &ignore).expect("read"), before);
    assert_ne!(files.digest("d").expect("read"), before, "an artifact is kept whole");
}
