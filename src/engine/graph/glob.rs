//! What a pattern of paths matches: files on the disk, and artifacts.

use std::cell::{Cell, LazyCell, RefCell};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{ArtifactId, Places, beginning_with};
use crate::engine::ignore::Ignore;
use crate::engine::lookups::Lookups;
use crate::engine::path_matcher::PathMatcher;
use crate::engine::spec::pattern::fixed_part;
use crate::engine::spec::{ArtifactKind, Spec};
use crate::engine::tree::{is_absent, is_circle};
use crate::fast_map::FastMap;

/// A pattern: the directories before its first special character, and what may lie below them.
pub(super) struct Glob<'p> {
    fixed: &'p str,
    rest: Arc<Rest>,
}

/// The part of a pattern from its first special name on.
struct Rest {
    whole: PathMatcher,
    parts: Vec<Part>,
    /// The names that begin with a dot, as what they match has to.
    dotted: Vec<PathMatcher>,
    /// How far below the fixed directories a match may lie, in names.
    depth: usize,
}

/// What stands between two `/` of a pattern.
enum Part {
    /// `**`: any number of directories.
    Any,
    /// One name; `None` matches nothing, such as one half of `{a/b,c}`.
    Name(Option<PathMatcher>),
}

impl Rest {
    fn new(text: &str) -> Result<Self, String> {
        let part = |text| match text {
            "**" => Part::Any,
            name => Part::Name(PathMatcher::new(name).ok()),
        };
        let dotted = text.split('/').filter(|name| name.starts_with('.'));
        Ok(Self {
            whole: PathMatcher::new(text)?,
            parts: text.split('/').map(part).collect(),
            dotted: dotted.filter_map(|name| PathMatcher::new(name).ok()).collect(),
            depth: match text.contains("**") {
                true => usize::MAX,
                false => text.split('/').count(),
            },
        })
    }

    fn reaches_into(&self, directory: &str) -> bool {
        let mut parts = self.parts.iter();
        for name in directory.split('/') {
            match parts.next() {
                Some(Part::Any) => return true,
                Some(Part::Name(Some(part))) if part.is_match(name) => {}
                _ => return false,
            }
        }
        parts.next().is_some()
    }

    /// As in the shell, a name that begins with a dot is matched where the pattern has the dot.
    fn hides(&self, name: &str) -> bool {
        name.starts_with('.') && !self.dotted.iter().any(|part| part.is_match(name))
    }
}

/// What was compiled for patterns: many differ in their directories alone.
#[derive(Default)]
pub(super) struct Compiled(FastMap<String, Result<Arc<Rest>, String>>);

impl Compiled {
    /// A pattern.
    ///
    /// # Errors
    /// Why it is none.
    pub(super) fn glob<'p>(&mut self, pattern: &'p str) -> Result<Glob<'p>, String> {
        let fixed = fixed_part(pattern);
        let rest = below(fixed, pattern).unwrap_or(pattern);
        if !self.0.contains_key(rest) {
            self.0.insert(rest.to_owned(), Rest::new(rest).map(Arc::new));
        }
        let rest = self.0[rest].clone()?;
        Ok(Glob { fixed, rest })
    }
}

/// The part of a path below a directory; all of it below none.
fn below<'p>(directory: &str, path: &'p str) -> Option<&'p str> {
    match directory.is_empty() {
        true => Some(path),
        false => path.strip_prefix(directory)?.strip_prefix('/'),
    }
}

