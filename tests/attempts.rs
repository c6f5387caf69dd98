//! What an attempt writes to, what it says of what it found, and what it lets nobody do meanwhile.

use std::fs;

use crate::project::{Project, kill, until};

/// A tool that writes its command line into its result.
const CALL: &str = r#"
[target.call]
run = "sh tool.sh {{output}} "
outputs = { one = "out/a/x.vcf", two = "out/b/x.vcf", tree = "out/tree/" }
"#;

fn call() -> Project {
    let project = Project::new(CALL);
    project.write(
        "tool.sh",
        "for x in $1 $2 $3/x; do echo \"$*\" > $x; env | grep ATSAF_ATTEMPT >> $x; done\n",
    );
    project
}

#[test]
fn the_same_command_writes_the_same_bytes_in_every_run_and_clone() {
    let project = call();
    project.build("").ok();
    let first = project.files();
    project.build("-B").ok();
    assert_eq!(project.files(), first);
    let clone = project.copy();
    clone.remove(".atsaf");
    clone.build("-B").ok();
    assert_eq!(clone.files(), first);
    clone.edit("Atsaffile", "target.call", "target.renamed");
    clone.build("").ok();
    let text = |project: &Project| project.read("out/a/x.vcf").lines().next().map(str::to_owned);
    assert_eq!(text(&clone), text(&project));
}

#[test]
fn the_path_of_its_staging_in_a_result_is_named_with_the_way_out() {
    let project = call();
    let told = project.build("");
    for part in [
        "warning: `out/a/x.vcf` has the path in it to which it was written",
        "warning: `out/tree` has the path in it",
        "Atsaffile:2:",
        "`direct = true`",
    ] {
        assert!(told.text.contains(part), "{part}: {}", told.text);
    }
    let direct = Project::new(&CALL.replace("run =", "direct = true\nrun ="));
    direct.write(
        "tool.sh",
        "mkdir -p $3; for x in $1 $2 $3/x; do echo \"$*\" > $x; done\n",
    );
    let told = direct.build("");
    assert!(!told.text.contains("warning"), "{}", told.text);
    assert_eq!(direct.read("out/a/x.vcf"), "out/a/x.vcf out/b/x.vcf out/tree\n");
}

#[test]
fn a_link_that_leads_to_or_from_the_staging_is_named() {
    for (link, parts) in [
        (
            "$PWD/{{output}}/a",
            ["warning: `d` has the path in it", "`direct = true`"],
        ),
        ("{{output}}/a", ["warning: `d` has the path in it", "`direct = true`"]),
        (
            "$(realpath --relative-to={{output}} c/x)",
            ["warning: `d/b` is a link that leads nowhere", "in its place"],
        ),
    ] {
        let project = Project::new(&format!(
            "[target.t]\nrun = \"echo 1 > {{{{output}}}}/a; ln -s {link} {{{{output}}}}/b\"\noutput = \"d/\"\n"
        ));
        project.write("c/x", "1");
        let told = project.build("");
        told.ok();
        for part in parts {
            told.has(part);
        }
    }
    for link in ["a", "../c/x", "$PWD/c/x", "nowhere"] {
        let project = Project::new(&format!(
            "[target.t]\nrun = \"echo 1 > {{{{output}}}}/a; ln -s {link} {{{{output}}}}/b\"\noutput = \"d/\"\n"
        ));
        project.write("c/x", "1");
        let told = project.build("");
        assert!(!told.text.contains("warning"), "{link}: {}", told.text);
    }
}

#[test]
fn what_is_written_beside_an_output_is_named_and_may_be_declared() {
    let project = Project::new(
        r#"
[target.t]
run = "echo 1 > {{output.map}}; echo 2 > {{output.map}}.idx"
outputs = { map = "gis/map.shp" }
"#,
    );
    let told = project.build("");
    let warning = "warning: `gis/map.shp.idx` was written beside `gis/map.shp`, and is lost";
    assert!(told.text.contains(warning), "{}", told.text);
    assert!(told.text.contains("Atsaffile:2:"), "{}", told.text);
    project.edit(
        "Atsaffile",
        "\"gis/map.shp\" }",
        "\"gis/map.shp\", idx = \"gis/map.shp.idx\" }",
    );
    let told = project.build("");
    assert!(!told.text.contains("warning"), "{}", told.text);
    assert_eq!(project.read("gis/map.shp.idx"), "2\n");
    assert_eq!(fs::read_dir(project.at(".atsaf/v1/staging")).expect("there").count(), 0);
}

