//! Whole DAG files, and what is refused.

use std::fs;

use crate::cli::Exit;
use crate::cli::trial::Trial;

const ATSAFFILE: &str = r#"
[project]
name = "daily sums"
default = ["last"]

[params]
day = 2024-01-01
n = 1

[secrets]
TOKEN = { optional = true }

[airflow]
schedule = "15 5 * * mon-fri"
start_date = 2024-02-03
owner = "data"
tags = ["sums", "é\u200b"]
as_of = "day"
project = "/srv/it's \"here\""
connections = { TOKEN = "archive" }

[target.first]
desc = "reads {{ the }} archive"
run = "echo {{day}} {{n}} > {{output.one}}; mkdir -p {{output.two}}"
outputs = { one = "out/1.txt", two = "out/two/" }
secrets = ["TOKEN"]
retries = 3
retry_delay = "1m30s"
timeout = "500ms"

[target.last]
run = "cat {{inputs}} > {{output}}"
inputs = ["one"]
output = "out/last.txt"
after = ["aside"]

[target.aside]
run = "echo > {{output}}"
output = "out/aside.txt"
"#;

/// What stands between the line of one text and that of another.
fn between<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    let (_, rest) = text.split_once(from).expect("the beginning");
    rest.split_once(to).expect("the end").0
}

