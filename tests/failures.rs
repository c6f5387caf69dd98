//! What a failure leaves, what it leaves alone, and how it is told.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use snapbox::str;

use crate::project::{Project, Told, kill};

/// A target with two artifacts whose command is a script, and one that reads the first of them.
const PAIR: &str = r#"
[target.pair]
run = "sh pair.sh {{output.one}} {{output.two}}"
outputs = { one = "out/one.txt", two = "out/two.txt" }

[target.reader]
run = "echo reader >> ../ran; cat {{inputs}} > {{output}}"
inputs = ["one"]
output = "out/reader.txt"
"#;

fn pair() -> Project {
    let project = Project::new(PAIR);
    project.write("pair.sh", "echo one > $1\necho two > $2\n");
    project.build("").ok();
    project.ran();
    project
}

/// The whole text of the files that the newest failed attempt of a target left.
fn left(project: &Project, target: &str) -> Vec<(String, String)> {
    let store = project.store();
    let newest = store.keys().filter(|path| path.contains(&format!("/{target}/"))).max();
    let run = newest
        .expect("something was left")
        .split('/')
        .nth(2)
        .expect("a run")
        .to_owned();
    let is_shown = |path: &str| path.contains(&run) && !path.ends_with(".command");
    let files = store.iter().filter(|(path, _)| is_shown(path));
    files
        .map(|(path, bytes)| {
            let path = path.split_once(&format!("{run}/")).expect("below the run").1;
            (path.to_owned(), String::from_utf8_lossy(bytes).into_owned())
        })
        .collect()
}

fn text(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
        .collect()
}

