//! The hook by which a Python program tells what it uses, and what it has told.
//!
//! The hook is a `sitecustomize.py`, which Python imports as it starts, in a directory on `PYTHONPATH`. That directory
//! is made anew by each process that runs commands: what Python keeps beside the file, compiled, is run as well, and
//! none of that may have come with the store.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::observation::ProjectRoot;
use super::{Found, Observed, packages};
use crate::engine::files::{Files, Identity};
use crate::engine::ignore::Ignore;
use crate::engine::result_id::Installed;
use crate::engine::spec::Command;
use crate::engine::store::own_file;
use crate::engine::writes;

/// The hook itself.
pub(crate) const HOOK: &str = include_str!("sitecustomize.py");

/// The variables that lead a Python program to the hook, and that to where it tells.
pub(crate) fn variables(env: &BTreeMap<String, String>, hook: &Path, notes: &Path) -> Vec<(String, String)> {
    let hook = hook.to_string_lossy().into_owned();
    let path = match env.get("PYTHONPATH").filter(|path| !path.is_empty()) {
        Some(own) => format!("{hook}:{own}"),
        None => hook,
    };
    let notes = notes.to_string_lossy().into_owned();
    vec![("PYTHONPATH".to_owned(), path), ("ATSAF_NOTES".to_owned(), notes)]
}

/// What Python programs imported, as they told it.
#[derive(Debug, Default)]
pub(super) struct Imports {
    /// Names of modules that files of the project import.
    pub(super) names: Vec<String>,
    /// The directories of the project in which modules are looked for, in order; one list for each that was seen.
    pub(super) search: Vec<Vec<String>>,
    /// Directories outside of the project, and the name of a package in them.
    pub(super) packages: Vec<(PathBuf, String)>,
    /// Interpreters by name and version, and their programs.
    pub(super) interpreters: Vec<(String, PathBuf)>,
}

fn add<T: PartialEq>(to: &mut Vec<T>, item: T) {
    if !to.contains(&item) {
        to.push(item);
    }
}

/// Reads what the hook has noted; what makes no sense is passed over.
///
/// # Errors
/// Whatever reading meets, save that nothing was noted.
pub(super) fn read(notes: &Path, root: &dyn Fn() -> ProjectRoot, observed: &mut Observed) -> io::Result<()> {
    let bytes = match own_file::read(notes) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    take_all(&bytes, &root(), observed);
    Ok(())
}

fn take_all(bytes: &[u8], root: &ProjectRoot, observed: &mut Observed) {
    for record in bytes.split(|byte| *byte == 0) {
        let fields = record.split(|byte| *byte == b'\t').map(std::str::from_utf8);
        // Names in a directory that are no text count for nothing there either.
        let fields: Option<Vec<&str>> = match record.starts_with(b"l\t") {
            true => Some(fields.flatten().collect()),
            false => fields.map(Result::ok).collect(),
        };
        if let Some([kind, fields @ ..]) = fields.as_deref() {
            take(kind, fields, root, observed);
        }
    }
}

fn take(kind: &str, fields: &[&str], root: &ProjectRoot, observed: &mut Observed) {
    // A path may have tabs in it, and is the last field.
    let path_from = |at: usize| root.below(Path::new(&fields.get(at..).unwrap_or_default().join("\t")));
    match (kind, fields) {
        ("r", [size, modified, changed, inode, device, _, ..]) => {
            let number = |text: &str| text.parse::<u64>().ok();
            let moment = |text: &str| {
                let nanoseconds: i128 = text.parse().ok()?;
                let seconds = i64::try_from(nanoseconds.div_euclid(1_000_000_000)).ok()?;
                Some((seconds, i64::try_from(nanoseconds.rem_euclid(1_000_000_000)).ok()?))
            };
            let identity = || {
                Some(Identity {
                    size: number(size)?,
                    modified: moment(modified)?,
                    changed: moment(changed)?,
                    inode: number(inode)?,
                    device: number(device)?,
                })
            };
            if let Some((path, identity)) = path_from(5).zip(identity()) {
                observed.read(path, Found::File(identity));
            }
        }
        ("a", [_, ..]) => {
            if let Some(path) = path_from(0) {
                observed.read(path, Found::Nothing);
            }
        }
        ("w", [_, ..]) => {
            if let Some(path) = path_from(0) {
                observed.wrote(path);
            }
        }
        ("l", [directory, names @ ..]) => {
            if let Some(path) = root.directory(Path::new(directory)) {
                observed.listed(path, names.iter().map(|name| (*name).to_owned()).collect());
            }
        }
        ("m", [directory, name]) => {
            add(
                &mut observed.imports.packages,
                (PathBuf::from(directory), (*name).to_owned()),
            );
        }
        ("i", [name]) => add(&mut observed.imports.names, (*name).to_owned()),
        ("p", directories) => {
            let below = directories.iter().filter_map(|it| root.directory(Path::new(it)));
            add(&mut observed.imports.search, below.collect());
        }
        ("v", [version, program]) => {
            add(
                &mut observed.imports.interpreters,
                ((*version).to_owned(), PathBuf::from(program)),
            );
        }
        _ => {}
    }
}