#[test]
fn a_dag_says_what_the_atsaffile_does_and_nothing_of_its_machine() {
    let trial = Trial::new(ATSAFFILE);
    let dag = trial.out(&["export", "airflow", "last", "aside"]);
    let (head, tasks) = dag.split_once("with DAG(\n").expect("a DAG");
    assert_eq!(
        tasks,
        r#"    dag_id="daily_sums",
    schedule="15 5 * * mon-fri",
    start_date=datetime(2024, 2, 3, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,
    tags=["sums", "é\u200b"],
    default_args={
        "owner": "data",
        "depends_on_past": False,
        "retries": 0,
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(hours=1),
    },
) as dag:
    task(
        "first",
        "first",
        ["out/1.txt", "out/two"],
        env={"TOKEN": "{{ conn.archive.password }}"},
        retries=3,
        retry_delay=timedelta(seconds=90),
        execution_timeout=timedelta(seconds=60.5),
        doc="reads {{ the }} archive",
    )
    task(
        "aside",
        "aside",
        ["out/aside.txt"],
    )
    task(
        "last",
        "last",
        ["out/last.txt"],
    )

    tasks["first"] >> tasks["last"]
    tasks["aside"] >> tasks["last"]
"#
    );
    assert!(head.starts_with("# Written by `atsaf export airflow` from the Atsaffile of daily sums: "));
    assert!(head.contains(r#"or "/srv/it's \"here\"""#), "{head}");
    let command = between(head, "COMMAND = ", "\n");
    assert_eq!(
        command,
        r#""exec \"$ATSAF_DAG_PROGRAM\" -C \"$ATSAF_DAG_PROJECT\" build \"$ATSAF_DAG_TARGET\" --only --retries 0 -s \"$ATSAF_DAG_AS_OF\"""#
    );
    let env = between(head, "        env={\n", "        },\n");
    assert_eq!(
        env,
        r#"            "ATSAF_DAG_PROGRAM": raw(PROGRAM),
            "ATSAF_DAG_PROJECT": raw(PROJECT),
            "ATSAF_DAG_TARGET": raw(targets),
            "ATSAF_DAG_AS_OF": "day={{ (data_interval_end | default(none) or dag_run.run_after) | ds }}",
            **(env or {}),
"#
    );
    assert_eq!(dag, trial.out(&["export", "airflow", "last", "aside"]), "it repeats");
}

#[test]
fn what_is_set_on_the_command_line_is_set_in_each_task() {
    let trial = Trial::new(ATSAFFILE);
    fs::copy(trial.at("Atsaffile"), trial.at("other")).expect("copied");
    let dag = trial.out(&["-f", "other", "-s", "n=2", "export", "airflow", "--openlineage"]);
    let env = between(&dag, "        env={\n", "            **(env or {}),\n");
    for line in [
        r#""ATSAF_DAG_FILE": raw("other"),"#,
        r#""ATSAF_DAG_SET_0": raw("n=2"),"#,
        r#""OPENLINEAGE_PARENT_ID": "{{ macros.OpenLineageProviderPlugin.lineage_parent_id(task_instance) }}","#,
        r#""OPENLINEAGE_ROOT_PARENT_ID": "{{ macros.OpenLineageProviderPlugin.lineage_root_parent_id(task_instance) }}","#,
    ] {
        assert!(env.contains(line), "{env}");
    }
    let command = between(&dag, "COMMAND = ", "\n");
    assert!(command.contains(r#" -f \"$ATSAF_DAG_FILE\" build "#), "{command}");
    assert!(command.contains(r#" -s \"$ATSAF_DAG_SET_0\" -s "#), "{command}");
    let said = trial.run(&["export", "airflow", "-s", "day=2024-05-05"]);
    assert_eq!(said.exit, Exit::Usage);
    assert_eq!(
        said.err,
        "error: `day` is set on the command line, and `as_of` of `[airflow]` gives it each run's date\n  help: leave out one of the two\n"
    );
}

#[test]
fn a_task_may_be_all_that_has_to_do_with_each_other() {
    let trial = Trial::new(
        r#"
[target.a]
run = "echo > {{output}}"
output = "a"
[target.lonely]
run = "echo > {{output}}"
output = "lonely"
retries = 2
[target.b]
run = "echo > {{output}}"
output = "b"
[target.c]
run = "cat {{inputs}} > {{output}}"
inputs = ["a", "b"]
output = "c"
[target.d]
run = "cat {{inputs}} > {{output}}"
inputs = ["a"]
output = "d"
"#,
    );
    let tasks = |grain: &str| {
        let dag = trial.out(&["export", "airflow", "--tasks", grain]);
        assert!(dag.contains("build $ATSAF_DAG_TARGETS\""), "{dag}");
        dag.split_once(") as dag:\n").expect("tasks").1.to_owned()
    };
    assert_eq!(
        tasks("group"),
        r#"    task(
        "c",
        "c d",
        ["a", "b", "c", "d"],
    )
    task(
        "lonely",
        "lonely",
        ["lonely"],
    )
"#
    );
    assert_eq!(
        tasks("all"),
        r#"    task(
        "build",
        "lonely c d",
        ["a", "lonely", "b", "c", "d"],
    )
"#
    );
}

#[test]
fn a_file_is_written_whole_and_no_other_is_overwritten() {
    let trial = Trial::new(ATSAFFILE);
    let write = || trial.run(&["export", "airflow", "-o", "dag.py"]);
    assert_eq!(write().err, "wrote `dag.py`\n");
    let text = fs::read_to_string(trial.at("dag.py")).expect("written");
    assert_eq!(text, trial.out(&["export", "airflow"]));
    assert_eq!(write().err, "`dag.py` says the same already\n");
    trial.write("dag.py", &text.replace("last.txt", "first.txt"));
    assert_eq!(write().err, "wrote `dag.py`\n");
    assert_eq!(fs::read_to_string(trial.at("dag.py")).expect("written"), text);
    trial.write("dag.py", "import mine\n");
    let said = write();
    assert_eq!(said.exit, Exit::Usage);
    assert_eq!(
        said.err,
        "error: `dag.py` is there, and was not written by this command\n  help: choose another file, or remove that one first\n"
    );
    assert_eq!(fs::read_to_string(trial.at("dag.py")).expect("there"), "import mine\n");
    let said = trial.run(&["export", "airflow", "-o", "dags/dag.py"]);
    assert_eq!(said.exit, Exit::Usage);
    assert!(
        said.err.contains("help: name a file in a directory that is there"),
        "{}",
        said.err
    );
    let names: Vec<_> = fs::read_dir(trial.at("."))
        .expect("read")
        .flatten()
        .map(|it| it.file_name())
        .collect();
    assert_eq!(names.len(), 2, "nothing else is left: {names:?}");
}

#[test]
fn the_tasks_of_an_instance_are_a_group() {
    let trial = Trial::new(
        r#"
[matrix]
region = ["A", "B"]
fuel = ["x"]
[target.all]
run = "cat {{inputs}} > {{output}}"
inputs = ["fit@*"]
output = "all"
[target.get]
each = ["region", "fuel"]
run = "echo {{fuel}} > {{output}}"
output = "get/{{region}}"
[target.fit]
each = ["fuel", "region"]
run = "cat {{input.get}} > {{output}}"
inputs = ["get"]
output = "fit/{{region}}"
[target.A_x]
each = ["region"]
run = "echo > {{output}}"
output = "alone/{{region}}"
"#,
    );
    let dag = trial.out(&["export", "airflow"]);
    assert!(
        dag.contains("    from airflow.sdk import DAG, Asset, TaskGroup\n"),
        "{dag}"
    );
    assert!(
        dag.contains("\n    from airflow.utils.task_group import TaskGroup\n"),
        "{dag}"
    );
    let tasks = dag.split_once(") as dag:\n").expect("tasks").1;
    assert_eq!(tasks.matches("with TaskGroup").count(), 2, "{tasks}");
    for (group, own, other) in [("A_x", "fit_x_A", "get_A_x"), ("B_x", "fit_x_B", "get_B_x")] {
        let group = tasks
            .find(&format!("    with TaskGroup(\"{group}\", prefix_group_id=False):"))
            .expect("a group");
        for task in [own, other] {
            let inside = tasks
                .find(&format!("\n        task(\n            \"{task}\",\n"))
                .expect("a task in a group");
            assert!(inside > group, "{task}");
        }
    }
    assert!(tasks.contains("\n    task(\n        \"A_x_A\",\n"), "alone: {tasks}");
    let whole = trial.out(&["export", "airflow", "--tasks", "all"]);
    assert!(!whole.contains("TaskGroup"), "{whole}");
}

#[test]
fn names_that_airflow_does_not_take_are_replaced_by_ones_that_it_does() {
    let long = "x".repeat(300);
    let trial = Trial::new(&format!(
        "[project]\nname = \"Übung\\n1\"\n[target.{long}]\nrun = \"echo > {{{{output}}}}\"\noutput = \"a\"\n"
    ));
    let dag = trial.out(&["export", "airflow"]);
    let id = between(&dag, "    task(\n        \"", "\",\n");
    assert_eq!(id.len(), 217, "{id}");
    assert!(
        dag.contains(&format!("        \"{long}\",\n")),
        "the target's own name is kept"
    );
    assert!(dag.contains("    dag_id=\"_bung_1\",\n"), "{dag}");
    assert!(dag.starts_with("# Written by `atsaf export airflow` from the Atsaffile of Übung\\u{a}1: "));
}
