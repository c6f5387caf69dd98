//! A kill at any moment of a build, and a store that was damaged in any way: the next build is right again.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::inside::{Ask, Inside, make};
use crate::project::{PATH, Project, copy_tree, directory, effort, write};

/// Files, a directory, and a command that writes its declared path itself.
const PROJECT: &str = r#"
[params]
word = "one"

[target.first]
run = "echo first >> ../ran; echo {{word}} first > {{output.a}}; echo always > {{output.b}}"
outputs = { a = "out/a.txt", b = "out/b.txt" }

[target.site]
run = "echo site >> ../ran; cat {{inputs}} > {{output}}/page; cp {{inputs}} {{output}}/copy"
inputs = ["a"]
output = "site/"

[target.direct]
run = "echo direct >> ../ran; cat out/a.txt out/b.txt > direct.txt"
output = "direct.txt"
direct = true

[target.last]
run = "echo last >> ../ran; cat {{input.direct}} {{input.site}}/page > {{output}}"
inputs = ["direct", "site"]
output = "last.txt"
"#;

type Files = BTreeMap<String, Vec<u8>>;

/// What the user wrote over an artifact.
const BY_HAND: &[u8] = b"by hand\n";

/// What a clean build with a word leaves.
fn clean(word: &str) -> Files {
    let project = Project::new(PROJECT);
    project.build(&format!("-s word={word}")).ok();
    project.files()
}

/// A project that was built with one word, in which somebody edited an artifact by hand.
fn edited(word: &str) -> Project {
    let project = Project::new(PROJECT);
    project.build("-s word=two").ok();
    project.build(&format!("-s word={word}")).ok();
    project.write("out/a.txt", BY_HAND);
    project.ran();
    project
}

/// Asserts that every artifact is old or new, whole; a `direct` one may be half done until the next build.
fn assert_whole(project: &Project, old: &Files, new: &Files, when: &str) {
    for (path, bytes) in project.files() {
        let known = [
            old.get(&path),
            new.get(&path),
            (path == "out/a.txt").then_some(&BY_HAND.to_vec()),
        ]
        .into_iter()
        .flatten()
        .any(|whole| *whole == bytes);
        assert!(
            known || path == "direct.txt",
            "{when}: `{path}` is half written: {bytes:?}"
        );
    }
}

/// Asserts that the next build makes everything as a clean one does, loses nothing, and leaves nothing to do.
fn assert_mends(project: &Project, word: &str, new: &Files, when: &str) {
    let told = project.build(&format!("-s word={word}"));
    assert_eq!(told.code, Some(0), "{when}: {}", told.text);
    assert_eq!(&project.files(), new, "{when}: {}", told.text);
    let kept = project
        .displaced()
        .iter()
        .filter(|text| text.as_bytes() == BY_HAND)
        .count();
    assert_eq!(
        kept,
        1,
        "{when}: what was edited by hand is kept once: {:?}",
        project.displaced()
    );
    project.ran();
    let told = project.build(&format!("-s word={word}"));
    assert_eq!(project.ran(), "", "{when}: {}", told.text);
    assert!(told.text.starts_with("nothing to do"), "{when}: {}", told.text);
}

#[test]
fn a_build_killed_at_any_time_is_mended_by_the_next_one() {
    let (one, two) = (clean("one"), clean("two"));
    let whole = {
        let project = edited("one");
        let begun = Instant::now();
        project.build("-s word=three").ok();
        begun.elapsed()
    };
    let rounds = 12 * effort();
    for round in 0..rounds {
        let project = edited("one");
        let delay = whole * round / rounds;
        let child = project.start("build -s word=two");
        std::thread::sleep(delay);
        child.kill();
        let when = format!("killed after {delay:?}");
        assert_whole(&project, &one, &two, &when);
        assert_mends(&project, "two", &two, &when);
    }
}

