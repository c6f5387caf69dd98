//! A DAG file for Airflow 2.4 to 3: static text that calls `atsaf build`, the same bytes for the same graph.
//!
//! Whatever a name or a path holds reaches the command as an environment variable, and Airflow's templates as raw text:
//! so the command is one fixed line that needs no quoting. Values that only a run knows (its date, a connection) are the
//! templates that stand in the file.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::time::Duration;

use crate::engine::digest::Digest;
use crate::engine::graph::{Graph, TargetId};
use crate::outward::{visible_line, without_credentials};

/// The first line of every DAG file that atsaf writes, up to the project's name.
pub const MARK: &str = "# Written by `atsaf export airflow`";

/// Most characters of a task's name that are the target's; Airflow takes 250.
const LONGEST_ID: usize = 200;

/// What a task gets beyond the target's own time: atsaf ends an attempt in time, and says more about it than Airflow.
const GRACE: Duration = Duration::from_mins(1);

/// The date of a run, the same in all versions: `ds` is the day before in Airflow 2, and in Airflow 3 not always there.
const DATE: &str = "{{ (data_interval_end | default(none) or dag_run.run_after) | ds }}";

/// What the provider of OpenLineage in Airflow calls the run of a task, and that of the DAG.
const PARENTS: [(&str, &str); 2] = [
    (
        "OPENLINEAGE_PARENT_ID",
        "{{ macros.OpenLineageProviderPlugin.lineage_parent_id(task_instance) }}",
    ),
    (
        "OPENLINEAGE_ROOT_PARENT_ID",
        "{{ macros.OpenLineageProviderPlugin.lineage_root_parent_id(task_instance) }}",
    ),
];

/// How many targets are one task of Airflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grain {
    /// Each is one.
    Target,
    /// All that have to do with each other are one.
    Group,
    /// All are one.
    All,
}

/// What is exported.
pub struct Export<'a> {
    /// The targets that goals mean.
    pub goals: &'a [TargetId],
    /// How many targets are one task.
    pub grain: Grain,
    /// The project's directory on the workers, absolute.
    pub project: &'a str,
    /// The Atsaffile's name, where it is not the usual one.
    pub file: Option<&'a str>,
    /// Parameters that each task sets.
    pub set: &'a [(String, String)],
    /// Whether events of OpenLineage name the run of Airflow that they belong to.
    pub openlineage: bool,
}

/// One task of Airflow.
struct DagTask {
    id: String,
    /// What it builds: a target, or the goals of a group.
    goals: Vec<TargetId>,
    /// All targets that it makes.
    targets: Vec<TargetId>,
    /// Tasks that it runs after, by their places.
    after: BTreeSet<usize>,
    /// The task group of its instance, if that has several tasks.
    group: Option<String>,
}

/// The text of the DAG file.
#[must_use]
pub fn dag(graph: &Graph, export: &Export<'_>) -> String {
    let tasks = tasks(graph, export);
    let has_groups = tasks.iter().any(|task| task.group.is_some());
    let mut out = head(graph, export, has_groups);
    let mut open: Option<&String> = None;
    for task in in_groups(&tasks) {
        if let Some(group) = task.group.as_ref().filter(|group| open != Some(*group)) {
            let _ = writeln!(out, "    with TaskGroup({}, prefix_group_id=False):", text(group));
        }
        open = task.group.as_ref();
        let written = task_text(graph, export.grain, task);
        let margin = if task.group.is_some() { "    " } else { "" };
        out.extend(written.lines().map(|line| format!("{margin}{line}\n")));
    }
    let arrows = tasks.iter().flat_map(|task| {
        let before = task.after.iter().map(|at| &tasks[*at].id);
        before.map(|before| (before, &task.id))
    });
    for (at, (before, after)) in arrows.enumerate() {
        let space = if at == 0 { "\n" } else { "" };
        let _ = writeln!(out, "{space}    tasks[{}] >> tasks[{}]", text(before), text(after));
    }
    out
}

/// The name of the DAG: its own, or the project's as far as Airflow takes it.
#[must_use]
pub fn dag_id(graph: &Graph) -> String {
    let spec = &graph.spec;
    let from_project = || match spec.name.trim() {
        "" => "atsaf".to_owned(),
        name => plain_id(name),
    };
    spec.airflow.id.clone().unwrap_or_else(from_project)
}

