//! Tests of what a seal holds, and of what leaves none.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use super::packed::GROUP;
use super::*;
use crate::fast_map::FastMap;
use crate::fuzz::Fuzz;

/// Longer than the margin within which a change could be one that was not seen.
const PAUSE: Duration = Duration::from_millis(60);

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("made");
    #[expect(clippy::disallowed_methods, reason = "a test's own file")]
    fs::write(path, text).expect("written");
}

/// A project of many files in one directory, and some elsewhere.
fn project() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary directory");
    for at in 0..=GROUP {
        write(&dir.path().join(format!("many/{at}")), "text");
    }
    write(&dir.path().join(".atsaf/v1/journal"), "journal");
    std::thread::sleep(PAUSE);
    dir
}

/// The seal of some paths and directories as they are, if there is one.
fn seal(root: &Path, paths: &[&str], directories: &[&str]) -> Option<Seal> {
    seal_of(root, paths, &vec![ALL; paths.len()], directories)
}

/// The same, where paths count for some targets alone.
fn seal_of(root: &Path, paths: &[&str], owners: &[Owner], directories: &[&str]) -> Option<Seal> {
    let files = Files::new(root, FastMap::default());
    let since = Since::now();
    let mut lookups = Lookups::default();
    for path in directories {
        lookups.directory(Path::new(path));
    }
    let looks = Looks {
        paths: paths.iter().map(|path| ((*path).into(), files.look(path))).collect(),
        ..Looks::default()
    };
    let request = SealRequest {
        only_if_idle: false,
        key: SealKey {
            circumstances: Digest::of(b"circumstances"),
            goals: Digest::of(b"goals"),
        },
        secrets: Vec::new(),
        variables: Vec::new(),
        environment: [0; 32],
        loading: Loading {
            since,
            lookups: Arc::default(),
        },
    };
    let standing = Standing {
        since,
        looks,
        owners: owners.to_vec(),
        lookups: Arc::new(lookups),
        targets: targets::tests::example(),
        fresh: 1,
        deadline: Some(clock::now() + Duration::from_hours(1)),
    };
    let journal = fs::metadata(root.join(".atsaf/v1/journal")).expect("there");
    let journal = (".atsaf/v1/journal".to_owned(), identity(&journal));
    let probe = Probe::new(&root.join(".atsaf/v1"));
    Seal::make(&request, &standing, &files, &journal, probe.as_ref())
}

fn holds(seal: &Seal, root: &Path) -> bool {
    seal.holds(root, clock::now())
}

#[test]
fn each_file_of_a_large_directory_counts() {
    let dir = project();
    let names: Vec<String> = (0..=GROUP).map(|at| format!("many/{at}")).collect();
    let paths: Vec<&str> = names.iter().map(String::as_str).collect();
    for at in [0, GROUP - 1, GROUP] {
        std::thread::sleep(PAUSE);
        let seal = seal(dir.path(), &paths, &["many"]).expect("all stood still");
        assert_eq!(
            seal.head.groups.len(),
            3,
            "two for the directory, and that of the journal"
        );
        assert!(holds(&seal, dir.path()));
        write(&dir.path().join(format!("many/{at}")), "TEXT");
        assert!(!holds(&seal, dir.path()), "{at}");
    }
}

#[test]
fn for_a_part_counts_what_counts_for_its_targets() {
    let dir = project();
    // `t@B` needs `t@A`; the last of them counts for both.
    let paths = ["many/0", "many/1", "many/2", "many/2"];
    let seal = seal_of(dir.path(), &paths, &[0, 1, 0, 1], &["many"]).expect("all stood still");
    let part = |goal: &str| seal.part(&[goal.to_owned()], dir.path(), clock::now()).is_some();
    assert!(part("t@A") && part("t@B") && part("t") && !part("none"));
    write(&dir.path().join("many/1"), "TEXT");
    assert!(part("t@A") && !part("t@B") && !part("t") && !holds(&seal, dir.path()));
    write(&dir.path().join("many/2"), "TEXT");
    assert!(!part("t@A"));
    let earlier = clock::now() - Duration::from_mins(1);
    assert!(seal.part(&["t@A".to_owned()], dir.path(), earlier).is_none());
}

#[test]
fn what_was_not_there_counts_wherever_it_was_looked_for() {
    let dir = project();
    let seal = seal(dir.path(), &["gone/x", "gone/y", "none"], &["gone/deeper"]).expect("all stood still");
    assert!(holds(&seal, dir.path()));
    for path in ["none", "gone/other"] {
        write(&dir.path().join(path), "");
        assert!(!holds(&seal, dir.path()), "{path}");
        let at = dir.path().join(path);
        fs::remove_file(&at).expect("removed");
    }
}

#[test]
fn a_directory_that_was_listed_counts_with_the_slash_at_its_end() {
    let dir = project();
    let seal = seal(dir.path(), &["many/", "none/"], &["many/"]).expect("all stood still");
    assert!(holds(&seal, dir.path()));
    write(&dir.path().join("many/new"), "");
    assert!(!holds(&seal, dir.path()));
}

#[test]
fn a_link_that_leads_nowhere_and_a_pipe_leave_no_seal() {
    let dir = project();
    symlink("nowhere", dir.path().join("link")).expect("linked");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(dir.path().join("pipe"))
            .status()
            .expect("made")
            .success()
    );
    std::thread::sleep(PAUSE);
    assert!(seal(dir.path(), &[], &["many"]).is_some());
    assert!(seal(dir.path(), &[], &["link/below"]).is_none());
    assert!(seal(dir.path(), &["pipe"], &[]).is_none());
}

#[test]
fn what_moved_a_moment_ago_leaves_no_seal() {
    let dir = project();
    write(&dir.path().join("many/0"), "now");
    assert!(seal(dir.path(), &["many/0"], &[]).is_none());
    assert!(seal(dir.path(), &["many/1"], &[]).is_some());
    write(&dir.path().join("many/new"), "");
    assert!(seal(dir.path(), &["many/1"], &["many"]).is_none());
}

#[test]
fn it_counts_from_when_it_was_made_until_something_is_too_old() {
    let dir = project();
    let seal = seal(dir.path(), &["many/0"], &[]).expect("all stood still");
    let now = clock::now();
    assert!(seal.holds(dir.path(), now));
    assert!(
        !seal.holds(dir.path(), now - Duration::from_mins(1)),
        "the clock went backward"
    );
    assert!(!seal.holds(dir.path(), now + Duration::from_hours(2)));
}

#[test]
fn fuzz_seal() {
    let dir = project();
    let whole = seal(dir.path(), &["many/0", "many/1", "gone/x"], &["", "many"]).expect("all stood still");
    let SealHead {
        groups,
        targets,
        names,
        made,
        ..
    } = &whole.head;
    Fuzz::of("seal", vec![whole.body.clone()]).run(|bytes| {
        let head = SealHead {
            variables: Vec::new(),
            environment: [0; 32],
            secrets: Vec::new(),
            fresh: 1,
            made: *made,
            deadline: None,
            groups: groups.clone(),
            targets: *targets,
            names: *names,
        };
        let seal = Seal::of_parts(head, bytes.to_vec());
        let _ = holds(&seal, dir.path());
        let _ = seal.plan(clock::now());
        let _ = seal.part(&["t".to_owned()], dir.path(), clock::now());
    });
}