/// Kills a build at the n-th of the system calls of one kind; tells whether there was one.
fn killed_at(project: &Project, args: &str, call: &str, number: u32) -> bool {
    let atsaf = project.command(args);
    let mut strace = Command::new("strace");
    strace
        .args(["-qq", "-o", "/dev/null", "-e", &format!("trace={call}"), "-e"])
        .arg(format!("inject={call}:signal=KILL:when={number}"))
        .arg(atsaf.get_program())
        .args(atsaf.get_args())
        .current_dir(project.at(""))
        .env_clear()
        .env("PATH", PATH)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let status = strace.status().expect("strace");
    assert!(
        status.success() || status.signal() == Some(9) || status.code() == Some(137),
        "{status:?}"
    );
    !status.success()
}

/// Whether processes can be traced here, and killed at a call.
fn can_inject() -> bool {
    let mut strace = Command::new("strace");
    strace.args(["-qq", "-o", "/dev/null", "-e", "inject=getppid:signal=KILL", "true"]);
    strace.env("PATH", PATH).stdout(Stdio::null()).stderr(Stdio::null());
    strace.status().is_ok_and(|status| status.success())
}

/// Kills builds at each of the system calls that change something, and at some of the frequent ones.
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn sweep(before: &str, after: &str) {
    if !can_inject() {
        println!("skipped: `strace` is not installed, or may not trace; the kills by time have run");
        return;
    }
    let (old, new) = (clean(before), clean(after));
    let start = edited(before);
    // How many calls of a kind are passed over between two kills, for a single round of effort.
    let calls = [
        ("renameat2", 1),
        ("rename", 1),
        ("unlink", 1),
        ("rmdir", 3),
        ("mkdir", 5),
        ("copy_file_range", 2),
        ("ioctl", 3),
        ("ftruncate", 2),
        ("syncfs", 1),
        ("fdatasync", 1),
        ("write", 5),
        ("openat", 29),
    ];
    for (call, stride) in calls {
        let stride = (stride / effort()).max(1);
        let mut kills = 0;
        for number in (1..).step_by(usize::try_from(stride).expect("small")) {
            let project = start.copy();
            if !killed_at(&project, &format!("build -j1 -s word={after}"), call, number) {
                break;
            }
            kills += 1;
            let when = format!("killed at {call} number {number}");
            assert_whole(&project, &old, &new, &when);
            assert_mends(&project, after, &new, &when);
        }
        println!("{call}: {kills} kills");
    }
}

#[test]
fn a_build_killed_at_any_system_call_is_mended_by_the_next_one() {
    sweep("one", "three");
}

#[test]
fn a_build_that_restores_is_mended_after_a_kill_at_any_system_call() {
    sweep("one", "two");
}

/// The Atsaffile of one target for the engine inside this process.
fn one_target(value: i64) -> String {
    format!(
        "[target.t0]\nuses = \"make_0_1\"\ninputs = {{ in0 = \"source.txt\" }}\n\
         outputs = {{ hi_0 = \"out/hi\", lo_0 = \"out/lo\" }}\nwith = {{ value = {value} }}\n"
    )
}

/// A project in this process that was built with the value 1 and then with 2.
fn built_twice() -> Inside {
    let inside = Inside::new();
    write(&inside.path("source.txt"), b"source");
    for value in [1, 2] {
        assert_eq!(build(&inside, value), [1, 0, 0]);
    }
    inside
}

/// Builds, asserts that the artifacts are right, and tells how many targets ran, came back and were fresh.
fn build(inside: &Inside, value: i64) -> [usize; 3] {
    let ask = Ask {
        goals: &[],
        force: false,
        jobs: 1,
    };
    let summary = inside.build(&one_target(value), ask);
    let (hi, lo) = make(0, value, &["source".to_owned()]);
    let expected = BTreeMap::from([("out/hi".to_owned(), hi), ("out/lo".to_owned(), lo)]);
    assert_eq!(inside.texts("out"), expected, "value {value}");
    [summary.built, summary.restored, summary.fresh]
}

/// Damages copies of a project, one after the other, and builds in each with every value.
fn damaged(whole: &Inside, cases: usize, damage: impl Fn(usize, &Inside) + Sync) {
    std::thread::scope(|scope| {
        for first in 0..4 {
            let damage = &damage;
            scope.spawn(move || {
                for case in (first..cases).step_by(4) {
                    let dir = directory();
                    copy_tree(whole.dir.path(), dir.path()).expect("copied");
                    let inside = Inside::at(dir);
                    damage(case, &inside);
                    // The one that is in place and the one before it, in turn.
                    let value = if case % 2 == 0 { 1 } else { 2 };
                    build(&inside, value);
                    assert_eq!(
                        build(&inside, value),
                        [0, 0, 1],
                        "case {case}: a second build has nothing to do"
                    );
                }
            });
        }
    });
}

