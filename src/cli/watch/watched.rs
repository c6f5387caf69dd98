//! Which files a watch waits for, and which directories have to be observed for it.
//!
//! Directories are observed, not files: an editor replaces a file by another of the same name, and a file that is
//! missing has no place of its own yet.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use crate::atsaffile;
use crate::cli::read_atsaffile;
use crate::cli::setup::Project;
use crate::engine::graph::TargetId;
use crate::engine::path_matcher::PathMatcher;
use crate::engine::spec::{From, REPORT_PAGE, pattern};
use crate::engine::store;

/// Everything whose change calls for a build.
#[derive(Debug, Default)]
pub(super) struct Watched {
    /// The project's directory, without links.
    root: PathBuf,
    /// The Atsaffile, `.env` and sources: files, or directories with all that is in them.
    paths: BTreeSet<PathBuf>,
    globs: Vec<WatchPattern>,
    /// The sources that the goals read now, as they are written.
    sources: BTreeSet<String>,
    /// Directories of which the names count.
    listed: BTreeSet<PathBuf>,
    /// What atsaf itself writes.
    own: BTreeSet<PathBuf>,
    /// The page that each build ends with: that it goes away is a change.
    page: Option<PathBuf>,
}

#[derive(Debug)]
struct WatchPattern {
    text: String,
    matcher: PathMatcher,
    /// The directory before the first special character.
    base: PathBuf,
    /// Whether it reaches into directories below that.
    deep: bool,
}

impl Watched {
    /// What a project is watched for whatever is in its Atsaffile.
    pub(super) fn of_file(file: &Path) -> Self {
        let parent = file
            .parent()
            .filter(|parent| *parent != Path::new(""))
            .unwrap_or(Path::new("."));
        let root = parent.canonicalize().unwrap_or_else(|_| parent.to_owned());
        let mut watched = Self::default();
        watched.paths.extend(file.file_name().map(|name| root.join(name)));
        watched.paths.insert(root.join(".env"));
        watched.own.insert(root.join(store::DIRECTORY));
        watched.root = root;
        // The Atsaffile itself may be a link.
        watched.paths.extend(file.canonicalize());
        watched
    }

    /// What the goals of a project are watched for.
    pub(super) fn of_goals(project: &Project, goals: &[TargetId]) -> Self {
        let graph = &project.graph;
        let mut watched = Self::of_file(&project.file);
        for id in graph.order() {
            for output in &graph.target(*id).outputs {
                watched.own.insert(watched.root.join(&output.path));
            }
        }
        for id in graph.needed(goals) {
            watched.add_target(project, id);
        }
        watched.add_asked(&project.file);
        watched.page = graph.spec.report.then(|| watched.root.join(REPORT_PAGE));
        watched
    }

    /// Adds what an Atsaffile asks of the disk.
    pub(super) fn add_asked(&mut self, file: &Path) {
        let asked = read_atsaffile::read(file).map(|(_, text)| atsaffile::file_questions(&text));
        let asked = asked.unwrap_or_default();
        asked.patterns.iter().for_each(|pattern| self.add_glob(pattern));
        let files = asked.tables.iter().chain(&asked.params_files);
        files.for_each(|path| self.add(path));
    }

    /// What one target reads itself.
    pub(super) fn of_target(project: &Project, id: TargetId) -> Self {
        let mut watched = Self {
            root: Self::of_file(&project.file).root,
            ..Self::default()
        };
        watched.add_target(project, id);
        watched
    }

    fn add_target(&mut self, project: &Project, id: TargetId) {
        let graph = &project.graph;
        for read in graph.node(id).reads.iter().filter(|read| read.artifact.is_none()) {
            self.add(&read.path);
            self.sources.insert(read.path.to_string());
        }
        for path in discovered(project, id) {
            if let Some(directory) = path.strip_suffix('/') {
                self.listed.insert(normal(&self.root.join(directory)));
            } else if self.sources.insert(path.clone()) {
                self.add(&path);
            }
        }
        let target = graph.target(id);
        for input in &target.inputs {
            match &input.from {
                From::Glob(pattern) => self.add_glob(pattern),
                // It may appear.
                From::Source(path) if input.optional => self.add(path),
                From::Source(_) | From::Artifact(_) => {}
            }
        }
        // A word may become an input when a file of that name appears.
        let words = target.action.file_words().filter(|word| graph.artifact(word).is_none());
        words.for_each(|word| self.add(word));
    }

