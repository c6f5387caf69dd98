//! An Atsaffile, and what is made of it or said about it.

mod airflow;
mod catalog;
mod command;
mod environment;
mod example;
mod goals;
mod hostile;
mod input_forms;
mod inputs;
mod json_schema;
mod manual;
mod many;
mod matrix;
mod names;
mod overrides;
mod params_files;
mod paths;
mod pools;
mod reading;
mod sections;
mod tables;
mod targets;
mod tasks;
mod templates;
mod timing;
mod values;

use super::{Overrides, load};
use crate::diagnostic::Severity;
use crate::engine::spec::Spec;

/// Sets from the command line.
fn sets(sets: &[(&str, &str)]) -> Overrides {
    Overrides {
        sets: sets
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
        ..Overrides::default()
    }
}

/// The Spec of a text without mistakes, under values of the command line.
fn spec_with(text: &str, overrides: &[(&str, &str)]) -> Spec {
    let (spec, diagnostics) = load("Atsaffile", text, &sets(overrides), &catalog::catalog());
    // A parameter that nothing reads is no mistake of a text that shows something else.
    let errors = diagnostics.iter().filter(|it| it.severity == Severity::Error);
    let told: String = errors.map(crate::diagnostic::Diagnostic::render).collect();
    assert_eq!(told, "", "in\n{text}");
    spec
}

/// The Spec of a text without mistakes.
fn spec(text: &str) -> Spec {
    spec_with(text, &[])
}

/// Everything that is said about a text, under values of the command line.
fn mistakes_with(text: &str, overrides: &[(&str, &str)]) -> String {
    let (_, diagnostics) = load("Atsaffile", text, &sets(overrides), &catalog::catalog());
    diagnostics.iter().map(crate::diagnostic::Diagnostic::render).collect()
}

/// Everything that is said about a text.
fn mistakes(text: &str) -> String {
    mistakes_with(text, &[])
}
