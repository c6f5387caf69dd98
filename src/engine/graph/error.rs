//! What can be wrong with the whole, and how it is told.

use super::{ArtifactId, Graph, Places, TargetId};
use crate::diagnostic::{Diagnostic, nearest, number_word};
use crate::engine::spec::{ArtifactKind, Axis, ParamsFile, Span, Spec, Target, Text};

/// Something that is wrong with the whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct GraphError {
    what: String,
    places: Vec<(Span, String)>,
    notes: Vec<String>,
    help: Vec<String>,
}

/// Why a command cannot run in a directory.
pub(super) enum CwdFault {
    /// It is not there.
    Missing,
    /// A link is on the way to it.
    Link,
    /// A target makes it.
    Artifact(ArtifactId),
}

impl GraphError {
    fn new(what: String) -> Self {
        Self {
            what,
            places: Vec::new(),
            notes: Vec::new(),
            help: Vec::new(),
        }
    }

    fn at(mut self, span: Span, label: impl Into<String>) -> Self {
        self.places.push((span, label.into()));
        self
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// Adds where a link on the way to an artifact's path leads, if there is one.
    pub(super) fn led(mut self, by_real: &Places, spec: &Spec, artifact: ArtifactId) -> Self {
        if let Some((real, _)) = by_real.iter().find(|(_, id)| **id == artifact) {
            let path = &output(spec, artifact).path;
            self.notes
                .push(format!("`{path}` is `{real}`: a link of the project leads there"));
        }
        self
    }

    /// Where it is, if the project has instances, of which many have one mistake.
    #[must_use]
    pub fn place_of_instances(&self, spec: &Spec) -> Option<Vec<u32>> {
        let starts = || self.places.iter().map(|(span, _)| span.start).collect();
        (!spec.axes.is_empty()).then(starts)
    }

    /// The error with its places in the text.
    #[must_use]
    pub fn diagnostic(&self, text: &Text) -> Diagnostic {
        let mut diagnostic = Diagnostic::error(&self.what);
        for (span, label) in &self.places {
            diagnostic = diagnostic.at(text.place(*span).labelled(label.clone()));
        }
        diagnostic.notes.clone_from(&self.notes);
        diagnostic.help.clone_from(&self.help);
        diagnostic
    }

    pub(super) fn two_writers(spec: &Spec, first: ArtifactId, second: ArtifactId) -> Self {
        let (one, two) = (output(spec, first), output(spec, second));
        Self::new(format!("two targets write `{}`", one.path))
            .at(one.span, format!("by `{}`", target(spec, first)))
            .at(two.span, format!("and by `{}`", target(spec, second)))
            .help("give each artifact a path of its own")
    }

    pub(super) fn inside(spec: &Spec, directory: ArtifactId, artifact: ArtifactId) -> Self {
        let (outer, inner) = (output(spec, directory), output(spec, artifact));
        Self::new(format!(
            "`{}` lies inside `{}`, which is an artifact itself",
            inner.path, outer.path
        ))
        .at(outer.span, format!("made by `{}`", target(spec, directory)))
        .at(inner.span, format!("made by `{}`", target(spec, artifact)))
        .help("an artifact is replaced whole: move one of the two elsewhere")
    }

    pub(super) fn into_store(spec: &Spec, artifact: ArtifactId) -> Self {
        let output = output(spec, artifact);
        Self::new(format!("`{}` leads into `.atsaf/` through a link", output.path))
            .at(output.span, "")
            .help("that directory belongs to atsaf: let the link lead elsewhere")
    }

    pub(super) fn dangling(spec: &Spec, artifact: ArtifactId, link: &str) -> Self {
        let output = output(spec, artifact);
        Self::new(format!(
            "`{}` lies below `{link}`, a link that leads to no directory",
            output.path
        ))
        .at(output.span, "")
        .help("make the directory that the link leads to, or mount the disk that it is on")
    }

    pub(super) fn cwd(graph: &Graph, target: &Target, cwd: &str, why: &CwdFault) -> Self {
        let name = &target.name;
        let error = |what: &str| Self::new(format!("`{name}` runs in `{cwd}/`, {what}")).at(target.span, "its `cwd`");
        match why {
            CwdFault::Missing => error("which is no directory of the project").help("make it, or correct the path"),
            CwdFault::Link => error("which is reached through a link")
                .help("write the path without links: others lead from there, over its `..`"),
            CwdFault::Artifact(artifact) => {
                let output = output(&graph.spec, *artifact);
                error("which is, or lies in, an artifact")
                    .at(output.span, format!("made by `{}`", self::target(&graph.spec, *artifact)))
                    .help("an artifact is replaced whole: let the command run elsewhere, and name the artifact in `inputs`")
            }
        }
    }

    pub(super) fn unknown_artifact(graph: &Graph, name: &str, span: Span) -> Self {
        let error = Self::new(format!("unknown artifact `{name}`")).at(span, "");
        match graph.nearest(name) {
            Some(name) => error.help(format!("did you mean `{name}`?")),
            None => error,
        }
    }

    pub(super) fn shared_name(graph: &Graph, name: &str, span: Span) -> Self {
        let sharing = graph.sharing(name);
        let error = Self::new(format!("`{name}` is made by {} targets", number_word(sharing.len()))).at(span, "");
        let made = |error: Self, id: &ArtifactId| {
            error.at(
                output(&graph.spec, *id).span,
                format!("by `{}`", target(&graph.spec, *id)),
            )
        };
        let error = sharing.iter().take(PLACES).fold(error, made);
        error.help(format!("write {}", graph.candidates(sharing)))
    }

    pub(super) fn name_and_file(graph: &Graph, name: &str, span: Span, artifact: ArtifactId) -> Self {
        let output = output(&graph.spec, artifact);
        Self::new(format!(
            "`{name}` is the name of an artifact and of a file of the project"
        ))
        .at(span, "")
        .at(
            output.span,
            format!("the artifact, made by `{}`", target(&graph.spec, artifact)),
        )
        .help(format!(
            "write `./{name}` for the file, or `{}` for the artifact",
            match output.path.contains('/') {
                true => output.path.to_string(),
                false => format!("./{}", output.path),
            }
        ))
    }

    pub(super) fn source_inside(graph: &Graph, path: &str, span: Span, directory: ArtifactId) -> Self {
        let output = output(&graph.spec, directory);
        let name = graph.shown_name(directory);
        Self::new(format!("`{path}` lies inside the artifact `{name}`"))
            .at(span, "read here")
            .at(output.span, format!("made by `{}`", target(&graph.spec, directory)))
            .help(format!("read the artifact itself: `{name}`"))
            .led(&graph.by_real, &graph.spec, directory)
    }

    pub(super) fn source_around(graph: &Graph, path: &str, span: Span, artifact: ArtifactId) -> Self {
        let output = output(&graph.spec, artifact);
        Self::new(format!(
            "the source `{path}` contains `{}`, which is an artifact",
            output.path
        ))
        .at(span, "read here")
        .at(
            output.span,
            format!("`{}`, made by `{}`", output.name, target(&graph.spec, artifact)),
        )
        .help("what is in it would depend on what is built: let one of the two lie elsewhere, or read files by name")
        .led(&graph.by_real, &graph.spec, artifact)
    }

    pub(super) fn glob_matches_artifact(graph: &Graph, pattern: &str, span: Span, artifact: ArtifactId) -> Self {
        let output = output(&graph.spec, artifact);
        let does = match output.kind {
            ArtifactKind::File => "matches",
            ArtifactKind::Directory => "reaches into",
        };
        Self::new(format!(
            "the glob `{pattern}` {does} `{}`, which is an artifact",
            output.path
        ))
        .at(span, "the glob")
        .at(
            output.span,
            format!("`{}`, made by `{}`", output.name, target(&graph.spec, artifact)),
        )
        .help("what it matches would depend on what is built: narrow the glob, or name the artifact as an input")
        .led(&graph.by_real, &graph.spec, artifact)
    }

    pub(super) fn axis_of_artifact(graph: &Graph, axis: &Axis, artifact: ArtifactId) -> Self {
        let output = output(&graph.spec, artifact);
        Self::new(format!(
            "the axis `{}` has its values from `{}`, which is an artifact",
            axis.name, output.path
        ))
        .at(axis.span, "the axis")
        .at(output.span, format!("made by `{}`", target(&graph.spec, artifact)))
        .help("which targets there are would depend on what is built: let it be made in a build of its own Atsaffile, or by hand")
    }

    pub(super) fn params_file_of_artifact(graph: &Graph, file: &ParamsFile, artifact: ArtifactId) -> Self {
        let output = output(&graph.spec, artifact);
        Self::new(format!("the parameter file `{}` is, or lies in, an artifact", file.path))
            .at(file.span, "the parameter file")
            .at(output.span, format!("made by `{}`", target(&graph.spec, artifact)))
            .help("what is to be built would depend on what is built: let the target that reads it name it in `inputs` instead")
    }

    pub(super) fn bad_glob(pattern: &str, span: Span, why: &str) -> Self {
        Self::new(format!("`{pattern}` is not a glob: {why}")).at(span, "")
    }

    pub(super) fn cycle(graph: &Graph, way: &[TargetId]) -> Self {
        let names: Vec<&str> = way.iter().map(|id| graph.name(*id)).collect();
        let mut error = Self::new("targets need each other in a circle".to_owned());
        error.notes.push(names.join(" -> "));
        for pair in way.windows(2) {
            let (earlier, later) = (pair[0], pair[1]);
            let node = graph.node(later);
            let read = node
                .reads
                .iter()
                .find(|read| read.artifact.is_some_and(|id| id.target == earlier));
            let after = graph
                .target(later)
                .settings
                .after
                .iter()
                .find(|goal| graph.owner(&goal.name) == Some(earlier));
            let label = format!(
                "`{}` {} `{}`",
                graph.name(later),
                if read.is_some() { "reads from" } else { "comes after" },
                graph.name(earlier)
            );
            let span = read.map(|read| read.span).or(after.map(|goal| goal.span));
            error = error.at(span.unwrap_or(graph.target(later).span), label);
        }
        error.help("take one of these away")
    }
}

fn output(spec: &Spec, id: ArtifactId) -> &crate::engine::spec::Output {
    &spec.targets[id.target.index()].outputs[id.output as usize]
}

fn target(spec: &Spec, id: ArtifactId) -> &str {
    &spec.targets[id.target.index()].name
}

/// Most places that an error names of those that share a name.
const PLACES: usize = 6;

/// A goal that means nothing, or several things.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GoalError {
    /// Nothing has the name.
    #[error("no target, artifact or alias is named `{name}`")]
    Unknown {
        /// The name.
        name: String,
        /// A name close to it.
        nearest: Option<String>,
    },
    /// Artifacts of several targets have the name.
    #[error("`{name}` is made by {} targets", number_word(artifacts.len()))]
    Shared {
        /// The name.
        name: String,
        /// The artifacts.
        artifacts: Vec<ArtifactId>,
    },
}

