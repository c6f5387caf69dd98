//! Which packages a directory of Python's lists, and to which of them a module belongs.
//!
//! A package that is installed has a directory `NAME-VERSION.dist-info`, or `.egg-info`, beside its modules.

use std::fs;
use std::path::Path;

/// An installed package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Package {
    /// Its name, as packages are compared: lowercase, with `-` between the words.
    pub(crate) name: String,
    pub(crate) version: String,
    /// The name of its directory.
    directory: String,
}

/// All packages that a directory lists, sorted by name.
pub(crate) fn in_directory(directory: &Path) -> Vec<Package> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut found: Vec<Package> = entries
        .filter_map(|entry| Package::of(entry.file_name().to_str()?))
        .collect();
    found.sort_by(|one, other| (&one.name, &one.version).cmp(&(&other.name, &other.version)));
    found
}

impl Package {
    fn of(directory: &str) -> Option<Self> {
        let stem = directory
            .strip_suffix(".dist-info")
            .or_else(|| directory.strip_suffix(".egg-info"))?;
        let (name, rest) = stem.split_once('-')?;
        let version = rest.split("-py").next().unwrap_or(rest);
        Some(Self {
            name: normalized(name),
            version: version.to_owned(),
            directory: directory.to_owned(),
        })
    }

    /// Whether a module, or a package of modules, of a name is one of it.
    fn has(&self, site: &Path, module: &str) -> bool {
        let inside = site.join(&self.directory);
        if let Ok(text) = fs::read_to_string(inside.join("top_level.txt"))
            && text.lines().any(|line| line.trim() == module)
        {
            return true;
        }
        let files = ["RECORD", "installed-files.txt"].map(|name| fs::read_to_string(inside.join(name)));
        files.into_iter().flatten().any(|text| has_files_of(&text, module))
    }
}

/// Whether files of a module stand in a list of files.
fn has_files_of(text: &str, module: &str) -> bool {
    let is_own = |line: &str| {
        let path = line.trim_start_matches("../");
        let rest = path.strip_prefix(module);
        rest.is_some_and(|rest| rest.starts_with('/') || rest.starts_with('.'))
    };
    text.lines().any(is_own)
}

/// The packages to which a module of a directory belongs: most often one of the same name.
pub(crate) fn of_module<'p>(packages: &'p [Package], site: &Path, module: &str) -> Vec<&'p Package> {
    let name = normalized(module);
    let same: Vec<&Package> = packages.iter().filter(|it| it.name == name).collect();
    match same.is_empty() {
        true => packages.iter().filter(|it| it.has(site, module)).collect(),
        false => same,
    }
}

/// A name as packages are compared.
pub(crate) fn normalized(name: &str) -> String {
    name.replace(['_', '.'], "-").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_known_by_the_name_of_its_directory() {
        let of = |name: &str| Package::of(name).map(|it| (it.name, it.version));
        let known = |name: &str, version: &str| Some((name.to_owned(), version.to_owned()));
        assert_eq!(of("pandas-2.1.4.dist-info"), known("pandas", "2.1.4"));
        assert_eq!(of("scikit_learn-1.3.0.dist-info"), known("scikit-learn", "1.3.0"));
        assert_eq!(of("PyYAML-6.0-py3.11.egg-info"), known("pyyaml", "6.0"));
        assert_eq!(of("pandas"), None);
    }

    #[test]
    fn a_module_belongs_to_the_package_of_its_name_or_that_lists_it() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let put = |path: &str, text: &str| {
            let at = dir.path().join(path);
            fs::create_dir_all(at.parent().expect("a parent")).expect("made");
            #[expect(clippy::disallowed_methods, reason = "a test's own file")]
            fs::write(at, text).expect("written");
        };
        put("six-1.16.0.dist-info/RECORD", "six.py,sha256=x,1\n");
        put("PyYAML-6.0.dist-info/top_level.txt", "_yaml\nyaml\n");
        put(
            "attrs-23.1.dist-info/RECORD",
            "attr/__init__.py,,\nattrs/__init__.py,,\n",
        );
        let packages = in_directory(dir.path());
        let names = |module: &str| -> Vec<&str> {
            let found = of_module(&packages, dir.path(), module);
            found.iter().map(|it| it.name.as_str()).collect()
        };
        assert_eq!(names("six"), ["six"]);
        assert_eq!(names("yaml"), ["pyyaml"]);
        assert_eq!(names("attr"), ["attrs"]);
        assert_eq!(names("at"), [""; 0]);
    }
}