fn tasks(graph: &Graph, export: &Export<'_>) -> Vec<DagTask> {
    let needed = graph.needed(export.goals);
    let groups: Vec<Vec<TargetId>> = match export.grain {
        Grain::Target => needed.iter().map(|id| vec![*id]).collect(),
        Grain::Group => groups(graph, &needed),
        Grain::All => vec![needed],
    };
    let groups: Vec<Vec<TargetId>> = groups.into_iter().filter(|group| !group.is_empty()).collect();
    let of: HashMap<TargetId, usize> = (groups.iter().enumerate())
        .flat_map(|(at, group)| group.iter().map(move |id| (*id, at)))
        .collect();
    let mut ids = BTreeSet::new();
    let task = |(at, targets): (usize, Vec<TargetId>)| {
        // What no other target of the task needs.
        let is_last = |id: &TargetId| !graph.node(*id).feeds.iter().any(|next| targets.contains(next));
        let goals: Vec<TargetId> = targets.iter().copied().filter(is_last).collect();
        let name = match export.grain {
            Grain::All => "build",
            Grain::Target | Grain::Group => graph.name(goals[0]),
        };
        let before = targets.iter().flat_map(|id| {
            let node = graph.node(*id);
            node.needs.iter().chain(&node.after)
        });
        let after = before
            .filter_map(|id| of.get(id).copied())
            .filter(|it| *it != at)
            .collect();
        DagTask {
            id: own_id(name, &mut ids),
            goals,
            targets,
            after,
            group: None,
        }
    };
    let mut tasks: Vec<DagTask> = groups.into_iter().enumerate().map(task).collect();
    if export.grain == Grain::Target {
        group_instances(graph, &mut tasks, &mut ids);
    }
    tasks
}

/// Puts the tasks of one instance, which are of the same values, into a group, if it has several.
fn group_instances(graph: &Graph, tasks: &mut [DagTask], ids: &mut BTreeSet<String>) {
    let instance = |task: &DagTask| Some(graph.target(*task.goals.first()?).instance.as_ref()?.axes.clone());
    let sorted = |mut axes: Vec<(String, String)>| {
        axes.sort();
        axes
    };
    let mut counts: BTreeMap<Vec<(String, String)>, usize> = BTreeMap::new();
    for axes in tasks.iter().filter_map(instance) {
        *counts.entry(sorted(axes)).or_default() += 1;
    }
    let mut names: BTreeMap<Vec<(String, String)>, String> = BTreeMap::new();
    for task in tasks {
        let Some(axes) = instance(task) else { continue };
        let values: Vec<&str> = axes.iter().map(|(_, value)| value.as_str()).collect();
        let name = values.join(",");
        let axes = sorted(axes);
        if counts[&axes] > 1 {
            let id = names.entry(axes).or_insert_with(|| own_id(&name, ids));
            task.group = Some(id.clone());
        }
    }
}

/// The tasks without a group, then those of each group together.
fn in_groups(tasks: &[DagTask]) -> Vec<&DagTask> {
    let mut first: HashMap<&str, usize> = HashMap::new();
    for (at, task) in tasks.iter().enumerate() {
        if let Some(group) = &task.group {
            first.entry(group).or_insert(at);
        }
    }
    let mut ordered: Vec<&DagTask> = tasks.iter().collect();
    ordered.sort_by_key(|task| task.group.as_deref().map(|group| first[group]));
    ordered
}

/// The targets in parts that have nothing to do with each other, each in build order.
fn groups(graph: &Graph, needed: &[TargetId]) -> Vec<Vec<TargetId>> {
    let mut groups: Vec<Vec<TargetId>> = Vec::new();
    for id in needed {
        let node = graph.node(*id);
        let before: Vec<&TargetId> = node.needs.iter().chain(&node.after).collect();
        let (mut own, others): (Vec<_>, Vec<_>) = groups
            .into_iter()
            .partition(|group: &Vec<TargetId>| group.iter().any(|other| before.contains(&other)));
        let mut joined = own.drain(..).flatten().collect::<Vec<_>>();
        joined.push(*id);
        groups = others;
        groups.push(joined);
    }
    let place: HashMap<TargetId, usize> = needed.iter().enumerate().map(|(at, id)| (*id, at)).collect();
    for group in &mut groups {
        group.sort_by_key(|id| place[id]);
    }
    groups.sort_by_key(|group| place[&group[0]]);
    groups
}