const JOURNAL: &str = ".atsaf/v1/journal";
const INDEX: &str = ".atsaf/v1/index";

fn read(inside: &Inside, path: &str) -> Vec<u8> {
    fs::read(inside.path(path)).expect("read")
}

#[test]
fn a_journal_cut_at_any_length_is_never_believed_too_much() {
    let whole = built_twice();
    let journal = read(&whole, JOURNAL);
    damaged(&whole, 2 * journal.len(), |case, inside| {
        write(&inside.path(JOURNAL), &journal[..case / 2]);
    });
}

#[test]
fn a_journal_with_any_byte_flipped_is_never_believed_too_much() {
    let whole = built_twice();
    let journal = read(&whole, JOURNAL);
    damaged(&whole, 2 * journal.len(), |case, inside| {
        let mut flipped = journal.clone();
        flipped[case / 2] ^= 0x41;
        write(&inside.path(JOURNAL), &flipped);
        if case % 3 != 0 {
            fs::remove_file(inside.path(INDEX)).expect("removed");
        }
    });
}

#[test]
fn an_index_that_is_gone_cut_or_flipped_changes_nothing() {
    let whole = built_twice();
    let index = read(&whole, INDEX);
    fs::remove_file(whole.path(INDEX)).expect("removed");
    let lost = |inside: &Inside| {
        assert_eq!(build(inside, 2), [0, 0, 1]);
        assert_eq!(build(inside, 1), [0, 1, 0]);
    };
    lost(&whole);
    let whole = built_twice();
    for at in (0..index.len()).step_by(7) {
        let dir = directory();
        copy_tree(whole.dir.path(), dir.path()).expect("copied");
        let inside = Inside::at(dir);
        let mut damaged = index.clone();
        if at % 2 == 0 {
            damaged.truncate(at);
        } else {
            damaged[at] ^= 0x41;
        }
        write(&inside.path(INDEX), &damaged);
        lost(&inside);
    }
}

#[test]
fn an_index_of_another_time_is_not_believed() {
    let inside = Inside::new();
    write(&inside.path("source.txt"), b"source");
    build(&inside, 1);
    let old = read(&inside, INDEX);
    build(&inside, 2);
    write(&inside.path(INDEX), &old);
    assert_eq!(build(&inside, 2), [0, 0, 1]);
    write(&inside.path(INDEX), &old);
    assert_eq!(build(&inside, 1), [0, 1, 0]);
    // An index beside a journal that it was not made from.
    let other = Inside::new();
    write(&other.path("source.txt"), b"source");
    build(&other, 2);
    write(&other.path(INDEX), &old);
    assert_eq!(build(&other, 2), [0, 0, 1]);
}

#[test]
fn torn_flipped_and_missing_objects_are_built_anew_and_told() {
    let objects = |inside: &Inside| -> Vec<String> { inside.texts(".atsaf/v1/objects").into_keys().collect() };
    let damages: [fn(&std::path::Path); 3] = [
        |path| {
            let object = fs::File::options().write(true).open(path).expect("opened");
            object
                .set_len(object.metadata().expect("a length").len() / 2)
                .expect("torn");
        },
        |path| {
            let mut bytes = fs::read(path).expect("read");
            bytes[0] ^= 1;
            write(path, &bytes);
        },
        |path| fs::remove_file(path).expect("removed"),
    ];
    for damage in damages {
        let inside = built_twice();
        for object in objects(&inside) {
            damage(&inside.path(&object));
        }
        assert_eq!(build(&inside, 1), [1, 0, 0]);
        assert_eq!(build(&inside, 2), [1, 0, 0]);
        assert_eq!(build(&inside, 1), [0, 1, 0], "the copies are whole again");
        for object in objects(&inside) {
            let name = object
                .strip_prefix(".atsaf/v1/objects/")
                .expect("an object")
                .replace('/', "");
            let text = fs::read(inside.path(&object)).expect("read");
            assert_eq!(atsaf::engine::digest::Digest::of(&text).hex(), name);
        }
    }
}

