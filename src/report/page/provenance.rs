//! Where each artifact came from: target, run, when, why, and with which parameters.

use maud::{Markup, html};

use crate::report::human;

/// Where an artifact came from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Provenance {
    /// Its name.
    pub artifact: String,
    /// Its path.
    pub path: String,
    /// The target that makes it.
    pub target: String,
    /// What that does: a built-in task, or a command.
    pub action: String,
    /// How the file is: `as built`, `not built yet`, `altered`.
    pub state: String,
    /// Its size in bytes.
    pub size: Option<u64>,
    /// The run that made it, in short.
    pub run: String,
    /// The run that put it in place, where that is another one.
    pub restored_by: String,
    /// When the attempt ended.
    pub when: String,
    /// How long it took.
    pub took: String,
    /// Why it ran.
    pub why: String,
    /// The digest of what it says, in short.
    pub content: String,
    /// Parameters with their values.
    pub params: Vec<(String, String)>,
    /// Inputs: role, path and the digest of what they said, in short.
    pub inputs: Vec<(String, String, String)>,
    /// How many more inputs there are.
    pub more_inputs: usize,
}

pub(super) fn section(all: &[Provenance], left: usize) -> Markup {
    html! {
        @if all.is_empty() { p.none { "There is no artifact." } }
        @else {
            div.scroll tabindex="0" role="group" aria-label="Provenance of every artifact" {
                table.provenance {
                    caption { "Where each artifact came from" }
                    thead { tr {
                        th scope="col" { "artifact" } th scope="col" { "made by" } th scope="col" { "state" } th scope="col" { "run" }
                        th scope="col" { "when (UTC)" } th.number scope="col" { "took" } th scope="col" { "why it ran" } th scope="col" { "content" }
                    } }
                    tbody { @for one in all { (row(one)) } }
                }
            }
            @if left > 0 { p.left { (human::count(left, "more artifact")) "." } }
            (details(all))
        }
    }
}

fn row(one: &Provenance) -> Markup {
    html! {
        tr {
            th scope="row" { (one.artifact) br; code.path { (one.path) } @if let Some(size) = one.size { br; span.from { (human::size(size)) } } }
            td { (one.target) br; span.from { (one.action) } }
            td.fixed { (one.state) }
            td.fixed { code { (one.run) } @if !one.restored_by.is_empty() { br; span.from { "put back by " code { (one.restored_by) } } } }
            td.fixed { (one.when) } td.number { (one.took) } td { (one.why) }
            td { code { (one.content) } }
        }
    }
}

/// Parameters and inputs of each target, once for all that it makes.
fn details(all: &[Provenance]) -> Markup {
    let mut seen: Vec<&str> = Vec::new();
    let firsts = all.iter().filter(|one| {
        let is_new = !seen.contains(&one.target.as_str());
        if is_new {
            seen.push(&one.target);
        }
        is_new && !(one.params.is_empty() && one.inputs.is_empty())
    });
    html! {
        @for one in firsts {
            details {
                summary { "Inputs and parameters of " strong { (one.target) } }
                @if !one.inputs.is_empty() {
                    div.scroll tabindex="0" role="group" aria-label={ "Inputs of " (one.target) } {
                        table {
                            caption { "What it read" }
                            thead { tr { th scope="col" { "input" } th scope="col" { "path" } th scope="col" { "content" } } }
                            tbody { @for (role, path, content) in &one.inputs { tr { th scope="row" { (role) } td { code { (path) } } td { code { (content) } } } } }
                        }
                    }
                }
                @if one.more_inputs > 0 { p.left { (human::count(one.more_inputs, "more input")) "." } }
                @if !one.params.is_empty() {
                    div.scroll tabindex="0" role="group" aria-label={ "Parameters of " (one.target) } {
                        table {
                            caption { "With which parameters" }
                            thead { tr { th scope="col" { "parameter" } th scope="col" { "value" } } }
                            tbody { @for (name, value) in &one.params { tr { th scope="row" { (name) } td { code { (value) } } } } }
                        }
                    }
                }
            }
        }
    }
}