#[test]
fn a_build_within_its_own_target_is_refused_at_once() {
    let program = env!("CARGO_BIN_EXE_atsaf");
    let project = Project::new(&format!(
        r#"
[target.a]
run = "for it in build 'clean -q' watch status list 'build -n' 'why a'; do {program} $it > said 2>&1 && code=0 || code=$?; echo $code $it; done > {{{{output}}}}; {program} build 2> said || true"
output = "a"

[target.outer]
run = "{program} -C other build -q && code=0 || code=$?; echo $code > {{{{output}}}}"
output = "outer"
"#
    ));
    project.write(
        "other/Atsaffile",
        format!("[target.inner]\nrun = \"{program} -C .. build a && code=0 || code=$?; echo $code > {{{{output}}}}\"\noutput = \"inner\"\n"),
    );
    project.build("a").ok();
    assert_eq!(
        project.read("a"),
        "2 build\n2 clean -q\n2 watch\n0 status\n0 list\n0 build -n\n0 why a\n"
    );
    let said = project.read("said");
    assert!(said.contains("a part of the target `a` of the same project"), "{said}");
    assert!(said.contains("Atsaffile:2:"), "{said}");
    project.build("outer").ok();
    assert_eq!(project.read("outer"), "0\n", "another project is built");
    assert_eq!(
        project.read("other/inner"),
        "2\n",
        "and the first one from within it is not"
    );
}

#[test]
fn an_output_that_is_not_written_is_told_with_what_was_written_instead() {
    let project = Project::new(
        r#"
[target.itself]
run = "echo 1 > out/x.txt; : {{output}}"
output = "out/x.txt"

[target.near]
run = "echo 1 > y.txt; : {{output}}"
output = "out/y.txt"

[target.nothing]
run = "echo 1 > {{output.one}}; : {{output.two}}"
outputs = { one = "one.txt", two = "two.txt" }

[target.direct]
run = "echo 1 > three.txt"
output = "out/three.txt"
direct = true
"#,
    );
    project.write("out/x.txt", "0");
    for (target, line, parts) in [
        (
            "itself",
            2,
            [
                "`out/x.txt` was not written",
                "it wrote `out/x.txt` itself? use `{{output}}`",
            ],
        ),
        (
            "near",
            6,
            [
                "`out/y.txt` was not written",
                "it wrote `y.txt` itself? use `{{output}}`",
            ],
        ),
        (
            "nothing",
            10,
            ["`two.txt` was not written", "has to write to `{{output.two}}`"],
        ),
        (
            "direct",
            14,
            ["`out/three.txt` was not written", "has to write `out/three.txt` itself"],
        ),
    ] {
        let told = project.build(target);
        assert_eq!(told.code, Some(1), "{}", told.text);
        for part in parts.into_iter().chain([&*format!("Atsaffile:{line}:")]) {
            assert!(told.text.contains(part), "{part}: {}", told.text);
        }
    }
}

#[test]
fn a_failure_shows_the_command_and_what_to_do_about_its_usual_cause() {
    let project = Project::new(
        r#"
[secrets]
TOKEN = {}

[params]
n = 7

[target.pipe]
run = "echo {{n}} > {{output}}; exit 141"
output = "pipe"

[target.grep]
run = "grep x {{n}}.txt > {{output}}"
output = "grep"

[target.unbound]
run = "set -u; echo $NOSUCH_VARIABLE > {{output}}"
output = "unbound"

[target.modes]
run = "./Atsaffile > {{output}}"
output = "modes"

[target.program]
run = ["nosuch-program", "a b", "{{output}}"]
output = "program"

[target.secret]
run = "echo hunter2 $TOKEN > {{output}}; false"
output = "secret"
secrets = ["TOKEN"]
"#,
    );
    project.write(".env", "TOKEN=hunter2\n");
    project.write("7.txt", "");
    for (target, parts) in [
        ("pipe", ["the command: echo 7 > .atsaf/v1/staging/", "`|| true`"]),
        (
            "grep",
            ["the command: grep x 7.txt", "`grep` ends with 1 where no line matches"],
        ),
        ("unbound", ["the command: set -u", "`env = [\"NOSUCH_VARIABLE\"]`"]),
        ("modes", ["the command: ./Atsaffile", "chmod +x"]),
        ("program", ["the command: nosuch-program 'a b' .atsaf", "in `PATH`"]),
        ("secret", ["the command: echo *** $TOKEN", "Atsaffile:28:"]),
    ] {
        let told = project.build(target);
        assert_eq!(told.code, Some(1), "{}", told.text);
        for part in parts {
            assert!(told.text.contains(part), "{part}: {}", told.text);
        }
        let logs = project.atsaf(&format!("logs {target}"));
        assert!(logs.text.contains(&parts[0]["the command: ".len()..]), "{}", logs.text);
    }
    let plan = project.atsaf("plan -v grep");
    assert!(
        plan.text
            .contains("\ngrep  Atsaffile:12\n  grep x 7.txt > .atsaf/v1/staging/"),
        "{}",
        plan.text
    );
}

