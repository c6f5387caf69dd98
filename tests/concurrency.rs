//! Several builds at once in one project: they share what they can, wait for what they must, and corrupt nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use atsaf::engine::digest::Digest;
use atsaf::engine::store::Store;
use atsaf::engine::store::entry::Entry;
use snapbox::str;

use crate::project::{Project, effort, until};

/// A chain of three, and one more reader of its beginning.
const CHAIN: &str = r#"
[params]
horizon = 24

[target.a]
run = "echo a >> ../ran; sleep 0.03; echo a {{horizon}} > {{output}}"
output = "out/a.txt"

[target.b]
run = "echo b >> ../ran; cat {{inputs}} > {{output}}; sleep 0.03; echo b >> {{output}}"
inputs = ["a"]
output = "out/b.txt"

[target.c]
run = "echo c >> ../ran; cat {{inputs}} > {{output}}; sleep 0.02; echo c {{horizon}} >> {{output}}"
inputs = ["b"]
output = "out/c.txt"

[target.d]
run = "echo d >> ../ran; cat {{inputs}} > {{output}}; sleep 0.02; echo d >> {{output}}"
inputs = ["a"]
output = "out/d.txt"
"#;

/// What a clean build with a horizon leaves.
fn clean(horizon: u32) -> BTreeMap<String, Vec<u8>> {
    let a = format!("a {horizon}\n");
    let b = format!("{a}b\n");
    let c = format!("{b}c {horizon}\n");
    let d = format!("{a}d\n");
    let files = [("a", a), ("b", b), ("c", c), ("d", d)];
    files
        .map(|(name, text)| (format!("out/{name}.txt"), text.into_bytes()))
        .into()
}

/// Asserts that every result in the journal is what a clean build of its fingerprint gives; tells how many there are.
fn assert_sound(project: &Project) -> usize {
    let (store, _) = Store::open(&project.at("")).expect("opened");
    let entries = store.records.entries().expect("read");
    let builds = [24, 48].map(|horizon| (horizon, clean(horizon)));
    let mut results = 0;
    for entry in &entries {
        let Entry::Intent(made) = entry else { continue };
        let [artifact] = made.artifacts.as_slice() else {
            panic!("one artifact each")
        };
        let fingerprint = made.fingerprint.as_ref().expect("whole");
        let horizons = fingerprint.params.get("horizon").map(ToString::to_string);
        let of = builds.iter().find(|(horizon, files)| {
            let inputs = made.read.iter().zip(&fingerprint.inputs);
            let reads = inputs
                .into_iter()
                .all(|((_, path), input)| input.content == Some(Digest::of(&files[path])));
            reads && horizons.as_ref().is_none_or(|value| *value == horizon.to_string())
        });
        let (horizon, files) = of.unwrap_or_else(|| panic!("`{}` was made of a mixture", made.target));
        assert_eq!(
            artifact.content,
            Digest::of(&files[artifact.path.as_str()]),
            "`{}` with {horizon}",
            made.target
        );
        results += 1;
    }
    results
}

#[test]
fn builds_that_want_the_same_never_do_the_same_work_twice() {
    for _ in 0..3 {
        let project = Project::new(CHAIN);
        let builds = [(); 4].map(|()| project.start("build -j2"));
        for build in builds {
            build.collect().ok();
        }
        let ran = project.ran();
        let mut names: Vec<&str> = ran.split(' ').collect();
        names.sort_unstable();
        assert_eq!(names, ["a", "b", "c", "d"]);
        assert_eq!(project.files(), clean(24));
        assert_eq!(assert_sound(&project), 4);
    }
}

#[test]
fn builds_that_want_different_things_end_as_one_of_them_whole() {
    for round in 0..5 * effort() {
        let project = Project::new(CHAIN);
        let first = project.start("build -j2 -s horizon=24");
        std::thread::sleep(Duration::from_millis(u64::from(round * 23 % 120)));
        let second = project.start("build -j2 -s horizon=48");
        let third = project.start("build -j2 -s horizon=24");
        for build in [first, second, third] {
            let told = build.collect();
            assert_eq!(told.code, Some(0), "round {round}: {}", told.text);
        }
        let files = project.files();
        assert!(files == clean(24) || files == clean(48), "round {round}: {files:?}");
        assert_sound(&project);
        project.build("-s horizon=48").ok();
        assert_eq!(project.files(), clean(48));
        project.build("-s horizon=24").ok();
        assert_eq!(project.files(), clean(24));
    }
}

