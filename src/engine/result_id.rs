//! What a result goes by: everything that it depends on, declared or seen.
//!
//! ```text
//! result id = BLAKE3("atsaf result", declared fingerprint, discovered inputs sorted by path)
//! ```
//!
//! Results, restores, the keys of effects and remembered work go by it. It names neither the target nor the project,
//! so a renamed target, another clone and another machine find the same result under it.

use serde::{Deserialize, Serialize};

use super::digest::{Digest, Encoder};

/// Something that an attempt was seen to use without declaring it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Discovered {
    /// Its path, relative to the project.
    pub path: String,
    /// The digest of its content; `None` if the attempt depended on its absence.
    pub content: Option<Digest>,
}

/// The id of a result.
#[must_use]
pub fn result_id(declared: Digest, discovered: &[Discovered]) -> Digest {
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

    /// If this fails, no result of any project is found again after an upgrade: take the change back.
    #[test]
    fn the_ids_of_two_results_are_pinned() {
        let declared = Digest::of(b"declared");
        assert_eq!(
            result_id(declared, &[]).hex(),
            "15d530eecd5efdbf797b623a8649b25dadb8d084763cc5e6f5c7cd03e39b3790"
        );
        assert_eq!(
            result_id(declared, &discovered()).hex(),
            "479176641ab293b43ec3dea630db15c8289e6b1fa2e9150ce25622209259572d"
        );
    }

    #[test]
    fn every_discovered_input_counts_and_their_order_does_not() {
        let declared = Digest::of(b"declared");
        let id = result_id(declared, &discovered());
        let mut other = discovered();
        other.reverse();
        assert_eq!(result_id(declared, &other), id);
        other[0].content = Some(Digest::of(b""));
        assert_ne!(result_id(declared, &other), id, "absent and empty differ");
        other = discovered();
        other[0].path.push('x');
        assert_ne!(result_id(declared, &other), id);
        assert_ne!(result_id(declared, &discovered()[..1]), id);
        assert_ne!(result_id(Digest::of(b"other"), &discovered()), id);
    }
}