#[test]
fn a_command_that_fails_midway_leaves_the_former_artifacts_and_its_own_files_to_be_read() {
    let project = pair();
    let mut files = project.files();
    project.write("pair.sh", "echo half > $1\necho about two\necho trouble >&2\nexit 3\n");
    files.insert("pair.sh".to_owned(), project.read("pair.sh").into_bytes());
    project.build("").is(
        1,
        str![[r#"
run [RUN]: 2 targets to look at, 0 fresh
start      pair    pair.sh content [CONTENT] -> [CONTENT]
error: `pair` failed: the command ended with exit code 3
  --> Atsaffile:2:9
 2 | [target.pair]
   |         ^^^^
  note: the command: sh pair.sh .atsaf/v1/staging/4a4c970bfd820697/out/one.txt .atsaf/v1/staging/4a4c970bfd820697/out/two.txt
  note: the last that it printed:
        about two
        trouble
  note: its whole output and the files that it wrote are in `.atsaf/v1/outputs/[RUN]/pair`
skipped    reader  pair failed
1 failed (pair), 1 skipped in [TIME]

"#]],
    );
    assert_eq!(project.files(), files);
    assert_eq!(
        left(&project, "pair"),
        text(&[
            ("pair/1.log", "about two\ntrouble\n"),
            ("pair/files/out/one.txt", "half\n")
        ])
    );
    project.atsaf("status").is(
        0,
        str![[r#"
stale      pair    failed [TIME] ago; pair.sh content [CONTENT] -> [CONTENT]
undecided  reader  depends on what pair makes

"#]],
    );
    project.build("").is(
        1,
        str![[r#"
run [RUN]: 2 targets to look at, 0 fresh
start      pair    pair.sh content [CONTENT] -> [CONTENT]
error: `pair` failed: the command ended with exit code 3
  --> Atsaffile:2:9
 2 | [target.pair]
   |         ^^^^
  note: the command: sh pair.sh .atsaf/v1/staging/4a4c970bfd820697/out/one.txt .atsaf/v1/staging/4a4c970bfd820697/out/two.txt
  note: the last that it printed:
        about two
        trouble
  note: its whole output and the files that it wrote are in `.atsaf/v1/outputs/[RUN]/pair`
skipped    reader  pair failed
1 failed (pair), 1 skipped in [TIME]

"#]],
    );
    project.write("pair.sh", "echo one > $1\necho two > $2\n");
    project.build("").is(
        0,
        str![[r#"
nothing to do: 2 targets are fresh

"#]],
    );
    assert_eq!(project.ran(), "");
}

#[test]
fn a_first_build_that_fails_leaves_nothing_in_the_project() {
    let project = Project::new(PAIR);
    project.write("pair.sh", "echo half > $1; exit 1\n");
    project.build("").is(
        1,
        str![[r#"
run [RUN]: 2 targets to look at, 0 fresh
start      pair    never built
error: `pair` failed: the command ended with exit code 1
  --> Atsaffile:2:9
 2 | [target.pair]
   |         ^^^^
  note: the command: sh pair.sh .atsaf/v1/staging/4a4c970bfd820697/out/one.txt .atsaf/v1/staging/4a4c970bfd820697/out/two.txt
  note: its whole output and the files that it wrote are in `.atsaf/v1/outputs/[RUN]/pair`
skipped    reader  pair failed
1 failed (pair), 1 skipped in [TIME]

"#]],
    );
    assert_eq!(project.files().into_keys().collect::<Vec<_>>(), ["pair.sh"]);
    assert!(!project.at("out").exists());
}

#[test]
fn a_command_that_is_killed_by_a_signal_has_failed() {
    let project = pair();
    let (shell, list) = (
        r#""sh pair.sh {{output.one}} {{output.two}}""#,
        r#"["sh", "pair.sh", "{{output.one}}", "{{output.two}}"]"#,
    );
    project.edit("Atsaffile", shell, list);
    project.write("pair.sh", "echo half > $1; kill -KILL $$\n");
    project.build("one").is(
        1,
        str![[r#"
run [RUN]: 1 target to look at, 0 fresh
start      pair  command with a shell or without; pair.sh content [CONTENT] -> [CONTENT]; shell no longer used (was bash -euo pipefail -c)
error: `pair` failed: the command was ended by signal 9
  --> Atsaffile:2:9
 2 | [target.pair]
   |         ^^^^
  note: the command: sh pair.sh .atsaf/v1/staging/4a4c970bfd820697/out/one.txt .atsaf/v1/staging/4a4c970bfd820697/out/two.txt
  note: its whole output and the files that it wrote are in `.atsaf/v1/outputs/[RUN]/pair`
1 failed (pair) in [TIME]

"#]],
    );
    assert_eq!(project.read("out/one.txt"), "one\n");
}

#[test]
fn a_command_that_takes_too_long_is_stopped_with_all_its_children() {
    let project = pair();
    project.edit("Atsaffile", "[target.pair]", "[target.pair]\ntimeout = \"2s\"");
    project.write(
        "pair.sh",
        "echo half > $1\n(sleep 60; echo late >> ../late) & sleep 60\n",
    );
    let begun = Instant::now();
    project.build("one").is(
        1,
        str![[r#"
run [RUN]: 1 target to look at, 0 fresh
start      pair  pair.sh content [CONTENT] -> [CONTENT]
error: `pair` failed: it took longer than its limit of [TIME]
  --> Atsaffile:2:9
 2 | [target.pair]
   |         ^^^^
  note: the command: sh pair.sh .atsaf/v1/staging/4a4c970bfd820697/out/one.txt .atsaf/v1/staging/4a4c970bfd820697/out/two.txt
  note: its whole output and the files that it wrote are in `.atsaf/v1/outputs/[RUN]/pair`
  help: give it a longer `timeout`
1 failed (pair) in [TIME]

"#]],
    );
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert_eq!(project.read("out/one.txt"), "one\n");
    assert!(project.running("sleep 60").is_empty(), "its children are gone");
}

#[test]
fn a_command_that_ignores_the_polite_signal_is_ended_by_force() {
    let project = pair();
    project.edit("Atsaffile", "[target.pair]", "[target.pair]\ntimeout = \"100ms\"");
    project.write("pair.sh", "trap '' TERM; while :; do sleep 1; done\n");
    project.build("one").is(
        1,
        str![[r#"
run [RUN]: 1 target to look at, 0 fresh
start      pair  pair.sh content [CONTENT] -> [CONTENT]
error: `pair` failed: it took longer than its limit of [TIME]
  --> Atsaffile:2:9
 2 | [target.pair]
   |         ^^^^
  note: the command: sh pair.sh .atsaf/v1/staging/4a4c970bfd820697/out/one.txt .atsaf/v1/staging/4a4c970bfd820697/out/two.txt
  help: give it a longer `timeout`
1 failed (pair) in [TIME]

"#]],
    );
    assert!(project.running("pair.sh").is_empty());
}

#[test]
fn every_output_must_be_written_as_what_it_was_declared() {
    let project = pair();
    let before = project.read("out/one.txt");
    project.write("pair.sh", "echo other > $1\n");
    project.build("one").is(
        1,
        str![[r#"
run [RUN]: 1 target to look at, 0 fresh
start      pair  pair.sh content [CONTENT] -> [CONTENT]
error: `pair` failed: `out/two.txt` was not written
  --> Atsaffile:2:9
 2 | [target.pair]
   |         ^^^^
  note: the command: sh pair.sh .atsaf/v1/staging/4a4c970bfd820697/out/one.txt .atsaf/v1/staging/4a4c970bfd820697/out/two.txt
  note: its whole output and the files that it wrote are in `.atsaf/v1/outputs/[RUN]/pair`
  help: the command has to write to `{{output.two}}`, or with `direct = true` to the path itself
1 failed (pair) in [TIME]

"#]],
    );
    project.write("pair.sh", "echo other > $1\nmkdir $2\n");
    project.build("one").is(
        1,
        str![[r#"
run [RUN]: 1 target to look at, 0 fresh
start      pair  pair.sh content [CONTENT] -> [CONTENT]
error: `pair` failed: `out/two.txt` is not a file
  --> Atsaffile:2:9
 2 | [target.pair]
   |         ^^^^
  note: the command: sh pair.sh .atsaf/v1/staging/4a4c970bfd820697/out/one.txt .atsaf/v1/staging/4a4c970bfd820697/out/two.txt
  note: its whole output and the files that it wrote are in `.atsaf/v1/outputs/[RUN]/pair`
  help: if it is meant to be a directory, write `out/two.txt/` in the Atsaffile
1 failed (pair) in [TIME]

"#]],
    );
    project.write("pair.sh", "echo other > $1\nln -s /etc/passwd $2\n");
    project.build("one").is(
        1,
        str![[r#"
run [RUN]: 1 target to look at, 0 fresh
start      pair  pair.sh content [CONTENT] -> [CONTENT]
error: `pair` failed: `out/two.txt` is a link, not the file itself
  --> Atsaffile:2:9
 2 | [target.pair]
   |         ^^^^
  note: the command: sh pair.sh .atsaf/v1/staging/4a4c970bfd820697/out/one.txt .atsaf/v1/staging/4a4c970bfd820697/out/two.txt
  note: its whole output and the files that it wrote are in `.atsaf/v1/outputs/[RUN]/pair`
  help: write the file itself, as `cp -RL` does; links may stand in a directory that is an output
1 failed (pair) in [TIME]

"#]],
    );
    project.write("pair.sh", "echo other > $1\nmkfifo $2\n");
    project.build("one").is(
        1,
        str![[r#"
run [RUN]: 1 target to look at, 0 fresh
start      pair  pair.sh content [CONTENT] -> [CONTENT]
error: `pair` failed: `out/two.txt` is not a file
  --> Atsaffile:2:9
 2 | [target.pair]
   |         ^^^^
  note: the command: sh pair.sh .atsaf/v1/staging/4a4c970bfd820697/out/one.txt .atsaf/v1/staging/4a4c970bfd820697/out/two.txt
  note: its whole output and the files that it wrote are in `.atsaf/v1/outputs/[RUN]/pair`
  help: write a regular file: a pipe, a socket or a device holds nothing to keep
1 failed (pair) in [TIME]

"#]],
    );
    assert_eq!(project.read("out/one.txt"), before);
}

#[test]
fn a_program_that_does_not_exist_is_named() {
    let project = Project::new(
        r#"
[target.shell]
run = "no-such-program > {{output}} 2> /dev/null"
output = "shell.txt"

[target.list]
run = ["no-such-program", "{{output}}"]
output = "list.txt"

[target.forbidden]
run = ["./tool", "{{output}}"]
output = "forbidden.txt"
"#,
    );
    project.write("tool", "#!/bin/sh\n");
    fs::set_permissions(project.at("tool"), fs::Permissions::from_mode(0o644)).expect("set");
    project.build("--keep-going").is(
        1,
        str![[r#"
run [RUN]: 3 targets to look at, 0 fresh
start      shell      never built
error: `shell` failed: the command ended with exit code 127: a program was not found
  --> Atsaffile:2:9
 2 | [target.shell]
   |         ^^^^^
  note: the command: no-such-program > .atsaf/v1/staging/2cd63b34c6150e2e/shell.txt 2> /dev/null
  note: its whole output and the files that it wrote are in `.atsaf/v1/outputs/[RUN]/shell`
  help: see whether the program is installed and in `PATH`; a script of the project is run as `./FILE` or `sh FILE`
start      list       never built
error: `list` failed: `no-such-program` cannot be started: No such file or directory (os error 2)
  --> Atsaffile:6:9
 6 | [target.list]
   |         ^^^^
  note: the command: no-such-program .atsaf/v1/staging/bc515c6b337a8cae/list.txt
  help: see whether the program is installed and in `PATH`; a script of the project is run as `./FILE` or `sh FILE`
start      forbidden  never built
error: `forbidden` failed: `./tool` cannot be started: Permission denied (os error 13)
   --> Atsaffile:10:9
 10 | [target.forbidden]
    |         ^^^^^^^^^
  note: the command: ./tool .atsaf/v1/staging/445dfdef807503c7/forbidden.txt
  help: make the file executable with `chmod +x`, or name its interpreter: `python FILE`
3 failed (shell, list, forbidden) in [TIME]

"#]],
    );
}

#[test]
fn a_grandchild_that_holds_the_output_open_does_not_hold_the_build() {
    let project = pair();
    project.write("pair.sh", "echo one > $1; echo two > $2; sleep 45 & echo begun\n");
    let begun = Instant::now();
    project.build("-v one").is(
        0,
        str![[r#"
run [RUN]: 1 target to look at, 0 fresh
start      pair  pair.sh content [CONTENT] -> [CONTENT]
pair | begun
unchanged  pair  [TIME], made the same as before
1 built in [TIME]

"#]],
    );
    assert!(begun.elapsed() < Duration::from_secs(30));
    for left in project.running("sleep 45") {
        kill(left, "KILL");
    }
}

#[test]
fn a_failure_is_tried_again_after_a_growing_pause() {
    let project = Project::new(
        r#"
[target.flaky]
run = "echo flaky >> ../ran; echo try; test $(wc -l < ../ran) -ge 3 && echo done > {{output}}"
output = "flaky.txt"
retries = 3
retry_delay = "100ms"
"#,
    );
    let begun = Instant::now();
    project.build("").is(
        0,
        str![[r#"
run [RUN]: 1 target to look at, 0 fresh
start      flaky  never built
retry      flaky  the command ended with exit code 1; attempt 2 in [TIME]
start      flaky  never built (attempt 2)
retry      flaky  the command ended with exit code 1; attempt 3 in [TIME]
start      flaky  never built (attempt 3)
built      flaky  [TIME]
1 built in [TIME]

"#]],
    );
    assert!(
        begun.elapsed() >= Duration::from_millis(225),
        "100 ms and 200 ms, each a quarter shorter at the most"
    );
    assert_eq!(project.ran(), "flaky flaky flaky");
    project.edit("Atsaffile", "retries = 3", "retries = 1");
    project.edit("Atsaffile", "echo try", "echo again");
    project.build("").is(
        1,
        str![[r#"
run [RUN]: 1 target to look at, 0 fresh
start      flaky  command another text
retry      flaky  the command ended with exit code 1; attempt 2 in [TIME]
start      flaky  command another text (attempt 2)
error: `flaky` failed: the command ended with exit code 1
  --> Atsaffile:2:9
 2 | [target.flaky]
   |         ^^^^^
  note: the command: echo flaky >> ../ran; echo again; test $(wc -l < ../ran) -ge 3 && echo done > .atsaf/v1/staging/b5234921d82b2a52/flaky.txt
  note: the last that it printed:
        again
  note: its whole output is in `.atsaf/v1/outputs/[RUN]/flaky`
1 failed (flaky) in [TIME]

"#]],
    );
    assert_eq!(project.read("flaky.txt"), "done\n");
    project.build("").ok();
}

/// Three targets that do not need each other, one that fails among them; and one after each.
const FAN: &str = r#"
[target.bad]
run = "echo bad >> ../ran; exit 1; echo {{output}}"
output = "bad.txt"

[target.after_bad]
run = "cat {{inputs}} > {{output}}"
inputs = ["bad"]
output = "after_bad.txt"

[target.good]
run = "echo good >> ../ran; echo good > {{output}}"
output = "good.txt"

[target.after_good]
run = "echo after_good >> ../ran; cat {{inputs}} > {{output}}"
inputs = ["good"]
output = "after_good.txt"
after = ["after_bad"]
"#;

#[test]
fn after_a_failure_nothing_new_begins_unless_told_to_keep_going() {
    let project = Project::new(FAN);
    project.build("").is(
        1,
        str![[r#"
run [RUN]: 4 targets to look at, 0 fresh
start      bad         never built
error: `bad` failed: the command ended with exit code 1
  --> Atsaffile:2:9
 2 | [target.bad]
   |         ^^^
  note: the command: echo bad >> ../ran; exit 1; echo .atsaf/v1/staging/08d14df18b9d41d8/bad.txt
skipped    after_bad   bad failed
1 failed (bad), 3 skipped in [TIME]

"#]],
    );
    assert_eq!(project.ran(), "bad");
    project.build("--keep-going").is(
        1,
        str![[r#"
run [RUN]: 4 targets to look at, 0 fresh
start      bad         never built
error: `bad` failed: the command ended with exit code 1
  --> Atsaffile:2:9
 2 | [target.bad]
   |         ^^^
  note: the command: echo bad >> ../ran; exit 1; echo .atsaf/v1/staging/08d14df18b9d41d8/bad.txt
skipped    after_bad   bad failed
start      good        never built
built      good  [TIME]
start      after_good  never built
built      after_good  [TIME]
1 failed (bad), 1 skipped, 2 built in [TIME]

"#]],
    );
    assert_eq!(project.ran(), "bad good after_good");
    project.build("-k").is(
        1,
        str![[r#"
run [RUN]: 2 targets to look at, 2 fresh
start      bad        never built
error: `bad` failed: the command ended with exit code 1
  --> Atsaffile:2:9
 2 | [target.bad]
   |         ^^^
  note: the command: echo bad >> ../ran; exit 1; echo .atsaf/v1/staging/08d14df18b9d41d8/bad.txt
skipped    after_bad  bad failed
1 failed (bad), 1 skipped, 2 fresh in [TIME]

"#]],
    );
    assert_eq!(project.ran(), "bad");
}

#[test]
fn what_already_runs_when_another_target_fails_is_finished_and_kept() {
    let project = Project::new(
        r#"
[target.bad]
run = "while test ! -e ../slow; do sleep 0.02; done; exit 1; echo {{output}}"
output = "bad.txt"

[target.slow]
run = "touch ../slow; sleep 0.3; echo slow > {{output}}"
output = "slow.txt"
"#,
    );
    let told = project.atsaf("build -j2");
    assert_eq!(told.code, Some(1), "{}", told.text);
    assert_eq!(project.read("slow.txt"), "slow\n");
    project.build("slow").is(
        0,
        str![[r#"
nothing to do: 1 target is fresh

"#]],
    );
}

#[test]
fn a_secret_is_nowhere_to_be_found() {
    const TOKEN: &str = "s3cr3t-t0ken-value";
    let project = Project::new(
        r#"
[secrets]
TOKEN = {}
OTHER = { optional = true }

[target.shout]
run = "echo with $TOKEN; echo err $TOKEN >&2; printf 'no line end %s' $TOKEN; wc -c < fail > {{output}}; exit $(cat fail)"
secrets = ["TOKEN", "OTHER"]
output = "shout.txt"
"#,
    );
    let build = || Told::of(project.command("build -v").env("TOKEN", TOKEN));
    project.write("fail", "1");
    build().is(
        1,
        str![[r#"
run [RUN]: 1 target to look at, 0 fresh
start      shout  never built
shout | with ***
shout | err ***
shout | no line end ***
error: `shout` failed: the command ended with exit code 1
  --> Atsaffile:6:9
 6 | [target.shout]
   |         ^^^^^
  note: the command: echo with $TOKEN; echo err $TOKEN >&2; printf 'no line end %s' $TOKEN; wc -c < fail > .atsaf/v1/staging/d2333abb2aea1bef/shout.txt; exit $(cat fail)
  note: the last that it printed:
        with ***
        err ***
        no line end ***
  note: its whole output and the files that it wrote are in `.atsaf/v1/outputs/[RUN]/shout`
1 failed (shout) in [TIME]

"#]],
    );
    project.write("fail", "0");
    build().is(
        0,
        str![[r#"
run [RUN]: 1 target to look at, 0 fresh
start      shout  never built
shout | with ***
shout | err ***
shout | no line end ***
built      shout  [TIME]
1 built in [TIME]

"#]],
    );
    project.write(".env", format!("TOKEN={TOKEN}\n"));
    let told = project.build("-v --force");
    told.ok();
    assert!(!told.text.contains(TOKEN));
    assert!(!project.atsaf("logs shout").text.contains(TOKEN));
    for (path, bytes) in project.store() {
        let found = bytes.windows(TOKEN.len()).any(|window| window == TOKEN.as_bytes());
        assert!(!found, "the secret is in .atsaf/{path}");
    }
}

#[test]
fn a_direct_command_that_fails_gets_its_former_artifacts_put_back() {
    let project = Project::new(
        r#"
[target.site]
run = "sh site.sh"
outputs = { page = "site.txt", pages = "pages/" }
direct = true
"#,
    );
    project.write("site.sh", "mkdir -p pages; echo one > pages/1; echo one > site.txt\n");
    project.build("").ok();
    let mut files = project.files();
    project.write(
        "site.sh",
        "test -e site.txt && exit 9; mkdir -p pages; echo half > pages/1; exit 1\n",
    );
    files.insert("site.sh".to_owned(), project.read("site.sh").into_bytes());
    project.build("").is(
        1,
        str![[r#"
run [RUN]: 1 target to look at, 0 fresh
start      site  site.sh content [CONTENT] -> [CONTENT]
error: `site` failed: the command ended with exit code 1
  --> Atsaffile:2:9
 2 | [target.site]
   |         ^^^^
  note: the command: sh site.sh
  note: its whole output and the files that it wrote are in `.atsaf/v1/outputs/[RUN]/site`
1 failed (site) in [TIME]

"#]],
    );
    assert_eq!(project.files(), files);
    assert_eq!(left(&project, "site"), text(&[("site/files/pages/1", "half\n")]));
    project.write("pages/1", "mine\n");
    project.build("").is(
        1,
        str![[r#"
run [RUN]: 1 target to look at, 0 fresh
start      site  site.sh content [CONTENT] -> [CONTENT]; pages pages is not as atsaf left it
error: `site` failed: the command ended with exit code 1
  --> Atsaffile:2:9
 2 | [target.site]
   |         ^^^^
  note: the command: sh site.sh
  note: its whole output and the files that it wrote are in `.atsaf/v1/outputs/[RUN]/site`
1 failed (site) in [TIME]

"#]],
    );
    assert_eq!(
        project.read("pages/1"),
        "mine\n",
        "what stood there is put back, whoever made it"
    );
}

#[test]
fn a_store_that_cannot_be_used_is_told_with_exit_code_4() {
    let project = pair();
    project.remove(".atsaf");
    project.write(".atsaf", "a file");
    let told = project.build("");
    assert_eq!(told.code, Some(4), "{}", told.text);
    told.is(
        4,
        str![[r#"
error: `.atsaf/v1` cannot be used: Not a directory (os error 20)
  help: atsaf keeps what it builds there: see whether it may write to it, and build again

"#]],
    );
}

#[test]
fn two_files_of_one_name_are_both_left_to_be_read() {
    let project = Project::new(
        r#"
[target.pair]
run = "echo one > {{output.one}}; echo two > {{output.two}}; exit 1"
outputs = { one = "a/x.txt", two = "b/x.txt" }
"#,
    );
    assert_eq!(project.build("").code, Some(1));
    let texts: Vec<String> = left(&project, "pair").into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["one\n", "two\n"]);
}

#[test]
fn what_a_command_prints_cannot_paint_the_screen() {
    let project = Project::new(
        "[target.a]\nrun = \"printf '\\\\033[31mred\\\\033[0m\\\\007'; exit 1; echo {{output}}\"\noutput = \"a\"\n",
    );
    let told = project.build("");
    assert!(told.text.contains("        red\n"), "{}", told.text);
    assert!(!told.text.contains('\u{1b}'), "{:?}", told.text);
}

#[test]
fn a_secret_is_hidden_even_where_a_line_without_an_end_is_cut() {
    let project = Project::new(
        r#"
[secrets]
TOKEN = {}

[target.leak]
run = "head -c 1048574 /dev/zero | tr '\\0' y; printf sup; sleep 0.2; printf 3rs3cret; echo > {{output}}"
output = "leak.txt"
secrets = ["TOKEN"]
"#,
    );
    Told::of(project.command("build").env("TOKEN", "sup3rs3cret")).ok();
    let logs = project
        .store()
        .into_iter()
        .filter(|(path, _)| path.contains("/leak/") && !path.ends_with(".command"));
    let text: String = logs.map(|(_, bytes)| String::from_utf8(bytes).expect("text")).collect();
    assert!(text.len() > 1 << 20);
    assert!(text.contains("***") && !text.contains("3rs3cret"));
}