    /// The source that a path is, or is a part of; through a link as well.
    pub(super) fn source_of(&self, path: &Path) -> Option<&str> {
        let is_it = |source: &&String| {
            let at = normal(&self.root.join(source));
            path.starts_with(&at) || at.canonicalize().is_ok_and(|at| path.starts_with(at))
        };
        // What a link in a directory leads to is a part of it, too; then one of several is as good as another.
        let leads_there = || self.sources.iter().find(|source| self.root.join(source).is_dir());
        let found = self.sources.iter().find(is_it);
        found.or_else(leads_there).map(String::as_str)
    }

    /// Adds a path, and where it leads if it is a link; of a directory, where the links in it lead as well.
    fn add(&mut self, path: &str) {
        let at = normal(&self.root.join(path));
        self.follow(&at);
        let links = walkdir::WalkDir::new(&at).min_depth(1).into_iter().flatten();
        for link in links.filter(walkdir::DirEntry::path_is_symlink) {
            self.follow(link.path());
        }
    }

    /// Adds a path, and all that stands on the way if it is a link.
    fn follow(&mut self, path: &Path) {
        /// As many links as the system follows.
        const LINKS: usize = 40;
        self.paths.extend(path.canonicalize());
        let mut at = path.to_owned();
        for _ in 0..LINKS {
            let target = std::fs::read_link(&at);
            self.paths.insert(at.clone());
            let Ok(target) = target else { break };
            at = normal(&at.parent().unwrap_or(&self.root).join(target));
        }
    }

    fn add_glob(&mut self, text: &str) {
        if self.globs.iter().any(|known| known.text == text) {
            return;
        }
        // What is no glob was refused when the graph was made.
        let Ok(matcher) = PathMatcher::new(text) else {
            return;
        };
        let fixed = pattern::fixed_part(text);
        self.globs.push(WatchPattern {
            text: text.to_owned(),
            matcher,
            base: self.root.join(fixed),
            deep: text[fixed.len()..].trim_start_matches('/').contains('/'),
        });
    }

    /// How many sources the goals read now.
    pub(super) fn sources(&self) -> usize {
        self.sources.len()
    }

    /// Whether a change of what is at `path` calls for a build; `structural` tells that something appeared, went away
    /// or was renamed there, rather than that a file has other bytes.
    pub(super) fn concerns(&self, path: &Path, structural: bool) -> bool {
        let is_own = self.own.iter().any(|own| path.starts_with(own));
        // What a build keeps beside its outputs on another file system begins with `.atsaf-`.
        let is_passing = |name: &str| name == "__pycache__" || name.starts_with(".atsaf-");
        if is_own || path.iter().any(|part| part.to_str().is_some_and(is_passing)) {
            return false;
        }
        let within = |watched: &PathBuf| path.starts_with(watched);
        if self.paths.iter().any(within) {
            return true;
        }
        if self.globs.iter().any(|glob| self.matches(glob, path)) {
            return true;
        }
        if structural && path.parent().is_some_and(|parent| self.listed.contains(parent)) {
            return true;
        }
        if structural && self.page.as_deref() == Some(path) {
            return !path.exists();
        }
        // A directory on the way to something watched: it may bring or take away files without a word about them.
        // Not one on the way to an artifact, which a build makes by itself.
        let leads_to_own = self.own.iter().any(|own| own.starts_with(path));
        structural
            && (self.paths.iter().any(|watched| watched.starts_with(path))
                || self.globs.iter().any(|glob| glob.base.starts_with(path))
                || (path.is_dir()
                    && !leads_to_own
                    && self.globs.iter().any(|glob| glob.deep && path.starts_with(&glob.base))))
    }

    fn matches(&self, glob: &WatchPattern, path: &Path) -> bool {
        path.strip_prefix(&self.root)
            .is_ok_and(|below| glob.matcher.is_match(&below.to_string_lossy()))
    }

    /// The directories to observe, each for itself: those of the files, those below watched directories and globs,
    /// and where one is missing the nearest that is there.
    pub(super) fn directories(&self) -> BTreeSet<PathBuf> {
        let mut found: BTreeSet<PathBuf> = self.listed.iter().filter_map(|path| nearest(path)).collect();
        for path in &self.paths {
            found.extend(path.parent().and_then(nearest));
            if path.is_dir() {
                self.descend(path, true, &mut found);
            }
        }
        for glob in &self.globs {
            found.extend(nearest(&glob.base));
            found.extend(glob.base.parent().and_then(nearest));
            if glob.deep {
                self.descend(&glob.base, false, &mut found);
            }
        }
        found
    }

