//! What a result was seen to use, as it is today.

use std::collections::BTreeMap;

use crate::engine::dependencies::today;
use crate::engine::digest::Digest;
use crate::engine::fingerprint::{Field, FieldValue};
use crate::engine::graph::Graph;
use crate::engine::look::{Look, Past};
use crate::engine::plan::VerdictInputs;
use crate::engine::reason::Difference;
use crate::engine::result_id::{Discovered, Inherited, Installed};
use crate::engine::spec::{Program, Target};
use crate::engine::store::StoredResult;

/// Where it is looked.
#[derive(Clone, Copy)]
pub(crate) struct Today<'a> {
    disk: &'a dyn Look,
    graph: &'a Graph,
}

impl<'a> Today<'a> {
    pub(crate) fn new(inputs: VerdictInputs<'a>) -> Self {
        Self {
            disk: inputs.disk,
            graph: inputs.graph,
        }
    }

    /// What a result was seen to use and is not as it was.
    pub(crate) fn moved(&self, result: &StoredResult) -> Vec<Difference> {
        let value = |content: Option<Digest>| Some(content.map_or(FieldValue::Absent, FieldValue::Digest));
        let of_file = |before: &Discovered| {
            let now = self.content(&before.path, &result.written);
            (now != before.content).then(|| Difference {
                field: Field::Discovered(before.path.clone()),
                before: value(before.content),
                after: value(now),
            })
        };
        let text = |version: &str| FieldValue::Text(version.to_owned().into());
        let of_installed = |before: &Installed| {
            let now = self.version(before);
            (now.as_ref() != Some(&before.version)).then(|| Difference {
                field: Field::Installed(before.name.clone()),
                before: Some(text(&before.version)),
                after: Some(now.map_or(FieldValue::Absent, |version| text(&version))),
            })
        };
        let files = result.discovered.iter().filter_map(of_file);
        files.chain(result.installed.iter().filter_map(of_installed)).collect()
    }

    /// Whether all that attempts were seen to use is as it was.
    pub(crate) fn is_as(&self, (discovered, installed): &Inherited) -> bool {
        let is_same = |used: &Discovered| self.content(&used.path, &[]) == used.content;
        let is_there = |used: &Installed| self.version(used).as_ref() == Some(&used.version);
        discovered.iter().all(is_same) && installed.iter().all(is_there)
    }

    /// The versions of what is installed and was seen to be used by the newest results of those of the targets that declare
    /// a program; `None` for what is not there any more.
    pub(crate) fn installed_for<'t>(
        &self,
        program: &Program,
        targets: impl Iterator<Item = &'t Target>,
        past: &dyn Past,
    ) -> BTreeMap<String, Option<String>> {
        let declares = |target: &&Target| target.action.programs().iter().any(|it| it.name == program.name);
        let names: Vec<&str> = targets.filter(declares).map(|target| target.name.as_str()).collect();
        let histories = past.histories(&names);
        let records = histories.iter().filter_map(|history| history.record());
        let installed = records.flat_map(|record| &record.installed);
        installed.map(|used| (used.name.clone(), self.version(used))).collect()
    }

    /// What a result was seen to use, with today's contents and versions.
    pub(crate) fn of(&self, result: &StoredResult) -> (Vec<Discovered>, Vec<Installed>) {
        let file = |used: &Discovered| Discovered {
            path: used.path.clone(),
            content: self.content(&used.path, &result.written),
        };
        let installed = |used: &Installed| Installed {
            version: self.version(used).unwrap_or_default(),
            ..used.clone()
        };
        (
            result.discovered.iter().map(file).collect(),
            result.installed.iter().map(installed).collect(),
        )
    }

    /// What stands at a path; of a directory that was listed, the names in it.
    pub(crate) fn content(&self, path: &str, written: &[(String, Digest)]) -> Option<Digest> {
        match path.ends_with('/') {
            true => {
                let leaves_out = |path: &str, is_dir: bool| leaves_out_of_listing(self.graph, written, path, is_dir);
                self.disk.names(path, &leaves_out).map(|names| of_names(&names))
            }
            false => today(self.disk, self.graph, path),
        }
    }

    /// The version of something installed; `None` if it is not, or that cannot be said.
    fn version(&self, used: &Installed) -> Option<String> {
        match used.program {
            // Another program may be of any version.
            Some(program) => (today(self.disk, self.graph, &used.at) == Some(program)).then(|| used.version.clone()),
            None => self.disk.version_in(&used.at, &used.name),
        }
    }
}

/// Whether a path is not among the names of a directory that a command listed: what is ignored, artifacts and the way to
/// them, and what the command writes there itself.
pub(super) fn leaves_out_of_listing(graph: &Graph, written: &[(String, Digest)], path: &str, is_dir: bool) -> bool {
    let is_written = || written.iter().any(|(it, _)| it == path);
    graph.ignore().is_ignored(path, is_dir) || graph.leads_to_artifact(path) || is_written()
}

/// The content of a directory that was listed.
pub(super) fn of_names(names: &[String]) -> Digest {
    Digest::of(names.join("\0").as_bytes())
}
