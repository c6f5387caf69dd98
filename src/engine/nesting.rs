//! The variables that say to a command, and to an atsaf that it starts, of which project and target it is a part.
//!
//! | variable | value |
//! |---|---|
//! | `ATSAF_PROJECT` | a digest that stands for the project: no path that a result could catch |
//! | `ATSAF_ATTEMPT` | a digest that stands for the target: of its first path, so that a renamed target's result is the same |
//! | `ATSAF_WITHIN` | the same of the projects further out, as `PROJECT/ATTEMPT` with a space between; only where there are any |
//!
//! They are the same in every run, so that a result which holds the environment stays the same.

use std::collections::BTreeMap;
use std::path::Path;

use super::digest::Digest;

/// The variable that stands for the project.
pub(crate) const PROJECT: &str = "ATSAF_PROJECT";
/// The variable that stands for the target.
pub(crate) const ATTEMPT: &str = "ATSAF_ATTEMPT";
/// The variable for the projects further out.
const WITHIN: &str = "ATSAF_WITHIN";

/// What stands for the project in a directory.
#[must_use]
pub fn identity(root: &Path) -> String {
    let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let digest = Digest::of(root.as_os_str().as_encoded_bytes()).hex();
    digest[..16].to_owned()
}

/// Whether this program is a part of some target's command.
#[must_use]
pub fn is_inside(env: &BTreeMap<String, String>) -> bool {
    env.contains_key(PROJECT)
}

/// The key of the target of the project in `root` of whose command this program is a part, if it is one.
#[must_use]
pub fn enclosing(env: &BTreeMap<String, String>, root: &Path) -> Option<String> {
    if !env.contains_key(PROJECT) {
        return None;
    }
    let own = identity(root);
    chain(env)
        .into_iter()
        .find_map(|(project, target)| (project == own).then_some(target))
}

/// The variables of a command of the target of a key.
pub(crate) fn variables(env: &BTreeMap<String, String>, root: &Path, key: &str) -> Vec<(String, String)> {
    let own = identity(root);
    let outer: Vec<String> = chain(env)
        .into_iter()
        .map(|(project, target)| format!("{project}/{target}"))
        .collect();
    let mut variables = vec![(PROJECT.to_owned(), own), (ATTEMPT.to_owned(), key.to_owned())];
    if !outer.is_empty() {
        variables.push((WITHIN.to_owned(), outer.join(" ")));
    }
    variables
}

/// Projects and targets of which this program is a part, the outermost first.
fn chain(env: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let outer = env.get(WITHIN).into_iter().flat_map(|text| text.split(' '));
    let mut chain: Vec<(String, String)> = outer
        .filter_map(|pair| pair.split_once('/'))
        .map(|(project, target)| (project.to_owned(), target.to_owned()))
        .collect();
    if let (Some(project), Some(target)) = (env.get(PROJECT), env.get(ATTEMPT)) {
        chain.push((project.clone(), target.clone()));
    }
    chain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_found_again_through_another_one() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (one, two) = (dir.path().join("one"), dir.path().join("two"));
        for root in [&one, &two] {
            std::fs::create_dir(root).expect("made");
        }
        let outside = BTreeMap::new();
        assert_eq!(enclosing(&outside, &one), None);
        let in_one: BTreeMap<_, _> = variables(&outside, &one, "a").into_iter().collect();
        assert_eq!(enclosing(&in_one, &one).as_deref(), Some("a"));
        assert_eq!(enclosing(&in_one, &two), None);
        let in_two: BTreeMap<_, _> = variables(&in_one, &two, "b").into_iter().collect();
        assert_eq!(enclosing(&in_two, &one).as_deref(), Some("a"));
        assert_eq!(enclosing(&in_two, &two).as_deref(), Some("b"));
        let path = one.to_string_lossy().into_owned();
        assert!(in_two.values().all(|value| !value.contains(&path)), "{in_two:?}");
    }
}
