//! What a target reads: its declared inputs as the disk has them, and what its command and parameters imply.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use ecow::EcoString;
use rayon::prelude::*;

use super::error::CwdFault;
use super::glob::{Compiled, Matches};
use super::links::{Leads, Links};
use super::{ArtifactId, Edges, Graph, GraphError, How, LinkOut, Read, TargetId, Unmatched, check};
use crate::engine::files::Files;
use crate::engine::ignore::{Ignore, literal};
use crate::engine::lookups::Lookups;
use crate::engine::path_matcher::PathMatcher;
use crate::engine::spec::{Action, ArtifactKind, Command, Exclusion, From, Input, Param, Span, Target, Value};
use crate::fast_map::{FastMap, FastSet};

/// So many targets are connected in a row at least.
const PART: usize = 1000;

impl Graph {
    /// Finds the edges of all targets: those of many in parts side by side, each with its own questions to the disk.
    pub(super) fn connect_all(&self, found: &mut DiskAnswers<'_>, errors: &mut Vec<GraphError>) -> Vec<Edges> {
        let ids: Vec<TargetId> = (0..).map(TargetId).take(self.spec.targets.len()).collect();
        let part = self.part();
        if ids.len() <= part {
            return ids.iter().map(|id| self.connect(*id, found, errors)).collect();
        }
        let files = found.files;
        let connect = |ids: &[TargetId]| {
            let (mut found, mut errors) = (DiskAnswers::new(files), Vec::new());
            let nodes: Vec<Edges> = ids
                .iter()
                .map(|id| self.connect(*id, &mut found, &mut errors))
                .collect();
            (nodes, errors, found.linked, found.links.lookups)
        };
        let parts: Vec<_> = ids.par_chunks(part).map(connect).collect();
        let mut all = Vec::with_capacity(ids.len());
        for (nodes, wrong, linked, lookups) in parts {
            all.extend(nodes);
            errors.extend(wrong);
            found.linked.extend(linked);
            found.links.lookups.add(lookups);
        }
        all
    }

    /// How many targets are connected in a row.
    fn part(&self) -> usize {
        let targets = self.spec.targets.len();
        targets.div_ceil(rayon::current_num_threads()).max(PART)
    }

    /// Whether all targets read by the disk of now what they read here: then where it was asked.
    pub(in crate::engine) fn still_stands(&self, files: &Files) -> Option<Lookups> {
        let mut links = Links::new(files.root());
        let (_, by_real, errors) = check::by_place(&self.spec, &mut links);
        if !errors.is_empty() || by_real != self.by_real {
            return None;
        }
        let stand = |ids: &[TargetId]| {
            let (mut found, mut errors) = (DiskAnswers::new(files), Vec::new());
            let mut reads = |id: &TargetId| self.connect(*id, &mut found, &mut errors).reads;
            let all = ids.iter().all(|id| reads(id) == self.node(*id).reads);
            (all && errors.is_empty()).then_some(found.links.lookups)
        };
        let parts: Option<Vec<Lookups>> = self.order.par_chunks(self.part()).map(stand).collect();
        parts?.into_iter().for_each(|lookups| links.lookups.add(lookups));
        Some(links.lookups)
    }

    /// Finds the edges of one target.
    fn connect(&self, id: TargetId, found: &mut DiskAnswers<'_>, errors: &mut Vec<GraphError>) -> Edges {
        let target = self.target(id);
        let mut inputs = Inputs {
            graph: self,
            id,
            target,
            without: Without::new(target, found, errors),
            found,
            errors,
            reads: Vec::with_capacity(target.inputs.len()),
            unmatched: Vec::new(),
            links_out: Vec::new(),
            seen: HashSet::new(),
        };
        for input in &target.inputs {
            inputs.declared(input);
        }
        inputs.words();
        inputs.params();
        inputs.program_files();
        inputs.check_cwd();
        let Inputs {
            reads,
            unmatched,
            links_out,
            ..
        } = inputs;
        let mut needs: Vec<TargetId> = reads
            .iter()
            .filter_map(|read| read.artifact)
            .map(|id| id.target)
            .collect();
        let mut after: Vec<TargetId> = target
            .settings
            .after
            .iter()
            .filter_map(|goal| self.owner(&goal.name))
            .collect();
        for ids in [&mut needs, &mut after] {
            ids.sort_unstable();
            ids.dedup();
        }
        Edges {
            reads: reads.into(),
            unmatched: unmatched.into(),
            links_out: links_out.into(),
            needs: needs.into(),
            after: after.into(),
            ..Edges::default()
        }
    }
}