impl Imports {
    /// Adds what other programs imported.
    pub(super) fn add(&mut self, other: Self) {
        other.names.into_iter().for_each(|it| add(&mut self.names, it));
        other.search.into_iter().for_each(|it| add(&mut self.search, it));
        other.packages.into_iter().for_each(|it| add(&mut self.packages, it));
        other
            .interpreters
            .into_iter()
            .for_each(|it| add(&mut self.interpreters, it));
    }

    /// The packages and interpreters, as they are installed.
    pub(super) fn installed(&self, files: &Files) -> Vec<Installed> {
        let root = ProjectRoot::of(files.root());
        let mut found = Vec::new();
        for (site, module) in &self.packages {
            let at = root.anywhere(site);
            let packages = files.packages_in(&at);
            for package in packages::of_module(&packages, site, module) {
                let version = packages.iter().find(|it| it.name == package.name);
                let installed = Installed {
                    name: package.name.clone(),
                    version: version.map(|it| it.version.clone()).unwrap_or_default(),
                    at: at.clone(),
                    program: None,
                };
                add(&mut found, installed);
            }
        }
        for (version, program) in &self.interpreters {
            let at = root.anywhere(program);
            let content = files.source(&at, &Ignore::default()).ok().flatten();
            if let Some((name, version)) = version.split_once(' ')
                && let Some((content, _)) = content
            {
                let name = if name == "cpython" { "python" } else { name };
                let (name, version, program) = (name.to_owned(), version.to_owned(), Some(content));
                add(
                    &mut found,
                    Installed {
                        name,
                        version,
                        at,
                        program,
                    },
                );
            }
        }
        found.sort();
        found
    }

    /// The paths of the project at which a module would be found before one that was imported, were it there; `read` are
    /// the files that were read.
    pub(super) fn shadows<'o>(&self, root: &Path, read: impl Iterator<Item = &'o str>) -> Vec<String> {
        let mut found = Vec::new();
        let packages = self.packages.iter().map(|(_, name)| name);
        for name in self.names.iter().chain(packages) {
            for directory in self.search.iter().flatten() {
                let at = |name: String| match directory.as_str() {
                    "./" => name,
                    directory => format!("{directory}{name}"),
                };
                let (module, package) = (at(format!("{name}.py")), at(format!("{name}/__init__.py")));
                if [&module, &package].iter().any(|path| root.join(path).is_file()) {
                    break;
                }
                found.extend([module, package]);
            }
        }
        for module in read.filter_map(|path| path.strip_suffix(".py")) {
            found.extend(self.packages_before(module).filter(|path| !root.join(path).exists()));
        }
        found.sort();
        found.dedup();
        found
    }

    /// The files of packages that would come before a module that was read: one of its own name, and those that would be
    /// in the place of a namespace above it.
    fn packages_before<'m>(&self, module: &'m str) -> impl Iterator<Item = String> + use<'m> {
        let searched = self
            .search
            .iter()
            .flatten()
            .map(|directory| directory.trim_start_matches("./"));
        let from = searched
            .filter(|directory| module.starts_with(*directory))
            .map(str::len)
            .min();
        let is_file_of_package = module == "__init__" || module.ends_with("/__init__");
        let ends = from.into_iter().flat_map(move |from| {
            let ends = module.match_indices('/').map(|(end, _)| end);
            ends.filter(move |end| *end > from)
                .chain((!is_file_of_package).then_some(module.len()))
        });
        ends.map(|end| format!("{}/__init__.py", &module[..end]))
    }
}

