//! What an attempt was seen to use without declaring it.
//!
//! ```text
//! a means ─▶ Observed: accesses to paths of the project ─▶ inputs that are part of the result
//!                                                       ─▶ another target's artifact: the attempt fails
//!                                                       ─▶ what moved meanwhile: the attempt is made again
//!                                                       ─▶ what the attempt wrote itself: no input
//! ```
//!
//! A path counts if it lies in the project and is neither declared nor ignored, no output and no part of a virtual
//! environment. Discovery makes no edges: who needs an artifact of another target has to say so.

mod beginning;
mod depfile;
mod inputs;
mod observation;
pub(crate) mod packages;
pub(crate) mod python;
mod scope;
mod today;
pub(crate) mod trace;

use std::collections::BTreeMap;

use self::beginning::Beginning;
pub(crate) use self::inputs::used_by_program;
pub(crate) use self::observation::Observation;
use self::python::Imports;
use self::scope::Scope;
pub(crate) use self::today::Today;
use super::event::Failure;
use super::files::Identity;
use super::graph::{ArtifactId, Graph, TargetId};
use super::plan::PlanContext;
use super::spec::{Action, Means, base_name, values_of};

/// What was seen of one attempt.
#[derive(Debug)]
pub(crate) struct Observed {
    means: Means,
    begun: Beginning,
    /// By path, relative to the project.
    accesses: BTreeMap<String, Access>,
    /// The names in each directory that was listed, at that time; by its path with a `/` at its end.
    listings: BTreeMap<String, Vec<String>>,
    imports: Imports,
}

/// What an attempt did with one path.
#[derive(Debug, Default)]
struct Access {
    /// What stood there each time that it was opened to be read.
    reads: Vec<Found>,
    /// Whether it was opened to be written.
    written: bool,
}

/// What stood at a path when it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// A file, of which nobody knows when it was read.
    SomeTime,
    /// This file.
    File(Identity),
    /// Nothing, or nothing that can be read.
    Nothing,
}

/// An artifact of another target that an attempt opened without declaring it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Undeclared {
    path: String,
    artifact: ArtifactId,
}

impl Observed {
    fn new(means: Means, begun: Beginning) -> Self {
        Self {
            means,
            begun,
            accesses: BTreeMap::new(),
            listings: BTreeMap::new(),
            imports: Imports::default(),
        }
    }

    /// What programs of one attempt were seen to use that ran one after the other, by one means.
    pub(crate) fn and(mut self, later: Self) -> Self {
        for (path, access) in later.accesses {
            let known = self.accesses.entry(path).or_default();
            known.written |= access.written;
            known.reads.extend(access.reads);
        }
        for (directory, names) in later.listings {
            self.listings.entry(directory).or_insert(names);
        }
        self.imports.add(later.imports);
        self
    }

    /// Nothing, by some means: the work of all programs of an attempt is remembered.
    pub(crate) fn nothing(means: Means) -> Self {
        Self::new(means, Beginning::by_own_clock())
    }

    /// Whether nothing was seen at all.
    fn is_empty(&self) -> bool {
        self.accesses.is_empty() && self.listings.is_empty() && self.imports.interpreters.is_empty()
    }

    fn read(&mut self, path: String, found: Found) {
        let reads = &mut self.accesses.entry(path).or_default().reads;
        if !reads.contains(&found) {
            reads.push(found);
        }
    }

    fn wrote(&mut self, path: String) {
        self.accesses.entry(path).or_default().written = true;
    }

    fn listed(&mut self, directory: String, names: Vec<String>) {
        self.listings.entry(directory).or_insert(names);
    }

    /// The artifacts of other targets that were opened, even in vain, without being declared; each once.
    pub(crate) fn undeclared(&self, context: PlanContext<'_>, id: TargetId) -> Vec<Undeclared> {
        if self.is_empty() {
            return Vec::new();
        }
        let scope = Scope::of(context, id);
        let mut found: Vec<Undeclared> = Vec::new();
        let read = self.accesses.iter().filter(|(_, access)| !access.reads.is_empty());
        let listed = self.listings.keys().map(|directory| directory.trim_end_matches('/'));
        let paths = read.map(|(path, _)| path.as_str()).chain(listed);
        for path in paths.filter(|path| !scope.leaves_out(path)) {
            let Some(artifact) = scope.artifact_at(path).filter(|it| it.target != id) else {
                continue;
            };
            if !found.iter().any(|known| known.artifact == artifact) {
                let path = path.to_owned();
                found.push(Undeclared { path, artifact });
            }
        }
        found
    }
}

/// The failure of an attempt that opened artifacts without declaring them.
pub(crate) fn undeclared_failure(undeclared: &[Undeclared], graph: &Graph, id: TargetId) -> Failure {
    let opened = |it: &Undeclared| format!("`{}`, which `{}` makes", it.path, graph.name(it.artifact.target));
    let all: Vec<String> = undeclared.iter().map(opened).collect();
    let mut failure = Failure::of(format!("it opened {} without declaring it", all.join(", and ")));
    failure
        .notes
        .push("nothing else makes sure that it is built before, and in which version".to_owned());
    failure.help.push(line_to_add(undeclared, graph, id));
    failure
}

/// What to write into the Atsaffile, and where.
pub(crate) fn line_to_add(undeclared: &[Undeclared], graph: &Graph, id: TargetId) -> String {
    if let Action::Builtin { .. } = &graph.target(id).action {
        let paths: Vec<String> = undeclared
            .iter()
            .map(|it| format!("\"{}\"", graph.path(it.artifact)))
            .collect();
        return format!("name it in `files` of the program: `files = [{}]`", paths.join(", "));
    }
    let names = undeclared.iter().map(|it| input_name(it.artifact, graph, id));
    let names: Vec<String> = names.collect();
    graph.with_inputs(id, &names)
}

/// The name by which a target would declare an artifact: without values where its own axes say them.
fn input_name(artifact: ArtifactId, graph: &Graph, reader: TargetId) -> String {
    let name = graph.shown_name(artifact);
    let axes = |id: TargetId| graph.target(id).instance.as_ref().map(|it| &it.axes);
    let join = match (axes(artifact.target), axes(reader)) {
        (Some(of), Some(own)) => of.iter().all(|axis| own.contains(axis)),
        _ => false,
    };
    match join && values_of(&name).is_some() {
        true => base_name(&name).to_owned(),
        false => name.into_owned(),
    }
}
