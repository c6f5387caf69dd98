//! What `reading` says of the inputs of a target with a built-in task: it is about files of the user's, and what commands make.
//!
//! What other built-in tasks make has the columns that tasks know. In `with`, what is said of such an input, or of one that is not
//! there, is a mistake; in `[params]`, which all targets share, it is said to others, and is no parameter of this one.

use std::collections::BTreeMap;

use toml::de::DeTable;

use super::mistakes::Mistakes;
use super::names::Meaning;
use super::params::Declared;
use super::resolve::{Ports, Resolver};
use super::syntax::{key_of, span_of};
use super::targets::Draft;
use crate::engine::spec::schema::{self, READING, Schema};
use crate::engine::spec::{From, Span, Value};

impl Resolver<'_, '_> {
    /// The entries of `reading` that this target has to do with.
    pub(super) fn reading(
        &self,
        (draft, schema): (&Draft<'_>, &Schema),
        ports: &Ports<'_>,
        declared: Option<&Declared<'_>>,
        entries: &BTreeMap<String, Value>,
        mistakes: &mut Mistakes,
    ) -> BTreeMap<String, Value> {
        let is_own = draft.with.iter().any(|own| own.name.text == READING);
        let mut told: Vec<&str> = Vec::new();
        let mut kept = entries.clone();
        kept.retain(|entry, _| {
            let Some(role) = schema.read_as(entry) else {
                // An entry that no task has is told as such when the value is checked.
                return is_own || !self.is_entry_of_another(entry);
            };
            let Some(unfit) = self.unfit(role, ports) else {
                return true;
            };
            if is_own && !told.contains(&role) {
                told.push(role);
                let span = declared.map_or(draft.name.span, |declared| place(declared, entry));
                unfit.report(schema, span, mistakes);
            }
            false
        });
        kept
    }

    /// Whether another task has an entry of this name in its `reading`.
    fn is_entry_of_another(&self, entry: &str) -> bool {
        self.catalog.values().any(|schema| schema.read_as(entry).is_some())
    }

    /// Why nothing needs to be said of the input of this role, if that is so.
    fn unfit(&self, role: &'static str, ports: &Ports<'_>) -> Option<Unfit> {
        if role == schema::ANY || !ports.inputs_whole {
            return None;
        }
        let Some(input) = ports.inputs.iter().find(|input| input.role == role) else {
            return Some(Unfit::NotThere(role));
        };
        let From::Artifact(name) = &input.from else {
            return None;
        };
        let (Meaning::Artifact { made, .. } | Meaning::OnAxes(made)) = self.names.artifact(name) else {
            return None;
        };
        let maker = &self.names.drafts[made.target];
        let task = self.catalog.get(maker.uses?.text)?;
        (!task.hands_columns_on()).then(|| Unfit::Made {
            role,
            target: maker.name.text.to_owned(),
            task: task.name,
            span: input.span,
        })
    }
}

/// Why nothing needs to be said of an input.
enum Unfit {
    /// The target does not read it.
    NotThere(&'static str),
    /// A built-in task makes it.
    Made {
        role: &'static str,
        target: String,
        task: &'static str,
        span: Span,
    },
}

impl Unfit {
    fn report(self, schema: &Schema, span: Span, mistakes: &mut Mistakes) {
        match self {
            Self::NotThere(role) => {
                mistakes
                    .error(
                        span,
                        format!("`{READING}` says how `{role}` is written, and the target reads no `{role}`"),
                    )
                    .help(format!(
                        "bind a file to it, `inputs = {{ {role} = \"a path\" }}`, or take this out"
                    ));
            }
            Self::Made {
                role,
                target,
                task,
                span: input,
            } => {
                mistakes
                    .error(
                        span,
                        format!("`{READING}` says how `{role}` is written, which the target `{target}` makes"),
                    )
                    .also(input, format!("`{role}`"))
                    .note(format!("the task `{task}` writes it as `{}` reads it", schema.name))
                    .help("take this out: it is for files, and for what commands make");
            }
        }
    }
}

/// Where an entry is written, or the whole value.
fn place(declared: &Declared<'_>, entry: &str) -> Span {
    let table: Option<&DeTable<'_>> = declared.node.and_then(|node| node.get_ref().as_table());
    let written = table.into_iter().flatten().find(|(key, _)| key_of(key).text == entry);
    written.map_or(declared.span, |(key, node)| match node.get_ref().as_table() {
        Some(_) => key_of(key).span,
        None => span_of(node),
    })
}
