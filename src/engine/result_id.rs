//! What a result goes by: everything that it depends on, declared or seen.
//!
//! ```text
//! result id = BLAKE3("atsaf result", declared fingerprint, discovered inputs sorted by path,
//!                    installed packages sorted by name, if there are any)
//! ```
//!
//! Results, restores, the keys of effects and remembered work go by it. It names neither the target nor the project,
//! so a renamed target, another clone and another machine find the same result under it.

use serde::{Deserialize, Serialize};

use super::digest::{Digest, Encoder};

/// Something that an attempt was seen to use without declaring it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Discovered {
    /// Its path, relative to the project; with a `/` at its end it is the names in a directory.
    pub path: String,
    /// The digest of its content; `None` if the attempt depended on its absence.
    pub content: Option<Digest>,
}

/// Something installed outside of the project, by name and version: a package that an attempt imported, or the
/// interpreter that did so.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Installed {
    /// Its name, as its kind compares names.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where that can be asked for: the directory that lists the package, or the interpreter's program. In no id.
    pub at: String,
    /// The digest of the program, of an interpreter. In no id.
    pub program: Option<Digest>,
}

/// What the attempts were seen to use on whose work another one goes on.
pub(crate) type Inherited = (Vec<Discovered>, Vec<Installed>);

/// The id of a result.
#[must_use]
pub fn result_id(declared: Digest, discovered: &[Discovered], installed: &[Installed]) -> Digest {
    let mut sorted: Vec<&Discovered> = discovered.iter().collect();
    sorted.sort();
    sorted.dedup();
    let mut encoder = Encoder::new("atsaf result");
    encoder.digest(&declared).number(sorted.len() as u64);
    for Discovered { path, content } in sorted {
        encoder.text(path);
        match content {
            None => encoder.tag(0),
            Some(digest) => encoder.tag(1).digest(digest),
        };
    }
    let mut versions: Vec<(&str, &str)> = installed
        .iter()
        .map(|it| (it.name.as_str(), it.version.as_str()))
        .collect();
    versions.sort_unstable();
    versions.dedup();
    for (name, version) in versions {
        encoder.tag(2).text(name).text(version);
    }
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn discovered() -> Vec<Discovered> {
        let found = |path: &str, content: Option<&str>| Discovered {
            path: path.to_owned(),
            content: content.map(|text| Digest::of(text.as_bytes())),
        };
        vec![found("lib/model.py", Some("model")), found("lib/config.yaml", None)]
    }

    fn installed() -> Vec<Installed> {
        let package = |name: &str, version: &str, at: &str| Installed {
            name: name.to_owned(),
            version: version.to_owned(),
            at: at.to_owned(),
            program: None,
        };
        vec![
            package("pandas", "2.1.4", "/usr/lib"),
            package("numpy", "1.26.2", ".venv/lib"),
        ]
    }

    /// If this fails, no result of any project is found again after an upgrade: take the change back.
    #[test]
    fn the_ids_of_two_results_are_pinned() {
        let declared = Digest::of(b"declared");
        assert_eq!(
            result_id(declared, &[], &[]).hex(),
            "15d530eecd5efdbf797b623a8649b25dadb8d084763cc5e6f5c7cd03e39b3790"
        );
        assert_eq!(
            result_id(declared, &discovered(), &[]).hex(),
            "479176641ab293b43ec3dea630db15c8289e6b1fa2e9150ce25622209259572d"
        );
        assert_eq!(
            result_id(declared, &discovered(), &installed()).hex(),
            "0ffcde1d07c7684c8a6827e8afaa0b271a8d8a2040b11aeec215c5bb04b7a1df"
        );
    }

    #[test]
    fn every_discovered_input_counts_and_their_order_does_not() {
        let declared = Digest::of(b"declared");
        let id = result_id(declared, &discovered(), &[]);
        let mut other = discovered();
        other.reverse();
        assert_eq!(result_id(declared, &other, &[]), id);
        other[0].content = Some(Digest::of(b""));
        assert_ne!(result_id(declared, &other, &[]), id, "absent and empty differ");
        other = discovered();
        other[0].path.push('x');
        assert_ne!(result_id(declared, &other, &[]), id);
        assert_ne!(result_id(declared, &discovered()[..1], &[]), id);
        assert_ne!(result_id(Digest::of(b"other"), &discovered(), &[]), id);
    }

    #[test]
    fn what_is_installed_counts_by_name_and_version_wherever_it_is() {
        let declared = Digest::of(b"declared");
        let id = result_id(declared, &[], &installed());
        let mut other = installed();
        other.reverse();
        other[0].at = "elsewhere".to_owned();
        other[1].program = Some(declared);
        assert_eq!(result_id(declared, &[], &other), id);
        other[0].version = "2.2.0".to_owned();
        assert_ne!(result_id(declared, &[], &other), id);
        assert_ne!(result_id(declared, &[], &installed()[..1]), id);
        assert_ne!(result_id(declared, &[], &[]), id);
    }
}
