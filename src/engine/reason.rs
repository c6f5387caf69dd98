//! Why a target is stale: the only place that decides it.
//!
//! `build`, `plan`, `why`, `status` and `watch` all speak from [`diff`], so they cannot disagree.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::fingerprint::{Field, FieldValue, Fingerprint};

/// One difference between what is in place and what would be made now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Reason {
    /// The journal has no result of this target.
    NeverBuilt,
    /// `--force` asks for it.
    Forced,
    /// A field of the fingerprint differs.
    Changed(Difference),
    /// The fingerprint differs, but the journal's entry with the former values can no longer be read.
    Unknown,
    /// An artifact is not in its place.
    Missing {
        /// The artifact.
        artifact: String,
        /// Its declared path.
        path: String,
    },
    /// The file at an artifact's path is not the one that atsaf put there.
    Altered {
        /// The artifact.
        artifact: String,
        /// Its declared path.
        path: String,
    },
    /// A build ended between placing artifacts and recording them.
    Interrupted,
    /// The target acts outside the project, and its last attempt did not succeed: nobody knows how it stands there.
    Unfinished,
    /// The result is older than its target lets it be, and no probe can say that it still holds.
    TooOld {
        /// The age in milliseconds.
        limit: u64,
    },
    /// Its artifacts, which may go once they are read, are gone, and a target that has to run reads them.
    NeededBy {
        /// That target.
        target: String,
    },
}

impl Reason {
    /// Whether it is that a probe answers otherwise.
    #[must_use]
    pub fn is_answer(&self) -> bool {
        matches!(self, Self::Changed(it) if it.field == Field::Probe)
    }
}

/// One field before and after; `None` where the field is new or gone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The field.
    pub field: Field,
    /// In the record.
    pub before: Option<FieldValue<'static>>,
    /// Now.
    pub after: Option<FieldValue<'static>>,
}

/// How an artifact's path looks, beside the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InPlace {
    /// The bytes of the record.
    Intact,
    /// Nothing.
    Missing,
    /// Something else.
    Altered,
}

/// All that the decision about one target looks at.
pub struct Evidence<'a> {
    /// What the target's result would depend on now.
    pub fingerprint: &'a Fingerprint,
    /// Its hash, if every declared input is known.
    pub hash: Option<Digest>,
    /// The fingerprint's hash in the record, if there is a record.
    pub recorded: Option<Digest>,
    /// Files that the record's attempt was seen to use without declaring them, and that are not as they were.
    pub discovered: &'a [Difference],
    /// Reads the record's fingerprint, which is needed only to explain.
    pub recall: &'a dyn Fn() -> Option<Fingerprint>,
    /// Name, declared path and look of each artifact.
    pub artifacts: &'a [(&'a str, &'a str, InPlace)],
    /// Whether `--force` covers the target.
    pub forced: bool,
    /// Whether a commit of this target was cut short.
    pub interrupted: bool,
    /// Whether an attempt of an effect was begun and did not succeed.
    pub unfinished: bool,
    /// The target that has to run and reads artifacts that are gone, as they may be.
    pub needed_by: Option<&'a str>,
}

/// Tells all reasons for which a target is stale; none means that it is fresh, as far as its inputs are known.
#[must_use]
pub fn diff(evidence: &Evidence<'_>) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if evidence.forced {
        reasons.push(Reason::Forced);
    }
    if evidence.interrupted {
        reasons.push(Reason::Interrupted);
    }
    if evidence.unfinished {
        reasons.push(Reason::Unfinished);
    }
    if let Some(target) = evidence.needed_by {
        let target = target.to_owned();
        reasons.push(Reason::NeededBy { target });
    }
    let Some(recorded) = evidence.recorded else {
        if !evidence.interrupted {
            reasons.push(Reason::NeverBuilt);
        }
        return reasons;
    };
    if evidence.hash != Some(recorded) {
        match (evidence.recall)() {
            Some(before) => reasons.extend(
                differences(&before, evidence.fingerprint)
                    .into_iter()
                    .map(Reason::Changed),
            ),
            None if evidence.hash.is_some() => reasons.push(Reason::Unknown),
            None => {}
        }
    }
    reasons.extend(evidence.discovered.iter().cloned().map(Reason::Changed));
    for &(artifact, path, look) in evidence.artifacts {
        let reason = match look {
            InPlace::Intact => continue,
            InPlace::Missing => |artifact, path| Reason::Missing { artifact, path },
            InPlace::Altered => |artifact, path| Reason::Altered { artifact, path },
        };
        reasons.push(reason(artifact.to_owned(), path.to_owned()));
    }
    reasons
}

/// Tells the fields in which two fingerprints differ, in the order of the later one; an input that is not known yet
/// is no difference.
#[must_use]
pub fn differences(before: &Fingerprint, after: &Fingerprint) -> Vec<Difference> {
    let (before, after) = (before.fields(), after.fields());
    let earlier: BTreeMap<_, _> = before.iter().map(|(field, value)| (field, value)).collect();
    let later: BTreeSet<_> = after.iter().map(|(field, _)| field).collect();
    let owned = |value: &Option<FieldValue<'_>>| value.clone().map(FieldValue::into_owned);
    let mut found = Vec::new();
    for (field, value) in &after {
        match earlier.get(field) {
            Some(old) if value.is_none() || *old == value => {}
            old => found.push(Difference {
                field: field.owned(),
                before: old.and_then(|old| owned(old)),
                after: owned(value),
            }),
        }
    }
    for (field, value) in before.iter().filter(|(field, _)| !later.contains(field)) {
        found.push(Difference {
            field: field.owned(),
            before: owned(value),
            after: None,
        });
    }
    found
}