/// A name that Airflow takes and no other task has.
fn own_id(name: &str, taken: &mut BTreeSet<String>) -> String {
    let plain = plain_id(name);
    let mut id = plain.clone();
    let mut number = 1;
    while !taken.insert(id.clone()) {
        number += 1;
        id = format!("{plain}_{number}");
    }
    id
}

/// A name of the characters that Airflow takes; one that is too long ends in a digest of itself.
fn plain_id(name: &str) -> String {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let plain: String = name.chars().map(|c| if is_allowed(c) { c } else { '_' }).collect();
    match plain.get(..LONGEST_ID) {
        Some(start) if plain.len() > LONGEST_ID => {
            let digest = Digest::of(name.as_bytes()).hex();
            format!("{start}_{}", &digest[..16])
        }
        _ => plain,
    }
}

/// The command that every task runs, and the lines of Python that give it its environment.
fn command(graph: &Graph, export: &Export<'_>) -> (String, String) {
    let (variable, goals) = match export.grain {
        // The target's retries are those of the task, which Airflow shows and counts.
        Grain::Target => ("ATSAF_DAG_TARGET", "\"$ATSAF_DAG_TARGET\" --only --retries 0"),
        Grain::Group | Grain::All => ("ATSAF_DAG_TARGETS", "$ATSAF_DAG_TARGETS"),
    };
    let mut command = "exec \"$ATSAF_DAG_PROGRAM\" -C \"$ATSAF_DAG_PROJECT\"".to_owned();
    let mut env = vec![
        ("ATSAF_DAG_PROGRAM".to_owned(), "raw(PROGRAM)".to_owned()),
        ("ATSAF_DAG_PROJECT".to_owned(), "raw(PROJECT)".to_owned()),
        (variable.to_owned(), "raw(targets)".to_owned()),
    ];
    if let Some(file) = export.file {
        command.push_str(" -f \"$ATSAF_DAG_FILE\"");
        env.push(("ATSAF_DAG_FILE".to_owned(), format!("raw({})", text(file))));
    }
    let _ = write!(command, " build {goals}");
    for (at, (name, value)) in export.set.iter().enumerate() {
        let _ = write!(command, " -s \"$ATSAF_DAG_SET_{at}\"");
        let set = format!("raw({})", text(&format!("{name}={value}")));
        env.push((format!("ATSAF_DAG_SET_{at}"), set));
    }
    if let Some(name) = &graph.spec.airflow.as_of {
        command.push_str(" -s \"$ATSAF_DAG_AS_OF\"");
        env.push(("ATSAF_DAG_AS_OF".to_owned(), text(&format!("{name}={DATE}"))));
    }
    let parents = PARENTS.iter().filter(|_| export.openlineage);
    env.extend(parents.map(|(name, value)| ((*name).to_owned(), text(value))));
    let lines = env
        .iter()
        .map(|(name, value)| format!("            {}: {value},\n", text(name)));
    (command, lines.collect())
}