#[test]
fn kills_among_builds_that_want_different_things_corrupt_nothing() {
    let project = Project::new(CHAIN);
    for round in 0..12 * effort() {
        let mut builds = [24, 48].map(|horizon| project.start(&format!("build -j2 -s horizon={horizon}")));
        std::thread::sleep(Duration::from_millis(u64::from(round * 37 % 150)));
        let victim = round as usize % 2;
        builds.swap(0, victim);
        let [victim, survivor] = builds;
        victim.kill();
        let survivor = survivor.collect();
        assert_eq!(survivor.code, Some(0), "round {round}: {}", survivor.text);
        for (path, bytes) in project.files() {
            let whole = [24, 48].iter().any(|horizon| clean(*horizon)[&path] == bytes);
            assert!(
                whole,
                "round {round}: `{path}` is {:?}",
                String::from_utf8_lossy(&bytes)
            );
        }
        if round % 3 == 2 {
            let horizon = if round % 2 == 0 { 24 } else { 48 };
            project.build(&format!("-s horizon={horizon}")).ok();
            assert_eq!(project.files(), clean(horizon), "round {round}");
            // So that the next rounds find work to do.
            assert!(assert_sound(&project) >= 4);
            project.remove(".atsaf");
            project.remove("out");
        }
    }
}

#[test]
fn goals_that_share_nothing_do_not_wait_for_each_other_and_those_that_do_say_for_whom() {
    let project = Project::new(
        r#"
[target.slow]
run = "echo slow >> ../ran; touch ../begun; while test ! -e ../go; do sleep 0.02; done; echo slow > {{output}}"
output = "slow.txt"

[target.reader]
run = "echo reader >> ../ran; cat {{inputs}} > {{output}}"
inputs = ["slow"]
output = "reader.txt"

[target.quick]
run = "echo quick >> ../ran; echo quick > {{output}}"
output = "quick.txt"
"#,
    );
    let first = project.start("build slow");
    until("the command has begun", || project.at("../begun").exists());
    project.build("quick").is(
        0,
        str![[r#"
run [RUN]: 1 target to look at, 0 fresh
start      quick  never built
built      quick  [TIME]
1 built in [TIME]

"#]],
    );
    project.atsaf("status").is(
        0,
        str![[r#"
stale  slow    never built
stale  reader  never built
fresh  quick   built [TIME] ago

"#]],
    );
    project.atsaf("why reader").is(
        0,
        str![[r#"
reader is stale: it must run
  never built
first       slow

"#]],
    );
    let second = project.start("build reader");
    second.until_it_waits();
    project.write("../go", "");
    first.collect().ok();
    second.collect().is(
        0,
        str![[r#"
run [RUN]: 2 targets to look at, 0 fresh
waiting    slow    for another build (run [RUN], process [PID], at `slow`)
fresh      slow    nothing that it depends on changed
start      reader  never built
built      reader  [TIME]
1 built, 1 fresh in [TIME]

"#]],
    );
    assert_eq!(project.ran(), "slow quick reader");
}

#[test]
fn a_failure_of_another_build_is_not_taken_over() {
    let project = Project::new(
        r#"
[target.slow]
run = "touch ../begun; while test ! -e ../go; do sleep 0.02; done; test -e ../well && echo slow > {{output}}"
output = "slow.txt"
"#,
    );
    let first = project.start("build");
    until("the command has begun", || project.at("../begun").exists());
    let second = project.start("build");
    second.until_it_waits();
    project.write("../go", "");
    assert_eq!(first.collect().code, Some(1));
    // The second one tries for itself; it may or may not find the world better.
    let told = second.collect();
    assert_eq!(told.code, Some(1), "{}", told.text);
    project.write("../well", "");
    project.build("").ok();
    assert_eq!(project.read("slow.txt"), "slow\n");
}

#[test]
fn an_artifact_that_is_edited_while_its_reader_waits_is_put_back_first() {
    let project = Project::new(
        r#"
[target.base]
run = "echo base >> ../ran; echo base > {{output}}"
output = "base.txt"

[target.gate]
run = "touch ../begun; while test ! -e ../go; do sleep 0.02; done; echo gate > {{output}}"
output = "gate.txt"

[target.reader]
run = "echo reader >> ../ran; cat {{inputs}} > {{output}}"
inputs = ["base", "gate"]
output = "reader.txt"
"#,
    );
    project.build("base").ok();
    let build = project.start("build -j1");
    until("the command has begun", || project.at("../begun").exists());
    project.write("base.txt", "by hand\n");
    project.write("../go", "");
    build.collect().ok();
    assert_eq!(project.read("reader.txt"), "base\ngate\n");
    assert_eq!(project.displaced(), ["by hand\n"]);
    assert_eq!(project.ran(), "base reader");
}
