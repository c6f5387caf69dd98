//! A rule with all that is known of it, and why it cannot be translated.

use super::patterns::Pattern;
use super::values::{Path, Value};

/// Paths that a keyword was given as one thing.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) name: Option<String>,
    pub(super) paths: Vec<Path>,
}

/// A rule.
pub(super) struct Step {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) comments: Vec<String>,
    pub(super) desc: Option<String>,
    /// `None` where they are not known; `fault` says why.
    pub(super) inputs: Option<Vec<Slot>>,
    pub(super) outputs: Option<Vec<Slot>>,
    pub(super) logs: Option<Vec<Slot>>,
    /// One for each path of `outputs`.
    pub(super) patterns: Vec<Pattern>,
    pub(super) params: Vec<(Option<String>, Result<Value, String>)>,
    pub(super) resources: Vec<(String, Result<Value, String>)>,
    pub(super) shell: Option<(usize, String)>,
    pub(super) threads: Option<u64>,
    pub(super) memory: Option<String>,
    pub(super) retries: Option<u64>,
    pub(super) is_default: bool,
    /// Why it is left out, with the line.
    pub(super) fault: Option<(usize, String)>,
}

impl Step {
    pub(super) fn fail(&mut self, line: usize, why: impl Into<String>) {
        if self.fault.is_none() {
            self.fault = Some((line, why.into()));
        }
    }

    /// The paths that it makes, of which it is known.
    pub(super) fn made(&self) -> impl Iterator<Item = &Path> {
        self.outputs.iter().flatten().flat_map(|slot| &slot.paths)
    }

    pub(super) fn read(&self) -> impl Iterator<Item = &Path> {
        self.inputs.iter().flatten().flat_map(|slot| &slot.paths)
    }

    /// Its wildcards, in the order of its first output.
    pub(super) fn wildcards(&self) -> Vec<String> {
        self.patterns.first().map(Pattern::wildcards).unwrap_or_default()
    }

    /// Whether it makes nothing, and so only names what others make.
    pub(super) fn is_group(&self) -> bool {
        self.outputs.as_ref().is_some_and(Vec::is_empty)
    }
}

impl Slot {
    /// Its paths as a value, with the name.
    pub(super) fn as_value(&self) -> (Option<String>, Value) {
        let path = |path: &Path| Value::Text(path.text.clone());
        let value = match self.paths.as_slice() {
            [only] => path(only),
            several => Value::List(several.iter().map(path).collect()),
        };
        (self.name.clone(), value)
    }
}