#[test]
fn a_process_that_outlived_its_build_is_ended_before_the_next_attempt() {
    let project = Project::new(
        r#"
[params]
wait = "yes"

[target.slow]
run = "test {{wait}} = no || { setsid sleep 91 & touch ../begun; sleep 92; }; echo {{wait}} > {{output}}"
output = "slow.txt"
"#,
    );
    let child = project.start("build");
    until("the command has begun", || project.at("../begun").exists());
    until("both run", || {
        !project.running("sleep 91").is_empty() && !project.running("sleep 92").is_empty()
    });
    child.kill();
    let told = project.build("-s wait=no");
    assert!(
        told.text
            .contains("warning: an earlier attempt of `slow` was still running, and was ended"),
        "{}",
        told.text
    );
    told.ok();
    assert_eq!(project.read("slow.txt"), "no\n");
    assert!(project.running("sleep 91").is_empty() && project.running("sleep 92").is_empty());
}

#[test]
fn what_a_failed_attempt_left_running_is_ended_before_it_is_tried_again() {
    let project = Project::new(
        r#"
[target.flaky]
run = "if test -e ../once; then echo new > {{output}}; else touch ../once; sleep 93 > ../lost & exit 1; fi"
output = "flaky.txt"
retries = 1
retry_delay = "10ms"
"#,
    );
    let told = project.build("");
    assert!(told.text.contains("was still running, and was ended"), "{}", told.text);
    told.ok();
    assert!(project.running("sleep 93").is_empty());
}

/// The letter of a process's state: `T` if it is stopped.
fn state(id: u32) -> char {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let state = stat
        .rsplit(')')
        .next()
        .and_then(|rest| rest.trim_start().chars().next());
    state.unwrap_or('X')
}

#[test]
fn ctrl_z_stops_the_commands_too_and_they_go_on_with_the_build() {
    let project = Project::new(
        r#"
[target.slow]
run = "touch ../begun; while test ! -e ../go; do sleep 0.02; done; echo slow > {{output}}"
output = "slow.txt"
"#,
    );
    let child = project.start("build");
    until("the command has begun", || project.at("../begun").exists());
    // A shell that is about to become another program looks like the shell; the first is it.
    let shell = project.running("touch ../begun").into_iter().min().expect("a shell");
    kill(child.id(), "TSTP");
    until("both are stopped", || state(child.id()) == 'T' && state(shell) == 'T');
    project.write("../go", "");
    kill(child.id(), "CONT");
    child.collect().ok();
    assert_eq!(project.read("slow.txt"), "slow\n");
}

#[test]
fn a_target_that_is_renamed_while_it_runs_does_not_meet_itself() {
    let text = r#"
[target.one]
run = "echo begin >> ../ran; while test ! -e ../go; do sleep 0.02; done; echo whole > {{output}}"
output = "out.txt"
"#;
    let project = Project::new(text);
    let first = project.start("build");
    until("the first has begun", || project.at("../ran").exists());
    project.write("Atsaffile", text.replace("target.one", "target.two"));
    let second = project.start("build");
    second.until_it_waits();
    assert_eq!(project.read("../ran"), "begin\n");
    project.write("../go", "");
    first.collect().ok();
    second.collect().ok();
    assert_eq!(project.read("out.txt"), "whole\n");
}

#[test]
fn a_command_that_is_too_long_for_the_system_says_how_to_pass_what_is_long() {
    let long = "x".repeat(200_000);
    let project = Project::new(&format!(
        "[params]\nx = \"{long}\"\n\n[target.a]\nrun = \"echo {{{{x}}}} > {{{{output}}}}\"\noutput = \"a\"\n"
    ));
    let told = project.build("");
    assert_eq!(told.code, Some(1));
    assert!(
        told.text.contains("`{{params_file}}`"),
        "{}",
        &told.text[..told.text.len().min(500)]
    );
    assert!(told.text.len() < 5000, "the command is cut: {}", told.text.len());
}

#[test]
fn a_list_of_inputs_takes_no_path_with_a_line_break() {
    let project =
        Project::new("[target.a]\nrun = \"cat {{inputs_file}} > {{output}}\"\ninputs = [\"d/*\"]\noutput = \"a\"\n");
    project.write("d/one\ntwo", "");
    let told = project.build("");
    told.exits(1);
    told.has(r#"the path "d/one\ntwo" has a line break in it"#);
    told.has("help: rename the file, or take `{{inputs}}`");
    project.edit("Atsaffile", "cat {{inputs_file}}", "ls {{inputs}}");
    project.build("").ok();
}
