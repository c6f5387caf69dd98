//! What each key of a target means for what runs: environment, secrets, order, copies, effects, directories, globs.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use snapbox::str;

use crate::project::{Project, Told, until};

#[test]
fn only_declared_environment_counts() {
    let project = Project::new(
        r#"
[target.declared]
run = "echo declared >> ../ran; echo ${REGION-} ${OTHER-} > {{output}}"
env = ["REGION"]
output = "declared.txt"
"#,
    );
    let build = |region: Option<&str>, other: &str| {
        let mut command = project.command("build -j1");
        command
            .env("OTHER", other)
            .envs(region.map(|region| ("REGION", region)));
        Told::of(&mut command)
    };
    build(Some("US48"), "one").ok();
    assert_eq!(
        project.read("declared.txt"),
        "US48\n",
        "what is not declared is not seen"
    );
    build(Some("US48"), "two").is(
        0,
        str![[r#"
nothing to do: 1 target is fresh

"#]],
    );
    build(Some("TEX"), "two").is(
        0,
        str![[r#"
run [RUN]: 1 target to look at, 0 fresh
start      declared  $REGION another value (values of the environment are not kept)
built      declared  [TIME]
1 built in [TIME]

"#]],
    );
    build(None, "two").is(
        0,
        str![[r#"
run [RUN]: 1 target to look at, 0 fresh
start      declared  $REGION set -> not set
built      declared  [TIME]
1 built in [TIME]

"#]],
    );
    assert_eq!(project.ran(), "declared declared declared");
    assert_eq!(project.read("declared.txt"), "\n");
}

#[test]
fn another_secret_makes_nothing_stale() {
    let project = Project::new(
        r#"
[secrets]
TOKEN = {}

[target.page]
run = "echo page >> ../ran; echo ${#TOKEN} > {{output}}"
secrets = ["TOKEN"]
output = "page.txt"
"#,
    );
    let build = |token: &str| Told::of(project.command("build").env("TOKEN", token));
    build("first-token").ok();
    build("second").is(
        0,
        str![[r#"
nothing to do: 1 target is fresh

"#]],
    );
    assert_eq!(project.ran(), "page");
    assert_eq!(project.read("page.txt"), "11\n");
}

#[test]
fn after_orders_and_does_not_depend() {
    let project = Project::new(
        r#"
[params]
word = "one"

[target.later]
run = "echo later >> ../ran; echo later > {{output}}"
output = "later.txt"
after = ["earlier"]

[target.earlier]
run = "echo earlier >> ../ran; sleep 0.1; echo {{word}} > {{output}}"
output = "earlier.txt"
"#,
    );
    project.atsaf("build").ok();
    assert_eq!(project.ran(), "earlier later");
    project.build("-s word=two").is(
        0,
        str![[r#"
run [RUN]: 1 target to look at, 1 fresh
start      earlier  word "one" -> "two"
built      earlier  [TIME]
1 built, 1 fresh in [TIME]

"#]],
    );
    assert_eq!(project.ran(), "earlier");
    project.build("later").is(
        0,
        str![[r#"
nothing to do: 1 target is fresh

"#]],
    );
}

#[test]
fn without_copies_in_the_store_what_is_gone_is_built_again() {
    let project = Project::new(
        r#"
[params]
word = "one"

[target.big]
run = "echo big >> ../ran; echo {{word}} > {{output}}"
output = "big.txt"
cache = false

[target.reader]
run = "echo reader >> ../ran; sed s/^/read:/ {{inputs}} > {{output}}"
inputs = ["big"]
output = "reader.txt"
"#,
    );
    project.build("").ok();
    assert!(
        !project.store().values().any(|bytes| bytes
            == b"one
"),
        "no copy of it"
    );
    project.build("-s word=two").ok();
    assert_eq!(project.ran(), "big reader big reader");
    project.build("").is(
        0,
        str![[r#"
run [RUN]: 2 targets to look at, 0 fresh
start      big     word "two" -> "one"
built      big  [TIME]
restored   reader  from run [RUN] ([TIME] ago); big content [CONTENT] -> [CONTENT]
1 built, 1 restored in [TIME]

"#]],
    );
    assert_eq!(project.ran(), "big", "and its reader came back");
}

#[test]
fn an_effect_that_began_and_failed_is_run_again_even_for_the_former_values() {
    let project = Project::new(
        r#"
[params]
version = 1

[target.publish]
run = "echo {{version}} >> ../outside; test {{version}} = 1 && echo {{version}} > {{output}}"
output = "receipt.txt"
effect = true
"#,
    );
    project.build("").ok();
    let failed = project.build("-s version=2");
    assert_eq!(failed.code, Some(1), "{}", failed.text);
    assert_eq!(project.read("../outside"), "1\n2\n", "it acted, and did not succeed");
    project.build("").is(
        0,
        str![[r#"
run [RUN]: 1 target to look at, 0 fresh; acts outside the project: publish
start      publish  its last attempt began to act outside the project and did not succeed
unchanged  publish  [TIME], made the same as before
1 built in [TIME]

"#]],
    );
    assert_eq!(project.read("../outside"), "1\n2\n1\n");
    project.build("").is(
        0,
        str![[r#"
nothing to do: 1 target is fresh

"#]],
    );
}

#[test]
fn an_effect_is_run_and_never_restored() {
    let project = Project::new(
        r#"
[params]
version = 1

[target.publish]
run = "echo publish >> ../ran; echo {{version}} >> ../outside; echo {{version}} > {{output}}"
output = "receipt.txt"
effect = true
"#,
    );
    project.build("").ok();
    project.build("-s version=2").ok();
    project.build("").is(
        0,
        str![[r#"
run [RUN]: 1 target to look at, 0 fresh; acts outside the project: publish
start      publish  version 2 -> 1
built      publish  [TIME]
1 built in [TIME]

"#]],
    );
    assert_eq!(
        project.read("../outside"),
        "1\n2\n1\n",
        "the outside is as the newest build wants it"
    );
    project.remove("receipt.txt");
    project.build("").is(
        0,
        str![[r#"
run [RUN]: 1 target to look at, 0 fresh; acts outside the project: publish
start      publish  publish receipt.txt is missing
built      publish  [TIME]
1 built in [TIME]

"#]],
    );
    assert_eq!(
        project.read("../outside"),
        "1\n2\n1\n1\n",
        "its receipt is gone, so it acts again"
    );
    project.build("").is(
        0,
        str![[r#"
nothing to do: 1 target is fresh

"#]],
    );
}

#[test]
fn a_directory_is_one_artifact() {
    let project = Project::new(
        r#"
[params]
pages = 2

[target.site]
run = "echo site >> ../ran; for n in $(seq {{pages}}); do echo $n > {{output}}/$n.html; done; mkdir {{output}}/empty; cp tool.sh {{output}}/tool.sh; ln -s 1.html {{output}}/index.html"
output = "site/"

[target.list]
run = "echo list >> ../ran; ls {{inputs}} > {{output}}"
inputs = ["site"]
output = "list.txt"
"#,
    );
    project.write("tool.sh", "#!/bin/sh\n");
    let tool = project.at("tool.sh");
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).expect("made executable");
    project.build("").ok();
    assert_eq!(project.read("list.txt"), "1.html\n2.html\nempty\nindex.html\ntool.sh\n");
    project.ran();
    let files = project.files();
    project.build("-s pages=3").is(
        0,
        str![[r#"
run [RUN]: 2 targets to look at, 0 fresh
start      site  pages 2 -> 3
built      site  [TIME]
start      list  site content [CONTENT] -> [CONTENT]
built      list  [TIME]
2 built in [TIME]

"#]],
    );
    assert_eq!(project.ran(), "site list");
    project.build("").ok();
    assert_eq!(project.ran(), "", "restored");
    assert_eq!(project.files(), files);
    assert!(project.at("site/empty").is_dir());
    assert!(project.at("site/index.html").is_symlink());
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&project.at("site/tool.sh").metadata().expect("there").permissions());
    assert_eq!(mode & 0o100, 0o100, "still executable");
    project.write("site/3.html", "mine\n");
    project.build("").is(
        0,
        str![[r#"
run [RUN]: 1 target to look at, 1 fresh
warning: `site` was not as atsaf left it, and was kept
  note: it is now `.atsaf/displaced/[RUN]/site`
restored   site  from run [RUN] ([TIME] ago); site site is not as atsaf left it
1 restored, 1 fresh in [TIME]

"#]],
    );
    assert!(project.displaced().contains(&"mine\n".to_owned()));
    assert_eq!(project.files(), files);
    project.build("").is(
        0,
        str![[r#"
nothing to do: 2 targets are fresh

"#]],
    );
}

#[test]
fn a_new_file_that_a_glob_matches_is_a_new_input() {
    let project = Project::new(
        r#"
[target.all]
run = "echo all >> ../ran; cat {{inputs}} > {{output}}"
inputs = ["raw/*.csv"]
output = "all.csv"
"#,
    );
    project.write("raw/a.csv", "a\n");
    project.write("raw/c.csv", "c\n");
    project.build("").ok();
    project.write("raw/b.csv", "b\n");
    project.write("raw/deeper/d.csv", "d\n");
    project.build("").is(
        0,
        str![[r#"
run [RUN]: 1 target to look at, 0 fresh
start      all  raw/b.csv new input; order of the inputs other than before
built      all  [TIME]
1 built in [TIME]

"#]],
    );
    assert_eq!(project.read("all.csv"), "a\nb\nc\n");
    project.remove("raw/a.csv");
    project.build("").is(
        0,
        str![[r#"
run [RUN]: 1 target to look at, 0 fresh
start      all  order of the inputs other than before; raw/a.csv no longer read
built      all  [TIME]
1 built in [TIME]

"#]],
    );
    assert_eq!(project.ran(), "all all all");
    project.write("raw/a.csv", "a\n");
    project.build("").ok();
    assert_eq!(project.ran(), "", "restored");
}

#[test]
fn a_list_is_run_without_a_shell_and_its_words_count() {
    let project = Project::new(
        r#"
[params]
text = "a b; c $HOME"

[target.list]
run = ["sh", "record.sh", "{{output}}", "{{text}}", "{{inputs}}"]
inputs = ["one.txt", "two words.txt"]
output = "list.txt"
"#,
    );
    project.write(
        "record.sh",
        "echo list >> ../ran\nout=$1; shift\nprintf '%s|' \"$@\" > $out\n",
    );
    project.write("one.txt", "");
    project.write("two words.txt", "");
    project.build("").is(
        0,
        str![[r#"
run [RUN]: 1 target to look at, 0 fresh
start      list  never built
built      list  [TIME]
1 built in [TIME]

"#]],
    );
    assert_eq!(project.read("list.txt"), "a b; c $HOME|one.txt|two words.txt|");
    project.edit("record.sh", "|", ";");
    project.build("").is(
        0,
        str![[r#"
run [RUN]: 1 target to look at, 0 fresh
start      list  record.sh content [CONTENT] -> [CONTENT]
built      list  [TIME]
1 built in [TIME]

"#]],
    );
    project.edit(
        "Atsaffile",
        r#""one.txt", "two words.txt""#,
        r#""two words.txt", "one.txt""#,
    );
    project.build("").is(
        0,
        str![[r#"
run [RUN]: 1 target to look at, 0 fresh
start      list  order of the inputs other than before
built      list  [TIME]
1 built in [TIME]

"#]],
    );
    assert_eq!(project.ran(), "list list list");
}

#[test]
fn a_direct_command_writes_the_declared_path_and_is_staged_all_the_same() {
    let project = Project::new(
        r#"
[params]
word = "one"

[target.direct]
run = "echo direct >> ../ran; test ! -e direct.txt && echo {{word}} > direct.txt"
output = "direct.txt"
direct = true

[target.reader]
run = "echo reader >> ../ran; cat {{inputs}} > {{output}}"
inputs = ["direct"]
output = "reader.txt"
"#,
    );
    project.build("").ok();
    project.build("-s word=two").is(
        0,
        str![[r#"
run [RUN]: 2 targets to look at, 0 fresh
start      direct  word "one" -> "two"
built      direct  [TIME]
start      reader  direct content [CONTENT] -> [CONTENT]
built      reader  [TIME]
2 built in [TIME]

"#]],
    );
    assert_eq!(project.read("reader.txt"), "two\n");
    assert_eq!(
        project.ran(),
        "direct reader direct reader",
        "the former artifact was out of the way"
    );
    project.build("").is(
        0,
        str![[r#"
run [RUN]: 2 targets to look at, 0 fresh
restored   direct  from run [RUN] ([TIME] ago); word "two" -> "one"
restored   reader  from run [RUN] ([TIME] ago); direct content [CONTENT] -> [CONTENT]
2 restored in [TIME]

"#]],
    );
    assert_eq!(project.read("direct.txt"), "one\n");
    assert_eq!(project.ran(), "");
}

#[test]
fn a_file_whose_name_is_no_text_is_not_passed_over() {
    use std::os::unix::ffi::OsStrExt as _;
    let project = Project::new(
        r#"
[target.files]
run = "cat {{inputs}} > {{output}}"
inputs = ["data/*.csv"]
output = "files.txt"
"#,
    );
    project.write("data/a.csv", "");
    let name = std::ffi::OsStr::from_bytes(b"b\xff.csv");
    fs::File::create(project.at("data").join(name)).expect("made");
    project.build("").is(
        2,
        str![[r#"
error: `data/b�.csv` does not exist, and no target makes it
  --> Atsaffile:4:11
 4 | inputs = ["data/*.csv"]
   |           ^^^^^^^^^^^^ read by `files`
  help: a file with a name like this is there, but the name is not UTF-8: rename it

"#]],
    );
}

#[test]
fn a_directory_that_cannot_be_read_is_not_taken_for_an_empty_one() {
    let project = Project::new(
        r#"
[target.files]
run = "cat {{inputs}} > {{output}}"
inputs = ["data/*/*.csv"]
output = "files.txt"

[target.other]
run = "echo other > {{output}}"
output = "other.txt"
"#,
    );
    project.write("data/open/a.csv", "");
    project.write("data/closed/b.csv", "");
    let closed = project.at("data/closed");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).expect("closed");
    // Whoever may do everything can read it all the same.
    let is_closed = fs::read_dir(&closed).is_err();
    let told = project.build("");
    project.build("other").ok();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o755)).expect("opened");
    if is_closed {
        told.is(
            2,
            str![[r#"
error: `data/closed` cannot be read: Permission denied (os error 13)
  note: `files` needs it
  help: see who may read it, and look into the directories above it: `ls -ld`

"#]],
        );
    } else {
        told.ok();
    }
}

#[test]
fn a_line_of_dotenv_that_cannot_be_read_is_told_without_its_value() {
    let project = Project::new(
        r#"
[secrets]
TOKEN = {}

[target.a]
run = "echo {{output}}"
output = "a.txt"
secrets = ["TOKEN"]
"#,
    );
    project.write(".env", "# a comment\nTOKEN=\"never closed\n");
    project.build("").is(
        2,
        str![[r#"
warning: line 2 of `.env` cannot be read: its quotes are not closed
  note: the line is passed over; it is not shown, since it may hold a secret
  help: close the quotes; a value that begins with a quote sign stands in quotes of the other kind
error: the secret `TOKEN` is not set
  --> Atsaffile:3:1
 3 | TOKEN = {}
   | ^^^^^ needed by `a`
  help: set the environment variable `TOKEN`, or write `TOKEN=…` to `.env` beside the Atsaffile

"#]],
    );
}

#[test]
fn a_path_counts_from_the_directory_in_which_it_is_typed() {
    let project = Project::new(
        r#"
[target.a]
run = "echo a > {{output}}"
output = "out/a.txt"

[target.b]
run = "echo b > {{output}}"
output = "sub/out/a.txt"
"#,
    );
    project.write("sub/deep/x", "");
    let built = |args: &str| {
        project.atsaf(args).ok();
        let files = project.files();
        let built = ["out/a.txt", "sub/out/a.txt"].map(|path| files.contains_key(path));
        project.atsaf("clean").ok();
        built
    };
    assert_eq!(built("build out/a.txt"), [true, false]);
    assert_eq!(built("-C sub build ../out/a.txt"), [true, false]);
    assert_eq!(built("-C sub build ./out/a.txt"), [false, true]);
    assert_eq!(built("-C sub/deep build ../../out/a.txt ../out/a.txt"), [true, true]);
    // A name is no path, and a path from the Atsaffile is understood everywhere.
    assert_eq!(built("-C sub build a"), [true, false]);
    assert_eq!(built("-C sub/deep build sub/out/a.txt"), [false, true]);
    for command in ["why", "show", "clean"] {
        project.build("").ok();
        project.atsaf(&format!("-C sub {command} ../out/a.txt")).ok();
        assert_eq!(project.files().contains_key("out/a.txt"), command != "clean");
    }
    assert!(project.files().contains_key("sub/out/a.txt"));
}

const EFFECT_AND_FOLLOWER: &str = r#"
[params]
version = 1

[target.made]
run = "echo {{version}} > {{output}}"
output = "made.txt"

[target.publish]
run = "cat {{input.made}} >> ../outside; echo done > {{output}}"
inputs = ["made"]
output = "receipt.txt"
effect = true

[target.after]
run = "cat {{input.publish}} > {{output}}"
inputs = ["publish"]
output = "after.txt"
"#;

#[test]
fn without_effects_all_else_is_built_and_what_is_left_out_is_named() {
    let project = Project::new(EFFECT_AND_FOLLOWER);
    let said = project.build("--no-effects");
    said.ok();
    said.has("left out: publish, after");
    assert!(project.at("made.txt").exists() && !project.at("../outside").exists());
    assert!(!project.at("after.txt").exists());
    project.build("").ok();
    // It is fresh, so there is nothing to leave out, and what needs it is built.
    project.edit("Atsaffile", "cat {{input.publish}}", "tail {{input.publish}}");
    let said = project.build("--no-effects");
    said.has("unchanged  after");
    assert_eq!(project.read("../outside"), "1\n");
}

#[test]
fn a_plan_and_a_build_name_what_will_act_outside() {
    let project = Project::new(EFFECT_AND_FOLLOWER);
    project.atsaf("plan").has("acts outside the project: publish");
    project.build("").has("acts outside the project: publish");
    assert!(!project.atsaf("plan").text.contains("acts outside"));
}

#[test]
fn with_only_the_goals_alone_run_and_what_they_need_must_be_fresh() {
    let project = Project::new(EFFECT_AND_FOLLOWER);
    let said = project.build("publish --only");
    said.exits(1);
    said.has("`made` is not fresh");
    said.has("help: build it first: `atsaf build made`");
    assert!(!project.at("../outside").exists() && !project.at("made.txt").exists());
    project.build("made").ok();
    project.build("publish --only").ok();
    // The same values count: what is fresh under others is not.
    let said = project.build("publish --only -s version=2");
    said.exits(1);
    assert_eq!(project.read("../outside"), "1\n");
    project.build("publish --only -B").ok();
    assert_eq!(project.read("../outside"), "1\n1\n", "exactly the goal runs again");
    project.build("made publish --only -s version=2").ok();
    assert_eq!(project.read("../outside"), "1\n1\n2\n");
}

#[test]
fn a_renamed_target_finds_its_result() {
    let project = Project::new("[target.one]\nrun = \"echo x | tee -a ../ran > {{output}}\"\noutput = \"out.txt\"\n");
    project.build("").ok();
    project.edit("Atsaffile", "[target.one]", "[target.two]");
    project.build("").has("1 restored");
    assert_eq!(project.read("../ran"), "x\n");
    project.build("").has("nothing to do");
}

#[test]
fn two_clones_keep_the_same_objects() {
    let atsaffile = EFFECT_AND_FOLLOWER.replace("../outside", "outside");
    let keys = || {
        let project = Project::new(&atsaffile);
        project.build("").ok();
        let objects = walkdir::WalkDir::new(project.at(".atsaf/v1/objects")).sort_by_file_name();
        let files = objects
            .into_iter()
            .flatten()
            .filter(|entry| entry.file_type().is_file());
        let name = |entry: walkdir::DirEntry| entry.file_name().to_string_lossy().into_owned();
        files.map(name).collect::<Vec<_>>()
    };
    let first = keys();
    assert_eq!(first.len(), 2, "two of the three artifacts have the same bytes");
    assert_eq!(keys(), first);
}

#[test]
fn what_an_effect_did_counts_although_its_input_moved_and_it_acts_for_the_edit_too() {
    let project = Project::new(
        r#"
[target.publish]
run = "cat a.txt >> ../outside; touch ../begun; while test ! -e ../go; do sleep 0.02; done; cp a.txt {{output}}"
inputs = ["a.txt"]
output = "receipt.txt"
effect = true
"#,
    );
    project.write("a.txt", "one\n");
    let build = project.start("build");
    until("it acts", || project.at("../begun").exists());
    project.write("a.txt", "two\n");
    project.write("../go", "");
    build.collect().ok();
    assert_eq!(project.read("../outside"), "one\ntwo\n");
    assert_eq!(project.read("receipt.txt"), "two\n");
    let log = project.atsaf("log publish");
    assert_eq!(
        log.text.matches("a.txt").count(),
        1,
        "the first is a result: {}",
        log.text
    );
    project.build("").has("nothing to do");
}

#[test]
fn what_a_command_sees_of_its_outputs_counts() {
    let project = Project::new(
        "[target.a]\nrun = \"sh two.sh {{output}}\"\ninputs = [\"two.sh\"]\noutputs = { x = \"x\", y = \"y\" }\n",
    );
    project.write("two.sh", "echo first > $1; echo second > $2");
    project.build("").ok();
    project.edit("Atsaffile", "{ x = \"x\", y = \"y\" }", "{ y = \"y\", x = \"x\" }");
    project.build("").has("order of the outputs");
    assert_eq!(project.read("y"), "first\n");
    let project = Project::new("[target.a]\nrun = \"echo out={{output}} > {{output}}\"\noutput = \"o\"\n");
    project.build("").has("direct = true");
    project.edit("Atsaffile", "output = \"o\"", "output = \"o\"\ndirect = true");
    project.build("").ok();
    assert_eq!(project.read("o"), "out=o\n", "the advice takes effect");
}

#[test]
fn the_name_of_a_target_is_in_no_result() {
    let project = Project::new("[target.a]\nrun = \"env | sort > {{output}}\"\noutput = \"o\"\n");
    project.build("").ok();
    let before = project.read("o");
    project.edit("Atsaffile", "[target.a]", "[target.z]");
    project.build("").has("1 restored");
    project.build("-B").ok();
    assert_eq!(project.read("o"), before);
}

#[test]
fn another_permission_of_the_same_content_is_placed() {
    let project = Project::new("[target.a]\nrun = \"echo 1 > {{output}}\"\noutput = \"o\"\n");
    project.build("").ok();
    project.edit(
        "Atsaffile",
        "echo 1 > {{output}}",
        "echo 1 > {{output}}; chmod 600 {{output}}",
    );
    project.build("").ok();
    let mode = fs::metadata(project.at("o")).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn with_only_an_effect_that_is_left_out_leaves_nothing_to_run() {
    let project = Project::new(EFFECT_AND_FOLLOWER);
    project.build("made").ok();
    let said = project.build("publish --only -B --no-effects");
    assert!(!said.text.contains("--force asks for it"), "{}", said.text);
    assert!(!project.at("../outside").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn a_command_has_the_huge_pages_that_atsaf_was_started_with() {
    let setting = |status: &str| {
        let line = status.lines().find(|line| line.starts_with("THP_enabled"));
        line.map(|line| line.split_whitespace().last().unwrap_or_default().to_owned())
    };
    let own = setting(&fs::read_to_string("/proc/self/status").expect("read"));
    let project = Project::new(
        r#"
[target.a]
run = "cat /proc/self/status > {{output}}"
output = "status.txt"
"#,
    );
    project.build("").ok();
    assert_eq!(setting(&project.read("status.txt")), own);
}