/// The inputs of one target as they are gathered.
struct Inputs<'g, 'f, 'd> {
    graph: &'g Graph,
    id: TargetId,
    target: &'g Target,
    without: Without<'g>,
    found: &'f mut DiskAnswers<'d>,
    errors: &'f mut Vec<GraphError>,
    reads: Vec<Read>,
    unmatched: Vec<Unmatched>,
    links_out: Vec<LinkOut>,
    /// Role and path of the files that paths and patterns mean; those of a list have no role.
    seen: HashSet<(&'g str, String)>,
}

impl<'g> Inputs<'g, '_, '_> {
    fn declared(&mut self, input: &'g Input) {
        match &input.from {
            From::Artifact(name) => self.artifact(input, name),
            From::Glob(pattern) if !self.found.is_there(pattern) => self.glob(input, pattern),
            From::Source(path) | From::Glob(path) => self.source(input, path),
        }
    }

    fn artifact(&mut self, input: &Input, name: &str) {
        let graph = self.graph;
        let Some(artifact) = graph.artifact_named(name) else {
            self.errors.push(match graph.sharing(name).is_empty() {
                true => GraphError::unknown_artifact(graph, name, input.span),
                false => GraphError::shared_name(graph, name, input.span),
            });
            return;
        };
        if input.named && self.found.is_file_at_the_top(name) && !graph.by_path.contains_key(name) {
            self.errors
                .push(GraphError::name_and_file(graph, name, input.span, artifact));
        }
        self.reads.push(Read {
            role: input.role.clone(),
            path: graph.path(artifact).into(),
            artifact: Some(artifact),
            how: How::Declared,
            ignore: None,
            span: input.span,
        });
    }

    fn glob(&mut self, input: &'g Input, pattern: &str) {
        let graph = self.graph;
        let excluded = |path: &str| self.without.excludes(&input.role, path);
        let kept = |paths: &[String]| -> Vec<String> { paths.iter().filter(|path| !excluded(path)).cloned().collect() };
        let (mut paths, links) = match self.found.matches(pattern, &graph.ignore) {
            Ok(matches) => {
                let (links_out, span) = (kept(&matches.links_out), input.span);
                self.links_out
                    .extend(links_out.into_iter().map(|link| LinkOut { link, span }));
                (kept(&matches.paths), kept(&matches.links))
            }
            Err(why) => {
                self.errors.push(GraphError::bad_glob(pattern, input.span, &why));
                return;
            }
        };
        let glob = self.found.compiled.glob(pattern).ok();
        let hit = |places| glob.as_ref()?.artifact(places, &graph.spec, &excluded);
        if let Some(artifact) = graph.places().into_iter().find_map(hit) {
            self.errors
                .push(GraphError::glob_matches_artifact(graph, pattern, input.span, artifact));
        }
        let by_path = paths.iter().find_map(|path| self.found.artifact_above(graph, path));
        let (made, by_link) = self.linked(pattern, links);
        let unbuilt = made.keys().filter(|link| paths.binary_search(link).is_err());
        let unbuilt: Vec<String> = unbuilt.cloned().collect();
        paths.extend(unbuilt);
        paths.sort();
        if paths.is_empty() && !input.optional {
            let (pattern, span) = (pattern.to_owned(), input.span);
            self.unmatched.push(Unmatched { pattern, span });
        }
        if let Some(artifact) = by_path.or(by_link) {
            self.errors
                .push(GraphError::glob_matches_artifact(graph, pattern, input.span, artifact));
        }
        for path in paths {
            self.file(input, &path, made.get(&path).copied(), How::Matched);
        }
    }

    /// The artifacts that links among the matches of a pattern lead to, built or not, by the link: such a link is that
    /// artifact. And one into which a link leads, which a pattern must not.
    fn linked(&mut self, pattern: &str, links: Vec<String>) -> (BTreeMap<String, ArtifactId>, Option<ArtifactId>) {
        let (graph, found) = (self.graph, &mut self.found);
        let (mut made, mut into) = (BTreeMap::new(), None);
        for link in links {
            if !matches!(found.links.lead(&link), Leads::Inside(_)) {
                continue;
            }
            match found.artifact(graph, &link) {
                Some(artifact) if graph.output(artifact).kind == ArtifactKind::File => {
                    made.insert(link, artifact);
                }
                Some(artifact) => {
                    let glob = found.compiled.glob(pattern).ok();
                    into = into.or(glob.filter(|glob| glob.reaches_into(&link)).map(|_| artifact));
                }
                None => into = into.or_else(|| found.directory_above(graph, &link)),
            }
        }
        (made, into)
    }

