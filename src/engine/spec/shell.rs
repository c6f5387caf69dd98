//! The shells of texts: two that are usual, which all targets share, in memory and in the kept Spec.

use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The shell of a text where none is written: it fails where any program of a pipe, any line, or an unset variable does.
pub const SHELL: [&str; 4] = ["bash", "-euo", "pipefail", "-c"];

/// The shell of such a text that looks at `$?` itself: with the other one it would have ended before that.
pub const SHELL_PAST_FAILURES: [&str; 4] = ["bash", "-uo", "pipefail", "-c"];

static USUAL: LazyLock<[Arc<[String]>; 2]> =
    LazyLock::new(|| [SHELL, SHELL_PAST_FAILURES].map(|words| words.map(str::to_owned).into()));

/// The words of the shell of a text that names none, and looks at `$?` or does not.
pub(crate) fn usual(looks_at_status: bool) -> Arc<[String]> {
    Arc::clone(&USUAL[usize::from(looks_at_status)])
}

/// A shell as the kept Spec has it.
#[derive(Serialize, Deserialize)]
enum Kept<W> {
    None,
    Usual { looks_at_status: bool },
    Words(W),
}

#[expect(clippy::ref_option, reason = "serde gives a reference to the field")]
pub(super) fn serialize<S: Serializer>(shell: &Option<Arc<[String]>>, serializer: S) -> Result<S::Ok, S::Error> {
    let kept = match shell {
        None => Kept::None,
        Some(words) => match USUAL.iter().position(|usual| usual == words) {
            Some(at) => Kept::Usual {
                looks_at_status: at == 1,
            },
            None => Kept::Words(words),
        },
    };
    kept.serialize(serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Arc<[String]>>, D::Error> {
    Ok(match Kept::deserialize(deserializer)? {
        Kept::None => None,
        Kept::Usual { looks_at_status } => Some(usual(looks_at_status)),
        Kept::Words(words) => Some(words),
    })
}
