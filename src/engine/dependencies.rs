//! What a target's result depends on now, as far as it is declared.

use super::digest::Digest;
use super::fingerprint::{self, ActionFields, Fingerprint};
use super::graph::{ArtifactId, Graph, How, Read, TargetId};
use super::look::Look;
use super::plan::{PlanError, VerdictInputs};
use super::spec::{Action, Command, Target, Value};
use super::store::History;
use super::task::Tasks;
use super::timing::params_of;

/// What a target reads, without the words of its command that the command was seen to write itself.
///
/// Such a word counts again once something else than a run of the target, or of another one that writes it too, left it
/// as it is.
pub(crate) fn reads_of<'g>(inputs: VerdictInputs<'g>, id: TargetId, history: &History) -> Vec<&'g Read> {
    let reads = inputs.graph.node(id).reads.iter();
    let left = history.written();
    if left.is_empty() {
        return reads.collect();
    }
    let is_written = |read: &&Read| {
        let is_word = read.how == How::Word && read.artifact.is_none();
        if !is_word || !left.iter().any(|(path, _)| *path == read.path) {
            return false;
        }
        let Some(now) = today(inputs.disk, inputs.graph, &read.path) else {
            return false;
        };
        has(left, &read.path, now) || is_left_by_another(inputs, id, &read.path, now)
    };
    reads.filter(|read| !is_written(read)).collect()
}

fn has(written: &[(String, Digest)], path: &str, content: Digest) -> bool {
    written.iter().any(|(word, digest)| word == path && *digest == content)
}

/// Whether another target, whose command names a path too, was seen to leave there what is there now.
fn is_left_by_another(inputs: VerdictInputs<'_>, id: TargetId, path: &str, now: Digest) -> bool {
    let names_it = |other: &TargetId| match &inputs.graph.target(*other).action {
        Action::Command(command) => command.file_words.iter().any(|word| word == path),
        Action::Builtin { .. } => false,
    };
    let others = inputs
        .graph
        .order()
        .iter()
        .filter(|other| **other != id && names_it(other));
    let names: Vec<&str> = others.map(|other| inputs.graph.name(*other)).collect();
    let histories = inputs.past.histories(&names);
    histories.iter().any(|history| has(history.written(), path, now))
}

/// Gathers everything that a target's result depends on; also tells who must run before all of it is known.
pub(crate) fn take_fingerprint(
    context: VerdictInputs<'_>,
    id: TargetId,
    reads: &[&Read],
    known: &dyn Fn(ArtifactId) -> Option<Digest>,
) -> Result<(Fingerprint, Vec<TargetId>), Vec<PlanError>> {
    let target = context.graph.target(id);
    let unmatched = context.graph.node(id).unmatched.iter();
    let mut errors: Vec<PlanError> = unmatched
        .map(|glob| PlanError::Unmatched {
            target: id,
            pattern: glob.pattern.clone(),
            span: glob.span,
        })
        .collect();
    let mut waits_for = Vec::new();
    let mut inputs = Vec::with_capacity(reads.len());
    let is_command = matches!(target.action, Action::Command(_));
    for read in reads {
        let digest = match read.artifact {
            Some(artifact) => {
                let digest = known(artifact);
                if digest.is_none() {
                    waits_for.push(artifact.target);
                }
                digest
            }
            None => match context.disk.source(&read.path, context.graph.ignore_of(read)) {
                Ok(Some((digest, _))) => Some(digest),
                Ok(None) => {
                    let (path, span) = (read.path.clone(), read.span);
                    errors.push(PlanError::MissingSource {
                        target: id,
                        path: path.to_string(),
                        span,
                    });
                    None
                }
                Err(error) => {
                    let path = read.path.clone();
                    errors.push(PlanError::Unreadable {
                        target: id,
                        path: path.to_string(),
                        error,
                    });
                    None
                }
            },
        };
        inputs.push(fingerprint::InputField {
            role: read.role.clone(),
            path: is_command.then(|| read.path.clone()),
            content: digest,
        });
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    if !is_command {
        inputs = by_role(inputs);
    }
    waits_for.sort_unstable();
    waits_for.dedup();
    // A path among the parameters counts through what stands there.
    let values = target
        .params
        .iter()
        .filter(|param| !matches!(param.value, Value::Path(_)));
    let env = |name: &String| {
        (
            name.clone(),
            context.env.get(name).map(|value| Digest::of(value.as_bytes())),
        )
    };
    let outputs = target.outputs.iter().map(|output| fingerprint::OutputField {
        port: output.port.clone(),
        kind: output.kind,
        path: is_command.then(|| output.path.clone()),
    });
    let fingerprint = Fingerprint {
        format: fingerprint::FORMAT,
        action: action_fields(context.tasks, target),
        params: values.map(|param| (param.name.clone(), param.value.clone())).collect(),
        inputs,
        env: target.settings.env.iter().map(env).collect(),
        probe: None,
        outputs: outputs.collect(),
        direct: is_command && target.settings.direct,
    };
    Ok((fingerprint, waits_for))
}

/// What a target does, as far as its result depends on it.
fn action_fields(tasks: &Tasks, target: &Target) -> ActionFields {
    match &target.action {
        Action::Builtin { task, version, .. } => {
            let parts = tasks
                .get(task)
                .map(|task| task.parts(&params_of(target)))
                .unwrap_or_default();
            ActionFields::Builtin {
                name: task.to_string(),
                version: *version,
                parts: parts.into_iter().map(|part| (part.name, part.version)).collect(),
            }
        }
        Action::Command(Command {
            words,
            shell,
            cwd: Some(cwd),
            ..
        }) => ActionFields::Within {
            cwd: cwd.to_string(),
            words: words.iter().map(|word| word.text.to_string()).collect(),
            shell: shell.clone(),
        },
        Action::Command(command) => match &command.shell {
            Some(shell) => ActionFields::Shell {
                text: command.text(),
                shell: shell.clone(),
            },
            None => ActionFields::Words {
                words: command.words.iter().map(|word| word.text.to_string()).collect(),
            },
        },
    }
}

/// A built-in knows its inputs by role alone; several files of one role count as one.
fn by_role(mut inputs: Vec<fingerprint::InputField>) -> Vec<fingerprint::InputField> {
    inputs.sort_by(|a, b| a.role.cmp(&b.role));
    let mut merged: Vec<fingerprint::InputField> = Vec::with_capacity(inputs.len());
    for input in inputs {
        match merged.last_mut() {
            Some(last) if last.role == input.role => {
                let both = last.content.zip(input.content);
                last.content = both.map(|(one, two)| Digest::of(format!("{one} {two}").as_bytes()));
            }
            _ => merged.push(input),
        }
    }
    merged
}

/// What is at a path that an attempt was seen to use; what cannot be read counts as not there.
pub(super) fn today(disk: &dyn Look, graph: &Graph, path: &str) -> Option<Digest> {
    disk.source(path, graph.ignore())
        .ok()
        .flatten()
        .map(|(digest, _)| digest)
}