    fn source(&mut self, input: &'g Input, path: &str) {
        let graph = self.graph;
        let artifact = self.found.artifact(graph, path);
        if input.optional && artifact.is_none() && !self.found.is_there(path) {
            return;
        }
        if artifact.is_none() {
            self.check_source(path, &input.role, input.span);
        }
        self.file(input, path, artifact, How::Declared);
    }

    /// Checks that a source lies in no artifact and contains none.
    fn check_source(&mut self, path: &str, role: &str, span: Span) {
        let graph = self.graph;
        if let Some(directory) = self.found.directory_above(graph, path) {
            self.errors
                .push(GraphError::source_inside(graph, path, span, directory));
        }
        let excluded = |path: &str| self.without.excludes(role, path);
        let real = self.found.real(path);
        let below = |directory: &str| {
            let mut places = graph.places().into_iter();
            places.find_map(|places| check::artifact_below(places, directory, &excluded))
        };
        if let Some(artifact) = below(path).or_else(|| below(&real)) {
            self.errors.push(GraphError::source_around(graph, path, span, artifact));
        }
    }

    /// Adds a file that a path or pattern means, once for each role.
    fn file(&mut self, input: &'g Input, path: &str, artifact: Option<ArtifactId>, how: How) {
        let (From::Artifact(text) | From::Source(text) | From::Glob(text)) = &input.from;
        let role = if *text == input.role { "" } else { input.role.as_str() };
        if self.seen.insert((role, path.to_owned())) {
            // A built-in task knows each of several files by a role of its own.
            let is_task = matches!(self.target.action, Action::Builtin { .. });
            let path = self.shared(path, artifact);
            let role = match (is_task, how) {
                (true, How::Matched) => path.clone(),
                _ => input.role.clone(),
            };
            self.reads.push(Read {
                role,
                path,
                artifact,
                how,
                ignore: self.without.ignore(&self.graph.ignore, &input.role),
                span: input.span,
            });
        }
    }

    /// A path, as its artifact has it where it is one.
    fn shared(&self, path: &str, artifact: Option<ArtifactId>) -> EcoString {
        let own = artifact.map(|artifact| &self.graph.output(artifact).path);
        own.filter(|own| *own == path)
            .map_or_else(|| path.into(), EcoString::clone)
    }

    /// Adds the files that the command names.
    fn words(&mut self) {
        let graph = self.graph;
        for word in self.target.action.file_words() {
            let path = word.strip_prefix("./").unwrap_or(word);
            // What lies in the directory of an artifact is part of it.
            let artifact = self.found.artifact(graph, path);
            let artifact = artifact.or_else(|| self.found.directory_above(graph, path));
            let whole = artifact.map_or(path, |artifact| graph.path(artifact));
            let is_out = self.without.excludes_word(path) || self.without.excludes_word(whole);
            if !is_out && (artifact.is_some() || self.found.is_file(path)) {
                self.implied(whole, whole, artifact, How::Word, self.target.span);
            }
        }
    }

    /// Checks that the directory in which the command runs is there, and nobody's artifact.
    fn check_cwd(&mut self) {
        let Action::Command(Command { cwd: Some(cwd), .. }) = &self.target.action else {
            return;
        };
        let (graph, found) = (self.graph, &mut *self.found);
        let made_by = found.artifact(graph, cwd).or_else(|| found.directory_above(graph, cwd));
        let why = match (found.links.lead(cwd), made_by) {
            (_, Some(artifact)) => CwdFault::Artifact(artifact),
            (Leads::Inside(_) | Leads::Outside(_), None) => CwdFault::Link,
            (Leads::Nowhere, None) if !found.is_directory(cwd) => CwdFault::Missing,
            (Leads::Nowhere, None) => return,
        };
        self.errors.push(GraphError::cwd(graph, self.target, cwd, &why));
    }

    /// Adds the paths among the parameters.
    fn params(&mut self) {
        let graph = self.graph;
        for Param { name, value, origin } in &self.target.params {
            let Value::Path(path) = value else { continue };
            let path = path.trim_end_matches('/');
            let span = origin.span().unwrap_or(self.target.span);
            let artifact = self.found.artifact(graph, path);
            if self.implied(name, path, artifact, How::Param, span) && artifact.is_none() {
                self.check_source(path, name, span);
            }
        }
    }

