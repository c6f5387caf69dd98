//! `atsaf list`: targets with what they do, read and make, and the built-in tasks with their parameters.

mod tasks;

use std::time::{Duration, SystemTime};

use serde_json::json;

use super::setup::Project;
use super::{CommandError, Exit, Session};
use crate::engine::clock;
use crate::engine::graph::{Graph, How, Read, TargetId};
use crate::engine::spec::{Action, ArtifactKind, From, Means, Origin, Param, SHELL, SHELL_PAST_FAILURES, Target};
use crate::engine::store::StoredResult;
use crate::export;
use crate::outward::visible_line;
use crate::report::discovered;
use crate::report::human;
use crate::report::ink::{Ink, Tone};
use crate::report::instances::{grouped, in_common, name_of};
use crate::report::reasons::seen_by;
use crate::report::table::TextTable;

/// List targets, what they read and make, and their parameters
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only these: targets, artifacts, artifacts' paths or aliases
    #[arg(value_name = "GOAL", conflicts_with = "tasks")]
    goals: Vec<String>,
    /// List the built-in tasks instead, with their parameters
    #[arg(long)]
    tasks: bool,
}

/// Lists.
pub(super) fn run(args: &Args, session: &Session) -> Result<Exit, CommandError> {
    if args.tasks {
        return Ok(tasks::run(session));
    }
    let project = session.load()?;
    let graph = &project.graph;
    let mut ids = match args.goals.is_empty() {
        true => graph.order().to_vec(),
        false => project.goals(&args.goals)?,
    };
    // As they are written, which is how their author thinks of them.
    ids.sort_unstable();
    if session.screen.json() {
        session.screen.print_json(&json!({
            "project": graph.spec.name,
            "params": graph.spec.params.iter().map(|it| export::json::param(graph, it)).collect::<Vec<_>>(),
            "targets": ids.iter().map(|id| json_of(&project, *id)).collect::<Vec<_>>(),
        }));
        return Ok(Exit::Done);
    }
    let ink = session.screen.out_ink();
    let groups = grouped(ids, graph, session.common.expand, |id| *id, |_| ());
    let listed: Vec<String> = groups.iter().map(|group| target(&project, group, ink)).collect();
    session.print_folded(&listed.join("\n"));
    Ok(Exit::Done)
}

/// A target, or many instances of one by what they have in common.
fn target(project: &Project, group: &[TargetId], ink: Ink) -> String {
    let (graph, id) = (&project.graph, group[0]);
    let target = graph.target(id);
    let name = match group.len() {
        1 => target.name.to_string(),
        count => format!("{} ({count})", name_of(group, graph)),
    };
    let mut heading = ink.paint(Tone::Strong, &name);
    if let Some(desc) = &target.desc {
        heading = format!("{heading}  {}", visible_line(desc));
    }
    let mut rows = ListRows::default();
    match &target.action {
        Action::Builtin { task, version, .. } => rows.add("uses", &[task.as_str(), &format!("version {version}")]),
        Action::Command(command) => {
            for line in command.text().trim().lines() {
                rows.add("runs", &[line]);
            }
            if let Some(shell) = command.shell.as_deref().filter(|shell| !is_usual(shell)) {
                rows.add("shell", &[shell.join(" ").as_str()]);
            }
            if let Some(cwd) = &command.cwd {
                rows.add("in", &[&format!("{cwd}/")]);
            }
        }
    }
    for read in &graph.node(id).reads {
        let path = if read.path == read.role { "" } else { &read.path };
        rows.add("reads", &[&read.role, path, &origin_of_read(graph, target, read)]);
    }
    if let Some(record) = project.store.records.record(project.graph.name(id)) {
        let how = used_when(&record, clock::now());
        for (name, what) in discovered::lines(&record) {
            rows.add("uses", &[&name, &what, &how]);
        }
    }
    for output in &target.outputs {
        let slash = if output.kind == ArtifactKind::Directory {
            "/"
        } else {
            ""
        };
        rows.add("makes", &[&output.name, &format!("{}{slash}", output.path)]);
    }
    for param in &target.params {
        rows.add(
            "params",
            &[&param.name, &param.value.to_string(), &origin_of_param(graph, param)],
        );
    }
    for (label, names) in [("env", &target.settings.env), ("secrets", &target.settings.secrets)] {
        for name in names {
            rows.add(label, &[name.as_str()]);
        }
    }
    for goal in &target.settings.after {
        rows.add("after", &[goal.name.as_str()]);
    }
    for habit in habits(target) {
        rows.add("also", &[habit.as_str()]);
    }
    if group.len() > 1 {
        let cells = rows.0.iter_mut().flat_map(|(_, cells)| cells);
        cells.for_each(|cell| *cell = in_common(cell, id, graph));
    }
    format!("{heading}\n{}", rows.draw(ink))
}

/// A target with what its last attempt was seen to use.
fn json_of(project: &Project, id: TargetId) -> serde_json::Value {
    let mut target = export::json::target(&project.graph, id);
    target["discovered"] = project
        .store
        .records
        .record(project.graph.name(id))
        .as_ref()
        .map(discovered::json)
        .unwrap_or_default();
    target
}

/// By which means it was seen what a result used, and when.
fn used_when(result: &StoredResult, now: SystemTime) -> String {
    let (run, ago) = (result.run.short(), human::ago(result.run.time(), now));
    format!("{} in run {run} ({ago})", seen_by(result.seen_by))
}

