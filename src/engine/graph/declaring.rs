//! What a target declares, and how it would declare more: for those who find that it uses more.

use super::{Graph, TargetId};
use crate::engine::spec::{From, Input, base_name};

impl Graph {
    /// Whether a target declares a path as an input, or a directory above it.
    #[must_use]
    pub fn declares(&self, id: TargetId, path: &str) -> bool {
        let path = path.trim_start_matches("./");
        self.node(id).reads.iter().any(|read| lies_in(path, &read.path))
    }

    /// Says how inputs are added to those of a target, and where: with the whole line where they are a list.
    #[must_use]
    pub fn with_inputs(&self, id: TargetId, more: &[String]) -> String {
        let target = self.target(id);
        let (base, at) = (base_name(&target.name), self.spec.text.line_of(target.span));
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let more = more.iter().map(|text| quoted(text));
        // With roles of their own they stand in a table; and what an instance reads has its values put in.
        let is_list = target.inputs.iter().all(|input| input.role == text(input));
        if is_list && target.settings.without.is_empty() && target.instance.is_none() {
            let own = target.inputs.iter().map(|input| {
                let mark = if input.optional { "?" } else { "" };
                quoted(&format!("{mark}{}", text(input)))
            });
            let all: Vec<String> = own.chain(more).collect();
            return format!("write in `[target.{base}]`, {at}: `inputs = [{}]`", all.join(", "));
        }
        let all: Vec<String> = more.collect();
        format!("add to the `inputs` of `[target.{base}]`, {at}: `{}`", all.join(", "))
    }
}

/// Whether a path is another one, or lies below it.
pub(crate) fn lies_in(path: &str, outer: &str) -> bool {
    let rest = path.strip_prefix(outer.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// An input as it is written.
fn text(input: &Input) -> &str {
    match &input.from {
        From::Artifact(text) | From::Source(text) | From::Glob(text) => text,
    }
}