/// Why the Python that a command starts did not tell anything; `None` if its text names none.
pub(super) fn silence(command: &Command) -> Option<String> {
    let words = writes::words(command);
    let is_python = |word: &str| {
        let name = word.rsplit('/').next().unwrap_or(word);
        let rest = name.strip_prefix("python");
        rest.is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
    };
    let at = words.iter().position(|word| is_python(word))?;
    let program = &words[at];
    let options = words[at + 1..].iter();
    let closed = options.take_while(|word| word.starts_with('-')).find_map(|word| {
        // What stands behind one of these is its value.
        let letters = word[1..].split(['c', 'm', 'W', 'X']).next().unwrap_or_default();
        letters.chars().find(|letter| matches!(letter, 'I' | 'E' | 'S'))
    });
    let is_replaced = |word: &String| word.starts_with("PYTHONPATH=") && !word.contains("$PYTHONPATH");
    Some(match closed {
        Some(letter) => format!("`{program} -{letter}` does not let atsaf look"),
        None if words.iter().any(is_replaced) => {
            "`PYTHONPATH=` takes away what lets atsaf look: append `:$PYTHONPATH`".to_owned()
        }
        None => format!("`{program}` told nothing of itself"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::discover::beginning::Beginning;
    use crate::engine::spec::{Means, Template};
    use crate::fuzz::Fuzz;

    fn said(text: &str) -> Option<String> {
        let word = Template {
            text: text.into(),
            pieces: [].into(),
        };
        silence(&Command {
            cwd: None,
            words: vec![word].into(),
            shell: Some(["bash", "-c"].map(str::to_owned).into()),
            file_words: [].into(),
        })
    }

    #[test]
    fn fuzz_notes() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let root = dir.path().canonicalize().expect("there");
        let example = "v\tcpython 3.11.2\t/usr/bin/python3\0r\t4\t1795937686514494091\t1\t3\t4\tROOT/lib/a.py\0a\tROOT/x\0\
                       w\tROOT/y\0l\tROOT/lib\ta.py\tb\0m\tROOT/site/\tpandas\0i\tjson\0p\tROOT/\tROOT/lib\0";
        let example = example.replace("ROOT", root.to_str().expect("UTF-8")).into_bytes();
        let words = ["ROOT/../x", "..", "\t", "r\t", "-1"];
        Fuzz::of("notes", [example]).words(&words).run(|bytes| {
            let mut observed = Observed::new(Means::Python, Beginning::by_own_clock());
            take_all(bytes, &ProjectRoot::of(&root), &mut observed);
            let shadows = observed
                .imports
                .shadows(&root, observed.accesses.keys().map(String::as_str));
            let listed = observed.listings.keys();
            for path in observed.accesses.keys().chain(listed) {
                let is_plain = |part: &str| !matches!(part, "" | "." | "..");
                let path = path.strip_suffix('/').unwrap_or(path);
                assert!(path == "." || path.split('/').all(is_plain), "{path}");
            }
            assert!(shadows.iter().all(|path| path.contains(".py")));
        });
    }

    #[test]
    fn why_python_is_silent_stands_in_the_command() {
        for (text, why) in [
            ("python3 -I x.py", "`python3 -I` does not let atsaf look"),
            ("python -sE x.py", "`python -E` does not let atsaf look"),
            (
                "cd a && /usr/bin/python3.11 -c 'import S'",
                "`/usr/bin/python3.11` told nothing of itself",
            ),
            ("python3 -mS x", "`python3` told nothing of itself"),
            (
                "PYTHONPATH=src python3 -m x",
                "`PYTHONPATH=` takes away what lets atsaf look: append `:$PYTHONPATH`",
            ),
            (
                "PYTHONPATH=src:$PYTHONPATH python3 -m x",
                "`python3` told nothing of itself",
            ),
        ] {
            assert_eq!(said(text).as_deref(), Some(why), "{text}");
        }
        assert_eq!(said("pythonic x; echo python-config"), None);
    }
}