/// All up to the tasks.
fn head(graph: &Graph, export: &Export<'_>, has_groups: bool) -> String {
    let dag = &graph.spec.airflow;
    let of = match graph.spec.name.as_str() {
        "" => String::new(),
        name => format!(" from the Atsaffile of {}", visible_line(name)),
    };
    let schedule = dag.schedule.as_deref().map_or_else(|| "None".to_owned(), text);
    let date = dag.start_date.split('-').map(|part| part.trim_start_matches('0'));
    let date: Vec<&str> = date.collect();
    let tags: Vec<String> = dag.tags.iter().map(|tag| text(tag)).collect();
    let (command, env) = command(graph, export);
    let (group, group_2) = match has_groups {
        true => (", TaskGroup", "\n    from airflow.utils.task_group import TaskGroup"),
        false => ("", ""),
    };
    format!(
        r#"{MARK}{of}: change that and write this file again.
# It says nothing that differs from one reading to the next, and runs nothing when it is read.

import os
from datetime import datetime, timedelta, timezone
from pathlib import PurePosixPath

try:  # Airflow 3
    from airflow.sdk import DAG, Asset{group}
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.datasets import Dataset as Asset{group_2}
try:  # a package of its own, which Airflow 2 may have
    from airflow.providers.standard.operators.bash import BashOperator
except ImportError:
    from airflow.operators.bash import BashOperator

PROJECT = os.environ.get("ATSAF_DAG_PROJECT") or {project}
PROGRAM = os.environ.get("ATSAF_DAG_PROGRAM") or "atsaf"
COMMAND = {command}


def raw(value):
    """A text in which Airflow looks for no template."""
    return "{{% raw %}}" + value + "{{% endraw %}}"


tasks = {{}}


def task(task_id, targets, makes, env=None, **options):
    tasks[task_id] = BashOperator(
        task_id=task_id,
        bash_command=COMMAND,
        append_env=True,
        env={{
{env}            **(env or {{}}),
        }},
        outlets=[Asset(PurePosixPath(PROJECT, path).as_uri()) for path in makes],
        **options,
    )


with DAG(
    dag_id={id},
    schedule={schedule},
    start_date=datetime({date}, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,
    tags=[{tags}],
    default_args={{
        "owner": {owner},
        "depends_on_past": False,
        "retries": 0,
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(hours=1),
    }},
) as dag:
"#,
        project = text(export.project),
        command = text(&command),
        id = text(&dag_id(graph)),
        date = date.join(", "),
        tags = tags.join(", "),
        owner = text(&dag.owner),
    )
}

fn task_text(graph: &Graph, grain: Grain, task: &DagTask) -> String {
    let mut out = String::new();
    let goals: Vec<&str> = task.goals.iter().map(|id| graph.name(*id)).collect();
    let outputs = task.targets.iter().flat_map(|id| &graph.target(*id).outputs);
    let makes: Vec<String> = outputs.map(|output| text(output.path.trim_end_matches('/'))).collect();
    let _ = write!(
        out,
        "    task(\n        {id},\n        {goals},\n        [{makes}],\n",
        id = text(&task.id),
        goals = text(&goals.join(" ")),
        makes = makes.join(", ")
    );
    let secrets = task.targets.iter().flat_map(|id| &graph.target(*id).settings.secrets);
    let connections: BTreeMap<&String, &String> = secrets
        .filter_map(|secret| graph.spec.airflow.connections.get_key_value(secret))
        .collect();
    if !connections.is_empty() {
        let value = |connection: &String| text(&format!("{{{{ conn.{connection}.password }}}}"));
        let pairs: Vec<String> = connections
            .into_iter()
            .map(|(secret, connection)| format!("{}: {}", text(secret), value(connection)))
            .collect();
        let _ = writeln!(out, "        env={{{}}},", pairs.join(", "));
    }
    if let (Grain::Target, [id]) = (grain, task.targets.as_slice()) {
        let target = graph.target(*id);
        if target.settings.retries > 0 {
            let delay = target.settings.retry_delay.as_secs_f64();
            let _ = write!(
                out,
                "        retries={},\n        retry_delay=timedelta(seconds={delay}),\n",
                target.settings.retries
            );
        }
        if let Some(limit) = target.settings.timeout {
            let limit = (limit + GRACE).as_secs_f64();
            let _ = writeln!(out, "        execution_timeout=timedelta(seconds={limit}),");
        }
        if let Some(desc) = &target.desc {
            let _ = writeln!(out, "        doc={},", text(&without_credentials(desc)));
        }
    }
    out.push_str("    )\n");
    out
}

/// A string of Python, in which all that may not be seen is written out.
fn text(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 2);
    out.push('"');
    for c in value.chars() {
        let _ = match c {
            '"' | '\\' => write!(out, "\\{c}"),
            ' '..='~' => write!(out, "{c}"),
            c if c.is_alphanumeric() => write!(out, "{c}"),
            c if u32::from(c) <= 0xFFFF => write!(out, "\\u{:04x}", u32::from(c)),
            c => write!(out, "\\U{:08x}", u32::from(c)),
        };
    }
    out.push('"');
    out
}