    /// Adds the files that the programs of a task depend on.
    fn program_files(&mut self) {
        let (graph, target) = (self.graph, self.target);
        for path in target.action.programs().iter().flat_map(|program| &program.files) {
            let artifact = self.found.artifact(graph, path);
            if self.implied(path, path, artifact, How::Param, target.span) && artifact.is_none() {
                self.check_source(path, path, target.span);
            }
        }
    }

    /// Adds what is read without being declared; says whether it is not read already.
    fn implied(&mut self, role: &str, path: &str, artifact: Option<ArtifactId>, how: How, span: Span) -> bool {
        let own = artifact.is_some_and(|artifact| artifact.target == self.id);
        let is_read = |read: &Read| read.path == path || (artifact.is_some() && read.artifact == artifact);
        if own || self.reads.iter().any(is_read) {
            return false;
        }
        self.reads.push(Read {
            role: role.into(),
            path: path.into(),
            artifact,
            how,
            ignore: self.without.ignore(&self.graph.ignore, role),
            span,
        });
        true
    }
}

/// What `"!path"` among the inputs of a target takes out.
struct Without<'t> {
    rules: Vec<Rule<'t>>,
}

struct Rule<'t> {
    exclusion: &'t Exclusion,
    /// The pattern; `None` for a path that is there, which then means itself.
    matcher: Option<PathMatcher>,
}

impl<'t> Without<'t> {
    fn new(target: &'t Target, found: &mut DiskAnswers<'_>, errors: &mut Vec<GraphError>) -> Self {
        let rule = |exclusion: &'t Exclusion| {
            let Exclusion { pattern, span, .. } = exclusion;
            let matcher = match found.is_there(pattern) {
                true => None,
                false => Some(PathMatcher::new(pattern).map_err(|why| GraphError::bad_glob(pattern, *span, &why))?),
            };
            Ok(Rule { exclusion, matcher })
        };
        let (rules, wrong): (Vec<_>, Vec<_>) = target.settings.without.iter().map(rule).partition(Result::is_ok);
        errors.extend(wrong.into_iter().filter_map(Result::err));
        let rules = rules.into_iter().filter_map(Result::ok).collect();
        Self { rules }
    }

    /// Whether a path that an input of a role means is taken out.
    fn excludes(&self, role: &str, path: &str) -> bool {
        self.of_role(role).any(|rule| rule.matches(path))
    }

    /// Whether a word of the command is taken out.
    fn excludes_word(&self, path: &str) -> bool {
        self.rules.iter().any(|rule| rule.matches(path))
    }

    fn of_role(&self, role: &str) -> impl Iterator<Item = &Rule<'t>> {
        self.rules
            .iter()
            .filter(move |rule| rule.exclusion.role.as_deref().is_none_or(|own| own == role))
    }

    /// What is left out of an input of a role if it is a directory, where that is not just what the project ignores.
    fn ignore(&self, project: &Ignore, role: &str) -> Option<Arc<Ignore>> {
        let patterns: Vec<String> = self.of_role(role).map(Rule::as_pattern).collect();
        let narrowed = (!patterns.is_empty()).then(|| project.with_paths(&patterns).ok());
        narrowed.flatten().map(Arc::new)
    }
}

impl Rule<'_> {
    /// Whether it means a path, or a directory above it.
    fn matches(&self, path: &str) -> bool {
        let written = self.exclusion.pattern.as_str();
        let mut at = path;
        loop {
            if at == written || self.matcher.as_ref().is_some_and(|matcher| matcher.is_match(at)) {
                return true;
            }
            match at.rsplit_once('/') {
                Some((above, _)) => at = above,
                None => return false,
            }
        }
    }

    fn as_pattern(&self) -> String {
        match self.matcher {
            Some(_) => self.exclusion.pattern.to_string(),
            None => literal(&self.exclusion.pattern),
        }
    }
}

/// The artifact whose own place a path is.
fn at_its_place(graph: &Graph, real: &str) -> Option<ArtifactId> {
    graph.by_path.get(real).or_else(|| graph.by_real.get(real)).copied()
}

/// The directory artifact in whose own place a path lies.
fn directory_of(graph: &Graph, real: &str) -> Option<ArtifactId> {
    let mut places = graph.places().into_iter();
    places.find_map(|places| check::directory_above(places, real, &graph.spec))
}

