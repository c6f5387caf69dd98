//! What a result was seen to use, as it is today.

use crate::engine::dependencies::today;
use crate::engine::digest::Digest;
use crate::engine::fingerprint::{Field, FieldValue};
use crate::engine::graph::Graph;
use crate::engine::look::Look;
use crate::engine::plan::VerdictInputs;
use crate::engine::reason::Difference;
use crate::engine::result_id::Discovered;
use crate::engine::store::StoredResult;

/// Where it is looked.
#[derive(Clone, Copy)]
pub(crate) struct Today<'a> {
    disk: &'a dyn Look,
    graph: &'a Graph,
}

impl<'a> Today<'a> {
    pub(crate) fn new(inputs: VerdictInputs<'a>) -> Self {
        Self {
            disk: inputs.disk,
            graph: inputs.graph,
        }
    }

    /// What a result was seen to use and is not as it was.
    pub(crate) fn moved(&self, result: &StoredResult) -> Vec<Difference> {
        let value = |content: Option<Digest>| Some(content.map_or(FieldValue::Absent, FieldValue::Digest));
        let difference = |before: &Discovered| {
            let now = self.content(&before.path);
            (now != before.content).then(|| Difference {
                field: Field::Discovered(before.path.clone()),
                before: value(before.content),
                after: value(now),
            })
        };
        result.discovered.iter().filter_map(difference).collect()
    }

    /// The same inputs with today's contents.
    pub(crate) fn of(&self, result: &StoredResult) -> Vec<Discovered> {
        let now = |used: &Discovered| Discovered {
            path: used.path.clone(),
            content: self.content(&used.path),
        };
        result.discovered.iter().map(now).collect()
    }

    fn content(&self, path: &str) -> Option<Digest> {
        today(self.disk, self.graph, path)
    }
}