    /// Adds a directory and those below it: hidden ones too if it is a source, of which all counts, and not if it is
    /// the base of a glob, which enters none.
    fn descend(&self, from: &Path, hidden: bool, found: &mut BTreeSet<PathBuf>) {
        let left_out = |entry: &walkdir::DirEntry| {
            let name = entry.file_name().to_string_lossy();
            entry.depth() > 0 && ((!hidden && name.starts_with('.')) || name == "__pycache__")
        };
        let own = |entry: &walkdir::DirEntry| self.own.contains(entry.path());
        let walk = walkdir::WalkDir::new(from).follow_links(true).into_iter();
        let directories = walk.filter_entry(|entry| entry.file_type().is_dir() && !left_out(entry) && !own(entry));
        found.extend(directories.flatten().map(walkdir::DirEntry::into_path));
    }

    /// A path as the user would write it.
    pub(super) fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }
}

/// What the last attempt of a target was seen to use.
pub(super) fn discovered(project: &Project, id: TargetId) -> Vec<String> {
    let record = project.store.records.record(project.graph.name(id));
    let discovered = record.map(|record| record.discovered).unwrap_or_default();
    discovered.into_iter().map(|it| it.path).collect()
}

/// The first directory upward that is there.
fn nearest(path: &Path) -> Option<PathBuf> {
    path.ancestors().find(|at| at.is_dir()).map(Path::to_owned)
}

/// A path below one without links, without its `..`.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                out.pop();
            }
            Component::CurDir => {}
            part => out.push(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::trial::Trial;

    fn watched(trial: &Trial) -> Watched {
        let (session, _, _) = trial.session(&["check"]);
        let project = session.load().expect("a sound project");
        let goals = project.goals(&[]).expect("goals");
        Watched::of_goals(&project, &goals)
    }

    #[test]
    fn sources_concern_and_artifacts_do_not() {
        let trial = Trial::new(
            r#"
[target.plot]
run = "python fit.py {{inputs}} > {{output}}"
inputs = ["data/*.csv", "pages/", "deep/**/*.txt"]
output = "out/plot.txt"
"#,
        );
        trial.write("fit.py", "");
        trial.write("data/a.csv", "");
        trial.write("pages/1/page.json", "");
        trial.write("deep/er/x.txt", "");
        let watched = watched(&trial);
        assert_eq!(watched.sources(), 4);
        let at = |path: &str| trial.at("").canonicalize().expect("there").join(path);
        for path in [
            "Atsaffile",
            ".env",
            "fit.py",
            "data/new.csv",
            "pages/2/page.json",
            "deep/a/b.txt",
        ] {
            assert!(watched.concerns(&at(path), false), "{path}");
        }
        for path in [
            "out/plot.txt",
            ".atsaf/v1/journal",
            "other.py",
            "data/x.txt",
            "pages/__pycache__/x.pyc",
            "deep/.atsaf-staging-x/1",
            "data",
        ] {
            assert!(!watched.concerns(&at(path), false), "{path}");
        }
        // The directory itself came or went.
        assert!(watched.concerns(&at("data"), true));
        assert!(watched.concerns(&at("deep/er"), true));
        assert!(!watched.concerns(&at("out"), true));
        let directories = watched.directories();
        let shown: Vec<String> = directories.iter().map(|it| watched.shown(it)).collect();
        assert_eq!(shown, ["", "data", "deep", "deep/er", "pages", "pages/1"]);
    }

    #[test]
    fn the_page_of_each_build_concerns_when_it_goes_and_not_when_it_is_written() {
        let trial =
            Trial::new("[project]\nreport = true\n\n[target.a]\nrun = \"echo 1 > {{output}}\"\noutput = \"a\"\n");
        let watched = watched(&trial);
        let page = trial.at("").canonicalize().expect("there").join(REPORT_PAGE);
        assert!(watched.concerns(&page, true), "it is not there");
        trial.write(REPORT_PAGE, "written");
        assert!(!watched.concerns(&page, true));
        assert!(!watched.concerns(&page, false));
    }

    #[test]
    fn what_is_missing_is_waited_for_in_the_nearest_directory() {
        let trial = Trial::new(
            "[target.copy]\nrun = \"cp {{inputs}} {{output}}\"\ninputs = [\"not/yet/there.csv\"]\noutput = \"out.csv\"\n",
        );
        let watched = watched(&trial);
        let root = trial.at("").canonicalize().expect("there");
        assert_eq!(watched.directories(), BTreeSet::from([root.clone()]));
        assert!(watched.concerns(&root.join("not"), true));
    }
}
