//! What globs and directory sources leave out: caches, histories and swap files that are no data.
//!
//! A path that is written out is never left out: an ignored name counts only where a pattern or a directory is searched.

use super::path_matcher::PathMatcher;

/// Names and patterns that are left out.
#[derive(Clone, Debug)]
pub struct Ignore {
    /// What it was made from; two of the same are equal.
    written: Vec<String>,
    /// Matched with the last part of a path.
    names: PathMatcher,
    /// Matched with a whole path.
    paths: PathMatcher,
    /// The same for directories only.
    directories: Option<Box<Ignore>>,
}

impl PartialEq for Ignore {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for Ignore {}

impl Default for Ignore {
    fn default() -> Self {
        Self::new(&[]).expect("internal error: the defaults are patterns")
    }
}

impl Ignore {
    /// What is left out in every project: histories, caches of interpreters and notebooks, and what editors and file
    /// managers leave beside a file.
    pub const DEFAULTS: [&str; 11] = [
        ".git",
        "__pycache__",
        "*.pyc",
        ".ipynb_checkpoints",
        ".DS_Store",
        "*~",
        ".*.sw[a-p]",
        "#*#",
        ".#*",
        ".atsaf",
        ".atsaf-*",
    ];

    /// The defaults and further patterns. One without a `/` matches a name in any directory, one with a `/` the path from
    /// the project; a `/` at its end restricts it to directories.
    ///
    /// # Errors
    /// The number of the first that is no pattern, and why.
    pub fn new(further: &[&str]) -> Result<Self, (usize, String)> {
        let mut all: Vec<String> = Self::DEFAULTS.iter().map(|name| (*name).to_owned()).collect();
        all.extend(further.iter().map(|pattern| (*pattern).to_owned()));
        Self::of(all).map_err(|(at, why)| (at.saturating_sub(Self::DEFAULTS.len()), why))
    }

    /// The same, and further paths and patterns of whole paths from the project.
    ///
    /// # Errors
    /// The number of the first that is no pattern, and why.
    pub fn with_paths(&self, further: &[String]) -> Result<Self, (usize, String)> {
        let mut all = self.written.clone();
        all.extend(further.iter().map(|path| format!("/{path}")));
        Self::of(all).map_err(|(at, why)| (at.saturating_sub(self.written.len()), why))
    }

    fn of(written: Vec<String>) -> Result<Self, (usize, String)> {
        let (mut names, mut paths, mut directories) = (Vec::new(), Vec::new(), Vec::new());
        for (at, text) in written.iter().enumerate() {
            let one = (at, text.trim_matches('/'));
            match text.strip_suffix('/') {
                Some(directory) => directories.push((at, directory)),
                None if text.contains('/') => paths.push(one),
                None => names.push(one),
            }
        }
        let matcher = |texts: &[(usize, &str)]| {
            let built = PathMatcher::any_of(texts.iter().map(|(_, text)| *text));
            built.map_err(|(at, why)| (texts[at].0, why))
        };
        let of_directories = |texts: &[(usize, &str)]| {
            let written = texts.iter().map(|(_, text)| (*text).to_owned()).collect();
            Self::of(written).map_err(|(at, why)| (texts[at].0, why))
        };
        Ok(Self {
            names: matcher(&names)?,
            paths: matcher(&paths)?,
            directories: match directories.is_empty() {
                true => None,
                false => Some(Box::new(of_directories(&directories)?)),
            },
            written,
        })
    }

    /// Whether a file or directory is left out, by its path relative to the project with `/` between the parts.
    ///
    /// Only the entry itself is judged: what lies in an ignored directory is left out because nobody enters it.
    #[must_use]
    pub fn is_ignored(&self, relative: &str, is_dir: bool) -> bool {
        let name = relative.rsplit('/').next().unwrap_or(relative);
        let for_directories = || {
            let rules = self.directories.as_ref().filter(|_| is_dir);
            rules.is_some_and(|rules| rules.is_ignored(relative, true))
        };
        self.names.is_match(name) || self.paths.is_match(relative) || for_directories()
    }
}

/// A text as a pattern that matches it alone.
#[must_use]
pub(crate) fn literal(text: &str) -> String {
    let special = |c: char| matches!(c, '*' | '?' | '[' | ']' | '{' | '}' | '\\');
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match special(c) {
            true => out.extend(['[', c, ']']),
            false => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caches_and_swap_files_are_left_out_and_data_is_not() {
        let ignore = Ignore::default();
        for (path, is_dir) in [
            (".git", true),
            ("src/__pycache__", true),
            ("a/b.pyc", false),
            ("notes/.ipynb_checkpoints", true),
            ("data/.DS_Store", false),
            ("fit.py~", false),
            ("data/.x.csv.swp", false),
            ("#fit.py#", false),
            ("a/.#fit.py", false),
        ] {
            assert!(ignore.is_ignored(path, is_dir), "{path}");
        }
        for path in ["data/x.csv", "pyc", "git", "a#b#c", ".gitignore", "x.swap", ".meta/m"] {
            assert!(!ignore.is_ignored(path, false), "{path}");
        }
    }

    #[test]
    fn a_pattern_with_a_slash_is_of_the_path_and_one_that_ends_in_it_of_directories() {
        let ignore = Ignore::new(&["**/*.tmp", "data/old", "logs/", "x*"]).expect("patterns");
        for (path, is_dir, is) in [
            ("a/b/c.tmp", false, true),
            ("c.tmp", false, true),
            ("data/old", true, true),
            ("more/data/old", true, false),
            ("a/logs", true, true),
            ("a/logs", false, false),
            ("a/b/x1", false, true),
            ("a/b/y", false, false),
        ] {
            assert_eq!(ignore.is_ignored(path, is_dir), is, "{path}");
        }
    }

    #[test]
    fn a_path_that_is_taken_out_is_that_path_alone() {
        let ignore = Ignore::default().with_paths(&[literal("d/a[1].csv")]).expect("a path");
        assert!(ignore.is_ignored("d/a[1].csv", false));
        assert!(!ignore.is_ignored("d/a1.csv", false) && !ignore.is_ignored("a[1].csv", false));
        assert!(ignore != Ignore::default() && Ignore::default() == Ignore::default());
    }

    #[test]
    fn what_is_no_pattern_is_named() {
        let (at, why) = Ignore::new(&["*.tmp", "a[", "b"]).expect_err("no pattern");
        assert_eq!(at, 1);
        assert!(why.contains("unclosed"), "{why}");
    }
}
