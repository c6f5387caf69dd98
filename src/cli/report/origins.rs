//! Where each artifact came from, as the records tell it.

use std::time::{Duration, UNIX_EPOCH};

use super::cut;
use super::turns::second;
use crate::cli::setup::Project;
use crate::cli::show;
use crate::engine::graph::ArtifactId;
use crate::engine::spec::Action;
use crate::report::human;
use crate::report::page::Provenance;
use crate::report::reasons::brief;

/// Inputs of a target that are told one by one.
const INPUTS: usize = 30;

/// Where an artifact came from; `masked` hides secrets before anything is cut.
pub(super) fn of(project: &Project, artifact: ArtifactId, masked: &dyn Fn(&str) -> String) -> Provenance {
    let (graph, target) = (&project.graph, project.graph.target(artifact.target));
    let path = graph.path(artifact);
    let action = match &target.action {
        Action::Builtin { task, .. } => format!("uses {task}"),
        Action::Command(command) => format!("runs {}", command.text()),
    };
    let mut told = Provenance {
        artifact: graph.shown_name(artifact).into_owned(),
        path: path.to_owned(),
        target: target.name.to_string(),
        action: cut(&masked(&action)),
        ..Provenance::default()
    };
    let found = match project.files.digest(path) {
        Ok(found) => found,
        Err(error) => {
            told.state = format!("cannot be read: {error}");
            return told;
        }
    };
    let record = project.store.records.record(&target.name);
    let kept = record.as_ref().and_then(|record| record.artifact(graph.port(artifact)));
    let state = match (found, kept) {
        (None, None) => "not built yet",
        (None, Some(_)) if target.settings.temp => "gone once read, as it is temporary",
        (None, Some(_)) => "missing",
        (Some(_), None) => "not made by atsaf",
        (Some((bytes, _)), Some(kept)) if kept.bytes == bytes => "as built",
        (Some(_), Some(_)) => "altered since",
    };
    state.clone_into(&mut told.state);
    let (Some(record), Some(kept)) = (&record, kept) else {
        return told;
    };
    told.size = found.map(|_| kept.size);
    told.content = kept.content.short();
    told.run = record.run.short();
    if record.placed_by != record.run {
        told.restored_by = record.placed_by.short();
    }
    told.when = UNIX_EPOCH
        .checked_add(Duration::from_millis(record.ended))
        .map(second)
        .unwrap_or_default();
    told.took = human::duration(Duration::from_millis(record.duration));
    let made = project.store.records.result(record.id);
    told.why = made
        .as_ref()
        .map(|made| cut(&masked(&brief(&made.reasons))))
        .unwrap_or_default();
    let fingerprint = project.store.records.fingerprint(record);
    if let Some(fingerprint) = fingerprint {
        let params = fingerprint.params.iter();
        told.params = params
            .map(|(name, value)| (name.clone(), cut(&masked(&value.to_string()))))
            .collect();
        let paths = show::paths(made.as_ref());
        told.more_inputs = fingerprint.inputs.len().saturating_sub(INPUTS);
        let inputs = fingerprint.inputs.iter().take(INPUTS).map(|input| {
            let path = input.path.as_deref().or(paths.get(input.role.as_str()).copied());
            let content = input.content.map(|it| it.short()).unwrap_or_default();
            (input.role.to_string(), path.unwrap_or_default().to_owned(), content)
        });
        told.inputs = inputs.collect();
    }
    told
}
