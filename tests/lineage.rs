//! Events of OpenLineage, as the environment asks for them; and the retries that another program does instead.

use std::fs;

use serde_json::Value;

use crate::project::{Project, Told};

const ATSAFFILE: &str = r#"
[project]
name = "demo"

[secrets]
TOKEN = {}

[target.first]
run = "echo $TOKEN; echo first >> ../ran; echo 1 > {{output}}"
secrets = ["TOKEN"]
output = "first.txt"

[target.second]
run = "echo second >> ../ran; echo \"$TOKEN is wrong\"; false > {{output}}"
inputs = ["first"]
secrets = ["TOKEN"]
output = "second.txt"
retries = 2
retry_delay = "1ms"
"#;

fn project() -> Project {
    let project = Project::new(ATSAFFILE);
    project.write(".env", "TOKEN=hunter2-and-more\n");
    project
}

/// Builds with further variables of the environment.
fn build(project: &Project, args: &str, env: &[(&str, &str)]) -> Told {
    let mut command = project.command(&format!("build -j1 {args}"));
    command.envs(env.iter().copied());
    Told::of(&mut command)
}

/// The kind and job of each event of a file.
fn events(project: &Project, path: &str) -> Vec<String> {
    let text = project.read(path);
    let event = |line: &str| {
        let event: Value = serde_json::from_str(line).expect("JSON");
        let word = |value: &Value| value.as_str().expect("a text").to_owned();
        format!("{} {}", word(&event["eventType"]), word(&event["job"]["name"]))
    };
    text.lines().map(event).collect()
}

#[test]
fn events_go_to_the_file_that_the_project_names_and_hold_no_secret() {
    let project = project();
    project.write(
        "openlineage.yml",
        "transport:\n  type: file\n  log_file_path: events.jsonl\n  append: true\n",
    );
    build(&project, "", &[]).exits(1);
    let expected = [
        "START demo",
        "START demo.first",
        "COMPLETE demo.first",
        "START demo.second",
        "FAIL demo.second",
        "FAIL demo",
    ];
    assert_eq!(
        events(&project, "events.jsonl"),
        expected,
        "one run, whatever attempts there were"
    );
    let text = project.read("events.jsonl");
    assert!(
        text.contains("*** is wrong"),
        "the message says what was printed: {text}"
    );
    assert!(!text.contains("hunter2"), "{text}");
    build(&project, "first", &[("OPENLINEAGE_DISABLED", "true")]).ok();
    build(&project, "first", &[]).ok();
    let more: Vec<String> = events(&project, "events.jsonl").split_off(expected.len());
    assert_eq!(more, ["START demo", "COMPLETE demo"], "what is fresh did not run");
}

#[test]
fn trouble_is_one_warning_and_fails_no_build() {
    let project = project();
    for (name, value) in [
        (
            "OPENLINEAGE__TRANSPORT",
            "{\"type\": \"file\", \"append\": true, \"log_file_path\": \"no/such/file\"}",
        ),
        ("OPENLINEAGE__TRANSPORT__TYPE", "kafka"),
        ("OPENLINEAGE_CONFIG", "absent.yml"),
        ("OPENLINEAGE_URL", "nowhere"),
    ] {
        let told = build(&project, "-B first", &[(name, value)]);
        told.ok();
        assert_eq!(told.text.matches("warning: ").count(), 1, "{name}: {}", told.text);
        told.has("warning: not all events of OpenLineage were sent: ");
        told.has("help: `atsaf help openlineage` tells");
    }
    let names: Vec<_> = fs::read_dir(project.at(""))
        .expect("read")
        .flatten()
        .map(|it| it.file_name())
        .collect();
    assert_eq!(names.len(), 4, "nothing was written besides: {names:?}");
}

#[test]
fn retries_on_the_command_line_stand_in_the_place_of_the_targets_own() {
    let project = project();
    build(&project, "", &[]).exits(1);
    assert_eq!(project.ran(), "first second second second");
    build(&project, "second --only --retries 0", &[]).exits(1);
    assert_eq!(project.ran(), "second");
    build(&project, "--retries 1", &[]).exits(1);
    assert_eq!(project.ran(), "second second");
    build(&project, "--retries 101", &[]).exits(2);
}