/// Rows with a label, which is written once for all of its rows.
#[derive(Default)]
struct ListRows(Vec<(&'static str, Vec<String>)>);

impl ListRows {
    fn add(&mut self, label: &'static str, cells: &[&str]) {
        self.0
            .push((label, cells.iter().map(|cell| (*cell).to_owned()).collect()));
    }

    fn draw(self, ink: Ink) -> String {
        // One table a label, so that a long command does not push the paths away; the labels are of one width.
        let width = self.0.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
        let mut out = String::new();
        for group in self.0.chunk_by(|a, b| a.0 == b.0) {
            let mut table = TextTable::new();
            for (at, (label, cells)) in group.iter().enumerate() {
                let label = if at == 0 { *label } else { "" };
                let mut row = vec![(Tone::Faint, format!("  {label:width$}"))];
                row.extend(cells.iter().enumerate().map(|(at, cell)| {
                    let tone = if at == 2 { Tone::Faint } else { Tone::Plain };
                    (tone, cell.clone())
                }));
                table.row(row);
            }
            out += &table.draw(ink);
        }
        out
    }
}

/// Whether a shell is the one that runs a text where none is written.
fn is_usual(shell: &[String]) -> bool {
    *shell == SHELL || *shell == SHELL_PAST_FAILURES
}

/// How a file came to be an input, where it was not simply declared as such.
fn origin_of_read(graph: &Graph, target: &Target, read: &Read) -> String {
    if let Some(artifact) = read.artifact {
        let maker = format!("made by {}", graph.name(artifact.target));
        let implied = match read.how {
            How::Word => ", a word of the command",
            How::Param => ", the path in a parameter",
            How::Declared | How::Matched => "",
        };
        return maker + implied;
    }
    match read.how {
        How::Declared => "source".to_owned(),
        How::Matched => {
            let pattern = target.inputs.iter().find_map(|input| match &input.from {
                From::Glob(pattern) if input.span == read.span => Some(pattern.as_str()),
                _ => None,
            });
            format!("source, matches {}", pattern.unwrap_or("the glob"))
        }
        How::Word => "source, a word of the command".to_owned(),
        How::Param => "source, the path in a parameter".to_owned(),
    }
}

fn origin_of_param(graph: &Graph, param: &Param) -> String {
    let text = &graph.spec.text;
    match param.origin {
        Origin::Atsaffile(span) => text.line_of(span),
        Origin::CommandLine(Some(span)) => format!("command line, over {}", text.line_of(span)),
        Origin::CommandLine(None) => "command line".to_owned(),
        Origin::Default => "the task's default".to_owned(),
        Origin::Environment => "the environment".to_owned(),
    }
}

/// What is out of the ordinary about how a target is run.
fn habits(target: &Target) -> Vec<String> {
    let mut habits = Vec::new();
    if target.settings.effect {
        habits.push("acts outside the project: never restored, only run".to_owned());
    }
    if target.settings.direct {
        habits.push("writes the declared paths itself".to_owned());
    }
    let runs_commands = target.action.commands().next().is_some();
    match target.settings.discover {
        Some(Means::Trace) => habits.push("runs under strace, which sees what it uses".to_owned()),
        Some(Means::Depfile) => habits.push("lists what it uses in a depfile".to_owned()),
        None if runs_commands => habits.push("nothing that it uses is discovered".to_owned()),
        Some(Means::Python) | None => {}
    }
    if target.settings.resume {
        habits.push("goes on with what a failed attempt left".to_owned());
    }
    if !target.settings.metrics.is_empty() {
        let of = |port: &String| target.outputs.iter().find(|output| output.port == *port);
        let names: Vec<&str> = target
            .settings
            .metrics
            .iter()
            .filter_map(of)
            .map(|it| it.name.as_str())
            .collect();
        habits.push(format!("metrics in {}", names.join(", ")));
    }
    if target.settings.temp {
        habits.push("goes once all that reads it is built".to_owned());
    }
    if !target.settings.cache && !target.settings.temp {
        habits.push("no copy in the store".to_owned());
    }
    if target.settings.retries > 0 {
        let count = match target.settings.retries {
            1 => "1 retry".to_owned(),
            many => format!("{many} retries"),
        };
        let delay = match target.settings.retry_delay {
            Duration::ZERO => "at once".to_owned(),
            delay => format!("the first after {}", human::duration(delay)),
        };
        habits.push(format!("{count}, {delay}"));
    }
    if let Some(limit) = target.settings.timeout {
        habits.push(format!("at most {} an attempt", human::duration(limit)));
    }
    if !target.settings.load.pools.is_empty() {
        habits.push(format!("takes a place in {}", target.settings.load.pools.join(", ")));
    }
    if let Some(threads) = target.settings.load.threads {
        habits.push(format!("keeps {} busy", human::count(threads as usize, "thread")));
    }
    if target.settings.load.memory > 0 {
        habits.push(format!("needs {} of memory", human::size(target.settings.load.memory)));
    }
    if let Some(age) = target.settings.timing.max_age {
        habits.push(format!("a result counts for {}", human::duration(age)));
    }
    if let Some(probe) = &target.settings.timing.probe {
        habits.push(format!("probe: {}", probe.words.join(" ")));
    }
    if let Some(pause) = target.settings.timing.every {
        habits.push(format!("new data waits for {} after a success", human::duration(pause)));
    }
    habits
}