impl Glob<'_> {
    fn is_match(&self, path: &str) -> bool {
        below(self.fixed, path).is_some_and(|below| self.rest.whole.is_match(below))
    }

    /// Whether it can match something below a directory.
    pub(super) fn reaches_into(&self, directory: &str) -> bool {
        match below(self.fixed, directory) {
            Some(within) => self.rest.reaches_into(within),
            None => directory == self.fixed || below(directory, self.fixed).is_some(),
        }
    }

    /// The artifact that it matches, or into whose directory it reaches; `without` says what is taken out of it.
    pub(super) fn artifact(&self, by_path: &Places, spec: &Spec, without: &dyn Fn(&str) -> bool) -> Option<ArtifactId> {
        // What lies elsewhere is not even looked at: there may be as many patterns as artifacts.
        let fixed = self.fixed;
        let above = fixed.match_indices('/').map(|(end, _)| &fixed[..end]).chain([fixed]);
        let above = above.filter_map(|path| by_path.get_key_value(path));
        let start = match fixed {
            "" => String::new(),
            _ => format!("{fixed}/"),
        };
        above
            .chain(beginning_with(by_path, &start))
            .filter(|(path, _)| !without(path))
            .find(|(path, id)| {
                let output = &spec.targets[id.target.index()].outputs[id.output as usize];
                self.is_match(path) || (output.kind == ArtifactKind::Directory && self.reaches_into(path))
            })
            .map(|(_, id)| *id)
    }

    /// What it matches on the disk. Ignored directories, and hidden ones that it does not name, are not entered. A link
    /// that the walk meets is followed within the project and within the directory that the pattern itself names.
    pub(super) fn expand(&self, root: &Path, ignore: &Ignore) -> Matches {
        let start = root.join(self.fixed);
        let (mut found, mut links) = (Vec::new(), Vec::new());
        let walk = walkdir::WalkDir::new(&start)
            .min_depth(1)
            .max_depth(self.rest.depth)
            .follow_links(true)
            .into_iter();
        let below_root = |path: &Path| path.strip_prefix(root).unwrap_or(path).to_owned();
        let is_left_out = |entry: &walkdir::DirEntry| {
            let path = below_root(entry.path());
            self.rest.hides(&entry.file_name().to_string_lossy())
                || ignore.is_ignored(&path.to_string_lossy(), entry.file_type().is_dir())
        };
        let own: LazyCell<Vec<PathBuf>, _> = LazyCell::new(|| {
            let own = [root, &start].into_iter();
            own.filter_map(|own| own.canonicalize().ok()).collect()
        });
        let links_out = RefCell::new(Vec::new());
        let mut listed = vec![below_root(&start)];
        let mut is_partial = false;
        let met_link = Cell::new(false);
        let leads_out = |entry: &walkdir::DirEntry| {
            let is_outside = |to: &PathBuf| !own.iter().any(|own| to.starts_with(own));
            let is_out = entry.path_is_symlink() && entry.path().canonicalize().is_ok_and(|to| is_outside(&to));
            let path = below_root(entry.path()).to_string_lossy().into_owned();
            if is_out && (self.is_match(&path) || (entry.file_type().is_dir() && self.reaches_into(&path))) {
                links_out.borrow_mut().push(path);
            }
            is_out
        };
        let is_walked = |entry: &walkdir::DirEntry| entry.depth() == 0 || !(is_left_out(entry) || leads_out(entry));
        let is_met = |entry: &walkdir::DirEntry| {
            met_link.set(met_link.get() || (entry.depth() > 0 && entry.path_is_symlink()));
            is_walked(entry)
        };
        for entry in walk.filter_entry(is_met) {
            match &entry {
                Ok(entry) if entry.file_type().is_dir() => listed.push(below_root(entry.path())),
                Ok(_) => {}
                // Where a directory comes into being, the one above it tells.
                Err(error) => is_partial |= error.depth() > 0 || !error.io_error().is_some_and(is_absent),
            }
            // A name that is not UTF-8 becomes one that is not there, which its reader will be told.
            let path_of = |at: &Path| {
                let within = at.strip_prefix(&start).unwrap_or(at).to_string_lossy();
                match (self.fixed.is_empty(), within.is_empty()) {
                    (true, _) => within.into_owned(),
                    (false, true) => self.fixed.to_owned(),
                    (false, false) => format!("{}/{within}", self.fixed),
                }
            };
            let (path, is_readable) = match &entry {
                Ok(entry) if entry.file_type().is_file() => {
                    let path = path_of(entry.path());
                    if entry.path_is_symlink() && self.is_match(&path) {
                        links.push(path.clone());
                    }
                    (path, true)
                }
                Err(error) if is_unreadable(error) => (path_of(error.path().unwrap_or(&start)), false),
                Err(error) => {
                    // What leads nowhere was given to nobody who could leave it out.
                    let link = error.path().filter(|at| error.depth() > 0 && at.is_symlink());
                    let name = |at: &Path| at.file_name().unwrap_or_default().to_string_lossy().into_owned();
                    let path = link.filter(|at| !self.rest.hides(&name(at))).map(path_of);
                    let is_wanted = |path: &String| {
                        !ignore.is_ignored(path, false) && (self.is_match(path) || self.reaches_into(path))
                    };
                    links.extend(path.filter(is_wanted));
                    continue;
                }
                Ok(_) => continue,
            };
            // What cannot be read stands for what may be in it, and its reader will be told as well.
            let is_match = match is_readable {
                true => self.is_match(&path),
                false => self.reaches_into(&path),
            };
            if is_match {
                found.push(path);
            }
        }
        found.sort();
        links.sort();
        Matches {
            paths: found,
            links,
            links_out: links_out.into_inner(),
            listed,
            is_partial: is_partial || met_link.get(),
        }
    }
}

