//! `metrics` of a target: which of its outputs hold numbers that are compared from run to run.

use super::mistakes::Mistakes;
use super::path;
use super::targets::Draft;
use crate::engine::spec::{ArtifactKind, METRICS_ENDINGS, Output};

/// The ports of the outputs that a target names as its metrics, in the order of the outputs.
pub(super) fn read(draft: &Draft<'_>, outputs: &[Output], mistakes: &mut Mistakes) -> Vec<String> {
    if draft.broken.outputs {
        return Vec::new();
    }
    let mut named = vec![false; outputs.len()];
    for word in &draft.settings().metrics {
        let is_it = |at: &usize| {
            let written = &draft.outputs[*at];
            let is_name = [written.port.text, written.name.text].contains(&word.text);
            is_name || written.path.text == word.text || outputs[*at].path == path::normalise(word.text)
        };
        let Some(at) = (0..outputs.len().min(draft.outputs.len())).find(is_it) else {
            let known = draft.outputs.iter().flat_map(|it| [it.path.text, it.name.text]);
            let what = format!(
                "`{}` in `metrics` is no output of the target `{}`",
                word.text, draft.name.text
            );
            mistakes.unknown(Some(word.span), what, word.text, "outputs", known);
            continue;
        };
        let output = &outputs[at];
        if output.kind == ArtifactKind::Directory {
            mistakes
                .error(word.span, format!("`{}` in `metrics` is a directory", word.text))
                .help("name a file: metrics are read from JSON, YAML, CSV or Parquet");
        } else if !METRICS_ENDINGS.iter().any(|ending| output.path.ends_with(ending)) {
            mistakes
                .error(word.span, format!("metrics cannot be read from `{}`", output.path))
                .help(format!("its name has to end in {}", METRICS_ENDINGS.join(", ")));
        }
        named[at] = true;
    }
    let ports = outputs.iter().zip(named).filter(|(_, named)| *named);
    ports.map(|(output, _)| output.port.to_string()).collect()
}
