//! The graph as JSON; `docs/export.md` tells every field.

use serde_json::{Value, json};

use super::{NodeState, Picture};
use crate::engine::graph::{Graph, How, TargetId};
use crate::engine::spec::{Action, ArtifactKind, Instance, Means, Origin, Param};

/// The whole graph.
#[must_use]
pub fn json(picture: &Picture<'_>) -> Value {
    let graph = picture.graph;
    let targets = picture.targets.iter().map(|id| {
        let mut target = target(graph, *id);
        let state = picture.state(*id);
        target["state"] = match state {
            None => Value::Null,
            Some(NodeState::Restorable) => "stale".into(),
            Some(state) => state.word().into(),
        };
        target["restorable"] = (state == Some(NodeState::Restorable)).into();
        target
    });
    json!({
        "project": graph.spec.name,
        "goals": picture.goals.iter().map(|id| graph.name(*id)).collect::<Vec<_>>(),
        "targets": targets.collect::<Vec<_>>(),
    })
}

/// One target with all that it reads, makes and depends on.
#[must_use]
pub fn target(graph: &Graph, id: TargetId) -> Value {
    let target = graph.target(id);
    let node = graph.node(id);
    let inputs = node.reads.iter().map(|read| {
        json!({
            "role": read.role,
            "path": read.path,
            "artifact": read.artifact.map(|artifact| graph.shown_name(artifact)),
            "target": read.artifact.map(|artifact| graph.name(artifact.target)),
            "how": how(read.how),
        })
    });
    let outputs = target.outputs.iter().map(|output| {
        let kind = match output.kind {
            ArtifactKind::File => "file",
            ArtifactKind::Directory => "directory",
        };
        json!({ "name": output.name, "path": output.path, "kind": kind })
    });
    let (shell, cwd) = match &target.action {
        Action::Builtin { .. } => (None, None),
        Action::Command(command) => (command.shell.as_deref(), command.cwd.as_deref()),
    };
    let (task, command) = match &target.action {
        Action::Builtin { task, version, .. } => (json!({ "name": task, "version": version }), Value::Null),
        Action::Command(command) => {
            let words = command.words.iter().map(|word| Value::from(word.text.as_str()));
            let text = if command.shell.is_some() {
                words.collect::<Vec<_>>().pop()
            } else {
                Some(words.collect())
            };
            (Value::Null, text.unwrap_or_default())
        }
    };
    let names = |ids: &[TargetId]| -> Value { ids.iter().map(|id| graph.name(*id)).collect() };
    json!({
        "name": target.name,
        "axes": target.instance.as_deref().map(axes),
        "desc": target.desc,
        "task": task,
        "command": command,
        "shell": shell,
        "cwd": cwd,
        "inputs": inputs.collect::<Vec<_>>(),
        "outputs": outputs.collect::<Vec<_>>(),
        "params": target.params.iter().map(|it| param(graph, it)).collect::<Vec<_>>(),
        "env": target.settings.env,
        "secrets": target.settings.secrets,
        "needs": names(&node.needs),
        "after": names(&node.after),
        "effect": target.settings.effect,
        "direct": target.settings.direct,
        "cache": target.settings.cache,
        "temp": target.settings.temp,
        "resume": target.settings.resume,
        "discover": target.settings.discover.map_or("off", Means::word),
        "retries": target.settings.retries,
        "retry_delay": target.settings.retry_delay.as_secs_f64(),
        "timeout": target.settings.timeout.map(|limit| limit.as_secs_f64()),
        "max_age": target.settings.timing.max_age.map(|age| age.as_secs_f64()),
        "every": target.settings.timing.every.map(|pause| pause.as_secs_f64()),
        "probe": target.settings.timing.probe.as_ref().map(|probe| &probe.words),
        "pools": target.settings.load.pools,
        "threads": target.settings.load.threads,
        "memory": target.settings.load.memory,
    })
}

/// The axes of an instance, with its values.
fn axes(instance: &Instance) -> Value {
    let axes = instance.axes.iter();
    axes.map(|(axis, value)| (axis.clone(), Value::from(value.as_str())))
        .collect()
}

/// One parameter with its value and where that comes from.
#[must_use]
pub fn param(graph: &Graph, param: &Param) -> Value {
    let is_of_file = |span| graph.spec.text.file_of(span).is_some();
    let origin = match param.origin {
        Origin::Atsaffile(span) if is_of_file(span) => "parameter file",
        Origin::Atsaffile(_) => "atsaffile",
        Origin::CommandLine(_) => "command line",
        Origin::Default => "default",
        Origin::Environment => "environment",
    };
    json!({
        "name": param.name,
        "value": param.value.to_json(),
        "type": param.value.type_name(),
        "origin": origin,
        "place": param.origin.span().map(|span| graph.spec.text.line_of(span)),
    })
}

fn how(how: How) -> &'static str {
    match how {
        How::Declared => "declared",
        How::Matched => "glob",
        How::Word => "command",
        How::Param => "parameter",
    }
}