impl GoalError {
    pub(super) fn new(graph: &Graph, name: &str) -> Self {
        let (sharing, name) = (graph.sharing(name), name.to_owned());
        match sharing.is_empty() {
            true => Self::Unknown {
                nearest: graph.nearest(&name),
                name,
            },
            false => Self::Shared {
                artifacts: sharing.to_vec(),
                name,
            },
        }
    }
}

impl GoalError {
    /// The error with its places in the text.
    #[must_use]
    pub fn diagnostic(&self, graph: &Graph) -> Diagnostic {
        let error = Diagnostic::error(self.to_string());
        match self {
            Self::Shared { artifacts, .. } => {
                let text = &graph.spec.text;
                let made = |error: Diagnostic, id: &ArtifactId| {
                    let place = text.place(output(&graph.spec, *id).span);
                    error.at(place.labelled(format!("by `{}`", target(&graph.spec, *id))))
                };
                let error = artifacts.iter().take(PLACES).fold(error, made);
                error.help(format!("write {}", graph.candidates(artifacts)))
            }
            Self::Unknown {
                nearest: Some(name), ..
            } => error.help(format!("did you mean `{name}`?")),
            Self::Unknown { nearest: None, .. } => error.help("`atsaf list` shows all names"),
        }
    }
}

impl Graph {
    /// The name most like a text.
    fn nearest(&self, text: &str) -> Option<String> {
        let names: Vec<_> = self.names().collect();
        nearest(text, names.iter().map(AsRef::as_ref)).map(str::to_owned)
    }

    /// The names with one meaning of some artifacts: `` `a.x` or `b.x` ``.
    fn candidates(&self, artifacts: &[ArtifactId]) -> String {
        let names = artifacts.iter().map(|id| format!("`{}`", self.shown_name(*id)));
        names.collect::<Vec<_>>().join(" or ")
    }
}