/// Whether something that is there could not be read; what went away meanwhile, and circles of links, do not matter.
fn is_unreadable(error: &walkdir::Error) -> bool {
    let is_nothing = |error: &std::io::Error| is_absent(error) || is_circle(error);
    error.io_error().is_some_and(|error| !is_nothing(error))
}

/// What a pattern matches on the disk.
#[derive(Debug, Default)]
pub(super) struct Matches {
    /// The files, sorted by path, and the directories that may have such files and cannot be read.
    pub(super) paths: Vec<String>,
    /// Those of them that are links, and links that lead to nothing and would be matches, or be entered, if they did not.
    pub(super) links: Vec<String>,
    /// Links that lead out of the project, by path: they are no matches and are not entered.
    pub(super) links_out: Vec<String>,
    /// The directories that were listed.
    pub(super) listed: Vec<PathBuf>,
    /// Whether a link was met, or something that cannot be read: what they stand for no listing tells.
    pub(super) is_partial: bool,
}

impl Matches {
    /// Notes where it was looked.
    pub(super) fn note(&self, lookups: &mut Lookups) {
        self.listed.iter().for_each(|directory| lookups.directory(directory));
        if self.is_partial {
            lookups.partial();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_reaches_into_a_directory_if_a_part_of_it_is_left() {
        for (pattern, reaches) in [
            ("out/plots/*.csv", true),
            ("out/plots/more/*.csv", true),
            ("out/*/x.csv", true),
            ("ou?/plots/x/y.csv", true),
            ("*/*/*", true),
            ("**/x.csv", true),
            ("out/**", true),
            ("out/*", false),
            ("out/*.csv", false),
            ("data/**", false),
            ("out/plots2/*.csv", false),
            ("out/tables/*.csv", false),
        ] {
            let glob = Compiled::default().glob(pattern).expect("a pattern");
            assert_eq!(glob.reaches_into("out/plots"), reaches, "{pattern}");
        }
    }

    #[test]
    fn patterns_that_differ_in_their_directories_are_compiled_once() {
        let mut compiled = Compiled::default();
        for (pattern, path, is) in [
            ("in/a/*.txt", "in/a/1.txt", true),
            ("in/b/*.txt", "in/a/1.txt", false),
            ("in/b/*.txt", "in/b/1.txt", true),
            ("*.txt", "1.txt", true),
            ("*.txt", "in/1.txt", false),
        ] {
            assert_eq!(
                compiled.glob(pattern).expect("a pattern").is_match(path),
                is,
                "{pattern}"
            );
        }
        assert_eq!(compiled.0.len(), 1);
        assert!(compiled.glob("in/[").is_err());
    }
}