/// What the disk was asked while the graph was made; each question once.
pub(super) struct DiskAnswers<'a> {
    files: &'a Files,
    pub(super) links: Links,
    /// Paths that were found to reach an artifact through a link.
    pub(super) linked: FastMap<EcoString, ArtifactId>,
    words: FastMap<String, bool>,
    compiled: Compiled,
    globs: FastMap<String, Result<Matches, String>>,
    /// Names of the files in the project's own directory.
    top: Option<FastSet<String>>,
}

impl<'a> DiskAnswers<'a> {
    pub(super) fn new(files: &'a Files) -> Self {
        Self {
            files,
            links: Links::new(files.root()),
            linked: FastMap::default(),
            words: FastMap::default(),
            compiled: Compiled::default(),
            globs: FastMap::default(),
            top: None,
        }
    }

    /// The artifact at a path, by its declared path or through links.
    fn artifact(&mut self, graph: &Graph, path: &str) -> Option<ArtifactId> {
        if let Some(artifact) = graph.by_path.get(path) {
            return Some(*artifact);
        }
        let artifact = at_its_place(graph, &self.real(path))?;
        self.linked.insert(path.into(), artifact);
        Some(artifact)
    }

    /// Where a path leads through links; itself if there are none.
    fn real(&mut self, path: &str) -> String {
        match self.links.lead(path) {
            Leads::Nowhere => path.to_owned(),
            Leads::Inside(real) | Leads::Outside(real) => real,
        }
    }

    /// The artifact to which, or into which, a link on the way to a path leads.
    fn artifact_above(&mut self, graph: &Graph, path: &str) -> Option<ArtifactId> {
        match self.links.lead_of_parent(path) {
            Leads::Nowhere => None,
            Leads::Inside(to) | Leads::Outside(to) => at_its_place(graph, &to).or_else(|| directory_of(graph, &to)),
        }
    }

    /// The directory artifact in which a path lies, by its declared path or through links.
    fn directory_above(&mut self, graph: &Graph, path: &str) -> Option<ArtifactId> {
        let above = check::directory_above(&graph.by_path, path, &graph.spec);
        above.or_else(|| {
            let artifact = directory_of(graph, &self.real(path))?;
            self.linked.insert(path.into(), artifact);
            Some(artifact)
        })
    }

    /// Whether a file or directory has exactly this path.
    fn is_there(&mut self, path: &str) -> bool {
        let at = self.files.at(path);
        let is_there = at.exists();
        self.looked_for(path, &at, is_there);
        is_there
    }

    /// Notes that a path was looked for; where a link leads that leads nowhere is told by no directory.
    fn looked_for(&mut self, path: &str, at: &Path, is_there: bool) {
        self.links.lookups.path(path);
        if !is_there && at.is_symlink() {
            self.links.lookups.partial();
        }
    }

    fn is_directory(&mut self, path: &str) -> bool {
        self.links.lookups.path(path);
        self.files.at(path).is_dir()
    }

    fn is_file(&mut self, path: &str) -> bool {
        if let Some(known) = self.words.get(path) {
            return *known;
        }
        let at = self.files.at(path);
        let is_file = at.is_file();
        self.looked_for(path, &at, is_file);
        self.words.insert(path.to_owned(), is_file);
        is_file
    }

    /// Whether a name, which has no `/`, is that of a file; the directory is listed once for all names.
    fn is_file_at_the_top(&mut self, name: &str) -> bool {
        self.links.lookups.directory(Path::new(""));
        let top = self.top.get_or_insert_with(|| {
            let entries = std::fs::read_dir(self.files.root()).into_iter().flatten().flatten();
            let files = entries.filter(|entry| !entry.file_type().is_ok_and(|kind| kind.is_dir()));
            files.filter_map(|entry| entry.file_name().into_string().ok()).collect()
        });
        top.contains(name) && self.is_file(name)
    }

    fn matches(&mut self, pattern: &str, ignore: &Ignore) -> Result<&Matches, String> {
        if !self.globs.contains_key(pattern) {
            let glob = self.compiled.glob(pattern);
            let matches = glob.map(|glob| glob.expand(self.files.root(), ignore));
            if let Ok(matches) = &matches {
                matches.note(&mut self.links.lookups);
            }
            self.globs.insert(pattern.to_owned(), matches);
        }
        self.globs[pattern].as_ref().map_err(Clone::clone)
    }
}
