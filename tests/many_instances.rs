//! Reports of targets with many instances: one line as long as nobody asks for more.

use super::project::Project;

/// A project with 200 instances of two targets.
fn project() -> Project {
    let values: Vec<String> = (0..200).map(|number| format!("\"v{number}\"")).collect();
    let project = Project::new(&format!(
        r#"
[params]
horizon = 24
[matrix]
v = [{}]
[target.clean]
each = ["v"]
run = ["cp", "raw/{{{{v}}}}", "{{{{output}}}}"]
inputs = ["raw/{{{{v}}}}"]
output = "clean/{{{{v}}}}"
[target.fit]
each = ["v"]
run = ["cp", "{{{{input.clean}}}}", "{{{{output}}}}"]
inputs = ["clean"]
params = ["horizon"]
output = "fit/{{{{v}}}}"
[target.all]
run = "cat {{{{inputs}}}} > {{{{output}}}}"
inputs = ["fit@*"]
output = "all"
"#,
        values.join(", ")
    ));
    for number in 0..200 {
        project.write(&format!("raw/v{number}"), format!("{number}\n"));
    }
    project
}

#[test]
fn many_instances_are_one_line() {
    let project = project();
    let told = project.atsaf("plan");
    told.exits(0);
    told.has("run  clean@* (200)  never built\n");
    told.has("run  fit@* (200)    never built\n");
    assert!(told.text.lines().count() < 10, "{}", told.text);
    let built = project.build("");
    built.exits(0);
    built.has("clean@*");
    built.has("200 built,");
    assert!(built.text.lines().count() < 12, "{}", built.text);
    let status = project.atsaf("status");
    status.has("fresh  clean@*  200 fresh\n");
    for number in [3, 5, 8] {
        project.write(&format!("raw/v{number}"), "other\n");
    }
    let status = project.atsaf("status");
    status.has("stale      clean@*  3 stale, 197 fresh (v3; v5; v8): raw/*");
    status.has("undecided  fit@*    3 undecided, 197 fresh\n");
    assert_eq!(status.text.lines().count(), 3, "{}", status.text);
    let expanded = project.atsaf("status --expand");
    expanded.has("clean@v3 ");
    assert_eq!(expanded.text.lines().count(), 401);
    let plan = project.atsaf("plan");
    plan.has("run        clean@v3 ");
    plan.has("keep       clean@* (197), fit@* (197)\n");
    for number in [9, 11] {
        project.write(&format!("raw/v{number}"), "other\n");
    }
    let plan = project.atsaf("plan");
    plan.has("run        clean@* (5) ");
    plan.has("raw/* content differs  Atsaffile:9\n");
    plan.has("undecided  fit@* (5) ");
    plan.has("depends on what clean@* makes\n");
    plan.has("depends on what these make: fit@* (5)\n");
    project.atsaf("plan --expand").has("run        clean@v3 ");
}

#[test]
fn why_puts_instances_with_the_same_reasons_together() {
    let project = project();
    project.build("").exits(0);
    for number in [3, 5, 8] {
        project.write(&format!("raw/v{number}"), "other\n");
    }
    let why = project.atsaf("why clean@*");
    why.exits(0);
    why.has("clean@*: 3 instances, for the same reasons: clean@v3, clean@v5, clean@v8\nclean@v3 is stale: it must run");
    why.has("clean@*: 197 instances, for the same reasons: clean@v0, clean@v1, ");
    why.has("and 177 more\nclean@v0 is fresh");
    assert!(why.text.lines().count() < 30, "{}", why.text);
    let why = project.atsaf("-s horizon=48 why fit");
    why.has("fit@*: 197 instances, for the same reasons");
    why.has("fit@*: 3 instances, for the same reasons");
    why.has("24 -> 48");
    let json = project.atsaf("--json why clean@v3");
    json.has(r#""axes":{"v":"v3"}"#);
}

#[test]
fn json_lists_every_instance_with_its_axes() {
    let project = project();
    for (command, count) in [("plan", 400), ("status", 400), ("list", 400), ("graph", 400)] {
        let told = project.atsaf(&format!("--json {command}"));
        told.exits(0);
        let text = told.text.replace([' ', '\n'], "");
        assert_eq!(text.matches(r#""axes":{"v":"v"#).count(), count, "{command}");
        assert_eq!(text.matches(r#""axes":null"#).count(), 1, "{command}");
    }
}

#[test]
fn a_graph_draws_many_instances_as_one() {
    let project = project();
    project.build("").exits(0);
    project.write("raw/v7", "other\n");
    project.atsaf("graph").is(
        0,
        r#"all [undecided] makes all
└── fit@* (200) [1 undecided, 199 fresh] gives fit@*
    └── clean@* (200) [1 stale, 199 fresh] gives clean@*
        └── raw/* (200 files)
"#,
    );
    for format in ["dot", "mermaid", "svg"] {
        let drawn = project.atsaf(&format!("graph --format {format}"));
        drawn.exits(0);
        assert!(drawn.text.lines().count() < 80, "{}", drawn.text);
        let expanded = project.atsaf(&format!("graph --expand --format {format}"));
        expanded.has("fit@v199");
        assert!(expanded.text.lines().count() > 600);
    }
    project
        .atsaf("graph --expand fit@v7")
        .has("fit@v7 [undecided] makes fit@v7");
}

#[test]
fn a_list_shows_many_instances_by_what_they_have_in_common() {
    let told = project().atsaf("list");
    told.has("clean@* (200)\n  runs    cp\n");
    told.has("  reads   raw/*");
    told.has("  makes   clean@*  clean/*\n");
    assert!(told.text.lines().count() < 260, "{}", told.text);
}

#[test]
fn a_failure_among_many_is_told_by_itself() {
    let project = project();
    project.build("").exits(0);
    project.edit(
        "Atsaffile",
        "run = [\"cp\", \"raw/{{v}}\", \"{{output}}\"]",
        "run = \"test {{v}} != v7 && cp raw/{{v}} {{output}}\"",
    );
    let told = project.build("-k");
    told.exits(1);
    told.has("error: `clean@v7` failed");
    told.has("199 unchanged");
    told.has("1 failed (clean@v7)");
    assert!(told.text.lines().count() < 30, "{}", told.text);
}

#[test]
fn instances_that_stand_in_a_circle_together_are_drawn_apart() {
    let project = Project::new(
        r#"
[matrix]
v = ["a", "b", "c", "d"]
[target.one]
each = ["v"]
run = "cat {{inputs}} > {{output}}"
inputs = ["{{v}}.in"]
output = "one/{{v}}"
[target.two]
run = "cat {{inputs}} > {{output}}"
inputs = ["one@a"]
output = "b.in"
"#,
    );
    for name in ["a", "c", "d"] {
        project.write(&format!("{name}.in"), "x\n");
    }
    let told = project.atsaf("graph");
    told.exits(0);
    told.has("one@b");
    project.atsaf("graph --format svg").exits(0);
}