#[test]
fn a_damaged_journal_is_told_by_the_program_and_mended_by_a_build() {
    let start = edited("one");
    let two = clean("two");
    let journal = fs::read(start.at(JOURNAL)).expect("read");
    let stride = (101 / effort() as usize).max(1);
    for at in (0..journal.len()).step_by(stride) {
        let project = start.copy();
        let mut damaged = journal.clone();
        if at % 2 == 0 {
            damaged.truncate(at);
        } else {
            damaged[at] ^= 0x41;
            fs::remove_file(project.at(INDEX)).expect("removed");
        }
        write(&project.at(JOURNAL), &damaged);
        for reader in ["status", "plan", "why last", "log"] {
            let told = project.atsaf(reader);
            assert_eq!(told.code, Some(0), "`{reader}` with byte {at} damaged: {}", told.text);
        }
        let told = project.build("-s word=two");
        assert_eq!(told.code, Some(0), "byte {at}: {}", told.text);
        assert_eq!(project.files(), two, "byte {at}: {}", told.text);
        assert!(project.displaced().contains(&"by hand\n".to_owned()), "byte {at}");
    }
}

/// Where each frame of a journal ends.
fn frames(journal: &[u8]) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut at = 32;
    while let Some(length) = journal.get(at + 4..at + 8) {
        at += 16 + u32::from_le_bytes(length.try_into().expect("four bytes")) as usize;
        ends.push(at);
    }
    ends
}

#[test]
fn an_effect_whose_commit_was_cut_short_ends_what_was_known_of_the_outside() {
    let project = Project::new(
        r#"
[params]
version = 1

[target.publish]
run = "echo {{version}} >> ../outside; echo {{version}} > {{output}}"
output = "receipt.txt"
effect = true
"#,
    );
    project.build("").ok();
    let before = frames(&fs::read(project.at(JOURNAL)).expect("read")).len();
    project.build("-s version=2").ok();
    // As if the build had been killed after its intent, the third entry of a run that has an effect.
    let journal = fs::read(project.at(JOURNAL)).expect("read");
    write(&project.at(JOURNAL), &journal[..frames(&journal)[before + 2]]);
    let cut = project.copy();
    project.build("").ok();
    assert_eq!(
        project.read("../outside"),
        "1\n2\n1\n",
        "the first version is published again"
    );
    project.build("").ok();
    assert_eq!(project.read("../outside"), "1\n2\n1\n");
    cut.build("-s version=2").ok();
    assert!(
        !cut.at("../outside").exists(),
        "the second one was published: its commit is completed"
    );
    assert_eq!(cut.read("receipt.txt"), "2\n");
}

#[test]
fn a_store_that_is_deleted_costs_a_build_and_no_file() {
    let project = edited("one");
    project.remove(".atsaf");
    let told = project.build("-s word=one");
    assert_eq!(told.code, Some(0), "{}", told.text);
    assert_eq!(project.files(), clean("one"));
    assert_eq!(project.displaced(), ["by hand\n"], "all else had the wanted bytes");
}

#[test]
fn a_kill_while_a_command_runs_leaves_nothing_of_it() {
    let project = Project::new(
        r#"
[target.slow]
run = "echo half > {{output}}; touch ../begun; while test ! -e ../go; do sleep 0.02; done; echo whole > {{output}}"
output = "slow.txt"
"#,
    );
    let child = project.start("build");
    crate::project::until("the command has begun", || project.at("../begun").exists());
    child.kill();
    project.write("../go", "");
    assert!(project.files().is_empty());
    std::thread::sleep(Duration::from_millis(100));
    assert!(project.files().is_empty(), "nor afterwards");
    project.build("").ok();
    assert_eq!(project.read("slow.txt"), "whole\n");
    let staging = fs::read_dir(project.at(".atsaf/v1/staging")).expect("there");
    assert_eq!(staging.count(), 0, "what the killed build had begun is taken away");
}
